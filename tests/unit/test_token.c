
/*
 * Tests of lib/token: vectors of the RFCs, all algorithms with keys made
 * here, names, the Authorization field.
 */

#include "token_make.h"


static const char *
jws(const char *jwks, const char *text)
{
    weir_jws_t            j;
    weir_algs_t           algs;
    weir_jwks_t          *set;
    weir_arena_t          a;
    const weir_jwk_t     *key;
    weir_token_reason_e   reason;

    weir_algs_default(&algs);
    set = jwks_parse(jwks);
    assert_non_null(set);

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    reason = weir_jws_parse(&j, &a, str(text));

    if (reason == WEIR_TOKEN_VALID) {
        reason = weir_jws_key(&j, set, &algs, &key);
    }

    if (reason == WEIR_TOKEN_VALID) {
        reason = weir_jws_verify(&j, key);
    }

    weir_arena_done(&a);
    weir_jwks_free(set);

    return (const char *) weir_token_reason(reason).data;
}


#define RFC7515_A2_KEY                                                        \
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wW"\
    "JcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ"\
    "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5"\
    "z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw"\
    "Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAc"\
    "DTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}]}"

#define RFC7515_A2                                                            \
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh"\
    "0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB"\
    "__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9"\
    "uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARN"\
    "PvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZES"\
    "c6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVm"\
    "tVrBp0igcN_IoypGlUPQGe77Rw"

#define RFC7515_A3_KEY                                                        \
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","                           \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                  \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"

#define RFC7515_A3                                                            \
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh"\
    "0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6"\
    "-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

#define RFC8037_KEY                                                           \
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","                        \
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"

#define RFC8037_A4                                                            \
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0J"\
    "zlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"


static void
rfc_vectors(void **state)
{
    char      text[2048], *dot;
    size_t    i;
    unsigned  v;

    static const char  *vectors[][2] = {
        { RFC7515_A2_KEY, RFC7515_A2 },
        { RFC7515_A3_KEY, RFC7515_A3 },
        { RFC8037_KEY, RFC8037_A4 }
    };

    (void) state;

    for (v = 0; v < 3; v++) {
        assert_string_equal(jws(vectors[v][0], vectors[v][1]), "valid");

        /* every single character counts, in payload and signature alike */

        strcpy(text, vectors[v][1]);
        dot = strchr(text, '.');

        for (i = (size_t) (dot - text) + 1; i < strlen(vectors[v][1]);
             i += 7)
        {
            strcpy(text, vectors[v][1]);

            if (text[i] == '.') {
                continue;
            }

            text[i] = text[i] == 'A' ? 'B' : 'A';
            assert_string_not_equal(jws(vectors[v][0], text), "valid");
        }

        assert_string_not_equal(jws(vectors[(v + 1) % 3][0], vectors[v][1]),
                                "valid");
    }
}


/* RFC 7515 A.1 (HS256), A.4 (ES512) and A.5 (none): not ours to accept. */

