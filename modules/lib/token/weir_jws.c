
/*
 * Weir: the signature layer: a compact JWS (RFC 7515) is taken apart, finds
 * its key and is verified by OpenSSL.
 */

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "weir_hash.h"
#include "weir_json.h"
#include "weir_token.h"


#define WEIR_ECDSA_MAX  66             /* bytes of r or s: P-521 */


static weir_token_reason_e weir_jws_header(weir_jws_t *jws, weir_arena_t *a);
static weir_token_reason_e weir_jws_members(weir_jws_t *jws, weir_arena_t *a,
    const json_t *header);
static size_t weir_ecdsa_integer(uint8_t *dst, const uint8_t *p, size_t n);


static const weir_json_limits_t  weir_header_limits = { 16, 256, 1024 };


weir_token_reason_e
weir_jws_parse(weir_jws_t *jws, weir_arena_t *a, weir_str_t token)
{
    size_t          len;
    uint8_t        *buf;
    unsigned        i;
    weir_str_t      part[3], *decoded[3];
    const uint8_t  *p, *dot, *end;

    memset(jws, 0, sizeof(weir_jws_t));

    if (token.len > WEIR_TOKEN_MAX) {
        return WEIR_TOKEN_TOO_LARGE;
    }

    p = token.data;
    end = token.data + token.len;

    for (i = 0; i < 2; i++) {
        dot = p == end ? NULL : memchr(p, '.', (size_t) (end - p));

        if (dot == NULL) {
            return WEIR_TOKEN_MALFORMED;
        }

        part[i].data = p;
        part[i].len = (size_t) (dot - p);
        p = dot + 1;
    }

    part[2].data = p;
    part[2].len = (size_t) (end - p);

    if (part[0].len == 0 || part[1].len == 0) {
        return WEIR_TOKEN_MALFORMED;
    }

    if (weir_base64url_decoded_len(part[0].len) > WEIR_HEADER_MAX) {
        return WEIR_TOKEN_TOO_LARGE;
    }

    jws->input.data = token.data;
    jws->input.len = part[0].len + 1 + part[1].len;

    decoded[0] = &jws->header;
    decoded[1] = &jws->payload;
    decoded[2] = &jws->signature;

    buf = weir_arena_alloc(a, WEIR_TOKEN_MAX);

    if (buf == NULL) {
        return WEIR_TOKEN_ERROR;
    }

    /* a third dot is no character of base64url */

    for (i = 0; i < 3; i++) {

        if (weir_base64url_decode(buf, &len, part[i]) != WEIR_OK) {
            return WEIR_TOKEN_MALFORMED;
        }

        decoded[i]->data = buf;
        decoded[i]->len = len;
        buf += len;
    }

    return weir_jws_header(jws, a);
}


static weir_token_reason_e
weir_jws_header(weir_jws_t *jws, weir_arena_t *a)
{
    json_t               *header;
    uint8_t              *copy;
    weir_token_reason_e   reason;

    /* the scan may write, and the header is shown by weirctl as it came */

    copy = weir_arena_alloc(a, jws->header.len + 1);

    if (copy == NULL) {
        return WEIR_TOKEN_ERROR;
    }

    memcpy(copy, jws->header.data, jws->header.len);

    switch (weir_json_object(&header, copy, jws->header.len,
                             &weir_header_limits))
    {
    case WEIR_OK:
        break;

    case WEIR_NOMEM:
        return WEIR_TOKEN_ERROR;

    default:
        return WEIR_TOKEN_MALFORMED;
    }

    reason = weir_jws_members(jws, a, header);

    json_decref(header);

    return reason;
}


static weir_token_reason_e
weir_jws_members(weir_jws_t *jws, weir_arena_t *a, const json_t *header)
{
    weir_str_t  s;

    if (weir_json_string(header, "alg", &s) != WEIR_OK) {
        return WEIR_TOKEN_ALG;
    }

    jws->alg = weir_alg(s);

    if (jws->alg == WEIR_ALG_UNKNOWN) {
        return WEIR_TOKEN_ALG;
    }

    /* none of these changes what is verified here without being understood */

    if (json_object_get(header, "crit") != NULL
        || json_object_get(header, "b64") != NULL
        || json_object_get(header, "enc") != NULL
        || json_object_get(header, "zip") != NULL)
    {
        return WEIR_TOKEN_CRIT;
    }

    switch (weir_json_string(header, "cty", &s)) {

    case WEIR_OK:
        if (weir_str_caseeq(s, weir_str("JWT"))
            || weir_str_caseeq(s, weir_str("application/jwt")))
        {
            return WEIR_TOKEN_TYP;
        }
        break;

    case WEIR_ERROR:
        return WEIR_TOKEN_TYP;

    default:
        break;
    }

    switch (weir_json_string(header, "typ", &s)) {

    case WEIR_OK:
        jws->typ = weir_arena_copy(a, s);

        if (jws->typ.data == NULL) {
            return WEIR_TOKEN_ERROR;
        }
        break;

    case WEIR_ERROR:
        return WEIR_TOKEN_TYP;

    default:
        break;
    }

    switch (weir_json_string(header, "kid", &s)) {

    case WEIR_OK:
        if (s.len > WEIR_KID_MAX) {
            return WEIR_TOKEN_MALFORMED;
        }

        jws->kid = weir_arena_copy(a, s);

        if (jws->kid.data == NULL) {
            return WEIR_TOKEN_ERROR;
        }
        break;

    case WEIR_ERROR:
        return WEIR_TOKEN_MALFORMED;

    default:
        break;
    }

    return jws->signature.len == 0 ? WEIR_TOKEN_MALFORMED : WEIR_TOKEN_VALID;
}


