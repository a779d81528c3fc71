
/*
 * Weir: from a host and a port to a connection: resolver, connect.
 */

#include "ngx_http_weir_net_link.h"


static void ngx_http_weir_net_resolved(ngx_resolver_ctx_t *ctx);
static void ngx_http_weir_net_peer(ngx_http_weir_net_t *net,
    struct sockaddr *sockaddr, socklen_t socklen);
static void ngx_http_weir_net_connecting(ngx_event_t *ev);
static void ngx_http_weir_net_connected(ngx_http_weir_net_t *net);


static ngx_uint_t  ngx_http_weir_net_handshakes;


void
ngx_http_weir_net_connect(ngx_http_weir_net_t *net)
{
    ngx_int_t             rc;
    ngx_str_t             name;
    ngx_addr_t            addr;
    ngx_pool_t           *pool;
    weir_str_t            host;
    ngx_resolver_ctx_t   *ctx, temp;

    name.data = net->host;
    name.len = ngx_strlen(net->host);
    host.data = name.data;
    host.len = name.len;

    if (!weir_resp_conf_permits(net->conf->resp, host)) {
        ngx_http_weir_net_fail(net, "is another machine: TLS or "
                               "\"insecure\" is needed");
        return;
    }

    /* the resolver reads no hosts file */

    if (name.len == 9
        && ngx_strncasecmp(name.data, (u_char *) "localhost", 9) == 0)
    {
        ngx_str_set(&name, "127.0.0.1");
    }

    pool = ngx_create_pool(512, net->log);
    if (pool == NULL) {
        ngx_http_weir_net_fail(net, "out of memory");
        return;
    }

    rc = ngx_parse_addr(pool, &addr, name.data, name.len);

    if (rc == NGX_OK) {
        ngx_inet_set_port(addr.sockaddr, net->port);
        ngx_http_weir_net_peer(net, addr.sockaddr, addr.socklen);
    }

    ngx_destroy_pool(pool);

    if (rc == NGX_OK) {
        return;
    }

    if (rc == NGX_ERROR) {
        ngx_http_weir_net_fail(net, "out of memory");
        return;
    }

    if (net->conf->resolver == NULL) {
        ngx_http_weir_net_fail(net, "no resolver defined to resolve it");
        return;
    }

    net->state = NGX_HTTP_WEIR_NET_RESOLVE;

    ngx_memzero(&temp, sizeof(ngx_resolver_ctx_t));
    temp.name = name;

    ctx = ngx_resolve_start(net->conf->resolver, &temp);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_http_weir_net_fail(net, "no resolver defined to resolve it");
        return;
    }

    ctx->name = name;
    ctx->handler = ngx_http_weir_net_resolved;
    ctx->data = net;
    ctx->timeout = net->conf->resolver_timeout;
    ctx->cancelable = 1;

    net->resolving = ctx;

    /* may call the handler at once, and free the context when it fails */

    if (ngx_resolve_name(ctx) != NGX_OK) {
        net->resolving = NULL;
        ngx_http_weir_net_fail(net, "could not be resolved");
        return;
    }

    if (net->resolving) {
        ngx_add_timer(&net->timer, net->conf->resolver_timeout + 1000);
    }
}


static void
ngx_http_weir_net_resolved(ngx_resolver_ctx_t *ctx)
{
    socklen_t             len;
    ngx_int_t             state;
    ngx_uint_t            i;
    ngx_sockaddr_t        sa;
    ngx_http_weir_net_t  *net;

    net = ctx->data;
    state = ctx->state;
    len = 0;

    if (state == 0 && ctx->naddrs) {
        i = ngx_random() % ctx->naddrs;
        len = ctx->addrs[i].socklen;
        ngx_memcpy(&sa, ctx->addrs[i].sockaddr, len);
        ngx_inet_set_port(&sa.sockaddr, net->port);
    }

    ngx_resolve_name_done(ctx);
    net->resolving = NULL;

    if (net->timer.timer_set) {
        ngx_del_timer(&net->timer);
    }

    if (len == 0) {
        ngx_http_weir_net_fail(net, "could not be resolved (%s)",
                               ngx_resolver_strerror(state));
        return;
    }

    ngx_http_weir_net_peer(net, &sa.sockaddr, len);
}


