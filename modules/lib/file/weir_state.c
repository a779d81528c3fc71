
/*
 * Weir: a gateway's own folder: fence, bundles, live documents.
 *
 * A bundle is one file, so that it is there whole or not at all:
 *
 *   weir-bundle 1 N     N: how many segments
 *   SIZE HEX            of the head, then of each segment: bytes, SHA-256
 *   ...
 *   bytes of the head, of each segment, and nothing behind them
 */

#include "weir_file_posix.h"

#include <inttypes.h>

#include "weir_file_store.h"
#include "weir_hash.h"
#include "weir_state.h"


#define WEIR_STATE_OLD       60      /* seconds: who wrote it is dead */
#define WEIR_STATE_LINE      (20 + 1 + WEIR_FILE_HEX + 1)
#define WEIR_STATE_FIRST     32      /* bytes of the first line, at most */
#define WEIR_STATE_SEQ       16      /* hex digits of a sequence number */
#define WEIR_STATE_NAME      (WEIR_STATE_SEQ + 1 + WEIR_FILE_HEX)

#define weir_state_flags     WEIR_FILE_PRIVATE


struct weir_state_s {
    weir_file_t  file;               /* live documents lie as in a store */
};


typedef struct {
    const char  *pos;
    const char  *end;
} weir_state_text_t;


static weir_store_code_e weir_state_sweep(weir_state_t *state, int64_t before,
    weir_store_err_t *err);
static weir_store_code_e weir_state_sweep_kind(void *ctx, const char *name,
    weir_store_err_t *err);
static weir_store_code_e weir_state_list(const weir_file_dir_t *dir,
    weir_arena_t *a, weir_store_list_t *list, weir_store_err_t *err);
static int weir_state_entry(weir_state_entry_t *e, weir_str_t name);
static void weir_state_name(char *name, const weir_state_entry_t *e);
static weir_store_code_e weir_state_write(const weir_file_dir_t *dir,
    const char *name, weir_arena_t *a, const weir_state_bundle_t *b,
    const uint8_t *hash, weir_store_err_t *err);
static weir_store_code_e weir_state_prune(const weir_file_dir_t *dir,
    const weir_store_list_t *list, const weir_state_entry_t *newest,
    weir_store_err_t *err);
static weir_store_code_e weir_state_parse(weir_arena_t *a, weir_str_t text,
    weir_state_bundle_t *b, const char *path, const char *name,
    weir_store_err_t *err);
static int weir_state_number(weir_state_text_t *t, char end, uint64_t *n);


