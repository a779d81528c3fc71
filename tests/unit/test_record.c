
/*
 * Unit tests of lib/record: lines of JSON from whatever a client sent.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "weir_record.h"


static void
equals(weir_record_t *w, const char *text)
{
    weir_str_t  s;

    s = weir_cstr(text);

    assert_int_equal(w->len, s.len);
    assert_memory_equal(w->data, s.data, s.len);
}


static void
test_record_string(void **state)
{
    size_t         i;
    uint8_t        data[128];
    weir_record_t  w;

    static const struct {
        const char  *from;
        const char  *to;
    } v[] = {
        { "", "\"\"" },
        { "plain", "\"plain\"" },
        { "a\"b\\c", "\"a\\\"b\\\\c\"" },
        { "\x1b[2J\n\r\t\x7f", "\"\\u001b[2J\\u000a\\u000d\\u0009\\u007f\"" },
        { "\xc3\xa9", "\"\\u00e9\"" },
        { "\xe2\x80\xae", "\"\\u202e\"" },
        { "\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\"" },
        { "\xf4\x8f\xbf\xbf", "\"\\udbff\\udfff\"" },
        { "\xff!", "\"\\ufffd!\"" },
        { "\xc3", "\"\\ufffd\"" },
        { "\xe2\x80", "\"\\ufffd\\ufffd\"" },
        { "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
        { "\xc0\xaf", "\"\\ufffd\\ufffd\"" },
    };

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        weir_record_init(&w, data, sizeof(data));
        weir_record_string(&w, weir_cstr(v[i].from));

        assert_false(w.full);
        equals(&w, v[i].to);
    }
}


/* Any bytes give a JSON string in printable ASCII, which any parser reads. */

static void
test_record_any(void **state)
{
    size_t         k;
    json_t        *json;
    uint8_t        data[256], bytes[3];
    unsigned       i;
    weir_str_t     s;
    weir_record_t  w;

    for (i = 0; i < 1 << 24; i += 97) {
        bytes[0] = (uint8_t) (i >> 16);
        bytes[1] = (uint8_t) (i >> 8);
        bytes[2] = (uint8_t) i;

        s.data = bytes;
        s.len = sizeof(bytes);

        weir_record_init(&w, data, sizeof(data));
        weir_record_string(&w, s);

        assert_false(w.full);

        for (k = 0; k < w.len; k++) {
            assert_in_range(data[k], 0x20, 0x7e);
        }

        json = json_loadb((char *) data, w.len,
                          JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(json);

        if (weir_utf8_valid(s)) {
            assert_int_equal(json_string_length(json), s.len);
            assert_memory_equal(json_string_value(json), bytes, s.len);
        }

        json_decref(json);
    }
}


/* With too little room: full, and nothing behind it. */

static void
test_record_full(void **state)
{
    size_t         n;
    uint8_t        data[64];
    weir_record_t  w;

    for (n = 0; n < 40; n++) {
        memset(data, 'x', sizeof(data));
        weir_record_init(&w, data, n);

        weir_record_raw(&w, weir_str("{\"time\":"));
        weir_record_time(&w, 1767607200, 7);
        weir_record_name(&w, "n");
        weir_record_number(&w, -5);
        weir_record_raw(&w, weir_str("}"));

        assert_true(w.full);
        assert_true(w.len <= n);
        assert_int_equal(data[n], 'x');

        weir_record_raw(&w, weir_str(""));
        assert_true(w.full);
    }

    weir_record_init(&w, data, sizeof(data));

    weir_record_raw(&w, weir_str("{\"time\":"));
    weir_record_time(&w, 1767607200, 7);
    weir_record_name(&w, "n");
    weir_record_number(&w, INT64_MIN);
    weir_record_raw(&w, weir_str("}"));

    assert_false(w.full);
    equals(&w, "{\"time\":\"2026-01-05T10:00:00.007Z\","
           "\"n\":-9223372036854775808}");
}


/* Any bound, by any size of memory: whole characters, and the quote. */

static void
test_record_beginning(void **state)
{
    int            cut;
    size_t         max, size, len;
    uint8_t        data[64];
    json_t        *json;
    weir_record_t  w;

    static const char  from[] = "ab\"\xc3\xa9\xf0\x9f\x98\x80z";
    static const char  *const  begins[] = {
        "", "a", "ab", "ab\"", "ab\"\xc3\xa9", "ab\"\xc3\xa9\xf0\x9f\x98\x80",
        from
    };
    static const size_t  needs[] = { 2, 3, 4, 6, 12, 24, 25 };

    for (size = 0; size < 40; size++) {
        for (max = 0; max < 40; max++) {

            weir_record_init(&w, data, size);
            weir_record_raw(&w, weir_str("["));

            cut = weir_record_beginning(&w, weir_cstr(from), max);

            len = size == 0 ? 0 : size - 1 < max ? size - 1 : max;

            if (len < 2) {
                assert_true(w.full);
                assert_true(cut);
                continue;
            }

            assert_int_equal(w.size, size);
            assert_false(w.full);
            assert_true(w.len <= 1 + len);
            assert_int_equal(cut, len < 25);

            json = json_loadb((const char *) data + 1, w.len - 1,
                              JSON_DECODE_ANY, NULL);
            assert_non_null(json);

            for (len = len > 25 ? 25 : len; /* void */ ; len--) {
                size_t  i;

                for (i = 0; i < 7 && needs[i] != len; i++) { /* void */ }

                if (i < 7) {
                    assert_string_equal(json_string_value(json), begins[i]);
                    break;
                }
            }

            json_decref(json);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_record_string),
        cmocka_unit_test(test_record_beginning),
        cmocka_unit_test(test_record_any),
        cmocka_unit_test(test_record_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
