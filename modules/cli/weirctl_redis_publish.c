
/*
 * weirctl: the store in Redis: publishing.
 *
 * Segments are written and read back.  Then everything that matters is
 * watched, compared, and changed in one transaction: what others do meanwhile
 * makes it start over or ends in a conflict, never in half a change.
 */

#include <stdlib.h>

#include "weirctl.h"
#include "weirctl_redis_store.h"
#include "../lib/base/weir_hash.h"


typedef struct {
    weirctl_redis_t            *s;
    const weir_store_change_t  *c;
    weir_arena_t               *a;
    char                        what[WEIR_STORE_KIND_MAX
                                     + WEIR_STORE_NAME_MAX + 2];
    uint8_t                     hash[WEIR_STORE_HASH];
    uint64_t                    rev;
    weir_resp_error_e           e;          /* why to try again */
    weir_resp_t                *reply;
    unsigned                    reset:1;    /* rev is no number */
} weirctl_publish_t;


static weir_store_code_e weirctl_publish_valid(weirctl_publish_t *p,
    weir_store_err_t *err);
static weir_store_code_e weirctl_publish_segments(weirctl_publish_t *p,
    weir_store_err_t *err);
static weir_str_t weirctl_publish_key(weirctl_publish_t *p, uint32_t i);
static weir_store_code_e weirctl_publish_try(weirctl_publish_t *p,
    weir_store_err_t *err);
static weir_store_code_e weirctl_publish_watch(weirctl_publish_t *p,
    weir_store_err_t *err);
static weir_store_code_e weirctl_publish_present(weirctl_publish_t *p,
    weir_store_err_t *err);
static weir_store_code_e weirctl_publish_types(weirctl_publish_t *p,
    weir_store_err_t *err);
static weir_store_code_e weirctl_publish_exec(weirctl_publish_t *p,
    weir_store_err_t *err);


weir_store_code_e
weirctl_redis_nomem(weir_store_err_t *err)
{
    return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
}


weir_store_code_e
weirctl_redis_publish(weir_store_t *store, const weir_store_change_t *c,
    weir_store_err_t *err)
{
    int                 tries;
    weir_arena_t        arena;
    weir_store_code_e   rc;
    weirctl_publish_t   p;
    weirctl_patience_t  patience;

    memset(&p, 0, sizeof(weirctl_publish_t));

    weir_arena_init(&arena, &weir_alloc_malloc, 0);
    weirctl_redis_patience(&patience);

    p.s = (weirctl_redis_t *) store;
    p.c = c;
    p.a = &arena;

    rc = weirctl_publish_valid(&p, err);

    for (tries = 0; rc == WEIR_STORE_OK; tries++) {
        p.e = WEIR_RESP_E_NONE;
        p.reply = NULL;

        rc = weirctl_publish_segments(&p, err);

        if (rc == WEIR_STORE_OK) {
            rc = weirctl_redis_ready(p.s, err);
        }

        if (rc == WEIR_STORE_OK) {
            rc = weirctl_publish_try(&p, err);
        }

        if (rc == WEIR_STORE_OK && p.e == WEIR_RESP_E_NONE) {
            break;
        }

        if (rc != WEIR_STORE_OK) {

            /* what is watched and queued goes with the connection */

            weirctl_redis_drop(p.s);
            break;
        }

        if (p.e == WEIR_RESP_E_CONFLICT && tries < WEIRCTL_REDIS_TRIES) {
            continue;
        }

        if (!weirctl_redis_retry(p.s, &patience, p.e, p.reply)) {
            rc = weirctl_redis_fail(p.s, p.what, p.e, p.reply, 1, err);

            weirctl_redis_drop(p.s);
        }
    }

    weir_arena_done(&arena);

    return rc;
}


