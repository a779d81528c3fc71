
/*
 * Tests of lib/bundle: fences, their file, and the audit trail.
 */

#include "bundle_make.h"


static weir_refusal_e  why;


static weir_fence_t
fence_at(const char *name, uint64_t epoch, uint64_t version, int hash)
{
    weir_fence_t  f;

    f.name = str(name);
    f.epoch = epoch;
    f.version = version;
    memset(f.hash, hash, sizeof(f.hash));

    return f;
}


static int
raise(weir_fences_t *f, const char *name, uint64_t epoch, uint64_t version,
    int hash)
{
    weir_fence_t  fence;

    fence = fence_at(name, epoch, version, hash);

    return weir_fences_raise(f, &fence);
}


static void
raised(void **state)
{
    char                 name[64];
    unsigned             i;
    weir_fences_t        f, g;
    const weir_fence_t  *p;

    (void) state;

    weir_fences_init(&f, &arena, weir_str("prod"));
    assert_null(weir_fences_find(&f, weir_str("bundle/head")));

    assert_int_equal(raise(&f, "split/checkout", 0, 3, 1), WEIR_OK);
    assert_int_equal(raise(&f, "bundle/head", 0, 42, 2), WEIR_OK);
    assert_int_equal(raise(&f, "split/search", 0, 1, 3), WEIR_OK);
    assert_int_equal(f.n, 3);

    /* again, lower, another content, higher, a higher epoch */

    assert_int_equal(raise(&f, "split/checkout", 0, 3, 1), WEIR_OK);
    assert_int_equal(raise(&f, "split/checkout", 0, 2, 1), WEIR_DECLINED);
    assert_int_equal(raise(&f, "split/checkout", 0, 3, 9), WEIR_DECLINED);
    p = weir_fences_find(&f, weir_str("split/checkout"));
    assert_int_equal(p->version, 3);
    assert_int_equal(p->hash[0], 1);

    assert_int_equal(raise(&f, "split/checkout", 0, 4, 4), WEIR_OK);
    assert_int_equal(raise(&f, "split/checkout", 1, 1, 5), WEIR_OK);
    assert_int_equal(raise(&f, "split/checkout", 0, UINT64_MAX, 6),
                     WEIR_DECLINED);
    p = weir_fences_find(&f, weir_str("split/checkout"));
    assert_int_equal(p->epoch, 1);
    assert_int_equal(p->version, 1);
    assert_int_equal(p->hash[0], 5);
    assert_int_equal(f.n, 3);

    /* merging takes the higher of each */

    weir_fences_init(&g, &arena, weir_str("prod"));
    assert_int_equal(raise(&g, "bundle/head", 0, 41, 7), WEIR_OK);
    assert_int_equal(raise(&g, "split/search", 0, 9, 7), WEIR_OK);
    assert_int_equal(raise(&g, "key/k1", 0, 1, 7), WEIR_OK);
    assert_int_equal(weir_fences_merge(&f, &g), WEIR_OK);
    assert_int_equal(f.n, 4);
    assert_int_equal(weir_fences_find(&f, weir_str("bundle/head"))->version,
                     42);
    assert_int_equal(weir_fences_find(&f, weir_str("split/search"))->version,
                     9);
    assert_int_equal(weir_fences_merge(&f, &f), WEIR_OK);

    weir_fences_init(&g, &arena, weir_str("prod"));
    assert_int_equal(raise(&g, "bundle/head", 0, 42, 7), WEIR_OK);
    assert_int_equal(raise(&g, "key/k2", 0, 1, 7), WEIR_OK);
    assert_int_equal(weir_fences_merge(&f, &g), WEIR_DECLINED);
    assert_int_equal(weir_fences_find(&f, weir_str("bundle/head"))->hash[0],
                     2);
    assert_int_equal(f.n, 5);

    /* bounded */

    for (i = f.n; i < WEIR_FENCES_MAX; i++) {
        (void) snprintf(name, sizeof(name), "key/%u", i * 2654435761u);
        assert_int_equal(raise(&f, name, 0, i, (int) i), WEIR_OK);
    }

    assert_int_equal(raise(&f, "key/one-more", 0, 1, 1), WEIR_ERROR);
    assert_int_equal(raise(&f, "bundle/head", 0, 43, 1), WEIR_OK);

    for (i = 1; i < f.n; i++) {
        assert_true(weir_str_cmp(f.fences[i - 1].name, f.fences[i].name) < 0);
    }
}


