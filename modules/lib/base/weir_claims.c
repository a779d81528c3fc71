
/*
 * Weir: the flat block of a credential's claims.
 */

#include "weir_claims.h"


typedef struct {
    weir_str_t         key;
    weir_claim_type_t  type;
    int64_t            number;
    weir_str_t         string;
    const weir_str_t  *items;
    uint32_t           n;
} weir_claims_node_t;


/* nodes are kept sorted by key. */

struct weir_claims_builder_s {
    weir_arena_t         *arena;
    weir_claims_node_t  **nodes;
    uint32_t              count;
    uint32_t              allocated;
    uint64_t              bytes;     /* of the block, without alignment */
};


/* Any order finds; by length first is the one that compares least. */

static inline int
weir_claims_cmp(weir_str_t a, weir_str_t b)
{
    weir_word16_t  c, d;

    if (a.len != b.len) {
        return (a.len < b.len) ? -1 : 1;
    }

    if (a.len > WEIR_STR_SHORT) {
        return memcmp(a.data, b.data, a.len);
    }

    c = weir_str_word16(a);
    d = weir_str_word16(b);

    return c.a != d.a ? (c.a < d.a ? -1 : 1)
           : c.b != d.b ? (c.b < d.b ? -1 : 1) : 0;
}


static const uint8_t *
weir_claims_bytes(const weir_claims_t *c, uint32_t offset)
{
    return (const uint8_t *) c + offset;
}


static const weir_claim_entry_t *
weir_claims_entries(const weir_claims_t *c)
{
    return (const weir_claim_entry_t *) (c + 1);
}


const weir_claim_entry_t *
weir_claims_find(const weir_claims_t *c, weir_str_t key)
{
    int                        rc;
    uint32_t                   lo, hi, mid;
    weir_str_t                 k;
    const weir_claim_entry_t  *e;

    if (c == NULL) {
        return NULL;
    }

    lo = 0;
    hi = c->count;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;
        e = &weir_claims_entries(c)[mid];

        k.len = e->key_len;
        k.data = weir_claims_bytes(c, e->key);

        rc = weir_claims_cmp(key, k);

        if (rc == 0) {
            return e;
        }

        if (rc < 0) {
            hi = mid;

        } else {
            lo = mid + 1;
        }
    }

    return NULL;
}


weir_str_t
weir_claims_string(const weir_claims_t *c, const weir_claim_entry_t *e)
{
    weir_str_t  s;

    s.len = e->value_len;
    s.data = weir_claims_bytes(c, e->value);

    return s;
}


weir_str_t
weir_claims_item(const weir_claims_t *c, const weir_claim_entry_t *e,
    uint32_t i)
{
    uint32_t    item[2];
    weir_str_t  s;

    memcpy(item, weir_claims_bytes(c, e->value) + (size_t) i * sizeof(item),
           sizeof(item));

    s.data = weir_claims_bytes(c, item[0]);
    s.len = item[1];

    return s;
}


weir_claims_builder_t *
weir_claims_builder(weir_arena_t *a)
{
    weir_claims_builder_t  *b;

    b = weir_arena_calloc(a, 1, sizeof(weir_claims_builder_t));
    if (b == NULL) {
        return NULL;
    }

    b->arena = a;
    b->bytes = sizeof(weir_claims_t);

    return b;
}


