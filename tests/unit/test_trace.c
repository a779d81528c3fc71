
/*
 * Unit tests: traceparent, what is continued under which trust, request ids.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "weir_trace.h"
#include "weir_hash.h"


#define str(s)  weir_cstr(s)

#define TRACE   "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT  "00f067aa0ba902b7"
#define VALID   "00-" TRACE "-" PARENT "-01"


/* A generator of known bytes: 1, 2, 3, ...; some draws are zero, some fail. */

typedef struct {
    uint8_t   next;
    unsigned  draws;
    unsigned  zero;       /* so many draws give zeros first */
    unsigned  fail_at;    /* this draw fails; 0: none */
} source_t;


static int
source_random(void *ctx, void *dst, size_t len)
{
    size_t     i;
    uint8_t   *p;
    source_t  *s;

    s = ctx;
    p = dst;

    s->draws++;

    if (s->fail_at && s->draws == s->fail_at) {
        return WEIR_ERROR;
    }

    for (i = 0; i < len; i++) {
        p[i] = s->draws <= s->zero ? 0 : ++s->next;
    }

    return WEIR_OK;
}


static int
parse(const char *s, weir_traceparent_t *tp)
{
    return weir_traceparent_parse(tp, str(s));
}


static void
assert_sent(const weir_traceparent_t *tp, const char *expected)
{
    char  text[WEIR_TRACEPARENT_LEN + 1];

    memset(text, '#', sizeof(text));
    weir_traceparent_format((uint8_t *) text, tp);

    assert_int_equal(text[WEIR_TRACEPARENT_LEN], '#');
    text[WEIR_TRACEPARENT_LEN] = '\0';

    assert_string_equal(text, expected);
}


static void
test_traceparent_valid(void **state)
{
    weir_traceparent_t  tp;

    assert_int_equal(parse(VALID, &tp), WEIR_OK);
    assert_int_equal(tp.trace_id[0], 0x4b);
    assert_int_equal(tp.trace_id[15], 0x36);
    assert_int_equal(tp.parent_id[0], 0x00);
    assert_int_equal(tp.parent_id[7], 0xb7);
    assert_int_equal(tp.flags, WEIR_TRACE_SAMPLED);
    assert_sent(&tp, VALID);
}


static void
test_traceparent_white_space(void **state)
{
    weir_traceparent_t  tp;

    assert_int_equal(parse(" " VALID, &tp), WEIR_OK);
    assert_int_equal(parse("\t" VALID, &tp), WEIR_OK);
    assert_int_equal(parse(VALID " ", &tp), WEIR_OK);
    assert_int_equal(parse(VALID "\t", &tp), WEIR_OK);
    assert_int_equal(parse("\t " VALID " \t", &tp), WEIR_OK);
    assert_sent(&tp, VALID);

    assert_int_equal(parse(VALID "\r", &tp), WEIR_ERROR);
    assert_int_equal(parse("\v" VALID, &tp), WEIR_ERROR);
}


static void
test_traceparent_every_length(void **state)
{
    char                text[128];
    size_t              len;
    weir_str_t          v;
    weir_traceparent_t  tp;

    memset(text, 'a', sizeof(text));
    memcpy(text, VALID, WEIR_TRACEPARENT_LEN);

    for (len = 0; len < sizeof(text); len++) {
        v.data = (const uint8_t *) text;
        v.len = len;

        assert_int_equal(weir_traceparent_parse(&tp, v),
                         len == WEIR_TRACEPARENT_LEN ? WEIR_OK : WEIR_ERROR);
    }
}


/* Each position takes only what belongs there. */

