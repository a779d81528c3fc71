
/*
 * Weir: types of what compares texts: sets of strings, globs and regular
 * expressions.
 */

#include "weir_policy_ast.h"


static int weir_policy_check_pattern(weir_policy_compiler_t *c,
    weir_policy_expr_t *e, const char *op);


/* "any in" and "all in": a set and a set or a list of strings. */

void
weir_policy_check_sets(weir_policy_compiler_t *c, weir_policy_expr_t *e)
{
    uint32_t                   i;
    weir_str_t                 text;
    const char                *op;
    const weir_policy_expr_t  *side;

    op = e->op == WEIR_POLICY_E_ANY_IN ? "any in" : "all in";

    for (i = 0; i < 2; i++) {
        side = i == 0 ? e->left : e->right;
        text = weir_policy_value_text(side);

        if (side->type == WEIR_POLICY_T_SET) {
            continue;
        }

        if (side->type != WEIR_POLICY_T_LIST) {
            weir_policy_error(c, side->loc, "%.*s is %s; \"%s\" compares sets "
                              "and lists of strings", weir_policy_s(text),
                              weir_policy_type_name(side->type), op);
            weir_policy_declared(c, side);
            return;
        }

        if (side->literal->item_type != WEIR_POLICY_T_STRING
            && side->literal->item_type != WEIR_POLICY_T_NONE)
        {
            weir_policy_error(c, side->loc, "the items of %.*s are %s; \"%s\" "
                              "compares sets and lists of strings",
                              weir_policy_s(text),
                              weir_policy_type_name(side->literal->item_type),
                              op);
            weir_policy_declared(c, side);
            return;
        }
    }

    if (e->left->type == WEIR_POLICY_T_LIST
        && e->right->type == WEIR_POLICY_T_LIST)
    {
        weir_policy_error(c, e->loc, "two lists are the same in every request: "
                          "one side of \"%s\" is a claim", op);
    }
}


/* A string on the left, a string in double quotes on the right. */

static int
weir_policy_check_pattern(weir_policy_compiler_t *c, weir_policy_expr_t *e,
    const char *op)
{
    weir_str_t  text;

    text = weir_policy_value_text(e->left);

    if (e->left->type != WEIR_POLICY_T_STRING) {
        weir_policy_error(c, e->left->loc, "%.*s is %s, \"%s\" compares "
                          "strings", weir_policy_s(text),
                          weir_policy_type_name(e->left->type), op);
        weir_policy_declared(c, e->left);
        return WEIR_ERROR;
    }

    if (e->right->op != WEIR_POLICY_E_LITERAL
        || e->right->type != WEIR_POLICY_T_STRING)
    {
        weir_policy_error(c, e->right->loc, "the pattern of \"%s\" is a "
                          "string in double quotes", op);
        return WEIR_ERROR;
    }

    return WEIR_OK;
}


void
weir_policy_check_match(weir_policy_compiler_t *c, weir_policy_expr_t *e)
{
    char                          text[200];
    size_t                        at;
    const char                   *error;
    weir_policy_loc_t             loc;
    const weir_policy_literal_t  *pattern;

    if (weir_policy_check_pattern(c, e, "~") != WEIR_OK) {
        return;
    }

    pattern = e->right->literal;

    /* the same one is looked at once */

    if (!weir_policy_table_put(c, &c->regex_table, pattern->string, e)) {
        return;
    }

    if (++c->nregexes > WEIR_POLICY_MAX_REGEXES) {

        if (c->nregexes == WEIR_POLICY_MAX_REGEXES + 1) {
            weir_policy_error(c, e->loc, "a bundle has at most %d different "
                              "regular expressions", WEIR_POLICY_MAX_REGEXES);
        }

        return;
    }

    error = weir_policy_regex_check(c->arena, pattern->string, text,
                                    sizeof(text), &at);
    if (error == NULL) {
        return;
    }

    /* a place inside a string with escapes is the string's own */

    loc = pattern->loc;

    if (pattern->text.len == pattern->string.len + 2) {
        loc.offset += 1 + (uint32_t) at;
    }

    weir_policy_error(c, loc, "in the regular expression: %s", error);
}


void
weir_policy_check_like(weir_policy_compiler_t *c, weir_policy_expr_t *e)
{
    size_t      i;
    weir_str_t  text;

    if (weir_policy_check_pattern(c, e, "like") != WEIR_OK) {
        return;
    }

    text = e->right->literal->string;

    if (text.len > WEIR_POLICY_MAX_PATTERN) {
        weir_policy_error(c, e->right->loc, "a pattern of \"like\" has at "
                          "most %d bytes", WEIR_POLICY_MAX_PATTERN);
        return;
    }

    for (i = 0; i < text.len; i++) {

        if (text.data[i] != '\\') {
            continue;
        }

        if (i + 1 == text.len || text.data[i + 1] != '*') {
            weir_policy_error(c, e->right->loc, "the only escape of \"like\" "
                              "is \\*, a star (in a string: \"\\\\*\")");
            return;
        }

        i++;
    }
}
