
/*
 * Weir: RFC 3339 times in UTC, as seconds since the epoch.
 */

#ifndef WEIR_TIME_H_INCLUDED
#define WEIR_TIME_H_INCLUDED


#include "weir_base.h"


/*
 * Parses an RFC 3339 date-time; "Z" or a numeric offset; fractions are
 * dropped.  Seconds and the final Z may not be left out, a leap second (:60)
 * is the following second.  WEIR_OK or WEIR_ERROR.
 */
int weir_time_parse(weir_str_t s, int64_t *seconds);

/* Formats YYYY-MM-DDTHH:MM:SSZ into dst (20 bytes, no zero). */
#define WEIR_TIME_LEN  20
void weir_time_format(uint8_t *dst, int64_t seconds);

/* nginx's time units: "30s", "5m", "1h30m", "2d", "100ms": milliseconds. */
int weir_duration_parse(weir_str_t s, int64_t *ms);


#endif /* WEIR_TIME_H_INCLUDED */
