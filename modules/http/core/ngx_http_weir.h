
/*
 * Weir: what the core offers to the modules of the areas: the request
 * context, header surgery, refusals, status providers and the few settings
 * that several areas read.
 *
 * The arrows: every area may use the core; only the gate asks auth and
 * policy.  What an area keeps for a request hangs on ctx->state[].
 */

#ifndef NGX_HTTP_WEIR_H_INCLUDED
#define NGX_HTTP_WEIR_H_INCLUDED


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <jansson.h>

#include "ngx_http_weir_zone.h"
#include "weir_base.h"
#include "weir_claims.h"
#include "weir_path.h"
#include "weir_policy.h"


#define NGX_HTTP_WEIR_VERSION  "0.1.0"


/* 1.23 gave ngx_table_elt_t a next pointer and made header lists of it. */

#define NGX_HTTP_WEIR_HAVE_NEXT  (nginx_version >= 1023000)


typedef struct ngx_http_weir_ctx_s   ngx_http_weir_ctx_t;
typedef struct ngx_http_weir_text_s  ngx_http_weir_text_t;


/* Areas that keep state for a request. */

typedef enum {
    NGX_HTTP_WEIR_STATE_GATE = 0,
    NGX_HTTP_WEIR_STATE_AUTH,
    NGX_HTTP_WEIR_STATE_POLICY,
    NGX_HTTP_WEIR_STATE_LIMIT,
    NGX_HTTP_WEIR_STATE_SPLIT,
    NGX_HTTP_WEIR_STATE_TRACE,
    NGX_HTTP_WEIR_STATE_SLO,
    NGX_HTTP_WEIR_STATE_RECORD,
    NGX_HTTP_WEIR_STATES
} ngx_http_weir_state_e;


typedef enum {
    NGX_HTTP_WEIR_NONE = 0,
    NGX_HTTP_WEIR_PERMIT,
    NGX_HTTP_WEIR_DENY,                /* 403 */
    NGX_HTTP_WEIR_UNAUTHENTICATED,     /* 401 */
    NGX_HTTP_WEIR_LIMITED,             /* 429 */
    NGX_HTTP_WEIR_REFUSED,             /* 400, 421, 425 */
    NGX_HTTP_WEIR_FAILED,              /* 5xx by Weir: "error" */
    NGX_HTTP_WEIR_VERDICTS
} ngx_http_weir_verdict_e;

/* "permit", ... */
extern const char  *ngx_http_weir_verdicts[];


/* Who sends the request.  Made by auth, read by all. */

typedef enum {
    NGX_HTTP_WEIR_ANONYMOUS = 0,
    NGX_HTTP_WEIR_JWT,
    NGX_HTTP_WEIR_MTLS,
    NGX_HTTP_WEIR_APIKEY,
    NGX_HTTP_WEIR_SESSION
} ngx_http_weir_kind_e;


typedef struct {
    ngx_uint_t            kind;        /* ngx_http_weir_kind_e */
    ngx_str_t             issuer;      /* name of the weir_issuer */
    ngx_str_t             subject;
    ngx_str_t             principal;   /* kind:issuer:subject */
    const weir_claims_t  *claims;      /* NULL: none */
    time_t                expires;     /* exp + leeway; 0: never */
} ngx_http_weir_identity_t;


/*
 * What auth found in preaccess for the location at hand.  The gate turns it
 * into an answer.
 */

typedef enum {
    NGX_HTTP_WEIR_AUTH_OFF = 0,        /* no weir_auth here */
    NGX_HTTP_WEIR_AUTH_VALID,
    NGX_HTTP_WEIR_AUTH_MISSING,        /* no credential, and one is needed */
    NGX_HTTP_WEIR_AUTH_OPTIONAL,       /* no credential; optional here */
    NGX_HTTP_WEIR_AUTH_BAD,            /* a credential that is not valid */
    NGX_HTTP_WEIR_AUTH_ERROR           /* out of memory and the like */
} ngx_http_weir_auth_e;


/*
 * What a decision obliges to, and what may be named in one.  An area finds
 * what it defines by its name; of a split by that and a colour.
 */

typedef struct {
    ngx_uint_t                 kind;       /* weir_policy_effect_kind_t */
    ngx_str_t                  name;       /* of a header: zero terminated */
    ngx_str_t                  lowcase;    /* of a header */
    ngx_str_t                  value;
    ngx_int_t                  number;     /* level; status */
    void                      *object;     /* quota, split, objective */
    ngx_uint_t                 index;      /* of the split's colour */
} ngx_http_weir_duty_t;


