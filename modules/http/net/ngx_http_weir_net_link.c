
/*
 * Weir: a link's life: whom it asks, how long it waits, what it says of
 * itself.
 */

#include "ngx_http_weir_net_link.h"

#include <stdarg.h>
#include <stdio.h>


static void ngx_http_weir_net_timer(ngx_event_t *ev);
static void ngx_http_weir_net_note(ngx_log_t *log, ngx_uint_t level,
    u_char *buf, size_t len);


ngx_http_weir_net_t *
ngx_http_weir_net_open(ngx_http_weir_net_conf_t *conf, ngx_log_t *log,
    ngx_http_weir_net_change_pt change, void *data)
{
    ngx_uint_t            i;
    ngx_str_t            *text;
    ngx_http_weir_net_t  *net;

    net = ngx_http_weir_net_new(conf, log, NULL);
    if (net == NULL) {
        return NULL;
    }

    net->change = change;
    net->data = data;

    for (i = 0; i < 2; i++) {
        text = &conf->passwords[i].text;

        net->secrets[i].len = ngx_min(text->len, WEIR_RESP_PASSWORD_MAX);
        ngx_memcpy(net->secrets[i].data, text->data, net->secrets[i].len);
    }

    /* from the event loop, like every later attempt */

    ngx_add_timer(&net->timer, 1);

    return net;
}


ngx_http_weir_net_t *
ngx_http_weir_net_new(ngx_http_weir_net_conf_t *conf, ngx_log_t *log,
    ngx_http_weir_net_t *parent)
{
    ngx_http_weir_net_t  *net;

    net = ngx_calloc(sizeof(ngx_http_weir_net_t), log);
    if (net == NULL) {
        return NULL;
    }

    net->conf = conf;
    net->log = log;
    net->parent = parent;

    /* each attempt may fail alike: what nginx says of it is said once, by us */

    net->quiet = *log;

    if (!(log->log_level & NGX_LOG_DEBUG_ALL)) {
        net->quiet.log_level = NGX_LOG_INFO;
        net->quiet.next = NULL;
        net->quiet.handler = NULL;
        net->quiet.writer = ngx_http_weir_net_note;
        net->quiet.wdata = net;
    }

    net->timer.handler = ngx_http_weir_net_timer;
    net->timer.data = net;
    net->timer.log = log;
    net->timer.cancelable = 1;

    net->flush.handler = ngx_http_weir_net_flush;
    net->flush.data = net;
    net->flush.log = log;

    ngx_queue_init(&net->waiting);
    ngx_queue_init(&net->asked);
    weir_arena_init(&net->arena, &weir_alloc_malloc, 0);

    return net;
}


