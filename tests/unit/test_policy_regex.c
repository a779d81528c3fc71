
/*
 * Unit tests of lib/policy: regular expressions.
 */

#include "policy_make.h"
#include "weir_policy_ast.h"


/* What is wrong with a pattern, or NULL. */

static void
refuses(const char *pattern, const char *expected)
{
    char          text[200];
    size_t        at;
    const char   *error;
    weir_arena_t  arena;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    error = weir_policy_regex_check(&arena, str(pattern), text, sizeof(text),
                                    &at);

    if (expected == NULL ? error != NULL
                         : error == NULL || strstr(error, expected) == NULL)
    {
        fail_msg("\"%s\": \"%s\", not \"%s\"", pattern,
                 error ? error : "accepted", expected ? expected : "accepted");
    }

    assert_true(at <= strlen(pattern));

    weir_arena_done(&arena);
}


static void
test_accepted(void **state)
{
    size_t  i;

    static const char *const  patterns[] = {
        "", "a", "[a-z]+\\d{2,3}", "(a|b)*", "(?:a)(?i:b)(?>c)(?<n>d)(?P<m>e)",
        "(?'q'f)", "[]a]", "[^]a(?=b]", "[[:alpha:](?=]", "\\Q(?=a)\\1\\E",
        "a(?#(?=)b", "\\(?=a", "[\\]](a)", "\\x{41}\\o{101}\\p{L}\\N", "\\0",
        "[\\1]", "\\c(", "a{2}b?c+?d*+", "^a$", "(?|a|b)", "(?i)a(?-i)b",
        "(?s-m:a)", "\\bword\\b", "[a\\Q]\\E(?=]"
    };

    (void) state;

    for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        refuses(patterns[i], NULL);
    }
}


