
/*
 * Weir: names of reasons and algorithms, what OpenSSL fetches once, the
 * Authorization field, and the way of a token through all checks.
 */

#include "weir_token.h"
#include "weir_json.h"


static int weir_token_member(EVP_MD_CTX *ctx, weir_str_t s);
static weir_token_reason_e weir_token_issuer(const json_t *claims,
    const weir_issuer_t *const *issuers, unsigned n,
    const weir_issuer_t **issuer);


static const weir_json_limits_t  weir_claims_limits = { 16, 256, 2048 };


static const weir_str_t  weir_token_reasons[] = {
    { 5, (const uint8_t *) "valid" },
    { 9, (const uint8_t *) "malformed" },
    { 9, (const uint8_t *) "too-large" },
    { 3, (const uint8_t *) "alg" },
    { 4, (const uint8_t *) "crit" },
    { 3, (const uint8_t *) "typ" },
    { 11, (const uint8_t *) "kid-missing" },
    { 11, (const uint8_t *) "kid-unknown" },
    { 3, (const uint8_t *) "key" },
    { 9, (const uint8_t *) "signature" },
    { 11, (const uint8_t *) "exp-missing" },
    { 7, (const uint8_t *) "expired" },
    { 8, (const uint8_t *) "lifetime" },
    { 10, (const uint8_t *) "not-before" },
    { 9, (const uint8_t *) "issued-at" },
    { 6, (const uint8_t *) "issuer" },
    { 8, (const uint8_t *) "audience" },
    { 6, (const uint8_t *) "claims" },
    { 3, (const uint8_t *) "cnf" },
    { 7, (const uint8_t *) "revoked" },
    { 9, (const uint8_t *) "throttled" },
    { 5, (const uint8_t *) "error" }
};


static const weir_str_t  weir_alg_names[] = {
    { 0, NULL },
    { 5, (const uint8_t *) "ES256" },
    { 5, (const uint8_t *) "ES384" },
    { 5, (const uint8_t *) "RS256" },
    { 5, (const uint8_t *) "PS256" },
    { 5, (const uint8_t *) "EdDSA" },
    { 7, (const uint8_t *) "Ed25519" }
};


weir_str_t
weir_token_reason(weir_token_reason_e reason)
{
    if (reason >= WEIR_TOKEN_REASONS) {
        reason = WEIR_TOKEN_ERROR;
    }

    return weir_token_reasons[reason];
}


weir_alg_e
weir_alg(weir_str_t name)
{
    unsigned  i;

    for (i = WEIR_ALG_UNKNOWN + 1; i < WEIR_ALGS; i++) {
        if (weir_str_eq(name, weir_alg_names[i])) {
            return i;
        }
    }

    return WEIR_ALG_UNKNOWN;
}


weir_str_t
weir_alg_name(weir_alg_e alg)
{
    return weir_alg_names[alg < WEIR_ALGS ? alg : WEIR_ALG_UNKNOWN];
}


void
weir_algs_default(weir_algs_t *algs)
{
    algs->n = 5;
    algs->list[0] = WEIR_ALG_ES256;
    algs->list[1] = WEIR_ALG_ES384;
    algs->list[2] = WEIR_ALG_RS256;
    algs->list[3] = WEIR_ALG_PS256;
    algs->list[4] = WEIR_ALG_EDDSA;
}


int
weir_algs_add(weir_algs_t *algs, weir_str_t name)
{
    weir_alg_e  alg;

    alg = weir_alg(name);

    if (alg == WEIR_ALG_UNKNOWN) {
        return WEIR_ERROR;
    }

    if (weir_algs_has(algs, alg)) {
        return WEIR_DECLINED;
    }

    algs->list[algs->n++] = alg;

    return WEIR_OK;
}


int
weir_algs_has(const weir_algs_t *algs, weir_alg_e alg)
{
    unsigned  i;

    for (i = 0; i < algs->n; i++) {
        if (algs->list[i] == alg) {
            return 1;
        }
    }

    return 0;
}


int
weir_crypto_init(weir_crypto_t *c)
{
    c->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    c->sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);

    return c->sha256 == NULL || c->sha384 == NULL ? WEIR_ERROR : WEIR_OK;
}


void
weir_crypto_done(weir_crypto_t *c)
{
    EVP_MD_free(c->sha256);
    EVP_MD_free(c->sha384);

    c->sha256 = NULL;
    c->sha384 = NULL;
}


int
weir_crypto_sha256(const weir_crypto_t *c, const void *data, size_t len,
    uint8_t *out)
{
    return EVP_Digest(data, len, out, NULL, c->sha256, NULL) == 1
           ? WEIR_OK : WEIR_ERROR;
}


/* Every member with its length before it, so that none can run into another. */

