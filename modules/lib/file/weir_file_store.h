
/*
 * Weir: the embedded store's inside: what its sources share.  Internal to
 * lib/file.
 */

#ifndef WEIR_FILE_STORE_H_INCLUDED
#define WEIR_FILE_STORE_H_INCLUDED


#include "weir_file.h"
#include "weir_file_io.h"


#define WEIR_FILE_HEX       64       /* bytes of a hash in hex */
#define WEIR_FILE_DAY       86400
#define WEIR_FILE_DAY_NAME  24       /* YYYY-MM-DD.jsonl and a zero */


typedef struct {
    weir_store_t         store;      /* first */
    const weir_alloc_t  *alloc;
    weir_file_dir_t      dir;
    unsigned             wait_ms;
} weir_file_t;


/*
 * A change on its way, as DIR/pending tells it: until its document is in
 * place, what stands in the trail from offset on was not published.
 */

typedef struct {
    char      target[WEIR_STORE_KIND_MAX + WEIR_STORE_NAME_MAX + 8];
    char      day[WEIR_FILE_DAY_NAME];
    uint64_t  offset;
    uint64_t  rev;                   /* to be, 0: stays */
    uint8_t   hash[WEIR_STORE_HASH];
} weir_file_pending_t;


/*
 * The lock: exclusive for those who publish, who also finish or undo what
 * others left half-way; shared for a look at the trail.  *fd is closed by
 * weir_file_unlock(); a shared one may be -1, as there is nothing to lock.
 */
weir_store_code_e weir_file_lock(weir_file_t *f, int shared, int *fd,
    weir_store_err_t *err);
void weir_file_unlock(int fd);

/* The pending change; WEIR_STORE_MISSING: there is none. */
weir_store_code_e weir_file_pending_get(weir_file_t *f,
    weir_file_pending_t *p, weir_store_err_t *err);
weir_store_code_e weir_file_pending_put(weir_file_t *f,
    const weir_file_pending_t *p, weir_store_err_t *err);

/* done: its document is in place. */
weir_store_code_e weir_file_pending_done(weir_file_t *f,
    const weir_file_pending_t *p, int *done, weir_store_err_t *err);

/* Under the lock: finishes the pending change, or undoes it. */
weir_store_code_e weir_file_recover(weir_file_t *f, weir_store_err_t *err);

/*
 * The folder and file of a document, kind empty: of the head.  name holds
 * WEIR_FILE_NAME bytes; the caller closes dir.
 */
weir_store_code_e weir_file_place(weir_file_t *f, weir_str_t kind,
    weir_str_t name, int create, weir_file_dir_t *dir, char *file,
    weir_store_err_t *err);

/* DIR/rev, and writing it beside for weir_file_commit(). */
weir_store_code_e weir_file_rev(weir_store_t *s, uint64_t *rev,
    weir_store_err_t *err);
weir_store_code_e weir_file_rev_beside(weir_file_t *f, uint64_t rev,
    weir_store_err_t *err);

/*
 * The place in the trail where the next line goes: fills p->day, p->offset.
 * weir_file_trail_add() then writes it, weir_file_trail_cut() takes it away.
 */
weir_store_code_e weir_file_trail_end(weir_file_t *f, int64_t now,
    weir_file_pending_t *p, weir_store_err_t *err);
weir_store_code_e weir_file_trail_add(weir_file_t *f,
    const weir_file_pending_t *p, weir_str_t line, weir_store_err_t *err);
weir_store_code_e weir_file_trail_cut(weir_file_t *f,
    const weir_file_pending_t *p, weir_store_err_t *err);

/* The file of a segment: its hash in hex, and a zero. */
void weir_file_hex(char *name, const uint8_t *hash);


/* The operations that others use too, or that have files of their own. */

weir_store_code_e weir_file_live(weir_store_t *s, weir_arena_t *a,
    weir_str_t kind, weir_str_t name, size_t max, weir_str_t *bytes,
    weir_store_err_t *err);

weir_store_code_e weir_file_publish(weir_store_t *s,
    const weir_store_change_t *change, weir_store_err_t *err);
weir_store_code_e weir_file_put_segments(weir_store_t *s,
    const weir_store_segment_t *segments, uint32_t n, weir_store_err_t *err);
weir_store_code_e weir_file_collect(weir_store_t *s, const uint8_t *expect,
    const uint8_t (*keep)[WEIR_STORE_HASH], uint32_t nkeep, int64_t before,
    uint32_t *n, weir_store_err_t *err);
weir_store_code_e weir_file_audit(weir_store_t *s, int64_t from, size_t max,
    weir_store_line_pt line, void *ctx, weir_store_err_t *err);
weir_store_code_e weir_file_audit_append(weir_store_t *s, weir_str_t line,
    int64_t now, weir_store_err_t *err);
weir_store_code_e weir_file_audit_trim(weir_store_t *s, int64_t before,
    uint32_t *n, weir_store_err_t *err);


#endif /* WEIR_FILE_STORE_H_INCLUDED */
