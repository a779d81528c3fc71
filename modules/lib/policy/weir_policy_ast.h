
/*
 * Weir: what the policy parser makes of the sources, and what its stages
 * share.  Private to lib/policy and its unit tests.
 *
 *   lex, parse -> syntax tree -> check -> (diagnostics | build -> image)
 */

#ifndef WEIR_POLICY_AST_H_INCLUDED
#define WEIR_POLICY_AST_H_INCLUDED


#include "weir_policy.h"


/* For "%.*s". */

#define weir_policy_s(s)  (int) (s).len, (const char *) (s).data


/* A place as the stages keep it: line and column are found when reported. */

typedef struct {
    uint32_t  file;
    uint32_t  offset;
} weir_policy_loc_t;


typedef struct {
    weir_str_t         text;
    weir_policy_loc_t  loc;
} weir_policy_word_t;


typedef struct weir_policy_words_s  weir_policy_words_t;

struct weir_policy_words_s {
    weir_policy_word_t    word;
    weir_policy_words_t  *next;
};


/* ID [ "." ID ]: a role, set or window, of this file or of an import. */

typedef struct {
    weir_policy_word_t  alias;      /* text.len == 0: of this file */
    weir_policy_word_t  name;
} weir_policy_dotted_t;


/* A hash table of names, in the arena. */

typedef struct {
    weir_str_t   name;
    void        *value;     /* NULL: free */
    uint32_t     hash;
} weir_policy_slot_t;

typedef struct {
    weir_policy_slot_t  *slots;
    uint32_t             size;      /* a power of two, or 0 */
    uint32_t             used;
} weir_policy_table_t;


/* Types of values. */

typedef enum {
    WEIR_POLICY_T_NONE = 0,     /* an error was reported */
    WEIR_POLICY_T_BOOL,
    WEIR_POLICY_T_INT,
    WEIR_POLICY_T_STRING,
    WEIR_POLICY_T_IP,
    WEIR_POLICY_T_CIDR,
    WEIR_POLICY_T_TIME,
    WEIR_POLICY_T_DURATION,
    WEIR_POLICY_T_SET,
    WEIR_POLICY_T_LIST
} weir_policy_type_t;


typedef enum {
    WEIR_POLICY_A_CLAIM = 0,
    WEIR_POLICY_A_PATH,
    WEIR_POLICY_A_HEADER,
    WEIR_POLICY_A_QUERY,
    WEIR_POLICY_A_SOURCE_IP,
    WEIR_POLICY_A_SOURCE_PEER,
    WEIR_POLICY_A_METHOD,
    WEIR_POLICY_A_REQUEST_PATH,
    WEIR_POLICY_A_HOST,
    WEIR_POLICY_A_SCHEME,
    WEIR_POLICY_A_REQUEST_TIME,
    WEIR_POLICY_A_KIND,
    WEIR_POLICY_A_ISSUER,
    WEIR_POLICY_A_SUBJECT,
    WEIR_POLICY_A_PRINCIPAL,
    WEIR_POLICY_A_SPIFFE,
    WEIR_POLICY_A_TLS,              /* + weir_policy_tls_t */
    WEIR_POLICY_ATTRS = WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_ATTRS
} weir_policy_attr_kind_t;


/* A claim as all schemas of a file declare it. */

typedef struct {
    weir_str_t            key;        /* members joined by NUL */
    weir_str_t            text;       /* claim.tenant */
    weir_policy_type_t    type;
    unsigned              optional:1;
    unsigned              any:1;      /* by a schema without "from" */
    weir_policy_words_t  *issuers;
    weir_policy_loc_t     loc;        /* first declaration */
    uint32_t              schema;     /* number of the last one */
    uint32_t              file;       /* whose schemas declare it */
} weir_policy_claim_t;


typedef struct {
    weir_policy_attr_kind_t  kind;
    weir_str_t               name;    /* claim key, capture, header, query */
    weir_str_t               text;    /* for messages: claim.tenant */
    weir_policy_loc_t        loc;
    weir_policy_claim_t     *claim;   /* the declaration */
} weir_policy_attr_t;


