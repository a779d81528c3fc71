
/*
 * Weir: the check of a policy image before it is used: every offset and index
 * in it stays inside, expressions are trees of the right types.  What passes
 * here can be evaluated without looking again.
 */

#include "weir_policy_verify.h"


static int weir_policy_verify_policy(weir_policy_verify_t *v);
static int weir_policy_verify_rule(weir_policy_verify_t *v,
    const weir_policy_rule_rec_t *rule);
static int weir_policy_verify_window(weir_policy_verify_t *v, uint32_t off);
static int weir_policy_verify_indices(weir_policy_verify_t *v,
    const weir_policy_array_t *a, uint32_t n);
static int weir_policy_verify_strings(weir_policy_verify_t *v, uint32_t off);
static int weir_policy_verify_attr(weir_policy_verify_t *v,
    const weir_policy_attr_rec_t *attr);
static int weir_policy_verify_what(weir_policy_verify_t *v,
    const weir_policy_what_rec_t *what);
static int weir_policy_verify_node(weir_policy_verify_t *v, uint32_t i,
    uint32_t depth);
static int weir_policy_verify_operand(weir_policy_verify_t *v,
    uint32_t operand, uint32_t type);
static int weir_policy_verify_in(weir_policy_verify_t *v,
    const weir_policy_node_rec_t *node);
static int weir_policy_verify_nets(weir_policy_verify_t *v, uint32_t off);
static int weir_policy_refs(weir_policy_verify_t *v,
    const weir_policy_array_t *a);


const weir_policy_image_t *
weir_policy_open(const void *data, size_t size)
{
    uint32_t                    i;
    weir_policy_verify_t        v;
    const weir_policy_image_t  *image;

    if (((uintptr_t) data & 7) != 0 || size < sizeof(weir_policy_image_t)) {
        return NULL;
    }

    image = weir_policy_trust(data);

    if (image == NULL || image->size < sizeof(weir_policy_image_t)
        || image->size > size || image->size > WEIR_POLICY_MAX_IMAGE
        || image->checksum != weir_policy_checksum(image, image->size))
    {
        return NULL;
    }

    v.image = image;

    if (!weir_policy_array(&v, &image->policies, sizeof(weir_policy_rec_t))
        || !weir_policy_refs(&v, &image->regexes))
    {
        return NULL;
    }

    v.rec = weir_policy_at(image, image->policies.off);

    for (i = 0; i < image->policies.n; i++) {
        if (!weir_policy_verify_policy(&v)) {
            return NULL;
        }

        v.rec++;
    }

    return image;
}