static void
test_refused(void **state)
{
    char  large[WEIR_POLICY_MAX_PATTERN + 2];

    (void) state;

    refuses("(a)\\1", "backreferences");
    refuses("(?<n>a)\\k<n>", "backreferences");
    refuses("(?<n>a)\\g{n}", "backreferences");
    refuses("(a)\\g1", "backreferences");
    refuses("(?P<n>a)(?P=n)", "backreferences");
    refuses("a(?=b)", "lookahead");
    refuses("a(?!b)", "lookahead");
    refuses("(?*b)", "lookahead");
    refuses("(?<=a)b", "lookbehind");
    refuses("(?<!a)b", "lookbehind");
    refuses("(?<*a)b", "lookbehind");
    refuses("(*FAIL)", "verbs");
    refuses("a(*SKIP)b", "verbs");
    refuses("(*pla:a)", "verbs");
    refuses("(*UCP)a", "verbs");
    refuses("a(?C)b", "callouts");
    refuses("a(?C1)b", "callouts");
    refuses("\\C", "\\C");
    refuses("[\\C]", "\\C");
    refuses("(?R)", "recursion");
    refuses("(a)(?1)", "recursion");
    refuses("(a)(?+1)", "recursion");
    refuses("(a)(?-1)", "recursion");
    refuses("(?<n>a)(?&n)", "recursion");
    refuses("(?P<n>a)(?P>n)", "recursion");
    refuses("(?(1)a|b)", "conditionals");
    refuses("(?(?=a)b|c)", "conditionals");
    refuses("(?x)#[\n(?=a)]", "option x");
    refuses("(?ix:a)", "option x");
    refuses("(?{a})", "kind of group");

    /* a class or a quotation hides what it holds, and no more */

    refuses("[]](?=a)", "lookahead");
    refuses("[^]](?=a)", "lookahead");
    refuses("[[:alpha:]](?=a)", "lookahead");
    refuses("[[:alpha](?=a)", "lookahead");
    refuses("[\\Q]\\E](?=a)", "lookahead");
    refuses("\\Qa\\E(?=a)", "lookahead");
    refuses("(?#)(?=a)", "lookahead");
    refuses("\\\\(?=a)", "lookahead");
    refuses("\\c\\(?=a)", "lookahead");

    /* and PCRE2's own */

    refuses("(a", "parenthesis");
    refuses("a**", "quantifier");
    refuses("a+b{", NULL);
    refuses("*", "quantifier");
    refuses("[z-a]", "range");
    refuses("((a{1000}){1000}){1000}", "too large");

    memset(large, 'a', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    refuses(large, "at most 1024 bytes");
}


static void
test_match(void **state)
{
    (void) state;

    passes("schema { claim s string; claim t string; }\n"
           "permit a { who anyone; what GET /a; if claim.s ~ \"a+b?\"; }\n"
           "permit i { who anyone; what GET /i; if claim.s ~ \"(?i)ab\"; }\n"
           "permit d { who anyone; what GET /d; if claim.s ~ \"a.b\"; }\n"
           "permit e { who anyone; what GET /e; if claim.s ~ \"a|ab\"; }\n"
           "permit p { who anyone; what GET /p/{x};\n"
           "           if path.x ~ \"[0-9]+\"; }\n"
           "permit u { who anyone; what GET /u; if claim.s ~ \".\"; }\n"
           "test \"1\" { request GET /a; claim s aaab; expect permit; }\n"
           "test \"2\" { request GET /a; claim s xaab; expect deny; }\n"
           "test \"3\" { request GET /a; claim s aabx; expect deny; }\n"
           "test \"4\" { request GET /a; claim s \"a\\n\"; expect deny; }\n"
           "test \"5\" { request GET /i; claim s AB; expect permit; }\n"
           "test \"6\" { request GET /d; claim s \"a\\nb\"; expect deny; }\n"
           "test \"7\" { request GET /e; claim s ab; expect permit; }\n"
           "test \"8\" { request GET /p/12; expect permit; }\n"
           "test \"9\" { request GET /p/1x; expect deny; }\n"
           "test \"10\" { request GET /u; claim s \"\\u{e4}\";\n"
           "  expect permit; }\n", 10);

    /* absent and of another type: unknown; so is what hits the limit */

    passes("schema { claim s string; }\n"
           "permit a { who anyone; }\n"
           "deny d { if has claim.s && claim.s ~ \"(a+)+\"; }\n"
           "test \"1\" { request GET /; expect permit; }\n"
           "test \"2\" { request GET /; claim s aaaa; expect deny by d; }\n"
           "test \"3\" { request GET /; claim s b; expect permit; }\n"
           "test \"4\" { request GET /; claim s 7; expect deny by d; }\n"
           "test \"5\" { request GET /;\n"
           "  claim s aaaaaaaaaaaaaaaaaaaaaaaaaaaaaab;\n"
           "  expect deny by d; }\n", 5);

    reports("schema { claim s string; claim n int; }\n"
            "set names string \"x\";\n"
            "deny a { if claim.n ~ \"1\"; }\n"
            "deny b { if claim.s ~ claim.s; }\n"
            "deny c { if claim.s ~ \"abc(?=d)\"; }\n"
            "deny d { if claim.s ~ \"\\\\d(\"; }\n"
            "deny e { if claim.s ~ names; }\n",
            "4:13 claim.n is int, \"~\" compares strings",
            "5:23 the pattern of \"~\" is a string",
            "6:27 lookahead is not allowed",
            "7:23 parenthesis", "8:23 the pattern of \"~\"", NULL);
}


/* Without compiled expressions, or memory for them, all is unknown. */

static void
test_unknown(void **state)
{
    uint8_t                  buf[64];
    uint32_t                 rules[4];
    policy_t                 p;
    weir_path_t              path;
    weir_policy_request_t    r;
    weir_policy_decision_t   d;
    weir_policy_regexes_t   *rx;

    (void) state;

    policy_body(&p, "permit a { who anyone; if request.method ~ \"G.T\"; }\n"
                "permit b { who anyone; if request.method ~ \"P.*\"; }\n"
                "permit c { who anyone; if request.path ~ \"G.T\"; }\n");
    assert_int_equal(p.b.nerrors, 0);
    assert_int_equal(weir_policy_regex_count(p.b.image), 2);

    memset(&r, 0, sizeof(r));
    memset(&d, 0, sizeof(d));

    assert_int_equal(weir_path_gate(&path, buf, str("/"), 0), WEIR_OK);
    r.path = &path;
    r.method = str("GET");
    d.rules = rules;
    d.max = 4;

    weir_policy_decide(p.b.image, 0, &r, &d);
    assert_int_equal(d.reason, WEIR_POLICY_DEFAULT_DENY);

    rx = weir_policy_regexes_create(&weir_alloc_malloc, p.b.image);
    assert_non_null(rx);
    r.regexes = rx;

    weir_policy_decide(p.b.image, 0, &r, &d);
    assert_int_equal(d.reason, WEIR_POLICY_PERMIT_RULE);
    assert_int_equal(d.count, 1);

    /* the decision compiled them; no step is left */

    assert_int_equal(weir_policy_regexes_step(rx), WEIR_DECLINED);
    weir_policy_regexes_destroy(rx);

    rx = weir_policy_regexes_create(&weir_alloc_malloc, p.b.image);
    assert_int_equal(weir_policy_regexes_step(rx), WEIR_OK);
    assert_int_equal(weir_policy_regexes_step(rx), WEIR_OK);
    assert_int_equal(weir_policy_regexes_step(rx), WEIR_DECLINED);
    weir_policy_regexes_destroy(rx);

    policy_done(&p);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_unknown)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