typedef struct weir_policy_literal_s  weir_policy_literal_t;

struct weir_policy_literal_s {
    weir_policy_type_t      type;
    weir_policy_type_t      item_type;     /* of a list; NONE if empty */
    weir_policy_loc_t       loc;
    weir_str_t              text;          /* as written */
    weir_str_t              string;
    int64_t                 number;        /* bool, int, time, duration (ms) */
    weir_cidr_t             net;           /* ip (bits 128), cidr */
    weir_policy_literal_t  *items;
    uint32_t                nitems;
    uint32_t                built;         /* offset of a list in the image */
    weir_policy_literal_t  *next;
};


typedef enum {
    WEIR_POLICY_E_AND = 0,
    WEIR_POLICY_E_OR,
    WEIR_POLICY_E_NOT,
    WEIR_POLICY_E_HAS,
    WEIR_POLICY_E_EQ,
    WEIR_POLICY_E_NE,
    WEIR_POLICY_E_LT,
    WEIR_POLICY_E_LE,
    WEIR_POLICY_E_GT,
    WEIR_POLICY_E_GE,
    WEIR_POLICY_E_IN,
    WEIR_POLICY_E_ANY_IN,
    WEIR_POLICY_E_ALL_IN,
    WEIR_POLICY_E_LIKE,
    WEIR_POLICY_E_MATCH,
    WEIR_POLICY_E_ATTR,
    WEIR_POLICY_E_LITERAL,
    WEIR_POLICY_E_REF                /* check makes a literal of it */
} weir_policy_expr_op_t;


typedef struct weir_policy_expr_s  weir_policy_expr_t;

struct weir_policy_expr_s {
    weir_policy_expr_op_t   op;
    unsigned                paren:1;     /* stood in parentheses */
    weir_policy_type_t      type;        /* set by check */
    weir_policy_loc_t       loc;
    weir_policy_expr_t     *left;
    weir_policy_expr_t     *right;
    weir_policy_attr_t     *attr;        /* ATTR, HAS */
    weir_policy_literal_t  *literal;
    weir_policy_dotted_t   *ref;         /* REF; stays when it is resolved */
};


typedef struct weir_policy_file_s  weir_policy_file_t;

typedef struct weir_policy_import_s  weir_policy_import_t;

struct weir_policy_import_s {
    weir_policy_word_t     path;
    weir_policy_word_t     alias;
    weir_policy_file_t    *file;         /* NULL: not found */
    weir_policy_import_t  *next;
};


/* A list with a name: expressions see it as the literal. */

typedef struct weir_policy_set_s  weir_policy_set_t;

struct weir_policy_set_s {
    weir_policy_word_t      name;
    unsigned                spiffe:1;
    weir_policy_literal_t  *list;
    weir_policy_set_t      *next;
};


/* A zone's offsets from UTC: what a TZif file says, expanded. */

typedef struct {
    int64_t  at;             /* seconds since the epoch */
    int32_t  offset;         /* seconds east of UTC, from then on */
    int32_t  reserved;
} weir_policy_shift_t;

typedef struct {
    weir_str_t            name;
    int32_t               first;     /* offset before the first shift */
    int64_t               until;     /* nothing is known from then on */
    weir_policy_shift_t  *shifts;
    uint32_t              n;
    uint32_t              built;     /* offset in the image */
} weir_policy_zone_t;


typedef struct weir_policy_span_s  weir_policy_span_t;

struct weir_policy_span_s {
    uint32_t             first;      /* days: 0 is Monday */
    uint32_t             last;
    uint32_t             from;       /* minutes of a day; to is exclusive */
    uint32_t             to;
    weir_policy_word_t   zone;
    weir_policy_zone_t  *data;       /* set by check */
    weir_policy_span_t  *next;
};


typedef struct weir_policy_window_s  weir_policy_window_t;

struct weir_policy_window_s {
    weir_policy_word_t     name;
    weir_policy_span_t    *spans;
    uint32_t               built;    /* offset in the image */
    weir_policy_window_t  *next;
};


