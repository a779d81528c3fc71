
/*
 * Unit tests of lib/policy: decisions: methods, paths and the other scopes.
 * Most stand in the policies themselves, as a user would write them.
 */

#include "policy_make.h"


static void
test_default_deny(void **state)
{
    passes("test \"nothing\" { request GET /; expect deny by default; }\n"
           "permit a { who anyone; what GET /a; }\n"
           "test \"permit\" { request GET /a; expect permit by a; }\n"
           "test \"other path\" { request GET /b; expect deny by default; }\n"
           "test \"other method\" { request POST /a;\n"
           "  expect deny by default; }\n", 4);
}


static void
test_deny_beats_permit(void **state)
{
    passes("permit z { who anyone; what * /**; }\n"
           "permit b { who anyone; what * /x/**; }\n"
           "permit B { who anyone; what * /x/**; }\n"
           "deny c { what DELETE /**; }\n"
           "deny a { what * /x/y; }\n"
           "test \"all permits\" { request GET /x;\n"
           "  expect permit by B, b, z; }\n"
           "test \"in any order\" { request GET /x;\n"
           "  expect permit by z, b, B; }\n"
           "test \"one deny\" { request GET /x/y; expect deny by a; }\n"
           "test \"all denies\" { request DELETE /x/y; expect deny by a, c; }\n"
           "test \"a permit\" { request GET /q; expect permit by z; }\n", 5);
}


/* "by" names all the rules that decided. */

static void
test_expectations(void **state)
{
    uint32_t                i;
    policy_t                p;
    weir_policy_outcome_t   o;

    static const char *const  messages[] = {
        "expected permit by a, got permit by a, b (permit-rule)",
        "expected permit by a, b, c, got permit by a, b (permit-rule)",
        "expected deny, got permit by a, b (permit-rule)",
        "expected deny by default, got deny by d (deny-rule)",
        "expected deny by d, got deny (default-deny)",
        "expected permit, got deny (default-deny)",
        "expected deny by default, got deny (ambiguous-path)",
        "expected permit, got deny (ambiguous-host)",
        "expected permit, got deny by e (deny-unknown)"
    };

    policy_body(&p,
        "permit a { who anyone; what GET /x; }\n"
        "permit b { who anyone; what GET /x; }\n"
        "permit c { who anyone; what GET /y; }\n"
        "deny d { what GET /d; }\n"
        "deny e { what GET /e; if source.ip == 10.0.0.1; }\n"
        "test \"1\" { request GET /x; expect permit by a; }\n"
        "test \"2\" { request GET /x; expect permit by a, b, c; }\n"
        "test \"3\" { request GET /x; expect deny; }\n"
        "test \"4\" { request GET /d; expect deny by default; }\n"
        "test \"5\" { request GET /z; expect deny by d; }\n"
        "test \"6\" { request GET /z; expect permit; }\n"
        "test \"7\" { request GET /a//b; expect deny by default; }\n"
        "test \"8\" { request GET /x; host \"a,b\"; expect permit; }\n"
        "test \"9\" { request GET /e; expect permit; }\n");

    assert_int_equal(p.b.ntests, 9);

    for (i = 0; i < 9; i++) {
        assert_int_equal(weir_policy_run_test(&p.arena, &p.b, i, &o), WEIR_OK);
        assert_false(o.passed);
        assert_int_equal(o.message.len, strlen(messages[i]));
        assert_memory_equal(o.message.data, messages[i], o.message.len);
        assert_int_equal(o.place.line, 7 + i);
        assert_int_equal(o.place.column, 6);
        assert_int_equal(o.expect.line, 7 + i);
    }

    policy_done(&p);
}


