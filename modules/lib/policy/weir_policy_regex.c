
/*
 * Weir: which regular expressions a policy may hold.  What can take long or
 * is hard to reason about is refused by a scan before PCRE2 sees it:
 * backreferences, lookaround, verbs, callouts, \C, recursion, conditionals.
 */

#include <stdio.h>

#include "weir_policy_regex.h"


typedef struct {
    const uint8_t  *start;
    const uint8_t  *p;
    const uint8_t  *end;
    const uint8_t  *at;        /* of what is refused */
    const char     *error;
} weir_policy_scan_t;


static void weir_policy_scan(weir_policy_scan_t *s);
static void weir_policy_scan_escape(weir_policy_scan_t *s, int in_class);
static void weir_policy_scan_class(weir_policy_scan_t *s);
static size_t weir_policy_scan_posix(const uint8_t *p, const uint8_t *end);
static void weir_policy_scan_group(weir_policy_scan_t *s);
static void weir_policy_scan_options(weir_policy_scan_t *s);
static void *weir_policy_regex_alloc(PCRE2_SIZE size, void *data);
static void weir_policy_regex_free(void *p, void *data);


const char *
weir_policy_regex_check(weir_arena_t *arena, weir_str_t pattern, char *text,
    size_t size, size_t *at)
{
    int                      code, len;
    PCRE2_SIZE               offset;
    pcre2_code              *re;
    weir_policy_scan_t       s;
    pcre2_compile_context   *context;
    pcre2_general_context   *g;

    *at = 0;

    if (pattern.len > WEIR_POLICY_MAX_PATTERN) {
        snprintf(text, size, "a regular expression has at most %d bytes",
                 WEIR_POLICY_MAX_PATTERN);
        return text;
    }

    memset(&s, 0, sizeof(weir_policy_scan_t));

    s.start = pattern.data;
    s.p = pattern.data;
    s.end = pattern.data + pattern.len;

    weir_policy_scan(&s);

    if (s.error != NULL) {
        *at = (size_t) (s.at - s.start);
        return s.error;
    }

    g = weir_policy_regex_memory(arena->alloc);
    context = g == NULL ? NULL : weir_policy_regex_context(g);
    re = NULL;
    code = PCRE2_ERROR_NOMEMORY;
    offset = 0;

    if (context != NULL) {
        re = pcre2_compile(pattern.data, pattern.len,
                           WEIR_POLICY_REGEX_OPTIONS, &code, &offset, context);
    }

    pcre2_compile_context_free(context);
    pcre2_general_context_free(g);

    if (re != NULL) {
        pcre2_code_free(re);
        return NULL;
    }

    *at = offset < pattern.len ? offset : pattern.len;

    len = pcre2_get_error_message(code, (PCRE2_UCHAR *) text, size);

    if (len < 0) {
        snprintf(text, size, "it does not compile");
    }

    return text;
}


pcre2_general_context *
weir_policy_regex_memory(const weir_alloc_t *alloc)
{
    return pcre2_general_context_create(weir_policy_regex_alloc,
                                        weir_policy_regex_free,
                                        (void *) (uintptr_t) alloc);
}


static void *
weir_policy_regex_alloc(PCRE2_SIZE size, void *data)
{
    const weir_alloc_t *alloc = data;

    return alloc->alloc(alloc->ctx, size);
}


static void
weir_policy_regex_free(void *p, void *data)
{
    const weir_alloc_t *alloc = data;

    if (p != NULL) {
        alloc->free(alloc->ctx, p);
    }
}


/* The same newline everywhere, however PCRE2 was built. */

pcre2_compile_context *
weir_policy_regex_context(pcre2_general_context *g)
{
    pcre2_compile_context  *context;

    context = pcre2_compile_context_create(g);

    if (context != NULL) {
        (void) pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        (void) pcre2_set_bsr(context, PCRE2_BSR_ANYCRLF);
        (void) pcre2_set_parens_nest_limit(context, WEIR_POLICY_MAX_DEPTH);
    }

    return context;
}


static void
weir_policy_scan(weir_policy_scan_t *s)
{
    while (s->p < s->end && s->error == NULL) {

        switch (*s->p) {

        case '\\':
            weir_policy_scan_escape(s, 0);
            break;

        case '[':
            weir_policy_scan_class(s);
            break;

        case '(':
            weir_policy_scan_group(s);
            break;

        default:
            s->p++;
            break;
        }
    }
}


/* "\" and what belongs to it; a pattern that ends in it is PCRE2's error. */

