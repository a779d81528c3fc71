
/*
 * Weir: the syntax tree of a policy source as JSON, out and in, and what else
 * of policies is JSON.  Its form is in docs/policy-language.md.  It allocates
 * by jansson.
 */

#ifndef WEIR_POLICY_JSON_H_INCLUDED
#define WEIR_POLICY_JSON_H_INCLUDED


#include <jansson.h>

#include "weir_policy.h"


#define WEIR_POLICY_MAX_TREE  (2 * 1024 * 1024)    /* bytes of its source */


/*
 * The tree of a source; *tree is the caller's.  Every leaf is spelt as in the
 * source, so that the tree gives the source's canonical layout.  WEIR_OK;
 * WEIR_DECLINED: the source cannot be parsed, weir_policy_compile() tells why;
 * WEIR_ERROR: it is larger than WEIR_POLICY_MAX_TREE; WEIR_NOMEM.
 */
int weir_policy_to_json(weir_arena_t *arena,
    const weir_policy_source_t *source, json_t **tree);

/*
 * The source of a tree in the canonical layout, in the arena.  What is read
 * back from it must be the tree: nothing in it is ignored.  WEIR_OK;
 * WEIR_DECLINED: it is no tree of this form, err says where; WEIR_ERROR: what
 * it spells cannot be parsed, and *text is that; WEIR_NOMEM.
 */
int weir_policy_from_json(weir_arena_t *arena, const json_t *tree,
    weir_str_t *text, weir_err_t *err);


/*
 * What a decision obliges to: {"limit":[...],"split":{SPLIT:COLOUR},
 * "slo":NAME,"add_header":{NAME:VALUE},"set_header":{NAME:VALUE},"log":LEVEL,
 * "status":N}: what there is of them.  The caller's; NULL: out of memory.
 */
json_t *weir_policy_obligations(const weir_policy_effect_t *effects,
    uint32_t n);


/*
 * The fields of an object {NAME: VALUE}, VALUE being a string, or an array of
 * them where the field is repeated; in the arena, what they point to is the
 * object's.  WEIR_OK; WEIR_DECLINED: a value is neither; WEIR_NOMEM.
 */
int weir_policy_fields_from_json(weir_arena_t *arena, const json_t *json,
    const weir_policy_field_t **fields, uint32_t *n);


#endif /* WEIR_POLICY_JSON_H_INCLUDED */
