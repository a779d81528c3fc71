
/*
 * Weir: what the gateway says of itself: the families and members that belong
 * to no other area, and the object of weir_api as a whole.
 */

#include "ngx_http_weir_status.h"
#include "weir_time.h"


static void ngx_http_weir_status_metrics(ngx_cycle_t *cycle,
    ngx_http_weir_text_t *t);
static ngx_int_t ngx_http_weir_status_api(ngx_cycle_t *cycle, json_t *root);
static ngx_int_t ngx_http_weir_status_zone(json_t *root);
static ngx_int_t ngx_http_weir_status_missing(json_t *root);


uint64_t  ngx_http_weir_status_started;


ngx_http_weir_provider_t  ngx_http_weir_status_provider = {
    ngx_http_weir_status_metrics,
    ngx_http_weir_status_api,
    NULL
};


static void
ngx_http_weir_status_metrics(ngx_cycle_t *cycle, ngx_http_weir_text_t *t)
{
    size_t       size[NGX_HTTP_WEIR_AREAS], used[NGX_HTTP_WEIR_AREAS];
    uint64_t     discarded[NGX_HTTP_WEIR_AREAS];
    ngx_uint_t   i;
    const char  *name[NGX_HTTP_WEIR_AREAS];

    for (i = 0; i < NGX_HTTP_WEIR_AREAS; i++) {
        ngx_http_weir_area_status(i, &name[i], &size[i], &used[i],
                                  &discarded[i]);
    }

    ngx_http_weir_family(t, "weir_build", "info", NULL,
                         "Versions of Weir and of its nginx.");
    ngx_http_weir_text(t, "weir_build_info{version=\"" NGX_HTTP_WEIR_VERSION
                       "\",nginx=\"" NGINX_VERSION "\"} 1\n");

    ngx_http_weir_family(t, "weir_requests_in_flight", "gauge", NULL,
                         "Client requests under way.");
    ngx_http_weir_text(t, "weir_requests_in_flight %uL\n",
                       ngx_http_weir_in_flight());

    ngx_http_weir_family(t, "weir_draining", "gauge", NULL,
                         "Whether clients should go elsewhere.");
    ngx_http_weir_text(t, "weir_draining %ui\n", ngx_http_weir_draining());

    ngx_http_weir_family(t, "weir_zone_size_bytes", "gauge", "bytes",
                         "Shared memory by area.");

    for (i = 0; i < NGX_HTTP_WEIR_AREAS; i++) {
        ngx_http_weir_text(t, "weir_zone_size_bytes{area=\"%s\"} %uz\n",
                           name[i], size[i]);
    }

    ngx_http_weir_family(t, "weir_zone_used_bytes", "gauge", "bytes",
                         "Shared memory in use by area.");

    for (i = 0; i < NGX_HTTP_WEIR_AREAS; i++) {
        ngx_http_weir_text(t, "weir_zone_used_bytes{area=\"%s\"} %uz\n",
                           name[i], used[i]);
    }

    ngx_http_weir_family(t, "weir_zone_discarded", "counter", NULL,
                         "Entries thrown away for want of room by area.");

    for (i = 0; i < NGX_HTTP_WEIR_AREAS; i++) {
        ngx_http_weir_text(t, "weir_zone_discarded_total{area=\"%s\"} %uL\n",
                           name[i], discarded[i]);
    }
}


static ngx_int_t
ngx_http_weir_status_api(ngx_cycle_t *cycle, json_t *root)
{
    u_char    now[WEIR_TIME_LEN];
    uint64_t  uptime;

    weir_time_format(now, ngx_time());

    uptime = (ngx_http_weir_monotonic() - ngx_http_weir_status_started)
             / 1000000000;

    if (json_object_set_new(root, "version",
                            json_string(NGX_HTTP_WEIR_VERSION))
        != 0
        || json_object_set_new(root, "nginx", json_string(NGINX_VERSION)) != 0
        || json_object_set_new(root, "time",
                               json_stringn((char *) now, WEIR_TIME_LEN))
           != 0
        || json_object_set_new(root, "uptime_s",
                               json_integer((json_int_t) uptime))
           != 0
        || json_object_set_new(root, "draining",
                               json_boolean(ngx_http_weir_draining()))
           != 0
        || json_object_set_new(root, "in_flight",
                        json_integer((json_int_t) ngx_http_weir_in_flight()))
           != 0)
    {
        return NGX_ERROR;
    }

    return ngx_http_weir_status_zone(root);
}


static ngx_int_t
ngx_http_weir_status_zone(json_t *root)
{
    size_t       size, used;
    json_t      *zone, *area;
    uint64_t     discarded;
    ngx_uint_t   i;
    const char  *name;

    zone = json_object();

    for (i = 0; i < NGX_HTTP_WEIR_AREAS; i++) {
        ngx_http_weir_area_status(i, &name, &size, &used, &discarded);

        area = json_pack("{s:I, s:I, s:I}", "size", (json_int_t) size,
                         "used", (json_int_t) used,
                         "discarded", (json_int_t) discarded);

        if (json_object_set_new(zone, name, area) != 0) {
            json_decref(zone);
            return NGX_ERROR;
        }
    }

    return json_object_set_new(root, "zone", zone) == 0 ? NGX_OK : NGX_ERROR;
}


/* The object has the same members whatever is configured. */

static ngx_int_t
ngx_http_weir_status_missing(json_t *root)
{
    ngx_uint_t  i;

    static const char  *nulls[] = { "keeper", "bundle", "store", NULL };
    static const char  *objects[] = {
        "requests", "auth", "limits", "splits", "objectives", NULL
    };

    for (i = 0; nulls[i]; i++) {
        if (json_object_get(root, nulls[i]) == NULL
            && json_object_set_new(root, nulls[i], json_null()) != 0)
        {
            return NGX_ERROR;
        }
    }

    for (i = 0; objects[i]; i++) {
        if (json_object_get(root, objects[i]) == NULL
            && json_object_set_new(root, objects[i], json_object()) != 0)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_str_t
ngx_http_weir_status_json(ngx_http_request_t *r)
{
    char                       *dump;
    json_t                     *root;
    ngx_str_t                   text;
    ngx_uint_t                  i;
    ngx_array_t                *providers;
    ngx_http_weir_provider_t  **p;

    ngx_str_null(&text);

    root = json_object();
    if (root == NULL) {
        return text;
    }

    providers = ngx_http_weir_providers((ngx_cycle_t *) ngx_cycle);
    p = providers->elts;

    for (i = 0; i < providers->nelts; i++) {
        if (p[i]->api && p[i]->api((ngx_cycle_t *) ngx_cycle, root) != NGX_OK)
        {
            goto failed;
        }
    }

    if (ngx_http_weir_status_missing(root) != NGX_OK) {
        goto failed;
    }

    dump = json_dumps(root, JSON_COMPACT|JSON_SORT_KEYS);
    if (dump == NULL) {
        goto failed;
    }

    text.len = ngx_strlen(dump);
    text.data = ngx_pnalloc(r->pool, text.len + 1);

    if (text.data == NULL) {
        text.len = 0;

    } else {
        ngx_memcpy(text.data, dump, text.len);
        text.data[text.len++] = LF;
    }

    free(dump);

failed:

    json_decref(root);

    return text;
}
