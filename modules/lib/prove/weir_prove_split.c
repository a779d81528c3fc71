
/*
 * Weir: a source that compiles, taken apart into its statements: so that
 * single ones can be put to the compiler and the evaluator as rules.
 */

#include "weir_prove.h"


static const uint8_t *weir_prove_blank(const uint8_t *p, const uint8_t *end);
static const uint8_t *weir_prove_string(const uint8_t *p, const uint8_t *end);
static int weir_prove_is_block(weir_str_t word);
static const uint8_t *weir_prove_statement(weir_arena_t *arena,
    const uint8_t *p, const uint8_t *end, weir_prove_item_t **last);
static const uint8_t *weir_prove_inner(weir_arena_t *arena, const uint8_t *p,
    const uint8_t *end, weir_prove_item_t **last);


int
weir_prove_split(weir_arena_t *arena, weir_str_t source,
    weir_prove_item_t **items)
{
    *items = NULL;

    return weir_prove_inner(arena, source.data, source.data + source.len,
                            items)
           == NULL ? WEIR_NOMEM : WEIR_OK;
}


/* Up to a "}" where a statement could begin, or the end. */

static const uint8_t *
weir_prove_inner(weir_arena_t *arena, const uint8_t *p, const uint8_t *end,
    weir_prove_item_t **last)
{
    for ( ;; ) {

        p = weir_prove_blank(p, end);

        if (p == end || *p == '}') {
            return p;
        }

        p = weir_prove_statement(arena, p, end, last);

        if (p == NULL) {
            return NULL;
        }

        last = &(*last)->next;
    }
}


static const uint8_t *
weir_prove_statement(weir_arena_t *arena, const uint8_t *p,
    const uint8_t *end, weir_prove_item_t **last)
{
    int                 block;
    weir_prove_item_t  *item;

    item = weir_arena_calloc(arena, 1, sizeof(weir_prove_item_t));
    if (item == NULL) {
        return NULL;
    }

    *last = item;

    item->text.data = p;
    item->word.data = p;

    while (p < end && ((*p >= 'a' && *p <= 'z') || *p == '_')) {
        p++;
    }

    item->word.len = (size_t) (p - item->word.data);
    block = weir_prove_is_block(item->word);

    while (p < end) {

        if (*p == ';' && !block) {
            p++;
            break;
        }

        if (*p == '{' && block) {

            item->body.data = p + 1;
            p = weir_prove_inner(arena, p + 1, end, &item->items);

            if (p == NULL) {
                return NULL;
            }

            item->body.len = (size_t) (p - item->body.data);
            p += p < end;
            break;
        }

        if (*p == '"' && memchr(" \t\r\n([,=~<>!&|", p[-1], 13) != NULL) {
            p = weir_prove_string(p, end);
            continue;
        }

        if (*p == '#' && memchr(" \t\r\n", p[-1], 4) != NULL) {
            p = weir_prove_blank(p, end);
            continue;
        }

        p++;
    }

    item->text.len = (size_t) (p - item->text.data);

    return p;
}


static int
weir_prove_is_block(weir_str_t word)
{
    uint32_t  i;

    static const char *const  blocks[] = {
        "schema", "role", "permit", "deny", "shadow", "assert", "test"
    };

    for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        if (weir_str_eq(word, weir_cstr(blocks[i]))) {
            return 1;
        }
    }

    return 0;
}


/* White space and comments. */

static const uint8_t *
weir_prove_blank(const uint8_t *p, const uint8_t *end)
{
    while (p < end) {

        if (*p == '#') {

            while (p < end && *p != '\n') {
                p++;
            }

        } else if (memchr(" \t\r\n", *p, 4) == NULL) {
            break;

        } else {
            p++;
        }
    }

    return p;
}


static const uint8_t *
weir_prove_string(const uint8_t *p, const uint8_t *end)
{
    for (p++; p < end && *p != '"'; p++) {
        p += *p == '\\';
    }

    return p < end ? p + 1 : end;
}
