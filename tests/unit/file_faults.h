
/*
 * Unit tests of lib/file: the system's calls go through here, so that the
 * n-th of them can fail, or be the last thing that a process does.
 */

#ifndef FILE_FAULTS_H_INCLUDED
#define FILE_FAULTS_H_INCLUDED


#include <sys/file.h>
#include <sys/syscall.h>

#include "file_make.h"


typedef enum {
    FAULT_NONE = 0,
    FAULT_ERROR,                /* fails with fault_errno */
    FAULT_KILL                  /* SIGKILL, before or half-way */
} fault_e;


static fault_e   fault;
static int       fault_errno;
static unsigned  fault_at;      /* this call, counted from 1 */
static unsigned  fault_calls;   /* so far */
static unsigned  fault_hit;


static inline void
arm(fault_e what, unsigned n, int e)
{
    fault_errno = e;
    fault_at = n;
    fault_calls = 0;
    fault_hit = 0;
    fault = what;
}


static inline void
disarm(void)
{
    fault = FAULT_NONE;
}


/* interrupted: whether this call can fail with EINTR at all */

static int
faulty(int interrupted)
{
    if (fault == FAULT_NONE
        || (fault == FAULT_ERROR && fault_errno == EINTR && !interrupted))
    {
        return 0;
    }

    if (++fault_calls != fault_at) {
        return 0;
    }

    fault_hit++;

    if (fault == FAULT_KILL) {
        (void) syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    }

    errno = fault_errno;

    return 1;
}


int
openat(int dir, const char *name, int flags, ...)
{
    int      mode;
    va_list  args;

    va_start(args, flags);
    mode = (flags & O_CREAT) ? va_arg(args, int) : 0;
    va_end(args);

    return faulty(1) ? -1
           : (int) syscall(SYS_openat, dir, name, flags, mode);
}


int
mkdirat(int dir, const char *name, mode_t mode)
{
    return faulty(0) ? -1 : (int) syscall(SYS_mkdirat, dir, name, mode);
}


int
fchmod(int fd, mode_t mode)
{
    return faulty(0) ? -1 : (int) syscall(SYS_fchmod, fd, mode);
}


ssize_t
read(int fd, void *buf, size_t size)
{
    return faulty(1) ? -1 : syscall(SYS_read, fd, buf, size);
}


ssize_t
pread(int fd, void *buf, size_t size, off_t offset)
{
    return faulty(1) ? -1 : syscall(SYS_pread64, fd, buf, size, offset);
}


/* half of it is written when the disk fills up, or the process dies */

ssize_t
write(int fd, const void *buf, size_t size)
{
    int  half;

    half = (fault == FAULT_KILL || fault_errno == ENOSPC)
           && fault_calls + 1 == fault_at;

    if (half && fault != FAULT_NONE) {
        (void) syscall(SYS_write, fd, buf, size / 2);
    }

    return faulty(1) ? -1 : syscall(SYS_write, fd, buf, size);
}


/* the power stays on: there is nothing to wait for */

int
fsync(int fd)
{
    (void) fd;

    return faulty(1) ? -1 : 0;
}


int
renameat(int from, const char *old, int to, const char *new)
{
    return faulty(0) ? -1
           : (int) syscall(SYS_renameat2, from, old, to, new, 0);
}


int
unlinkat(int dir, const char *name, int flags)
{
    return faulty(0) ? -1 : (int) syscall(SYS_unlinkat, dir, name, flags);
}


int
flock(int fd, int how)
{
    return faulty(1) ? -1 : (int) syscall(SYS_flock, fd, how);
}


int
ftruncate(int fd, off_t size)
{
    return faulty(0) ? -1 : (int) syscall(SYS_ftruncate, fd, size);
}


int
dup(int fd)
{
    return faulty(0) ? -1 : (int) syscall(SYS_dup, fd);
}


/* closed all the same, as close(2) does */

int
close(int fd)
{
    int  failed;

    failed = faulty(0);

    return (int) syscall(SYS_close, fd) != 0 || failed ? -1 : 0;
}


int
fstat(int fd, struct stat *st)
{
    return faulty(0) ? -1 : fstatat(fd, "", st, AT_EMPTY_PATH);
}


#endif /* FILE_FAULTS_H_INCLUDED */
