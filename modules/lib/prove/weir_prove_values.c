
/*
 * Weir: values that stand for all others, and what atoms say of them.
 */

#include "weir_prove_problem.h"


static void weir_prove_class_values(weir_prove_problem_t *p,
    weir_prove_class_t *c);
static void weir_prove_one_value(weir_prove_problem_t *p,
    weir_prove_var_t *v);
static void weir_prove_link(weir_prove_problem_t *p, weir_prove_atom_t *a);
static void weir_prove_opened(weir_prove_problem_t *p, weir_prove_atom_t *a,
    weir_prove_class_t *c);
static void weir_prove_link_sets(weir_prove_problem_t *p,
    const weir_prove_atom_t *a, const weir_prove_class_t *c);
static int weir_prove_order(weir_policy_expr_op_t op, int64_t a, int64_t b);


void
weir_prove_values(weir_prove_problem_t *p)
{
    uint32_t             i;
    weir_prove_var_t    *v;
    weir_prove_atom_t   *a;
    weir_prove_class_t  *c;

    for (i = 0; i < p->natoms; i++) {
        a = p->atoms[i];
        c = weir_prove_root(a->x->class);
        a->next = c->atoms;
        c->atoms = a;
    }

    for (c = p->classes; c != NULL && !p->nomem; c = c->next) {

        if (c->parent != NULL || (c->atoms == NULL && c->nvars == 0)) {
            continue;
        }

        weir_prove_class_values(p, c);
    }

    for (v = p->vars; v != NULL && !p->nomem; v = v->next) {
        weir_prove_one_value(p, v);
    }

    for (i = 0; i < p->natoms && !p->nomem; i++) {
        weir_prove_link(p, p->atoms[i]);
    }
}


static void
weir_prove_class_values(weir_prove_problem_t *p, weir_prove_class_t *c)
{
    weir_str_t   key;
    const char  *inexact;

    if (weir_prove_memo_get(p, c, &key)) {
        return;
    }

    inexact = p->inexact;
    p->inexact = NULL;

    switch (c->type) {

    case WEIR_POLICY_T_STRING:
        weir_prove_strings(p, c);

        if (!p->nomem) {
            weir_prove_list_tables(p, c);
        }

        break;

    case WEIR_POLICY_T_IP:
        weir_prove_addresses(p, c);
        break;

    case WEIR_POLICY_T_TIME:
        weir_prove_times(p, c);
        break;

    default:
        weir_prove_numbers(p, c);
        break;
    }

    /* what is not all there is not kept */

    if (key.data != NULL && p->inexact == NULL && !p->nomem) {
        weir_prove_memo_put(p, c, key);
    }

    if (p->inexact == NULL) {
        p->inexact = inexact;
    }
}


uint64_t
weir_prove_mix(uint64_t v)
{
    v += 0x9e3779b97f4a7c15;
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9;
    v = (v ^ (v >> 27)) * 0x94d049bb133111eb;

    return v ^ (v >> 31);
}


/* Exactly one; of a set: any. */

static void
weir_prove_one_value(weir_prove_problem_t *p, weir_prove_var_t *v)
{
    int                  before, lit;
    uint32_t             i;
    weir_prove_class_t  *c;
    weir_prove_value_t  *value;

    c = weir_prove_root(v->class);

    v->lits = weir_prove_alloc(p, (c->nvalues + 1) * sizeof(int));
    if (v->lits == NULL) {
        return;
    }

    for (i = 0; i < c->nvalues; i++) {
        v->lits[i] = weir_prove_sat_var(&p->sat, -1);
    }

    if (v->type == WEIR_POLICY_T_SET || c->nvalues == 0) {
        return;
    }

    before = WEIR_PROVE_FALSE;

    for (i = 0; i < c->nvalues; i++) {
        value = &c->values[i];

        if (v->type == WEIR_POLICY_T_STRING
            && !weir_prove_valid(v->kind, value->s))
        {
            weir_prove_sat_add3(&p->sat, -v->lits[i], 0, 0);
            continue;
        }

        if (v->kind == WEIR_POLICY_A_KIND
            && weir_str_eq(value->s, weir_str("jwt")))
        {
            p->sat.phase[v->lits[i]] = 1;
        }

        /* none after one that was taken */

        weir_prove_sat_add3(&p->sat, -before, -v->lits[i], 0);

        lit = weir_prove_sat_var(&p->sat, -1);
        weir_prove_sat_add3(&p->sat, -before, lit, 0);
        weir_prove_sat_add3(&p->sat, -v->lits[i], lit, 0);
        weir_prove_sat_add3(&p->sat, -lit, before, v->lits[i]);

        before = lit;
    }

    weir_prove_sat_add3(&p->sat, before, 0, 0);
}


