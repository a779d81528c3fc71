
/*
 * Weir: lists of the index: rules that differ by name alone become one entry,
 * and long lists are divided by the keys that fewest of their entries share.
 */

#include <stdlib.h>

#include "weir_policy_image.h"


#define WEIR_POLICY_SHARE_FROM   4      /* entries of a list */
#define WEIR_POLICY_DIVIDE_FROM  12
#define WEIR_POLICY_DIM_FROM     4
#define WEIR_POLICY_CANDIDATES   8      /* keys of a rule that are compared */


typedef struct {
    weir_policy_builder_t      *b;
    const weir_policy_rec_t    *rec;
    uint32_t                    list;
    weir_policy_entry_rec_t    *entries;
    uint32_t                    n;
} weir_policy_shelf_t;


/* What rules have in common that share an entry, before their lists. */

typedef struct {
    uint32_t  flags;
    uint32_t  methods;
    uint32_t  cond;
    uint32_t  window;
    uint32_t  princs;
    uint32_t  nprincs;
    uint32_t  nhosts;
    uint32_t  nnets;
    uint32_t  nothers;
    uint32_t  nsegs;
} weir_policy_same_t;


static int weir_policy_share(weir_policy_shelf_t *s);
static int weir_policy_same(weir_policy_shelf_t *s,
    const weir_policy_entry_rec_t *entry, weir_policy_buf_t *buf);
static int weir_policy_same_add(weir_policy_shelf_t *s, weir_policy_buf_t *buf,
    uint32_t off, uint32_t n, size_t size);
static int weir_policy_join(weir_policy_shelf_t *s, const uint32_t *of,
    uint32_t n);
static int weir_policy_keys(weir_policy_shelf_t *s);
static int weir_policy_tally(weir_policy_shelf_t *s,
    weir_policy_table_t *table, uint32_t *counts, uint32_t *n,
    const weir_policy_key_t *key, uint32_t *count);
static int weir_policy_divide(weir_policy_shelf_t *s, uint32_t base,
    weir_policy_run_t *run);
static int weir_policy_dim(weir_policy_shelf_t *s, uint32_t base,
    uint32_t first, uint32_t n);
static int weir_policy_entry_cmp(const void *one, const void *two);


#define weir_policy_out(b, off, type)                                         \
    ((type *) (void *) ((b)->out.data + (off)))


