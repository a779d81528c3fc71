
/*
 * Weir: proofs against brute force: random pairs of policies, random
 * requests.  What is proved no request refutes; what is found is confirmed.
 */

#include "policy_random.h"
#include "weir_prove.h"


#define PAIRS     1500
#define REQUESTS  150


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

        if (!random_made(&r)) {
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

        if (!policy_of_text(&a)) {
            policy_of_text_done(&a);
            continue;
        }

        mutate(kept);

        if (policy_of_text(&b)) {
            agrees(&a.b, &b.b, counts);
            agrees(&b.b, &a.b, counts);
        }

        policy_of_text_done(&a);
        policy_of_text_done(&b);
    }

    print_message("%u pairs: %u proved, %u witnesses, %u unknown; "
                  "%u requests\n", tries, counts[0], counts[1], counts[2],
                  counts[3]);

    assert_true(counts[WEIR_PROVE_PROVED] > tries);
    assert_true(counts[WEIR_PROVE_WITNESS] > tries / 2);

    free(kept);
}


/* What a gateway makes, decided: 0 if it is none. */

static int
answers(weir_arena_t *arena, const weir_policy_bundle_t *b,
    weir_policy_regexes_t *rx, weir_policy_request_t r, const char *host,
    const weir_policy_fields_t *fields, weir_policy_decision_t *d)
{
    if (!random_made(&r)) {
        return 0;
    }

    r.regexes = rx;
    d->max = 200;

    assert_int_equal(weir_policy_decide_text(arena, b->image, 0, &r,
                                             str(raw_path), str(host), fields,
                                             d),
                     WEIR_OK);

    return 1;
}


/* What idle rules are said to be no request refutes. */

static void
idle(const weir_policy_bundle_t *b, unsigned *counts)
{
    unsigned                i;
    const char             *host;
    weir_str_t              name;
    weir_arena_t            arena, each;
    weir_prove_note_t      *notes, *n;
    weir_prove_limits_t     limits = { WEIR_PROVE_WORK, NULL, NULL };
    weir_policy_fields_t    fields;
    weir_policy_request_t   r;
    weir_policy_regexes_t  *rx;
    weir_policy_decision_t  d;
    uint32_t                rules[200];

    rx = weir_policy_regexes_create(&weir_alloc_malloc, b->image);
    assert_non_null(rx);
    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    assert_int_equal(weir_prove_idle(&arena, b, &limits, &notes), WEIR_OK);

    for (n = notes; n != NULL; n = n->next) {
        counts[0]++;
    }

    for (i = 0; i < REQUESTS; i++) {
        weir_arena_init(&each, &weir_alloc_malloc, 0);
        random_request(&each, &r, &fields, &host);

        memset(&d, 0, sizeof(d));
        d.rules = rules;

        if (answers(&each, b, rx, r, host, &fields, &d)) {

            name = d.count == 0 ? str("") : weir_policy_rule_name(b->image, 0,
                                                                  rules[0]);

            for (n = notes; n != NULL; n = n->next) {

                /* alone it would have decided */

                if (d.count == 1 && weir_str_eq(n->rule, name)) {
                    print_message("%s\n%s by %.*s: %d\n", text, raw_path,
                                  (int) name.len, (const char *) name.data,
                                  (int) n->kind);
                    fail_msg("a rule that decides is said to be idle");
                }
            }

            counts[1]++;
        }

        weir_arena_done(&each);
    }

    weir_arena_done(&arena);
    weir_policy_regexes_destroy(rx);
}


static void
idle_rules(void **state)
{
    unsigned  i, counts[2];
    policy_t  p;

    memset(counts, 0, sizeof(counts));
    seed = 0x2545f4914f6cdd1e;

    for (i = 0; i < PAIRS / 3; i++) {
        random_policy();

        if (policy_of_text(&p)) {
            idle(&p.b, counts);
        }

        policy_of_text_done(&p);
    }

    print_message("%u idle rules, %u requests\n", counts[0], counts[1]);

    assert_true(counts[0] > PAIRS / 30);
}


/*
 * The block of an assert as the only rule of a second policy: what a request
 * is to both refutes no proof, and confirms what refutes the assert.
 */

