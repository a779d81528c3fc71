
/*
 * Weir: from the text of a policy source to tokens.
 */

#include "weir_policy_lex.h"


#define WEIR_POLICY_MAX_CONTROLS  20     /* reported of one source */


static void weir_policy_lex_space(weir_policy_parser_t *ps);
static void weir_policy_lex_string(weir_policy_parser_t *ps);
static uint8_t *weir_policy_lex_escape(weir_policy_token_t *tok,
    weir_str_t src, uint32_t *pos, uint8_t *dst);
static uint32_t weir_policy_lex_address(weir_str_t src, uint32_t pos);
static int weir_policy_lex_symbol(weir_policy_parser_t *ps);
static uint32_t weir_policy_lex_char(const uint8_t *p, size_t len,
    size_t *size);
static int weir_policy_lex_control(uint32_t ch);


static int
weir_policy_id_start(uint8_t ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
}


static int
weir_policy_digit(uint8_t ch)
{
    return ch >= '0' && ch <= '9';
}


static int
weir_policy_id_char(uint8_t ch)
{
    return weir_policy_id_start(ch) || weir_policy_digit(ch) || ch == '-';
}


static int
weir_policy_space(uint8_t ch)
{
    return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}


int
weir_policy_lex_check(weir_policy_compiler_t *c, uint32_t file)
{
    size_t             i, size;
    uint32_t           ch, n;
    weir_str_t         text;
    weir_policy_loc_t  loc;

    text = c->sources[file].text;
    loc.file = file;
    n = 0;

    for (i = 0; i < text.len; i += size) {

        if (text.data[i] >= 0x20 && text.data[i] < 0x7f) {
            size = 1;
            continue;
        }

        ch = weir_policy_lex_char(text.data + i, text.len - i, &size);
        loc.offset = (uint32_t) i;

        if (size == 0) {
            weir_policy_error(c, loc, "this is not UTF-8");
            return WEIR_ERROR;
        }

        if (!weir_policy_lex_control(ch)) {
            continue;
        }

        if (++n > WEIR_POLICY_MAX_CONTROLS) {
            break;
        }

        if (ch == 0xfeff) {
            weir_policy_error(c, loc, "a byte order mark (U+FEFF) may not "
                              "stand in a policy");

        } else if (ch == 0) {
            weir_policy_error(c, loc, "NUL may not stand in a policy");

        } else {
            weir_policy_error(c, loc, "control character U+%04X may not stand "
                              "in a policy", ch);
        }
    }

    return n == 0 ? WEIR_OK : WEIR_ERROR;
}


/*
 * Controls, and the marks that show a text in another order than it is read
 * ("Trojan Source", Boucher and Anderson 2021).
 */

static int
weir_policy_lex_control(uint32_t ch)
{
    if (ch < 0x20) {
        return ch != '\t' && ch != '\n' && ch != '\r';
    }

    return (ch >= 0x7f && ch < 0xa0) || ch == 0x061c || ch == 0x200e
           || ch == 0x200f || (ch >= 0x2028 && ch <= 0x202e)
           || (ch >= 0x2066 && ch <= 0x2069) || ch == 0xfeff;
}


int
weir_policy_lex_plain(weir_str_t s)
{
    size_t    size;
    uint32_t  ch;

    ch = weir_policy_lex_char(s.data, s.len, &size);

    return size == s.len && size != 0 && ch >= 0x20
           && !weir_policy_lex_control(ch);
}


/* One character of UTF-8; *size is 0 where there is none. */

static uint32_t
weir_policy_lex_char(const uint8_t *p, size_t len, size_t *size)
{
    size_t      n;
    uint32_t    ch;
    weir_str_t  s;

    *size = 0;

    if (p[0] < 0x80) {
        *size = 1;
        return p[0];
    }

    n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

    s.data = p;
    s.len = n;

    if (n > len || !weir_utf8_valid(s)) {
        return 0;
    }

    *size = n;
    ch = p[0] & (0xff >> (n + 1));

    for (len = 1; len < n; len++) {
        ch = ch << 6 | (p[len] & 0x3f);
    }

    return ch;
}


int
weir_policy_is(const weir_policy_parser_t *ps, const char *word)
{
    size_t  len;

    len = strlen(word);

    return ps->tok.kind == WEIR_POLICY_TOK_WORD && ps->tok.text.len == len
           && memcmp(ps->tok.text.data, word, len) == 0;
}


int
weir_policy_is_id(weir_str_t s)
{
    size_t  i;

    if (s.len == 0 || s.len > WEIR_POLICY_MAX_ID
        || !weir_policy_id_start(s.data[0]))
    {
        return 0;
    }

    for (i = 1; i < s.len; i++) {
        if (!weir_policy_id_char(s.data[i])) {
            return 0;
        }
    }

    return 1;
}


