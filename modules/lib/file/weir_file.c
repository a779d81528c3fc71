
/*
 * Weir: the embedded store: opening it, reading it, gateways' reports.
 */

#include "weir_file_posix.h"

#include "weir_file_store.h"
#include "weir_hash.h"


static weir_store_code_e weir_file_lives(weir_store_t *s, weir_arena_t *a,
    weir_str_t kind, uint32_t max, weir_store_list_t *list,
    weir_store_err_t *err);
static weir_store_code_e weir_file_head(weir_store_t *s, weir_arena_t *a,
    size_t max, weir_str_t *bytes, weir_store_err_t *err);
static weir_store_code_e weir_file_segment(weir_store_t *s, weir_arena_t *a,
    const uint8_t *hash, size_t max, weir_str_t *bytes,
    weir_store_err_t *err);
static weir_store_code_e weir_file_reports(weir_store_t *s, weir_arena_t *a,
    uint32_t max, weir_store_list_t *list, weir_store_err_t *err);
static weir_store_code_e weir_file_report(weir_store_t *s, weir_arena_t *a,
    weir_str_t name, size_t max, weir_str_t *bytes, weir_store_err_t *err);
static weir_store_code_e weir_file_put_report(weir_store_t *s,
    weir_str_t name, weir_str_t bytes, weir_store_err_t *err);
static weir_store_code_e weir_file_drop_reports(weir_store_t *s,
    int64_t before, uint32_t *n, weir_store_err_t *err);
static void weir_file_close(weir_store_t *s);
static weir_store_code_e weir_file_report_name(weir_str_t name, char *file,
    weir_store_err_t *err);


static const weir_store_ops_t  weir_file_ops = {
    "file",
    weir_file_head,
    weir_file_segment,
    weir_file_live,
    weir_file_lives,
    weir_file_rev,
    weir_file_publish,
    weir_file_put_segments,
    weir_file_reports,
    weir_file_report,
    weir_file_put_report,
    weir_file_drop_reports,
    weir_file_audit,
    weir_file_audit_append,
    weir_file_audit_trim,
    weir_file_collect,
    weir_file_close
};


weir_store_code_e
weir_file_open(weir_store_t **store, const weir_alloc_t *alloc,
    const char *dir, int create, unsigned wait_ms, weir_store_err_t *err)
{
    weir_file_t        *f;
    weir_store_code_e   rc;

    f = alloc->alloc(alloc->ctx, sizeof(weir_file_t));

    if (f == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    f->store.ops = &weir_file_ops;
    f->alloc = alloc;
    f->wait_ms = wait_ms != 0 ? wait_ms : WEIR_FILE_WAIT_MS;

    rc = weir_file_dir(&f->dir, dir, create, err);

    if (rc != WEIR_STORE_OK) {
        alloc->free(alloc->ctx, f);

        if (rc != WEIR_STORE_NOMEM) {
            rc = WEIR_STORE_UNREACHABLE;

            if (err != NULL) {
                err->code = rc;
            }
        }

        return rc;
    }

    *store = &f->store;

    return WEIR_STORE_OK;
}


static void
weir_file_close(weir_store_t *s)
{
    weir_file_t *f = (weir_file_t *) s;

    weir_file_dir_close(&f->dir);
    f->alloc->free(f->alloc->ctx, f);
}


weir_store_code_e
weir_file_place(weir_file_t *f, weir_str_t kind, weir_str_t name, int create,
    weir_file_dir_t *dir, char *file, weir_store_err_t *err)
{
    char               folder[WEIR_STORE_KIND_MAX + 1];
    weir_file_dir_t    live;
    weir_store_code_e  rc;

    if (kind.len == 0) {

        if (name.len != 0) {
            return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                                   "a document without a kind");
        }

        snprintf(file, WEIR_FILE_NAME, "head.json");

        *dir = f->dir;
        dir->fd = dup(f->dir.fd);

        if (dir->fd == -1) {
            return weir_file_fail(err, errno, 0, &f->dir, NULL);
        }

        return WEIR_STORE_OK;
    }

    if (!weir_store_kind_valid(kind) || !weir_store_name_valid(name)) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "invalid name of a live document");
    }

    snprintf(folder, sizeof(folder), "%.*s", (int) kind.len, kind.data);
    snprintf(file, WEIR_FILE_NAME, "%.*s.json", (int) name.len, name.data);

    rc = weir_file_dir_at(&live, &f->dir, "live", create, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    rc = weir_file_dir_at(dir, &live, folder, create, err);

    weir_file_dir_close(&live);

    return rc;
}


