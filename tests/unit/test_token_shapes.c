
/*
 * Tests of lib/token: tokens of any shape but the right one, sizes, and
 * signatures that mean something to faulty code.
 */

#include "token_hostile.h"


static void
shapes(void **state)
{
    char      good[TOKEN_BUF], text[TOKEN_BUF], big[TOKEN_BUF];
    char     *h, *p, *s;
    size_t    i;
    unsigned  k;

    static const char  *plain[] = {
        "", ".", "..", "...", "....", "a", "a.", ".a", "a.b", "a.b.",
        ".b.c", "a..c", "..c", "a.b.c", "a.b.c.d", "a.b.c.d.e",
        "e30.e30.e30", "e30.e30.", "null.null.null", "Bearer", "undefined",
        "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJub25lIn0.e30.e30",
        "{\"payload\":\"e30\",\"signatures\":[]}", "%00", "\x01", "\x80",
        "AAAA.AAAA.AAAA", "eyJ.eyJ.eyJ"
    };

    (void) state;

    for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        hostile_str("shape", plain[i]);
    }

    strcpy(good, token_es256(OK_CLAIMS));
    assert_string_equal(verify(&issuer, good), "valid");

    strcpy(big, good);
    h = strtok(big, ".");
    p = strtok(NULL, ".");
    s = strtok(NULL, ".");

    /* five parts, four, three in another order, JWE's shape */

#define SHAPE(fmt, ...)                                                       \
    snprintf(text, sizeof(text), fmt, __VA_ARGS__);                           \
    hostile_str(fmt, text)

    SHAPE("%s.%s", h, p);
    SHAPE("%s.%s.", h, p);
    SHAPE("%s..%s", h, s);
    SHAPE(".%s.%s", p, s);
    SHAPE("%s.%s.%s.", h, p, s);
    SHAPE(".%s.%s.%s", h, p, s);
    SHAPE("%s.%s.%s.%s", h, p, s, s);
    SHAPE("%s.%s.%s.%s.%s", h, p, s, s, s);
    SHAPE("%s.%s.%s", p, h, s);
    SHAPE("%s.%s.%s", h, s, p);
    SHAPE("%s.%s.%s", h, h, s);
    SHAPE("%s.%s.%s=", h, p, s);
    SHAPE("%s.%s.%s==", h, p, s);
    SHAPE("%s=.%s.%s", h, p, s);
    SHAPE("%s.%s=.%s", h, p, s);
    SHAPE("%s.%s.%s ", h, p, s);
    SHAPE(" %s.%s.%s", h, p, s);
    SHAPE("%s .%s.%s", h, p, s);
    SHAPE("%s. %s.%s", h, p, s);
    SHAPE("%s.%s.%s\n", h, p, s);
    SHAPE("%s\n.%s.%s", h, p, s);
    SHAPE("%s\t.%s.%s", h, p, s);
    SHAPE("%s.%s.%s\r\n", h, p, s);
    SHAPE("%s.%s.%sA", h, p, s);
    SHAPE("%s.%s.%sAA", h, p, s);
    SHAPE("%s.%s.%sAAAA", h, p, s);
    SHAPE("%s.%s.A%s", h, p, s);
    SHAPE("%s.%s.AAAA%s", h, p, s);
    SHAPE("%s.%sAAAA.%s", h, p, s);
    SHAPE("%sAAAA.%s.%s", h, p, s);
    SHAPE("%s.%s.%.84s", h, p, s);
    SHAPE("%s.%s.%.43s", h, p, s);
    SHAPE("%s.%s.%s%s", h, p, s, s);
    SHAPE("%s?.%s.%s", h, p, s);
    SHAPE("%s.?%s.%s", h, p, s);
    SHAPE("%s.%s.?%s", h, p, s);
    SHAPE("%s!.%s.%s", h, p, s);
    SHAPE("%s.%s.%%%s", h, p, s);
    SHAPE("%s.%s.%s+", h, p, s);
    SHAPE("%s.%s.%s/", h, p, s);
    SHAPE("\"%s.%s.%s\"", h, p, s);
    SHAPE("Bearer %s.%s.%s", h, p, s);
    SHAPE("%s.%s.%s,%s.%s.%s", h, p, s, h, p, s);

    /* a NUL, and bytes above 127, at each dot and each end */

    for (k = 0; k < 3; k++) {
        snprintf(text, sizeof(text), "%s.%s.%s", h, p, s);
        i = k == 0 ? strlen(h) : k == 1 ? strlen(h) + strlen(p) + 1
                                        : strlen(text) - 1;
        text[i] = '\0';
        hostile("NUL", (weir_str_t) { strlen(good), (uint8_t *) text });
        text[i] = (char) 0xae;
        hostile("a byte like a dot", (weir_str_t) { strlen(good),
                                                    (uint8_t *) text });
    }

    /* bits that base64url leaves over must be zero: 2 of s, 64 bytes */

    for (k = 1; k < 4; k++) {
        static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi"
                                        "jklmnopqrstuvwxyz0123456789-_";
        const char        *c;

        strcpy(text, good);
        c = strchr(alphabet, text[strlen(text) - 1]);
        text[strlen(text) - 1] = alphabet[(c - alphabet) ^ k];
        hostile_str("unused bits", text);
    }

    /* one character changed, anywhere */

    for (i = 0; i < strlen(good); i += 3) {
        strcpy(text, good);

        if (text[i] == '.') {
            continue;
        }

        text[i] = text[i] == 'A' ? 'B' : 'A';
        hostile_str("a character changed", text);
    }

    /* cut, everywhere */

    for (i = 0; i < strlen(good); i += 5) {
        hostile("cut", (weir_str_t) { i, (uint8_t *) good });
    }

    /* sizes */

    memset(big, '.', sizeof(big));
    hostile("dots", (weir_str_t) { 8192, (uint8_t *) big });
    hostile("many dots", (weir_str_t) { sizeof(big), (uint8_t *) big });
    memset(big, 'A', sizeof(big));
    hostile("letters", (weir_str_t) { 8192, (uint8_t *) big });
    hostile("many letters", (weir_str_t) { sizeof(big), (uint8_t *) big });
    big[10] = big[20] = '.';
    hostile("long signature", (weir_str_t) { 8192, (uint8_t *) big });
    big[8000] = '.';
    big[10] = 'A';
    hostile("long header", (weir_str_t) { 8192, (uint8_t *) big });
}


