
/*
 * Weir: weir_quota and weir_limit, and the memory of each quota.
 */

#include "ngx_http_weir_limit.h"
#include "weir_addr.h"


static char *ngx_http_weir_quota_parameters(ngx_conf_t *cf,
    ngx_http_weir_quota_t *quota);
static char *ngx_http_weir_quota_key(ngx_conf_t *cf,
    ngx_http_weir_quota_t *quota, ngx_str_t *text);
static char *ngx_http_weir_quota_scope(ngx_conf_t *cf, ngx_str_t *scope);
static ngx_uint_t ngx_http_weir_quota_number(ngx_conf_t *cf,
    ngx_str_t *value, ngx_str_t *text, uint64_t min, uint64_t *number);
static ngx_http_weir_quota_t *ngx_http_weir_quota_find(ngx_conf_t *cf,
    ngx_str_t *name);
static char *ngx_http_weir_limit_add(ngx_conf_t *cf,
    ngx_http_weir_limits_t *limits, ngx_str_t *name, ngx_uint_t shadow);
static ngx_int_t ngx_http_weir_quota_memory(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_quota_init(ngx_http_weir_block_t *block,
    ngx_uint_t fresh, ngx_log_t *log);


typedef enum {
    NGX_HTTP_WEIR_QUOTA_KEY = 0,
    NGX_HTTP_WEIR_QUOTA_RATE,
    NGX_HTTP_WEIR_QUOTA_BURST,
    NGX_HTTP_WEIR_QUOTA_SCOPE,
    NGX_HTTP_WEIR_QUOTA_COST,
    NGX_HTTP_WEIR_QUOTA_AT,
    NGX_HTTP_WEIR_QUOTA_ON_LOSS,
    NGX_HTTP_WEIR_QUOTA_PARAMETERS
} ngx_http_weir_quota_parameter_e;


static ngx_str_t  ngx_http_weir_quota_names[] = {
    ngx_string("key="),
    ngx_string("rate="),
    ngx_string("burst="),
    ngx_string("scope="),
    ngx_string("cost="),
    ngx_string("at="),
    ngx_string("on_loss=")
};


/* weir_quota NAME key=V rate=R [burst=N] [scope=S] [cost=N] [at=STAGE] */

char *
ngx_http_weir_quota(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_limit_main_conf_t *lmcf = conf;

    u_char                  text[WEIR_RATE_FIELD];
    weir_str_t              name;
    ngx_str_t              *value;
    ngx_http_weir_quota_t  *quota, **q;

    ngx_http_weir_use(cf);

    value = cf->args->elts;

    if (!ngx_http_weir_name(cf, "quota", &value[1])) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_weir_quota_find(cf, &value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "weir_quota \"%V\" is duplicate", &value[1]);
        return NGX_CONF_ERROR;
    }

    quota = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_quota_t));
    q = ngx_array_push(&lmcf->quotas);

    if (quota == NULL || q == NULL) {
        return NGX_CONF_ERROR;
    }

    *q = quota;

    quota->name = value[1];
    quota->cost = 1;

    if (ngx_http_weir_quota_parameters(cf, quota) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (quota->cost > quota->rate.burst + 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "cost %uL in weir_quota \"%V\" is more than burst "
                           "+ 1, so that no request could pass", quota->cost,
                           &quota->name);
        return NGX_CONF_ERROR;
    }

    name = ngx_http_weir_str(&quota->name);

    quota->policy.len = weir_rate_policy_field(text, name, &quota->rate);
    quota->policy.data = ngx_pnalloc(cf->pool, quota->policy.len);
    if (quota->policy.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(quota->policy.data, text, quota->policy.len);

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_quota_parameters(ngx_conf_t *cf, ngx_http_weir_quota_t *quota)
{
    char        *rv;
    uint64_t     burst;
    ngx_str_t   *value, text;
    weir_str_t   s;
    weir_err_t   err;
    ngx_uint_t   i, n, seen;

    seen = 0;
    burst = 0;
    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        for (n = 0; n < NGX_HTTP_WEIR_QUOTA_PARAMETERS; n++) {

            if (value[i].len >= ngx_http_weir_quota_names[n].len
                && ngx_strncmp(value[i].data,
                               ngx_http_weir_quota_names[n].data,
                               ngx_http_weir_quota_names[n].len)
                   == 0)
            {
                break;
            }
        }

        if (n == NGX_HTTP_WEIR_QUOTA_PARAMETERS) {
            return ngx_http_weir_invalid(cf, &value[i]);
        }

        if (seen & (1 << n)) {
            return ngx_http_weir_duplicate(cf, &value[i]);
        }

        seen |= 1 << n;

        text.len = value[i].len - ngx_http_weir_quota_names[n].len;
        text.data = value[i].data + ngx_http_weir_quota_names[n].len;

        rv = NGX_CONF_OK;

        switch (n) {

        case NGX_HTTP_WEIR_QUOTA_KEY:
            rv = ngx_http_weir_quota_key(cf, quota, &text);
            break;

        case NGX_HTTP_WEIR_QUOTA_RATE:
            s = ngx_http_weir_str(&text);

            if (weir_rate_parse(s, &quota->rate, &err) != WEIR_OK) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.text);
                rv = NGX_CONF_ERROR;
            }

            break;

        case NGX_HTTP_WEIR_QUOTA_BURST:
            if (!ngx_http_weir_quota_number(cf, &value[i], &text, 0, &burst))
            {
                rv = NGX_CONF_ERROR;
            }

            break;

        case NGX_HTTP_WEIR_QUOTA_SCOPE:
            rv = ngx_http_weir_quota_scope(cf, &text);
            break;

        case NGX_HTTP_WEIR_QUOTA_COST:
            if (!ngx_http_weir_quota_number(cf, &value[i], &text, 1,
                                            &quota->cost))
            {
                rv = NGX_CONF_ERROR;
            }

            break;

        case NGX_HTTP_WEIR_QUOTA_AT:
            if (text.len == 7 && ngx_strncmp(text.data, "address", 7) == 0) {
                quota->address = 1;

            } else if (text.len != 8
                       || ngx_strncmp(text.data, "identity", 8) != 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid parameter \"%V\", it must be "
                                   "at=address or at=identity", &value[i]);
                rv = NGX_CONF_ERROR;
            }

            break;

        default: /* NGX_HTTP_WEIR_QUOTA_ON_LOSS */
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" comes with a later release of Weir",
                               &value[i]);
            rv = NGX_CONF_ERROR;
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (!(seen & (1 << NGX_HTTP_WEIR_QUOTA_KEY))
        || !(seen & (1 << NGX_HTTP_WEIR_QUOTA_RATE)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" is missing in weir_quota \"%V\"",
                           (seen & (1 << NGX_HTTP_WEIR_QUOTA_KEY)) ? "rate="
                                                                   : "key=",
                           &quota->name);
        return NGX_CONF_ERROR;
    }

    if (weir_rate_burst(&quota->rate, burst, &err) != WEIR_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in weir_quota \"%V\"",
                           err.text, &quota->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_quota_key(ngx_conf_t *cf, ngx_http_weir_quota_t *quota,
    ngx_str_t *text)
{
    weir_str_t  key;

    if (text->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "empty key in weir_quota \"%V\"", &quota->name);
        return NGX_CONF_ERROR;
    }

    key = ngx_http_weir_str(text);

    if (weir_addr_is_key(key)) {
        quota->prefix = 1;
        return NGX_CONF_OK;
    }

    return ngx_http_weir_value_compile(cf, text, &quota->key);
}


