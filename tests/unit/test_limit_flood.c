
/*
 * Unit tests of lib/limit: many keys, wanted and unwanted.
 */

#include "limit_table.h"


/* 60% of the slots live: next to none was forgotten. */

static void
test_forced_evictions(void **state)
{
    void                *mem;
    char                 key[16];
    uint8_t              prefix[16];
    unsigned             i, n, evicted;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 4 << 20);
    rate = rate_of("1r/h", 0);

    n = slice.nbuckets * 4 * 6 / 10;
    evicted = 0;

    for (i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "%u", i);
        prefix_of(prefix, i);
        weir_limit_begin(&op, &slice, &rate, 1, str(key), prefix, START + i);
        assert_int_equal(weir_limit_charge(&op), WEIR_OK);
        evicted += op.evicted;
    }

    assert_true(evicted * 1000 < n);

    munmap(mem, 4 << 20);
}


/* When all slots are taken, the key that has used least is forgotten. */

static void
test_evicts_the_least_used(void **state)
{
    void                *mem;
    char                 key[16];
    uint8_t              prefix[16];
    unsigned             i, evicted;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, WEIR_LIMIT_SLICE_MIN);
    rate = rate_of("1r/m", 99);

    /* a heavy user */

    weir_limit_begin(&op, &slice, &rate, 100, str("heavy"), here, START);
    assert_int_equal(weir_limit_charge(&op), WEIR_OK);

    for (i = 0, evicted = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "%u", i);
        prefix_of(prefix, i);
        weir_limit_begin(&op, &slice, &rate, 1, str(key), prefix, START + i);
        assert_int_equal(weir_limit_charge(&op), WEIR_OK);
        evicted += op.evicted;
    }

    assert_true(evicted > 1000);
    assert_false(pass(&slice, &rate, 1, "heavy", here, START + 2000));

    munmap(mem, WEIR_LIMIT_SLICE_MIN);
}


/*
 * A flood of new keys of one quota: another quota, with a slice of its own,
 * admits exactly what it admits without; in the flooded one a client pushes
 * out nobody, since it gets a thousand slots a second at most.
 */

static void
test_flood(void **state)
{
    enum { SIZE = 1 << 20 };

    void                *mem_a, *mem_b;
    char                 key[32];
    uint8_t              attacker[16];
    unsigned             i, k, n, evicted, admitted[2];
    uint64_t             now;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   a, b;

    (void) state;

    mem_a = slice_new(&a, SIZE);
    mem_b = slice_new(&b, SIZE);

    rate = rate_of("4r/s", 3);
    prefix_of(attacker, 666);
    evicted = 0;
    admitted[0] = 0;
    admitted[1] = 0;

    for (i = 0; i < 10000; i++) {

        now = START + i * 1000000ull;

        /* 20 new keys a millisecond: 20,000 a second */

        for (k = 0; k < 20; k++) {
            snprintf(key, sizeof(key), "flood %u", i * 20 + k);
            weir_limit_begin(&op, &a, &rate, 1, str(key), attacker, now);
            (void) weir_limit_charge(&op);
            evicted += op.evicted;
        }

        n = i % 10;
        snprintf(key, sizeof(key), "victim %u", n);
        admitted[0] += (unsigned) pass(&a, &rate, 1, key, here, now);
        admitted[1] += (unsigned) pass(&b, &rate, 1, key, here, now);
    }

    /* ten victims, ten seconds, 4 a second, 3 at once */

    assert_in_range(admitted[1], 10 * (4 * 10 + 3), 10 * (4 * 10 + 4));
    assert_int_equal(admitted[0], admitted[1]);
    assert_int_equal(evicted, 0);

    munmap(mem_a, SIZE);
    munmap(mem_b, SIZE);
}


/* The thousand and first new key of a prefix in a second shares. */

static void
test_new_keys(void **state)
{
    void                *mem;
    char                 key[16];
    uint8_t              there[16];
    unsigned             i, own, shared;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 1 << 20);
    rate = rate_of("1r/h", 4);
    prefix_of(there, 5);

    for (i = 0, own = 0, shared = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "%u", i);
        weir_limit_begin(&op, &slice, &rate, 1, str(key), here, START + i);

        if (weir_limit_charge(&op) == WEIR_OK) {
            if (op.shared) {
                shared++;
            } else {
                own++;
            }
        }
    }

    assert_int_equal(own, WEIR_LIMIT_NEW_KEYS);
    assert_int_equal(shared, 5);

    /* a check says the same before a charge does */

    weir_limit_begin(&op, &slice, &rate, 1, str("new"), here, START + 5000);
    assert_false(weir_limit_check(&op));
    assert_int_equal(op.shared, 1);

    /* known keys keep their own; other prefixes are free */

    assert_true(pass(&slice, &rate, 1, "7", here, START + 5000));
    assert_true(pass(&slice, &rate, 5, "new", there, START + 5000));

    /* the next second is another one */

    for (i = 0, own = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "next %u", i);
        weir_limit_begin(&op, &slice, &rate, 1, str(key), here,
                         START + SECOND + i);
        own += (weir_limit_charge(&op) == WEIR_OK && !op.shared);
    }

    assert_int_equal(own, WEIR_LIMIT_NEW_KEYS);

    munmap(mem, 1 << 20);
}


/*
 * A key that comes again is not new, though its slot is free each time: many
 * requests of a few keys never fall into the shared bucket.
 */

static void
test_known_keys(void **state)
{
    void                *mem;
    char                 key[16];
    unsigned             i;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("10000r/s", 0);

    for (i = 0; i < 20000; i++) {
        snprintf(key, sizeof(key), "%u", i % 3);
        weir_limit_begin(&op, &slice, &rate, 1, str(key), here,
                         START + i * 50000ull);
        assert_true(weir_limit_check(&op));
        assert_int_equal(weir_limit_charge(&op), WEIR_OK);
        assert_int_equal(op.shared, 0);
    }

    munmap(mem, 65536);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_forced_evictions),
        cmocka_unit_test(test_evicts_the_least_used),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_new_keys),
        cmocka_unit_test(test_known_keys)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
