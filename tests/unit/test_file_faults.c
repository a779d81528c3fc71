
/*
 * Unit tests of lib/file: every call of the system fails in turn, and memory
 * does: what was there stays whole, nothing leaks, and the next one succeeds.
 */

#include "file_errors.h"


static weir_store_t *
prepared(void)
{
    weir_store_t  *s;

    reset();
    s = store_open();
    assert_non_null(s);

    assert_int_equal(put(s, "", "", NULL, "h1", NOW), WEIR_STORE_OK);
    assert_int_equal(put(s, "split", "x", NULL, "s1", NOW), WEIR_STORE_OK);
    assert_int_equal(s->ops->put_report(s, str("gw"), str("r1"), &err),
                     WEIR_STORE_OK);
    spoil("audit/2026-01-03.jsonl", "old\n");

    return s;
}


/* One bundle with a segment over h1, and one split over s1. */

static weir_store_code_e
publish_head(weir_store_t *s)
{
    uint8_t               expect[WEIR_STORE_HASH];
    weir_store_change_t   c;
    weir_store_segment_t  seg;

    memset(&c, 0, sizeof(c));

    seg.bytes = str("segment");
    c.bytes = str("h2");
    c.expect = expect;
    c.segments = &seg;
    c.nsegments = 1;
    c.now = NOW + DAY;

    if (weir_store_hash(seg.hash, seg.bytes, &err) != WEIR_STORE_OK
        || weir_store_hash(expect, str("h1"), &err) != WEIR_STORE_OK)
    {
        return WEIR_STORE_NOMEM;
    }

    return s->ops->publish(s, &c, &err);
}


/* The store is as before the change, or as after; then it works. */

static void
old_or_new(weir_store_t *s, weir_store_code_e rc)
{
    char      h[16], l[16], want[64];
    int       new_head, new_live;
    trail_t   t;
    uint64_t  rev;

    assert_int_equal(head(s, h, sizeof(h)), WEIR_STORE_OK);
    assert_int_equal(live(s, "split", "x", l, sizeof(l)), WEIR_STORE_OK);

    new_head = strcmp(h, "h2") == 0;
    new_live = strcmp(l, "s2") == 0;

    if (!new_head) {
        assert_string_equal(h, "h1");
    }

    if (!new_live) {
        assert_string_equal(l, "s1");
    }

    if (rc == WEIR_STORE_OK) {
        assert_true(new_head || new_live);
    }

    snprintf(want, sizeof(want), "old\nh1\ns1\n%s%s", new_head ? "h2\n" : "",
             new_live ? "s2\n" : "");
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, want);

    assert_int_equal(put(s, "", "", h, "h3", NOW), WEIR_STORE_OK);
    assert_int_equal(put(s, "split", "x", l, "s3", NOW), WEIR_STORE_OK);
    strcat(want, "h3\ns3\n");
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, want);
    assert_int_equal(access(at("pending"), F_OK), -1);

    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, new_live ? 3 : 2);
}


static void
every_call(weir_store_code_e (*change)(weir_store_t *s), int kinds)
{
    size_t              e;
    unsigned            n, open, failed;
    weir_store_t       *s;
    weir_store_code_e   rc;

    for (e = 0; e < NERRORS; e++) {
        failed = 0;

        for (n = 1; n < 1000; n++) {
            s = prepared();
            open = descriptors();

            memset(&err, 0, sizeof(err));
            arm(FAULT_ERROR, n, errors[e]);
            rc = change(s);
            disarm();

            assert_int_equal(descriptors(), open);

            if (rc != WEIR_STORE_OK) {
                failed++;
                assert_int_equal(err.code, rc);
                assert_true(err.err.text[0] != '\0');
            }

            if (errors[e] == EINTR && kinds) {
                assert_int_equal(rc, WEIR_STORE_OK);
            }

            old_or_new(s, rc);
            s->ops->close(s);

            if (!fault_hit) {
                assert_int_equal(rc, WEIR_STORE_OK);
                break;
            }
        }

        assert_true(n > 10 && n < 1000);

        if (errors[e] != EINTR) {
            assert_true(failed > 10);
        }
    }
}


static weir_store_code_e
publish_live(weir_store_t *s)
{
    return put(s, "split", "x", "s1", "s2", NOW);
}


static void
publishing(void **state)
{
    every_call(publish_head, 0);
    every_call(publish_live, 0);
}


/* What changes no document: it fails or not, and the documents stay. */

static weir_store_code_e
others(weir_store_t *s, int which)
{
    uint8_t              hash[WEIR_STORE_HASH];
    trail_t              t;
    uint32_t             n;
    uint64_t             rev;
    weir_str_t           bytes;
    weir_arena_t         a;
    weir_store_list_t    list;
    weir_store_code_e    rc;

    n = memory.nth;
    memory_disarm();
    (void) weir_store_hash(hash, str("h1"), NULL);
    memory.nth = n;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    switch (which) {

    case 0:
        rc = s->ops->put_report(s, str("gw"), str("r2"), &err);
        break;

    case 1:
        rc = s->ops->drop_reports(s, INT64_MAX, &n, &err);
        break;

    case 2:
        rc = s->ops->collect(s, hash, NULL, 0, INT64_MAX, &n, &err);
        break;

    case 3:
        rc = s->ops->reports(s, &a, 9, &list, &err);
        break;

    case 4:
        rc = s->ops->lives(s, &a, str(""), 9, &list, &err);
        break;

    case 5:
        rc = s->ops->rev(s, &rev, &err);
        break;

    case 6:
        rc = s->ops->audit_trim(s, NOW, &n, &err);
        break;

    case 7:
        rc = trail(s, &t);
        break;

    case 8:
        rc = s->ops->head(s, &a, MAX, &bytes, &err);
        break;

    case 9:
        rc = s->ops->live(s, &a, str("split"), str("x"), MAX, &bytes, &err);
        break;

    default:
        rc = s->ops->report(s, &a, str("gw"), MAX, &bytes, &err);
        break;
    }

    weir_arena_done(&a);

    return rc;
}


