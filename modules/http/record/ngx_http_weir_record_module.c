
/*
 * Weir: weir_decision_log.
 */

#include "ngx_http_weir_record.h"
#include "ngx_http_weir_store.h"


static ngx_int_t ngx_http_weir_record_handler(ngx_http_request_t *r);
static void ngx_http_weir_record_tell(ngx_http_weir_record_conf_t *rcf,
    ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_record_whose_t *whose);
static ngx_uint_t ngx_http_weir_record_admits(
    ngx_http_weir_record_conf_t *rcf, ngx_http_request_t *r,
    const ngx_http_weir_record_state_t *state);
static void ngx_http_weir_record_send(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w);
static char *ngx_http_weir_record_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_weir_record_rate(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_weir_record_conf_t *rcf);
static void *ngx_http_weir_record_create_main_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_record_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_record_init_process(ngx_cycle_t *cycle);
static void ngx_http_weir_record_exit_process(ngx_cycle_t *cycle);
static void ngx_http_weir_record_metrics(ngx_cycle_t *cycle,
    ngx_http_weir_text_t *t);
static ngx_int_t ngx_http_weir_record_api(ngx_cycle_t *cycle, json_t *root);


static const char  *ngx_http_weir_record_results[] = {
    "written", "sampled", "client", "full", "large", "error"
};


static ngx_http_weir_provider_t  ngx_http_weir_record_provider = {
    ngx_http_weir_record_metrics,
    ngx_http_weir_record_api,
    NULL
};


