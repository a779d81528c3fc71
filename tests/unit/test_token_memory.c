
/*
 * Tests of lib/token when memory fails: every allocation of ours, of jansson
 * and of OpenSSL fails once in turn.  Nothing bad is ever accepted, nothing
 * is lost, nothing crashes.
 */

#include "token_make.h"
#include "failing_memory.h"
#include "weir_token_cache.h"


/* longer than jansson's first buffer, whose growth it does not check */

#define SUBJECT  "alice.of.the.long.name@corp.example.com"


static void *
json_malloc(size_t size)
{
    return memory_fails() ? NULL : malloc(size);
}


static weir_token_reason_e
run(const weir_issuer_t *issuer, const char *text)
{
    weir_token_t          t;
    weir_arena_t          a;
    weir_token_reason_e   reason;

    weir_arena_init(&a, &ours, WEIR_TOKEN_ARENA);
    reason = weir_token_verify(&t, &a, &issuer, 1, str(text), NOW);

    if (reason == WEIR_TOKEN_VALID) {
        assert_non_null(t.claims);
        assert_non_null(weir_claims_find(t.claims, weir_str("exp")));
        assert_true(weir_str_eq(t.subject, weir_str(SUBJECT)));
    }

    weir_arena_done(&a);

    return reason;
}


static void
verification(void **state)
{
    int             i, all;
    char            good[5][2048], bad[2048], *dot;
    unsigned        n, errors;
    EVP_PKEY       *keys[5];
    weir_jwks_t    *set;
    weir_issuer_t   issuer;

    weir_token_reason_e  reason;

    static const char  *names[] = {
        "{\"alg\":\"ES256\",\"kid\":\"es256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"ES384\",\"kid\":\"es384\"}",
        "{\"alg\":\"RS256\",\"kid\":\"rs256\"}",
        "{\"alg\":\"PS256\",\"kid\":\"ps256\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"eddsa\"}"
    };

    (void) state;

    keys[0] = es256;
    keys[1] = es384;
    keys[2] = rsa;
    keys[3] = rsa;
    keys[4] = eddsa;

    memory_disarm();
    set = jwks_all();
    issuer_make(&issuer, set);

    for (i = 0; i < 5; i++) {
        memory_disarm();
        strcpy(good[i], token(keys[i], WEIR_ALG_ES256 + (unsigned) i,
               names[i], "{\"iss\":\"https://idp.test/\",\"aud\":\"orders\","
               "\"sub\":\"" SUBJECT "\",\"exp\":1767225900,"
               "\"roles\":[\"a\",\"b\"],"
               "\"o\":{\"p\":[\"q\"]},\"long\":\"xxxxxxxxxxxxxxxxxxxxxxx\"}"));

        strcpy(bad, good[i]);
        dot = strrchr(bad, '.');
        dot[20] = dot[20] == 'A' ? 'B' : 'A';

        memory_disarm();
        assert_int_equal(run(&issuer, good[i]), WEIR_TOKEN_VALID);
        assert_int_equal(run(&issuer, bad), WEIR_TOKEN_SIGNATURE);

        for (all = 0; all < 2; all++) {
            errors = 0;

            for (n = 1; /* void */ ; n++) {
                memory_arm(n, all);
                reason = run(&issuer, good[i]);

                if (!memory.failed) {
                    assert_int_equal(reason, WEIR_TOKEN_VALID);
                    break;
                }

                errors += reason == WEIR_TOKEN_ERROR;

                memory_arm(n, all);
                assert_int_not_equal(run(&issuer, bad), WEIR_TOKEN_VALID);

                memory_disarm();
                assert_int_equal(ERR_peek_error(), 0);
            }

            /* the loop did try, and said what it was that failed */

            assert_true(n > 20);
            assert_true(errors > 3);
        }
    }

    memory_disarm();

    for (i = 0; i < 5; i++) {
        assert_int_equal(run(&issuer, good[i]), WEIR_TOKEN_VALID);
    }

    weir_jwks_free(set);
}


static void
key_sets(void **state)
{
    int           rc, all;
    char         *text;
    json_t       *json;
    unsigned      n;
    weir_err_t    err;
    weir_algs_t   algs;
    weir_jwks_t  *set;

    (void) state;

    memory_disarm();
    json = jwks_json();
    text = json_dumps(json, 0);
    json_decref(json);
    weir_algs_default(&algs);

    for (all = 0; all < 2; all++) {

        for (n = 1; /* void */ ; n++) {
            set = NULL;
            memory_arm(n, all);
            rc = weir_jwks_parse(&set, &crypto, str(text), &algs, &ours,
                                 &err);

            if (!memory.failed) {
                memory_disarm();
                assert_int_equal(rc, WEIR_OK);
                assert_int_equal(set->usable, 5);
                weir_jwks_free(set);
                break;
            }

            memory_disarm();

            if (rc == WEIR_OK) {

                /* what OpenSSL did without, or did not make: never wrong */

                assert_true(set->usable <= 5);
                weir_jwks_free(set);
            }
        }

        assert_true(n > 100);
    }

    free(text);
}


static void
digests(void **state)
{
    unsigned        n;
    weir_issuer_t   issuer;

    (void) state;

    issuer_make(&issuer, NULL);

    for (n = 1; /* void */ ; n++) {
        int  rc;

        memory_arm(n, 0);
        rc = weir_issuer_digest(&crypto, &issuer);

        if (!memory.failed) {
            assert_int_equal(rc, WEIR_OK);
            break;
        }

        assert_int_equal(rc, WEIR_ERROR);
        memory_disarm();
        ERR_clear_error();
    }

    memory_disarm();
    assert_true(n > 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(verification),
        cmocka_unit_test(key_sets),
        cmocka_unit_test(digests),
    };

    /* before OpenSSL allocates for the first time */

    if (memory_ours() != 0) {
        return 1;
    }

    json_set_alloc_funcs(json_malloc, free);

    return cmocka_run_group_tests(tests, keys_setup, keys_teardown);
}
