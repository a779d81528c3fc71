
/*
 * Weir: changes of policies whose meaning is known: some that widen access
 * and hide it, some that do not.
 */

#include "policy_make.h"
#include "weir_prove.h"


#define SCHEMA  "set net cidr 10.0.0.0/8, 192.168.0.0/16;\n"                   \
                "set ids spiffe spiffe://a/x, spiffe://a/y;\n"                \
                "window day mon-fri 08:00-18:00 Europe/Paris;\n"              \
                "window all mon-sun 00:00-24:00 UTC;\n"                       \
                "schema from corp { claim t string; claim n int;"             \
                " claim r set<string>; claim amr optional set<string>; }\n"   \
                "schema from partner { claim p string; }\n"


#define ITEMS  100                  /* of the set "many": a, b, m1, m2... */


typedef struct {
    const char  *what;
    const char  *a;
    const char  *b;
} pair_t;


static const pair_t  widened[] = {

    { "a condition becomes an alternative",
      "permit a { who anyone; what GET /x/{t}; if claim.t == path.t; }",
      "permit a { who anyone; what GET /x/{t}; if claim.t == path.t"
      " || claim.n > 5; }" },

    { "a network is one bit shorter",
      "permit a { who anyone; from 10.1.0.0/16; what GET /x; }",
      "permit a { who anyone; from 10.0.0.0/15; what GET /x; }" },

    { "a deny looks at fewer methods",
      "permit a { who anyone; what * /x/**; }"
      "deny d { what * /x/admin/**; }",
      "permit a { who anyone; what * /x/**; }"
      "deny d { what GET, POST /x/admin/**; }" },

    { "a deny without its own path",
      "permit a { who anyone; what * /x/**; } deny d { what * /x/y/**; }",
      "permit a { who anyone; what * /x/**; } deny d { what * /x/y/*; }" },

    { "unless becomes if of the opposite: unknown no longer denies",
      "permit a { who anyone; what GET /x; }"
      "deny d { unless \"mfa\" in claim.amr; }",
      "permit a { who anyone; what GET /x; }"
      "deny d { if has claim.amr && !(\"mfa\" in claim.amr); }" },

    { "a role that somebody else holds too",
      "role r { when \"a\" in claim.r; }"
      "permit a { who role r; what GET /x; }",
      "role r { when \"a\" in claim.r || \"b\" in claim.r; }"
      "permit a { who role r; what GET /x; }" },

    { "a host behind a star",
      "permit a { who anyone; host a.example.com; what GET /x; }",
      "permit a { who anyone; host *.example.com; what GET /x; }" },

    { "a bound that includes its end",
      "permit a { who anyone; what GET /x; if claim.n < 7; }",
      "permit a { who anyone; what GET /x; if claim.n <= 7; }" },

    { "a glob that ends later",
      "permit a { who anyone; what GET /x; if claim.t like \"eu-*-1\"; }",
      "permit a { who anyone; what GET /x; if claim.t like \"eu-*1\"; }" },

    { "an exception of a deny for a path that is not its own",
      "permit a { who anyone; what GET /x/**; }"
      "deny d { what * /x/secret/**; }",
      "permit a { who anyone; what GET /x/**; }"
      "deny d { what * /x/secret/**;"
      " unless request.path like \"*/health\"; }" },

    { "a capture compared with another claim",
      "permit a { who anyone; what GET /x/{t}/{u};"
      " if claim.t == path.t && claim.t == path.u; }",
      "permit a { who anyone; what GET /x/{t}/{u};"
      " if path.u == path.t && has claim.t; }" },

    { "a header that may be absent",
      "permit a { who anyone; what GET /x; }"
      "deny d { unless header(\"X-Safe\") == \"yes\"; }",
      "permit a { who anyone; what GET /x; }"
      "deny d { if has header(\"X-Safe\") && header(\"X-Safe\") !="
      " \"yes\"; }" },

    { "a window that ends a minute later",
      "permit a { who anyone; what GET /x; during day; }",
      "window late mon-fri 08:00-18:01 Europe/Paris;"
      "permit a { who anyone; what GET /x; during late; }" },

    { "another zone, which differs for three weeks a year",
      "window w mon 12:00-13:00 Europe/Paris;"
      "permit a { who anyone; what GET /x; during w; if request.time"
      " >= 2026-01-01T00:00:00Z && request.time < 2026-12-31T00:00:00Z; }",
      "window w mon 06:00-07:00 America/New_York;"
      "permit a { who anyone; what GET /x; during w; if request.time"
      " >= 2026-01-01T00:00:00Z && request.time < 2026-12-31T00:00:00Z; }" },

    { "all in instead of any in: the empty set",
      "permit a { who anyone; what GET /x;"
      " if claim.r any in [\"a\", \"b\"] && claim.r all in [\"a\", \"b\"];"
      " }",
      "permit a { who anyone; what GET /x; if claim.r all in [\"a\", \"b\"];"
      " }" },

    { "all in a longer list",
      "permit a { who anyone; what GET /x; if claim.r all in [\"a\"]; }",
      "permit a { who anyone; what GET /x; if claim.r all in [\"a\", \"b\"];"
      " }" },

    { "all in a claim: fewer items are asked for",
      "permit a { who anyone; what GET /x; if [\"a\", \"b\"] all in claim.r;"
      " }",
      "permit a { who anyone; what GET /x; if [\"b\"] all in claim.r; }" },

    { "an expression that is not anchored by its own signs",
      "permit a { who anyone; what GET /x; if claim.t ~ \"eu-[0-9]+\"; }",
      "permit a { who anyone; what GET /x; if claim.t ~ \"eu-[0-9]*\"; }" },

    { "an expression on the path",
      "permit a { who anyone; what GET /x/**;"
      " if request.path ~ \"/x/[a-z]+\"; }",
      "permit a { who anyone; what GET /x/**;"
      " if request.path ~ \"/x/[a-z]+(/new)?\"; }" },

    { "an included role",
      "role r { when \"a\" in claim.r; } role s { when claim.n == 7; }"
      "permit a { who role r; what GET /x; }",
      "role r { when \"a\" in claim.r; }"
      "role s { when claim.n == 7; includes r; }"
      "permit a { who role r; what GET /x; }" },

    { "one SPIFFE ID more",
      "permit a { who spiffe spiffe://a/x; what GET /x; }",
      "permit a { who spiffe ids; what GET /x; }" },

    { "a long list behind an expression",
      "permit a { who anyone; what GET /x; if has header(\"H\")"
      " && header(\"H\") ~ \"[a-b]+c?\"; }",
      "permit a { who anyone; what GET /x; if has header(\"H\")"
      " && header(\"H\") in many; }" },

    { "two items of a long list",
      "permit a { who anyone; what GET /x; if claim.t in many"
      " && claim.n > 5 && has header(\"H\") && header(\"H\") in many"
      " && header(\"H\") != claim.t; }",
      "permit a { who anyone; what GET /x; if claim.t in many"
      " && has header(\"H\") && header(\"H\") in many"
      " && header(\"H\") != claim.t; }" },

    { "a long list, and one item",
      "permit a { who anyone; what GET /x; if claim.r all in many"
      " && \"m7\" in claim.r; }",
      "permit a { who anyone; what GET /x; if claim.r all in many"
      " && claim.r any in many; }" },

    { "an expression in another case",
      "permit p { who anyone; } deny a { if has header(\"H\")"
      " && header(\"H\") ~ \"(?i)prod\"; }",
      "permit p { who anyone; } deny a { if has header(\"H\")"
      " && header(\"H\") ~ \"prod\"; }" },

    { "an expression that goes on once more",
      "permit a { who anyone; what GET /x; if claim.t ~ \"[a-f]{2,4}\"; }",
      "permit a { who anyone; what GET /x; if claim.t ~ \"[a-f]{2,5}\"; }" },

    { "a letter more",
      "permit a { who anyone; what GET /x; if claim.t ~ \"team-[a-m]+\"; }",
      "permit a { who anyone; what GET /x; if claim.t ~ \"team-[a-n]+\"; }" },

    { "a shadow that counts now",
      "shadow permit a { who anyone; what GET /x; }",
      "permit a { who anyone; what GET /x; }" },

    { "a deny that is a shadow now",
      "permit p { who anyone; } deny a { what GET /x; }",
      "permit p { who anyone; } shadow deny a { what GET /x; }" },
};