int
weir_policy_build_entries(weir_policy_builder_t *b,
    const weir_policy_rec_t *rec, uint32_t list,
    weir_policy_entry_rec_t *entries, uint32_t n, weir_policy_run_t *run)
{
    uint32_t             base, off;
    weir_policy_shelf_t  shelf;

    shelf.b = b;
    shelf.rec = rec;
    shelf.list = list;
    shelf.entries = entries;
    shelf.n = n;

    if (n >= WEIR_POLICY_SHARE_FROM && weir_policy_share(&shelf) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    base = (uint32_t) (b->entries.len / sizeof(weir_policy_entry_rec_t));

    run->first = base;
    run->n = shelf.n;

    if (n == 0) {
        return WEIR_OK;
    }

    if (weir_policy_keys(&shelf) != WEIR_OK
        || (shelf.n >= WEIR_POLICY_DIVIDE_FROM
            && weir_policy_divide(&shelf, base, run) != WEIR_OK))
    {
        return WEIR_NOMEM;
    }

    off = weir_policy_reserve(b, &b->entries, shelf.n,
                              sizeof(weir_policy_entry_rec_t));

    if (off == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    memcpy(b->entries.data + off, entries,
           shelf.n * sizeof(weir_policy_entry_rec_t));

    return WEIR_OK;
}


/* The first entry of those that are the same stands for all. */

static int
weir_policy_share(weir_policy_shelf_t *s)
{
    int                   rc;
    uint32_t              i, *of;
    weir_policy_buf_t     buf;
    weir_policy_table_t   table;

    memset(&buf, 0, sizeof(weir_policy_buf_t));
    memset(&table, 0, sizeof(weir_policy_table_t));

    of = weir_policy_alloc(s->b->c, s->n * sizeof(uint32_t));
    if (of == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < s->n; i++) {

        of[i] = i;
        buf.len = 0;

        rc = weir_policy_same(s, &s->entries[i], &buf);

        if (rc == WEIR_OK) {
            rc = weir_policy_known(s->b, &table, buf.data, buf.len, &of[i]);
        }

        if (rc == WEIR_NOMEM) {
            return rc;
        }
    }

    return weir_policy_join(s, of, s->n);
}


/* All that the entry's decision comes from; WEIR_DECLINED: it stays alone. */

static int
weir_policy_same(weir_policy_shelf_t *s, const weir_policy_entry_rec_t *entry,
    weir_policy_buf_t *buf)
{
    uint32_t                       segs;
    weir_policy_same_t             same;
    weir_policy_what_rec_t         what;
    const weir_policy_rule_rec_t  *rule;

    rule = weir_policy_out(s->b, s->rec->rules.off, weir_policy_rule_rec_t)
           + entry->rule;

    if ((entry->flags & (WEIR_POLICY_R_CAPTURES|WEIR_POLICY_R_SEVERAL))
        || rule->effects.n != 0)
    {
        return WEIR_DECLINED;
    }

    memset(&what, 0, sizeof(weir_policy_what_rec_t));
    memset(&same, 0, sizeof(weir_policy_same_t));

    segs = 0;

    if (entry->what != WEIR_POLICY_NONE) {
        what = weir_policy_out(s->b, s->rec->whats.off,
                               weir_policy_what_rec_t)[entry->what];

        if (entry->flags & WEIR_POLICY_R_TAIL) {
            segs = what.segs.off
                   + (what.any + 1) * (uint32_t) sizeof(weir_policy_seg_rec_t);
            same.nsegs = what.segs.n - what.any - 1;
        }
    }

    same.flags = entry->flags;
    same.methods = entry->methods;
    same.cond = rule->cond;
    same.window = rule->window;
    same.princs = rule->princs;
    same.nprincs = rule->nprincs;
    same.nhosts = rule->hosts.n;
    same.nnets = rule->nets.n;
    same.nothers = what.others.n;

    if (weir_policy_reserve(s->b, buf, 1, sizeof(weir_policy_same_t))
        == WEIR_POLICY_NONE)
    {
        return WEIR_NOMEM;
    }

    memcpy(buf->data, &same, sizeof(weir_policy_same_t));

    return weir_policy_same_add(s, buf, rule->hosts.off, rule->hosts.n,
                                sizeof(weir_policy_ref_t)) == WEIR_OK
           && weir_policy_same_add(s, buf, rule->nets.off, rule->nets.n,
                                   sizeof(uint32_t)) == WEIR_OK
           && weir_policy_same_add(s, buf, what.others.off, what.others.n,
                                   sizeof(weir_policy_ref_t)) == WEIR_OK
           && weir_policy_same_add(s, buf, segs, same.nsegs,
                                   sizeof(weir_policy_seg_rec_t)) == WEIR_OK
           ? WEIR_OK : WEIR_NOMEM;
}


/* Records of the image; padding is of a length that these tell. */

static int
weir_policy_same_add(weir_policy_shelf_t *s, weir_policy_buf_t *buf,
    uint32_t off, uint32_t n, size_t size)
{
    uint32_t  to;

    if (n == 0) {
        return WEIR_OK;
    }

    to = (uint32_t) buf->len;
    buf->len = (buf->len + 7) & ~(size_t) 7;

    if (weir_policy_reserve(s->b, buf, n, size) == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    while (to % 8 != 0) {
        buf->data[to++] = 0;
    }

    memcpy(buf->data + to, s->b->out.data + off, n * size);

    return WEIR_OK;
}


/* of[i]: the entry that i shares, itself if there is none before it. */

static int
weir_policy_join(weir_policy_shelf_t *s, const uint32_t *of, uint32_t n)
{
    uint32_t                  i, k, first, off, *counts, *ends, *rules;
    weir_policy_entry_rec_t  *e;

    counts = weir_policy_alloc(s->b->c, n * sizeof(uint32_t));
    ends = weir_policy_alloc(s->b->c, n * sizeof(uint32_t));

    if (counts == NULL || ends == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < n; i++) {
        counts[of[i]]++;
    }

    off = weir_policy_reserve(s->b, &s->b->members, n, sizeof(uint32_t));

    if (off == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    rules = (uint32_t *) (void *) s->b->members.data;
    first = off / (uint32_t) sizeof(uint32_t);

    for (i = 0; i < n; i++) {

        if (counts[i] > 1) {
            s->entries[i].members = first;
            s->entries[i].nmembers = counts[i];
            ends[i] = first;
            first += counts[i];
        }

        if (counts[of[i]] > 1) {
            rules[ends[of[i]]++] = s->entries[i].rule;
        }
    }

    s->b->members.len = first * sizeof(uint32_t);

    k = 0;

    for (i = 0; i < n; i++) {
        e = &s->entries[i];

        if (of[i] == i) {
            s->entries[k++] = *e;
        }
    }

    s->n = k;

    return WEIR_OK;
}


/* The two keys of each entry that fewest others have, in this order. */

static int
weir_policy_keys(weir_policy_shelf_t *s)
{
    uint32_t                       i, j, k, m, n, count, *counts;
    uint32_t                       costs[WEIR_POLICY_CANDIDATES];
    weir_policy_key_t              key, keys[WEIR_POLICY_CANDIDATES];
    weir_policy_table_t            table;
    weir_policy_entry_rec_t       *e;
    const weir_policy_rule_rec_t  *rules;

    counts = NULL;
    n = 0;

    memset(&table, 0, sizeof(weir_policy_table_t));

    if (s->n >= WEIR_POLICY_DIVIDE_FROM) {
        counts = weir_policy_alloc(s->b->c, s->n * WEIR_POLICY_CANDIDATES
                                            * sizeof(uint32_t));
        if (counts == NULL) {
            return WEIR_NOMEM;
        }
    }

    rules = weir_policy_out(s->b, s->rec->rules.off, weir_policy_rule_rec_t);

    for (i = 0; counts != NULL && i < s->n; i++) {

        m = weir_policy_build_keys(s->b, s->rec, &rules[s->entries[i].rule],
                                   keys, WEIR_POLICY_CANDIDATES);

        for (k = 0; k < m; k++) {
            if (weir_policy_tally(s, &table, counts, &n, &keys[k], &count)
                != WEIR_OK)
            {
                return WEIR_NOMEM;
            }

            counts[count]++;
        }
    }

    for (i = 0; i < s->n; i++) {

        e = &s->entries[i];

        m = weir_policy_build_keys(s->b, s->rec, &rules[e->rule], keys,
                                   WEIR_POLICY_CANDIDATES);

        for (k = 0; k < m; k++) {

            /* of a set, many values have to be asked for */

            costs[k] = weir_policy_key_kind(keys[k].of) == WEIR_POLICY_K_IN
                       || weir_policy_key_kind(keys[k].of)
                          == WEIR_POLICY_K_ROLE;

            if (counts != NULL) {
                if (weir_policy_tally(s, &table, counts, &n, &keys[k], &count)
                    != WEIR_OK)
                {
                    return WEIR_NOMEM;
                }

                costs[k] += 2 * counts[count];
            }

            key = keys[k];
            count = costs[k];

            for (j = k; j > 0 && costs[j - 1] > count; j--) {
                keys[j] = keys[j - 1];
                costs[j] = costs[j - 1];
            }

            keys[j] = key;
            costs[j] = count;
        }

        for (k = 0; k < m && k < WEIR_POLICY_ENTRY_KEYS; k++) {
            e->keys[k] = keys[k];
        }
    }

    return WEIR_OK;
}


static int
weir_policy_tally(weir_policy_shelf_t *s, weir_policy_table_t *table,
    uint32_t *counts, uint32_t *n, const weir_policy_key_t *key,
    uint32_t *count)
{
    int  rc;

    *count = *n;

    rc = weir_policy_known(s->b, table, key, sizeof(weir_policy_key_t), count);

    if (rc == WEIR_DECLINED) {
        counts[(*n)++] = 0;
        return WEIR_OK;
    }

    return rc;
}


/* Entries without a key, then those of each kind of key, by hash. */

static int
weir_policy_divide(weir_policy_shelf_t *s, uint32_t base,
    weir_policy_run_t *run)
{
    uint32_t                  i, n, plain;
    weir_policy_entry_rec_t  *e;

    e = s->entries;

    qsort(e, s->n, sizeof(weir_policy_entry_rec_t), weir_policy_entry_cmp);

    for (plain = 0; plain < s->n && e[plain].keys[0].of == 0; plain++) {
        /* void */
    }

    run->n = plain;

    for (i = plain; i < s->n; i += n) {

        for (n = 1; i + n < s->n; n++) {
            if (e[i + n].keys[0].of != e[i].keys[0].of) {
                break;
            }
        }

        /* few are as quickly looked at as found */

        if (n < WEIR_POLICY_DIM_FROM && run->n == i) {
            run->n += n;
            continue;
        }

        if (weir_policy_dim(s, base, i, n) != WEIR_OK) {
            return WEIR_NOMEM;
        }
    }

    return WEIR_OK;
}


static int
weir_policy_dim(weir_policy_shelf_t *s, uint32_t base, uint32_t first,
    uint32_t n)
{
    uint32_t                         i, k, at, keys;
    weir_policy_dim_rec_t            dim;
    weir_policy_cell_rec_t          *cells;
    const weir_policy_entry_rec_t   *e;

    e = s->entries + first;
    keys = 1;

    for (i = 1; i < n; i++) {
        keys += e[i].keys[0].hash != e[i - 1].keys[0].hash;
    }

    memset(&dim, 0, sizeof(weir_policy_dim_rec_t));

    dim.list = s->list;
    dim.of = e->keys[0].of;
    dim.all.first = base + first;
    dim.all.n = n;

    for (dim.table.n = 2; dim.table.n < 2 * keys; dim.table.n *= 2) {
        /* void */
    }

    dim.table.off = weir_policy_reserve(s->b, &s->b->out, dim.table.n,
                                        sizeof(weir_policy_cell_rec_t));
    at = weir_policy_reserve(s->b, &s->b->dims, 1,
                             sizeof(weir_policy_dim_rec_t));

    if (dim.table.off == WEIR_POLICY_NONE || at == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    memcpy(s->b->dims.data + at, &dim, sizeof(weir_policy_dim_rec_t));

    cells = weir_policy_out(s->b, dim.table.off, weir_policy_cell_rec_t);

    for (i = 0; i < n; i = k) {

        for (k = i + 1; k < n && e[k].keys[0].hash == e[i].keys[0].hash; k++) {
            /* void */
        }

        for (at = e[i].keys[0].hash & (dim.table.n - 1);
             cells[at].run.n != 0;
             at = (at + 1) & (dim.table.n - 1))
        {
            /* void */
        }

        cells[at].hash = e[i].keys[0].hash;
        cells[at].run.first = base + first + i;
        cells[at].run.n = k - i;
    }

    return WEIR_OK;
}


static int
weir_policy_entry_cmp(const void *one, const void *two)
{
    const weir_policy_entry_rec_t  *a, *b;

    a = one;
    b = two;

    if (a->keys[0].of != b->keys[0].of) {
        return a->keys[0].of < b->keys[0].of ? -1 : 1;
    }

    if (a->keys[0].hash != b->keys[0].hash) {
        return a->keys[0].hash < b->keys[0].hash ? -1 : 1;
    }

    return a->rule < b->rule ? -1 : a->rule > b->rule;
}
