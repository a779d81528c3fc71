
/*
 * Weir: numbers and addresses that stand for all others.
 */

#include <stdlib.h>

#include "weir_prove_problem.h"


static int weir_prove_number_cmp(const void *one, const void *two);
static uint32_t weir_prove_nets(const weir_prove_atom_t *a,
    weir_cidr_t *nets);
static weir_addr_t weir_prove_behind(const weir_cidr_t *net, int *none);
static void weir_prove_marks(weir_prove_problem_t *p, weir_prove_class_t *c,
    weir_prove_atom_t *a, weir_cidr_t *nets);
static uint32_t weir_prove_find(const weir_prove_class_t *c,
    const weir_addr_t *addr);
static void weir_prove_thin(weir_prove_problem_t *p, weir_prove_class_t *c);
static int weir_prove_address_cmp(const void *one, const void *two);


/*
 * Numbers that are named, and between two of them as many as there are
 * variables, or as there are.
 */

void
weir_prove_numbers(weir_prove_problem_t *p, weir_prove_class_t *c)
{
    int64_t                       *named, at;
    uint32_t                       i, j, k, n, size;
    weir_prove_atom_t             *a;
    const weir_policy_literal_t   *item;

    if (c->type == WEIR_POLICY_T_BOOL) {
        c->values = weir_prove_alloc(p, 2 * sizeof(weir_prove_value_t));

        if (c->values != NULL) {
            c->values[1].n = 1;
            c->nvalues = 2;
        }

        return;
    }

    n = 2;

    for (a = c->atoms; a != NULL; a = a->next) {
        n++;

        for (item = a->kind == WEIR_PROVE_NUMBERS ? a->items : NULL;
             item != NULL; item = item->next)
        {
            n++;
        }
    }

    named = weir_prove_alloc(p, n * sizeof(int64_t));
    if (named == NULL) {
        return;
    }

    n = 0;

    for (a = c->atoms; a != NULL; a = a->next) {

        if (a->kind == WEIR_PROVE_NUMBER) {
            named[n++] = a->n;
        }

        for (item = a->kind == WEIR_PROVE_NUMBERS ? a->items : NULL;
             item != NULL; item = item->next)
        {
            named[n++] = item->number;
        }
    }

    named[n++] = 0;

    qsort(named, n, sizeof(int64_t), weir_prove_number_cmp);

    size = n + (n + 1) * (c->nvars + 1);

    c->values = weir_prove_alloc(p, size * sizeof(weir_prove_value_t));
    if (c->values == NULL) {
        return;
    }

    j = 0;

    /* below the first */

    at = INT64_MIN;

    for (k = 0; k < c->nvars; k++) {
        if (named[0] > at && (uint64_t) named[0] - (uint64_t) at > k) {
            c->values[j++].n = named[0] - 1 - (int64_t) k;
        }
    }

    for (i = 0; i < n; i++) {

        if (i != 0 && named[i] == named[i - 1]) {
            continue;
        }

        c->values[j++].n = named[i];
        at = named[i];

        for (k = 0; k < c->nvars && at < INT64_MAX; k++) {
            at++;

            for (size = i + 1; size < n && named[size] == named[i]; size++) {
                /* void */
            }

            if (size < n && named[size] <= at) {
                break;
            }

            c->values[j++].n = at;
        }
    }

    c->nvalues = j;
}


static int
weir_prove_number_cmp(const void *one, const void *two)
{
    int64_t  a, b;

    a = *(const int64_t *) one;
    b = *(const int64_t *) two;

    return a < b ? -1 : a > b;
}


/*
 * Starts of intervals, and some that follow each; of those that no network
 * tells apart as many as are needed.
 */

