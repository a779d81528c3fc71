
/*
 * Tests of lib/base: names of header fields.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "weir_field.h"


#define str(s)  weir_cstr(s)


/* The characters of a token are those that RFC 9110 lists. */

static void
valid(void **state)
{
    int         c;
    uint8_t     text[2];
    const char  *token;

    static const char  tchar[] = "!#$%&'*+-.^_`|~0123456789"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    (void) state;

    for (c = 0; c < 256; c++) {
        text[0] = 'a';
        text[1] = (uint8_t) c;
        token = memchr(tchar, c, sizeof(tchar) - 1);

        assert_int_equal(weir_field_valid((weir_str_t) { 2, text }),
                         token != NULL);
        assert_int_equal(weir_field_valid((weir_str_t) { 1, text + 1 }),
                         token != NULL);
    }

    assert_false(weir_field_valid(str("")));
}


static void
same(void **state)
{
    int      a, b;
    uint8_t  x, y;

    (void) state;

    assert_true(weir_field_same(str("X-Auth_User"), str("x_auth-USER")));
    assert_false(weir_field_same(str("X-Auth"), str("X-Auth-")));
    assert_false(weir_field_same(str("X-Auth-"), str("X-Auth")));
    assert_false(weir_field_same(str("XAuth"), str("X-Auth")));
    assert_true(weir_field_same(str(""), str("")));
    assert_false(weir_field_same(str("a"), str("")));

    /* nothing else folds: "@" is no "`", "[" no "{" */

    for (a = 0; a < 256; a++) {
        for (b = 0; b < 256; b++) {
            x = (uint8_t) a;
            y = (uint8_t) b;

            assert_int_equal(weir_field_same((weir_str_t) { 1, &x },
                                             (weir_str_t) { 1, &y }),
                             a == b || (a == '-' && b == '_')
                             || (a == '_' && b == '-')
                             || (a >= 'A' && a <= 'Z' && b == a + 32)
                             || (b >= 'A' && b <= 'Z' && a == b + 32));
        }
    }
}


static void
match(void **state)
{
    (void) state;

    assert_true(weir_field_match(str("X_Forwarded-For"),
                                 str("x-forwarded-*")));
    assert_true(weir_field_match(str("x-forwarded-"), str("x-forwarded-*")));
    assert_false(weir_field_match(str("x-forwarded"), str("x-forwarded-*")));
    assert_false(weir_field_match(str("y-forwarded-for"),
                                  str("x-forwarded-*")));
    assert_true(weir_field_match(str("Forwarded"), str("forwarded")));
    assert_false(weir_field_match(str("Forwarded2"), str("forwarded")));
    assert_false(weir_field_match(str("Forwarde"), str("forwarded")));
    assert_true(weir_field_match(str("any"), str("*")));
    assert_true(weir_field_match(str(""), str("*")));
    assert_false(weir_field_match(str("a"), str("")));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(valid),
        cmocka_unit_test(same),
        cmocka_unit_test(match),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
