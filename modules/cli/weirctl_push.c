
/*
 * weirctl build, push and rollback: policies, or an older content, into a
 * signed bundle and into the store.
 */

#include <errno.h>
#include <sys/stat.h>

#include "weir_strict.h"
#include "weirctl_package.h"


/* What push, build and rollback begin with. */

typedef struct {
    weirctl_doc_t       head;
    weirctl_gateways_t  gateways;
    weirctl_last_t      last;
} weirctl_base_t;


static int weirctl_base(weirctl_fleet_t *f, weirctl_base_t *b);
static int weirctl_push_folder(weirctl_fleet_t *f, weirctl_base_t *b,
    const char *path, int no_wait);
static int weirctl_push_file(weirctl_fleet_t *f, weirctl_base_t *b,
    const char *path, int no_wait);
static int weirctl_push_follows(weirctl_base_t *b, const char *path,
    const weirctl_package_t *p);
static int weirctl_push_files(weirctl_fleet_t *f, weirctl_base_t *b,
    weirctl_package_t *p, int tests, int no_wait);


static int
weirctl_base(weirctl_fleet_t *f, weirctl_base_t *b)
{
    int  rc;

    rc = weirctl_doc_fetch(f, &b->head, WEIR_KIND_BUNDLE,
                           weir_str(WEIR_BUNDLE_ID));

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_gateways(f, &b->gateways);
    }

    return rc == WEIRCTL_GO_ON
           ? weirctl_last(f, &b->last, &b->head, "bundle/" WEIR_BUNDLE_ID,
                          &b->gateways)
           : rc;
}


/* weirctl build DIR FILE */

int
weirctl_build(weirctl_t *ctl)
{
    int                      rc;
    weirctl_base_t           base;
    weirctl_fleet_t          f;
    weirctl_bundle_t         b;
    weirctl_package_t        p;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    memset(&base, 0, sizeof(weirctl_base_t));

    const weirctl_option_t  options[] = {
        weirctl_options_publish(&o),
        weirctl_option_activate(&o),
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Compiles and tests the policies and writes a "
                         "bundle into FILE, for\n\"weirctl sign\" and "
                         "\"weirctl push FILE\".  Its version follows the "
                         "store's;\nwithout a store it is the first one.",
                         options, 2, 2);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (weirctl_fleet_named(&o)) {
        rc = weirctl_fleet(ctl, &f, &o, 0);

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_base(&f, &base);
        }

    } else {
        rc = weirctl_fleet_keys(ctl, &f, &o);
    }

    memset(&b, 0, sizeof(weirctl_bundle_t));

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_bundle(ctl, &b, ctl->argv[0], WEIRCTL_FOLDER);

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_package_check(ctl, &b, 1);
        }

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_package_make(&f, &p, b.bundle.sources,
                                      b.bundle.nsources, &base.head,
                                      &base.last);
        }

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_package_write(&p, ctl->argv[1]);
        }

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_package_print(ctl, &p, ctl->argv[1],
                                       b.bundle.nsources);
        }

        weirctl_bundle_done(&b);
    }

    weirctl_gateways_done(&base.gateways);
    weirctl_fleet_done(&f);

    return rc;
}


/* weirctl push DIR|FILE */

int
weirctl_push(weirctl_t *ctl)
{
    int                      rc, no_wait;
    struct stat              st;
    weirctl_base_t           b;
    weirctl_fleet_t          f;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    memset(&b, 0, sizeof(weirctl_base_t));
    no_wait = 0;

    const weirctl_option_t  options[] = {
        weirctl_options_publish(&o),
        weirctl_option_activate(&o),
        { "no-wait", WEIRCTL_FLAG, &no_wait, NULL,
          "do not wait for the gateways" },
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Compiles and tests the policies below DIR, "
                         "signs them and publishes them; or\npublishes what "
                         "\"weirctl build\" wrote into FILE.  Then waits 5 s "
                         "for all live\ngateways.  Exit: 0, or 1 if nothing "
                         "was published, or a gateway refuses it\nor lags.",
                         options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (stat(ctl->argv[0], &st) != 0) {
        return weirctl_error("%s: %s", ctl->argv[0], strerror(errno));
    }

    if (!S_ISDIR(st.st_mode)
        && (o.reason != NULL || o.by != NULL || o.epoch != NULL
            || o.activate_at != NULL))
    {
        return weirctl_error("%s: --reason, --by, --epoch and --activate-at "
                             "are what \"weirctl build\" signs into the file",
                             ctl->argv[0]);
    }

    rc = weirctl_fleet(ctl, &f, &o, 1);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_base(&f, &b);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = S_ISDIR(st.st_mode)
             ? weirctl_push_folder(&f, &b, ctl->argv[0], no_wait)
             : weirctl_push_file(&f, &b, ctl->argv[0], no_wait);
    }

    weirctl_gateways_done(&b.gateways);
    weirctl_fleet_done(&f);

    return rc;
}


static int
weirctl_push_folder(weirctl_fleet_t *f, weirctl_base_t *b, const char *path,
    int no_wait)
{
    int                rc;
    weirctl_bundle_t   bundle;
    weirctl_package_t  p;

    rc = weirctl_bundle(f->ctl, &bundle, path, WEIRCTL_FOLDER);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_check(f->ctl, &bundle, 1);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_contract(&b->gateways, &bundle.bundle);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_make(f, &p, bundle.bundle.sources,
                                  bundle.bundle.nsources, &b->head,
                                  &b->last);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_publish(f, &p, &b->head, &b->gateways, no_wait);
    }

    weirctl_bundle_done(&bundle);

    return rc;
}


