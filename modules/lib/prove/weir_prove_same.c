
/*
 * Weir: rules compared by what is written: equal ones need no proof, and
 * those that are plainly apart none either.
 */

#include "weir_prove_ask.h"


/* Lists of more items than this are written once, and then by their number. */

#define WEIR_PROVE_SHORT  8


typedef struct {
    weir_prove_lists_t  *lists;        /* NULL: there are none */
    weir_arena_t        *arena;
    uint8_t             *data;
    size_t               len;
    size_t               size;
    unsigned             nomem:1;
} weir_prove_text_t;


static void weir_prove_put_clause(weir_prove_text_t *t,
    const weir_policy_clause_t *clause);
static int weir_prove_clause_cmp(const weir_policy_clause_t *a,
    const weir_policy_clause_t *b);
static void weir_prove_put(weir_prove_text_t *t, const void *data,
    size_t len);
static void weir_prove_put_str(weir_prove_text_t *t, char mark, weir_str_t s);
static void weir_prove_put_words(weir_prove_text_t *t, char mark,
    const weir_policy_words_t *w);
static void weir_prove_put_literal(weir_prove_text_t *t,
    const weir_policy_literal_t *l);
static void weir_prove_put_items(weir_prove_text_t *t,
    const weir_policy_literal_t *l);
static void weir_prove_put_list(weir_prove_text_t *t,
    const weir_policy_literal_t *l);
static void weir_prove_put_expr(weir_prove_text_t *t,
    const weir_policy_expr_t *e);
static int weir_prove_paths_apart(const weir_policy_what_t *a,
    const weir_policy_what_t *b);
static int weir_prove_methods_apart(const weir_policy_what_t *a,
    const weir_policy_what_t *b);


weir_str_t
weir_prove_meaning(weir_arena_t *arena, weir_prove_lists_t *lists,
    const weir_policy_rule_t *rule)
{
    uint32_t                    i;
    weir_str_t                  s = { 0, NULL };
    weir_prove_text_t           t;
    const weir_policy_net_t    *net;
    const weir_policy_what_t   *what;
    const weir_policy_cond_t   *cond;
    const weir_policy_span_t   *span;
    const weir_policy_princ_t  *p;

    memset(&t, 0, sizeof(weir_prove_text_t));
    t.lists = lists;
    t.arena = arena;

    weir_prove_put(&t, rule->shadow ? "s" : "r", 1);
    weir_prove_put(&t, rule->deny ? "d" : "p", 1);

    if (rule->has_who) {
        weir_prove_put(&t, "w", 1);
    }

    for (p = rule->who; p != NULL; p = p->next) {
        weir_prove_put(&t, &p->kind, sizeof(p->kind));

        if (p->kind == WEIR_POLICY_P_ROLE) {
            weir_prove_put_expr(&t, p->role->when);

            for (i = 0; i < p->role->nholders; i++) {
                weir_prove_put_expr(&t, p->role->holders[i]->when);
            }

            weir_prove_put(&t, ".", 1);
            continue;
        }

        if (p->kind == WEIR_POLICY_P_SPIFFE && p->set != NULL) {
            weir_prove_put_literal(&t, p->set->list);
            continue;
        }

        if (p->kind == WEIR_POLICY_P_SUBJECT
            || p->kind == WEIR_POLICY_P_SPIFFE)
        {
            weir_prove_put_str(&t, 's', p->name.text);
        }

        weir_prove_put_str(&t, 'i', p->issuer.text);
    }

    for (what = rule->whats; what != NULL; what = what->next) {
        weir_prove_put_words(&t, 'm', what->methods);
        weir_prove_put(&t, &what->nsegs, sizeof(what->nsegs));

        for (i = 0; i < what->nsegs; i++) {
            weir_prove_put_str(&t, (char) ('0' + what->segs[i].kind),
                               what->segs[i].text);
        }
    }

    if (rule->has_host) {
        weir_prove_put_words(&t, 'h', rule->hosts);
    }

    if (rule->has_from) {
        weir_prove_put(&t, "f", 1);
    }

    for (net = rule->nets; net != NULL; net = net->next) {

        if (net->set != NULL) {
            weir_prove_put_literal(&t, net->set->list);
            continue;
        }

        weir_prove_put(&t, &net->cidr.addr, sizeof(weir_addr_t));
        weir_prove_put(&t, &net->cidr.bits, 1);
        weir_prove_put(&t, &net->cidr.ipv4, 1);
    }

    for (span = rule->has_during ? rule->window->spans : NULL; span != NULL;
         span = span->next)
    {
        weir_prove_put(&t, "t", 1);
        weir_prove_put(&t, &span->first, sizeof(span->first));
        weir_prove_put(&t, &span->last, sizeof(span->last));
        weir_prove_put(&t, &span->from, sizeof(span->from));
        weir_prove_put(&t, &span->to, sizeof(span->to));
        weir_prove_put_str(&t, 'z', span->zone.text);
    }

    for (cond = rule->conds; cond != NULL; cond = cond->next) {
        weir_prove_put(&t, cond->unless ? "U" : "I", 1);
        weir_prove_put_expr(&t, cond->expr);
    }

    if (!t.nomem) {
        s.data = t.data;
        s.len = t.len;
    }

    return s;
}


