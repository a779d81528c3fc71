
/*
 * Weir: what the directives of all areas share: names, blocks, slots, the
 * node's name, the secret.
 */

#include "ngx_http_weir_core.h"
#include "weir_hash.h"

#include <openssl/evp.h>


#define NGX_HTTP_WEIR_SECRET_MIN  32      /* bytes */
#define NGX_HTTP_WEIR_SECRET_MAX  4096


typedef struct {
    char  *(*handler)(ngx_conf_t *cf, ngx_command_t *dummy, void *conf);
    void    *conf;
} ngx_http_weir_block_ctx_t;


static char *ngx_http_weir_block_handler(ngx_conf_t *cf,
    ngx_command_t *dummy, void *conf);


static struct {
    ngx_str_t   name;
    ngx_uint_t  allow;
} ngx_http_weir_spellings[] = {
    { ngx_string("%2f"), WEIR_PATH_ALLOW_ENC_SLASH },
    { ngx_string("//"), WEIR_PATH_ALLOW_DOUBLE_SLASH },
    { ngx_string(";"), WEIR_PATH_ALLOW_SEMICOLON },
    { ngx_string("%3b"), WEIR_PATH_ALLOW_ENC_SEMICOLON },
    { ngx_string("%25"), WEIR_PATH_ALLOW_ENC_PERCENT },
    { ngx_string("%5c"), WEIR_PATH_ALLOW_ENC_BACKSLASH },
    { ngx_string("%23"), WEIR_PATH_ALLOW_ENC_HASH },
    { ngx_string("%2e"), WEIR_PATH_ALLOW_ENC_DOT },
    { ngx_null_string, 0 }
};


char *
ngx_http_weir_flag_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_use(cf);

    return ngx_conf_set_flag_slot(cf, cmd, conf);
}


char *
ngx_http_weir_enum_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_use(cf);

    return ngx_conf_set_enum_slot(cf, cmd, conf);
}


/* A directive that the design names and this release does not have. */

char *
ngx_http_weir_later(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" comes with a later release of Weir", &cmd->name);

    return NGX_CONF_ERROR;
}


char *
ngx_http_weir_invalid(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       value);

    return NGX_CONF_ERROR;
}


char *
ngx_http_weir_duplicate(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate parameter \"%V\"",
                       value);

    return NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_weir_variables_add(ngx_conf_t *cf, ngx_http_variable_t *v)
{
    ngx_http_variable_t  *var;

    for ( /* void */ ; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_weir_handler_add(ngx_conf_t *cf, ngx_uint_t phase,
    ngx_http_handler_pt handler)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[phase].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = handler;

    return NGX_OK;
}


char *
ngx_http_weir_block(ngx_conf_t *cf, void *conf,
    char *(*handler)(ngx_conf_t *cf, ngx_command_t *dummy, void *conf))
{
    char                       *rv;
    ngx_conf_t                  save;
    ngx_http_weir_block_ctx_t   ctx;

    ctx.handler = handler;
    ctx.conf = conf;

    save = *cf;

    cf->handler = ngx_http_weir_block_handler;
    cf->handler_conf = (char *) &ctx;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


static char *
ngx_http_weir_block_handler(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    ngx_http_weir_block_ctx_t *ctx = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[0].data, "include") == 0) {
        return ngx_conf_include(cf, dummy, conf);
    }

    return ctx->handler(cf, dummy, ctx->conf);
}


ngx_uint_t
ngx_http_weir_name(ngx_conf_t *cf, const char *what, ngx_str_t *s)
{
    weir_str_t  name;

    name = ngx_http_weir_str(s);

    if (weir_name_valid(name)) {
        return 1;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid %s name \"%V\": a name is [a-z0-9] and then "
                       "up to 62 of [a-z0-9_-], and none of off, optional, "
                       "shadow, mtls, apikey, default, none", what, s);

    return 0;
}


/* weir_service NAME */

char *
ngx_http_weir_service(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    ngx_http_weir_use(cf);

    if (lcf->service.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (!ngx_http_weir_name(cf, "service", &value[1])) {
        return NGX_CONF_ERROR;
    }

    lcf->service = value[1];

    return NGX_CONF_OK;
}


/* weir_path_allow SPELLING... */

char *
ngx_http_weir_path_allow(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_loc_conf_t *lcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i, n;

    ngx_http_weir_use(cf);

    if (lcf->path_allow != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    lcf->path_allow = 0;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        for (n = 0; ngx_http_weir_spellings[n].name.len; n++) {
            if (value[i].len == ngx_http_weir_spellings[n].name.len
                && ngx_strncasecmp(value[i].data,
                                   ngx_http_weir_spellings[n].name.data,
                                   value[i].len)
                   == 0)
            {
                break;
            }
        }

        if (ngx_http_weir_spellings[n].name.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid spelling \"%V\", one of %%2f // ; "
                               "%%3b %%25 %%5c %%23 %%2e is meant", &value[i]);
            return NGX_CONF_ERROR;
        }

        lcf->path_allow |= ngx_http_weir_spellings[n].allow;
    }

    return NGX_CONF_OK;
}


/* weir_node NAME */

