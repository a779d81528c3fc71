
/*
 * Weir: the core module, which names the shared object: the settings that
 * all areas build upon, the zone's life, and the first and the last handler
 * of a request.
 */

#include "ngx_http_weir_core.h"


static ngx_int_t ngx_http_weir_post_read(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_rewrite(ngx_http_request_t *r);
static void *ngx_http_weir_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_weir_create_srv_conf(ngx_conf_t *cf);
static char *ngx_http_weir_merge_srv_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void *ngx_http_weir_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_weir_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_weir_zone_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_weir_default(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_weir_preinit(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_weir_init_process(ngx_cycle_t *cycle);
static void ngx_http_weir_exit_process(ngx_cycle_t *cycle);


#define NGX_HTTP_WEIR_ALL                                                     \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)


static ngx_command_t  ngx_http_weir_commands[] = {

    { ngx_string("weir_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_weir_zone_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_node"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_weir_node,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_secret"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_weir_secret_file,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_default"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_weir_default,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_strip_headers"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_1MORE,
      ngx_http_weir_strip_names,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_weir_srv_conf_t, strip),
      NULL },

    { ngx_string("weir_pass_headers"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_1MORE,
      ngx_http_weir_strip_names,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_weir_srv_conf_t, pass),
      NULL },

    { ngx_string("weir_service"),
      NGX_HTTP_WEIR_ALL|NGX_CONF_TAKE1,
      ngx_http_weir_service,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_path_allow"),
      NGX_HTTP_WEIR_ALL|NGX_CONF_1MORE,
      ngx_http_weir_path_allow,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_method_override"),
      NGX_HTTP_WEIR_ALL|NGX_CONF_FLAG,
      ngx_http_weir_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_weir_loc_conf_t, method_override),
      NULL },

    { ngx_string("weir_accel"),
      NGX_HTTP_WEIR_ALL|NGX_CONF_FLAG,
      ngx_http_weir_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_weir_loc_conf_t, accel),
      NULL },

    { ngx_string("weir_cache_public"),
      NGX_HTTP_WEIR_ALL|NGX_CONF_FLAG,
      ngx_http_weir_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_weir_loc_conf_t, cache_public),
      NULL },

    { ngx_string("weir_mint"),
      NGX_HTTP_WEIR_ALL|NGX_CONF_BLOCK|NGX_CONF_ANY,
      ngx_http_weir_later,
      0,
      0,
      NULL },

    { ngx_string("weir_cors"),
      NGX_HTTP_WEIR_ALL|NGX_CONF_BLOCK|NGX_CONF_ANY,
      ngx_http_weir_later,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_module_ctx = {
    ngx_http_weir_preinit,                 /* preconfiguration */
    ngx_http_weir_init,                    /* postconfiguration */

    ngx_http_weir_create_main_conf,        /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_weir_create_srv_conf,         /* create server configuration */
    ngx_http_weir_merge_srv_conf,          /* merge server configuration */

    ngx_http_weir_create_loc_conf,         /* create location configuration */
    ngx_http_weir_merge_loc_conf           /* merge location configuration */
};


ngx_module_t  ngx_http_weir_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_module_ctx,             /* module context */
    ngx_http_weir_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_weir_init_module,             /* init module */
    ngx_http_weir_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_weir_exit_process,            /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/*
 * Runs before realip, as it is registered later.  Skipped by nginx when the
 * request does not parse: an error_page then comes by server-rewrite, or by
 * rewrite if its location is a named one.
 */

static ngx_int_t
ngx_http_weir_post_read(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_weir_source(r, ctx->peer) == NGX_OK) {
        ctx->has_peer = 1;
    }

    return ngx_http_weir_strip(r, ctx) == NGX_OK
           ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_weir_rewrite(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t  *ctx;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_weir_strip(r, ctx) == NGX_OK
           ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


ngx_http_weir_main_conf_t *
ngx_http_weir_main(ngx_conf_t *cf)
{
    return ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_module);
}


ngx_http_weir_loc_conf_t *
ngx_http_weir_conf(ngx_conf_t *cf)
{
    return ngx_http_conf_get_module_loc_conf(cf, ngx_http_weir_module);
}


void
ngx_http_weir_use(ngx_conf_t *cf)
{
    ngx_http_weir_main(cf)->used = 1;
}


ngx_uint_t
ngx_http_weir_used(ngx_conf_t *cf)
{
    return ngx_http_weir_main(cf)->used;
}


void
ngx_http_weir_uses(ngx_conf_t *cf)
{
    ngx_http_weir_srv_conf_t  *wscf;

    ngx_http_weir_use(cf);

    wscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_weir_module);
    wscf->uses = 1;
}


ngx_array_t *
ngx_http_weir_locations(ngx_conf_t *cf)
{
    return &ngx_http_weir_main(cf)->locations;
}


ngx_int_t
ngx_http_weir_provide(ngx_conf_t *cf, ngx_http_weir_provider_t *provider)
{
    ngx_http_weir_provider_t  **p;

    p = ngx_array_push(&ngx_http_weir_main(cf)->providers);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *p = provider;

    return NGX_OK;
}


ngx_array_t *
ngx_http_weir_providers(ngx_cycle_t *cycle)
{
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_weir_module);

    return &mcf->providers;
}


