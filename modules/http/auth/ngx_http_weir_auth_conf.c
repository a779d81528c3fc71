
/*
 * Weir: weir_auth and weir_identity_header.
 */

#include "ngx_http_weir_auth_internal.h"
#include "weir_field.h"


static char *ngx_http_weir_auth_resolve_set(ngx_conf_t *cf,
    ngx_http_weir_auth_loc_conf_t *alcf, ngx_http_weir_auth_set_t *set);
static char *ngx_http_weir_auth_resolve_add(ngx_conf_t *cf,
    ngx_http_weir_auth_loc_conf_t *alcf, ngx_http_weir_auth_issuer_t *issuer);


ngx_http_weir_auth_issuer_t *
ngx_http_weir_auth_find(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                       i;
    ngx_http_weir_auth_issuer_t    **issuer;
    ngx_http_weir_auth_main_conf_t  *amcf;

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_auth_module);
    issuer = amcf->issuers.elts;

    for (i = 0; i < amcf->issuers.nelts; i++) {
        if (issuer[i]->name.len == name->len
            && ngx_memcmp(issuer[i]->name.data, name->data, name->len) == 0)
        {
            return issuer[i];
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_weir_auth_same_way(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}


/* weir_auth WAY... [optional] | off */

char *
ngx_http_weir_auth_ways(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_auth_loc_conf_t *alcf = conf;

    ngx_str_t                 *value, *way, *ways;
    ngx_uint_t                 i, k, n, join;
    ngx_http_weir_auth_set_t  *set;
    ngx_http_weir_loc_conf_t  *lcf;

    ngx_http_weir_uses(cf);

    if (alcf->set) {
        return "is duplicate";
    }

    lcf = ngx_http_weir_conf(cf);
    value = cf->args->elts;
    n = cf->args->nelts;

    if (n == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        alcf->set = 1;
        lcf->auth_set = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[n - 1].data, "optional") == 0) {
        alcf->optional = 1;
        n--;
    }

    alcf->set = 2;
    alcf->file = cf->conf_file->file.name.data;
    alcf->line = cf->conf_file->line;
    alcf->sets = ngx_array_create(cf->pool, 2,
                                  sizeof(ngx_http_weir_auth_set_t));

    if (alcf->sets == NULL) {
        return NGX_CONF_ERROR;
    }

    lcf->auth_set = 2;

    set = NULL;
    join = 0;

    for (i = 1; i < n; i++) {

        if (ngx_strcmp(value[i].data, "+") == 0) {

            if (set == NULL || join) {
                return "has a \"+\" without a way before it";
            }

            join = 1;
            continue;
        }

        if (ngx_strcmp(value[i].data, "mtls") == 0
            || ngx_strcmp(value[i].data, "apikey") == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"weir_auth %V\" comes with a later release "
                               "of Weir", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (!ngx_http_weir_name(cf, "issuer", &value[i])) {
            return NGX_CONF_ERROR;
        }

        if (!join) {
            set = ngx_array_push(alcf->sets);

            if (set == NULL
                || ngx_array_init(&set->ways, cf->pool, 2, sizeof(ngx_str_t))
                   != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            set->issuer = NULL;
        }

        join = 0;

        way = ngx_array_push(&set->ways);
        if (way == NULL) {
            return NGX_CONF_ERROR;
        }

        *way = value[i];

        ways = set->ways.elts;

        for (k = 0; k < set->ways.nelts - 1; k++) {
            if (ngx_http_weir_auth_same_way(&ways[k], way)) {
                goto duplicate;
            }
        }
    }

    if (set == NULL) {
        return "names no way";
    }

    if (join) {
        return "has a \"+\" without a way behind it";
    }

    set = alcf->sets->elts;

    for (i = 0; i < alcf->sets->nelts; i++) {
        for (k = 0; k < i; k++) {

            way = set[i].ways.elts;

            if (set[i].ways.nelts == 1 && set[k].ways.nelts == 1
                && ngx_http_weir_auth_same_way(set[k].ways.elts, way))
            {
                goto duplicate;
            }
        }
    }

    return NGX_CONF_OK;

duplicate:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "way \"%V\" is duplicate", way);

    return NGX_CONF_ERROR;
}


/* Names become issuers, when all of them are known. */

char *
ngx_http_weir_auth_resolve(ngx_conf_t *cf,
    ngx_http_weir_auth_loc_conf_t *alcf)
{
    ngx_uint_t                 i, n;
    ngx_http_weir_auth_set_t  *set;

    n = 0;
    set = alcf->sets->elts;

    for (i = 0; i < alcf->sets->nelts; i++) {
        n += set[i].ways.nelts;
    }

    alcf->nissuers = 0;
    alcf->issuers = ngx_pcalloc(cf->pool,
                                n * sizeof(ngx_http_weir_auth_issuer_t *));
    alcf->verify = ngx_pcalloc(cf->pool, n * sizeof(weir_issuer_t *));
    alcf->names = ngx_array_create(cf->pool, n, sizeof(ngx_str_t));

    if (alcf->issuers == NULL || alcf->verify == NULL || alcf->names == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < alcf->sets->nelts; i++) {
        if (ngx_http_weir_auth_resolve_set(cf, alcf, &set[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_auth_resolve_set(ngx_conf_t *cf,
    ngx_http_weir_auth_loc_conf_t *alcf, ngx_http_weir_auth_set_t *set)
{
    ngx_str_t                    *way;
    ngx_uint_t                    i, n;
    ngx_http_weir_auth_issuer_t  *issuer;

    n = alcf->nissuers;
    way = set->ways.elts;

    for (i = 0; i < set->ways.nelts; i++) {
        issuer = ngx_http_weir_auth_find(cf, &way[i]);

        if (issuer == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "unknown issuer \"%V\" in \"weir_auth\" in %s:%ui",
                          &way[i], alcf->file, alcf->line);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_weir_auth_resolve_add(cf, alcf, issuer)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        if (set->ways.nelts == 1) {
            set->issuer = issuer;
        }
    }

    if (set->ways.nelts > 1 && alcf->nissuers - n > 1) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"weir_auth\" asks for the tokens of two issuers in "
                      "one Authorization field, nobody can have both, in "
                      "%s:%ui", alcf->file, alcf->line);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_auth_resolve_add(ngx_conf_t *cf,
    ngx_http_weir_auth_loc_conf_t *alcf, ngx_http_weir_auth_issuer_t *issuer)
{
    ngx_uint_t   i;
    ngx_str_t   *name;

    for (i = 0; i < alcf->nissuers; i++) {

        if (alcf->issuers[i] == issuer) {
            return NGX_CONF_OK;
        }

        if (weir_str_eq(alcf->issuers[i]->issuer.issuer,
                        issuer->issuer.issuer))
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "issuers \"%V\" and \"%V\" in \"weir_auth\" have "
                          "the same \"issuer\" in %s:%ui",
                          &alcf->issuers[i]->name, &issuer->name,
                          alcf->file, alcf->line);
            return NGX_CONF_ERROR;
        }
    }

    name = ngx_array_push(alcf->names);
    if (name == NULL) {
        return NGX_CONF_ERROR;
    }

    *name = issuer->name;

    alcf->issuers[alcf->nissuers] = issuer;
    alcf->verify[alcf->nissuers] = &issuer->issuer;
    alcf->nissuers++;

    return NGX_CONF_OK;
}


/* weir_identity_header NAME VALUE | off */

char *
ngx_http_weir_auth_identity_header(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_weir_auth_loc_conf_t *alcf = conf;

    ngx_str_t                       *value;
    weir_str_t                       name;
    ngx_uint_t                       i;
    ngx_http_weir_auth_header_t     *header, *h;
    ngx_http_weir_auth_main_conf_t  *amcf;

    /* of these the client's own is needed, or nginx writes them itself */

    static const char  *reserved[] = {
        "authorization", "connection", "content-length", "cookie", "host",
        "te", "trailer", "transfer-encoding", "upgrade", "traceparent",
        "tracestate", "x-request-id", "x-client-request-id", NULL
    };

    ngx_http_weir_use(cf);

    value = cf->args->elts;

    if (cf->args->nelts == 2) {

        if (ngx_strcmp(value[1].data, "off") != 0) {
            return "needs a name and a value, or \"off\"";
        }

        if (alcf->headers || alcf->headers_off != NGX_CONF_UNSET) {
            return "is duplicate";
        }

        alcf->headers_off = 1;

        return NGX_CONF_OK;
    }

    if (alcf->headers_off != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    if (value[1].len == 0) {
        return "needs a header's name";
    }

    name = ngx_http_weir_str(&value[1]);

    if (!weir_field_valid(name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid header name \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    for (i = 0; reserved[i]; i++) {
        if (weir_field_same(weir_cstr(reserved[i]), name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" cannot be an identity header",
                               &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_auth_module);
    amcf->headers = 1;

    if (alcf->headers == NULL) {
        alcf->headers = ngx_array_create(cf->pool, 2,
                                         sizeof(ngx_http_weir_auth_header_t));
        if (alcf->headers == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    h = alcf->headers->elts;

    for (i = 0; i < alcf->headers->nelts; i++) {
        if (weir_field_same(ngx_http_weir_str(&h[i].name), name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "identity header \"%V\" is duplicate",
                               &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    header = ngx_array_push(alcf->headers);
    if (header == NULL) {
        return NGX_CONF_ERROR;
    }

    header->name = value[1];
    header->lowcase.len = value[1].len;
    header->lowcase.data = ngx_pnalloc(cf->pool, value[1].len);

    if (header->lowcase.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_strlow(header->lowcase.data, value[1].data, value[1].len);

    if (ngx_http_weir_value_compile(cf, &value[2], &header->value)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_weir_strip_add(cf, &header->name) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}
