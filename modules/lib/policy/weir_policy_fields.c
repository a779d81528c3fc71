
/*
 * Weir: header fields and parameters of a query as JSON has them.
 */

#include "weir_policy_json.h"


int
weir_policy_fields_from_json(weir_arena_t *arena, const json_t *json,
    const weir_policy_field_t **fields, uint32_t *n)
{
    void                 *iter;
    size_t                i, count;
    json_t               *object, *value, *item;
    weir_policy_field_t  *f;

    /* jansson's iterators are of what may change */

    object = (json_t *) (uintptr_t) json;
    count = 0;

    for (iter = json_object_iter(object); iter != NULL;
         iter = json_object_iter_next(object, iter))
    {
        value = json_object_iter_value(iter);
        count += json_is_array(value) ? json_array_size(value) : 1;
    }

    f = weir_arena_calloc(arena, count + 1, sizeof(weir_policy_field_t));
    if (f == NULL) {
        return WEIR_NOMEM;
    }

    *fields = f;
    *n = (uint32_t) count;

    for (iter = json_object_iter(object); iter != NULL;
         iter = json_object_iter_next(object, iter))
    {
        value = json_object_iter_value(iter);
        count = json_is_array(value) ? json_array_size(value) : 1;

        for (i = 0; i < count; i++) {

            item = json_is_array(value) ? json_array_get(value, i) : value;

            if (!json_is_string(item)) {
                return WEIR_DECLINED;
            }

            f->name = weir_cstr(json_object_iter_key(iter));
            f->value.data = (const uint8_t *) json_string_value(item);
            f->value.len = json_string_length(item);
            f++;
        }
    }

    return WEIR_OK;
}
