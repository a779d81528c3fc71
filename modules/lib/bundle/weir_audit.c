
/*
 * Weir: the audit trail, checked from its beginning to its end.
 */

#include "weir_audit.h"


static int weir_audit_read(weir_audit_t *t, weir_arena_t *a,
    weir_envelope_t *e, weir_document_t *doc, weir_str_t text,
    weir_refusal_e *why, weir_err_t *err);
static int weir_audit_first(const weir_audit_t *t, const weir_document_t *doc,
    weir_refusal_e *why, weir_err_t *err);
static int weir_audit_next(weir_audit_t *t, const weir_document_t *doc,
    const weir_fence_t *here, const weir_fence_t *last, weir_refusal_e *why,
    weir_err_t *err);


int
weir_audit_init(weir_audit_t *t, weir_arena_t *a, const weir_trust_t *trust,
    weir_str_t ns, const weir_fences_t *start, int open)
{
    int  rc;

    memset(t, 0, sizeof(weir_audit_t));

    t->trust = trust;
    t->arena = a;
    t->open = open != 0;

    weir_fences_init(&t->last, a, ns);

    rc = start == NULL ? WEIR_OK : weir_fences_merge(&t->last, start);

    return rc == WEIR_OK ? WEIR_OK : WEIR_NOMEM;
}


int
weir_audit_entry(weir_audit_t *t, weir_arena_t *scratch, weir_str_t text,
    weir_refusal_e *why, weir_err_t *err)
{
    int                  rc, raised;
    uint8_t              name[WEIR_DOCUMENT_NAME_MAX];
    weir_fence_t         here;
    weir_envelope_t      e;
    weir_document_t      doc;
    const weir_fence_t  *last;

    t->nentries++;

    rc = weir_audit_read(t, scratch, &e, &doc, text, why, err);

    if (rc != WEIR_OK) {
        t->nbad += rc == WEIR_DECLINED;
        return rc;
    }

    here.name.data = name;
    here.name.len = weir_document_name(name, doc.kind, doc.id);
    here.epoch = doc.epoch;
    here.version = doc.version;
    memcpy(here.hash, e.hash, WEIR_SHA256_LEN);

    last = weir_fences_find(&t->last, here.name);

    rc = last == NULL ? weir_audit_first(t, &doc, why, err)
                      : weir_audit_next(t, &doc, &here, last, why, err);

    if (!t->begun) {
        t->begun = 1;
        t->oldest = doc.issued;
        t->newest = doc.issued;
    }

    if (doc.issued > t->newest) {
        t->newest = doc.issued;
    }

    t->nbad += rc == WEIR_DECLINED;

    /* one gap is one finding: what follows is compared with what came */

    raised = weir_fences_raise(&t->last, &here);

    if (raised == WEIR_NOMEM) {
        return WEIR_NOMEM;
    }

    if (raised == WEIR_ERROR && rc == WEIR_OK) {
        t->nbad++;
        *why = WEIR_REFUSAL_TOO_LARGE;
        (void) weir_err(err, "the trail has more than %d documents",
                        WEIR_FENCES_MAX);
        return WEIR_DECLINED;
    }

    return rc;
}


/* The role is known from what was signed, once somebody of ours signed. */