typedef struct weir_policy_schema_s  weir_policy_schema_t;

typedef struct weir_policy_decl_s  weir_policy_decl_t;

struct weir_policy_decl_s {
    weir_str_t           key;
    weir_str_t           text;           /* for messages: claim.tenant */
    weir_policy_loc_t    loc;
    weir_policy_type_t   type;
    unsigned             optional:1;
    weir_policy_decl_t  *next;
};

struct weir_policy_schema_s {
    weir_policy_loc_t      loc;
    weir_policy_words_t   *issuers;      /* NULL: without "from" */
    weir_policy_decl_t    *decls;
    weir_policy_schema_t  *next;
};


typedef struct weir_policy_role_s  weir_policy_role_t;

struct weir_policy_role_s {
    weir_policy_word_t    name;
    weir_policy_expr_t   *when;          /* NULL: nobody by itself */
    weir_policy_words_t  *includes;
    weir_policy_words_t  *paths;         /* captures that its value reads */
    weir_policy_words_t  *own_paths;     /* and that its "when" reads */

    /*
     * made by check: the roles that include this one, directly or not; who
     * holds one of them holds this
     */
    weir_policy_role_t  **holders;
    uint32_t              nholders;
    uint32_t              mark;          /* of walks through the roles */
    uint64_t              cost;          /* of "when"; 0: not yet known */

    uint32_t              owner;         /* policy that index is of, + 1 */
    uint32_t              index;         /* in the image */
    weir_policy_role_t   *next;
};


typedef enum {
    WEIR_POLICY_P_ROLE = 0,
    WEIR_POLICY_P_SUBJECT,
    WEIR_POLICY_P_ISSUER,
    WEIR_POLICY_P_ANYONE,
    WEIR_POLICY_P_AUTHENTICATED,
    WEIR_POLICY_P_SPIFFE
} weir_policy_princ_kind_t;


typedef struct weir_policy_princ_s  weir_policy_princ_t;

struct weir_policy_princ_s {
    weir_policy_princ_kind_t   kind;
    weir_policy_word_t         name;     /* subject, SPIFFE ID */
    weir_policy_word_t         issuer;
    weir_policy_dotted_t       ref;      /* role; set of SPIFFE IDs */
    weir_policy_role_t        *role;     /* set by check */
    weir_policy_set_t         *set;      /* the same; NULL: name is the ID */
    weir_policy_princ_t       *next;
};


typedef enum {
    WEIR_POLICY_SEG_LITERAL = 0,
    WEIR_POLICY_SEG_ONE,
    WEIR_POLICY_SEG_CAPTURE,
    WEIR_POLICY_SEG_ANY                  /* "**" */
} weir_policy_seg_kind_t;


typedef struct {
    weir_policy_seg_kind_t  kind;
    weir_str_t              text;        /* literal, or the capture's name */
} weir_policy_seg_t;


typedef struct weir_policy_what_s  weir_policy_what_t;

struct weir_policy_what_s {
    weir_policy_words_t  *methods;       /* NULL: every method */
    weir_policy_seg_t    *segs;
    uint32_t              nsegs;
    weir_policy_loc_t     loc;           /* of the pattern */
    weir_str_t            text;
    weir_policy_what_t   *next;
};


typedef struct weir_policy_net_s  weir_policy_net_t;

typedef struct weir_policy_clause_s  weir_policy_clause_t;

struct weir_policy_net_s {
    weir_cidr_t            cidr;
    weir_policy_dotted_t  *ref;          /* a set, instead of cidr */
    weir_policy_set_t     *set;          /* set by check */
    weir_policy_net_t     *next;
};


/* Effects in the order in which a decision gives them. */

struct weir_policy_clause_s {
    weir_policy_effect_kind_t   kind;
    weir_policy_loc_t           loc;
    weir_policy_word_t          name;    /* quota, split, objective, header */
    weir_str_t                  shown;   /* a header's as it was written */
    weir_policy_word_t          value;   /* colour, header's value */
    int64_t                     number;  /* level of log, status */
    uint32_t                    index;   /* in the image */
    weir_policy_clause_t       *next;
};


