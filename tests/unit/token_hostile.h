
/*
 * Tests: hostile tokens: none may be accepted, none may end in an error.
 */

#ifndef TOKEN_HOSTILE_H_INCLUDED
#define TOKEN_HOSTILE_H_INCLUDED


#include "token_make.h"


static weir_issuer_t  issuer;
static unsigned       count;


static inline void
hostile(const char *what, weir_str_t text)
{
    weir_token_reason_e  reason;

    count++;

    reason = verify_at(&issuer, text, NOW);

    if (reason == WEIR_TOKEN_VALID || reason == WEIR_TOKEN_ERROR) {
        fail_msg("%s: %s: %.*s", what,
                 (const char *) weir_token_reason(reason).data,
                 (int) (text.len < 600 ? text.len : 600), text.data);
    }
}


static inline void
hostile_str(const char *what, const char *text)
{
    hostile(what, str(text));
}


static inline int
hostile_setup(void **state)
{
    if (keys_setup(state) != 0) {
        return -1;
    }

    issuer_make(&issuer, jwks_all());

    return 0;
}


static inline int
hostile_teardown(void **state)
{
    weir_jwks_free(issuer.keys);

    return keys_teardown(state);
}


#endif /* TOKEN_HOSTILE_H_INCLUDED */
