
/*
 * Weir: the beginning of a session, one reply after the other; no bytes are
 * moved here.
 */

#include <stdio.h>

#include "weir_resp_session.h"


static weir_resp_say_e weir_resp_session_greeted(weir_resp_session_t *s,
    const weir_resp_t *reply, weir_arena_t *a);
static weir_resp_say_e weir_resp_session_say(weir_resp_session_t *s,
    const weir_str_t *argv, unsigned n, const weir_resp_caps_t *caps,
    weir_arena_t *a);
static weir_resp_say_e weir_resp_session_role(weir_resp_session_t *s,
    const weir_resp_t *reply);
static weir_resp_say_e weir_resp_session_master(weir_resp_session_t *s,
    const weir_resp_t *reply);
static weir_resp_say_e weir_resp_session_slots(weir_resp_session_t *s,
    const weir_resp_t *reply, weir_arena_t *a);
static weir_resp_say_e weir_resp_session_error(weir_resp_session_t *s,
    const char *what, weir_resp_error_e e, const weir_resp_t *reply);
static void weir_resp_printable(char *p);


static const weir_resp_caps_t  weir_resp_caps_short = { 4096, 65536, 512, 4 };

/* all replicas of a master are listed */

const weir_resp_caps_t  weir_resp_caps_role = { 512, 1 << 20, 10000, 4 };

/* of a cluster of any size */

static const weir_resp_caps_t  weir_resp_caps_topology = {
    512, 8 << 20, 400000, 5
};


weir_resp_say_e
weir_resp_session(weir_resp_session_t *s, const weir_resp_conf_t *conf,
    weir_resp_ask_e ask, weir_str_t password, weir_str_t name,
    weir_arena_t *a)
{
    weir_str_t  user;

    memset(s, 0, sizeof(weir_resp_session_t));

    s->conf = conf;
    s->ask = ask;
    s->caps = &weir_resp_caps_short;

    user = ask == WEIR_RESP_ASK_SENTINEL ? weir_str("") : conf->user;

    if (weir_resp_hello_command(a, user, password, name, &s->wire)
        != WEIR_OK)
    {
        return WEIR_RESP_SAY_NOMEM;
    }

    return WEIR_RESP_SAY;
}


weir_resp_say_e
weir_resp_session_reply(weir_resp_session_t *s, const weir_resp_t *reply,
    weir_arena_t *a)
{
    s->later = 0;
    s->denied = 0;
    s->said = weir_str("");
    memset(&s->host, 0, sizeof(weir_resp_host_t));

    if (!s->greeted) {
        return weir_resp_session_greeted(s, reply, a);
    }

    switch (s->ask) {

    case WEIR_RESP_ASK_SENTINEL:
        return weir_resp_session_master(s, reply);

    case WEIR_RESP_ASK_NODE:
        return weir_resp_session_slots(s, reply, a);

    default:
        return weir_resp_session_role(s, reply);
    }
}


static weir_resp_say_e
weir_resp_session_greeted(weir_resp_session_t *s, const weir_resp_t *reply,
    weir_arena_t *a)
{
    weir_resp_error_e  e;
    weir_resp_hello_t  hello;

    e = weir_resp_hello(reply, &hello);

    if (e != WEIR_RESP_E_NONE) {
        return weir_resp_session_error(s, "HELLO", e, reply);
    }

    s->greeted = 1;

    return weir_resp_session_again(s, a);
}


weir_resp_say_e
weir_resp_session_again(weir_resp_session_t *s, weir_arena_t *a)
{
    weir_str_t  argv[3];

    switch (s->ask) {

    case WEIR_RESP_ASK_SENTINEL:
        argv[0] = weir_str("SENTINEL");
        argv[1] = weir_str("get-master-addr-by-name");
        argv[2] = s->conf->master;
        return weir_resp_session_say(s, argv, 3, &weir_resp_caps_short, a);

    case WEIR_RESP_ASK_NODE:
        argv[0] = weir_str("CLUSTER");
        argv[1] = weir_str("SLOTS");
        return weir_resp_session_say(s, argv, 2, &weir_resp_caps_topology,
                                     a);

    default:
        argv[0] = weir_str("ROLE");
        return weir_resp_session_say(s, argv, 1, &weir_resp_caps_role, a);
    }
}


static weir_resp_say_e
weir_resp_session_say(weir_resp_session_t *s, const weir_str_t *argv,
    unsigned n, const weir_resp_caps_t *caps, weir_arena_t *a)
{
    s->caps = caps;

    return weir_resp_command(a, argv, n, &s->wire) == WEIR_OK
           ? WEIR_RESP_SAY : WEIR_RESP_SAY_NOMEM;
}


static weir_resp_say_e
weir_resp_session_role(weir_resp_session_t *s, const weir_resp_t *reply)
{
    weir_resp_role_t   role;
    weir_resp_error_e  e;

    e = weir_resp_role(reply, &role);

    if (e != WEIR_RESP_E_NONE) {
        return weir_resp_session_error(s, "ROLE", e, reply);
    }

    switch (role.role) {

    case WEIR_RESP_MASTER:
        return WEIR_RESP_READY;

    case WEIR_RESP_SENTINEL:
        snprintf(s->why, sizeof(s->why), "is a Sentinel: use sentinel://");
        break;

    default:

        /* of whom may be news to those that we asked */

        s->later = s->conf->sentinel || s->conf->cluster;
        snprintf(s->why, sizeof(s->why), "is a replica of %.*s:%u",
                 role.master.host.len > WEIR_RESP_WHY / 2
                     ? WEIR_RESP_WHY / 2 : (int) role.master.host.len,
                 (const char *) role.master.host.data, role.master.port);
        weir_resp_printable(s->why);
        break;
    }

    return WEIR_RESP_REFUSED;
}


