
/*
 * Weir: service level objectives: what a request counts as.
 */

#include "weir_slo.h"


const char  *weir_slo_results[] = { "good", "bad", "excluded" };


weir_slo_result_t
weir_slo_availability(unsigned status)
{
    if (status >= 500) {
        return WEIR_SLO_BAD;
    }

    return status >= 400 ? WEIR_SLO_EXCLUDED : WEIR_SLO_GOOD;
}


weir_slo_result_t
weir_slo_latency(unsigned status, uint64_t latency_us, uint64_t threshold_us)
{
    if (status == 499) {
        return latency_us >= threshold_us ? WEIR_SLO_BAD : WEIR_SLO_EXCLUDED;
    }

    if (status == 101 || weir_slo_availability(status) != WEIR_SLO_GOOD) {
        return WEIR_SLO_EXCLUDED;
    }

    return latency_us <= threshold_us ? WEIR_SLO_GOOD : WEIR_SLO_BAD;
}


int
weir_slo_target_parse(weir_str_t s, uint64_t *ppb)
{
    int       point;
    size_t    i;
    unsigned  digits, whole;
    uint64_t  n;

    if (s.len < 2 || s.data[s.len - 1] != '%') {
        return WEIR_ERROR;
    }

    n = 0;
    point = 0;
    whole = 0;
    digits = 0;

    for (i = 0; i < s.len - 1; i++) {

        if (s.data[i] == '.') {

            if (point || whole == 0) {
                return WEIR_ERROR;
            }

            point = 1;
            continue;
        }

        if (s.data[i] < '0' || s.data[i] > '9') {
            return WEIR_ERROR;
        }

        if (point ? ++digits > 7 : ++whole > 2) {
            return WEIR_ERROR;
        }

        n = n * 10 + (s.data[i] - '0');
    }

    if (point && digits == 0) {
        return WEIR_ERROR;
    }

    while (digits++ < 7) {
        n *= 10;
    }

    if (n == 0) {
        return WEIR_ERROR;
    }

    *ppb = n;

    return WEIR_OK;
}
