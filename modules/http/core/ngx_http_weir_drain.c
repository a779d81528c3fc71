
/*
 * Weir: draining: a gateway that is to be left.  A word in the zone says so
 * to all workers, of old configurations too; each counts the requests that it
 * has under way, and lets its clients know that they should go elsewhere.
 */

#include "ngx_http_weir_zone_layout.h"


static ngx_str_t  ngx_http_weir_drain_name = ngx_string("gateway");

static ngx_atomic_t           *ngx_http_weir_drain_word;
static ngx_http_weir_block_t  *ngx_http_weir_drain_flights;


ngx_int_t
ngx_http_weir_drain_init(ngx_conf_t *cf, ngx_http_weir_main_conf_t *mcf)
{
    mcf->drain = ngx_http_weir_block_add(cf, NGX_HTTP_WEIR_AREA_SLO, "drain",
                                         &ngx_http_weir_drain_name,
                                         sizeof(ngx_atomic_t));

    mcf->flights = ngx_http_weir_slab_add(cf, "flights",
                                          &ngx_http_weir_drain_name,
                                          sizeof(uint64_t));

    return mcf->drain && mcf->flights ? NGX_OK : NGX_ERROR;
}


void
ngx_http_weir_drain_activate(ngx_http_weir_main_conf_t *mcf)
{
    ngx_http_weir_drain_word = (ngx_atomic_t *) mcf->drain->data;
    ngx_http_weir_drain_flights = mcf->flights;
}


/* What the holder of this slot had under way died with it. */

void
ngx_http_weir_drain_attach(void)
{
    uint64_t  *n;

    if (!ngx_http_weir_slot_shared) {
        n = ngx_http_weir_slab(ngx_http_weir_drain_flights);
        __atomic_store_n(n, 0, __ATOMIC_RELAXED);
    }
}


void
ngx_http_weir_flight(ngx_http_weir_ctx_t *ctx, ngx_uint_t begins)
{
    if (ctx->in_flight == begins || ngx_http_weir_drain_flights == NULL) {
        return;
    }

    ctx->in_flight = begins;

    ngx_http_weir_count(ngx_http_weir_slab(ngx_http_weir_drain_flights),
                        begins ? 1 : (uint64_t) -1);
}


uint64_t
ngx_http_weir_in_flight(void)
{
    int64_t                 n, sum;
    ngx_uint_t              i, slots;
    ngx_http_weir_block_t  *slab;

    slab = ngx_http_weir_drain_flights;
    slots = ngx_http_weir_slots();
    sum = 0;

    for (i = 0; i < slots; i++) {

        /* the last one belongs to nobody: what has no slot counts there */

        if (i + 1 < slots && !ngx_http_weir_slot_alive(i)) {
            continue;
        }

        n = (int64_t) __atomic_load_n((uint64_t *)
                                      (slab->data + slab->stride * i),
                                      __ATOMIC_RELAXED);
        sum += ngx_max(n, 0);
    }

    return (uint64_t) sum;
}


ngx_uint_t
ngx_http_weir_draining(void)
{
    return ngx_http_weir_drain_word && *ngx_http_weir_drain_word;
}


ngx_uint_t
ngx_http_weir_drain(ngx_uint_t on)
{
    return ngx_atomic_cmp_set(ngx_http_weir_drain_word, !on, on != 0);
}


const char *
ngx_http_weir_unready(ngx_cycle_t *cycle)
{
    if (ngx_http_weir_zone == NULL) {
        return "zone";
    }

    return ngx_http_weir_draining() ? "draining" : NULL;
}


#if (NGX_HTTP_V2)

/*
 * As nginx does it when a worker is to end: a connection that is told to
 * close sends GOAWAY, serves the streams that it has, and ends with the last.
 * c->data is a connection of HTTP/2 that begins with c, or a
 * ngx_http_connection_t, which begins with something else.
 */

void
ngx_http_weir_drain_connections(ngx_cycle_t *cycle)
{
    ngx_uint_t                 i;
    ngx_connection_t          *c;
    ngx_http_v2_connection_t  *h2c;

    for (i = 0; i < cycle->connection_n; i++) {

        c = &cycle->connections[i];

        if (c->fd == (ngx_socket_t) -1 || !c->idle || c->type != SOCK_STREAM
            || c->listening == NULL || c->data == NULL
            || c->listening->handler != ngx_http_init_connection)
        {
            continue;
        }

        h2c = c->data;

        if (h2c->connection != c || h2c->goaway) {
            continue;
        }

        c->close = 1;
        c->read->handler(c->read);
    }
}

#else

void
ngx_http_weir_drain_connections(ngx_cycle_t *cycle)
{
}

#endif
