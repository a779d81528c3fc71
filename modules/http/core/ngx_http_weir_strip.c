
/*
 * Weir: what a client may never send is taken out of every request before
 * anything reads it (security.md 2.1), and hop-by-hop headers are reduced to
 * what a gateway lets through (security.md 1.7).
 */

#include "ngx_http_weir_core.h"


static ngx_int_t ngx_http_weir_strip_push(ngx_conf_t *cf, ngx_array_t **a,
    ngx_str_t *name);
static void ngx_http_weir_strip_tell(ngx_conf_t *cf, const char *directive,
    ngx_str_t *server, ngx_array_t *names);
static ngx_uint_t ngx_http_weir_strip_meets(ngx_http_weir_header_name_t *a,
    ngx_http_weir_header_name_t *b);
static ngx_uint_t ngx_http_weir_strip_match(ngx_array_t *names,
    ngx_str_t *key);
static ngx_uint_t ngx_http_weir_strip_test(ngx_table_elt_t *h, void *data);
static void ngx_http_weir_strip_upgrade(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);
static void ngx_http_weir_strip_connection(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);


static ngx_str_t  ngx_http_weir_strip_default[] = {
    ngx_string("x-weir-*"),
    ngx_string("x-auth-*"),
    ngx_string("x-user*"),
    ngx_string("x-forwarded-user"),
    ngx_string("x-forwarded-email"),
    ngx_string("x-forwarded-groups"),
    ngx_string("x-forwarded-preferred-username"),
    ngx_string("x-forwarded-access-token"),
    ngx_string("remote-user"),
    ngx_string("x-remote-*"),
    ngx_string("x-consumer-*"),
    ngx_string("x-credential-*"),
    ngx_string("x-authenticated-*"),
    ngx_string("x-jwt-*"),
    ngx_string("x-ssl-client-*"),
    ngx_string("x-client-cert*"),
    ngx_string("x-forwarded-client-cert"),
    ngx_string("x-gateway-*"),
    ngx_string("x-internal-*"),
    ngx_null_string
};


/* Headers that a request cannot do without. */

static ngx_http_weir_header_name_t  ngx_http_weir_strip_never[] = {
    { ngx_string("host"), 0 },
    { ngx_string("connection"), 0 },
    { ngx_string("content-length"), 0 },
    { ngx_string("transfer-encoding"), 0 },
    { ngx_null_string, 0 }
};


static ngx_str_t  ngx_http_weir_strip_credential =
    ngx_string("authorization");


static u_char
ngx_http_weir_fold(u_char c)
{
    c = ngx_tolower(c);

    return ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) ? c : '-';
}


/* The bit of a name's first letter. */

static uint64_t
ngx_http_weir_strip_initial(u_char c)
{
    c = ngx_http_weir_fold(c);

    if (c == '-') {
        return 1;
    }

    return (uint64_t) 2 << (c >= 'a' ? c - 'a' : c - '0' + 26);
}


/* Letters, digits, "-" and "_", at least one; a final "*" is any rest. */

static ngx_uint_t
ngx_http_weir_strip_valid(ngx_str_t *name)
{
    u_char  c;
    size_t  i;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (c == '*' && i && i == name->len - 1) {
            break;
        }

        if (ngx_http_weir_fold(c) == '-' && c != '-' && c != '_') {
            return 0;
        }
    }

    return name->len != 0;
}


/* weir_strip_headers, weir_pass_headers NAME... */

