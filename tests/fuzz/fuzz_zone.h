
/*
 * Weir: the time zone that the fuzzers of policies have: one, without a file;
 * summer time by a footer's rule.
 */

#ifndef FUZZ_ZONE_H_INCLUDED
#define FUZZ_ZONE_H_INCLUDED


#include <string.h>

#include "weir_policy.h"


static inline int
zone(void *ctx, weir_str_t name, weir_str_t *tzif)
{
    size_t          i;
    static uint8_t  paris[2 * 51 + 32];

    static const char  footer[] = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";

    (void) ctx;

    if (!weir_str_eq(name, weir_str("Europe/Paris"))) {
        return WEIR_DECLINED;
    }

    /* twice a head and one type with a name of one byte: offset 0 */

    for (i = 0; i < 2 * 51; i += 51) {
        memcpy(paris + i, "TZif2", 5);
        paris[i + 39] = 1;
        paris[i + 43] = 1;
    }

    memcpy(paris + i, footer, sizeof(footer) - 1);

    tzif->data = paris;
    tzif->len = i + sizeof(footer) - 1;

    return WEIR_OK;
}


#endif /* FUZZ_ZONE_H_INCLUDED */
