
/*
 * Weir: W3C Trace Context: traceparent, tracestate, request ids and the rules
 * of trust that decide what of a client's context goes on.
 *
 * Sources: W3C Trace Context Level 2 (Candidate Recommendation, 2024),
 * sections 3 (headers), 4 (mutation) and 7 (security).
 */

#ifndef WEIR_TRACE_H_INCLUDED
#define WEIR_TRACE_H_INCLUDED


#include "weir_base.h"


/* The flags that have a meaning; all others are sent as zero. */

#define WEIR_TRACE_SAMPLED     0x01
#define WEIR_TRACE_RANDOM      0x02

#define WEIR_TRACEPARENT_LEN   55      /* bytes of a version 00 value */

#define WEIR_TRACESTATE_MAX    32      /* members of a list */
#define WEIR_TRACESTATE_KEY    256     /* bytes of a key */
#define WEIR_TRACESTATE_VALUE  256     /* bytes of a value */
#define WEIR_TRACESTATE_BIG    128     /* longer members are cut first */
#define WEIR_TRACESTATE_LEAST  512     /* a limit below this is raised to it */

#define WEIR_REQUEST_ID_MAX    128     /* bytes of a client's request id */


typedef struct {
    uint8_t  trace_id[16];
    uint8_t  parent_id[8];
    uint8_t  flags;                    /* WEIR_TRACE_*, others zero */
} weir_traceparent_t;


/*
 * Parses the value of one traceparent header (Level 2, 3.2 and 3.2.3): SP and
 * HTAB around it are ignored; lower case hex only; version 00 has exactly 55
 * bytes, 01 to fe at least those, followed by the end or "-"; version ff, an
 * all-zero trace id and an all-zero parent id are invalid.  Of the flags bits
 * 0 and 1 are kept.  WEIR_OK, or WEIR_ERROR with *tp undefined: the trace is
 * to be restarted.
 */
int weir_traceparent_parse(weir_traceparent_t *tp, weir_str_t value);

/* Writes the version 00 value: WEIR_TRACEPARENT_LEN bytes, no zero. */
void weir_traceparent_format(uint8_t *dst, const weir_traceparent_t *tp);


/*
 * A tracestate list: slices of the header fields that were added, which must
 * live as long as it is used.  No allocation.
 */

typedef struct {
    uint32_t    n;
    uint32_t    len;                   /* bytes when written */
    weir_str_t  members[WEIR_TRACESTATE_MAX];  /* key=value, trimmed */
} weir_tracestate_t;


/* An empty list. */
void weir_tracestate_init(weir_tracestate_t *ts);

/*
 * Adds the members of one header field; several fields are added in the order
 * in which they came (Level 2, 3.3.1).  SP and HTAB around members and empty
 * members are ignored; a key is [a-z0-9][a-z0-9_*\/@-]{0,255}, a value 1 to
 * 256 printable bytes without "," and "=" that does not end with a space;
 * leading spaces of a value are its own.  A key given twice stays as it came.
 * WEIR_ERROR when a member is invalid or there are more than 32: the whole
 * list is to be dropped (the list is empty then), traceparent stays.
 */
int weir_tracestate_add(weir_tracestate_t *ts, weir_str_t field);

/*
 * Puts member ("key=value", valid by the rules above) leftmost and removes
 * every older member of that key; with 32 others the rightmost falls off.
 * WEIR_ERROR when member is invalid; the list is unchanged then.
 */
int weir_tracestate_put(weir_tracestate_t *ts, weir_str_t member);

/*
 * Cuts the list down to limit bytes (at least 512) by removing whole members:
 * those longer than 128 bytes first, from the right, then others from the
 * right (Level 2, 3.3.2).  Returns the number of members removed.
 */
uint32_t weir_tracestate_limit(weir_tracestate_t *ts, size_t limit);

/* Writes the list as one field: ts->len bytes, no zero; returns them. */
size_t weir_tracestate_write(uint8_t *dst, const weir_tracestate_t *ts);


/* What of a client's context is believed. */

typedef enum {
    WEIR_TRACE_RESTART = 0,    /* nothing: a new trace */
    WEIR_TRACE_IDS,            /* the trace id; sampling is our decision */
    WEIR_TRACE_FULL            /* the trace id and the flags */
} weir_trace_trust_t;

/* What became of it; the label of weir_trace_contexts_total. */

typedef enum {
    WEIR_TRACE_NEW = 0,        /* the client sent no traceparent */
    WEIR_TRACE_CONTINUED,
    WEIR_TRACE_RESTARTED,      /* one that is invalid or not believed */
    WEIR_TRACE_RESULTS
} weir_trace_result_t;

typedef struct {
    weir_traceparent_t   out;          /* parent_id: our own span */
    uint8_t              parent[8];    /* the client's span; continued only */
    weir_trace_result_t  result;
} weir_trace_t;

/* Fills dst with len random bytes; WEIR_OK, anything else is a fault. */
typedef int (*weir_trace_random_pt)(void *ctx, void *dst, size_t len);

/*
 * Makes the context of one request out of the client's n traceparent fields
 * (values as received): more than one, or an invalid one, restarts.  A new
 * trace id is 16 random bytes with the random flag set and not sampled; a
 * continued one keeps its random flag, and its sampled flag under
 * WEIR_TRACE_FULL only.  The parent id is always new.  WEIR_ERROR when draw
 * fails.
 */
int weir_trace_start(weir_trace_t *t, const weir_str_t *fields, size_t n,
    weir_trace_trust_t trust, weir_trace_random_pt draw, void *draw_ctx);


/*
 * 1 if a client's request id may go on as it is: 1 to 128 bytes, printable
 * ASCII without spaces at its ends.
 */
int weir_request_id_printable(weir_str_t id);

/*
 * 1 if a client's request id may stand for ours under WEIR_TRACE_FULL: 8 to
 * 128 bytes of letters, digits and -._~:+/=@ (UUIDs, hex, base64, ULIDs).
 */
int weir_request_id_sane(weir_str_t id);

/* s without SP and HTAB at its ends. */
weir_str_t weir_trace_trim(weir_str_t s);


#endif /* WEIR_TRACE_H_INCLUDED */
