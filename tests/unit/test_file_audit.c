
/*
 * Unit tests of lib/file: the audit trail, its days, and what a change that
 * died left behind.
 */

#include "file_make.h"


static void
days(void **state)
{
    char           buf[64];
    trail_t        t;
    uint32_t       n;
    weir_store_t  *s;

    s = store_open();
    assert_non_null(s);

    assert_int_equal(put(s, "", "", NULL, "one", NOW), WEIR_STORE_OK);
    assert_int_equal(put(s, "", "", "one", "two", NOW + DAY), WEIR_STORE_OK);

    /* a clock that was set back changes no order */

    assert_int_equal(put(s, "", "", "two", "three", NOW), WEIR_STORE_OK);
    assert_int_equal(s->ops->audit_append(s, str("note"), NOW, &err),
                     WEIR_STORE_OK);
    assert_int_equal(put(s, "", "", "three", "four", NOW + 40 * DAY),
                     WEIR_STORE_OK);

    assert_int_equal(contents("audit/" TODAY, buf, sizeof(buf)), 4);
    assert_int_equal(contents("audit/2026-01-06.jsonl", buf, sizeof(buf)),
                     15);
    assert_string_equal(buf, "two\nthree\nnote\n");
    assert_int_equal(contents("audit/2026-02-14.jsonl", buf, sizeof(buf)), 5);

    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\ntwo\nthree\nnote\nfour\n");

    /* from a day on, and no further than wanted */

    memset(&t, 0, sizeof(t));
    assert_int_equal(s->ops->audit(s, NOW + DAY, MAX, trail_line, &t, &err),
                     WEIR_STORE_OK);
    assert_string_equal(t.text, "two\nthree\nnote\nfour\n");

    memset(&t, 0, sizeof(t));
    t.stop = 2;
    assert_int_equal(s->ops->audit(s, 0, MAX, trail_line, &t, &err),
                     WEIR_STORE_OK);
    assert_string_equal(t.text, "one\ntwo\n");

    /* what is no day is not ours */

    spoil("audit/README.jsonl", "x\n");
    spoil("audit/2026-13-45.jsonl", "x\n");
    spoil("audit/2026-01-01.json", "x\n");
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_int_equal(t.n, 5);

    /* trimming takes whole days, and never the last */

    assert_int_equal(s->ops->audit_trim(s, NOW, &n, &err), WEIR_STORE_OK);
    assert_int_equal(n, 0);
    assert_int_equal(s->ops->audit_trim(s, NOW + DAY, &n, &err),
                     WEIR_STORE_OK);
    assert_int_equal(n, 1);
    assert_int_equal(s->ops->audit_trim(s, NOW + 400 * DAY, &n, &err),
                     WEIR_STORE_OK);
    assert_int_equal(n, 1);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "four\n");
    assert_int_equal(access(at("audit/README.jsonl"), F_OK), 0);

    s->ops->close(s);
}


static void
far_away(void **state)
{
    char           buf[64];
    weir_store_t  *s;

    s = store_open();
    assert_non_null(s);

    assert_int_equal(put(s, "", "", NULL, "one", -5), WEIR_STORE_OK);
    assert_int_equal(contents("audit/1970-01-01.jsonl", buf, sizeof(buf)), 4);
    assert_int_equal(put(s, "", "", "one", "two", INT64_MAX), WEIR_STORE_OK);
    assert_int_equal(contents("audit/9999-12-31.jsonl", buf, sizeof(buf)), 4);
    assert_int_equal(put(s, "", "", "two", "three", NOW), WEIR_STORE_OK);
    assert_int_equal(contents("audit/9999-12-31.jsonl", buf, sizeof(buf)),
                     10);

    s->ops->close(s);
}


/* Half a line that nobody of ours wrote is told, and costs no other line. */

static void
torn(void **state)
{
    trail_t        t;
    weir_store_t  *s;

    s = store_open();
    assert_non_null(s);

    assert_int_equal(put(s, "", "", NULL, "one", NOW), WEIR_STORE_OK);
    spoil("audit/" TODAY, "one\nhal");

    assert_int_equal(trail(s, &t), WEIR_STORE_CORRUPT);
    assert_string_equal(t.text, "one\n");
    assert_non_null(strstr(err.err.text, TODAY ":2: the line has no end"));

    assert_int_equal(put(s, "", "", "one", "two", NOW), WEIR_STORE_OK);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\nhal\ntwo\n");

    /* longer than the buffer, over and over */

    spoil("audit/" TODAY, "1\n22\n333\n4444\n55555\n\n7\n");
    memset(&t, 0, sizeof(t));
    assert_int_equal(s->ops->audit(s, 0, 5, trail_line, &t, &err),
                     WEIR_STORE_OK);
    assert_string_equal(t.text, "1\n22\n333\n4444\n55555\n\n7\n");
    assert_int_equal(t.n, 7);
    memset(&t, 0, sizeof(t));
    assert_int_equal(s->ops->audit(s, 0, 4, trail_line, &t, &err),
                     WEIR_STORE_TOO_LARGE);
    assert_non_null(strstr(err.err.text, ":5: longer than 4 bytes"));
    assert_int_equal(t.n, 4);

    s->ops->close(s);
}


