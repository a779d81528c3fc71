
/*
 * weirctl audit verify: what is read, and what was found.
 */

#ifndef WEIRCTL_AUDIT_H_INCLUDED
#define WEIRCTL_AUDIT_H_INCLUDED


#include "weirctl_fleet.h"


typedef struct {
    weirctl_fleet_t  *fleet;
    weir_audit_t      audit;
    weir_arena_t      scratch;
    const char       *from;             /* "trail", or a file */
    json_t           *problems;
    int64_t           begins;           /* the trail, by the store's clock */
    weir_str_t        first;            /* line of the trail */
    weir_str_t        last;             /* line of the export before */
    uint64_t          skip;             /* entries that were read */
    int               rc;               /* GO_ON, or no memory */
} weirctl_verify_t;


#define weirctl_verify_problem(v, where, line, why, text)                     \
    weirctl_problem((v)->problems, where, line, why, text)

/* What is wrong is a problem: GO_ON, or the exit code after a message. */
int weirctl_verify_store(weirctl_verify_t *v);
int weirctl_verify_gateways(weirctl_verify_t *v);


#endif /* WEIRCTL_AUDIT_H_INCLUDED */
