
/*
 * Weir: the parser of expressions.
 *
 *   expr = and { "||" and } ;  and = unary { "&&" unary } ;
 *   unary = [ "!" ] ( compare | "(" expr ")" ) ;
 *   compare = value [ op value ] | "has" attr ;          does not chain
 */

#include "weir_policy_lex.h"


static int weir_policy_or(weir_policy_parser_t *ps,
    weir_policy_expr_t **expr);
static int weir_policy_and(weir_policy_parser_t *ps,
    weir_policy_expr_t **expr);
static int weir_policy_unary(weir_policy_parser_t *ps,
    weir_policy_expr_t **expr);
static int weir_policy_compare(weir_policy_parser_t *ps,
    weir_policy_expr_t **expr);
static int weir_policy_operator(weir_policy_parser_t *ps,
    weir_policy_expr_op_t *op);
static int weir_policy_value(weir_policy_parser_t *ps,
    weir_policy_expr_t **expr);
static int weir_policy_literal(weir_policy_parser_t *ps,
    weir_policy_literal_t *literal);
static int weir_policy_list(weir_policy_parser_t *ps,
    weir_policy_literal_t *list);
static int weir_policy_attr(weir_policy_parser_t *ps,
    weir_policy_attr_t **attr);
static int weir_policy_attr_claim(weir_policy_parser_t *ps,
    weir_policy_attr_t *attr);
static int weir_policy_attr_call(weir_policy_parser_t *ps,
    weir_policy_attr_t *attr);
static int weir_policy_attr_member(weir_policy_parser_t *ps,
    weir_policy_attr_t *attr);
static weir_policy_expr_t *weir_policy_node(weir_policy_parser_t *ps,
    weir_policy_expr_op_t op, weir_policy_loc_t loc);


/* Attributes "object.member"; claim and path have their own. */

typedef struct {
    const char               *object;
    const char               *member;
    weir_policy_attr_kind_t   kind;
} weir_policy_member_t;

static const weir_policy_member_t  weir_policy_members[] = {
    { "source", "ip", WEIR_POLICY_A_SOURCE_IP },
    { "source", "peer", WEIR_POLICY_A_SOURCE_PEER },
    { "request", "method", WEIR_POLICY_A_METHOD },
    { "request", "path", WEIR_POLICY_A_REQUEST_PATH },
    { "request", "host", WEIR_POLICY_A_HOST },
    { "request", "scheme", WEIR_POLICY_A_SCHEME },
    { "request", "time", WEIR_POLICY_A_REQUEST_TIME },
    { "identity", "kind", WEIR_POLICY_A_KIND },
    { "identity", "issuer", WEIR_POLICY_A_ISSUER },
    { "identity", "subject", WEIR_POLICY_A_SUBJECT },
    { "identity", "principal", WEIR_POLICY_A_PRINCIPAL },
    { "identity", "spiffe", WEIR_POLICY_A_SPIFFE },
    { "tls", "version", WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_VERSION },
    { "tls", "cipher", WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_CIPHER },
    { "tls", "sni", WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_SNI },
    { "tls", "fingerprint", WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_FINGERPRINT },
    { "tls", "spiffe", WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_SPIFFE }
};

#define WEIR_POLICY_NMEMBERS                                                  \
    (sizeof(weir_policy_members) / sizeof(weir_policy_members[0]))


int
weir_policy_parse_expr(weir_policy_parser_t *ps, weir_policy_expr_t **expr)
{
    ps->depth = 0;
    ps->nodes = 0;

    return weir_policy_or(ps, expr);
}


