
/*
 * Tests of lib/token: claims: times and their bounds, audience, type, and
 * the flattened block.
 */

#include "token_make.h"


static weir_issuer_t  issuer;


static void
expect(const char *payload, const char *reason)
{
    const char  *got;

    got = verify(&issuer, token_es256(payload));

    if (strcmp(got, reason) != 0) {
        fail_msg("%s: %s, expected %s", payload, got, reason);
    }
}


#define BASE  "\"iss\":\"https://idp.test/\",\"aud\":\"orders\","             \
              "\"sub\":\"alice\""


static void
times(void **state)
{
    unsigned  i;
    char      payload[512];

    /* NOW is 1767225600, the leeway 30 */

    static const struct {
        const char  *claims;
        const char  *reason;
    } cases[] = {
        { "\"exp\":1767225600", "valid" },
        { "\"exp\":1767225571", "valid" },
        { "\"exp\":1767225570", "expired" },
        { "\"exp\":1767225570.5", "valid" },
        { "\"exp\":1767225569.999", "expired" },
        { "\"exp\":1767225900.25", "valid" },
        { "\"exp\":1.7672259e9", "valid" },
        { "\"exp\":0", "expired" },
        { "\"exp\":-0", "expired" },
        { "\"exp\":-1", "claims" },
        { "\"exp\":-1767225900", "claims" },
        { "\"exp\":\"1767225900\"", "claims" },
        { "\"exp\":\"2026-01-01T00:05:00Z\"", "claims" },
        { "\"exp\":null", "claims" },
        { "\"exp\":true", "claims" },
        { "\"exp\":[1767225900]", "claims" },
        { "\"exp\":{}", "claims" },
        { "\"exp\":1767312030", "valid" },
        { "\"exp\":1767312031", "lifetime" },
        { "\"exp\":9999999999", "lifetime" },
        { "\"exp\":1767225900000", "lifetime" },
        { "\"exp\":9007199254740992", "lifetime" },
        { "\"exp\":9007199254740993", "lifetime" },
        { "\"exp\":9007199254740994", "claims" },
        { "\"exp\":9223372036854775807", "claims" },
        { "\"exp\":9223372036854775808", "claims" },
        { "\"exp\":18446744073709551616", "claims" },
        { "\"exp\":18446744075476777516", "claims" },
        { "\"exp\":-9223372036854775809", "claims" },
        { "\"exp\":99999999999999999999999999999999", "claims" },
        { "\"exp\":1e300", "claims" },
        { "\"exp\":1e308", "claims" },
        { "\"exp\":1e309", "claims" },
        { "\"exp\":1e-309", "expired" },
        { "\"exp\":NaN", "claims" },
        { "\"exp\":Infinity", "claims" },
        { "\"exp\":0x69560D2C", "claims" },
        { "\"exp\":01767225900", "claims" },
        { "\"exp\":+1767225900", "claims" },
        { "\"exp\":1767225900.", "claims" },
        { "\"Exp\":1767225900", "exp-missing" },
        { "\"EXP\":1767225900", "exp-missing" },
        { "\"exp \":1767225900", "exp-missing" },
        { "\"x\":1", "exp-missing" },
        { "\"exp\":1767225900,\"nbf\":1767225630", "valid" },
        { "\"exp\":1767225900,\"nbf\":1767225630.5", "not-before" },
        { "\"exp\":1767225900,\"nbf\":1767225631", "not-before" },
        { "\"exp\":1767225900,\"nbf\":9223372036854775808", "claims" },
        { "\"exp\":1767225900,\"nbf\":1e300", "claims" },
        { "\"exp\":1767225900,\"nbf\":\"0\"", "claims" },
        { "\"exp\":1767225900,\"nbf\":null", "claims" },
        { "\"exp\":1767225900,\"nbf\":-1", "claims" },
        { "\"exp\":1767225900,\"nbf\":0", "valid" },
        { "\"exp\":1767225900,\"iat\":1767225630", "valid" },
        { "\"exp\":1767225900,\"iat\":1767225631", "issued-at" },
        { "\"exp\":1767225900,\"iat\":\"0\"", "claims" },
        { "\"exp\":1767225900,\"iat\":false", "claims" },
        { "\"exp\":1767225900,\"iat\":-5", "claims" },
        { "\"exp\":1767225572,\"iat\":1767225600", "valid" },
        { "\"exp\":1767225571,\"iat\":1767225602", "lifetime" },
        { "\"exp\":1767225571,\"nbf\":1767225602", "lifetime" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(payload, sizeof(payload), "{" BASE ",%s}", cases[i].claims);
        expect(payload, cases[i].reason);
    }
}


static void
max_age(void **state)
{
    (void) state;

    issuer.max_age = 600;

    expect("{" BASE ",\"iat\":1767225600,\"exp\":1767226200}", "valid");
    expect("{" BASE ",\"iat\":1767225600,\"exp\":1767226201}", "lifetime");
    expect("{" BASE ",\"exp\":1767225700}", "lifetime");
    expect("{" BASE ",\"iat\":1767225000,\"exp\":1767225601}", "lifetime");

    /* whoever sets it may have tokens that live longer than a day */

    issuer.max_age = 30 * 86400;

    expect("{" BASE ",\"iat\":1767225600,\"exp\":1769817600}", "valid");
    expect("{" BASE ",\"iat\":1767225600,\"exp\":1769817601}", "lifetime");

    issuer.max_age = 0;
}


static void
audience(void **state)
{
    unsigned  i;
    char      payload[512];

    static const struct {
        const char  *aud;
        const char  *reason;
    } cases[] = {
        { "\"aud\":\"orders\"", "valid" },
        { "\"aud\":[\"orders\"]", "valid" },
        { "\"aud\":[\"x\",\"orders\",\"y\"]", "valid" },
        { "\"aud\":\"billing\"", "valid" },
        { "\"aud\":\"Orders\"", "audience" },
        { "\"aud\":\"orders \"", "audience" },
        { "\"aud\":\"orders/\"", "audience" },
        { "\"aud\":\"order\"", "audience" },
        { "\"aud\":\"orders,x\"", "audience" },
        { "\"aud\":\"x orders\"", "audience" },
        { "\"aud\":\"\"", "audience" },
        { "\"aud\":[]", "audience" },
        { "\"aud\":[\"x\"]", "audience" },
        { "\"aud\":[[\"orders\"]]", "audience" },
        { "\"aud\":[\"orders\",1]", "audience" },
        { "\"aud\":[\"orders\",null]", "audience" },
        { "\"aud\":[\"orders\",{}]", "audience" },
        { "\"aud\":{\"orders\":1}", "audience" },
        { "\"aud\":null", "audience" },
        { "\"aud\":1", "audience" },
        { "\"aud\":true", "audience" },
        { "\"Aud\":\"orders\"", "audience" }
    };

    (void) state;

    issuer.audience[1] = weir_str("billing");
    issuer.audiences = 2;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(payload, sizeof(payload), "{\"iss\":\"https://idp.test/\","
                 "\"sub\":\"a\",\"exp\":1767225900,%s}", cases[i].aud);
        expect(payload, cases[i].reason);
    }

    issuer.audiences = 0;
    expect("{\"iss\":\"https://idp.test/\",\"exp\":1767225900}", "valid");
    expect("{\"iss\":\"https://idp.test/\",\"exp\":1767225900,"
           "\"aud\":\"any\"}", "valid");
    expect("{\"iss\":\"https://idp.test/\",\"exp\":1767225900,\"aud\":1}",
           "audience");

    issuer.audiences = 1;
}


