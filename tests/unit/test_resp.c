
/*
 * Tests of lib/resp: replies and the caps, commands, kinds of errors.
 */

#include <stdlib.h>

#include "resp_make.h"


static void
replies(void **state)
{
    feed_t  f;

    (void) state;

    feed_once(&f, "+OK\r\n", &feed_caps, WEIR_RESP_DONE);
    assert_int_equal(f.reply->type, WEIR_RESP_STATUS);
    assert_true(weir_str_eq(f.reply->text, str("OK")));
    feed_done(&f);

    feed_once(&f, "-ERR no\r\n", &feed_caps, WEIR_RESP_DONE);
    assert_int_equal(f.reply->type, WEIR_RESP_ERROR);
    assert_true(weir_str_eq(f.reply->text, str("ERR no")));
    feed_done(&f);

    feed_once(&f, ":-42\r\n", &feed_caps, WEIR_RESP_DONE);
    assert_int_equal(f.reply->type, WEIR_RESP_INTEGER);
    assert_int_equal(f.reply->integer, -42);
    feed_done(&f);

    feed_once(&f, ":9223372036854775807\r\n", &feed_caps, WEIR_RESP_DONE);
    assert_true(f.reply->integer == INT64_MAX);
    feed_done(&f);

    feed_once(&f, ":-9223372036854775808\r\n", &feed_caps, WEIR_RESP_DONE);
    assert_true(f.reply->integer == INT64_MIN);
    feed_done(&f);

    feed_once(&f, "$3\r\na\rb\r\n", &feed_caps, WEIR_RESP_DONE);
    assert_int_equal(f.reply->type, WEIR_RESP_STRING);
    assert_true(weir_str_eq(f.reply->text, str("a\rb")));
    feed_done(&f);

    feed_once(&f, "$0\r\n\r\n", &feed_caps, WEIR_RESP_DONE);
    assert_int_equal(f.reply->type, WEIR_RESP_STRING);
    assert_int_equal(f.reply->text.len, 0);
    assert_non_null(f.reply->text.data);
    feed_done(&f);

    feed_once(&f, "$-1\r\n", &feed_caps, WEIR_RESP_DONE);
    assert_int_equal(f.reply->type, WEIR_RESP_NIL);
    feed_done(&f);

    feed_once(&f, "*-1\r\n", &feed_caps, WEIR_RESP_DONE);
    assert_int_equal(f.reply->type, WEIR_RESP_NIL);
    feed_done(&f);

    feed_once(&f, "*0\r\n", &feed_caps, WEIR_RESP_DONE);
    assert_int_equal(f.reply->type, WEIR_RESP_ARRAY);
    assert_int_equal(f.reply->n, 0);
    feed_done(&f);

    feed_once(&f, "*4\r\n:1\r\n*2\r\n$1\r\nx\r\n*0\r\n$-1\r\n+y\r\n",
              &feed_caps, WEIR_RESP_DONE);
    assert_int_equal(f.reply->n, 4);
    assert_int_equal(f.reply->items[0].integer, 1);
    assert_int_equal(f.reply->items[1].n, 2);
    assert_true(weir_str_eq(f.reply->items[1].items[0].text, str("x")));
    assert_int_equal(f.reply->items[1].items[1].type, WEIR_RESP_ARRAY);
    assert_int_equal(f.reply->items[2].type, WEIR_RESP_NIL);
    assert_true(weir_str_eq(f.reply->items[3].text, str("y")));
    feed_done(&f);
}


static void
broken(void **state)
{
    size_t  i;
    feed_t  f;

    static const char *const  wires[] = {
        "OK\r\n", "\r\n", " +OK\r\n", "HTTP/1.1 400 Bad Request\r\n",
        "\x16\x03\x01", "%1\r\n", "_\r\n", "#t\r\n", ",1\r\n", ">1\r\n",
        "~1\r\n", "(1\r\n", "!3\r\nabc\r\n", "=7\r\ntxt:abc\r\n", "|1\r\n",
        "+OK\n", "+a\rb\r\n", "-a\n",
        ":\r\n", ":-\r\n", ":+1\r\n", ":1a\r\n", ":--1\r\n", ":1-\r\n",
        ":01\r\n", ":-0\r\n", ": 1\r\n", ":9223372036854775808\r\n",
        ":-9223372036854775809\r\n", ":99999999999999999999\r\n", ":1\n",
        ":1\rx", "$\r\n", "$-2\r\n", "$-10\r\n", "$3\r\nabcd\r\n",
        "$3\r\nabc\n", "$3\r\nabc\rx", "$1x\r\n", "$18446744073709551616\r\n",
        "*-2\r\n", "*-2147483648\r\n", "*1\r\n*-2\r\n", "*x\r\n",
        "*1\r\nx", "$-1x"
    };

    (void) state;

    for (i = 0; i < sizeof(wires) / sizeof(char *); i++) {
        feed_once(&f, wires[i], &feed_caps, WEIR_RESP_BROKEN);

        /* and so it stays */

        assert_int_equal(feed(&f, str("+OK\r\n"), 5), WEIR_RESP_BROKEN);
        weir_resp_expect(&f.reader, &feed_caps, &f.arena);
        assert_int_equal(feed(&f, str("+OK\r\n"), 5), WEIR_RESP_BROKEN);
        feed_done(&f);
    }
}


