
/*
 * Weir: the AuthZEN Authorization API 1.0: the questions, and their answers.
 *
 * A batch is answered in turns, between which the worker does all else that
 * there is to do.
 */

#include "ngx_http_weir_decide_authzen.h"
#include "ngx_http_weir_gate.h"
#include "ngx_http_weir_record.h"
#include "weir_authzen.h"
#include "weir_policy_json.h"


/* Lies in the pool of its request, and is cleared with it. */

typedef struct {
    ngx_http_request_t  *http;
    weir_authzen_t       asked;
    weir_arena_t         arena;
    json_t              *json;
    json_t              *list;         /* the answers */
    uint32_t             next;
    ngx_event_t          turn;
} ngx_http_weir_decide_batch_t;


static ngx_int_t ngx_http_weir_decide_questions(
    ngx_http_weir_decide_batch_t *b, ngx_http_weir_ctx_t *ctx);
static ngx_int_t ngx_http_weir_decide_all(ngx_http_weir_decide_batch_t *b,
    ngx_http_weir_ctx_t *ctx);
static void ngx_http_weir_decide_turn(ngx_event_t *ev);
static ngx_int_t ngx_http_weir_decide_answered(
    ngx_http_weir_decide_batch_t *b);
static ngx_int_t ngx_http_weir_decide_bad(ngx_http_weir_decide_batch_t *b,
    ngx_http_weir_ctx_t *ctx);
static void ngx_http_weir_decide_clear(void *data);
static json_t *ngx_http_weir_decide_one(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, weir_authzen_question_t *q, ngx_uint_t *permit);
static void ngx_http_weir_decide_question(ngx_http_weir_decide_facts_t *f,
    weir_authzen_question_t *q, ngx_http_weir_identity_t *identity);
static void ngx_http_weir_decide_identity(ngx_http_weir_identity_t *identity,
    weir_authzen_question_t *q);
static void ngx_http_weir_decide_refused(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, weir_authzen_question_t *q,
    weir_policy_reason_t reason);
static json_t *ngx_http_weir_decide_context(ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_decision_t *d);
static json_t *ngx_http_weir_decide_obligations(ngx_array_t *duties);


ngx_int_t
ngx_http_weir_decide_answer(ngx_http_request_t *r, ngx_str_t *text)
{
    ngx_int_t                          rc;
    ngx_uint_t                         batch;
    ngx_pool_cleanup_t                *cln;
    ngx_http_weir_ctx_t               *ctx;
    ngx_http_weir_decide_batch_t      *b;
    ngx_http_weir_decide_main_conf_t  *dmcf;

    ctx = ngx_http_weir_ctx_get(r);
    dmcf = ngx_http_get_module_main_conf(r, ngx_http_weir_decide_module);

    if (ctx == NULL || ngx_http_weir_decide_endpoint(r, &batch) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_weir_decide_batch_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b = cln->data;
    ngx_memzero(b, sizeof(ngx_http_weir_decide_batch_t));

    b->http = r;
    b->turn.handler = ngx_http_weir_decide_turn;
    b->turn.data = b;
    b->turn.log = r->connection->log;

    weir_arena_init(&b->arena, &weir_alloc_malloc,
                    NGX_HTTP_WEIR_DECIDE_MEMORY);

    cln->handler = ngx_http_weir_decide_clear;

    switch (weir_authzen_parse(&b->asked, &b->arena, &b->json, text->data,
                               text->len, batch,
                               ngx_http_weir_str(&dmcf->issuer)))
    {

    case WEIR_OK:
        return ngx_http_weir_decide_questions(b, ctx);

    case WEIR_DECLINED:
        rc = ngx_http_weir_decide_bad(b, ctx);
        break;

    default:
        rc = ngx_http_weir_decide_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        "the question needs more memory than "
                                        "there is for one");
    }

    ngx_http_weir_decide_clear(b);

    return rc;
}


static ngx_int_t
ngx_http_weir_decide_questions(ngx_http_weir_decide_batch_t *b,
    ngx_http_weir_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_weir_ctx_t  before;

    before = *ctx;

    rc = ngx_http_weir_decide_all(b, ctx);

    ngx_http_weir_policy_restore(ctx, &before);

    if (rc == NGX_AGAIN) {
        ngx_post_event(&b->turn, &ngx_posted_next_events);
        return NGX_AGAIN;
    }

    rc = rc == NGX_OK
         ? ngx_http_weir_decide_answered(b)
         : ngx_http_weir_decide_error(b->http, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                      "there is no memory");

    ngx_http_weir_decide_clear(b);

    return rc;
}


/* NGX_AGAIN: the rest in another turn; NGX_ERROR: no memory. */

static ngx_int_t
ngx_http_weir_decide_all(ngx_http_weir_decide_batch_t *b,
    ngx_http_weir_ctx_t *ctx)
{
    json_t                   *one;
    uint64_t                  start;
    ngx_uint_t                permit;
    weir_authzen_semantic_t   semantic;

    semantic = b->asked.semantic;
    start = ngx_http_weir_monotonic();

    if (b->list == NULL) {
        b->list = json_array();

        if (b->list == NULL) {
            return NGX_ERROR;
        }
    }

    while (b->next < b->asked.count) {

        one = ngx_http_weir_decide_one(b->http, ctx,
                                       &b->asked.questions[b->next++],
                                       &permit);

        if (one == NULL || json_array_append_new(b->list, one) != 0) {
            return NGX_ERROR;
        }

        if ((semantic == WEIR_AUTHZEN_FIRST_DENY && !permit)
            || (semantic == WEIR_AUTHZEN_FIRST_PERMIT && permit))
        {
            break;
        }

        if (b->next < b->asked.count
            && ngx_http_weir_monotonic() - start > NGX_HTTP_WEIR_DECIDE_TURN)
        {
            return NGX_AGAIN;
        }
    }

    return NGX_OK;
}


