
/*
 * Tests of lib/bundle: keys, signatures, base64 and envelopes.
 */

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "bundle_make.h"
#include "weir_hash.h"


#define SPACED  "{ \"signatures\" : [ { \"sig\" : \"%.*s\" ,\n \"keyid\": "    \
                "\"%.16s\" } ],\t\"payload\" :\"%.*s\", \"payloadType\" : "   \
                "\"application\\/vnd.weir.split.v1+json\" }\r\n"


static void
unhex(uint8_t *dst, const char *hex)
{
    assert_int_equal(weir_unhex(dst, strlen(hex) / 2, str(hex)), WEIR_OK);
}


/* RFC 8032, 7.1: TEST 1, 2, 3 and 1024 bytes less: SHA(abc). */

static void
rfc8032(void **state)
{
    size_t         i, len;
    uint8_t        seed[32], raw[32], msg[64], want[64], sig[64];
    weir_signer_t  signer;

    static const struct {
        const char  *seed, *raw, *msg, *sig;
    } v[] = {
        { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
          "",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
          "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
        { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
          "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
          "72",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
        { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
          "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
          "af82",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
          "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
        { "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
          "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
          "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
          "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704" }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        unhex(seed, v[i].seed);
        unhex(raw, v[i].raw);
        unhex(want, v[i].sig);
        unhex(msg, v[i].msg);
        len = strlen(v[i].msg) / 2;

        assert_int_equal(weir_signer(&signer, seed), WEIR_OK);
        assert_memory_equal(signer.pub.key, raw, 32);

        assert_int_equal(weir_signer_sign(&signer,
                                          (weir_str_t) { len, msg }, sig),
                         WEIR_OK);
        assert_memory_equal(sig, want, 64);

        assert_int_equal(weir_signature_verify(&signer.pub,
                                               (weir_str_t) { len, msg },
                                               want),
                         WEIR_OK);

        want[i] ^= 1;
        assert_int_equal(weir_signature_verify(&signer.pub,
                                               (weir_str_t) { len, msg },
                                               want),
                         WEIR_DECLINED);
        want[i] ^= 1;
        msg[0] ^= 1;
        assert_int_equal(weir_signature_verify(&signer.pub,
                                               (weir_str_t) { len + 1, msg },
                                               want),
                         WEIR_DECLINED);
    }

    /* the key id is of SHA-256 of the raw key */

    unhex(raw, v[0].raw);
    assert_int_equal(weir_sha256((weir_str_t) { 32, raw }, msg), WEIR_OK);
    unhex(seed, v[0].seed);
    assert_int_equal(weir_signer(&signer, seed), WEIR_OK);
    weir_hex(sig, msg, 8);
    assert_memory_equal(sig, signer.pub.id, 16);

    /* and "21fe31dfa154a261..." as any sha256sum says */

    assert_memory_equal(signer.pub.id, "21fe31dfa154a261", 16);

    weir_signer_wipe(&signer);
    memset(seed, 0, sizeof(seed));
    assert_memory_equal(signer.seed, seed, 32);
}


/* protocol.md of DSSE, "Test Vectors". */

static void
dsse_vector(void **state)
{
    (void) state;

    assert_str(weir_pae(&arena, weir_str("http://example.com/HelloWorld"),
                        weir_str("hello world")),
               "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_str(weir_pae(&arena, weir_str(""), weir_str("")), "DSSEv1 0  0 ");
}


/* Files as openssl makes them, and as it reads them. */

static void
key_files(void **state)
{
    BIO             *bio;
    long             n;
    char            *text;
    uint8_t          raw[WEIR_KEY_LEN], pem[256];
    size_t           len;
    EVP_PKEY        *pkey;
    weir_signer_t    again;

    weir_public_key_t  pub;

    (void) state;

    len = sizeof(raw);
    pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, keys[0].seed,
                                        WEIR_KEY_LEN);
    assert_non_null(pkey);
    assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, raw, &len), 1);
    assert_memory_equal(raw, keys[0].pub.key, WEIR_KEY_LEN);

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0,
                                                   NULL, NULL), 1);
    n = BIO_get_mem_data(bio, &text);
    weir_signer_pem(pem, &keys[0]);
    assert_int_equal(n, WEIR_SIGNER_PEM_LEN);
    assert_memory_equal(pem, text, (size_t) n);
    assert_int_equal(weir_signer_parse(&again,
                                       (weir_str_t) { (size_t) n, pem },
                                       &error), WEIR_OK);
    assert_memory_equal(&again, &keys[0], sizeof(again));

    /* a private key is no public one */

    assert_int_equal(weir_public_key_parse(&pub,
                                           (weir_str_t) { (size_t) n, pem },
                                           &error), WEIR_ERROR);
    BIO_free(bio);

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
    n = BIO_get_mem_data(bio, &text);
    weir_public_key_pem(pem, &keys[0].pub);
    assert_int_equal(n, WEIR_PUBLIC_KEY_PEM_LEN);
    assert_memory_equal(pem, text, (size_t) n);
    assert_int_equal(weir_public_key_parse(&pub,
                                           (weir_str_t) { (size_t) n, pem },
                                           &error), WEIR_OK);
    assert_memory_equal(&pub, &keys[0].pub, sizeof(pub));
    assert_int_equal(weir_signer_parse(&again,
                                       (weir_str_t) { (size_t) n, pem },
                                       &error), WEIR_ERROR);

    /* two in a file, none, a broken one, too much */

    memcpy(pem + n, pem, (size_t) n);
    assert_int_equal(weir_public_key_parse(&pub,
                                           (weir_str_t) { 2 * (size_t) n,
                                                          pem }, &error),
                     WEIR_ERROR);
    assert_string_equal(error.text, "there is more than one key");
    assert_int_equal(weir_public_key_parse(&pub, weir_str(""), &error),
                     WEIR_ERROR);
    pem[60] = '!';
    assert_int_equal(weir_public_key_parse(&pub,
                                           (weir_str_t) { (size_t) n, pem },
                                           &error), WEIR_ERROR);
    assert_int_equal(weir_public_key_parse(&pub,
                                           (weir_str_t) {
                                               WEIR_KEY_PEM_MAX + 1, pem },
                                           &error), WEIR_ERROR);
    BIO_free(bio);
    EVP_PKEY_free(pkey);

    /* another algorithm; an encrypted one asks nobody */

    pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
    n = BIO_get_mem_data(bio, &text);
    assert_int_equal(weir_public_key_parse(&pub,
                                           (weir_str_t) { (size_t) n,
                                               (uint8_t *) text }, &error),
                     WEIR_ERROR);
    assert_string_equal(error.text, "the key is not of Ed25519");
    BIO_free(bio);
    EVP_PKEY_free(pkey);

    pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey,
                                                   EVP_aes_128_cbc(), "pw",
                                                   2, NULL, NULL), 1);
    n = BIO_get_mem_data(bio, &text);
    assert_int_equal(weir_signer_parse(&again,
                                       (weir_str_t) { (size_t) n,
                                           (uint8_t *) text }, &error),
                     WEIR_ERROR);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}


