
/*
 * Weir: what is said before anything else: HELLO with AUTH, then ROLE; of a
 * Sentinel, who the master is; of a node of a cluster, who has our slot.
 */

#include "ngx_http_weir_net_link.h"


static void ngx_http_weir_net_hello_reply(void *data,
    const weir_resp_t *reply, const char *why);
static void ngx_http_weir_net_role_reply(void *data,
    const weir_resp_t *reply, const char *why);
static void ngx_http_weir_net_sentinel_reply(void *data,
    const weir_resp_t *reply, const char *why);
static void ngx_http_weir_net_slots_reply(void *data,
    const weir_resp_t *reply, const char *why);
static void ngx_http_weir_net_ask(ngx_http_weir_net_t *net,
    const weir_str_t *argv, unsigned n, const weir_resp_caps_t *caps,
    ngx_http_weir_net_reply_pt handler);
static void ngx_http_weir_net_refused(ngx_http_weir_net_t *net,
    const char *what, weir_resp_error_e e, const weir_resp_t *reply);


static const weir_resp_caps_t  ngx_http_weir_net_short = {
    4096, 65536, 512, 4
};

static const weir_resp_caps_t  ngx_http_weir_net_replicas = {
    512, 1 << 20, 10000, 4
};

static const weir_resp_caps_t  ngx_http_weir_net_topology = {
    512, 4 << 20, 200000, 5
};


void
ngx_http_weir_net_hello(ngx_http_weir_net_t *net)
{
    ngx_int_t     rc;
    ngx_str_t    *secret;
    weir_str_t    user, password, wire;
    weir_arena_t  arena;

    user = net->conf->resp->user;
    secret = &net->conf->password;

    if (net->ask == NGX_HTTP_WEIR_NET_SENTINEL) {
        user.len = 0;
        secret = &net->conf->sentinel_password;
    }

    password.len = secret->len;
    password.data = secret->data;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    rc = NGX_ERROR;

    if (weir_resp_hello_command(&arena, user, password, weir_str("weir"),
                                &wire) == WEIR_OK)
    {
        rc = ngx_http_weir_net_send(net, wire, &ngx_http_weir_net_short, 0,
                                    ngx_http_weir_net_hello_reply, net);
    }

    weir_arena_done(&arena);

    if (rc != NGX_OK) {
        ngx_http_weir_net_fail(net, "out of memory");
    }
}


/* Text of the server goes into a log that escapes nothing. */

static void
ngx_http_weir_net_refused(ngx_http_weir_net_t *net, const char *what,
    weir_resp_error_e e, const weir_resp_t *reply)
{
    if (e == WEIR_RESP_E_WRONGPASS || e == WEIR_RESP_E_NOAUTH) {
        net->wrongpass = 1;
    }

    ngx_http_weir_net_fail(net, "%s: %s", what, weir_resp_error_word(e));
}


/* why: the connection is being closed already, or the reply is late. */

static void
ngx_http_weir_net_hello_reply(void *data, const weir_resp_t *reply,
    const char *why)
{
    ngx_http_weir_net_t *net = data;

    weir_str_t          argv[3];
    weir_resp_error_e   e;
    weir_resp_hello_t   hello;

    if (reply == NULL) {

        if (net->c) {
            ngx_http_weir_net_fail(net, "HELLO: %s", why);
        }

        return;
    }

    e = weir_resp_hello(reply, &hello);

    if (e != WEIR_RESP_E_NONE) {
        ngx_http_weir_net_refused(net, "HELLO", e, reply);
        return;
    }

    switch (net->ask) {

    case NGX_HTTP_WEIR_NET_SENTINEL:
        argv[0] = weir_str("SENTINEL");
        argv[1] = weir_str("get-master-addr-by-name");
        argv[2] = net->conf->resp->master;
        ngx_http_weir_net_ask(net, argv, 3, &ngx_http_weir_net_short,
                              ngx_http_weir_net_sentinel_reply);
        return;

    case NGX_HTTP_WEIR_NET_NODE:
        argv[0] = weir_str("CLUSTER");
        argv[1] = weir_str("SLOTS");
        ngx_http_weir_net_ask(net, argv, 2, &ngx_http_weir_net_topology,
                              ngx_http_weir_net_slots_reply);
        return;

    default:
        argv[0] = weir_str("ROLE");
        ngx_http_weir_net_ask(net, argv, 1, &ngx_http_weir_net_replicas,
                              ngx_http_weir_net_role_reply);
        return;
    }
}


