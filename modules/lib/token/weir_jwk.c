
/*
 * Weir: a single JWK (RFC 7517, 7518, 8037): to and from OpenSSL's keys, and
 * its thumbprint (RFC 7638).
 */

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "weir_ed25519.h"
#include "weir_hash.h"
#include "weir_json.h"
#include "weir_jwk.h"


#define WEIR_RSA_MIN    256            /* bytes: 2048 bits */
#define WEIR_RSA_MAX    1024           /* bytes: 8192 bits */
#define WEIR_RSA_E_MAX  8
#define WEIR_EC_MAX     48


static int weir_jwk_rsa(weir_jwk_t *key, const json_t *jwk);
static int weir_jwk_roca(const BIGNUM *n);
static int weir_jwk_ec(weir_jwk_t *key, const json_t *jwk);
static int weir_jwk_okp(weir_jwk_t *key, const json_t *jwk);
static int weir_jwk_from(weir_jwk_t *key, const char *type,
    OSSL_PARAM *params);
static size_t weir_jwk_curve(EVP_PKEY *pkey);
static int weir_jwk_bytes(const json_t *jwk, const char *name, uint8_t *dst,
    size_t size, size_t *len);
static int weir_jwk_failed(weir_jwk_t *key, const char *note);
static int weir_jwk_set(json_t *jwk, const char *name, const uint8_t *p,
    size_t len);
static json_t *weir_jwk_make_rsa(EVP_PKEY *pkey);
static json_t *weir_jwk_make_ec(EVP_PKEY *pkey, size_t n);
static json_t *weir_jwk_make_okp(EVP_PKEY *pkey);


int
weir_jwk_import(weir_jwk_t *key, const json_t *jwk)
{
    weir_str_t  kty;

    if (weir_json_string(jwk, "kty", &kty) != WEIR_OK) {
        key->note = "its kty is missing";
        return WEIR_DECLINED;
    }

    if (weir_str_eq(kty, weir_str("RSA"))) {
        return weir_jwk_rsa(key, jwk);
    }

    if (weir_str_eq(kty, weir_str("EC"))) {
        return weir_jwk_ec(key, jwk);
    }

    if (weir_str_eq(kty, weir_str("OKP"))) {
        return weir_jwk_okp(key, jwk);
    }

    key->note = "its kty is not supported";

    return WEIR_DECLINED;
}


static int
weir_jwk_rsa(weir_jwk_t *key, const json_t *jwk)
{
    int              rc;
    size_t           n_len, e_len;
    BIGNUM          *n, *e;
    uint8_t          n_buf[WEIR_RSA_MAX], e_buf[WEIR_RSA_E_MAX];
    OSSL_PARAM      *params;
    OSSL_PARAM_BLD  *bld;

    if (weir_jwk_bytes(jwk, "n", n_buf, sizeof(n_buf), &n_len) != WEIR_OK) {
        key->note = "its n is not valid, or of more than 8192 bits";
        return WEIR_DECLINED;
    }

    if (weir_jwk_bytes(jwk, "e", e_buf, sizeof(e_buf), &e_len) != WEIR_OK) {
        key->note = "its e is not valid";
        return WEIR_DECLINED;
    }

    /* RFC 7518, 6.3.1: the shortest form */

    if (n_buf[0] == 0 || e_buf[0] == 0) {
        key->note = "its n or e begins with zero";
        return WEIR_DECLINED;
    }

    if (n_len < WEIR_RSA_MIN || (n_len == WEIR_RSA_MIN && n_buf[0] < 0x80)) {
        key->note = "it has less than 2048 bits";
        return WEIR_DECLINED;
    }

    if ((n_buf[n_len - 1] & 1) == 0) {
        key->note = "its n is even";
        return WEIR_DECLINED;
    }

    if ((e_buf[e_len - 1] & 1) == 0 || (e_len == 1 && e_buf[0] < 3)) {
        key->note = "its e is even or less than 3";
        return WEIR_DECLINED;
    }

    rc = WEIR_NOMEM;
    params = NULL;
    n = BN_bin2bn(n_buf, (int) n_len, NULL);
    e = BN_bin2bn(e_buf, (int) e_len, NULL);
    bld = OSSL_PARAM_BLD_new();

    if (n == NULL || e == NULL || bld == NULL) {
        goto done;
    }

    if (weir_jwk_roca(n)) {
        key->note = "it is weak (ROCA)";
        rc = WEIR_DECLINED;
        goto done;
    }

    if (OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1
        || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1)
    {
        goto done;
    }

    params = OSSL_PARAM_BLD_to_param(bld);

    if (params != NULL) {
        rc = weir_jwk_from(key, "RSA", params);
    }

done:

    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(n);
    BN_free(e);

    return rc;
}