static ngx_command_t  ngx_http_weir_record_commands[] = {

    { ngx_string("weir_decision_log"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_weir_record_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_record_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_weir_record_init,             /* postconfiguration */

    ngx_http_weir_record_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_weir_record_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_record_module_ctx,      /* module context */
    ngx_http_weir_record_commands,         /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_weir_record_init_process,     /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_weir_record_exit_process,     /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* A worker's own: when the next deny of a client may be told. */

static uint64_t  ngx_http_weir_record_clients[NGX_HTTP_WEIR_RECORD_CLIENTS];


static ngx_int_t
ngx_http_weir_record_handler(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t           *ctx;
    ngx_http_weir_record_conf_t   *rcf;
    ngx_http_weir_record_whose_t   whose;

    if (r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx == NULL || ctx->verdict == NGX_HTTP_WEIR_NONE) {
        return NGX_OK;
    }

    rcf = ngx_http_get_module_main_conf(r, ngx_http_weir_record_module);

    if (!ctx->has_id) {

        if (ngx_http_weir_random_id(ctx->decision_id) != NGX_OK) {
            ngx_http_weir_record_count(rcf, NGX_HTTP_WEIR_RECORD_ERROR, 1);
            return NGX_OK;
        }

        ctx->has_id = 1;
    }

    whose.identity = ctx->identity;
    whose.id = ctx->decision_id;
    whose.status = r->err_status ? r->err_status : r->headers_out.status;

    ngx_http_weir_record_tell(rcf, r, ctx, &whose);

    return NGX_OK;
}


void
ngx_http_weir_record_answer(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_identity_t *identity, ngx_uint_t status)
{
    u_char                         id[32];
    ngx_http_weir_record_conf_t   *rcf;
    ngx_http_weir_record_whose_t   whose;

    rcf = ngx_http_get_module_main_conf(r, ngx_http_weir_record_module);

    if (!rcf->on) {
        return;
    }

    if (ngx_http_weir_random_id(id) != NGX_OK) {
        ngx_http_weir_record_count(rcf, NGX_HTTP_WEIR_RECORD_ERROR, 1);
        return;
    }

    whose.identity = identity;
    whose.id = id;
    whose.status = status;

    ngx_http_weir_record_tell(rcf, r, ctx, &whose);
}


static void
ngx_http_weir_record_tell(ngx_http_weir_record_conf_t *rcf,
    ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_record_whose_t *whose)
{
    u_char                         line[NGX_HTTP_WEIR_RECORD_LINE];
    ngx_int_t                      rc;
    ngx_uint_t                     permit;
    weir_record_t                  w;
    ngx_http_weir_record_state_t  *state;

    permit = (ctx->verdict == NGX_HTTP_WEIR_PERMIT);
    state = ctx->state[NGX_HTTP_WEIR_STATE_RECORD];

    if (permit) {

        if (state && state->sampled) {
            ngx_http_weir_record_count(rcf, NGX_HTTP_WEIR_RECORD_SAMPLED, 1);
            return;
        }

    } else if (!ngx_http_weir_record_admits(rcf, r, state)) {
        ngx_http_weir_record_count(rcf, NGX_HTTP_WEIR_RECORD_CLIENT, 1);
        return;
    }

    weir_record_init(&w, line, sizeof(line));

    rc = ngx_http_weir_record_line(rcf, r, ctx, whose, &w);

    if (rc != NGX_OK) {
        ngx_http_weir_record_count(rcf, rc == NGX_DECLINED
                                        ? NGX_HTTP_WEIR_RECORD_LARGE
                                        : NGX_HTTP_WEIR_RECORD_ERROR, 1);
        return;
    }

    if (rcf->syslog) {
        ngx_http_weir_record_send(rcf, &w);
        return;
    }

    ngx_http_weir_record_put(rcf, &w, permit);
}


/*
 * Clients that meet in a slot share what one of them may have.  Where others
 * ask (weir_decide), it is theirs who are asked about.
 */

static ngx_uint_t
ngx_http_weir_record_admits(ngx_http_weir_record_conf_t *rcf,
    ngx_http_request_t *r, const ngx_http_weir_record_state_t *state)
{
    uint64_t     now, *tat;
    weir_addr_t  addr;

    if (state && state->has_addr) {
        addr = state->addr;

    } else if (ngx_http_weir_source(r, addr.bytes) != NGX_OK) {
        ngx_memzero(&addr, sizeof(weir_addr_t));
    }

    addr = weir_addr_client_prefix(&addr);

    tat = &ngx_http_weir_record_clients[ngx_crc32_short(addr.bytes,
                                                       sizeof(addr.bytes))
                                        % NGX_HTTP_WEIR_RECORD_CLIENTS];
    now = ngx_http_weir_monotonic();

    if (!weir_rate_admits(&rcf->denies, *tat, now, 1)) {
        return 0;
    }

    *tat = ngx_max(*tat, now) + rcf->denies.interval;

    return 1;
}


/* A datagram goes at once or not at all. */

static void
ngx_http_weir_record_send(ngx_http_weir_record_conf_t *rcf, weir_record_t *w)
{
    u_char   *p, text[NGX_MAX_ERROR_STR + NGX_HTTP_WEIR_RECORD_LINE];
    ssize_t   n;

    p = ngx_syslog_add_header(rcf->syslog, text);
    p = ngx_cpymem(p, w->data, w->len - 1);

    n = ngx_syslog_send(rcf->syslog, text, p - text);

    ngx_http_weir_record_count(rcf, n == p - text
                                    ? NGX_HTTP_WEIR_RECORD_WRITTEN
                                    : NGX_HTTP_WEIR_RECORD_ERROR, 1);
}


void
ngx_http_weir_record_count(ngx_http_weir_record_conf_t *rcf,
    ngx_uint_t result, uint64_t n)
{
    uint64_t  *counters;

    counters = ngx_http_weir_slab(rcf->counters);

    ngx_http_weir_count(&counters[result], n);
}


/* weir_decision_log FILE|syslog:... [rate=Nr/s] */

static char *
ngx_http_weir_record_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_record_conf_t *rcf = conf;

    ngx_str_t  *value;

    ngx_http_weir_use(cf);

    if (rcf->on) {
        return "is duplicate";
    }

    rcf->on = 1;

    value = cf->args->elts;

    if (cf->args->nelts == 3
        && ngx_http_weir_record_rate(cf, &value[2], rcf) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_strncmp(value[1].data, "syslog:", 7) == 0) {

        rcf->syslog = ngx_pcalloc(cf->pool, sizeof(ngx_syslog_peer_t));
        if (rcf->syslog == NULL) {
            return NGX_CONF_ERROR;
        }

        return ngx_syslog_process_conf(cf, rcf->syslog);
    }

    if (value[1].len == 0) {
        return "needs a file";
    }

    return ngx_http_weir_record_open(cf, rcf, &value[1]);
}


static char *
ngx_http_weir_record_rate(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_weir_record_conf_t *rcf)
{
    weir_err_t  err;
    weir_str_t  rate;

    if (ngx_strncmp(value->data, "rate=", 5) != 0) {
        return ngx_http_weir_invalid(cf, value);
    }

    rate.data = value->data + 5;
    rate.len = value->len - 5;

    if (weir_rate_parse(rate, &rcf->rate, &err) != WEIR_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.text);
        return NGX_CONF_ERROR;
    }

    rcf->sample = 1;

    return NGX_CONF_OK;
}


static void *
ngx_http_weir_record_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_record_conf_t));
}


