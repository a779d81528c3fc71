
/*
 * Weir: a small decider of propositional clauses: conflict driven, two
 * watched literals, first unique implication point (Marques-Silva, Sakallah
 * 1996; Moskewicz and others 2001).  Private to lib/prove.
 *
 * A literal is a variable's number, negative where it is negated.  Variable 1
 * is true.
 */

#ifndef WEIR_PROVE_SAT_H_INCLUDED
#define WEIR_PROVE_SAT_H_INCLUDED


#include "weir_base.h"


#define WEIR_PROVE_TRUE   1
#define WEIR_PROVE_FALSE  -1


typedef struct {
    int32_t   *items;
    uint32_t   n;
    uint32_t   size;
} weir_prove_ints_t;


typedef struct {
    weir_arena_t        *arena;
    uint32_t             nvars;
    uint32_t             size;        /* variables that there is room for */
    int8_t              *value;       /* 1, -1, 0: none */
    int8_t              *phase;
    int8_t              *seen;
    uint32_t            *level;
    uint32_t            *reason;      /* a clause, 0: none */
    double              *activity;
    uint32_t            *heap;
    uint32_t            *place;       /* in the heap, + 1 */
    uint32_t             nheap;
    weir_prove_ints_t   *watches;     /* by literal */
    weir_prove_ints_t    db;          /* size, literals; offset 0 is unused */
    weir_prove_ints_t    trail;
    weir_prove_ints_t    limits;      /* of the trail, by level */
    weir_prove_ints_t    learnt;
    uint32_t             head;
    double               step;
    uint64_t             work;        /* conflicts and decisions */
    uint64_t             max_work;
    int                (*expired)(void *ctx);    /* may be NULL */
    void                *ctx;
    uint64_t             ticks;       /* since it was asked */
    unsigned             nomem:1;
    unsigned             late:1;      /* with nomem: expired said so */
    unsigned             closed:1;    /* the clauses contradict each other */
} weir_prove_sat_t;


/* Appends; 0 and nomem set where there is no memory. */
int weir_prove_push(weir_prove_sat_t *s, weir_prove_ints_t *list, int32_t v);

void weir_prove_sat_init(weir_prove_sat_t *s, weir_arena_t *arena,
    uint64_t max_work);

/*
 * n elementary steps are done: from time to time s->expired is asked, and
 * where it says so all ends as if there were no memory.
 */
void weir_prove_sat_tick(weir_prove_sat_t *s, uint64_t n);

/* A new variable; phase: what is tried first, 1 or -1. */
int weir_prove_sat_var(weir_prove_sat_t *s, int phase);

void weir_prove_sat_add(weir_prove_sat_t *s, const int *lits, uint32_t n);

/* Shorter ones; 0 is no literal. */
void weir_prove_sat_add3(weir_prove_sat_t *s, int a, int b, int c);

/*
 * WEIR_OK: s->value has a model; WEIR_DECLINED: there is none; WEIR_ERROR:
 * max_work was not enough; WEIR_NOMEM.
 */
int weir_prove_sat_solve(weir_prove_sat_t *s);


static inline int
weir_prove_sat_is(const weir_prove_sat_t *s, int lit)
{
    return lit > 0 ? s->value[lit] : -s->value[-lit];
}


#endif /* WEIR_PROVE_SAT_H_INCLUDED */
