
/*
 * Weir: values that stand for all others, and what atoms say of them.
 */

#include <stdlib.h>

#include "weir_prove_problem.h"


#define WEIR_PROVE_GUESSES  128


typedef struct {
    weir_str_t  s;
    uint64_t    sign;          /* which atoms name it */
} weir_prove_named_t;


static void weir_prove_strings(weir_prove_problem_t *p,
    weir_prove_class_t *c);
static void weir_prove_guesses(weir_prove_problem_t *p, weir_prove_class_t *c,
    weir_policy_table_t *t, weir_prove_named_t **named, uint32_t *n,
    uint32_t *size);
static void weir_prove_guess(weir_prove_problem_t *p, weir_policy_table_t *t,
    weir_prove_named_t **named, uint32_t *n, uint32_t *size, weir_str_t a,
    weir_str_t b);
static void weir_prove_fill(weir_prove_problem_t *p, weir_policy_table_t *t,
    weir_prove_named_t **named, uint32_t *n, uint32_t *size,
    const weir_prove_glob_t *g, weir_str_t s);
static void weir_prove_name(weir_prove_problem_t *p, weir_policy_table_t *t,
    weir_prove_named_t **named, uint32_t *n, uint32_t *size, weir_str_t s,
    uint32_t id);
static int weir_prove_name_cmp(const void *one, const void *two);
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

        switch (c->type) {

        case WEIR_POLICY_T_STRING:
            weir_prove_strings(p, c);
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
    }

    for (v = p->vars; v != NULL && !p->nomem; v = v->next) {
        weir_prove_one_value(p, v);
    }

    for (i = 0; i < p->natoms && !p->nomem; i++) {
        weir_prove_link(p, p->atoms[i]);
    }
}


static void
weir_prove_strings(weir_prove_problem_t *p, weir_prove_class_t *c)
{
    int                           is;
    uint32_t                      i, j, n, size, same, k, each;
    weir_prove_atom_t            *a;
    weir_prove_value_t            value;
    weir_prove_named_t           *named;
    weir_policy_table_t           table;
    const weir_policy_words_t    *w;
    const weir_policy_literal_t  *item;

    static const char *const  always[] = {
        "jwt", "mtls", "apikey", "session", "anonymous", "http", "https",
        "GET"
    };

    memset(&table, 0, sizeof(weir_policy_table_t));
    memset(&value, 0, sizeof(weir_prove_value_t));

    named = NULL;
    n = 0;
    size = 0;

    for (i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        k = i < 5 ? WEIR_POLICY_A_KIND
            : i < 7 ? WEIR_POLICY_A_SCHEME : WEIR_POLICY_A_METHOD;

        if (c->kinds & (uint32_t) 1 << k) {
            weir_prove_name(p, &table, &named, &n, &size,
                            weir_cstr(always[i]), 0);
        }
    }

    for (a = c->atoms; a != NULL; a = a->next) {

        switch (a->kind) {

        case WEIR_PROVE_STRING:
        case WEIR_PROVE_MEMBER:
            weir_prove_name(p, &table, &named, &n, &size, a->s, a->id + 1);
            break;

        case WEIR_PROVE_STRINGS:
        case WEIR_PROVE_SOME:
        case WEIR_PROVE_ONLY:
        case WEIR_PROVE_HOLDS:
            for (item = a->items; item != NULL; item = item->next) {
                weir_prove_name(p, &table, &named, &n, &size, item->string,
                                a->id + 1);
            }

            break;

        case WEIR_PROVE_HOSTS:
            for (w = a->words; w != NULL; w = w->next) {
                if (w->word.text.len == 0 || w->word.text.data[0] != '*') {
                    weir_prove_name(p, &table, &named, &n, &size,
                                    w->word.text, a->id + 1);
                }
            }

            break;

        default:
            break;
        }
    }

    weir_prove_guesses(p, c, &table, &named, &n, &size);

    if (p->nomem) {
        return;
    }

    /* of those that no atom tells apart, as many as are needed */

    for (i = 0; i < n; i++) {
        value.s = named[i].s;

        for (a = c->atoms; a != NULL; a = a->next) {
            if (a->kind == WEIR_PROVE_LIKE || a->kind == WEIR_PROVE_HOSTS
                || a->kind == WEIR_PROVE_MATCH)
            {
                is = weir_prove_holds(p, a, &value);

                named[i].sign += is == 0 ? 0 : weir_prove_mix(a->id
                                 + (is > 0 ? 0x10000000 : 0x30000000));
            }
        }

        for (k = 0; k <= WEIR_PROVE_SEGMENT; k++) {
            if ((c->kinds & (uint32_t) 1 << k)
                && weir_prove_valid(k, value.s))
            {
                named[i].sign += weir_prove_mix(k + 0x20000000);
            }
        }
    }

    if (n != 0) {
        qsort(named, n, sizeof(weir_prove_named_t), weir_prove_name_cmp);
    }

    each = weir_prove_each(c);
    size = n + 256 * (each + 1);

    c->values = weir_prove_alloc(p, size * sizeof(weir_prove_value_t));
    if (c->values == NULL) {
        return;
    }

    same = 0;
    j = 0;

    for (i = 0; i < n; i++) {
        same = i != 0 && named[i].sign == named[i - 1].sign ? same + 1 : 0;

        if (same < each) {
            c->values[j++].s = named[i].s;
        }
    }

    c->nvalues = j;

    weir_prove_fresh(p, c, c->values, &c->nvalues, size, &table);

    for (i = j; i < c->nvalues; i++) {
        c->values[i].open = p->open;
    }
}


