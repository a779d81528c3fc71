
/*
 * Weir: the gates that a request's path, host, method and transport pass
 * before anything is decided about it (security.md 1): what is ambiguous is
 * refused, so that what is decided is what the upstream gets.
 */

#include "ngx_http_weir_gate.h"
#include "weir_field.h"


static ngx_uint_t ngx_http_weir_gate_same(ngx_http_request_t *r,
    ngx_http_weir_gate_t *gate, ngx_http_weir_loc_conf_t *lcf);
static ngx_int_t ngx_http_weir_gate_authority(ngx_http_request_t *r,
    ngx_str_t *value, weir_str_t *host);
static ngx_uint_t ngx_http_weir_gate_ports_differ(ngx_str_t *a,
    ngx_str_t *b);
static ngx_int_t ngx_http_weir_gate_path(ngx_http_request_t *r,
    ngx_http_weir_gate_t *gate, ngx_http_weir_loc_conf_t *lcf);
static ngx_uint_t ngx_http_weir_gate_override(ngx_table_elt_t *h);
static ngx_uint_t ngx_http_weir_gate_has_override(ngx_http_request_t *r);


static ngx_str_t  ngx_http_weir_overrides[] = {
    ngx_string("x-http-method-override"),
    ngx_string("x-http-method"),
    ngx_string("x-method-override"),
    ngx_string("x-original-url"),
    ngx_string("x-rewrite-url"),
    ngx_null_string
};


ngx_int_t
ngx_http_weir_gate_request(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_gate_t *gate, ngx_http_weir_loc_conf_t *lcf)
{
    const char  *reason;

#if (NGX_HTTP_SSL)
    if (r->connection->ssl
        && !SSL_is_init_finished(r->connection->ssl->connection))
    {
        /* 0-RTT can be replayed (RFC 8470, 5.2) */

        return ngx_http_weir_refuse(r, ctx, 425, NGX_HTTP_WEIR_REFUSED,
                                    "ambiguous-request");
    }
#endif

    if (ngx_http_weir_gate_host(r, gate) != NGX_OK) {
        reason = "ambiguous-host";
        goto refused;
    }

    if (ngx_http_weir_gate_path(r, gate, lcf) != NGX_OK) {
        reason = "ambiguous-path";
        goto refused;
    }

    if (!lcf->method_override && ngx_http_weir_gate_has_override(r)) {
        reason = "ambiguous-request";
        goto refused;
    }

    gate->gated = 1;

    return NGX_OK;

refused:

    return ngx_http_weir_refuse(r, ctx, NGX_HTTP_BAD_REQUEST,
                                NGX_HTTP_WEIR_REFUSED, reason);
}


/*
 * nginx refuses a second Host itself; 1.22 ignores one beside an authority.
 * HTTP/1.0 needs no Host: to a policy it is then absent.
 */

