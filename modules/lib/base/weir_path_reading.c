
/*
 * Weir: how another might read a path whose spelling weir_path_allow admits.
 */

#include "weir_path.h"


static int weir_reading_byte(const uint8_t **p, const uint8_t *last);


int
weir_path_reading(weir_path_t *other, uint8_t *buf, const weir_path_t *path)
{
    int             c;
    uint8_t        *dst;
    uint32_t        i;
    weir_str_t      decoded;
    const uint8_t  *p, *last;

    p = path->decoded.data;
    last = p + path->decoded.len;
    dst = buf;

    while (p < last) {

        c = weir_reading_byte(&p, last);

        if (c == '#' || c == '?') {
            break;
        }

        if (c == ';') {

            /* a parameter ends with its segment */

            while (p < last && *p != '/' && *p != '\\') {
                p++;
            }

            continue;
        }

        if (c == '\\') {
            c = '/';
        }

        /* some cut there, others drop it */

        if (c < 0x20 || c == 0x7f) {
            return WEIR_ERROR;
        }

        if (c == '/' && dst > buf && dst[-1] == '/') {
            continue;
        }

        *dst++ = (uint8_t) c;
    }

    decoded.data = buf;
    decoded.len = (size_t) (dst - buf);

    /* what could be decoded a third time is too much */

    for (p = buf; p < dst; p++) {
        if (*p == '%' && dst - p > 2 && weir_hex_digit(p[1]) >= 0
            && weir_hex_digit(p[2]) >= 0)
        {
            return WEIR_ERROR;
        }
    }

    if (weir_path_gate_decoded(other, decoded, WEIR_PATH_ALLOW_ENC_PERCENT)
        != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (other->nsegments != path->nsegments) {
        return WEIR_OK;
    }

    for (i = 0; i < path->nsegments; i++) {
        if (!weir_str_eq(other->segments[i], path->segments[i])) {
            return WEIR_OK;
        }
    }

    return WEIR_DECLINED;
}


/* The next byte, decoded once more where an admitted %25 made an escape. */

static int
weir_reading_byte(const uint8_t **p, const uint8_t *last)
{
    int  c, high, low;

    c = *(*p)++;

    if (c != '%' || last - *p < 2) {
        return c;
    }

    high = weir_hex_digit((*p)[0]);
    low = weir_hex_digit((*p)[1]);

    if (high < 0 || low < 0) {
        return c;
    }

    *p += 2;

    return high << 4 | low;
}
