
/*
 * Weir: what the files of the evaluator share.  Private to lib/policy.
 */

#ifndef WEIR_POLICY_EVAL_H_INCLUDED
#define WEIR_POLICY_EVAL_H_INCLUDED


#include "weir_policy_image.h"


/* Kleene's values. */

typedef enum {
    WEIR_POLICY_FALSE = 0,
    WEIR_POLICY_TRUE,
    WEIR_POLICY_MAYBE           /* unknown */
} weir_policy_truth_t;


/* How many attributes and roles are remembered during a decision. */

#define WEIR_POLICY_MEMO_ATTRS  64
#define WEIR_POLICY_MEMO_ROLES  512

/* And rules with several "what"s that were looked at. */

#define WEIR_POLICY_MEMO_RULES  16


typedef struct {
    int                        state;     /* WEIR_POLICY_ABSENT, ONE, UNKNOWN */
    int64_t                    number;    /* bool, int, time, duration */
    weir_str_t                 string;    /* string; a set's "scope" */
    const weir_addr_t         *addr;
    const weir_claim_entry_t  *set;
} weir_policy_value_t;


typedef struct {
    const weir_policy_image_t         *image;
    const weir_policy_rec_t           *rec;
    const weir_policy_rule_rec_t      *rules;
    const weir_policy_role_rec_t      *roles;
    const weir_policy_attr_rec_t      *attrs;
    const weir_policy_literal_rec_t   *literals;
    const weir_policy_node_rec_t      *nodes;
    const weir_policy_princ_rec_t     *princs;
    const weir_policy_what_rec_t      *whats;
    const weir_policy_entry_rec_t     *entries;
    const weir_policy_trie_rec_t      *trie;

    const weir_policy_request_t       *r;
    weir_policy_decision_t            *d;
    uint32_t                           method;    /* its bit */
    const weir_policy_what_rec_t      *what;      /* captures come from it */

    /* what shadow rules add to the decision */
    unsigned                           shadow_permit:1;
    unsigned                           shadow_deny:1;

    uint32_t                           nseen;     /* rules in seen */
    uint32_t                           seen[WEIR_POLICY_MEMO_RULES];

    uint64_t                           known;     /* attributes in memo */
    uint8_t                            role_memo[WEIR_POLICY_MEMO_ROLES];
    uint8_t                            when_memo[WEIR_POLICY_MEMO_ROLES];
    weir_policy_value_t                memo[WEIR_POLICY_MEMO_ATTRS];
} weir_policy_eval_t;


/* weir_policy_eval_expr.c */

weir_policy_truth_t weir_policy_eval_node(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node);

/* 1 if a sorted list of strings holds s. */
int weir_policy_in_strings(weir_policy_eval_t *ev,
    const weir_policy_array_t *list, weir_str_t s);

/* weir_policy_eval_set.c */

weir_policy_truth_t weir_policy_eval_sets(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node);
weir_policy_truth_t weir_policy_eval_window(weir_policy_eval_t *ev,
    uint32_t window);
void weir_policy_take_effects(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
void weir_policy_merge_effects(weir_policy_eval_t *ev);

/* weir_policy_eval_attr.c: memo is used where it serves. */

const weir_policy_value_t *weir_policy_attr_value(weir_policy_eval_t *ev,
    uint32_t attr, weir_policy_value_t *space);

/* 1 if a set<string> that is known holds s. */
int weir_policy_set_has(weir_policy_eval_t *ev,
    const weir_policy_value_t *set, weir_str_t s);

/* 1 if the networks hold the address. */
int weir_policy_nets_have(weir_policy_eval_t *ev, uint32_t nets,
    const weir_addr_t *addr);


#endif /* WEIR_POLICY_EVAL_H_INCLUDED */
