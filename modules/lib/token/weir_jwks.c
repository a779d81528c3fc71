
/*
 * Weir: JWK sets (RFC 7517): which keys of a set may verify, and with which
 * one algorithm each.
 */

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "weir_hash.h"
#include "weir_json.h"
#include "weir_jwk.h"


static int weir_jwks_add(weir_jwks_t *set, const weir_crypto_t *crypto,
    const json_t *jwk, const weir_algs_t *algs, weir_err_t *err);
static int weir_jwk_refused(const json_t *jwk, weir_err_t *err);
static const char *weir_jwk_use(const json_t *jwk);
static int weir_jwk_pin(weir_jwk_t *key, const json_t *jwk,
    const weir_algs_t *algs);
static int weir_jwk_ready(weir_jwk_t *key, const weir_crypto_t *crypto);


/* Many keys of many members; what one key may hold is bounded by the size. */

static const weir_json_limits_t  weir_jwks_limits = { 16, 4096, 16384 };


int
weir_jwks_parse(weir_jwks_t **set, const weir_crypto_t *crypto,
    weir_str_t text, const weir_algs_t *algs, const weir_alloc_t *alloc,
    weir_err_t *err)
{
    int       rc;
    json_t   *json;
    uint8_t  *copy;

    if (text.len > WEIR_JWKS_MAX) {
        return weir_err(err, "key set is larger than %d bytes",
                        WEIR_JWKS_MAX);
    }

    copy = alloc->alloc(alloc->ctx, text.len + 1);

    if (copy == NULL) {
        return WEIR_NOMEM;
    }

    if (text.len != 0) {
        memcpy(copy, text.data, text.len);
    }

    rc = weir_json_object(&json, copy, text.len, &weir_jwks_limits);

    alloc->free(alloc->ctx, copy);

    if (rc != WEIR_OK) {
        return rc == WEIR_NOMEM ? WEIR_NOMEM
                                : weir_err(err, "no valid JSON object, or "
                                           "a member given twice");
    }

    rc = weir_jwks_load(set, crypto, json, algs, alloc, err);

    json_decref(json);

    if (rc == WEIR_OK
        && weir_crypto_sha256(crypto, text.data, text.len, (*set)->digest)
           != WEIR_OK)
    {
        weir_jwks_free(*set);
        *set = NULL;
        return WEIR_NOMEM;
    }

    return rc;
}


int
weir_jwks_load(weir_jwks_t **out, const weir_crypto_t *crypto, json_t *json,
    const weir_algs_t *algs, const weir_alloc_t *alloc, weir_err_t *err)
{
    int           rc;
    size_t        i, n, oct;
    json_t       *keys, *jwk;
    weir_str_t    kty;
    weir_jwks_t  *set;

    keys = json_object_get(json, "keys");

    if (!json_is_array(keys)) {
        return weir_err(err, "no array \"keys\" in the key set");
    }

    n = json_array_size(keys);

    if (n > WEIR_JWKS_KEYS) {
        return weir_err(err, "more than %d keys", WEIR_JWKS_KEYS);
    }

    oct = 0;

    json_array_foreach(keys, i, jwk) {

        if (!json_is_object(jwk)) {
            return weir_err(err, "a key is no object");
        }

        if (weir_jwk_refused(jwk, err) != WEIR_OK) {
            return WEIR_ERROR;
        }

        if (weir_json_string(jwk, "kty", &kty) == WEIR_OK
            && weir_str_eq(kty, weir_str("oct")))
        {
            oct++;
        }
    }

    if (oct != 0 && oct != n) {
        return weir_err(err, "symmetric and asymmetric keys in one set");
    }

    set = alloc->alloc(alloc->ctx, sizeof(weir_jwks_t));

    if (set == NULL) {
        return WEIR_NOMEM;
    }

    memset(set, 0, sizeof(weir_jwks_t));
    set->alloc = alloc;

    if (n != 0) {
        set->keys = alloc->alloc(alloc->ctx, n * sizeof(weir_jwk_t));

        if (set->keys == NULL) {
            weir_jwks_free(set);
            return WEIR_NOMEM;
        }

        memset(set->keys, 0, n * sizeof(weir_jwk_t));
    }

    json_array_foreach(keys, i, jwk) {
        rc = weir_jwks_add(set, crypto, jwk, algs, err);

        if (rc != WEIR_OK) {
            weir_jwks_free(set);
            return rc;
        }
    }

    *out = set;

    return WEIR_OK;
}


