
/*
 * Unit tests of lib/policy: imports, libraries, sets, roles that include
 * others, SPIFFE IDs, and what misspelt names are told.
 */

#include "policy_files.h"


#define P      "language 1; policy p;\n"
#define LIB    "language 1;\n"


static void
test_imports(void **state)
{
    (void) state;

    files_pass(5, "lib/office.policy",
               LIB "schema from corp { claim tenant string; }\n"
               "set net cidr 10.0.0.0/8, 192.168.1.1;\n"
               "set names string \"acme\", \"umbrella\", \"acme\";\n"
               "role insider { when claim.tenant in names; }\n",
               "p.policy",
               P "import \"lib/office.policy\" as office;\n"
               "schema from corp { claim tenant string; }\n"
               "permit a { who role office.insider; what GET /a;\n"
               "           from office.net; }\n"
               "permit b { who anyone; what GET /b;\n"
               "           from office.net, 172.16.0.0/12; }\n"
               "permit c { who anyone; what GET /c;\n"
               "           if claim.tenant in office.names; }\n"
               "test \"in\" { request GET /a; from 10.9.9.9; issuer corp;\n"
               "  claim tenant umbrella; expect permit by a; }\n"
               "test \"net\" { request GET /a; from 11.9.9.9; issuer corp;\n"
               "  claim tenant umbrella; expect deny by default; }\n"
               "test \"other issuer\" { request GET /a; from 10.9.9.9;\n"
               "  issuer other; claim tenant umbrella;\n"
               "  expect deny by default; }\n"
               "test \"two\" { request GET /b; from 172.16.0.1;\n"
               "  expect permit by b; }\n"
               "test \"string\" { request GET /c; issuer corp;\n"
               "  claim tenant acme; expect permit by c; }\n",
               NULL);

    /* libraries import libraries, and what is imported twice is one */

    files_pass(1, "a.policy",
               LIB "import \"b.policy\" as b; set n cidr 10.0.0.0/8;\n"
               "schema { claim t string; }\n"
               "role r { when source.ip in n && claim.t in b.s; }\n",
               "b.policy", LIB "set s string \"x\";\n",
               "p.policy",
               P "import \"a.policy\" as a; import \"b.policy\" as b;\n"
               "import \"b.policy\" as c;\n"
               "permit q { who role a.r; if request.path in b.s\n"
               "  || request.method in [\"GET\"] || request.path in c.s; }\n"
               "test \"t\" { request GET /; from 10.1.1.1; claim t x;\n"
               "  expect permit; }\n",
               NULL);
}


