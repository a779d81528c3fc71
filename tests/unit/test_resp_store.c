
/*
 * Tests of lib/resp: keys, replies of the store's commands, Sentinel and
 * cluster, the words of a configuration.
 */

#include "resp_make.h"
#include "weir_resp_conf.h"


static weir_arena_t  arena;


static int
group_setup(void **state)
{
    (void) state;
    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    return 0;
}


static int
group_done(void **state)
{
    (void) state;
    weir_arena_done(&arena);

    return 0;
}


/* The reply of these bytes, which lives as long as the arena. */

static const weir_resp_t *
parse(const char *wire)
{
    size_t              used;
    weir_resp_t        *reply;
    weir_resp_reader_t  r;

    static const weir_resp_caps_t  caps = { 4096, 16384, 1000, 5 };

    assert_int_equal(weir_resp_reader_init(&r), WEIR_OK);
    weir_resp_expect(&r, &caps, &arena);
    assert_int_equal(weir_resp_read(&r, (const uint8_t *) wire, strlen(wire),
                                    &used, &reply), WEIR_RESP_DONE);
    assert_int_equal(used, strlen(wire));
    weir_resp_reader_done(&r);

    return reply;
}


static int
is(weir_str_t s, const char *want)
{
    return weir_str_eq(s, str(want));
}


static void
keys(void **state)
{
    weir_str_t  node;

    (void) state;

    assert_true(is(weir_resp_key(&arena, str("prod"), WEIR_RESP_KEY_HEAD,
                                 str("x")), "weir:{prod}:cfg:head"));
    assert_true(is(weir_resp_key(&arena, str("prod"), WEIR_RESP_KEY_SEGMENT,
                                 str("ab")), "weir:{prod}:cfg:seg:ab"));
    assert_true(is(weir_resp_key(&arena, str("prod"), WEIR_RESP_KEY_LIVE,
                                 str("")), "weir:{prod}:cfg:live"));
    assert_true(is(weir_resp_key(&arena, str("prod"), WEIR_RESP_KEY_REV,
                                 str("")), "weir:{prod}:cfg:rev"));
    assert_true(is(weir_resp_key(&arena, str("prod"), WEIR_RESP_KEY_AUDIT,
                                 str("")), "weir:{prod}:cfg:audit"));
    assert_true(is(weir_resp_key(&arena, str("prod"), WEIR_RESP_KEY_GATEWAY,
                                 str("gw-1")), "weir:{prod}:gw:gw-1"));

    assert_int_equal(weir_resp_gateway_name(str("prod"),
                                            str("weir:{prod}:gw:gw-1"),
                                            &node), WEIR_OK);
    assert_true(is(node, "gw-1"));
    assert_int_equal(weir_resp_gateway_name(str("prod"),
                                            str("weir:{prod}:gw:"), &node),
                     WEIR_ERROR);
    assert_int_equal(weir_resp_gateway_name(str("prod"),
                                            str("weir:{test}:gw:gw-1"),
                                            &node), WEIR_ERROR);
    assert_int_equal(weir_resp_gateway_name(str("prod"),
                                            str("weir:{prod}:cfg:head"),
                                            &node), WEIR_ERROR);
}


static void
hello(void **state)
{
    weir_str_t         wire;
    weir_resp_hello_t  h;

    (void) state;

    assert_int_equal(weir_resp_hello_command(&arena, str(""), str(""),
                                             str("weirctl"), &wire),
                     WEIR_OK);
    assert_true(is(wire, "*4\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$7\r\nSETNAME\r\n"
                   "$7\r\nweirctl\r\n"));

    assert_int_equal(weir_resp_hello_command(&arena, str(""), str("pw"),
                                             str("g"), &wire), WEIR_OK);
    assert_true(is(wire, "*7\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$4\r\nAUTH\r\n"
                   "$7\r\ndefault\r\n$2\r\npw\r\n$7\r\nSETNAME\r\n"
                   "$1\r\ng\r\n"));

    assert_int_equal(weir_resp_hello(parse(
        "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15"
        "\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:7\r\n$4\r\nmode\r\n$7\r\n"
        "cluster\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"),
        &h), WEIR_RESP_E_NONE);
    assert_true(is(h.version, "7.0.15"));
    assert_true(h.cluster);
    assert_false(h.sentinel);

    assert_int_equal(weir_resp_hello(parse("*2\r\n$5\r\nproto\r\n:3\r\n"),
                                     &h), WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_hello(parse("*1\r\n$5\r\nproto\r\n"), &h),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_hello(parse("+OK\r\n"), &h),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_hello(parse("-WRONGPASS no\r\n"), &h),
                     WEIR_RESP_E_WRONGPASS);
}


