
/*
 * Weir: the store, as a gateway uses it; what the files of this folder share.
 *
 * One worker, the keeper, holds a lease in the zone.  Once a second it goes
 * through a round: it reads the head and the live documents, decides about
 * each, makes an image of a new bundle, writes what was accepted to
 * weir_state, and only then puts it into use for all workers at once.  A
 * round is plain blocking C that runs in a thread, or at start in the master;
 * what it found is judged, logged and counted in the event loop.
 */

#ifndef NGX_HTTP_WEIR_STORE_H_INCLUDED
#define NGX_HTTP_WEIR_STORE_H_INCLUDED


#include "ngx_http_weir.h"
#include "ngx_http_weir_policy_writer.h"
#include "ngx_http_weir_net.h"
#include "ngx_http_weir_split.h"
#include "weir_accept.h"
#include "weir_segment.h"
#include "weir_state.h"
#include "weir_store.h"

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif


#define NGX_HTTP_WEIR_STORE_ERROR   256     /* bytes kept of a message */

#define NGX_HTTP_WEIR_STORE_POLL_MIN  50         /* ms */
#define NGX_HTTP_WEIR_STORE_POLL_MAX  60000

#define NGX_HTTP_WEIR_STORE_SAID    8       /* reasons of one outage */
#define NGX_HTTP_WEIR_STORE_LOOK    250     /* ms: is there a keeper? */
#define NGX_HTTP_WEIR_STORE_STALE   3000    /* ms: it does not move */
#define NGX_HTTP_WEIR_STORE_REPORT  5000    /* ms */
#define NGX_HTTP_WEIR_STORE_PAUSE   8000    /* ms between two fetches of what
                                               is not whole, at most */


/*
 * What goes wrong with a store, the index of a counter: the codes of
 * weir_store_code_e, these, and behind them the refusals of live documents.
 */

enum {
    NGX_HTTP_WEIR_STORE_PERSIST = WEIR_STORE_OTHER + 1,
    NGX_HTTP_WEIR_STORE_FENCE,
    NGX_HTTP_WEIR_STORE_SNAPSHOT,
    NGX_HTTP_WEIR_STORE_NOREPORT,
    NGX_HTTP_WEIR_STORE_REFUSED,
    NGX_HTTP_WEIR_STORE_ERRORS = NGX_HTTP_WEIR_STORE_REFUSED + WEIR_REFUSALS
};


typedef struct {
    ngx_str_t                          url;       /* "file:DIR" */
    u_char                             words[WEIR_SHA256_LEN];  /* all */
    char                              *dir;       /* NULL: of no file: */
    ngx_http_weir_net_conf_t          *redis;     /* NULL: no Redis */
    ngx_str_t                          ns;
    ngx_msec_t                         poll;

    ngx_str_t                          state;     /* weir_state; ends by 0 */
    ngx_str_t                          pool_name;
    weir_trust_t                       trust;

    ngx_str_t                          file;      /* where weir_store */
    ngx_uint_t                         line;      /* stands, */
    ngx_str_t                          trust_file;    /* and weir_trust */
    ngx_uint_t                         trust_line;

    ngx_http_weir_block_t             *block;
    ngx_array_t                       *lives;     /* ..._split_live_t */
    ngx_http_weir_policy_main_conf_t  *policy;
    ngx_array_t                       *policies;  /* ngx_str_t, in use */
    ngx_str_t                         *node;
    ngx_uint_t                         number;    /* of this configuration */

#if (NGX_THREADS)
    ngx_thread_pool_t                 *pool;
#endif

    unsigned                           set:1;     /* weir_store stands */
    unsigned                           trusts:1;  /* weir_trust does */
    unsigned                           epoch:1;   /* epoch= was given */
    unsigned                           least:1;   /* min_version= was */
    unsigned                           state_set:1;
} ngx_http_weir_store_conf_t;


/* In the zone.  Under its lock, but for raw, which the keeper alone reads. */