static void
ngx_http_weir_net_peer(ngx_http_weir_net_t *net, struct sockaddr *sockaddr,
    socklen_t socklen)
{
    ngx_int_t               rc;
    ngx_str_t               name;
    ngx_connection_t       *c;
    ngx_peer_connection_t   pc;

    name.data = net->host;
    name.len = ngx_strlen(net->host);

    ngx_memzero(&pc, sizeof(ngx_peer_connection_t));

    pc.sockaddr = sockaddr;
    pc.socklen = socklen;
    pc.name = &name;
    pc.get = ngx_event_get_peer;
    pc.log = &net->quiet;
    pc.log_error = NGX_ERROR_IGNORE_ECONNRESET;

    net->state = NGX_HTTP_WEIR_NET_CONNECT;
    net->detail[0] = '\0';

    rc = ngx_event_connect_peer(&pc);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_http_weir_net_lost(net, "connect failed");
        return;
    }

    c = pc.connection;
    net->c = c;

    c->data = net;
    c->log = &net->quiet;
    c->read->log = c->log;
    c->write->log = c->log;
    c->pool = ngx_create_pool(512, c->log);

    if (c->pool == NULL || weir_resp_reader_init(&net->reader) != WEIR_OK) {
        ngx_http_weir_net_fail(net, "out of memory");
        return;
    }

    net->expecting = 0;
    net->out_pos = 0;
    net->out_last = 0;

    /* a worker that is to end closes it, whatever it is doing */

    c->idle = 1;

    c->read->handler = ngx_http_weir_net_connecting;
    c->write->handler = ngx_http_weir_net_connecting;

    if (rc == NGX_AGAIN) {
        ngx_add_timer(&net->timer, (ngx_msec_t) net->conf->resp->connect_ms);
        return;
    }

    ngx_http_weir_net_connected(net);
}


static void
ngx_http_weir_net_connecting(ngx_event_t *ev)
{
    int                   err;
    socklen_t             len;
    ngx_connection_t     *c;
    ngx_http_weir_net_t  *net;

    c = ev->data;
    net = c->data;

    if (c->close) {
        net->closing = 1;
        ngx_http_weir_net_disconnect(net);
        return;
    }

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_http_weir_net_fail(net, "%s", strerror(err));
        return;
    }

    /* readable before writable: nothing was said yet */

    if (!ev->write && !c->write->ready) {
        return;
    }

    ngx_http_weir_net_connected(net);
}


static void
ngx_http_weir_net_connected(ngx_http_weir_net_t *net)
{
    if (net->timer.timer_set) {
        ngx_del_timer(&net->timer);
    }

    (void) ngx_tcp_nodelay(net->c);

#if (NGX_SSL)

    if (net->conf->resp->tls) {
        ngx_http_weir_net_handshake(net);
        return;
    }

#endif

    ngx_http_weir_net_greet(net);
}


void
ngx_http_weir_net_greet(ngx_http_weir_net_t *net)
{
    ngx_connection_t  *c;

    c = net->c;

    net->state = NGX_HTTP_WEIR_NET_HELLO;

    c->read->handler = ngx_http_weir_net_read;
    c->write->handler = ngx_http_weir_net_write;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_weir_net_fail(net, "out of memory");
        return;
    }

    ngx_http_weir_net_hello(net);
}


ngx_uint_t
ngx_http_weir_net_claim(ngx_http_weir_net_t *net)
{
    if (!net->handshaking) {

        if (ngx_http_weir_net_handshakes >= NGX_HTTP_WEIR_NET_HANDSHAKES) {
            return 0;
        }

        net->handshaking = 1;
        ngx_http_weir_net_handshakes++;
    }

    return 1;
}


void
ngx_http_weir_net_settled(ngx_http_weir_net_t *net)
{
    if (net->handshaking) {
        net->handshaking = 0;
        ngx_http_weir_net_handshakes--;
    }
}


void
ngx_http_weir_net_disconnect(ngx_http_weir_net_t *net)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    net->state = NGX_HTTP_WEIR_NET_DOWN;

    ngx_http_weir_net_settled(net);

    if (net->timer.timer_set) {
        ngx_del_timer(&net->timer);
    }

    if (net->flush.posted) {
        ngx_delete_posted_event(&net->flush);
    }

    if (net->resolving) {
        ngx_resolve_name_done(net->resolving);
        net->resolving = NULL;
    }

    c = net->c;

    if (c == NULL) {
        return;
    }

    net->c = NULL;
    net->generation++;

#if (NGX_SSL)

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;
        (void) ngx_ssl_shutdown(c);
    }

#endif

    pool = c->pool;

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }

    /* the reader may be at work below us: what it holds goes by itself */

    weir_resp_reader_done(&net->reader);
}