static char *
ngx_http_weir_quota_scope(ngx_conf_t *cf, ngx_str_t *scope)
{
    if (scope->len == 5 && ngx_strncmp(scope->data, "local", 5) == 0) {
        return NGX_CONF_OK;
    }

    if ((scope->len == 6 && ngx_strncmp(scope->data, "global", 6) == 0)
        || (scope->len == 6 && ngx_strncmp(scope->data, "strict", 6) == 0))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"scope=%V\" comes with a later release of Weir",
                           scope);
        return NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid scope \"%V\", it must be local, global or "
                       "strict", scope);

    return NGX_CONF_ERROR;
}


static ngx_uint_t
ngx_http_weir_quota_number(ngx_conf_t *cf, ngx_str_t *value, ngx_str_t *text,
    uint64_t min, uint64_t *number)
{
    ngx_int_t  n;

    n = ngx_atoi(text->data, text->len);

    if (n == NGX_ERROR || (uint64_t) n < min) {
        (void) ngx_http_weir_invalid(cf, value);
        return 0;
    }

    *number = n;

    return 1;
}


static ngx_http_weir_quota_t *
ngx_http_weir_quota_find(ngx_conf_t *cf, ngx_str_t *name)
{
    weir_str_t                        s;
    ngx_http_weir_limit_main_conf_t  *lmcf;

    lmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_limit_module);
    s = ngx_http_weir_str(name);

    return ngx_http_weir_limit_quota(lmcf, s, s, NULL);
}


