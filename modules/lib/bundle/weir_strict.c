
/*
 * Weir: the JSON of signed documents, read in one pass and written canonical.
 */

#include "weir_strict.h"


static int weir_read_more(weir_reader_t *r);
static int weir_read_next(weir_reader_t *r, uint32_t *n, uint8_t bracket);
static int weir_read_escape(weir_reader_t *r, uint8_t **dst);
static int weir_read_hex(weir_reader_t *r, uint32_t *v);
static size_t weir_write_byte_len(uint8_t c);


static const uint8_t  weir_strict_hex[] = "0123456789abcdef";


void
weir_reader_init(weir_reader_t *r, weir_arena_t *a, weir_str_t text)
{
    memset(r, 0, sizeof(weir_reader_t));

    r->start = text.data;
    r->p = text.data;
    r->last = text.data + text.len;
    r->arena = a;
}


int
weir_read_fault(weir_reader_t *r, const char *expected)
{
    if (r->rc == WEIR_OK) {
        r->rc = WEIR_ERROR;
        r->expected = expected;
        r->cut = r->p == r->last;
    }

    return r->rc;
}


int
weir_read_lacks(weir_reader_t *r, const char *expected)
{
    int  rc;

    rc = weir_read_fault(r, expected);

    /* what lacks something did come to its end */

    r->cut = 0;

    return rc;
}


int
weir_read_error(const weir_reader_t *r, const char *what, weir_err_t *err)
{
    if (r->cut) {
        return weir_err(err, "%s ends at byte %zu, before %s", what,
                        (size_t) (r->p - r->start), r->expected);
    }

    return weir_err(err, "%s, byte %zu: expected %s", what,
                    (size_t) (r->p - r->start), r->expected);
}


/* Behind white space: WEIR_OK if something is there. */

static int
weir_read_more(weir_reader_t *r)
{
    if (r->rc != WEIR_OK) {
        return r->rc;
    }

    while (r->p < r->last
           && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t'
               || *r->p == '\r'))
    {
        r->p++;
    }

    return r->p < r->last ? WEIR_OK : WEIR_DECLINED;
}


int
weir_read_open(weir_reader_t *r, uint8_t bracket)
{
    if (weir_read_more(r) != WEIR_OK || *r->p != bracket) {
        return weir_read_fault(r, bracket == '{' ? "an object" : "an array");
    }

    r->p++;

    return WEIR_OK;
}


static int
weir_read_next(weir_reader_t *r, uint32_t *n, uint8_t bracket)
{
    if (weir_read_more(r) != WEIR_OK) {
        return weir_read_fault(r, "',' or the end of the list");
    }

    if (*r->p == bracket) {
        r->p++;
        return WEIR_DECLINED;
    }

    if (*n != 0) {

        if (*r->p != ',') {
            return weir_read_fault(r, "',' or the end of the list");
        }

        r->p++;
    }

    *n += 1;

    return WEIR_OK;
}


int
weir_read_item(weir_reader_t *r, uint32_t *n)
{
    return weir_read_next(r, n, ']');
}


int
weir_read_member(weir_reader_t *r, uint32_t *n, weir_str_t *name)
{
    int  rc;

    rc = weir_read_next(r, n, '}');

    if (rc != WEIR_OK) {
        return rc;
    }

    if (weir_read_string(r, name) != WEIR_OK) {
        return r->rc;
    }

    if (weir_read_more(r) != WEIR_OK || *r->p != ':') {
        return weir_read_fault(r, "':'");
    }

    r->p++;

    return WEIR_OK;
}


int
weir_read_end(weir_reader_t *r)
{
    if (weir_read_more(r) == WEIR_OK) {
        return weir_read_fault(r, "nothing more");
    }

    return r->rc;
}


