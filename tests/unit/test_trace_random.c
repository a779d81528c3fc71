
/*
 * Unit tests: the buffer of random bytes.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "weir_random.h"


typedef struct {
    uint8_t   next;
    unsigned  calls;
    unsigned  fail;
} source_t;


/* Bytes 1 to 251 in a circle, so that no zero is ever given. */

static int
refill(void *ctx, void *dst, size_t len)
{
    size_t     i;
    uint8_t   *p;
    source_t  *s;

    s = ctx;
    p = dst;

    s->calls++;

    for (i = 0; i < len; i++) {
        s->next = (uint8_t) (s->next % 251 + 1);
        p[i] = s->next;
    }

    return s->fail ? WEIR_ERROR : WEIR_OK;
}


static void
test_sequence(void **state)
{
    uint8_t               id[16], expected;
    source_t              s;
    unsigned              i, n;
    static weir_random_t  r;

    memset(&r, 0, sizeof(r));
    memset(&s, 0, sizeof(s));

    expected = 0;

    for (n = 0; n < 1000; n++) {
        assert_int_equal(weir_random_take(&r, 7, refill, &s, id, 16), WEIR_OK);

        for (i = 0; i < 16; i++) {
            expected = (uint8_t) (expected % 251 + 1);
            assert_int_equal(id[i], expected);
        }
    }

    /* 256 ids a call */
    assert_int_equal(s.calls, 4);
}


static void
test_bytes_are_used_once(void **state)
{
    uint8_t               id[24];
    size_t                i;
    source_t              s;
    static weir_random_t  r;

    memset(&r, 0, sizeof(r));
    memset(&s, 0, sizeof(s));

    assert_int_equal(weir_random_take(&r, 7, refill, &s, id, 24), WEIR_OK);

    for (i = 0; i < 24; i++) {
        assert_int_equal(r.bytes[i], 0);
    }

    assert_int_equal(r.bytes[24], 25);
}


/* A child that inherits the buffer must not give the parent's ids. */

static void
test_fork(void **state)
{
    uint8_t               parent[16], child[16];
    source_t              s;
    static weir_random_t  r, copy;

    memset(&r, 0, sizeof(r));
    memset(&s, 0, sizeof(s));

    assert_int_equal(weir_random_take(&r, 7, refill, &s, parent, 16), WEIR_OK);

    copy = r;

    assert_int_equal(weir_random_take(&r, 7, refill, &s, parent, 16), WEIR_OK);
    assert_int_equal(s.calls, 1);

    assert_int_equal(weir_random_take(&copy, 8, refill, &s, child, 16),
                     WEIR_OK);
    assert_int_equal(s.calls, 2);
    assert_memory_not_equal(parent, child, 16);

    /* the buffer is the child's now */

    assert_int_equal(weir_random_take(&copy, 8, refill, &s, child, 16),
                     WEIR_OK);
    assert_int_equal(s.calls, 2);
}


static void
test_what_is_left(void **state)
{
    source_t              s;
    static uint8_t        all[WEIR_RANDOM_SIZE + 1];
    static weir_random_t  r;

    memset(&r, 0, sizeof(r));
    memset(&s, 0, sizeof(s));

    assert_int_equal(weir_random_take(&r, 7, refill, &s, all,
                                      WEIR_RANDOM_SIZE),
                     WEIR_OK);
    assert_int_equal(s.calls, 1);
    assert_int_equal(r.left, 0);

    assert_int_equal(weir_random_take(&r, 7, refill, &s, all, 4090), WEIR_OK);
    assert_int_equal(s.calls, 2);
    assert_int_equal(r.left, 6);

    assert_int_equal(weir_random_take(&r, 7, refill, &s, all, 6), WEIR_OK);
    assert_int_equal(s.calls, 2);

    /* too few left: all are drawn anew */

    assert_int_equal(weir_random_take(&r, 7, refill, &s, all, 4090), WEIR_OK);
    assert_int_equal(weir_random_take(&r, 7, refill, &s, all, 7), WEIR_OK);
    assert_int_equal(s.calls, 4);

    assert_int_equal(weir_random_take(&r, 7, refill, &s, all,
                                      WEIR_RANDOM_SIZE + 1),
                     WEIR_ERROR);
    assert_int_equal(s.calls, 4);
}


static void
test_failure(void **state)
{
    uint8_t               id[16];
    source_t              s;
    static weir_random_t  r;

    memset(&r, 0, sizeof(r));
    memset(&s, 0, sizeof(s));

    s.fail = 1;

    assert_int_equal(weir_random_take(&r, 7, refill, &s, id, 16), WEIR_ERROR);

    /* what a failed call wrote is not used */

    assert_int_equal(weir_random_take(&r, 7, refill, &s, id, 16), WEIR_ERROR);
    assert_int_equal(s.calls, 2);

    s.fail = 0;

    assert_int_equal(weir_random_take(&r, 7, refill, &s, id, 16), WEIR_OK);
    assert_int_equal(s.calls, 3);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_bytes_are_used_once),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_what_is_left),
        cmocka_unit_test(test_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
