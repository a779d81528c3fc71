
/*
 * Weir: Ed25519 keys as files hold them, their ids, signing and verifying.
 */

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "weir_ed25519.h"
#include "weir_hash.h"
#include "weir_signer.h"
#include "weir_strict.h"


#define WEIR_PEM_BEGIN  "-----BEGIN "


/* PEM_read_bio_PUBKEY() and its like. */

typedef EVP_PKEY *(*weir_pem_read_pt)(BIO *bio, EVP_PKEY **pkey,
    pem_password_cb *password, void *ctx);


static int weir_key_read(EVP_PKEY **pkey, weir_pem_read_pt from,
    const char *what, weir_str_t pem, weir_err_t *err);
static int weir_key_password(char *buf, int size, int rwflag, void *ctx);
static int weir_key_one(weir_str_t pem, weir_err_t *err);
static int weir_key_fault(const char *what, weir_err_t *err);
static int weir_errors_memory(void);


/* What stands before the 32 bytes of a key (RFC 8410). */

static const uint8_t  weir_spki[] = {
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00
};

static const uint8_t  weir_pkcs8[] = {
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70,
    0x04, 0x22, 0x04, 0x20
};


int
weir_sha256(weir_str_t s, uint8_t *hash)
{
    int       rc;
    unsigned  n;

    rc = EVP_Digest(s.len != 0 ? s.data : hash, s.len, hash, &n, EVP_sha256(),
                    NULL);

    ERR_clear_error();

    return rc == 1 && n == WEIR_SHA256_LEN ? WEIR_OK : WEIR_NOMEM;
}


void
weir_hash_format(uint8_t *dst, const uint8_t *hash)
{
    memcpy(dst, "sha256:", 7);
    weir_hex(dst + 7, hash, WEIR_SHA256_LEN);
}


int
weir_hash_parse(weir_str_t s, uint8_t *hash)
{
    if (s.len != WEIR_HASH_TEXT || memcmp(s.data, "sha256:", 7) != 0) {
        return WEIR_ERROR;
    }

    s.data += 7;
    s.len -= 7;

    return weir_unhex(hash, WEIR_SHA256_LEN, s);
}


