
/*
 * Weir: the keys of a namespace, and the replies of a single server.
 */

#include "weir_resp_store.h"


static const weir_str_t  weir_resp_key_tails[] = {
    { 10, (const uint8_t *) "}:cfg:head" },
    { 10, (const uint8_t *) "}:cfg:seg:" },
    { 10, (const uint8_t *) "}:cfg:live" },
    { 9, (const uint8_t *) "}:cfg:rev" },
    { 11, (const uint8_t *) "}:cfg:audit" },
    { 5, (const uint8_t *) "}:gw:" }
};

#define weir_resp_key_start  weir_str("weir:{")


static int weir_resp_u64(weir_str_t s, uint64_t max, uint64_t *v);


weir_str_t
weir_resp_key(weir_arena_t *a, weir_str_t ns, weir_resp_key_e key,
    weir_str_t name)
{
    uint8_t     *p;
    unsigned     i;
    weir_str_t   parts[4], s;

    parts[0] = weir_resp_key_start;
    parts[1] = ns;
    parts[2] = weir_resp_key_tails[key];
    parts[3] = name;

    if (key != WEIR_RESP_KEY_SEGMENT && key != WEIR_RESP_KEY_GATEWAY) {
        parts[3].len = 0;
    }

    s.len = parts[0].len + parts[1].len + parts[2].len + parts[3].len;
    s.data = p = weir_arena_alloc(a, s.len);

    if (p == NULL) {
        s.len = 0;
        return s;
    }

    for (i = 0; i < 4; i++) {

        if (parts[i].len != 0) {
            memcpy(p, parts[i].data, parts[i].len);
            p += parts[i].len;
        }
    }

    return s;
}


int
weir_resp_gateway_name(weir_str_t ns, weir_str_t key, weir_str_t *node)
{
    size_t      len;
    weir_str_t  start, tail;

    start = weir_resp_key_start;
    tail = weir_resp_key_tails[WEIR_RESP_KEY_GATEWAY];
    len = start.len + ns.len + tail.len;

    if (key.len <= len || memcmp(key.data, start.data, start.len) != 0
        || memcmp(key.data + start.len, ns.data, ns.len) != 0
        || memcmp(key.data + start.len + ns.len, tail.data, tail.len) != 0)
    {
        return WEIR_ERROR;
    }

    node->data = key.data + len;
    node->len = key.len - len;

    return WEIR_OK;
}


int
weir_resp_hello_command(weir_arena_t *a, weir_str_t user,
    weir_str_t password, weir_str_t name, weir_str_t *wire)
{
    unsigned    n;
    weir_str_t  argv[8];

    n = 0;
    argv[n++] = weir_str("HELLO");
    argv[n++] = weir_str("2");

    if (password.len != 0) {
        argv[n++] = weir_str("AUTH");
        argv[n++] = user.len != 0 ? user : weir_str("default");
        argv[n++] = password;
    }

    argv[n++] = weir_str("SETNAME");
    argv[n++] = name;

    return weir_resp_command(a, argv, n, wire);
}


weir_resp_error_e
weir_resp_hello(const weir_resp_t *reply, weir_resp_hello_t *hello)
{
    uint32_t            i;
    weir_resp_error_e   e;
    const weir_resp_t  *field, *value;

    memset(hello, 0, sizeof(weir_resp_hello_t));

    e = weir_resp_error(reply);

    if (e != WEIR_RESP_E_NONE) {
        return e;
    }

    if (reply->type != WEIR_RESP_ARRAY || reply->n % 2 != 0) {
        return WEIR_RESP_E_SHAPE;
    }

    for (i = 0; i < reply->n; i += 2) {
        field = &reply->items[i];
        value = &reply->items[i + 1];

        if (weir_str_eq(field->text, weir_str("proto"))
            && (value->type != WEIR_RESP_INTEGER || value->integer != 2))
        {
            return WEIR_RESP_E_SHAPE;
        }

        if (weir_str_eq(field->text, weir_str("version"))) {
            hello->version = value->text;

        } else if (weir_str_eq(field->text, weir_str("mode"))) {
            hello->cluster = weir_str_eq(value->text, weir_str("cluster"));
            hello->sentinel = weir_str_eq(value->text, weir_str("sentinel"));
        }
    }

    return WEIR_RESP_E_NONE;
}