static int
weir_policy_verify_policy(weir_policy_verify_t *v)
{
    uint32_t                          i;
    const weir_policy_rec_t          *rec;
    const weir_policy_attr_rec_t     *attrs;
    const weir_policy_what_rec_t     *whats;
    const weir_policy_role_rec_t     *roles;
    const weir_policy_rule_rec_t     *rules;
    const weir_policy_name_rec_t     *names;
    const weir_policy_princ_rec_t    *princs;
    const weir_policy_cond_rec_t     *conds;
    const weir_policy_effect_rec_t   *effects;
    const weir_policy_literal_rec_t  *literals;

    rec = v->rec;

    if (!weir_policy_ref(v, &rec->name)
        || !weir_policy_array(v, &rec->rules, sizeof(*rules))
        || !weir_policy_array(v, &rec->roles, sizeof(*roles))
        || !weir_policy_array(v, &rec->attrs, sizeof(*attrs))
        || !weir_policy_array(v, &rec->literals, sizeof(*literals))
        || !weir_policy_array(v, &rec->nodes, sizeof(weir_policy_node_rec_t))
        || !weir_policy_array(v, &rec->princs, sizeof(*princs))
        || !weir_policy_array(v, &rec->whats, sizeof(*whats))
        || !weir_policy_array(v, &rec->conds, sizeof(*conds))
        || !weir_policy_array(v, &rec->names, sizeof(*names))
        || !weir_policy_array(v, &rec->effects, sizeof(*effects)))
    {
        return 0;
    }

    attrs = weir_policy_at(v->image, rec->attrs.off);

    for (i = 0; i < rec->attrs.n; i++) {
        if (!weir_policy_verify_attr(v, &attrs[i])) {
            return 0;
        }
    }

    literals = weir_policy_at(v->image, rec->literals.off);

    for (i = 0; i < rec->literals.n; i++) {
        if (literals[i].type > WEIR_POLICY_T_DURATION
            || !weir_policy_ref(v, &literals[i].string))
        {
            return 0;
        }
    }

    whats = weir_policy_at(v->image, rec->whats.off);

    for (i = 0; i < rec->whats.n; i++) {
        if (!weir_policy_verify_what(v, &whats[i])) {
            return 0;
        }
    }

    princs = weir_policy_at(v->image, rec->princs.off);

    for (i = 0; i < rec->princs.n; i++) {
        if (princs[i].kind > WEIR_POLICY_P_SPIFFE
            || (princs[i].kind == WEIR_POLICY_P_ROLE
                && princs[i].role >= rec->roles.n)
            || (princs[i].kind == WEIR_POLICY_P_SPIFFE
                && princs[i].role != WEIR_POLICY_NONE
                && !weir_policy_verify_strings(v, princs[i].role))
            || !weir_policy_ref(v, &princs[i].subject)
            || !weir_policy_ref(v, &princs[i].issuer))
        {
            return 0;
        }
    }

    /* expressions are trees: no node belongs to two */

    v->left = rec->nodes.n;

    roles = weir_policy_at(v->image, rec->roles.off);

    for (i = 0; i < rec->roles.n; i++) {
        if (!weir_policy_ref(v, &roles[i].name)
            || (roles[i].cond != WEIR_POLICY_NONE
                && !weir_policy_verify_node(v, roles[i].cond, 0))
            || !weir_policy_verify_indices(v, &roles[i].holders,
                                           rec->roles.n))
        {
            return 0;
        }
    }

    conds = weir_policy_at(v->image, rec->conds.off);

    for (i = 0; i < rec->conds.n; i++) {
        if (!weir_policy_verify_node(v, conds[i].node, 0)) {
            return 0;
        }
    }

    effects = weir_policy_at(v->image, rec->effects.off);

    for (i = 0; i < rec->effects.n; i++) {
        if (effects[i].kind >= WEIR_POLICY_EFFECTS
            || !weir_policy_ref(v, &effects[i].name)
            || !weir_policy_ref(v, &effects[i].value)
            || (effects[i].kind == WEIR_POLICY_LOG
                && (effects[i].number < 0 || effects[i].number > 2)))
        {
            return 0;
        }
    }

    rules = weir_policy_at(v->image, rec->rules.off);

    for (i = 0; i < rec->rules.n; i++) {
        if (!weir_policy_verify_rule(v, &rules[i])) {
            return 0;
        }
    }

    if (!weir_policy_verify_index(v)) {
        return 0;
    }

    names = weir_policy_at(v->image, rec->names.off);

    for (i = 0; i < rec->names.n; i++) {
        if (!weir_policy_ref(v, &names[i].name)
            || !weir_policy_ref(v, &names[i].file))
        {
            return 0;
        }
    }

    return 1;
}


