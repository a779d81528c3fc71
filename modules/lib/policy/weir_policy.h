
/*
 * Weir: access policies: from sources to one image, from a request to a
 * verdict.
 *
 *   sources -> weir_policy_compile() -> diagnostics, tests and an image
 *   image   -> weir_policy_open(), weir_policy_find() -> weir_policy_decide()
 *
 * The image is one block of memory without pointers: it may be copied, kept
 * in shared memory and mapped anywhere aligned to 8.  Deciding reads the
 * image and the request; it neither allocates nor locks.
 *
 * The language: contract.md "Policy language", docs/policy-language.md.
 */

#ifndef WEIR_POLICY_H_INCLUDED
#define WEIR_POLICY_H_INCLUDED


#include "weir_base.h"
#include "weir_addr.h"
#include "weir_claims.h"
#include "weir_path.h"


#define WEIR_POLICY_MAX_SOURCE  (64 * 1024 * 1024)   /* bytes of a bundle */
#define WEIR_POLICY_MAX_DEPTH   64                   /* parentheses */
#define WEIR_POLICY_MAX_NODES   256                  /* of an expression */
#define WEIR_POLICY_MAX_ITEMS   100000               /* of a list */
#define WEIR_POLICY_MAX_ID      64                   /* bytes of a name */
#define WEIR_POLICY_MAX_STRING  65536                /* as it is spelt */
#define WEIR_POLICY_MAX_DIAGS   1000                 /* errors; warnings */
#define WEIR_POLICY_MAX_PATTERN 1024                 /* bytes; "~", "like" */
#define WEIR_POLICY_MAX_REGEXES 10000                /* of a bundle */
#define WEIR_POLICY_MAX_COST    100000               /* units of a rule */
#define WEIR_POLICY_MATCH_LIMIT 5000                 /* of PCRE2 */
#define WEIR_POLICY_MAX_EFFECTS 64                   /* of a rule */


/* --- compiling --- */


typedef struct {
    weir_str_t  name;       /* path from the bundle's root, for messages */
    weir_str_t  text;
} weir_policy_source_t;


/* A place in a source; line and column count from 1, 0 is no place. */

typedef struct {
    uint32_t  file;         /* index of the source */
    uint32_t  line;
    uint32_t  column;       /* characters, not bytes */
    uint32_t  offset;       /* bytes from the beginning of the source */
} weir_policy_place_t;


typedef enum {
    WEIR_POLICY_SEVERE = 0,     /* "error": there is no image */
    WEIR_POLICY_WARNING
} weir_policy_severity_t;


typedef struct weir_policy_related_s  weir_policy_related_t;

struct weir_policy_related_s {
    weir_policy_place_t     place;
    weir_str_t              message;    /* "declared", "first" */
    weir_policy_related_t  *next;
};


typedef struct {
    weir_policy_place_t     place;
    weir_policy_severity_t  severity;
    weir_str_t              message;    /* one line, no final stop */
    weir_policy_related_t  *related;
} weir_policy_diag_t;


/* What the policies' tests compare a decision with; see weir_policy_test(). */

typedef struct weir_policy_test_s  weir_policy_test_t;


/*
 * What a policy names that only nginx.conf knows.  The binding check asks for
 * each: weir_policy_bind().
 */

typedef enum {
    WEIR_POLICY_NAME_ISSUER = 0,
    WEIR_POLICY_NAME_ANY_ISSUER,   /* a schema without "from"; no name */
    WEIR_POLICY_NAME_QUOTA,
    WEIR_POLICY_NAME_SPLIT,        /* "SPLIT COLOUR", one space between */
    WEIR_POLICY_NAME_OBJECTIVE,
    WEIR_POLICY_NAME_HEADER,       /* set_header's: not the gateway's own */
    WEIR_POLICY_NAMES
} weir_policy_name_kind_t;


typedef struct weir_policy_image_s  weir_policy_image_t;


typedef struct {
    const weir_policy_source_t  *sources;
    uint32_t                     nsources;

    const weir_policy_diag_t    *diags;     /* by place */
    uint32_t                     ndiags;
    uint32_t                     nerrors;   /* all, also those not kept */

    const weir_policy_test_t   **tests;     /* in order of the sources */
    uint32_t                     ntests;

    const weir_policy_image_t   *image;     /* NULL when nerrors != 0 */
    size_t                       size;

    const void                  *files;     /* syntax trees: lib/prove */
    const void                  *names;     /* of those that are policies */
} weir_policy_bundle_t;


