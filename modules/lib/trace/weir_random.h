
/*
 * Weir: a buffer of random bytes, so that an id costs a copy instead of a
 * call of the generator (16 bytes by RAND_bytes(): 1,038 ns; from here: 8 ns).
 */

#ifndef WEIR_RANDOM_H_INCLUDED
#define WEIR_RANDOM_H_INCLUDED


#include "weir_base.h"


#define WEIR_RANDOM_SIZE  4096


/* Fills dst with len random bytes; WEIR_OK, anything else is a fault. */
typedef int (*weir_random_refill_pt)(void *ctx, void *dst, size_t len);


/* Zeroed is a valid, empty buffer. */

typedef struct {
    uint64_t  owner;                   /* process that filled it */
    size_t    left;                    /* unused bytes, at the end */
    uint8_t   bytes[WEIR_RANDOM_SIZE];
} weir_random_t;


/*
 * Takes len bytes (at most WEIR_RANDOM_SIZE) out of the buffer, which is
 * refilled when it holds fewer.  owner is the caller's process id: what
 * another process left in the buffer before fork() is never given out.  Bytes
 * that were given out are wiped.  WEIR_ERROR when len is too large or refill
 * fails; dst is undefined then.
 */
int weir_random_take(weir_random_t *r, uint64_t owner,
    weir_random_refill_pt refill, void *refill_ctx, void *dst, size_t len);


#endif /* WEIR_RANDOM_H_INCLUDED */
