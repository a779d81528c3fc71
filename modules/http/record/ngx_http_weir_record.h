
/*
 * Weir: the decision log: one line of JSON for each decision.
 *
 * A line is made in the log phase, and never waits: it goes into a buffer of
 * its worker, one for permits and one for all else, and from there to the
 * file in a thread.  What finds no room is dropped and counted; so is a deny
 * of a client that has too many, and a permit beyond "rate=".
 */

#ifndef NGX_HTTP_WEIR_RECORD_H_INCLUDED
#define NGX_HTTP_WEIR_RECORD_H_INCLUDED


#include "ngx_http_weir.h"
#include "weir_policy.h"
#include "weir_rate.h"
#include "weir_record.h"

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif


#define NGX_HTTP_WEIR_RECORD_LINE     16384     /* bytes at most */
#define NGX_HTTP_WEIR_RECORD_PARTS    13312     /* what a decision left */
#define NGX_HTTP_WEIR_RECORD_VALUE    1024      /* of a value; else its HMAC */
#define NGX_HTTP_WEIR_RECORD_SET      4096      /* of a set */
#define NGX_HTTP_WEIR_RECORD_PATH     4096
#define NGX_HTTP_WEIR_RECORD_NAME     256       /* of a method, a host */
#define NGX_HTTP_WEIR_RECORD_RULES    32
#define NGX_HTTP_WEIR_RECORD_BUFFER   262144
#define NGX_HTTP_WEIR_RECORD_FLUSH    100       /* ms */
#define NGX_HTTP_WEIR_RECORD_CLIENTS  1024

/* Denies of one client's prefix, in one worker. */

#define NGX_HTTP_WEIR_RECORD_RATE     "20r/s"
#define NGX_HTTP_WEIR_RECORD_BURST    100


/* What became of a record: the index of a counter. */

typedef enum {
    NGX_HTTP_WEIR_RECORD_WRITTEN = 0,
    NGX_HTTP_WEIR_RECORD_SAMPLED,      /* a permit beyond the rate */
    NGX_HTTP_WEIR_RECORD_CLIENT,       /* a client has too many denies */
    NGX_HTTP_WEIR_RECORD_FULL,         /* no room in the buffer */
    NGX_HTTP_WEIR_RECORD_LARGE,        /* a line that is too long */
    NGX_HTTP_WEIR_RECORD_ERROR,        /* not written, or no memory */
    NGX_HTTP_WEIR_RECORD_RESULTS
} ngx_http_weir_record_result_e;


typedef struct {
    ngx_open_file_t        *file;      /* NULL: syslog, or no log */
    ngx_syslog_peer_t      *syslog;
    unsigned                on:1;
    unsigned                sample:1;  /* rate is set */
    weir_rate_t             rate;      /* of permits, of all workers */
    weir_rate_t             denies;    /* of a client's prefix */
    ngx_http_weir_block_t  *counters;
    ngx_http_weir_block_t  *tat;       /* of the rate, one for all */
    ngx_http_weir_block_t  *torn;      /* the file ends in half a line */
    ngx_http_weir_value_t   trace_id;
    ngx_http_weir_value_t   request_id;
    u_char                  key[16];   /* of pseudonyms */

#if (NGX_THREADS)
    ngx_thread_pool_t      *pool;
#endif
} ngx_http_weir_record_conf_t;


/* What was kept of a request's last decision, as JSON. */

typedef struct {
    ngx_str_t  rules;
    ngx_str_t  obligations;
    ngx_str_t  read;
    ngx_str_t  host;
    ngx_str_t  path;
    ngx_str_t  method;
    ngx_str_t  source;
    ngx_str_t  candidate;              /* empty: decides the same */
    ngx_str_t  time;                   /* empty: that of the request */
    weir_addr_t  addr;                 /* of the source */
    unsigned   sampled:1;              /* left out: a permit */
    unsigned   differs:1;              /* what is in shadow says shadow */
    unsigned   shadow:1;               /* weir_policy_verdict_t */
    unsigned   inexact:1;              /* path or method is another one */
    unsigned   has_addr:1;
} ngx_http_weir_record_state_t;


extern ngx_module_t  ngx_http_weir_record_module;


/* What a policy of a bundle decides. */

typedef struct {
    const weir_policy_image_t  *image;   /* NULL: it has no such policy */
    uint32_t                    policy;
    weir_policy_decision_t      decision;
} ngx_http_weir_record_view_t;


/*
 * Keeps what the log will tell of a decision, in place of the one before;
 * called while the image is pinned, with r as it was decided.  verdict: what
 * is enforced, while decision.shadow is what would be.  candidate: what that
 * decides; NULL: the same, or there is none.
 */
void ngx_http_weir_record_decision(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, const ngx_http_weir_record_view_t *view,
    const ngx_http_weir_record_view_t *candidate,
    const weir_policy_request_t *pr, weir_policy_verdict_t verdict);


/*
 * The same of what no policy decided: method, host (raw) and source of pr,
 * and path, raw; what is absent is null, what is long is cut.
 */
void ngx_http_weir_record_refused(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, const weir_policy_request_t *pr,
    weir_str_t path);


/*
 * Who asks in the name of others (weir_decide): writes a record of the last
 * decision at once, as it is no request's own.  ctx has its policy, rule,
 * reason, bundle and verdict; status is what was answered.
 */
void ngx_http_weir_record_answer(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, const ngx_http_weir_identity_t *identity,
    ngx_uint_t status);


/* --- of this folder --- */

/* Whose record, where it is not ctx's own. */

typedef struct {
    const ngx_http_weir_identity_t  *identity;    /* NULL: anonymous */
    const u_char                    *id;          /* of 32 characters */
    ngx_uint_t                       status;
} ngx_http_weir_record_whose_t;

void ngx_http_weir_record_count(ngx_http_weir_record_conf_t *rcf,
    ngx_uint_t result, uint64_t n);

/* ngx_http_weir_record_reads.c */

/* The object of what a policy read of a request. */
void ngx_http_weir_record_reads(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_request_t *pr);

/* s as a string of hexadecimal digits. */
void ngx_http_weir_record_pseudonym(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, weir_str_t s);

/* ngx_http_weir_record_line.c: the line, its LF included; NGX_DECLINED: too
   long; NGX_ERROR. */
ngx_int_t ngx_http_weir_record_line(ngx_http_weir_record_conf_t *rcf,
    ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_record_whose_t *whose, weir_record_t *w);

/* ngx_http_weir_record_file.c: takes a line; 1: of a permit. */
void ngx_http_weir_record_put(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, ngx_uint_t permit);
char *ngx_http_weir_record_open(ngx_conf_t *cf,
    ngx_http_weir_record_conf_t *rcf, ngx_str_t *name);
ngx_int_t ngx_http_weir_record_start(ngx_cycle_t *cycle,
    ngx_http_weir_record_conf_t *rcf);
void ngx_http_weir_record_stop(ngx_http_weir_record_conf_t *rcf);


#endif /* NGX_HTTP_WEIR_RECORD_H_INCLUDED */
