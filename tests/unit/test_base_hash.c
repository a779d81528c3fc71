
/*
 * Unit tests of lib/base: SipHash, FNV, hex, base64url; weak keys.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "weir_ed25519.h"
#include "weir_hash.h"


#define str(s)  weir_cstr(s)


/*
 * Key 00 01 .. 0f, message 00 01 .. (n - 1): vectors of the reference
 * implementation; n = 15 is the paper's appendix A.
 */

static void
test_siphash_vectors(void **state)
{
    size_t           i;
    uint8_t          m[64];
    weir_hash_key_t  key;

    static const struct {
        size_t    len;
        uint64_t  sip24;
        uint64_t  sip13;
    } v[] = {
        { 0, 0x726fdb47dd0e0e31, 0xabac0158050fc4dc },
        { 1, 0x74f839c593dc67fd, 0xc9f49bf37d57ca93 },
        { 7, 0xab0200f58b01d137, 0xd3927d989bb11140 },
        { 8, 0x93f5f5799a932462, 0x369095118d299a8e },
        { 15, 0xa129ca6149be45e5, 0xd320d86d2a519956 },
        { 63, 0x958a324ceb064572, 0x9d199062b7bbb3a8 }
    };

    (void) state;

    for (i = 0; i < 16; i++) {
        key.bytes[i] = (uint8_t) i;
    }

    for (i = 0; i < 64; i++) {
        m[i] = (uint8_t) i;
    }

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        assert_true(weir_siphash(&key, m, v[i].len) == v[i].sip24);
        assert_true(weir_siphash13(&key, m, v[i].len) == v[i].sip13);
    }

    assert_true(weir_siphash(&key, NULL, 0) == v[0].sip24);
}


/* The result does not depend on where the bytes lie. */

static void
test_siphash_unaligned(void **state)
{
    size_t           i, j;
    uint8_t          a[80], b[80];
    weir_hash_key_t  key;

    (void) state;

    memset(&key, 0x5a, sizeof(key));

    for (i = 0; i < sizeof(a); i++) {
        a[i] = (uint8_t) (i * 37);
    }

    for (i = 0; i < 8; i++) {
        memcpy(b + i, a, 64);

        for (j = 0; j < 64; j++) {
            assert_true(weir_siphash(&key, b + i, j)
                        == weir_siphash(&key, a, j));
        }
    }
}


static void
test_hex(void **state)
{
    uint8_t  src[] = { 0x00, 0x01, 0x7f, 0xab, 0xff };
    uint8_t  dst[10], back[5];

    (void) state;

    weir_hex(dst, src, 5);
    assert_memory_equal(dst, "00017fabff", 10);

    assert_int_equal(weir_unhex(back, 5, (weir_str_t) { 10, dst }), WEIR_OK);
    assert_memory_equal(back, src, 5);

    assert_int_equal(weir_unhex(back, 1, str("AB")), WEIR_ERROR);
    assert_int_equal(weir_unhex(back, 1, str("a")), WEIR_ERROR);
    assert_int_equal(weir_unhex(back, 1, str("abc")), WEIR_ERROR);
    assert_int_equal(weir_unhex(back, 1, str("abcd")), WEIR_ERROR);
    assert_int_equal(weir_unhex(back, 2, str("ab")), WEIR_ERROR);
    assert_int_equal(weir_unhex(back, 1, str("0g")), WEIR_ERROR);
    assert_int_equal(weir_unhex(back, 0, str("")), WEIR_OK);
}


/* RFC 4648, 10, without padding; RFC 7515, appendix C. */

static void
test_base64url_vectors(void **state)
{
    size_t      i, len;
    uint8_t     dst[64], enc[64];
    weir_str_t  plain, text;

    static const struct {
        const char  *plain;
        const char  *text;
    } v[] = {
        { "", "" },
        { "f", "Zg" },
        { "fo", "Zm8" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg" },
        { "fooba", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy" },
        { "\x03\xec\xff\xe0\xc1", "A-z_4ME" }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        plain = str(v[i].plain);
        text = str(v[i].text);

        assert_int_equal(weir_base64url_encode(enc, plain), text.len);
        assert_int_equal(text.len, (plain.len * 8 + 5) / 6);
        assert_memory_equal(enc, text.data, text.len);

        assert_int_equal(weir_base64url_decode(dst, &len, text), WEIR_OK);
        assert_int_equal(len, plain.len);
        assert_int_equal(weir_base64url_decoded_len(text.len), len);
        assert_memory_equal(dst, plain.data, len);
    }
}


static void
test_base64url_refused(void **state)
{
    size_t   i, len;
    uint8_t  dst[64];

    static const char  *bad[] = {
        "A",            /* no such length */
        "AAAAA",
        "Zh",           /* unused bits are not zero */
        "Zm9",
        "Zg==",         /* padding */
        "Zg=",
        "Zm8=",
        "Zm+v",         /* the other alphabet */
        "Zm/v",
        "Zm9v ",
        " Zm9v",
        "Zm\n9v",
        "Zm9v\n",
        "Zm.v",
        "Zm\x80v"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (weir_base64url_decode(dst, &len, str(bad[i])) != WEIR_ERROR) {
            fail_msg("decoded \"%s\"", bad[i]);
        }
    }

    assert_int_equal(weir_base64url_decode(dst, &len,
                                   (weir_str_t) { 4, (uint8_t *) "Zm\0v" }),
                     WEIR_ERROR);
}


/* Each text of up to three characters: decoded at most from one spelling. */

static void
test_base64url_canonical(void **state)
{
    size_t      len, n;
    uint8_t     dst[4], enc[4], t[3];
    unsigned    i, j, k, good;

    (void) state;

    good = 0;

    for (i = 0; i < 256; i++) {
        for (j = 0; j < 256; j++) {
            for (k = 0; k < 256; k += 5) {
                t[0] = (uint8_t) i;
                t[1] = (uint8_t) j;
                t[2] = (uint8_t) k;

                if (weir_base64url_decode(dst, &len, (weir_str_t) { 3, t })
                    != WEIR_OK)
                {
                    continue;
                }

                n = weir_base64url_encode(enc, (weir_str_t) { len, dst });
                assert_int_equal(n, 3);
                assert_memory_equal(enc, t, 3);
                good++;
            }
        }
    }

    assert_true(good > 0);
}


/* Points of small order and encodings of p or more; a good key beside. */

static void
test_ed25519_weak(void **state)
{
    size_t   i, k;
    uint8_t  key[WEIR_ED25519_KEY];

    static const char  *weak[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
    };

    static const char  *good[] = {

        /* RFC 8032, 7.1 */

        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",

        /* y of p - 2 */

        "ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
    };

    for (i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
        assert_int_equal(weir_unhex(key, sizeof(key), str(weak[i])), WEIR_OK);

        /* with either sign of x */

        for (k = 0; k < 2; k++) {
            assert_true(weir_ed25519_weak(key));
            key[WEIR_ED25519_KEY - 1] ^= 0x80;
        }
    }

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(weir_unhex(key, sizeof(key), str(good[i])), WEIR_OK);
        assert_false(weir_ed25519_weak(key));
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_siphash_vectors),
        cmocka_unit_test(test_siphash_unaligned),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64url_vectors),
        cmocka_unit_test(test_base64url_refused),
        cmocka_unit_test(test_base64url_canonical),
        cmocka_unit_test(test_ed25519_weak)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