static void
file(void **state)
{
    size_t         i, j;
    uint8_t       *p;
    weir_str_t     text, again;
    weir_fences_t  f, g;

    (void) state;

    weir_fences_init(&f, &arena, weir_str("prod"));

    text = weir_fences_format(&f, &arena);
    assert_int_equal(weir_fences_parse(&g, &arena, text, &error), WEIR_OK);
    assert_int_equal(g.n, 0);

    assert_int_equal(raise(&f, "split/checkout", 0, 3, 1), WEIR_OK);
    assert_int_equal(raise(&f, "bundle/head", UINT64_MAX, UINT64_MAX, 0xab),
                     WEIR_OK);
    assert_int_equal(raise(&f, "freeze/bundle/head", 0, 1, 3), WEIR_OK);
    text = weir_fences_format(&f, &arena);

    assert_non_null(strstr((const char *) text.data,
                           "weir-fences 1 prod\n"
                           "bundle/head 18446744073709551615 "
                           "18446744073709551615 sha256:abababab"));

    assert_int_equal(weir_fences_parse(&g, &arena, text, &error), WEIR_OK);
    assert_str(g.ns, "prod");
    assert_int_equal(g.n, 3);
    assert_true(weir_fences_find(&g, weir_str("bundle/head"))->version
                == UINT64_MAX);
    again = weir_fences_format(&g, &arena);
    assert_true(weir_str_eq(text, again));

    /* torn anywhere, changed anywhere */

    p = weir_arena_alloc(&arena, text.len + 1);
    memcpy(p, text.data, text.len);

    for (i = 0; i < text.len; i++) {
        assert_int_equal(weir_fences_parse(&g, &arena,
                                           (weir_str_t) { i, p }, &error),
                         WEIR_ERROR);

        for (j = 0; j < 8; j++) {
            p[i] ^= (uint8_t) (1u << j);
            assert_int_equal(weir_fences_parse(&g, &arena,
                                               (weir_str_t) { text.len, p },
                                               &error), WEIR_ERROR);
            p[i] ^= (uint8_t) (1u << j);
        }
    }

    p[text.len] = '\n';
    assert_int_equal(weir_fences_parse(&g, &arena,
                                       (weir_str_t) { text.len + 1, p },
                                       &error), WEIR_ERROR);
    assert_int_equal(weir_fences_parse(&g, &arena, weir_str(""), &error),
                     WEIR_ERROR);
    assert_int_equal(weir_fences_parse(&g, &arena, (weir_str_t) {
                                       WEIR_FENCES_TEXT + 1, p }, &error),
                     WEIR_ERROR);
}


/* A file with the right hash, and yet no file of fences. */

