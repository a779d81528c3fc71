
/*
 * Tests of lib/resp: the beginning of a session, where errors send us,
 * passwords, pauses.
 */

#include "resp_make.h"
#include "weir_resp_session.h"


static weir_arena_t         arena;
static weir_resp_conf_t     conf;
static weir_resp_session_t  session;

#define HELLO  "*6\r\n$5\r\nproto\r\n:2\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n"  \
               "$4\r\nmode\r\n$10\r\nstandalone\r\n"


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


static void
words(const char *url, const char *option)
{
    weir_err_t  err;

    assert_int_equal(weir_resp_conf_url(&conf, str(url), &err), WEIR_OK);

    if (option != NULL) {
        assert_int_equal(weir_resp_conf_option(&conf, str(option), &err),
                         WEIR_OK);
    }
}


static const weir_resp_t *
parse(const char *wire, const weir_resp_caps_t *caps)
{
    size_t              used;
    weir_resp_t        *reply;
    weir_resp_reader_t  r;

    assert_int_equal(weir_resp_reader_init(&r), WEIR_OK);
    weir_resp_expect(&r, caps, &arena);
    assert_int_equal(weir_resp_read(&r, (const uint8_t *) wire, strlen(wire),
                                    &used, &reply), WEIR_RESP_DONE);
    assert_int_equal(used, strlen(wire));
    weir_resp_reader_done(&r);

    return reply;
}


static weir_resp_say_e
hears(const char *wire)
{
    return weir_resp_session_reply(&session, parse(wire, session.caps),
                                   &arena);
}


static void
begins(weir_resp_ask_e ask, const char *password)
{
    assert_int_equal(weir_resp_session(&session, &conf, ask, str(password),
                                       str("gw"), &arena), WEIR_RESP_SAY);
}


static void
says(const char *wire)
{
    assert_true(weir_str_eq(session.wire, str(wire)));
}


static void
of_a_master(void **state)
{
    (void) state;

    words("redis://127.0.0.1", NULL);
    begins(WEIR_RESP_ASK_MASTER, "");
    says("*4\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$7\r\nSETNAME\r\n$2\r\ngw\r\n");

    assert_int_equal(hears(HELLO), WEIR_RESP_SAY);
    says("*1\r\n$4\r\nROLE\r\n");
    assert_int_equal(hears("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"),
                     WEIR_RESP_READY);

    /* asked again, it is a replica now; of whom a server may lie */

    assert_int_equal(hears("*5\r\n$5\r\nslave\r\n$3\r\na\nb\r\n:6379\r\n"
                           "$9\r\nconnected\r\n:1\r\n"), WEIR_RESP_REFUSED);
    assert_string_equal(session.why, "is a replica of a?b:6379");
    assert_int_equal(session.later, 0);

    assert_int_equal(hears("*2\r\n$8\r\nsentinel\r\n*0\r\n"),
                     WEIR_RESP_REFUSED);
    assert_string_equal(session.why, "is a Sentinel: use sentinel://");
}


static void
of_one_who_refuses(void **state)
{
    (void) state;

    words("redis://127.0.0.1", "user=me");
    begins(WEIR_RESP_ASK_MASTER, "secret");
    says("*7\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$4\r\nAUTH\r\n$2\r\nme\r\n"
         "$6\r\nsecret\r\n$7\r\nSETNAME\r\n$2\r\ngw\r\n");

    assert_int_equal(hears("-WRONGPASS invalid\r\n"), WEIR_RESP_REFUSED);
    assert_string_equal(session.why, "HELLO: wrong-password");
    assert_true(weir_str_eq(session.said, str("WRONGPASS invalid")));
    assert_int_equal(session.denied, 1);
    assert_int_equal(session.later, 0);

    begins(WEIR_RESP_ASK_MASTER, "");
    assert_int_equal(hears("-NOAUTH HELLO must be called\r\n"),
                     WEIR_RESP_REFUSED);
    assert_int_equal(session.denied, 1);

    begins(WEIR_RESP_ASK_MASTER, "secret");
    assert_int_equal(hears("-LOADING it\r\n"), WEIR_RESP_REFUSED);
    assert_int_equal(session.denied, 0);
    assert_int_equal(session.later, 1);

    begins(WEIR_RESP_ASK_MASTER, "secret");
    assert_int_equal(hears(":1\r\n"), WEIR_RESP_REFUSED);
    assert_string_equal(session.why, "HELLO: unexpected-reply");
    assert_int_equal(session.said.len, 0);

    begins(WEIR_RESP_ASK_MASTER, "secret");
    assert_int_equal(hears(HELLO), WEIR_RESP_SAY);
    assert_int_equal(hears("-NOPERM this user\r\n"), WEIR_RESP_REFUSED);
    assert_string_equal(session.why, "ROLE: no-permission");
}


