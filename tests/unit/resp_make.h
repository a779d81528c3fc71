
/*
 * Tests of lib/resp: a reader with its arena, fed as the test says.
 */

#ifndef RESP_MAKE_H_INCLUDED
#define RESP_MAKE_H_INCLUDED


#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "weir_resp.h"


#define str(s)  weir_cstr(s)


typedef struct {
    weir_arena_t        arena;
    weir_resp_reader_t  reader;
    weir_resp_t        *reply;
    size_t              used;
} feed_t;


static const weir_resp_caps_t  feed_caps = { 1024, 4096, 64, 4 };


static inline void
feed_init(feed_t *f)
{
    memset(f, 0, sizeof(feed_t));
    weir_arena_init(&f->arena, &weir_alloc_malloc, 0);
    assert_int_equal(weir_resp_reader_init(&f->reader), WEIR_OK);
}


static inline void
feed_done(feed_t *f)
{
    weir_resp_reader_done(&f->reader);
    weir_arena_done(&f->arena);
}


/* Up to step bytes at a time; the last code. */

static inline weir_resp_code_e
feed(feed_t *f, weir_str_t wire, size_t step)
{
    size_t            n, used;
    weir_resp_code_e  code;

    code = WEIR_RESP_AGAIN;
    f->used = 0;

    while (code == WEIR_RESP_AGAIN && f->used < wire.len) {
        n = wire.len - f->used < step ? wire.len - f->used : step;
        code = weir_resp_read(&f->reader, wire.data + f->used, n, &used,
                              &f->reply);
        f->used += used;
    }

    return code;
}


/* One reply of a fresh reader, whole and byte by byte. */

static inline void
feed_once(feed_t *f, const char *wire, const weir_resp_caps_t *caps,
    weir_resp_code_e want)
{
    feed_init(f);
    weir_resp_expect(&f->reader, caps, &f->arena);

    if (feed(f, str(wire), 1) != want) {
        fail_msg("%s: byte by byte", wire);
    }

    feed_done(f);
    feed_init(f);
    weir_resp_expect(&f->reader, caps, &f->arena);

    if (feed(f, str(wire), strlen(wire)) != want) {
        fail_msg("%s: at once", wire);
    }
}


#endif /* RESP_MAKE_H_INCLUDED */
