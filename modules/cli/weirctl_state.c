
/*
 * weirctl: all that a store holds: taken in one by one, verified, compared with
 * one another, found again.
 */

#include <stdlib.h>

#include "weirctl_state.h"


static int weirctl_state_grow(void **list, uint32_t n, uint32_t *size,
    size_t item);
static int weirctl_state_stranger(weir_refusal_e why);
static int weirctl_state_check_place(weirctl_state_t *s,
    weirctl_place_t *p, const weir_fences_t *trail);
static int weirctl_state_check_bundle(weirctl_state_t *s,
    weirctl_place_t *p);
static int weirctl_state_cmp(const void *one, const void *two);


void
weirctl_state_init(weirctl_state_t *s, weirctl_fleet_t *f, const char *from,
    json_t *problems)
{
    memset(s, 0, sizeof(weirctl_state_t));

    s->fleet = f;
    s->from = from;
    s->problems = problems;
}


void
weirctl_state_done(weirctl_state_t *s)
{
    free(s->places);
    free(s->entries);
    free(s->segments);
}


static int
weirctl_state_grow(void **list, uint32_t n, uint32_t *size, size_t item)
{
    void      *p;
    uint32_t   want;

    if (n < *size) {
        return WEIRCTL_GO_ON;
    }

    want = *size == 0 ? 64 : *size * 2;
    p = realloc(*list, want * item);

    if (p == NULL) {
        return weirctl_nomem();
    }

    *list = p;
    *size = want;

    return WEIRCTL_GO_ON;
}


int
weirctl_state_bad(weirctl_state_t *s, const char *where, uint64_t line,
    weir_refusal_e why, const char *text)
{
    int   rc;
    char  place[256];

    s->bad++;

    snprintf(place, sizeof(place), "%.100s%s%.140s", s->from,
             where[0] != '\0' ? ": " : "", where);

    rc = weirctl_problem(s->problems, place, line, why, text);

    if (rc == WEIRCTL_GO_ON) {
        weirctl_problem_print(json_array_get(s->problems,
                                             json_array_size(s->problems)
                                             - 1));
    }

    return rc;
}


int
weirctl_state_place(weirctl_state_t *s, weir_str_t kind, weir_str_t id,
    weir_str_t text)
{
    int               rc;
    char              name[WEIR_DOCUMENT_NAME_MAX + 1];
    weir_err_t        err;
    weir_str_t        is;
    weirctl_place_t  *p;

    rc = weirctl_state_grow((void **) &s->places, s->nplaces,
                            &s->places_size, sizeof(weirctl_place_t));

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    p = &s->places[s->nplaces];

    memset(p, 0, sizeof(weirctl_place_t));

    p->kind = kind;
    p->id = id;

    if (kind.len == 0) {
        p->name = weir_str("bundle/" WEIR_BUNDLE_ID);

    } else {
        snprintf(name, sizeof(name), "%.*s/%.*s", (int) kind.len, kind.data,
                 (int) id.len, id.data);

        p->name = weir_arena_copy(&s->fleet->arena, weir_cstr(name));

        if (p->name.data == NULL) {
            return weirctl_nomem();
        }
    }

    rc = weirctl_doc_read(s->fleet, &s->fleet->arena, &p->doc, text);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    s->nplaces++;

    snprintf(name, sizeof(name), "%.*s", (int) p->name.len, p->name.data);

    if (!p->doc.readable || p->doc.why != WEIR_REFUSAL_NONE) {
        p->bad = 1;
        return weirctl_state_bad(s, name, 0, p->doc.why, p->doc.err.text);
    }

    is.data = (const uint8_t *) name;
    is.len = weir_document_name((uint8_t *) name, p->doc.doc.kind,
                                p->doc.doc.id);

    if (!weir_str_eq(is, p->name)) {
        p->bad = 1;
        (void) weir_err(&err, "it is \"%.*s\", which belongs elsewhere",
                        (int) is.len, is.data);

        snprintf(name, sizeof(name), "%.*s", (int) p->name.len,
                 p->name.data);

        return weirctl_state_bad(s, name, 0, WEIR_REFUSAL_NAMESPACE,
                                 err.text);
    }

    return WEIRCTL_GO_ON;
}


/* Keys come and go: what strangers have signed is history all the same. */

static int
weirctl_state_stranger(weir_refusal_e why)
{
    return why == WEIR_REFUSAL_UNTRUSTED || why == WEIR_REFUSAL_UNSIGNED
           || why == WEIR_REFUSAL_ROLE || why == WEIR_REFUSAL_THRESHOLD;
}


