
/*
 * Weir: TLS of a link, by nginx's OpenSSL: the certificate is verified, and
 * is for the name or the address that we were told.  There is no way back to
 * plain text.
 */

#include "ngx_http_weir_net_link.h"


#if (NGX_SSL)

static void ngx_http_weir_net_handshaken(ngx_connection_t *c);
static ngx_int_t ngx_http_weir_net_expect_name(ngx_http_weir_net_t *net);


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


void
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
        ngx_http_weir_net_lost(net, "TLS cannot begin");
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
        ngx_http_weir_net_lost(net, "TLS handshake failed");
        return;
    }

    ngx_http_weir_net_greet(net);
}

#endif
