
/*
 * Weir: whose signatures count, and for what (weir_trust).  A value without
 * pointers: it may be copied, and nothing needs to be released.
 */

#ifndef WEIR_TRUST_H_INCLUDED
#define WEIR_TRUST_H_INCLUDED


#include "weir_envelope.h"


#define WEIR_TRUST_KEYS   32

/* Roles; each kind of document needs one. */

#define WEIR_ROLE_POLICY  0x01         /* bundle */
#define WEIR_ROLE_SPLIT   0x02         /* split */
#define WEIR_ROLE_REVOKE  0x04         /* revocations */
#define WEIR_ROLE_KEY     0x08         /* key */
#define WEIR_ROLE_ALL     0x0f
#define WEIR_ROLES        4


typedef struct {
    weir_public_key_t  pub;
    unsigned           roles;
} weir_trust_key_t;

typedef struct {
    unsigned          nkeys;
    weir_trust_key_t  keys[WEIR_TRUST_KEYS];
    unsigned          thresholds[WEIR_ROLES];  /* 0: 1 */
    uint64_t          epoch;           /* the least, and the newest known */
    uint64_t          min_version;     /* of the bundle, in that epoch */
    unsigned          off:1;           /* unsigned ones are taken too */
} weir_trust_t;


/* "policy,split,revoke,key" of may=: WEIR_OK, or WEIR_ERROR with err. */
int weir_trust_may(weir_str_t list, unsigned *roles, weir_err_t *err);

/*
 * Adds what one directive says: keys that may, and how many of them it takes.
 * A key that is there already gets the roles as well; of several thresholds
 * of a role the highest counts.  WEIR_OK; WEIR_ERROR with err: too many keys,
 * or two keys of one id.
 */
int weir_trust_add(weir_trust_t *t, const weir_public_key_t *pub,
    unsigned roles, weir_err_t *err);
void weir_trust_threshold(weir_trust_t *t, unsigned roles, unsigned n);

/* WEIR_OK; WEIR_ERROR with err: a role's threshold exceeds its keys. */
int weir_trust_check(const weir_trust_t *t, weir_err_t *err);

/*
 * The role for a document.  A tombstone and a freeze name another document in
 * their id ("split/checkout"), whose role they need.  0: there is none.
 */
unsigned weir_role(weir_kind_e kind, weir_str_t id);

/*
 * Whether an envelope is signed as the role asks, before anything in its
 * payload is looked at.  *good: how many of our keys that may have signed
 * (several signatures of one key are one); 0 under "off" is an unsigned one.
 * WEIR_OK; WEIR_DECLINED with *why and err: untrusted, unsigned, role,
 * threshold, bad-signature; WEIR_NOMEM.
 *
 * A signature by a key that is not ours is passed over: keys are replaced one
 * gateway after another.  One of our keys that does not hold refuses all,
 * whatever the others say: somebody changed something.
 */
int weir_trust_verify(const weir_trust_t *t, weir_arena_t *a,
    const weir_envelope_t *e, unsigned role, unsigned *good,
    weir_refusal_e *why, weir_err_t *err);

/*
 * The same in two steps, for who learns the role from what was signed (the
 * audit trail): first that our keys signed at all (*signers: bit i is
 * keys[i]), then that enough of them may.
 */
int weir_trust_signers(const weir_trust_t *t, weir_arena_t *a,
    const weir_envelope_t *e, uint32_t *signers, weir_refusal_e *why,
    weir_err_t *err);
int weir_trust_role(const weir_trust_t *t, uint32_t signers, unsigned role,
    unsigned *good, weir_refusal_e *why, weir_err_t *err);


#endif /* WEIR_TRUST_H_INCLUDED */
