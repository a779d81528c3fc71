
/*
 * weirctl: policies: what check, test and eval share.
 */

#ifndef WEIRCTL_POLICY_H_INCLUDED
#define WEIRCTL_POLICY_H_INCLUDED


#include <jansson.h>

#include "weirctl.h"
#include "weir_policy.h"
#include "weir_zoneinfo.h"


typedef struct {
    weir_arena_t          arena;
    const char           *root;
    weir_policy_bundle_t  bundle;
} weirctl_bundle_t;


/* What compiling may take; 64 MiB of sources can say very much. */

#define WEIRCTL_BUNDLE_MEMORY  ((size_t) 1536 * 1024 * 1024)


/* One test, which may have a request of megabytes. */

#define WEIRCTL_TEST_MEMORY    ((size_t) 256 * 1024 * 1024)


/* How a bundle is read. */

#define WEIRCTL_FOLDER  0      /* of policies, whose asserts are proved */
#define WEIRCTL_FILE    1      /* or a single source */
#define WEIRCTL_LAYOUT  2      /* the same, for its text: nothing is proved */


/*
 * Reads and compiles the policies below path; how: one of the three.
 * WEIRCTL_GO_ON: b->bundle is filled, possibly with errors in it;
 * else, after a message, the exit code.  weirctl_bundle_done() in any case.
 */
int weirctl_bundle(const weirctl_t *ctl, weirctl_bundle_t *b,
    const char *path, int how);
void weirctl_bundle_done(weirctl_bundle_t *b);

/* Says that there is no memory, or that b may not have more; the exit code. */
int weirctl_bundle_nomem(const weirctl_bundle_t *b);

/*
 * Proves the asserts of a bundle without errors; those that do not hold are
 * errors of it then.  weirctl_bundle() does.  WEIRCTL_GO_ON, or the exit code
 * after a message.
 */
int weirctl_bundle_asserts(weirctl_bundle_t *b);

/* Warnings for rules that decide nothing; the same. */
int weirctl_bundle_idle(weirctl_bundle_t *b);

/* The diagnostics as text on stderr; warnings are notes. */
int weirctl_diagnostics(const weirctl_t *ctl, weirctl_bundle_t *b);


/* fmt's --json and --from-json, of the file that ctl->argv[0] names. */
int weirctl_tree_write(const weirctl_t *ctl);
int weirctl_tree_read(const weirctl_t *ctl);

int weirctl_check(weirctl_t *ctl);
int weirctl_test(weirctl_t *ctl);
int weirctl_fmt(weirctl_t *ctl);
int weirctl_eval(weirctl_t *ctl);
int weirctl_diff(weirctl_t *ctl);
int weirctl_explain(weirctl_t *ctl);
int weirctl_who_can(weirctl_t *ctl);
int weirctl_review(weirctl_t *ctl);
int weirctl_replay(weirctl_t *ctl);

/* {"file","line","column"} of a place in b's sources. */
json_t *weirctl_place_json(weirctl_bundle_t *b, weir_policy_place_t place);


#endif /* WEIRCTL_POLICY_H_INCLUDED */
