
/*
 * Weir: values that stand for all others, and what atoms say of them.
 */

#include <stdlib.h>

#include "weir_prove_problem.h"


typedef struct {
    weir_str_t  s;
    uint64_t    sign;          /* which atoms name it */
} weir_prove_named_t;


static void weir_prove_strings(weir_prove_problem_t *p,
    weir_prove_class_t *c);
static void weir_prove_name(weir_prove_problem_t *p, weir_policy_table_t *t,
    weir_prove_named_t **named, uint32_t *n, uint32_t *size, weir_str_t s,
    uint32_t id);
static int weir_prove_name_cmp(const void *one, const void *two);
static uint64_t weir_prove_mix(uint64_t v);
static void weir_prove_numbers(weir_prove_problem_t *p,
    weir_prove_class_t *c);
static int weir_prove_number_cmp(const void *one, const void *two);
static void weir_prove_addresses(weir_prove_problem_t *p,
    weir_prove_class_t *c);
static int weir_prove_address_cmp(const void *one, const void *two);
static void weir_prove_one_value(weir_prove_problem_t *p,
    weir_prove_var_t *v);
static void weir_prove_link(weir_prove_problem_t *p, weir_prove_atom_t *a);
static int weir_prove_holds(const weir_prove_atom_t *a,
    const weir_prove_value_t *v);
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
    uint32_t                      i, j, n, size, same, k;
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

    if (p->nomem) {
        return;
    }

    /* of those that no atom tells apart, as many as there are variables */

    for (i = 0; i < n; i++) {
        value.s = named[i].s;

        for (a = c->atoms; a != NULL; a = a->next) {
            if ((a->kind == WEIR_PROVE_LIKE || a->kind == WEIR_PROVE_HOSTS)
                && weir_prove_holds(a, &value))
            {
                named[i].sign += weir_prove_mix(a->id + 0x10000000);
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

    size = n + 64 * (c->nvars + 1) * 4;

    c->values = weir_prove_alloc(p, size * sizeof(weir_prove_value_t));
    if (c->values == NULL) {
        return;
    }

    same = 0;
    j = 0;

    for (i = 0; i < n; i++) {
        same = i != 0 && named[i].sign == named[i - 1].sign ? same + 1 : 0;

        if (same <= c->nvars) {
            c->values[j++].s = named[i].s;
        }
    }

    c->nvalues = j;

    weir_prove_fresh(p, c, c->values, &c->nvalues, size, &table);
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


static uint64_t
weir_prove_mix(uint64_t v)
{
    v += 0x9e3779b97f4a7c15;
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9;
    v = (v ^ (v >> 27)) * 0x94d049bb133111eb;

    return v ^ (v >> 31);
}


/*
 * Numbers that are named, and between two of them as many as there are
 * variables, or as there are.
 */

static void
weir_prove_numbers(weir_prove_problem_t *p, weir_prove_class_t *c)
{
    int64_t                       *named, at, last;
    uint32_t                       i, j, k, n, size;
    weir_prove_atom_t             *a;
    const weir_policy_literal_t   *item;

    if (c->type == WEIR_POLICY_T_BOOL) {
        c->values = weir_prove_alloc(p, 2 * sizeof(weir_prove_value_t));

        if (c->values != NULL) {
            c->values[1].n = 1;
            c->nvalues = 2;
        }

        return;
    }

    n = 2;

    for (a = c->atoms; a != NULL; a = a->next) {
        n++;

        for (item = a->kind == WEIR_PROVE_NUMBERS ? a->items : NULL;
             item != NULL; item = item->next)
        {
            n++;
        }
    }

    named = weir_prove_alloc(p, n * sizeof(int64_t));
    if (named == NULL) {
        return;
    }

    n = 0;

    for (a = c->atoms; a != NULL; a = a->next) {

        if (a->kind == WEIR_PROVE_NUMBER) {
            named[n++] = a->n;
        }

        for (item = a->kind == WEIR_PROVE_NUMBERS ? a->items : NULL;
             item != NULL; item = item->next)
        {
            named[n++] = item->number;
        }
    }

    /* a time is one that can be written */

    last = c->type == WEIR_POLICY_T_TIME ? 253402300799 : INT64_MAX;
    named[n++] = c->type == WEIR_POLICY_T_TIME ? 1767606000 : 0;

    qsort(named, n, sizeof(int64_t), weir_prove_number_cmp);

    size = n + (n + 1) * (c->nvars + 1);

    c->values = weir_prove_alloc(p, size * sizeof(weir_prove_value_t));
    if (c->values == NULL) {
        return;
    }

    j = 0;

    /* below the first */

    at = c->type == WEIR_POLICY_T_TIME ? 0 : INT64_MIN;

    for (k = 0; k < c->nvars; k++) {
        if (named[0] > at && (uint64_t) named[0] - (uint64_t) at > k) {
            c->values[j++].n = named[0] - 1 - (int64_t) k;
        }
    }

    for (i = 0; i < n; i++) {

        if (i != 0 && named[i] == named[i - 1]) {
            continue;
        }

        c->values[j++].n = named[i];
        at = named[i];

        for (k = 0; k < c->nvars && at < last; k++) {
            at++;

            for (size = i + 1; size < n && named[size] == named[i]; size++) {
                /* void */
            }

            if (size < n && named[size] <= at) {
                break;
            }

            c->values[j++].n = at;
        }
    }

    c->nvalues = j;
}


static int
weir_prove_number_cmp(const void *one, const void *two)
{
    int64_t  a, b;

    a = *(const int64_t *) one;
    b = *(const int64_t *) two;

    return a < b ? -1 : a > b;
}


/* Starts of intervals, and some that follow each. */

static void
weir_prove_addresses(weir_prove_problem_t *p, weir_prove_class_t *c)
{
    int                           byte, bit;
    uint32_t                      i, k, n, size;
    weir_addr_t                   at, *starts;
    weir_cidr_t                   all[4];
    weir_prove_atom_t            *a;
    const weir_cidr_t            *net;
    const weir_policy_net_t      *scope;
    const weir_policy_literal_t  *item;

    size = 16;

    for (a = c->atoms; a != NULL; a = a->next) {
        for (scope = a->nets; scope != NULL; scope = scope->next) {
            size += 2;
        }

        for (item = a->items; item != NULL; item = item->next) {
            size += 2;
        }
    }

    starts = weir_prove_alloc(p, size * sizeof(weir_addr_t));
    if (starts == NULL) {
        return;
    }

    n = 0;
    starts[n++] = starts[0];

    (void) weir_cidr_parse(weir_str("0.0.0.0/0"), &all[0]);
    (void) weir_cidr_parse(weir_str("192.0.2.7"), &all[1]);
    (void) weir_cidr_parse(weir_str("2001:db8::7"), &all[2]);

    for (i = 0; i < 3; i++) {
        starts[n++] = all[i].addr;
    }

    a = c->atoms;
    scope = a ? a->nets : NULL;
    item = a ? a->items : NULL;
    net = &all[0];

    for ( ;; ) {

        /* behind the net's last address */

        at = net->addr;
        bit = net->bits;

        while (bit-- > 0) {
            byte = bit / 8;
            at.bytes[byte] ^= (uint8_t) (0x80 >> bit % 8);

            if (at.bytes[byte] & (0x80 >> bit % 8)) {
                starts[n++] = at;
                break;
            }
        }

        while (a != NULL && scope == NULL && item == NULL) {
            a = a->next;
            scope = a ? a->nets : NULL;
            item = a ? a->items : NULL;
        }

        if (a == NULL) {
            break;
        }

        if (scope != NULL) {
            net = &scope->cidr;
            scope = scope->next;

        } else {
            net = &item->net;
            item = item->next;
        }

        starts[n++] = net->addr;
    }

    qsort(starts, n, sizeof(weir_addr_t), weir_prove_address_cmp);

    c->values = weir_prove_alloc(p, n * (c->nvars + 1)
                                    * sizeof(weir_prove_value_t));
    if (c->values == NULL) {
        return;
    }

    for (i = 0; i < n; i++) {

        if (i != 0 && memcmp(&starts[i], &starts[i - 1], 16) == 0) {
            continue;
        }

        at = starts[i];

        for (size = i + 1; size < n
             && memcmp(&starts[size], &starts[i], 16) == 0; size++)
        {
            /* void */
        }

        for (k = 0; k <= c->nvars; k++) {
            c->values[c->nvalues++].ip = at;

            for (byte = 15; byte >= 0 && ++at.bytes[byte] == 0; byte--) {
                /* void */
            }

            if (byte < 0
                || (size < n && memcmp(&at, &starts[size], 16) >= 0))
            {
                break;
            }
        }
    }
}


static int
weir_prove_address_cmp(const void *one, const void *two)
{
    return memcmp(one, two, sizeof(weir_addr_t));
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
    uint32_t             i, j;
    weir_prove_class_t  *c;

    c = weir_prove_root(a->x->class);

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

            weir_prove_sat_add3(&p->sat, -a->x->lits[i],
                                weir_prove_holds(a, &c->values[i])
                                ? a->lit : -a->lit, 0);
            break;
        }
    }
}


static int
weir_prove_holds(const weir_prove_atom_t *a, const weir_prove_value_t *v)
{
    const weir_policy_net_t      *net;
    const weir_policy_words_t    *w;
    const weir_policy_literal_t  *item;

    switch (a->kind) {

    case WEIR_PROVE_STRING:
        return weir_str_eq(a->s, v->s);

    case WEIR_PROVE_LIKE:
        return weir_prove_like(&a->glob, v->s);

    case WEIR_PROVE_HOSTS:
        for (w = a->words; w != NULL; w = w->next) {
            if (weir_host_match(w->word.text, v->s)) {
                return 1;
            }
        }

        return 0;

    case WEIR_PROVE_NUMBER:
        return weir_prove_order(a->op, v->n, a->n);

    case WEIR_PROVE_NETS:
        for (net = a->nets; net != NULL; net = net->next) {
            if (weir_cidr_contains(&net->cidr, &v->ip)) {
                return 1;
            }
        }

        return 0;

    default:
        for (item = a->items; item != NULL; item = item->next) {
            if (a->kind == WEIR_PROVE_STRINGS
                ? weir_str_eq(item->string, v->s)
                : a->kind == WEIR_PROVE_NUMBERS
                ? item->number == v->n
                : weir_cidr_contains(&item->net, &v->ip))
            {
                return 1;
            }
        }

        return 0;
    }
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
