
/*
 * Weir: weir_decide: the directive, and who may ask.
 */

#include "ngx_http_weir_decide.h"
#include "ngx_http_weir_auth.h"
#include "ngx_http_weir_status.h"


static ngx_int_t ngx_http_weir_decide_handler(ngx_http_request_t *r);
static char *ngx_http_weir_decide_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_uint_t ngx_http_weir_decide_is_authzen(ngx_str_t *name);
static void *ngx_http_weir_decide_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_weir_decide_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_weir_decide_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_weir_decide_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_weir_decide_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_decide_check(ngx_conf_t *cf,
    ngx_http_weir_loc_conf_t *lcf);
#if (NGX_HTTP_SSL)
static ngx_http_ssl_srv_conf_t *ngx_http_weir_decide_ssl(ngx_conf_t *cf,
    ngx_http_weir_loc_conf_t *lcf);
#endif


static ngx_command_t  ngx_http_weir_decide_commands[] = {

    { ngx_string("weir_decide"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_weir_decide_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_decide_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_weir_decide_init,             /* postconfiguration */

    ngx_http_weir_decide_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_weir_decide_create_srv_conf,  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_weir_decide_create_loc_conf,  /* create location configuration */
    ngx_http_weir_decide_merge_loc_conf    /* merge location configuration */
};


ngx_module_t  ngx_http_weir_decide_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_decide_module_ctx,      /* module context */
    ngx_http_weir_decide_commands,         /* module directives */
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


/*
 * The gate has let this request in as any other of its location; nobody asks
 * who is nobody.  A subrequest has neither a body nor headers of its own.
 */

static ngx_int_t
ngx_http_weir_decide_handler(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t              *ctx;
    ngx_http_weir_decide_loc_conf_t  *dlcf;

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    if (ctx->identity == NULL && !ngx_http_weir_policy_certified(r)) {
        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_UNAUTHORIZED,
                                    NGX_HTTP_WEIR_UNAUTHENTICATED, "missing");
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_decide_module);

    if (dlcf->asked == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return dlcf->authzen ? ngx_http_weir_decide_authzen(r, ctx, dlcf)
                         : ngx_http_weir_decide_headers(r, ctx, dlcf);
}


/* weir_decide NAME [authzen|headers] */

static char *
ngx_http_weir_decide_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_decide_loc_conf_t *dlcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    ngx_http_weir_uses(cf);

    if (dlcf->asked) {
        return "is duplicate";
    }

    value = cf->args->elts;
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->named
#if (NGX_PCRE)
        || clcf->regex
#endif
        )
    {
        return "needs a location that is a prefix, or exact";
    }

    if (!ngx_http_weir_name(cf, "policy", &value[1])) {
        return NGX_CONF_ERROR;
    }

    dlcf->prefix = clcf->name;

    if (dlcf->prefix.len
        && dlcf->prefix.data[dlcf->prefix.len - 1] == '/')
    {
        dlcf->prefix.len--;
    }

    if (cf->args->nelts == 2) {
        dlcf->authzen = ngx_http_weir_decide_is_authzen(&dlcf->prefix);

    } else if (ngx_strcmp(value[2].data, "authzen") == 0) {
        dlcf->authzen = 1;

    } else if (ngx_strcmp(value[2].data, "headers") != 0) {
        return ngx_http_weir_invalid(cf, &value[2]);
    }

    dlcf->asked = ngx_http_weir_policy_ask(cf, &value[1]);
    if (dlcf->asked == NULL) {
        return NGX_CONF_ERROR;
    }

    dlcf->asked->any = dlcf->authzen;

    ngx_http_weir_conf(cf)->decides = 1;

    return ngx_http_weir_status_handler(cf, ngx_http_weir_decide_handler);
}


static ngx_uint_t
ngx_http_weir_decide_is_authzen(ngx_str_t *name)
{
    ngx_str_t  *end;

    static ngx_str_t  ends[] = {
        ngx_string("/access/v1"),
        ngx_string("/access/v1/evaluation"),
        ngx_string("/access/v1/evaluations"),
        ngx_null_string
    };

    for (end = ends; end->len; end++) {
        if (name->len >= end->len
            && ngx_memcmp(name->data + name->len - end->len, end->data,
                          end->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void *
ngx_http_weir_decide_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_decide_main_conf_t));
}


static void *
ngx_http_weir_decide_create_srv_conf(ngx_conf_t *cf)
{
    ngx_http_weir_decide_srv_conf_t  *dscf;

    dscf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_decide_srv_conf_t));

    if (dscf == NULL
        || ngx_array_init(&dscf->below, cf->pool, 1, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NULL;
    }

    return dscf;
}


