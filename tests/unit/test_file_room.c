
/*
 * Unit tests of lib/file: a lock that others hold, a disk without room.
 */

#include "file_make.h"

#include <limits.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>

#include "file_saved.h"


#define BIG          40000
#define DEADLINE_MS  10000


static void
locked(void **state)
{
    int            fd, status;
    pid_t          pid;
    trail_t        t;
    weir_store_t  *s;

    assert_int_equal(weir_file_open(&s, &weir_alloc_malloc, root, 0, 30,
                                    &err), WEIR_STORE_OK);
    assert_int_equal(put(s, "", "", NULL, "one", NOW), WEIR_STORE_OK);

    fd = open(at("lock"), O_RDONLY);
    assert_true(fd != -1);
    assert_int_equal(flock(fd, LOCK_EX), 0);

    assert_int_equal(put(s, "", "", "one", "two", NOW), WEIR_STORE_BUSY);
    assert_non_null(strstr(err.err.text, "/lock: held by another process"));
    assert_int_equal(trail(s, &t), WEIR_STORE_BUSY);
    assert_int_equal(s->ops->audit_append(s, str("x"), NOW, &err),
                     WEIR_STORE_BUSY);

    /* a lock that somebody removes excludes nobody */

    pid = fork();
    assert_true(pid >= 0);

    if (pid == 0) {
        (void) close(fd);
        fd = open(at("lock"), O_RDONLY);
        (void) unlink(at("lock"));
        _exit(put(s, "", "", "one", "two", NOW) != WEIR_STORE_OK);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(fd);

    assert_int_equal(put(s, "", "", "two", "three", NOW), WEIR_STORE_OK);
    assert_int_equal(trail(s, &t), WEIR_STORE_OK);
    assert_string_equal(t.text, "one\ntwo\nthree\n");

    s->ops->close(s);
}


/* 1: a child has opened the file, beside what it was given. */

static int
has_open(pid_t pid, const char *path, int given)
{
    int             found;
    DIR            *dir;
    char            fds[64], target[PATH_MAX];
    ssize_t         n;
    struct dirent  *entry;

    snprintf(fds, sizeof(fds), "/proc/%d/fd", (int) pid);

    dir = opendir(fds);
    assert_non_null(dir);

    found = 0;

    while (!found && (entry = readdir(dir)) != NULL) {
        n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

        if (n > 0 && atoi(entry->d_name) != given) {
            target[n] = '\0';
            found = strcmp(target, path) == 0;
        }
    }

    (void) closedir(dir);

    return found;
}


/* Removed while it is waited for: the new one is locked instead. */

static void
lock_replaced(void **state)
{
    int              fd, status;
    pid_t            pid;
    unsigned         i;
    weir_store_t    *s;
    struct timespec  pause;

    s = store_open();
    assert_non_null(s);
    assert_int_equal(put(s, "", "", NULL, "one", NOW), WEIR_STORE_OK);

    fd = open(at("lock"), O_RDONLY);
    assert_true(fd != -1);
    assert_int_equal(flock(fd, LOCK_EX), 0);

    pid = fork();
    assert_true(pid >= 0);

    if (pid == 0) {
        _exit(put(s, "", "", "one", "two", NOW) != WEIR_STORE_OK);
    }

    pause.tv_sec = 0;
    pause.tv_nsec = 1000000;

    for (i = 0; !has_open(pid, at("lock"), fd); i++) {
        assert_true(i < DEADLINE_MS);
        (void) nanosleep(&pause, NULL);
    }

    assert_int_equal(unlink(at("lock")), 0);
    assert_int_equal(flock(fd, LOCK_UN), 0);
    close(fd);

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(access(at("lock"), F_OK), 0);

    s->ops->close(s);
}


/* No room: by the process's limit, then on a file system of 256 KiB. */

static void
no_room(weir_store_t *s, const char *big)
{
    char          buf[64];
    trail_t       t;
    weir_str_t    bytes;
    weir_state_t *state;
    weir_arena_t  a;
    unsigned      older;

    need(put(s, "", "", "one", big, NOW) == WEIR_STORE_FULL);
    need(err.sys == EFBIG || err.sys == ENOSPC);
    need(put(s, "split", "x", "s1", big, NOW) == WEIR_STORE_FULL);
    need(s->ops->put_report(s, str("gw"), str(big), &err)
         == WEIR_STORE_FULL);
    need(s->ops->audit_append(s, str(big), NOW, &err) == WEIR_STORE_FULL);

    need(head(s, buf, sizeof(buf)) == WEIR_STORE_OK);
    need(strcmp(buf, "one") == 0);
    need(live(s, "split", "x", buf, sizeof(buf)) == WEIR_STORE_OK);
    need(strcmp(buf, "s1") == 0);
    need(trail(s, &t) == WEIR_STORE_OK);
    need(strcmp(t.text, "one\ns1\n") == 0);

    need(weir_state_open(&state, &weir_alloc_malloc, at("state"), NOW, &err)
         == WEIR_STORE_OK);
    need(weir_state_put_fence(state, str(big), &err) == WEIR_STORE_FULL);
    need(weir_state_put_live(state, str("split"), str("x"), str(big), &err)
         == WEIR_STORE_FULL);
    need(saved(state, &older) == 3 && older == 3);

    weir_arena_init(&a, &weir_alloc_malloc, 0);
    need(weir_state_fence(state, &a, 99, &bytes, &err) == WEIR_STORE_OK);
    need(weir_str_eq(bytes, str("f1")));
    weir_arena_done(&a);
    weir_state_close(state);
}


static weir_store_t *
full_prepared(void)
{
    unsigned       n;
    weir_store_t  *s;
    weir_state_t  *state;

    s = store_open();
    need(s != NULL);
    need(put(s, "", "", NULL, "one", NOW) == WEIR_STORE_OK);
    need(put(s, "split", "x", NULL, "s1", NOW) == WEIR_STORE_OK);

    need(weir_state_open(&state, &weir_alloc_malloc, at("state"), NOW, &err)
         == WEIR_STORE_OK);
    need(weir_state_put_fence(state, str("f1"), &err) == WEIR_STORE_OK);

    for (n = 1; n <= 3; n++) {
        need(save(state, n) == WEIR_STORE_OK);
    }

    weir_state_close(state);

    return s;
}


static void
full(void **state)
{
    int             fd, status;
    char            big[BIG];
    pid_t           pid;
    weir_store_t   *s;
    struct rlimit   limit;

    document(big, sizeof(big), "b", 1);

    pid = fork();
    assert_true(pid >= 0);

    if (pid == 0) {
        (void) signal(SIGXFSZ, SIG_IGN);
        s = full_prepared();

        limit.rlim_cur = limit.rlim_max = BIG / 2;
        need(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        no_room(s, big);
        need(put(s, "", "", "one", "two", NOW) == WEIR_STORE_OK);
        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    /* a mount of our own, where we may */

    (void) folder_done(NULL);
    assert_int_equal(mkdir(root, 0755), 0);

    pid = fork();
    assert_true(pid >= 0);

    if (pid == 0) {

        if (unshare(CLONE_NEWNS) != 0
            || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
            || mount("none", root, "tmpfs", 0, "size=256k") != 0)
        {
            _exit(77);
        }

        s = full_prepared();

        /* all but 16 KiB are taken, then all */

        fd = open(at("filler"), O_WRONLY | O_CREAT, 0644);
        need(fd != -1);

        while (write(fd, big, 4096) == 4096) { /* void */ }

        need(ftruncate(fd, lseek(fd, 0, SEEK_CUR) - 16384) == 0);
        no_room(s, big);

        (void) lseek(fd, 0, SEEK_END);
        while (write(fd, big, 4096) == 4096) { /* void */ }

        need(put(s, "", "", "one", "two", NOW) == WEIR_STORE_FULL);
        no_room(s, big);

        need(unlink(at("filler")) == 0 && close(fd) == 0);
        need(put(s, "", "", "one", "two", NOW) == WEIR_STORE_OK);
        need(put(s, "split", "x", "s1", big, NOW) == WEIR_STORE_OK);
        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);

    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("no mount of our own: by RLIMIT_FSIZE only\n");

    } else {
        assert_int_equal(status, 0);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(locked, folder, folder_done),
        cmocka_unit_test_setup_teardown(lock_replaced, folder, folder_done),
        cmocka_unit_test_setup_teardown(full, folder, folder_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
