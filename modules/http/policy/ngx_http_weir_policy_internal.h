
/*
 * Weir: what the files of the policy module share.
 */

#ifndef NGX_HTTP_WEIR_POLICY_INTERNAL_H_INCLUDED
#define NGX_HTTP_WEIR_POLICY_INTERNAL_H_INCLUDED


#include "ngx_http_weir_policy.h"
#include "weir_policy.h"


/* The zone's area holds three generations: active, the one before, a next. */

#define NGX_HTTP_WEIR_POLICY_PARTS  3

#define NGX_HTTP_WEIR_POLICY_HASH   32      /* SHA-256 */

#define NGX_HTTP_WEIR_POLICY_ERROR  256     /* bytes kept of a message */


/* Why a bundle is refused (contract.md); the index of a counter. */

typedef enum {
    NGX_HTTP_WEIR_POLICY_REJECT_ERROR = 0,  /* policy-error */
    NGX_HTTP_WEIR_POLICY_REJECT_MISSING,    /* missing-policy */
    NGX_HTTP_WEIR_POLICY_REJECT_NAME,       /* unknown-name */
    NGX_HTTP_WEIR_POLICY_REJECT_LARGE,      /* too-large */
    NGX_HTTP_WEIR_POLICY_REJECTS
} ngx_http_weir_policy_reject_e;


typedef struct {
    ngx_flag_t              set;
    ngx_str_t               dir;
    u_char                 *image;       /* until it is in the zone */
    size_t                  size;
    u_char                  hash[NGX_HTTP_WEIR_POLICY_HASH];
    ngx_http_weir_block_t  *block;       /* NULL: no weir_bundle */

    /* the generation that this configuration brought */
    ngx_uint_t              part;
    ngx_uint_t              seq;         /* 0: none */

    ngx_array_t             policies;    /* ngx_http_weir_policy_use_t * */
} ngx_http_weir_policy_main_conf_t;


/* A policy that a location names, and its counters: one per reason. */

typedef struct {
    ngx_str_t               name;
    ngx_http_weir_block_t  *counters;
    ngx_uint_t              told;        /* that there is none */
} ngx_http_weir_policy_use_t;


typedef struct {
    ngx_str_t                    file;   /* where weir_policy stands */
    ngx_uint_t                   line;
    ngx_http_weir_policy_use_t  *use;
} ngx_http_weir_policy_loc_conf_t;


/* What is known of the active generation. */

typedef struct {
    u_char   hash[NGX_HTTP_WEIR_POLICY_HASH];
    time_t   activated;
    size_t   size;

    /* the last refusal since; error is empty where there is none */
    ngx_str_t    error;
    ngx_str_t    message;
    u_char       text[NGX_HTTP_WEIR_POLICY_ERROR];
    ngx_uint_t   rejected[NGX_HTTP_WEIR_POLICY_REJECTS];
} ngx_http_weir_policy_generation_t;


extern ngx_module_t              ngx_http_weir_policy_module;
extern ngx_http_weir_provider_t  ngx_http_weir_policy_provider;


/* --- ngx_http_weir_policy_bundle.c --- */

/* Reads and compiles mcf->dir; errors are logged.  Fills image and hash. */
char *ngx_http_weir_policy_compile(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf);

/* Are the policies that locations name in the bundle, and fit them? */
ngx_int_t ngx_http_weir_policy_bind(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf);


/* --- ngx_http_weir_policy_generation.c --- */

/* At zone initialisation: is there room for three such images? */
ngx_int_t ngx_http_weir_policy_fit(ngx_http_weir_block_t *block,
    ngx_uint_t fresh, ngx_log_t *log);

/* In init_module: puts the image into the zone and makes it the active one. */
void ngx_http_weir_policy_activate(ngx_cycle_t *cycle,
    ngx_http_weir_policy_main_conf_t *mcf);

/*
 * Pins the active generation, or where own is 1 the one that this
 * configuration brought, if it is still there; *part is which.  NULL: there
 * is none, nothing is pinned.  Nothing may wait until
 * ngx_http_weir_policy_unpin().
 */
const weir_policy_image_t *ngx_http_weir_policy_pin(
    ngx_http_weir_policy_main_conf_t *mcf, ngx_uint_t own, ngx_uint_t *part);
void ngx_http_weir_policy_unpin(ngx_http_weir_policy_main_conf_t *mcf);

/*
 * Records that a reload refuses its bundle, for the workers that go on with
 * the one before; does nothing at start and in nginx -t.
 */
void ngx_http_weir_policy_reject(ngx_uint_t reason, ngx_str_t *message);

extern ngx_str_t  ngx_http_weir_policy_rejects[];

/* NGX_DECLINED: none is active. */
ngx_int_t ngx_http_weir_policy_generation(
    ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_generation_t *g);


/* --- ngx_http_weir_policy_status.c --- */

/* $weir_rule and $weir_bundle. */
ngx_int_t ngx_http_weir_policy_variables(ngx_conf_t *cf);


/* --- ngx_http_weir_policy_request.c --- */

typedef struct {
    ngx_http_request_t     *http;
    weir_policy_request_t   policy;
    weir_addr_t             source;
    weir_addr_t             peer;
} ngx_http_weir_policy_request_t;

/* The request as a policy sees it. */
void ngx_http_weir_policy_request(ngx_http_weir_policy_request_t *pr,
    ngx_http_request_t *r, ngx_http_weir_question_t *q);


static ngx_inline weir_str_t
ngx_http_weir_policy_str(const ngx_str_t *s)
{
    weir_str_t  w;

    w.len = s->len;
    w.data = s->data;

    return w;
}


#endif /* NGX_HTTP_WEIR_POLICY_INTERNAL_H_INCLUDED */
