
/*
 * Unit tests of lib/policy: many rules on few paths, so that the index divides
 * them by every kind of key and joins those that are the same; decided by the
 * image and by a plain evaluator.
 */

#include "policy_plain.h"
#include "policy_random.h"
#include "weir_policy_image.h"


#define POLICIES   250
#define REQUESTS   80
#define RULES      150


static const char *const  whats[] = {
    "GET /a/**", "* /a/**", "POST, BREW /a/b", "GET /a/b", "* /**/b",
    "* /*/**"
};


static void
put_condition(void)
{
    switch (rnd(7)) {

    case 0:
        put(" if \"%s\" in claim.r;", PICK(words));
        break;

    case 1:
        put(" if claim.t == \"%s\";", PICK(words));
        break;

    case 2:
        put(" if claim.s == \"%s\" && \"%s\" in claim.scope;", PICK(words),
            PICK(words));
        break;

    case 3:
        put(" unless \"%s\" in claim.r;", PICK(words));
        break;

    case 4:
        put(" if has identity.subject && \"%s\" == identity.subject;",
            PICK(words));
        break;

    default:
        break;
    }
}


static void
put_rules(void)
{
    char      body[400];
    size_t    from;
    unsigned  i, permits;

    len = 0;

    put("language 1; policy p;\n"
        "schema from i1 { claim s string; claim r set<string>; }\n"
        "schema from i1, i2 { claim t string; claim scope set<string>; }\n"
        "role r0 { when \"a\" in claim.r; }\n"
        "role r1 { when claim.t == \"b\"; }\n"
        "role r2 { includes r1; when \"c\" in claim.scope; }\n"
        "role r3 { when \"ab\" in claim.scope || \"b\" in claim.r; }\n");

    permits = rnd(3) == 0 ? 10 : 1 + rnd(10);

    for (i = 0; i < RULES; i++) {
        put("%s%s x%u ", rnd(9) == 0 ? "shadow " : "",
            rnd(10) < permits ? "permit" : "deny", rnd(9) * 1000 + i);

        /* a third are what the rule before them is */

        if (i != 0 && rnd(3) == 0) {
            put("%s", body);
            continue;
        }

        from = len;
        put("{ what %s;", PICK(whats));

        if (rnd(12) == 0) {
            put(" what GET /a/b/**;");
        }

        switch (rnd(7)) {

        case 0:
        case 1:
            put(" who role r%u;", rnd(4));
            break;

        case 2:
            put(" who spiffe %s;", PICK(spiffes));
            break;

        case 3:
            put(" who subject \"%s\" issuer %s;", PICK(words),
                pick(issuers, 2));
            break;

        case 4:
            put(" who issuer %s;", pick(issuers, 2));
            break;

        case 5:
            put(" who role r%u, issuer i1;", rnd(4));
            break;

        default:
            break;
        }

        if (rnd(6) == 0) {
            put(" from 10.0.0.0/%u;", 8 + 8 * rnd(3));
        }

        put_condition();
        put_condition();
        put(" }\n");

        snprintf(body, sizeof(body), "%s", text + from);
    }
}


static void
test_index(void **state)
{
    char                       expected[4000];
    unsigned                   i, k, dims[WEIR_POLICY_KEYS], joined, counts[4];
    policy_t                   p;
    plain_t                    plain;
    const char                *got, *host;
    uint32_t                  *lines[1], nlines[1], n;
    weir_policy_file_t         file;
    weir_policy_fields_t       fields;
    weir_policy_request_t      r;
    weir_policy_compiler_t     c;
    const weir_policy_rec_t      *rec;
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
            strcpy(raw_path, rnd(2) ? "/a/b" : rnd(2) ? "/a/b/c" : "/c/b");

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
