
/*
 * Weir: JSON from strangers: bounded before jansson sees it, and compared
 * with the text when it has.
 *
 * jansson's lexer does not notice when its buffer cannot grow: it loses the
 * byte, and if that was a closing quote it runs over the end (2.14,
 * lex_save()).  So memory is asked for before it starts, and the weight of
 * what it made is compared with the text's: a subject that lost a letter
 * would be somebody else.
 */

#include "weir_json.h"


#define WEIR_JSON_SPACE  80            /* bytes at most a byte of text takes */
#define WEIR_JSON_PROBE  (100 * 1024)  /* below what malloc(3) gives back */


static int weir_json_room(size_t len);
static size_t weir_json_skip(const uint8_t *p, size_t len, size_t *weight);
static size_t weir_json_escape(const uint8_t *p, size_t len, size_t *weight);
static size_t weir_json_number(uint8_t *p, size_t len, size_t *weight);


int
weir_json_scan(uint8_t *text, size_t len, const weir_json_limits_t *l,
    size_t *weight)
{
    size_t    i;
    unsigned  depth, members, items;

    depth = 0;
    members = 0;
    items = 0;

    *weight = 0;

    for (i = 0; i < len; i++) {

        switch (text[i]) {

        case '{':
        case '[':
            if (++depth > l->depth) {
                return WEIR_ERROR;
            }
            break;

        case '}':
        case ']':
            if (depth-- == 0) {
                return WEIR_ERROR;
            }
            break;

        case ':':
            if (++members > l->members) {
                return WEIR_ERROR;
            }
            break;

        case ',':
            if (++items > l->items) {
                return WEIR_ERROR;
            }
            break;

        case '"':
            i += weir_json_skip(text + i + 1, len - i - 1, weight);
            break;

        case '-':
        case '0': case '1': case '2': case '3': case '4':
        case '5': case '6': case '7': case '8': case '9':
            i += weir_json_number(text + i, len - i, weight) - 1;
            break;

        default:
            break;
        }
    }

    return WEIR_OK;
}


/* From behind a quote to behind the closing one, or to the end. */

static size_t
weir_json_skip(const uint8_t *p, size_t len, size_t *weight)
{
    size_t  i;

    for (i = 0; i < len && p[i] != '"'; i++) {

        if (p[i] == '\\') {
            i += weir_json_escape(p + i, len - i, weight) - 1;
            continue;
        }

        *weight += 1;
    }

    return i + 1;
}


/* The length of an escape; a half of a surrogate pair is half of 4 bytes. */

static size_t
weir_json_escape(const uint8_t *p, size_t len, size_t *weight)
{
    size_t    i;
    unsigned  c, v;

    if (len < 6 || p[1] != 'u') {
        *weight += 1;
        return 2;
    }

    v = 0;

    for (i = 2; i < 6; i++) {
        c = p[i] | 0x20;

        /* what is no hex digit is no JSON: the parser will say so */

        v = v * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }

    *weight += v < 0x80 ? 1
               : v < 0x800 || (v >= 0xd800 && v < 0xe000) ? 2 : 3;

    return 6;
}


/* The length of the number at p; an integer beyond 64 bits is replaced. */

static size_t
weir_json_number(uint8_t *p, size_t len, size_t *weight)
{
    size_t       i, start, digits;
    const char  *limit;

    static const char  big[] = "1e300";

    start = p[0] == '-';

    for (i = start; i < len && p[i] >= '0' && p[i] <= '9'; i++) {
        /* void */
    }

    digits = i - start;

    if (i < len && (p[i] == '.' || p[i] == 'e' || p[i] == 'E')) {

        for ( /* void */ ; i < len; i++) {
            if ((p[i] < '0' || p[i] > '9') && p[i] != '.' && p[i] != 'e'
                && p[i] != 'E' && p[i] != '+' && p[i] != '-')
            {
                break;
            }
        }

        return i;
    }

    limit = start ? "9223372036854775808" : "9223372036854775807";

    /* a leading zero is no JSON: it stays, to be refused */

    if (digits < 19 || p[start] == '0'
        || (digits == 19 && memcmp(p + start, limit, 19) <= 0))
    {
        *weight += digits;
        return i;
    }

    memset(p + start, ' ', digits);
    memcpy(p + start, big, sizeof(big) - 1);

    return i;
}


size_t
weir_json_weight(const json_t *value)
{
    size_t       i, n;
    json_t      *v;
    json_int_t   number;
    const char  *name;

    n = 0;

    switch (json_typeof(value)) {

    case JSON_OBJECT:
        json_object_foreach((json_t *) value, name, v) {
            n += strlen(name) + weir_json_weight(v);
        }
        break;

    case JSON_ARRAY:
        json_array_foreach((json_t *) value, i, v) {
            n += weir_json_weight(v);
        }
        break;

    case JSON_STRING:
        n = json_string_length(value);
        break;

    case JSON_INTEGER:
        number = json_integer_value(value);

        do {
            n++;
            number /= 10;
        } while (number != 0);

        break;

    default:
        break;
    }

    return n;
}


int
weir_json_object(json_t **json, uint8_t *text, size_t len,
    const weir_json_limits_t *l)
{
    size_t         weight;
    json_t        *value;
    json_error_t   error;

    if (weir_json_scan(text, len, l, &weight) != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (!weir_json_room(len)) {
        return WEIR_NOMEM;
    }

    value = json_loadb((const char *) text, len, JSON_REJECT_DUPLICATES,
                       &error);

    if (value == NULL) {
        return json_error_code(&error) == json_error_out_of_memory
               ? WEIR_NOMEM : WEIR_ERROR;
    }

    if (!json_is_object(value)) {
        json_decref(value);
        return WEIR_ERROR;
    }

    if (weir_json_weight(value) != weight) {
        json_decref(value);
        return WEIR_NOMEM;
    }

    *json = value;

    return WEIR_OK;
}


/* What was free a moment ago is there for a parser in the same thread. */

static int
weir_json_room(size_t len)
{
    void           *p;
    json_malloc_t   alloc;
    json_free_t     release;

    json_get_alloc_funcs(&alloc, &release);

    len = len > WEIR_JSON_PROBE / WEIR_JSON_SPACE
          ? WEIR_JSON_PROBE : len * WEIR_JSON_SPACE + 4096;

    p = alloc(len);

    if (p == NULL) {
        return 0;
    }

    release(p);

    return 1;
}


int
weir_json_string(const json_t *object, const char *name, weir_str_t *s)
{
    const json_t  *value;

    value = json_object_get(object, name);

    if (value == NULL) {
        return WEIR_DECLINED;
    }

    if (!json_is_string(value)) {
        return WEIR_ERROR;
    }

    s->data = (const uint8_t *) json_string_value(value);
    s->len = json_string_length(value);

    return WEIR_OK;
}
