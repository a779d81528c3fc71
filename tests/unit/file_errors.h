
/*
 * Unit tests of lib/file: the errors that a system's call is made to end with,
 * in a folder that begins anew for each.
 */

#ifndef FILE_ERRORS_H_INCLUDED
#define FILE_ERRORS_H_INCLUDED


#include "failing_memory.h"
#include "file_faults.h"


static const int  errors[] = { EIO, ENOSPC, EACCES, EMFILE, EINTR };

#define NERRORS  (sizeof(errors) / sizeof(errors[0]))


static inline void
reset(void)
{
    (void) folder_done(NULL);
    assert_int_equal(mkdir(root, 0755), 0);
}


#endif /* FILE_ERRORS_H_INCLUDED */
