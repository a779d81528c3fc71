
/*
 * Weir: expressions and leaves of the tree that is made of a source's tokens.
 */

#include "weir_policy_json_tree.h"


static json_t *weir_policy_tree_unary(weir_policy_tree_t *t);
static json_t *weir_policy_tree_compare(weir_policy_tree_t *t);
static json_t *weir_policy_tree_value(weir_policy_tree_t *t);
static json_t *weir_policy_tree_attr(weir_policy_tree_t *t);


/* A chain of "||", each of them one of "&&". */

json_t *
weir_policy_tree_expr(weir_policy_tree_t *t, int kind)
{
    int      rc;
    json_t  *node, *list, *one;

    rc = 0;
    list = NULL;

    one = kind == WEIR_POLICY_TOK_OR
          ? weir_policy_tree_expr(t, WEIR_POLICY_TOK_AND)
          : weir_policy_tree_unary(t);

    if (weir_policy_tree_kind(t) != kind) {
        return one;
    }

    node = json_object();
    list = json_array();

    rc |= weir_policy_tree_set(node, "op",
                            json_string(kind == WEIR_POLICY_TOK_OR ? "||"
                                                                   : "&&"));
    rc |= json_array_append_new(list, one);

    while (weir_policy_tree_kind(t) == kind) {
        t->i++;

        one = kind == WEIR_POLICY_TOK_OR
              ? weir_policy_tree_expr(t, WEIR_POLICY_TOK_AND)
              : weir_policy_tree_unary(t);

        rc |= json_array_append_new(list, one);
    }

    rc |= weir_policy_tree_set(node, "of", list);

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


static json_t *
weir_policy_tree_unary(weir_policy_tree_t *t)
{
    int      rc;
    json_t  *node;

    if (weir_policy_tree_kind(t) != '!' && weir_policy_tree_kind(t) != '(') {
        return weir_policy_tree_compare(t);
    }

    node = json_object();

    if (weir_policy_tree_kind(t) == '!') {
        t->i++;

        rc = weir_policy_tree_set(node, "op", json_string("!"));
        rc |= weir_policy_tree_set(node, "of", weir_policy_tree_unary(t));

    } else {
        t->i++;

        rc = weir_policy_tree_set(node, "op", json_string("()"));
        rc |= weir_policy_tree_set(node, "of",
                               weir_policy_tree_expr(t, WEIR_POLICY_TOK_OR));
        rc |= weir_policy_tree_skip(t, ')');
    }

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


static json_t *
weir_policy_tree_compare(weir_policy_tree_t *t)
{
    int          rc;
    json_t      *node, *left;
    const char  *op;

    if (weir_policy_tree_is(t, "has")) {
        t->i++;
        node = json_object();

        rc = weir_policy_tree_set(node, "op", json_string("has"));
        rc |= weir_policy_tree_set(node, "of", weir_policy_tree_value(t));

        if (rc != 0) {
            json_decref(node);
            return NULL;
        }

        return node;
    }

    left = weir_policy_tree_value(t);
    op = NULL;

    switch (weir_policy_tree_kind(t)) {

    case WEIR_POLICY_TOK_EQ:
        op = "==";
        break;

    case WEIR_POLICY_TOK_NE:
        op = "!=";
        break;

    case WEIR_POLICY_TOK_LE:
        op = "<=";
        break;

    case WEIR_POLICY_TOK_GE:
        op = ">=";
        break;

    case '<':
        op = "<";
        break;

    case '>':
        op = ">";
        break;

    case '~':
        op = "~";
        break;

    case WEIR_POLICY_TOK_WORD:

        if (weir_policy_tree_is(t, "any") || weir_policy_tree_is(t, "all")) {
            op = weir_policy_tree_is(t, "any") ? "any in" : "all in";
            t->i++;

        } else {
            op = weir_policy_tree_is(t, "in") ? "in" : "like";
        }

        break;

    default:
        return left;
    }

    node = json_object();
    t->i++;

    rc = weir_policy_tree_set(node, "op", json_string(op));
    rc |= weir_policy_tree_set(node, "left", left);
    rc |= weir_policy_tree_set(node, "right", weir_policy_tree_value(t));

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


static json_t *
weir_policy_tree_value(weir_policy_tree_t *t)
{
    int          rc;
    json_t      *node, *list;
    const char  *member;

    node = json_object();

    if (weir_policy_tree_kind(t) == '[') {

        t->i++;
        list = weir_policy_tree_kind(t) == ']' ? json_array()
                                               : weir_policy_tree_leaves(t);

        rc = weir_policy_tree_set(node, "list", list);
        rc |= weir_policy_tree_skip(t, ']');

    } else if (weir_policy_is_object(weir_policy_tree_text(t))) {
        rc = weir_policy_tree_set(node, "attr", weir_policy_tree_attr(t));

    } else {
        member = weir_policy_tree_kind(t) == WEIR_POLICY_TOK_WORD
                 && !weir_policy_tree_is(t, "true")
                 && !weir_policy_tree_is(t, "false") ? "ref" : "literal";

        rc = weir_policy_tree_set(node, member, weir_policy_tree_leaf(t));
    }

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


/* claim.a.b, claim["x"], header("X"), source.ip: without white space. */

static json_t *
weir_policy_tree_attr(weir_policy_tree_t *t)
{
    json_t      *text, *longer;
    weir_str_t   s;

    text = weir_policy_tree_leaf(t);

    if (weir_policy_tree_kind(t) != '(' && weir_policy_tree_kind(t) != '[') {
        return text;
    }

    t->i++;
    s = weir_policy_tree_text(t);

    longer = json_sprintf(t->toks[t->i - 1].kind == '(' ? "%s(%.*s)"
                                                        : "%s[%.*s]",
                          json_string_value(text), weir_policy_s(s));
    json_decref(text);
    t->i++;

    if (t->i >= t->n) {
        json_decref(longer);
        return NULL;
    }

    t->i++;

    return longer;
}


/* A token, or words with "." between them. */

json_t *
weir_policy_tree_leaf(weir_policy_tree_t *t)
{
    json_t      *text, *longer;
    weir_str_t   s;

    if (t->i >= t->n) {
        return NULL;
    }

    s = weir_policy_tree_text(t);
    text = json_stringn((const char *) s.data, s.len);
    t->i++;

    while (text != NULL && weir_policy_tree_kind(t) == '.'
           && t->i + 1 < t->n)
    {
        t->i++;
        s = weir_policy_tree_text(t);

        longer = json_sprintf("%s.%.*s", json_string_value(text),
                              weir_policy_s(s));
        json_decref(text);
        text = longer;
        t->i++;
    }

    return text;
}


json_t *
weir_policy_tree_leaves(weir_policy_tree_t *t)
{
    json_t  *list;

    list = json_array();

    for ( ;; ) {

        if (json_array_append_new(list, weir_policy_tree_leaf(t)) != 0) {
            json_decref(list);
            return NULL;
        }

        if (weir_policy_tree_kind(t) != ',') {
            return list;
        }

        t->i++;
    }
}


int
weir_policy_tree_set(json_t *node, const char *member, json_t *value)
{
    return json_object_set_new(node, member, value);
}


int
weir_policy_tree_kind(const weir_policy_tree_t *t)
{
    return t->i < t->n ? t->toks[t->i].kind : WEIR_POLICY_TOK_END;
}


int
weir_policy_tree_is(const weir_policy_tree_t *t, const char *word)
{
    return weir_policy_tree_kind(t) == WEIR_POLICY_TOK_WORD
           && weir_str_eq(weir_policy_tree_text(t), weir_cstr(word));
}


weir_str_t
weir_policy_tree_text(const weir_policy_tree_t *t)
{
    weir_str_t  s;

    if (t->i >= t->n) {
        return weir_str("");
    }

    s.data = t->src.data + t->toks[t->i].start;
    s.len = t->toks[t->i].end - t->toks[t->i].start;

    return s;
}


int
weir_policy_tree_skip(weir_policy_tree_t *t, int kind)
{
    if (weir_policy_tree_kind(t) != kind) {
        return -1;
    }

    t->i++;

    return 0;
}