static weir_store_code_e
weirctl_publish_valid(weirctl_publish_t *p, weir_store_err_t *err)
{
    const weir_store_change_t *c = p->c;

    weir_store_code_e  rc;

    if (c->kind.len == 0 && c->name.len == 0) {
        snprintf(p->what, sizeof(p->what), "head");

    } else if (weir_store_kind_valid(c->kind)
               && weir_store_name_valid(c->name))
    {
        snprintf(p->what, sizeof(p->what), "%.*s/%.*s", (int) c->kind.len,
                 c->kind.data, (int) c->name.len, c->name.data);

    } else {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "invalid name of a live document");
    }

    if (c->bytes.len == 0 || memchr(c->bytes.data, '\n', c->bytes.len)) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "the envelope of %s is not one line",
                               p->what);
    }

    if (c->nsegments > WEIRCTL_REDIS_ARGS - 4) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "more than %d segments",
                               WEIRCTL_REDIS_ARGS - 4);
    }

    rc = weir_store_segments(c->segments, c->nsegments, err);

    return rc == WEIR_STORE_OK ? weir_store_hash(p->hash, c->bytes, err)
                               : rc;
}


weir_store_code_e
weirctl_redis_put_segments(weir_store_t *store,
    const weir_store_segment_t *segments, uint32_t n, weir_store_err_t *err)
{
    weir_arena_t         arena;
    weirctl_publish_t    p;
    weir_store_code_e    rc;
    weir_store_change_t  c;

    memset(&p, 0, sizeof(weirctl_publish_t));
    memset(&c, 0, sizeof(weir_store_change_t));

    c.segments = segments;
    c.nsegments = n;

    rc = weir_store_segments(segments, n, err);

    if (rc == WEIR_STORE_OK) {
        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        p.s = (weirctl_redis_t *) store;
        p.c = &c;
        p.a = &arena;

        rc = weirctl_publish_segments(&p, err);

        weir_arena_done(&arena);
    }

    return rc;
}


static weir_str_t
weirctl_publish_key(weirctl_publish_t *p, uint32_t i)
{
    uint8_t     hex[WEIR_STORE_HASH * 2];
    weir_str_t  name;

    weir_hex(hex, p->c->segments[i].hash, WEIR_STORE_HASH);
    name.data = hex;
    name.len = sizeof(hex);

    return weir_resp_key(p->a, p->s->conf->ns, WEIR_RESP_KEY_SEGMENT, name);
}


/* Each anew, so that none is old enough to be collected, and read back. */

static weir_store_code_e
weirctl_publish_segments(weirctl_publish_t *p, weir_store_err_t *err)
{
    uint32_t            i;
    weir_str_t          argv[3], bytes;
    weir_resp_t        *reply;
    weir_arena_t        arena;
    weir_resp_caps_t    caps;
    weir_resp_error_e   e;
    weir_store_code_e   rc;

    rc = WEIR_STORE_OK;

    for (i = 0; rc == WEIR_STORE_OK && i < p->c->nsegments; i++) {
        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        argv[0] = weir_str("SET");
        argv[1] = weirctl_publish_key(p, i);
        argv[2] = p->c->segments[i].bytes;

        if (argv[1].data == NULL) {
            rc = weirctl_redis_nomem(err);
            goto next;
        }

        rc = weirctl_redis_call(p->s, &arena, argv, 3, &weirctl_redis_short,
                                1, &reply, err);

        if (rc != WEIR_STORE_OK) {
            goto next;
        }

        e = weir_resp_ok(reply, 0);

        if (e != WEIR_RESP_E_NONE) {
            rc = weirctl_redis_fail(p->s, "segment", e, reply, 1, err);
            goto next;
        }

        argv[0] = weir_str("GET");

        caps.bulk = p->c->segments[i].bytes.len;
        caps.total = caps.bulk + WEIR_RESP_LINE_MAX;
        caps.items = 0;
        caps.depth = 0;

        rc = weirctl_redis_call(p->s, &arena, argv, 2, &caps, 1, &reply,
                                err);

        if (rc != WEIR_STORE_OK) {
            goto next;
        }

        e = weir_resp_bytes(reply, &bytes);

        if (e != WEIR_RESP_E_NONE) {
            rc = weirctl_redis_fail(p->s, "segment", e, reply, 0, err);

        } else if (!weir_str_eq(bytes, p->c->segments[i].bytes)) {
            rc = weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                                 "%s: segment %u: other bytes came back",
                                 p->s->link.place, (unsigned) i);
        }

next:

        weir_arena_done(&arena);
    }

    return rc;
}


