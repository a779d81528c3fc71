
/*
 * Unit tests of lib/base: the path gate, row by row of security.md 1.1.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "weir_path.h"


#define str(s)  weir_cstr(s)

#define SLASH      WEIR_PATH_ALLOW_ENC_SLASH
#define DOUBLE     WEIR_PATH_ALLOW_DOUBLE_SLASH
#define SEMICOLON  WEIR_PATH_ALLOW_SEMICOLON
#define ENC_SEMI   WEIR_PATH_ALLOW_ENC_SEMICOLON
#define PERCENT    WEIR_PATH_ALLOW_ENC_PERCENT
#define BACKSLASH  WEIR_PATH_ALLOW_ENC_BACKSLASH
#define HASH       WEIR_PATH_ALLOW_ENC_HASH
#define DOT        WEIR_PATH_ALLOW_ENC_DOT
#define ALL        0xff


static weir_path_t  path;


/*
 * The gate on copies of exact size, so that the sanitizers see a byte read
 * or written too far.
 */

static int
gate(weir_str_t raw, unsigned allow)
{
    int              rc;
    static uint8_t  *in, *out;

    free(in);
    free(out);

    in = malloc(raw.len + !raw.len);
    out = malloc(raw.len + !raw.len);
    assert_non_null(in);
    assert_non_null(out);

    memcpy(in, raw.data, raw.len);

    rc = weir_path_gate(&path, out, (weir_str_t) { raw.len, in }, allow);

    memset(in, 'x', raw.len);

    return rc;
}


/* segments: joined with "|". */

static void
check(const char *raw, unsigned allow, const char *decoded,
    const char *segments)
{
    char      joined[1024];
    size_t    n;
    uint32_t  i;

    if (gate(str(raw), allow) != WEIR_OK) {
        fail_msg("refused: %s", raw);
    }

    if (!weir_str_eq(path.decoded, str(decoded))) {
        fail_msg("%s decoded: %.*s", raw, (int) path.decoded.len,
                 path.decoded.data);
    }

    n = 0;

    for (i = 0; i < path.nsegments; i++) {
        n += (size_t) sprintf(joined + n, "%s%.*s", i ? "|" : "",
                              (int) path.segments[i].len,
                              path.segments[i].data);
    }

    joined[n] = '\0';
    assert_string_equal(joined, segments);
}


static void
refuse(const char *raw, unsigned allow)
{
    if (gate(str(raw), allow) != WEIR_ERROR) {
        fail_msg("admitted with 0x%02x: %s", allow, raw);
    }
}


static void
test_ordinary(void **state)
{
    (void) state;

    check("/", 0, "/", "");
    check("/a", 0, "/a", "a");
    check("/a/", 0, "/a/", "a");
    check("/a/b/c", 0, "/a/b/c", "a|b|c");
    check("/A/b", 0, "/A/b", "A|b");
    check("/a%20b", 0, "/a b", "a b");
    check("/caf%C3%A9", 0, "/caf\xc3\xa9", "caf\xc3\xa9");
    check("/caf%c3%a9", 0, "/caf\xc3\xa9", "caf\xc3\xa9");
    check("/%41%7e", 0, "/A~", "A~");
    check("/a:b@c!$&'()*+,=-_~", 0, "/a:b@c!$&'()*+,=-_~",
          "a:b@c!$&'()*+,=-_~");
    check("/a|b^c{d}\"<>[]`", 0, "/a|b^c{d}\"<>[]`", "a|b^c{d}\"<>[]`");

    /* dots where they are ordinary */

    check("/.well-known/x", 0, "/.well-known/x", ".well-known|x");
    check("/a.b", 0, "/a.b", "a.b");
    check("/a..b", 0, "/a..b", "a..b");
    check("/a...b", 0, "/a...b", "a...b");
    check("/a.", 0, "/a.", "a.");
    check("/.a.", 0, "/.a.", ".a.");
    check("/v1.0/index.html", 0, "/v1.0/index.html", "v1.0|index.html");

    /* what decodes to bytes that matter to nobody */

    check("/%22%3c%3e%5b%5d%7b%7d%7c", 0, "/\"<>[]{}|", "\"<>[]{}|");
    check("/%26%3d%2b%40%3a%2a%21", 0, "/&=+@:*!", "&=+@:*!");
    check("/a+b", 0, "/a+b", "a+b");
}