static void
issuers(void **state)
{
    unsigned              i;
    weir_issuer_t         second;
    weir_arena_t          a;
    weir_token_t          t;
    const weir_issuer_t  *both[2];

    static const char  *bad[] = {
        "\"iss\":\"https://idp.test\"", "\"iss\":\"https://idp.test//\"",
        "\"iss\":\"https://IDP.test/\"", "\"iss\":\"HTTPS://idp.test/\"",
        "\"iss\":\"https://idp.test/ \"", "\"iss\":\" https://idp.test/\"",
        "\"iss\":\"https://idp.test/x\"", "\"iss\":\"\"", "\"iss\":null",
        "\"iss\":1", "\"iss\":[\"https://idp.test/\"]", "\"iss\":{}",
        "\"Iss\":\"https://idp.test/\"", "\"x\":1",
        "\"iss\":\"https://idp.test\\u2044\""
    };

    char  payload[512];

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(payload, sizeof(payload), "{%s,\"aud\":\"orders\","
                 "\"exp\":1767225900}", bad[i]);
        expect(payload, "issuer");
    }

    /* the same text, spelt otherwise */

    expect("{\"iss\":\"https:\\/\\/idp.test\\/\",\"aud\":\"orders\","
           "\"exp\":1767225900}", "valid");

    second = issuer;
    second.name = weir_str("second");
    second.issuer = weir_str("https://second.test/");
    both[0] = &second;
    both[1] = &issuer;

    weir_arena_init(&a, &weir_alloc_malloc, WEIR_TOKEN_ARENA);
    assert_int_equal(weir_token_verify(&t, &a, both, 2,
                     str(token_es256(OK_CLAIMS)), NOW), WEIR_TOKEN_VALID);
    assert_ptr_equal(t.issuer, &issuer);
    assert_true(weir_str_eq(t.subject, weir_str("alice")));
    assert_int_equal(t.exp, 1767225900);
    assert_int_equal(t.nbf, 0);
    assert_ptr_equal(t.key, &issuer.keys->keys[0]);
    weir_arena_done(&a);
}


