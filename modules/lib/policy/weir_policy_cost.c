
/*
 * Weir: what a rule may cost.  Every rule ends, as there are no loops; this
 * bounds how late.  A unit is about what comparing two words takes.
 */

#include "weir_policy_ast.h"


#define WEIR_POLICY_COST_NODE    1
#define WEIR_POLICY_COST_LIKE    16
#define WEIR_POLICY_COST_CLAIM   64        /* to look through a set claim */
#define WEIR_POLICY_COST_PAIRS   16384     /* to compare two of them */
#define WEIR_POLICY_COST_HOST    4
#define WEIR_POLICY_COST_SPAN    8


static uint64_t weir_policy_expr_cost(const weir_policy_expr_t *e);
static uint64_t weir_policy_sets_cost(const weir_policy_expr_t *e);
static uint64_t weir_policy_list_cost(uint32_t n);
static uint64_t weir_policy_who_cost(const weir_policy_rule_t *rule);
static uint64_t weir_policy_role_cost(weir_policy_role_t *role);


void
weir_policy_check_cost(weir_policy_compiler_t *c, weir_policy_file_t *file)
{
    int                         captures;
    uint32_t                    own;
    uint64_t                    cost, whats;
    weir_policy_rule_t         *rule;
    const weir_policy_net_t    *net;
    const weir_policy_span_t   *span;
    const weir_policy_what_t   *what;
    const weir_policy_cond_t   *cond;
    const weir_policy_princ_t  *p;
    const weir_policy_words_t  *w;

    for (rule = file->rules; rule != NULL; rule = rule->next) {

        cost = weir_policy_who_cost(rule);
        captures = 0;

        for (p = rule->who; p != NULL; p = p->next) {
            captures |= p->role != NULL && p->role->paths != NULL;
        }

        for (w = rule->hosts; w != NULL; w = w->next) {
            cost += WEIR_POLICY_COST_HOST;
        }

        own = 0;

        for (net = rule->nets; net != NULL; net = net->next) {

            if (net->set == NULL) {
                own++;

            } else {
                cost += weir_policy_list_cost(net->set->list->nitems);
            }
        }

        cost += own == 0 ? 0 : weir_policy_list_cost(own);

        if (rule->window != NULL) {
            for (span = rule->window->spans; span != NULL; span = span->next) {
                cost += WEIR_POLICY_COST_SPAN;
            }
        }

        for (cond = rule->conds; cond != NULL; cond = cond->next) {
            cost += weir_policy_expr_cost(cond->expr);
            captures |= weir_policy_reads_path(cond->expr);
        }

        whats = 0;

        for (what = rule->whats; what != NULL; what = what->next) {
            whats++;
        }

        /* each pattern that matches gives other captures */

        if (captures && whats > 1) {
            cost *= whats;
        }

        if (cost > WEIR_POLICY_MAX_COST) {
            weir_policy_error(c, rule->name.loc, "rule %.*s may cost %llu "
                              "units, a rule has %d; a regular expression "
                              "costs %d, two claims that are compared %d",
                              weir_policy_s(rule->name.text),
                              (unsigned long long) cost, WEIR_POLICY_MAX_COST,
                              WEIR_POLICY_MATCH_LIMIT,
                              WEIR_POLICY_COST_PAIRS);
        }
    }
}


static uint64_t
weir_policy_expr_cost(const weir_policy_expr_t *e)
{
    if (e == NULL) {
        return 0;
    }

    switch (e->op) {

    case WEIR_POLICY_E_MATCH:
        return WEIR_POLICY_MATCH_LIMIT;

    case WEIR_POLICY_E_LIKE:
        return WEIR_POLICY_COST_LIKE;

    case WEIR_POLICY_E_ANY_IN:
    case WEIR_POLICY_E_ALL_IN:
        return weir_policy_sets_cost(e);

    case WEIR_POLICY_E_IN:
        return e->right->op == WEIR_POLICY_E_LITERAL
               ? weir_policy_list_cost(e->right->literal->nitems)
               : WEIR_POLICY_COST_CLAIM;

    default:
        return WEIR_POLICY_COST_NODE + weir_policy_expr_cost(e->left)
               + weir_policy_expr_cost(e->right);
    }
}


static uint64_t
weir_policy_sets_cost(const weir_policy_expr_t *e)
{
    uint64_t  cost;

    if (e->left->type == WEIR_POLICY_T_SET
        && e->right->type == WEIR_POLICY_T_SET)
    {
        return WEIR_POLICY_COST_PAIRS;
    }

    if (e->left->type == WEIR_POLICY_T_LIST
        && e->op == WEIR_POLICY_E_ALL_IN)
    {
        cost = (uint64_t) e->left->literal->nitems * WEIR_POLICY_COST_CLAIM;

        return cost < WEIR_POLICY_COST_PAIRS ? cost : WEIR_POLICY_COST_PAIRS;
    }

    return WEIR_POLICY_COST_CLAIM
           * weir_policy_list_cost(e->left->type == WEIR_POLICY_T_LIST
                                   ? e->left->literal->nitems
                                   : e->right->literal->nitems);
}


/* A search that halves it. */

static uint64_t
weir_policy_list_cost(uint32_t n)
{
    uint64_t  cost;

    cost = 1;

    for ( /* void */ ; n > 1; n /= 2) {
        cost++;
    }

    return cost;
}


static uint64_t
weir_policy_who_cost(const weir_policy_rule_t *rule)
{
    uint32_t                    i;
    uint64_t                    cost;
    const weir_policy_princ_t  *p;

    cost = 0;

    for (p = rule->who; p != NULL; p = p->next) {

        cost += WEIR_POLICY_COST_NODE;

        if (p->set != NULL) {
            cost += weir_policy_list_cost(p->set->list->nitems);
        }

        if (p->role == NULL) {
            continue;
        }

        cost += weir_policy_role_cost(p->role);

        for (i = 0; i < p->role->nholders && cost <= WEIR_POLICY_MAX_COST; i++)
        {
            cost += weir_policy_role_cost(p->role->holders[i]);
        }

        if (cost > WEIR_POLICY_MAX_COST) {
            break;
        }
    }

    return cost;
}


/* Of its "when"; reckoned once. */

static uint64_t
weir_policy_role_cost(weir_policy_role_t *role)
{
    if (role->cost == 0) {
        role->cost = 1 + weir_policy_expr_cost(role->when);
    }

    return role->cost;
}
