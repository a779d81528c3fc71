
/*
 * Weir: RFC 3339 times and nginx's durations.
 */

#include "weir_time.h"


static int weir_time_digits(const uint8_t *p, size_t n, int64_t *v);
static int64_t weir_time_days(int64_t y, int64_t m, int64_t d);


int
weir_time_parse(weir_str_t s, int64_t *seconds)
{
    size_t          i;
    int64_t         y, mo, d, h, mi, sec, oh, om, offset, t;
    const uint8_t  *p;

    static const uint8_t  days[] = {
        31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    p = s.data;

    if (s.len < sizeof("1970-01-01T00:00:00Z") - 1) {
        return WEIR_ERROR;
    }

    if (weir_time_digits(p, 4, &y) != WEIR_OK || p[4] != '-'
        || weir_time_digits(p + 5, 2, &mo) != WEIR_OK || p[7] != '-'
        || weir_time_digits(p + 8, 2, &d) != WEIR_OK
        || (p[10] != 'T' && p[10] != 't')
        || weir_time_digits(p + 11, 2, &h) != WEIR_OK || p[13] != ':'
        || weir_time_digits(p + 14, 2, &mi) != WEIR_OK || p[16] != ':'
        || weir_time_digits(p + 17, 2, &sec) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (mo < 1 || mo > 12 || d < 1 || d > days[mo - 1] || h > 23 || mi > 59
        || sec > 60)
    {
        return WEIR_ERROR;
    }

    if (mo == 2 && d == 29
        && (y % 4 != 0 || (y % 100 == 0 && y % 400 != 0)))
    {
        return WEIR_ERROR;
    }

    i = 19;

    if (p[i] == '.') {
        i++;

        if (i == s.len || p[i] < '0' || p[i] > '9') {
            return WEIR_ERROR;
        }

        while (i < s.len && p[i] >= '0' && p[i] <= '9') {
            i++;
        }

        if (i == s.len) {
            return WEIR_ERROR;
        }
    }

    if (p[i] == 'Z' || p[i] == 'z') {
        offset = 0;
        i++;

    } else if (p[i] == '+' || p[i] == '-') {

        if (s.len - i < 6
            || weir_time_digits(p + i + 1, 2, &oh) != WEIR_OK
            || p[i + 3] != ':'
            || weir_time_digits(p + i + 4, 2, &om) != WEIR_OK
            || oh > 23 || om > 59)
        {
            return WEIR_ERROR;
        }

        offset = (oh * 60 + om) * 60;

        if (p[i] == '-') {
            offset = -offset;
        }

        i += 6;

    } else {
        return WEIR_ERROR;
    }

    if (i != s.len) {
        return WEIR_ERROR;
    }

    t = weir_time_days(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec - offset;

    /* a leap second stands at the end of a UTC day only (RFC 3339, 5.7) */

    if (sec == 60 && t % 86400 != 0) {
        return WEIR_ERROR;
    }

    *seconds = t;

    return WEIR_OK;
}


static int
weir_time_digits(const uint8_t *p, size_t n, int64_t *v)
{
    int64_t  value;

    value = 0;

    while (n != 0) {
        if (*p < '0' || *p > '9') {
            return WEIR_ERROR;
        }

        value = value * 10 + (*p - '0');

        p++;
        n--;
    }

    *v = value;

    return WEIR_OK;
}


/*
 * Days from 1970-01-01 in the proleptic Gregorian calendar; the year begins
 * in March, so that the leap day is its last (Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms").
 */

static int64_t
weir_time_days(int64_t y, int64_t m, int64_t d)
{
    int64_t  era, yoe, doy, doe;

    if (m <= 2) {
        y--;
    }

    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + doe - 719468;
}


void
weir_time_format(uint8_t *dst, int64_t seconds)
{
    size_t   i, n;
    int64_t  days, rest, era, doe, yoe, doy, mp, v[6];

    static const uint8_t  width[] = { 4, 2, 2, 2, 2, 2 };
    static const uint8_t  after[] = "--T::Z";

    /* what has no four digit year is shown as the nearest that has one */

    if (seconds < -62167219200) {
        seconds = -62167219200;

    } else if (seconds > 253402300799) {
        seconds = 253402300799;
    }

    days = seconds / 86400;
    rest = seconds % 86400;

    if (rest < 0) {
        rest += 86400;
        days--;
    }

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    doe = days - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;

    v[2] = doy - (153 * mp + 2) / 5 + 1;
    v[1] = mp < 10 ? mp + 3 : mp - 9;
    v[0] = yoe + era * 400 + (v[1] <= 2);
    v[3] = rest / 3600;
    v[4] = rest / 60 % 60;
    v[5] = rest % 60;

    for (i = 0; i < 6; i++) {
        for (n = width[i]; n != 0; n--) {
            dst[n - 1] = (uint8_t) ('0' + v[i] % 10);
            v[i] /= 10;
        }

        dst += width[i];
        *dst++ = after[i];
    }
}


/* Units fall in size, each at most once; a last bare number is seconds. */

int
weir_duration_parse(weir_str_t s, int64_t *ms)
{
    int             valid, pending;
    size_t          unit, next;
    int64_t         value, total, scale;
    const uint8_t  *p, *last;

    static const uint8_t  letters[] = "yMwdhms";
    static const int64_t  scales[] = {
        31536000000, 2592000000, 604800000, 86400000, 3600000, 60000, 1000, 1
    };

    p = s.data;
    last = p + s.len;

    valid = 0;
    pending = 0;
    value = 0;
    total = 0;
    next = 0;

    while (p < last) {

        if (*p >= '0' && *p <= '9') {

            if (value > (INT64_MAX - 9) / 10) {
                return WEIR_ERROR;
            }

            value = value * 10 + (*p++ - '0');
            valid = 1;
            pending = 1;
            continue;
        }

        if (!pending) {
            return WEIR_ERROR;
        }

        if (last - p >= 2 && p[0] == 'm' && p[1] == 's') {
            unit = 7;
            p += 2;

        } else {
            for (unit = 0; unit < 7; unit++) {
                if (*p == letters[unit]) {
                    break;
                }
            }

            if (unit == 7) {
                return WEIR_ERROR;
            }

            p++;
        }

        if (unit < next) {
            return WEIR_ERROR;
        }

        next = unit + 1;
        scale = scales[unit];

        if (value > (INT64_MAX - total) / scale) {
            return WEIR_ERROR;
        }

        total += value * scale;
        value = 0;
        pending = 0;

        while (p < last && *p == ' ') {
            p++;
        }
    }

    if (!valid) {
        return WEIR_ERROR;
    }

    if (pending) {
        if (next > 6 || value > (INT64_MAX - total) / 1000) {
            return WEIR_ERROR;
        }

        total += value * 1000;
    }

    *ms = total;

    return WEIR_OK;
}
