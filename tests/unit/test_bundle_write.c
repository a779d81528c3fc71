
/*
 * Tests of lib/bundle: documents, written; how many of what they hold.
 */

#include "bundle_make.h"
#include "weir_hash.h"


static weir_document_t  doc;
static weir_refusal_e   why;


static int
parse(weir_kind_e kind, weir_str_t payload)
{
    why = WEIR_REFUSAL_NONE;

    return weir_document_parse(&doc, &arena, kind, payload, &why, &error);
}


/* One more than there may be, and all that there may be. */

static void
counts(void **state)
{
    char            *text, *p;
    size_t           i, n;
    weir_str_t       payload;
    weir_weight_t    w[WEIR_DOCUMENT_WEIGHTS + 1];
    weir_live_min_t  m[WEIR_DOCUMENT_LIVE_MIN + 1];
    weir_segment_t   s[WEIR_BUNDLE_SEGMENTS + 1];
    weir_document_t  d;

    (void) state;

    text = weir_arena_alloc(&arena, 64 * 512);

    for (i = 0; i < 512; i++) {
        (void) snprintf(text + 64 * i, 64, "split/c%03u", (unsigned) i);
    }

    d = split_make("checkout", 1);
    d.weights = w;

    for (i = 0; i < sizeof(w) / sizeof(w[0]); i++) {
        w[i].colour = str(text + 64 * i + 6);
        w[i].weight = 1;
    }

    d.nweights = WEIR_DOCUMENT_WEIGHTS;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_OK);
    assert_int_equal(parse(WEIR_KIND_SPLIT, payload), WEIR_OK);
    assert_int_equal(doc.nweights, WEIR_DOCUMENT_WEIGHTS);
    d.nweights++;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);
    assert_int_equal(parse(WEIR_KIND_SPLIT, payload), WEIR_DECLINED);
    assert_word(why, "too-large");

    d = head_make(1);
    d.live_min = m;

    for (i = 0; i < sizeof(m) / sizeof(m[0]); i++) {
        m[i].name = str(text + 64 * i);
        m[i].version = i;
    }

    d.nlive_min = WEIR_DOCUMENT_LIVE_MIN;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_OK);
    assert_int_equal(parse(WEIR_KIND_BUNDLE, payload), WEIR_OK);
    assert_int_equal(weir_live_min(&doc, weir_str("split/c255")), 255);
    d.nlive_min++;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);
    assert_int_equal(parse(WEIR_KIND_BUNDLE, payload), WEIR_DECLINED);
    assert_word(why, "too-large");

    d = head_make(1);
    d.has_files = 0;
    d.segments = s;
    memset(s, 0, sizeof(s));

    for (i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
        s[i].size = 1;
    }

    d.nsegments = WEIR_BUNDLE_SEGMENTS;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_OK);
    assert_int_equal(parse(WEIR_KIND_BUNDLE, payload), WEIR_OK);
    assert_int_equal(doc.size, WEIR_BUNDLE_SEGMENTS);
    d.nsegments++;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);
    assert_int_equal(parse(WEIR_KIND_BUNDLE, payload), WEIR_DECLINED);
    assert_word(why, "too-large");

    /* 160 MiB and a byte */

    for (i = 0; i < 160; i++) {
        s[i].size = WEIR_SEGMENT_MAX;
    }

    d.nsegments = 160;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_OK);
    assert_int_equal(parse(WEIR_KIND_BUNDLE, payload), WEIR_OK);
    d.nsegments = 161;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);
    assert_int_equal(parse(WEIR_KIND_BUNDLE, payload), WEIR_DECLINED);
    assert_word(why, "too-large");

    /* texts for people, 1024 bytes; payloads, 46 KiB */

    d = split_make("checkout", 1);
    n = WEIR_ENVELOPE_MAX;
    p = weir_arena_alloc(&arena, n);
    memset(p, 'x', n);

    d.reason = (weir_str_t) { WEIR_DOCUMENT_TEXT_MAX, (uint8_t *) p };
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_OK);
    d.reason.len++;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);

    d = doc_make(WEIR_KIND_BUNDLE, WEIR_BUNDLE_ID, 1);
    d.has_files = 1;
    d.nfiles = 1;
    d.files = weir_arena_calloc(&arena, 1, sizeof(weir_policy_source_t));
    d.files[0].name = weir_str("a.policy");
    d.files[0].text = (weir_str_t) { 1, (uint8_t *) p };
    d.files[0].text.len += WEIR_PAYLOAD_MAX - weir_document_size(&d);
    assert_int_equal(weir_document_size(&d), WEIR_PAYLOAD_MAX);
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_OK);
    d.files[0].text.len++;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);
}


/* What a writer refuses is what no reader would take, or would misread. */

