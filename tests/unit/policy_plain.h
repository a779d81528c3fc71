
/*
 * Weir: a plain evaluator of policies for the unit tests: it reads the syntax
 * tree, knows no index and remembers nothing.
 */

#ifndef POLICY_PLAIN_H_INCLUDED
#define POLICY_PLAIN_H_INCLUDED


#include <regex.h>
#include <time.h>

#include "policy_plain_value.h"


static int  plain_expr(plain_t *pl, const weir_policy_expr_t *e);
static int  plain_sets(plain_t *pl, const weir_policy_expr_t *e);
static int  plain_match(weir_str_t pattern, weir_str_t s);


static int
plain_like(const char *g, size_t gl, const char *s, size_t sl)
{
    size_t  i;

    if (gl == 0) {
        return sl == 0;
    }

    if (g[0] == '*') {
        for (i = 0; i <= sl; i++) {
            if (plain_like(g + 1, gl - 1, s + i, sl - i)) {
                return 1;
            }
        }

        return 0;
    }

    if (g[0] == '\\') {
        g++;
        gl--;
    }

    return sl != 0 && g[0] == s[0] && plain_like(g + 1, gl - 1, s + 1, sl - 1);
}


static int
plain_in(const weir_policy_expr_t *e, const plain_value_t *l)
{
    const weir_policy_literal_t  *item;

    if (e->right->literal->type == WEIR_POLICY_T_CIDR) {
        return weir_cidr_contains(&e->right->literal->net, &l->ip);
    }

    for (item = e->right->literal->items; item != NULL; item = item->next) {

        if (item->type == WEIR_POLICY_T_STRING
            ? weir_str_eq(item->string, l->s)
            : item->type == WEIR_POLICY_T_IP
              || item->type == WEIR_POLICY_T_CIDR
              ? weir_cidr_contains(&item->net, &l->ip)
            : item->number == l->n)
        {
            return 1;
        }
    }

    return 0;
}


/* Items of a literal or claim as an array. */

static void
plain_items(plain_t *pl, const weir_policy_expr_t *e, plain_value_t *v)
{
    const weir_policy_literal_t  *item;

    if (e->op != WEIR_POLICY_E_LITERAL) {
        plain_value(pl, e, v);
        return;
    }

    memset(v, 0, sizeof(*v));
    v->there = v->sure = 1;

    for (item = e->literal->items; item != NULL; item = item->next) {
        v->items[v->nitems++] = item->string;
    }
}


static int
plain_sets(plain_t *pl, const weir_policy_expr_t *e)
{
    unsigned       i, k, hits;
    plain_value_t  l, r;

    plain_items(pl, e->left, &l);
    plain_items(pl, e->right, &r);

    if (!l.there || !l.sure || !r.there || !r.sure) {
        return U;
    }

    hits = 0;

    for (i = 0; i < l.nitems; i++) {
        for (k = 0; k < r.nitems && !weir_str_eq(l.items[i], r.items[k]); k++)
        {
            /* void */
        }

        hits += k < r.nitems;
    }

    return (e->op == WEIR_POLICY_E_ANY_IN ? hits != 0 : hits == l.nitems)
           ? T : F;
}


/*
 * The few patterns of the random policies, by POSIX's regular expressions,
 * which share no code with PCRE2.
 */

static int
plain_match(weir_str_t pattern, weir_str_t s)
{
    int      rc;
    char     p[200], t[200];
    regex_t  re;

    assert_true(pattern.len < 100 && s.len < 100);

    snprintf(p, sizeof(p), "^(%.*s)$", (int) pattern.len,
             (const char *) pattern.data);
    snprintf(t, sizeof(t), "%.*s", (int) s.len, (const char *) s.data);

    assert_int_equal(regcomp(&re, p, REG_EXTENDED | REG_NOSUB), 0);
    rc = regexec(&re, t, 0, NULL, 0);
    regfree(&re);

    return rc == 0 ? T : F;
}


