
/*
 * Weir: from a host and a port to a connection: resolver, connect, TLS.
 */

#include "ngx_http_weir_net_link.h"


static void ngx_http_weir_net_resolved(ngx_resolver_ctx_t *ctx);
static void ngx_http_weir_net_peer(ngx_http_weir_net_t *net,
    struct sockaddr *sockaddr, socklen_t socklen);
static void ngx_http_weir_net_connecting(ngx_event_t *ev);
static void ngx_http_weir_net_connected(ngx_http_weir_net_t *net);
static void ngx_http_weir_net_greet(ngx_http_weir_net_t *net);

#if (NGX_SSL)
static void ngx_http_weir_net_handshake(ngx_http_weir_net_t *net);
static void ngx_http_weir_net_handshaken(ngx_connection_t *c);
static ngx_int_t ngx_http_weir_net_expect_name(ngx_http_weir_net_t *net);
#endif


static ngx_uint_t  ngx_http_weir_net_handshakes;


#if (NGX_SSL)

ngx_ssl_t *
ngx_http_weir_net_ssl(ngx_conf_t *cf, weir_resp_conf_t *resp)
{
    ngx_str_t            ca, cert, key;
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NULL;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NULL;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (resp->ca.len) {
        ca.len = resp->ca.len;
        ca.data = (u_char *) (uintptr_t) resp->ca.data;

        if (ngx_ssl_trusted_certificate(cf, ssl, &ca, 9) != NGX_OK) {
            return NULL;
        }

    } else if (SSL_CTX_set_default_verify_paths(ssl->ctx) != 1) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NULL;
    }

    if (resp->cert.len) {
        cert.len = resp->cert.len;
        cert.data = (u_char *) (uintptr_t) resp->cert.data;
        key.len = resp->key.len;
        key.data = (u_char *) (uintptr_t) resp->key.data;

        if (ngx_ssl_certificate(cf, ssl, &cert, &key, NULL) != NGX_OK) {
            return NULL;
        }
    }

    /* nginx's own callback lets everything pass, to look at it later */

    SSL_CTX_set_verify(ssl->ctx, SSL_VERIFY_PEER, NULL);

    return ssl;
}

#endif


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

    if (ngx_http_weir_net_handshakes >= NGX_HTTP_WEIR_NET_HANDSHAKES) {
        net->target_port = net->port;
        ngx_memcpy(net->target, net->host, sizeof(net->target));

        if (net->ask != NGX_HTTP_WEIR_NET_MASTER) {
            net->target_port = 0;
            net->seed--;
        }

        ngx_add_timer(&net->timer, 10);
        return;
    }

    net->handshaking = 1;
    ngx_http_weir_net_handshakes++;

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
    pc.log = net->log;
    pc.log_error = NGX_ERROR_IGNORE_ECONNRESET;

    net->state = NGX_HTTP_WEIR_NET_CONNECT;

    rc = ngx_event_connect_peer(&pc);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_http_weir_net_fail(net, "connect failed");
        return;
    }

    c = pc.connection;
    net->c = c;

    c->data = net;
    c->log = net->log;
    c->read->log = net->log;
    c->write->log = net->log;
    c->pool = ngx_create_pool(512, net->log);

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


static void
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


#if (NGX_SSL)

static void
ngx_http_weir_net_handshake(ngx_http_weir_net_t *net)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = net->c;

    net->state = NGX_HTTP_WEIR_NET_HANDSHAKE;

    if (net->conf->ssl == NULL
        || ngx_ssl_create_connection(net->conf->ssl, c,
                                     NGX_SSL_BUFFER|NGX_SSL_CLIENT)
           != NGX_OK
        || ngx_http_weir_net_expect_name(net) != NGX_OK)
    {
        ngx_http_weir_net_fail(net, "TLS cannot begin");
        return;
    }

    ngx_add_timer(&net->timer, (ngx_msec_t) net->conf->resp->handshake_ms);

    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = ngx_http_weir_net_handshaken;
        return;
    }

    ngx_http_weir_net_handshaken(c);
}


/* The certificate is for the name or the address that we were told. */

static ngx_int_t
ngx_http_weir_net_expect_name(ngx_http_weir_net_t *net)
{
    SSL                *ssl;
    char               *host;
    X509_VERIFY_PARAM  *param;

    ssl = net->c->ssl->connection;
    host = (char *) net->host;
    param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1) {
        return NGX_OK;
    }

    ERR_clear_error();

    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    if (X509_VERIFY_PARAM_set1_host(param, host, 0) != 1
        || SSL_set_tlsext_host_name(ssl, host) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_weir_net_handshaken(ngx_connection_t *c)
{
    long                  rc;
    ngx_http_weir_net_t  *net;

    net = c->data;

    if (c->close) {
        net->closing = 1;
        ngx_http_weir_net_disconnect(net);
        return;
    }

    if (net->timer.timer_set) {
        ngx_del_timer(&net->timer);
    }

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        ngx_http_weir_net_fail(net, "certificate: %s",
                               X509_verify_cert_error_string(rc));
        return;
    }

    if (!c->ssl->handshaked) {
        ngx_http_weir_net_fail(net, "TLS handshake failed");
        return;
    }

    ngx_http_weir_net_greet(net);
}

#endif


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
