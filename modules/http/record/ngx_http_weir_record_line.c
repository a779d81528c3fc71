
/*
 * Weir: what a record of a decision says (contract.md, "Decision log").
 *
 * What an attacker could want to read in a log is not in it: credentials
 * never, the subject and values of the query as pseudonyms (HMAC-SHA-256 with
 * weir_secret, 128 bits): equal where they are equal.
 */

#include "ngx_http_weir_record.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>


static void ngx_http_weir_record_pseudonym(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, weir_str_t s);
static void ngx_http_weir_record_rules(weir_record_t *w,
    const ngx_http_weir_record_view_t *view);
static void ngx_http_weir_record_candidate(weir_record_t *w,
    const ngx_http_weir_record_view_t *view);
static void ngx_http_weir_record_obligations(weir_record_t *w,
    const ngx_http_weir_record_view_t *view);
static void ngx_http_weir_record_reads(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_request_t *pr);
static void ngx_http_weir_record_value(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, const weir_policy_request_t *pr,
    const weir_policy_read_t *read);
static ngx_uint_t ngx_http_weir_record_secret(const weir_policy_read_t *read);
static ngx_uint_t ngx_http_weir_record_respelt(const weir_path_t *path);
static void ngx_http_weir_record_keep(ngx_http_request_t *r,
    weir_record_t *w, size_t *from, ngx_str_t *text);
static ngx_uint_t ngx_http_weir_record_sampled(
    ngx_http_weir_record_conf_t *rcf);
static void ngx_http_weir_record_member(weir_record_t *w, const char *name,
    ngx_str_t *s);
static void ngx_http_weir_record_identity(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, const ngx_http_weir_identity_t *identity);


static const char  *ngx_http_weir_record_kinds[] = {
    "anonymous", "jwt", "mtls", "apikey", "session"
};


void
ngx_http_weir_record_decision(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_record_view_t *view,
    const ngx_http_weir_record_view_t *candidate,
    const weir_policy_request_t *pr, weir_policy_verdict_t verdict)
{
    size_t                         from;
    u_char                         text[NGX_HTTP_WEIR_RECORD_PARTS];
    u_char                         addr[WEIR_ADDR_TEXT];
    weir_str_t                     source;
    weir_record_t                  w;
    ngx_http_weir_record_conf_t   *rcf;
    ngx_http_weir_record_state_t  *state;

    rcf = ngx_http_get_module_main_conf(r, ngx_http_weir_record_module);

    if (!rcf->on) {
        return;
    }

    /* the one before is kept: the gate may put it back */

    state = ngx_pcalloc(r->pool, sizeof(ngx_http_weir_record_state_t));

    ctx->state[NGX_HTTP_WEIR_STATE_RECORD] = state;

    if (state == NULL) {
        return;
    }

    state->differs = (view->decision.shadow != verdict);
    state->shadow = view->decision.shadow;

    if (verdict == WEIR_POLICY_PERMIT && !state->differs && candidate == NULL
        && rcf->sample && !ngx_http_weir_record_sampled(rcf))
    {
        state->sampled = 1;
        return;
    }

    weir_record_init(&w, text, sizeof(text));
    from = 0;

    /* of a bounded size first, so that they have room */

    state->inexact = ngx_http_weir_record_respelt(pr->path);

    if (weir_record_beginning(&w, pr->path->decoded,
                              NGX_HTTP_WEIR_RECORD_PATH))
    {
        state->inexact = 1;
    }

    ngx_http_weir_record_keep(r, &w, &from, &state->path);

    if (weir_record_beginning(&w, pr->method, NGX_HTTP_WEIR_RECORD_NAME)) {
        state->inexact = 1;
    }

    ngx_http_weir_record_keep(r, &w, &from, &state->method);

    if (pr->host.data) {
        weir_record_string(&w, pr->host);

    } else {
        weir_record_raw(&w, weir_str("null"));
    }

    ngx_http_weir_record_keep(r, &w, &from, &state->host);

    if (pr->source_ip) {
        state->addr = *pr->source_ip;
        state->has_addr = 1;

        source.data = addr;
        source.len = weir_addr_format(addr, pr->source_ip);
        weir_record_string(&w, source);

    } else {
        weir_record_raw(&w, weir_str("null"));
    }

    ngx_http_weir_record_keep(r, &w, &from, &state->source);

    if (pr->has_time && pr->time != r->start_sec) {
        weir_record_time(&w, pr->time, 0);
        ngx_http_weir_record_keep(r, &w, &from, &state->time);
    }

    ngx_http_weir_record_rules(&w, view);
    ngx_http_weir_record_keep(r, &w, &from, &state->rules);

    if (candidate) {
        ngx_http_weir_record_candidate(&w, candidate);
        ngx_http_weir_record_keep(r, &w, &from, &state->candidate);
    }

    ngx_http_weir_record_obligations(&w, view);
    ngx_http_weir_record_keep(r, &w, &from, &state->obligations);

    ngx_http_weir_record_reads(rcf, &w, view->image, view->policy, pr);
    ngx_http_weir_record_keep(r, &w, &from, &state->read);
}


