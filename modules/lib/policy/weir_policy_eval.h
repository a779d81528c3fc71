
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

#define WEIR_POLICY_MEMO_ATTRS  WEIR_POLICY_KEY_ATTRS
#define WEIR_POLICY_MEMO_ROLES  512

/* And rules with several "what"s that were looked at. */

#define WEIR_POLICY_MEMO_RULES  16

/* Conditions that rules share, by the lowest bits of their numbers. */

#define WEIR_POLICY_MEMO_CONDS  8

/* Hashes of the items of sets: those of a set that has more are not kept. */

#define WEIR_POLICY_MEMO_HASHES  128

/* Nodes whose permits are looked at behind all denies. */

#define WEIR_POLICY_MEMO_NODES  32


typedef struct {
    int                        state;     /* WEIR_POLICY_ABSENT, ONE, UNKNOWN */
    int64_t                    number;    /* bool, int, time, duration */
    weir_str_t                 string;    /* string; a set's "scope" */
    const weir_addr_t         *addr;
    const weir_claim_entry_t  *set;

    /* where it is hashed */
    unsigned                   many:1;    /* more than can be kept */
    unsigned                   twice:1;   /* some hashes are equal */
    uint32_t                   hash;      /* of the string */
    uint32_t                   hashes;    /* of the items: first */
    uint32_t                   nhashes;
    uint64_t                   bits;      /* one for each, of the lowest six */
} weir_policy_value_t;


/* Values of roles: a bit for each that is known. */

typedef struct {
    uint64_t                   known[WEIR_POLICY_MEMO_ROLES / 64];
    uint8_t                    value[WEIR_POLICY_MEMO_ROLES];
} weir_policy_memo_t;


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
    const weir_policy_cond_rec_t      *conds;
    const weir_policy_entry_rec_t     *entries;
    const uint32_t                    *members;
    const weir_policy_dim_rec_t       *dims;
    const weir_policy_trie_rec_t      *trie;

    const weir_policy_request_t       *r;
    weir_policy_decision_t            *d;
    uint32_t                           method;    /* its bit */
    const weir_policy_what_rec_t      *what;      /* captures come from it */

    /* what shadow rules add to the decision */
    unsigned                           shadow_permit:1;
    unsigned                           shadow_deny:1;

    unsigned                           permits:1; /* the walk is for these */
    unsigned                           nodes_lost:1;

    /* hashes of the identity, of those that were asked for */
    unsigned                           has_spiffe:1;
    unsigned                           has_subject:1;
    unsigned                           has_issuer:1;
    uint32_t                           spiffe;
    uint32_t                           subject;
    uint32_t                           issuer;

    uint32_t                           window;    /* the last one, or NONE */
    weir_policy_truth_t                window_value;

    uint32_t                           nlater;
    struct {
        uint32_t                       node;
        uint32_t                       taken;     /* segments of the path */
    } later[WEIR_POLICY_MEMO_NODES];

    uint32_t                           cond[WEIR_POLICY_MEMO_CONDS];
    uint8_t                            cond_value[WEIR_POLICY_MEMO_CONDS];

    uint32_t                           nhashes;
    uint32_t                           hashes[WEIR_POLICY_MEMO_HASHES];

    uint32_t                           nseen;     /* rules in seen */
    uint32_t                           seen[WEIR_POLICY_MEMO_RULES];

    uint64_t                           known;     /* attributes in memo */
    uint64_t                           hashed;    /* and these for keys */

    weir_policy_memo_t                 role_memo; /* with those who include */
    weir_policy_memo_t                 when_memo; /* by its own condition */

    weir_policy_value_t                memo[WEIR_POLICY_MEMO_ATTRS];
} weir_policy_eval_t;


/* weir_policy_eval_rule.c */

/* Prepares for the policy's records and the request. */
void weir_policy_eval_begin(weir_policy_eval_t *ev,
    const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_request_t *r, weir_policy_decision_t *d);

/* The rule where ev->what stands for the "what" that matches. */
weir_policy_truth_t weir_policy_rule_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
weir_policy_truth_t weir_policy_role_value(weir_policy_eval_t *ev,
    uint32_t role);

/* 1 if method and path are those of a "what", by itself; its method alone. */
int weir_policy_what_matches(weir_policy_eval_t *ev,
    const weir_policy_what_rec_t *what);
int weir_policy_methods_match(weir_policy_eval_t *ev,
    const weir_policy_what_rec_t *what);

/* 1 if what follows "**" are the last segments, from of which are taken. */
int weir_policy_tail_matches(weir_policy_eval_t *ev,
    const weir_policy_what_rec_t *what, uint32_t from);

/* weir_policy_eval_key.c */

/* False: no rule with this key matches.  True: one may. */
weir_policy_truth_t weir_policy_key_value(weir_policy_eval_t *ev,
    const weir_policy_key_t *key);

/*
 * Calls visit for each run of the entries of a dimension that may match; with
 * unknown those, too, whose key is unknown.
 */
typedef void (*weir_policy_visit_pt)(weir_policy_eval_t *ev,
    const weir_policy_run_t *run, uint32_t taken);

void weir_policy_dim_visit(weir_policy_eval_t *ev,
    const weir_policy_dim_rec_t *dim, int unknown, uint32_t taken,
    weir_policy_visit_pt visit);

/* 1 if the set of an attribute that is known holds s, of this hash. */
int weir_policy_set_holds(weir_policy_eval_t *ev, uint32_t attr,
    uint32_t hash, weir_str_t s);

/* weir_policy_eval_expr.c */

weir_policy_truth_t weir_policy_eval_node(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node);

/* 1 if a sorted list of strings holds s. */
int weir_policy_in_strings(weir_policy_eval_t *ev,
    const weir_policy_array_t *list, weir_str_t s);

/* weir_policy_eval_set.c */

weir_policy_truth_t weir_policy_eval_sets(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node);

int weir_policy_set_word(const weir_policy_value_t *set, size_t *at,
    weir_str_t *item);
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


/* The next item of a set<string>; *at begins as 0.  0: there is none. */

static inline int
weir_policy_set_item(weir_policy_eval_t *ev, const weir_policy_value_t *set,
    size_t *at, weir_str_t *item)
{
    uint32_t        pair[2];
    const uint8_t  *claims;

    if (set->set == NULL) {
        return weir_policy_set_word(set, at, item);
    }

    if (*at >= set->set->value_len) {
        return 0;
    }

    claims = (const uint8_t *) ev->r->claims;
    memcpy(pair, claims + set->set->value + *at * sizeof(pair), sizeof(pair));

    item->data = claims + pair[0];
    item->len = pair[1];
    (*at)++;

    return 1;
}


#endif /* WEIR_POLICY_EVAL_H_INCLUDED */