weir_token_reason_e
weir_jws_key(const weir_jws_t *jws, const weir_jwks_t *set,
    const weir_algs_t *algs, const weir_jwk_t **key)
{
    unsigned           i;
    const weir_jwk_t  *k, *found;

    if (!weir_algs_has(algs, jws->alg)) {
        return WEIR_TOKEN_ALG;
    }

    found = NULL;

    for (i = 0; i < set->n; i++) {
        k = &set->keys[i];

        if (jws->kid.data != NULL) {

            if (k->kid.data == NULL || !weir_str_eq(k->kid, jws->kid)) {
                continue;
            }

            found = k;
            break;
        }

        if (k->alg == jws->alg) {

            if (found != NULL) {
                return WEIR_TOKEN_KID_MISSING;
            }

            found = k;
        }
    }

    if (found == NULL) {

        if (jws->kid.data != NULL) {
            return WEIR_TOKEN_KID_UNKNOWN;
        }

        return set->usable == 0 ? WEIR_TOKEN_KEY : WEIR_TOKEN_ALG;
    }

    if (found->alg == WEIR_ALG_UNKNOWN) {
        return WEIR_TOKEN_KEY;
    }

    if (found->alg != jws->alg) {
        return WEIR_TOKEN_ALG;
    }

    *key = found;

    return WEIR_TOKEN_VALID;
}


weir_token_reason_e
weir_jws_verify(const weir_jws_t *jws, const weir_jwk_t *key)
{
    int                  rc;
    size_t               len;
    uint8_t              der[2 * WEIR_ECDSA_MAX + 9];
    EVP_MD_CTX          *ctx;
    const uint8_t       *sig;
    unsigned long        e;
    weir_token_reason_e  reason;

    /* nothing but the key says how to verify */

    if (key->alg == WEIR_ALG_UNKNOWN || key->alg != jws->alg) {
        return WEIR_TOKEN_ALG;
    }

    if (jws->signature.len != key->sig_len) {
        return WEIR_TOKEN_SIGNATURE;
    }

    sig = jws->signature.data;
    len = jws->signature.len;

    if (key->alg == WEIR_ALG_ES256 || key->alg == WEIR_ALG_ES384) {
        len = weir_ecdsa_der(der, sig, len / 2);
        sig = der;
    }

    ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_MD_CTX_copy_ex(ctx, key->ctx) != 1) {
        EVP_MD_CTX_free(ctx);
        ERR_clear_error();
        return WEIR_TOKEN_ERROR;
    }

    rc = EVP_DigestVerify(ctx, sig, len, jws->input.data, jws->input.len);

    EVP_MD_CTX_free(ctx);

    if (rc == 1) {
        reason = WEIR_TOKEN_VALID;

    } else {
        reason = WEIR_TOKEN_SIGNATURE;

        while ((e = ERR_get_error()) != 0) {
            if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE) {
                reason = WEIR_TOKEN_ERROR;
            }
        }
    }

    ERR_clear_error();

    return reason;
}


size_t
weir_ecdsa_der(uint8_t *dst, const uint8_t *rs, size_t n)
{
    size_t   len;
    uint8_t  body[2 * (WEIR_ECDSA_MAX + 3)], *p;

    len = weir_ecdsa_integer(body, rs, n);
    len += weir_ecdsa_integer(body + len, rs + n, n);

    p = dst;
    *p++ = 0x30;

    if (len > 127) {
        *p++ = 0x81;
    }

    *p++ = (uint8_t) len;

    memcpy(p, body, len);

    return (size_t) (p - dst) + len;
}


/* A DER INTEGER of an unsigned number: as short as can be, never negative. */

static size_t
weir_ecdsa_integer(uint8_t *dst, const uint8_t *p, size_t n)
{
    size_t  pad;

    while (n > 1 && *p == 0) {
        p++;
        n--;
    }

    pad = *p >> 7;

    dst[0] = 0x02;
    dst[1] = (uint8_t) (n + pad);
    dst[2] = 0;

    memcpy(dst + 2 + pad, p, n);

    return 2 + pad + n;
}
