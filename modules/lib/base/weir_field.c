
/*
 * Weir: names of header fields.
 */

#include "weir_field.h"


static const char  weir_field_separators[] = "\"(),/:;<=>?@[\\]{}";


int
weir_field_valid(weir_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {

        if (s.data[i] <= 0x20 || s.data[i] >= 0x7f
            || strchr(weir_field_separators, s.data[i]) != NULL)
        {
            return 0;
        }
    }

    return s.len != 0;
}


static uint8_t
weir_field_fold(uint8_t c)
{
    if (c == '_') {
        return '-';
    }

    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}


int
weir_field_same(weir_str_t a, weir_str_t b)
{
    size_t  i;

    if (a.len != b.len) {
        return 0;
    }

    for (i = 0; i < a.len; i++) {
        if (weir_field_fold(a.data[i]) != weir_field_fold(b.data[i])) {
            return 0;
        }
    }

    return 1;
}


int
weir_field_match(weir_str_t name, weir_str_t pattern)
{
    if (pattern.len != 0 && pattern.data[pattern.len - 1] == '*') {
        pattern.len--;

        if (name.len > pattern.len) {
            name.len = pattern.len;
        }
    }

    return weir_field_same(name, pattern);
}
