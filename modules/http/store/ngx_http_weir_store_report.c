
/*
 * Weir: a gateway's report: what it says of itself in the store, so that
 * weirctl knows who lags and why, what a bundle must fit, and the highest
 * version of each document.
 */

#include "ngx_http_weir_store.h"
#include "weir_file.h"


static ngx_int_t ngx_http_weir_store_counters(json_t *root,
    const json_t *all);
static ngx_int_t ngx_http_weir_store_contract(json_t *root,
    const json_t *all, ngx_http_weir_store_conf_t *sscf);
static json_t *ngx_http_weir_store_keys(const json_t *all,
    const char *member);
static json_t *ngx_http_weir_store_names(ngx_array_t *names);
static ngx_int_t ngx_http_weir_store_fences(json_t *root,
    ngx_http_weir_store_conf_t *sscf);
static ngx_int_t ngx_http_weir_store_fence(json_t *fences, weir_kind_e kind,
    weir_str_t id, const weir_fence_t *fence);


/* Of weir_api's object, what belongs into a report, too. */

static const char  *ngx_http_weir_store_members[] = {
    "version", "nginx", "time", "uptime_s", "draining", "in_flight", "bundle",
    "keeper", "splits", "store", NULL
};


char *
ngx_http_weir_store_report(ngx_http_weir_store_conf_t *sscf)
{
    char                       *text;
    json_t                     *root, *all;
    ngx_uint_t                  i;
    const char                **name;
    ngx_array_t                *providers;
    ngx_http_weir_provider_t  **p;

    text = NULL;

    root = json_pack("{s:s%, s:s%}", "node", (char *) sscf->node->data,
                     sscf->node->len, "state_dir",
                     (char *) sscf->state.data, sscf->state.len);
    all = json_object();

    /* these two are there also where nginx.conf has none of theirs */

    if (ngx_http_weir_policy_provider.api((ngx_cycle_t *) ngx_cycle, all)
        != NGX_OK
        || ngx_http_weir_split_provider.api((ngx_cycle_t *) ngx_cycle, all)
           != NGX_OK)
    {
        goto failed;
    }

    providers = ngx_http_weir_providers((ngx_cycle_t *) ngx_cycle);
    p = providers->elts;

    for (i = 0; i < providers->nelts; i++) {
        if (p[i]->api && p[i]->api((ngx_cycle_t *) ngx_cycle, all) != NGX_OK)
        {
            goto failed;
        }
    }

    for (name = ngx_http_weir_store_members; *name; name++) {
        if (json_object_get(all, *name)
            && json_object_set(root, *name, json_object_get(all, *name)) != 0)
        {
            goto failed;
        }
    }

    if (ngx_http_weir_store_counters(root, all) == NGX_OK
        && ngx_http_weir_store_contract(root, all, sscf) == NGX_OK
        && ngx_http_weir_store_fences(root, sscf) == NGX_OK)
    {
        text = json_dumps(root, JSON_COMPACT|JSON_SORT_KEYS);
    }

failed:

    json_decref(all);
    json_decref(root);

    return text;
}


/* Of all services together: a report is small, however many there are. */

static ngx_int_t
ngx_http_weir_store_counters(json_t *root, const json_t *all)
{
    void        *i, *k;
    json_t      *requests, *services, *service, *verdicts;
    json_int_t   n;

    services = json_object_get(all, "requests");
    verdicts = json_object();

    for (i = json_object_iter(services);
         i;
         i = json_object_iter_next(services, i))
    {
        service = json_object_iter_value(i);

        for (k = json_object_iter(service);
             k;
             k = json_object_iter_next(service, k))
        {
            requests = json_object_get(verdicts, json_object_iter_key(k));

            n = json_integer_value(requests)
                + json_integer_value(json_object_iter_value(k));

            if (json_object_set_new(verdicts, json_object_iter_key(k),
                                    json_integer(n))
                != 0)
            {
                json_decref(verdicts);
                return NGX_ERROR;
            }
        }
    }

    return json_object_set_new(root, "counters",
                               json_pack("{s:o}", "requests", verdicts))
           == 0 ? NGX_OK : NGX_ERROR;
}


