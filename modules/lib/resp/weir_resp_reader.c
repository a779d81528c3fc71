
/*
 * Weir: replies, byte by byte: RESP2's grammar and the caps, then hiredis.
 */

#include <hiredis/hiredis.h>

#include "weir_resp.h"


#if HIREDIS_MAJOR >= 1
typedef size_t  weir_resp_count_t;
#else
typedef int     weir_resp_count_t;
#endif


enum {
    sw_type = 0,
    sw_line,
    sw_line_lf,
    sw_number,
    sw_number_lf,
    sw_bulk,
    sw_bulk_cr,
    sw_bulk_lf
};


static weir_resp_code_e weir_resp_scan(weir_resp_reader_t *r,
    const uint8_t *p, const uint8_t *last, const uint8_t **end);
static weir_resp_code_e weir_resp_type(weir_resp_reader_t *r, uint8_t c);
static weir_resp_code_e weir_resp_number(weir_resp_reader_t *r, uint8_t c);
static weir_resp_code_e weir_resp_number_end(weir_resp_reader_t *r);
static weir_resp_code_e weir_resp_array(weir_resp_reader_t *r);
static weir_resp_code_e weir_resp_item_end(weir_resp_reader_t *r);
static weir_resp_code_e weir_resp_build(weir_resp_reader_t *r,
    weir_resp_t **reply);
static weir_resp_t *weir_resp_place(const redisReadTask *task,
    weir_resp_type_e type);
static void *weir_resp_create_string(const redisReadTask *task, char *s,
    size_t len);
static void *weir_resp_create_array(const redisReadTask *task,
    weir_resp_count_t n);
static void *weir_resp_create_integer(const redisReadTask *task,
    long long v);
static void *weir_resp_create_nil(const redisReadTask *task);


/* RESP3's types, which 1.x knows, do not come this far. */

static const redisReplyObjectFunctions  weir_resp_functions = {
    .createString = weir_resp_create_string,
    .createArray = weir_resp_create_array,
    .createInteger = weir_resp_create_integer,
    .createNil = weir_resp_create_nil
};


int
weir_resp_reader_init(weir_resp_reader_t *r)
{
    memset(r, 0, sizeof(weir_resp_reader_t));

    /* it is only read, though the prototype does not say so */

    r->hiredis = redisReaderCreateWithFunctions(
                              (redisReplyObjectFunctions *)
                              (uintptr_t) &weir_resp_functions);

    return r->hiredis == NULL ? WEIR_NOMEM : WEIR_OK;
}


void
weir_resp_reader_done(weir_resp_reader_t *r)
{
    if (r->hiredis != NULL) {
        redisReaderFree(r->hiredis);
        r->hiredis = NULL;
    }
}


void
weir_resp_expect(weir_resp_reader_t *r, const weir_resp_caps_t *caps,
    weir_arena_t *a)
{
    r->caps = *caps;
    r->arena = a;

    if (r->caps.depth > WEIR_RESP_DEPTH_MAX) {
        r->caps.depth = WEIR_RESP_DEPTH_MAX;
    }

    r->expecting = 1;
    r->state = sw_type;
    r->depth = 0;
    r->items = 0;
    r->total = 0;
    r->left[0] = 1;
}


weir_resp_code_e
weir_resp_read(weir_resp_reader_t *r, const uint8_t *p, size_t len,
    size_t *used, weir_resp_t **reply)
{
    redisReader *hiredis = r->hiredis;

    const uint8_t     *end;
    weir_resp_code_e   code;

    *used = 0;
    *reply = NULL;

    if (r->fault != WEIR_RESP_DONE) {
        return r->fault;
    }

    if (len == 0) {
        return WEIR_RESP_AGAIN;
    }

    if (!r->expecting) {
        r->fault = WEIR_RESP_UNSOLICITED;
        return r->fault;
    }

    code = weir_resp_scan(r, p, p + len, &end);

    if (code != WEIR_RESP_DONE && code != WEIR_RESP_AGAIN) {
        r->fault = code;
        return code;
    }

    *used = (size_t) (end - p);

    if (r->arena != NULL
        && redisReaderFeed(hiredis, (const char *) p, *used) != REDIS_OK)
    {
        r->fault = WEIR_RESP_NOMEM;
        return r->fault;
    }

    if (code == WEIR_RESP_AGAIN) {
        return code;
    }

    r->expecting = 0;

    if (r->arena != NULL) {
        r->fault = weir_resp_build(r, reply);
    }

    return r->fault;
}


