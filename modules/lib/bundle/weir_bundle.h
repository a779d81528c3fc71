
/*
 * Weir: a bundle's files become an image, or the reason why not.
 */

#ifndef WEIR_BUNDLE_H_INCLUDED
#define WEIR_BUNDLE_H_INCLUDED


#include "weir_policy.h"
#include "weir_refusal.h"


/*
 * Compiles the files (by name: weir_unpack_files()).  bundle lies in the arena
 * and points into the files.  WEIR_OK; WEIR_DECLINED with *why (policy-error)
 * and err, the first error as FILE:LINE:COLUMN: error: MESSAGE; bundle is
 * filled then, too; WEIR_NOMEM.
 */
int weir_bundle_compile(weir_policy_bundle_t *bundle, weir_arena_t *a,
    const weir_policy_source_t *files, uint32_t nfiles,
    const weir_policy_zones_t *zones, weir_refusal_e *why, weir_err_t *err);


#endif /* WEIR_BUNDLE_H_INCLUDED */