static void
base64(void **state)
{
    size_t      i, j, n, len;
    uint8_t     raw[80], text[160], back[160];
    weir_str_t  s;

    /* RFC 4648, 10 */

    static const char  *const  v[] = {
        "", "", "f", "Zg==", "fo", "Zm8=", "foo", "Zm9v", "foob", "Zm9vYg==",
        "fooba", "Zm9vYmE=", "foobar", "Zm9vYmFy"
    };

    static const char  *const  bad[] = {
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "=", "Zg==Zg==", "Zm9vYg=",
        "Zm 9v===", "Zm-_", "Z===", "Zg==\n", "Zm9v\n", "Zm9vYh==", "A=A=",
        "Zm8=Zm8="
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i += 2) {
        n = weir_base64_encode(text, str(v[i]));
        assert_int_equal(n, strlen(v[i + 1]));
        assert_memory_equal(text, v[i + 1], n);
        assert_int_equal(weir_base64_decode(back, &len, str(v[i + 1])),
                         WEIR_OK);
        assert_int_equal(len, strlen(v[i]));
        assert_memory_equal(back, v[i], len);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(weir_base64_decode(back, &len, str(bad[i])),
                         WEIR_ERROR);
    }

    /* as OpenSSL's encoder; and what decodes has one spelling only */

    for (i = 0; i <= sizeof(raw); i++) {
        assert_int_equal(RAND_bytes(raw, sizeof(raw)), 1);
        n = weir_base64_encode(text, (weir_str_t) { i, raw });
        assert_int_equal(EVP_EncodeBlock(back, raw, (int) i), n);
        assert_memory_equal(text, back, n);

        for (j = 0; j < n; j++) {
            text[j] ^= 1 + (uint8_t) (i % 64);
            s = (weir_str_t) { n, text };

            if (weir_base64_decode(back, &len, s) == WEIR_OK) {
                assert_true(len != i || memcmp(back, raw, i) != 0);
            }

            text[j] ^= 1 + (uint8_t) (i % 64);
        }
    }
}


