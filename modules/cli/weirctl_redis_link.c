
/*
 * weirctl: one connection to a Redis: TCP, deadlines, replies in order.
 */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "weirctl.h"
#include "weirctl_redis_link.h"
#include "../lib/base/weir_addr.h"


static weir_store_code_e weirctl_link_connect(weirctl_link_t *l,
    int64_t end, weir_store_err_t *err);
static int weirctl_link_try(const struct addrinfo *ai, int64_t end);
static weir_store_code_e weirctl_link_handshake(weirctl_link_t *l,
    SSL_CTX *tls, int64_t end, weir_store_err_t *err);
static int weirctl_link_name(weirctl_link_t *l);
static ssize_t weirctl_link_io(weirctl_link_t *l, uint8_t *in,
    const uint8_t *out, size_t len, int64_t end);
static void weirctl_link_printable(weir_resp_t *reply);
static int weirctl_link_wait(int fd, short events, int64_t end);
static weir_store_code_e weirctl_link_lost(weirctl_link_t *l, ssize_t rc,
    const char *what, weir_store_err_t *err);
static weir_store_code_e weirctl_tls_error(weir_store_err_t *err,
    const char *what, weir_str_t file);


int64_t
weirctl_now_ms(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


SSL_CTX *
weirctl_tls_new(const weir_resp_conf_t *conf, weir_store_err_t *err)
{
    char      file[4096], key[4096];
    SSL_CTX  *tls;

    ERR_clear_error();

    tls = SSL_CTX_new(TLS_client_method());

    if (tls == NULL) {
        (void) weirctl_tls_error(err, "TLS", weir_str(""));
        return NULL;
    }

    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);

    if (SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1) {
        goto failed;
    }

    if (conf->ca.len == 0) {

        if (SSL_CTX_set_default_verify_paths(tls) != 1) {
            goto failed;
        }

    } else {
        snprintf(file, sizeof(file), "%.*s", (int) conf->ca.len,
                 conf->ca.data);

        if (SSL_CTX_load_verify_locations(tls, file, NULL) != 1) {
            (void) weirctl_tls_error(err, "ca", conf->ca);
            SSL_CTX_free(tls);
            return NULL;
        }
    }

    if (conf->cert.len != 0) {
        snprintf(file, sizeof(file), "%.*s", (int) conf->cert.len,
                 conf->cert.data);
        snprintf(key, sizeof(key), "%.*s", (int) conf->key.len,
                 conf->key.data);

        if (SSL_CTX_use_certificate_chain_file(tls, file) != 1) {
            (void) weirctl_tls_error(err, "cert", conf->cert);
            SSL_CTX_free(tls);
            return NULL;
        }

        if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1
            || SSL_CTX_check_private_key(tls) != 1)
        {
            (void) weirctl_tls_error(err, "key", conf->key);
            SSL_CTX_free(tls);
            return NULL;
        }
    }

    return tls;

failed:

    (void) weirctl_tls_error(err, "TLS", weir_str(""));
    SSL_CTX_free(tls);

    return NULL;
}


static weir_store_code_e
weirctl_tls_error(weir_store_err_t *err, const char *what, weir_str_t file)
{
    const char     *reason;
    unsigned long   code;

    code = ERR_peek_error();
    reason = code ? ERR_reason_error_string(code) : NULL;

    if (code && ERR_SYSTEM_ERROR(code)) {
        reason = strerror(ERR_GET_REASON(code));
    }

    ERR_clear_error();

    return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0, "%s%s%.*s: %s",
                           what, file.len ? "=" : "", (int) file.len,
                           file.len ? (const char *) file.data : "",
                           reason != NULL ? reason : "cannot be used");
}


weir_store_code_e
weirctl_link_open(weirctl_link_t *l, const weir_resp_conf_t *conf,
    SSL_CTX *tls, weir_str_t host, uint16_t port, weir_store_err_t *err)
{
    weir_store_code_e  rc;

    l->fd = -1;
    l->ssl = NULL;
    l->pos = 0;
    l->last = 0;
    l->port = port;

    memset(&l->reader, 0, sizeof(weir_resp_reader_t));

    snprintf(l->host, sizeof(l->host), "%.*s", (int) host.len, host.data);
    snprintf(l->place, sizeof(l->place),
             strchr(l->host, ':') ? "[%s]:%u" : "%s:%u", l->host, port);

    if (!weir_resp_conf_permits(conf, host)) {
        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                               "%s: is another machine: TLS or \"insecure\" "
                               "is needed", l->place);
    }

    rc = weirctl_link_connect(l, weirctl_now_ms() + conf->connect_ms, err);

    if (rc == WEIR_STORE_OK && conf->tls) {
        rc = weirctl_link_handshake(l, tls,
                                    weirctl_now_ms() + conf->handshake_ms,
                                    err);
    }

    if (rc == WEIR_STORE_OK && weir_resp_reader_init(&l->reader) != WEIR_OK) {
        rc = weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    if (rc != WEIR_STORE_OK) {
        weirctl_link_close(l);
    }

    return rc;
}


