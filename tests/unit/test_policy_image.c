
/*
 * Unit tests of lib/policy: the image: it may lie anywhere, damage is seen,
 * names are found; the binding check; which files are a bundle.
 */

#include "policy_make.h"
#include "weir_policy_image.h"


static const char  body[] =
    "schema from corp, partner { claim s string; claim r set<string>; }\n"
    "role staff { when \"staff\" in claim.r || claim.s like \"a*\"; }\n"
    "role none { }\n"
    "permit b { who role staff, subject \"x\" issuer corp, issuer other;\n"
    "  what GET, BREW /a/{x}/**; what PUT /a/b/{x}; host *.b, c;\n"
    "  from 10.0.0.0/8, ::1, 192.168.0.0/16;\n"
    "  if path.x in [\"k\", \"j\"] && has header(\"h\");\n"
    "  unless source.ip in [10.0.0.1, fe80::/10]; }\n"
    "deny a { what * /**/z; if request.time in [2026-01-05T10:00:00Z]; }\n"
    "permit c { who anyone; what * /**; unless claim.s in []; }\n";


/* Copied elsewhere it decides the same. */

static void
test_position(void **state)
{
    size_t                       i;
    void                        *copy;
    char                         first[64];
    policy_t                     p;
    weir_policy_request_t        r;
    const weir_policy_image_t   *image, *original;

    policy_body(&p, body);
    original = p.b.image;

    memset(&r, 0, sizeof(r));
    r.method = str("GET");

    snprintf(first, sizeof(first), "%s", decides(&p, &r, "/a/k/z", NULL,
                                                 NULL));
    assert_string_equal(first, "deny-unknown a");

    for (i = 0; i < 64; i += 8) {
        copy = malloc(p.b.size + 64);
        assert_non_null(copy);

        memset(copy, 0xaa, p.b.size + 64);
        memcpy((char *) copy + i, original, p.b.size);

        image = weir_policy_open((char *) copy + i, p.b.size);
        assert_non_null(image);
        assert_int_equal(weir_policy_image_size(image), p.b.size);
        assert_ptr_equal(weir_policy_trust((char *) copy + i), image);

        p.b.image = image;
        assert_string_equal(decides(&p, &r, "/a/k/z", NULL, NULL), first);

        free(copy);
    }

    policy_done(&p);
}


static void
test_damage(void **state)
{
    size_t      i, bit;
    uint8_t    *copy;
    policy_t    p;

    policy_body(&p, body);

    copy = malloc(p.b.size + 8);
    assert_non_null(copy);

    memcpy(copy, p.b.image, p.b.size);

    assert_non_null(weir_policy_open(copy, p.b.size));
    assert_non_null(weir_policy_open(copy, p.b.size + 8));

    for (i = 0; i < p.b.size; i++) {
        assert_null(weir_policy_open(copy, i));
    }

    for (i = 0; i < p.b.size; i++) {
        for (bit = 0; bit < 8; bit += 3) {
            copy[i] ^= (uint8_t) (1 << bit);
            assert_null(weir_policy_open(copy, p.b.size));
            copy[i] ^= (uint8_t) (1 << bit);
        }
    }

    assert_non_null(weir_policy_open(copy, p.b.size));

    memmove(copy + 4, copy, p.b.size);
    assert_null(weir_policy_open(copy + 4, p.b.size));

    memset(copy, 0, p.b.size);
    assert_null(weir_policy_trust(copy));

    free(copy);
    policy_done(&p);
}


/*
 * With a checksum that fits, damage is found by the walk, or does no harm:
 * the sanitizers watch the decision.
 */

