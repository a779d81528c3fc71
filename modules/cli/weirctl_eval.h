
/*
 * weirctl: requests as eval takes them, for other verbs too.
 */

#ifndef WEIRCTL_EVAL_H_INCLUDED
#define WEIRCTL_EVAL_H_INCLUDED


#include <jansson.h>

#include "weirctl_policy.h"


/* A request as it is read; what is missing stays absent. */

typedef struct {
    weir_arena_t           arena;
    weirctl_bundle_t      *b;
    const char            *error;      /* static, or in jerr */
    json_error_t           jerr;
    uint32_t               policy;
    weir_str_t             path;
    weir_str_t             host;
    weir_addr_t            source;
    weir_addr_t            peer;
    weir_policy_request_t  r;
    weir_policy_fields_t   fields;
} weirctl_eval_t;


/*
 * Reads a line into e, of which arena, b and r.regexes are set.  The request,
 * which must live as long as e is used, or NULL: e->error says why; then *id
 * may still be what the line is called by.
 */
json_t *weirctl_eval_read(weirctl_eval_t *e, weir_str_t line, json_t **id);

/* The same of an object: WEIR_OK; else e->error, unset without memory. */
int weirctl_eval_request(weirctl_eval_t *e, const json_t *json);

/* What is decided, as eval tells it without the id; NULL: no memory. */
json_t *weirctl_eval_answer(weirctl_eval_t *e);


#endif /* WEIRCTL_EVAL_H_INCLUDED */
