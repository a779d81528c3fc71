
/*
 * Weir: the ids of one request: made out of what the client sent and what is
 * believed of it, then written into the request's headers, where proxy, grpc,
 * fastcgi, uwsgi and scgi find them alike.
 */

#include "ngx_http_weir_trace.h"


typedef struct {
    ngx_uint_t         traceparents;     /* 2 for more */
    ngx_uint_t         request_ids;
    weir_str_t         traceparent;
    weir_str_t         request_id;
    weir_tracestate_t  tracestate;
    unsigned           bad:1;            /* tracestate is to be dropped */
    unsigned           present:1;
} ngx_http_weir_trace_scan_t;


static void ngx_http_weir_trace_read(ngx_http_request_t *r,
    ngx_http_weir_trace_scan_t *scan);
static ngx_int_t ngx_http_weir_trace_request_id(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_trace_state_t *st,
    ngx_http_weir_trace_scan_t *scan, ngx_uint_t trust);
static ngx_int_t ngx_http_weir_trace_context(ngx_http_request_t *r,
    ngx_http_weir_trace_state_t *st, ngx_http_weir_trace_scan_t *scan,
    ngx_uint_t trust);
static int ngx_http_weir_trace_random(void *ctx, void *dst, size_t len);
static ngx_uint_t ngx_http_weir_trace_kind(ngx_table_elt_t *h, void *data);
static ngx_int_t ngx_http_weir_trace_push(ngx_http_request_t *r,
    ngx_uint_t kind, ngx_str_t *value);


/* The headers of ours; the index is one less than what _kind() returns. */

enum {
    NGX_HTTP_WEIR_TRACEPARENT_KIND = 1,
    NGX_HTTP_WEIR_TRACESTATE_KIND,
    NGX_HTTP_WEIR_REQUEST_ID_KIND,
    NGX_HTTP_WEIR_CLIENT_ID_KIND
};

static struct {
    ngx_str_t   name;
    ngx_str_t   lowcase;
    ngx_uint_t  hash;            /* of lowcase, when first needed */
} ngx_http_weir_trace_headers[] = {
    { ngx_string("traceparent"), ngx_string("traceparent"), 0 },
    { ngx_string("tracestate"), ngx_string("tracestate"), 0 },
    { ngx_string("X-Request-Id"), ngx_string("x-request-id"), 0 },
    { ngx_string("X-Client-Request-Id"), ngx_string("x-client-request-id"),
      0 },
};


ngx_http_weir_trace_state_t *
ngx_http_weir_trace_ids(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t              *ctx;
    ngx_http_weir_trace_scan_t        scan;
    ngx_http_weir_trace_state_t      *st;
    ngx_http_weir_trace_loc_conf_t   *tlcf;
    ngx_http_weir_trace_main_conf_t  *tmcf;

    r = r->main;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_weir_trace_module);

    if (tmcf->contexts == NULL) {
        return NULL;
    }

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NULL;
    }

    st = ngx_http_weir_state(ctx, NGX_HTTP_WEIR_STATE_TRACE,
                             sizeof(ngx_http_weir_trace_state_t));
    if (st == NULL) {
        return NULL;
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_trace_module);

    if (ctx->request_id.len
        && (st->traced || tlcf->mode == NGX_HTTP_WEIR_TRACE_OFF))
    {
        return st;
    }

    ngx_http_weir_trace_read(r, &scan);

    if (ctx->request_id.len == 0
        && ngx_http_weir_trace_request_id(r, ctx, st, &scan, tlcf->trust)
           != NGX_OK)
    {
        return NULL;
    }

    if (tlcf->mode != NGX_HTTP_WEIR_TRACE_OFF
        && ngx_http_weir_trace_context(r, st, &scan, tlcf->trust) != NGX_OK)
    {
        return NULL;
    }

    return st;
}


/* One walk over the headers; slices stay valid when these are unlinked. */

static void
ngx_http_weir_trace_read(ngx_http_request_t *r,
    ngx_http_weir_trace_scan_t *scan)
{
    weir_str_t             value;
    ngx_table_elt_t       *h;
    ngx_http_weir_walk_t   walk;

    scan->traceparents = 0;
    scan->request_ids = 0;
    scan->bad = 0;
    scan->present = 0;

    weir_tracestate_init(&scan->tracestate);

    ngx_http_weir_walk(&walk, &r->headers_in.headers);

    for (h = ngx_http_weir_walk_next(&walk);
         h;
         h = ngx_http_weir_walk_next(&walk))
    {
        value = ngx_http_weir_str(&h->value);

        switch (ngx_http_weir_trace_kind(h, NULL)) {

        case NGX_HTTP_WEIR_TRACEPARENT_KIND:
            scan->traceparents += scan->traceparents < 2;
            scan->traceparent = value;
            break;

        case NGX_HTTP_WEIR_TRACESTATE_KIND:
            if (!scan->bad
                && weir_tracestate_add(&scan->tracestate, value) != WEIR_OK)
            {
                scan->bad = 1;
            }

            break;

        case NGX_HTTP_WEIR_REQUEST_ID_KIND:
            scan->request_ids += scan->request_ids < 2;
            scan->request_id = weir_trace_trim(value);
            break;

        case NGX_HTTP_WEIR_CLIENT_ID_KIND:
            break;

        default:
            continue;
        }

        scan->present = 1;
    }
}