static void
test_damage_inside(void **state)
{
    size_t                       i;
    uint8_t                     *copy, value;
    uint32_t                     n, refused, rules[8];
    policy_t                     p;
    weir_path_t                  path;
    uint8_t                      buf[32];
    weir_addr_t                  ip;
    weir_policy_image_t         *image;
    weir_policy_request_t        r;
    weir_policy_decision_t       d;

    static const uint8_t  flips[] = { 0x01, 0x08, 0x80, 0xff };

    policy_body(&p, body);

    /* of exact size, so that a byte too far is seen */

    copy = malloc(p.b.size);
    assert_non_null(copy);

    memcpy(copy, p.b.image, p.b.size);
    image = (weir_policy_image_t *) (void *) copy;

    memset(&r, 0, sizeof(r));
    r.method = str("BREW");
    r.host = str("c");
    r.principal = str(WEIR_POLICY_NOBODY);
    r.source_ip = &ip;
    r.has_time = 1;
    r.path = &path;

    assert_int_equal(weir_addr_parse(str("10.0.0.7"), &ip), WEIR_OK);
    assert_int_equal(weir_path_gate(&path, buf, str("/a/k/z"), 0), WEIR_OK);

    refused = 0;

    for (i = offsetof(weir_policy_image_t, policies); i < p.b.size; i++) {
        for (n = 0; n < sizeof(flips); n++) {

            value = copy[i];
            copy[i] ^= flips[n];

            image->checksum = weir_policy_checksum(image, p.b.size);

            if (weir_policy_open(copy, p.b.size) == NULL) {
                refused++;

            } else if (weir_policy_count(image) == 1) {
                d.rules = rules;
                d.max = 8;
                d.effects = NULL;
                d.max_effects = 0;
                weir_policy_decide(image, 0, &r, &d);

                assert_true(d.reason <= WEIR_POLICY_DEFAULT_DENY);
                assert_int_equal(d.verdict == WEIR_POLICY_PERMIT,
                                 d.reason == WEIR_POLICY_PERMIT_RULE);
            }

            copy[i] = value;
        }
    }

    assert_true(refused > 1000);

    free(copy);
    policy_done(&p);
}


static void
test_names(void **state)
{
    uint32_t                i, policy;
    weir_str_t              name;
    weir_arena_t            arena;
    weir_policy_bundle_t    b;
    weir_policy_source_t    sources[5];

    static const char *const  sorted[] = { "a", "a-b", "ab", "b" };

    sources[0].text = str("language 1; policy b;");
    sources[1].text = str("language 1; policy a; deny z { } deny Z { }"
                          " permit a { who anyone; }");
    sources[2].text = str("language 1; schema { claim x int; }");
    sources[3].text = str("language 1; policy ab;");
    sources[4].text = str("language 1; policy a-b;");

    for (i = 0; i < 5; i++) {
        sources[i].name = str("x.policy");
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);
    assert_int_equal(weir_policy_compile(&arena, sources, 5, NULL, &b),
                     WEIR_OK);
    assert_non_null(b.image);

    assert_int_equal(weir_policy_count(b.image), 4);

    for (i = 0; i < 4; i++) {
        name = weir_policy_name(b.image, i);
        assert_true(weir_str_eq(name, str(sorted[i])));
        assert_int_equal(weir_policy_find(b.image, name, &policy), WEIR_OK);
        assert_int_equal(policy, i);
    }

    assert_int_equal(weir_policy_find(b.image, str("aa"), &policy),
                     WEIR_DECLINED);
    assert_int_equal(weir_policy_find(b.image, str(""), &policy),
                     WEIR_DECLINED);

    assert_int_equal(weir_policy_rules(b.image, 0), 3);
    assert_true(weir_str_eq(weir_policy_rule_name(b.image, 0, 0), str("Z")));
    assert_true(weir_str_eq(weir_policy_rule_name(b.image, 0, 1), str("a")));
    assert_true(weir_str_eq(weir_policy_rule_name(b.image, 0, 2), str("z")));

    weir_arena_done(&arena);

    /* a name is one policy's */

    sources[4].text = str("language 1;\n\n policy ab;");
    sources[4].name = str("y.policy");

    weir_arena_init(&arena, &weir_alloc_malloc, 0);
    assert_int_equal(weir_policy_compile(&arena, sources, 5, NULL, &b),
                     WEIR_OK);
    assert_null(b.image);
    assert_int_equal(b.ndiags, 1);
    assert_int_equal(b.diags[0].place.file, 4);
    assert_int_equal(b.diags[0].place.line, 3);
    assert_int_equal(b.diags[0].place.column, 9);
    assert_int_equal(b.diags[0].related->place.file, 3);

    weir_arena_done(&arena);
}


/* More rules decide than the caller has room for: the first are kept. */