/*
 * A path that weir_path_allow admitted: decoded, it is that of another
 * spelling, or of none that the gate takes.
 */

static ngx_uint_t
ngx_http_weir_record_respelt(const weir_path_t *path)
{
    static weir_path_t  plain;

    return weir_path_gate_decoded(&plain, path->decoded, 0) != WEIR_OK
           || plain.nsegments != path->nsegments;
}


/* What was written since *from, as it will stand in the line, if it fits. */

static void
ngx_http_weir_record_keep(ngx_http_request_t *r, weir_record_t *w,
    size_t *from, ngx_str_t *text)
{
    size_t  len;

    len = w->len - *from;

    text->data = w->full ? NULL : ngx_pnalloc(r->pool, len);

    if (text->data == NULL) {
        weir_record_back(w, *from);
        return;
    }

    text->len = len;

    ngx_memcpy(text->data, w->data + *from, len);
    *from = w->len;
}


/* The permits of a second at even distances: by GCRA without a burst. */

static ngx_uint_t
ngx_http_weir_record_sampled(ngx_http_weir_record_conf_t *rcf)
{
    uint64_t  tat, now, *shared;

    shared = (uint64_t *) rcf->tat->data;
    now = ngx_http_weir_monotonic();

    tat = __atomic_load_n(shared, __ATOMIC_RELAXED);

    do {
        if (!weir_rate_admits(&rcf->rate, tat, now, 1)) {
            return 0;
        }

    } while (!__atomic_compare_exchange_n(shared, &tat,
                                          ngx_max(tat, now)
                                          + rcf->rate.interval, 0,
                                          __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));

    return 1;
}


static void
ngx_http_weir_record_candidate(weir_record_t *w,
    const ngx_http_weir_record_view_t *view)
{
    const char  *reason;

    reason = weir_policy_reason_name(view->decision.reason);

    weir_record_raw(w, view->decision.verdict == WEIR_POLICY_PERMIT
                       ? weir_str("{\"verdict\":\"permit\"")
                       : weir_str("{\"verdict\":\"deny\""));
    weir_record_name(w, "rules");
    ngx_http_weir_record_rules(w, view);

    weir_record_name(w, "reason");
    weir_record_string(w, weir_cstr(reason));
    weir_record_raw(w, weir_str("}"));
}


static void
ngx_http_weir_record_rules(weir_record_t *w,
    const ngx_http_weir_record_view_t *view)
{
    uint32_t                       i;
    const weir_policy_decision_t  *d;

    d = &view->decision;

    weir_record_raw(w, weir_str("["));

    for (i = 0; i < d->count && i < d->max; i++) {

        if (i != 0) {
            weir_record_raw(w, weir_str(","));
        }

        weir_record_string(w, weir_policy_rule_name(view->image,
                                                    view->policy,
                                                    d->rules[i]));
    }

    weir_record_raw(w, weir_str("]"));
}


/* As the language spells them, without the values of header fields. */

