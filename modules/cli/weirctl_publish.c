
/*
 * weirctl: a bundle published, and what becomes of it in the fleet.
 */

#include <time.h>

#include "weirctl_package.h"


#define WEIRCTL_WAIT_MS   5000
#define WEIRCTL_POLL_MS   50
#define WEIRCTL_KEEP      16         /* bundles that may be rolled back to */
#define WEIRCTL_YOUNG_S   600        /* segments that a gateway may be at */


typedef struct {
    uint8_t   hashes[WEIRCTL_KEEP][WEIR_BUNDLE_SEGMENTS][WEIR_STORE_HASH];
    uint32_t  n[WEIRCTL_KEEP];
    uint32_t  next;
} weirctl_keep_t;


static int weirctl_keep_entry(void *ctx, weirctl_doc_t *d, uint64_t line);
static int weirctl_collect(weirctl_fleet_t *f, const weirctl_package_t *p);
static const char *weirctl_wait_state(const weirctl_gateway_t *g,
    const weirctl_gateway_t *before, const weirctl_package_t *p, int last);
static int weirctl_wait(weirctl_fleet_t *f, const weirctl_package_t *p,
    const weirctl_gateways_t *before, weirctl_gateways_t *g);
static int weirctl_publish_print(weirctl_fleet_t *f,
    const weirctl_package_t *p, const weirctl_gateways_t *before,
    const weirctl_gateways_t *g);
static const weirctl_gateway_t *weirctl_gateway_find(
    const weirctl_gateways_t *g, weir_str_t node);


int
weirctl_package_publish(weirctl_fleet_t *f, const weirctl_package_t *p,
    const weirctl_doc_t *head, const weirctl_gateways_t *g, int no_wait)
{
    int                  rc;
    uint32_t             i, live;
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

    if (no_wait || live == 0) {

        if (live == 0) {
            weirctl_note(f->ctl, "no live gateway");
        }

        return weirctl_publish_print(f, p, g, NULL);
    }

    rc = weirctl_wait(f, p, g, &after);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_publish_print(f, p, g, &after);
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


static const weirctl_gateway_t *
weirctl_gateway_find(const weirctl_gateways_t *g, weir_str_t node)
{
    uint32_t  i;

    for (i = 0; i < g->n; i++) {
        if (weir_str_eq(g->list[i].node, node)) {
            return &g->list[i];
        }
    }

    return NULL;
}


/*
 * Whose signature does not hold has no version that could be told: such a
 * refusal is ours if it was not there before, or is still there at last.
 */

static const char *
weirctl_wait_state(const weirctl_gateway_t *g,
    const weirctl_gateway_t *before, const weirctl_package_t *p, int last)
{
    weirctl_hash_t  hash;

    if (g == NULL || !g->live) {
        return "lost";
    }

    if (g->reason != NULL
        && (g->refused == p->head.doc.version
            || (g->refused == 0 && (last || before->reason == NULL
                                    || strcmp(g->reason, before->reason)
                                       != 0))))
    {
        return "error";
    }

    if (g->version == p->head.doc.version) {
        weirctl_hash(&hash, p->head.envelope.hash);
        return strcmp(g->hash, hash.text) == 0 ? "current" : "error";
    }

    if (g->waiting == p->head.doc.version) {
        return "waiting";
    }

    /* somebody pushed again meanwhile, and they are there already */

    return g->version > p->head.doc.version ? "current" : "behind";
}


static int
weirctl_wait(weirctl_fleet_t *f, const weirctl_package_t *p,
    const weirctl_gateways_t *before, weirctl_gateways_t *g)
{
    int               rc;
    int64_t           ms;
    uint32_t          i, waiting;
    const char       *state;
    struct timespec   start, now, pause;

    pause.tv_sec = 0;
    pause.tv_nsec = WEIRCTL_POLL_MS * 1000000L;

    (void) clock_gettime(CLOCK_MONOTONIC, &start);

    for ( ;; ) {
        rc = weirctl_gateways(f, g);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }

        waiting = 0;

        for (i = 0; i < before->n; i++) {

            if (!before->list[i].live) {
                continue;
            }

            state = weirctl_wait_state(
                weirctl_gateway_find(g, before->list[i].node),
                &before->list[i], p, 0);

            waiting += strcmp(state, "behind") == 0
                       || strcmp(state, "lost") == 0;
        }

        (void) clock_gettime(CLOCK_MONOTONIC, &now);

        ms = (int64_t) (now.tv_sec - start.tv_sec) * 1000
             + (now.tv_nsec - start.tv_nsec) / 1000000;

        if (waiting == 0 || ms >= WEIRCTL_WAIT_MS) {
            return WEIRCTL_GO_ON;
        }

        weirctl_gateways_done(g);

        (void) nanosleep(&pause, NULL);
    }
}


