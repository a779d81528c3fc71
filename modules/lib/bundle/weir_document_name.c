
/*
 * Weir: documents: what they are called, and what they mean to nginx.conf.
 */

#include "weir_document.h"
#include "weir_strict.h"


int
weir_namespace_valid(weir_str_t s)
{
    size_t   i;
    uint8_t  c;

    if (s.len == 0 || s.len > 63) {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')
            && (i == 0 || (c != '_' && c != '-')))
        {
            return 0;
        }
    }

    return 1;
}


/* Ids become names of files and keys: nothing that has a meaning there. */

int
weir_document_id_valid(weir_kind_e kind, weir_str_t id)
{
    size_t          i;
    uint8_t         c;
    weir_str_t      word;
    weir_kind_e     named;
    const uint8_t  *slash;

    while (kind == WEIR_KIND_TOMBSTONE || kind == WEIR_KIND_FREEZE) {
        slash = id.len == 0 ? NULL : memchr(id.data, '/', id.len);

        if (slash == NULL) {
            return 0;
        }

        word.data = id.data;
        word.len = (size_t) (slash - id.data);
        named = weir_kind(word);

        /* a bundle is never deleted, and nothing is frozen twice */

        if (named == WEIR_KIND_NONE || named == WEIR_KIND_TOMBSTONE
            || named == (kind == WEIR_KIND_TOMBSTONE ? WEIR_KIND_BUNDLE
                                                     : WEIR_KIND_FREEZE))
        {
            return 0;
        }

        id.data = slash + 1;
        id.len -= word.len + 1;
        kind = named;
    }

    if (kind == WEIR_KIND_BUNDLE) {
        return weir_str_eq(id, weir_str(WEIR_BUNDLE_ID));
    }

    if (id.len == 0 || id.len > WEIR_DOCUMENT_ID_MAX) {
        return 0;
    }

    for (i = 0; i < id.len; i++) {
        c = id.data[i];

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
            && (c < '0' || c > '9') && c != '_'
            && (i == 0 || (c != '.' && c != ':' && c != '@' && c != '-')))
        {
            return 0;
        }
    }

    return 1;
}


size_t
weir_document_name(uint8_t *dst, weir_kind_e kind, weir_str_t id)
{
    weir_writer_t  w;

    w.data = dst;
    w.len = 0;

    if (kind != WEIR_KIND_TOMBSTONE) {
        weir_write(&w, weir_kind_word(kind));
        weir_write_literal(&w, "/");
    }

    weir_write(&w, id);

    return w.len;
}


int
weir_version_next(uint64_t highest, uint64_t *version)
{
    if (highest == UINT64_MAX) {
        return WEIR_DECLINED;
    }

    *version = highest + 1;

    return WEIR_OK;
}


int
weir_document_weights(const weir_document_t *doc, const weir_str_t *colours,
    uint32_t n, uint32_t *weights, weir_refusal_e *why, weir_err_t *err)
{
    uint32_t  i, j, sum, rest;

    sum = 0;
    rest = 0;

    memset(weights, 0, n * sizeof(uint32_t));

    for (i = 0; i < doc->nweights; i++) {

        for (j = 0; j < n; j++) {
            if (weir_str_eq(doc->weights[i].colour, colours[j])) {
                break;
            }
        }

        if (j == n) {
            *why = WEIR_REFUSAL_UNKNOWN_NAME;
            (void) weir_err(err, "nginx.conf has no colour \"%.*s\" in split "
                            "\"%.*s\"", (int) doc->weights[i].colour.len,
                            doc->weights[i].colour.data, (int) doc->id.len,
                            doc->id.data);
            return WEIR_DECLINED;
        }

        weights[j] = doc->weights[i].weight;
        sum += weights[j];
        rest |= j == n - 1;
    }

    if (rest && sum != WEIR_WEIGHTS_WHOLE) {
        *why = WEIR_REFUSAL_POLICY_ERROR;
        (void) weir_err(err, "the weights of split \"%.*s\" name the rest and "
                        "are not 100%% together", (int) doc->id.len,
                        doc->id.data);
        return WEIR_DECLINED;
    }

    if (!rest) {
        weights[n - 1] = WEIR_WEIGHTS_WHOLE - sum;
    }

    return WEIR_OK;
}
