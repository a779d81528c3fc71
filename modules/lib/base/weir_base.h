
/*
 * Weir: slices, allocator, arena and error carrier, shared by all of libweir.
 *
 * libweir knows no nginx type, does no I/O, keeps no globals and reads no
 * clock: time, randomness and memory come from the caller.
 */

#ifndef WEIR_BASE_H_INCLUDED
#define WEIR_BASE_H_INCLUDED


#include <stddef.h>
#include <stdint.h>
#include <stdarg.h>
#include <string.h>


#define WEIR_OK        0
#define WEIR_ERROR    -1    /* bad input or an internal fault; see weir_err_t */
#define WEIR_NOMEM    -2
#define WEIR_DECLINED -3    /* not found, not applicable */


/* A slice of bytes; not zero terminated. {0, NULL} is absent. */

typedef struct {
    size_t          len;
    const uint8_t  *data;
} weir_str_t;

#define weir_str(literal)                                                     \
    ((weir_str_t) { sizeof(literal) - 1, (const uint8_t *) (literal) })

/* The bytes of a zero terminated string, which stay its; NULL is absent. */
weir_str_t weir_cstr(const char *s);


/* The caller's memory.  alloc returns NULL when there is none. */

typedef struct {
    void  *(*alloc)(void *ctx, size_t size);
    void   (*free)(void *ctx, void *p);
    void    *ctx;
} weir_alloc_t;

/* malloc(3) and free(3), for programs and tests. */

extern const weir_alloc_t  weir_alloc_malloc;


/*
 * An arena: allocations of any size that are freed together.  Chunks come
 * from the weir_alloc_t given at initialisation.
 */

typedef struct weir_arena_chunk_s  weir_arena_chunk_t;

typedef struct {
    const weir_alloc_t  *alloc;
    weir_arena_chunk_t  *chunks;
    size_t               limit;    /* bytes at most in all; 0: no limit */
    size_t               used;
    int                  full;     /* 1: the limit was in the way */
} weir_arena_t;

/* Prepares an arena; allocates nothing yet. */
void weir_arena_init(weir_arena_t *a, const weir_alloc_t *alloc, size_t limit);

/* Frees all that the arena gave out. */
void weir_arena_done(weir_arena_t *a);

/* size bytes aligned to 16; NULL when memory or the limit is exhausted. */
void *weir_arena_alloc(weir_arena_t *a, size_t size);

/* As weir_arena_alloc(), zeroed; NULL also when n * size overflows. */
void *weir_arena_calloc(weir_arena_t *a, size_t n, size_t size);

/* Copies s into the arena; {0, NULL} when out of memory and s.len > 0. */
weir_str_t weir_arena_copy(weir_arena_t *a, weir_str_t s);


/* An error message for people; text is always zero terminated. */

typedef struct {
    char  text[512];
} weir_err_t;

/* Formats as printf(3) into e; e may be NULL.  Returns WEIR_ERROR. */
int weir_err(weir_err_t *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


#define WEIR_STR_SHORT  16              /* bytes */

typedef struct {
    uint64_t  a;
    uint64_t  b;
} weir_word16_t;

/* A short string as two words, which tell it with its length. */

static inline weir_word16_t
weir_str_word16(weir_str_t s)
{
    uint32_t       c, d;
    weir_word16_t  w;

    w.a = 0;
    w.b = 0;

    if (s.len >= 8) {
        memcpy(&w.a, s.data, 8);
        memcpy(&w.b, s.data + s.len - 8, 8);

    } else if (s.len >= 4) {
        memcpy(&c, s.data, 4);
        memcpy(&d, s.data + s.len - 4, 4);
        w.a = c;
        w.b = d;

    } else if (s.len != 0) {
        w.a = (uint64_t) s.data[0] << 16 | (uint64_t) s.data[s.len / 2] << 8
              | s.data[s.len - 1];
    }

    return w;
}


/* Most strings that are compared are short. */

static inline int
weir_str_eq(weir_str_t a, weir_str_t b)
{
    weir_word16_t  c, d;

    if (a.len != b.len) {
        return 0;
    }

    if (a.len > WEIR_STR_SHORT) {
        return memcmp(a.data, b.data, a.len) == 0;
    }

    c = weir_str_word16(a);
    d = weir_str_word16(b);

    return ((c.a ^ d.a) | (c.b ^ d.b)) == 0;
}


/* Byte order, shorter first among equals: <0, 0, >0. */
int weir_str_cmp(weir_str_t a, weir_str_t b);

/* ASCII case folded equality. */
int weir_str_caseeq(weir_str_t a, weir_str_t b);

/* 1 if s is well formed UTF-8 (RFC 3629: no surrogates, no overlong). */
int weir_utf8_valid(weir_str_t s);

/*
 * Writes a character, at most U+10FFFF, as UTF-8 (RFC 3629, 3) into dst: 1 to
 * 4 bytes.  Returns what is behind them.
 */
uint8_t *weir_utf8_put(uint8_t *dst, uint32_t ch);

/* The value of a hex digit in either case, or -1. */

static inline int
weir_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 1 if s is a Weir name: [a-z0-9][a-z0-9_-]{0,62} and no reserved word. */
int weir_name_valid(weir_str_t s);


#endif /* WEIR_BASE_H_INCLUDED */
