
/*
 * Weir: the keeper: one worker of the newest configuration holds the lease in
 * the zone, and looks after the store for all of them.
 *
 *   look -> read (thread) -> persist (thread) -> in effect -> report (thread)
 */

#include "ngx_http_weir_store.h"

#include <openssl/crypto.h>


#if (NGX_THREADS)

#define NGX_HTTP_WEIR_STORE_TRIES  500      /* for a part; 10 ms each */


typedef struct ngx_http_weir_keeper_s  ngx_http_weir_keeper_t;

typedef void (*ngx_http_weir_keeper_work_pt)(ngx_http_weir_keeper_t *k);


struct ngx_http_weir_keeper_s {
    ngx_http_weir_store_conf_t   *conf;
    ngx_event_t                   look;
    ngx_event_t                   again;
    ngx_thread_task_t             task;
    ngx_http_weir_keeper_work_pt  work;     /* of the task, in its thread */
    ngx_http_weir_store_round_t  *round;    /* under way; NULL: none */
    ngx_msec_t                    next;     /* when the next round is due */
    ngx_msec_t                    told;     /* when a report was last tried */
    ngx_uint_t                    failing;  /* the last one failed */
    char                         *report;   /* being written */
    weir_store_code_e             put;
    weir_store_err_t              put_err;
    unsigned                      fetching:1;   /* from a Redis */
    unsigned                      keeps:1;
    unsigned                      changed:1;
    unsigned                      reported:1;
};


static void ngx_http_weir_keeper_look(ngx_event_t *ev);
static void ngx_http_weir_keeper_begin(ngx_http_weir_keeper_t *k);
static ngx_uint_t ngx_http_weir_keeper_lease(ngx_http_weir_keeper_t *k);
static ngx_uint_t ngx_http_weir_keeper_gone(ngx_http_weir_store_zone_t *z);
static void ngx_http_weir_keeper_round(ngx_http_weir_keeper_t *k);
static void ngx_http_weir_keeper_fetched(void *data);
static void ngx_http_weir_keeper_up(void *data);
static void ngx_http_weir_keeper_put(void *data);
static ngx_int_t ngx_http_weir_keeper_post(ngx_http_weir_keeper_t *k,
    ngx_http_weir_keeper_work_pt work, ngx_event_handler_pt done);
static void ngx_http_weir_keeper_thread(void *data, ngx_log_t *log);
static void ngx_http_weir_keeper_read(ngx_http_weir_keeper_t *k);
static void ngx_http_weir_keeper_have_read(ngx_event_t *ev);
static void ngx_http_weir_keeper_reserve(ngx_event_t *ev);
static void ngx_http_weir_keeper_persist(ngx_http_weir_keeper_t *k);
static void ngx_http_weir_keeper_have_persisted(ngx_event_t *ev);
static void ngx_http_weir_keeper_saved(ngx_http_weir_keeper_t *k,
    ngx_log_t *log);
static void ngx_http_weir_keeper_end(ngx_http_weir_keeper_t *k);
static void ngx_http_weir_keeper_tell(ngx_http_weir_keeper_t *k);
static void ngx_http_weir_keeper_report(ngx_http_weir_keeper_t *k);
static void ngx_http_weir_keeper_have_told(ngx_event_t *ev);


static ngx_http_weir_keeper_t  ngx_http_weir_keeper;


ngx_int_t
ngx_http_weir_store_keep(ngx_cycle_t *cycle, ngx_http_weir_store_conf_t *sscf)
{
    ngx_http_weir_keeper_t  *k;

    k = &ngx_http_weir_keeper;

    ngx_memzero(k, sizeof(ngx_http_weir_keeper_t));

    k->conf = sscf;

    k->look.handler = ngx_http_weir_keeper_look;
    k->look.data = k;
    k->look.log = cycle->log;
    k->look.cancelable = 1;

    k->again.handler = ngx_http_weir_keeper_reserve;
    k->again.data = k;
    k->again.log = cycle->log;
    k->again.cancelable = 1;

    if (sscf->redis) {
        ngx_http_weir_store_redis_init(sscf, cycle->log,
                                       ngx_http_weir_keeper_up, k);
    }

    /* at once: after a reload the new workers take over from the old ones */

    ngx_add_timer(&k->look, 1);

    return NGX_OK;
}


