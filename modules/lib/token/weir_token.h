
/*
 * Weir: tokens: why one is rejected, algorithms, key sets, the signature
 * layer (JWS) and the claims of a JWT.
 *
 * RFC 7515 (JWS), 7517 (JWK), 7518 (JWA), 7519 (JWT), 7638 (thumbprint),
 * 8037 (EdDSA), 8725 (best practice), 9068 (at+jwt).
 *
 * jansson and OpenSSL allocate for themselves: none of this runs while a
 * cached token is found again (weir_token_cache.h).
 */

#ifndef WEIR_TOKEN_H_INCLUDED
#define WEIR_TOKEN_H_INCLUDED


#include <jansson.h>
#include <openssl/evp.h>

#include "weir_base.h"
#include "weir_claims.h"


#define WEIR_TOKEN_MAX       8192      /* bytes of a token */
#define WEIR_HEADER_MAX      2048      /* bytes of its header, decoded */
#define WEIR_KID_MAX         128       /* bytes of a key id */
#define WEIR_FLAT_MAX        32768     /* bytes of flattened claims */
#define WEIR_JWKS_MAX        65536     /* bytes of a key set */
#define WEIR_JWKS_KEYS       64
#define WEIR_TOKEN_LIFE      86400     /* exp at most so far away, s */
#define WEIR_TOKEN_LEEWAY    60        /* s at most */
#define WEIR_TOKEN_LISTS     32        /* audiences, types of an issuer */

/* What an arena needs at most for one weir_token_verify(). */
#define WEIR_TOKEN_ARENA     (256 * 1024)


typedef enum {
    WEIR_TOKEN_VALID = 0,
    WEIR_TOKEN_MALFORMED,
    WEIR_TOKEN_TOO_LARGE,
    WEIR_TOKEN_ALG,
    WEIR_TOKEN_CRIT,
    WEIR_TOKEN_TYP,
    WEIR_TOKEN_KID_MISSING,
    WEIR_TOKEN_KID_UNKNOWN,
    WEIR_TOKEN_KEY,
    WEIR_TOKEN_SIGNATURE,
    WEIR_TOKEN_EXP_MISSING,
    WEIR_TOKEN_EXPIRED,
    WEIR_TOKEN_LIFETIME,
    WEIR_TOKEN_NOT_BEFORE,
    WEIR_TOKEN_ISSUED_AT,
    WEIR_TOKEN_ISSUER,
    WEIR_TOKEN_AUDIENCE,
    WEIR_TOKEN_CLAIMS,
    WEIR_TOKEN_CNF,
    WEIR_TOKEN_REVOKED,
    WEIR_TOKEN_THROTTLED,
    WEIR_TOKEN_ERROR,                  /* no verdict: memory, OpenSSL */
    WEIR_TOKEN_REASONS
} weir_token_reason_e;

/* The reason's name: static, kebab-case; "error" for WEIR_TOKEN_ERROR. */
weir_str_t weir_token_reason(weir_token_reason_e reason);


/* --- algorithms --- */

typedef enum {
    WEIR_ALG_UNKNOWN = 0,              /* "none" and all that we do not do */
    WEIR_ALG_ES256,
    WEIR_ALG_ES384,
    WEIR_ALG_RS256,
    WEIR_ALG_PS256,
    WEIR_ALG_EDDSA,
    WEIR_ALG_ED25519,                  /* RFC 9864; only where listed */
    WEIR_ALGS
} weir_alg_e;

/* Algorithms in the order in which they were listed. */

typedef struct {
    unsigned    n;
    weir_alg_e  list[WEIR_ALGS];
} weir_algs_t;

/* The algorithm of exactly this name, or WEIR_ALG_UNKNOWN. */
weir_alg_e weir_alg(weir_str_t name);

weir_str_t weir_alg_name(weir_alg_e alg);

/* ES256 ES384 RS256 PS256 EdDSA. */
void weir_algs_default(weir_algs_t *algs);

/* WEIR_OK; WEIR_ERROR: unknown name; WEIR_DECLINED: listed already. */
int weir_algs_add(weir_algs_t *algs, weir_str_t name);

