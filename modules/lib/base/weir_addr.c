
/*
 * Weir: addresses and networks in text and in bytes.
 */

#include "weir_addr.h"


static int weir_addr_parse_ipv4(weir_str_t s, uint8_t *dst);
static int weir_addr_parse_ipv6(weir_str_t s, uint8_t *dst);
static uint8_t *weir_addr_number(uint8_t *p, unsigned v);


static const uint8_t  weir_addr_mapped[12] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};


int
weir_addr_parse(weir_str_t s, weir_addr_t *a)
{
    if (s.len == 0) {
        return WEIR_ERROR;
    }

    if (memchr(s.data, ':', s.len) != NULL) {
        return weir_addr_parse_ipv6(s, a->bytes);
    }

    memcpy(a->bytes, weir_addr_mapped, 12);

    return weir_addr_parse_ipv4(s, a->bytes + 12);
}


/*
 * Four decimal octets; a leading zero is refused, because others read it as
 * octal (RFC 6943, 3.1.1).
 */

static int
weir_addr_parse_ipv4(weir_str_t s, uint8_t *dst)
{
    size_t    i, n, digits;
    uint8_t   c;
    unsigned  v;

    v = 0;
    n = 0;
    digits = 0;

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if (c >= '0' && c <= '9') {

            if (digits == 1 && v == 0) {
                return WEIR_ERROR;
            }

            v = v * 10 + (c - '0');
            digits++;

            if (v > 255) {
                return WEIR_ERROR;
            }

            continue;
        }

        if (c != '.' || digits == 0 || n == 3) {
            return WEIR_ERROR;
        }

        dst[n++] = (uint8_t) v;
        v = 0;
        digits = 0;
    }

    if (n != 3 || digits == 0) {
        return WEIR_ERROR;
    }

    dst[3] = (uint8_t) v;

    return WEIR_OK;
}


/* RFC 4291, 2.2: eight groups, one "::", the last two maybe as IPv4. */

static int
weir_addr_parse_ipv6(weir_str_t s, uint8_t *dst)
{
    int         digit;
    size_t      i, n, start, digits, gap;
    uint8_t     bytes[16];
    unsigned    v;
    weir_str_t  v4;

    n = 0;
    gap = 17;
    i = 0;

    if (s.len >= 2 && s.data[0] == ':' && s.data[1] == ':') {
        gap = 0;
        i = 2;
    }

    while (i < s.len) {

        v = 0;
        start = i;

        for (digits = 0; i < s.len; i++, digits++) {
            digit = weir_hex_digit(s.data[i]);

            if (digit < 0) {
                break;
            }

            if (digits == 4) {
                return WEIR_ERROR;
            }

            v = v << 4 | (unsigned) digit;
        }

        if (i < s.len && s.data[i] == '.') {

            if (n > 12) {
                return WEIR_ERROR;
            }

            v4.data = s.data + start;
            v4.len = s.len - start;

            if (weir_addr_parse_ipv4(v4, bytes + n) != WEIR_OK) {
                return WEIR_ERROR;
            }

            n += 4;
            break;
        }

        if (digits == 0 || n == 16) {
            return WEIR_ERROR;
        }

        bytes[n++] = (uint8_t) (v >> 8);
        bytes[n++] = (uint8_t) v;

        if (i == s.len) {
            break;
        }

        if (s.data[i++] != ':' || i == s.len) {
            return WEIR_ERROR;
        }

        if (s.data[i] == ':') {

            if (gap != 17) {
                return WEIR_ERROR;
            }

            gap = n;
            i++;
        }
    }

    if (gap == 17) {
        if (n != 16) {
            return WEIR_ERROR;
        }

        memcpy(dst, bytes, 16);
        return WEIR_OK;
    }

    if (n > 14) {
        return WEIR_ERROR;
    }

    memset(dst, 0, 16);
    memcpy(dst, bytes, gap);
    memcpy(dst + 16 - (n - gap), bytes + gap, n - gap);

    return WEIR_OK;
}


int
weir_addr_from_bytes(const void *bytes, size_t len, weir_addr_t *a)
{
    if (len == 4) {
        memcpy(a->bytes, weir_addr_mapped, 12);
        memcpy(a->bytes + 12, bytes, 4);
        return WEIR_OK;
    }

    if (len == 16) {
        memcpy(a->bytes, bytes, 16);
        return WEIR_OK;
    }

    return WEIR_ERROR;
}


int
weir_addr_is_ipv4(const weir_addr_t *a)
{
    return memcmp(a->bytes, weir_addr_mapped, 12) == 0;
}


/*
 * RFC 5952, 4: lower case, no leading zeros, "::" for the first of the
 * longest runs of two or more zero groups.
 */