/* A worker that ends: threads are gone already, so is what they did. */

void
ngx_http_weir_store_leave(ngx_http_weir_store_conf_t *sscf)
{
    ngx_http_weir_keeper_t      *k;
    ngx_http_weir_store_zone_t  *z;

    k = &ngx_http_weir_keeper;

    if (k->conf != sscf) {
        return;
    }

    z = ngx_http_weir_store_zone(sscf);

    (void) ngx_atomic_cmp_set(&z->pid, (ngx_atomic_uint_t) ngx_pid, 0);

    if (sscf->redis) {
        ngx_http_weir_store_redis_leave();
    }

    if (k->round) {
        ngx_http_weir_store_round_done(k->round);
        k->round = NULL;
    }

    free(k->report);
    k->report = NULL;
}


static void
ngx_http_weir_keeper_look(ngx_event_t *ev)
{
    ngx_uint_t               keeps;
    ngx_msec_int_t           left, wait;
    ngx_http_weir_keeper_t  *k;

    k = ev->data;

    if (ngx_exiting || ngx_quit || ngx_terminate) {
        (void) ngx_atomic_cmp_set(&ngx_http_weir_store_zone(k->conf)->pid,
                                  (ngx_atomic_uint_t) ngx_pid, 0);
        k->keeps = 0;

        /* its callbacks would begin what this worker does not finish */

        if (k->conf->redis && !k->round && !k->report) {
            ngx_http_weir_store_redis_leave();
            k->fetching = 0;
        }

        return;
    }

    /* every worker has connections of its own */

    if (ngx_http_weir_draining()) {
        ngx_http_weir_drain_connections((ngx_cycle_t *) ngx_cycle);
    }

    keeps = ngx_http_weir_keeper_lease(k);

    if (keeps) {
        k->changed |= ngx_http_weir_store_drain(k->conf, !k->keeps,
                                                ev->log);
    }

    if (keeps && !k->keeps) {
        ngx_log_error(NGX_LOG_INFO, ev->log, 0,
                      "weir: this worker keeps the store");

        k->next = ngx_current_msec;
        k->changed = 1;
    }

    k->keeps = keeps;

    wait = ngx_min(NGX_HTTP_WEIR_STORE_LOOK, k->conf->poll);

    if (!keeps && k->conf->redis && k->round == NULL && k->report == NULL) {
        ngx_http_weir_store_redis_leave();
        k->fetching = 0;
    }

    if (keeps && k->round == NULL && k->report == NULL && !k->fetching) {

        left = (ngx_msec_int_t) (k->next - ngx_current_msec);

        if (left <= 0) {
            ngx_http_weir_keeper_begin(k);

        } else {
            ngx_http_weir_keeper_tell(k);
            wait = ngx_min(wait, left);
        }
    }

    ngx_add_timer(ev, wait);
}


static void
ngx_http_weir_keeper_begin(ngx_http_weir_keeper_t *k)
{
    ngx_int_t   rc;
    ngx_msec_t  poll;

    /* 20 % to either side: gateways that began together drift apart */

    poll = k->conf->poll;

    k->next = ngx_current_msec + poll * 4 / 5
              + ngx_random() % (poll * 2 / 5 + 1);

    if (k->conf->redis) {
        rc = ngx_http_weir_store_redis_fetch(ngx_http_weir_keeper_fetched);

        if (rc == NGX_AGAIN) {
            k->next = ngx_current_msec;
            return;
        }

        if (rc == NGX_OK) {
            k->fetching = 1;
            return;
        }
    }

    ngx_http_weir_keeper_round(k);
}


/* What a round reads of a Redis is here. */

