
/*
 * Tests of lib/bundle: base64, envelopes and their signatures.
 */

#include "bundle_make.h"


#define SPACED  "{ \"signatures\" : [ { \"sig\" : \"%.*s\" ,\n \"keyid\": "    \
                "\"%.16s\" } ],\t\"payload\" :\"%.*s\", \"payloadType\" : "   \
                "\"application\\/vnd.weir.split.v1+json\" }\r\n"


/* protocol.md of DSSE, "Test Vectors". */

static void
dsse_vector(void **state)
{
    (void) state;

    assert_str(weir_pae(&arena, weir_str("http://example.com/HelloWorld"),
                        weir_str("hello world")),
               "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_str(weir_pae(&arena, weir_str(""), weir_str("")), "DSSEv1 0  0 ");
}


static void
base64(void **state)
{
    size_t      i, j, n, len;
    uint8_t     raw[80], text[160], back[160];
    weir_str_t  s;

    /* RFC 4648, 10 */

    static const char  *const  v[] = {
        "", "", "f", "Zg==", "fo", "Zm8=", "foo", "Zm9v", "foob", "Zm9vYg==",
        "fooba", "Zm9vYmE=", "foobar", "Zm9vYmFy"
    };

    static const char  *const  bad[] = {
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "=", "Zg==Zg==", "Zm9vYg=",
        "Zm 9v===", "Zm-_", "Z===", "Zg==\n", "Zm9v\n", "Zm9vYh==", "A=A=",
        "Zm8=Zm8="
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i += 2) {
        n = weir_base64_encode(text, str(v[i]));
        assert_int_equal(n, strlen(v[i + 1]));
        assert_memory_equal(text, v[i + 1], n);
        assert_int_equal(weir_base64_decode(back, &len, str(v[i + 1])),
                         WEIR_OK);
        assert_int_equal(len, strlen(v[i]));
        assert_memory_equal(back, v[i], len);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(weir_base64_decode(back, &len, str(bad[i])),
                         WEIR_ERROR);
    }

    /* as OpenSSL's encoder; and what decodes has one spelling only */

    for (i = 0; i <= sizeof(raw); i++) {
        assert_int_equal(RAND_bytes(raw, sizeof(raw)), 1);
        n = weir_base64_encode(text, (weir_str_t) { i, raw });
        assert_int_equal(EVP_EncodeBlock(back, raw, (int) i), n);
        assert_memory_equal(text, back, n);

        for (j = 0; j < n; j++) {
            text[j] ^= 1 + (uint8_t) (i % 64);
            s = (weir_str_t) { n, text };

            if (weir_base64_decode(back, &len, s) == WEIR_OK) {
                assert_true(len != i || memcmp(back, raw, i) != 0);
            }

            text[j] ^= 1 + (uint8_t) (i % 64);
        }
    }
}


static void
round_trip(void **state)
{
    char             buf[4096];
    weir_str_t       text, again;
    weir_trust_t     t;
    weir_refusal_e   why;
    weir_envelope_t  e, f;
    unsigned         good;
    const char      *sig, *payload;

    (void) state;

    text = seal(WEIR_KIND_SPLIT, weir_str("{\"x\":\xc3\xbc}"), 0x3);

    assert_int_equal(weir_envelope_parse(&e, &arena, text, &why, &error),
                     WEIR_OK);
    assert_int_equal(e.kind, WEIR_KIND_SPLIT);
    assert_int_equal(e.nsigs, 2);
    assert_str(e.payload, "{\"x\":\xc3\xbc}");
    assert_int_equal(weir_envelope_format(&e, &arena, &again), WEIR_OK);
    assert_true(weir_str_eq(text, again));

    /* a signer that signs again is not there twice */

    assert_int_equal(weir_envelope_sign(&e, &arena, &keys[1]), WEIR_OK);
    assert_int_equal(e.nsigs, 2);
    assert_int_equal(weir_envelope_format(&e, &arena, &again), WEIR_OK);
    assert_true(weir_str_eq(text, again));

    /* the hash is the payload's: a further signature leaves it */

    assert_int_equal(weir_envelope_sign(&e, &arena, &keys[2]), WEIR_OK);
    assert_int_equal(e.nsigs, 3);
    assert_int_equal(weir_envelope_format(&e, &arena, &again), WEIR_OK);
    assert_int_equal(weir_envelope_parse(&f, &arena, again, &why, &error),
                     WEIR_OK);
    assert_memory_equal(e.hash, f.hash, 32);

    /* white space, order and escapes are JSON's own business */

    text = seal(WEIR_KIND_SPLIT, weir_str("{}"), 0x1);
    payload = strstr((const char *) text.data, "\"payload\":\"") + 11;
    sig = strstr((const char *) text.data, "\"sig\":\"") + 7;

    (void) snprintf(buf, sizeof(buf), SPACED, 88, sig,
                    (const char *) keys[0].pub.id, 4, payload);

    t = trust_in(1);
    assert_int_equal(weir_envelope_parse(&e, &arena, str(buf), &why, &error),
                     WEIR_OK);
    assert_int_equal(weir_trust_verify(&t, &arena, &e, WEIR_ROLE_SPLIT, &good,
                                       &why, &error), WEIR_OK);
    assert_int_equal(good, 1);
}


static void
strictness(void **state)
{
    size_t           i;
    char             buf[8192];
    weir_refusal_e   why;
    weir_envelope_t  e;

#define TYPE  "\"payloadType\":\"application/vnd.weir.split.v1+json\""
#define SIG                                                                   \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
    "AAAAAAAAAAAAAA=="
#define ONE  "{\"keyid\":\"0123456789abcdef\",\"sig\":\"" SIG "\"}"

    static const struct {
        const char  *text, *word;
    } v[] = {
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]}", "" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[" ONE "]}", "" },
        { "{" TYPE ",\"payload\":\"\",\"signatures\":[]}", "" },

        { "", "truncated" },
        { "  ", "truncated" },
        { "{", "truncated" },
        { "{" TYPE, "truncated" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]", "truncated" },
        { "{" TYPE ",\"payload\":\"e30", "truncated" },
        { "{" TYPE ",\"payload\":\"e30\\", "truncated" },

        { "garbage", "bad-signature" },
        { "[]", "bad-signature" },
        { "null", "bad-signature" },
        { "{}", "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]}{}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]} x",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]},",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[],}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[}}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\"}", "bad-signature" },
        { "{" TYPE ",\"signatures\":[]}", "bad-signature" },
        { "{\"payload\":\"e30=\",\"signatures\":[]}", "bad-signature" },
        { "{" TYPE "," TYPE ",\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"payload\":\"e30=\","
          "\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[],"
          "\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[],\"x\":1}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":7,\"signatures\":[]}", "bad-signature" },
        { "{" TYPE ",\"payload\":null,\"signatures\":[]}", "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":{}}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":null}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e31=\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e3_=\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e3\n0=\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"\\u00e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{\"payloadType\":\"application/vnd.weir.splat.v1+json\","
          "\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{\"payloadType\":\"application/vnd.weir.split.v2+json\","
          "\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{\"payloadType\":\"application/vnd.weir.v1+json\","
          "\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{\"payloadType\":\"\",\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{\"payloadType\":null,\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[{}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789abcdef\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"sig\":\"" SIG "\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789ABCDEF\",\"sig\":\"" SIG "\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789abcde\",\"sig\":\"" SIG "\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789abcdef\",\"sig\":\"AAAA\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789abcdef\",\"sig\":\"" SIG "\","
          "\"cert\":\"\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789abcdef\",\"keyid\":\"0123456789abcdef\","
          "\"sig\":\"" SIG "\"}]}",
          "bad-signature" },
        { "\xef\xbb\xbf{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        why = WEIR_REFUSAL_NONE;
        error.text[0] = '\0';

        if (weir_envelope_parse(&e, &arena, str(v[i].text), &why, &error)
            != WEIR_OK)
        {
            assert_true(error.text[0] != '\0');
        }

        assert_word(why, v[i].word);
    }

    /* 16 signatures, and one more */

    for (i = 16; i <= 17; i++) {
        size_t  n;

        strcpy(buf, "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[" ONE);
        for (n = 1; n < i; n++) {
            strcat(buf, "," ONE);
        }
        strcat(buf, "]}");

        why = WEIR_REFUSAL_NONE;
        (void) weir_envelope_parse(&e, &arena, str(buf), &why, &error);
        assert_word(why, i == 16 ? "" : "too-large");
    }
}


