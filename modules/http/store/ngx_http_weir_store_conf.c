
/*
 * Weir: weir_store, weir_trust, weir_state and weir_thread_pool.
 */

#include "ngx_http_weir_store.h"


/* What one weir_trust says. */

typedef struct {
    unsigned    roles;
    unsigned    threshold;
    unsigned    may:1;
} ngx_http_weir_trust_line_t;


static char *ngx_http_weir_store_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_weir_store_parameter(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf, ngx_str_t *value);
static char *ngx_http_weir_store_trust(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_weir_store_trust_parameter(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf, ngx_http_weir_trust_line_t *line,
    ngx_str_t *value);
static char *ngx_http_weir_store_key(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf, ngx_http_weir_trust_line_t *line,
    ngx_str_t *file);
static char *ngx_http_weir_store_state(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_weir_store_words(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf);
static char *ngx_http_weir_store_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_weir_store_default_state(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf);


ngx_command_t  ngx_http_weir_store_commands[] = {

    { ngx_string("weir_store"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_weir_store_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_trust"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_weir_store_trust,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_state"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_weir_store_state,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_thread_pool"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_weir_store_pool,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


/* 1 if s is "NAME=VALUE"; *value is what is behind "=". */

static ngx_uint_t
ngx_http_weir_store_word(ngx_str_t *s, const char *name, ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (s->len < len || ngx_strncmp(s->data, name, len) != 0) {
        return 0;
    }

    value->data = s->data + len;
    value->len = s->len - len;

    return 1;
}


/* By these a reload knows whether it is the same store. */

static ngx_int_t
ngx_http_weir_store_words(ngx_conf_t *cf, ngx_http_weir_store_conf_t *sscf)
{
    u_char      *p;
    size_t       len;
    ngx_str_t   *value;
    ngx_uint_t   i;
    weir_str_t   all;

    value = cf->args->elts;
    len = 0;

    for (i = 1; i < cf->args->nelts; i++) {
        len += value[i].len + 1;
    }

    p = ngx_pnalloc(cf->temp_pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    all.data = p;
    all.len = len;

    for (i = 1; i < cf->args->nelts; i++) {
        p = ngx_cpymem(p, value[i].data, value[i].len);
        *p++ = LF;
    }

    return weir_sha256(all, sscf->words) == WEIR_OK ? NGX_OK : NGX_ERROR;
}


/* weir_store URL [namespace=NAME] [poll=TIME] */

static char *
ngx_http_weir_store_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_store_conf_t *sscf = conf;

    u_char      *p;
    ngx_int_t    rc;
    ngx_str_t   *value, dir;
    ngx_uint_t   i;

    ngx_http_weir_use(cf);

    if (sscf->set) {
        return "is duplicate";
    }

    sscf->set = 1;
    sscf->file = cf->conf_file->file.name;
    sscf->line = cf->conf_file->line;

    value = cf->args->elts;

    if (ngx_http_weir_store_words(cf, sscf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    rc = ngx_http_weir_store_redis_words(cf, sscf);

    if (rc != NGX_DECLINED) {
        return rc == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (!ngx_http_weir_store_word(&value[1], "file:", &dir) || dir.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid store \"%V\", it must be \"file:DIR\", "
                           "or begin with redis://, rediss:// or sentinel://",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_weir_store_parameter(cf, sscf, &value[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_conf_full_name(cf->cycle, &dir, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    while (dir.len > 1 && dir.data[dir.len - 1] == '/') {
        dir.len--;
    }

    p = ngx_pnalloc(cf->pool, sizeof("file:") + dir.len);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    sscf->url.data = p;
    sscf->url.len = ngx_sprintf(p, "file:%V%Z", &dir) - p - 1;
    sscf->dir = (char *) p + sizeof("file:") - 1;

    if (sscf->ns.len == 0) {
        ngx_str_set(&sscf->ns, "weir");
    }

    if (sscf->poll == 0) {
        sscf->poll = 1000;
    }

    ngx_http_weir_namespace(cf, &sscf->ns);

    return ngx_http_weir_policy_foreign(cf) == NGX_OK ? NGX_CONF_OK
                                                      : NGX_CONF_ERROR;
}


static char *
ngx_http_weir_store_parameter(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf, ngx_str_t *value)
{
    ngx_int_t    ms;
    ngx_str_t    s;
    ngx_uint_t   i;

    static const char  *others[] = {
        "user=", "password_file=", "ca=", "cert=", "key=",
        "connect_timeout=", "timeout=", NULL
    };

    if (ngx_http_weir_store_word(value, "namespace=", &s)) {

        if (sscf->ns.len) {
            return ngx_http_weir_duplicate(cf, value);
        }

        if (!weir_namespace_valid(ngx_http_weir_str(&s))) {
            return ngx_http_weir_invalid(cf, value);
        }

        sscf->ns = s;

        return NGX_CONF_OK;
    }

    if (ngx_http_weir_store_word(value, "poll=", &s)) {

        if (sscf->poll) {
            return ngx_http_weir_duplicate(cf, value);
        }

        ms = ngx_parse_time(&s, 0);

        if (ms == NGX_ERROR || ms < NGX_HTTP_WEIR_STORE_POLL_MIN
            || ms > NGX_HTTP_WEIR_STORE_POLL_MAX)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", it must be 50ms to "
                               "60s", value);
            return NGX_CONF_ERROR;
        }

        sscf->poll = ms;

        return NGX_CONF_OK;
    }

    for (i = 0; others[i]; i++) {
        if (ngx_http_weir_store_word(value, others[i], &s)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": a \"file:\" store "
                               "has no connection", value);
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_weir_invalid(cf, value);
}


/*
 * weir_trust FILE... [may=LIST] [threshold=N] [epoch=N] [min_version=N];
 * weir_trust off
 */

static char *
ngx_http_weir_store_trust(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_store_conf_t *sscf = conf;

    u_char                      *eq;
    ngx_str_t                   *value;
    ngx_uint_t                   i, files;
    ngx_http_weir_trust_line_t   line;

    ngx_http_weir_use(cf);

    value = cf->args->elts;

    sscf->trust_file = cf->conf_file->file.name;
    sscf->trust_line = cf->conf_file->line;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {

        if (sscf->trust.off) {
            return "is duplicate";
        }

        sscf->trusts = 1;
        sscf->trust.off = 1;

        return NGX_CONF_OK;
    }

    sscf->trusts = 1;

    ngx_memzero(&line, sizeof(ngx_http_weir_trust_line_t));
    line.roles = WEIR_ROLE_ALL;

    for (i = 1; i < cf->args->nelts; i++) {

        eq = ngx_strlchr(value[i].data, value[i].data + value[i].len, '=');

        if (eq && ngx_strlchr(value[i].data, eq, '/') == NULL
            && ngx_http_weir_store_trust_parameter(cf, sscf, &line, &value[i])
               != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    files = 0;

    for (i = 1; i < cf->args->nelts; i++) {

        eq = ngx_strlchr(value[i].data, value[i].data + value[i].len, '=');

        if (eq && ngx_strlchr(value[i].data, eq, '/') == NULL) {
            continue;
        }

        if (ngx_http_weir_store_key(cf, sscf, &line, &value[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        files++;
    }

    if (files == 0) {
        return "names no key";
    }

    if (line.threshold) {
        weir_trust_threshold(&sscf->trust, line.roles, line.threshold);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_weir_store_trust_parameter(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf, ngx_http_weir_trust_line_t *line,
    ngx_str_t *value)
{
    uint64_t    n;
    ngx_int_t   threshold;
    ngx_str_t   s;
    weir_err_t  err;

    if (ngx_http_weir_store_word(value, "may=", &s)) {

        if (line->may) {
            return ngx_http_weir_duplicate(cf, value);
        }

        line->may = 1;

        if (weir_trust_may(ngx_http_weir_str(&s), &line->roles, &err)
            != WEIR_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": %s", value,
                               err.text);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (ngx_http_weir_store_word(value, "threshold=", &s)) {

        if (line->threshold) {
            return ngx_http_weir_duplicate(cf, value);
        }

        threshold = ngx_atoi(s.data, s.len);

        if (threshold < 1 || threshold > WEIR_TRUST_KEYS) {
            return ngx_http_weir_invalid(cf, value);
        }

        line->threshold = threshold;

        return NGX_CONF_OK;
    }

    if (ngx_http_weir_store_word(value, "epoch=", &s)) {

        if (sscf->epoch) {
            return ngx_http_weir_duplicate(cf, value);
        }

        if (weir_u64_parse(ngx_http_weir_str(&s), &n) != WEIR_OK) {
            return ngx_http_weir_invalid(cf, value);
        }

        sscf->epoch = 1;
        sscf->trust.epoch = n;

        return NGX_CONF_OK;
    }

    if (ngx_http_weir_store_word(value, "min_version=", &s)) {

        if (sscf->least) {
            return ngx_http_weir_duplicate(cf, value);
        }

        if (weir_u64_parse(ngx_http_weir_str(&s), &n) != WEIR_OK) {
            return ngx_http_weir_invalid(cf, value);
        }

        sscf->least = 1;
        sscf->trust.min_version = n;

        return NGX_CONF_OK;
    }

    return ngx_http_weir_invalid(cf, value);
}


static char *
ngx_http_weir_store_key(ngx_conf_t *cf, ngx_http_weir_store_conf_t *sscf,
    ngx_http_weir_trust_line_t *line, ngx_str_t *file)
{
    ngx_str_t           name, pem;
    weir_err_t          err;
    weir_public_key_t   key;

    name = *file;

    if (ngx_http_weir_read(cf, "key", &name, WEIR_KEY_PEM_MAX, &pem)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    err.text[0] = '\0';

    if (weir_public_key_parse(&key, ngx_http_weir_str(&pem), &err)
        != WEIR_OK
        || weir_trust_add(&sscf->trust, &key, line->roles, &err) != WEIR_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no key to trust in \"%V\": %s", &name, err.text);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* weir_state DIR */

static char *
ngx_http_weir_store_state(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_store_conf_t *sscf = conf;

    ngx_str_t  *value;

    ngx_http_weir_use(cf);

    if (sscf->state_set) {
        return "is duplicate";
    }

    sscf->state_set = 1;

    value = cf->args->elts;

    if (value[1].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid folder \"\"");
        return NGX_CONF_ERROR;
    }

    sscf->state = value[1];

    while (sscf->state.len > 1
           && sscf->state.data[sscf->state.len - 1] == '/')
    {
        sscf->state.data[--sscf->state.len] = '\0';
    }

    return ngx_conf_full_name(cf->cycle, &sscf->state, 0) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


#if (NGX_THREADS)

ngx_thread_pool_t *
ngx_http_weir_thread_pool(ngx_conf_t *cf)
{
    ngx_http_weir_store_conf_t  *sscf;

    sscf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_store_module);

    if (sscf->pool == NULL) {
        ngx_str_set(&sscf->pool_name, "default");
        sscf->pool = ngx_thread_pool_add(cf, &sscf->pool_name);
    }

    return sscf->pool;
}

#endif


/* weir_thread_pool NAME */

static char *
ngx_http_weir_store_pool(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_store_conf_t *sscf = conf;

    ngx_str_t  *value;

    ngx_http_weir_use(cf);

    if (sscf->pool_name.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid name \"\"");
        return NGX_CONF_ERROR;
    }

    sscf->pool_name = value[1];

#if (NGX_THREADS)

    /* nginx itself says where a pool is named that nobody declares */

    sscf->pool = ngx_thread_pool_add(cf, &sscf->pool_name);
    if (sscf->pool == NULL) {
        return NGX_CONF_ERROR;
    }

#endif

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_weir_store_complete(ngx_conf_t *cf, ngx_http_weir_store_conf_t *sscf)
{
    weir_err_t  err;

    if (!sscf->set) {

        if (sscf->trusts || sscf->state_set) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"%s\" has no effect without \"weir_store\"",
                          sscf->trusts ? "weir_trust" : "weir_state");
        }

        return NGX_OK;
    }

#if (NGX_THREADS)

    if (ngx_http_weir_thread_pool(cf) == NULL) {
        return NGX_ERROR;
    }

#else

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"weir_store\" needs an nginx with threads: it was built "
                  "without --with-threads");
    return NGX_ERROR;

#endif

    if (sscf->redis
        && ngx_http_weir_store_redis_complete(cf, sscf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (weir_trust_check(&sscf->trust, &err) != WEIR_OK) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "\"weir_trust\": %s in %V:%ui",
                      err.text, &sscf->trust_file, sscf->trust_line);
        return NGX_ERROR;
    }

    if (!sscf->trusts) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "there is no \"weir_trust\": whatever the store \"%V\" "
                      "holds is refused in %V:%ui", &sscf->url,
                      &sscf->file, sscf->line);

    } else if (sscf->trust.off) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"weir_trust off\": whoever can write to the store "
                      "\"%V\" decides who may do what in %V:%ui", &sscf->url,
                      &sscf->trust_file, sscf->trust_line);

    } else if (!sscf->state_set && !sscf->least) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "there is no \"weir_state\": the fence against old "
                      "bundles lies beside the pid file, which may not "
                      "outlive a restart of the machine; name a lasting "
                      "folder, or \"weir_trust ... min_version=N\", in "
                      "%V:%ui", &sscf->file, sscf->line);
    }

    return ngx_http_weir_store_default_state(cf, sscf);
}


/* weir/NODE beside the pid file. */

static ngx_int_t
ngx_http_weir_store_default_state(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf)
{
    u_char           *p;
    ngx_str_t         pid, *node;
    ngx_core_conf_t  *ccf;

    if (sscf->state_set) {
        return NGX_OK;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);
    pid = ccf->pid;

    /* the core's own default comes only after the configuration is read */

    if (pid.len == 0) {
        ngx_str_set(&pid, NGX_PID_PATH);
    }

    if (ngx_conf_full_name(cf->cycle, &pid, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    while (pid.len && pid.data[pid.len - 1] != '/') {
        pid.len--;
    }

    node = ngx_http_weir_conf_node(cf);

    p = ngx_pnalloc(cf->pool, pid.len + sizeof("weir/") + node->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    sscf->state.data = p;
    sscf->state.len = ngx_sprintf(p, "%Vweir/%V%Z", &pid, node) - p - 1;

    return NGX_OK;
}
