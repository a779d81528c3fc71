
/*
 * Weir: the store in Redis, what its files share: what was fetched, and is
 * given to a round.
 */

#ifndef NGX_HTTP_WEIR_STORE_REDIS_H_INCLUDED
#define NGX_HTTP_WEIR_STORE_REDIS_H_INCLUDED


#include "ngx_http_weir_store.h"


typedef struct ngx_http_weir_redis_s  ngx_http_weir_redis_t;


/* Something that is fetched. */

typedef struct {
    ngx_http_weir_redis_t      *redis;
    ngx_str_t                   name;       /* of a live document */
    u_char                      hash[WEIR_STORE_HASH];
    size_t                      max;
    ngx_uint_t                  segment;
    weir_store_code_e           code;
    weir_str_t                  bytes;
    char                        why[128];
} ngx_http_weir_redis_item_t;


struct ngx_http_weir_redis_s {
    weir_store_t                store;      /* first: what a round sees */
    ngx_http_weir_net_conf_t    conf;
    ngx_http_weir_store_conf_t *sscf;
    ngx_http_weir_net_t        *net;
    ngx_log_t                  *log;
    ngx_http_weir_redis_pt      up;
    ngx_http_weir_redis_pt      done;
    void                       *data;

    weir_arena_t                arena;      /* of what was fetched */
    weir_store_code_e           code;       /* of the contact */
    weir_store_err_t            err;
    ngx_http_weir_redis_item_t  head;
    ngx_http_weir_redis_item_t *lives;
    ngx_uint_t                  nlives;
    ngx_http_weir_redis_item_t *segments;   /* that rounds asked for */
    ngx_uint_t                  nsegments;
    ngx_uint_t                  next;       /* to be fetched of these */
    ngx_uint_t                  pending;
    ngx_uint_t                  moves;      /* of the link, meanwhile */
    ngx_uint_t                  waiting;    /* for it, to ask again */

    ngx_http_weir_redis_pt      told;
    weir_store_code_e           put;
    weir_store_err_t            put_err;
};


extern ngx_http_weir_redis_t   ngx_http_weir_redis;
extern const weir_store_ops_t  ngx_http_weir_redis_view_ops;


#endif /* NGX_HTTP_WEIR_STORE_REDIS_H_INCLUDED */