typedef struct {
    ngx_atomic_t     cycle;          /* the newest configuration */

    ngx_atomic_t     pid;            /* the keeper; 0: none */
    ngx_atomic_t     keeper;         /* its configuration */
    uint64_t         beat;           /* ns, monotonic */

    size_t           ns_len;         /* whose documents: */
    u_char           ns[WEIR_STORE_NAME_MAX];
    u_char           words[WEIR_SHA256_LEN];  /* of which store: */
    ngx_uint_t       up;             /* 0: not yet known, 1, 2: down */
    time_t           contact;        /* 0: never */
    ngx_uint_t       error;          /* index of errors, 0: none */
    size_t           len;
    u_char           message[NGX_HTTP_WEIR_STORE_ERROR];
    ngx_uint_t       nsaid;          /* reasons of this outage that were */
    uint32_t         said[NGX_HTTP_WEIR_STORE_SAID];    /* logged */
    ngx_uint_t       alarm;          /* the same, of weir_state */
    size_t           alarm_len;
    u_char           alarm_text[NGX_HTTP_WEIR_STORE_ERROR];
    uint64_t         errors[NGX_HTTP_WEIR_STORE_ERRORS];

    ngx_uint_t       known;          /* a bundle was ever accepted: */
    weir_fence_t     fence;          /* without its name */
    weir_refusal_e   why;            /* the store's is refused */
    u_char           seen[WEIR_SHA256_LEN];   /* that one's bytes' */
    ngx_uint_t       final;          /* they alone are the reason */
    uint64_t         again;          /* else: when to try, ns, monotonic */
    ngx_msec_t       pause;
    uint64_t         waiting;        /* a version before its activate_at, */
    time_t           waits;          /* which is this; waiting 0: none */
    u_char           tried_head[WEIR_SHA256_LEN];  /* its bytes' */
    ngx_uint_t       unsaved;        /* NGX_HTTP_WEIR_STORE_UNSAVED_* */
    time_t           tried;          /* when that was last tried */

    size_t           raw_len;        /* the active one's envelope */
    u_char           raw[WEIR_ENVELOPE_MAX];
} ngx_http_weir_store_zone_t;


/* What is in effect and could not be persisted. */

#define NGX_HTTP_WEIR_STORE_UNSAVED_BUNDLE  1
#define NGX_HTTP_WEIR_STORE_UNSAVED_SPLITS  2

#define NGX_HTTP_WEIR_STORE_RETRY           10      /* s */


typedef enum {
    NGX_HTTP_WEIR_STORE_NOTHING = 0, /* not read, or never was there */
    NGX_HTTP_WEIR_STORE_KEEP,        /* what is in use is what is there */
    NGX_HTTP_WEIR_STORE_NEW,
    NGX_HTTP_WEIR_STORE_WAIT,        /* new, but not before activate_at */
    NGX_HTTP_WEIR_STORE_REFUSE
} ngx_http_weir_store_verdict_e;


/* A document of the store in a round. */

typedef struct {
    ngx_uint_t                      verdict;
    weir_refusal_e                  why;
    weir_err_t                      err;
    weir_str_t                      raw;
    u_char                          seen[WEIR_SHA256_LEN];
    weir_accept_t                   accept;
    unsigned                        final:1;    /* refused for what it is */
} ngx_http_weir_store_found_t;


typedef struct {
    ngx_http_weir_store_found_t     found;
    ngx_http_weir_split_live_t     *live;
    ngx_http_weir_split_state_t    *state;
    uint32_t                        weights[WEIR_SPLIT_COLOURS];
} ngx_http_weir_store_split_t;


typedef struct {
    ngx_http_weir_store_conf_t     *conf;
    ngx_http_weir_store_zone_t     *zone;
    weir_arena_t                    arena;
    time_t                          now;
    unsigned                        master:1;   /* at start: writes nothing */
    unsigned                        retry:2;    /* to save, ..._UNSAVED_* */

    /* what is active while the round runs */
    unsigned                        active:1;
    ngx_http_weir_policy_info_t     info;

    /* what was read */
    weir_store_code_e               code;       /* of the contact */
    weir_store_err_t                err;
    unsigned                        fence_bad:1;
    weir_store_err_t                fence_err;
    weir_fences_t                   fences;
    ngx_http_weir_store_found_t     head;
    unsigned                        named:1;    /* the head was accepted */
    unsigned                        kept:1;     /* it is in use already */
    unsigned                        wants:1;    /* its segments */
    unsigned                        waits:1;    /* only to try it */
    unsigned                        looked:1;
    const weir_document_t          *in_use;
    weir_store_segment_t           *segments;
    uint32_t                        nsegments;
    const void                     *image;
    size_t                          size;
    ngx_http_weir_store_split_t    *splits;
    ngx_uint_t                      nsplits;

    /* the part for the image, and what was persisted */
    unsigned                        reserved:1;
    unsigned                        filled:1;
    ngx_http_weir_policy_part_t     part;
    ngx_uint_t                      tries;
    unsigned                        save:1;     /* the bundle, too */
    weir_store_code_e               saved;
    weir_store_err_t                save_err;
} ngx_http_weir_store_round_t;


