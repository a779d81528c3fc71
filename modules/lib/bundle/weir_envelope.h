
/*
 * Weir: DSSE envelopes (secure-systems-lab/dsse, envelope.md and protocol.md
 * 1.0): bytes of a kind with Ed25519 signatures over their pre-authentication
 * encoding.  What is inside is not looked at here.
 */

#ifndef WEIR_ENVELOPE_H_INCLUDED
#define WEIR_ENVELOPE_H_INCLUDED


#include "weir_base.h"
#include "weir_refusal.h"
#include "weir_signer.h"


#define WEIR_ENVELOPE_MAX         65536    /* bytes of the text */
#define WEIR_ENVELOPE_SIGNATURES  16

/*
 * What writers put into one at most: with all signatures it is still an
 * envelope.
 */
#define WEIR_PAYLOAD_MAX          (46 * 1024)

/* What an arena needs at most to read an envelope and what is in it. */
#define WEIR_ENVELOPE_ARENA       (1024 * 1024)


typedef enum {
    WEIR_KIND_NONE = 0,
    WEIR_KIND_BUNDLE,
    WEIR_KIND_SPLIT,
    WEIR_KIND_REVOCATIONS,
    WEIR_KIND_KEY,
    WEIR_KIND_FREEZE,
    WEIR_KIND_TOMBSTONE,
    WEIR_KINDS
} weir_kind_e;

/* "bundle", "split", ...: static. */
weir_str_t weir_kind_word(weir_kind_e kind);

/* The kind of that word, or WEIR_KIND_NONE. */
weir_kind_e weir_kind(weir_str_t word);


typedef struct {
    uint8_t  keyid[WEIR_KEYID_LEN];
    uint8_t  sig[WEIR_SIGNATURE_LEN];
} weir_envelope_sig_t;

typedef struct {
    weir_kind_e          kind;
    weir_str_t           payload;      /* raw bytes */
    uint8_t              hash[WEIR_SHA256_LEN];    /* of the payload */
    unsigned             nsigs;
    weir_envelope_sig_t  sigs[WEIR_ENVELOPE_SIGNATURES];
} weir_envelope_t;


/*
 * Reads an envelope: at most WEIR_ENVELOPE_MAX bytes, exactly the members
 * payloadType, payload, signatures, of each keyid and sig; base64 with
 * padding, canonical.  The payload is decoded into the arena and, apart from
 * its hash, left alone.  No signature is verified.
 * WEIR_OK; WEIR_DECLINED with *why and err: too large, truncated, no envelope
 * (bad-signature); WEIR_NOMEM.
 */
int weir_envelope_parse(weir_envelope_t *e, weir_arena_t *a, weir_str_t text,
    weir_refusal_e *why, weir_err_t *err);

/*
 * An envelope of a payload, unsigned; the payload is not copied and must
 * live as long.  WEIR_OK or WEIR_NOMEM.
 */
int weir_envelope_make(weir_envelope_t *e, weir_kind_e kind,
    weir_str_t payload);

/*
 * Adds the signer's signature; one that it has already is replaced, and
 * Ed25519 makes the same again.  WEIR_OK; WEIR_DECLINED: there are
 * WEIR_ENVELOPE_SIGNATURES already; WEIR_NOMEM.
 */
int weir_envelope_sign(weir_envelope_t *e, weir_arena_t *a,
    const weir_signer_t *signer);

/*
 * The text, in the arena: canonical (no white space, the members in the
 * contract's order), without a line end.  WEIR_OK; WEIR_DECLINED: it is
 * larger than an envelope may be; WEIR_NOMEM.
 */
int weir_envelope_format(const weir_envelope_t *e, weir_arena_t *a,
    weir_str_t *text);

/*
 * The pre-authentication encoding, what is signed, in the arena:
 * "DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload.  {0, NULL}: out
 * of memory.
 */
weir_str_t weir_pae(weir_arena_t *a, weir_str_t type, weir_str_t payload);

/* The same of an envelope. */
weir_str_t weir_envelope_pae(const weir_envelope_t *e, weir_arena_t *a);


#endif /* WEIR_ENVELOPE_H_INCLUDED */
