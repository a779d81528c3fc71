
/*
 * Weir: questions of other proxies, which send the client's credentials on
 * and answer by the status (2xx: go on).
 *
 *   nginx auth_request, to the location itself:   X-Original-Method, -URI,
 *                                                 -Host
 *   Traefik forwardAuth, to the location itself:  X-Forwarded-Method, -Uri,
 *                                                 -Host, -Proto
 *   Envoy ext_authz, below the location (its path_prefix): method, path and
 *                                                 Host are the client's
 *
 * A client may send such fields as well, and a proxy may pass them on: what
 * could be read in two ways is denied.
 */

#include "ngx_http_weir_decide.h"
#include "ngx_http_weir_gate.h"
#include "ngx_http_weir_record.h"


/* Where the client's request stands in the asker's. */

typedef struct {
    ngx_str_t  method;
    ngx_str_t  target;
    ngx_str_t  host;       /* data NULL: none */
    ngx_str_t  proto;
    ngx_uint_t below;      /* the location: Envoy */
} ngx_http_weir_decide_asked_t;


typedef struct {
    ngx_str_t  method;
    ngx_str_t  target;
    ngx_str_t  host;
    ngx_str_t  proto;
} ngx_http_weir_decide_style_t;


static ngx_int_t ngx_http_weir_decide_read(ngx_http_request_t *r,
    ngx_http_weir_decide_loc_conf_t *dlcf, ngx_http_weir_decide_asked_t *a);
static ngx_int_t ngx_http_weir_decide_fields(ngx_http_request_t *r,
    ngx_http_weir_decide_style_t *style, ngx_http_weir_decide_asked_t *a);
static ngx_uint_t ngx_http_weir_decide_speaks(ngx_http_request_t *r,
    ngx_http_weir_decide_style_t *style);
static ngx_int_t ngx_http_weir_decide_field(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value);
static ngx_uint_t ngx_http_weir_decide_token(ngx_str_t *s);
static void ngx_http_weir_decide_known(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_decide_asked_t *a,
    ngx_http_weir_decide_facts_t *f);
static void ngx_http_weir_decide_copy(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_decide_asked_t *a,
    ngx_http_weir_decide_facts_t *f, ngx_http_weir_decision_t *d);
static ngx_int_t ngx_http_weir_decide_permit(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_decide_asked_t *a,
    ngx_http_weir_decision_t *d);
static ngx_int_t ngx_http_weir_decide_identity(ngx_http_request_t *r,
    ngx_http_weir_decide_asked_t *a);
static ngx_int_t ngx_http_weir_decide_effects(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_array_t *duties);


static ngx_http_weir_decide_style_t  ngx_http_weir_decide_styles[] = {

    { ngx_string("x-original-method"),
      ngx_string("x-original-uri"),
      ngx_string("x-original-host"),
      ngx_null_string },

    { ngx_string("x-forwarded-method"),
      ngx_string("x-forwarded-uri"),
      ngx_string("x-forwarded-host"),
      ngx_string("x-forwarded-proto") },
};


ngx_int_t
ngx_http_weir_decide_headers(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_decide_loc_conf_t *dlcf)
{
    u_char                        *p;
    ngx_int_t                      rc;
    ngx_uint_t                     status, verdict;
    weir_str_t                     path, host;
    const char                    *reason;
    ngx_http_weir_decision_t       d;
    ngx_http_weir_decide_facts_t  *f;
    ngx_http_weir_decide_asked_t   a;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_weir_decide_read(r, dlcf, &a) != NGX_OK) {
        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_BAD_REQUEST,
                                    NGX_HTTP_WEIR_REFUSED,
                                    "ambiguous-request");
    }

    f = ngx_pcalloc(r->pool, sizeof(ngx_http_weir_decide_facts_t));
    if (f == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    f->http = r;
    f->question.asked = dlcf->asked;

    f->joined = a.below;

    ngx_http_weir_decide_known(r, ctx, &a, f);

    path = ngx_http_weir_str(&a.target);

    p = ngx_strlchr(a.target.data, a.target.data + a.target.len, '?');

    if (p) {
        path.len = p - a.target.data;
        f->args.data = p + 1;
        f->args.len = a.target.len - path.len - 1;
    }

    host = ngx_http_weir_str(&a.host);

    if (!ngx_http_weir_decide_facts(f, path, host, &reason)) {
        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_BAD_REQUEST,
                                    NGX_HTTP_WEIR_REFUSED, reason);
    }

    ngx_http_weir_policy_decide(r, ctx, &f->question, &d);

    if (d.permit) {
        ngx_http_weir_decide_copy(r, ctx, &a, f, &d);
    }

    if (d.permit) {
        return ngx_http_weir_decide_permit(r, ctx, &a, &d);
    }

    ngx_http_weir_gate_log(r, ctx, d.duties, 0);

    ctx->duties = d.duties;
    verdict = ngx_http_weir_gate_verdict(r, ctx, &d, &status);

    return ngx_http_weir_refuse(r, ctx, status, verdict, d.reason);
}


/* NGX_DECLINED: which request is meant is not said, or said in two ways. */

