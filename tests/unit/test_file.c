
/*
 * Unit tests of lib/file: the embedded store: what it keeps and what it
 * refuses.
 */

#include "file_make.h"


static void
words(void **state)
{
    weir_store_err_t  e;

    assert_string_equal(weir_store_word(WEIR_STORE_OK), "ok");
    assert_string_equal(weir_store_word(WEIR_STORE_TOO_LARGE), "too-large");
    assert_string_equal(weir_store_word(WEIR_STORE_UNREACHABLE),
                        "unreachable");
    assert_string_equal(weir_store_word(WEIR_STORE_OTHER), "other");
    assert_string_equal(weir_store_word((weir_store_code_e) 99), "other");
    assert_string_equal(weir_store_word((weir_store_code_e) -1), "other");

    assert_int_equal(weir_store_fail(NULL, WEIR_STORE_FULL, 1, "x"),
                     WEIR_STORE_FULL);
    assert_int_equal(weir_store_fail(&e, WEIR_STORE_FULL, ENOSPC, "%d", 7),
                     WEIR_STORE_FULL);
    assert_int_equal(e.code, WEIR_STORE_FULL);
    assert_int_equal(e.sys, ENOSPC);
    assert_string_equal(e.err.text, "7");
}


static void
names(void **state)
{
    char        text[200];
    unsigned    i;
    weir_str_t  s;

    static const char  *good[] = { "a", "0", "_x", "checkout", "gw-1.example",
                                   "A_b-c.d", "a..b", "k:1@x" };
    static const char  *bad[] = { "", ".", "..", ".x", "-x", "a/b", "a b",
                                  "a\n", "\xc3\xa4", "a*", "a\\b", "a%b",
                                  ":a", "@" };
    static const char  *bad_kinds[] = { "", "Split", "1x", "-x", "a_b", "a.b",
                                        "a/b", ".." };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(weir_store_name_valid(str(good[i])));
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(weir_store_name_valid(str(bad[i])));
    }

    for (i = 0; i < sizeof(bad_kinds) / sizeof(bad_kinds[0]); i++) {
        assert_false(weir_store_kind_valid(str(bad_kinds[i])));
    }

    assert_true(weir_store_kind_valid(str("split")));
    assert_true(weir_store_kind_valid(str("a-2")));

    memset(text, 'a', sizeof(text));
    text[WEIR_STORE_NAME_MAX] = '\0';
    assert_true(weir_store_name_valid(str(text)));
    text[WEIR_STORE_NAME_MAX] = 'a';
    text[WEIR_STORE_NAME_MAX + 1] = '\0';
    assert_false(weir_store_name_valid(str(text)));

    s.data = (const uint8_t *) "a\0b";
    s.len = 3;
    assert_false(weir_store_name_valid(s));
    assert_false(weir_store_kind_valid(s));

    text[WEIR_STORE_KIND_MAX] = '\0';
    assert_true(weir_store_kind_valid(str(text)));
    text[WEIR_STORE_KIND_MAX] = 'a';
    text[WEIR_STORE_KIND_MAX + 1] = '\0';
    assert_false(weir_store_kind_valid(str(text)));
}


static void
opening(void **state)
{
    char           path[128];
    struct stat    st;
    weir_store_t  *s;

    snprintf(path, sizeof(path), "%s/new", root);

    assert_int_equal(weir_file_open(&s, &weir_alloc_malloc, path, 0, 0, &err),
                     WEIR_STORE_UNREACHABLE);
    assert_int_equal(err.code, WEIR_STORE_UNREACHABLE);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.err.text, path));

    (void) umask(077);

    assert_int_equal(weir_file_open(&s, &weir_alloc_malloc, path, 1, 0, &err),
                     WEIR_STORE_OK);
    assert_string_equal(s->ops->name, "file");
    s->ops->close(s);

    (void) umask(022);

    /* readers are another user */

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);

    /* again, and what is no folder, and a parent that is not there */

    assert_int_equal(weir_file_open(&s, &weir_alloc_malloc, path, 1, 0, NULL),
                     WEIR_STORE_OK);
    s->ops->close(s);

    spoil("file", "x");
    assert_int_equal(weir_file_open(&s, &weir_alloc_malloc, at("file"), 0, 0,
                                    &err),
                     WEIR_STORE_UNREACHABLE);
    assert_int_equal(err.sys, ENOTDIR);
    assert_int_equal(weir_file_open(&s, &weir_alloc_malloc, at("a/b"), 1, 0,
                                    NULL),
                     WEIR_STORE_UNREACHABLE);
}


