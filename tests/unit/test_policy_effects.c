
/*
 * Unit tests of lib/policy: effects, shadow rules, asserts and the budget of
 * a rule.
 */

#include "policy_make.h"


/*
 * Decides GET path by the only policy: "REASON RULES | EFFECTS [| shadow
 * VERDICT N]".
 */

static const char *
obliges(policy_t *p, const char *path, const char *host, uint32_t max)
{
    char                    *text;
    uint8_t                  buf[300];
    uint32_t                 i, rules[8], effects[16];
    weir_str_t               h;
    weir_path_t              gate;
    weir_policy_effect_t     e;
    weir_policy_request_t    r;
    weir_policy_decision_t   d;

    text = weir_arena_calloc(&p->arena, 1, 4000);
    assert_non_null(text);

    memset(&r, 0, sizeof(r));
    memset(&d, 0, sizeof(d));

    assert_int_equal(weir_path_gate(&gate, buf, str(path), 0), WEIR_OK);

    h = str(host);
    r.path = &gate;
    r.method = str("GET");
    r.host = h;
    d.rules = rules;
    d.max = 8;
    d.effects = max == 0 ? NULL : effects;
    d.max_effects = max;

    weir_policy_decide(p->b.image, 0, &r, &d);

    sprintf(text, "%s", weir_policy_reason_name(d.reason));

    for (i = 0; i < d.count; i++) {
        h = weir_policy_rule_name(p->b.image, 0, rules[i]);
        sprintf(text + strlen(text), "%s%.*s", i == 0 ? " " : ",",
                (int) h.len, (const char *) h.data);
    }

    if (d.neffects > max) {
        strcat(text, " | too many");

    } else {

        for (i = 0; i < d.neffects; i++) {
            weir_policy_effect(p->b.image, 0, effects[i], &e);

            sprintf(text + strlen(text), " | %s",
                    weir_policy_effect_name(e.kind));

            if (e.name.len != 0) {
                sprintf(text + strlen(text), " %.*s", (int) e.name.len,
                        (const char *) e.name.data);
            }

            if (e.value.len != 0) {
                sprintf(text + strlen(text), " %.*s", (int) e.value.len,
                        (const char *) e.value.data);
            }

            if (e.kind == WEIR_POLICY_LOG) {
                sprintf(text + strlen(text), " %s",
                        weir_policy_level_name(e.number));
            }

            if (e.kind == WEIR_POLICY_STATUS) {
                sprintf(text + strlen(text), " %d", (int) e.number);
            }
        }
    }

    if (d.nshadow != 0) {
        sprintf(text + strlen(text), " | shadow %s %u",
                d.shadow == WEIR_POLICY_PERMIT ? "permit" : "deny", d.nshadow);

    } else {
        assert_int_equal(d.shadow, d.verdict);
    }

    return text;
}


static void
test_merged(void **state)
{
    policy_t  p;

    (void) state;

    policy_body(&p,
        "permit a { who anyone; what GET /a; limit silver; log info;\n"
        "  slo fast; split web green; set_header X-Tier \"1\"; }\n"
        "permit b { who anyone; what GET /**; limit gold; limit silver;\n"
        "  log warn; slo fast; add_header X-Policy \"b\"; }\n"
        "permit c { who anyone; what GET /c; set_header x-tier \"2\"; }\n"
        "permit d { who anyone; what GET /d; log notice;\n"
        "  add_header x-policy \"b\"; }\n"
        "deny x { what * /x/**; status 404; log info; }\n"
        "deny y { what * /x/y; status 410; add_header Link \"/z\"; }\n"
        "deny z { what * /x/z; if true; }\n"
        "deny u { what * /u; unless query(\"q\") == \"1\"; status 451; }\n");

    if (p.b.nerrors != 0) {
        policy_show(&p);
    }

    assert_int_equal(p.b.nerrors, 0);
    assert_non_null(weir_policy_open(p.b.image, p.b.size));

    assert_string_equal(obliges(&p, "/a", NULL, 16),
                        "permit-rule a,b | limit gold | limit silver"
                        " | split web green | slo fast | add_header X-Policy b"
                        " | set_header X-Tier 1 | log warn");
    assert_string_equal(obliges(&p, "/c", NULL, 16),
                        "permit-rule b,c | limit gold | limit silver"
                        " | slo fast | add_header X-Policy b"
                        " | set_header x-tier 2 | log warn");

    /* the same header in other letters is one, and shown as first written */

    assert_string_equal(obliges(&p, "/d", NULL, 16),
                        "permit-rule b,d | limit gold | limit silver"
                        " | slo fast | add_header X-Policy b | log warn");

    /* a deny drops what the permits oblige to */

    assert_string_equal(obliges(&p, "/x", NULL, 16),
                        "deny-rule x | log info | status 404");
    assert_string_equal(obliges(&p, "/x/y", NULL, 16),
                        "deny-rule x,y | add_header Link /z | log info"
                        " | status 404");
    assert_string_equal(obliges(&p, "/u", NULL, 16),
                        "deny-unknown u | status 451");

    /* a caller who has no room is told so */

    assert_string_equal(obliges(&p, "/a", NULL, 3),
                        "permit-rule a,b | too many");
    assert_string_equal(obliges(&p, "/a", NULL, 0),
                        "permit-rule a,b | too many");
    assert_string_equal(obliges(&p, "/x/z", NULL, 2),
                        "deny-rule x,z | log info | status 404");

    policy_done(&p);
}


