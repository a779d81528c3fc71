
/*
 * Tests: what is expected in a place of the store, and what is decided.
 */

#ifndef BUNDLE_EXPECT_H_INCLUDED
#define BUNDLE_EXPECT_H_INCLUDED


#include "bundle_make.h"


#define K0  0x1
#define K1  0x2
#define K2  0x4
#define K3  0x8


static weir_trust_t   trust;
static weir_expect_t  expect;
static weir_accept_t  result;
static weir_fence_t   fence;


static inline int
expect_setup(void **state)
{
    memset(&expect, 0, sizeof(expect));
    memset(&fence, 0, sizeof(fence));

    trust = trust_in(2);

    expect.trust = &trust;
    expect.ns = weir_str("prod");
    expect.kind = WEIR_KIND_SPLIT;
    expect.id = weir_str("checkout");
    expect.now = NOW;

    return arena_setup(state);
}


#define e_test(f)  cmocka_unit_test_setup_teardown(f, expect_setup,           \
                                                   arena_teardown)


/* What is decided about a text; "" is taken. */

static inline void
decide(weir_str_t text, const char *word)
{
    int  rc;

    error.text[0] = '\0';
    memset(&result, 0xee, sizeof(result));

    rc = weir_accept(&result, &arena, &expect, text, &error);

    if (strcmp((const char *) weir_refusal_word(result.why).data, word) != 0
        || rc != (word[0] == '\0' ? WEIR_OK : WEIR_DECLINED)
        || (rc != WEIR_OK && error.text[0] == '\0'))
    {
        fail_msg("wanted \"%s\", is \"%s\" %d %s", word,
                 (const char *) weir_refusal_word(result.why).data, rc,
                 error.text);
    }
}


/* The gateway has accepted this. */

static inline void
accepted(const weir_document_t *d)
{
    expect.fence = NULL;
    decide(sealed(d, K0), "");
    fence = result.fence;
    expect.fence = &fence;
}


static inline void
with(weir_document_t d, const char *word)
{
    decide(sealed(&d, K0), word);
}


static inline weir_document_t
at(uint64_t epoch, uint64_t version)
{
    weir_document_t  d;

    d = split_make("checkout", version);
    d.epoch = epoch;

    return d;
}


#endif /* BUNDLE_EXPECT_H_INCLUDED */
