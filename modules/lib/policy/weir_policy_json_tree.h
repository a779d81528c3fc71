
/*
 * Weir: what the files share that make a tree of tokens.  Private to
 * lib/policy.
 */

#ifndef WEIR_POLICY_JSON_TREE_H_INCLUDED
#define WEIR_POLICY_JSON_TREE_H_INCLUDED


#include "weir_policy_json.h"
#include "weir_policy_lex.h"


typedef struct {
    weir_str_t                  src;
    const weir_policy_taken_t  *toks;
    uint32_t                    n;
    uint32_t                    i;         /* the current token */
    uint32_t                    told;      /* comments before it are told */
} weir_policy_tree_t;


/* Nodes are the caller's; NULL: out of memory, or no such grammar. */

/* kind is WEIR_POLICY_TOK_OR: all of an expression. */
json_t *weir_policy_tree_expr(weir_policy_tree_t *t, int kind);

/* A token, or words with "." between them; these with "," between them. */
json_t *weir_policy_tree_leaf(weir_policy_tree_t *t);
json_t *weir_policy_tree_leaves(weir_policy_tree_t *t);

/* Takes value; 0, or -1: out of memory, or value is NULL. */
int weir_policy_tree_set(json_t *node, const char *member,
    json_t *value);

/* The current token; takes one of a kind: 0, or -1 where another stands. */
int weir_policy_tree_kind(const weir_policy_tree_t *t);
int weir_policy_tree_is(const weir_policy_tree_t *t, const char *word);
weir_str_t weir_policy_tree_text(const weir_policy_tree_t *t);
int weir_policy_tree_skip(weir_policy_tree_t *t, int kind);


#endif /* WEIR_POLICY_JSON_TREE_H_INCLUDED */
