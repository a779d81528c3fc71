
/*
 * Unit tests of lib/file: publishers and gateways that die at any point, and
 * many publishers at once.
 */

#include "file_faults.h"

#include "file_saved.h"


#define KILLS       1000
#define PUBLISHERS  8
#define EACH        50


/* The number of a document that is whole, else -1. */

static int
number(const char *text, const char *kind, size_t size)
{
    char      want[8192];
    unsigned  n;

    if (sscanf(text + strlen(kind), " %u", &n) != 1) {
        return -1;
    }

    document(want, size, kind, n);

    return strcmp(text, want) == 0 ? (int) n : -1;
}


typedef struct {
    unsigned  head;             /* the last ones that the trail has */
    unsigned  live;
    int       bad;
} seen_t;


/* Each of them once, without a gap. */

static int
seen_line(void *ctx, int64_t when, weir_str_t line)
{
    int      n;
    char     text[8192];
    seen_t  *s;

    (void) when;

    s = ctx;
    memcpy(text, line.data, line.len);
    text[line.len] = '\0';

    if (text[0] == 'h') {
        n = number(text, "h", line.len + 1);
        s->bad |= n != (int) ++s->head;

    } else {
        n = number(text, "s", line.len + 1);
        s->bad |= n != (int) ++s->live;
    }

    return 0;
}


static unsigned
next_head(weir_store_t *s, char *old, char *text, size_t size)
{
    int  n;

    n = 0;

    if (head(s, old, 8192) == WEIR_STORE_OK) {
        n = number(old, "h", strlen(old) + 1);
        need(n > 0);
    }

    document(text, size, "h", (unsigned) n + 1);

    return (unsigned) n;
}


/* Reads all there is, and compares the trail with it. */

static void
whole(weir_store_t *s, unsigned *h, unsigned *l)
{
    char    text[8192];
    int     n;
    seen_t  seen;

    *h = 0;
    *l = 0;

    if (head(s, text, sizeof(text)) == WEIR_STORE_OK) {
        n = number(text, "h", strlen(text) + 1);
        assert_true(n > 0);
        *h = (unsigned) n;

    } else {
        assert_int_equal(err.code, WEIR_STORE_MISSING);
    }

    if (live(s, "split", "x", text, sizeof(text)) == WEIR_STORE_OK) {
        n = number(text, "s", strlen(text) + 1);
        assert_true(n > 0);
        *l = (unsigned) n;

    } else {
        assert_int_equal(err.code, WEIR_STORE_MISSING);
    }

    memset(&seen, 0, sizeof(seen));
    assert_int_equal(s->ops->audit(s, 0, 8191, seen_line, &seen, &err),
                     WEIR_STORE_OK);
    assert_false(seen.bad);
    assert_int_equal(seen.head, *h);
    assert_int_equal(seen.live, *l);
}


/* Publishes one of each; 0 when both succeeded. */

static int
publish_both(weir_store_t *s)
{
    char                  old[8192], text[8192];
    uint8_t               expect[WEIR_STORE_HASH];
    unsigned              n;
    weir_store_change_t   c;
    weir_store_segment_t  seg;

    memset(&c, 0, sizeof(c));

    n = next_head(s, old, text, 5000);

    seg.bytes = str(text);
    (void) weir_store_hash(seg.hash, seg.bytes, NULL);
    (void) weir_store_hash(expect, str(old), NULL);

    c.bytes = str(text);
    c.expect = n != 0 ? expect : NULL;
    c.segments = &seg;
    c.nsegments = 1;
    c.now = NOW;

    if (s->ops->publish(s, &c, &err) != WEIR_STORE_OK) {
        return 1;
    }

    n = 0;

    if (live(s, "split", "x", old, sizeof(old)) == WEIR_STORE_OK) {
        n = (unsigned) number(old, "s", strlen(old) + 1);
    }

    document(text, 3000, "s", n + 1);

    return put(s, "split", "x", n != 0 ? old : NULL, text, NOW)
           != WEIR_STORE_OK;
}


static void
next_works(weir_store_t *s, unsigned *h, unsigned *l)
{
    uint64_t  rev;

    assert_int_equal(publish_both(s), 0);

    (*h)++;
    (*l)++;

    assert_int_equal(access(at("pending"), F_OK), -1);
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_OK);
    assert_int_equal(rev, *l);
}


/* Dies at each call of the system in turn, in the middle of what it writes. */

static void
killed_at_each_call(void **state)
{
    int            status;
    pid_t          pid;
    unsigned       n, h, l, h2, l2;
    weir_store_t  *s;

    for (n = 1; n < 1000; n++) {
        (void) folder_done(NULL);
        assert_int_equal(mkdir(root, 0755), 0);

        s = store_open();
        assert_non_null(s);

        /* every second time there is something already */

        h = 0;
        l = 0;

        if (n % 2) {
            next_works(s, &h, &l);
        }

        pid = fork();
        assert_true(pid >= 0);

        if (pid == 0) {
            arm(FAULT_KILL, n / 2 + 1, 0);
            _exit(publish_both(s));
        }

        assert_int_equal(waitpid(pid, &status, 0), pid);

        whole(s, &h2, &l2);
        assert_in_range(h2, h, h + 1);
        assert_in_range(l2, l, h2 == h ? l : l + 1);

        next_works(s, &h2, &l2);
        whole(s, &h, &l);
        assert_int_equal(h, h2);
        assert_int_equal(l, l2);

        s->ops->close(s);

        if (WIFEXITED(status) && n % 2) {
            assert_int_equal(status, 0);
            break;
        }

        assert_true(n % 2 == 0 || WIFSIGNALED(status));
    }

    assert_in_range(n, 50, 999);
}


