
/*
 * Unit tests of lib/file: a gateway's own folder: fence, bundles, documents.
 */

#include "file_make.h"

#include "weir_state.h"


#define EMPTY  "e3b0c44298fc1c149afbf4c8996fb924"                             \
               "27ae41e4649b934ca495991b7852b855"


static weir_state_t *
opened(void)
{
    weir_state_t  *state;

    assert_int_equal(weir_state_open(&state, &weir_alloc_malloc, root, NOW,
                                     &err), WEIR_STORE_OK);

    return state;
}


static weir_store_code_e
save(weir_state_t *state, const char *head, unsigned n, const char *text)
{
    unsigned              i;
    weir_state_bundle_t   b;
    weir_store_segment_t  seg[8];

    for (i = 0; i < n; i++) {
        seg[i].bytes = str(text + i);
        assert_int_equal(weir_store_hash(seg[i].hash, seg[i].bytes, &err),
                         WEIR_STORE_OK);
    }

    b.head = str(head);
    b.segments = seg;
    b.nsegments = n;

    return weir_state_save(state, &b, &err);
}


static void
file_of(char *name, size_t size, const weir_state_entry_t *e)
{
    int   n;
    char  hex[65];

    weir_hex((uint8_t *) hex, e->hash, WEIR_STORE_HASH);
    hex[64] = '\0';

    n = snprintf(name, size, "bundles/%016llx-%s.bundle",
                 (unsigned long long) e->seq, hex);
    assert_true(n > 0 && (size_t) n < size);
}