static weir_resp_code_e
weir_resp_scan(weir_resp_reader_t *r, const uint8_t *p, const uint8_t *last,
    const uint8_t **end)
{
    size_t            n;
    uint8_t           c;
    weir_resp_code_e  code;

    while (p < last) {

        if (r->state == sw_bulk) {
            n = (size_t) (last - p);

            if (n > r->bulk) {
                n = r->bulk;
            }

            p += n;
            r->bulk -= n;
            r->total += n;

            if (r->bulk == 0) {
                r->state = sw_bulk_cr;
            }

            continue;
        }

        c = *p++;
        r->total++;

        if (r->total > r->caps.total) {
            return WEIR_RESP_TOO_LARGE;
        }

        code = WEIR_RESP_AGAIN;

        switch (r->state) {

        case sw_type:
            code = weir_resp_type(r, c);
            break;

        case sw_line:

            if (c == '\r') {
                r->state = sw_line_lf;

            } else if (c == '\n') {
                code = WEIR_RESP_BROKEN;

            } else if (++r->line > WEIR_RESP_LINE_MAX) {
                code = WEIR_RESP_TOO_LARGE;
            }

            break;

        case sw_number:
            code = weir_resp_number(r, c);
            break;

        case sw_bulk_cr:
            code = c == '\r' ? WEIR_RESP_AGAIN : WEIR_RESP_BROKEN;
            r->state = sw_bulk_lf;
            break;

        case sw_number_lf:
            code = c == '\n' ? weir_resp_number_end(r) : WEIR_RESP_BROKEN;
            break;

        default: /* sw_line_lf, sw_bulk_lf */
            code = c == '\n' ? weir_resp_item_end(r) : WEIR_RESP_BROKEN;
            break;
        }

        if (code != WEIR_RESP_AGAIN) {
            *end = p;
            return code;
        }
    }

    *end = p;

    return WEIR_RESP_AGAIN;
}


static weir_resp_code_e
weir_resp_type(weir_resp_reader_t *r, uint8_t c)
{
    r->type = c;
    r->line = 0;
    r->number = 0;
    r->digits = 0;
    r->minus = 0;

    switch (c) {

    case '+':
    case '-':
        r->state = sw_line;
        return WEIR_RESP_AGAIN;

    case ':':
    case '$':
    case '*':
        r->state = sw_number;
        return WEIR_RESP_AGAIN;

    default:
        return WEIR_RESP_BROKEN;
    }
}


static weir_resp_code_e
weir_resp_number(weir_resp_reader_t *r, uint8_t c)
{
    uint64_t  max;

    if (c >= '0' && c <= '9') {
        c -= '0';
        max = (uint64_t) INT64_MAX + r->minus;

        if ((r->digits != 0 && r->number == 0)
            || r->number > (max - c) / 10)
        {
            return WEIR_RESP_BROKEN;
        }

        r->number = r->number * 10 + c;
        r->digits++;

        return WEIR_RESP_AGAIN;
    }

    if (c == '-' && r->digits == 0 && !r->minus) {
        r->minus = 1;
        return WEIR_RESP_AGAIN;
    }

    if (c == '\r' && r->digits != 0) {
        r->state = sw_number_lf;
        return WEIR_RESP_AGAIN;
    }

    return WEIR_RESP_BROKEN;
}


static weir_resp_code_e
weir_resp_number_end(weir_resp_reader_t *r)
{
    if (r->type == ':') {
        return r->minus && r->number == 0 ? WEIR_RESP_BROKEN
                                          : weir_resp_item_end(r);
    }

    /* nil is -1, nothing else */

    if (r->minus) {
        return r->number == 1 ? weir_resp_item_end(r) : WEIR_RESP_BROKEN;
    }

    if (r->type == '*') {
        return weir_resp_array(r);
    }

    if (r->number > r->caps.bulk || r->number > r->caps.total - r->total) {
        return WEIR_RESP_TOO_LARGE;
    }

    r->bulk = (size_t) r->number;
    r->state = r->bulk == 0 ? sw_bulk_cr : sw_bulk;

    return WEIR_RESP_AGAIN;
}


