
/*
 * Weir: weir_bundle, weir_candidate and weir_policy.
 */

#include "ngx_http_weir_policy_internal.h"


static char *ngx_http_weir_policy_set_bundle(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_weir_policy_set_policy(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_http_weir_policy_area(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf);
static void *ngx_http_weir_policy_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_weir_policy_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_weir_policy_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_weir_policy_init(ngx_conf_t *cf);
static ngx_http_weir_policy_use_t *ngx_http_weir_policy_use(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf, ngx_str_t *name);
static ngx_int_t ngx_http_weir_policy_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_weir_policy_init_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_weir_policy_commands[] = {

    { ngx_string("weir_bundle"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_weir_policy_set_bundle,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_candidate"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_weir_policy_set_candidate,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_policy"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_weir_policy_set_policy,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_policy_module_ctx = {
    ngx_http_weir_policy_variables,        /* preconfiguration */
    ngx_http_weir_policy_init,             /* postconfiguration */

    ngx_http_weir_policy_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_weir_policy_create_loc_conf,  /* create location configuration */
    ngx_http_weir_policy_merge_loc_conf    /* merge location configuration */
};


ngx_module_t  ngx_http_weir_policy_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_policy_module_ctx,      /* module context */
    ngx_http_weir_policy_commands,         /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_weir_policy_init_module,      /* init module */
    ngx_http_weir_policy_init_process,     /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* weir_bundle DIR [bootstrap] */

static char *
ngx_http_weir_policy_set_bundle(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_policy_main_conf_t *mcf = conf;

    char       *rv;
    ngx_str_t  *value;

    ngx_http_weir_use(cf);

    rv = ngx_http_weir_policy_compile(cf, &mcf->bundle);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[2].data, "bootstrap") != 0) {
            return ngx_http_weir_invalid(cf, &value[2]);
        }

        mcf->bootstrap = 1;
    }

    return ngx_http_weir_policy_area(cf, mcf) == NGX_OK ? NGX_CONF_OK
                                                        : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_weir_policy_area(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf)
{
    ngx_str_t  name;

    ngx_str_set(&name, "generations");

    mcf->block = ngx_http_weir_block_add(cf, NGX_HTTP_WEIR_AREA_POLICIES,
                                         "policy", &name, 0);
    if (mcf->block == NULL) {
        return NGX_ERROR;
    }

    mcf->block->whole = 1;
    mcf->block->init = ngx_http_weir_policy_fit;
    mcf->block->init_data = mcf;

    return NGX_OK;
}


ngx_int_t
ngx_http_weir_policy_foreign(ngx_conf_t *cf)
{
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_policy_module);

    mcf->foreign = 1;

    return ngx_http_weir_policy_area(cf, mcf);
}


ngx_int_t
ngx_http_weir_policy_bootstrap(const ngx_http_weir_policy_main_conf_t *mcf)
{
    if (mcf->bundle.dir.len == 0) {
        return NGX_DECLINED;
    }

    return mcf->bootstrap ? NGX_OK : NGX_AGAIN;
}


ngx_http_weir_policy_main_conf_t *
ngx_http_weir_policy_main(ngx_cycle_t *cycle)
{
    return ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_policy_module);
}


/* weir_policy NAME|off [shadow] */

static char *
ngx_http_weir_policy_set_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_policy_loc_conf_t *plcf = conf;

    ngx_str_t                 *value;
    ngx_http_weir_loc_conf_t  *lcf;

    ngx_http_weir_uses(cf);

    lcf = ngx_http_weir_conf(cf);
    value = cf->args->elts;

    if (lcf->policy_set) {
        return "is duplicate";
    }

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[2].data, "shadow") != 0
            || ngx_strcmp(value[1].data, "off") == 0)
        {
            return ngx_http_weir_invalid(cf, &value[2]);
        }

        lcf->shadow = 1;
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        lcf->policy_set = 1;
        return NGX_CONF_OK;
    }

    if (!ngx_http_weir_name(cf, "policy", &value[1])) {
        return NGX_CONF_ERROR;
    }

    lcf->policy_set = 2;
    lcf->policy = value[1];

    plcf->file = cf->conf_file->file.name;
    plcf->line = cf->conf_file->line;

    return NGX_CONF_OK;
}


ngx_http_weir_policy_asked_t *
ngx_http_weir_policy_ask(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_http_weir_policy_asked_t      *asked, **slot;
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_policy_module);

    asked = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_policy_asked_t));
    slot = ngx_array_push(&mcf->asked);

    if (asked == NULL || slot == NULL) {
        return NULL;
    }

    *slot = asked;

    asked->name = *name;
    asked->file = cf->conf_file->file.name;
    asked->line = cf->conf_file->line;
    asked->location = ngx_http_weir_conf(cf);

    return asked;
}