extern ngx_module_t              ngx_http_weir_store_module;
extern ngx_http_weir_provider_t  ngx_http_weir_store_provider;


#define ngx_http_weir_store_zone(sscf)                                        \
    ((ngx_http_weir_store_zone_t *) (sscf)->block->data)


/* --- ngx_http_weir_store_conf.c --- */

#if (NGX_THREADS)

/* weir_thread_pool's, or "default"; NULL: there is no memory. */
ngx_thread_pool_t *ngx_http_weir_thread_pool(ngx_conf_t *cf);

#endif

extern ngx_command_t  ngx_http_weir_store_commands[];

/* In postconfiguration: defaults, and what does not go together. */
ngx_int_t ngx_http_weir_store_complete(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf);


/* --- ngx_http_weir_store_redis_conf.c --- */

/* NGX_DECLINED: the words name no Redis. */
ngx_int_t ngx_http_weir_store_redis_words(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf);

/* In postconfiguration: the resolver, and what a Redis forbids. */
ngx_int_t ngx_http_weir_store_redis_complete(ngx_conf_t *cf,
    ngx_http_weir_store_conf_t *sscf);


/* --- ngx_http_weir_store_round.c, _image.c, _live.c, _persist.c --- */

/* The round knows what is active; in the event loop.  NULL: no memory. */
ngx_http_weir_store_round_t *ngx_http_weir_store_round(
    ngx_http_weir_store_conf_t *sscf, ngx_uint_t master);
void ngx_http_weir_store_round_done(ngx_http_weir_store_round_t *round);

/* Blocking: all that is to be read, through the steps below; and written. */
void ngx_http_weir_store_read(ngx_http_weir_store_round_t *round);
void ngx_http_weir_store_persist(ngx_http_weir_store_round_t *round);

/* 1 if there is something to save; if that is a split's document. */
ngx_uint_t ngx_http_weir_store_wanted(ngx_http_weir_store_round_t *round);
ngx_uint_t ngx_http_weir_store_unsaved_splits(
    ngx_http_weir_store_round_t *round);

/* Judges a split's document, of code and found.raw. */
void ngx_http_weir_store_split(ngx_http_weir_store_round_t *round,
    ngx_http_weir_store_split_t *split, weir_store_code_e code,
    weir_store_err_t *err);

/* The head in use after this round, or NULL. */
const weir_document_t *ngx_http_weir_store_in_use(
    ngx_http_weir_store_round_t *round);

