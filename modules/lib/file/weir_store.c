
/*
 * Weir: what all kinds of stores have in common: words, names, errors.
 */

#include <stdio.h>

#include <openssl/evp.h>

#include "weir_store.h"


static const char  *weir_store_words[] = {
    "ok", "missing", "conflict", "too-large", "unreadable", "wrong-type",
    "corrupt", "invalid", "denied", "full", "busy", "no-memory",
    "unreachable", "other"
};


const char *
weir_store_word(weir_store_code_e code)
{
    if ((size_t) code >= sizeof(weir_store_words) / sizeof(char *)) {
        return "other";
    }

    return weir_store_words[code];
}


weir_store_code_e
weir_store_fail(weir_store_err_t *err, weir_store_code_e code, int sys,
    const char *fmt, ...)
{
    va_list  args;

    if (err != NULL) {
        err->code = code;
        err->sys = sys;

        va_start(args, fmt);
        vsnprintf(err->err.text, sizeof(err->err.text), fmt, args);
        va_end(args);
    }

    return code;
}


int
weir_store_kind_valid(weir_str_t kind)
{
    size_t   i;
    uint8_t  c;

    if (kind.len == 0 || kind.len > WEIR_STORE_KIND_MAX) {
        return 0;
    }

    for (i = 0; i < kind.len; i++) {
        c = kind.data[i];

        if (c >= 'a' && c <= 'z') {
            continue;
        }

        if (i == 0 || !((c >= '0' && c <= '9') || c == '-')) {
            return 0;
        }
    }

    return 1;
}


int
weir_store_name_valid(weir_str_t name)
{
    size_t   i;
    uint8_t  c;

    if (name.len == 0 || name.len > WEIR_STORE_NAME_MAX) {
        return 0;
    }

    for (i = 0; i < name.len; i++) {
        c = name.data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9') || c == '_')
        {
            continue;
        }

        if (i == 0 || (c != '.' && c != '-' && c != ':' && c != '@')) {
            return 0;
        }
    }

    return 1;
}


weir_store_code_e
weir_store_hash(uint8_t *hash, weir_str_t bytes, weir_store_err_t *err)
{
    const uint8_t  *p;

    p = bytes.len == 0 ? (const uint8_t *) "" : bytes.data;

    if (EVP_Digest(p, bytes.len, hash, NULL, EVP_sha256(), NULL) != 1) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    return WEIR_STORE_OK;
}


weir_store_code_e
weir_store_segments(const weir_store_segment_t *segments, uint32_t n,
    weir_store_err_t *err)
{
    uint8_t            hash[WEIR_STORE_HASH];
    uint32_t           i;
    weir_store_code_e  rc;

    for (i = 0; i < n; i++) {
        rc = weir_store_hash(hash, segments[i].bytes, err);

        if (rc != WEIR_STORE_OK) {
            return rc;
        }

        if (memcmp(hash, segments[i].hash, WEIR_STORE_HASH) != 0) {
            return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                                   "segment %u has another hash",
                                   (unsigned) i);
        }
    }

    return WEIR_STORE_OK;
}
