
/*
 * Weir: generations as they lie in the zone, for those who pin them and those
 * who write them.
 */

#ifndef NGX_HTTP_WEIR_POLICY_ZONE_H_INCLUDED
#define NGX_HTTP_WEIR_POLICY_ZONE_H_INCLUDED


#include "ngx_http_weir_policy_internal.h"


#define NGX_HTTP_WEIR_POLICY_LINE   64


typedef struct {
    ngx_atomic_t                 seq;       /* 0: not to be used */
    ngx_atomic_t                 writer;    /* a process, while it writes */
    size_t                       size;
    time_t                       activated;
    ngx_http_weir_policy_info_t  info;
} ngx_http_weir_policy_slot_t;


/* At the head of the area; a line per process slot follows, then the parts. */

typedef struct {
    ngx_atomic_t                 active;    /* part + 1; 0: none */
    ngx_atomic_t                 seq;
    ngx_http_weir_policy_slot_t  parts[NGX_HTTP_WEIR_POLICY_PARTS];

    /* under the zone's lock */
    ngx_uint_t                   error;     /* weir_refusal_e */
    uint64_t                     version;   /* of what was refused */
    size_t                       len;
    u_char                       message[NGX_HTTP_WEIR_POLICY_ERROR];
    uint64_t                     rejected[WEIR_REFUSALS];
} ngx_http_weir_policy_head_t;


#define ngx_http_weir_policy_head(block)                                      \
    ((ngx_http_weir_policy_head_t *) (block)->data)


/* The word in which a process says which part it reads. */

static ngx_inline ngx_atomic_t *
ngx_http_weir_policy_word(ngx_http_weir_block_t *block, ngx_uint_t slot)
{
    return (ngx_atomic_t *)
           (block->data
            + ngx_align(sizeof(ngx_http_weir_policy_head_t),
                        NGX_HTTP_WEIR_POLICY_LINE)
            + slot * NGX_HTTP_WEIR_POLICY_LINE);
}


/* Bytes of one part, and where it begins. */

size_t ngx_http_weir_policy_room(ngx_http_weir_block_t *block);
u_char *ngx_http_weir_policy_data(ngx_http_weir_block_t *block,
    ngx_uint_t part);


#endif /* NGX_HTTP_WEIR_POLICY_ZONE_H_INCLUDED */