static void
weir_prove_link(weir_prove_problem_t *p, weir_prove_atom_t *a)
{
    int                  is, *lits;
    uint32_t             i, j, n;
    weir_prove_class_t  *c;

    c = weir_prove_root(a->x->class);

    if (a->kind >= WEIR_PROVE_SOME && a->kind != WEIR_PROVE_SAME
        && a->kind != WEIR_PROVE_IN_SET)
    {
        weir_prove_link_sets(p, a, c);
        return;
    }

    if (a->kind == WEIR_PROVE_MATCH && p->open) {
        weir_prove_opened(p, a, c);
    }

    for (i = 0; i < c->nvalues && !p->nomem; i++) {

        weir_prove_tick(p, 1);

        switch (a->kind) {

        case WEIR_PROVE_MEMBER:

            if (weir_str_eq(c->values[i].s, a->s)) {
                weir_prove_sat_add3(&p->sat, -a->lit, a->x->lits[i], 0);
                weir_prove_sat_add3(&p->sat, a->lit, -a->x->lits[i], 0);
            }

            break;

        case WEIR_PROVE_IN_SET:

            weir_prove_sat_add3(&p->sat, -a->x->lits[i], -a->y->lits[i],
                                a->lit);
            weir_prove_sat_add3(&p->sat, -a->x->lits[i], a->y->lits[i],
                                -a->lit);
            break;

        case WEIR_PROVE_SAME:

            if (a->op == WEIR_POLICY_E_EQ) {
                weir_prove_sat_add3(&p->sat, -a->lit, -a->x->lits[i],
                                    a->y->lits[i]);
                weir_prove_sat_add3(&p->sat, a->lit, -a->x->lits[i],
                                    -a->y->lits[i]);
                break;
            }

            for (j = 0; j < c->nvalues && !p->sat.nomem; j++) {
                weir_prove_sat_add3(&p->sat, -a->x->lits[i], -a->y->lits[j],
                                    weir_prove_order(a->op, c->values[i].n,
                                                     c->values[j].n)
                                    ? a->lit : -a->lit);
            }

            break;

        default:

            if (a->open != NULL && c->values[i].open) {
                lits = &a->open[2 * i];

                for (n = 0; n < 2; n++) {
                    j = n == 0 ? (uint32_t) a->lit : (uint32_t) a->no;
                    weir_prove_sat_add3(&p->sat, -a->x->lits[i], -(int) j,
                                        lits[n]);
                    weir_prove_sat_add3(&p->sat, -a->x->lits[i], (int) j,
                                        -lits[n]);
                }

                break;
            }

            is = a->table != NULL ? a->table[i]
                                  : weir_prove_holds(p, a, &c->values[i]);

            weir_prove_sat_add3(&p->sat, -a->x->lits[i],
                                is > 0 ? a->lit : -a->lit, 0);

            if (a->no != -a->lit) {
                weir_prove_sat_add3(&p->sat, -a->x->lits[i],
                                    is == 0 ? a->no : -a->no, 0);
            }

            break;
        }
    }
}


/* What "~" makes of open values: the same for the same pattern. */