static const pair_t  safe[] = {

    { "names", "permit a { who anyone; what GET /x; }",
      "permit b { who anyone; what GET /x; }" },

    { "de Morgan",
      "permit a { who anyone; what GET /x; unless claim.n < 1 || claim.n > 9;"
      " }",
      "permit a { who anyone; what GET /x; if claim.n >= 1 && claim.n <="
      " 9; }" },

    { "a rule in two",
      "permit a { who anyone; what GET, POST /x; }",
      "permit a { who anyone; what GET /x; }"
      "permit b { who anyone; what POST /x; }" },

    { "a network in halves",
      "permit a { who anyone; from 10.0.0.0/8; what GET /x; }",
      "permit a { who anyone; from 10.0.0.0/9; what GET /x; }"
      "permit b { who anyone; from 10.128.0.0/9; what GET /x; }" },

    { "a role written out",
      "role r { when \"a\" in claim.r; }"
      "permit a { who role r; what GET /x; }",
      "permit a { who anyone; what GET /x; if \"a\" in claim.r; }" },

    { "a pattern with and without its own end",
      "permit a { who anyone; what GET /x/**; }",
      "permit a { who anyone; what GET /x; }"
      "permit b { who anyone; what GET /x/*/**; }" },

    { "a rule that another covers",
      "permit a { who anyone; what * /x/**; }"
      "permit b { who authenticated; what GET /x/y; }",
      "permit a { who anyone; what * /x/**; }" },

    { "a deny that another covers",
      "permit a { who anyone; what * /x/**; }"
      "deny d { what * /x/y/**; } deny e { what GET /x/y/z; }",
      "permit a { who anyone; what * /x/**; } deny d { what * /x/y/**; }" },

    { "narrowed by a tenant",
      "permit a { who anyone; what GET /x/{t}; if claim.n == 1; }",
      "permit a { who anyone; what GET /x/{t};"
      " if claim.n == 1 && claim.t == path.t; }" },

    { "equal to what is equal",
      "permit a { who anyone; what GET /x/{t}/{u};"
      " if claim.t == path.t && path.t == path.u; }",
      "permit a { who anyone; what GET /x/{t}/{u};"
      " if path.u == claim.t && path.t == claim.t; }" },

    { "a list and its equalities",
      "permit a { who anyone; what GET /x; if claim.t in [\"a\", \"b\"]; }",
      "permit a { who anyone; what GET /x; if claim.t == \"b\""
      " || claim.t == \"a\"; }" },

    { "globs: the longer within the shorter",
      "permit a { who anyone; what GET /x; if claim.t like \"eu-*\"; }",
      "permit a { who anyone; what GET /x; if claim.t like \"eu-*-1\""
      " || claim.t like \"eu-\"; }" },

    { "a window in two",
      "permit a { who anyone; what GET /x; during day; }",
      "window am mon-fri 08:00-12:00 Europe/Paris;"
      "window pm mon-fri 12:00-18:00 Europe/Paris;"
      "permit a { who anyone; what GET /x; during am; }"
      "permit b { who anyone; what GET /x; during pm; }" },

    { "the same hours of a zone with the same offsets",
      "window w mon 12:00-13:00 Europe/Paris;"
      "permit a { who anyone; what GET /x; during w; }",
      "window w mon 12:00-13:00 Europe/Brussels;"
      "permit a { who anyone; what GET /x; during w; if request.time"
      " >= 2026-01-01T00:00:00Z && request.time < 2026-12-31T00:00:00Z; }" },

    { "a set written out",
      "permit a { who anyone; from net; what GET /x; }",
      "permit a { who anyone; from 192.168.0.0/16, 10.0.0.0/9, 10.128.0.0/9;"
      " what GET /x; }" },

    { "any in and its memberships",
      "permit a { who anyone; what GET /x; if claim.r any in [\"a\", \"b\"];"
      " }",
      "permit a { who anyone; what GET /x; if \"a\" in claim.r"
      " || \"b\" in claim.r; }" },

    { "a list all in a set",
      "permit a { who anyone; what GET /x; if [\"a\", \"b\"] all in claim.r;"
      " }",
      "permit a { who anyone; what GET /x; if \"a\" in claim.r"
      " && \"b\" in claim.r; }" },

    { "all in a shorter list",
      "permit a { who anyone; what GET /x; if claim.r all in [\"a\", \"b\"];"
      " }",
      "permit a { who anyone; what GET /x; if claim.r all in [\"a\"]; }" },

    { "narrowed by an expression",
      "permit a { who anyone; what GET /x; if claim.t ~ \"[a-z]+\"; }",
      "permit a { who anyone; what GET /x; if claim.t ~ \"[a-z]+\""
      " && claim.n > 7; }" },

    { "an included role written out",
      "role r { when \"a\" in claim.r; }"
      "role s { when claim.n == 7; includes r; }"
      "permit a { who role r; what GET /x; }",
      "permit a { who anyone; what GET /x; if claim.n == 7; }"
      "permit b { who anyone; what GET /x; if \"a\" in claim.r; }" },

    { "a long list without an item",
      "permit a { who anyone; what GET /x; if claim.t in many; }",
      "permit a { who anyone; what GET /x; if claim.t in many"
      " && claim.t != \"m7\"; }" },

    { "a shadow more",
      "permit a { who anyone; what GET /x; }",
      "permit a { who anyone; what GET /x; } shadow permit b { who"
      " anyone; }" },
};


