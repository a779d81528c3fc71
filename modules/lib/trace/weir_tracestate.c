
/*
 * Weir: the tracestate list: parsing, joining, our own member, truncation.
 */

#include "weir_trace.h"


static int weir_tracestate_member(weir_str_t m, size_t *key_len);
static void weir_tracestate_remove(weir_tracestate_t *ts, uint32_t i);


void
weir_tracestate_init(weir_tracestate_t *ts)
{
    ts->n = 0;
    ts->len = 0;
}


int
weir_tracestate_add(weir_tracestate_t *ts, weir_str_t field)
{
    size_t          key_len;
    weir_str_t      m;
    const uint8_t  *p, *end, *comma;

    if (field.len == 0) {
        return WEIR_OK;
    }

    p = field.data;
    end = p + field.len;

    for ( ;; ) {
        comma = memchr(p, ',', (size_t) (end - p));

        m.data = p;
        m.len = (size_t) ((comma ? comma : end) - p);
        m = weir_trace_trim(m);

        if (m.len) {
            if (ts->n == WEIR_TRACESTATE_MAX
                || weir_tracestate_member(m, &key_len) != WEIR_OK)
            {
                weir_tracestate_init(ts);
                return WEIR_ERROR;
            }

            ts->len += (uint32_t) (m.len + (ts->n ? 1 : 0));
            ts->members[ts->n++] = m;
        }

        if (comma == NULL) {
            return WEIR_OK;
        }

        p = comma + 1;
    }
}


static int
weir_tracestate_member(weir_str_t m, size_t *key_len)
{
    size_t   i, value;
    uint8_t  ch;

    for (i = 0; i < m.len && m.data[i] != '='; i++) {
        ch = m.data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')) {
            continue;
        }

        if (i && (ch == '_' || ch == '-' || ch == '*' || ch == '/'
                  || ch == '@'))
        {
            continue;
        }

        return WEIR_ERROR;
    }

    value = i + 1;

    if (i == 0 || i > WEIR_TRACESTATE_KEY
        || m.len <= value
        || m.len - value > WEIR_TRACESTATE_VALUE
        || m.data[m.len - 1] == ' ')
    {
        return WEIR_ERROR;
    }

    *key_len = i;

    for (i = value; i < m.len; i++) {
        ch = m.data[i];

        if (ch < 0x20 || ch > 0x7e || ch == ',' || ch == '=') {
            return WEIR_ERROR;
        }
    }

    return WEIR_OK;
}


int
weir_tracestate_put(weir_tracestate_t *ts, weir_str_t member)
{
    size_t    key_len;
    uint32_t  i;

    if (weir_tracestate_member(member, &key_len) != WEIR_OK) {
        return WEIR_ERROR;
    }

    for (i = 0; i < ts->n; /* void */ ) {

        /* with its "=": "a" is not "ab" */

        if (ts->members[i].len > key_len
            && memcmp(ts->members[i].data, member.data, key_len + 1) == 0)
        {
            weir_tracestate_remove(ts, i);

        } else {
            i++;
        }
    }

    if (ts->n == WEIR_TRACESTATE_MAX) {
        weir_tracestate_remove(ts, ts->n - 1);
    }

    memmove(&ts->members[1], &ts->members[0], ts->n * sizeof(weir_str_t));

    ts->len += (uint32_t) (member.len + (ts->n ? 1 : 0));
    ts->members[0] = member;
    ts->n++;

    return WEIR_OK;
}


static void
weir_tracestate_remove(weir_tracestate_t *ts, uint32_t i)
{
    ts->len -= (uint32_t) (ts->members[i].len + (ts->n > 1 ? 1 : 0));
    ts->n--;

    memmove(&ts->members[i], &ts->members[i + 1],
            (ts->n - i) * sizeof(weir_str_t));
}


uint32_t
weir_tracestate_limit(weir_tracestate_t *ts, size_t limit)
{
    uint32_t  i, removed;

    if (limit < WEIR_TRACESTATE_LEAST) {
        limit = WEIR_TRACESTATE_LEAST;
    }

    removed = 0;

    for (i = ts->n; i && ts->len > limit; i--) {
        if (ts->members[i - 1].len > WEIR_TRACESTATE_BIG) {
            weir_tracestate_remove(ts, i - 1);
            removed++;
        }
    }

    while (ts->len > limit) {
        weir_tracestate_remove(ts, ts->n - 1);
        removed++;
    }

    return removed;
}


size_t
weir_tracestate_write(uint8_t *dst, const weir_tracestate_t *ts)
{
    uint8_t   *p;
    uint32_t   i;

    p = dst;

    for (i = 0; i < ts->n; i++) {
        if (i) {
            *p++ = ',';
        }

        memcpy(p, ts->members[i].data, ts->members[i].len);
        p += ts->members[i].len;
    }

    return (size_t) (p - dst);
}
