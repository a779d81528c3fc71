
/*
 * Tests of lib/token: hostile headers and payloads, most of them correctly
 * signed.  None may be accepted, none may end in an error.
 */

#include "token_hostile.h"


#define I    "\"iss\":\"https://idp.test/\""
#define IA   I ",\"aud\":\"orders\""
#define EXP  "\"exp\":1767225900"


/* What the hostile ones are made of is good. */

static void
controls(void **state)
{
    (void) state;

    assert_string_equal(verify(&issuer, token_es256(OK_CLAIMS)), "valid");
    assert_string_equal(verify(&issuer, token_es256("{" IA "," EXP "}")),
                        "valid");
    assert_string_equal(verify(&issuer, token(es256, WEIR_ALG_ES256,
                        "{\"alg\":\"ES256\"}", OK_CLAIMS)), "valid");
    assert_string_equal(verify(&issuer, token(es256, WEIR_ALG_ES256,
                        " {\"alg\" : \"ES256\",\r\n\t\"x\":[null,{}],"
                        "\"kid\":\"es256\",\"typ\":\"JWT\"} ",
                        OK_CLAIMS)), "valid");
}


static void
headers(void **state)
{
    unsigned  i;

    /* signed with the ES256 key, whatever they say */

    static const char  *headers[] = {
        "", " ", "{", "}", "{}", "[]", "null", "true", "1", "\"ES256\"",
        "{\"alg\"}", "{\"alg\":}", "{\"alg\":\"ES256\"", "{alg:\"ES256\"}",
        "{'alg':'ES256'}", "{\"alg\":\"ES256\",}", "{,\"alg\":\"ES256\"}",
        "[{\"alg\":\"ES256\"}]", "{\"alg\":\"ES256\"}{}",
        "{\"alg\":\"ES256\"}x", "{\"alg\":\"ES256\"}\n{}",
        "x{\"alg\":\"ES256\"}", "\xef\xbb\xbf{\"alg\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"alg\":\"ES256\"}",
        "{\"alg\":\"none\",\"alg\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"alg\":\"none\"}",
        "{\"alg\":\"ES256\",\"\\u0061lg\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"kid\":\"es256\",\"kid\":\"es256\"}",
        "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"typ\":\"JWT\"}",
        "{\"alg\":\"ES256\",\"x\":{\"a\":1,\"a\":2}}",
        "{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"NONE\"}",
        "{\"alg\":\"nOnE\"}", "{\"alg\":\"\"}", "{\"alg\":\" ES256\"}",
        "{\"alg\":\"ES256 \"}", "{\"alg\":\"es256\"}", "{\"alg\":\"Es256\"}",
        "{\"alg\":\"ES256\\u0000\"}", "{\"alg\":\"ES256\\n\"}",
        "{\"alg\":\"ES-256\"}", "{\"alg\":\"ES256K\"}", "{\"alg\":\"ES512\"}",
        "{\"alg\":\"ES521\"}", "{\"alg\":\"ES384\"}", "{\"alg\":\"RS256\"}",
        "{\"alg\":\"RS384\"}", "{\"alg\":\"RS512\"}", "{\"alg\":\"RS1\"}",
        "{\"alg\":\"PS256\"}", "{\"alg\":\"PS384\"}", "{\"alg\":\"PS512\"}",
        "{\"alg\":\"EdDSA\"}", "{\"alg\":\"Ed25519\"}", "{\"alg\":\"Ed448\"}",
        "{\"alg\":\"HS256\"}", "{\"alg\":\"HS384\"}", "{\"alg\":\"HS512\"}",
        "{\"alg\":\"HS1\"}", "{\"alg\":\"dir\"}", "{\"alg\":\"A128KW\"}",
        "{\"alg\":\"RSA-OAEP\"}", "{\"alg\":\"ECDH-ES\"}",
        "{\"alg\":\"PBES2-HS256+A128KW\"}", "{\"alg\":null}", "{\"alg\":1}",
        "{\"alg\":true}", "{\"alg\":[\"ES256\"]}", "{\"alg\":{\"a\":1}}",
        "{\"Alg\":\"ES256\"}", "{\"ALG\":\"ES256\"}", "{\"alg \":\"ES256\"}",
        "{\"kid\":\"es256\"}",
        "{\"alg\":\"ES256\",\"crit\":[]}",
        "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"ES256\",\"crit\":[\"alg\"]}",
        "{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":true}",
        "{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}",
        "{\"alg\":\"ES256\",\"crit\":null}", "{\"alg\":\"ES256\",\"crit\":1}",
        "{\"alg\":\"ES256\",\"crit\":\"exp\"}",
        "{\"alg\":\"ES256\",\"crit\":{}}", "{\"alg\":\"ES256\",\"b64\":false}",
        "{\"alg\":\"ES256\",\"b64\":true}", "{\"alg\":\"ES256\",\"b64\":null}",
        "{\"alg\":\"ES256\",\"enc\":\"A128GCM\"}",
        "{\"alg\":\"ES256\",\"enc\":null}",
        "{\"alg\":\"ES256\",\"zip\":\"DEF\"}",
        "{\"alg\":\"ES256\",\"cty\":\"JWT\"}",
        "{\"alg\":\"ES256\",\"cty\":\"jwt\"}",
        "{\"alg\":\"ES256\",\"cty\":\"application/jwt\"}",
        "{\"alg\":\"ES256\",\"cty\":[\"JWT\"]}",
        "{\"alg\":\"ES256\",\"typ\":\"logout+jwt\"}",
        "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\"}",
        "{\"alg\":\"ES256\",\"typ\":\"secevent+jwt\"}",
        "{\"alg\":\"ES256\",\"typ\":\"id_token\"}",
        "{\"alg\":\"ES256\",\"typ\":\"JWE\"}",
        "{\"alg\":\"ES256\",\"typ\":\"\"}",
        "{\"alg\":\"ES256\",\"typ\":null}", "{\"alg\":\"ES256\",\"typ\":1}",
        "{\"alg\":\"ES256\",\"typ\":[\"JWT\"]}",
        "{\"alg\":\"ES256\",\"typ\":{\"JWT\":1}}",
        "{\"alg\":\"ES256\",\"typ\":\"JWT\\u0000\"}",
        "{\"alg\":\"ES256\",\"kid\":\"\"}",
        "{\"alg\":\"ES256\",\"kid\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"kid\":\"es256 \"}",
        "{\"alg\":\"ES256\",\"kid\":\"es2\"}",
        "{\"alg\":\"ES256\",\"kid\":\"es2567\"}",
        "{\"alg\":\"ES256\",\"kid\":\"es256\\u0000x\"}",
        "{\"alg\":\"ES256\",\"kid\":\"es256\\u0000\"}",
        "{\"alg\":\"ES256\",\"kid\":\"../../dev/null\"}",
        "{\"alg\":\"ES256\",\"kid\":\"/dev/null\"}",
        "{\"alg\":\"ES256\",\"kid\":\"x' OR '1'='1\"}",
        "{\"alg\":\"ES256\",\"kid\":\"https://evil.test/key\"}",
        "{\"alg\":\"ES256\",\"kid\":\"${jndi:ldap://evil.test}\"}",
        "{\"alg\":\"ES256\",\"kid\":null}", "{\"alg\":\"ES256\",\"kid\":0}",
        "{\"alg\":\"ES256\",\"kid\":[]}", "{\"alg\":\"ES256\",\"kid\":{}}",
        "{\"alg\":\"ES256\",\"kid\":[\"es256\"]}",
        "{\"alg\":\"ES256\",\"kid\":true}",
        "{\"alg\":\"ES256\",\"kid\":\"es384\"}",
        "{\"alg\":\"ES256\",\"kid\":\"rs256\"}",
        "{\"alg\":\"ES256\",\"kid\":\"eddsa\"}",
        "{\"alg\":\"ES256\",\"x\":\"\xff\"}",
        "{\"alg\":\"ES256\",\"x\":\"\xc0\xaf\"}",
        "{\"alg\":\"ES256\",\"x\":\"\xed\xa0\x80\"}",
        "{\"alg\":\"ES256\",\"x\":\"\\ud800\"}",
        "{\"alg\":\"ES256\",\"x\":\"\n\"}",
        "{\"alg\":\"ES256\",\"x\":1e999}", "{\"alg\":\"ES256\",\"x\":NaN}",
        "{\"alg\":\"ES256\",\"x\":01}", "{\"alg\":\"ES256\",\"x\":+1}",
        "{\"alg\":\"ES256\",/* */\"x\":1}", "{\"alg\":\"ES256\"}//",
        "{\"alg\":\"ES256\",\"x\":tru}", "{\"alg\":\"ES256\",\"x\":'a'}"
    };

    (void) state;

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        hostile_str(headers[i], token(es256, WEIR_ALG_ES256, headers[i],
                                      OK_CLAIMS));
    }

    hostile_str("NUL behind", token_bytes(es256, WEIR_ALG_ES256,
                "{\"alg\":\"ES256\"}\0x", 17, OK_CLAIMS, strlen(OK_CLAIMS)));
    hostile_str("NUL before", token_bytes(es256, WEIR_ALG_ES256,
                "\0{\"alg\":\"ES256\"}", 16, OK_CLAIMS, strlen(OK_CLAIMS)));
    hostile_str("NUL inside", token_bytes(es256, WEIR_ALG_ES256,
                "{\"alg\":\"ES256\0\"}", 16, OK_CLAIMS, strlen(OK_CLAIMS)));
    hostile_str("UTF-16", token_bytes(es256, WEIR_ALG_ES256,
                "{\0\"\0a\0l\0g\0\"\0:\0\"\0E\0S\0002\0005\0006\0\"\0}\0", 30,
                OK_CLAIMS, strlen(OK_CLAIMS)));
}


