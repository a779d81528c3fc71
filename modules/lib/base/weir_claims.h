
/*
 * Weir: claims of a credential, flattened once into one position independent
 * block that can be compared, copied and kept in shared memory.
 *
 * The block is a weir_claims_t followed by its entries, sorted by key (the
 * shorter first), and their bytes.  A key is the path of members joined with
 * NUL: claim.a.b is "a\0b", claim["https://x"] is "https://x".  Objects have an entry of their
 * own (type WEIR_CLAIM_OBJECT) besides those of their members; JSON null has
 * none.
 */

#ifndef WEIR_CLAIMS_H_INCLUDED
#define WEIR_CLAIMS_H_INCLUDED


#include "weir_base.h"


typedef enum {
    WEIR_CLAIM_OTHER = 0,     /* a fraction, a large integer, a mixed array */
    WEIR_CLAIM_OBJECT,
    WEIR_CLAIM_BOOL,
    WEIR_CLAIM_INT,
    WEIR_CLAIM_STRING,
    WEIR_CLAIM_SET            /* an array of strings */
} weir_claim_type_t;


/* Offsets are from the start of the block. */

typedef struct {
    uint32_t  key;
    uint32_t  key_len;
    uint32_t  type;           /* weir_claim_type_t */
    uint32_t  value;          /* string bytes; set: value_len x {off, len} */
    uint32_t  value_len;      /* bytes, or the number of a set's strings */
    uint32_t  reserved;
    int64_t   number;         /* int, bool */
} weir_claim_entry_t;


typedef struct {
    uint32_t  size;           /* bytes of the whole block */
    uint32_t  count;
} weir_claims_t;


/* The entry of key, or NULL: binary search. */
const weir_claim_entry_t *weir_claims_find(const weir_claims_t *c,
    weir_str_t key);

/* The entry's string (WEIR_CLAIM_STRING). */
weir_str_t weir_claims_string(const weir_claims_t *c,
    const weir_claim_entry_t *e);

/* String i of a WEIR_CLAIM_SET. */
weir_str_t weir_claims_item(const weir_claims_t *c,
    const weir_claim_entry_t *e, uint32_t i);


/*
 * Building: values are added in any order, then laid out.  Used where no
 * request waits (token verification on a cache miss, eval, tests).
 */

typedef struct weir_claims_builder_s  weir_claims_builder_t;

/* A builder in the arena; NULL when out of memory. */
weir_claims_builder_t *weir_claims_builder(weir_arena_t *a);

/*
 * Adds one claim; key and value bytes must live until the block is built.
 * A key added twice: WEIR_ERROR.  items: n strings of a set.
 */
int weir_claims_add(weir_claims_builder_t *b, weir_str_t key,
    weir_claim_type_t type, int64_t number, weir_str_t string,
    const weir_str_t *items, uint32_t n);

/* The finished block in the arena; NULL when out of memory. */
const weir_claims_t *weir_claims_build(weir_claims_builder_t *b);


#endif /* WEIR_CLAIMS_H_INCLUDED */