static void
test_methods(void **state)
{
    passes("permit get { who anyone; what GET /m; }\n"
           "permit two { who anyone; what PUT, HEAD /m; }\n"
           "permit odd { who anyone; what BREW, M-SEARCH, X2 /m; }\n"
           "permit all { who anyone; what * /all; }\n"
           "test \"GET\" { request GET /m; expect permit by get; }\n"
           "test \"HEAD is another\" { request HEAD /m;\n"
           "  expect permit by two; }\n"
           "test \"OPTIONS is none of them\" { request OPTIONS /m;\n"
           "  expect deny by default; }\n"
           "test \"by name\" { request BREW /m; expect permit by odd; }\n"
           "test \"with digits\" { request X2 /m; expect permit by odd; }\n"
           "test \"with a dash\" { request M-SEARCH /m;\n"
           "  expect permit by odd; }\n"
           "test \"not a part\" { request M-SEARC /m;\n"
           "  expect deny by default; }\n"
           "test \"unknown\" { request FOO /m; expect deny by default; }\n"
           "test \"unknown and *\" { request FOO /all;\n"
           "  expect permit by all; }\n"
           "test \"known and *\" { request TRACE /all;\n"
           "  expect permit by all; }\n", 10);
}


/* Methods are compared as strings. */

static void
test_method_case(void **state)
{
    policy_t                p;
    weir_policy_request_t   r;

    policy_body(&p, "permit a { who anyone; what GET, FOO /; }\n"
                    "permit b { who anyone; what * /; }");

    memset(&r, 0, sizeof(r));

    r.method = str("get");
    assert_string_equal(decides(&p, &r, "/", NULL, NULL), "permit-rule b");

    r.method = str("GETX");
    assert_string_equal(decides(&p, &r, "/", NULL, NULL), "permit-rule b");

    r.method = (weir_str_t) { 4, (const uint8_t *) "GET\0" };
    assert_string_equal(decides(&p, &r, "/", NULL, NULL), "permit-rule b");

    r.method = str("foo");
    assert_string_equal(decides(&p, &r, "/", NULL, NULL), "permit-rule b");

    r.method = str("FOO");
    assert_string_equal(decides(&p, &r, "/", NULL, NULL), "permit-rule a,b");

    policy_done(&p);
}


static void
test_paths(void **state)
{
    passes("permit root { who anyone; what GET /; }\n"
           "permit lit { who anyone; what GET /a/b; }\n"
           "permit slash { who anyone; what GET /c/d/; }\n"
           "permit one { who anyone; what GET /one/*; }\n"
           "permit mid { who anyone; what GET /mid/*/x; }\n"
           "permit deep { who anyone; what GET /deep/**; }\n"
           "permit tail { who anyone; what GET /tail/**/x/*; }\n"
           "permit end { who anyone; what PUT /**/end; }\n"
           "permit quoted { who anyone; what GET \"/q q/\\u{e4};x\"; }\n"
           "permit utf { who anyone; what GET /\xc3\xa4; }\n"
           "test \"root\" { request GET /; expect permit by root; }\n"
           "test \"literal\" { request GET /a/b; expect permit by lit; }\n"
           "test \"a slash more\" { request GET /a/b/;\n"
           "  expect permit by lit; }\n"
           "test \"a slash less\" { request GET /c/d;\n"
           "  expect permit by slash; }\n"
           "test \"both\" { request GET /c/d/; expect permit by slash; }\n"
           "test \"case\" { request GET /A/b; expect deny by default; }\n"
           "test \"shorter\" { request GET /a; expect deny by default; }\n"
           "test \"longer\" { request GET /a/b/c; expect deny by default; }\n"
           "test \"prefix\" { request GET /a/bb; expect deny by default; }\n"
           "test \"one\" { request GET /one/x; expect permit by one; }\n"
           "test \"one, none\" { request GET /one; expect deny by default; }\n"
           "test \"one, empty\" { request GET /one/;\n"
           "  expect deny by default; }\n"
           "test \"one, two\" { request GET /one/x/y;\n"
           "  expect deny by default; }\n"
           "test \"mid\" { request GET /mid/q/x; expect permit by mid; }\n"
           "test \"mid, other\" { request GET /mid/q/y;\n"
           "  expect deny by default; }\n"
           "test \"** is none\" { request GET /deep; expect permit by deep; }\n"
           "test \"** with /\" { request GET /deep/; expect permit by deep; }\n"
           "test \"** is one\" { request GET /deep/a;\n"
           "  expect permit by deep; }\n"
           "test \"** is more\" { request GET /deep/a/b/c/d;\n"
           "  expect permit by deep; }\n"
           "test \"** is no suffix\" { request GET /deeper;\n"
           "  expect deny by default; }\n"
           "test \"tail, none\" { request GET /tail/x/y;\n"
           "  expect permit by tail; }\n"
           "test \"tail, some\" { request GET /tail/a/b/x/y;\n"
           "  expect permit by tail; }\n"
           "test \"tail, not x\" { request GET /tail/a/b/z/y;\n"
           "  expect deny by default; }\n"
           "test \"tail, too short\" { request GET /tail/x;\n"
           "  expect deny by default; }\n"
           "test \"tail, x twice\" { request GET /tail/x/x/x;\n"
           "  expect permit by tail; }\n"
           "test \"end alone\" { request PUT /end; expect permit by end; }\n"
           "test \"end\" { request PUT /a/b/end; expect permit by end; }\n"
           "test \"not the end\" { request PUT /a/end/b;\n"
           "  expect deny by default; }\n"
           "test \"decoded once\" { request GET /%61/b;\n"
           "  expect permit by lit; }\n"
           "test \"decoded UTF-8\" { request GET /%c3%a4;\n"
           "  expect permit by utf; }\n"
           "test \"raw UTF-8 is refused\" { request GET /\xc3\xa4;\n"
           "  expect deny; }\n", 31);
}


