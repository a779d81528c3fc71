
/*
 * Weir: slices, allocator, arena and error carrier.
 */

#include "weir_base.h"

#include <stdio.h>
#include <stdlib.h>


#define WEIR_ARENA_ALIGN      16
#define WEIR_ARENA_CHUNK_MIN  4096
#define WEIR_ARENA_CHUNK_MAX  262144


struct weir_arena_chunk_s {
    weir_arena_chunk_t  *next;
    size_t               size;    /* of the whole chunk */
    size_t               pos;     /* offset of the first free byte */
    size_t               pad;     /* keeps what follows aligned to 16 */
};


static void *weir_malloc(void *ctx, size_t size);
static void weir_free(void *ctx, void *p);
static weir_arena_chunk_t *weir_arena_grow(weir_arena_t *a, size_t size);


const weir_alloc_t  weir_alloc_malloc = { weir_malloc, weir_free, NULL };


static const weir_str_t  weir_reserved_names[] = {
    { 3, (const uint8_t *) "off" },
    { 8, (const uint8_t *) "optional" },
    { 6, (const uint8_t *) "shadow" },
    { 4, (const uint8_t *) "mtls" },
    { 6, (const uint8_t *) "apikey" },
    { 7, (const uint8_t *) "default" },
    { 4, (const uint8_t *) "none" }
};


weir_str_t
weir_cstr(const char *s)
{
    weir_str_t  str;

    str.data = (const uint8_t *) s;
    str.len = s == NULL ? 0 : strlen(s);

    return str;
}


static void *
weir_malloc(void *ctx, size_t size)
{
    (void) ctx;

    return malloc(size);
}


static void
weir_free(void *ctx, void *p)
{
    (void) ctx;

    free(p);
}


void
weir_arena_init(weir_arena_t *a, const weir_alloc_t *alloc, size_t limit)
{
    a->alloc = alloc;
    a->chunks = NULL;
    a->limit = limit;
    a->used = 0;
    a->full = 0;
}


void
weir_arena_done(weir_arena_t *a)
{
    weir_arena_chunk_t  *c, *next;

    for (c = a->chunks; c != NULL; c = next) {
        next = c->next;
        a->alloc->free(a->alloc->ctx, c);
    }

    a->chunks = NULL;
    a->used = 0;
}


void *
weir_arena_alloc(weir_arena_t *a, size_t size)
{
    void                *p;
    size_t               limit;
    weir_arena_chunk_t  *c;

    limit = (a->limit != 0) ? a->limit : SIZE_MAX;

    if (size > SIZE_MAX - 4 * WEIR_ARENA_CHUNK_MAX) {
        return NULL;
    }

    if (size == 0) {
        size = 1;
    }

    size = (size + WEIR_ARENA_ALIGN - 1) & ~(size_t) (WEIR_ARENA_ALIGN - 1);

    if (size > limit - a->used) {
        a->full = 1;
        return NULL;
    }

    c = a->chunks;

    if (c == NULL || c->size - c->pos < size) {
        c = weir_arena_grow(a, size);
        if (c == NULL) {
            return NULL;
        }
    }

    p = (uint8_t *) c + c->pos;

    c->pos += size;
    a->used += size;

    return p;
}


/*
 * A large allocation gets a chunk of its own behind the current one, whose
 * room is then not lost.
 */

static weir_arena_chunk_t *
weir_arena_grow(weir_arena_t *a, size_t size)
{
    size_t               n;
    weir_arena_chunk_t  *c, *cur;

    cur = a->chunks;

    n = WEIR_ARENA_CHUNK_MIN;

    while (n < a->used && n < WEIR_ARENA_CHUNK_MAX) {
        n *= 2;
    }

    if (n < size + sizeof(weir_arena_chunk_t)) {
        n = size + sizeof(weir_arena_chunk_t);
    }

    c = a->alloc->alloc(a->alloc->ctx, n);
    if (c == NULL) {
        return NULL;
    }

    c->size = n;
    c->pos = sizeof(weir_arena_chunk_t);
    c->pad = 0;

    if (cur != NULL && size > cur->size / 4
        && n - c->pos - size < cur->size - cur->pos)
    {
        c->next = cur->next;
        cur->next = c;

    } else {
        c->next = cur;
        a->chunks = c;
    }

    return c;
}


void *
weir_arena_calloc(weir_arena_t *a, size_t n, size_t size)
{
    void  *p;

    if (size != 0 && n > SIZE_MAX / size) {
        return NULL;
    }

    p = weir_arena_alloc(a, n * size);

    if (p != NULL) {
        memset(p, 0, n * size);
    }

    return p;
}