static int
weir_policy_verify_rule(weir_policy_verify_t *v,
    const weir_policy_rule_rec_t *rule)
{
    uint32_t         i;
    const uint32_t  *nets;

    if (!weir_policy_array(v, &rule->nets, sizeof(uint32_t))) {
        return 0;
    }

    nets = weir_policy_at(v->image, rule->nets.off);

    for (i = 0; i < rule->nets.n; i++) {
        if (!weir_policy_verify_nets(v, nets[i])) {
            return 0;
        }
    }

    return weir_policy_ref(v, &rule->name)
           && rule->princs <= v->rec->princs.n
           && rule->nprincs <= v->rec->princs.n - rule->princs
           && rule->whats <= v->rec->whats.n
           && rule->nwhats <= v->rec->whats.n - rule->whats
           && weir_policy_refs(v, &rule->hosts)
           && weir_policy_verify_indices(v, &rule->effects, v->rec->effects.n)
           && (rule->window == WEIR_POLICY_NONE
               ? !(rule->flags & WEIR_POLICY_R_DURING)
               : weir_policy_verify_window(v, rule->window))
           && (rule->cond == WEIR_POLICY_NONE
               || rule->cond < v->rec->conds.n);
}


static int
weir_policy_verify_window(weir_policy_verify_t *v, uint32_t off)
{
    uint32_t                        i;
    const weir_policy_array_t      *array;
    const weir_policy_zone_rec_t   *zone;
    const weir_policy_span_rec_t   *spans;

    if (!weir_policy_inside(v, off, 1, sizeof(*array), 4)) {
        return 0;
    }

    array = weir_policy_at(v->image, off);

    if (!weir_policy_array(v, array, sizeof(weir_policy_span_rec_t))) {
        return 0;
    }

    spans = weir_policy_at(v->image, array->off);

    for (i = 0; i < array->n; i++) {

        if (!weir_policy_inside(v, spans[i].zone, 1, sizeof(*zone), 8)) {
            return 0;
        }

        zone = weir_policy_at(v->image, spans[i].zone);

        if (!weir_policy_array(v, &zone->shifts,
                               sizeof(weir_policy_shift_t)))
        {
            return 0;
        }
    }

    return 1;
}


/* Indices below n. */

static int
weir_policy_verify_indices(weir_policy_verify_t *v,
    const weir_policy_array_t *a, uint32_t n)
{
    uint32_t         i;
    const uint32_t  *indices;

    if (!weir_policy_array(v, a, sizeof(uint32_t))) {
        return 0;
    }

    indices = weir_policy_at(v->image, a->off);

    for (i = 0; i < a->n; i++) {
        if (indices[i] >= n) {
            return 0;
        }
    }

    return 1;
}


/* An array of references to strings. */

static int
weir_policy_verify_strings(weir_policy_verify_t *v, uint32_t off)
{
    return weir_policy_inside(v, off, 1, sizeof(weir_policy_array_t), 4)
           && weir_policy_refs(v, weir_policy_at(v->image, off));
}


static int
weir_policy_verify_attr(weir_policy_verify_t *v,
    const weir_policy_attr_rec_t *attr)
{
    uint32_t  type;

    switch (attr->kind) {

    case WEIR_POLICY_A_CLAIM:

        if (attr->type != WEIR_POLICY_T_BOOL && attr->type != WEIR_POLICY_T_INT
            && attr->type != WEIR_POLICY_T_STRING
            && attr->type != WEIR_POLICY_T_SET)
        {
            return 0;
        }

        type = attr->type;
        break;

    case WEIR_POLICY_A_SOURCE_IP:
    case WEIR_POLICY_A_SOURCE_PEER:
        type = WEIR_POLICY_T_IP;
        break;

    case WEIR_POLICY_A_REQUEST_TIME:
        type = WEIR_POLICY_T_TIME;
        break;

    default:
        type = WEIR_POLICY_T_STRING;
        break;
    }

    return attr->kind < WEIR_POLICY_ATTRS && attr->type == type
           && weir_policy_ref(v, &attr->name)
           && weir_policy_refs(v, &attr->issuers);
}