static void
fence(void **unused)
{
    weir_str_t      bytes;
    weir_arena_t    a;
    struct stat     st;
    weir_state_t   *state;

    state = opened();
    weir_arena_init(&a, &weir_alloc_malloc, 0);

    assert_int_equal(weir_state_fence(state, &a, 10, &bytes, &err),
                     WEIR_STORE_MISSING);
    assert_int_equal(weir_state_put_fence(state, str("bundle 7\n"), &err),
                     WEIR_STORE_OK);
    assert_int_equal(weir_state_fence(state, &a, 9, &bytes, &err),
                     WEIR_STORE_OK);
    assert_true(weir_str_eq(bytes, str("bundle 7\n")));
    assert_int_equal(weir_state_fence(state, &a, 8, &bytes, &err),
                     WEIR_STORE_TOO_LARGE);
    assert_int_equal(stat(at("fence"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    assert_int_equal(unlink(at("fence")), 0);
    assert_int_equal(mkfifo(at("fence"), 0600), 0);
    assert_int_equal(weir_state_fence(state, &a, 8, &bytes, &err),
                     WEIR_STORE_WRONG_TYPE);

    weir_arena_done(&a);
    weir_state_close(state);
}


static void
bundles(void **unused)
{
    uint32_t              n;
    weir_arena_t          a;
    weir_state_t         *state;
    weir_state_entry_t    e[WEIR_STATE_BUNDLES];
    weir_state_bundle_t   b;

    state = opened();
    weir_arena_init(&a, &weir_alloc_malloc, 0);

    assert_int_equal(weir_state_bundles(state, e, &n, &err), WEIR_STORE_OK);
    assert_int_equal(n, 0);
    memset(&e[0], 0, sizeof(e[0]));
    assert_int_equal(weir_state_load(state, &a, &e[0], MAX, &b, &err),
                     WEIR_STORE_MISSING);

    assert_int_equal(save(state, "h1", 0, NULL), WEIR_STORE_OK);
    assert_int_equal(save(state, "h2", 3, "abcdefgh"), WEIR_STORE_OK);
    assert_int_equal(save(state, "", 1, ""), WEIR_STORE_OK);
    assert_int_equal(save(state, "h4", 2, "xyz"), WEIR_STORE_OK);

    /* not ours */

    spoil("bundles/README", "x");
    spoil("bundles/x.bundle", "x");
    spoil("bundles/00000000000000GG-x.bundle", "x");

    assert_int_equal(weir_state_bundles(state, e, &n, &err), WEIR_STORE_OK);
    assert_int_equal(n, 3);
    assert_int_equal(e[0].seq, 4);
    assert_int_equal(e[1].seq, 3);
    assert_int_equal(e[2].seq, 2);

    assert_int_equal(weir_state_load(state, &a, &e[0], MAX, &b, &err),
                     WEIR_STORE_OK);
    assert_true(weir_str_eq(b.head, str("h4")));
    assert_int_equal(b.nsegments, 2);
    assert_true(weir_str_eq(b.segments[0].bytes, str("xyz")));
    assert_true(weir_str_eq(b.segments[1].bytes, str("yz")));

    assert_int_equal(weir_state_load(state, &a, &e[1], MAX, &b, &err),
                     WEIR_STORE_OK);
    assert_int_equal(b.head.len, 0);
    assert_int_equal(b.segments[0].bytes.len, 0);

    assert_int_equal(weir_state_load(state, &a, &e[2], MAX, &b, &err),
                     WEIR_STORE_OK);
    assert_int_equal(b.nsegments, 3);
    assert_true(weir_str_eq(b.segments[2].bytes, str("cdefgh")));

    /* the same again is one of three, not two */

    assert_int_equal(save(state, "h4", 2, "xyz"), WEIR_STORE_OK);
    assert_int_equal(weir_state_bundles(state, e, &n, &err), WEIR_STORE_OK);
    assert_int_equal(n, 3);
    assert_int_equal(e[0].seq, 5);
    assert_int_equal(e[1].seq, 3);
    assert_int_equal(e[2].seq, 2);

    weir_arena_done(&a);
    weir_state_close(state);
}


/* Every byte of a saved bundle counts. */

static void
spoilt(void **unused)
{
    char                  name[256], text[1024], bad[1024];
    size_t                len, i;
    uint32_t              n;
    weir_arena_t          a;
    weir_state_t         *state;
    weir_state_entry_t    e[WEIR_STATE_BUNDLES];
    weir_state_bundle_t   b;

    static const char  *wrong[] = {
        "",
        "weir",
        "weir-bundle 1 ",
        "weir-bundle 1 0\n",
        "weir-bundle 1 99999\n",
        "weir-bundle 1 x\n",
        "weir-bundle 1 9999999999999999999\n",
        "weir-bundle 1 0\n5 ",
        "weir-bundle 1 0\n999999999999999999 " EMPTY "\n",
    };

    state = opened();
    weir_arena_init(&a, &weir_alloc_malloc, 0);

    assert_int_equal(save(state, "head", 2, "segment"), WEIR_STORE_OK);
    assert_int_equal(weir_state_bundles(state, e, &n, &err), WEIR_STORE_OK);
    assert_int_equal(n, 1);

    file_of(name, sizeof(name), &e[0]);
    len = contents(name, text, sizeof(text));
    assert_int_not_equal(len, -1);

    for (i = 0; i < len; i++) {
        memcpy(bad, text, len + 1);
        bad[i] = (char) (bad[i] == 'a' ? 'b' : 'a');
        spoil(name, bad);
        assert_int_equal(weir_state_load(state, &a, &e[0], MAX, &b, &err),
                         WEIR_STORE_CORRUPT);
        assert_non_null(strstr(err.err.text, name));
        assert_null(b.head.data);

        bad[i] = '\0';
        spoil(name, bad);
        assert_int_equal(weir_state_load(state, &a, &e[0], MAX, &b, &err),
                         WEIR_STORE_CORRUPT);
    }

    memcpy(bad, text, len);
    memcpy(bad + len, "x", 2);
    spoil(name, bad);
    assert_int_equal(weir_state_load(state, &a, &e[0], MAX, &b, &err),
                     WEIR_STORE_CORRUPT);

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        spoil(name, wrong[i]);
        assert_int_equal(weir_state_load(state, &a, &e[0], MAX, &b, &err),
                         WEIR_STORE_CORRUPT);
    }

    spoil(name, text);
    assert_int_equal(weir_state_load(state, &a, &e[0], SIZE_MAX, &b, &err),
                     WEIR_STORE_OK);

    weir_arena_done(&a);
    weir_state_close(state);
}


static void
limits(void **unused)
{
    char                   name[256], *big;
    size_t                 size;
    uint32_t               n;
    weir_str_t             s;
    weir_arena_t           a;
    weir_state_t          *state;
    weir_state_entry_t     e[WEIR_STATE_BUNDLES];
    weir_state_bundle_t    b;
    weir_store_segment_t  *seg;

    state = opened();
    weir_arena_init(&a, &weir_alloc_malloc, 0);

    /* as many segments as there may be, and one more */

    seg = calloc(WEIR_STATE_SEGMENTS + 1, sizeof(weir_store_segment_t));
    assert_non_null(seg);

    for (n = 0; n < WEIR_STATE_SEGMENTS; n++) {
        seg[n].bytes = str("s");
        (void) weir_store_hash(seg[n].hash, seg[n].bytes, NULL);
    }

    b.head = str("head");
    b.segments = seg;
    b.nsegments = WEIR_STATE_SEGMENTS;
    assert_int_equal(weir_state_save(state, &b, &err), WEIR_STORE_OK);
    b.nsegments++;
    assert_int_equal(weir_state_save(state, &b, &err), WEIR_STORE_INVALID);

    assert_int_equal(weir_state_bundles(state, e, &n, &err), WEIR_STORE_OK);
    assert_int_equal(n, 1);
    assert_int_equal(weir_state_load(state, &a, &e[0],
                                     WEIR_STATE_SEGMENTS + 4, &b, &err),
                     WEIR_STORE_OK);
    assert_int_equal(b.nsegments, WEIR_STATE_SEGMENTS);

    /* the caller's maximum */

    size = WEIR_STATE_SEGMENTS * 90 + 100000;
    big = malloc(size);
    assert_non_null(big);
    memset(big, 'x', size);
    s.data = (uint8_t *) big;
    s.len = size;
    b.head = s;
    b.nsegments = 0;
    assert_int_equal(weir_state_save(state, &b, &err), WEIR_STORE_OK);
    assert_int_equal(weir_state_bundles(state, e, &n, &err), WEIR_STORE_OK);
    assert_int_equal(weir_state_load(state, &a, &e[0], 1000, &b, &err),
                     WEIR_STORE_TOO_LARGE);
    assert_int_equal(weir_state_load(state, &a, &e[0], size, &b, &err),
                     WEIR_STORE_OK);

    /* no number is left behind the last */

    e[0].seq = UINT64_MAX;
    file_of(name, sizeof(name), &e[0]);
    spoil(name, "x");
    assert_int_equal(save(state, "next", 0, NULL), WEIR_STORE_INVALID);

    free(big);
    free(seg);
    weir_arena_done(&a);
    weir_state_close(state);
}


static void
documents(void **unused)
{
    weir_str_t          bytes;
    weir_arena_t        a;
    struct stat         st;
    weir_state_t       *state;

    state = opened();
    weir_arena_init(&a, &weir_alloc_malloc, 0);

    assert_int_equal(weir_state_live(state, &a, str("split"), str("x"), 9,
                                     &bytes, &err), WEIR_STORE_MISSING);
    assert_int_equal(weir_state_put_live(state, str(""), str(""), str("1"),
                                         &err), WEIR_STORE_INVALID);
    assert_int_equal(weir_state_put_live(state, str("split"), str("../x"),
                                         str("1"), &err),
                     WEIR_STORE_INVALID);
    assert_int_equal(weir_state_put_live(state, str("split"), str("x"),
                                         str("1"), &err), WEIR_STORE_OK);
    assert_int_equal(weir_state_put_live(state, str("split"), str("x"),
                                         str("2"), &err), WEIR_STORE_OK);
    assert_int_equal(weir_state_put_live(state, str("key"), str("k"),
                                         str("3"), &err), WEIR_STORE_OK);
    assert_int_equal(weir_state_live(state, &a, str("split"), str("x"), 9,
                                     &bytes, &err), WEIR_STORE_OK);
    assert_true(weir_str_eq(bytes, str("2")));
    assert_int_equal(weir_state_live(state, &a, str("key"), str("k"), 9,
                                     &bytes, &err), WEIR_STORE_OK);
    assert_true(weir_str_eq(bytes, str("3")));
    assert_int_equal(stat(at("live/key/k.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    weir_arena_done(&a);
    weir_state_close(state);
}


/* What died a minute ago is swept; what is younger may be at work. */

static void
sweeping(void **unused)
{
    size_t            i;
    struct timespec   old[2];
    weir_state_t     *state;

    static const char  *dead[] = { ".fence.12", "bundles/.b.bundle.12",
                                   "live/split/.x.json.12" };

    state = opened();
    assert_int_equal(save(state, "h", 0, NULL), WEIR_STORE_OK);
    assert_int_equal(weir_state_put_live(state, str("split"), str("x"),
                                         str("1"), &err), WEIR_STORE_OK);
    weir_state_close(state);

    spoil("live/odd", "no folder stops it");

    for (i = 0; i < 3; i++) {
        spoil(dead[i], "died");
        memset(old, 0, sizeof(old));
        old[0].tv_sec = old[1].tv_sec = NOW - 60;
        assert_int_equal(utimensat(AT_FDCWD, at(dead[i]), old, 0), 0);
    }

    weir_state_close(opened());

    for (i = 0; i < 3; i++) {
        assert_int_equal(access(at(dead[i]), F_OK), 0);
    }

    assert_int_equal(unlink(at("live/odd")), 0);
    assert_int_equal(weir_state_open(&state, &weir_alloc_malloc, root,
                                     NOW + 1, &err), WEIR_STORE_OK);
    weir_state_close(state);

    for (i = 0; i < 3; i++) {
        assert_int_equal(access(at(dead[i]), F_OK), -1);
    }

    assert_int_equal(access(at("live/split/x.json"), F_OK), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(fence, folder, folder_done),
        cmocka_unit_test_setup_teardown(bundles, folder, folder_done),
        cmocka_unit_test_setup_teardown(spoilt, folder, folder_done),
        cmocka_unit_test_setup_teardown(limits, folder, folder_done),
        cmocka_unit_test_setup_teardown(documents, folder, folder_done),
        cmocka_unit_test_setup_teardown(sweeping, folder, folder_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
