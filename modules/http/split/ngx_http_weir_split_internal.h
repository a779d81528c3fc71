
/*
 * Weir: traffic splits, what the files of this folder share.
 */

#ifndef NGX_HTTP_WEIR_SPLIT_INTERNAL_H_INCLUDED
#define NGX_HTTP_WEIR_SPLIT_INTERNAL_H_INCLUDED


#include "ngx_http_weir_split.h"


/* weir_split */

typedef struct {
    ngx_str_t                    name;
    ngx_str_t                    variable;   /* weir_split_NAME */
    ngx_str_t                    salt;
    ngx_str_t                    header;     /* lower case; unset: none */
    ngx_str_t                    cookie;     /* cookie_NAME; unset: none */
    ngx_http_weir_value_t        key;
    ngx_uint_t                   index;
    ngx_uint_t                   cookie_hash;

    weir_split_t                 split;
    uint32_t                     weights[WEIR_SPLIT_COLOURS];
    ngx_http_weir_block_t       *counters[WEIR_SPLIT_COLOURS];
    ngx_http_weir_block_t       *live;       /* NULL: there is no store */

    unsigned                     has_key:1;
    unsigned                     prefix:1;   /* the key is the address */
    unsigned                     rest:1;     /* while read: "*" was there */
} ngx_http_weir_split_t;


/* A proxy_pass whose host has a split's variable. */

typedef struct {
    ngx_str_t                    url;
    u_char                      *file;
    ngx_uint_t                   line;
} ngx_http_weir_split_pass_t;


typedef struct {
    ngx_array_t                  splits;     /* ngx_http_weir_split_t * */
    ngx_array_t                  passes;     /* ngx_http_weir_split_pass_t */
} ngx_http_weir_split_main_conf_t;


/* What a request was given by one split. */

typedef struct {
    uint32_t                     colour;
    unsigned                     chosen:1;
    unsigned                     forced:1;   /* by an override: not counted */
} ngx_http_weir_split_choice_t;


extern ngx_module_t  ngx_http_weir_split_module;

typedef struct ngx_http_weir_split_zone_s  ngx_http_weir_split_zone_t;


/* directives */
char *ngx_http_weir_split(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_weir_split_resolve(ngx_conf_t *cf);

/* the weights in force: in dst, of WEIR_SPLIT_COLOURS, or elsewhere */
const uint32_t *ngx_http_weir_split_weights(ngx_http_weir_split_t *split,
    uint32_t *dst);

/* warns of colours without an upstream */
ngx_int_t ngx_http_weir_split_watch(ngx_conf_t *cf);
void ngx_http_weir_split_check(ngx_conf_t *cf);

/* the variable's handler; data is the split's index */
ngx_int_t ngx_http_weir_split_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


#endif /* NGX_HTTP_WEIR_SPLIT_INTERNAL_H_INCLUDED */
