
/*
 * Weir: the policy source that a syntax tree in JSON spells.  It is written
 * without care, read again by the parser, laid out, and must then have this
 * very tree: so nothing is ignored, and no leaf is more than it says.
 */

#include "weir_policy_json.h"
#include "weir_policy_lex.h"


typedef struct {
    uint8_t    *data;        /* NULL: only counted */
    size_t      len;
} weir_policy_spell_t;


static void weir_policy_spell_list(weir_policy_spell_t *s,
    const json_t *list);
static void weir_policy_spell_node(weir_policy_spell_t *s,
    const json_t *node);
static void weir_policy_spell_head(weir_policy_spell_t *s,
    const json_t *node, const char *kind);
static void weir_policy_spell_principals(weir_policy_spell_t *s,
    const json_t *list);
static void weir_policy_spell_spans(weir_policy_spell_t *s,
    const json_t *list);
static void weir_policy_spell_expr(weir_policy_spell_t *s,
    const json_t *node);
static void weir_policy_spell_leaf(weir_policy_spell_t *s,
    const json_t *leaf);
static void weir_policy_spell_leaves(weir_policy_spell_t *s,
    const json_t *list);
static void weir_policy_spell_put(weir_policy_spell_t *s, const char *text);
static int weir_policy_spell_differs(const json_t *tree, const json_t *again,
    weir_err_t *err);


int
weir_policy_from_json(weir_arena_t *arena, const json_t *tree,
    weir_str_t *text, weir_err_t *err)
{
    int                    rc;
    json_t                *list, *again;
    weir_policy_spell_t    s;
    weir_policy_source_t   source;

    list = json_object_get(tree, "statements");

    if (!json_is_array(list)) {
        (void) weir_err(err, "it has no list \"statements\"");
        return WEIR_DECLINED;
    }

    s.data = NULL;
    s.len = 0;

    weir_policy_spell_list(&s, list);

    if (s.len > WEIR_POLICY_MAX_TREE) {
        (void) weir_err(err, "it spells more than %d bytes",
                        WEIR_POLICY_MAX_TREE);
        return WEIR_DECLINED;
    }

    s.data = weir_arena_alloc(arena, s.len + 1);
    if (s.data == NULL) {
        return WEIR_NOMEM;
    }

    s.len = 0;

    weir_policy_spell_list(&s, list);

    source.name = weir_str("tree");
    source.text.data = s.data;
    source.text.len = s.len;

    rc = weir_policy_format(arena, &source, text);

    if (rc == WEIR_DECLINED) {
        *text = source.text;
        return WEIR_ERROR;
    }

    if (rc != WEIR_OK) {
        return rc;
    }

    source.text = *text;

    rc = weir_policy_to_json(arena, &source, &again);

    if (rc != WEIR_OK) {
        (void) weir_err(err, "what it spells is too large");
        return rc == WEIR_NOMEM ? rc : WEIR_DECLINED;
    }

    rc = weir_policy_spell_differs(tree, again, err) ? WEIR_DECLINED : WEIR_OK;

    json_decref(again);

    return rc;
}


/* Says which statement is not what was read. */

static int
weir_policy_spell_differs(const json_t *tree, const json_t *again,
    weir_err_t *err)
{
    size_t         i;
    const json_t  *a, *b;

    if (json_equal(tree, again)) {
        return 0;
    }

    a = json_object_get(tree, "statements");
    b = json_object_get(again, "statements");

    for (i = 0; i < json_array_size(a); i++) {
        if (!json_equal(json_array_get(a, i), json_array_get(b, i))) {
            (void) weir_err(err, "statements[%zu] is not of the form that "
                            "\"fmt --json\" writes", i);
            return 1;
        }
    }

    (void) weir_err(err, "it has more members than \"statements\"");

    return 1;
}


