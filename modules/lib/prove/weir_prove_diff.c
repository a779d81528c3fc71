
/*
 * Weir: what changes from one bundle to another.  Rules that both have deny
 * and permit the same, so that every difference lies inside a rule that only
 * one of them has (docs/decisions/0031-proofs-over-representatives.md).
 */

#include "weir_prove_ask.h"


typedef struct {
    weir_arena_t               *arena;
    const weir_prove_limits_t  *limits;
    weir_prove_finding_t      **last;
    weir_prove_memo_t           memo;
    weir_str_t                  policy;
} weir_prove_diff_t;


static int weir_prove_policy(weir_prove_diff_t *df,
    const weir_policy_bundle_t *a, const weir_policy_bundle_t *b);
static int weir_prove_direction(weir_prove_diff_t *df,
    weir_prove_side_t *deny, weir_prove_side_t *permit, int permits);
static int weir_prove_effects(weir_prove_diff_t *df, weir_prove_side_t *old,
    weir_prove_side_t *new);
static int weir_prove_obliging(weir_prove_diff_t *df, weir_prove_side_t *old,
    weir_prove_side_t *new, weir_prove_side_t *side,
    weir_prove_side_t *other, weir_policy_table_t *told);
static int weir_prove_obliging_key(weir_arena_t *arena,
    const weir_prove_side_t *side, uint32_t i, weir_str_t *key);
static int weir_prove_obliged(weir_prove_diff_t *df, weir_prove_side_t *old,
    weir_prove_side_t *new, const weir_policy_rule_t *rule,
    weir_str_t name);
static int weir_prove_missing(weir_arena_t *arena,
    const weir_prove_side_t *side, const weir_prove_side_t *other,
    uint8_t *missing);
static int weir_prove_namesake(weir_prove_question_t *q);
static weir_prove_finding_t *weir_prove_found(weir_prove_diff_t *df,
    int permits, int verdict, const char *why);


