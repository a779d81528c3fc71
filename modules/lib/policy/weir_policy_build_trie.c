
/*
 * Weir: the index of the image: a trie of the patterns' segments.
 */

#include "weir_policy_image.h"


typedef struct weir_policy_leaf_s    weir_policy_leaf_t;
typedef struct weir_policy_branch_s  weir_policy_branch_t;

struct weir_policy_leaf_s {
    weir_policy_entry_rec_t   rec;
    weir_policy_leaf_t       *next;
};


typedef struct {
    uint32_t             n;
    weir_policy_leaf_t  *first;
    weir_policy_leaf_t  *last;
} weir_policy_entries_t;


struct weir_policy_branch_s {
    weir_policy_table_t     children;
    weir_policy_branch_t   *star;
    weir_policy_entries_t   lists[WEIR_POLICY_LISTS];
    uint32_t                index;
    weir_policy_branch_t   *next;       /* in order of index */
};


typedef struct {
    weir_policy_builder_t  *b;
    weir_policy_branch_t   *root;
    weir_policy_branch_t   *last;
    uint32_t                nbranches;
    uint32_t                longest;    /* list */
} weir_policy_trie_t;


static weir_policy_branch_t *weir_policy_branch(weir_policy_trie_t *t);
static int weir_policy_plant(weir_policy_trie_t *t,
    const weir_policy_what_t *what, const weir_policy_entry_rec_t *rec);
static int weir_policy_branch_out(weir_policy_trie_t *t,
    weir_policy_rec_t *rec, const weir_policy_branch_t *branch,
    weir_policy_entry_rec_t *space);
static int weir_policy_children_out(weir_policy_trie_t *t,
    const weir_policy_branch_t *branch, weir_policy_array_t *table);


int
weir_policy_build_trie(weir_policy_builder_t *b, weir_policy_rec_t *rec,
    weir_policy_rule_t **rules, uint32_t nrules)
{
    uint32_t                        i, n;
    weir_policy_trie_t              trie;
    weir_policy_branch_t           *branch;
    const weir_policy_what_t       *what;
    weir_policy_entry_rec_t         entry, *space;
    const weir_policy_what_rec_t   *whats;
    const weir_policy_rule_rec_t   *rr;

    memset(&trie, 0, sizeof(weir_policy_trie_t));
    trie.b = b;

    trie.root = weir_policy_branch(&trie);
    if (trie.root == NULL) {
        return WEIR_NOMEM;
    }

    memset(&entry, 0, sizeof(weir_policy_entry_rec_t));
    n = 0;

    for (i = 0; i < nrules; i++) {

        rr = (const weir_policy_rule_rec_t *) (const void *)
             (b->out.data + rec->rules.off) + i;

        entry.rule = i;
        entry.what = WEIR_POLICY_NONE;
        entry.methods = WEIR_POLICY_METHOD_ANY;
        entry.flags = rr->flags;

        if (rr->nwhats > 1) {
            entry.flags |= WEIR_POLICY_R_SEVERAL;
        }

        if (rules[i]->whats == NULL
            && weir_policy_plant(&trie, NULL, &entry) != WEIR_OK)
        {
            return WEIR_NOMEM;
        }

        for (what = rules[i]->whats; what != NULL; what = what->next) {

            whats = (const weir_policy_what_rec_t *) (const void *)
                    (b->out.data + rec->whats.off);

            entry.methods = whats[n].methods;
            entry.flags &= ~(uint32_t) WEIR_POLICY_R_TAIL;

            if (whats[n].any != WEIR_POLICY_NONE
                && whats[n].any + 1 != whats[n].segs.n)
            {
                entry.flags |= WEIR_POLICY_R_TAIL;
            }

            entry.what = n++;

            if (weir_policy_plant(&trie, what, &entry) != WEIR_OK) {
                return WEIR_NOMEM;
            }
        }
    }

    rec->trie.n = trie.nbranches;
    rec->trie.off = weir_policy_reserve(b, &b->out, trie.nbranches,
                                        sizeof(weir_policy_trie_rec_t));

    space = weir_policy_alloc(b->c, (trie.longest + 1)
                                    * sizeof(weir_policy_entry_rec_t));

    if (rec->trie.off == WEIR_POLICY_NONE || space == NULL) {
        return WEIR_NOMEM;
    }

    for (branch = trie.root; branch != NULL; branch = branch->next) {
        if (weir_policy_branch_out(&trie, rec, branch, space) != WEIR_OK) {
            return WEIR_NOMEM;
        }
    }

    return weir_policy_append(b, &rec->entries, &b->entries,
                              sizeof(weir_policy_entry_rec_t)) == WEIR_OK
           && weir_policy_append(b, &rec->members, &b->members,
                                 sizeof(uint32_t)) == WEIR_OK
           && weir_policy_append(b, &rec->dims, &b->dims,
                                 sizeof(weir_policy_dim_rec_t)) == WEIR_OK
           ? WEIR_OK : WEIR_NOMEM;
}


static weir_policy_branch_t *
weir_policy_branch(weir_policy_trie_t *t)
{
    weir_policy_branch_t  *branch;

    branch = weir_policy_alloc(t->b->c, sizeof(weir_policy_branch_t));
    if (branch == NULL) {
        return NULL;
    }

    branch->index = t->nbranches++;

    if (t->last != NULL) {
        t->last->next = branch;
    }

    t->last = branch;

    return branch;
}


