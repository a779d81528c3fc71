
/*
 * Weir: a bundle's files: packed into a head or segments, and unpacked.
 */

#include <stdlib.h>

#include "weir_segment.h"


#define WEIR_FILE_NAME_MAX  1024

/* Of a file in a segment: quotes, colon, comma. */
#define WEIR_FILE_AROUND    6


/* The segment that is being filled. */

typedef struct {
    weir_arena_t   *arena;
    weir_str_t     *names;             /* its pieces */
    weir_str_t     *texts;
    uint32_t        n;
    uint32_t        nsegments;
    size_t          used;
    weir_segment_t  segments[WEIR_BUNDLE_SEGMENTS];
} weir_pack_t;


static int weir_pack_check(const weir_policy_source_t *files,
    uint32_t nfiles, weir_err_t *err);
static int weir_pack_file(weir_pack_t *p, const weir_policy_source_t *file);
static void weir_pack_add(weir_pack_t *p, weir_str_t name, weir_str_t text,
    size_t len);
static int weir_pack_close(weir_pack_t *p);
static size_t weir_pack_fit(weir_str_t text, size_t room, size_t *len);
static int weir_unpack_keep(weir_unpack_t *u, weir_piece_t *piece,
    weir_str_t text);
static int weir_slice_of(weir_str_t s, weir_str_t text);
static int weir_file_cmp(const void *one, const void *two);


int
weir_bundle_pack(weir_document_t *doc, weir_arena_t *a,
    const weir_policy_source_t *files, uint32_t nfiles, weir_err_t *err)
{
    int           rc;
    uint32_t      i;
    weir_pack_t  *p;

    rc = weir_pack_check(files, nfiles, err);

    if (rc != WEIR_OK) {
        return rc;
    }

    doc->segments = NULL;
    doc->nsegments = 0;
    doc->size = 0;

    doc->files = (weir_policy_source_t *) files;
    doc->nfiles = nfiles;
    doc->has_files = 1;

    if (weir_document_size(doc) <= WEIR_PAYLOAD_MAX) {
        return WEIR_OK;
    }

    doc->files = NULL;
    doc->nfiles = 0;
    doc->has_files = 0;

    p = weir_arena_calloc(a, 1, sizeof(weir_pack_t));

    if (p == NULL) {
        return WEIR_NOMEM;
    }

    p->arena = a;
    p->used = 2;
    p->names = weir_arena_calloc(a, nfiles, sizeof(weir_str_t));
    p->texts = weir_arena_calloc(a, nfiles, sizeof(weir_str_t));

    if (p->names == NULL || p->texts == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < nfiles && rc == WEIR_OK; i++) {
        rc = weir_pack_file(p, &files[i]);
    }

    if (rc == WEIR_OK) {
        rc = weir_pack_close(p);
    }

    if (rc == WEIR_DECLINED) {
        (void) weir_err(err, "the bundle needs more than %d segments of 1 MiB",
                        WEIR_BUNDLE_SEGMENTS);
    }

    if (rc != WEIR_OK) {
        return rc;
    }

    doc->segments = p->segments;
    doc->nsegments = p->nsegments;

    for (i = 0; i < p->nsegments; i++) {
        doc->size += p->segments[i].size;
    }

    if (doc->size > WEIR_BUNDLE_MAX) {
        (void) weir_err(err, "the bundle's segments have more than %d MiB",
                        WEIR_BUNDLE_MAX / (1024 * 1024));
        return WEIR_DECLINED;
    }

    return WEIR_OK;
}


