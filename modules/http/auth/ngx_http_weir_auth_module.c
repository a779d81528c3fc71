
/*
 * Weir: the auth module: its directives, settings and counters' places, and
 * what other areas ask of its configuration.
 */

#include "ngx_http_weir_auth_internal.h"


static void *ngx_http_weir_auth_create_main_conf(ngx_conf_t *cf);
static void ngx_http_weir_auth_free(void *data);
static void *ngx_http_weir_auth_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_weir_auth_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_weir_auth_init(ngx_conf_t *cf);
static void ngx_http_weir_auth_exit_process(ngx_cycle_t *cycle);


#define NGX_HTTP_WEIR_ALL                                                     \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)


static ngx_command_t  ngx_http_weir_auth_commands[] = {

    { ngx_string("weir_issuer"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_weir_auth_issuer,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_auth"),
      NGX_HTTP_WEIR_ALL|NGX_CONF_1MORE,
      ngx_http_weir_auth_ways,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_identity_header"),
      NGX_HTTP_WEIR_ALL|NGX_CONF_TAKE12,
      ngx_http_weir_auth_identity_header,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_forward_token"),
      NGX_HTTP_WEIR_ALL|NGX_CONF_FLAG,
      ngx_http_weir_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_weir_auth_loc_conf_t, forward),
      NULL },

    { ngx_string("weir_claim_variable"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_weir_auth_claim_variable,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_auth_module_ctx = {
    ngx_http_weir_auth_add_variables,      /* preconfiguration */
    ngx_http_weir_auth_init,               /* postconfiguration */

    ngx_http_weir_auth_create_main_conf,   /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_weir_auth_create_loc_conf,    /* create location configuration */
    ngx_http_weir_auth_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_weir_auth_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_auth_module_ctx,        /* module context */
    ngx_http_weir_auth_commands,           /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_weir_auth_exit_process,       /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_array_t *
ngx_http_weir_auth_issuer_names(ngx_conf_t *cf)
{
    ngx_str_t                       *name;
    ngx_uint_t                       i;
    ngx_array_t                     *names;
    ngx_http_weir_auth_issuer_t    **issuer;
    ngx_http_weir_auth_main_conf_t  *amcf;

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_auth_module);
    issuer = amcf->issuers.elts;

    names = ngx_array_create(cf->pool, amcf->issuers.nelts + 1,
                             sizeof(ngx_str_t));
    if (names == NULL) {
        return NULL;
    }

    for (i = 0; i < amcf->issuers.nelts; i++) {
        name = ngx_array_push(names);
        *name = issuer[i]->name;
    }

    return names;
}


ngx_array_t *
ngx_http_weir_auth_issuers(void **loc_conf)
{
    ngx_http_weir_auth_loc_conf_t  *alcf;

    alcf = loc_conf[ngx_http_weir_auth_module.ctx_index];

    return alcf->set == 2 ? alcf->names : NULL;
}


static void *
ngx_http_weir_auth_create_main_conf(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t              *cln;
    ngx_http_weir_auth_main_conf_t  *amcf;

    amcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_auth_main_conf_t));
    if (amcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&amcf->issuers, cf->pool, 4,
                       sizeof(ngx_http_weir_auth_issuer_t *))
        != NGX_OK)
    {
        return NULL;
    }

    ngx_queue_init(&amcf->expiring);

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_weir_auth_free;
    cln->data = amcf;

    return amcf;
}


static void
ngx_http_weir_auth_free(void *data)
{
    ngx_http_weir_auth_main_conf_t *amcf = data;

    ngx_uint_t                     i;
    ngx_http_weir_auth_issuer_t  **issuer;

    issuer = amcf->issuers.elts;

    for (i = 0; i < amcf->issuers.nelts; i++) {
        weir_jwks_free(issuer[i]->issuer.keys);
        issuer[i]->issuer.keys = NULL;
    }

    weir_crypto_done(&amcf->crypto);
    weir_table_done(&amcf->table);

    if (amcf->sweep.timer_set) {
        ngx_del_timer(&amcf->sweep);
    }
}


