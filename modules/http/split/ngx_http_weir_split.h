
/*
 * Weir: what the slo module asks of the split module, so that objectives
 * count by colour.
 */

#ifndef NGX_HTTP_WEIR_SPLIT_H_INCLUDED
#define NGX_HTTP_WEIR_SPLIT_H_INCLUDED


#include "ngx_http_weir.h"
#include "weir_fence.h"
#include "weir_refusal.h"
#include "weir_split.h"


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


/* --- for the store, which brings live weights --- */

#define NGX_HTTP_WEIR_SPLIT_RAW    8192     /* bytes kept of an envelope */
#define NGX_HTTP_WEIR_SPLIT_ERROR  256      /* bytes kept of a message */


typedef struct {
    ngx_str_t                name;
    ngx_http_weir_block_t   *block;
    uint32_t                 ncolours;
    weir_str_t               colours[WEIR_SPLIT_COLOURS];  /* rest last */
} ngx_http_weir_split_live_t;


/*
 * What is known of a split's document: in the zone, so that it outlives
 * workers and reloads.  One process writes; it holds the zone's lock where
 * others read, which is all but raw.
 */

typedef struct {
    ngx_uint_t       known;            /* a version was ever accepted: */
    weir_fence_t     fence;            /* the newest, without its name */
    ngx_uint_t       applied;          /* a document is in effect: */
    uint64_t         rev;              /* its version */
    u_char           hash[WEIR_SHA256_LEN];        /* its payload's */
    weir_refusal_e   why;              /* the last one is refused */
    uint64_t         version;          /* that one's */
    u_char           seen[WEIR_SHA256_LEN];        /* its bytes' */
    size_t           len;
    u_char           message[NGX_HTTP_WEIR_SPLIT_ERROR];
    size_t           raw_len;          /* the accepted one, 0: too large */
    u_char           raw[NGX_HTTP_WEIR_SPLIT_RAW];
} ngx_http_weir_split_state_t;


/*
 * In postconfiguration: all splits may have live weights; of namespace ns.
 * ngx_http_weir_split_live_t, or NULL: out of memory.
 */
ngx_array_t *ngx_http_weir_split_live_add(ngx_conf_t *cf, ngx_str_t *ns);

/* The weights of all colours but the rest; NULL: nginx.conf's again. */
void ngx_http_weir_split_live_set(ngx_http_weir_split_live_t *live,
    const uint32_t *weights);

ngx_http_weir_split_state_t *ngx_http_weir_split_live_state(
    ngx_http_weir_split_live_t *live);

/* 1 if there are live weights. */
ngx_uint_t ngx_http_weir_split_live_active(ngx_http_weir_split_live_t *live);

extern ngx_http_weir_provider_t  ngx_http_weir_split_provider;


#endif /* NGX_HTTP_WEIR_SPLIT_H_INCLUDED */
