
/*
 * weirctl pull: a bundle's policies out of the store.
 */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "weirctl_package.h"


static int weirctl_pull_folder(const char *path,
    const weir_policy_source_t *files, uint32_t nfiles);
static int weirctl_pull_empty(const char *path);
static int weirctl_pull_write(const char *path,
    const weir_policy_source_t *file);


/* weirctl pull PATH */

int
weirctl_pull(weirctl_t *ctl)
{
    int                      rc, file;
    uint64_t                 version;
    uint32_t                 nfiles;
    const char              *from;
    weirctl_fleet_t          f;
    weirctl_package_t        p;
    weir_policy_source_t    *files;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    o.reads = 1;
    file = 0;
    from = NULL;

    const weirctl_option_t  options[] = {
        { "version", WEIRCTL_VALUE, &from, "N", "the head's" },
        { "file", WEIRCTL_FLAG, &file, NULL,
          "PATH is one file, as \"weirctl build\" writes" },
        weirctl_option_store(&o),
        weirctl_option_trust(&o),
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Writes the policies of a bundle into the "
                         "folder PATH, which must be empty or not\nthere "
                         "yet.  With --trust the bundle must be signed by "
                         "these keys.", options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    version = 0;

    if (from != NULL) {
        rc = weirctl_version_option(from, &version);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    rc = weirctl_fleet(ctl, &f, &o, 0);

    if (rc == WEIRCTL_GO_ON) {

        if (version != 0) {
            rc = weirctl_package_find(&f, &p, version, NULL);

        } else {
            memset(&p, 0, sizeof(weirctl_package_t));
            rc = weirctl_doc_fetch(&f, &p.head, WEIR_KIND_BUNDLE,
                                   weir_str(WEIR_BUNDLE_ID));

            if (rc == WEIRCTL_GO_ON && !p.head.readable) {
                (void) weirctl_error("%s", p.head.there ? p.head.err.text
                                     : "the store has no bundle");
                rc = WEIRCTL_NO;
            }
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_verified(&f, &p.head);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_fetch(&f, &p);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_files(&f, &p, &files, &nfiles);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = file ? weirctl_package_write(&p, ctl->argv[0])
             : weirctl_pull_folder(ctl->argv[0], files, nfiles);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_print(ctl, &p, ctl->argv[0], nfiles);
    }

    weirctl_fleet_done(&f);

    return rc;
}


/* Names were verified to stay below the folder: weir_bundle_file_valid(). */

static int
weirctl_pull_folder(const char *path, const weir_policy_source_t *files,
    uint32_t nfiles)
{
    int       rc;
    uint32_t  i;

    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return weirctl_error("%s: %s", path, strerror(errno));
    }

    rc = weirctl_pull_empty(path);

    for (i = 0; rc == WEIRCTL_GO_ON && i < nfiles; i++) {
        rc = weirctl_pull_write(path, &files[i]);
    }

    return rc;
}


static int
weirctl_pull_empty(const char *path)
{
    DIR            *d;
    struct dirent  *entry;

    d = opendir(path);

    if (d == NULL) {
        return weirctl_error("%s: %s", path, strerror(errno));
    }

    do {
        entry = readdir(d);
    } while (entry != NULL && (strcmp(entry->d_name, ".") == 0
                               || strcmp(entry->d_name, "..") == 0));

    (void) closedir(d);

    return entry == NULL ? WEIRCTL_GO_ON
                         : weirctl_error("%s: the folder is not empty", path);
}


static int
weirctl_pull_write(const char *path, const weir_policy_source_t *file)
{
    int    rc, failed;
    char  *name, *p, *slash;
    FILE  *out;

    if (asprintf(&name, "%s/%.*s", path, (int) file->name.len,
                 (char *) file->name.data)
        == -1)
    {
        return weirctl_nomem();
    }

    rc = WEIRCTL_GO_ON;

    for (p = name + strlen(path) + 1; (slash = strchr(p, '/')) != NULL;
         p = slash + 1)
    {
        *slash = '\0';

        if (mkdir(name, 0777) != 0 && errno != EEXIST) {
            rc = weirctl_error("%s: %s", name, strerror(errno));
        }

        *slash = '/';
    }

    out = rc == WEIRCTL_GO_ON ? fopen(name, "wxe") : NULL;

    if (rc == WEIRCTL_GO_ON && out == NULL) {
        rc = weirctl_error("%s: %s", name, strerror(errno));
    }

    if (out != NULL) {
        (void) fwrite(file->text.data, 1, file->text.len, out);

        failed = fflush(out) != 0 ? errno : 0;

        if (fclose(out) != 0 && failed == 0) {
            failed = errno;
        }

        if (failed) {
            rc = weirctl_error("%s: %s", name, strerror(failed));
        }
    }

    free(name);

    return rc;
}