static void
test_no_slash(void **state)
{
    (void) state;

    refuse("", ALL);
    refuse("a", ALL);
    refuse("*", ALL);
    refuse("%2f", ALL);
    refuse("http://gw.test/a", ALL);
}


/* "#", "\", ";", control bytes and non-ASCII written raw. */

static void
test_raw_bytes(void **state)
{
    char      raw[] = "/a?b";
    unsigned  c;

    (void) state;

    refuse("/t/a#/../../admin/x", 0);
    refuse("/a#", ALL);
    refuse("/#a", ALL);
    refuse("/a\\b", ALL);
    refuse("/\\..\\admin", ALL);
    refuse("/a;b", 0);
    refuse("/a;b", ALL & ~SEMICOLON);
    refuse("/a?b", ALL);
    refuse("/a b", ALL);
    refuse("/caf\xc3\xa9", ALL);

    for (c = 1; c < 256; c++) {
        raw[2] = (char) c;

        if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\' || c == '?'
            || c == '%')
        {
            refuse(raw, ALL);
        }
    }

    assert_int_equal(gate((weir_str_t) { 4, (uint8_t *) "/a\0b" }, ALL),
                     WEIR_ERROR);
}


static void
test_bad_percent(void **state)
{
    (void) state;

    refuse("/%", ALL);
    refuse("/%4", ALL);
    refuse("/a%", ALL);
    refuse("/a%4/", ALL);
    refuse("/%zz", ALL);
    refuse("/%4g", ALL);
    refuse("/%g4", ALL);
    refuse("/%%41", ALL);
    refuse("/%u0041", ALL);
    refuse("/% 41", ALL);
    refuse("/%+1", ALL);
    refuse("/%-1", ALL);
    refuse("/%0x", ALL);
}


static void
test_utf8(void **state)
{
    (void) state;

    refuse("/%80", ALL);
    refuse("/%ff", ALL);
    refuse("/%c3", ALL);
    refuse("/%c3/%a9", ALL);
    refuse("/%c0%af", ALL);
    refuse("/%c0%ae%c0%ae", ALL);
    refuse("/%e0%80%af", ALL);
    refuse("/%f0%80%80%af", ALL);
    refuse("/%ed%a0%80", ALL);
    refuse("/%f4%90%80%80", ALL);
    refuse("/%c1%9c", ALL);
    refuse("/caf%e9", ALL);

    check("/%f0%9f%98%80", 0, "/\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
}


static void
test_double_slash(void **state)
{
    (void) state;

    refuse("//", 0);
    refuse("//a", 0);
    refuse("/a//b", 0);
    refuse("/a//", 0);
    refuse("/a///b", 0);
    refuse("//a", ALL & ~DOUBLE);

    check("//", DOUBLE, "/", "");
    check("//a", DOUBLE, "/a", "a");
    check("/a//b", DOUBLE, "/a/b", "a|b");
    check("/a////b//", DOUBLE, "/a/b/", "a|b");
}


static void
test_dot_segments(void **state)
{
    size_t    i;
    unsigned  allow;

    static const char  *bad[] = {
        "/.", "/..", "/./", "/../", "/a/.", "/a/..", "/a/./b", "/a/../b",
        "/...", "/....", "/..a", "/a..", "/a../b", "/..a/b", "/a/...b",
        "/a/b..", "/a/b../", "/..;/a", "/..%20", "/%20..", "/a/..%00"
    };

    static const char  *encoded[] = {
        "/%2e", "/%2e%2e", "/.%2e", "/%2e.", "/%2E%2E/a", "/a/%2e/b",
        "/a/.%2E/b", "/%2e%2ea", "/a%2e%2e", "/a%2e.", "/%2e%2e%2e"
    };

    (void) state;

    for (allow = 0; allow <= ALL; allow++) {

        for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            refuse(bad[i], allow);
        }

        for (i = 0; i < sizeof(encoded) / sizeof(encoded[0]); i++) {
            refuse(encoded[i], allow);
        }
    }

    /* an encoded dot elsewhere, only where %2e is admitted */

    refuse("/a%2eb", 0);
    refuse("/a%2eb", ALL & ~DOT);
    check("/a%2eb", DOT, "/a.b", "a.b");
    check("/%2ewell-known", DOT, "/.well-known", ".well-known");
}


