
/*
 * Weir: what holds for all servers of an address where others ask.
 *
 * Questions below a location (Envoy's path_prefix): what follows the prefix,
 * and Host, are the client's.  nginx may find another location for them, by
 * dot segments, a longer prefix, a regular expression or another server, and
 * whatever that answers with 200 would be a permit.  So what begins with such
 * a prefix is a question to weir_decide, or refused.
 *
 * A refusal has its own status, though the client speak gRPC, whose refusals
 * are 200, or the server have pages for errors: askers look at nothing else.
 * (What nginx refuses before it looks for a location has the server's pages.)
 *
 * X_Tenant is X-Tenant to some upstreams; the proxy that asks passes it on, so
 * that nginx must not drop it before a policy sees it.
 */

#include "ngx_http_weir_core.h"
#include "ngx_http_weir_decide.h"


typedef struct {
    ngx_array_t  names;        /* ngx_str_t: locations to ask below */
    ngx_uint_t   asked;        /* in any way */
    ngx_uint_t   headers;      /* by headers */
} ngx_http_weir_decide_addr_t;


static ngx_int_t ngx_http_weir_decide_below_other(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_decide_below(ngx_http_request_t *r);
static ngx_int_t ngx_http_weir_decide_below_check(ngx_http_request_t *r,
    ngx_http_weir_decide_srv_conf_t *dscf);
static ngx_int_t ngx_http_weir_decide_below_addr(ngx_conf_t *cf,
    ngx_http_conf_addr_t *addr, ngx_uint_t *found);
static ngx_int_t ngx_http_weir_decide_below_server(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_http_weir_decide_addr_t *a);


/* Before a server that has no such location does anything. */

static ngx_int_t
ngx_http_weir_decide_below_other(ngx_http_request_t *r)
{
    ngx_http_weir_decide_srv_conf_t  *dscf;

    dscf = ngx_http_get_module_srv_conf(r, ngx_http_weir_decide_module);

    return dscf->own ? NGX_DECLINED
                     : ngx_http_weir_decide_below_check(r, dscf);
}


/* The location is known, and nothing of it has been done. */

static ngx_int_t
ngx_http_weir_decide_below(ngx_http_request_t *r)
{
    ngx_http_weir_decide_loc_conf_t  *dlcf;
    ngx_http_weir_decide_srv_conf_t  *dscf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_decide_module);
    dscf = ngx_http_get_module_srv_conf(r, ngx_http_weir_decide_module);

    return dlcf->asked && !dlcf->authzen
           ? NGX_DECLINED : ngx_http_weir_decide_below_check(r, dscf);
}


/* Where an internal redirect leads, the configuration says. */

static ngx_int_t
ngx_http_weir_decide_below_check(ngx_http_request_t *r,
    ngx_http_weir_decide_srv_conf_t *dscf)
{
    ngx_str_t            *name;
    ngx_uint_t            i;
    ngx_http_weir_ctx_t  *ctx;

    if (r != r->main || r->internal) {
        return NGX_DECLINED;
    }

    name = dscf->below.elts;

    for (i = 0; i < dscf->below.nelts; i++) {

        if (r->unparsed_uri.len <= name[i].len
            || r->unparsed_uri.data[name[i].len] != '/'
            || ngx_memcmp(r->unparsed_uri.data, name[i].data, name[i].len)
               != 0)
        {
            continue;
        }

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "weir: a question below \"%V\" leads to another "
                      "location", &name[i]);

        ctx = ngx_http_weir_ctx_get(r);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        r->error_page = 1;

        return ngx_http_weir_refuse_finally(r, ctx, NGX_HTTP_BAD_REQUEST,
                                            NGX_HTTP_WEIR_REFUSED,
                                            "ambiguous-path");
    }

    return NGX_DECLINED;
}


/* All servers of an address, as Host chooses among them. */

