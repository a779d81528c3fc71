
/*
 * Weir: the AuthZEN Authorization API 1.0: POST of JSON to
 * .../access/v1/evaluation or .../evaluations.
 */

#include "ngx_http_weir_decide.h"
#include "ngx_http_weir_gate.h"
#include "ngx_http_weir_record.h"
#include "ngx_http_weir_status.h"
#include "weir_authzen.h"
#include "weir_policy_json.h"


static ngx_int_t ngx_http_weir_decide_endpoint(ngx_http_request_t *r,
    ngx_uint_t *batch);
static ngx_uint_t ngx_http_weir_decide_is_json(ngx_http_request_t *r);
static void ngx_http_weir_decide_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_decide_text(ngx_http_request_t *r,
    ngx_str_t *text);
static ngx_int_t ngx_http_weir_decide_answer(ngx_http_request_t *r,
    ngx_str_t *text);
static json_t *ngx_http_weir_decide_all(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, weir_authzen_t *a);
static json_t *ngx_http_weir_decide_one(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, weir_authzen_question_t *q, ngx_uint_t *permit);
static void ngx_http_weir_decide_question(ngx_http_weir_decide_facts_t *f,
    weir_authzen_question_t *q, ngx_http_weir_identity_t *identity);
static json_t *ngx_http_weir_decide_context(ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_decision_t *d);
static json_t *ngx_http_weir_decide_obligations(ngx_array_t *duties);
static ngx_int_t ngx_http_weir_decide_error(ngx_http_request_t *r,
    ngx_uint_t status, const char *message);
static ngx_int_t ngx_http_weir_decide_send(ngx_http_request_t *r,
    ngx_uint_t status, json_t *json);
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


static ngx_int_t
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


