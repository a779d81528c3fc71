
/*
 * Fuzzer of the path gates: the first byte is what is admitted, the rest the
 * raw target.  Besides memory errors it looks for a target that passes
 * although a plain reading of security.md 1.1 refuses it.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "weir_path.h"


static void check_plain(weir_str_t raw, const weir_path_t *path);
static int longer_decoded(const weir_path_t *path, unsigned allow);
static int hex(int c);


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                 rc;
    uint8_t            *buf;
    unsigned            allow;
    uint32_t            i;
    weir_str_t          raw;
    static weir_path_t  path, decoded;

    if (size == 0) {
        return 0;
    }

    allow = data[0];
    raw.data = data + 1;
    raw.len = size - 1;

    buf = malloc(raw.len + 1);
    if (buf == NULL) {
        return 0;
    }

    rc = weir_path_gate(&path, buf, raw, allow);

    if (rc == WEIR_OK) {

        if (path.decoded.len > raw.len || path.decoded.data[0] != '/') {
            abort();
        }

        rc = weir_path_gate_decoded(&decoded, path.decoded, allow);

        if (rc == WEIR_OK ? !weir_path_same(&path, &decoded)
                          : !longer_decoded(&path, allow))
        {
            abort();
        }

        for (i = 0; i < path.nsegments; i++) {

            if (path.segments[i].len == 0
                || path.segments[i].data < buf
                || path.segments[i].data + path.segments[i].len
                   > buf + raw.len)
            {
                abort();
            }
        }

        if (allow == 0) {
            check_plain(raw, &path);
        }
    }

    free(buf);

    (void) weir_path_gate_decoded(&decoded, raw, allow);

    return 0;
}


/*
 * An admitted %2f is no separator in the raw target and one in the decoded
 * path, which may so have more segments than there is room for.
 */

static int
longer_decoded(const weir_path_t *path, unsigned allow)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < path->decoded.len; i++) {
        n += path->decoded.data[i] == '/';
    }

    return (allow & WEIR_PATH_ALLOW_ENC_SLASH) != 0
           && n > WEIR_PATH_MAX_SEGMENTS;
}


/* The rule, byte by byte, written once more and differently. */

static void
check_plain(weir_str_t raw, const weir_path_t *path)
{
    int       c;
    size_t    i, n, start;
    uint8_t  *text;

    text = malloc(raw.len + 2);
    if (text == NULL) {
        return;
    }

    n = 0;

    for (i = 0; i < raw.len; i++) {
        c = raw.data[i];

        if (c < 0x21 || c > 0x7e || strchr("#\\;?", c) != NULL) {
            abort();
        }

        if (c == '%') {
            if (i + 2 >= raw.len || hex(raw.data[i + 1]) < 0
                || hex(raw.data[i + 2]) < 0)
            {
                abort();
            }

            c = hex(raw.data[i + 1]) * 16 + hex(raw.data[i + 2]);
            i += 2;

            if (c < 0x20 || c == 0x7f || strchr("#%./;?\\", c) != NULL) {
                abort();
            }
        }

        text[n++] = (uint8_t) c;
    }

    if (path->decoded.len != n || memcmp(path->decoded.data, text, n) != 0) {
        abort();
    }

    text[n] = '\0';

    if (strstr((char *) text, "//") != NULL) {
        abort();
    }

    text[n] = '/';

    for (start = 1, i = 1; i <= n; i++) {

        if (text[i] != '/') {
            continue;
        }

        if (i - start == 1 && text[start] == '.') {
            abort();
        }

        if (i - start >= 2
            && (memcmp(text + start, "..", 2) == 0
                || memcmp(text + i - 2, "..", 2) == 0))
        {
            abort();
        }

        start = i + 1;
    }

    if (!weir_utf8_valid(path->decoded)) {
        abort();
    }

    free(text);
}


static int
hex(int c)
{
    const char  *p;

    static const char  digits[] = "0123456789abcdefABCDEF";

    if (c == 0) {
        return -1;
    }

    p = strchr(digits, c);

    if (p == NULL) {
        return -1;
    }

    return (int) (p - digits) - (p - digits >= 16 ? 6 : 0);
}