static void
pending(char *buf, size_t size, const char *target, const char *day,
    unsigned offset, unsigned rev, const char *text)
{
    int      n;
    uint8_t  hash[WEIR_STORE_HASH];

    (void) weir_store_hash(hash, str(text), NULL);

    n = snprintf(buf, size, "weir-pending 1\n%s\n%s\n%u\n%u\n", target, day,
                 offset, rev);
    weir_hex((uint8_t *) buf + n, hash, WEIR_STORE_HASH);
    memcpy(buf + n + 64, "\n", 2);
}


/* The two ways in which a change ends whose publisher died. */

static void
recovery(void **state)
{
    char           text[512];
    trail_t        t;
    uint64_t       rev;
    weir_store_t  *s;

    s = store_open();
    assert_non_null(s);

    assert_int_equal(put(s, "split", "x", NULL, "one", NOW), WEIR_STORE_OK);

    /* the line is there, the document is not: a reader sees neither */

    spoil("audit/" TODAY, "one\ntwo\n");
    pending(text, sizeof(text), "split/x", TODAY, 4, 2, "two");
    spoil("pending", text);

    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\n");
    assert_int_equal(put(s, "split", "x", "one", "three", NOW),
                     WEIR_STORE_OK);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\nthree\n");
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, 2);

    /* both are there, rev is not: it will be */

    spoil("audit/" TODAY, "one\nthree\nfour\n");
    spoil("live/split/x.json", "four");
    pending(text, sizeof(text), "split/x", TODAY, 10, 3, "four");
    spoil("pending", text);

    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\nthree\nfour\n");
    assert_int_equal(s->ops->audit_append(s, str("note"), NOW, &err),
                     WEIR_STORE_OK);
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, 3);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\nthree\nfour\nnote\n");

    /* the first line of a day is gone with its file */

    spoil("audit/2026-01-06.jsonl", "five\n");
    pending(text, sizeof(text), "head", "2026-01-06.jsonl", 0, 0, "five");
    spoil("pending", text);
    assert_int_equal(put(s, "", "", NULL, "six", NOW), WEIR_STORE_OK);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\nthree\nfour\nnote\nsix\n");
    assert_int_equal(access(at("audit/2026-01-06.jsonl"), F_OK), -1);

    /* a line alone, and one that never came to be written */

    spoil("audit/" TODAY, "one\nno");
    pending(text, sizeof(text), "-", TODAY, 4, 0, "note");
    spoil("pending", text);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\n");
    pending(text, sizeof(text), "-", "2026-03-01.jsonl", 4, 0, "note");
    spoil("audit/" TODAY, "one\n");
    spoil("pending", text);
    assert_int_equal(put(s, "", "", "six", "seven", NOW), WEIR_STORE_OK);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\nseven\n");

    s->ops->close(s);
}


/* What nobody of ours writes is not acted upon. */

static void
pending_spoilt(void **state)
{
    char           text[512], long_text[600], *p;
    size_t         i;
    trail_t        t;
    weir_store_t  *s;

    static const char  *bad[] = {
        "",
        "x",
        "weir-pending 2\nhead\n" TODAY "\n0\n0\n",
        "weir-pending 1\nhead\n../../../etc/passwd\n0\n0\n",
        "weir-pending 1\nhead\n2026-01-05.jsonlx\n0\n0\n",
    };

    s = store_open();
    assert_non_null(s);
    assert_int_equal(put(s, "", "", NULL, "one", NOW), WEIR_STORE_OK);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "%s%064d\n", bad[i], 0);
        spoil("pending", text);
        assert_int_equal(put(s, "", "", "one", "two", NOW),
                         WEIR_STORE_CORRUPT);
        assert_non_null(strstr(err.err.text, "/pending: is not what"));
        assert_int_equal(trail(s, &t), WEIR_STORE_CORRUPT);
    }

    /* a target that is none, a hash that is cut, something behind it */

    pending(text, sizeof(text), "nothing", TODAY, 0, 0, "x");
    spoil("pending", text);
    assert_int_equal(put(s, "", "", "one", "two", NOW), WEIR_STORE_CORRUPT);
    pending(text, sizeof(text), "../x", TODAY, 0, 0, "x");
    spoil("pending", text);
    assert_int_equal(put(s, "", "", "one", "two", NOW), WEIR_STORE_INVALID);

    pending(text, sizeof(text), "head", TODAY, 0, 0, "x");
    p = text + strlen(text);
    strcpy(p, "y");
    spoil("pending", text);
    assert_int_equal(put(s, "", "", "one", "two", NOW), WEIR_STORE_CORRUPT);
    strcpy(p - 3, "\n");
    spoil("pending", text);
    assert_int_equal(put(s, "", "", "one", "two", NOW), WEIR_STORE_CORRUPT);

    memset(long_text, 'x', sizeof(long_text));
    long_text[sizeof(long_text) - 1] = '\0';
    spoil("pending", long_text);
    assert_int_equal(put(s, "", "", "one", "two", NOW),
                     WEIR_STORE_TOO_LARGE);

    assert_int_equal(unlink(at("pending")), 0);
    assert_int_equal(put(s, "", "", "one", "two", NOW), WEIR_STORE_OK);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\ntwo\n");

    s->ops->close(s);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(days, folder, folder_done),
        cmocka_unit_test_setup_teardown(far_away, folder, folder_done),
        cmocka_unit_test_setup_teardown(torn, folder, folder_done),
        cmocka_unit_test_setup_teardown(recovery, folder, folder_done),
        cmocka_unit_test_setup_teardown(pending_spoilt, folder, folder_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
