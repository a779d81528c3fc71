
/*
 * Weir: expressions of the image: their nodes, and conditions made of them.
 */

#include "weir_policy_image.h"


/* Operands of one && or ||, its chain flattened. */

typedef struct {
    uint32_t                   n;
    const weir_policy_expr_t  *e[WEIR_POLICY_MAX_NODES];
} weir_policy_chain_t;


static int weir_policy_build_node(weir_policy_builder_t *b, uint32_t at,
    const weir_policy_expr_t *e);
static void weir_policy_chain(weir_policy_chain_t *chain,
    weir_policy_expr_op_t op, const weir_policy_expr_t *e);
static uint32_t weir_policy_build_nodes(weir_policy_builder_t *b, uint32_t n);
static void weir_policy_set_node(weir_policy_builder_t *b, uint32_t at,
    weir_policy_node_op_t op, weir_policy_type_t type, uint32_t n, uint32_t a,
    uint32_t bb);
static uint32_t weir_policy_build_all(weir_policy_builder_t *b,
    const weir_policy_cond_t *conds);
static void weir_policy_shift(weir_policy_node_rec_t *nodes, uint32_t n,
    uint32_t by);
static int weir_policy_build_compare(weir_policy_builder_t *b, uint32_t at,
    const weir_policy_expr_t *e);
static int weir_policy_build_in(weir_policy_builder_t *b, uint32_t at,
    const weir_policy_expr_t *e, uint32_t left);
static uint32_t weir_policy_build_operand(weir_policy_builder_t *b,
    const weir_policy_expr_t *e);
static int weir_policy_build_sets(weir_policy_builder_t *b, uint32_t at,
    const weir_policy_expr_t *e);
static uint32_t weir_policy_node_cost(const weir_policy_builder_t *b,
    uint32_t at);
static void weir_policy_order(weir_policy_builder_t *b, uint32_t first,
    uint32_t n);


/*
 * What is built is compared, its children counted from its beginning; what is
 * there already is taken back.  Literals and attributes are each once.
 */

uint32_t
weir_policy_build_conds(weir_policy_builder_t *b,
    const weir_policy_cond_t *conds)
{
    int                      rc;
    size_t                   was;
    uint32_t                 at, first, n, i, number;
    weir_policy_cond_rec_t   rec;
    weir_policy_node_rec_t  *nodes;

    was = b->nodes.len;

    at = weir_policy_build_all(b, conds);

    if (at == WEIR_POLICY_NONE) {
        return at;
    }

    first = (uint32_t) (was / sizeof(weir_policy_node_rec_t));
    n = (uint32_t) (b->nodes.len / sizeof(weir_policy_node_rec_t)) - first;
    nodes = (weir_policy_node_rec_t *) (void *) b->nodes.data + first;

    weir_policy_shift(nodes, n, -first);

    number = (uint32_t) (b->conds.len / sizeof(weir_policy_cond_rec_t));

    rc = weir_policy_known(b, &b->cond_table, nodes,
                           n * sizeof(weir_policy_node_rec_t), &number);

    if (rc == WEIR_NOMEM) {
        return WEIR_POLICY_NONE;
    }

    if (rc == WEIR_OK) {
        b->nodes.len = was;
        return number;
    }

    weir_policy_shift(nodes, n, first);

    i = weir_policy_reserve(b, &b->conds, 1, sizeof(weir_policy_cond_rec_t));

    if (i == WEIR_POLICY_NONE) {
        return i;
    }

    rec.node = at;
    rec.reserved = 0;

    memcpy(b->conds.data + i, &rec, sizeof(weir_policy_cond_rec_t));

    return number;
}


/* Moves what nodes say of nodes. */

static void
weir_policy_shift(weir_policy_node_rec_t *nodes, uint32_t n, uint32_t by)
{
    uint32_t  i;

    for (i = 0; i < n; i++) {
        if (nodes[i].op == WEIR_POLICY_N_NOT
            || nodes[i].op == WEIR_POLICY_N_AND
            || nodes[i].op == WEIR_POLICY_N_OR)
        {
            nodes[i].a += by;
        }
    }
}


