
/*
 * Weir: the question "is there a request for which this holds" as clauses.
 * Private to lib/prove.
 *
 * An attribute is a variable with a value; a class holds the variables that
 * are compared with each other.  An atom is a literal that says something of
 * one or two variables.  Once all atoms are known each class gets values that
 * stand for all others: two values that no atom tells apart are the same to
 * the policies (docs/decisions/0031-proofs-over-representatives.md).
 */

#ifndef WEIR_PROVE_PROBLEM_H_INCLUDED
#define WEIR_PROVE_PROBLEM_H_INCLUDED


#include "weir_policy_ast.h"
#include "weir_prove_sat.h"


typedef struct weir_prove_class_s  weir_prove_class_t;

typedef struct weir_prove_var_s  weir_prove_var_t;

typedef struct weir_prove_atom_s  weir_prove_atom_t;


/* Kleene's value of a condition: it is true, it is false. */

typedef struct {
    int  t;
    int  f;
} weir_prove_pair_t;


/* open: any string of which the same globs hold; "~" may say what it will */

typedef struct {
    weir_str_t   s;
    int64_t      n;
    weir_addr_t  ip;
    unsigned     open:1;
} weir_prove_value_t;


/* A glob: a unit is a character, or "*" where it is empty. */

typedef struct {
    weir_str_t  *units;
    uint32_t     n;
} weir_prove_glob_t;


#define WEIR_PROVE_SEGMENT  WEIR_POLICY_ATTRS     /* kind of variable */

/* A time where any will do: Monday, 5 January 2026, 09:40 UTC. */

#define WEIR_PROVE_NOW  1767606000

struct weir_prove_var_s {
    uint32_t              kind;        /* weir_policy_attr_kind_t */
    uint32_t              seg;
    weir_str_t            name;
    weir_policy_type_t    type;
    int                   there;       /* literals: something is there */
    int                   def;         /* it has a value of this type */
    weir_prove_class_t   *class;
    int                  *lits;        /* of the class's values; of a set:
                                          they are in it */
    int                   chosen;      /* in a model */
    weir_prove_var_t     *next;
};


/* A claim of whatever type. */

typedef struct weir_prove_claim_s  weir_prove_claim_t;

struct weir_prove_claim_s {
    weir_str_t           key;
    int                  absent;
    int                  other;
    weir_prove_var_t    *vars[WEIR_POLICY_T_LIST + 1];    /* by type */
    weir_prove_claim_t  *next;
};


typedef enum {
    WEIR_PROVE_STRING = 0,     /* x is constant s */
    WEIR_PROVE_STRINGS,        /* x is in a list */
    WEIR_PROVE_LIKE,
    WEIR_PROVE_HOSTS,
    WEIR_PROVE_NUMBER,         /* x op n */
    WEIR_PROVE_NUMBERS,
    WEIR_PROVE_NETS,           /* a list of weir_policy_net_t */
    WEIR_PROVE_NET_ITEMS,      /* a list of literals */
    WEIR_PROVE_WINDOW,
    WEIR_PROVE_MATCH,          /* x ~ s */
    WEIR_PROVE_MEMBER,         /* s is in the set x */
    WEIR_PROVE_SOME,           /* an item of the set x is in a list */
    WEIR_PROVE_ONLY,           /* each item of the set x is in a list */
    WEIR_PROVE_HOLDS,          /* each item of a list is in the set x */
    WEIR_PROVE_SAME,           /* x op y */
    WEIR_PROVE_IN_SET,         /* x is in the set y */
    WEIR_PROVE_MEET,           /* an item of the set x is in the set y */
    WEIR_PROVE_WITHIN          /* each is */
} weir_prove_atom_kind_t;

struct weir_prove_atom_s {
    weir_prove_atom_kind_t        kind;
    weir_policy_expr_op_t         op;
    uint32_t                      id;
    int                           lit;       /* it holds */
    int                           no;        /* it does not; neither of them:
                                                it is unknown */
    weir_prove_var_t             *x;
    weir_prove_var_t             *y;
    weir_str_t                    s;
    int64_t                       n;
    weir_prove_glob_t             glob;
    const weir_policy_literal_t  *items;
    const weir_policy_words_t    *words;
    const weir_policy_net_t      *nets;
    const weir_policy_window_t   *window;
    int8_t                       *table;     /* by value, where it is made */
    int                          *open;      /* of open values: matches, does
                                                not */
    weir_prove_atom_t            *next;      /* of the class */
};


struct weir_prove_class_s {
    weir_prove_class_t  *parent;       /* NULL: a root */
    weir_prove_value_t  *values;
    uint32_t             nvalues;
    uint32_t             nvars;        /* that have one value */
    uint32_t             nsets;        /* that have any */
    uint32_t             kinds;        /* a bit for each way to be valid */
    weir_policy_type_t   type;
    weir_prove_atom_t   *atoms;
    weir_prove_class_t  *next;
};


/* Values of classes that were dear, by what they are made of. */

typedef struct {
    weir_arena_t         *arena;
    weir_policy_table_t   kept;
} weir_prove_memo_t;


