
/*
 * Weir: a bundle's files: in its head where they are few, else in segments of
 * bounded size that the head names by hash and size.
 *
 * A segment is {"a.policy":"text","b.policy":"..."}: files in byte order.  One
 * that does not fit into a segment goes on as the first of the next, under the
 * same name.
 */

#ifndef WEIR_SEGMENT_H_INCLUDED
#define WEIR_SEGMENT_H_INCLUDED


#include "weir_document.h"
#include "weir_strict.h"


/*
 * Puts files (in byte order of their names) into doc: "files" where the
 * payload stays below WEIR_PAYLOAD_MAX, else "segments" with their texts, in
 * the arena.  The same files always give the same segments, and a file that
 * fits into one is not cut.  WEIR_OK; WEIR_DECLINED with err: a name or text
 * that no bundle may hold, or too much; WEIR_NOMEM.
 */
int weir_bundle_pack(weir_document_t *doc, weir_arena_t *a,
    const weir_policy_source_t *files, uint32_t nfiles, weir_err_t *err);


/* The reverse, segment by segment, as they arrive. */

typedef struct weir_piece_s  weir_piece_t;

struct weir_piece_s {
    weir_policy_source_t   file;
    weir_piece_t          *next;
    unsigned               goes_on:1;  /* the file of the piece before */
};

/* Pieces of files in the order in which they came. */

typedef struct {
    weir_piece_t   *first;
    weir_piece_t   *tail;
    uint32_t        n;
    uint64_t        bytes;             /* of text */
} weir_pieces_t;

typedef struct {
    const weir_document_t  *doc;
    weir_arena_t           *arena;
    uint32_t                next;      /* index of the segment awaited */
    weir_pieces_t           pieces;
} weir_unpack_t;

/* doc: a bundle; what is found lies in the arena, which bounds it too. */
void weir_unpack_init(weir_unpack_t *u, weir_arena_t *a,
    const weir_document_t *doc);

/*
 * The next segment's bytes: size and hash are compared before anything is
 * read; text may be given up afterwards.  WEIR_OK; WEIR_DECLINED with *why
 * and err: truncated (shorter), too-large (longer), bad-signature (another
 * hash), policy-error (no segment); WEIR_NOMEM.
 */
int weir_unpack_segment(weir_unpack_t *u, weir_str_t text,
    weir_refusal_e *why, weir_err_t *err);

/*
 * All files, by name, for weir_policy_compile(); "files" of the head need no
 * segment before.  WEIR_OK; WEIR_DECLINED: truncated (a segment is missing),
 * policy-error (a name twice, or one that is no path below a folder);
 * WEIR_NOMEM.
 */
int weir_unpack_files(weir_unpack_t *u, weir_policy_source_t **files,
    uint32_t *nfiles, weir_refusal_e *why, weir_err_t *err);

/* What the head and its segments share: an object of files, read. */
int weir_pieces_read(weir_pieces_t *pieces, weir_reader_t *r);

/*
 * The files of the pieces, by name.  WEIR_OK; WEIR_DECLINED with *why and
 * err; WEIR_NOMEM.
 */
int weir_pieces_files(const weir_pieces_t *pieces, weir_arena_t *a,
    weir_policy_source_t **files, uint32_t *nfiles, weir_refusal_e *why,
    weir_err_t *err);

/*
 * 1 if a file of a bundle may be called so: "*.policy" below the root, no
 * dot files, no control characters, UTF-8, at most 1024 bytes.  Nothing that
 * passes leaves the folder into which weirctl writes it.
 */
int weir_bundle_file_valid(weir_str_t name);


#endif /* WEIR_SEGMENT_H_INCLUDED */
