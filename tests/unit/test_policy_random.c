
/*
 * Unit tests of lib/policy: random policies and requests, decided by the
 * image and by a plain evaluator.  They never differ.
 */

#include "policy_agree.h"


#define POLICIES   2500
#define REQUESTS   40


/* Whether the only errors are of the budget. */

static int
too_dear(policy_t *p)
{
    char      message[100];
    uint32_t  i;

    for (i = 0; i < p->b.ndiags; i++) {
        snprintf(message, sizeof(message), "%.*s",
                 (int) p->b.diags[i].message.len,
                 (const char *) p->b.diags[i].message.data);

        if (p->b.diags[i].severity == WEIR_POLICY_SEVERE
            && strstr(message, "may cost") == NULL)
        {
            return 0;
        }
    }

    return 1;
}


static void
test_random(void **state)
{
    unsigned                   i, k, dear, counts[4];
    policy_t                   p;
    const weir_policy_file_t  *file;

    dear = 0;
    memset(counts, 0, sizeof(counts));

    for (i = 0; i < POLICIES; i++) {

        seed = 0x9e3779b97f4a7c15u * (i + 1);

        random_policy();
        policy_source(&p, text, len);

        /* few cost more than a rule may */

        if (p.b.nerrors != 0 && too_dear(&p)) {
            assert_true(++dear < POLICIES / 100);
            policy_done(&p);
            continue;
        }

        if (p.b.nerrors != 0) {
            policy_show(&p);
            fail_msg("seed %u", i);
        }

        assert_non_null(weir_policy_open(p.b.image, p.b.size));

        file = agree_file(&p);

        for (k = 0; k < REQUESTS; k++) {
            counts[agree(&p, file, NULL)]++;
        }

        policy_done(&p);
    }

    /* all four kinds of answers came often */

    for (i = 0; i < 4; i++) {
        assert_true(counts[i] > POLICIES * REQUESTS / 50);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_random)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
