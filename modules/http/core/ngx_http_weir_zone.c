
/*
 * Weir: the shared zone: cut into areas, blocks found again by name.
 */

#include "ngx_http_weir_zone_layout.h"

#include <openssl/rand.h>


#define NGX_HTTP_WEIR_ZONE_DEFAULT  (64 * 1024 * 1024)
#define NGX_HTTP_WEIR_ZONE_MIN      (2 * 1024 * 1024)


static size_t ngx_http_weir_area_share(ngx_http_weir_zone_conf_t *zcf,
    ngx_uint_t area);
static ngx_int_t ngx_http_weir_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_http_weir_zone_t *ngx_http_weir_zone_cut(
    ngx_shm_zone_t *shm_zone, ngx_http_weir_zone_conf_t *zcf);


static struct {
    ngx_str_t   name;
    ngx_uint_t  percent;
} ngx_http_weir_areas[] = {
    { ngx_string("policies"), 40 },
    { ngx_string("tokens"), 15 },
    { ngx_string("limits"), 25 },
    { ngx_string("revocations"), 5 },
    { ngx_string("slo"), 10 }
};


ngx_http_weir_zone_conf_t *
ngx_http_weir_zone_conf(ngx_conf_t *cf)
{
    ngx_http_weir_zone_conf_t  *zcf;

    zcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_zone_conf_t));
    if (zcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&zcf->blocks, cf->pool, 16,
                       sizeof(ngx_http_weir_block_t *))
        != NGX_OK)
    {
        return NULL;
    }

    zcf->cycle = cf->cycle;
    zcf->size = NGX_HTTP_WEIR_ZONE_DEFAULT;

    return zcf;
}


/* weir_zone SIZE [area=SIZE...] */

char *
ngx_http_weir_zone_set(ngx_conf_t *cf, ngx_http_weir_zone_conf_t *zcf)
{
    size_t      sum;
    ssize_t     size;
    ngx_str_t  *value, s;
    ngx_uint_t  i, n;

    if (zcf->set) {
        return "is duplicate";
    }

    zcf->set = 1;

    value = cf->args->elts;

    size = ngx_parse_size(&value[1]);
    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid zone size \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (size < NGX_HTTP_WEIR_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone size \"%V\" is too small, at least 2m are "
                           "needed", &value[1]);
        return NGX_CONF_ERROR;
    }

    zcf->size = size;

    for (i = 2; i < cf->args->nelts; i++) {

        for (n = 0; n < NGX_HTTP_WEIR_AREAS; n++) {

            s = ngx_http_weir_areas[n].name;

            if (value[i].len > s.len + 1 && value[i].data[s.len] == '='
                && ngx_strncmp(value[i].data, s.data, s.len) == 0)
            {
                break;
            }
        }

        if (n == NGX_HTTP_WEIR_AREAS) {
            return ngx_http_weir_invalid(cf, &value[i]);
        }

        if (zcf->areas[n]) {
            return ngx_http_weir_duplicate(cf, &value[i]);
        }

        s.len = value[i].len - s.len - 1;
        s.data = value[i].data + value[i].len - s.len;

        size = ngx_parse_size(&s);
        if (size == NGX_ERROR || size == 0) {
            return ngx_http_weir_invalid(cf, &value[i]);
        }

        zcf->areas[n] = size;
    }

    sum = 0;

    for (n = 0; n < NGX_HTTP_WEIR_AREAS; n++) {
        sum += ngx_http_weir_area_share(zcf, n);
    }

    if (sum > zcf->size / 100 * 95) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the areas of the zone take %uz bytes together, "
                           "more than 95%% of its %uz", sum, zcf->size);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static size_t
ngx_http_weir_area_share(ngx_http_weir_zone_conf_t *zcf, ngx_uint_t area)
{
    size_t  size;

    size = zcf->areas[area] ? zcf->areas[area]
                   : zcf->size / 100 * ngx_http_weir_areas[area].percent;

    return size - size % NGX_HTTP_WEIR_BLOCK_ALIGN;
}


size_t
ngx_http_weir_area_size(ngx_conf_t *cf, ngx_uint_t area)
{
    return ngx_http_weir_area_share(ngx_http_weir_main(cf)->zone, area);
}


ngx_http_weir_block_t *
ngx_http_weir_block_add(ngx_conf_t *cf, ngx_uint_t area, const char *kind,
    ngx_str_t *name, size_t size)
{
    u_char                      *p;
    size_t                       len;
    ngx_uint_t                   i;
    ngx_http_weir_block_t       *block, **blocks;
    ngx_http_weir_zone_conf_t   *zcf;

    zcf = ngx_http_weir_main(cf)->zone;

    len = ngx_strlen(kind) + 1 + name->len;

    if (len >= NGX_HTTP_WEIR_BLOCK_NAME) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s name \"%V\" is too long",
                           kind, name);
        return NULL;
    }

    p = ngx_pnalloc(cf->pool, len + 1);
    if (p == NULL) {
        return NULL;
    }

    ngx_sprintf(p, "%s:%V%Z", kind, name);

    blocks = zcf->blocks.elts;

    for (i = 0; i < zcf->blocks.nelts; i++) {
        if (blocks[i]->area == area && blocks[i]->name.len == len
            && ngx_memcmp(blocks[i]->name.data, p, len) == 0)
        {
            return blocks[i];
        }
    }

    block = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_block_t));
    if (block == NULL) {
        return NULL;
    }

    block->area = area;
    block->name.len = len;
    block->name.data = p;
    block->size = size;

    blocks = ngx_array_push(&zcf->blocks);
    if (blocks == NULL) {
        return NULL;
    }

    *blocks = block;

    return block;
}