static void
weir_policy_scan_escape(weir_policy_scan_t *s, int in_class)
{
    uint8_t         ch;
    const uint8_t  *at;

    at = s->p++;

    if (s->p == s->end) {
        return;
    }

    ch = *s->p++;

    if (ch == 'Q') {

        /* all is literal up to \E, or to the end */

        for ( /* void */ ; s->p < s->end; s->p++) {
            if (*s->p == '\\' && s->p + 1 < s->end && s->p[1] == 'E') {
                s->p += 2;
                return;
            }
        }

        return;
    }

    if (ch == 'c') {

        /* the next one is taken whatever it is */

        s->p += s->p < s->end;
        return;
    }

    s->at = at;

    if (ch == 'C') {
        s->error = "\\C is not allowed";

    } else if (!in_class
               && ((ch >= '1' && ch <= '9') || ch == 'g' || ch == 'k'))
    {
        s->error = "backreferences and recursion are not allowed";
    }
}


/* "[" ... "]"; a "]" that comes first is an ordinary one. */

static void
weir_policy_scan_class(weir_policy_scan_t *s)
{
    size_t  n;

    s->p++;

    if (s->p < s->end && *s->p == '^') {
        s->p++;
    }

    if (s->p < s->end && *s->p == ']') {
        s->p++;
    }

    while (s->p < s->end && s->error == NULL) {

        if (*s->p == ']') {
            s->p++;
            return;
        }

        if (*s->p == '\\') {
            weir_policy_scan_escape(s, 1);
            continue;
        }

        n = weir_policy_scan_posix(s->p, s->end);
        s->p += n == 0 ? 1 : n;
    }
}


/* The length of "[:name:]", "[.x.]" or "[=x=]", found as PCRE2 finds it. */

static size_t
weir_policy_scan_posix(const uint8_t *p, const uint8_t *end)
{
    uint8_t         terminator;
    const uint8_t  *start;

    if (end - p < 4 || p[0] != '['
        || (p[1] != ':' && p[1] != '.' && p[1] != '='))
    {
        return 0;
    }

    start = p;
    terminator = p[1];

    for (p += 2; end - p >= 2; p++) {

        if (*p == '\\' && (p[1] == ']' || p[1] == '\\')) {
            p++;

        } else if ((*p == '[' && p[1] == terminator) || *p == ']') {
            return 0;

        } else if (*p == terminator && p[1] == ']') {
            return (size_t) (p + 2 - start);
        }
    }

    return 0;
}


/* "(" and what tells its kind. */

static void
weir_policy_scan_group(weir_policy_scan_t *s)
{
    uint8_t  ch, next;

    s->at = s->p++;

    if (s->p == s->end) {
        return;
    }

    if (*s->p == '*') {
        s->error = "verbs, (*...), are not allowed";
        return;
    }

    if (*s->p != '?') {
        return;
    }

    s->p++;

    ch = s->p < s->end ? *s->p : 0;
    next = s->end - s->p > 1 ? s->p[1] : 0;

    switch (ch) {

    case ':':
    case '|':
    case '>':
    case '\'':
        s->p++;
        return;

    case '#':

        while (s->p < s->end && *s->p != ')') {
            s->p++;
        }

        return;

    case '=':
    case '!':
    case '*':
        s->error = "lookahead is not allowed";
        return;

    case '<':

        if (next == '=' || next == '!' || next == '*') {
            s->error = "lookbehind is not allowed";
            return;
        }

        s->p++;
        return;

    case 'P':

        if (next == '<') {
            s->p += 2;
            return;
        }

        s->error = next == '=' ? "backreferences are not allowed"
                               : "recursion is not allowed";
        return;

    case 'C':
        s->error = "callouts are not allowed";
        return;

    case '(':
        s->error = "conditionals are not allowed";
        return;

    case 'R':
    case '&':
    case '+':
        s->error = "recursion is not allowed";
        return;

    case '-':

        if (next >= '0' && next <= '9') {
            s->error = "recursion is not allowed";
            return;
        }

        break;

    default:

        if (ch >= '0' && ch <= '9') {
            s->error = "recursion is not allowed";
            return;
        }

        break;
    }

    weir_policy_scan_options(s);
}


/*
 * Letters of options.  "x" would make comments of what this scan takes for
 * the pattern.
 */

static void
weir_policy_scan_options(weir_policy_scan_t *s)
{
    for ( /* void */ ; s->p < s->end; s->p++) {

        if (*s->p == ')' || *s->p == ':') {
            s->p++;
            return;
        }

        if (*s->p == 'x') {
            s->error = "the option x is not allowed";
            return;
        }

        if (memchr("imsnJU-^", *s->p, 8) == NULL) {
            s->error = "this kind of group is not allowed";
            return;
        }
    }
}