static void
ngx_http_weir_record_obligations(weir_record_t *w,
    const ngx_http_weir_record_view_t *view)
{
    u_char                         text[512], *last;
    uint32_t                       i;
    weir_str_t                     s;
    weir_policy_effect_t           e;
    const weir_policy_decision_t  *d;

    d = &view->decision;

    weir_record_raw(w, weir_str("["));

    for (i = 0; i < d->neffects && i < d->max_effects; i++) {

        if (i != 0) {
            weir_record_raw(w, weir_str(","));
        }

        weir_policy_effect(view->image, view->policy, d->effects[i], &e);

        last = ngx_slprintf(text, text + sizeof(text), "%s ",
                            weir_policy_effect_name(e.kind));

        switch (e.kind) {

        case WEIR_POLICY_LOG:
            last = ngx_slprintf(last, text + sizeof(text), "%s",
                                weir_policy_level_name(e.number));
            break;

        case WEIR_POLICY_STATUS:
            last = ngx_slprintf(last, text + sizeof(text), "%L", e.number);
            break;

        case WEIR_POLICY_SPLIT:
            last = ngx_slprintf(last, text + sizeof(text), "%*s %*s",
                                e.name.len, e.name.data,
                                e.value.len, e.value.data);
            break;

        default:
            last = ngx_slprintf(last, text + sizeof(text), "%*s",
                                e.name.len, e.name.data);
        }

        s.data = text;
        s.len = last - text;

        weir_record_string(w, s);
    }

    weir_record_raw(w, weir_str("]"));
}


static void
ngx_http_weir_record_reads(ngx_http_weir_record_conf_t *rcf, weir_record_t *w,
    const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_request_t *pr)
{
    u_char              text[1024];
    uint32_t            i, n;
    ngx_uint_t          any;
    weir_str_t          name;
    weir_policy_read_t  read;

    any = 0;
    n = weir_policy_attrs(image, policy);

    weir_record_raw(w, weir_str("{"));

    for (i = 0; i < n && !w->full; i++) {

        if (weir_policy_read_attr(image, policy, i, pr, &read) != WEIR_OK
            || ngx_http_weir_record_secret(&read))
        {
            continue;
        }

        if (any) {
            weir_record_raw(w, weir_str(","));
        }

        any = 1;

        name.data = text;
        name.len = weir_policy_read_name(&read, text, sizeof(text));
        name.len = ngx_min(name.len, sizeof(text));

        weir_record_string(w, name);
        weir_record_raw(w, weir_str(":"));
        ngx_http_weir_record_value(rcf, w, pr, &read);
    }

    weir_record_raw(w, weir_str("}"));
}


/* Fields that hold credentials: not even that they were read. */

static ngx_uint_t
ngx_http_weir_record_secret(const weir_policy_read_t *read)
{
    ngx_uint_t  i;

    static const char  *names[] = {
        "authorization", "cookie", "dpop", "proxy-authorization", NULL
    };

    if (read->kind != WEIR_POLICY_READ_HEADER) {
        return 0;
    }

    for (i = 0; names[i]; i++) {
        if (weir_str_caseeq(read->name, weir_cstr(names[i]))) {
            return 1;
        }
    }

    return 0;
}


/* null: absent; {}: there, and unknown to the policy. */