/*
 * A value for each variable; of those that are in no variable one for each
 * way to lie in sets.
 */

uint32_t
weir_prove_each(const weir_prove_class_t *c)
{
    return c->nvars + (c->nsets == 0 ? 0 : (uint32_t) 1
                                           << (c->nsets < 4 ? c->nsets : 4));
}


/* Strings of which "~" might hold, and such that globs hold of them too. */

static void
weir_prove_guesses(weir_prove_problem_t *p, weir_prove_class_t *c,
    weir_policy_table_t *t, weir_prove_named_t **named, uint32_t *n,
    uint32_t *size)
{
    uint32_t            i, k, nlist, start;
    weir_str_t          list[WEIR_PROVE_GUESSES];
    weir_prove_atom_t  *a;

    nlist = 0;

    for (a = c->atoms; a != NULL && nlist < WEIR_PROVE_GUESSES; a = a->next) {

        if (a->kind != WEIR_PROVE_MATCH) {
            continue;
        }

        start = nlist;
        k = WEIR_PROVE_GUESSES - nlist;
        nlist += weir_prove_samples(p, a->s, list + nlist,
                                    k < WEIR_PROVE_SAMPLES
                                    ? k : WEIR_PROVE_SAMPLES);

        for (i = start; i < nlist; i++) {
            for (k = 0; k < start && k < 12 && i < start + 12; k++) {
                weir_prove_guess(p, t, named, n, size, list[k], list[i]);
                weir_prove_guess(p, t, named, n, size, list[i], list[k]);
            }
        }
    }

    if (nlist == 0) {
        return;
    }

    for (a = c->atoms; a != NULL; a = a->next) {

        if (a->kind != WEIR_PROVE_LIKE) {
            continue;
        }

        for (i = 0; i < nlist && i < WEIR_PROVE_SAMPLES; i++) {
            weir_prove_fill(p, t, named, n, size, &a->glob, list[i]);
        }
    }

    for (i = 0; i < nlist; i++) {
        weir_prove_guess(p, t, named, n, size, list[i], weir_str(""));
        weir_prove_guess(p, t, named, n, size, list[i], weir_str("x"));
    }
}


