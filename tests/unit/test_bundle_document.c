
/*
 * Tests of lib/bundle: documents, read and written.
 */

#include "bundle_make.h"


#define HASH                                                                  \
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A split, member by member. */

#define M_NS        "\"namespace\":\"prod\""
#define M_KIND      "\"kind\":\"split\""
#define M_ID        "\"id\":\"checkout\""
#define M_VERSION   "\"version\":3"
#define M_PREVIOUS  "\"previous\":\"" HASH "\""
#define M_ISSUED    "\"issued\":\"2026-01-01T00:00:00Z\""
#define M_EXPIRES   "\"expires\":null"
#define M_EPOCH     "\"epoch\":0"
#define M_BY        "\"by\":\"alice@ops\""
#define M_REASON    "\"reason\":\"because\""
#define M_WEIGHTS   "\"weights\":{\"green\":2500}"

#define M_HEAD                                                                \
    "{" M_NS ",\"kind\":\"bundle\",\"id\":\"head\"," M_VERSION "," M_PREVIOUS \
    "," M_ISSUED "," M_EXPIRES "," M_EPOCH "," M_BY "," M_REASON              \
    ",\"activate_at\":null,\"tool\":\"weirctl 0.1.0\""


static const char  *const  members[] = {
    M_NS, M_KIND, M_ID, M_VERSION, M_PREVIOUS, M_ISSUED, M_EXPIRES, M_EPOCH,
    M_BY, M_REASON, M_WEIGHTS
};

#define NMEMBERS  (sizeof(members) / sizeof(members[0]))


static weir_document_t  doc;
static weir_refusal_e   why;


static int
parse(weir_kind_e kind, weir_str_t payload)
{
    int  rc;

    why = WEIR_REFUSAL_NONE;
    error.text[0] = '\0';

    rc = weir_document_parse(&doc, &arena, kind, payload, &why, &error);

    assert_int_not_equal(rc, WEIR_ERROR);
    assert_int_equal(rc == WEIR_OK, why == WEIR_REFUSAL_NONE);
    assert_int_equal(rc == WEIR_OK, error.text[0] == '\0');

    return rc;
}


/* A split with one member otherwise; NULL: without it. */

static int
split_with(const char *member, const char *other)
{
    int     found;
    char    buf[4096];
    size_t  i;

    strcpy(buf, "{");
    found = member == NULL;

    for (i = 0; i < NMEMBERS; i++) {
        const char  *m;

        m = members[i];

        if (member != NULL && strcmp(m, member) == 0) {
            found = 1;
            m = other;

            if (m == NULL) {
                continue;
            }
        }

        if (strlen(buf) > 1) {
            strcat(buf, ",");
        }

        strcat(buf, m);
    }

    assert_true(found);

    if (member == NULL && other != NULL) {
        strcat(buf, ",");
        strcat(buf, other);
    }

    strcat(buf, "}");

    return parse(WEIR_KIND_SPLIT, weir_arena_copy(&arena, str(buf)));
}


static void
a_split(void **state)
{
    size_t      i;
    uint8_t     hash[32];
    weir_str_t  payload;

    (void) state;

    assert_int_equal(split_with(NULL, NULL), WEIR_OK);
    assert_str(doc.ns, "prod");
    assert_str(doc.id, "checkout");
    assert_int_equal(doc.kind, WEIR_KIND_SPLIT);
    assert_int_equal(doc.version, 3);
    assert_int_equal(doc.epoch, 0);
    assert_int_equal(doc.issued, NOW);
    assert_false(doc.has_expires);
    assert_true(doc.has_previous);
    assert_int_equal(weir_hash_parse(weir_str(HASH), hash), WEIR_OK);
    assert_memory_equal(doc.previous, hash, 32);
    assert_str(doc.by, "alice@ops");
    assert_str(doc.reason, "because");
    assert_int_equal(doc.nweights, 1);
    assert_str(doc.weights[0].colour, "green");
    assert_int_equal(doc.weights[0].weight, 2500);

    /* exactly this is what a writer makes of it */

    assert_int_equal(weir_document_write(&doc, &arena, &payload, &error),
                     WEIR_OK);
    assert_int_equal(weir_document_size(&doc), payload.len);
    assert_str(payload, "{" M_NS "," M_KIND "," M_ID "," M_VERSION ","
               M_PREVIOUS "," M_ISSUED "," M_EXPIRES "," M_EPOCH "," M_BY ","
               M_REASON "," M_WEIGHTS "}");

    /* each is required, once; none may be added */

    for (i = 0; i < NMEMBERS; i++) {
        assert_int_equal(split_with(members[i], NULL), WEIR_DECLINED);
        assert_word(why, "policy-error");
        assert_int_equal(split_with(NULL, members[i]), WEIR_DECLINED);
        assert_word(why, "policy-error");
    }

    assert_int_equal(split_with(NULL, "\"x\":1"), WEIR_DECLINED);
    assert_word(why, "policy-error");
    assert_int_equal(split_with(NULL, "\"tool\":\"x\""), WEIR_DECLINED);
    assert_int_equal(split_with(NULL, "\"files\":{}"), WEIR_DECLINED);
    assert_int_equal(split_with(NULL, "\"\":1"), WEIR_DECLINED);
    assert_int_equal(split_with(M_WEIGHTS, "\"weights\":{}"), WEIR_OK);
    assert_int_equal(doc.nweights, 0);
}


