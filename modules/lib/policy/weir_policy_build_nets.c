
/*
 * Weir: sets of networks in the image: disjoint ranges in order, so that a
 * search halves them.
 */

#include <stdlib.h>

#include "weir_policy_image.h"


static uint32_t weir_policy_ranges(const weir_cidr_t *cidrs, uint32_t n,
    uint8_t ipv4, weir_policy_range6_t *ranges);
static int weir_policy_range_cmp(const void *one, const void *two);
static uint32_t weir_policy_host_order(const weir_addr_t *a);


uint32_t
weir_policy_build_nets(weir_policy_builder_t *b, weir_cidr_t *cidrs,
    uint32_t n)
{
    int                    rc;
    uint32_t               i, off, n4, n6, off4, off6;
    weir_policy_nets_t    *nets;
    weir_policy_range4_t  *out;
    weir_policy_range6_t  *v4, *v6, *key;

    key = weir_policy_alloc(b->c, (n + 1) * sizeof(weir_policy_range6_t));

    if (key == NULL) {
        return WEIR_POLICY_NONE;
    }

    /* at most n of both; equal ones are known by how many and which */

    v4 = key + 1;
    n4 = weir_policy_ranges(cidrs, n, 1, v4);
    v6 = v4 + n4;
    n6 = weir_policy_ranges(cidrs, n, 0, v6);

    off = weir_policy_reserve(b, &b->out, 1, sizeof(weir_policy_nets_t));

    if (off == WEIR_POLICY_NONE) {
        return off;
    }

    memcpy(key, &n4, sizeof(n4));

    i = off;
    rc = weir_policy_known(b, &b->nets_table, key,
                           (1 + n4 + n6) * sizeof(weir_policy_range6_t), &i);

    if (rc == WEIR_NOMEM) {
        return WEIR_POLICY_NONE;
    }

    if (rc == WEIR_OK) {
        b->out.len = off;
        return i;
    }

    off4 = weir_policy_reserve(b, &b->out, n4, sizeof(weir_policy_range4_t));
    off6 = weir_policy_reserve(b, &b->out, n6, sizeof(weir_policy_range6_t));

    if (off == WEIR_POLICY_NONE || off4 == WEIR_POLICY_NONE
        || off6 == WEIR_POLICY_NONE)
    {
        return WEIR_POLICY_NONE;
    }

    out = (weir_policy_range4_t *) (void *) (b->out.data + off4);

    for (i = 0; i < n4; i++) {
        out[i].first = weir_policy_host_order(&v4[i].first);
        out[i].last = weir_policy_host_order(&v4[i].last);
    }

    if (n6 != 0) {
        memcpy(b->out.data + off6, v6, n6 * sizeof(weir_policy_range6_t));
    }

    nets = (weir_policy_nets_t *) (void *) (b->out.data + off);

    nets->v4.off = off4;
    nets->v4.n = n4;
    nets->v6.off = off6;
    nets->v6.n = n6;

    return off;
}


/* Ranges of the networks of one family, sorted, overlaps joined. */

static uint32_t
weir_policy_ranges(const weir_cidr_t *cidrs, uint32_t n, uint8_t ipv4,
    weir_policy_range6_t *ranges)
{
    uint32_t  i, j, k, bits;

    j = 0;

    for (i = 0; i < n; i++) {

        if (cidrs[i].ipv4 != ipv4) {
            continue;
        }

        ranges[j].first = cidrs[i].addr;
        ranges[j].last = cidrs[i].addr;

        for (k = 0; k < 16; k++) {
            bits = cidrs[i].bits > 8 * k ? cidrs[i].bits - 8 * k : 0;

            if (bits < 8) {
                ranges[j].last.bytes[k] |= (uint8_t) (0xff >> bits);
            }
        }

        j++;
    }

    if (j == 0) {
        return 0;
    }

    qsort(ranges, j, sizeof(weir_policy_range6_t), weir_policy_range_cmp);

    k = 0;

    for (i = 1; i < j; i++) {

        if (memcmp(&ranges[i].first, &ranges[k].last, 16) > 0) {
            ranges[++k] = ranges[i];

        } else if (memcmp(&ranges[i].last, &ranges[k].last, 16) > 0) {
            ranges[k].last = ranges[i].last;
        }
    }

    return k + 1;
}


static int
weir_policy_range_cmp(const void *one, const void *two)
{
    return memcmp(&((const weir_policy_range6_t *) one)->first,
                  &((const weir_policy_range6_t *) two)->first, 16);
}


static uint32_t
weir_policy_host_order(const weir_addr_t *a)
{
    return (uint32_t) a->bytes[12] << 24 | (uint32_t) a->bytes[13] << 16
           | (uint32_t) a->bytes[14] << 8 | a->bytes[15];
}
