
/*
 * Weir: a gateway's own folder (weir_state): what it accepted, so that it
 * starts without the store and never goes back.  Blocking: for start, and for
 * tasks of a thread pool; one process writes at a time.
 *
 *   DIR/fence                   what was accepted of each document
 *   DIR/bundles/SEQ-HEX.bundle  the last good bundles: head and segments, as
 *                               they were signed; HEX is SHA-256 of the head
 *   DIR/live/KIND/NAME.json     live documents, as they were signed
 *
 * All is replaced whole or not at all; a full disk leaves what was there.
 * What is read back is not to be believed before its signatures are verified.
 * Errors are those of the store.
 */

#ifndef WEIR_STATE_H_INCLUDED
#define WEIR_STATE_H_INCLUDED


#include "weir_store.h"


#define WEIR_STATE_BUNDLES    3          /* kept */
#define WEIR_STATE_SEGMENTS   4096       /* of a bundle, at most */


typedef struct weir_state_s  weir_state_t;


typedef struct {
    uint64_t  seq;                       /* grows with each one saved */
    uint8_t   hash[WEIR_STORE_HASH];     /* of the head's bytes */
} weir_state_entry_t;


typedef struct {
    weir_str_t                   head;
    const weir_store_segment_t  *segments;
    uint32_t                     nsegments;
} weir_state_bundle_t;


/*
 * Opens the folder, which is made if it is not there (not its parents).
 * now: seconds since the epoch; what writers who died left is removed when
 * it is a minute old.
 */
weir_store_code_e weir_state_open(weir_state_t **state,
    const weir_alloc_t *alloc, const char *dir, int64_t now,
    weir_store_err_t *err);
void weir_state_close(weir_state_t *state);

/* The fence's text; WEIR_STORE_MISSING: there was none ever. */
weir_store_code_e weir_state_fence(weir_state_t *state, weir_arena_t *a,
    size_t max, weir_str_t *bytes, weir_store_err_t *err);
weir_store_code_e weir_state_put_fence(weir_state_t *state, weir_str_t bytes,
    weir_store_err_t *err);

/*
 * Saves a bundle as the newest; of older ones with other heads, two stay.
 * To be called before the fence says that it was accepted.
 */
weir_store_code_e weir_state_save(weir_state_t *state,
    const weir_state_bundle_t *bundle, weir_store_err_t *err);

/* The bundles that are there, newest first; *n at most WEIR_STATE_BUNDLES. */
weir_store_code_e weir_state_bundles(weir_state_t *state,
    weir_state_entry_t *entries, uint32_t *n, weir_store_err_t *err);

/*
 * Reads a bundle of at most max bytes in all; every part is compared with
 * its hash: WEIR_STORE_CORRUPT names the file and the part.
 */
weir_store_code_e weir_state_load(weir_state_t *state, weir_arena_t *a,
    const weir_state_entry_t *entry, size_t max, weir_state_bundle_t *bundle,
    weir_store_err_t *err);

/* Live documents, as in the store. */
weir_store_code_e weir_state_live(weir_state_t *state, weir_arena_t *a,
    weir_str_t kind, weir_str_t name, size_t max, weir_str_t *bytes,
    weir_store_err_t *err);
weir_store_code_e weir_state_put_live(weir_state_t *state, weir_str_t kind,
    weir_str_t name, weir_str_t bytes, weir_store_err_t *err);


#endif /* WEIR_STATE_H_INCLUDED */
