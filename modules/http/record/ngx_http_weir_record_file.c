
/*
 * Weir: the decision log's file.
 *
 * Each worker has two pairs of buffers.  Lines go into one of a pair while a
 * thread writes the other out; the file is opened for appending, so that the
 * lines of several workers do not mix.
 */

#include "ngx_http_weir_record.h"


typedef struct {
    u_char      *data;
    size_t       len;
    ngx_uint_t   lines;
    ngx_uint_t   written;    /* of the lines */
} ngx_http_weir_record_buf_t;


typedef struct {
    ngx_http_weir_record_buf_t    buf[2];
    ngx_uint_t                    active;
} ngx_http_weir_record_pair_t;


typedef struct {
    ngx_http_weir_record_conf_t  *conf;
    ngx_http_weir_record_pair_t   pairs[2];    /* permits, the rest */
    ngx_event_t                   flush;
    ngx_fd_t                      fd;          /* the thread's own */
    ngx_err_t                     err;         /* of the last writing */
    ngx_uint_t                    failing;
    ngx_uint_t                    busy;

#if (NGX_THREADS)
    ngx_thread_task_t             task;
#endif
} ngx_http_weir_record_writer_t;


static void ngx_http_weir_record_create(ngx_open_file_t *file,
    ngx_log_t *log);
static void ngx_http_weir_record_timer(ngx_event_t *ev);
static void ngx_http_weir_record_flush(void);
static void ngx_http_weir_record_thread(void *data, ngx_log_t *log);
static ngx_err_t ngx_http_weir_record_write(
    ngx_http_weir_record_conf_t *rcf, ngx_fd_t fd,
    ngx_http_weir_record_buf_t *b);
static ngx_err_t ngx_http_weir_record_all(ngx_fd_t fd, u_char *data,
    size_t len, size_t *done);
static void ngx_http_weir_record_done(ngx_event_t *ev);
static void ngx_http_weir_record_written(void);


static ngx_http_weir_record_writer_t  ngx_http_weir_record_writer;


char *
ngx_http_weir_record_open(ngx_conf_t *cf, ngx_http_weir_record_conf_t *rcf,
    ngx_str_t *name)
{
    rcf->file = ngx_conf_open_file(cf->cycle, name);
    if (rcf->file == NULL) {
        return NGX_CONF_ERROR;
    }

    if (rcf->file->flush && rcf->file->flush != ngx_http_weir_record_create) {
        return "names the file of another log";
    }

    rcf->file->flush = ngx_http_weir_record_create;

    ngx_http_weir_record_create(rcf->file, cf->log);

    return NGX_CONF_OK;
}


/*
 * nginx makes log files that everybody may read.  Ours is there before nginx
 * opens it, also when it opens it again (USR1): that is when it calls this.
 */

static void
ngx_http_weir_record_create(ngx_open_file_t *file, ngx_log_t *log)
{
    ngx_fd_t  fd;

    fd = open((const char *) file->name.data, O_WRONLY|O_APPEND|O_CREAT
              |O_EXCL|O_CLOEXEC, 0640);

    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
    }

    /* whatever is wrong with the name nginx tells when it opens it */
}


ngx_int_t
ngx_http_weir_record_start(ngx_cycle_t *cycle,
    ngx_http_weir_record_conf_t *rcf)
{
    ngx_uint_t                      i, k;
    ngx_http_weir_record_writer_t  *wr;

    wr = &ngx_http_weir_record_writer;

    ngx_memzero(wr, sizeof(ngx_http_weir_record_writer_t));

    wr->conf = rcf;

    for (i = 0; i < 2; i++) {
        for (k = 0; k < 2; k++) {
            wr->pairs[i].buf[k].data = ngx_palloc(cycle->pool,
                                                NGX_HTTP_WEIR_RECORD_BUFFER);
            if (wr->pairs[i].buf[k].data == NULL) {
                return NGX_ERROR;
            }
        }
    }

    wr->flush.handler = ngx_http_weir_record_timer;
    wr->flush.data = wr;
    wr->flush.log = cycle->log;
    wr->flush.cancelable = 1;

    return NGX_OK;
}


