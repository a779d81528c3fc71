
/*
 * Weir: quotas.  Those of addresses are asked in preaccess, before anybody is
 * authenticated, the others in precontent, after every access module has
 * agreed.  Each stage first looks at all, then charges all; each quota is
 * charged once for a client's request, never for a subrequest.
 */

#include "ngx_http_weir_limit.h"
#include "weir_addr.h"


static ngx_int_t ngx_http_weir_limit_preaccess(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_limit_precontent(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_limit_stage(ngx_http_request_t *r,
    ngx_http_weir_limits_t *limits, ngx_uint_t address);
static ngx_http_weir_limit_item_t *ngx_http_weir_limit_find(
    ngx_http_weir_limit_state_t *state, ngx_http_weir_quota_t *quota);
static ngx_int_t ngx_http_weir_limit_ask(ngx_http_request_t *r,
    ngx_http_weir_limit_item_t *item, weir_addr_t *prefix, uint64_t now);
static ngx_uint_t ngx_http_weir_limit_charge(
    ngx_http_weir_limit_item_t *first);
static void ngx_http_weir_limit_count(ngx_http_weir_limit_item_t *item,
    ngx_uint_t refused);
static ngx_int_t ngx_http_weir_limit_fields(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_limit_state_t *state,
    ngx_http_weir_limits_t *limits);
static ngx_int_t ngx_http_weir_limit_violated(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_limit_state_t *state);
static void *ngx_http_weir_limit_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_weir_limit_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_weir_limit_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_weir_limit_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_weir_limit_commands[] = {

    { ngx_string("weir_quota"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_weir_quota,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_weir_limit,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_concurrency"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_ANY,
      ngx_http_weir_limit_later,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_limit_module_ctx = {
    ngx_http_weir_limit_variables,         /* preconfiguration */
    ngx_http_weir_limit_init,              /* postconfiguration */

    ngx_http_weir_limit_create_main_conf,  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_weir_limit_create_loc_conf,   /* create location configuration */
    ngx_http_weir_limit_merge_loc_conf     /* merge location configuration */
};


ngx_module_t  ngx_http_weir_limit_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_limit_module_ctx,       /* module context */
    ngx_http_weir_limit_commands,          /* module directives */
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
ngx_http_weir_limit_preaccess(ngx_http_request_t *r)
{
    ngx_http_weir_limit_loc_conf_t  *llcf;

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_limit_module);

    if (r != r->main || llcf->limits == NULL || !llcf->limits->address) {
        return NGX_DECLINED;
    }

    return ngx_http_weir_limit_stage(r, llcf->limits, 1);
}


static ngx_int_t
ngx_http_weir_limit_precontent(ngx_http_request_t *r)
{
    ngx_http_weir_limit_loc_conf_t  *llcf;

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_limit_module);

    if (r != r->main || llcf->limits == NULL || !llcf->limits->identity) {
        return NGX_DECLINED;
    }

    return ngx_http_weir_limit_stage(r, llcf->limits, 0);
}


static ngx_int_t
ngx_http_weir_limit_stage(ngx_http_request_t *r,
    ngx_http_weir_limits_t *limits, ngx_uint_t address)
{
    uint64_t                      now;
    ngx_uint_t                    i, refused;
    weir_addr_t                   prefix;
    ngx_http_weir_ctx_t          *ctx;
    ngx_http_weir_limit_t        *limit;
    ngx_http_weir_limit_item_t   *item, *first, **last;
    ngx_http_weir_limit_state_t  *state;

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    state = ngx_http_weir_state(ctx, NGX_HTTP_WEIR_STATE_LIMIT,
                                sizeof(ngx_http_weir_limit_state_t));
    if (state == NULL) {
        goto failed;
    }

    /* an error_page of a refusal is no further request */

    if (state->refused || ctx->status) {
        return NGX_DECLINED;
    }

    /* a unix socket's address is unknown: its clients are one */

    if (ngx_http_weir_source(r, prefix.bytes) == NGX_OK) {
        prefix = weir_addr_client_prefix(&prefix);

    } else {
        ngx_memzero(&prefix, sizeof(weir_addr_t));
    }

    now = ngx_http_weir_monotonic();

    for (last = &state->items; *last; last = &(*last)->next) { /* void */ }

    first = NULL;
    refused = 0;
    limit = limits->limits.elts;

    for (i = 0; i < limits->limits.nelts; i++) {

        if (limit[i].quota->address != address
            || ngx_http_weir_limit_find(state, limit[i].quota))
        {
            continue;
        }

        item = ngx_palloc(r->pool, sizeof(ngx_http_weir_limit_item_t));
        if (item == NULL) {
            goto failed;
        }

        item->next = NULL;
        item->quota = limit[i].quota;
        item->shadow = limit[i].shadow;

        if (ngx_http_weir_limit_ask(r, item, &prefix, now) != NGX_OK) {
            goto failed;
        }

        refused |= (item->over && !item->shadow);

        *last = item;
        last = &item->next;

        if (first == NULL) {
            first = item;
        }
    }

    if (first == NULL) {
        return NGX_DECLINED;
    }

    if (!refused) {
        refused = ngx_http_weir_limit_charge(first);
    }

    state->refused = refused;

    ngx_http_weir_limit_count(first, refused);

    if (ngx_http_weir_limit_fields(r, ctx, state, limits) != NGX_OK) {
        goto failed;
    }

    if (!refused) {
        return NGX_DECLINED;
    }

    if (ngx_http_weir_limit_violated(r, ctx, state) != NGX_OK) {
        goto failed;
    }

    return ngx_http_weir_refuse(r, ctx, NGX_HTTP_TOO_MANY_REQUESTS,
                                NGX_HTTP_WEIR_LIMITED, "quota-exceeded");

failed:

    return ngx_http_weir_refuse(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                NGX_HTTP_WEIR_FAILED, "error");
}


static ngx_http_weir_limit_item_t *
ngx_http_weir_limit_find(ngx_http_weir_limit_state_t *state,
    ngx_http_weir_quota_t *quota)
{
    ngx_http_weir_limit_item_t  *item;

    for (item = state->items; item; item = item->next) {
        if (item->quota == quota) {
            return item;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_weir_limit_ask(ngx_http_request_t *r,
    ngx_http_weir_limit_item_t *item, weir_addr_t *prefix, uint64_t now)
{
    ngx_str_t               value;
    weir_str_t              key;
    ngx_http_weir_quota_t  *quota;

    quota = item->quota;

    ngx_str_null(&value);

    if (!quota->prefix
        && ngx_http_weir_value(r, &quota->key, &value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    key = ngx_http_weir_str(&value);

    weir_limit_begin(&item->op, &quota->slice, &quota->rate, quota->cost, key,
                     prefix->bytes, now);

    item->over = !weir_limit_check(&item->op);

    return NGX_OK;
}


/*
 * 1 if meanwhile another process took what was left: then what was charged is
 * given back.
 */

static ngx_uint_t
ngx_http_weir_limit_charge(ngx_http_weir_limit_item_t *first)
{
    ngx_http_weir_limit_item_t  *item;

    for (item = first; item; item = item->next) {

        if (item->over || weir_limit_charge(&item->op) == WEIR_OK) {
            continue;
        }

        item->over = 1;

        if (!item->shadow) {
            break;
        }
    }

    if (item == NULL) {
        return 0;
    }

    for (item = first; item; item = item->next) {
        weir_limit_refund(&item->op);
    }

    return 1;
}


static void
ngx_http_weir_limit_count(ngx_http_weir_limit_item_t *item,
    ngx_uint_t refused)
{
    ngx_http_weir_quota_counters_t  *counters;

    for ( /* void */ ; item; item = item->next) {

        counters = ngx_http_weir_slab(item->quota->counters);

        if (item->op.evicted) {
            ngx_http_weir_count(&counters->evictions, 1);
            ngx_http_weir_area_discarded(NGX_HTTP_WEIR_AREA_LIMITS, 1);
        }

        if (item->over) {
            ngx_http_weir_count(item->shadow ? &counters->shadow
                                             : &counters->limited, 1);

        } else if (!refused) {
            ngx_http_weir_count(&counters->admitted, 1);
        }
    }
}


/* In the order of weir_limit, whichever stage asked; of a shadow nothing. */

static ngx_int_t
ngx_http_weir_limit_fields(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_limit_state_t *state, ngx_http_weir_limits_t *limits)
{
    u_char                      *p, *l;
    size_t                       len;
    uint64_t                     remaining, t;
    ngx_str_t                   *policy;
    weir_str_t                   name;
    ngx_uint_t                   i, n;
    weir_limit_op_t             *op;
    ngx_http_weir_limit_t       *limit;
    ngx_http_weir_limit_item_t  *item;

    n = limits->limits.nelts;
    limit = limits->limits.elts;
    len = n * (WEIR_RATE_FIELD + sizeof(", "));

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

        if (item == NULL || item->shadow) {
            continue;
        }

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

        if (p != ctx->ratelimit_policy.data) {
            *p++ = ',';
            *p++ = ' ';
            *l++ = ',';
            *l++ = ' ';
        }

        policy = &item->quota->policy;
        p = ngx_cpymem(p, policy->data, policy->len);

        name = ngx_http_weir_str(&item->quota->name);

        l += weir_rate_limit_field(l, name, remaining, t);
    }

    ctx->ratelimit_policy.len = p - ctx->ratelimit_policy.data;
    ctx->ratelimit.len = l - ctx->ratelimit.data;

    return NGX_OK;
}


/* Which quotas, and when all of them would let this request pass. */

static ngx_int_t
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


static void *
ngx_http_weir_limit_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_weir_limit_main_conf_t  *lmcf;

    lmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_limit_main_conf_t));
    if (lmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&lmcf->quotas, cf->pool, 4,
                       sizeof(ngx_http_weir_quota_t *))
        != NGX_OK
        || ngx_array_init(&lmcf->limits, cf->pool, 4,
                          sizeof(ngx_http_weir_limits_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return lmcf;
}


static void *
ngx_http_weir_limit_create_loc_conf(ngx_conf_t *cf)
{
    /* set by ngx_pcalloc(): limits = NULL */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_limit_loc_conf_t));
}


static char *
ngx_http_weir_limit_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_weir_limit_loc_conf_t *prev = parent;
    ngx_http_weir_limit_loc_conf_t *conf = child;

    if (conf->limits == NULL) {
        conf->limits = prev->limits;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_weir_limit_init(ngx_conf_t *cf)
{
    ngx_http_weir_limit_main_conf_t  *lmcf;

    lmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_limit_module);

    if (lmcf->quotas.nelts == 0 && lmcf->limits.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_weir_limit_resolve(cf) != NGX_OK
        || ngx_http_weir_provide(cf, &ngx_http_weir_limit_provider) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (lmcf->limits.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_weir_handler_add(cf, NGX_HTTP_PREACCESS_PHASE,
                                  ngx_http_weir_limit_preaccess)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_weir_handler_add(cf, NGX_HTTP_PRECONTENT_PHASE,
                                     ngx_http_weir_limit_precontent);
}
