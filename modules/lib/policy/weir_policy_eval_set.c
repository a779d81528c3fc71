
/*
 * Weir: sets, windows and effects in a decision.
 */

#include "weir_policy_eval.h"


/* Comparisons of two claims' items: more is unknown. */

#define WEIR_POLICY_MAX_PAIRS  65536


static uint32_t weir_policy_set_count(weir_policy_eval_t *ev,
    const weir_policy_value_t *set);
static weir_policy_truth_t weir_policy_span_value(weir_policy_eval_t *ev,
    const weir_policy_span_rec_t *span);


/*
 * "any in" holds where one item of the left side is in the right one, "all in"
 * where each is.
 */

weir_policy_truth_t
weir_policy_eval_sets(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node)
{
    int                         is, all, set;
    size_t                      at;
    uint32_t                    i;
    weir_str_t                  item;
    weir_policy_value_t         left_space, right_space;
    const weir_policy_ref_t    *refs;
    const weir_policy_value_t  *left, *right;
    const weir_policy_array_t  *list;

    left = weir_policy_attr_value(ev, node->a, &left_space);

    if (left->state != WEIR_POLICY_ONE) {
        return WEIR_POLICY_MAYBE;
    }

    set = node->op == WEIR_POLICY_N_ANY_SET
          || node->op == WEIR_POLICY_N_ALL_SET;
    all = node->op == WEIR_POLICY_N_ALL_SET
          || node->op == WEIR_POLICY_N_ALL_LIST;

    right = NULL;
    list = NULL;

    if (set) {
        right = weir_policy_attr_value(ev, node->b, &right_space);

        if (right->state != WEIR_POLICY_ONE) {
            return WEIR_POLICY_MAYBE;
        }

        if ((uint64_t) weir_policy_set_count(ev, left)
            * weir_policy_set_count(ev, right) > WEIR_POLICY_MAX_PAIRS)
        {
            return WEIR_POLICY_MAYBE;
        }

    } else {
        list = weir_policy_at(ev->image, node->b);
    }

    if (node->op == WEIR_POLICY_N_LIST_ALL) {

        /* the list's items are different ones */

        if (list->n > weir_policy_set_count(ev, left)) {
            return WEIR_POLICY_FALSE;
        }

        if ((uint64_t) list->n * weir_policy_set_count(ev, left)
            > WEIR_POLICY_MAX_PAIRS)
        {
            return WEIR_POLICY_MAYBE;
        }

        refs = weir_policy_at(ev->image, list->off);

        for (i = 0; i < list->n; i++) {
            if (!weir_policy_set_has(ev, left,
                                     weir_policy_text(ev->image, refs[i])))
            {
                return WEIR_POLICY_FALSE;
            }
        }

        return WEIR_POLICY_TRUE;
    }

    at = 0;

    while (weir_policy_set_item(ev, left, &at, &item)) {

        is = set ? weir_policy_set_has(ev, right, item)
                 : weir_policy_in_strings(ev, list, item);

        if (is != all) {
            return all ? WEIR_POLICY_FALSE : WEIR_POLICY_TRUE;
        }
    }

    return all ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;
}


/* Of a "scope" of several words. */

int
weir_policy_set_word(const weir_policy_value_t *set, size_t *at,
    weir_str_t *item)
{
    size_t      i;
    weir_str_t  words;

    words = set->string;

    for (i = *at; i < words.len && words.data[i] == ' '; i++) {
        /* void */
    }

    if (i == words.len) {
        return 0;
    }

    item->data = words.data + i;

    while (i < words.len && words.data[i] != ' ') {
        i++;
    }

    item->len = (size_t) (words.data + i - item->data);
    *at = i;

    return 1;
}


static uint32_t
weir_policy_set_count(weir_policy_eval_t *ev, const weir_policy_value_t *set)
{
    size_t      at;
    uint32_t    n;
    weir_str_t  item;

    if (set->set != NULL) {
        return (uint32_t) set->set->value_len;
    }

    at = 0;

    for (n = 0; weir_policy_set_item(ev, set, &at, &item); n++) {
        /* void */
    }

    return n;
}