static void
ngx_http_weir_decide_turn(ngx_event_t *ev)
{
    ngx_int_t                      rc;
    ngx_connection_t              *c;
    ngx_http_request_t            *r;
    ngx_http_weir_ctx_t           *ctx;
    ngx_http_weir_decide_batch_t  *b;

    b = ev->data;
    r = b->http;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ctx = ngx_http_weir_ctx_get(r);

    rc = ctx ? ngx_http_weir_decide_questions(b, ctx)
             : NGX_HTTP_INTERNAL_SERVER_ERROR;

    if (rc != NGX_AGAIN) {
        ngx_http_finalize_request(r, rc);
    }

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_weir_decide_answered(ngx_http_weir_decide_batch_t *b)
{
    json_t     *all;
    ngx_int_t   rc;

    if (!b->asked.batch) {
        return ngx_http_weir_decide_send(b->http, NGX_HTTP_OK,
                                         json_array_get(b->list, 0));
    }

    all = json_pack("{s:O}", "evaluations", b->list);

    rc = all ? ngx_http_weir_decide_send(b->http, NGX_HTTP_OK, all)
             : NGX_HTTP_INTERNAL_SERVER_ERROR;

    json_decref(all);

    return rc;
}


/* A question that is none is told of, too; what has none is not. */

static ngx_int_t
ngx_http_weir_decide_bad(ngx_http_weir_decide_batch_t *b,
    ngx_http_weir_ctx_t *ctx)
{
    ngx_http_weir_ctx_t  before;

    before = *ctx;

    if (b->asked.count) {
        ngx_http_weir_decide_refused(b->http, ctx, &b->asked.questions[0],
                                     WEIR_POLICY_AMBIGUOUS_REQUEST);
    }

    ngx_http_weir_policy_restore(ctx, &before);

    return ngx_http_weir_decide_error(b->http, NGX_HTTP_BAD_REQUEST,
                                      b->asked.error);
}


static void
ngx_http_weir_decide_clear(void *data)
{
    ngx_http_weir_decide_batch_t *b = data;

    if (b->turn.posted) {
        ngx_delete_posted_event(&b->turn);
    }

    json_decref(b->list);
    json_decref(b->json);

    b->list = NULL;
    b->json = NULL;

    weir_arena_done(&b->arena);
}


/* NULL: no memory. */

static json_t *
ngx_http_weir_decide_one(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    weir_authzen_question_t *q, ngx_uint_t *permit)
{
    json_t                           *context;
    const char                       *word;
    weir_policy_reason_t              reason;
    ngx_http_weir_decision_t          d;
    ngx_http_weir_identity_t         *identity;
    ngx_http_weir_decide_facts_t     *f;
    ngx_http_weir_decide_loc_conf_t  *dlcf;

    *permit = 0;

    if (q->error) {
        ngx_http_weir_decide_refused(r, ctx, q, WEIR_POLICY_AMBIGUOUS_REQUEST);

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

    if (!ngx_http_weir_decide_facts(f, q->path, q->host, &word)) {
        reason = ngx_strcmp(word, "ambiguous-path") == 0
                 ? WEIR_POLICY_AMBIGUOUS_PATH : WEIR_POLICY_AMBIGUOUS_HOST;

        ngx_http_weir_decide_refused(r, ctx, q, reason);

        return json_pack("{s:b, s:{s:s}}", "decision", 0, "context",
                         "reason", word);
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

    ngx_http_weir_decide_identity(identity, q);

    f->question.identity = identity;
}


static void
ngx_http_weir_decide_identity(ngx_http_weir_identity_t *identity,
    weir_authzen_question_t *q)
{
    static const ngx_uint_t  kinds[WEIR_POLICY_KINDS] = {
        NGX_HTTP_WEIR_ANONYMOUS,
        NGX_HTTP_WEIR_JWT,
        NGX_HTTP_WEIR_MTLS,
        NGX_HTTP_WEIR_APIKEY,
        NGX_HTTP_WEIR_SESSION
    };

    identity->kind = kinds[q->kind];
    identity->issuer.len = q->issuer.len;
    identity->issuer.data = (u_char *) q->issuer.data;
    identity->subject.len = q->subject.len;
    identity->subject.data = (u_char *) q->subject.data;
}


/* A deny that no policy was asked for: it counts, and is told. */

static void
ngx_http_weir_decide_refused(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    weir_authzen_question_t *q, weir_policy_reason_t reason)
{
    weir_policy_request_t             asked;
    ngx_http_weir_identity_t          identity;
    ngx_http_weir_decide_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_decide_module);

    ngx_memzero(&asked, sizeof(weir_policy_request_t));
    ngx_memzero(&identity, sizeof(ngx_http_weir_identity_t));

    asked.method = q->method;
    asked.host = q->host;
    asked.source_ip = q->has_source ? &q->source : NULL;

    ngx_http_weir_decide_identity(&identity, q);

    ngx_http_weir_policy_refused(ctx, dlcf->asked, reason);
    ngx_http_weir_record_refused(r, ctx, &asked, q->path);

    ctx->verdict = NGX_HTTP_WEIR_DENY;
    ctx->reason.data = (u_char *) weir_policy_reason_name(reason);
    ctx->reason.len = ngx_strlen(ctx->reason.data);

    ngx_http_weir_record_answer(r, ctx, &identity, NGX_HTTP_OK);
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
