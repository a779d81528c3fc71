
/*
 * Weir: the store module: policies and live weights from outside nginx.conf,
 * signed, without a reload.
 */

#include "ngx_http_weir_store.h"


static void *ngx_http_weir_store_create_main_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_store_init(ngx_conf_t *cf);
static ngx_http_weir_store_conf_t *ngx_http_weir_store_conf(
    ngx_cycle_t *cycle);
static ngx_int_t ngx_http_weir_store_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_weir_store_init_process(ngx_cycle_t *cycle);
static void ngx_http_weir_store_exit_process(ngx_cycle_t *cycle);


static ngx_http_module_t  ngx_http_weir_store_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_weir_store_init,              /* postconfiguration */

    ngx_http_weir_store_create_main_conf,  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_weir_store_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_store_module_ctx,       /* module context */
    ngx_http_weir_store_commands,          /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_weir_store_init_module,       /* init module */
    ngx_http_weir_store_init_process,      /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_weir_store_exit_process,      /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_weir_store_create_main_conf(ngx_conf_t *cf)
{
    /* set by ngx_pcalloc(): all is empty, no key is trusted */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_store_conf_t));
}


static ngx_int_t
ngx_http_weir_store_init(ngx_conf_t *cf)
{
    ngx_str_t                    name;
    ngx_http_weir_store_conf_t  *sscf;

    sscf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_store_module);

    if (ngx_http_weir_store_complete(cf, sscf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!sscf->set) {
        return NGX_OK;
    }

    ngx_str_set(&name, "keeper");

    sscf->lives = ngx_http_weir_split_live_add(cf, &sscf->ns);
    if (sscf->lives == NULL) {
        return NGX_ERROR;
    }

    sscf->block = ngx_http_weir_block_add(cf, NGX_HTTP_WEIR_AREA_REVOCATIONS,
                                          "store", &name,
                                          sizeof(ngx_http_weir_store_zone_t));
    if (sscf->block == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_weir_provide(cf, &ngx_http_weir_store_provider);
}


/* NULL: there is no store. */

static ngx_http_weir_store_conf_t *
ngx_http_weir_store_conf(ngx_cycle_t *cycle)
{
    ngx_http_weir_store_conf_t  *sscf;

    sscf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_store_module);

    return sscf && sscf->set ? sscf : NULL;
}


static ngx_int_t
ngx_http_weir_store_init_module(ngx_cycle_t *cycle)
{
    ngx_http_weir_store_conf_t  *sscf;

    sscf = ngx_http_weir_store_conf(cycle);

    if (sscf == NULL || ngx_test_config) {
        return NGX_OK;
    }

    sscf->policy = ngx_http_weir_policy_main(cycle);
    sscf->policies = ngx_http_weir_policy_names(sscf->policy, cycle->pool);
    sscf->node = ngx_http_weir_node_name(cycle);

    ngx_http_weir_store_boot(cycle, sscf);

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_store_init_process(ngx_cycle_t *cycle)
{
    ngx_http_weir_store_conf_t  *sscf;

    sscf = ngx_http_weir_store_conf(cycle);

    if (sscf == NULL || ngx_process == NGX_PROCESS_HELPER) {
        return NGX_OK;
    }

    return ngx_http_weir_store_keep(cycle, sscf);
}


static void
ngx_http_weir_store_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_weir_store_conf_t  *sscf;

    sscf = ngx_http_weir_store_conf(cycle);

    if (sscf && ngx_process != NGX_PROCESS_HELPER) {
        ngx_http_weir_store_leave(sscf);
    }
}