static void
test_import_errors(void **state)
{
    (void) state;

    files_refused(1, TOLD("p.policy:2:8: error: there is no file "
                          "lib/ofice.policy in this bundle; is it "
                          "lib/office.policy?"),
                  "lib/office.policy", LIB, "p.policy",
                  P "import \"lib/ofice.policy\" as o;\n", NULL);

    files_refused(1, TOLD("p.policy:2:8: error: other.policy holds policy q",
                          "declared at other.policy:1:20"),
                  "other.policy", "language 1; policy q;\n", "p.policy",
                  P "import \"other.policy\" as o;\n", NULL);

    files_refused(4, TOLD("2:8: error: a path is written as the files are "
                          "listed", "it is absolute", "it has a part . or ..",
                          "it has an empty part"),
                  "p.policy",
                  P "import \"/etc/x.policy\" as a;\n"
                  "import \"../x.policy\" as b;\n"
                  "import \"./x.policy\" as c;\n"
                  "import \"a//x.policy\" as d;\n", NULL);

    /* what would come from a file that is not there is not told again */

    files_refused(1, TOLD("2:8: error: there is no file x.policy"),
                  "p.policy",
                  P "import \"x.policy\" as x;\n"
                  "permit a { who role x.r; from x.n; during x.w;\n"
                  "  if source.ip in x.n; unless request.path in x.s; }\n",
                  NULL);

    /* cycles, of one and of three files; each told once */

    files_refused(1, TOLD("a.policy:2:8: error: a.policy imports itself\n"),
                  "a.policy", LIB "import \"a.policy\" as a;\n", NULL);

    files_refused(1, TOLD("c.policy:2:8: error: a.policy imports itself "
                          "through other files",
                          "through at a.policy:2:8"),
                  "a.policy", LIB "import \"b.policy\" as b;\n",
                  "b.policy", LIB "import \"c.policy\" as c;\n",
                  "c.policy", LIB "import \"a.policy\" as a;\n", NULL);

    files_refused(2, TOLD("3:22: error: import a is duplicate",
                          "4:22: error: claim is an attribute's name"),
                  "a.policy", LIB, "p.policy",
                  P "import \"a.policy\" as a;\n"
                  "import \"a.policy\" as a;\n"
                  "import \"a.policy\" as claim;\n", NULL);

    /* equal names, equal types */

    files_refused(1, TOLD("p.policy:3:16: error: claim.t is int here, string "
                          "in a.policy, which this file imports",
                          "declared at a.policy:2:16"),
                  "a.policy", LIB "schema { claim t string; }\n", "p.policy",
                  P "import \"a.policy\" as a;\nschema { claim t int; }\n",
                  NULL);

    files_refused(1, TOLD("a.policy:2:1: error: a library (a file without "
                          "\"policy NAME;\") holds no permit"),
                  "a.policy", LIB "permit a { who anyone; }\n", NULL);
    files_refused(1, TOLD("holds no assert"), "a.policy",
                  LIB "assert never permit { what * /; }\n", NULL);
    files_refused(1, TOLD("a.policy:2:8: error: a library (a file without "
                          "\"policy NAME;\") holds no deny"), "a.policy",
                  LIB "shadow deny a { what * /; }\n", NULL);
}


static void
test_sets(void **state)
{
    (void) state;

    passes("schema { claim r set<string>; claim q set<string>;\n"
           "         claim scope set<string>; }\n"
           "set s string \"a\", \"b\", \"a\";\n"
           "permit any { who anyone; what GET /any; if claim.r any in s; }\n"
           "permit all { who anyone; what GET /all; if claim.r all in s; }\n"
           "permit has { who anyone; what GET /has; if s all in claim.r; }\n"
           "permit two { who anyone; what GET /two;\n"
           "             if claim.r all in claim.q; }\n"
           "permit sco { who anyone; what GET /sco;\n"
           "             if [\"b\"] any in claim.scope; }\n"
           "test \"1\" { request GET /any; claim r c, b; expect permit; }\n"
           "test \"2\" { request GET /any; claim r c, d; expect deny; }\n"
           "test \"3\" { request GET /all; claim r a, b; expect permit; }\n"
           "test \"4\" { request GET /all; claim r a, c; expect deny; }\n"
           "test \"5\" { request GET /has; claim r a, b, c;\n"
           "  expect permit; }\n"
           "test \"6\" { request GET /has; claim r a, a; expect deny; }\n"
           "test \"7\" { request GET /two; claim r a, b; claim q b, a, c;\n"
           "  expect permit; }\n"
           "test \"8\" { request GET /two; claim r a, d; claim q a, b;\n"
           "  expect deny; }\n"
           "test \"9\" { request GET /two; claim r a, b; expect deny; }\n"
           "test \"10\" { request GET /sco; claim scope \"a  b \";\n"
           "  expect permit; }\n", 10);

    /* unknown stays unknown: a deny stands */

    passes("schema { claim r set<string>; }\n"
           "permit all { who anyone; }\n"
           "deny d { unless claim.r any in [\"a\"]; }\n"
           "test \"1\" { request GET /; expect deny by d; }\n"
           "test \"2\" { request GET /; claim r 7; expect deny by d; }\n"
           "test \"3\" { request GET /; claim r a; expect permit; }\n", 3);

    reports("schema { claim r set<string>; claim s string; }\n"
            "set n cidr 10.0.0.0/8;\n"
            "deny a { if claim.s any in [\"x\"]; }\n"
            "deny b { if claim.r any in n; }\n"
            "deny c { if [\"a\"] all in [\"a\"]; }\n"
            "deny d { if claim.r in [\"x\"]; }\n"
            "deny e { if claim.r == n; }\n"
            "deny f { if n; }\n"
            "deny g { if claim.r any [\"a\"]; }\n"
            "deny h { if claim.s in n; }\n",
            "4:13 claim.s is string; \"any in\" compares sets",
            "5:28 the items of n are ip",
            "6:19 two lists are the same in every request",
            "7:13 claim.r is set<string>; \"any in\"",
            "8:24 claim.r is set<string>, compared with a list",
            "9:13 n is a list, a condition is bool",
            "10:25 in, as in \"any in\"",
            "11:24 claim.s is string, the list's items are ip", NULL);

    reports("set a cidr \"x\";\nset b string 10.0.0.0/8;\nset c int 1;\n"
            "set d cidr 10.0.0.1/8;\nset path cidr 10.0.0.0/8;\n"
            "set e string ;\nset f string \"x\" \"y\";\n"
            "set g string \"x\";\nset g cidr 10.0.0.0/8;\n"
            "set h cidr 7;\n",
            "2:12 an address or network", "3:14 a string in double quotes",
            "4:7 cidr, string or spiffe", "5:12 has host bits set",
            "6:5 path is an attribute's name", "7:14 a string in double",
            "8:18 \";\" expected", "10:5 set g is duplicate",
            "11:12 an address or network", NULL);

    reports("set s string \"x\";\ndeny a { from s; }\n"
            "deny b { who spiffe s; }\n",
            "3:15 set s is a set of string, \"from\" takes one of cidr",
            "4:21 set s is a set of string, \"who spiffe\"", NULL);
}


