
/*
 * Weir: the check of the index of a policy image: the walk of it ends, and
 * what it finds is there.
 */

#include "weir_policy_verify.h"


static int weir_policy_verify_entry(weir_policy_verify_t *v,
    const weir_policy_entry_rec_t *entry);
static int weir_policy_verify_key(weir_policy_verify_t *v, uint32_t of,
    uint32_t hash);
static int weir_policy_verify_trie(weir_policy_verify_t *v, uint32_t i);
static int weir_policy_verify_dim(weir_policy_verify_t *v,
    const weir_policy_dim_rec_t *dim);
static int weir_policy_verify_run(weir_policy_verify_t *v,
    const weir_policy_run_t *run, uint32_t list);


int
weir_policy_verify_index(weir_policy_verify_t *v)
{
    uint32_t                        i;
    const uint32_t                 *members;
    const weir_policy_rec_t        *rec;
    const weir_policy_dim_rec_t    *dims;
    const weir_policy_entry_rec_t  *entries;

    rec = v->rec;

    if (!weir_policy_array(v, &rec->entries, sizeof(*entries))
        || !weir_policy_array(v, &rec->members, sizeof(uint32_t))
        || !weir_policy_array(v, &rec->dims, sizeof(*dims))
        || !weir_policy_array(v, &rec->trie, sizeof(weir_policy_trie_rec_t))
        || rec->trie.n == 0)
    {
        return 0;
    }

    members = weir_policy_at(v->image, rec->members.off);

    for (i = 0; i < rec->members.n; i++) {
        if (members[i] >= rec->rules.n) {
            return 0;
        }
    }

    entries = weir_policy_at(v->image, rec->entries.off);

    for (i = 0; i < rec->entries.n; i++) {
        if (!weir_policy_verify_entry(v, &entries[i])) {
            return 0;
        }
    }

    /* an entry belongs to one list, or to one key of one dimension */

    v->left = 2 * rec->entries.n;

    dims = weir_policy_at(v->image, rec->dims.off);

    for (i = 0; i < rec->dims.n; i++) {
        if (!weir_policy_verify_dim(v, &dims[i])) {
            return 0;
        }
    }

    for (i = 0; i < rec->trie.n; i++) {
        if (!weir_policy_verify_trie(v, i)) {
            return 0;
        }
    }

    return 1;
}


static int
weir_policy_verify_entry(weir_policy_verify_t *v,
    const weir_policy_entry_rec_t *entry)
{
    uint32_t                       i;
    const weir_policy_what_rec_t  *what;
    const weir_policy_rule_rec_t  *rule;

    if (entry->rule >= v->rec->rules.n
        || entry->members > v->rec->members.n
        || entry->nmembers > v->rec->members.n - entry->members)
    {
        return 0;
    }

    for (i = 0; i < WEIR_POLICY_ENTRY_KEYS; i++) {
        if (entry->keys[i].of != 0
            && !weir_policy_verify_key(v, entry->keys[i].of,
                                       entry->keys[i].hash))
        {
            return 0;
        }
    }

    rule = (const weir_policy_rule_rec_t *)
           weir_policy_at(v->image, v->rec->rules.off) + entry->rule;

    if (entry->what == WEIR_POLICY_NONE) {
        return rule->nwhats == 0 && !(entry->flags & WEIR_POLICY_R_TAIL);
    }

    if (entry->what < rule->whats
        || entry->what - rule->whats >= rule->nwhats)
    {
        return 0;
    }

    what = (const weir_policy_what_rec_t *)
           weir_policy_at(v->image, v->rec->whats.off) + entry->what;

    return what->any != WEIR_POLICY_NONE
           || !(entry->flags & WEIR_POLICY_R_TAIL);
}


/* Of attributes that a decision remembers, of the key's type. */

static int
weir_policy_verify_key(weir_policy_verify_t *v, uint32_t of, uint32_t hash)
{
    uint32_t                       i;
    const weir_policy_attr_rec_t  *attrs;

    i = weir_policy_key_index(of);
    attrs = weir_policy_at(v->image, v->rec->attrs.off);

    switch (weir_policy_key_kind(of)) {

    case WEIR_POLICY_K_EQ:
    case WEIR_POLICY_K_IN:
        return i < v->rec->attrs.n && i < WEIR_POLICY_KEY_ATTRS
               && attrs[i].kind != WEIR_POLICY_A_PATH
               && attrs[i].type
                  == (weir_policy_key_kind(of) == WEIR_POLICY_K_EQ
                      ? WEIR_POLICY_T_STRING : WEIR_POLICY_T_SET);

    case WEIR_POLICY_K_ROLE:
        return hash < v->rec->roles.n;

    case WEIR_POLICY_K_SPIFFE:
    case WEIR_POLICY_K_SUBJECT:
    case WEIR_POLICY_K_ISSUER:
        return 1;

    default:
        return 0;
    }
}


