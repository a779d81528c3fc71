
/*
 * Unit tests of lib/policy: types of expressions, guards, limits.
 */

#include "policy_make.h"


#define SCHEMA  "schema { claim b bool; claim n int; claim s string;"         \
                " claim r set<string>; claim o optional string;"              \
                " claim ob optional bool; claim or optional set<string>; }\n"


/* A condition in "unless", which needs no guards; it begins at 3:17. */

static void
cond(const char *expr, const char *expected)
{
    char  body[2000];

    snprintf(body, sizeof(body), SCHEMA "deny a { unless %s; }", expr);
    reports(body, expected, NULL);
}


/* The same in "if", at 3:13. */

static void
guarded(const char *expr, const char *expected)
{
    char  body[2000];

    snprintf(body, sizeof(body), SCHEMA "deny a { if %s; }", expr);
    reports(body, expected, NULL);

    snprintf(body, sizeof(body), SCHEMA "role r { when %s; }", expr);

    if (expected == NULL) {
        reports(body, NULL);
    }
}


static void
test_bool(void **state)
{
    cond("true", NULL);
    cond("false", NULL);
    cond("claim.b", NULL);
    cond("!claim.b", NULL);
    cond("(claim.b)", NULL);
    cond("claim.b && claim.ob || !true", NULL);
    cond("claim.s", "3:17 claim.s is string, a condition is bool");
    cond("claim.n", "3:17 claim.n is int, a condition is bool");
    cond("claim.r", "3:17 claim.r is set<string>, a condition is bool");
    cond("7", "3:17 7 is int");
    cond("\"x\"", "3:17 \"x\" is string");
    cond("request.time", "3:17 request.time is time");
    cond("source.ip", "3:17 source.ip is ip");
    cond("10.0.0.0/8", "3:17 10.0.0.0/8 is cidr");
    cond("5s", "3:17 5s is duration");
    cond("[1]", "3:17 the list is a list");
    cond("claim.b && claim.s", "3:28 claim.s is string");
    cond("claim.s || claim.b", "3:17 claim.s is string");
    cond("!claim.s", "3:18 claim.s is string");
    cond("claim.b && (claim.b || claim.n)", "3:40 claim.n is int");
}


static void
test_equality(void **state)
{
    cond("claim.b == true", NULL);
    cond("claim.n == 7", NULL);
    cond("claim.s != \"x\"", NULL);
    cond("claim.s == claim.o", NULL);
    cond("source.ip == 10.0.0.1", NULL);
    cond("source.ip == source.peer", NULL);
    cond("request.time == 2026-01-05T10:00:00Z", NULL);
    cond("5s == 5000ms", NULL);
    cond("request.method == \"GET\"", NULL);
    cond("request.path == \"/\" && request.host == \"x\" &&"
         " request.scheme == \"https\"", NULL);
    cond("identity.kind == \"jwt\" && identity.issuer == \"corp\" &&"
         " identity.subject == \"a\" && identity.principal == \"b\" &&"
         " identity.spiffe == \"c\"", NULL);
    cond("tls.version == \"x\" && tls.cipher == \"x\" && tls.sni == \"x\" &&"
         " tls.fingerprint == \"x\" && tls.spiffe == \"x\"", NULL);
    cond("header(\"X\") == query(\"y\")", NULL);

    cond("claim.s == 7", "3:28 claim.s is string, compared with int");
    cond("7 == claim.s", "3:22 claim.s is string, compared with int");
    cond("claim.s == claim.n", "3:28 claim.s is string, compared with int");
    cond("claim.b == \"true\"", "3:28 claim.b is bool, compared with string");
    cond("claim.n == 5s", "3:28 claim.n is int, compared with duration");
    cond("request.time == 7", "3:33 request.time is time, compared with int");
    cond("source.ip == \"10.0.0.1\"",
         "3:30 source.ip is ip, compared with string");
    cond("source.ip == 10.0.0.0/8",
         "3:30 source.ip is ip, compared with cidr");
    cond("10.0.0.0/8 == 10.0.0.0/8", "3:28 10.0.0.0/8 is cidr");
    cond("claim.r == claim.or", "3:25 sets know \"in\", \"any in\"");
    cond("claim.r == \"x\"", "3:28 claim.r is set<string>, compared");
    cond("claim.s == [\"x\"]", "3:28 claim.s is string, compared with a list");
    cond("[1] == [1]", "3:21 the list is a list");
}


