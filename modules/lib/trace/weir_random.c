
/*
 * Weir: a buffer of random bytes that belongs to one process.
 */

#include "weir_random.h"


int
weir_random_take(weir_random_t *r, uint64_t owner,
    weir_random_refill_pt refill, void *refill_ctx, void *dst, size_t len)
{
    uint8_t  *p;

    if (len > WEIR_RANDOM_SIZE) {
        return WEIR_ERROR;
    }

    if (r->owner != owner || r->left < len) {

        /* nothing is left of it if the generator fails halfway */

        r->left = 0;

        if (refill(refill_ctx, r->bytes, WEIR_RANDOM_SIZE) != WEIR_OK) {
            return WEIR_ERROR;
        }

        r->owner = owner;
        r->left = WEIR_RANDOM_SIZE;
    }

    p = r->bytes + WEIR_RANDOM_SIZE - r->left;

    memcpy(dst, p, len);
    memset(p, 0, len);

    r->left -= len;

    return WEIR_OK;
}
