
/*
 * Unit tests of lib/policy: the language: tokens, statements, what is an
 * error and where it is reported.
 */

#include "policy_make.h"


static void
test_head(void **state)
{
    policy_t  p;

    source_reports("language 1; policy p;", 21, NULL);
    source_reports("language 1;", 11, NULL);
    source_reports("# hello\n language # x\n 1 ; policy\tp\r\n;", 38, NULL);
    source_reports("", 0, "1:1 begins with \"language 1;\"", NULL);
    source_reports("language 2;", 11, "1:10 language 2 is not known", NULL);
    source_reports("language 01;", 12, "1:10 language 01 is not known", NULL);
    source_reports("language x;", 11, "1:10 version", NULL);
    source_reports("language \"1\";", 13, "1:10 version", NULL);
    source_reports("language 1", 10, "1:11 \";\" expected", NULL);
    source_reports("policy p;", 9, "1:1 begins with", NULL);
    source_reports("policy p; language 1;", 21, "1:1 begins with",
                   "1:11 \"language\" stands once", NULL);
    source_reports("language 1; policy p; policy q;", 31,
                   "1:23 \"policy\" stands once", NULL);
    source_reports("language 1; policy p; language 1;", 33,
                   "1:23 \"language\" stands once", NULL);
    source_reports("language 1; schema {} policy p;", 31,
                   "1:23 \"policy\" stands once", NULL);
    source_reports("bogus", 5, "1:1 begins with", NULL);
    source_reports("permit a { who anyone; }", 24, "1:1 begins with",
                   "1:1 library", NULL);
    source_reports("language 1; policy off;", 23, "1:20 not usable", NULL);
    source_reports("language 1; policy default;", 27, "1:20 not usable", NULL);
    source_reports("language 1; policy Orders;", 26, "1:20 not usable", NULL);
    source_reports("language 1; policy _x;", 22, "1:20 not usable", NULL);
    source_reports("language 1; policy 9x;", 22, "1:20 the policy's name",
                   NULL);
    source_reports("language 1; policy ;", 20, "1:20 the policy's name",
                   NULL);

    policy_source(&p, "language 1; policy a-b_2;", 25);
    assert_int_equal(weir_policy_count(p.b.image), 1);
    assert_int_equal(weir_policy_name(p.b.image, 0).len, 5);
    policy_done(&p);
}


static void
test_encoding(void **state)
{
    source_reports("\xef\xbb\xbflanguage 1;", 14, "1:1 byte order mark", NULL);
    source_reports("language 1;\xef\xbb\xbf", 14, "1:12 byte order mark",
                   NULL);
    source_reports("language\0 1;", 12, "1:9 NUL", NULL);
    source_reports("language 1;\n\x01", 13, "2:1 U+0001", NULL);
    source_reports("language 1; # \x7f", 15, "1:15 U+007F", NULL);
    source_reports("language 1; # \xc2\x85", 16, "1:15 U+0085", NULL);
    source_reports("language 1; # \x0b\x0c", 16, "1:15 U+000B", "1:16 U+000C",
                   NULL);
    source_reports("language 1; # \xe2\x80\xae", 17, "1:15 U+202E", NULL);
    source_reports("language 1; # \xff", 15, "1:15 not UTF-8", NULL);
    source_reports("language 1; # \xc0\xaf", 16, "1:15 not UTF-8", NULL);
    source_reports("language 1; # \xed\xa0\x80", 17, "1:15 not UTF-8", NULL);
    source_reports("language 1; # \xe2\x82", 16, "1:15 not UTF-8", NULL);
    source_reports("language 1; # \xc3\xa4 \xf0\x9f\x98\x80", 21, NULL);

    /* a lone CR is white space, and ends no comment */

    source_reports("language\r1\r;\rpolicy\rp;", 22, NULL);
    source_reports("language 1; # x\r bogus\r\n", 24, NULL);
}


