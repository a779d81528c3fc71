
/*
 * Weir: who sends the request.  In preaccess the credential becomes an
 * identity in the context, or the reason why not; the gate answers.  In
 * precontent, after every access module has agreed, the upstream's headers
 * are written.
 */

#include "ngx_http_weir_auth_internal.h"


static ngx_uint_t ngx_http_weir_auth_bearer(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_auth_state_t *state,
    ngx_http_weir_auth_loc_conf_t *alcf);
static ngx_uint_t ngx_http_weir_auth_identity(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_auth_state_t *state,
    weir_held_t *held, const ngx_http_weir_auth_issuer_t *issuer);
static ngx_int_t ngx_http_weir_auth_refer(ngx_http_request_t *r,
    ngx_http_weir_auth_state_t *state, weir_held_t *held);
static void ngx_http_weir_auth_cleanup(void *data);


static ngx_str_t  ngx_http_weir_auth_name = ngx_string("authorization");


/*
 * Runs again after an internal redirect, with the settings of the location
 * that the request has come to; what the client sent is remembered.
 */

ngx_int_t
ngx_http_weir_auth_preaccess(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t            *ctx;
    ngx_http_weir_auth_state_t     *state;
    ngx_http_weir_auth_loc_conf_t  *alcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_auth_module);

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->status && alcf->set != 2) {

        /* an error_page: what was refused, and to whom, stays known */

        return NGX_DECLINED;
    }

    ctx->identity = NULL;
    ctx->auth = NGX_HTTP_WEIR_AUTH_OFF;
    ngx_str_null(&ctx->auth_reason);

    if (alcf->set != 2) {
        return NGX_DECLINED;
    }

    /* nothing but what follows says otherwise */

    ctx->auth = NGX_HTTP_WEIR_AUTH_ERROR;

    state = ngx_http_weir_state(ctx, NGX_HTTP_WEIR_STATE_AUTH,
                                sizeof(ngx_http_weir_auth_state_t));
    if (state == NULL) {
        return NGX_DECLINED;
    }

    if (!state->seen) {
        state->seen = 1;
        state->request = r;
        state->count = ngx_http_weir_header_find(r, &ngx_http_weir_auth_name,
                                                 &state->authorization);
    }

    ctx->auth = ngx_http_weir_auth_bearer(r, ctx, state, alcf);

    /* now already: auth_request and others make subrequests before content */

    if (ngx_http_weir_auth_authorization(r, state, alcf) != NGX_OK) {
        ctx->auth = NGX_HTTP_WEIR_AUTH_ERROR;
    }

    return NGX_DECLINED;
}


static ngx_uint_t
ngx_http_weir_auth_bearer(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_auth_state_t *state, ngx_http_weir_auth_loc_conf_t *alcf)
{
    ngx_uint_t                           i, result;
    weir_str_t                           value, token, name;
    weir_held_t                         *held;
    weir_token_reason_e                  reason;
    ngx_http_weir_auth_set_t            *set;
    ngx_http_weir_auth_counters_t       *counters;
    const ngx_http_weir_auth_issuer_t   *issuer;

    held = NULL;
    issuer = alcf->issuers[0];
    reason = WEIR_TOKEN_MALFORMED;
    result = NGX_HTTP_WEIR_AUTH_BAD;

    if (state->count == 1) {
        value = ngx_http_weir_str(&state->authorization);

        switch (weir_bearer(value, &token)) {

        case WEIR_OK:
            reason = ngx_http_weir_auth_token(r, alcf, token, &held, &issuer);
            break;

        case WEIR_DECLINED:
            result = NGX_HTTP_WEIR_AUTH_MISSING;
            break;

        default:
            break;
        }

    } else if (state->count == 0) {
        result = NGX_HTTP_WEIR_AUTH_MISSING;
    }

    counters = ngx_http_weir_slab(issuer->counters);

    if (result == NGX_HTTP_WEIR_AUTH_MISSING) {
        ngx_http_weir_count(&counters->missing, 1);

        return alcf->optional ? NGX_HTTP_WEIR_AUTH_OPTIONAL
                              : NGX_HTTP_WEIR_AUTH_MISSING;
    }

    if (reason == WEIR_TOKEN_ERROR) {
        ngx_http_weir_count(&counters->error, 1);
        return NGX_HTTP_WEIR_AUTH_ERROR;
    }

    if (reason != WEIR_TOKEN_VALID) {
        ngx_http_weir_count(&counters->rejected[reason], 1);

        name = weir_token_reason(reason);
        ctx->auth_reason.data = (u_char *) name.data;
        ctx->auth_reason.len = name.len;

        return NGX_HTTP_WEIR_AUTH_BAD;
    }

    result = ngx_http_weir_auth_identity(r, ctx, state, held, issuer);

    if (result != NGX_HTTP_WEIR_AUTH_VALID) {
        ngx_http_weir_count(&counters->error, 1);
        return result;
    }

    /* where it is only one of two that are asked for, the other is missing */

    set = alcf->sets->elts;

    for (i = 0; i < alcf->sets->nelts; i++) {
        if (set[i].issuer == issuer) {
            ngx_http_weir_count(&counters->accepted, 1);
            return NGX_HTTP_WEIR_AUTH_VALID;
        }
    }

    ctx->identity = NULL;
    ngx_http_weir_count(&counters->missing, 1);

    return NGX_HTTP_WEIR_AUTH_MISSING;
}


