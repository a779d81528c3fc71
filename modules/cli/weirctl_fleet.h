
/*
 * weirctl: the fleet: a store, whose signatures count here, the documents in
 * it, and what the gateways say of themselves.  What the verbs on a store
 * share.
 */

#ifndef WEIRCTL_FLEET_H_INCLUDED
#define WEIRCTL_FLEET_H_INCLUDED


#include <jansson.h>

#include "weir_audit.h"
#include "weir_segment.h"
#include "weir_store.h"
#include "weirctl_policy.h"
#include "weirctl_redis.h"


#define WEIRCTL_LIVE_S       15          /* heard of in: a live gateway */
#define WEIRCTL_GATEWAYS     1000
#define WEIRCTL_REPORTS      8192        /* of which those are the latest */
#define WEIRCTL_LIVES        4096        /* live documents */
#define WEIRCTL_REPORT_MAX   (256 * 1024)
#define WEIRCTL_SIGNERS      WEIR_ENVELOPE_SIGNATURES
#define WEIRCTL_RETAIN_S     (400LL * 86400)
#define WEIRCTL_EXPORT_MAX   (1024 * 1024 * 1024)


/* What the options of these verbs fill. */

typedef struct {
    const char      *store;
    const char      *reason;
    const char      *by;
    const char      *epoch;
    const char      *activate_at;
    weirctl_list_t   keys;               /* --sign-key */
    weirctl_list_t   trust;              /* --trust */
    unsigned         reads:1;            /* the verb signs nothing */
} weirctl_fleet_options_t;

#define weirctl_option_store(o)                                               \
    { "store", WEIRCTL_VALUE, &(o)->store, "URL",                             \
      "file:DIR or redis://..., [opt=...]; else $WEIR_STORE" }

#define weirctl_option_trust(o)                                               \
    { "trust", WEIRCTL_LIST, &(o)->trust, "FILE",                             \
      "'PUB... [may=...] [threshold=N]', off; else who signs" }

#define weirctl_option_sign(o)                                                \
    { "sign-key", WEIRCTL_LIST, &(o)->keys, "FILE",                           \
      "signs; else $WEIR_SIGN_KEY; may repeat" }

#define weirctl_option_reason(o)                                              \
    { "reason", WEIRCTL_VALUE, &(o)->reason, "TEXT",                          \
      "stands in the document" }

#define weirctl_option_by(o)                                                  \
    { "by", WEIRCTL_VALUE, &(o)->by, "NAME", "who; USER@HOST" }

#define weirctl_option_activate(o)                                            \
    { "activate-at", WEIRCTL_VALUE, &(o)->activate_at, "TIME",                \
      "RFC 3339: in effect from then on" }

#define weirctl_option_epoch(o)                                               \
    { "epoch", WEIRCTL_VALUE, &(o)->epoch, "N",                               \
      "after a stolen key: weir_trust's epoch" }

/* All of them, for the verbs that write a document. */

#define weirctl_options_publish(o)                                            \
    weirctl_option_store(o),                                                  \
    weirctl_option_sign(o),                                                   \
    weirctl_option_trust(o),                                                  \
    weirctl_option_reason(o),                                                 \
    weirctl_option_by(o),                                                     \
    weirctl_option_epoch(o)


typedef struct {
    weirctl_t         *ctl;
    weir_store_t      *store;
    char              *url;              /* the first word of --store */
    char              *words;            /* all of them, cut */
    weir_resp_conf_t   conf;             /* the same, of a Redis */
    weir_str_t         ns;
    weir_arena_t       arena;            /* of all that the verb keeps */
    const char        *reason;
    const char        *by;
    char               user[256];
    uint64_t           epoch;
    int64_t            activate_at;
    int64_t            retain;           /* s, of the trail; 0: not said */
    unsigned           has_epoch:1;      /* --epoch was given */
    unsigned           has_activate_at:1;
    unsigned           checks:1;         /* some key is known here */
    unsigned           redis:1;
    weir_trust_t       trust;
    unsigned           nsigners;
    weir_signer_t      signers[WEIRCTL_SIGNERS];
} weirctl_fleet_t;


/*
 * Opens the store and reads the keys; create: the store's folder is made
 * where it is not.  WEIRCTL_GO_ON, or after a message the exit code;
 * weirctl_fleet_done() in any case.
 */
int weirctl_fleet(weirctl_t *ctl, weirctl_fleet_t *f,
    const weirctl_fleet_options_t *o, int create);
