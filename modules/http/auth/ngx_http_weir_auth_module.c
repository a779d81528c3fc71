
/*
 * Weir: who sends the request.  In preaccess the credential becomes an
 * identity in the context, or the reason why not; the gate answers.  In
 * precontent, after every access module has agreed, the upstream's headers
 * are written.
 */

#include "ngx_http_weir_auth_internal.h"


static ngx_int_t ngx_http_weir_auth_preaccess(ngx_http_request_t *r);
static ngx_uint_t ngx_http_weir_auth_bearer(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_auth_state_t *state,
    ngx_http_weir_auth_loc_conf_t *alcf);
static ngx_uint_t ngx_http_weir_auth_identity(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_auth_state_t *state,
    weir_held_t *held, const ngx_http_weir_auth_issuer_t *issuer);
static ngx_int_t ngx_http_weir_auth_refer(ngx_http_request_t *r,
    ngx_http_weir_auth_state_t *state, weir_held_t *held);
static void ngx_http_weir_auth_cleanup(void *data);
static ngx_int_t ngx_http_weir_auth_precontent(ngx_http_request_t *r);
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


static ngx_str_t  ngx_http_weir_auth_name = ngx_string("authorization");


/*
 * Runs again after an internal redirect, with the settings of the location
 * that the request has come to; what the client sent is remembered.
 */

static ngx_int_t
ngx_http_weir_auth_preaccess(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t            *ctx;
    ngx_http_weir_auth_state_t     *state;
    ngx_http_weir_auth_loc_conf_t  *alcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_auth_module);

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->status && alcf->set != 2) {

        /* an error_page: what was refused, and to whom, stays known */

        return NGX_DECLINED;
    }

    ctx->identity = NULL;
    ctx->auth = NGX_HTTP_WEIR_AUTH_OFF;
    ngx_str_null(&ctx->auth_reason);

    if (alcf->set != 2) {
        return NGX_DECLINED;
    }

    /* nothing but what follows says otherwise */

    ctx->auth = NGX_HTTP_WEIR_AUTH_ERROR;

    state = ngx_http_weir_state(ctx, NGX_HTTP_WEIR_STATE_AUTH,
                                sizeof(ngx_http_weir_auth_state_t));
    if (state == NULL) {
        return NGX_DECLINED;
    }

    if (!state->seen) {
        state->seen = 1;
        state->request = r;
        state->count = ngx_http_weir_header_find(r, &ngx_http_weir_auth_name,
                                                 &state->authorization);
    }

    ctx->auth = ngx_http_weir_auth_bearer(r, ctx, state, alcf);

    /* now already: auth_request and others make subrequests before content */

    if (ngx_http_weir_auth_authorization(r, state, alcf) != NGX_OK) {
        ctx->auth = NGX_HTTP_WEIR_AUTH_ERROR;
    }

    return NGX_DECLINED;
}


static ngx_uint_t
ngx_http_weir_auth_bearer(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_auth_state_t *state, ngx_http_weir_auth_loc_conf_t *alcf)
{
    ngx_uint_t                           i, result;
    weir_str_t                           value, token, name;
    weir_held_t                         *held;
    weir_token_reason_e                  reason;
    ngx_http_weir_auth_set_t            *set;
    ngx_http_weir_auth_counters_t       *counters;
    const ngx_http_weir_auth_issuer_t   *issuer;

    held = NULL;
    issuer = alcf->issuers[0];
    reason = WEIR_TOKEN_MALFORMED;
    result = NGX_HTTP_WEIR_AUTH_BAD;

    if (state->count == 1) {
        value.data = state->authorization.data;
        value.len = state->authorization.len;

        switch (weir_bearer(value, &token)) {

        case WEIR_OK:
            reason = ngx_http_weir_auth_token(r, alcf, token, &held, &issuer);
            break;

        case WEIR_DECLINED:
            result = NGX_HTTP_WEIR_AUTH_MISSING;
            break;

        default:
            break;
        }

    } else if (state->count == 0) {
        result = NGX_HTTP_WEIR_AUTH_MISSING;
    }

    counters = ngx_http_weir_slab(issuer->counters);

    if (result == NGX_HTTP_WEIR_AUTH_MISSING) {
        ngx_http_weir_count(&counters->missing, 1);

        return alcf->optional ? NGX_HTTP_WEIR_AUTH_OPTIONAL
                              : NGX_HTTP_WEIR_AUTH_MISSING;
    }

    if (reason == WEIR_TOKEN_ERROR) {
        ngx_http_weir_count(&counters->error, 1);
        return NGX_HTTP_WEIR_AUTH_ERROR;
    }

    if (reason != WEIR_TOKEN_VALID) {
        ngx_http_weir_count(&counters->rejected[reason], 1);

        name = weir_token_reason(reason);
        ctx->auth_reason.data = (u_char *) name.data;
        ctx->auth_reason.len = name.len;

        return NGX_HTTP_WEIR_AUTH_BAD;
    }

    result = ngx_http_weir_auth_identity(r, ctx, state, held, issuer);

    if (result != NGX_HTTP_WEIR_AUTH_VALID) {
        ngx_http_weir_count(&counters->error, 1);
        return result;
    }

    /* where it is only one of two that are asked for, the other is missing */

    set = alcf->sets->elts;

    for (i = 0; i < alcf->sets->nelts; i++) {
        if (set[i].issuer == issuer) {
            ngx_http_weir_count(&counters->accepted, 1);
            return NGX_HTTP_WEIR_AUTH_VALID;
        }
    }

    ctx->identity = NULL;
    ngx_http_weir_count(&counters->missing, 1);

    return NGX_HTTP_WEIR_AUTH_MISSING;
}