/*
 * The caller's time zones, as libweir does no I/O.  read fills *tzif with the
 * TZif file (RFC 9636) of an IANA name, which must live until the compiler
 * returns; name is "Area/Place" of letters, digits, "_", "-" and "+", no
 * other path.  WEIR_OK; WEIR_DECLINED: there is no such zone; WEIR_ERROR: it
 * cannot be read.
 */
typedef struct {
    int   (*read)(void *ctx, weir_str_t name, weir_str_t *tzif);
    void   *ctx;
} weir_policy_zones_t;

/*
 * Compiles a bundle: sources in byte order of their names.  zones may be
 * NULL: every window is then an error.  All that is returned lies in the arena
 * and points into the sources, which must live as long.  WEIR_OK: *bundle is
 * filled, also when there are errors in the sources (nerrors); WEIR_NOMEM.
 */
int weir_policy_compile(weir_arena_t *arena,
    const weir_policy_source_t *sources, uint32_t nsources,
    const weir_policy_zones_t *zones, weir_policy_bundle_t *bundle);

/*
 * Text of a diagnostic, in the arena: "FILE:LINE:COLUMN: error: MESSAGE",
 * the line of the source and a caret below it, each ended by a line feed.
 * {0, NULL}: out of memory.
 */
weir_str_t weir_policy_diag_text(weir_arena_t *arena,
    const weir_policy_bundle_t *bundle, const weir_policy_diag_t *diag);


/*
 * The canonical layout of one source, in the arena: the same tokens and
 * comments.  Laid out again it stays as it is.  WEIR_OK; WEIR_DECLINED: the
 * source cannot be parsed, weir_policy_compile() tells why; WEIR_NOMEM.
 */
int weir_policy_format(weir_arena_t *arena,
    const weir_policy_source_t *source, weir_str_t *text);


/* --- reading a bundle's folder --- */


typedef enum {
    WEIR_POLICY_ENTRY_FILE = 0,     /* a regular file, not a link */
    WEIR_POLICY_ENTRY_FOLDER,
    WEIR_POLICY_ENTRY_OTHER
} weir_policy_entry_t;


typedef struct weir_policy_folder_s  weir_policy_folder_t;

/*
 * The caller's file system, as libweir does no I/O.  path is relative to the
 * bundle's root, "" is the root.  list calls weir_policy_folder_entry() for
 * each entry but "." and ".."; read fills *text, which must live as long as
 * the bundle, with at most max bytes: more is an error.  Both return WEIR_OK,
 * or WEIR_ERROR after having told why.
 */
typedef struct {
    int   (*list)(void *ctx, weir_str_t path, weir_policy_folder_t *folder);
    int   (*read)(void *ctx, weir_str_t path, size_t max, weir_str_t *text);
    void   *ctx;
} weir_policy_files_t;

/* Adds an entry, from list; name is copied.  WEIR_OK or WEIR_NOMEM. */
int weir_policy_folder_entry(weir_policy_folder_t *folder, weir_str_t name,
    weir_policy_entry_t type);

/*
 * Reads the sources below the root: regular files "*.policy", no dot files,
 * no links, in byte order of path, at most WEIR_POLICY_MAX_SOURCE bytes.
 * WEIR_OK; WEIR_NOMEM; WEIR_DECLINED: err says what is wrong with the bundle
 * (no *.policy in it, too large); WEIR_ERROR: files failed, and told why.
 */
int weir_policy_read_folder(weir_arena_t *arena,
    const weir_policy_files_t *files, weir_policy_source_t **sources,
    uint32_t *nsources, weir_err_t *err);


/* --- the image --- */


/*
 * Checks a block of memory, aligned to 8, that should be an image: magic,
 * layout, size, checksum and that every offset and index in it stays inside.
 * NULL: it is none, or of another version.
 */
const weir_policy_image_t *weir_policy_open(const void *data, size_t size);

/*
 * The same without the checksum and the walk, for memory that
 * weir_policy_open() has seen already.
 */
const weir_policy_image_t *weir_policy_trust(const void *data);

size_t weir_policy_image_size(const weir_policy_image_t *image);
uint32_t weir_policy_count(const weir_policy_image_t *image);

/* The name of policy i: names are in byte order. */
weir_str_t weir_policy_name(const weir_policy_image_t *image, uint32_t i);

/* The index of a policy, or WEIR_DECLINED. */
int weir_policy_find(const weir_policy_image_t *image, weir_str_t name,
    uint32_t *policy);

/* Number of rules, and the name of one; rules are in byte order of name. */
uint32_t weir_policy_rules(const weir_policy_image_t *image, uint32_t policy);
weir_str_t weir_policy_rule_name(const weir_policy_image_t *image,
    uint32_t policy, uint32_t rule);


