
/*
 * Weir: a file that is written beside its name, and has it when all is there:
 * whoever reads it meanwhile sees the old one, or none.
 */

#include "weirctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>


int
weirctl_beside_open(weirctl_beside_t *b, const char *path, unsigned mode)
{
    int  fd;

    if (asprintf(&b->temp, "%s.new.%ld", path, (long) getpid()) == -1) {
        return weirctl_error("out of memory");
    }

    fd = open(b->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
              (mode_t) mode);
    b->out = fd == -1 ? NULL : fdopen(fd, "w");

    if (b->out == NULL) {
        (void) weirctl_error("%s: %s", b->temp, strerror(errno));
        free(b->temp);
        return WEIRCTL_USAGE;
    }

    b->failed = 0;

    return WEIRCTL_GO_ON;
}


int
weirctl_beside_close(weirctl_beside_t *b, const char *path, int fresh)
{
    int  failed;

    failed = b->failed;

    if (failed == 0
        && (ferror(b->out) || fflush(b->out) != 0
            || fsync(fileno(b->out)) != 0))
    {
        failed = errno;
    }

    if (fclose(b->out) != 0 && failed == 0) {
        failed = errno;
    }

    /* a link replaces nothing */

    if (failed == 0
        && (fresh ? link(b->temp, path) : rename(b->temp, path)) != 0)
    {
        failed = errno;
    }

    if (failed != 0 || fresh) {
        (void) unlink(b->temp);
    }

    free(b->temp);

    return failed == 0 ? WEIRCTL_GO_ON
                       : weirctl_error("%s: %s", path, strerror(failed));
}