int
weir_prove_diff(weir_arena_t *arena, const weir_policy_bundle_t *a,
    const weir_policy_bundle_t *b, weir_str_t name,
    const weir_prove_limits_t *limits, weir_prove_finding_t **findings)
{
    int                rc;
    uint32_t           i, j, na, nb;
    weir_prove_diff_t  df;

    *findings = NULL;

    df.arena = arena;
    df.limits = limits;
    df.last = findings;

    memset(&df.memo, 0, sizeof(weir_prove_memo_t));
    df.memo.arena = arena;

    na = weir_policy_count(a->image);
    nb = weir_policy_count(b->image);

    i = 0;
    j = 0;

    /* names of both are in byte order */

    while (i < na || j < nb) {

        if (j == nb
            || (i < na && weir_str_cmp(weir_policy_name(a->image, i),
                                       weir_policy_name(b->image, j)) <= 0))
        {
            df.policy = weir_policy_name(a->image, i);

            if (j < nb && weir_str_eq(df.policy,
                                      weir_policy_name(b->image, j)))
            {
                j++;
            }

            i++;

        } else {
            df.policy = weir_policy_name(b->image, j++);
        }

        if (name.data != NULL && !weir_str_eq(name, df.policy)) {
            continue;
        }

        rc = weir_prove_policy(&df, a, b);

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    return name.data != NULL && *findings == NULL ? WEIR_DECLINED : WEIR_OK;
}


static int
weir_prove_policy(weir_prove_diff_t *df, const weir_policy_bundle_t *a,
    const weir_policy_bundle_t *b)
{
    int                 rc;
    weir_prove_side_t   old, new;
    weir_prove_lists_t  lists;

    memset(&new, 0, sizeof(weir_prove_side_t));
    memset(&lists, 0, sizeof(weir_prove_lists_t));

    lists.arena = df->arena;

    rc = weir_prove_side(&lists, &old, a, df->policy);

    if (rc == WEIR_OK) {
        rc = weir_prove_side(&lists, &new, b, df->policy);
    }

    if (rc == WEIR_OK) {
        rc = weir_prove_direction(df, &old, &new, 1);
    }

    if (rc == WEIR_OK) {
        rc = weir_prove_direction(df, &new, &old, 0);
    }

    if (rc == WEIR_OK) {
        rc = weir_prove_effects(df, &old, &new);
    }

    weir_prove_side_done(&old);
    weir_prove_side_done(&new);

    return rc;
}


static int
weir_prove_direction(weir_prove_diff_t *df, weir_prove_side_t *deny,
    weir_prove_side_t *permit, int permits)
{
    int                     rc, found;
    uint8_t                *lost, *gained;
    uint32_t                i, j;
    weir_prove_finding_t   *f;
    weir_prove_question_t   q;

    lost = weir_arena_calloc(df->arena, deny->nrules + 1, 1);
    gained = weir_arena_calloc(df->arena, permit->nrules + 1, 1);

    if (lost == NULL || gained == NULL
        || weir_prove_missing(df->arena, deny, permit, lost) != WEIR_OK
        || weir_prove_missing(df->arena, permit, deny, gained) != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    found = 0;

    for (i = 0; i < permit->nrules + deny->nrules; i++) {

        memset(&q, 0, sizeof(weir_prove_question_t));

        q.arena = df->arena;
        q.limits = df->limits;
        q.memo = &df->memo;
        q.deny = deny;
        q.permit = permit;

        if (i < permit->nrules) {
            q.matches = permit->rules[i];

            if (!gained[i] || q.matches->deny || q.matches->shadow) {
                continue;
            }

            rc = weir_prove_namesake(&q);

            if (rc == WEIR_OK) {
                rc = weir_prove_ask(&q);
            }

        } else {
            j = i - permit->nrules;
            q.stands = deny->rules[j];

            if (!lost[j] || !q.stands->deny || q.stands->shadow) {
                continue;
            }


            /* does anything get through where it is lacking? */

            rc = weir_prove_ask_any(&q);
        }

        if (rc == WEIR_NOMEM) {
            return rc;
        }

        if (rc == WEIR_PROVE_PROVED) {
            continue;
        }

        f = weir_prove_found(df, permits, rc, q.why);

        if (f == NULL) {
            return WEIR_NOMEM;
        }

        f->rule = i < permit->nrules ? q.matches->name.text
                                     : q.stands->name.text;
        f->request = q.request;
        f->old = permits ? q.denied : q.permitted;
        f->new = permits ? q.permitted : q.denied;

        found = 1;
    }

    if (!found
        && weir_prove_found(df, permits, WEIR_PROVE_PROVED, NULL) == NULL)
    {
        return WEIR_NOMEM;
    }

    return WEIR_OK;
}


/*
 * Rules of both, whatever they are called, that oblige to something else,
 * where any request shows it: a rule of the one side of which the other has
 * the text, and not with these effects.
 */

static int
weir_prove_effects(weir_prove_diff_t *df, weir_prove_side_t *old,
    weir_prove_side_t *new)
{
    int                  rc;
    weir_policy_table_t  told;

    memset(&told, 0, sizeof(weir_policy_table_t));

    rc = weir_prove_obliging(df, old, new, new, old, &told);

    return rc == WEIR_OK ? weir_prove_obliging(df, old, new, old, new, &told)
                         : rc;
}


/* Those of side, once for each text. */

static int
weir_prove_obliging(weir_prove_diff_t *df, weir_prove_side_t *old,
    weir_prove_side_t *new, weir_prove_side_t *side,
    weir_prove_side_t *other, weir_policy_table_t *told)
{
    int                        rc;
    uint32_t                   i;
    weir_str_t                 key;
    weir_policy_table_t        rules, same;
    weir_policy_compiler_t     c;
    const weir_policy_rule_t  *rule;

    memset(&rules, 0, sizeof(weir_policy_table_t));
    memset(&same, 0, sizeof(weir_policy_table_t));
    memset(&c, 0, sizeof(weir_policy_compiler_t));

    c.arena = df->arena;

    for (i = 0; i < other->nrules; i++) {

        if (weir_prove_obliging_key(df->arena, other, i, &key) != WEIR_OK) {
            return WEIR_NOMEM;
        }

        (void) weir_policy_table_put(&c, &rules, other->texts[i],
                                     (void *) other->rules[i]);
        (void) weir_policy_table_put(&c, &same, key, (void *) other);
    }

    for (i = 0; i < side->nrules && !c.nomem; i++) {

        rule = weir_policy_table_get(&rules, side->texts[i]);

        if (side->rules[i]->shadow || rule == NULL
            || (side == old && side->rules[i]->clauses == NULL))
        {
            continue;
        }

        if (weir_prove_obliging_key(df->arena, side, i, &key) != WEIR_OK) {
            return WEIR_NOMEM;
        }

        if (weir_policy_table_get(&same, key) != NULL
            || !weir_policy_table_put(&c, told, side->texts[i], (void *) side))
        {
            continue;
        }

        rc = weir_prove_obliged(df, old, new,
                                side == old ? rule : side->rules[i],
                                side->rules[i]->name.text);

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    return c.nomem ? WEIR_NOMEM : WEIR_OK;
}


/* A rule's text and effects. */

static int
weir_prove_obliging_key(weir_arena_t *arena, const weir_prove_side_t *side,
    uint32_t i, weir_str_t *key)
{
    uint8_t     *p;
    weir_str_t   obliges;

    obliges = weir_prove_obliges(arena, side->rules[i]);
    p = weir_arena_alloc(arena, side->texts[i].len + obliges.len + 1);

    if (obliges.data == NULL || p == NULL) {
        return WEIR_NOMEM;
    }

    key->data = p;
    key->len = side->texts[i].len + obliges.len;

    memcpy(p, side->texts[i].data, side->texts[i].len);
    memcpy(p + side->texts[i].len, obliges.data, obliges.len);

    return WEIR_OK;
}


static int
weir_prove_obliged(weir_prove_diff_t *df, weir_prove_side_t *old,
    weir_prove_side_t *new, const weir_policy_rule_t *rule,
    weir_str_t name)
{
    int                      rc;
    uint32_t                *rules;
    weir_prove_side_t        none, all;
    weir_prove_finding_t    *f;
    weir_prove_question_t    q;
    weir_prove_decision_t    before;
    weir_policy_decision_t   d;

    memset(&none, 0, sizeof(weir_prove_side_t));
    memset(&all, 0, sizeof(weir_prove_side_t));
    memset(&q, 0, sizeof(weir_prove_question_t));
    memset(&before, 0, sizeof(weir_prove_decision_t));

    all.grants = 1;

    q.arena = df->arena;
    q.limits = df->limits;
    q.memo = &df->memo;
    q.matches = rule;
    q.deny = rule->deny ? new : &none;
    q.permit = rule->deny ? &all : new;

    rc = weir_prove_ask(&q);

    if (rc == WEIR_NOMEM || rc == WEIR_PROVE_PROVED) {
        return rc == WEIR_NOMEM ? rc : WEIR_OK;
    }

    if (rc == WEIR_PROVE_WITNESS) {

        rules = weir_arena_calloc(df->arena, WEIR_PROVE_RULES,
                                  sizeof(uint32_t));

        if (rules == NULL
            || weir_prove_decide(df->arena, old, q.request, rules, &d)
               != WEIR_OK
            || weir_prove_keep(df->arena, old, &d, &before) != WEIR_OK)
        {
            return WEIR_NOMEM;
        }
    }

    f = weir_prove_found(df, !rule->deny, rc, q.why);

    if (f == NULL) {
        return WEIR_NOMEM;
    }

    f->effects = 1;
    f->rule = name;
    f->request = q.request;
    f->old = before;
    f->new = rule->deny ? q.denied : q.permitted;

    return WEIR_OK;
}


/* Marks the rules that the other side has not. */

static int
weir_prove_missing(weir_arena_t *arena, const weir_prove_side_t *side,
    const weir_prove_side_t *other, uint8_t *missing)
{
    uint32_t                 i;
    weir_policy_table_t      table;
    weir_policy_compiler_t   c;

    memset(&table, 0, sizeof(weir_policy_table_t));
    memset(&c, 0, sizeof(weir_policy_compiler_t));

    c.arena = arena;

    for (i = 0; i < other->nrules; i++) {
        (void) weir_policy_table_put(&c, &table, other->texts[i],
                                     &other->texts[i]);
    }

    if (c.nomem) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < side->nrules; i++) {
        missing[i] = weir_policy_table_get(&table, side->texts[i]) == NULL;
    }

    return WEIR_OK;
}


/* A permit that was changed is most like the one that had its name. */

static int
weir_prove_namesake(weir_prove_question_t *q)
{
    int       rc;
    uint32_t  lo, hi, mid;

    lo = 0;
    hi = q->deny->nrules;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;
        rc = weir_str_cmp(q->matches->name.text,
                          q->deny->rules[mid]->name.text);

        if (rc == 0) {
            return q->deny->rules[mid]->deny || q->deny->rules[mid]->shadow
                   ? WEIR_OK : weir_prove_ask_off(q, q->deny->rules[mid]);
        }

        if (rc < 0) {
            hi = mid;

        } else {
            lo = mid + 1;
        }
    }

    return WEIR_OK;
}


static weir_prove_finding_t *
weir_prove_found(weir_prove_diff_t *df, int permits, int verdict,
    const char *why)
{
    weir_prove_finding_t  *f;

    f = weir_arena_calloc(df->arena, 1, sizeof(weir_prove_finding_t));

    if (f != NULL) {
        f->policy = df->policy;
        f->permit = permits != 0;
        f->verdict = (weir_prove_verdict_t) verdict;
        f->why = why;

        *df->last = f;
        df->last = &f->next;
    }

    return f;
}
