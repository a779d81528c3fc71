
/*
 * Unit tests of lib/base: the block of claims.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "weir_claims.h"


#define str(s)  weir_cstr(s)


static const weir_str_t  none = { 0, NULL };


static void
test_claims_types(void **state)
{
    weir_arena_t                a;
    weir_str_t                  nested = { 3, (const uint8_t *) "a\0b" };
    const weir_claims_t        *c;
    weir_claims_builder_t      *b;
    const weir_claim_entry_t   *e;

    static const weir_str_t  roles[] = {
        { 7, (const uint8_t *) "analyst" },
        { 0, NULL },
        { 5, (const uint8_t *) "admin" }
    };

    (void) state;

    weir_arena_init(&a, &weir_alloc_malloc, 0);
    b = weir_claims_builder(&a);
    assert_non_null(b);

    assert_int_equal(weir_claims_add(b, str("sub"), WEIR_CLAIM_STRING, 0,
                                     str("alice"), NULL, 0), WEIR_OK);
    assert_int_equal(weir_claims_add(b, str("a"), WEIR_CLAIM_OBJECT, 0, none,
                                     NULL, 0), WEIR_OK);
    assert_int_equal(weir_claims_add(b, nested, WEIR_CLAIM_INT, -7, none,
                                     NULL, 0), WEIR_OK);
    assert_int_equal(weir_claims_add(b, str("ok"), WEIR_CLAIM_BOOL, 1, none,
                                     NULL, 0), WEIR_OK);
    assert_int_equal(weir_claims_add(b, str("roles"), WEIR_CLAIM_SET, 0, none,
                                     roles, 3), WEIR_OK);
    assert_int_equal(weir_claims_add(b, str("none"), WEIR_CLAIM_SET, 0, none,
                                     NULL, 0), WEIR_OK);
    assert_int_equal(weir_claims_add(b, str("pi"), WEIR_CLAIM_OTHER, 0, none,
                                     NULL, 0), WEIR_OK);
    assert_int_equal(weir_claims_add(b, str(""), WEIR_CLAIM_STRING, 0,
                                     str(""), NULL, 0), WEIR_OK);

    assert_int_equal(weir_claims_add(b, str("sub"), WEIR_CLAIM_STRING, 0,
                                     str("mallory"), NULL, 0), WEIR_ERROR);
    assert_int_equal(weir_claims_add(b, nested, WEIR_CLAIM_INT, 8, none, NULL,
                                     0), WEIR_ERROR);

    c = weir_claims_build(b);
    assert_non_null(c);
    assert_int_equal(c->count, 8);

    e = weir_claims_find(c, str("sub"));
    assert_non_null(e);
    assert_int_equal(e->type, WEIR_CLAIM_STRING);
    assert_true(weir_str_eq(weir_claims_string(c, e), str("alice")));

    e = weir_claims_find(c, nested);
    assert_non_null(e);
    assert_int_equal(e->type, WEIR_CLAIM_INT);
    assert_int_equal(e->number, -7);

    e = weir_claims_find(c, str("a"));
    assert_int_equal(e->type, WEIR_CLAIM_OBJECT);

    e = weir_claims_find(c, str("ok"));
    assert_int_equal(e->type, WEIR_CLAIM_BOOL);
    assert_int_equal(e->number, 1);

    e = weir_claims_find(c, str("roles"));
    assert_int_equal(e->type, WEIR_CLAIM_SET);
    assert_int_equal(e->value_len, 3);
    assert_true(weir_str_eq(weir_claims_item(c, e, 0), str("analyst")));
    assert_int_equal(weir_claims_item(c, e, 1).len, 0);
    assert_true(weir_str_eq(weir_claims_item(c, e, 2), str("admin")));

    e = weir_claims_find(c, str("none"));
    assert_int_equal(e->type, WEIR_CLAIM_SET);
    assert_int_equal(e->value_len, 0);

    e = weir_claims_find(c, str("pi"));
    assert_int_equal(e->type, WEIR_CLAIM_OTHER);

    e = weir_claims_find(c, str(""));
    assert_non_null(e);
    assert_int_equal(weir_claims_string(c, e).len, 0);

    assert_null(weir_claims_find(c, str("su")));
    assert_null(weir_claims_find(c, str("subb")));
    assert_null(weir_claims_find(c, str("b")));
    assert_null(weir_claims_find(c, str("zzz")));
    assert_null(weir_claims_find(NULL, str("sub")));

    weir_arena_done(&a);
}


static void
test_claims_empty(void **state)
{
    weir_arena_t          a;
    const weir_claims_t  *c;

    (void) state;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    c = weir_claims_build(weir_claims_builder(&a));
    assert_non_null(c);
    assert_int_equal(c->count, 0);
    assert_int_equal(c->size, sizeof(weir_claims_t));
    assert_null(weir_claims_find(c, str("sub")));

    weir_arena_done(&a);
}


/* Order of adding makes no difference; the block can move. */