/* Refuses: formats into found->err. */
void ngx_http_weir_store_no(ngx_http_weir_store_found_t *found,
    weir_refusal_e why, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What to expect of a document, by its fence. */
void ngx_http_weir_store_expect(ngx_http_weir_store_round_t *round,
    weir_expect_t *x, weir_kind_e kind, weir_str_t id);

/*
 * Makes round->image of the head that was accepted and of round->segments:
 * NGX_OK, or it is refused.  lenient: as for ngx_http_weir_policy_fits().
 */
ngx_int_t ngx_http_weir_store_image(ngx_http_weir_store_round_t *round,
    ngx_uint_t lenient);

/* Reads round->segments: NGX_OK, or the head is refused; blocking. */
ngx_int_t ngx_http_weir_store_fetch(ngx_http_weir_store_round_t *round,
    weir_store_t *store);

/* Whether a split's document, in found->raw, may be in effect under now's
   trust; NGX_OK with its weights. */
ngx_int_t ngx_http_weir_store_split_again(ngx_http_weir_store_round_t *round,
    ngx_http_weir_store_split_t *split);

/* In the event loop: puts into use what the round found, and logs it. */
ngx_uint_t ngx_http_weir_store_splits_apply(
    ngx_http_weir_store_round_t *round, ngx_log_t *log);
void ngx_http_weir_store_split_apply(ngx_http_weir_store_split_t *split,
    ngx_uint_t fresh, ngx_log_t *log);


/* --- ngx_http_weir_store_judge.c --- */

/* The round's contact, fence and head: what changes is logged and counted. */
ngx_uint_t ngx_http_weir_store_judge(ngx_http_weir_store_round_t *round,
    ngx_log_t *log);

/* The image is the active generation now: NGX_OK, or we are not the keeper. */
ngx_int_t ngx_http_weir_store_activate(ngx_http_weir_store_round_t *round,
    ngx_uint_t source, ngx_log_t *log);

void ngx_http_weir_store_info(ngx_http_weir_store_round_t *round,
    const weir_accept_t *accept, ngx_uint_t source,
    ngx_http_weir_policy_info_t *info);

/* 1 if this process is the keeper, of the newest configuration. */
ngx_uint_t ngx_http_weir_store_holds(ngx_http_weir_store_conf_t *sscf);

/* Something is wrong with weir_state; which 0: no more. */
void ngx_http_weir_store_alarm(ngx_http_weir_store_zone_t *z, ngx_uint_t which,
    const char *text);

/* Counts an error; the word of one. */
void ngx_http_weir_store_count(ngx_http_weir_store_zone_t *z, ngx_uint_t n);
const char *ngx_http_weir_store_error_word(ngx_uint_t n);


/* --- ngx_http_weir_store_keeper.c --- */

ngx_int_t ngx_http_weir_store_keep(ngx_cycle_t *cycle,
    ngx_http_weir_store_conf_t *sscf);
void ngx_http_weir_store_leave(ngx_http_weir_store_conf_t *sscf);


/* --- ngx_http_weir_store_redis.c, _view.c: of the keeper, in a worker --- */

typedef void (*ngx_http_weir_redis_pt)(void *data);

/* up: the link came up; data goes to all that is called back. */
void ngx_http_weir_store_redis_init(ngx_http_weir_store_conf_t *sscf,
    ngx_log_t *log, ngx_http_weir_redis_pt up, void *data);

/* Closes the link; nothing is called back any more. */
void ngx_http_weir_store_redis_leave(void);

/*
 * Fetches what a round reads, opening the link first.  NGX_OK: done will be
 * called; NGX_DECLINED: the round may run, and finds the store out of reach;
 * NGX_AGAIN: the link was never up nor down, a round would know nothing;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_weir_store_redis_fetch(ngx_http_weir_redis_pt done);

/* In a round: NGX_AGAIN: these will be fetched, if it ends now. */
ngx_int_t ngx_http_weir_store_redis_want(const weir_segment_t *segments,
    uint32_t n);

/* After a round.  NGX_OK: it was only to say what is to be fetched, which
   begins; done will be called, to run it again.  NGX_DECLINED: it counts. */
ngx_int_t ngx_http_weir_store_redis_more(ngx_http_weir_redis_pt done);

/* For a round; NULL and *code: out of reach. */
weir_store_t *ngx_http_weir_store_redis_view(weir_store_code_e *code,
    weir_store_err_t *err);

/* NGX_OK: told will be called; code BUSY: it is to be tried again. */
ngx_int_t ngx_http_weir_store_redis_put(const char *text,
    ngx_http_weir_redis_pt told);
weir_store_code_e ngx_http_weir_store_redis_put_code(weir_store_err_t *err);


/* --- ngx_http_weir_store_boot.c, _saved.c --- */

/* In the master: raises the zone's fences to what weir_state has saved. */
void ngx_http_weir_store_saved(ngx_http_weir_store_round_t *round);

void ngx_http_weir_store_boot(ngx_cycle_t *cycle,
    ngx_http_weir_store_conf_t *sscf);


/* --- ngx_http_weir_store_drain.c --- */

/* In init_module: a drain goes on over a reload, and ends with a start. */
void ngx_http_weir_store_drain_boot(ngx_cycle_t *cycle,
    ngx_http_weir_store_conf_t *sscf);

/*
 * The keeper's, four times a second: looks what is asked, in a thread.  1:
 * since it was called last the gateway began to drain, or ended to.  fresh:
 * another process was the keeper.
 */
ngx_uint_t ngx_http_weir_store_drain(ngx_http_weir_store_conf_t *sscf,
    ngx_uint_t fresh, ngx_log_t *log);


/* --- ngx_http_weir_store_report.c, _status.c --- */

/* The report as text of malloc(3), or NULL. */
char *ngx_http_weir_store_report(ngx_http_weir_store_conf_t *sscf);

/* Blocking: writes it to the store. */
weir_store_code_e ngx_http_weir_store_put_report(
    ngx_http_weir_store_conf_t *sscf, const char *text,
    weir_store_err_t *err);


#endif /* NGX_HTTP_WEIR_STORE_H_INCLUDED */