static void *
ngx_http_weir_policy_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_policy_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&mcf->policies, cf->pool, 4,
                       sizeof(ngx_http_weir_policy_use_t *))
        != NGX_OK
        || ngx_array_init(&mcf->asked, cf->pool, 4,
                          sizeof(ngx_http_weir_policy_asked_t *))
           != NGX_OK
        || ngx_array_init(&mcf->bindings, cf->pool, 4,
                          sizeof(ngx_http_weir_policy_binding_t))
           != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


static void *
ngx_http_weir_policy_create_loc_conf(ngx_conf_t *cf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     conf->file = { 0, NULL };
     *     conf->line = 0;
     *     conf->use = NULL;
     */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_policy_loc_conf_t));
}


/* The name itself is the core's; here is only where it was written. */

static char *
ngx_http_weir_policy_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_weir_policy_loc_conf_t *prev = parent;
    ngx_http_weir_policy_loc_conf_t *conf = child;

    if (conf->line == 0) {
        conf->file = prev->file;
        conf->line = prev->line;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_weir_policy_init(ngx_conf_t *cf)
{
    ngx_uint_t                          i;
    ngx_array_t                        *locations;
    ngx_http_weir_loc_conf_t          **lcf;
    ngx_http_weir_policy_asked_t      **asked;
    ngx_http_weir_policy_loc_conf_t    *plcf;
    ngx_http_weir_policy_main_conf_t   *mcf;

    if (!ngx_http_weir_used(cf)) {
        return NGX_OK;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_policy_module);

    locations = ngx_http_weir_locations(cf);
    lcf = locations->elts;

    for (i = 0; i < locations->nelts; i++) {

        if (lcf[i]->policy_set != 2) {
            continue;
        }

        plcf = lcf[i]->loc_conf[ngx_http_weir_policy_module.ctx_index];

        plcf->use = ngx_http_weir_policy_use(cf, mcf, &lcf[i]->policy);
        if (plcf->use == NULL) {
            return NGX_ERROR;
        }
    }

    asked = mcf->asked.elts;

    for (i = 0; i < mcf->asked.nelts; i++) {

        asked[i]->use = ngx_http_weir_policy_use(cf, mcf, &asked[i]->name);
        if (asked[i]->use == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_weir_policy_bind(cf, mcf) != NGX_OK
        || ngx_http_weir_policy_bind_candidate(cf, mcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_weir_provide(cf, &ngx_http_weir_policy_provider);
}


static ngx_http_weir_policy_use_t *
ngx_http_weir_policy_use(ngx_conf_t *cf, ngx_http_weir_policy_main_conf_t *mcf,
    ngx_str_t *name)
{
    ngx_http_weir_policy_use_t   *use, **uses;

    use = ngx_http_weir_policy_used(mcf, name);

    if (use) {
        return use;
    }

    use = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_policy_use_t));
    if (use == NULL) {
        return NULL;
    }

    use->name = *name;
    use->counters = ngx_http_weir_slab_add(cf, "decisions", name,
                                           NGX_HTTP_WEIR_POLICY_COUNTERS
                                           * sizeof(uint64_t));
    if (use->counters == NULL) {
        return NULL;
    }

    uses = ngx_array_push(&mcf->policies);
    if (uses == NULL) {
        return NULL;
    }

    *uses = use;

    return use;
}


ngx_http_weir_policy_use_t *
ngx_http_weir_policy_used(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_str_t *name)
{
    ngx_uint_t                    i;
    ngx_http_weir_policy_use_t  **uses;

    uses = mcf->policies.elts;

    for (i = 0; i < mcf->policies.nelts; i++) {
        if (uses[i]->name.len == name->len
            && ngx_strncmp(uses[i]->name.data, name->data, name->len) == 0)
        {
            return uses[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_weir_policy_init_module(ngx_cycle_t *cycle)
{
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_policy_module);

    /* where there is a store it decides about weir_bundle, too */

    if (mcf && mcf->block && !mcf->foreign) {
        (void) ngx_http_weir_policy_local(cycle, mcf);
    }

    return NGX_OK;
}


/* Whoever had this slot before may have died while he decided. */

static ngx_int_t
ngx_http_weir_policy_init_process(ngx_cycle_t *cycle)
{
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_policy_module);

    if (mcf == NULL || mcf->block == NULL) {
        return NGX_OK;
    }

    if (!ngx_http_weir_slot_shared) {
        ngx_http_weir_policy_unpin(mcf);
    }

    if (ngx_process == NGX_PROCESS_WORKER
        || ngx_process == NGX_PROCESS_SINGLE)
    {
        ngx_http_weir_policy_warm(mcf);
    }

    return NGX_OK;
}