/* Of a subrequest, which is decided for itself. */

typedef struct ngx_http_weir_part_s  ngx_http_weir_part_t;

struct ngx_http_weir_part_s {
    ngx_http_weir_part_t      *next;
    ngx_http_request_t        *request;
    ngx_array_t               *duties;
};


typedef void *(*ngx_http_weir_finder_pt)(void *conf, weir_str_t name,
    weir_str_t value, ngx_uint_t *index);

typedef struct {
    ngx_http_weir_finder_pt    find[WEIR_POLICY_EFFECTS];
    void                      *conf[WEIR_POLICY_EFFECTS];
    ngx_array_t               *identity;
} ngx_http_weir_finders_t;


/*
 * The context of one client request: made once, hung on a cleanup of the
 * request's pool, found again after internal redirects; subrequests share
 * their main request's.
 */

struct ngx_http_weir_ctx_s {
    ngx_http_request_t        *request;       /* the main request */
    void                      *state[NGX_HTTP_WEIR_STATES];

    uint64_t                   started;       /* CLOCK_MONOTONIC, ns */
    uint64_t                   latency_us;    /* fixed in the log phase; */
    ngx_msec_t                 latency_msec;  /* before, as read then */

    /* set by auth in preaccess, for the current location */
    ngx_http_weir_identity_t  *identity;      /* NULL: anonymous */
    ngx_uint_t                 auth;          /* ngx_http_weir_auth_e */
    ngx_str_t                  auth_reason;   /* token reject reason */

    ngx_str_t                  reason;        /* kebab-case, never client's */
    ngx_str_t                  rule;          /* first of rules */
    ngx_str_t                  bundle;        /* version that decided, text */
    ngx_str_t                  policy;        /* policy that decided */

    /* what the last decision obliges to: ngx_http_weir_duty_t; NULL: none */
    ngx_array_t               *duties;
    ngx_http_weir_part_t      *parts;

    ngx_str_t                  request_id;    /* 32 hex; trace sets it */
    u_char                     decision_id[32];

    ngx_uint_t                 redirects;     /* internal ones so far */

    /* the refusal that nginx is asked to answer with */
    ngx_uint_t                 status;        /* 0: none */
    ngx_uint_t                 uri_changes;   /* r->uri_changes then */
    ngx_str_t                  violated;      /* JSON array, 429 only */
    time_t                     retry_after;   /* seconds, 429 only */

    /* fields for the answer, whoever gives it; unset: none */
    ngx_str_t                  ratelimit;
    ngx_str_t                  ratelimit_policy;

    u_char                     peer[16];      /* before realip */

    unsigned                   has_peer:1;
    unsigned                   verdict:4;     /* ngx_http_weir_verdict_e */
    unsigned                   decided:1;     /* identity variables count */
    unsigned                   stripped:1;
    unsigned                   has_id:1;      /* decision_id is made */
    unsigned                   answered:1;    /* the answer is Weir's */
    unsigned                   upgrade:1;     /* websocket upgrade admitted */
    unsigned                   latency_read:1;
    unsigned                   latency_fixed:1;
    unsigned                   own_content:1; /* of weir_api and the like */
    unsigned                   in_flight:1;   /* counted as under way */

    ngx_buf_t                 *body;          /* of a refusal, until sent */
};


/* Core's own settings that other areas read. */

typedef struct {
    ngx_str_t    service;              /* weir_service; "" when unset */
    ngx_str_t    policy;               /* name; "" when off or unset */
    ngx_uint_t   policy_set;           /* 0 unset, 1 off, 2 NAME */
    ngx_uint_t   shadow;               /* NAME decides nothing */
    ngx_uint_t   auth_set;             /* 0 unset, 1 off, 2 ways listed */
    ngx_uint_t   path_allow;           /* WEIR_PATH_ALLOW_* */
    ngx_flag_t   method_override;
    ngx_flag_t   accel;
    ngx_flag_t   cache_public;
    ngx_uint_t   cache_head;           /* HEAD goes to the upstream as GET */
    ngx_http_handler_pt  own_handler;  /* of weir_api and the like */
    ngx_uint_t   decides;              /* weir_decide */

    /* where the location stands, for messages */
    ngx_str_t    file;
    ngx_uint_t   line;
    ngx_str_t    name;
    ngx_uint_t   noname;               /* "if", limit_except */
    ngx_uint_t   location;             /* a location, not a server */
    void       **loc_conf;             /* all modules' settings of it */
    ngx_uint_t   off_here;             /* "weir_policy off" written here */
    ngx_uint_t   auth_here;            /* weir_auth written here */
    void        *srv;                  /* ngx_http_weir_srv_conf_t */

    ngx_http_weir_block_t  *counters;  /* of the service */
} ngx_http_weir_loc_conf_t;


