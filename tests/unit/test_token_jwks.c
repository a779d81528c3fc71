
/*
 * Tests of lib/token: which key sets are refused, which keys of a set may
 * verify, and JSON's bounds.
 */

#include "token_make.h"
#include "weir_json.h"


/* A set of one JWK, made of a public key and changed. */

static char *
set_of(EVP_PKEY *pkey, weir_alg_e alg, const char *member, const char *value)
{
    char         *text;
    json_t       *jwk, *set, *v;

    jwk = weir_jwk_make(pkey, alg, weir_str("k"));
    assert_non_null(jwk);

    if (member != NULL) {

        if (value == NULL) {
            json_object_del(jwk, member);

        } else {
            v = json_loads(value, JSON_DECODE_ANY, NULL);
            assert_non_null(v);
            json_object_set_new(jwk, member, v);
        }
    }

    set = json_pack("{s:[o]}", "keys", jwk);
    text = json_dumps(set, 0);
    json_decref(set);

    return text;
}


static void
expect_note(const char *text, const char *note)
{
    weir_jwks_t  *set;

    set = jwks_parse(text);

    if (set == NULL) {
        fail_msg("refused whole: %s", text);
    }

    if (set->usable != 0 || set->keys[0].alg != WEIR_ALG_UNKNOWN
        || set->keys[0].note == NULL || strstr(set->keys[0].note, note) == NULL)
    {
        fail_msg("%s: \"%s\", expected \"%s\"", text, set->keys[0].note, note);
    }

    weir_jwks_free(set);
}


static void
expect_refused(const char *text, const char *what)
{
    int           rc;
    weir_err_t    err;
    weir_algs_t   algs;
    weir_jwks_t  *set;

    weir_algs_default(&algs);
    err.text[0] = '\0';

    rc = weir_jwks_parse(&set, &crypto, str(text), &algs, &weir_alloc_malloc,
                         &err);

    if (rc != WEIR_ERROR || strstr(err.text, what) == NULL) {
        fail_msg("%s: %d \"%s\", expected \"%s\"", text, rc, err.text, what);
    }
}