weir_store_code_e
weir_state_open(weir_state_t **state, const weir_alloc_t *alloc,
    const char *dir, int64_t now, weir_store_err_t *err)
{
    weir_state_t       *s;
    weir_store_code_e   rc;

    s = alloc->alloc(alloc->ctx, sizeof(weir_state_t));

    if (s == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    memset(s, 0, sizeof(weir_state_t));

    s->file.alloc = alloc;

    rc = weir_file_dir(&s->file.dir, dir, 1, err);

    if (rc != WEIR_STORE_OK) {
        weir_state_close(s);
        return rc;
    }

    /* what cannot be swept costs room, no more */

    (void) weir_state_sweep(s, now - WEIR_STATE_OLD, NULL);

    *state = s;

    return WEIR_STORE_OK;
}


void
weir_state_close(weir_state_t *state)
{
    const weir_alloc_t  *alloc;

    alloc = state->file.alloc;

    weir_file_dir_close(&state->file.dir);
    alloc->free(alloc->ctx, state);
}


typedef struct {
    weir_file_dir_t  *live;
    int64_t           before;
} weir_state_sweep_t;


static weir_store_code_e
weir_state_sweep(weir_state_t *state, int64_t before, weir_store_err_t *err)
{
    weir_file_dir_t     dir;
    weir_state_sweep_t  s;
    weir_store_code_e   rc;

    rc = weir_file_sweep(&state->file.dir, before, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    rc = weir_file_dir_at(&dir, &state->file.dir, "bundles", 0, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_sweep(&dir, before, err);
        weir_file_dir_close(&dir);
    }

    if (rc != WEIR_STORE_OK && rc != WEIR_STORE_MISSING) {
        return rc;
    }

    rc = weir_file_dir_at(&dir, &state->file.dir, "live", 0, err);

    if (rc == WEIR_STORE_OK) {
        s.live = &dir;
        s.before = before;

        rc = weir_file_each(&dir, 0, weir_state_sweep_kind, &s, err);
        weir_file_dir_close(&dir);
    }

    return rc == WEIR_STORE_MISSING ? WEIR_STORE_OK : rc;
}


static weir_store_code_e
weir_state_sweep_kind(void *ctx, const char *name, weir_store_err_t *err)
{
    weir_state_sweep_t *s = ctx;

    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    rc = weir_file_dir_at(&dir, s->live, name, 0, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_sweep(&dir, s->before, err);
        weir_file_dir_close(&dir);
    }

    return rc;
}


weir_store_code_e
weir_state_fence(weir_state_t *state, weir_arena_t *a, size_t max,
    weir_str_t *bytes, weir_store_err_t *err)
{
    return weir_file_get(&state->file.dir, "fence", a, max, bytes, err);
}


weir_store_code_e
weir_state_put_fence(weir_state_t *state, weir_str_t bytes,
    weir_store_err_t *err)
{
    return weir_file_put(&state->file.dir, "fence", bytes, weir_state_flags,
                         err);
}


/* Bundles by name, which is by sequence; other files are not ours. */

static weir_store_code_e
weir_state_list(const weir_file_dir_t *dir, weir_arena_t *a,
    weir_store_list_t *list, weir_store_err_t *err)
{
    uint32_t            i, n;
    weir_str_t          none;
    weir_store_code_e   rc;
    weir_state_entry_t  e;

    memset(&none, 0, sizeof(weir_str_t));
    memset(list, 0, sizeof(weir_store_list_t));

    rc = weir_file_list(dir, ".bundle", none, a, UINT32_MAX, list, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    n = 0;

    for (i = 0; i < list->n; i++) {
        if (weir_state_entry(&e, list->entries[i].name) == WEIR_OK) {
            list->entries[n++] = list->entries[i];
        }
    }

    list->n = n;

    weir_file_list_sort(list);

    return WEIR_STORE_OK;
}


static int
weir_state_entry(weir_state_entry_t *e, weir_str_t name)
{
    uint8_t     seq[WEIR_STATE_SEQ / 2];
    size_t      i;
    weir_str_t  hex;

    if (name.len != WEIR_STATE_NAME || name.data[WEIR_STATE_SEQ] != '-') {
        return WEIR_ERROR;
    }

    hex.data = name.data;
    hex.len = WEIR_STATE_SEQ;

    if (weir_unhex(seq, sizeof(seq), hex) != WEIR_OK) {
        return WEIR_ERROR;
    }

    e->seq = 0;

    for (i = 0; i < sizeof(seq); i++) {
        e->seq = e->seq << 8 | seq[i];
    }

    hex.data = name.data + WEIR_STATE_SEQ + 1;
    hex.len = WEIR_FILE_HEX;

    return weir_unhex(e->hash, WEIR_STORE_HASH, hex);
}


static void
weir_state_name(char *name, const weir_state_entry_t *e)
{
    char  hex[WEIR_FILE_HEX + 1];

    weir_file_hex(hex, e->hash);
    snprintf(name, WEIR_FILE_NAME, "%016" PRIx64 "-%s.bundle", e->seq, hex);
}


weir_store_code_e
weir_state_save(weir_state_t *state, const weir_state_bundle_t *b,
    weir_store_err_t *err)
{
    char                name[WEIR_FILE_NAME];
    weir_arena_t        arena;
    weir_file_dir_t     dir;
    weir_store_list_t   list;
    weir_store_code_e   rc;
    weir_state_entry_t  e, last;

    if (b->nsegments > WEIR_STATE_SEGMENTS) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "a bundle of %u segments",
                               (unsigned) b->nsegments);
    }

    rc = weir_store_hash(e.hash, b->head, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_dir_at(&dir, &state->file.dir, "bundles", 1, err);
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    weir_arena_init(&arena, state->file.alloc, 0);

    rc = weir_state_list(&dir, &arena, &list, err);

    if (rc == WEIR_STORE_OK) {
        e.seq = 1;

        if (list.n != 0) {
            (void) weir_state_entry(&last, list.entries[list.n - 1].name);
            e.seq = last.seq + 1;
        }

        if (e.seq == 0) {
            rc = weir_store_fail(err, WEIR_STORE_INVALID, 0,
                                 "%s: there is no number behind the last one",
                                 dir.path);
        }
    }

    if (rc == WEIR_STORE_OK) {
        weir_state_name(name, &e);
        rc = weir_state_write(&dir, name, &arena, b, e.hash, err);
    }

    /* it is saved, whatever becomes of the older ones */

    if (rc == WEIR_STORE_OK) {
        (void) weir_state_prune(&dir, &list, &e, NULL);
    }

    weir_arena_done(&arena);
    weir_file_dir_close(&dir);

    return rc;
}


static weir_store_code_e
weir_state_write(const weir_file_dir_t *dir, const char *name,
    weir_arena_t *a, const weir_state_bundle_t *b, const uint8_t *hash,
    weir_store_err_t *err)
{
    char               *head, hex[WEIR_FILE_HEX + 1];
    size_t              len, size;
    uint32_t            i;
    weir_str_t         *parts;
    weir_store_code_e   rc;

    size = WEIR_STATE_FIRST + (b->nsegments + 1) * (size_t) WEIR_STATE_LINE;

    head = weir_arena_alloc(a, size + 1);
    parts = weir_arena_calloc(a, b->nsegments + 2, sizeof(weir_str_t));

    if (head == NULL || parts == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    weir_file_hex(hex, hash);

    len = (size_t) snprintf(head, size + 1, "weir-bundle 1 %u\n%zu %s\n",
                            (unsigned) b->nsegments, b->head.len, hex);

    for (i = 0; i < b->nsegments; i++) {
        weir_file_hex(hex, b->segments[i].hash);
        len += (size_t) snprintf(head + len, size + 1 - len, "%zu %s\n",
                                 b->segments[i].bytes.len, hex);
        parts[i + 2] = b->segments[i].bytes;
    }

    parts[0].data = (const uint8_t *) head;
    parts[0].len = len;
    parts[1] = b->head;

    rc = weir_file_beside(dir, name, parts, b->nsegments + 2,
                          weir_state_flags, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_commit(dir, name, weir_state_flags, err);
    }

    return rc;
}


/* list is of before; the newest one is not in it. */

static weir_store_code_e
weir_state_prune(const weir_file_dir_t *dir, const weir_store_list_t *list,
    const weir_state_entry_t *newest, weir_store_err_t *err)
{
    char                name[WEIR_FILE_NAME];
    uint32_t            i, kept;
    weir_store_code_e   rc;
    weir_state_entry_t  e;

    kept = 1;

    for (i = list->n; i > 0; i--) {
        (void) weir_state_entry(&e, list->entries[i - 1].name);

        if (kept < WEIR_STATE_BUNDLES
            && memcmp(e.hash, newest->hash, WEIR_STORE_HASH) != 0)
        {
            kept++;
            continue;
        }

        weir_state_name(name, &e);

        rc = weir_file_remove(dir, name, err);

        if (rc != WEIR_STORE_OK) {
            return rc;
        }
    }

    return WEIR_STORE_OK;
}


weir_store_code_e
weir_state_bundles(weir_state_t *state, weir_state_entry_t *entries,
    uint32_t *n, weir_store_err_t *err)
{
    uint32_t           i;
    weir_arena_t       arena;
    weir_file_dir_t    dir;
    weir_store_list_t  list;
    weir_store_code_e  rc;

    *n = 0;

    rc = weir_file_dir_at(&dir, &state->file.dir, "bundles", 0, err);

    if (rc != WEIR_STORE_OK) {
        return rc == WEIR_STORE_MISSING ? WEIR_STORE_OK : rc;
    }

    weir_arena_init(&arena, state->file.alloc, 0);

    rc = weir_state_list(&dir, &arena, &list, err);

    if (rc == WEIR_STORE_OK) {
        for (i = list.n; i > 0 && *n < WEIR_STATE_BUNDLES; i--) {
            (void) weir_state_entry(&entries[(*n)++],
                                    list.entries[i - 1].name);
        }
    }

    weir_arena_done(&arena);
    weir_file_dir_close(&dir);

    return rc;
}


weir_store_code_e
weir_state_load(weir_state_t *state, weir_arena_t *a,
    const weir_state_entry_t *entry, size_t max, weir_state_bundle_t *b,
    weir_store_err_t *err)
{
    char               name[WEIR_FILE_NAME];
    weir_str_t         text;
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    memset(b, 0, sizeof(weir_state_bundle_t));

    rc = weir_file_dir_at(&dir, &state->file.dir, "bundles", 0, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    weir_state_name(name, entry);

    rc = weir_file_get(&dir, name, a,
                       max < SIZE_MAX / 2 ? max + WEIR_STATE_FIRST
                       + (size_t) WEIR_STATE_LINE * WEIR_STATE_SEGMENTS : max,
                       &text, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_state_parse(a, text, b, dir.path, name, err);
    }

    weir_file_dir_close(&dir);

    if (rc != WEIR_STORE_OK) {
        memset(b, 0, sizeof(weir_state_bundle_t));
    }

    return rc;
}


static weir_store_code_e
weir_state_parse(weir_arena_t *a, weir_str_t text, weir_state_bundle_t *b,
    const char *path, const char *name, weir_store_err_t *err)
{
    uint8_t                hash[WEIR_STORE_HASH];
    uint64_t               i, n, size, sum;
    weir_str_t             hex;
    weir_state_text_t      t;
    weir_store_code_e      rc;
    weir_store_segment_t  *parts;

    static const char  first[] = "weir-bundle 1 ";

    t.pos = (const char *) text.data;
    t.end = t.pos + text.len;

    if (text.len < sizeof(first) - 1
        || memcmp(t.pos, first, sizeof(first) - 1) != 0)
    {
        goto corrupt;
    }

    t.pos += sizeof(first) - 1;

    if (weir_state_number(&t, '\n', &n) != WEIR_OK
        || n > WEIR_STATE_SEGMENTS)
    {
        goto corrupt;
    }

    parts = weir_arena_calloc(a, (size_t) n + 1,
                              sizeof(weir_store_segment_t));

    if (parts == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    sum = 0;

    for (i = 0; i <= n; i++) {

        if (weir_state_number(&t, ' ', &size) != WEIR_OK
            || t.end - t.pos < WEIR_FILE_HEX + 1
            || t.pos[WEIR_FILE_HEX] != '\n')
        {
            goto corrupt;
        }

        hex.data = (const uint8_t *) t.pos;
        hex.len = WEIR_FILE_HEX;

        if (weir_unhex(parts[i].hash, WEIR_STORE_HASH, hex) != WEIR_OK
            || size > text.len - sum)
        {
            goto corrupt;
        }

        parts[i].bytes.len = (size_t) size;
        sum += size;
        t.pos += WEIR_FILE_HEX + 1;
    }

    if (sum != (uint64_t) (t.end - t.pos)) {
        goto corrupt;
    }

    for (i = 0; i <= n; i++) {
        parts[i].bytes.data = (const uint8_t *) t.pos;
        t.pos += parts[i].bytes.len;

        rc = weir_store_hash(hash, parts[i].bytes, err);

        if (rc != WEIR_STORE_OK) {
            return rc;
        }

        if (memcmp(hash, parts[i].hash, WEIR_STORE_HASH) != 0) {
            return weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                                   "%s/%s: part %u of %u has another hash",
                                   path, name, (unsigned) i,
                                   (unsigned) n + 1);
        }
    }

    b->head = parts[0].bytes;
    b->segments = parts + 1;
    b->nsegments = (uint32_t) n;

    return WEIR_STORE_OK;

corrupt:

    return weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                           "%s/%s: is no saved bundle, or not a whole one",
                           path, name);
}


static int
weir_state_number(weir_state_text_t *t, char end, uint64_t *n)
{
    unsigned  digits;

    *n = 0;

    for (digits = 0; t->pos < t->end && digits < 18; digits++) {

        if (*t->pos < '0' || *t->pos > '9') {
            break;
        }

        *n = *n * 10 + (uint64_t) (*t->pos++ - '0');
    }

    if (digits == 0 || t->pos == t->end || *t->pos != end) {
        return WEIR_ERROR;
    }

    t->pos++;

    return WEIR_OK;
}


weir_store_code_e
weir_state_live(weir_state_t *state, weir_arena_t *a, weir_str_t kind,
    weir_str_t name, size_t max, weir_str_t *bytes, weir_store_err_t *err)
{
    return weir_file_live(&state->file.store, a, kind, name, max, bytes, err);
}


weir_store_code_e
weir_state_put_live(weir_state_t *state, weir_str_t kind, weir_str_t name,
    weir_str_t bytes, weir_store_err_t *err)
{
    char               file[WEIR_FILE_NAME];
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    if (kind.len == 0) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "a document without a kind");
    }

    rc = weir_file_place(&state->file, kind, name, 1, &dir, file, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_put(&dir, file, bytes, weir_state_flags, err);
        weir_file_dir_close(&dir);
    }

    return rc;
}