static int
weir_policy_or(weir_policy_parser_t *ps, weir_policy_expr_t **expr)
{
    weir_policy_loc_t    loc;
    weir_policy_expr_t  *e, *left, *right;

    if (weir_policy_and(ps, &left) != WEIR_OK) {
        return WEIR_ERROR;
    }

    while (ps->tok.kind == WEIR_POLICY_TOK_OR) {
        loc = weir_policy_here(ps);

        weir_policy_lex(ps);

        if (weir_policy_and(ps, &right) != WEIR_OK) {
            return WEIR_ERROR;
        }

        e = weir_policy_node(ps, WEIR_POLICY_E_OR, loc);
        if (e == NULL) {
            return WEIR_ERROR;
        }

        e->left = left;
        e->right = right;
        left = e;
    }

    *expr = left;

    return WEIR_OK;
}


static int
weir_policy_and(weir_policy_parser_t *ps, weir_policy_expr_t **expr)
{
    weir_policy_loc_t    loc;
    weir_policy_expr_t  *e, *left, *right;

    if (weir_policy_unary(ps, &left) != WEIR_OK) {
        return WEIR_ERROR;
    }

    while (ps->tok.kind == WEIR_POLICY_TOK_AND) {
        loc = weir_policy_here(ps);

        weir_policy_lex(ps);

        if (weir_policy_unary(ps, &right) != WEIR_OK) {
            return WEIR_ERROR;
        }

        e = weir_policy_node(ps, WEIR_POLICY_E_AND, loc);
        if (e == NULL) {
            return WEIR_ERROR;
        }

        e->left = left;
        e->right = right;
        left = e;
    }

    *expr = left;

    return WEIR_OK;
}


