
/*
 * Weir: what is said to a Redis before anything else, for whoever moves the
 * bytes: HELLO with AUTH, then ROLE; of a Sentinel, who the master is; of a
 * node of a cluster, who has the slot of our keys.  And where to go when an
 * error reply says that it is elsewhere, and how long to wait.
 */

#ifndef WEIR_RESP_SESSION_H_INCLUDED
#define WEIR_RESP_SESSION_H_INCLUDED


#include "weir_resp_conf.h"


#define WEIR_RESP_PASSWORD_MAX  1024    /* bytes */
#define WEIR_RESP_WHY           192
#define WEIR_RESP_PAUSE_MIN     100     /* ms */
#define WEIR_RESP_PAUSE_MAX     5000


/* What is asked of the one that a connection is made to. */

typedef enum {
    WEIR_RESP_ASK_MASTER = 0,   /* to be the master that has our keys */
    WEIR_RESP_ASK_SENTINEL,     /* who the master is */
    WEIR_RESP_ASK_NODE,         /* of a cluster: who has our slot */
    WEIR_RESP_ASK_ONCE          /* of a cluster: what ASK sends us there for */
} weir_resp_ask_e;

typedef enum {
    WEIR_RESP_SAY = 0,          /* send wire; the reply is within caps */
    WEIR_RESP_READY,            /* other commands may follow */
    WEIR_RESP_ELSEWHERE,        /* host is to be asked for, as a master */
    WEIR_RESP_REFUSED,          /* why says so for people */
    WEIR_RESP_SAY_NOMEM
} weir_resp_say_e;


/* Read by the caller; host and said are of the reply. */

typedef struct {
    const weir_resp_conf_t  *conf;
    weir_resp_ask_e          ask;
    unsigned                 greeted:1;
    unsigned                 later:1;   /* may pass: a start, a failover */
    unsigned                 denied:1;  /* the password is wrong or missing */
    weir_str_t               wire;
    const weir_resp_caps_t  *caps;
    weir_resp_host_t         host;      /* empty: the one that was asked */
    weir_str_t               said;      /* the server's own words, or empty */
    char                     why[WEIR_RESP_WHY];    /* printable */
} weir_resp_session_t;


/*
 * Begins with HELLO; password empty: nobody is authenticated.  A Sentinel has
 * no user.  The wire is in the arena, and holds the password.  SAY or
 * SAY_NOMEM.
 */
weir_resp_say_e weir_resp_session(weir_resp_session_t *s,
    const weir_resp_conf_t *conf, weir_resp_ask_e ask, weir_str_t password,
    weir_str_t name, weir_arena_t *a);

/* What follows from the reply to the wire; the next wire is in the arena. */
weir_resp_say_e weir_resp_session_reply(weir_resp_session_t *s,
    const weir_resp_t *reply, weir_arena_t *a);

/* Once more what was last asked, of one that is greeted.  As above. */
weir_resp_say_e weir_resp_session_again(weir_resp_session_t *s,
    weir_arena_t *a);

/* ROLE alone, of a master that is one already; and its caps. */
extern const weir_resp_caps_t  weir_resp_caps_role;


/* Where an error reply to one of our commands sends us. */

typedef enum {
    WEIR_RESP_STAY = 0,         /* nowhere: it is an answer */
    WEIR_RESP_MOVED,            /* to host, from now on */
    WEIR_RESP_ASKED,            /* to host, with ASKING, this once */
    WEIR_RESP_GONE,             /* it is the master no more: ask anew */
    WEIR_RESP_LATER             /* it cannot say just now */
} weir_resp_route_e;

/* e: what the reply, or the part of it that failed, means. */
weir_resp_route_e weir_resp_route(const weir_resp_conf_t *conf,
    weir_resp_error_e e, const weir_resp_t *reply, weir_resp_host_t *host);


/*
 * The password in the text of a file: without the line's end.  WEIR_OK;
 * WEIR_DECLINED: it is empty; WEIR_ERROR: it is longer than
 * WEIR_RESP_PASSWORD_MAX.
 */
int weir_resp_password(weir_str_t text, weir_str_t *password);

/*
 * Milliseconds to wait after this many failures in a row, at least one: any
 * number up to a bound that doubles from 100 ms to 5 s ("full jitter").
 */
uint32_t weir_resp_pause(unsigned failures, uint32_t random);


#endif /* WEIR_RESP_SESSION_H_INCLUDED */
