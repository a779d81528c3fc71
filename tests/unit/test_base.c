
/*
 * Unit tests of lib/base: slices, arena, errors, UTF-8, names.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "weir_base.h"


#define str(s)  weir_cstr(s)


typedef struct {
    size_t  allocated;
    size_t  freed;
    size_t  left;       /* allocations until failure */
} counting_t;


static void *
counting_alloc(void *ctx, size_t size)
{
    counting_t  *c = ctx;

    if (c->left == 0) {
        return NULL;
    }

    c->left--;
    c->allocated++;

    return malloc(size);
}


static void
counting_free(void *ctx, void *p)
{
    counting_t  *c = ctx;

    c->freed++;
    free(p);
}


static void
test_str_compare(void **state)
{
    weir_str_t  none = { 0, NULL };

    (void) state;

    assert_true(weir_str_eq(str("a"), str("a")));
    assert_false(weir_str_eq(str("a"), str("A")));
    assert_false(weir_str_eq(str("a"), str("ab")));
    assert_true(weir_str_eq(none, str("")));

    assert_int_equal(weir_str_cmp(str("abc"), str("abc")), 0);
    assert_true(weir_str_cmp(str("ab"), str("abc")) < 0);
    assert_true(weir_str_cmp(str("abc"), str("ab")) > 0);
    assert_true(weir_str_cmp(str("b"), str("abc")) > 0);
    assert_true(weir_str_cmp(str("a\x7f"), str("a\x80")) < 0);
    assert_int_equal(weir_str_cmp(none, str("")), 0);
    assert_true(weir_str_cmp(none, str("a")) < 0);

    assert_true(weir_str_caseeq(str("Host"), str("hOST")));
    assert_false(weir_str_caseeq(str("Host"), str("Hos")));

    /* only letters fold: '@' and '`', '[' and '{' differ in the same bit */

    assert_false(weir_str_caseeq(str("@"), str("`")));
    assert_false(weir_str_caseeq(str("["), str("{")));
    assert_false(weir_str_caseeq(str("\xc4"), str("\xe4")));
}


static void
test_arena_alignment(void **state)
{
    size_t         i;
    uint8_t       *p, *prev;
    weir_arena_t   a;

    (void) state;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    prev = NULL;

    for (i = 0; i < 3000; i++) {
        p = weir_arena_alloc(&a, i);
        assert_non_null(p);
        assert_int_equal((uintptr_t) p % 16, 0);
        assert_ptr_not_equal(p, prev);

        memset(p, (int) i, i);
        prev = p;
    }

    weir_arena_done(&a);
    assert_int_equal(a.used, 0);

    /* it can be used again */

    assert_non_null(weir_arena_alloc(&a, 1));
    weir_arena_done(&a);
}


/* Neighbours do not overlap, whatever the order of small and large. */

static void
test_arena_contents(void **state)
{
    enum { N = 400 };

    size_t         i, j, size[N];
    uint8_t       *p[N];
    weir_arena_t   a;

    (void) state;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    for (i = 0; i < N; i++) {
        size[i] = (i * 7919) % ((i % 11 == 0) ? 300000 : 200);
        p[i] = weir_arena_alloc(&a, size[i]);
        assert_non_null(p[i]);
        memset(p[i], (int) (i & 0xff), size[i]);
    }

    for (i = 0; i < N; i++) {
        for (j = 0; j < size[i]; j++) {
            assert_int_equal(p[i][j], i & 0xff);
        }
    }

    weir_arena_done(&a);
}


static void
test_arena_limit(void **state)
{
    weir_arena_t  a;

    (void) state;

    weir_arena_init(&a, &weir_alloc_malloc, 100);

    assert_non_null(weir_arena_alloc(&a, 64));
    assert_null(weir_arena_alloc(&a, 64));
    assert_non_null(weir_arena_alloc(&a, 20));
    assert_null(weir_arena_alloc(&a, 16));
    assert_int_equal(a.used, 96);

    weir_arena_done(&a);
}


static void
test_arena_overflow(void **state)
{
    weir_arena_t  a;

    (void) state;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    assert_null(weir_arena_alloc(&a, SIZE_MAX));
    assert_null(weir_arena_alloc(&a, SIZE_MAX - 15));
    assert_null(weir_arena_calloc(&a, SIZE_MAX / 2, 3));
    assert_null(weir_arena_calloc(&a, 3, SIZE_MAX / 2));
    assert_int_equal(a.used, 0);

    weir_arena_done(&a);
}


static void
test_arena_nomem(void **state)
{
    size_t         i;
    counting_t     c = { 0, 0, 3 };
    weir_alloc_t   alloc = { counting_alloc, counting_free, &c };
    weir_arena_t   a;

    (void) state;

    weir_arena_init(&a, &alloc, 0);
    assert_int_equal(c.allocated, 0);

    for (i = 0; weir_arena_alloc(&a, 1000) != NULL; i++) { /* void */ }

    assert_true(i >= 3);
    assert_int_equal(c.allocated, 3);

    weir_arena_done(&a);
    assert_int_equal(c.freed, 3);
}


