
/*
 * Weir: JSON from strangers: bounded before jansson sees it.
 */

#include "weir_json.h"


static size_t weir_json_number(uint8_t *p, size_t len);


int
weir_json_scan(uint8_t *text, size_t len, const weir_json_limits_t *l)
{
    size_t    i;
    unsigned  depth, members, items;

    depth = 0;
    members = 0;
    items = 0;

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
            for (i++; i < len && text[i] != '"'; i++) {
                if (text[i] == '\\') {
                    i++;
                }
            }
            break;

        case '-':
        case '0': case '1': case '2': case '3': case '4':
        case '5': case '6': case '7': case '8': case '9':
            i += weir_json_number(text + i, len - i) - 1;
            break;

        default:
            break;
        }
    }

    return WEIR_OK;
}


/* The length of the number at p; an integer beyond 64 bits is replaced. */

static size_t
weir_json_number(uint8_t *p, size_t len)
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

    /* a leading zero is no JSON: it stays, to be refused */

    if (digits < 19 || p[start] == '0') {
        return i == 0 ? 1 : i;
    }

    limit = start ? "9223372036854775808" : "9223372036854775807";

    if (digits > 19 || memcmp(p + start, limit, 19) > 0) {
        memset(p + start, ' ', digits);
        memcpy(p + start, big, sizeof(big) - 1);
    }

    return i;
}


int
weir_json_object(json_t **json, uint8_t *text, size_t len,
    const weir_json_limits_t *l)
{
    json_t        *value;
    json_error_t   error;

    if (weir_json_scan(text, len, l) != WEIR_OK) {
        return WEIR_ERROR;
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

    *json = value;

    return WEIR_OK;
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
