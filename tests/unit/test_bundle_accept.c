
/*
 * Tests of lib/bundle: what is taken or refused, with each reason.
 */

#include "bundle_expect.h"


static void
places(void **state)
{
    weir_document_t  d;

    (void) state;

    d = at(0, 1);
    d.ns = weir_str("staging");
    with(d, "namespace");
    assert_true(result.parsed);

    d = split_make("search", 1);
    with(d, "namespace");

    /* a head where a split should be, and a split where the head should be */

    with(head_make(1), "namespace");
    expect.kind = WEIR_KIND_BUNDLE;
    expect.id = weir_str(WEIR_BUNDLE_ID);
    with(at(0, 1), "namespace");
    with(head_make(1), "");

    /* with keys that may sign the one only, the role tells already */

    memset(&trust, 0, sizeof(trust));
    (void) weir_trust_add(&trust, &keys[0].pub, WEIR_ROLE_SPLIT, NULL);
    with(at(0, 1), "role");

    /* payload and payloadType differ in kind */

    trust = trust_in(2);
    expect.kind = WEIR_KIND_SPLIT;
    expect.id = weir_str("checkout");
    d = at(0, 1);
    {
        weir_str_t  payload;

        assert_int_equal(weir_document_write(&d, &arena, &payload, &error),
                         WEIR_OK);
        payload = replaced(payload, "\"kind\":\"split\"",
                           "\"kind\":\"bundle\"");
        decide(seal(WEIR_KIND_SPLIT, payload, K0), "namespace");
    }
}


static void
versions(void **state)
{
    weir_document_t  d;

    (void) state;

    d = at(0, 10);
    accepted(&d);
    assert_str(fence.name, "split/checkout");
    assert_int_equal(fence.version, 10);

    with(at(0, 10), "");
    assert_true(result.unchanged);
    with(at(0, 11), "");
    assert_false(result.unchanged);
    with(at(0, 9), "older");
    with(at(0, 1), "older");

    d = at(0, 10);
    d.reason = weir_str("other");
    with(d, "same-version-differs");

    /* a further signature is the same document */

    d = at(0, 10);
    decide(sealed(&d, K0 | K1), "");
    assert_true(result.unchanged);

    /* the jump */

    with(at(0, 10 + (1u << 20)), "");
    with(at(0, 10 + (1u << 20) + 1), "version-jump");
    with(at(0, UINT64_MAX), "version-jump");
    with(at(0, (uint64_t) 1 << 53), "version-jump");
    with(at(0, (uint64_t) 1 << 63), "version-jump");

    /* and on a fresh gateway, whose base is 0 */

    expect.fence = NULL;
    with(at(0, 1u << 20), "");
    with(at(0, (1u << 20) + 1), "version-jump");
    with(at(0, UINT64_MAX), "version-jump");

    /* up to the last version that there is */

    expect.fence = &fence;
    fence.version = ((uint64_t) 1 << 53) - 1;
    with(at(0, (uint64_t) 1 << 53), "");
    with(at(0, ((uint64_t) 1 << 53) - 2), "older");
    fence.version = ((uint64_t) 1 << 63) - 1;
    with(at(0, (uint64_t) 1 << 63), "");
    with(at(0, ((uint64_t) 1 << 63) - 2), "older");
    fence.version = UINT64_MAX - 1;
    with(at(0, UINT64_MAX), "");
    with(at(0, UINT64_MAX - 2), "older");
    fence.version = UINT64_MAX;
    with(at(0, UINT64_MAX), "same-version-differs");
    with(at(0, 1), "older");
    fence.version = UINT64_MAX - (1u << 20) - 1;
    with(at(0, UINT64_MAX), "version-jump");
    with(at(0, UINT64_MAX - 1), "");
}