static void
weir_policy_lex_space(weir_policy_parser_t *ps)
{
    uint8_t  ch;

    while (ps->pos < ps->src.len) {
        ch = ps->src.data[ps->pos];

        if (ch == '#') {
            while (ps->pos < ps->src.len && ps->src.data[ps->pos] != '\n') {
                ps->pos++;
            }

            continue;
        }

        if (!weir_policy_space(ch)) {
            break;
        }

        if (ch == '\n') {
            ps->tok.newline = 1;
        }

        ps->pos++;
    }
}


void
weir_policy_lex(weir_policy_parser_t *ps)
{
    uint8_t               ch;
    uint32_t              end;
    weir_str_t            src;
    weir_policy_token_t  *tok;

    tok = &ps->tok;
    src = ps->src;

    if (ps->c->tokens != NULL) {
        weir_policy_take_token(ps);
    }

    ps->prev_end = ps->pos;

    memset(tok, 0, sizeof(weir_policy_token_t));

    weir_policy_lex_space(ps);

    tok->start = ps->pos;

    /* out of memory ends the source, so that the parser unwinds */

    if (ps->pos >= src.len || ps->c->nomem) {
        tok->kind = WEIR_POLICY_TOK_END;
        tok->end = ps->pos;
        tok->text.data = src.data + ps->pos;
        return;
    }

    ch = src.data[ps->pos];
    end = weir_policy_lex_address(src, ps->pos);

    if (ch == '"') {
        weir_policy_lex_string(ps);

    } else if (end != 0 || weir_policy_digit(ch)
               || (ch == '-' && ps->pos + 1 < src.len
                   && weir_policy_digit(src.data[ps->pos + 1])))
    {
        tok->kind = WEIR_POLICY_TOK_NUMBER;
        ps->pos = end != 0 ? end : ps->pos + 1;

        while (ps->pos < src.len
               && (weir_policy_id_char(src.data[ps->pos])
                   || (src.data[ps->pos] != 0
                       && strchr(".:+/", src.data[ps->pos]) != NULL)))
        {
            ps->pos++;
        }

    } else if (weir_policy_id_start(ch)) {
        tok->kind = WEIR_POLICY_TOK_WORD;

        while (ps->pos < src.len && weir_policy_id_char(src.data[ps->pos])) {
            ps->pos++;
        }

        if (src.len - ps->pos > 3
            && memcmp(src.data + ps->pos, "://", 3) == 0)
        {
            tok->kind = WEIR_POLICY_TOK_URI;

            while (ps->pos < src.len && !weir_policy_space(src.data[ps->pos])
                   && strchr(";,)]", src.data[ps->pos]) == NULL)
            {
                ps->pos++;
            }
        }

    } else {
        tok->kind = weir_policy_lex_symbol(ps);
    }

    tok->end = ps->pos;
    tok->text.data = src.data + tok->start;
    tok->text.len = tok->end - tok->start;
}


/*
 * The end of what may be an IPv6 address at pos, which can begin with a
 * letter, or 0: hex digits, dots and at least one colon, which is looked for
 * as far as it can be: names joined by dots are read at every name.
 */

static uint32_t
weir_policy_lex_address(weir_str_t src, uint32_t pos)
{
    int       colon;
    uint32_t  last;

    colon = 0;
    last = pos + WEIR_POLICY_MAX_ID;

    while (pos < src.len && (colon || pos < last)
           && (weir_hex_digit(src.data[pos]) >= 0 || src.data[pos] == ':'
               || src.data[pos] == '.'))
    {
        colon |= src.data[pos] == ':';
        pos++;
    }

    return colon ? pos : 0;
}


static int
weir_policy_lex_symbol(weir_policy_parser_t *ps)
{
    int                   kind;
    size_t                size;
    uint8_t               ch, next;
    weir_policy_token_t  *tok;

    tok = &ps->tok;

    ch = ps->src.data[ps->pos];
    next = ps->pos + 1 < ps->src.len ? ps->src.data[ps->pos + 1] : 0;

    kind = ch == '=' && next == '=' ? WEIR_POLICY_TOK_EQ
           : ch == '!' && next == '=' ? WEIR_POLICY_TOK_NE
           : ch == '<' && next == '=' ? WEIR_POLICY_TOK_LE
           : ch == '>' && next == '=' ? WEIR_POLICY_TOK_GE
           : ch == '&' && next == '&' ? WEIR_POLICY_TOK_AND
           : ch == '|' && next == '|' ? WEIR_POLICY_TOK_OR
           : 0;

    if (kind != 0) {
        ps->pos += 2;
        return kind;
    }

    if (ch < 0x80 && strchr("{}()[],;.<>!*~/", ch) != NULL) {
        ps->pos++;
        return ch;
    }

    (void) weir_policy_lex_char(ps->src.data + ps->pos,
                                ps->src.len - ps->pos, &size);

    ps->pos += size == 0 ? 1 : (uint32_t) size;
    tok->error_at = tok->start;
    tok->error = ch == '=' ? "\"=\" is no operator; equality is \"==\""
                 : ch == '&' ? "\"&\" is no operator; and is \"&&\""
                 : ch == '|' ? "\"|\" is no operator; or is \"||\""
                 : ch == '\'' ? "strings stand in double quotes"
                 : "unexpected character";

    return WEIR_POLICY_TOK_BAD;
}