weir_policy_truth_t
weir_policy_eval_window(weir_policy_eval_t *ev, uint32_t window)
{
    uint32_t                        i;
    weir_policy_truth_t             value, v;
    const weir_policy_array_t      *array;
    const weir_policy_span_rec_t   *spans;

    if (!ev->r->has_time) {
        return WEIR_POLICY_MAYBE;
    }

    array = weir_policy_at(ev->image, window);
    spans = weir_policy_at(ev->image, array->off);

    value = WEIR_POLICY_FALSE;

    for (i = 0; i < array->n; i++) {
        v = weir_policy_span_value(ev, &spans[i]);

        if (v == WEIR_POLICY_TRUE) {
            return v;
        }

        if (v == WEIR_POLICY_MAYBE) {
            value = v;
        }
    }

    return value;
}


/*
 * The zone's wall clock at the request's time: an hour that the clock skips
 * never comes, one that it repeats comes twice.
 */

static weir_policy_truth_t
weir_policy_span_value(weir_policy_eval_t *ev,
    const weir_policy_span_rec_t *span)
{
    int64_t                         local, day, minute;
    uint32_t                        lo, hi, mid;
    const weir_policy_shift_t      *shifts;
    const weir_policy_zone_rec_t   *zone;

    zone = weir_policy_at(ev->image, span->zone);

    if (ev->r->time >= zone->until || ev->r->time < -WEIR_POLICY_MAX_TIME) {
        return WEIR_POLICY_MAYBE;
    }

    shifts = weir_policy_at(ev->image, zone->shifts.off);
    lo = 0;
    hi = zone->shifts.n;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        if (shifts[mid].at <= ev->r->time) {
            lo = mid + 1;

        } else {
            hi = mid;
        }
    }

    local = ev->r->time + (lo == 0 ? zone->first : shifts[lo - 1].offset);

    /* 1 January 1970 was a Thursday; 0 is Monday */

    day = local / 86400;
    day -= local % 86400 < 0;

    minute = (local - day * 86400) / 60;
    day = ((day + 3) % 7 + 7) % 7;

    return (span->days >> day & 1) && minute >= span->from
           && minute < span->to ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;
}


/*
 * Adds the effects of a rule to those of the decision, in their order and
 * each once.  Where there is no room for one, there are too many.
 */

void
weir_policy_take_effects(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule)
{
    uint32_t                 i, k;
    const uint32_t          *effects;
    weir_policy_decision_t  *d;

    d = ev->d;
    effects = weir_policy_at(ev->image, rule->effects.off);

    for (i = 0; i < rule->effects.n && d->neffects <= d->max_effects; i++) {

        for (k = d->neffects; k != 0 && d->effects[k - 1] > effects[i]; k--) {
            /* void */
        }

        if (k != 0 && d->effects[k - 1] == effects[i]) {
            continue;
        }

        if (d->neffects == d->max_effects) {
            d->neffects++;
            return;
        }

        memmove(d->effects + k + 1, d->effects + k,
                (d->neffects - k) * sizeof(uint32_t));

        d->effects[k] = effects[i];
        d->neffects++;
    }
}


/* Of levels of log the highest stays, of statuses the lowest. */

void
weir_policy_merge_effects(weir_policy_eval_t *ev)
{
    uint32_t                         i, n;
    weir_policy_decision_t          *d;
    const weir_policy_effect_rec_t  *effects;

    d = ev->d;

    if (d->neffects > d->max_effects) {
        return;
    }

    effects = weir_policy_at(ev->image, ev->rec->effects.off);
    n = 0;

    for (i = 0; i < d->neffects; i++) {

        if (n != 0 && effects[d->effects[n - 1]].kind
                      == effects[d->effects[i]].kind)
        {
            if (effects[d->effects[i]].kind == WEIR_POLICY_LOG) {
                d->effects[n - 1] = d->effects[i];
                continue;
            }

            if (effects[d->effects[i]].kind == WEIR_POLICY_STATUS) {
                continue;
            }
        }

        d->effects[n++] = d->effects[i];
    }

    d->neffects = n;
}


void
weir_policy_effect(const weir_policy_image_t *image, uint32_t policy,
    uint32_t effect, weir_policy_effect_t *e)
{
    const weir_policy_rec_t         *rec;
    const weir_policy_effect_rec_t  *er;

    rec = (const weir_policy_rec_t *)
          weir_policy_at(image, image->policies.off) + policy;
    er = (const weir_policy_effect_rec_t *)
         weir_policy_at(image, rec->effects.off) + effect;

    e->kind = er->kind;
    e->name = weir_policy_text(image, er->name);
    e->value = weir_policy_text(image, er->value);
    e->number = er->number;
}