static void
ngx_http_weir_record_value(ngx_http_weir_record_conf_t *rcf, weir_record_t *w,
    const weir_policy_request_t *pr, const weir_policy_read_t *read)
{
    size_t      from;
    uint8_t     addr[WEIR_ADDR_TEXT];
    uint32_t    i;
    weir_str_t  s;

    from = w->len;

    if (read->state != WEIR_POLICY_ONE) {
        weir_record_raw(w, read->state == WEIR_POLICY_ABSENT
                           ? weir_str("null") : weir_str("{}"));
        return;
    }

    switch (read->type) {

    case WEIR_POLICY_READ_BOOL:
        weir_record_raw(w, read->number ? weir_str("true")
                                        : weir_str("false"));
        return;

    case WEIR_POLICY_READ_INT:
        weir_record_number(w, read->number);
        return;

    case WEIR_POLICY_READ_ADDR:
        s.data = addr;
        s.len = weir_addr_format(addr, read->addr);
        weir_record_string(w, s);
        return;

    case WEIR_POLICY_READ_SET:

        weir_record_raw(w, weir_str("["));

        for (i = 0; i < read->nitems; i++) {

            if (w->full || w->len - from > NGX_HTTP_WEIR_RECORD_SET) {
                weir_record_back(w, from);
                weir_record_raw(w, weir_str("{\"hmac\":null}"));
                return;
            }

            if (i != 0) {
                weir_record_raw(w, weir_str(","));
            }

            weir_record_string(w, weir_policy_read_item(pr, read, i));
        }

        weir_record_raw(w, weir_str("]"));
        return;

    default:
        break;
    }

    if (!read->personal && read->kind != WEIR_POLICY_READ_QUERY) {

        if (!weir_record_beginning(w, read->string,
                                   NGX_HTTP_WEIR_RECORD_VALUE + 2))
        {
            return;
        }

        weir_record_back(w, from);
    }

    weir_record_raw(w, weir_str("{\"hmac\":"));
    ngx_http_weir_record_pseudonym(rcf, w, read->string);
    weir_record_raw(w, weir_str("}"));
}


static void
ngx_http_weir_record_pseudonym(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, weir_str_t s)
{
    u_char        text[34], md[EVP_MAX_MD_SIZE];
    weir_str_t    hex;
    unsigned int  len;

    if (HMAC(EVP_sha256(), rcf->key, sizeof(rcf->key), s.data, s.len, md,
             &len)
        == NULL)
    {
        w->full = 1;
        return;
    }

    text[0] = '"';
    ngx_hex_dump(text + 1, md, 16);
    text[33] = '"';

    hex.data = text;
    hex.len = sizeof(text);

    weir_record_raw(w, hex);
}