static void
test_claims_block(void **state)
{
    enum { N = 500 };

    char                        keys[N][16], values[N][32];
    size_t                      i, k;
    uint8_t                    *copy;
    weir_arena_t                a;
    weir_claims_builder_t      *up, *mixed;
    const weir_claims_t        *c, *d;
    const weir_claim_entry_t   *e;

    (void) state;

    weir_arena_init(&a, &weir_alloc_malloc, 0);
    up = weir_claims_builder(&a);
    mixed = weir_claims_builder(&a);

    for (i = 0; i < N; i++) {
        snprintf(keys[i], sizeof(keys[i]), "key-%zu", i);
        snprintf(values[i], sizeof(values[i]), "value of %zu", i);
    }

    for (i = 0; i < N; i++) {
        assert_int_equal(weir_claims_add(up, str(keys[i]), WEIR_CLAIM_STRING,
                                         0, str(values[i]), NULL, 0),
                         WEIR_OK);

        k = (i * 347) % N;
        assert_int_equal(weir_claims_add(mixed, str(keys[k]),
                                         WEIR_CLAIM_STRING, 0,
                                         str(values[k]), NULL, 0),
                         WEIR_OK);
    }

    c = weir_claims_build(up);
    d = weir_claims_build(mixed);

    assert_int_equal(c->size, d->size);
    assert_memory_equal(c, d, c->size);

    copy = malloc(c->size);
    assert_non_null(copy);
    memcpy(copy, c, c->size);

    memset(keys, 0, sizeof(keys));
    memset(values, 0, sizeof(values));
    d = (const weir_claims_t *) copy;
    weir_arena_done(&a);

    for (i = 0; i < N; i++) {
        char  key[16], value[32];

        snprintf(key, sizeof(key), "key-%zu", i);
        snprintf(value, sizeof(value), "value of %zu", i);

        e = weir_claims_find(d, str(key));
        assert_non_null(e);
        assert_true(weir_str_eq(weir_claims_string(d, e), str(value)));
    }

    free(copy);
}


static void
test_claims_nomem(void **state)
{
    int                     rc;
    char                    key[16];
    unsigned                i, limit, added;
    weir_arena_t            a;
    weir_claims_builder_t  *b;

    (void) state;

    for (limit = 16; limit < 6000; limit += 16) {

        weir_arena_init(&a, &weir_alloc_malloc, limit);

        b = weir_claims_builder(&a);
        rc = WEIR_OK;
        added = 0;

        for (i = 0; b != NULL && i < 20; i++) {
            snprintf(key, sizeof(key), "%u", i);

            rc = weir_claims_add(b, weir_arena_copy(&a, str(key)),
                                 WEIR_CLAIM_INT, i, none, NULL, 0);
            if (rc != WEIR_OK) {
                break;
            }

            added++;
        }

        if (b != NULL) {
            assert_true(added == 20 || rc == WEIR_NOMEM || rc == WEIR_ERROR);
            (void) weir_claims_build(b);
        }

        weir_arena_done(&a);
    }
}


static void
test_claims_too_large(void **state)
{
    static const uint8_t  byte;

    weir_str_t              huge = { UINT32_MAX, &byte };
    weir_arena_t            a;
    weir_claims_builder_t  *b;

    (void) state;

    weir_arena_init(&a, &weir_alloc_malloc, 0);
    b = weir_claims_builder(&a);

    assert_int_equal(weir_claims_add(b, str("a"), WEIR_CLAIM_STRING, 0, huge,
                                     NULL, 0), WEIR_ERROR);
    assert_int_equal(weir_claims_add(b, str("a"), WEIR_CLAIM_STRING, 0,
                                     str("x"), NULL, 0), WEIR_OK);

    weir_arena_done(&a);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_claims_types),
        cmocka_unit_test(test_claims_empty),
        cmocka_unit_test(test_claims_block),
        cmocka_unit_test(test_claims_nomem),
        cmocka_unit_test(test_claims_too_large)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
