
/*
 * Weir: what the image holds of lists, sets, windows, effects and regular
 * expressions.
 */

#include <stdlib.h>

#include "weir_policy_image.h"


static uint32_t weir_policy_build_strings(weir_policy_builder_t *b,
    const weir_policy_literal_t *list);
static uint32_t weir_policy_build_numbers(weir_policy_builder_t *b,
    const weir_policy_literal_t *list);
static uint32_t weir_policy_build_zone(weir_policy_builder_t *b,
    weir_policy_zone_t *zone);
static int weir_policy_string_cmp(const void *one, const void *two);
static int weir_policy_number_cmp(const void *one, const void *two);
static int weir_policy_clause_cmp(const void *one, const void *two);


/* A record at an offset: valid until the next reservation. */

#define weir_policy_out(b, off, type)                                         \
    ((type *) (void *) ((b)->out.data + (off)))


/*
 * Lists are sorted, so that a search halves them; a set, which many name,
 * lies in the image once.
 */

uint32_t
weir_policy_build_list(weir_policy_builder_t *b, weir_policy_literal_t *list)
{
    uint32_t                      n;
    weir_cidr_t                  *cidrs;
    const weir_policy_literal_t  *item;

    if (list->built != 0) {
        return list->built;
    }

    if (list->nitems == 0 || list->item_type == WEIR_POLICY_T_STRING) {
        list->built = weir_policy_build_strings(b, list);

    } else if (list->item_type != WEIR_POLICY_T_IP) {
        list->built = weir_policy_build_numbers(b, list);

    } else {
        cidrs = weir_policy_alloc(b->c, list->nitems * sizeof(weir_cidr_t));
        if (cidrs == NULL) {
            return WEIR_POLICY_NONE;
        }

        n = 0;

        for (item = list->items; item != NULL; item = item->next) {
            cidrs[n++] = item->net;
        }

        list->built = weir_policy_build_nets(b, cidrs, n);
    }

    return list->built;
}


/* Each once: "all in" counts them. */

static uint32_t
weir_policy_build_strings(weir_policy_builder_t *b,
    const weir_policy_literal_t *list)
{
    uint32_t                      i, n, off, items;
    weir_str_t                   *strings;
    weir_policy_ref_t             ref;
    weir_policy_array_t          *array;
    const weir_policy_literal_t  *item;

    strings = weir_policy_alloc(b->c, (list->nitems + 1)
                                      * sizeof(weir_str_t));
    if (strings == NULL) {
        return WEIR_POLICY_NONE;
    }

    n = 0;

    for (item = list->items; item != NULL; item = item->next) {
        strings[n++] = item->string;
    }

    qsort(strings, n, sizeof(weir_str_t), weir_policy_string_cmp);

    i = 0;

    for (items = 0; items < n; items++) {
        if (i == 0 || !weir_str_eq(strings[i - 1], strings[items])) {
            strings[i++] = strings[items];
        }
    }

    n = i;

    off = weir_policy_reserve(b, &b->out, 1, sizeof(weir_policy_array_t));
    items = weir_policy_reserve(b, &b->out, n, sizeof(weir_policy_ref_t));

    if (off == WEIR_POLICY_NONE || items == WEIR_POLICY_NONE) {
        return WEIR_POLICY_NONE;
    }

    for (i = 0; i < n; i++) {
        ref = weir_policy_intern(b, strings[i]);

        if (b->c->nomem) {
            return WEIR_POLICY_NONE;
        }

        weir_policy_out(b, items, weir_policy_ref_t)[i] = ref;
    }

    array = weir_policy_out(b, off, weir_policy_array_t);
    array->off = items;
    array->n = n;

    return off;
}


static uint32_t
weir_policy_build_numbers(weir_policy_builder_t *b,
    const weir_policy_literal_t *list)
{
    int64_t                      *numbers;
    uint32_t                      i, off, items;
    weir_policy_array_t          *array;
    const weir_policy_literal_t  *item;

    off = weir_policy_reserve(b, &b->out, 1, sizeof(weir_policy_array_t));
    items = weir_policy_reserve(b, &b->out, list->nitems, sizeof(int64_t));

    if (off == WEIR_POLICY_NONE || items == WEIR_POLICY_NONE) {
        return WEIR_POLICY_NONE;
    }

    numbers = weir_policy_out(b, items, int64_t);
    i = 0;

    for (item = list->items; item != NULL; item = item->next) {
        numbers[i++] = item->number;
    }

    qsort(numbers, list->nitems, sizeof(int64_t), weir_policy_number_cmp);

    array = weir_policy_out(b, off, weir_policy_array_t);
    array->off = items;
    array->n = list->nitems;

    return off;
}


uint32_t
weir_policy_build_window(weir_policy_builder_t *b,
    weir_policy_window_t *window)
{
    uint32_t                    n, off, spans, zone;
    weir_policy_array_t        *array;
    weir_policy_span_rec_t      rec;
    const weir_policy_span_t   *span;

    if (window->built != 0) {
        return window->built;
    }

    n = 0;

    for (span = window->spans; span != NULL; span = span->next) {
        n++;
    }

    off = weir_policy_reserve(b, &b->out, 1, sizeof(weir_policy_array_t));
    spans = weir_policy_reserve(b, &b->out, n, sizeof(weir_policy_span_rec_t));

    if (off == WEIR_POLICY_NONE || spans == WEIR_POLICY_NONE) {
        return WEIR_POLICY_NONE;
    }

    n = 0;

    for (span = window->spans; span != NULL; span = span->next) {

        zone = weir_policy_build_zone(b, span->data);

        if (zone == WEIR_POLICY_NONE) {
            return zone;
        }

        rec.days = ((2u << span->last) - 1) & ~((1u << span->first) - 1);
        rec.from = span->from;
        rec.to = span->to;
        rec.zone = zone;

        weir_policy_out(b, spans, weir_policy_span_rec_t)[n++] = rec;
    }

    array = weir_policy_out(b, off, weir_policy_array_t);
    array->off = spans;
    array->n = n;

    window->built = off;

    return off;
}


