
/*
 * Weir: what decisions oblige to.  A request may be decided by several
 * questions (a redirect, a spelling that has two readings): it is under what
 * all of them say, and is refused where they contradict each other.
 *
 * Quotas, splits, objectives and headers of the answer find their duties in
 * the request's context; here are the log and the upstream's headers.
 */

#include "ngx_http_weir_gate.h"
#include "weir_field.h"


static ngx_int_t ngx_http_weir_gate_merge(ngx_array_t *duties,
    ngx_http_weir_duty_t *duty);
static ngx_uint_t ngx_http_weir_gate_same(ngx_http_weir_duty_t *a,
    ngx_http_weir_duty_t *b);
static void ngx_http_weir_gate_undo(ngx_http_request_t *r,
    ngx_array_t *duties);
static ngx_int_t ngx_http_weir_gate_own_list(ngx_http_request_t *r);


void
ngx_http_weir_gate_oblige(ngx_http_request_t *r, ngx_array_t **duties,
    ngx_http_weir_decision_t *d)
{
    ngx_uint_t             i;
    ngx_http_weir_duty_t  *duty;

    if (!d->permit || d->duties == NULL) {
        return;
    }

    if (*duties == NULL) {
        *duties = d->duties;
        return;
    }

    duty = d->duties->elts;

    for (i = 0; i < d->duties->nelts; i++) {

        if (ngx_http_weir_gate_merge(*duties, &duty[i]) == NGX_OK) {
            continue;
        }

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "weir: what a request is and what it becomes oblige to "
                      "different things: \"%s %V\"",
                      weir_policy_effect_name(duty[i].kind), &duty[i].name);

        ngx_memzero(d, sizeof(ngx_http_weir_decision_t));
        d->final = 1;
        d->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        d->reason = "error";
        return;
    }
}


/* NGX_DECLINED: it says something else of what has one value. */

static ngx_int_t
ngx_http_weir_gate_merge(ngx_array_t *duties, ngx_http_weir_duty_t *duty)
{
    ngx_uint_t             i;
    ngx_http_weir_duty_t  *have, *add;

    have = duties->elts;

    for (i = 0; i < duties->nelts; i++) {

        if (have[i].kind != duty->kind) {
            continue;
        }

        switch (duty->kind) {

        case WEIR_POLICY_LOG:
            have[i].number = ngx_max(have[i].number, duty->number);
            return NGX_OK;

        case WEIR_POLICY_SLO:
            return have[i].object == duty->object ? NGX_OK : NGX_DECLINED;

        default:

            if (!ngx_http_weir_gate_same(&have[i], duty)) {
                continue;
            }

            return weir_str_eq(ngx_http_weir_str(&have[i].value),
                               ngx_http_weir_str(&duty->value))
                   ? NGX_OK : NGX_DECLINED;
        }
    }

    add = ngx_array_push(duties);
    if (add == NULL) {
        return NGX_DECLINED;
    }

    *add = *duty;

    return NGX_OK;
}


/* Of the same quota, split or header. */

static ngx_uint_t
ngx_http_weir_gate_same(ngx_http_weir_duty_t *a, ngx_http_weir_duty_t *b)
{
    if (a->kind == WEIR_POLICY_ADD_HEADER
        || a->kind == WEIR_POLICY_SET_HEADER)
    {
        return weir_field_same(ngx_http_weir_str(&a->name),
                               ngx_http_weir_str(&b->name));
    }

    return weir_str_eq(ngx_http_weir_str(&a->name),
                       ngx_http_weir_str(&b->name));
}


void
ngx_http_weir_gate_log(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_array_t *duties, ngx_uint_t permit)
{
    ngx_uint_t             i, level;
    ngx_http_weir_duty_t  *duty;

    static const ngx_uint_t  levels[] = {
        NGX_LOG_INFO, NGX_LOG_NOTICE, NGX_LOG_WARN
    };

    duty = duties ? duties->elts : NULL;

    for (i = 0; duty && i < duties->nelts; i++) {

        if (duty[i].kind != WEIR_POLICY_LOG) {
            continue;
        }

        level = levels[duty[i].number];

        ngx_log_error(level, r->connection->log, 0,
                      "weir: rule \"%V\" of policy \"%V\" %s the request",
                      &ctx->rule, &ctx->policy,
                      permit ? "permits" : "denies");
    }
}


ngx_int_t
ngx_http_weir_gate_headers(ngx_http_request_t *r, ngx_array_t *duties)
{
    ngx_uint_t             i, own;
    ngx_http_weir_duty_t  *duty;

    own = (r == r->main);
    duty = duties ? duties->elts : NULL;

    for (i = 0; duty && i < duties->nelts; i++) {

        if (duty[i].kind != WEIR_POLICY_SET_HEADER) {
            continue;
        }

        if (!own) {
            if (ngx_http_weir_gate_own_list(r) != NGX_OK) {
                return NGX_ERROR;
            }

            own = 1;
        }

        if (ngx_http_weir_header_set(r, &duty[i].name, &duty[i].lowcase,
                                     &duty[i].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* After an internal redirect those of the decision before. */

ngx_int_t
ngx_http_weir_gate_upstream_headers(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_gate_t *gate)
{
    if (gate->set == ctx->duties) {
        return NGX_OK;
    }

    ngx_http_weir_gate_undo(r, gate->set);

    gate->set = ctx->duties;

    return ngx_http_weir_gate_headers(r, ctx->duties);
}


static void
ngx_http_weir_gate_undo(ngx_http_request_t *r, ngx_array_t *duties)
{
    ngx_uint_t             i;
    ngx_http_weir_duty_t  *duty;

    duty = duties ? duties->elts : NULL;

    for (i = 0; duty && i < duties->nelts; i++) {
        if (duty[i].kind == WEIR_POLICY_SET_HEADER) {
            (void) ngx_http_weir_header_remove(r, &duty[i].lowcase);
        }
    }
}


/* A subrequest shares its parent's list of headers: it gets a copy. */

static ngx_int_t
ngx_http_weir_gate_own_list(ngx_http_request_t *r)
{
    ngx_list_t             list;
    ngx_table_elt_t       *h, *copy;
    ngx_http_weir_walk_t   walk;

    if (ngx_list_init(&list, r->pool, 16, sizeof(ngx_table_elt_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_weir_walk(&walk, &r->headers_in.headers);

    for (h = ngx_http_weir_walk_next(&walk);
         h;
         h = ngx_http_weir_walk_next(&walk))
    {
        copy = ngx_list_push(&list);
        if (copy == NULL) {
            return NGX_ERROR;
        }

        *copy = *h;
    }

    r->headers_in.headers = list;

    if (list.last == &list.part) {
        r->headers_in.headers.last = &r->headers_in.headers.part;
    }

    return NGX_OK;
}
