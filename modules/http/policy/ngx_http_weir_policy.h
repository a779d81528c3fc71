
/*
 * Weir: what the gate asks of the policy module.
 */

#ifndef NGX_HTTP_WEIR_POLICY_H_INCLUDED
#define NGX_HTTP_WEIR_POLICY_H_INCLUDED


#include "ngx_http_weir.h"


/* What is decided: the gate has checked and canonicalised all of it. */

typedef struct {
    const weir_path_t               *path;
    ngx_str_t                        method;
    ngx_str_t                        host;       /* lower case, no port */
    const ngx_http_weir_identity_t  *identity;   /* NULL: anonymous */
} ngx_http_weir_question_t;


typedef struct {
    unsigned    permit:1;       /* a proven permit; all else is a deny */
    unsigned    final:1;        /* a deny rule matches or is unknown */
    ngx_uint_t  status;         /* of a deny: 403; 503 no-bundle, no-policy;
                                   500 on an internal error, or where a permit
                                   obliges to what cannot be done */
    const char *reason;         /* contract.md, "Policy reasons"; static */
    ngx_uint_t  own;            /* status is what a deny rule says */

    /* what it obliges to: ngx_http_weir_duty_t; NULL: nothing */
    ngx_array_t  *duties;
} ngx_http_weir_decision_t;


/*
 * Decides by the policy of r's location on the active generation, which is
 * pinned for the duration of the call.  Sets ctx->policy, ctx->rule and
 * ctx->bundle (what they point to lives as long as r) and counts the
 * decision.  *d is always filled, with a deny when anything fails.
 */
void ngx_http_weir_policy_decide(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_question_t *q,
    ngx_http_weir_decision_t *d);


#endif /* NGX_HTTP_WEIR_POLICY_H_INCLUDED */
