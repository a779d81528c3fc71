
/*
 * Weir: conditions as pairs of literals: true, false; neither is unknown.
 */

#include "weir_prove_problem.h"


typedef struct {
    const weir_policy_literal_t  *literal;
    weir_prove_var_t             *var;
    weir_policy_attr_kind_t       kind;
    weir_policy_type_t            type;
    int                           there;
    int                           def;
} weir_prove_operand_t;


static void weir_prove_operand(weir_prove_problem_t *p,
    const weir_policy_what_t *what, const weir_policy_expr_t *e,
    weir_prove_operand_t *o);
static void weir_prove_attr(weir_prove_problem_t *p,
    const weir_policy_what_t *what, const weir_policy_attr_t *a,
    weir_prove_operand_t *o);
static int weir_prove_compare(weir_prove_problem_t *p,
    const weir_policy_expr_t *e, weir_prove_operand_t *l,
    weir_prove_operand_t *r);
static weir_prove_pair_t weir_prove_matches(weir_prove_problem_t *p,
    const weir_prove_operand_t *o, weir_str_t pattern);
static int weir_prove_sets(weir_prove_problem_t *p, const weir_policy_expr_t *e,
    const weir_prove_operand_t *l, const weir_prove_operand_t *r);
static int weir_prove_in(weir_prove_problem_t *p, weir_prove_operand_t *l,
    weir_prove_operand_t *r);
static int weir_prove_composed(weir_prove_problem_t *p,
    const weir_prove_operand_t *o, weir_str_t text, int like);
static int weir_prove_constants(const weir_policy_expr_t *e,
    const weir_policy_literal_t *l, const weir_policy_literal_t *r);
static int weir_prove_has(const weir_policy_literal_t *list,
    const weir_policy_literal_t *l);
static int weir_prove_free(weir_prove_problem_t *p, const char *why);


weir_prove_pair_t
weir_prove_expr(weir_prove_problem_t *p, const weir_policy_what_t *what,
    const weir_policy_expr_t *e)
{
    int                   lit;
    weir_prove_atom_t    *a;
    weir_prove_pair_t     l, r, v;
    weir_prove_operand_t  lo, ro;

    switch (e->op) {

    case WEIR_POLICY_E_AND:
    case WEIR_POLICY_E_OR:

        l = weir_prove_expr(p, what, e->left);
        r = weir_prove_expr(p, what, e->right);

        if (e->op == WEIR_POLICY_E_AND) {
            v.t = weir_prove_and(p, l.t, r.t);
            v.f = weir_prove_or(p, l.f, r.f);

        } else {
            v.t = weir_prove_or(p, l.t, r.t);
            v.f = weir_prove_and(p, l.f, r.f);
        }

        return v;

    case WEIR_POLICY_E_NOT:

        l = weir_prove_expr(p, what, e->left);
        v.t = l.f;
        v.f = l.t;

        return v;

    case WEIR_POLICY_E_HAS:

        weir_prove_attr(p, what, e->attr, &lo);
        v.t = lo.there;
        v.f = -lo.there;

        return v;

    case WEIR_POLICY_E_LITERAL:

        v.t = e->literal->number ? WEIR_PROVE_TRUE : WEIR_PROVE_FALSE;
        v.f = -v.t;

        return v;

    case WEIR_POLICY_E_ATTR:

        weir_prove_attr(p, what, e->attr, &lo);
        lit = WEIR_PROVE_TRUE;

        if (lo.var != NULL) {
            a = weir_prove_atom(p, WEIR_PROVE_NUMBER, lo.var, NULL);

            if (a != NULL) {
                a->n = 1;
                lit = a->lit;
            }
        }

        v.t = weir_prove_and(p, lo.def, lit);
        v.f = weir_prove_and(p, lo.def, -lit);

        return v;

    default:

        weir_prove_operand(p, what, e->left, &lo);
        weir_prove_operand(p, what, e->right, &ro);

        if (e->op == WEIR_POLICY_E_MATCH) {
            l = weir_prove_matches(p, &lo, e->right->literal->string);

        } else {
            l.t = weir_prove_compare(p, e, &lo, &ro);
            l.f = -l.t;
        }

        v.t = weir_prove_and(p, weir_prove_and(p, lo.def, ro.def), l.t);
        v.f = weir_prove_and(p, weir_prove_and(p, lo.def, ro.def), l.f);

        return v;
    }
}


