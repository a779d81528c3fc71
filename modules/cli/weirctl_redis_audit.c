
/*
 * weirctl: the store in Redis: the audit trail, a stream, page by page.
 */

#include "weirctl.h"
#include "weirctl_redis_store.h"


#define WEIRCTL_DAY         86400
#define WEIRCTL_PAGE_BYTES  (4 << 20)
#define WEIRCTL_PAGE_MAX    256
#define WEIRCTL_TRIM_LINE   (1 << 20)


static weir_store_code_e weirctl_audit_page(weirctl_redis_t *s,
    weir_arena_t *a, const char *command, const char *from, const char *to,
    size_t max, uint32_t count, weir_resp_t **reply, weir_store_err_t *err);
static weir_store_code_e weirctl_audit_bad(weirctl_redis_t *s,
    const weir_resp_entry_t *e, weir_store_err_t *err);
static int64_t weirctl_audit_day(int64_t when);


static int64_t
weirctl_audit_day(int64_t when)
{
    return when <= 0 ? 0 : when - when % WEIRCTL_DAY;
}


static weir_store_code_e
weirctl_audit_page(weirctl_redis_t *s, weir_arena_t *a, const char *command,
    const char *from, const char *to, size_t max, uint32_t count,
    weir_resp_t **reply, weir_store_err_t *err)
{
    char                n[16];
    weir_str_t          argv[6];
    weir_resp_caps_t    caps;
    weir_store_code_e   rc;

    caps.bulk = max > 64 ? max : 64;
    caps.total = count * (caps.bulk + 256) + WEIR_RESP_LINE_MAX;
    caps.items = count * 8;
    caps.depth = 3;

    argv[0].data = (const uint8_t *) command;
    argv[0].len = strlen(command);
    argv[1] = s->audit;
    argv[2].data = (const uint8_t *) from;
    argv[2].len = strlen(from);
    argv[3].data = (const uint8_t *) to;
    argv[3].len = strlen(to);
    argv[4] = weir_str("COUNT");
    argv[5].data = (const uint8_t *) n;
    argv[5].len = (size_t) snprintf(n, sizeof(n), "%u", (unsigned) count);

    rc = weirctl_redis_call(s, a, argv, 6, &caps, 1, reply, err);

    if (rc == WEIR_STORE_TOO_LARGE) {
        return weir_store_fail(err, rc, 0,
                               "%s: audit trail: an entry after %s is longer "
                               "than %zu bytes", s->link.place, from, max);
    }

    if (rc == WEIR_STORE_OK && (*reply)->type != WEIR_RESP_ARRAY) {
        rc = weirctl_redis_fail(s, "audit trail",
                                (*reply)->type == WEIR_RESP_ERROR
                                ? weir_resp_error(*reply)
                                : WEIR_RESP_E_SHAPE, *reply, 0, err);
    }

    return rc;
}


static weir_store_code_e
weirctl_audit_bad(weirctl_redis_t *s, const weir_resp_entry_t *e,
    weir_store_err_t *err)
{
    return weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                           "%s: audit trail: entry %.*s is not one envelope",
                           s->link.place, e->id.len ? (int) e->id.len : 1,
                           e->id.len ? (const char *) e->id.data : "?");
}


weir_store_code_e
weirctl_redis_audit(weir_store_t *store, int64_t from, size_t max,
    weir_store_line_pt line, void *ctx, weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    char                start[48];
    uint32_t            i, n, count;
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_resp_entry_t   e;
    weir_store_code_e   rc;

    count = max < WEIRCTL_PAGE_BYTES / WEIRCTL_PAGE_MAX
            ? WEIRCTL_PAGE_MAX : (uint32_t) (WEIRCTL_PAGE_BYTES / max);

    if (count == 0) {
        count = 1;
    }

    snprintf(start, sizeof(start), "%lld-0",
             (long long) weirctl_audit_day(from) * 1000);

    do {
        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        rc = weirctl_audit_page(s, &arena, "XRANGE", start, "+", max, count,
                                &reply, err);

        /* which one it is, and those before it */

        if (rc == WEIR_STORE_TOO_LARGE && count > 1) {
            count = 1;
            n = 1;
            weir_arena_done(&arena);
            continue;
        }

        n = rc == WEIR_STORE_OK ? reply->n : 0;

        for (i = 0; i < n; i++) {

            if (weir_resp_entry(reply, i, &e) != WEIR_RESP_E_NONE) {
                rc = weirctl_audit_bad(s, &e, err);
                n = 0;
                break;
            }

            if (line(ctx, (int64_t) (e.ms / 1000), e.line) != 0) {
                n = 0;
                break;
            }

            if (++e.seq == 0) {
                e.ms++;
            }

            snprintf(start, sizeof(start), "%llu-%llu",
                     (unsigned long long) e.ms,
                     (unsigned long long) e.seq);
        }

        weir_arena_done(&arena);

    } while (n == count);

    return rc;
}