/* Dies at a thousand moments that nobody chose, on the disk as it is. */

static void
killed_at_random(void **state)
{
    int              i, status;
    pid_t            pid;
    unsigned         h, l, h2, l2, seed, changes, died;
    weir_store_t    *s;
    struct timespec  pause;

    s = store_open();
    assert_non_null(s);

    seed = (unsigned) getpid();
    changes = 0;
    died = 0;
    h = 0;
    l = 0;

    for (i = 0; i < KILLS; i++) {
        pid = fork();
        assert_true(pid >= 0);

        if (pid == 0) {
            for ( ;; ) {
                if (publish_both(s) != 0) {
                    _exit(1);
                }
            }
        }

        pause.tv_sec = 0;
        pause.tv_nsec = (long) (rand_r(&seed) % 3000) * 1000;
        (void) nanosleep(&pause, NULL);

        (void) kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        died += WIFSIGNALED(status);

        whole(s, &h2, &l2);
        assert_true(h2 >= h && l2 >= l);
        assert_in_range(h2 - l2, 0, i + 1);
        changes += h2 - h;

        if (i % 10 == 0) {
            assert_int_equal(publish_both(s), 0);
            h2++;
            l2++;
        }

        h = h2;
        l = l2;

        /* the trail is read whole each time: begin it anew */

        if (h > 400) {
            s->ops->close(s);
            (void) folder_done(NULL);
            assert_int_equal(mkdir(root, 0755), 0);
            s = store_open();
            assert_non_null(s);
            h = 0;
            l = 0;
        }
    }

    assert_int_equal(died, KILLS);
    assert_true(changes > KILLS / 10);

    s->ops->close(s);
}


/* A gateway that dies while it saves: the older ones are all there. */

static void
killed_while_saving(void **unused)
{
    int            status;
    pid_t          pid;
    unsigned       n, last, count;
    weir_state_t  *state;

    assert_int_equal(weir_state_open(&state, &weir_alloc_malloc, root, NOW,
                                     &err), WEIR_STORE_OK);

    for (n = 1; n <= 5; n++) {
        assert_int_equal(save(state, n), WEIR_STORE_OK);
    }

    last = 5;

    for (n = 1; n < 200; n++) {
        pid = fork();
        assert_true(pid >= 0);

        if (pid == 0) {
            arm(FAULT_KILL, n, 0);
            _exit(save(state, last + 1) != WEIR_STORE_OK);
        }

        assert_int_equal(waitpid(pid, &status, 0), pid);

        last = saved(state, &count) == last ? last : last + 1;
        assert_int_equal(saved(state, &count), last);
        assert_int_equal(count, WEIR_STATE_BUNDLES);

        if (WIFEXITED(status)) {
            assert_int_equal(status, 0);
            break;
        }
    }

    assert_in_range(n, 6, 199);

    assert_int_equal(save(state, last + 1), WEIR_STORE_OK);
    assert_int_equal(saved(state, &count), last + 1);

    weir_state_close(state);
}


/* Every success is in the trail once, whoever wins. */

static void
publisher(int readers)
{
    char               old[8192], text[8192];
    unsigned           done;
    weir_store_t      *s;
    weir_store_code_e  rc;

    s = store_open();
    need(s != NULL);

    for (done = 0; done < EACH; /* void */ ) {
        (void) next_head(s, old, text, 600);

        if (readers) {
            done++;
            continue;
        }

        rc = put(s, "", "", old[0] == '\0' ? NULL : old, text, NOW);

        if (rc == WEIR_STORE_OK) {
            done++;

        } else {
            need(rc == WEIR_STORE_CONFLICT);
        }
    }

    s->ops->close(s);
    _exit(0);
}


static void
many_publishers(void **state)
{
    int            i, status;
    pid_t          pids[PUBLISHERS + 2];
    unsigned       h, l;
    weir_store_t  *s;

    for (i = 0; i < PUBLISHERS + 2; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);

        if (pids[i] == 0) {
            publisher(i >= PUBLISHERS);
        }
    }

    for (i = 0; i < PUBLISHERS + 2; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }

    s = store_open();
    assert_non_null(s);
    whole(s, &h, &l);
    assert_int_equal(h, PUBLISHERS * EACH);
    s->ops->close(s);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(killed_at_each_call, folder,
                                        folder_done),
        cmocka_unit_test_setup_teardown(killed_at_random, folder,
                                        folder_done),
        cmocka_unit_test_setup_teardown(killed_while_saving, folder,
                                        folder_done),
        cmocka_unit_test_setup_teardown(many_publishers, folder,
                                        folder_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