/* The gate of security.md 1.1 comes first, also before a permit of all. */

static void
test_ambiguous(void **state)
{
    size_t                  i;
    policy_t                p;
    weir_policy_request_t   r;

    static const char *const  paths[] = {
        "/t/a#/../../admin/x", "/a\\b", "/a;b", "/a//b", "/a/./b", "/a/../b",
        "/a/%2e%2e/b", "/a%2fb", "/a%25b", "/a%zz", "/a%", "/%ff", "/a/..b",
        "/a/b..", "/a%00", "/a%3bb", "/a%3fb", "/a%5cb", "/a%7f", "/a%23b",
        "a", "*", "http://x/y", "/a\x01"
    };

    policy_body(&p, "permit a { who anyone; what * /**; }\n"
                    "permit b { who anyone; }");

    memset(&r, 0, sizeof(r));
    r.method = str("GET");

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_string_equal(decides(&p, &r, paths[i], NULL, NULL),
                            "ambiguous-path");
    }

    assert_string_equal(decides(&p, &r, "/a", NULL, NULL), "permit-rule a,b");
    assert_string_equal(decides(&p, &r, "/a", "x", NULL), "permit-rule a,b");
    assert_string_equal(decides(&p, &r, "/a", "a,b", NULL), "ambiguous-host");
    assert_string_equal(decides(&p, &r, "/a", "u@b", NULL), "ambiguous-host");
    assert_string_equal(decides(&p, &r, "/a", "", NULL), "ambiguous-host");

    policy_done(&p);
}


static void
test_several_whats(void **state)
{
    passes("permit a { who anyone; what GET /a/{x}/*; what GET /a/*/{x};\n"
           "  if path.x == \"k\"; }\n"
           "deny d { what GET /d/{x}/*; what GET /d/*/{x};\n"
           "  unless path.x == \"k\"; }\n"
           "permit all { who anyone; what * /d/**; }\n"
           "permit e { who anyone; what GET /e; what PUT /e; what * /e;\n"
           "  what GET /**; }\n"
           "test \"first\" { request GET /a/k/z; expect permit by a, e; }\n"
           "test \"second\" { request GET /a/z/k; expect permit by a, e; }\n"
           "test \"both\" { request GET /a/k/k; expect permit by a, e; }\n"
           "test \"neither\" { request GET /a/z/z; expect permit by e; }\n"
           "test \"a deny needs one\" { request GET /d/k/z;\n"
           "  expect deny by d; }\n"
           "test \"the other one\" { request GET /d/z/k; expect deny by d; }\n"
           "test \"none\" { request GET /d/k/k; expect permit by all, e; }\n"
           "test \"once in the list\" { request GET /e; expect permit by e; }\n"
           "test \"another method\" { request PUT /e; expect permit by e; }\n"
           "test \"and another\" { request FOO /e; expect permit by e; }\n",
           10);
}