static void
ngx_http_weir_net_ask(ngx_http_weir_net_t *net, const weir_str_t *argv,
    unsigned n, const weir_resp_caps_t *caps,
    ngx_http_weir_net_reply_pt handler)
{
    ngx_int_t     rc;
    weir_str_t    wire;
    weir_arena_t  arena;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    rc = NGX_ERROR;

    if (weir_resp_command(&arena, argv, n, &wire) == WEIR_OK) {
        rc = ngx_http_weir_net_send(net, wire, caps, 0, handler, net);
    }

    weir_arena_done(&arena);

    if (rc != NGX_OK) {
        ngx_http_weir_net_fail(net, "out of memory");
    }
}


static void
ngx_http_weir_net_role_reply(void *data, const weir_resp_t *reply,
    const char *why)
{
    ngx_http_weir_net_t *net = data;

    weir_resp_role_t   role;
    weir_resp_error_e  e;

    if (reply == NULL) {

        if (net->c) {
            ngx_http_weir_net_fail(net, "ROLE: %s", why);
        }

        return;
    }

    e = weir_resp_role(reply, &role);

    if (e != WEIR_RESP_E_NONE) {
        ngx_http_weir_net_refused(net, "ROLE", e, reply);
        return;
    }

    if (role.role != WEIR_RESP_MASTER) {
        ngx_http_weir_net_fail(net, role.role == WEIR_RESP_SENTINEL
                               ? "is a Sentinel: use sentinel://"
                               : "is a replica");
        return;
    }

    ngx_http_weir_net_up(net);
}


static void
ngx_http_weir_net_sentinel_reply(void *data, const weir_resp_t *reply,
    const char *why)
{
    ngx_http_weir_net_t *net = data;

    weir_resp_host_t   host;
    weir_resp_error_e  e;

    if (reply == NULL) {

        if (net->c) {
            ngx_http_weir_net_fail(net, "SENTINEL: %s", why);
        }

        return;
    }

    e = weir_resp_sentinel_master(reply, &host);

    if (e != WEIR_RESP_E_NONE) {
        ngx_http_weir_net_refused(net, "SENTINEL", e, reply);
        return;
    }

    ngx_http_weir_net_target(net, &host);
    ngx_http_weir_net_move(net);
}


static void
ngx_http_weir_net_slots_reply(void *data, const weir_resp_t *reply,
    const char *why)
{
    ngx_http_weir_net_t *net = data;

    weir_str_t         key;
    weir_arena_t       arena;
    weir_resp_host_t   host;
    weir_resp_error_e  e;

    if (reply == NULL) {

        if (net->c) {
            ngx_http_weir_net_fail(net, "CLUSTER SLOTS: %s", why);
        }

        return;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    key = weir_resp_key(&arena, net->conf->resp->ns, WEIR_RESP_KEY_HEAD,
                        weir_str(""));

    e = key.data == NULL
        ? WEIR_RESP_E_OTHER
        : weir_resp_cluster_slots(reply, weir_resp_slot(key), &host);

    weir_arena_done(&arena);

    if (e != WEIR_RESP_E_NONE) {
        ngx_http_weir_net_refused(net, "CLUSTER SLOTS", e, reply);
        return;
    }

    ngx_http_weir_net_target(net, &host);
    ngx_http_weir_net_move(net);
}


ngx_uint_t
ngx_http_weir_net_redirected(ngx_http_weir_net_t *net,
    const weir_resp_t *reply)
{
    unsigned          slot;
    weir_resp_host_t  host;

    switch (weir_resp_error(reply)) {

    case WEIR_RESP_E_MOVED:

        if (net->conf->resp->cluster
            && weir_resp_redirect(reply->text, &slot, &host) == WEIR_OK)
        {
            ngx_http_weir_net_target(net, &host);
        }

        break;

    case WEIR_RESP_E_READONLY:
    case WEIR_RESP_E_MASTERDOWN:
    case WEIR_RESP_E_CLUSTERDOWN:
        break;

    default:
        return 0;
    }

    ngx_http_weir_net_say(net, "%s",
                          weir_resp_error_word(weir_resp_error(reply)));

    return 1;
}
