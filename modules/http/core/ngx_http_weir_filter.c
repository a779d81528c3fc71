
/*
 * Weir: the answer.  Handlers only return a status; where nginx answers it
 * with its own page, the filters put problem+json (RFC 9457) in the page's
 * place, or the trailers-only form for gRPC.  Where an operator's error_page
 * answers, theirs stands.  The fields that every answer carries are added
 * here too.
 */

#include "ngx_http_weir_core.h"


static ngx_int_t ngx_http_weir_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_uint_t ngx_http_weir_filter_own(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);
static ngx_int_t ngx_http_weir_filter_fields(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);
static ngx_int_t ngx_http_weir_filter_refusal(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);
static ngx_int_t ngx_http_weir_filter_grpc(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);
static ngx_int_t ngx_http_weir_filter_problem(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);
static void ngx_http_weir_filter_hide(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);
static ngx_uint_t ngx_http_weir_filter_upgrade(ngx_http_request_t *r);
static ngx_uint_t ngx_http_weir_filter_is_grpc(ngx_http_request_t *r);


/* The chains as they were before a configuration was read. */

typedef struct {
    ngx_http_output_header_filter_pt  header;
    ngx_http_output_body_filter_pt    body;
    ngx_http_request_body_filter_pt   request_body;
#if (nginx_version >= 1029000)
    ngx_http_output_header_filter_pt  early_hints;
#endif
    ngx_uint_t                        taken;
} ngx_http_weir_chains_t;


static void ngx_http_weir_filter_restore(void *data);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;

static ngx_http_weir_chains_t  *ngx_http_weir_chains;


static struct {
    ngx_uint_t  status;
    ngx_str_t   title;
    ngx_str_t   grpc_status;
} ngx_http_weir_titles[] = {
    { 400, ngx_string("Bad Request"), ngx_string("3") },
    { 401, ngx_string("Unauthorized"), ngx_string("16") },
    { 403, ngx_string("Forbidden"), ngx_string("7") },
    { 405, ngx_string("Method Not Allowed"), ngx_string("12") },
    { 421, ngx_string("Misdirected Request"), ngx_string("3") },
    { 425, ngx_string("Too Early"), ngx_string("14") },
    { 429, ngx_string("Too Many Requests"), ngx_string("8") },
    { 500, ngx_string("Internal Server Error"), ngx_string("14") },
    { 502, ngx_string("Bad Gateway"), ngx_string("14") },
    { 503, ngx_string("Service Unavailable"), ngx_string("14") },
    { 0, ngx_string("Error"), ngx_string("14") }
};


void
ngx_http_weir_filter_init(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_weir_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_weir_body_filter;
}


/*
 * nginx builds its chains of filters anew, from module to module, whenever it
 * reads a configuration.  Where a module refuses that (a policy that is not
 * there, say), the master would stay with half of them, and give them to each
 * worker that it starts until the next good reload: ranges and conditions
 * would be answered wrongly.  So what is left half done is undone.
 */

