
/*
 * Weir: the request that a model describes, and what policies decide of it.
 */

#include "weir_prove_ask.h"


static weir_str_t weir_prove_path(weir_arena_t *arena,
    const weir_prove_problem_t *p);
static int weir_prove_claims(weir_arena_t *arena,
    const weir_prove_problem_t *p, weir_prove_request_t *rq);
static int weir_prove_set(weir_arena_t *arena,
    const weir_prove_problem_t *p, const weir_prove_var_t *v,
    weir_prove_given_t *g);
static const weir_policy_literal_t *weir_prove_whole(
    const weir_prove_problem_t *p, const weir_prove_var_t *v,
    const weir_prove_atom_t *a);
static void weir_prove_without(const weir_prove_side_t *side,
    weir_policy_decision_t *d);
static const weir_prove_value_t *weir_prove_value_of(
    const weir_prove_problem_t *p, const weir_prove_var_t *v);


weir_prove_request_t *
weir_prove_request(weir_arena_t *arena, const weir_prove_problem_t *p)
{
    uint32_t                   n;
    weir_str_t                 s;
    weir_addr_t               *addrs;
    weir_prove_var_t          *v;
    weir_policy_kind_t         kind;
    weir_policy_field_t       *fields;
    weir_prove_request_t      *rq;
    const weir_prove_value_t  *value;

    n = 0;

    for (v = p->vars; v != NULL; v = v->next) {
        n++;
    }

    rq = weir_arena_calloc(arena, 1, sizeof(weir_prove_request_t));
    fields = weir_arena_calloc(arena, 4 * n + 4, sizeof(weir_policy_field_t));
    addrs = weir_arena_calloc(arena, 2, sizeof(weir_addr_t));

    if (rq == NULL || fields == NULL || addrs == NULL) {
        return NULL;
    }

    rq->fields.headers = fields;
    rq->fields.query = fields + 2 * n + 2;

    /* what every request has */

    rq->r.method = weir_str("GET");
    rq->r.scheme = weir_str("https");
    rq->r.time = WEIR_PROVE_NOW;
    rq->r.has_time = 1;

    for (v = p->vars; v != NULL; v = v->next) {

        if (v->kind == WEIR_POLICY_A_CLAIM || v->kind == WEIR_PROVE_SEGMENT
            || weir_prove_sat_is(&p->sat, v->there) <= 0)
        {
            continue;
        }

        value = weir_prove_value_of(p, v);
        s.len = 0;
        s.data = NULL;

        if (v->type == WEIR_POLICY_T_STRING) {
            s = weir_arena_copy(arena, value->s);

            if (value->s.len == 0) {
                s = weir_str("");

            } else if (s.data == NULL) {
                return NULL;
            }
        }

        switch (v->kind) {

        case WEIR_POLICY_A_METHOD:
            rq->r.method = s;
            break;

        case WEIR_POLICY_A_HOST:
            rq->host = s;
            break;

        case WEIR_POLICY_A_SCHEME:
            rq->r.scheme = s;
            break;

        case WEIR_POLICY_A_ISSUER:
            rq->r.issuer = s;
            break;

        case WEIR_POLICY_A_SUBJECT:
            rq->r.subject = s;
            break;

        case WEIR_POLICY_A_SPIFFE:
            rq->r.spiffe = s;
            break;

        case WEIR_POLICY_A_KIND:
            if (weir_policy_kind_parse(s, &kind) == WEIR_OK) {
                rq->r.kind = kind;
            }

            break;

        case WEIR_POLICY_A_REQUEST_TIME:
            rq->r.time = value->n;
            rq->r.has_time = 1;
            break;

        case WEIR_POLICY_A_SOURCE_IP:
            addrs[0] = value->ip;
            rq->r.source_ip = &addrs[0];
            break;

        case WEIR_POLICY_A_SOURCE_PEER:
            addrs[1] = value->ip;
            rq->r.source_peer = &addrs[1];
            break;

        case WEIR_POLICY_A_HEADER:
        case WEIR_POLICY_A_QUERY:

            /* what is there and has no value is there twice */

            for (n = weir_prove_sat_is(&p->sat, v->def) > 0 ? 1 : 2; n != 0;
                 n--)
            {
                fields = (weir_policy_field_t *)
                         (v->kind == WEIR_POLICY_A_HEADER
                          ? &rq->fields.headers[rq->fields.nheaders++]
                          : &rq->fields.query[rq->fields.nquery++]);
                fields->name = v->name;
                fields->value = s;
            }

            break;

        default:

            if (v->kind >= WEIR_POLICY_A_TLS && v->kind < WEIR_POLICY_ATTRS) {
                rq->fields.tls[v->kind - WEIR_POLICY_A_TLS] = s;
            }

            break;
        }
    }

    rq->path = weir_prove_path(arena, p);

    if (rq->path.data == NULL
        || weir_prove_claims(arena, p, rq) != WEIR_OK)
    {
        return NULL;
    }

    return rq;
}