char *
ngx_http_weir_node(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_main_conf_t *mcf = conf;

    ngx_str_t  *value;

    ngx_http_weir_use(cf);

    if (mcf->node.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (!ngx_http_weir_name(cf, "node", &value[1])) {
        return NGX_CONF_ERROR;
    }

    mcf->node = value[1];

    return NGX_CONF_OK;
}


/* The host's name, and what tells two gateways on one host apart. */

ngx_int_t
ngx_http_weir_node_default(ngx_conf_t *cf, ngx_http_weir_main_conf_t *mcf)
{
    u_char           *p, hash[EVP_MAX_MD_SIZE];
    unsigned          len;
    ngx_str_t         pid;
    ngx_core_conf_t  *ccf;

    if (mcf->node.len) {
        return NGX_OK;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);
    pid = ccf->pid;

    /* the core's own default comes only after the configuration is read */

    if (pid.len == 0) {
        ngx_str_set(&pid, NGX_PID_PATH);
    }

    if (ngx_conf_full_name(cf->cycle, &pid, 0) != NGX_OK
        || EVP_Digest(pid.data, pid.len, hash, &len, EVP_sha256(), NULL) != 1)
    {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(cf->pool, cf->cycle->hostname.len + 1 + 8);
    if (p == NULL) {
        return NGX_ERROR;
    }

    mcf->node.data = p;

    p = ngx_cpymem(p, cf->cycle->hostname.data, cf->cycle->hostname.len);
    *p++ = '-';
    weir_hex(p, hash, 4);

    mcf->node.len = p + 8 - mcf->node.data;

    return NGX_OK;
}


ngx_str_t *
ngx_http_weir_conf_node(ngx_conf_t *cf)
{
    return &ngx_http_weir_main(cf)->node;
}


ngx_str_t *
ngx_http_weir_node_name(ngx_cycle_t *cycle)
{
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_weir_module);

    return &mcf->node;
}


void
ngx_http_weir_namespace(ngx_conf_t *cf, ngx_str_t *ns)
{
    ngx_http_weir_main(cf)->ns = *ns;
}


ngx_int_t
ngx_http_weir_read(ngx_conf_t *cf, const char *what, ngx_str_t *name,
    size_t max, ngx_str_t *text)
{
    ssize_t           n;
    ngx_fd_t          fd;
    ngx_int_t         rc;
    ngx_file_info_t   fi;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    /* a pipe that nobody writes to is not waited for */

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);
        goto done;
    }

    if (!ngx_is_file(&fi) || ngx_file_size(&fi) > (off_t) max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s \"%V\" is no file, or is larger than %uz "
                           "bytes", what, name, max);
        goto done;
    }

    /* one byte more shows a file that has grown meanwhile */

    text->data = ngx_pnalloc(cf->pool, ngx_file_size(&fi) + 1);
    if (text->data == NULL) {
        goto done;
    }

    n = ngx_read_fd(fd, text->data, ngx_file_size(&fi) + 1);

    if (n != ngx_file_size(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, n == -1 ? ngx_errno : 0,
                           ngx_read_fd_n " \"%V\" failed, or the file changed "
                           "meanwhile", name);
        goto done;
    }

    text->len = n;
    rc = NGX_OK;

done:

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}


/* weir_secret FILE */

char *
ngx_http_weir_secret_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_main_conf_t *mcf = conf;

    ngx_str_t  *value, file, secret;

    ngx_http_weir_use(cf);

    if (mcf->secret.len) {
        return "is duplicate";
    }

    value = cf->args->elts;
    file = value[1];

    if (ngx_http_weir_read(cf, "secret", &file, NGX_HTTP_WEIR_SECRET_MAX,
                           &secret)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (secret.len < NGX_HTTP_WEIR_SECRET_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the secret in \"%V\" has %uz bytes, %d to %d are "
                           "needed", &file, secret.len,
                           NGX_HTTP_WEIR_SECRET_MIN,
                           NGX_HTTP_WEIR_SECRET_MAX);
        return NGX_CONF_ERROR;
    }

    mcf->secret = secret;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_weir_secret(ngx_conf_t *cf, const char *purpose, u_char *key)
{
    u_char                      hash[EVP_MAX_MD_SIZE];
    unsigned                    len;
    ngx_int_t                   rc;
    ngx_str_t                   ns;
    EVP_MD_CTX                 *md;
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_http_weir_main(cf);

    ns = mcf->ns;

    if (ns.len == 0) {
        ngx_str_set(&ns, "weir");
    }

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NGX_ERROR;
    }

    /* without a secret: the namespace's name */

    rc = (EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
          && EVP_DigestUpdate(md, purpose, ngx_strlen(purpose) + 1) == 1
          && (mcf->secret.len
              ? EVP_DigestUpdate(md, mcf->secret.data, mcf->secret.len)
              : EVP_DigestUpdate(md, "namespace:", 10) == 1
                && EVP_DigestUpdate(md, ns.data, ns.len) == 1) == 1
          && EVP_DigestFinal_ex(md, hash, &len) == 1)
         ? NGX_OK : NGX_ERROR;

    EVP_MD_CTX_free(md);

    ngx_memcpy(key, hash, 16);

    return rc;
}
