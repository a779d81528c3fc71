
/*
 * Fuzzer of times and durations: a time that is parsed, formatted and parsed
 * again is the same.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "weir_time.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t     t, again, ms;
    uint8_t     text[WEIR_TIME_LEN];
    weir_str_t  s;

    s.data = data;
    s.len = size;

    if (weir_time_parse(s, &t) == WEIR_OK
        && t >= -62167219200 && t <= 253402300799)
    {
        weir_time_format(text, t);

        if (weir_time_parse((weir_str_t) { sizeof(text), text }, &again)
            != WEIR_OK
            || again != t)
        {
            abort();
        }
    }

    if (weir_duration_parse(s, &ms) == WEIR_OK && ms < 0) {
        abort();
    }

    return 0;
}
