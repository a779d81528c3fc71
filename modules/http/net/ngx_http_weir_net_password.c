
/*
 * Weir: password files of a link, read by a thread: a disk may take its time,
 * and workers may not.  What cannot be read, or is empty, changes nothing.
 */

#include "ngx_http_weir_net_link.h"


#if (NGX_THREADS)

struct ngx_http_weir_net_reading_s {
    ngx_thread_task_t            task;
    ngx_http_weir_net_t         *net;       /* NULL: it is gone */
    u_char                      *files[2];  /* NULL: none */
    ngx_err_t                    errors[2];
    weir_str_t                   texts[2];
    u_char                       bufs[2][WEIR_RESP_PASSWORD_MAX + 2];
};


static void ngx_http_weir_net_password_task(void *data, ngx_log_t *log);
static void ngx_http_weir_net_password_done(ngx_event_t *ev);
static ngx_uint_t ngx_http_weir_net_password_take(ngx_http_weir_net_t *net,
    ngx_http_weir_net_reading_t *r);


ngx_int_t
ngx_http_weir_net_password_read(ngx_http_weir_net_t *net)
{
    ngx_uint_t                     i, n;
    ngx_http_weir_net_reading_t   *r;
    ngx_http_weir_net_password_t  *p;

    n = 0;

    if (net->conf->pool == NULL || net->parent || net->reading) {
        return NGX_DECLINED;
    }

    r = ngx_calloc(sizeof(ngx_http_weir_net_reading_t), net->log);
    if (r == NULL) {
        return NGX_DECLINED;
    }

    for (i = 0; i < 2; i++) {
        p = &net->conf->passwords[i];

        if (p->file.len) {
            r->files[i] = p->file.data;
            n++;
        }
    }

    r->net = net;

    r->task.ctx = r;
    r->task.handler = ngx_http_weir_net_password_task;
    r->task.event.data = r;
    r->task.event.handler = ngx_http_weir_net_password_done;
    r->task.event.log = net->log;

    if (n == 0 || ngx_thread_task_post(net->conf->pool, &r->task) != NGX_OK) {
        ngx_free(r);
        return NGX_DECLINED;
    }

    net->reading = r;

    return NGX_OK;
}


void
ngx_http_weir_net_password_leave(ngx_http_weir_net_t *net)
{
    if (net->reading) {
        net->reading->net = NULL;
        net->reading = NULL;
    }

    ngx_explicit_memzero(net->secrets, sizeof(net->secrets));
}


static void
ngx_http_weir_net_password_task(void *data, ngx_log_t *log)
{
    ngx_http_weir_net_reading_t *r = data;

    ssize_t     n;
    ngx_fd_t    fd;
    ngx_uint_t  i;

    for (i = 0; i < 2; i++) {

        if (r->files[i] == NULL) {
            continue;
        }

        /* of a FIFO nothing would come for long */

        fd = ngx_open_file(r->files[i], NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                           NGX_FILE_OPEN, 0);

        if (fd == NGX_INVALID_FILE) {
            r->errors[i] = ngx_errno;
            continue;
        }

        n = ngx_read_fd(fd, r->bufs[i], sizeof(r->bufs[i]));

        if (n == -1) {
            r->errors[i] = ngx_errno;

        } else {
            r->texts[i].data = r->bufs[i];
            r->texts[i].len = n;
        }

        (void) ngx_close_file(fd);
    }
}


static void
ngx_http_weir_net_password_done(ngx_event_t *ev)
{
    ngx_uint_t                    changed;
    ngx_http_weir_net_t          *net;
    ngx_http_weir_net_reading_t  *r;

    r = ev->data;
    net = r->net;
    changed = 0;

    if (net) {
        net->reading = NULL;
        changed = ngx_http_weir_net_password_take(net, r);
    }

    ngx_explicit_memzero(r, sizeof(ngx_http_weir_net_reading_t));
    ngx_free(r);

    if (net == NULL || net->closing || ngx_exiting) {
        return;
    }

    if (net->state == NGX_HTTP_WEIR_NET_PASSWORD) {
        ngx_http_weir_net_connect(net);
        return;
    }

    if (net->state == NGX_HTTP_WEIR_NET_DOWN && net->denied && changed) {
        net->denied = 0;
        net->failures = 0;
        ngx_add_timer(&net->timer, 1);
    }
}


/* Returns 1 if one of them is another than before. */

static ngx_uint_t
ngx_http_weir_net_password_take(ngx_http_weir_net_t *net,
    ngx_http_weir_net_reading_t *r)
{
    int                          rc;
    ngx_uint_t                   i, bad, changed;
    weir_str_t                   password;
    ngx_http_weir_net_secret_t  *secret;

    bad = 0;
    changed = 0;

    for (i = 0; i < 2; i++) {

        if (r->files[i] == NULL) {
            continue;
        }

        secret = &net->secrets[i];
        rc = WEIR_ERROR;

        if (r->errors[i] == 0) {
            rc = weir_resp_password(r->texts[i], &password);
        }

        if (rc == WEIR_OK) {

            if (password.len != secret->len
                || ngx_memcmp(password.data, secret->data, secret->len) != 0)
            {
                changed = 1;
                secret->len = password.len;
                ngx_memcpy(secret->data, password.data, password.len);
            }

            continue;
        }

        bad = 1;

        if (!net->unreadable) {
            ngx_log_error(NGX_LOG_WARN, net->log, r->errors[i],
                          "weir: the password file \"%s\" %s; what it held "
                          "is used until it is in order", r->files[i],
                          r->errors[i] ? "cannot be read by workers"
                          : rc == WEIR_DECLINED ? "is empty"
                                                : "holds too much");
        }
    }

    net->unreadable = bad;

    return changed;
}

#else

ngx_int_t
ngx_http_weir_net_password_read(ngx_http_weir_net_t *net)
{
    return NGX_DECLINED;
}


void
ngx_http_weir_net_password_leave(ngx_http_weir_net_t *net)
{
}

#endif


void
ngx_http_weir_net_password_look(ngx_http_weir_net_t *net)
{
    if (ngx_current_msec - net->denied_at >= NGX_HTTP_WEIR_NET_DENIED) {
        net->denied = 0;
        ngx_http_weir_net_start(net);
        return;
    }

    (void) ngx_http_weir_net_password_read(net);

    ngx_add_timer(&net->timer, NGX_HTTP_WEIR_NET_LOOK);
}
