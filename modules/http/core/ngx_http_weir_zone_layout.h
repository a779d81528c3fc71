
/*
 * Weir: the zone as it lies in memory, for the two files that handle it.
 */

#ifndef NGX_HTTP_WEIR_ZONE_LAYOUT_H_INCLUDED
#define NGX_HTTP_WEIR_ZONE_LAYOUT_H_INCLUDED


#include "ngx_http_weir_core.h"


/* Changes whenever the meaning of what lies in the zone does. */

#define NGX_HTTP_WEIR_ZONE_LAYOUT   1

#define NGX_HTTP_WEIR_BLOCK_NAME    128
#define NGX_HTTP_WEIR_BLOCK_ALIGN   64


/* A block's head in the zone; its bytes follow. */

typedef struct ngx_http_weir_block_head_s  ngx_http_weir_block_head_t;

struct ngx_http_weir_block_head_s {
    ngx_http_weir_block_head_t  *next;
    size_t                       size;
    ngx_uint_t                   cycle;     /* the last that named it */
    u_char                       name[NGX_HTTP_WEIR_BLOCK_NAME];
};


typedef struct {
    size_t                       size;
    size_t                       given;     /* to blocks, heads included */
    ngx_atomic_t                 used;      /* as the area's owner says */
    ngx_atomic_t                 managed;   /* 1: used counts, not given */
    ngx_atomic_t                 discarded;
    u_char                      *data;
    ngx_http_weir_block_head_t  *blocks;
} ngx_http_weir_zone_area_t;


typedef struct {
    u_char                       key[16];
    ngx_uint_t                   layout;
    ngx_uint_t                   cycle;     /* configurations so far */
    ngx_uint_t                   serving;   /* the one that serves, */
    ngx_uint_t                   previous;  /* and the one before */
    ngx_slab_pool_t             *shpool;
    ngx_http_weir_zone_area_t    areas[NGX_HTTP_WEIR_AREAS];
    ngx_uint_t                   nslots;
    ngx_http_weir_slot_t         slots[1];
} ngx_http_weir_zone_t;


struct ngx_http_weir_zone_conf_s {
    size_t                       size;
    size_t                       areas[NGX_HTTP_WEIR_AREAS];
    ngx_array_t                  blocks;    /* ngx_http_weir_block_t * */
    ngx_cycle_t                 *cycle;
    ngx_shm_zone_t              *shm_zone;
    ngx_http_weir_zone_t        *zone;
    unsigned                     set:1;
};


/* The zone that serves; set when a configuration becomes active. */

extern ngx_http_weir_zone_t  *ngx_http_weir_zone;


#endif /* NGX_HTTP_WEIR_ZONE_LAYOUT_H_INCLUDED */
