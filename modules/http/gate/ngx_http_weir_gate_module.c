
/*
 * Weir: the gate: the one access handler.  It asks auth who sends the
 * request and policy whether it may, and answers nginx once.
 *
 * In preaccess it refuses what is ambiguous (always final) and decides
 * subrequests, for which nginx skips the access phase.  In access it answers
 * NGX_OK only for a proven permit, NGX_DECLINED only where nothing is
 * configured; what "satisfy any" must not overrule it finalises itself.
 */

#include "ngx_http_weir_gate.h"
#include "ngx_http_weir_auth.h"
#include "ngx_http_weir_record.h"


static ngx_int_t ngx_http_weir_gate_preaccess(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_gate_again(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_loc_conf_t *lcf);
static ngx_int_t ngx_http_weir_gate_subrequest(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_loc_conf_t *lcf);
static ngx_int_t ngx_http_weir_gate_part(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_gate_t *gate,
    ngx_http_weir_loc_conf_t *lcf);
static ngx_int_t ngx_http_weir_gate_access(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_gate_deny(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_decision_t *d);
static ngx_uint_t ngx_http_weir_gate_closed(ngx_http_request_t *r,
    ngx_http_weir_loc_conf_t *lcf);
static ngx_int_t ngx_http_weir_gate_precontent(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_gate_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_http_weir_gate_module_ctx = {
    ngx_http_weir_gate_variables,          /* preconfiguration */
    ngx_http_weir_gate_init,               /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_weir_gate_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_gate_module_ctx,        /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_weir_gate_preaccess(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_weir_ctx_t       *ctx;
    ngx_http_weir_gate_t      *gate;
    ngx_http_weir_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r != r->main) {
        return ngx_http_weir_gate_subrequest(r, ctx, lcf);
    }

    gate = ngx_http_weir_state(ctx, NGX_HTTP_WEIR_STATE_GATE,
                               sizeof(ngx_http_weir_gate_t));
    if (gate == NULL) {
        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    NGX_HTTP_WEIR_FAILED, "error");
    }

    if (gate->seen) {
        rc = ngx_http_weir_gate_again(r, ctx, lcf);

        if (rc != NGX_OK) {
            return rc;
        }

    } else {
        gate->seen = 1;
        gate->method = r->method_name;
    }

    if (gate->passes < 255) {
        gate->passes++;
    }

    if (lcf->policy_set == 2 || lcf->auth_set == 2 || lcf->decides) {
        rc = ngx_http_weir_gate_request(r, ctx, gate, lcf);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


/*
 * A later pass: an internal redirect.  After a refusal (error_page) it runs
 * only where "weir_policy off" is written; otherwise it is decided anew.
 */

static ngx_int_t
ngx_http_weir_gate_again(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_loc_conf_t *lcf)
{
    ctx->redirects++;
    ctx->decided = 0;

    if (ctx->status) {

        if (!lcf->off_here) {
            ctx->uri_changes = r->uri_changes;
            return ctx->status;
        }

        return NGX_OK;
    }

    /* what the client asked for has a record of its own */

    if (ctx->verdict == NGX_HTTP_WEIR_PERMIT
        && ctx->state[NGX_HTTP_WEIR_STATE_RECORD])
    {
        ngx_http_weir_record_answer(r, ctx, ctx->identity,
                                    r->err_status ? r->err_status
                                                  : NGX_HTTP_OK);
        ctx->state[NGX_HTTP_WEIR_STATE_RECORD] = NULL;
    }

    ngx_str_null(&ctx->reason);
    ngx_str_null(&ctx->rule);
    ctx->verdict = NGX_HTTP_WEIR_NONE;

    return NGX_OK;
}


/*
 * What was refused once runs a later pass (error_page) only where
 * "weir_policy off" is written, as the main request does.
 */

static ngx_int_t
ngx_http_weir_gate_subrequest(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_loc_conf_t *lcf)
{
    ngx_int_t                 rc;
    ngx_http_weir_gate_t     *gate;
    ngx_http_weir_refused_t  *refused;

    gate = ctx->state[NGX_HTTP_WEIR_STATE_GATE];

    if (gate == NULL) {
        return NGX_HTTP_FORBIDDEN;
    }

    if (!lcf->off_here) {
        for (refused = gate->refused; refused; refused = refused->next) {
            if (refused->request == r) {
                return refused->status;
            }
        }
    }

    rc = ngx_http_weir_gate_part(r, ctx, gate, lcf);

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    refused = ngx_palloc(r->pool, sizeof(ngx_http_weir_refused_t));
    if (refused == NULL) {
        return NGX_ERROR;
    }

    refused->request = r;
    refused->status = rc;
    refused->next = gate->refused;
    gate->refused = refused;

    return rc;
}


/*
 * A subrequest is decided with the main request's identity, as GET of its
 * own path; what it is refused does not become the main request's verdict.
 */

static ngx_int_t
ngx_http_weir_gate_part(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_gate_t *gate, ngx_http_weir_loc_conf_t *lcf)
{
    ngx_uint_t                   status;
    ngx_array_t                 *duties;
    ngx_http_weir_ctx_t          before;
    ngx_http_weir_decision_t     d;
    ngx_http_weir_question_t     q;
    static weir_path_t           path;

    if (ngx_http_weir_gate_closed(r, lcf)) {
        return NGX_HTTP_FORBIDDEN;
    }

    if (lcf->policy_set != 2 && lcf->auth_set != 2) {
        return NGX_DECLINED;
    }

    /* the main request's location may have needed no decision about it */

    if (ngx_http_weir_gate_host(r->main, gate) != NGX_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (lcf->auth_set == 2) {

        switch (ngx_http_weir_auth_admits(r, ctx->identity)) {

        case NGX_HTTP_WEIR_AUTH_VALID:
        case NGX_HTTP_WEIR_AUTH_OPTIONAL:
            break;

        default:
            return NGX_HTTP_UNAUTHORIZED;
        }
    }

    if (lcf->policy_set != 2) {
        return NGX_DECLINED;
    }

    if (ngx_http_weir_gate_uri(r, &path, lcf) != NGX_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    ngx_memzero(&q, sizeof(ngx_http_weir_question_t));

    q.path = &path;
    q.method = r->method_name;
    q.host = gate->host;
    q.identity = ctx->identity;

    before = *ctx;

    duties = gate->duties;
    gate->duties = NULL;

    ngx_http_weir_gate_ask(r, ctx, &q, &d);

    ngx_http_weir_gate_log(r, ctx, d.permit ? gate->duties : d.duties,
                           d.permit);

    if (d.permit
        && (ngx_http_weir_duties_set(r, ctx, gate->duties) != NGX_OK
            || ngx_http_weir_gate_headers(r, gate->duties) != NGX_OK))
    {
        d.permit = 0;
        d.status = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    gate->duties = duties;

    /* it has a record of its own, and the main request's stays as it is */

    status = NGX_HTTP_OK;
    ctx->verdict = NGX_HTTP_WEIR_PERMIT;

    if (!d.permit) {
        ctx->verdict = ngx_http_weir_gate_verdict(r, ctx, &d, &status);
        status = d.status ? d.status : NGX_HTTP_FORBIDDEN;
    }

    ctx->reason.data = (u_char *) d.reason;
    ctx->reason.len = d.reason ? ngx_strlen(d.reason) : 0;

    ngx_http_weir_record_answer(r, ctx, ctx->identity, status);
    ngx_http_weir_policy_restore(ctx, &before);

    return d.permit ? NGX_DECLINED : (ngx_int_t) status;
}


static ngx_int_t
ngx_http_weir_gate_access(ngx_http_request_t *r)
{
    ngx_uint_t                 any;
    ngx_http_weir_ctx_t       *ctx;
    ngx_http_weir_gate_t      *gate;
    ngx_http_weir_loc_conf_t  *lcf;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_weir_decision_t   d;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);
    ctx = ngx_http_weir_ctx_get(r);
    gate = ctx ? ctx->state[NGX_HTTP_WEIR_STATE_GATE] : NULL;

    if (gate == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_weir_gate_closed(r, lcf)) {
        return ngx_http_weir_refuse_finally(r, ctx, NGX_HTTP_FORBIDDEN,
                                            NGX_HTTP_WEIR_DENY,
                                            "closed-location");
    }

    if (lcf->policy_set != 2 && lcf->auth_set != 2) {

        if (lcf->policy_set == 1) {
            gate->settled = 1;
        }

        return NGX_DECLINED;
    }

    if (lcf->policy_set == 2) {
        ctx->duties = NULL;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    any = (clcf->satisfy == NGX_HTTP_SATISFY_ANY);

    switch (lcf->auth_set == 2 ? ctx->auth : NGX_HTTP_WEIR_AUTH_OFF) {

    case NGX_HTTP_WEIR_AUTH_VALID:
    case NGX_HTTP_WEIR_AUTH_OPTIONAL:
        break;

    case NGX_HTTP_WEIR_AUTH_MISSING:

        if (any && lcf->policy_set == 2) {
            ngx_http_weir_gate_decide(r, ctx, gate, NULL, &d);

            if (d.final) {
                return ngx_http_weir_refuse_finally(r, ctx,
                                          NGX_HTTP_UNAUTHORIZED,
                                          NGX_HTTP_WEIR_UNAUTHENTICATED,
                                          d.reason);
            }
        }

        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_UNAUTHORIZED,
                                    NGX_HTTP_WEIR_UNAUTHENTICATED, "missing");

    case NGX_HTTP_WEIR_AUTH_BAD:
        return ngx_http_weir_refuse_finally(r, ctx, NGX_HTTP_UNAUTHORIZED,
                                          NGX_HTTP_WEIR_UNAUTHENTICATED,
                                          (char *) ctx->auth_reason.data);

    case NGX_HTTP_WEIR_AUTH_OFF:

        if (lcf->auth_set != 2) {
            ctx->identity = NULL;
            break;
        }

        /* fall through */

    default: /* NGX_HTTP_WEIR_AUTH_ERROR */
        return ngx_http_weir_refuse_finally(r, ctx,
                                            NGX_HTTP_INTERNAL_SERVER_ERROR,
                                            NGX_HTTP_WEIR_FAILED, "error");
    }

    if (lcf->policy_set != 2) {

        ctx->decided = 1;
        gate->settled = 1;

        if (ctx->identity == NULL) {
            return NGX_DECLINED;
        }

        ctx->verdict = NGX_HTTP_WEIR_PERMIT;

        return NGX_OK;
    }

    ngx_http_weir_gate_decide(r, ctx, gate, ctx->identity, &d);

    if (!d.permit) {
        return ngx_http_weir_gate_deny(r, ctx, &d);
    }

    ctx->decided = 1;
    ctx->verdict = NGX_HTTP_WEIR_PERMIT;
    ctx->duties = gate->duties;
    ctx->reason.data = (u_char *) d.reason;
    ctx->reason.len = ngx_strlen(d.reason);

    ngx_http_weir_gate_log(r, ctx, ctx->duties, 1);

    /* now, as other access modules may ask an upstream, too */

    if (ngx_http_weir_gate_upstream_headers(r, ctx, gate) != NGX_OK) {
        return ngx_http_weir_refuse_finally(r, ctx,
                                            NGX_HTTP_INTERNAL_SERVER_ERROR,
                                            NGX_HTTP_WEIR_FAILED, "error");
    }

    gate->settled = 1;

    /* under "satisfy any" what decides nothing admits nobody */

    return lcf->shadow && ctx->identity == NULL ? NGX_DECLINED : NGX_OK;
}


static ngx_int_t
ngx_http_weir_gate_deny(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_decision_t *d)
{
    ngx_uint_t  status, verdict;

    ctx->duties = d->duties;
    ngx_http_weir_gate_log(r, ctx, d->duties, 0);

    verdict = ngx_http_weir_gate_verdict(r, ctx, d, &status);

    if (d->final || status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return ngx_http_weir_refuse_finally(r, ctx, status, verdict,
                                            d->reason);
    }

    return ngx_http_weir_refuse(r, ctx, status, verdict, d->reason);
}


ngx_uint_t
ngx_http_weir_gate_verdict(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_decision_t *d, ngx_uint_t *status)
{
    ngx_http_weir_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);

    *status = d->status ? d->status : NGX_HTTP_FORBIDDEN;

    if (d->own) {
        return NGX_HTTP_WEIR_DENY;
    }

    if (*status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return NGX_HTTP_WEIR_FAILED;
    }

    if (*status == NGX_HTTP_BAD_REQUEST) {
        return NGX_HTTP_WEIR_REFUSED;
    }

    if (ctx->identity == NULL && lcf->auth_set == 2 && !d->final) {

        /* nobody in particular was denied: a credential may help */

        *status = NGX_HTTP_UNAUTHORIZED;
        return NGX_HTTP_WEIR_UNAUTHENTICATED;
    }

    return NGX_HTTP_WEIR_DENY;
}


/* A location that says nothing, in a server that uses Weir. */

static ngx_uint_t
ngx_http_weir_gate_closed(ngx_http_request_t *r,
    ngx_http_weir_loc_conf_t *lcf)
{
    ngx_http_weir_srv_conf_t  *wscf;

    if (lcf->policy_set != 0 || lcf->own_handler) {
        return 0;
    }

    wscf = ngx_http_get_module_srv_conf(r, ngx_http_weir_module);

    return wscf->uses && !wscf->open;
}


/*
 * Access was granted, by the gate or by what stands beside it under "satisfy
 * any": what the gate answered then is no refusal.
 */

static ngx_int_t
ngx_http_weir_gate_precontent(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t       *ctx;
    ngx_http_weir_gate_t      *gate;
    ngx_http_weir_loc_conf_t  *lcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_weir_ctx_get(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->decided = 1;

    gate = ctx->state[NGX_HTTP_WEIR_STATE_GATE];

    if (gate && ngx_http_weir_gate_upstream_headers(r, ctx, gate) != NGX_OK) {
        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    NGX_HTTP_WEIR_FAILED, "error");
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);

    if (ctx->status && (lcf->policy_set == 2 || lcf->auth_set == 2)) {
        ctx->status = 0;
        ctx->verdict = NGX_HTTP_WEIR_PERMIT;
        ngx_str_null(&ctx->reason);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_weir_gate_init(ngx_conf_t *cf)
{

    if (!ngx_http_weir_used(cf)) {
        return NGX_OK;
    }

    if (ngx_http_weir_gate_check(cf) != NGX_OK
        || ngx_http_weir_gate_upstreams(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_weir_handler_add(cf, NGX_HTTP_PREACCESS_PHASE,
                                  ngx_http_weir_gate_preaccess)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_weir_handler_add(cf, NGX_HTTP_ACCESS_PHASE,
                                  ngx_http_weir_gate_access)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_weir_handler_add(cf, NGX_HTTP_PRECONTENT_PHASE,
                                     ngx_http_weir_gate_precontent);
}
