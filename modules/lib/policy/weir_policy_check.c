
/*
 * Weir: the meaning of a parsed policy: names, captures and tests.  Types of
 * expressions are checked in weir_policy_types.c.
 */

#include "weir_policy_ast.h"


/* Comparisons of issuers: a second's. */

#define WEIR_POLICY_MAX_JOINS  200000000


static void weir_policy_check_file(weir_policy_compiler_t *c,
    weir_policy_file_t *file);
static void weir_policy_check_schemas(weir_policy_compiler_t *c,
    weir_policy_file_t *file);
static void weir_policy_check_claim(weir_policy_compiler_t *c,
    weir_policy_file_t *file, const weir_policy_schema_t *schema,
    uint32_t number, const weir_policy_decl_t *decl);
static void weir_policy_add_issuers(weir_policy_compiler_t *c,
    weir_policy_claim_t *claim, const weir_policy_decl_t *decl,
    weir_policy_words_t *issuers);
static void weir_policy_check_roles(weir_policy_compiler_t *c,
    weir_policy_file_t *file);
static void weir_policy_role_paths(weir_policy_compiler_t *c,
    weir_policy_role_t *role, const weir_policy_expr_t *e);
static void weir_policy_check_rule(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_rule_t *rule);
static void weir_policy_check_who(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_rule_t *rule);
static void weir_policy_check_captures(weir_policy_compiler_t *c,
    const weir_policy_rule_t *rule, const weir_policy_expr_t *e);
static const weir_policy_what_t *weir_policy_lacks(
    const weir_policy_rule_t *rule, weir_str_t name);
static void weir_policy_check_test(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_test_t *test);


/* What others refer to comes first. */

void
weir_policy_check(weir_policy_compiler_t *c)
{
    uint32_t  i;

    weir_policy_check_imports(c);

    for (i = 0; i < c->nsources && !c->nomem; i++) {
        weir_policy_check_lists(c, &c->files[i]);
        weir_policy_check_schemas(c, &c->files[i]);
    }

    for (i = 0; i < c->nsources && !c->nomem; i++) {
        weir_policy_check_claims(c, &c->files[i]);
        weir_policy_check_roles(c, &c->files[i]);
    }

    for (i = 0; i < c->nsources && !c->nomem; i++) {
        weir_policy_check_file(c, &c->files[i]);
    }
}


static void
weir_policy_check_file(weir_policy_compiler_t *c, weir_policy_file_t *file)
{
    weir_policy_rule_t  *rule, *other;
    weir_policy_test_t  *test;

    for (rule = file->rules; rule != NULL; rule = rule->next) {

        if (!weir_policy_table_put(c, &file->rule_table, rule->name.text,
                                   rule)
            && !c->nomem)
        {
            other = weir_policy_table_get(&file->rule_table, rule->name.text);

            weir_policy_error(c, rule->name.loc, "rule %.*s is duplicate",
                              weir_policy_s(rule->name.text));
            weir_policy_relate(c, other->name.loc, "first");
        }

        weir_policy_check_rule(c, file, rule);
    }

    for (rule = file->asserts; rule != NULL; rule = rule->next) {
        weir_policy_check_rule(c, file, rule);
    }

    for (test = file->tests; test != NULL; test = test->next) {
        weir_policy_check_test(c, file, test);
    }

    if (c->nerrors == 0 && !c->nomem) {
        weir_policy_check_cost(c, file);
        weir_policy_check_effects(c, file);
    }
}


static void
weir_policy_check_schemas(weir_policy_compiler_t *c, weir_policy_file_t *file)
{
    uint32_t                     n;
    const weir_policy_decl_t    *decl;
    const weir_policy_schema_t  *schema;

    n = 0;

    for (schema = file->schemas; schema != NULL; schema = schema->next) {
        n++;

        for (decl = schema->decls; decl != NULL; decl = decl->next) {
            weir_policy_check_claim(c, file, schema, n, decl);

            if (c->nomem) {
                return;
            }
        }
    }
}