/* 64 KiB are read, a byte more is not; a writer never makes more. */

static void
size_limit(void **state)
{
    uint8_t         *p, *payload;
    size_t           n;
    weir_str_t       text;
    weir_refusal_e   why;
    weir_envelope_t  e;

    (void) state;

    text = seal(WEIR_KIND_BUNDLE, weir_str("{}"), 0x1);

    p = weir_arena_alloc(&arena, WEIR_ENVELOPE_MAX + 1);
    memset(p, ' ', WEIR_ENVELOPE_MAX + 1);
    memcpy(p, text.data, text.len);

    assert_int_equal(weir_envelope_parse(&e, &arena,
                                         (weir_str_t) { WEIR_ENVELOPE_MAX,
                                                        p }, &why, &error),
                     WEIR_OK);
    assert_int_equal(weir_envelope_parse(&e, &arena,
                                         (weir_str_t) { WEIR_ENVELOPE_MAX + 1,
                                                        p }, &why, &error),
                     WEIR_DECLINED);
    assert_word(why, "too-large");

    /* what writers may put in fits with all the signatures there can be */

    payload = weir_arena_alloc(&arena, WEIR_ENVELOPE_MAX);
    memset(payload, 'x', WEIR_ENVELOPE_MAX);

    assert_int_equal(weir_envelope_make(&e, WEIR_KIND_REVOCATIONS,
                                        (weir_str_t) { WEIR_PAYLOAD_MAX,
                                                       payload }), WEIR_OK);
    e.nsigs = WEIR_ENVELOPE_SIGNATURES;
    memset(e.sigs, '0', sizeof(e.sigs));
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    assert_true(text.len <= WEIR_ENVELOPE_MAX);

    assert_int_equal(weir_envelope_sign(&e, &arena, &keys[0]),
                     WEIR_DECLINED);

    /* exactly at the limit, and over it */

    e.nsigs = 0;
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    n = WEIR_PAYLOAD_MAX + (WEIR_ENVELOPE_MAX - text.len) / 4 * 3;

    for (e.payload.len = n - 6; e.payload.len < n + 6; e.payload.len++) {
        int  rc;

        rc = weir_envelope_format(&e, &arena, &text);

        if (rc == WEIR_OK) {
            weir_envelope_t  f;

            assert_true(text.len <= WEIR_ENVELOPE_MAX);
            assert_int_equal(weir_envelope_parse(&f, &arena, text, &why,
                                                 &error), WEIR_OK);
            assert_int_equal(f.payload.len, e.payload.len);

        } else {
            assert_int_equal(rc, WEIR_DECLINED);
            assert_true(e.payload.len > n - 3);
        }
    }

    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_DECLINED);
}


