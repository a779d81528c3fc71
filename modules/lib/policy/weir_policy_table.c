
/*
 * Weir: the policy compiler's memory and its tables of names.
 */

#include "weir_policy_image.h"


#define WEIR_POLICY_TABLE_MIN  16


static weir_policy_slot_t *weir_policy_table_slot(const weir_policy_table_t *t,
    weir_str_t name, uint32_t hash);
static int weir_policy_table_grow(weir_policy_compiler_t *c,
    weir_policy_table_t *t);


void *
weir_policy_alloc(weir_policy_compiler_t *c, size_t size)
{
    void  *p;

    p = weir_arena_calloc(c->arena, 1, size);

    if (p == NULL) {
        c->nomem = 1;
    }

    return p;
}


void *
weir_policy_table_get(const weir_policy_table_t *t, weir_str_t name)
{
    if (t->size == 0) {
        return NULL;
    }

    return weir_policy_table_slot(t, name, weir_policy_segment_hash(name))
           ->value;
}


weir_str_t
weir_policy_table_name(const weir_policy_table_t *t, weir_str_t name)
{
    weir_str_t                 none = { 0, NULL };
    const weir_policy_slot_t  *s;

    if (t->size == 0) {
        return none;
    }

    s = weir_policy_table_slot(t, name, weir_policy_segment_hash(name));

    return s->value != NULL ? s->name : none;
}


/* 1: added, 0: the name is there already (or no memory). */

int
weir_policy_table_put(weir_policy_compiler_t *c, weir_policy_table_t *t,
    weir_str_t name, void *value)
{
    uint32_t             hash;
    weir_policy_slot_t  *s;

    if (t->used >= t->size / 2 && weir_policy_table_grow(c, t) != WEIR_OK) {
        return 0;
    }

    hash = weir_policy_segment_hash(name);
    s = weir_policy_table_slot(t, name, hash);

    if (s->value != NULL) {
        return 0;
    }

    s->name = name;
    s->value = value;
    s->hash = hash;
    t->used++;

    return 1;
}


/* Names that are in it differ: none of them is read. */

static int
weir_policy_table_grow(weir_policy_compiler_t *c, weir_policy_table_t *t)
{
    uint32_t             i, k, size;
    weir_policy_slot_t  *slots;

    size = t->size == 0 ? WEIR_POLICY_TABLE_MIN : t->size * 2;

    slots = weir_policy_alloc(c, size * sizeof(weir_policy_slot_t));
    if (slots == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < t->size; i++) {

        if (t->slots[i].value == NULL) {
            continue;
        }

        k = t->slots[i].hash & (size - 1);

        while (slots[k].value != NULL) {
            k = (k + 1) & (size - 1);
        }

        slots[k] = t->slots[i];
    }

    t->slots = slots;
    t->size = size;

    return WEIR_OK;
}


/* Nobody gains by colliding with himself. */

static weir_policy_slot_t *
weir_policy_table_slot(const weir_policy_table_t *t, weir_str_t name,
    uint32_t hash)
{
    uint32_t             i, mask;
    weir_policy_slot_t  *s;

    mask = t->size - 1;

    for (i = hash & mask; /* void */ ; i = (i + 1) & mask) {
        s = &t->slots[i];

        if (s->value == NULL
            || (s->hash == hash && weir_str_eq(s->name, name)))
        {
            return s;
        }
    }
}