static ngx_int_t
ngx_http_weir_decide_answer(ngx_http_request_t *r, ngx_str_t *text)
{
    int                                rc;
    json_t                            *json, *answer;
    ngx_int_t                          sent;
    ngx_uint_t                         batch;
    weir_arena_t                       arena;
    weir_authzen_t                     a;
    ngx_http_weir_ctx_t               *ctx, before;
    ngx_http_weir_decide_main_conf_t  *dmcf;

    ctx = ngx_http_weir_ctx_get(r);
    dmcf = ngx_http_get_module_main_conf(r, ngx_http_weir_decide_module);

    if (ctx == NULL || ngx_http_weir_decide_endpoint(r, &batch) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, NGX_HTTP_WEIR_DECIDE_MEMORY);

    rc = weir_authzen_parse(&a, &arena, &json, text->data, text->len, batch,
                            ngx_http_weir_str(&dmcf->issuer));

    if (rc == WEIR_OK) {

        /* what is asked about is not what the asker's own request is */

        before = *ctx;

        answer = ngx_http_weir_decide_all(r, ctx, &a);

        ctx->policy = before.policy;
        ctx->rule = before.rule;
        ctx->bundle = before.bundle;
        ctx->reason = before.reason;
        ctx->verdict = before.verdict;
        ctx->state[NGX_HTTP_WEIR_STATE_RECORD] =
                                     before.state[NGX_HTTP_WEIR_STATE_RECORD];

        sent = answer ? ngx_http_weir_decide_send(r, NGX_HTTP_OK, answer)
                      : NGX_HTTP_INTERNAL_SERVER_ERROR;

        json_decref(answer);

    } else if (rc == WEIR_DECLINED) {
        sent = ngx_http_weir_decide_error(r, NGX_HTTP_BAD_REQUEST, a.error);

    } else {
        sent = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    json_decref(json);
    weir_arena_done(&arena);

    return sent;
}


static json_t *
ngx_http_weir_decide_all(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    weir_authzen_t *a)
{
    json_t      *list, *one, *all;
    uint32_t     i;
    ngx_uint_t   permit;

    if (!a->batch) {
        return ngx_http_weir_decide_one(r, ctx, &a->questions[0], &permit);
    }

    list = json_array();

    for (i = 0; list && i < a->count; i++) {

        one = ngx_http_weir_decide_one(r, ctx, &a->questions[i], &permit);

        if (one == NULL || json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }

        if ((a->semantic == WEIR_AUTHZEN_FIRST_DENY && !permit)
            || (a->semantic == WEIR_AUTHZEN_FIRST_PERMIT && permit))
        {
            break;
        }
    }

    all = json_object();

    if (list == NULL || all == NULL
        || json_object_set(all, "evaluations", list) != 0)
    {
        json_decref(all);
        all = NULL;
    }

    json_decref(list);

    return all;
}


/* NULL: no memory. */

static json_t *
ngx_http_weir_decide_one(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    weir_authzen_question_t *q, ngx_uint_t *permit)
{
    json_t                           *context;
    const char                       *reason;
    ngx_http_weir_decision_t          d;
    ngx_http_weir_identity_t         *identity;
    ngx_http_weir_decide_facts_t     *f;
    ngx_http_weir_decide_loc_conf_t  *dlcf;

    *permit = 0;

    if (q->error) {
        return json_pack("{s:b, s:{s:{s:i, s:s}}}", "decision", 0, "context",
                         "error", "status", NGX_HTTP_BAD_REQUEST,
                         "message", q->error);
    }

    f = ngx_pcalloc(r->pool, sizeof(ngx_http_weir_decide_facts_t));
    identity = ngx_pcalloc(r->pool, sizeof(ngx_http_weir_identity_t));

    if (f == NULL || identity == NULL) {
        return NULL;
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_decide_module);

    f->http = r;
    f->question.asked = dlcf->asked;

    ngx_http_weir_decide_question(f, q, identity);

    if (!ngx_http_weir_decide_facts(f, q->path, q->host, &reason)) {
        return json_pack("{s:b, s:{s:s}}", "decision", 0, "context",
                         "reason", reason);
    }

    ngx_http_weir_policy_decide(r, ctx, &f->question, &d);
    ngx_http_weir_gate_log(r, ctx, d.duties, d.permit);

    ctx->verdict = d.permit ? NGX_HTTP_WEIR_PERMIT : NGX_HTTP_WEIR_DENY;
    ctx->reason.data = (u_char *) d.reason;
    ctx->reason.len = ngx_strlen(d.reason);

    ngx_http_weir_record_answer(r, ctx, identity, NGX_HTTP_OK);

    context = ngx_http_weir_decide_context(ctx, &d);

    if (context == NULL) {
        return NULL;
    }

    *permit = d.permit;

    return json_pack("{s:b, s:o}", "decision", (int) d.permit,
                     "context", context);
}


static void
ngx_http_weir_decide_question(ngx_http_weir_decide_facts_t *f,
    weir_authzen_question_t *q, ngx_http_weir_identity_t *identity)
{
    weir_policy_request_t  *p;

    static const ngx_uint_t  kinds[WEIR_POLICY_KINDS] = {
        NGX_HTTP_WEIR_ANONYMOUS,
        NGX_HTTP_WEIR_JWT,
        NGX_HTTP_WEIR_MTLS,
        NGX_HTTP_WEIR_APIKEY,
        NGX_HTTP_WEIR_SESSION
    };

    p = &f->request;

    p->method = q->method;
    p->scheme = q->scheme;
    p->source_ip = q->has_source ? &q->source : NULL;
    p->time = q->has_time ? q->time : ngx_time();
    p->has_time = 1;
    p->kind = q->kind;
    p->issuer = q->issuer;
    p->subject = q->subject;
    p->spiffe = q->spiffe;
    p->principal = q->principal;
    p->claims = q->claims;

    f->args = q->args;
    f->fields = &q->fields;

    identity->kind = kinds[q->kind];
    identity->issuer.len = q->issuer.len;
    identity->issuer.data = (u_char *) q->issuer.data;
    identity->subject.len = q->subject.len;
    identity->subject.data = (u_char *) q->subject.data;

    f->question.identity = identity;
}


/* What decided, and what a permit obliges to: all of it is the asker's. */

static json_t *
ngx_http_weir_decide_context(ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_decision_t *d)
{
    json_t  *context, *obligations;

    context = json_pack("{s:s, s:s%, s:s%, s:s%}", "reason", d->reason,
                        "policy", ctx->policy.data, ctx->policy.len,
                        "rule", ctx->rule.len ? (char *) ctx->rule.data : "",
                        ctx->rule.len,
                        "bundle", ctx->bundle.len ? (char *) ctx->bundle.data
                                                  : "", ctx->bundle.len);
    obligations = ngx_http_weir_decide_obligations(d->duties);

    if (context == NULL || obligations == NULL
        || json_object_set(context, "obligations", obligations) != 0)
    {
        json_decref(context);
        context = NULL;
    }

    json_decref(obligations);

    return context;
}


static json_t *
ngx_http_weir_decide_obligations(ngx_array_t *duties)
{
    uint32_t               i, n;
    weir_policy_effect_t   effects[WEIR_POLICY_MAX_EFFECTS];
    ngx_http_weir_duty_t  *duty;

    n = duties ? duties->nelts : 0;

    if (n > WEIR_POLICY_MAX_EFFECTS) {
        return NULL;
    }

    duty = duties ? duties->elts : NULL;

    for (i = 0; i < n; i++) {
        effects[i].kind = duty[i].kind;
        effects[i].name = ngx_http_weir_str(&duty[i].name);
        effects[i].value = ngx_http_weir_str(&duty[i].value);
        effects[i].number = duty[i].number;
    }

    return weir_policy_obligations(effects, n);
}


static ngx_int_t
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


static ngx_int_t
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
