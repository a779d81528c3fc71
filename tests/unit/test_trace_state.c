
/*
 * Unit tests: the tracestate list.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "weir_trace.h"


#define str(s)  weir_cstr(s)


static void
assert_list(const weir_tracestate_t *ts, const char *expected)
{
    size_t  len;
    char    text[32 * 520];

    memset(text, '#', sizeof(text));
    len = weir_tracestate_write((uint8_t *) text, ts);

    assert_int_equal(len, ts->len);
    assert_int_equal(text[len], '#');
    text[len] = '\0';

    assert_string_equal(text, expected);
}


static void
assert_one(const char *field, const char *expected)
{
    weir_tracestate_t  ts;

    weir_tracestate_init(&ts);

    if (expected) {
        assert_int_equal(weir_tracestate_add(&ts, str(field)), WEIR_OK);
        assert_list(&ts, expected);

    } else {
        assert_int_equal(weir_tracestate_add(&ts, str(field)), WEIR_ERROR);
        assert_int_equal(ts.n, 0);
        assert_list(&ts, "");
    }
}


static void
test_members(void **state)
{
    assert_one("", "");
    assert_one("foo=1", "foo=1");
    assert_one("foo=1,bar=2", "foo=1,bar=2");
    assert_one("foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3");
    assert_one("foo=1\t \t,\t \tbar=2", "foo=1,bar=2");
    assert_one("\t foo=1 \t", "foo=1");

    /* leading spaces are the value's */
    assert_one("foo=  1", "foo=  1");

    assert_one(",", "");
    assert_one(" \t ", "");
    assert_one(",,foo=1,, ,bar=2,", "foo=1,bar=2");

    /* a key given twice stays as it came */
    assert_one("foo=1,foo=1", "foo=1,foo=1");
    assert_one("foo=1,foo=2", "foo=1,foo=2");

    assert_one("foo", NULL);
    assert_one("=", NULL);
    assert_one("=1", NULL);
    assert_one("foo=", NULL);
    assert_one("foo= ", NULL);
    assert_one("foo=,bar=3", NULL);
    assert_one("foo=bar=baz", NULL);
    assert_one("foo =1", NULL);
    assert_one("FOO=1", NULL);
    assert_one("foo.bar=1", NULL);
    assert_one("foo=1,bar", NULL);
}


static void
test_key_characters(void **state)
{
    char               text[] = "?x=1";
    int                first, later;
    unsigned           ch;
    weir_tracestate_t  ts;

    for (ch = 1; ch < 256; ch++) {

        if (ch == ' ' || ch == '\t' || ch == ',') {
            continue;
        }

        first = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');
        later = first || strchr("_-*/@", (int) ch) != NULL;

        text[0] = (char) ch;
        text[1] = 'x';
        weir_tracestate_init(&ts);
        assert_int_equal(weir_tracestate_add(&ts, str(text)),
                         first ? WEIR_OK : WEIR_ERROR);

        if (ch == '=') {
            continue;
        }

        text[0] = 'x';
        text[1] = (char) ch;
        weir_tracestate_init(&ts);
        assert_int_equal(weir_tracestate_add(&ts, str(text)),
                         later ? WEIR_OK : WEIR_ERROR);
    }

    assert_one("foo@=1,bar=2", "foo@=1,bar=2");
    assert_one("foo@@bar=1", "foo@@bar=1");
    assert_one("@foo=1,bar=2", NULL);
}


static void
test_value_characters(void **state)
{
    char               text[] = "x=a?b";
    unsigned           ch;
    weir_tracestate_t  ts;

    for (ch = 1; ch < 256; ch++) {

        if (ch == ',') {
            continue;
        }

        text[3] = (char) ch;
        weir_tracestate_init(&ts);
        assert_int_equal(weir_tracestate_add(&ts, str(text)),
                         ch >= 0x20 && ch <= 0x7e && ch != '=' ? WEIR_OK
                                                               : WEIR_ERROR);
    }
}


static void
test_lengths(void **state)
{
    char               text[1024];
    size_t             key, value;
    weir_str_t         v;
    weir_tracestate_t  ts;

    for (key = 255; key <= 257; key++) {
        for (value = 255; value <= 257; value++) {

            memset(text, 'z', sizeof(text));
            text[key] = '=';

            v.data = (const uint8_t *) text;
            v.len = key + 1 + value;

            weir_tracestate_init(&ts);
            assert_int_equal(weir_tracestate_add(&ts, v),
                             key <= 256 && value <= 256 ? WEIR_OK
                                                        : WEIR_ERROR);
        }
    }
}


static void
test_fields(void **state)
{
    weir_tracestate_t  ts;

    weir_tracestate_init(&ts);
    assert_int_equal(weir_tracestate_add(&ts, str("foo=1,bar=2")), WEIR_OK);
    assert_int_equal(weir_tracestate_add(&ts, str("")), WEIR_OK);
    assert_int_equal(weir_tracestate_add(&ts, str("rojo=1,congo=2")), WEIR_OK);
    assert_int_equal(weir_tracestate_add(&ts, str("baz=3")), WEIR_OK);
    assert_list(&ts, "foo=1,bar=2,rojo=1,congo=2,baz=3");

    /* an invalid field takes all with it */

    assert_int_equal(weir_tracestate_add(&ts, str("nothing")), WEIR_ERROR);
    assert_list(&ts, "");
}


static void
fill(weir_tracestate_t *ts, unsigned n)
{
    unsigned     i;
    static char  members[WEIR_TRACESTATE_MAX][32];

    weir_tracestate_init(ts);

    for (i = 0; i < n; i++) {
        (void) snprintf(members[i], sizeof(members[i]), "k%02u=%u", i, i);
        assert_int_equal(weir_tracestate_add(ts, str(members[i])), WEIR_OK);
    }
}