static void
test_keywords_as_names(void **state)
{
    passes("permit s { who anyone; what GET /a;\n"
           "  if request.scheme == \"https\"; }\n"
           "test \"1\" { request GET /a; scheme https; expect permit by s; }\n"
           "test \"2\" { request GET /a; scheme http; expect deny; }\n"
           "test \"3\" { request GET /a; expect deny by default; }\n", 3);

    passes("schema from schema {\n"
           "  claim claim string; claim optional optional string;\n"
           "  claim string int; claim set set<string>; claim has bool; }\n"
           "role role { when claim.has && claim.claim == \"a\"; }\n"
           "role when { when \"x\" in claim.set; }\n"
           "permit permit { who role role, role when; what GET /permit; }\n"
           "permit what { who subject role issuer schema; what GET /if; }\n"
           "deny deny { what * /what/**; }\n"
           "deny who { what * /{if}/{has}/x; if path.if == path.has; }\n"
           "test \"test\" { request GET /permit; issuer schema;\n"
           "  claim claim a; claim has true; claim set role;\n"
           "  expect permit by permit; }\n"
           "test \"b\" { request GET /if; issuer schema; subject role;\n"
           "  expect permit by what; }\n"
           "test \"c\" { request GET /a/a/x; expect deny by who; }\n", 3);
}


static void
test_names(void **state)
{
    reports("role abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
            "abcdefghijkl { when true; }", NULL);
    reports("role abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
            "abcdefghijklm { when true; }", "2:6 at most 64 characters", NULL);
    reports("role A-b_9- { when true; } role _ { when true; }", NULL);
    reports("role 9a { when true; }", "2:6 the role's name expected", NULL);
    reports("role -a { when true; }", "2:6 unexpected character", NULL);
    reports("role \"a\" { when true; }", "2:6 the role's name expected", NULL);
    reports("deny \xc3\xa4 { what * /; }", "2:6 unexpected character", NULL);
    reports("role a { when true; }\nrole a { when false; }",
            "3:6 role a is duplicate", NULL);
    reports("deny a { what * /; }\ndeny a { what * /b; }",
            "3:6 rule a is duplicate", NULL);
    reports("deny a { what * /; }\npermit a { who anyone; }",
            "3:8 rule a is duplicate", NULL);
    reports("deny default { what * /; }", "2:6 \"default\" is not usable",
            NULL);

    /* roles, rules and claims have names of their own */

    reports("schema { claim a string; } role a { when true; }\n"
            "deny a { who role a; }", NULL);
}


static void
test_schema(void **state)
{
    reports("schema {}", NULL);
    reports("schema from corp {}", NULL);
    reports("schema from corp, partner { claim a string; claim b int;\n"
            "claim c bool; claim d set<string>; claim e optional string;\n"
            "claim f optional set < string > ; claim \"https://x/y\" int;\n"
            "claim a.b.c string; }", NULL);
    reports("schema { claim a text; }", "2:18 bool, int, string or set", NULL);
    reports("schema { claim a; }", "2:17 bool, int, string or set", NULL);
    reports("schema { claim a set<int>; }", "2:22 \"string\"", NULL);
    reports("schema { claim a set; }", "2:21 set<string>: \"<\"", NULL);
    reports("schema { claim a set<string; }", "2:28 set<string>: \">\"", NULL);
    reports("schema { claim a optional; }", "2:26 bool, int", NULL);
    reports("schema { claim optional string; }", NULL);
    reports("schema { claim 7 string; }", "2:16 a claim's name", NULL);
    reports("schema { claim a. string; }", "2:25 bool, int, string", NULL);
    reports("schema { a string; }", "2:10 claim or \"}\"", NULL);
    reports("schema from { claim a string; }", "2:13 an issuer's name", NULL);
    reports("schema from a, a { }", "2:16 issuer a is duplicate", NULL);
    reports("schema { claim \"a\\u{0}b\" string; }", "2:16 NUL", NULL);

    /* equal names need equal types, in one schema each once */

    reports("schema { claim a string; claim a string; }",
            "2:32 claim.a is duplicate", NULL);
    reports("schema { claim a string; claim \"a\" string; }",
            "2:32 claim[\"a\"] is duplicate", NULL);
    reports("schema { claim a.b string; claim \"a.b\" string; }", NULL);
    reports("schema from x { claim a string; }\n"
            "schema from y { claim a string; }", NULL);
    reports("schema from x { claim a string; }\n"
            "schema from y { claim a int; }",
            "3:23 claim.a is int here, string in another schema", NULL);
    reports("schema from x { claim a string; }\n"
            "schema { claim a optional string; }",
            "3:16 claim.a is optional string here", NULL);
}


