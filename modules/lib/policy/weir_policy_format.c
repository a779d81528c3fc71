
/*
 * Weir: the canonical layout of a policy source.  The parser's own tokens are
 * written anew, with the comments that stand between them: what cannot be
 * parsed is not touched.
 *
 *   a statement is a line, four spaces deeper in each block; a block of one
 *   statement without comments is one line where it fits; longer lines go on
 *   behind a comma or before && and ||; a blank line stands before comments
 *   on lines of their own, around what has several lines and between kinds of
 *   statements, none within a block.
 *
 * Sources that differ in white space alone have one layout; whether a comment
 * has a line of its own is more than that.
 */

#include "weir_policy_lex.h"


#define WEIR_POLICY_WIDTH   80
#define WEIR_POLICY_INDENT  4


typedef struct {
    weir_str_t                  src;
    const weir_policy_taken_t  *toks;
    uint32_t                    n;

    uint8_t                    *out;       /* NULL: only counted */
    size_t                      len;
    size_t                      size;

    uint32_t                    column;
    uint32_t                    depth;
    uint32_t                    first;     /* token that begins a statement */
    unsigned                    begun:1;   /* a line has something on it */
    unsigned                    inside:1;  /* in a statement */

    uint32_t                    lines;     /* that ended */
    uint32_t                    started;   /* lines before the statement */
    uint32_t                    head;      /* first token of the last one */
    uint8_t                    *large;     /* by head: it has several lines */
} weir_policy_format_t;


static int weir_policy_format_all(weir_policy_format_t *f);
static uint32_t weir_policy_format_block(weir_policy_format_t *f,
    uint32_t open);
static void weir_policy_format_token(weir_policy_format_t *f, uint32_t i);
static uint32_t weir_policy_format_reach(const weir_policy_format_t *f,
    uint32_t i);
static int weir_policy_format_space(const weir_policy_format_t *f,
    uint32_t i);
static int weir_policy_format_break(const weir_policy_format_t *f,
    uint32_t i);
static void weir_policy_format_gap(weir_policy_format_t *f, uint32_t i);
static int weir_policy_format_apart(const weir_policy_format_t *f,
    uint32_t i);
static int weir_policy_format_kind(const weir_policy_format_t *f, uint32_t i);
static void weir_policy_format_ended(weir_policy_format_t *f);
static int weir_policy_format_comments(const weir_policy_format_t *f,
    uint32_t from, uint32_t to);
static uint32_t weir_policy_format_width(const weir_policy_format_t *f,
    uint32_t from, uint32_t to);
static uint32_t weir_policy_format_chars(weir_str_t s);
static void weir_policy_format_line(weir_policy_format_t *f);
static void weir_policy_format_put(weir_policy_format_t *f, const void *data,
    size_t len);
static int weir_policy_format_is(const weir_policy_format_t *f, uint32_t i,
    const char *word);
static weir_str_t weir_policy_format_text(const weir_policy_format_t *f,
    uint32_t i);


void
weir_policy_take_token(weir_policy_parser_t *ps)
{
    uint32_t              size;
    weir_policy_taken_t  *t;
    weir_policy_tokens_t *list;

    list = ps->c->tokens;

    if (ps->tok.kind == WEIR_POLICY_TOK_END) {
        return;
    }

    if (list->n == list->size) {
        size = list->size == 0 ? 1024 : list->size * 2;

        t = weir_policy_alloc(ps->c, size * sizeof(weir_policy_taken_t));
        if (t == NULL) {
            return;
        }

        if (list->n != 0) {
            memcpy(t, list->list, list->n * sizeof(weir_policy_taken_t));
        }

        list->list = t;
        list->size = size;
    }

    t = &list->list[list->n++];

    t->kind = ps->tok.kind;
    t->start = ps->tok.start;
    t->end = ps->tok.end;
}


