
/*
 * Fuzzer of key sets: what is taken is within the bounds and of use, and a
 * set that is taken twice is the same set.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "weir_token.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static weir_crypto_t  crypto;
static weir_algs_t    algs;


static weir_jwks_t *
parse(const uint8_t *data, size_t size)
{
    int           rc;
    weir_err_t    err;
    weir_jwks_t  *set;

    set = NULL;

    rc = weir_jwks_parse(&set, &crypto, (weir_str_t) { size, data }, &algs,
                         &weir_alloc_malloc, &err);

    if (rc == WEIR_NOMEM || (rc == WEIR_OK) != (set != NULL)
        || ERR_peek_error() != 0)
    {
        abort();
    }

    return set;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned      i, usable;
    weir_jwk_t   *key;
    weir_jwks_t  *set, *again;

    if (crypto.sha256 == NULL) {
        weir_algs_default(&algs);

        if (weir_crypto_init(&crypto) != WEIR_OK) {
            abort();
        }
    }

    set = parse(data, size);

    if (set == NULL) {
        return 0;
    }

    again = parse(data, size);

    /*
     * OpenSSL looks for factors of an RSA modulus from random bases: one that
     * has some is refused most of the time.
     */

    if (memmem(data, size, "RSA", 3) == NULL
        && (again == NULL || again->n != set->n
            || again->usable != set->usable
            || memcmp(again->digest, set->digest, 32) != 0))
    {
        abort();
    }

    usable = 0;

    for (i = 0; i < set->n; i++) {
        key = &set->keys[i];

        if (key->alg == WEIR_ALG_UNKNOWN) {

            if (key->note == NULL) {
                abort();
            }

            continue;
        }

        usable++;

        if (key->note != NULL || key->ctx == NULL || key->pkey == NULL
            || key->sig_len < 64 || key->sig_len > 1024
            || key->kid.len > WEIR_KID_MAX
            || !weir_algs_has(&algs, key->alg)
            || weir_jwk_alg(key->pkey, &algs) == WEIR_ALG_UNKNOWN
            || weir_jwks_thumbprint(set, key->thumbprint) == NULL)
        {
            abort();
        }
    }

    if (usable != set->usable || set->n > WEIR_JWKS_KEYS) {
        abort();
    }

    weir_jwks_free(set);

    if (again != NULL) {
        weir_jwks_free(again);
    }

    return 0;
}