ngx_http_weir_block_t *
ngx_http_weir_slab_add(ngx_conf_t *cf, const char *kind, ngx_str_t *name,
    size_t size)
{
    ngx_http_weir_block_t  *block;

    block = ngx_http_weir_block_add(cf, NGX_HTTP_WEIR_AREA_SLO, kind, name, 0);
    if (block == NULL) {
        return NULL;
    }

    /* a line of its own for each process; the slots are known with the zone */

    size = ngx_align(size, NGX_HTTP_WEIR_BLOCK_ALIGN);
    block->stride = ngx_max(block->stride, size);

    return block;
}


ngx_int_t
ngx_http_weir_zone_create(ngx_conf_t *cf, ngx_http_weir_zone_conf_t *zcf)
{
    u_char     *p;
    ngx_str_t   name;
    ngx_uint_t  i;

    /*
     * The cut is in the name, so that nginx itself starts another zone when
     * it changes: old workers go on in theirs.
     */

    name.data = ngx_pnalloc(cf->pool, sizeof("weir:") + NGX_INT_T_LEN
                            + NGX_HTTP_WEIR_AREAS * (NGX_SIZE_T_LEN + 1));
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(name.data, "weir:%d", NGX_HTTP_WEIR_ZONE_LAYOUT);

    for (i = 0; i < NGX_HTTP_WEIR_AREAS; i++) {
        p = ngx_sprintf(p, ":%uz", ngx_http_weir_area_share(zcf, i));
    }

    name.len = p - name.data;

    zcf->shm_zone = ngx_shared_memory_add(cf, &name, zcf->size,
                                          &ngx_http_weir_module);
    if (zcf->shm_zone == NULL) {
        return NGX_ERROR;
    }

    zcf->shm_zone->init = ngx_http_weir_zone_init;
    zcf->shm_zone->data = zcf;

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_weir_zone_conf_t  *ozcf = data;

    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_list_part_t            *part;
    ngx_shm_zone_t             *old;
    ngx_http_weir_zone_t       *zone, *saved;
    ngx_http_weir_block_t     **blocks;
    ngx_http_weir_zone_conf_t  *zcf;

    zcf = shm_zone->data;

    if (ozcf) {
        zone = ozcf->zone;

    } else {
        zone = ngx_http_weir_zone_cut(shm_zone, zcf);
        if (zone == NULL) {
            return NGX_ERROR;
        }

        if (ngx_inherited) {
            ngx_log_error(NGX_LOG_NOTICE, shm_zone->shm.log, 0,
                          "weir zone starts afresh in the new binary");
        }

        part = (ngx_list_part_t *) &ngx_cycle->shared_memory.part;
        old = part->elts;

        for (i = 0; part->elts; i++) {

            if (i >= part->nelts) {
                if (part->next == NULL) {
                    break;
                }

                part = part->next;
                old = part->elts;
                i = 0;
            }

            if (old[i].tag == &ngx_http_weir_module) {
                ngx_log_error(NGX_LOG_NOTICE, shm_zone->shm.log, 0,
                              "weir zone starts afresh: its size or cut "
                              "has changed");
                break;
            }
        }
    }

    zcf->zone = zone;

    /* until activation the process' zone is the one that serves */

    saved = ngx_http_weir_zone;
    ngx_http_weir_zone = zone;

    zcf->number = ++zone->cycle;

    rc = NGX_OK;
    blocks = zcf->blocks.elts;

    for (i = 0; i < zcf->blocks.nelts; i++) {
        if (ngx_http_weir_block_find(zone, blocks[i], shm_zone->shm.log)
            != NGX_OK) {
            rc = NGX_ERROR;
            break;
        }
    }

    ngx_http_weir_zone = saved;

    return rc;
}


static ngx_http_weir_zone_t *
ngx_http_weir_zone_cut(ngx_shm_zone_t *shm_zone,
    ngx_http_weir_zone_conf_t *zcf)
{
    size_t                 size;
    ngx_uint_t             i, n;
    ngx_core_conf_t       *ccf;
    ngx_slab_pool_t       *shpool;
    ngx_http_weir_zone_t  *zone;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    shpool->log_nomem = 0;

    ccf = (ngx_core_conf_t *) ngx_get_conf(zcf->cycle->conf_ctx,
                                           ngx_core_module);

    /* old and new workers live side by side, over several reloads */

    n = ngx_max(16, 4 * ccf->worker_processes) + 1;

    zone = ngx_slab_calloc(shpool, sizeof(ngx_http_weir_zone_t)
                                   + (n - 1) * sizeof(ngx_http_weir_slot_t));
    if (zone == NULL) {
        goto nomem;
    }

    if (RAND_bytes(zone->key, sizeof(zone->key)) != 1) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "weir: no random bytes for the zone");
        return NULL;
    }

    zone->layout = NGX_HTTP_WEIR_ZONE_LAYOUT;
    zone->shpool = shpool;
    zone->nslots = n;

    for (i = 0; i < NGX_HTTP_WEIR_AREAS; i++) {
        size = ngx_http_weir_area_share(zcf, i);

        zone->areas[i].size = size;
        zone->areas[i].data = ngx_slab_alloc(shpool, size);

        if (zone->areas[i].data == NULL) {
            goto nomem;
        }
    }

    return zone;

nomem:

    ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                  "weir: the areas do not fit into a zone of %uz bytes",
                  shm_zone->shm.size);

    return NULL;
}


void
ngx_http_weir_area_status(ngx_uint_t area, const char **name, size_t *size,
    size_t *used, uint64_t *discarded)
{
    ngx_http_weir_zone_area_t  *a;

    a = &ngx_http_weir_zone->areas[area];

    *name = (const char *) ngx_http_weir_areas[area].name.data;
    *size = a->size;
    *used = a->managed ? a->used : a->given;
    *discarded = a->discarded;
}
