
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


#endif /* NGX_HTTP_WEIR_AUTH_H_INCLUDED */
