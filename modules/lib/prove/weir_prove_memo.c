
/*
 * Weir: values that stand for all others, kept from question to question
 * where long lists make them dear: many rules name the same set.
 */

#include "weir_prove_problem.h"


#define WEIR_PROVE_LONG   64      /* items of a list */
#define WEIR_PROVE_KEYED  8       /* of one that is written into the key */


typedef struct {
    weir_prove_value_t   *values;
    uint32_t              nvalues;
    int8_t              **tables;     /* of each atom; may be NULL */
} weir_prove_kept_t;


typedef struct {
    weir_arena_t   *arena;
    uint8_t        *data;
    size_t          len;
    size_t          size;
    unsigned        dear:1;
    unsigned        never:1;
    unsigned        nomem:1;
} weir_prove_key_t;


static weir_str_t weir_prove_memo_key(weir_prove_problem_t *p,
    const weir_prove_class_t *c);
static void weir_prove_key_atom(weir_prove_key_t *k,
    const weir_prove_atom_t *a);
static void weir_prove_key_items(weir_prove_key_t *k,
    const weir_policy_literal_t *items);
static void weir_prove_key_words(weir_prove_key_t *k,
    const weir_policy_words_t *w);
static void weir_prove_key_str(weir_prove_key_t *k, weir_str_t s);
static void weir_prove_key_put(weir_prove_key_t *k, const void *data,
    size_t len);
static uint32_t weir_prove_long(const weir_policy_literal_t *items,
    uint32_t most);
static void weir_prove_list_table(weir_prove_problem_t *p,
    weir_prove_class_t *c, weir_prove_atom_t *a,
    const weir_policy_table_t *places);


int
weir_prove_memo_get(weir_prove_problem_t *p, weir_prove_class_t *c,
    weir_str_t *key)
{
    uint32_t            i;
    weir_prove_atom_t  *a;
    weir_prove_kept_t  *kept;

    *key = weir_prove_memo_key(p, c);

    if (key->data == NULL) {
        return 0;
    }

    kept = weir_policy_table_get(&p->memo->kept, *key);

    if (kept == NULL) {
        return 0;
    }

    c->values = kept->values;
    c->nvalues = kept->nvalues;

    for (a = c->atoms, i = 0; a != NULL; a = a->next, i++) {
        a->table = kept->tables[i];
    }

    return 1;
}


void
weir_prove_memo_put(weir_prove_problem_t *p, const weir_prove_class_t *c,
    weir_str_t key)
{
    uint32_t                   i, n;
    weir_arena_t              *arena;
    weir_prove_kept_t         *kept;
    weir_policy_compiler_t     compiler;
    const weir_prove_atom_t   *a;

    arena = p->memo->arena;
    n = 0;

    for (a = c->atoms; a != NULL; a = a->next) {
        n++;
    }

    kept = weir_arena_calloc(arena, 1, sizeof(weir_prove_kept_t));
    key = weir_arena_copy(arena, key);

    if (kept == NULL || key.data == NULL) {
        p->nomem = 1;
        return;
    }

    kept->nvalues = c->nvalues;
    kept->values = weir_arena_calloc(arena, c->nvalues + 1,
                                     sizeof(weir_prove_value_t));
    kept->tables = weir_arena_calloc(arena, n + 1, sizeof(int8_t *));

    if (kept->values == NULL || kept->tables == NULL) {
        p->nomem = 1;
        return;
    }

    for (i = 0; i < c->nvalues; i++) {
        kept->values[i] = c->values[i];

        if (c->values[i].s.len != 0) {
            kept->values[i].s = weir_arena_copy(arena, c->values[i].s);

            if (kept->values[i].s.data == NULL) {
                p->nomem = 1;
                return;
            }
        }
    }

    for (a = c->atoms, i = 0; a != NULL; a = a->next, i++) {

        if (a->table == NULL) {
            continue;
        }

        kept->tables[i] = weir_arena_alloc(arena, c->nvalues + 1);

        if (kept->tables[i] == NULL) {
            p->nomem = 1;
            return;
        }

        memcpy(kept->tables[i], a->table, c->nvalues);
    }

    memset(&compiler, 0, sizeof(weir_policy_compiler_t));
    compiler.arena = arena;

    (void) weir_policy_table_put(&compiler, &p->memo->kept, key, kept);

    p->nomem |= compiler.nomem;
}