extern ngx_module_t  ngx_http_weir_module;


/* The same bytes for libweir. */

static ngx_inline weir_str_t
ngx_http_weir_str(const ngx_str_t *s)
{
    weir_str_t  w;

    w.len = s->len;
    w.data = s->data;

    return w;
}


/* --- configuration --- */

/*
 * Says that a weir_* directive stands in the configuration: without any,
 * Weir is inert.  Every directive's handler calls it (the slot functions
 * below do).
 */
void ngx_http_weir_use(ngx_conf_t *cf);

/* 1 if it was said; for postconfiguration, which returns at once if not. */
ngx_uint_t ngx_http_weir_used(ngx_conf_t *cf);

/* nginx's own slots, after ngx_http_weir_use(). */
char *ngx_http_weir_flag_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_weir_enum_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * The core's location settings of the level that is being configured (in a
 * directive's handler) or merged (in merge_loc_conf, after the core's own
 * merge: the core is listed first).  weir_auth's handler sets auth_set,
 * weir_policy's sets policy and policy_set; both inherit in the core's merge.
 * In both handlers call ngx_http_weir_uses(cf) as well: it says that the
 * server at hand uses Weir, so that its forgotten locations are closed.
 */
ngx_http_weir_loc_conf_t *ngx_http_weir_conf(ngx_conf_t *cf);
void ngx_http_weir_uses(ngx_conf_t *cf);

/*
 * Reads a block directive's body: calls handler for each directive in it as
 * ngx_conf_parse() does, and serves "include" itself.  conf reaches the
 * handler as its third argument.
 */
char *ngx_http_weir_block(ngx_conf_t *cf, void *conf,
    char *(*handler)(ngx_conf_t *cf, ngx_command_t *dummy, void *conf));

/* 1 if s is a name; otherwise logs "invalid WHAT name" as [emerg]. */
ngx_uint_t ngx_http_weir_name(ngx_conf_t *cf, const char *what, ngx_str_t *s);

/*
 * Log what is wrong with a parameter as [emerg], and give NGX_CONF_ERROR for
 * a directive's handler to return.
 */
char *ngx_http_weir_invalid(ngx_conf_t *cf, ngx_str_t *value);
char *ngx_http_weir_duplicate(ngx_conf_t *cf, ngx_str_t *value);

/*
 * Reads a file that a directive names: *name becomes its full name, as that of
 * nginx's own files, and *text what is in it.  What is no file, or holds more
 * than max bytes, or cannot be read, is logged as [emerg], what says what it
 * should be.
 */
ngx_int_t ngx_http_weir_read(ngx_conf_t *cf, const char *what,
    ngx_str_t *name, size_t max, ngx_str_t *text);

/*
 * Adds a header that clients may never send to the union that is stripped
 * (weir_identity_header).
 */
ngx_int_t ngx_http_weir_strip_add(ngx_conf_t *cf, ngx_str_t *name);

/*
 * A 16 byte key for a purpose, from weir_secret's file, else derived from the
 * namespace (then equal on all gateways, and no secret).  Not before
 * postconfiguration.
 */
ngx_int_t ngx_http_weir_secret(ngx_conf_t *cf, const char *purpose,
    u_char *key);

/*
 * The namespace of the store, which weir_store's handler sets: what is
 * derived from it is derived in postconfiguration.
 */
void ngx_http_weir_namespace(ngx_conf_t *cf, ngx_str_t *ns);

/* What this gateway calls itself; from postconfiguration on. */
ngx_str_t *ngx_http_weir_conf_node(ngx_conf_t *cf);
ngx_str_t *ngx_http_weir_node_name(ngx_cycle_t *cycle);

/* ngx_http_weir_loc_conf_t * of every location, "if" and server. */
ngx_array_t *ngx_http_weir_locations(ngx_conf_t *cf);