static void
test_library(void **state)
{
    source_reports("language 1;\nschema { claim a string; }\n"
                   "role r { when claim.a == \"x\"; }", 70, NULL);
    source_reports("language 1;\nrole r { when claim.a == \"x\"; }", 43,
                   "2:15 not declared", NULL);
    source_reports("language 1;\npermit a { who anyone; }", 36,
                   "2:1 holds no permit", NULL);
    source_reports("language 1;\ndeny a { what * /; }", 32,
                   "2:1 holds no deny", NULL);
    source_reports("language 1;\ntest \"x\" { request GET /; expect deny; }",
                   52, "2:1 holds no test", NULL);
}


static void
test_role(void **state)
{
    reports("role a { when true; when false; }", "2:21 \"when\" is duplicate",
            NULL);
    reports("role a { }", "w2:6 nobody holds it", NULL);
    reports("role a { if true; }", "2:10 when, includes or \"}\"", NULL);
    reports("role a when true; ", "2:8 \"{\" expected", NULL);
    reports("deny a { who role b; }", "2:19 role b is not defined", NULL);
}


static void
test_scopes(void **state)
{
    reports("permit a { what GET /; }", "w2:8 has no \"who\"", NULL);
    reports("permit a { }", "w2:8 has no \"who\"", NULL);
    reports("deny a { }", NULL);

    reports("deny a { who anyone; who authenticated; }",
            "2:22 \"who\" is duplicate", NULL);
    reports("deny a { host a; host b; }", "2:18 \"host\" is duplicate", NULL);
    reports("deny a { from 10.0.0.1; from 10.0.0.2; }",
            "2:25 \"from\" is duplicate", NULL);
    reports("deny a { what * /a; what GET /b; if true; if false; unless true;"
            " unless false; }", NULL);

    reports("deny a { who; }", "2:13 role, subject, issuer, spiffe", NULL);
    reports("deny a { who alice; }", "2:14 role, subject, issuer, spiffe",
            NULL);
    reports("deny a { who subject alice; }", "2:27 issuer NAME", NULL);
    reports("deny a { who subject alice issuer; }", "2:34 an issuer's name",
            NULL);
    reports("deny a { who subject issuer corp; }", "2:29 issuer NAME", NULL);
    reports("deny a { who subject \"a b\" issuer corp, issuer x, anyone,"
            " authenticated; }", NULL);
    reports("deny a { who anyone authenticated; }", "2:21 \";\" expected",
            NULL);
    reports("deny a { when true; }", "2:10 who, what, host", NULL);
}


static void
test_hosts(void **state)
{
    reports("deny a { host api.example.com, *.example.com, \"x.y\", [::1],"
            " 127.0.0.1, API.Example.COM, a.b., localhost; }", NULL);
    reports("deny a { host a.b:80; }", "2:15 without port", NULL);
    reports("deny a { host [::1]:80; }", "2:15 without port", NULL);
    reports("deny a { host *; }", "2:15 first labels", NULL);
    reports("deny a { host *.; }", "2:15 first labels", NULL);
    reports("deny a { host a.*.b; }", "2:15 first labels", NULL);
    reports("deny a { host *a.b; }", "2:15 first labels", NULL);
    reports("deny a { host *.*.b; }", "2:15 first labels", NULL);
    reports("deny a { host a/b; }", "2:15 is no host", NULL);
    reports("deny a { host u@b; }", "2:15 is no host", NULL);
    reports("deny a { host a..b; }", "2:15 is no host", NULL);
    reports("deny a { host *.[::1]; }", "2:15 is no host", NULL);
    reports("deny a { host ; }", "2:15 a host expected", NULL);
    reports("deny a { host a,, b; }", "2:17 a host expected", NULL);
    reports("deny a { host \"\"; }", "2:15 first labels", NULL);
}