static void
test_order(void **state)
{
    cond("claim.n < 7 && claim.n <= 7 && claim.n > 7 && claim.n >= 7", NULL);
    cond("request.time < 2026-01-05T10:00:00Z", NULL);
    cond("5s < 1m", NULL);
    cond("claim.s < \"x\"", "3:25 claim.s is string, which has no order");
    cond("claim.b <= true", "3:25 claim.b is bool, which has no order");
    cond("source.ip > 10.0.0.1", "3:27 source.ip is ip, which has no order");
    cond("claim.n < \"7\"", "3:27 claim.n is int, compared with string");
    cond("claim.r >= claim.r", "3:25 sets know \"in\", \"any in\"");
}


static void
test_in(void **state)
{
    cond("\"x\" in claim.r", NULL);
    cond("claim.s in claim.r", NULL);
    cond("claim.s in [\"a\", \"b\"]", NULL);
    cond("claim.n in [1, -2]", NULL);
    cond("claim.b in [true]", NULL);
    cond("source.ip in 10.0.0.0/8", NULL);
    cond("source.ip in [10.0.0.0/8, 10.1.2.3, ::1]", NULL);
    cond("10.1.2.3 in [10.0.0.0/8]", NULL);
    cond("request.time in [2026-01-05T10:00:00Z]", NULL);
    cond("5s in [5s, 1m]", NULL);
    cond("claim.s in []", NULL);

    cond("claim.n in claim.r", "3:28 claim.n is int, compared with set");
    cond("claim.n in [\"a\"]", "3:28 claim.n is int, the list's items are "
         "string");
    cond("claim.s in [10.0.0.0/8]", "3:28 claim.s is string, the list's items"
         " are ip");
    cond("claim.s in 10.0.0.0/8", "3:28 claim.s is string, compared with "
         "cidr");
    cond("source.ip in 10.0.0.1", "3:30 10.0.0.1 is ip; \"in\" needs");
    cond("claim.s in \"abc\"", "3:28 \"abc\" is string; \"in\" needs");
    cond("claim.s in claim.s", "3:28 claim.s is string; \"in\" needs");
    cond("[1] in [1]", "3:17 the list is a list");
    cond("10.0.0.0/8 in [10.0.0.0/8]", "3:17 10.0.0.0/8 is cidr");
    cond("claim.n in [1, \"a\"]", "3:32 this item is string, the first is "
         "int");
    cond("claim.n in [1, claim.n]", "3:32 a value expected");
    cond("claim.n in [1", "3:30 \",\" or \"]\" expected");
    cond("claim.n in [1,]", "3:31 a value expected");
    cond("claim.n in [[1]]", "3:29 a value expected");
}


static void
test_like(void **state)
{
    cond("claim.s like \"a*\"", NULL);
    cond("claim.s like \"a\\\\*?[b]\"", NULL);
    cond("claim.s like \"\"", NULL);
    cond("\"x\" like \"x\"", NULL);
    cond("claim.s like \"a\\\\b\"", "3:30 the only escape");
    cond("claim.s like \"a\\\\\\\\*\"", "3:30 the only escape");
    cond("claim.s like \"a\\\\\"", "3:30 the only escape");
    cond("claim.s like claim.s", "3:30 a string in double quotes");
    cond("claim.s like 7", "3:30 a string in double quotes");
    cond("claim.s like [\"a\"]", "3:30 a string in double quotes");
    cond("claim.n like \"7\"", "3:17 claim.n is int, \"like\" compares");
    cond("claim.r like \"7\"", "3:17 claim.r is set<string>, \"like\"");
}