/* Adds variables: an array that ends with ngx_http_null_variable. */
ngx_int_t ngx_http_weir_variables_add(ngx_conf_t *cf, ngx_http_variable_t *v);

/*
 * A value with variables in it, as a directive's argument spells it.  What
 * ngx_http_weir_value() gives lives as long as the request, and may be the
 * variable's own bytes: they are not for writing.
 */

typedef struct {
    ngx_int_t                  index;    /* of the only variable, or -1 */
    ngx_http_complex_value_t   script;
} ngx_http_weir_value_t;

char *ngx_http_weir_value_compile(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_weir_value_t *value);
ngx_int_t ngx_http_weir_value(ngx_http_request_t *r,
    ngx_http_weir_value_t *value, ngx_str_t *s);

/* Adds a phase handler: it runs before those that were added before it. */
ngx_int_t ngx_http_weir_handler_add(ngx_conf_t *cf, ngx_uint_t phase,
    ngx_http_handler_pt handler);


/* --- the request --- */

/* The context, made if there is none; NULL: out of memory. */
ngx_http_weir_ctx_t *ngx_http_weir_ctx(ngx_http_request_t *r);

/* The context if there is one, else NULL. */

ngx_http_weir_ctx_t *ngx_http_weir_ctx_again(ngx_http_request_t *r);

static ngx_inline ngx_http_weir_ctx_t *
ngx_http_weir_ctx_get(ngx_http_request_t *r)
{
    ngx_http_weir_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_weir_module);

    return ctx ? ctx : ngx_http_weir_ctx_again(r->main);
}

/* An area's state, zeroed when new; NULL: out of memory. */
void *ngx_http_weir_state(ngx_http_weir_ctx_t *ctx, ngx_uint_t state,
    size_t size);

/* A 128-bit random id as 32 lower-case hex; dst of 32 bytes. */
ngx_int_t ngx_http_weir_random_id(u_char *dst);

/* len random bytes from the worker's buffer. */
ngx_int_t ngx_http_weir_random(void *dst, size_t len);

/* Microseconds since the request came; fixed once read in the log phase. */
uint64_t ngx_http_weir_latency(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx);

/* The client's address as policy, limits and splits see it (after realip). */
ngx_int_t ngx_http_weir_source(ngx_http_request_t *r, void *addr /* 16 */);
ngx_int_t ngx_http_weir_peer(ngx_http_request_t *r, void *addr /* 16 */);

/*
 * Records that Weir refuses the request and returns status, for a handler to
 * return: the filter makes the body when nginx answers with its own page.
 * reason is static, kebab-case.
 */
ngx_int_t ngx_http_weir_refuse(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_uint_t status, ngx_uint_t verdict,
    const char *reason);

/*
 * As ngx_http_weir_refuse(), but finalises the request here, so that
 * "satisfy any" cannot go on; returns NGX_DONE.
 */
ngx_int_t ngx_http_weir_refuse_finally(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_uint_t status, ngx_uint_t verdict,
    const char *reason);


/* --- what policies oblige to --- */

/*
 * In preconfiguration: find tells the object of that name, or NULL, to
 * whatever thread asks; *index is the colour's.
 */
void ngx_http_weir_finder_add(ngx_conf_t *cf, ngx_uint_t kind,
    ngx_http_weir_finder_pt find, void *conf);

/* Of this configuration, which the pointer lives as long as. */
const ngx_http_weir_finders_t *ngx_http_weir_finders(ngx_conf_t *cf);

/* The object, or NULL: nginx.conf has no such one. */
void *ngx_http_weir_find(const ngx_http_weir_finders_t *f, ngx_uint_t kind,
    weir_str_t name, weir_str_t value, ngx_uint_t *index);

/* 1 if weir_identity_header sets that header; and all that it sets. */
ngx_uint_t ngx_http_weir_is_identity(const ngx_http_weir_finders_t *f,
    weir_str_t name);
ngx_array_t *ngx_http_weir_identity_headers(const ngx_http_weir_finders_t *f,
    ngx_pool_t *pool);

/* The duties of r, which may be a subrequest; NULL: it has none. */
ngx_int_t ngx_http_weir_duties_set(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_array_t *duties);

/*
 * The first of that kind and object (NULL: of any) that r is under; a
 * subrequest where it has none itself is under its main request's.
 */
ngx_http_weir_duty_t *ngx_http_weir_duty(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_uint_t kind, void *object);


/* --- headers --- */