static int
weirctl_push_file(weirctl_fleet_t *f, weirctl_base_t *b, const char *path,
    int no_wait)
{
    int                rc;
    weirctl_package_t  p;

    rc = weirctl_package_read(f, &p, path);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_push_follows(b, path, &p);
    }

    /* who publishes it signs it too */

    if (rc == WEIRCTL_GO_ON && f->nsigners != 0) {
        rc = weirctl_package_sign(f, &p, path);
    }

    return rc == WEIRCTL_GO_ON ? weirctl_push_files(f, b, &p, 1, no_wait)
                               : rc;
}


/* Signed long ago, it must still be what comes next. */

static int
weirctl_push_follows(weirctl_base_t *b, const char *path,
    const weirctl_package_t *p)
{
    const weir_document_t  *doc;

    doc = &p->head.doc;

    if (p->head.why == WEIR_REFUSAL_NAMESPACE
        || p->head.why == WEIR_REFUSAL_BAD_SIGNATURE)
    {
        (void) weirctl_error("%s: %s", path, p->head.err.text);
        return WEIRCTL_NO;
    }

    if (doc->version <= b->last.highest) {
        (void) weirctl_error("%s was built as version %llu, the fleet knows "
                             "%llu: build it again", path,
                             (unsigned long long) doc->version,
                             (unsigned long long) b->last.highest);
        return WEIRCTL_NO;
    }

    if (doc->has_previous != b->last.has_previous
        || memcmp(doc->previous, b->last.previous, WEIR_SHA256_LEN) != 0)
    {
        (void) weirctl_error("%s was built on another head than the store "
                             "has: build it again", path);
        return WEIRCTL_NO;
    }

    return WEIRCTL_GO_ON;
}


/* A bundle as it is: its policies must compile here too. */

static int
weirctl_push_files(weirctl_fleet_t *f, weirctl_base_t *b,
    weirctl_package_t *p, int tests, int no_wait)
{
    int                    rc;
    uint32_t               nfiles;
    weirctl_bundle_t       bundle;
    weir_policy_source_t  *files;

    rc = weirctl_package_files(f, p, &files, &nfiles);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_package_compile(f->ctl, &bundle, files, nfiles, tests);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_contract(&b->gateways, &bundle.bundle);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_publish(f, p, &b->head, &b->gateways, no_wait);
    }

    weirctl_bundle_done(&bundle);

    return rc;
}


/* weirctl rollback [--to N] */

int
weirctl_rollback(weirctl_t *ctl)
{
    int                      rc, no_wait;
    char                     reason[64];
    uint64_t                 version;
    uint32_t                 nfiles;
    const char              *to;
    weirctl_base_t           b;
    weirctl_fleet_t          f;
    weirctl_package_t        old, new;
    weir_policy_source_t    *files;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    memset(&b, 0, sizeof(weirctl_base_t));
    no_wait = 0;
    to = NULL;

    const weirctl_option_t  options[] = {
        { "to", WEIRCTL_VALUE, &to, "VERSION",
          "whose content; the last other one" },
        weirctl_options_publish(&o),
        { "no-wait", WEIRCTL_FLAG, &no_wait, NULL,
          "do not wait for the gateways" },
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Publishes the content of an older bundle as a "
                         "new version, signed anew: gateways\nnever take an "
                         "older version.  Its old signature must be by a key "
                         "given here.", options, 0, 0);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    version = 0;

    if (to != NULL) {
        rc = weirctl_version_option(to, &version);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    rc = weirctl_fleet(ctl, &f, &o, 0);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_base(&f, &b);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_find(&f, &old, version, &b.head);
    }

    /* who signs here answers for the content */

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_verified(&f, &old.head);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_fetch(&f, &old);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_files(&f, &old, &files, &nfiles);
    }

    if (rc == WEIRCTL_GO_ON) {

        if (o.reason == NULL) {
            snprintf(reason, sizeof(reason), "rollback to version %llu",
                     (unsigned long long) old.head.doc.version);
            f.reason = reason;
        }

        rc = weirctl_package_make(&f, &new, files, nfiles, &b.head,
                                  &b.last);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_push_files(&f, &b, &new, 0, no_wait);
    }

    weirctl_gateways_done(&b.gateways);
    weirctl_fleet_done(&f);

    return rc;
}


int
weirctl_version_option(const char *text, uint64_t *version)
{
    if (weir_u64_parse(weir_cstr(text), version) != WEIR_OK || *version == 0) {
        return weirctl_error("invalid version \"%s\"", text);
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_verified(weirctl_fleet_t *f, const weirctl_doc_t *d)
{
    if (!f->checks) {
        weirctl_note(f->ctl, "version %llu: signatures are not verified, as "
                     "no key was given",
                     (unsigned long long) d->doc.version);
        return WEIRCTL_GO_ON;
    }

    if (!d->verified) {
        (void) weirctl_error("version %llu: %s",
                             (unsigned long long) d->doc.version,
                             d->err.text);
        return WEIRCTL_NO;
    }

    return WEIRCTL_GO_ON;
}
