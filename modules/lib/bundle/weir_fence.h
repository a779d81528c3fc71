
/*
 * Weir: fences: the newest version of each document that a gateway has
 * accepted.  They only rise, and lie on disk so that a restart does not lower
 * them.
 */

#ifndef WEIR_FENCE_H_INCLUDED
#define WEIR_FENCE_H_INCLUDED


#include "weir_base.h"
#include "weir_signer.h"


#define WEIR_FENCES_MAX     4096
#define WEIR_FENCES_TEXT    (2 * 1024 * 1024)      /* bytes of a file */


typedef struct {
    weir_str_t  name;                  /* "bundle/head", "split/checkout" */
    uint64_t    epoch;
    uint64_t    version;
    uint8_t     hash[WEIR_SHA256_LEN];     /* of the payload */
} weir_fence_t;

/* By name; grows in the arena. */

typedef struct {
    weir_arena_t  *arena;
    weir_str_t     ns;
    weir_fence_t  *fences;
    uint32_t       n;
    uint32_t       size;
} weir_fences_t;


/* Empty ones of a namespace, whose name must live as long. */
void weir_fences_init(weir_fences_t *f, weir_arena_t *a, weir_str_t ns);

/* The fence of a document, or NULL; good until the next one is added. */
const weir_fence_t *weir_fences_find(const weir_fences_t *f, weir_str_t name);

/* <0, 0, >0: (epoch, version) of a before, at, behind those of b. */
int weir_fence_cmp(const weir_fence_t *a, const weir_fence_t *b);

/*
 * Raises or adds a fence; everything is copied.  WEIR_OK, also if it stands
 * there already; WEIR_DECLINED: it would fall, or is the same version with
 * another hash: it stays; WEIR_ERROR: there are WEIR_FENCES_MAX;
 * WEIR_NOMEM.
 */
int weir_fences_raise(weir_fences_t *f, const weir_fence_t *fence);

/*
 * Raises f to all of other: WEIR_OK; WEIR_DECLINED: a version of both has
 * two hashes, of which the one of f stays; WEIR_ERROR; WEIR_NOMEM.
 */
int weir_fences_merge(weir_fences_t *f, const weir_fences_t *other);

/*
 * The file's text in the arena; its last line is the hash of what is before,
 * so that a torn or edited file is noticed.  {0, NULL}: out of memory.
 */
weir_str_t weir_fences_format(const weir_fences_t *f, weir_arena_t *a);

/*
 * Reads such a file; slices are copied.  WEIR_OK; WEIR_ERROR with err, naming
 * the line; WEIR_NOMEM.
 */
int weir_fences_parse(weir_fences_t *f, weir_arena_t *a, weir_str_t text,
    weir_err_t *err);


#endif /* WEIR_FENCE_H_INCLUDED */
