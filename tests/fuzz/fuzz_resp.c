
/*
 * Fuzz target: what a server sends.  The first byte says how many replies are
 * awaited and how the rest is cut into pieces.  However it is cut, the same
 * replies and the same fault come out; a reply is within its caps.
 */

#include <stdlib.h>

#include "weir_resp_conf.h"


typedef struct {
    uint64_t          sum;         /* of all replies */
    unsigned          n;
    weir_resp_code_e  code;
} result_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const weir_resp_caps_t  caps = { 512, 2048, 64, 5 };


static uint64_t
mix(uint64_t sum, uint64_t v)
{
    return (sum ^ v) * 0x100000001b3ULL;
}


static uint64_t
walk(const weir_resp_t *v, unsigned depth, size_t *items, uint64_t sum)
{
    size_t    i;
    uint32_t  k;

    if (depth > caps.depth) {
        abort();
    }

    sum = mix(sum, v->type);
    sum = mix(sum, (uint64_t) v->integer);

    if (v->type == WEIR_RESP_STRING && v->text.len > caps.bulk) {
        abort();
    }

    for (i = 0; i < v->text.len; i++) {
        sum = mix(sum, v->text.data[i]);
    }

    *items += v->n;

    if (*items > caps.items) {
        abort();
    }

    for (k = 0; k < v->n; k++) {
        sum = walk(&v->items[k], depth + 1, items, sum);
    }

    return sum;
}


/* None of those that look at replies may stumble over another shape. */

static void
look(const weir_resp_t *reply)
{
    int64_t             v;
    uint32_t            i;
    uint64_t            rev;
    unsigned            slot;
    weir_str_t          a, b, c, d;
    weir_resp_role_t    role;
    weir_resp_host_t    host;
    weir_resp_hello_t   hello;
    weir_resp_entry_t   entry;
    const weir_resp_t  *page;

    (void) weir_resp_hello(reply, &hello);
    (void) weir_resp_role(reply, &role);
    (void) weir_resp_ok(reply, 0);
    (void) weir_resp_integer(reply, &v);
    (void) weir_resp_rev(reply, &rev);
    (void) weir_resp_exec(reply, 2);
    (void) weir_resp_sentinel_master(reply, &host);
    (void) weir_resp_cluster_slots(reply, 100, &host);
    (void) weir_resp_error_word(weir_resp_error(reply));

    if (weir_resp_bytes(reply, &a) == WEIR_RESP_E_NONE) {
        (void) weir_resp_live_field(a, &b, &c);
        (void) weir_resp_gateway_name(weir_str("weir"), a, &b);
        (void) weir_resp_slot(a);
    }

    if (reply->type == WEIR_RESP_ERROR
        && weir_resp_redirect(reply->text, &slot, &host) == WEIR_OK
        && (slot >= WEIR_RESP_SLOTS || host.port == 0))
    {
        abort();
    }

    if (weir_resp_scan_page(reply, &d, &page) == WEIR_RESP_E_NONE
        && page->type != WEIR_RESP_ARRAY)
    {
        abort();
    }

    for (i = 0; reply->type == WEIR_RESP_ARRAY && i < reply->n; i++) {
        (void) weir_resp_entry(reply, i, &entry);
    }
}


static void
run(const uint8_t *data, size_t size, unsigned replies, size_t step,
    result_t *r)
{
    size_t              n, pos, used, items;
    unsigned            odd;
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_resp_reader_t  reader;

    memset(r, 0, sizeof(result_t));
    weir_arena_init(&arena, &weir_alloc_malloc, 1 << 20);

    if (weir_resp_reader_init(&reader) != WEIR_OK) {
        abort();
    }

    r->code = WEIR_RESP_AGAIN;
    pos = 0;

    if (replies != 0) {
        weir_resp_expect(&reader, &caps, &arena);
    }

    while (pos < size) {
        n = size - pos < step ? size - pos : step;
        r->code = weir_resp_read(&reader, data + pos, n, &used, &reply);

        if (used > n) {
            abort();
        }

        pos += used;

        if (r->code == WEIR_RESP_AGAIN) {

            if (used != n) {
                abort();
            }

            continue;
        }

        if (r->code != WEIR_RESP_DONE) {
            break;
        }

        odd = r->n % 2;
        r->n++;

        if (odd != (reply == NULL)) {
            abort();
        }

        if (reply != NULL) {
            items = 0;
            r->sum = walk(reply, 0, &items, r->sum);
            look(reply);
        }

        if (r->n < replies) {
            weir_resp_expect(&reader, &caps, r->n % 2 ? NULL : &arena);
        }
    }

    weir_resp_reader_done(&reader);
    weir_arena_done(&arena);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str_t        word;
    weir_err_t        err;
    result_t          whole, parts;
    unsigned          replies;
    weir_resp_conf_t  conf;

    if (size == 0) {
        return 0;
    }

    replies = data[0] % 8;

    run(data + 1, size - 1, replies, size, &whole);
    run(data + 1, size - 1, replies, 1 + data[0] / 8, &parts);

    if (whole.code != parts.code || whole.n != parts.n
        || whole.sum != parts.sum)
    {
        abort();
    }

    word.data = data + 1;
    word.len = size - 1;

    if (weir_resp_conf_url(&conf, word, &err) == WEIR_OK) {
        (void) weir_resp_conf_option(&conf, word, &err);
        (void) weir_resp_conf_done(&conf, &err);
    }

    return 0;
}
