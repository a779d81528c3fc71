
/*
 * Weir: the store, whatever it is made of: what weirctl and the keeper ask of
 * it.
 *
 * A store holds names and bytes.  It knows nothing of what the bytes say and
 * trusts nobody: signatures are for those who read.
 *
 *   head          the envelope of the present bundle
 *   segments      parts of bundles, each under its SHA-256
 *   live          documents that change between bundles, KIND and NAME
 *   rev           grows with each change of a live document; a hint
 *   audit         every envelope that was published, in order, one a line
 *   reports       what each gateway says of itself
 *
 * All calls block.  Each takes the store, and returns WEIR_STORE_OK or fills
 * *err, which may be NULL.  A reader sees a document as it was before a
 * change or after it, never in between.
 */

#ifndef WEIR_STORE_H_INCLUDED
#define WEIR_STORE_H_INCLUDED


#include "weir_base.h"


#define WEIR_STORE_HASH      32      /* bytes of a SHA-256 */
#define WEIR_STORE_KIND_MAX  32      /* bytes of a kind */
#define WEIR_STORE_NAME_MAX  128     /* bytes of a name */


typedef enum {
    WEIR_STORE_OK = 0,
    WEIR_STORE_MISSING,         /* there is none of that name */
    WEIR_STORE_CONFLICT,        /* something else is there than expected */
    WEIR_STORE_TOO_LARGE,       /* for the caller's maximum */
    WEIR_STORE_UNREADABLE,      /* no permission, or an error while reading */
    WEIR_STORE_WRONG_TYPE,      /* there, and of another type */
    WEIR_STORE_CORRUPT,         /* not the bytes that its hash promises */
    WEIR_STORE_INVALID,         /* the caller's name or bytes cannot be */
    WEIR_STORE_DENIED,          /* no permission to write */
    WEIR_STORE_FULL,            /* no room, or a quota */
    WEIR_STORE_BUSY,            /* others did not let us in for too long */
    WEIR_STORE_NOMEM,
    WEIR_STORE_UNREACHABLE,     /* there is no such store, or no way to it */
    WEIR_STORE_OTHER
} weir_store_code_e;


typedef struct {
    weir_store_code_e  code;
    int                sys;     /* errno, 0: none */
    weir_err_t         err;     /* for people; names the place */
} weir_store_err_t;


typedef struct {
    weir_str_t  kind;           /* of live documents, else empty */
    weir_str_t  name;
    int64_t     written;        /* seconds since the epoch, the store's clock;
                                   0: it keeps none, as Redis of a live
                                   document, whose envelope has "issued" */
} weir_store_entry_t;

typedef struct {
    weir_store_entry_t  *entries;   /* by kind, then name, in byte order */
    uint32_t             n;
    uint32_t             strangers; /* what is there and no name of ours */
    weir_str_t           stranger;  /* one of them */
} weir_store_list_t;


typedef struct {
    uint8_t     hash[WEIR_STORE_HASH];
    weir_str_t  bytes;
} weir_store_segment_t;


/*
 * A change: one envelope, in place of what is expected to be there.  The
 * envelope is one line: no byte of it is LF.
 */

typedef struct {
    weir_str_t                   kind;      /* empty: the head */
    weir_str_t                   name;
    weir_str_t                   bytes;
    const uint8_t               *expect;    /* SHA-256 of what is there now;
                                               NULL: nothing is */
    const weir_store_segment_t  *segments;  /* of the head */
    uint32_t                     nsegments;
    int64_t                      now;       /* seconds since the epoch */
    uint64_t                     rev;       /* of another store: the new one
                                               is higher; live ones only */
} weir_store_change_t;


/*
 * One line of the audit trail, without its end.  when: seconds since the
 * epoch, as precisely as the store knows (file: the start of the day).
 * Non-zero ends the reading.
 */
typedef int (*weir_store_line_pt)(void *ctx, int64_t when, weir_str_t line);


typedef struct weir_store_s  weir_store_t;

