
/*
 * Tests of lib/bundle: files in segments, packed and unpacked.
 */

#include "bundle_make.h"


#define MIB  (1024 * 1024)


static weir_refusal_e  why;


/* Files of that many bytes: lines that need an escape each. */

static weir_policy_source_t *
files_make(const size_t *sizes, uint32_t n)
{
    char                  *name;
    size_t                 j;
    uint8_t               *p;
    uint32_t               i;
    weir_policy_source_t  *files;

    static const char  line[] = "permit \xc3\xa4\xf0\x9f\x98\x80 {}\n";

    files = weir_arena_calloc(&arena, n, sizeof(weir_policy_source_t));

    for (i = 0; i < n; i++) {
        name = weir_arena_alloc(&arena, 32);
        (void) snprintf(name, 32, "lib/%05u.policy", i);
        p = weir_arena_alloc(&arena, sizes[i] + sizeof(line));

        for (j = 0; j < sizes[i]; j += sizeof(line) - 1) {
            memcpy(p + j, line, sizeof(line) - 1);
        }

        files[i].name = str(name);
        files[i].text = (weir_str_t) { sizes[i] == 0 ? 0 : j, p };
    }

    return files;
}


static void
same_files(const weir_policy_source_t *a, uint32_t na,
    const weir_policy_source_t *b, uint32_t nb)
{
    uint32_t  i;

    assert_int_equal(na, nb);

    for (i = 0; i < na; i++) {
        assert_true(weir_str_eq(a[i].name, b[i].name));
        assert_true(weir_str_eq(a[i].text, b[i].text));
    }
}


/* Packs, signs, reads, unpacks; the segments' bytes are gone in between. */

static void
there_and_back(weir_policy_source_t *files, uint32_t n, weir_document_t *head)
{
    int                    rc;
    uint8_t               *buf;
    uint32_t               i, nout;
    weir_str_t             payload;
    weir_unpack_t          u;
    weir_document_t        doc, again;
    weir_policy_source_t  *out;

    *head = doc_make(WEIR_KIND_BUNDLE, WEIR_BUNDLE_ID, 1);
    assert_int_equal(weir_bundle_pack(head, &arena, files, n, &error),
                     WEIR_OK);

    assert_int_equal(weir_document_write(head, &arena, &payload, &error),
                     WEIR_OK);
    assert_int_equal(weir_document_parse(&doc, &arena, WEIR_KIND_BUNDLE,
                                         payload, &why, &error), WEIR_OK);

    assert_int_equal(doc.has_files, head->has_files);
    assert_int_equal(doc.nsegments, head->nsegments);
    assert_int_equal(doc.size, head->size);

    weir_unpack_init(&u, &arena, &doc);
    buf = malloc(WEIR_SEGMENT_MAX);

    for (i = 0; i < doc.nsegments; i++) {
        assert_int_equal(doc.segments[i].size, head->segments[i].text.len);
        assert_true(doc.segments[i].size <= WEIR_SEGMENT_MAX);

        memcpy(buf, head->segments[i].text.data, doc.segments[i].size);
        rc = weir_unpack_segment(&u, (weir_str_t) { doc.segments[i].size,
                                                    buf }, &why, &error);
        assert_int_equal(rc, WEIR_OK);
        memset(buf, 0xee, doc.segments[i].size);
    }

    free(buf);

    assert_int_equal(weir_unpack_files(&u, &out, &nout, &why, &error),
                     WEIR_OK);
    same_files(files, n, out, nout);

    /* the same files, the same segments */

    again = doc_make(WEIR_KIND_BUNDLE, WEIR_BUNDLE_ID, 1);
    assert_int_equal(weir_bundle_pack(&again, &arena, files, n, &error),
                     WEIR_OK);
    assert_int_equal(again.nsegments, head->nsegments);

    for (i = 0; i < again.nsegments; i++) {
        assert_memory_equal(again.segments[i].hash, head->segments[i].hash,
                            32);
    }
}


static void
small(void **state)
{
    weir_document_t  head;

    static const size_t  sizes[] = { 100, 0, 2000 };

    (void) state;

    there_and_back(files_make(sizes, 3), 3, &head);
    assert_true(head.has_files);
    assert_int_equal(head.nsegments, 0);
}