ngx_int_t
ngx_http_weir_gate_host(ngx_http_request_t *r, ngx_http_weir_gate_t *gate)
{
    u_char           *p, *last;
    ngx_str_t         value, authority;
    ngx_uint_t        n;
    weir_str_t        host, other;

    static ngx_str_t  name = ngx_string("host");

    if (gate->gated) {
        return NGX_OK;
    }

    if (r->http_version < NGX_HTTP_VERSION_10) {
        return NGX_DECLINED;
    }

    ngx_str_null(&value);
    n = ngx_http_weir_header_find(r, &name, &value);

    if (n > 1) {
        return NGX_DECLINED;
    }

    ngx_str_null(&authority);

    other.len = 0;
    other.data = NULL;

    if (r->http_version < NGX_HTTP_VERSION_20 && r->host_start) {

        /* the absolute form, whose authority nginx prefers to Host */

        last = r->request_line.data + r->request_line.len;

        for (p = r->host_start; p < last; p++) {
            if (*p == '/' || *p == '?' || *p == '#' || *p == ' ') {
                break;
            }
        }

        authority.data = r->host_start;
        authority.len = p - r->host_start;

        if (ngx_http_weir_gate_authority(r, &authority, &other) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    if (n == 0) {

        if (r->http_version == NGX_HTTP_VERSION_10) {

            if (authority.len) {
                gate->host.len = other.len;
                gate->host.data = (u_char *) other.data;
            }

            return NGX_OK;
        }

        /* HTTP/3 has its authority only here */

        value = r->headers_in.server;

        if (r->http_version < NGX_HTTP_VERSION_20) {
            return NGX_DECLINED;
        }
    }

    if (ngx_http_weir_gate_authority(r, &value, &host) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (authority.len
        && (!weir_str_eq(host, other)
            || ngx_http_weir_gate_ports_differ(&value, &authority)))
    {
        return NGX_DECLINED;
    }

    gate->host.len = host.len;
    gate->host.data = (u_char *) host.data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_gate_authority(ngx_http_request_t *r, ngx_str_t *value,
    weir_str_t *host)
{
    u_char      *p;
    weir_str_t   authority;

    authority = ngx_http_weir_str(value);

    p = ngx_pnalloc(r->pool, value->len + 1);

    return (p && weir_host_gate(host, p, authority) == WEIR_OK)
           ? NGX_OK : NGX_DECLINED;
}


/* Where both name one.  Both have passed the gate. */

static ngx_uint_t
ngx_http_weir_gate_ports_differ(ngx_str_t *a, ngx_str_t *b)
{
    ngx_str_t  p, q;

    p = ngx_http_weir_gate_port(*a);
    q = ngx_http_weir_gate_port(*b);

    return p.len && q.len
           && (p.len != q.len || ngx_memcmp(p.data, q.data, p.len) != 0);
}


ngx_str_t
ngx_http_weir_gate_port(ngx_str_t authority)
{
    size_t     i;
    ngx_str_t  port;

    port.len = 0;
    port.data = authority.data;

    for (i = authority.len; i && authority.data[i - 1] != ']'; i--) {

        if (authority.data[i - 1] == ':') {
            port.len = authority.len - i;
            port.data = &authority.data[i];
            break;
        }
    }

    return port;
}


static ngx_int_t
ngx_http_weir_gate_path(ngx_http_request_t *r, ngx_http_weir_gate_t *gate,
    ngx_http_weir_loc_conf_t *lcf)
{
    u_char              *p;
    size_t               size;
    weir_str_t           raw;
    static weir_path_t   path;

    if (gate->gated) {
        return NGX_OK;
    }

    raw = ngx_http_weir_str(&r->unparsed_uri);

    /* behind "?" as well: it ends nginx's arguments, and not those of others */

    p = ngx_strlchr(r->unparsed_uri.data,
                    r->unparsed_uri.data + r->unparsed_uri.len, '#');
    if (p) {
        return NGX_DECLINED;
    }

    p = ngx_strlchr(r->unparsed_uri.data,
                    r->unparsed_uri.data + r->unparsed_uri.len, '?');
    if (p) {
        raw.len = p - raw.data;
    }

    p = ngx_pnalloc(r->pool, raw.len + 1);
    if (p == NULL
        || weir_path_gate(&path, p, raw, lcf->path_allow) != WEIR_OK)
    {
        return NGX_DECLINED;
    }

    /* the request keeps no more than the segments that there are */

    size = offsetof(weir_path_t, segments)
           + path.nsegments * sizeof(weir_str_t);

    gate->path = ngx_palloc(r->pool, size);
    if (gate->path == NULL) {
        return NGX_DECLINED;
    }

    ngx_memcpy(gate->path, &path, size);

    if (gate->passes > 1) {
        return NGX_OK;
    }

    /* nginx's own reading: the same, or the product of a rewrite */

    if (r->valid_unparsed_uri) {
        return ngx_http_weir_gate_same(r, gate, lcf) ? NGX_OK : NGX_DECLINED;
    }

    return ngx_http_weir_gate_uri(r, &path, lcf);
}


ngx_int_t
ngx_http_weir_gate_uri(ngx_http_request_t *r, weir_path_t *path,
    ngx_http_weir_loc_conf_t *lcf)
{
    weir_str_t  uri;

    uri = ngx_http_weir_str(&r->uri);

    return weir_path_gate_decoded(path, uri, lcf->path_allow) == WEIR_OK
           ? NGX_OK : NGX_DECLINED;
}


/* 1 if the path that nginx works with is the client's. */

static ngx_uint_t
ngx_http_weir_gate_same(ngx_http_request_t *r, ngx_http_weir_gate_t *gate,
    ngx_http_weir_loc_conf_t *lcf)
{
    u_char      *a, *ea, *b, *eb;
    ngx_uint_t   fold;

    a = (u_char *) gate->path->decoded.data;
    ea = a + gate->path->decoded.len;
    b = r->uri.data;
    eb = b + r->uri.len;

    /* nginx merges slashes, where the location admits them at all */

    fold = lcf->path_allow & WEIR_PATH_ALLOW_DOUBLE_SLASH;

    if (!fold) {
        return ea - a == eb - b && ngx_memcmp(a, b, ea - a) == 0;
    }

    while (a < ea && b < eb) {

        if (*a++ != *b++) {
            return 0;
        }

        if (a[-1] == '/') {
            while (a < ea && *a == '/') { a++; }
            while (b < eb && *b == '/') { b++; }
        }
    }

    return a == ea && b == eb;
}


static ngx_uint_t
ngx_http_weir_gate_override(ngx_table_elt_t *h)
{
    ngx_uint_t  n;

    for (n = 0; ngx_http_weir_overrides[n].len; n++) {
        if (weir_field_same(ngx_http_weir_str(&h->key),
                            ngx_http_weir_str(&ngx_http_weir_overrides[n])))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_weir_gate_has_override(ngx_http_request_t *r)
{
    ngx_table_elt_t       *h;
    ngx_http_weir_walk_t   walk;

    ngx_http_weir_walk(&walk, &r->headers_in.headers);

    for (h = ngx_http_weir_walk_next(&walk);
         h;
         h = ngx_http_weir_walk_next(&walk))
    {
        if (h->key.len > 2 && (h->key.data[0] | 0x20) == 'x'
            && ngx_http_weir_gate_override(h))
        {
            return 1;
        }
    }

    return 0;
}
