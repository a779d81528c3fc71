
/*
 * Tests of lib/token against libjwt, an independent implementation: what it
 * signs verifies here, what is signed here verifies there, and what is
 * changed verifies in neither.
 */

#include <jwt.h>

#include "token_make.h"


static weir_issuer_t  issuer;


static char *
pem_of(EVP_PKEY *pkey, int private)
{
    BIO   *bio;
    char  *p, *text;
    long   len;

    bio = BIO_new(BIO_s_mem());

    if (private) {
        PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);

    } else {
        PEM_write_bio_PUBKEY(bio, pkey);
    }

    len = BIO_get_mem_data(bio, &p);
    text = malloc((size_t) len + 1);
    memcpy(text, p, (size_t) len);
    text[len] = '\0';
    BIO_free(bio);

    return text;
}


static const struct {
    weir_alg_e   alg;
    jwt_alg_t    theirs;
    const char  *kid;
} algs[] = {
    { WEIR_ALG_ES256, JWT_ALG_ES256, "es256" },
    { WEIR_ALG_ES384, JWT_ALG_ES384, "es384" },
    { WEIR_ALG_RS256, JWT_ALG_RS256, "rs256" }
};


/* libjwt leaves its errors in OpenSSL's queue. */

static const char *
verify_clean(const char *text)
{
    ERR_clear_error();

    return verify(&issuer, text);
}


static EVP_PKEY *
key_of(unsigned i)
{
    return i == 0 ? es256 : i == 1 ? es384 : rsa;
}


static void
theirs(void **state)
{
    int        n;
    char      *pem, *text, changed[4096];
    jwt_t     *jwt;
    unsigned   i;

    (void) state;

    for (i = 0; i < 3; i++) {
        pem = pem_of(key_of(i), 1);

        /* numbers of ECDSA are short now and then */

        for (n = 0; n < 40; n++) {
            char  jti[16];

            snprintf(jti, sizeof(jti), "%d", n);

            assert_int_equal(jwt_new(&jwt), 0);
            assert_int_equal(jwt_set_alg(jwt, algs[i].theirs, (uint8_t *) pem,
                                         (int) strlen(pem)), 0);
            assert_int_equal(jwt_add_header(jwt, "kid", algs[i].kid), 0);
            assert_int_equal(jwt_add_grants_json(jwt, OK_CLAIMS), 0);
            assert_int_equal(jwt_add_grant(jwt, "jti", jti), 0);

            text = jwt_encode_str(jwt);
            assert_non_null(text);
            assert_string_equal(verify_clean(text), "valid");

            strcpy(changed, text);
            changed[strlen(changed) - 7] ^= 2;
            assert_string_not_equal(verify_clean(changed), "valid");

            free(text);
            jwt_free(jwt);
        }

        free(pem);
    }
}


static void
ours(void **state)
{
    int        n;
    char      *pem, header[64], payload[256], text[4096];
    jwt_t     *jwt;
    unsigned   i;

    (void) state;

    for (i = 0; i < 3; i++) {
        pem = pem_of(key_of(i), 0);

        for (n = 0; n < 40; n++) {
            snprintf(header, sizeof(header),
                     "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
                     weir_alg_name(algs[i].alg).data, algs[i].kid);
            snprintf(payload, sizeof(payload), "{" CLAIMS ",\"jti\":\"%d\"}",
                     n);
            strcpy(text, token(key_of(i), algs[i].alg, header, payload));

            assert_string_equal(verify_clean(text), "valid");
            assert_int_equal(jwt_decode(&jwt, text, (uint8_t *) pem,
                                        (int) strlen(pem)), 0);
            assert_string_equal(jwt_get_grant(jwt, "sub"), "alice");
            jwt_free(jwt);

            /* both refuse another payload under the same signature */

            text[strcspn(text, ".") + 20] ^= 1;
            assert_int_not_equal(jwt_decode(&jwt, text, (uint8_t *) pem,
                                            (int) strlen(pem)), 0);
            assert_string_not_equal(verify_clean(text), "valid");
        }

        free(pem);
    }
}


/* What libjwt signs beyond: HMAC, other hashes, nothing at all. */

static void
beyond(void **state)
{
    char      *pem, *text;
    jwt_t     *jwt;
    unsigned   i;

    static const jwt_alg_t  others[] = {
        JWT_ALG_NONE, JWT_ALG_HS256, JWT_ALG_HS384, JWT_ALG_HS512,
        JWT_ALG_RS384, JWT_ALG_RS512
    };

    (void) state;

    for (i = 0; i < 6; i++) {
        pem = i == 0 ? NULL : pem_of(rsa, i > 3);

        assert_int_equal(jwt_new(&jwt), 0);
        assert_int_equal(jwt_set_alg(jwt, others[i], (uint8_t *) pem,
                         pem == NULL ? 0 : (int) strlen(pem)), 0);
        jwt_add_header(jwt, "kid", "rs256");
        jwt_add_grants_json(jwt, OK_CLAIMS);

        text = jwt_encode_str(jwt);
        assert_non_null(text);
        assert_string_equal(verify_clean(text), "alg");

        free(text);
        free(pem);
        jwt_free(jwt);
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
        cmocka_unit_test(theirs),
        cmocka_unit_test(ours),
        cmocka_unit_test(beyond),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
