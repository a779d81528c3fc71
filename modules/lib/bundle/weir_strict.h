
/*
 * Weir: the JSON of signed documents, read in one pass and written canonical.
 *
 * The reader follows a schema that its caller knows, so that nothing is built
 * which is not wanted: numbers are unsigned 64 bit integers (jansson's are
 * signed), memory is the arena's and is taken for strings with escapes only,
 * and depth is the caller's.  Duplicate members are the caller's to see.
 */

#ifndef WEIR_STRICT_H_INCLUDED
#define WEIR_STRICT_H_INCLUDED


#include "weir_base.h"


typedef struct {
    const uint8_t  *start;
    const uint8_t  *p;
    const uint8_t  *last;
    weir_arena_t   *arena;
    int             rc;            /* WEIR_OK until the first fault: sticky */
    unsigned        cut:1;         /* the fault is that the text ended */
    const char     *expected;      /* "a string": the fault, for messages */
} weir_reader_t;


/* text must live as long as the strings that are read from it. */
void weir_reader_init(weir_reader_t *r, weir_arena_t *a, weir_str_t text);

/* WEIR_OK, or r->rc: each of these, and none does anything after a fault. */
int weir_read_open(weir_reader_t *r, uint8_t bracket);
int weir_read_string(weir_reader_t *r, weir_str_t *s);
int weir_read_u64(weir_reader_t *r, uint64_t *v);

/* WEIR_DECLINED if there is something else than null. */
int weir_read_null(weir_reader_t *r);

/*
 * The next member of an object (its name, up to the value) or item of an
 * array: WEIR_OK; WEIR_DECLINED at the end, which is consumed; else r->rc.
 * *n counts them and begins with 0.
 */
int weir_read_member(weir_reader_t *r, uint32_t *n, weir_str_t *name);
int weir_read_item(weir_reader_t *r, uint32_t *n);

/* Nothing but white space is left. */
int weir_read_end(weir_reader_t *r);

/* The caller's own fault: what was expected where the reader is now. */
int weir_read_fault(weir_reader_t *r, const char *expected);

/* The same of an object or array that was read to its end. */
int weir_read_lacks(weir_reader_t *r, const char *expected);

/* "byte N: expected ..." into err: WEIR_ERROR. */
int weir_read_error(const weir_reader_t *r, const char *what,
    weir_err_t *err);

/*
 * Which of the names it is: its index; WEIR_DECLINED: none; WEIR_ERROR: one
 * whose bit is set in *seen already.
 */
int weir_read_known(weir_str_t name, const weir_str_t *names, unsigned n,
    uint32_t *seen);


/* Writing: with data NULL the length alone is counted. */

typedef struct {
    uint8_t  *data;
    size_t    len;
} weir_writer_t;

void weir_write(weir_writer_t *w, weir_str_t s);
void weir_write_string(weir_writer_t *w, weir_str_t s);    /* quoted */
void weir_write_u64(weir_writer_t *w, uint64_t v);

#define weir_write_literal(w, s)  weir_write(w, weir_str(s))

/* Bytes that s needs between quotes. */
size_t weir_write_string_len(weir_str_t s);

/* Decimal digits without sign or leading zero, 64 bits: WEIR_OK, WEIR_ERROR. */
int weir_u64_parse(weir_str_t s, uint64_t *v);


/*
 * Base64 (RFC 4648, 4) with padding, canonical: other characters, missing
 * padding and unused bits that are set are errors.  dst of src.len / 4 * 3
 * bytes.  WEIR_OK and *len, or WEIR_ERROR.
 */
int weir_base64_decode(uint8_t *dst, size_t *len, weir_str_t src);

/* The bytes written: (len + 2) / 3 * 4. */
size_t weir_base64_encode(uint8_t *dst, weir_str_t src);


#endif /* WEIR_STRICT_H_INCLUDED */
