
/*
 * weirctl: the session with a Redis: who is the master of our keys, and who
 * we are.
 */

#include <errno.h>

#include "weirctl.h"
#include "weirctl_redis_store.h"


static weir_store_code_e weirctl_redis_find(weirctl_redis_t *s, int *later,
    weir_store_err_t *err);
static weir_store_code_e weirctl_redis_find_by(weirctl_redis_t *s,
    const weir_resp_host_t *seed, weir_arena_t *a, weir_resp_host_t *host,
    int *later, weir_store_err_t *err);
static weir_store_code_e weirctl_redis_greet(weirctl_link_t *l,
    weir_resp_session_t *session, weir_resp_say_e say, int64_t timeout_ms,
    weir_arena_t *a, weir_store_err_t *err);
static weir_store_code_e weirctl_redis_password(weir_str_t file, char *buf,
    weir_str_t *password, weir_store_err_t *err);


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

            rc = weirctl_redis_connect(s, &s->link, host, s->target_port,
                                       WEIR_RESP_ASK_MASTER, NULL, NULL,
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

    for (i = 0; i < s->conf->nhosts && rc != WEIR_STORE_OK; i++) {
        seed = &s->conf->hosts[i];

        if (!s->conf->sentinel && !s->conf->cluster) {
            return weirctl_redis_connect(s, &s->link, seed->host, seed->port,
                                         WEIR_RESP_ASK_MASTER, NULL, NULL,
                                         later, err);
        }

        memset(&host, 0, sizeof(weir_resp_host_t));
        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        rc = weirctl_redis_find_by(s, seed, &arena, &host, later, err);

        if (rc == WEIR_STORE_OK) {
            rc = weirctl_redis_connect(s, &s->link, host.host, host.port,
                                       WEIR_RESP_ASK_MASTER, NULL, NULL,
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


/* Whom a Sentinel or a node of a cluster names; in the arena. */

static weir_store_code_e
weirctl_redis_find_by(weirctl_redis_t *s, const weir_resp_host_t *seed,
    weir_arena_t *a, weir_resp_host_t *host, int *later,
    weir_store_err_t *err)
{
    weir_store_code_e  rc;

    rc = weirctl_redis_connect(s, &s->aside, seed->host, seed->port,
                               s->conf->sentinel ? WEIR_RESP_ASK_SENTINEL
                                                 : WEIR_RESP_ASK_NODE,
                               a, host, later, err);

    if (rc == WEIR_STORE_OK) {

        if (host->host.len == 0) {
            host->host = seed->host;
        }

        weirctl_link_close(&s->aside);
    }

    return rc;
}


weir_store_code_e
weirctl_redis_connect(weirctl_redis_t *s, weirctl_link_t *l, weir_str_t host,
    uint16_t port, weir_resp_ask_e ask, weir_arena_t *a,
    weir_resp_host_t *named, int *later, weir_store_err_t *err)
{
    char                 password[WEIR_RESP_PASSWORD_MAX + 2];
    weir_str_t           secret, file;
    weir_arena_t         arena;
    weir_resp_say_e      say;
    weir_store_code_e    rc;
    weir_resp_session_t  session;

    file = ask == WEIR_RESP_ASK_SENTINEL ? s->conf->sentinel_password_file
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

    say = weir_resp_session(&session, s->conf, ask, secret,
                            weir_str("weirctl"), a ? a : &arena);

    OPENSSL_cleanse(password, sizeof(password));

    rc = weirctl_redis_greet(l, &session, say, s->conf->timeout_ms,
                             a ? a : &arena, err);

    if (session.later) {
        *later = 1;
    }

    if (rc == WEIR_STORE_OK && named != NULL) {
        *named = session.host;
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


/*
 * Says and hears what a session wants until it is one; closes the link if it
 * does not become one.
 */

static weir_store_code_e
weirctl_redis_greet(weirctl_link_t *l, weir_resp_session_t *session,
    weir_resp_say_e say, int64_t timeout_ms, weir_arena_t *a,
    weir_store_err_t *err)
{
    weir_resp_t        *reply;
    weir_store_code_e   rc;

    while (say == WEIR_RESP_SAY) {
        reply = NULL;

        rc = weirctl_link_send(l, session->wire, timeout_ms, err);

        if (!session->greeted) {
            OPENSSL_cleanse((void *) (uintptr_t) session->wire.data,
                            session->wire.len);
        }

        if (rc == WEIR_STORE_OK) {
            rc = weirctl_link_reply(l, session->caps, a, timeout_ms, &reply,
                                    err);
        }

        if (rc != WEIR_STORE_OK || reply == NULL) {
            return rc;
        }

        say = weir_resp_session_reply(session, reply, a);
    }

    if (say == WEIR_RESP_READY || say == WEIR_RESP_ELSEWHERE) {
        return WEIR_STORE_OK;
    }

    weirctl_link_close(l);

    if (say == WEIR_RESP_SAY_NOMEM) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    if (session->said.len == 0) {
        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0, "%s: %s",
                               l->place, session->why);
    }

    return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0, "%s: %s (%.*s)",
                           l->place, session->why, (int) session->said.len,
                           (const char *) session->said.data);
}


static weir_store_code_e
weirctl_redis_password(weir_str_t file, char *buf, weir_str_t *password,
    weir_store_err_t *err)
{
    int         error;
    char        path[4096];
    FILE       *f;
    weir_str_t  text;

    *password = weir_str("");

    if (file.len == 0) {
        return WEIR_STORE_OK;
    }

    snprintf(path, sizeof(path), "%.*s", (int) file.len, file.data);

    f = fopen(path, "re");
    text.data = (const uint8_t *) buf;
    text.len = f != NULL ? fread(buf, 1, WEIR_RESP_PASSWORD_MAX + 2, f) : 0;
    error = f == NULL || ferror(f) ? errno : 0;

    if (f != NULL) {
        (void) fclose(f);
    }

    if (error != 0) {
        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, error,
                               "password_file=%s: %s", path,
                               strerror(error));
    }

    switch (weir_resp_password(text, password)) {

    case WEIR_OK:
        return WEIR_STORE_OK;

    case WEIR_DECLINED:
        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                               "password_file=%s: is empty", path);

    default:
        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                               "password_file=%s: longer than %d bytes",
                               path, WEIR_RESP_PASSWORD_MAX);
    }
}