void weirctl_fleet_done(weirctl_fleet_t *f);

/* The same without a store: keys, who, and when. */
int weirctl_fleet_keys(weirctl_t *ctl, weirctl_fleet_t *f,
    const weirctl_fleet_options_t *o);

/* 1: a store was named, by the option or by $WEIR_STORE. */
int weirctl_fleet_named(const weirctl_fleet_options_t *o);

/* The message of a store's error; the exit code that it means. */
int weirctl_store_error(const weir_store_err_t *err);

/* "out of memory", and the exit code. */
int weirctl_nomem(void);

/*
 * Something that does not hold: one object in the array, and its line on
 * stderr.  line: which entry, 0: not about one.  WEIRCTL_GO_ON, or no memory.
 */
int weirctl_problem(json_t *problems, const char *where, uint64_t line,
    weir_refusal_e why, const char *text);
void weirctl_problem_print(const json_t *problem);

/* Seconds since the epoch. */
int64_t weirctl_now(void);

/* Prints JSON as one line, and gives it up: WEIRCTL_GO_ON or an exit code. */
int weirctl_print_json(json_t *json);

/* "sha256:HEX", zero terminated. */
typedef struct {
    char  text[WEIR_HASH_TEXT + 1];
} weirctl_hash_t;

void weirctl_hash(weirctl_hash_t *h, const uint8_t *hash);

/* "2026-01-05T10:00:00Z", zero terminated. */
typedef struct {
    char  text[24];
} weirctl_time_t;

void weirctl_time(weirctl_time_t *t, int64_t seconds);


/* --- documents --- */


typedef struct {
    weir_str_t       text;               /* the envelope, as it lies there */
    uint8_t          text_hash[WEIR_STORE_HASH];
    weir_envelope_t  envelope;
    weir_document_t  doc;
    weir_refusal_e   why;                /* not readable, or not verified */
    weir_err_t       err;
    unsigned         there:1;
    unsigned         readable:1;         /* doc is filled */
    unsigned         verified:1;         /* enough of the keys known here */
} weirctl_doc_t;

/*
 * Reads a document's text: why and err say what is wrong with it.
 * WEIRCTL_GO_ON, or no memory.
 */
int weirctl_doc_read(weirctl_fleet_t *f, weir_arena_t *a, weirctl_doc_t *d,
    weir_str_t text);

/*
 * Fetches the head (kind WEIR_KIND_BUNDLE) or a live document.
 * WEIRCTL_GO_ON, also if it is not there or not readable; else the exit code.
 */
int weirctl_doc_fetch(weirctl_fleet_t *f, weirctl_doc_t *d, weir_kind_e kind,
    weir_str_t id);

/*
 * What nobody known here has signed counts as far as a gateway could take it:
 * a version out of reach would end all versions.
 */
int weirctl_doc_counts(const weirctl_doc_t *d, uint64_t known);

/* What the next version of a document follows. */

typedef struct {
    uint64_t    highest;                 /* that anybody knows */
    uint64_t    epoch;
    uint8_t     previous[WEIR_SHA256_LEN];
    unsigned    has_previous:1;
} weirctl_last_t;

typedef struct weirctl_gateways_s  weirctl_gateways_t;

/*
 * Finds it: d, what the store has now; or, where that is nothing, or nothing
 * that any gateway could take, the last one in the trail; and what gateways
 * have accepted.  name: KIND/ID.  WEIRCTL_NO, after a message: nobody can
 * know.
 */
int weirctl_last(weirctl_fleet_t *f, weirctl_last_t *last,
    const weirctl_doc_t *d, const char *name, const weirctl_gateways_t *g);

/*
 * Begins a document that follows the last one: namespace, version, previous,
 * epoch, who, why, when.
 */
int weirctl_doc_next(weirctl_fleet_t *f, weir_document_t *doc,
    weir_kind_e kind, weir_str_t id, const weirctl_last_t *last);

/*
 * Writes, signs and formats a document.  *hash: of its payload.
 * WEIRCTL_GO_ON or the exit code.
 */
int weirctl_doc_write(weirctl_fleet_t *f, const weir_document_t *doc,
    weir_str_t *text, uint8_t *hash);

/* Publishes a live document in place of d. */
int weirctl_live_publish(weirctl_fleet_t *f, const weir_document_t *doc,
    weir_str_t kind, weir_str_t name, const weirctl_doc_t *d, uint8_t *hash);

