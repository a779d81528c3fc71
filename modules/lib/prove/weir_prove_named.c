
/*
 * Weir: strings that are named, and such that a regular expression might
 * match: of those that no atom tells apart as many as are needed.
 */

#include <stdlib.h>

#include "weir_prove_problem.h"


#define WEIR_PROVE_GUESSES  128


typedef struct {
    weir_str_t  s;
    uint64_t    sign;          /* which atoms name it */
} weir_prove_named_t;


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


void
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

    for (i = 0; i < n && !p->nomem; i++) {
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

        if (*named == NULL || *n == *size) {
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
