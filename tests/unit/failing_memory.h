
/*
 * Unit tests: memory, of ours and of OpenSSL's, of which the n-th piece is not
 * to be had.
 */

#ifndef FAILING_MEMORY_H_INCLUDED
#define FAILING_MEMORY_H_INCLUDED


#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "weir_base.h"


static struct {
    unsigned  count;             /* pieces asked for, while armed */
    unsigned  nth;               /* this one fails; 0: not armed */
    int       forever;           /* and all after it */
    int       failed;            /* it did */
} memory;


/* The n-th piece from now on fails; all: and those after it. */

static inline void
memory_arm(unsigned n, int all)
{
    memory.count = 0;
    memory.nth = n;
    memory.forever = all;
    memory.failed = 0;
}


/* memory.failed stays. */

static inline void
memory_disarm(void)
{
    memory.nth = 0;
}


static inline int
memory_fails(void)
{
    if (memory.nth == 0) {
        return 0;
    }

    memory.count++;

    if (memory.count == memory.nth
        || (memory.forever && memory.count > memory.nth))
    {
        memory.failed = 1;
        return 1;
    }

    return 0;
}


static inline void *
our_alloc(void *ctx, size_t size)
{
    (void) ctx;
    return memory_fails() ? NULL : malloc(size);
}


static inline void
our_free(void *ctx, void *p)
{
    (void) ctx;
    free(p);
}


static const weir_alloc_t  ours = { our_alloc, our_free, NULL };


static inline void *
ssl_malloc(size_t size, const char *file, int line)
{
    (void) file;
    (void) line;
    return memory_fails() ? NULL : malloc(size);
}


static inline void *
ssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void) file;
    (void) line;
    return memory_fails() ? NULL : realloc(p, size);
}


static inline void
ssl_free(void *p, const char *file, int line)
{
    (void) file;
    (void) line;
    free(p);
}


/* Before OpenSSL allocates for the first time; else 1, after a message. */

static inline int
memory_ours(void)
{
    if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1) {
        fprintf(stderr, "OpenSSL did not take our allocator\n");
        return 1;
    }

    return 0;
}


#endif /* FAILING_MEMORY_H_INCLUDED */