static weir_store_code_e
weirctl_link_connect(weirctl_link_t *l, int64_t end, weir_store_err_t *err)
{
    int               rc, fd;
    char              port[8];
    struct addrinfo   hints, *list, *ai;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;

    snprintf(port, sizeof(port), "%u", l->port);

    rc = getaddrinfo(l->host, port, &hints, &list);

    if (rc != 0) {
        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0, "%s: %s",
                               l->place, rc == EAI_SYSTEM ? strerror(errno)
                                                          : gai_strerror(rc));
    }

    fd = -1;
    rc = ETIMEDOUT;

    for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next) {
        fd = weirctl_link_try(ai, end);

        if (fd == -1) {
            rc = errno;
        }
    }

    freeaddrinfo(list);

    if (fd == -1) {
        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, rc, "%s: %s",
                               l->place, strerror(rc));
    }

    l->fd = fd;

    return WEIR_STORE_OK;
}


static int
weirctl_link_try(const struct addrinfo *ai, int64_t end)
{
    int        fd, on, error;
    socklen_t  len;

    fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                ai->ai_protocol);

    if (fd == -1) {
        return -1;
    }

    on = 1;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0) {
        return fd;
    }

    error = errno;

    if (error == EINPROGRESS) {
        error = ETIMEDOUT;

        if (weirctl_link_wait(fd, POLLOUT, end) == 1) {
            len = sizeof(error);

            if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1) {
                error = errno;
            }
        }

        if (error == 0) {
            return fd;
        }
    }

    (void) close(fd);
    errno = error;

    return -1;
}


static weir_store_code_e
weirctl_link_handshake(weirctl_link_t *l, SSL_CTX *tls, int64_t end,
    weir_store_err_t *err)
{
    long     verified;
    ssize_t  rc;

    ERR_clear_error();

    l->ssl = SSL_new(tls);

    if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1
        || !weirctl_link_name(l))
    {
        return weirctl_tls_error(err, l->place, weir_str(""));
    }

    SSL_set_connect_state(l->ssl);

    rc = weirctl_link_io(l, NULL, NULL, 0, end);

    if (rc > 0) {
        return WEIR_STORE_OK;
    }

    verified = SSL_get_verify_result(l->ssl);

    if (rc != -ETIMEDOUT && verified != X509_V_OK) {
        ERR_clear_error();

        return weir_store_fail(err, WEIR_STORE_UNREACHABLE, 0,
                               "%s: certificate: %s", l->place,
                               X509_verify_cert_error_string(verified));
    }

    if (rc == -EPROTO) {
        return weirctl_tls_error(err, l->place, weir_str(""));
    }

    return weirctl_link_lost(l, rc, "TLS handshake: ", err);
}


/* The certificate is for the name or the address that we were told. */

static int
weirctl_link_name(weirctl_link_t *l)
{
    weir_str_t          host;
    weir_addr_t         addr;
    X509_VERIFY_PARAM  *param;

    host.data = (const uint8_t *) l->host;
    host.len = strlen(l->host);
    param = SSL_get0_param(l->ssl);

    if (weir_addr_parse(host, &addr) == WEIR_OK) {
        return X509_VERIFY_PARAM_set1_ip_asc(param, l->host) == 1;
    }

    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    return X509_VERIFY_PARAM_set1_host(param, l->host, 0) == 1
           && SSL_set_tlsext_host_name(l->ssl, l->host) == 1;
}


void
weirctl_link_close(weirctl_link_t *l)
{
    if (l->ssl != NULL) {
        SSL_free(l->ssl);
        l->ssl = NULL;
    }

    if (l->fd != -1) {
        (void) close(l->fd);
        l->fd = -1;
    }

    weir_resp_reader_done(&l->reader);
}


weir_store_code_e
weirctl_link_send(weirctl_link_t *l, weir_str_t wire, int64_t timeout_ms,
    weir_store_err_t *err)
{
    size_t   sent;
    ssize_t  n;
    int64_t  end, last;

    last = weirctl_now_ms() + timeout_ms * 10;

    for (sent = 0; sent < wire.len; sent += (size_t) n) {
        end = weirctl_now_ms() + timeout_ms;

        n = weirctl_link_io(l, NULL, wire.data + sent, wire.len - sent,
                            end < last ? end : last);

        if (n <= 0) {
            return weirctl_link_lost(l, n, "", err);
        }
    }

    return WEIR_STORE_OK;
}


