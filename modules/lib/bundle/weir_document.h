
/*
 * Weir: what stands in an envelope: documents, read and written.  The bytes
 * are signed as they are and never written anew; formats:
 * docs/store-documents.md.
 */

#ifndef WEIR_DOCUMENT_H_INCLUDED
#define WEIR_DOCUMENT_H_INCLUDED


#include "weir_envelope.h"
#include "weir_policy.h"


#define WEIR_BUNDLE_ID           "head"    /* a namespace has one bundle */
#define WEIR_BUNDLE_SEGMENTS     300
#define WEIR_BUNDLE_MAX          (160 * 1024 * 1024)   /* of all segments */
#define WEIR_SEGMENT_MAX         (1024 * 1024)
#define WEIR_BUNDLE_FILES        65536
#define WEIR_INLINE_MAX          (48 * 1024)   /* "files" in the head: below */
#define WEIR_DOCUMENT_ID_MAX     128
#define WEIR_DOCUMENT_NAME_MAX   160   /* "KIND/ID" */
#define WEIR_DOCUMENT_TEXT_MAX   1024  /* by, reason, tool */
#define WEIR_DOCUMENT_LIVE_MIN   256
#define WEIR_DOCUMENT_WEIGHTS    32
#define WEIR_WEIGHTS_WHOLE       10000u    /* 100% */


typedef struct {
    uint8_t     hash[WEIR_SHA256_LEN];
    uint64_t    size;                  /* 1 to WEIR_SEGMENT_MAX */
    weir_str_t  text;                  /* only where it was made here */
} weir_segment_t;

typedef struct {
    weir_str_t  name;                  /* "split/checkout" */
    uint64_t    version;
} weir_live_min_t;

typedef struct {
    weir_str_t  colour;
    uint32_t    weight;                /* in 0.01 %: 0 to 10000 */
} weir_weight_t;

typedef struct {
    weir_kind_e       kind;
    weir_str_t        ns;
    weir_str_t        id;
    uint64_t          version;         /* from 1 */
    uint64_t          epoch;
    uint8_t           previous[WEIR_SHA256_LEN];
    int64_t           issued;          /* s since the epoch of Unix */
    int64_t           expires;         /* s; from then on it is expired */
    int64_t           activate_at;
    unsigned          has_previous:1;
    unsigned          has_expires:1;
    unsigned          has_activate_at:1;
    unsigned          has_files:1;     /* "files", not "segments" */
    weir_str_t        by;
    weir_str_t        reason;

    /* bundle */

    weir_str_t        tool;
    weir_live_min_t  *live_min;        /* by name */
    uint32_t          nlive_min;
    weir_segment_t   *segments;
    uint32_t          nsegments;
    uint64_t          size;            /* of all segments */

    weir_policy_source_t  *files;      /* by name */
    uint32_t               nfiles;

    /* split */

    weir_weight_t    *weights;         /* by colour */
    uint32_t          nweights;
} weir_document_t;


/*
 * Reads a payload whose signatures hold; slices point into it or the arena.
 * All members are required, others refused, and so is what does not fit
 * the kind of the envelope.  WEIR_OK; WEIR_DECLINED with *why and err:
 * policy-error, too-large (more segments or bytes than a bundle may have),
 * namespace (payload and payloadType differ in kind); WEIR_NOMEM.
 */
int weir_document_parse(weir_document_t *doc, weir_arena_t *a,
    weir_kind_e kind, weir_str_t payload, weir_refusal_e *why,
    weir_err_t *err);

/*
 * Writes the payload into the arena: no white space, members in the order of
 * docs/store-documents.md, lists as they are given.  WEIR_OK; WEIR_DECLINED
 * with err: a value that no reader would take, or more than WEIR_PAYLOAD_MAX
 * bytes; WEIR_NOMEM.
 */
int weir_document_write(const weir_document_t *doc, weir_arena_t *a,
    weir_str_t *payload, weir_err_t *err);

/* Bytes of the payload that weir_document_write() would make. */
size_t weir_document_size(const weir_document_t *doc);

/*
 * The document's name among fences, in live_min and in stores: "KIND/ID",
 * that of the deleted document for a tombstone.  Into dst
 * (WEIR_DOCUMENT_NAME_MAX bytes); the length.
 */
size_t weir_document_name(uint8_t *dst, weir_kind_e kind, weir_str_t id);

/* 1: [a-z0-9][a-z0-9_-]{0,62}, as namespaces are. */
int weir_namespace_valid(weir_str_t s);

/* 1: [A-Za-z0-9_][A-Za-z0-9_.:@-]{0,127}; kinds that name another: KIND/ID. */
int weir_document_id_valid(weir_kind_e kind, weir_str_t id);

/*
 * The version after the highest known one: of the head and of gateways'
 * fences.  WEIR_OK or WEIR_DECLINED: there is none after 2^64-1.
 */
int weir_version_next(uint64_t highest, uint64_t *version);

/*
 * The weights of a split document for the colours of nginx.conf, the rest
 * last; weights[n - 1] is the rest's, too.  WEIR_OK; WEIR_DECLINED with *why
 * and err: unknown-name (a colour that is not there), policy-error (they are
 * not 100 % together though the rest is named).  n is 1 at least.
 */
int weir_document_weights(const weir_document_t *doc,
    const weir_str_t *colours, uint32_t n, uint32_t *weights,
    weir_refusal_e *why, weir_err_t *err);


#endif /* WEIR_DOCUMENT_H_INCLUDED */