static void
test_captures(void **state)
{
    passes("permit a { who anyone; what GET /t/{x}/**/{y}/z/{z};\n"
           "  if path.x == \"1\" && path.y == \"2\" && path.z == \"3\"; }\n"
           "permit b { who anyone; what GET /same/{x}/{y};\n"
           "  if path.x == path.y; }\n"
           "role r { when path.who == \"me\"; }\n"
           "permit c { who role r; what GET /{who}; what GET /u/{who}; }\n"
           "permit d { who anyone; what GET /dec/{x};\n"
           "  if path.x == \"a b\" && request.path == \"/dec/a b/\"; }\n"
           "permit e { who anyone; what GET /has/{x}; if has path.x; }\n"
           "test \"around **\" { request GET /t/1/a/b/2/z/3;\n"
           "  expect permit by a; }\n"
           "test \"** is none\" { request GET /t/1/2/z/3;\n"
           "  expect permit by a; }\n"
           "test \"from the end\" { request GET /t/1/2/9/z/3;\n"
           "  expect deny by default; }\n"
           "test \"equal\" { request GET /same/x/x; expect permit by b; }\n"
           "test \"not equal\" { request GET /same/x/y;\n"
           "  expect deny by default; }\n"
           "test \"in a role\" { request GET /me; expect permit by c; }\n"
           "test \"of each path\" { request GET /u/me; expect permit by c; }\n"
           "test \"not in a role\" { request GET /you;\n"
           "  expect deny by default; }\n"
           "test \"decoded\" { request GET /dec/a%20b/;\n"
           "  expect permit by d; }\n"
           "test \"has\" { request GET /has/q; expect permit by e; }\n", 10);
}


/* A role that reads captures is another one in each rule. */

static void
test_role_by_rule(void **state)
{
    passes("role r { when path.x == \"k\"; }\n"
           "permit a { who role r; what GET /{x}/*; }\n"
           "permit b { who role r; what GET /*/{x}; }\n"
           "permit c { who role r, anyone; what GET /{x}/*; }\n"
           "test \"a\" { request GET /k/z; expect permit by a, c; }\n"
           "test \"b\" { request GET /z/k; expect permit by b, c; }\n"
           "test \"all\" { request GET /k/k; expect permit by a, b, c; }\n"
           "test \"c\" { request GET /z/z; expect permit by c; }\n", 4);
}


static void
test_hosts(void **state)
{
    passes("permit a { who anyone; host a.example.com, *.wild.example.com,\n"
           "  [::1], UPPER.example.com, dot.example.com.; what * /**; }\n"
           "deny d { host *.deny; what * /**; }\n"
           "test \"exact\" { request GET /; host a.example.com;\n"
           "  expect permit by a; }\n"
           "test \"case, port and dot\" { request GET /;\n"
           "  host A.Example.COM.:8443; expect permit by a; }\n"
           "test \"one label\" { request GET /; host x.wild.example.com;\n"
           "  expect permit by a; }\n"
           "test \"two labels\" { request GET /;\n"
           "  host \"y.x.wild.example.com\"; expect permit by a; }\n"
           "test \"no label\" { request GET /; host wild.example.com;\n"
           "  expect deny by default; }\n"
           "test \"no label's end\" { request GET /; host xwild.example.com;\n"
           "  expect deny by default; }\n"
           "test \"upper in the rule\" { request GET /;\n"
           "  host upper.example.com; expect permit by a; }\n"
           "test \"dot in the rule\" { request GET /; host dot.example.com;\n"
           "  expect permit by a; }\n"
           "test \"address\" { request GET /; host \"[::1]:80\";\n"
           "  expect permit by a; }\n"
           "test \"other\" { request GET /; host b.example.com;\n"
           "  expect deny by default; }\n"
           "test \"deny\" { request GET /; host x.deny; expect deny by d; }\n"
           "test \"absent is unknown: no grant, a deny stands\" {\n"
           "  request GET /; expect deny by d; }\n", 12);
}