void
ngx_http_weir_record_put(ngx_http_weir_record_conf_t *rcf, weir_record_t *w,
    ngx_uint_t permit)
{
    ngx_http_weir_record_buf_t     *b;
    ngx_http_weir_record_pair_t    *pair;
    ngx_http_weir_record_writer_t  *wr;

    wr = &ngx_http_weir_record_writer;
    pair = &wr->pairs[permit ? 0 : 1];
    b = &pair->buf[pair->active];

    if (b->data == NULL || w->len > NGX_HTTP_WEIR_RECORD_BUFFER - b->len) {
        ngx_http_weir_record_count(rcf, NGX_HTTP_WEIR_RECORD_FULL, 1);
        return;
    }

    ngx_memcpy(b->data + b->len, w->data, w->len);
    b->len += w->len;
    b->lines++;

    if (b->len > NGX_HTTP_WEIR_RECORD_BUFFER / 2) {
        ngx_http_weir_record_flush();

    } else if (!wr->flush.timer_set) {
        ngx_add_timer(&wr->flush, NGX_HTTP_WEIR_RECORD_FLUSH);
    }
}


static void
ngx_http_weir_record_timer(ngx_event_t *ev)
{
    ngx_http_weir_record_flush();
}


static void
ngx_http_weir_record_flush(void)
{
    ngx_uint_t                      i;
    ngx_http_weir_record_pair_t    *pair;
    ngx_http_weir_record_writer_t  *wr;

    wr = &ngx_http_weir_record_writer;

    if (wr->busy) {
        return;
    }

    /* nginx may close its own at any time (USR1) */

    wr->fd = dup(wr->conf->file->fd);

    if (wr->fd == -1) {
        wr->err = ngx_errno;

        for (i = 0; i < 2; i++) {
            pair = &wr->pairs[i];
            pair->active = !pair->active;
        }

        ngx_http_weir_record_written();
        return;
    }

    for (i = 0; i < 2; i++) {
        pair = &wr->pairs[i];
        pair->active = !pair->active;
    }

#if (NGX_THREADS)

    ngx_memzero(&wr->task, sizeof(ngx_thread_task_t));

    wr->task.ctx = wr;
    wr->task.handler = ngx_http_weir_record_thread;
    wr->task.event.data = wr;
    wr->task.event.handler = ngx_http_weir_record_done;
    wr->task.event.log = ngx_cycle->log;

    if (ngx_thread_task_post(wr->conf->pool, &wr->task) == NGX_OK) {
        wr->busy = 1;
        return;
    }

#endif

    /* the queue is full */

    (void) ngx_close_file(wr->fd);

    wr->err = NGX_EAGAIN;
    ngx_http_weir_record_written();
}


static void
ngx_http_weir_record_thread(void *data, ngx_log_t *log)
{
    ngx_http_weir_record_writer_t *wr = data;

    ngx_err_t                     err;
    ngx_uint_t                    i;
    ngx_http_weir_record_pair_t  *pair;

    wr->err = 0;

    for (i = 0; i < 2; i++) {
        pair = &wr->pairs[i];
        err = ngx_http_weir_record_write(wr->conf, wr->fd,
                                         &pair->buf[!pair->active]);

        if (err) {
            wr->err = err;
        }
    }
}


/*
 * Half a line that a full disk left would swallow the next one, of whichever
 * worker: whoever writes next ends it first.
 */