void
weir_prove_addresses(weir_prove_problem_t *p, weir_prove_class_t *c)
{
    int                  byte, none;
    uint32_t             i, k, m, n, size, most;
    weir_addr_t          at, *starts;
    weir_cidr_t         *nets;
    weir_prove_atom_t   *a;

    size = 16;
    most = 4;

    for (a = c->atoms; a != NULL; a = a->next) {
        m = weir_prove_nets(a, NULL);
        most = m > most ? m : most;
        size += 2 * m;
    }

    starts = weir_prove_alloc(p, size * sizeof(weir_addr_t));
    nets = weir_prove_alloc(p, most * sizeof(weir_cidr_t));

    if (starts == NULL || nets == NULL) {
        return;
    }

    (void) weir_cidr_parse(weir_str("0.0.0.0/0"), &nets[0]);
    (void) weir_cidr_parse(weir_str("192.0.2.7"), &nets[1]);
    (void) weir_cidr_parse(weir_str("2001:db8::7"), &nets[2]);

    m = 3;
    n = 1;
    a = c->atoms;

    for ( ;; ) {

        for (i = 0; i < m; i++) {
            starts[n++] = nets[i].addr;
            starts[n] = weir_prove_behind(&nets[i], &none);
            n += !none;
        }

        if (a == NULL) {
            break;
        }

        m = weir_prove_nets(a, nets);
        a = a->next;
    }

    qsort(starts, n, sizeof(weir_addr_t), weir_prove_address_cmp);

    c->values = weir_prove_alloc(p, n * (c->nvars + 1)
                                    * sizeof(weir_prove_value_t));
    if (c->values == NULL) {
        return;
    }

    for (i = 0; i < n; i++) {

        if (i != 0 && memcmp(&starts[i], &starts[i - 1], 16) == 0) {
            continue;
        }

        at = starts[i];

        for (m = i + 1; m < n
             && memcmp(&starts[m], &starts[i], 16) == 0; m++)
        {
            /* void */
        }

        for (k = 0; k <= c->nvars; k++) {
            c->values[c->nvalues++].ip = at;

            for (byte = 15; byte >= 0 && ++at.bytes[byte] == 0; byte--) {
                /* void */
            }

            if (byte < 0
                || (m < n && memcmp(&at, &starts[m], 16) >= 0))
            {
                break;
            }
        }
    }

    for (a = c->atoms; a != NULL && !p->nomem; a = a->next) {
        if (a->kind == WEIR_PROVE_NETS || a->kind == WEIR_PROVE_NET_ITEMS) {
            weir_prove_marks(p, c, a, nets);
        }
    }

    if (!p->nomem) {
        weir_prove_thin(p, c);
    }
}


/* The networks of an atom, those of sets too: how many. */

static uint32_t
weir_prove_nets(const weir_prove_atom_t *a, weir_cidr_t *nets)
{
    uint32_t                      n;
    const weir_policy_net_t      *net;
    const weir_policy_literal_t  *item;

    n = 0;

    for (net = a->nets; net != NULL; net = net->next) {

        if (net->set == NULL) {

            if (nets != NULL) {
                nets[n] = net->cidr;
            }

            n++;
            continue;
        }

        for (item = net->set->list->items; item != NULL; item = item->next) {

            if (nets != NULL) {
                nets[n] = item->net;
            }

            n++;
        }
    }

    for (item = a->items; item != NULL; item = item->next) {

        if (nets != NULL) {
            nets[n] = item->net;
        }

        n++;
    }

    return n;
}


/* The address behind a network's last one. */

static weir_addr_t
weir_prove_behind(const weir_cidr_t *net, int *none)
{
    int          byte, bit;
    weir_addr_t  at;

    at = net->addr;
    bit = net->bits;
    *none = 0;

    while (bit-- > 0) {
        byte = bit / 8;
        at.bytes[byte] ^= (uint8_t) (0x80 >> bit % 8);

        if (at.bytes[byte] & (0x80 >> bit % 8)) {
            return at;
        }
    }

    *none = 1;

    return at;
}


