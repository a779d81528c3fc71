
/*
 * Weir: a link to Redis in nginx's event loop: names by nginx's resolver, TLS
 * by nginx's OpenSSL and verified, HELLO, AUTH and ROLE before anything else,
 * replies in order, a deadline for each step, and never a blocked worker.
 *
 * A link is one connection to the master of a namespace's keys, kept up as
 * long as it is open: after a failure it is made anew, with a pause between
 * 0 and a bound that doubles from 100 ms to 5 s.  Password files are read
 * for each connection, by a thread; a password that is wrong is tried again
 * when its file has changed, else every 30 s.  A link holds no worker that is
 * to end: its timers are cancelable, its connection is idle, and it goes
 * when the worker is told to quit.
 */

#ifndef NGX_HTTP_WEIR_NET_H_INCLUDED
#define NGX_HTTP_WEIR_NET_H_INCLUDED


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "weir_resp_session.h"

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif


#define NGX_HTTP_WEIR_NET_DENIED       30000    /* ms */
#define NGX_HTTP_WEIR_NET_LOOK         1000
#define NGX_HTTP_WEIR_NET_PROVEN       1000     /* up, before it counts */
#define NGX_HTTP_WEIR_NET_ASIDE        5000     /* without being asked */
#define NGX_HTTP_WEIR_NET_READ         2000     /* of a password file */
#define NGX_HTTP_WEIR_NET_LATE         1000     /* ms past the deadline */
#define NGX_HTTP_WEIR_NET_HANDSHAKES   2        /* at once, in a worker */
#define NGX_HTTP_WEIR_NET_PENDING      1024     /* commands of a link */
#define NGX_HTTP_WEIR_NET_ERROR        256


typedef struct ngx_http_weir_net_s  ngx_http_weir_net_t;


/* A password: as the configuration found it, and where. */

typedef struct {
    ngx_str_t           text;
    ngx_str_t           file;               /* ends by 0; empty: none */
} ngx_http_weir_net_password_t;


/* What a link needs; lives as long as the link. */

typedef struct {
    weir_resp_conf_t   *resp;
    ngx_http_weir_net_password_t  passwords[2];     /* the Sentinels' is 1 */
#if (NGX_THREADS)
    ngx_thread_pool_t  *pool;               /* NULL: files are not read */
#endif
    ngx_resolver_t     *resolver;           /* NULL: no names */
    ngx_msec_t          resolver_timeout;
#if (NGX_SSL)
    ngx_ssl_t          *ssl;                /* of ..._net_ssl() */
#endif
} ngx_http_weir_net_conf_t;


typedef enum {
    NGX_HTTP_WEIR_NET_DOWN = 0,         /* waits until it may try again */
    NGX_HTTP_WEIR_NET_PASSWORD,         /* a thread reads its file */
    NGX_HTTP_WEIR_NET_RESOLVE,
    NGX_HTTP_WEIR_NET_CONNECT,
    NGX_HTTP_WEIR_NET_HANDSHAKE,
    NGX_HTTP_WEIR_NET_HELLO,            /* until ROLE has said "master" */
    NGX_HTTP_WEIR_NET_UP
} ngx_http_weir_net_state_e;


/*
 * A reply, which is good until the handler returns; NULL: there is none, and
 * why says so for people.  Each command's handler is called exactly once.  It
 * may send further commands; it may not close the link.
 */
typedef void (*ngx_http_weir_net_reply_pt)(void *data,
    const weir_resp_t *reply, const char *why);

/*
 * The link came up, or an attempt failed, or it went down other than to go
 * elsewhere; may send commands, may not close it.
 */
typedef void (*ngx_http_weir_net_change_pt)(void *data);


#if (NGX_SSL)

/*
 * At configuration: the context of TLS, with the words' ca, cert and key, or
 * NULL after an error was logged.  Verification cannot be turned off.
 */
ngx_ssl_t *ngx_http_weir_net_ssl(ngx_conf_t *cf, weir_resp_conf_t *resp);

#endif


/*
 * Opens a link, which begins to connect at once.  In a worker.  change may be
 * NULL.  NULL: out of memory.
 */
ngx_http_weir_net_t *ngx_http_weir_net_open(ngx_http_weir_net_conf_t *conf,
    ngx_log_t *log, ngx_http_weir_net_change_pt change, void *data);

/*
 * Closes it; handlers of commands that are pending are called.  Also in
 * exit_process: an open socket would be an alert.
 */
void ngx_http_weir_net_close(ngx_http_weir_net_t *net);

/*
 * Sends a command with all others of this pass of the event loop.  The reply
 * is awaited for timeout ms (0: the words' timeout); one that comes later is
 * read and thrown away in its turn.  NGX_OK; NGX_DECLINED: the link is not
 * up, or too much is pending; NGX_ERROR: out of memory.  Then the handler is
 * not called.
 */
ngx_int_t ngx_http_weir_net_command(ngx_http_weir_net_t *net,
    const weir_str_t *argv, ngx_uint_t n, const weir_resp_caps_t *caps,
    ngx_msec_t timeout, ngx_http_weir_net_reply_pt handler, void *data);

/*
 * Asks for ROLE: replies to what is sent behind it come from a master, or do
 * not come.  As ngx_http_weir_net_command().
 */
ngx_int_t ngx_http_weir_net_check(ngx_http_weir_net_t *net);

ngx_http_weir_net_state_e ngx_http_weir_net_state(ngx_http_weir_net_t *net);

/* 1 while it goes to another host: what was lost may be asked again there. */
ngx_uint_t ngx_http_weir_net_moving(ngx_http_weir_net_t *net);

/* Why it was last not up; "" if it never failed. */
const char *ngx_http_weir_net_error(ngx_http_weir_net_t *net);


#endif /* NGX_HTTP_WEIR_NET_H_INCLUDED */