static void
weir_policy_spell_list(weir_policy_spell_t *s, const json_t *list)
{
    size_t         i;
    const json_t  *node;

    for (i = 0; i < json_array_size(list); i++) {
        node = json_array_get(list, i);

        if (json_is_true(json_object_get(node, "behind")) && s->len != 0) {

            /* before the end of the line that is there */

            s->len--;
            weir_policy_spell_put(s, " ");
        }

        weir_policy_spell_node(s, node);
        weir_policy_spell_put(s, "\n");
    }
}


static void
weir_policy_spell_node(weir_policy_spell_t *s, const json_t *node)
{
    const char    *kind;
    const json_t  *body, *from;

    kind = json_string_value(json_object_get(node, "kind"));

    if (kind == NULL) {
        return;
    }

    if (strcmp(kind, "comment") == 0) {
        weir_policy_spell_leaf(s, json_object_get(node, "text"));
        return;
    }

    weir_policy_spell_head(s, node, kind);

    body = json_object_get(node, "body");

    if (body == NULL) {
        weir_policy_spell_put(s, ";");
        return;
    }

    from = json_object_get(node, "from");

    if (from != NULL) {
        weir_policy_spell_put(s, "from ");
        weir_policy_spell_leaves(s, from);
    }

    weir_policy_spell_put(s, "{\n");
    weir_policy_spell_list(s, body);
    weir_policy_spell_put(s, "}");
}


/* All but a block, in the order of the grammar. */

static void
weir_policy_spell_head(weir_policy_spell_t *s, const json_t *node,
    const char *kind)
{
    size_t         i;
    const json_t  *value;

    /* what stands behind the keyword: leaves, lists of them */

    static const struct {
        const char  *member;
        const char  *before;
        int          list;
    } members[] = {
        { "holds", NULL, 0 },
        { "effect", NULL, 0 },
        { "version", NULL, 0 },
        { "path", NULL, 0 },
        { "as", "as", 0 },
        { "name", NULL, 0 },
        { "value", NULL, 0 },
        { "optional", "optional", 0 },
        { "type", NULL, 0 },
        { "items", NULL, 1 },
        { "roles", NULL, 1 },
        { "hosts", NULL, 1 },
        { "networks", NULL, 1 },
        { "methods", NULL, 1 },
        { "pattern", NULL, 0 },
        { "window", NULL, 0 },
        { "quota", NULL, 0 },
        { "split", NULL, 0 },
        { "colour", NULL, 0 },
        { "objective", NULL, 0 },
        { "level", NULL, 0 },
        { "status", NULL, 0 },
        { "scheme", NULL, 0 },
        { "time", NULL, 0 },
        { "identity", NULL, 0 },
        { "subject", NULL, 0 },
        { "issuer", NULL, 0 },
        { "spiffe", NULL, 0 },
        { "verdict", NULL, 0 },
        { "by", "by", 1 }
    };

    if (strcmp(kind, "rule") != 0) {
        weir_policy_spell_put(s, kind);

    } else if (json_is_true(json_object_get(node, "shadow"))) {
        weir_policy_spell_put(s, "shadow");
    }

    if (strcmp(kind, "request") == 0) {
        weir_policy_spell_put(s, " ");
        weir_policy_spell_leaf(s, json_object_get(node, "method"));
    }

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {

        value = json_object_get(node, members[i].member);

        if (value == NULL) {
            continue;
        }

        weir_policy_spell_put(s, " ");

        if (members[i].before != NULL) {
            weir_policy_spell_put(s, members[i].before);
            weir_policy_spell_put(s, " ");
        }

        if (members[i].list) {
            weir_policy_spell_leaves(s, value);

        } else {
            weir_policy_spell_leaf(s, value);
        }
    }

    weir_policy_spell_put(s, " ");

    weir_policy_spell_principals(s, json_object_get(node, "principals"));
    weir_policy_spell_spans(s, json_object_get(node, "spans"));
    weir_policy_spell_expr(s, json_object_get(node, "expr"));
}


