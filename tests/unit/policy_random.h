
/*
 * Weir: random policies and requests for the unit tests, of few words, so
 * that much matches.
 */

#ifndef POLICY_RANDOM_H_INCLUDED
#define POLICY_RANDOM_H_INCLUDED


#include "policy_make.h"


/* --- numbers: the same in every run; a fuzzer's are its own --- */

static uint64_t        seed;
static const uint8_t  *drawn;
static size_t          ndrawn;


static unsigned
rnd(unsigned n)
{
    if (ndrawn != 0) {
        ndrawn--;
        return *drawn++ % n;
    }

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (unsigned) (seed >> 11) % n;
}


static const char *
pick(const char *const *list, unsigned n)
{
    return list[rnd(n)];
}

#define PICK(list)  pick(list, sizeof(list) / sizeof(list[0]))


/* --- a policy --- */

static char    text[200000];
static size_t  len;


static void
put(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    len += (size_t) vsnprintf(text + len, sizeof(text) - len, fmt, args);
    va_end(args);

    assert_true(len < sizeof(text));
}


static const char *const  words[] = { "a", "b", "c", "ab", "", "a b" };
static const char *const  segs[] = { "a", "b", "c", "ab" };
static const char *const  methods[] = { "GET", "POST", "BREW", "X-Y", "HEAD" };
static const char *const  hosts[] = { "a.x", "b.x", "c.b.x", "x", "y" };
static const char *const  globs[] = { "a.x", "*.x", "*.b.x", "x", "y" };
static const char *const  ips[] = {
    "10.0.0.1", "10.0.0.2", "10.1.0.1", "::1", "2001:db8::1",
    "::ffff:10.0.0.1", "192.168.0.1"
};
static const char *const  nets[] = {
    "10.0.0.0/8", "10.0.0.0/24", "10.0.0.1", "::/0", "2001:db8::/32", "::1",
    "0.0.0.0/0", "10.0.0.2/31", "192.168.0.0/16", "::ffff:0:0/96"
};
static const char *const  issuers[] = { "i1", "i2", "i3" };
static const char *const  strings[] = {
    "claim.s", "claim.t", "claim.x.y", "claim[\"x.y\"]", "header(\"h1\")",
    "header(\"H2\")", "query(\"q1\")", "query(\"q2\")", "request.method",
    "request.path", "request.host", "request.scheme", "identity.kind",
    "identity.issuer", "identity.subject", "identity.principal",
    "tls.version", "tls.sni", "identity.spiffe"
};
static const char *const  likes[] = {
    "*", "a*", "*b", "a*b", "\\\\*", "*a*", "", "jwt*", "/a*", "*.x"
};


static const char *const  patterns[] = {
    "a", "a*", "(a|b)+", "[ab]*", ".*b", "a.?", "", "(GET|POST)", "/a.*"
};
static const char *const  spiffes[] = {
    "spiffe://a", "spiffe://b/c", "spiffe://b/d"
};


static void
random_string(int captures)
{
    unsigned  n;

    n = rnd(10);

    if (n < 3) {
        put("\"%s\"", PICK(words));

    } else if (captures && n < 6) {
        put("path.p");

    } else {
        put("%s", PICK(strings));
    }
}


