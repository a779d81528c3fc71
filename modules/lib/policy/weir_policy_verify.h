
/*
 * Weir: what the files of the image's check share.  Private to lib/policy.
 */

#ifndef WEIR_POLICY_VERIFY_H_INCLUDED
#define WEIR_POLICY_VERIFY_H_INCLUDED


#include "weir_policy_image.h"


typedef struct {
    const weir_policy_image_t  *image;
    const weir_policy_rec_t    *rec;
    uint32_t                    left;      /* nodes, entries: to be visited */
} weir_policy_verify_t;


/* weir_policy_verify.c: 1 if all of it lies in the image, aligned. */

int weir_policy_inside(weir_policy_verify_t *v, uint32_t off, uint64_t n,
    size_t size, size_t align);
int weir_policy_array(weir_policy_verify_t *v, const weir_policy_array_t *a,
    size_t size);
int weir_policy_ref(weir_policy_verify_t *v, const weir_policy_ref_t *ref);

/* weir_policy_verify_index.c: when all else of the policy is verified. */

int weir_policy_verify_index(weir_policy_verify_t *v);


#endif /* WEIR_POLICY_VERIFY_H_INCLUDED */
