
/*
 * weirctl token mint: a signed token, by libjwt where Debian's can.
 */

#include <stdlib.h>
#include <time.h>

#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "weir_hash.h"
#include "weir_time.h"
#include "weirctl_token.h"


typedef struct {
    const char      *alg;
    const char      *key;
    const char      *kid;
    const char      *issuer;
    const char      *subject;
    const char      *lifetime;
    const char      *typ;
    weirctl_list_t   audience;
    weirctl_list_t   claims;
} weirctl_mint_t;


static int weirctl_mint_token(const weirctl_mint_t *mint, weir_str_t pem,
    EVP_PKEY *pkey, weir_alg_e alg);
static json_t *weirctl_mint_claims(const weirctl_mint_t *mint);
static int weirctl_mint_claim(json_t *claims, const char *arg);
static char *weirctl_mint_libjwt(const weirctl_mint_t *mint, weir_str_t pem,
    weir_alg_e alg, const char *claims);
static char *weirctl_mint_evp(const weirctl_mint_t *mint, EVP_PKEY *pkey,
    weir_alg_e alg, const char *claims);
static int weirctl_mint_sign(EVP_PKEY *pkey, weir_alg_e alg,
    const char *input, uint8_t *sig, size_t *len);
static int weirctl_mint_raw(uint8_t *sig, size_t *len, size_t n);
static int weirctl_mint_check(EVP_PKEY *pkey, weir_alg_e alg,
    const char *token);


int
weirctl_token_mint(weirctl_t *ctl)
{
    int             rc;
    BIO            *bio;
    EVP_PKEY       *pkey;
    weir_str_t      pem;
    weir_algs_t     algs;
    weir_alg_e      alg;
    weirctl_mint_t  mint;

    memset(&mint, 0, sizeof(weirctl_mint_t));

    const weirctl_option_t  options[] = {
        { "alg", WEIRCTL_VALUE, &mint.alg, "ALG",
          "ES256, ES384, RS256, PS256, EdDSA" },
        { "key", WEIRCTL_VALUE, &mint.key, "PEM", "file of the private key" },
        { "kid", WEIRCTL_VALUE, &mint.kid, "KID", "key id in the header" },
        { "issuer", WEIRCTL_VALUE, &mint.issuer, "URL", "iss" },
        { "subject", WEIRCTL_VALUE, &mint.subject, "NAME", "sub" },
        { "audience", WEIRCTL_LIST, &mint.audience, "NAME",
          "aud; may repeat" },
        { "lifetime", WEIRCTL_VALUE, &mint.lifetime, "TIME",
          "exp from now on; 5m" },
        { "typ", WEIRCTL_VALUE, &mint.typ, "TYPE", "typ; JWT" },
        { "claim", WEIRCTL_LIST, &mint.claims, "NAME=JSON",
          "a further claim; may repeat" },
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "The token is printed on a line of its own.  "
                         "iat and exp are set; --claim may set them\n"
                         "otherwise.  A string is JSON too: "
                         "--claim 'tenant=\"acme\"'.", options, 0, 0);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (mint.alg == NULL || mint.key == NULL) {
        return weirctl_error("--%s is missing; see %s --help",
                             mint.alg == NULL ? "alg" : "key", ctl->path);
    }

    alg = weir_alg(weirctl_str(mint.alg));

    if (alg == WEIR_ALG_UNKNOWN) {
        return weirctl_error("unsupported algorithm \"%s\", one of ES256 "
                             "ES384 RS256 PS256 EdDSA is meant", mint.alg);
    }

    rc = weirctl_read(mint.key, WEIRCTL_PEM_MAX, &pem);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    bio = BIO_new_mem_buf(pem.data, (int) pem.len);
    pkey = bio == NULL ? NULL
           : PEM_read_bio_PrivateKey(bio, NULL, weirctl_token_no_password,
                                     NULL);

    BIO_free(bio);

    algs.n = 1;
    algs.list[0] = alg;

    if (pkey == NULL) {
        rc = weirctl_error("%s: no private key in PEM, or an encrypted one",
                           mint.key);

    } else if (weir_jwk_alg(pkey, &algs) != alg) {
        rc = weirctl_error("%s: the key is not one for %s", mint.key,
                           mint.alg);

    } else {
        rc = weirctl_mint_token(&mint, pem, pkey, alg);
    }

    EVP_PKEY_free(pkey);
    OPENSSL_cleanse((void *) pem.data, pem.len);
    free((void *) pem.data);

    return rc;
}