typedef struct weir_policy_cond_s  weir_policy_cond_t;

struct weir_policy_cond_s {
    unsigned             unless:1;
    weir_policy_expr_t  *expr;
    weir_policy_cond_t  *next;
};


typedef struct weir_policy_rule_s  weir_policy_rule_t;

struct weir_policy_rule_s {
    weir_policy_word_t    name;          /* of an assert: where it stands */
    unsigned              deny:1;
    unsigned              shadow:1;
    unsigned              assert:1;
    unsigned              always:1;      /* an assert: not "never" */
    unsigned              has_who:1;
    unsigned              has_host:1;
    unsigned              has_from:1;
    unsigned              has_during:1;
    weir_policy_loc_t     who_loc;
    weir_policy_loc_t     host_loc;
    weir_policy_loc_t     from_loc;
    weir_policy_loc_t     during_loc;
    weir_policy_princ_t  *who;
    weir_policy_what_t   *whats;
    weir_policy_words_t  *hosts;         /* canonical */
    weir_policy_net_t    *nets;
    weir_policy_dotted_t  during;
    weir_policy_window_t *window;        /* set by check */
    weir_policy_cond_t   *conds;
    weir_policy_clause_t *clauses;
    uint32_t              index;         /* in the image */
    weir_policy_rule_t   *next;
};


/* A value that a test gives to a claim. */

typedef struct weir_policy_given_s  weir_policy_given_t;

struct weir_policy_given_s {
    weir_str_t              key;
    weir_str_t              text;
    weir_policy_loc_t       loc;
    weir_policy_literal_t  *items;       /* string, int, bool */
    uint32_t                nitems;
    weir_policy_claim_t    *claim;       /* the declaration, or NULL */
    weir_policy_given_t    *next;
};


struct weir_policy_test_s {
    weir_policy_word_t     name;
    weir_str_t             policy;

    weir_policy_word_t     method;
    weir_str_t             path;
    weir_str_t             host;
    weir_str_t             scheme;
    weir_addr_t            from;
    int64_t                at;
    weir_policy_kind_t     kind;
    weir_str_t             subject;
    weir_str_t             issuer;
    weir_str_t             spiffe;
    weir_policy_given_t   *claims;
    weir_policy_field_t   *headers;
    uint32_t               nheaders;
    weir_policy_field_t   *query;
    uint32_t               nquery;

    weir_policy_loc_t      expect;
    weir_policy_verdict_t  verdict;
    weir_policy_words_t   *by;

    weir_policy_place_t    place;        /* of the name; set at the end */
    weir_policy_place_t    expect_place;

    unsigned               has_request:1;
    unsigned               has_from:1;
    unsigned               has_at:1;
    unsigned               has_kind:1;
    unsigned               has_expect:1;
    unsigned               by_default:1;

    weir_policy_test_t    *next;
};


struct weir_policy_file_s {
    uint32_t               index;        /* of the source */
    unsigned               broken:1;     /* not parsed: encoding */
    weir_policy_word_t     policy;       /* {0, NULL}: a library */
    weir_policy_import_t  *imports;
    weir_policy_schema_t  *schemas;
    weir_policy_role_t    *roles;
    weir_policy_set_t     *sets;
    weir_policy_window_t  *windows;
    weir_policy_rule_t    *rules;
    weir_policy_rule_t    *asserts;
    weir_policy_test_t    *tests;
    uint32_t               nroles;
    uint32_t               nrules;

    /* made by check */
    weir_policy_table_t    import_table;
    weir_policy_table_t    claim_table;
    weir_policy_table_t    role_table;
    weir_policy_table_t    set_table;
    weir_policy_table_t    window_table;
    weir_policy_table_t    rule_table;
    uint32_t               mark;         /* of walks through the imports */
};


typedef struct weir_policy_found_s  weir_policy_found_t;

/* Tokens as the parser took them, for weir_policy_format(). */

typedef struct {
    int       kind;
    uint32_t  start;
    uint32_t  end;
} weir_policy_taken_t;