static weir_store_code_e
weir_file_head(weir_store_t *s, weir_arena_t *a, size_t max,
    weir_str_t *bytes, weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    return weir_file_get(&f->dir, "head.json", a, max, bytes, err);
}


void
weir_file_hex(char *name, const uint8_t *hash)
{
    weir_hex((uint8_t *) name, hash, WEIR_STORE_HASH);
    name[WEIR_FILE_HEX] = '\0';
}


static weir_store_code_e
weir_file_segment(weir_store_t *s, weir_arena_t *a, const uint8_t *hash,
    size_t max, weir_str_t *bytes, weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    char               name[WEIR_FILE_HEX + 1];
    uint8_t            have[WEIR_STORE_HASH];
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    rc = weir_file_dir_at(&dir, &f->dir, "segments", 0, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    weir_file_hex(name, hash);

    rc = weir_file_get(&dir, name, a, max, bytes, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_store_hash(have, *bytes, err);
    }

    if (rc == WEIR_STORE_OK && memcmp(have, hash, WEIR_STORE_HASH) != 0) {
        bytes->len = 0;
        bytes->data = NULL;
        rc = weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                             "%s/%s: has another hash than its name",
                             dir.path, name);
    }

    weir_file_dir_close(&dir);

    return rc;
}


weir_store_code_e
weir_file_live(weir_store_t *s, weir_arena_t *a, weir_str_t kind,
    weir_str_t name, size_t max, weir_str_t *bytes, weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    char               file[WEIR_FILE_NAME];
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    if (kind.len == 0) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "a document without a kind");
    }

    rc = weir_file_place(f, kind, name, 0, &dir, file, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_get(&dir, file, a, max, bytes, err);
        weir_file_dir_close(&dir);
    }

    return rc;
}


typedef struct {
    weir_file_dir_t     live;
    weir_arena_t       *arena;
    weir_str_t          only;
    weir_store_list_t  *list;
    uint32_t            max;
} weir_file_kinds_t;


static weir_store_code_e
weir_file_kind(void *ctx, const char *name, weir_store_err_t *err)
{
    weir_file_kinds_t *k = ctx;

    weir_str_t         kind;
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    kind = weir_arena_copy(k->arena, weir_cstr(name));

    if (kind.data == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    if (!weir_store_kind_valid(kind)) {
        k->list->stranger = kind;
        k->list->strangers++;

        return WEIR_STORE_OK;
    }

    if (k->only.len != 0 && !weir_str_eq(k->only, kind)) {
        return WEIR_STORE_OK;
    }

    rc = weir_file_dir_at(&dir, &k->live, name, 0, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_list(&dir, ".json", kind, k->arena, k->max, k->list,
                            err);
        weir_file_dir_close(&dir);
    }

    return rc;
}


static weir_store_code_e
weir_file_lives(weir_store_t *s, weir_arena_t *a, weir_str_t kind,
    uint32_t max, weir_store_list_t *list, weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    weir_file_kinds_t  k;
    weir_store_code_e  rc;

    memset(list, 0, sizeof(weir_store_list_t));

    if (kind.len != 0 && !weir_store_kind_valid(kind)) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "invalid kind of live documents");
    }

    rc = weir_file_dir_at(&k.live, &f->dir, "live", 0, err);

    if (rc == WEIR_STORE_MISSING) {
        return WEIR_STORE_OK;
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    k.arena = a;
    k.only = kind;
    k.list = list;
    k.max = max;

    rc = weir_file_each(&k.live, 0, weir_file_kind, &k, err);

    weir_file_dir_close(&k.live);

    if (rc == WEIR_STORE_OK) {
        weir_file_list_sort(list);
    }

    return rc;
}


