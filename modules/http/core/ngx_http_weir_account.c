
/*
 * Weir: what became of each request: the variables that logs read, the
 * counters of services, and the text that metrics are written in.
 */

#include "ngx_http_weir_core.h"


static ngx_int_t ngx_http_weir_variable_verdict(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_weir_variable_str(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_weir_variable_origin(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_weir_variable_latency(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_weir_variable_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_weir_metrics(ngx_cycle_t *cycle,
    ngx_http_weir_text_t *t);
static ngx_int_t ngx_http_weir_api(ngx_cycle_t *cycle, json_t *root);


const char  *ngx_http_weir_verdicts[] = {
    "none", "permit", "deny", "unauthenticated", "limited", "refused", "error"
};


ngx_http_weir_provider_t  ngx_http_weir_provider = {
    ngx_http_weir_metrics,
    ngx_http_weir_api,
    ngx_http_weir_unready
};


static ngx_http_variable_t  ngx_http_weir_variables[] = {

    { ngx_string("weir_verdict"), NULL, ngx_http_weir_variable_verdict, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_reason"), NULL, ngx_http_weir_variable_str,
      offsetof(ngx_http_weir_ctx_t, reason), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_origin"), NULL, ngx_http_weir_variable_origin, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_latency_us"), NULL, ngx_http_weir_variable_latency, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_decision_id"), NULL, ngx_http_weir_variable_id, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_weir_add_variables(ngx_conf_t *cf)
{
    return ngx_http_weir_variables_add(cf, ngx_http_weir_variables);
}


static ngx_int_t
ngx_http_weir_variable_set(ngx_http_variable_value_t *v, const void *data,
    size_t len)
{
    v->len = len;
    v->data = (u_char *) data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_variable_verdict(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char           *verdict;
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx_get(r);
    verdict = ngx_http_weir_verdicts[ctx ? ctx->verdict : NGX_HTTP_WEIR_NONE];

    return ngx_http_weir_variable_set(v, verdict, ngx_strlen(verdict));
}


static ngx_int_t
ngx_http_weir_variable_str(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t            *s;
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx == NULL) {
        return ngx_http_weir_variable_set(v, "", 0);
    }

    s = (ngx_str_t *) ((u_char *) ctx + data);

    return ngx_http_weir_variable_set(v, s->data, s->len);
}


static ngx_int_t
ngx_http_weir_variable_origin(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx && ctx->answered) {
        return ngx_http_weir_variable_set(v, "weir", sizeof("weir") - 1);
    }

    /* the header that was sent was an upstream's, perhaps of a cache */

    if (r->main->upstream
        && (r->main->upstream->header_sent
#if (NGX_HTTP_CACHE)
            || r->main->cached
#endif
        ))
    {
        return ngx_http_weir_variable_set(v, "upstream",
                                          sizeof("upstream") - 1);
    }

    return ngx_http_weir_variable_set(v, "nginx", sizeof("nginx") - 1);
}


static ngx_int_t
ngx_http_weir_variable_latency(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char               *p;
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx == NULL) {
        return ngx_http_weir_variable_set(v, "", 0);
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    /*
     * nginx's scripts ask twice, for the length and then for the digits: it
     * must not grow in between.  No script outlasts a turn of the event loop.
     */

    if (!ctx->latency_fixed
        && (!ctx->latency_read || ctx->latency_msec != ngx_current_msec))
    {
        ctx->latency_us = ngx_http_weir_latency(r, ctx);
        ctx->latency_msec = ngx_current_msec;
        ctx->latency_read = 1;
    }

    return ngx_http_weir_variable_set(v, p,
                                    ngx_sprintf(p, "%uL", ctx->latency_us)
                                    - p);
}


static ngx_int_t
ngx_http_weir_variable_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx == NULL || ctx->verdict == NGX_HTTP_WEIR_NONE) {
        return ngx_http_weir_variable_set(v, "", 0);
    }

    if (!ctx->has_id) {
        if (ngx_http_weir_random_id(ctx->decision_id) != NGX_OK) {
            return NGX_ERROR;
        }

        ctx->has_id = 1;
    }

    return ngx_http_weir_variable_set(v, ctx->decision_id,
                                      sizeof(ctx->decision_id));
}


ngx_int_t
ngx_http_weir_service_add(ngx_conf_t *cf, ngx_http_weir_loc_conf_t *lcf)
{
    ngx_str_t                   name;
    ngx_uint_t                  i;
    ngx_http_weir_service_t    *s;
    ngx_http_weir_main_conf_t  *mcf;

    if (lcf->service.len) {
        name = lcf->service;

    } else if (lcf->policy.len) {
        name = lcf->policy;

    } else {
        ngx_str_set(&name, "default");
    }

    mcf = ngx_http_weir_main(cf);
    s = mcf->services.elts;

    for (i = 0; i < mcf->services.nelts; i++) {
        if (s[i].name.len == name.len
            && ngx_memcmp(s[i].name.data, name.data, name.len) == 0)
        {
            lcf->counters = s[i].counters;
            return NGX_OK;
        }
    }

    s = ngx_array_push(&mcf->services);
    if (s == NULL) {
        return NGX_ERROR;
    }

    s->name = name;
    s->counters = ngx_http_weir_slab_add(cf, "service", &name,
                                         sizeof(ngx_http_weir_counters_t));
    if (s->counters == NULL) {
        return NGX_ERROR;
    }

    lcf->counters = s->counters;

    return NGX_OK;
}


/*
 * Every main request counts once.  The handler stands before the access
 * log's, so that the latency that is logged is the one that is counted.
 */

ngx_int_t
ngx_http_weir_log_handler(ngx_http_request_t *r)
{
    uint64_t                   le;
    ngx_uint_t                 i;
    ngx_http_weir_ctx_t       *ctx;
    ngx_http_weir_counters_t  *c;
    ngx_http_weir_loc_conf_t  *lcf;

    if (r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    /* no phase ran where the request did not parse: no forged name is logged */

    (void) ngx_http_weir_strip(r, ctx);

    ctx->latency_us = ngx_http_weir_latency(r, ctx);
    ctx->latency_fixed = 1;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);
    c = ngx_http_weir_slab(lcf->counters);

    ngx_http_weir_count(&c->verdicts[ctx->verdict], 1);
    ngx_http_weir_count(&c->sum_us, ctx->latency_us);

    /* le: 2^-10 s to 2^6 s, compared without a fraction */

    for (i = 0, le = 1000000; i < NGX_HTTP_WEIR_BUCKETS; i++, le <<= 1) {
        if (ctx->latency_us * 1024 <= le) {
            break;
        }
    }

    ngx_http_weir_count(&c->buckets[i], 1);

    return NGX_OK;
}


static uint64_t
ngx_http_weir_sum(ngx_http_weir_service_t *s, ngx_uint_t n, uint64_t *counter,
    void *base)
{
    return ngx_http_weir_slab_sum(s[n].counters,
                                  (u_char *) counter - (u_char *) base);
}


static void
ngx_http_weir_metrics(ngx_cycle_t *cycle, ngx_http_weir_text_t *t)
{
    uint64_t                    n, sum;
    ngx_uint_t                  i, k;
    ngx_http_weir_service_t    *s;
    ngx_http_weir_counters_t    c;
    ngx_http_weir_main_conf_t  *mcf;

    static const char  *le[] = {
        "0.0009765625", "0.001953125", "0.00390625", "0.0078125", "0.015625",
        "0.03125", "0.0625", "0.125", "0.25", "0.5", "1.0", "2.0", "4.0",
        "8.0", "16.0", "32.0", "64.0", "+Inf"
    };

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_weir_module);
    s = mcf->services.elts;

    ngx_http_weir_family(t, "weir_requests", "counter", NULL,
                         "Client requests by service and verdict.");

    for (i = 0; i < mcf->services.nelts; i++) {
        for (k = 0; k < NGX_HTTP_WEIR_VERDICTS; k++) {
            ngx_http_weir_text(t, "weir_requests_total{service=\"%V\","
                               "verdict=\"%s\"} %uL\n", &s[i].name,
                               ngx_http_weir_verdicts[k],
                               ngx_http_weir_sum(s, i, &c.verdicts[k], &c));
        }
    }

    ngx_http_weir_family(t, "weir_request_duration_seconds", "histogram",
                         "seconds", "Time from a request's header to its end.");

    for (i = 0; i < mcf->services.nelts; i++) {

        for (n = 0, k = 0; k <= NGX_HTTP_WEIR_BUCKETS; k++) {
            n += ngx_http_weir_sum(s, i, &c.buckets[k], &c);

            ngx_http_weir_text(t, "weir_request_duration_seconds_bucket{"
                               "service=\"%V\",le=\"%s\"} %uL\n",
                               &s[i].name, le[k], n);
        }

        sum = ngx_http_weir_sum(s, i, &c.sum_us, &c);

        ngx_http_weir_text(t, "weir_request_duration_seconds_sum{"
                           "service=\"%V\"} %uL.%06uL\n"
                           "weir_request_duration_seconds_count{"
                           "service=\"%V\"} %uL\n", &s[i].name,
                           sum / 1000000, sum % 1000000, &s[i].name, n);
    }
}


static ngx_int_t
ngx_http_weir_api(ngx_cycle_t *cycle, json_t *root)
{
    json_t                     *requests, *service;
    ngx_uint_t                  i, k;
    ngx_http_weir_service_t    *s;
    ngx_http_weir_counters_t    c;
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_weir_module);
    s = mcf->services.elts;

    requests = json_object();

    for (i = 0; i < mcf->services.nelts; i++) {
        service = json_object();

        for (k = 0; k < NGX_HTTP_WEIR_VERDICTS; k++) {
            (void) json_object_set_new(service, ngx_http_weir_verdicts[k],
                  json_integer(ngx_http_weir_sum(s, i, &c.verdicts[k], &c)));
        }

        (void) json_object_setn_new_nocheck(requests,
                              (char *) s[i].name.data, s[i].name.len, service);
    }

    if (json_object_set_new(root, "node",
                            json_stringn((char *) mcf->node.data,
                                         mcf->node.len))
        != 0)
    {
        json_decref(requests);
        return NGX_ERROR;
    }

    return json_object_set_new(root, "requests", requests) == 0
           ? NGX_OK : NGX_ERROR;
}


