
/*
 * Weir: the embedded store: publishing, and collecting what is named no more.
 */

#include "weir_file_posix.h"

#include <inttypes.h>
#include <stdlib.h>

#include "weir_file_store.h"


#define WEIR_FILE_REV_MAX   32                     /* bytes of its file */
#define WEIR_FILE_REV_LAST  999999999999999999ULL  /* 18 digits */


typedef struct {
    const weir_file_dir_t   *dir;
    const uint8_t          (*keep)[WEIR_STORE_HASH];
    uint32_t                 nkeep;
    int64_t                  before;
    uint32_t                 n;
} weir_file_collect_t;


static weir_store_code_e weir_file_change_valid(
    const weir_store_change_t *c, weir_file_pending_t *p,
    weir_store_err_t *err);
static weir_store_code_e weir_file_compare(const weir_file_dir_t *dir,
    const char *file, const uint8_t *expect, const uint8_t *want,
    weir_store_err_t *err);
static weir_store_code_e weir_file_segments(weir_file_t *f,
    const weir_store_segment_t *segments, uint32_t n, weir_store_err_t *err);
static weir_store_code_e weir_file_replace(weir_file_t *f,
    const weir_store_change_t *c, weir_file_pending_t *p,
    const weir_file_dir_t *dir, const char *file, weir_store_err_t *err);
static weir_store_code_e weir_file_rev_next(weir_file_t *f,
    const weir_store_change_t *c, uint64_t *rev, weir_store_err_t *err);
static weir_store_code_e weir_file_collect_in(weir_file_t *f,
    const char *folder, weir_file_name_pt name, weir_file_collect_t *c,
    weir_store_err_t *err);
static weir_store_code_e weir_file_collect_kind(void *ctx, const char *name,
    weir_store_err_t *err);
static weir_store_code_e weir_file_collect_one(void *ctx, const char *name,
    weir_store_err_t *err);


weir_store_code_e
weir_file_publish(weir_store_t *s, const weir_store_change_t *c,
    weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    int                  lock;
    char                 file[WEIR_FILE_NAME];
    weir_file_dir_t      dir;
    weir_store_code_e    rc;
    weir_file_pending_t  p;

    memset(&p, 0, sizeof(weir_file_pending_t));

    lock = -1;
    rc = weir_file_change_valid(c, &p, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_lock(f, 0, &lock, err);
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    dir.fd = -1;

    rc = weir_file_place(f, c->kind, c->name, 1, &dir, file, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_compare(&dir, file, c->expect, p.hash, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_segments(f, c->segments, c->nsegments, err);
    }

    if (rc == WEIR_STORE_OK && c->kind.len != 0) {
        rc = weir_file_rev_next(f, c, &p.rev, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_replace(f, c, &p, &dir, file, err);
    }

    weir_file_dir_close(&dir);
    weir_file_unlock(lock);

    return rc;
}


static weir_store_code_e
weir_file_change_valid(const weir_store_change_t *c, weir_file_pending_t *p,
    weir_store_err_t *err)
{
    weir_store_code_e  rc;

    if (c->kind.len == 0) {
        snprintf(p->target, sizeof(p->target), "head");

    } else if (weir_store_kind_valid(c->kind)
               && weir_store_name_valid(c->name))
    {
        snprintf(p->target, sizeof(p->target), "%.*s/%.*s",
                 (int) c->kind.len, c->kind.data, (int) c->name.len,
                 c->name.data);

    } else {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "invalid name of a live document");
    }

    if (c->bytes.len == 0 || memchr(c->bytes.data, '\n', c->bytes.len)) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "the envelope of %s is not one line",
                               p->target);
    }

    rc = weir_store_segments(c->segments, c->nsegments, err);

    return rc == WEIR_STORE_OK ? weir_store_hash(p->hash, c->bytes, err)
                               : rc;
}


static weir_store_code_e
weir_file_compare(const weir_file_dir_t *dir, const char *file,
    const uint8_t *expect, const uint8_t *want, weir_store_err_t *err)
{
    uint8_t            have[WEIR_STORE_HASH];
    weir_store_code_e  rc;

    rc = weir_file_hash(dir, file, have, err);

    if (rc == WEIR_STORE_MISSING) {

        if (expect == NULL) {
            return WEIR_STORE_OK;
        }

        return weir_store_fail(err, WEIR_STORE_CONFLICT, 0,
                               "%s/%s: is not there any more", dir->path,
                               file);
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (expect == NULL || memcmp(have, expect, WEIR_STORE_HASH) != 0) {
        return weir_store_fail(err, WEIR_STORE_CONFLICT, 0,
                               "%s/%s: somebody else published meanwhile",
                               dir->path, file);
    }

    /* recovery tells old from new by their hashes */

    if (want != NULL && memcmp(have, want, WEIR_STORE_HASH) == 0) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "%s/%s: the same is there already", dir->path,
                               file);
    }

    return WEIR_STORE_OK;
}