static void
role(void **state)
{
    weir_resp_role_t  r;

    (void) state;

    assert_int_equal(weir_resp_role(parse("*3\r\n$6\r\nmaster\r\n:0\r\n*0"
                                          "\r\n"), &r), WEIR_RESP_E_NONE);
    assert_int_equal(r.role, WEIR_RESP_MASTER);

    assert_int_equal(weir_resp_role(parse("*5\r\n$5\r\nslave\r\n$9\r\n"
        "127.0.0.1\r\n:6379\r\n$9\r\nconnected\r\n:14\r\n"), &r),
        WEIR_RESP_E_NONE);
    assert_int_equal(r.role, WEIR_RESP_REPLICA);
    assert_true(is(r.master.host, "127.0.0.1"));
    assert_int_equal(r.master.port, 6379);
    assert_true(r.linked);

    assert_int_equal(weir_resp_role(parse("*5\r\n$5\r\nslave\r\n$1\r\n"
        "a\r\n:6379\r\n$7\r\nconnect\r\n:-1\r\n"), &r), WEIR_RESP_E_NONE);
    assert_false(r.linked);

    assert_int_equal(weir_resp_role(parse("*2\r\n$8\r\nsentinel\r\n*1\r\n"
                                          "$1\r\nm\r\n"), &r),
                     WEIR_RESP_E_NONE);
    assert_int_equal(r.role, WEIR_RESP_SENTINEL);

    assert_int_equal(weir_resp_role(parse("*5\r\n$5\r\nslave\r\n$1\r\n"
        "a\r\n:99999\r\n$7\r\nconnect\r\n:-1\r\n"), &r), WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_role(parse("*0\r\n"), &r),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_role(parse("*1\r\n$4\r\nking\r\n"), &r),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_role(parse("*1\r\n:1\r\n"), &r),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_role(parse("$6\r\nmaster\r\n"), &r),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_role(parse("-NOPERM x\r\n"), &r),
                     WEIR_RESP_E_NOPERM);
}


static void
simple(void **state)
{
    int64_t     v;
    uint64_t    rev;
    weir_str_t  bytes;

    (void) state;

    assert_int_equal(weir_resp_ok(parse("+OK\r\n"), 0), WEIR_RESP_E_NONE);
    assert_int_equal(weir_resp_ok(parse("+QUEUED\r\n"), 1),
                     WEIR_RESP_E_NONE);
    assert_int_equal(weir_resp_ok(parse("+OK\r\n"), 1), WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_ok(parse("$2\r\nOK\r\n"), 0),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_ok(parse("$-1\r\n"), 0), WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_ok(parse("-OOM x\r\n"), 0), WEIR_RESP_E_OOM);

    assert_int_equal(weir_resp_bytes(parse("$2\r\nab\r\n"), &bytes),
                     WEIR_RESP_E_NONE);
    assert_true(is(bytes, "ab"));
    assert_int_equal(weir_resp_bytes(parse("$-1\r\n"), &bytes),
                     WEIR_RESP_E_MISSING);
    assert_int_equal(weir_resp_bytes(parse("+ab\r\n"), &bytes),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_bytes(parse("-WRONGTYPE x\r\n"), &bytes),
                     WEIR_RESP_E_WRONGTYPE);

    assert_int_equal(weir_resp_integer(parse(":7\r\n"), &v),
                     WEIR_RESP_E_NONE);
    assert_int_equal(v, 7);
    assert_int_equal(weir_resp_integer(parse("$1\r\n7\r\n"), &v),
                     WEIR_RESP_E_SHAPE);

    assert_int_equal(weir_resp_rev(parse("$-1\r\n"), &rev),
                     WEIR_RESP_E_NONE);
    assert_int_equal(rev, 0);
    assert_int_equal(weir_resp_rev(parse("$2\r\n17\r\n"), &rev),
                     WEIR_RESP_E_NONE);
    assert_int_equal(rev, 17);
    assert_int_equal(weir_resp_rev(parse("$19\r\n9223372036854775806\r\n"),
                                   &rev), WEIR_RESP_E_NONE);
    assert_true(rev == 9223372036854775806ULL);
    assert_int_equal(weir_resp_rev(parse("$19\r\n9223372036854775807\r\n"),
                                   &rev), WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_rev(parse("$20\r\n18446744073709551616\r\n"),
                                   &rev), WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_rev(parse("$2\r\n07\r\n"), &rev),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_rev(parse("$2\r\n-1\r\n"), &rev),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_rev(parse("$0\r\n\r\n"), &rev),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_rev(parse("-WRONGTYPE x\r\n"), &rev),
                     WEIR_RESP_E_WRONGTYPE);

    assert_int_equal(weir_resp_exec(parse("*2\r\n+OK\r\n:1\r\n"), 2),
                     WEIR_RESP_E_NONE);
    assert_int_equal(weir_resp_exec(parse("*-1\r\n"), 2),
                     WEIR_RESP_E_CONFLICT);
    assert_int_equal(weir_resp_exec(parse("*2\r\n+OK\r\n-WRONGTYPE x\r\n"),
                                    2), WEIR_RESP_E_WRONGTYPE);
    assert_int_equal(weir_resp_exec(parse("*1\r\n+OK\r\n"), 2),
                     WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_exec(parse("-EXECABORT x\r\n"), 2),
                     WEIR_RESP_E_EXECABORT);
    assert_int_equal(weir_resp_exec(parse("+OK\r\n"), 1),
                     WEIR_RESP_E_SHAPE);
}


