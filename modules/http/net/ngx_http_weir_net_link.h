
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
} ngx_http_weir_net_wait_t;


/* What is asked of the one that a connection is made to. */

typedef enum {
    NGX_HTTP_WEIR_NET_MASTER = 0,
    NGX_HTTP_WEIR_NET_SENTINEL,
    NGX_HTTP_WEIR_NET_NODE                      /* of a cluster */
} ngx_http_weir_net_ask_e;


struct ngx_http_weir_net_s {
    ngx_http_weir_net_conf_t     *conf;
    ngx_log_t                    *log;
    ngx_http_weir_net_change_pt   change;
    void                         *data;

    ngx_http_weir_net_state_e     state;
    ngx_http_weir_net_ask_e       ask;
    ngx_uint_t                    seed;         /* index of hosts, next */
    ngx_uint_t                    failures;     /* in a row */
    ngx_event_t                   timer;        /* of the present state */
    ngx_event_t                   flush;
    ngx_resolver_ctx_t           *resolving;
    ngx_connection_t             *c;

    uint16_t                      port;
    u_char                        host[WEIR_RESP_HOST_MAX + 1];
    u_char                        target[WEIR_RESP_HOST_MAX + 1];
    uint16_t                      target_port;  /* 0: not known */

    ngx_queue_t                   waiting;
    ngx_uint_t                    pending;
    weir_resp_reader_t            reader;
    weir_arena_t                  arena;        /* of the present reply */

    u_char                       *out;          /* not yet written: */
    size_t                        out_pos;
    size_t                        out_last;
    size_t                        out_size;

    char                          error[NGX_HTTP_WEIR_NET_ERROR];
    ngx_uint_t                    generation;   /* of connections */
    unsigned                      expecting:1;
    unsigned                      handshaking:1;  /* counted as such */
    unsigned                      closing:1;
    unsigned                      wrongpass:1;
};


/* --- ngx_http_weir_net_link.c --- */

/* Begins anew: chooses whom to ask, and connects. */
void ngx_http_weir_net_start(ngx_http_weir_net_t *net);

/* Down, for this reason, and up again later. */
void ngx_http_weir_net_fail(ngx_http_weir_net_t *net, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

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
void ngx_http_weir_net_disconnect(ngx_http_weir_net_t *net);

/* It is no more one of the few that may shake hands at once. */
void ngx_http_weir_net_settled(ngx_http_weir_net_t *net);


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

/* What an error reply says of the link: 1 if it has moved or gone. */
ngx_uint_t ngx_http_weir_net_redirected(ngx_http_weir_net_t *net,
    const weir_resp_t *reply);


#endif /* NGX_HTTP_WEIR_NET_LINK_H_INCLUDED */
