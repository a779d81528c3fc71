
/*
 * weirctl explain: what its files share.
 */

#ifndef WEIRCTL_EXPLAIN_H_INCLUDED
#define WEIRCTL_EXPLAIN_H_INCLUDED


#include "weirctl_eval.h"
#include "weirctl_probe.h"


typedef struct {
    weirctl_t               *ctl;
    weirctl_bundle_t         b;
    weirctl_eval_t           e;
    json_t                  *request;   /* e points into it */
    weirctl_probes_t         p;
    uint32_t                 nrules;    /* that were looked at */
} weirctl_explain_t;


/* Tells the answer of eval and the probes; the exit code. */
int weirctl_explain_print(weirctl_explain_t *x, json_t *answer);


#endif /* WEIRCTL_EXPLAIN_H_INCLUDED */
