
/*
 * Weir: clauses decided: propagation, learning, restarts.
 */

#include "weir_prove_sat.h"


/* Some milliseconds. */

#define WEIR_PROVE_TICKS  1000000

#define weir_prove_at(lit)  ((lit) > 0 ? 2 * (lit) : -2 * (lit) + 1)


static int weir_prove_sat_grow(weir_prove_sat_t *s);
static void *weir_prove_sat_more(weir_prove_sat_t *s, void *old, size_t used,
    size_t size);
static uint32_t weir_prove_sat_store(weir_prove_sat_t *s, const int *lits,
    uint32_t n);
static void weir_prove_sat_set(weir_prove_sat_t *s, int lit,
    uint32_t reason);
static uint32_t weir_prove_sat_propagate(weir_prove_sat_t *s);
static uint32_t weir_prove_sat_analyse(weir_prove_sat_t *s,
    uint32_t conflict);
static void weir_prove_sat_bump(weir_prove_sat_t *s, uint32_t v);
static void weir_prove_sat_back(weir_prove_sat_t *s, uint32_t level);
static int weir_prove_sat_decide(weir_prove_sat_t *s);
static void weir_prove_heap_up(weir_prove_sat_t *s, uint32_t i);
static void weir_prove_heap_down(weir_prove_sat_t *s, uint32_t i);


int
weir_prove_push(weir_prove_sat_t *s, weir_prove_ints_t *list, int32_t v)
{
    uint32_t   size;
    int32_t   *items;

    if (list->n == list->size) {
        size = list->size ? 2 * list->size : 4;
        items = weir_prove_sat_more(s, list->items,
                                    list->n * sizeof(int32_t),
                                    size * sizeof(int32_t));
        if (items == NULL) {
            return 0;
        }

        list->items = items;
        list->size = size;
    }

    list->items[list->n++] = v;

    return 1;
}


void
weir_prove_sat_init(weir_prove_sat_t *s, weir_arena_t *arena,
    uint64_t max_work)
{
    int  yes;

    memset(s, 0, sizeof(weir_prove_sat_t));

    s->arena = arena;
    s->max_work = max_work;
    s->step = 1;

    (void) weir_prove_push(s, &s->db, 0);

    yes = weir_prove_sat_var(s, 1);
    weir_prove_sat_add(s, &yes, 1);
}


void
weir_prove_sat_tick(weir_prove_sat_t *s, uint64_t n)
{
    s->ticks += n;

    if (s->ticks < WEIR_PROVE_TICKS) {
        return;
    }

    s->ticks = 0;

    if (s->expired != NULL && s->expired(s->ctx)) {
        s->late = 1;
        s->nomem = 1;
    }
}


int
weir_prove_sat_var(weir_prove_sat_t *s, int phase)
{
    uint32_t  v;

    if (s->nvars + 1 >= s->size && !weir_prove_sat_grow(s)) {
        return WEIR_PROVE_TRUE;
    }

    v = ++s->nvars;

    s->phase[v] = (int8_t) phase;
    s->heap[s->nheap] = v;
    s->place[v] = ++s->nheap;

    return (int) v;
}


static int
weir_prove_sat_grow(weir_prove_sat_t *s)
{
    size_t  old, size;

    old = s->size;
    size = old ? 2 * old : 256;

#define weir_prove_sat_field(f, k)                                            \
    s->f = weir_prove_sat_more(s, s->f, (k) * old * sizeof(*s->f),            \
                               (k) * size * sizeof(*s->f))

    weir_prove_sat_field(value, 1);
    weir_prove_sat_field(phase, 1);
    weir_prove_sat_field(seen, 1);
    weir_prove_sat_field(level, 1);
    weir_prove_sat_field(reason, 1);
    weir_prove_sat_field(activity, 1);
    weir_prove_sat_field(heap, 1);
    weir_prove_sat_field(place, 1);
    weir_prove_sat_field(watches, 2);

#undef weir_prove_sat_field

    if (s->nomem) {
        return 0;
    }

    s->size = (uint32_t) size;

    return 1;
}


/* Zeroed behind what is used; the old block stays where it is on failure. */

static void *
weir_prove_sat_more(weir_prove_sat_t *s, void *old, size_t used, size_t size)
{
    void  *p;

    p = weir_arena_calloc(s->arena, 1, size);

    if (p == NULL) {
        s->nomem = 1;
        return NULL;
    }

    if (used != 0) {
        memcpy(p, old, used);
    }

    return p;
}


void
weir_prove_sat_add3(weir_prove_sat_t *s, int a, int b, int c)
{
    int       lits[3];
    uint32_t  n;

    n = 0;
    lits[n++] = a;

    if (b != 0) {
        lits[n++] = b;
    }

    if (c != 0) {
        lits[n++] = c;
    }

    weir_prove_sat_add(s, lits, n);
}


/* Only before the search: what is set here is set on level 0. */

