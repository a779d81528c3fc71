
/*
 * Weir: the line of a decision (contract.md, "Decision log").
 */

#include "ngx_http_weir_record.h"


static void ngx_http_weir_record_member(weir_record_t *w, const char *name,
    ngx_str_t *s);
static void ngx_http_weir_record_identity(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, const ngx_http_weir_identity_t *identity);


static const char  *ngx_http_weir_record_kinds[] = {
    "anonymous", "jwt", "mtls", "apikey", "session"
};


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
