
/*
 * Weir: what the gate asks of the auth module, beyond what auth leaves in the
 * context (ctx->auth, ctx->identity, ctx->auth_reason).
 */

#ifndef NGX_HTTP_WEIR_AUTH_H_INCLUDED
#define NGX_HTTP_WEIR_AUTH_H_INCLUDED


#include "ngx_http_weir.h"


/*
 * For a subrequest, which is decided with the main request's identity: what
 * r's location (its own weir_auth) makes of identity (NULL: anonymous).
 * NGX_HTTP_WEIR_AUTH_OFF: no weir_auth here; _VALID: a way listed here admits
 * such an identity (never where "a + b" asks for two); _OPTIONAL: anonymous,
 * and optional here; else _MISSING.
 */
ngx_uint_t ngx_http_weir_auth_admits(ngx_http_request_t *r,
    const ngx_http_weir_identity_t *identity);


/*
 * For what binds names at configuration time, from postconfiguration on: the
 * names (ngx_str_t) of all weir_issuer; NULL: out of memory.
 */
ngx_array_t *ngx_http_weir_auth_issuer_names(ngx_conf_t *cf);

/*
 * The names (ngx_str_t) of the issuers whose tokens weir_auth admits in the
 * location that has these settings (ngx_http_weir_loc_conf_t.loc_conf); NULL
 * where there is no weir_auth.
 */
ngx_array_t *ngx_http_weir_auth_issuers(void **loc_conf);


#endif /* NGX_HTTP_WEIR_AUTH_H_INCLUDED */