/*
 * The binding check: can this policy be used in a location?  known tells
 * whether nginx.conf has an issuer, quota, split and colour or objective of
 * that name, and of a header, whether no weir_identity_header sets it;
 * admitted are the issuers that the location's weir_auth lists.  report is
 * called for each fault: what nginx.conf lacks, a schema without "from" where
 * several issuers can arrive.  message is "FILE:LINE:COLUMN: error: ...",
 * valid during the call.  Returns the number of faults.
 */

typedef struct {
    int   (*known)(void *ctx, weir_policy_name_kind_t kind, weir_str_t name);
    void  (*report)(void *ctx, weir_str_t message);
    void   *ctx;
} weir_policy_binder_t;

uint32_t weir_policy_bind(const weir_policy_image_t *image, uint32_t policy,
    const weir_str_t *admitted, uint32_t nadmitted,
    const weir_policy_binder_t *binder);


/* --- deciding --- */


typedef enum {
    WEIR_POLICY_ANONYMOUS = 0,
    WEIR_POLICY_JWT,
    WEIR_POLICY_MTLS,
    WEIR_POLICY_APIKEY,
    WEIR_POLICY_SESSION,
    WEIR_POLICY_KINDS
} weir_policy_kind_t;

/* "anonymous", "jwt", ...; and back: WEIR_OK or WEIR_DECLINED. */
weir_str_t weir_policy_kind_name(weir_policy_kind_t kind);
int weir_policy_kind_parse(weir_str_t name, weir_policy_kind_t *kind);


/* Attributes of tls.*, for the callback. */

typedef enum {
    WEIR_POLICY_TLS_VERSION = 0,
    WEIR_POLICY_TLS_CIPHER,
    WEIR_POLICY_TLS_SNI,
    WEIR_POLICY_TLS_FINGERPRINT,
    WEIR_POLICY_TLS_SPIFFE,
    WEIR_POLICY_TLS_ATTRS
} weir_policy_tls_t;


/* What a callback found. */

#define WEIR_POLICY_ABSENT   0
#define WEIR_POLICY_ONE      1     /* *value is set */
#define WEIR_POLICY_UNKNOWN  2     /* repeated, unreadable, no memory */


/*
 * The compiled regular expressions of one image, for one thread.  An
 * expression is compiled when a decision first needs it, or before that by
 * weir_policy_regexes_step(), one a call, so that no decision waits for more
 * than one.  PCRE2's memory comes from alloc, its machine code from the
 * system.
 */

typedef struct weir_policy_regexes_s  weir_policy_regexes_t;

/* How many different expressions an image has. */
uint32_t weir_policy_regex_count(const weir_policy_image_t *image);

/* NULL: no memory.  image must live as long. */
weir_policy_regexes_t *weir_policy_regexes_create(const weir_alloc_t *alloc,
    const weir_policy_image_t *image);

/* Compiles one more.  WEIR_OK, WEIR_DECLINED: all are, WEIR_NOMEM. */
int weir_policy_regexes_step(weir_policy_regexes_t *rx);

void weir_policy_regexes_destroy(weir_policy_regexes_t *rx);


/*
 * What a request is to a policy.  A string with data == NULL is absent.  All
 * must stay as it is while the decision runs; values of the callbacks too.
 */

typedef struct {
    const weir_path_t    *path;           /* of weir_path_gate(); not NULL */
    weir_str_t            method;         /* not absent */
    weir_str_t            host;           /* canonical: weir_host_gate() */
    weir_str_t            scheme;
    const weir_addr_t    *source_ip;      /* NULL: unknown */
    const weir_addr_t    *source_peer;
    int64_t               time;           /* seconds since the epoch */
    unsigned              has_time:1;

    weir_policy_kind_t    kind;
    weir_str_t            issuer;         /* name of the weir_issuer */
    weir_str_t            subject;
    weir_str_t            principal;
    weir_str_t            spiffe;
    const weir_claims_t  *claims;         /* NULL: none */

    /* name of a header is in lower case; what a callback is NULL: absent */
    int                 (*header)(void *ctx, weir_str_t name,
                                  weir_str_t *value);
    int                 (*query)(void *ctx, weir_str_t name,
                                 weir_str_t *value);
    int                 (*tls)(void *ctx, weir_policy_tls_t attr,
                               weir_str_t *value);
    void                 *ctx;

    /* of the same image; NULL: whatever "~" compares is unknown */
    weir_policy_regexes_t  *regexes;
} weir_policy_request_t;


typedef enum {
    WEIR_POLICY_DENY = 0,
    WEIR_POLICY_PERMIT
} weir_policy_verdict_t;


