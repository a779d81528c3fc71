
/*
 * Weir: what changes in that to which decisions oblige.
 *
 * What a decision obliges to depends only on which effects the rules that
 * decide have (docs/policy-language.md, "Effects").  So it changes where a rule
 * of the one side decides, and has an effect that none has which decides
 * there on the other.  A rule that the other side has, too, with this effect,
 * need not be asked about.
 */

#include "weir_prove_diff.h"


static int weir_prove_effects_of(weir_prove_diff_t *df,
    weir_prove_side_t *side, weir_prove_side_t *other, int lost,
    weir_policy_table_t *told);
static int weir_prove_effect(weir_prove_diff_t *df, weir_prove_side_t *side,
    weir_prove_side_t *other, int lost, const weir_policy_rule_t *rule,
    const weir_policy_clause_t *clause);
static int weir_prove_effect_key(weir_arena_t *arena, weir_str_t text,
    const weir_policy_clause_t *clause, weir_str_t *key);
static int weir_prove_any_effect(const weir_prove_side_t *side);


int
weir_prove_effects(weir_prove_diff_t *df, weir_prove_side_t *old,
    weir_prove_side_t *new)
{
    int                    rc;
    weir_policy_table_t    told;
    weir_prove_finding_t  *f;

    if (!weir_prove_any_effect(old) && !weir_prove_any_effect(new)) {
        return WEIR_OK;
    }

    memset(&told, 0, sizeof(weir_policy_table_t));

    rc = weir_prove_effects_of(df, new, old, 0, &told);

    if (rc == WEIR_OK) {
        rc = weir_prove_effects_of(df, old, new, 1, &told);
    }

    if (rc != WEIR_OK || told.used != 0) {
        return rc;
    }

    f = weir_prove_found(df, 0, WEIR_PROVE_PROVED, NULL);

    if (f == NULL) {
        return WEIR_NOMEM;
    }

    f->effects = 1;

    return WEIR_OK;
}


static int
weir_prove_any_effect(const weir_prove_side_t *side)
{
    uint32_t  i;

    for (i = 0; i < side->nrules; i++) {
        if (side->rules[i]->clauses != NULL && !side->rules[i]->shadow) {
            return 1;
        }
    }

    return 0;
}


/* Effects of side that other lacks; each rule is told once, by its meaning. */

static int
weir_prove_effects_of(weir_prove_diff_t *df, weir_prove_side_t *side,
    weir_prove_side_t *other, int lost, weir_policy_table_t *told)
{
    int                          rc;
    uint32_t                     i;
    weir_str_t                   key;
    weir_policy_table_t          same;
    weir_policy_compiler_t       c;
    const weir_policy_clause_t  *clause;

    memset(&same, 0, sizeof(weir_policy_table_t));
    memset(&c, 0, sizeof(weir_policy_compiler_t));

    c.arena = df->arena;

    for (i = 0; i < other->nrules; i++) {

        clause = other->rules[i]->shadow ? NULL : other->rules[i]->clauses;

        for ( /* void */ ; clause != NULL; clause = clause->next) {

            if (weir_prove_effect_key(df->arena, other->texts[i], clause, &key)
                != WEIR_OK)
            {
                return WEIR_NOMEM;
            }

            (void) weir_policy_table_put(&c, &same, key, other);
        }
    }

    for (i = 0; i < side->nrules; i++) {

        clause = side->rules[i]->shadow ? NULL : side->rules[i]->clauses;

        for ( /* void */ ; clause != NULL; clause = clause->next) {

            if (weir_policy_table_get(told, side->texts[i]) != NULL) {
                break;
            }

            if (weir_prove_effect_key(df->arena, side->texts[i], clause, &key)
                != WEIR_OK)
            {
                return WEIR_NOMEM;
            }

            if (weir_policy_table_get(&same, key) != NULL) {
                continue;
            }

            rc = weir_prove_effect(df, side, other, lost, side->rules[i],
                                   clause);

            if (rc == WEIR_NOMEM) {
                return rc;
            }

            if (rc != WEIR_PROVE_PROVED) {
                (void) weir_policy_table_put(&c, told, side->texts[i], side);
            }
        }
    }

    return c.nomem ? WEIR_NOMEM : WEIR_OK;
}


/* A verdict, and a finding unless it is PROVED; WEIR_NOMEM. */

static int
weir_prove_effect(weir_prove_diff_t *df, weir_prove_side_t *side,
    weir_prove_side_t *other, int lost, const weir_policy_rule_t *rule,
    const weir_policy_clause_t *clause)
{
    int                     rc;
    weir_prove_finding_t   *f;
    weir_prove_question_t   q;

    memset(&q, 0, sizeof(weir_prove_question_t));

    q.arena = df->arena;
    q.limits = df->limits;
    q.memo = &df->memo;
    q.deny = other;
    q.permit = side;
    q.effect = clause;

    if (rule->deny) {
        q.stands = rule;

    } else {
        q.matches = rule;
    }

    rc = weir_prove_ask_any(&q);

    if (rc == WEIR_NOMEM || rc == WEIR_PROVE_PROVED) {
        return rc;
    }

    f = weir_prove_found(df, !rule->deny, rc, q.why);

    if (f == NULL) {
        return WEIR_NOMEM;
    }

    f->effects = 1;
    f->rule = rule->name.text;
    f->request = q.request;
    f->old = lost ? q.permitted : q.denied;
    f->new = lost ? q.denied : q.permitted;

    return rc;
}


/* A rule's meaning and one of its effects. */

static int
weir_prove_effect_key(weir_arena_t *arena, weir_str_t text,
    const weir_policy_clause_t *clause, weir_str_t *key)
{
    uint8_t     *p;
    weir_str_t   effect;

    effect = weir_prove_clause(arena, clause);
    p = weir_arena_alloc(arena, text.len + effect.len + 1);

    if (effect.data == NULL || p == NULL) {
        return WEIR_NOMEM;
    }

    memcpy(p, text.data, text.len);
    memcpy(p + text.len, effect.data, effect.len);

    key->data = p;
    key->len = text.len + effect.len;

    return WEIR_OK;
}