typedef struct {
    weir_arena_t         *arena;
    weir_prove_memo_t    *memo;        /* may be NULL */
    weir_prove_sat_t      sat;
    uint32_t              nsegs;       /* of the path */
    weir_prove_var_t     *vars;
    weir_prove_claim_t   *claims;
    weir_prove_class_t   *classes;
    weir_prove_atom_t   **atoms;
    uint32_t              natoms;
    uint32_t              size;

    const weir_policy_image_t  *images[3];     /* of two sides, of asserts */
    weir_policy_regexes_t      *regexes[3];
    int                   slash;       /* the path ends by one; 0: unused */
    const char           *inexact;     /* why a model may have been missed */
    const char           *loose;       /* why a model may be none */
    unsigned              scope:2;     /* types that "scope" is read as */
    unsigned              matches:1;   /* there is a "~" */
    unsigned              open:1;      /* values are open */
    unsigned              nomem:1;
} weir_prove_problem_t;


/* weir_prove_problem.c */

int weir_prove_and(weir_prove_problem_t *p, int a, int b);
int weir_prove_or(weir_prove_problem_t *p, int a, int b);

void *weir_prove_alloc(weir_prove_problem_t *p, size_t size);

/* n elementary steps are done; sets p->nomem where the time is up. */
void weir_prove_tick(weir_prove_problem_t *p, uint64_t n);

/* The variable of an attribute; NULL: no memory. */
weir_prove_var_t *weir_prove_var(weir_prove_problem_t *p, uint32_t kind,
    weir_str_t name, uint32_t seg, weir_policy_type_t type);

/* A claim, and what a declaration makes of it: there, and its value. */
weir_prove_var_t *weir_prove_claim(weir_prove_problem_t *p,
    const weir_policy_claim_t *claim, weir_policy_type_t type, int *there,
    int *def);

weir_prove_atom_t *weir_prove_atom(weir_prove_problem_t *p,
    weir_prove_atom_kind_t kind, weir_prove_var_t *x, weir_prove_var_t *y);

/* The literal "x is s". */
int weir_prove_is(weir_prove_problem_t *p, weir_prove_var_t *x, weir_str_t s);

/* 1 if s is in the class of strings that an attribute can have. */
int weir_prove_valid(uint32_t kind, weir_str_t s);

weir_prove_class_t *weir_prove_root(weir_prove_class_t *c);


/* weir_prove_expr.c, weir_prove_rule.c */

weir_prove_pair_t weir_prove_expr(weir_prove_problem_t *p,
    const weir_policy_what_t *what, const weir_policy_expr_t *e);
weir_prove_pair_t weir_prove_rule(weir_prove_problem_t *p,
    const weir_policy_rule_t *rule);

/* weir_prove_text.c */

weir_prove_glob_t weir_prove_glob(weir_prove_problem_t *p, weir_str_t text,
    int like);
int weir_prove_like(const weir_prove_glob_t *g, weir_str_t s);

/* request.path and identity.principal, which are put together. */
int weir_prove_path_like(weir_prove_problem_t *p, const weir_prove_glob_t *g);
int weir_prove_principal_like(weir_prove_problem_t *p,
    const weir_prove_glob_t *g);

/* The same for "~": *t: it matches, *f: it does not. */
void weir_prove_composed_match(weir_prove_problem_t *p, uint32_t kind,
    weir_str_t pattern, int *t, int *f);

/* weir_prove_regex.c */

/* What a decision makes of "s ~ pattern": 1, 0; -1: unknown. */
int weir_prove_match(weir_prove_problem_t *p, weir_str_t pattern,
    weir_str_t s);

/* Strings that the pattern may match: how many. */
uint32_t weir_prove_samples(weir_prove_problem_t *p, weir_str_t pattern,
    weir_str_t *list, uint32_t max);

#define WEIR_PROVE_SAMPLES  24

/* weir_prove_values.c: values for all classes, and what atoms say of them. */

void weir_prove_values(weir_prove_problem_t *p);

/* 1, 0; -1: unknown. */
int weir_prove_holds(weir_prove_problem_t *p, const weir_prove_atom_t *a,
    const weir_prove_value_t *v);
uint64_t weir_prove_mix(uint64_t v);

/* How many values that no atom tells apart a class needs. */
uint32_t weir_prove_each(const weir_prove_class_t *c);

/* weir_prove_named.c, weir_prove_points.c, weir_prove_times.c */

void weir_prove_strings(weir_prove_problem_t *p, weir_prove_class_t *c);
void weir_prove_numbers(weir_prove_problem_t *p, weir_prove_class_t *c);
void weir_prove_addresses(weir_prove_problem_t *p, weir_prove_class_t *c);
void weir_prove_times(weir_prove_problem_t *p, weir_prove_class_t *c);

/* What a decision makes of a window: 1, 0; -1: unknown. */
int weir_prove_window(const weir_policy_window_t *w, int64_t at);

/*
 * weir_prove_memo.c: values and tables of a class that were found before: 1.
 * key: for weir_prove_memo_put(); absent: they are not to be kept.
 */
int weir_prove_memo_get(weir_prove_problem_t *p, weir_prove_class_t *c,
    weir_str_t *key);
void weir_prove_memo_put(weir_prove_problem_t *p, const weir_prove_class_t *c,
    weir_str_t key);

/* Tables of long lists of strings, by looking at each item once. */
void weir_prove_list_tables(weir_prove_problem_t *p, weir_prove_class_t *c);

/* weir_prove_strings.c: strings that stand for all that no atom names. */

void weir_prove_fresh(weir_prove_problem_t *p, weir_prove_class_t *c,
    weir_prove_value_t *values, uint32_t *n, uint32_t max,
    const weir_policy_table_t *known);


#endif /* WEIR_PROVE_PROBLEM_H_INCLUDED */