static void *
ngx_http_weir_auth_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_weir_auth_loc_conf_t  *alcf;

    /*
     * set by ngx_pcalloc():
     *
     *     alcf->sets, issuers, verify, names, headers = NULL;
     *     alcf->set, optional, nissuers = 0;
     */

    alcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_auth_loc_conf_t));
    if (alcf == NULL) {
        return NULL;
    }

    alcf->headers_off = NGX_CONF_UNSET;
    alcf->forward = NGX_CONF_UNSET;

    return alcf;
}


static char *
ngx_http_weir_auth_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_weir_auth_loc_conf_t *prev = parent;
    ngx_http_weir_auth_loc_conf_t *conf = child;

    ngx_conf_merge_value(conf->forward, prev->forward, 0);

    if (conf->headers == NULL && conf->headers_off == NGX_CONF_UNSET) {
        conf->headers = prev->headers;
        conf->headers_off = prev->headers_off;
    }

    /* http's own settings are merged into no others: what stands there too */

    if (prev->set == 2 && prev->issuers == NULL
        && ngx_http_weir_auth_resolve(cf, prev) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->set == 0) {
        conf->set = prev->set;
        conf->sets = prev->sets;
        conf->optional = prev->optional;
        conf->issuers = prev->issuers;
        conf->verify = prev->verify;
        conf->nissuers = prev->nissuers;
        conf->names = prev->names;

        return NGX_CONF_OK;
    }

    return conf->set == 2 ? ngx_http_weir_auth_resolve(cf, conf)
                          : NGX_CONF_OK;
}


static ngx_int_t
ngx_http_weir_auth_init(ngx_conf_t *cf)
{
    ngx_str_t                        name;
    ngx_uint_t                       i;
    ngx_http_weir_auth_issuer_t    **issuer;
    ngx_http_weir_auth_main_conf_t  *amcf;

    if (!ngx_http_weir_used(cf)) {
        return NGX_OK;
    }

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_auth_module);
    if (amcf->issuers.nelts == 0 && !amcf->headers) {
        return NGX_OK;
    }

    /* identity headers may be written where nobody is asked who he is */

    if (ngx_http_weir_handler_add(cf, NGX_HTTP_PRECONTENT_PHASE,
                                  ngx_http_weir_auth_precontent)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (amcf->issuers.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_weir_handler_add(cf, NGX_HTTP_PREACCESS_PHASE,
                                  ngx_http_weir_auth_preaccess)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    issuer = amcf->issuers.elts;

    for (i = 0; i < amcf->issuers.nelts; i++) {
        issuer[i]->counters = ngx_http_weir_slab_add(cf, "auth",
                                      &issuer[i]->name,
                                      sizeof(ngx_http_weir_auth_counters_t));
        if (issuer[i]->counters == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_str_set(&name, "tokens");

    amcf->cache = ngx_http_weir_slab_add(cf, "cache", &name,
                                  sizeof(ngx_http_weir_auth_cache_counters_t));
    if (amcf->cache == NULL) {
        return NGX_ERROR;
    }

    /* the layout's number is a part of the name */

    ngx_str_set(&name, "1");

    amcf->ring = ngx_http_weir_block_add(cf, NGX_HTTP_WEIR_AREA_TOKENS,
                                         "tokens", &name, 0);
    if (amcf->ring == NULL) {
        return NGX_ERROR;
    }

    amcf->ring->whole = 1;
    amcf->ring->init = ngx_http_weir_auth_ring_init;

    return ngx_http_weir_provide(cf, &ngx_http_weir_auth_provider);
}


static void
ngx_http_weir_auth_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_weir_auth_main_conf_t  *amcf;

    amcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_auth_module);

    if (amcf) {
        weir_table_done(&amcf->table);
    }
}