static void
sizes(void **state)
{
    int       i;
    char     *big, *p;

    (void) state;

    big = malloc(65536);
    assert_non_null(big);

    strcpy(big, "{\"alg\":\"ES256\",\"x\":\"");
    p = big + strlen(big);
    memset(p, 'x', 2048);
    strcpy(p + 2048, "\"}");
    hostile_str("header of more than 2 KB", token(es256, WEIR_ALG_ES256, big,
                                                  OK_CLAIMS));

    strcpy(big, "{" CLAIMS ",\"x\":\"");
    p = big + strlen(big);
    memset(p, 'x', 8192);
    strcpy(p + 8192, "\"}");
    hostile_str("more than 8 KB", token_es256(big));

    strcpy(big, "{" CLAIMS ",\"x\":");
    for (i = 0; i < 16; i++) {
        strcat(big, "[");
    }
    for (i = 0; i < 16; i++) {
        strcat(big, "]");
    }
    strcat(big, "}");
    hostile_str("too deep", token_es256(big));

    strcpy(big, "{" CLAIMS ",\"x\":");
    for (i = 0; i < 2000; i++) {
        strcat(big, "[");
    }
    hostile_str("much too deep", token_es256(big));

    strcpy(big, "{" CLAIMS);
    for (i = 0; i < 253; i++) {
        sprintf(big + strlen(big), ",\"m%d\":1", i);
    }
    strcat(big, "}");
    hostile_str("too many members", token_es256(big));

    strcpy(big, "{\"alg\":\"ES256\"");
    for (i = 0; i < 256; i++) {
        sprintf(big + strlen(big), ",\"%c%c\":1", 'a' + i / 16, 'a' + i % 16);
    }
    strcat(big, "}");
    hostile_str("too many members of a header", token(es256, WEIR_ALG_ES256,
                                                      big, OK_CLAIMS));

    strcpy(big, "{" CLAIMS ",\"");
    p = big + strlen(big);
    memset(p, 'n', 3000);
    strcpy(p + 3000, "\":{");
    for (i = 0; i < 100; i++) {
        sprintf(big + strlen(big), "%s\"%d\":1", i ? "," : "", i);
    }
    strcat(big, "}}");
    hostile_str("paths that multiply", token_es256(big));

    strcpy(big, "{\"alg\":\"ES256\",\"kid\":\"");
    p = big + strlen(big);
    memset(p, 'k', 129);
    strcpy(p + 129, "\"}");
    hostile_str("a long kid", token(es256, WEIR_ALG_ES256, big, OK_CLAIMS));

    free(big);
}