static void
weir_policy_check_claim(weir_policy_compiler_t *c, weir_policy_file_t *file,
    const weir_policy_schema_t *schema, uint32_t number,
    const weir_policy_decl_t *decl)
{
    weir_policy_claim_t  *claim;

    claim = weir_policy_table_get(&file->claim_table, decl->key);

    if (claim == NULL) {
        claim = weir_policy_alloc(c, sizeof(weir_policy_claim_t));
        if (claim == NULL) {
            return;
        }

        claim->key = decl->key;
        claim->text = decl->text;
        claim->file = file->index;
        claim->type = decl->type;
        claim->optional = decl->optional;
        claim->loc = decl->loc;

        (void) weir_policy_table_put(c, &file->claim_table, decl->key, claim);

    } else if (claim->schema == number) {
        weir_policy_error(c, decl->loc, "%.*s is duplicate in this schema",
                          weir_policy_s(decl->text));
        weir_policy_relate(c, claim->loc, "declared");
        return;

    } else if (claim->type != WEIR_POLICY_T_NONE
               && decl->type != WEIR_POLICY_T_NONE
               && (claim->type != decl->type
                   || claim->optional != decl->optional))
    {
        weir_policy_error(c, decl->loc, "%.*s is %s%s here, %s%s in another "
                          "schema", weir_policy_s(decl->text),
                          decl->optional ? "optional " : "",
                          weir_policy_type_name(decl->type),
                          claim->optional ? "optional " : "",
                          weir_policy_type_name(claim->type));
        weir_policy_relate(c, claim->loc, "declared");
        return;
    }

    claim->schema = number;

    if (schema->issuers == NULL) {
        claim->any = 1;

    } else {
        weir_policy_add_issuers(c, claim, decl, schema->issuers);
    }
}


/*
 * Lists are shared among claims, and what a further schema adds stands before
 * what was there: claims of the same schemas are many, their lists few.
 */

static void
weir_policy_add_issuers(weir_policy_compiler_t *c, weir_policy_claim_t *claim,
    const weir_policy_decl_t *decl, weir_policy_words_t *issuers)
{
    weir_policy_words_t  *w, *old, *list;

    old = claim->issuers;

    if (old == NULL || old == issuers) {
        claim->issuers = issuers;
        return;
    }

    if (c->joined[0] == old && c->joined[1] == issuers) {
        claim->issuers = c->joined[2];
        return;
    }

    c->joined[0] = old;
    c->joined[1] = issuers;

    list = old;

    for ( /* void */ ; issuers != NULL; issuers = issuers->next) {

        for (w = old; w != NULL; w = w->next) {
            if (c->njoins++ > WEIR_POLICY_MAX_JOINS
                || weir_str_eq(w->word.text, issuers->word.text))
            {
                break;
            }
        }

        if (c->njoins > WEIR_POLICY_MAX_JOINS) {
            weir_policy_error(c, decl->loc, "the schemas name too many "
                              "issuers of %.*s, and of the claims before it",
                              weir_policy_s(decl->text));
            return;
        }

        if (w != NULL) {
            continue;
        }

        w = weir_policy_alloc(c, sizeof(weir_policy_words_t));
        if (w == NULL) {
            return;
        }

        w->word = issuers->word;
        w->next = list;
        list = w;
    }

    c->joined[2] = list;
    claim->issuers = list;
}


static void
weir_policy_check_roles(weir_policy_compiler_t *c, weir_policy_file_t *file)
{
    weir_policy_role_t  *role, *other;

    for (role = file->roles; role != NULL; role = role->next) {

        if (!weir_policy_table_put(c, &file->role_table, role->name.text,
                                   role)
            && !c->nomem)
        {
            other = weir_policy_table_get(&file->role_table, role->name.text);

            weir_policy_error(c, role->name.loc, "role %.*s is duplicate",
                              weir_policy_s(role->name.text));
            weir_policy_relate(c, other->name.loc, "first");
        }

        if (role->when != NULL) {
            weir_policy_check_expr(c, file, role->when, 1);
            weir_policy_role_paths(c, role, role->when);
        }
    }

    weir_policy_check_includes(c, file);
}


