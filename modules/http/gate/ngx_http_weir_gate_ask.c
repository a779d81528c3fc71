
/*
 * Weir: what the gate asks the policy about: a request may be more than one
 * thing, and all that it is must be permitted.
 */

#include "ngx_http_weir_gate.h"


static void ngx_http_weir_gate_target(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_gate_t *gate,
    ngx_http_weir_identity_t *identity, ngx_http_weir_decision_t *d);
static void ngx_http_weir_gate_ask_readings(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_question_t *q,
    ngx_http_weir_decision_t *d);


/* What the request is for, and where it writes to another path, that too. */

void
ngx_http_weir_gate_decide(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_gate_t *gate, ngx_http_weir_identity_t *identity,
    ngx_http_weir_decision_t *d)
{
    void                       *record;
    ngx_str_t                   rule;
    ngx_http_weir_question_t    q;
    ngx_http_weir_loc_conf_t   *lcf;
    ngx_http_weir_gate_copy_t   copy;

    static ngx_str_t            name = ngx_string("host");
    static weir_path_t          path;

    gate->duties = NULL;

    ngx_http_weir_gate_target(r, ctx, gate, identity, d);

    if (!d->permit) {
        return;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);

    /* that of a question is nothing that is written here */

    if (lcf->decides) {
        return;
    }

    copy.method = r->method_name;
    copy.host = gate->host;
    copy.allow = lcf->path_allow;

    ngx_str_null(&copy.authority);
    (void) ngx_http_weir_header_find(r, &name, &copy.authority);

    switch (ngx_http_weir_gate_destination(r, &copy, &path)) {

    case NGX_DONE:
        return;

    case NGX_OK:
        break;

    default:
        ngx_memzero(d, sizeof(ngx_http_weir_decision_t));
        d->final = 1;
        d->status = NGX_HTTP_BAD_REQUEST;
        d->reason = "ambiguous-path";
        return;
    }

    ngx_memzero(&q, sizeof(ngx_http_weir_question_t));

    q.path = &path;
    q.method = r->method_name;
    q.host = gate->host;
    q.identity = identity;

    rule = ctx->rule;
    record = ctx->state[NGX_HTTP_WEIR_STATE_RECORD];

    ngx_http_weir_gate_ask(r, ctx, &q, d);

    if (d->permit) {
        ctx->rule = rule;
        ctx->state[NGX_HTTP_WEIR_STATE_RECORD] = record;
    }
}


/*
 * The client's path is decided once; after an internal redirect what nginx
 * serves now is decided too.  The first deny stands.
 */

static void
ngx_http_weir_gate_target(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_gate_t *gate, ngx_http_weir_identity_t *identity,
    ngx_http_weir_decision_t *d)
{
    ngx_http_weir_question_t   q;
    ngx_http_weir_loc_conf_t  *lcf;
    static weir_path_t         path;

    ngx_memzero(&q, sizeof(ngx_http_weir_question_t));

    q.host = gate->host;
    q.identity = identity;

    if (!gate->settled) {
        q.path = gate->path;
        q.method = gate->method;

        ngx_http_weir_gate_ask(r, ctx, &q, d);

        if (!d->permit || gate->passes == 1) {
            return;
        }
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);

    if (ngx_http_weir_gate_uri(r, &path, lcf) != NGX_OK) {
        ngx_memzero(d, sizeof(ngx_http_weir_decision_t));
        d->final = 1;
        d->status = NGX_HTTP_BAD_REQUEST;
        d->reason = "ambiguous-path";
        return;
    }

    q.path = &path;
    q.method = r->method_name;

    ngx_http_weir_gate_ask(r, ctx, &q, d);
}


/* Where a cache asks the upstream for GET instead of HEAD, that too. */

void
ngx_http_weir_gate_ask(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_question_t *q, ngx_http_weir_decision_t *d)
{
    void                      *record;
    ngx_str_t                  rule;
    ngx_http_weir_question_t   again;
    ngx_http_weir_loc_conf_t  *lcf;

    ngx_http_weir_gate_ask_readings(r, ctx, q, d);

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);

    if (!d->permit || !lcf->cache_head || r->method != NGX_HTTP_HEAD) {
        return;
    }

    rule = ctx->rule;
    record = ctx->state[NGX_HTTP_WEIR_STATE_RECORD];

    again = *q;
    ngx_str_set(&again.method, "GET");

    ngx_http_weir_gate_ask_readings(r, ctx, &again, d);

    if (d->permit) {
        ctx->rule = rule;
        ctx->state[NGX_HTTP_WEIR_STATE_RECORD] = record;
    }
}


/*
 * Where a location admits spellings that others may read in another way, that
 * reading is asked about too: no spelling avoids a deny.
 */

static void
ngx_http_weir_gate_ask_readings(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_question_t *q,
    ngx_http_weir_decision_t *d)
{
    int                        rc;
    void                      *record;
    u_char                    *p;
    ngx_str_t                  rule;
    ngx_http_weir_gate_t      *gate;
    ngx_http_weir_decision_t   other;
    ngx_http_weir_question_t   again;
    ngx_http_weir_loc_conf_t  *lcf;
    static weir_path_t         path;

    gate = ctx->state[NGX_HTTP_WEIR_STATE_GATE];

    ngx_http_weir_policy_decide(r, ctx, q, d);
    ngx_http_weir_gate_oblige(r, &gate->duties, d);

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);

    if (!d->permit || lcf->path_allow == 0) {
        return;
    }

    p = ngx_pnalloc(r->pool, q->path->decoded.len);
    rc = p ? weir_path_reading(&path, p, q->path) : WEIR_ERROR;

    if (rc == WEIR_DECLINED) {
        return;
    }

    if (rc != WEIR_OK) {
        ngx_memzero(d, sizeof(ngx_http_weir_decision_t));
        d->final = 1;
        d->status = NGX_HTTP_BAD_REQUEST;
        d->reason = "ambiguous-path";
        return;
    }

    rule = ctx->rule;
    record = ctx->state[NGX_HTTP_WEIR_STATE_RECORD];

    again = *q;
    again.path = &path;

    ngx_http_weir_policy_decide(r, ctx, &again, &other);
    ngx_http_weir_gate_oblige(r, &gate->duties, &other);

    if (other.permit || (!other.final && other.status == NGX_HTTP_FORBIDDEN)) {
        ctx->rule = rule;
        ctx->state[NGX_HTTP_WEIR_STATE_RECORD] = record;
        return;
    }

    *d = other;
}
