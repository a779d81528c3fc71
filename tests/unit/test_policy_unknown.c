
/*
 * Unit tests of lib/policy: decisions on what is absent or of another type:
 * schemas, attributes, Kleene's logic.
 */

#include "policy_make.h"


#define CORP  "schema from corp { claim s string; claim n int; claim b bool;"  \
              " claim r set<string>; claim o optional string; }\n"


/* Claims count only from the issuers of their schema, of tokens. */

static void
test_schemas(void **state)
{
    passes("schema from corp { claim a string; claim c string; }\n"
           "schema from other, third { claim b string; claim c string; }\n"
           "permit a { who anyone; what GET /; if claim.a == \"x\"; }\n"
           "permit b { who anyone; what GET /; if claim.b == \"x\"; }\n"
           "permit c { who anyone; what GET /; if claim.c == \"x\"; }\n"
           "permit h { who anyone; what GET /; if has claim.a; }\n"
           "test \"corp\" { request GET /; issuer corp; claim a x;\n"
           "  claim b x; claim c x; expect permit by a, c, h; }\n"
           "test \"other\" { request GET /; issuer other; claim a x;\n"
           "  claim b x; claim c x; expect permit by b, c; }\n"
           "test \"third\" { request GET /; issuer third; claim a x;\n"
           "  claim b x; claim c x; expect permit by b, c; }\n"
           "test \"stranger\" { request GET /; issuer x; claim a x;\n"
           "  claim b x; claim c x; expect deny by default; }\n"
           "test \"without issuer they do not exist\" { request GET /;\n"
           "  claim a x; claim b x; claim c x; expect deny by default; }\n"
           "test \"session\" { request GET /; issuer corp; claim a x;\n"
           "  identity session; expect permit by a, h; }\n"
           "test \"mtls has none\" { request GET /; issuer corp; claim a x;\n"
           "  identity mtls; expect deny by default; }\n"
           "test \"apikey has none\" { request GET /; issuer corp; claim a x;\n"
           "  identity apikey; expect deny by default; }\n"
           "test \"anonymous has none\" { request GET /; issuer corp;\n"
           "  claim a x; identity anonymous; expect deny by default; }\n", 9);

    passes("schema { claim a string; }\n"
           "permit a { who anyone; what GET /; if claim.a == \"x\"; }\n"
           "test \"any\" { request GET /; issuer corp; claim a x;\n"
           "  expect permit by a; }\n"
           "test \"none\" { request GET /; claim a x; expect permit by a; }\n"
           "test \"mtls\" { request GET /; claim a x; identity mtls;\n"
           "  expect deny by default; }\n", 3);

    passes("schema { claim a string; } schema from corp { claim a string; }\n"
           "permit a { who anyone; what GET /; if claim.a == \"x\"; }\n"
           "test \"none\" { request GET /; claim a x; expect permit by a; }\n"
           "test \"x\" { request GET /; issuer x; claim a x;\n"
           "  expect permit by a; }\n", 2);
}


/* Absent, or of another type, is unknown: no grant, and a deny stands. */

static void
test_unknown(void **state)
{
    passes(CORP
           "permit p { who anyone; what GET /p; if claim.s == \"x\"; }\n"
           "permit q { who anyone; what GET /q; unless claim.s == \"x\"; }\n"
           "deny d { what GET /d; if claim.s == \"x\"; }\n"
           "deny e { what GET /e; unless claim.s == \"x\"; }\n"
           "test \"absent, if\" { request GET /p; issuer corp; claim n 1;\n"
           "  expect deny by default; }\n"
           "test \"absent, unless\" { request GET /q; issuer corp; claim n 1;\n"
           "  expect deny by default; }\n"
           "test \"absent, deny if\" { request GET /d; issuer corp;\n"
           "  claim n 1; expect deny by d; }\n"
           "test \"absent, deny unless\" { request GET /e; issuer corp;\n"
           "  claim n 1; expect deny by e; }\n"
           "test \"int for string, if\" { request GET /p; issuer corp;\n"
           "  claim s 1; expect deny by default; }\n"
           "test \"int for string, unless\" { request GET /q; issuer corp;\n"
           "  claim s 1; expect deny by default; }\n"
           "test \"int for string, deny\" { request GET /d; issuer corp;\n"
           "  claim s 1; expect deny by d; }\n"
           "test \"set for string\" { request GET /p; issuer corp;\n"
           "  claim s x, y; expect deny by default; }\n"
           "test \"true\" { request GET /p; issuer corp; claim s x;\n"
           "  expect permit by p; }\n"
           "test \"false, unless\" { request GET /q; issuer corp; claim s y;\n"
           "  expect permit by q; }\n"
           "test \"false, deny if\" { request GET /d; issuer corp;\n"
           "  claim s y; expect deny by default; }\n"
           "test \"true, deny unless\" { request GET /e; issuer corp;\n"
           "  claim s x; expect deny by default; }\n", 12);

    passes(CORP
           "deny a { what GET /a; if !(claim.b); }\n"
           "deny b { what GET /b; if claim.n < 5; }\n"
           "deny c { what GET /c; if \"x\" in claim.r; }\n"
           "deny d { what GET /d; if claim.s in []; }\n"
           "deny e { what GET /e; if claim.s like \"*\"; }\n"
           "deny f { what GET /f; if source.ip in 10.0.0.0/8; }\n"
           "deny g { what GET /g; if request.time > 2026-01-01T00:00:00Z; }\n"
           "deny h { what GET /h; if claim.s != claim.s; }\n"
           "test \"a\" { request GET /a; expect deny by a; }\n"
           "test \"b\" { request GET /b; expect deny by b; }\n"
           "test \"c\" { request GET /c; expect deny by c; }\n"
           "test \"d\" { request GET /d; expect deny by d; }\n"
           "test \"e\" { request GET /e; expect deny by e; }\n"
           "test \"f\" { request GET /f; expect deny by f; }\n"
           "test \"g\" { request GET /g; expect deny by g; }\n"
           "test \"h\" { request GET /h; expect deny by h; }\n"
           "test \"string for bool\" { request GET /a; issuer corp;\n"
           "  claim b x; expect deny by a; }\n"
           "test \"string for int\" { request GET /b; issuer corp;\n"
           "  claim n \"9\"; expect deny by b; }\n"
           "test \"int for set\" { request GET /c; issuer corp;\n"
           "  claim r 9; expect deny by c; }\n"
           "test \"mixed for set\" { request GET /c; issuer corp;\n"
           "  claim r y, 9; expect deny by c; }\n"
           "test \"an empty list holds nothing\" { request GET /d;\n"
           "  issuer corp; claim s x; expect deny by default; }\n", 13);
}