static void
test_count(void **state)
{
    weir_tracestate_t  ts;

    fill(&ts, 32);
    assert_int_equal(ts.n, 32);

    /* empty members do not count */

    assert_int_equal(weir_tracestate_add(&ts, str(" ,, ")), WEIR_OK);
    assert_int_equal(ts.n, 32);

    assert_int_equal(weir_tracestate_add(&ts, str("one=more")), WEIR_ERROR);
    assert_int_equal(ts.n, 0);
}


static void
test_put(void **state)
{
    weir_tracestate_t  ts;

    weir_tracestate_init(&ts);
    assert_int_equal(weir_tracestate_put(&ts, str("weir=1")), WEIR_OK);
    assert_list(&ts, "weir=1");

    assert_int_equal(weir_tracestate_put(&ts, str("weir=2")), WEIR_OK);
    assert_list(&ts, "weir=2");

    weir_tracestate_init(&ts);
    assert_int_equal(weir_tracestate_add(&ts,
                                str("weird=0,weir=1,a=2,weir=3,wei=4")),
                     WEIR_OK);
    assert_int_equal(weir_tracestate_put(&ts, str("weir=5")), WEIR_OK);
    assert_list(&ts, "weir=5,weird=0,a=2,wei=4");

    assert_int_equal(weir_tracestate_put(&ts, str("weir")), WEIR_ERROR);
    assert_int_equal(weir_tracestate_put(&ts, str("Weir=1")), WEIR_ERROR);
    assert_int_equal(weir_tracestate_put(&ts, str("weir=a,b")), WEIR_ERROR);
    assert_list(&ts, "weir=5,weird=0,a=2,wei=4");
}


static void
test_put_into_full_list(void **state)
{
    weir_tracestate_t  ts;

    fill(&ts, 32);

    assert_int_equal(weir_tracestate_put(&ts, str("weir=1")), WEIR_OK);
    assert_int_equal(ts.n, 32);
    assert_true(weir_str_eq(ts.members[0], str("weir=1")));
    assert_true(weir_str_eq(ts.members[1], str("k00=0")));
    assert_true(weir_str_eq(ts.members[31], str("k30=30")));

    /* one that was there makes room itself */

    fill(&ts, 32);

    assert_int_equal(weir_tracestate_put(&ts, str("k05=new")), WEIR_OK);
    assert_int_equal(ts.n, 32);
    assert_true(weir_str_eq(ts.members[0], str("k05=new")));
    assert_true(weir_str_eq(ts.members[31], str("k31=31")));
}


static void
test_limit(void **state)
{
    char               big[3][300], text[2048];
    unsigned           i;
    weir_tracestate_t  ts;

    for (i = 0; i < 3; i++) {
        memset(big[i], 'v', sizeof(big[i]));
        big[i][0] = (char) ('a' + i);
        big[i][1] = '=';
        big[i][200] = '\0';
    }

    /* 3 * 200 + "x=1" + "y=2" + 4 commas = 610 */

    (void) snprintf(text, sizeof(text), "%s,x=1,%s,y=2,%s",
                    big[0], big[1], big[2]);

    weir_tracestate_init(&ts);
    assert_int_equal(weir_tracestate_add(&ts, str(text)), WEIR_OK);
    assert_int_equal(ts.len, 610);

    assert_int_equal(weir_tracestate_limit(&ts, 610), 0);
    assert_int_equal(ts.n, 5);

    /* long ones first, the rightmost of them first */

    assert_int_equal(weir_tracestate_limit(&ts, 609), 1);
    (void) snprintf(text, sizeof(text), "%s,x=1,%s,y=2", big[0], big[1]);
    assert_list(&ts, text);

    /* never below 512 */

    assert_int_equal(weir_tracestate_limit(&ts, 1), 0);
    assert_list(&ts, text);
}


static void
test_limit_from_the_right(void **state)
{
    char               member[WEIR_TRACESTATE_MAX][160];
    unsigned           i;
    weir_tracestate_t  ts;

    /* 10 members of exactly 128 bytes are not long: 1,289 in all */

    weir_tracestate_init(&ts);

    for (i = 0; i < 10; i++) {
        memset(member[i], 'v', sizeof(member[i]));
        member[i][0] = (char) ('a' + i);
        member[i][1] = '=';
        member[i][128] = '\0';
        assert_int_equal(weir_tracestate_add(&ts, str(member[i])), WEIR_OK);
    }

    assert_int_equal(ts.len, 1289);
    assert_int_equal(weir_tracestate_limit(&ts, 515), 6);
    assert_int_equal(ts.n, 4);
    assert_int_equal(ts.len, 515);

    for (i = 0; i < 4; i++) {
        assert_int_equal(ts.members[i].data[0], 'a' + i);
    }

    assert_int_equal(weir_tracestate_limit(&ts, 512), 1);
    assert_int_equal(ts.len, 386);

    /* one of 129 in front goes before them */

    weir_tracestate_init(&ts);

    for (i = 0; i < 5; i++) {
        if (i == 0) {
            member[i][128] = 'v';
            member[i][129] = '\0';
        }

        assert_int_equal(weir_tracestate_add(&ts, str(member[i])), WEIR_OK);
    }

    assert_int_equal(weir_tracestate_limit(&ts, 515), 1);
    assert_int_equal(ts.n, 4);
    assert_int_equal(ts.members[0].data[0], 'b');
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_key_characters),
        cmocka_unit_test(test_value_characters),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_put_into_full_list),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_from_the_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