/* Walks the pattern down to its end or its "**", making what is missing. */

static int
weir_policy_plant(weir_policy_trie_t *t, const weir_policy_what_t *what,
    const weir_policy_entry_rec_t *rec)
{
    uint32_t                 i, any;
    weir_policy_leaf_t      *entry;
    weir_policy_branch_t    *branch, *child;
    weir_policy_entries_t   *entries;

    branch = t->root;
    any = what == NULL;

    for (i = 0; what != NULL && i < what->nsegs; i++) {

        if (what->segs[i].kind == WEIR_POLICY_SEG_ANY) {
            any = 1;
            break;
        }

        if (what->segs[i].kind != WEIR_POLICY_SEG_LITERAL) {

            if (branch->star == NULL) {
                branch->star = weir_policy_branch(t);
            }

            child = branch->star;

        } else {
            child = weir_policy_table_get(&branch->children,
                                          what->segs[i].text);

            if (child == NULL) {
                child = weir_policy_branch(t);

                if (child != NULL) {
                    (void) weir_policy_table_put(t->b->c, &branch->children,
                                                 what->segs[i].text, child);
                }
            }
        }

        if (child == NULL) {
            return WEIR_NOMEM;
        }

        branch = child;
    }

    entries = &branch->lists[
                  rec->flags & WEIR_POLICY_R_DENY
                  ? any ? WEIR_POLICY_L_ANY_DENY : WEIR_POLICY_L_EXACT_DENY
                  : any ? WEIR_POLICY_L_ANY_PERMIT
                        : WEIR_POLICY_L_EXACT_PERMIT];

    entry = weir_policy_alloc(t->b->c, sizeof(weir_policy_leaf_t));

    if (entry == NULL || t->b->c->nomem) {
        return WEIR_NOMEM;
    }

    entry->rec = *rec;

    if (entries->last == NULL) {
        entries->first = entry;

    } else {
        entries->last->next = entry;
    }

    entries->last = entry;
    entries->n++;

    if (t->longest < entries->n) {
        t->longest = entries->n;
    }

    return WEIR_OK;
}


static int
weir_policy_branch_out(weir_policy_trie_t *t, weir_policy_rec_t *rec,
    const weir_policy_branch_t *branch, weir_policy_entry_rec_t *space)
{
    uint32_t                   i, n;
    weir_policy_buf_t         *dims;
    weir_policy_trie_rec_t     tr, *out;
    const weir_policy_leaf_t  *e;

    memset(&tr, 0, sizeof(weir_policy_trie_rec_t));

    dims = &t->b->dims;

    tr.star = branch->star == NULL ? WEIR_POLICY_NONE : branch->star->index;
    tr.dims = (uint32_t) (dims->len / sizeof(weir_policy_dim_rec_t));

    for (i = 0; i < WEIR_POLICY_LISTS; i++) {

        n = 0;

        for (e = branch->lists[i].first; e != NULL; e = e->next) {
            space[n++] = e->rec;
        }

        tr.filled |= (uint32_t) (n != 0) << i;

        if (weir_policy_build_entries(t->b, rec, i, space, n, &tr.lists[i])
            != WEIR_OK)
        {
            return WEIR_NOMEM;
        }
    }

    tr.ndims = (uint32_t) (dims->len / sizeof(weir_policy_dim_rec_t))
               - tr.dims;

    if (weir_policy_children_out(t, branch, &tr.table) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    out = (weir_policy_trie_rec_t *) (void *) (t->b->out.data + rec->trie.off);

    out[branch->index] = tr;

    return WEIR_OK;
}


static int
weir_policy_children_out(weir_policy_trie_t *t,
    const weir_policy_branch_t *branch, weir_policy_array_t *table)
{
    uint32_t                     i, j, hash;
    weir_policy_slot_rec_t       slot, *slots;
    const weir_policy_branch_t  *child;
    const weir_policy_table_t   *children;

    children = &branch->children;

    if (children->used == 0) {
        return WEIR_OK;
    }

    table->n = 1;

    while (children->used > 1 && table->n < 2 * children->used) {
        table->n *= 2;
    }

    table->off = weir_policy_reserve(t->b, &t->b->out, table->n,
                                     sizeof(weir_policy_slot_rec_t));

    if (table->off == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < children->size; i++) {

        child = children->slots[i].value;

        if (child == NULL) {
            continue;
        }

        hash = children->slots[i].hash;

        slot.child = child->index;
        slot.reserved = 0;
        slot.text = weir_policy_intern(t->b, children->slots[i].name);
        slot.word = weir_policy_slot_word(children->slots[i].name);

        if (t->b->c->nomem) {
            return WEIR_NOMEM;
        }

        slots = (weir_policy_slot_rec_t *) (void *) (t->b->out.data
                                                     + table->off);

        for (j = hash & (table->n - 1);
             slots[j].child != 0;
             j = (j + 1) & (table->n - 1))
        {
            /* void */
        }

        slots[j] = slot;
    }

    return WEIR_OK;
}