/* 100,000 items are searched, not walked; and stand once in the image. */

static void
test_large_sets(void **state)
{
    char      *text;
    size_t     len;
    uint32_t   i;
    policy_t   p;

    weir_policy_request_t  r;

    (void) state;

    text = malloc(8 * 1024 * 1024);
    assert_non_null(text);

    len = (size_t) sprintf(text, POLICY_HEAD "set n cidr ");

    for (i = 0; i < 100000; i++) {
        len += (size_t) sprintf(text + len, "%s%u.%u.%u.0/25",
                                i == 0 ? "" : ", ", 1 + i / 65536,
                                i / 256 % 256, i % 256);
    }

    len += (size_t) sprintf(text + len, ";\nset s string ");

    for (i = 0; i < 100000; i++) {
        len += (size_t) sprintf(text + len, "%s\"name-%u\"",
                                i == 0 ? "" : ", ", i);
    }

    len += (size_t) sprintf(text + len, ";\n");

    for (i = 0; i < 100; i++) {
        len += (size_t) sprintf(text + len, "permit r%u { who anyone;\n"
                                "what GET /%u/{n}; from n, 9.0.0.%u;\n"
                                "if path.n in s; }\n", i, i, i);
    }

    policy_source(&p, text, len);
    assert_int_equal(p.b.nerrors, 0);
    assert_non_null(weir_policy_open(p.b.image, p.b.size));

    /* 8 bytes a network, 8 and its text a string */

    assert_true(p.b.size < 6 * 1024 * 1024);

    memset(&r, 0, sizeof(r));
    r.method = str("GET");

    {
        weir_addr_t  ip;

        assert_int_equal(weir_addr_parse(str("1.2.3.4"), &ip), WEIR_OK);
        r.source_ip = &ip;
        assert_string_equal(decides(&p, &r, "/7/name-99999", NULL, NULL),
                            "permit-rule r7");
        assert_string_equal(decides(&p, &r, "/7/name-100000", NULL, NULL),
                            "default-deny");
        assert_int_equal(weir_addr_parse(str("1.2.3.200"), &ip), WEIR_OK);
        assert_string_equal(decides(&p, &r, "/7/name-99999", NULL, NULL),
                            "default-deny");
        assert_int_equal(weir_addr_parse(str("9.0.0.7"), &ip), WEIR_OK);
        assert_string_equal(decides(&p, &r, "/7/name-1", NULL, NULL),
                            "permit-rule r7");
    }

    policy_done(&p);
    free(text);
}


