
/*
 * Weir: what a policy's decision obliges to, and what a policy may name: the
 * areas that define it answer for the policy module, which binds bundles, and
 * find their own duties in the request's context.
 */

#include "ngx_http_weir_core.h"
#include "weir_field.h"


void
ngx_http_weir_finder_add(ngx_conf_t *cf, ngx_uint_t kind,
    ngx_http_weir_finder_pt find, void *conf)
{
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_http_weir_main(cf);

    mcf->finders.find[kind] = find;
    mcf->finders.conf[kind] = conf;
}


const ngx_http_weir_finders_t *
ngx_http_weir_finders(ngx_conf_t *cf)
{
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_http_weir_main(cf);

    mcf->finders.identity = &mcf->strip;

    return &mcf->finders;
}


void *
ngx_http_weir_find(const ngx_http_weir_finders_t *f, ngx_uint_t kind,
    weir_str_t name, weir_str_t value, ngx_uint_t *index)
{
    if (f == NULL || kind >= WEIR_POLICY_EFFECTS || f->find[kind] == NULL) {
        return NULL;
    }

    return f->find[kind](f->conf[kind], name, value, index);
}


ngx_uint_t
ngx_http_weir_is_identity(const ngx_http_weir_finders_t *f, weir_str_t name)
{
    ngx_uint_t                    i;
    ngx_http_weir_header_name_t  *h;

    h = f ? f->identity->elts : NULL;

    for (i = 0; h && i < f->identity->nelts; i++) {
        if (weir_field_same(name, ngx_http_weir_str(&h[i].name))) {
            return 1;
        }
    }

    return 0;
}


ngx_array_t *
ngx_http_weir_identity_headers(const ngx_http_weir_finders_t *f,
    ngx_pool_t *pool)
{
    ngx_str_t                    *name;
    ngx_uint_t                    i;
    ngx_array_t                  *names;
    ngx_http_weir_header_name_t  *h;

    h = f->identity->elts;

    names = ngx_array_create(pool, f->identity->nelts + 1, sizeof(ngx_str_t));
    if (names == NULL) {
        return NULL;
    }

    for (i = 0; i < f->identity->nelts; i++) {
        name = ngx_array_push(names);
        *name = h[i].name;
    }

    return names;
}


ngx_int_t
ngx_http_weir_duties_set(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_array_t *duties)
{
    ngx_http_weir_part_t  *part;

    if (r == r->main) {
        ctx->duties = duties;
        return NGX_OK;
    }

    for (part = ctx->parts; part; part = part->next) {
        if (part->request == r) {
            part->duties = duties;
            return NGX_OK;
        }
    }

    if (duties == NULL) {
        return NGX_OK;
    }

    part = ngx_palloc(r->pool, sizeof(ngx_http_weir_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->request = r;
    part->duties = duties;
    part->next = ctx->parts;
    ctx->parts = part;

    return NGX_OK;
}


static ngx_http_weir_duty_t *
ngx_http_weir_duty_in(ngx_array_t *duties, ngx_uint_t kind, void *object)
{
    ngx_uint_t             i;
    ngx_http_weir_duty_t  *duty;

    duty = duties->elts;

    for (i = 0; i < duties->nelts; i++) {
        if (duty[i].kind == kind && (!object || duty[i].object == object)) {
            return &duty[i];
        }
    }

    return NULL;
}


ngx_http_weir_duty_t *
ngx_http_weir_duty(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_uint_t kind, void *object)
{
    ngx_http_weir_duty_t  *duty;
    ngx_http_weir_part_t  *part;

    for (part = ctx->parts; part; part = part->next) {

        if (part->request != r || part->duties == NULL) {
            continue;
        }

        duty = ngx_http_weir_duty_in(part->duties, kind, object);

        if (duty) {
            return duty;
        }
    }

    return ctx->duties ? ngx_http_weir_duty_in(ctx->duties, kind, object)
                       : NULL;
}
