
/*
 * Weir: a policy of a bundle as questions see it: its rules by number, with
 * what they mean.
 */

#include <stdlib.h>

#include "weir_prove_ask.h"


static int weir_prove_rule_cmp(const void *one, const void *two);


int
weir_prove_side(weir_prove_lists_t *lists, weir_prove_side_t *side,
    const weir_policy_bundle_t *bundle, weir_str_t name)
{
    uint32_t                   i;
    weir_arena_t              *arena;
    const weir_policy_rule_t  *rule;

    memset(side, 0, sizeof(weir_prove_side_t));

    arena = lists->arena;
    memset(&lists->places, 0, sizeof(weir_policy_table_t));

    side->bundle = bundle;

    if (weir_policy_find(bundle->image, name, &side->policy) != WEIR_OK) {
        return WEIR_OK;
    }

    side->file = weir_policy_table_get(bundle->names, name);

    for (rule = side->file->rules; rule != NULL; rule = rule->next) {
        side->nrules++;
    }

    side->rules = weir_arena_calloc(arena, side->nrules + 1,
                                    sizeof(weir_policy_rule_t *));
    side->texts = weir_arena_calloc(arena, side->nrules + 1,
                                    sizeof(weir_str_t));

    if (side->rules == NULL || side->texts == NULL) {
        return WEIR_NOMEM;
    }

    i = 0;

    for (rule = side->file->rules; rule != NULL; rule = rule->next) {
        side->rules[i++] = rule;
    }

    qsort(side->rules, i, sizeof(weir_policy_rule_t *),
          weir_prove_rule_cmp);

    for (i = 0; i < side->nrules; i++) {
        side->texts[i] = weir_prove_meaning(arena, lists, side->rules[i]);

        if (side->texts[i].data == NULL) {
            return WEIR_NOMEM;
        }
    }

    if (weir_policy_regex_count(bundle->image) != 0) {
        side->regexes = weir_policy_regexes_create(&weir_alloc_malloc,
                                                   bundle->image);
        if (side->regexes == NULL) {
            return WEIR_NOMEM;
        }
    }

    return WEIR_OK;
}


void
weir_prove_side_done(weir_prove_side_t *side)
{
    weir_policy_regexes_destroy(side->regexes);
}


static int
weir_prove_rule_cmp(const void *one, const void *two)
{
    return weir_str_cmp((*(const weir_policy_rule_t *const *) one)->name.text,
                        (*(const weir_policy_rule_t *const *) two)->name.text);
}


int
weir_prove_keep(weir_arena_t *arena, const weir_prove_side_t *side,
    const weir_policy_decision_t *d, weir_prove_decision_t *kept)
{
    uint32_t  i;

    kept->verdict = d->verdict;
    kept->reason = d->reason;
    kept->nrules = d->count;
    kept->rules = weir_arena_calloc(arena, d->count + 1, sizeof(weir_str_t));

    if (kept->rules == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < d->count; i++) {
        kept->rules[i] = side->rules[d->rules[i]]->name.text;
    }

    return WEIR_OK;
}
