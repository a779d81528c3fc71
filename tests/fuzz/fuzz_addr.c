
/*
 * Fuzzer of addresses and networks: what is parsed is what inet_pton() makes
 * of it, and survives being formatted.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <arpa/inet.h>

#include "weir_addr.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          rc, known;
    char         text[64];
    size_t       n;
    uint8_t      bytes[16], out[WEIR_ADDR_TEXT + 4];
    weir_str_t   s;
    weir_addr_t  a, b;
    weir_cidr_t  c, d;

    s.data = data;
    s.len = size;

    rc = weir_addr_parse(s, &a);

    if (rc == WEIR_OK) {
        n = weir_addr_format(out, &a);

        if (n > WEIR_ADDR_TEXT
            || weir_addr_parse((weir_str_t) { n, out }, &b) != WEIR_OK
            || memcmp(&a, &b, sizeof(a)) != 0)
        {
            abort();
        }
    }

    if (size < sizeof(text) && memchr(data, '\0', size) == NULL) {
        memcpy(text, data, size);
        text[size] = '\0';

        memset(bytes, 0, 10);
        memset(bytes + 10, 0xff, 2);

        known = inet_pton(AF_INET, text, bytes + 12) == 1
                || inet_pton(AF_INET6, text, bytes) == 1;

        if (known != (rc == WEIR_OK)
            || (known && memcmp(bytes, a.bytes, 16) != 0))
        {
            abort();
        }
    }

    rc = weir_cidr_parse(s, &c);

    if (rc == WEIR_OK || rc == WEIR_DECLINED) {
        n = weir_cidr_format(out, &c);

        if (n > sizeof(out)
            || weir_cidr_parse((weir_str_t) { n, out }, &d) != WEIR_OK
            || c.bits != d.bits || c.ipv4 != d.ipv4
            || memcmp(&c.addr, &d.addr, 16) != 0)
        {
            abort();
        }

        /* its own first address is inside, but for ::ffff:0:0/96 */

        if (weir_cidr_contains(&c, &c.addr)
            != (c.ipv4 == weir_addr_is_ipv4(&c.addr)))
        {
            abort();
        }
    }

    return 0;
}