typedef struct {
    weir_policy_taken_t  *list;
    uint32_t              n;
    uint32_t              size;
} weir_policy_tokens_t;


/* What all stages of one compilation share. */

typedef struct {
    weir_arena_t                *arena;
    const weir_policy_source_t  *sources;
    uint32_t                     nsources;
    weir_policy_file_t          *files;
    uint32_t                   **lines;      /* offsets of lines, by need */
    uint32_t                    *nlines;
    weir_policy_place_t          last;       /* that was asked for */
    uint32_t                     last_offset;
    weir_policy_found_t         *found;      /* diagnostics, last first */
    uint32_t                     nfound;
    uint32_t                     nerrors;
    uint32_t                     nwarnings;
    weir_policy_words_t         *joined[3];  /* two lists of issuers, both */
    uint64_t                     njoins;     /* issuers that were compared */
    const weir_policy_zones_t   *zones;      /* NULL: none can be read */
    weir_policy_table_t          zone_table;
    weir_policy_table_t          regex_table;
    uint32_t                     nregexes;
    uint32_t                     mark;       /* the last one of a walk */
    uint32_t                     nguesses;   /* at misspelt names */
    weir_policy_tokens_t        *tokens;     /* NULL: they are not kept */
    unsigned                     relates:1;  /* the last one was kept */
    unsigned                     nomem:1;
} weir_policy_compiler_t;


/* weir_policy_diag.c */

/*
 * Reports; the diagnostic takes related places until the next one is
 * reported.
 */