typedef enum {
    WEIR_POLICY_PERMIT_RULE = 0,
    WEIR_POLICY_DENY_RULE,          /* a deny matches */
    WEIR_POLICY_DENY_UNKNOWN,       /* a deny cannot be ruled out */
    WEIR_POLICY_DEFAULT_DENY,
    WEIR_POLICY_AMBIGUOUS_PATH,
    WEIR_POLICY_AMBIGUOUS_HOST,
    WEIR_POLICY_AMBIGUOUS_REQUEST,
    WEIR_POLICY_CLOSED_LOCATION,
    WEIR_POLICY_NO_BUNDLE,
    WEIR_POLICY_NO_POLICY,
    WEIR_POLICY_FAILED,             /* "error" */
    WEIR_POLICY_REASONS
} weir_policy_reason_t;

/* "permit-rule", "deny-rule", ... : zero terminated. */
const char *weir_policy_reason_name(weir_policy_reason_t reason);


/* What a decision obliges its caller to; in the order of a decision. */

typedef enum {
    WEIR_POLICY_LIMIT = 0,      /* name: quota */
    WEIR_POLICY_SPLIT,          /* name: split, value: colour */
    WEIR_POLICY_SLO,            /* name: objective */
    WEIR_POLICY_ADD_HEADER,     /* of the response: name, value */
    WEIR_POLICY_SET_HEADER,     /* of the request that goes upstream */
    WEIR_POLICY_LOG,            /* number: 0 info, 1 notice, 2 warn */
    WEIR_POLICY_STATUS,         /* of a deny: number */
    WEIR_POLICY_EFFECTS
} weir_policy_effect_kind_t;

typedef struct {
    weir_policy_effect_kind_t  kind;
    weir_str_t                 name;
    weir_str_t                 value;
    int64_t                    number;
} weir_policy_effect_t;

/* "limit", "split", ...; "info", "notice", "warn": zero terminated. */
const char *weir_policy_effect_name(weir_policy_effect_kind_t kind);
const char *weir_policy_level_name(int64_t level);

/* An effect of a decision; what it points to lies in the image. */
void weir_policy_effect(const weir_policy_image_t *image, uint32_t policy,
    uint32_t effect, weir_policy_effect_t *e);


typedef struct {
    weir_policy_verdict_t  verdict;
    weir_policy_reason_t   reason;

    /*
     * The permits that match, or the denies that match or are unknown, in
     * byte order of name.  The caller gives an array of max indices; count
     * may be more, the first max are kept.
     */
    uint32_t              *rules;
    uint32_t               max;
    uint32_t               count;

    /*
     * What these rules oblige to, merged: each once, in order of kind, name
     * and value; the highest level of log, the lowest status.  The caller
     * gives an array of max_effects.  Where there are more, or where it
     * cannot do what one says, a permit must be refused.
     */
    uint32_t              *effects;
    uint32_t               max_effects;
    uint32_t               neffects;

    /*
     * The verdict if shadow rules were rules, and how many of them match (or,
     * of denies, are unknown).
     */
    weir_policy_verdict_t  shadow;
    uint32_t               nshadow;
} weir_policy_decision_t;


/*
 * Decides.  A matching or unknown deny beats every permit (reason deny-rule
 * or deny-unknown: final under "satisfy any"); without any permit the answer
 * is deny (default-deny).  d->rules, d->max, d->effects and d->max_effects
 * are the caller's.
 */
void weir_policy_decide(const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_request_t *r, weir_policy_decision_t *d);


/*
 * What a policy may read of a request, as an attribute of it: whoever kept
 * all of them, with path, method, host, source and time, can decide again.
 * Captures of the path are none of them.
 */

typedef enum {
    WEIR_POLICY_READ_WORD = 0,  /* "source.peer": name is all of it */
    WEIR_POLICY_READ_CLAIM,     /* name: members, joined by NUL */
    WEIR_POLICY_READ_HEADER,    /* name: in lower case */
    WEIR_POLICY_READ_QUERY
} weir_policy_read_kind_t;

typedef enum {
    WEIR_POLICY_READ_STRING = 0,
    WEIR_POLICY_READ_BOOL,      /* number: 0 or 1 */
    WEIR_POLICY_READ_INT,
    WEIR_POLICY_READ_ADDR,
    WEIR_POLICY_READ_SET        /* nitems strings: weir_policy_read_item() */
} weir_policy_read_type_t;

