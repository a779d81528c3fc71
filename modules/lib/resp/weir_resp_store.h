
/*
 * Weir: what lies where in Redis, the commands, and what may come back.
 *
 *   weir:{NS}:cfg:head       the envelope of the bundle
 *   weir:{NS}:cfg:seg:HEX    parts of bundles, each under its SHA-256
 *   weir:{NS}:cfg:live       hash: KIND/NAME, the envelope
 *   weir:{NS}:cfg:rev        grows with each change of a live document
 *   weir:{NS}:cfg:audit      stream: every envelope that was published
 *   weir:{NS}:gw:NODE        what a gateway says of itself; expires
 *
 * The braces are literal: all keys of a namespace are in one slot of a
 * cluster, and one transaction reaches all of them.
 *
 * The functions that look at a reply return what went wrong, or
 * WEIR_RESP_E_NONE.  A reply of another shape than the command has is
 * WEIR_RESP_E_SHAPE: the connection is good for nothing any more.  Slices in
 * what they fill belong to the reply.
 */

#ifndef WEIR_RESP_STORE_H_INCLUDED
#define WEIR_RESP_STORE_H_INCLUDED


#include "weir_resp.h"


#define WEIR_RESP_SLOTS       16384
#define WEIR_RESP_HASH        32          /* bytes of a SHA-256 */
#define WEIR_RESP_HOST_MAX    255
#define WEIR_RESP_REPORT_TTL  86400       /* seconds until a report is gone */
#define WEIR_RESP_FIELD       "envelope"  /* of an entry of the trail */


typedef enum {
    WEIR_RESP_KEY_HEAD,
    WEIR_RESP_KEY_SEGMENT,      /* name: 64 lower case hex digits */
    WEIR_RESP_KEY_LIVE,
    WEIR_RESP_KEY_REV,
    WEIR_RESP_KEY_AUDIT,
    WEIR_RESP_KEY_GATEWAY       /* name: of the node; "*" for a pattern */
} weir_resp_key_e;

/*
 * A key in the arena; name is for those that have one.  {0, NULL} when out
 * of memory.  The namespace is [a-z0-9][a-z0-9_-]{0,62}, so that it means
 * nothing in a pattern.
 */
weir_str_t weir_resp_key(weir_arena_t *a, weir_str_t ns, weir_resp_key_e key,
    weir_str_t name);


/*
 * Host without brackets; of a reply or of a configuration.  A reply's one of
 * other characters than [A-Za-z0-9._:-], or longer than HOST_MAX, is refused
 * with the reply: it would end in logs and on terminals.
 */

typedef struct {
    weir_str_t  host;
    uint16_t    port;
} weir_resp_host_t;


/* What answers, as HELLO says it. */

typedef struct {
    weir_str_t  version;        /* "7.0.15" */
    unsigned    cluster:1;
    unsigned    sentinel:1;
} weir_resp_hello_t;

typedef enum {
    WEIR_RESP_MASTER = 0,
    WEIR_RESP_REPLICA,
    WEIR_RESP_SENTINEL
} weir_resp_role_e;

typedef struct {
    weir_resp_role_e  role;
    weir_resp_host_t  master;   /* of a replica */
    unsigned          linked:1; /* the replica is connected to its master */
} weir_resp_role_t;


/*
 * HELLO 2 [AUTH user password] SETNAME name.  user empty: "default"; password
 * empty: nobody is authenticated.  WEIR_OK or WEIR_NOMEM.
 */
int weir_resp_hello_command(weir_arena_t *a, weir_str_t user,
    weir_str_t password, weir_str_t name, weir_str_t *wire);
weir_resp_error_e weir_resp_hello(const weir_resp_t *reply,
    weir_resp_hello_t *hello);

weir_resp_error_e weir_resp_role(const weir_resp_t *reply,
    weir_resp_role_t *role);


/* +OK; with queued: +QUEUED. */
weir_resp_error_e weir_resp_ok(const weir_resp_t *reply, int queued);

/* A string; nil: E_MISSING. */
weir_resp_error_e weir_resp_bytes(const weir_resp_t *reply,
    weir_str_t *bytes);

weir_resp_error_e weir_resp_integer(const weir_resp_t *reply, int64_t *v);

/*
 * GET of rev: nil is 0.  WEIR_RESP_E_SHAPE: not a number without sign or
 * leading zero below 2^63 - 1, which INCR could not count on.
 */
weir_resp_error_e weir_resp_rev(const weir_resp_t *reply, uint64_t *rev);

/*
 * EXEC of n commands: none of them failed; nil: E_CONFLICT.  What one of them
 * says has happened all the same to the others: there is no rollback.
 */
weir_resp_error_e weir_resp_exec(const weir_resp_t *reply, uint32_t n);

/* "KIND/NAME": WEIR_OK, or WEIR_ERROR for what has no single slash. */
int weir_resp_live_field(weir_str_t field, weir_str_t *kind,
    weir_str_t *name);

/* SCAN: the next cursor, and the items of *keys. */
weir_resp_error_e weir_resp_scan_page(const weir_resp_t *reply,
    weir_str_t *cursor, const weir_resp_t **keys);

/* What of "weir:{NS}:gw:NODE" is NODE: WEIR_OK or WEIR_ERROR. */
int weir_resp_gateway_name(weir_str_t ns, weir_str_t key, weir_str_t *node);


/* An entry of the trail: its id is ms-seq. */

typedef struct {
    uint64_t    ms;             /* since the epoch, by the store's clock */
    uint64_t    seq;
    weir_str_t  id;
    weir_str_t  line;
} weir_resp_entry_t;

/*
 * XRANGE: the i-th of reply->n entries.  One that has not our single field is
 * E_SHAPE with *e's id filled in: somebody else wrote it.
 */
weir_resp_error_e weir_resp_entry(const weir_resp_t *reply, uint32_t i,
    weir_resp_entry_t *e);

/* "ms-seq": WEIR_OK or WEIR_ERROR. */
int weir_resp_id_parse(weir_str_t id, uint64_t *ms, uint64_t *seq);


/* SENTINEL get-master-addr-by-name; nil: E_MISSING. */
weir_resp_error_e weir_resp_sentinel_master(const weir_resp_t *reply,
    weir_resp_host_t *host);


/* CRC16 (XMODEM) as Redis Cluster takes it. */
uint16_t weir_resp_crc16(weir_str_t s);

/* The slot of a key, by its hash tag if it has one. */
unsigned weir_resp_slot(weir_str_t key);

/*
 * "MOVED 3999 127.0.0.1:6381", "ASK ...": WEIR_OK or WEIR_ERROR.  An empty
 * host is the one that was asked.
 */
int weir_resp_redirect(weir_str_t text, unsigned *slot,
    weir_resp_host_t *host);

/*
 * CLUSTER SLOTS: the master of a slot; E_MISSING: nobody serves it.  An empty
 * host is the one that was asked.
 */
weir_resp_error_e weir_resp_cluster_slots(const weir_resp_t *reply,
    unsigned slot, weir_resp_host_t *host);


#endif /* WEIR_RESP_STORE_H_INCLUDED */
