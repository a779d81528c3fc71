
/*
 * weirctl token: makes tokens and key sets, and shows what is in a token.
 */

#include <stdlib.h>
#include <time.h>

#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "weir_hash.h"
#include "weir_time.h"
#include "weirctl_token.h"


#define WEIRCTL_PEM_MAX  65536


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
static int weirctl_no_password(char *buf, int size, int rwflag, void *data);
static int weirctl_jwks_add(json_t *keys, const weir_crypto_t *crypto,
    const char *arg, weir_alg_e rsa);
static int weirctl_inspect_parts(weir_str_t token, json_t **header,
    json_t **claims, size_t *signature);
static int weirctl_inspect_part(weir_str_t part, json_t **json);
static void weirctl_inspect_time(const json_t *claims, const char *name,
    const char *label);


const weirctl_verb_t  weirctl_token_verbs[] = {

    { "mint", "--alg ALG --key PEM [options]", "make a signed token",
      weirctl_token_mint, NULL },

    { "jwks", "[KID=]PUB.pem...", "make a key set of public keys",
      weirctl_token_jwks, NULL },

    { "inspect", "TOKEN", "show a token without verifying it",
      weirctl_token_inspect, NULL },

    { "verify", "TOKEN --jwks FILE [options]", "verify a token",
      weirctl_token_verify, NULL },

    weirctl_verbs_end
};


weir_str_t
weirctl_str(const char *s)
{
    weir_str_t  str;

    str.data = (const uint8_t *) s;
    str.len = s == NULL ? 0 : strlen(s);

    return str;
}


