
/*
 * weirctl audit verify: the trail beside the store, and beside what gateways
 * accepted.
 */

#include "weirctl_audit.h"


static int weirctl_verify_stranger(weirctl_verify_t *v, weir_str_t name);
static int weirctl_verify_segments(weirctl_verify_t *v,
    const weir_document_t *doc);
static int weirctl_verify_least(weirctl_verify_t *v,
    const weir_document_t *head);
static int weirctl_verify_present(weirctl_verify_t *v, const char *name,
    const weirctl_doc_t *d);
static int weirctl_verify_gateway(weirctl_verify_t *v,
    const weirctl_gateway_t *gw, const char *where);
static int weirctl_verify_missing(weirctl_verify_t *v, const char *where,
    const char *name, uint64_t version);
static int weirctl_verify_reach(weirctl_verify_t *v, const char *where,
    const char *name, uint64_t version, uint64_t epoch, const char *hash);


/* What the store has is the last of the trail, and nothing is missing. */

int
weirctl_verify_store(weirctl_verify_t *v)
{
    int                 rc;
    char                name[WEIR_DOCUMENT_NAME_MAX + 1];
    uint32_t            i;
    weir_str_t          all;
    weirctl_doc_t       d;
    weirctl_fleet_t    *f;
    weir_store_err_t    err;
    weir_store_list_t   list;

    f = v->fleet;

    memset(&all, 0, sizeof(weir_str_t));

    rc = weirctl_doc_fetch(f, &d, WEIR_KIND_BUNDLE, weir_str(WEIR_BUNDLE_ID));

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_verify_present(v, "bundle/" WEIR_BUNDLE_ID, &d);
    }

    if (rc == WEIRCTL_GO_ON && d.readable) {
        rc = weirctl_verify_segments(v, &d.doc);
    }

    if (rc == WEIRCTL_GO_ON && d.readable) {
        rc = weirctl_verify_least(v, &d.doc);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (f->store->ops->lives(f->store, &f->arena, all, WEIRCTL_LIVES, &list,
                             &err)
        != WEIR_STORE_OK)
    {
        return weirctl_store_error(&err);
    }

    if (list.strangers != 0) {
        rc = weirctl_verify_stranger(v, list.stranger);
    }

    for (i = 0; rc == WEIRCTL_GO_ON && i < list.n; i++) {

        if (weir_kind(list.entries[i].kind) == WEIR_KIND_NONE) {
            rc = weirctl_verify_stranger(v, list.entries[i].kind);
            continue;
        }

        rc = weirctl_doc_fetch(f, &d, weir_kind(list.entries[i].kind),
                               list.entries[i].name);

        snprintf(name, sizeof(name), "%.*s/%.*s",
                 (int) list.entries[i].kind.len, list.entries[i].kind.data,
                 (int) list.entries[i].name.len, list.entries[i].name.data);

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_verify_present(v, name, &d);
        }
    }

    /* the other way round: what the trail has and the store has not */

    for (i = 0; rc == WEIRCTL_GO_ON && i < v->audit.last.n; i++) {
        all = v->audit.last.fences[i].name;

        if (weir_str_eq(all, weir_str("bundle/" WEIR_BUNDLE_ID))) {
            continue;
        }

        snprintf(name, sizeof(name), "%.*s", (int) all.len, all.data);

        rc = weirctl_doc_fetch(f, &d, weir_kind((weir_str_t) {
                                   strcspn(name, "/"), all.data }),
                               (weir_str_t) {
                                   all.len - strcspn(name, "/") - 1,
                                   all.data + strcspn(name, "/") + 1 });

        if (rc == WEIRCTL_GO_ON && !d.there) {
            rc = weirctl_verify_problem(v, name, 0, WEIR_REFUSAL_OLDER,
                                        "it is in the trail and not in the "
                                        "store");
        }
    }

    return rc;
}


/* Among the live documents, and none: nobody of us wrote it. */