static void
ngx_http_weir_keeper_fetched(void *data)
{
    ngx_http_weir_keeper_t *k = data;

    k->fetching = 0;

    if (ngx_exiting || !ngx_http_weir_store_holds(k->conf)) {
        return;
    }

    ngx_http_weir_keeper_round(k);
}


/* The link to a Redis came up: look at once. */

static void
ngx_http_weir_keeper_up(void *data)
{
    ngx_http_weir_keeper_t *k = data;

    if (k->keeps && !ngx_exiting) {
        k->next = ngx_current_msec;
        ngx_add_timer(&k->look, 1);
    }
}


static void
ngx_http_weir_keeper_round(ngx_http_weir_keeper_t *k)
{
    k->round = ngx_http_weir_store_round(k->conf, 0);

    if (k->round == NULL
        || ngx_http_weir_keeper_post(k, ngx_http_weir_keeper_read,
                                     ngx_http_weir_keeper_have_read)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, k->look.log, 0,
                      "weir: a round of the keeper cannot begin");
        ngx_http_weir_keeper_end(k);
    }
}


/* 1: the lease is ours. */

static ngx_uint_t
ngx_http_weir_keeper_lease(ngx_http_weir_keeper_t *k)
{
    uint64_t                     now;
    ngx_uint_t                   ours;
    ngx_http_weir_store_zone_t  *z;

    z = ngx_http_weir_store_zone(k->conf);
    now = ngx_http_weir_monotonic();

    ngx_http_weir_zone_lock();

    ours = (z->pid == (ngx_atomic_uint_t) ngx_pid);

    if (z->cycle != k->conf->number) {

        /* a newer configuration serves */

        if (ours) {
            z->pid = 0;
            ours = 0;
        }

    } else if (!ours || z->keeper != k->conf->number) {

        ours = (z->pid == 0 || z->keeper != k->conf->number
                || ngx_http_weir_keeper_gone(z)
                || now - z->beat > NGX_HTTP_WEIR_STORE_STALE * 1000000ull);

        if (ours) {
            z->pid = (ngx_atomic_uint_t) ngx_pid;
            z->keeper = k->conf->number;
        }
    }

    if (ours) {
        z->beat = now;
    }

    ngx_http_weir_zone_unlock();

    return ours;
}


static ngx_uint_t
ngx_http_weir_keeper_gone(ngx_http_weir_store_zone_t *z)
{
    return kill((ngx_pid_t) z->pid, 0) == -1 && ngx_errno == NGX_ESRCH;
}


static ngx_int_t
ngx_http_weir_keeper_post(ngx_http_weir_keeper_t *k,
    ngx_http_weir_keeper_work_pt work, ngx_event_handler_pt done)
{
    ngx_memzero(&k->task, sizeof(ngx_thread_task_t));

    k->work = work;
    k->task.ctx = k;
    k->task.handler = ngx_http_weir_keeper_thread;
    k->task.event.data = k;
    k->task.event.handler = done;
    k->task.event.log = k->look.log;

    return ngx_thread_task_post(k->conf->pool, &k->task);
}


/*
 * A thread that ends with its process may not come to give back what OpenSSL
 * keeps for it: each task does.
 */

static void
ngx_http_weir_keeper_thread(void *data, ngx_log_t *log)
{
    ngx_http_weir_keeper_t *k = data;

    k->work(k);

    OPENSSL_thread_stop();
}


static void
ngx_http_weir_keeper_read(ngx_http_weir_keeper_t *k)
{
    ngx_http_weir_store_read(k->round);
}


static void
ngx_http_weir_keeper_have_read(ngx_event_t *ev)
{
    ngx_http_weir_keeper_t       *k;
    ngx_http_weir_store_round_t  *round;

    k = ev->data;
    round = k->round;

    if (!ngx_http_weir_store_holds(k->conf)) {
        ngx_http_weir_keeper_end(k);
        return;
    }

    /* a head of a Redis that was accepted names its segments */

    if (k->conf->redis
        && ngx_http_weir_store_redis_more(ngx_http_weir_keeper_fetched)
           == NGX_OK)
    {
        ngx_http_weir_store_round_done(round);
        k->round = NULL;
        k->fetching = 1;
        return;
    }

    k->changed |= ngx_http_weir_store_judge(round, k->look.log);

    if (round->image || ngx_http_weir_store_wanted(round)) {
        ngx_http_weir_keeper_reserve(&k->again);
        return;
    }

    k->changed |= ngx_http_weir_store_splits_apply(round, k->look.log);

    ngx_http_weir_keeper_end(k);
}