/*
 * Each effect once, the kinds in their order; those of a kind in byte order.
 */

weir_str_t
weir_prove_obliges(weir_arena_t *arena, const weir_policy_rule_t *rule)
{
    uint32_t                      i, k, n;
    weir_str_t                    s = { 0, NULL };
    weir_prove_text_t             t;
    const weir_policy_clause_t   *c, **list;

    memset(&t, 0, sizeof(weir_prove_text_t));
    t.arena = arena;
    n = 0;

    for (c = rule->clauses; c != NULL; c = c->next) {
        n++;
    }

    list = weir_arena_calloc(arena, n + 1, sizeof(weir_policy_clause_t *));
    if (list == NULL) {
        return s;
    }

    n = 0;

    for (c = rule->clauses; c != NULL; c = c->next) {

        for (i = 0; i < n && weir_prove_clause_cmp(list[i], c) < 0; i++) {
            /* void */
        }

        for (k = n++; k > i; k--) {
            list[k] = list[k - 1];
        }

        list[i] = c;
    }

    weir_prove_put(&t, "e", 1);

    for (i = 0; i < n; i++) {

        if (i != 0 && weir_prove_clause_cmp(list[i - 1], list[i]) == 0) {
            continue;
        }

        weir_prove_put_clause(&t, list[i]);
    }

    if (!t.nomem) {
        s.data = t.data;
        s.len = t.len;
    }

    return s;
}


weir_str_t
weir_prove_clause(weir_arena_t *arena, const weir_policy_clause_t *clause)
{
    weir_str_t         s = { 0, NULL };
    weir_prove_text_t  t;

    memset(&t, 0, sizeof(weir_prove_text_t));
    t.arena = arena;

    weir_prove_put_clause(&t, clause);

    if (!t.nomem) {
        s.data = t.data;
        s.len = t.len;
    }

    return s;
}


static void
weir_prove_put_clause(weir_prove_text_t *t, const weir_policy_clause_t *clause)
{
    weir_prove_put(t, &clause->kind, sizeof(clause->kind));
    weir_prove_put_str(t, 'n', clause->name.text);
    weir_prove_put_str(t, 'v', clause->value.text);
    weir_prove_put(t, &clause->number, sizeof(clause->number));
}


int
weir_prove_has_effect(const weir_policy_rule_t *rule,
    const weir_policy_clause_t *clause)
{
    const weir_policy_clause_t  *c;

    for (c = rule->clauses; c != NULL; c = c->next) {

        if (c->kind == clause->kind
            && (c->kind == WEIR_POLICY_LOG ? c->number >= clause->number
                : c->kind == WEIR_POLICY_STATUS ? c->number <= clause->number
                : weir_prove_clause_cmp(c, clause) == 0))
        {
            return 1;
        }
    }

    return 0;
}


static int
weir_prove_clause_cmp(const weir_policy_clause_t *a,
    const weir_policy_clause_t *b)
{
    int  rc;

    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }

    rc = weir_str_cmp(a->name.text, b->name.text);

    if (rc == 0) {
        rc = weir_str_cmp(a->value.text, b->value.text);
    }

    return rc != 0 ? rc : a->number < b->number ? -1 : a->number > b->number;
}


static void
weir_prove_put(weir_prove_text_t *t, const void *data, size_t len)
{
    size_t    size;
    uint8_t  *more;

    if (t->nomem) {
        return;
    }

    if (t->size - t->len < len) {
        size = 2 * (t->len + len) + 256;
        more = weir_arena_alloc(t->arena, size);

        if (more == NULL) {
            t->nomem = 1;
            return;
        }

        if (t->len != 0) {
            memcpy(more, t->data, t->len);
        }

        t->data = more;
        t->size = size;
    }

    memcpy(t->data + t->len, data, len);
    t->len += len;
}


static void
weir_prove_put_str(weir_prove_text_t *t, char mark, weir_str_t s)
{
    weir_prove_put(t, &mark, 1);
    weir_prove_put(t, &s.len, sizeof(s.len));

    if (s.len != 0) {
        weir_prove_put(t, s.data, s.len);
    }
}


static void
weir_prove_put_words(weir_prove_text_t *t, char mark,
    const weir_policy_words_t *w)
{
    for ( /* void */ ; w != NULL; w = w->next) {
        weir_prove_put_str(t, mark, w->word.text);
    }

    weir_prove_put(t, ";", 1);
}


static void
weir_prove_put_literal(weir_prove_text_t *t, const weir_policy_literal_t *l)
{
    weir_prove_put(t, &l->type, sizeof(l->type));
    weir_prove_put_str(t, 's', l->string);
    weir_prove_put(t, &l->number, sizeof(l->number));
    weir_prove_put(t, &l->net.addr, sizeof(weir_addr_t));
    weir_prove_put(t, &l->net.bits, 1);
    weir_prove_put(t, &l->net.ipv4, 1);

    if (l->nitems > WEIR_PROVE_SHORT && t->lists != NULL) {
        weir_prove_put_list(t, l);

    } else {
        weir_prove_put_items(t, l);
    }

    weir_prove_put(t, "]", 1);
}