static void
test_conflicts(void **state)
{
    (void) state;

    reports("permit a { who anyone; what GET /a/**; split web green; }\n"
            "permit b { who anyone; what * /**; split web blue; }\n",
            "3:36 permits b and a can match the same request, and their "
            "\"split web\" differ", NULL);
    reports("permit a { who anyone; what GET /a/**; slo fast; }\n"
            "permit b { who anyone; what * /a/{x}; slo slow; }\n",
            "3:39 permits b and a can match the same request, and their "
            "\"slo\" differ", NULL);
    reports("permit a { who anyone; set_header X-Tier \"1\"; }\n"
            "permit b { who anyone; set_header x-tier \"2\"; }\n",
            "3:24 permits b and a can match", NULL);
    reports("permit a { who anyone; add_header X \"1\"; }\n"
            "permit b { who anyone; add_header X \"2\"; }\n",
            "3:24 permits b and a can match", NULL);

    /* what cannot meet cannot contradict */

    reports("permit a { who anyone; what GET /a; slo s1; }\n"
            "permit b { who anyone; what GET /b; slo s2; }\n"
            "permit c { who anyone; what POST /a, slo s3; }\n",
            "4:38 \";\" expected", NULL);
    reports("schema from i { claim plan string; claim r set<string>;\n"
            "  claim o optional string; }\n"
            "role gold { when claim.plan == \"gold\"; }\n"
            "role iron { when claim.plan in [\"iron\", \"lead\"]; }\n"
            "permit a { who anyone; what GET /a; slo s1; }\n"
            "permit b { who anyone; what GET /b; slo s2; }\n"
            "permit c { who anyone; what POST /a; slo s3; }\n"
            "permit d { who role gold; what GET /d; slo s4; }\n"
            "permit e { who role iron; what GET /d; slo s5; }\n"
            "permit f { who anyone; what GET /d; slo s6;\n"
            "  unless claim.plan in [\"iron\", \"lead\"];\n"
            "  unless claim.plan == \"gold\"; }\n"
            "permit g { who anyone; what GET /g/**; host a.x, *.b.x;\n"
            "  slo s7; }\n"
            "permit h { who anyone; what GET /g/**; host b.x, c.a.x;\n"
            "  slo s8; }\n"
            "permit i { who anyone; what GET /i; from 10.0.0.0/8; slo s9; }\n"
            "permit j { who anyone; what GET /i; from 11.0.0.0/8; slo s10; }\n"
            "permit k { who subject a issuer i; what GET /k; slo s11; }\n"
            "permit l { who subject b issuer i; what GET /k; slo s12; }\n"
            "permit m { who issuer j; what GET /k; slo s13; }\n"
            "permit n { who anyone; what GET /n/**/x; slo s14; }\n"
            "permit o { who anyone; what GET /n/**/y; slo s15; }\n"
            "permit p { who anyone; what GET /n; slo s16; }\n"
            "permit q { who spiffe spiffe://a; what GET /q; slo s17; }\n"
            "permit r { who spiffe spiffe://b; what GET /q; slo s18; }\n"
            "permit s { who anyone; what GET /s;\n"
            "  if \"a\" in claim.r; slo s19; }\n"
            "permit t { who anyone; what GET /s;\n"
            "  unless \"a\" in claim.r; slo s20; }\n"
            "shadow permit u { who anyone; slo s21; }\n", NULL);

    /* what may meet does */

    reports("schema { claim r set<string>; claim n int; }\n"
            "permit a { who anyone; what GET /**/x; slo s1;\n"
            "  if \"a\" in claim.r; }\n"
            "permit b { who anyone; what GET /y/**; slo s2;\n"
            "  if \"b\" in claim.r; }\n",
            "5:40 permits b and a can match", NULL);
    reports("permit a { who anyone; what GET /{x}; if path.x == \"a\";\n"
            "  slo s1; }\n"
            "permit b { who anyone; what GET /{y}; if path.y == \"b\";\n"
            "  slo s2; }\n",
            "5:3 permits b and a can match", NULL);
    reports("permit a { who anyone; host *.x; slo s1; }\n"
            "permit b { who anyone; host *.y.x; slo s2; }\n",
            "3:36 permits b and a can match", NULL);
}


