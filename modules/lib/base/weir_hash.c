
/*
 * Weir: keyed hashes and encodings of bytes.
 */

#include "weir_hash.h"


#define weir_rotl(x, b)  (((x) << (b)) | ((x) >> (64 - (b))))

#define weir_sipround(v0, v1, v2, v3)                                         \
    do {                                                                      \
        v0 += v1; v1 = weir_rotl(v1, 13); v1 ^= v0; v0 = weir_rotl(v0, 32);   \
        v2 += v3; v3 = weir_rotl(v3, 16); v3 ^= v2;                           \
        v0 += v3; v3 = weir_rotl(v3, 21); v3 ^= v0;                           \
        v2 += v1; v1 = weir_rotl(v1, 17); v1 ^= v2; v2 = weir_rotl(v2, 32);   \
    } while (0)


static uint64_t weir_sip(const weir_hash_key_t *key, const uint8_t *p,
    size_t len, unsigned c, unsigned d);
static int weir_base64url_value(uint8_t c);


/* Both digits of each byte. */

static const char  weir_hex_digits[] =
    "000102030405060708090a0b0c0d0e0f"
    "101112131415161718191a1b1c1d1e1f"
    "202122232425262728292a2b2c2d2e2f"
    "303132333435363738393a3b3c3d3e3f"
    "404142434445464748494a4b4c4d4e4f"
    "505152535455565758595a5b5c5d5e5f"
    "606162636465666768696a6b6c6d6e6f"
    "707172737475767778797a7b7c7d7e7f"
    "808182838485868788898a8b8c8d8e8f"
    "909192939495969798999a9b9c9d9e9f"
    "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
    "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
    "e0e1e2e3e4e5e6e7e8e9eaebecedeeef"
    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

static const uint8_t  weir_base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";


static inline uint64_t
weir_load64(const uint8_t *p)
{
    return (uint64_t) p[0]
           | (uint64_t) p[1] << 8
           | (uint64_t) p[2] << 16
           | (uint64_t) p[3] << 24
           | (uint64_t) p[4] << 32
           | (uint64_t) p[5] << 40
           | (uint64_t) p[6] << 48
           | (uint64_t) p[7] << 56;
}


uint64_t
weir_siphash(const weir_hash_key_t *key, const void *data, size_t len)
{
    return weir_sip(key, data, len, 2, 4);
}


uint64_t
weir_siphash13(const weir_hash_key_t *key, const void *data, size_t len)
{
    return weir_sip(key, data, len, 1, 3);
}


static inline __attribute__((always_inline)) uint64_t
weir_sip(const weir_hash_key_t *key, const uint8_t *p, size_t len, unsigned c,
    unsigned d)
{
    size_t    n;
    uint64_t  k0, k1, v0, v1, v2, v3, m;
    unsigned  i;

    k0 = weir_load64(key->bytes);
    k1 = weir_load64(key->bytes + 8);

    v0 = k0 ^ 0x736f6d6570736575;
    v1 = k1 ^ 0x646f72616e646f6d;
    v2 = k0 ^ 0x6c7967656e657261;
    v3 = k1 ^ 0x7465646279746573;

    for (n = len; n >= 8; n -= 8, p += 8) {
        m = weir_load64(p);
        v3 ^= m;

        for (i = 0; i < c; i++) {
            weir_sipround(v0, v1, v2, v3);
        }

        v0 ^= m;
    }

    m = (uint64_t) (len & 0xff) << 56;

    while (n != 0) {
        n--;
        m |= (uint64_t) p[n] << (8 * n);
    }

    v3 ^= m;

    for (i = 0; i < c; i++) {
        weir_sipround(v0, v1, v2, v3);
    }

    v0 ^= m;
    v2 ^= 0xff;

    for (i = 0; i < d; i++) {
        weir_sipround(v0, v1, v2, v3);
    }

    return v0 ^ v1 ^ v2 ^ v3;
}


void
weir_hex(uint8_t *dst, const void *src, size_t len)
{
    size_t          i;
    const uint8_t  *p;

    p = src;

    for (i = 0; i < len; i++) {
        memcpy(dst + 2 * i, weir_hex_digits + 2 * p[i], 2);
    }
}


int
weir_unhex(uint8_t *dst, size_t len, weir_str_t hex)
{
    size_t   i;
    uint8_t  c, v;

    if (hex.len % 2 != 0 || hex.len / 2 != len) {
        return WEIR_ERROR;
    }

    v = 0;

    for (i = 0; i < hex.len; i++) {
        c = hex.data[i];

        if (c >= '0' && c <= '9') {
            c -= '0';

        } else if (c >= 'a' && c <= 'f') {
            c = c - 'a' + 10;

        } else {
            return WEIR_ERROR;
        }

        if (i % 2 == 0) {
            v = c << 4;

        } else {
            dst[i / 2] = v | c;
        }
    }

    return WEIR_OK;
}


size_t
weir_base64url_decoded_len(size_t len)
{
    return len / 4 * 3 + len % 4 * 3 / 4;
}


int
weir_base64url_decode(uint8_t *dst, size_t *len, weir_str_t src)
{
    int       v;
    size_t    i, n;
    uint32_t  bits;

    if (src.len % 4 == 1) {
        return WEIR_ERROR;
    }

    n = 0;
    bits = 0;

    for (i = 0; i < src.len; i++) {
        v = weir_base64url_value(src.data[i]);
        if (v < 0) {
            return WEIR_ERROR;
        }

        bits = (bits << 6) | (uint32_t) v;

        switch (i % 4) {

        case 1:
            dst[n++] = (uint8_t) (bits >> 4);
            break;

        case 2:
            dst[n++] = (uint8_t) (bits >> 2);
            break;

        case 3:
            dst[n++] = (uint8_t) bits;
            break;
        }
    }

    if ((src.len % 4 == 2 && (bits & 0x0f) != 0)
        || (src.len % 4 == 3 && (bits & 0x03) != 0))
    {
        return WEIR_ERROR;
    }

    *len = n;

    return WEIR_OK;
}


static int
weir_base64url_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    if (c == '-') {
        return 62;
    }

    if (c == '_') {
        return 63;
    }

    return -1;
}


size_t
weir_base64url_encode(uint8_t *dst, weir_str_t src)
{
    size_t          n;
    uint8_t        *start;
    const uint8_t  *p;

    p = src.data;
    start = dst;

    for (n = src.len; n >= 3; n -= 3, p += 3) {
        *dst++ = weir_base64url_alphabet[p[0] >> 2];
        *dst++ = weir_base64url_alphabet[(p[0] & 0x03) << 4 | p[1] >> 4];
        *dst++ = weir_base64url_alphabet[(p[1] & 0x0f) << 2 | p[2] >> 6];
        *dst++ = weir_base64url_alphabet[p[2] & 0x3f];
    }

    if (n == 1) {
        *dst++ = weir_base64url_alphabet[p[0] >> 2];
        *dst++ = weir_base64url_alphabet[(p[0] & 0x03) << 4];

    } else if (n == 2) {
        *dst++ = weir_base64url_alphabet[p[0] >> 2];
        *dst++ = weir_base64url_alphabet[(p[0] & 0x03) << 4 | p[1] >> 4];
        *dst++ = weir_base64url_alphabet[(p[1] & 0x0f) << 2];
    }

    return (size_t) (dst - start);
}
