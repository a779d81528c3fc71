
/*
 * Unit tests of lib/policy: attributes of requests: claims by type and name,
 * headers, query, addresses, time, identity, tls; "like" and "in".
 */

#include "policy_make.h"


static weir_policy_request_t  r;
static weir_policy_fields_t   fields;


static int
setup(void **state)
{
    memset(&r, 0, sizeof(r));
    memset(&fields, 0, sizeof(fields));

    r.method = str("GET");

    return 0;
}


/* 'T', 'F' or 'U' of a condition in a deny, with what r and fields are. */

static char
value(policy_t *p, const char *expr, const char *schema)
{
    char                    body[4000];
    const char             *d;
    weir_policy_request_t   copy;

    snprintf(body, sizeof(body), "%s\ndeny d { unless !(%s); }",
             schema == NULL ? "" : schema, expr);

    policy_body(p, body);

    /* deciding fills in what it makes of the host */

    copy = r;

    d = decides(p, &copy, "/a/b", (const char *) r.host.data, &fields);

    return strcmp(d, "deny-rule d") == 0 ? 'T'
           : strcmp(d, "deny-unknown d") == 0 ? 'U'
           : strcmp(d, "default-deny") == 0 ? 'F' : '?';
}


static void
is(const char *expr, char expected)
{
    char      v;
    policy_t  p;

    v = value(&p, expr, NULL);
    policy_done(&p);

    if (v != expected) {
        fail_msg("%s is %c, not %c", expr, v, expected);
    }
}


static void
test_headers(void **state)
{
    static weir_policy_field_t  h[5];

    h[0].name = str("X-One");
    h[0].value = str("a");
    h[1].name = str("x-two");
    h[1].value = str("a");
    h[2].name = str("X-TWO");
    h[2].value = str("a");
    h[3].name = str("X-Empty");
    h[3].value = str("");

    fields.headers = h;
    fields.nheaders = 4;

    is("header(\"x-one\") == \"a\"", 'T');
    is("header(\"X-ONE\") == \"a\"", 'T');
    is("header(\"x-one\") == \"A\"", 'F');
    is("has header(\"x-one\")", 'T');
    is("header(\"x-empty\") == \"\"", 'T');
    is("has header(\"x-empty\")", 'T');
    is("header(\"x-none\") == \"a\"", 'U');
    is("has header(\"x-none\")", 'F');

    /* repeated is unknown, and there */

    is("header(\"x-two\") == \"a\"", 'U');
    is("has header(\"x-two\")", 'T');
    is("header(\"x-two\") == header(\"x-one\")", 'U');
}


static void
test_query(void **state)
{
    static weir_policy_field_t  q[4];

    q[0].name = str("one");
    q[0].value = str("a");
    q[1].name = str("two");
    q[1].value = str("a");
    q[2].name = str("two");
    q[2].value = str("b");
    q[3].name = str("");
    q[3].value = str("b");

    fields.query = q;
    fields.nquery = 4;

    is("query(\"one\") == \"a\"", 'T');
    is("query(\"One\") == \"a\"", 'U');
    is("has query(\"One\")", 'F');
    is("query(\"two\") == \"a\"", 'U');
    is("has query(\"two\")", 'T');
    is("query(\"none\") == \"a\"", 'U');
    is("has query(\"none\")", 'F');
}


static void
test_source(void **state)
{
    weir_addr_t  ip, peer;

    is("source.ip == 10.0.0.1", 'U');
    is("source.ip in [10.0.0.1]", 'U');
    is("has source.ip", 'F');
    is("has source.peer", 'F');

    assert_int_equal(weir_addr_parse(str("10.0.0.1"), &ip), WEIR_OK);
    assert_int_equal(weir_addr_parse(str("2001:db8::1"), &peer), WEIR_OK);

    r.source_ip = &ip;

    is("source.ip == 10.0.0.1", 'T');
    is("source.ip == ::ffff:10.0.0.1", 'T');
    is("source.ip != 10.0.0.1", 'F');
    is("source.ip == source.peer", 'U');
    is("source.ip in 10.0.0.0/30", 'T');
    is("source.ip in 0.0.0.0/0", 'T');
    is("source.ip in ::/0", 'F');
    is("source.ip in [192.168.0.0/16, 10.0.0.0/31]", 'T');
    is("source.ip in [192.168.0.0/16, ::/0]", 'F');
    is("has source.ip", 'T');
    is("has source.peer", 'F');

    r.source_peer = &peer;

    is("source.ip == source.peer", 'F');
    is("source.peer == 2001:db8::1", 'T');
    is("source.peer in 2001:db8::/32", 'T');
    is("source.peer in [0.0.0.0/0, 2001:db8::/127]", 'T');
    is("source.peer in ::/0", 'T');
    is("source.peer in 0.0.0.0/0", 'F');
    is("has source.peer", 'T');
}