static void
test_spiffe(void **state)
{
    (void) state;

    passes("set s spiffe spiffe://corp/a, spiffe://corp/b;\n"
           "permit one { who spiffe spiffe://corp.example/sa/payments;\n"
           "             what POST /ledger; }\n"
           "permit some { who spiffe s; what GET /s; }\n"
           "permit cond { who anyone; what GET /c;\n"
           "  if has identity.spiffe && identity.spiffe in s; }\n"
           "permit eq { who anyone; what GET /e;\n"
           "  if has tls.spiffe && tls.spiffe == spiffe://corp/a; }\n"
           "deny no { who spiffe spiffe://corp/bad; what * /**; }\n"
           "test \"1\" { request POST /ledger;\n"
           "  spiffe spiffe://corp.example/sa/payments;\n"
           "  expect permit by one; }\n"
           "test \"2\" { request POST /ledger; spiffe spiffe://corp/a;\n"
           "  expect deny by default; }\n"
           "test \"3\" { request POST /ledger; expect deny by default; }\n"
           "test \"4\" { request GET /s; spiffe spiffe://corp/b;\n"
           "  expect permit by some; }\n"
           "test \"5\" { request GET /s; spiffe spiffe://corp/c;\n"
           "  expect deny by default; }\n"
           "test \"6\" { request GET /c; spiffe spiffe://corp/b;\n"
           "  identity mtls; expect permit by cond; }\n"
           "test \"7\" { request GET /e; spiffe spiffe://corp/a;\n"
           "  expect deny by default; }\n"
           "test \"8\" { request GET /s; spiffe spiffe://corp/bad;\n"
           "  expect deny by no; }\n"
           "test \"9\" { request GET /s; subject \"spiffe://corp/a\";\n"
           "  expect deny by default; }\n", 9);

    reports("deny a { who spiffe https://x/y; }\n"
            "deny b { who spiffe spiffe://Corp/a; }\n"
            "deny c { who spiffe spiffe://corp/; }\n"
            "deny d { who spiffe spiffe://corp/a//b; }\n"
            "deny e { who spiffe spiffe://corp/a/../b; }\n"
            "deny f { who spiffe spiffe://corp/a%20b; }\n"
            "deny g { who spiffe \"spiffe://corp/a\"; }\n"
            "deny h { who spiffe spiffe:///a; }\n"
            "set s spiffe spiffe://a, x;\n"
            "deny i { who spiffe spiffe://a; }\n",
            "2:21 it begins with spiffe://", "3:21 a trust domain has lower",
            "4:21 an empty segment", "5:21 an empty segment",
            "6:21 . or ..", "7:21 a path has letters", "8:21 a SPIFFE ID",
            "9:21 an empty segment", "10:26 a SPIFFE ID", NULL);
}


