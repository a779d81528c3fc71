
/*
 * Fuzzer of the query reader: a name, NUL, then the arguments.  A value that
 * is found, encoded again and looked up again is found once more.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "weir_path.h"
#include "weir_hash.h"


static size_t escape(uint8_t *dst, weir_str_t s);


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             rc;
    size_t          n;
    uint8_t        *buf, *again, *buf2;
    weir_str_t      name, args, value, second;
    const uint8_t  *p;

    p = memchr(data, '\0', size);
    if (p == NULL) {
        return 0;
    }

    name.data = data;
    name.len = (size_t) (p - data);
    args.data = p + 1;
    args.len = size - name.len - 1;

    buf = malloc(args.len + 1);
    again = malloc(3 * size + 3);
    buf2 = malloc(3 * size + 3);

    if (buf == NULL || again == NULL || buf2 == NULL) {
        goto done;
    }

    rc = weir_query_param(args, name, buf, &value);

    if (rc == 1) {

        if (value.data == NULL || value.len > args.len
            || memchr(value.data, '\0', value.len) != NULL)
        {
            abort();
        }

        n = escape(again, name);
        again[n++] = '=';
        n += escape(again + n, value);

        if (weir_query_param((weir_str_t) { n, again }, name, buf2, &second)
            != 1
            || !weir_str_eq(value, second))
        {
            abort();
        }

    } else if (value.data != NULL || value.len != 0) {
        abort();
    }

done:

    free(buf);
    free(again);
    free(buf2);

    return 0;
}


static size_t
escape(uint8_t *dst, weir_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        *dst++ = '%';
        weir_hex(dst, s.data + i, 1);
        dst += 2;
    }

    return 3 * s.len;
}
