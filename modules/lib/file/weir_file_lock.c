
/*
 * Weir: the embedded store: the publishers' lock, and what becomes of a
 * change whose publisher died.
 *
 * Before the audit line is written, DIR/pending says where it will stand and
 * which document it belongs to.  If that document is in place, the change
 * happened; else the line is taken away again.
 */

#include "weir_file_posix.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

#include "weir_file_store.h"
#include "weir_hash.h"


#define WEIR_FILE_POLL_MS      2
#define WEIR_FILE_PENDING_MAX  512


static weir_store_code_e weir_file_lock_wait(weir_file_t *f, int fd, int how,
    weir_store_err_t *err);
static int weir_file_lock_gone(weir_file_t *f, int fd);
static int weir_file_pending_parse(weir_file_pending_t *p, const char *text);
static weir_store_code_e weir_file_recover_rev(weir_file_t *f, uint64_t rev,
    weir_store_err_t *err);


weir_store_code_e
weir_file_lock(weir_file_t *f, int shared, int *fd, weir_store_err_t *err)
{
    int                flags;
    weir_store_code_e  rc;

    flags = shared ? O_RDONLY : O_RDWR | O_CREAT;

    for ( ;; ) {
        rc = weir_file_fd(&f->dir, "lock", flags, fd, NULL, NULL, err);

        if (rc == WEIR_STORE_MISSING && shared) {
            *fd = -1;
            return WEIR_STORE_OK;
        }

        if (rc != WEIR_STORE_OK) {
            return rc;
        }

        /* readers lock it too; it may be another user's, who did so then */

        if (!shared) {
            (void) fchmod(*fd, 0644);
        }

        rc = weir_file_lock_wait(f, *fd, shared ? LOCK_SH : LOCK_EX, err);

        if (rc != WEIR_STORE_OK) {
            (void) close(*fd);
            return rc;
        }

        if (!weir_file_lock_gone(f, *fd)) {
            break;
        }

        /* somebody removed it while we waited: it excludes nobody now */

        (void) close(*fd);
    }

    if (shared) {
        return WEIR_STORE_OK;
    }

    rc = weir_file_recover(f, err);

    if (rc != WEIR_STORE_OK) {
        weir_file_unlock(*fd);
    }

    return rc;
}


static weir_store_code_e
weir_file_lock_wait(weir_file_t *f, int fd, int how, weir_store_err_t *err)
{
    unsigned         waited;
    struct timespec  pause;

    pause.tv_sec = 0;
    pause.tv_nsec = WEIR_FILE_POLL_MS * 1000000L;

    for (waited = 0; flock(fd, how | LOCK_NB) != 0;
         waited += WEIR_FILE_POLL_MS)
    {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return weir_file_fail(err, errno, 1, &f->dir, "lock");
        }

        if (waited >= f->wait_ms) {
            return weir_store_fail(err, WEIR_STORE_BUSY, 0,
                                   "%s/lock: held by another process for "
                                   "%u ms", f->dir.path, f->wait_ms);
        }

        (void) nanosleep(&pause, NULL);
    }

    return WEIR_STORE_OK;
}


static int
weir_file_lock_gone(weir_file_t *f, int fd)
{
    struct stat  here, there;

    return fstat(fd, &here) != 0
           || fstatat(f->dir.fd, "lock", &there, AT_SYMLINK_NOFOLLOW) != 0
           || here.st_ino != there.st_ino || here.st_dev != there.st_dev;
}


void
weir_file_unlock(int fd)
{
    if (fd != -1) {
        (void) close(fd);
    }
}


weir_store_code_e
weir_file_pending_put(weir_file_t *f, const weir_file_pending_t *p,
    weir_store_err_t *err)
{
    int         n;
    char        text[WEIR_FILE_PENDING_MAX], hex[WEIR_FILE_HEX + 1];
    weir_str_t  bytes;

    weir_file_hex(hex, p->hash);

    n = snprintf(text, sizeof(text),
                 "weir-pending 1\n%s\n%s\n%" PRIu64 "\n%" PRIu64 "\n%s\n",
                 p->target, p->day, p->offset, p->rev, hex);

    bytes.data = (const uint8_t *) text;
    bytes.len = (size_t) n;

    return weir_file_put(&f->dir, "pending", bytes, 0, err);
}


