
/*
 * Weir: whether two permits can match the same request.  What is not shown to
 * be impossible here counts as possible.
 */

#include "weir_policy_ast.h"


/* Conditions of a rule that are looked at, all joined by "and". */

#define WEIR_POLICY_MAX_TERMS  64

/* Networks of a rule that are compared one by one. */

#define WEIR_POLICY_MAX_NETS  64


typedef struct {
    const weir_policy_expr_t  *expr;
    unsigned                   negated;
} weir_policy_term_t;

typedef struct {
    uint32_t            n;
    weir_policy_term_t  list[WEIR_POLICY_MAX_TERMS];
} weir_policy_terms_t;


static int weir_policy_whats_disjoint(const weir_policy_rule_t *a,
    const weir_policy_rule_t *b);
static int weir_policy_methods_disjoint(const weir_policy_what_t *a,
    const weir_policy_what_t *b);
static int weir_policy_paths_disjoint(const weir_policy_what_t *a,
    const weir_policy_what_t *b);
static int weir_policy_segs_differ(const weir_policy_seg_t *a,
    const weir_policy_seg_t *b);
static int weir_policy_hosts_disjoint(const weir_policy_rule_t *a,
    const weir_policy_rule_t *b);
static int weir_policy_who_disjoint(const weir_policy_rule_t *a,
    const weir_policy_rule_t *b);
static int weir_policy_princs_disjoint(const weir_policy_princ_t *a,
    const weir_policy_princ_t *b);
static int weir_policy_nets_disjoint(const weir_policy_rule_t *a,
    const weir_policy_rule_t *b);
static void weir_policy_terms(weir_policy_terms_t *terms,
    const weir_policy_rule_t *rule);
static void weir_policy_term(weir_policy_terms_t *terms,
    const weir_policy_expr_t *e, unsigned negated);
static int weir_policy_terms_clash(const weir_policy_term_t *a,
    const weir_policy_term_t *b);
static const weir_policy_attr_t *weir_policy_equal_to(
    const weir_policy_expr_t *e, const weir_policy_literal_t **first,
    uint32_t *n);
static int weir_policy_literal_same(const weir_policy_literal_t *a,
    const weir_policy_literal_t *b);


int
weir_policy_disjoint(const weir_policy_rule_t *a, const weir_policy_rule_t *b)
{
    uint32_t              i, k;
    weir_policy_terms_t   at, bt;

    if (weir_policy_whats_disjoint(a, b) || weir_policy_hosts_disjoint(a, b)
        || weir_policy_who_disjoint(a, b) || weir_policy_nets_disjoint(a, b))
    {
        return 1;
    }

    weir_policy_terms(&at, a);
    weir_policy_terms(&bt, b);

    for (i = 0; i < at.n; i++) {
        for (k = 0; k < bt.n; k++) {
            if (weir_policy_terms_clash(&at.list[i], &bt.list[k])
                || weir_policy_terms_clash(&bt.list[k], &at.list[i]))
            {
                return 1;
            }
        }
    }

    return 0;
}


static int
weir_policy_whats_disjoint(const weir_policy_rule_t *a,
    const weir_policy_rule_t *b)
{
    const weir_policy_what_t  *x, *y;

    if (a->whats == NULL || b->whats == NULL) {
        return 0;
    }

    for (x = a->whats; x != NULL; x = x->next) {
        for (y = b->whats; y != NULL; y = y->next) {
            if (!weir_policy_methods_disjoint(x, y)
                && !weir_policy_paths_disjoint(x, y))
            {
                return 0;
            }
        }
    }

    return 1;
}


static int
weir_policy_methods_disjoint(const weir_policy_what_t *a,
    const weir_policy_what_t *b)
{
    const weir_policy_words_t  *x, *y;

    if (a->methods == NULL || b->methods == NULL) {
        return 0;
    }

    for (x = a->methods; x != NULL; x = x->next) {
        for (y = b->methods; y != NULL; y = y->next) {
            if (weir_str_eq(x->word.text, y->word.text)) {
                return 0;
            }
        }
    }

    return 1;
}


/*
 * What stands before a "**" is compared from the front, what stands behind it
 * from the end.
 */

