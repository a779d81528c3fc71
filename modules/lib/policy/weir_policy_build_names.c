
/*
 * Weir: memory and texts of the image that is being built, and the names that
 * the binding check asks for.
 */

#include "weir_policy_image.h"


static int weir_policy_build_name(weir_policy_builder_t *b,
    weir_policy_table_t *seen, weir_policy_name_kind_t kind,
    const weir_policy_word_t *word);


uint32_t
weir_policy_reserve(weir_policy_builder_t *b, weir_policy_buf_t *buf,
    size_t n, size_t size)
{
    size_t    off, want;
    uint8_t  *data;

    off = (buf->len + 7) & ~(size_t) 7;

    if (n > (WEIR_POLICY_MAX_IMAGE - off) / size) {
        b->c->nomem = 1;
        return WEIR_POLICY_NONE;
    }

    if (off + n * size > buf->size) {

        for (want = buf->size == 0 ? 4096 : buf->size;
             want < off + n * size;
             want *= 2)
        {
            /* void */
        }

        data = weir_policy_alloc(b->c, want);
        if (data == NULL) {
            return WEIR_POLICY_NONE;
        }

        if (buf->len != 0) {
            memcpy(data, buf->data, buf->len);
        }

        buf->data = data;
        buf->size = want;
    }

    buf->len = off + n * size;

    return (uint32_t) off;
}


weir_policy_ref_t
weir_policy_intern(weir_policy_builder_t *b, weir_str_t s)
{
    uint32_t           *known;
    weir_policy_ref_t   ref;

    ref.off = 0;
    ref.len = 0;

    if (s.len == 0) {
        return ref;
    }

    known = weir_policy_table_get(&b->strings, s);

    if (known == NULL) {
        known = weir_policy_alloc(b->c, sizeof(uint32_t));
        if (known == NULL) {
            return ref;
        }

        *known = weir_policy_reserve(b, &b->out, s.len, 1);

        if (*known == WEIR_POLICY_NONE) {
            return ref;
        }

        memcpy(b->out.data + *known, s.data, s.len);

        (void) weir_policy_table_put(b->c, &b->strings, s, known);
    }

    ref.off = *known;
    ref.len = (uint32_t) s.len;

    return ref;
}


int
weir_policy_append(weir_policy_builder_t *b, weir_policy_array_t *array,
    const weir_policy_buf_t *buf, size_t size)
{
    array->n = (uint32_t) (buf->len / size);
    array->off = weir_policy_reserve(b, &b->out, array->n, size);

    if (array->off == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    if (buf->len != 0) {
        memcpy(b->out.data + array->off, buf->data, buf->len);
    }

    return WEIR_OK;
}


int
weir_policy_build_names(weir_policy_builder_t *b, weir_policy_rec_t *rec)
{
    weir_policy_word_t           any;
    weir_policy_table_t          seen;
    const weir_policy_rule_t    *rule;
    const weir_policy_princ_t   *p;
    const weir_policy_words_t   *w;
    const weir_policy_schema_t  *schema;

    memset(&seen, 0, sizeof(weir_policy_table_t));

    for (schema = b->file->schemas; schema != NULL; schema = schema->next) {

        for (w = schema->issuers; w != NULL; w = w->next) {
            if (weir_policy_build_name(b, &seen, WEIR_POLICY_NAME_ISSUER,
                                       &w->word)
                != WEIR_OK)
            {
                return WEIR_NOMEM;
            }
        }

        if (schema->issuers == NULL && schema->decls != NULL) {
            any.text = weir_str("");
            any.loc = schema->loc;

            if (weir_policy_build_name(b, &seen, WEIR_POLICY_NAME_ANY_ISSUER,
                                       &any)
                != WEIR_OK)
            {
                return WEIR_NOMEM;
            }
        }
    }

    for (rule = b->file->rules; rule != NULL; rule = rule->next) {
        for (p = rule->who; p != NULL; p = p->next) {

            if (p->kind != WEIR_POLICY_P_SUBJECT
                && p->kind != WEIR_POLICY_P_ISSUER)
            {
                continue;
            }

            if (weir_policy_build_name(b, &seen, WEIR_POLICY_NAME_ISSUER,
                                       &p->issuer)
                != WEIR_OK)
            {
                return WEIR_NOMEM;
            }
        }
    }

    return weir_policy_append(b, &rec->names, &b->names,
                              sizeof(weir_policy_name_rec_t));
}


static int
weir_policy_build_name(weir_policy_builder_t *b, weir_policy_table_t *seen,
    weir_policy_name_kind_t kind, const weir_policy_word_t *word)
{
    uint32_t                 off;
    weir_policy_place_t      place;
    weir_policy_name_rec_t  *nr;

    /* a schema without "from" has the empty name, which is no issuer's */

    if (!weir_policy_table_put(b->c, seen, word->text, b)) {
        return b->c->nomem ? WEIR_NOMEM : WEIR_OK;
    }

    off = weir_policy_reserve(b, &b->names, 1, sizeof(weir_policy_name_rec_t));

    if (off == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    place = weir_policy_place(b->c, word->loc);

    nr = (weir_policy_name_rec_t *) (void *) (b->names.data + off);

    nr->kind = kind;
    nr->line = place.line;
    nr->column = place.column;
    nr->name = weir_policy_intern(b, word->text);
    nr->file = weir_policy_intern(b, b->c->sources[place.file].name);

    return b->c->nomem ? WEIR_NOMEM : WEIR_OK;
}
