
/*
 * Weir: what splits tell of themselves: requests and weights by colour, in
 * metrics and in weir_api.
 */

#include "ngx_http_weir_split_internal.h"


static uint32_t ngx_http_weir_split_weight(ngx_http_weir_split_t *split,
    uint32_t colour);
static void ngx_http_weir_split_metrics(ngx_cycle_t *cycle,
    ngx_http_weir_text_t *t);
static json_t *ngx_http_weir_split_told(ngx_http_weir_split_t *split,
    json_t *colours);
static ngx_int_t ngx_http_weir_split_api(ngx_cycle_t *cycle, json_t *root);


ngx_http_weir_provider_t  ngx_http_weir_split_provider = {
    ngx_http_weir_split_metrics,
    ngx_http_weir_split_api,
    NULL
};


/* In hundredths of a percent; the last colour has what the others leave. */

static uint32_t
ngx_http_weir_split_weight(ngx_http_weir_split_t *split, uint32_t colour)
{
    uint32_t         i, rest, live[WEIR_SPLIT_COLOURS];
    const uint32_t  *weights;

    weights = ngx_http_weir_split_weights(split, live);

    if (colour < split->split.ncolours - 1) {
        return weights[colour];
    }

    rest = WEIR_SPLIT_WHOLE;

    for (i = 0; i < split->split.ncolours - 1; i++) {
        rest -= weights[i];
    }

    return rest;
}


static void
ngx_http_weir_split_metrics(ngx_cycle_t *cycle, ngx_http_weir_text_t *t)
{
    uint32_t                           k, weight;
    ngx_str_t                          colour;
    ngx_uint_t                         i;
    ngx_http_weir_split_t            **split;
    ngx_http_weir_split_main_conf_t   *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_split_module);
    split = smcf->splits.elts;

    ngx_http_weir_family(t, "weir_split_requests", "counter", NULL,
                         "Requests by split and colour, without overrides.");

    for (i = 0; i < smcf->splits.nelts; i++) {
        for (k = 0; k < split[i]->split.ncolours; k++) {

            colour.len = split[i]->split.colours[k].name.len;
            colour.data = (u_char *) split[i]->split.colours[k].name.data;

            ngx_http_weir_text(t, "weir_split_requests_total{split=\"%V\","
                               "colour=\"%V\"} %uL\n", &split[i]->name,
                               &colour,
                               ngx_http_weir_slab_sum(split[i]->counters[k],
                                                      0));
        }
    }

    ngx_http_weir_family(t, "weir_split_weight_ratio", "gauge", "ratio",
                         "Weights in force.");

    for (i = 0; i < smcf->splits.nelts; i++) {
        for (k = 0; k < split[i]->split.ncolours; k++) {

            colour.len = split[i]->split.colours[k].name.len;
            colour.data = (u_char *) split[i]->split.colours[k].name.data;

            weight = ngx_http_weir_split_weight(split[i], k);

            ngx_http_weir_text(t, "weir_split_weight_ratio{split=\"%V\","
                               "colour=\"%V\"} %uD.%04uD\n", &split[i]->name,
                               &colour, weight / WEIR_SPLIT_WHOLE,
                               weight % WEIR_SPLIT_WHOLE);
        }
    }
}


/* {"source","rev","colours"}, and what is refused, where something is. */

static json_t *
ngx_http_weir_split_told(ngx_http_weir_split_t *split, json_t *colours)
{
    u_char                       message[NGX_HTTP_WEIR_SPLIT_ERROR];
    size_t                       len;
    json_t                      *one, *error;
    uint64_t                     rev, version;
    ngx_uint_t                   live;
    weir_str_t                   why;
    ngx_http_weir_split_live_t   l;
    ngx_http_weir_split_state_t *state;

    if (split->live == NULL) {
        return json_pack("{s:s, s:i, s:o}", "source", "config", "rev", 0,
                         "colours", colours);
    }

    l.block = split->live;
    live = ngx_http_weir_split_live_active(&l);
    state = ngx_http_weir_split_live_state(&l);

    ngx_http_weir_zone_lock();

    rev = live ? state->rev : 0;
    why = weir_refusal_word(state->why);
    version = state->version;
    len = state->len;
    ngx_memcpy(message, state->message, len);

    ngx_http_weir_zone_unlock();

    one = json_pack("{s:s, s:I, s:o}", "source", live ? "store" : "config",
                    "rev", (json_int_t) rev, "colours", colours);

    if (one && why.len) {

        while (len && !weir_utf8_valid((weir_str_t) { len, message })) {
            len--;
        }

        error = json_pack("{s:s, s:s%, s:I}", "reason", (char *) why.data,
                          "message", (char *) message, len,
                          "version", (json_int_t) version);

        if (json_object_set_new(one, "error", error) != 0) {
            json_decref(one);
            return NULL;
        }
    }

    return one;
}


static ngx_int_t
ngx_http_weir_split_api(ngx_cycle_t *cycle, json_t *root)
{
    json_t                            *splits, *one, *colours, *colour;
    uint32_t                           k;
    ngx_uint_t                         i;
    weir_str_t                        *name;
    ngx_http_weir_split_t            **split;
    ngx_http_weir_split_main_conf_t   *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_split_module);
    split = smcf->splits.elts;

    splits = json_object();

    for (i = 0; i < smcf->splits.nelts; i++) {

        colours = json_object();

        for (k = 0; k < split[i]->split.ncolours; k++) {

            name = &split[i]->split.colours[k].name;

            colour = json_pack("{s:f, s:I}", "weight",
                               (double) ngx_http_weir_split_weight(split[i],
                                                                   k)
                               / WEIR_SPLIT_WHOLE,
                               "requests", (json_int_t)
                               ngx_http_weir_slab_sum(split[i]->counters[k],
                                                      0));

            if (json_object_setn_new_nocheck(colours, (char *) name->data,
                                             name->len, colour)
                != 0)
            {
                json_decref(colours);
                goto failed;
            }
        }

        one = ngx_http_weir_split_told(split[i], colours);

        if (json_object_setn_new_nocheck(splits,
                                         (char *) split[i]->name.data,
                                         split[i]->name.len, one)
            != 0)
        {
            goto failed;
        }
    }

    return json_object_set_new(root, "splits", splits) == 0 ? NGX_OK
                                                            : NGX_ERROR;

failed:

    json_decref(splits);

    return NGX_ERROR;
}
