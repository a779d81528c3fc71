
/*
 * Weir: the syntax tree of a policy source as JSON.  It is made of the tokens
 * that the parser took, so the parser's grammar is known to hold: what comes
 * unexpected is an error of ours, and refused.
 *
 * Comments are nodes of the list that they stand in; one that stands within
 * a statement comes before it.
 */

#include "weir_policy_json_tree.h"


/* A statement of leaves: its keyword, names of leaves and of a last list. */

typedef struct {
    const char  *word;
    const char  *leaves[2];
    const char  *list;
} weir_policy_plain_t;


static json_t *weir_policy_tree_statement(weir_policy_tree_t *t);
static json_t *weir_policy_tree_rule(weir_policy_tree_t *t);
static json_t *weir_policy_tree_schema(weir_policy_tree_t *t);
static json_t *weir_policy_tree_window(weir_policy_tree_t *t);
static int weir_policy_tree_block(weir_policy_tree_t *t, json_t *node,
    const char *member, json_t *(*item)(weir_policy_tree_t *t));
static json_t *weir_policy_tree_clause(weir_policy_tree_t *t);
static json_t *weir_policy_tree_claim(weir_policy_tree_t *t);
static json_t *weir_policy_tree_plain(weir_policy_tree_t *t,
    const weir_policy_plain_t *plain);
static json_t *weir_policy_tree_who(weir_policy_tree_t *t);
static json_t *weir_policy_tree_what(weir_policy_tree_t *t);
static json_t *weir_policy_tree_node(const char *kind);
static int weir_policy_tree_comments(weir_policy_tree_t *t, json_t *list,
    uint32_t upto);


static const weir_policy_plain_t  weir_policy_plains[] = {
    { "language",   { "version", NULL },    NULL },
    { "policy",     { "name", NULL },       NULL },
    { "set",        { "name", "type" },     "items" },
    { "includes",   { NULL, NULL },         "roles" },
    { "host",       { NULL, NULL },         "hosts" },
    { "from",       { NULL, NULL },         "networks" },
    { "during",     { "window", NULL },     NULL },
    { "limit",      { "quota", NULL },      NULL },
    { "split",      { "split", "colour" },  NULL },
    { "slo",        { "objective", NULL },  NULL },
    { "add_header", { "name", "value" },    NULL },
    { "set_header", { "name", "value" },    NULL },
    { "log",        { "level", NULL },      NULL },
    { "status",     { "status", NULL },     NULL },
    { "request",    { "method", "path" },   NULL },
    { "scheme",     { "scheme", NULL },     NULL },
    { "at",         { "time", NULL },       NULL },
    { "identity",   { "identity", NULL },   NULL },
    { "subject",    { "subject", NULL },    NULL },
    { "issuer",     { "issuer", NULL },     NULL },
    { "spiffe",     { "spiffe", NULL },     NULL },
    { "claim",      { "name", NULL },       "items" },
    { "header",     { "name", "value" },    NULL },
    { "query",      { "name", "value" },    NULL },
    { NULL,         { NULL, NULL },         NULL }
};


int
weir_policy_to_json(weir_arena_t *arena, const weir_policy_source_t *source,
    json_t **tree)
{
    int                    rc;
    json_t                *list;
    uint32_t               upto;
    weir_policy_tree_t     t;
    weir_policy_tokens_t   tokens;

    if (source->text.len > WEIR_POLICY_MAX_TREE) {
        return WEIR_ERROR;
    }

    rc = weir_policy_tokens(arena, source, &tokens);

    if (rc != WEIR_OK) {
        return rc;
    }

    memset(&t, 0, sizeof(weir_policy_tree_t));

    t.src = source->text;
    t.toks = tokens.list;
    t.n = tokens.n;

    list = json_array();

    while (t.i < t.n) {

        /* those within its head come before it */

        for (upto = t.i;
             upto < t.n && t.toks[upto].kind != ';'
             && t.toks[upto].kind != '{';
             upto++)
        {
            /* void */
        }

        if (weir_policy_tree_comments(&t, list, upto) != WEIR_OK
            || json_array_append_new(list, weir_policy_tree_statement(&t))
               != 0)
        {
            goto nomem;
        }
    }

    if (weir_policy_tree_comments(&t, list, t.n) != WEIR_OK) {
        goto nomem;
    }

    *tree = json_object();

    if (json_object_set_new(*tree, "statements", list) != 0) {
        json_decref(*tree);
        return WEIR_NOMEM;
    }

    return WEIR_OK;

nomem:

    json_decref(list);

    return WEIR_NOMEM;
}