static void
written(void **state)
{
    int              k;
    weir_str_t       payload;
    weir_document_t  d;

    static const char  *const  ids[] = {
        "", "head", "checkout", "all", "k1", "split/checkout",
        "freeze/split/checkout"
    };

    (void) state;

    for (k = 1; k < WEIR_KINDS; k++) {
        d = k == WEIR_KIND_BUNDLE ? head_make(9)
            : k == WEIR_KIND_SPLIT ? split_make("checkout", 9)
            : doc_make((weir_kind_e) k, ids[k], 9);

        d.has_expires = 1;
        d.expires = NOW + 3600;
        d.has_activate_at = k == WEIR_KIND_BUNDLE;
        d.activate_at = NOW + 60;
        d.has_previous = 1;
        memset(d.previous, 0xab, 32);
        d.epoch = 4;

        assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                         WEIR_OK);
        assert_int_equal(parse((weir_kind_e) k, payload), WEIR_OK);
        assert_int_equal(doc.kind, k);
        assert_int_equal(doc.version, 9);
        assert_int_equal(doc.epoch, 4);
        assert_int_equal(doc.expires, NOW + 3600);
        assert_memory_equal(doc.previous, d.previous, 32);
        assert_true(weir_str_eq(doc.id, d.id));

        if (k == WEIR_KIND_BUNDLE) {
            assert_true(doc.has_activate_at);
            assert_int_equal(doc.activate_at, NOW + 60);
        }

        /* of another kind than its envelope says */

        assert_int_equal(parse(k == WEIR_KIND_KEY ? WEIR_KIND_REVOCATIONS
                                                  : WEIR_KIND_KEY, payload),
                         WEIR_DECLINED);
        assert_word(why, k > WEIR_KIND_SPLIT ? "namespace" : "policy-error");
    }

    d = split_make("checkout", 0);
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);
    assert_string_equal(error.text, "versions begin with 1");

    d = split_make("../x", 1);
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);

    d = split_make("checkout", 1);
    d.ns = weir_str("Prod");
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);

    d = split_make("checkout", 1);
    d.by = weir_str("\xff");
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);
    d.by = (weir_str_t) { 1, (const uint8_t *) "" };
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);

    /* the year 10000 has no RFC 3339 */

    d = split_make("checkout", 1);
    d.has_expires = 1;
    d.expires = 253402300800;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);
    d.expires = 253402300799;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_OK);

    d = head_make(1);
    d.nfiles = 0;
    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_DECLINED);
}