void
weir_prove_sat_add(weir_prove_sat_t *s, const int *lits, uint32_t n)
{
    int       v;
    uint32_t  i;

    if (s->nomem || s->closed) {
        return;
    }

    weir_prove_sat_tick(s, n);

    s->learnt.n = 0;

    for (i = 0; i < n; i++) {
        v = weir_prove_sat_is(s, lits[i]);

        if (v > 0) {
            return;
        }

        if (v == 0 && !weir_prove_push(s, &s->learnt, lits[i])) {
            return;
        }
    }

    if (s->learnt.n == 0) {
        s->closed = 1;
        return;
    }

    if (s->learnt.n == 1) {
        weir_prove_sat_set(s, s->learnt.items[0], 0);
        return;
    }

    (void) weir_prove_sat_store(s, s->learnt.items, s->learnt.n);
}


static uint32_t
weir_prove_sat_store(weir_prove_sat_t *s, const int *lits, uint32_t n)
{
    uint32_t  i, at;

    at = s->db.n;

    (void) weir_prove_push(s, &s->db, (int32_t) n);

    for (i = 0; i < n && !s->nomem; i++) {
        (void) weir_prove_push(s, &s->db, lits[i]);
    }

    if (s->nomem
        || !weir_prove_push(s, &s->watches[weir_prove_at(lits[0])],
                            (int32_t) at)
        || !weir_prove_push(s, &s->watches[weir_prove_at(lits[1])],
                            (int32_t) at))
    {
        return 0;
    }

    return at;
}


static void
weir_prove_sat_set(weir_prove_sat_t *s, int lit, uint32_t reason)
{
    uint32_t  v;

    v = (uint32_t) (lit > 0 ? lit : -lit);

    s->value[v] = lit > 0 ? 1 : -1;
    s->level[v] = s->limits.n;
    s->reason[v] = reason;

    (void) weir_prove_push(s, &s->trail, lit);
}


/* 0, or the clause that is violated. */

static uint32_t
weir_prove_sat_propagate(weir_prove_sat_t *s)
{
    int                 lit, other;
    int32_t            *c;
    uint32_t            i, j, k, n, at, conflict;
    weir_prove_ints_t  *w;

    conflict = 0;

    while (s->head < s->trail.n && conflict == 0 && !s->nomem) {

        lit = -s->trail.items[s->head++];
        w = &s->watches[weir_prove_at(lit)];
        j = 0;

        weir_prove_sat_tick(s, w->n + 1);

        for (i = 0; i < w->n; i++) {
            at = (uint32_t) w->items[i];
            n = (uint32_t) s->db.items[at];
            c = &s->db.items[at + 1];

            if (c[0] == lit) {
                c[0] = c[1];
                c[1] = lit;
            }

            other = c[0];

            if (conflict != 0 || weir_prove_sat_is(s, other) > 0) {
                w->items[j++] = (int32_t) at;
                continue;
            }

            for (k = 2; k < n; k++) {
                if (weir_prove_sat_is(s, c[k]) >= 0) {
                    break;
                }
            }

            if (k < n) {
                c[1] = c[k];
                c[k] = lit;

                (void) weir_prove_push(s, &s->watches[weir_prove_at(c[1])],
                                       (int32_t) at);
                continue;
            }

            w->items[j++] = (int32_t) at;

            if (weir_prove_sat_is(s, other) < 0) {
                conflict = at;

            } else {
                weir_prove_sat_set(s, other, at);
            }
        }

        w->n = j;
    }

    return conflict;
}


/*
 * Fills s->learnt, the literal to be set first, and returns the level to go
 * back to.
 */

static uint32_t
weir_prove_sat_analyse(weir_prove_sat_t *s, uint32_t conflict)
{
    int        lit, swap;
    int32_t   *c;
    uint32_t   i, n, v, open, at, back, max;

    s->learnt.n = 0;
    (void) weir_prove_push(s, &s->learnt, 0);

    open = 0;
    lit = 0;
    at = s->trail.n;

    for ( ;; ) {
        n = (uint32_t) s->db.items[conflict];
        c = &s->db.items[conflict + 1];

        for (i = 0; i < n; i++) {

            if (c[i] == lit) {
                continue;
            }

            v = (uint32_t) (c[i] > 0 ? c[i] : -c[i]);

            if (s->seen[v] || s->level[v] == 0) {
                continue;
            }

            s->seen[v] = 1;
            weir_prove_sat_bump(s, v);

            if (s->level[v] == s->limits.n) {
                open++;

            } else {
                (void) weir_prove_push(s, &s->learnt, c[i]);
            }
        }

        do {
            lit = s->trail.items[--at];
            v = (uint32_t) (lit > 0 ? lit : -lit);
        } while (!s->seen[v]);

        s->seen[v] = 0;

        if (--open == 0) {
            break;
        }

        conflict = s->reason[v];
    }

    s->learnt.items[0] = -lit;
    back = 0;
    max = 1;

    for (i = 1; i < s->learnt.n; i++) {
        v = (uint32_t) (s->learnt.items[i] > 0 ? s->learnt.items[i]
                                               : -s->learnt.items[i]);
        s->seen[v] = 0;

        if (s->level[v] > back) {
            back = s->level[v];
            max = i;
        }
    }

    if (s->learnt.n > 1) {
        swap = s->learnt.items[1];
        s->learnt.items[1] = s->learnt.items[max];
        s->learnt.items[max] = swap;
    }

    return back;
}


