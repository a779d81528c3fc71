
/*
 * Weir: what the files of the auth module share.
 */

#ifndef NGX_HTTP_WEIR_AUTH_INTERNAL_H_INCLUDED
#define NGX_HTTP_WEIR_AUTH_INTERNAL_H_INCLUDED


#include "ngx_http_weir.h"
#include "ngx_http_weir_auth.h"
#include "weir_token.h"
#include "weir_token_cache.h"


#define NGX_HTTP_WEIR_AUTH_SETS  512       /* of four entries, per worker */


/* What is counted for an issuer, by one process. */

typedef struct {
    uint64_t                        accepted;
    uint64_t                        missing;
    uint64_t                        error;
    uint64_t                        rejected[WEIR_TOKEN_REASONS];
} ngx_http_weir_auth_counters_t;


typedef struct {
    uint64_t                        hit;
    uint64_t                        miss;
    uint64_t                        evicted;
} ngx_http_weir_auth_cache_counters_t;


/* A weir_issuer. */

typedef struct {
    weir_issuer_t                   issuer;
    ngx_str_t                       name;
    ngx_http_weir_block_t          *counters;
} ngx_http_weir_auth_issuer_t;


/* One or more ways that are asked for together; any such set admits. */

typedef struct {
    ngx_array_t                     ways;      /* ngx_str_t */
    ngx_http_weir_auth_issuer_t    *issuer;    /* of a set of one */
} ngx_http_weir_auth_set_t;


typedef struct {
    ngx_str_t                       name;
    ngx_str_t                       lowcase;
    ngx_http_weir_value_t           value;
} ngx_http_weir_auth_header_t;


typedef struct {
    ngx_array_t                     issuers;   /* ..._auth_issuer_t * */
    weir_crypto_t                   crypto;
    weir_table_t                    table;     /* of this worker */
    ngx_http_weir_block_t          *ring;
    ngx_http_weir_block_t          *cache;     /* counters */
    ngx_queue_t                     expiring;  /* ..._auth_state_t */
    ngx_event_t                     sweep;
    unsigned                        headers:1; /* identity headers somewhere */
} ngx_http_weir_auth_main_conf_t;


typedef struct {
    ngx_array_t                    *sets;      /* ..._auth_set_t */
    ngx_uint_t                      set;       /* 0 unset, 1 off, 2 ways */
    ngx_uint_t                      optional;
    u_char                         *file;
    ngx_uint_t                      line;

    /* made at the merge: of all sets, each once */
    ngx_http_weir_auth_issuer_t   **issuers;
    const weir_issuer_t           **verify;
    ngx_uint_t                      nissuers;
    ngx_array_t                    *names;     /* ngx_str_t */

    ngx_array_t                    *headers;   /* ..._auth_header_t */
    ngx_flag_t                      headers_off;
    ngx_flag_t                      forward;
} ngx_http_weir_auth_loc_conf_t;


/* Entries that a request refers to; all of them until its end. */

typedef struct ngx_http_weir_auth_ref_s  ngx_http_weir_auth_ref_t;

struct ngx_http_weir_auth_ref_s {
    weir_held_t                    *held;
    ngx_http_weir_auth_ref_t       *next;
};


typedef struct {
    ngx_http_request_t             *request;
    ngx_http_weir_auth_ref_t       *refs;
    ngx_queue_t                     queue;
    time_t                          expires;

    ngx_str_t                       authorization;  /* the client's */
    ngx_uint_t                      count;          /* how many there were */
    ngx_array_t                    *headers;        /* last set; conf's */

    unsigned                        seen:1;
    unsigned                        verified:1;     /* it, by weir_auth */
    unsigned                        removed:1;      /* it, from headers_in */
    unsigned                        queued:1;
    unsigned                        cleanup:1;
} ngx_http_weir_auth_state_t;


extern ngx_module_t  ngx_http_weir_auth_module;


/* configuration */
char *ngx_http_weir_auth_issuer(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_weir_auth_ways(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_weir_auth_identity_header(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_weir_auth_resolve(ngx_conf_t *cf,
    ngx_http_weir_auth_loc_conf_t *alcf);
ngx_http_weir_auth_issuer_t *ngx_http_weir_auth_find(ngx_conf_t *cf,
    ngx_str_t *name);

/* the phases */
ngx_int_t ngx_http_weir_auth_preaccess(ngx_http_request_t *r);
ngx_int_t ngx_http_weir_auth_precontent(ngx_http_request_t *r);

/* tokens */
weir_token_reason_e ngx_http_weir_auth_token(ngx_http_request_t *r,
    ngx_http_weir_auth_loc_conf_t *alcf, weir_str_t token,
    weir_held_t **held, const ngx_http_weir_auth_issuer_t **issuer);
ngx_int_t ngx_http_weir_auth_ring_init(ngx_http_weir_block_t *block,
    ngx_uint_t fresh, ngx_log_t *log);

/* expiry */
void ngx_http_weir_auth_expire(ngx_http_request_t *r,
    ngx_http_weir_auth_state_t *state, time_t expires);

/* what the upstream and logs learn */
ngx_int_t ngx_http_weir_auth_upstream(ngx_http_request_t *r,
    ngx_http_weir_auth_state_t *state, ngx_http_weir_auth_loc_conf_t *alcf);
ngx_int_t ngx_http_weir_auth_authorization(ngx_http_request_t *r,
    ngx_http_weir_auth_state_t *state, ngx_http_weir_auth_loc_conf_t *alcf);
ngx_int_t ngx_http_weir_auth_clean(ngx_http_request_t *r, ngx_str_t *value);
ngx_int_t ngx_http_weir_auth_add_variables(ngx_conf_t *cf);
char *ngx_http_weir_auth_claim_variable(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* counters */
extern ngx_http_weir_provider_t  ngx_http_weir_auth_provider;


#endif /* NGX_HTTP_WEIR_AUTH_INTERNAL_H_INCLUDED */