/* What only the meaning of expressions tells: neither may be said. */

static const pair_t  undecided[] = {

    { "an expression of letters that are not guessed",
      "permit p { who anyone; } deny a { if has header(\"H\")"
      " && header(\"H\") ~ \"\\\\p{Greek}+\"; }",
      "permit p { who anyone; } deny a { if has header(\"H\")"
      " && header(\"H\") ~ \"\\\\p{Cyrillic}+\"; }" },

    { "alternatives in another order",
      "permit a { who anyone; if claim.t ~ \"a+|b\"; }",
      "permit a { who anyone; if claim.t ~ \"b|a+\"; }" },
};


static weir_prove_verdict_t
access(const pair_t *pair)
{
    char                   body[8000], many[4000];
    size_t                 len;
    unsigned               i;
    policy_t               a, b;
    weir_str_t             none = { 0, NULL };
    weir_arena_t           arena;
    weir_prove_verdict_t   verdict;
    weir_prove_limits_t    limits = { WEIR_PROVE_WORK, NULL, NULL };
    weir_prove_finding_t  *f;

    len = (size_t) snprintf(many, sizeof(many),
                            "set many string \"a\", \"b\"");

    for (i = 1; i < ITEMS; i++) {
        len += (size_t) snprintf(many + len, sizeof(many) - len,
                                 ", \"m%u\"", i);
    }

    snprintf(body, sizeof(body), SCHEMA "%s; %s", many, pair->a);
    policy_body(&a, body);
    snprintf(body, sizeof(body), SCHEMA "%s; %s", many, pair->b);
    policy_body(&b, body);

    if (a.b.nerrors || b.b.nerrors) {
        policy_show(&a);
        policy_show(&b);
        fail_msg("%s", pair->what);
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    assert_int_equal(weir_prove_diff(&arena, &a.b, &b.b, none, &limits, &f),
                     WEIR_OK);

    verdict = WEIR_PROVE_PROVED;

    for ( /* void */ ; f != NULL; f = f->next) {
        if (f->permit && verdict != WEIR_PROVE_WITNESS) {
            verdict = f->verdict;
        }
    }

    weir_arena_done(&arena);
    policy_done(&a);
    policy_done(&b);

    return verdict;
}


static void
finds_wider(void **state)
{
    size_t  i;

    for (i = 0; i < sizeof(widened) / sizeof(widened[0]); i++) {
        if (access(&widened[i]) != WEIR_PROVE_WITNESS) {
            fail_msg("not found: %s", widened[i].what);
        }
    }
}


static void
proves_safe(void **state)
{
    size_t  i;

    for (i = 0; i < sizeof(safe) / sizeof(safe[0]); i++) {
        if (access(&safe[i]) != WEIR_PROVE_PROVED) {
            fail_msg("not proved: %s", safe[i].what);
        }
    }
}


static void
leaves_open(void **state)
{
    size_t  i;

    for (i = 0; i < sizeof(undecided) / sizeof(undecided[0]); i++) {
        if (access(&undecided[i]) != WEIR_PROVE_UNKNOWN) {
            fail_msg("not left open: %s", undecided[i].what);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(leaves_open),
        cmocka_unit_test(finds_wider),
        cmocka_unit_test(proves_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