/* Every "if" true, every "unless" false: one node for all. */

static uint32_t
weir_policy_build_all(weir_policy_builder_t *b,
    const weir_policy_cond_t *conds)
{
    uint32_t                   at, child, i, n;
    const weir_policy_cond_t  *cond;

    n = 0;

    for (cond = conds; cond != NULL; cond = cond->next) {
        n++;
    }

    if (n > UINT16_MAX) {
        b->c->nomem = 1;
        return WEIR_POLICY_NONE;
    }

    at = weir_policy_build_nodes(b, 1);

    if (at == WEIR_POLICY_NONE) {
        return at;
    }

    child = weir_policy_build_nodes(b, n);

    if (child == WEIR_POLICY_NONE) {
        return child;
    }

    weir_policy_set_node(b, at, WEIR_POLICY_N_AND, WEIR_POLICY_T_BOOL, n,
                         child, 0);

    i = 0;

    for (cond = conds; cond != NULL; cond = cond->next) {

        if (!cond->unless) {
            if (weir_policy_build_node(b, child + i, cond->expr) != WEIR_OK) {
                return WEIR_POLICY_NONE;
            }

        } else {
            n = weir_policy_build_nodes(b, 1);

            if (n == WEIR_POLICY_NONE) {
                return n;
            }

            weir_policy_set_node(b, child + i, WEIR_POLICY_N_NOT,
                                 WEIR_POLICY_T_BOOL, 0, n, 0);

            if (weir_policy_build_node(b, n, cond->expr) != WEIR_OK) {
                return WEIR_POLICY_NONE;
            }
        }

        i++;
    }

    weir_policy_order(b, child, i);

    return at;
}


uint32_t
weir_policy_build_expr(weir_policy_builder_t *b, const weir_policy_expr_t *e)
{
    uint32_t  at;

    at = weir_policy_build_nodes(b, 1);

    if (at == WEIR_POLICY_NONE
        || weir_policy_build_node(b, at, e) != WEIR_OK)
    {
        return WEIR_POLICY_NONE;
    }

    return at;
}


/* Fills the node at; its children lie behind it. */

static int
weir_policy_build_node(weir_policy_builder_t *b, uint32_t at,
    const weir_policy_expr_t *e)
{
    uint32_t               i, child;
    weir_policy_chain_t   *chain;

    switch (e->op) {

    case WEIR_POLICY_E_AND:
    case WEIR_POLICY_E_OR:

        chain = weir_policy_alloc(b->c, sizeof(weir_policy_chain_t));
        if (chain == NULL) {
            return WEIR_NOMEM;
        }

        weir_policy_chain(chain, e->op, e);

        child = weir_policy_build_nodes(b, chain->n);

        if (child == WEIR_POLICY_NONE) {
            return WEIR_NOMEM;
        }

        weir_policy_set_node(b, at, e->op == WEIR_POLICY_E_AND
                                    ? WEIR_POLICY_N_AND : WEIR_POLICY_N_OR,
                             WEIR_POLICY_T_BOOL, chain->n, child, 0);

        for (i = 0; i < chain->n; i++) {
            if (weir_policy_build_node(b, child + i, chain->e[i]) != WEIR_OK) {
                return WEIR_NOMEM;
            }
        }

        weir_policy_order(b, child, chain->n);

        return WEIR_OK;

    case WEIR_POLICY_E_NOT:

        child = weir_policy_build_nodes(b, 1);

        if (child == WEIR_POLICY_NONE) {
            return WEIR_NOMEM;
        }

        weir_policy_set_node(b, at, WEIR_POLICY_N_NOT, WEIR_POLICY_T_BOOL, 0,
                             child, 0);

        return weir_policy_build_node(b, child, e->left);

    case WEIR_POLICY_E_HAS:
    case WEIR_POLICY_E_ATTR:

        child = weir_policy_build_attr(b, e->attr);

        if (child == WEIR_POLICY_NONE) {
            return WEIR_NOMEM;
        }

        weir_policy_set_node(b, at, e->op == WEIR_POLICY_E_HAS
                                    ? WEIR_POLICY_N_HAS : WEIR_POLICY_N_BOOL,
                             WEIR_POLICY_T_BOOL, 0, child, 0);
        return WEIR_OK;

    case WEIR_POLICY_E_LITERAL:
        weir_policy_set_node(b, at, WEIR_POLICY_N_CONST, WEIR_POLICY_T_BOOL, 0,
                             e->literal->number != 0, 0);
        return WEIR_OK;

    default:
        return weir_policy_build_compare(b, at, e);
    }
}


