
/*
 * Weir: layout of a policy image.  Private to lib/policy.
 *
 * All places are offsets from the start of the image, all records are
 * aligned to 8 (lists of references to 4).  Rules lie in byte order of name,
 * so that an index compares as its name does.
 *
 * The index is a trie of path segments.  A node has four lists of entries:
 * those of patterns that end there, and those of patterns whose "**" stands
 * there, with what follows it compared when the entry is visited; each of the
 * two first of denies, then of permits.  Every "what" of a rule has one entry;
 * a rule without "what" stands under "**" of the root.
 *
 * An entry carries up to two keys, conditions without which its rule cannot
 * match, told from the request by a hash.  Long lists are divided by key:
 * what has a key stands in a table of it.  Rules of a list that differ by name
 * alone share an entry.
 */

#ifndef WEIR_POLICY_IMAGE_H_INCLUDED
#define WEIR_POLICY_IMAGE_H_INCLUDED


#include "weir_policy_ast.h"


#define WEIR_POLICY_MAGIC   "WeirPol"     /* with its zero: 8 bytes */
#define WEIR_POLICY_LAYOUT  3

#define WEIR_POLICY_MAX_IMAGE  (1u << 30)
#define WEIR_POLICY_NONE       0xffffffffu

/* How deep expressions nest at most, all operators counted. */

#define WEIR_POLICY_EVAL_DEPTH  512


typedef struct {
    uint32_t  off;
    uint32_t  len;
} weir_policy_ref_t;


/* An array: n records at off. */

typedef struct {
    uint32_t  off;
    uint32_t  n;
} weir_policy_array_t;


struct weir_policy_image_s {
    uint8_t              magic[8];
    uint32_t             layout;
    uint32_t             size;
    uint64_t             checksum;      /* of all that follows */
    weir_policy_array_t  policies;      /* weir_policy_rec_t, by name */
    weir_policy_array_t  regexes;       /* references: patterns of "~" */
};


typedef struct {
    weir_policy_ref_t    name;
    weir_policy_array_t  rules;
    weir_policy_array_t  roles;
    weir_policy_array_t  attrs;
    weir_policy_array_t  literals;
    weir_policy_array_t  nodes;
    weir_policy_array_t  princs;
    weir_policy_array_t  whats;
    weir_policy_array_t  conds;         /* weir_policy_cond_rec_t */
    weir_policy_array_t  entries;
    weir_policy_array_t  members;       /* rules that share an entry */
    weir_policy_array_t  dims;          /* weir_policy_dim_rec_t */
    weir_policy_array_t  trie;
    weir_policy_array_t  names;
    weir_policy_array_t  effects;       /* weir_policy_effect_rec_t, sorted */
} weir_policy_rec_t;


#define WEIR_POLICY_R_DENY      0x01
#define WEIR_POLICY_R_WHO       0x02
#define WEIR_POLICY_R_HOST      0x04
#define WEIR_POLICY_R_FROM      0x08
#define WEIR_POLICY_R_CAPTURES  0x10    /* its value depends on the "what" */
#define WEIR_POLICY_R_SHADOW    0x20
#define WEIR_POLICY_R_DURING    0x40

/* What decides comes first. */

typedef struct {
    uint32_t             flags;
    uint32_t             cond;          /* of conds, or NONE: always */
    uint32_t             princs;        /* first of the policy's */
    uint32_t             nprincs;
    uint32_t             window;        /* offset of an array of spans */
    uint32_t             whats;
    weir_policy_array_t  nets;          /* offsets of weir_policy_nets_t */
    weir_policy_array_t  hosts;         /* references */
    weir_policy_array_t  effects;       /* indices, ascending */
    uint32_t             nwhats;
    uint32_t             reserved;
    weir_policy_ref_t    name;
} weir_policy_rule_rec_t;


typedef struct {
    uint32_t           kind;            /* weir_policy_effect_kind_t */
    uint32_t           reserved;
    weir_policy_ref_t  name;
    weir_policy_ref_t  value;
    int64_t            number;
} weir_policy_effect_rec_t;