int
weirctl_token_operand(const char *arg, weir_str_t *token)
{
    int  rc;

    if (strcmp(arg, "-") != 0) {
        *token = weirctl_str(strdup(arg));

        return token->data == NULL ? weirctl_error("out of memory")
                                   : WEIRCTL_GO_ON;
    }

    rc = weirctl_read(arg, 1024 * 1024, token);

    while (rc == WEIRCTL_GO_ON && token->len > 0
           && (token->data[token->len - 1] == '\n'
               || token->data[token->len - 1] == '\r'))
    {
        token->len--;
    }

    return rc;
}


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
           : PEM_read_bio_PrivateKey(bio, NULL, weirctl_no_password, NULL);

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
weirctl_no_password(char *buf, int size, int rwflag, void *data)
{
    (void) buf;
    (void) size;
    (void) rwflag;
    (void) data;

    return 0;
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


int
weirctl_token_jwks(weirctl_t *ctl)
{
    int             i, rc;
    char           *text;
    json_t         *keys, *set;
    weir_err_t      err;
    const char     *name;
    weir_alg_e      rsa;
    weir_algs_t     algs;
    weir_jwks_t    *check;
    weir_crypto_t   crypto;

    name = NULL;
    check = NULL;

    const weirctl_option_t  options[] = {
        { "rsa-alg", WEIRCTL_VALUE, &name, "ALG",
          "what RSA keys are for: RS256 (default) or PS256" },
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Each file holds a public key in PEM.  A key "
                         "without KID= gets its RFC 7638\nthumbprint as kid.",
                         options, 1, WEIR_JWKS_KEYS);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rsa = name == NULL ? WEIR_ALG_RS256 : weir_alg(weirctl_str(name));

    if (rsa != WEIR_ALG_RS256 && rsa != WEIR_ALG_PS256) {
        return weirctl_error("invalid --rsa-alg \"%s\"", name);
    }

    keys = json_array();
    set = json_pack("{s:o}", "keys", keys);

    if (weir_crypto_init(&crypto) != WEIR_OK || set == NULL) {
        rc = weirctl_error("out of memory");
    }

    for (i = 0; i < ctl->argc && rc == WEIRCTL_GO_ON; i++) {
        rc = weirctl_jwks_add(keys, &crypto, ctl->argv[i], rsa);
    }

    weir_algs_default(&algs);

    /* as a gateway would read it: no kid twice, no key it could not use */

    if (rc == WEIRCTL_GO_ON
        && weir_jwks_load(&check, &crypto, set, &algs, &weir_alloc_malloc,
                          &err)
           != WEIR_OK)
    {
        rc = weirctl_error("%s", err.text);
    }

    for (i = 0; i < ctl->argc && rc == WEIRCTL_GO_ON; i++) {
        if (check->keys[i].note != NULL) {
            rc = weirctl_error("%s: %s", ctl->argv[i], check->keys[i].note);
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        text = json_dumps(set, ctl->json ? JSON_COMPACT : JSON_INDENT(2));

        if (text == NULL) {
            rc = weirctl_error("out of memory");

        } else {
            printf("%s\n", text);
            rc = WEIRCTL_YES;
        }

        free(text);
    }

    weir_jwks_free(check);
    weir_crypto_done(&crypto);
    json_decref(set);

    return rc;
}


static int
weirctl_jwks_add(json_t *keys, const weir_crypto_t *crypto, const char *arg,
    weir_alg_e rsa)
{
    int           rc;
    BIO          *bio;
    json_t       *jwk;
    uint8_t       hash[32], text[43];
    EVP_PKEY     *pkey;
    weir_alg_e    alg;
    weir_str_t    pem, kid, s;
    const char   *eq, *file;
    weir_algs_t   algs;

    eq = strchr(arg, '=');
    file = eq == NULL ? arg : eq + 1;

    kid.data = eq == NULL ? NULL : (const uint8_t *) arg;
    kid.len = eq == NULL ? 0 : (size_t) (eq - arg);

    rc = weirctl_read(file, WEIRCTL_PEM_MAX, &pem);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    bio = BIO_new_mem_buf(pem.data, (int) pem.len);
    pkey = bio == NULL ? NULL
           : PEM_read_bio_PUBKEY(bio, NULL, weirctl_no_password, NULL);

    BIO_free(bio);
    free((void *) pem.data);

    if (pkey == NULL) {
        return weirctl_error("%s: no public key in PEM", file);
    }

    weir_algs_default(&algs);
    alg = weir_jwk_alg(pkey, &algs);

    if (alg == WEIR_ALG_RS256) {
        alg = rsa;
    }

    if (alg == WEIR_ALG_UNKNOWN) {
        EVP_PKEY_free(pkey);
        return weirctl_error("%s: the key's type is not supported, RSA, "
                             "P-256, P-384 and Ed25519 are", file);
    }

    jwk = weir_jwk_make(pkey, alg, kid);
    EVP_PKEY_free(pkey);

    if (jwk != NULL && kid.data == NULL
        && weir_jwk_thumbprint(crypto, jwk, hash) == WEIR_OK)
    {
        s.data = hash;
        s.len = sizeof(hash);

        (void) weir_base64url_encode(text, s);
        (void) json_object_set_new(jwk, "kid",
                               json_stringn((char *) text, sizeof(text)));
    }

    if (jwk == NULL || json_object_get(jwk, "kid") == NULL
        || json_array_append_new(keys, jwk) != 0)
    {
        return weirctl_error("%s: out of memory, or a kid that is not UTF-8",
                             file);
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_token_inspect(weirctl_t *ctl)
{
    int          rc;
    char        *text;
    size_t       signature;
    json_t      *header, *claims, *all;
    weir_str_t   token;

    rc = weirctl_options(ctl, "Nothing is verified: anybody may have written "
                         "what is shown.", NULL, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_token_operand(ctl->argv[0], &token);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_inspect_parts(token, &header, &claims, &signature);

    free((void *) token.data);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    all = json_pack("{s:b,s:o,s:o,s:I}", "verified", 0, "header", header,
                    "claims", claims, "signature_bytes",
                    (json_int_t) signature);
    text = all == NULL ? NULL
           : json_dumps(all, ctl->json ? JSON_COMPACT : JSON_INDENT(2));

    if (text == NULL) {
        json_decref(all);
        return weirctl_error("out of memory");
    }

    if (!ctl->json) {
        printf("not verified: anybody may have written this\n");
    }

    printf("%s\n", text);

    if (!ctl->json) {
        weirctl_inspect_time(claims, "iat", "issued");
        weirctl_inspect_time(claims, "nbf", "not before");
        weirctl_inspect_time(claims, "exp", "expires");
    }

    free(text);
    json_decref(all);

    return WEIRCTL_YES;
}


/* Looser than the gateway is: one wants to see what is wrong. */

static int
weirctl_inspect_parts(weir_str_t token, json_t **header, json_t **claims,
    size_t *signature)
{
    unsigned        i;
    weir_str_t      part[3];
    const uint8_t  *p, *dot, *end;

    p = token.data;
    end = p + token.len;

    for (i = 0; i < 2; i++) {
        dot = memchr(p, '.', (size_t) (end - p));

        if (dot == NULL) {
            (void) weirctl_error("no token: three parts with dots between "
                                 "are meant");
            return WEIRCTL_NO;
        }

        part[i].data = p;
        part[i].len = (size_t) (dot - p);
        p = dot + 1;
    }

    *signature = weir_base64url_decoded_len((size_t) (end - p));

    if (weirctl_inspect_part(part[0], header) != WEIRCTL_GO_ON) {
        (void) weirctl_error("the header is no JSON in base64url");
        return WEIRCTL_NO;
    }

    if (weirctl_inspect_part(part[1], claims) != WEIRCTL_GO_ON) {
        json_decref(*header);
        (void) weirctl_error("the payload is no JSON in base64url");
        return WEIRCTL_NO;
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_inspect_part(weir_str_t part, json_t **json)
{
    size_t        len;
    uint8_t      *buf;
    json_error_t  error;

    buf = malloc(weir_base64url_decoded_len(part.len) + 1);

    if (buf == NULL) {
        return WEIRCTL_USAGE;
    }

    *json = weir_base64url_decode(buf, &len, part) == WEIR_OK
            ? json_loadb((char *) buf, len, JSON_DECODE_ANY, &error) : NULL;

    free(buf);

    return *json == NULL ? WEIRCTL_NO : WEIRCTL_GO_ON;
}


static void
weirctl_inspect_time(const json_t *claims, const char *name,
    const char *label)
{
    double         d;
    char           text[WEIR_TIME_LEN + 1];
    const json_t  *value;

    value = json_object_get(claims, name);
    d = json_is_number(value) ? json_number_value(value) : -1;

    /* up to the year 9999 */

    if (!(d >= 0 && d < 253402300800.0)) {
        return;
    }

    weir_time_format((uint8_t *) text, (int64_t) d);
    text[WEIR_TIME_LEN] = '\0';

    printf("%-12s %s\n", label, text);
}
