
/*
 * Weir: what the keys of a quota have used, in shared memory, without locks.
 *
 * Each quota owns a slice of memory: a table of slots {fingerprint of the
 * key, theoretical arrival time}, two buckets of four slots for each key.  A
 * time that is past says the same as no slot at all, so that a slot is free
 * again as soon as its key may send its whole burst.  When all eight are in
 * use, the key that has used least is forgotten: it regains at most B.
 *
 * New keys are bounded: 1,000 a second for each client prefix, further ones
 * share the prefix's own bucket, so that no client pushes out the others'.
 */

#ifndef WEIR_LIMIT_H_INCLUDED
#define WEIR_LIMIT_H_INCLUDED


#include "weir_base.h"
#include "weir_hash.h"
#include "weir_rate.h"


#define WEIR_LIMIT_NEW_KEYS  1000

#define WEIR_LIMIT_SLICE_MIN  1024     /* bytes */


/* A process' view of a slice; holds pointers into it, owns nothing. */

typedef struct {
    void             *slots;
    void             *newcomers;
    uint32_t          nbuckets;
    uint32_t          nnewcomers;
    weir_hash_key_t   key;
    weir_hash_key_t   prefix_key;
} weir_limit_slice_t;


/* One quota of one request. */

typedef struct {
    const weir_limit_slice_t  *slice;
    const weir_rate_t         *rate;
    uint64_t                   cost;
    uint64_t                   now;
    uint64_t                   fingerprint;
    uint64_t                   tat;        /* as it was seen, or left */
    uint8_t                    prefix[16];

    /* where the check found the key, for the charge to begin with */
    void                      *slot;
    uint64_t                   seen[2];

    unsigned                   ticket:1;   /* as a new key it was let in */
    unsigned                   shared:1;   /* in the prefix's bucket */
    unsigned                   charged:1;
    unsigned                   evicted:1;  /* another key was forgotten */
} weir_limit_op_t;


/*
 * A view of size bytes at mem, which were zero when they were new.  key is
 * secret and the same for all processes that share the memory.  WEIR_ERROR
 * when size is below WEIR_LIMIT_SLICE_MIN.
 */
int weir_limit_slice(weir_limit_slice_t *slice, void *mem, size_t size,
    const weir_hash_key_t *key);

/*
 * Prepares op for a key of that quota and a client prefix.  An empty key is
 * the prefix's own bucket.  now: monotonic ns, the same clock for all that
 * share the slice.
 */
void weir_limit_begin(weir_limit_op_t *op, const weir_limit_slice_t *slice,
    const weir_rate_t *rate, uint64_t cost, weir_str_t key,
    const uint8_t prefix[16], uint64_t now);

/* 1 if the request passes; charges nothing. */
int weir_limit_check(weir_limit_op_t *op);

/*
 * Charges the request.  WEIR_OK, or WEIR_DECLINED when meanwhile others have
 * used what was left: nothing is charged then.
 */
int weir_limit_charge(weir_limit_op_t *op);

/* Gives back what op charged, if anything. */
void weir_limit_refund(weir_limit_op_t *op);


#endif /* WEIR_LIMIT_H_INCLUDED */