/* Below 48 KiB in the head, as far as its envelope stays one. */

static void
inline_limit(void **state)
{
    uint8_t               *p;
    size_t                 room, n;
    weir_str_t             payload;
    weir_document_t        head;
    weir_policy_source_t   file;

    (void) state;

    p = weir_arena_alloc(&arena, WEIR_INLINE_MAX + 2);
    memset(p, 'x', WEIR_INLINE_MAX + 2);

    file.name = weir_str("a.policy");
    file.text = (weir_str_t) { 0, p };

    head = doc_make(WEIR_KIND_BUNDLE, WEIR_BUNDLE_ID, 1);
    head.files = &file;
    head.nfiles = 1;
    head.has_files = 1;
    room = WEIR_PAYLOAD_MAX - weir_document_size(&head);

    for (n = room - 2; n <= room + 2; n++) {
        file.text.len = n;
        there_and_back(&file, 1, &head);
        assert_int_equal(head.has_files, n <= room);
        assert_int_equal(head.nsegments, n > room);
        assert_true(weir_document_write(&head, &arena, &payload, &error)
                    == WEIR_OK);
        assert_true(sealed(&head, 0xf).len <= WEIR_ENVELOPE_MAX);
    }

    for (n = WEIR_INLINE_MAX - 1; n <= WEIR_INLINE_MAX + 1; n++) {
        file.text.len = n;
        there_and_back(&file, 1, &head);
        assert_int_equal(head.has_files, 0);
    }
}


static void
cut(void **state)
{
    size_t           i, sizes[40];
    uint32_t         n;
    weir_document_t  head;

    (void) state;

    /* many that fit: none is cut */

    for (i = 0; i < 40; i++) {
        sizes[i] = 100000;
    }

    there_and_back(files_make(sizes, 40), 40, &head);
    assert_int_equal(head.nsegments, 5);

    /* large ones between small ones, and empty ones at seams */

    n = 0;
    sizes[n++] = 10;
    sizes[n++] = 5 * MIB + 3;
    sizes[n++] = 0;
    sizes[n++] = 20;
    sizes[n++] = 3 * MIB;
    sizes[n++] = MIB - 20;
    sizes[n++] = 7;
    there_and_back(files_make(sizes, n), n, &head);
    assert_int_equal(head.nsegments, 13);
}


/* Every length around the limit: the seam falls on each byte of a line. */

static void
seams(void **state)
{
    size_t                 i, len, n;
    char                   name[16];
    uint8_t               *p;
    weir_document_t        head;
    weir_policy_source_t   file;

    static const char  *const  units[] = { "x", "\n", "\xc3\xa4",
                                           "\xf0\x9f\x98\x80", "\x01" };

    (void) state;

    p = malloc(MIB + 64);

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        len = strlen(units[i]);

        for (n = 0; n + len <= MIB + 64; n += len) {
            memcpy(p + n, units[i], len);
        }

        file.text = (weir_str_t) { n, p };

        for (n = 0; n < 7; n++) {
            weir_arena_done(&arena);
            (void) snprintf(name, sizeof(name), "%.*s.policy", (int) n + 1,
                            "abcdefg");
            file.name = str(name);
            there_and_back(&file, 1, &head);

            /* in how many pieces depends on what an escape takes */

            assert_int_equal(head.nsegments, i == 1 ? 3 : i == 4 ? 7 : 2);
        }
    }

    free(p);
}


