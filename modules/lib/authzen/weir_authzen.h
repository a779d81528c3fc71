
/*
 * Weir: questions of the OpenID AuthZEN Authorization API 1.0, as requests
 * that policies know.
 *
 *   subject.type            kind of the identity: a kind of ours, "anonymous",
 *                           "spiffe" (id is a SPIFFE ID); else jwt
 *   subject.id              subject
 *   subject.properties      claims; issuer: the name of a weir_issuer
 *   action.name             method
 *   resource.id             target: a path with or without query, or an
 *                           http(s) URL; resource.properties.path instead
 *   resource.properties     host, scheme
 *   context                 source, time, headers, tls
 *
 * All else is for whoever asks, and no policy sees it.
 */

#ifndef WEIR_AUTHZEN_H_INCLUDED
#define WEIR_AUTHZEN_H_INCLUDED


#include <jansson.h>

#include "weir_policy.h"


#define WEIR_AUTHZEN_BODY       (256 * 1024)    /* bytes of a question */
#define WEIR_AUTHZEN_QUESTIONS  256             /* of a batch */
#define WEIR_AUTHZEN_REQUEST    8192            /* bytes of method, path, query
                                                   and host: a request's */


/* options.evaluations_semantic: which answer is the last. */

typedef enum {
    WEIR_AUTHZEN_ALL = 0,         /* execute_all */
    WEIR_AUTHZEN_FIRST_DENY,      /* deny_on_first_deny */
    WEIR_AUTHZEN_FIRST_PERMIT     /* permit_on_first_permit */
} weir_authzen_semantic_t;


/* A string with data == NULL is absent. */

typedef struct {
    const char            *error;       /* static; NULL: it is a question */

    weir_policy_kind_t     kind;
    weir_str_t             issuer;
    weir_str_t             subject;
    weir_str_t             spiffe;
    weir_str_t             principal;   /* "kind:issuer:subject" */
    const weir_claims_t   *claims;      /* NULL: none */

    weir_str_t             method;
    weir_str_t             path;        /* raw, without query */
    weir_str_t             args;        /* behind "?"; absent: none */
    weir_str_t             host;        /* raw authority */
    weir_str_t             named;       /* the same, where headers say it */
    weir_str_t             scheme;

    weir_addr_t            source;
    int64_t                time;        /* seconds since the epoch */
    unsigned               has_source:1;
    unsigned               has_time:1;

    weir_policy_fields_t   fields;      /* headers, tls; no query */
} weir_authzen_question_t;


typedef struct {
    weir_authzen_question_t   *questions;
    uint32_t                   count;
    unsigned                   batch:1;     /* answered as "evaluations" */
    weir_authzen_semantic_t    semantic;
    const char                *error;       /* static, of WEIR_DECLINED */
} weir_authzen_t;


/*
 * Parses the body of an evaluation request (AuthZEN 1.0, 6.1), or where batch
 * is 1 of an evaluations request (7.1); one of those without "evaluations" is
 * a single question.  text of len bytes is changed, as weir_json_scan() does.
 * What the questions point to lies in the arena and in *json, which the
 * caller releases with json_decref() after all is answered, NULL or not.
 * issuer: what a subject without one has (absent: none).  In a batch what is
 * wrong with one question is its error, and what questions share (subject,
 * context) is read once.  WEIR_OK; WEIR_DECLINED: a->error, and a->count is 1
 * where it is the error of the only question; WEIR_NOMEM.
 */
int weir_authzen_parse(weir_authzen_t *a, weir_arena_t *arena, json_t **json,
    uint8_t *text, size_t len, unsigned batch, weir_str_t issuer);


#endif /* WEIR_AUTHZEN_H_INCLUDED */
