
/*
 * Tests of lib/bundle: whose signatures count, and for what.
 */

#include "bundle_expect.h"


static void
may(void **state)
{
    size_t    i;
    unsigned  roles;

    static const struct {
        const char  *list;
        unsigned     roles;
    } v[] = {
        { "policy", WEIR_ROLE_POLICY },
        { "split,revoke", WEIR_ROLE_SPLIT | WEIR_ROLE_REVOKE },
        { "key,revoke,split,policy", WEIR_ROLE_ALL },
        { "", 0 }, { ",", 0 }, { "policy,", 0 }, { ",policy", 0 },
        { "Policy", 0 }, { "policy split", 0 }, { "polic", 0 },
        { "policies", 0 }, { "all", 0 }, { "split,policy,split", 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        assert_int_equal(weir_trust_may(str(v[i].list), &roles, &error),
                         v[i].roles != 0 ? WEIR_OK : WEIR_ERROR);

        if (v[i].roles != 0) {
            assert_int_equal(roles, v[i].roles);
        }
    }

    assert_int_equal(weir_trust_may(weir_str("split,split"), &roles, &error),
                     WEIR_ERROR);
    assert_string_equal(error.text, "role \"split\" is duplicate");
}


static void
trust_made(void **state)
{
    unsigned           i;
    uint8_t            raw[WEIR_KEY_LEN];
    weir_trust_t       t;
    weir_public_key_t  pub;

    (void) state;

    memset(&t, 0, sizeof(t));

    assert_int_equal(weir_trust_check(&t, &error), WEIR_OK);
    assert_int_equal(weir_trust_add(&t, &keys[0].pub, WEIR_ROLE_POLICY,
                                    &error), WEIR_OK);
    assert_int_equal(weir_trust_add(&t, &keys[0].pub, WEIR_ROLE_KEY,
                                    &error), WEIR_OK);
    assert_int_equal(t.nkeys, 1);
    assert_int_equal(t.keys[0].roles, WEIR_ROLE_POLICY | WEIR_ROLE_KEY);

    weir_trust_threshold(&t, WEIR_ROLE_POLICY, 2);
    assert_int_equal(weir_trust_check(&t, &error), WEIR_ERROR);
    assert_string_equal(error.text, "2 signatures for \"policy\", and 1 key "
                        "that may");
    weir_trust_threshold(&t, WEIR_ROLE_POLICY, 1);
    assert_int_equal(weir_trust_check(&t, &error), WEIR_ERROR);
    assert_int_equal(weir_trust_add(&t, &keys[1].pub, WEIR_ROLE_ALL, &error),
                     WEIR_OK);
    assert_int_equal(weir_trust_check(&t, &error), WEIR_OK);

    /* two keys of one id: 64 bits can be found */

    pub = keys[1].pub;
    pub.key[0] ^= 1;
    assert_int_equal(weir_trust_add(&t, &pub, WEIR_ROLE_ALL, &error),
                     WEIR_ERROR);

    for (i = t.nkeys; i < WEIR_TRUST_KEYS; i++) {
        memset(raw, (int) i, sizeof(raw));
        assert_int_equal(weir_public_key(&pub, raw), WEIR_OK);
        assert_int_equal(weir_trust_add(&t, &pub, WEIR_ROLE_ALL, &error),
                         WEIR_OK);
    }

    memset(raw, 0xee, sizeof(raw));
    assert_int_equal(weir_public_key(&pub, raw), WEIR_OK);
    assert_int_equal(weir_trust_add(&t, &pub, WEIR_ROLE_ALL, &error),
                     WEIR_ERROR);
    assert_string_equal(error.text, "more than 32 keys");

    weir_trust_threshold(&t, WEIR_ROLE_SPLIT, WEIR_ENVELOPE_SIGNATURES + 1);
    assert_int_equal(weir_trust_check(&t, &error), WEIR_ERROR);
}


static void
signatures(void **state)
{
    weir_str_t        text, other;
    weir_envelope_t   e;
    weir_document_t   d;

    (void) state;

    d = at(0, 1);

    decide(sealed(&d, K0), "");
    assert_int_equal(result.good, 1);
    assert_true(result.parsed);
    decide(sealed(&d, K0 | K1 | K2), "");
    assert_int_equal(result.good, 2);

    /* untrusted, unsigned */

    decide(sealed(&d, K2), "untrusted");
    assert_false(result.parsed);
    decide(sealed(&d, 0), "unsigned");
    expect.trust = NULL;
    decide(sealed(&d, K0), "untrusted");
    decide(sealed(&d, 0), "untrusted");
    expect.trust = &trust;
    trust = trust_in(0);
    decide(sealed(&d, K0), "untrusted");
    decide(sealed(&d, 0), "untrusted");

    /* role */

    memset(&trust, 0, sizeof(trust));
    (void) weir_trust_add(&trust, &keys[0].pub, WEIR_ROLE_POLICY, NULL);
    (void) weir_trust_add(&trust, &keys[1].pub, WEIR_ROLE_SPLIT
                          | WEIR_ROLE_REVOKE, NULL);
    decide(sealed(&d, K0), "role");
    assert_false(result.parsed);
    decide(sealed(&d, K1), "");
    decide(sealed(&d, K0 | K1), "");
    assert_int_equal(result.good, 1);

    d = head_make(1);
    expect.kind = WEIR_KIND_BUNDLE;
    expect.id = weir_str(WEIR_BUNDLE_ID);
    decide(sealed(&d, K1), "role");
    decide(sealed(&d, K0), "");

    /* threshold: one key is one, however often it signs */

    expect.kind = WEIR_KIND_SPLIT;
    expect.id = weir_str("checkout");
    d = at(0, 1);
    trust = trust_in(3);
    weir_trust_threshold(&trust, WEIR_ROLE_SPLIT, 2);
    decide(sealed(&d, K0), "threshold");
    assert_string_equal(error.text, "1 of 2 signatures for \"split\"");
    decide(sealed(&d, K0 | K3), "threshold");
    decide(sealed(&d, K0 | K2), "");

    text = sealed(&d, K0);
    assert_int_equal(weir_envelope_parse(&e, &arena, text, &result.why,
                                         &error), WEIR_OK);
    e.sigs[1] = e.sigs[0];
    e.nsigs = 2;
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    decide(text, "threshold");

    /* the threshold of another role says nothing */

    trust = trust_in(3);
    weir_trust_threshold(&trust, WEIR_ROLE_POLICY, 3);
    decide(sealed(&d, K0), "");

    /* bad: another payload's; under another id; beside a good one */

    d = at(0, 2);
    other = sealed(&d, K0 | K1);
    assert_int_equal(weir_envelope_parse(&e, &arena, other, &result.why,
                                         &error), WEIR_OK);
    e.payload = replaced(e.payload, "2500", "9999");
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    decide(text, "bad-signature");
    assert_false(result.parsed);

    assert_int_equal(weir_envelope_parse(&e, &arena, other, &result.why,
                                         &error), WEIR_OK);
    memcpy(e.sigs[0].keyid, keys[2].pub.id, 16);
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    decide(text, "bad-signature");

    assert_int_equal(weir_envelope_parse(&e, &arena, other, &result.why,
                                         &error), WEIR_OK);
    e.sigs[1].sig[63] ^= 0x10;
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    decide(text, "bad-signature");

    /* the kind is signed: one signature is not another's */

    assert_int_equal(weir_envelope_parse(&e, &arena, other, &result.why,
                                         &error), WEIR_OK);
    e.kind = WEIR_KIND_REVOCATIONS;
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    decide(text, "bad-signature");
}


/* Nothing of a payload is read before the signatures hold. */

static void
unread(void **state)
{
    (void) state;

    decide(seal(WEIR_KIND_SPLIT, weir_str("{\"version\":"), 0), "unsigned");
    decide(seal(WEIR_KIND_SPLIT, weir_str("{\"version\":"), K3),
           "untrusted");
    decide(seal(WEIR_KIND_SPLIT, weir_str("{\"version\":"), K0),
           "policy-error");
    decide(seal(WEIR_KIND_SPLIT, weir_str(""), K0), "policy-error");
    decide(weir_str(""), "truncated");
    decide(weir_str("{\"payloadType\""), "truncated");
    decide(weir_str("WRONGTYPE"), "bad-signature");
}


static void
switched_off(void **state)
{
    weir_str_t       text;
    weir_envelope_t  e;
    weir_document_t  d;

    (void) state;

    d = at(0, 1);
    memset(&trust, 0, sizeof(trust));
    trust.off = 1;

    decide(sealed(&d, 0), "");
    assert_int_equal(result.good, 0);
    decide(sealed(&d, K0), "");
    assert_int_equal(result.good, 0);

    (void) weir_trust_add(&trust, &keys[0].pub, WEIR_ROLE_POLICY, NULL);
    decide(sealed(&d, K0), "");
    assert_int_equal(result.good, 0);
    (void) weir_trust_add(&trust, &keys[0].pub, WEIR_ROLE_SPLIT, NULL);
    decide(sealed(&d, K0), "");
    assert_int_equal(result.good, 1);

    /* one that is signed and was changed is not an unsigned one */

    assert_int_equal(weir_envelope_parse(&e, &arena, sealed(&d, K0),
                                         &result.why, &error), WEIR_OK);
    e.sigs[0].sig[0] ^= 1;
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    decide(text, "bad-signature");

    /* and the fence holds for unsigned ones too */

    decide(sealed(&d, 0), "");
    fence = result.fence;
    expect.fence = &fence;
    fence.version = 5;
    decide(sealed(&d, 0), "older");
    with(at(1, 6), "epoch");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        e_test(may),
        e_test(trust_made),
        e_test(signatures),
        e_test(unread),
        e_test(switched_off),
    };

    return cmocka_run_group_tests(tests, keys_setup, NULL);
}