static void
test_request(void **state)
{
    is("request.method == \"GET\"", 'T');
    is("request.path == \"/a/b\"", 'T');
    is("has request.path && has request.method", 'T');
    is("request.host == \"x\"", 'U');
    is("has request.host", 'F');
    is("request.scheme == \"https\"", 'U');
    is("has request.scheme", 'F');
    is("request.time < 2026-01-05T10:00:00Z", 'U');
    is("has request.time", 'F');

    r.host = str("API.Example.com:443");
    is("request.host == \"api.example.com\"", 'T');

    r.scheme = str("https");
    is("request.scheme == \"https\"", 'T');
    is("request.scheme == \"http\"", 'F');

    r.has_time = 1;
    r.time = 1767607200;                      /* 2026-01-05T10:00:00Z */

    is("request.time == 2026-01-05T10:00:00Z", 'T');
    is("request.time == 2026-01-05T12:00:00+02:00", 'T');
    is("request.time < 2026-01-05T10:00:00Z", 'F');
    is("request.time <= 2026-01-05T10:00:00Z", 'T');
    is("request.time >= 2026-01-05T10:00:00Z", 'T');
    is("request.time > 2026-01-05T09:59:59Z", 'T');
    is("request.time > 2026-01-05T10:00:00Z", 'F');
    is("request.time != 2026-01-05T10:00:01Z", 'T');
    is("request.time in [2026-01-05T10:00:00Z, 2027-01-05T10:00:00Z]", 'T');
    is("has request.time", 'T');
}


static void
test_identity(void **state)
{
    is("identity.kind == \"anonymous\"", 'T');
    is("identity.principal == \"anonymous::\"", 'T');
    is("has identity.kind && has identity.principal", 'T');
    is("has identity.issuer || has identity.subject || has identity.spiffe",
       'F');
    is("identity.issuer == \"corp\"", 'U');
    is("identity.subject == \"alice\"", 'U');
    is("identity.spiffe == \"x\"", 'U');

    r.kind = WEIR_POLICY_JWT;
    r.issuer = str("corp");
    r.subject = str("alice");

    is("identity.kind == \"jwt\"", 'T');
    is("identity.issuer == \"corp\"", 'T');
    is("identity.subject == \"alice\"", 'T');
    is("identity.principal == \"jwt:corp:alice\"", 'T');

    r.subject = str(NULL);
    is("identity.principal == \"jwt:corp:\"", 'T');

    r.kind = WEIR_POLICY_MTLS;
    r.issuer = str(NULL);
    r.spiffe = str("spiffe://corp.example/sa/x");

    is("identity.kind == \"mtls\"", 'T');
    is("identity.spiffe like \"spiffe://corp.example/*\"", 'T');
    is("identity.principal == \"mtls::\"", 'T');

    r.kind = WEIR_POLICY_APIKEY;
    is("identity.kind == \"apikey\"", 'T');

    r.kind = WEIR_POLICY_SESSION;
    is("identity.kind == \"session\"", 'T');
}


static void
test_tls(void **state)
{
    is("has tls.version || has tls.cipher || has tls.sni ||"
       " has tls.fingerprint || has tls.spiffe", 'F');
    is("tls.version == \"TLSv1.3\"", 'U');

    fields.tls[WEIR_POLICY_TLS_VERSION] = str("TLSv1.3");
    fields.tls[WEIR_POLICY_TLS_CIPHER] = str("A");
    fields.tls[WEIR_POLICY_TLS_SNI] = str("B");
    fields.tls[WEIR_POLICY_TLS_FINGERPRINT] = str("C");
    fields.tls[WEIR_POLICY_TLS_SPIFFE] = str("D");

    is("tls.version == \"TLSv1.3\" && tls.cipher == \"A\" && tls.sni == \"B\""
       " && tls.fingerprint == \"C\" && tls.spiffe == \"D\"", 'T');
    is("has tls.version && has tls.cipher && has tls.sni &&"
       " has tls.fingerprint && has tls.spiffe", 'T');
}


