
/*
 * Unit tests of lib/file: the errors of the system's calls, and memory of
 * ours and of OpenSSL's of which the n-th piece is not to be had.
 */

#ifndef FILE_MEMORY_H_INCLUDED
#define FILE_MEMORY_H_INCLUDED


#include "file_faults.h"

#include <openssl/crypto.h>


static const int  errors[] = { EIO, ENOSPC, EACCES, EMFILE, EINTR };

#define NERRORS  (sizeof(errors) / sizeof(errors[0]))


/* Memory: ours and OpenSSL's. */

static unsigned  allocations;
static unsigned  failing;             /* this one fails; 0: none */


static inline void *
our_alloc(void *ctx, size_t size)
{
    (void) ctx;
    return failing != 0 && ++allocations == failing ? NULL : malloc(size);
}


static void
our_free(void *ctx, void *p)
{
    (void) ctx;
    free(p);
}


static inline void *
ssl_malloc(size_t size, const char *file, int line)
{
    (void) file;
    (void) line;
    return our_alloc(NULL, size);
}


static inline void *
ssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void) file;
    (void) line;
    return failing != 0 && ++allocations == failing ? NULL : realloc(p, size);
}


static void
ssl_free(void *p, const char *file, int line)
{
    (void) file;
    (void) line;
    free(p);
}


static const weir_alloc_t  ours = { our_alloc, our_free, NULL };


static inline void
reset(void)
{
    (void) folder_done(NULL);
    assert_int_equal(mkdir(root, 0755), 0);
}


static inline int
memory_ours(void)
{
    if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1) {
        fprintf(stderr, "OpenSSL did not take our allocator\n");
        return 1;
    }

    return 0;
}


#endif /* FILE_MEMORY_H_INCLUDED */