static int
weirctl_mint_token(const weirctl_mint_t *mint, weir_str_t pem,
    EVP_PKEY *pkey, weir_alg_e alg)
{
    int      rc;
    char    *text, *token;
    json_t  *claims;

    claims = weirctl_mint_claims(mint);

    if (claims == NULL) {
        return WEIRCTL_USAGE;
    }

    text = json_dumps(claims, JSON_COMPACT);
    json_decref(claims);

    if (text == NULL) {
        return weirctl_error("out of memory");
    }

    /* Debian 12's libjwt has neither PS256 nor EdDSA, and no typ but JWT */

    if ((alg == WEIR_ALG_ES256 || alg == WEIR_ALG_ES384
         || alg == WEIR_ALG_RS256)
        && (mint->typ == NULL || strcmp(mint->typ, "JWT") == 0))
    {
        token = weirctl_mint_libjwt(mint, pem, alg, text);

    } else {
        token = weirctl_mint_evp(mint, pkey, alg, text);
    }

    free(text);

    if (token == NULL) {
        return weirctl_error("the token could not be signed");
    }

    rc = weirctl_mint_check(pkey, alg, token);

    if (rc == WEIRCTL_YES) {
        printf("%s\n", token);
    }

    free(token);

    return rc;
}


static json_t *
weirctl_mint_claims(const weirctl_mint_t *mint)
{
    int       rc;
    time_t    now;
    int64_t   ms;
    json_t   *claims, *aud;
    unsigned  i;

    ms = 5 * 60 * 1000;

    if (mint->lifetime != NULL
        && weir_duration_parse(weirctl_str(mint->lifetime), &ms) != WEIR_OK)
    {
        (void) weirctl_error("invalid --lifetime \"%s\"", mint->lifetime);
        return NULL;
    }

    now = time(NULL);
    claims = json_object();
    rc = 0;

    if (mint->issuer != NULL) {
        rc |= json_object_set_new(claims, "iss", json_string(mint->issuer));
    }

    if (mint->subject != NULL) {
        rc |= json_object_set_new(claims, "sub", json_string(mint->subject));
    }

    if (mint->audience.n == 1) {
        rc |= json_object_set_new(claims, "aud",
                                  json_string(mint->audience.items[0]));

    } else if (mint->audience.n > 1) {
        aud = json_array();

        for (i = 0; i < mint->audience.n; i++) {
            rc |= json_array_append_new(aud,
                                   json_string(mint->audience.items[i]));
        }

        rc |= json_object_set_new(claims, "aud", aud);
    }

    rc |= json_object_set_new(claims, "iat", json_integer(now));
    rc |= json_object_set_new(claims, "exp", json_integer(now + ms / 1000));

    if (rc != 0) {
        (void) weirctl_error("out of memory, or a value that is not UTF-8");
        json_decref(claims);
        return NULL;
    }

    for (i = 0; i < mint->claims.n; i++) {
        if (weirctl_mint_claim(claims, mint->claims.items[i])
            != WEIRCTL_GO_ON)
        {
            json_decref(claims);
            return NULL;
        }
    }

    return claims;
}


static int
weirctl_mint_claim(json_t *claims, const char *arg)
{
    int           rc;
    char         *name;
    json_t       *value;
    const char   *eq;
    json_error_t  error;

    eq = strchr(arg, '=');

    if (eq == NULL || eq == arg) {
        return weirctl_error("--claim \"%s\": NAME=JSON is meant", arg);
    }

    value = json_loads(eq + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                       &error);

    if (value == NULL) {
        return weirctl_error("--claim \"%s\": no valid JSON behind the \"=\" "
                             "(a string stands in \"\")", arg);
    }

    name = strndup(arg, (size_t) (eq - arg));
    rc = name == NULL ? -1 : json_object_set_new(claims, name, value);

    free(name);

    return rc == 0 ? WEIRCTL_GO_ON
                   : weirctl_error("--claim \"%s\": the name is not UTF-8",
                                   arg);
}


static char *
weirctl_mint_libjwt(const weirctl_mint_t *mint, weir_str_t pem,
    weir_alg_e alg, const char *claims)
{
    int         rc;
    char       *token;
    jwt_t      *jwt;
    jwt_alg_t   jalg;

    jalg = alg == WEIR_ALG_ES256 ? JWT_ALG_ES256
           : alg == WEIR_ALG_ES384 ? JWT_ALG_ES384 : JWT_ALG_RS256;

    if (jwt_new(&jwt) != 0) {
        return NULL;
    }

    token = NULL;

    rc = jwt_set_alg(jwt, jalg, pem.data, (int) pem.len);

    if (rc == 0) {
        rc = jwt_add_grants_json(jwt, claims);
    }

    if (rc == 0 && mint->kid != NULL) {
        rc = jwt_add_header(jwt, "kid", mint->kid);
    }

    if (rc == 0) {
        token = jwt_encode_str(jwt);
    }

    jwt_free(jwt);

    return token;
}


