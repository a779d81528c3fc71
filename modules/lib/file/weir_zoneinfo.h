
/*
 * Weir: the system's time zones, for windows of policies.
 */

#ifndef WEIR_ZONEINFO_H_INCLUDED
#define WEIR_ZONEINFO_H_INCLUDED


#include "weir_policy.h"


/* Where Linux and the BSDs have them (package tzdata). */

#define WEIR_ZONEINFO  "/usr/share/zoneinfo"


typedef struct {
    weir_arena_t         *arena;     /* what is read lies here */
    const char           *folder;    /* WEIR_ZONEINFO, or another */
    weir_policy_zones_t   zones;     /* for weir_policy_compile() */
} weir_zoneinfo_t;


/* Prepares the reader of a folder; reads nothing yet. */
void weir_zoneinfo(weir_zoneinfo_t *zi, weir_arena_t *arena,
    const char *folder);


#endif /* WEIR_ZONEINFO_H_INCLUDED */
