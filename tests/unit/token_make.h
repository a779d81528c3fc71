
/*
 * Tests: keys made at run time, and tokens of any shape signed with them.
 */

#ifndef TOKEN_MAKE_H_INCLUDED
#define TOKEN_MAKE_H_INCLUDED


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "weir_hash.h"
#include "weir_token.h"


#define str(s)  weir_cstr(s)

#define NOW     1767225600             /* 2026-01-01T00:00:00Z */
#define CLAIMS  "\"iss\":\"https://idp.test/\",\"aud\":\"orders\","           \
                "\"sub\":\"alice\",\"exp\":1767225900"
#define OK_CLAIMS  "{" CLAIMS "}"


static EVP_PKEY      *es256, *es384, *rsa, *eddsa, *other;
static weir_crypto_t  crypto;


static inline EVP_PKEY *
key_make(const char *type)
{
    EVP_PKEY  *pkey;

    if (strcmp(type, "RSA") == 0) {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) 2048);

    } else if (strcmp(type, "ED25519") == 0) {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    } else {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
    }

    assert_non_null(pkey);

    return pkey;
}


static inline int
keys_setup(void **state)
{
    (void) state;

    es256 = key_make("P-256");
    es384 = key_make("P-384");
    other = key_make("P-256");
    eddsa = key_make("ED25519");
    rsa = key_make("RSA");

    return weir_crypto_init(&crypto);
}


static inline int
keys_teardown(void **state)
{
    (void) state;

    EVP_PKEY_free(es256);
    EVP_PKEY_free(es384);
    EVP_PKEY_free(other);
    EVP_PKEY_free(eddsa);
    EVP_PKEY_free(rsa);

    weir_crypto_done(&crypto);

    return 0;
}


/* base64url of len bytes, appended to dst (zero terminated). */

static inline void
b64_cat(char *dst, const void *data, size_t len)
{
    size_t  n;

    dst += strlen(dst);
    n = weir_base64url_encode((uint8_t *) dst, (weir_str_t) { len, data });
    dst[n] = '\0';
}


/* The JWS signature of input, base64url, appended to dst. */

static inline void
sign_cat(char *dst, EVP_PKEY *pkey, weir_alg_e alg, const char *input)
{
    size_t          len, n;
    uint8_t         sig[1100], rs[96];
    ECDSA_SIG      *ec;
    EVP_MD_CTX     *ctx;
    EVP_PKEY_CTX   *pctx;
    const EVP_MD   *md;
    const uint8_t  *p;

    md = alg == WEIR_ALG_ES384 ? crypto.sha384
         : alg == WEIR_ALG_EDDSA || alg == WEIR_ALG_ED25519 ? NULL
         : crypto.sha256;

    ctx = EVP_MD_CTX_new();
    assert_non_null(ctx);
    assert_int_equal(EVP_DigestSignInit(ctx, &pctx, md, NULL, pkey), 1);

    if (alg == WEIR_ALG_PS256) {
        EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST);
    }

    len = sizeof(sig);
    assert_int_equal(EVP_DigestSign(ctx, sig, &len, (const uint8_t *) input,
                                    strlen(input)), 1);
    EVP_MD_CTX_free(ctx);

    if (EVP_PKEY_is_a(pkey, "EC")) {
        n = alg == WEIR_ALG_ES384 ? 48 : 32;
        p = sig;
        ec = d2i_ECDSA_SIG(NULL, &p, (long) len);
        assert_non_null(ec);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(ec), rs, (int) n), n);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(ec), rs + n, (int) n),
                         n);
        ECDSA_SIG_free(ec);
        b64_cat(dst, rs, 2 * n);
        return;
    }

    b64_cat(dst, sig, len);
}


/* header.payload.signature in a static buffer. */

#define TOKEN_BUF  65536