static char *
weirctl_mint_evp(const weirctl_mint_t *mint, EVP_PKEY *pkey, weir_alg_e alg,
    const char *claims)
{
    char        *text, *token, *p;
    size_t       len, size;
    json_t      *header;
    uint8_t      sig[1024];
    weir_str_t   s;

    header = json_pack("{s:s,s:s}",
                       "alg", (const char *) weir_alg_name(alg).data,
                       "typ", mint->typ == NULL ? "JWT" : mint->typ);

    if (header == NULL
        || (mint->kid != NULL
            && json_object_set_new(header, "kid", json_string(mint->kid))
               != 0))
    {
        json_decref(header);
        return NULL;
    }

    text = json_dumps(header, JSON_COMPACT);
    json_decref(header);

    if (text == NULL) {
        return NULL;
    }

    size = (strlen(text) + strlen(claims) + sizeof(sig)) * 4 / 3 + 16;
    token = malloc(size);

    if (token == NULL) {
        free(text);
        return NULL;
    }

    p = token;
    p += weir_base64url_encode((uint8_t *) p, weirctl_str(text));
    *p++ = '.';
    p += weir_base64url_encode((uint8_t *) p, weirctl_str(claims));
    *p = '\0';

    free(text);

    len = sizeof(sig);

    if (weirctl_mint_sign(pkey, alg, token, sig, &len) != WEIR_OK) {
        free(token);
        return NULL;
    }

    s.data = sig;
    s.len = len;

    *p++ = '.';
    p += weir_base64url_encode((uint8_t *) p, s);
    *p = '\0';

    return token;
}


static int
weirctl_mint_sign(EVP_PKEY *pkey, weir_alg_e alg, const char *input,
    uint8_t *sig, size_t *len)
{
    int            rc;
    EVP_MD_CTX    *ctx;
    const char    *md;
    EVP_PKEY_CTX  *pctx;

    md = alg == WEIR_ALG_EDDSA || alg == WEIR_ALG_ED25519 ? NULL
         : alg == WEIR_ALG_ES384 ? "SHA384" : "SHA256";

    ctx = EVP_MD_CTX_new();

    if (ctx == NULL
        || EVP_DigestSignInit_ex(ctx, &pctx, md, NULL, NULL, pkey, NULL) != 1)
    {
        EVP_MD_CTX_free(ctx);
        return WEIR_ERROR;
    }

    rc = 1;

    if (alg == WEIR_ALG_PS256) {
        rc = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
             && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST)
                == 1;
    }

    if (rc == 1) {
        rc = EVP_DigestSign(ctx, sig, len, (const uint8_t *) input,
                            strlen(input));
    }

    EVP_MD_CTX_free(ctx);

    if (rc != 1) {
        return WEIR_ERROR;
    }

    if (alg == WEIR_ALG_ES256 || alg == WEIR_ALG_ES384) {
        return weirctl_mint_raw(sig, len, alg == WEIR_ALG_ES256 ? 32 : 48);
    }

    return WEIR_OK;
}


/* DER to r || s (RFC 7518, 3.4). */

static int
weirctl_mint_raw(uint8_t *sig, size_t *len, size_t n)
{
    int             rc;
    ECDSA_SIG      *ec;
    const uint8_t  *p;

    p = sig;
    ec = d2i_ECDSA_SIG(NULL, &p, (long) *len);

    if (ec == NULL) {
        return WEIR_ERROR;
    }

    rc = BN_bn2binpad(ECDSA_SIG_get0_r(ec), sig, (int) n) == (int) n
         && BN_bn2binpad(ECDSA_SIG_get0_s(ec), sig + n, (int) n) == (int) n;

    ECDSA_SIG_free(ec);

    *len = 2 * n;

    return rc ? WEIR_OK : WEIR_ERROR;
}


/* What does not verify is not printed. */

static int
weirctl_mint_check(EVP_PKEY *pkey, weir_alg_e alg, const char *token)
{
    int                   rc;
    json_t               *set;
    weir_jws_t            jws;
    weir_err_t            err;
    weir_algs_t           algs;
    weir_arena_t          arena;
    weir_jwks_t          *keys;
    weir_str_t            kid;
    weir_crypto_t         crypto;
    weir_token_reason_e   reason;

    algs.n = 1;
    algs.list[0] = alg;
    kid.len = 0;
    kid.data = NULL;
    keys = NULL;

    weir_arena_init(&arena, &weir_alloc_malloc, WEIR_TOKEN_ARENA);

    set = json_pack("{s:[o]}", "keys", weir_jwk_make(pkey, alg, kid));

    if (weir_crypto_init(&crypto) != WEIR_OK || set == NULL
        || weir_jwks_load(&keys, &crypto, set, &algs, &weir_alloc_malloc,
                          &err)
           != WEIR_OK)
    {
        rc = weirctl_error("out of memory");

    } else if (keys->usable != 1) {
        rc = weirctl_error("no token would verify with this key: %s",
                           keys->keys[0].note);

    } else {
        reason = weir_jws_parse(&jws, &arena, weirctl_str(token));

        if (reason == WEIR_TOKEN_VALID) {
            reason = weir_jws_verify(&jws, &keys->keys[0]);
        }

        rc = reason == WEIR_TOKEN_VALID
             ? WEIRCTL_YES
             : weirctl_error("no gateway would take this token: %s",
                             (const char *) weir_token_reason(reason).data);
    }

    json_decref(set);
    weir_jwks_free(keys);
    weir_crypto_done(&crypto);
    weir_arena_done(&arena);

    return rc;
}
