
/*
 * Weir: what a client is told of the quotas that its request was charged to.
 */

#include "ngx_http_weir_limit.h"


static u_char *ngx_http_weir_limit_field(ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_limit_state_t *state, ngx_http_weir_limit_item_t *item,
    u_char **policy, u_char *l);


/*
 * In the order of weir_limit, whichever stage asked, then those of a policy;
 * of a shadow nothing.
 */

ngx_int_t
ngx_http_weir_limit_fields(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_limit_state_t *state, ngx_http_weir_limits_t *limits)
{
    u_char                      *p, *l;
    size_t                       len;
    ngx_uint_t                   i, n;
    ngx_http_weir_limit_t       *limit;
    ngx_http_weir_limit_item_t  *item;

    n = limits ? limits->limits.nelts : 0;
    limit = n ? limits->limits.elts : NULL;
    len = 0;

    for (item = state->items; item; item = item->next) {
        len += WEIR_RATE_FIELD + sizeof(", ");
        item->shown = 0;
    }

    p = ngx_pnalloc(r->pool, 2 * len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    l = p + len;

    ctx->ratelimit_policy.data = p;
    ctx->ratelimit.data = l;

    state->counted = 0;

    for (i = 0; i < n; i++) {
        item = ngx_http_weir_limit_find(state, limit[i].quota);

        if (item) {
            l = ngx_http_weir_limit_field(ctx, state, item, &p, l);
        }
    }

    for (item = state->items; item; item = item->next) {
        if (item->obliged) {
            l = ngx_http_weir_limit_field(ctx, state, item, &p, l);
        }
    }

    ctx->ratelimit_policy.len = p - ctx->ratelimit_policy.data;
    ctx->ratelimit.len = l - ctx->ratelimit.data;

    return NGX_OK;
}


/* Appends a quota's members; the new end of RateLimit. */

static u_char *
ngx_http_weir_limit_field(ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_limit_state_t *state, ngx_http_weir_limit_item_t *item,
    u_char **policy, u_char *l)
{
    u_char           *p;
    uint64_t          remaining, t;
    weir_str_t        name;
    weir_limit_op_t  *op;

    if (item->shadow || item->shown) {
        return l;
    }

    item->shown = 1;
    op = &item->op;

    if (item->over) {
        remaining = 0;
        t = weir_rate_seconds(weir_rate_retry(op->rate, op->tat, op->now,
                                              op->cost));
    } else {
        remaining = weir_rate_remaining(op->rate, op->tat, op->now);
        t = weir_rate_reset(op->tat, op->now);
        t = t ? weir_rate_seconds(t) : 0;
    }

    if (!state->counted || remaining < state->remaining) {
        state->remaining = remaining;
        state->counted = 1;
    }

    p = *policy;

    if (p != ctx->ratelimit_policy.data) {
        *p++ = ',';
        *p++ = ' ';
        *l++ = ',';
        *l++ = ' ';
    }

    *policy = ngx_cpymem(p, item->quota->policy.data, item->quota->policy.len);

    name = ngx_http_weir_str(&item->quota->name);

    return l + weir_rate_limit_field(l, name, remaining, t);
}


/* Which quotas, and when all of them would let this request pass. */

ngx_int_t
ngx_http_weir_limit_violated(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_limit_state_t *state)
{
    u_char                      *p;
    size_t                       len;
    time_t                       t;
    weir_limit_op_t             *op;
    ngx_http_weir_limit_item_t  *item;

    len = sizeof("[]");

    for (item = state->items; item; item = item->next) {
        len += item->quota->name.len + sizeof("\"\",");
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->violated.data = p;
    ctx->retry_after = 0;

    *p++ = '[';

    for (item = state->items; item; item = item->next) {

        if (!item->over || item->shadow) {
            continue;
        }

        if (p[-1] != '[') {
            *p++ = ',';
        }

        *p++ = '"';
        p = ngx_cpymem(p, item->quota->name.data, item->quota->name.len);
        *p++ = '"';

        op = &item->op;
        t = weir_rate_seconds(weir_rate_retry(op->rate, op->tat, op->now,
                                              op->cost));

        ctx->retry_after = ngx_max(ctx->retry_after, t);
    }

    *p++ = ']';

    ctx->violated.len = p - ctx->violated.data;

    return NGX_OK;
}
