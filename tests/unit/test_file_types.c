
/*
 * Unit tests of lib/file: what is no file is neither followed nor waited for,
 * nothing outside of the store's folder is ever reached, and permissions are
 * those of a gateway's user.
 */

#include "file_make.h"


/* What stands where a file belongs is never followed, nor waited for. */

static void
wrong_types(void **state)
{
    char               buf[64];
    uint8_t            hash[WEIR_STORE_HASH];
    uint32_t           n;
    uint64_t           rev;
    trail_t            t;
    weir_str_t         bytes;
    weir_arena_t       a;
    weir_store_t      *s;
    weir_store_list_t  list;

    s = store_open();
    assert_non_null(s);

    weir_arena_init(&a, &weir_alloc_malloc, 0);
    (void) weir_store_hash(hash, str("x"), NULL);

    (void) alarm(20);

    assert_int_equal(mkdir(at("out"), 0755), 0);
    assert_int_equal(mkdir(at("out/split"), 0755), 0);
    spoil("out/secret.json", "secret");
    spoil("out/split/secret.json", "secret");

    /* the head: a folder, a FIFO, a link */

    assert_int_equal(mkdir(at("head.json"), 0755), 0);
    assert_int_equal(head(s, buf, sizeof(buf)), WEIR_STORE_WRONG_TYPE);
    assert_non_null(strstr(err.err.text, "/head.json"));
    assert_int_equal(put(s, "", "", NULL, "one", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(rmdir(at("head.json")), 0);

    assert_int_equal(mkfifo(at("head.json"), 0644), 0);
    assert_int_equal(head(s, buf, sizeof(buf)), WEIR_STORE_WRONG_TYPE);
    assert_int_equal(put(s, "", "", NULL, "one", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(unlink(at("head.json")), 0);

    assert_int_equal(symlink("out/secret.json", at("head.json")), 0);
    assert_int_equal(head(s, buf, sizeof(buf)), WEIR_STORE_WRONG_TYPE);
    assert_non_null(strstr(err.err.text, "symbolic link"));
    assert_int_equal(put(s, "", "", NULL, "one", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(unlink(at("head.json")), 0);

    /* folders that are links */

    assert_int_equal(symlink("out", at("live")), 0);
    assert_int_equal(live(s, "split", "secret", buf, sizeof(buf)),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(s->ops->lives(s, &a, str(""), 9, &list, &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(put(s, "split", "secret", "secret", "x", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(unlink(at("live")), 0);

    assert_int_equal(mkdir(at("live"), 0755), 0);
    assert_int_equal(symlink("../out/split", at("live/split")), 0);
    assert_int_equal(live(s, "split", "secret", buf, sizeof(buf)),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(s->ops->lives(s, &a, str(""), 9, &list, &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(put(s, "split", "new", NULL, "x", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(access(at("out/split/new.json"), F_OK), -1);

    assert_int_equal(symlink("out", at("segments")), 0);
    assert_int_equal(s->ops->segment(s, &a, hash, 9, &bytes, &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(s->ops->collect(s, NULL, NULL, 0, INT64_MAX, &n, &err),
                     WEIR_STORE_WRONG_TYPE);

    assert_int_equal(symlink("out", at("gateways")), 0);
    assert_int_equal(s->ops->report(s, &a, str("secret"), 9, &bytes, &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(s->ops->reports(s, &a, 9, &list, &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(s->ops->put_report(s, str("new"), str("x"), &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(s->ops->drop_reports(s, INT64_MAX, &n, &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(access(at("out/new.json"), F_OK), -1);
    assert_int_equal(access(at("out/secret.json"), F_OK), 0);

    assert_int_equal(symlink("out", at("audit")), 0);
    assert_int_equal(trail(s, &t), WEIR_STORE_WRONG_TYPE);
    assert_int_equal(put(s, "", "", NULL, "one", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(s->ops->audit_append(s, str("x"), NOW, &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(s->ops->audit_trim(s, NOW, &n, &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(unlink(at("audit")), 0);

    /* a day of the trail that is somebody's file elsewhere */

    assert_int_equal(mkdir(at("audit"), 0755), 0);
    assert_int_equal(symlink("../out/secret.json", at("audit/" TODAY)), 0);
    assert_int_equal(put(s, "", "", NULL, "one", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(trail(s, &t), WEIR_STORE_WRONG_TYPE);
    assert_int_equal(unlink(at("audit/" TODAY)), 0);
    assert_int_equal(link(at("out/secret.json"), at("audit/" TODAY)), 0);
    assert_int_equal(put(s, "", "", NULL, "one", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_non_null(strstr(err.err.text, "another link"));
    assert_int_equal(unlink(at("audit/" TODAY)), 0);
    assert_int_equal(mkfifo(at("audit/" TODAY), 0644), 0);
    assert_int_equal(put(s, "", "", NULL, "one", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(contents("out/secret.json", buf, sizeof(buf)), 6);
    assert_int_equal(unlink(at("audit/" TODAY)), 0);

    /* once it is gone, so is what was left half-way */

    assert_int_equal(access(at("pending"), F_OK), 0);
    assert_int_equal(put(s, "", "", NULL, "one", NOW), WEIR_STORE_OK);
    assert_int_equal(access(at("pending"), F_OK), -1);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\n");

    /* the lock, rev, pending */

    assert_int_equal(unlink(at("lock")), 0);
    assert_int_equal(symlink("out/secret.json", at("lock")), 0);
    assert_int_equal(put(s, "", "", "one", "two", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(trail(s, &t), WEIR_STORE_WRONG_TYPE);
    assert_int_equal(unlink(at("lock")), 0);
    assert_int_equal(mkfifo(at("lock"), 0644), 0);
    assert_int_equal(put(s, "", "", "one", "two", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(unlink(at("lock")), 0);

    assert_int_equal(mkdir(at("pending"), 0755), 0);
    assert_int_equal(put(s, "", "", "one", "two", NOW),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(trail(s, &t), WEIR_STORE_WRONG_TYPE);
    assert_int_equal(rmdir(at("pending")), 0);

    assert_int_equal(unlink(at("live/split")), 0);
    assert_int_equal(symlink("out/secret.json", at("rev")), 0);
    assert_int_equal(s->ops->rev(s, &rev, &err), WEIR_STORE_WRONG_TYPE);
    assert_int_equal(put(s, "split", "new", NULL, "x", NOW),
                     WEIR_STORE_WRONG_TYPE);

    (void) alarm(0);

    weir_arena_done(&a);
    s->ops->close(s);
}


/* Somebody else's user may read, and no more. */

static void
permissions(void **state)
{
    int            status;
    char           buf[64];
    pid_t          pid;
    trail_t        t;
    weir_store_t  *s;

    if (getuid() != 0) {
        skip();
    }

    assert_int_equal(chmod(root, 0755), 0);

    s = store_open();
    assert_non_null(s);
    assert_int_equal(put(s, "", "", NULL, "one", NOW), WEIR_STORE_OK);
    assert_int_equal(put(s, "split", "x", NULL, "s", NOW), WEIR_STORE_OK);
    assert_int_equal(put(s, "split", "y", NULL, "s", NOW), WEIR_STORE_OK);
    assert_int_equal(chmod(at("live/split/y.json"), 0600), 0);

    pid = fork();
    assert_true(pid >= 0);

    if (pid == 0) {
        need(setgid(65534) == 0 && setuid(65534) == 0);

        need(head(s, buf, sizeof(buf)) == WEIR_STORE_OK);
        need(live(s, "split", "x", buf, sizeof(buf)) == WEIR_STORE_OK);
        need(live(s, "split", "y", buf, sizeof(buf))
             == WEIR_STORE_UNREADABLE);
        need(err.sys == EACCES);
        need(trail(s, &t) == WEIR_STORE_OK && t.n == 3);
        need(put(s, "", "", "one", "two", NOW) == WEIR_STORE_DENIED);
        need(s->ops->put_report(s, str("gw"), str("x"), &err)
             == WEIR_STORE_DENIED);
        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    /* gateways' own folder is theirs */

    assert_int_equal(mkdir(at("gateways"), 0755), 0);
    assert_int_equal(chown(at("gateways"), 65534, 65534), 0);

    pid = fork();
    assert_true(pid >= 0);

    if (pid == 0) {
        need(setgid(65534) == 0 && setuid(65534) == 0);
        need(s->ops->put_report(s, str("gw"), str("x"), &err)
             == WEIR_STORE_OK);
        need(s->ops->put_report(s, str("gw"), str("y"), &err)
             == WEIR_STORE_OK);
        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    s->ops->close(s);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(wrong_types, folder, folder_done),
        cmocka_unit_test_setup_teardown(permissions, folder, folder_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