static void
test_errors(void **state)
{
    (void) state;

    reports("permit a { who anyone; status 404; limit silver, gold; }\n"
            "permit b { who anyone; log debug; slo ; split a; }\n"
            "permit c { who anyone; set_header Host \"x\"; log; }\n"
            "permit d { who anyone; add_header \"X\" \"y\"; }\n"
            "permit e { who anyone; add_header X-A y; }\n"
            "permit f { who anyone; add_header X-A \"a\\nb\"; }\n"
            "deny g { limit silver; }\ndeny h { status 200; }\n"
            "deny i { status 401; }\ndeny j { status ok; }\n"
            "permit k { who anyone; log info; log warn; limit a; limit a;\n"
            "  slo a; slo b; }\n",
            "2:24 \"status\" stands in a deny", "2:48 \";\" expected",
            "3:28 info, notice or warn", "3:39 an objective's name",
            "3:48 a colour of the split", "4:35 Host is the gateway's own",
            "4:48 info, notice or warn", "5:35 a header's name",
            "6:39 the header's value", "7:39 printable ASCII",
            "8:10 \"limit\" stands in a permit", "9:17 200 is no status",
            "10:17 401 is no status", "11:17 a status", NULL);

    reports("permit k { who anyone; log info; log warn; limit a; limit a;\n"
            "  slo a; slo b; set_header X \"1\"; set_header x \"1\"; }\n",
            "2:34 \"log\" is duplicate", "2:53 \"limit a\" is duplicate",
            "3:10 \"slo b\" is duplicate", "3:35 \"set_header x\" is dup",
            NULL);

    reports("deny a { status 408; }\ndeny b { status 444; }\n"
            "deny c { status 494; }\ndeny d { status 499; }\n"
            "deny e { status 600; }\ndeny f { status 399; }\n"
            "deny g { status 503; }\n",
            "2:17 408 is no status", "3:17 444 is no status",
            "4:17 494 is no status", "5:17 499 is no status",
            "6:17 600 is no status", "7:17 399 is no status", NULL);
}


/* What frames a message, what the gateway says itself, credentials. */

