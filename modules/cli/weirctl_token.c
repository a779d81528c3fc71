
/*
 * weirctl token: makes key sets, and shows what is in a token.
 */

#include <stdlib.h>

#include <openssl/pem.h>

#include "weir_hash.h"
#include "weir_time.h"
#include "weirctl_token.h"


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
weirctl_token_no_password(char *buf, int size, int rwflag, void *data)
{
    (void) buf;
    (void) size;
    (void) rwflag;
    (void) data;

    return 0;
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
           : PEM_read_bio_PUBKEY(bio, NULL, weirctl_token_no_password, NULL);

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
