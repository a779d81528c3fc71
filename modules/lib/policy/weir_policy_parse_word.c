
/*
 * Weir: the small pieces that the policy parser's files share: names, strings,
 * claims' names, what is expected and what comes instead.
 */

#include "weir_policy_lex.h"


weir_policy_loc_t
weir_policy_here(const weir_policy_parser_t *ps)
{
    weir_policy_loc_t  loc;

    loc.file = ps->file->index;
    loc.offset = ps->tok.start;

    return loc;
}


int
weir_policy_expected(weir_policy_parser_t *ps, const char *what)
{
    weir_policy_loc_t     loc;
    weir_policy_token_t  *tok;

    tok = &ps->tok;
    loc = weir_policy_here(ps);

    if (ps->c->nomem) {
        return WEIR_ERROR;
    }

    if (tok->kind == WEIR_POLICY_TOK_BAD) {
        loc.offset = tok->error_at;
        weir_policy_error(ps->c, loc, "%s", tok->error);

    } else if (tok->kind == WEIR_POLICY_TOK_END) {
        loc.offset = ps->prev_end;
        weir_policy_error(ps->c, loc, "%s expected, the source ends", what);

    } else {
        weir_policy_error(ps->c, loc, "%s expected, not %s%.*s%s", what,
                          tok->kind == WEIR_POLICY_TOK_STRING ? "" : "\"",
                          tok->text.len > 80 ? 80 : (int) tok->text.len,
                          (const char *) tok->text.data,
                          tok->kind == WEIR_POLICY_TOK_STRING ? "" : "\"");
    }

    return WEIR_ERROR;
}


int
weir_policy_expected_word(weir_policy_parser_t *ps, const char *what,
    const char *const *words)
{
    weir_str_t  near;

    if (ps->tok.kind == WEIR_POLICY_TOK_WORD && !ps->c->nomem) {
        near = weir_policy_near_word(words, ps->tok.text);

        if (near.data != NULL) {
            weir_policy_error(ps->c, weir_policy_here(ps), "%s expected, not "
                              "\"%.*s\"; is it %.*s?", what,
                              ps->tok.text.len > 80
                              ? 80 : (int) ps->tok.text.len,
                              (const char *) ps->tok.text.data,
                              weir_policy_s(near));
            return WEIR_ERROR;
        }
    }

    return weir_policy_expected(ps, what);
}


int
weir_policy_expect(weir_policy_parser_t *ps, int kind, const char *what)
{
    if (ps->tok.kind != kind) {
        return weir_policy_expected(ps, what);
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


/*
 * A ";" that is missing at the end of a line is reported where it should
 * stand, and nothing is skipped for it.
 */

int
weir_policy_semicolon(weir_policy_parser_t *ps)
{
    weir_policy_loc_t  loc;

    if (ps->tok.kind == ';') {
        weir_policy_lex(ps);
        return WEIR_OK;
    }

    if ((ps->tok.newline && ps->tok.kind != WEIR_POLICY_TOK_BAD)
        || ps->tok.kind == '}' || ps->tok.kind == WEIR_POLICY_TOK_END)
    {
        if (!ps->c->nomem) {
            loc.file = ps->file->index;
            loc.offset = ps->prev_end;
            weir_policy_error(ps->c, loc, "\";\" expected");
        }

        return WEIR_OK;
    }

    return weir_policy_expected(ps, "\";\"");
}


int
weir_policy_id(weir_policy_parser_t *ps, const char *what,
    weir_policy_word_t *word)
{
    memset(word, 0, sizeof(weir_policy_word_t));

    if (ps->tok.kind != WEIR_POLICY_TOK_WORD) {
        return weir_policy_expected(ps, what);
    }

    word->text = ps->tok.text;
    word->loc = weir_policy_here(ps);

    if (word->text.len > WEIR_POLICY_MAX_ID) {
        weir_policy_error(ps->c, word->loc, "a name has at most %d characters,"
                          " this one %zu", WEIR_POLICY_MAX_ID,
                          word->text.len);
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


int
weir_policy_string(weir_policy_parser_t *ps, const char *what,
    weir_policy_word_t *word)
{
    memset(word, 0, sizeof(weir_policy_word_t));

    if (ps->tok.kind != WEIR_POLICY_TOK_STRING) {
        return weir_policy_expected(ps, what);
    }

    word->text = ps->tok.value;
    word->loc = weir_policy_here(ps);

    weir_policy_lex(ps);

    return WEIR_OK;
}


int
weir_policy_word_or_string(weir_policy_parser_t *ps, const char *what,
    weir_policy_word_t *word)
{
    if (ps->tok.kind == WEIR_POLICY_TOK_STRING) {
        return weir_policy_string(ps, what, word);
    }

    return weir_policy_id(ps, what, word);
}


int
weir_policy_add_word(weir_policy_parser_t *ps, weir_policy_words_t ***last,
    const weir_policy_word_t *word)
{
    weir_policy_words_t  *w;

    w = weir_policy_alloc(ps->c, sizeof(weir_policy_words_t));
    if (w == NULL) {
        return WEIR_ERROR;
    }

    w->word = *word;

    **last = w;
    *last = &w->next;

    return WEIR_OK;
}


int
weir_policy_cname(weir_policy_parser_t *ps, weir_str_t *key, weir_str_t *text)
{
    size_t               i, len, n;
    uint8_t             *p;
    weir_policy_word_t   word;
    weir_policy_words_t  *w, *words, **last;

    static const char  prefix[] = "claim.";

    if (ps->tok.kind == WEIR_POLICY_TOK_STRING) {

        *key = ps->tok.value;

        if (memchr(key->data, '\0', key->len) != NULL) {
            weir_policy_error(ps->c, weir_policy_here(ps), "a claim's name "
                              "cannot hold NUL");
            return WEIR_ERROR;
        }

        len = ps->tok.text.len + sizeof("claim[]") - 1;

        p = weir_policy_alloc(ps->c, len);
        if (p == NULL) {
            return WEIR_ERROR;
        }

        text->data = p;
        text->len = len;

        memcpy(p, "claim[", 6);
        memcpy(p + 6, ps->tok.text.data, ps->tok.text.len);
        p[len - 1] = ']';

        weir_policy_lex(ps);

        return WEIR_OK;
    }

    words = NULL;
    last = &words;
    len = 0;

    for ( ;; ) {

        if (weir_policy_id(ps, "a claim's name", &word) != WEIR_OK
            || weir_policy_add_word(ps, &last, &word) != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        len += word.text.len + 1;

        if (ps->tok.kind != '.') {
            break;
        }

        weir_policy_lex(ps);
    }

    n = sizeof(prefix) - 1;
    len--;

    p = weir_policy_alloc(ps->c, n + len + len);
    if (p == NULL) {
        return WEIR_ERROR;
    }

    text->data = p;
    text->len = n + len;
    key->data = p + n + len;
    key->len = len;

    memcpy(p, prefix, n);

    for (i = 0, w = words; w != NULL; w = w->next) {
        memcpy(p + n + i, w->word.text.data, w->word.text.len);
        memcpy(p + n + len + i, w->word.text.data, w->word.text.len);
        i += w->word.text.len;

        if (w->next != NULL) {
            p[n + i] = '.';
            p[n + len + i] = '\0';
            i++;
        }
    }

    return WEIR_OK;
}
