
/*
 * Tests of lib/bundle: keys: what they sign, and the files they are in.
 */

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "bundle_make.h"
#include "weir_hash.h"


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

    /* the point of order 1, for which 01 00 .. is everybody's signature */

    memset(&pub, 0, sizeof(pub));
    pub.key[0] = 1;
    weir_public_key_pem(pem, &pub);
    assert_int_equal(weir_public_key_parse(&pub,
                                           (weir_str_t) {
                                               WEIR_PUBLIC_KEY_PEM_LEN, pem },
                                           &error), WEIR_ERROR);
    assert_string_equal(error.text,
                        "the key is weak: anybody can sign for it");

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


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        a_test(rfc8032),
        a_test(key_files),
    };

    return cmocka_run_group_tests(tests, keys_setup, NULL);
}