void
ngx_http_weir_net_close(ngx_http_weir_net_t *net)
{
    net->closing = 1;
    net->change = NULL;

    if (net->aside) {
        ngx_http_weir_net_close(net->aside);
        net->aside = NULL;
    }

    if (net->watch) {
        ngx_http_weir_net_close(net->watch);
        net->watch = NULL;
    }

    ngx_http_weir_net_password_leave(net);
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


ngx_uint_t
ngx_http_weir_net_moving(ngx_http_weir_net_t *net)
{
    return net->moving;
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

        if (net->denied) {
            ngx_http_weir_net_password_look(net);
            return;
        }

        ngx_http_weir_net_start(net);
        return;

    case NGX_HTTP_WEIR_NET_PASSWORD:

        /* a disk that hangs: with the one that is known */

        ngx_http_weir_net_connect(net);
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

    if (!ngx_http_weir_net_claim(net)) {
        ngx_add_timer(&net->timer, 10);
        return;
    }

    if (net->parent) {
        ngx_memcpy(net->secrets, net->parent->secrets, sizeof(net->secrets));
    }

    if (net->target_port) {
        net->ask = net->parent ? WEIR_RESP_ASK_ONCE : WEIR_RESP_ASK_MASTER;
        net->port = net->target_port;
        ngx_memcpy(net->host, net->target, sizeof(net->host));

        /* good for once: whoever named it may have been wrong */

        net->target_port = 0;

    } else {
        seed = &resp->hosts[net->seed++ % resp->nhosts];

        net->ask = resp->sentinel ? WEIR_RESP_ASK_SENTINEL
                   : resp->cluster ? WEIR_RESP_ASK_NODE
                                   : WEIR_RESP_ASK_MASTER;
        net->port = seed->port;
        (void) ngx_cpystrn(net->host, (u_char *) seed->host.data,
                           ngx_min(seed->host.len + 1, sizeof(net->host)));
    }

    net->state = NGX_HTTP_WEIR_NET_PASSWORD;

    if (ngx_http_weir_net_password_read(net) == NGX_OK) {
        ngx_add_timer(&net->timer, NGX_HTTP_WEIR_NET_READ);
        return;
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


void
ngx_http_weir_net_down(ngx_http_weir_net_t *net)
{
    ngx_http_weir_net_disconnect(net);
    ngx_http_weir_net_drop(net, net->error);
}


void
ngx_http_weir_net_fail(ngx_http_weir_net_t *net, const char *fmt, ...)
{
    char     text[NGX_HTTP_WEIR_NET_ERROR];
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    net->moving = 0;

    ngx_http_weir_net_say(net, "%s", text);
    ngx_http_weir_net_down(net);
    ngx_http_weir_net_pause(net);

    if (net->change) {
        net->change(net->data);
    }
}


void
ngx_http_weir_net_lost(ngx_http_weir_net_t *net, const char *what)
{
    if (net->detail[0]) {
        ngx_http_weir_net_fail(net, "%s: %s", what, net->detail);
        return;
    }

    ngx_http_weir_net_fail(net, "%s", what);
}


/* A line of nginx's log on our connection; alerts go on to it. */

static void
ngx_http_weir_net_note(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len)
{
    u_char               *p, *last;
    size_t                i;
    ngx_http_weir_net_t  *net;

    net = log->wdata;
    last = buf + len;

    /* behind the time, the level and the process */

    p = ngx_strlchr(buf, last, '#');
    p = p ? ngx_strlchr(p, last, ' ') : NULL;
    p = p ? p + 1 : buf;

    if (last > p && last[-1] == LF) {
        last--;
    }

    if (level <= NGX_LOG_ALERT) {
        ngx_log_error(level, net->log, 0, "%*s", (size_t) (last - p), p);
    }

    buf = ngx_strlcasestrn(p, last, (u_char *) "(SSL: ", 6 - 1);

    if (buf) {
        p = buf + 6;
        last -= (last[-1] == ')');
    }

    for (i = 0; i < sizeof(net->detail) - 1 && p < last; i++, p++) {
        net->detail[i] = (*p < 0x20 || *p > 0x7e) ? '?' : *p;
    }

    net->detail[i] = '\0';
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
    if (net->closing || ngx_exiting || (net->parent && !net->watching)) {
        return;
    }

    /* the same password would be as wrong; look whether there is another */

    if (net->denied) {
        net->denied_at = ngx_current_msec;
        ngx_add_timer(&net->timer, NGX_HTTP_WEIR_NET_LOOK);
        return;
    }

    net->failures += (net->failures < 100);

    /* full jitter: gateways that lost it together come back apart */

    ngx_add_timer(&net->timer,
                  weir_resp_pause((unsigned) net->failures,
                                  (uint32_t) ngx_random()));
}


void
ngx_http_weir_net_move(ngx_http_weir_net_t *net)
{
    net->moving = 1;

    ngx_http_weir_net_down(net);

    if (!net->closing && !net->parent && !ngx_exiting) {
        ngx_add_timer(&net->timer, 1);
    }
}


void
ngx_http_weir_net_up(ngx_http_weir_net_t *net)
{
    net->state = NGX_HTTP_WEIR_NET_UP;
    net->since = ngx_current_msec;
    net->moving = 0;

    ngx_http_weir_net_settled(net);

    ngx_log_error(NGX_LOG_INFO, net->log, 0, "weir: redis %s:%ui: connected",
                  net->host, (ngx_uint_t) net->port);

    if (net->parent) {
        ngx_http_weir_net_aside_send(net);

    } else {
        ngx_http_weir_net_watch(net);
    }

    if (net->change) {
        net->change(net->data);
    }
}
