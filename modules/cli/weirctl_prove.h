
/*
 * weirctl: what the verbs share that reason about policies.
 */

#ifndef WEIRCTL_PROVE_H_INCLUDED
#define WEIRCTL_PROVE_H_INCLUDED


#include <jansson.h>

#include "weirctl_policy.h"
#include "weir_prove.h"


typedef struct {
    int64_t  at;       /* seconds of the monotonic clock */
} weirctl_deadline_t;

void weirctl_deadline(weirctl_deadline_t *d, unsigned seconds);
int weirctl_expired(void *deadline);
void weirctl_limits(weir_prove_limits_t *limits, weirctl_deadline_t *d);


/* As eval takes it; NULL: no memory. */
json_t *weirctl_request_json(const weir_prove_request_t *request,
    weir_str_t policy);

/* A line for a shell; what a credential must hold is left to the reader. */
void weirctl_request_curl(const weir_prove_request_t *request);


#endif /* WEIRCTL_PROVE_H_INCLUDED */