static uint32_t
weir_policy_build_zone(weir_policy_builder_t *b, weir_policy_zone_t *zone)
{
    uint32_t                 off, shifts;
    weir_policy_zone_rec_t  *rec;

    if (zone->built != 0) {
        return zone->built;
    }

    off = weir_policy_reserve(b, &b->out, 1, sizeof(weir_policy_zone_rec_t));
    shifts = weir_policy_reserve(b, &b->out, zone->n,
                                 sizeof(weir_policy_shift_t));

    if (off == WEIR_POLICY_NONE || shifts == WEIR_POLICY_NONE) {
        return WEIR_POLICY_NONE;
    }

    if (zone->n != 0) {
        memcpy(b->out.data + shifts, zone->shifts,
               zone->n * sizeof(weir_policy_shift_t));
    }

    rec = weir_policy_out(b, off, weir_policy_zone_rec_t);

    rec->first = zone->first;
    rec->reserved = 0;
    rec->until = zone->until;
    rec->shifts.off = shifts;
    rec->shifts.n = zone->n;

    zone->built = off;

    return off;
}


/* The number of a regular expression among all of the image. */

uint32_t
weir_policy_build_regex(weir_policy_builder_t *b, weir_str_t pattern)
{
    uint32_t            *known, off;
    weir_policy_ref_t    ref;

    known = weir_policy_table_get(&b->regex_table, pattern);

    if (known != NULL) {
        return *known;
    }

    known = weir_policy_alloc(b->c, sizeof(uint32_t));
    ref = weir_policy_intern(b, pattern);

    off = weir_policy_reserve(b, &b->regexes, 1, sizeof(weir_policy_ref_t));

    if (known == NULL || off == WEIR_POLICY_NONE || b->c->nomem) {
        return WEIR_POLICY_NONE;
    }

    memcpy(b->regexes.data + off, &ref, sizeof(weir_policy_ref_t));

    *known = off / (uint32_t) sizeof(weir_policy_ref_t);

    (void) weir_policy_table_put(b->c, &b->regex_table, pattern, known);

    return *known;
}


/* The effects of all rules, each once, in the order of decisions. */

int
weir_policy_build_effects(weir_policy_builder_t *b, weir_policy_rec_t *rec)
{
    uint32_t                   i, n;
    weir_policy_rule_t        *rule;
    weir_policy_clause_t      *clause, **all;
    weir_policy_effect_rec_t   er;

    n = 0;

    for (rule = b->file->rules; rule != NULL; rule = rule->next) {
        for (clause = rule->clauses; clause != NULL; clause = clause->next) {
            n++;
        }
    }

    all = weir_policy_alloc(b->c, (n + 1) * sizeof(weir_policy_clause_t *));
    if (all == NULL) {
        return WEIR_NOMEM;
    }

    n = 0;

    for (rule = b->file->rules; rule != NULL; rule = rule->next) {
        for (clause = rule->clauses; clause != NULL; clause = clause->next) {
            all[n++] = clause;
        }
    }

    qsort(all, n, sizeof(weir_policy_clause_t *), weir_policy_clause_cmp);

    rec->effects.n = 0;

    for (i = 0; i < n; i++) {
        if (i == 0 || weir_policy_clause_cmp(&all[i - 1], &all[i]) != 0) {
            rec->effects.n++;
        }

        all[i]->index = rec->effects.n - 1;
    }

    rec->effects.off = weir_policy_reserve(b, &b->out, rec->effects.n,
                                           sizeof(weir_policy_effect_rec_t));

    if (rec->effects.off == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    /* of headers that differ in case, that which was written first is shown */

    for (i = n; i-- != 0; /* void */ ) {

        memset(&er, 0, sizeof(weir_policy_effect_rec_t));

        er.kind = all[i]->kind;
        er.name = weir_policy_intern(b, all[i]->shown.len != 0
                                        ? all[i]->shown : all[i]->name.text);
        er.value = weir_policy_intern(b, all[i]->value.text);
        er.number = all[i]->number;

        if (b->c->nomem) {
            return WEIR_NOMEM;
        }

        weir_policy_out(b, rec->effects.off,
                        weir_policy_effect_rec_t)[all[i]->index] = er;
    }

    return WEIR_OK;
}


static int
weir_policy_string_cmp(const void *one, const void *two)
{
    return weir_str_cmp(*(const weir_str_t *) one, *(const weir_str_t *) two);
}


static int
weir_policy_number_cmp(const void *one, const void *two)
{
    int64_t  a, b;

    a = *(const int64_t *) one;
    b = *(const int64_t *) two;

    return a < b ? -1 : a > b;
}


static int
weir_policy_clause_cmp(const void *one, const void *two)
{
    int                          rc;
    const weir_policy_clause_t  *a, *b;

    a = *(weir_policy_clause_t *const *) one;
    b = *(weir_policy_clause_t *const *) two;

    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }

    if (a->number != b->number) {
        return a->number < b->number ? -1 : 1;
    }

    rc = weir_str_cmp(a->name.text, b->name.text);

    return rc != 0 ? rc : weir_str_cmp(a->value.text, b->value.text);
}
