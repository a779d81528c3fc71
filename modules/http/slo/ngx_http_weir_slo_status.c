
/*
 * Weir: what the objectives tell of themselves: metrics and weir_api.
 */

#include "ngx_http_weir_slo.h"


static void ngx_http_weir_slo_metrics(ngx_cycle_t *cycle,
    ngx_http_weir_text_t *t);
static ngx_int_t ngx_http_weir_slo_api(ngx_cycle_t *cycle, json_t *root);


ngx_http_weir_provider_t  ngx_http_weir_slo_provider = {
    ngx_http_weir_slo_metrics,
    ngx_http_weir_slo_api,
    NULL
};


static uint64_t
ngx_http_weir_slo_sum(ngx_http_weir_objective_t *o, ngx_uint_t colour,
    ngx_uint_t latency, ngx_uint_t result)
{
    size_t  offset;

    offset = latency ? offsetof(ngx_http_weir_slo_counts_t, latency)
                     : offsetof(ngx_http_weir_slo_counts_t, availability);

    return ngx_http_weir_slab_sum(o->slabs[colour],
                                  offset + result * sizeof(uint64_t));
}


static void
ngx_http_weir_slo_metrics(ngx_cycle_t *cycle, ngx_http_weir_text_t *t)
{
    ngx_uint_t                      i, k, n, sli;
    ngx_http_weir_objective_t      *o;
    ngx_http_weir_slo_main_conf_t  *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_slo_module);
    o = smcf->objectives.elts;

    ngx_http_weir_family(t, "weir_slo_events", "counter", NULL,
                         "Requests by what they count as for an objective.");

    for (i = 0; i < smcf->objectives.nelts; i++) {
        for (sli = 0; sli < 2; sli++) {

            if ((sli ? o[i].latency : o[i].availability) == 0) {
                continue;
            }

            for (k = 0; k < smcf->ncolours; k++) {
                for (n = 0; n < WEIR_SLO_RESULTS; n++) {
                    ngx_http_weir_text(t, "weir_slo_events_total{"
                                       "objective=\"%V\",sli=\"%s\","
                                       "colour=\"%V\",result=\"%s\"} %uL\n",
                                       &o[i].name,
                                       sli ? "latency" : "availability",
                                       &smcf->colours[k], weir_slo_results[n],
                                       ngx_http_weir_slo_sum(&o[i], k, sli,
                                                             n));
                }
            }
        }
    }
}


static json_t *
ngx_http_weir_slo_json(ngx_http_weir_slo_main_conf_t *smcf,
    ngx_http_weir_objective_t *o, ngx_uint_t sli)
{
    json_t      *json;
    uint64_t     sum;
    ngx_uint_t   k, n;

    json = json_object();

    (void) json_object_set_new(json, "target",
                 json_real((double) (sli ? o->latency : o->availability)
                           / 1000000000));

    for (n = 0; n < WEIR_SLO_RESULTS; n++) {

        sum = 0;

        for (k = 0; k < smcf->ncolours; k++) {
            sum += ngx_http_weir_slo_sum(o, k, sli, n);
        }

        (void) json_object_set_new(json, weir_slo_results[n],
                                   json_integer(sum));
    }

    return json;
}


static ngx_int_t
ngx_http_weir_slo_api(ngx_cycle_t *cycle, json_t *root)
{
    json_t                         *objectives, *json;
    ngx_uint_t                      i;
    ngx_http_weir_objective_t      *o;
    ngx_http_weir_slo_main_conf_t  *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_slo_module);
    o = smcf->objectives.elts;

    objectives = json_object();

    for (i = 0; i < smcf->objectives.nelts; i++) {

        json = json_object();

        if (o[i].availability) {
            (void) json_object_set_new(json, "availability",
                                  ngx_http_weir_slo_json(smcf, &o[i], 0));
        }

        if (o[i].latency) {
            (void) json_object_set_new(json, "latency",
                                  ngx_http_weir_slo_json(smcf, &o[i], 1));
        }

        (void) json_object_setn_new_nocheck(objectives,
                                            (char *) o[i].name.data,
                                            o[i].name.len, json);
    }

    return json_object_set_new(root, "objectives", objectives) == 0
           ? NGX_OK : NGX_ERROR;
}
