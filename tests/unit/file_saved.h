
/*
 * Unit tests of lib/file: numbered documents, and numbered bundles in a
 * gateway's folder.
 */

#ifndef FILE_SAVED_H_INCLUDED
#define FILE_SAVED_H_INCLUDED


#include "file_make.h"
#include "weir_state.h"


/* Documents are "KIND N" and a tail that is long enough to be torn. */

static inline void
document(char *buf, size_t size, const char *kind, unsigned n)
{
    int  len;

    len = snprintf(buf, size, "%s %u ", kind, n);
    memset(buf + len, 'a' + (int) (n % 26), size - (size_t) len);
    buf[size - 1] = '\0';
}


static inline weir_store_code_e
save(weir_state_t *state, unsigned n)
{
    char                  text[64];
    weir_state_bundle_t   b;
    weir_store_segment_t  seg;

    snprintf(text, sizeof(text), "bundle %u", n);

    seg.bytes = str(text);
    (void) weir_store_hash(seg.hash, seg.bytes, NULL);

    b.head = str(text);
    b.segments = &seg;
    b.nsegments = 1;

    return weir_state_save(state, &b, &err);
}


static inline unsigned
saved(weir_state_t *state, unsigned *older)
{
    int                  last, first;
    uint32_t             i, n;
    weir_arena_t         a;
    weir_state_entry_t   e[WEIR_STATE_BUNDLES];
    weir_state_bundle_t  b;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    assert_int_equal(weir_state_bundles(state, e, &n, &err), WEIR_STORE_OK);
    first = 0;
    last = 0;

    for (i = 0; i < n; i++) {
        assert_int_equal(weir_state_load(state, &a, &e[i], MAX, &b, &err),
                         WEIR_STORE_OK);
        assert_int_equal(b.nsegments, 1);
        assert_true(weir_str_eq(b.head, b.segments[0].bytes));
        last = atoi((const char *) b.head.data + 7);

        if (i == 0) {
            first = last;
        }

        assert_int_equal(last, first - (int) i);
    }

    *older = n;
    weir_arena_done(&a);

    return (unsigned) first;
}


#endif /* FILE_SAVED_H_INCLUDED */
