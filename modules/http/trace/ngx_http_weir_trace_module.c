
/*
 * Weir: tracing in nginx: directives, the handler that runs in precontent
 * before nginx's own (try_files, mirror), variables, the request id of every
 * answer, and the count of contexts.
 */

#include "ngx_http_weir_trace.h"


static ngx_int_t ngx_http_weir_trace_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_trace_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_trace_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_weir_trace_metrics(ngx_cycle_t *cycle,
    ngx_http_weir_text_t *t);
static char *ngx_http_weir_trace_later(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void *ngx_http_weir_trace_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_weir_trace_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_weir_trace_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_weir_trace_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_trace_init(ngx_conf_t *cf);


/* "on" will also export spans; until then it propagates. */

static ngx_conf_enum_t  ngx_http_weir_trace_modes[] = {
    { ngx_string("off"), NGX_HTTP_WEIR_TRACE_OFF },
    { ngx_string("propagate"), NGX_HTTP_WEIR_TRACE_PROPAGATE },
    { ngx_string("on"), NGX_HTTP_WEIR_TRACE_PROPAGATE },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_weir_trace_trusts[] = {
    { ngx_string("restart"), WEIR_TRACE_RESTART },
    { ngx_string("ids"), WEIR_TRACE_IDS },
    { ngx_string("full"), WEIR_TRACE_FULL },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_weir_trace_commands[] = {

    { ngx_string("weir_trace"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_weir_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_weir_trace_loc_conf_t, mode),
      &ngx_http_weir_trace_modes },

    { ngx_string("weir_trace_trust"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_weir_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_weir_trace_loc_conf_t, trust),
      &ngx_http_weir_trace_trusts },

    { ngx_string("weir_trace_sample"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_weir_trace_later,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_trace_export"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_weir_trace_later,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_trace_module_ctx = {
    ngx_http_weir_trace_add_variables,     /* preconfiguration */
    ngx_http_weir_trace_init,              /* postconfiguration */

    ngx_http_weir_trace_create_main_conf,  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_weir_trace_create_loc_conf,   /* create location configuration */
    ngx_http_weir_trace_merge_loc_conf     /* merge location configuration */
};


ngx_module_t  ngx_http_weir_trace_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_trace_module_ctx,       /* module context */
    ngx_http_weir_trace_commands,          /* module directives */
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


static ngx_http_variable_t  ngx_http_weir_trace_vars[] = {

    { ngx_string("weir_trace_id"), NULL, ngx_http_weir_trace_variable,
      offsetof(ngx_http_weir_trace_state_t, trace_id),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_span_id"), NULL, ngx_http_weir_trace_variable,
      offsetof(ngx_http_weir_trace_state_t, span_id),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_request_id"), NULL, ngx_http_weir_trace_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ngx_str_t  ngx_http_weir_trace_contexts = ngx_string("contexts");

static const char  *ngx_http_weir_trace_results[] = {
    "new", "continued", "restarted"
};

static ngx_http_weir_provider_t  ngx_http_weir_trace_provider = {
    ngx_http_weir_trace_metrics,
    NULL,
    NULL
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static ngx_int_t
ngx_http_weir_trace_handler(ngx_http_request_t *r)
{
    ngx_http_weir_trace_state_t     *st;
    ngx_http_weir_trace_loc_conf_t  *tlcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_trace_module);

    if (tlcf->mode == NGX_HTTP_WEIR_TRACE_OFF) {
        return NGX_DECLINED;
    }

    st = ngx_http_weir_trace_ids(r);

    if (st == NULL) {

        /* telemetry fails no request, and does not believe one either */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "weir: no ids for this request: "
                      "it goes on without a trace");

        ngx_http_weir_trace_drop(r);

        return NGX_DECLINED;
    }

    if (!st->written && ngx_http_weir_trace_write(r, st) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


/*
 * Runs before the core's filter, which adds X-Request-Id to the answer: what
 * was refused or returned before precontent has an id too.
 */

static ngx_int_t
ngx_http_weir_trace_filter(ngx_http_request_t *r)
{
    if (r == r->main) {
        (void) ngx_http_weir_trace_ids(r);
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_weir_trace_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                    *value;
    ngx_http_weir_trace_state_t  *st;

    st = ngx_http_weir_trace_ids(r);

    if (st == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    value = data ? (ngx_str_t *) ((u_char *) st + data)
                 : &ngx_http_weir_ctx_get(r)->request_id;

    if (value->len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = value->len;
    v->data = value->data;

    return NGX_OK;
}


static void
ngx_http_weir_trace_metrics(ngx_cycle_t *cycle, ngx_http_weir_text_t *t)
{
    ngx_uint_t                        i;
    ngx_http_weir_trace_main_conf_t  *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_trace_module);

    ngx_http_weir_family(t, "weir_trace_contexts", "counter", NULL,
                         "Trace contexts by what became of the client's.");

    for (i = 0; i < WEIR_TRACE_RESULTS; i++) {
        ngx_http_weir_text(t, "weir_trace_contexts_total{result=\"%s\"} %uL\n",
                           ngx_http_weir_trace_results[i],
                           ngx_http_weir_slab_sum(tmcf->contexts,
                                                  i * sizeof(uint64_t)));
    }
}


static char *
ngx_http_weir_trace_later(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" comes with a later release: "
                       "spans are not sampled or exported yet, "
                       "\"weir_trace propagate\" passes contexts on",
                       &cmd->name);

    return NGX_CONF_ERROR;
}


static void *
ngx_http_weir_trace_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_trace_main_conf_t));
}


static void *
ngx_http_weir_trace_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_weir_trace_loc_conf_t  *conf;

    conf = ngx_palloc(cf->pool, sizeof(ngx_http_weir_trace_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->mode = NGX_CONF_UNSET_UINT;
    conf->trust = NGX_CONF_UNSET_UINT;

    return conf;
}


static char *
ngx_http_weir_trace_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_weir_trace_loc_conf_t *prev = parent;
    ngx_http_weir_trace_loc_conf_t *conf = child;

    ngx_conf_merge_uint_value(conf->mode, prev->mode, NGX_HTTP_WEIR_TRACE_OFF);
    ngx_conf_merge_uint_value(conf->trust, prev->trust, WEIR_TRACE_RESTART);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_weir_trace_add_variables(ngx_conf_t *cf)
{
    return ngx_http_weir_variables_add(cf, ngx_http_weir_trace_vars);
}


static ngx_int_t
ngx_http_weir_trace_init(ngx_conf_t *cf)
{
    ngx_http_weir_trace_main_conf_t  *tmcf;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_weir_trace_filter;

    if (!ngx_http_weir_used(cf)) {
        return NGX_OK;
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_trace_module);

    tmcf->contexts = ngx_http_weir_slab_add(cf, "trace",
                                        &ngx_http_weir_trace_contexts,
                                        WEIR_TRACE_RESULTS * sizeof(uint64_t));
    if (tmcf->contexts == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_weir_provide(cf, &ngx_http_weir_trace_provider) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_weir_handler_add(cf, NGX_HTTP_PRECONTENT_PHASE,
                                     ngx_http_weir_trace_handler);
}
