
/*
 * Weir: what the gate asks of the policy module.
 */

#ifndef NGX_HTTP_WEIR_POLICY_H_INCLUDED
#define NGX_HTTP_WEIR_POLICY_H_INCLUDED


#include "ngx_http_weir.h"
#include "weir_policy.h"


/*
 * A policy that is asked beside the location's own.  any: about identities of
 * all issuers; otherwise of those that the location's weir_auth admits.
 */

typedef struct {
    ngx_str_t                        name;
    ngx_str_t                        file;
    ngx_uint_t                       line;
    ngx_uint_t                       any;
    ngx_http_weir_loc_conf_t        *location;
    void                            *use;        /* the policy module's */
} ngx_http_weir_policy_asked_t;


/* What is decided: the gate has checked and canonicalised all of it. */

typedef struct {
    const weir_path_t               *path;
    ngx_str_t                        method;
    ngx_str_t                        host;       /* lower case, no port */
    const ngx_http_weir_identity_t  *identity;   /* NULL: anonymous */

    /* who asks about what is not r: a policy, and all that it looks at */
    const ngx_http_weir_policy_asked_t  *asked;
    const weir_policy_request_t         *facts;
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
 * In a directive's handler: the policy of that name will be asked; the bundle
 * must have it, and fit.
 */
ngx_http_weir_policy_asked_t *ngx_http_weir_policy_ask(ngx_conf_t *cf,
    ngx_str_t *name);

/*
 * Decides by the policy of r's location, or of q->asked, on the active
 * generation, which is pinned for the duration of the call.  Sets
 * ctx->policy, ctx->rule and ctx->bundle (what they point to lives as long as
 * r) and counts the decision.  *d is always filled, with a deny when anything
 * fails.
 */
void ngx_http_weir_policy_decide(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_question_t *q,
    ngx_http_weir_decision_t *d);

/*
 * Of another question than r's own: ctx has again what ctx->policy, rule,
 * bundle, reason, verdict and the record were before it.
 */
void ngx_http_weir_policy_restore(ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_ctx_t *before);

/*
 * A question that is denied before asked can be asked it: counts that, and
 * sets what ngx_http_weir_policy_decide() sets of ctx.
 */
void ngx_http_weir_policy_refused(ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_policy_asked_t *asked, weir_policy_reason_t reason);

/* The identity as a policy sees it; NULL: anonymous. */
void ngx_http_weir_policy_identity(weir_policy_request_t *p,
    const ngx_http_weir_identity_t *identity);

/*
 * 1 if the client showed a certificate that was verified in this server's own
 * handshake; what tls.* looks at.
 */
ngx_uint_t ngx_http_weir_policy_certified(ngx_http_request_t *r);


#endif /* NGX_HTTP_WEIR_POLICY_H_INCLUDED */