typedef struct {
    const char  *name;          /* "file" */

    /* The envelope of the bundle, of at most max bytes, in the arena. */
    weir_store_code_e (*head)(weir_store_t *s, weir_arena_t *a, size_t max,
        weir_str_t *bytes, weir_store_err_t *err);

    /* A segment, which is verified to have this hash. */
    weir_store_code_e (*segment)(weir_store_t *s, weir_arena_t *a,
        const uint8_t *hash, size_t max, weir_str_t *bytes,
        weir_store_err_t *err);

    /* A live document. */
    weir_store_code_e (*live)(weir_store_t *s, weir_arena_t *a,
        weir_str_t kind, weir_str_t name, size_t max, weir_str_t *bytes,
        weir_store_err_t *err);

    /* All live documents, of one kind or, where that is empty, of all. */
    weir_store_code_e (*lives)(weir_store_t *s, weir_arena_t *a,
        weir_str_t kind, uint32_t max, weir_store_list_t *list,
        weir_store_err_t *err);

    /* 0 where no live document was ever published. */
    weir_store_code_e (*rev)(weir_store_t *s, uint64_t *rev,
        weir_store_err_t *err);

    /*
     * Publishes: segments, audit line, then the document, and rev if it is
     * a live one.  WEIR_STORE_CONFLICT: nothing was done.  After another
     * error the change is either whole or not there: read again.  The same
     * bytes as are there already: WEIR_STORE_INVALID.
     */
    weir_store_code_e (*publish)(weir_store_t *s,
        const weir_store_change_t *change, weir_store_err_t *err);

    /* Writes segments that no change of this time brings, as a restore. */
    weir_store_code_e (*segments)(weir_store_t *s,
        const weir_store_segment_t *segments, uint32_t n,
        weir_store_err_t *err);

    /* Gateways' reports: list, read, write one's own. */
    weir_store_code_e (*reports)(weir_store_t *s, weir_arena_t *a,
        uint32_t max, weir_store_list_t *list, weir_store_err_t *err);
    weir_store_code_e (*report)(weir_store_t *s, weir_arena_t *a,
        weir_str_t name, size_t max, weir_str_t *bytes,
        weir_store_err_t *err);
    weir_store_code_e (*put_report)(weir_store_t *s, weir_str_t name,
        weir_str_t bytes, weir_store_err_t *err);

    /* Removes reports last written before; *n of them. */
    weir_store_code_e (*drop_reports)(weir_store_t *s, int64_t before,
        uint32_t *n, weir_store_err_t *err);

    /*
     * Reads the trail in order, from the day of "from" on (0: all), lines
     * of at most max bytes.  What is published meanwhile may be missing.
     */
    weir_store_code_e (*audit)(weir_store_t *s, int64_t from, size_t max,
        weir_store_line_pt line, void *ctx, weir_store_err_t *err);

    /* Appends a line that belongs to no document. */
    weir_store_code_e (*audit_append)(weir_store_t *s, weir_str_t line,
        int64_t now, weir_store_err_t *err);

    /* Removes the days wholly before; the last one with lines stays. */
    weir_store_code_e (*audit_trim)(weir_store_t *s, int64_t before,
        uint32_t *n, weir_store_err_t *err);

    /*
     * Removes segments last written before, but for those to keep, if the
     * head is still what is expected (as for publish); *n of them.
     */
    weir_store_code_e (*collect)(weir_store_t *s, const uint8_t *expect,
        const uint8_t (*keep)[WEIR_STORE_HASH], uint32_t nkeep,
        int64_t before, uint32_t *n, weir_store_err_t *err);

    void (*close)(weir_store_t *s);
} weir_store_ops_t;


/* Every kind of store begins with this. */

struct weir_store_s {
    const weir_store_ops_t  *ops;
};


/* "missing", "conflict", "too-large", ...: the word for a code. */
const char *weir_store_word(weir_store_code_e code);

/* Fills err, which may be NULL; returns code. */
weir_store_code_e weir_store_fail(weir_store_err_t *err,
    weir_store_code_e code, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* [a-z][a-z0-9-]*, at most WEIR_STORE_KIND_MAX bytes. */
int weir_store_kind_valid(weir_str_t kind);

/* [A-Za-z0-9_][A-Za-z0-9_.:@-]*, at most WEIR_STORE_NAME_MAX bytes. */
int weir_store_name_valid(weir_str_t name);

/* SHA-256 of bytes; WEIR_STORE_OK or WEIR_STORE_NOMEM. */
weir_store_code_e weir_store_hash(uint8_t *hash, weir_str_t bytes,
    weir_store_err_t *err);

/* WEIR_STORE_OK; WEIR_STORE_INVALID: one has another hash; or NOMEM. */
weir_store_code_e weir_store_segments(const weir_store_segment_t *segments,
    uint32_t n, weir_store_err_t *err);


#endif /* WEIR_STORE_H_INCLUDED */
