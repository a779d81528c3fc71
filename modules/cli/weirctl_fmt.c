
/*
 * weirctl fmt: policies in the canonical layout.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weirctl_policy.h"


static int weirctl_fmt_source(const weirctl_t *ctl, weirctl_bundle_t *b,
    const weir_policy_source_t *source, int check);
static int weirctl_fmt_path(weirctl_bundle_t *b,
    const weir_policy_source_t *source, char **path);
static int weirctl_fmt_write(const char *path, weir_str_t text);


/* weirctl fmt PATH [--check | --json | --from-json] */

int
weirctl_fmt(weirctl_t *ctl)
{
    int               rc, one, check, from;
    uint32_t          i;
    weirctl_bundle_t  b, scratch;

    const weirctl_option_t  options[] = {
        { "check", WEIRCTL_FLAG, &check, NULL,
          "change nothing; tell what would change" },
        { "from-json", WEIRCTL_FLAG, &from, NULL,
          "PATH is a syntax tree; write the policy that it spells" },
        weirctl_options_end
    };

    check = 0;
    from = 0;

    rc = weirctl_options(ctl, "Rewrites policies in the canonical layout.  "
                         "PATH is a folder of *.policy files or a\nsingle "
                         "one.  What cannot be parsed is left alone.  With "
                         "--json the syntax tree of a\nsingle one is written "
                         "to stdout, and with --from-json the policy of such "
                         "a tree.\nExit: 0, or 1 where there are errors, or "
                         "with --check where a file would change.", options,
                         1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (check + from + ctl->json > 1) {
        return weirctl_error("--check, --json and --from-json exclude each "
                             "other");
    }

    if (from) {
        return weirctl_tree_read(ctl);
    }

    if (ctl->json) {
        return weirctl_tree_write(ctl);
    }

    rc = weirctl_bundle(ctl, &b, ctl->argv[0], WEIRCTL_LAYOUT);

    if (rc != WEIRCTL_GO_ON) {
        weirctl_bundle_done(&b);
        return rc;
    }

    rc = WEIRCTL_YES;

    for (i = 0; i < b.bundle.nsources; i++) {

        /* many files need no more memory than the largest of them */

        scratch = b;
        weir_arena_init(&scratch.arena, &weir_alloc_malloc,
                        WEIRCTL_BUNDLE_MEMORY - b.arena.used + 1);

        one = weirctl_fmt_source(ctl, &scratch, &b.bundle.sources[i], check);

        weirctl_bundle_done(&scratch);

        if (one == WEIRCTL_GO_ON) {
            continue;
        }

        rc = one;

        if (rc != WEIRCTL_NO) {
            break;
        }
    }

    weirctl_bundle_done(&b);

    return rc;
}


static int
weirctl_fmt_source(const weirctl_t *ctl, weirctl_bundle_t *b,
    const weir_policy_source_t *source, int check)
{
    int                        rc, told;
    char                      *path;
    uint32_t                   i;
    weir_str_t                 text;
    const weir_policy_diag_t  *diag;

    rc = weir_policy_format(&b->arena, source, &text);

    if (rc != WEIR_OK) {

        told = 0;

        for (i = 0; i < b->bundle.ndiags; i++) {
            diag = &b->bundle.diags[i];

            if (diag->severity != WEIR_POLICY_SEVERE
                || &b->bundle.sources[diag->place.file] != source)
            {
                continue;
            }

            text = weir_policy_diag_text(&b->arena, &b->bundle, diag);

            if (text.data == NULL) {
                return weirctl_bundle_nomem(b);
            }

            fwrite(text.data, 1, text.len, stderr);
            told = 1;
        }

        return told || rc != WEIR_NOMEM
               ? WEIRCTL_NO : weirctl_bundle_nomem(b);
    }

    if (weir_str_eq(text, source->text)) {
        return WEIRCTL_GO_ON;
    }

    rc = weirctl_fmt_path(b, source, &path);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (!check) {
        rc = weirctl_fmt_write(path, text);
    }

    if (rc == WEIRCTL_GO_ON && (check || !ctl->quiet)) {
        printf("%s\n", path);
    }

    return rc != WEIRCTL_GO_ON ? rc : check ? WEIRCTL_NO : WEIRCTL_GO_ON;
}


static int
weirctl_fmt_path(weirctl_bundle_t *b, const weir_policy_source_t *source,
    char **path)
{
    size_t       size;
    struct stat  st;

    size = strlen(b->root) + source->name.len + 2;
    *path = weir_arena_alloc(&b->arena, size);

    if (*path == NULL) {
        return weirctl_bundle_nomem(b);
    }

    if (stat(b->root, &st) == 0 && S_ISREG(st.st_mode)) {
        (void) snprintf(*path, size, "%s", b->root);

    } else {
        (void) snprintf(*path, size, "%s/%.*s", b->root,
                        (int) source->name.len, source->name.data);
    }

    return WEIRCTL_GO_ON;
}


/* With the rights of the one before. */

static int
weirctl_fmt_write(const char *path, weir_str_t text)
{
    int               rc;
    struct stat       st;
    weirctl_beside_t  b;

    if (stat(path, &st) != 0) {
        return weirctl_error("%s: %s", path, strerror(errno));
    }

    rc = weirctl_beside_open(&b, path, 0600);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    (void) fwrite(text.data, 1, text.len, b.out);

    if (fchmod(fileno(b.out), st.st_mode & 07777) != 0) {
        b.failed = errno;
    }

    return weirctl_beside_close(&b, path, 0);
}