/* The captures that a role reads: its rules must have them. */

static void
weir_policy_role_paths(weir_policy_compiler_t *c, weir_policy_role_t *role,
    const weir_policy_expr_t *e)
{
    weir_policy_word_t  word;

    if (e == NULL) {
        return;
    }

    if (e->attr != NULL && e->attr->kind == WEIR_POLICY_A_PATH) {
        word.text = e->attr->name;
        word.loc = e->attr->loc;

        weir_policy_join_word(c, &role->own_paths, &word);
        return;
    }

    weir_policy_role_paths(c, role, e->left);
    weir_policy_role_paths(c, role, e->right);
}


static void
weir_policy_check_rule(weir_policy_compiler_t *c, weir_policy_file_t *file,
    weir_policy_rule_t *rule)
{
    weir_policy_cond_t  *cond;

    weir_policy_net_t   *net;

    if (!rule->deny && !rule->has_who && !rule->assert) {
        weir_policy_warn(c, rule->name.loc, "permit %.*s has no \"who\": it "
                         "grants to everyone, anonymous too; say \"who "
                         "anyone;\" if it should",
                         weir_policy_s(rule->name.text));
    }

    weir_policy_check_who(c, file, rule);

    for (net = rule->nets; net != NULL; net = net->next) {

        if (net->ref == NULL) {
            continue;
        }

        net->set = weir_policy_lookup(c, file, net->ref,
                                       offsetof(weir_policy_file_t, set_table),
                                       "set");

        if (net->set != NULL
            && net->set->list->item_type != WEIR_POLICY_T_IP)
        {
            weir_policy_error(c, net->ref->name.loc, "set %.*s is a set of %s, "
                              "\"from\" takes one of cidr",
                              weir_policy_s(net->ref->name.text),
                              net->set->spiffe ? "spiffe" : "string");
            weir_policy_relate(c, net->set->name.loc, "declared");
        }
    }

    if (rule->has_during) {
        rule->window = weir_policy_lookup(c, file, &rule->during,
                                           offsetof(weir_policy_file_t,
                                                    window_table), "window");
    }

    for (cond = rule->conds; cond != NULL; cond = cond->next) {
        weir_policy_check_expr(c, file, cond->expr, !cond->unless);
        weir_policy_check_captures(c, rule, cond->expr);
    }
}


static void
weir_policy_check_who(weir_policy_compiler_t *c, weir_policy_file_t *file,
    weir_policy_rule_t *rule)
{
    weir_policy_princ_t        *p;
    const weir_policy_what_t   *what;
    const weir_policy_words_t  *w;

    for (p = rule->who; p != NULL; p = p->next) {

        if (p->kind == WEIR_POLICY_P_SPIFFE && p->ref.name.text.len != 0) {
            p->set = weir_policy_lookup(c, file, &p->ref,
                                         offsetof(weir_policy_file_t,
                                                  set_table), "set");

            if (p->set != NULL && !p->set->spiffe) {
                weir_policy_error(c, p->ref.name.loc, "set %.*s is a set of "
                                  "%s, \"who spiffe\" takes one of spiffe",
                                  weir_policy_s(p->ref.name.text),
                                  p->set->list->item_type == WEIR_POLICY_T_IP
                                  ? "cidr" : "string");
                weir_policy_relate(c, p->set->name.loc, "declared");
            }
        }

        if (p->kind != WEIR_POLICY_P_ROLE) {
            continue;
        }

        p->role = weir_policy_lookup(c, file, &p->ref,
                                      offsetof(weir_policy_file_t, role_table),
                                      "role");
        if (p->role == NULL) {
            continue;
        }

        for (w = p->role->paths; w != NULL; w = w->next) {
            what = weir_policy_lacks(rule, w->word.text);

            if (what == NULL && rule->whats != NULL) {
                continue;
            }

            weir_policy_error(c, p->ref.name.loc, "role %.*s reads "
                              "path.%.*s, and {%.*s} is not in %s",
                              weir_policy_s(p->ref.name.text),
                              weir_policy_s(w->word.text),
                              weir_policy_s(w->word.text),
                              what == NULL ? "this rule, which has no \"what\""
                                           : "every \"what\" of this rule");
            weir_policy_relate(c, w->word.loc, "read");

            if (what != NULL) {
                weir_policy_relate(c, what->loc, "path");
            }
        }
    }
}