static void
random_compare(int captures)
{
    unsigned  i, n;

    switch (rnd(17)) {

    case 0:
        put("%s", rnd(2) ? "true" : "false");
        return;

    case 1:
        put("claim.b");
        return;

    case 2:
        put("has %s", captures && rnd(2) ? "path.p" : PICK(strings));
        return;

    case 3:
        put("has claim.%c", "bnsrt"[rnd(5)]);
        return;

    case 4:
        put("claim.n %s %d", pick((const char *const []) {
                "==", "!=", "<", "<=", ">", ">=" }, 6), (int) rnd(5) - 2);
        return;

    case 5:
        put("source.%s %s %s", rnd(2) ? "ip" : "peer", rnd(2) ? "==" : "!=",
            pick(ips, 7));
        return;

    case 6:
        put("source.ip in [");
        n = rnd(4);

        for (i = 0; i < n; i++) {
            put("%s%s", i ? ", " : "", rnd(2) ? pick(ips, 7) : PICK(nets));
        }

        put("]");
        return;

    case 7:
        random_string(captures);
        put(" in %s", rnd(2) ? "claim.r" : "claim.scope");
        return;

    case 8:
        random_string(captures);
        put(" in [");
        n = rnd(4);

        for (i = 0; i < n; i++) {
            put("%s\"%s\"", i ? ", " : "", PICK(words));
        }

        put("]");
        return;

    case 9:
        random_string(captures);
        put(" like \"%s\"", PICK(likes));
        return;

    case 10:
        put("request.time %s 2026-01-05T10:00:0%uZ",
            rnd(2) ? "<" : ">=", rnd(3));
        return;

    case 11:
        put("claim.n in [%u, %d]", rnd(3), -(int) rnd(3));
        return;

    case 12:
        random_string(captures);
        put(" ~ \"%s\"", PICK(patterns));
        return;

    case 13:
        put("%s %s in %s", rnd(2) ? "claim.r" : "claim.scope",
            rnd(2) ? "any" : "all",
            pick((const char *const []) { "claim.scope", "claim.r", "names",
                 "[\"a\", \"b\"]", "[]" }, 5));
        return;

    case 14:
        put("%s %s in %s", rnd(2) ? "names" : "[\"a\", \"b\", \"a\"]",
            rnd(2) ? "any" : "all", rnd(2) ? "claim.r" : "claim.scope");
        return;

    case 15:

        if (rnd(2)) {
            put("source.ip in office");

        } else {
            random_string(captures);
            put(" in %s", rnd(2) ? "names" : "services");
        }

        return;

    default:
        random_string(captures);
        put(rnd(2) ? " == " : " != ");
        random_string(captures);
        return;
    }
}


static void
random_expr(unsigned depth, int captures)
{
    unsigned  i, n;

    if (depth == 0 || rnd(3) == 0) {
        random_compare(captures);
        return;
    }

    if (rnd(5) == 0) {
        put("!(");
        random_expr(depth - 1, captures);
        put(")");
        return;
    }

    n = 2 + rnd(2);

    for (i = 0; i < n; i++) {
        put(i == 0 ? "" : rnd(2) ? " && " : " || ");

        if (rnd(2)) {
            put("(");
            random_expr(depth - 1, captures);
            put(")");

        } else {
            random_compare(captures);
        }
    }
}


static void
random_what(int captures)
{
    unsigned  i, n, any, capture;

    if (rnd(4) == 0) {
        put("  what *");

    } else {
        put("  what %s", PICK(methods));

        if (rnd(3) == 0) {
            put(", %s", PICK(methods));
        }
    }

    put(" ");

    n = rnd(5);
    any = rnd(2) ? rnd(n + 1) : 9;
    capture = captures ? rnd(n + 1) : 9;

    for (i = 0; i <= n; i++) {

        if (i == any) {
            put("/**");
        }

        if (i == capture) {
            put("/{p}");

        } else if (i < n) {
            put("/%s", rnd(4) == 0 ? "*" : PICK(segs));
        }
    }

    put("%s;\n", rnd(3) == 0 || text[len - 1] == ' ' ? "/" : "");
}


