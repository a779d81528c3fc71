
/*
 * Unit tests of lib/limit: what those of the table share.
 */

#ifndef LIMIT_TABLE_H_INCLUDED
#define LIMIT_TABLE_H_INCLUDED


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "weir_limit.h"
#include "weir_limit_slot.h"


#define str(s)  weir_cstr(s)

#define SECOND  1000000000ull
#define START   (1000 * SECOND)


static uint8_t                here[16] = { 10, 1 };
static const weir_hash_key_t  secret = { "0123456789abcdef" };


static inline weir_rate_t
rate_of(const char *s, uint64_t burst)
{
    weir_rate_t  rate;

    assert_int_equal(weir_rate_parse(str(s), &rate, NULL), WEIR_OK);
    assert_int_equal(weir_rate_burst(&rate, burst, NULL), WEIR_OK);

    return rate;
}


/* A slice in memory of its own. */

static inline void *
slice_new(weir_limit_slice_t *slice, size_t size)
{
    void  *mem;

    mem = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1,
               0);
    assert_true(mem != MAP_FAILED);
    assert_int_equal(weir_limit_slice(slice, mem, size, &secret), WEIR_OK);

    return mem;
}


/* One request, checked and charged. */

static inline int
pass(const weir_limit_slice_t *slice, const weir_rate_t *rate, uint64_t cost,
    const char *key, const uint8_t *prefix, uint64_t now)
{
    weir_limit_op_t  op;

    weir_limit_begin(&op, slice, rate, cost, str(key), prefix, now);

    if (!weir_limit_check(&op)) {
        assert_int_equal(weir_limit_charge(&op), WEIR_DECLINED);
        assert_int_equal(op.charged, 0);
        return 0;
    }

    assert_int_equal(weir_limit_charge(&op), WEIR_OK);

    return 1;
}


static inline void
prefix_of(uint8_t prefix[16], unsigned n)
{
    memset(prefix, 0, 16);
    memcpy(prefix, &n, sizeof(n));
}


#endif /* LIMIT_TABLE_H_INCLUDED */