static void
weir_policy_check_captures(weir_policy_compiler_t *c,
    const weir_policy_rule_t *rule, const weir_policy_expr_t *e)
{
    const weir_policy_what_t  *what;

    if (e == NULL) {
        return;
    }

    if (e->attr != NULL && e->attr->kind == WEIR_POLICY_A_PATH) {
        what = weir_policy_lacks(rule, e->attr->name);

        if (rule->whats == NULL) {
            weir_policy_error(c, e->attr->loc, "path.%.*s: this rule has no "
                              "\"what\" with {%.*s}",
                              weir_policy_s(e->attr->name),
                              weir_policy_s(e->attr->name));

        } else if (what != NULL) {
            weir_policy_error(c, e->attr->loc, "path.%.*s: {%.*s} is not in "
                              "every \"what\" of this rule",
                              weir_policy_s(e->attr->name),
                              weir_policy_s(e->attr->name));
            weir_policy_relate(c, what->loc, "missing");
        }
    }

    weir_policy_check_captures(c, rule, e->left);
    weir_policy_check_captures(c, rule, e->right);
}


/* The first "what" of a rule that has no such capture, or NULL. */

static const weir_policy_what_t *
weir_policy_lacks(const weir_policy_rule_t *rule, weir_str_t name)
{
    uint32_t                   i;
    const weir_policy_what_t  *what;

    for (what = rule->whats; what != NULL; what = what->next) {

        for (i = 0; i < what->nsegs; i++) {
            if (what->segs[i].kind == WEIR_POLICY_SEG_CAPTURE
                && weir_str_eq(what->segs[i].text, name))
            {
                break;
            }
        }

        if (i == what->nsegs) {
            return what;
        }
    }

    return NULL;
}


static void
weir_policy_check_test(weir_policy_compiler_t *c, weir_policy_file_t *file,
    weir_policy_test_t *test)
{
    weir_str_t                  near;
    weir_policy_given_t        *given;
    const weir_policy_rule_t   *rule;
    const weir_policy_words_t  *w;

    for (w = test->by; w != NULL; w = w->next) {
        rule = weir_policy_table_get(&file->rule_table, w->word.text);

        if (rule == NULL) {
            near = weir_policy_near(c, &file->rule_table, w->word.text);
            rule = near.data == NULL
                   ? NULL : weir_policy_table_get(&file->rule_table, near);

            weir_policy_unknown(c, w->word.loc, "rule", w->word.text, near,
                                rule == NULL ? NULL : &rule->name.loc);

        } else if (rule->shadow) {
            weir_policy_error(c, w->word.loc, "rule %.*s is a shadow: it "
                              "decides nothing",
                              weir_policy_s(w->word.text));
            weir_policy_relate(c, rule->name.loc, "declared");

        } else if (rule->deny != (test->verdict == WEIR_POLICY_DENY)) {
            weir_policy_error(c, w->word.loc, "rule %.*s is a %s",
                              weir_policy_s(w->word.text),
                              rule->deny ? "deny" : "permit");
            weir_policy_relate(c, rule->name.loc, "declared");
        }
    }

    for (given = test->claims; given != NULL; given = given->next) {
        given->claim = weir_policy_table_get(&file->claim_table, given->key);

        if (given->claim == NULL) {
            weir_policy_warn(c, given->loc, "%.*s is not declared in a schema: "
                             "no rule can read it",
                             weir_policy_s(given->text));
        }
    }
}