static void
hashes(void **state)
{
    weir_str_t          kind, name, cursor;
    const weir_resp_t  *reply, *page;

    (void) state;

    assert_int_equal(weir_resp_live_field(str("split/a.b"), &kind, &name),
                     WEIR_OK);
    assert_true(is(kind, "split"));
    assert_true(is(name, "a.b"));
    assert_int_equal(weir_resp_live_field(str("split"), &kind, &name),
                     WEIR_ERROR);
    assert_int_equal(weir_resp_live_field(str("/a"), &kind, &name),
                     WEIR_ERROR);
    assert_int_equal(weir_resp_live_field(str("a/"), &kind, &name),
                     WEIR_ERROR);
    assert_int_equal(weir_resp_live_field(str("a/b/c"), &kind, &name),
                     WEIR_ERROR);
    assert_int_equal(weir_resp_live_field(str(""), &kind, &name),
                     WEIR_ERROR);

    reply = parse("*2\r\n$2\r\n17\r\n*1\r\n$1\r\nk\r\n");
    assert_int_equal(weir_resp_scan_page(reply, &cursor, &page),
                     WEIR_RESP_E_NONE);
    assert_true(is(cursor, "17"));
    assert_int_equal(page->n, 1);
    assert_int_equal(weir_resp_scan_page(parse("*1\r\n$1\r\n0\r\n"), &cursor,
                                         &page), WEIR_RESP_E_SHAPE);
}


static void
entries(void **state)
{
    uint64_t            ms, seq;
    weir_resp_entry_t   e;
    const weir_resp_t  *reply;

    (void) state;

    reply = parse("*5\r\n"
        "*2\r\n$15\r\n1767225600123-4\r\n*2\r\n$8\r\nenvelope\r\n$2\r\n{}\r\n"
        "*2\r\n$3\r\n1-1\r\n*2\r\n$5\r\nother\r\n$2\r\n{}\r\n"
        "*2\r\n$3\r\n1-2\r\n*4\r\n$8\r\nenvelope\r\n$2\r\n{}\r\n+a\r\n+b\r\n"
        "*2\r\n$3\r\n1-3\r\n$-1\r\n"
        "*2\r\n$2\r\n13\r\n*2\r\n$8\r\nenvelope\r\n$2\r\n{}\r\n");

    assert_int_equal(weir_resp_entry(reply, 0, &e), WEIR_RESP_E_NONE);
    assert_true(e.ms == 1767225600123ULL && e.seq == 4);
    assert_true(is(e.line, "{}"));
    assert_int_equal(weir_resp_entry(reply, 1, &e), WEIR_RESP_E_SHAPE);
    assert_true(is(e.id, "1-1"));
    assert_int_equal(weir_resp_entry(reply, 2, &e), WEIR_RESP_E_SHAPE);
    assert_true(is(e.id, "1-2"));
    assert_int_equal(weir_resp_entry(reply, 3, &e), WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_entry(reply, 4, &e), WEIR_RESP_E_SHAPE);
    assert_int_equal(e.id.len, 0);

    assert_int_equal(weir_resp_id_parse(str("18446744073709551615-"
                                            "18446744073709551615"), &ms,
                                        &seq), WEIR_OK);
    assert_true(ms == UINT64_MAX && seq == UINT64_MAX);
    assert_int_equal(weir_resp_id_parse(str("18446744073709551616-0"), &ms,
                                        &seq), WEIR_ERROR);
    assert_int_equal(weir_resp_id_parse(str("1-"), &ms, &seq), WEIR_ERROR);
    assert_int_equal(weir_resp_id_parse(str("-1"), &ms, &seq), WEIR_ERROR);
    assert_int_equal(weir_resp_id_parse(str("1-2-3"), &ms, &seq),
                     WEIR_ERROR);
}