void
weir_jwks_free(weir_jwks_t *set)
{
    unsigned             i;
    const weir_alloc_t  *alloc;

    if (set == NULL) {
        return;
    }

    alloc = set->alloc;

    for (i = 0; set->keys != NULL && i < set->n; i++) {
        EVP_MD_CTX_free(set->keys[i].ctx);
        EVP_PKEY_free(set->keys[i].pkey);

        if (set->keys[i].kid.data != NULL) {
            alloc->free(alloc->ctx, (void *) set->keys[i].kid.data);
        }
    }

    if (set->keys != NULL) {
        alloc->free(alloc->ctx, set->keys);
    }

    alloc->free(alloc->ctx, set);
}


const weir_jwk_t *
weir_jwks_thumbprint(const weir_jwks_t *set, const uint8_t *thumbprint)
{
    unsigned  i;

    for (i = 0; i < set->n; i++) {
        if (set->keys[i].alg != WEIR_ALG_UNKNOWN
            && memcmp(set->keys[i].thumbprint, thumbprint, 32) == 0)
        {
            return &set->keys[i];
        }
    }

    return NULL;
}


/* What makes the whole set suspect: secrets where only public keys belong. */

static int
weir_jwk_refused(const json_t *jwk, weir_err_t *err)
{
    unsigned    i;
    weir_str_t  kty;

    static const char  *members[] = {
        "d", "p", "q", "dp", "dq", "qi", "oth", "priv", NULL
    };

    if (weir_json_string(jwk, "kty", &kty) == WEIR_OK
        && weir_str_eq(kty, weir_str("oct")))
    {
        return WEIR_OK;
    }

    for (i = 0; members[i] != NULL; i++) {
        if (json_object_get(jwk, members[i]) != NULL) {
            return weir_err(err, "private member \"%s\" in the key set",
                            members[i]);
        }
    }

    return WEIR_OK;
}


static int
weir_jwks_add(weir_jwks_t *set, const weir_crypto_t *crypto,
    const json_t *jwk, const weir_algs_t *algs, weir_err_t *err)
{
    int          rc;
    unsigned     i;
    uint8_t     *p;
    weir_str_t   kid;
    weir_jwk_t  *key;

    key = &set->keys[set->n];

    switch (weir_json_string(jwk, "kid", &kid)) {

    case WEIR_OK:
        for (i = 0; i < set->n; i++) {
            if (set->keys[i].kid.data != NULL
                && weir_str_eq(set->keys[i].kid, kid))
            {
                return weir_err(err, "kid \"%.*s\" is duplicate",
                                (int) (kid.len > 64 ? 64 : kid.len),
                                kid.data);
            }
        }

        p = set->alloc->alloc(set->alloc->ctx, kid.len + 1);

        if (p == NULL) {
            return WEIR_NOMEM;
        }

        memcpy(p, kid.data, kid.len + 1);

        key->kid.data = p;
        key->kid.len = kid.len;

        if (kid.len > WEIR_KID_MAX) {
            key->note = "kid is too long";
        }
        break;

    case WEIR_ERROR:
        key->note = "kid is no string";
        break;

    default:
        break;
    }

    set->n++;

    if (key->note == NULL) {
        key->note = weir_jwk_use(jwk);
    }

    if (key->note != NULL) {
        return WEIR_OK;
    }

    rc = weir_jwk_import(key, jwk);

    if (rc == WEIR_OK) {
        rc = weir_jwk_pin(key, jwk, algs);
    }

    if (rc == WEIR_OK) {
        rc = weir_jwk_thumbprint(crypto, jwk, key->thumbprint);
    }

    if (rc == WEIR_OK) {
        rc = weir_jwk_ready(key, crypto);
    }

    ERR_clear_error();

    if (rc == WEIR_OK) {
        set->usable++;
        return WEIR_OK;
    }

    key->alg = WEIR_ALG_UNKNOWN;

    return rc == WEIR_DECLINED ? WEIR_OK : WEIR_NOMEM;
}


