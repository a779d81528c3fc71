
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


/* Rules that a bundle once had, and since when: filled by the caller. */

typedef struct weir_prove_past_s  weir_prove_past_t;

/* NULL: no memory.  All of it lies in the arena. */
weir_prove_past_t *weir_prove_past(weir_arena_t *arena);

/*
 * The next published bundle, in the order of versions; b: NULL where its
 * content is not known any more; it may go afterwards.  follows: the one
 * before it was added, or there is none.  by must live as long as the past.
 * WEIR_OK or WEIR_NOMEM.
 */
int weir_prove_past_add(weir_prove_past_t *past, const weir_policy_bundle_t *b,
    uint64_t version, weir_str_t by, int follows);


/* Whom a permit lets in, by one of its principals. */

typedef struct weir_prove_guard_s  weir_prove_guard_t;

struct weir_prove_guard_s {
    weir_str_t            rule;            /* a deny */
    weir_policy_place_t   place;
    weir_str_t           *conditions;      /* as of the permit, "who" too */
    uint32_t              nconditions;
    weir_prove_guard_t   *next;
};


typedef struct weir_prove_grant_s  weir_prove_grant_t;

struct weir_prove_grant_s {
    weir_str_t              policy;
    weir_str_t              rule;
    weir_policy_place_t     place;
    weir_str_t              route;         /* "GET, HEAD /t/{t}"; review */
    weir_str_t              who;           /* "role admin", "anyone" */
    weir_str_t             *conditions;    /* "from 10.0.0.0/8", "if ..." */
    uint32_t                nconditions;
    weir_prove_guard_t     *denies;        /* that stand before it */
    weir_prove_verdict_t    verdict;       /* PROVED: nobody is let in */
    const char             *why;           /* UNKNOWN: static */
    weir_prove_request_t   *request;       /* WITNESS: permitted by it */
    uint64_t                since;         /* 0: it is not in the last one */
    weir_str_t              by;            /* absent if it is not known */
    unsigned                before:1;      /* since this version or before */
    unsigned                lost:1;        /* what is in the last one nobody
                                              knows any more */
    weir_prove_grant_t     *next;
};

/*
 * Who may make a request of this method and path, by a policy or (absent) by
 * all.  None of the grants lets in only whom others do; of each the conditions
 * are those that all others of it, and the denies, do not imply.  All lies in
 * the arena.  WEIR_OK; WEIR_NOMEM; WEIR_DECLINED: there is no such policy;
 * WEIR_ERROR: no gateway takes such a method or path.
 */
int weir_prove_who_can(weir_arena_t *arena, const weir_policy_bundle_t *b,
    weir_str_t policy, weir_str_t method, weir_str_t path,
    const weir_prove_limits_t *limits, weir_prove_grant_t **grants);

/*
 * Each permit with each of its routes and principals, as it is written; the
 * denies are those that are not plainly apart from it.  past may be NULL.
 * WEIR_OK, WEIR_NOMEM or WEIR_DECLINED.
 */
int weir_prove_review(weir_arena_t *arena, const weir_policy_bundle_t *b,
    weir_str_t policy, weir_prove_past_t *past,
    const weir_prove_limits_t *limits, weir_prove_grant_t **grants);


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