void *
ngx_http_weir_limit_quota(void *conf, weir_str_t name, weir_str_t value,
    ngx_uint_t *index)
{
    ngx_http_weir_limit_main_conf_t *lmcf = conf;

    ngx_uint_t               i;
    ngx_http_weir_quota_t  **quota;

    quota = lmcf->quotas.elts;

    for (i = 0; i < lmcf->quotas.nelts; i++) {
        if (weir_str_eq(ngx_http_weir_str(&quota[i]->name), name)) {
            return quota[i];
        }
    }

    return NULL;
}


/* weir_limit NAME... [shadow] | off */

char *
ngx_http_weir_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_limit_loc_conf_t *llcf = conf;

    ngx_str_t                        *value;
    ngx_uint_t                        i, n, shadow;
    ngx_http_weir_limits_t           *limits, **l;
    ngx_http_weir_limit_main_conf_t  *lmcf;

    ngx_http_weir_use(cf);

    value = cf->args->elts;
    n = cf->args->nelts;
    limits = llcf->limits;

    if (limits == NULL) {

        limits = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_limits_t));
        if (limits == NULL) {
            return NGX_CONF_ERROR;
        }

        if (ngx_array_init(&limits->limits, cf->pool, 4,
                           sizeof(ngx_http_weir_limit_t))
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        lmcf = ngx_http_conf_get_module_main_conf(cf,
                                                  ngx_http_weir_limit_module);

        l = ngx_array_push(&lmcf->limits);
        if (l == NULL) {
            return NGX_CONF_ERROR;
        }

        *l = limits;
        llcf->limits = limits;

    } else if (limits->off) {
        return "is beside \"weir_limit off\" of the same level";
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (n != 2) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" after \"off\"",
                               &value[2]);
            return NGX_CONF_ERROR;
        }

        if (limits->limits.nelts) {
            return "off is beside other quotas of the same level";
        }

        limits->off = 1;

        return NGX_CONF_OK;
    }

    shadow = 0;

    if (ngx_strcmp(value[n - 1].data, "shadow") == 0) {
        shadow = 1;
        n--;

        if (n == 1) {
            return "names no quota";
        }
    }

    for (i = 1; i < n; i++) {
        if (ngx_http_weir_limit_add(cf, limits, &value[i], shadow)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_limit_add(ngx_conf_t *cf, ngx_http_weir_limits_t *limits,
    ngx_str_t *name, ngx_uint_t shadow)
{
    ngx_uint_t              i;
    ngx_http_weir_limit_t  *limit;

    if (!ngx_http_weir_name(cf, "quota", name)) {
        return NGX_CONF_ERROR;
    }

    limit = limits->limits.elts;

    for (i = 0; i < limits->limits.nelts; i++) {

        if (limit[i].name.len == name->len
            && ngx_memcmp(limit[i].name.data, name->data, name->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "quota \"%V\" is duplicate", name);
            return NGX_CONF_ERROR;
        }
    }

    limit = ngx_array_push(&limits->limits);
    if (limit == NULL) {
        return NGX_CONF_ERROR;
    }

    limit->name = *name;
    limit->file = cf->conf_file->file.name.data;
    limit->line = cf->conf_file->line;
    limit->quota = NULL;
    limit->shadow = shadow;

    return NGX_CONF_OK;
}


char *
ngx_http_weir_limit_later(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" comes with a later release of Weir",
                       &cmd->name);

    return NGX_CONF_ERROR;
}


/* All quotas are known: names become quotas, quotas get their memory. */

ngx_int_t
ngx_http_weir_limit_resolve(ngx_conf_t *cf)
{
    ngx_uint_t                        i, k;
    ngx_http_weir_limit_t            *limit;
    ngx_http_weir_limits_t          **limits;
    ngx_http_weir_limit_main_conf_t  *lmcf;

    lmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_limit_module);
    limits = lmcf->limits.elts;

    for (i = 0; i < lmcf->limits.nelts; i++) {
        limit = limits[i]->limits.elts;

        for (k = 0; k < limits[i]->limits.nelts; k++) {

            limit[k].quota = ngx_http_weir_quota_find(cf, &limit[k].name);

            if (limit[k].quota == NULL) {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "unknown quota \"%V\" in %s:%ui",
                              &limit[k].name, limit[k].file, limit[k].line);
                return NGX_ERROR;
            }

            if (limit[k].quota->address) {
                limits[i]->address = 1;

            } else {
                limits[i]->identity = 1;
            }
        }
    }

    return ngx_http_weir_quota_memory(cf);
}


