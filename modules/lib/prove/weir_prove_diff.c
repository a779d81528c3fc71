
/*
 * Weir: what changes from one bundle to another.  Rules that both have deny
 * and permit the same, so that every difference lies inside a rule that only
 * one of them has (docs/decisions/0031-proofs-over-representatives.md).
 */

#include "weir_prove_diff.h"


static int weir_prove_policy(weir_prove_diff_t *df,
    const weir_policy_bundle_t *a, const weir_policy_bundle_t *b);
static int weir_prove_direction(weir_prove_diff_t *df,
    weir_prove_side_t *deny, weir_prove_side_t *permit, int permits);
static int weir_prove_missing(weir_arena_t *arena,
    const weir_prove_side_t *side, const weir_prove_side_t *other,
    uint8_t *missing);
static int weir_prove_namesake(weir_prove_question_t *q);


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


weir_prove_finding_t *
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