static void
of_a_sentinel(void **state)
{
    (void) state;

    words("sentinel://127.0.0.1/main", "user=me");
    begins(WEIR_RESP_ASK_SENTINEL, "s");

    /* a Sentinel does not know our user */

    says("*7\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n"
         "$1\r\ns\r\n$7\r\nSETNAME\r\n$2\r\ngw\r\n");
    assert_int_equal(hears(HELLO), WEIR_RESP_SAY);
    says("*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n"
         "$4\r\nmain\r\n");

    assert_int_equal(hears("*2\r\n$4\r\nhost\r\n$4\r\n6380\r\n"),
                     WEIR_RESP_ELSEWHERE);
    assert_true(weir_str_eq(session.host.host, str("host")));
    assert_int_equal(session.host.port, 6380);

    /* asked again, it may name another one */

    assert_int_equal(weir_resp_session_again(&session, &arena),
                     WEIR_RESP_SAY);
    says("*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n"
         "$4\r\nmain\r\n");
    assert_int_equal(hears("*2\r\n$1\r\nh\r\n$4\r\n6381\r\n"),
                     WEIR_RESP_ELSEWHERE);
    assert_int_equal(session.host.port, 6381);

    assert_int_equal(hears("*-1\r\n"), WEIR_RESP_REFUSED);
    assert_string_equal(session.why, "knows no master \"main\"");
    assert_int_equal(hears("*2\r\n$4\r\nhost\r\n$4\r\n638x\r\n"),
                     WEIR_RESP_REFUSED);
    assert_string_equal(session.why, "SENTINEL: unexpected-reply");

    /* a replica that it named, before it has noticed */

    begins(WEIR_RESP_ASK_MASTER, "s");
    assert_int_equal(hears(HELLO), WEIR_RESP_SAY);
    assert_int_equal(hears("*5\r\n$5\r\nslave\r\n$1\r\na\r\n:6379\r\n"
                           "$9\r\nconnected\r\n:1\r\n"), WEIR_RESP_REFUSED);
    assert_int_equal(session.later, 1);
}


static void
of_a_cluster(void **state)
{
    (void) state;

    words("redis://127.0.0.1", "cluster=on");
    begins(WEIR_RESP_ASK_NODE, "");
    assert_int_equal(hears(HELLO), WEIR_RESP_SAY);
    says("*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n");

    assert_int_equal(hears("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$4\r\nhost\r\n"
                           ":7000\r\n"), WEIR_RESP_ELSEWHERE);
    assert_int_equal(session.host.port, 7000);

    assert_int_equal(hears("*0\r\n"), WEIR_RESP_REFUSED);
    assert_int_equal(session.later, 1);
    assert_memory_equal(session.why, "nobody serves slot ", 19);
    assert_int_equal(hears("-ERR This instance has cluster support disabled"
                           "\r\n"), WEIR_RESP_REFUSED);
    assert_string_equal(session.why, "CLUSTER SLOTS: error");

    /* one who takes over a slot has to be a master as well */

    begins(WEIR_RESP_ASK_ONCE, "");
    assert_int_equal(hears(HELLO), WEIR_RESP_SAY);
    says("*1\r\n$4\r\nROLE\r\n");
}


static weir_resp_route_e
route(const char *wire, weir_resp_host_t *host)
{
    const weir_resp_t  *reply;

    static const weir_resp_caps_t  caps = { 4096, 16384, 1000, 5 };

    reply = parse(wire, &caps);

    return weir_resp_route(&conf, weir_resp_error(reply), reply, host);
}


