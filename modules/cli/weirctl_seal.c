
/*
 * weirctl: a backup for the eyes of those who own a key: CMS
 * AuthEnvelopedData (RFC 5083, 5652) with AES-256-GCM (RFC 5084), as "openssl
 * cms" reads it, too.
 */

#include <errno.h>
#include <stdlib.h>

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "weirctl_state.h"


#define WEIRCTL_SEAL_FLAGS  (CMS_BINARY|CMS_PARTIAL|CMS_STREAM)


static int weirctl_seal_recipient(CMS_ContentInfo *cms, const char *path);
static int weirctl_seal_add(CMS_ContentInfo *cms, X509 *cert);
static int weirctl_seal_bytes(BIO *mem, weir_str_t *text);
static int weirctl_seal_error(const char *path, const char *what);


int
weirctl_sealed(weir_str_t text)
{
    static const char  plain[] = "weir-backup ";

    return text.len < sizeof(plain) - 1
           || memcmp(text.data, plain, sizeof(plain) - 1) != 0;
}


static int
weirctl_seal_error(const char *path, const char *what)
{
    unsigned long  e;

    e = ERR_peek_last_error();

    (void) weirctl_error("%s: %s%s%s", path, what, e != 0 ? ": " : "",
                         e != 0 && ERR_reason_error_string(e) != NULL
                         ? ERR_reason_error_string(e) : "");
    ERR_clear_error();

    return WEIRCTL_USAGE;
}


int
weirctl_seal(const weirctl_list_t *certificates, weir_str_t text,
    weir_str_t *sealed)
{
    int               rc;
    BIO              *in, *out;
    unsigned          i;
    CMS_ContentInfo  *cms;

    cms = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), WEIRCTL_SEAL_FLAGS);
    in = BIO_new_mem_buf(text.data, (int) text.len);
    out = BIO_new(BIO_s_mem());

    rc = cms != NULL && in != NULL && out != NULL ? WEIRCTL_GO_ON
                                                  : weirctl_nomem();

    for (i = 0; rc == WEIRCTL_GO_ON && i < certificates->n; i++) {
        rc = weirctl_seal_recipient(cms, certificates->items[i]);
    }

    if (rc == WEIRCTL_GO_ON
        && (CMS_final(cms, in, NULL, CMS_BINARY) != 1
            || i2d_CMS_bio(out, cms) != 1))
    {
        rc = weirctl_seal_error("backup", "it could not be encrypted");
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_seal_bytes(out, sealed);
    }

    CMS_ContentInfo_free(cms);
    BIO_free(in);
    BIO_free(out);

    return rc;
}


static int
weirctl_seal_recipient(CMS_ContentInfo *cms, const char *path)
{
    int    rc;
    BIO   *in;
    X509  *cert;

    in = BIO_new_file(path, "r");

    if (in == NULL) {
        ERR_clear_error();
        return weirctl_error("%s: %s", path, strerror(errno));
    }

    cert = PEM_read_bio_X509(in, NULL, NULL, NULL);

    if (cert == NULL) {
        rc = weirctl_seal_error(path, "no certificate (PEM)");

    } else {
        rc = weirctl_seal_add(cms, cert) == WEIR_OK ? WEIRCTL_GO_ON
             : weirctl_seal_error(path, "its key cannot be encrypted to (RSA "
                                  "and EC can)");
    }

    X509_free(cert);
    BIO_free(in);

    return rc;
}


/* OAEP instead of PKCS #1 v1.5; SHA-256 wherever SHA-1 is the default. */

static int
weirctl_seal_add(CMS_ContentInfo *cms, X509 *cert)
{
    EVP_PKEY_CTX       *ctx;
    CMS_RecipientInfo  *ri;

    ri = CMS_add1_recipient_cert(cms, cert, CMS_KEY_PARAM);

    if (ri == NULL) {
        return WEIR_ERROR;
    }

    ctx = CMS_RecipientInfo_get0_pkey_ctx(ri);

    if (ctx == NULL) {
        return WEIR_ERROR;
    }

    switch (EVP_PKEY_get_base_id(X509_get0_pubkey(cert))) {

    case EVP_PKEY_RSA:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0
               && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0
               ? WEIR_OK : WEIR_ERROR;

    case EVP_PKEY_EC:
        return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) > 0
               ? WEIR_OK : WEIR_ERROR;

    default:
        return WEIR_ERROR;
    }
}


static int
weirctl_seal_bytes(BIO *mem, weir_str_t *text)
{
    long   len;
    char  *data, *copy;

    len = BIO_get_mem_data(mem, &data);
    copy = malloc(len > 0 ? (size_t) len : 1);

    if (copy == NULL) {
        return weirctl_nomem();
    }

    if (len > 0) {
        memcpy(copy, data, (size_t) len);
    }

    text->data = (const uint8_t *) copy;
    text->len = len > 0 ? (size_t) len : 0;

    return WEIRCTL_GO_ON;
}


/* A passphrase of the key is asked for at the terminal. */

int
weirctl_unseal(const char *path, const char *key, weir_str_t sealed,
    weir_str_t *text)
{
    int               rc;
    BIO              *in, *out;
    EVP_PKEY         *pkey;
    CMS_ContentInfo  *cms;

    in = BIO_new_file(key, "r");

    if (in == NULL) {
        ERR_clear_error();
        return weirctl_error("%s: %s", key, strerror(errno));
    }

    pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    BIO_free(in);

    if (pkey == NULL) {
        return weirctl_seal_error(key, "no private key (PEM)");
    }

    in = BIO_new_mem_buf(sealed.data, (int) sealed.len);
    out = BIO_new(BIO_s_mem());
    cms = in != NULL ? d2i_CMS_bio(in, NULL) : NULL;

    if (in == NULL || out == NULL) {
        rc = weirctl_nomem();

    } else if (cms == NULL || BIO_pending(in) != 0) {
        (void) weirctl_seal_error(path, "it is no backup, nor an encrypted "
                                  "one");
        rc = WEIRCTL_NO;

    } else if (OBJ_obj2nid(CMS_get0_type(cms))
               != NID_id_smime_ct_authEnvelopedData
               || CMS_decrypt(cms, pkey, NULL, NULL, out, CMS_BINARY) != 1)
    {
        (void) weirctl_seal_error(path, "bad-signature: it was changed, or "
                                  "is not for this key");
        rc = WEIRCTL_NO;

    } else {
        rc = weirctl_seal_bytes(out, text);
    }

    CMS_ContentInfo_free(cms);
    EVP_PKEY_free(pkey);
    BIO_free(in);
    BIO_free(out);

    return rc;
}