/* Percent-encoded control bytes, %23 %25 %2e %2f %3b %3f %5c %7f. */

static void
test_encoded_bytes(void **state)
{
    char    decoded[16];
    size_t  i;

    static const struct {
        const char  *raw;
        unsigned     allow;
        const char  *segment;
    } v[] = {
        { "/a%23b", HASH, "a#b" },
        { "/a%25b", PERCENT, "a%b" },
        { "/a%2eb", DOT, "a.b" },
        { "/a%2Eb", DOT, "a.b" },
        { "/a%2fb", SLASH, "a/b" },
        { "/a%2Fb", SLASH, "a/b" },
        { "/a%3bb", ENC_SEMI, "a;b" },
        { "/a%3Bb", ENC_SEMI, "a;b" },
        { "/a%5cb", BACKSLASH, "a\\b" },
        { "/a%5Cb", BACKSLASH, "a\\b" }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        refuse(v[i].raw, 0);
        refuse(v[i].raw, ALL & ~v[i].allow);

        sprintf(decoded, "/%s", v[i].segment);
        check(v[i].raw, v[i].allow, decoded, v[i].segment);
    }
}


static void
test_encoded_never(void **state)
{
    char      raw[16];
    unsigned  c;

    (void) state;

    refuse("/a%3fb", ALL);
    refuse("/a%3Fb", ALL);
    refuse("/a%7f", ALL);
    refuse("/a%7F", ALL);

    for (c = 0; c < 0x20; c++) {
        sprintf(raw, "/a%%%02xb", c);
        refuse(raw, ALL);
        sprintf(raw, "/a%%%02XB", c);
        refuse(raw, ALL);
    }
}


/* What an admitted spelling must not bring back. */

static void
test_admitted_is_harmless(void **state)
{
    (void) state;

    /* %2f: one segment's byte, but dots beside it count */

    check("/a%2fb/c", SLASH, "/a/b/c", "a/b|c");
    check("/a%2f", SLASH, "/a/", "a/");
    refuse("/a%2f..%2fb", SLASH);
    refuse("/a%2f../b", SLASH);
    refuse("/a%2f.%2fb", SLASH);
    refuse("/a%2f..", SLASH);
    refuse("/a%2f.", SLASH);
    refuse("/a%2f..b", SLASH);
    refuse("/..%2fa", SLASH);
    refuse("/.%2fa", SLASH);
    refuse("/a..%2fb", SLASH);
    refuse("/a%2f%2e%2e%2fb", SLASH | DOT);

    /* %2f is half of a "//" */

    refuse("/%2fadmin", SLASH);
    refuse("/a%2f/b", SLASH);
    refuse("/a/%2fb", SLASH);
    refuse("/a%2f%2fb", SLASH);
    refuse("/a%2f/", SLASH);
    check("/a%2f%2fb", SLASH | DOUBLE, "/a//b", "a//b");

    /* ";": what follows is dropped by some */

    check("/a;v=1/b", SEMICOLON, "/a;v=1/b", "a;v=1|b");
    check("/a;v=1.0;w", SEMICOLON, "/a;v=1.0;w", "a;v=1.0;w");
    check("/a/;s=1", SEMICOLON, "/a/;s=1", "a|;s=1");
    check("/;s=1", SEMICOLON, "/;s=1", ";s=1");
    check("/a%3bv", ENC_SEMI, "/a;v", "a;v");
    refuse("/..;/admin", SEMICOLON);
    refuse("/..;v=1/admin", SEMICOLON);
    refuse("/.;/admin", SEMICOLON);
    refuse("/a/.;x", SEMICOLON);
    refuse("/a..;/b", SEMICOLON);
    refuse("/a;..", SEMICOLON);
    refuse("/;/admin", SEMICOLON);
    refuse("/;x/admin", SEMICOLON);
    refuse("/;x;y/admin", SEMICOLON);
    refuse("/a/;/b", SEMICOLON);
    refuse("/..%3b/admin", ENC_SEMI);
    refuse("/.%3bx/admin", ENC_SEMI);
    check("/;x/admin", SEMICOLON | DOUBLE, "/;x/admin", ";x|admin");

    /* %5c: a separator to some */

    check("/a%5cb", BACKSLASH, "/a\\b", "a\\b");
    refuse("/a%5c..%5cb", BACKSLASH);
    refuse("/..%5cb", BACKSLASH);
    refuse("/a%5c..", BACKSLASH);
    refuse("/a%5c.%5cb", BACKSLASH);
    refuse("/%5cadmin", BACKSLASH);
    refuse("/a/%5cb", BACKSLASH);

    /* %25: dots for whoever decodes twice */

    check("/100%25", PERCENT, "/100%", "100%");
    check("/100%25/a", PERCENT, "/100%/a", "100%|a");
    check("/a%252fb", PERCENT, "/a%2fb", "a%2fb");
    check("/a%25zz", PERCENT, "/a%zz", "a%zz");
    refuse("/%252e%252e/a", PERCENT);
    refuse("/%252e/a", PERCENT);
    refuse("/.%252e/a", PERCENT);
    refuse("/a/..%252fb", PERCENT);
    refuse("/a%252f..%252fb", PERCENT);
    refuse("/a%255c%252e%252e", PERCENT);
    refuse("/%252fadmin", PERCENT);
}