int
weirctl_state_entry(weirctl_state_t *s, int64_t when, weir_str_t text)
{
    int               rc;
    uint8_t           name[WEIR_DOCUMENT_NAME_MAX];
    weir_str_t        is;
    weir_arena_t      arena;
    weirctl_doc_t     d;
    weirctl_entry_t  *e;

    rc = weirctl_state_grow((void **) &s->entries, s->nentries,
                            &s->entries_size, sizeof(weirctl_entry_t));

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    rc = weirctl_doc_read(s->fleet, &arena, &d, text);

    if (rc == WEIRCTL_GO_ON) {
        e = &s->entries[s->nentries++];

        memset(e, 0, sizeof(weirctl_entry_t));

        e->when = when;
        e->text = text;
        e->verified = d.readable && d.why == WEIR_REFUSAL_NONE;

        if (d.readable) {
            is.data = name;
            is.len = weir_document_name(name, d.doc.kind, d.doc.id);

            e->fence.name = weir_arena_copy(&s->fleet->arena, is);
            e->fence.epoch = d.doc.epoch;
            e->fence.version = d.doc.version;
            memcpy(e->fence.hash, d.envelope.hash, WEIR_SHA256_LEN);

            if (e->fence.name.data == NULL) {
                rc = weirctl_nomem();
            }
        }

        if (rc == WEIRCTL_GO_ON && !e->verified) {

            if (d.readable && weirctl_state_stranger(d.why)) {
                s->strangers++;

            } else {
                e->bad = 1;
                rc = weirctl_state_bad(s, "trail", s->nentries, d.why,
                                       d.err.text);
            }
        }
    }

    weir_arena_done(&arena);

    return rc;
}


int
weirctl_state_segment(weirctl_state_t *s, const uint8_t *hash,
    weir_str_t bytes)
{
    int                    rc;
    uint32_t               i;
    weir_store_segment_t  *segment;

    rc = weirctl_state_grow((void **) &s->segments, s->nsegments,
                            &s->segments_size, sizeof(weir_store_segment_t));

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    for (i = s->nsegments; i > 0; i--) {
        if (memcmp(s->segments[i - 1].hash, hash, WEIR_STORE_HASH) <= 0) {
            break;
        }
    }

    memmove(&s->segments[i + 1], &s->segments[i],
            (s->nsegments - i) * sizeof(weir_store_segment_t));

    segment = &s->segments[i];
    s->nsegments++;

    memcpy(segment->hash, hash, WEIR_STORE_HASH);
    segment->bytes = bytes;

    return WEIRCTL_GO_ON;
}


int
weirctl_state_check(weirctl_state_t *s)
{
    int               rc;
    char              where[WEIR_DOCUMENT_NAME_MAX + 1];
    uint32_t          i;
    weir_fences_t     trail;
    weirctl_place_t  *p;

    weir_fences_init(&trail, &s->fleet->arena, s->fleet->ns);

    for (i = 0; i < s->nentries; i++) {
        if (s->entries[i].verified
            && weir_fences_raise(&trail, &s->entries[i].fence) == WEIR_NOMEM)
        {
            return weirctl_nomem();
        }
    }

    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON && i < s->nplaces; i++) {
        if (!s->places[i].bad) {
            rc = weirctl_state_check_place(s, &s->places[i], &trail);
        }
    }

    /* the other way round */

    for (i = 0; rc == WEIRCTL_GO_ON && i < trail.n; i++) {

        if (weirctl_state_find(s, trail.fences[i].name) == NULL) {
            snprintf(where, sizeof(where), "%.*s",
                     (int) trail.fences[i].name.len,
                     trail.fences[i].name.data);

            rc = weirctl_state_bad(s, where, 0, WEIR_REFUSAL_OLDER,
                                   "it is in the trail, and nowhere else");
        }
    }

    p = weirctl_state_find(s, weir_str("bundle/" WEIR_BUNDLE_ID));

    if (rc == WEIRCTL_GO_ON && p != NULL && !p->bad) {
        rc = weirctl_state_check_bundle(s, p);
    }

    if (rc == WEIRCTL_GO_ON && s->strangers != 0) {
        weirctl_note(s->fleet->ctl, "%s: %u %s of the trail not by keys "
                     "given here: history, which counts for nothing",
                     s->from, s->strangers,
                     s->strangers == 1 ? "entry is" : "entries are");
    }

    return rc;
}


