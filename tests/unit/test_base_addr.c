
/*
 * Unit tests of lib/base: addresses and networks.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "weir_addr.h"


#define str(s)  weir_cstr(s)


static void
check_format(const char *text, const char *expected)
{
    size_t       n;
    uint8_t      out[WEIR_ADDR_TEXT];
    weir_addr_t  a;

    if (weir_addr_parse(str(text), &a) != WEIR_OK) {
        fail_msg("not parsed: %s", text);
    }

    n = weir_addr_format(out, &a);

    if (n != strlen(expected) || memcmp(out, expected, n) != 0) {
        fail_msg("%s is %.*s", text, (int) n, out);
    }
}


/* RFC 5952, 1 to 5 and its errata; RFC 4291, 2.2. */

static void
test_addr_format(void **state)
{
    (void) state;

    check_format("1.2.3.4", "1.2.3.4");
    check_format("255.255.255.255", "255.255.255.255");
    check_format("0.0.0.0", "0.0.0.0");
    check_format("::ffff:192.0.2.1", "192.0.2.1");
    check_format("::FFFF:c000:201", "192.0.2.1");
    check_format("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1");
    check_format("::", "::");
    check_format("::1", "::1");
    check_format("1::", "1::");
    check_format("2001:0db8::0001", "2001:db8::1");
    check_format("2001:db8:0:0:0:0:2:1", "2001:db8::2:1");
    check_format("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
    check_format("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
    check_format("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
    check_format("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
    check_format("2001:DB8:AAAA::ABCD", "2001:db8:aaaa::abcd");
    check_format("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8");
    check_format("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
    check_format("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
    check_format("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304");
    check_format("::1.2.3.4", "::102:304");
    check_format("64:ff9b::192.0.2.33", "64:ff9b::c000:221");
    check_format("::fffe:1.2.3.4", "::fffe:102:304");
    check_format("0:0:0:0:0:0:0:0", "::");
    check_format("0:0:1:0:0:0:0:0", "0:0:1::");
}


static void
test_addr_refused(void **state)
{
    size_t       i;
    weir_addr_t  a;

    static const char  *bad[] = {
        "", ".", "1", "1.2", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3",
        "1..2.3", "1.2.3.256", "01.2.3.4", "1.2.3.00", "1.2.3.4 ", " 1.2.3.4",
        "0x1.2.3.4", "1.2.3.0004", "1,2.3.4", "16909060", "1.2.3.-4", "a.b.c.d",
        ":", ":::", "1:", ":1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:",
        ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:", "1:2:3:4:5:6:7:8:9",
        "1::2::3", "1:::2", "12345::", "::12345", "::g", "::1%eth0", "[::1]",
        "::1.2.3", "::1.2.3.4.5", "::1.2.3.256", "::01.2.3.4",
        "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
        "::1/128", "1.2.3.4:80", "::ffff:1.2.3.4.", "::ffff:.1.2.3"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (weir_addr_parse(str(bad[i]), &a) != WEIR_ERROR) {
            fail_msg("parsed \"%s\"", bad[i]);
        }
    }

    assert_int_equal(weir_addr_parse(
                         (weir_str_t) { 8, (uint8_t *) "1.2.3.4\0" }, &a),
                     WEIR_ERROR);
}


/* Everything that is formatted is what inet_pton() reads as these bytes. */

static void
test_addr_against_libc(void **state)
{
    char          text[WEIR_ADDR_TEXT + 1];
    size_t        n;
    uint8_t       bytes[16];
    unsigned      i, j;
    uint32_t      seed;
    weir_addr_t   a, b;

    (void) state;

    seed = 12345;

    for (i = 0; i < 20000; i++) {

        for (j = 0; j < 8; j++) {
            seed = seed * 1664525 + 1013904223;

            /* many zero groups, so that "::" stands everywhere */

            a.bytes[2 * j] = (seed >> 29) < 5 ? 0 : (uint8_t) (seed >> 16);
            a.bytes[2 * j + 1] = (seed >> 28) < 10 ? 0
                                                   : (uint8_t) (seed >> 8);
        }

        n = weir_addr_format((uint8_t *) text, &a);
        assert_true(n < sizeof(text));
        text[n] = '\0';

        if (weir_addr_is_ipv4(&a)) {
            assert_int_equal(inet_pton(AF_INET, text, bytes), 1);
            assert_memory_equal(bytes, a.bytes + 12, 4);

        } else {
            assert_int_equal(inet_pton(AF_INET6, text, bytes), 1);
            assert_memory_equal(bytes, a.bytes, 16);
        }

        assert_int_equal(weir_addr_parse(str(text), &b), WEIR_OK);
        assert_memory_equal(a.bytes, b.bytes, 16);
    }
}


static void
test_addr_bytes(void **state)
{
    weir_addr_t  a, b;

    (void) state;

    assert_int_equal(weir_addr_parse(str("10.1.2.3"), &b), WEIR_OK);
    assert_int_equal(weir_addr_from_bytes("\x0a\x01\x02\x03", 4, &a),
                     WEIR_OK);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_true(weir_addr_is_ipv4(&a));

    assert_int_equal(weir_addr_from_bytes(b.bytes, 16, &a), WEIR_OK);
    assert_memory_equal(&a, &b, sizeof(a));

    assert_int_equal(weir_addr_from_bytes(b.bytes, 0, &a), WEIR_ERROR);
    assert_int_equal(weir_addr_from_bytes(b.bytes, 15, &a), WEIR_ERROR);
}


static void
check_cidr(const char *text, int expected, const char *formatted)
{
    int          rc;
    size_t       n;
    uint8_t      out[WEIR_ADDR_TEXT + 4];
    weir_cidr_t  c, again;

    rc = weir_cidr_parse(str(text), &c);

    if (rc != expected) {
        fail_msg("%s: %d", text, rc);
    }

    if (rc == WEIR_ERROR) {
        return;
    }

    n = weir_cidr_format(out, &c);

    if (n != strlen(formatted) || memcmp(out, formatted, n) != 0) {
        fail_msg("%s is %.*s", text, (int) n, out);
    }

    assert_int_equal(weir_cidr_parse((weir_str_t) { n, out }, &again),
                     WEIR_OK);
    assert_memory_equal(&again, &c, sizeof(c));
}


static void
test_cidr_parse(void **state)
{
    (void) state;

    check_cidr("10.0.0.0/8", WEIR_OK, "10.0.0.0/8");
    check_cidr("0.0.0.0/0", WEIR_OK, "0.0.0.0/0");
    check_cidr("10.1.2.3", WEIR_OK, "10.1.2.3/32");
    check_cidr("10.1.2.3/32", WEIR_OK, "10.1.2.3/32");
    check_cidr("10.1.2.3/8", WEIR_DECLINED, "10.0.0.0/8");
    check_cidr("10.255.255.255/9", WEIR_DECLINED, "10.128.0.0/9");
    check_cidr("10.0.0.1/31", WEIR_DECLINED, "10.0.0.0/31");
    check_cidr("1.2.3.4/0", WEIR_DECLINED, "0.0.0.0/0");
    check_cidr("2001:db8::/32", WEIR_OK, "2001:db8::/32");
    check_cidr("2001:db8::1/32", WEIR_DECLINED, "2001:db8::/32");
    check_cidr("2001:db8::1", WEIR_OK, "2001:db8::1/128");
    check_cidr("::/0", WEIR_OK, "::/0");
    check_cidr("fe80::/10", WEIR_OK, "fe80::/10");
    check_cidr("febf::/10", WEIR_DECLINED, "fe80::/10");
    check_cidr("::ffff:0:0/96", WEIR_OK, "::ffff:0:0/96");
    check_cidr("::ffff:10.0.0.0/104", WEIR_OK, "10.0.0.0/8");
    check_cidr("::ffff:10.1.0.0/104", WEIR_DECLINED, "10.0.0.0/8");
    check_cidr("::ffff:1.2.3.4", WEIR_OK, "1.2.3.4/32");
    check_cidr("::ffff:1.2.3.4/128", WEIR_OK, "1.2.3.4/32");

    check_cidr("", WEIR_ERROR, NULL);
    check_cidr("/8", WEIR_ERROR, NULL);
    check_cidr("10.0.0.0/", WEIR_ERROR, NULL);
    check_cidr("10.0.0.0/33", WEIR_ERROR, NULL);
    check_cidr("10.0.0.0/08", WEIR_ERROR, NULL);
    check_cidr("10.0.0.0/00", WEIR_ERROR, NULL);
    check_cidr("10.0.0.0/-1", WEIR_ERROR, NULL);
    check_cidr("10.0.0.0/8/8", WEIR_ERROR, NULL);
    check_cidr("10.0.0.0/255.0.0.0", WEIR_ERROR, NULL);
    check_cidr("10.0.0/8", WEIR_ERROR, NULL);
    check_cidr("::/129", WEIR_ERROR, NULL);
    check_cidr("::/1000", WEIR_ERROR, NULL);
    check_cidr("::/+1", WEIR_ERROR, NULL);
}


static int
holds(const char *net, const char *text)
{
    weir_addr_t  a;
    weir_cidr_t  c;

    assert_int_equal(weir_cidr_parse(str(net), &c), WEIR_OK);
    assert_int_equal(weir_addr_parse(str(text), &a), WEIR_OK);

    return weir_cidr_contains(&c, &a);
}


static void
test_cidr_contains(void **state)
{
    (void) state;

    assert_true(holds("10.0.0.0/8", "10.255.1.2"));
    assert_true(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_false(holds("10.0.0.0/8", "11.0.0.0"));
    assert_false(holds("10.0.0.0/8", "::a00:1"));
    assert_true(holds("10.1.2.3", "10.1.2.3"));
    assert_false(holds("10.1.2.3", "10.1.2.4"));
    assert_true(holds("0.0.0.0/0", "1.2.3.4"));
    assert_false(holds("0.0.0.0/0", "::1"));
    assert_true(holds("10.1.2.128/25", "10.1.2.129"));
    assert_false(holds("10.1.2.128/25", "10.1.2.127"));
    assert_true(holds("10.1.2.2/31", "10.1.2.3"));

    assert_true(holds("::/0", "::1"));
    assert_false(holds("::/0", "1.2.3.4"));
    assert_false(holds("::/0", "::ffff:1.2.3.4"));
    assert_false(holds("::ffff:0:0/96", "1.2.3.4"));
    assert_false(holds("::ffff:0:0/96", "::ffff:1.2.3.4"));
    assert_true(holds("::ffff:10.0.0.0/104", "10.2.3.4"));
    assert_true(holds("::ffff:1.2.3.4", "1.2.3.4"));
    assert_true(holds("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(holds("2001:db8::/33", "2001:db8:8000::1"));
    assert_false(holds("::/64", "1.2.3.4"));
}


/* Against counting bits one by one. */

static void
test_cidr_bits(void **state)
{
    unsigned     bits, flip;
    weir_addr_t  a;
    weir_cidr_t  c;

    (void) state;

    for (bits = 0; bits <= 128; bits++) {

        memset(&c, 0, sizeof(c));
        c.bits = (uint8_t) bits;
        c.addr.bytes[0] = (bits != 0) ? 0x80 : 0;

        for (flip = 0; flip < 128; flip++) {
            a = c.addr;
            a.bytes[flip / 8] ^= (uint8_t) (0x80 >> flip % 8);

            assert_int_equal(weir_cidr_contains(&c, &a), flip >= bits);
        }
    }
}


static void
check_prefix(const char *text, const char *expected)
{
    weir_addr_t  a, p;

    assert_int_equal(weir_addr_parse(str(text), &a), WEIR_OK);
    a = weir_addr_client_prefix(&a);

    assert_int_equal(weir_addr_parse(str(expected), &p), WEIR_OK);
    assert_memory_equal(a.bytes, p.bytes, 16);
}


static void
test_client_prefix(void **state)
{
    (void) state;

    check_prefix("192.0.2.7", "192.0.2.7");
    check_prefix("::ffff:192.0.2.7", "192.0.2.7");
    check_prefix("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
    check_prefix("::1", "::");
}


static void
test_is_key(void **state)
{
    (void) state;

    assert_true(weir_addr_is_key(str("$binary_remote_addr")));
    assert_true(weir_addr_is_key(str("${remote_addr}")));
    assert_false(weir_addr_is_key(str("$remote_addr$uri")));
    assert_false(weir_addr_is_key(str("remote_addr")));
    assert_false(weir_addr_is_key(str("")));
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_addr_format),
        cmocka_unit_test(test_addr_refused),
        cmocka_unit_test(test_addr_against_libc),
        cmocka_unit_test(test_addr_bytes),
        cmocka_unit_test(test_cidr_parse),
        cmocka_unit_test(test_cidr_contains),
        cmocka_unit_test(test_cidr_bits),
        cmocka_unit_test(test_client_prefix),
        cmocka_unit_test(test_is_key)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
