
/*
 * Weir: what the files of the comparison share.  Private to lib/prove.
 */

#ifndef WEIR_PROVE_DIFF_H_INCLUDED
#define WEIR_PROVE_DIFF_H_INCLUDED


#include "weir_prove_ask.h"


typedef struct {
    weir_arena_t               *arena;
    const weir_prove_limits_t  *limits;
    weir_prove_finding_t      **last;
    weir_prove_memo_t           memo;
    weir_str_t                  policy;
} weir_prove_diff_t;


/* One more finding, of df->policy; NULL: no memory. */
weir_prove_finding_t *weir_prove_found(weir_prove_diff_t *df, int permits,
    int verdict, const char *why);

/*
 * weir_prove_effects.c: where both decide alike and oblige to different
 * things.  WEIR_OK or WEIR_NOMEM.
 */
int weir_prove_effects(weir_prove_diff_t *df, weir_prove_side_t *old,
    weir_prove_side_t *new);


#endif /* WEIR_PROVE_DIFF_H_INCLUDED */
