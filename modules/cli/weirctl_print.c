
/*
 * weirctl: what is printed: text of others, which a store, a report or a
 * server gave us, is not to control the operator's terminal.
 */

#include <stdlib.h>

#include "weirctl.h"


static size_t weirctl_print_len(weir_str_t text, uint32_t *ch);
static int weirctl_print_harmless(uint32_t ch);


void
weirctl_print_text(FILE *out, weir_str_t text)
{
    size_t    n;
    uint32_t  ch;

    while (text.len != 0) {
        n = weirctl_print_len(text, &ch);

        if (n != 0 && weirctl_print_harmless(ch)) {
            (void) fwrite(text.data, 1, n, out);

        } else {
            (void) putc('?', out);
        }

        n += n == 0;
        text.data += n;
        text.len -= n;
    }
}


void
weirctl_print_lines(FILE *out, weir_str_t text)
{
    size_t  n;

    while (text.len != 0) {

        for (n = 0; n < text.len; n++) {
            if (text.data[n] == '\n' || text.data[n] == '\t') {
                break;
            }
        }

        weirctl_print_text(out, (weir_str_t) { n, text.data });

        if (n < text.len) {
            (void) putc(text.data[n++], out);
        }

        text.data += n;
        text.len -= n;
    }
}


/* Bytes of the first character; 0: it is no UTF-8. */

static size_t
weirctl_print_len(weir_str_t text, uint32_t *ch)
{
    size_t   i, n;
    uint8_t  c;

    c = text.data[0];

    if (c < 0x80) {
        *ch = c;
        return 1;
    }

    n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

    if (n > text.len || !weir_utf8_valid((weir_str_t) { n, text.data })) {
        return 0;
    }

    *ch = c & (0xffU >> (n + 1));

    for (i = 1; i < n; i++) {
        *ch = *ch << 6 | (text.data[i] & 0x3f);
    }

    return n;
}


/* Neither a control (C0, DEL, C1) nor what breaks or turns a line around. */

static int
weirctl_print_harmless(uint32_t ch)
{
    return ch >= 0x20 && (ch < 0x7f || ch > 0x9f) && ch != 0x061c
           && ch != 0x200e && ch != 0x200f && (ch < 0x2028 || ch > 0x202e)
           && (ch < 0x2066 || ch > 0x2069);
}


void
weirctl_print(FILE *out, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    weirctl_vprint(out, fmt, args);
    va_end(args);
}


void
weirctl_vprint(FILE *out, const char *fmt, va_list args)
{
    int    len;
    char  *text;

    len = vasprintf(&text, fmt, args);

    if (len < 0) {
        (void) fputs("out of memory", out);
        return;
    }

    weirctl_print_text(out, (weir_str_t) { (size_t) len,
                                           (const uint8_t *) text });
    free(text);
}


int
weirctl_error(const char *fmt, ...)
{
    va_list  args;

    (void) fputs("weirctl: ", stderr);

    va_start(args, fmt);
    weirctl_vprint(stderr, fmt, args);
    va_end(args);

    (void) putc('\n', stderr);

    return WEIRCTL_USAGE;
}


void
weirctl_note(const weirctl_t *ctl, const char *fmt, ...)
{
    va_list  args;

    if (ctl->quiet) {
        return;
    }

    (void) fputs("weirctl: ", stderr);

    va_start(args, fmt);
    weirctl_vprint(stderr, fmt, args);
    va_end(args);

    (void) putc('\n', stderr);
}
