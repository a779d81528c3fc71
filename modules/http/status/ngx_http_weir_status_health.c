
/*
 * Weir: weir_health: probes for whoever sends traffic or restarts processes.
 * They ask for no identity and come from other machines: what they say is a
 * word or two, and allow and deny keep strangers away.
 */

#include "ngx_http_weir_status.h"


#define NGX_HTTP_WEIR_STATUS_WORDS  256


static ngx_int_t ngx_http_weir_status_live(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_status_ready(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_status_asked(ngx_http_request_t *r);


char *
ngx_http_weir_status_health(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t            *value;
    ngx_http_handler_pt   own;

    own = ngx_http_weir_conf(cf)->own_handler;

    if (own == ngx_http_weir_status_live || own == ngx_http_weir_status_ready)
    {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "live") == 0) {
        return ngx_http_weir_status_handler(cf, ngx_http_weir_status_live);
    }

    if (ngx_strcmp(value[1].data, "ready") == 0) {
        return ngx_http_weir_status_handler(cf, ngx_http_weir_status_ready);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\", it must be \"live\" or "
                       "\"ready\"", &value[1]);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_weir_status_asked(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx(r);

    return ctx ? ngx_http_weir_status_method(r, ctx)
               : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* That a worker answers is all of it. */

static ngx_int_t
ngx_http_weir_status_live(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = ngx_http_weir_status_asked(r);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_str_set(&text, "{\"status\":\"live\"}\n");

    return ngx_http_weir_status_answer(r, NGX_HTTP_OK, &text);
}


/* Zone, keys, bundle, draining; a store that is away unreadies nobody. */

static ngx_int_t
ngx_http_weir_status_ready(ngx_http_request_t *r)
{
    u_char                     *p, *last;
    ngx_int_t                   rc;
    ngx_str_t                   text;
    ngx_uint_t                  i, n;
    const char                 *what;
    ngx_array_t                *providers;
    ngx_http_weir_provider_t  **provider;

    rc = ngx_http_weir_status_asked(r);

    if (rc != NGX_OK) {
        return rc;
    }

    text.data = ngx_pnalloc(r->pool, NGX_HTTP_WEIR_STATUS_WORDS);

    if (text.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    last = text.data + NGX_HTTP_WEIR_STATUS_WORDS;
    p = ngx_slprintf(text.data, last, "{\"status\":\"unready\","
                     "\"failing\":[");
    n = 0;

    providers = ngx_http_weir_providers((ngx_cycle_t *) ngx_cycle);
    provider = providers->elts;

    for (i = 0; i < providers->nelts; i++) {

        what = provider[i]->unready
               ? provider[i]->unready((ngx_cycle_t *) ngx_cycle) : NULL;

        if (what) {
            p = ngx_slprintf(p, last, "%s\"%s\"", n++ ? "," : "", what);
        }
    }

    if (n == 0) {
        ngx_str_set(&text, "{\"status\":\"ready\"}\n");
        return ngx_http_weir_status_answer(r, NGX_HTTP_OK, &text);
    }

    text.len = ngx_slprintf(p, last, "]}\n") - text.data;

    return ngx_http_weir_status_answer(r, NGX_HTTP_SERVICE_UNAVAILABLE, &text);
}