typedef struct {
    uint32_t  days;                     /* bit 0: Monday */
    uint32_t  from;                     /* minutes of the day */
    uint32_t  to;
    uint32_t  zone;                     /* offset of weir_policy_zone_rec_t */
} weir_policy_span_rec_t;


typedef struct {
    int32_t              first;         /* offset before the first shift */
    uint32_t             reserved;
    int64_t              until;
    weir_policy_array_t  shifts;        /* weir_policy_shift_t, by time */
} weir_policy_zone_rec_t;


/* Seconds before the epoch that times may lie. */

#define WEIR_POLICY_MAX_TIME  ((int64_t) 1 << 50)


typedef struct {
    uint32_t           kind;            /* weir_policy_princ_kind_t */
    uint32_t           role;            /* of SPIFFE IDs: a list, or NONE */
    weir_policy_ref_t  subject;
    weir_policy_ref_t  issuer;
} weir_policy_princ_rec_t;


typedef struct {
    weir_policy_ref_t    name;
    uint32_t             cond;          /* node, or NONE: nobody by itself */
    uint32_t             captures;      /* its value reads path.* */
    uint32_t             own_captures;  /* its own "when" reads path.* */
    uint32_t             reserved;
    weir_policy_array_t  holders;       /* roles whose holders hold it */
} weir_policy_role_rec_t;


typedef struct {
    uint32_t             kind;          /* weir_policy_attr_kind_t */
    uint32_t             type;
    weir_policy_ref_t    name;
    uint32_t             any;           /* a claim of whatever issuer */
    uint32_t             scope;         /* the claim "scope" */
    weir_policy_array_t  issuers;       /* references */
} weir_policy_attr_rec_t;


typedef struct {
    uint32_t           type;
    uint32_t           hash;            /* of a string */
    weir_policy_ref_t  string;
    int64_t            number;
    weir_addr_t        addr;
} weir_policy_literal_rec_t;


typedef enum {
    WEIR_POLICY_N_CONST = 0,    /* a: 0 or 1 */
    WEIR_POLICY_N_BOOL,         /* a: attribute */
    WEIR_POLICY_N_HAS,          /* a: attribute */
    WEIR_POLICY_N_NOT,          /* a: node */
    WEIR_POLICY_N_AND,          /* a: first of n nodes */
    WEIR_POLICY_N_OR,
    WEIR_POLICY_N_EQ,           /* a, b: operands of type */
    WEIR_POLICY_N_NE,
    WEIR_POLICY_N_LT,
    WEIR_POLICY_N_LE,
    WEIR_POLICY_N_GT,
    WEIR_POLICY_N_GE,
    WEIR_POLICY_N_ANY_SET,      /* a, b: attributes that are sets */
    WEIR_POLICY_N_ALL_SET,
    WEIR_POLICY_N_ANY_LIST,     /* a: attribute, b: weir_policy_array_t */
    WEIR_POLICY_N_ALL_LIST,     /* items of a in b */
    WEIR_POLICY_N_LIST_ALL,     /* items of b in a */
    WEIR_POLICY_N_MATCH,        /* a: operand, b: regular expression */
    WEIR_POLICY_N_IN_SET,       /* a: operand, b: attribute */
    WEIR_POLICY_N_IN_NOTHING,   /* a: operand; an empty list */
    WEIR_POLICY_N_IN_STRINGS,   /* a: operand, b: weir_policy_array_t */
    WEIR_POLICY_N_IN_NUMBERS,
    WEIR_POLICY_N_IN_NETS,      /* a: operand, b: weir_policy_nets_t */
    WEIR_POLICY_N_LIKE,         /* a: operand, b: literal */
    WEIR_POLICY_N_OPS
} weir_policy_node_op_t;

typedef struct {
    uint16_t  op;
    uint16_t  type;
    uint32_t  n;
    uint32_t  a;
    uint32_t  b;
} weir_policy_node_rec_t;

/* An operand is an attribute, or with this bit a literal. */

#define WEIR_POLICY_LITERAL  0x80000000u


/* A condition of rules: equal ones are one. */

