
/*
 * Weir: commands and replies of a link: one write for each pass of the event
 * loop, replies in order, deadlines.
 */

#include "ngx_http_weir_net_link.h"


#define NGX_HTTP_WEIR_NET_BUF    65536
#define NGX_HTTP_WEIR_NET_READS  16         /* before others have a turn */


static ngx_int_t ngx_http_weir_net_feed(ngx_http_weir_net_t *net,
    const u_char *p, size_t len);
static ngx_uint_t ngx_http_weir_net_redirected(ngx_http_weir_net_t *net,
    ngx_http_weir_net_wait_t *w, const weir_resp_t *reply);
static void ngx_http_weir_net_answer(ngx_http_weir_net_t *net,
    const weir_resp_t *reply);
static ngx_int_t ngx_http_weir_net_room(ngx_http_weir_net_t *net,
    size_t len);
static void ngx_http_weir_net_arm(ngx_http_weir_net_t *net);


/* A pass reads and uses it up: one is enough for all links of a process. */

static u_char  ngx_http_weir_net_buf[NGX_HTTP_WEIR_NET_BUF];


ngx_int_t
ngx_http_weir_net_command(ngx_http_weir_net_t *net, const weir_str_t *argv,
    ngx_uint_t n, const weir_resp_caps_t *caps, ngx_msec_t timeout,
    ngx_http_weir_net_reply_pt handler, void *data)
{
    ngx_int_t     rc;
    weir_str_t    wire;
    weir_arena_t  arena;

    if (net->state != NGX_HTTP_WEIR_NET_UP || net->closing
        || net->pending >= NGX_HTTP_WEIR_NET_PENDING)
    {
        return NGX_DECLINED;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    rc = NGX_ERROR;

    if (weir_resp_command(&arena, argv, (unsigned) n, &wire) == WEIR_OK) {
        rc = ngx_http_weir_net_send(net, wire, caps, timeout, handler, data);
    }

    weir_arena_done(&arena);

    return rc;
}


ngx_int_t
ngx_http_weir_net_check(ngx_http_weir_net_t *net)
{
    weir_str_t  role;

    ngx_http_weir_net_watch(net);

    role = weir_str("ROLE");

    return ngx_http_weir_net_command(net, &role, 1, &weir_resp_caps_role, 0,
                                     ngx_http_weir_net_checked, net);
}


ngx_int_t
ngx_http_weir_net_send(ngx_http_weir_net_t *net, weir_str_t wire,
    const weir_resp_caps_t *caps, ngx_msec_t timeout,
    ngx_http_weir_net_reply_pt handler, void *data)
{
    u_char                    *p;
    size_t                     keep;
    ngx_http_weir_net_wait_t  *w;

    if (ngx_http_weir_net_room(net, wire.len) != NGX_OK) {
        return NGX_ERROR;
    }

    keep = (net->conf->resp->cluster && net->state == NGX_HTTP_WEIR_NET_UP
            && net->parent == NULL)
           ? wire.len : 0;

    w = ngx_calloc(sizeof(ngx_http_weir_net_wait_t) + keep, net->log);
    if (w == NULL) {
        return NGX_ERROR;
    }

    if (keep) {
        p = (u_char *) (w + 1);
        ngx_memcpy(p, wire.data, keep);
        w->wire.data = p;
        w->wire.len = keep;
    }

    if (timeout == 0) {
        timeout = (ngx_msec_t) net->conf->resp->timeout_ms;
    }

    w->deadline = ngx_current_msec + timeout;
    w->handler = handler;
    w->data = data;
    w->caps = *caps;

    ngx_queue_insert_tail(&net->waiting, &w->queue);
    net->pending++;

    ngx_memcpy(net->out + net->out_last, wire.data, wire.len);
    net->out_last += wire.len;

    /* with all others of this pass */

    if (!net->flush.posted) {
        ngx_post_event(&net->flush, &ngx_posted_events);
    }

    ngx_http_weir_net_arm(net);

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_net_room(ngx_http_weir_net_t *net, size_t len)
{
    u_char  *p;
    size_t   size;

    if (len <= net->out_size - net->out_last) {
        return NGX_OK;
    }

    size = net->out_last - net->out_pos + len;
    size = ngx_max(size * 2, 4096);

    p = ngx_alloc(size, net->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (net->out) {
        ngx_memcpy(p, net->out + net->out_pos,
                   net->out_last - net->out_pos);
        ngx_free(net->out);
    }

    net->out_last -= net->out_pos;
    net->out_pos = 0;
    net->out = p;
    net->out_size = size;

    return NGX_OK;
}


void
ngx_http_weir_net_flush(ngx_event_t *ev)
{
    ngx_http_weir_net_t *net = ev->data;

    if (net->c) {
        ngx_http_weir_net_write(net->c->write);
    }
}


void
ngx_http_weir_net_write(ngx_event_t *wev)
{
    ssize_t               n;
    ngx_connection_t     *c;
    ngx_http_weir_net_t  *net;

    c = wev->data;
    net = c->data;

    while (net->out_pos < net->out_last) {
        n = c->send(c, net->out + net->out_pos,
                    net->out_last - net->out_pos);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n <= 0) {

            /* why the other side left may lie there still, as TLS's alert */

            (void) c->recv(c, ngx_http_weir_net_buf, NGX_HTTP_WEIR_NET_BUF);

            ngx_http_weir_net_lost(net, "the connection was lost");
            return;
        }

        net->out_pos += n;
    }

    if (net->out_pos == net->out_last) {
        net->out_pos = 0;
        net->out_last = 0;
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_http_weir_net_fail(net, "out of memory");
    }
}


void
ngx_http_weir_net_read(ngx_event_t *rev)
{
    ssize_t               n;
    ngx_uint_t            i, generation;
    ngx_connection_t     *c;
    ngx_http_weir_net_t  *net;

    c = rev->data;
    net = c->data;

    if (c->close) {

        /* this worker is to end */

        net->closing = 1;
        ngx_http_weir_net_disconnect(net);
        ngx_http_weir_net_drop(net, "the worker ends");
        return;
    }

    generation = net->generation;

    for (i = 0; i < NGX_HTTP_WEIR_NET_READS; i++) {
        n = c->recv(c, ngx_http_weir_net_buf, NGX_HTTP_WEIR_NET_BUF);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == 0 || n == NGX_ERROR) {
            ngx_http_weir_net_lost(net, n == 0 ? "the connection was closed"
                                               : "the connection was lost");
            return;
        }

        if (ngx_http_weir_net_feed(net, ngx_http_weir_net_buf, n) != NGX_OK
            || net->generation != generation)
        {
            return;
        }
    }

    if (i == NGX_HTTP_WEIR_NET_READS) {
        ngx_post_event(rev, &ngx_posted_events);
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_http_weir_net_fail(net, "out of memory");
        return;
    }

    ngx_http_weir_net_arm(net);
}


/* NGX_ERROR: the connection is gone. */

static ngx_int_t
ngx_http_weir_net_feed(ngx_http_weir_net_t *net, const u_char *p, size_t len)
{
    size_t                     used;
    ngx_uint_t                 generation;
    weir_resp_t               *reply;
    weir_resp_code_e           code;
    ngx_http_weir_net_wait_t  *w;

    generation = net->generation;

    while (len) {

        if (!net->expecting && !ngx_queue_empty(&net->waiting)) {
            w = ngx_queue_data(ngx_queue_head(&net->waiting),
                               ngx_http_weir_net_wait_t, queue);

            weir_resp_expect(&net->reader, &w->caps,
                             w->handler ? &net->arena : NULL);
            net->expecting = 1;
        }

        code = weir_resp_read(&net->reader, p, len, &used, &reply);

        p += used;
        len -= used;

        if (code == WEIR_RESP_AGAIN) {
            return NGX_OK;
        }

        if (code != WEIR_RESP_DONE) {
            ngx_http_weir_net_fail(net, "%s", weir_resp_code_text(code));
            return NGX_ERROR;
        }

        ngx_http_weir_net_answer(net, reply);

        if (net->generation != generation) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_weir_net_answer(ngx_http_weir_net_t *net, const weir_resp_t *reply)
{
    void                        *data;
    ngx_uint_t                   generation, moved;
    weir_arena_t                 arena;
    ngx_http_weir_net_wait_t    *w;
    ngx_http_weir_net_reply_pt   handler;

    w = ngx_queue_data(ngx_queue_head(&net->waiting),
                       ngx_http_weir_net_wait_t, queue);

    handler = w->handler;
    data = w->data;

    ngx_queue_remove(&w->queue);

    net->pending--;
    net->expecting = 0;

    generation = net->generation;
    moved = 0;

    /* what the handler starts may begin the next reply */

    arena = net->arena;
    weir_arena_init(&net->arena, &weir_alloc_malloc, 0);

    if (reply && handler && net->state == NGX_HTTP_WEIR_NET_UP) {
        moved = ngx_http_weir_net_redirected(net, w, reply);

        /* proven to serve: not by redirections, nor by one answer alone */

        if (!moved && handler != ngx_http_weir_net_checked
            && ngx_current_msec - net->since >= NGX_HTTP_WEIR_NET_PROVEN)
        {
            net->failures = 0;
        }
    }

    if (moved == 2) {

        /* it is asked elsewhere, and the handler waits */

        handler = NULL;
        moved = 0;

    } else {
        ngx_free(w);
    }

    /* of a command that timed out in the middle of its reply: too late */

    if (handler && reply) {
        handler(data, reply, NULL);
    }

    weir_arena_done(&arena);

    if (moved && net->generation == generation) {
        ngx_http_weir_net_move(net);
        ngx_http_weir_net_pause(net);
    }
}


/*
 * What an error reply says of the link: 0: nothing; 1: what we ask for is
 * elsewhere now; 2: only this was, and it was taken there.
 */

static ngx_uint_t
ngx_http_weir_net_redirected(ngx_http_weir_net_t *net,
    ngx_http_weir_net_wait_t *w, const weir_resp_t *reply)
{
    weir_resp_host_t   host;
    weir_resp_error_e  e;

    e = weir_resp_error(reply);

    if (e == WEIR_RESP_E_NONE || net->parent) {
        return 0;
    }

    switch (weir_resp_route(net->conf->resp, e, reply, &host)) {

    case WEIR_RESP_STAY:
        return 0;

    case WEIR_RESP_ASKED:

        if (ngx_http_weir_net_aside(net, w, &host) == NGX_OK) {
            return 2;
        }

        break;

    case WEIR_RESP_MOVED:
        ngx_http_weir_net_target(net, &host);
        break;

    default:
        break;
    }

    net->moving = 1;
    ngx_http_weir_net_say(net, "%s", weir_resp_error_word(e));

    return 1;
}


/* The timer stands at the first deadline of those that somebody awaits. */

static void
ngx_http_weir_net_arm(ngx_http_weir_net_t *net)
{
    ngx_msec_t                 next, due;
    ngx_queue_t               *q;
    ngx_msec_int_t             left;
    ngx_http_weir_net_wait_t  *w;

    if (ngx_queue_empty(&net->waiting)) {

        if (net->parent && !net->watching) {
            ngx_add_timer(&net->timer, NGX_HTTP_WEIR_NET_ASIDE);

        } else if (net->timer.timer_set) {
            ngx_del_timer(&net->timer);
        }

        return;
    }

    next = 0;

    for (q = ngx_queue_head(&net->waiting);
         q != ngx_queue_sentinel(&net->waiting);
         q = ngx_queue_next(q))
    {
        w = ngx_queue_data(q, ngx_http_weir_net_wait_t, queue);

        due = w->deadline + (w->handler ? 0 : NGX_HTTP_WEIR_NET_LATE);

        if (q == ngx_queue_head(&net->waiting)
            || (ngx_msec_int_t) (due - next) < 0)
        {
            next = due;
        }
    }

    left = (ngx_msec_int_t) (next - ngx_current_msec);

    ngx_add_timer(&net->timer, left > 0 ? (ngx_msec_t) left : 1);
}


/*
 * A command whose time is over is answered; its reply may still come, and is
 * thrown away in its turn.  One that is too late by far ends the connection.
 */

void
ngx_http_weir_net_timeout(ngx_http_weir_net_t *net)
{
    void                        *data;
    ngx_uint_t                   generation;
    ngx_queue_t                 *q;
    ngx_http_weir_net_wait_t    *w;
    ngx_http_weir_net_reply_pt   handler;

    generation = net->generation;

    if (ngx_queue_empty(&net->waiting) && net->parent && !net->watching) {

        /* nothing is on its way any more */

        ngx_http_weir_net_down(net);
        return;
    }

again:

    for (q = ngx_queue_head(&net->waiting);
         q != ngx_queue_sentinel(&net->waiting);
         q = ngx_queue_next(q))
    {
        w = ngx_queue_data(q, ngx_http_weir_net_wait_t, queue);

        if (w->handler == NULL) {

            if ((ngx_msec_int_t) (ngx_current_msec - w->deadline)
                >= NGX_HTTP_WEIR_NET_LATE)
            {
                ngx_http_weir_net_fail(net, "no reply for too long");
                return;
            }

            continue;
        }

        if ((ngx_msec_int_t) (ngx_current_msec - w->deadline) < 0) {
            continue;
        }

        handler = w->handler;
        data = w->data;
        w->handler = NULL;

        handler(data, NULL, "timed out");

        if (net->generation != generation) {
            return;
        }

        /* the handler may have changed the queue */

        goto again;
    }

    ngx_http_weir_net_arm(net);
}


void
ngx_http_weir_net_drop(ngx_http_weir_net_t *net, const char *why)
{
    ngx_queue_t                all, *q;
    ngx_http_weir_net_wait_t  *w;

    net->expecting = 0;
    net->out_pos = 0;
    net->out_last = 0;

    weir_arena_done(&net->arena);
    weir_arena_init(&net->arena, &weir_alloc_malloc, 0);

    ngx_queue_init(&all);

    if (!ngx_queue_empty(&net->waiting)) {
        ngx_queue_add(&all, &net->waiting);
    }

    if (!ngx_queue_empty(&net->asked)) {
        ngx_queue_add(&all, &net->asked);
    }

    ngx_queue_init(&net->waiting);
    ngx_queue_init(&net->asked);
    net->pending = 0;

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        ngx_queue_remove(q);

        w = ngx_queue_data(q, ngx_http_weir_net_wait_t, queue);

        if (w->handler) {
            w->handler(w->data, NULL, why);
        }

        ngx_free(w);
    }
}