/*
 * Moduli of Infineon's faulty generator (CVE-2017-15361): modulo every small
 * prime they are a power of 65537 (Nemec et al., "The Return of
 * Coppersmith's Attack", 2017, section 3).
 */

static int
weir_jwk_roca(const BIGNUM *n)
{
    unsigned  i, p, power, residue;

    static const uint8_t  primes[] = {
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67,
        71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139,
        149, 151, 157, 163, 167
    };

    for (i = 0; i < sizeof(primes); i++) {
        p = primes[i];
        residue = (unsigned) BN_mod_word(n, p);
        power = 1;

        do {
            if (power == residue) {
                break;
            }

            power = power * (65537 % p) % p;

        } while (power != 1);

        if (power != residue) {
            return 0;
        }
    }

    return 1;
}


static int
weir_jwk_ec(weir_jwk_t *key, const json_t *jwk)
{
    size_t       n, x_len, y_len;
    uint8_t      point[1 + 2 * WEIR_EC_MAX];
    weir_str_t   crv;
    OSSL_PARAM   params[3];
    const char  *group;

    if (weir_json_string(jwk, "crv", &crv) != WEIR_OK) {
        key->note = "its crv is missing";
        return WEIR_DECLINED;
    }

    if (weir_str_eq(crv, weir_str("P-256"))) {
        group = "prime256v1";
        n = 32;

    } else if (weir_str_eq(crv, weir_str("P-384"))) {
        group = "secp384r1";
        n = 48;

    } else {
        key->note = "its crv is not supported";
        return WEIR_DECLINED;
    }

    point[0] = 0x04;

    if (weir_jwk_bytes(jwk, "x", point + 1, n, &x_len) != WEIR_OK
        || weir_jwk_bytes(jwk, "y", point + 1 + n, n, &y_len) != WEIR_OK
        || x_len != n || y_len != n)
    {
        key->note = "its x or y is not valid";
        return WEIR_DECLINED;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 (char *) group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  point, 1 + 2 * n);
    params[2] = OSSL_PARAM_construct_end();

    return weir_jwk_from(key, "EC", params);
}


static int
weir_jwk_okp(weir_jwk_t *key, const json_t *jwk)
{
    size_t      len;
    uint8_t     x[32];
    weir_str_t  crv;
    OSSL_PARAM  params[2];

    if (weir_json_string(jwk, "crv", &crv) != WEIR_OK
        || !weir_str_eq(crv, weir_str("Ed25519")))
    {
        key->note = "its crv is not supported";
        return WEIR_DECLINED;
    }

    if (weir_jwk_bytes(jwk, "x", x, sizeof(x), &len) != WEIR_OK
        || len != sizeof(x))
    {
        key->note = "its x is not valid";
        return WEIR_DECLINED;
    }

    if (weir_ed25519_weak(x)) {
        key->note = "its x is no point that a key could have";
        return WEIR_DECLINED;
    }

    params[0] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, x,
                                                  sizeof(x));
    params[1] = OSSL_PARAM_construct_end();

    return weir_jwk_from(key, "ED25519", params);
}


static int
weir_jwk_from(weir_jwk_t *key, const char *type, OSSL_PARAM *params)
{
    int            rc;
    EVP_PKEY_CTX  *ctx;

    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1) {
        EVP_PKEY_CTX_free(ctx);
        return weir_jwk_failed(key, "OpenSSL lacks its type");
    }

    rc = EVP_PKEY_fromdata(ctx, &key->pkey, EVP_PKEY_PUBLIC_KEY, params);

    EVP_PKEY_CTX_free(ctx);

    if (rc != 1) {
        key->pkey = NULL;
        return weir_jwk_failed(key, "it is no valid public key");
    }

    /* EC: on the curve, of its order; RSA: a composite without small factors */

    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    rc = ctx == NULL ? 0 : EVP_PKEY_public_check(ctx);

    EVP_PKEY_CTX_free(ctx);

    if (rc != 1) {
        return weir_jwk_failed(key, "it is no valid public key");
    }

    return WEIR_OK;
}


