
/*
 * Weir: the one decision about a document of the store.
 */

#include "weir_accept.h"


static int weir_accept_read(weir_accept_t *r, weir_arena_t *a,
    const weir_expect_t *x, weir_str_t text, weir_err_t *err);
static int weir_accept_place(weir_accept_t *r, const weir_expect_t *x,
    weir_err_t *err);
static int weir_accept_version(weir_accept_t *r, const weir_expect_t *x,
    weir_err_t *err);
static int weir_refuse(weir_accept_t *r, weir_refusal_e why);
static void weir_accept_least(const weir_expect_t *x, weir_fence_t *least);


static int
weir_refuse(weir_accept_t *r, weir_refusal_e why)
{
    r->why = why;

    return WEIR_DECLINED;
}


int
weir_accept(weir_accept_t *r, weir_arena_t *a, const weir_expect_t *x,
    weir_str_t text, weir_err_t *err)
{
    int  rc;

    rc = weir_accept_read(r, a, x, text, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    rc = weir_accept_version(r, x, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    if (r->doc.has_expires && r->doc.expires <= x->now) {
        (void) weir_err(err, "version %llu has expired",
                        (unsigned long long) r->doc.version);
        return weir_refuse(r, WEIR_REFUSAL_EXPIRED);
    }

    return WEIR_OK;
}


int
weir_accept_again(weir_accept_t *r, weir_arena_t *a, const weir_expect_t *x,
    weir_str_t text, weir_err_t *err)
{
    return weir_accept_read(r, a, x, text, err);
}


/* Whose it is and what it is. */

static int
weir_accept_read(weir_accept_t *r, weir_arena_t *a, const weir_expect_t *x,
    weir_str_t text, weir_err_t *err)
{
    int       rc;
    size_t    len;
    uint8_t  *name;

    memset(r, 0, sizeof(weir_accept_t));

    rc = weir_envelope_parse(&r->envelope, a, text, &r->why, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    /* the role is that of the place, whatever the envelope says it is */

    rc = weir_trust_verify(x->trust, a, &r->envelope,
                           weir_role(x->kind, x->id), &r->good, &r->why, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    rc = weir_document_parse(&r->doc, a, r->envelope.kind,
                             r->envelope.payload, &r->why, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    r->parsed = 1;

    name = weir_arena_alloc(a, WEIR_DOCUMENT_NAME_MAX);

    if (name == NULL) {
        return WEIR_NOMEM;
    }

    len = weir_document_name(name, r->doc.kind, r->doc.id);

    r->fence.name.data = name;
    r->fence.name.len = len;
    r->fence.epoch = r->doc.epoch;
    r->fence.version = r->doc.version;
    memcpy(r->fence.hash, r->envelope.hash, WEIR_SHA256_LEN);

    return weir_accept_place(r, x, err);
}


static int
weir_accept_place(weir_accept_t *r, const weir_expect_t *x, weir_err_t *err)
{
    size_t   len;
    uint8_t  name[WEIR_DOCUMENT_NAME_MAX];

    if (!weir_str_eq(r->doc.ns, x->ns)) {
        (void) weir_err(err, "it is of namespace \"%.*s\"",
                        (int) r->doc.ns.len, r->doc.ns.data);
        return weir_refuse(r, WEIR_REFUSAL_NAMESPACE);
    }

    len = x->id.len > WEIR_DOCUMENT_NAME_MAX - sizeof("revocations")
          ? 0 : weir_document_name(name, x->kind, x->id);

    if (!weir_str_eq(r->fence.name, (weir_str_t) { len, name })) {
        (void) weir_err(err, "it is \"%.*s\", which belongs elsewhere",
                        (int) r->fence.name.len, r->fence.name.data);
        return weir_refuse(r, WEIR_REFUSAL_NAMESPACE);
    }

    r->tombstone = r->doc.kind == WEIR_KIND_TOMBSTONE;

    return WEIR_OK;
}


/* Below this nothing is taken, however fresh the gateway is. */

static void
weir_accept_least(const weir_expect_t *x, weir_fence_t *least)
{
    memset(least, 0, sizeof(weir_fence_t));

    if (x->trust != NULL) {
        least->epoch = x->trust->epoch;

        if (x->kind == WEIR_KIND_BUNDLE) {
            least->version = x->trust->min_version;
        }
    }

    if (x->live_min != 0 && x->live_epoch >= least->epoch) {
        least->epoch = x->live_epoch;
        least->version = x->live_min;
    }
}


static int
weir_accept_version(weir_accept_t *r, const weir_expect_t *x, weir_err_t *err)
{
    int                  cmp;
    uint64_t             base, epoch;
    weir_fence_t         least;
    const weir_fence_t  *fence;

    fence = x->fence;
    epoch = x->trust == NULL ? 0 : x->trust->epoch;

    weir_accept_least(x, &least);

    if (r->doc.epoch < epoch) {
        (void) weir_err(err, "it is of epoch %llu, trusted are those from "
                        "%llu", (unsigned long long) r->doc.epoch,
                        (unsigned long long) epoch);
        return weir_refuse(r, WEIR_REFUSAL_EPOCH);
    }

    if (fence != NULL && fence->epoch > epoch) {
        epoch = fence->epoch;
    }

    /*
     * A new epoch is the operator's way past a stolen key: it comes from
     * nginx.conf, never from a document, which the thief could sign.
     */

    if (r->doc.epoch > epoch) {
        (void) weir_err(err, "it is of epoch %llu, weir_trust knows %llu",
                        (unsigned long long) r->doc.epoch,
                        (unsigned long long) epoch);
        return weir_refuse(r, WEIR_REFUSAL_EPOCH);
    }

    base = r->doc.epoch == least.epoch ? least.version : 0;

    if (fence != NULL) {
        cmp = weir_fence_cmp(&r->fence, fence);

        if (cmp < 0) {
            (void) weir_err(err, "it is version %llu of epoch %llu, known is "
                            "%llu of %llu",
                            (unsigned long long) r->doc.version,
                            (unsigned long long) r->doc.epoch,
                            (unsigned long long) fence->version,
                            (unsigned long long) fence->epoch);
            return weir_refuse(r, WEIR_REFUSAL_OLDER);
        }

        if (cmp == 0) {

            if (memcmp(r->fence.hash, fence->hash, WEIR_SHA256_LEN) != 0) {
                (void) weir_err(err, "version %llu is known with another "
                                "content", (unsigned long long) r->doc.version);
                return weir_refuse(r, WEIR_REFUSAL_SAME_VERSION);
            }

            r->unchanged = 1;
        }

        if (r->doc.epoch == fence->epoch && base < fence->version) {
            base = fence->version;
        }
    }

    if (weir_fence_cmp(&r->fence, &least) < 0) {
        (void) weir_err(err, "it is version %llu, the least is %llu",
                        (unsigned long long) r->doc.version,
                        (unsigned long long) least.version);
        return weir_refuse(r, WEIR_REFUSAL_OLDER);
    }

    if (r->doc.version > base && r->doc.version - base > WEIR_VERSION_JUMP) {
        (void) weir_err(err, "version %llu is more than %u after %llu",
                        (unsigned long long) r->doc.version,
                        WEIR_VERSION_JUMP, (unsigned long long) base);
        return weir_refuse(r, WEIR_REFUSAL_VERSION_JUMP);
    }

    return WEIR_OK;
}


int
weir_accept_absent(const weir_expect_t *x, weir_refusal_e *why,
    weir_err_t *err)
{
    weir_fence_t  least;

    weir_accept_least(x, &least);

    if (x->fence != NULL) {
        (void) weir_err(err, "it is not in the store, known is version %llu",
                        (unsigned long long) x->fence->version);

    } else if (least.version != 0) {
        (void) weir_err(err, "it is not in the store, the least version is "
                        "%llu", (unsigned long long) least.version);

    } else {
        return WEIR_OK;
    }

    *why = WEIR_REFUSAL_OLDER;

    return WEIR_DECLINED;
}


uint64_t
weir_live_min(const weir_document_t *head, weir_str_t name)
{
    uint32_t  i;

    for (i = 0; i < head->nlive_min; i++) {
        if (weir_str_eq(head->live_min[i].name, name)) {
            return head->live_min[i].version;
        }
    }

    return 0;
}