int
weir_issuer_digest(const weir_crypto_t *c, weir_issuer_t *issuer)
{
    int          rc;
    int64_t      numbers[2];
    unsigned     i;
    weir_str_t   s;
    EVP_MD_CTX  *ctx;

    rc = WEIR_ERROR;
    ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_DigestInit_ex(ctx, c->sha256, NULL) != 1) {
        goto done;
    }

    if (weir_token_member(ctx, issuer->name) != WEIR_OK
        || weir_token_member(ctx, issuer->issuer) != WEIR_OK)
    {
        goto done;
    }

    numbers[0] = issuer->leeway;
    numbers[1] = issuer->max_age;

    s.data = (uint8_t *) numbers;
    s.len = sizeof(numbers);

    if (weir_token_member(ctx, s) != WEIR_OK) {
        goto done;
    }

    s.data = (const uint8_t *) issuer->algs.list;
    s.len = issuer->algs.n * sizeof(weir_alg_e);

    if (weir_token_member(ctx, s) != WEIR_OK) {
        goto done;
    }

    s.data = (const uint8_t *) &issuer->audiences;
    s.len = sizeof(unsigned);

    if (weir_token_member(ctx, s) != WEIR_OK) {
        goto done;
    }

    for (i = 0; i < issuer->audiences; i++) {
        if (weir_token_member(ctx, issuer->audience[i]) != WEIR_OK) {
            goto done;
        }
    }

    for (i = 0; i < issuer->typs; i++) {
        if (weir_token_member(ctx, issuer->typ[i]) != WEIR_OK) {
            goto done;
        }
    }

    if (EVP_DigestFinal_ex(ctx, issuer->digest, NULL) == 1) {
        rc = WEIR_OK;
    }

done:

    EVP_MD_CTX_free(ctx);

    return rc;
}


static int
weir_token_member(EVP_MD_CTX *ctx, weir_str_t s)
{
    uint64_t  len;

    /* absent and empty differ */

    len = s.data == NULL ? UINT64_MAX : s.len;

    if (EVP_DigestUpdate(ctx, &len, sizeof(uint64_t)) != 1
        || EVP_DigestUpdate(ctx, s.data, s.len) != 1)
    {
        return WEIR_ERROR;
    }

    return WEIR_OK;
}


int
weir_bearer(weir_str_t value, weir_str_t *token)
{
    size_t      i;
    weir_str_t  scheme, bearer = weir_str("Bearer");

    /* nearly always */

    if (value.len > 7 && memcmp(value.data, "Bearer ", 7) == 0) {
        token->data = value.data + 7;
        token->len = value.len - 7;
        return WEIR_OK;
    }

    /* the scheme is a token (RFC 9110, 5.6.2) */

    for (i = 0; i < value.len && value.data[i] != ' '; i++) {
        if (value.data[i] < 0x20 || value.data[i] >= 0x7f
            || memchr("\"(),/:;<=>?@[\\]{}", value.data[i], 17) != NULL)
        {
            break;
        }
    }

    if (i == 0) {
        return WEIR_ERROR;
    }

    scheme.data = value.data;
    scheme.len = i;

    if (!weir_str_caseeq(scheme, bearer)) {
        return WEIR_DECLINED;
    }

    if (i == value.len || value.data[i] != ' ') {
        return WEIR_ERROR;
    }

    token->data = value.data + i + 1;
    token->len = value.len - i - 1;

    return WEIR_OK;
}


weir_token_reason_e
weir_token_verify(weir_token_t *t, weir_arena_t *a,
    const weir_issuer_t *const *issuers, unsigned n, weir_str_t token,
    int64_t now)
{
    json_t               *claims;
    weir_jws_t            jws;
    weir_str_t            sub;
    weir_token_reason_e   reason;

    memset(t, 0, sizeof(weir_token_t));

    reason = weir_jws_parse(&jws, a, token);

    if (reason != WEIR_TOKEN_VALID) {
        return reason;
    }

    switch (weir_json_object(&claims, (uint8_t *) jws.payload.data,
                             jws.payload.len, &weir_claims_limits))
    {
    case WEIR_OK:
        break;

    case WEIR_NOMEM:
        return WEIR_TOKEN_ERROR;

    default:
        return WEIR_TOKEN_CLAIMS;
    }

    reason = weir_token_issuer(claims, issuers, n, &t->issuer);

    if (reason == WEIR_TOKEN_VALID) {
        reason = weir_jws_key(&jws, t->issuer->keys, &t->issuer->algs,
                              &t->key);
    }

    if (reason == WEIR_TOKEN_VALID) {
        reason = weir_token_claims(claims, jws.typ, t->issuer, now, &t->exp,
                                   &t->nbf);
    }

    if (reason == WEIR_TOKEN_VALID) {
        reason = weir_jws_verify(&jws, t->key);
    }

    if (reason == WEIR_TOKEN_VALID) {

        switch (weir_token_flatten(&t->claims, a, claims)) {

        case WEIR_OK:
            break;

        case WEIR_ERROR:
            reason = WEIR_TOKEN_TOO_LARGE;
            break;

        default:
            reason = WEIR_TOKEN_ERROR;
        }
    }

    if (reason == WEIR_TOKEN_VALID
        && weir_json_string(claims, "sub", &sub) == WEIR_OK)
    {
        t->subject = weir_arena_copy(a, sub);

        if (t->subject.data == NULL) {
            reason = WEIR_TOKEN_ERROR;
        }
    }

    json_decref(claims);

    return reason;
}


static weir_token_reason_e
weir_token_issuer(const json_t *claims, const weir_issuer_t *const *issuers,
    unsigned n, const weir_issuer_t **issuer)
{
    int         rc;
    unsigned    i;
    weir_str_t  iss;

    rc = weir_json_string(claims, "iss", &iss);

    if (rc == WEIR_ERROR) {
        return WEIR_TOKEN_ISSUER;
    }

    for (i = 0; i < n; i++) {

        if (issuers[i]->issuer.data == NULL
            || (rc == WEIR_OK && weir_str_eq(iss, issuers[i]->issuer)))
        {
            *issuer = issuers[i];
            return WEIR_TOKEN_VALID;
        }
    }

    return WEIR_TOKEN_ISSUER;
}