/* RFC 7517, 4.2 and 4.3: what the key says that it is for. */

static const char *
weir_jwk_use(const json_t *jwk)
{
    int            verify;
    size_t         i, j;
    weir_str_t     use;
    const json_t  *ops, *op;

    switch (weir_json_string(jwk, "use", &use)) {

    case WEIR_OK:
        if (weir_str_eq(use, weir_str("sig"))) {
            break;
        }

        return "its use is not \"sig\"";

    case WEIR_ERROR:
        return "its use is no string";

    default:
        break;
    }

    ops = json_object_get(jwk, "key_ops");

    if (ops == NULL) {
        return NULL;
    }

    if (!json_is_array(ops)) {
        return "its key_ops is no array";
    }

    verify = 0;

    json_array_foreach((json_t *) ops, i, op) {

        if (!json_is_string(op)) {
            return "its key_ops holds what is no string";
        }

        for (j = 0; j < i; j++) {
            if (json_equal(json_array_get(ops, j), op)) {
                return "its key_ops holds an operation twice";
            }
        }

        verify |= strcmp(json_string_value(op), "verify") == 0;
    }

    return verify ? NULL : "its key_ops lacks \"verify\"";
}


/* A key verifies one algorithm: its own "alg", else the first that fits. */

static int
weir_jwk_pin(weir_jwk_t *key, const json_t *jwk, const weir_algs_t *algs)
{
    weir_str_t  name;
    weir_algs_t one;

    switch (weir_json_string(jwk, "alg", &name)) {

    case WEIR_OK:
        one.n = 1;
        one.list[0] = weir_alg(name);

        if (one.list[0] == WEIR_ALG_UNKNOWN) {
            key->note = "its alg is not supported";
            return WEIR_DECLINED;
        }

        key->alg = weir_jwk_alg(key->pkey, &one);

        if (key->alg == WEIR_ALG_UNKNOWN) {
            key->note = "its alg does not fit its type";
            return WEIR_DECLINED;
        }

        return WEIR_OK;

    case WEIR_ERROR:
        key->note = "its alg is no string";
        return WEIR_DECLINED;

    default:
        break;
    }

    key->alg = weir_jwk_alg(key->pkey, algs);

    if (key->alg == WEIR_ALG_UNKNOWN) {
        key->note = "no algorithm listed fits its type";
        return WEIR_DECLINED;
    }

    return WEIR_OK;
}


/* All that depends on the key alone is done here, once. */

static int
weir_jwk_ready(weir_jwk_t *key, const weir_crypto_t *crypto)
{
    const EVP_MD  *md;
    EVP_PKEY_CTX  *pctx;

    switch (key->alg) {

    case WEIR_ALG_ES256:
        md = crypto->sha256;
        key->sig_len = 64;
        break;

    case WEIR_ALG_ES384:
        md = crypto->sha384;
        key->sig_len = 96;
        break;

    case WEIR_ALG_RS256:
    case WEIR_ALG_PS256:
        md = crypto->sha256;
        key->sig_len = (size_t) EVP_PKEY_get_size(key->pkey);
        break;

    default:
        md = NULL;
        key->sig_len = 64;
    }

    key->ctx = EVP_MD_CTX_new();

    if (key->ctx == NULL
        || EVP_DigestVerifyInit(key->ctx, &pctx, md, NULL, key->pkey) != 1)
    {
        return WEIR_NOMEM;
    }

    if (key->alg == WEIR_ALG_PS256
        && (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1
            || EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, md) != 1
            || EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST)
               != 1))
    {
        return WEIR_NOMEM;
    }

    return WEIR_OK;
}
