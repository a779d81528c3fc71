
/*
 * Weir: what the files of the slo module share.
 */

#ifndef NGX_HTTP_WEIR_SLO_H_INCLUDED
#define NGX_HTTP_WEIR_SLO_H_INCLUDED


#include "ngx_http_weir.h"
#include "weir_slo.h"


/* What one process counts of an objective and colour. */

typedef struct {
    uint64_t                      availability[WEIR_SLO_RESULTS];
    uint64_t                      latency[WEIR_SLO_RESULTS];
} ngx_http_weir_slo_counts_t;


typedef struct {
    ngx_str_t                     name;
    uint64_t                      availability;    /* target, ppb; 0: none */
    uint64_t                      latency;
    uint64_t                      threshold_us;
    int64_t                       window_ms;
    ngx_http_weir_block_t       **slabs;           /* by colour */
} ngx_http_weir_objective_t;


/* A weir_slo as written; the objective may be defined further below. */

typedef struct {
    ngx_str_t                     name;
    ngx_str_t                     split;
    ngx_str_t                     file;
    ngx_uint_t                    line;
    ngx_http_weir_objective_t    *objective;
} ngx_http_weir_slo_ref_t;


typedef struct {
    ngx_array_t                   objectives;  /* ngx_http_weir_objective_t */
    ngx_array_t                   refs;        /* ngx_http_weir_slo_ref_t * */
    ngx_uint_t                    ncolours;
    ngx_str_t                    *colours;     /* the last one is "none" */
} ngx_http_weir_slo_main_conf_t;


typedef struct {
    ngx_http_weir_slo_ref_t      *ref;         /* NULL: off */
} ngx_http_weir_slo_loc_conf_t;


extern ngx_module_t              ngx_http_weir_slo_module;
extern ngx_http_weir_provider_t  ngx_http_weir_slo_provider;


#endif /* NGX_HTTP_WEIR_SLO_H_INCLUDED */