static void
test_nets(void **state)
{
    reports("deny a { from 10.0.0.0/8, 10.1.2.3, ::1, 2001:db8::/32,"
            " fe80::/10, ::ffff:10.0.0.0/104, ::/0, 0.0.0.0/0; }", NULL);
    reports("deny a { from 10.0.0.1/8; }", "2:15 network is 10.0.0.0/8", NULL);
    reports("deny a { from 2001:db8::1/32; }", "2:15 network is 2001:db8::/32",
            NULL);
    reports("deny a { from 10.0.0.0/33; }", "2:15 is no network", NULL);
    reports("deny a { from 10.0.0; }", "2:15 fractions", NULL);
    reports("deny a { from 10.0.0.256; }", "2:15 is no address", NULL);
    reports("deny a { from 1::2::3; }", "2:15 is no address", NULL);
    reports("deny a { from 7; }", "2:15 an address or network", NULL);
    reports("deny a { from 10.0.0.1/8, 10.0.0.2/8; }",
            "2:15 network is 10.0.0.0/8", "2:27 network is 10.0.0.0/8", NULL);
    reports("deny a { from ; }", "2:15 an address, a network or a set", NULL);
}


static void
test_patterns(void **state)
{
    reports("deny a { what * /; what GET, HEAD /a; what GET,HEAD /a/;\n"
            "what * /{x}/*/**/b; what M-SEARCH /x; what X2 \"/a b;c/{d}\";\n"
            "what */a; what * /a#b; what * /%; what * /%zz;\n"
            "what * /\xc3\xa4; what * \"/\\u{e4}\"; }", NULL);

    reports("deny a { what GET; }", "2:18 a path", NULL);
    reports("deny a { what GET a; }", "2:19 a path", NULL);
    reports("deny a { what GET \"a\"; }", "2:19 a path begins with", NULL);
    reports("deny a { what /a; }", "2:15 a method", NULL);
    reports("deny a { what get /a; }", "2:15 upper case", NULL);
    reports("deny a { what Get /a; }", "2:15 upper case", NULL);
    reports("deny a { what G_T /a; }", "2:15 upper case", NULL);
    reports("deny a { what GET, * /a; }", "2:20 a method", NULL);
    reports("deny a { what *, GET /a; }", "2:16 a path", NULL);
    reports("deny a { what GET HEAD /a; }", "2:19 a path", NULL);

    reports("deny a { what * /a//b; }", "2:20 no empty segment", NULL);
    reports("deny a { what * //; }", "2:18 no empty segment", NULL);
    reports("deny a { what * /a*; }", "2:18 whole segments", NULL);
    reports("deny a { what * /***; }", "2:18 whole segments", NULL);
    reports("deny a { what * /a/**b/c; }", "2:20 whole segments", NULL);
    reports("deny a { what * /{x}.json; }", "2:18 a whole segment", NULL);
    reports("deny a { what * /{}; }", "2:18 a whole segment", NULL);
    reports("deny a { what * /{9}; }", "2:18 a whole segment", NULL);
    reports("deny a { what * /a}; }", "2:18 a whole segment", NULL);
    reports("deny a { what * /**/a/**; }", "2:23 at most one \"**\"", NULL);
    reports("deny a { what * /{x}/{x}; }", "2:22 {x} is duplicate", NULL);
    reports("deny a { what * /{x}; what GET /{x}; }", NULL);
    reports("deny a { what * /a/./b; }", "2:20 \".\" may not stand", NULL);
    reports("deny a { what * /a/..; }", "2:20 \"..\" may not stand", NULL);
    reports("deny a { what * /a%2fb; }", "2:18 the character for %2f", NULL);
    reports("deny a { what * /%41; }", "2:18 the character for %41", NULL);
    reports("deny a { what * /a?b=c; }", "2:18 no \"?\"", NULL);
    reports("deny a { what * \"/a\\n\"; }", "2:17 no control character", NULL);
}