weir_store_code_e
weirctl_link_reply(weirctl_link_t *l, const weir_resp_caps_t *caps,
    weir_arena_t *a, int64_t timeout_ms, weir_resp_t **reply,
    weir_store_err_t *err)
{
    size_t            used;
    ssize_t           n;
    int64_t           end, last;
    weir_resp_code_e  code;

    last = weirctl_now_ms() + timeout_ms * 10;

    weir_resp_expect(&l->reader, caps, a);

    for ( ;; ) {
        code = weir_resp_read(&l->reader, l->buf + l->pos, l->last - l->pos,
                              &used, reply);
        l->pos += used;

        if (code == WEIR_RESP_DONE) {
            weirctl_link_printable(*reply);
            return WEIR_STORE_OK;
        }

        if (code != WEIR_RESP_AGAIN) {
            weirctl_link_close(l);

            return weir_store_fail(err, code == WEIR_RESP_NOMEM
                                            ? WEIR_STORE_NOMEM
                                        : code == WEIR_RESP_TOO_LARGE
                                            ? WEIR_STORE_TOO_LARGE
                                            : WEIR_STORE_UNREACHABLE, 0,
                                   "%s: %s", l->place,
                                   weir_resp_code_text(code));
        }

        end = weirctl_now_ms() + timeout_ms;

        n = weirctl_link_io(l, l->buf, NULL, WEIRCTL_LINK_BUF,
                            end < last ? end : last);

        if (n <= 0) {
            return weirctl_link_lost(l, n, "", err);
        }

        l->pos = 0;
        l->last = (size_t) n;
    }
}


/* What a server says of an error may end on a terminal. */

static void
weirctl_link_printable(weir_resp_t *reply)
{
    size_t    i;
    uint8_t  *p;

    if (reply->type != WEIR_RESP_ERROR) {
        return;
    }

    p = (uint8_t *) (uintptr_t) reply->text.data;

    for (i = 0; i < reply->text.len; i++) {

        if (p[i] < 0x20 || p[i] > 0x7e) {
            p[i] = '?';
        }
    }
}


/*
 * One read (in), write (out) or, without both, handshake: the bytes, or 1; 0
 * at the end of the stream; -errno, of which EPROTO means TLS.  The other
 * side may close at any time, and SIGPIPE belongs to stdout.
 */

static ssize_t
weirctl_link_io(weirctl_link_t *l, uint8_t *in, const uint8_t *out,
    size_t len, int64_t end)
{
    int              rc, why;
    short            events;
    ssize_t          n;
    sigset_t         pipe_only, before, pending;
    struct timespec  at_once;

    if (len > 1 << 30) {
        len = 1 << 30;
    }

    for ( ;; ) {
        events = out != NULL ? POLLOUT : POLLIN;

        if (l->ssl == NULL) {
            n = out != NULL ? send(l->fd, out, len, MSG_NOSIGNAL)
                            : recv(l->fd, in, len, 0);

            if (n >= 0) {
                return n;
            }

            if (errno == EINTR) {
                continue;
            }

            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                return -errno;
            }

        } else {
            (void) sigemptyset(&pipe_only);
            (void) sigaddset(&pipe_only, SIGPIPE);
            (void) sigpending(&pending);
            (void) sigprocmask(SIG_BLOCK, &pipe_only, &before);

            ERR_clear_error();
            errno = 0;

            rc = out != NULL ? SSL_write(l->ssl, out, (int) len)
                 : in != NULL ? SSL_read(l->ssl, in, (int) len)
                              : SSL_do_handshake(l->ssl);
            why = SSL_get_error(l->ssl, rc);
            n = errno;

            memset(&at_once, 0, sizeof(at_once));

            if (n == EPIPE && !sigismember(&pending, SIGPIPE)) {
                (void) sigtimedwait(&pipe_only, NULL, &at_once);
            }

            (void) sigprocmask(SIG_SETMASK, &before, NULL);

            if (rc > 0) {
                return rc;
            }

            switch (why) {

            case SSL_ERROR_WANT_READ:
                events = POLLIN;
                break;

            case SSL_ERROR_WANT_WRITE:
                events = POLLOUT;
                break;

            case SSL_ERROR_ZERO_RETURN:
                return 0;

            case SSL_ERROR_SYSCALL:
                return n != 0 ? -n : 0;

            default:
                return -EPROTO;
            }
        }

        rc = weirctl_link_wait(l->fd, events, end);

        if (rc != 1) {
            return -ETIMEDOUT;
        }
    }
}


static int
weirctl_link_wait(int fd, short events, int64_t end)
{
    int            rc;
    int64_t        left;
    struct pollfd  p;

    for ( ;; ) {
        left = end - weirctl_now_ms();

        if (left <= 0) {
            return 0;
        }

        p.fd = fd;
        p.events = events;
        p.revents = 0;

        rc = poll(&p, 1, left > 1000 ? 1000 : (int) left);

        if (rc > 0) {
            return 1;
        }

        if (rc < 0 && errno != EINTR) {
            return -1;
        }
    }
}


static weir_store_code_e
weirctl_link_lost(weirctl_link_t *l, ssize_t rc, const char *what,
    weir_store_err_t *err)
{
    int  sys;

    sys = (int) -rc;

    if (sys == EPROTO && l->ssl != NULL) {
        (void) weirctl_tls_error(err, l->place, weir_str(""));

    } else {
        (void) weir_store_fail(err, WEIR_STORE_UNREACHABLE, sys, "%s: %s%s",
                               l->place, what, sys != 0 ? strerror(sys)
                               : "the connection was closed");
    }

    weirctl_link_close(l);

    return WEIR_STORE_UNREACHABLE;
}
