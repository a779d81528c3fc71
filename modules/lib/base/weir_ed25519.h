
/*
 * Weir: Ed25519 public keys that are none.
 */

#ifndef WEIR_ED25519_H_INCLUDED
#define WEIR_ED25519_H_INCLUDED


#include "weir_base.h"


#define WEIR_ED25519_KEY  32


/*
 * 1 if key (WEIR_ED25519_KEY bytes, RFC 8032, 5.1.2) is of small order, so
 * that whoever knows it can sign whatever he likes, or is not encoded
 * canonically (y of p or more).  OpenSSL takes both.  The eight points:
 * Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs" (2020), table 1.
 */
int weir_ed25519_weak(const uint8_t *key);


#endif /* WEIR_ED25519_H_INCLUDED */