static weir_resp_say_e
weir_resp_session_master(weir_resp_session_t *s, const weir_resp_t *reply)
{
    weir_resp_error_e  e;

    e = weir_resp_sentinel_master(reply, &s->host);

    switch (e) {

    case WEIR_RESP_E_NONE:
        return WEIR_RESP_ELSEWHERE;

    case WEIR_RESP_E_MISSING:
        snprintf(s->why, sizeof(s->why), "knows no master \"%.*s\"",
                 s->conf->master.len > WEIR_RESP_WHY / 2
                     ? WEIR_RESP_WHY / 2 : (int) s->conf->master.len,
                 (const char *) s->conf->master.data);
        return WEIR_RESP_REFUSED;

    default:
        return weir_resp_session_error(s, "SENTINEL", e, reply);
    }
}


static weir_resp_say_e
weir_resp_session_slots(weir_resp_session_t *s, const weir_resp_t *reply,
    weir_arena_t *a)
{
    unsigned            slot;
    weir_str_t          key;
    weir_resp_error_e   e;

    key = weir_resp_key(a, s->conf->ns, WEIR_RESP_KEY_HEAD, weir_str(""));

    if (key.data == NULL) {
        return WEIR_RESP_SAY_NOMEM;
    }

    slot = weir_resp_slot(key);
    e = weir_resp_cluster_slots(reply, slot, &s->host);

    switch (e) {

    case WEIR_RESP_E_NONE:
        return WEIR_RESP_ELSEWHERE;

    case WEIR_RESP_E_MISSING:
        s->later = 1;
        snprintf(s->why, sizeof(s->why), "nobody serves slot %u", slot);
        return WEIR_RESP_REFUSED;

    default:
        return weir_resp_session_error(s, "CLUSTER SLOTS", e, reply);
    }
}


static weir_resp_say_e
weir_resp_session_error(weir_resp_session_t *s, const char *what,
    weir_resp_error_e e, const weir_resp_t *reply)
{
    s->later = e == WEIR_RESP_E_LOADING || e == WEIR_RESP_E_BUSY
               || e == WEIR_RESP_E_CLUSTERDOWN
               || e == WEIR_RESP_E_MASTERDOWN;
    s->denied = e == WEIR_RESP_E_WRONGPASS || e == WEIR_RESP_E_NOAUTH;

    if (reply->type == WEIR_RESP_ERROR) {
        s->said = reply->text;
    }

    snprintf(s->why, sizeof(s->why), "%s: %s", what,
             weir_resp_error_word(e));

    return WEIR_RESP_REFUSED;
}


/* What a server says may end in a log or on a terminal. */

static void
weir_resp_printable(char *p)
{
    for ( /* void */ ; *p; p++) {

        if (*p < 0x20 || *p > 0x7e) {
            *p = '?';
        }
    }
}


weir_resp_route_e
weir_resp_route(const weir_resp_conf_t *conf, weir_resp_error_e e,
    const weir_resp_t *reply, weir_resp_host_t *host)
{
    unsigned  slot;

    switch (e) {

    case WEIR_RESP_E_MOVED:
    case WEIR_RESP_E_ASK:

        if (!conf->cluster) {
            return WEIR_RESP_STAY;
        }

        /* to nowhere: somebody else may know better */

        if (weir_resp_redirect(reply->text, &slot, host) != WEIR_OK) {
            return WEIR_RESP_GONE;
        }

        return e == WEIR_RESP_E_ASK ? WEIR_RESP_ASKED : WEIR_RESP_MOVED;

    case WEIR_RESP_E_READONLY:
        return WEIR_RESP_GONE;

    case WEIR_RESP_E_TRYAGAIN:
    case WEIR_RESP_E_CLUSTERDOWN:
    case WEIR_RESP_E_MASTERDOWN:
    case WEIR_RESP_E_LOADING:
    case WEIR_RESP_E_BUSY:
        return WEIR_RESP_LATER;

    default:
        return WEIR_RESP_STAY;
    }
}


int
weir_resp_password(weir_str_t text, weir_str_t *password)
{
    *password = text;

    while (password->len != 0
           && (password->data[password->len - 1] == '\n'
               || password->data[password->len - 1] == '\r'))
    {
        password->len--;
    }

    if (password->len > WEIR_RESP_PASSWORD_MAX) {
        return WEIR_ERROR;
    }

    return password->len == 0 ? WEIR_DECLINED : WEIR_OK;
}


uint32_t
weir_resp_pause(unsigned failures, uint32_t random)
{
    uint32_t  bound;

    if (failures > 6) {
        failures = 7;
    }

    bound = (uint32_t) WEIR_RESP_PAUSE_MIN << (failures ? failures - 1 : 0);

    if (bound > WEIR_RESP_PAUSE_MAX) {
        bound = WEIR_RESP_PAUSE_MAX;
    }

    return 1 + random % bound;
}