static void
weir_policy_chain(weir_policy_chain_t *chain, weir_policy_expr_op_t op,
    const weir_policy_expr_t *e)
{
    if (e->op == op) {
        weir_policy_chain(chain, op, e->left);
        weir_policy_chain(chain, op, e->right);
        return;
    }

    chain->e[chain->n++] = e;
}


static uint32_t
weir_policy_build_nodes(weir_policy_builder_t *b, uint32_t n)
{
    uint32_t  off;

    off = weir_policy_reserve(b, &b->nodes, n, sizeof(weir_policy_node_rec_t));

    return off == WEIR_POLICY_NONE
           ? off : off / (uint32_t) sizeof(weir_policy_node_rec_t);
}


static void
weir_policy_set_node(weir_policy_builder_t *b, uint32_t at,
    weir_policy_node_op_t op, weir_policy_type_t type, uint32_t n, uint32_t a,
    uint32_t bb)
{
    weir_policy_node_rec_t  *node;

    node = (weir_policy_node_rec_t *) (void *) b->nodes.data + at;

    node->op = op;
    node->type = type;
    node->n = n;
    node->a = a;
    node->b = bb;
}


static int
weir_policy_build_compare(weir_policy_builder_t *b, uint32_t at,
    const weir_policy_expr_t *e)
{
    uint32_t               left, right;
    weir_policy_node_op_t  op;

    if (e->op == WEIR_POLICY_E_ANY_IN || e->op == WEIR_POLICY_E_ALL_IN) {
        return weir_policy_build_sets(b, at, e);
    }

    left = weir_policy_build_operand(b, e->left);

    if (left == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    if (e->op == WEIR_POLICY_E_IN) {
        return weir_policy_build_in(b, at, e, left);
    }

    right = e->op == WEIR_POLICY_E_MATCH
            ? weir_policy_build_regex(b, e->right->literal->string)
            : weir_policy_build_operand(b, e->right);

    if (right == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    switch (e->op) {

    case WEIR_POLICY_E_MATCH:
        op = WEIR_POLICY_N_MATCH;
        break;

    case WEIR_POLICY_E_EQ:
        op = WEIR_POLICY_N_EQ;
        break;

    case WEIR_POLICY_E_NE:
        op = WEIR_POLICY_N_NE;
        break;

    case WEIR_POLICY_E_LT:
        op = WEIR_POLICY_N_LT;
        break;

    case WEIR_POLICY_E_LE:
        op = WEIR_POLICY_N_LE;
        break;

    case WEIR_POLICY_E_GT:
        op = WEIR_POLICY_N_GT;
        break;

    case WEIR_POLICY_E_GE:
        op = WEIR_POLICY_N_GE;
        break;

    default: /* WEIR_POLICY_E_LIKE */
        op = WEIR_POLICY_N_LIKE;
        break;
    }

    weir_policy_set_node(b, at, op, e->left->type, 0, left, right);

    return WEIR_OK;
}


/* "any in" is the same from both sides. */

static int
weir_policy_build_sets(weir_policy_builder_t *b, uint32_t at,
    const weir_policy_expr_t *e)
{
    uint32_t                    set, other;
    weir_policy_node_op_t       op;
    const weir_policy_expr_t   *left, *right;

    left = e->left;
    right = e->right;

    if (left->type == WEIR_POLICY_T_LIST) {
        op = e->op == WEIR_POLICY_E_ANY_IN ? WEIR_POLICY_N_ANY_LIST
                                           : WEIR_POLICY_N_LIST_ALL;
        left = e->right;
        right = e->left;

    } else if (right->type == WEIR_POLICY_T_LIST) {
        op = e->op == WEIR_POLICY_E_ANY_IN ? WEIR_POLICY_N_ANY_LIST
                                           : WEIR_POLICY_N_ALL_LIST;

    } else {
        op = e->op == WEIR_POLICY_E_ANY_IN ? WEIR_POLICY_N_ANY_SET
                                           : WEIR_POLICY_N_ALL_SET;
    }

    set = weir_policy_build_attr(b, left->attr);

    other = right->type == WEIR_POLICY_T_LIST
            ? weir_policy_build_list(b, right->literal)
            : weir_policy_build_attr(b, right->attr);

    if (set == WEIR_POLICY_NONE || other == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    weir_policy_set_node(b, at, op, WEIR_POLICY_T_SET, 0, set, other);

    return WEIR_OK;
}


/*
 * Operands of && and || in any order are the same in Kleene's logic: regular
 * expressions, and what holds some, come last.
 */

static void
weir_policy_order(weir_policy_builder_t *b, uint32_t first, uint32_t n)
{
    uint32_t                 i, k, cost;
    weir_policy_node_rec_t  *nodes, node;

    nodes = (weir_policy_node_rec_t *) (void *) b->nodes.data;

    for (i = first + 1; i < first + n; i++) {
        node = nodes[i];
        cost = weir_policy_node_cost(b, i);

        if (cost != 0) {
            continue;
        }

        for (k = i; k > first && weir_policy_node_cost(b, k - 1) != 0; k--) {
            nodes[k] = nodes[k - 1];
        }

        nodes[k] = node;
    }
}


/* Whether there is a regular expression in what a node holds. */

static uint32_t
weir_policy_node_cost(const weir_policy_builder_t *b, uint32_t at)
{
    uint32_t                       i;
    const weir_policy_node_rec_t  *node;

    node = (const weir_policy_node_rec_t *) (void *) b->nodes.data + at;

    switch (node->op) {

    case WEIR_POLICY_N_MATCH:
        return 1;

    case WEIR_POLICY_N_NOT:
        return weir_policy_node_cost(b, node->a);

    case WEIR_POLICY_N_AND:
    case WEIR_POLICY_N_OR:

        for (i = 0; i < node->n; i++) {
            if (weir_policy_node_cost(b, node->a + i)) {
                return 1;
            }
        }

        return 0;

    default:
        return 0;
    }
}


static int
weir_policy_build_in(weir_policy_builder_t *b, uint32_t at,
    const weir_policy_expr_t *e, uint32_t left)
{
    uint32_t                      right;
    weir_cidr_t                   net;
    weir_policy_node_op_t         op;
    weir_policy_literal_t        *list;

    if (e->right->op == WEIR_POLICY_E_ATTR) {
        op = WEIR_POLICY_N_IN_SET;
        right = weir_policy_build_attr(b, e->right->attr);

    } else if (e->right->type == WEIR_POLICY_T_CIDR) {
        op = WEIR_POLICY_N_IN_NETS;
        net = e->right->literal->net;
        right = weir_policy_build_nets(b, &net, 1);

    } else {
        list = e->right->literal;

        op = list->nitems == 0 ? WEIR_POLICY_N_IN_NOTHING
             : list->item_type == WEIR_POLICY_T_STRING
               ? WEIR_POLICY_N_IN_STRINGS
             : list->item_type == WEIR_POLICY_T_IP ? WEIR_POLICY_N_IN_NETS
             : WEIR_POLICY_N_IN_NUMBERS;

        right = weir_policy_build_list(b, list);
    }

    if (right == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    weir_policy_set_node(b, at, op, e->left->type, 0, left, right);

    return WEIR_OK;
}


static uint32_t
weir_policy_build_operand(weir_policy_builder_t *b,
    const weir_policy_expr_t *e)
{
    uint32_t  i;

    if (e->op == WEIR_POLICY_E_ATTR) {
        return weir_policy_build_attr(b, e->attr);
    }

    i = weir_policy_build_literal(b, e->literal);

    return i == WEIR_POLICY_NONE ? i : i | WEIR_POLICY_LITERAL;
}