static int
weirctl_verify_stranger(weirctl_verify_t *v, weir_str_t name)
{
    char  text[192];

    snprintf(text, sizeof(text), "\"%.*s\" is no document of Weir",
             (int) (name.len > 128 ? 128 : name.len),
             name.len != 0 ? (const char *) name.data : "");

    return weirctl_verify_problem(v, "live documents", 0,
                                  WEIR_REFUSAL_UNKNOWN_NAME, text);
}


static int
weirctl_verify_segments(weirctl_verify_t *v, const weir_document_t *doc)
{
    int                rc;
    uint32_t           i;
    weir_str_t         bytes;
    weir_arena_t       arena;
    weir_store_t      *store;
    weir_store_err_t   err;
    weir_store_code_e  code;

    rc = WEIRCTL_GO_ON;
    store = v->fleet->store;

    for (i = 0; rc == WEIRCTL_GO_ON && i < doc->nsegments; i++) {
        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        code = store->ops->segment(store, &arena, doc->segments[i].hash,
                                   (size_t) doc->segments[i].size, &bytes,
                                   &err);

        weir_arena_done(&arena);

        switch (code) {

        case WEIR_STORE_OK:
            break;

        case WEIR_STORE_MISSING:
            rc = weirctl_verify_problem(v, "bundle/" WEIR_BUNDLE_ID, 0,
                                        WEIR_REFUSAL_TRUNCATED,
                                        err.err.text);
            break;

        case WEIR_STORE_CORRUPT:
        case WEIR_STORE_TOO_LARGE:
        case WEIR_STORE_WRONG_TYPE:
            rc = weirctl_verify_problem(v, "bundle/" WEIR_BUNDLE_ID, 0,
                                        WEIR_REFUSAL_BAD_SIGNATURE,
                                        err.err.text);
            break;

        default:
            rc = weirctl_store_error(&err);
        }
    }

    return rc;
}


/*
 * The head's live_min: documents that were there, at least so new, when it was
 * signed.  That the store has what the trail has is seen later.
 */

static int
weirctl_verify_least(weirctl_verify_t *v, const weir_document_t *head)
{
    int                     rc;
    char                    name[WEIR_DOCUMENT_NAME_MAX + 1];
    uint32_t                i;
    const weir_live_min_t  *least;

    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON && i < head->nlive_min; i++) {
        least = &head->live_min[i];

        snprintf(name, sizeof(name), "%.*s", (int) least->name.len,
                 least->name.data);

        rc = weirctl_verify_reach(v, "bundle/" WEIR_BUNDLE_ID, name,
                                  least->version, 0, "");
    }

    return rc;
}


static int
weirctl_verify_present(weirctl_verify_t *v, const char *name,
    const weirctl_doc_t *d)
{
    weir_fence_t         fence;
    weirctl_hash_t       hash;
    const weir_fence_t  *last;

    last = weir_fences_find(&v->audit.last, weir_cstr(name));

    if (!d->there) {
        return last == NULL ? WEIRCTL_GO_ON
               : weirctl_verify_problem(v, name, 0, WEIR_REFUSAL_OLDER,
                                        "it is in the trail and not in the "
                                        "store");
    }

    if (!d->readable || d->why != WEIR_REFUSAL_NONE) {
        return weirctl_verify_problem(v, name, 0, d->why, d->err.text);
    }

    memset(&fence, 0, sizeof(weir_fence_t));

    fence.epoch = d->doc.epoch;
    fence.version = d->doc.version;

    if (last != NULL && weir_fence_cmp(last, &fence) > 0) {
        return weirctl_verify_problem(v, name, 0, WEIR_REFUSAL_OLDER,
                                      "the store has an older version than "
                                      "the trail's last");
    }

    weirctl_hash(&hash, d->envelope.hash);

    return weirctl_verify_reach(v, name, name, d->doc.version, d->doc.epoch,
                                hash.text);
}


