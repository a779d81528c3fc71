
/*
 * Weir: generations as the store brings them: whoever reads bundles puts
 * their images into the zone with these calls, and nobody decides by less
 * than a whole one.
 *
 *   reserve -> fill (in any thread) -> commit, or release
 */

#ifndef NGX_HTTP_WEIR_POLICY_WRITER_H_INCLUDED
#define NGX_HTTP_WEIR_POLICY_WRITER_H_INCLUDED


#include "ngx_http_weir.h"
#include "weir_policy.h"
#include "weir_refusal.h"


#define NGX_HTTP_WEIR_POLICY_HASH   32      /* SHA-256 */


typedef struct ngx_http_weir_policy_main_conf_s
    ngx_http_weir_policy_main_conf_t;


/* Where a generation came from. */

typedef enum {
    NGX_HTTP_WEIR_POLICY_LOCAL = 0,         /* weir_bundle */
    NGX_HTTP_WEIR_POLICY_STORE,
    NGX_HTTP_WEIR_POLICY_SNAPSHOT           /* of weir_state */
} ngx_http_weir_policy_source_e;

/* On what it was believed. */

typedef enum {
    NGX_HTTP_WEIR_POLICY_TRUST_NONE = 0,    /* a local one */
    NGX_HTTP_WEIR_POLICY_TRUST_KEYS,
    NGX_HTTP_WEIR_POLICY_TRUST_OFF
} ngx_http_weir_policy_trust_e;


typedef struct {
    u_char       hash[NGX_HTTP_WEIR_POLICY_HASH];
    uint64_t     version;
    uint64_t     epoch;
    ngx_uint_t   source;
    ngx_uint_t   trust;
    ngx_uint_t   is_signed;
} ngx_http_weir_policy_info_t;


/* A part of the area that its holder alone writes. */

typedef struct {
    ngx_uint_t   part;
    u_char      *data;
    size_t       room;
} ngx_http_weir_policy_part_t;


/*
 * At configuration time: a store brings generations; what weir_bundle names
 * is put into use only by ngx_http_weir_policy_local().
 */
ngx_int_t ngx_http_weir_policy_foreign(ngx_conf_t *cf);

ngx_http_weir_policy_main_conf_t *ngx_http_weir_policy_main(
    ngx_cycle_t *cycle);

/* NGX_DECLINED: no weir_bundle; NGX_OK: one with "bootstrap"; NGX_AGAIN. */
ngx_int_t ngx_http_weir_policy_bootstrap(
    const ngx_http_weir_policy_main_conf_t *mcf);

/* Bytes that an image may have. */
size_t ngx_http_weir_policy_image_room(ngx_http_weir_policy_main_conf_t *mcf);

/*
 * Whether an image serves what nginx.conf names: 0, or a refusal
 * (missing-policy, unknown-name) with its text, which names the place.
 * weir_refusal_e.  lenient: a policy that is missing is no fault, only told
 * (its requests are answered 503).  In any thread.
 */
ngx_uint_t ngx_http_weir_policy_fits(
    const ngx_http_weir_policy_main_conf_t *mcf,
    const weir_policy_image_t *image, ngx_uint_t lenient, weir_err_t *err);

/* NGX_OK and *info of the active generation, or NGX_DECLINED. */
ngx_int_t ngx_http_weir_policy_active(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_info_t *info);

/* As ngx_http_weir_policy_fits(), of the active generation. */
ngx_uint_t ngx_http_weir_policy_active_fits(
    ngx_http_weir_policy_main_conf_t *mcf, ngx_uint_t lenient,
    weir_err_t *err);

/*
 * Takes a part that nobody reads or writes.  NGX_AGAIN: there is none for
 * the moment; never waits.  The part of a process that died is taken, too.
 */
ngx_int_t ngx_http_weir_policy_reserve(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_part_t *part);

/*
 * Copies an image into the part and checks all of it there.  NGX_ERROR: it is
 * damaged, or does not fit.  In any thread.
 */
ngx_int_t ngx_http_weir_policy_fill(ngx_http_weir_policy_part_t *part,
    const void *image, size_t size);

/* Makes the part the active generation.  Under the zone's lock. */
void ngx_http_weir_policy_commit(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_part_t *part, size_t size,
    const ngx_http_weir_policy_info_t *info);

/* Gives the part back. */
void ngx_http_weir_policy_release(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_part_t *part);

/* The active generation stays and is told as info says.  Under the lock. */
void ngx_http_weir_policy_relabel(ngx_http_weir_policy_main_conf_t *mcf,
    const ngx_http_weir_policy_info_t *info);

/* None is active: what has a policy is answered 503. */
void ngx_http_weir_policy_none(ngx_http_weir_policy_main_conf_t *mcf);

/*
 * In init_module, once this configuration has its generation: workers of it
 * fall back on that one.  others: 0, none but the active may be used again.
 */
void ngx_http_weir_policy_own(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_uint_t others);

/*
 * In init_module: puts weir_bundle's image into use; NGX_DECLINED: there is
 * none.
 */
ngx_int_t ngx_http_weir_policy_local(ngx_cycle_t *cycle,
    ngx_http_weir_policy_main_conf_t *mcf);

/*
 * Tells of a bundle that is refused (count: it is another one than last time)
 * or, with WEIR_REFUSAL_NONE, that all is well.
 */
void ngx_http_weir_policy_refuse(ngx_http_weir_policy_main_conf_t *mcf,
    weir_refusal_e why, const char *message, uint64_t version,
    ngx_uint_t count);

/* Names (ngx_str_t) of the policies in use and of the issuers. */
ngx_array_t *ngx_http_weir_policy_names(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_pool_t *pool);
ngx_array_t *ngx_http_weir_policy_issuer_names(
    ngx_http_weir_policy_main_conf_t *mcf);

/*
 * Adds to a contract what a bundle must fit: "locations", each policy with
 * the issuers whose tokens arrive with it, once; "identity_headers", which no
 * policy may set; "room", bytes of an image.
 */
ngx_int_t ngx_http_weir_policy_contract(ngx_http_weir_policy_main_conf_t *mcf,
    json_t *contract);

extern ngx_http_weir_provider_t  ngx_http_weir_policy_provider;


#endif /* NGX_HTTP_WEIR_POLICY_WRITER_H_INCLUDED */
