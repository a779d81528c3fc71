
/*
 * Weir: what the evaluator says of a model: that it is one, or which rules
 * join the question.
 */

#include "weir_prove_ask.h"


#define WEIR_PROVE_JOIN   16      /* rules that join in one round */


static int weir_prove_alike(weir_prove_question_t *q,
    const weir_policy_decision_t *d, const weir_policy_decision_t *a,
    int *again, int *is);
static int weir_prove_witness(weir_prove_question_t *q,
    const weir_prove_problem_t *p, const weir_policy_decision_t *d,
    const weir_policy_decision_t *a);
static const char *weir_prove_doubt(const weir_prove_problem_t *p);
static int weir_prove_claimed(const weir_prove_question_t *q,
    weir_arena_t *arena, const weir_prove_request_t *rq, int *is);
static int weir_prove_join_denies(weir_prove_question_t *q,
    const weir_prove_side_t *side, const weir_policy_decision_t *d,
    int *again);
static int weir_prove_join_permits(weir_prove_question_t *q,
    const weir_prove_side_t *side, const weir_policy_decision_t *d,
    int *again);
static int weir_prove_join(weir_prove_question_t *q,
    const weir_prove_side_t *side, const weir_policy_decision_t *d,
    const weir_policy_rule_t ***list, uint32_t *n, int *again);
static int weir_prove_join_rule(weir_prove_question_t *q,
    const weir_policy_rule_t *rule, const weir_policy_rule_t ***list,
    uint32_t *n);