static void
held(const weir_policy_bundle_t *b, const weir_policy_bundle_t *block,
    const weir_policy_zones_t *zones, int permit, unsigned *counts)
{
    int                     is;
    unsigned                i;
    const char             *host;
    weir_arena_t            arena, each;
    weir_prove_note_t      *n;
    weir_prove_limits_t     limits = { WEIR_PROVE_WORK, NULL, NULL };
    weir_policy_fields_t    fields;
    weir_policy_request_t   r;
    weir_policy_regexes_t  *rx[2];
    weir_policy_decision_t  d, e;

    rx[0] = weir_policy_regexes_create(&weir_alloc_malloc, b->image);
    rx[1] = weir_policy_regexes_create(&weir_alloc_malloc, block->image);
    assert_non_null(rx[0]);
    assert_non_null(rx[1]);

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    assert_int_equal(weir_prove_asserts(&arena, b, zones, &limits, &n),
                     WEIR_OK);
    assert_non_null(n);
    assert_null(n->next);

    counts[n->verdict]++;

    if (n->verdict == WEIR_PROVE_WITNESS) {
        memset(&d, 0, sizeof(d));
        memset(&e, 0, sizeof(e));

        r = n->request->r;
        r.regexes = rx[0];
        assert_int_equal(weir_policy_decide_text(&arena, b->image, 0, &r,
                             n->request->path, n->request->host,
                             &n->request->fields, &d), WEIR_OK);
        r = n->request->r;
        r.regexes = rx[1];
        assert_int_equal(weir_policy_decide_text(&arena, block->image, 0, &r,
                             n->request->path, n->request->host,
                             &n->request->fields, &e), WEIR_OK);

        assert_int_equal(e.verdict, WEIR_POLICY_PERMIT);
        assert_int_equal(d.verdict == WEIR_POLICY_PERMIT, !permit);
    }

    for (i = 0; i < REQUESTS && n->verdict == WEIR_PROVE_PROVED; i++) {
        weir_arena_init(&each, &weir_alloc_malloc, 0);
        random_request(&each, &r, &fields, &host);

        memset(&d, 0, sizeof(d));
        memset(&e, 0, sizeof(e));
        d.rules = weir_arena_calloc(&each, 400, sizeof(uint32_t));
        e.rules = d.rules + 200;

        is = answers(&each, b, rx[0], r, host, &fields, &d)
             && answers(&each, block, rx[1], r, host, &fields, &e);

        if (is && e.verdict == WEIR_POLICY_PERMIT
            && (d.verdict == WEIR_POLICY_PERMIT) != permit)
        {
            print_message("%.*s\n", (int) b->sources->text.len,
                          (const char *) b->sources->text.data);
            fail_msg("a request refutes an assert that is proved");
        }

        weir_arena_done(&each);
    }

    weir_arena_done(&arena);
    weir_policy_regexes_destroy(rx[0]);
    weir_policy_regexes_destroy(rx[1]);
}


static void
random_asserts(void **state)
{
    int        permit;
    char      *body;
    size_t     rest, from;
    unsigned   i, counts[3];
    policy_t   p, q;

    memset(counts, 0, sizeof(counts));
    seed = 0x2545f4914f6cdd1f;

    for (i = 0; i < PAIRS; i++) {
        random_policy();

        permit = rnd(2) == 0;
        put("assert %s", pick(permit ? (const char *const []) {
                             "always permit", "never deny" }
                         : (const char *const []) {
                             "never permit", "always deny" }, 2));
        from = len;
        put(" {\n");
        random_what(0);
        put("  unless ");
        random_expr(2, 0);
        put(";\n}\n");

        if (policy_of_text(&p)) {
            body = strdup(text + from);
            assert_non_null(body);

            /* what stands before the roles, and the block as a permit */

            rest = (size_t) (strstr(text, "role r0") - text);
            len = rest;
            put("permit block%s", body);
            free(body);

            if (policy_of_text(&q)) {
                held(&p.b, &q.b, policy_zones(&p), permit, counts);
            }

            policy_of_text_done(&q);
        }

        policy_of_text_done(&p);
    }

    print_message("asserts: %u proved, %u refuted, %u unknown\n", counts[0],
                  counts[1], counts[2]);

    assert_true(counts[WEIR_PROVE_PROVED] > PAIRS / 20);
    assert_true(counts[WEIR_PROVE_WITNESS] > PAIRS / 20);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(random_pairs),
        cmocka_unit_test(idle_rules),
        cmocka_unit_test(random_asserts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