static ngx_int_t
ngx_http_weir_decide_read(ngx_http_request_t *r,
    ngx_http_weir_decide_loc_conf_t *dlcf, ngx_http_weir_decide_asked_t *a)
{
    ngx_str_t                      rest;
    ngx_uint_t                     i, n, found;

    static ngx_str_t  host = ngx_string("host");
    static ngx_str_t  proto = ngx_string("x-forwarded-proto");

    ngx_memzero(a, sizeof(ngx_http_weir_decide_asked_t));

    found = 0;
    n = 0;

    for (i = 0; i < 2; i++) {
        if (ngx_http_weir_decide_speaks(r, &ngx_http_weir_decide_styles[i])) {
            found = i;
            n++;
        }
    }

    rest = r->unparsed_uri;

    if (rest.len < dlcf->prefix.len
        || ngx_memcmp(rest.data, dlcf->prefix.data, dlcf->prefix.len) != 0)
    {
        goto unclear;
    }

    rest.data += dlcf->prefix.len;
    rest.len -= dlcf->prefix.len;

    if (rest.len && rest.data[0] == '/') {

        if (n) {
            goto unclear;
        }

        a->below = 1;
        a->method = r->method_name;
        a->target = rest;

        if (ngx_http_weir_decide_field(r, &host, &a->host) != NGX_OK
            || ngx_http_weir_decide_field(r, &proto, &a->proto) != NGX_OK)
        {
            goto unclear;
        }

        /* HTTP/2 and 3 have their authority elsewhere */

        if (a->host.data == NULL) {
            a->host = r->headers_in.server;
        }

        return NGX_OK;
    }

    if (n == 1 && (rest.len == 0 || rest.data[0] == '?')
        && ngx_http_weir_decide_fields(r, &ngx_http_weir_decide_styles[found],
                                       a)
           == NGX_OK)
    {
        return NGX_OK;
    }

unclear:

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "weir: a question does not say, or says in two ways, which "
                  "request it is about");

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_weir_decide_fields(ngx_http_request_t *r,
    ngx_http_weir_decide_style_t *style, ngx_http_weir_decide_asked_t *a)
{
    if (ngx_http_weir_decide_field(r, &style->method, &a->method) != NGX_OK
        || ngx_http_weir_decide_field(r, &style->target, &a->target) != NGX_OK
        || ngx_http_weir_decide_field(r, &style->host, &a->host) != NGX_OK
        || (style->proto.len
            && ngx_http_weir_decide_field(r, &style->proto, &a->proto)
               != NGX_OK))
    {
        return NGX_DECLINED;
    }

    return ngx_http_weir_decide_token(&a->method) && a->target.len
           && a->target.data[0] == '/'
           ? NGX_OK : NGX_DECLINED;
}


/* Of whom it is both or none; one alone may be a client's. */

static ngx_uint_t
ngx_http_weir_decide_speaks(ngx_http_request_t *r,
    ngx_http_weir_decide_style_t *style)
{
    ngx_str_t  value;

    return ngx_http_weir_header_find(r, &style->method, &value) != 0
           || ngx_http_weir_header_find(r, &style->target, &value) != 0;
}


static ngx_int_t
ngx_http_weir_decide_field(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_str_t  found;

    switch (ngx_http_weir_header_find(r, name, &found)) {

    case 0:
        ngx_str_null(value);
        return NGX_OK;

    case 1:
        *value = found;
        return NGX_OK;

    default:
        return NGX_DECLINED;
    }
}


/* RFC 9110, 5.6.2 */

static ngx_uint_t
ngx_http_weir_decide_token(ngx_str_t *s)
{
    u_char      c;
    ngx_uint_t  i;

    for (i = 0; i < s->len; i++) {
        c = s->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || (c && ngx_strchr("!#$%&'*+-.^_`|~", c))))
        {
            return 0;
        }
    }

    return s->len != 0;
}


/*
 * The client's address is known only where realip took it from what the asker
 * says: that of the connection is the asker's own, which a rule for insiders
 * would take for the client's.
 */

static void
ngx_http_weir_decide_known(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_decide_asked_t *a, ngx_http_weir_decide_facts_t *f)
{
    weir_addr_t                  peer;
    weir_policy_request_t       *p;
    ngx_http_weir_identity_t    *identity;

    p = &f->request;
    identity = ctx->identity;

    f->question.identity = identity;

    p->method = ngx_http_weir_str(&a->method);
    p->time = ngx_time();
    p->has_time = 1;

    /* wss, as Traefik has it of a WebSocket, is https */

    if ((a->proto.len == 4 && ngx_strncmp(a->proto.data, "http", 4) == 0)
        || (a->proto.len == 2 && ngx_strncmp(a->proto.data, "ws", 2) == 0))
    {
        p->scheme = weir_str("http");

    } else if ((a->proto.len == 5
                && ngx_strncmp(a->proto.data, "https", 5) == 0)
               || (a->proto.len == 3
                   && ngx_strncmp(a->proto.data, "wss", 3) == 0))
    {
        p->scheme = weir_str("https");
    }

    if (ngx_http_weir_source(r, f->source.bytes) == NGX_OK
        && ngx_http_weir_peer(r, peer.bytes) == NGX_OK
        && ngx_memcmp(f->source.bytes, peer.bytes, sizeof(peer.bytes)) != 0)
    {
        p->source_ip = &f->source;
    }

    ngx_http_weir_policy_identity(p, identity);
}


