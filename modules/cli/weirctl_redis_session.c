
/*
 * weirctl: the session with a Redis: who is the master of our keys, who we
 * are, and what to do when that changes.
 */

#include <errno.h>
#include <time.h>

#include "weirctl.h"
#include "weirctl_redis_store.h"


#define WEIRCTL_PASSWORD_MAX  1024
#define WEIRCTL_MOVES         8


const weir_resp_caps_t  weirctl_redis_short = { 4096, 65536, 512, 4 };

/* CLUSTER SLOTS of a cluster of any size */

static const weir_resp_caps_t  weirctl_redis_topology = {
    512, 8 << 20, 400000, 5
};


static weir_store_code_e weirctl_redis_find(weirctl_redis_t *s, int *later,
    weir_store_err_t *err);
static weir_store_code_e weirctl_redis_find_sentinel(weirctl_redis_t *s,
    const weir_resp_host_t *seed, weir_arena_t *a, weir_resp_host_t *host,
    int *later, weir_store_err_t *err);
static weir_store_code_e weirctl_redis_find_cluster(weirctl_redis_t *s,
    const weir_resp_host_t *seed, weir_arena_t *a, weir_resp_host_t *host,
    int *later, weir_store_err_t *err);
static weir_store_code_e weirctl_redis_connect(weirctl_redis_t *s,
    weirctl_link_t *l, weir_str_t host, uint16_t port, int kind,
    int *later, weir_store_err_t *err);
static weir_store_code_e weirctl_redis_master(weirctl_redis_t *s,
    weirctl_link_t *l, weir_arena_t *a, int *later, weir_store_err_t *err);
static weir_store_code_e weirctl_redis_password(weir_str_t file, char *buf,
    weir_str_t *password, weir_store_err_t *err);
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
static void weirctl_redis_pause(void);


void
weirctl_redis_patience(weirctl_patience_t *p)
{
    p->end = weirctl_now_ms() + WEIRCTL_REDIS_PATIENCE_MS;
    p->moves = 0;
}


static void
weirctl_redis_pause(void)
{
    struct timespec  ts;

    ts.tv_sec = 0;
    ts.tv_nsec = WEIRCTL_REDIS_PAUSE_MS * 1000000L;

    (void) nanosleep(&ts, NULL);
}


void
weirctl_redis_drop(weirctl_redis_t *s)
{
    if (s->link.fd != -1) {
        weirctl_link_close(&s->link);
    }
}


weir_store_code_e
weirctl_redis_ready(weirctl_redis_t *s, weir_store_err_t *err)
{
    int                 later;
    weir_str_t          host;
    weir_store_code_e   rc;
    weirctl_patience_t  p;

    weirctl_redis_patience(&p);

    while (s->link.fd == -1) {
        later = 0;

        if (s->pinned) {
            s->pinned = 0;
            host.data = (const uint8_t *) s->target;
            host.len = strlen(s->target);

            rc = weirctl_redis_connect(s, &s->link, host, s->target_port, 0,
                                       &later, err);

            /* whoever named it may have been wrong: ask anew */

            if (rc != WEIR_STORE_OK && rc != WEIR_STORE_NOMEM) {
                later = 1;
            }

        } else {
            rc = weirctl_redis_find(s, &later, err);
        }

        if (rc == WEIR_STORE_OK) {
            break;
        }

        if (!later || weirctl_now_ms() >= p.end) {
            return rc;
        }

        weirctl_redis_pause();
    }

    return WEIR_STORE_OK;
}


/*
 * Asks one seed after the other.  *later: what is wrong may pass, as during a
 * failover.
 */

static weir_store_code_e
weirctl_redis_find(weirctl_redis_t *s, int *later, weir_store_err_t *err)
{
    unsigned                 i;
    weir_arena_t             arena;
    weir_resp_host_t         host;
    weir_store_code_e        rc;
    const weir_resp_host_t  *seed;

    rc = WEIR_STORE_UNREACHABLE;

    memset(&host, 0, sizeof(weir_resp_host_t));

    for (i = 0; i < s->conf->nhosts && rc != WEIR_STORE_OK; i++) {
        seed = &s->conf->hosts[i];

        if (!s->conf->sentinel && !s->conf->cluster) {
            return weirctl_redis_connect(s, &s->link, seed->host, seed->port,
                                         0, later, err);
        }

        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        if (s->conf->sentinel) {
            rc = weirctl_redis_find_sentinel(s, seed, &arena, &host, later,
                                             err);

        } else {
            rc = weirctl_redis_find_cluster(s, seed, &arena, &host, later,
                                            err);
        }

        if (rc == WEIR_STORE_OK) {
            rc = weirctl_redis_connect(s, &s->link, host.host, host.port, 0,
                                       later, err);

            /* it was named by somebody who should notice soon */

            if (rc == WEIR_STORE_UNREACHABLE) {
                *later = 1;
            }
        }

        weir_arena_done(&arena);
    }

    return rc;
}