/* Without callbacks there is nothing. */

static void
test_no_callbacks(void **state)
{
    policy_t                 p;
    weir_path_t              path;
    uint8_t                  buf[16];
    uint32_t                 rules[1];
    weir_policy_decision_t   d;

    policy_body(&p, "deny a { if has header(\"x\") || has query(\"y\") ||"
                    " has tls.sni; }");

    assert_int_equal(weir_path_gate(&path, buf, str("/"), 0), WEIR_OK);

    r.path = &path;
    r.principal = str(WEIR_POLICY_NOBODY);
    d.rules = rules;
    d.max = 1;
    d.effects = NULL;
    d.max_effects = 0;

    weir_policy_decide(p.b.image, 0, &r, &d);

    assert_int_equal(d.reason, WEIR_POLICY_DEFAULT_DENY);

    policy_done(&p);
}


#define CLAIMS                                                                \
    "schema { claim b bool; claim n int; claim s string; claim r set<string>;"\
    " claim scope set<string>; claim a.b.c string; claim \"a.b.c\" string;"   \
    " claim \"https://x/y\" string; claim a string; claim other set<string>;" \
    " claim f int; claim m string; }"

static weir_claims_builder_t  *builder;


static void
add(const char *key, size_t len, weir_claim_type_t type, int64_t n,
    const char *s)
{
    weir_str_t  k;

    k.data = (const uint8_t *) key;
    k.len = len;

    assert_int_equal(weir_claims_add(builder, k, type, n, str(s ? s : ""),
                                     NULL, 0), WEIR_OK);
}


static void
test_claims(void **state)
{
    size_t         i;
    policy_t       p;
    weir_str_t     items[3];
    weir_arena_t   arena;

    static const struct {
        const char  *expr;
        char         value;
    } table[] = {
        { "claim.b", 'T' }, { "!claim.b", 'F' }, { "claim.b == true", 'T' },
        { "claim.b != true", 'F' }, { "claim.b in [false]", 'F' },
        { "claim.b in [false, true]", 'T' },
        { "claim.n == -5", 'T' }, { "claim.n < -4", 'T' },
        { "claim.n in [7, -5, 9]", 'T' }, { "claim.n in [7, 5]", 'F' },
        { "claim.n > -9223372036854775808", 'T' },
        { "claim.s == \"text\"", 'T' }, { "claim.s == \"Text\"", 'F' },
        { "claim.s in [\"a\", \"text\", \"z\"]", 'T' },
        { "claim.s in [\"tex\", \"textt\", \"\"]", 'F' },
        { "claim.s in claim.r", 'F' }, { "\"x\" in claim.r", 'T' },
        { "\"y\" in claim.r", 'T' }, { "\"\" in claim.r", 'T' },
        { "\"z\" in claim.r", 'F' }, { "\"x y\" in claim.r", 'F' },

        /* members of objects, and names with dots in them */

        { "claim.a.b.c == \"nested\"", 'T' },
        { "claim[\"a.b.c\"] == \"flat\"", 'T' },
        { "claim[\"https://x/y\"] == \"url\"", 'T' },
        { "has claim.a", 'T' }, { "claim.a == \"x\"", 'U' },

        /* "scope" may be one string; no other conversion */

        { "\"read\" in claim.scope", 'T' }, { "\"write\" in claim.scope", 'T' },
        { "\"rea\" in claim.scope", 'F' }, { "\"\" in claim.scope", 'F' },
        { "\"read write\" in claim.scope", 'F' },
        { "\" \" in claim.scope", 'F' },
        { "\"read\" in claim.other", 'U' }, { "has claim.other", 'T' },

        { "claim.f == 3", 'U' }, { "has claim.f", 'T' },
        { "claim.m == \"x\"", 'U' }, { "has claim.m", 'F' }
    };

    weir_arena_init(&arena, &weir_alloc_malloc, 0);
    builder = weir_claims_builder(&arena);
    assert_non_null(builder);

    add("b", 1, WEIR_CLAIM_BOOL, 1, NULL);
    add("n", 1, WEIR_CLAIM_INT, -5, NULL);
    add("s", 1, WEIR_CLAIM_STRING, 0, "text");
    add("a", 1, WEIR_CLAIM_OBJECT, 0, NULL);
    add("a\0b", 3, WEIR_CLAIM_OBJECT, 0, NULL);
    add("a\0b\0c", 5, WEIR_CLAIM_STRING, 0, "nested");
    add("a.b.c", 5, WEIR_CLAIM_STRING, 0, "flat");
    add("https://x/y", 11, WEIR_CLAIM_STRING, 0, "url");
    add("scope", 5, WEIR_CLAIM_STRING, 0, "  read   write ");
    add("other", 5, WEIR_CLAIM_STRING, 0, "read write");
    add("f", 1, WEIR_CLAIM_OTHER, 0, NULL);

    items[0] = str("x");
    items[1] = str("y");
    items[2] = str("");

    assert_int_equal(weir_claims_add(builder, str("r"), WEIR_CLAIM_SET, 0,
                                     str(""), items, 3), WEIR_OK);

    r.kind = WEIR_POLICY_JWT;
    r.claims = weir_claims_build(builder);
    assert_non_null(r.claims);

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {

        if (value(&p, table[i].expr, CLAIMS) != table[i].value) {
            fail_msg("%s is not %c", table[i].expr, table[i].value);
        }

        policy_done(&p);
    }

    weir_arena_done(&arena);
}