static void
weir_prove_guess(weir_prove_problem_t *p, weir_policy_table_t *t,
    weir_prove_named_t **named, uint32_t *n, uint32_t *size, weir_str_t a,
    weir_str_t b)
{
    uint8_t  *text;

    text = weir_prove_alloc(p, a.len + b.len);
    if (text == NULL) {
        return;
    }

    if (a.len != 0) {
        memcpy(text, a.data, a.len);
    }

    if (b.len != 0) {
        memcpy(text + a.len, b.data, b.len);
    }

    a.data = text;
    a.len += b.len;

    weir_prove_name(p, t, named, n, size, a, 0);
}


/* The glob's first star is s, the others are empty. */

static void
weir_prove_fill(weir_prove_problem_t *p, weir_policy_table_t *t,
    weir_prove_named_t **named, uint32_t *n, uint32_t *size,
    const weir_prove_glob_t *g, weir_str_t s)
{
    int         filled;
    size_t      len;
    uint8_t    *text;
    uint32_t    i;
    weir_str_t  unit;

    text = weir_prove_alloc(p, s.len + 4 * g->n);
    if (text == NULL) {
        return;
    }

    len = 0;
    filled = 0;

    for (i = 0; i < g->n; i++) {

        unit = g->units[i];

        if (unit.len == 0) {

            if (filled++) {
                continue;
            }

            unit = s;
        }

        if (unit.len != 0) {
            memcpy(text + len, unit.data, unit.len);
            len += unit.len;
        }
    }

    weir_prove_name(p, t, named, n, size, (weir_str_t) { len, text }, 0);
}


static void
weir_prove_name(weir_prove_problem_t *p, weir_policy_table_t *t,
    weir_prove_named_t **named, uint32_t *n, uint32_t *size, weir_str_t s,
    uint32_t id)
{
    uintptr_t                at;
    weir_prove_named_t      *more;
    weir_policy_compiler_t   c;

    if (p->nomem) {
        return;
    }

    at = (uintptr_t) weir_policy_table_get(t, s);

    if (at == 0) {

        if (*n == *size) {
            *size = *size ? 2 * *size : 32;
            more = weir_prove_alloc(p, *size * sizeof(weir_prove_named_t));
            if (more == NULL) {
                return;
            }

            if (*n != 0) {
                memcpy(more, *named, *n * sizeof(weir_prove_named_t));
            }

            *named = more;
        }

        memset(&c, 0, sizeof(weir_policy_compiler_t));
        c.arena = p->arena;

        (*named)[*n].s = s;
        at = ++*n;

        (void) weir_policy_table_put(&c, t, s, (void *) at);

        if (c.nomem) {
            p->nomem = 1;
            return;
        }
    }

    (*named)[at - 1].sign += weir_prove_mix(id);
}


static int
weir_prove_name_cmp(const void *one, const void *two)
{
    const weir_prove_named_t  *a, *b;

    a = one;
    b = two;

    return a->sign < b->sign ? -1 : a->sign > b->sign ? 1
           : weir_str_cmp(a->s, b->s);
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

    for (i = 0; i < c->nvalues; i++) {

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

            for (j = 0; j < c->nvalues; j++) {
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

    for (i = 0; i < c->nvalues; i++) {

        switch (a->kind) {

        case WEIR_PROVE_MEET:
            in = weir_prove_and(p, a->x->lits[i], a->y->lits[i]);
            break;

        case WEIR_PROVE_WITHIN:
            in = weir_prove_and(p, a->x->lits[i], -a->y->lits[i]);
            break;

        default:

            in = weir_prove_holds(p, a, &c->values[i]);

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
weir_prove_holds(const weir_prove_problem_t *p, const weir_prove_atom_t *a,
    const weir_prove_value_t *v)
{
    const weir_policy_words_t    *w;
    const weir_policy_literal_t  *item;

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
            if (weir_host_match(w->word.text, v->s)) {
                return 1;
            }
        }

        return 0;

    case WEIR_PROVE_NUMBER:
        return weir_prove_order(a->op, v->n, a->n);

    default:
        for (item = a->items; item != NULL; item = item->next) {
            if (a->kind == WEIR_PROVE_NUMBERS
                ? item->number == v->n : weir_str_eq(item->string, v->s))
            {
                return 1;
            }
        }

        return 0;
    }
}