static void
accept_ok(weir_kind_e kind, weir_str_t id, weir_str_t text, int expect)
{
    int            rc;
    weir_arena_t   a, keep;
    weir_trust_t   t;
    weir_accept_t  r;
    weir_expect_t  x;

    weir_arena_init(&a, &weir_alloc_malloc, WEIR_ENVELOPE_ARENA);

    memset(&x, 0, sizeof(x));
    t = trust_in(2);
    t.thresholds[0] = 2;
    t.thresholds[1] = 2;
    x.trust = &t;
    x.ns = weir_str("prod");
    x.kind = kind;
    x.id = id;
    x.now = NOW;

    keep = arena;
    rc = weir_accept(&r, &a, &x, text, &error);
    assert_memory_equal(&keep, &arena, sizeof(arena));

    if (rc != expect || (rc == WEIR_DECLINED && r.why == WEIR_REFUSAL_NONE)) {
        fail_msg("%d %s: %s", rc,
                 (const char *) weir_refusal_word(r.why).data, error.text);
    }

    weir_arena_done(&a);
}


/* Every byte, each of its bits and some more values: refused. */

static void
tampered(weir_kind_e kind, const char *id, weir_str_t text)
{
    size_t    i, j;
    uint8_t  *p;

    static const uint8_t  others[] = { 0, ' ', '"', '\\', 'A', '=', 0xff };

    p = weir_arena_alloc(&arena, text.len + 1);
    memcpy(p, text.data, text.len);

    accept_ok(kind, str(id), (weir_str_t) { text.len, p }, WEIR_OK);

    for (i = 0; i < text.len; i++) {

        for (j = 0; j < 8 + sizeof(others); j++) {
            p[i] = j < 8 ? text.data[i] ^ (uint8_t) (1u << j)
                         : others[j - 8];

            if (p[i] != text.data[i]) {
                accept_ok(kind, str(id), (weir_str_t) { text.len, p },
                          WEIR_DECLINED);
            }
        }

        p[i] = text.data[i];

        /* cut off there, and the byte left out */

        accept_ok(kind, str(id), (weir_str_t) { i, p }, WEIR_DECLINED);

        memmove(p + i, text.data + i + 1, text.len - i - 1);
        accept_ok(kind, str(id), (weir_str_t) { text.len - 1, p },
                  WEIR_DECLINED);
        memcpy(p, text.data, text.len);
    }
}