static void
types(void **state)
{
    unsigned  i, strict;
    char      header[256];

    static const struct {
        const char  *typ;
        const char  *both;             /* with the default */
        const char  *strict;           /* with at+jwt alone */
    } cases[] = {
        { "", "valid", "typ" },
        { ",\"typ\":\"JWT\"", "valid", "typ" },
        { ",\"typ\":\"jwt\"", "valid", "typ" },
        { ",\"typ\":\"application/JWT\"", "valid", "typ" },
        { ",\"typ\":\"at+jwt\"", "valid", "valid" },
        { ",\"typ\":\"AT+JWT\"", "valid", "valid" },
        { ",\"typ\":\"application/at+jwt\"", "valid", "valid" },
        { ",\"typ\":\"Application/At+Jwt\"", "valid", "valid" },
        { ",\"typ\":\"application/\"", "typ", "typ" },
        { ",\"typ\":\"application/application/at+jwt\"", "typ", "typ" },
        { ",\"typ\":\"at+jwt \"", "typ", "typ" },
        { ",\"typ\":\"dpop+jwt\"", "typ", "typ" },
        { ",\"typ\":\"logout+jwt\"", "typ", "typ" },
        { ",\"typ\":\"secevent+jwt\"", "typ", "typ" },
        { ",\"typ\":\"weir+jwt\"", "typ", "typ" },
        { ",\"typ\":\"JOSE\"", "typ", "typ" },
        { ",\"typ\":\"\"", "typ", "typ" },
        { ",\"typ\":null", "typ", "typ" },
        { ",\"typ\":1", "typ", "typ" },
        { ",\"typ\":[\"JWT\"]", "typ", "typ" },
        { ",\"cty\":\"JWT\"", "typ", "typ" },
        { ",\"cty\":\"jwt\"", "typ", "typ" },
        { ",\"cty\":\"application/JWT\"", "typ", "typ" },
        { ",\"cty\":1", "typ", "typ" },
        { ",\"typ\":\"at+jwt\",\"cty\":\"json\"", "valid", "valid" }
    };

    (void) state;

    for (strict = 0; strict < 2; strict++) {

        issuer.typs = strict;
        issuer.typ[0] = weir_str("application/at+jwt");

        for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            snprintf(header, sizeof(header), "{\"alg\":\"ES256\"%s}",
                     cases[i].typ);
            assert_string_equal(verify(&issuer, token(es256, WEIR_ALG_ES256,
                                                      header, OK_CLAIMS)),
                                strict ? cases[i].strict : cases[i].both);
        }
    }

    issuer.typs = 0;
}


static void
others(void **state)
{
    (void) state;

    expect("{" CLAIMS ",\"cnf\":{\"jkt\":\"x\"}}", "cnf");
    expect("{" CLAIMS ",\"cnf\":null}", "cnf");
    expect("{" CLAIMS ",\"events\":{\"http://schemas.openid.net/event/"
           "backchannel-logout\":{}}}", "typ");
    expect("{\"iss\":\"https://idp.test/\",\"aud\":\"orders\","
           "\"exp\":1767225900}", "valid");
    expect("{\"iss\":\"https://idp.test/\",\"aud\":\"orders\",\"sub\":\"\","
           "\"exp\":1767225900}", "claims");
    expect("{\"iss\":\"https://idp.test/\",\"aud\":\"orders\",\"sub\":1,"
           "\"exp\":1767225900}", "claims");
    expect("{\"iss\":\"https://idp.test/\",\"aud\":\"orders\",\"sub\":null,"
           "\"exp\":1767225900}", "claims");

    /* an integer beyond 64 bits is of no type, but does no harm */

    expect("{" CLAIMS ",\"n\":123456789012345678901234567890}", "valid");
}


static int
type_of(const weir_claims_t *c, const char *key, size_t len)
{
    const weir_claim_entry_t  *e;

    e = weir_claims_find(c, (weir_str_t) { len, (const uint8_t *) key });

    return e == NULL ? -1 : (int) e->type;
}