static void
test_traceparent_every_byte(void **state)
{
    char                text[WEIR_TRACEPARENT_LEN + 1];
    size_t              i;
    unsigned            ch, dash, hex;
    weir_traceparent_t  tp;

    for (i = 0; i < WEIR_TRACEPARENT_LEN; i++) {
        for (ch = 1; ch < 256; ch++) {

            /* the version has a test of its own; SP and HTAB are trimmed */

            if (i < 2 || ch == ' ' || ch == '\t') {
                continue;
            }

            memcpy(text, VALID, sizeof(text));
            text[i] = (char) ch;

            dash = i == 2 || i == 35 || i == 52;
            hex = (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f');

            assert_int_equal(parse(text, &tp),
                             (dash ? ch == '-' : hex) ? WEIR_OK : WEIR_ERROR);
        }
    }
}


static void
test_traceparent_upper_case(void **state)
{
    weir_traceparent_t  tp;

    assert_int_equal(parse("00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
                           &tp),
                     WEIR_ERROR);
    assert_int_equal(parse("00-" TRACE "-00F067AA0BA902B7-01", &tp),
                     WEIR_ERROR);
    assert_int_equal(parse("00-" TRACE "-" PARENT "-0A", &tp), WEIR_ERROR);
    assert_int_equal(parse("CC-" TRACE "-" PARENT "-01", &tp), WEIR_ERROR);
    assert_int_equal(parse("cc-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
                           &tp),
                     WEIR_ERROR);
}


static void
test_traceparent_zero_ids(void **state)
{
    weir_traceparent_t  tp;

    assert_int_equal(parse("00-00000000000000000000000000000000-" PARENT "-01",
                           &tp),
                     WEIR_ERROR);
    assert_int_equal(parse("00-" TRACE "-0000000000000000-01", &tp),
                     WEIR_ERROR);
    assert_int_equal(parse("cc-00000000000000000000000000000000-" PARENT "-01",
                           &tp),
                     WEIR_ERROR);
    assert_int_equal(parse("00-00000000000000000000000000000001-" PARENT "-01",
                           &tp),
                     WEIR_OK);
    assert_int_equal(parse("00-" TRACE "-8000000000000000-01", &tp), WEIR_OK);
}


static void
test_traceparent_versions(void **state)
{
    char                text[128];
    unsigned            version;
    weir_traceparent_t  tp;

    for (version = 0; version < 256; version++) {
        (void) snprintf(text, sizeof(text), "%02x-" TRACE "-" PARENT "-01",
                        version);
        assert_int_equal(parse(text, &tp),
                         version == 0xff ? WEIR_ERROR : WEIR_OK);

        if (version < 0xff) {
            assert_sent(&tp, VALID);        /* always sent as version 00 */
        }

        (void) snprintf(text, sizeof(text),
                        "%02x-" TRACE "-" PARENT "-01-and-more", version);
        assert_int_equal(parse(text, &tp),
                         version == 0xff || version == 0 ? WEIR_ERROR
                                                         : WEIR_OK);

        (void) snprintf(text, sizeof(text), "%02x-" TRACE "-" PARENT "-01-",
                        version);
        assert_int_equal(parse(text, &tp),
                         version == 0xff || version == 0 ? WEIR_ERROR
                                                         : WEIR_OK);

        (void) snprintf(text, sizeof(text), "%02x-" TRACE "-" PARENT "-01.x",
                        version);
        assert_int_equal(parse(text, &tp), WEIR_ERROR);

        (void) snprintf(text, sizeof(text), "%02x-" TRACE "-" PARENT "-011",
                        version);
        assert_int_equal(parse(text, &tp), WEIR_ERROR);
    }

    assert_int_equal(parse(".0-" TRACE "-" PARENT "-01", &tp), WEIR_ERROR);
    assert_int_equal(parse("0.-" TRACE "-" PARENT "-01", &tp), WEIR_ERROR);
    assert_int_equal(parse("000-" TRACE "-" PARENT "-01", &tp), WEIR_ERROR);
    assert_int_equal(parse("0-" TRACE "-" PARENT "-01", &tp), WEIR_ERROR);
}


static void
test_traceparent_flags(void **state)
{
    char                text[64];
    unsigned            flags;
    weir_traceparent_t  tp;

    for (flags = 0; flags < 256; flags++) {
        (void) snprintf(text, sizeof(text), "00-" TRACE "-" PARENT "-%02x",
                        flags);
        assert_int_equal(parse(text, &tp), WEIR_OK);
        assert_int_equal(tp.flags, flags & 3);

        (void) snprintf(text, sizeof(text), "00-" TRACE "-" PARENT "-%02x",
                        flags & 3);
        assert_sent(&tp, text);

        /* not even what the caller puts there is sent */

        tp.flags = (uint8_t) flags;
        assert_sent(&tp, text);
    }
}


static int
start(weir_trace_t *t, source_t *s, weir_trace_trust_t trust, size_t n,
    const char *a, const char *b)
{
    weir_str_t  fields[2];

    fields[0] = str(a ? a : "");
    fields[1] = str(b ? b : "");

    return weir_trace_start(t, fields, n, trust, source_random, s);
}


static void
test_start_new(void **state)
{
    source_t            s;
    weir_trace_t        t;
    weir_trace_trust_t  trust;

    for (trust = WEIR_TRACE_RESTART; trust <= WEIR_TRACE_FULL; trust++) {
        memset(&s, 0, sizeof(s));

        assert_int_equal(start(&t, &s, trust, 0, NULL, NULL), WEIR_OK);
        assert_int_equal(t.result, WEIR_TRACE_NEW);
        assert_int_equal(s.draws, 2);
        assert_sent(&t.out,
                    "00-0102030405060708090a0b0c0d0e0f10-"
                    "1112131415161718-02");
    }
}


static void
test_start_restart(void **state)
{
    source_t      s;
    weir_trace_t  t;

    memset(&s, 0, sizeof(s));

    assert_int_equal(start(&t, &s, WEIR_TRACE_RESTART, 1, VALID, NULL),
                     WEIR_OK);
    assert_int_equal(t.result, WEIR_TRACE_RESTARTED);
    assert_sent(&t.out,
                "00-0102030405060708090a0b0c0d0e0f10-1112131415161718-02");
}


static void
test_start_ids(void **state)
{
    uint8_t       parent[8];
    source_t      s;
    weir_trace_t  t;

    memset(&s, 0, sizeof(s));
    (void) weir_unhex(parent, 8, str(PARENT));

    assert_int_equal(start(&t, &s, WEIR_TRACE_IDS, 1, VALID, NULL), WEIR_OK);
    assert_int_equal(t.result, WEIR_TRACE_CONTINUED);
    assert_memory_equal(t.parent, parent, 8);

    /* sampling is ours to decide; a client cannot ask for it */

    assert_sent(&t.out, "00-" TRACE "-0102030405060708-00");

    memset(&s, 0, sizeof(s));

    assert_int_equal(start(&t, &s, WEIR_TRACE_IDS, 1,
                           "00-" TRACE "-" PARENT "-ff", NULL),
                     WEIR_OK);
    assert_sent(&t.out, "00-" TRACE "-0102030405060708-02");
}


static void
test_start_full(void **state)
{
    char          text[64], expected[64];
    source_t      s;
    unsigned      flags;
    weir_trace_t  t;

    for (flags = 0; flags < 256; flags++) {
        memset(&s, 0, sizeof(s));

        (void) snprintf(text, sizeof(text), "00-" TRACE "-" PARENT "-%02x",
                        flags);
        (void) snprintf(expected, sizeof(expected),
                        "00-" TRACE "-0102030405060708-%02x", flags & 3);

        assert_int_equal(start(&t, &s, WEIR_TRACE_FULL, 1, text, NULL),
                         WEIR_OK);
        assert_int_equal(t.result, WEIR_TRACE_CONTINUED);
        assert_sent(&t.out, expected);
    }
}


static void
test_start_invalid(void **state)
{
    source_t            s;
    weir_trace_t        t;
    weir_trace_trust_t  trust;

    for (trust = WEIR_TRACE_RESTART; trust <= WEIR_TRACE_FULL; trust++) {

        memset(&s, 0, sizeof(s));
        assert_int_equal(start(&t, &s, trust, 1, "junk", NULL), WEIR_OK);
        assert_int_equal(t.result, WEIR_TRACE_RESTARTED);
        assert_sent(&t.out,
                    "00-0102030405060708090a0b0c0d0e0f10-"
                    "1112131415161718-02");

        memset(&s, 0, sizeof(s));
        assert_int_equal(start(&t, &s, trust, 1, "", NULL), WEIR_OK);
        assert_int_equal(t.result, WEIR_TRACE_RESTARTED);

        /* two are none, be they equal */

        memset(&s, 0, sizeof(s));
        assert_int_equal(start(&t, &s, trust, 2, VALID, VALID), WEIR_OK);
        assert_int_equal(t.result, WEIR_TRACE_RESTARTED);
        assert_sent(&t.out,
                    "00-0102030405060708090a0b0c0d0e0f10-"
                    "1112131415161718-02");
    }
}


static void
test_start_random(void **state)
{
    source_t      s;
    unsigned      i;
    weir_trace_t  t;

    /* zeros are drawn again */

    memset(&s, 0, sizeof(s));
    s.zero = 3;

    assert_int_equal(start(&t, &s, WEIR_TRACE_RESTART, 0, NULL, NULL),
                     WEIR_OK);
    assert_sent(&t.out,
                "00-0102030405060708090a0b0c0d0e0f10-1112131415161718-02");

    /* but not for ever */

    memset(&s, 0, sizeof(s));
    s.zero = 1000;

    assert_int_equal(start(&t, &s, WEIR_TRACE_RESTART, 0, NULL, NULL),
                     WEIR_ERROR);

    for (i = 1; i <= 2; i++) {
        memset(&s, 0, sizeof(s));
        s.fail_at = i;

        assert_int_equal(start(&t, &s, WEIR_TRACE_RESTART, 0, NULL, NULL),
                         WEIR_ERROR);
    }

    memset(&s, 0, sizeof(s));
    s.fail_at = 1;

    assert_int_equal(start(&t, &s, WEIR_TRACE_FULL, 1, VALID, NULL),
                     WEIR_ERROR);
}


static void
test_request_id(void **state)
{
    char        text[WEIR_REQUEST_ID_MAX + 2];
    unsigned    ch;
    weir_str_t  v;

    assert_true(weir_request_id_printable(str("a b \"c\"")));
    assert_false(weir_request_id_sane(str("a b \"c\"")));

    assert_false(weir_request_id_printable(str("")));
    assert_false(weir_request_id_printable(str(" a")));
    assert_false(weir_request_id_printable(str("a ")));

    assert_true(weir_request_id_sane(
                               str("f47ac10b-58cc-4372-a567-0e02b2c3d479")));
    assert_true(weir_request_id_sane(str("Root=1-67891233-abcdef012345")));
    assert_false(weir_request_id_sane(str("1234567")));
    assert_true(weir_request_id_sane(str("12345678")));

    memset(text, 'a', sizeof(text));
    v.data = (const uint8_t *) text;

    v.len = WEIR_REQUEST_ID_MAX;
    assert_true(weir_request_id_printable(v));
    assert_true(weir_request_id_sane(v));

    v.len = WEIR_REQUEST_ID_MAX + 1;
    assert_false(weir_request_id_printable(v));
    assert_false(weir_request_id_sane(v));

    v.len = 16;

    for (ch = 0; ch < 256; ch++) {
        text[8] = (char) ch;

        assert_int_equal(weir_request_id_printable(v),
                         ch >= 0x20 && ch <= 0x7e);
        assert_int_equal(weir_request_id_sane(v),
                         ch != 0
                         && strchr("0123456789"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz"
                                   "-._~:+/=@", (int) ch) != NULL);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_traceparent_valid),
        cmocka_unit_test(test_traceparent_white_space),
        cmocka_unit_test(test_traceparent_every_length),
        cmocka_unit_test(test_traceparent_every_byte),
        cmocka_unit_test(test_traceparent_upper_case),
        cmocka_unit_test(test_traceparent_zero_ids),
        cmocka_unit_test(test_traceparent_versions),
        cmocka_unit_test(test_traceparent_flags),
        cmocka_unit_test(test_start_new),
        cmocka_unit_test(test_start_restart),
        cmocka_unit_test(test_start_ids),
        cmocka_unit_test(test_start_full),
        cmocka_unit_test(test_start_invalid),
        cmocka_unit_test(test_start_random),
        cmocka_unit_test(test_request_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
