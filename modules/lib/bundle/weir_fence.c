
/*
 * Weir: fences: the newest version of each document that a gateway has
 * accepted.
 */

#include "weir_document.h"
#include "weir_fence.h"
#include "weir_strict.h"


#define WEIR_FENCES_HEAD  "weir-fences 1 "


static uint32_t weir_fences_place(const weir_fences_t *f, weir_str_t name);
static int weir_fences_grow(weir_fences_t *f);
static void weir_fences_put(const weir_fences_t *f, weir_writer_t *w);
static int weir_fences_line(weir_str_t *text, weir_str_t *line);
static int weir_fence_line(weir_fence_t *fence, weir_str_t line);
static int weir_fence_word(weir_str_t *line, weir_str_t *word);


void
weir_fences_init(weir_fences_t *f, weir_arena_t *a, weir_str_t ns)
{
    memset(f, 0, sizeof(weir_fences_t));

    f->arena = a;
    f->ns = ns;
}


/* Where the name is, or would be. */

static uint32_t
weir_fences_place(const weir_fences_t *f, weir_str_t name)
{
    uint32_t  lo, hi, mid;

    lo = 0;
    hi = f->n;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        if (weir_str_cmp(f->fences[mid].name, name) < 0) {
            lo = mid + 1;

        } else {
            hi = mid;
        }
    }

    return lo;
}


const weir_fence_t *
weir_fences_find(const weir_fences_t *f, weir_str_t name)
{
    uint32_t  i;

    i = weir_fences_place(f, name);

    return i < f->n && weir_str_eq(f->fences[i].name, name) ? &f->fences[i]
                                                            : NULL;
}


int
weir_fence_cmp(const weir_fence_t *a, const weir_fence_t *b)
{
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }

    return (a->version > b->version) - (a->version < b->version);
}


