
/*
 * Weir: the store in Redis, as the keeper reads it.  A round is blocking C in
 * a thread; the network belongs to the event loop.  So what a round may ask
 * for is fetched before it runs, and the round is given a store that knows
 * just that.  Segments are named by a head only when its signatures hold: a
 * round that misses some says which, they are fetched, and it runs again.
 */

#include "ngx_http_weir_store_redis.h"


#define NGX_HTTP_WEIR_REDIS_LIVE      (1 << 20)   /* read, to be refused */
#define NGX_HTTP_WEIR_REDIS_SLOW      10000       /* ms, for a segment */


static void ngx_http_weir_redis_change(void *data);
static ngx_int_t ngx_http_weir_redis_ask(ngx_http_weir_redis_t *r);
static ngx_uint_t ngx_http_weir_redis_again(ngx_http_weir_redis_t *r);
static ngx_int_t ngx_http_weir_redis_get(ngx_http_weir_redis_t *r,
    ngx_http_weir_redis_item_t *item);
static void ngx_http_weir_redis_reply(void *data, const weir_resp_t *reply,
    const char *why);
static void ngx_http_weir_redis_finish(ngx_http_weir_redis_t *r);
static void ngx_http_weir_redis_lost(ngx_http_weir_redis_t *r,
    const ngx_http_weir_redis_item_t *item);
static void ngx_http_weir_redis_put_reply(void *data,
    const weir_resp_t *reply, const char *why);


ngx_http_weir_redis_t  ngx_http_weir_redis;


void
ngx_http_weir_store_redis_init(ngx_http_weir_store_conf_t *sscf,
    ngx_log_t *log, ngx_http_weir_redis_pt up, void *data)
{
    ngx_http_weir_redis_t *r = &ngx_http_weir_redis;

    ngx_memzero(r, sizeof(ngx_http_weir_redis_t));

    r->store.ops = &ngx_http_weir_redis_view_ops;
    r->conf = *sscf->redis;
#if (NGX_THREADS)
    r->conf.pool = sscf->pool;
#endif
    r->sscf = sscf;
    r->log = log;
    r->up = up;
    r->data = data;

    weir_arena_init(&r->arena, &weir_alloc_malloc, 0);
}


void
ngx_http_weir_store_redis_leave(void)
{
    ngx_http_weir_net_t    *net;
    ngx_http_weir_redis_t  *r;

    r = &ngx_http_weir_redis;

    /* nobody waits any more for what ends now */

    r->done = NULL;
    r->told = NULL;
    r->waiting = 0;

    net = r->net;
    r->net = NULL;

    if (net) {
        ngx_http_weir_net_close(net);
    }
}


static void
ngx_http_weir_redis_change(void *data)
{
    ngx_http_weir_redis_t *r = data;

    ngx_uint_t  up;

    if (r->net == NULL) {
        return;
    }

    up = (ngx_http_weir_net_state(r->net) == NGX_HTTP_WEIR_NET_UP);

    if (!r->waiting) {

        if (up) {
            r->up(r->data);
        }

        return;
    }

    /* the link was on its way to where our keys are now */

    r->waiting = 0;

    if (!up || ngx_http_weir_redis_ask(r) != NGX_OK) {
        r->next = r->nsegments;
        r->pending = 1;
        ngx_http_weir_redis_finish(r);
    }
}


