
/*
 * weirctl: all that a store holds, read while others may publish.
 */

#include "weirctl_state.h"


#define WEIRCTL_STATE_TRIES  5


static int weirctl_state_read(weirctl_state_t *s);
static int weirctl_state_moved(weirctl_state_t *s);
static void weirctl_state_empty(weirctl_state_t *s);
static int weirctl_state_fetch_place(weirctl_state_t *s, weir_str_t kind,
    weir_str_t id);
static int weirctl_state_line(void *ctx, int64_t when, weir_str_t line);
static int weirctl_state_fetch_bundle(weirctl_state_t *s,
    const weir_document_t *doc, int needed);


/*
 * Documents first, then the trail: it may have more than they, which the
 * second look tells.
 */

int
weirctl_state_fetch(weirctl_state_t *s)
{
    int  rc, tries;

    for (tries = 0; tries < WEIRCTL_STATE_TRIES; tries++) {
        weirctl_state_empty(s);

        rc = weirctl_state_read(s);

        if (rc != WEIRCTL_GO_ON || !weirctl_state_moved(s)) {
            return rc;
        }
    }

    (void) weirctl_error("%s: somebody publishes all the time", s->from);

    return WEIRCTL_NO;
}


static void
weirctl_state_empty(weirctl_state_t *s)
{
    s->nplaces = 0;
    s->nentries = 0;
    s->nsegments = 0;
    s->strangers = 0;
    s->bad = 0;

    (void) json_array_clear(s->problems);
}


static int
weirctl_state_read(weirctl_state_t *s)
{
    int                 rc;
    uint32_t            i;
    weir_str_t          none;
    weir_store_t       *store;
    weir_store_err_t    err;
    weir_store_list_t   list;
    weir_store_code_e   code;

    memset(&none, 0, sizeof(weir_str_t));

    store = s->fleet->store;

    /* what somebody made of the hint is no damage to anything */

    if (store->ops->rev(store, &s->rev, &err) != WEIR_STORE_OK) {
        s->rev = 0;
    }

    if (store->ops->lives(store, &s->fleet->arena, none, WEIRCTL_LIVES, &list,
                          &err)
        != WEIR_STORE_OK)
    {
        return weirctl_store_error(&err);
    }

    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON && i < list.n; i++) {
        rc = weirctl_state_fetch_place(s, list.entries[i].kind,
                                       list.entries[i].name);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_state_fetch_place(s, none, none);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    s->rc = WEIRCTL_GO_ON;

    code = store->ops->audit(store, 0, WEIR_ENVELOPE_MAX, weirctl_state_line,
                             s, &err);

    if (s->rc != WEIRCTL_GO_ON) {
        return s->rc;
    }

    if (code == WEIR_STORE_CORRUPT || code == WEIR_STORE_TOO_LARGE) {
        return weirctl_state_bad(s, "trail", s->nentries + 1,
                                 WEIR_REFUSAL_TRUNCATED, err.err.text);
    }

    return code == WEIR_STORE_OK ? WEIRCTL_GO_ON : weirctl_store_error(&err);
}


/* Whether the head or any live document is another one by now. */

static int
weirctl_state_moved(weirctl_state_t *s)
{
    int               moved;
    uint64_t          rev;
    weir_str_t        text;
    weir_arena_t      arena;
    weir_store_t     *store;
    weirctl_place_t  *head;

    store = s->fleet->store;
    head = weirctl_state_find(s, weir_str("bundle/" WEIR_BUNDLE_ID));

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    moved = 0;

    if (store->ops->rev(store, &rev, NULL) == WEIR_STORE_OK
        && rev != s->rev)
    {
        moved = 1;
    }

    if (store->ops->head(store, &arena, WEIR_ENVELOPE_MAX, &text, NULL)
        == WEIR_STORE_OK
        && (head == NULL || !weir_str_eq(head->doc.text, text)))
    {
        moved = 1;
    }

    weir_arena_done(&arena);

    return moved;
}


