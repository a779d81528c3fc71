
/*
 * Weir: the weir_split directive.
 */

#include "ngx_http_weir_split_internal.h"
#include "weir_addr.h"
#include "weir_field.h"


static char *ngx_http_weir_split_parameter(ngx_conf_t *cf,
    ngx_http_weir_split_t *split, ngx_str_t *value);
static char *ngx_http_weir_split_key(ngx_conf_t *cf,
    ngx_http_weir_split_t *split, ngx_str_t *value, ngx_str_t *text);
static char *ngx_http_weir_split_cookie(ngx_conf_t *cf,
    ngx_http_weir_split_t *split, ngx_str_t *value, ngx_str_t *text);
static char *ngx_http_weir_split_register(ngx_conf_t *cf,
    ngx_http_weir_split_main_conf_t *smcf, ngx_http_weir_split_t *split);
static char *ngx_http_weir_split_colour_line(ngx_conf_t *cf,
    ngx_command_t *dummy, void *conf);


/* weir_split NAME key=V [salt=S] [header=H] [cookie=C] { COLOUR WEIGHT; } */

char *
ngx_http_weir_split(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_split_main_conf_t *smcf = conf;

    char                   *rv;
    ngx_str_t              *value;
    ngx_uint_t              i;
    ngx_http_weir_split_t  *split;

    ngx_http_weir_use(cf);

    value = cf->args->elts;

    if (!ngx_http_weir_name(cf, "split", &value[1])) {
        return NGX_CONF_ERROR;
    }

    split = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_split_t));
    if (split == NULL) {
        return NGX_CONF_ERROR;
    }

    split->name = value[1];

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_weir_split_parameter(cf, split, &value[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (!split->has_key) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"key=\" is missing in weir_split \"%V\"",
                           &split->name);
        return NGX_CONF_ERROR;
    }

    if (split->salt.data == NULL) {
        split->salt = split->name;
    }

    if (ngx_http_weir_split_register(cf, smcf, split) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_weir_block(cf, split, ngx_http_weir_split_colour_line);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (!split->rest) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the last line of weir_split \"%V\" must be "
                           "\"COLOUR *\"", &split->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_split_parameter(ngx_conf_t *cf, ngx_http_weir_split_t *split,
    ngx_str_t *value)
{
    u_char       c, *p;
    ngx_str_t    text;
    ngx_uint_t   i;

    p = ngx_strlchr(value->data, value->data + value->len, '=');

    if (p == NULL) {
        return ngx_http_weir_invalid(cf, value);
    }

    text.data = p + 1;
    text.len = value->data + value->len - text.data;

    if (text.len == 0) {
        return ngx_http_weir_invalid(cf, value);
    }

    if (ngx_strncmp(value->data, "key=", 4) == 0) {
        return ngx_http_weir_split_key(cf, split, value, &text);
    }

    if (ngx_strncmp(value->data, "salt=", 5) == 0) {

        if (split->salt.data) {
            return ngx_http_weir_duplicate(cf, value);
        }

        split->salt = text;

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "header=", 7) == 0) {

        if (split->header.data) {
            return ngx_http_weir_duplicate(cf, value);
        }

        split->header.len = text.len;
        split->header.data = ngx_pnalloc(cf->pool, text.len);
        if (split->header.data == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_strlow(split->header.data, text.data, text.len);

        for (i = 0; i < text.len; i++) {
            c = split->header.data[i];

            if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') {
                return ngx_http_weir_invalid(cf, value);
            }
        }

        /* never a client's: it is stripped before anything reads it */

        if (text.len > 7 && ngx_strncmp(split->header.data, "x-weir-", 7) == 0)
        {
            return ngx_http_weir_invalid(cf, value);
        }

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "cookie=", 7) == 0) {

        if (split->cookie.data) {
            return ngx_http_weir_duplicate(cf, value);
        }

        return ngx_http_weir_split_cookie(cf, split, value, &text);
    }

    return ngx_http_weir_invalid(cf, value);
}


static char *
ngx_http_weir_split_key(ngx_conf_t *cf, ngx_http_weir_split_t *split,
    ngx_str_t *value, ngx_str_t *text)
{
    weir_str_t  key;

    if (split->has_key) {
        return ngx_http_weir_duplicate(cf, value);
    }

    split->has_key = 1;

    key = ngx_http_weir_str(text);

    if (weir_addr_is_key(key)) {
        split->prefix = 1;
        return NGX_CONF_OK;
    }

    return ngx_http_weir_value_compile(cf, text, &split->key);
}


/* Read as nginx's $cookie_NAME is, whose way to look changed over releases. */