int
weir_policy_tokens(weir_arena_t *arena, const weir_policy_source_t *source,
    weir_policy_tokens_t *tokens)
{
    uint32_t                *lines[1], nlines[1];
    weir_policy_file_t       file;
    weir_policy_compiler_t   c;

    memset(&c, 0, sizeof(weir_policy_compiler_t));
    memset(&file, 0, sizeof(weir_policy_file_t));
    memset(tokens, 0, sizeof(weir_policy_tokens_t));

    lines[0] = NULL;
    nlines[0] = 0;

    c.arena = arena;
    c.sources = source;
    c.nsources = 1;
    c.files = &file;
    c.lines = lines;
    c.nlines = nlines;
    c.tokens = tokens;

    if (source->text.len > WEIR_POLICY_MAX_SOURCE
        || weir_policy_lex_check(&c, 0) != WEIR_OK)
    {
        return c.nomem ? WEIR_NOMEM : WEIR_DECLINED;
    }

    weir_policy_parse(&c, &file);

    return c.nomem ? WEIR_NOMEM : c.nerrors != 0 ? WEIR_DECLINED : WEIR_OK;
}


int
weir_policy_format(weir_arena_t *arena, const weir_policy_source_t *source,
    weir_str_t *text)
{
    int                    rc;
    weir_policy_format_t   f;
    weir_policy_tokens_t   tokens;

    rc = weir_policy_tokens(arena, source, &tokens);

    if (rc != WEIR_OK) {
        return rc;
    }

    memset(&f, 0, sizeof(weir_policy_format_t));

    f.src = source->text;
    f.toks = tokens.list;
    f.n = tokens.n;

    f.large = weir_arena_alloc(arena, (size_t) f.n + 1);
    if (f.large == NULL) {
        return WEIR_NOMEM;
    }

    memset(f.large, 0, (size_t) f.n + 1);

    /* first to see what has several lines, then to count, then to write */

    if (weir_policy_format_all(&f) != WEIR_OK) {
        return WEIR_DECLINED;
    }

    (void) weir_policy_format_all(&f);

    f.size = f.len;
    f.out = weir_arena_alloc(arena, f.size + 1);

    if (f.out == NULL) {
        return WEIR_NOMEM;
    }

    (void) weir_policy_format_all(&f);

    text->data = f.out;
    text->len = f.len;

    return WEIR_OK;
}


static int
weir_policy_format_all(weir_policy_format_t *f)
{
    int       kind;
    uint32_t  i, end;

    f->len = 0;
    f->column = 0;
    f->depth = 0;
    f->begun = 0;
    f->inside = 0;
    f->lines = 0;

    for (i = 0; i < f->n; i++) {

        kind = f->toks[i].kind;

        if (kind == '}' && f->depth == 0) {
            return WEIR_ERROR;
        }

        if (!f->inside) {
            f->first = i;
        }

        weir_policy_format_gap(f, i);

        if (!f->inside && f->depth == 0) {
            f->head = i;
            f->started = f->lines;
        }

        if (kind == '}') {
            f->depth--;
            weir_policy_format_put(f, "}", 1);
            weir_policy_format_ended(f);
            continue;
        }

        if (kind == '{') {
            end = weir_policy_format_block(f, i);

            if (end != 0) {
                i = end;
                f->inside = 0;
                weir_policy_format_ended(f);
                continue;
            }

            weir_policy_format_put(f, " {", 2);
            weir_policy_format_line(f);
            f->inside = 0;
            f->depth++;
            continue;
        }

        weir_policy_format_token(f, i);
        f->inside = 1;

        if (kind == ';') {
            f->inside = 0;
            weir_policy_format_ended(f);
        }
    }

    /* comments behind the last token */

    f->inside = 0;
    weir_policy_format_gap(f, f->n);

    return f->depth == 0 ? WEIR_OK : WEIR_ERROR;
}


/*
 * Writes a block of one statement, or none, on the line, if it is one and
 * fits; its "}", or 0.
 */

static uint32_t
weir_policy_format_block(weir_policy_format_t *f, uint32_t open)
{
    uint32_t  i, end, statements;

    statements = 0;

    for (end = open + 1; end < f->n && f->toks[end].kind != '}'; end++) {

        if (f->toks[end].kind == '{') {
            return 0;
        }

        statements += f->toks[end].kind == ';';
    }

    if (end == f->n || statements > 1
        || weir_policy_format_comments(f, f->first + 1, end))
    {
        return 0;
    }

    if (end == open + 1) {
        weir_policy_format_put(f, " {}", 3);
        return end;
    }

    if (weir_policy_format_width(f, f->first, end)
        + f->depth * WEIR_POLICY_INDENT > WEIR_POLICY_WIDTH)
    {
        return 0;
    }

    weir_policy_format_put(f, " {", 2);

    for (i = open + 1; i < end; i++) {
        weir_policy_format_token(f, i);

        if (i == open + 1) {
            f->first = i;
        }
    }

    weir_policy_format_put(f, " }", 2);

    return end;
}


