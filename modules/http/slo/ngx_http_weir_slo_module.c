
/*
 * Weir: service level objectives in nginx: weir_objective, weir_slo, and the
 * exact count of good, bad and excluded requests by colour.
 *
 * Each process counts in its own part of a slab, one slab for an objective
 * and colour; readers sum.
 */

#include "ngx_http_weir_slo.h"
#include "ngx_http_weir_split.h"
#include "weir_time.h"


static ngx_int_t ngx_http_weir_slo_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_weir_slo_status(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);
static char *ngx_http_weir_slo_objective(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_weir_slo_line(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf);
static char *ngx_http_weir_slo_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_weir_slo_known(ngx_conf_t *cf);
static void *ngx_http_weir_slo_find(void *conf, weir_str_t name,
    weir_str_t value, ngx_uint_t *index);
static void *ngx_http_weir_slo_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_weir_slo_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_weir_slo_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_weir_slo_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_slo_resolve(ngx_conf_t *cf,
    ngx_http_weir_slo_main_conf_t *smcf);
static ngx_int_t ngx_http_weir_slo_slabs(ngx_conf_t *cf,
    ngx_http_weir_slo_main_conf_t *smcf);


static ngx_command_t  ngx_http_weir_slo_commands[] = {

    { ngx_string("weir_objective"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_weir_slo_objective,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_slo"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_weir_slo_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_slo_module_ctx = {
    ngx_http_weir_slo_known,               /* preconfiguration */
    ngx_http_weir_slo_init,                /* postconfiguration */

    ngx_http_weir_slo_create_main_conf,    /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_weir_slo_create_loc_conf,     /* create location configuration */
    ngx_http_weir_slo_merge_loc_conf       /* merge location configuration */
};


ngx_module_t  ngx_http_weir_slo_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_slo_module_ctx,         /* module context */
    ngx_http_weir_slo_commands,            /* module directives */
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


static ngx_int_t
ngx_http_weir_slo_handler(ngx_http_request_t *r)
{
    unsigned                        status;
    uint64_t                        us;
    ngx_str_t                       colour, split;
    ngx_uint_t                      i;
    ngx_http_weir_ctx_t            *ctx;
    ngx_http_weir_duty_t           *duty;
    ngx_http_weir_objective_t      *objective;
    ngx_http_weir_slo_counts_t     *c;
    ngx_http_weir_slo_loc_conf_t   *slcf;
    ngx_http_weir_slo_main_conf_t  *smcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_slo_module);

    if (r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx == NULL) {
        return slcf->ref ? NGX_ERROR : NGX_OK;
    }

    duty = ngx_http_weir_duty(r, ctx, WEIR_POLICY_SLO, NULL);

    if (duty == NULL && slcf->ref == NULL) {
        return NGX_OK;
    }

    /* a probe or a status page is no service, and says 503 when all is well */

    if (ctx->own_content) {
        return NGX_OK;
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_weir_slo_module);
    objective = duty ? duty->object : slcf->ref->objective;

    ngx_str_null(&split);

    if (slcf->ref) {
        split = slcf->ref->split;
    }

    /* the last colour is "none" */

    i = smcf->ncolours - 1;

    if (ngx_http_weir_split_colour(r, &split, &colour) == NGX_OK) {

        for (i = 0; i < smcf->ncolours - 1; i++) {
            if (smcf->colours[i].len == colour.len
                && ngx_memcmp(smcf->colours[i].data, colour.data, colour.len)
                   == 0)
            {
                break;
            }
        }
    }

    c = ngx_http_weir_slab(objective->slabs[i]);
    us = ngx_http_weir_latency(r, ctx);
    status = ngx_http_weir_slo_status(r, ctx);

    if (objective->availability) {
        ngx_http_weir_count(&c->availability[weir_slo_availability(status)],
                            1);
    }

    if (objective->latency) {
        ngx_http_weir_count(&c->latency[weir_slo_latency(status, us,
                                                   objective->threshold_us)],
                            1);
    }

    return NGX_OK;
}


/* What Weir refused with; else what $status says. */

static ngx_uint_t
ngx_http_weir_slo_status(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    if (ctx->status) {
        return ctx->status;
    }

    return r->err_status ? r->err_status : r->headers_out.status;
}


/* weir_objective NAME { ... } */

static char *
ngx_http_weir_slo_objective(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_slo_main_conf_t *smcf = conf;

    char                       *rv;
    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_weir_objective_t  *o;

    ngx_http_weir_use(cf);

    value = cf->args->elts;

    if (!ngx_http_weir_name(cf, "objective", &value[1])) {
        return NGX_CONF_ERROR;
    }

    o = smcf->objectives.elts;

    for (i = 0; i < smcf->objectives.nelts; i++) {
        if (o[i].name.len == value[1].len
            && ngx_memcmp(o[i].name.data, value[1].data, value[1].len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate objective \"%V\"", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    o = ngx_array_push(&smcf->objectives);
    if (o == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(o, sizeof(ngx_http_weir_objective_t));
    o->name = value[1];

    rv = ngx_http_weir_block(cf, o, ngx_http_weir_slo_line);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (o->availability == 0 && o->latency == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "objective \"%V\" needs \"availability\" or "
                           "\"latency\"", &o->name);
        return NGX_CONF_ERROR;
    }

    if (o->window_ms == 0) {
        o->window_ms = (int64_t) 30 * 24 * 60 * 60 * 1000;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_slo_line(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    ngx_http_weir_objective_t *o = conf;

    int64_t      ms;
    uint64_t    *target;
    ngx_str_t   *value;
    ngx_uint_t   i, n;
    weir_str_t   s;

    value = cf->args->elts;
    n = cf->args->nelts;
    i = 1;

    if (ngx_strcmp(value[0].data, "window") == 0) {

        if (n != 2) {
            return "takes one duration";
        }

        if (o->window_ms) {
            return "is duplicate";
        }

        s = ngx_http_weir_str(&value[1]);

        if (weir_duration_parse(s, &ms) != WEIR_OK || ms < 3600000
            || ms > (int64_t) 366 * 24 * 60 * 60 * 1000)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid window \"%V\", 1h to 366d are meant",
                               &value[1]);
            return NGX_CONF_ERROR;
        }

        o->window_ms = ms;

        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[0].data, "availability") == 0) {
        target = &o->availability;

    } else if (ngx_strcmp(value[0].data, "latency") == 0) {
        target = &o->latency;
        i = 2;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown directive \"%V\" in \"weir_objective\"",
                           &value[0]);
        return NGX_CONF_ERROR;
    }

    if (n != i + 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" takes %s", &value[0],
                           i == 1 ? "a target, as in \"99.9%\""
                                  : "a duration and a target, as in "
                                    "\"300ms 99%\"");
        return NGX_CONF_ERROR;
    }

    if (*target) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is duplicate", &value[0]);
        return NGX_CONF_ERROR;
    }

    s = ngx_http_weir_str(&value[i]);

    if (weir_slo_target_parse(s, target) != WEIR_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid target \"%V\", more than 0%% and less "
                           "than 100%% is meant, as in \"99.9%%\"",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    if (i == 1) {
        return NGX_CONF_OK;
    }

    s = ngx_http_weir_str(&value[1]);

    if (weir_duration_parse(s, &ms) != WEIR_OK || ms < 1 || ms > 3600000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid latency \"%V\", 1ms to 1h are meant",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    o->threshold_us = (uint64_t) ms * 1000;

    return NGX_CONF_OK;
}


/* weir_slo NAME [split=S] | off */

static char *
ngx_http_weir_slo_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_slo_loc_conf_t *slcf = conf;

    ngx_str_t                      *value;
    ngx_http_weir_slo_ref_t        *ref, **refp;
    ngx_http_weir_slo_main_conf_t  *smcf;

    ngx_http_weir_use(cf);

    if (slcf->ref != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        slcf->ref = NULL;
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "has a parameter beside \"off\"";
    }

    ref = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_slo_ref_t));
    if (ref == NULL) {
        return NGX_CONF_ERROR;
    }

    ref->name = value[1];
    ref->file = cf->conf_file->file.name;
    ref->line = cf->conf_file->line;

    if (cf->args->nelts == 3) {

        if (value[2].len <= 6 || ngx_strncmp(value[2].data, "split=", 6) != 0)
        {
            return ngx_http_weir_invalid(cf, &value[2]);
        }

        ref->split.len = value[2].len - 6;
        ref->split.data = value[2].data + 6;
    }

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_slo_module);

    refp = ngx_array_push(&smcf->refs);
    if (refp == NULL) {
        return NGX_CONF_ERROR;
    }

    *refp = ref;
    slcf->ref = ref;

    return NGX_CONF_OK;
}


