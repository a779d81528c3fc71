
/*
 * Weir: proofs against brute force: random pairs of policies, random
 * requests.  What is proved no request refutes; what is found is confirmed.
 */

#include "policy_random.h"
#include "weir_prove.h"


#define PAIRS     1500
#define REQUESTS  150


static int
compile(policy_t *p)
{
    char  *copy;

    copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, text, len);

    policy_source(p, copy, len);

    return p->b.nerrors == 0;
}


static void
done(policy_t *p)
{
    free((void *) p->source.text.data);
    policy_done(p);
}


/* One rule more, or less, or another verdict. */

static void
mutate(char *kept)
{
    char  *p, *q, *end;

    unsigned  n, i;

    memcpy(kept, text, len + 1);

    n = 0;

    for (p = text; (p = strstr(p, "\n}\n")) != NULL; p++) {
        n++;
    }

    i = rnd(n + 1);
    p = text;

    for ( ;; ) {
        q = strstr(p, "\npermit r");
        end = strstr(p, "\ndeny r");

        if (q == NULL || (end != NULL && end < q)) {
            q = end;
        }

        if (q == NULL) {
            return;
        }

        if (i-- == 0 || rnd(4) == 0) {
            break;
        }

        p = q + 1;
    }

    end = strstr(q + 1, "\n}\n");

    if (end != NULL) {
        memmove(q + 1, end + 3, strlen(end + 3) + 1);
        len = strlen(text);
    }
}


static void
agrees(const weir_policy_bundle_t *a, const weir_policy_bundle_t *b,
    unsigned *counts)
{
    int                     proved[2];
    unsigned                i;
    const char             *host;
    weir_str_t              none = { 0, NULL };
    weir_arena_t            arena, each;
    weir_policy_fields_t    fields;
    weir_prove_limits_t     limits = { WEIR_PROVE_WORK, NULL, NULL };
    weir_policy_request_t   r, again;
    weir_prove_finding_t   *f;
    weir_policy_decision_t  old, new;
    uint32_t                rules[2][200];
    weir_policy_regexes_t  *rx[2];

    rx[0] = weir_policy_regexes_create(&weir_alloc_malloc, a->image);
    rx[1] = weir_policy_regexes_create(&weir_alloc_malloc, b->image);
    assert_non_null(rx[0]);
    assert_non_null(rx[1]);

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    assert_int_equal(weir_prove_diff(&arena, a, b, none, &limits, &f),
                     WEIR_OK);

    proved[0] = 1;
    proved[1] = 1;

    for ( /* void */ ; f != NULL; f = f->next) {
        counts[f->verdict]++;

        if (f->verdict != WEIR_PROVE_PROVED) {
            proved[f->permit] = 0;
        }

        if (f->verdict == WEIR_PROVE_UNKNOWN && getenv("SHOW_UNKNOWN")) {
            print_message("unknown: %s\n", f->why);
        }

        if (f->verdict == WEIR_PROVE_WITNESS) {
            memset(&old, 0, sizeof(old));
            memset(&new, 0, sizeof(new));

            again = f->request->r;
            again.regexes = rx[0];
            assert_int_equal(weir_policy_decide_text(&arena, a->image, 0,
                                 &again, f->request->path, f->request->host,
                                 &f->request->fields, &old), WEIR_OK);
            again = f->request->r;
            again.regexes = rx[1];
            assert_int_equal(weir_policy_decide_text(&arena, b->image, 0,
                                 &again, f->request->path, f->request->host,
                                 &f->request->fields, &new), WEIR_OK);

            assert_int_equal(new.verdict, f->permit ? WEIR_POLICY_PERMIT
                                                    : WEIR_POLICY_DENY);
            assert_int_not_equal(new.verdict, old.verdict);
        }
    }

    for (i = 0; i < REQUESTS; i++) {
        weir_arena_init(&each, &weir_alloc_malloc, 0);

        random_request(&each, &r, &fields, &host);

        /* what no gateway makes is not spoken of */

        if ((r.kind == WEIR_POLICY_ANONYMOUS
             && (r.issuer.data != NULL || r.subject.data != NULL))
            || (r.kind == WEIR_POLICY_JWT && r.issuer.data == NULL)
            || (r.spiffe.data != NULL && r.kind != WEIR_POLICY_MTLS)
            || !r.has_time || !weir_str_eq(r.scheme, str("https"))
            || (r.subject.data != NULL && r.subject.len == 0))
        {
            weir_arena_done(&each);
            continue;
        }

        counts[3]++;

        memset(&old, 0, sizeof(old));
        memset(&new, 0, sizeof(new));

        old.rules = rules[0];
        old.max = 200;
        new.rules = rules[1];
        new.max = 200;

        again = r;
        r.regexes = rx[0];
        again.regexes = rx[1];
        assert_int_equal(weir_policy_decide_text(&each, a->image, 0, &r,
                             str(raw_path), str(host), &fields, &old),
                         WEIR_OK);
        assert_int_equal(weir_policy_decide_text(&each, b->image, 0, &again,
                             str(raw_path), str(host), &fields, &new),
                         WEIR_OK);

        if (old.verdict != new.verdict
            && proved[new.verdict == WEIR_POLICY_PERMIT])
        {
            print_message("%.*s\n-----\n%.*s\n%s %s host %s kind %d\n",
                          (int) a->sources->text.len,
                          (const char *) a->sources->text.data,
                          (int) b->sources->text.len,
                          (const char *) b->sources->text.data,
                          (const char *) r.method.data, raw_path, host,
                          (int) r.kind);
            fail_msg("a request refutes what was proved");
        }

        weir_arena_done(&each);
    }

    weir_arena_done(&arena);
    weir_policy_regexes_destroy(rx[0]);
    weir_policy_regexes_destroy(rx[1]);
}


static void
random_pairs(void **state)
{
    char                   *kept;
    unsigned                i, tries, counts[4];
    policy_t                a, b;

    memset(counts, 0, sizeof(counts));

    kept = malloc(sizeof(text));
    assert_non_null(kept);

    seed = 0x2545f4914f6cdd1d;
    tries = getenv("PROVE_PAIRS") ? (unsigned) atoi(getenv("PROVE_PAIRS"))
                                  : PAIRS;

    for (i = 0; i < tries; i++) {
        random_policy();

        /* a role may read a capture that its rule has not */

        if (!compile(&a)) {
            done(&a);
            continue;
        }

        mutate(kept);

        if (compile(&b)) {
            agrees(&a.b, &b.b, counts);
            agrees(&b.b, &a.b, counts);
        }

        done(&a);
        done(&b);
    }

    print_message("%u pairs: %u proved, %u witnesses, %u unknown; "
                  "%u requests\n", tries, counts[0], counts[1], counts[2],
                  counts[3]);

    assert_true(counts[WEIR_PROVE_PROVED] > tries);
    assert_true(counts[WEIR_PROVE_WITNESS] > tries / 2);

    free(kept);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(random_pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