/*
 * Calls entry for each line of the trail, in order; line counts from 1 and
 * d is good during the call.  Another answer than WEIRCTL_GO_ON ends it and
 * is returned.
 */
typedef int (*weirctl_trail_pt)(void *ctx, weirctl_doc_t *d, uint64_t line);
int weirctl_trail(weirctl_fleet_t *f, weirctl_trail_pt entry, void *ctx);


/* --- gateways --- */


typedef struct {
    weir_str_t   node;
    json_t      *report;                 /* NULL: not readable */
    const char  *error;                  /* why not */
    unsigned     undated:1;              /* nobody knows its age */
    int64_t      age;                    /* s */
    uint64_t     version;                /* of the bundle; 0: none */
    const char  *hash;                   /* "" if not there */
    const char  *trust;
    const char  *reason;                 /* bundle.error; NULL: none */
    const char  *message;
    uint64_t     refused;                /* its version; 0: not said */
    const char  *split;                  /* whose document it refuses, */
    const char  *split_reason;           /* and why; NULL: none */
    const char  *split_message;
    uint64_t     waiting;                /* a version before its time; */
    const char  *waits;                  /* which is this */
    const char  *down;                   /* it cannot reach the store: why */
    const char  *down_message;
    const char  *release;                /* of Weir */
    uint64_t     uptime;                 /* s */
    uint64_t     in_flight;
    unsigned     draining:1;
    unsigned     live:1;
} weirctl_gateway_t;

struct weirctl_gateways_s {
    weirctl_gateway_t  *list;            /* by node */
    uint32_t            n;
    weir_arena_t        arena;
};

/* All reports.  WEIRCTL_GO_ON or the exit code; done() in any case, also of
   one that is zeroed. */
int weirctl_gateways(weirctl_fleet_t *f, weirctl_gateways_t *g);
void weirctl_gateways_done(weirctl_gateways_t *g);

/* The split's object in a report, or NULL. */
json_t *weirctl_gateway_split(const weirctl_gateway_t *g, const char *name);

/*
 * What a gateway has accepted of a document, KIND/ID: 1, or 0: nothing, or it
 * does not say.  *hash: "" where it is not known.
 */
int weirctl_gateway_fence(const weirctl_gateway_t *g, const char *name,
    uint64_t *version, uint64_t *epoch, const char **hash);


/* A document on its way to the gateways. */

typedef struct {
    const char     *name;                /* KIND/ID */
    uint64_t        version;
    const uint8_t  *hash;
    int64_t         activate_at;
} weirctl_wanted_t;

/*
 * Waits until those gateways that were live before, and have to do with the
 * document, have it or refuse it, for at most 5 s.  WEIRCTL_GO_ON or the exit
 * code; weirctl_gateways_done() of after in any case.
 */
int weirctl_wait(weirctl_fleet_t *f, const weirctl_wanted_t *w,
    const weirctl_gateways_t *before, weirctl_gateways_t *after);

/*
 * What became of it: lines, and objects in the array.  WEIRCTL_YES, or
 * WEIRCTL_NO if one of them refuses or lags.
 */
int weirctl_wait_print(weirctl_fleet_t *f, const weirctl_wanted_t *w,
    const weirctl_gateways_t *before, const weirctl_gateways_t *after,
    json_t *array);


/* The next line of what was exported, without its LF; 0: there is none. */
int weirctl_export_next(weir_str_t *rest, weir_str_t *line);


/* The verbs. */

int weirctl_keygen(weirctl_t *ctl);
int weirctl_build(weirctl_t *ctl);
int weirctl_sign(weirctl_t *ctl);
int weirctl_push(weirctl_t *ctl);
int weirctl_pull(weirctl_t *ctl);
int weirctl_history(weirctl_t *ctl);
int weirctl_rollback(weirctl_t *ctl);
int weirctl_status(weirctl_t *ctl);
int weirctl_drain(weirctl_t *ctl);
int weirctl_backup(weirctl_t *ctl);
int weirctl_restore(weirctl_t *ctl);
int weirctl_sync(weirctl_t *ctl);
int weirctl_audit_export(weirctl_t *ctl);
int weirctl_audit_trim(weirctl_t *ctl);

extern const weirctl_verb_t  weirctl_split_verbs[];
extern const weirctl_verb_t  weirctl_audit_verbs[];


#endif /* WEIRCTL_FLEET_H_INCLUDED */