static void
test_owned(void **state)
{
    size_t  i;
    char    text[256], want[128];

    static const struct {
        const char  *name;
        int          set;       /* refused in set_header */
        int          add;       /* in add_header */
    } headers[] = {
        { "Connection", 1, 1 }, { "transfer-encoding", 1, 1 },
        { "Content_Length", 1, 1 }, { "TE", 1, 1 }, { "Trailer", 1, 1 },
        { "Upgrade", 1, 1 }, { "Keep-Alive", 1, 1 }, { "HOST", 1, 1 },
        { "Proxy-Authorization", 1, 1 }, { "Content-Type", 1, 1 },
        { "X-Weir-Subject", 1, 1 }, { "x_weir_rule", 1, 1 },
        { "X-Request-Id", 1, 1 }, { "traceparent", 1, 1 },
        { "X-Accel-Redirect", 1, 1 }, { "Authorization", 1, 0 },
        { "Cookie", 1, 0 }, { "X-Original-URL", 1, 0 },
        { "Location", 0, 1 }, { "WWW-Authenticate", 0, 1 },
        { "Retry-After", 0, 1 }, { "RateLimit", 0, 1 },
        { "X-Tier", 0, 0 }, { "X-Auth-Tier", 0, 0 }, { "X-Weird", 0, 0 },
        { "Cache-Control", 0, 0 }, { "Hosts", 0, 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {

        snprintf(want, sizeof(want), "3:12 %s is the gateway's own",
                 headers[i].name);

        snprintf(text, sizeof(text), "permit a { who anyone;\nset_header %s "
                 "\"v\"; }\n", headers[i].name);
        reports(text, headers[i].set ? want : NULL, NULL);

        snprintf(text, sizeof(text), "permit a { who anyone;\nadd_header %s "
                 "\"v\"; }\n", headers[i].name);
        reports(text, headers[i].add ? want : NULL, NULL);
    }

    /* "_" is "-" to some: one header, which has one value */

    reports("permit a { who anyone; set_header X-A \"1\"; }\n"
            "permit b { who anyone; set_header X_a \"2\"; }\n",
            "3:24 permits b and a can match", NULL);
}


static void
test_shadow(void **state)
{
    policy_t  p;

    (void) state;

    policy_body(&p,
        "permit a { who anyone; what GET /a/**; }\n"
        "shadow permit b { who anyone; what GET /b/**; limit x; }\n"
        "shadow deny c { what * /**/c; }\n"
        "shadow deny d { what * /**/d; unless header(\"x\") == \"1\"; }\n"
        "deny e { what * /**/e; }\n");
    assert_int_equal(p.b.nerrors, 0);

    assert_string_equal(obliges(&p, "/a", NULL, 4), "permit-rule a");
    assert_string_equal(obliges(&p, "/b", NULL, 4),
                        "default-deny | shadow permit 1");
    assert_string_equal(obliges(&p, "/a/c", NULL, 4),
                        "permit-rule a | shadow deny 1");
    assert_string_equal(obliges(&p, "/b/c", NULL, 4),
                        "default-deny | shadow deny 2");
    assert_string_equal(obliges(&p, "/a/d", NULL, 4),
                        "permit-rule a | shadow deny 1");
    assert_string_equal(obliges(&p, "/a/e", NULL, 4), "deny-rule e");
    assert_string_equal(obliges(&p, "/z", NULL, 4), "default-deny");

    policy_done(&p);

    reports("shadow permit a { who anyone; }\n"
            "test \"t\" { request GET /; expect permit by a; }\n"
            "shadow role x { }\n",
            "3:44 rule a is a shadow: it decides nothing",
            "4:8 permit or deny expected", NULL);
}


static void
test_asserts(void **state)
{
    (void) state;

    reports("schema { claim amr set<string>; }\n"
            "permit a { who anyone; }\n"
            "assert never permit { what * /admin/**;\n"
            "  unless \"mfa\" in claim.amr; }\n"
            "assert always deny { what * /x; from 10.0.0.0/8; }\n", NULL);

    reports("assert permit { }\nassert never allow { }\n"
            "assert never permit { if claim.x == 1; limit y; }\n"
            "assert always permit { who role r; from n; during w; }\n",
            "2:8 never or always", "3:14 permit or deny",
            "4:26 claim.x is not declared", "4:40 an assert obliges to",
            "5:33 role r is not defined", "5:41 set n is not defined",
            "5:51 window w is not defined", NULL);
}


static void
test_cost(void **state)
{
    char      body[4000];
    unsigned  i;

    (void) state;

    for (i = 0; i < 2; i++) {
        unsigned  k;

        strcpy(body, "schema { claim s string; }\npermit p { who anyone;\n");

        for (k = 0; k < 19 + i; k++) {
            sprintf(body + strlen(body), "if claim.s ~ \"a%u.*\";\n", k);
        }

        strcat(body, "}\n");

        if (i == 0) {
            reports(body, NULL);

        } else {
            reports(body, "3:8 rule p may cost 100001 units", NULL);
        }
    }

    /* once for each pattern, where it depends on captures */

    reports("permit p { who anyone; what GET /a/{x}; what GET /b/{x};\n"
            "what GET /c/{x}; what GET /d/{x}; what GET /e/{x};\n"
            "if path.x ~ \"a\"; if path.x ~ \"b\"; if path.x ~ \"c\";\n"
            "if path.x ~ \"d\"; if path.x ~ \"e\"; }\n",
            "2:8 rule p may cost 125005 units", NULL);
}


/* What nginx.conf must have. */

static int
known(void *ctx, weir_policy_name_kind_t kind, weir_str_t name)
{
    char  *text;

    text = ctx;

    sprintf(text + strlen(text), "%u:%.*s ", (unsigned) kind, (int) name.len,
            (const char *) name.data);

    return !weir_str_eq(name, str("gone"));
}


static void
told(void *ctx, weir_str_t message)
{
    char  *text;

    text = ctx;

    sprintf(text + strlen(text), "[%.*s] ", (int) message.len,
            (const char *) message.data);
}


static void
test_bind(void **state)
{
    char                   text[2000] = "";
    policy_t               p;
    weir_policy_binder_t   binder;

    (void) state;

    policy_body(&p, "permit a { who issuer i; limit q; slo o;\n"
                "  split s green; limit gone; log info; }\n"
                "shadow permit b { who anyone; limit later; }\n");
    assert_int_equal(p.b.nerrors, 0);

    binder.known = known;
    binder.report = told;
    binder.ctx = text;

    assert_int_equal(weir_policy_bind(p.b.image, 0, NULL, 0, &binder), 1);
    assert_string_equal(text, "0:i 2:q 4:o 3:s green 2:gone "
                        "[p.policy:3:24: error: policy p names quota gone, "
                        "and there is no such weir_quota] ");

    policy_done(&p);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_merged),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_owned),
        cmocka_unit_test(test_shadow),
        cmocka_unit_test(test_asserts),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_bind)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
