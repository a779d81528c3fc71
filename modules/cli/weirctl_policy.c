
/*
 * weirctl check and test: policies compiled, and their own tests run, by the
 * code that the gateway runs.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "weirctl_coverage.h"
#include "weirctl_policy.h"


static int weirctl_bundle_none(const weirctl_t *ctl, const char *path,
    const char *why);
static int weirctl_bundle_file(weirctl_bundle_t *b, const char *path,
    int how);
static int weirctl_bundle_list(void *ctx, weir_str_t path,
    weir_policy_folder_t *folder);
static int weirctl_bundle_read(void *ctx, weir_str_t path, size_t max,
    weir_str_t *text);
static char *weirctl_bundle_path(weirctl_bundle_t *b, weir_str_t path);
static int weirctl_diagnostics_json(weirctl_bundle_t *b, json_t *array);
static int weirctl_json_out(json_t *json);
static int weirctl_test_tap(weirctl_t *ctl, weirctl_bundle_t *b,
    int coverage);
static void weirctl_test_name(weir_str_t name);
static int weirctl_test_json(weirctl_bundle_t *b, int coverage);


/* weirctl check PATH */

int
weirctl_check(weirctl_t *ctl)
{
    int               rc;
    json_t           *array;
    weirctl_bundle_t  b;

    rc = weirctl_options(ctl, "Compiles the policies, proves their asserts "
                         "and tells every error and warning,\nalso rules "
                         "that decide nothing.  PATH is a folder of *.policy "
                         "files or a single\none.  Exit: 0, or 1 where there "
                         "are errors.", NULL, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_bundle(ctl, &b, ctl->argv[0], WEIRCTL_FILE);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_bundle_idle(&b);
    }

    if (rc == WEIRCTL_GO_ON) {

        if (ctl->json) {
            array = json_array();
            rc = weirctl_diagnostics_json(&b, array);

            if (rc == WEIRCTL_GO_ON) {
                rc = weirctl_json_out(array);
            }

            json_decref(array);

        } else {
            rc = weirctl_diagnostics(ctl, &b);

            if (rc == WEIRCTL_GO_ON && b.bundle.nerrors == 0 && !ctl->quiet) {
                printf("%s: %u %s, no error\n", b.root, b.bundle.nsources,
                       b.bundle.nsources == 1 ? "file" : "files");
            }
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = b.bundle.nerrors ? WEIRCTL_NO : WEIRCTL_YES;
    }

    weirctl_bundle_done(&b);

    return rc;
}


/* weirctl test PATH [--coverage] */

int
weirctl_test(weirctl_t *ctl)
{
    int               rc, coverage;
    weirctl_bundle_t  b;

    weirctl_option_t  options[] = {
        { "coverage", WEIRCTL_FLAG, &coverage, NULL,
          "tells which rules and conditions no test exercised" },
        weirctl_options_end
    };

    coverage = 0;

    rc = weirctl_options(ctl, "Runs the tests that stand in the policies and "
                         "prints TAP.  Exit: 0, or 1 where\na test failed or "
                         "the policies have errors, or with --coverage where "
                         "no test\nmatches a rule.", options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_bundle(ctl, &b, ctl->argv[0], WEIRCTL_FILE);

    if (rc == WEIRCTL_GO_ON) {
        rc = ctl->json ? weirctl_test_json(&b, coverage)
                       : weirctl_test_tap(ctl, &b, coverage);
    }

    weirctl_bundle_done(&b);

    return rc;
}


static int
weirctl_test_tap(weirctl_t *ctl, weirctl_bundle_t *b, int coverage)
{
    int                     rc;
    uint32_t                i, failed;
    weir_arena_t            arena;
    weir_policy_outcome_t   o;

    rc = weirctl_diagnostics(ctl, b);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (b->bundle.nerrors) {
        return WEIRCTL_NO;
    }

    printf("1..%u%s\n", b->bundle.ntests,
           b->bundle.ntests ? "" : " # SKIP the policies have no tests");

    failed = 0;

    for (i = 0; i < b->bundle.ntests; i++) {

        /* what a test needs is nothing to the next one */

        weir_arena_init(&arena, &weir_alloc_malloc, WEIRCTL_TEST_MEMORY);

        if (weir_policy_run_test(&arena, &b->bundle, i, &o) != WEIR_OK) {
            weir_arena_done(&arena);
            return weirctl_error("out of memory");
        }

        printf("%s %u - %.*s: ", o.passed ? "ok" : "not ok", i + 1,
               (int) o.policy.len, o.policy.data);
        weirctl_test_name(o.name);
        printf("\n");

        if (!o.passed) {
            failed++;
            printf("# %.*s:%u:%u: %.*s\n",
                   (int) b->bundle.sources[o.expect.file].name.len,
                   b->bundle.sources[o.expect.file].name.data,
                   o.expect.line, o.expect.column,
                   (int) o.message.len, o.message.data);
        }

        weir_arena_done(&arena);
    }

    if (coverage) {
        rc = weirctl_coverage(b, NULL);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    return failed ? WEIRCTL_NO : WEIRCTL_YES;
}


/* TAP takes what stands behind a "#" for a directive. */

static void
weirctl_test_name(weir_str_t name)
{
    size_t  i;

    for (i = 0; i < name.len; i++) {

        if (name.data[i] == '#') {
            printf("\\#");

        } else {
            putchar(name.data[i] < 0x20 ? ' ' : name.data[i]);
        }
    }
}


/* Failed tests are errors at their expectation. */

static int
weirctl_test_json(weirctl_bundle_t *b, int coverage)
{
    int                     rc;
    json_t                 *array, *item;
    uint32_t                i;
    weir_arena_t            arena;
    weir_policy_outcome_t   o;

    array = json_array();
    rc = weirctl_diagnostics_json(b, array);

    for (i = 0; rc == WEIRCTL_GO_ON && b->bundle.nerrors == 0
                && i < b->bundle.ntests; i++)
    {
        weir_arena_init(&arena, &weir_alloc_malloc, WEIRCTL_TEST_MEMORY);

        if (weir_policy_run_test(&arena, &b->bundle, i, &o) != WEIR_OK) {
            weir_arena_done(&arena);
            rc = weirctl_error("out of memory");
            break;
        }

        if (o.passed) {
            weir_arena_done(&arena);
            continue;
        }

        item = weirctl_place_json(b, o.expect);

        if (json_object_set_new(item, "severity", json_string("error")) != 0
            || json_object_set_new(item, "message",
                                   json_stringn((char *) o.message.data,
                                                o.message.len))
               != 0
            || json_object_set_new(item, "related", json_array()) != 0
            || json_array_append_new(array, item) != 0)
        {
            rc = weirctl_error("out of memory");
        }

        weir_arena_done(&arena);
    }

    /* a rule that no test matches is an error among the others */

    if (rc == WEIRCTL_GO_ON && coverage && b->bundle.nerrors == 0
        && weirctl_coverage(b, array) == WEIRCTL_USAGE)
    {
        rc = WEIRCTL_USAGE;
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_json_out(array);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = WEIRCTL_YES;

        for (i = 0; i < json_array_size(array); i++) {
            item = json_object_get(json_array_get(array, i), "severity");

            if (strcmp(json_string_value(item), "error") == 0) {
                rc = WEIRCTL_NO;
            }
        }

        if (b->bundle.nerrors) {
            rc = WEIRCTL_NO;
        }
    }

    json_decref(array);

    return rc;
}


int
weirctl_bundle(const weirctl_t *ctl, weirctl_bundle_t *b, const char *path,
    int how)
{
    int                    rc;
    uint32_t               nsources;
    weir_err_t             err;
    struct stat            st;
    weir_zoneinfo_t        zi;
    weir_policy_files_t    files;
    weir_policy_source_t  *sources;

    memset(b, 0, sizeof(weirctl_bundle_t));

    weir_arena_init(&b->arena, &weir_alloc_malloc, WEIRCTL_BUNDLE_MEMORY);

    b->root = path;

    if (stat(path, &st) != 0) {
        return weirctl_error("%s: %s", path, strerror(errno));
    }

    if (how != WEIRCTL_FOLDER && S_ISREG(st.st_mode)) {
        return weirctl_bundle_file(b, path, how);
    }

    if (!S_ISDIR(st.st_mode)) {
        return weirctl_error("%s: this is no folder%s", path,
                             how == WEIRCTL_FOLDER
                             ? "" : ", and no regular file");
    }

    files.list = weirctl_bundle_list;
    files.read = weirctl_bundle_read;
    files.ctx = b;

    rc = weir_policy_read_folder(&b->arena, &files, &sources, &nsources, &err);

    switch (rc) {

    case WEIR_OK:
        break;

    case WEIR_DECLINED:
        return weirctl_bundle_none(ctl, path, err.text);

    case WEIR_NOMEM:
        return weirctl_bundle_nomem(b);

    default:
        return WEIRCTL_USAGE;
    }

    weir_zoneinfo(&zi, &b->arena, WEIR_ZONEINFO);

    if (weir_policy_compile(&b->arena, sources, nsources, &zi.zones,
                            &b->bundle)
        != WEIR_OK)
    {
        return weirctl_bundle_nomem(b);
    }

    return how == WEIRCTL_LAYOUT ? WEIRCTL_GO_ON : weirctl_bundle_asserts(b);
}


int
weirctl_bundle_nomem(const weirctl_bundle_t *b)
{
    return b->arena.full
           ? weirctl_error("%s: these policies need more than %u MiB of "
                           "memory", b->root,
                           (unsigned) (WEIRCTL_BUNDLE_MEMORY >> 20))
           : weirctl_error("out of memory");
}


/* A folder that is no bundle is an error of the policies. */

static int
weirctl_bundle_none(const weirctl_t *ctl, const char *path, const char *why)
{
    int      rc;
    json_t  *array;

    if (!ctl->json) {
        (void) weirctl_error("%s: %s", path, why);
        return WEIRCTL_NO;
    }

    array = json_pack("[{s:s, s:i, s:i, s:s, s:s, s:[]}]", "file", path,
                      "line", 0, "column", 0, "severity", "error",
                      "message", why, "related");

    rc = weirctl_json_out(array);

    json_decref(array);

    return rc == WEIRCTL_GO_ON ? WEIRCTL_NO : rc;
}


static int
weirctl_bundle_file(weirctl_bundle_t *b, const char *path, int how)
{
    int                    rc;
    weir_str_t             text;
    const char            *name;
    weir_zoneinfo_t        zi;
    weir_policy_source_t  *source;

    rc = weirctl_read(path, WEIR_POLICY_MAX_SOURCE, &text);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    name = strrchr(path, '/');
    name = name ? name + 1 : path;

    source = weir_arena_alloc(&b->arena, sizeof(weir_policy_source_t));

    if (source == NULL) {
        free((void *) text.data);
        return weirctl_bundle_nomem(b);
    }

    source->name = weir_cstr(name);
    source->text = weir_arena_copy(&b->arena, text);

    free((void *) text.data);

    weir_zoneinfo(&zi, &b->arena, WEIR_ZONEINFO);

    if ((source->text.data == NULL && text.len)
        || weir_policy_compile(&b->arena, source, 1, &zi.zones, &b->bundle)
           != WEIR_OK)
    {
        return weirctl_bundle_nomem(b);
    }

    return how == WEIRCTL_LAYOUT ? WEIRCTL_GO_ON : weirctl_bundle_asserts(b);
}


void
weirctl_bundle_done(weirctl_bundle_t *b)
{
    weir_arena_done(&b->arena);
}


static char *
weirctl_bundle_path(weirctl_bundle_t *b, weir_str_t path)
{
    char    *p;
    size_t   len;

    len = strlen(b->root);

    p = weir_arena_alloc(&b->arena, len + path.len + 2);
    if (p == NULL) {
        (void) weirctl_bundle_nomem(b);
        return NULL;
    }

    memcpy(p, b->root, len);

    if (path.len) {
        p[len++] = '/';
        memcpy(p + len, path.data, path.len);
    }

    p[len + path.len] = '\0';

    return p;
}


static int
weirctl_bundle_list(void *ctx, weir_str_t path, weir_policy_folder_t *folder)
{
    weirctl_bundle_t *b = ctx;

    int                   rc;
    DIR                  *dir;
    char                 *name;
    weir_str_t            s;
    struct stat           st;
    struct dirent        *entry;
    weir_policy_entry_t   type;

    name = weirctl_bundle_path(b, path);
    if (name == NULL) {
        return WEIR_ERROR;
    }

    dir = opendir(name);

    if (dir == NULL) {
        (void) weirctl_error("%s: %s", name, strerror(errno));
        return WEIR_ERROR;
    }

    rc = WEIR_OK;

    for ( ;; ) {
        errno = 0;
        entry = readdir(dir);

        if (entry == NULL) {
            break;
        }

        if (strcmp(entry->d_name, ".") == 0
            || strcmp(entry->d_name, "..") == 0)
        {
            continue;
        }

        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW)
            != 0)
        {
            break;
        }

        type = S_ISREG(st.st_mode) ? WEIR_POLICY_ENTRY_FILE
               : S_ISDIR(st.st_mode) ? WEIR_POLICY_ENTRY_FOLDER
               : WEIR_POLICY_ENTRY_OTHER;

        s = weir_cstr(entry->d_name);

        if (weir_policy_folder_entry(folder, s, type) != WEIR_OK) {
            errno = ENOMEM;
            break;
        }
    }

    if (errno) {
        (void) weirctl_error("%s: %s", name, strerror(errno));
        rc = WEIR_ERROR;
    }

    closedir(dir);

    return rc;
}


static int
weirctl_bundle_read(void *ctx, weir_str_t path, size_t max, weir_str_t *text)
{
    weirctl_bundle_t *b = ctx;

    int          rc;
    char        *name;
    weir_str_t   s;

    name = weirctl_bundle_path(b, path);

    if (name == NULL || weirctl_read(name, max, &s) != WEIRCTL_GO_ON) {
        return WEIR_ERROR;
    }

    *text = weir_arena_copy(&b->arena, s);
    rc = WEIR_OK;

    if (text->data == NULL && s.len) {
        (void) weirctl_bundle_nomem(b);
        rc = WEIR_ERROR;
    }

    free((void *) s.data);

    return rc;
}


int
weirctl_diagnostics(const weirctl_t *ctl, weirctl_bundle_t *b)
{
    uint32_t    i;
    weir_str_t  text;

    for (i = 0; i < b->bundle.ndiags; i++) {

        if (ctl->quiet
            && b->bundle.diags[i].severity == WEIR_POLICY_WARNING)
        {
            continue;
        }

        text = weir_policy_diag_text(&b->arena, &b->bundle,
                                     &b->bundle.diags[i]);

        if (text.data == NULL) {
            return weirctl_bundle_nomem(b);
        }

        weirctl_print_lines(stderr, text);
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_diagnostics_json(weirctl_bundle_t *b, json_t *array)
{
    json_t                       *item, *related, *r;
    uint32_t                      i;
    const weir_policy_diag_t     *d;
    const weir_policy_related_t  *rel;

    for (i = 0; i < b->bundle.ndiags; i++) {

        d = &b->bundle.diags[i];
        related = json_array();

        for (rel = d->related; rel != NULL; rel = rel->next) {
            r = weirctl_place_json(b, rel->place);

            if (json_object_set_new(r, "message",
                                    json_stringn((char *) rel->message.data,
                                                 rel->message.len))
                != 0
                || json_array_append_new(related, r) != 0)
            {
                return weirctl_bundle_nomem(b);
            }
        }

        item = weirctl_place_json(b, d->place);

        if (json_object_set_new(item, "severity",
                                json_string(d->severity == WEIR_POLICY_SEVERE
                                            ? "error" : "warning"))
            != 0
            || json_object_set_new(item, "message",
                                   json_stringn((char *) d->message.data,
                                                d->message.len))
               != 0
            || json_object_set_new(item, "related", related) != 0
            || json_array_append_new(array, item) != 0)
        {
            return weirctl_bundle_nomem(b);
        }
    }

    return WEIRCTL_GO_ON;
}


json_t *
weirctl_place_json(weirctl_bundle_t *b, weir_policy_place_t place)
{
    weir_str_t  name;

    name = b->bundle.sources[place.file].name;

    return json_pack("{s:s%, s:I, s:I}", "file", (char *) name.data, name.len,
                     "line", (json_int_t) place.line,
                     "column", (json_int_t) place.column);
}


static int
weirctl_json_out(json_t *json)
{
    if (json_dumpf(json, stdout, JSON_COMPACT) != 0) {
        return weirctl_error("out of memory");
    }

    printf("\n");

    return WEIRCTL_GO_ON;
}
