
/*
 * Weir: the AuthZEN Authorization API 1.0: POST of JSON to
 * .../access/v1/evaluation or .../evaluations.
 */

#include "ngx_http_weir_decide_authzen.h"
#include "ngx_http_weir_status.h"
#include "weir_authzen.h"


static ngx_uint_t ngx_http_weir_decide_is_json(ngx_http_request_t *r);
static void ngx_http_weir_decide_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_decide_text(ngx_http_request_t *r,
    ngx_str_t *text);
static void ngx_http_weir_decide_id(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);


ngx_int_t
ngx_http_weir_decide_authzen(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_decide_loc_conf_t *dlcf)
{
    ngx_int_t   rc;
    ngx_str_t   allow;
    ngx_uint_t  batch;

    if (r->method != NGX_HTTP_POST) {
        ngx_str_set(&allow, "POST");

        if (ngx_http_weir_header_out(r, "Allow", &allow) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_NOT_ALLOWED,
                                    NGX_HTTP_WEIR_REFUSED,
                                    "ambiguous-request");
    }

    if (ngx_http_weir_decide_endpoint(r, &batch) != NGX_OK) {
        return NGX_HTTP_NOT_FOUND;
    }

    ngx_http_weir_decide_id(r, ctx);

    if (!ngx_http_weir_decide_is_json(r)) {
        rc = ngx_http_discard_request_body(r);

        return rc == NGX_OK
               ? ngx_http_weir_decide_error(r, NGX_HTTP_BAD_REQUEST,
                            "the Content-Type is not application/json")
               : rc;
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_weir_decide_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


ngx_int_t
ngx_http_weir_decide_endpoint(ngx_http_request_t *r, ngx_uint_t *batch)
{
    static ngx_str_t  one = ngx_string("/access/v1/evaluation");
    static ngx_str_t  many = ngx_string("/access/v1/evaluations");

    *batch = (r->uri.len >= many.len
              && ngx_memcmp(r->uri.data + r->uri.len - many.len, many.data,
                            many.len)
                 == 0);

    if (*batch
        || (r->uri.len >= one.len
            && ngx_memcmp(r->uri.data + r->uri.len - one.len, one.data,
                          one.len)
               == 0))
    {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* With or without parameters. */

static ngx_uint_t
ngx_http_weir_decide_is_json(ngx_http_request_t *r)
{
    ngx_str_t  *value;

    static ngx_str_t  type = ngx_string("application/json");

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    value = &r->headers_in.content_type->value;

    return value->len >= type.len
           && ngx_strncasecmp(value->data, type.data, type.len) == 0
           && (value->len == type.len || value->data[type.len] == ';'
               || value->data[type.len] == ' ');
}


static void
ngx_http_weir_decide_body(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    switch (ngx_http_weir_decide_text(r, &text)) {

    case NGX_OK:
        rc = ngx_http_weir_decide_answer(r, &text);

        if (rc == NGX_AGAIN) {
            return;
        }

        break;

    case NGX_DECLINED:
        rc = ngx_http_weir_decide_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        "the question is larger than 256k or "
                                        "client_body_buffer_size");
        break;

    default:
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


/* NGX_DECLINED: it is too large, or on the disk, which nobody waits for. */

static ngx_int_t
ngx_http_weir_decide_text(ngx_http_request_t *r, ngx_str_t *text)
{
    size_t        len;
    u_char       *p;
    ngx_chain_t  *cl, *bufs;

    bufs = r->request_body ? r->request_body->bufs : NULL;
    len = 0;

    for (cl = bufs; cl; cl = cl->next) {

        if (!ngx_buf_in_memory(cl->buf) && ngx_buf_size(cl->buf)) {
            return NGX_DECLINED;
        }

        len += ngx_buf_size(cl->buf);
    }

    if (len > WEIR_AUTHZEN_BODY) {
        return NGX_DECLINED;
    }

    text->len = len;
    text->data = ngx_pnalloc(r->pool, len + 1);

    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = text->data;

    for (cl = bufs; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_weir_decide_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *message)
{
    json_t     *json;
    ngx_int_t   rc;

    json = json_pack("{s:{s:i, s:s}}", "error", "status", (int) status,
                     "message", message);
    if (json == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_weir_decide_send(r, status, json);

    json_decref(json);

    return rc;
}


ngx_int_t
ngx_http_weir_decide_send(ngx_http_request_t *r, ngx_uint_t status,
    json_t *json)
{
    char       *dump;
    ngx_str_t   text;

    dump = json_dumps(json, JSON_COMPACT);
    if (dump == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.len = ngx_strlen(dump);
    text.data = ngx_pnalloc(r->pool, text.len + 1);

    if (text.data) {
        ngx_memcpy(text.data, dump, text.len);
        text.data[text.len++] = LF;
    }

    free(dump);

    if (text.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_weir_status_answer(r, status, &text);
}


/*
 * The asker's X-Request-ID comes back (AuthZEN 1.0, 10.1.4): it is what the
 * request is called.
 */

static void
ngx_http_weir_decide_id(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    size_t     i;
    ngx_str_t  value;

    static ngx_str_t  name = ngx_string("x-request-id");

    if (ngx_http_weir_header_find(r, &name, &value) != 1
        || value.len == 0 || value.len > NGX_HTTP_WEIR_DECIDE_ID)
    {
        return;
    }

    for (i = 0; i < value.len; i++) {
        if (value.data[i] <= ' ' || value.data[i] >= 0x7f) {
            return;
        }
    }

    ctx->request_id = value;
}