/* The reference to held is given up, or kept until the request's end. */

static ngx_uint_t
ngx_http_weir_auth_identity(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_auth_state_t *state, weir_held_t *held,
    const ngx_http_weir_auth_issuer_t *issuer)
{
    weir_str_t                 s;
    ngx_http_weir_identity_t  *identity;

    if (ngx_http_weir_auth_refer(r, state, held) != NGX_OK) {
        return NGX_HTTP_WEIR_AUTH_ERROR;
    }

    identity = ngx_pcalloc(r->pool, sizeof(ngx_http_weir_identity_t));
    if (identity == NULL) {
        return NGX_HTTP_WEIR_AUTH_ERROR;
    }

    identity->kind = NGX_HTTP_WEIR_JWT;
    identity->issuer = issuer->name;

    s = weir_cache_subject(held->entry);
    identity->subject.data = (u_char *) s.data;
    identity->subject.len = s.len;

    s = weir_cache_principal(held->entry);
    identity->principal.data = (u_char *) s.data;
    identity->principal.len = s.len;

    identity->claims = weir_cache_claims(held->entry);
    identity->expires = held->entry->exp + issuer->issuer.leeway;

    ctx->identity = identity;
    state->verified = 1;

    return NGX_HTTP_WEIR_AUTH_VALID;
}


static ngx_int_t
ngx_http_weir_auth_refer(ngx_http_request_t *r,
    ngx_http_weir_auth_state_t *state, weir_held_t *held)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_weir_auth_ref_t  *ref;

    for (ref = state->refs; ref; ref = ref->next) {
        if (ref->held == held) {
            weir_held_release(&weir_alloc_malloc, held);
            return NGX_OK;
        }
    }

    ref = ngx_palloc(r->pool, sizeof(ngx_http_weir_auth_ref_t));

    if (ref == NULL) {
        goto failed;
    }

    if (!state->cleanup) {
        cln = ngx_pool_cleanup_add(r->pool, 0);

        if (cln == NULL) {
            goto failed;
        }

        cln->handler = ngx_http_weir_auth_cleanup;
        cln->data = state;
        state->cleanup = 1;
    }

    ref->held = held;
    ref->next = state->refs;
    state->refs = ref;

    return NGX_OK;

failed:

    weir_held_release(&weir_alloc_malloc, held);

    return NGX_ERROR;
}


static void
ngx_http_weir_auth_cleanup(void *data)
{
    ngx_http_weir_auth_state_t *state = data;

    ngx_http_weir_auth_ref_t  *ref;

    if (state->queued) {
        ngx_queue_remove(&state->queue);
        state->queued = 0;
    }

    for (ref = state->refs; ref; ref = ref->next) {
        weir_held_release(&weir_alloc_malloc, ref->held);
    }

    state->refs = NULL;
}


static ngx_int_t
ngx_http_weir_auth_precontent(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t            *ctx;
    ngx_http_weir_auth_state_t     *state;
    ngx_http_weir_auth_loc_conf_t  *alcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_weir_ctx_get(r);
    alcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_auth_module);

    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    state = ctx->state[NGX_HTTP_WEIR_STATE_AUTH];

    if (state == NULL) {

        if (alcf->headers == NULL) {
            return NGX_DECLINED;
        }

        state = ngx_http_weir_state(ctx, NGX_HTTP_WEIR_STATE_AUTH,
                                    sizeof(ngx_http_weir_auth_state_t));
        if (state == NULL) {
            return ngx_http_weir_refuse(r, ctx,
                                        NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        NGX_HTTP_WEIR_FAILED, "error");
        }
    }

    if (ngx_http_weir_auth_upstream(r, state, alcf) != NGX_OK) {
        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    NGX_HTTP_WEIR_FAILED, "error");
    }

    ngx_http_weir_auth_expire(r, state,
                              ctx->identity ? ctx->identity->expires : 0);

    return NGX_DECLINED;
}


ngx_uint_t
ngx_http_weir_auth_admits(ngx_http_request_t *r,
    const ngx_http_weir_identity_t *identity)
{
    ngx_uint_t                      i;
    ngx_http_weir_auth_set_t       *set;
    ngx_http_weir_auth_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_auth_module);

    if (alcf->set != 2) {
        return NGX_HTTP_WEIR_AUTH_OFF;
    }

    if (identity == NULL) {
        return alcf->optional ? NGX_HTTP_WEIR_AUTH_OPTIONAL
                              : NGX_HTTP_WEIR_AUTH_MISSING;
    }

    set = alcf->sets->elts;

    for (i = 0; i < alcf->sets->nelts; i++) {
        if (set[i].issuer
            && identity->kind == NGX_HTTP_WEIR_JWT
            && set[i].issuer->name.len == identity->issuer.len
            && ngx_memcmp(set[i].issuer->name.data, identity->issuer.data,
                          identity->issuer.len)
               == 0)
        {
            return NGX_HTTP_WEIR_AUTH_VALID;
        }
    }

    return NGX_HTTP_WEIR_AUTH_MISSING;
}


ngx_uint_t
ngx_http_weir_auth_issuer_known(ngx_conf_t *cf, ngx_str_t *name)
{
    return ngx_http_weir_auth_find(cf, name) != NULL;
}


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