static void
weir_prove_operand(weir_prove_problem_t *p, const weir_policy_what_t *what,
    const weir_policy_expr_t *e, weir_prove_operand_t *o)
{
    if (e->op == WEIR_POLICY_E_LITERAL) {
        memset(o, 0, sizeof(weir_prove_operand_t));

        o->literal = e->literal;
        o->type = e->literal->type;
        o->there = WEIR_PROVE_TRUE;
        o->def = WEIR_PROVE_TRUE;

        return;
    }

    weir_prove_attr(p, what, e->attr, o);
}


static void
weir_prove_attr(weir_prove_problem_t *p, const weir_policy_what_t *what,
    const weir_policy_attr_t *a, weir_prove_operand_t *o)
{
    uint32_t    i, seg;
    weir_str_t  none = { 0, NULL };

    memset(o, 0, sizeof(weir_prove_operand_t));

    o->kind = a->kind;
    o->there = WEIR_PROVE_TRUE;
    o->def = WEIR_PROVE_TRUE;
    o->type = WEIR_POLICY_T_STRING;

    switch (a->kind) {

    case WEIR_POLICY_A_CLAIM:
        o->type = a->claim->type;
        o->var = weir_prove_claim(p, a->claim, o->type, &o->there, &o->def);
        return;

    case WEIR_POLICY_A_PATH:

        for (i = 0; what != NULL && i < what->nsegs; i++) {
            if (what->segs[i].kind == WEIR_POLICY_SEG_CAPTURE
                && weir_str_eq(what->segs[i].text, a->name))
            {
                break;
            }
        }

        if (what == NULL || i == what->nsegs) {
            o->there = WEIR_PROVE_FALSE;
            o->def = WEIR_PROVE_FALSE;
            i = 0;
        }

        seg = i;

        /* behind "**" they are counted from the end */

        for (i = 0; what != NULL && i < seg; i++) {
            if (what->segs[i].kind == WEIR_POLICY_SEG_ANY) {
                seg = p->nsegs + seg - what->nsegs;
                break;
            }
        }

        o->var = weir_prove_var(p, WEIR_PROVE_SEGMENT, none, seg,
                                WEIR_POLICY_T_STRING);
        return;

    case WEIR_POLICY_A_REQUEST_PATH:
    case WEIR_POLICY_A_PRINCIPAL:
        return;

    case WEIR_POLICY_A_SOURCE_IP:
    case WEIR_POLICY_A_SOURCE_PEER:
        o->type = WEIR_POLICY_T_IP;
        break;

    case WEIR_POLICY_A_REQUEST_TIME:
        o->type = WEIR_POLICY_T_TIME;
        break;

    default:
        break;
    }

    o->var = weir_prove_var(p, a->kind,
                            a->kind == WEIR_POLICY_A_HEADER
                            || a->kind == WEIR_POLICY_A_QUERY ? a->name : none,
                            0, o->type);

    if (o->var != NULL) {
        o->there = o->var->there;
        o->def = o->var->def;
    }
}


/* The literal of a comparison, both sides having values. */