static void
rfc_unsupported(void **state)
{
    (void) state;

    assert_string_equal(jws(RFC7515_A3_KEY,
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHA"
        "iOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "alg");

    assert_string_equal(jws(RFC7515_A3_KEY,
        "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_"
        "UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgo"
        "XD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLze"
        "O_Jn"), "alg");

    assert_string_equal(jws(RFC7515_A3_KEY,
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog"
        "Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."), "alg");

    /* RFC 7797, 4.1: an unencoded payload, marked as critical */

    assert_string_equal(jws(RFC7515_A3_KEY,
        "eyJhbGciOiJFUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19.JC4wMg."
        "A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY"), "crit");
}


/* RFC 7638, 3.1, and RFC 8037, A.3. */

static void
rfc_thumbprints(void **state)
{
    char          text[64];
    json_t       *jwk;
    uint8_t       out[32];

    static const char  rfc7638[] =
        "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbW"
        "hM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn"
        "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2"
        "QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08"
        "qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF4"
        "4-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid"
        "\":\"2011-04-29\"}";

    (void) state;

    jwk = json_loads(rfc7638, 0, NULL);
    assert_int_equal(weir_jwk_thumbprint(&crypto, jwk, out), WEIR_OK);
    json_decref(jwk);

    text[0] = '\0';
    b64_cat(text, out, 32);
    assert_string_equal(text, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");

    jwk = json_pack("{s:s,s:s,s:s}", "kty", "OKP", "crv", "Ed25519", "x",
                    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_int_equal(weir_jwk_thumbprint(&crypto, jwk, out), WEIR_OK);
    json_decref(jwk);

    text[0] = '\0';
    b64_cat(text, out, 32);
    assert_string_equal(text, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}


static void
all_algorithms(void **state)
{
    char            header[128], text[TOKEN_BUF];
    unsigned        i, j;
    EVP_PKEY       *keys[6];
    weir_jwks_t    *set;
    weir_issuer_t   issuer;

    static const char  *kids[] = {
        NULL, "es256", "es384", "rs256", "ps256", "eddsa"
    };

    (void) state;

    keys[WEIR_ALG_ES256] = es256;
    keys[WEIR_ALG_ES384] = es384;
    keys[WEIR_ALG_RS256] = rsa;
    keys[WEIR_ALG_PS256] = rsa;
    keys[WEIR_ALG_EDDSA] = eddsa;

    set = jwks_all();
    issuer_make(&issuer, set);

    for (i = WEIR_ALG_ES256; i <= WEIR_ALG_EDDSA; i++) {

        snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}",
                 weir_alg_name(i).data, kids[i]);

        strcpy(text, token(keys[i], i, header, OK_CLAIMS));
        assert_string_equal(verify(&issuer, text), "valid");

        /* without kid the only key of the algorithm is found */

        snprintf(header, sizeof(header), "{\"alg\":\"%s\"}",
                 weir_alg_name(i).data);
        assert_string_equal(verify(&issuer,
                            token(keys[i], i, header, OK_CLAIMS)), "valid");

        /* each kid goes with its own algorithm only */

        for (j = WEIR_ALG_ES256; j <= WEIR_ALG_EDDSA; j++) {

            if (i == j) {
                continue;
            }

            snprintf(header, sizeof(header),
                     "{\"alg\":\"%s\",\"kid\":\"%s\"}",
                     weir_alg_name(i).data, kids[j]);
            assert_string_equal(verify(&issuer,
                                token(keys[i], i, header, OK_CLAIMS)), "alg");
        }

        /* an issuer that does not list it */

        issuer.algs.n = 1;
        issuer.algs.list[0] = i == WEIR_ALG_ES256 ? WEIR_ALG_ES384
                                                  : WEIR_ALG_ES256;
        assert_string_equal(verify(&issuer, text), "alg");
        weir_algs_default(&issuer.algs);
    }

    weir_jwks_free(set);
}


/* RFC 9864's name is taken where it is listed and the key says so. */

static void
ed25519_name(void **state)
{
    char           *text;
    json_t         *json;
    weir_err_t      err;
    weir_algs_t     algs;
    weir_jwks_t    *set;
    weir_issuer_t   issuer;

    (void) state;

    algs.n = 0;
    assert_int_equal(weir_algs_add(&algs, weir_str("Ed25519")), WEIR_OK);
    assert_int_equal(weir_algs_add(&algs, weir_str("Ed25519")),
                     WEIR_DECLINED);
    assert_int_equal(weir_algs_add(&algs, weir_str("ed25519")), WEIR_ERROR);
    assert_int_equal(weir_algs_add(&algs, weir_str("none")), WEIR_ERROR);
    assert_int_equal(weir_algs_add(&algs, weir_str("HS256")), WEIR_ERROR);

    json = json_pack("{s:[o]}", "keys", weir_jwk_make(eddsa,
                     WEIR_ALG_ED25519, weir_str("e")));
    text = json_dumps(json, 0);
    assert_int_equal(weir_jwks_parse(&set, &crypto, str(text), &algs,
                                     &weir_alloc_malloc, &err), WEIR_OK);
    free(text);
    json_decref(json);

    issuer_make(&issuer, set);

    assert_string_equal(verify(&issuer, token(eddsa, WEIR_ALG_ED25519,
                        "{\"alg\":\"Ed25519\"}", OK_CLAIMS)), "alg");

    issuer.algs = algs;

    assert_string_equal(verify(&issuer, token(eddsa, WEIR_ALG_ED25519,
                        "{\"alg\":\"Ed25519\"}", OK_CLAIMS)), "valid");
    assert_string_equal(verify(&issuer, token(eddsa, WEIR_ALG_ED25519,
                        "{\"alg\":\"EdDSA\"}", OK_CLAIMS)), "alg");

    weir_jwks_free(set);
}


/* PSS with another salt length than the hash's is another signature. */

static void
pss_salt(void **state)
{
    int             salt;
    char            text[TOKEN_BUF], input[TOKEN_BUF];
    size_t          len;
    uint8_t         sig[256];
    EVP_MD_CTX     *ctx;
    weir_jwks_t    *set;
    EVP_PKEY_CTX   *pctx;
    weir_issuer_t   issuer;

    (void) state;

    set = jwks_all();
    issuer_make(&issuer, set);

    for (salt = 0; salt <= 64; salt += 16) {
        strcpy(text, "");
        b64_cat(text, "{\"alg\":\"PS256\",\"kid\":\"ps256\"}", 29);
        strcat(text, ".");
        b64_cat(text, OK_CLAIMS, strlen(OK_CLAIMS));
        strcpy(input, text);

        ctx = EVP_MD_CTX_new();
        EVP_DigestSignInit(ctx, &pctx, crypto.sha256, NULL, rsa);
        EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt);
        len = sizeof(sig);
        assert_int_equal(EVP_DigestSign(ctx, sig, &len, (uint8_t *) input,
                                        strlen(input)), 1);
        EVP_MD_CTX_free(ctx);

        strcat(text, ".");
        b64_cat(text, sig, len);

        assert_string_equal(verify(&issuer, text),
                            salt == 32 ? "valid" : "signature");
    }

    weir_jwks_free(set);
}


/* r and s with leading zeros, and the DER of what OpenSSL writes itself. */

static void
ecdsa_der(void **state)
{
    int             i;
    size_t          n, len;
    uint8_t         rs[132], der[2 * 66 + 9], *p;
    unsigned        zeros;
    ECDSA_SIG      *sig;

    (void) state;

    for (i = 0; i < 3; i++) {
        n = i == 0 ? 32 : i == 1 ? 48 : 66;

        for (zeros = 0; zeros < 40; zeros++) {
            memset(rs, 0, sizeof(rs));

            for (len = zeros < n ? zeros : n - 1; len < n; len++) {
                rs[len] = (uint8_t) (0x7f + len + zeros);
                rs[2 * n - 1 - len] = (uint8_t) (0x80 + len);
            }

            sig = ECDSA_SIG_new();
            assert_int_equal(ECDSA_SIG_set0(sig,
                                 BN_bin2bn(rs, (int) n, NULL),
                                 BN_bin2bn(rs + n, (int) n, NULL)), 1);
            p = NULL;
            len = (size_t) i2d_ECDSA_SIG(sig, &p);

            assert_int_equal(weir_ecdsa_der(der, rs, n), len);
            assert_memory_equal(der, p, len);

            OPENSSL_free(p);
            ECDSA_SIG_free(sig);
        }
    }
}


static void
reason_names(void **state)
{
    char      list[512];
    unsigned  i;

    (void) state;

    list[0] = '\0';

    for (i = WEIR_TOKEN_MALFORMED; i < WEIR_TOKEN_ERROR; i++) {
        assert_int_equal(weir_token_reason(i).len,
                         strlen((char *) weir_token_reason(i).data));
        strcat(list, (char *) weir_token_reason(i).data);
        strcat(list, " ");
    }

    assert_string_equal(list, "malformed too-large alg crit typ kid-missing "
        "kid-unknown key signature exp-missing expired lifetime not-before "
        "issued-at issuer audience claims cnf revoked throttled ");
    assert_string_equal((char *) weir_token_reason(WEIR_TOKEN_ERROR).data,
                        "error");
    assert_string_equal((char *) weir_token_reason(12345).data, "error");
}


static void
bearer(void **state)
{
    int             rc;
    unsigned        i;
    weir_str_t      t;
    weir_jwks_t    *set;
    weir_issuer_t   issuer;

    static const struct {
        const char  *value;
        int          rc;
    } cases[] = {
        { "Bearer a.b.c", WEIR_OK },
        { "bearer a.b.c", WEIR_OK },
        { "BEARER a-_Z09.b.c", WEIR_OK },
        { "Basic YTpi", WEIR_DECLINED },
        { "Bearerx a.b.c", WEIR_DECLINED },
        { "Beare a.b.c", WEIR_DECLINED },
        { "B", WEIR_DECLINED },
        { "DPoP a.b.c", WEIR_DECLINED },
        { "Negotiate", WEIR_DECLINED },
        { "", WEIR_ERROR },
        { " Bearer a.b.c", WEIR_ERROR },
        { "Bearer", WEIR_ERROR },
        { "Bearer\ta.b.c", WEIR_ERROR },
        { "Bearer=a.b.c", WEIR_ERROR },
        { "Bearer,a.b.c", WEIR_ERROR },
        { "Bearer:a.b.c", WEIR_ERROR },
        { "Bearer\x80 a.b.c", WEIR_ERROR },
        { "\"Bearer\" a.b.c", WEIR_ERROR },
        { "\x80", WEIR_ERROR }
    };

    /* behind the scheme: no tokens */

    static const char  *bad[] = {
        "Bearer ", "Bearer  a.b.c", "Bearer a.b.c ", "Bearer a.b",
        "Bearer a", "Bearer a.b.c.d", "Bearer a.b.c.d.e", "Bearer a.b.",
        "Bearer a.b.c,Bearer a.b.c", "Bearer a.b.c, Basic x",
        "Bearer \"a.b.c\"", "Bearer a.b.c=", "Bearer a.b+.c",
        "Bearer a.b/.c", "Bearer token=a.b.c", "Bearer a.b.c\x80",
        "Bearer \ta.b.c", "Bearer Bearer a.b.c"
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rc = weir_bearer(str(cases[i].value), &t);

        if (rc != cases[i].rc) {
            fail_msg("\"%s\": %d, expected %d", cases[i].value, rc,
                     cases[i].rc);
        }
    }

    assert_int_equal(weir_bearer((weir_str_t) { 12,
                     (const uint8_t *) "Bearer\0 a.b." }, &t), WEIR_ERROR);

    set = jwks_all();
    issuer_make(&issuer, set);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(weir_bearer(str(bad[i]), &t), WEIR_OK);
        assert_int_equal(verify_at(&issuer, t, NOW), WEIR_TOKEN_MALFORMED);
    }

    weir_jwks_free(set);

    assert_int_equal(weir_bearer(weir_str("Bearer x.y.z"), &t), WEIR_OK);
    assert_true(weir_str_eq(t, weir_str("x.y.z")));
}


static void
digest_covers_all(void **state)
{
    unsigned       i, j;
    uint8_t        seen[16][32];
    weir_issuer_t  issuer;

    (void) state;

    for (i = 0; i < 13; i++) {
        issuer_make(&issuer, NULL);

        switch (i) {
        case 1: issuer.name = weir_str("corq"); break;
        case 2: issuer.issuer = weir_str("https://idp.test"); break;
        case 3: issuer.audience[0] = weir_str("order"); break;
        case 4: issuer.audience[1] = weir_str("x"); issuer.audiences = 2;
                break;
        case 5: issuer.leeway = 31; break;
        case 6: issuer.max_age = 60; break;
        case 7: issuer.algs.n = 4; break;
        case 8: issuer.algs.list[0] = WEIR_ALG_ES384;
                issuer.algs.list[1] = WEIR_ALG_ES256; break;
        case 9: issuer.typ[0] = weir_str("JWT"); issuer.typs = 1; break;
        case 10: issuer.typ[0] = weir_str("at+jwt"); issuer.typs = 1; break;
        case 11: issuer.audiences = 0; break;
        case 12: memset(&issuer.issuer, 0, sizeof(weir_str_t)); break;
        default: break;
        }

        assert_int_equal(weir_issuer_digest(&crypto, &issuer), WEIR_OK);
        memcpy(seen[i], issuer.digest, 32);

        for (j = 0; j < i; j++) {
            assert_memory_not_equal(seen[i], seen[j], 32);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(rfc_vectors),
        cmocka_unit_test(rfc_unsupported),
        cmocka_unit_test(rfc_thumbprints),
        cmocka_unit_test(all_algorithms),
        cmocka_unit_test(ed25519_name),
        cmocka_unit_test(pss_salt),
        cmocka_unit_test(ecdsa_der),
        cmocka_unit_test(reason_names),
        cmocka_unit_test(bearer),
        cmocka_unit_test(digest_covers_all),
    };

    return cmocka_run_group_tests(tests, keys_setup, keys_teardown);
}
