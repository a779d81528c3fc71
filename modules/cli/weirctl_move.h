
/*
 * weirctl: documents from one state to a store.
 */

#ifndef WEIRCTL_MOVE_H_INCLUDED
#define WEIRCTL_MOVE_H_INCLUDED


#include "weirctl_state.h"


typedef struct {
    weirctl_state_t      *src;
    weirctl_state_t      *dst;          /* of an open store */
    weirctl_gateways_t    gateways;     /* of dst */
    weir_fences_t         trail;        /* where dst's trail ends */
    weir_fences_t         last;         /* the same, and what is in place */
    json_t               *documents;    /* what became of each */
    uint32_t              nentries;     /* brought */
    uint32_t              nsegments;
    uint32_t              refused;
    unsigned              restore:1;    /* may sign anew; all of the past */
} weirctl_move_t;


/* What becomes of a document. */

typedef enum {
    WEIRCTL_STEP_SAME = 0,              /* it is there */
    WEIRCTL_STEP_COPIED,                /* as it was signed */
    WEIRCTL_STEP_SIGNED,                /* anew, as the next version */
    WEIRCTL_STEP_KEPT,                  /* dst has a newer one */
    WEIRCTL_STEP_REFUSED
} weirctl_step_e;

typedef struct {
    weirctl_place_t  *from;
    weirctl_place_t  *to;               /* NULL: dst has none */
    weirctl_step_e    what;
    weir_refusal_e    why;
    weir_err_t        err;
    uint64_t          highest;          /* version that anybody knows */
    uint64_t          epoch;
    uint64_t          version;          /* that dst has in the end */
} weirctl_step_t;


/*
 * Brings what dst lacks: entries of the trail, segments, live documents, the
 * head last.  A newer document of dst stays; a restore signs anew instead, if
 * there is a key, and writes nothing where it cannot bring everything.
 * WEIRCTL_YES, WEIRCTL_NO if something was refused, which is said, or the
 * exit code; weirctl_move_done() in any case.
 */
int weirctl_move(weirctl_move_t *m, weirctl_state_t *src,
    weirctl_state_t *dst, int restore);
void weirctl_move_done(weirctl_move_t *m);

/* The lines, or the JSON object, of what was done. */
int weirctl_move_print(weirctl_move_t *m, const char *verb);

/* Fills what is to be done with s->from, and what is known of its like. */
void weirctl_move_decide(weirctl_move_t *m, weirctl_step_t *s);


#endif /* WEIRCTL_MOVE_H_INCLUDED */
