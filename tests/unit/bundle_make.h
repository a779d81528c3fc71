
/*
 * Tests: documents of the store, signed with keys made at run time.
 */

#ifndef BUNDLE_MAKE_H_INCLUDED
#define BUNDLE_MAKE_H_INCLUDED


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "weir_accept.h"
#include "weir_audit.h"
#include "weir_segment.h"


#define str(s)  weir_cstr(s)

#define NOW    1767225600              /* 2026-01-01T00:00:00Z */
#define NKEYS  4

#define assert_str(s, literal)                                                \
    assert_true(weir_str_eq(s, weir_str(literal)))

#define assert_word(why, literal)                                             \
    assert_string_equal((const char *) weir_refusal_word(why).data, literal)


static weir_signer_t  keys[NKEYS];
static weir_arena_t   arena;
static weir_err_t     error;


static inline int
keys_setup(void **state)
{
    int      i;
    uint8_t  seed[WEIR_KEY_LEN];

    (void) state;

    for (i = 0; i < NKEYS; i++) {
        if (RAND_bytes(seed, sizeof(seed)) != 1
            || weir_signer(&keys[i], seed) != WEIR_OK)
        {
            return 1;
        }
    }

    return 0;
}


static inline int
arena_setup(void **state)
{
    (void) state;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    return 0;
}


static inline int
arena_teardown(void **state)
{
    (void) state;

    weir_arena_done(&arena);

    /* OpenSSL's errors are of the one who caused them */

    return ERR_peek_error() != 0;
}


#define a_test(f)  cmocka_unit_test_setup_teardown(f, arena_setup,            \
                                                   arena_teardown)


/* Trust in the first n keys, for all. */

static inline weir_trust_t
trust_in(unsigned n)
{
    unsigned      i;
    weir_trust_t  t;

    memset(&t, 0, sizeof(weir_trust_t));

    for (i = 0; i < n; i++) {
        assert_int_equal(weir_trust_add(&t, &keys[i].pub, WEIR_ROLE_ALL,
                                        &error),
                         WEIR_OK);
    }

    return t;
}


static inline weir_document_t
doc_make(weir_kind_e kind, const char *id, uint64_t version)
{
    weir_document_t  d;

    memset(&d, 0, sizeof(weir_document_t));

    d.kind = kind;
    d.ns = weir_str("prod");
    d.id = str(id);
    d.version = version;
    d.issued = NOW;
    d.by = weir_str("alice@ops");
    d.reason = weir_str("because");
    d.tool = weir_str("weirctl 0.1.0");

    return d;
}


static weir_policy_source_t  one_file[] = {
    { { 13, (const uint8_t *) "orders.policy" },
      { 31, (const uint8_t *) "language 1;\npolicy orders;\n# \"x\"" } }
};


static inline weir_document_t
head_make(uint64_t version)
{
    weir_document_t  d;

    d = doc_make(WEIR_KIND_BUNDLE, WEIR_BUNDLE_ID, version);
    d.files = one_file;
    d.nfiles = 1;
    d.has_files = 1;

    return d;
}


static weir_weight_t  green[] = {
    { { 5, (const uint8_t *) "green" }, 2500 }
};


static inline weir_document_t
split_make(const char *id, uint64_t version)
{
    weir_document_t  d;

    d = doc_make(WEIR_KIND_SPLIT, id, version);
    d.weights = green;
    d.nweights = 1;

    return d;
}


/* An envelope around a payload, signed by the keys of the mask. */

static inline weir_str_t
seal(weir_kind_e kind, weir_str_t payload, unsigned mask)
{
    unsigned         i;
    weir_str_t       text;
    weir_envelope_t  e;

    assert_int_equal(weir_envelope_make(&e, kind, payload), WEIR_OK);

    for (i = 0; i < NKEYS; i++) {
        if (mask & 1u << i) {
            assert_int_equal(weir_envelope_sign(&e, &arena, &keys[i]),
                             WEIR_OK);
        }
    }

    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);

    return text;
}


static inline weir_str_t
sealed(const weir_document_t *doc, unsigned mask)
{
    weir_str_t  payload;

    assert_int_equal(weir_document_write(doc, &arena, &payload, &error),
                     WEIR_OK);

    return seal(doc->kind, payload, mask);
}


/* The same text with every occurrence of one by another. */

static inline weir_str_t
replaced(weir_str_t text, const char *one, const char *other)
{
    char            *p;
    size_t           n;
    const uint8_t   *at, *last;

    p = weir_arena_alloc(&arena, text.len * (strlen(other) + 1) + 1);
    assert_non_null(p);

    n = 0;
    last = text.data + text.len;

    for (at = text.data; at < last; /* void */) {

        if ((size_t) (last - at) >= strlen(one)
            && memcmp(at, one, strlen(one)) == 0)
        {
            memcpy(p + n, other, strlen(other));
            n += strlen(other);
            at += strlen(one);
            continue;
        }

        p[n++] = (char) *at++;
    }

    p[n] = '\0';

    return (weir_str_t) { n, (uint8_t *) p };
}


#endif /* BUNDLE_MAKE_H_INCLUDED */
