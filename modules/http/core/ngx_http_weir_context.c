
/*
 * Weir: the context of a client request, and what is asked of it: addresses,
 * random ids, latency, refusals.
 *
 * nginx zeroes r->ctx at every internal redirect, so the context hangs on a
 * cleanup of the request's pool, where it is found again.
 */

#include "ngx_http_weir_core.h"
#include "weir_addr.h"
#include "weir_hash.h"
#include "weir_random.h"

#include <openssl/rand.h>


static void ngx_http_weir_ctx_cleanup(void *data);
static ngx_int_t ngx_http_weir_addr(struct sockaddr *sa, void *addr);
static int ngx_http_weir_refill(void *ctx, void *dst, size_t len);


static weir_random_t  ngx_http_weir_random_buffer;


/* Of the main request r, whose own pointer to it an internal redirect took. */

ngx_http_weir_ctx_t *
ngx_http_weir_ctx_again(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_weir_ctx_cleanup) {
            ngx_http_set_ctx(r, cln->data, ngx_http_weir_module);
            return cln->data;
        }
    }

    return NULL;
}


ngx_http_weir_ctx_t *
ngx_http_weir_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx) {
        return ctx;
    }

    r = r->main;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_weir_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_weir_ctx_t));

    cln->handler = ngx_http_weir_ctx_cleanup;

    ctx->request = r;
    ctx->started = ngx_http_weir_monotonic();

    ngx_http_set_ctx(r, ctx, ngx_http_weir_module);

    ngx_http_weir_flight(ctx, 1);

    return ctx;
}


/* The request ends.  Also a mark to find the context by; the pool frees it. */

static void
ngx_http_weir_ctx_cleanup(void *data)
{
    ngx_http_weir_flight(data, 0);
}


void *
ngx_http_weir_state(ngx_http_weir_ctx_t *ctx, ngx_uint_t state, size_t size)
{
    if (ctx->state[state] == NULL) {
        ctx->state[state] = ngx_pcalloc(ctx->request->pool, size);
    }

    return ctx->state[state];
}


ngx_int_t
ngx_http_weir_source(ngx_http_request_t *r, void *addr)
{
    return ngx_http_weir_addr(r->connection->sockaddr, addr);
}


/* realip runs after our post-read handler, which noted the address */

ngx_int_t
ngx_http_weir_peer(ngx_http_request_t *r, void *addr)
{
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx == NULL || !ctx->has_peer) {
        return NGX_DECLINED;
    }

    ngx_memcpy(addr, ctx->peer, 16);

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_addr(struct sockaddr *sa, void *addr)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    switch (sa->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sa;
        return weir_addr_from_bytes(&sin6->sin6_addr, 16, addr) == WEIR_OK
               ? NGX_OK : NGX_DECLINED;
#endif

    case AF_INET:
        sin = (struct sockaddr_in *) sa;
        return weir_addr_from_bytes(&sin->sin_addr, 4, addr) == WEIR_OK
               ? NGX_OK : NGX_DECLINED;
    }

    /* a unix socket's address is unknown */

    return NGX_DECLINED;
}


static int
ngx_http_weir_refill(void *ctx, void *dst, size_t len)
{
    return RAND_bytes(dst, (int) len) == 1 ? WEIR_OK : WEIR_ERROR;
}


ngx_int_t
ngx_http_weir_random(void *dst, size_t len)
{
    return weir_random_take(&ngx_http_weir_random_buffer, ngx_pid,
                            ngx_http_weir_refill, NULL, dst, len)
           == WEIR_OK ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_weir_random_id(u_char *dst)
{
    u_char  id[16];

    if (ngx_http_weir_random(id, sizeof(id)) != NGX_OK) {
        return NGX_ERROR;
    }

    weir_hex(dst, id, sizeof(id));

    return NGX_OK;
}


uint64_t
ngx_http_weir_latency(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    if (ctx->latency_fixed) {
        return ctx->latency_us;
    }

    return (ngx_http_weir_monotonic() - ctx->started) / 1000;
}


ngx_int_t
ngx_http_weir_refuse(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_uint_t status, ngx_uint_t verdict, const char *reason)
{
    ctx->verdict = verdict;
    ctx->reason.data = (u_char *) reason;
    ctx->reason.len = ngx_strlen(reason);

    ctx->decided = 1;
    ctx->status = status;
    ctx->uri_changes = r->uri_changes;

    return status;
}


ngx_int_t
ngx_http_weir_refuse_finally(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_uint_t status, ngx_uint_t verdict, const char *reason)
{
    ngx_http_finalize_request(r,
                    ngx_http_weir_refuse(r, ctx, status, verdict, reason));

    return NGX_DONE;
}
