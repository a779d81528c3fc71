
/*
 * Weir: what is kept of a decision until its line is written: as JSON, as it
 * will stand there, since policies and what they read may be gone by then.
 */

#include "ngx_http_weir_record.h"


static ngx_http_weir_record_state_t *ngx_http_weir_record_begin(
    ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx);
static void ngx_http_weir_record_asked(ngx_http_request_t *r,
    ngx_http_weir_record_state_t *state, weir_record_t *w, size_t *from,
    const weir_policy_request_t *pr, weir_str_t path);
static void ngx_http_weir_record_text(ngx_http_weir_record_state_t *state,
    weir_record_t *w, weir_str_t s, size_t max);
static ngx_uint_t ngx_http_weir_record_respelt(const weir_path_t *path);
static void ngx_http_weir_record_keep(ngx_http_request_t *r,
    weir_record_t *w, size_t *from, ngx_str_t *text);
static ngx_uint_t ngx_http_weir_record_sampled(
    ngx_http_weir_record_conf_t *rcf);
static void ngx_http_weir_record_candidate(weir_record_t *w,
    const ngx_http_weir_record_view_t *view);
static void ngx_http_weir_record_rules(weir_record_t *w,
    const ngx_http_weir_record_view_t *view);
static void ngx_http_weir_record_obligations(weir_record_t *w,
    const ngx_http_weir_record_view_t *view);


void
ngx_http_weir_record_decision(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_record_view_t *view,
    const ngx_http_weir_record_view_t *candidate,
    const weir_policy_request_t *pr, weir_policy_verdict_t verdict)
{
    size_t                         from;
    u_char                         text[NGX_HTTP_WEIR_RECORD_PARTS];
    weir_record_t                  w;
    ngx_http_weir_record_conf_t   *rcf;
    ngx_http_weir_record_state_t  *state;

    rcf = ngx_http_get_module_main_conf(r, ngx_http_weir_record_module);

    state = ngx_http_weir_record_begin(r, ctx);
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
    ngx_http_weir_record_asked(r, state, &w, &from, pr, pr->path->decoded);

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


void
ngx_http_weir_record_refused(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    const weir_policy_request_t *pr, weir_str_t path)
{
    size_t                         from;
    u_char                         text[NGX_HTTP_WEIR_RECORD_PARTS];
    weir_record_t                  w;
    ngx_http_weir_record_state_t  *state;

    state = ngx_http_weir_record_begin(r, ctx);
    if (state == NULL) {
        return;
    }

    weir_record_init(&w, text, sizeof(text));
    from = 0;

    ngx_http_weir_record_asked(r, state, &w, &from, pr, path);

    ngx_str_set(&state->rules, "[]");
    ngx_str_set(&state->obligations, "[]");
    ngx_str_set(&state->read, "null");
}


/* In place of the one before, which is kept: the gate may put it back. */

static ngx_http_weir_record_state_t *
ngx_http_weir_record_begin(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    ngx_http_weir_record_conf_t   *rcf;
    ngx_http_weir_record_state_t  *state;

    rcf = ngx_http_get_module_main_conf(r, ngx_http_weir_record_module);

    if (!rcf->on) {
        return NULL;
    }

    state = ngx_pcalloc(r->pool, sizeof(ngx_http_weir_record_state_t));

    ctx->state[NGX_HTTP_WEIR_STATE_RECORD] = state;

    return state;
}


/* What was asked about. */

static void
ngx_http_weir_record_asked(ngx_http_request_t *r,
    ngx_http_weir_record_state_t *state, weir_record_t *w, size_t *from,
    const weir_policy_request_t *pr, weir_str_t path)
{
    u_char      addr[WEIR_ADDR_TEXT];
    weir_str_t  source;

    ngx_http_weir_record_text(state, w, path, NGX_HTTP_WEIR_RECORD_PATH);
    ngx_http_weir_record_keep(r, w, from, &state->path);

    ngx_http_weir_record_text(state, w, pr->method,
                              NGX_HTTP_WEIR_RECORD_NAME);
    ngx_http_weir_record_keep(r, w, from, &state->method);

    ngx_http_weir_record_text(state, w, pr->host, NGX_HTTP_WEIR_RECORD_NAME);
    ngx_http_weir_record_keep(r, w, from, &state->host);

    source.len = 0;
    source.data = NULL;

    if (pr->source_ip) {
        state->addr = *pr->source_ip;
        state->has_addr = 1;

        source.data = addr;
        source.len = weir_addr_format(addr, pr->source_ip);
    }

    ngx_http_weir_record_text(state, w, source, NGX_HTTP_WEIR_RECORD_NAME);
    ngx_http_weir_record_keep(r, w, from, &state->source);
}


/* What is absent is null, what is long is cut. */

static void
ngx_http_weir_record_text(ngx_http_weir_record_state_t *state,
    weir_record_t *w, weir_str_t s, size_t max)
{
    if (s.data == NULL) {
        weir_record_raw(w, weir_str("null"));

    } else if (weir_record_beginning(w, s, max)) {
        state->inexact = 1;
    }
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
