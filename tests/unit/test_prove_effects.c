
/*
 * Weir: what changes in obligations against brute force: random policies
 * whose rules oblige to random things, and random requests.
 */

#include "policy_random.h"
#include "weir_prove.h"


#define PAIRS     800
#define REQUESTS  100
#define RULES     64


typedef struct {
    uint32_t                effects[16];
    uint32_t                rules[200];
    weir_policy_decision_t  d;
} answer_t;


static const char  *levels[] = { "", "  log info;\n", "  log notice;\n",
                                 "  log warn;\n" };
static const char  *statuses[] = { "", "  status 403;\n", "  status 404;\n",
                                   "  status 451;\n" };


/* The policy in base, each rule with effects by four bits; one is left out. */

static int
oblige(policy_t *p, const char *base, const uint8_t *bits, unsigned skip)
{
    int          deny;
    unsigned     i, k;
    const char  *at, *end, *first, *other;

    static const char *const  begins[] = {
        "\npermit r", "\ndeny r", "\nshadow deny r", "\nshadow permit r"
    };

    len = 0;
    at = base;

    for (i = 0; (end = strstr(at, "\n}\n")) != NULL; i++) {

        /* what stands before the first rule stays */

        if (i == 0) {
            first = NULL;

            for (k = 0; k < 4; k++) {
                other = strstr(at, begins[k]);

                if (other != NULL && (first == NULL || other < first)) {
                    first = other;
                }
            }

            put("%.*s", (int) (first + 1 - at), at);
            at = first + 1;
        }

        if (i != skip) {
            deny = strncmp(at, "deny ", 5) == 0
                   || strncmp(at, "shadow deny ", 12) == 0;

            put("%.*s", (int) (end + 1 - at), at);
            put("%s", levels[bits[i % RULES] & 3]);

            if (deny) {
                put("%s", statuses[bits[i % RULES] >> 2 & 3]);

            } else {
                put("%s%s", bits[i % RULES] & 4 ? "  limit q1;\n" : "",
                    bits[i % RULES] & 8 ? "  limit q2;\n" : "");
            }

            put("}\n");
        }

        at = end + 3;
    }

    return policy_of_text(p);
}


static void
ask(weir_arena_t *arena, const weir_policy_bundle_t *b,
    weir_policy_regexes_t *rx, weir_policy_request_t r, weir_str_t path,
    weir_str_t host, const weir_policy_fields_t *fields, answer_t *a)
{
    memset(a, 0, sizeof(answer_t));

    a->d.rules = a->rules;
    a->d.max = 200;
    a->d.effects = a->effects;
    a->d.max_effects = 16;

    r.regexes = rx;

    assert_int_equal(weir_policy_decide_text(arena, b->image, 0, &r,
                                             path, host, fields, &a->d),
                     WEIR_OK);
}


/* 1: they decide alike, and oblige to different things. */

static int
differ(const weir_policy_bundle_t *x, const answer_t *a,
    const weir_policy_bundle_t *y, const answer_t *b)
{
    uint32_t              i;
    weir_policy_effect_t  e, f;

    if (a->d.verdict != b->d.verdict) {
        return 0;
    }

    if (a->d.neffects != b->d.neffects) {
        return 1;
    }

    for (i = 0; i < a->d.neffects; i++) {
        weir_policy_effect(x->image, 0, a->effects[i], &e);
        weir_policy_effect(y->image, 0, b->effects[i], &f);

        if (e.kind != f.kind || e.number != f.number
            || !weir_str_eq(e.name, f.name))
        {
            return 1;
        }
    }

    return 0;
}


