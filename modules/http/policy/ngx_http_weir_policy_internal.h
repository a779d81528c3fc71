
/*
 * Weir: what the files of the policy module share.
 */

#ifndef NGX_HTTP_WEIR_POLICY_INTERNAL_H_INCLUDED
#define NGX_HTTP_WEIR_POLICY_INTERNAL_H_INCLUDED


#include "ngx_http_weir_policy.h"
#include "ngx_http_weir_policy_writer.h"
#include "ngx_http_weir_record.h"


/* The zone's area holds three generations: active, the one before, a next. */

#define NGX_HTTP_WEIR_POLICY_PARTS  3

#define NGX_HTTP_WEIR_POLICY_ERROR  256     /* bytes kept of a message */
#define NGX_HTTP_WEIR_POLICY_KINDS  256     /* bindings that a report has */


/* A folder of policies, compiled when nginx reads its configuration. */

typedef struct {
    ngx_str_t               dir;         /* empty: there is none */
    ngx_str_t               file;        /* where that stands */
    ngx_uint_t              line;
    unsigned                candidate:1; /* nothing of it is enforced */
    u_char                 *image;
    size_t                  size;
    u_char                  hash[NGX_HTTP_WEIR_POLICY_HASH];
} ngx_http_weir_policy_dir_t;


struct ngx_http_weir_policy_main_conf_s {
    ngx_http_weir_policy_dir_t  bundle;    /* image: until in the zone */
    ngx_http_weir_policy_dir_t  candidate;

    ngx_uint_t              bootstrap;   /* the word stands behind DIR */
    weir_policy_regexes_t  *regexes;     /* this worker's of the candidate */
    ngx_http_weir_block_t  *block;       /* NULL: there are no policies */
    ngx_uint_t              foreign;     /* a store brings generations, too */

    /* the generation that this configuration brought */
    ngx_uint_t              part;
    ngx_uint_t              seq;         /* 0: none */

    ngx_array_t             policies;    /* ngx_http_weir_policy_use_t * */
    ngx_array_t             asked;       /* ngx_http_weir_policy_asked_t * */

    /* what a bundle must fit: for binding without a configuration at hand */
    ngx_array_t             bindings;    /* ngx_http_weir_policy_binding_t */
    ngx_uint_t              kinds[NGX_HTTP_WEIR_POLICY_KINDS];  /* of them */
    ngx_uint_t              nkinds;
    ngx_array_t            *issuers;     /* ngx_str_t; NULL: none */
    ngx_array_t            *identity;    /* ngx_str_t; NULL: none */

    /* quotas, splits and objectives, which effects name */
    const ngx_http_weir_finders_t  *finders;
};


/* A location's policy, and whose tokens are admitted there. */

typedef struct {
    ngx_str_t               name;
    ngx_str_t               file;
    ngx_uint_t              line;
    weir_str_t             *admitted;
    ngx_uint_t              nadmitted;
} ngx_http_weir_policy_binding_t;


/*
 * A policy that a location names, and its counters: one per reason, and one
 * for each verdict that something in shadow, or the candidate, would have
 * changed to.
 */

#define NGX_HTTP_WEIR_POLICY_SHADOW     WEIR_POLICY_REASONS
#define NGX_HTTP_WEIR_POLICY_CANDIDATE  (NGX_HTTP_WEIR_POLICY_SHADOW + 2)
#define NGX_HTTP_WEIR_POLICY_COUNTERS   (NGX_HTTP_WEIR_POLICY_CANDIDATE + 2)

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
    ngx_uint_t                  active;     /* 0: none is */
    ngx_http_weir_policy_info_t info;
    time_t                      activated;

    /* the last refusal since; error is empty where there is none */
    weir_str_t                  error;
    ngx_str_t                   message;
    uint64_t                    version;
    u_char                      text[NGX_HTTP_WEIR_POLICY_ERROR];
    uint64_t                    rejected[WEIR_REFUSALS];
} ngx_http_weir_policy_generation_t;


extern ngx_module_t              ngx_http_weir_policy_module;


/* --- ngx_http_weir_policy_bundle.c --- */

/* Reads and compiles what the directive at hand names; errors are logged. */
char *ngx_http_weir_policy_compile(ngx_conf_t *cf,
    ngx_http_weir_policy_dir_t *pd);

/* --- ngx_http_weir_policy_bind.c --- */

/* Are the policies that locations name in the bundle, and fit them? */
ngx_int_t ngx_http_weir_policy_bind(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf);

/* The use of a policy by its name, or NULL. */
ngx_http_weir_policy_use_t *ngx_http_weir_policy_used(
    ngx_http_weir_policy_main_conf_t *mcf, ngx_str_t *name);

/* The same of the candidate, which is only warned of. */
ngx_int_t ngx_http_weir_policy_bind_candidate(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf);


/* --- ngx_http_weir_policy_duties.c --- */

/* NGX_ERROR: what it obliges to cannot be done, which is logged. */
ngx_int_t ngx_http_weir_policy_duties(ngx_http_request_t *r,
    ngx_http_weir_policy_main_conf_t *mcf, const weir_policy_image_t *image,
    uint32_t policy, const weir_policy_decision_t *decision,
    ngx_array_t **duties);


/* --- ngx_http_weir_policy_generation.c --- */

/* At zone initialisation: is there room for three such images? */
ngx_int_t ngx_http_weir_policy_fit(ngx_http_weir_block_t *block,
    ngx_uint_t fresh, ngx_log_t *log);

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

/* NGX_DECLINED: nothing is known. */
ngx_int_t ngx_http_weir_policy_generation(
    ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_generation_t *g);

/* The version of a generation that is pinned, as text in r's pool. */
ngx_int_t ngx_http_weir_policy_version(ngx_http_request_t *r,
    ngx_http_weir_policy_main_conf_t *mcf, ngx_uint_t part, ngx_str_t *text);


/* --- ngx_http_weir_policy_regex.c --- */

/*
 * This worker's regular expressions of an image that is pinned; NULL: it has
 * none, or there is no memory, and all that "~" compares is unknown.
 */
weir_policy_regexes_t *ngx_http_weir_policy_regexes(
    ngx_http_weir_policy_main_conf_t *mcf, const weir_policy_image_t *image,
    ngx_uint_t part);

/* The same of the candidate. */
weir_policy_regexes_t *ngx_http_weir_policy_candidate_regexes(
    ngx_http_weir_policy_main_conf_t *mcf);

/* Begins to compile those of the active generation, and the candidate's. */
void ngx_http_weir_policy_warm(ngx_http_weir_policy_main_conf_t *mcf);


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


/* --- ngx_http_weir_policy_candidate.c --- */

/* weir_candidate DIR */
char *ngx_http_weir_policy_set_candidate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * What the candidate decides about a request, where that is another verdict
 * than the active bundle's: NGX_OK, NGX_DECLINED.  The caller gives d->rules.
 */
ngx_int_t ngx_http_weir_policy_candidate(
    ngx_http_weir_policy_main_conf_t *mcf, ngx_str_t *name,
    ngx_http_weir_policy_request_t *pr, const weir_policy_decision_t *active,
    ngx_http_weir_record_view_t *other);


#endif /* NGX_HTTP_WEIR_POLICY_INTERNAL_H_INCLUDED */