/* A part for the image: decisions that still read one take microseconds. */

static void
ngx_http_weir_keeper_reserve(ngx_event_t *ev)
{
    ngx_http_weir_keeper_t       *k;
    ngx_http_weir_store_round_t  *round;

    k = ev->data;
    round = k->round;

    if (round->image) {

        if (ngx_exiting || !ngx_http_weir_store_holds(k->conf)) {
            ngx_http_weir_keeper_end(k);
            return;
        }

        if (ngx_http_weir_policy_reserve(k->conf->policy, &round->part)
            != NGX_OK)
        {
            if (round->tries++ < NGX_HTTP_WEIR_STORE_TRIES) {
                ngx_add_timer(&k->again, 10);
                return;
            }

            ngx_log_error(NGX_LOG_CRIT, ev->log, 0,
                          "weir: all generations are in use, the bundle of "
                          "the store has to wait");
            ngx_http_weir_keeper_end(k);
            return;
        }

        round->reserved = 1;
    }

    if (ngx_http_weir_keeper_post(k, ngx_http_weir_keeper_persist,
                                  ngx_http_weir_keeper_have_persisted)
        != NGX_OK)
    {
        ngx_http_weir_keeper_end(k);
    }
}


static void
ngx_http_weir_keeper_persist(ngx_http_weir_keeper_t *k)
{
    ngx_http_weir_store_persist(k->round);
}


static void
ngx_http_weir_keeper_have_persisted(ngx_event_t *ev)
{
    ngx_http_weir_keeper_t       *k;
    ngx_http_weir_store_round_t  *round;

    k = ev->data;
    round = k->round;

    if (!ngx_http_weir_store_holds(k->conf)) {
        ngx_http_weir_keeper_end(k);
        return;
    }

    if (round->reserved && !round->filled) {
        ngx_log_error(NGX_LOG_CRIT, k->look.log, 0,
                      "weir: the image of the store's bundle is damaged, the "
                      "policies in effect stay");
    }

    if (round->filled
        && ngx_http_weir_store_activate(round, NGX_HTTP_WEIR_POLICY_STORE,
                                        k->look.log)
           != NGX_OK)
    {
        ngx_http_weir_keeper_end(k);
        return;
    }

    (void) ngx_http_weir_store_splits_apply(round, k->look.log);

    ngx_http_weir_keeper_saved(k, k->look.log);

    k->changed = 1;

    ngx_http_weir_keeper_end(k);
}


/* A disk that is full costs a start without the store, and no decision. */

static void
ngx_http_weir_keeper_saved(ngx_http_weir_keeper_t *k, ngx_log_t *log)
{
    ngx_uint_t                    bundle, splits;
    ngx_http_weir_store_zone_t   *z;
    ngx_http_weir_store_round_t  *round;

    round = k->round;
    z = round->zone;

    splits = ngx_http_weir_store_unsaved_splits(round)
             ? NGX_HTTP_WEIR_STORE_UNSAVED_SPLITS : 0;
    bundle = round->save ? NGX_HTTP_WEIR_STORE_UNSAVED_BUNDLE : 0;

    if (round->retry) {
        z->tried = round->now;
    }

    if (round->saved == WEIR_STORE_OK) {

        z->unsaved &= ~bundle;

        if (splits && (round->retry & NGX_HTTP_WEIR_STORE_UNSAVED_SPLITS)) {
            z->unsaved &= ~splits;
        }

        if (z->alarm == NGX_HTTP_WEIR_STORE_PERSIST && !z->unsaved) {
            ngx_http_weir_store_alarm(z, 0, "");

            ngx_log_error(NGX_LOG_NOTICE, log, 0, "weir: what is in effect "
                          "is saved in \"%V\" again", &k->conf->state);
        }

        return;
    }

    z->unsaved |= bundle | splits;
    z->tried = round->now;

    ngx_http_weir_store_count(z, NGX_HTTP_WEIR_STORE_PERSIST);

    if (z->alarm == NGX_HTTP_WEIR_STORE_PERSIST) {
        return;
    }

    ngx_http_weir_store_alarm(z, NGX_HTTP_WEIR_STORE_PERSIST,
                              round->save_err.err.text);

    ngx_log_error(NGX_LOG_CRIT, log, 0,
                  "weir: what the store brought is in effect and could not be "
                  "saved in \"%V\": %s: %s", &k->conf->state,
                  weir_store_word(round->saved), round->save_err.err.text);
}


