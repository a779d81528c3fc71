
/*
 * Unit tests of lib/file: folders to work in, documents to publish, and what
 * a store must look like afterwards.
 */

#ifndef FILE_MAKE_H_INCLUDED
#define FILE_MAKE_H_INCLUDED


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "weir_file.h"
#include "weir_hash.h"


#define str(s)  weir_cstr(s)

#define NOW    1767607200        /* 2026-01-05T10:00:00Z */
#define DAY    86400
#define MAX    65536
#define TODAY  "2026-01-05.jsonl"


/* In children, which cmocka does not watch. */

#define need(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            _exit(99);                                                        \
        }                                                                     \
    } while (0)


static char              root[64];      /* of this test */
static weir_store_err_t  err;


static inline int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void) st;
    (void) flag;
    (void) f;

    return remove(path);
}


static inline int
folder(void **state)
{
    const char  *tmp;

    (void) state;

    tmp = getenv("TMPDIR");
    snprintf(root, sizeof(root), "%s/weir-file-XXXXXX",
             tmp != NULL && strlen(tmp) < 32 ? tmp : "/tmp");

    return mkdtemp(root) == NULL;
}


static inline int
folder_done(void **state)
{
    (void) state;

    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}


static inline char *
at(const char *name)
{
    static char  path[4][512];
    static int   i;

    i = (i + 1) % 4;
    snprintf(path[i], sizeof(path[i]), "%s/%s", root, name);

    return path[i];
}


static inline void
spoil(const char *name, const char *text)
{
    int  fd;

    fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd != -1);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}


static inline size_t
contents(const char *name, char *buf, size_t size)
{
    int      fd;
    ssize_t  n;

    fd = open(at(name), O_RDONLY);

    if (fd == -1) {
        return (size_t) -1;
    }

    n = read(fd, buf, size - 1);
    close(fd);

    buf[n < 0 ? 0 : n] = '\0';

    return (size_t) n;
}


static inline weir_store_t *
store_open(void)
{
    weir_store_t  *s;

    if (weir_file_open(&s, &weir_alloc_malloc, root, 0, 0, &err)
        != WEIR_STORE_OK)
    {
        return NULL;
    }

    return s;
}


/* Publishes text in place of old (NULL: of nothing). */

static inline weir_store_code_e
put(weir_store_t *s, const char *kind, const char *name, const char *old,
    const char *text, int64_t now)
{
    uint8_t              expect[WEIR_STORE_HASH];
    weir_store_change_t  c;

    memset(&c, 0, sizeof(c));

    if (old != NULL) {

        if (weir_store_hash(expect, str(old), &err) != WEIR_STORE_OK) {
            return err.code;
        }

        c.expect = expect;
    }

    c.kind = str(kind);
    c.name = str(name);
    c.bytes = str(text);
    c.now = now;

    return s->ops->publish(s, &c, &err);
}


/* The head's text into buf; "" where there is none. */

static inline weir_store_code_e
head(weir_store_t *s, char *buf, size_t size)
{
    weir_str_t         bytes;
    weir_arena_t       a;
    weir_store_code_e  rc;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    rc = s->ops->head(s, &a, size - 1, &bytes, &err);
    buf[0] = '\0';

    if (rc == WEIR_STORE_OK) {
        memcpy(buf, bytes.data, bytes.len);
        buf[bytes.len] = '\0';
    }

    weir_arena_done(&a);

    return rc;
}


static inline weir_store_code_e
live(weir_store_t *s, const char *kind, const char *name, char *buf,
    size_t size)
{
    weir_str_t         bytes;
    weir_arena_t       a;
    weir_store_code_e  rc;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    rc = s->ops->live(s, &a, str(kind), str(name), size - 1, &bytes, &err);
    buf[0] = '\0';

    if (rc == WEIR_STORE_OK) {
        memcpy(buf, bytes.data, bytes.len);
        buf[bytes.len] = '\0';
    }

    weir_arena_done(&a);

    return rc;
}


typedef struct {
    unsigned  n;
    unsigned  stop;             /* after so many, 0: never */
    int64_t   when;             /* of the last one */
    char      text[16384];      /* lines, each with its end */
} trail_t;


static inline int
trail_line(void *ctx, int64_t when, weir_str_t line)
{
    size_t    len;
    trail_t  *t;

    t = ctx;
    t->n++;
    t->when = when;

    len = strlen(t->text);

    if (len + line.len + 2 < sizeof(t->text)) {
        memcpy(t->text + len, line.data, line.len);
        memcpy(t->text + len + line.len, "\n", 2);
    }

    return t->stop != 0 && t->n == t->stop;
}


static inline weir_store_code_e
trail(weir_store_t *s, trail_t *t)
{
    memset(t, 0, sizeof(trail_t));

    return s->ops->audit(s, 0, MAX, trail_line, t, &err);
}


/* Open descriptors of this process. */

static inline unsigned
descriptors(void)
{
    DIR       *d;
    unsigned   n;

    d = opendir("/proc/self/fd");

    if (d == NULL) {
        return 0;
    }

    for (n = 0; readdir(d) != NULL; n++) { /* void */ }

    closedir(d);

    return n;
}


#endif /* FILE_MAKE_H_INCLUDED */
