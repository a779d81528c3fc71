
/*
 * Weir: keys of the index against a request: hashes of its values, each made
 * once a decision.
 */

#include "weir_policy_eval.h"


static weir_policy_value_t *weir_policy_hashed(weir_policy_eval_t *ev,
    uint32_t attr, int set);
static void weir_policy_hash_set(weir_policy_eval_t *ev,
    weir_policy_value_t *v);
static int weir_policy_has_hash(const weir_policy_eval_t *ev,
    const weir_policy_value_t *v, uint32_t hash);
static weir_policy_truth_t weir_policy_who_hash(weir_policy_eval_t *ev,
    uint32_t kind, uint32_t *hash);
static void weir_policy_cell(weir_policy_eval_t *ev,
    const weir_policy_dim_rec_t *dim, uint32_t hash, uint32_t taken,
    weir_policy_visit_pt visit);
static void weir_policy_cells(weir_policy_eval_t *ev,
    const weir_policy_dim_rec_t *dim, int unknown, uint32_t taken,
    weir_policy_visit_pt visit);


weir_policy_truth_t
weir_policy_key_value(weir_policy_eval_t *ev, const weir_policy_key_t *key)
{
    uint32_t                    kind, hash;
    const weir_policy_value_t  *v;

    kind = weir_policy_key_kind(key->of);

    switch (kind) {

    case WEIR_POLICY_K_EQ:
    case WEIR_POLICY_K_IN:

        v = weir_policy_hashed(ev, weir_policy_key_index(key->of),
                               kind == WEIR_POLICY_K_IN);

        if (v->state != WEIR_POLICY_ONE) {
            return WEIR_POLICY_MAYBE;
        }

        if (kind == WEIR_POLICY_K_EQ) {
            return v->hash == key->hash ? WEIR_POLICY_TRUE
                                        : WEIR_POLICY_FALSE;
        }

        return v->many || weir_policy_has_hash(ev, v, key->hash)
               ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;

    case WEIR_POLICY_K_ROLE:
        return weir_policy_role_value(ev, key->hash);

    default:

        return weir_policy_who_hash(ev, kind, &hash) == WEIR_POLICY_TRUE
               && hash == key->hash ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;
    }
}


void
weir_policy_dim_visit(weir_policy_eval_t *ev, const weir_policy_dim_rec_t *dim,
    int unknown, uint32_t taken, weir_policy_visit_pt visit)
{
    uint32_t                    i, k, kind, hash;
    const uint32_t             *hashes;
    const weir_policy_value_t  *v;

    kind = weir_policy_key_kind(dim->of);

    switch (kind) {

    case WEIR_POLICY_K_EQ:
    case WEIR_POLICY_K_IN:

        v = weir_policy_hashed(ev, weir_policy_key_index(dim->of),
                               kind == WEIR_POLICY_K_IN);

        if (v->state != WEIR_POLICY_ONE) {
            if (unknown) {
                visit(ev, &dim->all, taken);
            }

            return;
        }

        if (kind == WEIR_POLICY_K_EQ) {
            weir_policy_cell(ev, dim, v->hash, taken, visit);
            return;
        }

        if (v->many) {
            visit(ev, &dim->all, taken);
            return;
        }

        hashes = &ev->hashes[v->hashes];

        for (i = 0; i < v->nhashes; i++) {

            /* each rule once */

            for (k = 0; v->twice && k < i && hashes[k] != hashes[i]; k++) {
                /* void */
            }

            if (!v->twice || k == i) {
                weir_policy_cell(ev, dim, hashes[i], taken, visit);
            }
        }

        return;

    case WEIR_POLICY_K_ROLE:
        weir_policy_cells(ev, dim, unknown, taken, visit);
        return;

    default:

        if (weir_policy_who_hash(ev, kind, &hash) == WEIR_POLICY_TRUE) {
            weir_policy_cell(ev, dim, hash, taken, visit);
        }
    }
}


static void
weir_policy_cell(weir_policy_eval_t *ev, const weir_policy_dim_rec_t *dim,
    uint32_t hash, uint32_t taken, weir_policy_visit_pt visit)
{
    uint32_t                       i, mask;
    const weir_policy_cell_rec_t  *cells;

    cells = weir_policy_at(ev->image, dim->table.off);
    mask = dim->table.n - 1;

    for (i = hash & mask; cells[i].run.n != 0; i = (i + 1) & mask) {
        if (cells[i].hash == hash) {
            visit(ev, &cells[i].run, taken);
            return;
        }
    }
}


/* All roles of a dimension, one after the other. */