size_t
weir_addr_format(uint8_t *dst, const weir_addr_t *a)
{
    uint8_t   *p;
    unsigned   i, n, shift, best, best_len, group[8];

    p = dst;

    if (weir_addr_is_ipv4(a)) {

        for (i = 12; i < 16; i++) {
            if (i != 12) {
                *p++ = '.';
            }

            p = weir_addr_number(p, a->bytes[i]);
        }

        return (size_t) (p - dst);
    }

    for (i = 0; i < 8; i++) {
        group[i] = (unsigned) a->bytes[2 * i] << 8 | a->bytes[2 * i + 1];
    }

    best = 8;
    best_len = 1;

    for (i = 0; i < 8; i += n + 1) {
        for (n = 0; i + n < 8 && group[i + n] == 0; n++) { /* void */ }

        if (n > best_len) {
            best = i;
            best_len = n;
        }
    }

    for (i = 0; i < 8; /* void */ ) {

        if (i == best) {
            *p++ = ':';
            *p++ = ':';
            i += best_len;
            continue;
        }

        if (i != 0 && i != best + best_len) {
            *p++ = ':';
        }

        for (shift = 12; shift != 0 && group[i] >> shift == 0; shift -= 4) {
            /* void */
        }

        for ( ;; ) {
            *p++ = (uint8_t) "0123456789abcdef"[group[i] >> shift & 0x0f];

            if (shift == 0) {
                break;
            }

            shift -= 4;
        }

        i++;
    }

    return (size_t) (p - dst);
}


static uint8_t *
weir_addr_number(uint8_t *p, unsigned v)
{
    if (v >= 100) {
        *p++ = (uint8_t) ('0' + v / 100);
    }

    if (v >= 10) {
        *p++ = (uint8_t) ('0' + v / 10 % 10);
    }

    *p++ = (uint8_t) ('0' + v % 10);

    return p;
}


int
weir_cidr_parse(weir_str_t s, weir_cidr_t *c)
{
    int             v4, rc;
    size_t          i, n;
    uint8_t         mask, *b;
    unsigned        bits;
    weir_str_t      host;
    const uint8_t  *slash;

    if (s.len == 0) {
        return WEIR_ERROR;
    }

    host = s;
    slash = memchr(s.data, '/', s.len);

    if (slash != NULL) {
        host.len = (size_t) (slash - s.data);
    }

    if (weir_addr_parse(host, &c->addr) != WEIR_OK) {
        return WEIR_ERROR;
    }

    v4 = (memchr(host.data, ':', host.len) == NULL);

    if (slash == NULL) {
        c->bits = 128;
        c->ipv4 = (uint8_t) weir_addr_is_ipv4(&c->addr);
        return WEIR_OK;
    }

    slash++;
    n = s.len - (size_t) (slash - s.data);

    if (n == 0 || n > 3 || (n > 1 && slash[0] == '0')) {
        return WEIR_ERROR;
    }

    bits = 0;

    for (i = 0; i < n; i++) {
        if (slash[i] < '0' || slash[i] > '9') {
            return WEIR_ERROR;
        }

        bits = bits * 10 + (slash[i] - '0');
    }

    if (bits > (v4 ? 32 : 128)) {
        return WEIR_ERROR;
    }

    if (v4) {
        bits += 96;
    }

    c->bits = (uint8_t) bits;

    /*
     * A part of ::ffff:0:0/96 is an IPv4 network, however it is written;
     * the whole of it, written as IPv6, is not.
     */

    c->ipv4 = (uint8_t) (v4 || (bits > 96 && weir_addr_is_ipv4(&c->addr)));

    rc = WEIR_OK;
    b = c->addr.bytes;

    for (i = 0; i < 16; i++) {

        if (bits >= 8 * (i + 1)) {
            continue;
        }

        mask = (bits <= 8 * i) ? 0 : (uint8_t) (0xff << (8 * (i + 1) - bits));

        if ((b[i] & ~mask) != 0) {
            rc = WEIR_DECLINED;
            b[i] &= mask;
        }
    }

    return rc;
}


size_t
weir_cidr_format(uint8_t *dst, const weir_cidr_t *c)
{
    uint8_t      *p;
    weir_addr_t   a;

    static const uint8_t  whole[] = "::ffff:0:0";

    p = dst;
    a = c->addr;

    if (!c->ipv4 && weir_addr_is_ipv4(&a)) {
        memcpy(p, whole, sizeof(whole) - 1);
        p += sizeof(whole) - 1;

    } else {
        p += weir_addr_format(p, &a);
    }

    *p++ = '/';
    p = weir_addr_number(p, c->ipv4 ? c->bits - 96u : c->bits);

    return (size_t) (p - dst);
}


int
weir_cidr_contains(const weir_cidr_t *c, const weir_addr_t *a)
{
    size_t   n;
    uint8_t  mask;

    if (c->ipv4 != weir_addr_is_ipv4(a)) {
        return 0;
    }

    n = c->bits / 8;

    if (memcmp(c->addr.bytes, a->bytes, n) != 0) {
        return 0;
    }

    if (c->bits % 8 == 0) {
        return 1;
    }

    mask = (uint8_t) (0xff << (8 - c->bits % 8));

    return (c->addr.bytes[n] & mask) == (a->bytes[n] & mask);
}


weir_addr_t
weir_addr_client_prefix(const weir_addr_t *a)
{
    weir_addr_t  prefix;

    prefix = *a;

    if (!weir_addr_is_ipv4(a)) {
        memset(prefix.bytes + 8, 0, 8);
    }

    return prefix;
}


int
weir_addr_is_key(weir_str_t s)
{
    return weir_str_eq(s, weir_str("$binary_remote_addr"))
           || weir_str_eq(s, weir_str("${binary_remote_addr}"))
           || weir_str_eq(s, weir_str("$remote_addr"))
           || weir_str_eq(s, weir_str("${remote_addr}"));
}