static inline void
random_policy(void)
{
    unsigned  i, k, n, captures, roles;

    len = 0;

    put("language 1; policy p;\n"
        "schema from i1 { claim s string; claim n int; claim b bool;\n"
        "  claim r set<string>; }\n"
        "schema from i1, i2 { claim t string; claim scope set<string>; }\n"
        "schema { claim x.y string; claim \"x.y\" string; }\n"
        "set names string \"a\", \"ab\", \"b\";\n"
        "set office cidr 10.0.0.0/24, ::1, 10.1.0.0/16;\n"
        "set services spiffe spiffe://a, spiffe://b/c;\n"
        "window w mon-fri 10:00-10:01 UTC, sat 00:00-24:00 UTC;\n"
        "window v sun-sun 00:00-12:00 Asia/Kathmandu,\n"
        "  mon 15:45-15:46 Asia/Kathmandu;\n");

    /*
     * unless needs no guards, so that all expressions can stand there; the
     * check of guards has tests of its own
     */

    roles = 2 + rnd(4);

    for (i = 0; i < roles; i++) {
        put("role r%u { when ", i);

        switch (rnd(5)) {

        case 0:
            put("has claim.t && claim.t == \"a\"");
            break;

        case 1:
            put("\"a\" in claim.r || claim.b");
            break;

        case 2:
            put("source.ip in 10.0.0.0/8 && !(claim.n < 1)");
            break;

        case 3:
            put("claim.s like \"a*\" || has header(\"h1\")"
                " && header(\"h1\") == \"a\"");
            break;

        default:
            put("%s", i == 0 ? "path.p == \"a\" || claim.b" : "claim.n == 1");
            break;
        }

        put("; ");

        /* only towards later ones: no cycle; r0 reads a capture */

        if (i != 0 && i + 1 < roles && rnd(2)) {
            put("includes r%u; ", i + 1 + rnd(roles - i - 1));
        }

        put("}\n");
    }

    n = 1 + rnd(rnd(4) == 0 ? 60 : 12);

    for (i = 0; i < n; i++) {

        captures = rnd(2);

        put("%s%s r%u {\n", rnd(10) ? "" : "shadow ",
            rnd(4) == 0 ? "deny" : "permit", i * 7 % 100);

        k = captures ? 1 + rnd(3) : rnd(4);

        while (k-- != 0) {
            random_what((int) captures);
        }

        if (rnd(3)) {
            put("  who ");

            for (k = rnd(3); ; k--) {

                switch (rnd(6)) {

                case 5:
                    put("spiffe %s", rnd(2) ? "services" : PICK(spiffes));
                    break;

                case 0:
                    put("role r%u", captures ? rnd(roles)
                                             : 1 + rnd(roles - 1));
                    break;

                case 1:
                    put("subject \"%s\" issuer %s", PICK(words),
                        pick(issuers, 3));
                    break;

                case 2:
                    put("issuer %s", pick(issuers, 3));
                    break;

                case 3:
                    put("authenticated");
                    break;

                default:
                    put("anyone");
                    break;
                }

                if (k == 0) {
                    break;
                }

                put(", ");
            }

            put(";\n");
        }

        if (rnd(4) == 0) {
            put("  host %s, %s;\n", PICK(globs), PICK(globs));
        }

        if (rnd(4) == 0) {
            put("  from %s, %s;\n", PICK(nets),
                rnd(2) ? PICK(nets) : "office");
        }

        if (rnd(6) == 0) {
            put("  during %s;\n", rnd(2) ? "w" : "v");
        }

        for (k = rnd(3); k != 0; k--) {
            put("  unless ");
            random_expr(3, (int) captures);
            put(";\n");
        }

        put("}\n");
    }
}


/* --- a request --- */

static weir_policy_field_t  fields_h[4], fields_q[4];
static weir_addr_t          addrs[2];
static char                 raw_path[100];