static int
weir_jwk_failed(weir_jwk_t *key, const char *note)
{
    unsigned long  e;

    while ((e = ERR_get_error()) != 0) {
        if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE) {
            ERR_clear_error();
            return WEIR_NOMEM;
        }
    }

    key->note = note;

    return WEIR_DECLINED;
}


/* A base64url member of 1 to size bytes. */

static int
weir_jwk_bytes(const json_t *jwk, const char *name, uint8_t *dst, size_t size,
    size_t *len)
{
    weir_str_t  s;

    if (weir_json_string(jwk, name, &s) != WEIR_OK
        || s.len == 0
        || weir_base64url_decoded_len(s.len) > size
        || weir_base64url_decode(dst, len, s) != WEIR_OK
        || *len == 0)
    {
        return WEIR_ERROR;
    }

    return WEIR_OK;
}


weir_alg_e
weir_jwk_alg(EVP_PKEY *pkey, const weir_algs_t *algs)
{
    int         fits;
    unsigned    i;
    weir_alg_e  alg;

    for (i = 0; i < algs->n; i++) {
        alg = algs->list[i];

        switch (alg) {

        case WEIR_ALG_RS256:
        case WEIR_ALG_PS256:
            fits = EVP_PKEY_is_a(pkey, "RSA");
            break;

        case WEIR_ALG_ES256:
            fits = weir_jwk_curve(pkey) == 32;
            break;

        case WEIR_ALG_ES384:
            fits = weir_jwk_curve(pkey) == 48;
            break;

        case WEIR_ALG_EDDSA:
        case WEIR_ALG_ED25519:
            fits = EVP_PKEY_is_a(pkey, "ED25519");
            break;

        default:
            fits = 0;
        }

        if (fits) {
            return alg;
        }
    }

    return WEIR_ALG_UNKNOWN;
}


/* Bytes of a coordinate: 32 on P-256, 48 on P-384, 0 elsewhere. */

static size_t
weir_jwk_curve(EVP_PKEY *pkey)
{
    char    name[32];
    size_t  len;

    if (!EVP_PKEY_is_a(pkey, "EC")
        || EVP_PKEY_get_group_name(pkey, name, sizeof(name), &len) != 1)
    {
        return 0;
    }

    if (strcmp(name, "prime256v1") == 0 || strcmp(name, "P-256") == 0) {
        return 32;
    }

    if (strcmp(name, "secp384r1") == 0 || strcmp(name, "P-384") == 0) {
        return 48;
    }

    return 0;
}


