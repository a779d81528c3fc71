
/*
 * Weir: compiling a bundle: parse, check, build.
 */

#include "weir_policy_lex.h"


static void weir_policy_names(weir_policy_compiler_t *c,
    weir_policy_table_t *names);
static int weir_policy_tests(weir_policy_compiler_t *c,
    weir_policy_bundle_t *b);


int
weir_policy_compile(weir_arena_t *arena, const weir_policy_source_t *sources,
    uint32_t nsources, const weir_policy_zones_t *zones,
    weir_policy_bundle_t *b)
{
    size_t                   total;
    uint32_t                 i;
    weir_policy_loc_t        loc;
    weir_policy_table_t     *names;
    weir_policy_compiler_t   compiler, *c;

    c = &compiler;

    memset(b, 0, sizeof(weir_policy_bundle_t));
    memset(c, 0, sizeof(weir_policy_compiler_t));

    b->sources = sources;
    b->nsources = nsources;

    c->arena = arena;
    c->sources = sources;
    c->nsources = nsources;
    c->zones = zones;

    c->files = weir_policy_alloc(c, nsources * sizeof(weir_policy_file_t));
    c->lines = weir_policy_alloc(c, nsources * sizeof(uint32_t *));
    c->nlines = weir_policy_alloc(c, nsources * sizeof(uint32_t));
    names = weir_policy_alloc(c, sizeof(weir_policy_table_t));

    if (c->nomem) {
        return WEIR_NOMEM;
    }

    b->files = c->files;
    b->names = names;
    total = 0;

    for (i = 0; i < nsources; i++) {
        c->files[i].index = i;
        total += sources[i].text.len;

        if (total > WEIR_POLICY_MAX_SOURCE) {
            loc.file = i;
            loc.offset = 0;
            weir_policy_error(c, loc, "a bundle has at most %d MiB",
                              WEIR_POLICY_MAX_SOURCE / (1024 * 1024));
            break;
        }

        if (weir_policy_lex_check(c, i) != WEIR_OK) {
            c->files[i].broken = 1;
            continue;
        }

        weir_policy_parse(c, &c->files[i]);
    }

    weir_policy_names(c, names);

    weir_policy_check(c);

    if (c->nomem || weir_policy_diags(c, b) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    if (c->nerrors != 0) {
        return WEIR_OK;
    }

    if (weir_policy_tests(c, b) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    return weir_policy_build(c, b);
}


/* A name is one policy's. */

static void
weir_policy_names(weir_policy_compiler_t *c, weir_policy_table_t *names)
{
    uint32_t             i;
    weir_policy_file_t  *file, *other;

    for (i = 0; i < c->nsources; i++) {
        file = &c->files[i];

        if (file->policy.text.len == 0
            || weir_policy_table_put(c, names, file->policy.text, file)
            || c->nomem)
        {
            continue;
        }

        other = weir_policy_table_get(names, file->policy.text);

        weir_policy_error(c, file->policy.loc, "policy %.*s is duplicate",
                          weir_policy_s(file->policy.text));
        weir_policy_relate(c, other->policy.loc, "first");
    }
}


static int
weir_policy_tests(weir_policy_compiler_t *c, weir_policy_bundle_t *b)
{
    uint32_t                    i, n;
    weir_policy_test_t         *test;
    const weir_policy_test_t  **tests;

    n = 0;

    for (i = 0; i < c->nsources; i++) {
        for (test = c->files[i].tests; test != NULL; test = test->next) {
            n++;
        }
    }

    tests = weir_policy_alloc(c, n * sizeof(weir_policy_test_t *));
    if (tests == NULL) {
        return WEIR_NOMEM;
    }

    b->tests = tests;
    b->ntests = n;

    n = 0;

    for (i = 0; i < c->nsources; i++) {
        for (test = c->files[i].tests; test != NULL; test = test->next) {
            test->place = weir_policy_place(c, test->name.loc);
            test->expect_place = weir_policy_place(c, test->expect);
            tests[n++] = test;
        }
    }

    return c->nomem ? WEIR_NOMEM : WEIR_OK;
}