static int
plain_compare(plain_t *pl, const weir_policy_expr_t *e)
{
    int            is;
    unsigned       i;
    plain_value_t  l, r;

    if (e->op == WEIR_POLICY_E_ANY_IN || e->op == WEIR_POLICY_E_ALL_IN) {
        return plain_sets(pl, e);
    }

    plain_value(pl, e->left, &l);

    if (e->op == WEIR_POLICY_E_MATCH) {
        return !l.there || !l.sure ? U
               : plain_match(e->right->literal->string, l.s);
    }

    if (e->op == WEIR_POLICY_E_IN && e->right->op == WEIR_POLICY_E_LITERAL) {
        return !l.there || !l.sure ? U : plain_in(e, &l) ? T : F;
    }

    plain_value(pl, e->right, &r);

    if (!l.there || !l.sure || !r.there || !r.sure) {
        return U;
    }

    switch (e->op) {

    case WEIR_POLICY_E_IN:
        for (i = 0; i < r.nitems && !weir_str_eq(r.items[i], l.s); i++) {
            /* void */
        }

        is = i < r.nitems;
        break;

    case WEIR_POLICY_E_LIKE:
        is = plain_like((const char *) r.s.data, r.s.len,
                        (const char *) l.s.data, l.s.len);
        break;

    case WEIR_POLICY_E_EQ:
    case WEIR_POLICY_E_NE:
        is = e->left->type == WEIR_POLICY_T_STRING ? weir_str_eq(l.s, r.s)
             : e->left->type == WEIR_POLICY_T_IP
               ? memcmp(&l.ip, &r.ip, 16) == 0
             : l.n == r.n;
        is = e->op == WEIR_POLICY_E_EQ ? is : !is;
        break;

    case WEIR_POLICY_E_LT:
        is = l.n < r.n;
        break;

    case WEIR_POLICY_E_LE:
        is = l.n <= r.n;
        break;

    case WEIR_POLICY_E_GT:
        is = l.n > r.n;
        break;

    default:
        is = l.n >= r.n;
        break;
    }

    return is ? T : F;
}


static int
plain_expr(plain_t *pl, const weir_policy_expr_t *e)
{
    plain_value_t       v;
    weir_policy_expr_t  attr;

    switch (e->op) {

    case WEIR_POLICY_E_AND:
        return kleene_and(plain_expr(pl, e->left), plain_expr(pl, e->right));

    case WEIR_POLICY_E_OR:
        return kleene_or(plain_expr(pl, e->left), plain_expr(pl, e->right));

    case WEIR_POLICY_E_NOT:
        return kleene_not(plain_expr(pl, e->left));

    case WEIR_POLICY_E_HAS:
        attr = *e;
        attr.op = WEIR_POLICY_E_ATTR;
        plain_value(pl, &attr, &v);
        return v.there ? T : F;

    case WEIR_POLICY_E_ATTR:
    case WEIR_POLICY_E_LITERAL:
        plain_value(pl, e, &v);
        return !v.there || !v.sure ? U : v.n ? T : F;

    default:
        return plain_compare(pl, e);
    }
}


/* Its "when", or any role that includes it: by names, downwards. */

static int
plain_role(plain_t *pl, const weir_policy_role_t *role)
{
    int                         v;
    const weir_policy_role_t   *other;
    const weir_policy_words_t  *w;

    v = role->when == NULL ? F : plain_expr(pl, role->when);

    for (other = pl->file->roles; other != NULL; other = other->next) {
        for (w = other->includes; w != NULL; w = w->next) {
            if (weir_str_eq(w->word.text, role->name.text)) {
                v = kleene_or(v, plain_role(pl, other));
            }
        }
    }

    return v;
}


static int
plain_window(plain_t *pl, const weir_policy_window_t *window)
{
    time_t                     t;
    unsigned                   day, minute;
    struct tm                  tm;
    const weir_policy_span_t  *span;

    if (!pl->r->has_time) {
        return U;
    }

    for (span = window->spans; span != NULL; span = span->next) {

        /* the random policies know UTC and this one, of a fixed offset */

        t = (time_t) pl->r->time;
        t += span->zone.text.len == 3 ? 0 : 5 * 3600 + 45 * 60;

        gmtime_r(&t, &tm);
        day = (unsigned) (tm.tm_wday + 6) % 7;
        minute = (unsigned) (tm.tm_hour * 60 + tm.tm_min);

        if (day >= span->first && day <= span->last && minute >= span->from
            && minute < span->to)
        {
            return T;
        }
    }

    return F;
}


