
/*
 * Weir: the zone as it lies in memory, for the two files that handle it.
 */

#ifndef NGX_HTTP_WEIR_ZONE_LAYOUT_H_INCLUDED
#define NGX_HTTP_WEIR_ZONE_LAYOUT_H_INCLUDED


#include "ngx_http_weir_core.h"


/*
 * Changes whenever the meaning of what lies in the zone does: that of images
 * (weir_policy_image.h) and of claims (weir_claims.h), too, since a reload may
 * bring another module, which meets the zone of the one before.
 */

#define NGX_HTTP_WEIR_ZONE_LAYOUT   4

#define NGX_HTTP_WEIR_BLOCK_NAME    128
#define NGX_HTTP_WEIR_BLOCK_ALIGN   64


/*
 * A block's head in the zone; its bytes follow, and behind them the next
 * head: the blocks of an area lie one behind the other.
 */

typedef struct {
    size_t                       room;      /* bytes up to the next head */
    size_t                       size;      /* of these, what was asked for */
    ngx_uint_t                   since;     /* the first that named it, */
    ngx_uint_t                   cycle;     /* the last one, */
    ngx_uint_t                   served;    /* and of those that served */
    u_char                       name[NGX_HTTP_WEIR_BLOCK_NAME];
} ngx_http_weir_block_head_t;


#define NGX_HTTP_WEIR_BLOCK_HEAD                                              \
    ngx_align(sizeof(ngx_http_weir_block_head_t), NGX_HTTP_WEIR_BLOCK_ALIGN)


typedef struct {
    size_t                       size;
    size_t                       given;     /* to blocks, heads included */
    ngx_atomic_t                 used;      /* as the area's owner says */
    ngx_atomic_t                 managed;   /* 1: used counts, not given */
    ngx_atomic_t                 discarded;
    u_char                      *data;
} ngx_http_weir_zone_area_t;


typedef struct {
    u_char                       key[16];
    ngx_uint_t                   layout;
    ngx_uint_t                   cycle;     /* configurations so far */
    ngx_uint_t                   serving;   /* the one that serves, */
    ngx_uint_t                   previous;  /* and the one before */
    ngx_uint_t                   crowded;   /* 1: a process had no slot */
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
    ngx_uint_t                   number;    /* zone->cycle, when it was made */
    unsigned                     set:1;
};


/* The zone that serves; set when a configuration becomes active. */

extern ngx_http_weir_zone_t  *ngx_http_weir_zone;


/* The block's memory in the zone: of its name, or made; NGX_ERROR: no room. */
ngx_int_t ngx_http_weir_block_find(ngx_http_weir_zone_t *zone,
    ngx_http_weir_block_t *block, ngx_log_t *log);

/* Says of the blocks that the configuration number named that it serves. */
void ngx_http_weir_blocks_serve(ngx_http_weir_zone_t *zone, ngx_uint_t number);


#endif /* NGX_HTTP_WEIR_ZONE_LAYOUT_H_INCLUDED */