static void
test_captures(void **state)
{
    reports("deny a { what * /{x}; if path.x == \"a\"; }", NULL);
    reports("deny a { if path.x == \"a\"; what * /{x}; }", NULL);
    reports("deny a { if path.x == \"a\"; }", "2:13 no \"what\" with {x}",
            NULL);
    reports("deny a { what * /{x}; what * /b/{y}; if path.x == \"a\"; }",
            "2:41 not in every \"what\"", NULL);
    reports("deny a { what * /{x}; unless has path.y; }",
            "2:34 not in every \"what\"", NULL);

    /* through a role */

    reports("role r { when path.x == \"a\"; }\n"
            "deny a { who role r; what * /{x}; }", NULL);
    reports("role r { when path.x == \"a\"; }\ndeny a { who role r; }",
            "3:19 role r reads path.x", NULL);
    reports("role r { when path.x == \"a\"; }\n"
            "deny a { who role r; what * /{x}; what * /y; }",
            "3:19 role r reads path.x", NULL);
    reports("role r { when path.x == \"a\"; }", NULL);
}


static void
test_strings(void **state)
{
    reports("deny a { if \"a\\\"\\\\\\n\\t\\u{41}\\u{10FFFF}\" == \"b\"; }",
            NULL);
    reports("deny a { if \"\\x\" == \"b\"; }", "2:14 unknown escape", NULL);
    reports("deny a { if \"\\r\" == \"b\"; }", "2:14 unknown escape", NULL);
    reports("deny a { if \"ab\\u41\" == \"b\"; }", "2:16 hex digits", NULL);
    reports("deny a { if \"\\u{}\" == \"b\"; }", "2:14 hex digits", NULL);
    reports("deny a { if \"\\u{1234567}\" == \"b\"; }", "2:14 hex digits",
            NULL);
    reports("deny a { if \"\\u{g}\" == \"b\"; }", "2:14 hex digits", NULL);
    reports("deny a { if \"\\u{41\" == \"b\"; }", "2:14 hex digits", NULL);
    reports("deny a { if \"\\u{d800}\" == \"b\"; }", "2:14 no such character",
            NULL);
    reports("deny a { if \"\\u{110000}\" == \"b\"; }", "2:14 no such", NULL);
    reports("deny a { if \"abc\n; }", "2:13 does not end on its line", NULL);
    reports("deny a { if \"abc", "2:13 does not end on its line",
            "2:17 the source ends", NULL);
    reports("deny a { if \"abc\\\n\"; }", "2:13 does not end on its line",
            "3:5 the source ends", NULL);
    reports("deny a { if 'abc' == \"b\"; }", "2:13 double quotes", NULL);
}


