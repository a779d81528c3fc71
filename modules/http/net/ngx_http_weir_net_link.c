
/*
 * Weir: a link's life: whom it asks, how long it waits, what it says of
 * itself.
 */

#include "ngx_http_weir_net_link.h"

#include <stdarg.h>
#include <stdio.h>


static void ngx_http_weir_net_timer(ngx_event_t *ev);
static void ngx_http_weir_net_down(ngx_http_weir_net_t *net);


ngx_http_weir_net_t *
ngx_http_weir_net_open(ngx_http_weir_net_conf_t *conf, ngx_log_t *log,
    ngx_http_weir_net_change_pt change, void *data)
{
    ngx_http_weir_net_t  *net;

    net = ngx_calloc(sizeof(ngx_http_weir_net_t), log);
    if (net == NULL) {
        return NULL;
    }

    net->conf = conf;
    net->log = log;
    net->change = change;
    net->data = data;

    net->timer.handler = ngx_http_weir_net_timer;
    net->timer.data = net;
    net->timer.log = log;
    net->timer.cancelable = 1;

    net->flush.handler = ngx_http_weir_net_flush;
    net->flush.data = net;
    net->flush.log = log;

    ngx_queue_init(&net->waiting);
    weir_arena_init(&net->arena, &weir_alloc_malloc, 0);

    /* from the event loop, like every later attempt */

    ngx_add_timer(&net->timer, 1);

    return net;
}


void
ngx_http_weir_net_close(ngx_http_weir_net_t *net)
{
    net->closing = 1;
    net->change = NULL;

    ngx_http_weir_net_disconnect(net);
    ngx_http_weir_net_drop(net, "the link is closed");

    if (net->timer.timer_set) {
        ngx_del_timer(&net->timer);
    }

    if (net->flush.posted) {
        ngx_delete_posted_event(&net->flush);
    }

    weir_arena_done(&net->arena);

    if (net->out) {
        ngx_free(net->out);
    }

    ngx_free(net);
}


ngx_http_weir_net_state_e
ngx_http_weir_net_state(ngx_http_weir_net_t *net)
{
    return net->state;
}


const char *
ngx_http_weir_net_error(ngx_http_weir_net_t *net)
{
    return net->error;
}


void
ngx_http_weir_net_retry(ngx_http_weir_net_t *net)
{
    if (net->state == NGX_HTTP_WEIR_NET_DOWN && !net->closing) {
        net->wrongpass = 0;
        net->failures = 0;
        ngx_add_timer(&net->timer, 1);
    }
}


/* One timer: whatever the present state waits for. */

static void
ngx_http_weir_net_timer(ngx_event_t *ev)
{
    ngx_http_weir_net_t *net = ev->data;

    if (ngx_exiting || ngx_quit || ngx_terminate) {
        net->closing = 1;
        ngx_http_weir_net_disconnect(net);
        ngx_http_weir_net_drop(net, "the worker ends");
        return;
    }

    switch (net->state) {

    case NGX_HTTP_WEIR_NET_DOWN:
        ngx_http_weir_net_start(net);
        return;

    case NGX_HTTP_WEIR_NET_RESOLVE:
        ngx_http_weir_net_fail(net, "the name was not resolved in time");
        return;

    case NGX_HTTP_WEIR_NET_CONNECT:
        ngx_http_weir_net_fail(net, "connect timed out");
        return;

    case NGX_HTTP_WEIR_NET_HANDSHAKE:
        ngx_http_weir_net_fail(net, "TLS handshake timed out");
        return;

    default:
        ngx_http_weir_net_timeout(net);
        return;
    }
}