static void
too_large(void **state)
{
    char              line[WEIR_RESP_LINE_MAX + 8];
    size_t            i;
    feed_t            f;
    weir_resp_caps_t  caps;

    static const char *const  wires[] = {
        "*2147483647\r\n", "*9223372036854775807\r\n", "*65\r\n",
        "*1\r\n*64\r\n", "$1025\r\n", "$2147483647\r\n",
        "$9223372036854775807\r\n", "*1\r\n$1025\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(wires) / sizeof(char *); i++) {
        feed_once(&f, wires[i], &feed_caps, WEIR_RESP_TOO_LARGE);
        feed_done(&f);
    }

    /* more items than bytes are left */

    caps = feed_caps;
    caps.items = UINT32_MAX;
    feed_once(&f, "*1364\r\n", &caps, WEIR_RESP_TOO_LARGE);
    feed_done(&f);

    /* all of it: 3 strings that would fit each */

    caps = feed_caps;
    caps.total = 2048;
    feed_init(&f);
    weir_resp_expect(&f.reader, &caps, &f.arena);
    assert_int_equal(feed(&f, str("*3\r\n"), 4), WEIR_RESP_AGAIN);

    memset(line, 'x', sizeof(line));

    assert_int_equal(feed(&f, str("$1000\r\n"), 7), WEIR_RESP_AGAIN);
    line[1000] = '\0';
    assert_int_equal(feed(&f, str(line), 99), WEIR_RESP_AGAIN);
    assert_int_equal(feed(&f, str("\r\n$1000\r\n"), 9), WEIR_RESP_AGAIN);
    assert_int_equal(feed(&f, str(line), 99), WEIR_RESP_AGAIN);
    assert_int_equal(feed(&f, str("\r\n$1000\r\n"), 9),
                     WEIR_RESP_TOO_LARGE);
    feed_done(&f);

    /* a line without an end */

    caps = feed_caps;
    caps.total = 100000;
    memset(line, 'x', sizeof(line));
    line[0] = '+';
    line[WEIR_RESP_LINE_MAX + 1] = '\r';
    line[WEIR_RESP_LINE_MAX + 2] = '\n';
    line[WEIR_RESP_LINE_MAX + 3] = '\0';
    feed_once(&f, line, &caps, WEIR_RESP_DONE);
    assert_int_equal(f.reply->text.len, WEIR_RESP_LINE_MAX);
    feed_done(&f);

    line[WEIR_RESP_LINE_MAX + 1] = 'x';
    line[WEIR_RESP_LINE_MAX + 2] = '\0';
    feed_once(&f, line, &caps, WEIR_RESP_TOO_LARGE);
    feed_done(&f);

    /* no array at all, and never deeper than hiredis 0.14 can */

    caps = feed_caps;
    caps.depth = 0;
    feed_once(&f, "*0\r\n", &caps, WEIR_RESP_TOO_LARGE);
    feed_done(&f);

    caps.depth = 1000;
    feed_once(&f, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:5\r\n", &caps,
              WEIR_RESP_DONE);
    assert_int_equal(f.reply->items->items->items->items->items->items
                         ->integer, 5);
    feed_done(&f);
    feed_once(&f, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", &caps,
              WEIR_RESP_TOO_LARGE);
    feed_done(&f);
}


/* What nobody asked for, before a command, after a reply, in its wake. */