int
weirctl_verify_gateways(weirctl_verify_t *v)
{
    int                  rc;
    char                 where[WEIR_STORE_NAME_MAX + 16];
    uint32_t             i;
    weirctl_gateway_t   *gw;
    weirctl_gateways_t   g;

    rc = weirctl_gateways(v->fleet, &g);

    for (i = 0; rc == WEIRCTL_GO_ON && i < g.n; i++) {
        gw = &g.list[i];

        snprintf(where, sizeof(where), "gateway %.*s", (int) gw->node.len,
                 gw->node.data);

        if (gw->report == NULL) {
            weirctl_note(v->fleet->ctl, "%s: %s", where, gw->error);
            continue;
        }

        rc = weirctl_verify_gateway(v, gw, where);
    }

    weirctl_gateways_done(&g);

    return rc;
}


/* All documents of the trail, and those that the gateway has besides. */

static int
weirctl_verify_gateway(weirctl_verify_t *v, const weirctl_gateway_t *gw,
    const char *where)
{
    int          rc;
    char         name[WEIR_DOCUMENT_NAME_MAX + 1];
    json_t      *object;
    uint32_t     i;
    uint64_t     version, epoch;
    const char  *hash, *key;

    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON && i < v->audit.last.n; i++) {
        snprintf(name, sizeof(name), "%.*s",
                 (int) v->audit.last.fences[i].name.len,
                 v->audit.last.fences[i].name.data);

        if (weirctl_gateway_fence(gw, name, &version, &epoch, &hash)) {
            rc = weirctl_verify_reach(v, where, name, version, epoch, hash);
        }
    }

    if (weirctl_gateway_fence(gw, "bundle/" WEIR_BUNDLE_ID, &version, &epoch,
                              &hash)
        && rc == WEIRCTL_GO_ON)
    {
        rc = weirctl_verify_missing(v, where, "bundle/" WEIR_BUNDLE_ID,
                                    version);
    }

    json_object_foreach(json_object_get(gw->report, "fences"), key, object) {
        if (rc == WEIRCTL_GO_ON && strcmp(key, "bundle/" WEIR_BUNDLE_ID) != 0
            && weirctl_gateway_fence(gw, key, &version, &epoch, &hash))
        {
            rc = weirctl_verify_missing(v, where, key, version);
        }
    }

    return rc;
}


static int
weirctl_verify_missing(weirctl_verify_t *v, const char *where,
    const char *name, uint64_t version)
{
    return weir_fences_find(&v->audit.last, weir_cstr(name)) != NULL
           ? WEIRCTL_GO_ON
           : weirctl_verify_reach(v, where, name, version, 0, "");
}


/* A fence of which the hash may be unknown: "". */

static int
weirctl_verify_reach(weirctl_verify_t *v, const char *where,
    const char *name, uint64_t version, uint64_t epoch, const char *hash)
{
    weir_err_t           err;
    weir_str_t           s;
    weir_fence_t         fence;
    weir_refusal_e       why;
    const weir_fence_t  *last;

    memset(&fence, 0, sizeof(weir_fence_t));

    fence.name = weir_cstr(name);
    fence.version = version;
    fence.epoch = epoch;

    last = weir_fences_find(&v->audit.last, fence.name);

    if (last != NULL) {
        memcpy(fence.hash, last->hash, WEIR_SHA256_LEN);

        /* who does not say the epoch means that of the trail */

        if (epoch == 0 && hash[0] == '\0') {
            fence.epoch = last->epoch;
        }
    }

    s = weir_cstr(hash);

    if (s.len != 0 && weir_hash_parse(s, fence.hash) != WEIR_OK) {
        return weirctl_verify_problem(v, where, 0, WEIR_REFUSAL_SAME_VERSION,
                                      "what it reports is no hash");
    }

    return weir_audit_fence(&v->audit, &fence, &why, &err) == WEIR_OK
           ? WEIRCTL_GO_ON
           : weirctl_verify_problem(v, where, 0, why, err.text);
}
