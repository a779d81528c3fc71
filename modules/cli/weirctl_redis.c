
/*
 * weirctl: the store in Redis: opening and reading it.
 */

#include <stdlib.h>

#include "weirctl.h"
#include "weirctl_redis_store.h"
#include "../lib/base/weir_hash.h"


static weir_store_code_e weirctl_redis_get(weirctl_redis_t *s,
    weir_arena_t *a, const weir_str_t *argv, unsigned n, const char *what,
    size_t max, weir_str_t *bytes, weir_store_err_t *err);
static weir_store_code_e weirctl_redis_head(weir_store_t *store,
    weir_arena_t *a, size_t max, weir_str_t *bytes, weir_store_err_t *err);
static weir_store_code_e weirctl_redis_segment(weir_store_t *store,
    weir_arena_t *a, const uint8_t *hash, size_t max, weir_str_t *bytes,
    weir_store_err_t *err);
static weir_store_code_e weirctl_redis_live(weir_store_t *store,
    weir_arena_t *a, weir_str_t kind, weir_str_t name, size_t max,
    weir_str_t *bytes, weir_store_err_t *err);
static weir_store_code_e weirctl_redis_lives(weir_store_t *store,
    weir_arena_t *a, weir_str_t kind, uint32_t max, weir_store_list_t *list,
    weir_store_err_t *err);
static int weirctl_redis_entry_cmp(const void *one, const void *two);
static weir_store_code_e weirctl_redis_rev(weir_store_t *store,
    uint64_t *rev, weir_store_err_t *err);
static void weirctl_redis_close(weir_store_t *store);


static const weir_store_ops_t  weirctl_redis_ops = {
    "redis",
    weirctl_redis_head,
    weirctl_redis_segment,
    weirctl_redis_live,
    weirctl_redis_lives,
    weirctl_redis_rev,
    weirctl_redis_publish,
    weirctl_redis_put_segments,
    weirctl_redis_reports,
    weirctl_redis_report,
    weirctl_redis_put_report,
    weirctl_redis_drop_reports,
    weirctl_redis_audit,
    weirctl_redis_audit_append,
    weirctl_redis_audit_trim,
    weirctl_redis_collect,
    weirctl_redis_close
};


weir_store_code_e
weirctl_redis_open(weir_store_t **store, const weir_resp_conf_t *conf,
    weir_store_err_t *err)
{
    weirctl_redis_t    *s;
    weir_store_code_e   rc;

    s = calloc(1, sizeof(weirctl_redis_t));

    if (s == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    s->store.ops = &weirctl_redis_ops;
    s->conf = conf;
    s->link.fd = -1;
    s->aside.fd = -1;

    weir_arena_init(&s->keys, &weir_alloc_malloc, 0);

    s->head = weir_resp_key(&s->keys, conf->ns, WEIR_RESP_KEY_HEAD,
                            weir_str(""));
    s->live = weir_resp_key(&s->keys, conf->ns, WEIR_RESP_KEY_LIVE,
                            weir_str(""));
    s->rev = weir_resp_key(&s->keys, conf->ns, WEIR_RESP_KEY_REV,
                           weir_str(""));
    s->audit = weir_resp_key(&s->keys, conf->ns, WEIR_RESP_KEY_AUDIT,
                             weir_str(""));

    rc = WEIR_STORE_OK;

    if (s->head.data == NULL || s->live.data == NULL || s->rev.data == NULL
        || s->audit.data == NULL)
    {
        rc = weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    if (rc == WEIR_STORE_OK && conf->tls) {
        s->tls = weirctl_tls_new(conf, err);

        if (s->tls == NULL) {
            rc = WEIR_STORE_UNREACHABLE;
        }
    }

    if (rc == WEIR_STORE_OK) {
        rc = weirctl_redis_ready(s, err);
    }

    if (rc != WEIR_STORE_OK) {
        weirctl_redis_close(&s->store);
        return rc;
    }

    *store = &s->store;

    return WEIR_STORE_OK;
}


static void
weirctl_redis_close(weir_store_t *store)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    weirctl_redis_drop(s);

    if (s->aside.fd != -1) {
        weirctl_link_close(&s->aside);
    }

    SSL_CTX_free(s->tls);
    weir_arena_done(&s->keys);
    free(s);
}


/* A command whose reply is one string. */

static weir_store_code_e
weirctl_redis_get(weirctl_redis_t *s, weir_arena_t *a,
    const weir_str_t *argv, unsigned n, const char *what, size_t max,
    weir_str_t *bytes, weir_store_err_t *err)
{
    weir_resp_t        *reply;
    weir_resp_caps_t    caps;
    weir_resp_error_e   e;
    weir_store_code_e   rc;

    caps.bulk = max;
    caps.total = max + WEIR_RESP_LINE_MAX;
    caps.items = 0;
    caps.depth = 0;

    rc = weirctl_redis_call(s, a, argv, n, &caps, 1, &reply, err);

    if (rc == WEIR_STORE_TOO_LARGE) {
        return weir_store_fail(err, rc, 0,
                               "%s: %s is larger than %zu bytes",
                               s->link.place, what, max);
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    e = weir_resp_bytes(reply, bytes);

    if (e != WEIR_RESP_E_NONE) {
        return weirctl_redis_fail(s, what, e, reply, 0, err);
    }

    return WEIR_STORE_OK;
}


static weir_store_code_e
weirctl_redis_head(weir_store_t *store, weir_arena_t *a, size_t max,
    weir_str_t *bytes, weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    weir_str_t  argv[2];

    argv[0] = weir_str("GET");
    argv[1] = s->head;

    return weirctl_redis_get(s, a, argv, 2, "head", max, bytes, err);
}


static weir_store_code_e
weirctl_redis_segment(weir_store_t *store, weir_arena_t *a,
    const uint8_t *hash, size_t max, weir_str_t *bytes,
    weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    char               hex[WEIR_STORE_HASH * 2 + 1], what[96];
    uint8_t            have[WEIR_STORE_HASH];
    weir_str_t         argv[2], name;
    weir_store_code_e  rc;

    weir_hex((uint8_t *) hex, hash, WEIR_STORE_HASH);
    hex[WEIR_STORE_HASH * 2] = '\0';
    snprintf(what, sizeof(what), "segment %s", hex);

    name.data = (const uint8_t *) hex;
    name.len = WEIR_STORE_HASH * 2;

    argv[0] = weir_str("GET");
    argv[1] = weir_resp_key(a, s->conf->ns, WEIR_RESP_KEY_SEGMENT, name);

    if (argv[1].data == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    rc = weirctl_redis_get(s, a, argv, 2, what, max, bytes, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_store_hash(have, *bytes, err);
    }

    if (rc == WEIR_STORE_OK && memcmp(have, hash, WEIR_STORE_HASH) != 0) {
        bytes->len = 0;
        bytes->data = NULL;
        rc = weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                             "%s: %s: has another hash than its name",
                             s->link.place, what);
    }

    return rc;
}


static weir_store_code_e
weirctl_redis_live(weir_store_t *store, weir_arena_t *a, weir_str_t kind,
    weir_str_t name, size_t max, weir_str_t *bytes, weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    char        field[WEIR_STORE_KIND_MAX + WEIR_STORE_NAME_MAX + 2];
    weir_str_t  argv[3];

    if (!weir_store_kind_valid(kind) || !weir_store_name_valid(name)) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "invalid name of a live document");
    }

    snprintf(field, sizeof(field), "%.*s/%.*s", (int) kind.len, kind.data,
             (int) name.len, name.data);

    argv[0] = weir_str("HGET");
    argv[1] = s->live;
    argv[2].data = (const uint8_t *) field;
    argv[2].len = strlen(field);

    return weirctl_redis_get(s, a, argv, 3, field, max, bytes, err);
}


