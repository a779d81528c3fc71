
/*
 * Weir: questions about two policies, answered by asking the evaluator what
 * is missing.  Private to lib/prove.
 */

#ifndef WEIR_PROVE_ASK_H_INCLUDED
#define WEIR_PROVE_ASK_H_INCLUDED


#include "weir_prove.h"
#include "weir_prove_problem.h"


/*
 * A policy of a bundle; file == NULL: it has none, and denies.  without is a
 * rule that does not count; grants: what no deny denies is permitted.
 */

typedef struct {
    const weir_policy_bundle_t   *bundle;
    const weir_policy_rule_t     *without;
    unsigned                      grants:1;
    const weir_policy_file_t     *file;
    uint32_t                      policy;
    weir_policy_regexes_t        *regexes;
    const weir_policy_rule_t    **rules;     /* as the image numbers them */
    weir_str_t                   *texts;     /* meaning, without the name */
    uint32_t                      nrules;
} weir_prove_side_t;


/*
 * Long lists by number, so that meanings are short: equal lists of all bundles
 * that are compared have one number.
 */

typedef struct {
    weir_arena_t         *arena;         /* that keeps them */
    weir_policy_table_t   contents;      /* numbers by text */
    weir_policy_table_t   places;        /* and by address, of one bundle */
    uint32_t              n;
} weir_prove_lists_t;


/*
 * Is there a request that one side denies and the other permits?  All that
 * is asked for holds of it.
 */

typedef struct {
    weir_arena_t               *arena;       /* of what is found */
    const weir_prove_limits_t  *limits;
    weir_prove_memo_t          *memo;        /* of questions about the same
                                                bundles; may be NULL */
    weir_prove_side_t          *deny;        /* the side that denies */
    weir_prove_side_t          *permit;

    const weir_policy_rule_t   *matches;     /* true of it */
    const weir_policy_rule_t   *also;        /* and this, where it is there */
    const weir_policy_rule_t   *stands;      /* not false of it: a deny */
    weir_prove_side_t          *claims;      /* rule "claim" of this one must
                                                permit it too */
    uint32_t                    claim;
    const weir_policy_rule_t  **any;         /* one of these is true; with
                                                stand: is not false */
    uint32_t                    nany;

    /* not of the verdict: both decide alike, "deny" without this effect of
       "matches" or "stands" */

    const weir_policy_clause_t *effect;

    /* rules that had to be looked at, by the evaluator's word */

    const weir_policy_rule_t  **off;         /* permits of "deny": not true */
    uint32_t                    noff;
    const weir_policy_rule_t  **out;         /* denies of "permit": false */
    uint32_t                    nout;

    unsigned                    lonely:1;    /* do not ask for a permit */
    unsigned                    stand:1;
    unsigned                    matched:1;   /* "~" was met */
    unsigned                    fixed:1;     /* nothing joins */
    int                         slash;       /* the path ends by one: 1, -1:
                                                it does not */
    const char                 *why;
    weir_prove_request_t       *request;
    weir_prove_decision_t       denied;
    weir_prove_decision_t       permitted;
} weir_prove_question_t;


/*
 * WEIR_PROVE_PROVED: there is none; WITNESS: q->request; UNKNOWN: q->why;
 * WEIR_NOMEM.
 */
int weir_prove_ask(weir_prove_question_t *q);

/*
 * The same where no permit need be looked at before one is asked for: first
 * without any, then with those that might match, some at once.  Of effects it
 * is the rules of "deny" that decide there.
 */
int weir_prove_ask_any(weir_prove_question_t *q);

/*
 * weir_prove_confirm.c: what the evaluator says of a model of the question:
 * WITNESS, UNKNOWN (*again: not yet, more rules have joined), WEIR_DECLINED: a
 * rule must be asked for; WEIR_NOMEM.
 */
int weir_prove_confirm(weir_prove_question_t *q, weir_arena_t *arena,
    const weir_prove_problem_t *p, int *again);

/* A permit of "deny" that joins the question now; WEIR_OK or WEIR_NOMEM. */
int weir_prove_ask_off(weir_prove_question_t *q,
    const weir_policy_rule_t *rule);

/*
 * weir_prove_side.c: reads a policy's rules; WEIR_OK or WEIR_NOMEM.
 * weir_prove_side_done() in any case.  Meanings are comparable among sides
 * that were read with the same lists.
 */
int weir_prove_side(weir_prove_lists_t *lists, weir_prove_side_t *side,
    const weir_policy_bundle_t *bundle, weir_str_t name);
void weir_prove_side_done(weir_prove_side_t *side);

/* weir_prove_same.c: a rule's meaning as text; {0, NULL}: no memory. */
weir_str_t weir_prove_meaning(weir_arena_t *arena, weir_prove_lists_t *lists,
    const weir_policy_rule_t *rule);

/* Its effects, in whatever order they stand. */
weir_str_t weir_prove_obliges(weir_arena_t *arena,
    const weir_policy_rule_t *rule);

/* One of them; {0, NULL}: no memory. */
weir_str_t weir_prove_clause(weir_arena_t *arena,
    const weir_policy_clause_t *clause);

/* 1 if a rule obliges to it, or to a higher level, a lower status. */
int weir_prove_has_effect(const weir_policy_rule_t *rule,
    const weir_policy_clause_t *clause);

/* 1 if it is plain that no request matches both. */
int weir_prove_apart(const weir_policy_rule_t *a, const weir_policy_rule_t *b);

/* weir_prove_request.c: the request of a model; NULL: no memory. */
weir_prove_request_t *weir_prove_request(weir_arena_t *arena,
    const weir_prove_problem_t *p);

/* What a side decides; rules: of WEIR_PROVE_RULES.  WEIR_OK or WEIR_NOMEM. */

#define WEIR_PROVE_RULES  256

int weir_prove_decide(weir_arena_t *arena, const weir_prove_side_t *side,
    const weir_prove_request_t *request, uint32_t *rules,
    weir_policy_decision_t *d);

/* A decision with the names of its rules.  WEIR_OK or WEIR_NOMEM. */
int weir_prove_keep(weir_arena_t *arena, const weir_prove_side_t *side,
    const weir_policy_decision_t *d, weir_prove_decision_t *kept);


#endif /* WEIR_PROVE_ASK_H_INCLUDED */