weir_resp_error_e
weir_resp_role(const weir_resp_t *reply, weir_resp_role_t *role)
{
    weir_resp_t        *v;
    weir_resp_error_e   e;

    memset(role, 0, sizeof(weir_resp_role_t));

    e = weir_resp_error(reply);

    if (e != WEIR_RESP_E_NONE) {
        return e;
    }

    v = reply->items;

    if (reply->type != WEIR_RESP_ARRAY || reply->n == 0
        || v[0].type != WEIR_RESP_STRING)
    {
        return WEIR_RESP_E_SHAPE;
    }

    if (weir_str_eq(v[0].text, weir_str("master"))) {
        return WEIR_RESP_E_NONE;
    }

    if (weir_str_eq(v[0].text, weir_str("sentinel"))) {
        role->role = WEIR_RESP_SENTINEL;
        return WEIR_RESP_E_NONE;
    }

    if (!weir_str_eq(v[0].text, weir_str("slave")) || reply->n < 4
        || v[1].type != WEIR_RESP_STRING || v[2].type != WEIR_RESP_INTEGER
        || v[2].integer < 0 || v[2].integer > 65535)
    {
        return WEIR_RESP_E_SHAPE;
    }

    role->role = WEIR_RESP_REPLICA;
    role->master.host = v[1].text;
    role->master.port = (uint16_t) v[2].integer;
    role->linked = weir_str_eq(v[3].text, weir_str("connected"));

    return WEIR_RESP_E_NONE;
}


weir_resp_error_e
weir_resp_ok(const weir_resp_t *reply, int queued)
{
    weir_str_t  word;

    word = queued ? weir_str("QUEUED") : weir_str("OK");

    if (reply->type == WEIR_RESP_STATUS && weir_str_eq(reply->text, word)) {
        return WEIR_RESP_E_NONE;
    }

    return reply->type == WEIR_RESP_ERROR ? weir_resp_error(reply)
                                          : WEIR_RESP_E_SHAPE;
}


weir_resp_error_e
weir_resp_bytes(const weir_resp_t *reply, weir_str_t *bytes)
{
    switch (reply->type) {

    case WEIR_RESP_STRING:
        *bytes = reply->text;
        return WEIR_RESP_E_NONE;

    case WEIR_RESP_NIL:
        return WEIR_RESP_E_MISSING;

    case WEIR_RESP_ERROR:
        return weir_resp_error(reply);

    default:
        return WEIR_RESP_E_SHAPE;
    }
}


weir_resp_error_e
weir_resp_integer(const weir_resp_t *reply, int64_t *v)
{
    if (reply->type == WEIR_RESP_INTEGER) {
        *v = reply->integer;
        return WEIR_RESP_E_NONE;
    }

    return reply->type == WEIR_RESP_ERROR ? weir_resp_error(reply)
                                          : WEIR_RESP_E_SHAPE;
}


/* Digits without sign or leading zero, at most max. */

static int
weir_resp_u64(weir_str_t s, uint64_t max, uint64_t *v)
{
    size_t    i;
    uint64_t  n, c;

    if (s.len == 0 || s.len > 20 || (s.len > 1 && s.data[0] == '0')) {
        return WEIR_ERROR;
    }

    n = 0;

    for (i = 0; i < s.len; i++) {

        if (s.data[i] < '0' || s.data[i] > '9') {
            return WEIR_ERROR;
        }

        c = (uint64_t) (s.data[i] - '0');

        if (c > max || n > (max - c) / 10) {
            return WEIR_ERROR;
        }

        n = n * 10 + c;
    }

    *v = n;

    return WEIR_OK;
}


