
/*
 * Weir: what stands in an envelope: documents, read.
 */

#include <stdlib.h>

#include "weir_document.h"
#include "weir_segment.h"
#include "weir_strict.h"
#include "weir_time.h"


/* Members: those of all kinds, then those of one. */

enum {
    WEIR_MEMBER_NAMESPACE = 0,
    WEIR_MEMBER_KIND,
    WEIR_MEMBER_ID,
    WEIR_MEMBER_VERSION,
    WEIR_MEMBER_PREVIOUS,
    WEIR_MEMBER_ISSUED,
    WEIR_MEMBER_EXPIRES,
    WEIR_MEMBER_EPOCH,
    WEIR_MEMBER_BY,
    WEIR_MEMBER_REASON,
    WEIR_MEMBER_ACTIVATE_AT,
    WEIR_MEMBER_TOOL,
    WEIR_MEMBER_LIVE_MIN,
    WEIR_MEMBER_SEGMENTS,
    WEIR_MEMBER_FILES,
    WEIR_MEMBER_WEIGHTS,
    WEIR_MEMBERS
};

#define weir_member(i)  (1u << WEIR_MEMBER_##i)

#define WEIR_MEMBERS_ALL     (weir_member(ACTIVATE_AT) - 1)
#define WEIR_MEMBERS_BUNDLE  (WEIR_MEMBERS_ALL | weir_member(ACTIVATE_AT)     \
                              | weir_member(TOOL) | weir_member(LIVE_MIN))
#define WEIR_MEMBERS_SPLIT   (WEIR_MEMBERS_ALL | weir_member(WEIGHTS))

/* What is beside the list of members itself when a payload is refused. */

typedef struct {
    weir_document_t  *doc;
    weir_reader_t     r;
    weir_pieces_t     pieces;
    weir_str_t        kind;
    weir_refusal_e    why;
    unsigned          too_many:1;
} weir_parse_t;


static int weir_parse_members(weir_parse_t *p);
static int weir_parse_member(weir_parse_t *p, int member);
static int weir_parse_text(weir_parse_t *p, weir_str_t *s);
static int weir_parse_time(weir_parse_t *p, int64_t *t, unsigned *has);
static int weir_parse_previous(weir_parse_t *p);
static int weir_parse_live_min(weir_parse_t *p);
static int weir_parse_segments(weir_parse_t *p);
static int weir_parse_segment(weir_parse_t *p, weir_segment_t *s);
static int weir_parse_weights(weir_parse_t *p);
static int weir_parse_many(weir_parse_t *p, const char *expected);
static int weir_document_check(weir_parse_t *p, weir_kind_e kind,
    weir_err_t *err);
static int weir_parse_sort(weir_parse_t *p, void *list, uint32_t n,
    size_t size, const char *expected);
static int weir_name_cmp(const void *one, const void *two);


static const weir_str_t  weir_member_names[WEIR_MEMBERS] = {
    { 9, (const uint8_t *) "namespace" },
    { 4, (const uint8_t *) "kind" },
    { 2, (const uint8_t *) "id" },
    { 7, (const uint8_t *) "version" },
    { 8, (const uint8_t *) "previous" },
    { 6, (const uint8_t *) "issued" },
    { 7, (const uint8_t *) "expires" },
    { 5, (const uint8_t *) "epoch" },
    { 2, (const uint8_t *) "by" },
    { 6, (const uint8_t *) "reason" },
    { 11, (const uint8_t *) "activate_at" },
    { 4, (const uint8_t *) "tool" },
    { 8, (const uint8_t *) "live_min" },
    { 8, (const uint8_t *) "segments" },
    { 5, (const uint8_t *) "files" },
    { 7, (const uint8_t *) "weights" }
};


int
weir_document_parse(weir_document_t *doc, weir_arena_t *a, weir_kind_e kind,
    weir_str_t payload, weir_refusal_e *why, weir_err_t *err)
{
    int           rc;
    weir_parse_t  p;

    memset(doc, 0, sizeof(weir_document_t));
    memset(&p, 0, sizeof(weir_parse_t));

    doc->kind = kind;
    p.doc = doc;

    weir_reader_init(&p.r, a, payload);

    rc = weir_parse_members(&p);

    if (rc == WEIR_NOMEM) {
        return WEIR_NOMEM;
    }

    if (rc != WEIR_OK) {
        *why = p.too_many ? WEIR_REFUSAL_TOO_LARGE : WEIR_REFUSAL_POLICY_ERROR;
        (void) weir_read_error(&p.r, "the payload", err);
        return WEIR_DECLINED;
    }

    rc = weir_document_check(&p, kind, err);

    if (rc == WEIR_DECLINED) {
        *why = p.why;
    }

    return rc;
}


