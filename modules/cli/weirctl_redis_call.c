
/*
 * weirctl: commands to a Redis, and what to do when it is elsewhere, away or
 * busy.
 */

#include <time.h>

#include "weirctl.h"
#include "weirctl_redis_store.h"


#define WEIRCTL_MOVES  8


const weir_resp_caps_t  weirctl_redis_short = { 4096, 65536, 512, 4 };


static weir_store_code_e weirctl_redis_talk(weirctl_redis_t *s,
    weirctl_link_t *l, weir_arena_t *a, const weir_str_t *argv, unsigned n,
    const weir_resp_caps_t *caps, weir_resp_t **reply,
    weir_store_err_t *err);
static weir_store_code_e weirctl_redis_ask(weirctl_redis_t *s,
    weir_arena_t *a, const weir_str_t *argv, unsigned n,
    const weir_resp_caps_t *caps, weir_resp_t **reply,
    weir_store_err_t *err);
static void weirctl_redis_pin(weirctl_redis_t *s,
    const weir_resp_host_t *host);


void
weirctl_redis_patience(weirctl_patience_t *p)
{
    p->end = weirctl_now_ms() + WEIRCTL_REDIS_PATIENCE_MS;
    p->moves = 0;
}


void
weirctl_redis_pause(void)
{
    struct timespec  ts;

    ts.tv_sec = 0;
    ts.tv_nsec = WEIRCTL_REDIS_PAUSE_MS * 1000000L;

    (void) nanosleep(&ts, NULL);
}


static weir_store_code_e
weirctl_redis_talk(weirctl_redis_t *s, weirctl_link_t *l, weir_arena_t *a,
    const weir_str_t *argv, unsigned n, const weir_resp_caps_t *caps,
    weir_resp_t **reply, weir_store_err_t *err)
{
    weir_str_t         wire;
    weir_store_code_e  rc;

    if (weir_resp_command(a, argv, n, &wire) != WEIR_OK) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    rc = weirctl_link_send(l, wire, s->conf->timeout_ms, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    return weirctl_link_reply(l, caps, a, s->conf->timeout_ms, reply, err);
}


weir_store_code_e
weirctl_redis_once(weirctl_redis_t *s, weir_arena_t *a,
    const weir_str_t *argv, unsigned n, const weir_resp_caps_t *caps,
    weir_resp_t **reply, weir_store_err_t *err)
{
    return weirctl_redis_talk(s, &s->link, a, argv, n, caps, reply, err);
}


weir_store_code_e
weirctl_redis_call(weirctl_redis_t *s, weir_arena_t *a,
    const weir_str_t *argv, unsigned n, const weir_resp_caps_t *caps,
    int again, weir_resp_t **reply, weir_store_err_t *err)
{
    int                 was_open;
    weir_resp_error_e   e;
    weir_store_code_e   rc;
    weirctl_patience_t  p;

    weirctl_redis_patience(&p);

    for ( ;; ) {
        was_open = s->link.fd != -1;

        rc = weirctl_redis_ready(s, err);

        if (rc == WEIR_STORE_OK) {
            rc = weirctl_redis_once(s, a, argv, n, caps, reply, err);

            /* a connection that was idle may be gone for long */

            if (rc == WEIR_STORE_UNREACHABLE && was_open && again) {
                continue;
            }
        }

        if (rc != WEIR_STORE_OK) {
            return rc;
        }

        e = weir_resp_error(*reply);

        if (e == WEIR_RESP_E_ASK && again) {
            rc = weirctl_redis_ask(s, a, argv, n, caps, reply, err);

            if (rc != WEIR_STORE_OK) {
                return rc;
            }

            e = weir_resp_error(*reply);
        }

        if (!weirctl_redis_retry(s, &p, e, *reply)) {
            return WEIR_STORE_OK;
        }
    }
}


/* Elsewhere, this once. */

static weir_store_code_e
weirctl_redis_ask(weirctl_redis_t *s, weir_arena_t *a,
    const weir_str_t *argv, unsigned n, const weir_resp_caps_t *caps,
    weir_resp_t **reply, weir_store_err_t *err)
{
    int                later;
    unsigned           slot;
    weir_str_t         asking;
    weir_resp_host_t   host;
    weir_store_code_e  rc;

    if (weir_resp_redirect((*reply)->text, &slot, &host) != WEIR_OK) {
        weirctl_redis_drop(s);

        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                               "%s: redirects to nowhere", s->link.place);
    }

    if (host.host.len == 0) {
        host.host.data = (const uint8_t *) s->link.host;
        host.host.len = strlen(s->link.host);
    }

    rc = weirctl_redis_connect(s, &s->aside, host.host, host.port,
                               WEIR_RESP_ASK_ONCE, NULL, NULL, &later, err);

    if (rc == WEIR_STORE_OK) {
        asking = weir_str("ASKING");
        rc = weirctl_redis_talk(s, &s->aside, a, &asking, 1,
                                &weirctl_redis_short, reply, err);
    }

    if (rc == WEIR_STORE_OK) {
        rc = weirctl_redis_talk(s, &s->aside, a, argv, n, caps, reply, err);
    }

    if (s->aside.fd != -1) {
        weirctl_link_close(&s->aside);
    }

    return rc;
}