/* All of Kleene's tables: T is true, F false, U unknown. */

static void
test_kleene(void **state)
{
    char                    body[1000];
    size_t                  i;
    policy_t                p;
    weir_policy_request_t   r;

    static const struct {
        const char  *expr;
        char         value;
    } table[] = {
        { "T && T", 'T' }, { "T && F", 'F' }, { "T && U", 'U' },
        { "F && T", 'F' }, { "F && F", 'F' }, { "F && U", 'F' },
        { "U && T", 'U' }, { "U && F", 'F' }, { "U && U", 'U' },
        { "T || T", 'T' }, { "T || F", 'T' }, { "T || U", 'T' },
        { "F || T", 'T' }, { "F || F", 'F' }, { "F || U", 'U' },
        { "U || T", 'T' }, { "U || F", 'U' }, { "U || U", 'U' },
        { "!T", 'F' }, { "!F", 'T' }, { "!U", 'U' },
        { "U && U && F", 'F' }, { "T && U && T", 'U' },
        { "U || F || T", 'T' }, { "F || U || F", 'U' },
        { "F && U || T", 'T' }, { "T || U && F", 'T' },
        { "U || T && F", 'U' }, { "(U || T) && F", 'F' },
        { "!(U && F)", 'T' }, { "!(U || T)", 'F' }, { "!(U || F)", 'U' }
    };

    memset(&r, 0, sizeof(r));
    r.method = str("GET");

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {

        char        *b;
        const char  *e;

        b = body + sprintf(body, "permit p { who anyone; what GET /p; if ");

        for (e = table[i].expr; *e != '\0'; e++) {
            b += sprintf(b, *e == 'T' ? "true" : *e == 'F' ? "false"
                            : *e == 'U' ? "source.ip == ::" : "%c", *e);
        }

        b += sprintf(b, "; }\ndeny d { what GET /d; if ");

        for (e = table[i].expr; *e != '\0'; e++) {
            b += sprintf(b, *e == 'T' ? "true" : *e == 'F' ? "false"
                            : *e == 'U' ? "source.ip == ::" : "%c", *e);
        }

        sprintf(b, "; }");

        policy_body(&p, body);

        assert_string_equal(decides(&p, &r, "/p", NULL, NULL),
                            table[i].value == 'T' ? "permit-rule p"
                                                  : "default-deny");
        assert_string_equal(decides(&p, &r, "/d", NULL, NULL),
                            table[i].value == 'T' ? "deny-rule d"
                            : table[i].value == 'U' ? "deny-unknown d"
                            : "default-deny");

        policy_done(&p);
    }
}


/* A scope that is false makes a deny inapplicable whatever is unknown. */

static void
test_false_beats_unknown(void **state)
{
    passes(CORP
           "deny d { who issuer corp; what GET /d; from 10.0.0.0/8;\n"
           "  host x; if claim.s == \"a\"; if claim.b; unless claim.n == 1; }\n"
           "test \"all unknown\" { request GET /d; issuer corp;\n"
           "  expect deny by d; }\n"
           "test \"who\" { request GET /d; issuer y;\n"
           "  expect deny by default; }\n"
           "test \"from\" { request GET /d; issuer corp; from 11.0.0.1;\n"
           "  expect deny by default; }\n"
           "test \"host\" { request GET /d; issuer corp; host y;\n"
           "  expect deny by default; }\n"
           "test \"if\" { request GET /d; issuer corp; claim s b;\n"
           "  expect deny by default; }\n"
           "test \"second if\" { request GET /d; issuer corp;\n"
           "  claim b false; expect deny by default; }\n"
           "test \"unless\" { request GET /d; issuer corp; claim n 1;\n"
           "  expect deny by default; }\n", 7);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_schemas),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_kleene),
        cmocka_unit_test(test_false_beats_unknown)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