static void
routes(void **state)
{
    weir_resp_host_t  host;

    (void) state;

    words("redis://127.0.0.1", "cluster=on");
    assert_int_equal(route("+OK\r\n", &host), WEIR_RESP_STAY);
    assert_int_equal(route("-WRONGTYPE x\r\n", &host), WEIR_RESP_STAY);
    assert_int_equal(route("-MOVED 3999 10.0.0.1:6381\r\n", &host),
                     WEIR_RESP_MOVED);
    assert_true(weir_str_eq(host.host, str("10.0.0.1")));
    assert_int_equal(host.port, 6381);
    assert_int_equal(route("-ASK 3999 :6382\r\n", &host), WEIR_RESP_ASKED);
    assert_int_equal(host.host.len, 0);
    assert_int_equal(route("-MOVED 99999 x:1\r\n", &host), WEIR_RESP_GONE);
    assert_int_equal(route("-ASK 1 x\r\n", &host), WEIR_RESP_GONE);
    assert_int_equal(route("-READONLY x\r\n", &host), WEIR_RESP_GONE);
    assert_int_equal(route("-CLUSTERDOWN x\r\n", &host), WEIR_RESP_LATER);
    assert_int_equal(route("-TRYAGAIN x\r\n", &host), WEIR_RESP_LATER);
    assert_int_equal(route("-LOADING x\r\n", &host), WEIR_RESP_LATER);
    assert_int_equal(route("-MASTERDOWN x\r\n", &host), WEIR_RESP_LATER);

    /* where there is no cluster, nobody may send us elsewhere */

    words("redis://127.0.0.1", NULL);
    assert_int_equal(route("-MOVED 3999 10.0.0.1:6381\r\n", &host),
                     WEIR_RESP_STAY);
    assert_int_equal(route("-ASK 3999 10.0.0.1:6381\r\n", &host),
                     WEIR_RESP_STAY);
}


static void
passwords(void **state)
{
    char        text[WEIR_RESP_PASSWORD_MAX + 3];
    weir_str_t  password;

    (void) state;

    assert_int_equal(weir_resp_password(str("a b\r\n"), &password), WEIR_OK);
    assert_true(weir_str_eq(password, str("a b")));
    assert_int_equal(weir_resp_password(str("x"), &password), WEIR_OK);
    assert_int_equal(weir_resp_password(str(""), &password), WEIR_DECLINED);
    assert_int_equal(weir_resp_password(str("\n\n"), &password),
                     WEIR_DECLINED);

    memset(text, 'x', sizeof(text));
    text[WEIR_RESP_PASSWORD_MAX] = '\n';
    text[WEIR_RESP_PASSWORD_MAX + 1] = '\0';
    assert_int_equal(weir_resp_password(str(text), &password), WEIR_OK);
    assert_int_equal(password.len, WEIR_RESP_PASSWORD_MAX);

    text[WEIR_RESP_PASSWORD_MAX] = 'x';
    assert_int_equal(weir_resp_password(str(text), &password), WEIR_ERROR);
}


static void
pauses(void **state)
{
    unsigned  i;

    static const uint32_t  bounds[] = {
        100, 100, 200, 400, 800, 1600, 3200, 5000, 5000
    };

    (void) state;

    for (i = 0; i < 9; i++) {
        assert_int_equal(weir_resp_pause(i, 0), 1);
        assert_int_equal(weir_resp_pause(i, bounds[i] - 1), bounds[i]);
        assert_int_equal(weir_resp_pause(i, bounds[i]), 1);
    }

    assert_true(weir_resp_pause(4000000000u, UINT32_MAX)
                <= WEIR_RESP_PAUSE_MAX);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(of_a_master),
        cmocka_unit_test(of_one_who_refuses),
        cmocka_unit_test(of_a_sentinel),
        cmocka_unit_test(of_a_cluster),
        cmocka_unit_test(routes),
        cmocka_unit_test(passwords),
        cmocka_unit_test(pauses),
    };

    return cmocka_run_group_tests(tests, group_setup, group_done);
}
