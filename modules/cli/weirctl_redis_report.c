
/*
 * weirctl: the store in Redis: what gateways say of themselves; all keys of a
 * pattern; the server's clock.
 */

#include <stdlib.h>

#include "weirctl.h"
#include "weirctl_redis_store.h"


#define WEIRCTL_SCAN_MS  30000      /* of all its pages */


static weir_str_t weirctl_redis_report_key(weirctl_redis_t *s,
    weir_arena_t *a, weir_str_t name, weir_store_err_t *err);
static int weirctl_redis_key_cmp(const void *one, const void *two);


weir_store_code_e
weirctl_redis_time(weirctl_redis_t *s, int64_t *ms, weir_store_err_t *err)
{
    size_t              i;
    weir_str_t          argv[1], text;
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_store_code_e   rc;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    argv[0] = weir_str("TIME");

    rc = weirctl_redis_call(s, &arena, argv, 1, &weirctl_redis_short, 1,
                            &reply, err);

    if (rc == WEIR_STORE_OK
        && (reply->type != WEIR_RESP_ARRAY || reply->n != 2
            || reply->items[0].type != WEIR_RESP_STRING))
    {
        rc = weirctl_redis_fail(s, "TIME", reply->type == WEIR_RESP_ERROR
                                ? weir_resp_error(reply)
                                : WEIR_RESP_E_SHAPE, reply, 0, err);
    }

    if (rc == WEIR_STORE_OK) {
        text = reply->items[0].text;
        *ms = 0;

        for (i = 0; i < text.len && i < 12; i++) {
            *ms = *ms * 10 + (text.data[i] - '0');
        }

        *ms *= 1000;
    }

    weir_arena_done(&arena);

    return rc;
}


weir_store_code_e
weirctl_redis_scan(weirctl_redis_t *s, weir_arena_t *a, weir_str_t pattern,
    uint32_t max, weir_str_t **keys, uint32_t *n, weir_store_err_t *err)
{
    char                cursor[24];
    int64_t             end;
    uint32_t            i, size, kept;
    weir_str_t          argv[6], next, *list, *grown;
    weir_resp_t        *reply;
    weir_arena_t        page;
    weir_resp_error_e   e;
    const weir_resp_t  *found;
    weir_store_code_e   rc;

    static const weir_resp_caps_t  caps = { 4096, 64 << 20, 1000000, 2 };

    end = weirctl_now_ms() + WEIRCTL_SCAN_MS;
    list = NULL;
    size = 0;
    *n = 0;
    *keys = NULL;

    snprintf(cursor, sizeof(cursor), "0");

    do {
        weir_arena_init(&page, &weir_alloc_malloc, 0);

        argv[0] = weir_str("SCAN");
        argv[1].data = (const uint8_t *) cursor;
        argv[1].len = strlen(cursor);
        argv[2] = weir_str("MATCH");
        argv[3] = pattern;
        argv[4] = weir_str("COUNT");
        argv[5] = weir_str("2000");

        rc = weirctl_redis_call(s, &page, argv, 6, &caps, 1, &reply, err);

        if (rc == WEIR_STORE_OK) {
            e = weir_resp_scan_page(reply, &next, &found);

            if (e != WEIR_RESP_E_NONE || next.len >= sizeof(cursor)) {
                rc = weirctl_redis_fail(s, "SCAN", e != WEIR_RESP_E_NONE ? e
                                        : WEIR_RESP_E_SHAPE, reply, 0, err);
            }
        }

        if (rc == WEIR_STORE_OK
            && (list == NULL || found->n > size - *n))
        {
            size = (*n + found->n) * 2 + 1;
            grown = weir_arena_calloc(a, size, sizeof(weir_str_t));

            if (grown == NULL) {
                rc = weir_store_fail(err, WEIR_STORE_NOMEM, 0,
                                     "out of memory");

            } else if (list != NULL) {
                memcpy(grown, list, *n * sizeof(weir_str_t));
            }

            list = grown;
        }

        for (i = 0; rc == WEIR_STORE_OK && list != NULL && i < found->n;
             i++)
        {

            if (found->items[i].text.len < pattern.len) {
                continue;
            }

            list[*n] = weir_arena_copy(a, found->items[i].text);

            if (list[(*n)++].data == NULL) {
                rc = weir_store_fail(err, WEIR_STORE_NOMEM, 0,
                                     "out of memory");
            }
        }

        if (rc == WEIR_STORE_OK && *n / 2 > max) {
            rc = weir_store_fail(err, WEIR_STORE_TOO_LARGE, 0,
                                 "%s: more than %u keys of %.*s",
                                 s->link.place, (unsigned) max,
                                 (int) pattern.len, pattern.data);
        }

        if (rc == WEIR_STORE_OK && weirctl_now_ms() > end) {
            rc = weir_store_fail(err, WEIR_STORE_BUSY, 0,
                                 "%s: too many keys to look through",
                                 s->link.place);
        }

        if (rc == WEIR_STORE_OK) {
            snprintf(cursor, sizeof(cursor), "%.*s", (int) next.len,
                     next.data);
        }

        weir_arena_done(&page);

        if (rc != WEIR_STORE_OK) {
            return rc;
        }

    } while (strcmp(cursor, "0") != 0);

    if (list == NULL || *n == 0) {
        *n = 0;
        return WEIR_STORE_OK;
    }

    qsort(list, *n, sizeof(weir_str_t), weirctl_redis_key_cmp);

    /* SCAN may name a key more than once */

    for (i = 0, kept = 0; i < *n; i++) {

        if (kept == 0 || !weir_str_eq(list[kept - 1], list[i])) {
            list[kept++] = list[i];
        }
    }

    *n = kept;
    *keys = list;

    if (kept > max) {
        return weir_store_fail(err, WEIR_STORE_TOO_LARGE, 0,
                               "%s: more than %u keys of %.*s",
                               s->link.place, (unsigned) max,
                               (int) pattern.len, pattern.data);
    }

    return WEIR_STORE_OK;
}


