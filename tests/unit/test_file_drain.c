
/*
 * Unit tests of lib/file: a drain asked for and answered, and what is neither.
 */

#include "file_make.h"

#include "weir_drain.h"


#define RUN    "0123456789abcdef0123456789abcdef"
#define NONCE  "fedcba9876543210fedcba9876543210"


static weir_drain_t
filled(const char *nonce, unsigned draining, uint64_t in_flight)
{
    weir_drain_t  d;

    memset(&d, 0, sizeof(weir_drain_t));

    snprintf(d.node, sizeof(d.node), "gw-1");
    snprintf(d.run, sizeof(d.run), "%s", RUN);
    snprintf(d.nonce, sizeof(d.nonce), "%s", nonce);

    d.draining = draining & 1;
    d.in_flight = in_flight;

    return d;
}


static void
write_to(const char *name, const char *text, size_t len)
{
    int  fd;

    fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd != -1);
    assert_int_equal(write(fd, text, len), (ssize_t) len);
    assert_int_equal(close(fd), 0);
}


static void
roundtrip(void **unused)
{
    struct stat    st;
    weir_drain_t   d, read;

    assert_int_equal(weir_drain_request(root, &read, &err),
                     WEIR_STORE_MISSING);
    assert_int_equal(weir_drain_answer(root, &read, &err),
                     WEIR_STORE_MISSING);

    d = filled(NONCE, 1, 0);
    assert_int_equal(weir_drain_ask(root, &d, &err), WEIR_STORE_OK);
    assert_int_equal(weir_drain_request(root, &read, &err), WEIR_STORE_OK);
    assert_string_equal(read.run, RUN);
    assert_string_equal(read.nonce, NONCE);
    assert_int_equal(read.draining, 1);

    d.draining = 0;
    assert_int_equal(weir_drain_ask(root, &d, &err), WEIR_STORE_OK);
    assert_int_equal(weir_drain_request(root, &read, &err), WEIR_STORE_OK);
    assert_int_equal(read.draining, 0);

    /* root asks, a worker reads; what a worker tells is its owner's alone */

    assert_int_equal(stat(at("drain"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);

    d = filled("", 0, 0);
    assert_int_equal(weir_drain_tell(root, &d, &err), WEIR_STORE_OK);
    assert_int_equal(weir_drain_answer(root, &read, &err), WEIR_STORE_OK);
    assert_memory_equal(&d, &read, sizeof(weir_drain_t));

    d = filled(NONCE, 1, UINT64_MAX);
    assert_int_equal(weir_drain_tell(root, &d, &err), WEIR_STORE_OK);
    assert_int_equal(weir_drain_answer(root, &read, &err), WEIR_STORE_OK);
    assert_memory_equal(&d, &read, sizeof(weir_drain_t));

    assert_int_equal(stat(at("gateway"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}


static void
malformed(void **unused)
{
    size_t        i, len;
    char          text[512];
    weir_drain_t  d;

    static const char  *requests[] = {
        "",
        "\n",
        "weir-drain 1 " RUN " " NONCE " on",
        "weir-drain 1 " RUN " " NONCE " on\n\n",
        "weir-drain 1 " RUN " " NONCE " on \n",
        " weir-drain 1 " RUN " " NONCE " on\n",
        "weir-drain 1 " RUN "  " NONCE " on\n",
        "weir-drain\t1 " RUN " " NONCE " on\n",
        "weir-drain 1 " RUN " " NONCE " on on\n",
        "weir-drain 1 " RUN " " NONCE " a b c d e\n",
        "weir-drain 1 " RUN " " NONCE " yes\n",
        "weir-drain 1 " RUN " " NONCE " ON\n",
        "weir-drain 1 " RUN " " NONCE "\n",
        "weir-drain 2 " RUN " " NONCE " on\n",
        "weir-grain 1 " RUN " " NONCE " on\n",
        "weir-drain 1 " RUN "0 " NONCE " on\n",
        "weir-drain 1 0123456789ABCDEF0123456789abcdef " NONCE " on\n",
        "weir-drain 1 " RUN " 0 on\n",
        "weir-drain 1 " RUN " - on\n"
    };

    static const char  *answers[] = {
        "weir-gateway 1 gw-1 " RUN " " NONCE " draining\n",
        "weir-gateway 1 gw-1 " RUN " " NONCE " draining 1x\n",
        "weir-gateway 1 gw-1 " RUN " " NONCE " draining 1 1\n",
        "weir-gateway 1 gw-1 " RUN " " NONCE " resting 1\n",
        "weir-gateway 1 gw-1 " RUN " x draining 1\n",
        "weir-gateway 1 gw-1 x " NONCE " draining 1\n",
        "weir-gateway 2 gw-1 " RUN " " NONCE " draining 1\n",
        "weir-drain 1 " RUN " " NONCE " on\n"
    };

    for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        write_to("drain", requests[i], strlen(requests[i]));
        assert_int_equal(weir_drain_request(root, &d, &err),
                         WEIR_STORE_CORRUPT);
    }

    write_to("drain", "weir-drain 1 " RUN " " NONCE " on\0\n", 83);
    assert_int_equal(weir_drain_request(root, &d, &err), WEIR_STORE_CORRUPT);

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        write_to("gateway", answers[i], strlen(answers[i]));
        assert_int_equal(weir_drain_answer(root, &d, &err),
                         WEIR_STORE_CORRUPT);
    }

    /* a node of 65 bytes; a line without end; every cut of a good one */

    len = (size_t) snprintf(text, sizeof(text), "weir-gateway 1 %065d " RUN
                            " " NONCE " draining 1\n", 0);
    write_to("gateway", text, len);
    assert_int_equal(weir_drain_answer(root, &d, &err), WEIR_STORE_CORRUPT);

    memset(text, 'x', sizeof(text));
    write_to("drain", text, sizeof(text));
    assert_int_equal(weir_drain_request(root, &d, &err),
                     WEIR_STORE_TOO_LARGE);

    len = strlen("weir-drain 1 " RUN " " NONCE " on\n");

    for (i = 0; i < len; i++) {
        write_to("drain", "weir-drain 1 " RUN " " NONCE " on\n", i);
        assert_int_equal(weir_drain_request(root, &d, &err),
                         WEIR_STORE_CORRUPT);
    }
}


static void
other_types(void **unused)
{
    weir_drain_t  d;

    assert_int_equal(mkdir(at("drain"), 0755), 0);
    assert_int_equal(weir_drain_request(root, &d, &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(rmdir(at("drain")), 0);

    assert_int_equal(mkfifo(at("drain"), 0644), 0);
    assert_int_equal(weir_drain_request(root, &d, &err),
                     WEIR_STORE_WRONG_TYPE);
    assert_int_equal(unlink(at("drain")), 0);

    assert_int_equal(symlink("/etc/passwd", at("drain")), 0);
    assert_int_not_equal(weir_drain_request(root, &d, &err), WEIR_STORE_OK);

    d = filled(NONCE, 1, 0);
    assert_int_equal(weir_drain_ask(root, &d, &err), WEIR_STORE_OK);
    assert_int_equal(weir_drain_request(root, &d, &err), WEIR_STORE_OK);

    assert_int_equal(weir_drain_request("/nonexistent/folder", &d, &err),
                     WEIR_STORE_MISSING);
    assert_int_not_equal(weir_drain_ask("/nonexistent/folder", &d, &err),
                         WEIR_STORE_OK);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(roundtrip, folder, folder_done),
        cmocka_unit_test_setup_teardown(malformed, folder, folder_done),
        cmocka_unit_test_setup_teardown(other_types, folder, folder_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
