
/*
 * Fuzz target: tracestate fields, separated by newlines.  What is accepted
 * must, when written, parse to the same list, keep its bounds, and survive
 * truncation and a member of ours.
 */

#include <stdlib.h>

#include "weir_trace.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check(const weir_tracestate_t *ts)
{
    size_t             len;
    uint32_t           i;
    weir_str_t         text;
    weir_tracestate_t  again;
    static uint8_t     buf[WEIR_TRACESTATE_MAX
                           * (WEIR_TRACESTATE_KEY + WEIR_TRACESTATE_VALUE + 2)];

    if (ts->n > WEIR_TRACESTATE_MAX || ts->len > sizeof(buf)) {
        abort();
    }

    len = weir_tracestate_write(buf, ts);

    if (len != ts->len) {
        abort();
    }

    text.data = buf;
    text.len = len;

    weir_tracestate_init(&again);

    if (weir_tracestate_add(&again, text) != WEIR_OK
        || again.n != ts->n
        || again.len != ts->len)
    {
        abort();
    }

    for (i = 0; i < ts->n; i++) {
        if (!weir_str_eq(ts->members[i], again.members[i])) {
            abort();
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str_t          field;
    const uint8_t      *p, *end, *lf;
    weir_tracestate_t   ts;

    weir_tracestate_init(&ts);

    p = data;
    end = data + size;

    while (p < end) {
        lf = memchr(p, '\n', (size_t) (end - p));

        field.data = p;
        field.len = (size_t) ((lf ? lf : end) - p);

        if (weir_tracestate_add(&ts, field) != WEIR_OK) {

            if (ts.n || ts.len) {
                abort();
            }

            break;
        }

        p = lf ? lf + 1 : end;
    }

    check(&ts);

    if (weir_tracestate_put(&ts, weir_str("weir=1")) != WEIR_OK
        || ts.n == 0)
    {
        abort();
    }

    check(&ts);

    (void) weir_tracestate_limit(&ts, 700);

    if (ts.len > 700) {
        abort();
    }

    check(&ts);

    return 0;
}