static void
empty(void **state)
{
    char                buf[64];
    uint8_t             hash[WEIR_STORE_HASH] = { 0 };
    trail_t             t;
    uint32_t            n;
    uint64_t            rev;
    weir_str_t          bytes;
    weir_arena_t        a;
    weir_store_t       *s;
    weir_store_list_t   list;

    s = store_open();
    assert_non_null(s);

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    assert_int_equal(head(s, buf, sizeof(buf)), WEIR_STORE_MISSING);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.err.text, "/head.json: No such file"));
    assert_int_equal(live(s, "split", "x", buf, sizeof(buf)),
                     WEIR_STORE_MISSING);
    assert_int_equal(s->ops->segment(s, &a, hash, 10, &bytes, &err),
                     WEIR_STORE_MISSING);
    assert_int_equal(s->ops->report(s, &a, str("gw"), 10, &bytes, &err),
                     WEIR_STORE_MISSING);

    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, 0);
    assert_int_equal(s->ops->lives(s, &a, str(""), 10, &list, &err),
                     WEIR_STORE_OK);
    assert_int_equal(list.n, 0);
    assert_int_equal(s->ops->reports(s, &a, 10, &list, &err), WEIR_STORE_OK);
    assert_int_equal(list.n, 0);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_int_equal(t.n, 0);
    assert_int_equal(s->ops->drop_reports(s, NOW, &n, &err), WEIR_STORE_OK);
    assert_int_equal(s->ops->audit_trim(s, NOW, &n, &err), WEIR_STORE_OK);
    assert_int_equal(s->ops->collect(s, NULL, NULL, 0, NOW, &n, &err),
                     WEIR_STORE_OK);
    assert_int_equal(n, 0);

    weir_arena_done(&a);
    s->ops->close(s);
}