static void
unsolicited(void **state)
{
    feed_t  f;

    (void) state;

    feed_init(&f);
    assert_int_equal(feed(&f, str("+PONG\r\n"), 7), WEIR_RESP_UNSOLICITED);
    feed_done(&f);

    feed_init(&f);
    weir_resp_expect(&f.reader, &feed_caps, &f.arena);
    assert_int_equal(feed(&f, str("+PONG\r\n+EXTRA\r\n"), 100),
                     WEIR_RESP_DONE);
    assert_int_equal(f.used, 7);
    assert_int_equal(feed(&f, str("+EXTRA\r\n"), 100),
                     WEIR_RESP_UNSOLICITED);
    weir_resp_expect(&f.reader, &feed_caps, &f.arena);
    assert_int_equal(feed(&f, str("+OK\r\n"), 100), WEIR_RESP_UNSOLICITED);
    feed_done(&f);
}


/* Replies in a row, some of them thrown away, through one reader. */

static void
in_order(void **state)
{
    feed_t       f;
    size_t       step, pos;
    unsigned     i;
    weir_str_t   wire, rest;

    (void) state;

    wire = str("+1\r\n$2\r\n22\r\n*2\r\n:3\r\n$1\r\n3\r\n$-1\r\n:5\r\n");

    for (step = 1; step <= wire.len; step++) {
        feed_init(&f);
        pos = 0;

        for (i = 0; i < 5; i++) {
            weir_resp_expect(&f.reader, &feed_caps,
                             i % 2 == 1 ? NULL : &f.arena);
            rest.data = wire.data + pos;
            rest.len = wire.len - pos;

            assert_int_equal(feed(&f, rest, step), WEIR_RESP_DONE);
            pos += f.used;

            if (i % 2 == 1) {
                assert_null(f.reply);
                continue;
            }

            assert_non_null(f.reply);
            assert_int_equal(f.reply->type, i == 0 ? WEIR_RESP_STATUS
                                            : i == 2 ? WEIR_RESP_ARRAY
                                                     : WEIR_RESP_INTEGER);
        }

        assert_int_equal(pos, wire.len);
        feed_done(&f);
    }
}


/* A reader lives for many replies; hiredis' own buffer does not grow. */

static void
many(void **state)
{
    feed_t      f;
    unsigned    i;
    weir_str_t  wire;

    (void) state;

    wire = str("*2\r\n$5\r\nhello\r\n:123456\r\n");
    feed_init(&f);

    for (i = 0; i < 20000; i++) {
        weir_arena_done(&f.arena);
        weir_arena_init(&f.arena, &weir_alloc_malloc, 8192);
        weir_resp_expect(&f.reader, &feed_caps, &f.arena);
        assert_int_equal(feed(&f, wire, 1 + i % 7), WEIR_RESP_DONE);
        assert_int_equal(f.reply->items[1].integer, 123456);
    }

    feed_done(&f);
}


