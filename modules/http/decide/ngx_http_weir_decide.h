
/*
 * Weir: weir_decide: what the policies say of requests that others carry.
 *
 * Who asks is what the location's own gate let in, by a token or by a
 * certificate.  What is asked comes in two styles, by what the location is
 * called: the AuthZEN API, whose questions are JSON, and headers, as other
 * proxies send them with their clients' credentials.
 */

#ifndef NGX_HTTP_WEIR_DECIDE_H_INCLUDED
#define NGX_HTTP_WEIR_DECIDE_H_INCLUDED


#include "ngx_http_weir.h"
#include "ngx_http_weir_policy.h"


/* What a question may make of its body; far more than its claims need. */

#define NGX_HTTP_WEIR_DECIDE_MEMORY  (16 * 1024 * 1024)

/* Bytes of an asker's X-Request-ID, at most. */

#define NGX_HTTP_WEIR_DECIDE_ID      128


typedef struct {
    ngx_http_weir_policy_asked_t  *asked;    /* NULL: no weir_decide here */
    ngx_uint_t                     authzen;
    ngx_str_t                      prefix;   /* the location, no final "/" */
} ngx_http_weir_decide_loc_conf_t;


typedef struct {
    ngx_array_t                    below;    /* ngx_str_t: see below.c */
    ngx_uint_t                     own;      /* some of them are its own */
} ngx_http_weir_decide_srv_conf_t;


typedef struct {
    ngx_array_t                   *identity; /* ngx_str_t: headers */
    ngx_str_t                      issuer;   /* the only one; else empty */
} ngx_http_weir_decide_main_conf_t;


/* A question, and all that a policy may look at to answer it. */

typedef struct {
    ngx_http_request_t            *http;
    ngx_http_weir_question_t       question;
    weir_policy_request_t          request;
    weir_path_t                    path;
    weir_addr_t                    source;
    weir_str_t                     args;     /* data NULL: none */
    ngx_uint_t                     joined;   /* of two fields one is made */

    /* NULL: headers are those of http, nothing is known of its TLS */
    const weir_policy_fields_t    *fields;
} ngx_http_weir_decide_facts_t;


extern ngx_module_t  ngx_http_weir_decide_module;


/*
 * The rest of f, of which request has method, scheme, source, time and
 * identity: 1; 0 where path or host (raw; data NULL: none) is ambiguous,
 * *reason says which.
 */
ngx_uint_t ngx_http_weir_decide_facts(ngx_http_weir_decide_facts_t *f,
    weir_str_t path, weir_str_t host, const char **reason);

/* --- ngx_http_weir_decide_below.c --- */

/* After all servers were read. */
ngx_int_t ngx_http_weir_decide_below_init(ngx_conf_t *cf);

/* --- ngx_http_weir_decide_headers.c --- */

ngx_int_t ngx_http_weir_decide_headers(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_decide_loc_conf_t *dlcf);

/* --- ngx_http_weir_decide_authzen.c --- */

ngx_int_t ngx_http_weir_decide_authzen(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_decide_loc_conf_t *dlcf);


#endif /* NGX_HTTP_WEIR_DECIDE_H_INCLUDED */
