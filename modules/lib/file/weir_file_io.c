
/*
 * Weir: files of one folder: opened, read, replaced, removed.
 */

#include "weir_file_posix.h"

#include <openssl/evp.h>

#include "weir_file_io.h"


#define WEIR_FILE_BLOCK  16384


static weir_store_code_e weir_file_dir_open(weir_file_dir_t *dir, int at,
    const char *name, int flags, int create, weir_store_err_t *err);
static weir_store_code_e weir_file_temp(char *temp, const char *name,
    weir_store_err_t *err);


weir_store_code_e
weir_file_fail(weir_store_err_t *err, int sys, int writing,
    const weir_file_dir_t *dir, const char *name)
{
    weir_store_code_e  code;

    switch (sys) {

    case ENOENT:
        code = WEIR_STORE_MISSING;
        break;

    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case ENXIO:
    case ENOTEMPTY:
        code = WEIR_STORE_WRONG_TYPE;
        break;

    case EACCES:
    case EPERM:
    case EROFS:
        code = writing ? WEIR_STORE_DENIED : WEIR_STORE_UNREADABLE;
        break;

    case EIO:
        code = writing ? WEIR_STORE_OTHER : WEIR_STORE_UNREADABLE;
        break;

    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        code = WEIR_STORE_FULL;
        break;

    case ENOMEM:
        code = WEIR_STORE_NOMEM;
        break;

    default:
        code = WEIR_STORE_OTHER;
        break;
    }

    return weir_store_fail(err, code, sys, "%s%s%s: %s", dir->path,
                           name != NULL ? "/" : "", name != NULL ? name : "",
                           sys == ELOOP ? "Is a symbolic link"
                           : strerror(sys));
}


weir_store_code_e
weir_file_dir(weir_file_dir_t *dir, const char *path, int create,
    weir_store_err_t *err)
{
    snprintf(dir->path, sizeof(dir->path), "%s", path);

    return weir_file_dir_open(dir, AT_FDCWD, path, 0, create, err);
}


weir_store_code_e
weir_file_dir_at(weir_file_dir_t *dir, const weir_file_dir_t *parent,
    const char *name, int create, weir_store_err_t *err)
{
    int                n;
    weir_store_code_e  rc;

    n = snprintf(dir->path, sizeof(dir->path), "%s/%s", parent->path, name);

    if (n < 0) {
        dir->path[0] = '\0';
    }

    rc = weir_file_dir_open(dir, parent->fd, name, O_NOFOLLOW, 0, err);

    if (rc != WEIR_STORE_MISSING || !create) {
        return rc;
    }

    rc = weir_file_dir_open(dir, parent->fd, name, O_NOFOLLOW, 1, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_sync(parent, NULL, parent->fd, err);

        if (rc != WEIR_STORE_OK) {
            weir_file_dir_close(dir);
        }
    }

    return rc;
}


/* mkdir(2) keeps to the umask, and readers are another user. */

static weir_store_code_e
weir_file_dir_open(weir_file_dir_t *dir, int at, const char *name, int flags,
    int create, weir_store_err_t *err)
{
    int  made, sys;

    made = 0;
    dir->fd = -1;

    if (create) {

        if (mkdirat(at, name, 0755) == 0) {
            made = 1;

        } else if (errno != EEXIST) {
            return weir_file_fail(err, errno, 1, dir, NULL);
        }
    }

    dir->fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);

    if (dir->fd == -1) {
        return weir_file_fail(err, errno, 0, dir, NULL);
    }

    if (made && fchmod(dir->fd, 0755) != 0) {
        sys = errno;
        weir_file_dir_close(dir);
        return weir_file_fail(err, sys, 1, dir, NULL);
    }

    return WEIR_STORE_OK;
}


void
weir_file_dir_close(weir_file_dir_t *dir)
{
    if (dir->fd != -1) {
        (void) close(dir->fd);
        dir->fd = -1;
    }
}