static void
test_from(void **state)
{
    passes("permit a { who anyone; what GET /a; from 10.0.0.0/8,\n"
           "  192.168.1.1, 2001:db8::/32, 172.16.0.0/12, 172.20.0.0/16,\n"
           "  10.1.0.0/16, ::ffff:1.2.3.0/120; }\n"
           "permit all6 { who anyone; what GET /6; from ::/0; }\n"
           "permit mapped { who anyone; what GET /m; from ::ffff:0:0/96; }\n"
           "permit all4 { who anyone; what GET /4; from 0.0.0.0/0; }\n"
           "deny d { what GET /d; from 10.0.0.0/8; }\n"
           "test \"net\" { request GET /a; from 10.255.0.1;\n"
           "  expect permit by a; }\n"
           "test \"first\" { request GET /a; from 10.0.0.0;\n"
           "  expect permit by a; }\n"
           "test \"last\" { request GET /a; from 10.255.255.255;\n"
           "  expect permit by a; }\n"
           "test \"before\" { request GET /a; from 9.255.255.255;\n"
           "  expect deny by default; }\n"
           "test \"behind\" { request GET /a; from 11.0.0.0;\n"
           "  expect deny by default; }\n"
           "test \"inner net\" { request GET /a; from 172.20.3.4;\n"
           "  expect permit by a; }\n"
           "test \"behind inner net\" { request GET /a; from 172.31.0.1;\n"
           "  expect permit by a; }\n"
           "test \"address\" { request GET /a; from 192.168.1.1;\n"
           "  expect permit by a; }\n"
           "test \"next address\" { request GET /a; from 192.168.1.2;\n"
           "  expect deny by default; }\n"
           "test \"v6\" { request GET /a; from 2001:db8:ffff::1;\n"
           "  expect permit by a; }\n"
           "test \"v6 outside\" { request GET /a; from 2001:db9::1;\n"
           "  expect deny by default; }\n"
           "test \"mapped is IPv4\" { request GET /a; from ::ffff:10.1.2.3;\n"
           "  expect permit by a; }\n"
           "test \"mapped net is IPv4\" { request GET /a; from 1.2.3.4;\n"
           "  expect permit by a; }\n"
           "test \"::/0 is v6\" { request GET /6; from fe80::1;\n"
           "  expect permit by all6; }\n"
           "test \"::/0 is no v4\" { request GET /6; from 10.1.1.1;\n"
           "  expect deny by default; }\n"
           "test \"::ffff:0:0/96 is no v4\" { request GET /m; from 10.1.1.1;\n"
           "  expect deny by default; }\n"
           "test \"0/0\" { request GET /4; from 255.255.255.255;\n"
           "  expect permit by all4; }\n"
           "test \"0/0 is no v6\" { request GET /4; from ::1;\n"
           "  expect deny by default; }\n"
           "test \"unknown\" { request GET /a; expect deny by default; }\n"
           "test \"unknown, deny\" { request GET /d; expect deny by d; }\n"
           "test \"elsewhere\" { request GET /d; from 11.1.1.1;\n"
           "  expect deny by default; }\n", 21);
}


