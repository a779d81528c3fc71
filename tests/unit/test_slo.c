
/*
 * Weir: unit tests of lib/slo: targets, and what a request counts as.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "weir_slo.h"


static void
test_targets(void **state)
{
    size_t    i;
    uint64_t  ppb;

    static const struct {
        const char  *text;
        uint64_t     ppb;       /* 0: refused */
    } t[] = {
        { "99.9%", 999000000 },
        { "99%", 990000000 },
        { "99.99%", 999900000 },
        { "99.9999999%", 999999999 },
        { "0.0000001%", 1 },
        { "1%", 10000000 },
        { "50.5%", 505000000 },
        { "100%", 0 },
        { "100.0%", 0 },
        { "0%", 0 },
        { "0.0%", 0 },
        { "99.99999999%", 0 },
        { "99.%", 0 },
        { ".9%", 0 },
        { "99.9", 0 },
        { "99.9.9%", 0 },
        { "-1%", 0 },
        { "+1%", 0 },
        { " 1%", 0 },
        { "1 %", 0 },
        { "%", 0 },
        { "", 0 },
        { "99,9%", 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        weir_str_t  s = { strlen(t[i].text), (const uint8_t *) t[i].text };

        ppb = 0;

        assert_int_equal(weir_slo_target_parse(s, &ppb),
                         t[i].ppb ? WEIR_OK : WEIR_ERROR);
        assert_int_equal(ppb, t[i].ppb);
    }
}


static void
test_classes(void **state)
{
    size_t  i;

    static const struct {
        unsigned           status;
        uint64_t           us;
        weir_slo_result_t  availability, latency;
    } t[] = {
        { 200, 0, WEIR_SLO_GOOD, WEIR_SLO_GOOD },
        { 200, 300000, WEIR_SLO_GOOD, WEIR_SLO_GOOD },
        { 200, 300001, WEIR_SLO_GOOD, WEIR_SLO_BAD },
        { 204, 10, WEIR_SLO_GOOD, WEIR_SLO_GOOD },
        { 302, 300001, WEIR_SLO_GOOD, WEIR_SLO_BAD },
        { 101, 10, WEIR_SLO_GOOD, WEIR_SLO_EXCLUDED },
        { 101, 900000, WEIR_SLO_GOOD, WEIR_SLO_EXCLUDED },
        { 400, 10, WEIR_SLO_EXCLUDED, WEIR_SLO_EXCLUDED },
        { 401, 900000, WEIR_SLO_EXCLUDED, WEIR_SLO_EXCLUDED },
        { 403, 10, WEIR_SLO_EXCLUDED, WEIR_SLO_EXCLUDED },
        { 429, 10, WEIR_SLO_EXCLUDED, WEIR_SLO_EXCLUDED },
        { 499, 299999, WEIR_SLO_EXCLUDED, WEIR_SLO_EXCLUDED },
        { 499, 300000, WEIR_SLO_EXCLUDED, WEIR_SLO_BAD },
        { 499, 300001, WEIR_SLO_EXCLUDED, WEIR_SLO_BAD },
        { 500, 10, WEIR_SLO_BAD, WEIR_SLO_EXCLUDED },
        { 503, 900000, WEIR_SLO_BAD, WEIR_SLO_EXCLUDED },
        { 599, 10, WEIR_SLO_BAD, WEIR_SLO_EXCLUDED }
    };

    (void) state;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(weir_slo_availability(t[i].status),
                         t[i].availability);
        assert_int_equal(weir_slo_latency(t[i].status, t[i].us, 300000),
                         t[i].latency);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_classes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
