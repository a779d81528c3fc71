
/*
 * Weir: the gate for a request's path (security.md 1.1 to 1.3).
 *
 * It admits only what every reader down the line reads in one way.
 */

#include "weir_path.h"


/* What the gate makes of one decoded byte. */

#define WEIR_PATH_LITERAL    0
#define WEIR_PATH_SEPARATOR  1
#define WEIR_PATH_REFUSED    2


/*
 * A bit for each byte that stands for itself and hides nothing: printable
 * ASCII without space # % . / ; ? and \.
 */

static const uint32_t  weir_path_plain[8] = {
    0x00000000, 0x77ff3fd6, 0xefffffff, 0x7fffffff
};


static int weir_path_byte(const uint8_t **p, const uint8_t *last,
    unsigned allow, uint8_t *byte);
static int weir_path_encoded(uint8_t byte, unsigned allow);
static int weir_path_decoded(uint8_t byte, unsigned allow);
static int weir_path_segment(weir_path_t *path, const uint8_t *start,
    const uint8_t *end);
static int weir_path_check(const weir_path_t *path, unsigned allow);
static int weir_path_pieces(weir_str_t s, unsigned allow, int twice);
static int weir_path_hex(const uint8_t *p, const uint8_t *last);


int
weir_path_gate(weir_path_t *path, uint8_t *buf, weir_str_t raw,
    unsigned allow)
{
    int             rc, look;
    uint8_t        *dst, *start, byte;
    const uint8_t  *p, *last;

    path->nsegments = 0;
    path->decoded.len = 0;
    path->decoded.data = buf;

    if (raw.len == 0 || raw.data[0] != '/') {
        return WEIR_ERROR;
    }

    p = raw.data + 1;
    last = raw.data + raw.len;

    dst = buf;
    *dst++ = '/';
    start = dst;

    look = (allow != 0);

    while (p < last) {

        if (weir_path_plain[*p >> 5] >> (*p & 0x1f) & 1) {
            *dst++ = *p++;
            continue;
        }

        look |= (*p != '/');

        rc = weir_path_byte(&p, last, allow, &byte);

        if (rc == WEIR_PATH_REFUSED) {
            return WEIR_ERROR;
        }

        if (rc == WEIR_PATH_SEPARATOR) {

            if (dst == start) {
                if (!(allow & WEIR_PATH_ALLOW_DOUBLE_SLASH)) {
                    return WEIR_ERROR;
                }

                continue;
            }

            if (weir_path_segment(path, start, dst) != WEIR_OK) {
                return WEIR_ERROR;
            }

            *dst++ = '/';
            start = dst;
            continue;
        }

        *dst++ = byte;
    }

    if (weir_path_segment(path, start, dst) != WEIR_OK) {
        return WEIR_ERROR;
    }

    path->decoded.len = (size_t) (dst - buf);

    /*
     * Most paths end here: where nothing is admitted, what is left to look
     * for are dots and bytes that are not ASCII.
     */

    return look ? weir_path_check(path, allow) : WEIR_OK;
}


/* One byte of a raw target, decoded. */

static int
weir_path_byte(const uint8_t **p, const uint8_t *last, unsigned allow,
    uint8_t *byte)
{
    int      v;
    uint8_t  c;

    c = *(*p)++;

    if (c == '%') {
        v = weir_path_hex(*p, last);
        if (v < 0) {
            return WEIR_PATH_REFUSED;
        }

        *p += 2;
        *byte = (uint8_t) v;

        return weir_path_encoded(*byte, allow);
    }

    *byte = c;

    /* a space ends the target, so that it cannot be inside */

    if (c <= 0x20 || c >= 0x7f) {
        return WEIR_PATH_REFUSED;
    }

    switch (c) {

    case '/':
        return WEIR_PATH_SEPARATOR;

    case '#':
    case '?':
    case '\\':
        return WEIR_PATH_REFUSED;

    case ';':
        return (allow & WEIR_PATH_ALLOW_SEMICOLON) ? WEIR_PATH_LITERAL
                                                   : WEIR_PATH_REFUSED;
    }

    return WEIR_PATH_LITERAL;
}


/* May a byte be written percent-encoded? */

static int
weir_path_encoded(uint8_t byte, unsigned allow)
{
    unsigned  needed;

    if (byte < 0x20 || byte == 0x7f) {
        return WEIR_PATH_REFUSED;
    }

    switch (byte) {

    case '#':
        needed = WEIR_PATH_ALLOW_ENC_HASH;
        break;

    case '%':
        needed = WEIR_PATH_ALLOW_ENC_PERCENT;
        break;

    case '.':
        needed = WEIR_PATH_ALLOW_ENC_DOT;
        break;

    case '/':
        needed = WEIR_PATH_ALLOW_ENC_SLASH;
        break;

    case ';':
        needed = WEIR_PATH_ALLOW_ENC_SEMICOLON;
        break;

    case '\\':
        needed = WEIR_PATH_ALLOW_ENC_BACKSLASH;
        break;

    case '?':
        return WEIR_PATH_REFUSED;

    default:
        return WEIR_PATH_LITERAL;
    }

    return (allow & needed) ? WEIR_PATH_LITERAL : WEIR_PATH_REFUSED;
}