static void
test_numbers(void **state)
{
    reports("schema { claim n int; } deny a { if claim.n == 0; }\n"
            "deny b { if claim.n == 9223372036854775807; }\n"
            "deny c { if claim.n == -9223372036854775808; }\n"
            "deny d { if claim.n == -0 || claim.n>=3&&claim.n<=5; }", NULL);
    reports("schema { claim n int; }\n"
            "deny a { if claim.n == 9223372036854775808; }\n"
            "deny b { if claim.n == -9223372036854775809; }\n"
            "deny c { if claim.n == 99999999999999999999999; }\n"
            "deny d { if claim.n == 1.5; }\n"
            "deny e { if claim.n == 0x10; }\n"
            "deny f { if claim.n == 1_000; }\n"
            "deny g { if claim.n == - 1; }\n"
            "deny h { if claim.n == +1; }\n",
            "3:24 64 bits", "4:24 64 bits", "5:24 64 bits", "6:24 fractions",
            "7:24 is no int", "8:24 is no int", "9:24 unexpected character",
            "10:24 unexpected character", NULL);
    reports("deny a { if request.time > 2026-01-05T10:00:00Z; }\n"
            "deny b { if request.time > 2026-01-05T10:00:00.5+02:00; }\n"
            "deny c { if 1h30m < 100ms; }\n"
            "deny d { if source.ip == 10.1.2.3; }\n"
            "deny e { if source.ip == fe80::1; }\n"
            "deny f { if source.ip == ::; }\n"
            "deny g { if source.ip in ::ffff:0:0/96; }\n"
            "deny h { if source.ip in cafe::/16; }", NULL);
    reports("deny a { if request.time > 2026-13-05T10:00:00Z; }\n"
            "deny b { if request.time > 2026-01-05; }\n"
            "deny c { if request.time > 2026-01-05T10:00Z; }\n"
            "deny d { if source.ip == 1.2.3.4.5; }\n"
            "deny e { if source.ip in 10.0.0.1/8; }\n"
            "deny f { if 10x < 1s; }",
            "2:28 is no time", "3:28", "4:28 is no time",
            "5:26 is no address", "6:26 10.0.0.0/8", "7:13 is no int", NULL);
}


static void
test_in_policy_tests(void **state)
{
    reports("test \"t\" { expect deny; }", "2:6 has no request", NULL);
    reports("test \"t\" { request GET /; }", "2:6 expects nothing", NULL);
    reports("test t { request GET /; expect deny; }", "2:6 the test's name",
            NULL);
    reports("test \"t\" { request get /; expect deny; }", "2:20 upper case",
            NULL);
    reports("test \"t\" { request GET /a?b=c; expect deny; }",
            "2:24 no \"?\"", NULL);
    reports("test \"t\" { request GET \"\"; expect deny; }", "2:24 is empty",
            NULL);
    reports("test \"t\" { request GET /; request GET /; expect deny; }",
            "2:27 \"request\" is duplicate", NULL);
    reports("test \"t\" { request GET /; from x; at y; identity z; host;\n"
            "subject; issuer \"a\"; claim a; header a b; query \"a\";\n"
            "from 10.0.0.0/8; at 7; bogus; expect deny by; }",
            "2:32 an address expected", "2:38 a time", "2:50 jwt, mtls",
            "2:57 a host", "3:8 a subject", "3:17 an issuer's name",
            "3:29 a word, string, int", "3:38 a name in double quotes",
            "3:52 a value in double quotes", "4:1 \"from\" is duplicate",
            "4:18 \"at\" is duplicate", "4:24 request, host, scheme",
            "4:45 a rule's name", NULL);
    reports("deny a { } permit b { who anyone; }\n"
            "test \"t\" { request GET /; expect permit by a; }\n"
            "test \"u\" { request GET /; expect deny by b; }\n"
            "test \"v\" { request GET /; expect deny by c; }\n"
            "test \"w\" { request GET /; expect permit by default; }\n"
            "test \"x\" { request GET /; expect deny by a, a; }\n"
            "test \"y\" { request GET /; expect deny by default, a; }",
            "3:44 rule a is a deny", "4:42 rule b is a permit",
            "5:42 rule c is not defined", "6:44 nothing is permitted",
            "7:45 a is duplicate", "8:42 rule default is not defined", NULL);
    reports("test \"t\" { request GET /; claim a b; expect deny; }",
            "w2:33 claim.a is not declared", NULL);
    reports("schema { claim a string; }\n"
            "test \"t\" { request GET /; claim a b; claim a c; expect deny; }",
            "3:44 claim.a is duplicate", NULL);
    reports("test \"t\" { request GET /; header \"a\" \"b\";"
            " header \"a\" \"c\"; query \"x\" \"\"; query \"x\" \"\";"
            " expect deny; }", NULL);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_keywords_as_names),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_library),
        cmocka_unit_test(test_role),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_nets),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_captures),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_in_policy_tests)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