static int
weir_prove_compare(weir_prove_problem_t *p, const weir_policy_expr_t *e,
    weir_prove_operand_t *l, weir_prove_operand_t *r)
{
    int                     negative, lit;
    weir_prove_atom_t      *a;
    weir_prove_operand_t   *swap;
    weir_policy_expr_op_t   op;

    if (p->nomem) {
        return WEIR_PROVE_TRUE;
    }

    op = e->op;

    if (op == WEIR_POLICY_E_IN) {
        return weir_prove_in(p, l, r);
    }

    if (op == WEIR_POLICY_E_ANY_IN || op == WEIR_POLICY_E_ALL_IN) {
        return weir_prove_sets(p, e, l, r);
    }

    if (l->literal != NULL && r->literal != NULL) {
        return weir_prove_constants(e, l->literal, r->literal)
               ? WEIR_PROVE_TRUE : WEIR_PROVE_FALSE;
    }

    if (op == WEIR_POLICY_E_LIKE) {

        if (l->var == NULL) {
            return weir_prove_composed(p, l, e->right->literal->string, 1);
        }

        a = weir_prove_atom(p, WEIR_PROVE_LIKE, l->var, NULL);

        if (a != NULL) {
            a->glob = weir_prove_glob(p, e->right->literal->string, 1);
        }

        return a == NULL ? WEIR_PROVE_TRUE : a->lit;
    }

    negative = op == WEIR_POLICY_E_NE;

    if (negative) {
        op = WEIR_POLICY_E_EQ;
    }

    if (l->literal != NULL) {
        swap = l;
        l = r;
        r = swap;

        op = op == WEIR_POLICY_E_LT ? WEIR_POLICY_E_GT
             : op == WEIR_POLICY_E_LE ? WEIR_POLICY_E_GE
             : op == WEIR_POLICY_E_GT ? WEIR_POLICY_E_LT
             : op == WEIR_POLICY_E_GE ? WEIR_POLICY_E_LE : op;
    }

    if (l->var == NULL && r->literal != NULL) {
        lit = weir_prove_composed(p, l, r->literal->string, 0);
        return negative ? -lit : lit;
    }

    if (l->var == NULL || (r->literal == NULL && r->var == NULL)) {

        if (l->var == NULL && r->var == NULL && l->kind == r->kind) {
            return negative ? WEIR_PROVE_FALSE : WEIR_PROVE_TRUE;
        }

        return weir_prove_free(p, "request.path or identity.principal is "
                                  "compared with an attribute");
    }

    if (r->literal == NULL) {

        if (l->var == r->var) {
            lit = op == WEIR_POLICY_E_EQ || op == WEIR_POLICY_E_LE
                  || op == WEIR_POLICY_E_GE
                  ? WEIR_PROVE_TRUE : WEIR_PROVE_FALSE;

            return negative ? -lit : lit;
        }

        a = weir_prove_atom(p, WEIR_PROVE_SAME, l->var, r->var);

    } else if (l->type == WEIR_POLICY_T_STRING) {
        lit = weir_prove_is(p, l->var, r->literal->string);
        return negative ? -lit : lit;

    } else if (l->type == WEIR_POLICY_T_IP) {
        a = weir_prove_atom(p, WEIR_PROVE_NET_ITEMS, l->var, NULL);

        if (a != NULL) {
            a->items = r->literal;
        }

    } else {
        a = weir_prove_atom(p, WEIR_PROVE_NUMBER, l->var, NULL);

        if (a != NULL) {
            a->n = r->literal->number;
        }
    }

    if (a == NULL) {
        return WEIR_PROVE_TRUE;
    }

    a->op = op;

    return negative ? -a->lit : a->lit;
}


/* "~"; what the matcher makes of it may be unknown. */

static weir_prove_pair_t
weir_prove_matches(weir_prove_problem_t *p, const weir_prove_operand_t *o,
    weir_str_t pattern)
{
    int                 is;
    weir_prove_pair_t   v;
    weir_prove_atom_t  *a;

    v.t = WEIR_PROVE_TRUE;
    v.f = WEIR_PROVE_TRUE;

    if (p->nomem) {
        return v;
    }

    if (o->literal != NULL) {
        is = weir_prove_match(p, pattern, o->literal->string);
        v.t = is > 0 ? WEIR_PROVE_TRUE : WEIR_PROVE_FALSE;
        v.f = is == 0 ? WEIR_PROVE_TRUE : WEIR_PROVE_FALSE;

        return v;
    }

    p->matches = 1;

    if (o->var == NULL) {
        weir_prove_composed_match(p, o->kind, pattern, &v.t, &v.f);
        return v;
    }

    a = weir_prove_atom(p, WEIR_PROVE_MATCH, o->var, NULL);

    if (a != NULL) {
        a->s = pattern;
        v.t = a->lit;
        v.f = a->no;
    }

    return v;
}


/* "any in" and "all in": two sets, or a set and a list. */

static int
weir_prove_sets(weir_prove_problem_t *p, const weir_policy_expr_t *e,
    const weir_prove_operand_t *l, const weir_prove_operand_t *r)
{
    int                 any;
    weir_prove_atom_t  *a;

    any = e->op == WEIR_POLICY_E_ANY_IN;

    if (l->literal == NULL && r->literal == NULL) {

        if (l->var == r->var && !any) {
            return WEIR_PROVE_TRUE;
        }

        a = weir_prove_atom(p, any ? WEIR_PROVE_MEET : WEIR_PROVE_WITHIN,
                            l->var, r->var);

    } else if (r->literal != NULL) {
        a = weir_prove_atom(p, any ? WEIR_PROVE_SOME : WEIR_PROVE_ONLY, l->var,
                            NULL);
        if (a != NULL) {
            a->items = r->literal->items;
        }

    } else {
        a = weir_prove_atom(p, any ? WEIR_PROVE_SOME : WEIR_PROVE_HOLDS,
                            r->var, NULL);
        if (a != NULL) {
            a->items = l->literal->items;
        }
    }

    return a == NULL ? WEIR_PROVE_TRUE : a->lit;
}


