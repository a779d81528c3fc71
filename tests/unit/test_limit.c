
/*
 * Unit tests of lib/limit: rates, their arithmetic, RateLimit fields.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "weir_rate.h"


#define str(s)  weir_cstr(s)

#define SECOND  1000000000ull


static weir_rate_t
rate_of(const char *s, uint64_t burst)
{
    weir_err_t   err;
    weir_rate_t  rate;

    if (weir_rate_parse(str(s), &rate, &err) != WEIR_OK
        || weir_rate_burst(&rate, burst, &err) != WEIR_OK)
    {
        fail_msg("%s: %s", s, err.text);
    }

    return rate;
}


static void
test_rate_parse(void **state)
{
    size_t       i;
    weir_rate_t  rate;

    static const struct {
        const char  *text;
        uint64_t     count;
        uint64_t     unit;
        uint64_t     interval;
    } v[] = {
        { "1r/s", 1, 1, SECOND },
        { "100r/s", 100, 1, 10000000 },
        { "3r/s", 3, 1, 333333334 },
        { "1000000r/s", 1000000, 1, 1000 },
        { "1r/m", 1, 60, 60 * SECOND },
        { "90r/m", 90, 60, 666666667 },
        { "1r/h", 1, 3600, 3600 * SECOND },
        { "1r/d", 1, 86400, 86400 * SECOND },
        { "86400000000r/d", 86400000000, 86400, 1000 },
        { "007r/s", 7, 1, 142857143 }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        if (weir_rate_parse(str(v[i].text), &rate, NULL) != WEIR_OK
            || rate.count != v[i].count || rate.unit != v[i].unit
            || rate.interval != v[i].interval || rate.burst != 0
            || rate.tau != 0)
        {
            fail_msg("%s", v[i].text);
        }
    }
}


static void
test_rate_refused(void **state)
{
    size_t       i;
    weir_err_t   err;
    weir_rate_t  rate;

    static const char  *bad[] = {
        "", "r/s", "1", "1r", "1r/", "1/s", "1r/x", "1r/ms", "1r/s ", " 1r/s",
        "-1r/s", "+1r/s", "1.5r/s", "1 r/s", "1R/s", "1r/S", "0r/s", "000r/m",
        "1000001r/s", "86400000001r/d", "18446744073709551617r/s",
        "99999999999999999999999r/d", "1r/w", "1r/M"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {

        err.text[0] = '\0';

        if (weir_rate_parse(str(bad[i]), &rate, &err) != WEIR_ERROR) {
            fail_msg("parsed \"%s\"", bad[i]);
        }

        /* the message quotes the value */

        assert_non_null(strstr(err.text, bad[i]));
    }
}


static void
test_rate_burst(void **state)
{
    weir_err_t   err;
    weir_rate_t  rate;

    (void) state;

    rate = rate_of("100r/s", 50);
    assert_int_equal(rate.burst, 50);
    assert_int_equal(rate.tau, 500000000);

    rate = rate_of("1r/d", 36499);
    assert_int_equal(weir_rate_burst(&rate, 36500, &err), WEIR_ERROR);
    assert_int_equal(weir_rate_burst(&rate, UINT64_MAX, &err), WEIR_ERROR);
    assert_non_null(strstr(err.text, "18446744073709551615"));
}


/* As limit_req's nodelay: N more than the first at once, then one each I. */