static void
test_includes(void **state)
{
    (void) state;

    passes("schema { claim r set<string>; }\n"
           "role reader { when \"reader\" in claim.r; }\n"
           "role writer { when \"writer\" in claim.r; includes reader; }\n"
           "role auditor { includes reader; when \"auditor\" in claim.r; }\n"
           "role admin { when \"admin\" in claim.r;\n"
           "             includes writer, auditor; }\n"
           "role nobody { includes admin; }\n"
           "permit r { who role reader; what GET /r; }\n"
           "permit w { who role writer; what GET /w; }\n"
           "permit a { who role admin; what GET /a; }\n"
           "test \"1\" { request GET /r; claim r reader; expect permit; }\n"
           "test \"2\" { request GET /r; claim r writer; expect permit; }\n"
           "test \"3\" { request GET /r; claim r admin; expect permit; }\n"
           "test \"4\" { request GET /r; claim r auditor; expect permit; }\n"
           "test \"5\" { request GET /w; claim r admin; expect permit; }\n"
           "test \"6\" { request GET /w; claim r auditor; expect deny; }\n"
           "test \"7\" { request GET /a; claim r writer; expect deny; }\n"
           "test \"8\" { request GET /r; claim r x; expect deny; }\n", 8);

    /* a capture that a holder reads is needed by the rule */

    reports("role a { when path.x == \"1\"; includes b; }\n"
            "role b { when true; }\n"
            "permit p { who role b; what GET /; }\n",
            "4:21 role b reads path.x", NULL);

    passes("role a { when path.x == \"1\"; includes b; }\n"
           "role b { when path.y == \"2\"; }\n"
           "permit p { who role b; what GET /{x}/{y}; }\n"
           "test \"1\" { request GET /1/9; expect permit; }\n"
           "test \"2\" { request GET /9/2; expect permit; }\n"
           "test \"3\" { request GET /9/9; expect deny; }\n", 3);

    /* Kleene: a holder that is unknown leaves it open */

    passes("schema { claim r set<string>; claim s set<string>; }\n"
           "role a { when \"a\" in claim.r; includes b; }\n"
           "role b { when \"b\" in claim.s; }\n"
           "permit all { who anyone; }\n"
           "deny d { who role b; }\n"
           "test \"1\" { request GET /; claim s b; expect deny; }\n"
           "test \"2\" { request GET /; claim s x; expect deny; }\n"
           "test \"3\" { request GET /; claim s x; claim r x;\n"
           "  expect permit; }\n", 3);

    reports("role a { when true; includes b; }\n"
            "role b { includes c; }\nrole c { includes a; }\n"
            "role d { includes d; }\nrole e { includes f, f; }\n"
            "role f { when true; }\nrole g { includes lib.x; }\n"
            "role h { includes reeder; }\nrole reader { when true; }\n",
            "4:19 role a includes itself through other roles",
            "5:19 role d includes itself", "6:22 f is included already",
            "8:19 roles of its own file",
            "9:19 role reeder is not defined; is it reader?", NULL);
}


static void
test_suggestions(void **state)
{
    (void) state;

    reports("schema { claim tenant string; claim roles set<string>; }\n"
            "role analyst { when \"a\" in claim.rolse; }\n"
            "permit a { who role analist; if clame.tenant == \"x\";\n"
            "  if claim.tennant == \"x\"; if request.metod == \"GET\";\n"
            "  unles true; }\n"
            "permt b { who anyone; }\n"
            "permit c { who anyon; }\n"
            "test \"t\" { request GET /; expct deny; }\n"
            "test \"u\" { request GET /; expect permit by aa; }\n",
            "3:28 claim.rolse is not declared in a schema; is it claim.roles?",
            "4:21 role analist is not defined; is it analyst?",
            "4:33 \"clame\" is no attribute and no import; is it claim?",
            "5:6 claim.tennant is not declared in a schema; is it "
            "claim.tenant?",
            "5:31 no attribute request.metod; is it request.method?",
            "6:3 not \"unles\"; is it unless?",
            "7:1 not \"permt\"; is it permit?",
            "8:16 not \"anyon\"; is it anyone?",
            "9:6 the test expects nothing",
            "9:27 not \"expct\"; is it expect?",
            "10:44 rule aa is not defined; is it a?", NULL);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_imports),
        cmocka_unit_test(test_import_errors),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_large_sets),
        cmocka_unit_test(test_spiffe),
        cmocka_unit_test(test_includes),
        cmocka_unit_test(test_suggestions)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