int
weir_prove_confirm(weir_prove_question_t *q, weir_arena_t *arena,
    const weir_prove_problem_t *p, int *again)
{
    int                       rc, is;
    uint32_t                 *rules;
    weir_prove_request_t     *rq;
    weir_policy_decision_t    d, a;

    rules = weir_arena_calloc(arena, 2 * WEIR_PROVE_RULES, sizeof(uint32_t));
    rq = weir_prove_request(arena, p);

    if (rules == NULL || rq == NULL
        || weir_prove_decide(arena, q->deny, rq, rules, &d) != WEIR_OK
        || weir_prove_decide(arena, q->permit, rq, rules + WEIR_PROVE_RULES,
                             &a)
           != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    if (q->effect != NULL) {
        rc = weir_prove_alike(q, &d, &a, again, &is);

        if (rc != WEIR_OK) {
            return rc;
        }

        if (is) {
            return weir_prove_witness(q, p, &d, &a);
        }

    } else if (d.verdict == WEIR_POLICY_DENY
               && a.verdict == WEIR_POLICY_PERMIT)
    {
        is = 1;

        if (q->claims != NULL
            && weir_prove_claimed(q, arena, rq, &is) != WEIR_OK)
        {
            return WEIR_NOMEM;
        }

        if (is) {
            return weir_prove_witness(q, p, &d, &a);
        }

    } else {

        if (!q->fixed
            && weir_prove_join_denies(q, q->permit, &a, again) != WEIR_OK)
        {
            return WEIR_NOMEM;
        }

        /* where a deny is asked for, it denies whatever permits match */

        if (!q->fixed && q->stands == NULL
            && weir_prove_join_permits(q, q->deny, &d, again) != WEIR_OK)
        {
            return WEIR_NOMEM;
        }

        if (!*again && q->lonely && d.verdict == WEIR_POLICY_DENY
            && a.reason == WEIR_POLICY_DEFAULT_DENY)
        {
            return WEIR_DECLINED;
        }
    }

    if (!*again) {
        q->why = weir_prove_doubt(p);
    }

    return WEIR_PROVE_UNKNOWN;
}


/*
 * Both must decide as the rule that is asked for, a rule of "permit" have its
 * effect, and none of "deny".  WEIR_OK: *is it one?  WEIR_DECLINED: a rule of
 * "deny" must be asked for.
 */

static int
weir_prove_alike(weir_prove_question_t *q, const weir_policy_decision_t *d,
    const weir_policy_decision_t *a, int *again, int *is)
{
    int                        rc;
    uint32_t                   i;
    weir_policy_verdict_t      verdict;
    const weir_policy_rule_t  *rule;

    *is = 0;
    verdict = q->stands != NULL ? WEIR_POLICY_DENY : WEIR_POLICY_PERMIT;

    if (a->verdict != verdict) {
        return weir_prove_join_denies(q, q->permit, a, again);
    }

    if (d->verdict != verdict) {

        if (verdict == WEIR_POLICY_DENY) {
            return weir_prove_join_permits(q, q->deny, d, again);
        }

        rc = weir_prove_join_denies(q, q->deny, d, again);

        return rc == WEIR_OK && !*again && q->lonely ? WEIR_DECLINED : rc;
    }

    for (i = 0; i < a->count; i++) {
        rule = q->permit->rules[a->rules[i]];
        *is |= weir_prove_has_effect(rule, q->effect);
    }

    for (i = 0; i < d->count; i++) {

        rule = q->deny->rules[d->rules[i]];

        if (!weir_prove_has_effect(rule, q->effect)) {
            continue;
        }

        *is = 0;

        rc = rule->deny ? weir_prove_join_rule(q, rule, &q->out, &q->nout)
                        : weir_prove_join_rule(q, rule, &q->off, &q->noff);

        if (rc == WEIR_NOMEM) {
            return rc;
        }

        *again |= rc == WEIR_OK;
    }

    /* no more of them are listed */

    if (d->count == WEIR_PROVE_RULES) {
        *is = 0;
    }

    return WEIR_OK;
}


static int
weir_prove_witness(weir_prove_question_t *q, const weir_prove_problem_t *p,
    const weir_policy_decision_t *d, const weir_policy_decision_t *a)
{
    q->request = weir_prove_request(q->arena, p);

    return q->request == NULL
           || weir_prove_keep(q->arena, q->deny, d, &q->denied) != WEIR_OK
           || weir_prove_keep(q->arena, q->permit, a, &q->permitted) != WEIR_OK
           ? WEIR_NOMEM : WEIR_PROVE_WITNESS;
}


static const char *
weir_prove_doubt(const weir_prove_problem_t *p)
{
    return p->loose != NULL ? p->loose
           : p->open ? "\"~\" may hold of more than was tried"
           : "the evaluator does not confirm what was found";
}


/* *is: what the request must be by an assert it is, to the evaluator. */

static int
weir_prove_claimed(const weir_prove_question_t *q, weir_arena_t *arena,
    const weir_prove_request_t *rq, int *is)
{
    uint32_t                 i, *rules;
    weir_policy_decision_t   d;

    rules = weir_arena_calloc(arena, WEIR_PROVE_RULES, sizeof(uint32_t));

    if (rules == NULL
        || weir_prove_decide(arena, q->claims, rq, rules, &d) != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    *is = 0;

    for (i = 0; d.verdict == WEIR_POLICY_PERMIT && i < d.count; i++) {
        *is |= rules[i] == q->claim;
    }

    return WEIR_OK;
}


/* Denies by which a decision was one. */

static int
weir_prove_join_denies(weir_prove_question_t *q,
    const weir_prove_side_t *side, const weir_policy_decision_t *d,
    int *again)
{
    return d->reason == WEIR_POLICY_DENY_RULE
           || d->reason == WEIR_POLICY_DENY_UNKNOWN
           ? weir_prove_join(q, side, d, &q->out, &q->nout, again) : WEIR_OK;
}


static int
weir_prove_join_permits(weir_prove_question_t *q,
    const weir_prove_side_t *side, const weir_policy_decision_t *d,
    int *again)
{
    return d->verdict == WEIR_POLICY_PERMIT
           ? weir_prove_join(q, side, d, &q->off, &q->noff, again) : WEIR_OK;
}


static int
weir_prove_join(weir_prove_question_t *q, const weir_prove_side_t *side,
    const weir_policy_decision_t *d, const weir_policy_rule_t ***list,
    uint32_t *n, int *again)
{
    uint32_t  i;

    for (i = 0; i < d->count && i < WEIR_PROVE_JOIN; i++) {

        switch (weir_prove_join_rule(q, side->rules[d->rules[i]], list, n)) {

        case WEIR_OK:
            *again = 1;
            break;

        case WEIR_NOMEM:
            return WEIR_NOMEM;
        }
    }

    return WEIR_OK;
}


int
weir_prove_ask_off(weir_prove_question_t *q, const weir_policy_rule_t *rule)
{
    return weir_prove_join_rule(q, rule, &q->off, &q->noff) == WEIR_NOMEM
           ? WEIR_NOMEM : WEIR_OK;
}


static int
weir_prove_join_rule(weir_prove_question_t *q, const weir_policy_rule_t *rule,
    const weir_policy_rule_t ***list, uint32_t *n)
{
    uint32_t                    i;
    const weir_policy_rule_t  **more;

    for (i = 0; i < *n; i++) {
        if ((*list)[i] == rule) {
            return WEIR_DECLINED;
        }
    }

    /* both lists grow to a power of two */

    if ((*n & (*n - 1)) == 0) {
        more = weir_arena_calloc(q->arena, *n ? 2 * *n : 1,
                                 sizeof(weir_policy_rule_t *));
        if (more == NULL) {
            return WEIR_NOMEM;
        }

        if (*n != 0) {
            memcpy(more, *list, *n * sizeof(weir_policy_rule_t *));
        }

        *list = more;
    }

    (*list)[(*n)++] = rule;

    return WEIR_OK;
}
