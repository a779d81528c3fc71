
/*
 * Weir: the identity in variables.  They are empty before the decision and
 * never cached: an internal redirect may change who the request is from.
 *
 * Wherever an operator puts them, in headers and logs too, a token's text
 * stays within the field: what is not printable ASCII is base64url.
 */

#include "ngx_http_weir_auth_internal.h"


#define NGX_HTTP_WEIR_AUTH_KEY_MAX  256


static ngx_int_t ngx_http_weir_auth_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_weir_auth_variable_kind(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_weir_auth_variable_claim(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_weir_auth_variable_path(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static const weir_claim_entry_t *ngx_http_weir_auth_path(
    const weir_claims_t *claims, ngx_str_t *path);
static ngx_int_t ngx_http_weir_auth_claim(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, const weir_claims_t *claims,
    const weir_claim_entry_t *e);


static ngx_http_variable_t  ngx_http_weir_auth_vars[] = {

    { ngx_string("weir_principal"), NULL, ngx_http_weir_auth_variable,
      offsetof(ngx_http_weir_identity_t, principal),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_subject"), NULL, ngx_http_weir_auth_variable,
      offsetof(ngx_http_weir_identity_t, subject),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_issuer"), NULL, ngx_http_weir_auth_variable,
      offsetof(ngx_http_weir_identity_t, issuer),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_auth_kind"), NULL, ngx_http_weir_auth_variable_kind,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_claim_"), NULL, ngx_http_weir_auth_variable_claim,
      0, NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

      ngx_http_null_variable
};


static ngx_str_t  ngx_http_weir_auth_kinds[] = {
    ngx_string("anonymous"),
    ngx_string("jwt"),
    ngx_string("mtls"),
    ngx_string("apikey"),
    ngx_string("session")
};


ngx_int_t
ngx_http_weir_auth_add_variables(ngx_conf_t *cf)
{
    return ngx_http_weir_variables_add(cf, ngx_http_weir_auth_vars);
}


/* weir_claim_variable $var "claim.path" */

char *
ngx_http_weir_auth_claim_variable(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t            *value, name, *path;
    ngx_http_variable_t  *var;

    ngx_http_weir_use(cf);

    value = cf->args->elts;
    name = value[1];

    if (name.len < 2 || name.data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid variable name \"%V\"", &name);
        return NGX_CONF_ERROR;
    }

    name.data++;
    name.len--;

    if (value[2].len == 0 || value[2].len > NGX_HTTP_WEIR_AUTH_KEY_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid claim \"%V\", 1 to %d bytes are meant",
                           &value[2], NGX_HTTP_WEIR_AUTH_KEY_MAX);
        return NGX_CONF_ERROR;
    }

    path = ngx_palloc(cf->pool, sizeof(ngx_str_t));
    if (path == NULL) {
        return NGX_CONF_ERROR;
    }

    *path = value[2];

    var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_CONF_ERROR;
    }

    var->get_handler = ngx_http_weir_auth_variable_path;
    var->data = (uintptr_t) path;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_weir_auth_value(ngx_http_variable_value_t *v, const u_char *data,
    size_t len)
{
    /* neither valid nor "not found": nginx asks again each time */

    v->len = len;
    v->data = (u_char *) data;
    v->valid = 0;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_auth_text(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    const u_char *data, size_t len)
{
    ngx_str_t  s;

    s.data = (u_char *) data;
    s.len = len;

    if (ngx_http_weir_auth_clean(r, &s) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_weir_auth_value(v, s.data, s.len);
}


static ngx_http_weir_identity_t *
ngx_http_weir_auth_decided(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx_get(r);

    return ctx && ctx->decided ? ctx->identity : NULL;
}


static ngx_int_t
ngx_http_weir_auth_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                 *s;
    ngx_http_weir_identity_t  *identity;

    identity = ngx_http_weir_auth_decided(r);

    if (identity == NULL) {
        return ngx_http_weir_auth_value(v, (u_char *) "", 0);
    }

    s = (ngx_str_t *) ((u_char *) identity + data);

    return ngx_http_weir_auth_text(r, v, s->data, s->len);
}


static ngx_int_t
ngx_http_weir_auth_variable_kind(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t            *s;
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx == NULL || !ctx->decided) {
        return ngx_http_weir_auth_value(v, (u_char *) "", 0);
    }

    s = &ngx_http_weir_auth_kinds[ctx->identity ? ctx->identity->kind
                                                : NGX_HTTP_WEIR_ANONYMOUS];

    return ngx_http_weir_auth_value(v, s->data, s->len);
}


static ngx_int_t
ngx_http_weir_auth_variable_claim(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t *name = (ngx_str_t *) data;

    weir_str_t                 key;
    ngx_http_weir_identity_t  *identity;

    identity = ngx_http_weir_auth_decided(r);

    if (identity == NULL) {
        return ngx_http_weir_auth_value(v, (u_char *) "", 0);
    }

    key.data = name->data + sizeof("weir_claim_") - 1;
    key.len = name->len - (sizeof("weir_claim_") - 1);

    return ngx_http_weir_auth_claim(r, v, identity->claims,
                                   weir_claims_find(identity->claims, key));
}


static ngx_int_t
ngx_http_weir_auth_variable_path(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                   path;
    const weir_claim_entry_t   *e;
    ngx_http_weir_identity_t   *identity;

    identity = ngx_http_weir_auth_decided(r);

    if (identity == NULL) {
        return ngx_http_weir_auth_value(v, (u_char *) "", 0);
    }

    path = *(ngx_str_t *) data;
    e = ngx_http_weir_auth_path(identity->claims, &path);

    /* as a policy spells it */

    if (e == NULL && path.len > sizeof("claim.") - 1
        && ngx_strncmp(path.data, "claim.", sizeof("claim.") - 1) == 0)
    {
        path.data += sizeof("claim.") - 1;
        path.len -= sizeof("claim.") - 1;

        e = ngx_http_weir_auth_path(identity->claims, &path);
    }

    return ngx_http_weir_auth_claim(r, v, identity->claims, e);
}


/* The member of exactly this name, else the members that dots join. */

static const weir_claim_entry_t *
ngx_http_weir_auth_path(const weir_claims_t *claims, ngx_str_t *path)
{
    u_char                     key[NGX_HTTP_WEIR_AUTH_KEY_MAX];
    ngx_uint_t                 i;
    weir_str_t                 s;
    const weir_claim_entry_t  *e;

    s = ngx_http_weir_str(path);

    e = weir_claims_find(claims, s);

    if (e) {
        return e;
    }

    for (i = 0; i < path->len; i++) {
        key[i] = path->data[i] == '.' ? '\0' : path->data[i];
    }

    s.data = key;

    return weir_claims_find(claims, s);
}


static ngx_int_t
ngx_http_weir_auth_claim(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    const weir_claims_t *claims, const weir_claim_entry_t *e)
{
    u_char      *p, *data;
    size_t       len;
    uint32_t     i;
    weir_str_t   s;

    if (e == NULL) {
        return ngx_http_weir_auth_value(v, (u_char *) "", 0);
    }

    switch (e->type) {

    case WEIR_CLAIM_STRING:
        s = weir_claims_string(claims, e);
        return ngx_http_weir_auth_text(r, v, s.data, s.len);

    case WEIR_CLAIM_BOOL:
        return e->number
               ? ngx_http_weir_auth_value(v, (u_char *) "true", 4)
               : ngx_http_weir_auth_value(v, (u_char *) "false", 5);

    case WEIR_CLAIM_INT:
        p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        return ngx_http_weir_auth_value(v, p,
                                        ngx_sprintf(p, "%L", e->number) - p);

    case WEIR_CLAIM_SET:
        break;

    default:
        return ngx_http_weir_auth_value(v, (u_char *) "", 0);
    }

    len = 0;

    for (i = 0; i < e->value_len; i++) {
        len += weir_claims_item(claims, e, i).len + 1;
    }

    if (len == 0) {
        return ngx_http_weir_auth_value(v, (u_char *) "", 0);
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    data = p;

    for (i = 0; i < e->value_len; i++) {

        if (i) {
            *p++ = ',';
        }

        s = weir_claims_item(claims, e, i);
        p = ngx_cpymem(p, s.data, s.len);
    }

    return ngx_http_weir_auth_text(r, v, data, len - 1);
}
