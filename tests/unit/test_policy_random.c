
/*
 * Unit tests of lib/policy: random policies and requests, decided by the
 * image and by a plain evaluator.  They never differ.
 */

#include "policy_plain.h"
#include "policy_random.h"


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
    char                     expected[4000];
    unsigned                 i, k, dear, counts[4];
    policy_t                 p;
    plain_t                  plain;
    const char              *got, *host;
    uint32_t                *lines[1], nlines[1];
    weir_policy_file_t       file;
    weir_policy_fields_t     fields;
    weir_policy_request_t    r;
    weir_policy_compiler_t   c;

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

        memset(&c, 0, sizeof(c));
        memset(&file, 0, sizeof(file));

        lines[0] = NULL;
        c.arena = &p.arena;
        c.sources = &p.source;
        c.nsources = 1;
        c.files = &file;
        c.lines = lines;
        c.nlines = nlines;
        c.zones = policy_zones(&p);

        weir_policy_parse(&c, &file);
        weir_policy_check(&c);
        assert_int_equal(c.nerrors, 0);

        for (k = 0; k < REQUESTS; k++) {

            random_request(&p.arena, &r, &fields, &host);

            got = decides(&p, &r, raw_path, host, &fields);

            plain.r = &r;
            plain.fields = &fields;
            plain.file = &file;

            plain_decide(&plain, expected);

            if (strcmp(got, expected) != 0) {
                fail_msg("policy %u, request %u, %.*s %s: image \"%s\", plain "
                         "\"%s\":\n%s", i, k, (int) r.method.len,
                         (const char *) r.method.data, raw_path, got, expected,
                         text);
            }

            counts[got[0] == 'p' ? 0 : got[1] == 'e' && got[2] == 'f' ? 1
                   : got[5] == 'r' ? 2 : 3]++;
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