static void
test_few_places(void **state)
{
    char                     text[8000], *t;
    uint32_t                 i, max, rules[100];
    uint8_t                  buf[8];
    policy_t                 p;
    weir_path_t              path;
    weir_policy_request_t    r;
    weir_policy_decision_t   d;

    t = text;

    for (i = 0; i < 100; i++) {
        t += sprintf(t, "permit r%02u { who anyone; what GET /%s; }\n",
                     i * 37 % 100, i % 3 == 0 ? "**" : i % 3 == 1 ? "a" : "*");
    }

    policy_body(&p, text);

    memset(&r, 0, sizeof(r));
    r.method = str("GET");
    r.principal = str(WEIR_POLICY_NOBODY);
    r.path = &path;

    assert_int_equal(weir_path_gate(&path, buf, str("/a"), 0), WEIR_OK);

    for (max = 0; max <= 100; max++) {
        d.rules = rules;
        d.max = max;
        d.effects = NULL;
        d.max_effects = 0;

        weir_policy_decide(p.b.image, 0, &r, &d);

        assert_int_equal(d.count, 100);

        for (i = 0; i < max; i++) {
            assert_int_equal(rules[i], i);
        }
    }

    policy_done(&p);
}


static char  faults[2000];


/* ctx is a list of names, each between spaces. */

static int
listed(void *ctx, weir_policy_name_kind_t kind, weir_str_t name)
{
    char  text[100];

    assert_int_equal(kind, WEIR_POLICY_NAME_ISSUER);

    snprintf(text, sizeof(text), " %.*s ", (int) name.len,
             (const char *) name.data);

    return strstr(ctx, text) != NULL;
}


static void
fault(void *ctx, weir_str_t message)
{
    snprintf(faults + strlen(faults), sizeof(faults) - strlen(faults),
             "%.*s\n", (int) message.len, (const char *) message.data);
}


static uint32_t
bind(policy_t *p, const char *names, uint32_t nadmitted)
{
    weir_str_t             admitted[2];
    weir_policy_binder_t   binder;

    admitted[0] = str("corp");
    admitted[1] = str("partner");

    faults[0] = '\0';

    binder.known = listed;
    binder.report = fault;
    binder.ctx = (void *) names;

    return weir_policy_bind(p->b.image, 0, admitted, nadmitted, &binder);
}


static void
test_bind(void **state)
{
    policy_t  p;

    policy_body(&p,
        "schema from corp { claim a string; }\n"
        "schema from partner, corp { claim b string; }\n"
        "permit a { who subject x issuer third, issuer corp, issuer fourth; }");

    assert_int_equal(bind(&p, " corp partner third fourth ", 2), 0);
    assert_string_equal(faults, "");

    assert_int_equal(bind(&p, " corp third ", 1), 2);
    assert_string_equal(faults,
        "p.policy:3:13: error: policy p names issuer partner, and there is no "
        "such weir_issuer\n"
        "p.policy:4:60: error: policy p names issuer fourth, and there is no "
        "such weir_issuer\n");

    policy_done(&p);

    /* without "from" one issuer at most may arrive */

    policy_body(&p, "schema { claim a string; }\n"
                    "schema { claim b string; }\n");

    assert_int_equal(bind(&p, "", 0), 0);
    assert_int_equal(bind(&p, "", 1), 0);
    assert_int_equal(bind(&p, "", 2), 1);
    assert_string_equal(faults,
        "p.policy:2:1: error: policy p has a schema without \"from\" where "
        "several issuers can arrive, corp and partner among them; write "
        "\"schema from NAME\"\n");

    policy_done(&p);

    policy_body(&p, "schema { }");
    assert_int_equal(bind(&p, "", 2), 0);
    policy_done(&p);
}


static void
test_words(void **state)
{
    uint32_t             i;
    weir_str_t           s;
    weir_arena_t         arena;
    weir_policy_kind_t   kind;

    static const char *const  reasons[] = {
        "permit-rule", "deny-rule", "deny-unknown", "default-deny",
        "ambiguous-path", "ambiguous-host", "ambiguous-request",
        "closed-location", "no-bundle", "no-policy", "error"
    };

    static const char *const  kinds[] = {
        "anonymous", "jwt", "mtls", "apikey", "session"
    };

    for (i = 0; i < WEIR_POLICY_REASONS; i++) {
        assert_string_equal(weir_policy_reason_name(i), reasons[i]);
    }

    for (i = 0; i < WEIR_POLICY_KINDS; i++) {
        assert_true(weir_str_eq(weir_policy_kind_name(i), str(kinds[i])));
        assert_int_equal(weir_policy_kind_parse(str(kinds[i]), &kind),
                         WEIR_OK);
        assert_int_equal(kind, i);
    }

    assert_int_equal(weir_policy_kind_parse(str("JWT"), &kind), WEIR_DECLINED);

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    s = weir_policy_principal(&arena, WEIR_POLICY_JWT, str("a"), str("b:c"));
    assert_true(weir_str_eq(s, str("jwt:a:b:c")));

    s = weir_policy_principal(&arena, WEIR_POLICY_ANONYMOUS, str(NULL),
                              str(NULL));
    assert_true(weir_str_eq(s, str(WEIR_POLICY_NOBODY)));

    weir_arena_done(&arena);
}