static inline char *
token_bytes(EVP_PKEY *pkey, weir_alg_e alg, const void *header, size_t hlen,
    const void *payload, size_t plen)
{
    static char  buf[TOKEN_BUF], input[TOKEN_BUF];

    buf[0] = '\0';
    b64_cat(buf, header, hlen);
    strcat(buf, ".");
    b64_cat(buf, payload, plen);
    strcpy(input, buf);
    strcat(buf, ".");
    sign_cat(buf, pkey, alg, input);

    return buf;
}


static inline char *
token(EVP_PKEY *pkey, weir_alg_e alg, const char *header, const char *payload)
{
    return token_bytes(pkey, alg, header, strlen(header), payload,
                       strlen(payload));
}


/* A token that ought to be fine, signed with the ES256 key. */

static inline char *
token_es256(const char *payload)
{
    return token(es256, WEIR_ALG_ES256,
                 "{\"alg\":\"ES256\",\"kid\":\"es256\"}", payload);
}


/* All five keys as a set; kids are the names. */

static inline json_t *
jwks_json(void)
{
    json_t  *set;

    set = json_pack("{s:[o,o,o,o,o]}", "keys",
              weir_jwk_make(es256, WEIR_ALG_ES256, weir_str("es256")),
              weir_jwk_make(es384, WEIR_ALG_ES384, weir_str("es384")),
              weir_jwk_make(rsa, WEIR_ALG_RS256, weir_str("rs256")),
              weir_jwk_make(rsa, WEIR_ALG_PS256, weir_str("ps256")),
              weir_jwk_make(eddsa, WEIR_ALG_EDDSA, weir_str("eddsa")));

    assert_non_null(set);

    return set;
}


static inline weir_jwks_t *
jwks_parse(const char *text)
{
    int           rc;
    weir_err_t    err;
    weir_algs_t   algs;
    weir_jwks_t  *set;

    set = NULL;
    weir_algs_default(&algs);

    rc = weir_jwks_parse(&set, &crypto, str(text), &algs, &weir_alloc_malloc,
                         &err);

    return rc == WEIR_OK ? set : NULL;
}


static inline weir_jwks_t *
jwks_all(void)
{
    char         *text;
    json_t       *json;
    weir_jwks_t  *set;

    json = jwks_json();
    text = json_dumps(json, 0);
    set = jwks_parse(text);

    assert_non_null(set);
    assert_int_equal(set->usable, 5);

    free(text);
    json_decref(json);

    return set;
}


static inline void
issuer_make(weir_issuer_t *issuer, weir_jwks_t *keys)
{
    memset(issuer, 0, sizeof(weir_issuer_t));

    issuer->name = weir_str("corp");
    issuer->issuer = weir_str("https://idp.test/");
    issuer->audience[0] = weir_str("orders");
    issuer->audiences = 1;
    issuer->leeway = 30;
    issuer->keys = keys;

    weir_algs_default(&issuer->algs);
    assert_int_equal(weir_issuer_digest(&crypto, issuer), WEIR_OK);
}


/* The reason that text gets from a single issuer. */

static inline weir_token_reason_e
verify_at(const weir_issuer_t *issuer, weir_str_t text, int64_t now)
{
    uint8_t              *copy;
    weir_arena_t          a;
    weir_token_t          t;
    weir_token_reason_e   reason;

    /* a copy of exactly its size, for the address sanitizer */

    copy = malloc(text.len + (text.len == 0));
    assert_non_null(copy);

    if (text.len != 0) {
        memcpy(copy, text.data, text.len);
    }

    weir_arena_init(&a, &weir_alloc_malloc, WEIR_TOKEN_ARENA);

    reason = weir_token_verify(&t, &a, &issuer, 1,
                               (weir_str_t) { text.len, copy }, now);

    weir_arena_done(&a);
    free(copy);

    assert_int_equal(ERR_peek_error(), 0);

    return reason;
}


static inline const char *
verify(const weir_issuer_t *issuer, const char *text)
{
    return (const char *)
           weir_token_reason(verify_at(issuer, str(text), NOW)).data;
}


#endif /* TOKEN_MAKE_H_INCLUDED */