/*
 * All that the values of a class are made of; absent where they are cheap, or
 * made of more than can be written down.  Long lists are known by where they
 * lie: their bundles live as long as the memo.
 */

static weir_str_t
weir_prove_memo_key(weir_prove_problem_t *p, const weir_prove_class_t *c)
{
    weir_str_t                s = { 0, NULL };
    weir_prove_key_t          k;
    const weir_prove_atom_t  *a;

    memset(&k, 0, sizeof(weir_prove_key_t));
    k.arena = p->arena;

    if (p->memo == NULL
        || (c->type != WEIR_POLICY_T_STRING && c->type != WEIR_POLICY_T_IP))
    {
        return s;
    }

    weir_prove_key_put(&k, &c->type, sizeof(c->type));
    weir_prove_key_put(&k, &c->kinds, sizeof(c->kinds));
    weir_prove_key_put(&k, &c->nvars, sizeof(c->nvars));
    weir_prove_key_put(&k, &c->nsets, sizeof(c->nsets));
    weir_prove_key_put(&k, p->open ? "o" : "-", 1);

    for (a = c->atoms; a != NULL && !k.never; a = a->next) {
        weir_prove_key_atom(&k, a);
    }

    if (k.nomem) {
        p->nomem = 1;

    } else if (k.dear && !k.never) {
        s.data = k.data;
        s.len = k.len;
    }

    return s;
}


static void
weir_prove_key_atom(weir_prove_key_t *k, const weir_prove_atom_t *a)
{
    uint32_t                  i;
    const weir_policy_net_t  *net;

    weir_prove_key_put(k, &a->kind, sizeof(a->kind));
    weir_prove_key_put(k, &a->op, sizeof(a->op));

    switch (a->kind) {

    case WEIR_PROVE_STRING:
    case WEIR_PROVE_MEMBER:
        weir_prove_key_str(k, a->s);
        break;

    case WEIR_PROVE_STRINGS:
    case WEIR_PROVE_NET_ITEMS:
    case WEIR_PROVE_SOME:
    case WEIR_PROVE_ONLY:
    case WEIR_PROVE_HOLDS:
        weir_prove_key_items(k, a->items);
        break;

    case WEIR_PROVE_LIKE:

        for (i = 0; i < a->glob.n; i++) {
            weir_prove_key_str(k, a->glob.units[i]);
        }

        weir_prove_key_put(k, ";", 1);
        break;

    case WEIR_PROVE_HOSTS:
        weir_prove_key_words(k, a->words);
        break;

    case WEIR_PROVE_NETS:

        for (net = a->nets; net != NULL; net = net->next) {

            if (net->set != NULL) {
                weir_prove_key_put(k, "s", 1);
                weir_prove_key_items(k, net->set->list->items);
                continue;
            }

            weir_prove_key_put(k, "n", 1);
            weir_prove_key_put(k, &net->cidr.addr, sizeof(weir_addr_t));
            weir_prove_key_put(k, &net->cidr.bits, sizeof(net->cidr.bits));
            weir_prove_key_put(k, net->cidr.ipv4 ? "4" : "6", 1);
        }

        weir_prove_key_put(k, ";", 1);
        break;

    case WEIR_PROVE_SAME:
    case WEIR_PROVE_IN_SET:
    case WEIR_PROVE_MEET:
    case WEIR_PROVE_WITHIN:
        break;

    default:
        k->never = 1;
        break;
    }
}


