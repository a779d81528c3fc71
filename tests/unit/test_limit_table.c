
/*
 * Unit tests of lib/limit: the table of a quota, against the arithmetic and
 * against a model.  test_limit_words.c runs them again without a 16-byte
 * compare-and-swap.
 */

#include "limit_table.h"


static void
test_slice_size(void **state)
{
    static _Alignas(64) uint8_t  mem[4096];

    size_t              offset;
    uint8_t            *first, *last;
    weir_limit_slice_t  slice;

    (void) state;

    assert_int_equal(weir_limit_slice(&slice, mem, WEIR_LIMIT_SLICE_MIN - 1,
                                      &secret), WEIR_ERROR);

    for (offset = 0; offset < 64; offset++) {
        assert_int_equal(weir_limit_slice(&slice, mem + offset, 2048,
                                          &secret), WEIR_OK);

        first = slice.slots;
        last = (uint8_t *) slice.newcomers + (size_t) slice.nnewcomers * 64;

        assert_int_equal((uintptr_t) first % 64, 0);
        assert_true(first >= mem + offset);
        assert_true(last <= mem + offset + 2048);
        assert_true(slice.nbuckets >= 2 && slice.nnewcomers >= 1);
    }
}


/* burst = N: N more than the first at once; then one each interval. */

static void
test_burst_and_rate(void **state)
{
    void                *mem;
    unsigned             i, n;
    uint64_t             now;
    weir_rate_t          rate;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("10r/s", 4);

    for (n = 0, i = 0; i < 20; i++) {
        n += (unsigned) pass(&slice, &rate, 1, "a", here, START);
    }

    assert_int_equal(n, 5);

    /* a request each millisecond for ten seconds: ten a second */

    for (n = 0, i = 1; i <= 10000; i++) {
        now = START + i * 1000000ull;
        n += (unsigned) pass(&slice, &rate, 1, "a", here, now);
    }

    assert_int_equal(n, 100);

    /* after a pause all of the burst is back, no more */

    now = START + 60 * SECOND;

    for (n = 0, i = 0; i < 20; i++) {
        n += (unsigned) pass(&slice, &rate, 1, "a", here, now);
    }

    assert_int_equal(n, 5);

    /* keys do not touch one another */

    assert_true(pass(&slice, &rate, 1, "b", here, now));
    assert_false(pass(&slice, &rate, 1, "a", here, now));

    munmap(mem, 65536);
}


static void
test_burst_zero(void **state)
{
    void                *mem;
    weir_rate_t          rate;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("1r/s", 0);

    assert_true(pass(&slice, &rate, 1, "a", here, START));
    assert_false(pass(&slice, &rate, 1, "a", here, START));
    assert_false(pass(&slice, &rate, 1, "a", here, START + SECOND - 1));
    assert_true(pass(&slice, &rate, 1, "a", here, START + SECOND));
    assert_false(pass(&slice, &rate, 1, "a", here, START + SECOND));

    munmap(mem, 65536);
}


static void
test_cost(void **state)
{
    void                *mem;
    weir_rate_t          rate;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("1r/s", 9);

    assert_false(pass(&slice, &rate, 11, "a", here, START));
    assert_true(pass(&slice, &rate, 4, "a", here, START));
    assert_true(pass(&slice, &rate, 4, "a", here, START));
    assert_false(pass(&slice, &rate, 3, "a", here, START));
    assert_true(pass(&slice, &rate, 2, "a", here, START));
    assert_false(pass(&slice, &rate, 1, "a", here, START));
    assert_true(pass(&slice, &rate, 3, "a", here, START + 3 * SECOND));

    munmap(mem, 65536);
}


/* A check charges nothing; what it tells is exact. */

static void
test_check_is_free(void **state)
{
    void                *mem;
    unsigned             i;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("10r/s", 4);

    for (i = 0; i < 100; i++) {
        weir_limit_begin(&op, &slice, &rate, 1, str("a"), here, START);
        assert_true(weir_limit_check(&op));
        assert_int_equal(weir_rate_remaining(&rate, op.tat, op.now), 5);
    }

    for (i = 5; i > 0; i--) {
        weir_limit_begin(&op, &slice, &rate, 1, str("a"), here, START);
        assert_true(weir_limit_check(&op));
        assert_int_equal(weir_limit_charge(&op), WEIR_OK);
        assert_int_equal(weir_rate_remaining(&rate, op.tat, op.now), i - 1);
        assert_int_equal(weir_rate_reset(op.tat, op.now),
                         (6 - i) * 100000000);
    }

    weir_limit_begin(&op, &slice, &rate, 1, str("a"), here, START);
    assert_false(weir_limit_check(&op));
    assert_int_equal(weir_rate_retry(&rate, op.tat, op.now, 1), 100000000);

    munmap(mem, 65536);
}


