
/*
 * Weir: records of decisions, as lines of JSON.  What stands in a record came
 * from a client: it is escaped, and may not make the line longer than the
 * memory that it was given.
 */

#ifndef WEIR_RECORD_H_INCLUDED
#define WEIR_RECORD_H_INCLUDED


#include "weir_base.h"


/* Text of bounded length; what does not fit sets full, and stays out. */

typedef struct {
    uint8_t   *data;
    size_t     len;
    size_t     size;
    unsigned   full:1;
} weir_record_t;


/* Writes into size bytes of data. */
void weir_record_init(weir_record_t *w, uint8_t *data, size_t size);

/* Bytes as they are: punctuation, and what was escaped before. */
void weir_record_raw(weir_record_t *w, weir_str_t s);

/*
 * A JSON string (RFC 8259, 7), quotes included, in printable ASCII: controls,
 * DEL and what is beyond ASCII as \u escapes, a byte that is no UTF-8 as
 * U+FFFD.  So no reader of the log meets a control sequence.
 */
void weir_record_string(weir_record_t *w, weir_str_t s);

/*
 * The same of at most max bytes, quotes included: 1 where the rest of s was
 * left out, behind a whole character.
 */
int weir_record_beginning(weir_record_t *w, weir_str_t s, size_t max);

/* Takes back what was written since len, also what made it full. */
void weir_record_back(weir_record_t *w, size_t len);

/* A number in decimal. */
void weir_record_number(weir_record_t *w, int64_t n);

/* "NAME": as a member that is not the first, name as it is: ,"NAME": */
void weir_record_name(weir_record_t *w, const char *name);

/* A time as RFC 3339 in UTC with milliseconds, quotes included. */
void weir_record_time(weir_record_t *w, int64_t seconds, unsigned ms);


#endif /* WEIR_RECORD_H_INCLUDED */
