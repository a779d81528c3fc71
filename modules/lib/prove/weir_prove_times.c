
/*
 * Weir: instants that stand for all others: what windows tell apart.  Between
 * two shifts of their zones windows repeat every week, so that one week of
 * each combination of offsets is enough.
 */

#include <stdlib.h>

#include "weir_prove_problem.h"


#define WEIR_PROVE_WEEK  (7 * 86400)
#define WEIR_PROVE_LAST  253402300799      /* 9999-12-31T23:59:59Z */


typedef struct {
    weir_prove_problem_t         *p;
    weir_prove_class_t           *c;
    const weir_policy_zone_t    **zones;
    uint32_t                      nzones;
    int64_t                      *cuts;
    uint32_t                      ncuts;
    uint64_t                     *seen;        /* offsets of full weeks */
    uint32_t                      nseen;
    uint64_t                     *signs;       /* of the values */
    uint32_t                      size;
} weir_prove_times_t;


static void weir_prove_cuts(weir_prove_times_t *t);
static void weir_prove_cut(weir_prove_times_t *t, int64_t at);
static void weir_prove_weeks(weir_prove_times_t *t, int64_t from, int64_t to);
static void weir_prove_instant(weir_prove_times_t *t, int64_t at);
static int64_t weir_prove_offset(const weir_policy_zone_t *zone, int64_t at);
static int64_t weir_prove_day(int64_t local);
static int weir_prove_cut_cmp(const void *one, const void *two);


void
weir_prove_times(weir_prove_problem_t *p, weir_prove_class_t *c)
{
    uint32_t                      i, k, n, spans;
    weir_prove_atom_t            *a;
    weir_prove_times_t            t;
    weir_prove_value_t            v;
    const weir_policy_span_t     *span;
    const weir_policy_literal_t  *item;

    memset(&t, 0, sizeof(weir_prove_times_t));
    t.p = p;
    t.c = c;
    n = 8;
    spans = 0;

    for (a = c->atoms; a != NULL; a = a->next) {
        n += 3;

        for (span = a->window == NULL ? NULL : a->window->spans; span != NULL;
             span = span->next)
        {
            spans++;
        }
    }

    t.zones = weir_prove_alloc(p, (spans + 1) * sizeof(weir_policy_zone_t *));
    if (t.zones == NULL) {
        return;
    }

    for (a = c->atoms; a != NULL; a = a->next) {

        for (span = a->window == NULL ? NULL : a->window->spans; span != NULL;
             span = span->next)
        {
            for (k = 0; k < t.nzones; k++) {
                if (weir_str_eq(t.zones[k]->name, span->data->name)
                    && t.zones[k]->n == span->data->n)
                {
                    break;
                }
            }

            if (k == t.nzones) {
                t.zones[t.nzones++] = span->data;
                n += 3 * (span->data->n + 2);
            }
        }

        for (item = a->items; item != NULL; item = item->next) {
            n += 3;
        }
    }

    t.cuts = weir_prove_alloc(p, n * sizeof(int64_t));
    t.seen = weir_prove_alloc(p, n * sizeof(uint64_t));

    if (t.cuts == NULL || t.seen == NULL) {
        return;
    }

    weir_prove_cuts(&t);

    for (k = 0; k < t.ncuts && t.cuts[k] < WEIR_PROVE_NOW; k++) {
        /* void */
    }

    /* from now on, then before; the solver prefers the last one */

    for (i = 0; i < t.ncuts && !p->nomem; i++, k++) {

        if (k == t.ncuts) {
            k = 0;
        }

        weir_prove_instant(&t, t.cuts[k]);

        if (k + 1 < t.ncuts) {
            weir_prove_weeks(&t, t.cuts[k], t.cuts[k + 1]);
        }
    }

    for (i = 0; i < c->nvalues / 2; i++) {
        v = c->values[i];
        c->values[i] = c->values[c->nvalues - 1 - i];
        c->values[c->nvalues - 1 - i] = v;
    }
}


/* Where offsets change, and the times that are named. */

static void
weir_prove_cuts(weir_prove_times_t *t)
{
    uint32_t                      i, k;
    weir_prove_atom_t            *a;
    const weir_policy_literal_t  *item;

    weir_prove_cut(t, 0);
    weir_prove_cut(t, WEIR_PROVE_NOW);
    weir_prove_cut(t, WEIR_PROVE_LAST);

    for (a = t->c->atoms; a != NULL; a = a->next) {

        if (a->kind == WEIR_PROVE_NUMBER) {
            weir_prove_cut(t, a->n);
            weir_prove_cut(t, a->n + 1);
        }

        for (item = a->kind == WEIR_PROVE_NUMBERS ? a->items : NULL;
             item != NULL; item = item->next)
        {
            weir_prove_cut(t, item->number);
            weir_prove_cut(t, item->number + 1);
        }
    }

    for (i = 0; i < t->nzones; i++) {
        weir_prove_cut(t, t->zones[i]->until);

        for (k = 0; k < t->zones[i]->n; k++) {
            weir_prove_cut(t, t->zones[i]->shifts[k].at);
        }
    }

    qsort(t->cuts, t->ncuts, sizeof(int64_t), weir_prove_cut_cmp);

    k = 0;

    for (i = 0; i < t->ncuts; i++) {
        if (i == 0 || t->cuts[i] != t->cuts[k - 1]) {
            t->cuts[k++] = t->cuts[i];
        }
    }

    t->ncuts = k;
}


