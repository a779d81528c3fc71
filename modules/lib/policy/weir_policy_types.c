
/*
 * Weir: types of expressions, and the guards of what may be absent.
 */

#include "weir_policy_lex.h"


/* "has X" that hold where the walk is. */

typedef struct {
    uint32_t                   n;
    const weir_policy_attr_t  *attrs[WEIR_POLICY_MAX_NODES];
} weir_policy_guards_t;


static void weir_policy_check_bool(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_expr_t *e);
static void weir_policy_check_compare(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_expr_t *e);
static void weir_policy_check_in(weir_policy_compiler_t *c,
    weir_policy_expr_t *e);
static void weir_policy_check_ref(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_expr_t *e);
static void weir_policy_check_value(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_expr_t *e);
static void weir_policy_check_list(weir_policy_compiler_t *c,
    weir_policy_literal_t *list);
static weir_policy_type_t weir_policy_check_attr(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_attr_t *attr);
static void weir_policy_check_undeclared(weir_policy_compiler_t *c,
    weir_policy_file_t *file, const weir_policy_attr_t *attr);
static void weir_policy_mismatch(weir_policy_compiler_t *c,
    const weir_policy_expr_t *e);
static void weir_policy_guard(weir_policy_compiler_t *c,
    const weir_policy_expr_t *e, weir_policy_guards_t *guards);
static void weir_policy_guard_chain(weir_policy_compiler_t *c,
    const weir_policy_expr_t *e, weir_policy_guards_t *guards);
static int weir_policy_attr_optional(const weir_policy_attr_t *attr);


static const char *const  weir_policy_type_names[] = {
    "of no type", "bool", "int", "string", "ip", "cidr", "time", "duration",
    "set<string>", "a list"
};


const char *
weir_policy_type_name(weir_policy_type_t type)
{
    return weir_policy_type_names[type];
}


void
weir_policy_check_expr(weir_policy_compiler_t *c, weir_policy_file_t *file,
    weir_policy_expr_t *e, int guards)
{
    uint32_t               before;
    weir_policy_guards_t   g;

    before = c->nerrors;

    weir_policy_check_bool(c, file, e);

    if (guards && c->nerrors == before) {
        g.n = 0;
        weir_policy_guard(c, e, &g);
    }
}


static void
weir_policy_check_bool(weir_policy_compiler_t *c, weir_policy_file_t *file,
    weir_policy_expr_t *e)
{
    weir_str_t  text;

    switch (e->op) {

    case WEIR_POLICY_E_AND:
    case WEIR_POLICY_E_OR:
        weir_policy_check_bool(c, file, e->left);
        weir_policy_check_bool(c, file, e->right);
        break;

    case WEIR_POLICY_E_NOT:
        weir_policy_check_bool(c, file, e->left);
        break;

    case WEIR_POLICY_E_HAS:
        (void) weir_policy_check_attr(c, file, e->attr);
        break;

    case WEIR_POLICY_E_ATTR:
    case WEIR_POLICY_E_LITERAL:
    case WEIR_POLICY_E_REF:
        weir_policy_check_value(c, file, e);

        if (e->type != WEIR_POLICY_T_BOOL && e->type != WEIR_POLICY_T_NONE) {
            text = weir_policy_value_text(e);

            weir_policy_error(c, e->loc, "%.*s is %s, a condition is bool",
                              weir_policy_s(text),
                              weir_policy_type_name(e->type));
            weir_policy_declared(c, e);
        }

        return;

    default:
        weir_policy_check_compare(c, file, e);
        break;
    }

    e->type = WEIR_POLICY_T_BOOL;
}


