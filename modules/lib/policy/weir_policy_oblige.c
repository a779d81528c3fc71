
/*
 * Weir: what a decision obliges to, as JSON.
 */

#include <stdlib.h>
#include <string.h>

#include "weir_policy_json.h"


static int weir_policy_oblige(json_t *all, const weir_policy_effect_t *e);
static int weir_policy_oblige_put(json_t *all, const char *name,
    weir_policy_effect_kind_t kind, weir_str_t key, json_t *value);


json_t *
weir_policy_obligations(const weir_policy_effect_t *effects, uint32_t n)
{
    json_t    *all;
    uint32_t   i;

    all = json_object();

    for (i = 0; all != NULL && i < n; i++) {
        if (weir_policy_oblige(all, &effects[i]) != 0) {
            json_decref(all);
            return NULL;
        }
    }

    return all;
}


static int
weir_policy_oblige(json_t *all, const weir_policy_effect_t *e)
{
    const char  *name;

    name = weir_policy_effect_name(e->kind);

    switch (e->kind) {

    case WEIR_POLICY_LOG:
        return json_object_set_new(all, name,
                          json_string(weir_policy_level_name(e->number)));

    case WEIR_POLICY_STATUS:
        return json_object_set_new(all, name, json_integer(e->number));

    case WEIR_POLICY_SLO:
        return json_object_set_new(all, name,
                          json_stringn((const char *) e->name.data,
                                       e->name.len));

    case WEIR_POLICY_LIMIT:
        return weir_policy_oblige_put(all, name, e->kind, e->name,
                          json_stringn((const char *) e->name.data,
                                       e->name.len));

    default:
        return weir_policy_oblige_put(all, name, e->kind, e->name,
                          json_stringn(e->value.len
                                       ? (const char *) e->value.data : "",
                                       e->value.len));
    }
}


/* A list of names, or an object of values. */

static int
weir_policy_oblige_put(json_t *all, const char *name,
    weir_policy_effect_kind_t kind, weir_str_t key, json_t *value)
{
    int      rc;
    char    *text;
    json_t  *list;

    list = json_object_get(all, name);

    if (list == NULL) {
        list = kind == WEIR_POLICY_LIMIT ? json_array() : json_object();

        if (json_object_set_new(all, name, list) != 0) {
            json_decref(value);
            return -1;
        }
    }

    if (kind == WEIR_POLICY_LIMIT) {
        return json_array_append_new(list, value);
    }

    text = malloc(key.len + 1);

    if (text == NULL) {
        json_decref(value);
        return -1;
    }

    memcpy(text, key.data, key.len);
    text[key.len] = '\0';

    rc = json_object_set_new(list, text, value);

    free(text);

    return rc;
}