static void
weir_prove_cut(weir_prove_times_t *t, int64_t at)
{
    if (at >= 0 && at <= WEIR_PROVE_LAST) {
        t->cuts[t->ncuts++] = at;
    }
}


/*
 * From one cut to the next all offsets and all comparisons stay as they are:
 * the ends of the spans in a week.
 */

static void
weir_prove_weeks(weir_prove_times_t *t, int64_t from, int64_t to)
{
    int64_t                     day, offset, at;
    uint64_t                    sign;
    uint32_t                    i, k;
    weir_prove_atom_t          *a;
    const weir_policy_span_t   *span;

    sign = 0;

    for (i = 0; i < t->nzones; i++) {
        offset = from >= t->zones[i]->until
                 ? INT32_MAX : weir_prove_offset(t->zones[i], from);
        sign = weir_prove_mix(sign + (uint64_t) offset);
    }

    for (a = t->c->atoms; a != NULL; a = a->next) {
        if (a->kind == WEIR_PROVE_NUMBER || a->kind == WEIR_PROVE_NUMBERS) {
            sign = weir_prove_mix(sign + (uint64_t) weir_prove_holds(t->p, a,
                                   &(weir_prove_value_t) { .n = from }));
        }
    }

    weir_prove_tick(t->p, t->nseen);

    for (i = 0; i < t->nseen; i++) {
        if (t->seen[i] == sign) {
            return;
        }
    }

    if (to - from > WEIR_PROVE_WEEK) {
        t->seen[t->nseen++] = sign;
        to = from + WEIR_PROVE_WEEK;
    }

    for (a = t->c->atoms; a != NULL; a = a->next) {

        for (span = a->window == NULL ? NULL : a->window->spans; span != NULL;
             span = span->next)
        {
            weir_prove_tick(t->p, 64);

            if (t->p->nomem || from >= span->data->until) {
                continue;
            }

            offset = weir_prove_offset(span->data, from);
            day = weir_prove_day(from + offset);

            for (k = 0; k < 9; k++, day++) {

                at = day * 86400 - offset + (int64_t) span->from * 60;

                if (at >= from && at < to) {
                    weir_prove_instant(t, at);
                }

                at = day * 86400 - offset + (int64_t) span->to * 60;

                if (at >= from && at < to) {
                    weir_prove_instant(t, at);
                }
            }
        }
    }
}


/* An instant that no other stands for, as often as there are variables. */

static void
weir_prove_instant(weir_prove_times_t *t, int64_t at)
{
    uint32_t              i, same, size;
    uint64_t              sign, *signs;
    weir_prove_atom_t    *a;
    weir_prove_value_t   *values, v;

    memset(&v, 0, sizeof(weir_prove_value_t));
    v.n = at;
    sign = 0;

    for (a = t->c->atoms; a != NULL; a = a->next) {
        if (a->y == NULL) {
            sign = weir_prove_mix(sign
                                  + (uint64_t) (weir_prove_holds(t->p, a, &v)
                                                + 2));
        }
    }

    same = 0;

    weir_prove_tick(t->p, t->c->nvalues);

    for (i = 0; t->signs != NULL && i < t->c->nvalues; i++) {
        if (t->c->values[i].n == at) {
            return;
        }

        same += t->signs[i] == sign;
    }

    if (same >= t->c->nvars) {
        return;
    }

    if (t->signs == NULL || t->c->nvalues == t->size) {
        size = t->size ? 2 * t->size : 64;

        values = weir_prove_alloc(t->p, size * sizeof(weir_prove_value_t));
        signs = weir_prove_alloc(t->p, size * sizeof(uint64_t));

        if (values == NULL || signs == NULL) {
            return;
        }

        if (t->signs != NULL && t->c->nvalues != 0) {
            memcpy(values, t->c->values,
                   t->c->nvalues * sizeof(weir_prove_value_t));
            memcpy(signs, t->signs, t->c->nvalues * sizeof(uint64_t));
        }

        t->c->values = values;
        t->signs = signs;
        t->size = size;
    }

    t->signs[t->c->nvalues] = sign;
    t->c->values[t->c->nvalues++] = v;
}


/* As a decision does: 1, 0; -1: the zone knows nothing of this time. */

int
weir_prove_window(const weir_policy_window_t *w, int64_t at)
{
    int                        is;
    int64_t                    local, day, minute;
    const weir_policy_span_t  *span;

    is = 0;

    for (span = w->spans; span != NULL; span = span->next) {

        if (at >= span->data->until) {
            is = -1;
            continue;
        }

        local = at + weir_prove_offset(span->data, at);
        day = weir_prove_day(local);
        minute = (local - day * 86400) / 60;

        /* 1 January 1970 was a Thursday; 0 is Monday */

        day = ((day + 3) % 7 + 7) % 7;

        if (day >= span->first && day <= span->last && minute >= span->from
            && minute < span->to)
        {
            return 1;
        }
    }

    return is;
}


static int64_t
weir_prove_offset(const weir_policy_zone_t *zone, int64_t at)
{
    uint32_t  lo, hi, mid;

    lo = 0;
    hi = zone->n;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        if (zone->shifts[mid].at <= at) {
            lo = mid + 1;

        } else {
            hi = mid;
        }
    }

    return lo == 0 ? zone->first : zone->shifts[lo - 1].offset;
}


static int64_t
weir_prove_day(int64_t local)
{
    return local / 86400 - (local % 86400 < 0);
}


static int
weir_prove_cut_cmp(const void *one, const void *two)
{
    int64_t  a, b;

    a = *(const int64_t *) one;
    b = *(const int64_t *) two;

    return a < b ? -1 : a > b;
}