static weir_resp_code_e
weir_resp_array(weir_resp_reader_t *r)
{
    if (r->depth == r->caps.depth) {
        return WEIR_RESP_TOO_LARGE;
    }

    /* the shortest item is "+\r\n" */

    if (r->number > r->caps.items - r->items
        || r->number > (r->caps.total - r->total) / 3)
    {
        return WEIR_RESP_TOO_LARGE;
    }

    if (r->number == 0) {
        return weir_resp_item_end(r);
    }

    r->items += (uint32_t) r->number;
    r->left[++r->depth] = (uint32_t) r->number;
    r->state = sw_type;

    return WEIR_RESP_AGAIN;
}


static weir_resp_code_e
weir_resp_item_end(weir_resp_reader_t *r)
{
    r->state = sw_type;

    while (--r->left[r->depth] == 0) {

        if (r->depth == 0) {
            return WEIR_RESP_DONE;
        }

        r->depth--;
    }

    return WEIR_RESP_AGAIN;
}


static weir_resp_code_e
weir_resp_build(weir_resp_reader_t *r, weir_resp_t **reply)
{
    redisReader *hiredis = r->hiredis;

    void  *p;

    hiredis->privdata = r->arena;
    p = NULL;

    if (redisReaderGetReply(hiredis, &p) != REDIS_OK) {
        return hiredis->err == REDIS_ERR_OOM ? WEIR_RESP_NOMEM
                                             : WEIR_RESP_BROKEN;
    }

    /* what our reading calls a reply must be one to hiredis as well */

    if (p == NULL || hiredis->pos != hiredis->len) {
        return WEIR_RESP_BROKEN;
    }

    *reply = p;

    return WEIR_RESP_DONE;
}


static weir_resp_t *
weir_resp_place(const redisReadTask *task, weir_resp_type_e type)
{
    weir_resp_t  *v, *parent;

    if (task->parent == NULL) {
        v = weir_arena_calloc(task->privdata, 1, sizeof(weir_resp_t));

    } else {
        parent = task->parent->obj;
        v = &parent->items[task->idx];
    }

    if (v != NULL) {
        v->type = type;
    }

    return v;
}


static void *
weir_resp_create_string(const redisReadTask *task, char *s, size_t len)
{
    weir_str_t    text;
    weir_resp_t  *v;

    v = weir_resp_place(task, task->type == REDIS_REPLY_ERROR
                                  ? WEIR_RESP_ERROR
                              : task->type == REDIS_REPLY_STATUS
                                  ? WEIR_RESP_STATUS
                                  : WEIR_RESP_STRING);

    if (v == NULL) {
        return NULL;
    }

    text.len = len;
    text.data = (const uint8_t *) s;

    if (len == 0) {
        v->text = weir_str("");
        return v;
    }

    v->text = weir_arena_copy(task->privdata, text);

    return v->text.data == NULL ? NULL : v;
}


static void *
weir_resp_create_array(const redisReadTask *task, weir_resp_count_t n)
{
    weir_resp_t  *v;

    v = weir_resp_place(task, WEIR_RESP_ARRAY);

    if (v == NULL || n == 0) {
        return v;
    }

    v->n = (uint32_t) n;
    v->items = weir_arena_calloc(task->privdata, (size_t) n,
                                 sizeof(weir_resp_t));

    return v->items == NULL ? NULL : v;
}


static void *
weir_resp_create_integer(const redisReadTask *task, long long n)
{
    weir_resp_t  *v;

    v = weir_resp_place(task, WEIR_RESP_INTEGER);

    if (v != NULL) {
        v->integer = n;
    }

    return v;
}


static void *
weir_resp_create_nil(const redisReadTask *task)
{
    return weir_resp_place(task, WEIR_RESP_NIL);
}


const char *
weir_resp_code_text(weir_resp_code_e code)
{
    switch (code) {

    case WEIR_RESP_DONE:
        return "complete";

    case WEIR_RESP_AGAIN:
        return "incomplete reply";

    case WEIR_RESP_UNSOLICITED:
        return "reply without a command";

    case WEIR_RESP_BROKEN:
        return "not the protocol of Redis";

    case WEIR_RESP_TOO_LARGE:
        return "too large reply";

    default:
        return "out of memory";
    }
}
