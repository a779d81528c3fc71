
/*
 * Unit tests of lib/policy: random policies and requests, decided by the
 * image and by a plain evaluator that reads the syntax tree, knows no index
 * and remembers nothing.  They never differ.
 */

#include "policy_make.h"
#include "weir_policy_ast.h"


#define POLICIES   1500
#define REQUESTS   40


/* --- random numbers: the same in every run --- */

static uint64_t  seed;


static unsigned
rnd(unsigned n)
{
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


/* --- a random policy: few words, so that much matches --- */

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
    "tls.version", "tls.sni"
};
static const char *const  likes[] = {
    "*", "a*", "*b", "a*b", "\\\\*", "*a*", "", "jwt*", "/a*", "*.x"
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

    switch (rnd(13)) {

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


static void
random_policy(void)
{
    unsigned  i, k, n, captures, roles;

    len = 0;

    put("language 1; policy p;\n"
        "schema from i1 { claim s string; claim n int; claim b bool;\n"
        "  claim r set<string>; }\n"
        "schema from i1, i2 { claim t string; claim scope set<string>; }\n"
        "schema { claim x.y string; claim \"x.y\" string; }\n");

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

        put("; }\n");
    }

    n = 1 + rnd(rnd(4) == 0 ? 60 : 12);

    for (i = 0; i < n; i++) {

        captures = rnd(2);

        put("%s r%u {\n", rnd(4) == 0 ? "deny" : "permit", i * 7 % 100);

        k = captures ? 1 + rnd(3) : rnd(4);

        while (k-- != 0) {
            random_what((int) captures);
        }

        if (rnd(3)) {
            put("  who ");

            for (k = rnd(3); ; k--) {

                switch (rnd(5)) {

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
            put("  from %s, %s;\n", PICK(nets), PICK(nets));
        }

        for (k = rnd(3); k != 0; k--) {
            put("  unless ");
            random_expr(3, (int) captures);
            put(";\n");
        }

        put("}\n");
    }
}


/* --- the plain evaluator --- */

enum { F, T, U };


typedef struct {
    const weir_policy_request_t  *r;
    const weir_policy_fields_t   *fields;
    const weir_policy_what_t     *what;
    const weir_policy_file_t     *file;
} plain_t;


typedef struct {
    int                        there;
    int                        sure;
    int64_t                    n;
    weir_str_t                 s;
    weir_addr_t                ip;
    weir_str_t                 items[100];
    unsigned                   nitems;
} plain_value_t;


static int  plain_expr(plain_t *pl, const weir_policy_expr_t *e);


static int
and(int a, int b)
{
    return a == F || b == F ? F : a == U || b == U ? U : T;
}


static int
or(int a, int b)
{
    return a == T || b == T ? T : a == U || b == U ? U : F;
}


static int
not(int a)
{
    return a == U ? U : a == T ? F : T;
}


/* Patterns by recursion; *at is where the capture "name" stood, or -1. */

static int
plain_path(const weir_policy_what_t *w, uint32_t i, const weir_path_t *path,
    uint32_t j, weir_str_t name, int *at)
{
    uint32_t  k;

    if (i == w->nsegs) {
        return j == path->nsegments;
    }

    if (w->segs[i].kind == WEIR_POLICY_SEG_ANY) {

        for (k = j; k <= path->nsegments; k++) {
            if (plain_path(w, i + 1, path, k, name, at)) {
                return 1;
            }
        }

        return 0;
    }

    if (j == path->nsegments
        || (w->segs[i].kind == WEIR_POLICY_SEG_LITERAL
            && !weir_str_eq(w->segs[i].text, path->segments[j]))
        || !plain_path(w, i + 1, path, j + 1, name, at))
    {
        return 0;
    }

    if (w->segs[i].kind == WEIR_POLICY_SEG_CAPTURE
        && weir_str_eq(w->segs[i].text, name))
    {
        *at = (int) j;
    }

    return 1;
}


static int
plain_what(plain_t *pl, const weir_policy_what_t *w)
{
    int                         at;
    const weir_policy_words_t  *m;

    for (m = w->methods; m != NULL; m = m->next) {
        if (weir_str_eq(m->word.text, pl->r->method)) {
            break;
        }
    }

    return (w->methods == NULL || m != NULL)
           && plain_path(w, 0, pl->r->path, 0, str("p"), &at);
}


static void
plain_field(const weir_policy_field_t *f, uint32_t n, weir_str_t name,
    int fold, plain_value_t *v)
{
    uint32_t  i;

    for (i = 0; i < n; i++) {
        if (fold ? weir_str_caseeq(f[i].name, name)
                 : weir_str_eq(f[i].name, name))
        {
            v->sure = !v->there;
            v->there = 1;
            v->s = f[i].value;
        }
    }
}


static void
plain_claim(plain_t *pl, const weir_policy_attr_t *a, plain_value_t *v)
{
    char                         *save, copy[200];
    uint32_t                      i;
    const char                   *word;
    const weir_policy_words_t    *w;
    const weir_claim_entry_t     *e;

    if (pl->r->claims == NULL || (pl->r->kind != WEIR_POLICY_JWT
                                  && pl->r->kind != WEIR_POLICY_SESSION))
    {
        return;
    }

    for (w = a->claim->issuers; w != NULL; w = w->next) {
        if (pl->r->issuer.data != NULL
            && weir_str_eq(w->word.text, pl->r->issuer))
        {
            break;
        }
    }

    if (w == NULL && !a->claim->any) {
        return;
    }

    e = weir_claims_find(pl->r->claims, a->name);

    if (e == NULL) {
        return;
    }

    v->there = 1;
    v->sure = 0;

    if (a->claim->type == WEIR_POLICY_T_STRING) {
        v->sure = e->type == WEIR_CLAIM_STRING;
        v->s = v->sure ? weir_claims_string(pl->r->claims, e) : str("");

    } else if (a->claim->type == WEIR_POLICY_T_INT) {
        v->sure = e->type == WEIR_CLAIM_INT;
        v->n = e->number;

    } else if (a->claim->type == WEIR_POLICY_T_BOOL) {
        v->sure = e->type == WEIR_CLAIM_BOOL;
        v->n = e->number;

    } else if (e->type == WEIR_CLAIM_SET) {
        v->sure = 1;

        for (i = 0; i < e->value_len; i++) {
            v->items[v->nitems++] = weir_claims_item(pl->r->claims, e, i);
        }

    } else if (e->type == WEIR_CLAIM_STRING
               && weir_str_eq(a->name, str("scope")))
    {
        static char  kept[200];

        v->sure = 1;
        snprintf(copy, sizeof(copy), "%.*s", (int) e->value_len,
                 (const char *) weir_claims_string(pl->r->claims, e).data);
        memcpy(kept, copy, sizeof(kept));

        for (word = strtok_r(kept, " ", &save); word != NULL;
             word = strtok_r(NULL, " ", &save))
        {
            v->items[v->nitems++] = str(word);
        }
    }
}


static void
plain_value(plain_t *pl, const weir_policy_expr_t *e, plain_value_t *v)
{
    int                        at;
    weir_policy_attr_t        *a;

    memset(v, 0, sizeof(*v));

    if (e->op == WEIR_POLICY_E_LITERAL) {
        v->there = v->sure = 1;
        v->n = e->literal->number;
        v->s = e->literal->string;
        v->ip = e->literal->net.addr;
        return;
    }

    a = e->attr;
    v->sure = 1;

    switch (a->kind) {

    case WEIR_POLICY_A_CLAIM:
        plain_claim(pl, a, v);
        return;

    case WEIR_POLICY_A_PATH:
        at = -1;
        assert_true(plain_path(pl->what, 0, pl->r->path, 0, a->name, &at));
        assert_true(at >= 0);
        v->s = pl->r->path->segments[at];
        v->there = 1;
        return;

    case WEIR_POLICY_A_HEADER:
        plain_field(pl->fields->headers, pl->fields->nheaders, a->name, 1, v);
        return;

    case WEIR_POLICY_A_QUERY:
        plain_field(pl->fields->query, pl->fields->nquery, a->name, 0, v);
        return;

    case WEIR_POLICY_A_SOURCE_IP:
    case WEIR_POLICY_A_SOURCE_PEER:
        {
            const weir_addr_t  *ip;

            ip = a->kind == WEIR_POLICY_A_SOURCE_IP ? pl->r->source_ip
                                                    : pl->r->source_peer;
            v->there = ip != NULL;

            if (ip != NULL) {
                v->ip = *ip;
            }
        }

        return;

    case WEIR_POLICY_A_REQUEST_TIME:
        v->there = pl->r->has_time;
        v->n = pl->r->time;
        return;

    case WEIR_POLICY_A_METHOD:
        v->s = pl->r->method;
        break;

    case WEIR_POLICY_A_REQUEST_PATH:
        v->s = pl->r->path->decoded;
        break;

    case WEIR_POLICY_A_HOST:
        v->s = pl->r->host;
        break;

    case WEIR_POLICY_A_SCHEME:
        v->s = pl->r->scheme;
        break;

    case WEIR_POLICY_A_KIND:
        v->s = weir_policy_kind_name(pl->r->kind);
        break;

    case WEIR_POLICY_A_ISSUER:
        v->s = pl->r->issuer;
        break;

    case WEIR_POLICY_A_SUBJECT:
        v->s = pl->r->subject;
        break;

    case WEIR_POLICY_A_PRINCIPAL:
        v->s = pl->r->principal;
        break;

    default:
        v->s = pl->fields->tls[a->kind - WEIR_POLICY_A_TLS];
        break;
    }

    v->there = v->s.data != NULL;
}


static int
plain_like(const char *g, size_t gl, const char *s, size_t sl)
{
    size_t  i;

    if (gl == 0) {
        return sl == 0;
    }

    if (g[0] == '*') {
        for (i = 0; i <= sl; i++) {
            if (plain_like(g + 1, gl - 1, s + i, sl - i)) {
                return 1;
            }
        }

        return 0;
    }

    if (g[0] == '\\') {
        g++;
        gl--;
    }

    return sl != 0 && g[0] == s[0] && plain_like(g + 1, gl - 1, s + 1, sl - 1);
}


static int
plain_in(const weir_policy_expr_t *e, const plain_value_t *l)
{
    const weir_policy_literal_t  *item;

    if (e->right->literal->type == WEIR_POLICY_T_CIDR) {
        return weir_cidr_contains(&e->right->literal->net, &l->ip);
    }

    for (item = e->right->literal->items; item != NULL; item = item->next) {

        if (item->type == WEIR_POLICY_T_STRING
            ? weir_str_eq(item->string, l->s)
            : item->type == WEIR_POLICY_T_IP
              || item->type == WEIR_POLICY_T_CIDR
              ? weir_cidr_contains(&item->net, &l->ip)
            : item->number == l->n)
        {
            return 1;
        }
    }

    return 0;
}


static int
plain_compare(plain_t *pl, const weir_policy_expr_t *e)
{
    int            is;
    unsigned       i;
    plain_value_t  l, r;

    plain_value(pl, e->left, &l);

    if (e->op == WEIR_POLICY_E_IN && e->right->op == WEIR_POLICY_E_LITERAL) {
        return !l.there || !l.sure ? U : plain_in(e, &l) ? T : F;
    }

    plain_value(pl, e->right, &r);

    if (!l.there || !l.sure || !r.there || !r.sure) {
        return U;
    }

    switch (e->op) {

    case WEIR_POLICY_E_IN:
        for (i = 0; i < r.nitems && !weir_str_eq(r.items[i], l.s); i++) {
            /* void */
        }

        is = i < r.nitems;
        break;

    case WEIR_POLICY_E_LIKE:
        is = plain_like((const char *) r.s.data, r.s.len,
                        (const char *) l.s.data, l.s.len);
        break;

    case WEIR_POLICY_E_EQ:
    case WEIR_POLICY_E_NE:
        is = e->left->type == WEIR_POLICY_T_STRING ? weir_str_eq(l.s, r.s)
             : e->left->type == WEIR_POLICY_T_IP
               ? memcmp(&l.ip, &r.ip, 16) == 0
             : l.n == r.n;
        is = e->op == WEIR_POLICY_E_EQ ? is : !is;
        break;

    case WEIR_POLICY_E_LT:
        is = l.n < r.n;
        break;

    case WEIR_POLICY_E_LE:
        is = l.n <= r.n;
        break;

    case WEIR_POLICY_E_GT:
        is = l.n > r.n;
        break;

    default:
        is = l.n >= r.n;
        break;
    }

    return is ? T : F;
}


static int
plain_expr(plain_t *pl, const weir_policy_expr_t *e)
{
    plain_value_t       v;
    weir_policy_expr_t  attr;

    switch (e->op) {

    case WEIR_POLICY_E_AND:
        return and(plain_expr(pl, e->left), plain_expr(pl, e->right));

    case WEIR_POLICY_E_OR:
        return or(plain_expr(pl, e->left), plain_expr(pl, e->right));

    case WEIR_POLICY_E_NOT:
        return not(plain_expr(pl, e->left));

    case WEIR_POLICY_E_HAS:
        attr = *e;
        attr.op = WEIR_POLICY_E_ATTR;
        plain_value(pl, &attr, &v);
        return v.there ? T : F;

    case WEIR_POLICY_E_ATTR:
    case WEIR_POLICY_E_LITERAL:
        plain_value(pl, e, &v);
        return !v.there || !v.sure ? U : v.n ? T : F;

    default:
        return plain_compare(pl, e);
    }
}


static int
plain_who(plain_t *pl, const weir_policy_princ_t *p)
{
    int  v;

    switch (p->kind) {

    case WEIR_POLICY_P_ROLE:
        return p->role->when == NULL ? F : plain_expr(pl, p->role->when);

    case WEIR_POLICY_P_ANYONE:
        return T;

    case WEIR_POLICY_P_AUTHENTICATED:
        return pl->r->kind == WEIR_POLICY_ANONYMOUS ? F : T;

    default:
        v = pl->r->issuer.data != NULL
            && weir_str_eq(pl->r->issuer, p->issuer.text);

        if (p->kind == WEIR_POLICY_P_SUBJECT) {
            v = v && pl->r->subject.data != NULL
                && weir_str_eq(pl->r->subject, p->name.text);
        }

        return v ? T : F;
    }
}


static int
plain_rule(plain_t *pl, const weir_policy_rule_t *rule)
{
    int                         v, value;
    const weir_policy_net_t    *net;
    const weir_policy_cond_t   *cond;
    const weir_policy_princ_t  *p;
    const weir_policy_words_t  *w;

    value = T;

    if (rule->has_who) {
        for (v = F, p = rule->who; p != NULL; p = p->next) {
            v = or(v, plain_who(pl, p));
        }

        value = and(value, v);
    }

    if (rule->has_host) {
        v = pl->r->host.data == NULL ? U : F;

        for (w = rule->hosts; w != NULL && v != U; w = w->next) {
            v = or(v, weir_host_match(w->word.text, pl->r->host) ? T : F);
        }

        value = and(value, v);
    }

    if (rule->has_from) {
        v = pl->r->source_ip == NULL ? U : F;

        for (net = rule->nets; net != NULL && v != U; net = net->next) {
            v = or(v, weir_cidr_contains(&net->cidr, pl->r->source_ip)
                      ? T : F);
        }

        value = and(value, v);
    }

    for (cond = rule->conds; cond != NULL; cond = cond->next) {
        v = plain_expr(pl, cond->expr);
        value = and(value, cond->unless ? not(v) : v);
    }

    return value;
}


static int
compare_names(const void *one, const void *two)
{
    return weir_str_cmp((*(weir_policy_rule_t *const *) one)->name.text,
                        (*(weir_policy_rule_t *const *) two)->name.text);
}


static void
plain_decide(plain_t *pl, char *out)
{
    int                        v, best;
    uint32_t                   i, nd, np;
    const weir_policy_what_t  *w;
    const weir_policy_rule_t  *rule, *denies[200], *permits[200], **list;

    nd = np = 0;
    best = F;

    for (rule = pl->file->rules; rule != NULL; rule = rule->next) {

        pl->what = NULL;
        v = rule->whats == NULL ? plain_rule(pl, rule) : F;

        for (w = rule->whats; w != NULL; w = w->next) {
            if (plain_what(pl, w)) {
                pl->what = w;
                v = or(v, plain_rule(pl, rule));
            }
        }

        if (rule->deny && v != F) {
            denies[nd++] = rule;
            best = best == T || v == T ? T : U;

        } else if (!rule->deny && v == T) {
            permits[np++] = rule;
        }
    }

    strcpy(out, nd ? best == T ? "deny-rule" : "deny-unknown"
                : np ? "permit-rule" : "default-deny");

    list = nd ? denies : permits;
    nd = nd ? nd : np;

    qsort(list, nd, sizeof(list[0]), compare_names);

    for (i = 0; i < nd; i++) {
        sprintf(out + strlen(out), "%s%.*s", i == 0 ? " " : ",",
                (int) list[i]->name.text.len,
                (const char *) list[i]->name.text.data);
    }
}


/* --- a random request --- */

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
    }

    r->kind = rnd(3) ? WEIR_POLICY_JWT : rnd(WEIR_POLICY_KINDS);

    if (rnd(4)) {
        r->issuer = str(pick(issuers, 3));
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


static void
test_random(void **state)
{
    char                     expected[4000];
    unsigned                 i, k, counts[4];
    policy_t                 p;
    plain_t                  plain;
    const char              *got, *host;
    uint32_t                *lines[1], nlines[1];
    weir_policy_file_t       file;
    weir_policy_fields_t     fields;
    weir_policy_request_t    r;
    weir_policy_compiler_t   c;

    memset(counts, 0, sizeof(counts));

    for (i = 0; i < POLICIES; i++) {

        seed = 0x9e3779b97f4a7c15u * (i + 1);

        random_policy();
        policy_source(&p, text, len);

        if (p.b.nerrors != 0) {
            policy_show(&p);
            fail_msg("seed %u", i);
        }

        assert_non_null(weir_policy_open(p.b.image, p.b.size));

        memset(&c, 0, sizeof(c));
        memset(&file, 0, sizeof(file));

        lines[0] = NULL;
        c.arena = &p.arena;
        c.sources = &p.source;
        c.nsources = 1;
        c.files = &file;
        c.lines = lines;
        c.nlines = nlines;

        weir_policy_parse(&c, &file);
        weir_policy_check(&c, &file);
        assert_int_equal(c.nerrors, 0);

        for (k = 0; k < REQUESTS; k++) {

            random_request(&p.arena, &r, &fields, &host);

            got = decides(&p, &r, raw_path, host, &fields);

            plain.r = &r;
            plain.fields = &fields;
            plain.file = &file;

            plain_decide(&plain, expected);

            if (strcmp(got, expected) != 0) {
                fail_msg("policy %u, request %u, %.*s %s: image \"%s\", plain "
                         "\"%s\":\n%s", i, k, (int) r.method.len,
                         (const char *) r.method.data, raw_path, got, expected,
                         text);
            }

            counts[got[0] == 'p' ? 0 : got[1] == 'e' && got[2] == 'f' ? 1
                   : got[5] == 'r' ? 2 : 3]++;
        }

        policy_done(&p);
    }

    /* all four kinds of answers came often */

    for (i = 0; i < 4; i++) {
        assert_true(counts[i] > POLICIES * REQUESTS / 50);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_random)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
