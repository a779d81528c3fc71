
/*
 * Weir: traffic splits.  $weir_split_NAME is the request's colour: chosen when
 * it is first read after the decision, and then the same for the whole
 * request, whatever redirects and retries happen.
 */

#include "ngx_http_weir_split_internal.h"
#include "weir_addr.h"


static void ngx_http_weir_split_force(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_split_t *split,
    ngx_http_weir_split_choice_t *choice);
static ngx_int_t ngx_http_weir_split_choose(ngx_http_request_t *r,
    ngx_http_weir_split_t *split, ngx_http_weir_split_choice_t *choice);
static ngx_uint_t ngx_http_weir_split_override(ngx_http_request_t *r,
    ngx_http_weir_split_t *split, uint32_t *colour);
static ngx_int_t ngx_http_weir_split_begin(ngx_conf_t *cf);
static void *ngx_http_weir_split_find(void *conf, weir_str_t name,
    weir_str_t value, ngx_uint_t *index);
static void *ngx_http_weir_split_create_main_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_weir_split_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_weir_split_commands[] = {

    { ngx_string("weir_split"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_1MORE,
      ngx_http_weir_split,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_split_module_ctx = {
    ngx_http_weir_split_begin,             /* preconfiguration */
    ngx_http_weir_split_init,              /* postconfiguration */

    ngx_http_weir_split_create_main_conf,  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_weir_split_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_split_module_ctx,       /* module context */
    ngx_http_weir_split_commands,          /* module directives */
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
ngx_http_weir_split_begin(ngx_conf_t *cf)
{
    ngx_http_weir_finder_add(cf, WEIR_POLICY_SPLIT, ngx_http_weir_split_find,
                             ngx_http_conf_get_module_main_conf(cf,
                                                ngx_http_weir_split_module));

    return ngx_http_weir_split_watch(cf);
}


static void *
ngx_http_weir_split_find(void *conf, weir_str_t name, weir_str_t value,
    ngx_uint_t *index)
{
    ngx_http_weir_split_main_conf_t *smcf = conf;

    int                       rc;
    ngx_uint_t                i;
    ngx_http_weir_split_t   **split;

    split = smcf->splits.elts;

    for (i = 0; i < smcf->splits.nelts; i++) {

        if (!weir_str_eq(ngx_http_weir_str(&split[i]->name), name)) {
            continue;
        }

        rc = weir_split_colour(&split[i]->split, value);

        if (rc < 0) {
            return NULL;
        }

        *index = rc;

        return split[i];
    }

    return NULL;
}


/*
 * Empty, and not kept, until the decision: "if" and "set" cannot fix a colour
 * for a user who is not known yet.
 */

ngx_int_t
ngx_http_weir_split_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    weir_str_t                       *name;
    uint32_t                          colour;
    ngx_http_weir_ctx_t              *ctx;
    ngx_http_weir_duty_t             *duty;
    ngx_http_weir_split_t            *split;
    ngx_http_weir_split_choice_t     *choice;
    ngx_http_weir_split_main_conf_t  *smcf;

    ctx = ngx_http_weir_ctx_get(r);

    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;
    v->len = 0;
    v->data = (u_char *) "";

    if (ctx == NULL || !ctx->decided) {
        return NGX_OK;
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_weir_split_module);
    split = ((ngx_http_weir_split_t **) smcf->splits.elts)[data];

    choice = ngx_http_weir_state(ctx, NGX_HTTP_WEIR_STATE_SPLIT,
                                 smcf->splits.nelts
                                 * sizeof(ngx_http_weir_split_choice_t));
    if (choice == NULL) {
        return NGX_ERROR;
    }

    choice += data;

    duty = ngx_http_weir_duty(r, ctx, WEIR_POLICY_SPLIT, split);

    if (duty == NULL && !choice->chosen) {

        /* a refused request goes nowhere, unless an error_page takes it on */

        if (ctx->status && ctx->uri_changes == r->main->uri_changes) {
            return NGX_OK;
        }

        /* the client's, also where a subrequest is the first to ask */

        if (ngx_http_weir_split_choose(r->main, split, choice) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    colour = choice->colour;

    if (duty) {
        colour = duty->index;
        ngx_http_weir_split_force(r, ctx, split, choice);
    }

    name = &split->split.colours[colour].name;

    v->len = name->len;
    v->data = (u_char *) name->data;

    return NGX_OK;
}


/*
 * What a policy says of the main request is its colour from then on, and in
 * no statistics; of a subrequest it is that one's alone.
 */

static void
ngx_http_weir_split_force(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_split_t *split, ngx_http_weir_split_choice_t *choice)
{
    ngx_http_weir_duty_t  *duty;

    duty = ngx_http_weir_duty(r->main, ctx, WEIR_POLICY_SPLIT, split);

    if (duty) {
        choice->chosen = 1;
        choice->forced = 1;
        choice->colour = duty->index;
    }
}


static ngx_int_t
ngx_http_weir_split_choose(ngx_http_request_t *r,
    ngx_http_weir_split_t *split, ngx_http_weir_split_choice_t *choice)
{
    uint32_t      weights[WEIR_SPLIT_COLOURS];
    uint64_t     *counter;
    ngx_str_t     value;
    weir_str_t    unit;
    weir_addr_t   prefix;

    if (ngx_http_weir_split_override(r, split, &choice->colour)) {
        choice->chosen = 1;
        choice->forced = 1;
        return NGX_OK;
    }

    ngx_str_null(&value);

    /* a map in the key may come back to this very variable */

    choice->chosen = 1;
    choice->colour = split->split.ncolours - 1;

    if (!split->prefix
        && ngx_http_weir_value(r, &split->key, &value) != NGX_OK)
    {
        choice->chosen = 0;
        return NGX_ERROR;
    }

    unit = ngx_http_weir_str(&value);

    if (unit.len == 0) {

        if (ngx_http_weir_source(r, prefix.bytes) == NGX_OK) {
            prefix = weir_addr_client_prefix(&prefix);

        } else {
            ngx_memzero(&prefix, sizeof(weir_addr_t));
        }

        unit.len = sizeof(prefix.bytes);
        unit.data = prefix.bytes;
    }

    choice->colour = weir_split_pick(&split->split,
                                 ngx_http_weir_split_weights(split, weights),
                                 unit);

    counter = ngx_http_weir_slab(split->counters[choice->colour]);
    ngx_http_weir_count(counter, 1);

    return NGX_OK;
}


/* 1 if the client names a colour in a way that is configured. */

static ngx_uint_t
ngx_http_weir_split_override(ngx_http_request_t *r,
    ngx_http_weir_split_t *split, uint32_t *colour)
{
    int                         rc;
    ngx_str_t                   value;
    weir_str_t                  name;
    ngx_http_variable_value_t  *vv;

    if (split->header.len
        && ngx_http_weir_header_find(r, &split->header, &value) == 1)
    {
        name = ngx_http_weir_str(&value);

        rc = weir_split_colour(&split->split, name);

        if (rc >= 0) {
            *colour = rc;
            return 1;
        }
    }

    if (split->cookie.len) {
        vv = ngx_http_get_variable(r, &split->cookie, split->cookie_hash);

        if (vv && !vv->not_found) {
            name.len = vv->len;
            name.data = vv->data;

            rc = weir_split_colour(&split->split, name);

            if (rc >= 0) {
                *colour = rc;
                return 1;
            }
        }
    }

    return 0;
}


ngx_array_t *
ngx_http_weir_split_colours(ngx_conf_t *cf)
{
    uint32_t                           k;
    ngx_str_t                         *name, *s;
    weir_str_t                        *c;
    ngx_uint_t                         i, n;
    ngx_array_t                       *colours;
    ngx_http_weir_split_t            **split;
    ngx_http_weir_split_main_conf_t   *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_split_module);
    split = smcf->splits.elts;

    colours = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
    if (colours == NULL) {
        return NULL;
    }

    for (i = 0; i < smcf->splits.nelts; i++) {
        for (k = 0; k < split[i]->split.ncolours; k++) {

            c = &split[i]->split.colours[k].name;
            s = colours->elts;

            for (n = 0; n < colours->nelts; n++) {
                if (s[n].len == c->len
                    && ngx_memcmp(s[n].data, c->data, c->len) == 0)
                {
                    break;
                }
            }

            if (n < colours->nelts) {
                continue;
            }

            name = ngx_array_push(colours);
            if (name == NULL) {
                return NULL;
            }

            name->len = c->len;
            name->data = (u_char *) c->data;
        }
    }

    return colours;
}


ngx_uint_t
ngx_http_weir_split_defined(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                         i;
    ngx_http_weir_split_t            **split;
    ngx_http_weir_split_main_conf_t   *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_split_module);
    split = smcf->splits.elts;

    for (i = 0; i < smcf->splits.nelts; i++) {

        if (split[i]->name.len == name->len
            && ngx_memcmp(split[i]->name.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* An override is nobody's statistics: it has no colour here. */

ngx_int_t
ngx_http_weir_split_colour(ngx_http_request_t *r, ngx_str_t *split,
    ngx_str_t *colour)
{
    weir_str_t                         *name;
    ngx_uint_t                          i;
    ngx_http_weir_ctx_t                *ctx;
    ngx_http_weir_split_t             **s, *found;
    ngx_http_weir_split_choice_t       *choice;
    ngx_http_weir_split_main_conf_t    *smcf;

    ctx = ngx_http_weir_ctx_get(r);
    choice = ctx ? ctx->state[NGX_HTTP_WEIR_STATE_SPLIT] : NULL;

    if (choice == NULL) {
        return NGX_DECLINED;
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_weir_split_module);
    s = smcf->splits.elts;
    found = NULL;

    for (i = 0; i < smcf->splits.nelts; i++) {

        if (!choice[i].chosen) {
            continue;
        }

        if (split->len == 0) {

            if (found) {
                return NGX_DECLINED;
            }

        } else if (s[i]->name.len != split->len
                   || ngx_memcmp(s[i]->name.data, split->data, split->len)
                      != 0)
        {
            continue;
        }

        found = s[i];
    }

    if (found == NULL || choice[found->index].forced) {
        return NGX_DECLINED;
    }

    name = &found->split.colours[choice[found->index].colour].name;

    colour->len = name->len;
    colour->data = (u_char *) name->data;

    return NGX_OK;
}


static void *
ngx_http_weir_split_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_weir_split_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_split_main_conf_t));
    if (smcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&smcf->splits, cf->pool, 4,
                       sizeof(ngx_http_weir_split_t *))
        != NGX_OK
        || ngx_array_init(&smcf->passes, cf->pool, 4,
                          sizeof(ngx_http_weir_split_pass_t))
           != NGX_OK)
    {
        return NULL;
    }

    return smcf;
}


static ngx_int_t
ngx_http_weir_split_init(ngx_conf_t *cf)
{
    ngx_http_weir_split_main_conf_t  *smcf;

    ngx_http_weir_split_check(cf);

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_split_module);

    if (smcf->splits.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_weir_split_resolve(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_weir_provide(cf, &ngx_http_weir_split_provider);
}
