
/*
 * Fuzzer of syntax trees in JSON: the input is one.  What is taken is laid out
 * already, and has this very tree.
 */

#include <stdint.h>
#include <stdlib.h>

#include "weir_policy_json.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t                *tree, *again;
    weir_err_t             err;
    weir_str_t             text, laid;
    weir_arena_t           arena;
    weir_policy_source_t   source;

    tree = json_loadb((const char *) data, size, JSON_REJECT_DUPLICATES,
                      NULL);
    if (tree == NULL) {
        return 0;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 256 * 1024 * 1024);

    if (weir_policy_from_json(&arena, tree, &text, &err) == WEIR_OK) {

        source.name = weir_str("fuzz.policy");
        source.text = text;

        if (weir_policy_format(&arena, &source, &laid) == WEIR_OK
            && !weir_str_eq(laid, text))
        {
            abort();
        }

        if (weir_policy_to_json(&arena, &source, &again) == WEIR_OK) {

            if (!json_equal(tree, again)) {
                abort();
            }

            json_decref(again);
        }
    }

    json_decref(tree);
    weir_arena_done(&arena);

    return 0;
}
