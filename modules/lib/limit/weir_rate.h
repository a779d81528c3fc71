
/*
 * Weir: rates of quotas, and what is told about them in RateLimit fields.
 *
 * GCRA (ITU-T I.371, appendix; "virtual scheduling"): B = burst + 1 requests
 * at once, then one each I = 1/rate; tau = (B - 1) I.  All in nanoseconds, I
 * rounded up, so that no more is admitted than was written.
 */

#ifndef WEIR_RATE_H_INCLUDED
#define WEIR_RATE_H_INCLUDED


#include "weir_base.h"


typedef struct {
    uint64_t  count;       /* of the rate as it is written */
    uint64_t  unit;        /* its seconds: 1, 60, 3600, 86400 */
    uint64_t  interval;    /* I, ns */
    uint64_t  tau;         /* (B - 1) I, ns */
    uint64_t  burst;       /* B - 1 */
} weir_rate_t;


/*
 * Parses "Nr/s", "Nr/m", "Nr/h" or "Nr/d"; burst is 0 then.  WEIR_ERROR with
 * a message in err (may be NULL): another form, zero, or more than a million
 * requests a second.
 */
int weir_rate_parse(weir_str_t s, weir_rate_t *rate, weir_err_t *err);

/* Sets the burst.  WEIR_ERROR where B intervals exceed 100 years. */
int weir_rate_burst(weir_rate_t *rate, uint64_t burst, weir_err_t *err);

/*
 * What may be done at the time now, when the theoretical arrival time of the
 * next request is tat; both in ns of one clock.
 *
 * admits: 1 if a request of that cost (in requests, 1 at least) passes.
 * remaining: how many of cost 1 would pass at once.
 * reset: ns until all B would.
 * retry: ns until one of that cost would pass, 0 if now.
 */
int weir_rate_admits(const weir_rate_t *rate, uint64_t tat, uint64_t now,
    uint64_t cost);
uint64_t weir_rate_remaining(const weir_rate_t *rate, uint64_t tat,
    uint64_t now);
uint64_t weir_rate_reset(uint64_t tat, uint64_t now);
uint64_t weir_rate_retry(const weir_rate_t *rate, uint64_t tat, uint64_t now,
    uint64_t cost);

/* Whole seconds of ns, rounded up, 1 at least. */
uint64_t weir_rate_seconds(uint64_t ns);


/*
 * One member of a RateLimit-Policy or RateLimit field (draft-ietf-httpapi-
 * ratelimit-headers-11): "per-user";q=100;w=1 and "per-user";r=50;t=1.
 * name is a Weir name; dst of WEIR_RATE_FIELD bytes; the length.
 */
#define WEIR_RATE_FIELD  128
size_t weir_rate_policy_field(uint8_t *dst, weir_str_t name,
    const weir_rate_t *rate);
size_t weir_rate_limit_field(uint8_t *dst, weir_str_t name,
    uint64_t remaining, uint64_t seconds);


#endif /* WEIR_RATE_H_INCLUDED */
