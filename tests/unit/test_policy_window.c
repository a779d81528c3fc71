
/*
 * Unit tests of lib/policy: windows and time zones, by the system's tzdata;
 * what is compared is reckoned by the C library or is history.
 */

#include "policy_make.h"

#include <time.h>

#include "weir_policy_ast.h"
#include "weir_time.h"


static void
test_window(void **state)
{
    (void) state;

    passes("window office mon-fri 08:00-18:00 Europe/Paris,\n"
           "              sat 10:00-12:30 Europe/Paris;\n"
           "window night sun 22:00-24:00 UTC, mon 00:00-02:00 UTC;\n"
           "permit o { who anyone; what GET /o; during office; }\n"
           "permit n { who anyone; what GET /n; during night; }\n"
           "test \"winter, start\" { request GET /o;\n"
           "  at 2026-01-05T07:00:00Z; expect permit; }\n"
           "test \"before\" { request GET /o; at 2026-01-05T06:59:59Z;\n"
           "  expect deny; }\n"
           "test \"end is exclusive\" { request GET /o;\n"
           "  at 2026-01-05T17:00:00Z; expect deny; }\n"
           "test \"last second\" { request GET /o;\n"
           "  at 2026-01-05T16:59:59Z; expect permit; }\n"
           "test \"summer, start\" { request GET /o;\n"
           "  at 2026-07-06T06:00:00Z; expect permit; }\n"
           "test \"summer, before\" { request GET /o;\n"
           "  at 2026-07-06T05:59:59Z; expect deny; }\n"
           "test \"saturday\" { request GET /o; at 2026-01-10T11:29:59Z;\n"
           "  expect permit; }\n"
           "test \"sunday\" { request GET /o; at 2026-01-11T10:00:00Z;\n"
           "  expect deny; }\n"
           "test \"offset\" { request GET /o;\n"
           "  at 2026-01-05T10:00:00+03:00; expect permit; }\n"
           "test \"to midnight\" { request GET /n;\n"
           "  at 2026-01-11T23:59:59Z; expect permit; }\n"
           "test \"from midnight\" { request GET /n;\n"
           "  at 2026-01-12T01:59:59Z; expect permit; }\n"
           "test \"no time\" { request GET /o; expect deny; }\n", 12);

    /* without a time a deny stands */

    passes("window w mon-sun 00:00-24:00 UTC;\n"
           "permit a { who anyone; }\ndeny d { during w; }\n"
           "test \"1\" { request GET /; expect deny by d; }\n", 1);

    /* far from now: before the epoch, and what is reckoned from a rule */

    passes("window w mon 08:00-09:00 America/New_York;\n"
           "permit a { who anyone; during w; }\n"
           "test \"1960\" { request GET /; at 1960-01-04T13:30:00Z;\n"
           "  expect permit; }\n"
           "test \"2100, summer\" { request GET /; at 2100-07-05T12:30:00Z;\n"
           "  expect permit; }\n"
           "test \"2100, winter\" { request GET /; at 2100-01-04T13:30:00Z;\n"
           "  expect permit; }\n"
           "test \"beyond\" { request GET /; at 2300-01-01T13:30:00Z;\n"
           "  expect deny; }\n", 4);
}


static void
test_errors(void **state)
{
    (void) state;

    reports("window a mon-fri 08:00-18:00 Europe/Pariss;\n"
            "window b fri-mon 08:00-18:00 UTC;\n"
            "window c mon 22:00-02:00 UTC;\n"
            "window d mon 08:00-08:00 UTC;\n"
            "window e mon 08:00-24:01 UTC;\n"
            "window f mon 8:00-9:00 UTC;\n"
            "window g mo 08:00-09:00 UTC;\n"
            "window h mon 08:00-09:00;\n"
            "window i mon 08:00-09:00 ../../etc/passwd;\n"
            "window j mon 08:00-09:00 Europe/../Europe/Paris;\n"
            "window k mon 08:00-09:00 zone.tab;\n"
            "window l mon 08:60-09:00 UTC;\n"
            "deny a { during hours; }\ndeny b { during l; during l; }\n"
            "window l mon 08:00-09:00 UTC;\n",
            "2:30 there is no time zone Europe/Pariss",
            "3:10 days do not wrap", "4:14 goes over midnight",
            "5:14 is no time at all", "6:14 hours (08:00-18:00)",
            "7:14 hours", "8:10 days (mon tue", "9:25 a time zone",
            "10:26 a time zone", "11:26 no time zone",
            "12:26 no time zone", "13:14 hours",
            "14:17 window hours is not defined", "15:20 \"during\" is dup",
            "16:8 window l is duplicate", NULL);
}


/* Every half hour of years, in zones of all kinds, as localtime(3) has it. */