/* The server's clock says when, not now. */

weir_store_code_e
weirctl_redis_audit_append(weir_store_t *store, weir_str_t line, int64_t now,
    weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    weir_str_t          argv[5];
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_resp_error_e   e;
    weir_store_code_e   rc;

    (void) now;

    if (line.len == 0 || memchr(line.data, '\n', line.len)) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "what goes into the trail is not one line");
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    argv[0] = weir_str("XADD");
    argv[1] = s->audit;
    argv[2] = weir_str("*");
    argv[3] = weir_str(WEIR_RESP_FIELD);
    argv[4] = line;

    /* not twice: whether the first one came is not known */

    rc = weirctl_redis_call(s, &arena, argv, 5, &weirctl_redis_short, 0,
                            &reply, err);

    if (rc == WEIR_STORE_OK && reply->type != WEIR_RESP_STRING) {
        e = reply->type == WEIR_RESP_ERROR ? weir_resp_error(reply)
                                           : WEIR_RESP_E_SHAPE;
        rc = weirctl_redis_fail(s, "audit trail", e, reply, 1, err);
    }

    weir_arena_done(&arena);

    return rc;
}


/*
 * By XRANGE and XDEL, which every server has (MINID came with Redis 6.2).
 * *n counts lines.
 */

weir_store_code_e
weirctl_redis_audit_trim(weir_store_t *store, int64_t before, uint32_t *n,
    weir_store_err_t *err)
{
    weirctl_redis_t *s = (weirctl_redis_t *) store;

    char                to[48];
    int64_t             cut, gone;
    uint32_t            i;
    weir_str_t          argv[2 + 64];
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_resp_entry_t   e;
    weir_resp_error_e   error;
    weir_store_code_e   rc;

    *n = 0;
    cut = weirctl_audit_day(before);

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    rc = weirctl_audit_page(s, &arena, "XREVRANGE", "+", "-",
                            WEIRCTL_TRIM_LINE, 1, &reply, err);

    if (rc == WEIR_STORE_OK && reply->n != 0) {
        (void) weir_resp_entry(reply, 0, &e);

        if ((int64_t) (e.ms / 1000) < cut) {
            cut = weirctl_audit_day((int64_t) (e.ms / 1000));
        }
    }

    if (rc != WEIR_STORE_OK || reply->n == 0 || cut <= 0) {
        weir_arena_done(&arena);
        return rc;
    }

    snprintf(to, sizeof(to), "%lld", (long long) cut * 1000 - 1);

    for ( ;; ) {
        weir_arena_done(&arena);
        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        rc = weirctl_audit_page(s, &arena, "XRANGE", "-", to,
                                WEIRCTL_TRIM_LINE, 64, &reply, err);

        if (rc != WEIR_STORE_OK || reply->n == 0) {
            break;
        }

        argv[0] = weir_str("XDEL");
        argv[1] = s->audit;

        for (i = 0; i < reply->n && i < 64; i++) {
            (void) weir_resp_entry(reply, i, &e);

            if (e.id.len == 0) {
                rc = weirctl_audit_bad(s, &e, err);
                break;
            }

            argv[2 + i] = e.id;
        }

        if (rc == WEIR_STORE_OK) {
            rc = weirctl_redis_call(s, &arena, argv, 2 + i,
                                    &weirctl_redis_short, 1, &reply, err);
        }

        if (rc != WEIR_STORE_OK) {
            break;
        }

        error = weir_resp_integer(reply, &gone);

        if (error != WEIR_RESP_E_NONE) {
            rc = weirctl_redis_fail(s, "audit trail", error, reply, 1, err);
            break;
        }

        *n += (uint32_t) gone;

        /* somebody else trims, or the server lies: no reason to go on */

        if (gone <= 0) {
            break;
        }
    }

    weir_arena_done(&arena);

    return rc;
}