static void
random_request(weir_arena_t *arena, weir_policy_request_t *r,
    weir_policy_fields_t *fields, const char **host)
{
    unsigned                i, n;
    weir_str_t              items[8][3];
    weir_claim_type_t       type;
    weir_claims_builder_t  *b;

    static const struct {
        const char  *name;
        size_t       len;
    } claims[] = {
        { "s", 1 }, { "n", 1 }, { "b", 1 }, { "r", 1 }, { "t", 1 },
        { "scope", 5 }, { "x\0y", 3 }, { "x.y", 3 }
    };

    static const weir_claim_type_t  types[] = {
        WEIR_CLAIM_STRING, WEIR_CLAIM_INT, WEIR_CLAIM_BOOL, WEIR_CLAIM_SET,
        WEIR_CLAIM_STRING, WEIR_CLAIM_SET, WEIR_CLAIM_STRING,
        WEIR_CLAIM_STRING
    };

    memset(r, 0, sizeof(*r));
    memset(fields, 0, sizeof(*fields));

    r->method = str(PICK(methods));

    raw_path[0] = '\0';

    for (n = rnd(6); n != 0; n--) {
        strcat(raw_path, "/");
        strcat(raw_path, PICK(segs));
    }

    if (raw_path[0] == '\0' || rnd(4) == 0) {
        strcat(raw_path, "/");
    }

    *host = rnd(4) ? pick(hosts, 5) : NULL;

    if (rnd(4)) {
        r->source_ip = &addrs[0];
        assert_int_equal(weir_addr_parse(str(pick(ips, 7)), &addrs[0]), 0);
    }

    if (rnd(4) == 0) {
        r->source_peer = &addrs[1];
        assert_int_equal(weir_addr_parse(str(pick(ips, 7)), &addrs[1]), 0);
    }

    if (rnd(2)) {
        r->scheme = str(rnd(2) ? "https" : "a");
    }

    if (rnd(3)) {
        r->has_time = 1;
        r->time = 1767607200 + rnd(3);

        /* or another day of the week */

        if (rnd(3) == 0) {
            r->time += (int) rnd(7) * 86400 + (int) rnd(86400);
        }
    }

    r->kind = rnd(3) ? WEIR_POLICY_JWT : rnd(WEIR_POLICY_KINDS);

    if (rnd(4)) {
        r->issuer = str(pick(issuers, 3));
    }

    if (rnd(3) == 0) {
        r->spiffe = str(PICK(spiffes));
    }

    if (rnd(3)) {
        r->subject = str(PICK(words));
    }

    if (rnd(2)) {
        fields->tls[WEIR_POLICY_TLS_VERSION] = str("a");
        fields->tls[WEIR_POLICY_TLS_SNI] = str(PICK(words));
    }

    fields->headers = fields_h;
    fields->nheaders = rnd(4);

    for (i = 0; i < fields->nheaders; i++) {
        fields_h[i].name = str(rnd(2) ? "H1" : "h2");
        fields_h[i].value = str(PICK(words));
    }

    fields->query = fields_q;
    fields->nquery = rnd(4);

    for (i = 0; i < fields->nquery; i++) {
        fields_q[i].name = str(rnd(2) ? "q1" : "q2");
        fields_q[i].value = str(PICK(words));
    }

    if (rnd(5) == 0) {
        return;
    }

    b = weir_claims_builder(arena);
    assert_non_null(b);

    for (i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {

        if (rnd(4) == 0) {
            continue;
        }

        type = rnd(6) ? types[i] : rnd(6);
        n = rnd(4);

        /* they must stay until the block is built */

        items[i][0] = str(PICK(words));
        items[i][1] = str(PICK(words));
        items[i][2] = str(PICK(words));

        assert_int_equal(weir_claims_add(b, (weir_str_t) { claims[i].len,
                                         (const uint8_t *) claims[i].name },
                                         type, (int64_t) rnd(3) - 1,
                                         str(PICK(words)), items[i], n), 0);
    }

    r->claims = weir_claims_build(b);
    assert_non_null(r->claims);
}


/* What no gateway makes is not spoken of. */

static inline int
random_made(const weir_policy_request_t *r)
{
    return !((r->kind == WEIR_POLICY_ANONYMOUS
              && (r->issuer.data != NULL || r->subject.data != NULL))
             || (r->kind == WEIR_POLICY_JWT && r->issuer.data == NULL)
             || (r->spiffe.data != NULL && r->kind != WEIR_POLICY_MTLS)
             || !r->has_time || !weir_str_eq(r->scheme, str("https"))
             || (r->subject.data != NULL && r->subject.len == 0));
}


/* The text, compiled; 0 if there are errors. */

static inline int
policy_of_text(policy_t *p)
{
    char  *copy;

    copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, text, len);

    policy_source(p, copy, len);

    return p->b.nerrors == 0;
}


static inline void
policy_of_text_done(policy_t *p)
{
    free((void *) p->source.text.data);
    policy_done(p);
}


#endif /* POLICY_RANDOM_H_INCLUDED */
