
/*
 * Weir: a slot of a cluster that is on its way from one node to another: what
 * the first one does not have any more is asked of the second, each command
 * behind ASKING, over a connection of its own.
 */

#include "ngx_http_weir_net_link.h"


ngx_int_t
ngx_http_weir_net_aside(ngx_http_weir_net_t *net, ngx_http_weir_net_wait_t *w,
    const weir_resp_host_t *host)
{
    u_char               *from;
    size_t                len;
    u_char                to[WEIR_RESP_HOST_MAX + 1];
    ngx_http_weir_net_t  *a;

    if (w->wire.len == 0 || net->parent) {
        return NGX_DECLINED;
    }

    if (net->aside == NULL) {
        net->aside = ngx_http_weir_net_new(net->conf, net->log, net);

        if (net->aside == NULL) {
            return NGX_DECLINED;
        }
    }

    a = net->aside;

    if (a->closing) {
        return NGX_DECLINED;
    }

    /* no host: another port of the one that was asked */

    from = host->host.len ? (u_char *) host->host.data : net->host;
    len = host->host.len ? host->host.len : ngx_strlen(net->host);

    (void) ngx_cpystrn(to, from, ngx_min(len + 1, sizeof(to)));

    if (a->state != NGX_HTTP_WEIR_NET_DOWN
        && (a->port != host->port || ngx_strcmp(a->host, to) != 0))
    {
        ngx_http_weir_net_say(a, "another node has the slot");
        ngx_http_weir_net_down(a);
    }

    ngx_queue_insert_tail(&a->asked, &w->queue);

    if (a->state == NGX_HTTP_WEIR_NET_UP) {
        ngx_http_weir_net_aside_send(a);

    } else if (a->state == NGX_HTTP_WEIR_NET_DOWN) {
        ngx_memcpy(a->target, to, sizeof(to));
        a->target_port = host->port;
        ngx_http_weir_net_start(a);
    }

    return NGX_OK;
}


void
ngx_http_weir_net_aside_send(ngx_http_weir_net_t *net)
{
    ngx_int_t                  rc;
    weir_str_t                 asking, wire;
    ngx_queue_t                all, *q;
    weir_arena_t               arena;
    ngx_http_weir_net_wait_t  *w;

    static const weir_resp_caps_t  caps = { 0, WEIR_RESP_LINE_MAX, 0, 0 };

    if (ngx_queue_empty(&net->asked)) {
        return;
    }

    ngx_queue_init(&all);
    ngx_queue_add(&all, &net->asked);
    ngx_queue_init(&net->asked);

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        ngx_queue_remove(q);

        w = ngx_queue_data(q, ngx_http_weir_net_wait_t, queue);

        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        asking = weir_str("ASKING");
        rc = NGX_ERROR;

        /* nobody waits for its reply: that of the command says it all */

        if (weir_resp_command(&arena, &asking, 1, &wire) == WEIR_OK) {
            rc = ngx_http_weir_net_send(net, wire, &caps, 0, NULL, NULL);
        }

        if (rc == NGX_OK) {
            rc = ngx_http_weir_net_send(net, w->wire, &w->caps, 0,
                                        w->handler, w->data);
        }

        weir_arena_done(&arena);

        if (rc != NGX_OK && w->handler) {
            w->handler(w->data, NULL, "out of memory");
        }

        ngx_free(w);
    }
}
