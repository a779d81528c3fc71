
/*
 * Weir: what Sentinels say while the link is up.  A master that lost its role
 * by their vote may not know of it for long, and goes on as one: a second
 * connection, to one of them, asks as often as the master is asked.
 */

#include "ngx_http_weir_net_link.h"


static void ngx_http_weir_net_watch_ask(ngx_http_weir_net_t *w);
static void ngx_http_weir_net_watch_reply(void *data,
    const weir_resp_t *reply, const char *why);


void
ngx_http_weir_net_watch(ngx_http_weir_net_t *net)
{
    ngx_http_weir_net_t  *w;

    if (!net->conf->resp->sentinel || net->parent) {
        return;
    }

    w = net->watch;

    if (w == NULL) {
        w = ngx_http_weir_net_new(net->conf, net->log, net);

        if (w == NULL) {
            return;
        }

        w->watching = 1;
        w->seed = ngx_random() % net->conf->resp->nhosts;

        net->watch = w;
    }

    if (w->state == NGX_HTTP_WEIR_NET_UP) {

        if (ngx_queue_empty(&w->waiting)) {
            ngx_http_weir_net_watch_ask(w);
        }

        return;
    }

    if (w->state == NGX_HTTP_WEIR_NET_DOWN && !w->timer.timer_set
        && !w->closing)
    {
        ngx_add_timer(&w->timer, 1);
    }
}


static void
ngx_http_weir_net_watch_ask(ngx_http_weir_net_t *w)
{
    weir_arena_t     arena;
    weir_resp_say_e  say;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    say = weir_resp_session_again(&w->session, &arena);

    if (say != WEIR_RESP_SAY
        || ngx_http_weir_net_send(w, w->session.wire, w->session.caps, 0,
                                  ngx_http_weir_net_watch_reply, w)
           != NGX_OK)
    {
        ngx_http_weir_net_fail(w, "out of memory");
    }

    weir_arena_done(&arena);
}


static void
ngx_http_weir_net_watch_reply(void *data, const weir_resp_t *reply,
    const char *why)
{
    ngx_http_weir_net_t *w = data;

    if (reply == NULL) {
        return;
    }

    if (weir_resp_session_reply(&w->session, reply, &w->arena)
        != WEIR_RESP_ELSEWHERE)
    {
        ngx_http_weir_net_fail(w, "%s", w->session.why);
        return;
    }

    w->failures = 0;

    ngx_http_weir_net_named(w);
}


void
ngx_http_weir_net_named(ngx_http_weir_net_t *w)
{
    weir_str_t            host;
    weir_resp_host_t     *named;
    ngx_http_weir_net_t  *net;

    net = w->parent;
    named = &w->session.host;

    host.data = net->host;
    host.len = ngx_strlen(net->host);

    if (net->state != NGX_HTTP_WEIR_NET_UP || net->closing
        || (named->port == net->port && weir_str_eq(named->host, host)))
    {
        return;
    }

    ngx_http_weir_net_say(net, "the Sentinels name another master");
    ngx_http_weir_net_target(net, named);
    ngx_http_weir_net_move(net);
}