int
weir_public_key(weir_public_key_t *pub, const uint8_t *raw)
{
    uint8_t  hash[WEIR_SHA256_LEN];

    memcpy(pub->key, raw, WEIR_KEY_LEN);

    if (weir_sha256((weir_str_t) { WEIR_KEY_LEN, pub->key }, hash)
        != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    weir_hex(pub->id, hash, WEIR_KEYID_LEN / 2);

    return WEIR_OK;
}


int
weir_public_key_parse(weir_public_key_t *pub, weir_str_t pem,
    weir_err_t *err)
{
    int        rc;
    size_t     len;
    uint8_t    raw[WEIR_KEY_LEN];
    EVP_PKEY  *pkey;

    rc = weir_key_read(&pkey, PEM_read_bio_PUBKEY, "public", pem, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    len = WEIR_KEY_LEN;

    if (EVP_PKEY_get_raw_public_key(pkey, raw, &len) != 1
        || len != WEIR_KEY_LEN)
    {
        rc = weir_key_fault("public", err);

    } else if (weir_ed25519_weak(raw)) {
        rc = weir_err(err, "the key is weak: anybody can sign for it");

    } else {
        rc = weir_public_key(pub, raw);
    }

    EVP_PKEY_free(pkey);
    ERR_clear_error();

    return rc;
}


int
weir_signer(weir_signer_t *signer, const uint8_t *seed)
{
    int        rc;
    size_t     len;
    uint8_t    raw[WEIR_KEY_LEN];
    EVP_PKEY  *pkey;

    memcpy(signer->seed, seed, WEIR_KEY_LEN);

    pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
                                        WEIR_KEY_LEN);
    len = WEIR_KEY_LEN;

    if (pkey == NULL || EVP_PKEY_get_raw_public_key(pkey, raw, &len) != 1
        || len != WEIR_KEY_LEN)
    {
        rc = WEIR_NOMEM;

    } else {
        rc = weir_public_key(&signer->pub, raw);
    }

    EVP_PKEY_free(pkey);
    ERR_clear_error();

    return rc;
}


int
weir_signer_parse(weir_signer_t *signer, weir_str_t pem, weir_err_t *err)
{
    int        rc;
    size_t     len;
    uint8_t    seed[WEIR_KEY_LEN];
    EVP_PKEY  *pkey;

    rc = weir_key_read(&pkey, PEM_read_bio_PrivateKey, "unencrypted private",
                       pem, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    len = WEIR_KEY_LEN;

    if (EVP_PKEY_get_raw_private_key(pkey, seed, &len) != 1
        || len != WEIR_KEY_LEN)
    {
        rc = weir_key_fault("private", err);

    } else {
        rc = weir_signer(signer, seed);
    }

    OPENSSL_cleanse(seed, sizeof(seed));
    EVP_PKEY_free(pkey);
    ERR_clear_error();

    return rc;
}


/* The only key in a file, which must be of Ed25519.  what: for the message. */

static int
weir_key_read(EVP_PKEY **pkey, weir_pem_read_pt from, const char *what,
    weir_str_t pem, weir_err_t *err)
{
    int   rc;
    BIO  *bio;

    rc = weir_key_one(pem, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    bio = BIO_new_mem_buf(pem.data, (int) pem.len);

    if (bio == NULL) {
        ERR_clear_error();
        return WEIR_NOMEM;
    }

    *pkey = from(bio, NULL, weir_key_password, NULL);

    BIO_free(bio);

    if (*pkey == NULL) {
        return weir_key_fault(what, err);
    }

    if (EVP_PKEY_id(*pkey) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(*pkey);
        ERR_clear_error();
        return weir_err(err, "the key is not of Ed25519");
    }

    return WEIR_OK;
}


/* Nobody is asked for a password. */

static int
weir_key_password(char *buf, int size, int rwflag, void *ctx)
{
    (void) buf;
    (void) size;
    (void) rwflag;
    (void) ctx;

    return -1;
}


/* Of two keys in a file one would silently not count. */

static int
weir_key_one(weir_str_t pem, weir_err_t *err)
{
    size_t    i, n;
    unsigned  found;

    if (pem.len > WEIR_KEY_PEM_MAX) {
        return weir_err(err, "the file of a key has at most %d bytes",
                        WEIR_KEY_PEM_MAX);
    }

    n = sizeof(WEIR_PEM_BEGIN) - 1;
    found = 0;

    for (i = 0; i + n <= pem.len; i++) {
        found += memcmp(pem.data + i, WEIR_PEM_BEGIN, n) == 0;
    }

    if (found != 1) {
        return weir_err(err, found == 0 ? "there is no key in PEM form"
                                        : "there is more than one key");
    }

    return WEIR_OK;
}


static int
weir_key_fault(const char *what, weir_err_t *err)
{
    if (weir_errors_memory()) {
        return WEIR_NOMEM;
    }

    return weir_err(err, "there is no %s key in PEM form", what);
}


/* Empties OpenSSL's errors; 1 if one of them is the lack of memory. */

static int
weir_errors_memory(void)
{
    int            memory;
    unsigned long  e;

    memory = 0;

    while ((e = ERR_get_error()) != 0) {
        if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE) {
            memory = 1;
        }
    }

    return memory;
}


void
weir_signer_wipe(weir_signer_t *signer)
{
    OPENSSL_cleanse(signer, sizeof(weir_signer_t));
}


void
weir_signer_pem(uint8_t *dst, const weir_signer_t *signer)
{
    uint8_t        der[sizeof(weir_pkcs8) + WEIR_KEY_LEN];
    weir_writer_t  w;

    memcpy(der, weir_pkcs8, sizeof(weir_pkcs8));
    memcpy(der + sizeof(weir_pkcs8), signer->seed, WEIR_KEY_LEN);

    w.data = dst;
    w.len = 0;

    weir_write_literal(&w, WEIR_PEM_BEGIN "PRIVATE KEY-----\n");
    w.len += weir_base64_encode(dst + w.len,
                                (weir_str_t) { sizeof(der), der });
    weir_write_literal(&w, "\n-----END PRIVATE KEY-----\n");

    OPENSSL_cleanse(der, sizeof(der));
}


void
weir_public_key_pem(uint8_t *dst, const weir_public_key_t *pub)
{
    uint8_t        der[sizeof(weir_spki) + WEIR_KEY_LEN];
    weir_writer_t  w;

    memcpy(der, weir_spki, sizeof(weir_spki));
    memcpy(der + sizeof(weir_spki), pub->key, WEIR_KEY_LEN);

    w.data = dst;
    w.len = 0;

    weir_write_literal(&w, WEIR_PEM_BEGIN "PUBLIC KEY-----\n");
    w.len += weir_base64_encode(dst + w.len,
                                (weir_str_t) { sizeof(der), der });
    weir_write_literal(&w, "\n-----END PUBLIC KEY-----\n");
}


int
weir_signer_sign(const weir_signer_t *signer, weir_str_t data, uint8_t *sig)
{
    int          rc;
    size_t       len;
    EVP_PKEY    *pkey;
    EVP_MD_CTX  *ctx;

    rc = WEIR_NOMEM;
    len = WEIR_SIGNATURE_LEN;

    pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, signer->seed,
                                        WEIR_KEY_LEN);
    ctx = EVP_MD_CTX_new();

    if (pkey != NULL && ctx != NULL
        && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1
        && EVP_DigestSign(ctx, sig, &len, data.data, data.len) == 1
        && len == WEIR_SIGNATURE_LEN)
    {
        rc = WEIR_OK;
    }

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    ERR_clear_error();

    return rc;
}


int
weir_signature_verify(const weir_public_key_t *pub, weir_str_t data,
    const uint8_t *sig)
{
    int          rc, valid;
    EVP_PKEY    *pkey;
    EVP_MD_CTX  *ctx;

    rc = WEIR_NOMEM;

    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub->key,
                                       WEIR_KEY_LEN);
    ctx = EVP_MD_CTX_new();

    if (pkey != NULL && ctx != NULL
        && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1)
    {
        valid = EVP_DigestVerify(ctx, sig, WEIR_SIGNATURE_LEN, data.data,
                                 data.len);

        if (valid == 1) {
            rc = WEIR_OK;

        } else if (valid == 0 && !weir_errors_memory()) {
            rc = WEIR_DECLINED;
        }
    }

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    ERR_clear_error();

    return rc;
}
