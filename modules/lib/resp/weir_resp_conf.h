
/*
 * Weir: the words after weir_store and --store that name a Redis.
 *
 *   redis://HOST[:PORT]   rediss://HOST[:PORT]   (cluster=on: HOST,HOST)
 *   sentinel://HOST[:PORT],HOST[:PORT]/MASTER
 *
 *   namespace=weir  user=  password_file=  ca=  cert=  key=  cluster=on
 *   tls=on (of sentinel://)  sentinel_password_file=  insecure
 *   connect_timeout=500ms  handshake_timeout=1s  timeout=1s  poll=1s
 */

#ifndef WEIR_RESP_CONF_H_INCLUDED
#define WEIR_RESP_CONF_H_INCLUDED


#include "weir_resp_store.h"


#define WEIR_RESP_HOSTS_MAX  16


/* Slices are of the words, which must live as long. */

typedef struct {
    weir_resp_host_t  hosts[WEIR_RESP_HOSTS_MAX];
    unsigned          nhosts;
    unsigned          tls:1;
    unsigned          sentinel:1;
    unsigned          cluster:1;
    unsigned          insecure:1;
    uint32_t          seen;             /* options, for duplicates */
    weir_str_t        master;           /* of sentinel:// */
    weir_str_t        ns;
    weir_str_t        user;
    weir_str_t        password_file;
    weir_str_t        sentinel_password_file;
    weir_str_t        ca;
    weir_str_t        cert;
    weir_str_t        key;
    int64_t           connect_ms;
    int64_t           handshake_ms;
    int64_t           timeout_ms;       /* of a command */
    int64_t           poll_ms;
} weir_resp_conf_t;


/*
 * The first word.  WEIR_DECLINED: it is no Redis; WEIR_ERROR, and *err quotes
 * what is wrong.
 */
int weir_resp_conf_url(weir_resp_conf_t *c, weir_str_t url, weir_err_t *err);

/* Each further word.  WEIR_DECLINED: there is no such option. */
int weir_resp_conf_option(weir_resp_conf_t *c, weir_str_t word,
    weir_err_t *err);

/* When all words are read: what does not go together. */
int weir_resp_conf_done(const weir_resp_conf_t *c, weir_err_t *err);

/*
 * 1 if what is configured permits to speak with this host: with TLS, where
 * "insecure" is written, or on this machine (127/8, ::1, localhost).  Holds
 * for those that a Sentinel or a cluster names, too.
 */
int weir_resp_conf_permits(const weir_resp_conf_t *c, weir_str_t host);


#endif /* WEIR_RESP_CONF_H_INCLUDED */