void
ngx_http_weir_text(ngx_http_weir_text_t *t, const char *fmt, ...)
{
    u_char       *p, line[1024];
    size_t        len;
    va_list       args;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (t->failed) {
        return;
    }

    va_start(args, fmt);
    p = ngx_vslprintf(line, line + sizeof(line), fmt, args);
    va_end(args);

    len = p - line;
    cl = t->last;

    if (len == sizeof(line)) {
        t->failed = 1;
        return;
    }

    if (cl == NULL || (size_t) (cl->buf->end - cl->buf->last) < len) {

        b = ngx_create_temp_buf(t->pool, 16384);
        cl = ngx_alloc_chain_link(t->pool);

        if (b == NULL || cl == NULL) {
            t->failed = 1;
            return;
        }

        cl->buf = b;
        cl->next = NULL;

        if (t->last) {
            t->last->next = cl;
        } else {
            t->first = cl;
        }

        t->last = cl;
    }

    cl->buf->last = ngx_cpymem(cl->buf->last, line, len);
    t->size += len;
}


void
ngx_http_weir_family(ngx_http_weir_text_t *t, const char *name,
    const char *type, const char *unit, const char *help)
{
    ngx_http_weir_text(t, "# TYPE %s %s\n", name, type);

    if (unit) {
        ngx_http_weir_text(t, "# UNIT %s %s\n", name, unit);
    }

    ngx_http_weir_text(t, "# HELP %s %s\n", name, help);
}