static int
weir_policy_paths_disjoint(const weir_policy_what_t *a,
    const weir_policy_what_t *b)
{
    uint32_t  i, front[2], back[2], n;

    for (i = 0; i < 2; i++) {
        const weir_policy_what_t  *w;

        w = i == 0 ? a : b;

        for (n = 0; n < w->nsegs; n++) {
            if (w->segs[n].kind == WEIR_POLICY_SEG_ANY) {
                break;
            }
        }

        front[i] = n;
        back[i] = n == w->nsegs ? UINT32_MAX : w->nsegs - n - 1;
    }

    if (back[0] == UINT32_MAX && back[1] == UINT32_MAX) {

        if (front[0] != front[1]) {
            return 1;
        }

    } else if (back[0] == UINT32_MAX) {

        if (front[0] < front[1] + back[1]) {
            return 1;
        }

    } else if (back[1] == UINT32_MAX) {

        if (front[1] < front[0] + back[0]) {
            return 1;
        }
    }

    n = front[0] < front[1] ? front[0] : front[1];

    for (i = 0; i < n; i++) {
        if (weir_policy_segs_differ(&a->segs[i], &b->segs[i])) {
            return 1;
        }
    }

    /* a pattern without "**" has its end counted from behind as well */

    n = back[0] < back[1] ? back[0] : back[1];

    if (n == UINT32_MAX) {
        return 0;
    }

    for (i = 1; i <= n; i++) {
        if (weir_policy_segs_differ(&a->segs[a->nsegs - i],
                                    &b->segs[b->nsegs - i]))
        {
            return 1;
        }
    }

    return 0;
}


static int
weir_policy_segs_differ(const weir_policy_seg_t *a, const weir_policy_seg_t *b)
{
    return a->kind == WEIR_POLICY_SEG_LITERAL
           && b->kind == WEIR_POLICY_SEG_LITERAL
           && !weir_str_eq(a->text, b->text);
}


static int
weir_policy_hosts_disjoint(const weir_policy_rule_t *a,
    const weir_policy_rule_t *b)
{
    weir_str_t                  s, t;
    const weir_policy_words_t  *x, *y;

    if (a->hosts == NULL || b->hosts == NULL) {
        return 0;
    }

    for (x = a->hosts; x != NULL; x = x->next) {
        for (y = b->hosts; y != NULL; y = y->next) {

            s = x->word.text;
            t = y->word.text;

            if (weir_str_eq(s, t) || weir_host_match(s, t)
                || weir_host_match(t, s))
            {
                return 0;
            }

            /* of two globs one may lie in the other */

            if (s.data[0] == '*' && t.data[0] == '*') {

                if (s.len > t.len) {
                    s.data += s.len - t.len + 1;
                    s.len = t.len - 1;
                    t.data++;
                    t.len--;

                } else {
                    t.data += t.len - s.len + 1;
                    t.len = s.len - 1;
                    s.data++;
                    s.len--;
                }

                if (weir_str_eq(s, t)) {
                    return 0;
                }
            }
        }
    }

    return 1;
}


static int
weir_policy_who_disjoint(const weir_policy_rule_t *a,
    const weir_policy_rule_t *b)
{
    const weir_policy_princ_t  *x, *y;

    if (a->who == NULL || b->who == NULL) {
        return 0;
    }

    for (x = a->who; x != NULL; x = x->next) {
        for (y = b->who; y != NULL; y = y->next) {
            if (!weir_policy_princs_disjoint(x, y)) {
                return 0;
            }
        }
    }

    return 1;
}


/* An identity has one issuer, one subject and one SPIFFE ID. */

static int
weir_policy_princs_disjoint(const weir_policy_princ_t *a,
    const weir_policy_princ_t *b)
{
    int  as, bs;

    if (a->kind == WEIR_POLICY_P_SPIFFE && b->kind == WEIR_POLICY_P_SPIFFE) {
        return a->set == NULL && b->set == NULL
               && !weir_str_eq(a->name.text, b->name.text);
    }

    as = a->kind == WEIR_POLICY_P_SUBJECT;
    bs = b->kind == WEIR_POLICY_P_SUBJECT;

    if ((!as && a->kind != WEIR_POLICY_P_ISSUER)
        || (!bs && b->kind != WEIR_POLICY_P_ISSUER))
    {
        return 0;
    }

    return !weir_str_eq(a->issuer.text, b->issuer.text)
           || (as && bs && !weir_str_eq(a->name.text, b->name.text));
}


static int
weir_policy_nets_disjoint(const weir_policy_rule_t *a,
    const weir_policy_rule_t *b)
{
    uint32_t                  n;
    const weir_policy_net_t  *x, *y;

    if (a->nets == NULL || b->nets == NULL) {
        return 0;
    }

    n = 0;

    for (x = a->nets; x != NULL; x = x->next) {
        for (y = b->nets; y != NULL; y = y->next) {

            if (x->set != NULL || y->set != NULL
                || ++n > WEIR_POLICY_MAX_NETS * WEIR_POLICY_MAX_NETS
                || weir_cidr_contains(&x->cidr, &y->cidr.addr)
                || weir_cidr_contains(&y->cidr, &x->cidr.addr))
            {
                return 0;
            }
        }
    }

    return 1;
}


static void
weir_policy_terms(weir_policy_terms_t *terms, const weir_policy_rule_t *rule)
{
    const weir_policy_cond_t  *cond;

    terms->n = 0;

    for (cond = rule->conds; cond != NULL; cond = cond->next) {
        weir_policy_term(terms, cond->expr, cond->unless);
    }

    /* the only way to be who the rule is for */

    if (rule->who != NULL && rule->who->next == NULL
        && rule->who->role != NULL && rule->who->role->nholders == 0
        && rule->who->role->when != NULL)
    {
        weir_policy_term(terms, rule->who->role->when, 0);
    }
}


