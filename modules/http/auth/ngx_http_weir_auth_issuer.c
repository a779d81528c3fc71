
/*
 * Weir: weir_issuer: who signs tokens, and with which keys.
 */

#include "ngx_http_weir_auth_internal.h"


static char *ngx_http_weir_auth_issuer_member(ngx_conf_t *cf,
    ngx_command_t *dummy, void *conf);
static char *ngx_http_weir_auth_audience(ngx_conf_t *cf,
    weir_issuer_t *issuer);
static char *ngx_http_weir_auth_typ(ngx_conf_t *cf, weir_issuer_t *issuer);
static char *ngx_http_weir_auth_algorithms(ngx_conf_t *cf,
    weir_issuer_t *issuer);
static char *ngx_http_weir_auth_seconds(ngx_conf_t *cf, int64_t *seconds,
    int64_t min, int64_t max);
static char *ngx_http_weir_auth_jwks(ngx_conf_t *cf, ngx_str_t *value,
    ngx_str_t *file);
static char *ngx_http_weir_auth_keys(ngx_conf_t *cf, ngx_str_t *file,
    weir_issuer_t *issuer, weir_crypto_t *crypto);


/* A weir_issuer while it is read. */

typedef struct {
    weir_issuer_t  *issuer;
    ngx_str_t       jwks;
} ngx_http_weir_auth_issuer_ctx_t;


/* weir_issuer NAME { ... } */

char *
ngx_http_weir_auth_issuer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_auth_main_conf_t *amcf = conf;

    char                              *rv;
    ngx_str_t                         *value;
    weir_issuer_t                     *issuer;
    ngx_http_weir_auth_issuer_t       *wi, **wip;
    ngx_http_weir_auth_issuer_ctx_t    ctx;

    ngx_http_weir_use(cf);

    value = cf->args->elts;

    if (!ngx_http_weir_name(cf, "issuer", &value[1])) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_weir_auth_find(cf, &value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "weir_issuer \"%V\" is duplicate", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (amcf->crypto.sha256 == NULL
        && weir_crypto_init(&amcf->crypto) != WEIR_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "OpenSSL offers no SHA-256 or no SHA-384");
        return NGX_CONF_ERROR;
    }

    wi = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_auth_issuer_t));
    if (wi == NULL) {
        return NGX_CONF_ERROR;
    }

    wip = ngx_array_push(&amcf->issuers);
    if (wip == NULL) {
        return NGX_CONF_ERROR;
    }

    *wip = wi;

    wi->name = value[1];

    issuer = &wi->issuer;
    issuer->name = ngx_http_weir_str(&wi->name);
    issuer->leeway = NGX_CONF_UNSET;
    issuer->max_age = NGX_CONF_UNSET;

    ngx_memzero(&ctx, sizeof(ngx_http_weir_auth_issuer_ctx_t));
    ctx.issuer = issuer;

    rv = ngx_http_weir_block(cf, &ctx, ngx_http_weir_auth_issuer_member);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (issuer->issuer.data == NULL || issuer->audiences == 0
        || ctx.jwks.data == NULL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" is missing in weir_issuer \"%V\"",
                           issuer->issuer.data == NULL ? "issuer"
                           : issuer->audiences == 0 ? "audience" : "jwks",
                           &wi->name);
        return NGX_CONF_ERROR;
    }

    if (issuer->algs.n == 0) {
        weir_algs_default(&issuer->algs);
    }

    if (issuer->leeway == NGX_CONF_UNSET) {
        issuer->leeway = 30;
    }

    if (issuer->max_age == NGX_CONF_UNSET) {
        issuer->max_age = 0;
    }

    if (weir_issuer_digest(&amcf->crypto, issuer) != WEIR_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_weir_auth_keys(cf, &ctx.jwks, issuer, &amcf->crypto);
}


