
/*
 * Weir: whom policies let in: what its files share.  Private to lib/prove.
 */

#ifndef WEIR_PROVE_WHO_H_INCLUDED
#define WEIR_PROVE_WHO_H_INCLUDED


#include "weir_prove_ask.h"


/* A permit, of one principal, perhaps of one route, or of fewer conditions. */

typedef struct {
    weir_policy_rule_t          rule;
    const weir_policy_rule_t   *whole;
    weir_prove_grant_t         *grant;
    unsigned                    covered:1;   /* by others, or by denies */
} weir_prove_line_t;


typedef struct {
    weir_arena_t               *arena;
    const weir_prove_limits_t  *limits;
    weir_prove_grant_t        **last;
    weir_policy_compiler_t      c;           /* for places */
    weir_prove_past_t          *past;        /* NULL: it is not asked for */
    weir_prove_side_t           policy;
    weir_prove_side_t           all;         /* permits */
    weir_prove_side_t           none;        /* denies */
    weir_prove_lists_t          lists;
    weir_prove_memo_t           memo;
    weir_str_t                  name;
    const weir_policy_rule_t   *route;       /* of who-can */
    int                         slash;
    const weir_prove_item_t   **items;       /* rules as they are written, in
                                                their order */
    uint32_t                    nitems;
} weir_prove_who_t;


/* weir_prove_who_least.c: WEIR_OK or WEIR_NOMEM. */

/* Leaves out lines that let in only whom others do. */
int weir_prove_who_cover(weir_prove_who_t *w, weir_prove_line_t *lines,
    uint32_t n);

/* Leaves out of a line what the rest implies; denies: those that are left. */
int weir_prove_who_least(weir_prove_who_t *w, weir_prove_line_t *line,
    const weir_policy_rule_t **denies, uint32_t *ndenies);

/* weir_prove_who_text.c: WEIR_OK or WEIR_NOMEM. */

/* Takes the policy's file apart. */
int weir_prove_who_items(weir_prove_who_t *w);

/* What a line, and the denies before it, say. */
int weir_prove_who_tell(weir_prove_who_t *w, weir_prove_line_t *line,
    const weir_policy_rule_t **denies, uint32_t ndenies);

/* "GET, HEAD /t/{t}"; what NULL: every request. */
int weir_prove_who_route(weir_prove_who_t *w, const weir_policy_what_t *what,
    weir_str_t *text);

/* weir_prove_past.c: fills in since and by. */
int weir_prove_past_find(weir_prove_past_t *past, weir_arena_t *arena,
    const weir_policy_rule_t *rule, weir_prove_grant_t *grant);

/* The addresses of lists may be used anew: those of another bundle begin. */
void weir_prove_past_begin(weir_prove_past_t *past);


#endif /* WEIR_PROVE_WHO_H_INCLUDED */
