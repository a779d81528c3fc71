
/*
 * Weir: what is said before anything else, by lib/resp's session; and ROLE,
 * now and then, of a master that may be one no more.
 */

#include "ngx_http_weir_net_link.h"


static void ngx_http_weir_net_hello_reply(void *data,
    const weir_resp_t *reply, const char *why);
static void ngx_http_weir_net_step(ngx_http_weir_net_t *net,
    weir_resp_say_e say);


void
ngx_http_weir_net_hello(ngx_http_weir_net_t *net)
{
    weir_str_t                   password;
    weir_arena_t                 arena;
    weir_resp_say_e              say;
    ngx_http_weir_net_secret_t  *secret;

    secret = &net->secrets[net->ask == WEIR_RESP_ASK_SENTINEL];

    password.len = secret->len;
    password.data = secret->data;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    say = weir_resp_session(&net->session, net->conf->resp, net->ask,
                            password, weir_str("weir"), &arena);

    ngx_http_weir_net_step(net, say);

    if (say == WEIR_RESP_SAY) {
        ngx_explicit_memzero((void *) (uintptr_t) net->session.wire.data,
                             net->session.wire.len);
    }

    weir_arena_done(&arena);
}


/* why: the connection is being closed already, or the reply is late. */

static void
ngx_http_weir_net_hello_reply(void *data, const weir_resp_t *reply,
    const char *why)
{
    ngx_http_weir_net_t *net = data;

    weir_arena_t  arena;

    if (reply == NULL) {

        if (net->c) {
            ngx_http_weir_net_fail(net, "%s: %s", net->session.greeted
                                   ? "ROLE" : "HELLO", why);
        }

        return;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    ngx_http_weir_net_step(net, weir_resp_session_reply(&net->session, reply,
                                                        &arena));

    weir_arena_done(&arena);
}


static void
ngx_http_weir_net_step(ngx_http_weir_net_t *net, weir_resp_say_e say)
{
    char  why[WEIR_RESP_WHY];

    switch (say) {

    case WEIR_RESP_SAY:

        if (ngx_http_weir_net_send(net, net->session.wire, net->session.caps,
                                   0, ngx_http_weir_net_hello_reply, net)
            != NGX_OK)
        {
            ngx_http_weir_net_fail(net, "out of memory");
        }

        return;

    case WEIR_RESP_READY:
        ngx_http_weir_net_up(net);
        return;

    case WEIR_RESP_ELSEWHERE:

        if (net->watching) {
            net->state = NGX_HTTP_WEIR_NET_UP;
            net->failures = 0;
            ngx_http_weir_net_settled(net);
            ngx_http_weir_net_named(net);
            return;
        }

        ngx_http_weir_net_target(net, &net->session.host);
        ngx_http_weir_net_move(net);
        return;

    case WEIR_RESP_REFUSED:

        /* its own words stay out: only what we know goes into a log */

        (void) ngx_cpystrn((u_char *) why, (u_char *) net->session.why,
                           sizeof(why));

        net->denied = net->session.denied;
        ngx_http_weir_net_fail(net, "%s", why);
        return;

    default:
        ngx_http_weir_net_fail(net, "out of memory");
        return;
    }
}


void
ngx_http_weir_net_checked(void *data, const weir_resp_t *reply,
    const char *why)
{
    ngx_http_weir_net_t *net = data;

    if (reply == NULL
        || weir_resp_session_reply(&net->session, reply, &net->arena)
           == WEIR_RESP_READY)
    {
        return;
    }

    if (net->session.later) {

        /* who the master is now, others know */

        ngx_http_weir_net_say(net, "%s", net->session.why);
        ngx_http_weir_net_move(net);
        ngx_http_weir_net_pause(net);
        return;
    }

    ngx_http_weir_net_fail(net, "%s", net->session.why);
}