weir_store_code_e
weir_file_fd(const weir_file_dir_t *dir, const char *name, int flags, int *fd,
    uint64_t *size, int64_t *written, weir_store_err_t *err)
{
    int          sys, writing;
    struct stat  st;

    writing = (flags & O_ACCMODE) != O_RDONLY;

    do {
        *fd = openat(dir->fd, name,
                     flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                     0644);
    } while (*fd == -1 && errno == EINTR);

    if (*fd == -1) {
        return weir_file_fail(err, errno, writing, dir, name);
    }

    if (fstat(*fd, &st) != 0) {
        sys = errno;
        (void) close(*fd);
        return weir_file_fail(err, sys, writing, dir, name);
    }

    if (!S_ISREG(st.st_mode)) {
        (void) close(*fd);
        return weir_store_fail(err, WEIR_STORE_WRONG_TYPE,
                               S_ISDIR(st.st_mode) ? EISDIR : 0,
                               "%s/%s: Is no regular file", dir->path, name);
    }

    /* what also has a name elsewhere is not ours to write to */

    if (writing && st.st_nlink != 1) {
        (void) close(*fd);
        return weir_store_fail(err, WEIR_STORE_WRONG_TYPE, 0,
                               "%s/%s: Has another link", dir->path, name);
    }

    if (size != NULL) {
        *size = (uint64_t) st.st_size;
    }

    if (written != NULL) {
        *written = st.st_mtime;
    }

    return WEIR_STORE_OK;
}


weir_store_code_e
weir_file_get(const weir_file_dir_t *dir, const char *name, weir_arena_t *a,
    size_t max, weir_str_t *bytes, weir_store_err_t *err)
{
    int                fd, sys;
    size_t             len;
    ssize_t            n;
    uint8_t           *p;
    uint64_t           size;
    weir_store_code_e  rc;

    bytes->len = 0;
    bytes->data = NULL;

    rc = weir_file_fd(dir, name, O_RDONLY, &fd, &size, NULL, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (size > max) {
        (void) close(fd);
        return weir_store_fail(err, WEIR_STORE_TOO_LARGE, 0,
                               "%s/%s: larger than %zu bytes", dir->path,
                               name, max);
    }

    /* one byte more than there should be tells a file that grows */

    p = weir_arena_alloc(a, size + 1);

    if (p == NULL) {
        (void) close(fd);
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0,
                               "%s/%s: out of memory", dir->path, name);
    }

    len = 0;

    while (len <= size) {
        n = read(fd, p + len, size + 1 - len);

        if (n == 0) {
            break;
        }

        if (n < 0) {

            if (errno == EINTR) {
                continue;
            }

            sys = errno;
            (void) close(fd);
            return weir_file_fail(err, sys, 0, dir, name);
        }

        len += (size_t) n;
    }

    (void) close(fd);

    if (len > size) {
        return weir_store_fail(err, WEIR_STORE_OTHER, 0,
                               "%s/%s: grew while it was read", dir->path,
                               name);
    }

    bytes->len = len;
    bytes->data = p;

    return WEIR_STORE_OK;
}


weir_store_code_e
weir_file_hash(const weir_file_dir_t *dir, const char *name, uint8_t *hash,
    weir_store_err_t *err)
{
    int                fd, sys;
    ssize_t            n;
    uint8_t            block[WEIR_FILE_BLOCK];
    EVP_MD_CTX        *ctx;
    weir_store_code_e  rc;

    rc = weir_file_fd(dir, name, O_RDONLY, &fd, NULL, NULL, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        goto nomem;
    }

    for ( ;; ) {
        n = read(fd, block, WEIR_FILE_BLOCK);

        if (n == 0) {
            break;
        }

        if (n < 0) {

            if (errno == EINTR) {
                continue;
            }

            sys = errno;
            EVP_MD_CTX_free(ctx);
            (void) close(fd);
            return weir_file_fail(err, sys, 0, dir, name);
        }

        if (EVP_DigestUpdate(ctx, block, (size_t) n) != 1) {
            goto nomem;
        }
    }

    if (EVP_DigestFinal_ex(ctx, hash, NULL) != 1) {
        goto nomem;
    }

    EVP_MD_CTX_free(ctx);
    (void) close(fd);

    return WEIR_STORE_OK;

nomem:

    EVP_MD_CTX_free(ctx);
    (void) close(fd);

    return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
}


/* Hidden, and of this process alone: who dies leaves it to a sweep. */

