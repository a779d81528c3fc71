
/*
 * Weir: the parser of policy sources: a file's statements, schemas and roles,
 * and what the parser's other files share.  It goes on after an error, so
 * that all are reported at once.
 */

#include "weir_policy_lex.h"


typedef struct {
    weir_policy_schema_t   *schema;
    weir_policy_decl_t    **last;
} weir_policy_schema_data_t;


typedef struct {
    weir_policy_role_t     *role;
    weir_policy_words_t   **last;       /* of what it includes */
    weir_policy_table_t     seen;
} weir_policy_role_data_t;


typedef struct {
    weir_policy_import_t  **imports;
    weir_policy_schema_t  **schemas;
    weir_policy_role_t    **roles;
    weir_policy_set_t     **sets;
    weir_policy_window_t  **windows;
    weir_policy_rule_t    **rules;
    weir_policy_rule_t    **asserts;
    weir_policy_test_t    **tests;
} weir_policy_ends_t;


static int weir_policy_head(weir_policy_parser_t *ps);
static int weir_policy_statement(weir_policy_parser_t *ps,
    weir_policy_ends_t *ends);
static int weir_policy_begins(const weir_policy_parser_t *ps);
static void weir_policy_skip(weir_policy_parser_t *ps, int in_block);
static int weir_policy_schema(weir_policy_parser_t *ps,
    weir_policy_schema_t ***last);
static int weir_policy_decl(weir_policy_parser_t *ps, void *data);
static int weir_policy_decl_type(weir_policy_parser_t *ps,
    weir_policy_decl_t *decl);
static int weir_policy_role(weir_policy_parser_t *ps,
    weir_policy_role_t ***last);
static int weir_policy_role_item(weir_policy_parser_t *ps, void *data);
static int weir_policy_role_includes(weir_policy_parser_t *ps,
    weir_policy_role_data_t *rd);


static const char *const  weir_policy_statements[] = {
    "schema", "role", "permit", "deny", "test", "import", "set", "window",
    "assert", "shadow", NULL
};


void
weir_policy_parse(weir_policy_compiler_t *c, weir_policy_file_t *file)
{
    weir_policy_ends_t    ends;
    weir_policy_parser_t  parser, *ps;

    ps = &parser;

    memset(ps, 0, sizeof(weir_policy_parser_t));

    ps->c = c;
    ps->file = file;
    ps->src = c->sources[file->index].text;

    ends.imports = &file->imports;
    ends.schemas = &file->schemas;
    ends.roles = &file->roles;
    ends.sets = &file->sets;
    ends.windows = &file->windows;
    ends.rules = &file->rules;
    ends.asserts = &file->asserts;
    ends.tests = &file->tests;

    weir_policy_lex(ps);

    if (weir_policy_head(ps) != WEIR_OK) {
        weir_policy_skip(ps, 0);
    }

    while (ps->tok.kind != WEIR_POLICY_TOK_END) {
        if (weir_policy_statement(ps, &ends) != WEIR_OK) {
            weir_policy_skip(ps, 0);
        }
    }
}


/* "language 1;" [ "policy" ID ";" ] */

static int
weir_policy_head(weir_policy_parser_t *ps)
{
    weir_policy_loc_t   loc;
    weir_policy_word_t  name;

    if (!weir_policy_is(ps, "language")) {
        weir_policy_error(ps->c, weir_policy_here(ps),
                          "a policy source begins with \"language 1;\"");

        /* what follows is a policy all the same: read on without it */

        if (!weir_policy_begins(ps) && !weir_policy_is(ps, "policy")) {
            return WEIR_ERROR;
        }

    } else {
        weir_policy_lex(ps);

        if (ps->tok.kind != WEIR_POLICY_TOK_NUMBER) {
            return weir_policy_expected(ps, "the language's version, 1");
        }

        if (ps->tok.text.len != 1 || ps->tok.text.data[0] != '1') {
            weir_policy_error(ps->c, weir_policy_here(ps), "language %.*s is "
                              "not known here; this release reads language 1",
                              weir_policy_s(ps->tok.text));
        }

        weir_policy_lex(ps);

        if (weir_policy_semicolon(ps) != WEIR_OK) {
            return WEIR_ERROR;
        }
    }

    if (!weir_policy_is(ps, "policy")) {
        return WEIR_OK;
    }

    weir_policy_lex(ps);

    loc = weir_policy_here(ps);

    if (weir_policy_id(ps, "the policy's name", &name) != WEIR_OK) {
        return WEIR_ERROR;
    }

    ps->file->policy = name;

    if (!weir_name_valid(name.text)) {
        weir_policy_error(ps->c, loc, "\"%.*s\" is not usable as a policy's "
                          "name: [a-z0-9][a-z0-9_-]{0,62}, none of off "
                          "optional shadow mtls apikey default none",
                          weir_policy_s(name.text));
    }

    return weir_policy_semicolon(ps);
}


