
/*
 * Weir: a gateway drained by whoever may write to its own folder
 * (weir_state), and by nobody else.  Blocking.
 *
 *   DIR/drain     weir-drain 1 RUN NONCE on|off
 *                 from weirctl: to the gateway that runs as RUN
 *   DIR/gateway   weir-gateway 1 NODE RUN NONCE draining|serving N
 *                 from the gateway: which request it has seen last, what it
 *                 does, and how many requests are under way
 *
 * RUN is new with each start of a gateway: what was asked of one that is gone
 * is asked of nobody.  Errors are those of the store.
 */

#ifndef WEIR_DRAIN_H_INCLUDED
#define WEIR_DRAIN_H_INCLUDED


#include "weir_store.h"


#define WEIR_DRAIN_ID    32      /* hex digits of RUN and of NONCE */
#define WEIR_DRAIN_NODE  64      /* bytes of a node's name, at most */


/* What stands in either file; of a request, node and in_flight are none. */

typedef struct {
    char      node[WEIR_DRAIN_NODE + 1];
    char      run[WEIR_DRAIN_ID + 1];
    char      nonce[WEIR_DRAIN_ID + 1];   /* "": nothing was asked yet */
    unsigned  draining:1;
    uint64_t  in_flight;
} weir_drain_t;


/*
 * Reads the request: WEIR_STORE_MISSING: there is none; WEIR_STORE_CORRUPT:
 * that is no request.  Whether it is meant for this run is for the caller.
 */
weir_store_code_e weir_drain_request(const char *dir, weir_drain_t *d,
    weir_store_err_t *err);

/* Writes it: whole or not at all. */
weir_store_code_e weir_drain_ask(const char *dir, const weir_drain_t *d,
    weir_store_err_t *err);

/* Reads what the gateway says; as weir_drain_request(). */
weir_store_code_e weir_drain_answer(const char *dir, weir_drain_t *d,
    weir_store_err_t *err);

/* Writes it, for its owner alone. */
weir_store_code_e weir_drain_tell(const char *dir, const weir_drain_t *d,
    weir_store_err_t *err);


#endif /* WEIR_DRAIN_H_INCLUDED */
