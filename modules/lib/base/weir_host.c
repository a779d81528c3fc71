
/*
 * Weir: the gate for a request's host, and query parameters (security.md
 * 1.4, 1.6).
 */

#include "weir_path.h"
#include "weir_addr.h"


static int weir_host_port(const uint8_t *p, const uint8_t *last);
static int weir_query_name(const uint8_t *p, const uint8_t *last,
    weir_str_t name);
static int weir_query_byte(const uint8_t **p, const uint8_t *last);


int
weir_host_gate(weir_str_t *host, uint8_t *buf, weir_str_t authority)
{
    uint8_t         c, *dst;
    weir_str_t      literal;
    weir_addr_t     addr;
    const uint8_t  *p, *last;

    host->len = 0;
    host->data = NULL;

    p = authority.data;
    last = p + authority.len;
    dst = buf;

    if (p == last) {
        return WEIR_ERROR;
    }

    if (*p == '[') {

        literal.data = p + 1;

        for (p++; p < last && *p != ']'; p++) { /* void */ }

        if (p == last) {
            return WEIR_ERROR;
        }

        literal.len = (size_t) (p - literal.data);
        p++;

        if (literal.len == 0
            || memchr(literal.data, ':', literal.len) == NULL
            || weir_addr_parse(literal, &addr) != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        if (p < last && (*p != ':' || weir_host_port(p + 1, last) != WEIR_OK))
        {
            return WEIR_ERROR;
        }

        *dst++ = '[';

        while (literal.len != 0) {
            c = *literal.data++;
            literal.len--;

            if (c >= 'A' && c <= 'F') {
                c |= 0x20;
            }

            *dst++ = c;
        }

        *dst++ = ']';

        goto done;
    }

    for ( /* void */ ; p < last; p++) {
        c = *p;

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        }

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
            || c == '-' || c == '_')
        {
            *dst++ = c;
            continue;
        }

        if (c == '.') {

            /* no empty label */

            if (dst == buf || dst[-1] == '.') {
                return WEIR_ERROR;
            }

            *dst++ = c;
            continue;
        }

        if (c == ':') {
            if (weir_host_port(p + 1, last) != WEIR_OK) {
                return WEIR_ERROR;
            }

            break;
        }

        return WEIR_ERROR;
    }

    if (dst != buf && dst[-1] == '.') {
        dst--;
    }

    if (dst == buf) {
        return WEIR_ERROR;
    }

done:

    host->data = buf;
    host->len = (size_t) (dst - buf);

    return WEIR_OK;
}


static int
weir_host_port(const uint8_t *p, const uint8_t *last)
{
    unsigned  port;

    if (p == last || last - p > 5) {
        return WEIR_ERROR;
    }

    for (port = 0; p < last; p++) {
        if (*p < '0' || *p > '9') {
            return WEIR_ERROR;
        }

        port = port * 10 + (*p - '0');
    }

    return (port != 0 && port <= 65535) ? WEIR_OK : WEIR_ERROR;
}


int
weir_host_match(weir_str_t glob, weir_str_t host)
{
    if (glob.len < 2 || glob.data[0] != '*' || glob.data[1] != '.') {
        return weir_str_eq(glob, host);
    }

    glob.data++;
    glob.len--;

    if (host.len <= glob.len) {
        return 0;
    }

    return memcmp(host.data + host.len - glob.len, glob.data, glob.len) == 0;
}


int
weir_query_param(weir_str_t args, weir_str_t name, uint8_t *buf,
    weir_str_t *value)
{
    int             c, n, rc;
    uint8_t        *dst;
    const uint8_t  *p, *q, *end, *last;

    n = 0;
    value->len = 0;
    value->data = NULL;

    if (args.len == 0) {
        return 0;
    }

    last = args.data + args.len;

    for (p = args.data; p < last; p = end + 1) {

        end = memchr(p, '&', (size_t) (last - p));

        if (end == NULL) {
            end = last;
        }

        if (p == end) {
            continue;
        }

        q = memchr(p, '=', (size_t) (end - p));

        if (q == NULL) {
            q = end;
        }

        /* a name that cannot be read might be this one to an upstream */

        rc = weir_query_name(p, q, name);

        if (rc == WEIR_ERROR) {
            value->len = 0;
            value->data = NULL;
            return WEIR_ERROR;
        }

        if (rc == WEIR_DECLINED) {
            continue;
        }

        dst = buf;

        for (q += (q < end); q < end; /* void */ ) {

            c = weir_query_byte(&q, end);

            if (c <= 0) {
                value->len = 0;
                value->data = NULL;
                return WEIR_ERROR;
            }

            *dst++ = (uint8_t) c;
        }

        if (n == 0) {
            value->data = buf;
            value->len = (size_t) (dst - buf);
            n = 1;

        } else {
            value->data = NULL;
            value->len = 0;
            n = 2;
        }
    }

    return n;
}


/* WEIR_OK when [p, last) decodes to name, WEIR_DECLINED when to another. */

static int
weir_query_name(const uint8_t *p, const uint8_t *last, weir_str_t name)
{
    int     c, same;
    size_t  i;

    same = 1;

    for (i = 0; p < last; i++) {

        c = weir_query_byte(&p, last);

        if (c <= 0) {
            return WEIR_ERROR;
        }

        if (i >= name.len || name.data[i] != c) {
            same = 0;
        }
    }

    return (same && i == name.len) ? WEIR_OK : WEIR_DECLINED;
}


/* The next byte, decoded: 0 for NUL, -1 for a bad escape. */

static int
weir_query_byte(const uint8_t **p, const uint8_t *last)
{
    int      high, low;
    uint8_t  c;

    c = *(*p)++;

    if (c == '+') {
        return ' ';
    }

    if (c != '%') {
        return c;
    }

    if (last - *p < 2) {
        return -1;
    }

    high = weir_hex_digit((*p)[0]);
    low = weir_hex_digit((*p)[1]);
    *p += 2;

    return high < 0 || low < 0 ? -1 : high << 4 | low;
}
