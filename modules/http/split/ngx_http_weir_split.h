
/*
 * Weir: what the slo module asks of the split module, so that objectives
 * count by colour.
 */

#ifndef NGX_HTTP_WEIR_SPLIT_H_INCLUDED
#define NGX_HTTP_WEIR_SPLIT_H_INCLUDED


#include "ngx_http_weir.h"


/*
 * Every colour that a weir_split names, each once: ngx_str_t.  NULL: out of
 * memory.  For postconfiguration, when all splits are read.
 */
ngx_array_t *ngx_http_weir_split_colours(ngx_conf_t *cf);

/* 1 if there is a split of that name; for postconfiguration. */
ngx_uint_t ngx_http_weir_split_defined(ngx_conf_t *cf, ngx_str_t *name);

/*
 * The colour that the main request was given in split, or, where split is
 * empty, in the only split that it evaluated.  NGX_DECLINED: in none, or in
 * several.
 */
ngx_int_t ngx_http_weir_split_colour(ngx_http_request_t *r, ngx_str_t *split,
    ngx_str_t *colour);


#endif /* NGX_HTTP_WEIR_SPLIT_H_INCLUDED */