static void
test_rate_arithmetic(void **state)
{
    weir_rate_t  rate;

    (void) state;

    rate = rate_of("10r/s", 2);             /* I = 100 ms, B = 3 */

    /* nothing used */

    assert_true(weir_rate_admits(&rate, 0, 1000, 1));
    assert_int_equal(weir_rate_remaining(&rate, 0, 1000), 3);
    assert_int_equal(weir_rate_reset(0, 1000), 0);
    assert_int_equal(weir_rate_retry(&rate, 0, 1000, 1), 0);

    /* all used at 0 */

    assert_false(weir_rate_admits(&rate, 300000000, 0, 1));
    assert_int_equal(weir_rate_remaining(&rate, 300000000, 0), 0);
    assert_int_equal(weir_rate_reset(300000000, 0), 300000000);
    assert_int_equal(weir_rate_retry(&rate, 300000000, 0, 1), 100000000);

    /* one interval later exactly one passes, not a nanosecond before */

    assert_false(weir_rate_admits(&rate, 300000000, 99999999, 1));
    assert_int_equal(weir_rate_retry(&rate, 300000000, 99999999, 1), 1);
    assert_true(weir_rate_admits(&rate, 300000000, 100000000, 1));
    assert_int_equal(weir_rate_remaining(&rate, 300000000, 99999999), 0);
    assert_int_equal(weir_rate_remaining(&rate, 300000000, 100000000), 1);

    /* costs */

    assert_true(weir_rate_admits(&rate, 0, 1000, 3));
    assert_false(weir_rate_admits(&rate, 0, 1000, 4));
    assert_true(weir_rate_retry(&rate, 0, 1000, 4) == UINT64_MAX);
    assert_true(weir_rate_admits(&rate, 100000000, 0, 2));
    assert_false(weir_rate_admits(&rate, 100000000, 0, 3));
    assert_int_equal(weir_rate_retry(&rate, 100000000, 0, 3), 100000000);
}


static void
test_seconds(void **state)
{
    (void) state;

    assert_int_equal(weir_rate_seconds(0), 1);
    assert_int_equal(weir_rate_seconds(1), 1);
    assert_int_equal(weir_rate_seconds(SECOND), 1);
    assert_int_equal(weir_rate_seconds(SECOND + 1), 2);
    assert_int_equal(weir_rate_seconds(59 * SECOND + 999999999), 60);
    assert_true(weir_rate_seconds(UINT64_MAX) == 18446744074ull);
}


static void
check_policy(const char *rate, uint64_t burst, const char *expected)
{
    size_t       n;
    uint8_t      text[WEIR_RATE_FIELD];
    weir_rate_t  r;

    r = rate_of(rate, burst);
    n = weir_rate_policy_field(text, str("per-user"), &r);

    if (n != strlen(expected) || memcmp(text, expected, n) != 0) {
        fail_msg("%s: %.*s", expected, (int) n, text);
    }
}


/*
 * The rate's count and unit where B is at most the count, else B and the time
 * in which it grows again.
 */

static void
test_policy_field(void **state)
{
    (void) state;

    check_policy("100r/s", 0, "\"per-user\";q=100;w=1");
    check_policy("100r/s", 50, "\"per-user\";q=100;w=1");
    check_policy("100r/s", 99, "\"per-user\";q=100;w=1");
    check_policy("100r/s", 100, "\"per-user\";q=101;w=2");
    check_policy("10r/s", 50, "\"per-user\";q=51;w=6");
    check_policy("1r/s", 0, "\"per-user\";q=1;w=1");
    check_policy("1r/s", 5, "\"per-user\";q=6;w=6");
    check_policy("60r/m", 10, "\"per-user\";q=60;w=60");
    check_policy("60r/m", 60, "\"per-user\";q=61;w=61");
    check_policy("1000r/h", 10, "\"per-user\";q=1000;w=3600");
    check_policy("1r/d", 1, "\"per-user\";q=2;w=172800");
}


static void
test_limit_field(void **state)
{
    char     name[64];
    size_t   n;
    uint8_t  text[WEIR_RATE_FIELD];

    (void) state;

    n = weir_rate_limit_field(text, str("per-user"), 50, 1);
    assert_int_equal(n, strlen("\"per-user\";r=50;t=1"));
    assert_memory_equal(text, "\"per-user\";r=50;t=1", n);

    n = weir_rate_limit_field(text, str("a"), 0, 60);
    assert_memory_equal(text, "\"a\";r=0;t=60", n);

    /* the longest: 15 digits at most, and it fits */

    memset(name, 'n', 63);
    name[63] = '\0';

    n = weir_rate_limit_field(text, str(name), UINT64_MAX, UINT64_MAX);
    assert_true(n <= sizeof(text));
    assert_memory_equal(text + n - 37,
                        "\";r=999999999999999;t=999999999999999", 37);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_rate_parse),
        cmocka_unit_test(test_rate_refused),
        cmocka_unit_test(test_rate_burst),
        cmocka_unit_test(test_rate_arithmetic),
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_policy_field),
        cmocka_unit_test(test_limit_field)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