static void
weir_policy_format_token(weir_policy_format_t *f, uint32_t i)
{
    weir_str_t  text;

    text = weir_policy_format_text(f, i);

    if (f->begun && f->column != 0) {

        if (weir_policy_format_break(f, i)
            && f->column + weir_policy_format_reach(f, i) > WEIR_POLICY_WIDTH)
        {
            weir_policy_format_line(f);

        } else if (weir_policy_format_space(f, i)) {
            weir_policy_format_put(f, " ", 1);
        }
    }

    weir_policy_format_put(f, text.data, text.len);
}


/* The width from a token up to where the line may end next. */

static uint32_t
weir_policy_format_reach(const weir_policy_format_t *f, uint32_t i)
{
    uint32_t  k, width;

    width = 0;

    for (k = i; k < f->n && width <= WEIR_POLICY_WIDTH; k++) {

        if (f->toks[k].kind == '{' || f->toks[k].kind == '}'
            || (k != i && weir_policy_format_break(f, k)))
        {
            break;
        }

        width += weir_policy_format_chars(weir_policy_format_text(f, k))
                 + (uint32_t) weir_policy_format_space(f, k);

        if (f->toks[k].kind == ';') {
            break;
        }
    }

    return width;
}


/* Whether a space stands before a token that is not the first of a line. */

static int
weir_policy_format_space(const weir_policy_format_t *f, uint32_t i)
{
    int  kind, before;

    if (i == f->first) {
        return 1;
    }

    kind = f->toks[i].kind;
    before = f->toks[i - 1].kind;

    if (kind == ';' || kind == ',' || kind == ')' || kind == ']'
        || kind == '.' || before == '.' || before == '(' || before == '['
        || before == '!')
    {
        return 0;
    }

    if (kind == '(') {
        return !(before == WEIR_POLICY_TOK_WORD
                 && (weir_policy_format_is(f, i - 1, "header")
                     || weir_policy_format_is(f, i - 1, "query")));
    }

    if (kind == '[') {
        return !(before == WEIR_POLICY_TOK_WORD
                 && weir_policy_format_is(f, i - 1, "claim"));
    }

    /* set<string> in a schema */

    if (weir_policy_format_is(f, f->first, "claim")
        && (kind == '<' || before == '<' || kind == '>'))
    {
        return 0;
    }

    return 1;
}


static int
weir_policy_format_break(const weir_policy_format_t *f, uint32_t i)
{
    return f->toks[i].kind == WEIR_POLICY_TOK_AND
           || f->toks[i].kind == WEIR_POLICY_TOK_OR
           || (i != f->first && f->toks[i - 1].kind == ',');
}


/* What stands between tokens: comments, a blank line. */

static void
weir_policy_format_gap(weir_policy_format_t *f, uint32_t i)
{
    int         own, newline;
    uint32_t    p, end, start;
    weir_str_t  comment;

    p = i == 0 ? 0 : f->toks[i - 1].end;
    end = i == f->n ? (uint32_t) f->src.len : f->toks[i].start;
    newline = i == 0;
    own = 0;

    while (p < end) {

        if (f->src.data[p] != '#') {
            newline |= f->src.data[p] == '\n';
            p++;
            continue;
        }

        for (start = p; p < end && f->src.data[p] != '\n'; p++) {
            /* void */
        }

        comment.data = f->src.data + start;
        comment.len = p - start;

        while (comment.len != 0
               && (comment.data[comment.len - 1] == ' '
                   || comment.data[comment.len - 1] == '\t'
                   || comment.data[comment.len - 1] == '\r'))
        {
            comment.len--;
        }

        if (!newline) {

            /* behind what stands on its line */

            if (!f->begun && f->len != 0) {
                f->len--;
                f->begun = 1;
            }

            weir_policy_format_put(f, " ", 1);

        } else {

            if (f->begun) {
                weir_policy_format_line(f);
            }

            if (!own && !f->inside && f->depth == 0 && f->len != 0) {
                weir_policy_format_put(f, "\n", 1);
            }

            own = 1;
            f->begun = 0;
        }

        weir_policy_format_put(f, comment.data, comment.len);
        weir_policy_format_line(f);
        newline = 0;
    }

    if (!own && weir_policy_format_apart(f, i)) {
        weir_policy_format_put(f, "\n", 1);
    }
}


