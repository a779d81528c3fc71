
/*
 * Weir: what one statement of a rule reads.
 */

#include "weir_policy_image.h"


typedef struct {
    const weir_policy_image_t  *image;
    const weir_policy_rec_t    *rec;
    uint32_t                   *attrs;
    uint32_t                    max;
    uint32_t                    n;
} weir_policy_statement_t;


static void weir_policy_statement_who(weir_policy_statement_t *s,
    const weir_policy_rule_t *rule);
static void weir_policy_statement_expr(weir_policy_statement_t *s,
    const weir_policy_expr_t *e);
static void weir_policy_statement_attr(weir_policy_statement_t *s,
    const weir_policy_attr_t *attr);


uint32_t
weir_policy_statement_attrs(const weir_policy_bundle_t *b, uint32_t policy,
    weir_str_t name, int statement, uint32_t *attrs, uint32_t max)
{
    weir_policy_statement_t    s;
    const weir_policy_file_t  *file;
    const weir_policy_rule_t  *rule;
    const weir_policy_cond_t  *cond;

    s.image = b->image;
    s.rec = (const weir_policy_rec_t *)
            weir_policy_at(b->image, b->image->policies.off) + policy;
    s.attrs = attrs;
    s.max = max;
    s.n = 0;

    file = weir_policy_table_get(b->names,
                                 weir_policy_name(b->image, policy));
    if (file == NULL) {
        return 0;
    }

    for (rule = file->rules; rule != NULL; rule = rule->next) {
        if (weir_str_eq(rule->name.text, name)) {
            break;
        }
    }

    if (rule == NULL) {
        return 0;
    }

    if (statement == WEIR_POLICY_STATEMENT_WHO) {
        weir_policy_statement_who(&s, rule);
        return s.n;
    }

    for (cond = rule->conds; cond != NULL && statement != 0; statement--) {
        cond = cond->next;
    }

    if (cond != NULL) {
        weir_policy_statement_expr(&s, cond->expr);
    }

    return s.n;
}


/* By whichever role one could be it. */

static void
weir_policy_statement_who(weir_policy_statement_t *s,
    const weir_policy_rule_t *rule)
{
    uint32_t                    i;
    const weir_policy_princ_t  *p;

    for (p = rule->who; p != NULL; p = p->next) {

        if (p->kind != WEIR_POLICY_P_ROLE) {
            continue;
        }

        weir_policy_statement_expr(s, p->role->when);

        for (i = 0; i < p->role->nholders; i++) {
            weir_policy_statement_expr(s, p->role->holders[i]->when);
        }
    }
}


static void
weir_policy_statement_expr(weir_policy_statement_t *s,
    const weir_policy_expr_t *e)
{
    if (e == NULL) {
        return;
    }

    if (e->attr != NULL) {
        weir_policy_statement_attr(s, e->attr);
    }

    weir_policy_statement_expr(s, e->left);
    weir_policy_statement_expr(s, e->right);
}


static void
weir_policy_statement_attr(weir_policy_statement_t *s,
    const weir_policy_attr_t *attr)
{
    uint32_t                       i, k;
    const weir_policy_attr_rec_t  *recs;

    recs = weir_policy_at(s->image, s->rec->attrs.off);

    for (i = 0; i < s->rec->attrs.n; i++) {

        if (recs[i].kind != attr->kind
            || !weir_str_eq(weir_policy_text(s->image, recs[i].name),
                            attr->name)
            || (attr->claim != NULL && recs[i].type != attr->claim->type))
        {
            continue;
        }

        for (k = 0; k < s->n && k < s->max && s->attrs[k] != i; k++) {
            /* void */
        }

        if (k == s->n && k < s->max) {
            s->attrs[s->n++] = i;
        }

        return;
    }
}