static void
weirctl_redis_pin(weirctl_redis_t *s, const weir_resp_host_t *host)
{
    if (host->host.len == 0) {
        snprintf(s->target, sizeof(s->target), "%s", s->link.host);

    } else {
        snprintf(s->target, sizeof(s->target), "%.*s",
                 (int) host->host.len, host->host.data);
    }

    s->target_port = host->port;
    s->pinned = 1;
}


int
weirctl_redis_retry(weirctl_redis_t *s, weirctl_patience_t *p,
    weir_resp_error_e e, const weir_resp_t *reply)
{
    weir_resp_host_t  host;

    switch (weir_resp_route(s->conf, e, reply, &host)) {

    case WEIR_RESP_STAY:
        return 0;

    case WEIR_RESP_MOVED:

        if (++p->moves > WEIRCTL_MOVES) {
            return 0;
        }

        weirctl_redis_pin(s, &host);
        weirctl_redis_drop(s);

        return 1;

    case WEIR_RESP_GONE:

        /* what was the master when we came; the next one may be known */

        if (!s->conf->sentinel && !s->conf->cluster) {
            return 0;
        }

        break;

    default:
        break;
    }

    if (weirctl_now_ms() >= p->end) {
        return 0;
    }

    weirctl_redis_drop(s);
    weirctl_redis_pause();

    return 1;
}


weir_store_code_e
weirctl_redis_fail(weirctl_redis_t *s, const char *what, weir_resp_error_e e,
    const weir_resp_t *reply, int writing, weir_store_err_t *err)
{
    weir_store_code_e  code;

    switch (e) {

    case WEIR_RESP_E_MISSING:
        return weir_store_fail(err, WEIR_STORE_MISSING, 0,
                               "%s: there is no %s", s->link.place, what);

    case WEIR_RESP_E_CONFLICT:
        return weir_store_fail(err, WEIR_STORE_CONFLICT, 0,
                               "%s: %s: somebody else published meanwhile",
                               s->link.place, what);

    case WEIR_RESP_E_SHAPE:
        weirctl_redis_drop(s);

        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                               "%s: %s: unexpected reply", s->link.place,
                               what);

    case WEIR_RESP_E_WRONGTYPE:
        code = WEIR_STORE_WRONG_TYPE;
        break;

    case WEIR_RESP_E_NOPERM:
        code = writing ? WEIR_STORE_DENIED : WEIR_STORE_UNREADABLE;
        break;

    case WEIR_RESP_E_READONLY:
        code = WEIR_STORE_DENIED;
        break;

    case WEIR_RESP_E_OOM:
    case WEIR_RESP_E_MISCONF:
        code = WEIR_STORE_FULL;
        break;

    case WEIR_RESP_E_BUSY:
    case WEIR_RESP_E_NOREPLICAS:
    case WEIR_RESP_E_ASK:
    case WEIR_RESP_E_TRYAGAIN:
        code = WEIR_STORE_BUSY;
        break;

    case WEIR_RESP_E_NOAUTH:
    case WEIR_RESP_E_WRONGPASS:
    case WEIR_RESP_E_LOADING:
    case WEIR_RESP_E_MASTERDOWN:
    case WEIR_RESP_E_MAXCLIENTS:
    case WEIR_RESP_E_DENIED:
    case WEIR_RESP_E_MOVED:
    case WEIR_RESP_E_CLUSTERDOWN:
        code = WEIR_STORE_UNREACHABLE;
        break;

    default:
        code = WEIR_STORE_OTHER;
        break;
    }

    return weir_store_fail(err, code, 0, "%s: %s: %.*s", s->link.place, what,
                           (int) (reply->text.len > 256 ? 256
                                                        : reply->text.len),
                           (const char *) reply->text.data);
}