static int
weirctl_state_check_place(weirctl_state_t *s, weirctl_place_t *p,
    const weir_fences_t *trail)
{
    int                  cmp;
    char                 where[WEIR_DOCUMENT_NAME_MAX + 1];
    weir_fence_t         here;
    const weir_fence_t  *last;

    last = weir_fences_find(trail, p->name);

    if (last == NULL) {
        return WEIRCTL_GO_ON;
    }

    here.epoch = p->doc.doc.epoch;
    here.version = p->doc.doc.version;
    cmp = weir_fence_cmp(&here, last);

    snprintf(where, sizeof(where), "%.*s", (int) p->name.len, p->name.data);

    if (cmp < 0) {
        p->bad = 1;
        return weirctl_state_bad(s, where, 0, WEIR_REFUSAL_OLDER,
                                 "it is older than the trail's last");
    }

    if (cmp == 0
        && memcmp(p->doc.envelope.hash, last->hash, WEIR_SHA256_LEN) != 0)
    {
        p->bad = 1;
        return weirctl_state_bad(s, where, 0, WEIR_REFUSAL_SAME_VERSION,
                                 "the trail has another content of this "
                                 "version");
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_state_check_bundle(weirctl_state_t *s, weirctl_place_t *p)
{
    int                          rc;
    uint32_t                     i, nfiles;
    weir_err_t                   err;
    weir_unpack_t                u;
    weir_refusal_e               why;
    weir_policy_source_t        *files;
    const weir_store_segment_t  *segment;

    weir_unpack_init(&u, &s->fleet->arena, &p->doc.doc);

    rc = WEIR_OK;

    for (i = 0; rc == WEIR_OK && i < p->doc.doc.nsegments; i++) {
        segment = weirctl_state_find_segment(s,
                                             p->doc.doc.segments[i].hash);

        /* what is not there was said when it was looked for */

        if (segment == NULL) {
            p->bad = 1;

            return s->bad != 0 ? WEIRCTL_GO_ON
                   : weirctl_state_bad(s, "bundle/" WEIR_BUNDLE_ID, 0,
                                       WEIR_REFUSAL_TRUNCATED,
                                       "a segment is missing");
        }

        rc = weir_unpack_segment(&u, segment->bytes, &why, &err);
    }

    if (rc == WEIR_OK) {
        rc = weir_unpack_files(&u, &files, &nfiles, &why, &err);
    }

    if (rc == WEIR_NOMEM) {
        return weirctl_nomem();
    }

    if (rc != WEIR_OK) {
        p->bad = 1;
        return weirctl_state_bad(s, "bundle/" WEIR_BUNDLE_ID, 0, why,
                                 err.text);
    }

    return WEIRCTL_GO_ON;
}


void
weirctl_state_whole(weirctl_state_t *s)
{
    uint32_t  i, n;

    n = 0;

    for (i = 0; i < s->nplaces; i++) {
        if (!s->places[i].bad) {
            s->places[n++] = s->places[i];
        }
    }

    s->nplaces = n;
}


weirctl_place_t *
weirctl_state_find(const weirctl_state_t *s, weir_str_t name)
{
    uint32_t  i;

    for (i = 0; i < s->nplaces; i++) {
        if (weir_str_eq(s->places[i].name, name)) {
            return &s->places[i];
        }
    }

    return NULL;
}


static int
weirctl_state_cmp(const void *one, const void *two)
{
    return memcmp(((const weir_store_segment_t *) one)->hash,
                  ((const weir_store_segment_t *) two)->hash,
                  WEIR_STORE_HASH);
}


const weir_store_segment_t *
weirctl_state_find_segment(const weirctl_state_t *s, const uint8_t *hash)
{
    weir_store_segment_t  key;

    if (s->nsegments == 0) {
        return NULL;
    }

    memcpy(key.hash, hash, WEIR_STORE_HASH);

    return bsearch(&key, s->segments, s->nsegments,
                   sizeof(weir_store_segment_t), weirctl_state_cmp);
}


int
weirctl_state_package(weirctl_state_t *s, const weirctl_place_t *head,
    weirctl_package_t *p)
{
    uint32_t                     i;
    const weir_document_t       *doc;
    const weir_store_segment_t  *segment;

    memset(p, 0, sizeof(weirctl_package_t));

    doc = &head->doc.doc;

    p->head = head->doc;
    p->segments = weir_arena_calloc(&s->fleet->arena, doc->nsegments + 1,
                                    sizeof(weir_store_segment_t));

    if (p->segments == NULL) {
        return weirctl_nomem();
    }

    for (i = 0; i < doc->nsegments; i++) {
        segment = weirctl_state_find_segment(s, doc->segments[i].hash);

        if (segment == NULL) {
            return weirctl_error("%s: a segment is missing", s->from);
        }

        p->segments[i] = *segment;
    }

    p->nsegments = doc->nsegments;

    return WEIRCTL_GO_ON;
}