static void
round_trip(void **state)
{
    char             buf[4096], *sig, *payload;
    weir_str_t       text, again;
    weir_trust_t     t;
    weir_refusal_e   why;
    weir_envelope_t  e, f;
    unsigned         good;

    (void) state;

    text = seal(WEIR_KIND_SPLIT, weir_str("{\"x\":\xc3\xbc}"), 0x3);

    assert_int_equal(weir_envelope_parse(&e, &arena, text, &why, &error),
                     WEIR_OK);
    assert_int_equal(e.kind, WEIR_KIND_SPLIT);
    assert_int_equal(e.nsigs, 2);
    assert_str(e.payload, "{\"x\":\xc3\xbc}");
    assert_int_equal(weir_envelope_format(&e, &arena, &again), WEIR_OK);
    assert_true(weir_str_eq(text, again));

    /* a signer that signs again is not there twice */

    assert_int_equal(weir_envelope_sign(&e, &arena, &keys[1]), WEIR_OK);
    assert_int_equal(e.nsigs, 2);
    assert_int_equal(weir_envelope_format(&e, &arena, &again), WEIR_OK);
    assert_true(weir_str_eq(text, again));

    /* the hash is the payload's: a further signature leaves it */

    assert_int_equal(weir_envelope_sign(&e, &arena, &keys[2]), WEIR_OK);
    assert_int_equal(e.nsigs, 3);
    assert_int_equal(weir_envelope_format(&e, &arena, &again), WEIR_OK);
    assert_int_equal(weir_envelope_parse(&f, &arena, again, &why, &error),
                     WEIR_OK);
    assert_memory_equal(e.hash, f.hash, 32);

    /* white space, order and escapes are JSON's own business */

    text = seal(WEIR_KIND_SPLIT, weir_str("{}"), 0x1);
    payload = strstr((const char *) text.data, "\"payload\":\"") + 11;
    sig = strstr((const char *) text.data, "\"sig\":\"") + 7;

    (void) snprintf(buf, sizeof(buf), SPACED, 88, sig,
                    (const char *) keys[0].pub.id, 4, payload);

    t = trust_in(1);
    assert_int_equal(weir_envelope_parse(&e, &arena, str(buf), &why, &error),
                     WEIR_OK);
    assert_int_equal(weir_trust_verify(&t, &arena, &e, WEIR_ROLE_SPLIT, &good,
                                       &why, &error), WEIR_OK);
    assert_int_equal(good, 1);
}


