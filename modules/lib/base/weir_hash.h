
/*
 * Weir: keyed hashes and encodings of bytes.
 *
 * A hash that is not collision resistant never stands for what it hashes: it
 * finds a candidate, a full comparison decides.
 */

#ifndef WEIR_HASH_H_INCLUDED
#define WEIR_HASH_H_INCLUDED


#include "weir_base.h"


typedef struct {
    uint8_t  bytes[16];
} weir_hash_key_t;


/* SipHash-2-4 of len bytes (Aumasson, Bernstein 2012), 64 bits. */
uint64_t weir_siphash(const weir_hash_key_t *key, const void *data,
    size_t len);

/* SipHash-1-3 of len bytes, for tables inside one process or zone. */
uint64_t weir_siphash13(const weir_hash_key_t *key, const void *data,
    size_t len);

/* Lower case hex of len bytes into dst (2 * len bytes, no zero). */
void weir_hex(uint8_t *dst, const void *src, size_t len);

/* Decodes lower case hex, exactly len output bytes; 0 or WEIR_ERROR. */
int weir_unhex(uint8_t *dst, size_t len, weir_str_t hex);

/*
 * Base64url without padding (RFC 4648, 5; canonical as RFC 7515, 2 asks):
 * other characters, padding, impossible lengths and non-zero unused bits are
 * errors.  dst holds at least weir_base64url_decoded_len(src.len) bytes.
 * Returns WEIR_OK and *len, or WEIR_ERROR.
 */
int weir_base64url_decode(uint8_t *dst, size_t *len, weir_str_t src);
size_t weir_base64url_decoded_len(size_t len);

/* Encodes without padding; returns the bytes written: (len * 8 + 5) / 6. */
size_t weir_base64url_encode(uint8_t *dst, weir_str_t src);


#endif /* WEIR_HASH_H_INCLUDED */
