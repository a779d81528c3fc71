
/*
 * Unit tests of lib/policy: the canonical layout, and syntax trees.
 */

#include "policy_random.h"
#include "weir_policy_json.h"


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


/* The tree of a source and back; gives the source's canonical layout. */

static void
trees(policy_t *p, weir_str_t source, weir_str_t expected)
{
    int                   rc;
    json_t               *tree, *again;
    weir_err_t            err;
    weir_str_t            out;
    weir_policy_source_t  s;

    s.name = str("p.policy");
    s.text = source;

    assert_int_equal(weir_policy_to_json(&p->arena, &s, &tree), WEIR_OK);

    rc = weir_policy_from_json(&p->arena, tree, &out, &err);

    if (rc != WEIR_OK || !weir_str_eq(out, expected)) {
        fail_msg("%d %s\n%.*s", rc, rc == WEIR_DECLINED ? err.text : "",
                 (int) out.len, (const char *) out.data);
    }

    s.text = out;
    assert_int_equal(weir_policy_to_json(&p->arena, &s, &again), WEIR_OK);
    assert_true(json_equal(tree, again));

    json_decref(again);
    json_decref(tree);
}


static void
test_tree(void **state)
{
    unsigned              i;
    policy_t              p;
    weir_str_t            out;
    weir_policy_source_t  s;

    static const char  all[] =
        "# head\nlanguage 1; # one\npolicy p;\n\n"
        "import \"lib/l.policy\" as l;\n\n"
        "schema from a, b {\n    # of\n    claim r optional set<string>;\n"
        "    claim \"x y\" int; # behind\n    claim a.b bool;\n}\n\n"
        "schema { claim c string; }\n\n"
        "role r { when \"a\" in claim.r; }\n\n"
        "role s {\n    includes r, t;\n    when true;\n}\n\n"
        "role t {}\n\n"
        "set n cidr 10.0.0.0/8, ::1;\nset u spiffe spiffe://a/b, "
        "spiffe://c/d;\n\n"
        "window w mon-fri 08:00-18:00 Europe/Paris, sat 08:00-12:00 UTC;\n\n"
        "permit a { # why\n"
        "    who role l.r, subject \"x y\" issuer a, issuer b, spiffe u,\n"
        "        spiffe spiffe://a/b, anyone, authenticated;\n"
        "    what GET, HEAD /t/{x}/**;\n    what * \"/a b\";\n"
        "    host a.x, *.y;\n    from n, 10.0.0.1, l.n;\n"
        "    during l.w;\n"
        "    if !(claim[\"x y\"] < 3 || path.x == \"\\u{41}\") && "
        "has header(\"q\")\n"
        "        && header(\"q\") like \"a*\";\n"
        "    unless claim.r any in [\"a\", \"b\"] || claim.a.b;\n"
        "    unless source.ip in [] || request.time >= "
        "2026-01-05T10:00:00Z;\n"
        "    limit q;\n    split s c;\n    slo o;\n"
        "    add_header X-A \"1\";\n    set_header X-B \"2 \\\"\";\n"
        "    log warn;\n    # last\n} # end\n\n"
        "shadow deny b {\n    if query(\"a\") ~ \"x+\";\n    status 410;\n}\n\n"
        "assert never permit { what * /x; }\nassert always deny {}\n\n"
        "test \"t\" {\n    request GET /a%20b;\n    host a.x;\n"
        "    scheme https;\n"
        "    from 10.0.0.1;\n    at 2026-01-05T10:00:00Z;\n"
        "    identity jwt;\n    subject \"x y\";\n    issuer a;\n"
        "    spiffe spiffe://a/b;\n    claim r a, \"b\", 3, true;\n"
        "    header \"X\" \"1\";\n    query \"q\" \"2\";\n"
        "    expect permit by a, b;\n}\n\n"
        "test \"u\" {\n    request GET /;\n    expect deny by default;\n}\n\n"
        "# and\n# more\n";

    (void) state;

    policy_body(&p, "");

    trees(&p, str(all), str(all));

    /* what stands within a statement comes before it */

    trees(&p, str("language 1; policy # of\n p; deny a { what * # x\n /; }"),
          str("language 1;\n\n# of\npolicy p;\n\n"
              "deny a {\n    # x\n    what * /;\n}\n"));

    policy_done(&p);

    for (i = 0; i < 300; i++) {

        seed = 0x9e3779b97f4a7c15u * (i + 1);
        random_policy();
        policy_source(&p, text, len);

        s = p.source;
        assert_int_equal(weir_policy_format(&p.arena, &s, &out), WEIR_OK);

        trees(&p, s.text, out);
        trees(&p, out, out);

        policy_done(&p);
    }
}


/* Nothing in a tree is ignored, and no leaf is more than it says. */

static void
test_tree_refused(void **state)
{
    int           rc;
    size_t        i;
    json_t       *tree;
    weir_err_t    err;
    weir_str_t    out;
    weir_arena_t  arena;

#define HEAD  "{\"kind\":\"language\",\"version\":\"1\"},"                     \
              "{\"kind\":\"policy\",\"name\":\"p\"}"

    static const struct {
        const char  *json;
        int          rc;
        const char  *text;
    } trees[] = {
        { "[]", WEIR_DECLINED, "no list" },
        { "{\"statements\":[" HEAD "],\"x\":1}", WEIR_DECLINED, "more" },
        { "{\"statements\":[" HEAD ",1]}", WEIR_DECLINED, "statements[2]" },
        { "{\"statements\":[" HEAD ",{\"kind\":\"rule\",\"name\":\"a\","
          "\"effect\":\"deny\",\"why\":\"x\",\"body\":[]}]}",
          WEIR_DECLINED, "statements[2]" },
        { "{\"statements\":[" HEAD ",{\"kind\":\"rule\",\"name\":"
          "\"a {} permit b\",\"effect\":\"deny\",\"body\":[]}]}",
          WEIR_DECLINED, "statements[2]" },
        { "{\"statements\":[" HEAD ",{\"kind\":\"comment\",\"text\":"
          "\"# x\\ndeny a {}\"}]}",
          WEIR_DECLINED, "statements[2]" },
        { "{\"statements\":[{\"kind\":\"language\",\"version\":1}]}",
          WEIR_ERROR, NULL },
        { "{\"statements\":[" HEAD ",{\"kind\":\"rule\",\"effect\":"
          "\"deny\",\"body\":[]}]}",
          WEIR_ERROR, NULL },
        { "{\"statements\":[" HEAD ",{\"kind\":\"rule\",\"name\":\"a\","
          "\"effect\":\"deny\",\"body\":[{\"kind\":\"if\",\"expr\":"
          "{\"op\":\"&&\",\"of\":[{\"literal\":\"true\"},{\"op\":\"||\","
          "\"of\":[{\"literal\":\"true\"},{\"literal\":\"true\"}]}]}}]}]}",
          WEIR_DECLINED, "statements[2]" },
    };

    (void) state;

    for (i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {

        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        tree = json_loads(trees[i].json, 0, NULL);
        assert_non_null(tree);

        rc = weir_policy_from_json(&arena, tree, &out, &err);

        if (rc != trees[i].rc
            || (rc == WEIR_DECLINED
                && strstr(err.text, trees[i].text) == NULL))
        {
            fail_msg("%zu: %d %s", i, rc, rc == WEIR_DECLINED ? err.text : "");
        }

        json_decref(tree);
        weir_arena_done(&arena);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_blank),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_tree_refused)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