static weir_store_code_e
weir_file_reports(weir_store_t *s, weir_arena_t *a, uint32_t max,
    weir_store_list_t *list, weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    weir_str_t         none;
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    memset(list, 0, sizeof(weir_store_list_t));
    memset(&none, 0, sizeof(weir_str_t));

    rc = weir_file_dir_at(&dir, &f->dir, "gateways", 0, err);

    if (rc == WEIR_STORE_MISSING) {
        return WEIR_STORE_OK;
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    rc = weir_file_list(&dir, ".json", none, a, max, list, err);

    weir_file_dir_close(&dir);

    if (rc == WEIR_STORE_OK) {
        weir_file_list_sort(list);
    }

    return rc;
}


static weir_store_code_e
weir_file_report_name(weir_str_t name, char *file, weir_store_err_t *err)
{
    if (!weir_store_name_valid(name)) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "invalid name of a gateway");
    }

    snprintf(file, WEIR_FILE_NAME, "%.*s.json", (int) name.len, name.data);

    return WEIR_STORE_OK;
}


static weir_store_code_e
weir_file_report(weir_store_t *s, weir_arena_t *a, weir_str_t name,
    size_t max, weir_str_t *bytes, weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    char               file[WEIR_FILE_NAME];
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    rc = weir_file_report_name(name, file, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_dir_at(&dir, &f->dir, "gateways", 0, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_get(&dir, file, a, max, bytes, err);
        weir_file_dir_close(&dir);
    }

    return rc;
}


/* A report is written anew in seconds: no disk needs to be waited for. */

static weir_store_code_e
weir_file_put_report(weir_store_t *s, weir_str_t name, weir_str_t bytes,
    weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    char               file[WEIR_FILE_NAME];
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    rc = weir_file_report_name(name, file, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_dir_at(&dir, &f->dir, "gateways", 1, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_put(&dir, file, bytes, WEIR_FILE_UNSYNCED, err);
        weir_file_dir_close(&dir);
    }

    return rc;
}


typedef struct {
    weir_file_dir_t   dir;
    int64_t           before;
    uint32_t          n;
} weir_file_drop_t;


static weir_store_code_e
weir_file_drop_one(weir_file_drop_t *d, const weir_store_entry_t *e,
    weir_store_err_t *err)
{
    char               file[WEIR_FILE_NAME];
    weir_store_code_e  rc;

    if (e->written >= d->before) {
        return WEIR_STORE_OK;
    }

    rc = weir_file_report_name(e->name, file, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_remove(&d->dir, file, err);
    }

    if (rc == WEIR_STORE_OK) {
        d->n++;
    }

    return rc;
}


static weir_store_code_e
weir_file_drop_reports(weir_store_t *s, int64_t before, uint32_t *n,
    weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    uint32_t           i;
    weir_str_t         none;
    weir_arena_t       arena;
    weir_file_drop_t   d;
    weir_store_list_t  list;
    weir_store_code_e  rc;

    *n = 0;

    memset(&none, 0, sizeof(weir_str_t));
    memset(&list, 0, sizeof(weir_store_list_t));

    rc = weir_file_dir_at(&d.dir, &f->dir, "gateways", 0, err);

    if (rc == WEIR_STORE_MISSING) {
        return WEIR_STORE_OK;
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    weir_arena_init(&arena, f->alloc, 0);

    d.before = before;
    d.n = 0;

    rc = weir_file_list(&d.dir, ".json", none, &arena, UINT32_MAX, &list,
                        err);

    for (i = 0; rc == WEIR_STORE_OK && i < list.n; i++) {
        rc = weir_file_drop_one(&d, &list.entries[i], err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_sweep(&d.dir, before, err);
    }

    *n = d.n;

    weir_arena_done(&arena);
    weir_file_dir_close(&d.dir);

    return rc;
}