static void
largest(void **state)
{
    uint32_t         i;
    size_t           sizes[3];
    weir_document_t  head;

    (void) state;

    /* 64 MiB of the worst kind a policy may have: every byte escaped */

    uint8_t               *p;
    weir_policy_source_t   files[2];

    p = malloc(WEIR_POLICY_MAX_SOURCE);
    memset(p, '\n', WEIR_POLICY_MAX_SOURCE);

    files[0].name = weir_str("a.policy");
    files[0].text = (weir_str_t) { WEIR_POLICY_MAX_SOURCE, p };
    files[1].name = weir_str("b.policy");
    files[1].text = (weir_str_t) { 0, p };

    there_and_back(files, 2, &head);
    assert_int_equal(head.nsegments, 129);

    files[1].text.len = 1;
    assert_int_equal(weir_bundle_pack(&head, &arena, files, 2, &error),
                     WEIR_DECLINED);
    assert_string_equal(error.text, "a bundle has at most 64 MiB");

    free(p);
    weir_arena_done(&arena);

    /* names that no bundle holds, or not in this order */

    for (i = 0; i < 3; i++) {
        sizes[i] = 10;
    }

    {
        weir_policy_source_t  *f;

        static const char  *const  bad[] = {
            "a", ".policy", "a/.policy", "../a.policy", "a/../b.policy",
            "a//b.policy", "/a.policy", "a\x01.policy", "a\x7f.policy",
            "a\xff.policy", "a.policy/", "a.Policy", "./a.policy", ""
        };

        f = files_make(sizes, 3);
        f[1].name = f[2].name;
        assert_int_equal(weir_bundle_pack(&head, &arena, f, 3, &error),
                         WEIR_DECLINED);
        f = files_make(sizes, 3);
        f[2].name = f[0].name;
        assert_int_equal(weir_bundle_pack(&head, &arena, f, 3, &error),
                         WEIR_DECLINED);

        for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            f = files_make(sizes, 1);
            f[0].name = str(bad[i]);
            assert_false(weir_bundle_file_valid(f[0].name));
            assert_int_equal(weir_bundle_pack(&head, &arena, f, 1, &error),
                             WEIR_DECLINED);
        }

        f = files_make(sizes, 1);
        f[0].text = weir_str("a\xff");
        assert_int_equal(weir_bundle_pack(&head, &arena, f, 1, &error),
                         WEIR_DECLINED);
        f[0].text = weir_str("a\0b");
        assert_int_equal(weir_bundle_pack(&head, &arena, f, 1, &error),
                         WEIR_DECLINED);
        assert_int_equal(weir_bundle_pack(&head, &arena, f, 0, &error),
                         WEIR_DECLINED);
        assert_int_equal(weir_bundle_pack(&head, &arena, f,
                                          WEIR_BUNDLE_FILES + 1, &error),
                         WEIR_DECLINED);
    }

    assert_true(weir_bundle_file_valid(weir_str("a..b/c d.policy")));
    assert_true(weir_bundle_file_valid(weir_str("\xc3\xa4.policy")));
}


/* As many files as there may be. */

static void
many(void **state)
{
    uint32_t               i;
    char                  *names;
    weir_document_t        head;
    weir_policy_source_t  *files;

    (void) state;

    files = weir_arena_calloc(&arena, WEIR_BUNDLE_FILES,
                              sizeof(weir_policy_source_t));
    names = weir_arena_alloc(&arena, (size_t) WEIR_BUNDLE_FILES * 16);

    for (i = 0; i < WEIR_BUNDLE_FILES; i++) {
        (void) snprintf(names + 16 * i, 16, "%06u.policy", i);
        files[i].name = str(names + 16 * i);
        files[i].text = weir_str("language 1;\n");
    }

    there_and_back(files, WEIR_BUNDLE_FILES, &head);
    assert_true(head.nsegments > 1);
}


static weir_str_t
segment_of(weir_document_t *d, uint32_t i, const char *text)
{
    weir_str_t  s;

    s = str(text);
    d->segments[i].size = s.len;
    assert_int_equal(weir_sha256(s, d->segments[i].hash), WEIR_OK);
    d->nsegments = i + 1;

    return s;
}


