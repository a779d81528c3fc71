
/*
 * Fuzzer of the host gate: what passes is canonical, and stays the same when
 * it passes again.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "weir_path.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t      i;
    uint8_t    *buf, *again;
    weir_str_t  host, second, authority;

    authority.data = data;
    authority.len = size;

    buf = malloc(size + 1);
    again = malloc(size + 1);
    if (buf == NULL || again == NULL) {
        free(buf);
        free(again);
        return 0;
    }

    if (weir_host_gate(&host, buf, authority) == WEIR_OK) {

        if (host.len == 0 || host.len > size
            || host.data[host.len - 1] == '.')
        {
            abort();
        }

        for (i = 0; i < host.len; i++) {
            if (host.data[i] == '\0'
                || strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.:[]",
                          host.data[i]) == NULL)
            {
                abort();
            }
        }

        if (host.data[0] != '[' && memchr(host.data, ':', host.len) != NULL) {
            abort();
        }

        if (weir_host_gate(&second, again, host) != WEIR_OK
            || !weir_str_eq(host, second)
            || !weir_host_match(host, second))
        {
            abort();
        }
    }

    free(buf);
    free(again);

    return 0;
}
