
/*
 * weirctl: whom policies let in: what its files share.
 */

#ifndef WEIRCTL_WHO_H_INCLUDED
#define WEIRCTL_WHO_H_INCLUDED


#include "weirctl_package.h"
#include "weirctl_prove.h"


typedef struct {
    weirctl_t                *ctl;
    weirctl_bundle_t          b;
    weir_str_t                policy;       /* absent: all */
    weir_prove_past_t        *past;         /* NULL: no store was named */
    weir_prove_grant_t       *grants;
    const char               *dir;
    unsigned                  review:1;
    unsigned                  csv:1;
} weirctl_who_t;


/* Tells the grants; the exit code. */
int weirctl_who_print(const weirctl_who_t *w);

/*
 * What the store's trail says of bundles that were published, signed by keys
 * that are known here.  WEIRCTL_GO_ON, or the exit code after a message.
 */
int weirctl_who_past(weirctl_who_t *w, const weirctl_fleet_options_t *o);


#endif /* WEIRCTL_WHO_H_INCLUDED */
