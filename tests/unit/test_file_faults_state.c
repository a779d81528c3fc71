
/*
 * Unit tests of lib/file: the gateway's own folder, while every call of the
 * system fails in turn, and memory does: what was there stays whole.
 */

#include "file_errors.h"

#include "weir_state.h"


/* A gateway's folder: the fence, three bundles and a document. */

static weir_store_code_e
save(weir_state_t *state, const char *text)
{
    weir_state_bundle_t   b;
    weir_store_segment_t  seg[2];

    seg[0].bytes = str("segment one");
    seg[1].bytes = str(text);

    if (weir_store_hash(seg[0].hash, seg[0].bytes, &err) != WEIR_STORE_OK
        || weir_store_hash(seg[1].hash, seg[1].bytes, &err) != WEIR_STORE_OK)
    {
        return WEIR_STORE_NOMEM;
    }

    b.head = str(text);
    b.segments = seg;
    b.nsegments = 2;

    return weir_state_save(state, &b, &err);
}


static weir_store_code_e
newest(weir_state_t *state, char *buf, size_t size)
{
    uint32_t             n;
    weir_arena_t         a;
    weir_store_code_e    rc;
    weir_state_entry_t   entries[WEIR_STATE_BUNDLES];
    weir_state_bundle_t  b;

    rc = weir_state_bundles(state, entries, &n, &err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (n != WEIR_STATE_BUNDLES) {
        return WEIR_STORE_MISSING;
    }

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    rc = weir_state_load(state, &a, &entries[0], MAX, &b, &err);

    if (rc == WEIR_STORE_OK) {
        snprintf(buf, size, "%.*s", (int) b.head.len, b.head.data);
    }

    weir_arena_done(&a);

    return rc;
}


static weir_store_code_e
state_change(weir_state_t *state, int which)
{
    char                buf[16];
    weir_str_t          bytes;
    weir_arena_t        a;
    weir_store_code_e   rc;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    switch (which) {

    case 0:
        rc = save(state, "b4");
        break;

    case 1:
        rc = weir_state_put_fence(state, str("f2"), &err);
        break;

    case 2:
        rc = weir_state_put_live(state, str("split"), str("x"), str("s2"),
                                 &err);
        break;

    case 3:
        rc = newest(state, buf, sizeof(buf));
        break;

    case 4:
        rc = weir_state_live(state, &a, str("split"), str("x"), 9, &bytes,
                             &err);
        break;

    default:
        rc = weir_state_fence(state, &a, 9, &bytes, &err);
        break;
    }

    weir_arena_done(&a);

    return rc;
}


static void
state_is(weir_state_t *state, int which, weir_store_code_e rc)
{
    char          buf[16];
    weir_str_t    bytes;
    weir_arena_t  a;

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    assert_int_equal(newest(state, buf, sizeof(buf)), WEIR_STORE_OK);
    assert_true(strcmp(buf, "b3") == 0
                || (which == 0 && strcmp(buf, "b4") == 0));

    if (which == 0 && rc == WEIR_STORE_OK) {
        assert_string_equal(buf, "b4");
    }

    assert_int_equal(weir_state_fence(state, &a, 9, &bytes, &err),
                     WEIR_STORE_OK);
    assert_true(weir_str_eq(bytes, str("f1"))
                || (which == 1 && weir_str_eq(bytes, str("f2"))));
    assert_true(which != 1 || rc != WEIR_STORE_OK
                || weir_str_eq(bytes, str("f2")));

    assert_int_equal(weir_state_live(state, &a, str("split"), str("x"), 9,
                                     &bytes, &err), WEIR_STORE_OK);
    assert_true(weir_str_eq(bytes, str("s1"))
                || (which == 2 && weir_str_eq(bytes, str("s2"))));

    weir_arena_done(&a);
}


static weir_state_t *
state_prepared(const weir_alloc_t *alloc)
{
    weir_state_t  *state;

    reset();

    assert_int_equal(weir_state_open(&state, alloc, root, NOW, &err),
                     WEIR_STORE_OK);
    assert_int_equal(save(state, "b1"), WEIR_STORE_OK);
    assert_int_equal(save(state, "b2"), WEIR_STORE_OK);
    assert_int_equal(save(state, "b3"), WEIR_STORE_OK);
    assert_int_equal(weir_state_put_fence(state, str("f1"), &err),
                     WEIR_STORE_OK);
    assert_int_equal(weir_state_put_live(state, str("split"), str("x"),
                                         str("s1"), &err), WEIR_STORE_OK);

    return state;
}


static void
gateway(void **unused)
{
    int                 which;
    size_t              e;
    unsigned            n, open;
    weir_state_t       *state;
    weir_store_code_e   rc;

    for (which = 0; which <= 5; which++) {

        for (e = 0; e < NERRORS; e++) {

            for (n = 1; n < 1000; n++) {
                state = state_prepared(&weir_alloc_malloc);
                open = descriptors();

                arm(FAULT_ERROR, n, errors[e]);
                rc = state_change(state, which);
                disarm();

                assert_int_equal(descriptors(), open);
                state_is(state, which, rc);
                assert_int_equal(state_change(state, which), WEIR_STORE_OK);
                weir_state_close(state);

                if (!fault_hit) {
                    assert_int_equal(rc, WEIR_STORE_OK);
                    break;
                }
            }

            assert_true(n < 1000);
        }
    }

    /* opening it: what cannot be swept is no reason not to start */

    for (n = 1; n < 1000; n++) {
        state = state_prepared(&weir_alloc_malloc);
        weir_state_close(state);
        open = descriptors();

        arm(FAULT_ERROR, n, EIO);
        rc = weir_state_open(&state, &weir_alloc_malloc, root, NOW, &err);
        disarm();

        if (rc == WEIR_STORE_OK) {
            state_is(state, -1, rc);
            weir_state_close(state);
        }

        assert_int_equal(descriptors(), open);

        if (!fault_hit) {
            break;
        }
    }

    assert_true(n > 5 && n < 1000);
}


static void
no_memory(void **unused)
{
    int                 which;
    unsigned            n;
    weir_state_t       *state;
    weir_store_code_e   rc;

    memory_arm(1, 0);
    assert_int_equal(weir_state_open(&state, &ours, root, NOW, &err),
                     WEIR_STORE_NOMEM);
    memory_disarm();

    for (which = 0; which <= 5; which++) {

        for (n = 1; n < 1000; n++) {
            state = state_prepared(&ours);

            memory_arm(n, 0);
            rc = state_change(state, which);
            memory_disarm();

            assert_true(rc == WEIR_STORE_OK || rc == WEIR_STORE_NOMEM);
            state_is(state, which, rc);
            weir_state_close(state);

            if (!memory.failed) {
                assert_int_equal(rc, WEIR_STORE_OK);
                break;
            }
        }

        assert_true(n < 1000);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(gateway, folder, folder_done),
        cmocka_unit_test_setup_teardown(no_memory, folder, folder_done),
    };

    if (memory_ours() != 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
