
/*
 * Weir: service level objectives: what a request counts as.
 *
 * Terms: Site Reliability Workbook, chapter 2 (SLI, objective, window).
 */

#ifndef WEIR_SLO_H_INCLUDED
#define WEIR_SLO_H_INCLUDED


#include "weir_base.h"


typedef enum {
    WEIR_SLO_GOOD = 0,
    WEIR_SLO_BAD,
    WEIR_SLO_EXCLUDED,
    WEIR_SLO_RESULTS
} weir_slo_result_t;


/* "good", "bad", "excluded" */
extern const char  *weir_slo_results[];


/*
 * The availability of one finished request.  status is the HTTP status of
 * the answer (of Weir's refusal where Weir refused): 5xx is bad, 4xx excluded
 * (the client's doing), all else good.
 */
weir_slo_result_t weir_slo_availability(unsigned status);

/*
 * Its latency against threshold_us.  Only what availability calls good
 * counts, but no 101, whose duration is its user's; and a client that gave up
 * (499) at the threshold or later, because leaving it out would flatter a
 * slow service.
 */
weir_slo_result_t weir_slo_latency(unsigned status, uint64_t latency_us,
    uint64_t threshold_us);

/*
 * A target, "99.9%", in parts per billion: 999000000.  More than 0 % and
 * less than 100 %, at most seven digits behind the point.  WEIR_OK or
 * WEIR_ERROR.
 */
int weir_slo_target_parse(weir_str_t s, uint64_t *ppb);


#endif /* WEIR_SLO_H_INCLUDED */