weir_store_code_e
weir_file_pending_get(weir_file_t *f, weir_file_pending_t *p,
    weir_store_err_t *err)
{
    char               text[WEIR_FILE_PENDING_MAX + 1];
    weir_str_t         bytes;
    weir_arena_t       arena;
    weir_store_code_e  rc;

    weir_arena_init(&arena, f->alloc, 0);

    rc = weir_file_get(&f->dir, "pending", &arena, WEIR_FILE_PENDING_MAX,
                       &bytes, err);

    if (rc == WEIR_STORE_OK) {
        memcpy(text, bytes.data, bytes.len);
        text[bytes.len] = '\0';

        if (strlen(text) != bytes.len
            || weir_file_pending_parse(p, text) != WEIR_OK)
        {
            rc = weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                                 "%s/pending: is not what weirctl writes",
                                 f->dir.path);
        }
    }

    weir_arena_done(&arena);

    return rc;
}


/* The day is compared, as it names a file; the target is looked up anyway. */

static int
weir_file_pending_parse(weir_file_pending_t *p, const char *text)
{
    int         end;
    char        hex[WEIR_FILE_HEX + 1];
    unsigned    year, month, day;
    weir_str_t  s;

    end = 0;

    if (sscanf(text, "weir-pending 1\n%167[^\n]\n%23[^\n]\n%" SCNu64 "\n%"
               SCNu64 "\n%64[0-9a-f]\n%n", p->target, p->day, &p->offset,
               &p->rev, hex, &end)
        != 5
        || end == 0 || text[end] != '\0')
    {
        return WEIR_ERROR;
    }

    end = 0;

    if (sscanf(p->day, "%4u-%2u-%2u.jsonl%n", &year, &month, &day, &end) != 3
        || end != 16 || p->day[end] != '\0')
    {
        return WEIR_ERROR;
    }

    s = weir_cstr(hex);

    return weir_unhex(p->hash, WEIR_STORE_HASH, s);
}


weir_store_code_e
weir_file_pending_done(weir_file_t *f, const weir_file_pending_t *p,
    int *done, weir_store_err_t *err)
{
    char               file[WEIR_FILE_NAME];
    uint8_t            have[WEIR_STORE_HASH];
    weir_str_t         kind, name;
    const char        *slash;
    weir_file_dir_t    dir;
    weir_store_code_e  rc;

    memset(&kind, 0, sizeof(weir_str_t));
    memset(&name, 0, sizeof(weir_str_t));

    *done = 0;

    /* a line that belongs to no document is done when nothing is pending */

    if (strcmp(p->target, "-") == 0) {
        return WEIR_STORE_OK;
    }

    if (strcmp(p->target, "head") != 0) {
        slash = strchr(p->target, '/');

        if (slash == NULL) {
            return weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                                   "%s/pending: is not what weirctl writes",
                                   f->dir.path);
        }

        kind.data = (const uint8_t *) p->target;
        kind.len = (size_t) (slash - p->target);
        name = weir_cstr(slash + 1);
    }

    rc = weir_file_place(f, kind, name, 0, &dir, file, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_hash(&dir, file, have, err);
        weir_file_dir_close(&dir);
    }

    if (rc == WEIR_STORE_MISSING) {
        return WEIR_STORE_OK;
    }

    if (rc == WEIR_STORE_OK) {
        *done = memcmp(have, p->hash, WEIR_STORE_HASH) == 0;
    }

    return rc;
}


weir_store_code_e
weir_file_recover(weir_file_t *f, weir_store_err_t *err)
{
    int                  done;
    weir_store_err_t     e;
    weir_store_code_e    rc;
    weir_file_pending_t  p;

    memset(&p, 0, sizeof(weir_file_pending_t));

    rc = weir_file_pending_get(f, &p, &e);

    if (rc == WEIR_STORE_MISSING) {
        return WEIR_STORE_OK;
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_pending_done(f, &p, &done, &e);

        if (rc == WEIR_STORE_OK) {
            rc = done ? weir_file_recover_rev(f, p.rev, &e)
                 : weir_file_trail_cut(f, &p, &e);
        }
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_remove(&f->dir, "pending", &e);
    }

    if (rc != WEIR_STORE_OK && err != NULL) {
        *err = e;
    }

    return rc;
}


static weir_store_code_e
weir_file_recover_rev(weir_file_t *f, uint64_t rev, weir_store_err_t *err)
{
    weir_store_code_e  rc;

    if (rev == 0) {
        return WEIR_STORE_OK;
    }

    rc = weir_file_rev_beside(f, rev, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_commit(&f->dir, "rev", 0, err);
    }

    return rc;
}