void
ngx_http_weir_net_start(ngx_http_weir_net_t *net)
{
    weir_resp_conf_t  *resp;
    weir_resp_host_t  *seed;

    resp = net->conf->resp;

    if (net->target_port) {
        net->ask = NGX_HTTP_WEIR_NET_MASTER;
        net->port = net->target_port;
        ngx_memcpy(net->host, net->target, sizeof(net->host));

        /* good for once: whoever named it may have been wrong */

        net->target_port = 0;

    } else {
        seed = &resp->hosts[net->seed++ % resp->nhosts];

        net->ask = resp->sentinel ? NGX_HTTP_WEIR_NET_SENTINEL
                   : resp->cluster ? NGX_HTTP_WEIR_NET_NODE
                                   : NGX_HTTP_WEIR_NET_MASTER;
        net->port = seed->port;
        (void) ngx_cpystrn(net->host, (u_char *) seed->host.data,
                           ngx_min(seed->host.len + 1, sizeof(net->host)));
    }

    ngx_http_weir_net_connect(net);
}


void
ngx_http_weir_net_target(ngx_http_weir_net_t *net,
    const weir_resp_host_t *host)
{
    if (host->host.len == 0) {
        ngx_memcpy(net->target, net->host, sizeof(net->target));

    } else {
        (void) ngx_cpystrn(net->target, (u_char *) host->host.data,
                           ngx_min(host->host.len + 1, sizeof(net->target)));
    }

    net->target_port = host->port;
}


static void
ngx_http_weir_net_down(ngx_http_weir_net_t *net)
{
    ngx_uint_t  up;

    up = (net->state == NGX_HTTP_WEIR_NET_UP);

    ngx_http_weir_net_disconnect(net);
    ngx_http_weir_net_drop(net, net->error);

    if (up && net->change) {
        net->change(net->data);
    }
}


void
ngx_http_weir_net_fail(ngx_http_weir_net_t *net, const char *fmt, ...)
{
    char     text[NGX_HTTP_WEIR_NET_ERROR];
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    ngx_http_weir_net_say(net, "%s", text);
    ngx_http_weir_net_down(net);
    ngx_http_weir_net_pause(net);
}


void
ngx_http_weir_net_say(ngx_http_weir_net_t *net, const char *fmt, ...)
{
    int      n;
    va_list  args;

    n = snprintf(net->error, sizeof(net->error),
                 strchr((char *) net->host, ':') ? "[%s]:%u: " : "%s:%u: ",
                 net->host, net->port);

    if (n > 0 && (size_t) n < sizeof(net->error)) {
        va_start(args, fmt);
        (void) vsnprintf(net->error + n, sizeof(net->error) - n, fmt, args);
        va_end(args);
    }

    ngx_log_error(NGX_LOG_INFO, net->log, 0, "weir: redis %s", net->error);
}


void
ngx_http_weir_net_pause(ngx_http_weir_net_t *net)
{
    ngx_msec_t  bound, pause;

    if (net->closing || ngx_exiting) {
        return;
    }

    bound = NGX_HTTP_WEIR_NET_BACKOFF_MAX;

    if (net->failures < 6) {
        bound = NGX_HTTP_WEIR_NET_BACKOFF_MIN << net->failures;
        bound = ngx_min(bound, NGX_HTTP_WEIR_NET_BACKOFF_MAX);
        net->failures++;
    }

    /* full jitter: gateways that lost it together come back apart */

    pause = 1 + ngx_random() % bound;

    if (net->wrongpass) {
        net->wrongpass = 0;
        pause = NGX_HTTP_WEIR_NET_WRONGPASS;
    }

    ngx_add_timer(&net->timer, pause);
}


void
ngx_http_weir_net_move(ngx_http_weir_net_t *net)
{
    ngx_http_weir_net_down(net);

    if (!net->closing && !ngx_exiting) {
        ngx_add_timer(&net->timer, 1);
    }
}


void
ngx_http_weir_net_up(ngx_http_weir_net_t *net)
{
    net->state = NGX_HTTP_WEIR_NET_UP;

    ngx_http_weir_net_settled(net);

    ngx_log_error(NGX_LOG_INFO, net->log, 0, "weir: redis %s:%ui: connected",
                  net->host, (ngx_uint_t) net->port);

    if (net->change) {
        net->change(net->data);
    }
}
