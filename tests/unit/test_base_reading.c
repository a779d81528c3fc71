
/*
 * Unit tests of lib/base: how another might read a path that is admitted.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "weir_path.h"


#define ALL  0xff


/* Raw spelling, what is admitted, the reading ("" for none, NULL refused). */

static const struct {
    const char  *raw;
    unsigned     allow;
    const char  *reading;
} rows[] = {
    { "/", 0, "" },
    { "/a", 0, "" },
    { "/a/", 0, "" },
    { "/a/b.c/%20", 0, "" },
    { "/a/b", ALL, "" },
    { "/%c3%a9/x", ALL, "" },

    { "/a//b", WEIR_PATH_ALLOW_DOUBLE_SLASH, "" },
    { "//a///b//", WEIR_PATH_ALLOW_DOUBLE_SLASH, "" },

    { "/a%2fb", WEIR_PATH_ALLOW_ENC_SLASH, "a|b" },
    { "/a%2Fb%2fc/d", WEIR_PATH_ALLOW_ENC_SLASH, "a|b|c|d" },
    { "/a%2f", WEIR_PATH_ALLOW_ENC_SLASH, "a" },
    { "/%2fa", WEIR_PATH_ALLOW_ENC_SLASH | WEIR_PATH_ALLOW_DOUBLE_SLASH,
      "a" },
    { "/a/%2fb", WEIR_PATH_ALLOW_ENC_SLASH | WEIR_PATH_ALLOW_DOUBLE_SLASH,
      "a|b" },
    { "/a%2f%2fb", WEIR_PATH_ALLOW_ENC_SLASH | WEIR_PATH_ALLOW_DOUBLE_SLASH,
      "a|b" },

    { "/a%5cb", WEIR_PATH_ALLOW_ENC_BACKSLASH, "a|b" },
    { "/%5cadmin", ALL, "admin" },

    { "/a;b", WEIR_PATH_ALLOW_SEMICOLON, "a" },
    { "/a;b/c", WEIR_PATH_ALLOW_SEMICOLON, "a|c" },
    { "/a;b;c=d/e;f", WEIR_PATH_ALLOW_SEMICOLON, "a|e" },
    { "/;b/c", WEIR_PATH_ALLOW_SEMICOLON | WEIR_PATH_ALLOW_DOUBLE_SLASH,
      "c" },
    { "/a;", WEIR_PATH_ALLOW_SEMICOLON, "a" },
    { "/a%3bb/c", WEIR_PATH_ALLOW_ENC_SEMICOLON, "a|c" },
    { "/a;x%2fb", WEIR_PATH_ALLOW_SEMICOLON | WEIR_PATH_ALLOW_ENC_SLASH,
      "a|b" },
    { "/a;x%5cb", ALL, "a|b" },

    { "/a%23b/c", WEIR_PATH_ALLOW_ENC_HASH, "a" },
    { "/%23/c", WEIR_PATH_ALLOW_ENC_HASH, "-" },

    { "/a%2561", WEIR_PATH_ALLOW_ENC_PERCENT, "aa" },
    { "/%2561dmin/x", WEIR_PATH_ALLOW_ENC_PERCENT, "admin|x" },
    { "/a%252fb", WEIR_PATH_ALLOW_ENC_PERCENT, "a|b" },
    { "/a%255cb", WEIR_PATH_ALLOW_ENC_PERCENT, "a|b" },
    { "/a%253bb/c", WEIR_PATH_ALLOW_ENC_PERCENT, "a|c" },
    { "/a%253fb/c", WEIR_PATH_ALLOW_ENC_PERCENT, "a" },
    { "/100%25", WEIR_PATH_ALLOW_ENC_PERCENT, "" },
    { "/100%25x", WEIR_PATH_ALLOW_ENC_PERCENT, "" },
    { "/100%25zz", WEIR_PATH_ALLOW_ENC_PERCENT, "" },
    { "/a%2525", WEIR_PATH_ALLOW_ENC_PERCENT, "a%" },
    { "/%25c3%25a9", WEIR_PATH_ALLOW_ENC_PERCENT, "\xc3\xa9" },

    /* so read it is no path */

    { "/a%2500b", WEIR_PATH_ALLOW_ENC_PERCENT, NULL },
    { "/a%250ab", WEIR_PATH_ALLOW_ENC_PERCENT, NULL },
    { "/a%257f", WEIR_PATH_ALLOW_ENC_PERCENT, NULL },
    { "/a%25252f", WEIR_PATH_ALLOW_ENC_PERCENT, NULL },
    { "/a%252561", WEIR_PATH_ALLOW_ENC_PERCENT, NULL },
    { "/a%25%36%31", WEIR_PATH_ALLOW_ENC_PERCENT, "aa" },
    { "/%25ff", WEIR_PATH_ALLOW_ENC_PERCENT, NULL },
    { "/a%2500./%2500..", WEIR_PATH_ALLOW_ENC_PERCENT, NULL },
    { "/.%2500/x", WEIR_PATH_ALLOW_ENC_PERCENT, NULL },
    { "/.%2500./x", WEIR_PATH_ALLOW_ENC_PERCENT, NULL }
};