static void
tampered_bundle(void **state)
{
    weir_document_t  d;

    (void) state;

    d = head_make(7);
    tampered(WEIR_KIND_BUNDLE, WEIR_BUNDLE_ID, sealed(&d, 0x3));
}


static void
tampered_split(void **state)
{
    weir_document_t  d;

    (void) state;

    d = split_make("checkout", 3);
    tampered(WEIR_KIND_SPLIT, "checkout", sealed(&d, 0x3));
}


static void
words(void **state)
{
    int  i;

    static const char  *const  reasons =
        " untrusted unsigned role threshold bad-signature namespace epoch "
        "expired older version-jump same-version-differs truncated too-large "
        "policy-error missing-policy unknown-name";

    char  all[512] = "";

    (void) state;

    for (i = 0; i < WEIR_REFUSALS; i++) {
        strcat(all, i == 0 ? "" : " ");
        strcat(all, (const char *) weir_refusal_word((weir_refusal_e)
                                                     i).data);
        assert_int_equal(strlen((const char *)
                                weir_refusal_word((weir_refusal_e) i).data),
                         weir_refusal_word((weir_refusal_e) i).len);
    }

    assert_string_equal(all, reasons);
    assert_word((weir_refusal_e) WEIR_REFUSALS, "");

    for (i = 1; i < WEIR_KINDS; i++) {
        assert_int_equal(weir_kind(weir_kind_word((weir_kind_e) i)), i);
    }

    assert_int_equal(weir_kind(weir_str("")), WEIR_KIND_NONE);
    assert_int_equal(weir_kind(weir_str("bundles")), WEIR_KIND_NONE);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        a_test(dsse_vector),
        a_test(base64),
        a_test(round_trip),
        a_test(strictness),
        a_test(size_limit),
        a_test(tampered_bundle),
        a_test(tampered_split),
        a_test(words),
    };

    return cmocka_run_group_tests(tests, keys_setup, NULL);
}