/* CRC16 of "123456789" is the specification's own check value. */

static void
slots(void **state)
{
    (void) state;

    assert_int_equal(weir_resp_crc16(str("123456789")), 0x31c3);
    assert_int_equal(weir_resp_crc16(str("")), 0);

    /* CLUSTER KEYSLOT of Redis 7.0.15 */

    assert_int_equal(weir_resp_slot(str("foo")), 12182);
    assert_int_equal(weir_resp_slot(str("weir:{prod}:cfg:head")),
                     weir_resp_slot(str("prod")));
    assert_int_equal(weir_resp_slot(str("weir:{prod}:cfg:head")),
                     weir_resp_slot(str("weir:{prod}:gw:x{y}")));
    assert_int_equal(weir_resp_slot(str("foo{}{bar}")),
                     weir_resp_crc16(str("foo{}{bar}")) % WEIR_RESP_SLOTS);
    assert_int_equal(weir_resp_slot(str("foo{{bar}}zap")),
                     weir_resp_slot(str("{bar")));
    assert_int_equal(weir_resp_slot(str("foo{bar")),
                     weir_resp_crc16(str("foo{bar")) % WEIR_RESP_SLOTS);
    assert_int_equal(weir_resp_slot(str("")), 0);
}


static void
redirects(void **state)
{
    size_t              i;
    unsigned            slot;
    weir_resp_host_t    h;
    const weir_resp_t  *reply;

    static const char *const  bad[] = {
        "", "MOVED", "MOVED ", "MOVED 1", "MOVED 1 ", "MOVED 1 a",
        "MOVED 1 a:", "MOVED 1 a:0", "MOVED 1 a:65536", "MOVED 1 a:x",
        "MOVED 16384 a:1", "MOVED x a:1", "MOVED -1 a:1", "MOVED  a:1",
        "MOVED 1 a b:1", "MOVED 99999999999 a:1", "MOVED 1 a\033[2J:1",
        "ASK 1 a%b:1", "MOVED 1 \302\233:1", "MOVED 1 a/b:1"
    };

    (void) state;

    assert_int_equal(weir_resp_redirect(str("MOVED 3999 127.0.0.1:6381"),
                                        &slot, &h), WEIR_OK);
    assert_int_equal(slot, 3999);
    assert_true(is(h.host, "127.0.0.1"));
    assert_int_equal(h.port, 6381);

    assert_int_equal(weir_resp_redirect(str("ASK 0 ::1:6381"), &slot, &h),
                     WEIR_OK);
    assert_true(is(h.host, "::1"));

    assert_int_equal(weir_resp_redirect(str("MOVED 16383 :7001"), &slot, &h),
                     WEIR_OK);
    assert_int_equal(h.host.len, 0);
    assert_int_equal(h.port, 7001);

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_int_equal(weir_resp_redirect(str(bad[i]), &slot, &h),
                         WEIR_ERROR);
    }

    reply = parse("*2\r\n"
        "*3\r\n:0\r\n:5460\r\n*4\r\n$9\r\n127.0.0.1\r\n:7000\r\n$2\r\nid\r\n"
        "*0\r\n*3\r\n:5461\r\n:10922\r\n*3\r\n$-1\r\n:7001\r\n$2\r\nid\r\n");

    assert_int_equal(weir_resp_cluster_slots(reply, 5460, &h),
                     WEIR_RESP_E_NONE);
    assert_int_equal(h.port, 7000);
    assert_int_equal(weir_resp_cluster_slots(reply, 5461, &h),
                     WEIR_RESP_E_NONE);
    assert_int_equal(h.host.len, 0);
    assert_int_equal(h.port, 7001);
    assert_int_equal(weir_resp_cluster_slots(reply, 10923, &h),
                     WEIR_RESP_E_MISSING);
    assert_int_equal(weir_resp_cluster_slots(parse("*1\r\n*1\r\n:1\r\n"), 1,
                                             &h), WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_cluster_slots(parse(
        "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\na\r\n:70000\r\n"), 1, &h),
        WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_cluster_slots(parse(
        "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$2\r\na\n\r\n:70\r\n"), 1, &h),
        WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_cluster_slots(parse(
        "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\n?\r\n:70\r\n"), 1, &h),
        WEIR_RESP_E_NONE);
    assert_int_equal(weir_resp_cluster_slots(parse("-ERR cluster\r\n"), 1,
                                             &h), WEIR_RESP_E_OTHER);

    assert_int_equal(weir_resp_sentinel_master(parse(
        "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n"), &h), WEIR_RESP_E_NONE);
    assert_true(is(h.host, "127.0.0.1"));
    assert_int_equal(h.port, 6379);
    assert_int_equal(weir_resp_sentinel_master(parse("*-1\r\n"), &h),
                     WEIR_RESP_E_MISSING);
    assert_int_equal(weir_resp_sentinel_master(parse(
        "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n"), &h), WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_sentinel_master(parse(
        "*2\r\n$0\r\n\r\n$1\r\n1\r\n"), &h), WEIR_RESP_E_SHAPE);
    assert_int_equal(weir_resp_sentinel_master(parse(
        "*2\r\n$3\r\na\r\n\r\n$1\r\n1\r\n"), &h), WEIR_RESP_E_SHAPE);
}


