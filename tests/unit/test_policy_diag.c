
/*
 * Unit tests of lib/policy: what is said of an error: where it is, the line
 * and its caret; how many are told, and what is read on after one.
 */

#include "policy_make.h"


static void
test_diagnostic_text(void **state)
{
    policy_t    p;
    weir_str_t  text;

    static const char  source[] =
        "language 1;\npolicy reports;\n"
        "schema    { claim tenant string; }\n\n"
        "permit a {\n    who anyone;\n    if claim.tenant == 7;\n}\n";
    static const char  expected[] =
        "reports.policy:7:24: error: claim.tenant is string, compared with "
        "int\n"
        "    7 |     if claim.tenant == 7;\n"
        "      |                        ^ declared at reports.policy:3:19\n";

    policy_source(&p, source, sizeof(source) - 1);
    p.source.name = str("reports.policy");

    assert_int_equal(p.b.ndiags, 1);

    text = weir_policy_diag_text(&p.arena, &p.b, &p.b.diags[0]);

    assert_int_equal(text.len, sizeof(expected) - 1);
    assert_memory_equal(text.data, expected, text.len);

    policy_done(&p);
}


/* Columns are characters; the caret stands below, tabs stay tabs. */

static void
test_diagnostic_columns(void **state)
{
    policy_t    p;
    weir_str_t  text;

    policy_body(&p, "permit a {\twho anyone; if \"\xc3\xa4\xe2\x82\xac\" == 1;"
                    " }");

    assert_int_equal(p.b.ndiags, 1);
    assert_int_equal(p.b.diags[0].place.line, 2);
    assert_int_equal(p.b.diags[0].place.column, 35);

    text = weir_policy_diag_text(&p.arena, &p.b, &p.b.diags[0]);

    assert_non_null(strstr((const char *) text.data,
        "\n      |           \t                       ^\n"));

    policy_done(&p);
}


/* A long line is shown around the caret only. */

static void
test_diagnostic_long(void **state)
{
    char        *body;
    policy_t     p;
    weir_str_t   text;

    body = malloc(20000);
    assert_non_null(body);

    memset(body, ' ', 20000);
    strcpy(body + 9000, "permit a { who nobody; }");
    memset(body + strlen(body), ' ', 5000);
    body[15000] = '\0';

    policy_body(&p, body);

    assert_int_equal(p.b.ndiags, 1);
    assert_int_equal(p.b.diags[0].place.column, 9016);

    text = weir_policy_diag_text(&p.arena, &p.b, &p.b.diags[0]);

    assert_true(text.len < 600);
    assert_non_null(memmem(text.data, text.len, "who nobody", 10));

    policy_done(&p);
    free(body);
}


static void
test_recovery(void **state)
{
    /* all errors of a bundle, in order */

    reports("deny a { what get /; if bogus; from 10.0.0.1/8; if 1 == \"x\" }\n"
            "wrong thing;\n"
            "role r { when ; }\n"
            "deny b { host a:1; what GET /a//b; }\n"
            "test \"t\" { request GET; expect maybe; }\n"
            "deny b { }",
            "2:15 upper case", "2:25 \"bogus\" is no attribute",
            "2:37 host bits",
            "2:57 compared with", "2:60 \";\" expected",
            "3:1 import, schema, role", "4:15 a value expected",
            "5:15 without port", "5:32 no empty segment",
            "6:23 a path expected", "6:32 permit or deny",
            "7:6 rule b is duplicate", NULL);

    /* a ";" that is missing at a line's end costs nothing else */

    reports("deny a {\n  what GET /a\n  if 1 == 1\n  host b:1;\n}",
            "3:14 \";\" expected", "4:12 \";\" expected", "5:8 without port",
            NULL);
    reports("deny a { what GET /a }\ndeny b { what GET /c; }",
            "2:21 \";\" expected", NULL);

    /* so does a "}" */

    reports("deny a { what GET /a;\ndeny b { what GET /b//c; }",
            "3:1 \"}\" expected", "3:22 no empty segment", NULL);
    reports("deny a { what GET /a; } }\ndeny b { host a:1; }",
            "2:25 unexpected \"}\"", "3:15 without port", NULL);
    reports("deny a { what GET /a;", "2:22 \"}\" expected, the source ends",
            NULL);
    reports("deny a", "2:7 \"{\" expected, the source ends", NULL);

    /* braces of a pattern are no blocks */

    reports("deny a { bogus /t/{x}/{y}; host b:1; }\ndeny b { host c:1; }",
            "2:10 who, what", "2:33 without port", "3:15 without port", NULL);

    reports("deny a { if claim.x = 1; if claim.y & true; if 1 | 2; }",
            "2:21 \"=\" is no operator", "2:37 \"&\" is no operator",
            "2:50 \"|\" is no operator", NULL);
}


/* At most so many are kept; all are counted. */

static void
test_many_errors(void **state)
{
    char      *body, *p;
    size_t     i;
    policy_t   pol;

    body = malloc(3000 * 16);
    assert_non_null(body);

    p = body;

    for (i = 0; i < 3000; i++) {
        p += sprintf(p, "bogus%zu;\n", i);
    }

    policy_body(&pol, body);

    assert_int_equal(pol.b.nerrors, 3000);
    assert_int_equal(pol.b.ndiags, WEIR_POLICY_MAX_DIAGS + 1);
    assert_null(pol.b.image);

    policy_done(&pol);

    /* warnings hide no error */

    p = body;

    for (i = 0; i < 1500; i++) {
        p += sprintf(p, "permit p%zu { }\n", i);
    }

    strcpy(p, "deny d { if 1 == \"x\"; }");

    policy_body(&pol, body);

    assert_int_equal(pol.b.nerrors, 1);
    assert_int_equal(pol.b.ndiags, WEIR_POLICY_MAX_DIAGS + 1);
    assert_int_equal(pol.b.diags[WEIR_POLICY_MAX_DIAGS].severity,
                     WEIR_POLICY_SEVERE);
    assert_int_equal(pol.b.diags[WEIR_POLICY_MAX_DIAGS].place.line, 1502);

    policy_done(&pol);
    free(body);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_diagnostic_text),
        cmocka_unit_test(test_diagnostic_columns),
        cmocka_unit_test(test_diagnostic_long),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_many_errors)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