ngx_int_t
ngx_http_weir_store_redis_fetch(ngx_http_weir_redis_pt done)
{
    ngx_uint_t                    i;
    ngx_http_weir_redis_t        *r;
    ngx_http_weir_split_live_t   *lives;

    r = &ngx_http_weir_redis;

    weir_arena_done(&r->arena);
    weir_arena_init(&r->arena, &weir_alloc_malloc, 0);

    r->lives = NULL;
    r->nlives = 0;
    r->segments = NULL;
    r->nsegments = 0;
    r->next = 0;
    r->code = WEIR_STORE_OK;

    if (r->net == NULL) {
        r->net = ngx_http_weir_net_open(&r->conf, r->log,
                                        ngx_http_weir_redis_change, r);
        if (r->net == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_weir_net_state(r->net) != NGX_HTTP_WEIR_NET_UP) {

        if (ngx_http_weir_net_error(r->net)[0] == '\0'
            || ngx_http_weir_net_moving(r->net))
        {
            return NGX_AGAIN;
        }

        r->code = weir_store_fail(&r->err, WEIR_STORE_UNREACHABLE, 0, "%s",
                                  ngx_http_weir_net_error(r->net));
        return NGX_DECLINED;
    }

    lives = r->sscf->lives->elts;

    r->lives = weir_arena_calloc(&r->arena, r->sscf->lives->nelts + 1,
                                 sizeof(ngx_http_weir_redis_item_t));
    if (r->lives == NULL) {
        return NGX_ERROR;
    }

    r->nlives = r->sscf->lives->nelts;
    r->done = done;
    r->moves = 0;
    r->waiting = 0;

    ngx_memzero(&r->head, sizeof(ngx_http_weir_redis_item_t));
    r->head.code = WEIR_STORE_UNREACHABLE;
    r->head.max = WEIR_ENVELOPE_MAX;

    for (i = 0; i < r->nlives; i++) {
        r->lives[i].name = lives[i].name;
        r->lives[i].code = WEIR_STORE_UNREACHABLE;
        r->lives[i].max = NGX_HTTP_WEIR_REDIS_LIVE;
    }

    if (ngx_http_weir_redis_ask(r) != NGX_OK) {
        r->done = NULL;
        r->code = weir_store_fail(&r->err, WEIR_STORE_UNREACHABLE, 0, "%s",
                                  "too much is pending");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* For what there is no answer yet, behind ROLE: a replica is no store. */

static ngx_int_t
ngx_http_weir_redis_ask(ngx_http_weir_redis_t *r)
{
    ngx_uint_t  i;

    /* one more, so that none of these is the last */

    r->pending = 1;

    if (ngx_http_weir_net_check(r->net) == NGX_OK) {

        if (r->head.code == WEIR_STORE_UNREACHABLE) {
            (void) ngx_http_weir_redis_get(r, &r->head);
        }

        for (i = 0; i < r->nlives; i++) {
            if (r->lives[i].code == WEIR_STORE_UNREACHABLE) {
                (void) ngx_http_weir_redis_get(r, &r->lives[i]);
            }
        }
    }

    r->next = 0;

    if (r->pending == 1 && r->nsegments) {

        /* all but these were there */

        ngx_http_weir_redis_finish(r);
        return NGX_OK;
    }

    return --r->pending ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_weir_redis_get(ngx_http_weir_redis_t *r,
    ngx_http_weir_redis_item_t *item)
{
    u_char             field[sizeof("split/") + WEIR_STORE_NAME_MAX];
    u_char             hex[WEIR_STORE_HASH * 2], last[NGX_SIZE_T_LEN];
    ngx_int_t          rc;
    ngx_uint_t         n;
    weir_str_t         argv[4], name;
    ngx_msec_t         timeout;
    weir_arena_t       arena;
    weir_resp_caps_t   caps;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    item->redis = r;
    item->code = WEIR_STORE_UNREACHABLE;
    timeout = 0;

    if (item->name.len) {
        argv[0] = weir_str("HGET");
        argv[1] = weir_resp_key(&arena, r->conf.resp->ns, WEIR_RESP_KEY_LIVE,
                                weir_str(""));
        argv[2].data = field;
        argv[2].len = ngx_snprintf(field, sizeof(field), "split/%V",
                                   &item->name) - field;
        n = 3;

    } else {
        weir_hex(hex, item->hash, WEIR_STORE_HASH);
        name.data = hex;
        name.len = sizeof(hex);

        /* one byte more tells what is too large */

        argv[0] = weir_str("GETRANGE");
        argv[1] = weir_resp_key(&arena, r->conf.resp->ns,
                                item->segment ? WEIR_RESP_KEY_SEGMENT
                                              : WEIR_RESP_KEY_HEAD, name);
        argv[2] = weir_str("0");
        argv[3].data = last;
        argv[3].len = ngx_sprintf(last, "%uz", item->max) - last;
        n = 4;

        if (item->segment) {
            timeout = NGX_HTTP_WEIR_REDIS_SLOW;
        }
    }

    caps.bulk = item->max + 1;
    caps.total = caps.bulk + WEIR_RESP_LINE_MAX;
    caps.items = 0;
    caps.depth = 0;

    rc = argv[1].data == NULL || r->net == NULL
         ? NGX_ERROR
         : ngx_http_weir_net_command(r->net, argv, n, &caps, timeout,
                                     ngx_http_weir_redis_reply, item);

    weir_arena_done(&arena);

    if (rc == NGX_OK) {
        r->pending++;

    } else {
        (void) snprintf(item->why, sizeof(item->why), "%s",
                        rc == NGX_ERROR ? "out of memory" : "not connected");
    }

    return rc;
}


static void
ngx_http_weir_redis_reply(void *data, const weir_resp_t *reply,
    const char *why)
{
    ngx_http_weir_redis_item_t *item = data;

    weir_str_t          bytes;
    weir_resp_error_e   e;

    if (reply == NULL) {
        (void) snprintf(item->why, sizeof(item->why), "%s", why);
        ngx_http_weir_redis_finish(item->redis);
        return;
    }

    e = weir_resp_bytes(reply, &bytes);

    /* GETRANGE of nothing is empty, and an envelope is not */

    if (e == WEIR_RESP_E_NONE && bytes.len == 0) {
        e = WEIR_RESP_E_MISSING;
    }

    (void) snprintf(item->why, sizeof(item->why), "%s",
                    weir_resp_error_word(e));

    switch (e) {

    case WEIR_RESP_E_NONE:
        item->bytes = weir_arena_copy(&item->redis->arena, bytes);
        item->code = item->bytes.data ? WEIR_STORE_OK : WEIR_STORE_NOMEM;
        break;

    case WEIR_RESP_E_MISSING:
        item->code = WEIR_STORE_MISSING;
        break;

    case WEIR_RESP_E_WRONGTYPE:
        item->code = WEIR_STORE_WRONG_TYPE;
        break;

    case WEIR_RESP_E_NOPERM:
        item->code = WEIR_STORE_UNREADABLE;
        break;

    default:
        item->code = WEIR_STORE_UNREACHABLE;
        break;
    }

    ngx_http_weir_redis_finish(item->redis);
}


/* One of those that were asked for is here: the next, or the end. */

static void
ngx_http_weir_redis_finish(ngx_http_weir_redis_t *r)
{
    ngx_uint_t                   i;
    ngx_http_weir_redis_pt       done;
    ngx_http_weir_redis_item_t  *item;

    if (--r->pending) {
        return;
    }

    while (r->next < r->nsegments) {
        item = &r->segments[r->next++];

        if (item->code == WEIR_STORE_UNREACHABLE
            && ngx_http_weir_redis_get(r, item) == NGX_OK)
        {
            return;
        }
    }

    if (ngx_http_weir_redis_again(r)) {
        return;
    }

    ngx_http_weir_redis_lost(r, &r->head);

    for (i = 0; i < r->nlives; i++) {
        ngx_http_weir_redis_lost(r, &r->lives[i]);
    }

    for (i = 0; i < r->nsegments; i++) {
        ngx_http_weir_redis_lost(r, &r->segments[i]);
    }

    done = r->done;
    r->done = NULL;

    if (done) {
        done(r->data);
    }
}


/* 1: some of it was lost with a link that goes to where our keys are. */

static ngx_uint_t
ngx_http_weir_redis_again(ngx_http_weir_redis_t *r)
{
    ngx_uint_t  i, lost;

    if (r->net == NULL || r->done == NULL || r->moves == 3
        || !ngx_http_weir_net_moving(r->net))
    {
        return 0;
    }

    lost = (r->head.code == WEIR_STORE_UNREACHABLE);

    for (i = 0; i < r->nlives; i++) {
        lost |= (r->lives[i].code == WEIR_STORE_UNREACHABLE);
    }

    for (i = 0; i < r->nsegments; i++) {
        lost |= (r->segments[i].code == WEIR_STORE_UNREACHABLE);
    }

    r->moves += lost;
    r->waiting = lost;

    return lost;
}


/* A store that does not answer says nothing of what it holds. */

static void
ngx_http_weir_redis_lost(ngx_http_weir_redis_t *r,
    const ngx_http_weir_redis_item_t *item)
{
    if (item->code == WEIR_STORE_UNREACHABLE && r->code == WEIR_STORE_OK) {
        r->code = weir_store_fail(&r->err, item->code, 0, "%s", item->why);
    }
}


ngx_int_t
ngx_http_weir_store_redis_more(ngx_http_weir_redis_pt done)
{
    ngx_http_weir_redis_t *r = &ngx_http_weir_redis;

    if (r->next >= r->nsegments) {
        return NGX_DECLINED;
    }

    r->done = done;
    r->pending = 1;

    ngx_http_weir_redis_finish(r);

    return NGX_OK;
}


ngx_int_t
ngx_http_weir_store_redis_put(const char *text, ngx_http_weir_redis_pt told)
{
    u_char                  ttl[NGX_INT_T_LEN];
    ngx_int_t               rc;
    weir_str_t              argv[5];
    weir_arena_t            arena;
    ngx_http_weir_redis_t  *r;

    static const weir_resp_caps_t  caps = { 0, WEIR_RESP_LINE_MAX, 0, 0 };

    r = &ngx_http_weir_redis;

    if (r->net == NULL) {
        return NGX_DECLINED;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    argv[0] = weir_str("SET");
    argv[1] = weir_resp_key(&arena, r->conf.resp->ns, WEIR_RESP_KEY_GATEWAY,
                            ngx_http_weir_str(r->sscf->node));
    argv[2].data = (const uint8_t *) text;
    argv[2].len = ngx_strlen(text);
    argv[3] = weir_str("EX");
    argv[4].data = ttl;
    argv[4].len = ngx_sprintf(ttl, "%d", WEIR_RESP_REPORT_TTL) - ttl;

    rc = argv[1].data == NULL
         ? NGX_ERROR
         : ngx_http_weir_net_command(r->net, argv, 5, &caps, 0,
                                     ngx_http_weir_redis_put_reply, r);

    weir_arena_done(&arena);

    if (rc == NGX_OK) {
        r->told = told;
    }

    return rc;
}


weir_store_code_e
ngx_http_weir_store_redis_put_code(weir_store_err_t *err)
{
    *err = ngx_http_weir_redis.put_err;

    return ngx_http_weir_redis.put;
}


static void
ngx_http_weir_redis_put_reply(void *data, const weir_resp_t *reply,
    const char *why)
{
    ngx_http_weir_redis_t *r = data;

    weir_resp_error_e       e;
    ngx_http_weir_redis_pt  told;

    r->put = WEIR_STORE_OK;

    if (r->net && ngx_http_weir_net_moving(r->net)) {

        /* elsewhere it will be taken */

        r->put = weir_store_fail(&r->put_err, WEIR_STORE_BUSY, 0,
                                 "the link moves");

    } else if (reply == NULL) {
        r->put = weir_store_fail(&r->put_err, WEIR_STORE_UNREACHABLE, 0,
                                 "%s", why);

    } else {
        e = weir_resp_ok(reply, 0);

        if (e != WEIR_RESP_E_NONE) {
            r->put = weir_store_fail(&r->put_err,
                                     e == WEIR_RESP_E_NOPERM
                                         ? WEIR_STORE_DENIED
                                     : e == WEIR_RESP_E_OOM
                                         ? WEIR_STORE_FULL
                                         : WEIR_STORE_OTHER, 0, "%s",
                                     weir_resp_error_word(e));
        }
    }

    told = r->told;
    r->told = NULL;

    if (told) {
        told(r->data);
    }
}
