
/*
 * Weir: the embedded store: the audit trail, one file a day.
 *
 * Order is what counts: a line never goes into a day before the last one that
 * has lines, even where the clock was set back.
 */

#include "weir_file_posix.h"

#include "weir_file_store.h"
#include "weir_time.h"


#define WEIR_FILE_DAY_LEN  10                  /* YYYY-MM-DD */
#define WEIR_FILE_LAST     253402214400LL      /* 9999-12-31 */


typedef struct {
    const char          *name;
    uint64_t             size;      /* to read, UINT64_MAX: all */
    int64_t              when;
    size_t               max;
    weir_store_line_pt   line;
    void                *ctx;
    uint8_t             *buf;       /* max + 1 bytes */
    unsigned             end:1;     /* the caller wants no more */
} weir_file_day_t;


static weir_store_code_e weir_file_days(const weir_file_dir_t *dir,
    weir_arena_t *a, weir_store_list_t *list, weir_store_err_t *err);
static int64_t weir_file_day(const weir_store_entry_t *e);
static weir_store_code_e weir_file_trail_view(weir_file_t *f,
    weir_file_dir_t *dir, weir_arena_t *a, weir_store_list_t *list,
    weir_file_pending_t *p, weir_store_err_t *err);
static weir_store_code_e weir_file_trail_limit(weir_file_t *f,
    const weir_file_dir_t *dir, const weir_store_list_t *list,
    weir_file_pending_t *p, weir_store_err_t *err);
static weir_store_code_e weir_file_day_read(const weir_file_dir_t *dir,
    weir_file_day_t *d, weir_store_err_t *err);
static weir_store_code_e weir_file_day_lines(const weir_file_dir_t *dir,
    weir_file_day_t *d, int fd, weir_store_err_t *err);
static size_t weir_file_day_split(weir_file_day_t *d, size_t len,
    unsigned *n);


/* Days with their start in place of when they were written, in order. */