static void
names(void **state)
{
    size_t   i;
    uint8_t  name[WEIR_DOCUMENT_NAME_MAX];
    char     id[200];

    static const struct {
        weir_kind_e  kind;
        const char  *id;
        int          valid;
    } v[] = {
        { WEIR_KIND_BUNDLE, "head", 1 },
        { WEIR_KIND_BUNDLE, "heads", 0 },
        { WEIR_KIND_SPLIT, "checkout", 1 },
        { WEIR_KIND_SPLIT, "a/b", 0 },
        { WEIR_KIND_SPLIT, ".a", 0 },
        { WEIR_KIND_SPLIT, "-a", 0 },
        { WEIR_KIND_SPLIT, "", 0 },
        { WEIR_KIND_KEY, "Ab.9:x@y-z", 1 },
        { WEIR_KIND_TOMBSTONE, "split/checkout", 1 },
        { WEIR_KIND_TOMBSTONE, "key/k1", 1 },
        { WEIR_KIND_TOMBSTONE, "bundle/head", 0 },
        { WEIR_KIND_TOMBSTONE, "tombstone/split/a", 0 },
        { WEIR_KIND_TOMBSTONE, "freeze/split/a", 1 },
        { WEIR_KIND_TOMBSTONE, "freeze/bundle/head", 1 },
        { WEIR_KIND_TOMBSTONE, "freeze/freeze/split/a", 0 },
        { WEIR_KIND_TOMBSTONE, "split", 0 },
        { WEIR_KIND_TOMBSTONE, "split/", 0 },
        { WEIR_KIND_TOMBSTONE, "/a", 0 },
        { WEIR_KIND_TOMBSTONE, "", 0 },
        { WEIR_KIND_FREEZE, "bundle/head", 1 },
        { WEIR_KIND_FREEZE, "split/checkout", 1 },
        { WEIR_KIND_FREEZE, "freeze/split/a", 0 },
        { WEIR_KIND_FREEZE, "tombstone/split/a", 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        assert_int_equal(weir_document_id_valid(v[i].kind, str(v[i].id)),
                         v[i].valid);
    }

    memset(id, 'x', sizeof(id));
    assert_true(weir_document_id_valid(WEIR_KIND_KEY, (weir_str_t) {
                                       128, (uint8_t *) id }));
    assert_false(weir_document_id_valid(WEIR_KIND_KEY, (weir_str_t) {
                                        129, (uint8_t *) id }));

    i = weir_document_name(name, WEIR_KIND_SPLIT, weir_str("checkout"));
    assert_str(((weir_str_t) { i, name }), "split/checkout");
    i = weir_document_name(name, WEIR_KIND_TOMBSTONE,
                           weir_str("split/checkout"));
    assert_str(((weir_str_t) { i, name }), "split/checkout");
    i = weir_document_name(name, WEIR_KIND_FREEZE,
                           weir_str("split/checkout"));
    assert_str(((weir_str_t) { i, name }), "freeze/split/checkout");

    assert_int_equal(weir_role(WEIR_KIND_BUNDLE, weir_str("head")),
                     WEIR_ROLE_POLICY);
    assert_int_equal(weir_role(WEIR_KIND_SPLIT, weir_str("x")),
                     WEIR_ROLE_SPLIT);
    assert_int_equal(weir_role(WEIR_KIND_REVOCATIONS, weir_str("x")),
                     WEIR_ROLE_REVOKE);
    assert_int_equal(weir_role(WEIR_KIND_KEY, weir_str("x")), WEIR_ROLE_KEY);
    assert_int_equal(weir_role(WEIR_KIND_TOMBSTONE, weir_str("split/x")),
                     WEIR_ROLE_SPLIT);
    assert_int_equal(weir_role(WEIR_KIND_TOMBSTONE,
                               weir_str("freeze/bundle/head")),
                     WEIR_ROLE_POLICY);
    assert_int_equal(weir_role(WEIR_KIND_FREEZE, weir_str("key/x")),
                     WEIR_ROLE_KEY);
    assert_int_equal(weir_role(WEIR_KIND_FREEZE, weir_str("x")), 0);
    assert_int_equal(weir_role(WEIR_KIND_FREEZE, weir_str("")), 0);
    assert_int_equal(weir_role(WEIR_KIND_NONE, weir_str("x")), 0);
}


/*
 * The example of docs/store-documents.md, which openssl signed with the key
 * of RFC 8032's TEST 1: every byte is as others make it.
 */

static void
example(void **state)
{
    uint8_t          seed[32], hash[WEIR_HASH_TEXT];
    weir_str_t       payload, text;
    weir_signer_t    signer;
    weir_weight_t    w;
    weir_document_t  d;
    weir_envelope_t  e;

    static const char  want[] =
        "{\"payloadType\":\"application/vnd.weir.split.v1+json\",\"payload\":\""
        "eyJuYW1lc3BhY2UiOiJwcm9kIiwia2luZCI6InNwbGl0IiwiaWQiOiJjaGVja291dCIsIn"
        "ZlcnNpb24iOjMsInByZXZpb3VzIjpudWxsLCJpc3N1ZWQiOiIyMDI2LTAxLTAxVDAwOjAw"
        "OjAwWiIsImV4cGlyZXMiOm51bGwsImVwb2NoIjowLCJieSI6ImFsaWNlIiwicmVhc29uIj"
        "oiaGFsZiIsIndlaWdodHMiOnsiZ3JlZW4iOjUwMDB9fQ==\",\"signatures\":[{\"ke"
        "yid\":\"21fe31dfa154a261\",\"sig\":\"TMr5VQ+bsdC824eIlZIY+fDLqcr/4gRKy"
        "kBOou0pY/9BR8Fnj8y/E1UWMAKc2MS5Ur/O8E/BJhjy6rH9X1hICQ==\"}]}";

    (void) state;

    w.colour = weir_str("green");
    w.weight = 5000;

    d = split_make("checkout", 3);
    d.by = weir_str("alice");
    d.reason = weir_str("half");
    d.weights = &w;

    assert_int_equal(weir_unhex(seed, 32, weir_str("9d61b19deffd5a60ba844af492"
                     "ec2cc44449c5697b326919703bac031cae7f60")), WEIR_OK);
    assert_int_equal(weir_signer(&signer, seed), WEIR_OK);

    assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                     WEIR_OK);
    assert_int_equal(weir_envelope_make(&e, WEIR_KIND_SPLIT, payload),
                     WEIR_OK);
    assert_int_equal(weir_envelope_sign(&e, &arena, &signer), WEIR_OK);
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    assert_int_equal(text.len, sizeof(want) - 1);
    assert_memory_equal(text.data, want, text.len);

    weir_hash_format(hash, e.hash);
    assert_memory_equal(hash, "sha256:ab76e906827d39f82df2f9024f72697c"
                        "fbd3c6d06c3a7212479a63e67576aa7d", WEIR_HASH_TEXT);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        a_test(counts),
        a_test(written),
        a_test(names),
        a_test(example),
    };

    return cmocka_run_group_tests(tests, keys_setup, NULL);
}