/* Empty is the empty set, which is something else than none. */

static void
test_empty_scope(void **state)
{
    policy_t      p;
    weir_arena_t  arena;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);
    builder = weir_claims_builder(&arena);

    add("scope", 5, WEIR_CLAIM_STRING, 0, "");

    r.kind = WEIR_POLICY_SESSION;
    r.claims = weir_claims_build(builder);

    assert_int_equal(value(&p, "\"a\" in claim.scope", CLAIMS), 'F');
    policy_done(&p);

    assert_int_equal(value(&p, "\"\" in claim.scope", CLAIMS), 'F');
    policy_done(&p);

    assert_int_equal(value(&p, "\"a\" in claim.r", CLAIMS), 'U');
    policy_done(&p);

    weir_arena_done(&arena);
}


static void
test_like(void **state)
{
    char    expr[300];
    size_t  i;

    static const struct {
        const char  *s;
        const char  *glob;
        char         value;
    } table[] = {
        { "", "", 'T' }, { "", "*", 'T' }, { "a", "", 'F' },
        { "a", "*", 'T' }, { "abc", "abc", 'T' }, { "abc", "ab", 'F' },
        { "abc", "bc", 'F' }, { "abc", "abcd", 'F' }, { "abc", "ABC", 'F' },
        { "abc", "a*", 'T' }, { "abc", "*c", 'T' }, { "abc", "*b*", 'T' },
        { "abc", "a*c", 'T' }, { "abc", "a*b", 'F' }, { "ac", "a*c", 'T' },
        { "abcbc", "a*bc", 'T' }, { "abcbcd", "a*bc", 'F' },
        { "aXbXc", "a*b*c", 'T' }, { "aXcXb", "a*b*c", 'F' },
        { "abc", "***", 'T' }, { "abc", "*a*b*c*", 'T' },
        { "a/b", "a*b", 'T' }, { "a\\nb", "a*b", 'T' },
        { "a*b", "a\\\\*b", 'T' }, { "aXb", "a\\\\*b", 'F' },
        { "*", "\\\\*", 'T' }, { "x*", "*\\\\*", 'T' }, { "xy", "*\\\\*", 'F' },
        { "a?c", "a?c", 'T' }, { "abc", "a?c", 'F' },
        { "[a]", "[a]", 'T' }, { "a", "[a]", 'F' },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "a*a*a*a*a*a*a*c", 'F' },
        { "\\u{e4}b", "*b", 'T' }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(expr, sizeof(expr), "\"%s\" like \"%s\"", table[i].s,
                 table[i].glob);
        is(expr, table[i].value);
    }
}


static void
test_literals(void **state)
{
    is("\"a\" == \"a\"", 'T');
    is("\"a\" == \"\\u{61}\"", 'T');
    is("\"\\u{e4}\\u{20ac}\\u{1f600}\" == \"\xc3\xa4\xe2\x82\xac"
       "\xf0\x9f\x98\x80\"", 'T');
    is("\"\\\"\\\\\\n\\t\" == \"\\u{22}\\u{5c}\\u{a}\\u{9}\"", 'T');
    is("1 == 1", 'T');
    is("-9223372036854775808 < 9223372036854775807", 'T');
    is("9223372036854775807 == 9223372036854775807", 'T');
    is("1h == 60m", 'T');
    is("1m < 61s", 'T');
    is("90s in [1m30s]", 'T');
    is("10.1.2.3 in 10.0.0.0/8", 'T');
    is("true && !false", 'T');
    is("1 in []", 'F');
}