static ngx_int_t
ngx_http_weir_record_init(ngx_conf_t *cf)
{
    ngx_str_t                     name, trace_id, request_id;
    ngx_http_weir_record_conf_t  *rcf;

    rcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_record_module);

    if (!rcf->on) {
        return NGX_OK;
    }

    ngx_str_set(&name, "decision_log");
    ngx_str_set(&trace_id, "$weir_trace_id");
    ngx_str_set(&request_id, "$weir_request_id");

    rcf->counters = ngx_http_weir_slab_add(cf, "records", &name,
                                           NGX_HTTP_WEIR_RECORD_RESULTS
                                           * sizeof(uint64_t));
    rcf->tat = ngx_http_weir_block_add(cf, NGX_HTTP_WEIR_AREA_SLO, "sample",
                                       &name, sizeof(uint64_t));
    rcf->torn = ngx_http_weir_block_add(cf, NGX_HTTP_WEIR_AREA_SLO, "torn",
                                        &name, sizeof(uint64_t));

    if (rcf->counters == NULL || rcf->tat == NULL || rcf->torn == NULL
        || ngx_http_weir_value_compile(cf, &trace_id, &rcf->trace_id)
           != NGX_CONF_OK
        || ngx_http_weir_value_compile(cf, &request_id, &rcf->request_id)
           != NGX_CONF_OK
        || ngx_http_weir_secret(cf, "decision log", rcf->key) != NGX_OK
        || weir_rate_parse(weir_str(NGX_HTTP_WEIR_RECORD_RATE), &rcf->denies,
                           NULL)
           != WEIR_OK
        || weir_rate_burst(&rcf->denies, NGX_HTTP_WEIR_RECORD_BURST, NULL)
           != WEIR_OK)
    {
        return NGX_ERROR;
    }

    if (rcf->file) {

#if (NGX_THREADS)

        rcf->pool = ngx_http_weir_thread_pool(cf);
        if (rcf->pool == NULL) {
            return NGX_ERROR;
        }

#else

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"weir_decision_log\" needs an nginx with threads: it "
                      "was built without --with-threads");
        return NGX_ERROR;

#endif
    }

    if (ngx_http_weir_provide(cf, &ngx_http_weir_record_provider) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_weir_handler_add(cf, NGX_HTTP_LOG_PHASE,
                                     ngx_http_weir_record_handler);
}


static ngx_int_t
ngx_http_weir_record_init_process(ngx_cycle_t *cycle)
{
    ngx_http_weir_record_conf_t  *rcf;

    rcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_record_module);

    if (rcf == NULL || rcf->file == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    return ngx_http_weir_record_start(cycle, rcf);
}


static void
ngx_http_weir_record_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_weir_record_conf_t  *rcf;

    rcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_record_module);

    if (rcf && rcf->file) {
        ngx_http_weir_record_stop(rcf);
    }
}


static void
ngx_http_weir_record_metrics(ngx_cycle_t *cycle, ngx_http_weir_text_t *t)
{
    ngx_uint_t                    i;
    ngx_http_weir_record_conf_t  *rcf;

    rcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_record_module);

    ngx_http_weir_family(t, "weir_decision_log_records", "counter", NULL,
                         "Records of decisions by what became of them.");

    for (i = 0; i < NGX_HTTP_WEIR_RECORD_RESULTS; i++) {
        ngx_http_weir_text(t, "weir_decision_log_records_total{result=\"%s\"} "
                           "%uL\n", ngx_http_weir_record_results[i],
                           ngx_http_weir_slab_sum(rcf->counters,
                                                  i * sizeof(uint64_t)));
    }
}


static ngx_int_t
ngx_http_weir_record_api(ngx_cycle_t *cycle, json_t *root)
{
    json_t                       *json;
    ngx_uint_t                    i;
    ngx_http_weir_record_conf_t  *rcf;

    rcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_record_module);

    json = json_object();

    for (i = 0; i < NGX_HTTP_WEIR_RECORD_RESULTS; i++) {
        (void) json_object_set_new(json, ngx_http_weir_record_results[i],
                 json_integer((json_int_t)
                              ngx_http_weir_slab_sum(rcf->counters,
                                                     i * sizeof(uint64_t))));
    }

    return json_object_set_new(root, "decision_log", json) == 0 ? NGX_OK
                                                                : NGX_ERROR;
}