/* Policies may name objectives. */

static ngx_int_t
ngx_http_weir_slo_known(ngx_conf_t *cf)
{
    ngx_http_weir_finder_add(cf, WEIR_POLICY_SLO, ngx_http_weir_slo_find,
                             ngx_http_conf_get_module_main_conf(cf,
                                                  ngx_http_weir_slo_module));
    return NGX_OK;
}


static void *
ngx_http_weir_slo_find(void *conf, weir_str_t name, weir_str_t value,
    ngx_uint_t *index)
{
    ngx_http_weir_slo_main_conf_t *smcf = conf;

    ngx_uint_t                  i;
    ngx_http_weir_objective_t  *o;

    o = smcf->objectives.elts;

    for (i = 0; i < smcf->objectives.nelts; i++) {
        if (weir_str_eq(ngx_http_weir_str(&o[i].name), name)) {
            return &o[i];
        }
    }

    return NULL;
}


static void *
ngx_http_weir_slo_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_weir_slo_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_slo_main_conf_t));
    if (smcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&smcf->objectives, cf->pool, 4,
                       sizeof(ngx_http_weir_objective_t))
        != NGX_OK
        || ngx_array_init(&smcf->refs, cf->pool, 4,
                          sizeof(ngx_http_weir_slo_ref_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return smcf;
}


static void *
ngx_http_weir_slo_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_weir_slo_loc_conf_t  *slcf;

    slcf = ngx_palloc(cf->pool, sizeof(ngx_http_weir_slo_loc_conf_t));
    if (slcf == NULL) {
        return NULL;
    }

    slcf->ref = NGX_CONF_UNSET_PTR;

    return slcf;
}