static void
values(void **state)
{
    size_t  i;

    static const struct {
        const char  *member, *other, *word;
    } v[] = {
        { M_NS, "\"namespace\":\"Prod\"", "policy-error" },
        { M_NS, "\"namespace\":\"\"", "policy-error" },
        { M_NS, "\"namespace\":\"a{b}\"", "policy-error" },
        { M_NS, "\"namespace\":\"-a\"", "policy-error" },
        { M_NS, "\"namespace\":7", "policy-error" },
        { M_NS, "\"namespace\":null", "policy-error" },
        { M_NS, "\"namespace\":\"eu-west_1\"", "" },
        { M_NS, "\"namesp\\u0061ce\":\"pr\\u006fd\"", "" },

        { M_KIND, "\"kind\":\"bundle\"", "namespace" },
        { M_KIND, "\"kind\":\"\"", "namespace" },
        { M_KIND, "\"kind\":1", "policy-error" },

        { M_ID, "\"id\":\"\"", "policy-error" },
        { M_ID, "\"id\":\"a/b\"", "policy-error" },
        { M_ID, "\"id\":\"..\"", "policy-error" },
        { M_ID, "\"id\":\"a b\"", "policy-error" },
        { M_ID, "\"id\":\"a\\u0000\"", "policy-error" },
        { M_ID, "\"id\":\"a.b:c@d-e_F9\"", "" },

        { M_PREVIOUS, "\"previous\":null", "" },
        { M_PREVIOUS, "\"previous\":nul", "policy-error" },
        { M_PREVIOUS, "\"previous\":nulL", "policy-error" },
        { M_PREVIOUS, "\"previous\":\"\"", "policy-error" },
        { M_PREVIOUS, "\"previous\":\"sha256:00\"", "policy-error" },
        { M_PREVIOUS, "\"previous\":\"SHA256:0123456789abcdef0123456789abcdef"
          "0123456789abcdef0123456789abcdef\"",
          "policy-error" },
        { M_PREVIOUS, "\"previous\":\"sha256:0123456789ABCDEF0123456789abcdef"
          "0123456789abcdef0123456789abcdef\"",
          "policy-error" },

        { M_ISSUED, "\"issued\":null", "policy-error" },
        { M_ISSUED, "\"issued\":1767225600", "policy-error" },
        { M_ISSUED, "\"issued\":\"2026-01-01 00:00:00\"", "policy-error" },
        { M_ISSUED, "\"issued\":\"2026-02-29T00:00:00Z\"", "policy-error" },
        { M_ISSUED, "\"issued\":\"2026-01-01T01:00:00+01:00\"", "" },
        { M_ISSUED, "\"issued\":\"2026-01-01T00:00:00.5Z\"", "" },
        { M_EXPIRES, "\"expires\":\"2027-01-01T00:00:00Z\"", "" },
        { M_EXPIRES, "\"expires\":false", "policy-error" },
        { M_EXPIRES, "\"expires\":\"\"", "policy-error" },

        { M_BY, "\"by\":\"\"", "" },
        { M_BY, "\"by\":null", "policy-error" },
        { M_BY, "\"by\":\"a\xff\"", "policy-error" },
        { M_BY, "\"by\":\"\\ud83d\\ude00\\u00fc\\u20ac\"", "" },
        { M_BY, "\"by\":\"\\ud83d\"", "policy-error" },
        { M_BY, "\"by\":\"\\ude00\"", "policy-error" },
        { M_BY, "\"by\":\"\\ud83d\\u0041\"", "policy-error" },
        { M_BY, "\"by\":\"\\x41\"", "policy-error" },
        { M_BY, "\"by\":\"\\u12\"", "policy-error" },
        { M_BY, "\"by\":\"a\nb\"", "policy-error" },
        { M_REASON, "\"reason\":[]", "policy-error" },

        { M_WEIGHTS, "\"weights\":{\"green\":10000}", "" },
        { M_WEIGHTS, "\"weights\":{\"green\":10001}", "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"green\":5000,\"red\":5000}", "" },
        { M_WEIGHTS, "\"weights\":{\"green\":5000,\"red\":5001}",
          "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"green\":18446744073709551615,\"red\":2}",
          "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"green\":1,\"green\":2}",
          "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"green\":1,\"gre\\u0065n\":2}",
          "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"Green\":1}", "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"*\":1}", "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"green\":-1}", "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"green\":25.0}", "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"green\":\"25\"}", "policy-error" },
        { M_WEIGHTS, "\"weights\":[]", "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"green\":1]", "policy-error" },
        { M_WEIGHTS, "\"weights\":{\"green\":1,}", "policy-error" }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        (void) split_with(v[i].member, v[i].other);

        if (strcmp((const char *) weir_refusal_word(why).data, v[i].word)
            != 0)
        {
            fail_msg("%s: \"%s\" %s", v[i].other,
                     (const char *) weir_refusal_word(why).data, error.text);
        }
    }

    assert_int_equal(split_with(M_BY, "\"by\":\"\\ud83d\\ude00\\u00fc\\u20ac"
                                "\\\"\\\\\\/\\b\\f\\n\\r\\t\""), WEIR_OK);
    assert_str(doc.by, "\xf0\x9f\x98\x80\xc3\xbc\xe2\x82\xac\"\\/\b\f\n\r\t");
    assert_int_equal(split_with(M_EXPIRES,
                                "\"expires\":\"2026-01-01T00:00:01Z\""),
                     WEIR_OK);
    assert_true(doc.has_expires);
    assert_int_equal(doc.expires, NOW + 1);
    assert_int_equal(split_with(M_EXPIRES,
                                "\"expires\":\"2026-01-01T00:00:01Z\"}"),
                     WEIR_DECLINED);
}


