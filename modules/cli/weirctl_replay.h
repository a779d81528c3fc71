
/*
 * weirctl replay: what its files share.
 */

#ifndef WEIRCTL_REPLAY_H_INCLUDED
#define WEIRCTL_REPLAY_H_INCLUDED


#include "weirctl_eval.h"


typedef enum {
    WEIRCTL_REPLAY_SAME = 0,
    WEIRCTL_REPLAY_CHANGED,
    WEIRCTL_REPLAY_UNDETERMINED,
    WEIRCTL_REPLAY_UNDECIDED,       /* no policy decided it */
    WEIRCTL_REPLAY_UNREADABLE,
    WEIRCTL_REPLAY_RESULTS
} weirctl_replay_result_e;


typedef struct {
    weirctl_t              *ctl;
    weirctl_bundle_t        b;
    weir_policy_regexes_t  *regexes;
    json_t                 *changes;
    json_t                 *missing;   /* {why: n} */
    uint64_t                n[WEIRCTL_REPLAY_RESULTS];
} weirctl_replay_t;


/*
 * The request as eval reads it.  *request is NULL where the record does not
 * have all of it, which was counted.  WEIRCTL_GO_ON, or the exit code after a
 * message.
 */
int weirctl_replay_request(weirctl_replay_t *v, const json_t *record,
    json_t **request);

/* Undetermined, for that reason; the same. */
int weirctl_replay_missing(weirctl_replay_t *v, const char *fmt,
    const char *what);


#endif /* WEIRCTL_REPLAY_H_INCLUDED */