/* g: after the wait; NULL: nobody was waited for. */

static int
weirctl_publish_print(weirctl_fleet_t *f, const weirctl_package_t *p,
    const weirctl_gateways_t *before, const weirctl_gateways_t *g)
{
    int                       rc, print;
    json_t                   *array;
    uint32_t                  i;
    const char               *state;
    weirctl_hash_t            hash;
    weirctl_time_t            at;
    const weirctl_gateway_t  *gw;

    rc = WEIRCTL_YES;
    array = json_array();
    weirctl_hash(&hash, p->head.envelope.hash);

    if (!f->ctl->json && !f->ctl->quiet) {
        printf("version %llu %s\n", (unsigned long long) p->head.doc.version,
               hash.text);
    }

    for (i = 0; g != NULL && i < before->n; i++) {

        if (!before->list[i].live) {
            continue;
        }

        gw = weirctl_gateway_find(g, before->list[i].node);
        state = weirctl_wait_state(gw, &before->list[i], p, 1);

        if (gw == NULL) {
            gw = &before->list[i];
        }

        if (strcmp(state, "current") != 0 && strcmp(state, "waiting") != 0) {
            rc = WEIRCTL_NO;

            fprintf(stderr, "weirctl: gateway %.*s: %s", (int) gw->node.len,
                    gw->node.data, state);

            if (strcmp(state, "error") == 0 && gw->reason != NULL) {
                fprintf(stderr, ", ");
                weirctl_print_text(stderr, (weir_str_t) {
                    strlen(gw->reason), (const uint8_t *) gw->reason });
                fprintf(stderr, ": ");
                weirctl_print_text(stderr, (weir_str_t) {
                    strlen(gw->message), (const uint8_t *) gw->message });

            } else if (strcmp(state, "behind") == 0) {
                fprintf(stderr, ", it has version %llu",
                        (unsigned long long) gw->version);
            }

            fprintf(stderr, "\n");
        }

        (void) json_array_append_new(array,
            json_pack("{s:s%, s:s}", "node", (char *) gw->node.data,
                      gw->node.len, "state", state));

        if (f->ctl->json || f->ctl->quiet) {
            continue;
        }

        if (strcmp(state, "current") == 0) {
            printf("%.*s current\n", (int) gw->node.len, gw->node.data);

        } else if (strcmp(state, "waiting") == 0) {
            weirctl_time(&at, p->head.doc.activate_at);
            printf("%.*s waiting until %s\n", (int) gw->node.len,
                   gw->node.data, at.text);
        }
    }

    if (!f->ctl->json) {
        json_decref(array);
        return rc;
    }

    print = weirctl_print_json(
        json_pack("{s:I, s:s, s:I, s:o}", "version",
                  (json_int_t) p->head.doc.version, "hash", hash.text,
                  "signatures", (json_int_t) p->head.envelope.nsigs,
                  "gateways", array));

    return print == WEIRCTL_GO_ON ? rc : print;
}