static void
weir_prove_put_items(weir_prove_text_t *t, const weir_policy_literal_t *l)
{
    const weir_policy_literal_t  *item;

    for (item = l->items; item != NULL; item = item->next) {
        weir_prove_put_literal(t, item);
    }
}


/*
 * The number of a list's text.  A set that many rules name is read once: it
 * is found again by where it lies.
 */

static void
weir_prove_put_list(weir_prove_text_t *t, const weir_policy_literal_t *l)
{
    uint32_t                *number;
    uintptr_t                place;
    weir_str_t               s;
    weir_prove_text_t        list;
    weir_prove_lists_t      *lists;
    weir_policy_compiler_t   c;

    lists = t->lists;
    place = (uintptr_t) l;

    memset(&c, 0, sizeof(weir_policy_compiler_t));
    c.arena = lists->arena;

    s.data = (const uint8_t *) &place;
    s.len = sizeof(uintptr_t);

    number = weir_policy_table_get(&lists->places, s);

    if (number == NULL) {

        memset(&list, 0, sizeof(weir_prove_text_t));
        list.arena = t->arena;

        weir_prove_put_items(&list, l);

        s.data = list.data;
        s.len = list.len;

        number = list.nomem ? NULL
                 : weir_policy_table_get(&lists->contents, s);

        if (number == NULL) {
            number = weir_arena_alloc(lists->arena, sizeof(uint32_t));
            s = weir_arena_copy(lists->arena, s);

            if (number == NULL || s.data == NULL || list.nomem) {
                t->nomem = 1;
                return;
            }

            *number = lists->n++;
            (void) weir_policy_table_put(&c, &lists->contents, s, number);
        }

        s.data = (const uint8_t *) &place;
        s.len = sizeof(uintptr_t);
        s = weir_arena_copy(lists->arena, s);

        if (s.data != NULL) {
            (void) weir_policy_table_put(&c, &lists->places, s, number);
        }

        if (s.data == NULL || c.nomem) {
            t->nomem = 1;
            return;
        }
    }

    weir_prove_put(t, "#", 1);
    weir_prove_put(t, number, sizeof(*number));
}


static void
weir_prove_put_expr(weir_prove_text_t *t, const weir_policy_expr_t *e)
{
    const weir_policy_attr_t  *a;

    if (e == NULL) {
        weir_prove_put(t, "0", 1);
        return;
    }

    weir_prove_put(t, &e->op, sizeof(e->op));

    a = e->attr;

    if (a != NULL) {
        weir_prove_put(t, &a->kind, sizeof(a->kind));
        weir_prove_put_str(t, 'a', a->name);

        if (a->kind == WEIR_POLICY_A_CLAIM) {
            weir_prove_put(t, &a->claim->type, sizeof(a->claim->type));
            weir_prove_put(t, a->claim->any ? "*" : "-", 1);
            weir_prove_put_words(t, 'i', a->claim->issuers);
        }
    }

    if (e->literal != NULL) {
        weir_prove_put_literal(t, e->literal);
    }

    weir_prove_put_expr(t, e->left);
    weir_prove_put_expr(t, e->right);
}


int
weir_prove_apart(const weir_policy_rule_t *a, const weir_policy_rule_t *b)
{
    const weir_policy_what_t  *v, *w;

    if (a->whats == NULL || b->whats == NULL) {
        return 0;
    }

    for (v = a->whats; v != NULL; v = v->next) {
        for (w = b->whats; w != NULL; w = w->next) {
            if (!weir_prove_paths_apart(v, w)
                && !weir_prove_methods_apart(v, w))
            {
                return 0;
            }
        }
    }

    return 1;
}


static int
weir_prove_paths_apart(const weir_policy_what_t *a,
    const weir_policy_what_t *b)
{
    int       any_a, any_b;
    uint32_t  i;

    for (i = 0; ; i++) {

        any_a = i < a->nsegs && a->segs[i].kind == WEIR_POLICY_SEG_ANY;
        any_b = i < b->nsegs && b->segs[i].kind == WEIR_POLICY_SEG_ANY;

        if (any_a || any_b) {
            return 0;
        }

        if (i == a->nsegs || i == b->nsegs) {
            break;
        }

        if (a->segs[i].kind == WEIR_POLICY_SEG_LITERAL
            && b->segs[i].kind == WEIR_POLICY_SEG_LITERAL
            && !weir_str_eq(a->segs[i].text, b->segs[i].text))
        {
            return 1;
        }
    }

    return a->nsegs != b->nsegs;
}


static int
weir_prove_methods_apart(const weir_policy_what_t *a,
    const weir_policy_what_t *b)
{
    const weir_policy_words_t  *v, *w;

    if (a->methods == NULL || b->methods == NULL) {
        return 0;
    }

    for (v = a->methods; v != NULL; v = v->next) {
        for (w = b->methods; w != NULL; w = w->next) {
            if (weir_str_eq(v->word.text, w->word.text)) {
                return 0;
            }
        }
    }

    return 1;
}