/* Versions are exact to the last of 64 bits. */

static void
numbers(void **state)
{
    char        buf[128];
    size_t      i;
    uint64_t    next;
    weir_str_t  payload;

    static const struct {
        const char  *text;
        uint64_t     value;
        int          rc;
    } v[] = {
        { "1", 1, WEIR_OK },
        { "9007199254740991", 9007199254740991u, WEIR_OK },
        { "9007199254740992", 9007199254740992u, WEIR_OK },
        { "9007199254740993", 9007199254740993u, WEIR_OK },
        { "9223372036854775807", INT64_MAX, WEIR_OK },
        { "9223372036854775808", (uint64_t) INT64_MAX + 1, WEIR_OK },
        { "18446744073709551614", UINT64_MAX - 1, WEIR_OK },
        { "18446744073709551615", UINT64_MAX, WEIR_OK },
        { "18446744073709551616", 0, WEIR_DECLINED },
        { "18446744073709551625", 0, WEIR_DECLINED },
        { "99999999999999999999", 0, WEIR_DECLINED },
        { "100000000000000000000", 0, WEIR_DECLINED },
        { "0", 0, WEIR_DECLINED },
        { "00", 0, WEIR_DECLINED },
        { "01", 0, WEIR_DECLINED },
        { "-0", 0, WEIR_DECLINED },
        { "-1", 0, WEIR_DECLINED },
        { "+1", 0, WEIR_DECLINED },
        { "1.0", 0, WEIR_DECLINED },
        { "1e0", 0, WEIR_DECLINED },
        { "1E3", 0, WEIR_DECLINED },
        { "0x1", 0, WEIR_DECLINED },
        { "\"1\"", 0, WEIR_DECLINED },
        { "null", 0, WEIR_DECLINED },
        { "true", 0, WEIR_DECLINED },
        { "1 1", 0, WEIR_DECLINED },
        { "", 0, WEIR_DECLINED }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        (void) snprintf(buf, sizeof(buf), "\"version\":%s", v[i].text);
        assert_int_equal(split_with(M_VERSION, buf), v[i].rc);

        if (v[i].rc == WEIR_OK) {
            assert_true(doc.version == v[i].value);
            assert_int_equal(weir_document_write(&doc, &arena, &payload,
                                                 &error), WEIR_OK);
            assert_non_null(memmem(payload.data, payload.len, buf,
                                   strlen(buf)));
        }

        (void) snprintf(buf, sizeof(buf), "\"epoch\":%s", v[i].text);
        assert_int_equal(split_with(M_EPOCH, buf),
                         strcmp(v[i].text, "0") == 0 ? WEIR_OK : v[i].rc);

        if (v[i].rc == WEIR_OK) {
            assert_true(doc.epoch == v[i].value);
        }
    }

    assert_int_equal(weir_version_next(0, &next), WEIR_OK);
    assert_int_equal(next, 1);
    assert_int_equal(weir_version_next(UINT64_MAX - 1, &next), WEIR_OK);
    assert_true(next == UINT64_MAX);
    assert_int_equal(weir_version_next(UINT64_MAX, &next), WEIR_DECLINED);
}