/* Without an error and with p->e set, nothing was done: try again. */

static weir_store_code_e
weirctl_publish_try(weirctl_publish_t *p, weir_store_err_t *err)
{
    weir_store_code_e  rc;

    rc = weirctl_publish_watch(p, err);

    if (rc == WEIR_STORE_OK && p->e == WEIR_RESP_E_NONE) {
        rc = weirctl_publish_present(p, err);
    }

    if (rc == WEIR_STORE_OK && p->e == WEIR_RESP_E_NONE) {
        rc = weirctl_publish_types(p, err);
    }

    if (rc == WEIR_STORE_OK && p->e == WEIR_RESP_E_NONE) {
        rc = weirctl_publish_exec(p, err);
    }

    return rc;
}


static weir_store_code_e
weirctl_publish_watch(weirctl_publish_t *p, weir_store_err_t *err)
{
    uint32_t           i;
    unsigned           n;
    weir_str_t         argv[WEIRCTL_REDIS_ARGS];
    weir_store_code_e  rc;

    n = 0;
    argv[n++] = weir_str("WATCH");
    argv[n++] = p->s->audit;

    if (p->c->kind.len == 0) {
        argv[n++] = p->s->head;

    } else {
        argv[n++] = p->s->live;
        argv[n++] = p->s->rev;
    }

    for (i = 0; i < p->c->nsegments; i++) {
        argv[n] = weirctl_publish_key(p, i);

        if (argv[n++].data == NULL) {
            return weirctl_redis_nomem(err);
        }
    }

    rc = weirctl_redis_once(p->s, p->a, argv, n, &weirctl_redis_short,
                            &p->reply, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    p->e = weir_resp_ok(p->reply, 0);

    if (p->e != WEIR_RESP_E_NONE || p->c->nsegments == 0) {
        return WEIR_STORE_OK;
    }

    /* whoever collects may have been faster than the watch */

    n -= p->c->nsegments + 1;
    argv[n] = weir_str("EXISTS");

    rc = weirctl_redis_once(p->s, p->a, &argv[n], p->c->nsegments + 1,
                            &weirctl_redis_short, &p->reply, err);

    if (rc == WEIR_STORE_OK) {

        if (p->reply->type != WEIR_RESP_INTEGER) {
            p->e = p->reply->type == WEIR_RESP_ERROR
                   ? weir_resp_error(p->reply) : WEIR_RESP_E_SHAPE;

        } else if (p->reply->integer != (int64_t) p->c->nsegments) {
            p->e = WEIR_RESP_E_CONFLICT;
        }
    }

    return rc;
}


/* What is in its place now, against what the caller expects there. */

static weir_store_code_e
weirctl_publish_present(weirctl_publish_t *p, weir_store_err_t *err)
{
    unsigned           n;
    weir_str_t         argv[3], bytes;
    weir_resp_caps_t   caps;
    weir_store_code_e  rc;

    n = 0;

    if (p->c->kind.len == 0) {
        argv[n++] = weir_str("GET");
        argv[n++] = p->s->head;

    } else {
        argv[n++] = weir_str("HGET");
        argv[n++] = p->s->live;
        argv[n].data = (const uint8_t *) p->what;
        argv[n++].len = strlen(p->what);
    }

    /* what others put there may be large */

    caps.bulk = 64 << 20;
    caps.total = caps.bulk + WEIR_RESP_LINE_MAX;
    caps.items = 0;
    caps.depth = 0;

    rc = weirctl_redis_once(p->s, p->a, argv, n, &caps, &p->reply, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    memset(&bytes, 0, sizeof(weir_str_t));

    p->e = weir_resp_bytes(p->reply, &bytes);

    if (p->e != WEIR_RESP_E_NONE && p->e != WEIR_RESP_E_MISSING) {
        return WEIR_STORE_OK;
    }

    rc = weirctl_redis_compare(p->s, bytes, p->e == WEIR_RESP_E_NONE,
                               p->c->expect, p->hash, p->what, err);

    p->e = WEIR_RESP_E_NONE;

    return rc;
}


weir_store_code_e
weirctl_redis_compare(weirctl_redis_t *s, weir_str_t bytes, int there,
    const uint8_t *expect, const uint8_t *want, const char *what,
    weir_store_err_t *err)
{
    uint8_t            have[WEIR_STORE_HASH];
    weir_store_code_e  rc;

    if (!there) {

        if (expect == NULL) {
            return WEIR_STORE_OK;
        }

        return weir_store_fail(err, WEIR_STORE_CONFLICT, 0,
                               "%s: %s: is not there any more",
                               s->link.place, what);
    }

    rc = weir_store_hash(have, bytes, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (expect == NULL || memcmp(have, expect, WEIR_STORE_HASH) != 0) {
        return weir_store_fail(err, WEIR_STORE_CONFLICT, 0,
                               "%s: %s: somebody else published meanwhile",
                               s->link.place, what);
    }

    if (want != NULL && memcmp(have, want, WEIR_STORE_HASH) == 0) {
        return weir_store_fail(err, WEIR_STORE_INVALID, 0,
                               "%s: %s: the same is there already",
                               s->link.place, what);
    }

    return WEIR_STORE_OK;
}


/*
 * A command that fails inside of a transaction does not undo the others: what
 * could fail is looked at before, and watched.
 */

static weir_store_code_e
weirctl_publish_types(weirctl_publish_t *p, weir_store_err_t *err)
{
    weir_str_t         argv[2];
    weir_store_code_e  rc;

    argv[0] = weir_str("TYPE");
    argv[1] = p->s->audit;

    rc = weirctl_redis_once(p->s, p->a, argv, 2, &weirctl_redis_short,
                            &p->reply, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (p->reply->type != WEIR_RESP_STATUS) {
        p->e = p->reply->type == WEIR_RESP_ERROR ? weir_resp_error(p->reply)
                                                 : WEIR_RESP_E_SHAPE;
        return WEIR_STORE_OK;
    }

    if (!weir_str_eq(p->reply->text, weir_str("none"))
        && !weir_str_eq(p->reply->text, weir_str("stream")))
    {
        return weir_store_fail(err, WEIR_STORE_WRONG_TYPE, 0,
                               "%s: the audit trail is of type %.*s",
                               p->s->link.place, (int) p->reply->text.len,
                               p->reply->text.data);
    }

    if (p->c->kind.len == 0) {
        return WEIR_STORE_OK;
    }

    argv[0] = weir_str("GET");
    argv[1] = p->s->rev;

    rc = weirctl_redis_once(p->s, p->a, argv, 2, &weirctl_redis_short,
                            &p->reply, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    p->e = weir_resp_rev(p->reply, &p->rev);
    p->reset = 0;

    /* what somebody made of the hint stops no publisher */

    if (p->e == WEIR_RESP_E_WRONGTYPE
        || (p->e == WEIR_RESP_E_SHAPE && p->reply->type == WEIR_RESP_STRING))
    {
        p->e = WEIR_RESP_E_NONE;
        p->reset = 1;
        p->rev = p->c->now > 0 ? (uint64_t) p->c->now + 1 : 1;
    }

    if (p->e == WEIR_RESP_E_NONE && p->rev <= p->c->rev
        && p->c->rev < INT64_MAX - 1)
    {
        p->reset = 1;
        p->rev = p->c->rev + 1;
    }

    return WEIR_STORE_OK;
}


static weir_store_code_e
weirctl_publish_exec(weirctl_publish_t *p, weir_store_err_t *err)
{
    int         rc;
    char        rev[24];
    uint32_t    n;
    weir_str_t  argv[5], wires[3];

    n = 0;

    argv[0] = weir_str("XADD");
    argv[1] = p->s->audit;
    argv[2] = weir_str("*");
    argv[3] = weir_str(WEIR_RESP_FIELD);
    argv[4] = p->c->bytes;
    rc = weir_resp_command(p->a, argv, 5, &wires[n++]);

    if (p->c->kind.len == 0) {
        argv[0] = weir_str("SET");
        argv[1] = p->s->head;
        argv[2] = p->c->bytes;
        rc |= weir_resp_command(p->a, argv, 3, &wires[n++]);

    } else {
        argv[0] = weir_str("HSET");
        argv[1] = p->s->live;
        argv[2].data = (const uint8_t *) p->what;
        argv[2].len = strlen(p->what);
        argv[3] = p->c->bytes;
        rc |= weir_resp_command(p->a, argv, 4, &wires[n++]);

        argv[0] = p->reset ? weir_str("SET") : weir_str("INCR");
        argv[1] = p->s->rev;
        argv[2].data = (const uint8_t *) rev;
        argv[2].len = (size_t) snprintf(rev, sizeof(rev), "%llu",
                                        (unsigned long long) p->rev);
        rc |= weir_resp_command(p->a, argv, p->reset ? 3 : 2, &wires[n++]);
    }

    if (rc != WEIR_OK) {
        return weirctl_redis_nomem(err);
    }

    return weirctl_redis_exec(p->s, p->a, wires, n, &p->reply, &p->e, err);
}


weir_store_code_e
weirctl_redis_exec(weirctl_redis_t *s, weir_arena_t *a,
    const weir_str_t *wires, uint32_t n, weir_resp_t **reply,
    weir_resp_error_e *e, weir_store_err_t *err)
{
    uint8_t            *p;
    uint32_t            i;
    weir_str_t          all, multi, exec;
    weir_resp_t        *first;
    weir_resp_error_e   queued;
    weir_store_code_e   rc;

    multi = weir_str("*1\r\n$5\r\nMULTI\r\n");
    exec = weir_str("*1\r\n$4\r\nEXEC\r\n");

    all.len = multi.len + exec.len;

    for (i = 0; i < n; i++) {
        all.len += wires[i].len;
    }

    p = weir_arena_alloc(a, all.len);
    all.data = p;

    if (p == NULL) {
        return weirctl_redis_nomem(err);
    }

    memcpy(p, multi.data, multi.len);
    p += multi.len;

    for (i = 0; i < n; i++) {
        memcpy(p, wires[i].data, wires[i].len);
        p += wires[i].len;
    }

    memcpy(p, exec.data, exec.len);

    rc = weirctl_link_send(&s->link, all, s->conf->timeout_ms, err);

    first = NULL;
    *e = WEIR_RESP_E_NONE;

    for (i = 0; rc == WEIR_STORE_OK && i < n + 2; i++) {
        rc = weirctl_link_reply(&s->link, &weirctl_redis_short, a,
                                s->conf->timeout_ms, reply, err);

        if (rc != WEIR_STORE_OK || i == n + 1) {
            break;
        }

        /* the first error says why EXEC will refuse */

        queued = weir_resp_ok(*reply, i != 0);

        if (queued != WEIR_RESP_E_NONE && first == NULL) {
            first = *reply;
            *e = queued;
        }
    }

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (first != NULL) {
        *reply = first;
        return WEIR_STORE_OK;
    }

    *e = weir_resp_exec(*reply, n);

    return WEIR_STORE_OK;
}