/* What a COPY or MOVE writes to must be permitted as well. */

static void
ngx_http_weir_decide_copy(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_decide_asked_t *a, ngx_http_weir_decide_facts_t *f,
    ngx_http_weir_decision_t *d)
{
    ngx_array_t                *duties;
    ngx_http_weir_ctx_t         before;
    ngx_http_weir_gate_copy_t   copy;

    copy.method = a->method;
    copy.host = f->question.host;
    copy.authority = a->host;
    copy.allow = 0;

    if (!ngx_http_weir_gate_copies(&copy.method)) {
        return;
    }

    /* where there is none, the asker may just not have passed it on */

    if (ngx_http_weir_gate_destination(r, &copy, &f->path) != NGX_OK) {
        ngx_memzero(d, sizeof(ngx_http_weir_decision_t));
        d->final = 1;
        d->status = NGX_HTTP_BAD_REQUEST;
        d->reason = "ambiguous-path";
        return;
    }

    before = *ctx;
    duties = d->duties;

    ngx_http_weir_policy_decide(r, ctx, &f->question, d);
    ngx_http_weir_gate_oblige(r, &duties, d);

    if (d->permit) {
        ngx_http_weir_policy_restore(ctx, &before);
        d->duties = duties;
    }
}


static ngx_int_t
ngx_http_weir_decide_permit(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_decide_asked_t *a, ngx_http_weir_decision_t *d)
{
    ngx_str_t  value;

    if (ngx_http_weir_decide_effects(r, ctx, d->duties) != NGX_OK) {
        return ngx_http_weir_refuse(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    NGX_HTTP_WEIR_FAILED, "error");
    }

    ngx_http_weir_gate_log(r, ctx, d->duties, 1);

    ngx_str_set(&value, "no-store");

    if (ngx_http_weir_decide_identity(r, a) != NGX_OK
        || ngx_http_weir_header_out(r, "Cache-Control", &value) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->verdict = NGX_HTTP_WEIR_PERMIT;
    ctx->reason.data = (u_char *) d->reason;
    ctx->reason.len = ngx_strlen(d->reason);
    ctx->own_content = 1;

    /* the client's conditions (If-Match) are about another answer */

    r->disable_not_modified = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = 0;
    r->header_only = 1;

    return ngx_http_send_header(r);
}


/*
 * Identity headers, as an upstream of the location would get them.  Where
 * there is none, other proxies take the client's out; Envoy has to be told.
 */

static ngx_int_t
ngx_http_weir_decide_identity(ngx_http_request_t *r,
    ngx_http_weir_decide_asked_t *a)
{
    u_char                            *p;
    size_t                             size;
    ngx_str_t                         *name, value, absent;
    ngx_uint_t                         i;
    ngx_http_weir_decide_main_conf_t  *dmcf;

    dmcf = ngx_http_get_module_main_conf(r, ngx_http_weir_decide_module);
    name = dmcf->identity->elts;

    size = 0;

    for (i = 0; i < dmcf->identity->nelts; i++) {
        size += name[i].len + 1;
    }

    p = ngx_pnalloc(r->pool, size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    absent.data = p;

    for (i = 0; i < dmcf->identity->nelts; i++) {

        if (ngx_http_weir_header_find(r, &name[i], &value) == 1) {

            if (ngx_http_weir_header_out(r, (char *) name[i].data, &value)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            continue;
        }

        if (p != absent.data) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, name[i].data, name[i].len);
    }

    absent.len = p - absent.data;

    if (!a->below || absent.len == 0) {
        return NGX_OK;
    }

    return ngx_http_weir_header_out(r, "X-Envoy-Auth-Headers-To-Remove",
                                    &absent);
}


/*
 * Headers are the asker's to copy.  A quota is charged by a gateway that
 * carries the request; the asker does not, so that a permit with one is none.
 * Splits and objectives are of a gateway's own upstreams.
 */

static ngx_int_t
ngx_http_weir_decide_effects(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_array_t *duties)
{
    ngx_uint_t             i;
    ngx_http_weir_duty_t  *duty;

    duty = duties ? duties->elts : NULL;

    for (i = 0; duty && i < duties->nelts; i++) {

        switch (duty[i].kind) {

        case WEIR_POLICY_LIMIT:
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "weir: policy \"%V\" permits with \"limit %V\", "
                          "which no other proxy can enforce",
                          &ctx->policy, &duty[i].name);
            return NGX_DECLINED;

        case WEIR_POLICY_ADD_HEADER:
        case WEIR_POLICY_SET_HEADER:

            if (ngx_http_weir_header_out(r, (char *) duty[i].name.data,
                                         &duty[i].value)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            break;

        default:
            break;
        }
    }

    return NGX_OK;
}