static void
publishing(void **state)
{
    char           buf[64];
    trail_t        t;
    uint64_t       rev;
    struct stat    st;
    weir_store_t  *s;

    (void) umask(077);

    s = store_open();
    assert_non_null(s);

    /* nothing is there, so nothing can be expected */

    assert_int_equal(put(s, "", "", "zero", "one", NOW),
                     WEIR_STORE_CONFLICT);
    assert_int_equal(head(s, buf, sizeof(buf)), WEIR_STORE_MISSING);
    assert_int_equal(put(s, "", "", NULL, "one", NOW), WEIR_STORE_OK);
    assert_int_equal(put(s, "", "", NULL, "two", NOW), WEIR_STORE_CONFLICT);
    assert_non_null(strstr(err.err.text, "somebody else published"));
    assert_int_equal(put(s, "", "", "zero", "two", NOW),
                     WEIR_STORE_CONFLICT);
    assert_int_equal(head(s, buf, sizeof(buf)), WEIR_STORE_OK);
    assert_string_equal(buf, "one");

    assert_int_equal(put(s, "", "", "one", "two", NOW), WEIR_STORE_OK);
    assert_int_equal(head(s, buf, sizeof(buf)), WEIR_STORE_OK);
    assert_string_equal(buf, "two");

    /* a bundle is no live document */

    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, 0);

    assert_int_equal(put(s, "split", "checkout", NULL, "s1", NOW),
                     WEIR_STORE_OK);
    assert_int_equal(put(s, "split", "search", NULL, "s2", NOW),
                     WEIR_STORE_OK);
    assert_int_equal(put(s, "split", "checkout", "s2", "s3", NOW),
                     WEIR_STORE_CONFLICT);
    assert_int_equal(put(s, "split", "checkout", "s1", "s3", NOW),
                     WEIR_STORE_OK);
    assert_int_equal(live(s, "split", "checkout", buf, sizeof(buf)),
                     WEIR_STORE_OK);
    assert_string_equal(buf, "s3");
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, 3);

    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\ntwo\ns1\ns2\ns3\n");
    assert_int_equal(t.when, NOW - NOW % DAY);
    assert_int_equal(contents("audit/" TODAY, buf, sizeof(buf)), 17);
    assert_string_equal(buf, "one\ntwo\ns1\ns2\ns3\n");

    /* what a gateway reads, under whatever umask */

    assert_int_equal(stat(at("head.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(stat(at("live/split/checkout.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(stat(at("live/split"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    assert_int_equal(stat(at("audit/" TODAY), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(stat(at("lock"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(stat(at("pending"), &st), -1);

    (void) umask(022);

    s->ops->close(s);
}


static void
invalid(void **state)
{
    char                  buf[64];
    trail_t               t;
    weir_str_t            bytes;
    weir_arena_t          a;
    weir_store_t         *s;
    weir_store_list_t     list;
    weir_store_change_t   c;
    weir_store_segment_t  seg;

    s = store_open();
    assert_non_null(s);

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    assert_int_equal(put(s, "", "", NULL, "", NOW), WEIR_STORE_INVALID);
    assert_int_equal(put(s, "", "", NULL, "a\nb", NOW), WEIR_STORE_INVALID);
    assert_non_null(strstr(err.err.text, "head is not one line"));
    assert_int_equal(put(s, "Split", "x", NULL, "a", NOW),
                     WEIR_STORE_INVALID);
    assert_int_equal(put(s, "split", "../x", NULL, "a", NOW),
                     WEIR_STORE_INVALID);
    assert_int_equal(put(s, "..", "x", NULL, "a", NOW), WEIR_STORE_INVALID);
    assert_int_equal(put(s, "split", "", NULL, "a", NOW),
                     WEIR_STORE_INVALID);
    assert_int_equal(put(s, "", "x", NULL, "a", NOW), WEIR_STORE_INVALID);
    assert_int_equal(live(s, "..", "head", buf, sizeof(buf)),
                     WEIR_STORE_INVALID);
    assert_int_equal(live(s, "split", "a/b", buf, sizeof(buf)),
                     WEIR_STORE_INVALID);
    assert_int_equal(live(s, "", "", buf, sizeof(buf)), WEIR_STORE_INVALID);
    assert_int_equal(s->ops->lives(s, &a, str("a/b"), 9, &list, &err),
                     WEIR_STORE_INVALID);
    assert_int_equal(s->ops->report(s, &a, str(".."), 9, &bytes, &err),
                     WEIR_STORE_INVALID);
    assert_int_equal(s->ops->put_report(s, str("a/b"), str("x"), &err),
                     WEIR_STORE_INVALID);
    assert_int_equal(s->ops->audit_append(s, str("a\nb"), NOW, &err),
                     WEIR_STORE_INVALID);
    assert_int_equal(s->ops->audit_append(s, str(""), NOW, &err),
                     WEIR_STORE_INVALID);

    /* a segment that is not what it is called */

    memset(&c, 0, sizeof(c));
    memset(&seg, 0, sizeof(seg));
    seg.bytes = str("bytes");
    c.bytes = str("one");
    c.segments = &seg;
    c.nsegments = 1;
    assert_int_equal(s->ops->publish(s, &c, &err), WEIR_STORE_INVALID);
    assert_non_null(strstr(err.err.text, "segment 0 has another hash"));

    /* the same bytes again could not be told from the old ones */

    assert_int_equal(put(s, "", "", NULL, "one", NOW), WEIR_STORE_OK);
    assert_int_equal(put(s, "", "", "one", "one", NOW), WEIR_STORE_INVALID);
    assert_non_null(strstr(err.err.text, "the same is there already"));

    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\n");

    weir_arena_done(&a);
    s->ops->close(s);
}


static void
segments(void **state)
{
    char                  hex[80], buf[64], *path;
    uint8_t               keep[1][WEIR_STORE_HASH], expect[WEIR_STORE_HASH];
    uint32_t              n;
    weir_str_t            bytes;
    weir_arena_t          a;
    struct stat           before, after;
    weir_store_t         *s;
    weir_store_change_t   c;
    weir_store_segment_t  seg[2];

    s = store_open();
    assert_non_null(s);

    weir_arena_init(&a, &weir_alloc_malloc, 0);
    memset(&c, 0, sizeof(c));

    seg[0].bytes = str("first");
    seg[1].bytes = str("");
    (void) weir_store_hash(seg[0].hash, seg[0].bytes, NULL);
    (void) weir_store_hash(seg[1].hash, seg[1].bytes, NULL);

    c.bytes = str("one");
    c.segments = seg;
    c.nsegments = 2;
    c.now = NOW;

    assert_int_equal(s->ops->publish(s, &c, &err), WEIR_STORE_OK);

    assert_int_equal(s->ops->segment(s, &a, seg[0].hash, 5, &bytes, &err),
                     WEIR_STORE_OK);
    assert_true(weir_str_eq(bytes, str("first")));
    assert_int_equal(s->ops->segment(s, &a, seg[1].hash, 0, &bytes, &err),
                     WEIR_STORE_OK);
    assert_int_equal(bytes.len, 0);
    assert_int_equal(s->ops->segment(s, &a, seg[0].hash, 4, &bytes, &err),
                     WEIR_STORE_TOO_LARGE);
    assert_null(bytes.data);

    /* what is there and whole is not written again; what is not, is */

    snprintf(hex, sizeof(hex), "segments/");
    weir_hex((uint8_t *) hex + 9, seg[0].hash, WEIR_STORE_HASH);
    hex[9 + 64] = '\0';
    path = at(hex);

    assert_int_equal(stat(path, &before), 0);
    (void) weir_store_hash(expect, c.bytes, NULL);
    c.expect = expect;
    c.bytes = str("two");
    c.nsegments = 1;
    assert_int_equal(s->ops->publish(s, &c, &err), WEIR_STORE_OK);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);

    spoil(hex, "fIrst");
    assert_int_equal(s->ops->segment(s, &a, seg[0].hash, 5, &bytes, &err),
                     WEIR_STORE_CORRUPT);
    assert_null(bytes.data);
    assert_non_null(strstr(err.err.text, hex));

    (void) weir_store_hash(expect, c.bytes, NULL);
    c.bytes = str("three");
    assert_int_equal(s->ops->publish(s, &c, &err), WEIR_STORE_OK);
    assert_int_equal(s->ops->segment(s, &a, seg[0].hash, 5, &bytes, &err),
                     WEIR_STORE_OK);

    /* collecting: not for another head, not what is kept or young */

    assert_int_equal(s->ops->collect(s, NULL, NULL, 0, INT64_MAX, &n, &err),
                     WEIR_STORE_CONFLICT);
    assert_int_equal(s->ops->collect(s, expect, NULL, 0, INT64_MAX, &n, &err),
                     WEIR_STORE_CONFLICT);
    (void) weir_store_hash(expect, c.bytes, NULL);
    assert_int_equal(s->ops->collect(s, expect, NULL, 0, NOW, &n, &err),
                     WEIR_STORE_OK);
    assert_int_equal(n, 0);

    memcpy(keep[0], seg[0].hash, WEIR_STORE_HASH);
    spoil("segments/README", "somebody's");
    spoil("segments/.x.123", "died");
    spoil("segments/.keep", "somebody's");
    spoil(".head.json.77", "died");
    spoil(".rc.d", "somebody's");
    spoil(".77", "somebody's");
    assert_int_equal(put(s, "split", "x", NULL, "s", NOW), WEIR_STORE_OK);
    spoil("live/split/.x.json.12", "died");
    spoil("live/Odd", "somebody's");

    assert_int_equal(s->ops->collect(s, expect, keep, 1, INT64_MAX, &n, &err),
                     WEIR_STORE_OK);
    assert_int_equal(n, 1);
    assert_int_equal(s->ops->segment(s, &a, seg[0].hash, 5, &bytes, &err),
                     WEIR_STORE_OK);
    assert_int_equal(s->ops->segment(s, &a, seg[1].hash, 5, &bytes, &err),
                     WEIR_STORE_MISSING);
    assert_int_not_equal(contents("segments/README", buf, sizeof(buf)), -1);
    assert_int_not_equal(contents("segments/.keep", buf, sizeof(buf)), -1);
    assert_int_not_equal(contents(".rc.d", buf, sizeof(buf)), -1);
    assert_int_not_equal(contents(".77", buf, sizeof(buf)), -1);
    assert_int_equal(contents("segments/.x.123", buf, sizeof(buf)), -1);
    assert_int_equal(contents(".head.json.77", buf, sizeof(buf)), -1);
    assert_int_equal(contents("live/split/.x.json.12", buf, sizeof(buf)), -1);

    weir_arena_done(&a);
    s->ops->close(s);
}


/* What a restore brings besides documents: their past, and a higher rev. */

static void
brought(void **state)
{
    uint64_t              rev;
    weir_str_t            bytes;
    weir_arena_t          a;
    weir_store_t         *s;
    weir_store_change_t   c;
    weir_store_segment_t  seg[2];

    (void) state;

    s = store_open();
    assert_non_null(s);

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    memset(seg, 0, sizeof(seg));
    seg[0].bytes = str("of a bundle");
    seg[1].bytes = str("of an older one");
    weir_store_hash(seg[0].hash, seg[0].bytes, NULL);

    assert_int_equal(s->ops->segments(s, seg, 2, &err), WEIR_STORE_INVALID);
    assert_non_null(strstr(err.err.text, "segment 1 has another hash"));
    assert_int_equal(s->ops->segment(s, &a, seg[0].hash, 64, &bytes, &err),
                     WEIR_STORE_MISSING);

    weir_store_hash(seg[1].hash, seg[1].bytes, NULL);

    assert_int_equal(s->ops->segments(s, seg, 2, &err), WEIR_STORE_OK);
    assert_int_equal(s->ops->segments(s, seg, 2, &err), WEIR_STORE_OK);
    assert_int_equal(s->ops->segment(s, &a, seg[1].hash, 64, &bytes, &err),
                     WEIR_STORE_OK);
    assert_true(weir_str_eq(bytes, seg[1].bytes));

    memset(&c, 0, sizeof(c));
    c.kind = str("split");
    c.name = str("checkout");
    c.bytes = str("one");
    c.now = NOW;
    c.rev = 41;
    assert_int_equal(s->ops->publish(s, &c, &err), WEIR_STORE_OK);
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, 42);

    /* one that is lower than what is there already, or no number */

    c.name = str("search");
    c.rev = 7;
    assert_int_equal(s->ops->publish(s, &c, &err), WEIR_STORE_OK);
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, 43);

    c.name = str("gone");
    c.rev = UINT64_MAX;
    assert_int_equal(s->ops->publish(s, &c, &err), WEIR_STORE_OK);
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, 44);

    weir_arena_done(&a);
    s->ops->close(s);
}


static void
lists(void **state)
{
    weir_arena_t       a;
    weir_store_t      *s;
    weir_store_list_t  list;

    s = store_open();
    assert_non_null(s);

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    assert_int_equal(put(s, "split", "b", NULL, "1", NOW), WEIR_STORE_OK);
    assert_int_equal(put(s, "split", "a", NULL, "2", NOW), WEIR_STORE_OK);
    assert_int_equal(put(s, "key", "z", NULL, "3", NOW), WEIR_STORE_OK);

    spoil("live/split/no", "");
    spoil("live/split/.json", "");
    spoil("live/split/a b.json", "");
    spoil("live/README", "");

    assert_int_equal(s->ops->lives(s, &a, str(""), 3, &list, &err),
                     WEIR_STORE_OK);
    assert_int_equal(list.n, 3);
    assert_true(weir_str_eq(list.entries[0].kind, str("key")));
    assert_true(weir_str_eq(list.entries[0].name, str("z")));
    assert_true(weir_str_eq(list.entries[1].kind, str("split")));
    assert_true(weir_str_eq(list.entries[1].name, str("a")));
    assert_true(weir_str_eq(list.entries[2].name, str("b")));
    assert_true(list.entries[0].written > NOW - 365 * DAY);

    assert_int_equal(s->ops->lives(s, &a, str("split"), 2, &list, &err),
                     WEIR_STORE_OK);
    assert_int_equal(list.n, 2);
    assert_int_equal(s->ops->lives(s, &a, str("nothing"), 2, &list, &err),
                     WEIR_STORE_OK);
    assert_int_equal(list.n, 0);
    assert_int_equal(s->ops->lives(s, &a, str(""), 2, &list, &err),
                     WEIR_STORE_TOO_LARGE);

    weir_arena_done(&a);
    s->ops->close(s);
}


static void
reports(void **state)
{
    char               name[32];
    uint32_t           i, n;
    weir_str_t         bytes;
    weir_arena_t       a;
    weir_store_t      *s;
    struct timespec    old[2];
    weir_store_list_t  list;

    s = store_open();
    assert_non_null(s);

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    for (i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "gw-%02u", 39 - (unsigned) i);
        assert_int_equal(s->ops->put_report(s, str(name), str("{}"), &err),
                         WEIR_STORE_OK);
    }

    assert_int_equal(s->ops->put_report(s, str("gw-07"), str("{1}"), &err),
                     WEIR_STORE_OK);
    assert_int_equal(s->ops->reports(s, &a, 40, &list, &err), WEIR_STORE_OK);
    assert_int_equal(list.n, 40);

    for (i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "gw-%02u", (unsigned) i);
        assert_true(weir_str_eq(list.entries[i].name, str(name)));
        assert_int_equal(list.entries[i].kind.len, 0);
    }

    assert_int_equal(s->ops->reports(s, &a, 39, &list, &err),
                     WEIR_STORE_TOO_LARGE);
    assert_int_equal(s->ops->report(s, &a, str("gw-07"), 3, &bytes, &err),
                     WEIR_STORE_OK);
    assert_true(weir_str_eq(bytes, str("{1}")));
    assert_int_equal(s->ops->report(s, &a, str("gw-07"), 2, &bytes, &err),
                     WEIR_STORE_TOO_LARGE);

    /* old ones go, and what died while writing one */

    spoil("gateways/.gw-01.json.4711", "{");

    memset(old, 0, sizeof(old));
    old[0].tv_sec = old[1].tv_sec = NOW;
    assert_int_equal(utimensat(AT_FDCWD, at("gateways/gw-03.json"), old, 0),
                     0);
    assert_int_equal(utimensat(AT_FDCWD, at("gateways/.gw-01.json.4711"), old,
                               0), 0);

    assert_int_equal(s->ops->drop_reports(s, NOW, &n, &err), WEIR_STORE_OK);
    assert_int_equal(n, 0);
    assert_int_equal(s->ops->drop_reports(s, NOW + 1, &n, &err),
                     WEIR_STORE_OK);
    assert_int_equal(n, 1);
    assert_int_equal(access(at("gateways/.gw-01.json.4711"), F_OK), -1);
    assert_int_equal(s->ops->reports(s, &a, 100, &list, &err),
                     WEIR_STORE_OK);
    assert_int_equal(list.n, 39);

    weir_arena_done(&a);
    s->ops->close(s);
}


static void
sizes(void **state)
{
    char           buf[8];
    trail_t        t;
    uint64_t       rev;
    weir_store_t  *s;

    s = store_open();
    assert_non_null(s);

    assert_int_equal(put(s, "split", "x", NULL, "1234567", NOW),
                     WEIR_STORE_OK);
    assert_int_equal(live(s, "split", "x", buf, 8), WEIR_STORE_OK);
    assert_int_equal(live(s, "split", "x", buf, 7), WEIR_STORE_TOO_LARGE);
    assert_non_null(strstr(err.err.text, "live/split/x.json: larger than 6"));

    memset(&t, 0, sizeof(t));
    assert_int_equal(s->ops->audit(s, 0, 7, trail_line, &t, &err),
                     WEIR_STORE_OK);
    assert_int_equal(t.n, 1);
    assert_int_equal(s->ops->audit(s, 0, 6, trail_line, &t, &err),
                     WEIR_STORE_TOO_LARGE);
    assert_non_null(strstr(err.err.text, TODAY ":1: longer than 6"));

    /* rev is a hint: whatever stands there, publishing goes on */

    spoil("rev", "12x\n");
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_CORRUPT);
    assert_int_equal(put(s, "split", "y", NULL, "1", NOW), WEIR_STORE_OK);
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, NOW + 1);

    spoil("rev", "");
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_CORRUPT);
    spoil("rev", "9999999999999999999\n");
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_CORRUPT);
    spoil("rev", "999999999999999999\n");
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(put(s, "split", "z", NULL, "1", NOW + 5),
                     WEIR_STORE_OK);
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, NOW + 6);
    spoil("rev", "0000000000000000000000000000000000000000000000\n");
    assert_int_equal(put(s, "split", "w", NULL, "1", -1), WEIR_STORE_OK);
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, 1);

    s->ops->close(s);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(names),
        cmocka_unit_test_setup_teardown(opening, folder, folder_done),
        cmocka_unit_test_setup_teardown(empty, folder, folder_done),
        cmocka_unit_test_setup_teardown(publishing, folder, folder_done),
        cmocka_unit_test_setup_teardown(invalid, folder, folder_done),
        cmocka_unit_test_setup_teardown(segments, folder, folder_done),
        cmocka_unit_test_setup_teardown(brought, folder, folder_done),
        cmocka_unit_test_setup_teardown(lists, folder, folder_done),
        cmocka_unit_test_setup_teardown(reports, folder, folder_done),
        cmocka_unit_test_setup_teardown(sizes, folder, folder_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