int
weir_jwk_thumbprint(const weir_crypto_t *c, const json_t *jwk, uint8_t *out)
{
    int            rc;
    char          *text;
    json_t        *required, *value;
    unsigned       i, n;
    weir_str_t     kty;
    const char   **names;

    static const char  *rsa[] = { "e", "kty", "n", NULL };
    static const char  *ec[] = { "crv", "kty", "x", "y", NULL };
    static const char  *okp[] = { "crv", "kty", "x", NULL };

    if (weir_json_string(jwk, "kty", &kty) != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (weir_str_eq(kty, weir_str("RSA"))) {
        names = rsa;

    } else if (weir_str_eq(kty, weir_str("EC"))) {
        names = ec;

    } else if (weir_str_eq(kty, weir_str("OKP"))) {
        names = okp;

    } else {
        return WEIR_ERROR;
    }

    required = json_object();
    n = 0;

    for (i = 0; names[i] != NULL; i++) {
        value = json_object_get(jwk, names[i]);

        if (json_is_string(value)
            && json_object_set(required, names[i], value) == 0)
        {
            n++;
        }
    }

    text = n == i ? json_dumps(required, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    json_decref(required);

    if (text == NULL) {
        return WEIR_NOMEM;
    }

    rc = weir_crypto_sha256(c, text, strlen(text), out);

    free(text);

    return rc == WEIR_OK ? WEIR_OK : WEIR_NOMEM;
}


json_t *
weir_jwk_make(EVP_PKEY *pkey, weir_alg_e alg, weir_str_t kid)
{
    json_t  *jwk;

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        jwk = weir_jwk_make_rsa(pkey);

    } else if (EVP_PKEY_is_a(pkey, "EC")) {
        jwk = weir_jwk_make_ec(pkey, weir_jwk_curve(pkey));

    } else if (EVP_PKEY_is_a(pkey, "ED25519")) {
        jwk = weir_jwk_make_okp(pkey);

    } else {
        return NULL;
    }

    if (json_object_set_new(jwk, "use", json_string("sig")) != 0
        || json_object_set_new(jwk, "alg",
               json_string((const char *) weir_alg_name(alg).data)) != 0
        || (kid.data != NULL
            && json_object_set_new(jwk, "kid",
                   json_stringn((const char *) kid.data, kid.len)) != 0))
    {
        json_decref(jwk);
        return NULL;
    }

    return jwk;
}


static json_t *
weir_jwk_make_rsa(EVP_PKEY *pkey)
{
    int       rc;
    BIGNUM   *n, *e;
    json_t   *jwk;
    uint8_t   buf[WEIR_RSA_MAX];

    n = NULL;
    e = NULL;
    rc = WEIR_ERROR;

    jwk = json_pack("{s:s}", "kty", "RSA");

    if (jwk != NULL
        && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1
        && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1
        && BN_num_bytes(n) <= (int) sizeof(buf)
        && BN_num_bytes(e) <= (int) sizeof(buf))
    {
        rc = weir_jwk_set(jwk, "n", buf, (size_t) BN_bn2bin(n, buf));

        if (rc == WEIR_OK) {
            rc = weir_jwk_set(jwk, "e", buf, (size_t) BN_bn2bin(e, buf));
        }
    }

    BN_free(n);
    BN_free(e);

    if (rc != WEIR_OK) {
        json_decref(jwk);
        return NULL;
    }

    return jwk;
}


static json_t *
weir_jwk_make_ec(EVP_PKEY *pkey, size_t n)
{
    int       rc;
    BIGNUM   *x, *y;
    json_t   *jwk;
    uint8_t   buf[WEIR_EC_MAX];

    if (n == 0) {
        return NULL;
    }

    x = NULL;
    y = NULL;
    rc = WEIR_ERROR;

    jwk = json_pack("{s:s,s:s}", "kty", "EC", "crv",
                    n == 32 ? "P-256" : "P-384");

    if (jwk != NULL
        && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1
        && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1
        && BN_bn2binpad(x, buf, (int) n) == (int) n)
    {
        rc = weir_jwk_set(jwk, "x", buf, n);

        if (rc == WEIR_OK && BN_bn2binpad(y, buf, (int) n) == (int) n) {
            rc = weir_jwk_set(jwk, "y", buf, n);

        } else {
            rc = WEIR_ERROR;
        }
    }

    BN_free(x);
    BN_free(y);

    if (rc != WEIR_OK) {
        json_decref(jwk);
        return NULL;
    }

    return jwk;
}


static json_t *
weir_jwk_make_okp(EVP_PKEY *pkey)
{
    json_t   *jwk;
    size_t    len;
    uint8_t   buf[32];

    len = sizeof(buf);
    jwk = json_pack("{s:s,s:s}", "kty", "OKP", "crv", "Ed25519");

    if (jwk == NULL
        || EVP_PKEY_get_raw_public_key(pkey, buf, &len) != 1
        || weir_jwk_set(jwk, "x", buf, len) != WEIR_OK)
    {
        json_decref(jwk);
        return NULL;
    }

    return jwk;
}


static int
weir_jwk_set(json_t *jwk, const char *name, const uint8_t *p, size_t len)
{
    size_t      n;
    uint8_t     text[(WEIR_RSA_MAX * 8 + 5) / 6];
    weir_str_t  s;

    s.data = p;
    s.len = len;

    n = weir_base64url_encode(text, s);

    return json_object_set_new(jwk, name, json_stringn((char *) text, n)) == 0
           ? WEIR_OK : WEIR_ERROR;
}