static int
head_with(const char *rest)
{
    return parse(WEIR_KIND_BUNDLE,
                 replaced(weir_str(M_HEAD "$}"), "$", rest));
}


static void
a_head(void **state)
{
    size_t  i;

    static const struct {
        const char  *rest, *word;
    } v[] = {
        { ",\"live_min\":{},\"files\":{\"a.policy\":\"x\"}", "" },
        { ",\"live_min\":{},\"segments\":[{\"hash\":\"" HASH "\","
          "\"size\":7}]",
          "" },
        { ",\"files\":{\"a.policy\":\"x\"}", "policy-error" },
        { ",\"live_min\":{}", "policy-error" },
        { ",\"live_min\":{},\"files\":{\"a.policy\":\"x\"},"
          "\"segments\":[{\"hash\":\"" HASH "\",\"size\":7}]",
          "policy-error" },
        { ",\"live_min\":{},\"weights\":{},\"files\":{\"a.policy\":\"x\"}",
          "policy-error" },

        { ",\"live_min\":{\"split/checkout\":3,\"revocations/all\":"
          "18446744073709551615},\"files\":{\"a.policy\":\"x\"}",
          "" },
        { ",\"live_min\":{\"split/a\":3,\"split/a\":3},"
          "\"files\":{\"a.policy\":\"x\"}",
          "policy-error" },
        { ",\"live_min\":{\"split\":3},\"files\":{\"a.policy\":\"x\"}",
          "policy-error" },
        { ",\"live_min\":{\"splot/a\":3},\"files\":{\"a.policy\":\"x\"}",
          "policy-error" },
        { ",\"live_min\":{\"bundle/head\":3},\"files\":{\"a.policy\":\"x\"}",
          "policy-error" },
        { ",\"live_min\":{\"split/../x\":3},\"files\":{\"a.policy\":\"x\"}",
          "policy-error" },
        { ",\"live_min\":{\"split/a\":-3},\"files\":{\"a.policy\":\"x\"}",
          "policy-error" },
        { ",\"live_min\":null,\"files\":{\"a.policy\":\"x\"}",
          "policy-error" },

        { ",\"live_min\":{},\"files\":{}", "policy-error" },
        { ",\"live_min\":{},\"files\":{\"a.policy\":\"x\","
          "\"a.policy\":\"x\"}",
          "policy-error" },
        { ",\"live_min\":{},\"files\":{\"a.policy\":1}", "policy-error" },
        { ",\"live_min\":{},\"files\":{\"a.policy\":\"x\\u0000\"}",
          "policy-error" },
        { ",\"live_min\":{},\"files\":{\"../a.policy\":\"x\"}",
          "policy-error" },
        { ",\"live_min\":{},\"files\":{\"/a.policy\":\"x\"}",
          "policy-error" },
        { ",\"live_min\":{},\"files\":{\"a.txt\":\"x\"}", "policy-error" },
        { ",\"live_min\":{},\"files\":[\"a.policy\"]", "policy-error" },

        { ",\"live_min\":{},\"segments\":[]", "policy-error" },
        { ",\"live_min\":{},\"segments\":{}", "policy-error" },
        { ",\"live_min\":{},\"segments\":[{}]", "policy-error" },
        { ",\"live_min\":{},\"segments\":[{\"size\":7}]", "policy-error" },
        { ",\"live_min\":{},\"segments\":[{\"hash\":\"" HASH "\"}]",
          "policy-error" },
        { ",\"live_min\":{},\"segments\":[{\"hash\":\"" HASH "\",\"size\":7,"
          "\"size\":7}]",
          "policy-error" },
        { ",\"live_min\":{},\"segments\":[{\"hash\":\"" HASH "\",\"size\":7,"
          "\"url\":\"x\"}]",
          "policy-error" },
        { ",\"live_min\":{},\"segments\":[{\"hash\":\"0123\",\"size\":7}]",
          "policy-error" },
        { ",\"live_min\":{},\"segments\":[{\"hash\":\"" HASH "\","
          "\"size\":1048576}]",
          "" },
        { ",\"live_min\":{},\"segments\":[{\"hash\":\"" HASH "\","
          "\"size\":1048577}]",
          "too-large" },
        { ",\"live_min\":{},\"segments\":[{\"hash\":\"" HASH "\","
          "\"size\":18446744073709551615}]",
          "too-large" },
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        (void) head_with(v[i].rest);

        if (strcmp((const char *) weir_refusal_word(why).data, v[i].word)
            != 0)
        {
            fail_msg("%s: \"%s\" %s", v[i].rest,
                     (const char *) weir_refusal_word(why).data, error.text);
        }
    }

    assert_int_equal(head_with(",\"live_min\":{\"split/b\":7,\"split/a\":5},"
                               "\"files\":{\"b.policy\":\"\\n\","
                               "\"a.policy\":\"\"}"), WEIR_OK);
    assert_true(doc.has_files);
    assert_int_equal(doc.nfiles, 2);
    assert_str(doc.files[0].name, "a.policy");
    assert_str(doc.files[1].name, "b.policy");
    assert_str(doc.files[1].text, "\n");
    assert_int_equal(doc.files[0].text.len, 0);
    assert_int_equal(weir_live_min(&doc, weir_str("split/a")), 5);
    assert_int_equal(weir_live_min(&doc, weir_str("split/b")), 7);
    assert_int_equal(weir_live_min(&doc, weir_str("split/c")), 0);
    assert_str(doc.tool, "weirctl 0.1.0");
    assert_false(doc.has_activate_at);
}