/* Children come after their parents: the walk ends. */

static int
weir_policy_verify_trie(weir_policy_verify_t *v, uint32_t i)
{
    uint32_t                       j, k;
    weir_word16_t                  word;
    const weir_policy_trie_rec_t  *t;
    const weir_policy_slot_rec_t  *slots;

    t = (const weir_policy_trie_rec_t *)
        weir_policy_at(v->image, v->rec->trie.off) + i;

    if (t->dims > v->rec->dims.n || t->ndims > v->rec->dims.n - t->dims
        || (t->star != WEIR_POLICY_NONE
            && (t->star <= i || t->star >= v->rec->trie.n))
        || (t->table.n & (t->table.n - 1)) != 0
        || !weir_policy_array(v, &t->table, sizeof(weir_policy_slot_rec_t)))
    {
        return 0;
    }

    for (j = 0; j < WEIR_POLICY_LISTS; j++) {
        if (!weir_policy_verify_run(v, &t->lists[j], j)) {
            return 0;
        }
    }

    slots = weir_policy_at(v->image, t->table.off);
    k = 0;

    for (j = 0; j < t->table.n; j++) {

        if (slots[j].child == 0) {
            k++;
            continue;
        }

        if (slots[j].child <= i || slots[j].child >= v->rec->trie.n
            || !weir_policy_ref(v, &slots[j].text))
        {
            return 0;
        }

        word = weir_policy_slot_word(weir_policy_text(v->image,
                                                      slots[j].text));

        if (word.a != slots[j].word.a || word.b != slots[j].word.b) {
            return 0;
        }
    }

    /* a search ends at an empty slot; an only child has none */

    return t->table.n == 0 || (t->table.n == 1) == (k == 0);
}


static int
weir_policy_verify_dim(weir_policy_verify_t *v,
    const weir_policy_dim_rec_t *dim)
{
    uint32_t                       i, empty;
    const weir_policy_cell_rec_t  *cells;

    if (dim->list >= WEIR_POLICY_LISTS
        || !weir_policy_verify_run(v, &dim->all, dim->list)
        || dim->table.n == 0 || (dim->table.n & (dim->table.n - 1)) != 0
        || !weir_policy_array(v, &dim->table, sizeof(weir_policy_cell_rec_t)))
    {
        return 0;
    }

    cells = weir_policy_at(v->image, dim->table.off);
    empty = 0;

    for (i = 0; i < dim->table.n; i++) {

        if (cells[i].run.n == 0) {
            empty++;
            continue;
        }

        if (!weir_policy_verify_key(v, dim->of, cells[i].hash)
            || !weir_policy_verify_run(v, &cells[i].run, dim->list))
        {
            return 0;
        }
    }

    /* a search ends at an empty cell; there is a key of this kind */

    return empty != 0 && weir_policy_verify_key(v, dim->of, cells[0].hash);
}


/* Entries of a list: of its effect, and with "**" where it is of these. */

static int
weir_policy_verify_run(weir_policy_verify_t *v, const weir_policy_run_t *run,
    uint32_t list)
{
    uint32_t                        i;
    const weir_policy_what_rec_t   *whats;
    const weir_policy_entry_rec_t  *e;

    if (run->first > v->rec->entries.n
        || run->n > v->rec->entries.n - run->first || run->n > v->left)
    {
        return 0;
    }

    v->left -= run->n;

    e = (const weir_policy_entry_rec_t *)
        weir_policy_at(v->image, v->rec->entries.off) + run->first;
    whats = weir_policy_at(v->image, v->rec->whats.off);

    for (i = 0; i < run->n; i++) {

        if (!(e[i].flags & WEIR_POLICY_R_DENY)
            != (list >= WEIR_POLICY_L_EXACT_PERMIT))
        {
            return 0;
        }

        if (list == WEIR_POLICY_L_EXACT_DENY
            || list == WEIR_POLICY_L_EXACT_PERMIT)
        {
            if (e[i].what == WEIR_POLICY_NONE) {
                return 0;
            }

        } else if (e[i].what != WEIR_POLICY_NONE
                   && whats[e[i].what].any == WEIR_POLICY_NONE)
        {
            return 0;
        }
    }

    return 1;
}