ngx_int_t
ngx_http_weir_filter_guard(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_weir_chains_t  *chains;

    cln = ngx_pool_cleanup_add(cf->cycle->pool,
                               sizeof(ngx_http_weir_chains_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    chains = cln->data;
    ngx_memzero(chains, sizeof(ngx_http_weir_chains_t));

    chains->header = ngx_http_top_header_filter;
    chains->body = ngx_http_top_body_filter;
    chains->request_body = ngx_http_top_request_body_filter;
#if (nginx_version >= 1029000)
    chains->early_hints = ngx_http_top_early_hints_filter;
#endif

    cln->handler = ngx_http_weir_filter_restore;

    ngx_http_weir_chains = chains;

    return NGX_OK;
}


/* The configuration has become the one that serves. */

void
ngx_http_weir_filter_taken(void)
{
    if (ngx_http_weir_chains) {
        ngx_http_weir_chains->taken = 1;
        ngx_http_weir_chains = NULL;
    }
}


static void
ngx_http_weir_filter_restore(void *data)
{
    ngx_http_weir_chains_t *chains = data;

    if (chains->taken) {
        return;
    }

    ngx_http_top_header_filter = chains->header;
    ngx_http_top_body_filter = chains->body;
    ngx_http_top_request_body_filter = chains->request_body;
#if (nginx_version >= 1029000)
    ngx_http_top_early_hints_filter = chains->early_hints;
#endif

    ngx_http_weir_chains = NULL;
}


static ngx_int_t
ngx_http_weir_header_filter(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t        *ctx;
    ngx_http_weir_srv_conf_t   *wscf;
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_weir_module);

    if (!mcf->used || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx == NULL) {
        return ngx_http_next_header_filter(r);
    }

    /* "Connection: close"; what HTTP/2 says is not of one request */

    if (ngx_http_weir_draining()) {
        r->keepalive = 0;
    }

    wscf = ngx_http_get_module_srv_conf(r, ngx_http_weir_module);

    if (r->headers_out.status == NGX_HTTP_SWITCHING_PROTOCOLS && wscf->uses
        && (!ctx->upgrade || !ngx_http_weir_filter_upgrade(r)))
    {
        return ngx_http_filter_finalize_request(r, &ngx_http_weir_module,
                  ngx_http_weir_refuse(r, ctx, NGX_HTTP_BAD_GATEWAY,
                                       NGX_HTTP_WEIR_FAILED, "error"));
    }

    if (r->upstream) {
        ngx_http_weir_filter_hide(r, ctx);
    }

    if (ngx_http_weir_filter_fields(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_weir_filter_own(r, ctx)
        && ngx_http_weir_filter_refusal(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


/* The refusal stands, and it is nginx that answers it, with its own page. */

static ngx_uint_t
ngx_http_weir_filter_own(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    return ctx->status
           && ctx->status == r->headers_out.status
           && ctx->uri_changes == r->uri_changes;
}


/* From upstream: no X-Weir-* and no second request id. */

static void
ngx_http_weir_filter_hide(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    ngx_table_elt_t       *h;
    ngx_http_weir_walk_t   walk;

    ngx_http_weir_walk(&walk, &r->headers_out.headers);

    for (h = ngx_http_weir_walk_next(&walk);
         h;
         h = ngx_http_weir_walk_next(&walk))
    {
        if (h->key.len >= sizeof("x-weir-") - 1
            && (h->key.data[0] | 0x20) == 'x'
            && (ngx_strncasecmp(h->key.data, (u_char *) "x-weir-",
                                sizeof("x-weir-") - 1)
                == 0
                || (ctx->request_id.len
                    && h->key.len == sizeof("x-request-id") - 1
                    && ngx_strncasecmp(h->key.data,
                                       (u_char *) "x-request-id",
                                       sizeof("x-request-id") - 1)
                       == 0)))
        {
            h->hash = 0;
        }
    }
}


/* 1 if upstream switches to websocket. */

static ngx_uint_t
ngx_http_weir_filter_upgrade(ngx_http_request_t *r)
{
    ngx_uint_t             n;
    ngx_table_elt_t       *h;
    ngx_http_weir_walk_t   walk;

    n = 0;
    ngx_http_weir_walk(&walk, &r->headers_out.headers);

    for (h = ngx_http_weir_walk_next(&walk);
         h;
         h = ngx_http_weir_walk_next(&walk))
    {
        if (h->hash == 0 || h->key.len != sizeof("upgrade") - 1
            || ngx_strncasecmp(h->key.data, (u_char *) "upgrade",
                               sizeof("upgrade") - 1)
               != 0)
        {
            continue;
        }

        if (h->value.len != sizeof("websocket") - 1
            || ngx_strncasecmp(h->value.data, (u_char *) "websocket",
                               sizeof("websocket") - 1)
               != 0)
        {
            return 0;
        }

        n++;
    }

    return n == 1;
}


static ngx_int_t
ngx_http_weir_filter_fields(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    u_char                *p;
    ngx_str_t              value;
    ngx_uint_t             i;
    ngx_http_weir_duty_t  *duty;

    duty = ctx->duties ? ctx->duties->elts : NULL;

    for (i = 0; duty && i < ctx->duties->nelts; i++) {
        if (duty[i].kind == WEIR_POLICY_ADD_HEADER
            && ngx_http_weir_header_out(r, (char *) duty[i].name.data,
                                        &duty[i].value)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ctx->request_id.len
        && ngx_http_weir_header_out(r, "X-Request-Id", &ctx->request_id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->ratelimit.len
        && (ngx_http_weir_header_out(r, "RateLimit-Policy",
                                     &ctx->ratelimit_policy)
            != NGX_OK
            || ngx_http_weir_header_out(r, "RateLimit", &ctx->ratelimit)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (ctx->status == 0 || ctx->status != r->headers_out.status) {
        return NGX_OK;
    }

    if (ctx->status == NGX_HTTP_TOO_MANY_REQUESTS && ctx->retry_after) {

        p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        value.data = p;
        value.len = ngx_sprintf(p, "%T", ctx->retry_after) - p;

        return ngx_http_weir_header_out(r, "Retry-After", &value);
    }

    if (ctx->status == NGX_HTTP_UNAUTHORIZED) {

        if (ctx->auth == NGX_HTTP_WEIR_AUTH_BAD) {
            ngx_str_set(&value,
                        "Bearer realm=\"weir\", error=\"invalid_token\"");
        } else {
            ngx_str_set(&value, "Bearer realm=\"weir\"");
        }

        return ngx_http_weir_header_out(r, "WWW-Authenticate", &value);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_filter_refusal(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    ngx_str_t         value;
    ngx_table_elt_t  *h;

    if (!ctx->has_id) {
        if (ngx_http_weir_random_id(ctx->decision_id) != NGX_OK) {
            return NGX_ERROR;
        }

        ctx->has_id = 1;
    }

    ctx->answered = 1;

    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    h = r->headers_out.content_encoding;

    if (h) {
        h->hash = 0;
        r->headers_out.content_encoding = NULL;
    }

    ngx_str_set(&value, "no-store");

    if (ngx_http_weir_header_out(r, "Cache-Control", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_weir_filter_is_grpc(r)
           ? ngx_http_weir_filter_grpc(r, ctx)
           : ngx_http_weir_filter_problem(r, ctx);
}


static ngx_uint_t
ngx_http_weir_filter_is_grpc(ngx_http_request_t *r)
{
    ngx_str_t                  type;
    ngx_http_weir_srv_conf_t  *wscf;

    wscf = ngx_http_get_module_srv_conf(r, ngx_http_weir_module);

    if (wscf->plain || r->headers_in.content_type == NULL) {
        return 0;
    }

    type = r->headers_in.content_type->value;

    return type.len >= sizeof("application/grpc") - 1
           && ngx_strncasecmp(type.data, (u_char *) "application/grpc",
                              sizeof("application/grpc") - 1)
              == 0
           && (type.len == sizeof("application/grpc") - 1
               || type.data[sizeof("application/grpc") - 1] == '+'
               || type.data[sizeof("application/grpc") - 1] == ';');
}


static ngx_uint_t
ngx_http_weir_filter_title(ngx_uint_t status)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_weir_titles[i].status; i++) {
        if (ngx_http_weir_titles[i].status == status) {
            break;
        }
    }

    return i;
}


/* Trailers-only: the status travels in the header block of a 200. */

static ngx_int_t
ngx_http_weir_filter_grpc(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    ngx_uint_t  i;

    i = ngx_http_weir_filter_title(ctx->status);

    if (ngx_http_weir_header_out(r, "grpc-status",
                                 &ngx_http_weir_titles[i].grpc_status)
        != NGX_OK
        || ngx_http_weir_header_out(r, "grpc-message",
                                    &ngx_http_weir_titles[i].title)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.status_line.len = 0;

    ngx_str_set(&r->headers_out.content_type, "application/grpc");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset.len = 0;

    ngx_http_clear_content_length(r);
    r->headers_out.content_length_n = 0;

    r->header_only = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_filter_problem(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    u_char     *p;
    size_t      len;
    ngx_buf_t  *b;
    ngx_str_t   type;

    if (ctx->status == NGX_HTTP_TOO_MANY_REQUESTS) {
        ngx_str_set(&type, "https://iana.org/assignments/"
                           "http-problem-types#quota-exceeded");
    } else {
        ngx_str_set(&type, "about:blank");
    }

    len = sizeof("{\"type\":\"\",\"title\":\"\",\"status\":,"
                 "\"decision_id\":\"\",\"violated-policies\":}\n")
          + type.len
          + ngx_http_weir_titles[ngx_http_weir_filter_title(ctx->status)]
            .title.len
          + NGX_INT_T_LEN + sizeof(ctx->decision_id) + ctx->violated.len;

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(b->last, "{\"type\":\"%V\",\"title\":\"%V\","
                    "\"status\":%ui,\"decision_id\":\"%*s\"",
                    &type,
                    &ngx_http_weir_titles[ngx_http_weir_filter_title(
                                                       ctx->status)].title,
                    ctx->status, sizeof(ctx->decision_id), ctx->decision_id);

    if (ctx->status == NGX_HTTP_TOO_MANY_REQUESTS && ctx->violated.len) {
        p = ngx_sprintf(p, ",\"violated-policies\":%V", &ctx->violated);
    }

    *p++ = '}';
    *p++ = LF;

    b->last = p;
    b->last_buf = 1;
    b->last_in_chain = 1;

    ctx->body = b;

    ngx_str_set(&r->headers_out.content_type, "application/problem+json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset.len = 0;

    ngx_http_clear_content_length(r);
    r->headers_out.content_length_n = b->last - b->pos;

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t           out, *cl;
    ngx_http_weir_ctx_t  *ctx;

    if (in == NULL || r != r->main) {
        return ngx_http_next_body_filter(r, in);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_weir_module);

    if (ctx == NULL || !ctx->answered || ctx->own_content) {
        return ngx_http_next_body_filter(r, in);
    }

    /* nginx's page: ours goes in its place, once */

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    if (ctx->body == NULL) {
        return NGX_OK;
    }

    out.buf = ctx->body;
    out.next = NULL;

    ctx->body = NULL;

    return ngx_http_next_body_filter(r, &out);
}