typedef struct {
    uint32_t  node;
    uint32_t  reserved;
} weir_policy_cond_rec_t;


/* Disjoint ranges in order; IPv4 and the rest apart. */

typedef struct {
    weir_policy_array_t  v4;            /* weir_policy_range4_t */
    weir_policy_array_t  v6;            /* weir_policy_range6_t */
} weir_policy_nets_t;

typedef struct {
    uint32_t  first;                    /* host byte order */
    uint32_t  last;
} weir_policy_range4_t;

typedef struct {
    weir_addr_t  first;
    weir_addr_t  last;
} weir_policy_range6_t;


/* Methods that are common have a bit each; the last stands for the others. */

#define WEIR_POLICY_METHOD_OTHER  0x80000000u
#define WEIR_POLICY_METHOD_ANY    0xffffffffu

typedef struct {
    uint32_t             methods;
    uint32_t             any;           /* index of "**", or NONE */
    weir_policy_array_t  others;        /* references: methods by name */
    weir_policy_array_t  segs;          /* weir_policy_seg_rec_t */
} weir_policy_what_rec_t;


typedef struct {
    uint32_t           kind;            /* weir_policy_seg_kind_t */
    weir_policy_ref_t  text;
    uint32_t           reserved;
} weir_policy_seg_rec_t;


/*
 * A key: its kind in the highest bits, what it is of (attribute, role) in the
 * others; the hash of the string asked for, or the role.
 */

typedef enum {
    WEIR_POLICY_K_NONE = 0,
    WEIR_POLICY_K_EQ,                   /* attribute == string */
    WEIR_POLICY_K_IN,                   /* string in attribute */
    WEIR_POLICY_K_ROLE,                 /* who role */
    WEIR_POLICY_K_SPIFFE,               /* who spiffe, of one ID */
    WEIR_POLICY_K_SUBJECT,
    WEIR_POLICY_K_ISSUER,
    WEIR_POLICY_KEYS
} weir_policy_key_kind_t;

typedef struct {
    uint32_t  of;
    uint32_t  hash;
} weir_policy_key_t;

#define WEIR_POLICY_ENTRY_KEYS  2

/* Keys are of the first attributes: a decision looks these up once. */

#define WEIR_POLICY_KEY_ATTRS  64

#define weir_policy_key_of(kind, i)  ((uint32_t) (kind) << 28 | (i))
#define weir_policy_key_kind(of)     ((of) >> 28)
#define weir_policy_key_index(of)    ((of) & 0x0fffffff)


#define WEIR_POLICY_R_SEVERAL   0x0100  /* of entries: it has other "what"s */
#define WEIR_POLICY_R_TAIL      0x0200  /* there are segments behind "**" */

typedef struct {
    uint32_t           rule;
    uint32_t           what;            /* or NONE: a rule without */
    uint32_t           methods;
    uint32_t           flags;           /* of the rule, and these */
    weir_policy_key_t  keys[WEIR_POLICY_ENTRY_KEYS];
    uint32_t           members;         /* first of the policy's */
    uint32_t           nmembers;        /* 0: the rule alone */
} weir_policy_entry_rec_t;


typedef enum {
    WEIR_POLICY_L_EXACT_DENY = 0,
    WEIR_POLICY_L_ANY_DENY,
    WEIR_POLICY_L_EXACT_PERMIT,
    WEIR_POLICY_L_ANY_PERMIT,
    WEIR_POLICY_LISTS
} weir_policy_list_kind_t;


typedef struct {
    uint32_t  first;                    /* of the policy's entries */
    uint32_t  n;
} weir_policy_run_t;


typedef struct {
    weir_policy_array_t  table;         /* slots; n: 0, 1 (of an only child,
                                           without an empty one behind it),
                                           or a power of two */
    uint32_t             star;          /* node of "*" and "{x}", or NONE */
    uint32_t             dims;          /* first of the policy's */
    uint32_t             ndims;
    uint32_t             filled;        /* a bit for each list, not empty */
    weir_policy_run_t    lists[WEIR_POLICY_LISTS];
} weir_policy_trie_rec_t;