static void
weir_policy_term(weir_policy_terms_t *terms, const weir_policy_expr_t *e,
    unsigned negated)
{
    if (e->op == WEIR_POLICY_E_NOT) {
        weir_policy_term(terms, e->left, !negated);
        return;
    }

    if (e->op == (negated ? WEIR_POLICY_E_OR : WEIR_POLICY_E_AND)) {
        weir_policy_term(terms, e->left, negated);
        weir_policy_term(terms, e->right, negated);
        return;
    }

    if (terms->n < WEIR_POLICY_MAX_TERMS) {
        terms->list[terms->n].expr = e;
        terms->list[terms->n].negated = negated;
        terms->n++;
    }
}


/*
 * A term and its negation; or an attribute that equals one of some values,
 * and one of others, or none of them.  A capture of one rule is not that of
 * another.
 */

static int
weir_policy_terms_clash(const weir_policy_term_t *a,
    const weir_policy_term_t *b)
{
    uint32_t                      i, k, na, nb;
    unsigned                      negated;
    const weir_policy_attr_t     *x, *y;
    const weir_policy_literal_t  *va, *vb, *first;

    if (weir_policy_reads_path(a->expr) || weir_policy_reads_path(b->expr)) {
        return 0;
    }

    if (a->negated != b->negated && weir_policy_expr_same(a->expr, b->expr)) {
        return 1;
    }

    x = weir_policy_equal_to(a->expr, &va, &na);
    y = weir_policy_equal_to(b->expr, &first, &nb);

    if (x == NULL || y == NULL || !weir_policy_attr_same(x, y)
        || x->claim != y->claim
        || (a->negated ^ (a->expr->op == WEIR_POLICY_E_NE))
        || (uint64_t) na * nb > 4096)
    {
        return 0;
    }

    negated = b->negated ^ (b->expr->op == WEIR_POLICY_E_NE);

    /* each value of a is one that b excludes */

    for (i = 0; i < na; i++, va = va->next) {

        vb = first;

        for (k = 0; k < nb; k++, vb = vb->next) {
            if (weir_policy_literal_same(va, vb)) {
                break;
            }
        }

        if ((k == nb) == negated) {
            return 0;
        }
    }

    return 1;
}


/* "attr == literal", "attr != literal" or "attr in [ literals ]", or NULL. */

static const weir_policy_attr_t *
weir_policy_equal_to(const weir_policy_expr_t *e,
    const weir_policy_literal_t **first, uint32_t *n)
{
    const weir_policy_expr_t  *attr, *literal;

    if (e->op == WEIR_POLICY_E_IN && e->left->op == WEIR_POLICY_E_ATTR
        && e->right->op == WEIR_POLICY_E_LITERAL
        && e->right->type == WEIR_POLICY_T_LIST
        && e->right->literal->item_type != WEIR_POLICY_T_IP)
    {
        *first = e->right->literal->items;
        *n = e->right->literal->nitems;

        return e->left->attr;
    }

    if (e->op != WEIR_POLICY_E_EQ && e->op != WEIR_POLICY_E_NE) {
        return NULL;
    }

    attr = e->left;
    literal = e->right;

    if (attr->op == WEIR_POLICY_E_LITERAL) {
        attr = e->right;
        literal = e->left;
    }

    if (attr->op != WEIR_POLICY_E_ATTR
        || literal->op != WEIR_POLICY_E_LITERAL)
    {
        return NULL;
    }

    *first = literal->literal;
    *n = 1;

    return attr->attr;
}


static int
weir_policy_literal_same(const weir_policy_literal_t *a,
    const weir_policy_literal_t *b)
{
    if (a->type != b->type) {
        return 0;
    }

    switch (a->type) {

    case WEIR_POLICY_T_STRING:
        return weir_str_eq(a->string, b->string);

    case WEIR_POLICY_T_IP:
    case WEIR_POLICY_T_CIDR:
        return a->net.bits == b->net.bits && a->net.ipv4 == b->net.ipv4
               && memcmp(&a->net.addr, &b->net.addr, sizeof(weir_addr_t)) == 0;

    case WEIR_POLICY_T_LIST:
        return a == b;

    default:
        return a->number == b->number;
    }
}


int
weir_policy_expr_same(const weir_policy_expr_t *a, const weir_policy_expr_t *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }

    if (a->op != b->op) {
        return 0;
    }

    switch (a->op) {

    case WEIR_POLICY_E_ATTR:
    case WEIR_POLICY_E_HAS:
        return weir_policy_attr_same(a->attr, b->attr)
               && a->attr->claim == b->attr->claim;

    case WEIR_POLICY_E_LITERAL:
        return weir_policy_literal_same(a->literal, b->literal);

    default:
        return weir_policy_expr_same(a->left, b->left)
               && weir_policy_expr_same(a->right, b->right);
    }
}