static int
weir_policy_statement(weir_policy_parser_t *ps, weir_policy_ends_t *ends)
{
    int                  shadow;
    weir_policy_token_t  first;

    first = ps->tok;

    if (weir_policy_is(ps, "import")) {
        return weir_policy_parse_import(ps, &ends->imports);
    }

    if (weir_policy_is(ps, "set")) {
        return weir_policy_parse_set(ps, &ends->sets);
    }

    if (weir_policy_is(ps, "window")) {
        return weir_policy_parse_window(ps, &ends->windows);
    }

    if (weir_policy_is(ps, "schema")) {
        return weir_policy_schema(ps, &ends->schemas);
    }

    if (weir_policy_is(ps, "role")) {
        return weir_policy_role(ps, &ends->roles);
    }

    shadow = weir_policy_is(ps, "shadow");

    if (shadow) {
        weir_policy_lex(ps);

        if (!weir_policy_is(ps, "permit") && !weir_policy_is(ps, "deny")) {
            return weir_policy_expected(ps, "permit or deny");
        }

        first = ps->tok;
    }

    if (weir_policy_is(ps, "permit") || weir_policy_is(ps, "deny")
        || weir_policy_is(ps, "test") || weir_policy_is(ps, "assert"))
    {
        if (ps->file->policy.text.len == 0) {
            weir_policy_error(ps->c, weir_policy_here(ps), "a library (a file "
                              "without \"policy NAME;\") holds no %.*s",
                              weir_policy_s(first.text));
        }

        if (weir_policy_is(ps, "assert")) {
            return weir_policy_parse_assert(ps, &ends->asserts);
        }

        return weir_policy_is(ps, "test")
               ? weir_policy_parse_test(ps, &ends->tests)
               : weir_policy_parse_rule(ps, shadow, &ends->rules);
    }

    if (weir_policy_is(ps, "language") || weir_policy_is(ps, "policy")) {
        weir_policy_error(ps->c, weir_policy_here(ps), "\"%.*s\" stands once, "
                          "at the head of the file",
                          weir_policy_s(first.text));
        return WEIR_ERROR;
    }

    if (ps->tok.kind == '}') {
        weir_policy_error(ps->c, weir_policy_here(ps), "unexpected \"}\"");
        weir_policy_lex(ps);
        return WEIR_OK;
    }

    return weir_policy_expected_word(ps, "import, schema, role, set, window, "
                                     "permit, deny, shadow, assert or test",
                                     weir_policy_statements);
}


/* 1 if the current token can begin a statement of a file. */

static int
weir_policy_begins(const weir_policy_parser_t *ps)
{
    size_t  i;

    for (i = 0; weir_policy_statements[i] != NULL; i++) {
        if (weir_policy_is(ps, weir_policy_statements[i])) {
            return 1;
        }
    }

    return 0;
}


/*
 * Goes on behind the statement that holds an error: its ";", or in a file its
 * block.  Braces are matched, as patterns hold some.
 */