static void
strictness(void **state)
{
    size_t           i;
    char             buf[8192];
    weir_refusal_e   why;
    weir_envelope_t  e;

#define TYPE  "\"payloadType\":\"application/vnd.weir.split.v1+json\""
#define SIG                                                                   \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
    "AAAAAAAAAAAAAA=="
#define ONE  "{\"keyid\":\"0123456789abcdef\",\"sig\":\"" SIG "\"}"

    static const struct {
        const char  *text, *word;
    } v[] = {
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]}", "" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[" ONE "]}", "" },
        { "{" TYPE ",\"payload\":\"\",\"signatures\":[]}", "" },

        { "", "truncated" },
        { "  ", "truncated" },
        { "{", "truncated" },
        { "{" TYPE, "truncated" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]", "truncated" },
        { "{" TYPE ",\"payload\":\"e30", "truncated" },
        { "{" TYPE ",\"payload\":\"e30\\", "truncated" },

        { "garbage", "bad-signature" },
        { "[]", "bad-signature" },
        { "null", "bad-signature" },
        { "{}", "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]}{}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]} x",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]},",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[],}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[}}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\"}", "bad-signature" },
        { "{" TYPE ",\"signatures\":[]}", "bad-signature" },
        { "{\"payload\":\"e30=\",\"signatures\":[]}", "bad-signature" },
        { "{" TYPE "," TYPE ",\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"payload\":\"e30=\","
          "\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[],"
          "\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[],\"x\":1}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":7,\"signatures\":[]}", "bad-signature" },
        { "{" TYPE ",\"payload\":null,\"signatures\":[]}", "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":{}}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":null}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e31=\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e3_=\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e3\n0=\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"\\u00e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{\"payloadType\":\"application/vnd.weir.splat.v1+json\","
          "\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{\"payloadType\":\"application/vnd.weir.split.v2+json\","
          "\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{\"payloadType\":\"application/vnd.weir.v1+json\","
          "\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{\"payloadType\":\"\",\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{\"payloadType\":null,\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[{}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789abcdef\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"sig\":\"" SIG "\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789ABCDEF\",\"sig\":\"" SIG "\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789abcde\",\"sig\":\"" SIG "\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789abcdef\",\"sig\":\"AAAA\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789abcdef\",\"sig\":\"" SIG "\","
          "\"cert\":\"\"}]}",
          "bad-signature" },
        { "{" TYPE ",\"payload\":\"e30=\",\"signatures\":["
          "{\"keyid\":\"0123456789abcdef\",\"keyid\":\"0123456789abcdef\","
          "\"sig\":\"" SIG "\"}]}",
          "bad-signature" },
        { "\xef\xbb\xbf{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]}",
          "bad-signature" }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        why = WEIR_REFUSAL_NONE;
        error.text[0] = '\0';

        if (weir_envelope_parse(&e, &arena, str(v[i].text), &why, &error)
            != WEIR_OK)
        {
            assert_true(error.text[0] != '\0');
        }

        assert_word(why, v[i].word);
    }

    /* 16 signatures, and one more */

    for (i = 16; i <= 17; i++) {
        size_t  n;

        strcpy(buf, "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[" ONE);
        for (n = 1; n < i; n++) {
            strcat(buf, "," ONE);
        }
        strcat(buf, "]}");

        why = WEIR_REFUSAL_NONE;
        (void) weir_envelope_parse(&e, &arena, str(buf), &why, &error);
        assert_word(why, i == 16 ? "" : "too-large");
    }
}


/* 64 KiB are read, a byte more is not; a writer never makes more. */

static void
size_limit(void **state)
{
    uint8_t         *p, *payload;
    size_t           n;
    weir_str_t       text;
    weir_refusal_e   why;
    weir_envelope_t  e;

    (void) state;

    text = seal(WEIR_KIND_BUNDLE, weir_str("{}"), 0x1);

    p = weir_arena_alloc(&arena, WEIR_ENVELOPE_MAX + 1);
    memset(p, ' ', WEIR_ENVELOPE_MAX + 1);
    memcpy(p, text.data, text.len);

    assert_int_equal(weir_envelope_parse(&e, &arena,
                                         (weir_str_t) { WEIR_ENVELOPE_MAX,
                                                        p }, &why, &error),
                     WEIR_OK);
    assert_int_equal(weir_envelope_parse(&e, &arena,
                                         (weir_str_t) { WEIR_ENVELOPE_MAX + 1,
                                                        p }, &why, &error),
                     WEIR_DECLINED);
    assert_word(why, "too-large");

    /* what writers may put in fits with all the signatures there can be */

    payload = weir_arena_alloc(&arena, WEIR_ENVELOPE_MAX);
    memset(payload, 'x', WEIR_ENVELOPE_MAX);

    assert_int_equal(weir_envelope_make(&e, WEIR_KIND_REVOCATIONS,
                                        (weir_str_t) { WEIR_PAYLOAD_MAX,
                                                       payload }), WEIR_OK);
    e.nsigs = WEIR_ENVELOPE_SIGNATURES;
    memset(e.sigs, '0', sizeof(e.sigs));
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    assert_true(text.len <= WEIR_ENVELOPE_MAX);

    assert_int_equal(weir_envelope_sign(&e, &arena, &keys[0]),
                     WEIR_DECLINED);

    /* exactly at the limit, and over it */

    e.nsigs = 0;
    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_OK);
    n = WEIR_PAYLOAD_MAX + (WEIR_ENVELOPE_MAX - text.len) / 4 * 3;

    for (e.payload.len = n - 6; e.payload.len < n + 6; e.payload.len++) {
        int  rc;

        rc = weir_envelope_format(&e, &arena, &text);

        if (rc == WEIR_OK) {
            weir_envelope_t  f;

            assert_true(text.len <= WEIR_ENVELOPE_MAX);
            assert_int_equal(weir_envelope_parse(&f, &arena, text, &why,
                                                 &error), WEIR_OK);
            assert_int_equal(f.payload.len, e.payload.len);

        } else {
            assert_int_equal(rc, WEIR_DECLINED);
            assert_true(e.payload.len > n - 3);
        }
    }

    assert_int_equal(weir_envelope_format(&e, &arena, &text), WEIR_DECLINED);
}