static void
weir_policy_check_compare(weir_policy_compiler_t *c, weir_policy_file_t *file,
    weir_policy_expr_t *e)
{
    weir_str_t            text;
    weir_policy_type_t    type;
    weir_policy_expr_t   *odd;

    weir_policy_check_value(c, file, e->left);
    weir_policy_check_value(c, file, e->right);

    if (e->left->type == WEIR_POLICY_T_NONE
        || e->right->type == WEIR_POLICY_T_NONE)
    {
        return;
    }

    if (e->op == WEIR_POLICY_E_IN) {
        weir_policy_check_in(c, e);
        return;
    }

    if (e->op == WEIR_POLICY_E_LIKE) {
        weir_policy_check_like(c, e);
        return;
    }

    if (e->op == WEIR_POLICY_E_MATCH) {
        weir_policy_check_match(c, e);
        return;
    }

    if (e->op == WEIR_POLICY_E_ANY_IN || e->op == WEIR_POLICY_E_ALL_IN) {
        weir_policy_check_sets(c, e);
        return;
    }

    if (e->left->type != e->right->type) {
        weir_policy_mismatch(c, e);
        return;
    }

    type = e->left->type;
    odd = e->left;
    text = weir_policy_value_text(odd);

    switch (type) {

    case WEIR_POLICY_T_INT:
    case WEIR_POLICY_T_TIME:
    case WEIR_POLICY_T_DURATION:
        return;

    case WEIR_POLICY_T_BOOL:
    case WEIR_POLICY_T_STRING:
    case WEIR_POLICY_T_IP:

        if (e->op == WEIR_POLICY_E_EQ || e->op == WEIR_POLICY_E_NE) {
            return;
        }

        weir_policy_error(c, e->loc, "%.*s is %s, which has no order; there "
                          "are == and !=", weir_policy_s(text),
                          weir_policy_type_name(type));
        break;

    case WEIR_POLICY_T_SET:
        weir_policy_error(c, e->loc, "%.*s is set<string>; sets know \"in\", "
                          "\"any in\" and \"all in\" only",
                          weir_policy_s(text));
        break;

    default:
        weir_policy_error(c, e->loc, "%.*s is %s, which stands on the right of "
                          "\"in\" only", weir_policy_s(text),
                          weir_policy_type_name(type));
        break;
    }

    weir_policy_declared(c, odd);
}


static void
weir_policy_check_in(weir_policy_compiler_t *c, weir_policy_expr_t *e)
{
    weir_str_t           text;
    weir_policy_type_t   left, right, item;

    left = e->left->type;
    right = e->right->type;

    text = weir_policy_value_text(e->left);

    if (left == WEIR_POLICY_T_SET) {
        weir_policy_error(c, e->left->loc, "%.*s is set<string>; \"any in\" "
                          "and \"all in\" compare the items of sets",
                          weir_policy_s(text));
        weir_policy_declared(c, e->left);
        return;
    }

    if (left == WEIR_POLICY_T_LIST || left == WEIR_POLICY_T_CIDR) {
        weir_policy_error(c, e->left->loc, "%.*s is %s, which stands on the "
                          "right of \"in\" only", weir_policy_s(text),
                          weir_policy_type_name(left));
        return;
    }

    switch (right) {

    case WEIR_POLICY_T_LIST:
        item = e->right->literal->item_type;

        if (item == WEIR_POLICY_T_CIDR) {
            item = WEIR_POLICY_T_IP;
        }

        if (e->right->literal->nitems == 0 || item == WEIR_POLICY_T_NONE
            || left == item)
        {
            return;
        }

        weir_policy_error(c, e->right->loc, "%.*s is %s, the list's items are "
                          "%s", weir_policy_s(text),
                          weir_policy_type_name(left),
                          weir_policy_type_name(item));
        weir_policy_declared(c, e->left);
        return;

    case WEIR_POLICY_T_SET:

        if (left != WEIR_POLICY_T_STRING) {
            weir_policy_mismatch(c, e);
        }

        return;

    case WEIR_POLICY_T_CIDR:

        if (left != WEIR_POLICY_T_IP) {
            weir_policy_mismatch(c, e);
        }

        return;

    default:
        text = weir_policy_value_text(e->right);

        weir_policy_error(c, e->right->loc, "%.*s is %s; \"in\" needs a list, "
                          "a set or a network on its right",
                          weir_policy_s(text), weir_policy_type_name(right));
        weir_policy_declared(c, e->right);
        return;
    }
}


static void
weir_policy_check_value(weir_policy_compiler_t *c, weir_policy_file_t *file,
    weir_policy_expr_t *e)
{
    if (e->op == WEIR_POLICY_E_ATTR) {
        e->type = weir_policy_check_attr(c, file, e->attr);
        return;
    }

    if (e->op == WEIR_POLICY_E_REF) {
        weir_policy_check_ref(c, file, e);
        return;
    }

    e->type = e->literal->type;

    if (e->type == WEIR_POLICY_T_LIST) {
        weir_policy_check_list(c, e->literal);
    }
}