/* The entries of a list that one kind of key divides; by hash. */

typedef struct {
    uint32_t             list;          /* weir_policy_list_kind_t */
    uint32_t             of;            /* of the key */
    weir_policy_run_t    all;
    weir_policy_array_t  table;         /* weir_policy_cell_rec_t */
} weir_policy_dim_rec_t;


typedef struct {
    uint32_t           hash;
    uint32_t           reserved;
    weir_policy_run_t  run;             /* n: 0 is an empty cell */
} weir_policy_cell_rec_t;


/* Segments are mostly short: a slot has its own whole. */

__extension__ typedef unsigned __int128  weir_policy_uint128_t;

typedef struct {
    uint32_t              child;        /* 0: empty; the root is no child */
    uint32_t              reserved;
    weir_policy_ref_t     text;
    weir_word16_t         word;         /* of the text, if it is short */
} weir_policy_slot_rec_t;


typedef struct {
    uint32_t           kind;            /* weir_policy_name_kind_t */
    uint32_t           line;
    uint32_t           column;
    uint32_t           reserved;
    weir_policy_ref_t  name;
    weir_policy_ref_t  file;
} weir_policy_name_rec_t;


/* weir_policy_image.c */

/* The bit of a method. */
uint32_t weir_policy_method_bit(weir_str_t method);

/* Of weir_policy_segment_hash(): strings of more than 16 bytes. */
uint32_t weir_policy_long_hash(weir_str_t s);

/* Seals the image: its checksum. */
uint64_t weir_policy_checksum(const weir_policy_image_t *image, size_t size);


static inline const void *
weir_policy_at(const weir_policy_image_t *image, uint32_t off)
{
    return (const uint8_t *) image + off;
}


static inline weir_str_t
weir_policy_text(const weir_policy_image_t *image, weir_policy_ref_t ref)
{
    weir_str_t  s;

    s.len = ref.len;
    s.data = (const uint8_t *) image + ref.off;

    return s;
}


/* What a slot has of its text. */

static inline weir_word16_t
weir_policy_slot_word(weir_str_t s)
{
    return weir_str_word16(s.len <= WEIR_STR_SHORT ? s : weir_str(""));
}


/* Both halves of a product, whose middle all bits of both factors reach. */

static inline uint32_t
weir_policy_short_hash(weir_word16_t w, size_t len)
{
    weir_policy_uint128_t  h;

    h = (weir_policy_uint128_t) (w.a ^ 0x9e3779b97f4a7c15u)
        * (w.b ^ len ^ 0xbf58476d1ce4e5b9u);

    return (uint32_t) (h >> 64) ^ (uint32_t) (h >> 32) ^ (uint32_t) h;
}


/*
 * Hash of a segment, and of any string, in the index.  Short ones are mixed
 * whole; the keys are the operator's, so that a client who finds collisions
 * gains comparisons of a few bytes.
 */

static inline uint32_t
weir_policy_segment_hash(weir_str_t s)
{
    weir_word16_t  w;

    if (s.len > WEIR_STR_SHORT) {
        return weir_policy_long_hash(s);
    }

    w = weir_str_word16(s);

    return weir_policy_short_hash(w, s.len);
}


/* --- building (weir_policy_build*.c) --- */


/* Growing memory, in the arena. */

typedef struct {
    uint8_t  *data;
    size_t    len;
    size_t    size;
} weir_policy_buf_t;


typedef struct {
    weir_policy_compiler_t  *c;
    weir_policy_file_t      *file;
    weir_policy_buf_t        out;         /* the image */
    weir_policy_table_t      strings;     /* text -> offset */
    weir_policy_buf_t        regexes;
    weir_policy_table_t      regex_table;
    weir_policy_table_t      nets_table;
    weir_policy_table_t      froms_table;

    /* of the policy at hand */
    weir_policy_buf_t        attrs;
    weir_policy_buf_t        literals;
    weir_policy_buf_t        nodes;
    weir_policy_buf_t        names;
    weir_policy_buf_t        conds;
    weir_policy_buf_t        princs;
    weir_policy_buf_t        entries;
    weir_policy_buf_t        members;
    weir_policy_buf_t        dims;
    weir_policy_table_t      attr_table;
    weir_policy_table_t      literal_table;
    weir_policy_table_t      cond_table;
    weir_policy_table_t      princ_table;
    weir_policy_table_t      seen[WEIR_POLICY_NAMES];
    uint32_t                 policy;      /* its number, from 1 */
} weir_policy_builder_t;