static char *
ngx_http_weir_auth_issuer_member(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf)
{
    ngx_http_weir_auth_issuer_ctx_t *ctx = conf;

    ngx_str_t      *value;
    weir_issuer_t  *issuer;

    value = cf->args->elts;
    issuer = ctx->issuer;

    if (ngx_strcmp(value[0].data, "audience") == 0 && cf->args->nelts > 1) {
        return ngx_http_weir_auth_audience(cf, issuer);
    }

    if (ngx_strcmp(value[0].data, "algorithms") == 0 && cf->args->nelts > 1) {
        return ngx_http_weir_auth_algorithms(cf, issuer);
    }

    if (ngx_strcmp(value[0].data, "typ") == 0 && cf->args->nelts > 1) {
        return ngx_http_weir_auth_typ(cf, issuer);
    }

    if (ngx_strcmp(value[0].data, "bind") == 0
        || ngx_strcmp(value[0].data, "introspection") == 0
        || ngx_strcmp(value[0].data, "require") == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" comes with a later release of Weir",
                           &value[0]);
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[0].data, "issuer") != 0
        && ngx_strcmp(value[0].data, "jwks") != 0
        && ngx_strcmp(value[0].data, "leeway") != 0
        && ngx_strcmp(value[0].data, "max_age") != 0
        && ngx_strcmp(value[0].data, "audience") != 0
        && ngx_strcmp(value[0].data, "algorithms") != 0
        && ngx_strcmp(value[0].data, "typ") != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown directive \"%V\" in weir_issuer",
                           &value[0]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts != 2 || value[1].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number of arguments in \"%V\" directive, "
                           "or an empty one", &value[0]);
        return NGX_CONF_ERROR;
    }

    switch (value[0].data[0]) {

    case 'i':
        if (issuer->issuer.data) {
            break;
        }

        issuer->issuer = ngx_http_weir_str(&value[1]);
        return NGX_CONF_OK;

    case 'j':
        if (ctx->jwks.data) {
            break;
        }

        return ngx_http_weir_auth_jwks(cf, &value[1], &ctx->jwks);

    case 'l':
        if (issuer->leeway != NGX_CONF_UNSET) {
            break;
        }

        return ngx_http_weir_auth_seconds(cf, &issuer->leeway, 0,
                                          WEIR_TOKEN_LEEWAY);

    default: /* max_age */
        if (issuer->max_age != NGX_CONF_UNSET) {
            break;
        }

        return ngx_http_weir_auth_seconds(cf, &issuer->max_age, 1,
                                          10 * 365 * 86400);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" is duplicate",
                       &value[0]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_weir_auth_audience(ngx_conf_t *cf, weir_issuer_t *issuer)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (issuer->audiences) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"audience\" is duplicate");
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts - 1 > WEIR_TOKEN_LISTS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d audiences", WEIR_TOKEN_LISTS);
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "empty audience");
            return NGX_CONF_ERROR;
        }

        issuer->audience[issuer->audiences++] =
                                       ngx_http_weir_str(&value[i]);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_auth_typ(ngx_conf_t *cf, weir_issuer_t *issuer)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (issuer->typs) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"typ\" is duplicate");
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts - 1 > WEIR_TOKEN_LISTS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d types", WEIR_TOKEN_LISTS);
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "empty typ");
            return NGX_CONF_ERROR;
        }

        issuer->typ[issuer->typs++] = ngx_http_weir_str(&value[i]);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_auth_algorithms(ngx_conf_t *cf, weir_issuer_t *issuer)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (issuer->algs.n) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"algorithms\" is duplicate");
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        switch (weir_algs_add(&issuer->algs,
                              ngx_http_weir_str(&value[i])))
        {
        case WEIR_OK:
            break;

        case WEIR_DECLINED:
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "algorithm \"%V\" is duplicate", &value[i]);
            return NGX_CONF_ERROR;

        default:
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unsupported algorithm \"%V\", one of ES256 "
                               "ES384 RS256 PS256 EdDSA Ed25519 is meant",
                               &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_auth_seconds(ngx_conf_t *cf, int64_t *seconds, int64_t min,
    int64_t max)
{
    ngx_str_t  *value;
    ngx_int_t   n;

    value = cf->args->elts;
    n = ngx_parse_time(&value[1], 1);

    if (n == NGX_ERROR || n < min || n > max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\", it must be a time "
                           "from %L to %L seconds", &value[1], &value[0],
                           min, max);
        return NGX_CONF_ERROR;
    }

    *seconds = n;

    return NGX_CONF_OK;
}


/* jwks file:/path, or a path, relative as include's is. */

static char *
ngx_http_weir_auth_jwks(ngx_conf_t *cf, ngx_str_t *value, ngx_str_t *file)
{
    if (ngx_strncasecmp(value->data, (u_char *) "http://", 7) == 0
        || ngx_strncasecmp(value->data, (u_char *) "https://", 8) == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jwks %V\": remote key sets come with a later "
                           "release of Weir, name a file", value);
        return NGX_CONF_ERROR;
    }

    *file = *value;

    if (ngx_strncmp(file->data, "file:", 5) == 0) {
        file->data += 5;
        file->len -= 5;
    }

    if (file->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no file in \"jwks %V\"", value);
        return NGX_CONF_ERROR;
    }

    return ngx_conf_full_name(cf->cycle, file, 1) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_weir_auth_keys(ngx_conf_t *cf, ngx_str_t *file,
    weir_issuer_t *issuer, weir_crypto_t *crypto)
{
    int           rc;
    ngx_str_t     kid, text;
    weir_str_t    keys;
    weir_err_t    err;
    ngx_uint_t    i;
    weir_jwk_t   *key;

    if (ngx_http_weir_read(cf, "key set", file, WEIR_JWKS_MAX, &text)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    keys = ngx_http_weir_str(&text);

    rc = weir_jwks_parse(&issuer->keys, crypto, keys, &issuer->algs,
                         &weir_alloc_malloc, &err);

    if (rc != WEIR_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "key set \"%V\" is refused: %s", file,
                           rc == WEIR_NOMEM ? "out of memory" : err.text);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < issuer->keys->n; i++) {
        key = &issuer->keys->keys[i];

        if (key->alg != WEIR_ALG_UNKNOWN
            && weir_algs_has(&issuer->algs, key->alg))
        {
            continue;
        }

        kid.data = (u_char *) key->kid.data;
        kid.len = ngx_min(key->kid.len, WEIR_KID_MAX);

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "key %ui (kid \"%V\") of \"%V\" is not used: %s",
                           i + 1, &kid, file,
                           key->note ? key->note
                                     : "its alg is not in \"algorithms\"");
    }

    if (issuer->keys->usable == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no usable key in \"%V\"", file);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