/* A set is the list that it names. */

static void
weir_policy_check_ref(weir_policy_compiler_t *c, weir_policy_file_t *file,
    weir_policy_expr_t *e)
{
    size_t                     table;
    weir_str_t                 near, name;
    const weir_policy_set_t   *set;
    const weir_policy_word_t  *first;

    e->type = WEIR_POLICY_T_NONE;

    /* a name that is nothing at all may be a misspelt attribute */

    if (e->ref->alias.text.len != 0) {
        first = &e->ref->alias;
        table = offsetof(weir_policy_file_t, import_table);

    } else {
        first = &e->ref->name;
        table = offsetof(weir_policy_file_t, set_table);
    }

    name = first->text;

    if (weir_policy_table_get(weir_policy_table_of(file, table), name) == NULL)
    {
        near = weir_policy_near_word(weir_policy_objects, name);

        if (near.data == NULL) {
            near = weir_policy_near(c, weir_policy_table_of(file, table),
                                    name);
        }

        weir_policy_error(c, e->loc, "\"%.*s\" is no attribute and no %s%s"
                          "%.*s%s", weir_policy_s(name),
                          first == &e->ref->name ? "set" : "import",
                          near.data == NULL ? "" : "; is it ",
                          weir_policy_s(near), near.data == NULL ? "" : "?");
        return;
    }

    set = weir_policy_lookup(c, file, e->ref,
                             offsetof(weir_policy_file_t, set_table), "set");

    if (set == NULL) {
        return;
    }

    e->op = WEIR_POLICY_E_LITERAL;
    e->literal = set->list;
    e->type = WEIR_POLICY_T_LIST;
}


static void
weir_policy_check_list(weir_policy_compiler_t *c, weir_policy_literal_t *list)
{
    weir_policy_type_t            type;
    const weir_policy_literal_t  *item;

    for (item = list->items; item != NULL; item = item->next) {

        type = item->type;

        if (type == WEIR_POLICY_T_NONE) {
            list->item_type = WEIR_POLICY_T_NONE;
            return;
        }

        if (type == WEIR_POLICY_T_CIDR) {
            type = WEIR_POLICY_T_IP;
        }

        if (list->item_type == WEIR_POLICY_T_NONE) {
            list->item_type = type;
        }

        if (list->item_type != type) {
            weir_policy_error(c, item->loc, "this item is %s, the first is %s",
                              weir_policy_type_name(item->type),
                              weir_policy_type_name(list->items->type));
            weir_policy_relate(c, list->items->loc, "first");
            list->item_type = WEIR_POLICY_T_NONE;
            return;
        }
    }
}


static weir_policy_type_t
weir_policy_check_attr(weir_policy_compiler_t *c, weir_policy_file_t *file,
    weir_policy_attr_t *attr)
{
    switch (attr->kind) {

    case WEIR_POLICY_A_CLAIM:
        attr->claim = weir_policy_table_get(&file->claim_table, attr->name);

        if (attr->claim != NULL) {
            return attr->claim->type;
        }

        weir_policy_check_undeclared(c, file, attr);
        return WEIR_POLICY_T_NONE;

    case WEIR_POLICY_A_SOURCE_IP:
    case WEIR_POLICY_A_SOURCE_PEER:
        return WEIR_POLICY_T_IP;

    case WEIR_POLICY_A_REQUEST_TIME:
        return WEIR_POLICY_T_TIME;

    default:
        return WEIR_POLICY_T_STRING;
    }
}


static void
weir_policy_check_undeclared(weir_policy_compiler_t *c,
    weir_policy_file_t *file, const weir_policy_attr_t *attr)
{
    weir_str_t                  near;
    const weir_policy_claim_t  *claim;

    near = weir_policy_near(c, &file->claim_table, attr->name);

    if (near.data == NULL) {
        weir_policy_error(c, attr->loc, "%.*s is not declared in a schema",
                          weir_policy_s(attr->text));
        return;
    }

    claim = weir_policy_table_get(&file->claim_table, near);

    weir_policy_error(c, attr->loc, "%.*s is not declared in a schema; is it "
                      "%.*s?", weir_policy_s(attr->text),
                      weir_policy_s(claim->text));
    weir_policy_relate(c, claim->loc, "declared");
}


