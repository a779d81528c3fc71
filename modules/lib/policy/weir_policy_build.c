
/*
 * Weir: the image of checked policies: records, texts and lists.  Expressions
 * and the index are built beside this.
 */

#include <stdlib.h>

#include "weir_policy_image.h"


static int weir_policy_build_one(weir_policy_builder_t *b, uint32_t at);
static int weir_policy_build_rules(weir_policy_builder_t *b,
    weir_policy_rec_t *rec, weir_policy_rule_t **rules);
static int weir_policy_build_rule(weir_policy_builder_t *b,
    weir_policy_rec_t *rec, const weir_policy_rule_t *rule);
static int weir_policy_build_princs(weir_policy_builder_t *b,
    const weir_policy_rule_t *rule, uint32_t n, uint32_t *first);
static int weir_policy_build_what(weir_policy_builder_t *b, uint32_t off,
    const weir_policy_what_t *what);
static uint32_t weir_policy_build_words(weir_policy_builder_t *b,
    const weir_policy_words_t *words, uint32_t *n);
static uint32_t weir_policy_build_froms(weir_policy_builder_t *b,
    const weir_policy_net_t *nets, uint32_t *n);
static uint32_t weir_policy_build_clauses(weir_policy_builder_t *b,
    const weir_policy_clause_t *clauses, uint32_t *n);
static int weir_policy_index_cmp(const void *one, const void *two);
static int weir_policy_file_cmp(const void *one, const void *two);
static int weir_policy_rule_cmp(const void *one, const void *two);


/* A record at an offset: valid until the next reservation. */

#define weir_policy_out(b, off, type)                                         \
    ((type *) (void *) ((b)->out.data + (off)))


