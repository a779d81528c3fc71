
/*
 * weirctl import openapi: what is read of an OpenAPI document.
 */

#ifndef WEIRCTL_OPENAPI_H_INCLUDED
#define WEIRCTL_OPENAPI_H_INCLUDED


#include <jansson.h>

#include "weirctl_policy.h"


#define WEIRCTL_OPENAPI_SEGS  64
#define WEIRCTL_OPENAPI_NAME  65


/* A segment of a path's template. */

typedef struct {
    char        *text;        /* as it is, decoded; of {x}: NULL */
    char        *capture;     /* {x}, or part of a segment is: a name */
    char        *glob;        /* of what is part of a segment: "v*" */
} weirctl_openapi_seg_t;


typedef struct {
    char                    name[WEIRCTL_OPENAPI_NAME];    /* of the rule */
    char                    method[16];
    const char             *path;       /* the template, for messages */
    weirctl_openapi_seg_t   segs[WEIRCTL_OPENAPI_SEGS];
    unsigned                nsegs;
    const json_t           *security;   /* requirements; NULL: none needed */
} weirctl_openapi_op_t;


typedef struct {
    weirctl_t             *ctl;
    const char            *file;
    const char            *policy;
    const char            *issuer;      /* or NULL */
    const char            *base;        /* --base, or NULL */
    json_t                *doc;
    weir_arena_t           arena;
    json_t                *bases;       /* paths of the servers */
    weirctl_openapi_op_t  *ops;
    unsigned               nops;
    unsigned               left_out;
    FILE                  *out;
} weirctl_openapi_t;


/* weirctl_openapi.c: the document.  GO_ON, or the exit code after a message. */
int weirctl_openapi_read(weirctl_openapi_t *v);

/* weirctl_openapi_write.c: the policy, into v->out. */
int weirctl_openapi_write(weirctl_openapi_t *v);


#endif /* WEIRCTL_OPENAPI_H_INCLUDED */