static int
weir_policy_verify_what(weir_policy_verify_t *v,
    const weir_policy_what_rec_t *what)
{
    uint32_t                      i;
    const weir_policy_seg_rec_t  *segs;

    if (!weir_policy_refs(v, &what->others)
        || !weir_policy_array(v, &what->segs, sizeof(weir_policy_seg_rec_t))
        || (what->any != WEIR_POLICY_NONE && what->any >= what->segs.n))
    {
        return 0;
    }

    segs = weir_policy_at(v->image, what->segs.off);

    for (i = 0; i < what->segs.n; i++) {
        if (segs[i].kind > WEIR_POLICY_SEG_ANY
            || (segs[i].kind == WEIR_POLICY_SEG_ANY) != (i == what->any)
            || !weir_policy_ref(v, &segs[i].text))
        {
            return 0;
        }
    }

    return 1;
}


static int
weir_policy_verify_node(weir_policy_verify_t *v, uint32_t i, uint32_t depth)
{
    uint32_t                       j;
    const weir_policy_node_rec_t  *node;
    const weir_policy_attr_rec_t  *attrs;

    if (i >= v->rec->nodes.n || v->left == 0
        || depth == WEIR_POLICY_EVAL_DEPTH)
    {
        return 0;
    }

    v->left--;

    node = (const weir_policy_node_rec_t *)
           weir_policy_at(v->image, v->rec->nodes.off) + i;
    attrs = weir_policy_at(v->image, v->rec->attrs.off);

    switch (node->op) {

    case WEIR_POLICY_N_CONST:
        return node->a <= 1;

    case WEIR_POLICY_N_BOOL:
        return node->a < v->rec->attrs.n
               && attrs[node->a].type == WEIR_POLICY_T_BOOL;

    case WEIR_POLICY_N_HAS:
        return node->a < v->rec->attrs.n;

    case WEIR_POLICY_N_NOT:
        return node->a > i && weir_policy_verify_node(v, node->a, depth + 1);

    case WEIR_POLICY_N_AND:
    case WEIR_POLICY_N_OR:

        if (node->a <= i || node->n > v->rec->nodes.n) {
            return 0;
        }

        for (j = 0; j < node->n; j++) {
            if (!weir_policy_verify_node(v, node->a + j, depth + 1)) {
                return 0;
            }
        }

        return 1;

    case WEIR_POLICY_N_EQ:
    case WEIR_POLICY_N_NE:
    case WEIR_POLICY_N_LT:
    case WEIR_POLICY_N_LE:
    case WEIR_POLICY_N_GT:
    case WEIR_POLICY_N_GE:

        if (node->type == WEIR_POLICY_T_STRING
            || node->type == WEIR_POLICY_T_IP)
        {
            if (node->op > WEIR_POLICY_N_NE) {
                return 0;
            }

        } else if (node->type != WEIR_POLICY_T_BOOL
                   && node->type != WEIR_POLICY_T_INT
                   && node->type != WEIR_POLICY_T_TIME
                   && node->type != WEIR_POLICY_T_DURATION)
        {
            return 0;
        }

        return weir_policy_verify_operand(v, node->a, node->type)
               && weir_policy_verify_operand(v, node->b, node->type);

    case WEIR_POLICY_N_ANY_SET:
    case WEIR_POLICY_N_ALL_SET:
        return node->a < v->rec->attrs.n
               && attrs[node->a].type == WEIR_POLICY_T_SET
               && node->b < v->rec->attrs.n
               && attrs[node->b].type == WEIR_POLICY_T_SET;

    case WEIR_POLICY_N_ANY_LIST:
    case WEIR_POLICY_N_ALL_LIST:
    case WEIR_POLICY_N_LIST_ALL:
        return node->a < v->rec->attrs.n
               && attrs[node->a].type == WEIR_POLICY_T_SET
               && weir_policy_verify_strings(v, node->b);

    case WEIR_POLICY_N_MATCH:
        return node->b < v->image->regexes.n
               && weir_policy_verify_operand(v, node->a, WEIR_POLICY_T_STRING);

    case WEIR_POLICY_N_LIKE:
        return (node->b & WEIR_POLICY_LITERAL)
               && weir_policy_verify_operand(v, node->a, WEIR_POLICY_T_STRING)
               && weir_policy_verify_operand(v, node->b, WEIR_POLICY_T_STRING);

    default:
        return weir_policy_verify_in(v, node);
    }
}