static int
weir_audit_read(weir_audit_t *t, weir_arena_t *a, weir_envelope_t *e,
    weir_document_t *doc, weir_str_t text, weir_refusal_e *why,
    weir_err_t *err)
{
    int       rc;
    uint32_t  signers;
    unsigned  good;

    rc = weir_envelope_parse(e, a, text, why, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    rc = weir_trust_signers(t->trust, a, e, &signers, why, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    rc = weir_document_parse(doc, a, e->kind, e->payload, why, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    rc = weir_trust_role(t->trust, signers, weir_role(doc->kind, doc->id),
                         &good, why, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    if (!weir_str_eq(doc->ns, t->last.ns)) {
        *why = WEIR_REFUSAL_NAMESPACE;
        (void) weir_err(err, "it is of namespace \"%.*s\"",
                        (int) doc->ns.len, doc->ns.data);
        return WEIR_DECLINED;
    }

    return WEIR_OK;
}


static int
weir_audit_first(const weir_audit_t *t, const weir_document_t *doc,
    weir_refusal_e *why, weir_err_t *err)
{
    if (t->open || (doc->version == 1 && !doc->has_previous)) {
        return WEIR_OK;
    }

    *why = WEIR_REFUSAL_TRUNCATED;
    (void) weir_err(err, "the trail of %.*s \"%.*s\" begins with version %llu",
                    (int) weir_kind_word(doc->kind).len,
                    weir_kind_word(doc->kind).data, (int) doc->id.len,
                    doc->id.data, (unsigned long long) doc->version);

    return WEIR_DECLINED;
}


static int
weir_audit_next(weir_audit_t *t, const weir_document_t *doc,
    const weir_fence_t *here, const weir_fence_t *last, weir_refusal_e *why,
    weir_err_t *err)
{
    int  cmp;

    cmp = weir_fence_cmp(here, last);

    if (cmp == 0
        && memcmp(here->hash, last->hash, WEIR_SHA256_LEN) == 0)
    {
        t->nrepeats++;
        return WEIR_OK;
    }

    if (cmp < 0) {
        *why = WEIR_REFUSAL_OLDER;
        (void) weir_err(err, "\"%.*s\" has version %llu after %llu",
                        (int) here->name.len, here->name.data,
                        (unsigned long long) here->version,
                        (unsigned long long) last->version);

    } else if (cmp == 0) {
        *why = WEIR_REFUSAL_SAME_VERSION;
        (void) weir_err(err, "\"%.*s\" has version %llu with two contents",
                        (int) here->name.len, here->name.data,
                        (unsigned long long) here->version);

    } else if (here->epoch == last->epoch
               && here->version - last->version != 1)
    {
        *why = WEIR_REFUSAL_TRUNCATED;
        (void) weir_err(err, "\"%.*s\" has version %llu after %llu: what is "
                        "between is missing", (int) here->name.len,
                        here->name.data, (unsigned long long) here->version,
                        (unsigned long long) last->version);

    } else if (doc->has_previous
               ? memcmp(doc->previous, last->hash, WEIR_SHA256_LEN) != 0
               : here->epoch == last->epoch)
    {
        *why = WEIR_REFUSAL_SAME_VERSION;
        (void) weir_err(err, "\"%.*s\" version %llu follows another content "
                        "than that of version %llu here",
                        (int) here->name.len, here->name.data,
                        (unsigned long long) here->version,
                        (unsigned long long) last->version);

    } else {
        return WEIR_OK;
    }

    return WEIR_DECLINED;
}


int
weir_audit_fence(const weir_audit_t *t, const weir_fence_t *fence,
    weir_refusal_e *why, weir_err_t *err)
{
    int                  cmp;
    const weir_fence_t  *last;

    last = weir_fences_find(&t->last, fence->name);
    cmp = last == NULL ? -1 : weir_fence_cmp(last, fence);

    if (cmp < 0) {
        *why = WEIR_REFUSAL_TRUNCATED;
        (void) weir_err(err, "the trail of \"%.*s\" ends with version %llu, "
                        "accepted was %llu", (int) fence->name.len,
                        fence->name.data,
                        (unsigned long long) (last == NULL ? 0
                                              : last->version),
                        (unsigned long long) fence->version);
        return WEIR_DECLINED;
    }

    if (cmp == 0 && memcmp(last->hash, fence->hash, WEIR_SHA256_LEN) != 0) {
        *why = WEIR_REFUSAL_SAME_VERSION;
        (void) weir_err(err, "\"%.*s\" version %llu was accepted with another "
                        "content", (int) fence->name.len, fence->name.data,
                        (unsigned long long) fence->version);
        return WEIR_DECLINED;
    }

    return WEIR_OK;
}