static void
test_arena_calloc_copy(void **state)
{
    size_t         i;
    uint8_t       *p;
    weir_str_t     s, none = { 0, NULL };
    weir_arena_t   a;

    (void) state;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    memset(weir_arena_alloc(&a, 1024), 0xff, 1024);
    weir_arena_done(&a);

    p = weir_arena_calloc(&a, 16, 8);

    for (i = 0; i < 128; i++) {
        assert_int_equal(p[i], 0);
    }

    s = weir_arena_copy(&a, str("abc"));
    assert_true(weir_str_eq(s, str("abc")));

    /* empty stays present, absent stays absent */

    s = weir_arena_copy(&a, str(""));
    assert_int_equal(s.len, 0);
    assert_non_null(s.data);

    s = weir_arena_copy(&a, none);
    assert_null(s.data);

    weir_arena_done(&a);

    weir_arena_init(&a, &weir_alloc_malloc, 16);
    s = weir_arena_copy(&a, str("more than sixteen bytes"));
    assert_null(s.data);
    assert_int_equal(s.len, 0);
    weir_arena_done(&a);
}


static void
test_err(void **state)
{
    char        long_text[2000];
    weir_err_t  e;

    (void) state;

    assert_int_equal(weir_err(&e, "%s:%d", "x", 7), WEIR_ERROR);
    assert_string_equal(e.text, "x:7");

    assert_int_equal(weir_err(NULL, "%s", "nobody listens"), WEIR_ERROR);

    memset(long_text, 'y', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';

    weir_err(&e, "%s", long_text);
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}


static void
test_utf8(void **state)
{
    size_t  i;

    static const char  *good[] = {
        "", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
        "\xec\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x8f\xbf\xbf",
        "caf\xc3\xa9"
    };

    static const char  *bad[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xc2x",
        "\xdf\xc0", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe0\xa0", "\xe1\x80x",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xfe", "\xff", "ok\xe2\x82"
    };

    (void) state;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(weir_utf8_valid(str(good[i])));
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(weir_utf8_valid(str(bad[i])));
    }
}


/* Every code point, encoded, is valid; surrogates and beyond are not. */

static void
test_utf8_all(void **state)
{
    size_t      n;
    uint8_t     b[4], put[4];
    uint32_t    c;

    (void) state;

    for (c = 0; c < 0x120000; c++) {

        if (c < 0x80) {
            b[0] = (uint8_t) c;
            n = 1;

        } else if (c < 0x800) {
            b[0] = (uint8_t) (0xc0 | c >> 6);
            b[1] = (uint8_t) (0x80 | (c & 0x3f));
            n = 2;

        } else if (c < 0x10000) {
            b[0] = (uint8_t) (0xe0 | c >> 12);
            b[1] = (uint8_t) (0x80 | (c >> 6 & 0x3f));
            b[2] = (uint8_t) (0x80 | (c & 0x3f));
            n = 3;

        } else {
            b[0] = (uint8_t) (0xf0 | c >> 18);
            b[1] = (uint8_t) (0x80 | (c >> 12 & 0x3f));
            b[2] = (uint8_t) (0x80 | (c >> 6 & 0x3f));
            b[3] = (uint8_t) (0x80 | (c & 0x3f));
            n = 4;
        }

        if (weir_utf8_valid((weir_str_t) { n, b })
            != ((c < 0xd800 || c > 0xdfff) && c <= 0x10ffff))
        {
            fail_msg("U+%04X", c);
        }

        if (c <= 0x10ffff
            && (weir_utf8_put(put, c) != put + n || memcmp(put, b, n) != 0))
        {
            fail_msg("U+%04X, written", c);
        }
    }
}


static void
test_hex_digits(void **state)
{
    int          c;
    const char  *digit;

    static const char  digits[] = "0123456789abcdef";

    (void) state;

    for (c = 0; c < 256; c++) {
        digit = memchr(digits, c >= 'A' && c <= 'Z' ? c | 0x20 : c, 16);

        assert_int_equal(weir_hex_digit((uint8_t) c),
                         digit != NULL ? digit - digits : -1);
    }
}


static void
test_names(void **state)
{
    char    name[65];
    size_t  i;

    static const char  *good[] = {
        "a", "0", "per-user", "per_user", "a-", "a_", "offer", "mtls2"
    };

    static const char  *bad[] = {
        "", "-a", "_a", "A", "aB", "a.b", "a b", "a/b", "\xc3\xa9", "off",
        "optional", "shadow", "mtls", "apikey", "default", "none"
    };

    (void) state;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(weir_name_valid(str(good[i])));
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(weir_name_valid(str(bad[i])));
    }

    memset(name, 'a', 64);
    name[64] = '\0';
    assert_false(weir_name_valid(str(name)));

    name[63] = '\0';
    assert_true(weir_name_valid(str(name)));

    assert_false(weir_name_valid((weir_str_t) { 2, (uint8_t *) "a\0" }));
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_str_compare),
        cmocka_unit_test(test_arena_alignment),
        cmocka_unit_test(test_arena_contents),
        cmocka_unit_test(test_arena_limit),
        cmocka_unit_test(test_arena_overflow),
        cmocka_unit_test(test_arena_nomem),
        cmocka_unit_test(test_arena_calloc_copy),
        cmocka_unit_test(test_err),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_utf8_all),
        cmocka_unit_test(test_hex_digits),
        cmocka_unit_test(test_names)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