void weir_policy_error(weir_policy_compiler_t *c, weir_policy_loc_t loc,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void weir_policy_warn(weir_policy_compiler_t *c, weir_policy_loc_t loc,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void weir_policy_relate(weir_policy_compiler_t *c, weir_policy_loc_t loc,
    const char *message);

/* Sorts what was reported into bundle->diags. */
int weir_policy_diags(weir_policy_compiler_t *c, weir_policy_bundle_t *b);

weir_policy_place_t weir_policy_place(weir_policy_compiler_t *c,
    weir_policy_loc_t loc);


/* weir_policy_table.c: NULL and 0 also when there is no memory. */

void *weir_policy_table_get(const weir_policy_table_t *t, weir_str_t name);

/* The table's own copy of the name; {0, NULL}: it is not there. */
weir_str_t weir_policy_table_name(const weir_policy_table_t *t,
    weir_str_t name);
int weir_policy_table_put(weir_policy_compiler_t *c, weir_policy_table_t *t,
    weir_str_t name, void *value);

/* Zeroed memory; NULL sets c->nomem. */
void *weir_policy_alloc(weir_policy_compiler_t *c, size_t size);


/* weir_policy_parse.c */

void weir_policy_parse(weir_policy_compiler_t *c, weir_policy_file_t *file);

/* What a policy and its libraries declare of a claim is of one type. */
void weir_policy_check_claims(weir_policy_compiler_t *c,
    weir_policy_file_t *file);

/* weir_policy_check.c: all files. */

void weir_policy_check(weir_policy_compiler_t *c);

/* weir_policy_import.c */

/* Finds the imports of all files; cycles and what is no library are errors. */
void weir_policy_check_imports(weir_policy_compiler_t *c);

/* Puts the sets and windows of a file into its tables. */
void weir_policy_check_lists(weir_policy_compiler_t *c,
    weir_policy_file_t *file);

/* A table of a file by its offset in weir_policy_file_t. */

static inline const weir_policy_table_t *
weir_policy_table_of(const weir_policy_file_t *file, size_t table)
{
    return (const weir_policy_table_t *) (const void *)
           ((const uint8_t *) file + table);
}

/*
 * The declaration that a name means, or NULL after reporting; table is the
 * offset of the table in weir_policy_file_t, what is "role", "set" or
 * "window".
 */
void *weir_policy_lookup(weir_policy_compiler_t *c, weir_policy_file_t *file,
    const weir_policy_dotted_t *ref, size_t table, const char *what);

/* Calls visit for the file and for all that it imports, each once. */
void weir_policy_each_import(weir_policy_compiler_t *c,
    weir_policy_file_t *file,
    void (*visit)(weir_policy_compiler_t *c, weir_policy_file_t *file,
                  void *data),
    void *data);

/* weir_policy_suggest.c */

/*
 * The name in the table that is spelt most like this one; {0, NULL}: none is
 * near.
 */
weir_str_t weir_policy_near(weir_policy_compiler_t *c,
    const weir_policy_table_t *t, weir_str_t name);

/* The same of words; ended by NULL. */
weir_str_t weir_policy_near_word(const char *const *words, weir_str_t name);

/*
 * Reports that a name is not known: "WHAT NAME is not defined", with the name
 * that is near, if there is one, and its place, if loc is not NULL.
 */
void weir_policy_unknown(weir_policy_compiler_t *c, weir_policy_loc_t loc,
    const char *what, weir_str_t name, weir_str_t near,
    const weir_policy_loc_t *declared);

/* weir_policy_roles.c: includes. */

void weir_policy_check_includes(weir_policy_compiler_t *c,
    weir_policy_file_t *file);

/* Adds a word to a list unless it is there; of captures. */
void weir_policy_join_word(weir_policy_compiler_t *c,
    weir_policy_words_t **list, const weir_policy_word_t *word);

/* weir_policy_zone.c */

/* The zone of that name, read once; NULL after reporting. */
weir_policy_zone_t *weir_policy_zone(weir_policy_compiler_t *c,
    const weir_policy_word_t *name);

/*
 * Makes shifts of a TZif file (RFC 9636), those of its footer up to
 * WEIR_POLICY_ZONE_YEARS.  WEIR_OK, WEIR_NOMEM, or WEIR_ERROR: it is damaged.
 */
int weir_policy_zone_parse(weir_arena_t *arena, weir_str_t tzif,
    weir_policy_zone_t *zone);

/* weir_policy_regex.c */

/*
 * Checks a pattern of "~": NULL, or what is wrong with it, *at being the
 * place in the pattern.  What is told lies in text or is static.
 */
const char *weir_policy_regex_check(weir_arena_t *arena, weir_str_t pattern,
    char *text, size_t size, size_t *at);

/* weir_policy_cost.c: the budget of each rule. */

void weir_policy_check_cost(weir_policy_compiler_t *c,
    weir_policy_file_t *file);

/* weir_policy_disjoint.c: 1 if no request matches both. */

int weir_policy_disjoint(const weir_policy_rule_t *a,
    const weir_policy_rule_t *b);

/* weir_policy_overlap.c: effects of permits that contradict each other. */

void weir_policy_check_effects(weir_policy_compiler_t *c,
    weir_policy_file_t *file);

/* 1 if an expression or what it stands in reads path.*. */
int weir_policy_reads_path(const weir_policy_expr_t *e);

/* 1 if two expressions are the same but for parentheses and places. */
int weir_policy_expr_same(const weir_policy_expr_t *a,
    const weir_policy_expr_t *b);

/* weir_policy_types.c: of a condition; guards: "has X &&" is asked for. */

void weir_policy_check_expr(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_expr_t *e, int guards);
int weir_policy_attr_same(const weir_policy_attr_t *a,
    const weir_policy_attr_t *b);
const char *weir_policy_type_name(weir_policy_type_t type);

/* What stands in messages for a value, and where it is declared. */
weir_str_t weir_policy_value_text(const weir_policy_expr_t *e);
void weir_policy_declared(weir_policy_compiler_t *c,
    const weir_policy_expr_t *e);

/* weir_policy_types_text.c: operands have their types. */

void weir_policy_check_sets(weir_policy_compiler_t *c, weir_policy_expr_t *e);
void weir_policy_check_like(weir_policy_compiler_t *c, weir_policy_expr_t *e);
void weir_policy_check_match(weir_policy_compiler_t *c,
    weir_policy_expr_t *e);

/* weir_policy_build.c: the image of the checked files. */

int weir_policy_build(weir_policy_compiler_t *c, weir_policy_bundle_t *b);


#endif /* WEIR_POLICY_AST_H_INCLUDED */
