
/*
 * weirctl keygen and sign: keys, and signatures under built bundles.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "weirctl_package.h"


#define WEIRCTL_KEY_PATH  4096


static int weirctl_key_write(const char *path, mode_t mode,
    const uint8_t *text, size_t len);


/* weirctl keygen NAME */

int
weirctl_keygen(weirctl_t *ctl)
{
    int             n, rc;
    char            path[WEIRCTL_KEY_PATH];
    uint8_t         seed[WEIR_KEY_LEN], pem[WEIR_SIGNER_PEM_LEN];
    const char     *name;
    weir_signer_t   signer;

    rc = weirctl_options(ctl, "Writes NAME.key (PKCS#8, for its owner only) "
                         "and NAME.pub, for weir_trust: an\nEd25519 key as "
                         "\"openssl genpkey -algorithm ed25519\" makes it.  "
                         "A file that is\nthere already is never replaced.",
                         NULL, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    name = ctl->argv[0];

    n = snprintf(path, sizeof(path), "%s.key", name);

    if (n < 0 || (size_t) n >= sizeof(path)) {
        return weirctl_error("the name is too long");
    }

    if (RAND_priv_bytes(seed, sizeof(seed)) != 1
        || weir_signer(&signer, seed) != WEIR_OK)
    {
        return weirctl_error("no randomness, or out of memory");
    }

    weir_signer_pem(pem, &signer);

    rc = weirctl_key_write(path, 0600, pem, WEIR_SIGNER_PEM_LEN);

    if (rc == WEIRCTL_GO_ON) {
        weir_public_key_pem(pem, &signer.pub);

        snprintf(path, sizeof(path), "%s.pub", name);

        rc = weirctl_key_write(path, 0644, pem, WEIR_PUBLIC_KEY_PEM_LEN);

        if (rc != WEIRCTL_GO_ON) {

            /* half a pair is none */

            snprintf(path, sizeof(path), "%s.key", name);
            (void) unlink(path);
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = WEIRCTL_YES;

        if (ctl->json) {
            rc = weirctl_print_json(json_pack("{s:s%}", "keyid",
                                              (char *) signer.pub.id,
                                              (size_t) WEIR_KEYID_LEN));
            rc = rc == WEIRCTL_GO_ON ? WEIRCTL_YES : rc;

        } else if (!ctl->quiet) {
            printf("%s.key, %s.pub: key %.*s\n", name, name, WEIR_KEYID_LEN,
                   (char *) signer.pub.id);
        }
    }

    weir_signer_wipe(&signer);
    OPENSSL_cleanse(seed, sizeof(seed));
    OPENSSL_cleanse(pem, sizeof(pem));

    return rc;
}


static int
weirctl_key_write(const char *path, mode_t mode, const uint8_t *text,
    size_t len)
{
    int      fd, failed;
    ssize_t  n;

    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
              mode);

    if (fd == -1) {
        return weirctl_error("%s: %s", path, strerror(errno));
    }

    n = write(fd, text, len);
    failed = n == -1 ? errno : (size_t) n < len ? ENOSPC : 0;

    if (failed == 0 && (fchmod(fd, mode) != 0 || fsync(fd) != 0)) {
        failed = errno;
    }

    if (close(fd) != 0 && failed == 0) {
        failed = errno;
    }

    if (failed) {
        (void) unlink(path);
        return weirctl_error("%s: %s", path, strerror(failed));
    }

    return WEIRCTL_GO_ON;
}


/* weirctl sign FILE */

int
weirctl_sign(weirctl_t *ctl)
{
    int                      rc;
    weirctl_fleet_t          f;
    weirctl_package_t        p;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));

    const weirctl_option_t  options[] = {
        weirctl_option_sign(&o),
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Adds signatures to a bundle that \"weirctl "
                         "build\" made; the file is replaced.\nWhere "
                         "weir_trust has a threshold, several people sign "
                         "the same file.",
                         options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_fleet_keys(ctl, &f, &o);

    if (rc == WEIRCTL_GO_ON && f.nsigners == 0) {
        rc = weirctl_error("no key: --sign-key FILE or $WEIR_SIGN_KEY says "
                           "which");
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_read(&f, &p, ctl->argv[0]);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_sign(&f, &p, ctl->argv[0]);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_write(&p, ctl->argv[0]);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_print(ctl, &p, ctl->argv[0], 0);
    }

    weirctl_fleet_done(&f);

    return rc;
}
