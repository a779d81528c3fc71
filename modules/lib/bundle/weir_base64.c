
/*
 * Weir: base64 with padding, as envelopes have it.
 */

#include "weir_strict.h"


static int weir_base64_value(uint8_t c);


static const uint8_t  weir_base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


static int
weir_base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    return c == '+' ? 62 : c == '/' ? 63 : -1;
}


int
weir_base64_decode(uint8_t *dst, size_t *len, weir_str_t src)
{
    int       v;
    size_t    i, n, chars, pad;
    uint32_t  bits;

    if (src.len % 4 != 0) {
        return WEIR_ERROR;
    }

    pad = 0;

    while (pad < 2 && src.len != 0 && src.data[src.len - 1 - pad] == '=') {
        pad++;
    }

    chars = src.len - pad;
    n = 0;
    bits = 0;

    for (i = 0; i < chars; i++) {
        v = weir_base64_value(src.data[i]);

        if (v < 0) {
            return WEIR_ERROR;
        }

        bits = bits << 6 | (uint32_t) v;

        if (i % 4 != 0) {
            dst[n++] = (uint8_t) (bits >> (6 - 2 * (i % 4)));
        }
    }

    /* what padding stands for is zero: one text for the same bytes */

    if ((pad == 1 && (bits & 0x03) != 0) || (pad == 2 && (bits & 0x0f) != 0)) {
        return WEIR_ERROR;
    }

    *len = n;

    return WEIR_OK;
}


size_t
weir_base64_encode(uint8_t *dst, weir_str_t src)
{
    size_t          n;
    uint8_t        *start, last[3];
    const uint8_t  *p;

    start = dst;

    for (n = src.len, p = src.data; n != 0; p += 3) {

        if (n < 3) {
            memset(last, 0, sizeof(last));
            memcpy(last, p, n);
            p = last;
        }

        *dst++ = weir_base64_alphabet[p[0] >> 2];
        *dst++ = weir_base64_alphabet[(p[0] & 0x03) << 4 | p[1] >> 4];
        *dst++ = weir_base64_alphabet[(p[1] & 0x0f) << 2 | p[2] >> 6];
        *dst++ = weir_base64_alphabet[p[2] & 0x3f];

        if (n < 3) {
            memset(dst - (3 - n), '=', 3 - n);
            break;
        }

        n -= 3;
    }

    return (size_t) (dst - start);
}