static weir_store_code_e
weir_file_temp(char *temp, const char *name, weir_store_err_t *err)
{
    int  n;

    n = snprintf(temp, WEIR_FILE_NAME, ".%s.%ld", name, (long) getpid());

    if (n < 0 || n >= WEIR_FILE_NAME) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "%s: the name is too long", name);
    }

    return WEIR_STORE_OK;
}


weir_store_code_e
weir_file_beside(const weir_file_dir_t *dir, const char *name,
    const weir_str_t *parts, unsigned n, unsigned flags,
    weir_store_err_t *err)
{
    int                fd;
    char               temp[WEIR_FILE_NAME];
    mode_t             mode;
    unsigned           i;
    weir_store_code_e  rc;

    fd = -1;
    rc = weir_file_temp(temp, name, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_remove(dir, temp, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_fd(dir, temp, O_WRONLY | O_CREAT | O_EXCL, &fd, NULL,
                          NULL, err);
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    mode = (flags & WEIR_FILE_PRIVATE) ? 0600 : 0644;

    if (fchmod(fd, mode) != 0) {
        rc = weir_file_fail(err, errno, 1, dir, temp);
    }

    for (i = 0; rc == WEIR_STORE_OK && i < n; i++) {
        rc = weir_file_write(dir, name, fd, parts[i], err);
    }

    if (rc == WEIR_STORE_OK && !(flags & WEIR_FILE_UNSYNCED)) {
        rc = weir_file_sync(dir, name, fd, err);
    }

    /* some file systems tell only now that there was no room */

    if (close(fd) != 0 && rc == WEIR_STORE_OK) {
        rc = weir_file_fail(err, errno, 1, dir, name);
    }

    if (rc != WEIR_STORE_OK) {
        (void) unlinkat(dir->fd, temp, 0);
    }

    return rc;
}


weir_store_code_e
weir_file_commit(const weir_file_dir_t *dir, const char *name,
    unsigned flags, weir_store_err_t *err)
{
    int                sys;
    char               temp[WEIR_FILE_NAME];
    weir_store_code_e  rc;

    rc = weir_file_temp(temp, name, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (renameat(dir->fd, temp, dir->fd, name) != 0) {
        sys = errno;
        (void) unlinkat(dir->fd, temp, 0);
        return weir_file_fail(err, sys, 1, dir, name);
    }

    if (flags & WEIR_FILE_UNSYNCED) {
        return WEIR_STORE_OK;
    }

    return weir_file_sync(dir, NULL, dir->fd, err);
}


void
weir_file_discard(const weir_file_dir_t *dir, const char *name)
{
    char  temp[WEIR_FILE_NAME];

    if (weir_file_temp(temp, name, NULL) == WEIR_STORE_OK) {
        (void) unlinkat(dir->fd, temp, 0);
    }
}


weir_store_code_e
weir_file_put(const weir_file_dir_t *dir, const char *name, weir_str_t bytes,
    unsigned flags, weir_store_err_t *err)
{
    weir_store_code_e  rc;

    rc = weir_file_beside(dir, name, &bytes, 1, flags, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    return weir_file_commit(dir, name, flags, err);
}


weir_store_code_e
weir_file_remove(const weir_file_dir_t *dir, const char *name,
    weir_store_err_t *err)
{
    if (unlinkat(dir->fd, name, 0) != 0 && errno != ENOENT) {
        return weir_file_fail(err, errno, 1, dir, name);
    }

    return WEIR_STORE_OK;
}


weir_store_code_e
weir_file_write(const weir_file_dir_t *dir, const char *name, int fd,
    weir_str_t bytes, weir_store_err_t *err)
{
    size_t   len;
    ssize_t  n;

    for (len = 0; len < bytes.len; len += (size_t) n) {
        n = write(fd, bytes.data + len, bytes.len - len);

        if (n < 0) {

            if (errno == EINTR) {
                n = 0;
                continue;
            }

            return weir_file_fail(err, errno, 1, dir, name);
        }
    }

    return WEIR_STORE_OK;
}


weir_store_code_e
weir_file_sync(const weir_file_dir_t *dir, const char *name, int fd,
    weir_store_err_t *err)
{
    int  rc;

    do {
        rc = fsync(fd);
    } while (rc != 0 && errno == EINTR);

    if (rc != 0) {
        return weir_file_fail(err, errno, 1, dir, name);
    }

    return WEIR_STORE_OK;
}