static void *
ngx_http_weir_decide_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_decide_loc_conf_t));
}


/* "if" and "limit_except" ask what their location does. */

static char *
ngx_http_weir_decide_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_weir_decide_loc_conf_t  *prev = parent;
    ngx_http_weir_decide_loc_conf_t  *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (!clcf->noname || prev->asked == NULL) {
        return NGX_CONF_OK;
    }

    if (clcf->handler && clcf->handler != ngx_http_weir_decide_handler) {
        return "\"weir_decide\" stands beside another handler in a block of "
               "its location";
    }

    clcf->handler = ngx_http_weir_decide_handler;

    *conf = *prev;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_weir_decide_init(ngx_conf_t *cf)
{
    u_char                            *lowcase;
    ngx_str_t                         *name;
    ngx_uint_t                         i;
    ngx_array_t                       *locations, *issuers;
    ngx_http_weir_loc_conf_t         **lcf;
    ngx_http_weir_decide_main_conf_t  *dmcf;

    if (!ngx_http_weir_used(cf)) {
        return NGX_OK;
    }

    dmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_decide_module);

    dmcf->identity = ngx_http_weir_identity_headers(ngx_http_weir_finders(cf),
                                                    cf->pool);
    issuers = ngx_http_weir_auth_issuer_names(cf);

    if (dmcf->identity == NULL || issuers == NULL) {
        return NGX_ERROR;
    }

    name = dmcf->identity->elts;

    for (i = 0; i < dmcf->identity->nelts; i++) {

        lowcase = ngx_pcalloc(cf->pool, name[i].len + 1);
        if (lowcase == NULL) {
            return NGX_ERROR;
        }

        ngx_strlow(lowcase, name[i].data, name[i].len);
        name[i].data = lowcase;
    }

    if (issuers->nelts == 1) {
        dmcf->issuer = *(ngx_str_t *) issuers->elts;
    }

    locations = ngx_http_weir_locations(cf);
    lcf = locations->elts;

    for (i = 0; i < locations->nelts; i++) {
        if (lcf[i]->decides
            && ngx_http_weir_decide_check(cf, lcf[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_weir_decide_below_init(cf);
}


/* Could anybody ask there, and may not everybody? */

static ngx_int_t
ngx_http_weir_decide_check(ngx_conf_t *cf, ngx_http_weir_loc_conf_t *lcf)
{
    ngx_uint_t                 verify;
    ngx_http_core_loc_conf_t  *clcf;
#if (NGX_HTTP_SSL)
    ngx_http_ssl_srv_conf_t   *sscf;
#endif

    /* whoever asks takes a page with 200 for a permit */

    clcf = lcf->loc_conf[ngx_http_core_module.ctx_index];
    clcf->error_pages = NULL;

    if (lcf->noname) {
        return NGX_OK;
    }

    verify = 0;

#if (NGX_HTTP_SSL)

    sscf = ngx_http_weir_decide_ssl(cf, lcf);

    if (sscf) {
        verify = sscf->verify;

        if (verify && lcf->auth_set != 2 && sscf->session_tickets) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"weir_decide\" in location \"%V\" does not know "
                          "who asks in a resumed TLS session: say "
                          "\"ssl_session_tickets off\" in its server in "
                          "%V:%ui", &lcf->name, &lcf->file, lcf->line);
        }
    }

#endif

    if (lcf->auth_set != 2 && !verify) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"weir_decide\" in location \"%V\" needs "
                      "\"weir_auth\", or \"ssl_verify_client\" in its server, "
                      "in %V:%ui", &lcf->name, &lcf->file, lcf->line);
        return NGX_ERROR;
    }

    if (lcf->policy_set != 2 || lcf->shadow) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"weir_decide\" in location \"%V\" has no "
                      "\"weir_policy\": whoever has a credential may ask in "
                      "%V:%ui", &lcf->name, &lcf->file, lcf->line);
    }

    return NGX_OK;
}


#if (NGX_HTTP_SSL)

static ngx_http_ssl_srv_conf_t *
ngx_http_weir_decide_ssl(ngx_conf_t *cf, ngx_http_weir_loc_conf_t *lcf)
{
    void                       **conf;
    ngx_uint_t                   i;
    ngx_http_core_srv_conf_t   **cscfp;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {

        conf = cscfp[i]->ctx->srv_conf;

        if (conf[ngx_http_weir_module.ctx_index] == lcf->srv) {
            return conf[ngx_http_ssl_module.ctx_index];
        }
    }

    return NULL;
}

#endif
