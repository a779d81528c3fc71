
/*
 * Unit tests of lib/policy: the canonical layout.
 */

#include "policy_random.h"


/* Lays out body, twice; the result must be expected. */

static void
lays(const char *source, const char *expected)
{
    weir_str_t            out, again;
    weir_arena_t          arena;
    weir_policy_source_t  s;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    s.name = str("p.policy");
    s.text = str(source);

    assert_int_equal(weir_policy_format(&arena, &s, &out), WEIR_OK);

    if (!weir_str_eq(out, str(expected))) {
        fail_msg("expected:\n%s\ngot:\n%.*s", expected, (int) out.len,
                 (const char *) out.data);
    }

    s.text = out;
    assert_int_equal(weir_policy_format(&arena, &s, &again), WEIR_OK);
    assert_true(weir_str_eq(out, again));

    weir_arena_done(&arena);
}


static void
test_layout(void **state)
{
    (void) state;

    lays("language 1;policy p;", "language 1;\npolicy p;\n");
    lays("# head\nlanguage 1 ; # one\r\n\n\n\n# a\n#b\npolicy p;#x\n#end",
         "# head\nlanguage 1; # one\n\n# a\n#b\npolicy p; #x\n\n#end\n");

    lays("language 1; policy p;\n"
         "import \"l.policy\"as l;schema from a ,b{claim r optional set < "
         "string > ;\n\n\nclaim \"x\"int;}\n"
         "role r{when\"a\"in claim . r;}role s{}\n"
         "permit a{who role r,anyone;what GET ,HEAD /t/{x}/**;\n"
         "host a.x ,*.y;if(claim[\"x\"]<3)&&!has header (\"q\");from l . n;}",
         "language 1;\npolicy p;\n\n"
         "import \"l.policy\" as l;\n\n"
         "schema from a, b {\n"
         "    claim r optional set<string>;\n"
         "    claim \"x\" int;\n"
         "}\n"
         "\n"
         "role r { when \"a\" in claim.r; }\n"
         "role s {}\n"
         "\n"
         "permit a {\n"
         "    who role r, anyone;\n"
         "    what GET, HEAD /t/{x}/**;\n"
         "    host a.x, *.y;\n"
         "    if (claim[\"x\"] < 3) && !has header(\"q\");\n"
         "    from l.n;\n"
         "}\n");

    /* comments stay where they are, and keep a block open */

    lays("language 1; policy p;\nrole r { # who\n when true; }\n"
         "deny a { what * /; # here\n# there\n\n# last\n}\n"
         "deny b { if true && # why\n false; }\n",
         "language 1;\npolicy p;\n\n"
         "role r { # who\n    when true;\n}\n\n"
         "deny a {\n    what * /; # here\n    # there\n    # last\n}\n\n"
         "deny b {\n    if true && # why\n        false;\n}\n");

    /* long lines */

    lays("language 1; policy p;\n"
         "set s string \"aaaaaaaaaaaaaaaaaaaa\", \"bbbbbbbbbbbbbbbbbbbbbbb\","
         "\"cccccccccccccccccccccc\", \"d\";\n"
         "deny a { if request.method == \"aaaaaaaaaaaaaaaaaaaa\" || "
         "request.path == \"bbbbbbbbbbbbbbbbbbbbbbbbbb\"; }\n",
         "language 1;\npolicy p;\n\n"
         "set s string \"aaaaaaaaaaaaaaaaaaaa\", \"bbbbbbbbbbbbbbbbbbbbbbb\",\n"
         "    \"cccccccccccccccccccccc\", \"d\";\n\n"
         "deny a {\n"
         "    if request.method == \"aaaaaaaaaaaaaaaaaaaa\"\n"
         "        || request.path == \"bbbbbbbbbbbbbbbbbbbbbbbbbb\";\n"
         "}\n");

    lays("language 1;\nwindow w mon-fri 08:00-18:00 Europe/Paris ,sat "
         "08:00-12:00 UTC;",
         "language 1;\n\nwindow w mon-fri 08:00-18:00 Europe/Paris, "
         "sat 08:00-12:00 UTC;\n");
}


/* Blank lines are the layout's, not the writer's. */