static int
weir_prove_in(weir_prove_problem_t *p, weir_prove_operand_t *l,
    weir_prove_operand_t *r)
{
    int                           lit;
    weir_prove_atom_t            *a;
    const weir_policy_literal_t  *item;

    if (r->literal == NULL) {

        if (l->literal == NULL && l->var == NULL) {
            return weir_prove_free(p, "request.path or identity.principal is "
                                      "looked for in a claim");
        }

        a = l->literal != NULL
            ? weir_prove_atom(p, WEIR_PROVE_MEMBER, r->var, NULL)
            : weir_prove_atom(p, WEIR_PROVE_IN_SET, l->var, r->var);

        if (a == NULL) {
            return WEIR_PROVE_TRUE;
        }

        if (l->literal != NULL) {
            a->s = l->literal->string;
        }

        return a->lit;
    }

    if (l->literal != NULL) {
        return weir_prove_has(r->literal, l->literal) ? WEIR_PROVE_TRUE
                                                      : WEIR_PROVE_FALSE;
    }

    if (l->var == NULL) {
        lit = WEIR_PROVE_FALSE;

        for (item = r->literal->items; item != NULL; item = item->next) {
            lit = weir_prove_or(p, lit,
                                weir_prove_composed(p, l, item->string, 0));
        }

        return lit;
    }

    a = weir_prove_atom(p, l->type == WEIR_POLICY_T_STRING
                           ? WEIR_PROVE_STRINGS
                           : l->type == WEIR_POLICY_T_IP
                           ? WEIR_PROVE_NET_ITEMS : WEIR_PROVE_NUMBERS,
                        l->var, NULL);

    if (a == NULL) {
        return WEIR_PROVE_TRUE;
    }

    a->items = r->literal->type == WEIR_POLICY_T_CIDR ? r->literal
                                                      : r->literal->items;

    return a->lit;
}


static int
weir_prove_composed(weir_prove_problem_t *p, const weir_prove_operand_t *o,
    weir_str_t text, int like)
{
    weir_prove_glob_t  g;

    g = weir_prove_glob(p, text, like);

    return o->kind == WEIR_POLICY_A_REQUEST_PATH
           ? weir_prove_path_like(p, &g) : weir_prove_principal_like(p, &g);
}


static int
weir_prove_constants(const weir_policy_expr_t *e,
    const weir_policy_literal_t *l, const weir_policy_literal_t *r)
{
    int   is;

    switch (e->op) {

    case WEIR_POLICY_E_EQ:
    case WEIR_POLICY_E_NE:

        if (l->type == WEIR_POLICY_T_STRING) {
            is = weir_str_eq(l->string, r->string);

        } else if (l->type == WEIR_POLICY_T_IP) {
            is = memcmp(&l->net.addr, &r->net.addr, sizeof(weir_addr_t)) == 0;

        } else {
            is = l->number == r->number;
        }

        return e->op == WEIR_POLICY_E_EQ ? is : !is;

    case WEIR_POLICY_E_LT:
        return l->number < r->number;

    case WEIR_POLICY_E_LE:
        return l->number <= r->number;

    case WEIR_POLICY_E_GT:
        return l->number > r->number;

    case WEIR_POLICY_E_GE:
        return l->number >= r->number;

    default:
        {
            uint8_t            *at;
            weir_str_t          units[1024];
            weir_prove_glob_t   g;

            /* a literal like a literal; globs as the parser admits them */

            g.units = units;
            g.n = 0;
            at = (uint8_t *) r->string.data;

            while (at < r->string.data + r->string.len && g.n < 1024) {
                units[g.n].len = *at != '*';
                at += *at == '\\';
                units[g.n++].data = at++;
            }

            return weir_prove_like(&g, l->string);
        }
    }
}


static int
weir_prove_has(const weir_policy_literal_t *list,
    const weir_policy_literal_t *l)
{
    const weir_policy_literal_t  *item;

    if (list->type == WEIR_POLICY_T_CIDR) {
        return weir_cidr_contains(&list->net, &l->net.addr);
    }

    for (item = list->items; item != NULL; item = item->next) {

        if (l->type == WEIR_POLICY_T_STRING
            ? weir_str_eq(item->string, l->string)
            : l->type == WEIR_POLICY_T_IP
            ? weir_cidr_contains(&item->net, &l->net.addr)
            : item->number == l->number)
        {
            return 1;
        }
    }

    return 0;
}


/* What is not decided may be either; the evaluator is asked of its models. */

static int
weir_prove_free(weir_prove_problem_t *p, const char *why)
{
    p->loose = why;

    return weir_prove_sat_var(&p->sat, -1);
}