static int
weir_parse_members(weir_parse_t *p)
{
    int         rc, member;
    uint32_t    n, seen, want, either;
    weir_str_t  name;

    n = 0;
    seen = 0;
    either = 0;

    if (p->doc->kind == WEIR_KIND_BUNDLE) {
        want = WEIR_MEMBERS_BUNDLE;
        either = weir_member(SEGMENTS) | weir_member(FILES);

    } else {
        want = p->doc->kind == WEIR_KIND_SPLIT ? WEIR_MEMBERS_SPLIT
                                               : WEIR_MEMBERS_ALL;
    }

    if (weir_read_open(&p->r, '{') != WEIR_OK) {
        return p->r.rc;
    }

    for ( ;; ) {
        rc = weir_read_member(&p->r, &n, &name);

        if (rc == WEIR_DECLINED) {
            break;
        }

        if (rc != WEIR_OK) {
            return rc;
        }

        member = weir_read_known(name, weir_member_names, WEIR_MEMBERS, &seen);

        if (member < 0 || ((want | either) & 1u << member) == 0) {
            return weir_read_fault(&p->r, "members of this kind, each once");
        }

        rc = weir_parse_member(p, member);

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    if ((seen & want) != want
        || (either != 0
            && ((seen & either) == 0 || (seen & either) == either)))
    {
        return weir_read_lacks(&p->r, "all members of this kind");
    }

    return weir_read_end(&p->r);
}


static int
weir_parse_member(weir_parse_t *p, int member)
{
    int               rc;
    unsigned          has;
    weir_document_t  *doc;

    doc = p->doc;

    switch (member) {

    case WEIR_MEMBER_NAMESPACE:
        return weir_read_string(&p->r, &doc->ns);

    case WEIR_MEMBER_KIND:
        return weir_read_string(&p->r, &p->kind);

    case WEIR_MEMBER_ID:
        return weir_read_string(&p->r, &doc->id);

    case WEIR_MEMBER_VERSION:
        return weir_read_u64(&p->r, &doc->version);

    case WEIR_MEMBER_PREVIOUS:
        return weir_parse_previous(p);

    case WEIR_MEMBER_ISSUED:
        return weir_parse_time(p, &doc->issued, NULL);

    case WEIR_MEMBER_EXPIRES:
        rc = weir_parse_time(p, &doc->expires, &has);
        doc->has_expires = has & 1;
        return rc;

    case WEIR_MEMBER_EPOCH:
        return weir_read_u64(&p->r, &doc->epoch);

    case WEIR_MEMBER_BY:
        return weir_parse_text(p, &doc->by);

    case WEIR_MEMBER_REASON:
        return weir_parse_text(p, &doc->reason);

    case WEIR_MEMBER_ACTIVATE_AT:
        rc = weir_parse_time(p, &doc->activate_at, &has);
        doc->has_activate_at = has & 1;
        return rc;

    case WEIR_MEMBER_TOOL:
        return weir_parse_text(p, &doc->tool);

    case WEIR_MEMBER_LIVE_MIN:
        return weir_parse_live_min(p);

    case WEIR_MEMBER_SEGMENTS:
        return weir_parse_segments(p);

    case WEIR_MEMBER_FILES:
        doc->has_files = 1;
        return weir_pieces_read(&p->pieces, &p->r);

    default:
        return weir_parse_weights(p);
    }
}


/* For people; it goes into logs and reports. */

static int
weir_parse_text(weir_parse_t *p, weir_str_t *s)
{
    if (weir_read_string(&p->r, s) != WEIR_OK) {
        return p->r.rc;
    }

    if (s->len > WEIR_DOCUMENT_TEXT_MAX) {
        return weir_read_fault(&p->r, "a text of at most 1024 bytes");
    }

    return WEIR_OK;
}


/* has: null is allowed. */

static int
weir_parse_time(weir_parse_t *p, int64_t *t, unsigned *has)
{
    int         rc;
    weir_str_t  s;

    if (has != NULL) {
        *has = 0;

        rc = weir_read_null(&p->r);

        if (rc != WEIR_DECLINED) {
            return rc;
        }

        *has = 1;
    }

    if (weir_read_string(&p->r, &s) != WEIR_OK) {
        return p->r.rc;
    }

    if (weir_time_parse(s, t) != WEIR_OK) {
        return weir_read_fault(&p->r, "a time as 2026-01-05T10:00:00Z");
    }

    return WEIR_OK;
}


static int
weir_parse_previous(weir_parse_t *p)
{
    int         rc;
    weir_str_t  s;

    rc = weir_read_null(&p->r);

    if (rc != WEIR_DECLINED) {
        return rc;
    }

    if (weir_read_string(&p->r, &s) != WEIR_OK) {
        return p->r.rc;
    }

    if (weir_hash_parse(s, p->doc->previous) != WEIR_OK) {
        return weir_read_fault(&p->r, "sha256: and 64 lower-case hex digits");
    }

    p->doc->has_previous = 1;

    return WEIR_OK;
}


static int
weir_parse_many(weir_parse_t *p, const char *expected)
{
    p->too_many = 1;

    return weir_read_fault(&p->r, expected);
}


static int
weir_parse_live_min(weir_parse_t *p)
{
    int               rc;
    uint32_t          n;
    weir_live_min_t  *list;

    n = 0;

    list = weir_arena_calloc(p->r.arena, WEIR_DOCUMENT_LIVE_MIN + 1,
                             sizeof(weir_live_min_t));
    if (list == NULL) {
        return WEIR_NOMEM;
    }

    if (weir_read_open(&p->r, '{') != WEIR_OK) {
        return p->r.rc;
    }

    for ( ;; ) {
        rc = weir_read_member(&p->r, &n, &list[n].name);

        if (rc == WEIR_DECLINED) {
            break;
        }

        if (rc != WEIR_OK) {
            return rc;
        }

        if (n > WEIR_DOCUMENT_LIVE_MIN) {
            return weir_parse_many(p, "at most 256 live documents");
        }

        if (!weir_document_id_valid(WEIR_KIND_TOMBSTONE, list[n - 1].name)) {
            return weir_read_fault(&p->r, "the name of a live document");
        }

        if (weir_read_u64(&p->r, &list[n - 1].version) != WEIR_OK) {
            return p->r.rc;
        }
    }

    p->doc->live_min = list;
    p->doc->nlive_min = n;

    return weir_parse_sort(p, list, n, sizeof(weir_live_min_t),
                           "each live document once");
}


static int
weir_parse_segments(weir_parse_t *p)
{
    int              rc;
    uint32_t         n;
    weir_segment_t  *list;

    n = 0;

    list = weir_arena_calloc(p->r.arena, WEIR_BUNDLE_SEGMENTS,
                             sizeof(weir_segment_t));
    if (list == NULL) {
        return WEIR_NOMEM;
    }

    if (weir_read_open(&p->r, '[') != WEIR_OK) {
        return p->r.rc;
    }

    for ( ;; ) {
        rc = weir_read_item(&p->r, &n);

        if (rc == WEIR_DECLINED) {
            break;
        }

        if (rc != WEIR_OK) {
            return rc;
        }

        if (n > WEIR_BUNDLE_SEGMENTS) {
            return weir_parse_many(p, "at most 300 segments");
        }

        rc = weir_parse_segment(p, &list[n - 1]);

        if (rc != WEIR_OK) {
            return rc;
        }

        p->doc->size += list[n - 1].size;

        if (p->doc->size > WEIR_BUNDLE_MAX) {
            return weir_parse_many(p, "at most 160 MiB of segments");
        }
    }

    if (n == 0) {
        return weir_read_lacks(&p->r, "a segment");
    }

    p->doc->segments = list;
    p->doc->nsegments = n;

    return WEIR_OK;
}


static int
weir_parse_segment(weir_parse_t *p, weir_segment_t *s)
{
    int         rc;
    uint32_t    n, seen;
    weir_str_t  name, hash;

    static const weir_str_t  names[] = {
        { 4, (const uint8_t *) "hash" },
        { 4, (const uint8_t *) "size" }
    };

    n = 0;
    seen = 0;

    if (weir_read_open(&p->r, '{') != WEIR_OK) {
        return p->r.rc;
    }

    for ( ;; ) {
        rc = weir_read_member(&p->r, &n, &name);

        if (rc == WEIR_DECLINED) {
            break;
        }

        if (rc != WEIR_OK) {
            return rc;
        }

        switch (weir_read_known(name, names, 2, &seen)) {

        case 0:
            if (weir_read_string(&p->r, &hash) != WEIR_OK) {
                return p->r.rc;
            }

            if (weir_hash_parse(hash, s->hash) != WEIR_OK) {
                return weir_read_fault(&p->r, "sha256: and 64 lower-case hex "
                                       "digits");
            }
            break;

        case 1:
            if (weir_read_u64(&p->r, &s->size) != WEIR_OK) {
                return p->r.rc;
            }

            if (s->size > WEIR_SEGMENT_MAX) {
                return weir_parse_many(p, "at most 1 MiB in a segment");
            }
            break;

        default:
            return weir_read_fault(&p->r, "hash and size, each once");
        }
    }

    if (seen != 0x03) {
        return weir_read_lacks(&p->r, "hash and size");
    }

    return WEIR_OK;
}


static int
weir_parse_weights(weir_parse_t *p)
{
    int             rc;
    uint32_t        n, sum;
    uint64_t        weight;
    weir_weight_t  *list;

    n = 0;
    sum = 0;

    list = weir_arena_calloc(p->r.arena, WEIR_DOCUMENT_WEIGHTS + 1,
                             sizeof(weir_weight_t));
    if (list == NULL) {
        return WEIR_NOMEM;
    }

    if (weir_read_open(&p->r, '{') != WEIR_OK) {
        return p->r.rc;
    }

    for ( ;; ) {
        rc = weir_read_member(&p->r, &n, &list[n].colour);

        if (rc == WEIR_DECLINED) {
            break;
        }

        if (rc != WEIR_OK) {
            return rc;
        }

        if (n > WEIR_DOCUMENT_WEIGHTS) {
            return weir_parse_many(p, "at most 32 colours");
        }

        if (!weir_namespace_valid(list[n - 1].colour)) {
            return weir_read_fault(&p->r, "the name of a colour");
        }

        if (weir_read_u64(&p->r, &weight) != WEIR_OK) {
            return p->r.rc;
        }

        if (weight > WEIR_WEIGHTS_WHOLE - sum) {
            return weir_read_fault(&p->r, "weights of 10000 together at "
                                   "most");
        }

        list[n - 1].weight = (uint32_t) weight;
        sum += list[n - 1].weight;
    }

    p->doc->weights = list;
    p->doc->nweights = n;

    return weir_parse_sort(p, list, n, sizeof(weir_weight_t),
                           "each colour once");
}


/* By the name that each item begins with, which only one of them may have. */

static int
weir_parse_sort(weir_parse_t *p, void *list, uint32_t n, size_t size,
    const char *expected)
{
    char      *item;
    uint32_t   i;

    if (n > 1) {
        qsort(list, n, size, weir_name_cmp);
    }

    item = list;

    for (i = 1; i < n; i++, item += size) {
        if (weir_name_cmp(item, item + size) == 0) {
            return weir_read_lacks(&p->r, expected);
        }
    }

    return WEIR_OK;
}


static int
weir_name_cmp(const void *one, const void *two)
{
    const weir_str_t *a = one;
    const weir_str_t *b = two;

    return weir_str_cmp(*a, *b);
}


/* What the members say, now that they are all there. */

static int
weir_document_check(weir_parse_t *p, weir_kind_e kind, weir_err_t *err)
{
    weir_document_t  *doc;

    doc = p->doc;

    p->why = WEIR_REFUSAL_POLICY_ERROR;

    if (!weir_str_eq(p->kind, weir_kind_word(kind))) {
        p->why = WEIR_REFUSAL_NAMESPACE;
        (void) weir_err(err, "the payload is no \"%.*s\" as its envelope says",
                        (int) weir_kind_word(kind).len,
                        weir_kind_word(kind).data);
        return WEIR_DECLINED;
    }

    if (!weir_namespace_valid(doc->ns)) {
        (void) weir_err(err, "the payload's namespace is no name");
        return WEIR_DECLINED;
    }

    if (!weir_document_id_valid(kind, doc->id)) {
        (void) weir_err(err, "the payload's id is none of its kind");
        return WEIR_DECLINED;
    }

    if (doc->version == 0) {
        (void) weir_err(err, "versions begin with 1");
        return WEIR_DECLINED;
    }

    if (!doc->has_files) {
        return WEIR_OK;
    }

    return weir_pieces_files(&p->pieces, p->r.arena, &doc->files, &doc->nfiles,
                             &p->why, err);
}