static void
test_attributes(void **state)
{
    cond("claim[\"s\"] == \"x\"", NULL);
    cond("claim . s == \"x\"", NULL);
    cond("has claim.r", NULL);
    cond("has header(\"x\") && has query(\"y\") && has source.peer", NULL);
    cond("has request.time && has identity.subject && has tls.sni", NULL);

    cond("claim.unknown", "3:17 claim.unknown is not declared");
    cond("has claim.unknown", "3:21 claim.unknown is not declared");
    cond("claim[\"s.x\"] == \"x\"", "3:17 claim[\"s.x\"] is not declared");
    cond("claim.s.x == \"x\"", "3:17 claim.s.x is not declared");
    cond("claim == \"x\"", "3:23 \".\" or \"[\"");
    cond("claim[s] == \"x\"", "3:23 a string expected");
    cond("claim[\"s\" == \"x\"", "3:27 \"]\" expected");
    cond("claim.[\"s\"]", "3:23 a claim's name");
    cond("source.port == 1", "3:17 no attribute source.port");
    cond("source == 1", "3:24 \".\" expected");
    cond("request.body", "3:17 no attribute request.body");
    cond("identity.name", "3:17 no attribute identity.name");
    cond("tls.issuer", "3:17 no attribute tls.issuer");
    cond("bogus.x", "3:17 \"bogus\" is no attribute");
    cond("office", "3:17 \"office\" is no attribute");
    cond("header(x) == \"y\"", "3:24 double quotes");
    cond("header(\"x\"", "3:27 \")\" expected");
    cond("header \"x\"", "3:24 \"(\" expected");
    cond("has header(\"a b\")", "3:28 no header's name");
    cond("has header(\"\")", "3:28 no header's name");
    cond("has header(\"a:\")", "3:28 no header's name");
    cond("has query(\"\")", "3:27 no query parameter's name");
    cond("has", "3:20 an attribute expected");
    cond("has \"x\"", "3:21 an attribute expected");
    cond("has true", "3:21 \"true\" is no attribute");
    cond("has (claim.s)", "3:21 an attribute expected");
}


static void
test_grammar(void **state)
{
    cond("claim.n == 1 == 2", "3:30 do not chain");
    cond("claim.n < 1 < 2", "3:29 do not chain");
    cond("claim.n == 1 in [1]", "3:30 do not chain");
    cond("(claim.n) == 1", "3:27 \";\" expected");
    cond("!!claim.b", "3:18 a value expected");
    cond("!(!claim.b)", NULL);
    cond("! claim.n == 1", NULL);
    cond("claim.b &&", "3:27 a value expected");
    cond("&& claim.b", "3:17 a value expected");
    cond("(claim.b", "3:25 \")\" expected");
    cond("claim.b)", "3:24 \";\" expected");
    cond("claim.b claim.b", "3:25 \";\" expected");
    cond("()", "3:18 a value expected");
    cond("", "3:17 a value expected");
    cond("claim.n ==", "3:27 a value expected");
    cond("has claim.s == \"x\"", "3:29 \";\" expected");
}


/* In "if" and "when" an optional attribute needs "has X &&" before it. */

