
/*
 * Unit tests of lib/policy: many rules on few paths, so that the index divides
 * them by every kind of key and joins those that are the same; decided by the
 * image and by a plain evaluator.
 */

#include "policy_agree.h"
#include "policy_random_keys.h"
#include "weir_policy_image.h"


#define POLICIES   250
#define REQUESTS   80


static void
test_index(void **state)
{
    unsigned                      i, k, dims[WEIR_POLICY_KEYS], joined;
    unsigned                      counts[4];
    policy_t                      p;
    uint32_t                      n;
    const char                   *path;
    const weir_policy_rec_t      *rec;
    const weir_policy_file_t     *file;
    const weir_policy_dim_rec_t  *dim;

    joined = 0;
    memset(dims, 0, sizeof(dims));
    memset(counts, 0, sizeof(counts));

    for (i = 0; i < POLICIES; i++) {

        seed = 0x9e3779b97f4a7c15u * (i + 1);

        put_rules();
        policy_source(&p, text, len);

        if (p.b.nerrors != 0) {
            policy_show(&p);
            fail_msg("seed %u", i);
        }

        assert_ptr_equal(weir_policy_open(p.b.image, p.b.size), p.b.image);

        rec = weir_policy_at(p.b.image, p.b.image->policies.off);
        dim = weir_policy_at(p.b.image, rec->dims.off);
        joined += rec->members.n;

        for (n = 0; n < rec->dims.n; n++) {
            dims[weir_policy_key_kind(dim[n].of)]++;
        }

        file = agree_file(&p);

        for (k = 0; k < REQUESTS; k++) {
            path = rnd(2) ? "/a/b" : rnd(2) ? "/a/b/c" : "/c/b";
            counts[agree(&p, file, path)]++;
        }

        policy_done(&p);
    }

    /* every kind of key divided lists, rules were joined, all answers came */

    for (k = WEIR_POLICY_K_EQ; k < WEIR_POLICY_KEYS; k++) {
        assert_true(dims[k] > POLICIES / 50);
    }

    assert_true(joined > POLICIES * 10);

    for (k = 0; k < 4; k++) {
        assert_true(counts[k] > POLICIES * REQUESTS / 100);
    }
}


/* All rules that share an entry count, the first in order are told. */

static void
test_room(void **state)
{
    uint32_t                i, k, rules[8];
    uint8_t                 buf[32];
    policy_t                p;
    weir_path_t             path;
    weir_policy_request_t   r;
    weir_policy_decision_t  d;

    len = 0;

    put("language 1; policy p;\n");

    for (i = 20; i != 0; i--) {
        put("deny %c { what GET /a/**; %s}\n", 'a' + i,
            i % 4 == 0 ? "from 10.0.0.0/8; " : "");
    }

    policy_source(&p, text, len);
    assert_int_equal(p.b.nerrors, 0);

    memset(&r, 0, sizeof(r));
    r.method = str("GET");
    r.path = &path;
    assert_int_equal(weir_path_gate(&path, buf, str("/a/b"), 0), WEIR_OK);

    for (k = 0; k <= 8; k++) {
        memset(&d, 0, sizeof(d));
        memset(rules, 0xff, sizeof(rules));

        d.rules = rules;
        d.max = k;

        weir_policy_decide(p.b.image, 0, &r, &d);

        /* of those with "from", the address is unknown */

        assert_int_equal(d.reason, WEIR_POLICY_DENY_RULE);
        assert_int_equal(d.count, 20);

        for (i = 0; i < 8; i++) {
            assert_int_equal(rules[i], i < k ? i : 0xffffffff);
        }
    }

    policy_done(&p);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_room)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
