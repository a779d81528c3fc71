
/*
 * Weir: attributes of a request as policies see them.
 */

#include "weir_policy_eval.h"


static void weir_policy_resolve(weir_policy_eval_t *ev,
    const weir_policy_attr_rec_t *attr, weir_policy_value_t *v);
static void weir_policy_resolve_claim(weir_policy_eval_t *ev,
    const weir_policy_attr_rec_t *attr, weir_policy_value_t *v);
static int weir_policy_claim_exists(weir_policy_eval_t *ev,
    const weir_policy_attr_rec_t *attr);
static void weir_policy_resolve_path(weir_policy_eval_t *ev,
    const weir_policy_attr_rec_t *attr, weir_policy_value_t *v);
static int weir_policy_in_words(weir_str_t words, weir_str_t s);


/* A capture is another one in each "what"; all else is looked up once. */

const weir_policy_value_t *
weir_policy_attr_value(weir_policy_eval_t *ev, uint32_t attr,
    weir_policy_value_t *space)
{
    uint64_t                       bit;
    const weir_policy_attr_rec_t  *rec;

    rec = &ev->attrs[attr];

    if (attr < WEIR_POLICY_MEMO_ATTRS && rec->kind != WEIR_POLICY_A_PATH) {
        bit = (uint64_t) 1 << attr;
        space = &ev->memo[attr];

        if (ev->known & bit) {
            return space;
        }

        ev->known |= bit;
    }

    space->state = WEIR_POLICY_ABSENT;
    space->set = NULL;

    weir_policy_resolve(ev, rec, space);

    return space;
}


static void
weir_policy_resolve(weir_policy_eval_t *ev,
    const weir_policy_attr_rec_t *attr, weir_policy_value_t *v)
{
    weir_str_t                    name;
    const weir_policy_request_t  *r;

    r = ev->r;

    switch (attr->kind) {

    case WEIR_POLICY_A_CLAIM:
        weir_policy_resolve_claim(ev, attr, v);
        return;

    case WEIR_POLICY_A_PATH:
        weir_policy_resolve_path(ev, attr, v);
        return;

    case WEIR_POLICY_A_HEADER:
    case WEIR_POLICY_A_QUERY:

        name = weir_policy_text(ev->image, attr->name);

        if (attr->kind == WEIR_POLICY_A_HEADER) {
            v->state = r->header == NULL
                       ? WEIR_POLICY_ABSENT
                       : r->header(r->ctx, name, &v->string);

        } else {
            v->state = r->query == NULL
                       ? WEIR_POLICY_ABSENT
                       : r->query(r->ctx, name, &v->string);
        }

        return;

    case WEIR_POLICY_A_SOURCE_IP:
    case WEIR_POLICY_A_SOURCE_PEER:

        v->addr = attr->kind == WEIR_POLICY_A_SOURCE_IP ? r->source_ip
                                                        : r->source_peer;
        v->state = v->addr == NULL ? WEIR_POLICY_ABSENT : WEIR_POLICY_ONE;
        return;

    case WEIR_POLICY_A_REQUEST_TIME:
        v->number = r->time;
        v->state = r->has_time ? WEIR_POLICY_ONE : WEIR_POLICY_ABSENT;
        return;

    case WEIR_POLICY_A_METHOD:
        v->string = r->method;
        break;

    case WEIR_POLICY_A_REQUEST_PATH:
        v->string = r->path->decoded;
        break;

    case WEIR_POLICY_A_HOST:
        v->string = r->host;
        break;

    case WEIR_POLICY_A_SCHEME:
        v->string = r->scheme;
        break;

    case WEIR_POLICY_A_KIND:
        v->string = weir_policy_kind_name(r->kind);
        break;

    case WEIR_POLICY_A_ISSUER:
        v->string = r->issuer;
        break;

    case WEIR_POLICY_A_SUBJECT:
        v->string = r->subject;
        break;

    case WEIR_POLICY_A_PRINCIPAL:
        v->string = r->principal;
        break;

    case WEIR_POLICY_A_SPIFFE:
        v->string = r->spiffe;
        break;

    default: /* WEIR_POLICY_A_TLS */
        v->state = r->tls == NULL
                   ? WEIR_POLICY_ABSENT
                   : r->tls(r->ctx, attr->kind - WEIR_POLICY_A_TLS,
                            &v->string);
        return;
    }

    v->state = v->string.data == NULL ? WEIR_POLICY_ABSENT : WEIR_POLICY_ONE;
}


static void
weir_policy_resolve_claim(weir_policy_eval_t *ev,
    const weir_policy_attr_rec_t *attr, weir_policy_value_t *v)
{
    const weir_claim_entry_t  *e;

    if (!weir_policy_claim_exists(ev, attr)) {
        return;
    }

    e = weir_claims_find(ev->r->claims,
                         weir_policy_text(ev->image, attr->name));

    if (e == NULL) {
        return;
    }

    /* what is of another type than declared is there, and unknown */

    v->state = WEIR_POLICY_UNKNOWN;

    switch (attr->type) {

    case WEIR_POLICY_T_BOOL:
    case WEIR_POLICY_T_INT:

        if (e->type == (attr->type == WEIR_POLICY_T_BOOL ? WEIR_CLAIM_BOOL
                                                         : WEIR_CLAIM_INT))
        {
            v->number = e->number;
            v->state = WEIR_POLICY_ONE;
        }

        return;

    case WEIR_POLICY_T_STRING:

        if (e->type == WEIR_CLAIM_STRING) {
            v->string = weir_claims_string(ev->r->claims, e);
            v->state = WEIR_POLICY_ONE;
        }

        return;

    default: /* WEIR_POLICY_T_SET */

        if (e->type == WEIR_CLAIM_SET) {
            v->set = e;
            v->state = WEIR_POLICY_ONE;

        } else if (e->type == WEIR_CLAIM_STRING && attr->scope) {
            v->string = weir_claims_string(ev->r->claims, e);
            v->state = WEIR_POLICY_ONE;
        }

        return;
    }
}