static void
epochs(void **state)
{
    weir_document_t  d;

    (void) state;

    d = at(0, 10);
    accepted(&d);

    /* a document cannot bring a new epoch: a thief could sign it */

    with(at(1, 11), "epoch");
    with(at(UINT64_MAX, 11), "epoch");

    /* nginx.conf can: then the old ones are over, and versions begin anew */

    trust.epoch = 1;
    with(at(0, 10), "epoch");
    with(at(0, 11), "epoch");
    with(at(1, 1), "");
    with(at(1, 10), "");
    assert_false(result.unchanged);
    with(at(1, 1u << 20), "");
    with(at(1, (1u << 20) + 1), "version-jump");
    with(at(2, 1), "epoch");

    d = at(1, 1);
    decide(sealed(&d, K0), "");
    fence = result.fence;
    with(at(1, 1), "");
    assert_true(result.unchanged);
    with(at(1, 2), "");

    /* nginx.conf forgets it: the fence does not */

    trust.epoch = 0;
    with(at(1, 2), "");
    with(at(0, 11), "older");
    with(at(2, 1), "epoch");

    /* the thief's last version is no obstacle */

    trust.epoch = 2;
    fence.epoch = 1;
    fence.version = UINT64_MAX;
    with(at(2, 1), "");
    trust.epoch = UINT64_MAX;
    with(at(UINT64_MAX, 1), "");
    with(at(UINT64_MAX - 1, 1), "epoch");
}


static void
fresh(void **state)
{
    weir_document_t  d;
    weir_refusal_e   why;

    (void) state;

    /* min_version is the bundle's */

    trust.min_version = 2000000;
    with(at(0, 1), "");

    expect.kind = WEIR_KIND_BUNDLE;
    expect.id = weir_str(WEIR_BUNDLE_ID);
    with(head_make(1), "older");
    with(head_make(1999999), "older");
    with(head_make(2000000), "");
    with(head_make(2000000 + (1u << 20)), "");
    with(head_make(2000001 + (1u << 20)), "version-jump");
    assert_int_equal(weir_accept_absent(&expect, &why, &error),
                     WEIR_DECLINED);
    assert_word(why, "older");

    /* it also rises above a fence that is lower */

    d = head_make(2000000);
    accepted(&d);
    trust.min_version = 2000005;
    with(head_make(2000000), "older");
    with(head_make(2000004), "older");
    with(head_make(2000005), "");

    trust.epoch = 3;
    d = head_make(2000005);
    d.epoch = 3;
    with(d, "");
    d.version = 4;
    with(d, "older");
    trust.epoch = 0;
    trust.min_version = 0;
    expect.fence = NULL;
    assert_int_equal(weir_accept_absent(&expect, &why, &error), WEIR_OK);

    /* live documents begin where the head says */

    expect.kind = WEIR_KIND_SPLIT;
    expect.id = weir_str("checkout");
    assert_int_equal(weir_accept_absent(&expect, &why, &error), WEIR_OK);
    expect.live_min = 3000000;
    assert_int_equal(weir_accept_absent(&expect, &why, &error),
                     WEIR_DECLINED);
    assert_word(why, "older");
    with(at(0, 2999999), "older");
    with(at(0, 3000000), "");
    with(at(0, 3000000 + (1u << 20)), "");
    with(at(0, 3000001 + (1u << 20)), "version-jump");

    /* a head of a newer epoch wants documents of it */

    trust.epoch = 0;
    fence.epoch = 1;
    fence.version = 1;
    expect.fence = &fence;
    expect.live_epoch = 1;
    with(at(1, 2), "older");
    with(at(1, 3000000), "");
    with(at(0, 3000000), "older");

    /* what was there and is gone is not empty */

    expect.live_min = 0;
    assert_int_equal(weir_accept_absent(&expect, &why, &error),
                     WEIR_DECLINED);
    assert_word(why, "older");
    trust.epoch = 9;
    assert_int_equal(weir_accept_absent(&expect, &why, &error),
                     WEIR_DECLINED);
}