static void
unusable_keys(void **state)
{
    char      *text;
    unsigned   i;

    static const struct {
        int          kind;             /* 0 EC, 1 RSA, 2 OKP, 3 P-384 */
        const char  *member;
        const char  *value;
        const char  *note;
    } cases[] = {
        { 0, "kty", NULL, "kty" },
        { 0, "kty", "1", "kty" },
        { 0, "kty", "\"ec\"", "kty" },
        { 0, "kty", "\"RSA\"", "its n" },
        { 0, "kty", "\"OKP\"", "crv" },
        { 0, "crv", NULL, "crv" },
        { 0, "crv", "\"P-521\"", "crv" },
        { 0, "crv", "\"secp256k1\"", "crv" },
        { 0, "crv", "\"P-384\"", "x or y" },
        { 3, "crv", "\"P-256\"", "x or y" },
        { 0, "x", NULL, "x or y" },
        { 0, "y", NULL, "x or y" },
        { 0, "x", "1", "x or y" },
        { 0, "x", "\"\"", "x or y" },
        { 0, "x", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
          "no valid" },
        { 0, "y", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
          "no valid" },
        { 0, "y", "\"__________________________________________8\"",
          "no valid" },
        { 0, "x", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\"",
          "x or y" },
        { 0, "x", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\"",
          "x or y" },
        { 0, "x", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+\"",
          "x or y" },
        { 0, "x", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
          "x or y" },
        { 0, "use", "\"enc\"", "use" },
        { 0, "use", "\"SIG\"", "use" },
        { 0, "use", "null", "use" },
        { 0, "use", "[\"sig\"]", "use" },
        { 0, "key_ops", "[]", "key_ops" },
        { 0, "key_ops", "\"verify\"", "key_ops" },
        { 0, "key_ops", "[\"sign\"]", "key_ops" },
        { 0, "key_ops", "[\"encrypt\"]", "key_ops" },
        { 0, "key_ops", "[\"verify\",\"verify\"]", "twice" },
        { 0, "key_ops", "[\"verify\",1]", "key_ops" },
        { 0, "alg", "\"ES384\"", "fit" },
        { 0, "alg", "\"RS256\"", "fit" },
        { 0, "alg", "\"ES512\"", "supported" },
        { 0, "alg", "\"none\"", "supported" },
        { 0, "alg", "\"HS256\"", "supported" },
        { 0, "alg", "\"es256\"", "supported" },
        { 0, "alg", "1", "alg is no string" },
        { 0, "kid", "1", "kid" },
        { 0, "kid", "[]", "kid" },
        { 1, "alg", "\"RSA-OAEP\"", "supported" },
        { 1, "alg", "\"RS512\"", "supported" },
        { 1, "alg", "\"ES256\"", "fit" },
        { 1, "n", NULL, "its n" },
        { 1, "n", "\"AQAB\"", "2048" },
        { 1, "n", "\"AAAB\"", "zero" },
        { 1, "e", NULL, "its e" },
        { 1, "e", "\"\"", "its e" },
        { 1, "e", "\"AQ\"", "its e" },
        { 1, "e", "\"Ag\"", "its e" },
        { 1, "e", "\"AQAA\"", "its e" },
        { 1, "e", "\"AAEAAQ\"", "zero" },
        { 1, "e", "\"AQAAAAAAAAAAAAAB\"", "its e" },
        { 2, "crv", "\"Ed448\"", "crv" },
        { 2, "crv", "\"X25519\"", "crv" },
        { 2, "x", "\"AA\"", "its x" },
        { 2, "x", NULL, "its x" },
        { 2, "alg", "\"ES256\"", "fit" },
        { 2, "alg", "\"Ed448\"", "supported" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = cases[i].kind == 0 ? set_of(es256, WEIR_ALG_ES256,
                                           cases[i].member, cases[i].value)
               : cases[i].kind == 1 ? set_of(rsa, WEIR_ALG_RS256,
                                             cases[i].member, cases[i].value)
               : cases[i].kind == 2 ? set_of(eddsa, WEIR_ALG_EDDSA,
                                             cases[i].member, cases[i].value)
               : set_of(es384, WEIR_ALG_ES384, cases[i].member,
                        cases[i].value);
        expect_note(text, cases[i].note);
        free(text);
    }
}


/* What RSA moduli may be: sizes, and Infineon's generator. */

static void
rsa_moduli(void **state)
{
    char         *text;
    uint8_t       n[1100];
    unsigned      i;
    EVP_PKEY     *pkey;
    weir_jwks_t  *set;
    char          member[1600];

    static const unsigned  bits[] = { 1024, 2040, 3072 };

    /* CVE-2017-15361: a published example of such a modulus */

    static const char  roca[] =
        "\"AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGT"
        "u3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbV"
        "foN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9Oh"
        "wAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iM"
        "USP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ"
        "-QYyE\"";

    (void) state;

    for (i = 0; i < 3; i++) {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) bits[i]);
        assert_non_null(pkey);

        text = set_of(pkey, WEIR_ALG_RS256, NULL, NULL);
        EVP_PKEY_free(pkey);

        if (bits[i] < 2048) {
            expect_note(text, "2048");

        } else {
            set = jwks_parse(text);
            assert_int_equal(set->usable, 1);
            assert_int_equal(set->keys[0].sig_len, bits[i] / 8);
            weir_jwks_free(set);
        }

        free(text);
    }

    text = set_of(rsa, WEIR_ALG_RS256, "n", roca);
    expect_note(text, "ROCA");
    free(text);

    /* 8200 bits */

    memset(n, 0xff, sizeof(n));
    strcpy(member, "\"");
    b64_cat(member, n, 1025);
    strcat(member, "\"");
    text = set_of(rsa, WEIR_ALG_RS256, "n", member);
    expect_note(text, "8192");
    free(text);

    /* even, and a power of three: nothing that two primes make */

    n[255] = 0xfe;
    strcpy(member, "\"");
    b64_cat(member, n, 256);
    strcat(member, "\"");
    text = set_of(rsa, WEIR_ALG_RS256, "n", member);
    expect_note(text, "even");
    free(text);

    n[255] = 0xff;
    strcpy(member, "\"");
    b64_cat(member, n, 256);
    strcat(member, "\"");
    text = set_of(rsa, WEIR_ALG_RS256, "n", member);
    expect_note(text, "no valid public key");
    free(text);
}


