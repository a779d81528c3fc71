
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


/* A hash table of names, in the arena. */

typedef struct {
    weir_str_t   name;
    void        *value;
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
    weir_policy_type_t    type;
    unsigned              optional:1;
    unsigned              any:1;      /* by a schema without "from" */
    weir_policy_words_t  *issuers;
    weir_policy_loc_t     loc;        /* first declaration */
    uint32_t              schema;     /* number of the last one */
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
    WEIR_POLICY_E_LIKE,
    WEIR_POLICY_E_ATTR,
    WEIR_POLICY_E_LITERAL
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
    weir_policy_words_t  *paths;         /* captures that it reads */
    uint32_t              index;         /* in the image */
    weir_policy_role_t   *next;
};


typedef enum {
    WEIR_POLICY_P_ROLE = 0,
    WEIR_POLICY_P_SUBJECT,
    WEIR_POLICY_P_ISSUER,
    WEIR_POLICY_P_ANYONE,
    WEIR_POLICY_P_AUTHENTICATED
} weir_policy_princ_kind_t;


typedef struct weir_policy_princ_s  weir_policy_princ_t;

struct weir_policy_princ_s {
    weir_policy_princ_kind_t   kind;
    weir_policy_word_t         name;     /* role, subject */
    weir_policy_word_t         issuer;
    weir_policy_role_t        *role;     /* set by check */
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

struct weir_policy_net_s {
    weir_cidr_t         cidr;
    weir_policy_net_t  *next;
};


typedef struct weir_policy_cond_s  weir_policy_cond_t;

struct weir_policy_cond_s {
    unsigned             unless:1;
    weir_policy_expr_t  *expr;
    weir_policy_cond_t  *next;
};


typedef struct weir_policy_rule_s  weir_policy_rule_t;

struct weir_policy_rule_s {
    weir_policy_word_t    name;
    unsigned              deny:1;
    unsigned              has_who:1;
    unsigned              has_host:1;
    unsigned              has_from:1;
    weir_policy_loc_t     who_loc;
    weir_policy_loc_t     host_loc;
    weir_policy_loc_t     from_loc;
    weir_policy_princ_t  *who;
    weir_policy_what_t   *whats;
    weir_policy_words_t  *hosts;         /* canonical */
    weir_policy_net_t    *nets;
    weir_policy_cond_t   *conds;
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
    weir_addr_t            from;
    int64_t                at;
    weir_policy_kind_t     kind;
    weir_str_t             subject;
    weir_str_t             issuer;
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


typedef struct {
    uint32_t               index;        /* of the source */
    unsigned               broken:1;     /* not parsed: encoding */
    weir_policy_word_t     policy;       /* {0, NULL}: a library */
    weir_policy_schema_t  *schemas;
    weir_policy_role_t    *roles;
    weir_policy_rule_t    *rules;
    weir_policy_test_t    *tests;
    uint32_t               nroles;
    uint32_t               nrules;

    /* made by check */
    weir_policy_table_t    claim_table;
    weir_policy_table_t    role_table;
    weir_policy_table_t    rule_table;
} weir_policy_file_t;


typedef struct weir_policy_found_s  weir_policy_found_t;

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
int weir_policy_table_put(weir_policy_compiler_t *c, weir_policy_table_t *t,
    weir_str_t name, void *value);

/* Zeroed memory; NULL sets c->nomem. */
void *weir_policy_alloc(weir_policy_compiler_t *c, size_t size);


/* weir_policy_parse.c */

void weir_policy_parse(weir_policy_compiler_t *c, weir_policy_file_t *file);

/* weir_policy_check.c */

void weir_policy_check(weir_policy_compiler_t *c, weir_policy_file_t *file);

/* weir_policy_types.c: of a condition; guards: "has X &&" is asked for. */

void weir_policy_check_expr(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_expr_t *e, int guards);
const char *weir_policy_type_name(weir_policy_type_t type);

/* weir_policy_build.c: the image of the checked files. */

int weir_policy_build(weir_policy_compiler_t *c, weir_policy_bundle_t *b);


#endif /* WEIR_POLICY_AST_H_INCLUDED */