static void
flat(void **state)
{
    json_t                    *json;
    weir_arena_t               a;
    const weir_claims_t       *c;
    const weir_claim_entry_t  *e;

    (void) state;

    json = json_loads("{\"s\":\"x\",\"i\":-5,\"t\":true,\"f\":false,"
        "\"z\":null,\"r\":1.5,\"w\":3.0,\"set\":[\"a\",\"b\"],\"none\":[],"
        "\"mixed\":[\"a\",1],\"o\":{\"p\":{\"q\":\"deep\"},\"n\":null},"
        "\"o.p\":\"dotted\",\"scope\":\"read  write\",\"\":\"empty\"}", 0,
        NULL);
    assert_non_null(json);

    weir_arena_init(&a, &weir_alloc_malloc, 0);
    assert_int_equal(weir_token_flatten(&c, &a, json), WEIR_OK);
    json_decref(json);

    assert_int_equal(type_of(c, "s", 1), WEIR_CLAIM_STRING);
    assert_int_equal(type_of(c, "i", 1), WEIR_CLAIM_INT);
    assert_int_equal(weir_claims_find(c, weir_str("i"))->number, -5);
    assert_int_equal(type_of(c, "t", 1), WEIR_CLAIM_BOOL);
    assert_int_equal(weir_claims_find(c, weir_str("t"))->number, 1);
    assert_int_equal(weir_claims_find(c, weir_str("f"))->number, 0);
    assert_int_equal(type_of(c, "z", 1), -1);
    assert_int_equal(type_of(c, "r", 1), WEIR_CLAIM_OTHER);
    assert_int_equal(type_of(c, "w", 1), WEIR_CLAIM_OTHER);
    assert_int_equal(type_of(c, "none", 4), WEIR_CLAIM_SET);
    assert_int_equal(weir_claims_find(c, weir_str("none"))->value_len, 0);
    assert_int_equal(type_of(c, "mixed", 5), WEIR_CLAIM_OTHER);
    assert_int_equal(type_of(c, "o", 1), WEIR_CLAIM_OBJECT);
    assert_int_equal(type_of(c, "o\0p", 3), WEIR_CLAIM_OBJECT);
    assert_int_equal(type_of(c, "o\0n", 3), -1);
    assert_int_equal(type_of(c, "o\0p\0q", 5), WEIR_CLAIM_STRING);
    assert_int_equal(type_of(c, "o.p", 3), WEIR_CLAIM_STRING);
    assert_int_equal(type_of(c, "", 0), WEIR_CLAIM_STRING);

    /* split by whoever declares it as a set */

    assert_int_equal(type_of(c, "scope", 5), WEIR_CLAIM_STRING);

    e = weir_claims_find(c, weir_str("set"));
    assert_int_equal(e->type, WEIR_CLAIM_SET);
    assert_int_equal(e->value_len, 2);
    assert_true(weir_str_eq(weir_claims_item(c, e, 1), weir_str("b")));

    e = weir_claims_find(c, (weir_str_t) { 5, (uint8_t *) "o\0p\0q" });
    assert_true(weir_str_eq(weir_claims_string(c, e), weir_str("deep")));

    weir_arena_done(&a);
}


/* Long names of objects with many members: paths that multiply. */

static void
flat_bound(void **state)
{
    int             i;
    json_t         *root, *o;
    char            name[1025], key[16];
    weir_arena_t    a;

    const weir_claims_t  *c;

    (void) state;

    memset(name, 'n', 1024);
    name[1024] = '\0';

    root = json_object();
    o = json_object();
    json_object_set_new(root, name, o);

    for (i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "%d", i);
        json_object_set_new(o, key, json_integer(i));
    }

    weir_arena_init(&a, &weir_alloc_malloc, 0);
    assert_int_equal(weir_token_flatten(&c, &a, root), WEIR_ERROR);
    weir_arena_done(&a);
    json_decref(root);
}


static void
audience_again(void **state)
{
    unsigned              i;
    json_t               *json;
    weir_arena_t          a;
    const weir_claims_t  *c;

    static const struct {
        const char  *json;
        int          has;
    } cases[] = {
        { "{\"aud\":\"orders\"}", 1 },
        { "{\"aud\":[\"x\",\"orders\"]}", 1 },
        { "{\"aud\":\"x\"}", 0 },
        { "{\"aud\":[\"x\"]}", 0 },
        { "{\"aud\":[]}", 0 },
        { "{\"aud\":5}", 0 },
        { "{}", 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json = json_loads(cases[i].json, 0, NULL);
        weir_arena_init(&a, &weir_alloc_malloc, 0);
        assert_int_equal(weir_token_flatten(&c, &a, json), WEIR_OK);
        assert_int_equal(weir_token_audience(c, &issuer), cases[i].has);
        weir_arena_done(&a);
        json_decref(json);
    }
}


static int
setup(void **state)
{
    if (keys_setup(state) != 0) {
        return -1;
    }

    issuer_make(&issuer, jwks_all());

    return 0;
}


static int
teardown(void **state)
{
    weir_jwks_free(issuer.keys);

    return keys_teardown(state);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(max_age),
        cmocka_unit_test(audience),
        cmocka_unit_test(issuers),
        cmocka_unit_test(types),
        cmocka_unit_test(others),
        cmocka_unit_test(flat),
        cmocka_unit_test(flat_bound),
        cmocka_unit_test(audience_again),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