/* A walk over a list of headers, r->headers_in.headers or headers_out's. */

typedef struct {
    ngx_list_part_t           *part;
    ngx_uint_t                 i;
} ngx_http_weir_walk_t;


static ngx_inline void
ngx_http_weir_walk(ngx_http_weir_walk_t *walk, ngx_list_t *list)
{
    walk->part = &list->part;
    walk->i = 0;
}


/* The next header, or NULL behind the last one. */

static ngx_inline ngx_table_elt_t *
ngx_http_weir_walk_next(ngx_http_weir_walk_t *walk)
{
    while (walk->i >= walk->part->nelts) {

        if (walk->part->next == NULL) {
            return NULL;
        }

        walk->part = walk->part->next;
        walk->i = 0;
    }

    return (ngx_table_elt_t *) walk->part->elts + walk->i++;
}


/* Surgery on r->headers_in of the main request. */

/*
 * Unlinks every header named name (lower case given; compared ignoring case;
 * all spellings with "_" for "-" too) and clears nginx's pointer to it.
 * Returns how many there were.
 */
ngx_uint_t ngx_http_weir_header_remove(ngx_http_request_t *r,
    ngx_str_t *name);

/* As above, every header that test says 1 to. */
typedef ngx_uint_t (*ngx_http_weir_header_test_pt)(ngx_table_elt_t *h,
    void *data);
ngx_uint_t ngx_http_weir_header_remove_if(ngx_http_request_t *r,
    ngx_http_weir_header_test_pt test, void *data);

/* Removes, then appends name: value (both must live as long as r). */
ngx_int_t ngx_http_weir_header_set(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *lowcase, ngx_str_t *value);

/*
 * Finds the header (lower case name): returns how many there are (2 for
 * more, and where one is spelt with "_" for "-"), *value is the first one's.
 */
ngx_uint_t ngx_http_weir_header_find(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value);

/* Appends a header to the answer (r->headers_out). */
ngx_int_t ngx_http_weir_header_out(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);


/* --- draining --- */

/* 1: clients should go elsewhere; weir_health says so. */
ngx_uint_t ngx_http_weir_draining(void);

/* Says so, or no more, to all workers; 1: it was not so before. */
ngx_uint_t ngx_http_weir_drain(ngx_uint_t on);

/* Requests under way in all workers that live; status pages are none. */
uint64_t ngx_http_weir_in_flight(void);

/* The request is one of them, or (begins 0) no longer. */
void ngx_http_weir_flight(ngx_http_weir_ctx_t *ctx, ngx_uint_t begins);

/* GOAWAY to this worker's connections of HTTP/2 that had none yet. */
void ngx_http_weir_drain_connections(ngx_cycle_t *cycle);


/* --- status --- */

/* A growing text on a pool; an error sticks and is seen at the end. */

struct ngx_http_weir_text_s {
    ngx_pool_t   *pool;
    ngx_chain_t  *first;
    ngx_chain_t  *last;
    off_t         size;
    ngx_uint_t    failed;
};

void ngx_http_weir_text(ngx_http_weir_text_t *t, const char *fmt, ...);

/* "# TYPE", "# HELP" (and "# UNIT" where unit is not NULL) of a family. */
void ngx_http_weir_family(ngx_http_weir_text_t *t, const char *name,
    const char *type, const char *unit, const char *help);


/*
 * What an area tells: its metric families, whole and contiguous, its members
 * of weir_api's object, and what keeps the gateway from being ready: a word,
 * or NULL.  Each may be NULL.
 */

typedef struct {
    void         (*metrics)(ngx_cycle_t *cycle, ngx_http_weir_text_t *t);
    ngx_int_t    (*api)(ngx_cycle_t *cycle, json_t *root);
    const char  *(*unready)(ngx_cycle_t *cycle);
} ngx_http_weir_provider_t;

/* Registers a provider (static) in postconfiguration. */
ngx_int_t ngx_http_weir_provide(ngx_conf_t *cf,
    ngx_http_weir_provider_t *provider);

/* ngx_http_weir_provider_t *, in order of registration. */
ngx_array_t *ngx_http_weir_providers(ngx_cycle_t *cycle);

/* Size, bytes in use and discarded of an area, and its name. */
void ngx_http_weir_area_status(ngx_uint_t area, const char **name,
    size_t *size, size_t *used, uint64_t *discarded);


#endif /* NGX_HTTP_WEIR_H_INCLUDED */
