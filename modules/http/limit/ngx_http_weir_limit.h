
/*
 * Weir: quotas of requests, what the files of this folder share.
 */

#ifndef NGX_HTTP_WEIR_LIMIT_H_INCLUDED
#define NGX_HTTP_WEIR_LIMIT_H_INCLUDED


#include "ngx_http_weir.h"
#include "weir_limit.h"


/* What one process has counted for a quota. */

typedef struct {
    uint64_t                       admitted;
    uint64_t                       limited;
    uint64_t                       shadow;     /* would have been limited */
    uint64_t                       evictions;
} ngx_http_weir_quota_counters_t;


/* weir_quota */

typedef struct {
    ngx_str_t                      name;
    ngx_http_weir_value_t          key;
    weir_rate_t                    rate;
    uint64_t                       cost;
    ngx_str_t                      policy;     /* its RateLimit-Policy member */

    ngx_http_weir_block_t         *block;
    ngx_http_weir_block_t         *counters;
    weir_limit_slice_t             slice;

    unsigned                       address:1;  /* before authentication */
    unsigned                       prefix:1;   /* the key is the address */
} ngx_http_weir_quota_t;


/* One name of a weir_limit. */

typedef struct {
    ngx_str_t                      name;
    u_char                        *file;
    ngx_uint_t                     line;
    ngx_http_weir_quota_t         *quota;
    unsigned                       shadow:1;
} ngx_http_weir_limit_t;


/* The quotas of a level, inherited as they are. */

typedef struct {
    ngx_array_t                    limits;     /* ngx_http_weir_limit_t */
    unsigned                       off:1;
    unsigned                       address:1;  /* has quotas of that stage */
    unsigned                       identity:1;
} ngx_http_weir_limits_t;


typedef struct {
    ngx_array_t                    quotas;     /* ngx_http_weir_quota_t * */
    ngx_array_t                    limits;     /* ngx_http_weir_limits_t * */
} ngx_http_weir_limit_main_conf_t;


typedef struct {
    ngx_http_weir_limits_t        *limits;     /* NULL: none */
} ngx_http_weir_limit_loc_conf_t;


/* A quota that was asked for this request: once, whatever redirects. */

typedef struct ngx_http_weir_limit_item_s  ngx_http_weir_limit_item_t;

struct ngx_http_weir_limit_item_s {
    ngx_http_weir_limit_item_t    *next;
    ngx_http_weir_quota_t         *quota;
    weir_limit_op_t                op;
    unsigned                       shadow:1;
    unsigned                       over:1;
    unsigned                       obliged:1;  /* a policy says so */
    unsigned                       counted:1;  /* its result is counted */
    unsigned                       shown:1;    /* its fields are written */
};


typedef struct {
    ngx_http_weir_limit_item_t    *items;
    uint64_t                       remaining;
    unsigned                       counted:1;  /* remaining is known */
    unsigned                       refused:1;
} ngx_http_weir_limit_state_t;


extern ngx_module_t  ngx_http_weir_limit_module;

extern ngx_http_weir_provider_t  ngx_http_weir_limit_provider;


/* directives */
char *ngx_http_weir_quota(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_weir_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_weir_limit_later(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_weir_limit_resolve(ngx_conf_t *cf);

/* for policies, which may name quotas */
void *ngx_http_weir_limit_quota(void *conf, weir_str_t name,
    weir_str_t value, ngx_uint_t *index);

/* the item of a quota that was asked for this request, or NULL */
ngx_http_weir_limit_item_t *ngx_http_weir_limit_find(
    ngx_http_weir_limit_state_t *state, ngx_http_weir_quota_t *quota);

/* RateLimit fields; which quotas refused, and for how long */
ngx_int_t ngx_http_weir_limit_fields(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_limit_state_t *state,
    ngx_http_weir_limits_t *limits);
ngx_int_t ngx_http_weir_limit_violated(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_limit_state_t *state);

/* variables, metrics */
ngx_int_t ngx_http_weir_limit_variables(ngx_conf_t *cf);


#endif /* NGX_HTTP_WEIR_LIMIT_H_INCLUDED */
