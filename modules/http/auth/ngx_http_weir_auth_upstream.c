
/*
 * Weir: what the upstream learns of the identity: the operator's headers,
 * and no credential that weir_auth has used up.
 */

#include "ngx_http_weir_auth_internal.h"
#include "weir_hash.h"


static ngx_str_t  ngx_http_weir_auth_field = ngx_string("Authorization");
static ngx_str_t  ngx_http_weir_auth_field_lowcase =
    ngx_string("authorization");


ngx_int_t
ngx_http_weir_auth_upstream(ngx_http_request_t *r,
    ngx_http_weir_auth_state_t *state, ngx_http_weir_auth_loc_conf_t *alcf)
{
    ngx_str_t                     value;
    ngx_uint_t                    i;
    ngx_http_weir_auth_header_t  *h;

    if (ngx_http_weir_auth_authorization(r, state, alcf) != NGX_OK) {
        return NGX_ERROR;
    }

    /* after an internal redirect: those of the location before */

    if (state->headers && state->headers != alcf->headers) {
        h = state->headers->elts;

        for (i = 0; i < state->headers->nelts; i++) {
            (void) ngx_http_weir_header_remove(r, &h[i].lowcase);
        }
    }

    state->headers = alcf->headers;

    if (alcf->headers == NULL) {
        return NGX_OK;
    }

    h = alcf->headers->elts;

    for (i = 0; i < alcf->headers->nelts; i++) {

        if (ngx_http_weir_value(r, &h[i].value, &value) != NGX_OK
            || ngx_http_weir_auth_clean(r, &value) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (value.len == 0) {
            (void) ngx_http_weir_header_remove(r, &h[i].lowcase);
            continue;
        }

        if (ngx_http_weir_header_set(r, &h[i].name, &h[i].lowcase, &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Takes a verified credential away, or brings it back where it may go on. */

ngx_int_t
ngx_http_weir_auth_authorization(ngx_http_request_t *r,
    ngx_http_weir_auth_state_t *state, ngx_http_weir_auth_loc_conf_t *alcf)
{
    if (!state->verified) {
        return NGX_OK;
    }

    if (!alcf->forward) {

        if (!state->removed) {
            (void) ngx_http_weir_header_remove(r,
                                           &ngx_http_weir_auth_field_lowcase);
            state->removed = 1;
        }

        return NGX_OK;
    }

    if (!state->removed) {
        return NGX_OK;
    }

    state->removed = 0;

    return ngx_http_weir_header_set(r, &ngx_http_weir_auth_field,
                                    &ngx_http_weir_auth_field_lowcase,
                                    &state->authorization);
}


/* Of eight bytes: a high bit tells of one that is not printable ASCII. */

static ngx_inline ngx_uint_t
ngx_http_weir_auth_printable(u_char *p)
{
    uint64_t  x;

    ngx_memcpy(&x, p, 8);

    return ((x | (x - 0x2020202020202020) | (x + 0x0101010101010101))
            & 0x8080808080808080)
           == 0;
}


/*
 * Printable ASCII, else base64url; a space at an end would be lost on the
 * way, and with it the difference to another value.
 */

ngx_int_t
ngx_http_weir_auth_clean(ngx_http_request_t *r, ngx_str_t *value)
{
    u_char      *p;
    ngx_uint_t   i;
    weir_str_t   s;

    for (i = 0; i + 8 <= value->len; i += 8) {
        if (!ngx_http_weir_auth_printable(value->data + i)) {
            break;
        }
    }

    /* the last eight, some of them again */

    if (i + 8 > value->len && value->len >= 8
        && ngx_http_weir_auth_printable(value->data + value->len - 8))
    {
        i = value->len;
    }

    for ( /* void */ ; i < value->len; i++) {
        if (value->data[i] < 0x20 || value->data[i] > 0x7e) {
            break;
        }
    }

    if (i == value->len
        && (i == 0 || (value->data[0] != ' ' && value->data[i - 1] != ' ')))
    {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, (value->len * 8 + 5) / 6);
    if (p == NULL) {
        return NGX_ERROR;
    }

    s = ngx_http_weir_str(value);

    value->len = weir_base64url_encode(p, s);
    value->data = p;

    return NGX_OK;
}