static void
file_lines(void **state)
{
    size_t         i;
    uint8_t       *p, hash[32];
    weir_str_t     text;
    weir_fences_t  f;

#define H  " sha256:00000000000000000000000000000000000000000000000000000000" \
           "00000000\n"

    static const struct {
        const char  *text, *error;
    } v[] = {
        { "weir-fences 1 prod\n", NULL },
        { "weir-fences 1 prod\nbundle/head 0 1" H, NULL },
        { "", "line 1" },
        { "weir-fences 2 prod\n", "line 1" },
        { "weir-fences 1 \n", "line 1" },
        { "weir-fences 1 Prod\n", "line 1" },
        { "weir-fences 1 prod", "line 1" },
        { "weir-fences 1 prod\n\n", "line 2" },
        { "weir-fences 1 prod\nbundle/head 0 1", "line 2" },
        { "weir-fences 1 prod\nbundle/other 0 1" H, "line 2" },
        { "weir-fences 1 prod\nsplit/../x 0 1" H, "line 2" },
        { "weir-fences 1 prod\nhead 0 1" H, "line 2" },
        { "weir-fences 1 prod\nbundle/head 0 01" H, "line 2" },
        { "weir-fences 1 prod\nbundle/head 0 -1" H, "line 2" },
        { "weir-fences 1 prod\nbundle/head 0 18446744073709551616" H,
          "line 2" },
        { "weir-fences 1 prod\nbundle/head 0  1" H, "line 2" },
        { "weir-fences 1 prod\nbundle/head 1" H, "line 2" },
        { "weir-fences 1 prod\nkey/b 0 1" H "key/a 0 1" H,
          "line 3: \"key/a\" is not in order" },
        { "weir-fences 1 prod\nkey/a 0 1" H "key/a 0 2" H, "line 3" }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        text = str(v[i].text);
        p = weir_arena_alloc(&arena, text.len + WEIR_HASH_TEXT + 1);
        memcpy(p, text.data, text.len);
        assert_int_equal(weir_sha256(text, hash), WEIR_OK);
        weir_hash_format(p + text.len, hash);
        p[text.len + WEIR_HASH_TEXT] = '\n';
        text.data = p;
        text.len += WEIR_HASH_TEXT + 1;

        if (v[i].error == NULL) {
            assert_int_equal(weir_fences_parse(&f, &arena, text, &error),
                             WEIR_OK);
            continue;
        }

        assert_int_equal(weir_fences_parse(&f, &arena, text, &error),
                         WEIR_ERROR);
        assert_int_equal(strncmp(error.text, v[i].error, strlen(v[i].error)),
                         0);
    }

}


/* --- the audit trail --- */


static weir_trust_t   trust;
static weir_audit_t   audit;
static weir_arena_t   scratch;


static void
begin(const weir_fences_t *start, int open)
{
    trust = trust_in(2);
    assert_int_equal(weir_audit_init(&audit, &arena, &trust,
                                     weir_str("prod"), start, open),
                     WEIR_OK);
}


static void
entry_text(weir_str_t text, const char *word)
{
    int  rc;

    weir_arena_init(&scratch, &weir_alloc_malloc, WEIR_ENVELOPE_ARENA);
    why = WEIR_REFUSAL_NONE;
    rc = weir_audit_entry(&audit, &scratch, text, &why, &error);
    weir_arena_done(&scratch);

    if (strcmp((const char *) weir_refusal_word(why).data, word) != 0
        || (rc == WEIR_OK) != (word[0] == '\0'))
    {
        fail_msg("wanted \"%s\", is \"%s\" %s", word,
                 (const char *) weir_refusal_word(why).data, error.text);
    }
}


/* The hash of a document, as the next one names it. */

static void
follow(weir_document_t *d, const weir_document_t *last)
{
    weir_str_t  payload;

    assert_int_equal(weir_document_write(last, &arena, &payload, &error),
                     WEIR_OK);
    assert_int_equal(weir_sha256(payload, d->previous), WEIR_OK);
    d->has_previous = 1;
    d->version = last->version + 1;
    d->epoch = last->epoch;
}


static void
entry(const weir_document_t *d, const char *word)
{
    entry_text(sealed(d, 0x1), word);
}