static void
weir_policy_lex_string(weir_policy_parser_t *ps)
{
    uint8_t              *value, *dst;
    uint32_t              pos, end;
    weir_str_t            src;
    weir_policy_token_t  *tok;

    tok = &ps->tok;
    src = ps->src;

    tok->kind = WEIR_POLICY_TOK_STRING;

    for (end = ps->pos + 1; end < src.len; end++) {

        if (src.data[end] == '"' || src.data[end] == '\n') {
            break;
        }

        if (src.data[end] == '\\' && end + 1 < src.len
            && src.data[end + 1] != '\n')
        {
            end++;
        }
    }

    if (end >= src.len || src.data[end] != '"') {
        tok->kind = WEIR_POLICY_TOK_BAD;
        tok->error = "this string does not end on its line";
        tok->error_at = tok->start;
        ps->pos = end;
        return;
    }

    if (end - ps->pos - 1 > WEIR_POLICY_MAX_STRING) {
        tok->kind = WEIR_POLICY_TOK_BAD;
        tok->error = "a string has at most 65536 bytes";
        tok->error_at = tok->start;
        ps->pos = end + 1;
        return;
    }

    value = weir_policy_alloc(ps->c, end - ps->pos);

    if (value == NULL) {
        tok->kind = WEIR_POLICY_TOK_END;
        ps->pos = end;
        return;
    }

    dst = value;
    pos = ps->pos + 1;
    ps->pos = end + 1;

    while (pos < end) {

        if (src.data[pos] != '\\') {
            *dst++ = src.data[pos++];
            continue;
        }

        dst = weir_policy_lex_escape(tok, src, &pos, dst);

        if (dst == NULL) {
            tok->kind = WEIR_POLICY_TOK_BAD;
            return;
        }
    }

    tok->value.data = value;
    tok->value.len = (size_t) (dst - value);
}


static uint8_t *
weir_policy_lex_escape(weir_policy_token_t *tok, weir_str_t src,
    uint32_t *pos, uint8_t *dst)
{
    int       v;
    uint32_t  p, ch, digits;

    tok->error_at = *pos;
    p = *pos + 2;
    *pos = p;

    switch (src.data[p - 1]) {

    case '"':
    case '\\':
        *dst++ = src.data[p - 1];
        return dst;

    case 'n':
        *dst++ = '\n';
        return dst;

    case 't':
        *dst++ = '\t';
        return dst;

    case 'u':
        break;

    default:
        tok->error = "unknown escape; there are \\\" \\\\ \\n \\t \\u{HEX}";
        return NULL;
    }

    tok->error = "\\u is followed by the hex digits of a character in braces";

    if (src.data[p++] != '{') {
        return NULL;
    }

    ch = 0;

    for (digits = 0; src.data[p] != '}'; digits++, p++) {
        v = weir_hex_digit(src.data[p]);

        if (v < 0 || digits == 6) {
            return NULL;
        }

        ch = ch << 4 | (uint32_t) v;
    }

    if (digits == 0) {
        return NULL;
    }

    if (ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff)) {
        tok->error = "there is no such character";
        return NULL;
    }

    *pos = p + 1;

    return weir_utf8_put(dst, ch);
}


void
weir_policy_lex_text(weir_policy_parser_t *ps, const char *stops)
{
    uint8_t               ch;
    weir_str_t            src;
    weir_policy_token_t  *tok;

    tok = &ps->tok;
    src = ps->src;

    if (tok->kind == WEIR_POLICY_TOK_END || src.data[tok->start] == '"') {
        return;
    }

    ps->pos = tok->start;

    while (ps->pos < src.len) {
        ch = src.data[ps->pos];

        if (weir_policy_space(ch) || ch == ';' || strchr(stops, ch) != NULL) {
            break;
        }

        ps->pos++;
    }

    if (ps->pos == tok->start) {
        ps->pos = tok->end;
        return;
    }

    tok->kind = WEIR_POLICY_TOK_TEXT;
    tok->end = ps->pos;
    tok->text.len = tok->end - tok->start;
}