static int
weir_pack_check(const weir_policy_source_t *files, uint32_t nfiles,
    weir_err_t *err)
{
    size_t    left;
    uint32_t  i;

    if (nfiles == 0 || nfiles > WEIR_BUNDLE_FILES) {
        (void) weir_err(err, "a bundle has 1 to %d files, not %u",
                        WEIR_BUNDLE_FILES, nfiles);
        return WEIR_DECLINED;
    }

    left = WEIR_POLICY_MAX_SOURCE;

    for (i = 0; i < nfiles; i++) {

        if (!weir_bundle_file_valid(files[i].name)
            || (i != 0 && weir_str_cmp(files[i - 1].name, files[i].name) >= 0))
        {
            (void) weir_err(err, "no bundle holds a file \"%.*s\" there",
                            (int) files[i].name.len, files[i].name.data);
            return WEIR_DECLINED;
        }

        if (files[i].text.len > left) {
            (void) weir_err(err, "a bundle has at most %d MiB",
                            WEIR_POLICY_MAX_SOURCE / (1024 * 1024));
            return WEIR_DECLINED;
        }

        left -= files[i].text.len;

        if (!weir_utf8_valid(files[i].text)
            || (files[i].text.len != 0
                && memchr(files[i].text.data, 0, files[i].text.len) != NULL))
        {
            (void) weir_err(err, "\"%.*s\" is not UTF-8",
                            (int) files[i].name.len, files[i].name.data);
            return WEIR_DECLINED;
        }
    }

    return WEIR_OK;
}


/* WEIR_DECLINED: there are no more segments. */