weir_store_code_e
ngx_http_weir_store_put_report(ngx_http_weir_store_conf_t *sscf,
    const char *text, weir_store_err_t *err)
{
    weir_str_t          bytes;
    weir_store_t       *store;
    weir_store_code_e   rc;

    rc = weir_file_open(&store, &weir_alloc_malloc, sscf->dir, 0, 0, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    bytes.data = (const uint8_t *) text;
    bytes.len = ngx_strlen(text);

    rc = store->ops->put_report(store, ngx_http_weir_str(sscf->node),
                                bytes, err);

    store->ops->close(store);

    return rc;
}


/* What nginx.conf names: push refuses what a live gateway cannot serve. */

static ngx_int_t
ngx_http_weir_store_contract(json_t *root, const json_t *all,
    ngx_http_weir_store_conf_t *sscf)
{
    json_t                      *contract, *splits, *colours;
    uint32_t                     k;
    ngx_uint_t                   i;
    ngx_http_weir_split_live_t  *live;

    splits = json_object();
    live = sscf->lives->elts;

    for (i = 0; i < sscf->lives->nelts; i++) {

        colours = json_array();

        for (k = 0; k < live[i].ncolours; k++) {
            (void) json_array_append_new(colours,
                             json_stringn((char *) live[i].colours[k].data,
                                          live[i].colours[k].len));
        }

        if (json_object_setn_new_nocheck(splits, (char *) live[i].name.data,
                                         live[i].name.len, colours)
            != 0)
        {
            json_decref(splits);
            return NGX_ERROR;
        }
    }

    contract = json_pack("{s:o, s:o, s:o, s:o, s:o}", "policies",
                         ngx_http_weir_store_names(sscf->policies),
                         "issuers", ngx_http_weir_store_names(
                            ngx_http_weir_policy_issuer_names(sscf->policy)),
                         "splits", splits, "quotas",
                         ngx_http_weir_store_keys(all, "limits"),
                         "objectives",
                         ngx_http_weir_store_keys(all, "objectives"));

    if (ngx_http_weir_policy_contract(sscf->policy, contract) != NGX_OK) {
        json_decref(contract);
        return NGX_ERROR;
    }

    return json_object_set_new(root, "contract", contract) == 0 ? NGX_OK
                                                                : NGX_ERROR;
}


/* The names of an object's members. */

static json_t *
ngx_http_weir_store_keys(const json_t *all, const char *member)
{
    void    *i;
    json_t  *list, *object;

    list = json_array();
    object = json_object_get(all, member);

    for (i = json_object_iter(object);
         i;
         i = json_object_iter_next(object, i))
    {
        (void) json_array_append_new(list,
                                     json_string(json_object_iter_key(i)));
    }

    return list;
}


static json_t *
ngx_http_weir_store_names(ngx_array_t *names)
{
    json_t      *list;
    ngx_str_t   *name;
    ngx_uint_t   i;

    list = json_array();

    name = names ? names->elts : NULL;

    for (i = 0; names && i < names->nelts; i++) {
        (void) json_array_append_new(list, json_stringn((char *) name[i].data,
                                                        name[i].len));
    }

    return list;
}


static ngx_int_t
ngx_http_weir_store_fences(json_t *root, ngx_http_weir_store_conf_t *sscf)
{
    json_t                       *fences;
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    weir_str_t                    id;
    ngx_http_weir_split_live_t   *live;
    ngx_http_weir_store_zone_t   *z;
    ngx_http_weir_split_state_t  *state;

    z = ngx_http_weir_store_zone(sscf);
    live = sscf->lives->elts;
    fences = json_object();

    id = weir_str(WEIR_BUNDLE_ID);

    rc = z->known ? ngx_http_weir_store_fence(fences, WEIR_KIND_BUNDLE, id,
                                              &z->fence)
                  : NGX_OK;

    for (i = 0; rc == NGX_OK && i < sscf->lives->nelts; i++) {
        state = ngx_http_weir_split_live_state(&live[i]);

        if (state->known) {
            id = ngx_http_weir_str(&live[i].name);
            rc = ngx_http_weir_store_fence(fences, WEIR_KIND_SPLIT, id,
                                           &state->fence);
        }
    }

    if (rc != NGX_OK) {
        json_decref(fences);
        return NGX_ERROR;
    }

    return json_object_set_new(root, "fences", fences) == 0 ? NGX_OK
                                                            : NGX_ERROR;
}


static ngx_int_t
ngx_http_weir_store_fence(json_t *fences, weir_kind_e kind, weir_str_t id,
    const weir_fence_t *fence)
{
    size_t    len;
    json_t   *one;
    uint8_t   name[WEIR_DOCUMENT_NAME_MAX], hash[WEIR_HASH_TEXT];

    len = weir_document_name(name, kind, id);
    weir_hash_format(hash, fence->hash);

    one = json_pack("{s:I, s:I, s:s%}", "epoch", (json_int_t) fence->epoch,
                    "version", (json_int_t) fence->version,
                    "hash", (char *) hash, (size_t) WEIR_HASH_TEXT);

    return json_object_setn_new_nocheck(fences, (char *) name, len, one) == 0
           ? NGX_OK : NGX_ERROR;
}