static void
expiry(void **state)
{
    weir_str_t       text;
    weir_document_t  d;

    (void) state;

    d = at(0, 3);
    d.has_expires = 1;
    d.expires = NOW + 1;
    text = sealed(&d, K0);
    decide(text, "");

    expect.now = NOW + 1;
    decide(text, "expired");
    expect.now = NOW + 3600;
    decide(text, "expired");
    assert_true(result.parsed);

    /* the one in effect says so too, and may stay */

    expect.now = NOW;
    accepted(&d);
    expect.now = NOW + 1;
    decide(text, "expired");
    assert_true(result.unchanged);
    assert_int_equal(weir_accept_again(&result, &arena, &expect, text,
                                       &error), WEIR_OK);

    /* what is older is told so first */

    fence.version = 4;
    decide(text, "older");

    d.expires = NOW - 10;
    d.version = 5;
    with(d, "expired");

    /* clocks before 1970 */

    expect.now = -5;
    d.expires = -4;
    with(d, "");
    expect.now = -4;
    with(d, "expired");
}


static void
tombstones(void **state)
{
    weir_refusal_e   why;
    weir_document_t  d;

    (void) state;

    d = at(0, 3);
    accepted(&d);

    d = doc_make(WEIR_KIND_TOMBSTONE, "split/checkout", 3);
    with(d, "same-version-differs");
    d.version = 2;
    with(d, "older");
    d.version = 4;
    with(d, "");
    assert_true(result.tombstone);
    assert_str(result.fence.name, "split/checkout");

    /* signed by who may sign the split, and nobody else */

    decide(sealed(&d, 0), "unsigned");
    decide(sealed(&d, K3), "untrusted");
    memset(&trust, 0, sizeof(trust));
    (void) weir_trust_add(&trust, &keys[0].pub, WEIR_ROLE_ALL
                          & ~WEIR_ROLE_SPLIT, NULL);
    with(d, "role");
    trust = trust_in(2);

    /* it stays the newest version */

    accepted(&d);
    with(at(0, 3), "older");
    with(at(0, 4), "same-version-differs");
    with(at(0, 5), "");
    assert_false(result.tombstone);
    assert_int_equal(weir_accept_absent(&expect, &why, &error),
                     WEIR_DECLINED);

    /* another's tombstone deletes nothing here */

    d = doc_make(WEIR_KIND_TOMBSTONE, "split/search", 5);
    with(d, "namespace");
    d = doc_make(WEIR_KIND_TOMBSTONE, "key/checkout", 5);
    with(d, "namespace");

    /* a bundle is never deleted */

    expect.kind = WEIR_KIND_BUNDLE;
    expect.id = weir_str(WEIR_BUNDLE_ID);
    expect.fence = NULL;
    decide(seal(WEIR_KIND_TOMBSTONE,
                weir_str("{\"namespace\":\"prod\",\"kind\":\"tombstone\","
                         "\"id\":\"bundle/head\",\"version\":4,\"previous\":"
                         "null,\"issued\":\"2026-01-01T00:00:00Z\","
                         "\"expires\":null,\"epoch\":0,\"by\":\"\","
                         "\"reason\":\"\"}"), K0), "policy-error");

    /* a freeze is a document of its own, by who may sign what it names */

    expect.kind = WEIR_KIND_FREEZE;
    expect.id = weir_str("split/checkout");
    d = doc_make(WEIR_KIND_FREEZE, "split/checkout", 1);
    with(d, "");
    assert_str(result.fence.name, "freeze/split/checkout");
    memset(&trust, 0, sizeof(trust));
    (void) weir_trust_add(&trust, &keys[0].pub, WEIR_ROLE_SPLIT, NULL);
    with(d, "");
    memset(&trust, 0, sizeof(trust));
    (void) weir_trust_add(&trust, &keys[0].pub, WEIR_ROLE_POLICY, NULL);
    with(d, "role");
    trust = trust_in(2);
    d = doc_make(WEIR_KIND_TOMBSTONE, "freeze/split/checkout", 2);
    with(d, "");
    assert_true(result.tombstone);
}


/* After a reload: whether what is in effect verifies under the new trust. */

