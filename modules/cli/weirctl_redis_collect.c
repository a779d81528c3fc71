
/*
 * weirctl: the store in Redis: collecting segments that nothing names.
 */

#include "weirctl.h"
#include "weirctl_redis_store.h"
#include "../lib/base/weir_hash.h"


static weir_store_code_e weirctl_collect_one(weirctl_redis_t *s,
    weir_arena_t *a, const uint8_t *expect, weir_str_t key, uint32_t *n,
    weir_store_err_t *err);


weir_store_code_e
weirctl_redis_collect(weir_store_t *store, const uint8_t *expect,
    const uint8_t (*keep)[WEIR_STORE_HASH], uint32_t nkeep, int64_t before,
    uint32_t *n, weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    int64_t             now, idle;
    uint8_t             hash[WEIR_STORE_HASH];
    uint32_t            i, k, nkeys;
    weir_str_t          pattern, name, argv[3], *keys;
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_resp_error_e   e;
    weir_store_code_e   rc;

    *n = 0;
    now = 0;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    pattern = weir_resp_key(&arena, s->conf->ns, WEIR_RESP_KEY_SEGMENT,
                            weir_str("*"));

    rc = pattern.data == NULL ? weirctl_redis_nomem(err)
                              : weirctl_redis_time(s, &now, err);

    if (rc == WEIR_STORE_OK) {
        rc = weirctl_redis_scan(s, &arena, pattern, 1 << 20, &keys, &nkeys,
                                err);
    }

    for (i = 0; rc == WEIR_STORE_OK && i < nkeys; i++) {
        name.data = keys[i].data + pattern.len - 1;
        name.len = keys[i].len - (pattern.len - 1);

        if (weir_unhex(hash, sizeof(hash), name) != WEIR_OK) {
            continue;
        }

        for (k = 0; k < nkeep; k++) {

            if (memcmp(hash, keep[k], WEIR_STORE_HASH) == 0) {
                break;
            }
        }

        if (k != nkeep) {
            continue;
        }

        /* since it was written or last read */

        argv[0] = weir_str("OBJECT");
        argv[1] = weir_str("IDLETIME");
        argv[2] = keys[i];

        rc = weirctl_redis_call(s, &arena, argv, 3, &weirctl_redis_short, 1,
                                &reply, err);

        if (rc != WEIR_STORE_OK) {
            break;
        }

        if (reply->type == WEIR_RESP_NIL) {
            continue;
        }

        e = weir_resp_integer(reply, &idle);

        if (e != WEIR_RESP_E_NONE) {
            rc = weirctl_redis_fail(s, "segment", e, reply, 1, err);
            break;
        }

        if (now / 1000 - idle < before) {
            rc = weirctl_collect_one(s, &arena, expect, keys[i], n, err);
        }
    }

    weir_arena_done(&arena);

    return rc;
}


/*
 * If the head is still what it was: a publisher that takes this segment anew
 * watches it.
 */

static weir_store_code_e
weirctl_collect_one(weirctl_redis_t *s, weir_arena_t *a,
    const uint8_t *expect, weir_str_t key, uint32_t *n,
    weir_store_err_t *err)
{
    int                 tries;
    weir_str_t          argv[3], bytes, wire;
    weir_resp_t        *reply;
    weir_resp_caps_t    caps;
    weir_resp_error_e   e;
    weir_store_code_e   rc;
    weirctl_patience_t  patience;

    weirctl_redis_patience(&patience);

    caps.bulk = 64 << 20;
    caps.total = caps.bulk + WEIR_RESP_LINE_MAX;
    caps.items = 0;
    caps.depth = 0;

    for (tries = 0; ; tries++) {
        rc = weirctl_redis_ready(s, err);

        if (rc != WEIR_STORE_OK) {
            return rc;
        }

        argv[0] = weir_str("WATCH");
        argv[1] = s->head;
        argv[2] = key;

        rc = weirctl_redis_once(s, a, argv, 3, &weirctl_redis_short, &reply,
                                err);

        if (rc != WEIR_STORE_OK) {
            return rc;
        }

        e = weir_resp_ok(reply, 0);

        if (e == WEIR_RESP_E_NONE) {
            argv[0] = weir_str("GET");

            rc = weirctl_redis_once(s, a, argv, 2, &caps, &reply, err);

            if (rc != WEIR_STORE_OK) {
                return rc;
            }

            memset(&bytes, 0, sizeof(weir_str_t));

            e = weir_resp_bytes(reply, &bytes);

            if (e == WEIR_RESP_E_NONE || e == WEIR_RESP_E_MISSING) {
                rc = weirctl_redis_compare(s, bytes, e == WEIR_RESP_E_NONE,
                                           expect, NULL, "head", err);

                if (rc != WEIR_STORE_OK) {
                    weirctl_redis_drop(s);
                    return rc;
                }

                argv[0] = weir_str("DEL");
                argv[1] = key;

                if (weir_resp_command(a, argv, 2, &wire) != WEIR_OK) {
                    return weirctl_redis_nomem(err);
                }

                rc = weirctl_redis_exec(s, a, &wire, 1, &reply, &e, err);

                if (rc != WEIR_STORE_OK) {
                    return rc;
                }
            }
        }

        if (e == WEIR_RESP_E_NONE) {
            *n += reply->items[0].integer > 0;
            return WEIR_STORE_OK;
        }

        if (e == WEIR_RESP_E_CONFLICT && tries < WEIRCTL_REDIS_TRIES) {
            continue;
        }

        if (!weirctl_redis_retry(s, &patience, e, reply)) {
            rc = weirctl_redis_fail(s, "segment", e, reply, 1, err);
            weirctl_redis_drop(s);

            return rc;
        }
    }
}