static weir_store_code_e
weirctl_redis_find_sentinel(weirctl_redis_t *s, const weir_resp_host_t *seed,
    weir_arena_t *a, weir_resp_host_t *host, int *later,
    weir_store_err_t *err)
{
    weir_str_t          argv[3];
    weir_resp_t        *reply;
    weir_resp_error_e   e;
    weir_store_code_e   rc;

    rc = weirctl_redis_connect(s, &s->aside, seed->host, seed->port, 1,
                               later, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    reply = NULL;

    argv[0] = weir_str("SENTINEL");
    argv[1] = weir_str("get-master-addr-by-name");
    argv[2] = s->conf->master;

    rc = weirctl_redis_talk(s, &s->aside, a, argv, 3, &weirctl_redis_short,
                            &reply, err);

    if (rc != WEIR_STORE_OK || reply == NULL) {
        return rc;
    }

    e = weir_resp_sentinel_master(reply, host);

    if (e == WEIR_RESP_E_MISSING) {
        rc = weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                             "%s: knows no master \"%.*s\"", s->aside.place,
                             (int) s->conf->master.len, s->conf->master.data);

    } else if (e != WEIR_RESP_E_NONE) {
        rc = weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0, "%s: %s",
                             s->aside.place, weir_resp_error_word(e));
    }

    weirctl_link_close(&s->aside);

    return rc;
}


static weir_store_code_e
weirctl_redis_find_cluster(weirctl_redis_t *s, const weir_resp_host_t *seed,
    weir_arena_t *a, weir_resp_host_t *host, int *later,
    weir_store_err_t *err)
{
    weir_str_t          argv[2];
    weir_resp_t        *reply;
    weir_resp_error_e   e;
    weir_store_code_e   rc;

    rc = weirctl_redis_connect(s, &s->aside, seed->host, seed->port, 2,
                               later, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    reply = NULL;

    argv[0] = weir_str("CLUSTER");
    argv[1] = weir_str("SLOTS");

    rc = weirctl_redis_talk(s, &s->aside, a, argv, 2,
                            &weirctl_redis_topology, &reply, err);

    if (rc != WEIR_STORE_OK || reply == NULL) {
        return rc;
    }

    e = weir_resp_cluster_slots(reply, weir_resp_slot(s->head), host);

    if (e == WEIR_RESP_E_MISSING) {
        *later = 1;
        rc = weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                             "%s: nobody serves slot %u", s->aside.place,
                             weir_resp_slot(s->head));

    } else if (e != WEIR_RESP_E_NONE) {
        *later = e == WEIR_RESP_E_CLUSTERDOWN;
        rc = weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0, "%s: %.*s",
                             s->aside.place,
                             reply->type == WEIR_RESP_ERROR
                                 ? (int) reply->text.len : 16,
                             reply->type == WEIR_RESP_ERROR
                                 ? (const char *) reply->text.data
                                 : "unexpected reply");

    } else if (host->host.len == 0) {
        host->host = seed->host;
    }

    weirctl_link_close(&s->aside);

    return rc;
}


/* kind: 0 the master that has our keys, 1 a Sentinel, 2 any node */

static weir_store_code_e
weirctl_redis_connect(weirctl_redis_t *s, weirctl_link_t *l, weir_str_t host,
    uint16_t port, int kind, int *later, weir_store_err_t *err)
{
    char                password[WEIRCTL_PASSWORD_MAX + 1];
    weir_str_t          user, secret, wire, file;
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_resp_error_e   e;
    weir_resp_hello_t   hello;
    weir_store_code_e   rc;

    user = kind == 1 ? weir_str("") : s->conf->user;
    file = kind == 1 ? s->conf->sentinel_password_file
                     : s->conf->password_file;

    rc = weirctl_redis_password(file, password, &secret, err);

    if (rc == WEIR_STORE_OK) {
        rc = weirctl_link_open(l, s->conf, s->tls, host, port, err);
    }

    if (rc != WEIR_STORE_OK) {
        OPENSSL_cleanse(password, sizeof(password));
        return rc;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    if (weir_resp_hello_command(&arena, user, secret, weir_str("weirctl"),
                                &wire) != WEIR_OK)
    {
        weirctl_link_close(l);
        rc = weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");

    } else {
        rc = weirctl_link_send(l, wire, s->conf->timeout_ms, err);
        OPENSSL_cleanse((void *) (uintptr_t) wire.data, wire.len);
    }

    OPENSSL_cleanse(password, sizeof(password));

    if (rc == WEIR_STORE_OK) {
        rc = weirctl_link_reply(l, &weirctl_redis_short, &arena,
                                s->conf->timeout_ms, &reply, err);
    }

    if (rc == WEIR_STORE_OK) {
        e = weir_resp_hello(reply, &hello);

        if (e != WEIR_RESP_E_NONE) {
            *later = e == WEIR_RESP_E_LOADING || e == WEIR_RESP_E_BUSY;
            rc = weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0, "%s: %.*s",
                                 l->place, e == WEIR_RESP_E_SHAPE ? 25
                                 : (int) reply->text.len,
                                 e == WEIR_RESP_E_SHAPE
                                 ? "unexpected reply to HELLO"
                                 : (const char *) reply->text.data);
            weirctl_link_close(l);
        }
    }

    if (rc == WEIR_STORE_OK && kind == 0) {
        rc = weirctl_redis_master(s, l, &arena, later, err);
    }

    weir_arena_done(&arena);

    if (rc != WEIR_STORE_OK && rc != WEIR_STORE_NOMEM) {
        rc = WEIR_STORE_UNREACHABLE;

        if (err != NULL) {
            err->code = rc;
        }
    }

    return rc;
}