static ngx_err_t
ngx_http_weir_record_write(ngx_http_weir_record_conf_t *rcf, ngx_fd_t fd,
    ngx_http_weir_record_buf_t *b)
{
    size_t      done, i;
    uint64_t   *torn;
    ngx_err_t   err;

    static u_char  lf[] = { LF };

    b->written = 0;

    if (b->len == 0) {
        return 0;
    }

    torn = (uint64_t *) rcf->torn->data;

    if (__atomic_exchange_n(torn, 0, __ATOMIC_ACQ_REL)) {

        err = ngx_http_weir_record_all(fd, lf, 1, &done);

        if (err) {
            __atomic_store_n(torn, 1, __ATOMIC_RELEASE);
            return err;
        }
    }

    err = ngx_http_weir_record_all(fd, b->data, b->len, &done);

    if (err && done && b->data[done - 1] != LF) {
        __atomic_store_n(torn, 1, __ATOMIC_RELEASE);
    }

    for (i = 0; i < done; i++) {
        b->written += (b->data[i] == LF);
    }

    return err;
}


static ngx_err_t
ngx_http_weir_record_all(ngx_fd_t fd, u_char *data, size_t len, size_t *done)
{
    ssize_t  n;

    for (*done = 0; *done < len; *done += n) {
        n = write(fd, data + *done, len - *done);

        if (n == -1 && ngx_errno == NGX_EINTR) {
            n = 0;
            continue;
        }

        if (n == -1) {
            return ngx_errno;
        }
    }

    return 0;
}


static void
ngx_http_weir_record_done(ngx_event_t *ev)
{
    ngx_uint_t                      i;
    ngx_http_weir_record_pair_t    *pair;
    ngx_http_weir_record_writer_t  *wr;

    wr = &ngx_http_weir_record_writer;

    wr->busy = 0;

    (void) ngx_close_file(wr->fd);

    ngx_http_weir_record_written();

    /* what came meanwhile */

    for (i = 0; i < 2; i++) {
        pair = &wr->pairs[i];

        if (pair->buf[pair->active].len && !wr->flush.timer_set) {
            ngx_add_timer(&wr->flush, NGX_HTTP_WEIR_RECORD_FLUSH);
        }
    }
}


/* Counts the buffers that went out, and empties them. */

static void
ngx_http_weir_record_written(void)
{
    ngx_uint_t                      i, written;
    ngx_http_weir_record_buf_t     *b;
    ngx_http_weir_record_writer_t  *wr;

    wr = &ngx_http_weir_record_writer;

    written = 0;

    for (i = 0; i < 2; i++) {
        b = &wr->pairs[i].buf[!wr->pairs[i].active];

        ngx_http_weir_record_count(wr->conf, NGX_HTTP_WEIR_RECORD_WRITTEN,
                                   b->written);
        ngx_http_weir_record_count(wr->conf, NGX_HTTP_WEIR_RECORD_ERROR,
                                   b->lines - b->written);

        written += b->written;

        b->len = 0;
        b->lines = 0;
        b->written = 0;
    }

    if (wr->err && !wr->failing) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, wr->err,
                      "weir: decisions cannot be written to \"%V\"",
                      &wr->conf->file->name);

    } else if (wr->err == 0 && wr->failing && written) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "weir: decisions are written to \"%V\" again",
                      &wr->conf->file->name);
    }

    wr->failing = wr->err || (wr->failing && written == 0);
}


/* The threads have ended, and with them what they wrote. */

void
ngx_http_weir_record_stop(ngx_http_weir_record_conf_t *rcf)
{
    ngx_err_t                       err;
    ngx_uint_t                      i;
    ngx_http_weir_record_pair_t    *pair;
    ngx_http_weir_record_writer_t  *wr;

    wr = &ngx_http_weir_record_writer;

    if (wr->conf != rcf) {
        return;
    }

    if (wr->busy) {
        wr->busy = 0;
        (void) ngx_close_file(wr->fd);
        ngx_http_weir_record_written();
    }

    wr->err = 0;

    for (i = 0; i < 2; i++) {
        pair = &wr->pairs[i];
        pair->active = !pair->active;

        err = ngx_http_weir_record_write(rcf, rcf->file->fd,
                                         &pair->buf[!pair->active]);

        if (err) {
            wr->err = err;
        }
    }

    ngx_http_weir_record_written();
}