static char *
ngx_http_weir_slo_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_weir_slo_loc_conf_t *prev = parent;
    ngx_http_weir_slo_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->ref, prev->ref, NULL);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_weir_slo_init(ngx_conf_t *cf)
{
    ngx_http_weir_slo_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_slo_module);

    if (smcf->objectives.nelts == 0 && smcf->refs.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_weir_slo_resolve(cf, smcf) != NGX_OK
        || ngx_http_weir_slo_slabs(cf, smcf) != NGX_OK
        || ngx_http_weir_provide(cf, &ngx_http_weir_slo_provider) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_weir_handler_add(cf, NGX_HTTP_LOG_PHASE,
                                     ngx_http_weir_slo_handler);
}


static ngx_int_t
ngx_http_weir_slo_resolve(ngx_conf_t *cf, ngx_http_weir_slo_main_conf_t *smcf)
{
    ngx_uint_t                  i, k;
    ngx_http_weir_slo_ref_t   **ref;
    ngx_http_weir_objective_t  *o;

    o = smcf->objectives.elts;
    ref = smcf->refs.elts;

    for (i = 0; i < smcf->refs.nelts; i++) {

        for (k = 0; k < smcf->objectives.nelts; k++) {
            if (o[k].name.len == ref[i]->name.len
                && ngx_memcmp(o[k].name.data, ref[i]->name.data,
                              o[k].name.len)
                   == 0)
            {
                ref[i]->objective = &o[k];
                break;
            }
        }

        if (ref[i]->objective == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "unknown objective \"%V\" in %V:%ui",
                          &ref[i]->name, &ref[i]->file, ref[i]->line);
            return NGX_ERROR;
        }

        if (ref[i]->split.len
            && !ngx_http_weir_split_defined(cf, &ref[i]->split))
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "unknown split \"%V\" in %V:%ui",
                          &ref[i]->split, &ref[i]->file, ref[i]->line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_slo_slabs(ngx_conf_t *cf, ngx_http_weir_slo_main_conf_t *smcf)
{
    u_char                     *p;
    ngx_str_t                   name;
    ngx_uint_t                  i, k;
    ngx_array_t                *colours;
    ngx_http_weir_objective_t  *o;

    colours = ngx_http_weir_split_colours(cf);
    if (colours == NULL) {
        return NGX_ERROR;
    }

    smcf->ncolours = colours->nelts + 1;
    smcf->colours = ngx_palloc(cf->pool, smcf->ncolours * sizeof(ngx_str_t));
    if (smcf->colours == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(smcf->colours, colours->elts,
               colours->nelts * sizeof(ngx_str_t));
    ngx_str_set(&smcf->colours[colours->nelts], "none");

    o = smcf->objectives.elts;

    for (i = 0; i < smcf->objectives.nelts; i++) {

        o[i].slabs = ngx_palloc(cf->pool, smcf->ncolours
                                          * sizeof(ngx_http_weir_block_t *));
        if (o[i].slabs == NULL) {
            return NGX_ERROR;
        }

        for (k = 0; k < smcf->ncolours; k++) {

            /* names have no colon */

            p = ngx_pnalloc(cf->pool,
                            o[i].name.len + 1 + smcf->colours[k].len);
            if (p == NULL) {
                return NGX_ERROR;
            }

            name.data = p;
            name.len = ngx_sprintf(p, "%V:%V", &o[i].name, &smcf->colours[k])
                       - p;

            o[i].slabs[k] = ngx_http_weir_slab_add(cf, "slo", &name,
                                         sizeof(ngx_http_weir_slo_counts_t));
            if (o[i].slabs[k] == NULL) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}