static int
plain_who(plain_t *pl, const weir_policy_princ_t *p)
{
    int                           v;
    const weir_policy_literal_t  *item;

    switch (p->kind) {

    case WEIR_POLICY_P_ROLE:
        return plain_role(pl, p->role);

    case WEIR_POLICY_P_SPIFFE:

        if (pl->r->spiffe.data == NULL) {
            return F;
        }

        if (p->set == NULL) {
            return weir_str_eq(p->name.text, pl->r->spiffe) ? T : F;
        }

        for (item = p->set->list->items; item != NULL; item = item->next) {
            if (weir_str_eq(item->string, pl->r->spiffe)) {
                return T;
            }
        }

        return F;

    case WEIR_POLICY_P_ANYONE:
        return T;

    case WEIR_POLICY_P_AUTHENTICATED:
        return pl->r->kind == WEIR_POLICY_ANONYMOUS ? F : T;

    default:
        v = pl->r->issuer.data != NULL
            && weir_str_eq(pl->r->issuer, p->issuer.text);

        if (p->kind == WEIR_POLICY_P_SUBJECT) {
            v = v && pl->r->subject.data != NULL
                && weir_str_eq(pl->r->subject, p->name.text);
        }

        return v ? T : F;
    }
}


static int
plain_net(const weir_policy_net_t *net, const weir_addr_t *ip)
{
    const weir_policy_literal_t  *item;

    if (net->set == NULL) {
        return weir_cidr_contains(&net->cidr, ip) ? T : F;
    }

    for (item = net->set->list->items; item != NULL; item = item->next) {
        if (weir_cidr_contains(&item->net, ip)) {
            return T;
        }
    }

    return F;
}


static int
plain_rule(plain_t *pl, const weir_policy_rule_t *rule)
{
    int                         v, value;
    const weir_policy_net_t    *net;
    const weir_policy_cond_t   *cond;
    const weir_policy_princ_t  *p;
    const weir_policy_words_t  *w;

    value = T;

    if (rule->has_who) {
        for (v = F, p = rule->who; p != NULL; p = p->next) {
            v = kleene_or(v, plain_who(pl, p));
        }

        value = kleene_and(value, v);
    }

    if (rule->has_host) {
        v = pl->r->host.data == NULL ? U : F;

        for (w = rule->hosts; w != NULL && v != U; w = w->next) {
            v = kleene_or(v, weir_host_match(w->word.text, pl->r->host)
                             ? T : F);
        }

        value = kleene_and(value, v);
    }

    if (rule->has_from) {
        v = pl->r->source_ip == NULL ? U : F;

        for (net = rule->nets; net != NULL && v != U; net = net->next) {
            v = kleene_or(v, plain_net(net, pl->r->source_ip));
        }

        value = kleene_and(value, v);
    }

    if (rule->has_during) {
        value = kleene_and(value, plain_window(pl, rule->window));
    }

    for (cond = rule->conds; cond != NULL; cond = cond->next) {
        v = plain_expr(pl, cond->expr);
        value = kleene_and(value, cond->unless ? kleene_not(v) : v);
    }

    return value;
}


static int
compare_names(const void *one, const void *two)
{
    return weir_str_cmp((*(weir_policy_rule_t *const *) one)->name.text,
                        (*(weir_policy_rule_t *const *) two)->name.text);
}


static void
plain_decide(plain_t *pl, char *out)
{
    int                        v, best;
    uint32_t                   i, nd, np;
    const weir_policy_what_t  *w;
    const weir_policy_rule_t  *rule, *denies[200], *permits[200], **list;

    nd = np = 0;
    best = F;

    for (rule = pl->file->rules; rule != NULL; rule = rule->next) {

        pl->what = NULL;
        v = rule->whats == NULL ? plain_rule(pl, rule) : F;

        for (w = rule->whats; w != NULL; w = w->next) {
            if (plain_what(pl, w)) {
                pl->what = w;
                v = kleene_or(v, plain_rule(pl, rule));
            }
        }

        if (rule->shadow) {
            continue;
        }

        if (rule->deny && v != F) {
            denies[nd++] = rule;
            best = best == T || v == T ? T : U;

        } else if (!rule->deny && v == T) {
            permits[np++] = rule;
        }
    }

    strcpy(out, nd ? best == T ? "deny-rule" : "deny-unknown"
                : np ? "permit-rule" : "default-deny");

    list = nd ? denies : permits;
    nd = nd ? nd : np;

    qsort(list, nd, sizeof(list[0]), compare_names);

    for (i = 0; i < nd; i++) {
        sprintf(out + strlen(out), "%s%.*s", i == 0 ? " " : ",",
                (int) list[i]->name.text.len,
                (const char *) list[i]->name.text.data);
    }
}


#endif /* POLICY_PLAIN_H_INCLUDED */
