
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
static weir_policy_expr_t *weir_policy_node(weir_policy_parser_t *ps,
    weir_policy_expr_op_t op, weir_policy_loc_t loc);


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

        if (weir_policy_parse_attr(ps, &e->attr) != WEIR_OK
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
        *op = WEIR_POLICY_E_MATCH;
        break;

    case WEIR_POLICY_TOK_WORD:

        if (weir_policy_is(ps, "in")) {
            *op = WEIR_POLICY_E_IN;
            break;
        }

        if (weir_policy_is(ps, "like")) {
            *op = WEIR_POLICY_E_LIKE;
            break;
        }

        if (weir_policy_is(ps, "any") || weir_policy_is(ps, "all")) {
            *op = weir_policy_is(ps, "any") ? WEIR_POLICY_E_ANY_IN
                                            : WEIR_POLICY_E_ALL_IN;
            weir_policy_lex(ps);

            if (!weir_policy_is(ps, "in")) {
                return weir_policy_expected(ps, "in, as in \"any in\" and "
                                            "\"all in\",");
            }

            break;
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
        if (weir_policy_is_object(ps->tok.text)) {
            e->op = WEIR_POLICY_E_ATTR;
            return weir_policy_parse_attr(ps, &e->attr);
        }

        e->op = WEIR_POLICY_E_REF;

        e->ref = weir_policy_alloc(ps->c, sizeof(weir_policy_dotted_t));
        if (e->ref == NULL) {
            return WEIR_ERROR;
        }

        return weir_policy_dotted(ps, "a set's name", e->ref);
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
        literal->type = WEIR_POLICY_T_STRING;
        return weir_policy_spiffe(ps, &literal->string);

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