int
weir_claims_add(weir_claims_builder_t *b, weir_str_t key,
    weir_claim_type_t type, int64_t number, weir_str_t string,
    const weir_str_t *items, uint32_t n)
{
    int                   rc;
    uint32_t              i, lo, hi, mid, allocated;
    uint64_t              bytes;
    weir_claims_node_t   *node, **nodes;

    lo = 0;
    hi = b->count;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        rc = weir_claims_cmp(key, b->nodes[mid]->key);

        if (rc == 0) {
            return WEIR_ERROR;
        }

        if (rc < 0) {
            hi = mid;

        } else {
            lo = mid + 1;
        }
    }

    bytes = sizeof(weir_claim_entry_t) + (uint64_t) key.len;

    if (type == WEIR_CLAIM_STRING) {
        bytes += string.len;

    } else if (type == WEIR_CLAIM_SET) {

        for (i = 0; i < n; i++) {
            bytes += 2 * sizeof(uint32_t) + (uint64_t) items[i].len;
        }
    }

    /* offsets have 32 bits */

    if (bytes > UINT32_MAX - b->bytes) {
        return WEIR_ERROR;
    }

    if (b->count == b->allocated) {

        allocated = (b->allocated == 0) ? 16 : b->allocated * 2;

        nodes = weir_arena_calloc(b->arena, allocated,
                                  sizeof(weir_claims_node_t *));
        if (nodes == NULL) {
            return WEIR_NOMEM;
        }

        if (b->count != 0) {
            memcpy(nodes, b->nodes, b->count * sizeof(weir_claims_node_t *));
        }

        b->nodes = nodes;
        b->allocated = allocated;
    }

    node = weir_arena_calloc(b->arena, 1, sizeof(weir_claims_node_t));
    if (node == NULL) {
        return WEIR_NOMEM;
    }

    node->key = key;
    node->type = type;

    switch (type) {

    case WEIR_CLAIM_BOOL:
    case WEIR_CLAIM_INT:
        node->number = number;
        break;

    case WEIR_CLAIM_STRING:
        node->string = string;
        break;

    case WEIR_CLAIM_SET:
        node->items = items;
        node->n = n;
        break;

    default:
        break;
    }

    memmove(b->nodes + lo + 1, b->nodes + lo,
            (b->count - lo) * sizeof(weir_claims_node_t *));

    b->nodes[lo] = node;
    b->count++;
    b->bytes += bytes;

    return WEIR_OK;
}


static uint32_t
weir_claims_put(uint8_t *block, uint32_t *pos, weir_str_t s)
{
    uint32_t  offset;

    offset = *pos;

    if (s.len != 0) {
        memcpy(block + offset, s.data, s.len);
    }

    *pos += (uint32_t) s.len;

    return offset;
}


const weir_claims_t *
weir_claims_build(weir_claims_builder_t *b)
{
    uint8_t             *block;
    uint32_t             i, j, pos, pairs, item[2];
    weir_claims_t       *c;
    weir_claims_node_t  *node;
    weir_claim_entry_t  *e;

    block = weir_arena_calloc(b->arena, 1, (size_t) b->bytes);
    if (block == NULL) {
        return NULL;
    }

    c = (weir_claims_t *) block;
    c->size = (uint32_t) b->bytes;
    c->count = b->count;

    e = (weir_claim_entry_t *) (c + 1);

    /* the pairs of sets go first, behind the entries: they stay aligned */

    pairs = (uint32_t) (sizeof(weir_claims_t)
                        + b->count * sizeof(weir_claim_entry_t));
    pos = pairs;

    for (i = 0; i < b->count; i++) {
        pos += b->nodes[i]->n * (uint32_t) sizeof(item);
    }

    for (i = 0; i < b->count; i++, e++) {
        node = b->nodes[i];

        e->key_len = (uint32_t) node->key.len;
        e->key = weir_claims_put(block, &pos, node->key);
        e->type = node->type;
        e->number = node->number;

        if (node->type == WEIR_CLAIM_STRING) {
            e->value_len = (uint32_t) node->string.len;
            e->value = weir_claims_put(block, &pos, node->string);
        }

        if (node->type == WEIR_CLAIM_SET) {
            e->value_len = node->n;
            e->value = pairs;

            for (j = 0; j < node->n; j++) {
                item[0] = weir_claims_put(block, &pos, node->items[j]);
                item[1] = (uint32_t) node->items[j].len;

                memcpy(block + pairs, item, sizeof(item));
                pairs += (uint32_t) sizeof(item);
            }
        }
    }

    return c;
}