int
weir_path_gate_decoded(weir_path_t *path, weir_str_t decoded, unsigned allow)
{
    const uint8_t  *p, *last, *start;

    path->nsegments = 0;
    path->decoded = decoded;

    if (decoded.len == 0 || decoded.data[0] != '/') {
        return WEIR_ERROR;
    }

    last = decoded.data + decoded.len;
    start = decoded.data + 1;

    for (p = start; p < last; p++) {

        switch (weir_path_decoded(*p, allow)) {

        case WEIR_PATH_REFUSED:
            return WEIR_ERROR;

        case WEIR_PATH_SEPARATOR:
            if (weir_path_segment(path, start, p) != WEIR_OK) {
                return WEIR_ERROR;
            }

            start = p + 1;
            break;
        }
    }

    if (weir_path_segment(path, start, last) != WEIR_OK) {
        return WEIR_ERROR;
    }

    return weir_path_check(path, allow);
}


/* Could a byte have come from a spelling that is admitted? */

static int
weir_path_decoded(uint8_t byte, unsigned allow)
{
    switch (byte) {

    case '/':
        return WEIR_PATH_SEPARATOR;

    case '.':
        return WEIR_PATH_LITERAL;

    case ';':
        if (allow & WEIR_PATH_ALLOW_SEMICOLON) {
            return WEIR_PATH_LITERAL;
        }

        break;
    }

    return weir_path_encoded(byte, allow);
}


static int
weir_path_segment(weir_path_t *path, const uint8_t *start, const uint8_t *end)
{
    weir_str_t  *s;

    if (start == end) {
        return WEIR_OK;
    }

    if (path->nsegments == WEIR_PATH_MAX_SEGMENTS) {
        return WEIR_ERROR;
    }

    s = &path->segments[path->nsegments++];

    s->data = start;
    s->len = (size_t) (end - start);

    return WEIR_OK;
}


/* What can only be seen in the decoded whole. */

static int
weir_path_check(const weir_path_t *path, unsigned allow)
{
    if (!weir_utf8_valid(path->decoded)) {
        return WEIR_ERROR;
    }

    if (weir_path_pieces(path->decoded, allow, 0) != WEIR_OK) {
        return WEIR_ERROR;
    }

    /* an admitted %25 may hide dots from whoever decodes twice */

    if (allow & WEIR_PATH_ALLOW_ENC_PERCENT) {
        return weir_path_pieces(path->decoded, allow, 1);
    }

    return WEIR_OK;
}


/*
 * No piece of the path is ".", "..", begins or ends with "..", or is empty
 * before a further one.  Where "/", "\" and ";" were admitted inside a
 * segment, upstreams may cut there or drop what follows ";", so that they
 * delimit pieces too.  With twice, the path is read as if it were decoded
 * once more.
 */

static int
weir_path_pieces(weir_str_t s, unsigned allow, int twice)
{
    int             c, v, name, hollow;
    size_t          len, lead, trail;
    const uint8_t  *p, *last;

    p = s.data + 1;
    last = s.data + s.len;

    len = 0;
    lead = 0;
    trail = 0;
    name = 1;
    hollow = 0;

    for ( ;; ) {

        c = (p < last) ? *p++ : -1;

        if (twice && c == '%') {
            v = weir_path_hex(p, last);
            if (v >= 0) {
                c = v;
                p += 2;
            }
        }

        if (c == '.') {
            lead += (lead == len);
            trail++;
            len++;
            continue;
        }

        if (c != '/' && c != '\\' && c != ';' && c != -1) {
            trail = 0;
            len++;
            continue;
        }

        if (lead >= 2 || trail >= 2 || (lead == 1 && len == 1)) {
            return WEIR_ERROR;
        }

        if (c == -1) {
            return WEIR_OK;
        }

        if (name && len == 0) {
            hollow = 1;
        }

        name = (c != ';');

        if (name && hollow && !(allow & WEIR_PATH_ALLOW_DOUBLE_SLASH)) {
            return WEIR_ERROR;
        }

        len = 0;
        lead = 0;
        trail = 0;
    }
}


int
weir_path_same(const weir_path_t *a, const weir_path_t *b)
{
    const uint8_t  *p, *q, *plast, *qlast;

    p = a->decoded.data;
    q = b->decoded.data;

    plast = p + a->decoded.len;
    qlast = q + b->decoded.len;

    while (p < plast && q < qlast) {

        if (*p != *q) {
            return 0;
        }

        if (*p == '/') {
            while (p + 1 < plast && p[1] == '/') {
                p++;
            }

            while (q + 1 < qlast && q[1] == '/') {
                q++;
            }
        }

        p++;
        q++;
    }

    return p == plast && q == qlast;
}


/* The byte that two hex digits stand for, or -1. */

static int
weir_path_hex(const uint8_t *p, const uint8_t *last)
{
    int  high, low;

    if (last - p < 2) {
        return -1;
    }

    high = weir_hex_digit(p[0]);
    low = weir_hex_digit(p[1]);

    return high < 0 || low < 0 ? -1 : high << 4 | low;
}