static void
test_guards(void **state)
{
    guarded("claim.s == \"x\"", NULL);
    guarded("claim.o == \"x\"", "3:13 may be absent: \"has claim.o &&\"");
    guarded("has claim.o && claim.o == \"x\"", NULL);
    guarded("claim.o == \"x\" && has claim.o", "3:13 may be absent");
    guarded("has claim.o || claim.o == \"x\"", "3:28 may be absent");
    guarded("!has claim.o && claim.o == \"x\"", "3:29 may be absent");
    guarded("has claim.s && claim.o == \"x\"", "3:28 may be absent");
    guarded("has claim.o && claim.b && claim.o == \"x\"", NULL);
    guarded("claim.b && has claim.o && claim.o == \"x\"", NULL);
    guarded("has claim[\"o\"] && claim.o == \"x\"", NULL);
    guarded("claim.ob", "3:13 may be absent");
    guarded("has claim.ob && claim.ob", NULL);
    guarded("has claim.ob && !claim.ob", NULL);
    guarded("\"x\" in claim.or", "3:20 may be absent");
    guarded("has claim.or && \"x\" in claim.or", NULL);
    guarded("claim.s == claim.o", "3:24 may be absent");
    guarded("has claim.o", NULL);

    /* to the right in its chain and into parentheses, not out of them */

    guarded("has claim.o && (claim.b || claim.o == \"x\")", NULL);
    guarded("has claim.o && (claim.b && (!(claim.o == \"x\")))", NULL);
    guarded("has claim.o && !(claim.o == \"x\")", NULL);
    guarded("(has claim.o && claim.b) && claim.o == \"x\"",
            "3:41 may be absent");
    guarded("(has claim.o && claim.o == \"x\") || claim.b", NULL);
    guarded("has claim.o && claim.o == \"x\" || claim.o == \"y\"",
            "3:46 may be absent");
    guarded("claim.b || has claim.o && claim.o == \"x\"", NULL);
    guarded("claim.b && (has claim.o && claim.o == \"x\")", NULL);
    guarded("claim.b && (has claim.o) && claim.o == \"x\"",
            "3:41 may be absent");
    guarded("has claim.o && (claim.b || has claim.ob) && claim.ob",
            "3:57 may be absent");

    /* these may be absent without being declared so */

    guarded("header(\"x\") == \"y\"", "3:13 may be absent");
    guarded("has header(\"x\") && header(\"X\") == \"y\"", NULL);
    guarded("has header(\"x\") && header(\"y\") == \"y\"",
            "3:32 may be absent");
    guarded("query(\"x\") == \"y\"", "3:13 may be absent");
    guarded("has query(\"x\") && query(\"X\") == \"y\"",
            "3:31 may be absent");
    guarded("has query(\"x\") && query(\"x\") == \"y\"", NULL);
    guarded("identity.subject == \"y\"", "3:13 may be absent");
    guarded("identity.issuer == \"y\"", "3:13 may be absent");
    guarded("identity.spiffe == \"y\"", "3:13 may be absent");
    guarded("tls.sni == \"y\"", "3:13 may be absent");
    guarded("tls.version == \"y\"", "3:13 may be absent");
    guarded("has identity.subject && identity.subject == \"y\"", NULL);

    guarded("identity.kind == \"jwt\"", NULL);
    guarded("identity.principal == \"y\"", NULL);
    guarded("source.ip == 10.0.0.1", NULL);
    guarded("source.peer == 10.0.0.1", NULL);
    guarded("request.host == \"x\" && request.scheme == \"x\" &&"
            " request.time > 2026-01-05T10:00:00Z", NULL);

    /* "unless" needs none */

    cond("claim.o == \"x\"", NULL);
    cond("header(\"x\") == \"y\" || \"x\" in claim.or", NULL);

    /* each condition is a chain of its own */

    reports(SCHEMA "deny a { if has claim.o; if claim.o == \"x\"; }",
            "3:29 may be absent", NULL);
    reports(SCHEMA "role x { when claim.o == \"x\"; }",
            "3:15 may be absent", NULL);

    /* once per place */

    reports(SCHEMA "deny a { if claim.o == \"x\" || claim.o == \"y\"; }",
            "3:13 may be absent", "3:31 may be absent", NULL);
}


static void
test_nesting(void **state)
{
    char      body[2000];
    char      open[100], close[100];
    unsigned  n;

    for (n = 64; n <= 65; n++) {
        memset(open, '(', n);
        open[n] = '\0';
        memset(close, ')', n);
        close[n] = '\0';

        snprintf(body, sizeof(body), "deny a { if %strue%s; }", open, close);

        if (n == 64) {
            reports(body, NULL);

        } else {
            reports(body, "2:77 nest deeper than 64", NULL);
        }
    }

    /* side by side they do not add up */

    strcpy(body, "deny a { if true");

    for (n = 0; n < 80; n++) {
        strcat(body, " && (!(true))");
    }

    strcat(body, "; }");
    reports(body, NULL);
}


/* n operands "true" joined by operators: 2n - 1 nodes. */

static void
test_nodes(void **state)
{
    char      body[4000];
    unsigned  n;

    strcpy(body, "deny a { if !true");

    for (n = 0; n < 127; n++) {
        strcat(body, "&&true");
    }

    /* "!", 128 literals, 127 operators */

    strcat(body, "; }");
    reports(body, NULL);

    strcpy(body + strlen(body) - 3, "||true; }");
    reports(body, "2:782 at most 256", NULL);

    /* "has" and its attribute are two */

    strcpy(body, "deny a { if true");

    for (n = 0; n < 85; n++) {
        strcat(body, "&&has source.ip");
    }

    strcat(body, "; }");
    reports(body, NULL);

    strcpy(body + strlen(body) - 3, "&&true; }");
    reports(body, "2:1294 at most 256", NULL);

    /* items of a list are free */

    strcpy(body, "schema { claim n int; } deny a { if claim.n in [0");

    for (n = 0; n < 1000; n++) {
        strcat(body, ",1");
    }

    strcat(body, "]; }");
    reports(body, NULL);
}