static void
signatures(void **state)
{
    char      text[TOKEN_BUF], *dot;
    size_t    i, k;
    uint8_t   sig[512];
    unsigned  n;

    static const char  order[] =
        "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
        "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";

    static const struct {
        const char  *header;
        size_t       len;
    } algs[] = {
        { "{\"alg\":\"ES256\",\"kid\":\"es256\"}", 64 },
        { "{\"alg\":\"ES384\",\"kid\":\"es384\"}", 96 },
        { "{\"alg\":\"RS256\",\"kid\":\"rs256\"}", 256 },
        { "{\"alg\":\"PS256\",\"kid\":\"ps256\"}", 256 },
        { "{\"alg\":\"EdDSA\",\"kid\":\"eddsa\"}", 64 }
    };

    (void) state;

    /* signatures that mean something to faulty code, of all lengths */

    for (i = 0; i < 5; i++) {
        for (n = 0; n < 6; n++) {
            memset(sig, n == 0 ? 0 : n == 1 ? 0xff : 1, sizeof(sig));

            if (n == 3) {
                memset(sig, 0, sizeof(sig));
                sig[algs[i].len - 1] = 1;
            }

            strcpy(text, token(es256, WEIR_ALG_ES256, algs[i].header,
                               OK_CLAIMS));
            dot = strrchr(text, '.');
            dot[1] = '\0';
            k = n == 4 ? algs[i].len - 1 : n == 5 ? algs[i].len + 1
                                                  : algs[i].len;
            b64_cat(dot, sig, k);
            hostile_str("signature", text);
        }
    }

    /* r and s of 0, 1, n - 1, n in all combinations (CVE-2022-21449) */

    for (i = 0; i < 16; i++) {
        memset(sig, 0, 64);

        for (k = 0; k < 2; k++) {
            n = k == 0 ? i / 4 : i % 4;

            if (n == 1) {
                sig[32 * k + 31] = 1;

            } else if (n >= 2) {
                memcpy(sig + 32 * k, order, 32);
                sig[32 * k + 31] -= n == 2;
            }
        }

        strcpy(text, token_es256(OK_CLAIMS));
        dot = strrchr(text, '.');
        dot[1] = '\0';
        b64_cat(dot, sig, 64);
        hostile_str("r and s at the ends", text);
    }

    /* DER in place of r || s */

    {
        size_t       len;
        EVP_MD_CTX  *ctx;

        strcpy(text, token_es256(OK_CLAIMS));
        dot = strrchr(text, '.');
        *dot = '\0';
        ctx = EVP_MD_CTX_new();
        len = sizeof(sig);
        EVP_DigestSignInit(ctx, NULL, crypto.sha256, NULL, es256);
        assert_int_equal(EVP_DigestSign(ctx, sig, &len, (uint8_t *) text,
                                        strlen(text)), 1);
        EVP_MD_CTX_free(ctx);
        strcat(text, ".");
        b64_cat(text, sig, len);
        hostile_str("DER", text);
    }

    /* by another key, and by each key under each kid */

    hostile_str("another key", token(other, WEIR_ALG_ES256,
                algs[0].header, OK_CLAIMS));

    for (i = 0; i < 5; i++) {
        for (k = 0; k < 5; k++) {
            EVP_PKEY  *keys[5];

            keys[0] = es256;
            keys[1] = es384;
            keys[2] = rsa;
            keys[3] = rsa;
            keys[4] = eddsa;

            if (i == k) {
                continue;
            }

            hostile_str("another algorithm's signature",
                        token(keys[k], WEIR_ALG_ES256 + k, algs[i].header,
                              OK_CLAIMS));
        }
    }

    /* the parts of two good tokens exchanged */

    {
        char  a[TOKEN_BUF], *sa;

        strcpy(a, token_es256(OK_CLAIMS));
        sa = strrchr(a, '.');
        strcpy(text, token_es256("{" CLAIMS ",\"role\":\"admin\"}"));
        strcpy(strrchr(text, '.'), sa);
        hostile_str("the signature of another token", text);
    }
}


static void
enough(void **state)
{
    (void) state;

    printf("%u hostile tokens, none accepted\n", count);
    assert_true(count >= 260);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(sizes),
        cmocka_unit_test(signatures),
        cmocka_unit_test(enough),
    };

    return cmocka_run_group_tests(tests, hostile_setup,
                                  hostile_teardown);
}