int
weir_fences_raise(weir_fences_t *f, const weir_fence_t *fence)
{
    int            rc;
    uint32_t       i;
    weir_str_t     name;
    weir_fence_t  *have;

    i = weir_fences_place(f, fence->name);

    if (i < f->n && weir_str_eq(f->fences[i].name, fence->name)) {
        have = &f->fences[i];
        rc = weir_fence_cmp(fence, have);

        if (rc < 0
            || (rc == 0
                && memcmp(fence->hash, have->hash, WEIR_SHA256_LEN) != 0))
        {
            return WEIR_DECLINED;
        }

        have->epoch = fence->epoch;
        have->version = fence->version;
        memcpy(have->hash, fence->hash, WEIR_SHA256_LEN);

        return WEIR_OK;
    }

    if (f->n == WEIR_FENCES_MAX) {
        return WEIR_ERROR;
    }

    name = weir_arena_copy(f->arena, fence->name);

    if (name.data == NULL) {
        return WEIR_NOMEM;
    }

    if (f->n == f->size && weir_fences_grow(f) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    have = &f->fences[i];

    memmove(have + 1, have, (f->n - i) * sizeof(weir_fence_t));

    *have = *fence;
    have->name = name;
    f->n++;

    return WEIR_OK;
}


static int
weir_fences_grow(weir_fences_t *f)
{
    uint32_t       size;
    weir_fence_t  *fences;

    size = f->size == 0 ? 16 : f->size * 2;

    fences = weir_arena_calloc(f->arena, size, sizeof(weir_fence_t));

    if (fences == NULL) {
        return WEIR_NOMEM;
    }

    if (f->n != 0) {
        memcpy(fences, f->fences, f->n * sizeof(weir_fence_t));
    }

    f->fences = fences;
    f->size = size;

    return WEIR_OK;
}


int
weir_fences_merge(weir_fences_t *f, const weir_fences_t *other)
{
    int                  rc, result;
    uint32_t             i;
    const weir_fence_t  *have;

    result = WEIR_OK;

    for (i = 0; i < other->n; i++) {
        rc = weir_fences_raise(f, &other->fences[i]);

        if (rc == WEIR_DECLINED) {
            have = weir_fences_find(f, other->fences[i].name);

            if (weir_fence_cmp(&other->fences[i], have) == 0) {
                result = WEIR_DECLINED;
            }

        } else if (rc != WEIR_OK) {
            return rc;
        }
    }

    return result;
}


weir_str_t
weir_fences_format(const weir_fences_t *f, weir_arena_t *a)
{
    uint8_t        hash[WEIR_SHA256_LEN];
    weir_str_t     text;
    weir_writer_t  w;

    text.data = NULL;
    text.len = 0;

    w.data = NULL;
    w.len = 0;

    weir_fences_put(f, &w);

    w.data = weir_arena_alloc(a, w.len + WEIR_HASH_TEXT + 1);

    if (w.data == NULL) {
        return text;
    }

    w.len = 0;

    weir_fences_put(f, &w);

    if (weir_sha256((weir_str_t) { w.len, w.data }, hash) != WEIR_OK) {
        return text;
    }

    weir_hash_format(w.data + w.len, hash);
    w.len += WEIR_HASH_TEXT;
    w.data[w.len++] = '\n';

    text.data = w.data;
    text.len = w.len;

    return text;
}


static void
weir_fences_put(const weir_fences_t *f, weir_writer_t *w)
{
    uint8_t   hash[WEIR_HASH_TEXT];
    uint32_t  i;

    weir_write_literal(w, WEIR_FENCES_HEAD);
    weir_write(w, f->ns);
    weir_write_literal(w, "\n");

    for (i = 0; i < f->n; i++) {
        weir_hash_format(hash, f->fences[i].hash);

        weir_write(w, f->fences[i].name);
        weir_write_literal(w, " ");
        weir_write_u64(w, f->fences[i].epoch);
        weir_write_literal(w, " ");
        weir_write_u64(w, f->fences[i].version);
        weir_write_literal(w, " ");
        weir_write(w, (weir_str_t) { WEIR_HASH_TEXT, hash });
        weir_write_literal(w, "\n");
    }
}


int
weir_fences_parse(weir_fences_t *f, weir_arena_t *a, weir_str_t text,
    weir_err_t *err)
{
    int           rc;
    size_t        head;
    uint8_t       hash[WEIR_SHA256_LEN], own[WEIR_SHA256_LEN];
    unsigned      n;
    weir_str_t    line, ns, last;
    weir_fence_t  fence;

    weir_fences_init(f, a, weir_str(""));

    if (text.len > WEIR_FENCES_TEXT) {
        return weir_err(err, "a file of fences has at most %d bytes",
                        WEIR_FENCES_TEXT);
    }

    /* the file is whole before any of it is believed */

    last.len = WEIR_HASH_TEXT;
    last.data = text.data + text.len - WEIR_HASH_TEXT - 1;

    if (text.len < WEIR_HASH_TEXT + 1 || text.data[text.len - 1] != '\n'
        || weir_hash_parse(last, hash) != WEIR_OK)
    {
        return weir_err(err, "the file of fences is torn: its last line is "
                        "not its hash");
    }

    text.len -= WEIR_HASH_TEXT + 1;

    if (weir_sha256(text, own) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    if (memcmp(own, hash, WEIR_SHA256_LEN) != 0) {
        return weir_err(err, "the file of fences was changed: it has another "
                        "hash than its last line says");
    }

    head = sizeof(WEIR_FENCES_HEAD) - 1;

    if (weir_fences_line(&text, &line) != WEIR_OK || line.len < head
        || memcmp(line.data, WEIR_FENCES_HEAD, head) != 0)
    {
        return weir_err(err, "line 1: expected \"" WEIR_FENCES_HEAD
                        "NAMESPACE\"");
    }

    ns.data = line.data + head;
    ns.len = line.len - head;

    if (!weir_namespace_valid(ns)) {
        return weir_err(err, "line 1: expected a namespace");
    }

    f->ns = weir_arena_copy(a, ns);

    if (f->ns.data == NULL) {
        return WEIR_NOMEM;
    }

    for (n = 2; text.len != 0; n++) {

        if (weir_fences_line(&text, &line) != WEIR_OK
            || weir_fence_line(&fence, line) != WEIR_OK)
        {
            return weir_err(err, "line %u: expected \"KIND/ID EPOCH VERSION "
                            "HASH\"", n);
        }

        if (f->n != 0
            && weir_str_cmp(f->fences[f->n - 1].name, fence.name) >= 0)
        {
            return weir_err(err, "line %u: \"%.*s\" is not in order", n,
                            (int) fence.name.len, fence.name.data);
        }

        rc = weir_fences_raise(f, &fence);

        if (rc == WEIR_ERROR) {
            return weir_err(err, "line %u: more than %d fences", n,
                            WEIR_FENCES_MAX);
        }

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    return WEIR_OK;
}


/* The next line, without its end. */

static int
weir_fences_line(weir_str_t *text, weir_str_t *line)
{
    const uint8_t  *end;

    end = text->len == 0 ? NULL : memchr(text->data, '\n', text->len);

    if (end == NULL) {
        return WEIR_ERROR;
    }

    line->data = text->data;
    line->len = (size_t) (end - text->data);

    text->data += line->len + 1;
    text->len -= line->len + 1;

    return WEIR_OK;
}


static int
weir_fence_line(weir_fence_t *fence, weir_str_t line)
{
    weir_str_t  epoch, version;

    static const weir_str_t  bundle = {
        sizeof("bundle/" WEIR_BUNDLE_ID) - 1,
        (const uint8_t *) "bundle/" WEIR_BUNDLE_ID
    };

    if (weir_fence_word(&line, &fence->name) != WEIR_OK
        || weir_fence_word(&line, &epoch) != WEIR_OK
        || weir_fence_word(&line, &version) != WEIR_OK
        || weir_u64_parse(epoch, &fence->epoch) != WEIR_OK
        || weir_u64_parse(version, &fence->version) != WEIR_OK
        || weir_hash_parse(line, fence->hash) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    return weir_str_eq(fence->name, bundle)
           || weir_document_id_valid(WEIR_KIND_TOMBSTONE, fence->name)
           ? WEIR_OK : WEIR_ERROR;
}


static int
weir_fence_word(weir_str_t *line, weir_str_t *word)
{
    const uint8_t  *blank;

    blank = line->len == 0 ? NULL : memchr(line->data, ' ', line->len);

    if (blank == NULL) {
        return WEIR_ERROR;
    }

    word->data = line->data;
    word->len = (size_t) (blank - line->data);

    line->data += word->len + 1;
    line->len -= word->len + 1;

    return WEIR_OK;
}
