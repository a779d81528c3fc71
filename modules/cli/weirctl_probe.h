
/*
 * weirctl: the statements of a policy's rules, each put to the compiler and
 * the evaluator as a rule of its own: as a permit, which is told where it is
 * true, and as a deny, which is told where it is true or unknown.
 */

#ifndef WEIRCTL_PROBE_H_INCLUDED
#define WEIRCTL_PROBE_H_INCLUDED


#include <stdio.h>

#include "weirctl_policy.h"
#include "weirctl_prove.h"


typedef struct weirctl_probe_s  weirctl_probe_t;

struct weirctl_probe_s {
    weir_prove_item_t  *rule;
    weir_prove_item_t  *statement;      /* NULL: the whole rule */
    unsigned            yes:1;          /* of the request asked about last: */
    unsigned            maybe:1;        /* not false */
    unsigned            held:1;         /* of any, for who keeps them */
    unsigned            failed:1;
    weirctl_probe_t    *next;
};


typedef struct {
    weirctl_bundle_t       *b;
    uint32_t                file;       /* of the policy */
    weir_prove_item_t      *items;      /* of that file; NULL: none is it */
    weirctl_probe_t        *probes;     /* those of a rule together */
    weirctl_probe_t       **last;

    /* compiled */
    weir_arena_t            arena;
    weir_zoneinfo_t         zi;
    weir_policy_bundle_t    bundle;
    weir_policy_regexes_t  *regexes;
} weirctl_probes_t;


/* Of the policy of that name in b.  An exit code, as of all that follow. */
int weirctl_probes(weirctl_probes_t *p, weirctl_bundle_t *b,
    weir_str_t policy);
void weirctl_probes_done(weirctl_probes_t *p);

/* Adds one; when all are there they are compiled, once. */
int weirctl_probes_add(weirctl_probes_t *p, weir_prove_item_t *rule,
    weir_prove_item_t *statement);
int weirctl_probes_compile(weirctl_probes_t *p);

/* Forgets them, for others. */
void weirctl_probes_clear(weirctl_probes_t *p);

/* What each says of a request, as weir_policy_decide_text() takes it. */
int weirctl_probes_ask(weirctl_probes_t *p, const weir_policy_request_t *r,
    weir_str_t path, weir_str_t host, const weir_policy_fields_t *fields);

/* An item's kind. */

#define WEIRCTL_PROBE_RULE       1
#define WEIRCTL_PROBE_SCOPE      2     /* who, what, host, from, during */
#define WEIRCTL_PROBE_CONDITION  3     /* if, unless */

int weirctl_probe_kind(const weir_prove_item_t *item);

/* "shadow permit" and the like, and the name behind it. */
void weirctl_probe_head(const weir_prove_item_t *rule, weir_str_t *effect,
    weir_str_t *name);

/* Where an item of the policy's file stands; its text on one line. */
unsigned weirctl_probe_line(const weirctl_probes_t *p,
    const weir_prove_item_t *item);
void weirctl_probe_text(FILE *f, weir_str_t s);


#endif /* WEIRCTL_PROBE_H_INCLUDED */
