
/*
 * Weir: Ed25519 keys as files hold them, their ids, signing and verifying
 * (RFC 8032, 8410).  Keys here are plain bytes: they may be copied, and
 * nothing needs to be released.
 */

#ifndef WEIR_SIGNER_H_INCLUDED
#define WEIR_SIGNER_H_INCLUDED


#include "weir_base.h"


#define WEIR_KEY_LEN        32         /* raw, public or private */
#define WEIR_KEYID_LEN      16         /* hex of 8 bytes */
#define WEIR_SIGNATURE_LEN  64
#define WEIR_SHA256_LEN     32
#define WEIR_HASH_TEXT      71         /* "sha256:" and 64 hex */
#define WEIR_KEY_PEM_MAX    65536      /* bytes of a key's file */


typedef struct {
    uint8_t  key[WEIR_KEY_LEN];
    uint8_t  id[WEIR_KEYID_LEN];       /* hex of SHA-256(key), its first 8 */
} weir_public_key_t;

/* To be cleansed by its owner: weir_signer_wipe(). */

typedef struct {
    uint8_t            seed[WEIR_KEY_LEN];
    weir_public_key_t  pub;
} weir_signer_t;


/* SHA-256 of s into hash: WEIR_OK or WEIR_NOMEM. */
int weir_sha256(weir_str_t s, uint8_t *hash);

/* "sha256:HEX" into dst (WEIR_HASH_TEXT bytes, no zero). */
void weir_hash_format(uint8_t *dst, const uint8_t *hash);

/* The reverse, exactly so spelt: WEIR_OK or WEIR_ERROR. */
int weir_hash_parse(weir_str_t s, uint8_t *hash);

/* A public key of its raw bytes, with its id: WEIR_OK or WEIR_NOMEM. */
int weir_public_key(weir_public_key_t *pub, const uint8_t *raw);

/*
 * The one public key (PEM, SubjectPublicKeyInfo, Ed25519) of a file's text.
 * WEIR_OK; WEIR_ERROR with err: none, more than one, another algorithm, a
 * weak one; WEIR_NOMEM.
 */
int weir_public_key_parse(weir_public_key_t *pub, weir_str_t pem,
    weir_err_t *err);

/* A key pair of a seed: 32 random bytes, the caller's.  WEIR_OK, WEIR_NOMEM. */
int weir_signer(weir_signer_t *signer, const uint8_t *seed);

/*
 * The one private key (PEM, PKCS#8, not encrypted, Ed25519) of a file's
 * text.  WEIR_OK; WEIR_ERROR with err; WEIR_NOMEM.
 */
int weir_signer_parse(weir_signer_t *signer, weir_str_t pem, weir_err_t *err);

void weir_signer_wipe(weir_signer_t *signer);

/*
 * The files that "openssl genpkey -algorithm ed25519" and "openssl pkey
 * -pubout" make, into dst; the length, no zero behind.
 */
#define WEIR_SIGNER_PEM_LEN      119
#define WEIR_PUBLIC_KEY_PEM_LEN  113
void weir_signer_pem(uint8_t *dst, const weir_signer_t *signer);
void weir_public_key_pem(uint8_t *dst, const weir_public_key_t *pub);

/* The signature of data into sig: WEIR_OK or WEIR_NOMEM. */
int weir_signer_sign(const weir_signer_t *signer, weir_str_t data,
    uint8_t *sig);

/* WEIR_OK; WEIR_DECLINED: it does not hold; WEIR_NOMEM: no verdict. */
int weir_signature_verify(const weir_public_key_t *pub, weir_str_t data,
    const uint8_t *sig);


#endif /* WEIR_SIGNER_H_INCLUDED */
