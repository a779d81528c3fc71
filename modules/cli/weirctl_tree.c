
/*
 * weirctl fmt --json, --from-json: the syntax tree of a policy, out and in.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "weir_json.h"
#include "weir_policy_json.h"
#include "weirctl_policy.h"


#define WEIRCTL_TREE_MAX    (32 * 1024 * 1024)    /* bytes of JSON */
#define WEIRCTL_TREE_SMALL  (1024 * 1024)


/* As deep as jansson goes; a value may take some hundred bytes. */

static const weir_json_limits_t  weirctl_tree_limits = {
    2048, 4000000, 4000000
};


static int weirctl_tree_faults(weirctl_bundle_t *b);
static int weirctl_tree_text(const char *path, const json_t *tree);


int
weirctl_tree_write(const weirctl_t *ctl)
{
    int               rc;
    json_t           *tree;
    struct stat       st;
    weirctl_bundle_t  b;

    if (stat(ctl->argv[0], &st) == 0 && !S_ISREG(st.st_mode)) {
        return weirctl_error("%s: --json is for a single file", ctl->argv[0]);
    }

    rc = weirctl_bundle(ctl, &b, ctl->argv[0], WEIRCTL_LAYOUT);

    if (rc != WEIRCTL_GO_ON) {
        weirctl_bundle_done(&b);
        return rc;
    }

    switch (weir_policy_to_json(&b.arena, b.bundle.sources, &tree)) {

    case WEIR_OK:
        rc = json_dumpf(tree, stdout, JSON_INDENT(1)) == 0
             && putchar('\n') != EOF
             ? WEIRCTL_YES : weirctl_error("cannot write: %s",
                                           strerror(errno));
        json_decref(tree);
        break;

    case WEIR_DECLINED:
        rc = weirctl_tree_faults(&b);
        break;

    case WEIR_ERROR:
        (void) weirctl_error("%s: a syntax tree is for at most %d bytes",
                             ctl->argv[0], WEIR_POLICY_MAX_TREE);
        rc = WEIRCTL_NO;
        break;

    default:
        rc = weirctl_error("out of memory");
        break;
    }

    weirctl_bundle_done(&b);

    return rc;
}


/* Why a source cannot be parsed. */

static int
weirctl_tree_faults(weirctl_bundle_t *b)
{
    uint32_t    i;
    weir_str_t  text;

    for (i = 0; i < b->bundle.ndiags; i++) {

        if (b->bundle.diags[i].severity != WEIR_POLICY_SEVERE) {
            continue;
        }

        text = weir_policy_diag_text(&b->arena, &b->bundle,
                                     &b->bundle.diags[i]);
        if (text.data == NULL) {
            return weirctl_error("out of memory");
        }

        fwrite(text.data, 1, text.len, stderr);
    }

    return WEIRCTL_NO;
}


int
weirctl_tree_read(const weirctl_t *ctl)
{
    int           rc;
    json_t       *tree;
    size_t        weight;
    weir_str_t    text;
    json_error_t  error;

    rc = weirctl_read(ctl->argv[0], WEIRCTL_TREE_MAX, &text);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    /* of a small one jansson tells the place */

    if (text.len > WEIRCTL_TREE_SMALL
        && weir_json_scan((uint8_t *) text.data, text.len, &weirctl_tree_limits,
                          &weight)
           != WEIR_OK)
    {
        free((void *) text.data);
        (void) weirctl_error("%s: this is no JSON, nests too deep, or has "
                             "more than 4000000 values", ctl->argv[0]);
        return WEIRCTL_NO;
    }

    tree = json_loadb((const char *) text.data, text.len,
                      JSON_REJECT_DUPLICATES, &error);

    free((void *) text.data);

    if (tree == NULL) {
        weirctl_print(stderr, "weirctl: %s:%d:%d: %s", ctl->argv[0],
                      error.line, error.column, error.text);
        fprintf(stderr, "\n");
        return WEIRCTL_NO;
    }

    rc = weirctl_tree_text(ctl->argv[0], tree);

    json_decref(tree);

    return rc;
}


static int
weirctl_tree_text(const char *path, const json_t *tree)
{
    int                    rc;
    weir_err_t             err;
    weir_str_t             text;
    weirctl_bundle_t       b;
    weir_policy_source_t   source;

    memset(&b, 0, sizeof(weirctl_bundle_t));

    weir_arena_init(&b.arena, &weir_alloc_malloc, 0);

    rc = WEIRCTL_NO;

    switch (weir_policy_from_json(&b.arena, tree, &text, &err)) {

    case WEIR_OK:
        rc = fwrite(text.data, 1, text.len, stdout) == text.len
             ? WEIRCTL_YES : weirctl_error("cannot write: %s",
                                           strerror(errno));
        break;

    case WEIR_DECLINED:
        weirctl_print(stderr, "weirctl: %s: %s", path, err.text);
        fprintf(stderr, "\n");
        break;

    case WEIR_ERROR:

        /* the places are those of the text */

        source.name = weir_cstr(path);
        source.text = text;

        if (weir_policy_compile(&b.arena, &source, 1, NULL, &b.bundle)
            == WEIR_OK)
        {
            rc = weirctl_tree_faults(&b);
            break;
        }

        /* fall through */

    default:
        rc = weirctl_error("out of memory");
        break;
    }

    weir_arena_done(&b.arena);

    return rc;
}
