
/*
 * Weir: one slot of a table of quotas: 16 bytes that change together.
 *
 * With a 16-byte compare-and-swap they do in one instruction.  Elsewhere, or
 * with WEIR_LIMIT_WORDS defined, 8-byte ones are used: who puts another key
 * into a slot first takes it by a mark in its value.  A process may die with
 * its mark set: a mark that does not go away is taken for a free slot.  If
 * its writer only slept, it notices, and one key may forget what it had used.
 */

#ifndef WEIR_LIMIT_SLOT_H_INCLUDED
#define WEIR_LIMIT_SLOT_H_INCLUDED


#include "weir_base.h"


#if !defined(WEIR_LIMIT_WORDS)                                                \
    && !defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16)
#define WEIR_LIMIT_WORDS  1
#endif


#define WEIR_LIMIT_MARK  (1ull << 63)
#define WEIR_LIMIT_SPIN  65536


typedef struct {
    uint64_t  key;       /* fingerprint */
    uint64_t  value;     /* below 2^63 */
} __attribute__((aligned(16))) weir_limit_slot_t;

#ifndef WEIR_LIMIT_WORDS
typedef unsigned __int128 __attribute__((may_alias))  weir_limit_pair_t;
#endif


/* The value, once no writer is at work on it. */

static inline uint64_t
weir_limit_slot_value(weir_limit_slot_t *slot)
{
    uint64_t  value;

    value = __atomic_load_n(&slot->value, __ATOMIC_ACQUIRE);

#ifdef WEIR_LIMIT_WORDS
    {
    unsigned  n;
    uint64_t  mark;

    for (n = 0; value & WEIR_LIMIT_MARK; n++) {

        if (n == WEIR_LIMIT_SPIN) {
            mark = value;

            if (__atomic_compare_exchange_n(&slot->value, &mark, 0, 0,
                                            __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
            {
                return 0;
            }

            n = 0;
        }

        value = __atomic_load_n(&slot->value, __ATOMIC_ACQUIRE);
    }
    }
#endif

    return value;
}


/* Key and value as they were at one moment. */

static inline weir_limit_slot_t
weir_limit_slot_load(weir_limit_slot_t *slot)
{
    weir_limit_slot_t  s;

    for ( ;; ) {
        s.key = __atomic_load_n(&slot->key, __ATOMIC_ACQUIRE);
        s.value = weir_limit_slot_value(slot);

        if (s.key == __atomic_load_n(&slot->key, __ATOMIC_ACQUIRE)) {
            return s;
        }
    }
}


/* Puts s where old still is; 1 if it was. */

#ifndef WEIR_LIMIT_WORDS

static inline int
weir_limit_slot_swap(weir_limit_slot_t *slot, weir_limit_slot_t old,
    weir_limit_slot_t s)
{
    weir_limit_pair_t  a, b;

    memcpy(&a, &old, sizeof(a));
    memcpy(&b, &s, sizeof(b));

    /* gcc calls libatomic for the __atomic one, even with -mcx16 */

    return __sync_bool_compare_and_swap((weir_limit_pair_t *) slot, a, b);
}

#else

static inline int
weir_limit_slot_swap(weir_limit_slot_t *slot, weir_limit_slot_t old,
    weir_limit_slot_t s)
{
    uint64_t  value, mark;

    value = old.value;

    if (s.key == old.key) {
        return __atomic_compare_exchange_n(&slot->value, &value, s.value, 0,
                                           __ATOMIC_ACQ_REL,
                                           __ATOMIC_RELAXED);
    }

    mark = WEIR_LIMIT_MARK | s.key;

    if (!__atomic_compare_exchange_n(&slot->value, &value, mark, 0,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
    {
        return 0;
    }

    value = mark;

    if (__atomic_load_n(&slot->key, __ATOMIC_RELAXED) != old.key) {
        (void) __atomic_compare_exchange_n(&slot->value, &value, old.value, 0,
                                           __ATOMIC_ACQ_REL,
                                           __ATOMIC_RELAXED);
        return 0;
    }

    __atomic_store_n(&slot->key, s.key, __ATOMIC_RELEASE);

    return __atomic_compare_exchange_n(&slot->value, &value, s.value, 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

#endif


#endif /* WEIR_LIMIT_SLOT_H_INCLUDED */