static char *
ngx_http_weir_split_cookie(ngx_conf_t *cf, ngx_http_weir_split_t *split,
    ngx_str_t *value, ngx_str_t *text)
{
    u_char  *p;

    if (!weir_field_valid(ngx_http_weir_str(text))) {
        return ngx_http_weir_invalid(cf, value);
    }

    p = ngx_pnalloc(cf->pool, sizeof("cookie_") - 1 + text->len);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    split->cookie.data = p;

    p = ngx_cpymem(p, "cookie_", sizeof("cookie_") - 1);
    p = ngx_cpymem(p, text->data, text->len);

    split->cookie.len = p - split->cookie.data;
    split->cookie_hash = ngx_hash_key(split->cookie.data, split->cookie.len);

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_split_register(ngx_conf_t *cf,
    ngx_http_weir_split_main_conf_t *smcf, ngx_http_weir_split_t *split)
{
    u_char                  *p;
    ngx_str_t               *name;
    ngx_uint_t               i;
    ngx_http_variable_t     *var;
    ngx_http_weir_split_t  **splits;

    name = &split->variable;

    name->len = sizeof("weir_split_") - 1 + split->name.len;
    name->data = ngx_pnalloc(cf->pool, name->len);
    if (name->data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(name->data, "weir_split_", sizeof("weir_split_") - 1);

    for (i = 0; i < split->name.len; i++) {
        *p++ = (split->name.data[i] == '-') ? '_' : split->name.data[i];
    }

    splits = smcf->splits.elts;

    for (i = 0; i < smcf->splits.nelts; i++) {

        if (splits[i]->variable.len != name->len
            || ngx_memcmp(splits[i]->variable.data, name->data, name->len)
               != 0)
        {
            continue;
        }

        if (splits[i]->name.len == split->name.len
            && ngx_memcmp(splits[i]->name.data, split->name.data,
                          split->name.len)
               == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "weir_split \"%V\" is duplicate",
                               &split->name);
        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "weir_split \"%V\" and weir_split \"%V\" have "
                               "the same variable \"$%V\"", &split->name,
                               &splits[i]->name, name);
        }

        return NGX_CONF_ERROR;
    }

    split->index = smcf->splits.nelts;

    splits = ngx_array_push(&smcf->splits);
    if (splits == NULL) {
        return NGX_CONF_ERROR;
    }

    *splits = split;

    var = ngx_http_add_variable(cf, name, NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_CONF_ERROR;
    }

    var->get_handler = ngx_http_weir_split_variable;
    var->data = split->index;

    return NGX_CONF_OK;
}


/* COLOUR 5%; or, last, COLOUR *; */

static char *
ngx_http_weir_split_colour_line(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf)
{
    ngx_http_weir_split_t *split = conf;

    int          rc;
    uint32_t     i, weight, sum;
    ngx_str_t   *value;
    weir_str_t   name, text;

    value = cf->args->elts;

    if (cf->args->nelts != 2) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number of arguments in weir_split \"%V\", "
                           "a line is COLOUR WEIGHT", &split->name);
        return NGX_CONF_ERROR;
    }

    if (!ngx_http_weir_name(cf, "colour", &value[0])) {
        return NGX_CONF_ERROR;
    }

    if (split->rest) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"*\" must be in the last line of weir_split "
                           "\"%V\"", &split->name);
        return NGX_CONF_ERROR;
    }

    text = ngx_http_weir_str(&value[1]);

    weight = 0;
    rc = weir_split_weight(text, &weight);

    if (rc == WEIR_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid weight \"%V\", it must be 0%% to 100%% in "
                           "steps of 0.01%%, or \"*\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    name = ngx_http_weir_str(&value[0]);

    switch (weir_split_add(&split->split, name)) {

    case WEIR_OK:
        break;

    case WEIR_DECLINED:
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "colour \"%V\" is duplicate", &value[0]);
        return NGX_CONF_ERROR;

    default:
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d colours in weir_split \"%V\"",
                           WEIR_SPLIT_COLOURS, &split->name);
        return NGX_CONF_ERROR;
    }

    if (rc == WEIR_DECLINED) {
        split->rest = 1;
        return NGX_CONF_OK;
    }

    split->weights[split->split.ncolours - 1] = weight;

    sum = 0;

    for (i = 0; i < split->split.ncolours; i++) {
        sum += split->weights[i];
    }

    if (sum > WEIR_SPLIT_WHOLE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "with \"%V\" the weights of weir_split \"%V\" are "
                           "more than 100%%", &value[1], &split->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* The configuration is read: the secret is known, and so are all colours. */

ngx_int_t
ngx_http_weir_split_resolve(ngx_conf_t *cf)
{
    u_char                            *p;
    uint32_t                           k;
    ngx_str_t                          name;
    ngx_uint_t                         i;
    weir_str_t                         salt, colour;
    weir_split_t                       named;
    weir_hash_key_t                    key;
    ngx_http_weir_split_t            **split;
    ngx_http_weir_split_main_conf_t   *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_split_module);
    split = smcf->splits.elts;

    if (ngx_http_weir_secret(cf, "split", key.bytes) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < smcf->splits.nelts; i++) {

        named = split[i]->split;

        salt = ngx_http_weir_str(&split[i]->salt);

        weir_split_init(&split[i]->split, &key, salt);

        for (k = 0; k < named.ncolours; k++) {

            colour = named.colours[k].name;
            (void) weir_split_add(&split[i]->split, colour);

            name.len = split[i]->name.len + 1 + colour.len;
            name.data = ngx_pnalloc(cf->pool, name.len);
            if (name.data == NULL) {
                return NGX_ERROR;
            }

            p = ngx_cpymem(name.data, split[i]->name.data,
                           split[i]->name.len);
            *p++ = '/';
            ngx_memcpy(p, colour.data, colour.len);

            /* by name: another order after a reload changes nothing */

            split[i]->counters[k] = ngx_http_weir_slab_add(cf, "split", &name,
                                                           sizeof(uint64_t));
            if (split[i]->counters[k] == NULL) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}