static void
no_memory(void **state)
{
    feed_t  f;
    size_t  limit;

    (void) state;

    for (limit = 1; limit < 400; limit += 16) {
        feed_init(&f);
        f.arena.limit = limit;
        weir_resp_expect(&f.reader, &feed_caps, &f.arena);
        assert_int_equal(feed(&f, str("*4\r\n:1\r\n$3\r\nabc\r\n*2\r\n+a\r\n"
                                      "+b\r\n$200\r\n"), 99),
                         WEIR_RESP_AGAIN);
        assert_int_equal(feed(&f, str(
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxxxxxx\r\n"), 999), WEIR_RESP_NOMEM);
        assert_null(f.reply);
        feed_done(&f);
    }
}


static void
commands(void **state)
{
    weir_str_t    argv[3], wire;
    weir_arena_t  arena;

    (void) state;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    argv[0] = str("SET");
    argv[1] = str("weir:{prod}:cfg:head");
    argv[2].data = (const uint8_t *) "a\0\r\n%s";
    argv[2].len = 6;

    assert_int_equal(weir_resp_command(&arena, argv, 3, &wire), WEIR_OK);
    assert_int_equal(wire.len, 52);
    assert_memory_equal(wire.data, "*3\r\n$3\r\nSET\r\n"
                        "$20\r\nweir:{prod}:cfg:head\r\n"
                        "$6\r\na\0\r\n%s\r\n", wire.len);

    argv[1].data = NULL;
    argv[1].len = 0;
    assert_int_equal(weir_resp_command(&arena, argv, 2, &wire), WEIR_OK);
    assert_true(weir_str_eq(wire, str("*2\r\n$3\r\nSET\r\n$0\r\n\r\n")));

    weir_arena_done(&arena);

    weir_arena_init(&arena, &weir_alloc_malloc, 16);
    assert_int_equal(weir_resp_command(&arena, argv, 2, &wire), WEIR_NOMEM);
    weir_arena_done(&arena);
}


static void
errors(void **state)
{
    size_t       i;
    weir_resp_t  v;

    static const struct {
        const char         *text;
        weir_resp_error_e   error;
        const char         *word;
    } e[] = {
        { "WRONGTYPE Operation against a key holding the wrong kind of value",
          WEIR_RESP_E_WRONGTYPE, "wrong-type" },
        { "NOAUTH Authentication required.", WEIR_RESP_E_NOAUTH, "no-auth" },
        { "NOAUTH HELLO must be called with the client already authenticated",
          WEIR_RESP_E_NOAUTH, "no-auth" },
        { "WRONGPASS invalid username-password pair or user is disabled.",
          WEIR_RESP_E_WRONGPASS, "wrong-password" },
        { "ERR AUTH <password> called without any password configured for "
          "the default user. Are you sure your configuration is correct?",
          WEIR_RESP_E_WRONGPASS, "wrong-password" },
        { "NOPERM this user has no permissions to run the 'set' command",
          WEIR_RESP_E_NOPERM, "no-permission" },
        { "READONLY You can't write against a read only replica.",
          WEIR_RESP_E_READONLY, "read-only" },
        { "OOM command not allowed when used memory > 'maxmemory'.",
          WEIR_RESP_E_OOM, "out-of-memory" },
        { "MISCONF Redis is configured to save RDB snapshots",
          WEIR_RESP_E_MISCONF, "not-persisting" },
        { "NOREPLICAS Not enough good replicas to write.",
          WEIR_RESP_E_NOREPLICAS, "no-replicas" },
        { "LOADING Redis is loading the dataset in memory",
          WEIR_RESP_E_LOADING, "loading" },
        { "BUSY Redis is busy running a script.", WEIR_RESP_E_BUSY, "busy" },
        { "MASTERDOWN Link with MASTER is down", WEIR_RESP_E_MASTERDOWN,
          "master-down" },
        { "ERR max number of clients reached", WEIR_RESP_E_MAXCLIENTS,
          "too-many-clients" },
        { "DENIED Redis is running in protected mode", WEIR_RESP_E_DENIED,
          "protected-mode" },
        { "UNBLOCKED force unblock from blocking operation",
          WEIR_RESP_E_UNBLOCKED, "unblocked" },
        { "MOVED 3999 127.0.0.1:6381", WEIR_RESP_E_MOVED, "moved" },
        { "ASK 3999 127.0.0.1:6381", WEIR_RESP_E_ASK, "ask" },
        { "TRYAGAIN Multiple keys request during rehashing of slot",
          WEIR_RESP_E_TRYAGAIN, "try-again" },
        { "CLUSTERDOWN The cluster is down", WEIR_RESP_E_CLUSTERDOWN,
          "cluster-down" },
        { "CROSSSLOT Keys in request don't hash to the same slot",
          WEIR_RESP_E_CROSSSLOT, "cross-slot" },
        { "EXECABORT Transaction discarded", WEIR_RESP_E_EXECABORT,
          "aborted" },
        { "NOPROTO unsupported protocol version", WEIR_RESP_E_NOPROTO,
          "protocol-version" },
        { "ERR unknown command 'X'", WEIR_RESP_E_OTHER, "error" },
        { "MOVEDX 1 a:1", WEIR_RESP_E_OTHER, "error" },
        { "", WEIR_RESP_E_OTHER, "error" }
    };

    (void) state;

    memset(&v, 0, sizeof(weir_resp_t));

    for (i = 0; i < sizeof(e) / sizeof(e[0]); i++) {
        v.type = WEIR_RESP_ERROR;
        v.text = str(e[i].text);
        assert_int_equal(weir_resp_error(&v), e[i].error);
        assert_string_equal(weir_resp_error_word(e[i].error), e[i].word);

        v.type = WEIR_RESP_STRING;
        assert_int_equal(weir_resp_error(&v), WEIR_RESP_E_NONE);
    }

    assert_string_equal(weir_resp_error_word(WEIR_RESP_E_MISSING),
                        "missing");
    assert_string_equal(weir_resp_error_word(WEIR_RESP_E_SHAPE),
                        "unexpected-reply");
    assert_string_equal(weir_resp_error_word((weir_resp_error_e) 99),
                        "error");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(replies),
        cmocka_unit_test(broken),
        cmocka_unit_test(too_large),
        cmocka_unit_test(unsolicited),
        cmocka_unit_test(in_order),
        cmocka_unit_test(many),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(commands),
        cmocka_unit_test(errors)
    };

    return cmocka_run_group_tests_name("resp", tests, NULL, NULL);
}
