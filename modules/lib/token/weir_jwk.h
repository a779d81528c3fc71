
/*
 * Weir: a single JWK and OpenSSL's key of it; what lib/token shares inside.
 */

#ifndef WEIR_JWK_H_INCLUDED
#define WEIR_JWK_H_INCLUDED


#include "weir_token.h"


/*
 * Makes key->pkey of the JWK (RSA 2048 to 8192 bits, EC P-256 and P-384, OKP
 * Ed25519), checked.  WEIR_OK; WEIR_DECLINED with key->note: not usable;
 * WEIR_NOMEM.
 */
int weir_jwk_import(weir_jwk_t *key, const json_t *jwk);


#endif /* WEIR_JWK_H_INCLUDED */
