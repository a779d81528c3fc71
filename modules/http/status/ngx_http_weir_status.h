
/*
 * Weir: what the files of the status area share, and weir_decide.
 */

#ifndef NGX_HTTP_WEIR_STATUS_H_INCLUDED
#define NGX_HTTP_WEIR_STATUS_H_INCLUDED


#include "ngx_http_weir.h"


/* nginx forgets server_names once it has made its hashes of them. */

typedef struct {
    ngx_array_t  names;                /* ngx_http_server_name_t */
} ngx_http_weir_status_srv_conf_t;


extern ngx_module_t  ngx_http_weir_status_module;


/*
 * 1 if the request may see a status page that no policy guards: it comes from
 * this machine, by no proxy, and for a name of this server.
 */
ngx_uint_t ngx_http_weir_status_local(ngx_http_request_t *r);


/* --- ngx_http_weir_status_module.c --- */

/* GET and HEAD alone; NGX_OK, or what the handler is to return. */
ngx_int_t ngx_http_weir_status_method(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);

/* Answers with JSON that lives as long as r. */
ngx_int_t ngx_http_weir_status_answer(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *text);

/* In a directive's handler: the location's content is ours. */
char *ngx_http_weir_status_handler(ngx_conf_t *cf,
    ngx_http_handler_pt handler);


/* --- ngx_http_weir_status_health.c --- */

/* weir_health live|ready */
char *ngx_http_weir_status_health(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* --- ngx_http_weir_status_json.c --- */

/* The object of weir_api as text in r's pool; len 0: it failed. */
ngx_str_t ngx_http_weir_status_json(ngx_http_request_t *r);

/* When this gateway started (CLOCK_MONOTONIC, ns); kept over reloads. */
extern uint64_t  ngx_http_weir_status_started;

extern ngx_http_weir_provider_t  ngx_http_weir_status_provider;


#endif /* NGX_HTTP_WEIR_STATUS_H_INCLUDED */
