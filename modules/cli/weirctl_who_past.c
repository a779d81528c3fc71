
/*
 * weirctl review: since which version a rule stands, and by whom, from the
 * store's trail.
 */

#include <stdlib.h>

#include "weirctl_who.h"


typedef struct weirctl_then_s  weirctl_then_t;

struct weirctl_then_s {
    weir_str_t       text;           /* the envelope */
    weirctl_then_t  *next;
};


typedef struct {
    weirctl_who_t    *who;
    weirctl_fleet_t   fleet;
    weirctl_then_t   *first;
    weirctl_then_t  **last;
} weirctl_past_t;


static int weirctl_past_entry(void *ctx, weirctl_doc_t *d, uint64_t line);
static int weirctl_past_walk(weirctl_past_t *p);
static int weirctl_past_bundle(weirctl_past_t *p,
    const weirctl_package_t *package, int follows);
static int weirctl_past_segments(weirctl_past_t *p,
    weirctl_package_t *package);


int
weirctl_who_past(weirctl_who_t *w, const weirctl_fleet_options_t *o)
{
    int              rc;
    weirctl_past_t   p;

    memset(&p, 0, sizeof(weirctl_past_t));

    p.who = w;
    p.last = &p.first;

    w->past = weir_prove_past(&w->b.arena);

    if (w->past == NULL) {
        return weirctl_nomem();
    }

    rc = weirctl_fleet(w->ctl, &p.fleet, o, 0);

    if (rc == WEIRCTL_GO_ON && !p.fleet.checks) {
        rc = weirctl_error("--trust is needed: what was signed by nobody "
                           "known here is not told");
    }

    /* first all entries: a store has one connection */

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_trail(&p.fleet, weirctl_past_entry, &p);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_past_walk(&p);
    }

    weirctl_fleet_done(&p.fleet);

    return rc;
}


static int
weirctl_past_entry(void *ctx, weirctl_doc_t *d, uint64_t line)
{
    weirctl_past_t *p = ctx;

    weirctl_then_t  *then;

    if (d->readable && d->doc.kind != WEIR_KIND_BUNDLE) {
        return WEIRCTL_GO_ON;
    }

    if (!d->readable || !d->verified) {
        weirctl_note(p->who->ctl, "trail, entry %llu: %s; it is not told",
                     (unsigned long long) line, d->err.text);
        return WEIRCTL_GO_ON;
    }

    then = weir_arena_calloc(&p->fleet.arena, 1, sizeof(weirctl_then_t));

    if (then == NULL) {
        return weirctl_nomem();
    }

    then->text = weir_arena_copy(&p->fleet.arena, d->text);

    if (then->text.data == NULL) {
        return weirctl_nomem();
    }

    *p->last = then;
    p->last = &then->next;

    return WEIRCTL_GO_ON;
}


/* What does not come behind the one before is a replay, and passed over. */

static int
weirctl_past_walk(weirctl_past_t *p)
{
    int                 rc, follows;
    uint8_t             hash[WEIR_SHA256_LEN];
    uint64_t            version;
    weirctl_then_t     *then;
    weirctl_package_t   package;

    version = 0;
    memset(hash, 0, sizeof(hash));

    for (then = p->first; then != NULL; then = then->next) {

        memset(&package, 0, sizeof(weirctl_package_t));
        rc = weirctl_package_head(&p->fleet, &package, then->text);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }

        if (package.head.doc.version <= version) {
            continue;
        }

        follows = package.head.doc.version == version + 1
                  && (version == 0
                      || (package.head.doc.has_previous
                          && memcmp(package.head.doc.previous, hash,
                                    sizeof(hash)) == 0));

        version = package.head.doc.version;
        memcpy(hash, package.head.envelope.hash, sizeof(hash));

        rc = weirctl_past_bundle(p, &package, follows);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_past_bundle(weirctl_past_t *p, const weirctl_package_t *package,
    int follows)
{
    int                     rc;
    uint32_t                nfiles;
    weir_arena_t            arena;
    weir_zoneinfo_t         zi;
    weirctl_package_t       whole;
    weir_policy_bundle_t    b;
    weir_policy_source_t   *files;

    whole = *package;
    rc = weirctl_past_segments(p, &whole);

    if (rc != WEIRCTL_GO_ON && rc != WEIRCTL_NO) {
        return rc;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);
    weir_zoneinfo(&zi, &arena, WEIR_ZONEINFO);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_files(&p->fleet, &whole, &files, &nfiles);
    }

    if (rc == WEIRCTL_GO_ON) {

        if (weir_policy_compile(&arena, files, nfiles, &zi.zones, &b)
            != WEIR_OK)
        {
            weir_arena_done(&arena);
            return weirctl_nomem();
        }

        if (b.nerrors != 0) {
            rc = WEIRCTL_NO;
        }
    }

    if (rc == WEIRCTL_NO) {
        weirctl_note(p->who->ctl, "version %llu: its rules are not known any "
                     "more",
                     (unsigned long long) package->head.doc.version);
    }

    rc = weir_prove_past_add(p->who->past, rc == WEIRCTL_GO_ON ? &b : NULL,
                             package->head.doc.version,
                             weir_arena_copy(&p->who->b.arena,
                                             package->head.doc.by),
                             follows);

    weir_arena_done(&arena);

    return rc == WEIR_OK ? WEIRCTL_GO_ON : weirctl_nomem();
}


/* WEIRCTL_NO: one of them is not there any more. */

static int
weirctl_past_segments(weirctl_past_t *p, weirctl_package_t *package)
{
    uint32_t           i;
    weir_store_err_t   err;
    weir_document_t   *doc;
    weir_store_code_e  rc;

    doc = &package->head.doc;

    package->nsegments = doc->nsegments;
    package->segments = weir_arena_calloc(&p->fleet.arena, doc->nsegments + 1,
                                          sizeof(weir_store_segment_t));

    if (package->segments == NULL) {
        return weirctl_nomem();
    }

    for (i = 0; i < doc->nsegments; i++) {
        memcpy(package->segments[i].hash, doc->segments[i].hash,
               WEIR_STORE_HASH);

        rc = p->fleet.store->ops->segment(p->fleet.store, &p->fleet.arena,
                                          doc->segments[i].hash,
                                          (size_t) doc->segments[i].size,
                                          &package->segments[i].bytes, &err);

        if (rc == WEIR_STORE_MISSING || rc == WEIR_STORE_CORRUPT) {
            return WEIRCTL_NO;
        }

        if (rc != WEIR_STORE_OK) {
            return weirctl_store_error(&err);
        }
    }

    return WEIRCTL_GO_ON;
}