static void
test_refund(void **state)
{
    void                *mem;
    weir_rate_t          rate;
    weir_limit_op_t      op, other;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("1r/s", 1);

    weir_limit_begin(&op, &slice, &rate, 1, str("a"), here, START);
    assert_int_equal(weir_limit_charge(&op), WEIR_OK);

    weir_limit_begin(&other, &slice, &rate, 1, str("a"), here, START);
    assert_int_equal(weir_limit_charge(&other), WEIR_OK);
    assert_false(pass(&slice, &rate, 1, "a", here, START));

    weir_limit_refund(&op);
    weir_limit_refund(&op);                 /* once only */

    assert_true(pass(&slice, &rate, 1, "a", here, START));
    assert_false(pass(&slice, &rate, 1, "a", here, START));

    /* what was not charged is not given back */

    weir_limit_begin(&op, &slice, &rate, 1, str("a"), here, START);
    assert_int_equal(weir_limit_charge(&op), WEIR_DECLINED);
    weir_limit_refund(&op);
    assert_false(pass(&slice, &rate, 1, "a", here, START));

    /* the only charge of a key given back: as if it had never been */

    weir_limit_begin(&op, &slice, &rate, 2, str("b"), here, START);
    assert_int_equal(weir_limit_charge(&op), WEIR_OK);
    assert_false(pass(&slice, &rate, 1, "b", here, START));
    weir_limit_refund(&op);
    assert_true(pass(&slice, &rate, 2, "b", here, START));

    munmap(mem, 65536);
}


static void
test_empty_key(void **state)
{
    void                *mem;
    uint8_t              there[16];
    weir_rate_t          rate;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("1r/s", 0);
    prefix_of(there, 77);

    assert_true(pass(&slice, &rate, 1, "", here, START));
    assert_false(pass(&slice, &rate, 1, "", here, START));

    /* never one bucket for all, and not that of a key of the same bytes */

    assert_true(pass(&slice, &rate, 1, "", there, START));

    munmap(mem, 65536);
}


/* Any table large enough agrees with a model that knows all keys exactly. */

static void
test_model(void **state)
{
    enum { KEYS = 200 };

    void                *mem;
    char                 key[16];
    int                  expected;
    unsigned             i, k, cost, admitted;
    uint32_t             seed;
    uint64_t             now, base, model[KEYS];
    weir_rate_t          rate;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 1 << 20);
    rate = rate_of("7r/s", 9);

    memset(model, 0, sizeof(model));
    now = START;
    seed = 1;
    admitted = 0;

    for (i = 0; i < 300000; i++) {

        seed = seed * 1664525 + 1013904223;
        now += (seed >> 8) % 2000000;

        seed = seed * 1664525 + 1013904223;
        k = (seed >> 16) % KEYS;
        k = k * k / KEYS;

        seed = seed * 1664525 + 1013904223;
        cost = 1 + (seed >> 16) % 3;

        base = (model[k] > now) ? model[k] : now;
        expected = (base + (cost - 1) * rate.interval - now
                    <= 9 * rate.interval);

        if (expected) {
            model[k] = base + cost * rate.interval;
            admitted++;
        }

        snprintf(key, sizeof(key), "key %u", k);

        if (pass(&slice, &rate, cost, key, here, now) != expected) {
            fail_msg("step %u, key %u, cost %u", i, k, cost);
        }
    }

    assert_true(admitted > 1000 && admitted < 299000);

    munmap(mem, 1 << 20);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_slice_size),
        cmocka_unit_test(test_burst_and_rate),
        cmocka_unit_test(test_burst_zero),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_check_is_free),
        cmocka_unit_test(test_refund),
        cmocka_unit_test(test_empty_key),
        cmocka_unit_test(test_model)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