static void
weir_prove_opened(weir_prove_problem_t *p, weir_prove_atom_t *a,
    weir_prove_class_t *c)
{
    uint32_t            i;
    weir_prove_atom_t  *b;

    for (b = c->atoms; b != NULL; b = b->next) {
        if (b->kind == WEIR_PROVE_MATCH && b->open != NULL
            && weir_str_eq(b->s, a->s))
        {
            a->open = b->open;
            return;
        }
    }

    a->open = weir_prove_alloc(p, (2 * c->nvalues + 1) * sizeof(int));
    if (a->open == NULL) {
        return;
    }

    for (i = 0; i < c->nvalues; i++) {
        if (c->values[i].open) {
            a->open[2 * i] = weir_prove_sat_var(&p->sat, -1);
            a->open[2 * i + 1] = weir_prove_sat_var(&p->sat, 1);
        }
    }
}


/*
 * "any in" holds where one value is in both, "all in" where none is in the
 * left one alone.
 */

static void
weir_prove_link_sets(weir_prove_problem_t *p, const weir_prove_atom_t *a,
    const weir_prove_class_t *c)
{
    int        any, in, *lits;
    uint32_t   i, n;

    any = a->kind == WEIR_PROVE_SOME || a->kind == WEIR_PROVE_MEET;

    lits = weir_prove_alloc(p, (c->nvalues + 1) * sizeof(int));
    if (lits == NULL) {
        return;
    }

    if (c->nsets > 4) {
        p->inexact = "more sets are compared than are decided";
    }

    n = 0;
    lits[n++] = any ? -a->lit : a->lit;

    for (i = 0; i < c->nvalues && !p->nomem; i++) {

        switch (a->kind) {

        case WEIR_PROVE_MEET:
            in = weir_prove_and(p, a->x->lits[i], a->y->lits[i]);
            break;

        case WEIR_PROVE_WITHIN:
            in = weir_prove_and(p, a->x->lits[i], -a->y->lits[i]);
            break;

        default:

            in = a->table != NULL ? a->table[i]
                                  : weir_prove_holds(p, a, &c->values[i]);

            if (in == (a->kind == WEIR_PROVE_ONLY)) {
                continue;
            }

            in = a->kind == WEIR_PROVE_HOLDS ? -a->x->lits[i] : a->x->lits[i];
            break;
        }

        /* "any": it shows that it holds; "all": that it does not */

        weir_prove_sat_add3(&p->sat, -in, any ? a->lit : -a->lit, 0);
        lits[n++] = in;
    }

    weir_prove_sat_add(&p->sat, lits, n);
}


static int
weir_prove_order(weir_policy_expr_op_t op, int64_t a, int64_t b)
{
    switch (op) {

    case WEIR_POLICY_E_LT:
        return a < b;

    case WEIR_POLICY_E_LE:
        return a <= b;

    case WEIR_POLICY_E_GT:
        return a > b;

    case WEIR_POLICY_E_GE:
        return a >= b;

    default:
        return a == b;
    }
}


int
weir_prove_holds(weir_prove_problem_t *p, const weir_prove_atom_t *a,
    const weir_prove_value_t *v)
{
    const weir_policy_words_t    *w;
    const weir_policy_literal_t  *item;

    /* a step is some nanoseconds: what is dear counts for many */

    weir_prove_tick(p, a->kind == WEIR_PROVE_MATCH ? 4096 : 16);

    switch (a->kind) {

    case WEIR_PROVE_STRING:
        return weir_str_eq(a->s, v->s);

    case WEIR_PROVE_LIKE:
        return weir_prove_like(&a->glob, v->s);

    case WEIR_PROVE_MATCH:
        return weir_prove_match(p, a->s, v->s);

    case WEIR_PROVE_WINDOW:
        return weir_prove_window(a->window, v->n);

    case WEIR_PROVE_HOSTS:
        for (w = a->words; w != NULL; w = w->next) {
            weir_prove_tick(p, 8);

            if (weir_host_match(w->word.text, v->s)) {
                return 1;
            }
        }

        return 0;

    case WEIR_PROVE_NUMBER:
        return weir_prove_order(a->op, v->n, a->n);

    default:
        for (item = a->items; item != NULL; item = item->next) {
            weir_prove_tick(p, 1);

            if (a->kind == WEIR_PROVE_NUMBERS
                ? item->number == v->n : weir_str_eq(item->string, v->s))
            {
                return 1;
            }
        }

        return 0;
    }
}