/*
 * Equal slices, and so small that the number of quotas may double at a
 * reload: those that are there keep theirs.
 */

static ngx_int_t
ngx_http_weir_quota_memory(ngx_conf_t *cf)
{
    size_t                             size;
    ngx_uint_t                         i, n;
    ngx_http_weir_quota_t            **quota;
    ngx_http_weir_limit_main_conf_t   *lmcf;

    lmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_limit_module);
    quota = lmcf->quotas.elts;

    for (n = 4; n < lmcf->quotas.nelts; n *= 2) { /* void */ }

    size = ngx_http_weir_area_size(cf, NGX_HTTP_WEIR_AREA_LIMITS) / (2 * n);

    if (size < WEIR_LIMIT_SLICE_MIN + 512) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "the limits area of the zone is too small for %ui "
                      "quotas; enlarge it with \"weir_zone SIZE "
                      "limits=SIZE\"", lmcf->quotas.nelts);
        return NGX_ERROR;
    }

    /* room for the block's head */

    size = (size - 256) & ~(size_t) 63;

    for (i = 0; i < lmcf->quotas.nelts; i++) {

        quota[i]->block = ngx_http_weir_block_add(cf,
                                                  NGX_HTTP_WEIR_AREA_LIMITS,
                                                  "quota", &quota[i]->name,
                                                  size);
        if (quota[i]->block == NULL) {
            return NGX_ERROR;
        }

        quota[i]->block->keep = 1;
        quota[i]->block->init = ngx_http_weir_quota_init;
        quota[i]->block->init_data = quota[i];

        quota[i]->counters = ngx_http_weir_slab_add(cf, "quota",
                                      &quota[i]->name,
                                      sizeof(ngx_http_weir_quota_counters_t));
        if (quota[i]->counters == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_quota_init(ngx_http_weir_block_t *block, ngx_uint_t fresh,
    ngx_log_t *log)
{
    weir_hash_key_t         key;
    ngx_http_weir_quota_t  *quota;

    quota = block->init_data;

    ngx_memcpy(key.bytes, ngx_http_weir_zone_key(), sizeof(key.bytes));

    return weir_limit_slice(&quota->slice, block->data, block->size, &key)
           == WEIR_OK ? NGX_OK : NGX_ERROR;
}