static void *
ngx_http_weir_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    mcf->zone = ngx_http_weir_zone_conf(cf);

    if (mcf->zone == NULL
        || ngx_array_init(&mcf->locations, cf->pool, 16,
                          sizeof(ngx_http_weir_loc_conf_t *))
           != NGX_OK
        || ngx_array_init(&mcf->providers, cf->pool, 8,
                          sizeof(ngx_http_weir_provider_t *))
           != NGX_OK
        || ngx_array_init(&mcf->services, cf->pool, 8,
                          sizeof(ngx_http_weir_service_t))
           != NGX_OK
        || ngx_array_init(&mcf->strip, cf->pool, 8,
                          sizeof(ngx_http_weir_header_name_t))
           != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


static void *
ngx_http_weir_create_srv_conf(ngx_conf_t *cf)
{
    ngx_http_weir_srv_conf_t  *wscf;

    /* set by ngx_pcalloc(): strip, pass, names = NULL; uses = 0 */

    wscf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_srv_conf_t));
    if (wscf == NULL) {
        return NULL;
    }

    wscf->open = NGX_CONF_UNSET;

    return wscf;
}


static char *
ngx_http_weir_merge_names(ngx_conf_t *cf, ngx_array_t *prev,
    ngx_array_t **conf)
{
    ngx_uint_t                    i;
    ngx_http_weir_header_name_t  *h, *to;

    if (prev == NULL) {
        return NGX_CONF_OK;
    }

    if (*conf == NULL) {
        *conf = prev;
        return NGX_CONF_OK;
    }

    h = prev->elts;

    for (i = 0; i < prev->nelts; i++) {
        to = ngx_array_push(*conf);
        if (to == NULL) {
            return NGX_CONF_ERROR;
        }

        *to = h[i];
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_merge_srv_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_weir_srv_conf_t *prev = parent;
    ngx_http_weir_srv_conf_t *conf = child;

    ngx_conf_merge_value(conf->open, prev->open, 0);

    conf->uses |= prev->uses;

    if (ngx_http_weir_merge_names(cf, prev->strip, &conf->strip)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_weir_merge_names(cf, prev->pass, &conf->pass);
}


static void *
ngx_http_weir_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_weir_loc_conf_t  *lcf;

    /*
     * set by ngx_pcalloc():
     *
     *     lcf->service, policy, name = { 0, NULL };
     *     lcf->policy_set, shadow, auth_set = 0;
     *     lcf->own_handler, decides, noname, location = 0;
     */

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    lcf->path_allow = NGX_CONF_UNSET_UINT;
    lcf->method_override = NGX_CONF_UNSET;
    lcf->accel = NGX_CONF_UNSET;
    lcf->cache_public = NGX_CONF_UNSET;

    if (cf->conf_file) {
        lcf->file = cf->conf_file->file.name;
        lcf->line = cf->conf_file->line;
    }

    return lcf;
}


static char *
ngx_http_weir_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_weir_loc_conf_t *prev = parent;
    ngx_http_weir_loc_conf_t *conf = child;

    ngx_http_conf_ctx_t         *ctx;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_weir_loc_conf_t   **lcfp;
    ngx_http_weir_main_conf_t   *mcf;

    conf->off_here = (conf->policy_set == 1);
    conf->auth_here = (conf->auth_set == 2);

    if (conf->policy_set == 0) {
        conf->policy_set = prev->policy_set;
        conf->shadow = prev->shadow;
        conf->policy = prev->policy;
    }

    if (conf->auth_set == 0) {
        conf->auth_set = prev->auth_set;
    }

    ngx_conf_merge_str_value(conf->service, prev->service, "");
    ngx_conf_merge_uint_value(conf->path_allow, prev->path_allow, 0);
    ngx_conf_merge_value(conf->method_override, prev->method_override, 0);
    ngx_conf_merge_value(conf->accel, prev->accel, 0);
    ngx_conf_merge_value(conf->cache_public, prev->cache_public, 0);

    ctx = cf->ctx;
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    conf->loc_conf = ctx->loc_conf;
    conf->srv = ngx_http_conf_get_module_srv_conf(cf, ngx_http_weir_module);
    conf->name = clcf->name;
    conf->noname = clcf->noname;
    conf->location = (clcf->name.len != 0 || clcf->noname);

    /* an "if" is inside its location, and so is what was written there */

    if (conf->noname) {
        conf->off_here |= prev->off_here;
        conf->decides = prev->decides;
    }

    mcf = ngx_http_weir_main(cf);

    if (!mcf->used) {
        return NGX_CONF_OK;
    }

    if (conf->auth_set == 2) {
        mcf->auth = 1;
    }

    lcfp = ngx_array_push(&mcf->locations);
    if (lcfp == NULL) {
        return NGX_CONF_ERROR;
    }

    *lcfp = conf;

    if (ngx_http_weir_service_add(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_zone_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_main_conf_t *mcf = conf;

    ngx_http_weir_use(cf);

    return ngx_http_weir_zone_set(cf, mcf->zone);
}


static char *
ngx_http_weir_default(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_srv_conf_t *wscf = conf;

    ngx_str_t  *value;

    ngx_http_weir_use(cf);

    if (wscf->open != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "open") == 0) {
        wscf->open = 1;

    } else if (ngx_strcmp(value[1].data, "closed") == 0) {
        wscf->open = 0;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\", it must be \"closed\" or "
                           "\"open\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_weir_preinit(ngx_conf_t *cf)
{
    if (ngx_http_weir_filter_guard(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_weir_add_variables(cf);
}


static ngx_int_t
ngx_http_weir_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_weir_main_conf_t  *mcf;
    ngx_http_core_main_conf_t  *cmcf;

    /*
     * In every configuration: what stands in the chains must not depend on
     * one that is refused later.
     */

    ngx_http_weir_filter_init();

    mcf = ngx_http_weir_main(cf);

    if (!mcf->used) {
        return NGX_OK;
    }

    if (ngx_http_weir_zone_create(cf, mcf->zone) != NGX_OK
        || ngx_http_weir_node_default(cf, mcf) != NGX_OK
        || ngx_http_weir_drain_init(cf, mcf) != NGX_OK
        || ngx_http_weir_provide(cf, &ngx_http_weir_provider) != NGX_OK
        || ngx_http_weir_strip_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (ngx_http_weir_handler_add(cf, NGX_HTTP_POST_READ_PHASE,
                                  ngx_http_weir_post_read)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_weir_handler_add(cf, NGX_HTTP_SERVER_REWRITE_PHASE,
                                  ngx_http_weir_rewrite)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_weir_handler_add(cf, NGX_HTTP_REWRITE_PHASE,
                                  ngx_http_weir_rewrite)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* the log phase runs forwards, and ours must come before the access log */

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h = cmcf->phases[NGX_HTTP_LOG_PHASE].handlers.elts;

    ngx_memmove(&h[1], &h[0], sizeof(ngx_http_handler_pt)
                * (cmcf->phases[NGX_HTTP_LOG_PHASE].handlers.nelts - 1));

    h[0] = ngx_http_weir_log_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_init_module(ngx_cycle_t *cycle)
{
    ngx_http_weir_main_conf_t  *mcf;

    ngx_http_weir_filter_taken();

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_weir_module);

    if (mcf && mcf->used) {
        ngx_http_weir_zone_activate(mcf->zone);
        ngx_http_weir_drain_activate(mcf);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_init_process(ngx_cycle_t *cycle)
{
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_weir_module);

    if (mcf && mcf->used) {
        ngx_http_weir_zone_attach(cycle, mcf->zone);
        ngx_http_weir_drain_attach();
    }

    return NGX_OK;
}


static void
ngx_http_weir_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_weir_module);

    if (mcf && mcf->used) {
        ngx_http_weir_zone_detach();
    }
}