static void
weir_policy_cells(weir_policy_eval_t *ev, const weir_policy_dim_rec_t *dim,
    int unknown, uint32_t taken, weir_policy_visit_pt visit)
{
    uint32_t                       i;
    weir_policy_truth_t            v;
    const weir_policy_cell_rec_t  *cells;

    cells = weir_policy_at(ev->image, dim->table.off);

    for (i = 0; i < dim->table.n; i++) {

        if (cells[i].run.n == 0) {
            continue;
        }

        v = weir_policy_role_value(ev, cells[i].hash);

        if (v == WEIR_POLICY_TRUE || (v == WEIR_POLICY_MAYBE && unknown)) {
            visit(ev, &cells[i].run, taken);
        }
    }
}


int
weir_policy_set_holds(weir_policy_eval_t *ev, uint32_t attr, uint32_t hash,
    weir_str_t s)
{
    const weir_policy_value_t  *v;

    v = &ev->memo[attr];

    /* hashes serve where there are some already */

    if ((ev->hashed >> attr & 1) && !v->many
        && !weir_policy_has_hash(ev, v, hash))
    {
        return 0;
    }

    return weir_policy_set_has(ev, v, s);
}


/* Keys are of attributes that are remembered. */

static weir_policy_value_t *
weir_policy_hashed(weir_policy_eval_t *ev, uint32_t attr, int set)
{
    weir_policy_value_t  *v;

    v = &ev->memo[attr];

    if (ev->hashed >> attr & 1) {
        return v;
    }

    if (!(ev->known >> attr & 1)) {
        (void) weir_policy_attr_value(ev, attr, v);
    }

    if (v->state != WEIR_POLICY_ONE) {
        return v;
    }

    ev->hashed |= (uint64_t) 1 << attr;

    if (set) {
        weir_policy_hash_set(ev, v);

    } else {
        v->hash = weir_policy_segment_hash(v->string);
    }

    return v;
}


static void
weir_policy_hash_set(weir_policy_eval_t *ev, weir_policy_value_t *v)
{
    size_t      at;
    uint32_t    n, hash, *hashes;
    uint64_t    bit, bits;
    weir_str_t  item;

    v->many = 0;
    v->twice = 0;
    v->hashes = ev->nhashes;
    v->nhashes = 0;
    v->bits = 0;

    bits = 0;
    hashes = ev->hashes + ev->nhashes;
    n = WEIR_POLICY_MEMO_HASHES - ev->nhashes;
    at = 0;

    while (weir_policy_set_item(ev, v, &at, &item)) {

        if (v->nhashes == n) {
            v->many = 1;
            return;
        }

        hash = weir_policy_segment_hash(item);
        bit = (uint64_t) 1 << (hash & 63);

        if (bits & bit) {
            v->bits = bits;
            v->twice |= weir_policy_has_hash(ev, v, hash);
        }

        bits |= bit;
        hashes[v->nhashes++] = hash;
    }

    v->bits = bits;
    ev->nhashes += v->nhashes;
}


static int
weir_policy_has_hash(const weir_policy_eval_t *ev,
    const weir_policy_value_t *v, uint32_t hash)
{
    uint32_t         i;
    const uint32_t  *hashes;

    if (!(v->bits & (uint64_t) 1 << (hash & 63))) {
        return 0;
    }

    hashes = &ev->hashes[v->hashes];

    for (i = 0; i < v->nhashes; i++) {
        if (hashes[i] == hash) {
            return 1;
        }
    }

    return 0;
}


/* Of an identity that the request has. */

static weir_policy_truth_t
weir_policy_who_hash(weir_policy_eval_t *ev, uint32_t kind, uint32_t *hash)
{
    const weir_policy_request_t  *r;

    r = ev->r;

    switch (kind) {

    case WEIR_POLICY_K_SPIFFE:

        if (!ev->has_spiffe && r->spiffe.data != NULL) {
            ev->spiffe = weir_policy_segment_hash(r->spiffe);
            ev->has_spiffe = 1;
        }

        *hash = ev->spiffe;
        return ev->has_spiffe ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;

    case WEIR_POLICY_K_SUBJECT:

        if (!ev->has_subject && r->subject.data != NULL) {
            ev->subject = weir_policy_segment_hash(r->subject);
            ev->has_subject = 1;
        }

        *hash = ev->subject;
        return ev->has_subject ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;

    default: /* WEIR_POLICY_K_ISSUER */

        if (!ev->has_issuer && r->issuer.data != NULL) {
            ev->issuer = weir_policy_segment_hash(r->issuer);
            ev->has_issuer = 1;
        }

        *hash = ev->issuer;
        return ev->has_issuer ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;
    }
}
