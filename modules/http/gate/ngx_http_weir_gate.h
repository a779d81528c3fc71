
/*
 * Weir: what the files of the gate share.
 */

#ifndef NGX_HTTP_WEIR_GATE_H_INCLUDED
#define NGX_HTTP_WEIR_GATE_H_INCLUDED


#include "ngx_http_weir_core.h"
#include "ngx_http_weir_policy.h"


/* A subrequest that was refused. */

typedef struct ngx_http_weir_refused_s  ngx_http_weir_refused_t;

struct ngx_http_weir_refused_s {
    ngx_http_weir_refused_t  *next;
    ngx_http_request_t       *request;
    ngx_int_t                 status;
};


/* The gate's part of the request's context. */

typedef struct {
    weir_path_t              *path;     /* the client's, as first seen */
    ngx_str_t                 method;   /* the client's, as first seen */
    ngx_str_t                 host;     /* canonical */
    ngx_http_weir_refused_t  *refused;
    ngx_array_t              *duties;   /* of the decision under way */
    ngx_array_t              *set;      /* those whose headers are set */

    unsigned                  passes:8;     /* through preaccess */
    unsigned                  seen:1;       /* method is set */
    unsigned                  gated:1;      /* path, host passed their gates */
    unsigned                  settled:1;    /* the client's path was let
                                               through once */
} ngx_http_weir_gate_t;


/*
 * The gates of security.md 1, for a location with a policy or weir_auth.
 * NGX_OK, or the status of a refusal that is recorded in ctx.
 */
ngx_int_t ngx_http_weir_gate_request(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_gate_t *gate,
    ngx_http_weir_loc_conf_t *lcf);

/* The main request's host, into gate: NGX_DECLINED where it is ambiguous. */
ngx_int_t ngx_http_weir_gate_host(ngx_http_request_t *r,
    ngx_http_weir_gate_t *gate);

/* The port that an authority which passed the gate names; empty: none. */
ngx_str_t ngx_http_weir_gate_port(ngx_str_t authority);

/* r->uri, decoded by nginx: NGX_OK, or NGX_DECLINED where it is ambiguous. */
ngx_int_t ngx_http_weir_gate_uri(ngx_http_request_t *r, weir_path_t *path,
    ngx_http_weir_loc_conf_t *lcf);

/* A request that may be a COPY or MOVE. */

typedef struct {
    ngx_str_t                 method;
    ngx_str_t                 host;         /* canonical */
    ngx_str_t                 authority;    /* host as the client wrote it */
    ngx_uint_t                allow;        /* spellings of paths */
} ngx_http_weir_gate_copy_t;

/* COPY and MOVE. */
ngx_uint_t ngx_http_weir_gate_copies(const ngx_str_t *method);

/*
 * The path that a COPY or MOVE writes to, by the Destination of r: NGX_OK;
 * NGX_DONE where there is none; NGX_DECLINED where it is ambiguous, or another
 * host's.
 */
ngx_int_t ngx_http_weir_gate_destination(ngx_http_request_t *r,
    const ngx_http_weir_gate_copy_t *copy, weir_path_t *path);

/*
 * Adds to *duties what a permit obliges to; where that contradicts them, d
 * becomes a refusal.
 */
void ngx_http_weir_gate_oblige(ngx_http_request_t *r, ngx_array_t **duties,
    ngx_http_weir_decision_t *d);

/* What a deny is called, and the status that it is answered with. */
ngx_uint_t ngx_http_weir_gate_verdict(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_decision_t *d,
    ngx_uint_t *status);

/* "log": writes of a decision to the error log. */
void ngx_http_weir_gate_log(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_array_t *duties, ngx_uint_t permit);

/*
 * "set_header": sets the headers that the upstream gets; of the main request
 * those that its decision obliges to and no others.
 */
ngx_int_t ngx_http_weir_gate_headers(ngx_http_request_t *r,
    ngx_array_t *duties);
ngx_int_t ngx_http_weir_gate_upstream_headers(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_gate_t *gate);


/* --- ngx_http_weir_gate_ask.c --- */

/* The main request: all that it is for. */
void ngx_http_weir_gate_decide(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_gate_t *gate,
    ngx_http_weir_identity_t *identity, ngx_http_weir_decision_t *d);

/* One question, in all its readings. */
void ngx_http_weir_gate_ask(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_question_t *q, ngx_http_weir_decision_t *d);


/* What is wrong with the locations, or worth a warning. */
ngx_int_t ngx_http_weir_gate_check(ngx_conf_t *cf);

/* What upstreams and caches of locations may do (security.md 1.8, 1.10). */
ngx_int_t ngx_http_weir_gate_upstreams(ngx_conf_t *cf);
ngx_int_t ngx_http_weir_gate_variables(ngx_conf_t *cf);


#endif /* NGX_HTTP_WEIR_GATE_H_INCLUDED */
