
/*
 * Weir: quotas.  Those of addresses are asked in preaccess, before anybody is
 * authenticated, the others in precontent, after every access module has
 * agreed; with them those that a policy obliges to, whichever they are of.
 * Each stage first looks at all, then charges all; each quota is charged once
 * for a client's request, never for a subrequest.
 */

#include "ngx_http_weir_limit.h"
#include "weir_addr.h"


/* A stage's quotas: first is the first that is asked in it. */

typedef struct {
    ngx_http_weir_limit_state_t   *state;
    ngx_http_weir_limit_item_t    *first;
    ngx_http_weir_limit_item_t   **last;
    weir_addr_t                    prefix;
    uint64_t                       now;
    ngx_uint_t                     refused;
} ngx_http_weir_limit_round_t;


static ngx_int_t ngx_http_weir_limit_preaccess(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_limit_precontent(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_limit_stage(ngx_http_request_t *r,
    ngx_http_weir_limits_t *limits, ngx_uint_t address);
static ngx_int_t ngx_http_weir_limit_round(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_limit_round_t *round,
    ngx_http_weir_limits_t *limits, ngx_uint_t address);
static ngx_int_t ngx_http_weir_limit_take(ngx_http_request_t *r,
    ngx_http_weir_limit_round_t *round, ngx_http_weir_quota_t *quota,
    ngx_uint_t shadow);
static ngx_int_t ngx_http_weir_limit_oblige(ngx_http_request_t *r,
    ngx_http_weir_limit_round_t *round, ngx_http_weir_quota_t *quota);
static ngx_int_t ngx_http_weir_limit_ask(ngx_http_request_t *r,
    ngx_http_weir_limit_item_t *item, weir_addr_t *prefix, uint64_t now);
static ngx_uint_t ngx_http_weir_limit_charge(
    ngx_http_weir_limit_item_t *first);
static void ngx_http_weir_limit_count(ngx_http_weir_limit_item_t *item,
    ngx_uint_t refused);
static ngx_int_t ngx_http_weir_limit_begin(ngx_conf_t *cf);
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
    ngx_http_weir_limit_begin,             /* preconfiguration */
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
    ngx_http_weir_ctx_t             *ctx;
    ngx_http_weir_limit_loc_conf_t  *llcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_limit_module);

    if (llcf->limits == NULL || !llcf->limits->identity) {

        ctx = ngx_http_weir_ctx_get(r);

        if (ctx == NULL
            || ngx_http_weir_duty(r, ctx, WEIR_POLICY_LIMIT, NULL) == NULL)
        {
            return NGX_DECLINED;
        }
    }

    return ngx_http_weir_limit_stage(r, llcf->limits, 0);
}


/* limits may be NULL where a policy obliges to others. */

static ngx_int_t
ngx_http_weir_limit_stage(ngx_http_request_t *r,
    ngx_http_weir_limits_t *limits, ngx_uint_t address)
{
    ngx_http_weir_ctx_t          *ctx;
    ngx_http_weir_limit_state_t  *state;
    ngx_http_weir_limit_round_t   round;

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

    round.state = state;

    if (ngx_http_weir_limit_round(r, ctx, &round, limits, address) != NGX_OK) {
        goto failed;
    }

    if (round.first == NULL && !round.refused) {
        return NGX_DECLINED;
    }

    if (!round.refused) {
        round.refused = ngx_http_weir_limit_charge(round.first);
    }

    state->refused = round.refused;

    ngx_http_weir_limit_count(round.first, round.refused);

    if (ngx_http_weir_limit_fields(r, ctx, state, limits) != NGX_OK) {
        goto failed;
    }

    if (!round.refused) {
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


/* Asks the quotas of the stage that were not asked for this request yet. */

static ngx_int_t
ngx_http_weir_limit_round(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_limit_round_t *round, ngx_http_weir_limits_t *limits,
    ngx_uint_t address)
{
    ngx_uint_t              i;
    ngx_http_weir_duty_t   *duty;
    ngx_http_weir_limit_t  *limit;

    /* a unix socket's address is unknown: its clients are one */

    if (ngx_http_weir_source(r, round->prefix.bytes) == NGX_OK) {
        round->prefix = weir_addr_client_prefix(&round->prefix);

    } else {
        ngx_memzero(&round->prefix, sizeof(weir_addr_t));
    }

    round->now = ngx_http_weir_monotonic();
    round->first = NULL;
    round->refused = 0;

    for (round->last = &round->state->items;
         *round->last;
         round->last = &(*round->last)->next)
    {
        /* void */
    }

    limit = limits ? limits->limits.elts : NULL;

    for (i = 0; limit && i < limits->limits.nelts; i++) {
        if (limit[i].quota->address == address
            && ngx_http_weir_limit_take(r, round, limit[i].quota,
                                       limit[i].shadow)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    duty = (ctx->duties && !address) ? ctx->duties->elts : NULL;

    for (i = 0; duty && i < ctx->duties->nelts; i++) {
        if (duty[i].kind == WEIR_POLICY_LIMIT
            && ngx_http_weir_limit_oblige(r, round, duty[i].object) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_limit_take(ngx_http_request_t *r,
    ngx_http_weir_limit_round_t *round, ngx_http_weir_quota_t *quota,
    ngx_uint_t shadow)
{
    ngx_http_weir_limit_item_t  *item;

    if (ngx_http_weir_limit_find(round->state, quota)) {
        return NGX_OK;
    }

    item = ngx_pcalloc(r->pool, sizeof(ngx_http_weir_limit_item_t));
    if (item == NULL) {
        return NGX_ERROR;
    }

    item->quota = quota;
    item->shadow = shadow;

    if (ngx_http_weir_limit_ask(r, item, &round->prefix, round->now)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    round->refused |= (item->over && !shadow);

    *round->last = item;
    round->last = &item->next;

    if (round->first == NULL) {
        round->first = item;
    }

    return NGX_OK;
}


/* What is a shadow in weir_limit is none where a policy says "limit". */

static ngx_int_t
ngx_http_weir_limit_oblige(ngx_http_request_t *r,
    ngx_http_weir_limit_round_t *round, ngx_http_weir_quota_t *quota)
{
    ngx_http_weir_limit_item_t      *item;
    ngx_http_weir_quota_counters_t  *counters;

    if (ngx_http_weir_limit_take(r, round, quota, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    item = ngx_http_weir_limit_find(round->state, quota);

    item->obliged = 1;

    if (item->shadow) {
        item->shadow = 0;

        if (item->over) {
            round->refused = 1;

            if (item->counted) {
                counters = ngx_http_weir_slab(quota->counters);
                ngx_http_weir_count(&counters->limited, 1);
            }
        }
    }

    return NGX_OK;
}


ngx_http_weir_limit_item_t *
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
        item->counted = 1;

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


static ngx_int_t
ngx_http_weir_limit_begin(ngx_conf_t *cf)
{
    ngx_http_weir_finder_add(cf, WEIR_POLICY_LIMIT, ngx_http_weir_limit_quota,
                             ngx_http_conf_get_module_main_conf(cf,
                                                ngx_http_weir_limit_module));

    return ngx_http_weir_limit_variables(cf);
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

    if (lmcf->limits.nelts
        && ngx_http_weir_handler_add(cf, NGX_HTTP_PREACCESS_PHASE,
                                     ngx_http_weir_limit_preaccess)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_weir_handler_add(cf, NGX_HTTP_PRECONTENT_PHASE,
                                     ngx_http_weir_limit_precontent);
}
