
/*
 * weirctl: bundles on their way: a head's envelope with its segments, from
 * policies, from the store, or from a file (JSON lines: the envelope, then
 * the segments).
 */

#ifndef WEIRCTL_PACKAGE_H_INCLUDED
#define WEIRCTL_PACKAGE_H_INCLUDED


#include "weirctl_fleet.h"


typedef struct {
    weirctl_doc_t          head;
    weir_store_segment_t  *segments;
    uint32_t               nsegments;
} weirctl_package_t;


/*
 * Compiles the policies in b, tells what is wrong with them and, with tests,
 * runs their tests.  WEIRCTL_GO_ON, WEIRCTL_NO or another exit code.
 */
int weirctl_package_check(const weirctl_t *ctl, weirctl_bundle_t *b,
    int tests);

/* The same of files; weirctl_bundle_done() in any case. */
int weirctl_package_compile(const weirctl_t *ctl, weirctl_bundle_t *b,
    const weir_policy_source_t *files, uint32_t nfiles, int tests);

/*
 * A bundle of files that follows the last one; head: the present one, which
 * may be missing.
 */
int weirctl_package_make(weirctl_fleet_t *f, weirctl_package_t *p,
    const weir_policy_source_t *files, uint32_t nfiles,
    const weirctl_doc_t *head, const weirctl_last_t *last);

/* The segments of p->head from the store. */
int weirctl_package_fetch(weirctl_fleet_t *f, weirctl_package_t *p);

/* Its files, every segment verified. */
int weirctl_package_files(weirctl_fleet_t *f, const weirctl_package_t *p,
    weir_policy_source_t **files, uint32_t *nfiles);

/* A file of this form; "-" is stdin or stdout.  One that is there goes. */
int weirctl_package_read(weirctl_fleet_t *f, weirctl_package_t *p,
    const char *path);
int weirctl_package_write(const weirctl_package_t *p, const char *path);

/*
 * Adds the signatures of --sign-key.  WEIRCTL_GO_ON or, after a message that
 * names path, the exit code.
 */
int weirctl_package_sign(weirctl_fleet_t *f, weirctl_package_t *p,
    const char *path);

/*
 * What a verb has written to path, where that is not stdout; nfiles 0: not
 * said.  WEIRCTL_YES or the exit code.
 */
int weirctl_package_print(const weirctl_t *ctl, const weirctl_package_t *p,
    const char *path, uint32_t nfiles);

/* Reads p->head anew from an envelope. */
int weirctl_package_head(weirctl_fleet_t *f, weirctl_package_t *p,
    weir_str_t text);

/*
 * Whether all live gateways can serve these policies, by what they report of
 * their configuration.  WEIRCTL_GO_ON or WEIRCTL_NO.
 */
int weirctl_contract(const weirctl_gateways_t *g,
    const weir_policy_bundle_t *bundle);

/*
 * Publishes over head, waits for the gateways in g unless told not to, and
 * prints what became of it.
 */
int weirctl_package_publish(weirctl_fleet_t *f, const weirctl_package_t *p,
    const weirctl_doc_t *head, const weirctl_gateways_t *g, int no_wait);

/*
 * The bundle of that version in the trail (0: the newest one whose content is
 * not head's); p->head is filled.  WEIRCTL_NO, after a message: there is none.
 */
int weirctl_package_find(weirctl_fleet_t *f, weirctl_package_t *p,
    uint64_t version, const weirctl_doc_t *head);

/* Whether two bundles are of the same files, which are always packed alike. */
int weirctl_same_content(const weir_document_t *a, const weir_document_t *b);

/* A version in an option: WEIRCTL_GO_ON or the exit code. */
int weirctl_version_option(const char *text, uint64_t *version);

/*
 * Whether the keys given here have signed it.  With no key at all there is
 * nothing to compare with, which is said.  WEIRCTL_GO_ON or WEIRCTL_NO.
 */
int weirctl_verified(weirctl_fleet_t *f, const weirctl_doc_t *d);


#endif /* WEIRCTL_PACKAGE_H_INCLUDED */