static void
weir_prove_sat_bump(weir_prove_sat_t *s, uint32_t v)
{
    uint32_t  i;

    s->activity[v] += s->step;

    if (s->activity[v] > 1e100) {
        for (i = 1; i <= s->nvars; i++) {
            s->activity[i] *= 1e-100;
        }

        s->step *= 1e-100;
    }

    if (s->place[v] != 0) {
        weir_prove_heap_up(s, s->place[v] - 1);
    }
}


static void
weir_prove_sat_back(weir_prove_sat_t *s, uint32_t level)
{
    int       lit;
    uint32_t  v, to;

    if (s->limits.n <= level) {
        return;
    }

    to = (uint32_t) s->limits.items[level];

    while (s->trail.n > to) {
        lit = s->trail.items[--s->trail.n];
        v = (uint32_t) (lit > 0 ? lit : -lit);

        s->phase[v] = s->value[v];
        s->value[v] = 0;

        if (s->place[v] == 0) {
            s->heap[s->nheap] = v;
            s->place[v] = ++s->nheap;
            weir_prove_heap_up(s, s->nheap - 1);
        }
    }

    s->limits.n = level;
    s->head = to;
}


/* 0: every variable has a value. */

static int
weir_prove_sat_decide(weir_prove_sat_t *s)
{
    uint32_t  v, last;

    while (s->nheap != 0) {

        v = s->heap[0];
        s->place[v] = 0;
        last = s->heap[--s->nheap];

        if (s->nheap != 0) {
            s->heap[0] = last;
            s->place[last] = 1;
            weir_prove_heap_down(s, 0);
        }

        if (s->value[v] == 0) {
            (void) weir_prove_push(s, &s->limits, (int32_t) s->trail.n);
            weir_prove_sat_set(s, s->phase[v] > 0 ? (int) v : -(int) v, 0);
            return 1;
        }
    }

    return 0;
}


static void
weir_prove_heap_up(weir_prove_sat_t *s, uint32_t i)
{
    uint32_t  v, up;

    v = s->heap[i];

    while (i != 0) {
        up = (i - 1) / 2;

        if (s->activity[s->heap[up]] >= s->activity[v]) {
            break;
        }

        s->heap[i] = s->heap[up];
        s->place[s->heap[i]] = i + 1;
        i = up;
    }

    s->heap[i] = v;
    s->place[v] = i + 1;
}


static void
weir_prove_heap_down(weir_prove_sat_t *s, uint32_t i)
{
    uint32_t  v, child;

    v = s->heap[i];

    for ( ;; ) {
        child = 2 * i + 1;

        if (child >= s->nheap) {
            break;
        }

        if (child + 1 < s->nheap
            && s->activity[s->heap[child + 1]] > s->activity[s->heap[child]])
        {
            child++;
        }

        if (s->activity[s->heap[child]] <= s->activity[v]) {
            break;
        }

        s->heap[i] = s->heap[child];
        s->place[s->heap[i]] = i + 1;
        i = child;
    }

    s->heap[i] = v;
    s->place[v] = i + 1;
}


int
weir_prove_sat_solve(weir_prove_sat_t *s)
{
    uint32_t  conflict, back, at, since, restart;

    since = 0;
    restart = 100;

    for ( ;; ) {

        if (s->nomem) {
            return WEIR_NOMEM;
        }

        if (s->closed) {
            return WEIR_DECLINED;
        }

        conflict = weir_prove_sat_propagate(s);

        if (s->nomem) {
            return WEIR_NOMEM;
        }

        if (conflict != 0) {

            if (s->limits.n == 0) {
                s->closed = 1;
                return WEIR_DECLINED;
            }

            back = weir_prove_sat_analyse(s, conflict);

            if (s->nomem) {
                return WEIR_NOMEM;
            }

            weir_prove_sat_back(s, back);

            at = s->learnt.n == 1
                 ? 0 : weir_prove_sat_store(s, s->learnt.items, s->learnt.n);
            weir_prove_sat_set(s, s->learnt.items[0], at);

            s->step *= 1.05;
            s->work += 10;
            since++;

            continue;
        }

        if (++s->work > s->max_work) {
            return WEIR_ERROR;
        }

        if (since >= restart) {
            since = 0;
            restart += restart / 2;
            weir_prove_sat_back(s, 0);
            continue;
        }

        if (!weir_prove_sat_decide(s)) {
            return WEIR_OK;
        }
    }
}
