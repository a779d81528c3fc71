
/*
 * Weir: the blocks of the zone's areas: found again by name after a reload,
 * and where an area is full, made of what nobody uses any more.
 *
 * Only the master is here, while it reads a configuration that may yet be
 * refused: a block is touched only if no configuration that serves names it
 * and no process lives whose configuration did.
 */

#include "ngx_http_weir_zone_layout.h"


static ngx_http_weir_block_head_t *ngx_http_weir_block_first(
    ngx_http_weir_zone_area_t *area);
static ngx_http_weir_block_head_t *ngx_http_weir_block_next(
    ngx_http_weir_zone_area_t *area, ngx_http_weir_block_head_t *b);
static ngx_http_weir_block_head_t *ngx_http_weir_block_take(
    ngx_http_weir_zone_t *zone, ngx_http_weir_zone_area_t *area, size_t size,
    ngx_uint_t keep);
static ngx_uint_t ngx_http_weir_block_dead(ngx_http_weir_zone_t *zone,
    ngx_http_weir_block_head_t *b);
static void ngx_http_weir_block_join(ngx_http_weir_zone_t *zone,
    ngx_http_weir_zone_area_t *area);
static void ngx_http_weir_block_split(ngx_http_weir_block_head_t *b,
    size_t size);


static ngx_http_weir_block_head_t *
ngx_http_weir_block_first(ngx_http_weir_zone_area_t *area)
{
    return area->given ? (ngx_http_weir_block_head_t *) area->data : NULL;
}


static ngx_http_weir_block_head_t *
ngx_http_weir_block_next(ngx_http_weir_zone_area_t *area,
    ngx_http_weir_block_head_t *b)
{
    u_char  *p;

    p = (u_char *) b + NGX_HTTP_WEIR_BLOCK_HEAD + b->room;

    return p < area->data + area->given ? (ngx_http_weir_block_head_t *) p
                                        : NULL;
}


ngx_int_t
ngx_http_weir_block_find(ngx_http_weir_zone_t *zone,
    ngx_http_weir_block_t *block, ngx_log_t *log)
{
    size_t                       size, room, used;
    uint64_t                     discarded;
    ngx_uint_t                   fresh;
    const char                  *name;
    ngx_http_weir_zone_area_t   *area;
    ngx_http_weir_block_head_t  *b;

    area = &zone->areas[block->area];
    room = area->size - area->given;

    if (block->stride) {
        block->size = block->stride * zone->nslots;
    }

    if (block->whole) {
        block->size = room > NGX_HTTP_WEIR_BLOCK_HEAD
                      ? room - NGX_HTTP_WEIR_BLOCK_HEAD : 0;
        block->keep = 1;
    }

    size = ngx_align(block->size, NGX_HTTP_WEIR_BLOCK_ALIGN);
    fresh = 0;

    for (b = ngx_http_weir_block_first(area);
         b;
         b = ngx_http_weir_block_next(area, b))
    {
        if (ngx_strcmp(b->name, block->name.data) == 0
            && (b->size == size || block->keep))
        {
            break;
        }
    }

    if (b == NULL) {

        b = size ? ngx_http_weir_block_take(zone, area, size, block->keep)
                 : NULL;

        if (b == NULL) {
            ngx_http_weir_area_status(block->area, &name, &size, &used,
                                      &discarded);

            ngx_log_error(NGX_LOG_EMERG, log, 0,
                          "weir: no room for \"%V\" in area \"%s\" of the "
                          "zone: it needs %uz bytes, the area has %uz left of "
                          "%uz; enlarge it with \"weir_zone SIZE %s=SIZE\"",
                          &block->name, name, NGX_HTTP_WEIR_BLOCK_HEAD
                          + ngx_align(block->size, NGX_HTTP_WEIR_BLOCK_ALIGN),
                          room, area->size, name);
            return NGX_ERROR;
        }

        fresh = 1;

        b->size = block->keep ? b->room : size;
        b->since = zone->cycle;
        b->served = 0;

        ngx_cpystrn(b->name, block->name.data, NGX_HTTP_WEIR_BLOCK_NAME);
        ngx_memzero((u_char *) b + NGX_HTTP_WEIR_BLOCK_HEAD, b->room);
    }

    b->cycle = zone->cycle;

    block->size = b->size;
    block->data = (u_char *) b + NGX_HTTP_WEIR_BLOCK_HEAD;

    return block->init ? block->init(block, fresh, log) : NGX_OK;
}


