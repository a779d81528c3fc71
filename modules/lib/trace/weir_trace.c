
/*
 * Weir: traceparent, the decision of what to continue, and request ids.
 */

#include "weir_trace.h"
#include "weir_hash.h"


/* Offsets in a version 00 value: 00-<trace id>-<parent id>-<flags>. */

#define TRACE_ID   3
#define PARENT_ID  36
#define FLAGS      53

/* Random bytes that are all zero are drawn again this often at most. */

#define DRAWS      4


static int weir_trace_draw(uint8_t *id, size_t len,
    weir_trace_random_pt draw, void *draw_ctx);


static int
weir_trace_zero(const uint8_t *id, size_t len)
{
    uint8_t  any;
    size_t   i;

    any = 0;

    for (i = 0; i < len; i++) {
        any |= id[i];
    }

    return any == 0;
}


static weir_str_t
weir_trace_slice(weir_str_t s, size_t from, size_t len)
{
    weir_str_t  part;

    part.data = s.data + from;
    part.len = len;

    return part;
}


weir_str_t
weir_trace_trim(weir_str_t s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }

    while (s.len
           && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
    {
        s.len--;
    }

    return s;
}


int
weir_traceparent_parse(weir_traceparent_t *tp, weir_str_t value)
{
    uint8_t  version, flags;

    value = weir_trace_trim(value);

    if (value.len < WEIR_TRACEPARENT_LEN
        || value.data[TRACE_ID - 1] != '-'
        || value.data[PARENT_ID - 1] != '-'
        || value.data[FLAGS - 1] != '-')
    {
        return WEIR_ERROR;
    }

    if (weir_unhex(&version, 1, weir_trace_slice(value, 0, 2)) != WEIR_OK
        || version == 0xff)
    {
        return WEIR_ERROR;
    }

    if (value.len > WEIR_TRACEPARENT_LEN
        && (version == 0 || value.data[WEIR_TRACEPARENT_LEN] != '-'))
    {
        return WEIR_ERROR;
    }

    if (weir_unhex(tp->trace_id, 16, weir_trace_slice(value, TRACE_ID, 32))
        != WEIR_OK
        || weir_unhex(tp->parent_id, 8, weir_trace_slice(value, PARENT_ID, 16))
           != WEIR_OK
        || weir_unhex(&flags, 1, weir_trace_slice(value, FLAGS, 2)) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (weir_trace_zero(tp->trace_id, 16) || weir_trace_zero(tp->parent_id, 8))
    {
        return WEIR_ERROR;
    }

    tp->flags = flags & (WEIR_TRACE_SAMPLED|WEIR_TRACE_RANDOM);

    return WEIR_OK;
}


void
weir_traceparent_format(uint8_t *dst, const weir_traceparent_t *tp)
{
    uint8_t  flags;

    flags = tp->flags & (WEIR_TRACE_SAMPLED|WEIR_TRACE_RANDOM);

    dst[0] = '0';
    dst[1] = '0';
    dst[TRACE_ID - 1] = '-';
    weir_hex(dst + TRACE_ID, tp->trace_id, 16);
    dst[PARENT_ID - 1] = '-';
    weir_hex(dst + PARENT_ID, tp->parent_id, 8);
    dst[FLAGS - 1] = '-';
    weir_hex(dst + FLAGS, &flags, 1);
}


int
weir_trace_start(weir_trace_t *t, const weir_str_t *fields, size_t n,
    weir_trace_trust_t trust, weir_trace_random_pt draw, void *draw_ctx)
{
    weir_traceparent_t  in;

    t->result = n ? WEIR_TRACE_RESTARTED : WEIR_TRACE_NEW;
    memset(t->parent, 0, sizeof(t->parent));

    if (n == 1
        && trust != WEIR_TRACE_RESTART
        && weir_traceparent_parse(&in, fields[0]) == WEIR_OK)
    {
        t->result = WEIR_TRACE_CONTINUED;

        memcpy(t->out.trace_id, in.trace_id, 16);
        memcpy(t->parent, in.parent_id, 8);

        t->out.flags = in.flags;

        if (trust != WEIR_TRACE_FULL) {
            t->out.flags &= (uint8_t) ~WEIR_TRACE_SAMPLED;
        }

    } else {
        if (weir_trace_draw(t->out.trace_id, 16, draw, draw_ctx)
            != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        t->out.flags = WEIR_TRACE_RANDOM;
    }

    return weir_trace_draw(t->out.parent_id, 8, draw, draw_ctx);
}


/* All-zero ids are invalid, however unlikely. */

static int
weir_trace_draw(uint8_t *id, size_t len, weir_trace_random_pt draw,
    void *draw_ctx)
{
    unsigned  i;

    for (i = 0; i < DRAWS; i++) {

        if (draw(draw_ctx, id, len) != WEIR_OK) {
            return WEIR_ERROR;
        }

        if (!weir_trace_zero(id, len)) {
            return WEIR_OK;
        }
    }

    return WEIR_ERROR;
}


int
weir_request_id_printable(weir_str_t id)
{
    size_t  i;

    if (id.len == 0 || id.len > WEIR_REQUEST_ID_MAX
        || id.data[0] == ' ' || id.data[id.len - 1] == ' ')
    {
        return 0;
    }

    for (i = 0; i < id.len; i++) {
        if (id.data[i] < 0x20 || id.data[i] > 0x7e) {
            return 0;
        }
    }

    return 1;
}


int
weir_request_id_sane(weir_str_t id)
{
    size_t   i;
    uint8_t  ch;

    if (id.len < 8 || id.len > WEIR_REQUEST_ID_MAX) {
        return 0;
    }

    for (i = 0; i < id.len; i++) {
        ch = id.data[i];

        if ((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z')
            || (ch >= 'a' && ch <= 'z'))
        {
            continue;
        }

        if (ch == 0 || strchr("-._~:+/=@", ch) == NULL) {
            return 0;
        }
    }

    return 1;
}
