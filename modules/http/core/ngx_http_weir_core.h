
/*
 * Weir: what the files of the core share among themselves.
 */

#ifndef NGX_HTTP_WEIR_CORE_H_INCLUDED
#define NGX_HTTP_WEIR_CORE_H_INCLUDED


#include "ngx_http_weir.h"


/* A header name to strip or to pass: folded, with or without a final "*". */

typedef struct {
    ngx_str_t                   name;
    ngx_uint_t                  prefix;
} ngx_http_weir_header_name_t;


typedef struct {
    ngx_http_weir_zone_conf_t  *zone;
    ngx_array_t                 locations;  /* ngx_http_weir_loc_conf_t * */
    ngx_array_t                 providers;  /* ngx_http_weir_provider_t * */
    ngx_array_t                 services;   /* ngx_http_weir_service_t */
    ngx_array_t                 strip;      /* ngx_http_weir_header_name_t */
    ngx_str_t                   node;
    ngx_str_t                   secret;
    ngx_str_t                   ns;         /* of the store; unset: weir */
    ngx_http_weir_finders_t     finders;
    ngx_http_weir_block_t      *drain;
    ngx_http_weir_block_t      *flights;
    unsigned                    used:1;
    unsigned                    auth:1;     /* weir_auth stands somewhere */
} ngx_http_weir_main_conf_t;


typedef struct {
    ngx_array_t                *strip;      /* ngx_http_weir_header_name_t */
    ngx_array_t                *pass;
    ngx_flag_t                  open;       /* weir_default */
    ngx_uint_t                  uses;       /* weir_auth, weir_policy */
    ngx_uint_t                  plain;      /* refusals are none of gRPC's */

    /* made from all of the above when the configuration is complete */
    ngx_array_t                *names;      /* ngx_http_weir_header_name_t */
    uint64_t                    initials;   /* of names, a bit each */
} ngx_http_weir_srv_conf_t;


/* What is counted for a service, by one process. */

#define NGX_HTTP_WEIR_BUCKETS  17           /* le 2^-10 .. 2^6 s */

typedef struct {
    uint64_t                    verdicts[NGX_HTTP_WEIR_VERDICTS];
    uint64_t                    buckets[NGX_HTTP_WEIR_BUCKETS + 1];
    uint64_t                    sum_us;
} ngx_http_weir_counters_t;


typedef struct {
    ngx_str_t                   name;
    ngx_http_weir_block_t      *counters;
} ngx_http_weir_service_t;


ngx_http_weir_main_conf_t *ngx_http_weir_main(ngx_conf_t *cf);

/* configuration */
char *ngx_http_weir_node(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_weir_secret_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_weir_path_allow(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_weir_service(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_weir_later(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_weir_node_default(ngx_conf_t *cf,
    ngx_http_weir_main_conf_t *mcf);

/* stripping */
char *ngx_http_weir_strip_names(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_weir_strip_init(ngx_conf_t *cf);
ngx_int_t ngx_http_weir_strip(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);

/* the answer */
void ngx_http_weir_filter_init(void);
ngx_int_t ngx_http_weir_filter_guard(ngx_conf_t *cf);
void ngx_http_weir_filter_taken(void);

/* draining */
ngx_int_t ngx_http_weir_drain_init(ngx_conf_t *cf,
    ngx_http_weir_main_conf_t *mcf);
void ngx_http_weir_drain_activate(ngx_http_weir_main_conf_t *mcf);
void ngx_http_weir_drain_attach(void);
const char *ngx_http_weir_unready(ngx_cycle_t *cycle);

/* variables, counters */
ngx_int_t ngx_http_weir_add_variables(ngx_conf_t *cf);
ngx_int_t ngx_http_weir_service_add(ngx_conf_t *cf,
    ngx_http_weir_loc_conf_t *lcf);
ngx_int_t ngx_http_weir_log_handler(ngx_http_request_t *r);
extern ngx_http_weir_provider_t  ngx_http_weir_provider;




#endif /* NGX_HTTP_WEIR_CORE_H_INCLUDED */
