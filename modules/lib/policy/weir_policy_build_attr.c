
/*
 * Weir: what expressions of the image are about: attributes and literals.
 */

#include "weir_policy_image.h"


/* An attribute of a policy is kept once, however often it is read. */

uint32_t
weir_policy_build_attr(weir_policy_builder_t *b,
    const weir_policy_attr_t *attr)
{
    uint8_t                     *key;
    uint32_t                     off, *known, n;
    weir_str_t                   name;
    weir_policy_ref_t            ref;
    const weir_policy_words_t   *w;
    weir_policy_attr_rec_t       rec;

    /* a claim is that of the schemas of a file */

    name.len = attr->name.len + 1 + sizeof(uint32_t);

    key = weir_policy_alloc(b->c, name.len);
    if (key == NULL) {
        return WEIR_POLICY_NONE;
    }

    key[0] = (uint8_t) attr->kind;

    if (attr->claim != NULL) {
        memcpy(key + 1, &attr->claim->file, sizeof(uint32_t));
    }

    if (attr->name.len != 0) {
        memcpy(key + 1 + sizeof(uint32_t), attr->name.data, attr->name.len);
    }

    name.data = key;

    known = weir_policy_table_get(&b->attr_table, name);

    if (known != NULL) {
        return *known;
    }

    memset(&rec, 0, sizeof(weir_policy_attr_rec_t));

    rec.kind = attr->kind;
    rec.type = WEIR_POLICY_T_STRING;
    rec.name = weir_policy_intern(b, attr->name);

    if (attr->kind == WEIR_POLICY_A_SOURCE_IP
        || attr->kind == WEIR_POLICY_A_SOURCE_PEER)
    {
        rec.type = WEIR_POLICY_T_IP;

    } else if (attr->kind == WEIR_POLICY_A_REQUEST_TIME) {
        rec.type = WEIR_POLICY_T_TIME;

    } else if (attr->kind == WEIR_POLICY_A_CLAIM && attr->claim != NULL) {
        rec.type = attr->claim->type;
        rec.any = attr->claim->any;
        rec.scope = weir_str_eq(attr->name, weir_str("scope"));

        for (w = attr->claim->issuers; w != NULL; w = w->next) {
            rec.issuers.n++;
        }

        rec.issuers.off = weir_policy_reserve(b, &b->out, rec.issuers.n,
                                              sizeof(weir_policy_ref_t));

        if (rec.issuers.off == WEIR_POLICY_NONE) {
            return WEIR_POLICY_NONE;
        }

        n = 0;

        for (w = attr->claim->issuers; w != NULL; w = w->next) {
            ref = weir_policy_intern(b, w->word.text);

            if (b->c->nomem) {
                return WEIR_POLICY_NONE;
            }

            ((weir_policy_ref_t *) (void *) (b->out.data + rec.issuers.off))[n]
                = ref;
            n++;
        }
    }

    off = weir_policy_reserve(b, &b->attrs, 1, sizeof(weir_policy_attr_rec_t));
    known = weir_policy_alloc(b->c, sizeof(uint32_t));

    if (off == WEIR_POLICY_NONE || known == NULL || b->c->nomem) {
        return WEIR_POLICY_NONE;
    }

    memcpy(b->attrs.data + off, &rec, sizeof(weir_policy_attr_rec_t));

    *known = off / (uint32_t) sizeof(weir_policy_attr_rec_t);

    (void) weir_policy_table_put(b->c, &b->attr_table, name, known);

    return *known;
}


/* Equal ones are one. */

uint32_t
weir_policy_build_literal(weir_policy_builder_t *b,
    const weir_policy_literal_t *literal)
{
    int                         rc;
    uint32_t                    off, number;
    weir_policy_literal_rec_t   rec;

    memset(&rec, 0, sizeof(weir_policy_literal_rec_t));

    rec.type = literal->type;
    rec.number = literal->number;
    rec.addr = literal->net.addr;

    if (literal->type == WEIR_POLICY_T_STRING) {
        rec.string = weir_policy_intern(b, literal->string);
        rec.hash = weir_policy_segment_hash(literal->string);
    }

    number = (uint32_t) (b->literals.len / sizeof(weir_policy_literal_rec_t));

    rc = weir_policy_known(b, &b->literal_table, &rec, sizeof(rec), &number);

    if (rc == WEIR_NOMEM || b->c->nomem) {
        return WEIR_POLICY_NONE;
    }

    if (rc == WEIR_OK) {
        return number;
    }

    off = weir_policy_reserve(b, &b->literals, 1,
                              sizeof(weir_policy_literal_rec_t));

    if (off == WEIR_POLICY_NONE) {
        return off;
    }

    memcpy(b->literals.data + off, &rec, sizeof(weir_policy_literal_rec_t));

    return number;
}