int weir_algs_has(const weir_algs_t *algs, weir_alg_e alg);


/* --- OpenSSL, fetched once --- */

typedef struct {
    EVP_MD  *sha256;
    EVP_MD  *sha384;
} weir_crypto_t;

/* WEIR_OK or WEIR_ERROR; weir_crypto_done() frees in both cases. */
int weir_crypto_init(weir_crypto_t *c);
void weir_crypto_done(weir_crypto_t *c);

/* SHA-256 into out (32 bytes): WEIR_OK or WEIR_ERROR. */
int weir_crypto_sha256(const weir_crypto_t *c, const void *data, size_t len,
    uint8_t *out);


/* --- key sets --- */

typedef struct {
    weir_str_t   kid;                  /* data is NULL: the key has none */
    weir_alg_e   alg;                  /* WEIR_ALG_UNKNOWN: not usable */
    size_t       sig_len;              /* bytes of a signature */
    EVP_PKEY    *pkey;
    EVP_MD_CTX  *ctx;                  /* made ready, copied for each use */
    uint8_t      thumbprint[32];       /* SHA-256, RFC 7638 */
    const char  *note;                 /* why it is not usable, static */
} weir_jwk_t;

typedef struct {
    const weir_alloc_t  *alloc;
    weir_jwk_t          *keys;
    unsigned             n;
    unsigned             usable;
    uint8_t              digest[32];   /* SHA-256 of the text: generation */
} weir_jwks_t;

/*
 * Parses a JWK set (RFC 7517, 5): at most 64 KiB and 64 keys.  Refused whole:
 * what is no set, private members, symmetric keys beside others, a kid given
 * twice.  A key of a type we do not use, for another use, or that breaks its
 * type's rules stays in the set without being usable, with a note.
 * algs: a key without "alg" gets the first of them that fits its type.
 * WEIR_OK: *set, to be freed by weir_jwks_free(); WEIR_ERROR with err;
 * WEIR_NOMEM.
 */
int weir_jwks_parse(weir_jwks_t **set, const weir_crypto_t *crypto,
    weir_str_t text, const weir_algs_t *algs, const weir_alloc_t *alloc,
    weir_err_t *err);

/* The same from a parsed value; digest is left zero. */
int weir_jwks_load(weir_jwks_t **set, const weir_crypto_t *crypto,
    json_t *json, const weir_algs_t *algs, const weir_alloc_t *alloc,
    weir_err_t *err);

void weir_jwks_free(weir_jwks_t *set);

/* The usable key with this thumbprint, or NULL. */
const weir_jwk_t *weir_jwks_thumbprint(const weir_jwks_t *set,
    const uint8_t *thumbprint);

/*
 * Makes a public JWK of pkey (P-256, P-384, Ed25519, RSA) with its alg and
 * use; kid may be {0, NULL}.  NULL: another type, or no memory.
 */
json_t *weir_jwk_make(EVP_PKEY *pkey, weir_alg_e alg, weir_str_t kid);

/* The algorithm that a key without "alg" gets, WEIR_ALG_UNKNOWN if none. */
weir_alg_e weir_jwk_alg(EVP_PKEY *pkey, const weir_algs_t *algs);

/* RFC 7638 thumbprint (SHA-256) of a JWK of a supported type. */
int weir_jwk_thumbprint(const weir_crypto_t *c, const json_t *jwk,
    uint8_t *out);


/* --- the signature layer --- */

/* A token taken apart; nothing in it is verified. */

typedef struct {
    weir_str_t  input;                 /* header.payload as sent */
    weir_str_t  header;                /* decoded */
    weir_str_t  payload;               /* decoded */
    weir_str_t  signature;             /* decoded */
    weir_str_t  kid;                   /* data is NULL: none */
    weir_str_t  typ;                   /* data is NULL: none */
    weir_alg_e  alg;
} weir_jws_t;