int
weir_read_null(weir_reader_t *r)
{
    if (weir_read_more(r) != WEIR_OK) {
        return weir_read_fault(r, "a value");
    }

    if (*r->p != 'n') {
        return WEIR_DECLINED;
    }

    if (r->last - r->p < 4 || memcmp(r->p, "null", 4) != 0) {
        return weir_read_fault(r, "null");
    }

    r->p += 4;

    return WEIR_OK;
}


int
weir_read_u64(weir_reader_t *r, uint64_t *v)
{
    weir_str_t  digits;

    static const char  expected[] = "an integer from 0 to 18446744073709551615";

    if (weir_read_more(r) != WEIR_OK) {
        return weir_read_fault(r, expected);
    }

    digits.data = r->p;
    digits.len = 0;

    while (r->p + digits.len < r->last && digits.data[digits.len] >= '0'
           && digits.data[digits.len] <= '9')
    {
        digits.len++;
    }

    if (weir_u64_parse(digits, v) != WEIR_OK) {
        return weir_read_fault(r, expected);
    }

    r->p += digits.len;

    /* a fraction or an exponent: of another type, whatever its value */

    if (r->p < r->last && (*r->p == '.' || (*r->p | 0x20) == 'e')) {
        return weir_read_fault(r, expected);
    }

    return WEIR_OK;
}


int
weir_u64_parse(weir_str_t s, uint64_t *v)
{
    size_t    i;
    uint64_t  value, digit;

    if (s.len == 0 || (s.len > 1 && s.data[0] == '0')) {
        return WEIR_ERROR;
    }

    value = 0;

    for (i = 0; i < s.len; i++) {

        if (s.data[i] < '0' || s.data[i] > '9') {
            return WEIR_ERROR;
        }

        digit = s.data[i] - '0';

        if (value > (UINT64_MAX - digit) / 10) {
            return WEIR_ERROR;
        }

        value = value * 10 + digit;
    }

    *v = value;

    return WEIR_OK;
}


/*
 * A string without escapes is a slice of the text.  Lone surrogates, NUL and
 * what is not UTF-8 are faults.
 */

int
weir_read_string(weir_reader_t *r, weir_str_t *s)
{
    uint8_t        *dst, *out;
    const uint8_t  *p, *from, *slash;

    if (weir_read_more(r) != WEIR_OK || *r->p != '"') {
        return weir_read_fault(r, "a string");
    }

    from = r->p + 1;
    slash = NULL;

    for (p = from; p < r->last && *p != '"'; p++) {

        if (*p < 0x20) {
            r->p = p;
            return weir_read_fault(r, "no control character in a string");
        }

        if (*p == '\\') {

            if (slash == NULL) {
                slash = p;
            }

            if (++p == r->last) {
                break;
            }
        }
    }

    if (p >= r->last) {
        r->p = r->last;
        return weir_read_fault(r, "the end of a string");
    }

    s->data = from;
    s->len = (size_t) (p - from);

    if (slash != NULL) {
        dst = weir_arena_alloc(r->arena, s->len);

        if (dst == NULL) {
            r->rc = WEIR_NOMEM;
            return r->rc;
        }

        out = dst;
        r->p = from;

        while (r->p < p) {

            if (*r->p != '\\') {
                *out++ = *r->p++;
                continue;
            }

            if (weir_read_escape(r, &out) != WEIR_OK) {
                return r->rc;
            }
        }

        s->data = dst;
        s->len = (size_t) (out - dst);
    }

    r->p = from;

    if (!weir_utf8_valid(*s)) {
        return weir_read_fault(r, "UTF-8");
    }

    r->p = p + 1;

    return WEIR_OK;
}


/* At a backslash; the string's end is known to lie behind. */

