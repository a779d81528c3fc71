
/*
 * Weir: draining, asked for by a file in weir_state.  The keeper looks four
 * times a second, in a thread; what it finds holds for all workers, by a word
 * in the zone, and it writes beside it what became of it.
 */

#include "ngx_http_weir_store.h"
#include "weir_drain.h"


#if (NGX_THREADS)

typedef struct {
    ngx_http_weir_store_conf_t  *conf;
    ngx_thread_task_t            task;
    weir_drain_t                 told;      /* what stands in the file */
    weir_store_code_e            code;      /* of the last look */
    weir_store_code_e            failing;
    weir_store_err_t             err;
    ngx_uint_t                   switched;  /* by it */
    unsigned                     busy:1;
    unsigned                     changed:1;
} ngx_http_weir_store_drain_t;


static void ngx_http_weir_store_drain_look(void *data, ngx_log_t *log);
static void ngx_http_weir_store_drain_told(ngx_event_t *ev);


static ngx_http_weir_store_drain_t  ngx_http_weir_store_draining;

#endif


static ngx_uint_t ngx_http_weir_store_drain_read(
    ngx_http_weir_store_conf_t *sscf, weir_drain_t *request,
    weir_store_code_e *rc, weir_store_err_t *err);
static void ngx_http_weir_store_drain_run(void);


/* Of the master, from its start on: its workers inherit it. */

static u_char  ngx_http_weir_store_run[WEIR_DRAIN_ID + 1];


void
ngx_http_weir_store_drain_boot(ngx_cycle_t *cycle,
    ngx_http_weir_store_conf_t *sscf)
{
    weir_drain_t        request;
    weir_store_err_t    err;
    weir_store_code_e   rc;

    ngx_http_weir_store_drain_run();

    /* a reload that made a fresh zone does not end it */

    if (ngx_http_weir_store_drain_read(sscf, &request, &rc, &err)
        && request.draining && ngx_http_weir_drain(1))
    {
        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "weir: this gateway is still draining");
    }
}


static void
ngx_http_weir_store_drain_run(void)
{
    if (ngx_http_weir_store_run[0] == '\0'
        && ngx_http_weir_random_id(ngx_http_weir_store_run) != NGX_OK)
    {
        ngx_memset(ngx_http_weir_store_run, '0', WEIR_DRAIN_ID);
    }
}


/* 1: there is a request, and it is meant for this run of the gateway. */

static ngx_uint_t
ngx_http_weir_store_drain_read(ngx_http_weir_store_conf_t *sscf,
    weir_drain_t *request, weir_store_code_e *rc, weir_store_err_t *err)
{
    *rc = weir_drain_request((char *) sscf->state.data, request, err);

    return *rc == WEIR_STORE_OK
           && ngx_memcmp(request->run, ngx_http_weir_store_run, WEIR_DRAIN_ID)
              == 0;
}


#if (NGX_THREADS)

ngx_uint_t
ngx_http_weir_store_drain(ngx_http_weir_store_conf_t *sscf, ngx_uint_t fresh,
    ngx_log_t *log)
{
    ngx_uint_t                    changed;
    ngx_http_weir_store_drain_t  *d;

    d = &ngx_http_weir_store_draining;

    changed = d->changed;
    d->changed = 0;

    if (d->busy) {
        return changed;
    }

    if (fresh) {
        ngx_memzero(&d->told, sizeof(weir_drain_t));
    }

    ngx_memzero(&d->task, sizeof(ngx_thread_task_t));

    d->conf = sscf;
    d->task.ctx = d;
    d->task.handler = ngx_http_weir_store_drain_look;
    d->task.event.data = d;
    d->task.event.handler = ngx_http_weir_store_drain_told;
    d->task.event.log = log;

    d->busy = (ngx_thread_task_post(sscf->pool, &d->task) == NGX_OK);

    return changed;
}


/* In a thread. */

static void
ngx_http_weir_store_drain_look(void *data, ngx_log_t *log)
{
    ngx_http_weir_store_drain_t *d = data;

    char               *dir;
    weir_drain_t        request, answer;
    weir_store_err_t    err;
    weir_store_code_e   rc;

    dir = (char *) d->conf->state.data;
    d->switched = 0;

    ngx_memzero(&answer, sizeof(weir_drain_t));

    ngx_memcpy(answer.node, d->conf->node->data,
               ngx_min(d->conf->node->len, WEIR_DRAIN_NODE));
    ngx_memcpy(answer.run, ngx_http_weir_store_run, WEIR_DRAIN_ID);

    if (ngx_http_weir_store_drain_read(d->conf, &request, &rc, &d->err)) {
        ngx_memcpy(answer.nonce, request.nonce, WEIR_DRAIN_ID);
        d->switched = ngx_http_weir_drain(request.draining);
    }

    d->code = (rc == WEIR_STORE_MISSING) ? WEIR_STORE_OK : rc;

    answer.draining = (ngx_http_weir_draining() != 0);
    answer.in_flight = answer.draining ? ngx_http_weir_in_flight() : 0;

    if (ngx_memcmp(&d->told, &answer, sizeof(weir_drain_t)) == 0) {
        return;
    }

    rc = weir_drain_tell(dir, &answer, &err);

    if (rc == WEIR_STORE_OK) {
        d->told = answer;

    } else if (d->code == WEIR_STORE_OK) {
        d->code = rc;
        d->err = err;
    }
}


static void
ngx_http_weir_store_drain_told(ngx_event_t *ev)
{
    ngx_http_weir_store_drain_t  *d;

    d = ev->data;

    d->busy = 0;

    if (d->switched) {
        d->changed = 1;

        ngx_log_error(NGX_LOG_NOTICE, ev->log, 0,
                      ngx_http_weir_draining()
                      ? "weir: this gateway is draining: it is not ready any "
                        "more, connections end with their requests"
                      : "weir: this gateway is not draining any more");
    }

    if (d->code != WEIR_STORE_OK && d->code != d->failing) {
        ngx_log_error(NGX_LOG_ERR, ev->log, 0,
                      "weir: whether to drain cannot be told: %s: %s",
                      weir_store_word(d->code), d->err.err.text);
    }

    d->failing = d->code;
}

#endif