/* Key material in the header is the attacker's: it is not looked at. */

static void
header_keys(void **state)
{
    char      *jwk, *pub, header[4096];
    json_t    *json;
    unsigned   i;

    static const char  *forms[] = {
        "{\"alg\":\"ES256\",\"jwk\":%s}",
        "{\"alg\":\"ES256\",\"kid\":\"es256\",\"jwk\":%s}",
        "{\"alg\":\"ES256\",\"kid\":\"x\",\"jwk\":%s}",
        "{\"alg\":\"ES256\",\"jku\":\"https://evil.test/jwks.json\",\"x\":%s}",
        "{\"alg\":\"ES256\",\"jku\":\"file:///etc/passwd\",\"x\":%s}",
        "{\"alg\":\"ES256\",\"x5u\":\"https://evil.test/c.pem\",\"x\":%s}",
        "{\"alg\":\"ES256\",\"x5c\":[\"MIIB\"],\"x\":%s}",
        "{\"alg\":\"ES256\",\"x5t\":\"AAAA\",\"x\":%s}",
        "{\"alg\":\"ES256\",\"keys\":[%s]}",
        "{\"alg\":\"ES256\",\"key\":%s}"
    };

    (void) state;

    json = weir_jwk_make(other, WEIR_ALG_ES256, weir_str("es256"));
    jwk = json_dumps(json, JSON_COMPACT);
    json_decref(json);

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(header, sizeof(header), forms[i], jwk);
#pragma GCC diagnostic pop
        hostile_str(forms[i], token(other, WEIR_ALG_ES256, header,
                                    OK_CLAIMS));
    }

    free(jwk);

    /* HMAC keyed with what is public: PEM, DER, the modulus, the JWK */

    {
        BIO            *bio;
        char           *p;
        long            len;
        unsigned        n, k;
        EVP_PKEY       *keys[2];
        unsigned char  *der;
        unsigned char   mac[64];

        static const char  *macs[] = { "SHA256", "SHA384", "SHA512" };
        static const char  *algs[] = { "HS256", "HS384", "HS512" };
        static const char  *kids[] = { "es256", "rs256" };

        keys[0] = es256;
        keys[1] = rsa;

        for (k = 0; k < 2; k++) {
            for (n = 0; n < 3; n++) {
                for (i = 0; i < 3; i++) {
                    bio = BIO_new(BIO_s_mem());
                    PEM_write_bio_PUBKEY(bio, keys[k]);
                    len = BIO_get_mem_data(bio, &p);
                    der = NULL;

                    if (i == 1) {
                        len--;         /* without the last line's end */
                    }

                    if (i == 2) {
                        len = i2d_PUBKEY(keys[k], &der);
                        p = (char *) der;
                    }

                    snprintf(header, sizeof(header),
                             "{\"alg\":\"%s\",\"kid\":\"%s\"}", algs[n],
                             kids[k]);
                    pub = token(es256, WEIR_ALG_ES256, header, OK_CLAIMS);
                    *strrchr(pub, '.') = '\0';

                    {
                        unsigned  mlen = sizeof(mac);

                        assert_non_null(HMAC(EVP_get_digestbyname(macs[n]), p,
                                        (int) len, (unsigned char *) pub,
                                        strlen(pub), mac, &mlen));
                        strcat(pub, ".");
                        b64_cat(pub, mac, mlen);
                    }

                    hostile_str("HMAC of a public key", pub);
                    OPENSSL_free(der);
                    BIO_free(bio);
                }
            }
        }
    }
}


