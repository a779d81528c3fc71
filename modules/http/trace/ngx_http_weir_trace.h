
/*
 * Weir: what the files of the trace area share: settings, the ids of one
 * request, and how they are made.
 */

#ifndef NGX_HTTP_WEIR_TRACE_H_INCLUDED
#define NGX_HTTP_WEIR_TRACE_H_INCLUDED


#include "ngx_http_weir.h"
#include "weir_trace.h"


/* Bytes of a tracestate that go on; a longer one loses whole members. */

#define NGX_HTTP_WEIR_TRACESTATE  4096


#define NGX_HTTP_WEIR_TRACE_OFF        0
#define NGX_HTTP_WEIR_TRACE_PROPAGATE  1


typedef struct {
    /* uint64_t[WEIR_TRACE_RESULTS]; NULL: no weir_* directive anywhere */
    ngx_http_weir_block_t  *contexts;
} ngx_http_weir_trace_main_conf_t;


typedef struct {
    ngx_uint_t              mode;        /* NGX_HTTP_WEIR_TRACE_* */
    ngx_uint_t              trust;       /* weir_trace_trust_t */
} ngx_http_weir_trace_loc_conf_t;


/* The ids of a client request; made once, kept over internal redirects. */

typedef struct {
    weir_trace_t            trace;

    ngx_str_t               traceparent;
    ngx_str_t               tracestate;  /* "": none goes on */
    ngx_str_t               client_id;   /* X-Client-Request-Id; "": none */

    ngx_str_t               trace_id;    /* slices of traceparent */
    ngx_str_t               span_id;

    unsigned                traced:1;    /* the above are made */
    unsigned                written:1;   /* and stand in headers_in */
    unsigned                present:1;   /* the client sent such headers */
} ngx_http_weir_trace_state_t;


extern ngx_module_t  ngx_http_weir_trace_module;


/*
 * Fixes what is not fixed yet, with the settings of the location at hand:
 * the request id always, the trace where tracing is on.  NULL: out of memory
 * or of random bytes, or Weir is not in use.
 */
ngx_http_weir_trace_state_t *ngx_http_weir_trace_ids(ngx_http_request_t *r);

/* Puts the ids into the headers of the request, in place of the client's. */
ngx_int_t ngx_http_weir_trace_write(ngx_http_request_t *r,
    ngx_http_weir_trace_state_t *st);

/* Removes the client's context, when there is none to put in its place. */
void ngx_http_weir_trace_drop(ngx_http_request_t *r);


#endif /* NGX_HTTP_WEIR_TRACE_H_INCLUDED */
