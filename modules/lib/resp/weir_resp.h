
/*
 * Weir: RESP2, the language of Redis and Valkey, on a leash.
 *
 * hiredis formats commands and builds replies.  Before its parser sees a
 * byte, the byte has passed our own reading of the grammar: it belongs to a
 * reply that somebody waits for, and what it announces is within the caps of
 * that reply.  hiredis' own ways out (any negative length is nil in 0.14,
 * arrays of 2^31, endless strings, asserts) are never taken.
 *
 * hiredis takes the bytes of an unfinished reply from malloc(3), at most
 * twice the cap; all else is the caller's arena.  Two versions of hiredis are
 * known: 0.14 (Debian 12) and 1.x (Debian 13), which differ in their structs.
 */

#ifndef WEIR_RESP_H_INCLUDED
#define WEIR_RESP_H_INCLUDED


#include "weir_base.h"


#define WEIR_RESP_DEPTH_MAX  6         /* hiredis 0.14 cannot do more */
#define WEIR_RESP_LINE_MAX   4096      /* bytes of a status or an error */


typedef enum {
    WEIR_RESP_NIL = 0,
    WEIR_RESP_STATUS,
    WEIR_RESP_ERROR,
    WEIR_RESP_INTEGER,
    WEIR_RESP_STRING,
    WEIR_RESP_ARRAY
} weir_resp_type_e;


typedef struct weir_resp_s  weir_resp_t;

struct weir_resp_s {
    weir_resp_type_e  type;
    uint32_t          n;           /* items of an array */
    int64_t           integer;
    weir_str_t        text;        /* of a status, error or string */
    weir_resp_t      *items;
};


/* What a reply may be; each is a maximum. */

typedef struct {
    size_t    bulk;        /* bytes of one string */
    size_t    total;       /* bytes of the whole reply on the wire */
    uint32_t  items;       /* of all its arrays together */
    uint32_t  depth;       /* arrays within arrays; 0: no array */
} weir_resp_caps_t;


typedef enum {
    WEIR_RESP_DONE = 0,        /* a reply is complete */
    WEIR_RESP_AGAIN,           /* more bytes are needed */
    WEIR_RESP_UNSOLICITED,     /* bytes that nobody waits for */
    WEIR_RESP_BROKEN,          /* not RESP2 */
    WEIR_RESP_TOO_LARGE,       /* beyond the caps */
    WEIR_RESP_NOMEM
} weir_resp_code_e;


/* The members are the reader's own. */

typedef struct {
    void              *hiredis;
    weir_arena_t      *arena;
    weir_resp_caps_t   caps;
    weir_resp_code_e   fault;          /* sticky */
    unsigned           expecting:1;
    unsigned           minus:1;
    unsigned           digits:6;
    uint8_t            state;
    uint8_t            type;
    uint32_t           depth;
    uint32_t           items;
    uint32_t           left[WEIR_RESP_DEPTH_MAX + 1];
    size_t             total;
    size_t             bulk;           /* bytes to come of the string */
    size_t             line;           /* bytes of the line */
    uint64_t           number;
} weir_resp_reader_t;


/* WEIR_OK or WEIR_NOMEM.  One reader for each connection. */
int weir_resp_reader_init(weir_resp_reader_t *r);

/* Frees what hiredis holds; also of a reader that is all zeros. */
void weir_resp_reader_done(weir_resp_reader_t *r);

/*
 * Begins the next reply, which will be built in the arena.  Without an arena
 * the reply is checked and thrown away: that of a command nobody waits for
 * any more.
 */
void weir_resp_expect(weir_resp_reader_t *r, const weir_resp_caps_t *caps,
    weir_arena_t *a);

/*
 * Reads from len bytes; *used of them belong to the reply.  DONE: *reply is
 * it, or NULL where it was thrown away; the next needs weir_resp_expect().
 * AGAIN: all were used.  Anything else is the end of this connection, and
 * every later call says the same.
 */
weir_resp_code_e weir_resp_read(weir_resp_reader_t *r, const uint8_t *p,
    size_t len, size_t *used, weir_resp_t **reply);

/* "unsolicited reply", ...: what a fault means, for people. */
const char *weir_resp_code_text(weir_resp_code_e code);


/*
 * A command of n arguments as it goes on the wire, in the arena.  WEIR_OK or
 * WEIR_NOMEM.
 */
int weir_resp_command(weir_arena_t *a, const weir_str_t *argv, unsigned n,
    weir_str_t *wire);


/*
 * What an error reply means; a closed set: whatever a server invents is
 * OTHER.  The last three are no error replies, but end the same way.
 */

typedef enum {
    WEIR_RESP_E_NONE = 0,
    WEIR_RESP_E_OTHER,
    WEIR_RESP_E_WRONGTYPE,
    WEIR_RESP_E_NOAUTH,
    WEIR_RESP_E_WRONGPASS,
    WEIR_RESP_E_NOPERM,
    WEIR_RESP_E_READONLY,
    WEIR_RESP_E_OOM,
    WEIR_RESP_E_MISCONF,
    WEIR_RESP_E_NOREPLICAS,
    WEIR_RESP_E_LOADING,
    WEIR_RESP_E_BUSY,
    WEIR_RESP_E_MASTERDOWN,
    WEIR_RESP_E_MAXCLIENTS,
    WEIR_RESP_E_DENIED,        /* protected mode */
    WEIR_RESP_E_UNBLOCKED,
    WEIR_RESP_E_MOVED,
    WEIR_RESP_E_ASK,
    WEIR_RESP_E_TRYAGAIN,
    WEIR_RESP_E_CLUSTERDOWN,
    WEIR_RESP_E_CROSSSLOT,
    WEIR_RESP_E_EXECABORT,
    WEIR_RESP_E_NOPROTO,
    WEIR_RESP_E_MISSING,       /* nil */
    WEIR_RESP_E_CONFLICT,      /* EXEC: a watched key changed */
    WEIR_RESP_E_SHAPE          /* another reply than this command has */
} weir_resp_error_e;

/* E_NONE for anything but an error reply. */
weir_resp_error_e weir_resp_error(const weir_resp_t *reply);

/* "wrong-type", "no-auth", ...: the word for an error. */
const char *weir_resp_error_word(weir_resp_error_e e);


#endif /* WEIR_RESP_H_INCLUDED */