static void
weir_policy_spell_principals(weir_policy_spell_t *s, const json_t *list)
{
    size_t         i, k;
    const json_t  *one, *value;

    static const char *const  members[] = {
        "kind", "role", "spiffe", "subject", "issuer"
    };

    for (i = 0; i < json_array_size(list); i++) {

        one = json_array_get(list, i);

        if (i != 0) {
            weir_policy_spell_put(s, ", ");
        }

        for (k = 0; k < sizeof(members) / sizeof(members[0]); k++) {

            value = json_object_get(one, members[k]);

            if (value == NULL) {
                continue;
            }

            if (k == 4 && json_object_get(one, "subject") != NULL) {
                weir_policy_spell_put(s, "issuer ");
            }

            weir_policy_spell_leaf(s, value);
            weir_policy_spell_put(s, " ");
        }
    }
}


static void
weir_policy_spell_spans(weir_policy_spell_t *s, const json_t *list)
{
    size_t         i;
    const json_t  *one;

    for (i = 0; i < json_array_size(list); i++) {

        one = json_array_get(list, i);

        if (i != 0) {
            weir_policy_spell_put(s, ", ");
        }

        weir_policy_spell_leaf(s, json_object_get(one, "days"));
        weir_policy_spell_put(s, " ");
        weir_policy_spell_leaf(s, json_object_get(one, "hours"));
        weir_policy_spell_put(s, " ");
        weir_policy_spell_leaf(s, json_object_get(one, "zone"));
        weir_policy_spell_put(s, " ");
    }
}


/* jansson has bounded the depth. */

static void
weir_policy_spell_expr(weir_policy_spell_t *s, const json_t *node)
{
    size_t         i;
    const char    *op;
    const json_t  *of;

    if (node == NULL) {
        return;
    }

    op = json_string_value(json_object_get(node, "op"));
    of = json_object_get(node, "of");

    if (op == NULL) {

        if (json_object_get(node, "list") != NULL) {
            weir_policy_spell_put(s, "[");
            weir_policy_spell_leaves(s, json_object_get(node, "list"));
            weir_policy_spell_put(s, "]");
        }

        weir_policy_spell_leaf(s, json_object_get(node, "attr"));
        weir_policy_spell_leaf(s, json_object_get(node, "ref"));
        weir_policy_spell_leaf(s, json_object_get(node, "literal"));

    } else if (json_is_array(of)) {

        for (i = 0; i < json_array_size(of); i++) {

            if (i != 0) {
                weir_policy_spell_put(s, " ");
                weir_policy_spell_put(s, op);
                weir_policy_spell_put(s, " ");
            }

            weir_policy_spell_expr(s, json_array_get(of, i));
        }

    } else if (strcmp(op, "()") == 0) {
        weir_policy_spell_put(s, "(");
        weir_policy_spell_expr(s, of);
        weir_policy_spell_put(s, ")");

    } else {
        weir_policy_spell_expr(s, json_object_get(node, "left"));
        weir_policy_spell_put(s, " ");
        weir_policy_spell_put(s, op);
        weir_policy_spell_put(s, " ");
        weir_policy_spell_expr(s, of);
        weir_policy_spell_expr(s, json_object_get(node, "right"));
    }
}


static void
weir_policy_spell_leaf(weir_policy_spell_t *s, const json_t *leaf)
{
    if (json_is_string(leaf)) {
        weir_policy_spell_put(s, json_string_value(leaf));
    }
}


static void
weir_policy_spell_leaves(weir_policy_spell_t *s, const json_t *list)
{
    size_t  i;

    for (i = 0; i < json_array_size(list); i++) {
        weir_policy_spell_put(s, i == 0 ? " " : ", ");
        weir_policy_spell_leaf(s, json_array_get(list, i));
    }

    weir_policy_spell_put(s, " ");
}


static void
weir_policy_spell_put(weir_policy_spell_t *s, const char *text)
{
    size_t  len;

    len = strlen(text);

    if (s->data != NULL) {
        memcpy(s->data + s->len, text, len);
    }

    s->len += len;
}
