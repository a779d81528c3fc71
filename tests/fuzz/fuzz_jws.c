
/*
 * Fuzzer of the signature layer: a token as it comes (first byte "."), or a
 * header, a payload and a signature between zero bytes, which are encoded
 * first.  Nobody has the key: no input may verify.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "weir_hash.h"
#include "weir_token.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static weir_crypto_t  crypto;
static weir_jwks_t   *keys;
static weir_algs_t    algs;


/* Public keys of RFC 7515 (A.3) and RFC 8037 (A.2). */

static const char  jwks[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";


static void
setup(void)
{
    weir_err_t  err;

    weir_algs_default(&algs);

    if (weir_crypto_init(&crypto) != WEIR_OK
        || weir_jwks_parse(&keys, &crypto, weir_str(jwks), &algs,
                           &weir_alloc_malloc, &err)
           != WEIR_OK
        || keys->usable != 2)
    {
        abort();
    }
}


/* header \0 payload \0 signature in base64url; the bytes written. */

static size_t
assemble(uint8_t *dst, const uint8_t *data, size_t size)
{
    size_t          n, len;
    unsigned        i;
    const uint8_t  *end;

    n = 0;

    for (i = 0; i < 3; i++) {
        end = i < 2 && size != 0 ? memchr(data, 0, size) : NULL;
        len = end == NULL ? size : (size_t) (end - data);

        n += weir_base64url_encode(dst + n, (weir_str_t) { len, data });

        if (i < 2) {
            dst[n++] = '.';
        }

        data += len;
        size -= len;

        if (size != 0) {
            data++;
            size--;
        }
    }

    return n;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                n;
    uint8_t              *text;
    weir_jws_t            jws;
    weir_arena_t          arena;
    const weir_jwk_t     *key;
    weir_token_reason_e   reason;

    if (keys == NULL) {
        setup();
    }

    /* exactly as long as what is in it, for the address sanitizer */

    text = malloc(size * 2 + 16);

    if (text == NULL) {
        return 0;
    }

    if (size != 0 && data[0] == '.') {
        n = size - 1;
        memcpy(text, data + 1, n);

    } else {
        n = assemble(text, data, size);
    }

    text = realloc(text, n + (n == 0));

    weir_arena_init(&arena, &weir_alloc_malloc, WEIR_TOKEN_ARENA);

    reason = weir_jws_parse(&jws, &arena, (weir_str_t) { n, text });

    if (reason == WEIR_TOKEN_ERROR) {
        abort();
    }

    if (reason == WEIR_TOKEN_VALID) {

        if (n > WEIR_TOKEN_MAX
            || jws.header.len > WEIR_HEADER_MAX
            || jws.kid.len > WEIR_KID_MAX
            || jws.alg == WEIR_ALG_UNKNOWN
            || jws.payload.len == 0
            || jws.signature.len == 0
            || jws.input.data != text)
        {
            abort();
        }

        reason = weir_jws_key(&jws, keys, &algs, &key);

        if (reason == WEIR_TOKEN_VALID) {

            if (key->alg != jws.alg
                || weir_jws_verify(&jws, key) != WEIR_TOKEN_SIGNATURE)
            {
                abort();
            }
        }
    }

    weir_arena_done(&arena);
    free(text);

    return 0;
}
