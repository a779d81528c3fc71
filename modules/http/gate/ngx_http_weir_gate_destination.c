
/*
 * Weir: the second path of a request.  COPY and MOVE write to what their
 * Destination names (RFC 4918, 10.3), so that it passes the gate of paths and
 * is decided like the target.
 */

#include "ngx_http_weir_gate.h"


static ngx_int_t ngx_http_weir_gate_own_host(ngx_http_request_t *r,
    const ngx_http_weir_gate_copy_t *copy, ngx_str_t *value);


ngx_uint_t
ngx_http_weir_gate_copies(const ngx_str_t *method)
{
    return method->len == 4
           && (ngx_memcmp(method->data, "COPY", 4) == 0
               || ngx_memcmp(method->data, "MOVE", 4) == 0);
}


ngx_int_t
ngx_http_weir_gate_destination(ngx_http_request_t *r,
    const ngx_http_weir_gate_copy_t *copy, weir_path_t *path)
{
    u_char            *p, *last;
    ngx_str_t          value;
    weir_str_t         raw;

    static ngx_str_t   name = ngx_string("destination");

    if (!ngx_http_weir_gate_copies(&copy->method)) {
        return NGX_DONE;
    }

    switch (ngx_http_weir_header_find(r, &name, &value)) {

    case 0:
        return NGX_DONE;

    case 1:
        break;

    default:
        return NGX_DECLINED;
    }

    if (value.len == 0
        || (value.data[0] != '/'
            && ngx_http_weir_gate_own_host(r, copy, &value) != NGX_OK))
    {
        return NGX_DECLINED;
    }

    last = value.data + value.len;

    if (ngx_strlchr(value.data, last, '#')) {
        return NGX_DECLINED;
    }

    p = ngx_strlchr(value.data, last, '?');

    raw.data = value.data;
    raw.len = (p ? p : last) - value.data;

    p = ngx_pnalloc(r->pool, raw.len + 1);

    return p && weir_path_gate(path, p, raw, copy->allow) == WEIR_OK
           ? NGX_OK : NGX_DECLINED;
}


/* The path of "http://AUTHORITY/PATH", if it is of the request's own host. */

static ngx_int_t
ngx_http_weir_gate_own_host(ngx_http_request_t *r,
    const ngx_http_weir_gate_copy_t *copy, ngx_str_t *value)
{
    u_char      *p, *last;
    ngx_str_t    named, own;
    weir_str_t   host, authority;

    p = value->data;
    last = p + value->len;

    if (value->len > 7 && ngx_strncasecmp(p, (u_char *) "http://", 7) == 0) {
        p += 7;

    } else if (value->len > 8
               && ngx_strncasecmp(p, (u_char *) "https://", 8) == 0)
    {
        p += 8;

    } else {
        return NGX_DECLINED;
    }

    value->data = ngx_strlchr(p, last, '/');

    if (value->data == NULL) {
        return NGX_DECLINED;
    }

    value->len = last - value->data;

    authority.data = p;
    authority.len = value->data - p;

    p = ngx_pnalloc(r->pool, authority.len + 1);

    if (p == NULL
        || weir_host_gate(&host, p, authority) != WEIR_OK
        || host.len != copy->host.len
        || ngx_memcmp(host.data, copy->host.data, host.len) != 0)
    {
        return NGX_DECLINED;
    }

    /* another port is another server */

    named.len = authority.len;
    named.data = (u_char *) authority.data;

    named = ngx_http_weir_gate_port(named);
    own = ngx_http_weir_gate_port(copy->authority);

    return named.len == own.len
           && ngx_memcmp(named.data, own.data, own.len) == 0
           ? NGX_OK : NGX_DECLINED;
}
