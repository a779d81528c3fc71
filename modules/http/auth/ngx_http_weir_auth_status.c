
/*
 * Weir: what became of credentials, in metrics and in weir_api.
 */

#include "ngx_http_weir_auth_internal.h"


static void ngx_http_weir_auth_metrics(ngx_cycle_t *cycle,
    ngx_http_weir_text_t *t);
static ngx_int_t ngx_http_weir_auth_api(ngx_cycle_t *cycle, json_t *root);
static const char *ngx_http_weir_auth_unready(ngx_cycle_t *cycle);


ngx_http_weir_provider_t  ngx_http_weir_auth_provider = {
    ngx_http_weir_auth_metrics,
    ngx_http_weir_auth_api,
    ngx_http_weir_auth_unready
};


static uint64_t
ngx_http_weir_auth_rejected(ngx_http_weir_auth_issuer_t *issuer,
    ngx_uint_t reason)
{
    return ngx_http_weir_slab_sum(issuer->counters,
               offsetof(ngx_http_weir_auth_counters_t, rejected)
               + reason * sizeof(uint64_t));
}


static void
ngx_http_weir_auth_metrics(ngx_cycle_t *cycle, ngx_http_weir_text_t *t)
{
    uint64_t                         n;
    ngx_uint_t                       i, k;
    ngx_http_weir_auth_issuer_t    **issuer;
    ngx_http_weir_auth_main_conf_t  *amcf;

    static const struct {
        const char                  *name;
        size_t                       offset;
    } results[] = {
        { "accepted", offsetof(ngx_http_weir_auth_counters_t, accepted) },
        { "missing", offsetof(ngx_http_weir_auth_counters_t, missing) },
        { "error", offsetof(ngx_http_weir_auth_counters_t, error) }
    };

    static const struct {
        const char                  *name;
        size_t                       offset;
    } cache[] = {
        { "hit", offsetof(ngx_http_weir_auth_cache_counters_t, hit) },
        { "miss", offsetof(ngx_http_weir_auth_cache_counters_t, miss) },
        { "evicted", offsetof(ngx_http_weir_auth_cache_counters_t, evicted) }
    };

    amcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_auth_module);
    issuer = amcf->issuers.elts;

    ngx_http_weir_family(t, "weir_auth", "counter", NULL,
                         "Credentials by way, result and reason.");

    for (i = 0; i < amcf->issuers.nelts; i++) {

        for (k = 0; k < 3; k++) {
            n = ngx_http_weir_slab_sum(issuer[i]->counters,
                                       results[k].offset);

            ngx_http_weir_text(t, "weir_auth_total{way=\"%V\",result=\"%s\","
                               "reason=\"\"} %uL\n", &issuer[i]->name,
                               results[k].name, n);
        }

        for (k = WEIR_TOKEN_MALFORMED; k < WEIR_TOKEN_ERROR; k++) {
            ngx_http_weir_text(t, "weir_auth_total{way=\"%V\","
                               "result=\"rejected\",reason=\"%s\"} %uL\n",
                               &issuer[i]->name, weir_token_reason(k).data,
                               ngx_http_weir_auth_rejected(issuer[i], k));
        }
    }

    ngx_http_weir_family(t, "weir_token_cache", "counter", NULL,
                         "Tokens found verified, verified, displaced.");

    for (k = 0; k < 3; k++) {
        ngx_http_weir_text(t, "weir_token_cache_total{result=\"%s\"} %uL\n",
                           cache[k].name,
                           ngx_http_weir_slab_sum(amcf->cache,
                                                  cache[k].offset));
    }
}


static ngx_int_t
ngx_http_weir_auth_api(ngx_cycle_t *cycle, json_t *root)
{
    json_t                          *auth, *way;
    uint64_t                         rejected;
    ngx_uint_t                       i, k;
    ngx_http_weir_auth_issuer_t    **issuer;
    ngx_http_weir_auth_main_conf_t  *amcf;

    amcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_auth_module);
    issuer = amcf->issuers.elts;

    auth = json_object();

    for (i = 0; i < amcf->issuers.nelts; i++) {

        for (rejected = 0, k = WEIR_TOKEN_MALFORMED; k < WEIR_TOKEN_ERROR;
             k++)
        {
            rejected += ngx_http_weir_auth_rejected(issuer[i], k);
        }

        way = json_pack("{s:I,s:I,s:I,s:I}",
            "accepted", (json_int_t) ngx_http_weir_slab_sum(
                issuer[i]->counters,
                offsetof(ngx_http_weir_auth_counters_t, accepted)),
            "missing", (json_int_t) ngx_http_weir_slab_sum(
                issuer[i]->counters,
                offsetof(ngx_http_weir_auth_counters_t, missing)),
            "rejected", (json_int_t) rejected,
            "error", (json_int_t) ngx_http_weir_slab_sum(
                issuer[i]->counters,
                offsetof(ngx_http_weir_auth_counters_t, error)));

        /* a name of at most 63 bytes; older janssons want a final zero */

        if (json_object_set_new(auth, (char *) issuer[i]->name.data, way)
            != 0)
        {
            json_decref(auth);
            return NGX_ERROR;
        }
    }

    return json_object_set_new(root, "auth", auth) == 0 ? NGX_OK : NGX_ERROR;
}


/* Every issuer needs keys; today a configuration without them is refused. */

static const char *
ngx_http_weir_auth_unready(ngx_cycle_t *cycle)
{
    ngx_uint_t                        i;
    ngx_http_weir_auth_issuer_t     **issuer;
    ngx_http_weir_auth_main_conf_t   *amcf;

    amcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_auth_module);
    issuer = amcf->issuers.elts;

    for (i = 0; i < amcf->issuers.nelts; i++) {
        if (issuer[i]->issuer.keys == NULL
            || issuer[i]->issuer.keys->usable == 0)
        {
            return "keys";
        }
    }

    return NULL;
}
