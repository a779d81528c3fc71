
/*
 * Weir: memory and texts of the image that is being built, and the names that
 * the binding check asks for.
 */

#include "weir_policy_image.h"


static void weir_policy_build_schemas(weir_policy_compiler_t *c,
    weir_policy_file_t *file, void *data);
static int weir_policy_build_clause(weir_policy_builder_t *b,
    const weir_policy_clause_t *clause);
static int weir_policy_build_name(weir_policy_builder_t *b,
    weir_policy_name_kind_t kind, const weir_policy_word_t *word);


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
weir_policy_known(weir_policy_builder_t *b, weir_policy_table_t *table,
    const void *bytes, size_t len, uint32_t *number)
{
    uint8_t     *copy;
    uint32_t    *known;
    weir_str_t   key;

    key.data = bytes;
    key.len = len;

    known = weir_policy_table_get(table, key);

    if (known != NULL) {
        *number = *known;
        return WEIR_OK;
    }

    known = weir_policy_alloc(b->c, sizeof(uint32_t));
    copy = weir_policy_alloc(b->c, len);

    if (known == NULL || copy == NULL) {
        return WEIR_NOMEM;
    }

    memcpy(copy, bytes, len);

    key.data = copy;
    *known = *number;

    (void) weir_policy_table_put(b->c, table, key, known);

    return b->c->nomem ? WEIR_NOMEM : WEIR_DECLINED;
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
    const weir_policy_rule_t    *rule;
    const weir_policy_princ_t   *p;
    const weir_policy_clause_t  *clause;

    memset(b->seen, 0, sizeof(b->seen));

    weir_policy_each_import(b->c, b->file, weir_policy_build_schemas, b);

    if (b->c->nomem) {
        return WEIR_NOMEM;
    }

    for (rule = b->file->rules; rule != NULL; rule = rule->next) {
        for (p = rule->who; p != NULL; p = p->next) {

            if (p->kind != WEIR_POLICY_P_SUBJECT
                && p->kind != WEIR_POLICY_P_ISSUER)
            {
                continue;
            }

            if (weir_policy_build_name(b, WEIR_POLICY_NAME_ISSUER, &p->issuer)
                != WEIR_OK)
            {
                return WEIR_NOMEM;
            }
        }

        for (clause = rule->clauses; clause != NULL; clause = clause->next) {
            if (!rule->shadow
                && weir_policy_build_clause(b, clause) != WEIR_OK)
            {
                return WEIR_NOMEM;
            }
        }
    }

    return weir_policy_append(b, &rec->names, &b->names,
                              sizeof(weir_policy_name_rec_t));
}


/* Of the policy's file and of each that it imports. */

static void
weir_policy_build_schemas(weir_policy_compiler_t *c, weir_policy_file_t *file,
    void *data)
{
    weir_policy_builder_t *b = data;

    weir_policy_word_t           any;
    const weir_policy_words_t   *w;
    const weir_policy_schema_t  *schema;

    (void) c;

    for (schema = file->schemas; schema != NULL; schema = schema->next) {

        for (w = schema->issuers; w != NULL; w = w->next) {
            (void) weir_policy_build_name(b, WEIR_POLICY_NAME_ISSUER,
                                          &w->word);
        }

        if (schema->issuers == NULL && schema->decls != NULL) {
            any.text = weir_str("");
            any.loc = schema->loc;

            (void) weir_policy_build_name(b, WEIR_POLICY_NAME_ANY_ISSUER,
                                          &any);
        }
    }
}


static int
weir_policy_build_clause(weir_policy_builder_t *b,
    const weir_policy_clause_t *clause)
{
    uint8_t             *p;
    weir_policy_word_t   word;

    switch (clause->kind) {

    case WEIR_POLICY_LIMIT:
        return weir_policy_build_name(b, WEIR_POLICY_NAME_QUOTA,
                                      &clause->name);

    case WEIR_POLICY_SLO:
        return weir_policy_build_name(b, WEIR_POLICY_NAME_OBJECTIVE,
                                      &clause->name);

    case WEIR_POLICY_SPLIT:

        word.loc = clause->name.loc;
        word.text.len = clause->name.text.len + 1 + clause->value.text.len;

        p = weir_policy_alloc(b->c, word.text.len);
        if (p == NULL) {
            return WEIR_NOMEM;
        }

        memcpy(p, clause->name.text.data, clause->name.text.len);
        p[clause->name.text.len] = ' ';
        memcpy(p + clause->name.text.len + 1, clause->value.text.data,
               clause->value.text.len);

        word.text.data = p;

        return weir_policy_build_name(b, WEIR_POLICY_NAME_SPLIT, &word);

    case WEIR_POLICY_SET_HEADER:

        word.loc = clause->name.loc;
        word.text = clause->shown;

        return weir_policy_build_name(b, WEIR_POLICY_NAME_HEADER, &word);

    default:
        return WEIR_OK;
    }
}


static int
weir_policy_build_name(weir_policy_builder_t *b, weir_policy_name_kind_t kind,
    const weir_policy_word_t *word)
{
    uint32_t                 off;
    weir_policy_place_t      place;
    weir_policy_name_rec_t  *nr;

    if (!weir_policy_table_put(b->c, &b->seen[kind], word->text, b)) {
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
