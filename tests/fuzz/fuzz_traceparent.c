
/*
 * Fuzz target: a traceparent value.  What is accepted must be sent as a valid
 * version 00 value of the same ids that parses to the same again.
 */

#include <stdlib.h>

#include "weir_trace.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
fixed(void *ctx, void *dst, size_t len)
{
    (void) ctx;

    memset(dst, 0x5a, len);

    return WEIR_OK;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t              sent[WEIR_TRACEPARENT_LEN];
    weir_str_t           value, again;
    weir_trace_t         t;
    weir_trace_trust_t   trust;
    weir_traceparent_t   tp, tp2;

    value.data = data;
    value.len = size;

    again.data = sent;
    again.len = sizeof(sent);

    for (trust = WEIR_TRACE_RESTART; trust <= WEIR_TRACE_FULL; trust++) {
        if (weir_trace_start(&t, &value, 1, trust, fixed, NULL) != WEIR_OK) {
            abort();
        }

        weir_traceparent_format(sent, &t.out);

        if (weir_traceparent_parse(&tp, again) != WEIR_OK) {
            abort();
        }
    }

    if (weir_traceparent_parse(&tp, value) != WEIR_OK) {

        if (t.result != WEIR_TRACE_RESTARTED) {
            abort();
        }

        return 0;
    }

    if (t.result != WEIR_TRACE_CONTINUED
        || memcmp(t.out.trace_id, tp.trace_id, 16) != 0)
    {
        abort();
    }

    weir_traceparent_format(sent, &tp);

    if (weir_traceparent_parse(&tp2, again) != WEIR_OK
        || memcmp(tp.trace_id, tp2.trace_id, 16) != 0
        || memcmp(tp.parent_id, tp2.parent_id, 8) != 0
        || tp.flags != tp2.flags)
    {
        abort();
    }

    (void) weir_request_id_printable(value);
    (void) weir_request_id_sane(value);

    return 0;
}