static const weir_prove_value_t *
weir_prove_value_of(const weir_prove_problem_t *p, const weir_prove_var_t *v)
{
    uint32_t             i;
    weir_prove_class_t  *c;

    c = weir_prove_root(v->class);

    for (i = 0; i + 1 < c->nvalues; i++) {
        if (weir_prove_sat_is(&p->sat, v->lits[i]) > 0) {
            break;
        }
    }

    return &c->values[i];
}


static weir_str_t
weir_prove_path(weir_arena_t *arena, const weir_prove_problem_t *p)
{
    size_t             len, i;
    uint8_t           *text, c;
    uint32_t           seg;
    weir_str_t        *segs, s = { 0, NULL };
    weir_prove_var_t  *v;

    segs = weir_arena_calloc(arena, p->nsegs + 1, sizeof(weir_str_t));
    if (segs == NULL) {
        return s;
    }

    for (v = p->vars; v != NULL; v = v->next) {
        if (v->kind == WEIR_PROVE_SEGMENT && v->seg < p->nsegs) {
            segs[v->seg] = weir_prove_value_of(p, v)->s;
        }
    }

    len = 2;

    for (seg = 0; seg < p->nsegs; seg++) {
        if (segs[seg].data == NULL) {
            segs[seg] = weir_str("x");
        }

        len += 1 + 3 * segs[seg].len;
    }

    text = weir_arena_alloc(arena, len);
    if (text == NULL) {
        return s;
    }

    s.data = text;

    for (seg = 0; seg < p->nsegs; seg++) {
        *text++ = '/';

        for (i = 0; i < segs[seg].len; i++) {
            c = segs[seg].data[i];

            if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9') || strchr("-._~!$&'()*+,=:@", c))
            {
                *text++ = c;
                continue;
            }

            *text++ = '%';
            *text++ = (uint8_t) "0123456789ABCDEF"[c >> 4];
            *text++ = (uint8_t) "0123456789ABCDEF"[c & 15];
        }
    }

    if (p->nsegs == 0
        || (p->slash != 0 && weir_prove_sat_is(&p->sat, p->slash) > 0))
    {
        *text++ = '/';
    }

    s.len = (size_t) (text - s.data);

    return s;
}


static int
weir_prove_claims(weir_arena_t *arena, const weir_prove_problem_t *p,
    weir_prove_request_t *rq)
{
    weir_prove_var_t       *v;
    weir_prove_given_t     *g, *o;
    weir_prove_claim_t     *cl;
    weir_claims_builder_t  *b;

    for (cl = p->claims; cl != NULL; cl = cl->next) {

        if (weir_prove_sat_is(&p->sat, cl->absent) > 0) {
            continue;
        }

        g = weir_arena_calloc(arena, 1, sizeof(weir_prove_given_t));
        if (g == NULL) {
            return WEIR_NOMEM;
        }

        g->key = cl->key;
        g->type = WEIR_CLAIM_OTHER;
        g->next = rq->claims;
        rq->claims = g;

        v = cl->vars[WEIR_POLICY_T_STRING];

        if (weir_prove_sat_is(&p->sat, v->def) > 0) {
            g->type = WEIR_CLAIM_STRING;
            g->string = weir_arena_copy(arena, weir_prove_value_of(p, v)->s);
        }

        v = cl->vars[WEIR_POLICY_T_INT];

        if (weir_prove_sat_is(&p->sat, v->def) > 0) {
            g->type = WEIR_CLAIM_INT;
            g->number = weir_prove_value_of(p, v)->n;
        }

        v = cl->vars[WEIR_POLICY_T_BOOL];

        if (weir_prove_sat_is(&p->sat, v->def) > 0) {
            g->type = WEIR_CLAIM_BOOL;
            g->number = weir_prove_value_of(p, v)->n;
        }

        v = cl->vars[WEIR_POLICY_T_SET];

        if (weir_prove_sat_is(&p->sat, v->def) > 0) {
            g->type = WEIR_CLAIM_SET;

            if (weir_prove_set(arena, p, v, g) != WEIR_OK) {
                return WEIR_NOMEM;
            }
        }
    }

    b = weir_claims_builder(arena);
    if (b == NULL) {
        return WEIR_NOMEM;
    }

    for (g = rq->claims; g != NULL; g = g->next) {

        for (o = rq->claims; o != NULL; o = o->next) {
            if (o->key.len > g->key.len && o->key.data[g->key.len] == '\0'
                && memcmp(o->key.data, g->key.data, g->key.len) == 0)
            {
                g->type = WEIR_CLAIM_OBJECT;
            }
        }

        if (weir_claims_add(b, g->key, g->type, g->number, g->string,
                            g->items, g->nitems)
            != WEIR_OK)
        {
            return WEIR_NOMEM;
        }
    }

    if (rq->claims != NULL) {
        rq->r.claims = weir_claims_build(b);

        if (rq->r.claims == NULL) {
            return WEIR_NOMEM;
        }
    }

    return WEIR_OK;
}