ngx_int_t
ngx_http_weir_record_line(ngx_http_weir_record_conf_t *rcf,
    ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_record_whose_t *whose, weir_record_t *w)
{
    u_char                        *p, addr[WEIR_ADDR_TEXT];
    ngx_str_t                      s;
    ngx_uint_t                     inexact;
    weir_addr_t                    source;
    ngx_http_weir_record_state_t  *state, none;

    state = ctx->state[NGX_HTTP_WEIR_STATE_RECORD];

    if (state == NULL || state->rules.data == NULL) {
        ngx_memzero(&none, sizeof(ngx_http_weir_record_state_t));
        state = &none;
    }

    inexact = state->inexact;

    weir_record_raw(w, weir_str("{\"time\":"));
    weir_record_time(w, r->start_sec, r->start_msec);

    if (state->time.len) {
        weir_record_name(w, "decision_time");
        weir_record_raw(w, ngx_http_weir_str(&state->time));
    }

    s.data = (u_char *) whose->id;
    s.len = sizeof(ctx->decision_id);
    ngx_http_weir_record_member(w, "id", &s);

    if (ngx_http_weir_value(r, &rcf->trace_id, &s) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_weir_record_member(w, "trace_id", &s);

    if (ngx_http_weir_value(r, &rcf->request_id, &s) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_weir_record_member(w, "request_id", &s);
    ngx_http_weir_record_member(w, "node",
                                ngx_http_weir_node_name((ngx_cycle_t *)
                                                        ngx_cycle));

    weir_record_name(w, "bundle");
    weir_record_raw(w, ctx->bundle.len ? ngx_http_weir_str(&ctx->bundle)
                                       : weir_str("null"));

    ngx_http_weir_record_member(w, "policy", &ctx->policy);

    weir_record_name(w, "verdict");
    weir_record_string(w, weir_cstr(ngx_http_weir_verdicts[ctx->verdict]));

    if (state->differs) {
        weir_record_name(w, "shadow");
        weir_record_raw(w, state->shadow == WEIR_POLICY_PERMIT
                           ? weir_str("\"permit\"") : weir_str("\"deny\""));
    }

    if (state->candidate.len) {
        weir_record_name(w, "candidate");
        weir_record_raw(w, ngx_http_weir_str(&state->candidate));
    }

    weir_record_name(w, "rules");
    weir_record_raw(w, state->rules.len ? ngx_http_weir_str(&state->rules)
                                        : weir_str("[]"));

    ngx_http_weir_record_member(w, "reason", &ctx->reason);
    ngx_http_weir_record_identity(rcf, w, whose->identity);

    weir_record_name(w, "method");

    if (state->method.len) {
        weir_record_raw(w, ngx_http_weir_str(&state->method));

    } else if (weir_record_beginning(w, ngx_http_weir_str(&r->method_name),
                                     NGX_HTTP_WEIR_RECORD_NAME))
    {
        inexact = 1;
    }

    weir_record_name(w, "host");

    if (state->host.len) {
        weir_record_raw(w, ngx_http_weir_str(&state->host));

    } else if (r->headers_in.server.len == 0) {
        weir_record_raw(w, weir_str("null"));

    } else if (weir_record_beginning(w,
                                 ngx_http_weir_str(&r->headers_in.server),
                                 NGX_HTTP_WEIR_RECORD_NAME))
    {
        inexact = 1;
    }

    weir_record_name(w, "path");

    if (state->path.len) {
        weir_record_raw(w, ngx_http_weir_str(&state->path));

    } else {
        s = r->unparsed_uri;

        p = ngx_strlchr(s.data, s.data + s.len, '?');
        if (p) {
            s.len = p - s.data;
        }

        if (weir_record_beginning(w, ngx_http_weir_str(&s),
                                  NGX_HTTP_WEIR_RECORD_PATH))
        {
            inexact = 1;
        }
    }

    if (inexact) {
        weir_record_name(w, "inexact");
        weir_record_raw(w, weir_str("true"));
    }

    if (state->source.len) {
        weir_record_name(w, "source");
        weir_record_raw(w, ngx_http_weir_str(&state->source));

    } else {
        s.len = 0;
        s.data = addr;

        if (ngx_http_weir_source(r, source.bytes) == NGX_OK) {
            s.len = weir_addr_format(addr, &source);
        }

        ngx_http_weir_record_member(w, "source", &s);
    }

    weir_record_name(w, "status");
    weir_record_number(w, whose->status);

    weir_record_name(w, "latency_us");
    weir_record_number(w, (int64_t) ngx_http_weir_latency(r, ctx));

    weir_record_name(w, "obligations");
    weir_record_raw(w, state->obligations.len
                       ? ngx_http_weir_str(&state->obligations)
                       : weir_str("[]"));

    /* null: it was not decided, or what was read is not known */

    weir_record_name(w, "read");
    weir_record_raw(w, state->read.len ? ngx_http_weir_str(&state->read)
                                       : weir_str("null"));

    weir_record_raw(w, weir_str("}\n"));

    return w->full ? NGX_DECLINED : NGX_OK;
}


/* What is empty is null. */

static void
ngx_http_weir_record_member(weir_record_t *w, const char *name, ngx_str_t *s)
{
    weir_record_name(w, name);

    if (s->len == 0) {
        weir_record_raw(w, weir_str("null"));
        return;
    }

    weir_record_string(w, ngx_http_weir_str(s));
}


static void
ngx_http_weir_record_identity(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, const ngx_http_weir_identity_t *identity)
{
    ngx_str_t  issuer;

    ngx_str_null(&issuer);

    if (identity) {
        issuer = identity->issuer;
    }

    weir_record_name(w, "identity");
    weir_record_raw(w, weir_str("{\"kind\":"));
    weir_record_string(w, weir_cstr(ngx_http_weir_record_kinds[identity
                                    ? identity->kind
                                    : NGX_HTTP_WEIR_ANONYMOUS]));

    ngx_http_weir_record_member(w, "issuer", &issuer);
    weir_record_name(w, "subject_hmac");

    if (identity && identity->subject.len) {
        ngx_http_weir_record_pseudonym(rcf, w,
                                       ngx_http_weir_str(&identity->subject));

    } else {
        weir_record_raw(w, weir_str("null"));
    }

    weir_record_raw(w, weir_str("}"));
}