static int
weir_pack_file(weir_pack_t *p, const weir_policy_source_t *file)
{
    int         rc;
    size_t      around, len, n;
    weir_str_t  text;

    text = file->text;
    around = weir_write_string_len(file->name) + WEIR_FILE_AROUND;
    len = weir_write_string_len(text);

    if (p->used + around + len <= WEIR_SEGMENT_MAX) {
        weir_pack_add(p, file->name, text, around + len);
        return WEIR_OK;
    }

    if (p->n != 0) {
        rc = weir_pack_close(p);

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    for ( ;; ) {
        n = weir_pack_fit(text, WEIR_SEGMENT_MAX - p->used - around, &len);

        weir_pack_add(p, file->name, (weir_str_t) { n, text.data },
                      around + len);

        text.data += n;
        text.len -= n;

        if (text.len == 0) {
            return WEIR_OK;
        }

        rc = weir_pack_close(p);

        if (rc != WEIR_OK) {
            return rc;
        }
    }
}


/* How much of the text fits, in whole characters; *len: when written. */

static size_t
weir_pack_fit(weir_str_t text, size_t room, size_t *len)
{
    size_t  i, n, used, one;

    used = 0;

    for (i = 0; i < text.len; i += n) {
        n = 1;

        while (i + n < text.len && (text.data[i + n] & 0xc0) == 0x80) {
            n++;
        }

        one = weir_write_string_len((weir_str_t) { n, text.data + i });

        if (used + one > room) {
            break;
        }

        used += one;
    }

    *len = used;

    return i;
}


static void
weir_pack_add(weir_pack_t *p, weir_str_t name, weir_str_t text, size_t len)
{
    p->names[p->n] = name;
    p->texts[p->n] = text;
    p->n++;
    p->used += len;
}


static int
weir_pack_close(weir_pack_t *p)
{
    int              rc;
    uint32_t         i;
    weir_writer_t    w;
    weir_segment_t  *s;

    if (p->nsegments == WEIR_BUNDLE_SEGMENTS) {
        return WEIR_DECLINED;
    }

    w.len = 0;
    w.data = weir_arena_alloc(p->arena, p->used);

    if (w.data == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < p->n; i++) {
        weir_write(&w, i != 0 ? weir_str(",") : weir_str("{"));
        weir_write_string(&w, p->names[i]);
        weir_write_literal(&w, ":");
        weir_write_string(&w, p->texts[i]);
    }

    weir_write_literal(&w, "}");

    s = &p->segments[p->nsegments];

    s->text.data = w.data;
    s->text.len = w.len;
    s->size = w.len;

    rc = weir_sha256(s->text, s->hash);

    p->nsegments++;
    p->n = 0;
    p->used = 2;

    return rc;
}


int
weir_pieces_read(weir_pieces_t *pieces, weir_reader_t *r)
{
    int            rc;
    uint32_t       n;
    weir_str_t     name;
    weir_piece_t  *piece;

    n = 0;

    if (weir_read_open(r, '{') != WEIR_OK) {
        return r->rc;
    }

    for ( ;; ) {
        rc = weir_read_member(r, &n, &name);

        if (rc == WEIR_DECLINED) {
            return WEIR_OK;
        }

        if (rc != WEIR_OK) {
            return rc;
        }

        if (!weir_bundle_file_valid(name)) {
            return weir_read_fault(r, "a path that ends in .policy");
        }

        if (pieces->n == WEIR_BUNDLE_FILES + WEIR_BUNDLE_SEGMENTS) {
            return weir_read_fault(r, "no further file");
        }

        piece = weir_arena_calloc(r->arena, 1, sizeof(weir_piece_t));

        if (piece == NULL) {
            return WEIR_NOMEM;
        }

        piece->file.name = name;

        if (weir_read_string(r, &piece->file.text) != WEIR_OK) {
            return r->rc;
        }

        pieces->bytes += piece->file.text.len;

        if (pieces->bytes > WEIR_POLICY_MAX_SOURCE) {
            return weir_read_fault(r, "at most 64 MiB of policies");
        }

        if (n == 1 && pieces->tail != NULL
            && weir_str_eq(pieces->tail->file.name, name))
        {
            piece->goes_on = 1;
        }

        if (pieces->tail == NULL) {
            pieces->first = piece;

        } else {
            pieces->tail->next = piece;
        }

        pieces->tail = piece;
        pieces->n++;
    }
}


void
weir_unpack_init(weir_unpack_t *u, weir_arena_t *a,
    const weir_document_t *doc)
{
    memset(u, 0, sizeof(weir_unpack_t));

    u->arena = a;
    u->doc = doc;
}


int
weir_unpack_segment(weir_unpack_t *u, weir_str_t text, weir_refusal_e *why,
    weir_err_t *err)
{
    int                    rc;
    uint8_t                hash[WEIR_SHA256_LEN];
    weir_piece_t          *piece;
    weir_reader_t          r;
    const weir_segment_t  *s;

    if (u->next == u->doc->nsegments) {
        *why = WEIR_REFUSAL_TOO_LARGE;
        (void) weir_err(err, "the bundle has %u segments", u->next);
        return WEIR_DECLINED;
    }

    s = &u->doc->segments[u->next];

    if (text.len != s->size) {
        *why = text.len < s->size ? WEIR_REFUSAL_TRUNCATED
                                  : WEIR_REFUSAL_TOO_LARGE;
        (void) weir_err(err, "segment %u has %zu bytes, signed are %llu",
                        u->next, text.len, (unsigned long long) s->size);
        return WEIR_DECLINED;
    }

    if (weir_sha256(text, hash) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    if (memcmp(hash, s->hash, WEIR_SHA256_LEN) != 0) {
        *why = WEIR_REFUSAL_BAD_SIGNATURE;
        (void) weir_err(err, "segment %u is not the one that was signed",
                        u->next);
        return WEIR_DECLINED;
    }

    piece = u->pieces.tail;

    weir_reader_init(&r, u->arena, text);

    rc = weir_pieces_read(&u->pieces, &r);

    if (rc == WEIR_OK) {
        rc = weir_read_end(&r);
    }

    if (rc == WEIR_NOMEM) {
        return WEIR_NOMEM;
    }

    if (rc != WEIR_OK) {
        *why = WEIR_REFUSAL_POLICY_ERROR;
        (void) weir_read_error(&r, "a segment", err);
        return WEIR_DECLINED;
    }

    for (piece = piece == NULL ? u->pieces.first : piece->next;
         piece != NULL;
         piece = piece->next)
    {
        if (weir_unpack_keep(u, piece, text) != WEIR_OK) {
            return WEIR_NOMEM;
        }
    }

    u->next++;

    return WEIR_OK;
}


/* What lies in the segment itself goes with it. */

static int
weir_unpack_keep(weir_unpack_t *u, weir_piece_t *piece, weir_str_t text)
{
    weir_str_t  *s;

    for (s = &piece->file.name; ; s = &piece->file.text) {

        if (weir_slice_of(*s, text)) {
            *s = weir_arena_copy(u->arena, *s);

            if (s->data == NULL) {
                return WEIR_NOMEM;
            }
        }

        if (s == &piece->file.text) {
            return WEIR_OK;
        }
    }
}


static int
weir_slice_of(weir_str_t s, weir_str_t text)
{
    return (uintptr_t) s.data >= (uintptr_t) text.data
           && (uintptr_t) s.data <= (uintptr_t) (text.data + text.len);
}


int
weir_unpack_files(weir_unpack_t *u, weir_policy_source_t **files,
    uint32_t *nfiles, weir_refusal_e *why, weir_err_t *err)
{
    if (u->doc->has_files) {
        *files = u->doc->files;
        *nfiles = u->doc->nfiles;

        return WEIR_OK;
    }

    if (u->next != u->doc->nsegments) {
        *why = WEIR_REFUSAL_TRUNCATED;
        (void) weir_err(err, "segment %u of %u is missing", u->next,
                        u->doc->nsegments);
        return WEIR_DECLINED;
    }

    return weir_pieces_files(&u->pieces, u->arena, files, nfiles, why, err);
}


int
weir_pieces_files(const weir_pieces_t *pieces, weir_arena_t *a,
    weir_policy_source_t **files, uint32_t *nfiles, weir_refusal_e *why,
    weir_err_t *err)
{
    size_t                 len;
    uint8_t               *dst;
    uint32_t               i, n;
    weir_piece_t          *piece, *next;
    weir_policy_source_t  *list;

    *why = WEIR_REFUSAL_POLICY_ERROR;

    if (pieces->n == 0) {
        (void) weir_err(err, "the bundle has no file");
        return WEIR_DECLINED;
    }

    list = weir_arena_calloc(a, pieces->n, sizeof(weir_policy_source_t));

    if (list == NULL) {
        return WEIR_NOMEM;
    }

    n = 0;

    for (piece = pieces->first; piece != NULL; piece = next) {
        len = piece->file.text.len;

        for (next = piece->next;
             next != NULL && next->goes_on;
             next = next->next)
        {
            len += next->file.text.len;
        }

        list[n] = piece->file;

        if (next != piece->next) {
            dst = weir_arena_alloc(a, len);

            if (dst == NULL) {
                return WEIR_NOMEM;
            }

            list[n].text.data = dst;
            list[n].text.len = len;

            for ( /* void */ ; piece != next; piece = piece->next) {
                memcpy(dst, piece->file.text.data, piece->file.text.len);
                dst += piece->file.text.len;
            }
        }

        n++;
    }

    if (n > 1) {
        qsort(list, n, sizeof(weir_policy_source_t), weir_file_cmp);
    }

    for (i = 1; i < n; i++) {
        if (weir_str_eq(list[i - 1].name, list[i].name)) {
            (void) weir_err(err, "the bundle has a file \"%.*s\" twice",
                            (int) list[i].name.len, list[i].name.data);
            return WEIR_DECLINED;
        }
    }

    *files = list;
    *nfiles = n;

    return WEIR_OK;
}


static int
weir_file_cmp(const void *one, const void *two)
{
    return weir_str_cmp(((const weir_policy_source_t *) one)->name,
                        ((const weir_policy_source_t *) two)->name);
}


int
weir_bundle_file_valid(weir_str_t name)
{
    size_t      i;
    weir_str_t  tail;

    if (name.len <= 7 || name.len > WEIR_FILE_NAME_MAX
        || !weir_utf8_valid(name))
    {
        return 0;
    }

    tail.data = name.data + name.len - 7;
    tail.len = 7;

    if (!weir_str_eq(tail, weir_str(".policy"))) {
        return 0;
    }

    for (i = 0; i < name.len; i++) {

        if (name.data[i] < 0x20 || name.data[i] == 0x7f) {
            return 0;
        }

        /* a part that is empty or begins with a dot */

        if ((i == 0 || name.data[i - 1] == '/')
            && (name.data[i] == '/' || name.data[i] == '.'))
        {
            return 0;
        }
    }

    return 1;
}