/* Whether a blank line stands before the statement that begins at i. */

static int
weir_policy_format_apart(const weir_policy_format_t *f, uint32_t i)
{
    if (i == 0 || i == f->n || f->inside || f->depth != 0) {
        return 0;
    }

    return f->large[f->head] || f->large[i]
           || weir_policy_format_kind(f, f->head)
              != weir_policy_format_kind(f, i);
}


/* Statements of one kind may stand together. */

static int
weir_policy_format_kind(const weir_policy_format_t *f, uint32_t i)
{
    int  k;

    static const char *const  kinds[] = {
        "language", "policy", "permit", "deny", "shadow", "import", "schema",
        "role", "set", "window", "assert", NULL
    };

    for (k = 0; kinds[k] != NULL; k++) {
        if (weir_policy_format_is(f, i, kinds[k])) {
            break;
        }
    }

    return k < 2 ? 0 : k < 5 ? 2 : k;
}


static void
weir_policy_format_ended(weir_policy_format_t *f)
{
    weir_policy_format_line(f);

    if (f->depth == 0) {
        f->large[f->head] = f->lines - f->started > 1;
    }
}


static int
weir_policy_format_comments(const weir_policy_format_t *f, uint32_t from,
    uint32_t to)
{
    uint32_t  i;
    size_t    gap;

    for (i = from; i <= to; i++) {
        gap = f->toks[i].start - f->toks[i - 1].end;

        if (gap != 0
            && memchr(f->src.data + f->toks[i - 1].end, '#', gap) != NULL)
        {
            return 1;
        }
    }

    return 0;
}


/* The width of tokens on one line. */

static uint32_t
weir_policy_format_width(const weir_policy_format_t *f, uint32_t from,
    uint32_t to)
{
    uint32_t              i, width;
    weir_policy_format_t  line;

    line = *f;
    width = 0;

    for (i = from; i <= to && width <= WEIR_POLICY_WIDTH; i++) {
        line.first = i > from && line.toks[i - 1].kind == '{' ? i : line.first;

        width += weir_policy_format_chars(weir_policy_format_text(f, i))
                 + (i != from && weir_policy_format_space(&line, i));
    }

    return width;
}


static uint32_t
weir_policy_format_chars(weir_str_t s)
{
    size_t    i;
    uint32_t  n;

    n = 0;

    for (i = 0; i < s.len; i++) {
        n += (s.data[i] & 0xc0) != 0x80;
    }

    return n;
}


static void
weir_policy_format_line(weir_policy_format_t *f)
{
    weir_policy_format_put(f, "\n", 1);
    f->begun = 0;
    f->column = 0;
    f->lines++;
}


/* The first on a line is preceded by its indentation. */

static void
weir_policy_format_put(weir_policy_format_t *f, const void *data, size_t len)
{
    uint32_t    indent;
    weir_str_t  s;

    if (len == 0) {
        return;
    }

    s.data = data;
    s.len = len;

    indent = 0;

    if (!f->begun && s.data[0] != '\n') {
        indent = (f->depth + (f->inside ? 1 : 0)) * WEIR_POLICY_INDENT;
        f->begun = 1;
    }

    if (f->out != NULL) {
        memset(f->out + f->len, ' ', indent);
        memcpy(f->out + f->len + indent, data, len);
    }

    f->len += indent + len;
    f->column += indent + weir_policy_format_chars(s);
}


static int
weir_policy_format_is(const weir_policy_format_t *f, uint32_t i,
    const char *word)
{
    return weir_str_eq(weir_policy_format_text(f, i), weir_cstr(word));
}


static weir_str_t
weir_policy_format_text(const weir_policy_format_t *f, uint32_t i)
{
    weir_str_t  s;

    s.data = f->src.data + f->toks[i].start;
    s.len = f->toks[i].end - f->toks[i].start;

    return s;
}