static int
weir_policy_verify_in(weir_policy_verify_t *v,
    const weir_policy_node_rec_t *node)
{
    const weir_policy_array_t     *list;
    const weir_policy_attr_rec_t  *attrs;

    if (!weir_policy_verify_operand(v, node->a, node->type)) {
        return 0;
    }

    switch (node->op) {

    case WEIR_POLICY_N_IN_NOTHING:
        return 1;

    case WEIR_POLICY_N_IN_SET:
        attrs = weir_policy_at(v->image, v->rec->attrs.off);

        return node->type == WEIR_POLICY_T_STRING
               && node->b < v->rec->attrs.n
               && attrs[node->b].type == WEIR_POLICY_T_SET;

    case WEIR_POLICY_N_IN_STRINGS:

        return node->type == WEIR_POLICY_T_STRING
               && weir_policy_verify_strings(v, node->b);

    case WEIR_POLICY_N_IN_NUMBERS:

        if ((node->type != WEIR_POLICY_T_BOOL
             && node->type != WEIR_POLICY_T_INT
             && node->type != WEIR_POLICY_T_TIME
             && node->type != WEIR_POLICY_T_DURATION)
            || !weir_policy_inside(v, node->b, 1, sizeof(*list), 4))
        {
            return 0;
        }

        list = weir_policy_at(v->image, node->b);

        return weir_policy_array(v, list, sizeof(int64_t));

    case WEIR_POLICY_N_IN_NETS:
        return node->type == WEIR_POLICY_T_IP
               && weir_policy_verify_nets(v, node->b);

    default:
        return 0;
    }
}


static int
weir_policy_verify_operand(weir_policy_verify_t *v, uint32_t operand,
    uint32_t type)
{
    const weir_policy_attr_rec_t     *attrs;
    const weir_policy_literal_rec_t  *literals;

    if (operand & WEIR_POLICY_LITERAL) {
        operand &= ~WEIR_POLICY_LITERAL;
        literals = weir_policy_at(v->image, v->rec->literals.off);

        return operand < v->rec->literals.n && literals[operand].type == type;
    }

    attrs = weir_policy_at(v->image, v->rec->attrs.off);

    return operand < v->rec->attrs.n && attrs[operand].type == type;
}


static int
weir_policy_verify_nets(weir_policy_verify_t *v, uint32_t off)
{
    const weir_policy_nets_t  *nets;

    if (!weir_policy_inside(v, off, 1, sizeof(weir_policy_nets_t), 4)) {
        return 0;
    }

    nets = weir_policy_at(v->image, off);

    return weir_policy_array(v, &nets->v4, sizeof(weir_policy_range4_t))
           && weir_policy_array(v, &nets->v6, sizeof(weir_policy_range6_t));
}


int
weir_policy_inside(weir_policy_verify_t *v, uint32_t off, uint64_t n,
    size_t size, size_t align)
{
    return off % align == 0 && off <= v->image->size
           && n <= (v->image->size - off) / size;
}


int
weir_policy_array(weir_policy_verify_t *v, const weir_policy_array_t *a,
    size_t size)
{
    return weir_policy_inside(v, a->off, a->n, size, 8);
}


int
weir_policy_ref(weir_policy_verify_t *v, const weir_policy_ref_t *ref)
{
    return weir_policy_inside(v, ref->off, ref->len, 1, 1);
}


static int
weir_policy_refs(weir_policy_verify_t *v, const weir_policy_array_t *a)
{
    uint32_t                  i;
    const weir_policy_ref_t  *refs;

    if (!weir_policy_array(v, a, sizeof(weir_policy_ref_t))) {
        return 0;
    }

    refs = weir_policy_at(v->image, a->off);

    for (i = 0; i < a->n; i++) {
        if (!weir_policy_ref(v, &refs[i])) {
            return 0;
        }
    }

    return 1;
}
