
/*
 * Weir: upgraded and streamed answers end with their token.
 *
 * Requests in flight whose identity expires stand in a queue of the worker,
 * which a timer sweeps each second while there are any.  The timer is
 * cancelable: a worker that shuts down does not wait for it.
 */

#include "ngx_http_weir_auth_internal.h"


#define NGX_HTTP_WEIR_AUTH_SWEEP  1000


static void ngx_http_weir_auth_sweep(ngx_event_t *ev);
static ngx_uint_t ngx_http_weir_auth_streams(ngx_http_request_t *r);
static void ngx_http_weir_auth_end(ngx_http_request_t *r);


/* expires is 0 where nothing expires any more. */

void
ngx_http_weir_auth_expire(ngx_http_request_t *r,
    ngx_http_weir_auth_state_t *state, time_t expires)
{
    ngx_http_weir_auth_main_conf_t  *amcf;

    state->expires = expires;

    if (expires == 0) {

        if (state->queued) {
            ngx_queue_remove(&state->queue);
            state->queued = 0;
        }

        return;
    }

    if (state->queued) {
        return;
    }

    amcf = ngx_http_get_module_main_conf(r, ngx_http_weir_auth_module);

    ngx_queue_insert_tail(&amcf->expiring, &state->queue);
    state->queued = 1;

    if (amcf->sweep.timer_set) {
        return;
    }

    if (amcf->sweep.handler == NULL) {
        amcf->sweep.handler = ngx_http_weir_auth_sweep;
        amcf->sweep.data = amcf;
        amcf->sweep.log = ngx_cycle->log;
        amcf->sweep.cancelable = 1;
    }

    ngx_add_timer(&amcf->sweep, NGX_HTTP_WEIR_AUTH_SWEEP);
}


static void
ngx_http_weir_auth_sweep(ngx_event_t *ev)
{
    time_t                           now;
    ngx_queue_t                     *q, ended;
    ngx_http_weir_auth_state_t      *state;
    ngx_http_weir_auth_main_conf_t  *amcf;

    amcf = ev->data;
    now = ngx_time();

    /*
     * Ending a request runs others' handlers, which may end further ones:
     * each takes itself out of whichever queue it stands in.
     */

    ngx_queue_init(&ended);

    q = ngx_queue_head(&amcf->expiring);

    while (q != ngx_queue_sentinel(&amcf->expiring)) {
        state = ngx_queue_data(q, ngx_http_weir_auth_state_t, queue);
        q = ngx_queue_next(q);

        if (now >= state->expires
            && ngx_http_weir_auth_streams(state->request))
        {
            ngx_queue_remove(&state->queue);
            ngx_queue_insert_tail(&ended, &state->queue);
        }
    }

    while (!ngx_queue_empty(&ended)) {
        q = ngx_queue_head(&ended);
        state = ngx_queue_data(q, ngx_http_weir_auth_state_t, queue);

        ngx_queue_remove(&state->queue);
        state->queued = 0;

        ngx_http_weir_auth_end(state->request);
    }

    /* in a worker that drains, too: what it has left ends like all */

    if (!ngx_queue_empty(&amcf->expiring)) {
        ngx_add_timer(ev, NGX_HTTP_WEIR_AUTH_SWEEP);
    }
}


/* As nginx itself ends requests when it shuts down with a deadline. */

static void
ngx_http_weir_auth_end(ngx_http_request_t *r)
{
    ngx_connection_t  *c;
#if (NGX_HTTP_V2)
    ngx_connection_t  *h2;

    h2 = r->stream ? r->stream->connection->connection : NULL;
#endif

    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_log_error(NGX_LOG_INFO, c->log, 0, "the answer ends with its token");

    /* keeps r while the upstream's cleanup finalizes it as well */

    r->count++;

    ngx_http_finalize_request(r, NGX_ERROR);
    ngx_http_run_posted_requests(c);

#if (NGX_HTTP_V2)

    if (h2) {

        /* the reset is queued, and nothing else would send it now */

        ngx_post_event(h2->write, &ngx_posted_events);
    }

#endif
}


/*
 * 1 if the answer has begun and is not yet done, or if it is a gRPC call,
 * which may be a stream before its answer begins.
 */

static ngx_uint_t
ngx_http_weir_auth_streams(ngx_http_request_t *r)
{
    ngx_str_t  type;

    if (r->done) {
        return 0;
    }

    if (r->header_sent) {
        return 1;
    }

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = r->headers_in.content_type->value;

    return type.len >= sizeof("application/grpc") - 1
           && ngx_strncasecmp(type.data, (u_char *) "application/grpc",
                              sizeof("application/grpc") - 1)
              == 0;
}