static void
again(void **state)
{
    weir_str_t       text;
    weir_document_t  d;

    (void) state;

    expect.kind = WEIR_KIND_BUNDLE;
    expect.id = weir_str(WEIR_BUNDLE_ID);

    d = head_make(7);
    d.has_expires = 1;
    d.expires = NOW;
    text = sealed(&d, K0);

    /* time, fence, epoch and min_version do not matter now */

    fence.name = weir_str("bundle/head");
    fence.version = 100;
    expect.fence = &fence;
    trust.epoch = 4;
    trust.min_version = 90;
    assert_int_equal(weir_accept_again(&result, &arena, &expect, text,
                                       &error), WEIR_OK);
    assert_int_equal(result.doc.version, 7);
    assert_int_equal(result.doc.nfiles, 1);

    /* keys, roles, threshold, namespace do */

    weir_trust_threshold(&trust, WEIR_ROLE_POLICY, 2);
    assert_int_equal(weir_accept_again(&result, &arena, &expect, text,
                                       &error), WEIR_DECLINED);
    assert_word(result.why, "threshold");
    assert_int_equal(weir_accept_again(&result, &arena, &expect,
                                       sealed(&d, K0 | K1), &error),
                     WEIR_OK);

    memset(&trust, 0, sizeof(trust));
    (void) weir_trust_add(&trust, &keys[1].pub, WEIR_ROLE_ALL, NULL);
    assert_int_equal(weir_accept_again(&result, &arena, &expect, text,
                                       &error), WEIR_DECLINED);
    assert_word(result.why, "untrusted");

    trust = trust_in(1);
    expect.ns = weir_str("other");
    assert_int_equal(weir_accept_again(&result, &arena, &expect, text,
                                       &error), WEIR_DECLINED);
    assert_word(result.why, "namespace");
}


/* What the arena gives for one decision is enough for the largest. */

static void
memory_bound(void **state)
{
    char             *text;
    size_t            i, n;
    uint8_t          *p;
    weir_str_t        one;
    weir_arena_t      a;
    weir_document_t   d;
    weir_envelope_t   e;

    (void) state;

    expect.kind = WEIR_KIND_BUNDLE;
    expect.id = weir_str(WEIR_BUNDLE_ID);

    /* as many files as fit into a head, each with an escape */

    n = 3500;
    text = weir_arena_alloc(&arena, n * 16);
    d = head_make(1);
    d.files = weir_arena_calloc(&arena, n, sizeof(weir_policy_source_t));

    for (i = 0; i < n; i++) {
        (void) snprintf(text + 16 * i, 16, "%zu.policy", i);
        d.files[i].name = str(text + 16 * i);
        d.files[i].text = weir_str("\n");
        d.nfiles = (uint32_t) i + 1;

        if (weir_document_size(&d) > WEIR_PAYLOAD_MAX) {
            d.nfiles--;
            break;
        }
    }

    assert_true(d.nfiles > 1500);
    one = sealed(&d, 0xf);

    weir_arena_init(&a, &weir_alloc_malloc, WEIR_ENVELOPE_ARENA);
    assert_int_equal(weir_accept(&result, &a, &expect, one, &error),
                     WEIR_OK);
    assert_int_equal(result.doc.nfiles, d.nfiles);
    weir_arena_done(&a);

    /* an envelope that is all escapes */

    assert_int_equal(weir_envelope_parse(&e, &arena, one, &result.why,
                                         &error), WEIR_OK);
    p = weir_arena_alloc(&arena, 65536);
    n = (size_t) snprintf((char *) p, 65536, "{\"payload\":\"");

    while (n < 65400) {
        memcpy(p + n, "\\u0041\\u0041\\u0041\\u0041", 24);
        n += 24;
    }

    n += (size_t) snprintf((char *) p + n, 65536 - n, "\",\"payloadType\":"
                           "\"application/vnd.weir.bundle.v1+json\","
                           "\"signatures\":[]}");
    weir_arena_init(&a, &weir_alloc_malloc, WEIR_ENVELOPE_ARENA);
    assert_int_equal(weir_accept(&result, &a, &expect,
                                 (weir_str_t) { n, p }, &error),
                     WEIR_DECLINED);
    assert_word(result.why, "unsigned");
    weir_arena_done(&a);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        e_test(places),
        e_test(versions),
        e_test(epochs),
        e_test(fresh),
        e_test(expiry),
        e_test(tombstones),
        e_test(again),
        e_test(memory_bound),
    };

    return cmocka_run_group_tests(tests, keys_setup, NULL);
}