typedef struct {
    weir_policy_read_kind_t    kind;
    weir_str_t                 name;
    unsigned                   personal:1;  /* it names the subject */
    int                        state;   /* WEIR_POLICY_ABSENT, ONE, UNKNOWN */
    weir_policy_read_type_t    type;    /* of a value that is there */
    weir_str_t                 string;
    int64_t                    number;
    const weir_addr_t         *addr;
    uint32_t                   nitems;
    const weir_claim_entry_t  *set;
} weir_policy_read_t;

/* How many attributes a policy has; some are none of those above. */
uint32_t weir_policy_attrs(const weir_policy_image_t *image, uint32_t policy);

/*
 * Attribute i in a request, whose memory *read points into.  WEIR_OK;
 * WEIR_DECLINED: it is told elsewhere (see above).
 */
int weir_policy_read_attr(const weir_policy_image_t *image, uint32_t policy,
    uint32_t i, const weir_policy_request_t *r, weir_policy_read_t *read);

/*
 * Which of these a statement of a rule reads: condition 0, 1, ... ("if" and
 * "unless", as they are written), or what the roles of "who" do.  Each is told
 * once; at most max of them are.  b: compiled without errors.
 */
#define WEIR_POLICY_STATEMENT_WHO  (-1)

uint32_t weir_policy_statement_attrs(const weir_policy_bundle_t *b,
    uint32_t policy, weir_str_t rule, int statement, uint32_t *attrs,
    uint32_t max);

/*
 * Its name as the language spells it: claim.tenant, claim["a b"],
 * header("x-mfa"), source.peer.  Writes at most size bytes; returns how many
 * there are, more than size if they do not fit.
 */
size_t weir_policy_read_name(const weir_policy_read_t *read, uint8_t *dst,
    size_t size);

/*
 * The subjects that rules of the policy name, some of them several times:
 * WEIR_OK, or WEIR_DECLINED where there are no more.  *from begins with 0 and
 * is this function's; the subject lies in the image.
 */
int weir_policy_next_subject(const weir_policy_image_t *image,
    uint32_t policy, uint32_t *from, weir_str_t *subject);

/* String i of a set. */
weir_str_t weir_policy_read_item(const weir_policy_request_t *r,
    const weir_policy_read_t *read, uint32_t i);


/*
 * The principal "kind:issuer:subject" in the arena; what is absent is empty:
 * an anonymous identity is WEIR_POLICY_NOBODY.  {0, NULL}: out of memory.
 */

#define WEIR_POLICY_NOBODY  "anonymous::"

weir_str_t weir_policy_principal(weir_arena_t *arena, weir_policy_kind_t kind,
    weir_str_t issuer, weir_str_t subject);


/* --- requests that come as text: weirctl eval, the policies' tests --- */


typedef struct {
    weir_str_t  name;       /* of a header: any case */
    weir_str_t  value;
} weir_policy_field_t;

typedef struct {
    const weir_policy_field_t  *headers;
    uint32_t                    nheaders;
    const weir_policy_field_t  *query;
    uint32_t                    nquery;
    weir_str_t                  tls[WEIR_POLICY_TLS_ATTRS];
} weir_policy_fields_t;

/*
 * Decides a request whose target and host are as a client sends them: both
 * pass their gates first (reasons ambiguous-path, ambiguous-host).  path,
 * host, principal and the callbacks of r are filled from raw_path, raw_host
 * (absent: no host), the identity and fields.  WEIR_OK or WEIR_NOMEM.
 */
int weir_policy_decide_text(weir_arena_t *arena,
    const weir_policy_image_t *image, uint32_t policy,
    weir_policy_request_t *r, weir_str_t raw_path, weir_str_t raw_host,
    const weir_policy_fields_t *fields, weir_policy_decision_t *d);


/* --- the policies' own tests --- */


typedef struct {
    weir_str_t           name;
    weir_str_t           policy;
    weir_policy_place_t  place;      /* of the name */
    weir_policy_place_t  expect;     /* of the expectation */
    int                  passed;
    weir_str_t           message;    /* what was expected and what came */
} weir_policy_outcome_t;

/*
 * Runs test i of a bundle that has an image.  The outcome lies in the arena.
 * WEIR_OK or WEIR_NOMEM.
 */
int weir_policy_run_test(weir_arena_t *arena,
    const weir_policy_bundle_t *bundle, uint32_t i,
    weir_policy_outcome_t *outcome);

/*
 * The request of a test, for weir_policy_decide_text(): what test and arena
 * hold is not copied.  WEIR_OK or WEIR_NOMEM.
 */
int weir_policy_test_request(weir_arena_t *arena,
    const weir_policy_test_t *test, weir_policy_request_t *r,
    weir_str_t *path, weir_str_t *host, weir_policy_fields_t *fields);


#endif /* WEIR_POLICY_H_INCLUDED */
