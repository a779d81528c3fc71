
/*
 * Weir: the keys of a rule: what must hold of a request, told from one hash,
 * for the rule to match; read from the records of the image.
 */

#include "weir_policy_image.h"


typedef struct {
    weir_policy_builder_t  *b;
    weir_policy_key_t      *keys;
    uint32_t                n;
    uint32_t                max;
} weir_policy_keys_t;


static void weir_policy_who_key(weir_policy_keys_t *k,
    const weir_policy_rec_t *rec, const weir_policy_princ_rec_t *p);
static int weir_policy_node_key(weir_policy_keys_t *k, uint32_t at);
static int weir_policy_equal_key(weir_policy_keys_t *k,
    weir_policy_key_kind_t kind, uint32_t attr, uint32_t literal);
static void weir_policy_key(weir_policy_keys_t *k,
    weir_policy_key_kind_t kind, uint32_t i, uint32_t hash);
static uint32_t weir_policy_ref_hash(weir_policy_builder_t *b,
    weir_policy_ref_t ref);


#define weir_policy_out(b, off, type)                                         \
    ((const type *) (const void *) ((b)->out.data + (off)))


uint32_t
weir_policy_build_keys(weir_policy_builder_t *b, const weir_policy_rec_t *rec,
    const weir_policy_rule_rec_t *rule, weir_policy_key_t *keys, uint32_t max)
{
    weir_policy_keys_t             k;
    const weir_policy_cond_rec_t  *conds;

    k.b = b;
    k.keys = keys;
    k.n = 0;
    k.max = max;

    if ((rule->flags & WEIR_POLICY_R_WHO) && rule->nprincs == 1) {
        weir_policy_who_key(&k, rec,
                            (const weir_policy_princ_rec_t *) (const void *)
                            b->princs.data + rule->princs);
    }

    if (rule->cond != WEIR_POLICY_NONE) {
        conds = (const weir_policy_cond_rec_t *) (const void *) b->conds.data;
        (void) weir_policy_node_key(&k, conds[rule->cond].node);
    }

    return k.n;
}


/* A role that is one key by itself, and nobody else's, is that key. */

static void
weir_policy_who_key(weir_policy_keys_t *k, const weir_policy_rec_t *rec,
    const weir_policy_princ_rec_t *p)
{
    const weir_policy_role_rec_t  *role;
    const weir_policy_node_rec_t  *node;

    switch (p->kind) {

    case WEIR_POLICY_P_ROLE:

        role = weir_policy_out(k->b, rec->roles.off, weir_policy_role_rec_t)
               + p->role;

        if (role->captures || role->own_captures) {
            return;
        }

        if (role->holders.n == 0 && role->cond != WEIR_POLICY_NONE) {
            node = (const weir_policy_node_rec_t *) (const void *)
                   k->b->nodes.data + role->cond;

            if ((node->op == WEIR_POLICY_N_EQ
                 || node->op == WEIR_POLICY_N_IN_SET)
                && weir_policy_node_key(k, role->cond))
            {
                return;
            }
        }

        weir_policy_key(k, WEIR_POLICY_K_ROLE, 0, p->role);
        return;

    case WEIR_POLICY_P_SPIFFE:

        if (p->role == WEIR_POLICY_NONE) {
            weir_policy_key(k, WEIR_POLICY_K_SPIFFE, 0,
                            weir_policy_ref_hash(k->b, p->subject));
        }

        return;

    case WEIR_POLICY_P_SUBJECT:
        weir_policy_key(k, WEIR_POLICY_K_SUBJECT, 0,
                        weir_policy_ref_hash(k->b, p->subject));
        return;

    case WEIR_POLICY_P_ISSUER:
        weir_policy_key(k, WEIR_POLICY_K_ISSUER, 0,
                        weir_policy_ref_hash(k->b, p->issuer));
        return;

    default:
        return;
    }
}


/* Of a conjunction, those of its parts.  1 if there was one. */

static int
weir_policy_node_key(weir_policy_keys_t *k, uint32_t at)
{
    int                            any;
    uint32_t                       i;
    const weir_policy_node_rec_t  *node;

    node = (const weir_policy_node_rec_t *) (const void *) k->b->nodes.data
           + at;

    switch (node->op) {

    case WEIR_POLICY_N_AND:

        any = 0;

        for (i = 0; i < node->n; i++) {
            any |= weir_policy_node_key(k, node->a + i);
        }

        return any;

    case WEIR_POLICY_N_EQ:

        return node->type == WEIR_POLICY_T_STRING
               && (weir_policy_equal_key(k, WEIR_POLICY_K_EQ, node->a, node->b)
                   || weir_policy_equal_key(k, WEIR_POLICY_K_EQ, node->b,
                                            node->a));

    case WEIR_POLICY_N_IN_SET:
        return weir_policy_equal_key(k, WEIR_POLICY_K_IN, node->b, node->a);

    default:
        return 0;
    }
}


static int
weir_policy_equal_key(weir_policy_keys_t *k, weir_policy_key_kind_t kind,
    uint32_t attr, uint32_t literal)
{
    const weir_policy_attr_rec_t     *attrs;
    const weir_policy_literal_rec_t  *literals;

    if ((attr & WEIR_POLICY_LITERAL) || !(literal & WEIR_POLICY_LITERAL)
        || attr >= WEIR_POLICY_KEY_ATTRS)
    {
        return 0;
    }

    attrs = (const weir_policy_attr_rec_t *) (const void *) k->b->attrs.data;
    literals = (const weir_policy_literal_rec_t *) (const void *)
               k->b->literals.data;

    if (attrs[attr].kind == WEIR_POLICY_A_PATH) {
        return 0;
    }

    weir_policy_key(k, kind, attr,
                    literals[literal & ~WEIR_POLICY_LITERAL].hash);

    return 1;
}


static void
weir_policy_key(weir_policy_keys_t *k, weir_policy_key_kind_t kind,
    uint32_t i, uint32_t hash)
{
    if (k->n < k->max) {
        k->keys[k->n].of = weir_policy_key_of(kind, i);
        k->keys[k->n].hash = hash;
        k->n++;
    }
}


static uint32_t
weir_policy_ref_hash(weir_policy_builder_t *b, weir_policy_ref_t ref)
{
    weir_str_t  s;

    s.data = b->out.data + ref.off;
    s.len = ref.len;

    return weir_policy_segment_hash(s);
}
