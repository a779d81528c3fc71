
/*
 * Weir: the words of weir_store that name a Redis.
 */

#include "ngx_http_weir_store.h"


static ngx_int_t ngx_http_weir_store_password(ngx_conf_t *cf,
    weir_str_t file, ngx_http_weir_net_password_t *password);


ngx_int_t
ngx_http_weir_store_redis_words(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf)
{
    int                        rc;
    ngx_str_t                 *value;
    ngx_uint_t                 i;
    weir_err_t                 err;
    weir_resp_conf_t          *resp;
    ngx_http_weir_net_conf_t  *net;

    value = cf->args->elts;

    net = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_net_conf_t));
    resp = ngx_pcalloc(cf->pool, sizeof(weir_resp_conf_t));
    if (net == NULL || resp == NULL) {
        return NGX_ERROR;
    }

    rc = weir_resp_conf_url(resp, ngx_http_weir_str(&value[1]), &err);

    if (rc == WEIR_DECLINED) {
        return NGX_DECLINED;
    }

    for (i = 2; rc == WEIR_OK && i < cf->args->nelts; i++) {
        rc = weir_resp_conf_option(resp, ngx_http_weir_str(&value[i]),
                                   &err);

        if (rc == WEIR_DECLINED) {
            (void) ngx_http_weir_invalid(cf, &value[i]);
            return NGX_ERROR;
        }
    }

    if (rc == WEIR_OK) {
        rc = weir_resp_conf_done(resp, &err);
    }

    if (rc != WEIR_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.text);
        return NGX_ERROR;
    }

    if (resp->poll_ms < NGX_HTTP_WEIR_STORE_POLL_MIN
        || resp->poll_ms > NGX_HTTP_WEIR_STORE_POLL_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"poll\", it must be 50ms to 60s");
        return NGX_ERROR;
    }

    if (ngx_http_weir_store_password(cf, resp->password_file,
                                     &net->passwords[0])
        != NGX_OK
        || ngx_http_weir_store_password(cf, resp->sentinel_password_file,
                                        &net->passwords[1])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    net->resp = resp;

    if (resp->tls) {
#if (NGX_SSL)
        net->ssl = ngx_http_weir_net_ssl(cf, resp);

        if (net->ssl == NULL) {
            return NGX_ERROR;
        }
#else
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "this nginx has no TLS");
        return NGX_ERROR;
#endif
    }

    sscf->redis = net;
    sscf->url = value[1];
    sscf->ns.data = (u_char *) (uintptr_t) resp->ns.data;
    sscf->ns.len = resp->ns.len;
    sscf->poll = (ngx_msec_t) resp->poll_ms;

    ngx_http_weir_namespace(cf, &sscf->ns);

    return ngx_http_weir_policy_foreign(cf);
}


/*
 * What a file holds, for the first connection and for those whose workers may
 * not read it; an empty name: no password.
 */

static ngx_int_t
ngx_http_weir_store_password(ngx_conf_t *cf, weir_str_t file,
    ngx_http_weir_net_password_t *password)
{
    int         rc;
    ngx_str_t   read;
    weir_str_t  text, found;

    if (file.len == 0) {
        return NGX_OK;
    }

    /* it lives in the directive's words, which end with a NUL */

    password->file.len = file.len;
    password->file.data = (u_char *) (uintptr_t) file.data;

    if (ngx_http_weir_read(cf, "password file", &password->file,
                           WEIR_RESP_PASSWORD_MAX + 2, &read)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    text = ngx_http_weir_str(&read);
    rc = weir_resp_password(text, &found);

    if (rc != WEIR_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, rc == WEIR_DECLINED
                           ? "there is no password in \"%V\""
                           : "the password in \"%V\" is longer than "
                             "1024 bytes", &password->file);
        return NGX_ERROR;
    }

    password->text.data = read.data;
    password->text.len = found.len;

    return NGX_OK;
}


ngx_int_t
ngx_http_weir_store_redis_complete(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (sscf->trusts && sscf->trust.off) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"weir_trust off\" is possible with a \"file:\" "
                      "store only, in %V:%ui", &sscf->trust_file,
                      sscf->trust_line);
        return NGX_ERROR;
    }

    if (ngx_http_weir_policy_bootstrap(ngx_http_weir_policy_main(cf->cycle))
        == NGX_AGAIN)
    {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "beside the store \"%V\" \"weir_bundle\" is not used "
                      "without its word \"bootstrap\" in %V:%ui", &sscf->url,
                      &sscf->file, sscf->line);
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    sscf->redis->resolver = clcf->resolver;
    sscf->redis->resolver_timeout
        = clcf->resolver_timeout == NGX_CONF_UNSET_MSEC
          ? 30000 : clcf->resolver_timeout;

    if (clcf->resolver && clcf->resolver->connections.nelts == 0) {
        sscf->redis->resolver = NULL;
    }

    return NGX_OK;
}
