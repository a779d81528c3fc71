
/*
 * Weir: inside of a link: what its files share.
 */

#ifndef NGX_HTTP_WEIR_NET_LINK_H_INCLUDED
#define NGX_HTTP_WEIR_NET_LINK_H_INCLUDED


#include "ngx_http_weir_net.h"


/* A command on its way, in the order of the replies. */

typedef struct {
    ngx_queue_t                  queue;
    ngx_msec_t                   deadline;
    ngx_http_weir_net_reply_pt   handler;       /* NULL: nobody waits */
    void                        *data;
    weir_resp_caps_t             caps;
    weir_str_t                   wire;          /* of a cluster: kept, */
} ngx_http_weir_net_wait_t;                     /* as it may be asked aside */


typedef struct {
    size_t                       len;
    u_char                       data[WEIR_RESP_PASSWORD_MAX + 2];
} ngx_http_weir_net_secret_t;

typedef struct ngx_http_weir_net_reading_s  ngx_http_weir_net_reading_t;


struct ngx_http_weir_net_s {
    ngx_http_weir_net_conf_t     *conf;
    ngx_log_t                    *log;
    ngx_http_weir_net_change_pt   change;
    void                         *data;

    ngx_http_weir_net_state_e     state;
    weir_resp_ask_e               ask;
    weir_resp_session_t           session;
    ngx_uint_t                    seed;         /* index of hosts, next */
    ngx_uint_t                    failures;     /* in a row */
    ngx_msec_t                    since;        /* it is up */
    ngx_event_t                   timer;        /* of the present state */
    ngx_event_t                   flush;
    ngx_resolver_ctx_t           *resolving;
    ngx_connection_t             *c;

    uint16_t                      port;
    u_char                        host[WEIR_RESP_HOST_MAX + 1];
    u_char                        target[WEIR_RESP_HOST_MAX + 1];
    uint16_t                      target_port;  /* 0: not known */

    ngx_http_weir_net_t          *watch;        /* to a Sentinel */
    ngx_http_weir_net_t          *aside;        /* to where ASK sends us */
    ngx_http_weir_net_t          *parent;       /* of such ones, and: */
    ngx_queue_t                   asked;        /* until it is up */

    ngx_http_weir_net_secret_t    secrets[2];
    ngx_http_weir_net_reading_t  *reading;      /* by a thread, or NULL */
    ngx_msec_t                    denied_at;    /* when this was refused */

    ngx_queue_t                   waiting;
    ngx_uint_t                    pending;
    weir_resp_reader_t            reader;
    weir_arena_t                  arena;        /* of the present reply */

    u_char                       *out;          /* not yet written: */
    size_t                        out_pos;
    size_t                        out_last;
    size_t                        out_size;

    char                          error[NGX_HTTP_WEIR_NET_ERROR];
    ngx_log_t                     quiet;        /* of the connection: keeps */
    char                          detail[128];  /* what nginx says of it */
    ngx_uint_t                    generation;   /* of connections */
    unsigned                      expecting:1;
    unsigned                      handshaking:1;  /* counted as such */
    unsigned                      closing:1;
    unsigned                      watching:1;   /* it is a parent's watch */
    unsigned                      moving:1;
    unsigned                      denied:1;     /* the password is wrong */
    unsigned                      unreadable:1; /* its file, as was logged */
};


/* --- ngx_http_weir_net_link.c --- */

/* A link, or one aside of a parent, that does nothing yet. */
ngx_http_weir_net_t *ngx_http_weir_net_new(ngx_http_weir_net_conf_t *conf,
    ngx_log_t *log, ngx_http_weir_net_t *parent);

/* Begins anew: chooses whom to ask, and connects. */
void ngx_http_weir_net_start(ngx_http_weir_net_t *net);