char *
ngx_http_weir_strip_names(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_srv_conf_t *wscf = conf;

    ngx_str_t                    *value, *name;
    ngx_uint_t                    i, n;
    ngx_array_t                 **a;
    ngx_http_weir_header_name_t  *h;

    ngx_http_weir_use(cf);

    value = cf->args->elts;
    a = (ngx_array_t **) ((u_char *) wscf + cmd->offset);

    for (i = 1; i < cf->args->nelts; i++) {

        if (!ngx_http_weir_strip_valid(&value[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid header name \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_weir_strip_push(cf, a, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        h = (*a)->elts;
        h += (*a)->nelts - 1;

        for (n = 0; ngx_http_weir_strip_never[n].name.len; n++) {
            if (ngx_http_weir_strip_meets(h, &ngx_http_weir_strip_never[n])) {

                name = h->prefix ? &ngx_http_weir_strip_never[n].name
                                 : &value[i];

                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "header \"%V\" belongs to the protocol and "
                                   "cannot be named here", name);
                return NGX_CONF_ERROR;
            }
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_weir_strip_push(ngx_conf_t *cf, ngx_array_t **a, ngx_str_t *name)
{
    size_t                       i;
    ngx_http_weir_header_name_t *h;

    if (*a == NULL) {
        *a = ngx_array_create(cf->pool, 4,
                              sizeof(ngx_http_weir_header_name_t));
        if (*a == NULL) {
            return NGX_ERROR;
        }
    }

    h = ngx_array_push(*a);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->prefix = (name->data[name->len - 1] == '*');
    h->name.len = name->len - h->prefix;
    h->name.data = ngx_pnalloc(cf->pool, h->name.len + 1);
    if (h->name.data == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < h->name.len; i++) {
        h->name.data[i] = ngx_http_weir_fold(name->data[i]);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_weir_strip_add(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_array_t                *strip;
    ngx_http_weir_main_conf_t  *mcf;

    mcf = ngx_http_weir_main(cf);
    strip = &mcf->strip;

    return ngx_http_weir_strip_push(cf, &strip, name);
}


/* The union for each server, when the whole configuration is known. */

ngx_int_t
ngx_http_weir_strip_init(ngx_conf_t *cf)
{
    ngx_uint_t                    i, k, n;
    ngx_array_t                  *from[3];
    ngx_http_core_srv_conf_t    **cscf;
    ngx_http_weir_srv_conf_t     *wscf, *top;
    ngx_http_weir_main_conf_t    *mcf;
    ngx_http_core_main_conf_t    *cmcf;
    ngx_http_weir_header_name_t  *h, *to;
    ngx_array_t                  *defaults;

    mcf = ngx_http_weir_main(cf);
    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscf = cmcf->servers.elts;

    top = ngx_http_conf_get_module_srv_conf(cf, ngx_http_weir_module);

    if (top->strip) {
        ngx_http_weir_strip_tell(cf, "weir_strip_headers", NULL, top->strip);
    }

    if (top->pass) {
        ngx_http_weir_strip_tell(cf, "weir_pass_headers", NULL, top->pass);
    }

    defaults = NULL;

    if (mcf->auth) {
        for (i = 0; ngx_http_weir_strip_default[i].len; i++) {
            if (ngx_http_weir_strip_push(cf, &defaults,
                                         &ngx_http_weir_strip_default[i])
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    for (i = 0; i < cmcf->servers.nelts; i++) {

        wscf = cscf[i]->ctx->srv_conf[ngx_http_weir_module.ctx_index];

        wscf->names = ngx_array_create(cf->pool, 32,
                                       sizeof(ngx_http_weir_header_name_t));
        if (wscf->names == NULL) {
            return NGX_ERROR;
        }

        from[0] = defaults;
        from[1] = &mcf->strip;
        from[2] = wscf->strip;

        for (k = 0; k < 3; k++) {

            if (from[k] == NULL) {
                continue;
            }

            h = from[k]->elts;

            for (n = 0; n < from[k]->nelts; n++) {
                to = ngx_array_push(wscf->names);
                if (to == NULL) {
                    return NGX_ERROR;
                }

                *to = h[n];
                wscf->initials |=
                           ngx_http_weir_strip_initial(h[n].name.data[0]);
            }
        }

        /* those of http are told once */

        if (wscf->strip && wscf->strip != top->strip) {
            ngx_http_weir_strip_tell(cf, "weir_strip_headers",
                                     &cscf[i]->server_name, wscf->strip);
        }

        if (mcf->auth && wscf->strip
            && ngx_http_weir_strip_match(wscf->strip,
                                         &ngx_http_weir_strip_credential))
        {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"weir_strip_headers\" names \"Authorization\": "
                          "\"weir_auth\" finds no token in server \"%V\"",
                          &cscf[i]->server_name);
        }

        if (wscf->pass == NULL) {
            continue;
        }

        if (wscf->pass != top->pass) {
            ngx_http_weir_strip_tell(cf, "weir_pass_headers",
                                     &cscf[i]->server_name, wscf->pass);
        }

        h = wscf->pass->elts;
        to = mcf->strip.elts;

        for (n = 0; n < wscf->pass->nelts; n++) {
            for (k = 0; k < mcf->strip.nelts; k++) {
                if (ngx_http_weir_strip_meets(&h[n], &to[k])) {
                    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                                  "\"weir_pass_headers\" names \"%V%s\", and "
                                  "\"weir_identity_header\" sets \"%V\"",
                                  &h[n].name, h[n].prefix ? "*" : "",
                                  &to[k].name);
                    return NGX_ERROR;
                }
            }
        }
    }

    return NGX_OK;
}


static void
ngx_http_weir_strip_tell(ngx_conf_t *cf, const char *directive,
    ngx_str_t *server, ngx_array_t *names)
{
    ngx_uint_t                    i;
    ngx_http_weir_header_name_t  *h;

    h = names->elts;

    for (i = 0; i < names->nelts; i++) {
        if (server) {
            ngx_log_error(NGX_LOG_NOTICE, cf->log, 0,
                          "\"%s\": \"%V%s\" in server \"%V\"", directive,
                          &h[i].name, h[i].prefix ? "*" : "", server);
        } else {
            ngx_log_error(NGX_LOG_NOTICE, cf->log, 0, "\"%s\": \"%V%s\"",
                          directive, &h[i].name, h[i].prefix ? "*" : "");
        }
    }
}


/* 1 if there is a header that both name. */

static ngx_uint_t
ngx_http_weir_strip_meets(ngx_http_weir_header_name_t *a,
    ngx_http_weir_header_name_t *b)
{
    if (a->name.len > b->name.len && !b->prefix) {
        return 0;
    }

    if (a->name.len < b->name.len && !a->prefix) {
        return 0;
    }

    return ngx_memcmp(a->name.data, b->name.data,
                      ngx_min(a->name.len, b->name.len))
           == 0;
}


static ngx_uint_t
ngx_http_weir_strip_match(ngx_array_t *names, ngx_str_t *key)
{
    u_char                        c;
    size_t                        n;
    ngx_uint_t                    i;
    ngx_http_weir_header_name_t  *h;

    if (key->len == 0) {
        return 0;
    }

    h = names->elts;
    c = ngx_http_weir_fold(key->data[0]);

    for (i = 0; i < names->nelts; i++) {

        if (h[i].name.data[0] != c || key->len < h[i].name.len
            || (key->len != h[i].name.len && !h[i].prefix))
        {
            continue;
        }

        for (n = 1; n < h[i].name.len; n++) {
            if (ngx_http_weir_fold(key->data[n]) != h[i].name.data[n]) {
                break;
            }
        }

        if (n >= h[i].name.len) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_weir_strip_test(ngx_table_elt_t *h, void *data)
{
    ngx_http_weir_srv_conf_t *wscf = data;

    /* most names are ruled out by how they begin */

    if (h->key.len == 0
        || (wscf->initials & ngx_http_weir_strip_initial(h->key.data[0])) == 0)
    {
        return 0;
    }

    return ngx_http_weir_strip_match(wscf->names, &h->key)
           && (wscf->pass == NULL
               || !ngx_http_weir_strip_match(wscf->pass, &h->key));
}


ngx_int_t
ngx_http_weir_strip(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    ngx_http_weir_srv_conf_t  *wscf;

    if (ctx->stripped) {
        return NGX_OK;
    }

    /*
     * When not even the request line parses, nginx has no list yet, and an
     * error_page comes by here: whoever adds a header later finds one.
     */

    if (r->headers_in.headers.last == NULL
        && ngx_list_init(&r->headers_in.headers, r->pool, 4,
                         sizeof(ngx_table_elt_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->stripped = 1;

    wscf = ngx_http_get_module_srv_conf(r, ngx_http_weir_module);

    if (wscf->names->nelts) {
        (void) ngx_http_weir_header_remove_if(r, ngx_http_weir_strip_test,
                                              wscf);
    }

    if (wscf->uses) {
        ngx_http_weir_strip_upgrade(r, ctx);
        ngx_http_weir_strip_connection(r, ctx);
    }

    return NGX_OK;
}


/* Only a websocket handshake keeps its Upgrade. */

static void
ngx_http_weir_strip_upgrade(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx)
{
    ngx_str_t         value;

    static ngx_str_t  upgrade = ngx_string("upgrade");
    static ngx_str_t  key = ngx_string("sec-websocket-key");
    static ngx_str_t  settings = ngx_string("http2-settings");

    /* of an upgrade to h2c, which is never let through */

    (void) ngx_http_weir_header_remove(r, &settings);

    switch (ngx_http_weir_header_find(r, &upgrade, &value)) {

    case 0:
        return;

    case 1:
        if (value.len == sizeof("websocket") - 1
            && ngx_strncasecmp(value.data, (u_char *) "websocket", value.len)
               == 0
            && r->method == NGX_HTTP_GET
            && r->http_version == NGX_HTTP_VERSION_11
            && ngx_http_weir_header_find(r, &key, &value) == 1)
        {
            ctx->upgrade = 1;
            return;
        }
    }

    (void) ngx_http_weir_header_remove(r, &upgrade);
}


/*
 * Connection goes on as "close", "keep-alive" or "upgrade": whatever else it
 * names, an upstream would drop (a header of ours, for one).
 */

static void
ngx_http_weir_strip_connection(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx)
{
    ngx_uint_t        n;
    ngx_str_t         value, *to;

    static ngx_str_t  name = ngx_string("Connection");
    static ngx_str_t  lowcase = ngx_string("connection");
    static ngx_str_t  close = ngx_string("close");
    static ngx_str_t  alive = ngx_string("keep-alive");
    static ngx_str_t  upgrade = ngx_string("upgrade");

    n = ngx_http_weir_header_find(r, &lowcase, &value);

    if (n == 0) {
        return;
    }

    if (ctx->upgrade) {
        to = &upgrade;

    } else if (r->headers_in.connection_type == NGX_HTTP_CONNECTION_CLOSE) {
        to = &close;

    } else if (r->headers_in.connection_type
               == NGX_HTTP_CONNECTION_KEEP_ALIVE)
    {
        to = &alive;

    } else {
        to = NULL;
    }

    if (n == 1 && to && value.len == to->len
        && ngx_strncasecmp(value.data, to->data, to->len) == 0)
    {
        return;
    }

    r->headers_in.connection = NULL;

    if (to == NULL) {
        (void) ngx_http_weir_header_remove(r, &lowcase);
        return;
    }

    if (ngx_http_weir_header_set(r, &name, &lowcase, to) != NGX_OK) {
        return;
    }
}