static void
accept_ok(weir_kind_e kind, weir_str_t id, weir_str_t text, int expect)
{
    int            rc;
    weir_arena_t   a, keep;
    weir_trust_t   t;
    weir_accept_t  r;
    weir_expect_t  x;

    weir_arena_init(&a, &weir_alloc_malloc, WEIR_ENVELOPE_ARENA);

    memset(&x, 0, sizeof(x));
    t = trust_in(2);
    t.thresholds[0] = 2;
    t.thresholds[1] = 2;
    x.trust = &t;
    x.ns = weir_str("prod");
    x.kind = kind;
    x.id = id;
    x.now = NOW;

    keep = arena;
    rc = weir_accept(&r, &a, &x, text, &error);
    assert_memory_equal(&keep, &arena, sizeof(arena));

    if (rc != expect || (rc == WEIR_DECLINED && r.why == WEIR_REFUSAL_NONE)) {
        fail_msg("%d %s: %s", rc,
                 (const char *) weir_refusal_word(r.why).data, error.text);
    }

    weir_arena_done(&a);
}


/* Every byte, each of its bits and some more values: refused. */

static void
tampered(weir_kind_e kind, const char *id, weir_str_t text)
{
    size_t    i, j;
    uint8_t  *p;

    static const uint8_t  others[] = { 0, ' ', '"', '\\', 'A', '=', 0xff };

    p = weir_arena_alloc(&arena, text.len + 1);
    memcpy(p, text.data, text.len);

    accept_ok(kind, str(id), (weir_str_t) { text.len, p }, WEIR_OK);

    for (i = 0; i < text.len; i++) {

        for (j = 0; j < 8 + sizeof(others); j++) {
            p[i] = j < 8 ? text.data[i] ^ (uint8_t) (1u << j)
                         : others[j - 8];

            if (p[i] != text.data[i]) {
                accept_ok(kind, str(id), (weir_str_t) { text.len, p },
                          WEIR_DECLINED);
            }
        }

        p[i] = text.data[i];

        /* cut off there, and the byte left out */

        accept_ok(kind, str(id), (weir_str_t) { i, p }, WEIR_DECLINED);

        memmove(p + i, text.data + i + 1, text.len - i - 1);
        accept_ok(kind, str(id), (weir_str_t) { text.len - 1, p },
                  WEIR_DECLINED);
        memcpy(p, text.data, text.len);
    }
}


static void
tampered_bundle(void **state)
{
    weir_document_t  d;

    (void) state;

    d = head_make(7);
    tampered(WEIR_KIND_BUNDLE, WEIR_BUNDLE_ID, sealed(&d, 0x3));
}


static void
tampered_split(void **state)
{
    weir_document_t  d;

    (void) state;

    d = split_make("checkout", 3);
    tampered(WEIR_KIND_SPLIT, "checkout", sealed(&d, 0x3));
}


static void
words(void **state)
{
    int  i;

    static const char  *const  reasons =
        " untrusted unsigned role threshold bad-signature namespace epoch "
        "expired older version-jump same-version-differs truncated too-large "
        "policy-error missing-policy unknown-name";

    char  all[512] = "";

    (void) state;

    for (i = 0; i < WEIR_REFUSALS; i++) {
        strcat(all, i == 0 ? "" : " ");
        strcat(all, (const char *) weir_refusal_word((weir_refusal_e)
                                                     i).data);
        assert_int_equal(strlen((const char *)
                                weir_refusal_word((weir_refusal_e) i).data),
                         weir_refusal_word((weir_refusal_e) i).len);
    }

    assert_string_equal(all, reasons);
    assert_word((weir_refusal_e) WEIR_REFUSALS, "");

    for (i = 1; i < WEIR_KINDS; i++) {
        assert_int_equal(weir_kind(weir_kind_word((weir_kind_e) i)), i);
    }

    assert_int_equal(weir_kind(weir_str("")), WEIR_KIND_NONE);
    assert_int_equal(weir_kind(weir_str("bundles")), WEIR_KIND_NONE);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        a_test(rfc8032),
        a_test(dsse_vector),
        a_test(key_files),
        a_test(base64),
        a_test(round_trip),
        a_test(strictness),
        a_test(size_limit),
        a_test(tampered_bundle),
        a_test(tampered_split),
        a_test(words),
    };

    return cmocka_run_group_tests(tests, keys_setup, NULL);
}
