
/*
 * Weir: warns of a colour that has no upstream, before traffic finds out.
 *
 * nginx keeps a proxy_pass with variables only as compiled code of its own, so
 * its text is noted while the configuration is read: for that long the
 * directive's handler is ours, which calls nginx's.
 */

#include "ngx_http_weir_split_internal.h"


static char *ngx_http_weir_split_pass(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void ngx_http_weir_split_unwatch(void *data);
static void ngx_http_weir_split_check_pass(ngx_conf_t *cf,
    ngx_http_weir_split_pass_t *pass, ngx_http_weir_split_t *split);
static ngx_uint_t ngx_http_weir_split_upstream(ngx_conf_t *cf,
    ngx_str_t *host);


static ngx_command_t  *ngx_http_weir_split_proxy_pass;
static char           *(*ngx_http_weir_split_set)(ngx_conf_t *cf,
                                         ngx_command_t *cmd, void *conf);


ngx_int_t
ngx_http_weir_split_watch(ngx_conf_t *cf)
{
    ngx_uint_t           i;
    ngx_command_t       *cmd;
    ngx_pool_cleanup_t  *cln;

    for (i = 0; cf->cycle->modules[i]; i++) {

        if (ngx_strcmp(cf->cycle->modules[i]->name, "ngx_http_proxy_module")
            != 0)
        {
            continue;
        }

        for (cmd = cf->cycle->modules[i]->commands; cmd->name.len; cmd++) {

            if (ngx_strcmp(cmd->name.data, "proxy_pass") != 0) {
                continue;
            }

            /* a failed configuration goes with its pool, and so does this */

            cln = ngx_pool_cleanup_add(cf->pool, 0);
            if (cln == NULL) {
                return NGX_ERROR;
            }

            cln->handler = ngx_http_weir_split_unwatch;

            if (cmd->set != ngx_http_weir_split_pass) {
                ngx_http_weir_split_proxy_pass = cmd;
                ngx_http_weir_split_set = cmd->set;
                cmd->set = ngx_http_weir_split_pass;
            }

            return NGX_OK;
        }
    }

    return NGX_OK;
}


static void
ngx_http_weir_split_unwatch(void *data)
{
    if (ngx_http_weir_split_proxy_pass) {
        ngx_http_weir_split_proxy_pass->set = ngx_http_weir_split_set;
        ngx_http_weir_split_proxy_pass = NULL;
    }
}


static char *
ngx_http_weir_split_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                        *value;
    ngx_http_weir_split_pass_t       *pass;
    ngx_http_weir_split_main_conf_t  *smcf;

    value = cf->args->elts;

    if (ngx_strstr(value[1].data, "weir_split_") != NULL) {

        smcf = ngx_http_conf_get_module_main_conf(cf,
                                                  ngx_http_weir_split_module);

        pass = ngx_array_push(&smcf->passes);
        if (pass == NULL) {
            return NGX_CONF_ERROR;
        }

        pass->file = cf->conf_file->file.name.data;
        pass->line = cf->conf_file->line;

        /* nginx's handler cuts it */

        pass->url.len = value[1].len;
        pass->url.data = ngx_pstrdup(cf->pool, &value[1]);
        if (pass->url.data == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_weir_split_set(cf, cmd, conf);
}


void
ngx_http_weir_split_check(ngx_conf_t *cf)
{
    ngx_uint_t                         i, k;
    ngx_http_weir_split_t            **split;
    ngx_http_weir_split_pass_t        *pass;
    ngx_http_weir_split_main_conf_t   *smcf;

    ngx_http_weir_split_unwatch(NULL);

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_split_module);
    split = smcf->splits.elts;
    pass = smcf->passes.elts;

    for (i = 0; i < smcf->passes.nelts; i++) {
        for (k = 0; k < smcf->splits.nelts; k++) {
            ngx_http_weir_split_check_pass(cf, &pass[i], split[k]);
        }
    }
}


/*
 * Only SCHEME://X-$weir_split_NAME, with a path or without; a host with a dot
 * or a port may be one that a resolver knows.
 */

static void
ngx_http_weir_split_check_pass(ngx_conf_t *cf,
    ngx_http_weir_split_pass_t *pass, ngx_http_weir_split_t *split)
{
    u_char      *p, *start, *last, *end, *v, buf[256];
    uint32_t     i;
    ngx_str_t    host, colour;

    last = pass->url.data + pass->url.len;

    start = ngx_strlchr(pass->url.data, last, ':');

    if (start == NULL || last - start < 3 || start[1] != '/'
        || start[2] != '/')
    {
        return;
    }

    start += 3;

    v = ngx_strlchr(start, last, '$');

    if (v == NULL) {
        return;
    }

    p = v + 1;

    if (p < last && *p == '{') {
        p++;
    }

    if ((size_t) (last - p) < split->variable.len
        || ngx_strncasecmp(p, split->variable.data, split->variable.len) != 0)
    {
        return;
    }

    end = p + split->variable.len;

    if (v[1] == '{') {
        if (end == last || *end != '}') {
            return;
        }

        end++;
    }

    if (end < last && *end != '/') {
        return;
    }

    for (p = start; p < v; p++) {
        if (*p == '.' || *p == '/' || *p == ':') {
            return;
        }
    }

    for (i = 0; i < split->split.ncolours; i++) {

        colour.len = split->split.colours[i].name.len;
        colour.data = (u_char *) split->split.colours[i].name.data;

        if ((size_t) (v - start) + colour.len > sizeof(buf)) {
            continue;
        }

        p = ngx_cpymem(buf, start, v - start);
        p = ngx_cpymem(p, colour.data, colour.len);

        host.data = buf;
        host.len = p - buf;

        if (!ngx_http_weir_split_upstream(cf, &host)) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "no upstream \"%V\" for colour \"%V\" of weir_split "
                          "\"%V\" in %s:%ui", &host, &colour, &split->name,
                          pass->file, pass->line);
        }
    }
}


static ngx_uint_t
ngx_http_weir_split_upstream(ngx_conf_t *cf, ngx_str_t *host)
{
    ngx_uint_t                       i;
    ngx_http_upstream_srv_conf_t   **uscf;
    ngx_http_upstream_main_conf_t   *umcf;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    uscf = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if (uscf[i]->host.len == host->len
            && ngx_strncasecmp(uscf[i]->host.data, host->data, host->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}