static void
test_blank(void **state)
{
    size_t  i;

    static const char *const  sources[] = {
        "language 1;policy p;permit a{who anyone;}\n# why\ndeny b{what * /;}"
        "deny c{who anyone;what * /c;}role r{}set s string \"x\";"
        "set t string \"y\";shadow deny d{}#end\n# more\n# and",

        "language 1;\n\npolicy p;\n\n\npermit a {\n\n who anyone;\n}\n# why\n"
        "\n\n\ndeny b { what * /;\n\n}\n\n\n\ndeny c\n{\n\nwho anyone;\n\n\n"
        "what * /c;\n\n}\nrole r\n{\n}\n\nset s\nstring\n\n\"x\";\n\n\n"
        "set t string \"y\";\n\nshadow deny d {\r\n\r\n} #end\n\n\n# more\n\n"
        "\n# and\n\n\n\n"
    };

    (void) state;

    for (i = 0; i < 2; i++) {
        lays(sources[i],
             "language 1;\npolicy p;\n\n"
             "permit a { who anyone; }\n\n"
             "# why\ndeny b { what * /; }\n\n"
             "deny c {\n    who anyone;\n    what * /c;\n}\n\n"
             "role r {}\n\n"
             "set s string \"x\";\nset t string \"y\";\n\n"
             "shadow deny d {} #end\n\n"
             "# more\n# and\n");
    }
}


static void
test_refused(void **state)
{
    size_t                i;
    weir_str_t            out;
    weir_arena_t          arena;
    weir_policy_source_t  s;

    static const char *const  sources[] = {
        "", "language 1; policy p; permit", "language 1; deny a { what; }",
        "language 1;\npolicy p\n", "language 1; \xff", "language 2;"
    };

    (void) state;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        s.name = str("p.policy");
        s.text = str(sources[i]);
        assert_int_equal(weir_policy_format(&arena, &s, &out), WEIR_DECLINED);
    }

    weir_arena_done(&arena);
}


/* Other white space wherever there is some. */

static size_t
stretch(char *dst, weir_str_t from)
{
    int       string;
    size_t    i, n;
    unsigned  k;

    static const char *const  spaces[] = { " ", "\n", "\t", "\r\n", "\n\n\n" };

    n = 0;
    string = 0;

    for (i = 0; i < from.len; i++) {

        if (string && from.data[i] == '\\') {
            dst[n++] = (char) from.data[i++];

        } else if (from.data[i] == '"') {
            string = !string;
        }

        if (!string && (from.data[i] == ' ' || from.data[i] == '\n')) {

            for (k = 1 + rnd(3); k != 0; k--) {
                n += (size_t) sprintf(dst + n, "%s", pick(spaces, 5));
            }

            continue;
        }

        dst[n++] = (char) from.data[i];
    }

    return n;
}


/* Random policies mean the same, and stay as they are laid out. */

static void
test_random(void **state)
{
    unsigned              i;
    policy_t              p, q;
    static char           wide[1000000];
    weir_str_t            out, again;
    weir_policy_source_t  s;

    (void) state;
    (void) random_request;

    for (i = 0; i < 300; i++) {

        seed = 0x9e3779b97f4a7c15u * (i + 1);
        random_policy();
        policy_source(&p, text, len);

        assert_int_equal(weir_policy_format(&p.arena, &p.source, &out),
                         WEIR_OK);

        s.name = p.source.name;
        s.text = out;
        assert_int_equal(weir_policy_format(&p.arena, &s, &again), WEIR_OK);
        assert_true(weir_str_eq(out, again));

        s.text.data = (const uint8_t *) wide;
        s.text.len = stretch(wide, out);
        assert_int_equal(weir_policy_format(&p.arena, &s, &again), WEIR_OK);
        assert_true(weir_str_eq(out, again));

        policy_source(&q, out.data, out.len);
        assert_int_equal(p.b.nerrors, q.b.nerrors);

        /* but for the places of names, which the image holds */

        if (p.b.nerrors == 0) {
            assert_int_equal(p.b.size, q.b.size);
        }

        policy_done(&q);
        policy_done(&p);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_blank),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