static int
weir_policy_unary(weir_policy_parser_t *ps, weir_policy_expr_t **expr)
{
    weir_policy_expr_t  *e, *not;

    not = NULL;

    if (ps->tok.kind == '!') {
        not = weir_policy_node(ps, WEIR_POLICY_E_NOT, weir_policy_here(ps));
        if (not == NULL) {
            return WEIR_ERROR;
        }

        weir_policy_lex(ps);
    }

    if (ps->tok.kind == '(') {

        if (++ps->depth > WEIR_POLICY_MAX_DEPTH) {
            weir_policy_error(ps->c, weir_policy_here(ps), "parentheses nest "
                              "deeper than %d", WEIR_POLICY_MAX_DEPTH);
            return WEIR_ERROR;
        }

        weir_policy_lex(ps);

        if (weir_policy_or(ps, &e) != WEIR_OK
            || weir_policy_expect(ps, ')', "\")\"") != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        ps->depth--;
        e->paren = 1;

    } else if (weir_policy_compare(ps, &e) != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (not != NULL) {
        not->left = e;
        e = not;
    }

    *expr = e;

    return WEIR_OK;
}


static int
weir_policy_compare(weir_policy_parser_t *ps, weir_policy_expr_t **expr)
{
    weir_policy_loc_t       loc;
    weir_policy_expr_t     *e, *left;
    weir_policy_expr_op_t   op;

    if (weir_policy_is(ps, "has")) {
        e = weir_policy_node(ps, WEIR_POLICY_E_HAS, weir_policy_here(ps));
        if (e == NULL) {
            return WEIR_ERROR;
        }

        weir_policy_lex(ps);

        /* the attribute is a node too */

        if (weir_policy_attr(ps, &e->attr) != WEIR_OK
            || weir_policy_node(ps, WEIR_POLICY_E_ATTR, e->loc) == NULL)
        {
            return WEIR_ERROR;
        }

        *expr = e;

        return WEIR_OK;
    }

    if (weir_policy_value(ps, &left) != WEIR_OK) {
        return WEIR_ERROR;
    }

    loc = weir_policy_here(ps);
    op = WEIR_POLICY_E_EQ;

    switch (weir_policy_operator(ps, &op)) {

    case WEIR_OK:
        break;

    case WEIR_DECLINED:
        *expr = left;
        return WEIR_OK;

    default:
        return WEIR_ERROR;
    }

    e = weir_policy_node(ps, op, loc);
    if (e == NULL) {
        return WEIR_ERROR;
    }

    e->left = left;

    if (weir_policy_value(ps, &e->right) != WEIR_OK) {
        return WEIR_ERROR;
    }

    loc = weir_policy_here(ps);

    switch (weir_policy_operator(ps, &op)) {

    case WEIR_OK:
        weir_policy_error(ps->c, loc, "comparisons do not chain; join two "
                          "with &&");
        return WEIR_ERROR;

    case WEIR_DECLINED:
        *expr = e;
        return WEIR_OK;

    default:
        return WEIR_ERROR;
    }
}


/* Takes an operator of comparisons; WEIR_DECLINED where there is none. */

static int
weir_policy_operator(weir_policy_parser_t *ps, weir_policy_expr_op_t *op)
{
    switch (ps->tok.kind) {

    case WEIR_POLICY_TOK_EQ:
        *op = WEIR_POLICY_E_EQ;
        break;

    case WEIR_POLICY_TOK_NE:
        *op = WEIR_POLICY_E_NE;
        break;

    case '<':
        *op = WEIR_POLICY_E_LT;
        break;

    case WEIR_POLICY_TOK_LE:
        *op = WEIR_POLICY_E_LE;
        break;

    case '>':
        *op = WEIR_POLICY_E_GT;
        break;

    case WEIR_POLICY_TOK_GE:
        *op = WEIR_POLICY_E_GE;
        break;

    case '~':
        return weir_policy_later(ps, "~");

    case WEIR_POLICY_TOK_WORD:

        if (weir_policy_is(ps, "in")) {
            *op = WEIR_POLICY_E_IN;
            break;
        }

        if (weir_policy_is(ps, "like")) {
            *op = WEIR_POLICY_E_LIKE;
            break;
        }

        if (weir_policy_is(ps, "any")) {
            return weir_policy_later(ps, "any in");
        }

        if (weir_policy_is(ps, "all")) {
            return weir_policy_later(ps, "all in");
        }

        return WEIR_DECLINED;

    default:
        return WEIR_DECLINED;
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


static int
weir_policy_value(weir_policy_parser_t *ps, weir_policy_expr_t **expr)
{
    weir_policy_expr_t  *e;

    e = weir_policy_node(ps, WEIR_POLICY_E_LITERAL, weir_policy_here(ps));
    if (e == NULL) {
        return WEIR_ERROR;
    }

    *expr = e;

    if (ps->tok.kind == WEIR_POLICY_TOK_WORD && !weir_policy_is(ps, "true")
        && !weir_policy_is(ps, "false"))
    {
        e->op = WEIR_POLICY_E_ATTR;
        return weir_policy_attr(ps, &e->attr);
    }

    e->literal = weir_policy_alloc(ps->c, sizeof(weir_policy_literal_t));
    if (e->literal == NULL) {
        return WEIR_ERROR;
    }

    if (ps->tok.kind == '[') {
        return weir_policy_list(ps, e->literal);
    }

    return weir_policy_literal(ps, e->literal);
}


static int
weir_policy_literal(weir_policy_parser_t *ps, weir_policy_literal_t *literal)
{
    int  rc;

    literal->loc = weir_policy_here(ps);
    literal->text = ps->tok.text;

    switch (ps->tok.kind) {

    case WEIR_POLICY_TOK_STRING:
        literal->type = WEIR_POLICY_T_STRING;
        literal->string = ps->tok.value;
        break;

    case WEIR_POLICY_TOK_NUMBER:
        rc = weir_policy_lex_number(ps, literal);

        /* the literal is wrong, its place is not: read on */

        if (rc != WEIR_OK) {
            literal->type = WEIR_POLICY_T_NONE;
        }

        break;

    case WEIR_POLICY_TOK_URI:
        return weir_policy_later(ps, "spiffe");

    case WEIR_POLICY_TOK_WORD:

        if (weir_policy_is(ps, "true") || weir_policy_is(ps, "false")) {
            literal->type = WEIR_POLICY_T_BOOL;
            literal->number = weir_policy_is(ps, "true");
            break;
        }

        /* fall through */

    default:
        return weir_policy_expected(ps, "a value");
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


/* "[" [ literal { "," literal } ] "]" */

static int
weir_policy_list(weir_policy_parser_t *ps, weir_policy_literal_t *list)
{
    weir_policy_literal_t  *item, **last;

    list->type = WEIR_POLICY_T_LIST;
    list->loc = weir_policy_here(ps);
    list->text = weir_str("the list");

    last = &list->items;

    weir_policy_lex(ps);

    if (ps->tok.kind == ']') {
        weir_policy_lex(ps);
        return WEIR_OK;
    }

    for ( ;; ) {

        if (list->nitems == WEIR_POLICY_MAX_ITEMS) {
            weir_policy_error(ps->c, weir_policy_here(ps), "a list has at most "
                              "%d items", WEIR_POLICY_MAX_ITEMS);
            return WEIR_ERROR;
        }

        item = weir_policy_alloc(ps->c, sizeof(weir_policy_literal_t));

        if (item == NULL || weir_policy_literal(ps, item) != WEIR_OK) {
            return WEIR_ERROR;
        }

        *last = item;
        last = &item->next;
        list->nitems++;

        if (ps->tok.kind == ']') {
            weir_policy_lex(ps);
            return WEIR_OK;
        }

        if (ps->tok.kind != ',') {
            return weir_policy_expected(ps, "\",\" or \"]\"");
        }

        weir_policy_lex(ps);
    }
}


static int
weir_policy_attr(weir_policy_parser_t *ps, weir_policy_attr_t **result)
{
    size_t               i;
    uint32_t             start;
    weir_policy_attr_t  *attr;
    weir_policy_token_t  first;

    attr = weir_policy_alloc(ps->c, sizeof(weir_policy_attr_t));
    if (attr == NULL) {
        return WEIR_ERROR;
    }

    *result = attr;

    attr->loc = weir_policy_here(ps);
    start = ps->tok.start;
    first = ps->tok;

    if (weir_policy_is(ps, "claim")) {
        weir_policy_lex(ps);
        return weir_policy_attr_claim(ps, attr);
    }

    if (weir_policy_is(ps, "header") || weir_policy_is(ps, "query")) {

        attr->kind = weir_policy_is(ps, "header") ? WEIR_POLICY_A_HEADER
                                                  : WEIR_POLICY_A_QUERY;
        weir_policy_lex(ps);

        if (weir_policy_attr_call(ps, attr) != WEIR_OK) {
            return WEIR_ERROR;
        }

    } else if (weir_policy_is(ps, "path")) {

        weir_policy_lex(ps);

        if (weir_policy_attr_member(ps, attr) != WEIR_OK) {
            return WEIR_ERROR;
        }

        attr->kind = WEIR_POLICY_A_PATH;

    } else {

        for (i = 0; i < WEIR_POLICY_NMEMBERS; i++) {
            if (weir_policy_is(ps, weir_policy_members[i].object)) {
                break;
            }
        }

        if (i == WEIR_POLICY_NMEMBERS) {

            if (ps->tok.kind != WEIR_POLICY_TOK_WORD) {
                return weir_policy_expected(ps, "an attribute");
            }

            weir_policy_error(ps->c, attr->loc, "\"%.*s\" is no attribute; "
                              "sets and other names come with a later release "
                              "of Weir", weir_policy_s(first.text));
            return WEIR_ERROR;
        }

        weir_policy_lex(ps);

        if (weir_policy_attr_member(ps, attr) != WEIR_OK) {
            return WEIR_ERROR;
        }

        for (i = 0; i < WEIR_POLICY_NMEMBERS; i++) {
            if (strlen(weir_policy_members[i].object) == first.text.len
                && memcmp(weir_policy_members[i].object, first.text.data,
                          first.text.len) == 0
                && strlen(weir_policy_members[i].member) == attr->name.len
                && memcmp(weir_policy_members[i].member, attr->name.data,
                          attr->name.len) == 0)
            {
                break;
            }
        }

        if (i == WEIR_POLICY_NMEMBERS) {
            weir_policy_error(ps->c, attr->loc, "there is no attribute "
                              "%.*s.%.*s", weir_policy_s(first.text),
                              weir_policy_s(attr->name));
            return WEIR_ERROR;
        }

        attr->kind = weir_policy_members[i].kind;
    }

    attr->text.data = ps->src.data + start;
    attr->text.len = ps->prev_end - start;

    return WEIR_OK;
}


/* "claim" ( "." ID { "." ID } | "[" STRING "]" ) */

static int
weir_policy_attr_claim(weir_policy_parser_t *ps, weir_policy_attr_t *attr)
{
    attr->kind = WEIR_POLICY_A_CLAIM;

    if (ps->tok.kind == '.') {
        weir_policy_lex(ps);

        if (ps->tok.kind != WEIR_POLICY_TOK_WORD) {
            return weir_policy_expected(ps, "a claim's name");
        }

        return weir_policy_cname(ps, &attr->name, &attr->text);
    }

    if (ps->tok.kind != '[') {
        return weir_policy_expected(ps, "claim.NAME or claim[\"NAME\"]: \".\" "
                                    "or \"[\"");
    }

    weir_policy_lex(ps);

    if (ps->tok.kind != WEIR_POLICY_TOK_STRING) {
        return weir_policy_expected(ps, "a string");
    }

    if (weir_policy_cname(ps, &attr->name, &attr->text) != WEIR_OK) {
        return WEIR_ERROR;
    }

    return weir_policy_expect(ps, ']', "\"]\"");
}


/* "(" STRING ")"; names of headers are kept in lower case. */

static int
weir_policy_attr_call(weir_policy_parser_t *ps, weir_policy_attr_t *attr)
{
    size_t               i;
    uint8_t             *p, ch;
    weir_policy_word_t   name;

    if (weir_policy_expect(ps, '(', "\"(\"") != WEIR_OK
        || weir_policy_string(ps, "a name in double quotes", &name) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    attr->name = name.text;

    if (attr->kind == WEIR_POLICY_A_HEADER) {

        p = weir_policy_alloc(ps->c, name.text.len);
        if (p == NULL) {
            return WEIR_ERROR;
        }

        attr->name.data = p;

        for (i = 0; i < name.text.len; i++) {
            ch = name.text.data[i];
            p[i] = ch >= 'A' && ch <= 'Z' ? ch | 0x20 : ch;

            if (ch <= 0x20 || ch >= 0x7f
                || strchr("\"(),/:;<=>?@[\\]{}", ch) != NULL)
            {
                break;
            }
        }

        if (name.text.len == 0 || i < name.text.len) {
            weir_policy_error(ps->c, name.loc, "this is no header's name");
        }

    } else if (name.text.len == 0
               || memchr(name.text.data, '\0', name.text.len) != NULL)
    {
        weir_policy_error(ps->c, name.loc, "this is no query parameter's name");
    }

    return weir_policy_expect(ps, ')', "\")\"");
}


/* "." ID */

static int
weir_policy_attr_member(weir_policy_parser_t *ps, weir_policy_attr_t *attr)
{
    weir_policy_word_t  member;

    if (weir_policy_expect(ps, '.', "\".\"") != WEIR_OK
        || weir_policy_id(ps, "an attribute's name", &member) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    attr->name = member.text;

    return WEIR_OK;
}


static weir_policy_expr_t *
weir_policy_node(weir_policy_parser_t *ps, weir_policy_expr_op_t op,
    weir_policy_loc_t loc)
{
    weir_policy_expr_t  *e;

    if (++ps->nodes > WEIR_POLICY_MAX_NODES) {
        weir_policy_error(ps->c, loc, "an expression has at most %d operators, "
                          "attributes and literals", WEIR_POLICY_MAX_NODES);
        return NULL;
    }

    e = weir_policy_alloc(ps->c, sizeof(weir_policy_expr_t));

    if (e != NULL) {
        e->op = op;
        e->loc = loc;
    }

    return e;
}
