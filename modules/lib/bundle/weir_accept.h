
/*
 * Weir: the one decision about a document of the store: taken, or refused and
 * why (security.md 3.1 to 3.3).
 */

#ifndef WEIR_ACCEPT_H_INCLUDED
#define WEIR_ACCEPT_H_INCLUDED


#include "weir_document.h"
#include "weir_fence.h"
#include "weir_trust.h"


#define WEIR_VERSION_JUMP  (1u << 20)  /* how far a version may rise at once */


/* What is expected in a place of the store, and what is known of it. */

typedef struct {
    const weir_trust_t  *trust;        /* NULL: none is configured */
    weir_str_t           ns;
    weir_kind_e          kind;         /* bundle, split, revocations, key */
    weir_str_t           id;           /* WEIR_BUNDLE_ID; the split's name */
    const weir_fence_t  *fence;        /* NULL: never accepted one */
    uint64_t             live_epoch;   /* of the active head */
    uint64_t             live_min;     /* its least version; 0: none said */
    int64_t              now;          /* s since the epoch of Unix */
} weir_expect_t;

typedef struct {
    weir_refusal_e   why;              /* WEIR_REFUSAL_NONE: taken */
    unsigned         unchanged:1;      /* taken before: nothing to do */
    unsigned         tombstone:1;      /* taken: there is no such document */
    unsigned         parsed:1;         /* doc is filled, its signers ours */
    unsigned         good;             /* keys that signed; 0: unsigned */
    weir_fence_t     fence;            /* of the one seen; name in the arena */
    weir_envelope_t  envelope;
    weir_document_t  doc;
} weir_accept_t;


/*
 * Decides about an envelope's text, which must live as long as r.  What does
 * not depend on a key is bounded by WEIR_ENVELOPE_MAX; nothing in the payload
 * is read before enough signatures hold.  Raising the fence to r->fence and
 * persisting it is the caller's, once the document is in effect.
 * WEIR_OK: taken; WEIR_DECLINED with r->why and err; WEIR_NOMEM: no verdict.
 */
int weir_accept(weir_accept_t *r, weir_arena_t *a, const weir_expect_t *x,
    weir_str_t text, weir_err_t *err);

/*
 * Whether what was accepted before may be in effect under the trust of now:
 * after a reload, and for snapshots at start.  Signatures, namespace, kind and
 * id only: time and versions had their say when it was accepted.
 */
int weir_accept_again(weir_accept_t *r, weir_arena_t *a,
    const weir_expect_t *x, weir_str_t text, weir_err_t *err);

/*
 * A place in the store that is empty, or gone: WEIR_OK: there never was
 * anything; WEIR_DECLINED with *why (older) and err: a fence, min_version or
 * the head's live_min says that there must be.
 */
int weir_accept_absent(const weir_expect_t *x, weir_refusal_e *why,
    weir_err_t *err);

/* The least version that head names for a live document; 0: none. */
uint64_t weir_live_min(const weir_document_t *head, weir_str_t name);


#endif /* WEIR_ACCEPT_H_INCLUDED */