/* The words, one by one; the first message, or NULL. */

static const char *
words(weir_resp_conf_t *c, const char *list)
{
    int         rc;
    weir_str_t  word;

    static weir_err_t  err;

    word.data = (const uint8_t *) list;
    word.len = strcspn(list, " ");
    err.text[0] = '\0';

    rc = weir_resp_conf_url(c, word, &err);

    while (rc == WEIR_OK && word.data[word.len] != '\0') {
        word.data += word.len + 1;
        word.len = strcspn((const char *) word.data, " ");
        rc = weir_resp_conf_option(c, word, &err);
    }

    if (rc == WEIR_OK) {
        rc = weir_resp_conf_done(c, &err);
    }

    return rc == WEIR_OK ? NULL : rc == WEIR_DECLINED ? "declined"
                                                      : err.text;
}


static void
configuration(void **state)
{
    size_t            i;
    weir_resp_conf_t  c;

    static const struct {
        const char  *words, *message;
    } bad[] = {
        { "file:/x", "declined" },
        { "redis:/x", "declined" },
        { "redis://localhost unknown=1", "declined" },
        { "redis://localhost poll", "declined" },
        { "redis://", "invalid host \"\" in \"redis://\"" },
        { "redis://a:0 insecure", "invalid host \"a:0\" in \"redis://a:0\"" },
        { "redis://a:x", "invalid host \"a:x\" in \"redis://a:x\"" },
        { "redis://a:65536", "invalid host \"a:65536\" in "
          "\"redis://a:65536\"" },
        { "redis://[::1", "invalid host \"[::1\" in \"redis://[::1\"" },
        { "redis://[::1]x", "invalid host \"[::1]x\" in \"redis://[::1]x\"" },
        { "redis://[a]", "invalid host \"[a]\" in \"redis://[a]\"" },
        { "redis://a,,b cluster=on", "invalid host \"\" in "
          "\"redis://a,,b\"" },
        { "redis://u:secret@a", "credentials do not belong into the address "
          "of a store: use user= and password_file=" },
        { "redis://localhost/0", "\"redis://localhost/0\" has a path, which "
          "a store has not" },
        { "sentinel://localhost", "\"sentinel://localhost\" names no master: "
          "sentinel://HOST,HOST/MASTER" },
        { "sentinel://localhost/a b", "declined" },
        { "redis://10.0.0.1", "\"10.0.0.1\" is another machine: use "
          "rediss://, or write \"insecure\"" },
        { "redis://redis.example.com", "\"redis.example.com\" is another "
          "machine: use rediss://, or write \"insecure\"" },
        { "sentinel://127.0.0.1,10.0.0.1/m", "\"10.0.0.1\" is another "
          "machine: use \"tls=on\", or write \"insecure\"" },
        { "redis://localhost,127.0.0.1", "more than one host needs "
          "\"cluster=on\"" },
        { "sentinel://localhost/m cluster=on", "\"cluster=on\" and "
          "sentinel:// exclude each other" },
        { "redis://localhost ca=x", "ca=, cert= and key= need rediss://" },
        { "rediss://localhost cert=x", "cert= and key= need each other" },
        { "redis://localhost user=x", "user= needs password_file=" },
        { "redis://localhost namespace=A", "invalid namespace \"A\"" },
        { "redis://localhost namespace=a{", "invalid namespace \"a{\"" },
        { "redis://localhost namespace=-a", "invalid namespace \"-a\"" },
        { "redis://localhost namespace=a namespace=b", "\"namespace=b\" is "
          "duplicate" },
        { "redis://localhost namespace=", "\"namespace=\" has no value" },
        { "redis://localhost timeout=0", "invalid time in \"timeout=0\"" },
        { "redis://localhost timeout=1w1", "invalid time in "
          "\"timeout=1w1\"" },
        { "redis://localhost cluster=yes", "\"cluster=yes\" is neither on "
          "nor off" },
        { "rediss://localhost tls=off", "\"tls=off\" contradicts "
          "rediss://" },
        { "redis://localhost sentinel_password_file=x",
          "sentinel_password_file= needs sentinel://" }
    };

    (void) state;

    assert_null(words(&c, "redis://127.0.0.1"));
    assert_int_equal(c.nhosts, 1);
    assert_int_equal(c.hosts[0].port, 6379);
    assert_true(is(c.ns, "weir"));
    assert_int_equal(c.connect_ms, 500);
    assert_int_equal(c.timeout_ms, 1000);
    assert_int_equal(c.poll_ms, 1000);
    assert_false(c.tls || c.cluster || c.sentinel);

    assert_null(words(&c, "rediss://redis.example.com:6380 namespace=prod "
                      "user=gateway password_file=/etc/weir/redis.pass "
                      "ca=/ca.pem cert=/c.pem key=/k.pem timeout=250ms "
                      "connect_timeout=2s handshake_timeout=3s poll=10s"));
    assert_true(is(c.hosts[0].host, "redis.example.com"));
    assert_int_equal(c.hosts[0].port, 6380);
    assert_true(c.tls);
    assert_true(is(c.ns, "prod"));
    assert_true(is(c.user, "gateway"));
    assert_true(is(c.password_file, "/etc/weir/redis.pass"));
    assert_true(is(c.ca, "/ca.pem"));
    assert_true(is(c.cert, "/c.pem"));
    assert_true(is(c.key, "/k.pem"));
    assert_int_equal(c.timeout_ms, 250);
    assert_int_equal(c.connect_ms, 2000);
    assert_int_equal(c.handshake_ms, 3000);
    assert_int_equal(c.poll_ms, 10000);

    assert_null(words(&c, "sentinel://127.0.0.1:5000,[::1],localhost/my-m"));
    assert_int_equal(c.nhosts, 3);
    assert_int_equal(c.hosts[0].port, 5000);
    assert_int_equal(c.hosts[1].port, 26379);
    assert_true(is(c.hosts[1].host, "::1"));
    assert_true(is(c.master, "my-m"));

    assert_null(words(&c, "redis://127.0.0.1:7000,127.0.0.1:7001 "
                      "cluster=on"));
    assert_true(c.cluster);
    assert_int_equal(c.nhosts, 2);

    assert_null(words(&c, "redis://10.0.0.1 insecure"));
    assert_null(words(&c, "sentinel://a/m tls=on ca=/x"));
    assert_true(weir_resp_conf_permits(&c, str("10.0.0.9")));

    assert_null(words(&c, "redis://127.0.0.1"));
    assert_true(weir_resp_conf_permits(&c, str("127.9.9.9")));
    assert_true(weir_resp_conf_permits(&c, str("::ffff:127.0.0.1")));
    assert_true(weir_resp_conf_permits(&c, str("::1")));
    assert_false(weir_resp_conf_permits(&c, str("::2")));
    assert_false(weir_resp_conf_permits(&c, str("128.0.0.1")));
    assert_false(weir_resp_conf_permits(&c, str("")));
    assert_false(weir_resp_conf_permits(&c, str("localhost.evil")));

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {

        if (words(&c, bad[i].words) == NULL) {
            fail_msg("%s: accepted", bad[i].words);
        }

        assert_string_equal(words(&c, bad[i].words), bad[i].message);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(hello),
        cmocka_unit_test(role),
        cmocka_unit_test(simple),
        cmocka_unit_test(hashes),
        cmocka_unit_test(entries),
        cmocka_unit_test(slots),
        cmocka_unit_test(redirects),
        cmocka_unit_test(configuration)
    };

    return cmocka_run_group_tests_name("resp_store", tests, group_setup,
                                       group_done);
}