static void
weir_policy_mismatch(weir_policy_compiler_t *c, const weir_policy_expr_t *e)
{
    weir_str_t                 text;
    const weir_policy_expr_t  *one, *other;

    one = e->left;
    other = e->right;

    if (one->op == WEIR_POLICY_E_LITERAL && other->op == WEIR_POLICY_E_ATTR) {
        one = e->right;
        other = e->left;
    }

    text = weir_policy_value_text(one);

    weir_policy_error(c, e->right->loc, "%.*s is %s, compared with %s",
                      weir_policy_s(text), weir_policy_type_name(one->type),
                      weir_policy_type_name(other->type));

    weir_policy_declared(c, one);
    weir_policy_declared(c, other);
}


void
weir_policy_declared(weir_policy_compiler_t *c, const weir_policy_expr_t *e)
{
    if (e->op == WEIR_POLICY_E_ATTR && e->attr->claim != NULL) {
        weir_policy_relate(c, e->attr->claim->loc, "declared");

    } else if (e->ref != NULL && e->literal != NULL) {
        weir_policy_relate(c, e->literal->loc, "declared");
    }
}


weir_str_t
weir_policy_value_text(const weir_policy_expr_t *e)
{
    weir_str_t  text;

    text = e->op == WEIR_POLICY_E_ATTR ? e->attr->text : e->literal->text;

    if (text.len > 80) {
        text.len = 80;
    }

    return text;
}


/*
 * "has X &&" reaches to its right in its chain, and into parentheses there;
 * not out of the parentheses that it stands in.
 */

static void
weir_policy_guard(weir_policy_compiler_t *c, const weir_policy_expr_t *e,
    weir_policy_guards_t *guards)
{
    uint32_t  i, n;

    switch (e->op) {

    case WEIR_POLICY_E_AND:
        n = guards->n;
        weir_policy_guard_chain(c, e, guards);
        guards->n = n;
        return;

    case WEIR_POLICY_E_HAS:
    case WEIR_POLICY_E_LITERAL:
    case WEIR_POLICY_E_REF:
        return;

    case WEIR_POLICY_E_ATTR:

        if (!weir_policy_attr_optional(e->attr)) {
            return;
        }

        for (i = 0; i < guards->n; i++) {
            if (weir_policy_attr_same(guards->attrs[i], e->attr)) {
                return;
            }
        }

        weir_policy_error(c, e->loc, "%.*s may be absent: \"has %.*s &&\" "
                          "belongs before it", weir_policy_s(e->attr->text),
                          weir_policy_s(e->attr->text));
        weir_policy_declared(c, e);
        return;

    default:
        weir_policy_guard(c, e->left, guards);

        if (e->right != NULL) {
            weir_policy_guard(c, e->right, guards);
        }

        return;
    }
}


static void
weir_policy_guard_chain(weir_policy_compiler_t *c, const weir_policy_expr_t *e,
    weir_policy_guards_t *guards)
{
    const weir_policy_expr_t  *operand[2];
    uint32_t                   i;

    operand[0] = e->left;
    operand[1] = e->right;

    for (i = 0; i < 2; i++) {

        if (operand[i]->op == WEIR_POLICY_E_AND && !operand[i]->paren) {
            weir_policy_guard_chain(c, operand[i], guards);
            continue;
        }

        weir_policy_guard(c, operand[i], guards);

        if (operand[i]->op == WEIR_POLICY_E_HAS && !operand[i]->paren) {
            guards->attrs[guards->n++] = operand[i]->attr;
        }
    }
}


int
weir_policy_attr_same(const weir_policy_attr_t *a, const weir_policy_attr_t *b)
{
    return a->kind == b->kind && weir_str_eq(a->name, b->name);
}


static int
weir_policy_attr_optional(const weir_policy_attr_t *attr)
{
    switch (attr->kind) {

    case WEIR_POLICY_A_CLAIM:
        return attr->claim != NULL && attr->claim->optional;

    case WEIR_POLICY_A_HEADER:
    case WEIR_POLICY_A_QUERY:
    case WEIR_POLICY_A_ISSUER:
    case WEIR_POLICY_A_SUBJECT:
    case WEIR_POLICY_A_SPIFFE:
        return 1;

    default:
        return attr->kind >= WEIR_POLICY_A_TLS;
    }
}
