
/*
 * Weir: the zone at run time: the process slots, whose holders alone write
 * their parts of the slabs, and the few things that all areas ask of a zone.
 */

#include "ngx_http_weir_zone_layout.h"


static ngx_uint_t ngx_http_weir_slot_claim(ngx_http_weir_zone_t *zone,
    ngx_uint_t i, ngx_uint_t cycle);


ngx_http_weir_zone_t  *ngx_http_weir_zone;

ngx_uint_t  ngx_http_weir_slot;
ngx_uint_t  ngx_http_weir_slot_shared = 1;


void
ngx_http_weir_zone_activate(ngx_http_weir_zone_conf_t *zcf)
{
    ngx_http_weir_zone = zcf->zone;

    ngx_http_weir_blocks_serve(zcf->zone, zcf->number);

    ngx_http_weir_zone->previous = ngx_http_weir_zone->serving;
    ngx_http_weir_zone->serving = zcf->number;

    ngx_http_weir_slot = zcf->zone->nslots - 1;
    ngx_http_weir_slot_shared = 1;
}


void
ngx_http_weir_zone_attach(ngx_cycle_t *cycle, ngx_http_weir_zone_conf_t *zcf)
{
    ngx_uint_t             i, n;
    ngx_http_weir_zone_t  *zone;

    zone = ngx_http_weir_zone;
    n = zone->nslots - 1;

    ngx_http_weir_slot = n;
    ngx_http_weir_slot_shared = 1;

    if (ngx_process == NGX_PROCESS_HELPER) {
        return;
    }

    for (i = 0; i < n; i++) {
        if (ngx_http_weir_slot_claim(zone,
                                     ((ngx_uint_t) ngx_process_slot + i) % n,
                                     zcf->number))
        {
            break;
        }
    }

    /*
     * So late that a reload after the next one may not have seen it, and have
     * taken its configuration's memory: it was to end anyway.
     */

    ngx_memory_barrier();

    if (zcf->number < zone->serving && zcf->number + 1 < zone->cycle) {
        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "weir: this process' configuration is gone already");
        ngx_http_weir_zone_detach();
        exit(0);
    }

    if (!ngx_http_weir_slot_shared) {
        return;
    }

    zone->crowded = 1;

    ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                  "weir: all %ui process slots are taken by living processes, "
                  "counting slowly", n);
}


static ngx_uint_t
ngx_http_weir_slot_claim(ngx_http_weir_zone_t *zone, ngx_uint_t i,
    ngx_uint_t cycle)
{
    ngx_atomic_uint_t      pid;
    ngx_http_weir_slot_t  *slot;

    slot = &zone->slots[i];
    pid = slot->pid;

    if (pid && pid != (ngx_atomic_uint_t) ngx_pid
        && ngx_http_weir_slot_alive(i))
    {
        return 0;
    }

    if (!ngx_atomic_cmp_set(&slot->pid, pid, (ngx_atomic_uint_t) ngx_pid)) {
        return 0;
    }

    slot->started = ngx_time();
    slot->cycle = cycle;

    ngx_http_weir_slot = i;
    ngx_http_weir_slot_shared = 0;

    return 1;
}


void
ngx_http_weir_zone_detach(void)
{
    if (ngx_http_weir_slot_shared) {
        return;
    }

    (void) ngx_atomic_cmp_set(
                          &ngx_http_weir_zone->slots[ngx_http_weir_slot].pid,
                          (ngx_atomic_uint_t) ngx_pid, 0);
}


ngx_uint_t
ngx_http_weir_slots(void)
{
    return ngx_http_weir_zone->nslots;
}


ngx_uint_t
ngx_http_weir_slot_alive(ngx_uint_t i)
{
    ngx_atomic_uint_t  pid;

    pid = ngx_http_weir_zone->slots[i].pid;

    return pid && (kill((ngx_pid_t) pid, 0) == 0 || ngx_errno != NGX_ESRCH);
}


uint64_t
ngx_http_weir_slab_sum(ngx_http_weir_block_t *slab, size_t offset)
{
    uint64_t    sum;
    ngx_uint_t  i;

    sum = 0;

    for (i = 0; i < ngx_http_weir_zone->nslots; i++) {
        sum += __atomic_load_n((uint64_t *)
                               (slab->data + slab->stride * i + offset),
                               __ATOMIC_RELAXED);
    }

    return sum;
}


void
ngx_http_weir_area_used(ngx_uint_t area, size_t used)
{
    ngx_http_weir_zone->areas[area].managed = 1;
    ngx_http_weir_zone->areas[area].used = used;
}


void
ngx_http_weir_area_discarded(ngx_uint_t area, ngx_uint_t n)
{
    (void) ngx_atomic_fetch_add(&ngx_http_weir_zone->areas[area].discarded, n);
}


void
ngx_http_weir_zone_lock(void)
{
    ngx_shmtx_lock(&ngx_http_weir_zone->shpool->mutex);
}


void
ngx_http_weir_zone_unlock(void)
{
    ngx_shmtx_unlock(&ngx_http_weir_zone->shpool->mutex);
}


const void *
ngx_http_weir_zone_key(void)
{
    return ngx_http_weir_zone->key;
}


uint64_t
ngx_http_weir_monotonic(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}
