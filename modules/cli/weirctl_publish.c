
/*
 * weirctl: a bundle published, and what becomes of it in the fleet.
 */

#include "weirctl_package.h"


#define WEIRCTL_KEEP      16         /* bundles that may be rolled back to */
#define WEIRCTL_YOUNG_S   600        /* segments that a gateway may be at */


typedef struct {
    uint8_t   hashes[WEIRCTL_KEEP][WEIR_BUNDLE_SEGMENTS][WEIR_STORE_HASH];
    uint32_t  n[WEIRCTL_KEEP];
    uint32_t  next;
} weirctl_keep_t;


static int weirctl_keep_entry(void *ctx, weirctl_doc_t *d, uint64_t line);
static int weirctl_collect(weirctl_fleet_t *f, const weirctl_package_t *p);
static int weirctl_publish_print(weirctl_fleet_t *f,
    const weirctl_wanted_t *w, const weirctl_package_t *p,
    const weirctl_gateways_t *before, const weirctl_gateways_t *g);


int
weirctl_package_publish(weirctl_fleet_t *f, const weirctl_package_t *p,
    const weirctl_doc_t *head, const weirctl_gateways_t *g, int no_wait)
{
    int                  rc;
    uint32_t             i, live;
    weirctl_wanted_t     wanted;
    weir_store_err_t     err;
    weirctl_gateways_t   after;
    weir_store_change_t  change;

    live = 0;

    for (i = 0; i < g->n; i++) {
        live += g->list[i].live;

        if (g->list[i].live && p->head.envelope.nsigs == 0
            && strcmp(g->list[i].trust, "keys") == 0)
        {
            (void) weirctl_error("gateway %.*s takes signed bundles only: "
                                 "--sign-key or $WEIR_SIGN_KEY signs",
                                 (int) g->list[i].node.len,
                                 g->list[i].node.data);
            return WEIRCTL_NO;
        }
    }

    if (p->head.envelope.nsigs == 0) {
        weirctl_note(f->ctl, "the bundle is unsigned: gateways take it with "
                     "\"weir_trust off\" alone");
    }

    memset(&change, 0, sizeof(weir_store_change_t));

    change.bytes = p->head.text;
    change.expect = head->there ? head->text_hash : NULL;
    change.segments = p->segments;
    change.nsegments = p->nsegments;
    change.now = weirctl_now();

    if (f->store->ops->publish(f->store, &change, &err) != WEIR_STORE_OK) {
        return weirctl_store_error(&err);
    }

    if (p->nsegments != 0) {
        rc = weirctl_collect(f, p);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    wanted.name = "bundle/" WEIR_BUNDLE_ID;
    wanted.version = p->head.doc.version;
    wanted.hash = p->head.envelope.hash;
    wanted.activate_at = p->head.doc.activate_at;

    if (no_wait || live == 0) {

        if (live == 0) {
            weirctl_note(f->ctl, "no live gateway");
        }

        return weirctl_publish_print(f, &wanted, p, g, NULL);
    }

    rc = weirctl_wait(f, &wanted, g, &after);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_publish_print(f, &wanted, p, g, &after);
    }

    weirctl_gateways_done(&after);

    return rc;
}


/* What the last bundles name stays, so that they can come back. */

static int
weirctl_keep_entry(void *ctx, weirctl_doc_t *d, uint64_t line)
{
    weirctl_keep_t *k = ctx;

    uint32_t  i, slot;

    (void) line;

    if (!d->readable || d->doc.kind != WEIR_KIND_BUNDLE
        || d->doc.nsegments > WEIR_BUNDLE_SEGMENTS)
    {
        return WEIRCTL_GO_ON;
    }

    slot = k->next++ % WEIRCTL_KEEP;

    for (i = 0; i < d->doc.nsegments; i++) {
        memcpy(k->hashes[slot][i], d->doc.segments[i].hash,
               WEIR_STORE_HASH);
    }

    k->n[slot] = d->doc.nsegments;

    return WEIRCTL_GO_ON;
}


static int
weirctl_collect(weirctl_fleet_t *f, const weirctl_package_t *p)
{
    int                  rc;
    uint8_t            (*keep)[WEIR_STORE_HASH];
    uint32_t             i, n, slot;
    weirctl_keep_t      *k;
    weir_store_err_t     err;
    weir_store_code_e    code;

    k = weir_arena_calloc(&f->arena, 1, sizeof(weirctl_keep_t));
    keep = weir_arena_calloc(&f->arena,
                             (WEIRCTL_KEEP + 1) * WEIR_BUNDLE_SEGMENTS,
                             WEIR_STORE_HASH);

    if (k == NULL || keep == NULL) {
        return weirctl_nomem();
    }

    rc = weirctl_trail(f, weirctl_keep_entry, k);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    n = 0;

    for (slot = 0; slot < WEIRCTL_KEEP; slot++) {
        for (i = 0; i < k->n[slot]; i++) {
            memcpy(keep[n++], k->hashes[slot][i], WEIR_STORE_HASH);
        }
    }

    for (i = 0; i < p->nsegments; i++) {
        memcpy(keep[n++], p->segments[i].hash, WEIR_STORE_HASH);
    }

    code = f->store->ops->collect(f->store, p->head.text_hash,
                                  (const uint8_t (*)[WEIR_STORE_HASH]) keep,
                                  n, weirctl_now() - WEIRCTL_YOUNG_S, &i,
                                  &err);

    /* the bundle is there; what is left over may wait for the next push */

    if (code != WEIR_STORE_OK && code != WEIR_STORE_CONFLICT) {
        weirctl_note(f->ctl, "old segments stay: %s", err.err.text);
    }

    return WEIRCTL_GO_ON;
}


/* g: after the wait; NULL: nobody was waited for. */

static int
weirctl_publish_print(weirctl_fleet_t *f, const weirctl_wanted_t *w,
    const weirctl_package_t *p, const weirctl_gateways_t *before,
    const weirctl_gateways_t *g)
{
    int              rc, print;
    json_t          *array;
    weirctl_hash_t   hash;

    array = json_array();
    weirctl_hash(&hash, w->hash);

    if (!f->ctl->json && !f->ctl->quiet) {
        printf("version %llu %s\n", (unsigned long long) w->version,
               hash.text);
    }

    rc = g == NULL ? WEIRCTL_YES : weirctl_wait_print(f, w, before, g, array);

    if (!f->ctl->json) {
        json_decref(array);
        return rc;
    }

    print = weirctl_print_json(
        json_pack("{s:I, s:s, s:I, s:o}", "version",
                  (json_int_t) w->version, "hash", hash.text,
                  "signatures", (json_int_t) p->head.envelope.nsigs,
                  "gateways", array));

    return print == WEIRCTL_GO_ON ? rc : print;
}
