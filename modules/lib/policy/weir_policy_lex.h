
/*
 * Weir: tokens of the policy language, and what the parser's files share.
 * Private to lib/policy.
 */

#ifndef WEIR_POLICY_LEX_H_INCLUDED
#define WEIR_POLICY_LEX_H_INCLUDED


#include "weir_policy_ast.h"


/* Single characters stand for themselves. */

typedef enum {
    WEIR_POLICY_TOK_END = 0,
    WEIR_POLICY_TOK_EQ = 256,       /* == */
    WEIR_POLICY_TOK_NE,
    WEIR_POLICY_TOK_LE,
    WEIR_POLICY_TOK_GE,
    WEIR_POLICY_TOK_AND,
    WEIR_POLICY_TOK_OR,
    WEIR_POLICY_TOK_WORD,           /* ID, keyword, METHOD */
    WEIR_POLICY_TOK_STRING,
    WEIR_POLICY_TOK_NUMBER,         /* what begins with a digit, or address */
    WEIR_POLICY_TOK_URI,
    WEIR_POLICY_TOK_TEXT,           /* by weir_policy_lex_text() only */
    WEIR_POLICY_TOK_BAD             /* error says why */
} weir_policy_tok_t;


typedef struct {
    int          kind;              /* a character or weir_policy_tok_t */
    uint32_t     start;             /* offsets in the source */
    uint32_t     end;
    weir_str_t   text;              /* as written */
    weir_str_t   value;             /* of a string: decoded */
    const char  *error;
    uint32_t     error_at;
    unsigned     newline:1;         /* the first on its line */
} weir_policy_token_t;


typedef struct {
    weir_policy_compiler_t  *c;
    weir_policy_file_t      *file;
    weir_str_t               src;
    uint32_t                 pos;       /* behind the current token */
    uint32_t                 prev_end;  /* end of the token before it */
    weir_policy_token_t      tok;       /* the current token */

    uint32_t                 depth;     /* of an expression */
    uint32_t                 nodes;
} weir_policy_parser_t;


/* weir_policy_lex.c */

/* The encoding of a source; reports, and returns WEIR_ERROR if it is bad. */
int weir_policy_lex_check(weir_policy_compiler_t *c, uint32_t file);

/* 1 if s is one character of UTF-8 that may stand in a source. */
int weir_policy_lex_plain(weir_str_t s);

/* Reads the next token into ps->tok. */
void weir_policy_lex(weir_policy_parser_t *ps);

/*
 * Reads the current token anew as TEXT, which ends at white space, ";" or one
 * of stops; a STRING stays one.
 */
void weir_policy_lex_text(weir_policy_parser_t *ps, const char *stops);

/* 1 if the current token is this word. */
int weir_policy_is(const weir_policy_parser_t *ps, const char *word);

/* 1 if s is an ID of at most WEIR_POLICY_MAX_ID bytes. */
int weir_policy_is_id(weir_str_t s);

/*
 * Decodes a NUMBER token into a literal: int, ip, cidr, time or duration.
 * WEIR_OK, or WEIR_ERROR after reporting.
 */
int weir_policy_lex_number(weir_policy_parser_t *ps,
    weir_policy_literal_t *literal);


/* weir_policy_format.c: keeps the current token. */
void weir_policy_take_token(weir_policy_parser_t *ps);

/*
 * All tokens of a source that can be parsed: WEIR_OK; WEIR_DECLINED: it
 * cannot; WEIR_NOMEM.
 */
int weir_policy_tokens(weir_arena_t *arena, const weir_policy_source_t *source,
    weir_policy_tokens_t *tokens);


/* weir_policy_parse_word.c: WEIR_OK, or WEIR_ERROR after reporting. */

weir_policy_loc_t weir_policy_here(const weir_policy_parser_t *ps);
int weir_policy_expected(weir_policy_parser_t *ps, const char *what);

/* The same of one of words, ended by NULL, with that which is spelt alike. */
int weir_policy_expected_word(weir_policy_parser_t *ps, const char *what,
    const char *const *words);
int weir_policy_expect(weir_policy_parser_t *ps, int kind, const char *what);
int weir_policy_semicolon(weir_policy_parser_t *ps);
int weir_policy_id(weir_policy_parser_t *ps, const char *what,
    weir_policy_word_t *word);
int weir_policy_string(weir_policy_parser_t *ps, const char *what,
    weir_policy_word_t *word);
int weir_policy_word_or_string(weir_policy_parser_t *ps, const char *what,
    weir_policy_word_t *word);
int weir_policy_add_word(weir_policy_parser_t *ps,
    weir_policy_words_t ***last, const weir_policy_word_t *word);

/* A claim's name: ID { "." ID } or a string; text is "claim.NAME". */
int weir_policy_cname(weir_policy_parser_t *ps, weir_str_t *key,
    weir_str_t *text);


/* weir_policy_parse.c */

/*
 * Reads "{", calls item for each statement until "}"; after an error in one
 * it goes on behind its ";".
 */
int weir_policy_block(weir_policy_parser_t *ps,
    int (*item)(weir_policy_parser_t *ps, void *data), void *data);


/* weir_policy_parse_rule.c */

/* ( "permit" | "deny" ) ID, which may be a shadow's. */
int weir_policy_parse_rule(weir_policy_parser_t *ps, int shadow,
    weir_policy_rule_t ***last);

/* "assert" ( "never" | "always" ) ( "permit" | "deny" ) */
int weir_policy_parse_assert(weir_policy_parser_t *ps,
    weir_policy_rule_t ***last);
int weir_policy_method(weir_policy_parser_t *ps, weir_policy_word_t *method);

/* weir_policy_parse_path.c: pattern text (of loc) into what. */

int weir_policy_parse_path(weir_policy_parser_t *ps, weir_policy_loc_t loc,
    weir_str_t text, weir_policy_what_t *what);

/* weir_policy_parse_list.c */

int weir_policy_parse_import(weir_policy_parser_t *ps,
    weir_policy_import_t ***last);
int weir_policy_parse_set(weir_policy_parser_t *ps, weir_policy_set_t ***last);
int weir_policy_parse_window(weir_policy_parser_t *ps,
    weir_policy_window_t ***last);
int weir_policy_dotted(weir_policy_parser_t *ps, const char *what,
    weir_policy_dotted_t *ref);

/* Takes a SPIFFE ID; one that is none is reported and taken. */
int weir_policy_spiffe(weir_policy_parser_t *ps, weir_str_t *uri);

/* weir_policy_parse_effect.c */

/* WEIR_DECLINED: the current token begins no effect. */
int weir_policy_parse_effect(weir_policy_parser_t *ps,
    const weir_policy_rule_t *rule, weir_policy_clause_t ***last);

/* weir_policy_parse_expr.c */

int weir_policy_parse_expr(weir_policy_parser_t *ps,
    weir_policy_expr_t **expr);

/* weir_policy_parse_attr.c */

int weir_policy_parse_attr(weir_policy_parser_t *ps,
    weir_policy_attr_t **result);

/* The first words of attributes; ended by NULL. */
extern const char *const  weir_policy_objects[];

/* 1 if s is one of them. */
int weir_policy_is_object(weir_str_t s);

/* weir_policy_parse_test.c */

int weir_policy_parse_test(weir_policy_parser_t *ps,
    weir_policy_test_t ***last);


#endif /* WEIR_POLICY_LEX_H_INCLUDED */