static void
weir_policy_skip(weir_policy_parser_t *ps, int in_block)
{
    uint32_t  depth;

    depth = 0;

    while (ps->tok.kind != WEIR_POLICY_TOK_END) {

        if (ps->tok.kind == '{') {
            depth++;

        } else if (ps->tok.kind == '}') {

            if (depth == 0) {
                if (!in_block) {
                    weir_policy_lex(ps);
                }

                return;
            }

            if (--depth == 0 && !in_block) {
                weir_policy_lex(ps);
                return;
            }

        } else if (ps->tok.kind == ';' && depth == 0) {
            weir_policy_lex(ps);
            return;
        }

        weir_policy_lex(ps);
    }
}


int
weir_policy_block(weir_policy_parser_t *ps,
    int (*item)(weir_policy_parser_t *ps, void *data), void *data)
{
    if (weir_policy_expect(ps, '{', "\"{\"") != WEIR_OK) {
        return WEIR_ERROR;
    }

    for ( ;; ) {

        if (ps->tok.kind == '}') {
            weir_policy_lex(ps);
            return WEIR_OK;
        }

        if (ps->tok.kind == WEIR_POLICY_TOK_END || weir_policy_begins(ps)) {
            (void) weir_policy_expected(ps, "\"}\"");
            return WEIR_OK;
        }

        if (item(ps, data) != WEIR_OK) {
            weir_policy_skip(ps, 1);
        }
    }
}


/* "schema" [ "from" ID { "," ID } ] "{" { decl ";" } "}" */

static int
weir_policy_schema(weir_policy_parser_t *ps, weir_policy_schema_t ***last)
{
    weir_policy_word_t          issuer;
    weir_policy_table_t         seen;
    weir_policy_words_t       **end;
    weir_policy_schema_t       *schema;
    weir_policy_schema_data_t   data;

    schema = weir_policy_alloc(ps->c, sizeof(weir_policy_schema_t));
    if (schema == NULL) {
        return WEIR_ERROR;
    }

    schema->loc = weir_policy_here(ps);
    end = &schema->issuers;

    memset(&seen, 0, sizeof(weir_policy_table_t));

    weir_policy_lex(ps);

    if (weir_policy_is(ps, "from")) {

        do {
            weir_policy_lex(ps);

            if (weir_policy_id(ps, "an issuer's name", &issuer) != WEIR_OK) {
                return WEIR_ERROR;
            }

            if (!weir_policy_table_put(ps->c, &seen, issuer.text, schema)
                && !ps->c->nomem)
            {
                weir_policy_error(ps->c, issuer.loc, "issuer %.*s is "
                                  "duplicate", weir_policy_s(issuer.text));
            }

            if (weir_policy_add_word(ps, &end, &issuer) != WEIR_OK) {
                return WEIR_ERROR;
            }

        } while (ps->tok.kind == ',');
    }

    data.schema = schema;
    data.last = &schema->decls;

    **last = schema;
    *last = &schema->next;

    return weir_policy_block(ps, weir_policy_decl, &data);
}


/* "claim" cname [ "optional" ] type ";" */

