
/*
 * weirctl: inside of the store in Redis: the session, and the operations that
 * are in files of their own.
 */

#ifndef WEIRCTL_REDIS_STORE_H_INCLUDED
#define WEIRCTL_REDIS_STORE_H_INCLUDED


#include "weirctl_redis_link.h"
#include "../lib/resp/weir_resp_session.h"


/* For how long a failover, a migration or a start is waited for. */

#define WEIRCTL_REDIS_PATIENCE_MS  10000
#define WEIRCTL_REDIS_PAUSE_MS     100

#define WEIRCTL_REDIS_ARGS         300
#define WEIRCTL_REDIS_TRIES        20         /* against others' changes */


typedef struct {
    weir_store_t             store;         /* first */
    const weir_resp_conf_t  *conf;
    SSL_CTX                 *tls;
    weirctl_link_t           link;          /* to the master of our keys */
    weirctl_link_t           aside;         /* Sentinels, seeds, ASK */
    unsigned                 pinned:1;      /* target says where to go */
    char                     target[WEIR_RESP_HOST_MAX + 1];
    uint16_t                 target_port;
    weir_arena_t             keys;
    weir_str_t               head;          /* keys, in that arena */
    weir_str_t               live;
    weir_str_t               rev;
    weir_str_t               audit;
} weirctl_redis_t;


/* What an operation waits for, until when. */

typedef struct {
    int64_t  end;
    int      moves;
} weirctl_patience_t;


/*
 * Connected to the master of our keys, as HELLO, AUTH and ROLE say.  Waits
 * for a failover as long as patience lasts.
 */
weir_store_code_e weirctl_redis_ready(weirctl_redis_t *s,
    weir_store_err_t *err);

/*
 * Connects l, and says what is asked there; closes it after an error.  What a
 * Sentinel or a node of a cluster names is in the arena, which is needed for
 * these two alone.  *later is set where the error may pass by itself.
 */
weir_store_code_e weirctl_redis_connect(weirctl_redis_t *s,
    weirctl_link_t *l, weir_str_t host, uint16_t port, weir_resp_ask_e ask,
    weir_arena_t *a, weir_resp_host_t *named, int *later,
    weir_store_err_t *err);

/*
 * A command and its reply, in the arena, through redirections and short
 * unavailability.  again: the command may be sent twice (it only reads, or
 * does the same twice).  Error replies that remain are replies.
 */
weir_store_code_e weirctl_redis_call(weirctl_redis_t *s, weir_arena_t *a,
    const weir_str_t *argv, unsigned n, const weir_resp_caps_t *caps,
    int again, weir_resp_t **reply, weir_store_err_t *err);

/*
 * The same on the present connection, once, for transactions: the caller
 * began with weirctl_redis_ready().
 */
weir_store_code_e weirctl_redis_once(weirctl_redis_t *s, weir_arena_t *a,
    const weir_str_t *argv, unsigned n, const weir_resp_caps_t *caps,
    weir_resp_t **reply, weir_store_err_t *err);

/* Begins a wait. */
void weirctl_redis_patience(weirctl_patience_t *p);

/*
 * Whether an error is one to try again after: follows a redirection, or drops
 * the connection and pauses.  1: again; 0: it remains what it is.
 */
int weirctl_redis_retry(weirctl_redis_t *s, weirctl_patience_t *p,
    weir_resp_error_e e, const weir_resp_t *reply);

/* An error as one of a store's; the message names place, what and error. */
weir_store_code_e weirctl_redis_fail(weirctl_redis_t *s, const char *what,
    weir_resp_error_e e, const weir_resp_t *reply, int writing,
    weir_store_err_t *err);

void weirctl_redis_drop(weirctl_redis_t *s);

/* Before the next attempt. */
void weirctl_redis_pause(void);

/* Replies that are short: a status, an integer, a small array. */
extern const weir_resp_caps_t  weirctl_redis_short;


/* Operations. */

weir_store_code_e weirctl_redis_publish(weir_store_t *s,
    const weir_store_change_t *change, weir_store_err_t *err);
weir_store_code_e weirctl_redis_put_segments(weir_store_t *s,
    const weir_store_segment_t *segments, uint32_t n, weir_store_err_t *err);
weir_store_code_e weirctl_redis_collect(weir_store_t *s,
    const uint8_t *expect, const uint8_t (*keep)[WEIR_STORE_HASH],
    uint32_t nkeep, int64_t before, uint32_t *n, weir_store_err_t *err);

/*
 * MULTI, the commands and EXEC in one piece, on the present connection.  *e
 * says what came of it, and *reply is that of EXEC or the first error.
 */
weir_store_code_e weirctl_redis_exec(weirctl_redis_t *s,
    weir_arena_t *a, const weir_str_t *wires, uint32_t n,
    weir_resp_t **reply, weir_resp_error_e *e, weir_store_err_t *err);

/* WEIR_STORE_NOMEM. */
weir_store_code_e weirctl_redis_nomem(weir_store_err_t *err);

/* Bytes against what is expected there and what is to be: OK or CONFLICT. */
weir_store_code_e weirctl_redis_compare(weirctl_redis_t *s, weir_str_t bytes,
    int there, const uint8_t *expect, const uint8_t *want,
    const char *what, weir_store_err_t *err);

weir_store_code_e weirctl_redis_reports(weir_store_t *s, weir_arena_t *a,
    uint32_t max, weir_store_list_t *list, weir_store_err_t *err);
weir_store_code_e weirctl_redis_report(weir_store_t *s, weir_arena_t *a,
    weir_str_t name, size_t max, weir_str_t *bytes, weir_store_err_t *err);
weir_store_code_e weirctl_redis_put_report(weir_store_t *s, weir_str_t name,
    weir_str_t bytes, weir_store_err_t *err);
weir_store_code_e weirctl_redis_drop_reports(weir_store_t *s,
    int64_t before, uint32_t *n, weir_store_err_t *err);

weir_store_code_e weirctl_redis_audit(weir_store_t *s, int64_t from,
    size_t max, weir_store_line_pt line, void *ctx, weir_store_err_t *err);
weir_store_code_e weirctl_redis_audit_append(weir_store_t *s,
    weir_str_t line, int64_t now, weir_store_err_t *err);
weir_store_code_e weirctl_redis_audit_trim(weir_store_t *s, int64_t before,
    uint32_t *n, weir_store_err_t *err);

/*
 * All keys of a pattern, each once, in byte order; at most max, else
 * WEIR_STORE_TOO_LARGE.
 */
weir_store_code_e weirctl_redis_scan(weirctl_redis_t *s, weir_arena_t *a,
    weir_str_t pattern, uint32_t max, weir_str_t **keys, uint32_t *n,
    weir_store_err_t *err);

/* The server's clock, in milliseconds since the epoch. */
weir_store_code_e weirctl_redis_time(weirctl_redis_t *s, int64_t *ms,
    weir_store_err_t *err);


#endif /* WEIRCTL_REDIS_STORE_H_INCLUDED */
