
/*
 * Weir: the system's calls for lib/file, the one folder of libweir that does
 * I/O.  Comes before all other headers.
 */

#ifndef WEIR_FILE_POSIX_H_INCLUDED
#define WEIR_FILE_POSIX_H_INCLUDED


/* the compiler of nginx has it by default, -std=c11 has not */

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE  1    /* NOLINT(bugprone-reserved-identifier) */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>


#endif /* WEIR_FILE_POSIX_H_INCLUDED */