static void
usable_keys(void **state)
{
    char         *text;
    unsigned      i;
    weir_jwks_t  *set;

    static const struct {
        const char  *member;
        const char  *value;
    } cases[] = {
        { NULL, NULL },
        { "kid", NULL },
        { "kid", "\"\"" },
        { "use", NULL },
        { "alg", NULL },
        { "key_ops", "[\"verify\"]" },
        { "key_ops", "[\"sign\",\"verify\"]" },
        { "x5t", "\"AAAA\"" },
        { "x5c", "[\"AAAA\"]" },
        { "x5u", "\"https://x.test/\"" },
        { "something", "{\"d\":1}" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = set_of(es256, WEIR_ALG_ES256, cases[i].member, cases[i].value);
        set = jwks_parse(text);

        assert_non_null(set);
        assert_int_equal(set->usable, 1);
        assert_int_equal(set->keys[0].alg, WEIR_ALG_ES256);
        assert_ptr_equal(weir_jwks_thumbprint(set, set->keys[0].thumbprint),
                         &set->keys[0]);

        weir_jwks_free(set);
        free(text);
    }
}


/* An RSA key that does not say: the first RSA name that is listed. */

static void
rsa_without_alg(void **state)
{
    char         *text;
    unsigned      i;
    weir_err_t    err;
    weir_algs_t   algs;
    weir_jwks_t  *set;

    static const struct {
        const char  *names[3];
        weir_alg_e   alg;
    } cases[] = {
        { { "ES256", "RS256", "PS256" }, WEIR_ALG_RS256 },
        { { "PS256", "RS256", "ES256" }, WEIR_ALG_PS256 },
        { { "PS256", "ES256", NULL }, WEIR_ALG_PS256 },
        { { "ES256", "EdDSA", NULL }, WEIR_ALG_UNKNOWN }
    };

    (void) state;

    text = set_of(rsa, WEIR_ALG_RS256, "alg", NULL);

    for (i = 0; i < 4; i++) {
        unsigned  j;

        algs.n = 0;

        for (j = 0; j < 3 && cases[i].names[j] != NULL; j++) {
            assert_int_equal(weir_algs_add(&algs, str(cases[i].names[j])),
                             WEIR_OK);
        }

        assert_int_equal(weir_jwks_parse(&set, &crypto, str(text), &algs,
                                         &weir_alloc_malloc, &err), WEIR_OK);
        assert_int_equal(set->keys[0].alg, cases[i].alg);
        weir_jwks_free(set);
    }

    free(text);
}


static void
refused_whole(void **state)
{
    int        i;
    char      *text, *big;
    json_t    *keys, *set;

    static const char  *members[] = {
        "d", "p", "q", "dp", "dq", "qi", "oth", "priv"
    };

    (void) state;

    expect_refused("", "JSON");
    expect_refused("{", "JSON");
    expect_refused("[]", "JSON");
    expect_refused("{}", "keys");
    expect_refused("{\"keys\":{}}", "keys");
    expect_refused("{\"keys\":[1]}", "no object");
    expect_refused("{\"keys\":[[]]}", "no object");
    expect_refused("{\"keys\":[]} x", "JSON");
    expect_refused("{\"keys\":[],\"keys\":[]}", "JSON");
    expect_refused("{\"keys\":[{\"kty\":\"EC\",\"kty\":\"EC\"}]}", "JSON");
    expect_refused("{\"keys\":[{\"kty\":\"EC\",\"\\u006bty\":\"EC\"}]}",
                   "JSON");
    expect_refused("{\"keys\":[{\"kty\":\"EC\",\"kid\":\"a\\u0000b\"}]}",
                   "JSON");
    expect_refused("{\"keys\":[{\"kid\":\"a\"},{\"kid\":\"a\"}]}",
                   "duplicate");
    expect_refused("{\"keys\":[{\"kid\":\"a\"},{\"kid\":\"\\u0061\"}]}",
                   "duplicate");
    expect_refused("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"},"
                   "{\"kty\":\"EC\"}]}", "symmetric");

    for (i = 0; i < 8; i++) {
        text = set_of(rsa, WEIR_ALG_RS256, members[i], "\"AQAB\"");
        expect_refused(text, "private");
        free(text);

        text = set_of(es256, WEIR_ALG_ES256, members[i], "null");
        expect_refused(text, "private");
        free(text);
    }

    /* symmetric keys alone are only of no use */

    expect_note("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"},"
                "{\"kty\":\"oct\",\"k\":\"AB\"}]}", "supported");

    keys = json_array();

    for (i = 0; i < 64; i++) {
        json_array_append_new(keys, weir_jwk_make(es256, WEIR_ALG_ES256,
                              (weir_str_t) { 1, (uint8_t *) "0123456789"
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                              "UVWXYZ-_" + i }));
    }

    set = json_pack("{s:O}", "keys", keys);
    text = json_dumps(set, 0);

    {
        weir_jwks_t  *s = jwks_parse(text);

        assert_non_null(s);
        assert_int_equal(s->usable, 64);
        weir_jwks_free(s);
    }

    free(text);

    json_array_append_new(keys, weir_jwk_make(es256, WEIR_ALG_ES256,
                                              weir_str("65")));
    text = json_dumps(set, 0);
    expect_refused(text, "64 keys");
    free(text);
    json_decref(keys);
    json_decref(set);

    big = malloc(WEIR_JWKS_MAX + 2);
    memset(big, ' ', WEIR_JWKS_MAX + 1);
    big[WEIR_JWKS_MAX + 1] = '\0';
    memcpy(big, "{\"keys\":[]}", 11);
    expect_refused(big, "larger");
    free(big);

    text = malloc(256);
    strcpy(text, "{\"keys\":[{\"a\":");
    for (i = 0; i < 15; i++) {
        strcat(text, "[");
    }
    for (i = 0; i < 15; i++) {
        strcat(text, "]");
    }
    strcat(text, "}]}");
    expect_refused(text, "JSON");
    free(text);
}


