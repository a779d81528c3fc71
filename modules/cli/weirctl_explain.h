
/*
 * weirctl explain: what its files share.
 */

#ifndef WEIRCTL_EXPLAIN_H_INCLUDED
#define WEIRCTL_EXPLAIN_H_INCLUDED


#include "weirctl_eval.h"
#include "weirctl_prove.h"


typedef struct weirctl_probe_s  weirctl_probe_t;

struct weirctl_probe_s {
    weir_prove_item_t  *rule;
    weir_prove_item_t  *statement;      /* NULL: the whole rule */
    unsigned            yes:1;
    unsigned            maybe:1;
    weirctl_probe_t    *next;
};


typedef struct {
    weirctl_t               *ctl;
    weirctl_bundle_t         b;
    weirctl_eval_t           e;
    json_t                  *request;   /* e points into it */
    weir_prove_item_t       *items;     /* of the policy's file */
    uint32_t                 file;
    weirctl_probe_t         *probes;
    weirctl_probe_t        **last;
    uint32_t                 nrules;    /* that were looked at */
} weirctl_explain_t;


/* Tells the answer of eval and the probes; the exit code. */
int weirctl_explain_print(weirctl_explain_t *x, json_t *answer);


#endif /* WEIRCTL_EXPLAIN_H_INCLUDED */
