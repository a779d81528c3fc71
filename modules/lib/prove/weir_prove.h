
/*
 * Weir: what policies mean, proved: which requests two bundles decide
 * differently.
 *
 * Every answer is one of three: PROVED, a request that the evaluator itself
 * confirms, or UNKNOWN with why.  What is decided exactly and what is not:
 * docs/policy-analysis.md.
 */

#ifndef WEIR_PROVE_H_INCLUDED
#define WEIR_PROVE_H_INCLUDED


#include "weir_policy.h"


typedef enum {
    WEIR_PROVE_PROVED = 0,
    WEIR_PROVE_WITNESS,
    WEIR_PROVE_UNKNOWN
} weir_prove_verdict_t;


/* A claim of a request; key: members joined by NUL. */

typedef struct weir_prove_given_s  weir_prove_given_t;

struct weir_prove_given_s {
    weir_str_t           key;
    weir_claim_type_t    type;       /* OTHER: a fraction will do */
    int64_t              number;
    weir_str_t           string;
    weir_str_t          *items;
    uint32_t             nitems;
    weir_prove_given_t  *next;
};


/* A request as weir_policy_decide_text() takes it. */

typedef struct {
    weir_policy_request_t   r;       /* method, scheme, addresses, identity */
    weir_str_t              path;    /* raw */
    weir_str_t              host;    /* data == NULL: none */
    weir_policy_fields_t    fields;
    weir_prove_given_t     *claims;
} weir_prove_request_t;


typedef struct {
    weir_policy_verdict_t   verdict;
    weir_policy_reason_t    reason;
    weir_str_t             *rules;   /* as weir_policy_decision_t lists them */
    uint32_t                nrules;
} weir_prove_decision_t;


/* One class of requests whose decision changes, or that none does. */

typedef struct weir_prove_finding_s  weir_prove_finding_t;

struct weir_prove_finding_s {
    weir_str_t              policy;
    unsigned                permit:1;      /* newly permitted; else denied */
    unsigned                effects:1;     /* neither: what the rule obliges
                                              to changes; permit: it is one */
    weir_prove_verdict_t    verdict;
    const char             *why;           /* UNKNOWN: static */
    weir_str_t              rule;          /* whose change it is; may be
                                              absent */
    weir_prove_request_t   *request;       /* WITNESS */
    weir_prove_decision_t   old;
    weir_prove_decision_t   new;
    weir_prove_finding_t   *next;
};


/* How far to go; the clock is the caller's. */

typedef struct {
    uint64_t   max_work;                   /* steps of one question */
    int      (*expired)(void *ctx);        /* 1: give up; may be NULL */
    void      *ctx;
} weir_prove_limits_t;

#define WEIR_PROVE_WORK  2000000


/*
 * What changes from bundle a to bundle b, both compiled without errors; name:
 * of one policy, or absent for all.  A policy that one of them lacks denies
 * there.  For each policy and direction: the witnesses, one for a changed rule,
 * and what is unknown; or one finding that is PROVED; then rules whose effects
 * alone change.  All lies in the arena.
 * WEIR_OK, WEIR_NOMEM, WEIR_DECLINED: neither has a policy of that name.
 */
int weir_prove_diff(weir_arena_t *arena, const weir_policy_bundle_t *a,
    const weir_policy_bundle_t *b, weir_str_t name,
    const weir_prove_limits_t *limits, weir_prove_finding_t **findings);


/* What check tells of a bundle. */

typedef enum {
    WEIR_PROVE_ASSERT = 0,     /* PROVED, WITNESS: it does not hold, UNKNOWN */
    WEIR_PROVE_DEAD,           /* no request matches this rule */
    WEIR_PROVE_SHADOWED,       /* what this permit matches is denied */
    WEIR_PROVE_COVERED,        /* other rules decide the same without it */
    WEIR_PROVE_REST            /* this rule and those behind it: not known */
} weir_prove_note_kind_t;


typedef struct weir_prove_cover_s  weir_prove_cover_t;

struct weir_prove_cover_s {
    weir_str_t            rule;
    weir_policy_place_t   place;
    weir_prove_cover_t   *next;
};


typedef struct weir_prove_note_s  weir_prove_note_t;

struct weir_prove_note_s {
    weir_prove_note_kind_t   kind;
    weir_str_t               policy;
    weir_str_t               rule;         /* of an assert: none */
    unsigned                 deny:1;
    unsigned                 always:1;     /* of an assert */
    weir_policy_place_t      place;
    weir_prove_verdict_t     verdict;
    const char              *why;          /* UNKNOWN: static */
    weir_prove_request_t    *request;      /* WITNESS */
    weir_prove_decision_t    decision;     /* of it */
    weir_prove_cover_t      *covers;       /* SHADOWED, COVERED */
    weir_prove_note_t       *next;
};

/*
 * The asserts of a bundle that was compiled without errors, one note each;
 * zones as for weir_policy_compile().  All lies in the arena.  WEIR_OK or
 * WEIR_NOMEM.
 */
int weir_prove_asserts(weir_arena_t *arena, const weir_policy_bundle_t *b,
    const weir_policy_zones_t *zones, const weir_prove_limits_t *limits,
    weir_prove_note_t **notes);

/*
 * Rules that could be left out, each by itself, with those that decide in
 * its place.  Where limits->expired says so, it ends with a note REST.
 */
int weir_prove_idle(weir_arena_t *arena, const weir_policy_bundle_t *b,
    const weir_prove_limits_t *limits, weir_prove_note_t **notes);


/* A statement of a source: its first word, and what stands in its block. */

typedef struct weir_prove_item_s  weir_prove_item_t;

struct weir_prove_item_s {
    weir_str_t          text;          /* all of it */
    weir_str_t          word;
    weir_str_t          body;          /* of a block, without its braces */
    weir_prove_item_t  *items;
    weir_prove_item_t  *next;
};

/* Of a source that compiles; points into it.  WEIR_OK or WEIR_NOMEM. */
int weir_prove_split(weir_arena_t *arena, weir_str_t source,
    weir_prove_item_t **items);


#endif /* WEIR_PROVE_H_INCLUDED */
