
/*
 * Weir: the policy compiler's memory and its tables of names.
 */

#include "weir_policy_image.h"


#define WEIR_POLICY_TABLE_MIN  16


static weir_policy_slot_t *weir_policy_table_slot(weir_policy_slot_t *slots,
    uint32_t size, weir_str_t name);


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

    return weir_policy_table_slot(t->slots, t->size, name)->value;
}


/* 1: added, 0: the name is there already (or no memory). */

int
weir_policy_table_put(weir_policy_compiler_t *c, weir_policy_table_t *t,
    weir_str_t name, void *value)
{
    uint32_t             i, size;
    weir_policy_slot_t  *s, *slots;

    if (t->used >= t->size / 2) {
        size = t->size == 0 ? WEIR_POLICY_TABLE_MIN : t->size * 2;

        slots = weir_policy_alloc(c, size * sizeof(weir_policy_slot_t));
        if (slots == NULL) {
            return 0;
        }

        for (i = 0; i < t->size; i++) {
            if (t->slots[i].value != NULL) {
                *weir_policy_table_slot(slots, size, t->slots[i].name)
                    = t->slots[i];
            }
        }

        t->slots = slots;
        t->size = size;
    }

    s = weir_policy_table_slot(t->slots, t->size, name);

    if (s->value != NULL) {
        return 0;
    }

    s->name = name;
    s->value = value;
    t->used++;

    return 1;
}


/* Nobody gains by colliding with himself. */

static weir_policy_slot_t *
weir_policy_table_slot(weir_policy_slot_t *slots, uint32_t size,
    weir_str_t name)
{
    uint32_t  i;

    i = weir_policy_segment_hash(name);

    for (i &= size - 1; slots[i].value != NULL; i = (i + 1) & (size - 1)) {
        if (weir_policy_same_text(slots[i].name, name)) {
            break;
        }
    }

    return &slots[i];
}
