
/*
 * Weir: who sees a status page without a policy.  A loopback peer alone is no
 * proof: a proxy on the same machine forwards strangers, and a browser there
 * can be led to 127.0.0.1 by a name that is not ours (DNS rebinding).
 */

#include "ngx_http_weir_status.h"
#include "weir_field.h"


static ngx_uint_t ngx_http_weir_status_loopback(ngx_http_request_t *r);
static ngx_uint_t ngx_http_weir_status_forwarded(ngx_http_request_t *r);
static ngx_uint_t ngx_http_weir_status_host(ngx_http_request_t *r);
static ngx_uint_t ngx_http_weir_status_server_name(ngx_http_server_name_t *sn,
    ngx_str_t *host);


/* What proxies add; a final "*" is any rest. */

static ngx_str_t  ngx_http_weir_status_headers[] = {
    ngx_string("forwarded"),
    ngx_string("x-forwarded-*"),
    ngx_string("x-original-forwarded-for"),
    ngx_string("x-real-ip"),
    ngx_string("x-client-ip"),
    ngx_string("x-cluster-client-ip"),
    ngx_string("client-ip"),
    ngx_string("true-client-ip"),
    ngx_string("cf-connecting-ip"),
    ngx_string("fastly-client-ip"),
    ngx_string("x-envoy-external-address"),
    ngx_string("cdn-loop"),
    ngx_string("via"),
    ngx_null_string
};


static ngx_str_t  ngx_http_weir_status_hosts[] = {
    ngx_string("localhost"),
    ngx_string("127.0.0.1"),
    ngx_string("[::1]"),
    ngx_null_string
};


ngx_uint_t
ngx_http_weir_status_local(ngx_http_request_t *r)
{
    return ngx_http_weir_status_loopback(r)
           && !ngx_http_weir_status_forwarded(r)
           && ngx_http_weir_status_host(r);
}


/* The peer of the connection, whatever realip made of it. */

static ngx_uint_t
ngx_http_weir_status_loopback(ngx_http_request_t *r)
{
    u_char  a[16];

    static u_char  v4[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    static u_char  v6[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };

    if (ngx_http_weir_peer(r, a) != NGX_OK) {
        return 0;
    }

    return ngx_memcmp(a, v6, 16) == 0
           || (ngx_memcmp(a, v4, 12) == 0 && a[12] == 127);
}


static ngx_uint_t
ngx_http_weir_status_forwarded(ngx_http_request_t *r)
{
    ngx_str_t             *name;
    ngx_table_elt_t       *h;
    ngx_http_weir_walk_t   walk;

    /*
     * On a listener with PROXY protocol the peer is a proxy always.  Only
     * the main request knows its listener.
     */

    if (r->main->http_connection->addr_conf->proxy_protocol) {
        return 1;
    }

    ngx_http_weir_walk(&walk, &r->headers_in.headers);

    for (h = ngx_http_weir_walk_next(&walk);
         h;
         h = ngx_http_weir_walk_next(&walk))
    {
        for (name = ngx_http_weir_status_headers; name->len; name++) {
            if (weir_field_match(ngx_http_weir_str(&h->key),
                                 ngx_http_weir_str(name)))
            {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_weir_status_host(ngx_http_request_t *r)
{
    u_char                           *buf;
    ngx_str_t                        *name, host;
    ngx_uint_t                        i;
    weir_str_t                        value, canonical;
    ngx_http_server_name_t           *sn;
    ngx_http_weir_status_srv_conf_t  *sscf;

    host = r->headers_in.server;

    if (host.len == 0) {
        return 0;
    }

    /* an absolute-form target must not hide another Host */

    if (r->headers_in.host) {
        value.data = r->headers_in.host->value.data;
        value.len = r->headers_in.host->value.len;

        buf = ngx_pnalloc(r->pool, value.len);

        if (buf == NULL
            || weir_host_gate(&canonical, buf, value) != WEIR_OK
            || canonical.len != host.len
            || ngx_strncasecmp((u_char *) canonical.data, host.data, host.len)
               != 0)
        {
            return 0;
        }
    }

    for (name = ngx_http_weir_status_hosts; name->len; name++) {
        if (name->len == host.len
            && ngx_strncasecmp(name->data, host.data, host.len) == 0)
        {
            return 1;
        }
    }

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_weir_status_module);
    sn = sscf->names.elts;

    for (i = 0; i < sscf->names.nelts; i++) {
        if (ngx_http_weir_status_server_name(&sn[i], &host)) {
            return 1;
        }
    }

    return 0;
}


/* As server_name has them: exact, *.suffix, .suffix, prefix.*, a regex. */

static ngx_uint_t
ngx_http_weir_status_server_name(ngx_http_server_name_t *sn, ngx_str_t *host)
{
    size_t     len;
    ngx_str_t  name;

#if (NGX_PCRE)

    if (sn->regex) {
        return ngx_regex_exec(sn->regex->regex, host, NULL, 0) >= 0;
    }

#endif

    name = sn->name;

    if (name.len == host->len
        && ngx_strncasecmp(name.data, host->data, name.len) == 0)
    {
        return name.len != 0;
    }

    if (name.len < 3) {
        return 0;
    }

    if (name.data[0] == '.' && name.len - 1 == host->len
        && ngx_strncasecmp(name.data + 1, host->data, host->len) == 0)
    {
        return 1;
    }

    if (name.data[0] == '.' || (name.data[0] == '*' && name.data[1] == '.')) {

        if (name.data[0] == '*') {
            name.data++;
            name.len--;
        }

        return host->len > name.len
               && ngx_strncasecmp(host->data + host->len - name.len, name.data,
                                  name.len)
                  == 0;
    }

    len = name.len - 1;

    return name.data[len] == '*' && name.data[len - 1] == '.'
           && host->len > len
           && ngx_strncasecmp(host->data, name.data, len) == 0;
}
