
/*
 * Weir: the audit trail: the sequence of all accepted envelopes, of several
 * documents, checked from its beginning to its end.
 */

#ifndef WEIR_AUDIT_H_INCLUDED
#define WEIR_AUDIT_H_INCLUDED


#include "weir_accept.h"


typedef struct {
    const weir_trust_t  *trust;
    weir_arena_t        *arena;        /* of what stays: one fence a document */
    weir_fences_t        last;         /* the newest seen of each document */
    uint64_t             nentries;
    uint64_t             nrepeats;     /* the same document once more */
    uint64_t             nbad;
    int64_t              oldest;       /* issued, of the first that holds */
    int64_t              newest;       /* the highest */
    unsigned             begun:1;
    unsigned             open:1;       /* may begin at any version */
} weir_audit_t;


/*
 * Begins.  start: the fences of what was exported and trimmed before, or NULL;
 * a document's first entry must follow its fence there, or be version 1.
 * open: a document without one may begin at any version (what was trimmed is
 * not at hand).  WEIR_OK or WEIR_NOMEM.
 */
int weir_audit_init(weir_audit_t *t, weir_arena_t *a,
    const weir_trust_t *trust, weir_str_t ns, const weir_fences_t *start,
    int open);

/*
 * The next entry: signatures, kind and namespace; version one more than the
 * document's last (or the first of a higher epoch); previous the last one's
 * hash.  scratch may be emptied afterwards.  WEIR_OK; WEIR_DECLINED with *why
 * and err, and the document's state is as if the entry was not there, unless
 * only its place in the sequence is wrong; WEIR_NOMEM.  The words mean:
 * truncated: entries are missing before it; older: out of order;
 * same-version-differs: another document of that version, or previous names
 * another hash; the rest as in weir_accept().
 */
int weir_audit_entry(weir_audit_t *t, weir_arena_t *scratch, weir_str_t text,
    weir_refusal_e *why, weir_err_t *err);

/*
 * Whether the trail reaches a gateway's fence: WEIR_OK; WEIR_DECLINED with
 * *why and err: truncated (it ends before), same-version-differs.
 */
int weir_audit_fence(const weir_audit_t *t, const weir_fence_t *fence,
    weir_refusal_e *why, weir_err_t *err);


#endif /* WEIR_AUDIT_H_INCLUDED */
