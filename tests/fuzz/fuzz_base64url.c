
/*
 * Fuzzer of base64url: bytes survive the way there and back, and a text that
 * is decoded is the only spelling of its bytes.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "weir_hash.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t      n, len;
    uint8_t    *text, *bytes;
    weir_str_t  s;

    s.data = data;
    s.len = size;

    text = malloc((size * 8 + 5) / 6 + 1);
    bytes = malloc(size + 1);

    if (text == NULL || bytes == NULL) {
        goto done;
    }

    n = weir_base64url_encode(text, s);

    if (n != (size * 8 + 5) / 6
        || weir_base64url_decode(bytes, &len, (weir_str_t) { n, text })
           != WEIR_OK
        || len != size || memcmp(bytes, data, size) != 0)
    {
        abort();
    }

    if (weir_base64url_decode(bytes, &len, s) == WEIR_OK) {

        if (len != weir_base64url_decoded_len(size)
            || weir_base64url_encode(text, (weir_str_t) { len, bytes })
               != size
            || memcmp(text, data, size) != 0)
        {
            abort();
        }
    }

done:

    free(text);
    free(bytes);

    return 0;
}