static int
weirctl_state_fetch_place(weirctl_state_t *s, weir_str_t kind, weir_str_t id)
{
    char               where[WEIR_DOCUMENT_NAME_MAX + 1];
    weir_str_t         text;
    weir_store_t      *store;
    weir_store_err_t   err;
    weir_store_code_e  rc;

    store = s->fleet->store;

    if (kind.len == 0) {
        snprintf(where, sizeof(where), "bundle/" WEIR_BUNDLE_ID);

        rc = store->ops->head(store, &s->fleet->arena, WEIR_ENVELOPE_MAX,
                              &text, &err);

    } else {
        snprintf(where, sizeof(where), "%.*s/%.*s", (int) kind.len, kind.data,
                 (int) id.len, id.data);

        rc = store->ops->live(store, &s->fleet->arena, kind, id,
                              WEIR_ENVELOPE_MAX, &text, &err);
    }

    switch (rc) {

    case WEIR_STORE_OK:
        return weirctl_state_place(s, kind, id, text);

    case WEIR_STORE_MISSING:
        return WEIRCTL_GO_ON;

    case WEIR_STORE_TOO_LARGE:
        return weirctl_state_bad(s, where, 0, WEIR_REFUSAL_TOO_LARGE,
                                 err.err.text);

    case WEIR_STORE_CORRUPT:
    case WEIR_STORE_WRONG_TYPE:
        return weirctl_state_bad(s, where, 0, WEIR_REFUSAL_BAD_SIGNATURE,
                                 err.err.text);

    default:
        return weirctl_store_error(&err);
    }
}


static int
weirctl_state_line(void *ctx, int64_t when, weir_str_t line)
{
    weirctl_state_t *s = ctx;

    weir_str_t  copy;

    copy = weir_arena_copy(&s->fleet->arena, line);

    s->rc = copy.data == NULL && line.len != 0
            ? weirctl_nomem() : weirctl_state_entry(s, when, copy);

    return s->rc != WEIRCTL_GO_ON;
}


int
weirctl_state_fetch_head(weirctl_state_t *s)
{
    weirctl_place_t  *head;

    head = weirctl_state_find(s, weir_str("bundle/" WEIR_BUNDLE_ID));

    return head == NULL || head->bad
           ? WEIRCTL_GO_ON
           : weirctl_state_fetch_bundle(s, &head->doc.doc, 1);
}


int
weirctl_state_fetch_segments(weirctl_state_t *s)
{
    int            rc;
    uint32_t       i;
    weir_arena_t   arena;
    weirctl_doc_t  d;

    rc = weirctl_state_fetch_head(s);

    for (i = 0; rc == WEIRCTL_GO_ON && i < s->nentries; i++) {

        if (s->entries[i].bad
            || !weir_str_eq(s->entries[i].fence.name,
                            weir_str("bundle/" WEIR_BUNDLE_ID)))
        {
            continue;
        }

        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        rc = weirctl_doc_read(s->fleet, &arena, &d, s->entries[i].text);

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_state_fetch_bundle(s, &d.doc, 0);
        }

        weir_arena_done(&arena);
    }

    return rc;
}


/* Those of older bundles are there as long as they were kept. */

static int
weirctl_state_fetch_bundle(weirctl_state_t *s, const weir_document_t *doc,
    int needed)
{
    int                rc;
    uint32_t           i;
    weir_str_t         bytes;
    weir_store_t      *store;
    weir_store_err_t   err;
    weir_store_code_e  code;

    rc = WEIRCTL_GO_ON;
    store = s->fleet->store;

    for (i = 0; rc == WEIRCTL_GO_ON && i < doc->nsegments; i++) {

        if (weirctl_state_find_segment(s, doc->segments[i].hash) != NULL) {
            continue;
        }

        code = store->ops->segment(store, &s->fleet->arena,
                                   doc->segments[i].hash,
                                   (size_t) doc->segments[i].size, &bytes,
                                   &err);

        switch (code) {

        case WEIR_STORE_OK:
            rc = weirctl_state_segment(s, doc->segments[i].hash, bytes);
            break;

        case WEIR_STORE_MISSING:
            rc = !needed ? WEIRCTL_GO_ON
                 : weirctl_state_bad(s, "bundle/" WEIR_BUNDLE_ID, 0,
                                     WEIR_REFUSAL_TRUNCATED, err.err.text);
            break;

        case WEIR_STORE_CORRUPT:
        case WEIR_STORE_TOO_LARGE:
        case WEIR_STORE_WRONG_TYPE:
            if (needed) {
                rc = weirctl_state_bad(s, "bundle/" WEIR_BUNDLE_ID, 0,
                                       WEIR_REFUSAL_BAD_SIGNATURE,
                                       err.err.text);

            } else {
                (void) weirctl_error("%s: of an older bundle, left out: %s",
                                     s->from, err.err.text);
            }

            break;

        default:
            rc = weirctl_store_error(&err);
        }
    }

    return rc;
}