int
weir_policy_build(weir_policy_compiler_t *c, weir_policy_bundle_t *bundle)
{
    uint32_t                i, n, at;
    weir_policy_file_t    **files;
    weir_policy_array_t     regexes;
    weir_policy_image_t    *image;
    weir_policy_builder_t   builder, *b;

    b = &builder;

    memset(b, 0, sizeof(weir_policy_builder_t));
    b->c = c;

    files = weir_policy_alloc(c, c->nsources * sizeof(weir_policy_file_t *));
    if (files == NULL) {
        return WEIR_NOMEM;
    }

    n = 0;

    for (i = 0; i < c->nsources; i++) {
        if (c->files[i].policy.text.len != 0) {
            files[n++] = &c->files[i];
        }
    }

    if (n != 0) {
        qsort(files, n, sizeof(weir_policy_file_t *), weir_policy_file_cmp);
    }

    if (weir_policy_reserve(b, &b->out, 1, sizeof(weir_policy_image_t))
        == WEIR_POLICY_NONE)
    {
        return WEIR_NOMEM;
    }

    at = weir_policy_reserve(b, &b->out, n, sizeof(weir_policy_rec_t));

    if (at == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < n; i++) {
        b->file = files[i];
        b->policy = i + 1;

        if (weir_policy_build_one(b, at + i * sizeof(weir_policy_rec_t))
            != WEIR_OK)
        {
            return WEIR_NOMEM;
        }
    }

    if (weir_policy_append(b, &regexes, &b->regexes, sizeof(weir_policy_ref_t))
        != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    image = weir_policy_out(b, 0, weir_policy_image_t);

    memcpy(image->magic, WEIR_POLICY_MAGIC, sizeof(image->magic));
    image->layout = WEIR_POLICY_LAYOUT;
    image->size = (uint32_t) b->out.len;
    image->policies.off = at;
    image->policies.n = n;
    image->regexes = regexes;
    image->checksum = weir_policy_checksum(image, b->out.len);

    bundle->image = image;
    bundle->size = b->out.len;

    return WEIR_OK;
}


static int
weir_policy_build_one(weir_policy_builder_t *b, uint32_t at)
{
    uint32_t              n;
    weir_policy_rec_t     rec;
    weir_policy_rule_t   *rule, **rules;

    memset(&rec, 0, sizeof(weir_policy_rec_t));
    memset(&b->attrs, 0, sizeof(weir_policy_buf_t));
    memset(&b->literals, 0, sizeof(weir_policy_buf_t));
    memset(&b->nodes, 0, sizeof(weir_policy_buf_t));
    memset(&b->names, 0, sizeof(weir_policy_buf_t));
    memset(&b->conds, 0, sizeof(weir_policy_buf_t));
    memset(&b->princs, 0, sizeof(weir_policy_buf_t));
    memset(&b->princ_table, 0, sizeof(weir_policy_table_t));
    memset(&b->entries, 0, sizeof(weir_policy_buf_t));
    memset(&b->members, 0, sizeof(weir_policy_buf_t));
    memset(&b->dims, 0, sizeof(weir_policy_buf_t));
    memset(&b->attr_table, 0, sizeof(weir_policy_table_t));
    memset(&b->literal_table, 0, sizeof(weir_policy_table_t));
    memset(&b->cond_table, 0, sizeof(weir_policy_table_t));

    rec.name = weir_policy_intern(b, b->file->policy.text);

    rules = weir_policy_alloc(b->c, b->file->nrules
                                    * sizeof(weir_policy_rule_t *));
    if (rules == NULL) {
        return WEIR_NOMEM;
    }

    n = 0;

    for (rule = b->file->rules; rule != NULL; rule = rule->next) {
        rules[n++] = rule;
    }

    if (n != 0) {
        qsort(rules, n, sizeof(weir_policy_rule_t *), weir_policy_rule_cmp);
    }

    rec.rules.n = n;

    while (n != 0) {
        n--;
        rules[n]->index = n;
    }

    if (weir_policy_build_roles(b, &rec, rules) != WEIR_OK
        || weir_policy_build_effects(b, &rec) != WEIR_OK
        || weir_policy_build_rules(b, &rec, rules) != WEIR_OK
        || weir_policy_build_trie(b, &rec, rules, rec.rules.n) != WEIR_OK
        || weir_policy_build_names(b, &rec) != WEIR_OK
        || weir_policy_append(b, &rec.attrs, &b->attrs,
                              sizeof(weir_policy_attr_rec_t)) != WEIR_OK
        || weir_policy_append(b, &rec.literals, &b->literals,
                              sizeof(weir_policy_literal_rec_t)) != WEIR_OK
        || weir_policy_append(b, &rec.nodes, &b->nodes,
                              sizeof(weir_policy_node_rec_t)) != WEIR_OK
        || weir_policy_append(b, &rec.princs, &b->princs,
                              sizeof(weir_policy_princ_rec_t)) != WEIR_OK
        || weir_policy_append(b, &rec.conds, &b->conds,
                              sizeof(weir_policy_cond_rec_t)) != WEIR_OK
        || b->c->nomem)
    {
        return WEIR_NOMEM;
    }

    *weir_policy_out(b, at, weir_policy_rec_t) = rec;

    return WEIR_OK;
}


static int
weir_policy_build_rules(weir_policy_builder_t *b, weir_policy_rec_t *rec,
    weir_policy_rule_t **rules)
{
    uint32_t                    i;
    const weir_policy_what_t   *what;

    for (i = 0; i < rec->rules.n; i++) {
        for (what = rules[i]->whats; what != NULL; what = what->next) {
            rec->whats.n++;
        }
    }

    rec->rules.off = weir_policy_reserve(b, &b->out, rec->rules.n,
                                         sizeof(weir_policy_rule_rec_t));
    rec->whats.off = weir_policy_reserve(b, &b->out, rec->whats.n,
                                         sizeof(weir_policy_what_rec_t));

    if (rec->rules.off == WEIR_POLICY_NONE
        || rec->whats.off == WEIR_POLICY_NONE)
    {
        return WEIR_NOMEM;
    }

    rec->whats.n = 0;

    for (i = 0; i < rec->rules.n; i++) {
        if (weir_policy_build_rule(b, rec, rules[i]) != WEIR_OK) {
            return WEIR_NOMEM;
        }
    }

    return WEIR_OK;
}


static int
weir_policy_build_rule(weir_policy_builder_t *b, weir_policy_rec_t *rec,
    const weir_policy_rule_t *rule)
{
    uint32_t                    off;
    const weir_policy_cond_t   *cond;
    const weir_policy_what_t   *what;
    const weir_policy_princ_t  *p;
    weir_policy_rule_rec_t      rr;

    memset(&rr, 0, sizeof(weir_policy_rule_rec_t));

    rr.name = weir_policy_intern(b, rule->name.text);

    rr.flags = (rule->deny ? WEIR_POLICY_R_DENY : 0)
               | (rule->has_who ? WEIR_POLICY_R_WHO : 0)
               | (rule->has_host ? WEIR_POLICY_R_HOST : 0)
               | (rule->has_from ? WEIR_POLICY_R_FROM : 0)
               | (rule->has_during ? WEIR_POLICY_R_DURING : 0)
               | (rule->shadow ? WEIR_POLICY_R_SHADOW : 0);

    for (cond = rule->conds; cond != NULL; cond = cond->next) {
        if (weir_policy_reads_path(cond->expr)) {
            rr.flags |= WEIR_POLICY_R_CAPTURES;
        }
    }

    for (p = rule->who; p != NULL; p = p->next) {
        if (p->kind == WEIR_POLICY_P_ROLE && p->role->paths != NULL) {
            rr.flags |= WEIR_POLICY_R_CAPTURES;
        }

        rr.nprincs++;
    }

    if (rr.nprincs != 0
        && weir_policy_build_princs(b, rule, rr.nprincs, &rr.princs)
           != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    rr.whats = rec->whats.n;

    for (what = rule->whats; what != NULL; what = what->next) {
        off = rec->whats.off + rec->whats.n * sizeof(weir_policy_what_rec_t);

        if (weir_policy_build_what(b, off, what) != WEIR_OK) {
            return WEIR_NOMEM;
        }

        rec->whats.n++;
        rr.nwhats++;
    }

    rr.hosts.off = weir_policy_build_words(b, rule->hosts, &rr.hosts.n);
    rr.nets.off = weir_policy_build_froms(b, rule->nets, &rr.nets.n);
    rr.effects.off = weir_policy_build_clauses(b, rule->clauses,
                                               &rr.effects.n);

    if (rr.hosts.off == WEIR_POLICY_NONE || rr.nets.off == WEIR_POLICY_NONE
        || rr.effects.off == WEIR_POLICY_NONE)
    {
        return WEIR_NOMEM;
    }

    rr.window = WEIR_POLICY_NONE;

    if (rule->window != NULL) {
        rr.window = weir_policy_build_window(b, rule->window);

        if (rr.window == WEIR_POLICY_NONE) {
            return WEIR_NOMEM;
        }
    }

    rr.cond = WEIR_POLICY_NONE;

    if (rule->conds != NULL) {
        rr.cond = weir_policy_build_conds(b, rule->conds);

        if (rr.cond == WEIR_POLICY_NONE) {
            return WEIR_NOMEM;
        }
    }

    weir_policy_out(b, rec->rules.off, weir_policy_rule_rec_t)[rule->index]
        = rr;

    return WEIR_OK;
}


/* Many rules are for the same principals: these are there once. */

static int
weir_policy_build_princs(weir_policy_builder_t *b,
    const weir_policy_rule_t *rule, uint32_t n, uint32_t *first)
{
    int                         rc;
    uint32_t                    i, off;
    weir_policy_attr_t          spiffe;
    weir_policy_princ_rec_t     pr, *prs;
    const weir_policy_princ_t  *p;

    memset(&spiffe, 0, sizeof(weir_policy_attr_t));
    spiffe.kind = WEIR_POLICY_A_SPIFFE;

    prs = weir_policy_alloc(b->c, n * sizeof(weir_policy_princ_rec_t));
    if (prs == NULL) {
        return WEIR_NOMEM;
    }

    i = 0;

    for (p = rule->who; p != NULL; p = p->next) {

        memset(&pr, 0, sizeof(weir_policy_princ_rec_t));

        pr.kind = p->kind;
        pr.role = WEIR_POLICY_NONE;

        if (p->kind == WEIR_POLICY_P_ROLE) {
            pr.role = p->role->index;

        } else if (p->set != NULL) {
            pr.role = weir_policy_build_list(b, p->set->list);

            if (pr.role == WEIR_POLICY_NONE) {
                return WEIR_NOMEM;
            }

        } else {
            pr.subject = weir_policy_intern(b, p->name.text);
            pr.issuer = weir_policy_intern(b, p->issuer.text);
        }

        if (b->c->nomem) {
            return WEIR_NOMEM;
        }

        prs[i++] = pr;

        /* no expression asks for it, and a record of the decision must */

        if (p->kind == WEIR_POLICY_P_SPIFFE
            && weir_policy_build_attr(b, &spiffe) == WEIR_POLICY_NONE)
        {
            return WEIR_NOMEM;
        }
    }

    *first = (uint32_t) (b->princs.len / sizeof(weir_policy_princ_rec_t));

    rc = weir_policy_known(b, &b->princ_table, prs,
                           n * sizeof(weir_policy_princ_rec_t), first);

    if (rc != WEIR_DECLINED) {
        return rc;
    }

    off = weir_policy_reserve(b, &b->princs, n,
                              sizeof(weir_policy_princ_rec_t));

    if (off == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    memcpy(b->princs.data + off, prs, n * sizeof(weir_policy_princ_rec_t));

    return WEIR_OK;
}


static int
weir_policy_build_what(weir_policy_builder_t *b, uint32_t off,
    const weir_policy_what_t *what)
{
    uint32_t                     i, bit;
    weir_policy_seg_rec_t        seg;
    weir_policy_words_t          others[1], *o, **last;
    weir_policy_what_rec_t       wr;
    const weir_policy_words_t   *w;

    memset(&wr, 0, sizeof(weir_policy_what_rec_t));

    others[0].next = NULL;
    last = &others[0].next;

    if (what->methods == NULL) {
        wr.methods = WEIR_POLICY_METHOD_ANY;
    }

    for (w = what->methods; w != NULL; w = w->next) {
        bit = weir_policy_method_bit(w->word.text);
        wr.methods |= bit;

        if (bit == WEIR_POLICY_METHOD_OTHER) {
            o = weir_policy_alloc(b->c, sizeof(weir_policy_words_t));
            if (o == NULL) {
                return WEIR_NOMEM;
            }

            o->word = w->word;
            *last = o;
            last = &o->next;
        }
    }

    wr.others.off = weir_policy_build_words(b, others[0].next, &wr.others.n);

    wr.any = WEIR_POLICY_NONE;
    wr.segs.n = what->nsegs;
    wr.segs.off = weir_policy_reserve(b, &b->out, what->nsegs,
                                      sizeof(weir_policy_seg_rec_t));

    if (wr.others.off == WEIR_POLICY_NONE || wr.segs.off == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < what->nsegs; i++) {

        memset(&seg, 0, sizeof(weir_policy_seg_rec_t));
        seg.kind = what->segs[i].kind;

        if (seg.kind == WEIR_POLICY_SEG_ANY) {
            wr.any = i;

        } else if (seg.kind != WEIR_POLICY_SEG_ONE) {
            seg.text = weir_policy_intern(b, what->segs[i].text);
        }

        if (b->c->nomem) {
            return WEIR_NOMEM;
        }

        weir_policy_out(b, wr.segs.off, weir_policy_seg_rec_t)[i] = seg;
    }

    *weir_policy_out(b, off, weir_policy_what_rec_t) = wr;

    return WEIR_OK;
}


static uint32_t
weir_policy_build_words(weir_policy_builder_t *b,
    const weir_policy_words_t *words, uint32_t *n)
{
    uint32_t                    off, i;
    weir_policy_ref_t           ref;
    const weir_policy_words_t  *w;

    *n = 0;

    for (w = words; w != NULL; w = w->next) {
        (*n)++;
    }

    off = weir_policy_reserve(b, &b->out, *n, sizeof(weir_policy_ref_t));

    if (off == WEIR_POLICY_NONE) {
        return off;
    }

    i = 0;

    for (w = words; w != NULL; w = w->next) {
        ref = weir_policy_intern(b, w->word.text);

        if (b->c->nomem) {
            return WEIR_POLICY_NONE;
        }

        weir_policy_out(b, off, weir_policy_ref_t)[i++] = ref;
    }

    return off;
}


/* The rule's own networks are one set; those that it names are others. */

static uint32_t
weir_policy_build_froms(weir_policy_builder_t *b,
    const weir_policy_net_t *nets, uint32_t *n)
{
    int                       rc;
    uint32_t                  i, k, own, off, *offs;
    weir_cidr_t              *cidrs;
    const weir_policy_net_t  *net;

    own = 0;
    k = 0;

    for (net = nets; net != NULL; net = net->next) {
        own += net->set == NULL;
        k += net->set != NULL;
    }

    *n = k + (own != 0);

    if (nets == NULL) {
        return weir_policy_reserve(b, &b->out, 0, sizeof(uint32_t));
    }

    offs = weir_policy_alloc(b->c, *n * sizeof(uint32_t));
    cidrs = weir_policy_alloc(b->c, (own + 1) * sizeof(weir_cidr_t));

    if (offs == NULL || cidrs == NULL) {
        return WEIR_POLICY_NONE;
    }

    own = 0;
    k = 0;

    for (net = nets; net != NULL; net = net->next) {

        if (net->set == NULL) {
            cidrs[own++] = net->cidr;
            continue;
        }

        i = weir_policy_build_list(b, net->set->list);

        if (i == WEIR_POLICY_NONE) {
            return i;
        }

        offs[k++] = i;
    }

    if (own != 0) {
        i = weir_policy_build_nets(b, cidrs, own);

        if (i == WEIR_POLICY_NONE) {
            return i;
        }

        offs[k++] = i;
    }

    /* many rules are for the same networks */

    off = (uint32_t) ((b->out.len + 7) & ~(size_t) 7);
    rc = weir_policy_known(b, &b->froms_table, offs, k * sizeof(uint32_t),
                           &off);

    if (rc == WEIR_OK) {
        return off;
    }

    off = weir_policy_reserve(b, &b->out, k, sizeof(uint32_t));

    if (rc == WEIR_NOMEM || off == WEIR_POLICY_NONE) {
        return WEIR_POLICY_NONE;
    }

    memcpy(b->out.data + off, offs, k * sizeof(uint32_t));

    return off;
}


static uint32_t
weir_policy_build_clauses(weir_policy_builder_t *b,
    const weir_policy_clause_t *clauses, uint32_t *n)
{
    uint32_t                     off, *out;
    const weir_policy_clause_t  *clause;

    *n = 0;

    for (clause = clauses; clause != NULL; clause = clause->next) {
        (*n)++;
    }

    off = weir_policy_reserve(b, &b->out, *n, sizeof(uint32_t));

    if (off == WEIR_POLICY_NONE) {
        return off;
    }

    out = weir_policy_out(b, off, uint32_t);
    *n = 0;

    for (clause = clauses; clause != NULL; clause = clause->next) {
        out[(*n)++] = clause->index;
    }

    if (*n != 0) {
        qsort(out, *n, sizeof(uint32_t), weir_policy_index_cmp);
    }

    return off;
}


static int
weir_policy_file_cmp(const void *one, const void *two)
{
    return weir_str_cmp((*(weir_policy_file_t *const *) one)->policy.text,
                        (*(weir_policy_file_t *const *) two)->policy.text);
}


static int
weir_policy_rule_cmp(const void *one, const void *two)
{
    return weir_str_cmp((*(weir_policy_rule_t *const *) one)->name.text,
                        (*(weir_policy_rule_t *const *) two)->name.text);
}


static int
weir_policy_index_cmp(const void *one, const void *two)
{
    uint32_t  a, b;

    a = *(const uint32_t *) one;
    b = *(const uint32_t *) two;

    return a < b ? -1 : a > b;
}


int
weir_policy_reads_path(const weir_policy_expr_t *e)
{
    if (e == NULL) {
        return 0;
    }

    if (e->attr != NULL) {
        return e->attr->kind == WEIR_POLICY_A_PATH;
    }

    return weir_policy_reads_path(e->left) || weir_policy_reads_path(e->right);
}