static void
trail(void **state)
{
    weir_fence_t     f;
    weir_document_t  b1, b2, b3, s1, s2, t3, x;

    (void) state;

    b1 = head_make(1);
    b2 = head_make(0);
    follow(&b2, &b1);
    b3 = head_make(0);
    follow(&b3, &b2);
    b3.issued = NOW + 60;
    s1 = split_make("checkout", 1);
    s2 = split_make("checkout", 0);
    follow(&s2, &s1);
    t3 = doc_make(WEIR_KIND_TOMBSTONE, "split/checkout", 0);
    follow(&t3, &s2);

    begin(NULL, 0);
    entry(&b1, "");
    entry(&s1, "");
    entry(&b2, "");
    entry_text(sealed(&b2, 0x3), "");      /* with a further signature */
    entry(&s2, "");
    entry(&t3, "");
    entry(&b3, "");
    assert_int_equal(audit.nentries, 7);
    assert_int_equal(audit.nrepeats, 1);
    assert_int_equal(audit.nbad, 0);
    assert_int_equal(audit.oldest, NOW);
    assert_int_equal(audit.newest, NOW + 60);
    assert_int_equal(weir_fences_find(&audit.last,
                                      weir_str("bundle/head"))->version, 3);
    assert_int_equal(weir_fences_find(&audit.last,
                                      weir_str("split/checkout"))->version,
                     3);

    /* gateways have not seen more than it */

    f = *weir_fences_find(&audit.last, weir_str("bundle/head"));
    assert_int_equal(weir_audit_fence(&audit, &f, &why, &error), WEIR_OK);
    f.hash[0] ^= 1;
    assert_int_equal(weir_audit_fence(&audit, &f, &why, &error),
                     WEIR_DECLINED);
    assert_word(why, "same-version-differs");
    f.version = 2;
    assert_int_equal(weir_audit_fence(&audit, &f, &why, &error), WEIR_OK);
    f.version = 4;
    assert_int_equal(weir_audit_fence(&audit, &f, &why, &error),
                     WEIR_DECLINED);
    assert_word(why, "truncated");
    f.version = 3;
    f.epoch = 1;
    assert_int_equal(weir_audit_fence(&audit, &f, &why, &error),
                     WEIR_DECLINED);
    f.name = weir_str("split/search");
    assert_int_equal(weir_audit_fence(&audit, &f, &why, &error),
                     WEIR_DECLINED);
    assert_word(why, "truncated");

    /* an entry is missing: one finding, and what follows is compared */

    begin(NULL, 0);
    entry(&b1, "");
    entry(&b3, "truncated");
    assert_string_equal(error.text, "\"bundle/head\" has version 3 after 1: "
                        "what is between is missing");
    x = head_make(0);
    follow(&x, &b3);
    entry(&x, "");
    assert_int_equal(audit.nbad, 1);

    /* out of order; two of one version; another chain; unknown signer */

    begin(NULL, 0);
    entry(&b1, "");
    entry(&b2, "");
    entry(&b1, "older");
    x = b2;
    x.reason = weir_str("other");
    entry(&x, "same-version-differs");
    x = b3;
    x.previous[5] ^= 1;
    entry(&x, "same-version-differs");

    begin(NULL, 0);
    entry(&b1, "");
    x = b2;
    x.has_previous = 0;
    entry(&x, "same-version-differs");

    begin(NULL, 0);
    entry_text(sealed(&b1, 0x4), "untrusted");
    entry_text(sealed(&b1, 0), "unsigned");
    entry_text(weir_str(""), "truncated");
    entry_text(weir_str("x"), "bad-signature");
    x = b1;
    x.ns = weir_str("other");
    entry(&x, "namespace");
    memset(&trust, 0, sizeof(trust));
    (void) weir_trust_add(&trust, &keys[0].pub, WEIR_ROLE_SPLIT, NULL);
    entry(&b1, "role");
    entry(&s1, "");
    entry(&s2, "");
    entry(&t3, "");
    assert_int_equal(audit.nbad, 6);
    assert_int_equal(audit.last.n, 1);

    /* a new epoch begins anew, and says after what if it knows */

    begin(NULL, 0);
    entry(&b1, "");
    entry(&b2, "");
    x = head_make(1);
    x.epoch = 1;
    entry(&x, "");
    entry(&b3, "older");

    begin(NULL, 0);
    entry(&b1, "");
    follow(&x, &b1);
    x.version = 1;
    x.epoch = 7;
    entry(&x, "");

    begin(NULL, 0);
    entry(&b1, "");
    x.previous[0] ^= 1;
    entry(&x, "same-version-differs");
}


