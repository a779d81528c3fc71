
/*
 * Weir: the decision log: what is told of a question that no policy was
 * asked, as its path or host is ambiguous, or as it is none.
 */

#include "ngx_http_weir_record.h"


static ngx_uint_t ngx_http_weir_record_text(ngx_http_request_t *r,
    weir_str_t s, size_t max, ngx_str_t *text);


void
ngx_http_weir_record_refused(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    const weir_policy_request_t *pr, weir_str_t path)
{
    u_char                         addr[WEIR_ADDR_TEXT];
    weir_str_t                     source;
    ngx_http_weir_record_conf_t   *rcf;
    ngx_http_weir_record_state_t  *state;

    rcf = ngx_http_get_module_main_conf(r, ngx_http_weir_record_module);

    if (!rcf->on) {
        return;
    }

    state = ngx_pcalloc(r->pool, sizeof(ngx_http_weir_record_state_t));

    ctx->state[NGX_HTTP_WEIR_STATE_RECORD] = state;

    if (state == NULL) {
        return;
    }

    source.len = 0;
    source.data = NULL;

    if (pr->source_ip) {
        source.data = addr;
        source.len = weir_addr_format(addr, pr->source_ip);
    }

    if (pr->source_ip) {
        state->addr = *pr->source_ip;
        state->has_addr = 1;
    }

    state->inexact =
        ngx_http_weir_record_text(r, path, NGX_HTTP_WEIR_RECORD_PATH,
                                  &state->path)
        | ngx_http_weir_record_text(r, pr->host, NGX_HTTP_WEIR_RECORD_NAME,
                                    &state->host)
        | ngx_http_weir_record_text(r, pr->method, NGX_HTTP_WEIR_RECORD_NAME,
                                    &state->method)
        | ngx_http_weir_record_text(r, source, NGX_HTTP_WEIR_RECORD_NAME,
                                    &state->source);

    ngx_str_set(&state->rules, "[]");
    ngx_str_set(&state->obligations, "[]");
    ngx_str_set(&state->read, "null");
}


/* As it will stand in the line; 1: that is not all of it. */

static ngx_uint_t
ngx_http_weir_record_text(ngx_http_request_t *r, weir_str_t s, size_t max,
    ngx_str_t *text)
{
    ngx_uint_t     cut;
    weir_record_t  w;

    ngx_str_set(text, "null");

    if (s.data == NULL) {
        return 0;
    }

    weir_record_init(&w, ngx_pnalloc(r->pool, max), max);

    if (w.data == NULL) {
        return 1;
    }

    cut = weir_record_beginning(&w, s, max) != 0;

    text->data = w.data;
    text->len = w.len;

    return cut;
}