/* Claims count only from the issuers that a schema names. */

static int
weir_policy_claim_exists(weir_policy_eval_t *ev,
    const weir_policy_attr_rec_t *attr)
{
    uint32_t                      i;
    const weir_policy_ref_t      *issuers;
    const weir_policy_request_t  *r;

    r = ev->r;

    if (r->claims == NULL
        || (r->kind != WEIR_POLICY_JWT && r->kind != WEIR_POLICY_SESSION))
    {
        return 0;
    }

    if (attr->any) {
        return 1;
    }

    if (r->issuer.data == NULL) {
        return 0;
    }

    issuers = weir_policy_at(ev->image, attr->issuers.off);

    for (i = 0; i < attr->issuers.n; i++) {
        if (weir_str_eq(weir_policy_text(ev->image, issuers[i]), r->issuer)) {
            return 1;
        }
    }

    return 0;
}


/* Captures behind "**" are counted from the path's end. */

static void
weir_policy_resolve_path(weir_policy_eval_t *ev,
    const weir_policy_attr_rec_t *attr, weir_policy_value_t *v)
{
    uint32_t                       i, at;
    weir_str_t                     name;
    const weir_path_t             *path;
    const weir_policy_seg_rec_t   *segs;
    const weir_policy_what_rec_t  *what;

    what = ev->what;

    v->state = WEIR_POLICY_UNKNOWN;

    if (what == NULL) {
        return;
    }

    path = ev->r->path;
    name = weir_policy_text(ev->image, attr->name);
    segs = weir_policy_at(ev->image, what->segs.off);

    for (i = 0; i < what->segs.n; i++) {

        if (segs[i].kind != WEIR_POLICY_SEG_CAPTURE
            || !weir_str_eq(weir_policy_text(ev->image, segs[i].text), name))
        {
            continue;
        }

        at = i;

        if (what->any != WEIR_POLICY_NONE && i > what->any) {
            at = path->nsegments - (what->segs.n - i);
        }

        if (at < path->nsegments) {
            v->string = path->segments[at];
            v->state = WEIR_POLICY_ONE;
        }

        return;
    }
}


int
weir_policy_set_has(weir_policy_eval_t *ev, const weir_policy_value_t *set,
    weir_str_t s)
{
    size_t      at;
    weir_str_t  item;

    if (set->set == NULL) {
        return weir_policy_in_words(set->string, s);
    }

    at = 0;

    while (weir_policy_set_item(ev, set, &at, &item)) {
        if (weir_str_eq(item, s)) {
            return 1;
        }
    }

    return 0;
}


/* A "scope" of several words, split at runs of spaces. */

static int
weir_policy_in_words(weir_str_t words, weir_str_t s)
{
    size_t      i;
    weir_str_t  word;

    if (s.len == 0) {
        return 0;
    }

    for (i = 0; i < words.len; i++) {

        if (words.data[i] == ' ') {
            continue;
        }

        word.data = words.data + i;

        while (i < words.len && words.data[i] != ' ') {
            i++;
        }

        word.len = (size_t) (words.data + i - word.data);

        if (weir_str_eq(word, s)) {
            return 1;
        }
    }

    return 0;
}


int
weir_policy_nets_have(weir_policy_eval_t *ev, uint32_t off,
    const weir_addr_t *addr)
{
    uint32_t                     lo, hi, mid, v4;
    const weir_policy_nets_t    *nets;
    const weir_policy_range4_t  *r4;
    const weir_policy_range6_t  *r6;

    nets = weir_policy_at(ev->image, off);
    lo = 0;

    if (weir_addr_is_ipv4(addr)) {

        v4 = (uint32_t) addr->bytes[12] << 24 | (uint32_t) addr->bytes[13] << 16
             | (uint32_t) addr->bytes[14] << 8 | addr->bytes[15];

        r4 = weir_policy_at(ev->image, nets->v4.off);
        hi = nets->v4.n;

        while (lo < hi) {
            mid = lo + (hi - lo) / 2;

            if (v4 < r4[mid].first) {
                hi = mid;

            } else if (v4 > r4[mid].last) {
                lo = mid + 1;

            } else {
                return 1;
            }
        }

        return 0;
    }

    r6 = weir_policy_at(ev->image, nets->v6.off);
    hi = nets->v6.n;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        if (memcmp(addr, &r6[mid].first, sizeof(weir_addr_t)) < 0) {
            hi = mid;

        } else if (memcmp(addr, &r6[mid].last, sizeof(weir_addr_t)) > 0) {
            lo = mid + 1;

        } else {
            return 1;
        }
    }

    return 0;
}