static void
refused(void **state)
{
    size_t                 i;
    uint8_t                buf[64];
    uint32_t               n;
    weir_str_t             a, b;
    weir_unpack_t          u;
    weir_document_t        d;
    weir_policy_source_t  *out;

    static const struct {
        const char  *one, *two, *word;
    } v[] = {
        { "{\"a.policy\":\"1\"}", "{\"b.policy\":\"2\"}", "" },
        { "{\"a.policy\":\"1\"}", "{\"a.policy\":\"2\",\"b.policy\":\"\"}",
          "" },
        { "{\"b.policy\":\"1\"}", "{\"a.policy\":\"2\"}", "" },

        /* a name again that does not go on */

        { "{\"a.policy\":\"1\"}", "{\"b.policy\":\"2\",\"a.policy\":\"3\"}",
          "policy-error" },
        { "{\"a.policy\":\"1\",\"b.policy\":\"1\"}", "{\"a.policy\":\"2\"}",
          "policy-error" },
        { "{\"a.policy\":\"1\",\"a.policy\":\"1\"}", "{\"b.policy\":\"2\"}",
          "policy-error" },

        { "{}", "{}", "policy-error" },
        { "{\"a.policy\":\"1\"} x", "{}", "policy-error" },
        { "{\"a.policy\":\"1\"", "{}", "policy-error" },
        { "[]", "{}", "policy-error" },
        { "{\"a.policy\":1}", "{}", "policy-error" },
        { "{\"a\":\"1\"}", "{}", "policy-error" },
        { "{\"../../etc/x.policy\":\"1\"}", "{}", "policy-error" },
        { "{\"a.policy\":\"\xff\"}", "{}", "policy-error" }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        int  rc;

        memset(&d, 0, sizeof(d));
        d.segments = weir_arena_calloc(&arena, 2, sizeof(weir_segment_t));
        a = segment_of(&d, 0, v[i].one);
        b = segment_of(&d, 1, v[i].two);

        weir_unpack_init(&u, &arena, &d);

        why = WEIR_REFUSAL_NONE;
        rc = weir_unpack_segment(&u, a, &why, &error);

        if (rc == WEIR_OK) {
            rc = weir_unpack_segment(&u, b, &why, &error);
        }

        if (rc == WEIR_OK) {
            rc = weir_unpack_files(&u, &out, &n, &why, &error);
        }

        assert_int_equal(rc, v[i].word[0] == '\0' ? WEIR_OK : WEIR_DECLINED);

        if (rc == WEIR_OK) {
            assert_int_equal(n, 2);
            assert_str(out[0].name, "a.policy");
            assert_true(weir_str_eq(out[0].text, str(i == 1 ? "12" : i == 2
                                                     ? "2" : "1")));
        } else {
            assert_word(why, v[i].word);
        }
    }

    /* every byte of a segment; too short, too long, another, missing, more */

    memset(&d, 0, sizeof(d));
    d.segments = weir_arena_calloc(&arena, 2, sizeof(weir_segment_t));
    a = segment_of(&d, 0, "{\"a.policy\":\"1\\n2\"}");
    memcpy(buf, a.data, a.len);

    for (i = 0; i < a.len; i++) {
        weir_unpack_init(&u, &arena, &d);
        buf[i] ^= 1;
        assert_int_equal(weir_unpack_segment(&u, (weir_str_t) { a.len, buf },
                                             &why, &error), WEIR_DECLINED);
        assert_word(why, "bad-signature");
        buf[i] ^= 1;

        assert_int_equal(weir_unpack_segment(&u, (weir_str_t) { i, buf },
                                             &why, &error), WEIR_DECLINED);
        assert_word(why, "truncated");
    }

    assert_int_equal(weir_unpack_segment(&u, (weir_str_t) { a.len + 1, buf },
                                         &why, &error), WEIR_DECLINED);
    assert_word(why, "too-large");

    assert_int_equal(weir_unpack_files(&u, &out, &n, &why, &error),
                     WEIR_DECLINED);
    assert_word(why, "truncated");

    assert_int_equal(weir_unpack_segment(&u, a, &why, &error), WEIR_OK);
    assert_int_equal(weir_unpack_files(&u, &out, &n, &why, &error), WEIR_OK);
    assert_int_equal(n, 1);
    assert_str(out[0].text, "1\n2");

    assert_int_equal(weir_unpack_segment(&u, a, &why, &error),
                     WEIR_DECLINED);
    assert_word(why, "too-large");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        a_test(small),
        a_test(inline_limit),
        a_test(cut),
        a_test(seams),
        a_test(largest),
        a_test(many),
        a_test(refused),
    };

    return cmocka_run_group_tests(tests, keys_setup, NULL);
}
