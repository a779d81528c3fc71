
/*
 * Weir: what stands in an envelope: documents, written.
 */

#include "weir_document.h"
#include "weir_strict.h"
#include "weir_time.h"


static void weir_document_put(const weir_document_t *doc, weir_writer_t *w);
static void weir_put_bundle(const weir_document_t *doc, weir_writer_t *w);
static void weir_put_weights(const weir_document_t *doc, weir_writer_t *w);
static void weir_put_string(weir_writer_t *w, weir_str_t name, weir_str_t s);
static void weir_put_u64(weir_writer_t *w, weir_str_t name, uint64_t v);
static void weir_put_time(weir_writer_t *w, weir_str_t name, unsigned has,
    int64_t t);
static void weir_put_hash(weir_writer_t *w, weir_str_t name,
    const uint8_t *hash);
static void weir_put_name(weir_writer_t *w, weir_str_t name);
static int weir_written_same(const weir_document_t *a,
    const weir_document_t *b);


/*
 * Reading what was written is the proof that readers take it, and that no
 * value was bent on the way.
 */

int
weir_document_write(const weir_document_t *doc, weir_arena_t *a,
    weir_str_t *payload, weir_err_t *err)
{
    int              rc;
    weir_writer_t    w;
    weir_refusal_e   why;
    weir_document_t  again;

    w.data = NULL;
    w.len = 0;

    weir_document_put(doc, &w);

    if (w.len > WEIR_PAYLOAD_MAX) {
        (void) weir_err(err, "the document has %zu bytes, at most %d fit into "
                        "an envelope", w.len, WEIR_PAYLOAD_MAX);
        return WEIR_DECLINED;
    }

    w.data = weir_arena_alloc(a, w.len);

    if (w.data == NULL) {
        return WEIR_NOMEM;
    }

    w.len = 0;

    weir_document_put(doc, &w);

    payload->data = w.data;
    payload->len = w.len;

    rc = weir_document_parse(&again, a, doc->kind, *payload, &why, err);

    if (rc == WEIR_OK && !weir_written_same(doc, &again)) {
        (void) weir_err(err, "a time of the document is out of range");
        rc = WEIR_DECLINED;
    }

    return rc;
}


static int
weir_written_same(const weir_document_t *a, const weir_document_t *b)
{
    return a->issued == b->issued
           && (!a->has_expires || a->expires == b->expires)
           && (!a->has_activate_at || a->activate_at == b->activate_at);
}


size_t
weir_document_size(const weir_document_t *doc)
{
    weir_writer_t  w;

    w.data = NULL;
    w.len = 0;

    weir_document_put(doc, &w);

    return w.len;
}


static void
weir_document_put(const weir_document_t *doc, weir_writer_t *w)
{
    weir_write_literal(w, "{\"namespace\":");
    weir_write_string(w, doc->ns);

    weir_put_string(w, weir_str("kind"), weir_kind_word(doc->kind));
    weir_put_string(w, weir_str("id"), doc->id);
    weir_put_u64(w, weir_str("version"), doc->version);

    weir_put_hash(w, weir_str("previous"),
                  doc->has_previous ? doc->previous : NULL);

    weir_put_time(w, weir_str("issued"), 1, doc->issued);
    weir_put_time(w, weir_str("expires"), doc->has_expires, doc->expires);
    weir_put_u64(w, weir_str("epoch"), doc->epoch);
    weir_put_string(w, weir_str("by"), doc->by);
    weir_put_string(w, weir_str("reason"), doc->reason);

    if (doc->kind == WEIR_KIND_BUNDLE) {
        weir_put_bundle(doc, w);

    } else if (doc->kind == WEIR_KIND_SPLIT) {
        weir_put_weights(doc, w);
    }

    weir_write_literal(w, "}");
}


static void
weir_put_bundle(const weir_document_t *doc, weir_writer_t *w)
{
    uint32_t  i;

    weir_put_time(w, weir_str("activate_at"), doc->has_activate_at,
                  doc->activate_at);
    weir_put_string(w, weir_str("tool"), doc->tool);

    weir_write_literal(w, ",\"live_min\":{");

    for (i = 0; i < doc->nlive_min; i++) {

        if (i != 0) {
            weir_write_literal(w, ",");
        }

        weir_write_string(w, doc->live_min[i].name);
        weir_write_literal(w, ":");
        weir_write_u64(w, doc->live_min[i].version);
    }

    if (doc->has_files) {
        weir_write_literal(w, "},\"files\":{");

        for (i = 0; i < doc->nfiles; i++) {

            if (i != 0) {
                weir_write_literal(w, ",");
            }

            weir_write_string(w, doc->files[i].name);
            weir_write_literal(w, ":");
            weir_write_string(w, doc->files[i].text);
        }

        weir_write_literal(w, "}");

        return;
    }

    weir_write_literal(w, "},\"segments\":[");

    for (i = 0; i < doc->nsegments; i++) {
        weir_write(w, i != 0 ? weir_str(",") : weir_str(""));
        weir_write_literal(w, "{\"hash\":");
        weir_put_hash(w, weir_str(""), doc->segments[i].hash);
        weir_put_u64(w, weir_str("size"), doc->segments[i].size);
        weir_write_literal(w, "}");
    }

    weir_write_literal(w, "]");
}


static void
weir_put_weights(const weir_document_t *doc, weir_writer_t *w)
{
    uint32_t  i;

    weir_write_literal(w, ",\"weights\":{");

    for (i = 0; i < doc->nweights; i++) {

        if (i != 0) {
            weir_write_literal(w, ",");
        }

        weir_write_string(w, doc->weights[i].colour);
        weir_write_literal(w, ":");
        weir_write_u64(w, doc->weights[i].weight);
    }

    weir_write_literal(w, "}");
}


/* ,"name": ; nothing where the name was written already */

static void
weir_put_name(weir_writer_t *w, weir_str_t name)
{
    if (name.len != 0) {
        weir_write_literal(w, ",");
        weir_write_string(w, name);
        weir_write_literal(w, ":");
    }
}


static void
weir_put_string(weir_writer_t *w, weir_str_t name, weir_str_t s)
{
    weir_put_name(w, name);
    weir_write_string(w, s);
}


static void
weir_put_u64(weir_writer_t *w, weir_str_t name, uint64_t v)
{
    weir_put_name(w, name);
    weir_write_u64(w, v);
}


static void
weir_put_time(weir_writer_t *w, weir_str_t name, unsigned has, int64_t t)
{
    uint8_t  text[WEIR_TIME_LEN];

    weir_put_name(w, name);

    if (!has) {
        weir_write_literal(w, "null");
        return;
    }

    weir_time_format(text, t);
    weir_write_string(w, (weir_str_t) { WEIR_TIME_LEN, text });
}


static void
weir_put_hash(weir_writer_t *w, weir_str_t name, const uint8_t *hash)
{
    uint8_t  text[WEIR_HASH_TEXT];

    weir_put_name(w, name);

    if (hash == NULL) {
        weir_write_literal(w, "null");
        return;
    }

    weir_hash_format(text, hash);
    weir_write_string(w, (weir_str_t) { WEIR_HASH_TEXT, text });
}
