
/*
 * Weir: the shared zone.
 *
 * One zone, cut at start into fixed areas.  Inside an area memory is given
 * out as named blocks that are never freed while the zone lives: a module
 * asks for a block at configuration time by name, and after a reload finds
 * the same block again by the same name.  When an area is full, blocks that
 * the serving configuration does not name, and no process that still drains,
 * are taken anew.
 *
 * A slab is a block with one part per process slot, written by that process
 * alone: counters cost a load and a store, readers sum over all slots, and
 * the counts of a dead process stay.
 *
 * Nothing in the zone points into a configuration cycle.
 */

#ifndef NGX_HTTP_WEIR_ZONE_H_INCLUDED
#define NGX_HTTP_WEIR_ZONE_H_INCLUDED


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


typedef enum {
    NGX_HTTP_WEIR_AREA_POLICIES = 0,
    NGX_HTTP_WEIR_AREA_TOKENS,
    NGX_HTTP_WEIR_AREA_LIMITS,
    NGX_HTTP_WEIR_AREA_REVOCATIONS,
    NGX_HTTP_WEIR_AREA_SLO,           /* slabs: counters and objectives */
    NGX_HTTP_WEIR_AREAS
} ngx_http_weir_area_e;


typedef struct ngx_http_weir_block_s  ngx_http_weir_block_t;


struct ngx_http_weir_block_s {
    ngx_uint_t   area;
    ngx_str_t    name;      /* "kind:name", at most 127 bytes */
    size_t       size;      /* asked for; after the zone is there: real */
    u_char      *data;      /* set when the zone is initialised */

    /*
     * Called at zone initialisation; fresh is 1 when the block was just made
     * (and zeroed).  May be NULL.  It runs before a configuration is known
     * to be good: what it does must be additive.
     */
    ngx_int_t  (*init)(ngx_http_weir_block_t *block, ngx_uint_t fresh,
                       ngx_log_t *log);
    void        *init_data;

    size_t       stride;    /* of a slab: bytes from one slot to the next */
    unsigned     keep:1;    /* an older block of another size is used too */
    unsigned     whole:1;   /* the rest of the area; size is ignored */
};


/*
 * Asks for a block, at configuration time (also from postconfiguration).
 * Asking twice for the same area and name gives the same block.  NULL: out of
 * memory, or the name is too long.  name is copied.
 */
ngx_http_weir_block_t *ngx_http_weir_block_add(ngx_conf_t *cf,
    ngx_uint_t area, const char *kind, ngx_str_t *name, size_t size);

/* Asks for a slab: size bytes per process slot, in the slo area. */
ngx_http_weir_block_t *ngx_http_weir_slab_add(ngx_conf_t *cf,
    const char *kind, ngx_str_t *name, size_t size);

/* Size of an area as configured; known from postconfiguration on. */
size_t ngx_http_weir_area_size(ngx_conf_t *cf, ngx_uint_t area);

/* Bytes in use and things thrown away, for areas that manage themselves. */
void ngx_http_weir_area_used(ngx_uint_t area, size_t used);
void ngx_http_weir_area_discarded(ngx_uint_t area, ngx_uint_t n);

/* The zone's only lock: hold it for a few hundred instructions at most. */
void ngx_http_weir_zone_lock(void);
void ngx_http_weir_zone_unlock(void);

/* A random key made with the zone; the same in all workers and reloads. */
const void *ngx_http_weir_zone_key(void);      /* 16 bytes */

/* CLOCK_MONOTONIC in ns: shared by all processes of this boot. */
uint64_t ngx_http_weir_monotonic(void);


/* Process slots. */

typedef struct {
    ngx_atomic_t  pid;              /* 0: free; counts stay */
    ngx_atomic_t  started;
    ngx_atomic_t  cycle;            /* of the process' configuration */
} ngx_http_weir_slot_t;


/* This process' slot; the last one is shared and slow. */
extern ngx_uint_t  ngx_http_weir_slot;
extern ngx_uint_t  ngx_http_weir_slot_shared;

ngx_uint_t ngx_http_weir_slots(void);

/* 1 if the process that holds slot i lives. */
ngx_uint_t ngx_http_weir_slot_alive(ngx_uint_t i);


/*
 * The core's own calls.  init: at zone initialisation, gives every block its
 * memory; activate: from init_module on, this configuration's zone is the
 * process' zone; attach, detach: claim and release the process slot.
 */

typedef struct ngx_http_weir_zone_conf_s  ngx_http_weir_zone_conf_t;

ngx_http_weir_zone_conf_t *ngx_http_weir_zone_conf(ngx_conf_t *cf);
char *ngx_http_weir_zone_set(ngx_conf_t *cf, ngx_http_weir_zone_conf_t *zcf);
ngx_int_t ngx_http_weir_zone_create(ngx_conf_t *cf,
    ngx_http_weir_zone_conf_t *zcf);
void ngx_http_weir_zone_activate(ngx_http_weir_zone_conf_t *zcf);
void ngx_http_weir_zone_attach(ngx_cycle_t *cycle,
    ngx_http_weir_zone_conf_t *zcf);
void ngx_http_weir_zone_detach(void);


/* This process' part of a slab. */

static ngx_inline void *
ngx_http_weir_slab(ngx_http_weir_block_t *slab)
{
    return slab->data + slab->stride * ngx_http_weir_slot;
}


/* Adds n to a counter in this process' part of a slab. */

static ngx_inline void
ngx_http_weir_count(uint64_t *counter, uint64_t n)
{
    if (ngx_http_weir_slot_shared) {
        (void) __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
        return;
    }

    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n,
                     __ATOMIC_RELAXED);
}


/* The sum over all slots of the counter at offset in a slab. */
uint64_t ngx_http_weir_slab_sum(ngx_http_weir_block_t *slab, size_t offset);


#endif /* NGX_HTTP_WEIR_ZONE_H_INCLUDED */