static weir_store_code_e
weirctl_redis_master(weirctl_redis_t *s, weirctl_link_t *l, weir_arena_t *a,
    int *later, weir_store_err_t *err)
{
    weir_str_t          argv[1];
    weir_resp_t        *reply;
    weir_resp_role_t    role;
    weir_resp_error_e   e;
    weir_store_code_e   rc;

    /* all replicas of a master are listed */

    static const weir_resp_caps_t  caps = { 512, 1 << 20, 10000, 4 };

    reply = NULL;

    argv[0] = weir_str("ROLE");

    rc = weirctl_redis_talk(s, l, a, argv, 1, &caps, &reply, err);

    if (rc != WEIR_STORE_OK || reply == NULL) {
        return rc;
    }

    e = weir_resp_role(reply, &role);

    if (e == WEIR_RESP_E_NONE && role.role == WEIR_RESP_MASTER) {
        return WEIR_STORE_OK;
    }

    if (e != WEIR_RESP_E_NONE) {
        *later = e == WEIR_RESP_E_LOADING || e == WEIR_RESP_E_BUSY;
        rc = weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                             "%s: ROLE: %.*s", l->place,
                             e == WEIR_RESP_E_SHAPE ? 16
                             : (int) reply->text.len,
                             e == WEIR_RESP_E_SHAPE ? "unexpected reply"
                             : (const char *) reply->text.data);

    } else if (role.role == WEIR_RESP_SENTINEL) {
        rc = weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                             "%s: is a Sentinel: use sentinel://", l->place);

    } else {
        *later = s->conf->sentinel || s->conf->cluster;
        rc = weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                             "%s: is a replica of %.*s:%u", l->place,
                             (int) role.master.host.len,
                             role.master.host.data, role.master.port);
    }

    weirctl_link_close(l);

    return rc;
}


static weir_store_code_e
weirctl_redis_password(weir_str_t file, char *buf, weir_str_t *password,
    weir_store_err_t *err)
{
    int     error;
    char    path[4096];
    FILE   *f;
    size_t  len;

    *password = weir_str("");

    if (file.len == 0) {
        return WEIR_STORE_OK;
    }

    snprintf(path, sizeof(path), "%.*s", (int) file.len, file.data);

    f = fopen(path, "re");
    len = f != NULL ? fread(buf, 1, WEIRCTL_PASSWORD_MAX + 1, f) : 0;
    error = f == NULL || ferror(f) ? errno : 0;

    if (f != NULL) {
        (void) fclose(f);
    }

    if (error != 0) {
        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, error,
                               "password_file=%s: %s", path,
                               strerror(error));
    }

    if (len > WEIRCTL_PASSWORD_MAX) {
        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                               "password_file=%s: longer than %d bytes",
                               path, WEIRCTL_PASSWORD_MAX);
    }

    while (len > 0 && (buf[len - 1] == '\n' || buf[len - 1] == '\r')) {
        len--;
    }

    if (len == 0) {
        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                               "password_file=%s: is empty", path);
    }

    password->data = (const uint8_t *) buf;
    password->len = len;

    return WEIR_STORE_OK;
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

    rc = weirctl_redis_connect(s, &s->aside, host.host, host.port, 2, &later,
                               err);

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
    unsigned          slot;
    weir_resp_host_t  host;

    switch (e) {

    case WEIR_RESP_E_MOVED:

        if (!s->conf->cluster || ++p->moves > WEIRCTL_MOVES
            || weir_resp_redirect(reply->text, &slot, &host) != WEIR_OK)
        {
            return 0;
        }

        weirctl_redis_pin(s, &host);
        weirctl_redis_drop(s);

        return 1;

    case WEIR_RESP_E_READONLY:

        /* what was the master when we came; the next one may be known */

        if (!s->conf->sentinel && !s->conf->cluster) {
            return 0;
        }

        break;

    case WEIR_RESP_E_ASK:
    case WEIR_RESP_E_TRYAGAIN:
    case WEIR_RESP_E_CLUSTERDOWN:
    case WEIR_RESP_E_LOADING:
    case WEIR_RESP_E_MASTERDOWN:
    case WEIR_RESP_E_BUSY:
        break;

    default:
        return 0;
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
