
/*
 * Weir: traffic splits: weights, and the choice of a colour.
 */

#include "weir_split.h"


/* Bits after the point of a binary logarithm. */

#define WEIR_SPLIT_LOG_BITS  40


__extension__ typedef unsigned __int128  weir_uint128_t;


static void weir_split_key(weir_hash_key_t *key,
    const weir_hash_key_t *secret, weir_str_t text);
static uint64_t weir_split_share(uint32_t weight);
static uint32_t weir_split_rendezvous(const weir_split_t *split,
    const uint32_t *weights, weir_str_t unit);
static uint64_t weir_split_log(uint64_t u);


int
weir_split_weight(weir_str_t s, uint32_t *weight)
{
    size_t    i, digits;
    uint32_t  w;

    if (s.len == 1 && s.data[0] == '*') {
        return WEIR_DECLINED;
    }

    if (s.len < 2 || s.data[s.len - 1] != '%') {
        return WEIR_ERROR;
    }

    s.len--;

    w = 0;

    for (i = 0; i < s.len && s.data[i] != '.'; i++) {

        if (s.data[i] < '0' || s.data[i] > '9' || i == 3) {
            return WEIR_ERROR;
        }

        w = w * 10 + (s.data[i] - '0');
    }

    if (i == 0) {
        return WEIR_ERROR;
    }

    digits = 0;

    if (i < s.len) {

        for (i++; i < s.len; i++, digits++) {

            if (s.data[i] < '0' || s.data[i] > '9' || digits == 2) {
                return WEIR_ERROR;
            }

            w = w * 10 + (s.data[i] - '0');
        }

        if (digits == 0) {
            return WEIR_ERROR;
        }
    }

    for ( /* void */ ; digits < 2; digits++) {
        w *= 10;
    }

    if (w > WEIR_SPLIT_WHOLE) {
        return WEIR_ERROR;
    }

    *weight = w;

    return WEIR_OK;
}


void
weir_split_init(weir_split_t *split, const weir_hash_key_t *secret,
    weir_str_t salt)
{
    memset(split, 0, sizeof(weir_split_t));

    weir_split_key(&split->secret, secret, salt);
    weir_split_key(&split->key, &split->secret, weir_str(""));
}


/* 16 bytes that depend on the secret and the text, and tell neither. */

static void
weir_split_key(weir_hash_key_t *key, const weir_hash_key_t *secret,
    weir_str_t text)
{
    unsigned          i, half;
    uint64_t          h;
    weir_hash_key_t   k;

    for (half = 0; half < 2; half++) {
        k = *secret;
        k.bytes[15] ^= (uint8_t) (0x51 + half);

        h = weir_siphash(&k, text.data, text.len);

        for (i = 0; i < 8; i++) {
            key->bytes[8 * half + i] = (uint8_t) (h >> 8 * i);
        }
    }
}


int
weir_split_add(weir_split_t *split, weir_str_t name)
{
    weir_split_colour_t  *c;

    if (weir_split_colour(split, name) >= 0) {
        return WEIR_DECLINED;
    }

    if (split->ncolours == WEIR_SPLIT_COLOURS) {
        return WEIR_ERROR;
    }

    c = &split->colours[split->ncolours++];

    c->name = name;
    weir_split_key(&c->key, &split->secret, name);

    return WEIR_OK;
}


int
weir_split_colour(const weir_split_t *split, weir_str_t name)
{
    uint32_t  i;

    for (i = 0; i < split->ncolours; i++) {
        if (weir_str_eq(split->colours[i].name, name)) {
            return (int) i;
        }
    }

    return WEIR_DECLINED;
}


uint32_t
weir_split_pick(const weir_split_t *split, const uint32_t *weights,
    weir_str_t unit)
{
    uint64_t  u;

    if (split->ncolours > 3) {
        return weir_split_rendezvous(split, weights, unit);
    }

    if (split->ncolours < 2) {
        return 0;
    }

    u = weir_siphash(&split->key, unit.data, unit.len);

    if (weights[0] >= WEIR_SPLIT_WHOLE || u < weir_split_share(weights[0])) {
        return 0;
    }

    if (split->ncolours == 3 && weights[1] != 0
        && (weights[1] >= WEIR_SPLIT_WHOLE
            || u >= weir_split_share(WEIR_SPLIT_WHOLE - weights[1])))
    {
        return 1;
    }

    return split->ncolours - 1;
}


/* The weight's part of 2^64; it is less than the whole. */

static uint64_t
weir_split_share(uint32_t weight)
{
    return (uint64_t) (((weir_uint128_t) weight << 64) / WEIR_SPLIT_WHOLE);
}


/* Highest -w / ln u is lowest -log2(u) / w, compared crosswise. */

static uint32_t
weir_split_rendezvous(const weir_split_t *split, const uint32_t *weights,
    weir_str_t unit)
{
    uint32_t  i, w, rest, best, best_w;
    uint64_t  log, best_log;

    rest = WEIR_SPLIT_WHOLE;
    best = split->ncolours - 1;
    best_w = 0;
    best_log = 0;

    for (i = 0; i < split->ncolours; i++) {

        w = rest;

        if (i < split->ncolours - 1) {
            w = (weights[i] < rest) ? weights[i] : rest;
            rest -= w;
        }

        if (w == 0) {
            continue;
        }

        log = weir_split_log(weir_siphash(&split->colours[i].key, unit.data,
                                          unit.len));

        if (best_w == 0
            || (weir_uint128_t) log * best_w < (weir_uint128_t) best_log * w)
        {
            best = i;
            best_w = w;
            best_log = log;
        }
    }

    return best;
}


/*
 * -log2((u + 1) / 2^64) with WEIR_SPLIT_LOG_BITS bits after the point.  To
 * square a mantissa doubles its logarithm: whether it then passes 2 is the
 * next bit.
 */

static uint64_t
weir_split_log(uint64_t u)
{
    unsigned        i, shift;
    uint64_t        m, log, bit;
    weir_uint128_t  square;

    if (u == UINT64_MAX) {
        return 0;
    }

    u++;

    shift = (unsigned) __builtin_clzll(u);

    m = u << shift;
    log = 0;

    for (i = 0; i < WEIR_SPLIT_LOG_BITS; i++) {
        square = (weir_uint128_t) m * m;

        bit = (uint64_t) (square >> 127);
        m = (uint64_t) (square >> (63 + bit));
        log = log << 1 | bit;
    }

    /* log2(u) is 63 - shift and this fraction */

    return ((uint64_t) (shift + 1) << WEIR_SPLIT_LOG_BITS) - log;
}