/* A key with a kid beyond the bound is never found by a token. */

static void
long_kid(void **state)
{
    char  *text, kid[200];

    (void) state;

    memset(kid, 'k', sizeof(kid));
    kid[0] = '"';
    kid[130] = '"';
    kid[131] = '\0';

    text = set_of(es256, WEIR_ALG_ES256, "kid", kid);
    expect_note(text, "too long");
    free(text);
}


static void
json_bounds(void **state)
{
    unsigned            i;
    uint8_t             text[64];
    weir_json_limits_t  limits = { 3, 4, 4 };

    static const struct {
        const char  *text;
        const char  *after;            /* NULL: an error */
    } cases[] = {
        { "{}", "{}" },
        { "[[[]]]", "[[[]]]" },
        { "[[[[]]]]", NULL },
        { "]", NULL },
        { "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}",
          "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}" },
        { "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5}", NULL },
        { "[1,2,3,4,5]", "[1,2,3,4,5]" },
        { "[1,2,3,4,5,6]", NULL },
        { "[\"[[[[,,,,,::::\"]", "[\"[[[[,,,,,::::\"]" },
        { "[\"\\\"[[[[\"]", "[\"\\\"[[[[\"]" },
        { "[\"\\\\\",[[]]]", "[\"\\\\\",[[]]]" },
        { "\"\\", "\"\\" },
        { "[9223372036854775807]", "[9223372036854775807]" },
        { "[-9223372036854775808]", "[-9223372036854775808]" },
        { "[9223372036854775808]", "[1e300              ]" },
        { "[-9223372036854775809]", "[-1e300              ]" },
        { "[99999999999999999999]", "[1e300               ]" },
        { "[00000000000000000000]", "[00000000000000000000]" },
        { "[99999999999999999999.5]", "[99999999999999999999.5]" },
        { "[99999999999999999999e1]", "[99999999999999999999e1]" },
        { "-", "-" },
        { "[-]", "[-]" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int     rc;
        size_t  weight;

        strcpy((char *) text, cases[i].text);
        rc = weir_json_scan(text, strlen(cases[i].text), &limits, &weight);

        if (cases[i].after == NULL) {
            assert_int_equal(rc, WEIR_ERROR);

        } else {
            assert_int_equal(rc, WEIR_OK);
            assert_string_equal((char *) text, cases[i].after);
        }
    }
}


/* The text weighs what its value weighs, however it is spelt. */

static void
json_weight(void **state)
{
    size_t              weight;
    json_t             *json;
    uint8_t             text[256];
    unsigned            i;
    weir_json_limits_t  limits = { 16, 99, 99 };

    static const struct {
        const char  *text;
        size_t       weight;
    } cases[] = {
        { "{}", 0 },
        { "[true,false,null,1.5,-2e3]", 0 },
        { "[0,-0,7,-7,10,-10]", 8 },
        { "[9223372036854775807,-9223372036854775808]", 38 },
        { "[99999999999999999999]", 0 },
        { "{\"ab\":\"cde\",\"f\":{\"g\":[\"h\"]}}", 8 },
        { "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", 8 },
        { "[\"\\u0041\\u007f\\u0080\\u07ff\\u0800\\uFfFf\"]", 12 },
        { "[\"\\uD83D\\ude00\"]", 4 },
        { "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]", 9 },
        { "{\"\\u00e9\":\"\\\\u00e9\"}", 8 }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        strcpy((char *) text, cases[i].text);
        assert_int_equal(weir_json_scan(text, strlen(cases[i].text), &limits,
                                        &weight), WEIR_OK);
        assert_int_equal(weight, cases[i].weight);

        json = json_loads((char *) text, 0, NULL);
        assert_non_null(json);
        assert_int_equal(weir_json_weight(json), weight);
        json_decref(json);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(unusable_keys),
        cmocka_unit_test(rsa_moduli),
        cmocka_unit_test(usable_keys),
        cmocka_unit_test(rsa_without_alg),
        cmocka_unit_test(refused_whole),
        cmocka_unit_test(long_kid),
        cmocka_unit_test(json_bounds),
        cmocka_unit_test(json_weight),
    };

    return cmocka_run_group_tests(tests, keys_setup, keys_teardown);
}