/*
 * The items of a set.  Of those that no atom tells apart the model has few;
 * where it holds a list whole, it holds all of them.
 */

static int
weir_prove_set(weir_arena_t *arena, const weir_prove_problem_t *p,
    const weir_prove_var_t *v, weir_prove_given_t *g)
{
    uint32_t                      i, n;
    weir_prove_atom_t            *a;
    weir_prove_class_t           *c;
    weir_policy_table_t           have;
    weir_policy_compiler_t        compiler;
    const weir_policy_literal_t  *item;

    memset(&have, 0, sizeof(weir_policy_table_t));
    memset(&compiler, 0, sizeof(weir_policy_compiler_t));

    compiler.arena = arena;

    c = weir_prove_root(v->class);
    n = c->nvalues;

    for (a = c->atoms; a != NULL; a = a->next) {
        for (item = weir_prove_whole(p, v, a); item != NULL; item = item->next)
        {
            n++;
        }
    }

    g->items = weir_arena_calloc(arena, n + 1, sizeof(weir_str_t));
    if (g->items == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < c->nvalues; i++) {
        if (weir_prove_sat_is(&p->sat, v->lits[i]) > 0
            && weir_policy_table_put(&compiler, &have, c->values[i].s, g))
        {
            g->items[g->nitems++] = weir_arena_copy(arena, c->values[i].s);
        }
    }

    for (a = c->atoms; a != NULL; a = a->next) {
        for (item = weir_prove_whole(p, v, a); item != NULL; item = item->next)
        {
            if (weir_policy_table_put(&compiler, &have, item->string, g)) {
                g->items[g->nitems++] = weir_arena_copy(arena, item->string);
            }
        }
    }

    return compiler.nomem ? WEIR_NOMEM : WEIR_OK;
}


/* The list that a set holds whole by an atom; NULL: none. */

static const weir_policy_literal_t *
weir_prove_whole(const weir_prove_problem_t *p, const weir_prove_var_t *v,
    const weir_prove_atom_t *a)
{
    return a->kind == WEIR_PROVE_HOLDS && a->x == v
           && weir_prove_sat_is(&p->sat, a->lit) > 0 ? a->items : NULL;
}


int
weir_prove_decide(weir_arena_t *arena, const weir_prove_side_t *side,
    const weir_prove_request_t *request, uint32_t *rules,
    weir_policy_decision_t *d)
{
    weir_policy_request_t  r;

    memset(d, 0, sizeof(weir_policy_decision_t));

    d->rules = rules;
    d->max = WEIR_PROVE_RULES;
    d->verdict = WEIR_POLICY_DENY;
    d->reason = WEIR_POLICY_NO_POLICY;

    if (side->file == NULL) {

        if (side->grants) {
            d->verdict = WEIR_POLICY_PERMIT;
            d->reason = WEIR_POLICY_PERMIT_RULE;
        }

        return WEIR_OK;
    }

    r = request->r;
    r.regexes = side->regexes;

    if (weir_policy_decide_text(arena, side->bundle->image, side->policy, &r,
                                request->path, request->host,
                                &request->fields, d)
        != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    if (d->count > d->max) {
        d->count = d->max;
    }

    weir_prove_without(side, d);

    return WEIR_OK;
}


/* What is left of a decision without a rule, and with all permitted. */

static void
weir_prove_without(const weir_prove_side_t *side, weir_policy_decision_t *d)
{
    uint32_t  i, n;

    n = 0;

    for (i = 0; i < d->count; i++) {
        if (side->rules[d->rules[i]] != side->without) {
            d->rules[n++] = d->rules[i];
        }
    }

    d->count = n;

    if (side->grants
        && (n == 0 || d->verdict == WEIR_POLICY_PERMIT)
        && (d->reason == WEIR_POLICY_DEFAULT_DENY
            || d->reason == WEIR_POLICY_PERMIT_RULE
            || d->reason == WEIR_POLICY_DENY_RULE
            || d->reason == WEIR_POLICY_DENY_UNKNOWN))
    {
        d->verdict = WEIR_POLICY_PERMIT;
        d->reason = WEIR_POLICY_PERMIT_RULE;
        d->count = 0;

    } else if (n == 0 && d->verdict == WEIR_POLICY_PERMIT) {
        d->verdict = WEIR_POLICY_DENY;
        d->reason = WEIR_POLICY_DEFAULT_DENY;
    }
}