static void
payloads(void **state)
{
    unsigned  i;

    static const char  *payloads[] = {
        "", " ", "{}", "[]", "null", "true", "1", "\"x\"", "{", "x",
        "[{" CLAIMS "}]", "{" CLAIMS "}x", "{" CLAIMS "}{}", "{" CLAIMS,
        "{" CLAIMS ",}", "\xef\xbb\xbf{" CLAIMS "}",
        "{" CLAIMS "," EXP "}", "{\"exp\":1," CLAIMS "}",
        "{" CLAIMS ",\"sub\":\"bob\"}", "{" CLAIMS ",\"aud\":\"orders\"}",
        "{" CLAIMS ",\"iss\":\"https://idp.test/\"}",
        "{" CLAIMS ",\"\\u0073ub\":\"root\"}",
        "{" CLAIMS ",\"\\u0065xp\":9999999999}",
        "{" CLAIMS ",\"role\":\"a\",\"role\":\"admin\"}",
        "{" CLAIMS ",\"o\":{\"a\":1,\"a\":2}}",
        "{" CLAIMS ",\"x\":\"\\u0000\"}", "{" CLAIMS ",\"a\\u0000b\":1}",
        "{" CLAIMS ",\"x\":\"\xff\"}", "{" CLAIMS ",\"x\":\"\xc0\x80\"}",
        "{" CLAIMS ",\"x\":\"\\ud800\"}", "{" CLAIMS ",\"x\":\"\t\"}",
        "{" CLAIMS ",\"x\":1e999}", "{" CLAIMS ",\"x\":NaN}",
        "{" CLAIMS ",\"x\":-Infinity}", "{" CLAIMS ",\"x\":00}",
        "{" CLAIMS ",\"x\":.5}", "{" CLAIMS ",\"x\":0x10}",
        "{" CLAIMS ",\"x\":undefined}", "{" CLAIMS ",x:1}",
        "{" CLAIMS ",\"cnf\":{\"x5t#S256\":\"AAAA\"}}",
        "{" CLAIMS ",\"cnf\":{\"jkt\":\"AAAA\"}}", "{" CLAIMS ",\"cnf\":{}}",
        "{" CLAIMS ",\"cnf\":\"\"}", "{" CLAIMS ",\"cnf\":null}",
        "{" CLAIMS ",\"events\":{}}",
        "{" CLAIMS ",\"nbf\":1767229200}", "{" CLAIMS ",\"nbf\":\"0\"}",
        "{" CLAIMS ",\"nbf\":1e300}", "{" CLAIMS ",\"nbf\":[0]}",
        "{" CLAIMS ",\"nbf\":99999999999999999999}",
        "{" CLAIMS ",\"iat\":1767229200}", "{" CLAIMS ",\"iat\":\"now\"}",
        "{" CLAIMS ",\"iat\":9223372036854775807}",
        "{" CLAIMS ",\"iat\":-1}", "{" CLAIMS ",\"iat\":null}",
        "{" IA ",\"sub\":\"a\"}",
        "{" IA ",\"exp\":1}",
        "{" IA ",\"exp\":0}",
        "{" IA ",\"exp\":-1}",
        "{" IA ",\"exp\":\"1767225900\"}",
        "{" IA ",\"exp\":null}",
        "{" IA ",\"exp\":false}",
        "{" IA ",\"exp\":[]}",
        "{" IA ",\"exp\":{}}",
        "{" IA ",\"exp\":1e300}",
        "{" IA ",\"exp\":1e18}",
        "{" IA ",\"exp\":-1e300}",
        "{" IA ",\"exp\":9223372036854775807}",
        "{" IA ",\"exp\":9223372036854775808}",
        "{" IA ",\"exp\":18446744073709551615}",
        "{" IA ",\"exp\":18446744075476777516}",
        "{" IA ",\"exp\":4294967296}",
        "{" IA ",\"exp\":1767225900000}",
        "{" IA ",\"exp\":1767225570}",
        "{" I "," EXP "}",
        "{" I ",\"aud\":\"other\"," EXP "}",
        "{" I ",\"aud\":[]," EXP "}",
        "{" I ",\"aud\":[\"orders\",1]," EXP "}",
        "{" I ",\"aud\":[[\"orders\"]]," EXP "}",
        "{" I ",\"aud\":{\"0\":\"orders\"}," EXP "}",
        "{" I ",\"aud\":\"ORDERS\"," EXP "}",
        "{" I ",\"aud\":\"orders\\n\"," EXP "}",
        "{" I ",\"aud\":\"x,orders\"," EXP "}",
        "{\"aud\":\"orders\"," EXP "}",
        "{\"iss\":\"\",\"aud\":\"orders\"," EXP "}",
        "{\"iss\":null,\"aud\":\"orders\"," EXP "}",
        "{\"iss\":[\"https://idp.test/\"],\"aud\":\"orders\"," EXP "}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"orders\"," EXP "}",
        "{\"iss\":\"https://idp.test/x\",\"aud\":\"orders\"," EXP "}",
        "{\"iss\":\"https://idp.test/.evil.test\",\"aud\":\"orders\"," EXP "}",
        "{\"iss\":\"HTTPS://IDP.TEST/\",\"aud\":\"orders\"," EXP "}",
        "{\"iss\":\"https://idp.test\xe2\x88\x95\",\"aud\":\"orders\"," EXP "}",
        "{" IA "," EXP ",\"sub\":\"\"}",
        "{" IA "," EXP ",\"sub\":1}",
        "{" IA "," EXP ",\"sub\":null}",
        "{" IA "," EXP ",\"sub\":[\"a\"]}",
        "{" IA "," EXP ",\"sub\":{}}",
        "{" IA "," EXP ",\"sub\":true}"
    };

    (void) state;

    for (i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        hostile_str(payloads[i], token_es256(payloads[i]));
    }
}


static void
enough(void **state)
{
    (void) state;

    printf("%u hostile tokens, none accepted\n", count);
    assert_true(count >= 240);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(controls),
        cmocka_unit_test(headers),
        cmocka_unit_test(header_keys),
        cmocka_unit_test(payloads),
        cmocka_unit_test(enough),
    };

    return cmocka_run_group_tests(tests, hostile_setup,
                                  hostile_teardown);
}