/* Down, for this reason, and up again later. */
void ngx_http_weir_net_fail(ngx_http_weir_net_t *net, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same of a connection that broke, with what nginx said of it. */
void ngx_http_weir_net_lost(ngx_http_weir_net_t *net, const char *what);

/* Down, for nobody to be told. */
void ngx_http_weir_net_down(ngx_http_weir_net_t *net);

/* What is wrong, for the log and the error's text. */
void ngx_http_weir_net_say(ngx_http_weir_net_t *net, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Down, to go to another host at once: the target, or whoever is found. */
void ngx_http_weir_net_move(ngx_http_weir_net_t *net);

/* Makes it pause as after the next failure in a row. */
void ngx_http_weir_net_pause(ngx_http_weir_net_t *net);

/* The master of our keys has answered. */
void ngx_http_weir_net_up(ngx_http_weir_net_t *net);

void ngx_http_weir_net_target(ngx_http_weir_net_t *net,
    const weir_resp_host_t *host);


/* --- ngx_http_weir_net_connect.c --- */

void ngx_http_weir_net_connect(ngx_http_weir_net_t *net);
void ngx_http_weir_net_greet(ngx_http_weir_net_t *net);
void ngx_http_weir_net_disconnect(ngx_http_weir_net_t *net);

/* It is one of the few that may shake hands at once, or no more. */
ngx_uint_t ngx_http_weir_net_claim(ngx_http_weir_net_t *net);
void ngx_http_weir_net_settled(ngx_http_weir_net_t *net);


/* --- ngx_http_weir_net_tls.c --- */

#if (NGX_SSL)
void ngx_http_weir_net_handshake(ngx_http_weir_net_t *net);
#endif


/* --- ngx_http_weir_net_password.c --- */

/* Begins to read the files: NGX_OK, or they are not to be read. */
ngx_int_t ngx_http_weir_net_password_read(ngx_http_weir_net_t *net);

/* The link goes: whoever reads for it reads for nobody. */
void ngx_http_weir_net_password_leave(ngx_http_weir_net_t *net);

/* The password was refused: waits for another, or for 30 s. */
void ngx_http_weir_net_password_look(ngx_http_weir_net_t *net);


/* --- ngx_http_weir_net_aside.c --- */

/* Takes a command, to be asked there: NGX_OK; it is the caller's else. */
ngx_int_t ngx_http_weir_net_aside(ngx_http_weir_net_t *net,
    ngx_http_weir_net_wait_t *w, const weir_resp_host_t *host);

/* Sends what was asked, when it is up. */
void ngx_http_weir_net_aside_send(ngx_http_weir_net_t *net);


/* --- ngx_http_weir_net_watch.c --- */

/* Asks a Sentinel whether our master is still the one. */
void ngx_http_weir_net_watch(ngx_http_weir_net_t *net);

/* It has named one: the parent goes there. */
void ngx_http_weir_net_named(ngx_http_weir_net_t *w);


/* --- ngx_http_weir_net_io.c --- */

void ngx_http_weir_net_read(ngx_event_t *rev);
void ngx_http_weir_net_write(ngx_event_t *wev);
void ngx_http_weir_net_flush(ngx_event_t *ev);
void ngx_http_weir_net_timeout(ngx_http_weir_net_t *net);

/* A command in any state. */
ngx_int_t ngx_http_weir_net_send(ngx_http_weir_net_t *net, weir_str_t wire,
    const weir_resp_caps_t *caps, ngx_msec_t timeout,
    ngx_http_weir_net_reply_pt handler, void *data);

/* Calls the handlers of all that is pending. */
void ngx_http_weir_net_drop(ngx_http_weir_net_t *net, const char *why);


/* --- ngx_http_weir_net_hello.c --- */

void ngx_http_weir_net_hello(ngx_http_weir_net_t *net);

/* The reply to ROLE of ngx_http_weir_net_check(). */
void ngx_http_weir_net_checked(void *data, const weir_resp_t *reply,
    const char *why);


#endif /* NGX_HTTP_WEIR_NET_LINK_H_INCLUDED */
