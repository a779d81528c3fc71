
/*
 * Weir: traffic splits: which colour a unit (a user, an address) gets.
 *
 * The answer depends on the secret, the salt, the unit and the weights alone:
 * it is the same on every gateway, needs no cookie, and cannot be computed by
 * a client.  A change of weights moves as few units as it can:
 *
 * - up to two colours and the rest: the units lie on a line; the first colour
 *   takes its share from one end, the second from the other.  When one weight
 *   changes, units move between that colour and the rest, and no others.
 * - more: weighted rendezvous (highest of -w / ln u, u hashed for each colour;
 *   Schindelhauer, Schomaker 2005).  Raising one weight moves units to that
 *   colour, and nobody from it.
 *
 * All arithmetic is on integers: every machine agrees.
 */

#ifndef WEIR_SPLIT_H_INCLUDED
#define WEIR_SPLIT_H_INCLUDED


#include "weir_base.h"
#include "weir_hash.h"


#define WEIR_SPLIT_WHOLE    10000u     /* 100% in hundredths of a percent */
#define WEIR_SPLIT_COLOURS  32         /* the rest included */


typedef struct {
    weir_str_t       name;
    weir_hash_key_t  key;
} weir_split_colour_t;


/* The last colour is the rest: it takes what the others leave. */

typedef struct {
    weir_hash_key_t      secret;
    weir_hash_key_t      key;
    uint32_t             ncolours;
    weir_split_colour_t  colours[WEIR_SPLIT_COLOURS];
} weir_split_t;


/*
 * Parses a weight: "5%", "0.01%", "100%" in steps of 0.01%.  WEIR_DECLINED
 * for "*", WEIR_ERROR for anything else.
 */
int weir_split_weight(weir_str_t s, uint32_t *weight);

/* Starts a split: secret is the gateways' common one, salt the split's own. */
void weir_split_init(weir_split_t *split, const weir_hash_key_t *secret,
    weir_str_t salt);

/*
 * Adds a colour, the rest last; name must live as long as the split.
 * WEIR_DECLINED: it is there already; WEIR_ERROR: there are too many.
 */
int weir_split_add(weir_split_t *split, weir_str_t name);

/* Index of the colour of that name, or WEIR_DECLINED. */
int weir_split_colour(const weir_split_t *split, weir_str_t name);

/*
 * Index of the unit's colour.  weights: of all colours but the rest, in
 * hundredths of a percent, WEIR_SPLIT_WHOLE together at most.
 */
uint32_t weir_split_pick(const weir_split_t *split, const uint32_t *weights,
    weir_str_t unit);


#endif /* WEIR_SPLIT_H_INCLUDED */
