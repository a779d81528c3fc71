
/*
 * Weir: what the files of the AuthZEN API share.
 */

#ifndef NGX_HTTP_WEIR_DECIDE_AUTHZEN_H_INCLUDED
#define NGX_HTTP_WEIR_DECIDE_AUTHZEN_H_INCLUDED


#include "ngx_http_weir_decide.h"


/*
 * Nanoseconds that a batch holds its worker; then others have their turn.
 * The question at hand is answered first.
 */

#define NGX_HTTP_WEIR_DECIDE_TURN  2000000


/* Answers the question in text.  NGX_AGAIN: later, and finalizes r then. */
ngx_int_t ngx_http_weir_decide_answer(ngx_http_request_t *r, ngx_str_t *text);

/* NGX_DECLINED: r names no endpoint; *batch: it is that of evaluations. */
ngx_int_t ngx_http_weir_decide_endpoint(ngx_http_request_t *r,
    ngx_uint_t *batch);

ngx_int_t ngx_http_weir_decide_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *message);
ngx_int_t ngx_http_weir_decide_send(ngx_http_request_t *r, ngx_uint_t status,
    json_t *json);


#endif /* NGX_HTTP_WEIR_DECIDE_AUTHZEN_H_INCLUDED */