static void
test_zones(void **state)
{
    policy_t               p;
    uint32_t               i, k, weekday, minute;
    int64_t                t;
    char                   body[400];
    struct tm              tm;
    time_t                 now;
    const char            *got;
    weir_policy_request_t  r;

    static const char *const  zones[] = {
        "Europe/Paris", "America/New_York", "Australia/Lord_Howe",
        "Asia/Kathmandu", "Europe/Dublin", "Africa/Casablanca",
        "America/Sao_Paulo", "Pacific/Apia", "UTC", "Asia/Gaza",
        "America/St_Johns", "Etc/GMT+5"
    };

    (void) state;

    for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {

        snprintf(body, sizeof(body),
                 "window w tue-thu 02:00-03:00 %s, sun 01:30-02:30 %s;\n"
                 "permit a { who anyone; during w; }\n", zones[i], zones[i]);

        policy_body(&p, body);
        assert_int_equal(p.b.nerrors, 0);

        assert_int_equal(setenv("TZ", zones[i], 1), 0);
        tzset();

        memset(&r, 0, sizeof(r));
        r.method = str("GET");
        r.has_time = 1;

        for (k = 0; k < 9000; k++) {

            /* around the changes of 2024 to 2030, and anywhere to 2190 */

            t = k < 6000 ? 1704067200 + (int64_t) k * 32617
                         : (int64_t) k * 760217 + 1767;

            now = (time_t) t;
            assert_non_null(localtime_r(&now, &tm));

            weekday = (uint32_t) (tm.tm_wday + 6) % 7;
            minute = (uint32_t) (tm.tm_hour * 60 + tm.tm_min);

            r.time = t;
            got = decides(&p, &r, "/", NULL, NULL);

            if (((weekday >= 1 && weekday <= 3 && minute >= 120
                  && minute < 180)
                 || (weekday == 6 && minute >= 90 && minute < 150))
                != (strcmp(got, "permit-rule a") == 0))
            {
                fail_msg("%s at %lld: %s", zones[i], (long long) t, got);
            }

            if (k % 500 == 0) {
                policy_done(&p);
                policy_body(&p, body);
            }
        }

        policy_done(&p);
    }

    unsetenv("TZ");
    tzset();
}


/*
 * The hour that is skipped never comes, the doubled one comes twice: Paris,
 * 29 March and 25 October 2026.
 */

static void
test_changes(void **state)
{
    int64_t                t, from;
    uint32_t               k, hits;
    policy_t               p;
    weir_policy_request_t  r;

    static const struct {
        const char  *day;
        const char  *start;
        uint32_t     hits;     /* quarters of an hour */
    } cases[] = {
        { "sun 02:00-03:00", "2026-03-28T22:00:00Z", 0 },
        { "sun 01:45-03:15", "2026-03-28T22:00:00Z", 2 },
        { "sun 02:00-03:00", "2026-10-24T22:00:00Z", 8 },
        { "sun 02:30-02:45", "2026-10-24T22:00:00Z", 2 },
        { "sun 02:00-03:00", "2026-10-31T22:00:00Z", 4 }
    };

    (void) state;

    for (k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        char  body[200];

        snprintf(body, sizeof(body), "window w %s Europe/Paris;\n"
                 "permit a { who anyone; during w; }\n", cases[k].day);

        policy_body(&p, body);

        memset(&r, 0, sizeof(r));
        r.method = str("GET");
        r.has_time = 1;

        assert_int_equal(weir_time_parse(str(cases[k].start), &from), 0);

        hits = 0;

        for (t = from; t < from + 86400; t += 900) {
            r.time = t;
            hits += strcmp(decides(&p, &r, "/", NULL, NULL),
                           "permit-rule a") == 0;
        }

        assert_int_equal(hits, cases[k].hits);

        policy_done(&p);
    }
}


/* A file that is cut or changed is refused or is a zone, never a crash. */

static void
test_damage(void **state)
{
    size_t              i;
    uint8_t             copy[4096];
    policy_t            p;
    weir_str_t          tzif, s;
    weir_policy_zone_t  zone;

    (void) state;

    weir_arena_init(&p.arena, &weir_alloc_malloc, 0);

    assert_int_equal(policy_zone(&p, str("Europe/Paris"), &tzif), WEIR_OK);
    assert_true(tzif.len < sizeof(copy));

    memset(&zone, 0, sizeof(zone));
    assert_int_equal(weir_policy_zone_parse(&p.arena, tzif, &zone), WEIR_OK);
    assert_true(zone.n > 300);

    for (i = 0; i < tzif.len; i++) {
        s = tzif;
        s.len = i;
        assert_int_equal(weir_policy_zone_parse(&p.arena, s, &zone),
                         WEIR_ERROR);
    }

    for (i = 0; i < tzif.len; i++) {
        memcpy(copy, tzif.data, tzif.len);
        copy[i] ^= (uint8_t) (1 + i % 255);
        s.data = copy;
        s.len = tzif.len;
        (void) weir_policy_zone_parse(&p.arena, s, &zone);

        if (i % 100 == 0) {
            weir_arena_done(&p.arena);
            weir_arena_init(&p.arena, &weir_alloc_malloc, 0);
            assert_int_equal(policy_zone(&p, str("Europe/Paris"), &tzif),
                             WEIR_OK);
        }
    }

    weir_arena_done(&p.arena);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_damage)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
