
/*
 * Weir: weir_metrics and weir_api: content handlers that put together what
 * the areas tell of themselves.  They read, and nothing else.
 */

#include "ngx_http_weir_status.h"


static ngx_int_t ngx_http_weir_status_metrics_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_status_api_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_status_admit(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_status_send(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_chain_t *out, off_t size);
static char *ngx_http_weir_status_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_weir_status_later(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void *ngx_http_weir_status_create_srv_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_status_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_status_init_module(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_weir_status_commands[] = {

    { ngx_string("weir_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_weir_status_directive,
      0,
      0,
      ngx_http_weir_status_metrics_handler },

    { ngx_string("weir_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_weir_status_directive,
      0,
      0,
      ngx_http_weir_status_api_handler },

    { ngx_string("weir_dashboard"),
      NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_weir_status_later,
      0,
      0,
      NULL },

    { ngx_string("weir_health"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_weir_status_health,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_status_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_weir_status_init,             /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_weir_status_create_srv_conf,  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_weir_status_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_status_module_ctx,      /* module context */
    ngx_http_weir_status_commands,         /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_weir_status_init_module,      /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_weir_status_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_str_t                   type;
    ngx_uint_t                  i;
    ngx_array_t                *providers;
    ngx_http_weir_text_t        t;
    ngx_http_weir_provider_t  **p;

    rc = ngx_http_weir_status_admit(r);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&t, sizeof(ngx_http_weir_text_t));
    t.pool = r->pool;

    providers = ngx_http_weir_providers((ngx_cycle_t *) ngx_cycle);
    p = providers->elts;

    for (i = 0; i < providers->nelts; i++) {
        if (p[i]->metrics) {
            p[i]->metrics((ngx_cycle_t *) ngx_cycle, &t);
        }
    }

    ngx_http_weir_text(&t, "# EOF\n");

    if (t.failed) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_set(&type, "application/openmetrics-text; version=1.0.0; "
                       "charset=utf-8");

    return ngx_http_weir_status_send(r, NGX_HTTP_OK, &type, t.first, t.size);
}


static ngx_int_t
ngx_http_weir_status_api_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = ngx_http_weir_status_admit(r);

    if (rc != NGX_OK) {
        return rc;
    }

    text = ngx_http_weir_status_json(r);

    if (text.len == 0) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_weir_status_answer(r, NGX_HTTP_OK, &text);
}


static ngx_int_t
ngx_http_weir_status_admit(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t       *ctx;
    ngx_http_weir_loc_conf_t  *lcf;

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);

    /* where a policy stands the gate has asked it already */

    /* what decides nothing protects nothing */

    if ((lcf->policy_set != 2 || lcf->shadow)
        && !ngx_http_weir_status_local(r))
    {
        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_FORBIDDEN,
                                    NGX_HTTP_WEIR_DENY, "closed-location");
    }

    return ngx_http_weir_status_method(r, ctx);
}


ngx_int_t
ngx_http_weir_status_method(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    ngx_str_t  value;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {

        ngx_str_set(&value, "GET, HEAD");

        if (ngx_http_weir_header_out(r, "Allow", &value) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_NOT_ALLOWED,
                                    NGX_HTTP_WEIR_REFUSED,
                                    "ambiguous-request");
    }

    /* a drain waits for requests, not for who looks at it */

    ngx_http_weir_flight(ctx, 0);

    return ngx_http_discard_request_body(r);
}


ngx_int_t
ngx_http_weir_status_answer(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *text)
{
    ngx_buf_t    *b;
    ngx_str_t     type;
    ngx_chain_t  *out;

    b = ngx_calloc_buf(r->pool);
    out = ngx_alloc_chain_link(r->pool);

    if (b == NULL || out == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->pos = text->data;
    b->last = text->data + text->len;
    b->memory = 1;

    out->buf = b;
    out->next = NULL;

    ngx_str_set(&type, "application/json");

    return ngx_http_weir_status_send(r, status, &type, out, text->len);
}


static ngx_int_t
ngx_http_weir_status_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_chain_t *out, off_t size)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_chain_t          *cl;
    ngx_http_weir_ctx_t  *ctx;

    static struct {
        const char  *name;
        ngx_str_t    value;
    } headers[] = {
        { "Cache-Control", ngx_string("no-store") },
        { "X-Content-Type-Options", ngx_string("nosniff") },
        { "Content-Security-Policy",
          ngx_string("default-src 'none'; frame-ancestors 'none'") },
        { NULL, ngx_null_string }
    };

    /* a condition (If-Match) is none on a page that has no version */

    r->disable_not_modified = 1;

    r->headers_out.status = status;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = size;

    for (i = 0; headers[i].name; i++) {
        if (ngx_http_weir_header_out(r, headers[i].name, &headers[i].value)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx) {
        ctx->answered = 1;
        ctx->own_content = 1;
    }

    for (cl = out; cl->next; cl = cl->next) { /* void */ }

    cl->buf->last_buf = (r == r->main);
    cl->buf->last_in_chain = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, out);
}


static char *
ngx_http_weir_status_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_weir_status_handler(cf, (ngx_http_handler_pt) cmd->post);
}


char *
ngx_http_weir_status_handler(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t  *clcf;

    ngx_http_weir_use(cf);

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == handler) {
        return "is duplicate";
    }

    if (clcf->handler) {
        return "stands beside another handler of the location";
    }

    clcf->handler = handler;

    ngx_http_weir_conf(cf)->own_handler = handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_status_later(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" comes with a later release of Weir",
                       &cmd->name);

    return NGX_CONF_ERROR;
}


static void *
ngx_http_weir_status_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_status_srv_conf_t));
}


static ngx_int_t
ngx_http_weir_status_init(ngx_conf_t *cf)
{
    void                              *names;
    ngx_uint_t                         i;
    ngx_http_core_srv_conf_t         **cscfp;
    ngx_http_core_main_conf_t         *cmcf;
    ngx_http_weir_status_srv_conf_t   *sscf;

    if (!ngx_http_weir_used(cf)) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {

        sscf = cscfp[i]->ctx->srv_conf[ngx_http_weir_status_module.ctx_index];

        if (ngx_array_init(&sscf->names, cf->pool,
                           cscfp[i]->server_names.nelts + 1,
                           sizeof(ngx_http_server_name_t))
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        names = ngx_array_push_n(&sscf->names, cscfp[i]->server_names.nelts);
        if (names == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(names, cscfp[i]->server_names.elts,
                   cscfp[i]->server_names.nelts
                   * sizeof(ngx_http_server_name_t));
    }

    return ngx_http_weir_provide(cf, &ngx_http_weir_status_provider);
}


/* Runs in the master at every reload too; statics of its stay. */

static ngx_int_t
ngx_http_weir_status_init_module(ngx_cycle_t *cycle)
{
    if (ngx_http_weir_status_started == 0) {
        ngx_http_weir_status_started = ngx_http_weir_monotonic();
    }

    return NGX_OK;
}
