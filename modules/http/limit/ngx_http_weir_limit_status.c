
/*
 * Weir: quotas in logs, metrics and weir_api.
 */

#include "ngx_http_weir_limit.h"


static ngx_int_t ngx_http_weir_limit_variable_remaining(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_weir_limit_variable_tier(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_weir_limit_metrics(ngx_cycle_t *cycle,
    ngx_http_weir_text_t *t);
static ngx_int_t ngx_http_weir_limit_api(ngx_cycle_t *cycle, json_t *root);


ngx_http_weir_provider_t  ngx_http_weir_limit_provider = {
    ngx_http_weir_limit_metrics,
    ngx_http_weir_limit_api,
    NULL
};


static ngx_http_variable_t  ngx_http_weir_limit_vars[] = {

    { ngx_string("weir_limit_remaining"), NULL,
      ngx_http_weir_limit_variable_remaining, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_tier"), NULL, ngx_http_weir_limit_variable_tier, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static struct {
    const char  *name;
    size_t       offset;
} ngx_http_weir_limit_results[] = {
    { "admitted", offsetof(ngx_http_weir_quota_counters_t, admitted) },
    { "limited", offsetof(ngx_http_weir_quota_counters_t, limited) },
    { "shadow", offsetof(ngx_http_weir_quota_counters_t, shadow) }
};


ngx_int_t
ngx_http_weir_limit_variables(ngx_conf_t *cf)
{
    return ngx_http_weir_variables_add(cf, ngx_http_weir_limit_vars);
}


/* The least that is left of the quotas that were asked; empty: none was. */

static ngx_int_t
ngx_http_weir_limit_variable_remaining(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                       *p;
    ngx_http_weir_ctx_t          *ctx;
    ngx_http_weir_limit_state_t  *state;

    ctx = ngx_http_weir_ctx_get(r);
    state = ctx ? ctx->state[NGX_HTTP_WEIR_STATE_LIMIT] : NULL;

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = 0;
    v->data = (u_char *) "";

    if (state == NULL || !state->counted) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;
    v->len = ngx_sprintf(p, "%uL", state->remaining) - p;

    return NGX_OK;
}


/*
 * The quota that the policy charges; of several the one that admits the least
 * in the long run, of equal ones the first in byte order.
 */

static ngx_int_t
ngx_http_weir_limit_variable_tier(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_uint_t              i;
    ngx_http_weir_ctx_t    *ctx;
    ngx_http_weir_duty_t   *duty;
    ngx_http_weir_quota_t  *quota, *least;

    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;
    v->len = 0;
    v->data = (u_char *) "";

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx == NULL || !ctx->decided || ctx->duties == NULL) {
        return NGX_OK;
    }

    least = NULL;
    duty = ctx->duties->elts;

    for (i = 0; i < ctx->duties->nelts; i++) {

        if (duty[i].kind != WEIR_POLICY_LIMIT) {
            continue;
        }

        quota = duty[i].object;

        if (least == NULL
            || quota->rate.interval * quota->cost
               > least->rate.interval * least->cost)
        {
            least = quota;
        }
    }

    if (least) {
        v->len = least->name.len;
        v->data = least->name.data;
    }

    return NGX_OK;
}


static void
ngx_http_weir_limit_metrics(ngx_cycle_t *cycle, ngx_http_weir_text_t *t)
{
    uint64_t                           evictions;
    ngx_uint_t                         i, k;
    ngx_http_weir_quota_t            **quota;
    ngx_http_weir_limit_main_conf_t   *lmcf;

    lmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_limit_module);
    quota = lmcf->quotas.elts;
    evictions = 0;

    ngx_http_weir_family(t, "weir_limit_requests", "counter", NULL,
                         "Requests by quota and what became of them.");

    for (i = 0; i < lmcf->quotas.nelts; i++) {

        for (k = 0; k < 3; k++) {
            ngx_http_weir_text(t, "weir_limit_requests_total{quota=\"%V\","
                               "result=\"%s\"} %uL\n", &quota[i]->name,
                               ngx_http_weir_limit_results[k].name,
                               ngx_http_weir_slab_sum(quota[i]->counters,
                                     ngx_http_weir_limit_results[k].offset));
        }

        evictions += ngx_http_weir_slab_sum(quota[i]->counters,
                          offsetof(ngx_http_weir_quota_counters_t, evictions));
    }

    ngx_http_weir_family(t, "weir_limit_evictions", "counter", NULL,
                         "Keys forgotten while they counted, for want of "
                         "room.");

    ngx_http_weir_text(t, "weir_limit_evictions_total %uL\n", evictions);
}


static ngx_int_t
ngx_http_weir_limit_api(ngx_cycle_t *cycle, json_t *root)
{
    json_t                            *limits, *limit;
    ngx_uint_t                         i, k;
    ngx_http_weir_quota_t            **quota;
    ngx_http_weir_limit_main_conf_t   *lmcf;

    lmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_limit_module);
    quota = lmcf->quotas.elts;

    limits = json_object();

    for (i = 0; i < lmcf->quotas.nelts; i++) {

        limit = json_object();

        for (k = 0; k < 3; k++) {
            if (json_object_set_new(limit, ngx_http_weir_limit_results[k].name,
                    json_integer((json_int_t)
                        ngx_http_weir_slab_sum(quota[i]->counters,
                                     ngx_http_weir_limit_results[k].offset)))
                != 0)
            {
                json_decref(limit);
                goto failed;
            }
        }

        if (json_object_setn_new_nocheck(limits,
                                         (char *) quota[i]->name.data,
                                         quota[i]->name.len, limit)
            != 0)
        {
            goto failed;
        }
    }

    return json_object_set_new(root, "limits", limits) == 0 ? NGX_OK
                                                            : NGX_ERROR;

failed:

    json_decref(limits);

    return NGX_ERROR;
}
