
/*
 * Weir: the store in metrics and in weir_api.
 */

#include "ngx_http_weir_store.h"
#include "weir_time.h"


static ngx_int_t ngx_http_weir_store_api(ngx_cycle_t *cycle, json_t *root);
static void ngx_http_weir_store_metrics(ngx_cycle_t *cycle,
    ngx_http_weir_text_t *t);


ngx_http_weir_provider_t  ngx_http_weir_store_provider = {
    ngx_http_weir_store_metrics,
    ngx_http_weir_store_api,
    NULL
};


static void
ngx_http_weir_store_metrics(ngx_cycle_t *cycle, ngx_http_weir_text_t *t)
{
    uint64_t                     errors[NGX_HTTP_WEIR_STORE_ERRORS], n;
    ngx_uint_t                   i, k, up;
    ngx_http_weir_store_conf_t  *sscf;
    ngx_http_weir_store_zone_t  *z;

    sscf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_store_module);
    z = ngx_http_weir_store_zone(sscf);

    ngx_http_weir_zone_lock();
    up = z->up;
    ngx_memcpy(errors, z->errors, sizeof(errors));
    ngx_http_weir_zone_unlock();

    ngx_http_weir_family(t, "weir_store_up", "gauge", NULL,
                         "Whether the store answered last time.");
    ngx_http_weir_text(t, "weir_store_up %d\n", up == 1);

    ngx_http_weir_family(t, "weir_store_errors", "counter", NULL,
                         "What went wrong with the store, with live "
                         "documents and with weir_state, by reason.");

    for (i = 1; i < NGX_HTTP_WEIR_STORE_ERRORS; i++) {

        /* "missing" is no error, and index 0 of refusals is none */

        if (i == WEIR_STORE_MISSING || i == NGX_HTTP_WEIR_STORE_REFUSED) {
            continue;
        }

        n = errors[i];

        /* a word of the store that is a refusal's, too */

        if (i == WEIR_STORE_TOO_LARGE) {
            continue;
        }

        k = NGX_HTTP_WEIR_STORE_REFUSED + WEIR_REFUSAL_TOO_LARGE;

        if (i == k) {
            n += errors[WEIR_STORE_TOO_LARGE];
        }

        ngx_http_weir_text(t, "weir_store_errors_total{reason=\"%s\"} %uL\n",
                           ngx_http_weir_store_error_word(i), n);
    }
}


static ngx_int_t
ngx_http_weir_store_api(ngx_cycle_t *cycle, json_t *root)
{
    u_char                       at[WEIR_TIME_LEN];
    u_char                       message[NGX_HTTP_WEIR_STORE_ERROR];
    size_t                       len;
    json_t                      *store, *error, *contact, *keeper, *waiting;
    time_t                       waits;
    uint64_t                     version;
    ngx_uint_t                   up, reason;
    ngx_http_weir_store_conf_t  *sscf;
    ngx_http_weir_store_zone_t  *z;

    sscf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_store_module);
    z = ngx_http_weir_store_zone(sscf);

    contact = json_null();
    keeper = json_null();
    error = json_null();
    waiting = json_null();

    ngx_http_weir_zone_lock();

    up = z->up;
    reason = z->error;
    version = z->waiting;
    waits = z->waits;
    len = z->len;
    ngx_memcpy(message, z->message, len);

    if (reason == 0 && z->alarm) {
        reason = z->alarm;
        len = z->alarm_len;
        ngx_memcpy(message, z->alarm_text, len);
    }

    ngx_http_weir_zone_unlock();

    if (z->contact) {
        weir_time_format(at, z->contact);
        contact = json_stringn((char *) at, WEIR_TIME_LEN);
    }

    if (z->pid) {
        keeper = json_integer((json_int_t) z->pid);
    }

    if (reason) {

        while (len && !weir_utf8_valid((weir_str_t) { len, message })) {
            len--;
        }

        error = json_pack("{s:s, s:s%}", "reason",
                          ngx_http_weir_store_error_word(reason),
                          "message", (char *) message, len);
    }

    if (version) {
        weir_time_format(at, waits);
        waiting = json_pack("{s:I, s:s%}", "version", (json_int_t) version,
                            "activate_at", (char *) at,
                            (size_t) WEIR_TIME_LEN);
    }

    store = json_pack("{s:s%, s:s, s:o, s:o, s:o}", "url",
                      (char *) sscf->url.data, sscf->url.len,
                      "state", up == 1 ? "up" : "down",
                      "last_contact", contact, "error", error,
                      "waiting", waiting);

    if (json_object_set_new(root, "store", store) != 0) {
        json_decref(keeper);
        return NGX_ERROR;
    }

    return json_object_set_new(root, "keeper", keeper) == 0 ? NGX_OK
                                                            : NGX_ERROR;
}
