
/*
 * Weir: what the files of lib/authzen share.
 */

#ifndef WEIR_AUTHZEN_MEMBERS_H_INCLUDED
#define WEIR_AUTHZEN_MEMBERS_H_INCLUDED


#include "weir_authzen.h"


/* A member around the evaluations: they share it, it is read once. */

typedef struct {
    const json_t             *json;        /* NULL: there is none */
    weir_authzen_question_t   q;           /* what it makes of one */
    unsigned                  known:1;
    int                       rc;
} weir_authzen_shared_t;


typedef struct {
    weir_arena_t             *arena;
    weir_str_t                issuer;      /* of who names none */
    weir_authzen_question_t  *q;
    weir_authzen_shared_t     subject;
    weir_authzen_shared_t     context;
} weir_authzen_ctx_t;


/*
 * What a member makes of c->q.  WEIR_OK; WEIR_DECLINED: its error says why;
 * WEIR_NOMEM.
 */
int weir_authzen_subject(weir_authzen_ctx_t *c, const json_t *subject);
int weir_authzen_resource(weir_authzen_ctx_t *c, const json_t *resource);
int weir_authzen_context(weir_authzen_ctx_t *c, const json_t *context);

/* The last: whether the members fit each other; WEIR_OK, WEIR_DECLINED. */
int weir_authzen_agrees(weir_authzen_ctx_t *c);

/* A string that may not be empty; otherwise that error, WEIR_DECLINED. */
int weir_authzen_needed(weir_authzen_ctx_t *c, const json_t *object,
    const char *name, const char *error, weir_str_t *s);

/* error, static, is that of c->q: WEIR_DECLINED. */
int weir_authzen_bad(weir_authzen_ctx_t *c, const char *error);


#endif /* WEIR_AUTHZEN_MEMBERS_H_INCLUDED */
