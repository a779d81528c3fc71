
/*
 * Weir: what upstreams and caches may not do behind a decision.
 *
 * X-Accel-Redirect would let an upstream choose an internal location, so it
 * is ignored unless weir_accel is on (security.md 1.8).  A cache in a
 * location with weir_auth would hand one client's answer to another, so it is
 * bypassed unless its key contains $weir_principal or weir_cache_public is on
 * (security.md 1.10).  One that asks the upstream for GET where the client
 * asks for HEAD (proxy_cache_convert_head) makes the gate decide both.
 *
 * nginx's proxying modules keep these settings in an ngx_http_upstream_conf_t
 * that is the first member of their location configuration: it is completed
 * when the configuration is read, no module's code is touched.
 */

#include "ngx_http_weir_gate.h"


static ngx_int_t ngx_http_weir_gate_cache_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_uint_t ngx_http_weir_gate_cache_keyed(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);
#if (NGX_HTTP_CACHE)
static ngx_int_t ngx_http_weir_gate_predicate(ngx_conf_t *cf,
    ngx_array_t **predicates);
#endif


static char  *ngx_http_weir_gate_proxies[] = {
    "ngx_http_proxy_module",
    "ngx_http_fastcgi_module",
    "ngx_http_uwsgi_module",
    "ngx_http_scgi_module",
    "ngx_http_grpc_module",
    NULL
};


static ngx_str_t  ngx_http_weir_gate_cache_name =
    ngx_string("weir_cache_bypass");


ngx_int_t
ngx_http_weir_gate_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    var = ngx_http_add_variable(cf, &ngx_http_weir_gate_cache_name,
                                NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_weir_gate_cache_variable;

    return NGX_OK;
}


ngx_int_t
ngx_http_weir_gate_upstreams(ngx_conf_t *cf)
{
    ngx_uint_t                  i, k, n;
    ngx_array_t                *locations;
    ngx_http_weir_srv_conf_t   *wscf;
    ngx_http_upstream_conf_t   *u;
    ngx_http_weir_loc_conf_t  **lcf;

    locations = ngx_http_weir_locations(cf);
    lcf = locations->elts;

    for (k = 0; ngx_http_weir_gate_proxies[k]; k++) {

        for (n = 0; cf->cycle->modules[n]; n++) {
            if (ngx_strcmp(cf->cycle->modules[n]->name,
                           ngx_http_weir_gate_proxies[k])
                == 0)
            {
                break;
            }
        }

        if (cf->cycle->modules[n] == NULL) {
            continue;
        }

        for (i = 0; i < locations->nelts; i++) {

            wscf = lcf[i]->srv;
            u = lcf[i]->loc_conf[cf->cycle->modules[n]->ctx_index];

            if (wscf->uses && !lcf[i]->accel) {
                u->ignore_headers |= NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT;
            }

#if (NGX_HTTP_CACHE)
            if (u->cache == 1 && u->cache_convert_head == 1) {
                lcf[i]->cache_head = 1;
            }

            if (lcf[i]->auth_set == 2 && !lcf[i]->cache_public
                && u->cache
                && (ngx_http_weir_gate_predicate(cf, &u->cache_bypass)
                    != NGX_OK
                    || ngx_http_weir_gate_predicate(cf, &u->no_cache)
                       != NGX_OK))
            {
                return NGX_ERROR;
            }
#endif
        }
    }

    return NGX_OK;
}


#if (NGX_HTTP_CACHE)

/* Locations inherit the arrays, so each gets one of its own. */

static ngx_int_t
ngx_http_weir_gate_predicate(ngx_conf_t *cf, ngx_array_t **predicates)
{
    ngx_uint_t                         i;
    ngx_str_t                          value;
    ngx_array_t                       *a;
    ngx_http_complex_value_t          *cv, *old;
    ngx_http_compile_complex_value_t   ccv;

    a = ngx_array_create(cf->pool, 2, sizeof(ngx_http_complex_value_t));
    if (a == NULL) {
        return NGX_ERROR;
    }

    if (*predicates) {
        old = (*predicates)->elts;

        for (i = 0; i < (*predicates)->nelts; i++) {
            cv = ngx_array_push(a);
            if (cv == NULL) {
                return NGX_ERROR;
            }

            *cv = old[i];
        }
    }

    cv = ngx_array_push(a);
    if (cv == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&value, "$weir_cache_bypass");

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value;
    ccv.complex_value = cv;

    *predicates = a;

    return ngx_http_compile_complex_value(&ccv);
}

#endif


static ngx_int_t
ngx_http_weir_gate_cache_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_weir_ctx_get(r);

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->data = (u_char *) "1";
    v->len = (ctx && ngx_http_weir_gate_cache_keyed(r, ctx)) ? 0 : 1;

    return NGX_OK;
}


/*
 * Does the cache key contain $weir_principal?  The key is made once more with
 * a principal that nobody can have guessed, and must then contain it.
 */

static ngx_uint_t
ngx_http_weir_gate_cache_keyed(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx)
{
#if (NGX_HTTP_CACHE)
    u_char                    *p, *end, mark[32];
    ngx_int_t                  rc;
    ngx_str_t                 *key;
    ngx_uint_t                 i;
    ngx_array_t                keys;
    ngx_http_weir_identity_t   identity, *saved;

    if (r->cache == NULL || r->upstream == NULL
        || r->upstream->create_key == NULL || ctx->identity == NULL)
    {
        return 0;
    }

    if (ngx_http_weir_random_id(mark) != NGX_OK) {
        return 0;
    }

    saved = ctx->identity;
    identity = *saved;
    identity.principal.data = mark;
    identity.principal.len = sizeof(mark);

    keys = r->cache->keys;

    if (ngx_array_init(&r->cache->keys, r->pool, 4, sizeof(ngx_str_t))
        != NGX_OK)
    {
        r->cache->keys = keys;
        return 0;
    }

    ctx->identity = &identity;

    rc = r->upstream->create_key(r);

    ctx->identity = saved;

    key = r->cache->keys.elts;
    i = r->cache->keys.nelts;

    r->cache->keys = keys;

    if (rc != NGX_OK) {
        return 0;
    }

    while (i--) {
        end = key[i].data + key[i].len;

        for (p = key[i].data; (size_t) (end - p) >= sizeof(mark); p++) {
            if (ngx_memcmp(p, mark, sizeof(mark)) == 0) {
                return 1;
            }
        }
    }

#endif

    return 0;
}
