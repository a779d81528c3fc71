
/*
 * weirctl: one connection to a Redis: TCP, TLS, deadlines, replies in order.
 */

#ifndef WEIRCTL_REDIS_LINK_H_INCLUDED
#define WEIRCTL_REDIS_LINK_H_INCLUDED


#include <openssl/ssl.h>

#include "weirctl_redis.h"


#define WEIRCTL_LINK_BUF  65536


typedef struct {
    int                 fd;             /* -1: not connected */
    SSL                *ssl;
    char                host[WEIR_RESP_HOST_MAX + 1];
    uint16_t            port;
    char                place[WEIR_RESP_HOST_MAX + 16];  /* for messages */
    weir_resp_reader_t  reader;
    size_t              pos;
    size_t              last;
    uint8_t             buf[WEIRCTL_LINK_BUF];
} weirctl_link_t;


/* Milliseconds of a clock that nobody sets. */
int64_t weirctl_now_ms(void);

/*
 * What TLS needs, for all connections of a store; NULL after an error.
 * Verification cannot be turned off.
 */
SSL_CTX *weirctl_tls_new(const weir_resp_conf_t *conf,
    weir_store_err_t *err);

/*
 * Connects, shakes hands and no more.  tls may be NULL.  All functions below
 * close the link when they fail.
 */
weir_store_code_e weirctl_link_open(weirctl_link_t *l,
    const weir_resp_conf_t *conf, SSL_CTX *tls, weir_str_t host,
    uint16_t port, weir_store_err_t *err);

void weirctl_link_close(weirctl_link_t *l);

/* The time counts from the last byte that went, as for a reply. */
weir_store_code_e weirctl_link_send(weirctl_link_t *l, weir_str_t wire,
    int64_t timeout_ms, weir_store_err_t *err);

/*
 * The next reply, in the arena.  The time counts from the last byte that
 * came, and ten times as long in all, so that a long reply may take longer
 * than a short one.
 */
weir_store_code_e weirctl_link_reply(weirctl_link_t *l,
    const weir_resp_caps_t *caps, weir_arena_t *a, int64_t timeout_ms,
    weir_resp_t **reply, weir_store_err_t *err);


#endif /* WEIRCTL_REDIS_LINK_H_INCLUDED */