/* The reference to held is given up, or kept until the request's end. */

static ngx_uint_t
ngx_http_weir_auth_identity(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_auth_state_t *state, weir_held_t *held,
    const ngx_http_weir_auth_issuer_t *issuer)
{
    weir_str_t                 s;
    ngx_http_weir_identity_t  *identity;

    if (ngx_http_weir_auth_refer(r, state, held) != NGX_OK) {
        return NGX_HTTP_WEIR_AUTH_ERROR;
    }

    identity = ngx_pcalloc(r->pool, sizeof(ngx_http_weir_identity_t));
    if (identity == NULL) {
        return NGX_HTTP_WEIR_AUTH_ERROR;
    }

    identity->kind = NGX_HTTP_WEIR_JWT;
    identity->issuer = issuer->name;

    s = weir_cache_subject(held->entry);
    identity->subject.data = (u_char *) s.data;
    identity->subject.len = s.len;

    s = weir_cache_principal(held->entry);
    identity->principal.data = (u_char *) s.data;
    identity->principal.len = s.len;

    identity->claims = weir_cache_claims(held->entry);
    identity->expires = held->entry->exp + issuer->issuer.leeway;

    ctx->identity = identity;
    state->verified = 1;

    return NGX_HTTP_WEIR_AUTH_VALID;
}


static ngx_int_t
ngx_http_weir_auth_refer(ngx_http_request_t *r,
    ngx_http_weir_auth_state_t *state, weir_held_t *held)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_weir_auth_ref_t  *ref;

    for (ref = state->refs; ref; ref = ref->next) {
        if (ref->held == held) {
            weir_held_release(&weir_alloc_malloc, held);
            return NGX_OK;
        }
    }

    ref = ngx_palloc(r->pool, sizeof(ngx_http_weir_auth_ref_t));

    if (ref == NULL) {
        goto failed;
    }

    if (!state->cleanup) {
        cln = ngx_pool_cleanup_add(r->pool, 0);

        if (cln == NULL) {
            goto failed;
        }

        cln->handler = ngx_http_weir_auth_cleanup;
        cln->data = state;
        state->cleanup = 1;
    }

    ref->held = held;
    ref->next = state->refs;
    state->refs = ref;

    return NGX_OK;

failed:

    weir_held_release(&weir_alloc_malloc, held);

    return NGX_ERROR;
}


static void
ngx_http_weir_auth_cleanup(void *data)
{
    ngx_http_weir_auth_state_t *state = data;

    ngx_http_weir_auth_ref_t  *ref;

    if (state->queued) {
        ngx_queue_remove(&state->queue);
        state->queued = 0;
    }

    for (ref = state->refs; ref; ref = ref->next) {
        weir_held_release(&weir_alloc_malloc, ref->held);
    }

    state->refs = NULL;
}


ngx_int_t
ngx_http_weir_auth_precontent(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t            *ctx;
    ngx_http_weir_auth_state_t     *state;
    ngx_http_weir_auth_loc_conf_t  *alcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_weir_ctx_get(r);
    alcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_auth_module);

    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    state = ctx->state[NGX_HTTP_WEIR_STATE_AUTH];

    if (state == NULL) {

        if (alcf->headers == NULL) {
            return NGX_DECLINED;
        }

        state = ngx_http_weir_state(ctx, NGX_HTTP_WEIR_STATE_AUTH,
                                    sizeof(ngx_http_weir_auth_state_t));
        if (state == NULL) {
            return ngx_http_weir_refuse(r, ctx,
                                        NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        NGX_HTTP_WEIR_FAILED, "error");
        }
    }

    if (ngx_http_weir_auth_upstream(r, state, alcf) != NGX_OK) {
        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    NGX_HTTP_WEIR_FAILED, "error");
    }

    ngx_http_weir_auth_expire(r, state,
                              ctx->identity ? ctx->identity->expires : 0);

    return NGX_DECLINED;
}


ngx_uint_t
ngx_http_weir_auth_admits(ngx_http_request_t *r,
    const ngx_http_weir_identity_t *identity)
{
    ngx_uint_t                      i;
    ngx_http_weir_auth_set_t       *set;
    ngx_http_weir_auth_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_auth_module);

    if (alcf->set != 2) {
        return NGX_HTTP_WEIR_AUTH_OFF;
    }

    if (identity == NULL) {
        return alcf->optional ? NGX_HTTP_WEIR_AUTH_OPTIONAL
                              : NGX_HTTP_WEIR_AUTH_MISSING;
    }

    set = alcf->sets->elts;

    for (i = 0; i < alcf->sets->nelts; i++) {
        if (set[i].issuer
            && identity->kind == NGX_HTTP_WEIR_JWT
            && set[i].issuer->name.len == identity->issuer.len
            && ngx_memcmp(set[i].issuer->name.data, identity->issuer.data,
                          identity->issuer.len)
               == 0)
        {
            return NGX_HTTP_WEIR_AUTH_VALID;
        }
    }

    return NGX_HTTP_WEIR_AUTH_MISSING;
}
