
/*
 * Weir: what was fetched of a Redis, as the store that a round reads: plain
 * memory, of which a thread takes copies.
 */

#include "ngx_http_weir_store_redis.h"


static weir_store_code_e ngx_http_weir_redis_head(weir_store_t *s,
    weir_arena_t *a, size_t max, weir_str_t *bytes, weir_store_err_t *err);
static weir_store_code_e ngx_http_weir_redis_segment(weir_store_t *s,
    weir_arena_t *a, const uint8_t *hash, size_t max, weir_str_t *bytes,
    weir_store_err_t *err);
static weir_store_code_e ngx_http_weir_redis_live(weir_store_t *s,
    weir_arena_t *a, weir_str_t kind, weir_str_t name, size_t max,
    weir_str_t *bytes, weir_store_err_t *err);
static weir_store_code_e ngx_http_weir_redis_give(
    const ngx_http_weir_redis_item_t *item, const char *what,
    weir_arena_t *a, size_t max, weir_str_t *bytes, weir_store_err_t *err);
static void ngx_http_weir_redis_view_close(weir_store_t *s);


const weir_store_ops_t  ngx_http_weir_redis_view_ops = {
    .name = "redis",
    .head = ngx_http_weir_redis_head,
    .segment = ngx_http_weir_redis_segment,
    .live = ngx_http_weir_redis_live,
    .close = ngx_http_weir_redis_view_close
};


weir_store_t *
ngx_http_weir_store_redis_view(weir_store_code_e *code,
    weir_store_err_t *err)
{
    ngx_http_weir_redis_t *r = &ngx_http_weir_redis;

    *code = r->code;

    if (r->code != WEIR_STORE_OK) {
        *err = r->err;
        return NULL;
    }

    return &r->store;
}


static void
ngx_http_weir_redis_view_close(weir_store_t *s)
{
}


static weir_store_code_e
ngx_http_weir_redis_give(const ngx_http_weir_redis_item_t *item,
    const char *what, weir_arena_t *a, size_t max, weir_str_t *bytes,
    weir_store_err_t *err)
{
    if (item->code != WEIR_STORE_OK) {
        return weir_store_fail(err, item->code, 0, "%s: %s", what,
                               item->why);
    }

    if (item->bytes.len > max) {
        return weir_store_fail(err, WEIR_STORE_TOO_LARGE, 0,
                               "%s: larger than %zu bytes", what, max);
    }

    *bytes = weir_arena_copy(a, item->bytes);

    if (bytes->data == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    return WEIR_STORE_OK;
}


static weir_store_code_e
ngx_http_weir_redis_head(weir_store_t *s, weir_arena_t *a, size_t max,
    weir_str_t *bytes, weir_store_err_t *err)
{
    ngx_http_weir_redis_t *r = (ngx_http_weir_redis_t *) s;

    return ngx_http_weir_redis_give(&r->head, "cfg:head", a, max, bytes,
                                    err);
}


static weir_store_code_e
ngx_http_weir_redis_live(weir_store_t *s, weir_arena_t *a, weir_str_t kind,
    weir_str_t name, size_t max, weir_str_t *bytes, weir_store_err_t *err)
{
    ngx_http_weir_redis_t *r = (ngx_http_weir_redis_t *) s;

    ngx_uint_t                   i;
    ngx_http_weir_redis_item_t  *item;

    for (i = 0; i < r->nlives; i++) {
        item = &r->lives[i];

        if (weir_str_eq(ngx_http_weir_str(&item->name), name)
            && weir_str_eq(kind, weir_str("split")))
        {
            return ngx_http_weir_redis_give(item, "cfg:live", a, max, bytes,
                                            err);
        }
    }

    return weir_store_fail(err, WEIR_STORE_MISSING, 0,
                           "cfg:live: was not asked for");
}


static weir_store_code_e
ngx_http_weir_redis_segment(weir_store_t *s, weir_arena_t *a,
    const uint8_t *hash, size_t max, weir_str_t *bytes,
    weir_store_err_t *err)
{
    ngx_http_weir_redis_t *r = (ngx_http_weir_redis_t *) s;

    u_char                       have[WEIR_STORE_HASH];
    ngx_uint_t                   i;
    weir_store_code_e            rc;
    ngx_http_weir_redis_item_t  *item;

    for (i = 0; i < r->nsegments; i++) {
        item = &r->segments[i];

        if (ngx_memcmp(item->hash, hash, WEIR_STORE_HASH) != 0) {
            continue;
        }

        rc = ngx_http_weir_redis_give(item, "cfg:seg", a, max, bytes, err);

        if (rc == WEIR_STORE_OK) {
            rc = weir_store_hash(have, *bytes, err);
        }

        if (rc == WEIR_STORE_OK
            && ngx_memcmp(have, hash, WEIR_STORE_HASH) != 0)
        {
            rc = weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                                 "cfg:seg: has another hash than its name");
        }

        return rc;
    }

    return weir_store_fail(err, WEIR_STORE_MISSING, 0,
                           "cfg:seg: was not asked for");
}


ngx_int_t
ngx_http_weir_store_redis_want(const weir_segment_t *segments, uint32_t n)
{
    ngx_http_weir_redis_t *r = &ngx_http_weir_redis;

    uint32_t                     i;
    ngx_http_weir_redis_item_t  *item;

    if (r->segments || n == 0) {
        return NGX_OK;
    }

    r->segments = weir_arena_calloc(&r->arena, n,
                                    sizeof(ngx_http_weir_redis_item_t));
    if (r->segments == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        item = &r->segments[i];

        ngx_memcpy(item->hash, segments[i].hash, WEIR_STORE_HASH);
        item->segment = 1;
        item->code = WEIR_STORE_UNREACHABLE;
        item->max = segments[i].size;
    }

    r->nsegments = n;

    return NGX_AGAIN;
}