/* A list of the greatest size is searched, whatever its order. */

static void
test_large_lists(void **state)
{
    char                    *body, *b;
    uint32_t                 i;
    policy_t                 p;
    weir_addr_t              ip;
    static char              host[16];

    body = malloc(8 * 1024 * 1024);
    assert_non_null(body);

    b = body + sprintf(body, "permit s { who anyone; what GET /s;"
                       " if request.host in [\"h0\"");

    for (i = 1; i < 100000; i++) {
        b += sprintf(b, ",\"h%u\"", i * 7919 % 100000);
    }

    b += sprintf(b, "]; }\npermit i { who anyone; what GET /i;"
                 " if source.ip in [0.0.0.0");

    for (i = 1; i < 100000; i++) {
        b += sprintf(b, ",%u.%u.%u.0/31", i % 256, i / 256 % 256, i / 65536);
    }

    sprintf(b, "]; }");

    policy_body(&p, body);
    r.source_ip = &ip;

    for (i = 0; i < 100000; i += 97) {
        snprintf(host, sizeof(host), "h%u", i);
        assert_string_equal(decides(&p, &r, "/s", host, NULL),
                            "permit-rule s");

        snprintf(host, sizeof(host), "h%ux", i);
        assert_string_equal(decides(&p, &r, "/s", host, NULL),
                            "default-deny");

        memset(&ip, 0, 10);
        ip.bytes[10] = ip.bytes[11] = 0xff;
        ip.bytes[12] = (uint8_t) i;
        ip.bytes[13] = (uint8_t) (i / 256);
        ip.bytes[14] = (uint8_t) (i / 65536);
        ip.bytes[15] = i != 0;
        assert_string_equal(decides(&p, &r, "/i", NULL, NULL),
                            "permit-rule i");

        ip.bytes[15] = 2;
        assert_string_equal(decides(&p, &r, "/i", NULL, NULL),
                            "default-deny");
    }

    policy_done(&p);
    free(body);
}


/* More attributes and roles than a decision remembers. */

static void
test_many_attributes(void **state)
{
    char                  *body, *b;
    unsigned               i;
    policy_t               p;
    weir_policy_field_t    h[200];
    static char            names[200][16];

    body = malloc(200000);
    assert_non_null(body);

    b = body;

    for (i = 0; i < 200; i++) {
        snprintf(names[i], sizeof(names[i]), "x-%u", i);
        h[i].name = str(names[i]);
        h[i].value = str(i % 2 ? "odd" : "even");

        b += sprintf(b, "role r%u { when has header(\"x-%u\") &&"
                     " header(\"x-%u\") == \"odd\"; }\n"
                     "permit p%03u { who role r%u; }\n"
                     "permit q%03u { who role r%u, role r%u; }\n",
                     i, i, i, i, i, i, i, (i + 1) % 200);
    }

    policy_body(&p, body);

    fields.headers = h;
    fields.nheaders = 200;

    b = body + sprintf(body, "permit-rule ");

    for (i = 1; i < 200; i += 2) {
        b += sprintf(b, "%sp%03u", i == 1 ? "" : ",", i);
    }

    for (i = 0; i < 200; i++) {
        b += sprintf(b, ",q%03u", i);
    }

    assert_string_equal(decides(&p, &r, "/", NULL, &fields), body);

    policy_done(&p);
    free(body);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(test_headers, setup),
        cmocka_unit_test_setup(test_query, setup),
        cmocka_unit_test_setup(test_source, setup),
        cmocka_unit_test_setup(test_request, setup),
        cmocka_unit_test_setup(test_identity, setup),
        cmocka_unit_test_setup(test_tls, setup),
        cmocka_unit_test_setup(test_no_callbacks, setup),
        cmocka_unit_test_setup(test_claims, setup),
        cmocka_unit_test_setup(test_empty_scope, setup),
        cmocka_unit_test_setup(test_like, setup),
        cmocka_unit_test_setup(test_literals, setup),
        cmocka_unit_test_setup(test_large_lists, setup),
        cmocka_unit_test_setup(test_many_attributes, setup)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