/*
 * Room at the area's end, else the smallest dead block that is large enough,
 * else one that dead neighbours make together; where a size is only wished
 * for (keep), else the largest, down to a quarter.
 */

static ngx_http_weir_block_head_t *
ngx_http_weir_block_take(ngx_http_weir_zone_t *zone,
    ngx_http_weir_zone_area_t *area, size_t size, ngx_uint_t keep)
{
    ngx_uint_t                   pass;
    ngx_http_weir_block_head_t  *b, *best;

    best = NULL;

    for (pass = 0; pass < 2; pass++) {

        if (area->data
            && NGX_HTTP_WEIR_BLOCK_HEAD + size <= area->size - area->given)
        {
            b = (ngx_http_weir_block_head_t *) (area->data + area->given);
            b->room = size;

            area->given += NGX_HTTP_WEIR_BLOCK_HEAD + size;

            return b;
        }

        best = NULL;

        for (b = ngx_http_weir_block_first(area);
             b;
             b = ngx_http_weir_block_next(area, b))
        {
            if (ngx_http_weir_block_dead(zone, b)
                && (best == NULL
                    || (b->room >= size
                        ? best->room < size || b->room < best->room
                        : best->room < size && b->room > best->room)))
            {
                best = b;
            }
        }

        if (best && best->room >= size) {
            ngx_http_weir_block_split(best, size);
            return best;
        }

        if (pass == 0) {
            ngx_http_weir_block_join(zone, area);
        }
    }

    return keep && best && best->room >= size / 4 ? best : NULL;
}


/*
 * 1 if nobody uses it: no configuration that serves named it, and of those
 * that did, from the first to the last, no process is left.
 */

static ngx_uint_t
ngx_http_weir_block_dead(ngx_http_weir_zone_t *zone,
    ngx_http_weir_block_head_t *b)
{
    ngx_uint_t  i, cycle;

    if (b->cycle == zone->cycle) {
        return 0;
    }

    if (b->served == 0) {
        return 1;
    }

    /* of a process without a slot nothing is known */

    if (b->served >= (zone->crowded ? zone->previous : zone->serving)) {
        return 0;
    }

    for (i = 0; i < zone->nslots - 1; i++) {
        cycle = zone->slots[i].cycle;

        if (cycle >= b->since && cycle <= b->served
            && ngx_http_weir_slot_alive(i))
        {
            return 0;
        }
    }

    return 1;
}


static void
ngx_http_weir_block_join(ngx_http_weir_zone_t *zone,
    ngx_http_weir_zone_area_t *area)
{
    ngx_http_weir_block_head_t  *b, *next;

    for (b = ngx_http_weir_block_first(area);
         b;
         b = ngx_http_weir_block_next(area, b))
    {
        if (!ngx_http_weir_block_dead(zone, b)) {
            continue;
        }

        b->size = 0;
        b->cycle = 0;
        b->served = 0;
        b->name[0] = '\0';

        for ( ;; ) {
            next = ngx_http_weir_block_next(area, b);

            if (next == NULL) {
                area->given = (u_char *) b - area->data;
                return;
            }

            if (!ngx_http_weir_block_dead(zone, next)) {
                break;
            }

            b->room += NGX_HTTP_WEIR_BLOCK_HEAD + next->room;
        }
    }
}


/* What is left over, where it is worth a head. */

static void
ngx_http_weir_block_split(ngx_http_weir_block_head_t *b, size_t size)
{
    ngx_http_weir_block_head_t  *rest;

    if (b->room - size < 2 * NGX_HTTP_WEIR_BLOCK_HEAD) {
        return;
    }

    rest = (ngx_http_weir_block_head_t *)
           ((u_char *) b + NGX_HTTP_WEIR_BLOCK_HEAD + size);

    ngx_memzero(rest, sizeof(ngx_http_weir_block_head_t));

    rest->room = b->room - size - NGX_HTTP_WEIR_BLOCK_HEAD;
    b->room = size;
}


void
ngx_http_weir_blocks_serve(ngx_http_weir_zone_t *zone, ngx_uint_t number)
{
    ngx_uint_t                   i;
    ngx_http_weir_zone_area_t   *area;
    ngx_http_weir_block_head_t  *b;

    for (i = 0; i < NGX_HTTP_WEIR_AREAS; i++) {

        area = &zone->areas[i];

        for (b = ngx_http_weir_block_first(area);
             b;
             b = ngx_http_weir_block_next(area, b))
        {
            if (b->cycle == number) {
                b->served = number;
            }
        }
    }
}