/*
 * What an atom says of all values, which are sorted: how many networks begin
 * before each and have not ended.  A network of IPv6 that goes round IPv4 (see
 * weir_cidr_contains()) is asked one by one.
 */

static void
weir_prove_marks(weir_prove_problem_t *p, weir_prove_class_t *c,
    weir_prove_atom_t *a, weir_cidr_t *nets)
{
    int          none;
    int32_t     *marks, open;
    uint32_t     i, k, n, from, to;
    weir_addr_t  behind;
    weir_cidr_t  all, wide;

    (void) weir_cidr_parse(weir_str("0.0.0.0/0"), &all);

    a->table = weir_prove_alloc(p, c->nvalues + 1);
    marks = weir_prove_alloc(p, (c->nvalues + 1) * sizeof(int32_t));

    if (a->table == NULL || marks == NULL) {
        return;
    }

    n = weir_prove_nets(a, nets);

    weir_prove_tick(p, n);

    for (i = 0; i < n; i++) {

        wide = nets[i];
        wide.ipv4 = 1;

        if (!nets[i].ipv4 && wide.bits < 96
            && weir_cidr_contains(&wide, &all.addr))
        {

            for (k = 0; k < c->nvalues; k++) {
                a->table[k] |= (int8_t) weir_cidr_contains(&nets[i],
                                                           &c->values[k].ip);
            }

            continue;
        }

        from = weir_prove_find(c, &nets[i].addr);
        behind = weir_prove_behind(&nets[i], &none);
        to = none ? c->nvalues : weir_prove_find(c, &behind);

        if (from < to
            && weir_cidr_contains(&nets[i], &c->values[from].ip))
        {
            marks[from]++;
            marks[to]--;
        }
    }

    open = 0;

    for (k = 0; k < c->nvalues; k++) {
        open += marks[k];
        a->table[k] |= open > 0;
    }
}


/* The first value that is not below an address. */

static uint32_t
weir_prove_find(const weir_prove_class_t *c, const weir_addr_t *addr)
{
    uint32_t  lo, hi, mid;

    lo = 0;
    hi = c->nvalues;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        if (memcmp(&c->values[mid].ip, addr, sizeof(weir_addr_t)) < 0) {
            lo = mid + 1;

        } else {
            hi = mid;
        }
    }

    return lo;
}


/* Leaves of the values that no atom tells apart as many as are needed. */

static void
weir_prove_thin(weir_prove_problem_t *p, weir_prove_class_t *c)
{
    uint32_t             i, k, n, size, *counts;
    uint64_t             sign, *signs;
    weir_prove_atom_t   *a;

    for (size = 64; size < 2 * c->nvalues; size *= 2) {
        /* void */
    }

    signs = weir_prove_alloc(p, size * sizeof(uint64_t));
    counts = weir_prove_alloc(p, size * sizeof(uint32_t));

    if (signs == NULL || counts == NULL) {
        return;
    }

    n = 0;

    for (i = 0; i < c->nvalues && !p->nomem; i++) {

        sign = 1;

        for (a = c->atoms; a != NULL; a = a->next) {
            weir_prove_tick(p, 1);

            if (a->table != NULL) {
                sign = weir_prove_mix(sign + (uint64_t) a->table[i]);
            }
        }

        for (k = (uint32_t) sign & (size - 1);
             counts[k] != 0 && signs[k] != sign; k = (k + 1) & (size - 1))
        {
            /* void */
        }

        signs[k] = sign;

        if (counts[k]++ >= c->nvars) {
            continue;
        }

        for (a = c->atoms; a != NULL; a = a->next) {
            if (a->table != NULL) {
                a->table[n] = a->table[i];
            }
        }

        c->values[n++] = c->values[i];
    }

    c->nvalues = n;
}


static int
weir_prove_address_cmp(const void *one, const void *two)
{
    return memcmp(one, two, sizeof(weir_addr_t));
}
