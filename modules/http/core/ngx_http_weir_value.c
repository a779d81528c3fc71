
/*
 * Weir: values that a configuration writes with variables in them.
 *
 * Most are one variable alone.  nginx's scripts ask it twice, for its length
 * and then for its bytes, and copy them; here it is asked once.
 */

#include "ngx_http_weir.h"


static ngx_uint_t ngx_http_weir_value_alone(ngx_str_t *text, ngx_str_t *name);


char *
ngx_http_weir_value_compile(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_weir_value_t *value)
{
    ngx_str_t                          name;
    ngx_http_compile_complex_value_t   ccv;

    ngx_memzero(value, sizeof(ngx_http_weir_value_t));

    value->index = NGX_ERROR;

    if (ngx_http_weir_value_alone(text, &name)) {
        value->index = ngx_http_get_variable_index(cf, &name);
        if (value->index == NGX_ERROR) {
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = &value->script;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


/* "$name" or "${name}"; "$1" is a capture, and no variable */

static ngx_uint_t
ngx_http_weir_value_alone(ngx_str_t *text, ngx_str_t *name)
{
    u_char      c;
    ngx_uint_t  i;

    if (text->len < 2 || text->data[0] != '$') {
        return 0;
    }

    name->data = text->data + 1;
    name->len = text->len - 1;

    if (name->data[0] == '{' && name->data[name->len - 1] == '}') {
        name->data++;
        name->len -= 2;
    }

    if (name->len == 0 || (name->data[0] >= '0' && name->data[0] <= '9')) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_'))
        {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_weir_value(ngx_http_request_t *r, ngx_http_weir_value_t *value,
    ngx_str_t *s)
{
    ngx_http_variable_value_t  *v;

    if (value->index == NGX_ERROR) {
        return ngx_http_complex_value(r, &value->script, s);
    }

    v = ngx_http_get_flushed_variable(r, value->index);

    if (v == NULL || v->not_found) {
        ngx_str_null(s);
        return NGX_OK;
    }

    s->len = v->len;
    s->data = v->data;

    return NGX_OK;
}