static ngx_int_t
ngx_http_weir_trace_request_id(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_trace_state_t *st,
    ngx_http_weir_trace_scan_t *scan, ngx_uint_t trust)
{
    u_char  *p;

    /* of several, none is the client's */

    if (scan->request_ids == 1) {

        if (trust == WEIR_TRACE_FULL
            && weir_request_id_sane(scan->request_id))
        {
            ctx->request_id.data = (u_char *) scan->request_id.data;
            ctx->request_id.len = scan->request_id.len;

            return NGX_OK;
        }

        if (weir_request_id_printable(scan->request_id)) {
            st->client_id.data = (u_char *) scan->request_id.data;
            st->client_id.len = scan->request_id.len;
        }
    }

    p = ngx_pnalloc(r->pool, 32);
    if (p == NULL || ngx_http_weir_random_id(p) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->request_id.data = p;
    ctx->request_id.len = 32;

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_trace_context(ngx_http_request_t *r,
    ngx_http_weir_trace_state_t *st, ngx_http_weir_trace_scan_t *scan,
    ngx_uint_t trust)
{
    u_char                           *p;
    uint64_t                         *contexts;
    weir_str_t                        fields[2];
    ngx_http_weir_trace_main_conf_t  *tmcf;

    fields[0] = scan->traceparent;
    fields[1] = scan->traceparent;

    if (weir_trace_start(&st->trace, fields, scan->traceparents, trust,
                         ngx_http_weir_trace_random, NULL)
        != WEIR_OK)
    {
        return NGX_ERROR;
    }

    if (st->trace.result != WEIR_TRACE_CONTINUED) {
        weir_tracestate_init(&scan->tracestate);
    }

    (void) weir_tracestate_limit(&scan->tracestate, NGX_HTTP_WEIR_TRACESTATE);

    p = ngx_pnalloc(r->pool, WEIR_TRACEPARENT_LEN + scan->tracestate.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    weir_traceparent_format(p, &st->trace.out);

    st->traceparent.data = p;
    st->traceparent.len = WEIR_TRACEPARENT_LEN;

    st->trace_id.data = p + 3;
    st->trace_id.len = 32;

    st->span_id.data = p + 36;
    st->span_id.len = 16;

    st->tracestate.data = p + WEIR_TRACEPARENT_LEN;
    st->tracestate.len = weir_tracestate_write(st->tracestate.data,
                                               &scan->tracestate);

    st->present = scan->present;
    st->traced = 1;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_weir_trace_module);

    contexts = ngx_http_weir_slab(tmcf->contexts);
    ngx_http_weir_count(&contexts[st->trace.result], 1);

    return NGX_OK;
}


static int
ngx_http_weir_trace_random(void *ctx, void *dst, size_t len)
{
    return ngx_http_weir_random(dst, len) == NGX_OK ? WEIR_OK : WEIR_ERROR;
}


/* Which of our headers h is; 0: none.  "_" counts as "-". */

static ngx_uint_t
ngx_http_weir_trace_kind(ngx_table_elt_t *h, void *data)
{
    u_char      c;
    size_t      i;
    ngx_str_t  *name;
    ngx_uint_t  kind;

    switch (h->key.len) {

    case sizeof("traceparent") - 1:
        kind = NGX_HTTP_WEIR_TRACEPARENT_KIND;
        break;

    case sizeof("tracestate") - 1:
        kind = NGX_HTTP_WEIR_TRACESTATE_KIND;
        break;

    case sizeof("x-request-id") - 1:
        kind = NGX_HTTP_WEIR_REQUEST_ID_KIND;
        break;

    case sizeof("x-client-request-id") - 1:
        kind = NGX_HTTP_WEIR_CLIENT_ID_KIND;
        break;

    default:
        return 0;
    }

    name = &ngx_http_weir_trace_headers[kind - 1].lowcase;

    for (i = 0; i < name->len; i++) {
        c = ngx_tolower(h->key.data[i]);

        if (c != name->data[i] && !(c == '_' && name->data[i] == '-')) {
            return 0;
        }
    }

    return kind;
}


ngx_int_t
ngx_http_weir_trace_write(ngx_http_request_t *r,
    ngx_http_weir_trace_state_t *st)
{
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (st->present) {
        ngx_http_weir_trace_drop(r);
    }

    if (ngx_http_weir_trace_push(r, NGX_HTTP_WEIR_TRACEPARENT_KIND,
                                 &st->traceparent)
        != NGX_OK
        || ngx_http_weir_trace_push(r, NGX_HTTP_WEIR_TRACESTATE_KIND,
                                    &st->tracestate)
           != NGX_OK
        || ngx_http_weir_trace_push(r, NGX_HTTP_WEIR_REQUEST_ID_KIND,
                                    &ctx->request_id)
           != NGX_OK
        || ngx_http_weir_trace_push(r, NGX_HTTP_WEIR_CLIENT_ID_KIND,
                                    &st->client_id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    st->written = 1;

    return NGX_OK;
}


void
ngx_http_weir_trace_drop(ngx_http_request_t *r)
{
    (void) ngx_http_weir_header_remove_if(r, ngx_http_weir_trace_kind, NULL);
}


static ngx_int_t
ngx_http_weir_trace_push(ngx_http_request_t *r, ngx_uint_t kind,
    ngx_str_t *value)
{
    ngx_str_t        *lowcase;
    ngx_table_elt_t  *h;

    if (value->len == 0) {
        return NGX_OK;
    }

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    lowcase = &ngx_http_weir_trace_headers[kind - 1].lowcase;

    if (ngx_http_weir_trace_headers[kind - 1].hash == 0) {
        ngx_http_weir_trace_headers[kind - 1].hash =
                                   ngx_hash_key(lowcase->data, lowcase->len);
    }

    h->hash = ngx_http_weir_trace_headers[kind - 1].hash;
    h->key = ngx_http_weir_trace_headers[kind - 1].name;
    h->value = *value;
    h->lowcase_key = lowcase->data;

    return NGX_OK;
}