static void
other_operations(void **state)
{
    int                 which;
    char                h[16], l[16];
    size_t              e;
    unsigned            n, open;
    weir_store_t       *s;
    weir_store_code_e   rc;

    for (which = 0; which <= 10; which++) {

        for (e = 0; e < NERRORS; e++) {

            for (n = 1; n < 1000; n++) {
                s = prepared();
                open = descriptors();

                arm(FAULT_ERROR, n, errors[e]);
                rc = others(s, which);
                disarm();

                assert_int_equal(descriptors(), open);
                assert_int_equal(head(s, h, sizeof(h)), WEIR_STORE_OK);
                assert_int_equal(live(s, "split", "x", l, sizeof(l)),
                                 WEIR_STORE_OK);
                assert_string_equal(h, "h1");
                assert_string_equal(l, "s1");

                assert_true(fault_hit || rc == WEIR_STORE_OK);
                assert_int_equal(others(s, which), WEIR_STORE_OK);

                s->ops->close(s);

                if (!fault_hit) {
                    break;
                }
            }

            assert_true(n < 1000);
        }
    }
}


/* A line of the trail alone: there, or not, and never half of it. */

static void
appending(void **state)
{
    size_t              e;
    trail_t             t;
    unsigned            n, open;
    weir_store_t       *s;
    weir_store_code_e   rc;

    for (e = 0; e < NERRORS; e++) {

        for (n = 1; n < 1000; n++) {
            s = prepared();
            open = descriptors();

            arm(FAULT_ERROR, n, errors[e]);
            rc = s->ops->audit_append(s, str("line"), NOW, &err);
            disarm();

            assert_int_equal(descriptors(), open);

            assert_int_equal(put(s, "", "", "h1", "h2", NOW), WEIR_STORE_OK);
            assert_int_equal(trail(s, &t), WEIR_STORE_OK);

            if (rc == WEIR_STORE_OK) {
                assert_string_equal(t.text, "old\nh1\ns1\nline\nh2\n");

            } else if (strstr(t.text, "line") == NULL) {
                assert_string_equal(t.text, "old\nh1\ns1\nh2\n");

            } else {
                assert_string_equal(t.text, "old\nh1\ns1\nline\nh2\n");
            }

            s->ops->close(s);

            if (!fault_hit) {
                assert_int_equal(rc, WEIR_STORE_OK);
                break;
            }
        }

        assert_true(n > 10 && n < 1000);
    }
}


static void
opening(void **state)
{
    size_t              e;
    unsigned            n, open;
    weir_store_t       *s;
    weir_store_code_e   rc;

    for (e = 0; e < NERRORS; e++) {

        for (n = 1; n < 100; n++) {
            reset();
            open = descriptors();

            arm(FAULT_ERROR, n, errors[e]);
            rc = weir_file_open(&s, &weir_alloc_malloc, at("new"), 1, 0,
                                &err);
            disarm();

            if (rc == WEIR_STORE_OK) {
                s->ops->close(s);

            } else {
                assert_int_equal(rc, WEIR_STORE_UNREACHABLE);
                assert_int_equal(err.sys, errors[e]);
            }

            assert_int_equal(descriptors(), open);

            if (!fault_hit) {
                assert_int_equal(rc, WEIR_STORE_OK);
                break;
            }
        }

        assert_true(n < 100);
    }
}


static void
no_memory(void **unused)
{
    int                 which;
    unsigned            n, open, nomem;
    weir_store_t       *s;
    weir_store_code_e   rc;

    /* OpenSSL keeps what it fetched once */

    s = prepared();
    (void) publish_head(s);
    s->ops->close(s);

    for (which = -2; which <= 10; which++) {
        nomem = 0;

        for (n = 1; n < 1000; n++) {
            s = prepared();
            s->ops->close(s);
            assert_int_equal(weir_file_open(&s, &ours, root, 0, 0, &err),
                             WEIR_STORE_OK);
            open = descriptors();

            memory_arm(n, 0);
            rc = which == -2 ? publish_head(s) : which == -1 ? publish_live(s)
                 : others(s, which);
            memory_disarm();

            assert_int_equal(descriptors(), open);

            if (rc != WEIR_STORE_OK) {
                assert_int_equal(rc, WEIR_STORE_NOMEM);
                nomem++;
            }

            if (which < 0) {
                old_or_new(s, rc);

            } else {
                assert_int_equal(others(s, which), WEIR_STORE_OK);
            }

            s->ops->close(s);

            if (!memory.failed) {
                assert_int_equal(rc, WEIR_STORE_OK);
                break;
            }
        }

        assert_true(n < 1000);
        assert_true(which >= 0 || nomem > 3);
    }

    /* ... and opening it */

    memory_arm(1, 0);
    assert_int_equal(weir_file_open(&s, &ours, root, 0, 0, &err),
                     WEIR_STORE_NOMEM);
    memory_disarm();
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(opening, folder, folder_done),
        cmocka_unit_test_setup_teardown(publishing, folder, folder_done),
        cmocka_unit_test_setup_teardown(other_operations, folder,
                                        folder_done),
        cmocka_unit_test_setup_teardown(appending, folder, folder_done),
        cmocka_unit_test_setup_teardown(no_memory, folder, folder_done),
    };

    if (memory_ours() != 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