static void
test_rows(void **state)
{
    int           rc;
    char          got[256];
    size_t        i, n;
    uint8_t      *in, *out, *buf;
    uint32_t      s;
    weir_path_t   path, other;

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {

        /* of exact size, so that the sanitizers see a byte too far */

        n = strlen(rows[i].raw);
        in = malloc(n);
        out = malloc(n);
        assert_non_null(in);
        assert_non_null(out);
        memcpy(in, rows[i].raw, n);

        rc = weir_path_gate(&path, out, (weir_str_t) { n, in },
                            rows[i].allow);

        if (rc != WEIR_OK) {

            /* the gate has refused it itself, which is as good */

            assert_null(rows[i].reading);
            free(in);
            free(out);
            continue;
        }

        buf = malloc(path.decoded.len);
        assert_non_null(buf);

        rc = weir_path_reading(&other, buf, &path);

        if (rows[i].reading == NULL) {
            if (rc != WEIR_ERROR) {
                fail_msg("%s: %d", rows[i].raw, rc);
            }

        } else if (rows[i].reading[0] == '\0') {
            if (rc != WEIR_DECLINED) {
                fail_msg("%s: %d", rows[i].raw, rc);
            }

        } else {
            if (rc != WEIR_OK) {
                fail_msg("%s: %d", rows[i].raw, rc);
            }

            got[0] = '\0';

            for (s = 0; s < other.nsegments; s++) {
                snprintf(got + strlen(got), sizeof(got) - strlen(got),
                         "%s%.*s", s ? "|" : "", (int) other.segments[s].len,
                         (const char *) other.segments[s].data);
            }

            assert_string_equal(other.nsegments ? got : "-",
                                rows[i].reading);
        }

        free(buf);
        free(in);
        free(out);
    }
}


/* Without an admitted spelling there never is another reading. */

static void
test_plain(void **state)
{
    int          rc;
    char         raw[8];
    size_t       i, n;
    uint8_t      out[8], buf[8];
    unsigned     seed;
    weir_path_t  path, other;

    static const char  bytes[] = "/a.;%2f5c\\#?b";

    (void) state;

    seed = 1;

    for (i = 0; i < 200000; i++) {
        raw[0] = '/';

        for (n = 1; n < sizeof(raw); n++) {
            seed = seed * 1103515245 + 12345;
            raw[n] = bytes[(seed >> 16) % (sizeof(bytes) - 1)];
        }

        rc = weir_path_gate(&path, out,
                            (weir_str_t) { n, (const uint8_t *) raw }, 0);

        if (rc == WEIR_OK) {
            assert_int_equal(weir_path_reading(&other, buf, &path),
                             WEIR_DECLINED);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_plain)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
