
/*
 * Unit tests of lib/base: RFC 3339 times, durations.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "weir_time.h"


#define str(s)  weir_cstr(s)


static void
test_time_parse(void **state)
{
    size_t   i;
    int64_t  t;

    static const struct {
        const char  *text;
        int64_t      seconds;
    } v[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1969-12-31T23:59:59Z", -1 },
        { "2026-01-05T10:00:00Z", 1767607200 },
        { "2026-01-05t10:00:00z", 1767607200 },
        { "2026-01-05T10:00:00.25Z", 1767607200 },
        { "2026-01-05T10:00:00.999999999999999999999Z", 1767607200 },
        { "2026-01-05T12:30:00+02:30", 1767607200 },
        { "2026-01-05T02:00:00-08:00", 1767607200 },
        { "2026-01-05T10:00:00-00:00", 1767607200 },
        { "2026-01-05T10:00:00.5+00:00", 1767607200 },
        { "2000-02-29T00:00:00Z", 951782400 },
        { "2024-02-29T23:59:59Z", 1709251199 },
        { "0000-01-01T00:00:00Z", -62167219200 },
        { "9999-12-31T23:59:59Z", 253402300799 },

        /* RFC 3339, 5.8 */
        { "1985-04-12T23:20:50.52Z", 482196050 },
        { "1996-12-19T16:39:57-08:00", 851042397 },
        { "1990-12-31T23:59:60Z", 662688000 },
        { "1990-12-31T15:59:60-08:00", 662688000 },
        { "1937-01-01T12:00:27.87+00:20", -1041337173 }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        if (weir_time_parse(str(v[i].text), &t) != WEIR_OK
            || t != v[i].seconds)
        {
            fail_msg("%s", v[i].text);
        }
    }
}


static void
test_time_refused(void **state)
{
    size_t   i;
    int64_t  t;

    static const char  *bad[] = {
        "", "2026", "2026-01-05", "2026-01-05T10:00Z", "2026-01-05T10:00:00",
        "2026-01-05 10:00:00Z", "2026-01-05T10:00:00ZZ",
        "2026-01-05T10:00:00 Z", "2026-1-05T10:00:00.Z",
        "2026-01-05T10:00:00.Z", "2026-01-05T10:00:00.5",
        "2026-01-05T10:00:00,5Z", "2026-00-05T10:00:00Z",
        "2026-13-05T10:00:00Z", "2026-01-00T10:00:00Z",
        "2026-01-32T10:00:00Z", "2026-04-31T10:00:00Z",
        "2026-02-29T10:00:00Z", "1900-02-29T10:00:00Z",
        "2026-01-05T24:00:00Z", "2026-01-05T10:60:00Z",
        "2026-01-05T10:00:61Z", "2026-01-05T10:00:60Z",
        "1990-12-31T23:59:60+01:00", "2026-01-05T10:00:00+24:00",
        "2026-01-05T10:00:00+01:60", "2026-01-05T10:00:00+0100",
        "2026-01-05T10:00:00+01", "2026-01-05T10:00:00+01:000",
        "+2026-01-05T10:00:00Z", "-026-01-05T10:00:00Z",
        "2026/01/05T10:00:00Z", "2026-01-05T10.00.00Z", "20260105T100000Z   "
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (weir_time_parse(str(bad[i]), &t) != WEIR_ERROR) {
            fail_msg("parsed \"%s\"", bad[i]);
        }
    }
}


static void
test_time_round_trip(void **state)
{
    int64_t  t, back;
    uint8_t  text[WEIR_TIME_LEN];

    (void) state;

    for (t = -62167219200; t <= 253402300799; t += 86400 * 3 + 7919) {
        weir_time_format(text, t);

        if (weir_time_parse((weir_str_t) { sizeof(text), text }, &back)
            != WEIR_OK
            || back != t)
        {
            fail_msg("%lld is %.20s", (long long) t, text);
        }
    }

    weir_time_format(text, 1767607200);
    assert_memory_equal(text, "2026-01-05T10:00:00Z", 20);

    weir_time_format(text, INT64_MAX);
    assert_memory_equal(text, "9999-12-31T23:59:59Z", 20);

    weir_time_format(text, INT64_MIN);
    assert_memory_equal(text, "0000-01-01T00:00:00Z", 20);
}


static void
test_duration(void **state)
{
    size_t   i;
    int64_t  ms;

    static const struct {
        const char  *text;
        int64_t      ms;
    } v[] = {
        { "0", 0 },
        { "30", 30000 },
        { "30s", 30000 },
        { "100ms", 100 },
        { "5m", 300000 },
        { "1h30m", 5400000 },
        { "1h 30m", 5400000 },
        { "1m30", 90000 },
        { "1s500ms", 1500 },
        { "2d", 172800000 },
        { "1w", 604800000 },
        { "1M", 2592000000 },
        { "1y", 31536000000 },
        { "1y1M1w1d1h1m1s1ms", 34822861001 }
    };

    static const char  *bad[] = {
        "", " ", "s", "-1s", "+1s", "1x", "1.5s", "30s5m", "1s1s", "1h1h",
        "5ms3", "5s3", " 5s", "1S", "1H", "1m m", "1hh", "ms",
        "9223372036854775808", "9223372036854775807s", "300000000y"
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        if (weir_duration_parse(str(v[i].text), &ms) != WEIR_OK
            || ms != v[i].ms)
        {
            fail_msg("%s", v[i].text);
        }
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (weir_duration_parse(str(bad[i]), &ms) != WEIR_ERROR) {
            fail_msg("parsed \"%s\"", bad[i]);
        }
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_time_parse),
        cmocka_unit_test(test_time_refused),
        cmocka_unit_test(test_time_round_trip),
        cmocka_unit_test(test_duration)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
