
/*
 * Weir: unit tests of rules with many "what"s: each rule counts once, and a
 * large one costs no more than the walk to what matches.
 */

#include <unistd.h>

#include "policy_make.h"


#define OVERLAP_RULES  40              /* more than a decision remembers */
#define OVERLAP_WHATS  20000


static void
overlap_decide(policy_t *p, weir_policy_decision_t *d, uint32_t *rules,
    uint32_t max, const char *raw)
{
    uint8_t                buf[256];
    weir_policy_request_t  r;
    static weir_path_t     path;

    memset(&r, 0, sizeof(weir_policy_request_t));

    assert_int_equal(weir_path_gate(&path, buf, str(raw), 0), WEIR_OK);

    r.path = &path;
    r.method = str("GET");

    d->rules = rules;
    d->max = max;
    d->effects = NULL;
    d->max_effects = 0;

    weir_policy_decide(p->b.image, 0, &r, d);
}


/*
 * All four patterns of every rule match; of every third rule the value
 * depends on which.
 */

static void
test_once(void **state)
{
    char                    *text, *t;
    uint32_t                 i, rules[2 * OVERLAP_RULES];
    policy_t                 p;
    weir_policy_decision_t   d;

    (void) state;

    text = malloc(2 * OVERLAP_RULES * 256);
    assert_non_null(text);

    for (t = text, i = 0; i < 2 * OVERLAP_RULES; i++) {
        t += sprintf(t, "%s r%02u { what GET /%s/{x}/b; what GET /%s/**/{x};"
                     " what * /%s/a/{x}; what GET /**/{x};%s }\n",
                     i < OVERLAP_RULES ? "permit" : "deny", i,
                     i < OVERLAP_RULES ? "p" : "d",
                     i < OVERLAP_RULES ? "p" : "d",
                     i < OVERLAP_RULES ? "p" : "d",
                     i % 3 == 0 ? " if path.x == \"b\";" : "");
    }

    policy_body(&p, text);
    assert_int_equal(p.b.nerrors, 0);

    overlap_decide(&p, &d, rules, 2 * OVERLAP_RULES, "/d/a/b");

    assert_int_equal(d.verdict, WEIR_POLICY_DENY);
    assert_int_equal(d.count, OVERLAP_RULES);

    for (i = 0; i < OVERLAP_RULES; i++) {
        assert_int_equal(rules[i], OVERLAP_RULES + i);
    }

    policy_done(&p);

    /* the same without the denies, which the last pattern makes match all */

    for (t = text, i = 0; i < OVERLAP_RULES; i++) {
        t = strchr(t, '\n') + 1;
    }

    *t = '\0';

    policy_body(&p, text);
    assert_int_equal(p.b.nerrors, 0);

    overlap_decide(&p, &d, rules, 2 * OVERLAP_RULES, "/p/a/b");

    assert_int_equal(d.verdict, WEIR_POLICY_PERMIT);
    assert_int_equal(d.count, OVERLAP_RULES);

    for (i = 0; i < OVERLAP_RULES; i++) {
        assert_int_equal(rules[i], i);
    }

    policy_done(&p);
    free(text);
}


/* Half of them do not match and stand before the half that does. */

static void
test_large(void **state)
{
    char                    *text, *t;
    uint32_t                 i, rules[1];
    policy_t                 p;
    weir_policy_decision_t   d;

    (void) state;

    text = malloc(2 * OVERLAP_WHATS * 32 + 64);
    assert_non_null(text);

    t = text + sprintf(text, "permit r {\n");

    for (i = 0; i < OVERLAP_WHATS; i++) {
        t += sprintf(t, "what GET /n%u/**;\n", i);
    }

    for (i = 0; i < OVERLAP_WHATS; i++) {
        t += sprintf(t, "what GET /x/**;\n");
    }

    (void) sprintf(t, "}\n");

    policy_body(&p, text);
    assert_int_equal(p.b.nerrors, 0);

    /* the square of what there is, each time, would take minutes */

    (void) alarm(60);

    for (i = 0; i < 200; i++) {
        overlap_decide(&p, &d, rules, 1, "/x/y");

        assert_int_equal(d.verdict, WEIR_POLICY_PERMIT);
        assert_int_equal(d.count, 1);
    }

    (void) alarm(0);

    policy_done(&p);
    free(text);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_large)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