weir_str_t
weir_arena_copy(weir_arena_t *a, weir_str_t s)
{
    uint8_t     *p;
    weir_str_t   copy;

    copy.len = 0;
    copy.data = NULL;

    if (s.data == NULL) {
        return copy;
    }

    p = weir_arena_alloc(a, s.len);
    if (p == NULL) {
        return copy;
    }

    if (s.len != 0) {
        memcpy(p, s.data, s.len);
    }

    copy.len = s.len;
    copy.data = p;

    return copy;
}


int
weir_err(weir_err_t *e, const char *fmt, ...)
{
    va_list  args;

    if (e != NULL) {
        va_start(args, fmt);

        if (vsnprintf(e->text, sizeof(e->text), fmt, args) < 0) {
            e->text[0] = '\0';
        }

        va_end(args);
    }

    return WEIR_ERROR;
}


int
weir_str_cmp(weir_str_t a, weir_str_t b)
{
    int     rc;
    size_t  n;

    n = (a.len < b.len) ? a.len : b.len;

    if (n != 0) {
        rc = memcmp(a.data, b.data, n);
        if (rc != 0) {
            return rc;
        }
    }

    return (a.len > b.len) - (a.len < b.len);
}


int
weir_str_caseeq(weir_str_t a, weir_str_t b)
{
    size_t   i;
    uint8_t  x, y;

    if (a.len != b.len) {
        return 0;
    }

    for (i = 0; i < a.len; i++) {
        x = a.data[i];
        y = b.data[i];

        if (x >= 'A' && x <= 'Z') {
            x |= 0x20;
        }

        if (y >= 'A' && y <= 'Z') {
            y |= 0x20;
        }

        if (x != y) {
            return 0;
        }
    }

    return 1;
}


/* RFC 3629, 4: the second byte's range depends on the first. */

int
weir_utf8_valid(weir_str_t s)
{
    uint8_t         c, lo, hi;
    size_t          n;
    const uint8_t  *p, *last;

    p = s.data;
    last = p + s.len;

    while (p < last) {
        c = *p++;

        if (c < 0x80) {
            continue;
        }

        lo = 0x80;
        hi = 0xbf;

        if (c >= 0xc2 && c <= 0xdf) {
            n = 1;

        } else if (c >= 0xe0 && c <= 0xef) {
            n = 2;

            if (c == 0xe0) {
                lo = 0xa0;

            } else if (c == 0xed) {
                hi = 0x9f;
            }

        } else if (c >= 0xf0 && c <= 0xf4) {
            n = 3;

            if (c == 0xf0) {
                lo = 0x90;

            } else if (c == 0xf4) {
                hi = 0x8f;
            }

        } else {
            return 0;
        }

        if ((size_t) (last - p) < n) {
            return 0;
        }

        if (*p < lo || *p > hi) {
            return 0;
        }

        for (p++, n--; n != 0; p++, n--) {
            if (*p < 0x80 || *p > 0xbf) {
                return 0;
            }
        }
    }

    return 1;
}


uint8_t *
weir_utf8_put(uint8_t *dst, uint32_t ch)
{
    if (ch < 0x80) {
        *dst++ = (uint8_t) ch;
        return dst;
    }

    if (ch < 0x800) {
        *dst++ = (uint8_t) (0xc0 | ch >> 6);

    } else {

        if (ch < 0x10000) {
            *dst++ = (uint8_t) (0xe0 | ch >> 12);

        } else {
            *dst++ = (uint8_t) (0xf0 | ch >> 18);
            *dst++ = (uint8_t) (0x80 | (ch >> 12 & 0x3f));
        }

        *dst++ = (uint8_t) (0x80 | (ch >> 6 & 0x3f));
    }

    *dst++ = (uint8_t) (0x80 | (ch & 0x3f));

    return dst;
}


int
weir_name_valid(weir_str_t s)
{
    size_t   i;
    uint8_t  c;

    if (s.len == 0 || s.len > 63) {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            continue;
        }

        if (i != 0 && (c == '_' || c == '-')) {
            continue;
        }

        return 0;
    }

    for (i = 0;
         i < sizeof(weir_reserved_names) / sizeof(weir_reserved_names[0]);
         i++)
    {
        if (weir_str_eq(s, weir_reserved_names[i])) {
            return 0;
        }
    }

    return 1;
}