weir_store_code_e
weir_file_put_segments(weir_store_t *s, const weir_store_segment_t *segments,
    uint32_t n, weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    int                lock;
    weir_store_code_e  rc;

    rc = weir_store_segments(segments, n, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    rc = weir_file_lock(f, 0, &lock, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_segments(f, segments, n, err);
        weir_file_unlock(lock);
    }

    return rc;
}


/* Content names them: one that is there and whole is the one. */

static weir_store_code_e
weir_file_segments(weir_file_t *f, const weir_store_segment_t *segments,
    uint32_t n, weir_store_err_t *err)
{
    char               name[WEIR_FILE_HEX + 1];
    uint8_t            have[WEIR_STORE_HASH];
    uint32_t           i;
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    if (n == 0) {
        return WEIR_STORE_OK;
    }

    rc = weir_file_dir_at(&dir, &f->dir, "segments", 1, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    for (i = 0; rc == WEIR_STORE_OK && i < n; i++) {
        weir_file_hex(name, segments[i].hash);

        if (weir_file_hash(&dir, name, have, NULL) == WEIR_STORE_OK
            && memcmp(have, segments[i].hash, WEIR_STORE_HASH) == 0)
        {
            continue;
        }

        rc = weir_file_put(&dir, name, segments[i].bytes, 0, err);
    }

    weir_file_dir_close(&dir);

    return rc;
}


/*
 * All that needs room is written before the document takes its place; from
 * then on the change has happened, and what is left may be done by the next
 * publisher.
 */

static weir_store_code_e
weir_file_replace(weir_file_t *f, const weir_store_change_t *c,
    weir_file_pending_t *p, const weir_file_dir_t *dir, const char *file,
    weir_store_err_t *err)
{
    weir_store_code_e  rc;

    rc = weir_file_trail_end(f, c->now, p, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_beside(dir, file, &c->bytes, 1, 0, err);
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (c->kind.len != 0) {
        rc = weir_file_rev_beside(f, p->rev, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_pending_put(f, p, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_trail_add(f, p, c->bytes, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_commit(dir, file, 0, err);
    }

    if (rc == WEIR_STORE_OK && c->kind.len != 0) {
        rc = weir_file_commit(&f->dir, "rev", 0, err);
    }

    if (rc != WEIR_STORE_OK) {
        weir_file_discard(dir, file);

        if (c->kind.len != 0) {
            weir_file_discard(&f->dir, "rev");
        }

        /* what this cannot undo, the next publisher does */

        (void) weir_file_recover(f, NULL);

        return rc;
    }

    (void) unlinkat(f->dir.fd, "pending", 0);

    return WEIR_STORE_OK;
}


/*
 * What somebody made of the hint stops no publisher: it starts again, from a
 * number that it did not have before.
 */

static weir_store_code_e
weir_file_rev_next(weir_file_t *f, const weir_store_change_t *c,
    uint64_t *rev, weir_store_err_t *err)
{
    weir_store_code_e  rc;

    rc = weir_file_rev(&f->store, rev, err);

    if (rc == WEIR_STORE_CORRUPT || rc == WEIR_STORE_TOO_LARGE
        || *rev >= WEIR_FILE_REV_LAST)
    {
        *rev = c->now > 0 ? (uint64_t) c->now : 0;
        rc = WEIR_STORE_OK;
    }

    if (*rev < c->rev && c->rev < WEIR_FILE_REV_LAST) {
        *rev = c->rev;
    }

    (*rev)++;

    return rc;
}


weir_store_code_e
weir_file_rev(weir_store_t *s, uint64_t *rev, weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    size_t             i;
    weir_str_t         bytes;
    weir_arena_t       arena;
    weir_store_code_e  rc;

    *rev = 0;

    weir_arena_init(&arena, f->alloc, 0);

    rc = weir_file_get(&f->dir, "rev", &arena, WEIR_FILE_REV_MAX, &bytes,
                       err);

    if (rc == WEIR_STORE_MISSING) {
        weir_arena_done(&arena);
        return WEIR_STORE_OK;
    }

    if (rc == WEIR_STORE_OK) {

        if (bytes.len != 0 && bytes.data[bytes.len - 1] == '\n') {
            bytes.len--;
        }

        /* 18 digits: no overflow, and more than anybody publishes */

        for (i = 0; i < bytes.len; i++) {
            if (bytes.data[i] < '0' || bytes.data[i] > '9') {
                break;
            }

            *rev = *rev * 10 + (bytes.data[i] - '0');
        }

        if (bytes.len == 0 || bytes.len > 18 || i != bytes.len) {
            *rev = 0;
            rc = weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                                 "%s/rev: is no number", f->dir.path);
        }
    }

    weir_arena_done(&arena);

    return rc;
}


weir_store_code_e
weir_file_rev_beside(weir_file_t *f, uint64_t rev, weir_store_err_t *err)
{
    int         n;
    char        text[WEIR_FILE_REV_MAX];
    weir_str_t  bytes;

    n = snprintf(text, sizeof(text), "%" PRIu64 "\n", rev);

    bytes.data = (const uint8_t *) text;
    bytes.len = (size_t) n;

    return weir_file_beside(&f->dir, "rev", &bytes, 1, 0, err);
}


weir_store_code_e
weir_file_collect(weir_store_t *s, const uint8_t *expect,
    const uint8_t (*keep)[WEIR_STORE_HASH], uint32_t nkeep, int64_t before,
    uint32_t *n, weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    int                  lock;
    weir_store_code_e    rc;
    weir_file_collect_t  c;

    *n = 0;

    rc = weir_file_lock(f, 0, &lock, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    c.keep = keep;
    c.nkeep = nkeep;
    c.before = before;
    c.n = 0;

    rc = weir_file_compare(&f->dir, "head.json", expect, NULL, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_sweep(&f->dir, before, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_collect_in(f, "live", weir_file_collect_kind, &c, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_collect_in(f, "segments", weir_file_collect_one, &c,
                                  err);
    }

    *n = c.n;

    weir_file_unlock(lock);

    return rc;
}


static weir_store_code_e
weir_file_collect_in(weir_file_t *f, const char *folder,
    weir_file_name_pt name, weir_file_collect_t *c, weir_store_err_t *err)
{
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    rc = weir_file_dir_at(&dir, &f->dir, folder, 0, err);

    if (rc != WEIR_STORE_OK) {
        return rc == WEIR_STORE_MISSING ? WEIR_STORE_OK : rc;
    }

    c->dir = &dir;

    rc = weir_file_each(&dir, 0, name, c, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_sweep(&dir, c->before, err);
    }

    weir_file_dir_close(&dir);

    return rc;
}


static weir_store_code_e
weir_file_collect_kind(void *ctx, const char *name, weir_store_err_t *err)
{
    weir_file_collect_t *c = ctx;

    weir_str_t         kind;
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    kind = weir_cstr(name);

    if (!weir_store_kind_valid(kind)) {
        return WEIR_STORE_OK;
    }

    rc = weir_file_dir_at(&dir, c->dir, name, 0, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_sweep(&dir, c->before, err);
        weir_file_dir_close(&dir);
    }

    return rc;
}


/* What is no segment's name is not ours to remove. */

static weir_store_code_e
weir_file_collect_one(void *ctx, const char *name, weir_store_err_t *err)
{
    weir_file_collect_t *c = ctx;

    char               hex[WEIR_FILE_HEX + 1];
    uint32_t           i;
    struct stat        st;
    weir_store_code_e  rc;

    if (strlen(name) != WEIR_FILE_HEX
        || strspn(name, "0123456789abcdef") != WEIR_FILE_HEX)
    {
        return WEIR_STORE_OK;
    }

    for (i = 0; i < c->nkeep; i++) {
        weir_file_hex(hex, c->keep[i]);

        if (strcmp(hex, name) == 0) {
            return WEIR_STORE_OK;
        }
    }

    if (fstatat(c->dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? WEIR_STORE_OK
               : weir_file_fail(err, errno, 0, c->dir, name);
    }

    if (!S_ISREG(st.st_mode) || st.st_mtime >= c->before) {
        return WEIR_STORE_OK;
    }

    rc = weir_file_remove(c->dir, name, err);

    if (rc == WEIR_STORE_OK) {
        c->n++;
    }

    return rc;
}