static void
agrees(const weir_policy_bundle_t *x, const weir_policy_bundle_t *y,
    unsigned *counts)
{
    int                     proved;
    unsigned                i;
    answer_t                a, b;
    const char             *host;
    weir_str_t              none = { 0, NULL };
    weir_arena_t            arena, each;
    weir_policy_fields_t    fields;
    weir_prove_limits_t     limits = { WEIR_PROVE_WORK, NULL, NULL };
    weir_policy_request_t   r;
    weir_prove_finding_t   *f;
    weir_policy_regexes_t  *rx[2];

    rx[0] = weir_policy_regexes_create(&weir_alloc_malloc, x->image);
    rx[1] = weir_policy_regexes_create(&weir_alloc_malloc, y->image);
    assert_non_null(rx[0]);
    assert_non_null(rx[1]);

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    assert_int_equal(weir_prove_diff(&arena, x, y, none, &limits, &f),
                     WEIR_OK);

    proved = 1;

    for ( /* void */ ; f != NULL; f = f->next) {

        if (!f->effects) {
            continue;
        }

        counts[f->verdict]++;
        proved = f->verdict == WEIR_PROVE_PROVED;

        if (f->verdict != WEIR_PROVE_WITNESS) {
            continue;
        }

        ask(&arena, x, rx[0], f->request->r, f->request->path,
            f->request->host, &f->request->fields, &a);
        ask(&arena, y, rx[1], f->request->r, f->request->path,
            f->request->host, &f->request->fields, &b);

        assert_true(differ(x, &a, y, &b));
        assert_int_equal(a.d.verdict == WEIR_POLICY_PERMIT, f->permit);
    }

    for (i = 0; i < REQUESTS && proved; i++) {
        weir_arena_init(&each, &weir_alloc_malloc, 0);

        random_request(&each, &r, &fields, &host);

        if (random_made(&r)) {
            ask(&each, x, rx[0], r, str(raw_path), str(host), &fields, &a);
            ask(&each, y, rx[1], r, str(raw_path), str(host), &fields, &b);

            counts[3] += a.d.neffects != 0;

            if (differ(x, &a, y, &b)) {
                print_message("%.*s\n-----\n%.*s\n%s %s\n",
                              (int) x->sources->text.len,
                              (const char *) x->sources->text.data,
                              (int) y->sources->text.len,
                              (const char *) y->sources->text.data,
                              (const char *) r.method.data, raw_path);
                fail_msg("a request refutes what was proved");
            }
        }

        weir_arena_done(&each);
    }

    weir_arena_done(&arena);
    weir_policy_regexes_destroy(rx[0]);
    weir_policy_regexes_destroy(rx[1]);
}


static void
random_effects(void **state)
{
    char      *base;
    uint8_t    bits[2][RULES];
    unsigned   i, k, skip, counts[4];
    policy_t   a, b;

    memset(counts, 0, sizeof(counts));

    seed = 0x2545f4914f6cdd21;

    for (i = 0; i < PAIRS; i++) {
        random_policy();

        base = strdup(text);
        assert_non_null(base);

        /* few rules differ, or all effects are given by one more */

        for (k = 0; k < RULES; k++) {
            bits[0][k] = rnd(3) ? 0 : (uint8_t) rnd(16);
            bits[1][k] = rnd(8) ? bits[0][k] : (uint8_t) rnd(16);
        }

        skip = rnd(3) ? RULES : rnd(8);

        if (rnd(3) == 0) {
            memcpy(bits[1], bits[0], RULES);
        }

        if (oblige(&a, base, bits[0], RULES)) {

            if (oblige(&b, base, bits[1], skip)) {
                agrees(&a.b, &b.b, counts);
                agrees(&b.b, &a.b, counts);
            }

            policy_of_text_done(&b);
        }

        policy_of_text_done(&a);
        free(base);
    }

    print_message("%u pairs: %u proved, %u witnesses, %u unknown; "
                  "%u requests\n", PAIRS, counts[0], counts[1], counts[2],
                  counts[3]);

    assert_true(counts[WEIR_PROVE_PROVED] > PAIRS / 4);
    assert_true(counts[WEIR_PROVE_WITNESS] > PAIRS / 4);
    assert_true(counts[3] > PAIRS);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(random_effects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