static void
ngx_http_weir_keeper_end(ngx_http_weir_keeper_t *k)
{
    if (k->round) {
        ngx_http_weir_store_round_done(k->round);
        k->round = NULL;
    }

    ngx_http_weir_keeper_tell(k);
}


static void
ngx_http_weir_keeper_tell(ngx_http_weir_keeper_t *k)
{
    if (ngx_exiting || k->report || !ngx_http_weir_store_holds(k->conf)) {
        return;
    }

    if (ngx_http_weir_store_zone(k->conf)->up != 1) {
        return;
    }

    if (!k->changed && k->reported
        && ngx_current_msec - k->told < NGX_HTTP_WEIR_STORE_REPORT)
    {
        return;
    }

    k->changed = 0;
    k->reported = 1;
    k->told = ngx_current_msec;

    k->report = ngx_http_weir_store_report(k->conf);

    if (k->report && k->conf->redis) {

        if (ngx_http_weir_store_redis_put(k->report, ngx_http_weir_keeper_put)
            != NGX_OK)
        {
            free(k->report);
            k->report = NULL;
        }

        return;
    }

    if (k->report == NULL
        || ngx_http_weir_keeper_post(k, ngx_http_weir_keeper_report,
                                     ngx_http_weir_keeper_have_told)
           != NGX_OK)
    {
        free(k->report);
        k->report = NULL;
    }
}


static void
ngx_http_weir_keeper_report(ngx_http_weir_keeper_t *k)
{
    k->put = ngx_http_weir_store_put_report(k->conf, k->report, &k->put_err);
}


static void
ngx_http_weir_keeper_put(void *data)
{
    ngx_http_weir_keeper_t *k = data;

    k->put = ngx_http_weir_store_redis_put_code(&k->put_err);

    ngx_http_weir_keeper_have_told(&k->look);
}


static void
ngx_http_weir_keeper_have_told(ngx_event_t *ev)
{
    ngx_http_weir_keeper_t  *k;

    k = ev->data;

    free(k->report);
    k->report = NULL;

    if (k->conf->redis && k->put == WEIR_STORE_BUSY) {
        k->changed = 1;
        return;
    }

    if (k->put == WEIR_STORE_OK) {

        if (k->failing) {
            ngx_log_error(NGX_LOG_NOTICE, k->look.log, 0,
                          "weir: the report is in the store again");
        }

        k->failing = 0;
        return;
    }

    ngx_http_weir_store_count(ngx_http_weir_store_zone(k->conf),
                              NGX_HTTP_WEIR_STORE_NOREPORT);

    if (k->failing != (ngx_uint_t) k->put) {
        ngx_log_error(NGX_LOG_ERR, k->look.log, 0,
                      "weir: the report cannot be written to the store: %s: "
                      "%s", weir_store_word(k->put), k->put_err.err.text);
    }

    k->failing = k->put;
}

#else

ngx_int_t
ngx_http_weir_store_keep(ngx_cycle_t *cycle, ngx_http_weir_store_conf_t *sscf)
{
    return NGX_OK;
}


void
ngx_http_weir_store_leave(ngx_http_weir_store_conf_t *sscf)
{
}

#endif
