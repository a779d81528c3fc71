
/*
 * Weir: rates of quotas: parsing, arithmetic, RateLimit fields.
 */

#include "weir_rate.h"


#define WEIR_RATE_SECOND  1000000000ull
#define WEIR_RATE_MAX     1000000ull                       /* a second */
#define WEIR_RATE_TAU     (100ull * 365 * 86400 * WEIR_RATE_SECOND)


static uint8_t *weir_rate_number(uint8_t *p, uint64_t n);
static uint8_t *weir_rate_field(uint8_t *dst, weir_str_t name,
    const char *first, uint64_t n, const char *second, uint64_t m);


int
weir_rate_parse(weir_str_t s, weir_rate_t *rate, weir_err_t *err)
{
    size_t    i;
    uint64_t  count, unit;

    count = 0;

    for (i = 0; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++) {

        if (count > UINT64_MAX / 100) {
            return weir_err(err, "rate \"%.*s\" is too high", (int) s.len,
                            (const char *) s.data);
        }

        count = count * 10 + (s.data[i] - '0');
    }

    if (i == 0 || s.len - i != 3 || s.data[i] != 'r' || s.data[i + 1] != '/')
    {
        goto invalid;
    }

    switch (s.data[i + 2]) {

    case 's':
        unit = 1;
        break;

    case 'm':
        unit = 60;
        break;

    case 'h':
        unit = 3600;
        break;

    case 'd':
        unit = 86400;
        break;

    default:
        goto invalid;
    }

    if (count == 0) {
        return weir_err(err, "rate \"%.*s\" admits nothing", (int) s.len,
                        (const char *) s.data);
    }

    if (count > WEIR_RATE_MAX * unit) {
        return weir_err(err, "rate \"%.*s\" is too high, at most a million "
                        "requests a second are possible", (int) s.len,
                        (const char *) s.data);
    }

    rate->count = count;
    rate->unit = unit;
    rate->interval = (unit * WEIR_RATE_SECOND + count - 1) / count;
    rate->tau = 0;
    rate->burst = 0;

    return WEIR_OK;

invalid:

    return weir_err(err, "invalid rate \"%.*s\", it must be Nr/s, Nr/m, Nr/h "
                    "or Nr/d", (int) s.len, (const char *) s.data);
}


int
weir_rate_burst(weir_rate_t *rate, uint64_t burst, weir_err_t *err)
{
    if (burst >= WEIR_RATE_TAU / rate->interval) {
        return weir_err(err, "burst %llu is too large for its rate",
                        (unsigned long long) burst);
    }

    rate->burst = burst;
    rate->tau = burst * rate->interval;

    return WEIR_OK;
}


int
weir_rate_admits(const weir_rate_t *rate, uint64_t tat, uint64_t now,
    uint64_t cost)
{
    return weir_rate_retry(rate, tat, now, cost) == 0;
}


uint64_t
weir_rate_remaining(const weir_rate_t *rate, uint64_t tat, uint64_t now)
{
    uint64_t  ahead;

    ahead = weir_rate_reset(tat, now);

    if (ahead > rate->tau + rate->interval) {
        return 0;
    }

    return (rate->tau + rate->interval - ahead) / rate->interval;
}


uint64_t
weir_rate_reset(uint64_t tat, uint64_t now)
{
    return (tat > now) ? tat - now : 0;
}


uint64_t
weir_rate_retry(const weir_rate_t *rate, uint64_t tat, uint64_t now,
    uint64_t cost)
{
    uint64_t  ahead;

    /* a cost beyond the burst is never admitted */

    if (cost > rate->burst + 1) {
        return UINT64_MAX;
    }

    ahead = weir_rate_reset(tat, now) + (cost - 1) * rate->interval;

    return (ahead > rate->tau) ? ahead - rate->tau : 0;
}


uint64_t
weir_rate_seconds(uint64_t ns)
{
    uint64_t  s;

    s = ns / WEIR_RATE_SECOND + (ns % WEIR_RATE_SECOND != 0);

    return (s != 0) ? s : 1;
}


/*
 * The rate's own count and unit say most, but a client may count on q at
 * once: a burst beyond that count is a window of its own.
 */

size_t
weir_rate_policy_field(uint8_t *dst, weir_str_t name, const weir_rate_t *rate)
{
    uint64_t  q, w;

    q = rate->count;
    w = rate->unit;

    if (rate->burst + 1 > rate->count) {
        q = rate->burst + 1;
        w = weir_rate_seconds(rate->tau + rate->interval);
    }

    return (size_t) (weir_rate_field(dst, name, ";q=", q, ";w=", w) - dst);
}


size_t
weir_rate_limit_field(uint8_t *dst, weir_str_t name, uint64_t remaining,
    uint64_t seconds)
{
    return (size_t) (weir_rate_field(dst, name, ";r=", remaining, ";t=",
                                     seconds)
                     - dst);
}


static uint8_t *
weir_rate_field(uint8_t *dst, weir_str_t name, const char *first, uint64_t n,
    const char *second, uint64_t m)
{
    *dst++ = '"';
    memcpy(dst, name.data, name.len);
    dst += name.len;
    *dst++ = '"';

    memcpy(dst, first, 3);
    dst = weir_rate_number(dst + 3, n);

    memcpy(dst, second, 3);

    return weir_rate_number(dst + 3, m);
}


/* An Integer of structured fields has 15 digits at most (RFC 8941, 3.3.1). */

static uint8_t *
weir_rate_number(uint8_t *p, uint64_t n)
{
    size_t    i, digits;
    uint64_t  limit;

    if (n > 999999999999999ull) {
        n = 999999999999999ull;
    }

    digits = 1;

    for (limit = 10; n >= limit; limit *= 10) {
        digits++;
    }

    for (i = digits; i != 0; i--) {
        p[i - 1] = (uint8_t) ('0' + n % 10);
        n /= 10;
    }

    return p + digits;
}
