
/*
 * Unit tests of lib/base: the host gate, host globs, query parameters.
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


static void
test_host_canonical(void **state)
{
    size_t      i;
    uint8_t    *buf;
    weir_str_t  host;

    static const struct {
        const char  *authority;
        const char  *host;
    } v[] = {
        { "gw.test", "gw.test" },
        { "GW.Test", "gw.test" },
        { "gw.test.", "gw.test" },
        { "gw.test:80", "gw.test" },
        { "gw.test.:8080", "gw.test" },
        { "gw.test:65535", "gw.test" },
        { "localhost", "localhost" },
        { "a_b.test", "a_b.test" },
        { "xn--caf-dma.test", "xn--caf-dma.test" },
        { "127.0.0.1", "127.0.0.1" },
        { "127.0.0.1:1", "127.0.0.1" },
        { "[::1]", "[::1]" },
        { "[::1]:443", "[::1]" },
        { "[2001:DB8::A]", "[2001:db8::a]" },
        { "[::ffff:1.2.3.4]:80", "[::ffff:1.2.3.4]" }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        buf = malloc(strlen(v[i].authority));
        assert_non_null(buf);

        if (weir_host_gate(&host, buf, str(v[i].authority)) != WEIR_OK
            || !weir_str_eq(host, str(v[i].host)))
        {
            fail_msg("%s", v[i].authority);
        }

        free(buf);
    }
}


static void
test_host_refused(void **state)
{
    char        text[16];
    size_t      i;
    uint8_t     buf[64];
    unsigned    c;
    weir_str_t  host;

    static const char  *bad[] = {
        "", ".", "..", ":80", ".:80", ".gw.test", "gw..test", "gw.test..",
        "user@gw.test", "user:pass@gw.test", "gw.test@evil.test", "a,b",
        "gw.test, gw.test", "gw.test ", " gw.test", "gw.test:", "gw.test:0",
        "gw.test:65536", "gw.test:99999", "gw.test:080000", "gw.test:80:80",
        "gw.test:8a", "gw.test:-1", "gw.test:+80", "gw.test: 80", "gw.test/",
        "gw.test/a", "gw.test?a", "gw.test#a", "gw.test\\a", "gw%2etest",
        "gw.test%00", "*.test", "caf\xc3\xa9.test", "a\tb", "a\nb", "a\x7f",
        "[", "[]", "[::1", "::1", "[::1]x", "[::1]:", "[::1]:0", "[::1]80",
        "[1.2.3.4]", "[gw.test]", "[::1%25eth0]", "[::g]", "[v1.x]", "[[::1]]",
        "http://gw.test", "gw.test;", "gw.test|", "\"gw.test\"", "$host", "a=b",
        "(a)", "a'b", "a!b", "a~b", "a&b", "a+b", "a<b", "a{b}"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (weir_host_gate(&host, buf, str(bad[i])) != WEIR_ERROR) {
            fail_msg("admitted \"%s\"", bad[i]);
        }

        assert_int_equal(host.len, 0);
    }

    for (c = 0; c < 256; c++) {
        text[0] = 'a';
        text[1] = (char) c;
        text[2] = 'b';

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')
        {
            assert_int_equal(weir_host_gate(&host, buf,
                                     (weir_str_t) { 3, (uint8_t *) text }),
                             WEIR_OK);
            assert_int_equal(host.len, 3);

        } else {
            assert_int_equal(weir_host_gate(&host, buf,
                                     (weir_str_t) { 3, (uint8_t *) text }),
                             WEIR_ERROR);
        }
    }
}


static void
test_host_match(void **state)
{
    (void) state;

    assert_true(weir_host_match(str("gw.test"), str("gw.test")));
    assert_false(weir_host_match(str("gw.test"), str("a.gw.test")));
    assert_false(weir_host_match(str("gw.test"), str("gw.tes")));
    assert_true(weir_host_match(str("*.test"), str("gw.test")));
    assert_true(weir_host_match(str("*.test"), str("a.b.gw.test")));
    assert_false(weir_host_match(str("*.test"), str("test")));
    assert_false(weir_host_match(str("*.test"), str(".test")));
    assert_false(weir_host_match(str("*.test"), str("gwtest")));
    assert_false(weir_host_match(str("*.gw.test"), str("gw.test")));
    assert_false(weir_host_match(str("*.gw.test"), str("evilgw.test")));
    assert_false(weir_host_match(str("*.test"), str("gw.test.evil")));
    assert_false(weir_host_match(str("*"), str("gw.test")));
    assert_false(weir_host_match(str(""), str("gw.test")));
    assert_false(weir_host_match(str("*.test"), str("")));
}


static void
check_query(const char *args, const char *name, int expected,
    const char *value)
{
    int          n;
    uint8_t     *in, *buf;
    weir_str_t   v;

    in = malloc(strlen(args) + 1);
    buf = malloc(strlen(args) + !strlen(args));
    assert_non_null(in);
    assert_non_null(buf);

    memcpy(in, args, strlen(args));

    n = weir_query_param((weir_str_t) { strlen(args), in }, str(name), buf,
                         &v);

    if (n != expected) {
        fail_msg("%s in \"%s\": %d", name, args, n);
    }

    if (value == NULL) {
        assert_null(v.data);

    } else {
        assert_non_null(v.data);

        if (!weir_str_eq(v, str(value))) {
            fail_msg("%s in \"%s\": \"%.*s\"", name, args, (int) v.len,
                     v.data);
        }
    }

    free(in);
    free(buf);
}


static void
test_query(void **state)
{
    (void) state;

    check_query("", "a", 0, NULL);
    check_query("a=1", "a", 1, "1");
    check_query("a", "a", 1, "");
    check_query("a=", "a", 1, "");
    check_query("a=b=c", "a", 1, "b=c");
    check_query("b=2&a=1", "a", 1, "1");
    check_query("b=2&&a=1&", "a", 1, "1");
    check_query("&", "a", 0, NULL);
    check_query("ab=1&ba=2", "a", 0, NULL);
    check_query("A=1", "a", 0, NULL);
    check_query("a=1+2", "a", 1, "1 2");
    check_query("a=1%2B2", "a", 1, "1+2");
    check_query("%61=1", "a", 1, "1");
    check_query("a+b=1", "a b", 1, "1");
    check_query("a%20b=1", "a b", 1, "1");
    check_query("a=%26%3d", "a", 1, "&=");
    check_query("a%3d=1", "a=", 1, "1");
    check_query("a=1;b=2", "b", 0, NULL);
    check_query("a=1;b=2", "a", 1, "1;b=2");
    check_query("=1", "", 1, "1");
    check_query("a=%C3%A9", "a", 1, "\xc3\xa9");

    /* repeated, however it is spelt */

    check_query("a=1&a=1", "a", 2, NULL);
    check_query("a=1&%61=2", "a", 2, NULL);
    check_query("a=1&b=2&a", "a", 2, NULL);
    check_query("a=1&a=2&a=3", "a", 2, NULL);

    /* what cannot be read */

    check_query("a=%", "a", WEIR_ERROR, NULL);
    check_query("a=%4", "a", WEIR_ERROR, NULL);
    check_query("a=%zz", "a", WEIR_ERROR, NULL);
    check_query("a=%00", "a", WEIR_ERROR, NULL);
    check_query("a=1%00", "a", WEIR_ERROR, NULL);
    check_query("a=1&a=%zz", "a", WEIR_ERROR, NULL);
    check_query("a=%zz&a=1", "a", WEIR_ERROR, NULL);
    check_query("%zz=1&a=1", "a", WEIR_ERROR, NULL);
    check_query("a=1&%6=1", "a", WEIR_ERROR, NULL);
    check_query("a=1&a%00=1", "a", WEIR_ERROR, NULL);

    /* another one's value does not matter */

    check_query("b=%zz&a=1", "a", 1, "1");
    check_query("a=1&b=%00", "a", 1, "1");
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_host_canonical),
        cmocka_unit_test(test_host_refused),
        cmocka_unit_test(test_host_match),
        cmocka_unit_test(test_query)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