weir_resp_error_e
weir_resp_rev(const weir_resp_t *reply, uint64_t *rev)
{
    weir_str_t         bytes;
    weir_resp_error_e  e;

    *rev = 0;

    e = weir_resp_bytes(reply, &bytes);

    if (e == WEIR_RESP_E_MISSING) {
        return WEIR_RESP_E_NONE;
    }

    if (e == WEIR_RESP_E_NONE
        && weir_resp_u64(bytes, (uint64_t) INT64_MAX - 1, rev) != WEIR_OK)
    {
        e = WEIR_RESP_E_SHAPE;
    }

    return e;
}


weir_resp_error_e
weir_resp_exec(const weir_resp_t *reply, uint32_t n)
{
    uint32_t           i;
    weir_resp_error_e  e;

    if (reply->type == WEIR_RESP_NIL) {
        return WEIR_RESP_E_CONFLICT;
    }

    if (reply->type == WEIR_RESP_ERROR) {
        return weir_resp_error(reply);
    }

    if (reply->type != WEIR_RESP_ARRAY || reply->n != n) {
        return WEIR_RESP_E_SHAPE;
    }

    for (i = 0; i < n; i++) {
        e = weir_resp_error(&reply->items[i]);

        if (e != WEIR_RESP_E_NONE) {
            return e;
        }
    }

    return WEIR_RESP_E_NONE;
}


int
weir_resp_live_field(weir_str_t field, weir_str_t *kind, weir_str_t *name)
{
    const uint8_t  *slash;

    slash = field.len ? memchr(field.data, '/', field.len) : NULL;

    if (slash == NULL) {
        return WEIR_ERROR;
    }

    kind->data = field.data;
    kind->len = (size_t) (slash - field.data);
    name->data = slash + 1;
    name->len = field.len - kind->len - 1;

    if (kind->len == 0 || name->len == 0
        || memchr(name->data, '/', name->len) != NULL)
    {
        return WEIR_ERROR;
    }

    return WEIR_OK;
}


weir_resp_error_e
weir_resp_scan_page(const weir_resp_t *reply, weir_str_t *cursor,
    const weir_resp_t **keys)
{
    if (reply->type == WEIR_RESP_ERROR) {
        return weir_resp_error(reply);
    }

    if (reply->type != WEIR_RESP_ARRAY || reply->n != 2
        || reply->items[0].type != WEIR_RESP_STRING
        || reply->items[1].type != WEIR_RESP_ARRAY)
    {
        return WEIR_RESP_E_SHAPE;
    }

    *cursor = reply->items[0].text;
    *keys = &reply->items[1];

    return WEIR_RESP_E_NONE;
}


weir_resp_error_e
weir_resp_entry(const weir_resp_t *reply, uint32_t i, weir_resp_entry_t *e)
{
    const weir_resp_t  *v, *fields;

    memset(e, 0, sizeof(weir_resp_entry_t));

    v = &reply->items[i];

    if (v->type != WEIR_RESP_ARRAY || v->n != 2
        || v->items[0].type != WEIR_RESP_STRING
        || weir_resp_id_parse(v->items[0].text, &e->ms, &e->seq) != WEIR_OK)
    {
        return WEIR_RESP_E_SHAPE;
    }

    e->id = v->items[0].text;
    fields = &v->items[1];

    if (fields->type != WEIR_RESP_ARRAY || fields->n != 2
        || !weir_str_eq(fields->items[0].text, weir_str(WEIR_RESP_FIELD))
        || fields->items[1].type != WEIR_RESP_STRING)
    {
        return WEIR_RESP_E_SHAPE;
    }

    e->line = fields->items[1].text;

    return WEIR_RESP_E_NONE;
}


int
weir_resp_id_parse(weir_str_t id, uint64_t *ms, uint64_t *seq)
{
    weir_str_t      left, right;
    const uint8_t  *dash;

    dash = id.len ? memchr(id.data, '-', id.len) : NULL;

    if (dash == NULL) {
        return WEIR_ERROR;
    }

    left.data = id.data;
    left.len = (size_t) (dash - id.data);
    right.data = dash + 1;
    right.len = id.len - left.len - 1;

    if (weir_resp_u64(left, UINT64_MAX, ms) != WEIR_OK) {
        return WEIR_ERROR;
    }

    return weir_resp_u64(right, UINT64_MAX, seq);
}
