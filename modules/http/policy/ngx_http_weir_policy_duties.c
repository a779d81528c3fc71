
/*
 * Weir: the effects of a decision as duties of the request: copied from the
 * image, which may go, and resolved to what nginx.conf defines.
 */

#include "ngx_http_weir_policy_internal.h"


static ngx_int_t ngx_http_weir_policy_duty(ngx_http_request_t *r,
    const ngx_http_weir_finders_t *finders, const weir_policy_effect_t *e,
    ngx_http_weir_duty_t *duty);
static ngx_int_t ngx_http_weir_policy_copy(ngx_http_request_t *r,
    weir_str_t s, ngx_str_t *copy);


ngx_int_t
ngx_http_weir_policy_duties(ngx_http_request_t *r,
    ngx_http_weir_policy_main_conf_t *mcf, const weir_policy_image_t *image,
    uint32_t policy, const weir_policy_decision_t *decision,
    ngx_array_t **duties)
{
    uint32_t               i;
    weir_policy_effect_t   e;
    ngx_http_weir_duty_t  *duty;

    *duties = NULL;

    if (decision->neffects == 0) {
        return NGX_OK;
    }

    if (decision->neffects > decision->max_effects) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "weir: a decision obliges to more than %uD effects",
                      decision->max_effects);
        return NGX_ERROR;
    }

    *duties = ngx_array_create(r->pool, decision->neffects,
                               sizeof(ngx_http_weir_duty_t));
    if (*duties == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < decision->neffects; i++) {

        weir_policy_effect(image, policy, decision->effects[i], &e);

        duty = ngx_array_push(*duties);

        if (ngx_http_weir_policy_duty(r, mcf->finders, &e, duty) != NGX_OK) {
            *duties = NULL;
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_policy_duty(ngx_http_request_t *r,
    const ngx_http_weir_finders_t *finders, const weir_policy_effect_t *e,
    ngx_http_weir_duty_t *duty)
{
    ngx_memzero(duty, sizeof(ngx_http_weir_duty_t));

    duty->kind = e->kind;
    duty->number = (ngx_int_t) e->number;

    if (ngx_http_weir_policy_copy(r, e->name, &duty->name) != NGX_OK
        || ngx_http_weir_policy_copy(r, e->value, &duty->value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (e->kind) {

    case WEIR_POLICY_LIMIT:
    case WEIR_POLICY_SPLIT:
    case WEIR_POLICY_SLO:

        duty->object = ngx_http_weir_find(finders, e->kind, e->name, e->value,
                                          &duty->index);
        if (duty->object == NULL) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "weir: a policy obliges to \"%s %V\", of which "
                          "nginx.conf says nothing",
                          weir_policy_effect_name(e->kind), &duty->name);
            return NGX_ERROR;
        }

        return NGX_OK;

    case WEIR_POLICY_SET_HEADER:

        duty->lowcase.len = duty->name.len;
        duty->lowcase.data = ngx_pnalloc(r->pool, duty->name.len);

        if (duty->lowcase.data == NULL) {
            return NGX_ERROR;
        }

        ngx_strlow(duty->lowcase.data, duty->name.data, duty->name.len);

        return NGX_OK;

    default:
        return NGX_OK;
    }
}


/* Zero terminated. */

static ngx_int_t
ngx_http_weir_policy_copy(ngx_http_request_t *r, weir_str_t s,
    ngx_str_t *copy)
{
    copy->len = s.len;
    copy->data = ngx_pnalloc(r->pool, s.len + 1);

    if (copy->data == NULL) {
        return NGX_ERROR;
    }

    if (s.len) {
        ngx_memcpy(copy->data, s.data, s.len);
    }

    copy->data[s.len] = '\0';

    return NGX_OK;
}