/* Retention: the beginning was exported and cut off. */

static void
retention(void **state)
{
    weir_fences_t    start, read;
    weir_document_t  b1, b2, b3, s1;

    (void) state;

    b1 = head_make(1);
    b2 = head_make(0);
    follow(&b2, &b1);
    b3 = head_make(0);
    follow(&b3, &b2);
    s1 = split_make("checkout", 1);

    begin(NULL, 0);
    entry(&b2, "truncated");
    entry(&b3, "");

    begin(NULL, 1);
    entry(&b2, "");
    entry(&b3, "");
    entry(&s1, "");

    /* the state after the export is where the rest begins */

    begin(NULL, 0);
    entry(&b1, "");
    entry(&s1, "");
    assert_int_equal(weir_fences_parse(&start, &arena,
                                       weir_fences_format(&audit.last,
                                                          &arena), &error),
                     WEIR_OK);

    begin(&start, 0);
    entry(&b2, "");
    entry(&b3, "");
    assert_int_equal(weir_audit_fence(&audit,
                                      weir_fences_find(&start,
                                          weir_str("split/checkout")),
                                      &why, &error), WEIR_OK);

    begin(&start, 0);
    entry(&b3, "truncated");

    weir_fences_init(&read, &arena, weir_str("prod"));
    assert_int_equal(raise(&read, "bundle/head", 0, 1, 0x77), WEIR_OK);
    begin(&read, 0);
    entry(&b2, "same-version-differs");

    /* a first entry that names one before it is not the first */

    b2.version = 1;
    begin(NULL, 0);
    entry(&b2, "truncated");
}


/* A tampered byte of the trail is noticed, and at its entry. */

static void
tampered_trail(void **state)
{
    size_t           i, j, k, at;
    uint8_t         *p;
    weir_str_t       text[3];
    weir_document_t  d[3];

    (void) state;

    d[0] = split_make("checkout", 1);
    d[1] = split_make("checkout", 0);
    follow(&d[1], &d[0]);
    d[2] = split_make("checkout", 0);
    follow(&d[2], &d[1]);

    for (i = 0; i < 3; i++) {
        text[i] = sealed(&d[i], 0x1);
    }

    p = weir_arena_alloc(&arena, 4096);
    trust = trust_in(1);

    for (at = 0; at < text[1].len; at++) {

        for (j = 0; j < 8; j++) {
            memcpy(p, text[1].data, text[1].len);
            p[at] ^= (uint8_t) (1u << j);

            assert_int_equal(weir_audit_init(&audit, &arena, &trust,
                                             weir_str("prod"), NULL, 0),
                             WEIR_OK);

            for (k = 0; k < 3; k++) {
                weir_str_t  s;

                s = text[k];

                if (k == 1) {
                    s.data = p;
                }

                weir_arena_init(&scratch, &weir_alloc_malloc,
                                WEIR_ENVELOPE_ARENA);
                why = WEIR_REFUSAL_NONE;
                assert_int_equal(weir_audit_entry(&audit, &scratch, s, &why,
                                                  &error),
                                 k == 0 ? WEIR_OK : WEIR_DECLINED);
                weir_arena_done(&scratch);

                if (k == 2) {
                    assert_word(why, "truncated");
                }
            }
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        a_test(raised),
        a_test(file),
        a_test(file_lines),
        a_test(trail),
        a_test(retention),
        a_test(tampered_trail),
    };

    return cmocka_run_group_tests(tests, keys_setup, NULL);
}