ngx_int_t
ngx_http_weir_decide_below_init(ngx_conf_t *cf)
{
    ngx_uint_t                  i, j, found;
    ngx_http_handler_pt        *h;
    ngx_http_conf_addr_t       *addr;
    ngx_http_conf_port_t       *port;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    found = 0;

    port = cmcf->ports ? cmcf->ports->elts : NULL;

    for (i = 0; port && i < cmcf->ports->nelts; i++) {

        addr = port[i].addrs.elts;

        for (j = 0; j < port[i].addrs.nelts; j++) {
            if (ngx_http_weir_decide_below_addr(cf, &addr[j], &found)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    if (!found) {
        return NGX_OK;
    }

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_SERVER_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_weir_decide_below_other;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_weir_decide_below;

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_decide_below_addr(ngx_conf_t *cf, ngx_http_conf_addr_t *addr,
    ngx_uint_t *found)
{
    void                            **conf;
    ngx_str_t                        *to;
    ngx_uint_t                        i;
    ngx_http_core_loc_conf_t         *clcf;
    ngx_http_weir_srv_conf_t         *wscf;
    ngx_http_core_srv_conf_t        **cscfp;
    ngx_http_weir_decide_addr_t       a;
    ngx_http_weir_decide_srv_conf_t  *dscf;

    ngx_memzero(&a, sizeof(ngx_http_weir_decide_addr_t));

    if (ngx_array_init(&a.names, cf->temp_pool, 4, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cscfp = addr->servers.elts;

    for (i = 0; i < addr->servers.nelts; i++) {
        if (ngx_http_weir_decide_below_server(cf, cscfp[i], &a) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (!a.asked) {
        return NGX_OK;
    }

    *found |= a.names.nelts;

    for (i = 0; i < addr->servers.nelts; i++) {

        conf = cscfp[i]->ctx->srv_conf;

        wscf = conf[ngx_http_weir_module.ctx_index];
        dscf = conf[ngx_http_weir_decide_module.ctx_index];

        wscf->plain = 1;

        clcf = cscfp[i]->ctx->loc_conf[ngx_http_core_module.ctx_index];
        clcf->error_pages = NULL;

        if (a.headers) {
            cscfp[i]->underscores_in_headers = 1;
        }

        if (a.names.nelts == 0) {
            continue;
        }

        to = ngx_array_push_n(&dscf->below, a.names.nelts);
        if (to == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(to, a.names.elts, a.names.nelts * sizeof(ngx_str_t));
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_decide_below_server(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_http_weir_decide_addr_t *a)
{
    void                             *srv;
    ngx_str_t                        *name;
    ngx_uint_t                        i;
    ngx_array_t                      *locations;
    ngx_http_core_loc_conf_t         *clcf;
    ngx_http_weir_loc_conf_t        **lcf;
    ngx_http_weir_decide_loc_conf_t  *dlcf;
    ngx_http_weir_decide_srv_conf_t  *dscf;

    srv = cscf->ctx->srv_conf[ngx_http_weir_module.ctx_index];

    locations = ngx_http_weir_locations(cf);
    lcf = locations->elts;

    for (i = 0; i < locations->nelts; i++) {

        clcf = lcf[i]->loc_conf[ngx_http_core_module.ctx_index];
        dlcf = lcf[i]->loc_conf[ngx_http_weir_decide_module.ctx_index];

        if (lcf[i]->srv != srv || dlcf->asked == NULL || lcf[i]->noname) {
            continue;
        }

        a->asked = 1;

        if (dlcf->authzen) {
            continue;
        }

        a->headers = 1;

        if (clcf->exact_match) {
            continue;
        }

        name = ngx_array_push(&a->names);
        if (name == NULL) {
            return NGX_ERROR;
        }

        *name = dlcf->prefix;

        dscf = cscf->ctx->srv_conf[ngx_http_weir_decide_module.ctx_index];
        dscf->own = 1;
    }

    return NGX_OK;
}