static int
weir_read_escape(weir_reader_t *r, uint8_t **dst)
{
    uint8_t        c;
    uint32_t       v, low;
    const uint8_t  *found;

    static const uint8_t  names[] = "\"\\/bfnrt";
    static const uint8_t  values[] = "\"\\/\b\f\n\r\t";

    c = r->p[1];

    if (c != 'u') {
        found = memchr(names, c, sizeof(names) - 1);

        if (found == NULL) {
            return weir_read_fault(r, "an escape that JSON has");
        }

        *(*dst)++ = values[found - names];
        r->p += 2;

        return WEIR_OK;
    }

    if (weir_read_hex(r, &v) != WEIR_OK) {
        return r->rc;
    }

    if (v >= 0xd800 && v <= 0xdbff) {

        if (r->last - r->p < 2 || r->p[0] != '\\' || r->p[1] != 'u') {
            return weir_read_fault(r, "the second half of a character");
        }

        if (weir_read_hex(r, &low) != WEIR_OK) {
            return r->rc;
        }

        if (low < 0xdc00 || low > 0xdfff) {
            return weir_read_fault(r, "the second half of a character");
        }

        v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);

    } else if (v == 0 || (v >= 0xdc00 && v <= 0xdfff)) {
        return weir_read_fault(r, "a character before the escape");
    }

    /* at most 3 bytes for the 6 of an escape, 4 for 12 */

    *dst = weir_utf8_put(*dst, v);

    return WEIR_OK;
}


/* \uXXXX */

static int
weir_read_hex(weir_reader_t *r, uint32_t *v)
{
    int       i, digit;
    uint32_t  value;

    value = 0;

    if (r->last - r->p < 6) {
        return weir_read_fault(r, "four hex digits");
    }

    for (i = 2; i < 6; i++) {
        digit = weir_hex_digit(r->p[i]);

        if (digit < 0) {
            return weir_read_fault(r, "four hex digits");
        }

        value = value << 4 | (uint32_t) digit;
    }

    r->p += 6;
    *v = value;

    return WEIR_OK;
}


int
weir_read_known(weir_str_t name, const weir_str_t *names, unsigned n,
    uint32_t *seen)
{
    unsigned  i;

    for (i = 0; i < n; i++) {

        if (!weir_str_eq(name, names[i])) {
            continue;
        }

        if (*seen & 1u << i) {
            return WEIR_ERROR;
        }

        *seen |= 1u << i;

        return (int) i;
    }

    return WEIR_DECLINED;
}


void
weir_write(weir_writer_t *w, weir_str_t s)
{
    if (w->data != NULL && s.len != 0) {
        memcpy(w->data + w->len, s.data, s.len);
    }

    w->len += s.len;
}


void
weir_write_u64(weir_writer_t *w, uint64_t v)
{
    size_t   n;
    uint8_t  buf[20];

    n = sizeof(buf);

    do {
        buf[--n] = (uint8_t) ('0' + v % 10);
        v /= 10;
    } while (v != 0);

    weir_write(w, (weir_str_t) { sizeof(buf) - n, buf + n });
}


static size_t
weir_write_byte_len(uint8_t c)
{
    switch (c) {

    case '"': case '\\': case '\n': case '\r': case '\t':
        return 2;

    default:
        return c < 0x20 ? 6 : 1;
    }
}


size_t
weir_write_string_len(weir_str_t s)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < s.len; i++) {
        n += weir_write_byte_len(s.data[i]);
    }

    return n;
}


void
weir_write_string(weir_writer_t *w, weir_str_t s)
{
    size_t   i;
    uint8_t  c, *p;

    if (w->data == NULL) {
        w->len += 2 + weir_write_string_len(s);
        return;
    }

    p = w->data + w->len;
    *p++ = '"';

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        switch (weir_write_byte_len(c)) {

        case 1:
            *p++ = c;
            break;

        case 2:
            *p++ = '\\';
            *p++ = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c;
            break;

        default:
            memcpy(p, "\\u00", 4);
            p[4] = weir_strict_hex[c >> 4];
            p[5] = weir_strict_hex[c & 0x0f];
            p += 6;
            break;
        }
    }

    *p++ = '"';
    w->len = (size_t) (p - w->data);
}