static void
weir_prove_key_items(weir_prove_key_t *k, const weir_policy_literal_t *items)
{
    uintptr_t  place;

    if (weir_prove_long(items, WEIR_PROVE_KEYED)) {
        k->dear |= weir_prove_long(items, WEIR_PROVE_LONG);

        weir_prove_key_put(k, "p", 1);
        place = (uintptr_t) items;
        weir_prove_key_put(k, &place, sizeof(uintptr_t));
        return;
    }

    for ( /* void */ ; items != NULL; items = items->next) {
        weir_prove_key_put(k, "i", 1);
        weir_prove_key_str(k, items->string);
        weir_prove_key_put(k, &items->net.addr, sizeof(weir_addr_t));
        weir_prove_key_put(k, &items->net.bits, sizeof(items->net.bits));
        weir_prove_key_put(k, items->net.ipv4 ? "4" : "6", 1);
    }

    weir_prove_key_put(k, ";", 1);
}


static void
weir_prove_key_words(weir_prove_key_t *k, const weir_policy_words_t *w)
{
    for ( /* void */ ; w != NULL; w = w->next) {
        weir_prove_key_str(k, w->word.text);
    }

    weir_prove_key_put(k, ";", 1);
}


static void
weir_prove_key_str(weir_prove_key_t *k, weir_str_t s)
{
    weir_prove_key_put(k, "\"", 1);
    weir_prove_key_put(k, &s.len, sizeof(s.len));

    if (s.len != 0) {
        weir_prove_key_put(k, s.data, s.len);
    }
}


static void
weir_prove_key_put(weir_prove_key_t *k, const void *data, size_t len)
{
    size_t    size;
    uint8_t  *more;

    if (k->nomem) {
        return;
    }

    if (k->size - k->len < len) {
        size = 2 * (k->len + len) + 128;
        more = weir_arena_alloc(k->arena, size);

        if (more == NULL) {
            k->nomem = 1;
            return;
        }

        if (k->len != 0) {
            memcpy(more, k->data, k->len);
        }

        k->data = more;
        k->size = size;
    }

    memcpy(k->data + k->len, data, len);
    k->len += len;
}


/* 1: more items than that. */

static uint32_t
weir_prove_long(const weir_policy_literal_t *items, uint32_t most)
{
    while (items != NULL && most-- != 0) {
        items = items->next;
    }

    return items != NULL;
}


void
weir_prove_list_tables(weir_prove_problem_t *p, weir_prove_class_t *c)
{
    uint32_t                 i;
    weir_prove_atom_t       *a;
    weir_policy_table_t      places;
    weir_policy_compiler_t   compiler;

    memset(&places, 0, sizeof(weir_policy_table_t));
    memset(&compiler, 0, sizeof(weir_policy_compiler_t));

    compiler.arena = p->arena;

    for (a = c->atoms; a != NULL && !p->nomem; a = a->next) {

        if ((a->kind != WEIR_PROVE_STRINGS && a->kind != WEIR_PROVE_SOME
             && a->kind != WEIR_PROVE_ONLY && a->kind != WEIR_PROVE_HOLDS)
            || !weir_prove_long(a->items, WEIR_PROVE_LONG))
        {
            continue;
        }

        if (places.size == 0) {
            for (i = 0; i < c->nvalues; i++) {
                (void) weir_policy_table_put(&compiler, &places,
                                             c->values[i].s, &c->values[i]);
            }

            p->nomem |= compiler.nomem;
        }

        weir_prove_list_table(p, c, a, &places);
    }
}


static void
weir_prove_list_table(weir_prove_problem_t *p, weir_prove_class_t *c,
    weir_prove_atom_t *a, const weir_policy_table_t *places)
{
    uint32_t                      i;
    weir_prove_value_t           *v;
    const weir_policy_literal_t  *item;

    a->table = weir_prove_alloc(p, c->nvalues + 1);
    if (a->table == NULL) {
        return;
    }

    for (item = a->items; item != NULL; item = item->next) {
        v = weir_policy_table_get(places, item->string);

        if (v != NULL) {
            a->table[v - c->values] = 1;
        }
    }

    /* one that is there twice is found once */

    for (i = 0; i < c->nvalues; i++) {
        v = weir_policy_table_get(places, c->values[i].s);

        if (v != NULL) {
            a->table[i] = a->table[v - c->values];
        }
    }
}