static void
test_many_segments(void **state)
{
    char      raw[2 * WEIR_PATH_MAX_SEGMENTS + 3];
    unsigned  i;

    (void) state;

    for (i = 0; i < WEIR_PATH_MAX_SEGMENTS + 1; i++) {
        raw[2 * i] = '/';
        raw[2 * i + 1] = 'a';
    }

    raw[2 * i] = '\0';
    refuse(raw, 0);

    raw[2 * i - 2] = '\0';
    assert_int_equal(gate(str(raw), 0), WEIR_OK);
    assert_int_equal(path.nsegments, WEIR_PATH_MAX_SEGMENTS);

    raw[2 * i - 2] = '/';
    raw[2 * i - 1] = '\0';
    assert_int_equal(gate(str(raw), 0), WEIR_OK);
    assert_int_equal(path.nsegments, WEIR_PATH_MAX_SEGMENTS);
}


static void
test_decoded(void **state)
{
    size_t    i;
    char      text[4] = "/a.";
    unsigned  c, allow;

    static const struct {
        const char  *decoded;
        unsigned     allow;
        int          rc;
        unsigned     segments;
    } v[] = {
        { "/", 0, WEIR_OK, 0 },
        { "/a/b", 0, WEIR_OK, 2 },
        { "/a/b/", 0, WEIR_OK, 2 },
        { "/a b", 0, WEIR_OK, 1 },
        { "/caf\xc3\xa9", 0, WEIR_OK, 1 },
        { "/.well-known", 0, WEIR_OK, 1 },
        { "", ALL, WEIR_ERROR, 0 },
        { "a", ALL, WEIR_ERROR, 0 },
        { "/caf\xe9", ALL, WEIR_ERROR, 0 },
        { "/a//b", 0, WEIR_ERROR, 0 },
        { "//a", 0, WEIR_ERROR, 0 },
        { "/a//", 0, WEIR_ERROR, 0 },
        { "/a//b", DOUBLE, WEIR_OK, 2 },
        { "/a//b", SLASH, WEIR_ERROR, 0 },
        { "/a/../b", ALL, WEIR_ERROR, 0 },
        { "/a/..", ALL, WEIR_ERROR, 0 },
        { "/a/.", ALL, WEIR_ERROR, 0 },
        { "/a..", ALL, WEIR_ERROR, 0 },
        { "/..a", ALL, WEIR_ERROR, 0 },
        { "/a#b", 0, WEIR_ERROR, 0 },
        { "/a#b", HASH, WEIR_OK, 1 },
        { "/a%b", 0, WEIR_ERROR, 0 },
        { "/a%b", PERCENT, WEIR_OK, 1 },
        { "/%2e%2e", PERCENT, WEIR_ERROR, 0 },
        { "/a;b", 0, WEIR_ERROR, 0 },
        { "/a;b", SEMICOLON, WEIR_OK, 1 },
        { "/a;b", ENC_SEMI, WEIR_OK, 1 },
        { "/;/a", SEMICOLON, WEIR_ERROR, 0 },
        { "/a?b", ALL, WEIR_ERROR, 0 },
        { "/a\\b", 0, WEIR_ERROR, 0 },
        { "/a\\b", BACKSLASH, WEIR_OK, 1 },
        { "/a\\..\\b", BACKSLASH, WEIR_ERROR, 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        if (weir_path_gate_decoded(&path, str(v[i].decoded), v[i].allow)
            != v[i].rc)
        {
            fail_msg("%s with 0x%02x", v[i].decoded, v[i].allow);
        }

        if (v[i].rc == WEIR_OK) {
            assert_int_equal(path.nsegments, v[i].segments);
        }
    }

    for (allow = 0; allow <= ALL; allow++) {
        for (c = 0; c < 0x20; c++) {
            text[2] = (char) c;
            assert_int_equal(weir_path_gate_decoded(&path,
                                 (weir_str_t) { 3, (uint8_t *) text }, allow),
                             WEIR_ERROR);
        }

        text[2] = 0x7f;
        assert_int_equal(weir_path_gate_decoded(&path,
                             (weir_str_t) { 3, (uint8_t *) text }, allow),
                         WEIR_ERROR);
    }
}


/*
 * Whatever the raw gate lets pass, the gate for decoded paths lets pass too,
 * as the same path; over random strings of what matters.
 */

static void
test_gates_agree(void **state)
{
    size_t       n, i;
    uint8_t      raw[64], out[64];
    unsigned     round, passed, allow, k;
    uint32_t     seed;
    weir_path_t  decoded;

    static const char  *atoms[] = {
        "/", "/", "/", "a", "b", ".", "..", "%2e", "%2f", "%5c", ";", "%3b",
        "%25", "%41", "%c3%a9", "%23", "//", "2e", "#", "%00"
    };

    (void) state;

    seed = 42;
    passed = 0;

    for (round = 0; round < 300000; round++) {

        n = 0;
        raw[n++] = '/';

        seed = seed * 1664525 + 1013904223;
        allow = seed >> 24;

        while (n < 40) {
            seed = seed * 1664525 + 1013904223;
            k = (seed >> 16) % (sizeof(atoms) / sizeof(atoms[0]) + 3);

            if (k >= sizeof(atoms) / sizeof(atoms[0])) {
                break;
            }

            i = strlen(atoms[k]);
            memcpy(raw + n, atoms[k], i);
            n += i;
        }

        if (weir_path_gate(&path, out, (weir_str_t) { n, raw }, allow)
            != WEIR_OK)
        {
            continue;
        }

        passed++;

        assert_true(path.decoded.len >= 1 && path.decoded.len <= n);

        if (weir_path_gate_decoded(&decoded, path.decoded, allow) != WEIR_OK)
        {
            fail_msg("%.*s with 0x%02x", (int) n, raw, allow);
        }

        assert_true(weir_path_same(&path, &decoded));

        if (!(allow & SLASH)) {
            assert_int_equal(path.nsegments, decoded.nsegments);
        }

        for (i = 0; i < path.nsegments; i++) {
            assert_true(path.segments[i].len != 0);
            assert_false(weir_str_eq(path.segments[i], str("..")));
            assert_false(weir_str_eq(path.segments[i], str(".")));
        }
    }

    assert_true(passed > 10000);
}


static int
same(const char *a, const char *b)
{
    weir_path_t  x, y;

    x.decoded = str(a);
    y.decoded = str(b);

    assert_int_equal(weir_path_same(&x, &y), weir_path_same(&y, &x));

    return weir_path_same(&x, &y);
}


static void
test_same(void **state)
{
    (void) state;

    assert_true(same("/", "/"));
    assert_true(same("/a/b", "/a/b"));
    assert_true(same("/a//b", "/a/b"));
    assert_true(same("//a/b//", "/a///b/"));
    assert_true(same("/a//", "/a/"));
    assert_false(same("/a/", "/a"));
    assert_false(same("/a", "/b"));
    assert_false(same("/ab", "/a/b"));
    assert_false(same("/a", "/ab"));
    assert_false(same("/a/b", "/a//"));
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_ordinary),
        cmocka_unit_test(test_no_slash),
        cmocka_unit_test(test_raw_bytes),
        cmocka_unit_test(test_bad_percent),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_double_slash),
        cmocka_unit_test(test_dot_segments),
        cmocka_unit_test(test_encoded_bytes),
        cmocka_unit_test(test_encoded_never),
        cmocka_unit_test(test_admitted_is_harmless),
        cmocka_unit_test(test_many_segments),
        cmocka_unit_test(test_decoded),
        cmocka_unit_test(test_gates_agree),
        cmocka_unit_test(test_same)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