static int
weir_policy_decl(weir_policy_parser_t *ps, void *data)
{
    weir_policy_decl_t         *decl;
    weir_policy_schema_data_t  *sd;

    sd = data;

    if (!weir_policy_is(ps, "claim")) {
        return weir_policy_expected(ps, "claim or \"}\"");
    }

    decl = weir_policy_alloc(ps->c, sizeof(weir_policy_decl_t));
    if (decl == NULL) {
        return WEIR_ERROR;
    }

    weir_policy_lex(ps);

    decl->loc = weir_policy_here(ps);

    if (weir_policy_cname(ps, &decl->key, &decl->text) != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (weir_policy_is(ps, "optional")) {
        decl->optional = 1;
        weir_policy_lex(ps);
    }

    /* a claim of a wrong type is declared all the same: one error suffices */

    *sd->last = decl;
    sd->last = &decl->next;

    if (weir_policy_decl_type(ps, decl) != WEIR_OK) {
        return WEIR_ERROR;
    }

    return weir_policy_semicolon(ps);
}


static int
weir_policy_decl_type(weir_policy_parser_t *ps, weir_policy_decl_t *decl)
{
    decl->type = weir_policy_is(ps, "bool") ? WEIR_POLICY_T_BOOL
                 : weir_policy_is(ps, "int") ? WEIR_POLICY_T_INT
                 : weir_policy_is(ps, "string") ? WEIR_POLICY_T_STRING
                 : weir_policy_is(ps, "set") ? WEIR_POLICY_T_SET
                 : WEIR_POLICY_T_NONE;

    if (decl->type == WEIR_POLICY_T_NONE) {
        return weir_policy_expected(ps, "bool, int, string or set<string>");
    }

    weir_policy_lex(ps);

    if (decl->type != WEIR_POLICY_T_SET) {
        return WEIR_OK;
    }

    if (weir_policy_expect(ps, '<', "set<string>: \"<\"") != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (!weir_policy_is(ps, "string")) {
        return weir_policy_expected(ps, "set<string>: \"string\"");
    }

    weir_policy_lex(ps);

    return weir_policy_expect(ps, '>', "set<string>: \">\"");
}


/* "role" ID "{" { "when" expr ";" | "includes" ID { "," ID } ";" } "}" */

static int
weir_policy_role(weir_policy_parser_t *ps, weir_policy_role_t ***last)
{
    weir_policy_role_t       *role;
    weir_policy_role_data_t   data;

    role = weir_policy_alloc(ps->c, sizeof(weir_policy_role_t));
    if (role == NULL) {
        return WEIR_ERROR;
    }

    weir_policy_lex(ps);

    if (weir_policy_id(ps, "the role's name", &role->name) != WEIR_OK) {
        return WEIR_ERROR;
    }

    **last = role;
    *last = &role->next;

    ps->file->nroles++;

    memset(&data, 0, sizeof(weir_policy_role_data_t));

    data.role = role;
    data.last = &role->includes;

    return weir_policy_block(ps, weir_policy_role_item, &data);
}


static int
weir_policy_role_item(weir_policy_parser_t *ps, void *data)
{
    weir_policy_loc_t          loc;
    weir_policy_expr_t        *expr;
    weir_policy_role_t        *role;
    weir_policy_role_data_t   *rd;

    static const char *const  words[] = { "when", "includes", NULL };

    rd = data;
    role = rd->role;
    loc = weir_policy_here(ps);

    if (weir_policy_is(ps, "includes")) {
        return weir_policy_role_includes(ps, rd);
    }

    if (!weir_policy_is(ps, "when")) {
        return weir_policy_expected_word(ps, "when, includes or \"}\"",
                                         words);
    }

    weir_policy_lex(ps);

    if (weir_policy_parse_expr(ps, &expr) != WEIR_OK
        || weir_policy_semicolon(ps) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (role->when != NULL) {
        weir_policy_error(ps->c, loc, "\"when\" is duplicate; a role has one, "
                          "join them with && or ||");

    } else {
        role->when = expr;
    }

    return WEIR_OK;
}


/* "includes" ID { "," ID } ";" */

static int
weir_policy_role_includes(weir_policy_parser_t *ps,
    weir_policy_role_data_t *rd)
{
    weir_policy_word_t    word;
    weir_policy_word_t   *first;
    weir_policy_words_t  *w;

    do {
        weir_policy_lex(ps);

        if (weir_policy_id(ps, "a role's name", &word) != WEIR_OK) {
            return WEIR_ERROR;
        }

        if (ps->tok.kind == '.') {
            weir_policy_error(ps->c, word.loc, "a role includes roles of its "
                              "own file, no imported ones");
            return WEIR_ERROR;
        }

        if (weir_policy_add_word(ps, &rd->last, &word) != WEIR_OK) {
            return WEIR_ERROR;
        }

        /* what was added last holds the end of the list */

        w = (weir_policy_words_t *) (void *)
            ((uint8_t *) rd->last - offsetof(weir_policy_words_t, next));

        if (!weir_policy_table_put(ps->c, &rd->seen, word.text, &w->word)
            && !ps->c->nomem)
        {
            first = weir_policy_table_get(&rd->seen, word.text);

            weir_policy_error(ps->c, word.loc, "%.*s is included already",
                              weir_policy_s(word.text));
            weir_policy_relate(ps->c, first->loc, "first");
        }

    } while (ps->tok.kind == ',');

    return weir_policy_semicolon(ps);
}