static void
test_items(void **state)
{
    char      *body, *p;
    unsigned   i, n;

    body = malloc(2000000);
    assert_non_null(body);

    for (n = 100000; n <= 100001; n++) {

        p = body + sprintf(body, "schema { claim n int; }\n"
                           "deny a { if claim.n in [\n1");

        for (i = 1; i < n; i++) {
            p += sprintf(p, ",1");
        }

        strcpy(p, "\n]; }");

        if (n == 100000) {
            reports(body, NULL);

        } else {
            reports(body, "4:200001 at most 100000 items", NULL);
        }

        p = body + sprintf(body, "deny a { from\n1.1.1.1");

        for (i = 1; i < n; i++) {
            p += sprintf(p, ",1.1.1.1");
        }

        strcpy(p, "\n; }");

        if (n == 100000) {
            reports(body, NULL);

        } else {
            reports(body, "3:800001 at most 100000 items", NULL);
        }
    }

    free(body);
}


static void
test_source_size(void **state)
{
    size_t                  len;
    char                   *text;
    weir_arena_t            arena;
    weir_policy_bundle_t    b;
    weir_policy_source_t    sources[2];

    /* all sources together */

    len = WEIR_POLICY_MAX_SOURCE / 2;
    text = malloc(len + 1);
    assert_non_null(text);

    memset(text, ' ', len + 1);
    memcpy(text, "language 1;", 11);

    sources[0].name = str("a.policy");
    sources[0].text = (weir_str_t) { len, (uint8_t *) text };
    sources[1].name = str("b.policy");
    sources[1].text = (weir_str_t) { len, (uint8_t *) text };

    weir_arena_init(&arena, &weir_alloc_malloc, 0);
    assert_int_equal(weir_policy_compile(&arena, sources, 2, NULL, &b),
                     WEIR_OK);
    assert_int_equal(b.nerrors, 0);
    weir_arena_done(&arena);

    sources[1].text.len++;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);
    assert_int_equal(weir_policy_compile(&arena, sources, 2, NULL, &b),
                     WEIR_OK);
    assert_int_equal(b.nerrors, 1);
    assert_int_equal(b.diags[0].place.file, 1);
    weir_arena_done(&arena);

    free(text);
}


/* Out of memory at any point is WEIR_NOMEM, never an image. */

static void
test_no_memory(void **state)
{
    int                     rc;
    size_t                  limit;
    weir_arena_t            arena;
    weir_policy_bundle_t    b;
    weir_policy_source_t    source;

    static const char  text[] =
        "language 1; policy p;\n"
        "schema from a, b { claim s string; claim \"x y\" optional int; }\n"
        "role r { when claim.s in [\"a\", \"b\"] && has header(\"x\"); }\n"
        "permit a { who role r, issuer a, subject \"x\" issuer b;\n"
        "  what GET, FOO /a/{x}/**; host *.b, c; from 10.0.0.0/8, ::1;\n"
        "  if path.x like \"a*\"; unless source.ip in [10.0.0.1]; }\n"
        "test \"t\" { request GET /a; claim s a, b; expect deny by default; }";

    source.name = str("p.policy");
    source.text = str(text);

    rc = WEIR_NOMEM;

    for (limit = 16; rc == WEIR_NOMEM; limit += 64) {

        weir_arena_init(&arena, &weir_alloc_malloc, limit);

        rc = weir_policy_compile(&arena, &source, 1, NULL, &b);

        if (rc == WEIR_OK) {
            assert_int_equal(b.nerrors, 0);
            assert_non_null(b.image);
            assert_non_null(weir_policy_open(b.image, b.size));
        }

        weir_arena_done(&arena);
    }

    assert_int_equal(rc, WEIR_OK);
    assert_true(limit > 4096);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_bool),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_in),
        cmocka_unit_test(test_like),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_source_size),
        cmocka_unit_test(test_no_memory)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