static weir_store_code_e
weirctl_redis_lives(weir_store_t *store, weir_arena_t *a, weir_str_t kind,
    uint32_t max, weir_store_list_t *list, weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    uint32_t             i;
    weir_str_t           argv[2];
    weir_resp_t         *reply;
    weir_resp_caps_t     caps;
    weir_store_code_e    rc;
    weir_store_entry_t  *e;

    memset(list, 0, sizeof(weir_store_list_t));

    if (kind.len != 0 && !weir_store_kind_valid(kind)) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "invalid kind of live documents");
    }

    /* of all kinds, and with names that are none */

    caps.bulk = 1024;
    caps.items = 65536;
    caps.total = 16 << 20;
    caps.depth = 1;

    argv[0] = weir_str("HKEYS");
    argv[1] = s->live;

    rc = weirctl_redis_call(s, a, argv, 2, &caps, 1, &reply, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (reply->type != WEIR_RESP_ARRAY) {
        return weirctl_redis_fail(s, "live documents",
                                  reply->type == WEIR_RESP_ERROR
                                  ? weir_resp_error(reply)
                                  : WEIR_RESP_E_SHAPE, reply, 0, err);
    }

    list->entries = weir_arena_calloc(a, reply->n + 1,
                                      sizeof(weir_store_entry_t));

    if (list->entries == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    for (i = 0; i < reply->n; i++) {
        e = &list->entries[list->n];

        if (weir_resp_live_field(reply->items[i].text, &e->kind, &e->name)
            != WEIR_OK
            || !weir_store_kind_valid(e->kind)
            || !weir_store_name_valid(e->name))
        {
            list->stranger = reply->items[i].text;
            list->strangers++;
            continue;
        }

        if (kind.len != 0 && !weir_str_eq(kind, e->kind)) {
            continue;
        }

        if (++list->n > max) {
            return weir_store_fail(err, WEIR_STORE_TOO_LARGE, 0,
                                   "%s: more than %u live documents",
                                   s->link.place, (unsigned) max);
        }
    }

    if (list->n != 0) {
        qsort(list->entries, list->n, sizeof(weir_store_entry_t),
              weirctl_redis_entry_cmp);
    }

    return WEIR_STORE_OK;
}


static int
weirctl_redis_entry_cmp(const void *one, const void *two)
{
    int  rc;

    const weir_store_entry_t  *a = one, *b = two;

    rc = weir_str_cmp(a->kind, b->kind);

    return rc != 0 ? rc : weir_str_cmp(a->name, b->name);
}


static weir_store_code_e
weirctl_redis_rev(weir_store_t *store, uint64_t *rev, weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    weir_str_t          argv[2];
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_resp_error_e   e;
    weir_store_code_e   rc;

    *rev = 0;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    argv[0] = weir_str("GET");
    argv[1] = s->rev;

    rc = weirctl_redis_call(s, &arena, argv, 2, &weirctl_redis_short, 1,
                            &reply, err);

    if (rc == WEIR_STORE_OK) {
        e = weir_resp_rev(reply, rev);

        if (e == WEIR_RESP_E_SHAPE && reply->type == WEIR_RESP_STRING) {
            rc = weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                                 "%s: rev: not a number", s->link.place);

        } else if (e != WEIR_RESP_E_NONE) {
            rc = weirctl_redis_fail(s, "rev", e, reply, 0, err);
        }
    }

    weir_arena_done(&arena);

    return rc;
}