/* weir_policy_build_names.c */

/* Room for n zeroed records in a buffer; its offset, NONE: no memory. */
uint32_t weir_policy_reserve(weir_policy_builder_t *b, weir_policy_buf_t *buf,
    size_t n, size_t size);

/* Text in the image; equal texts are kept once. */
weir_policy_ref_t weir_policy_intern(weir_policy_builder_t *b, weir_str_t s);

/*
 * The number that bytes are known by in a table, which keeps a copy of them.
 * WEIR_DECLINED: they are new and known as *number from now on; WEIR_NOMEM.
 */
int weir_policy_known(weir_policy_builder_t *b, weir_policy_table_t *table,
    const void *bytes, size_t len, uint32_t *number);

/* Copies the records of a buffer into the image. */
int weir_policy_append(weir_policy_builder_t *b, weir_policy_array_t *array,
    const weir_policy_buf_t *buf, size_t size);

/* What the binding check asks nginx.conf for; each once, where it is first. */
int weir_policy_build_names(weir_policy_builder_t *b, weir_policy_rec_t *rec);

/*
 * weir_policy_build_expr.c: the number of a condition, which equal ones share;
 * the node of an expression; NONE: no memory.
 */
uint32_t weir_policy_build_conds(weir_policy_builder_t *b,
    const weir_policy_cond_t *conds);
uint32_t weir_policy_build_expr(weir_policy_builder_t *b,
    const weir_policy_expr_t *e);

/* weir_policy_build_attr.c: their numbers; NONE: no memory. */
uint32_t weir_policy_build_attr(weir_policy_builder_t *b,
    const weir_policy_attr_t *attr);
uint32_t weir_policy_build_literal(weir_policy_builder_t *b,
    const weir_policy_literal_t *literal);

/* weir_policy_build_nets.c: offset of weir_policy_nets_t, NONE: no memory. */
uint32_t weir_policy_build_nets(weir_policy_builder_t *b,
    weir_cidr_t *cidrs, uint32_t n);

/* weir_policy_build_list.c: offsets, NONE: no memory. */
uint32_t weir_policy_build_list(weir_policy_builder_t *b,
    weir_policy_literal_t *list);
uint32_t weir_policy_build_window(weir_policy_builder_t *b,
    weir_policy_window_t *window);

/* The same: the number of a regular expression in the image. */
uint32_t weir_policy_build_regex(weir_policy_builder_t *b, weir_str_t pattern);

int weir_policy_build_effects(weir_policy_builder_t *b,
    weir_policy_rec_t *rec);

/* weir_policy_build_role.c */
int weir_policy_build_roles(weir_policy_builder_t *b, weir_policy_rec_t *rec,
    weir_policy_rule_t **rules);

/* weir_policy_build_trie.c */
int weir_policy_build_trie(weir_policy_builder_t *b, weir_policy_rec_t *rec,
    weir_policy_rule_t **rules, uint32_t nrules);

/*
 * weir_policy_build_index.c: lays out one list of a node: entries may be
 * reordered, *run are those that no key divides.  The keys of an entry are
 * filled by weir_policy_build_keys().
 */
int weir_policy_build_entries(weir_policy_builder_t *b,
    const weir_policy_rec_t *rec, uint32_t list,
    weir_policy_entry_rec_t *entries, uint32_t n, weir_policy_run_t *run);

/* weir_policy_build_keys.c */
uint32_t weir_policy_build_keys(weir_policy_builder_t *b,
    const weir_policy_rec_t *rec, const weir_policy_rule_rec_t *rule,
    weir_policy_key_t *keys, uint32_t max);


#endif /* WEIR_POLICY_IMAGE_H_INCLUDED */