/* A folder in memory: "path" or "path/" in the order of a file system. */

static const char *const  *tree;
static size_t              text_size;
static unsigned            fail_read;


static int
list(void *ctx, weir_str_t path, weir_policy_folder_t *folder)
{
    size_t               i, len;
    weir_str_t           name;
    const char          *t, *slash;
    weir_policy_entry_t  type;

    for (i = 0; tree[i] != NULL; i++) {

        t = tree[i];
        type = WEIR_POLICY_ENTRY_FILE;

        if (t[0] == '@') {
            type = WEIR_POLICY_ENTRY_OTHER;
            t++;
        }

        len = path.len + (path.len != 0);

        if (strncmp(t, (const char *) path.data, path.len) != 0
            || (path.len != 0 && t[path.len] != '/') || t[len] == '\0')
        {
            continue;
        }

        t += len;
        name = str(t);
        slash = strchr(t, '/');

        if (slash != NULL) {

            if (slash[1] != '\0') {
                continue;
            }

            type = WEIR_POLICY_ENTRY_FOLDER;
            name.len--;
        }

        assert_int_equal(weir_policy_folder_entry(folder, name, type),
                         WEIR_OK);
    }

    return WEIR_OK;
}


static int
read_text(void *ctx, weir_str_t path, size_t max, weir_str_t *text)
{
    if (fail_read) {
        return WEIR_ERROR;
    }

    text->data = (const uint8_t *) "";
    text->len = text_size < max ? text_size : max;

    return WEIR_OK;
}


static const char *
folder(const char *const *entries, int expected)
{
    uint32_t               i, n;
    weir_err_t             err;
    weir_arena_t           arena;
    weir_policy_files_t    files;
    weir_policy_source_t  *sources;

    static char  names[1000];

    tree = entries;
    files.list = list;
    files.read = read_text;
    files.ctx = NULL;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    err.text[0] = '\0';

    assert_int_equal(weir_policy_read_folder(&arena, &files, &sources, &n,
                                             &err), expected);
    strcpy(names, err.text);

    for (i = 0; expected == WEIR_OK && i < n; i++) {
        sprintf(names + strlen(names), "%s%.*s", i == 0 ? "" : " ",
                (int) sources[i].name.len,
                (const char *) sources[i].name.data);
    }

    weir_arena_done(&arena);

    return names;
}


static void
test_folder(void **state)
{
    static const char *const  some[] = {
        "b.policy", "sub/", "sub/z.policy", "sub/a/", "sub/a/b.policy",
        ".hidden.policy", ".git/", ".git/x.policy", "a.txt", "policy",
        ".policy", "x.policy~", "@link.policy", "sub.policy", "B.policy",
        "x.policy/", "x.policy/y.policy", "empty/", NULL
    };

    static const char *const  none[] = { "a.txt", "sub/", "sub/b", NULL };
    static const char *const  odd[] = { "a\nb.policy", NULL };
    static const char *const  utf[] = { "\xff.policy", NULL };
    static const char *const  one[] = { "a.policy", NULL };
    static const char *const  two[] = { "a.policy", "b.policy", NULL };

    text_size = 0;
    fail_read = 0;

    assert_string_equal(folder(some, WEIR_OK),
                        "B.policy b.policy sub.policy sub/a/b.policy "
                        "sub/z.policy x.policy/y.policy");

    assert_string_equal(folder(none, WEIR_DECLINED),
                        "there is no *.policy file");
    assert_non_null(strstr(folder(odd, WEIR_DECLINED), "UTF-8"));
    assert_non_null(strstr(folder(utf, WEIR_DECLINED), "UTF-8"));

    text_size = WEIR_POLICY_MAX_SOURCE;
    (void) folder(one, WEIR_OK);

    text_size++;
    assert_string_equal(folder(one, WEIR_DECLINED),
                        "a bundle has at most 64 MiB");

    text_size = WEIR_POLICY_MAX_SOURCE / 2 + 1;
    assert_string_equal(folder(two, WEIR_DECLINED),
                        "a bundle has at most 64 MiB");

    fail_read = 1;
    (void) folder(one, WEIR_ERROR);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_position),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_damage_inside),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_few_places),
        cmocka_unit_test(test_bind),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_folder)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