static json_t *
weir_policy_tree_statement(weir_policy_tree_t *t)
{
    int      rc;
    json_t  *node;

    if (weir_policy_tree_is(t, "shadow") || weir_policy_tree_is(t, "permit")
        || weir_policy_tree_is(t, "deny") || weir_policy_tree_is(t, "assert"))
    {
        return weir_policy_tree_rule(t);
    }

    if (weir_policy_tree_is(t, "schema")) {
        return weir_policy_tree_schema(t);
    }

    if (weir_policy_tree_is(t, "window")) {
        return weir_policy_tree_window(t);
    }

    if (weir_policy_tree_is(t, "import")) {
        node = weir_policy_tree_node("import");
        t->i++;

        rc = weir_policy_tree_set(node, "path", weir_policy_tree_leaf(t));
        t->i++;
        rc |= weir_policy_tree_set(node, "as", weir_policy_tree_leaf(t));
        rc |= weir_policy_tree_skip(t, ';');

    } else if (weir_policy_tree_is(t, "role")
               || weir_policy_tree_is(t, "test"))
    {
        node = weir_policy_tree_node(weir_policy_tree_is(t, "role") ? "role"
                                                                    : "test");
        t->i++;

        rc = weir_policy_tree_set(node, "name", weir_policy_tree_leaf(t));
        rc |= weir_policy_tree_block(t, node, "body",
                                     weir_policy_tree_clause);

    } else {
        return weir_policy_tree_clause(t);
    }

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


/* Asserts, too. */

static json_t *
weir_policy_tree_rule(weir_policy_tree_t *t)
{
    int      rc;
    json_t  *node;

    rc = 0;

    if (weir_policy_tree_is(t, "assert")) {
        node = weir_policy_tree_node("assert");
        t->i++;

        rc |= weir_policy_tree_set(node, "holds", weir_policy_tree_leaf(t));
        rc |= weir_policy_tree_set(node, "effect", weir_policy_tree_leaf(t));

    } else {
        node = weir_policy_tree_node("rule");

        if (weir_policy_tree_is(t, "shadow")) {
            rc |= weir_policy_tree_set(node, "shadow", json_true());
            t->i++;
        }

        rc |= weir_policy_tree_set(node, "effect", weir_policy_tree_leaf(t));
        rc |= weir_policy_tree_set(node, "name", weir_policy_tree_leaf(t));
    }

    rc |= weir_policy_tree_block(t, node, "body", weir_policy_tree_clause);

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


static json_t *
weir_policy_tree_schema(weir_policy_tree_t *t)
{
    int      rc;
    json_t  *node;

    rc = 0;
    node = weir_policy_tree_node("schema");
    t->i++;

    if (weir_policy_tree_is(t, "from")) {
        t->i++;
        rc |= weir_policy_tree_set(node, "from", weir_policy_tree_leaves(t));
    }

    rc |= weir_policy_tree_block(t, node, "body", weir_policy_tree_claim);

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


static json_t *
weir_policy_tree_window(weir_policy_tree_t *t)
{
    int      rc;
    json_t  *node, *spans, *span;

    node = weir_policy_tree_node("window");
    spans = json_array();
    t->i++;

    rc = weir_policy_tree_set(node, "name", weir_policy_tree_leaf(t));

    for ( ;; ) {
        span = json_object();

        rc |= weir_policy_tree_set(span, "days", weir_policy_tree_leaf(t));
        rc |= weir_policy_tree_set(span, "hours", weir_policy_tree_leaf(t));
        rc |= weir_policy_tree_set(span, "zone", weir_policy_tree_leaf(t));
        rc |= json_array_append_new(spans, span);

        if (weir_policy_tree_kind(t) != ',') {
            break;
        }

        t->i++;
    }

    rc |= weir_policy_tree_set(node, "spans", spans);
    rc |= weir_policy_tree_skip(t, ';');

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


/* "{" { item } "}" */

static int
weir_policy_tree_block(weir_policy_tree_t *t, json_t *node,
    const char *member, json_t *(*item)(weir_policy_tree_t *t))
{
    int       rc;
    json_t   *list;
    uint32_t  end;

    list = json_array();
    rc = weir_policy_tree_skip(t, '{');

    while (rc == 0 && t->i < t->n && weir_policy_tree_kind(t) != '}') {

        for (end = t->i; end < t->n && t->toks[end].kind != ';'; end++) {
            /* void */
        }

        rc |= weir_policy_tree_comments(t, list, end);

        if (rc == 0) {
            rc |= json_array_append_new(list, item(t));
        }
    }

    rc |= weir_policy_tree_comments(t, list, t->i);
    rc |= weir_policy_tree_set(node, member, list);
    rc |= weir_policy_tree_skip(t, '}');

    return rc;
}


/* A statement of a rule, a role or a test. */

static json_t *
weir_policy_tree_clause(weir_policy_tree_t *t)
{
    int      rc;
    size_t   k;
    json_t  *node;

    static const weir_policy_plain_t  expect = {
        "expect", { "verdict", NULL }, NULL
    };

    if (weir_policy_tree_is(t, "who")) {
        return weir_policy_tree_who(t);
    }

    if (weir_policy_tree_is(t, "what")) {
        return weir_policy_tree_what(t);
    }

    if (weir_policy_tree_is(t, "if") || weir_policy_tree_is(t, "unless")
        || weir_policy_tree_is(t, "when"))
    {
        node = weir_policy_tree_node(weir_policy_tree_is(t, "if") ? "if"
                                     : weir_policy_tree_is(t, "when")
                                       ? "when" : "unless");
        t->i++;

        rc = weir_policy_tree_set(node, "expr",
                               weir_policy_tree_expr(t, WEIR_POLICY_TOK_OR));
        rc |= weir_policy_tree_skip(t, ';');

        if (rc != 0) {
            json_decref(node);
            return NULL;
        }

        return node;
    }

    if (weir_policy_tree_is(t, "expect")) {
        return weir_policy_tree_plain(t, &expect);
    }

    for (k = 0; weir_policy_plains[k].word != NULL; k++) {
        if (weir_policy_tree_is(t, weir_policy_plains[k].word)) {
            return weir_policy_tree_plain(t, &weir_policy_plains[k]);
        }
    }

    return NULL;
}


/* "claim" cname [ "optional" ] type, of a schema */

static json_t *
weir_policy_tree_claim(weir_policy_tree_t *t)
{
    int         rc;
    json_t     *node;
    weir_str_t  type;

    node = weir_policy_tree_node("claim");
    t->i++;

    rc = weir_policy_tree_set(node, "name", weir_policy_tree_leaf(t));

    if (weir_policy_tree_is(t, "optional")) {
        rc |= weir_policy_tree_set(node, "optional", json_true());
        t->i++;
    }

    type = weir_policy_tree_is(t, "set") ? weir_str("set<string>")
                                         : weir_policy_tree_text(t);

    rc |= weir_policy_tree_set(node, "type",
                            json_stringn((const char *) type.data, type.len));

    while (t->i < t->n && weir_policy_tree_kind(t) != ';') {
        t->i++;
    }

    rc |= weir_policy_tree_skip(t, ';');

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


static json_t *
weir_policy_tree_plain(weir_policy_tree_t *t,
    const weir_policy_plain_t *plain)
{
    int      rc, k;
    json_t  *node;

    node = weir_policy_tree_node(plain->word);
    rc = 0;
    t->i++;

    for (k = 0; k < 2 && plain->leaves[k] != NULL; k++) {
        rc |= weir_policy_tree_set(node, plain->leaves[k],
                                   weir_policy_tree_leaf(t));
    }

    if (plain->list != NULL) {
        rc |= weir_policy_tree_set(node, plain->list,
                                   weir_policy_tree_leaves(t));

    } else if (weir_policy_tree_is(t, "by")) {
        t->i++;
        rc |= weir_policy_tree_set(node, "by", weir_policy_tree_leaves(t));
    }

    rc |= weir_policy_tree_skip(t, ';');

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


static json_t *
weir_policy_tree_who(weir_policy_tree_t *t)
{
    int         rc;
    json_t     *node, *list, *one;
    weir_str_t  kind;

    node = weir_policy_tree_node("who");
    list = json_array();
    rc = 0;

    do {
        t->i++;

        kind = weir_policy_tree_text(t);
        one = json_object();

        rc |= weir_policy_tree_set(one, "kind", weir_policy_tree_leaf(t));

        if (weir_str_eq(kind, weir_str("role"))) {
            rc |= weir_policy_tree_set(one, "role", weir_policy_tree_leaf(t));

        } else if (weir_str_eq(kind, weir_str("spiffe"))) {
            rc |= weir_policy_tree_set(one, "spiffe",
                                       weir_policy_tree_leaf(t));

        } else if (weir_str_eq(kind, weir_str("issuer"))) {
            rc |= weir_policy_tree_set(one, "issuer",
                                       weir_policy_tree_leaf(t));

        } else if (weir_str_eq(kind, weir_str("subject"))) {
            rc |= weir_policy_tree_set(one, "subject",
                                       weir_policy_tree_leaf(t));
            t->i++;
            rc |= weir_policy_tree_set(one, "issuer",
                                       weir_policy_tree_leaf(t));
        }

        rc |= json_array_append_new(list, one);

    } while (weir_policy_tree_kind(t) == ',');

    rc |= weir_policy_tree_set(node, "principals", list);
    rc |= weir_policy_tree_skip(t, ';');

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


static json_t *
weir_policy_tree_what(weir_policy_tree_t *t)
{
    int      rc;
    json_t  *node;

    node = weir_policy_tree_node("what");
    t->i++;

    rc = weir_policy_tree_set(node, "methods", weir_policy_tree_leaves(t));
    rc |= weir_policy_tree_set(node, "pattern", weir_policy_tree_leaf(t));
    rc |= weir_policy_tree_skip(t, ';');

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


static json_t *
weir_policy_tree_node(const char *kind)
{
    json_t  *node;

    node = json_object();

    if (weir_policy_tree_set(node, "kind", json_string(kind)) != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


/* Those before the current token and up to another one, each told once. */

static int
weir_policy_tree_comments(weir_policy_tree_t *t, json_t *list, uint32_t upto)
{
    int       rc, newline, within;
    json_t   *node;
    uint32_t  k, p, end, start, stop;

    rc = 0;

    for (k = t->i > t->told ? t->i : t->told; k <= upto && k <= t->n; k++) {

        p = k == 0 ? 0 : t->toks[k - 1].end;
        end = k == t->n ? (uint32_t) t->src.len : t->toks[k].start;
        newline = k == 0;
        within = k != t->i;

        while (p < end) {

            if (t->src.data[p] != '#') {
                newline |= t->src.data[p] == '\n';
                p++;
                continue;
            }

            for (start = p; p < end && t->src.data[p] != '\n'; p++) {
                /* void */
            }

            for (stop = p;
                 t->src.data[stop - 1] == ' ' || t->src.data[stop - 1] == '\t'
                 || t->src.data[stop - 1] == '\r';
                 stop--)
            {
                /* void */
            }

            node = weir_policy_tree_node("comment");

            rc |= weir_policy_tree_set(node, "text",
                                  json_stringn((const char *) t->src.data
                                               + start, stop - start));
            if (!newline && !within) {
                rc |= weir_policy_tree_set(node, "behind", json_true());
            }

            rc |= json_array_append_new(list, node);
            newline = 0;
        }

        t->told = k + 1;
    }

    return rc == 0 ? WEIR_OK : WEIR_NOMEM;
}
