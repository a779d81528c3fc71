
/*
 * Weir: records of decisions, as lines of JSON.
 */

#include <stdio.h>

#include "weir_record.h"
#include "weir_time.h"


static size_t weir_record_char(weir_str_t s, uint32_t *ch);
static void weir_record_escape(weir_record_t *w, uint32_t ch);


void
weir_record_init(weir_record_t *w, uint8_t *data, size_t size)
{
    w->data = data;
    w->len = 0;
    w->size = size;
    w->full = 0;
}


void
weir_record_raw(weir_record_t *w, weir_str_t s)
{
    if (w->full || s.len > w->size - w->len) {
        w->full = 1;
        return;
    }

    if (s.len != 0) {
        memcpy(w->data + w->len, s.data, s.len);
        w->len += s.len;
    }
}


void
weir_record_string(weir_record_t *w, weir_str_t s)
{
    size_t      n;
    uint32_t    ch;
    weir_str_t  plain;

    weir_record_raw(w, weir_str("\""));

    while (s.len != 0 && !w->full) {

        for (n = 0; n < s.len; n++) {
            if (s.data[n] < 0x20 || s.data[n] > 0x7e || s.data[n] == '"'
                || s.data[n] == '\\')
            {
                break;
            }
        }

        plain.data = s.data;
        plain.len = n;

        weir_record_raw(w, plain);

        if (n < s.len) {
            plain.data = s.data + n;
            plain.len = s.len - n;

            n += weir_record_char(plain, &ch);

            weir_record_escape(w, ch);
        }

        s.data += n;
        s.len -= n;
    }

    weir_record_raw(w, weir_str("\""));
}


int
weir_record_beginning(weir_record_t *w, weir_str_t s, size_t max)
{
    size_t      n, last, size, from;
    uint32_t    ch;
    weir_str_t  one;

    size = w->size;
    from = w->len;

    if (size - from < max) {
        max = size - from;
    }

    if (w->full || max < 2) {
        w->full = 1;
        return 1;
    }

    w->size = from + max;

    weir_record_string(w, s);

    if (!w->full) {
        w->size = size;
        return 0;
    }

    /* a character at a time, while there is room for the quote */

    weir_record_back(w, from);
    weir_record_raw(w, weir_str("\""));

    w->size--;
    last = w->len;

    while (s.len != 0) {
        n = weir_record_char(s, &ch);
        last = w->len;

        if (ch >= 0x20 && ch <= 0x7e && ch != '"' && ch != '\\') {
            one.data = s.data;
            one.len = 1;
            weir_record_raw(w, one);

        } else {
            weir_record_escape(w, ch);
        }

        if (w->full) {
            break;
        }

        s.data += n;
        s.len -= n;
    }

    weir_record_back(w, last);

    w->size = size;
    weir_record_raw(w, weir_str("\""));

    return 1;
}


void
weir_record_back(weir_record_t *w, size_t len)
{
    w->len = len;
    w->full = 0;
}


/* The first character of s, and its bytes. */

static size_t
weir_record_char(weir_str_t s, uint32_t *ch)
{
    size_t      i;
    uint8_t     c;
    weir_str_t  first;

    c = s.data[0];

    if (c < 0x80) {
        *ch = c;
        return 1;
    }

    first.data = s.data;
    first.len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

    if (first.len > s.len || !weir_utf8_valid(first)) {
        *ch = 0xfffd;
        return 1;
    }

    *ch = c & (0xffU >> (first.len + 1));

    for (i = 1; i < first.len; i++) {
        *ch = *ch << 6 | (s.data[i] & 0x3f);
    }

    return first.len;
}


static void
weir_record_escape(weir_record_t *w, uint32_t ch)
{
    int         n;
    char        text[16];
    weir_str_t  s;

    if (ch == '"' || ch == '\\') {
        n = snprintf(text, sizeof(text), "\\%c", (char) ch);

    } else if (ch < 0x10000) {
        n = snprintf(text, sizeof(text), "\\u%04x", (unsigned) ch);

    } else {
        ch -= 0x10000;
        n = snprintf(text, sizeof(text), "\\u%04x\\u%04x",
                     0xd800U + (unsigned) (ch >> 10),
                     0xdc00U + (unsigned) (ch & 0x3ff));
    }

    s.data = (const uint8_t *) text;
    s.len = (size_t) n;

    weir_record_raw(w, s);
}


void
weir_record_number(weir_record_t *w, int64_t n)
{
    char        text[24];
    weir_str_t  s;

    s.len = (size_t) snprintf(text, sizeof(text), "%lld", (long long) n);
    s.data = (const uint8_t *) text;

    weir_record_raw(w, s);
}


void
weir_record_name(weir_record_t *w, const char *name)
{
    weir_record_raw(w, weir_str(",\""));
    weir_record_raw(w, weir_cstr(name));
    weir_record_raw(w, weir_str("\":"));
}


void
weir_record_time(weir_record_t *w, int64_t seconds, unsigned ms)
{
    int         n;
    char        text[48];
    uint8_t     date[WEIR_TIME_LEN];
    weir_str_t  s;

    weir_time_format(date, seconds);

    n = snprintf(text, sizeof(text), "\"%.*s.%03uZ\"", WEIR_TIME_LEN - 1,
                 (const char *) date, ms % 1000);

    s.data = (const uint8_t *) text;
    s.len = (size_t) n;

    weir_record_raw(w, s);
}
