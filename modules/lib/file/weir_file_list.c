
/*
 * Weir: files of one folder: what there is, and what may go.
 */

#include "weir_file_posix.h"

#include <dirent.h>
#include <stdlib.h>

#include "weir_file_io.h"


typedef struct {
    const weir_file_dir_t  *dir;
    const char             *ext;
    weir_arena_t           *arena;
    weir_str_t              kind;
    weir_store_list_t      *list;
    uint32_t                max;
    uint32_t                room;       /* of list->entries */
} weir_file_listing_t;


typedef struct {
    const weir_file_dir_t  *dir;
    int64_t                 before;
} weir_file_sweep_t;


static weir_store_code_e weir_file_list_one(void *ctx, const char *name,
    weir_store_err_t *err);
static weir_store_code_e weir_file_sweep_one(void *ctx, const char *name,
    weir_store_err_t *err);
static int weir_file_entry_cmp(const void *one, const void *two);


weir_store_code_e
weir_file_each(const weir_file_dir_t *dir, int hidden, weir_file_name_pt name,
    void *ctx, weir_store_err_t *err)
{
    int                fd, sys;
    DIR               *d;
    struct dirent     *entry;
    weir_store_code_e  rc;

    /* a descriptor of its own: two listings share no position */

    fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1) {
        return weir_file_fail(err, errno, 0, dir, NULL);
    }

    d = fdopendir(fd);

    if (d == NULL) {
        sys = errno;
        (void) close(fd);
        return weir_file_fail(err, sys, 0, dir, NULL);
    }

    rc = WEIR_STORE_OK;

    while (rc == WEIR_STORE_OK) {
        errno = 0;
        entry = readdir(d);

        if (entry == NULL) {

            if (errno != 0) {
                rc = weir_file_fail(err, errno, 0, dir, NULL);
            }

            break;
        }

        if ((entry->d_name[0] == '.') != hidden
            || strcmp(entry->d_name, ".") == 0
            || strcmp(entry->d_name, "..") == 0)
        {
            continue;
        }

        rc = name(ctx, entry->d_name, err);
    }

    (void) closedir(d);

    return rc;
}


weir_store_code_e
weir_file_list(const weir_file_dir_t *dir, const char *ext, weir_str_t kind,
    weir_arena_t *a, uint32_t max, weir_store_list_t *list,
    weir_store_err_t *err)
{
    weir_file_listing_t  l;

    l.dir = dir;
    l.ext = ext;
    l.arena = a;
    l.kind = kind;
    l.list = list;
    l.max = max;
    l.room = list->n;

    return weir_file_each(dir, 0, weir_file_list_one, &l, err);
}


static weir_store_code_e
weir_file_list_one(void *ctx, const char *name, weir_store_err_t *err)
{
    weir_file_listing_t *l = ctx;

    size_t               len, ext;
    uint32_t             room;
    weir_str_t           s;
    struct stat          st;
    weir_store_entry_t  *e;

    len = strlen(name);
    ext = strlen(l->ext);

    s.data = (const uint8_t *) name;
    s.len = len > ext ? len - ext : 0;

    if (s.len == 0 || strcmp(name + s.len, l->ext) != 0
        || !weir_store_name_valid(s))
    {
        l->list->strangers++;
        l->list->stranger = weir_arena_copy(l->arena, weir_cstr(name));

        return WEIR_STORE_OK;
    }

    if (fstatat(l->dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {

        /* it went away meanwhile */

        return errno == ENOENT ? WEIR_STORE_OK
               : weir_file_fail(err, errno, 0, l->dir, name);
    }

    if (l->list->n == l->max) {
        return weir_store_fail(err, WEIR_STORE_TOO_LARGE, 0,
                               "%s: more than %u entries", l->dir->path,
                               (unsigned) l->max);
    }

    if (l->list->n == l->room) {
        room = l->room < 8 ? 16 : l->room * 2;
        e = weir_arena_calloc(l->arena, room, sizeof(weir_store_entry_t));

        if (e == NULL) {
            return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
        }

        if (l->list->n != 0) {
            memcpy(e, l->list->entries,
                   l->list->n * sizeof(weir_store_entry_t));
        }

        l->list->entries = e;
        l->room = room;
    }

    e = &l->list->entries[l->list->n];

    e->kind = l->kind;
    e->name = weir_arena_copy(l->arena, s);
    e->written = st.st_mtime;

    if (e->name.data == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    l->list->n++;

    return WEIR_STORE_OK;
}


void
weir_file_list_sort(weir_store_list_t *list)
{
    if (list->n > 1) {
        qsort(list->entries, list->n, sizeof(weir_store_entry_t),
              weir_file_entry_cmp);
    }
}


static int
weir_file_entry_cmp(const void *one, const void *two)
{
    const weir_store_entry_t *a = one;
    const weir_store_entry_t *b = two;

    int  rc;

    rc = weir_str_cmp(a->kind, b->kind);

    return rc != 0 ? rc : weir_str_cmp(a->name, b->name);
}


weir_store_code_e
weir_file_sweep(const weir_file_dir_t *dir, int64_t before,
    weir_store_err_t *err)
{
    weir_file_sweep_t  s;

    s.dir = dir;
    s.before = before;

    return weir_file_each(dir, 1, weir_file_sweep_one, &s, err);
}


static weir_store_code_e
weir_file_sweep_one(void *ctx, const char *name, weir_store_err_t *err)
{
    weir_file_sweep_t *s = ctx;

    size_t       len;
    struct stat  st;

    /* .NAME.PID alone; other hidden files are somebody else's */

    for (len = strlen(name); len > 1; len--) {
        if (name[len - 1] < '0' || name[len - 1] > '9') {
            break;
        }
    }

    if (len < 3 || name[len] == '\0' || name[len - 1] != '.') {
        return WEIR_STORE_OK;
    }

    if (fstatat(s->dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? WEIR_STORE_OK
               : weir_file_fail(err, errno, 0, s->dir, name);
    }

    if (!S_ISREG(st.st_mode) || st.st_mtime >= s->before) {
        return WEIR_STORE_OK;
    }

    return weir_file_remove(s->dir, name, err);
}