static int
weirctl_redis_key_cmp(const void *one, const void *two)
{
    return weir_str_cmp(*(const weir_str_t *) one, *(const weir_str_t *) two);
}


/* Its age is what is gone of its time to live, by the server's clock. */

weir_store_code_e
weirctl_redis_reports(weir_store_t *store, weir_arena_t *a, uint32_t max,
    weir_store_list_t *list, weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    int64_t              now, left;
    uint32_t             i, n;
    weir_str_t           pattern, argv[2], *keys;
    weir_resp_t         *reply;
    weir_resp_error_e    e;
    weir_store_code_e    rc;
    weir_store_entry_t  *entry;

    memset(list, 0, sizeof(weir_store_list_t));

    pattern = weir_resp_key(a, s->conf->ns, WEIR_RESP_KEY_GATEWAY,
                            weir_str("*"));

    if (pattern.data == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    rc = weirctl_redis_scan(s, a, pattern, max, &keys, &n, err);

    if (rc == WEIR_STORE_OK) {
        rc = weirctl_redis_time(s, &now, err);
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    list->entries = weir_arena_calloc(a, n + 1, sizeof(weir_store_entry_t));

    if (list->entries == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    for (i = 0; i < n; i++) {
        entry = &list->entries[list->n];

        if (weir_resp_gateway_name(s->conf->ns, keys[i], &entry->name)
            != WEIR_OK || !weir_store_name_valid(entry->name))
        {
            continue;
        }

        argv[0] = weir_str("PTTL");
        argv[1] = keys[i];

        rc = weirctl_redis_call(s, a, argv, 2, &weirctl_redis_short, 1,
                                &reply, err);

        if (rc != WEIR_STORE_OK) {
            return rc;
        }

        e = weir_resp_integer(reply, &left);

        if (e != WEIR_RESP_E_NONE) {
            return weirctl_redis_fail(s, "report", e, reply, 0, err);
        }

        if (left == -2) {
            continue;
        }

        if (left < 0 || left > (int64_t) WEIR_RESP_REPORT_TTL * 1000) {
            entry->written = 0;

        } else {
            entry->written = (now + left
                              - (int64_t) WEIR_RESP_REPORT_TTL * 1000) / 1000;
        }

        list->n++;
    }

    return WEIR_STORE_OK;
}


static weir_str_t
weirctl_redis_report_key(weirctl_redis_t *s, weir_arena_t *a,
    weir_str_t name, weir_store_err_t *err)
{
    weir_str_t  key;

    memset(&key, 0, sizeof(weir_str_t));

    if (!weir_store_name_valid(name)) {
        (void) weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "invalid name of a gateway");
        return key;
    }

    key = weir_resp_key(a, s->conf->ns, WEIR_RESP_KEY_GATEWAY, name);

    if (key.data == NULL) {
        (void) weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    return key;
}


weir_store_code_e
weirctl_redis_report(weir_store_t *store, weir_arena_t *a, weir_str_t name,
    size_t max, weir_str_t *bytes, weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    weir_str_t          argv[2];
    weir_resp_t        *reply;
    weir_resp_caps_t    caps;
    weir_resp_error_e   e;
    weir_store_code_e   rc;

    argv[0] = weir_str("GET");
    argv[1] = weirctl_redis_report_key(s, a, name, err);

    if (argv[1].data == NULL) {
        return weir_store_name_valid(name) ? WEIR_STORE_NOMEM
                                           : WEIR_STORE_INVALID;
    }

    caps.bulk = max;
    caps.total = max + WEIR_RESP_LINE_MAX;
    caps.items = 0;
    caps.depth = 0;

    rc = weirctl_redis_call(s, a, argv, 2, &caps, 1, &reply, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    e = weir_resp_bytes(reply, bytes);

    return e == WEIR_RESP_E_NONE
           ? WEIR_STORE_OK
           : weirctl_redis_fail(s, "report", e, reply, 0, err);
}


weir_store_code_e
weirctl_redis_put_report(weir_store_t *store, weir_str_t name,
    weir_str_t bytes, weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    char                ttl[24];
    weir_str_t          argv[5];
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_resp_error_e   e;
    weir_store_code_e   rc;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    argv[0] = weir_str("SET");
    argv[1] = weirctl_redis_report_key(s, &arena, name, err);
    argv[2] = bytes;
    argv[3] = weir_str("EX");
    argv[4].data = (const uint8_t *) ttl;
    argv[4].len = (size_t) snprintf(ttl, sizeof(ttl), "%d",
                                    WEIR_RESP_REPORT_TTL);

    if (argv[1].data == NULL) {
        rc = weir_store_name_valid(name) ? WEIR_STORE_NOMEM
                                         : WEIR_STORE_INVALID;

    } else {
        rc = weirctl_redis_call(s, &arena, argv, 5, &weirctl_redis_short, 1,
                                &reply, err);
    }

    if (rc == WEIR_STORE_OK) {
        e = weir_resp_ok(reply, 0);

        if (e != WEIR_RESP_E_NONE) {
            rc = weirctl_redis_fail(s, "report", e, reply, 1, err);
        }
    }

    weir_arena_done(&arena);

    return rc;
}


weir_store_code_e
weirctl_redis_drop_reports(weir_store_t *store, int64_t before, uint32_t *n,
    weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    int64_t             gone;
    uint32_t            i;
    weir_str_t          argv[2];
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_resp_error_e   e;
    weir_store_list_t   list;
    weir_store_code_e   rc;

    *n = 0;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    rc = weirctl_redis_reports(store, &arena, 1 << 20, &list, err);

    for (i = 0; rc == WEIR_STORE_OK && i < list.n; i++) {

        if (list.entries[i].written >= before) {
            continue;
        }

        argv[0] = weir_str("DEL");
        argv[1] = weirctl_redis_report_key(s, &arena, list.entries[i].name,
                                           err);

        if (argv[1].data == NULL) {
            rc = WEIR_STORE_NOMEM;
            break;
        }

        rc = weirctl_redis_call(s, &arena, argv, 2, &weirctl_redis_short, 1,
                                &reply, err);

        if (rc == WEIR_STORE_OK) {
            e = weir_resp_integer(reply, &gone);

            if (e != WEIR_RESP_E_NONE) {
                rc = weirctl_redis_fail(s, "report", e, reply, 1, err);

            } else {
                *n += (uint32_t) gone;
            }
        }
    }

    weir_arena_done(&arena);

    return rc;
}