/* Weights for the colours of nginx.conf. */

static void
weights(void **state)
{
    uint32_t  out[3];

    static const weir_str_t  colours[] = {
        { 5, (const uint8_t *) "green" },
        { 3, (const uint8_t *) "red" },
        { 4, (const uint8_t *) "blue" }
    };

    (void) state;

    assert_int_equal(split_with(M_WEIGHTS, "\"weights\":{\"green\":2500}"),
                     WEIR_OK);
    assert_int_equal(weir_document_weights(&doc, colours, 3, out, &why,
                                           &error), WEIR_OK);
    assert_int_equal(out[0], 2500);
    assert_int_equal(out[1], 0);
    assert_int_equal(out[2], 7500);

    assert_int_equal(split_with(M_WEIGHTS, "\"weights\":{}"), WEIR_OK);
    assert_int_equal(weir_document_weights(&doc, colours, 3, out, &why,
                                           &error), WEIR_OK);
    assert_int_equal(out[2], 10000);

    assert_int_equal(split_with(M_WEIGHTS, "\"weights\":{\"blue\":9000,"
                                "\"red\":1000}"), WEIR_OK);
    assert_int_equal(weir_document_weights(&doc, colours, 3, out, &why,
                                           &error), WEIR_OK);
    assert_int_equal(out[1], 1000);
    assert_int_equal(out[2], 9000);

    assert_int_equal(split_with(M_WEIGHTS, "\"weights\":{\"blue\":9000}"),
                     WEIR_OK);
    assert_int_equal(weir_document_weights(&doc, colours, 3, out, &why,
                                           &error), WEIR_DECLINED);
    assert_word(why, "policy-error");

    assert_int_equal(split_with(M_WEIGHTS, "\"weights\":{\"pink\":0}"),
                     WEIR_OK);
    assert_int_equal(weir_document_weights(&doc, colours, 3, out, &why,
                                           &error), WEIR_DECLINED);
    assert_word(why, "unknown-name");
    assert_string_equal(error.text, "nginx.conf has no colour \"pink\" in "
                        "split \"checkout\"");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        a_test(a_split),
        a_test(values),
        a_test(numbers),
        a_test(a_head),
        a_test(weights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
