
/*
 * Weir: verified tokens, found again by comparison.
 *
 * Two levels.  A ring in memory that processes share: an append-only ring of
 * entries behind a hash index; writers hold a lock, readers none: they copy
 * and then look whether a writer has come near meanwhile.  A table of a single
 * process: entries with reference counts that requests may keep.
 *
 * A hash only finds a candidate.  What decides is the comparison of the whole
 * token, of the digest of the issuer's settings and of the key set.
 */

#ifndef WEIR_TOKEN_CACHE_H_INCLUDED
#define WEIR_TOKEN_CACHE_H_INCLUDED


#include "weir_base.h"
#include "weir_claims.h"
#include "weir_hash.h"


#define WEIR_CACHE_LIFE       300      /* s at most that an entry lives */
#define WEIR_CACHE_ENTRY_MAX  16384    /* bytes; larger ones are not kept */
#define WEIR_CACHE_PRINCIPAL  64       /* entries of one principal */
#define WEIR_CACHE_TAIL       43       /* bytes of the token that are hashed */


/* An entry: the head, the principal, the token, and the claims, aligned. */

typedef struct {
    uint32_t  size;                    /* bytes of all */
    uint32_t  dead;
    uint32_t  token;                   /* offsets from the start */
    uint32_t  token_len;
    uint32_t  principal;
    uint32_t  principal_len;
    uint32_t  subject_len;             /* the principal's last bytes */
    uint32_t  claims;
    uint64_t  hash;                    /* weir_cache_hash() of the token */
    uint64_t  owner;                   /* hash of the principal */
    uint64_t  next;                    /* older entry of that owner's chain */
    int64_t   exp;
    int64_t   nbf;
    int64_t   until;                   /* not used from then on */
    uint8_t   issuer[32];              /* digest of the issuer's settings */
    uint8_t   keys[32];                /* digest of the key set */
    uint8_t   thumbprint[32];          /* of the key that verified it */
} weir_cache_entry_t;


/* What an entry is made of. */

typedef struct {
    weir_str_t            token;
    weir_str_t            kind;        /* "jwt" */
    weir_str_t            issuer;      /* name */
    weir_str_t            subject;
    const weir_claims_t  *claims;
    int64_t               exp;
    int64_t               nbf;
    const uint8_t        *issuer_digest;
    const uint8_t        *keys_digest;
    const uint8_t        *thumbprint;
} weir_cache_source_t;


/* SipHash-1-3 of the token's last 43 bytes. */
uint64_t weir_cache_hash(const weir_hash_key_t *key, weir_str_t token);

/* Bytes of the entry that source makes. */
size_t weir_cache_size(const weir_cache_source_t *source);

/* Makes it in dst (weir_cache_size() bytes, 8-aligned). */
void weir_cache_make(weir_cache_entry_t *dst, const weir_hash_key_t *key,
    const weir_cache_source_t *source, int64_t now);

weir_str_t weir_cache_token(const weir_cache_entry_t *e);
weir_str_t weir_cache_principal(const weir_cache_entry_t *e);
weir_str_t weir_cache_subject(const weir_cache_entry_t *e);
const weir_claims_t *weir_cache_claims(const weir_cache_entry_t *e);

/* 1 while the entry may be used: its own life, exp and nbf with leeway. */
int weir_cache_fresh(const weir_cache_entry_t *e, int64_t now,
    int64_t leeway);


/* --- the ring, in memory that processes share --- */

typedef struct weir_ring_s  weir_ring_t;

/*
 * Prepares size zeroed bytes at mem (64-aligned), unless it was done already
 * with the same size.  WEIR_OK; WEIR_ERROR: too small, or of another layout.
 */
int weir_ring_init(void *mem, size_t size);

#define WEIR_RING_MIN  65536

/*
 * Copies the entry of token into dst (size bytes).  No lock.  WEIR_OK, or
 * WEIR_DECLINED.  What it found is the caller's to judge: expiry, issuer,
 * key set.  match says of a copied entry whether it is wanted: several may be
 * there for one token.
 */
int weir_ring_find(const weir_ring_t *ring, uint64_t hash, weir_str_t token,
    weir_cache_entry_t *dst, size_t size,
    int (*match)(const weir_cache_entry_t *e, void *data), void *data);

/*
 * Adds an entry; the caller holds the lock.  An older one of the same token
 * and issuer digest goes, and the principal's oldest beyond 64.  Returns how
 * many live entries were displaced; -1: it is too large.
 */
int weir_ring_add(weir_ring_t *ring, const weir_cache_entry_t *e,
    int64_t now);

/* Bytes of the ring that hold entries. */
size_t weir_ring_used(const weir_ring_t *ring);

/* Live entries of a principal by its hash; the caller holds the lock. */
unsigned weir_ring_owned(const weir_ring_t *ring, const weir_cache_entry_t *e,
    int64_t now);


/* --- the table of one process --- */

typedef struct weir_held_s  weir_held_t;

struct weir_held_s {
    uint32_t             refs;
    uint32_t             used;         /* tick */
    unsigned             in:1;         /* in the table */
    const void          *issuer;       /* the caller's */
    weir_cache_entry_t  *entry;
};

typedef struct {
    const weir_alloc_t  *alloc;
    weir_held_t        **slots;        /* sets of four */
    uint32_t             sets;
    uint32_t             tick;
} weir_table_t;

/* sets is a power of two.  WEIR_OK or WEIR_NOMEM. */
int weir_table_init(weir_table_t *t, const weir_alloc_t *alloc,
    uint32_t sets);

/* Frees the table and what nobody refers to. */
void weir_table_done(weir_table_t *t);

/* The entry of token that match wants, with a reference; or NULL. */
weir_held_t *weir_table_find(weir_table_t *t, uint64_t hash,
    weir_str_t token, int (*match)(const weir_held_t *h, void *data),
    void *data);

/*
 * Keeps a copy of e, in place of the least recently used of its set; returns
 * it with a reference.  NULL: out of memory.
 */
weir_held_t *weir_table_add(weir_table_t *t, const weir_cache_entry_t *e,
    const void *issuer);

/* Takes an entry out of the table. */
void weir_table_drop(weir_table_t *t, weir_held_t *h);

/* Gives a reference back. */
void weir_held_release(const weir_alloc_t *alloc, weir_held_t *h);


#endif /* WEIR_TOKEN_CACHE_H_INCLUDED */