static void
test_who(void **state)
{
    passes("schema from corp, other { claim r set<string>; }\n"
           "role staff { when \"staff\" in claim.r; }\n"
           "permit anyone { who anyone; what GET /anyone; }\n"
           "permit auth { who authenticated; what GET /auth; }\n"
           "permit corp { who issuer corp; what GET /corp; }\n"
           "permit alice { who subject alice issuer corp; what GET /alice; }\n"
           "permit odd { who subject \"a b:c\" issuer corp; what GET /odd; }\n"
           "permit staff { who role staff; what GET /staff; }\n"
           "permit list { who subject bob issuer corp, role staff;\n"
           "  what GET /list; }\n"
           "deny notstaff { who role staff; what GET /deny; }\n"
           "deny nobob { who subject bob issuer corp; what GET /nobob; }\n"
           "permit nobob2 { who anyone; what GET /nobob; }\n"
           "test \"anyone\" { request GET /anyone; expect permit; }\n"
           "test \"anonymous\" { request GET /auth; expect deny by default; }\n"
           "test \"jwt\" { request GET /auth; subject a; expect permit; }\n"
           "test \"mtls\" { request GET /auth; identity mtls;\n"
           "  expect permit; }\n"
           "test \"claims are jwt\" { request GET /auth; claim r x;\n"
           "  expect permit; }\n"
           "test \"issuer alone is anonymous\" { request GET /auth;\n"
           "  issuer corp; expect deny by default; }\n"
           "test \"said so\" { request GET /auth; subject a;\n"
           "  identity anonymous; expect deny by default; }\n"
           "test \"issuer\" { request GET /corp; subject x; issuer corp;\n"
           "  expect permit by corp; }\n"
           "test \"other issuer\" { request GET /corp; subject x;\n"
           "  issuer other; expect deny by default; }\n"
           "test \"no issuer is false\" { request GET /corp; subject x;\n"
           "  expect deny by default; }\n"
           "test \"subject\" { request GET /alice; subject alice;\n"
           "  issuer corp; expect permit by alice; }\n"
           "test \"of another issuer\" { request GET /alice; subject alice;\n"
           "  issuer other; expect deny by default; }\n"
           "test \"without issuer\" { request GET /alice; subject alice;\n"
           "  expect deny by default; }\n"
           "test \"another subject\" { request GET /alice; subject alice2;\n"
           "  issuer corp; expect deny by default; }\n"
           "test \"odd subject\" { request GET /odd; subject \"a b:c\";\n"
           "  issuer corp; expect permit by odd; }\n"
           "test \"role\" { request GET /staff; issuer corp;\n"
           "  claim r staff, x; expect permit by staff; }\n"
           "test \"not the role\" { request GET /staff; issuer corp;\n"
           "  claim r x; expect deny by default; }\n"
           "test \"first of the list\" { request GET /list; issuer corp;\n"
           "  subject bob; expect permit by list; }\n"
           "test \"second of the list\" { request GET /list; issuer other;\n"
           "  claim r staff; expect permit by list; }\n"
           "test \"an unknown role denies\" { request GET /deny;\n"
           "  subject a; issuer corp; expect deny by notstaff; }\n"
           "test \"a role that is false does not\" { request GET /deny;\n"
           "  issuer corp; claim r x; expect deny by default; }\n"
           "test \"no subject is false, not unknown\" { request GET /nobob;\n"
           "  expect permit by nobob2; }\n"
           "test \"a subject that is another\" { request GET /nobob;\n"
           "  subject al; issuer corp; expect permit by nobob2; }\n"
           "test \"and that one\" { request GET /nobob;\n"
           "  subject bob; issuer corp; expect deny by nobob; }\n", 24);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_default_deny),
        cmocka_unit_test(test_deny_beats_permit),
        cmocka_unit_test(test_expectations),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_method_case),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_ambiguous),
        cmocka_unit_test(test_several_whats),
        cmocka_unit_test(test_captures),
        cmocka_unit_test(test_role_by_rule),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_from),
        cmocka_unit_test(test_who)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