static weir_store_code_e
weir_file_days(const weir_file_dir_t *dir, weir_arena_t *a,
    weir_store_list_t *list, weir_store_err_t *err)
{
    uint32_t           i, n;
    weir_str_t         none;
    weir_store_code_e  rc;

    memset(&none, 0, sizeof(weir_str_t));
    memset(list, 0, sizeof(weir_store_list_t));

    rc = weir_file_list(dir, ".jsonl", none, a, UINT32_MAX, list, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    n = 0;

    for (i = 0; i < list->n; i++) {
        list->entries[i].written = weir_file_day(&list->entries[i]);

        if (list->entries[i].written >= 0) {
            list->entries[n++] = list->entries[i];
        }
    }

    list->n = n;

    weir_file_list_sort(list);

    return WEIR_STORE_OK;
}


static int64_t
weir_file_day(const weir_store_entry_t *e)
{
    int64_t     when;
    uint8_t     text[WEIR_TIME_LEN];
    weir_str_t  s;

    if (e->name.len != WEIR_FILE_DAY_LEN) {
        return -1;
    }

    memcpy(text, e->name.data, WEIR_FILE_DAY_LEN);
    memcpy(text + WEIR_FILE_DAY_LEN, "T00:00:00Z",
           WEIR_TIME_LEN - WEIR_FILE_DAY_LEN);

    s.data = text;
    s.len = WEIR_TIME_LEN;

    return weir_time_parse(s, &when) == WEIR_OK ? when : -1;
}


weir_store_code_e
weir_file_trail_end(weir_file_t *f, int64_t now, weir_file_pending_t *p,
    weir_store_err_t *err)
{
    int                fd;
    int64_t            day;
    uint8_t            text[WEIR_TIME_LEN];
    weir_arena_t       arena;
    weir_file_dir_t    dir;
    weir_store_list_t  list;
    weir_store_code_e  rc;

    rc = weir_file_dir_at(&dir, &f->dir, "audit", 1, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    weir_arena_init(&arena, f->alloc, 0);

    rc = weir_file_days(&dir, &arena, &list, err);

    if (rc == WEIR_STORE_OK) {
        day = now < 0 ? 0 : now > WEIR_FILE_LAST ? WEIR_FILE_LAST : now;
        day -= day % WEIR_FILE_DAY;

        if (list.n != 0 && list.entries[list.n - 1].written > day) {
            day = list.entries[list.n - 1].written;
        }

        weir_time_format(text, day);
        snprintf(p->day, WEIR_FILE_DAY_NAME, "%.*s.jsonl", WEIR_FILE_DAY_LEN,
                 (char *) text);

        rc = weir_file_fd(&dir, p->day, O_RDONLY, &fd, &p->offset, NULL, err);

        if (rc == WEIR_STORE_OK) {
            (void) close(fd);

        } else if (rc == WEIR_STORE_MISSING) {
            p->offset = 0;
            rc = WEIR_STORE_OK;
        }
    }

    weir_arena_done(&arena);
    weir_file_dir_close(&dir);

    return rc;
}


weir_store_code_e
weir_file_trail_add(weir_file_t *f, const weir_file_pending_t *p,
    weir_str_t line, weir_store_err_t *err)
{
    int                fd;
    char               last;
    ssize_t            n;
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    static const weir_str_t  lf = { 1, (const uint8_t *) "\n" };

    rc = weir_file_dir_at(&dir, &f->dir, "audit", 0, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    rc = weir_file_fd(&dir, p->day, O_RDWR | O_APPEND | O_CREAT, &fd, NULL,
                      NULL, err);

    if (rc != WEIR_STORE_OK) {
        weir_file_dir_close(&dir);
        return rc;
    }

    if (p->offset == 0) {

        if (fchmod(fd, 0644) != 0) {
            rc = weir_file_fail(err, errno, 1, &dir, p->day);

        } else {
            rc = weir_file_sync(&dir, NULL, dir.fd, err);
        }

    } else {

        do {
            n = pread(fd, &last, 1, (off_t) p->offset - 1);
        } while (n == -1 && errno == EINTR);

        if (n == -1) {
            rc = weir_file_fail(err, errno, 0, &dir, p->day);

        } else if (n == 0 || last != '\n') {

            /* somebody's half a line stays his own, for who verifies */

            rc = weir_file_write(&dir, p->day, fd, lf, err);
        }
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_write(&dir, p->day, fd, line, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_write(&dir, p->day, fd, lf, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_sync(&dir, p->day, fd, err);
    }

    if (close(fd) != 0 && rc == WEIR_STORE_OK) {
        rc = weir_file_fail(err, errno, 1, &dir, p->day);
    }

    weir_file_dir_close(&dir);

    return rc;
}


weir_store_code_e
weir_file_trail_cut(weir_file_t *f, const weir_file_pending_t *p,
    weir_store_err_t *err)
{
    int                fd;
    uint64_t           size;
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    rc = weir_file_dir_at(&dir, &f->dir, "audit", 0, err);

    if (rc != WEIR_STORE_OK) {
        return rc == WEIR_STORE_MISSING ? WEIR_STORE_OK : rc;
    }

    rc = weir_file_fd(&dir, p->day, O_WRONLY, &fd, &size, NULL, err);

    if (rc == WEIR_STORE_OK) {

        if (size > p->offset) {

            if (ftruncate(fd, (off_t) p->offset) != 0) {
                rc = weir_file_fail(err, errno, 1, &dir, p->day);

            } else {
                rc = weir_file_sync(&dir, p->day, fd, err);
            }
        }

        (void) close(fd);

        if (rc == WEIR_STORE_OK && p->offset == 0) {
            rc = weir_file_remove(&dir, p->day, err);

            if (rc == WEIR_STORE_OK) {
                rc = weir_file_sync(&dir, NULL, dir.fd, err);
            }
        }

    } else if (rc == WEIR_STORE_MISSING) {
        rc = WEIR_STORE_OK;
    }

    weir_file_dir_close(&dir);

    return rc;
}


weir_store_code_e
weir_file_audit(weir_store_t *s, int64_t from, size_t max,
    weir_store_line_pt line, void *ctx, weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    char                 name[WEIR_FILE_DAY_NAME];
    uint32_t             i;
    weir_arena_t         arena;
    weir_file_dir_t      dir;
    weir_file_day_t      d;
    weir_store_code_e    rc;
    weir_store_list_t    list;
    weir_file_pending_t  p;

    weir_arena_init(&arena, f->alloc, 0);

    rc = weir_file_trail_view(f, &dir, &arena, &list, &p, err);

    if (rc != WEIR_STORE_OK) {
        weir_arena_done(&arena);
        return rc == WEIR_STORE_MISSING ? WEIR_STORE_OK : rc;
    }

    d.name = name;
    d.max = max;
    d.line = line;
    d.ctx = ctx;
    d.end = 0;
    d.buf = weir_arena_alloc(&arena, max + 1);

    if (d.buf == NULL) {
        rc = weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    for (i = 0; rc == WEIR_STORE_OK && !d.end && i < list.n; i++) {

        if (list.entries[i].written <= from - WEIR_FILE_DAY) {
            continue;
        }

        snprintf(name, sizeof(name), "%.*s.jsonl",
                 (int) list.entries[i].name.len, list.entries[i].name.data);

        d.when = list.entries[i].written;
        d.size = strcmp(name, p.day) == 0 ? p.offset : UINT64_MAX;

        rc = weir_file_day_read(&dir, &d, err);
    }

    weir_file_dir_close(&dir);
    weir_arena_done(&arena);

    return rc;
}


/*
 * What is in the trail now: its days, and in p where the last of them ends.
 * MISSING: there is no trail yet.
 */

static weir_store_code_e
weir_file_trail_view(weir_file_t *f, weir_file_dir_t *dir, weir_arena_t *a,
    weir_store_list_t *list, weir_file_pending_t *p, weir_store_err_t *err)
{
    int                lock;
    weir_store_code_e  rc;

    rc = weir_file_dir_at(dir, &f->dir, "audit", 0, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    rc = weir_file_lock(f, 1, &lock, err);

    if (rc != WEIR_STORE_OK) {
        weir_file_dir_close(dir);
        return rc;
    }

    rc = weir_file_days(dir, a, list, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_trail_limit(f, dir, list, p, err);
    }

    weir_file_unlock(lock);

    if (rc != WEIR_STORE_OK) {
        weir_file_dir_close(dir);
    }

    return rc;
}


static weir_store_code_e
weir_file_trail_limit(weir_file_t *f, const weir_file_dir_t *dir,
    const weir_store_list_t *list, weir_file_pending_t *p,
    weir_store_err_t *err)
{
    int                        fd, done;
    uint64_t                   size;
    weir_store_code_e          rc;
    const weir_store_entry_t  *last;

    rc = weir_file_pending_get(f, p, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_pending_done(f, p, &done, err);

        if (rc != WEIR_STORE_OK || !done) {
            return rc;
        }

    } else if (rc != WEIR_STORE_MISSING) {
        return rc;
    }

    p->day[0] = '\0';
    p->offset = 0;

    if (list->n == 0) {
        return WEIR_STORE_OK;
    }

    last = &list->entries[list->n - 1];

    snprintf(p->day, WEIR_FILE_DAY_NAME, "%.*s.jsonl", (int) last->name.len,
             last->name.data);

    rc = weir_file_fd(dir, p->day, O_RDONLY, &fd, &size, NULL, err);

    if (rc == WEIR_STORE_OK) {
        (void) close(fd);
        p->offset = size;
    }

    return rc;
}


static weir_store_code_e
weir_file_day_read(const weir_file_dir_t *dir, weir_file_day_t *d,
    weir_store_err_t *err)
{
    int                fd;
    weir_store_code_e  rc;

    rc = weir_file_fd(dir, d->name, O_RDONLY, &fd, NULL, NULL, err);

    /* trimmed meanwhile: this was wanted */

    if (rc == WEIR_STORE_MISSING) {
        return WEIR_STORE_OK;
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_day_lines(dir, d, fd, err);
        (void) close(fd);
    }

    return rc;
}


static weir_store_code_e
weir_file_day_lines(const weir_file_dir_t *dir, weir_file_day_t *d, int fd,
    weir_store_err_t *err)
{
    size_t    len, size, used;
    ssize_t   n;
    unsigned  lines;

    len = 0;
    lines = 0;

    while (d->size != 0) {
        size = d->max + 1 - len;

        if (size > d->size) {
            size = (size_t) d->size;
        }

        n = read(fd, d->buf + len, size);

        if (n < 0) {

            if (errno == EINTR) {
                continue;
            }

            return weir_file_fail(err, errno, 0, dir, d->name);
        }

        if (n == 0) {
            break;
        }

        len += (size_t) n;

        if (d->size != UINT64_MAX) {
            d->size -= (uint64_t) n;
        }

        used = weir_file_day_split(d, len, &lines);

        if (d->end) {
            return WEIR_STORE_OK;
        }

        if (used == 0 && len == d->max + 1) {
            return weir_store_fail(err, WEIR_STORE_TOO_LARGE, 0,
                                   "%s/%s:%u: longer than %zu bytes",
                                   dir->path, d->name, lines + 1, d->max);
        }

        len -= used;
        memmove(d->buf, d->buf + used, len);
    }

    if (len != 0) {
        return weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                               "%s/%s:%u: the line has no end", dir->path,
                               d->name, lines + 1);
    }

    return WEIR_STORE_OK;
}


/* Hands over the whole lines of the buffer; returns their bytes. */

static size_t
weir_file_day_split(weir_file_day_t *d, size_t len, unsigned *n)
{
    size_t      used;
    uint8_t    *lf;
    weir_str_t  line;

    used = 0;

    while (used < len) {
        lf = memchr(d->buf + used, '\n', len - used);

        if (lf == NULL) {
            break;
        }

        line.data = d->buf + used;
        line.len = (size_t) (lf - line.data);

        used += line.len + 1;
        (*n)++;

        if (d->line(d->ctx, d->when, line) != 0) {
            d->end = 1;
            break;
        }
    }

    return used;
}


weir_store_code_e
weir_file_audit_append(weir_store_t *s, weir_str_t line, int64_t now,
    weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    int                  lock;
    weir_store_code_e    rc;
    weir_file_pending_t  p;

    if (line.len == 0 || memchr(line.data, '\n', line.len)) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "what goes into the trail is not one line");
    }

    memset(&p, 0, sizeof(weir_file_pending_t));

    rc = weir_file_lock(f, 0, &lock, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    snprintf(p.target, sizeof(p.target), "-");

    rc = weir_file_trail_end(f, now, &p, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_pending_put(f, &p, err);

        if (rc == WEIR_STORE_OK) {
            rc = weir_file_trail_add(f, &p, line, err);
        }

        if (rc == WEIR_STORE_OK) {
            rc = weir_file_remove(&f->dir, "pending", err);
        }

        if (rc != WEIR_STORE_OK) {
            (void) weir_file_recover(f, NULL);
        }
    }

    weir_file_unlock(lock);

    return rc;
}


weir_store_code_e
weir_file_audit_trim(weir_store_t *s, int64_t before, uint32_t *n,
    weir_store_err_t *err)
{
    weir_file_t *f = (weir_file_t *) s;

    int                lock;
    char               name[WEIR_FILE_DAY_NAME];
    uint32_t           i;
    weir_arena_t       arena;
    weir_file_dir_t    dir;
    weir_store_code_e  rc;
    weir_store_list_t  list;

    *n = 0;

    rc = weir_file_dir_at(&dir, &f->dir, "audit", 0, err);

    if (rc != WEIR_STORE_OK) {
        return rc == WEIR_STORE_MISSING ? WEIR_STORE_OK : rc;
    }

    weir_arena_init(&arena, f->alloc, 0);

    rc = weir_file_lock(f, 0, &lock, err);

    if (rc != WEIR_STORE_OK) {
        goto done;
    }

    rc = weir_file_days(&dir, &arena, &list, err);

    for (i = 0; rc == WEIR_STORE_OK && i + 1 < list.n; i++) {

        if (list.entries[i].written > before - WEIR_FILE_DAY) {
            break;
        }

        snprintf(name, sizeof(name), "%.*s.jsonl",
                 (int) list.entries[i].name.len, list.entries[i].name.data);

        rc = weir_file_remove(&dir, name, err);

        if (rc == WEIR_STORE_OK) {
            (*n)++;
        }
    }

    weir_file_unlock(lock);

done:

    weir_arena_done(&arena);
    weir_file_dir_close(&dir);

    return rc;
}