/*
 * Checks size and shape, decodes, and reads the header (RFC 7515, 5.2):
 * duplicate members, crit, b64, enc, zip and cty JWT are refused, key material
 * in the header (jku, jwk, x5u, x5c) is ignored.  Memory comes from a.
 */
weir_token_reason_e weir_jws_parse(weir_jws_t *jws, weir_arena_t *a,
    weir_str_t token);

/*
 * The key of set for jws: by kid, else the only one of the algorithm; alg is
 * the key's and listed in algs.
 */
weir_token_reason_e weir_jws_key(const weir_jws_t *jws,
    const weir_jwks_t *set, const weir_algs_t *algs, const weir_jwk_t **key);

/* Verifies the signature with key. */
weir_token_reason_e weir_jws_verify(const weir_jws_t *jws,
    const weir_jwk_t *key);

/*
 * An ECDSA signature r || s of n bytes each (RFC 7518, 3.4) in DER.  dst has
 * 2 * n + 9 bytes, n at most 66; returns the bytes written.
 */
size_t weir_ecdsa_der(uint8_t *dst, const uint8_t *rs, size_t n);


/* --- claims --- */

typedef struct {
    weir_str_t   name;                 /* of the weir_issuer */
    weir_str_t   issuer;               /* data is NULL: not compared */
    weir_str_t   audience[WEIR_TOKEN_LISTS];
    unsigned     audiences;            /* 0: not compared */
    weir_str_t   typ[WEIR_TOKEN_LISTS];
    unsigned     typs;                 /* 0: "at+jwt" and "JWT" */
    weir_algs_t  algs;
    int64_t      leeway;               /* s */
    int64_t      max_age;              /* s; 0: unset */
    weir_jwks_t *keys;
    uint8_t      digest[32];           /* weir_issuer_digest() */
} weir_issuer_t;

typedef struct {
    const weir_issuer_t  *issuer;
    const weir_jwk_t     *key;
    const weir_claims_t  *claims;
    weir_str_t            subject;     /* data is NULL: none */
    int64_t               exp;         /* whole seconds, rounded down */
    int64_t               nbf;         /* rounded up; 0: none */
} weir_token_t;

/* Digest of all settings of an issuer but its keys: WEIR_OK, WEIR_ERROR. */
int weir_issuer_digest(const weir_crypto_t *c, weir_issuer_t *issuer);

/*
 * Verifies token: shape, unverified claims, then the signature, cheapest
 * first.  The unverified iss selects among issuers by exact equality.  now:
 * seconds since the epoch.  WEIR_TOKEN_VALID: *t, in memory of a.
 */
weir_token_reason_e weir_token_verify(weir_token_t *t, weir_arena_t *a,
    const weir_issuer_t *const *issuers, unsigned n, weir_str_t token,
    int64_t now);

/*
 * Checks a JWT's claims set (RFC 7519, 4.1; RFC 8725) against issuer, all but
 * iss; typ is the header's.  Fills *exp and *nbf.
 */
weir_token_reason_e weir_token_claims(const json_t *claims, weir_str_t typ,
    const weir_issuer_t *issuer, int64_t now, int64_t *exp, int64_t *nbf);

/*
 * Flattens a claims set (weir_claims.h): WEIR_OK, WEIR_NOMEM; WEIR_ERROR: it
 * would be larger than WEIR_FLAT_MAX.
 */
int weir_token_flatten(const weir_claims_t **flat, weir_arena_t *a,
    const json_t *claims);

/* 1 if the flattened claims' aud still holds one of issuer's audiences. */
int weir_token_audience(const weir_claims_t *flat,
    const weir_issuer_t *issuer);


/* --- intake --- */

/*
 * The value of an Authorization field (RFC 6750, 2.1): WEIR_OK and *token,
 * all that follows the one space: whether it is a token, weir_jws_parse()
 * says, or the cache, which compares it with one that was verified.
 * WEIR_DECLINED: another scheme than Bearer; WEIR_ERROR: malformed.
 */
int weir_bearer(weir_str_t value, weir_str_t *token);


#endif /* WEIR_TOKEN_H_INCLUDED */
