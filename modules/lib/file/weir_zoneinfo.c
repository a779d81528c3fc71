
/*
 * Weir: the system's time zones: TZif files (RFC 9636) below a folder.
 */

#include "weir_file_posix.h"

#include "weir_zoneinfo.h"


#define WEIR_ZONEINFO_PATH  512
#define WEIR_ZONEINFO_MAX   65536


static int weir_zoneinfo_read(void *ctx, weir_str_t name, weir_str_t *tzif);


void
weir_zoneinfo(weir_zoneinfo_t *zi, weir_arena_t *arena, const char *folder)
{
    zi->arena = arena;
    zi->folder = folder;
    zi->zones.read = weir_zoneinfo_read;
    zi->zones.ctx = zi;
}


/*
 * A name is a file or a link to one; what is no TZif file (there are lists
 * beside them) is no zone.
 */

static int
weir_zoneinfo_read(void *ctx, weir_str_t name, weir_str_t *tzif)
{
    weir_zoneinfo_t *zi = ctx;

    int           n, rc, fd;
    char          path[WEIR_ZONEINFO_PATH];
    size_t        len;
    ssize_t       got;
    uint8_t      *buf;
    struct stat   st;

    n = snprintf(path, sizeof(path), "%s/%.*s", zi->folder, (int) name.len,
                 (const char *) name.data);

    if (n < 0 || (size_t) n >= sizeof(path)) {
        return WEIR_DECLINED;
    }

    fd = open(path, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

    if (fd == -1) {

        if ((errno == ENOENT || errno == ENOTDIR)
            && stat(zi->folder, &st) == 0)
        {
            return WEIR_DECLINED;
        }

        return WEIR_ERROR;
    }

    rc = WEIR_DECLINED;
    len = 0;

    if (fstat(fd, &st) != 0) {
        rc = WEIR_ERROR;
        goto done;
    }

    if (!S_ISREG(st.st_mode) || st.st_size < 4
        || st.st_size > WEIR_ZONEINFO_MAX)
    {
        goto done;
    }

    buf = weir_arena_alloc(zi->arena, (size_t) st.st_size);
    if (buf == NULL) {
        rc = WEIR_NOMEM;
        goto done;
    }

    while (len < (size_t) st.st_size) {
        got = read(fd, buf + len, (size_t) st.st_size - len);

        if (got == -1 && errno == EINTR) {
            continue;
        }

        if (got <= 0) {
            rc = WEIR_ERROR;
            goto done;
        }

        len += (size_t) got;
    }

    if (memcmp(buf, "TZif", 4) == 0) {
        tzif->data = buf;
        tzif->len = len;
        rc = WEIR_OK;
    }

done:

    (void) close(fd);

    return rc;
}
