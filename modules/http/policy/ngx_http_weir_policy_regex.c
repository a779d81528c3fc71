
/*
 * Weir: each worker's compiled regular expressions of the generations.  A
 * decision compiles what it needs; the rest is compiled beforehand, one at a
 * time between events, so that no worker stands still for all of them.
 */

#include "ngx_http_weir_policy_zone.h"


#define NGX_HTTP_WEIR_POLICY_SLICE  1     /* ms between two of them */


typedef struct {
    void                   *block;        /* of the zone; NULL: none */
    ngx_atomic_uint_t       seq;
    weir_policy_regexes_t  *regexes;
} ngx_http_weir_policy_compiled_t;


static void ngx_http_weir_policy_later(void);
static void ngx_http_weir_policy_slice(ngx_event_t *ev);
static ngx_uint_t ngx_http_weir_policy_step(
    ngx_http_weir_policy_main_conf_t *mcf);


static ngx_http_weir_policy_compiled_t
    ngx_http_weir_policy_compiled[NGX_HTTP_WEIR_POLICY_PARTS];

static ngx_event_t       ngx_http_weir_policy_event;
static ngx_connection_t  ngx_http_weir_policy_dummy;


weir_policy_regexes_t *
ngx_http_weir_policy_regexes(ngx_http_weir_policy_main_conf_t *mcf,
    const weir_policy_image_t *image, ngx_uint_t part)
{
    ngx_atomic_uint_t                 seq;
    ngx_http_weir_policy_compiled_t  *c;

    if (weir_policy_regex_count(image) == 0) {
        return NULL;
    }

    c = &ngx_http_weir_policy_compiled[part];
    seq = ngx_http_weir_policy_head(mcf->block)->parts[part].seq;

    if (c->block == mcf->block->data && c->seq == seq && c->regexes) {
        return c->regexes;
    }

    weir_policy_regexes_destroy(c->regexes);

    c->block = mcf->block->data;
    c->seq = seq;
    c->regexes = weir_policy_regexes_create(&weir_alloc_malloc, image);

    if (c->regexes) {
        ngx_http_weir_policy_later();
    }

    return c->regexes;
}


/* The image goes with its configuration, and so do these. */

weir_policy_regexes_t *
ngx_http_weir_policy_candidate_regexes(ngx_http_weir_policy_main_conf_t *mcf)
{
    const weir_policy_image_t  *image;

    if (mcf->regexes == NULL) {

        image = weir_policy_trust(mcf->candidate.image);

        if (weir_policy_regex_count(image) == 0) {
            return NULL;
        }

        mcf->regexes = weir_policy_regexes_create(&weir_alloc_malloc, image);

        if (mcf->regexes) {
            ngx_http_weir_policy_later();
        }
    }

    return mcf->regexes;
}


static void
ngx_http_weir_policy_later(void)
{
    ngx_event_t  *ev;

    ev = &ngx_http_weir_policy_event;

    if (ev->timer_set || ngx_exiting) {
        return;
    }

    ngx_http_weir_policy_dummy.fd = (ngx_socket_t) -1;

    ev->handler = ngx_http_weir_policy_slice;
    ev->data = &ngx_http_weir_policy_dummy;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_WEIR_POLICY_SLICE);
}


void
ngx_http_weir_policy_warm(ngx_http_weir_policy_main_conf_t *mcf)
{
    ngx_uint_t                  part;
    const weir_policy_image_t  *image;

    image = ngx_http_weir_policy_pin(mcf, 0, &part);

    if (image) {
        (void) ngx_http_weir_policy_regexes(mcf, image, part);
        ngx_http_weir_policy_unpin(mcf);
    }

    if (mcf->candidate.image) {
        (void) ngx_http_weir_policy_candidate_regexes(mcf);
    }
}


static void
ngx_http_weir_policy_slice(ngx_event_t *ev)
{
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_http_weir_policy_main((ngx_cycle_t *) ngx_cycle);

    if (mcf == NULL || mcf->block == NULL || ngx_exiting) {
        return;
    }

    if (ngx_http_weir_policy_step(mcf)
        || (mcf->regexes && weir_policy_regexes_step(mcf->regexes) == WEIR_OK))
    {
        ngx_http_weir_policy_later();
    }
}


/* 1: one of the active generation's was compiled. */

static ngx_uint_t
ngx_http_weir_policy_step(ngx_http_weir_policy_main_conf_t *mcf)
{
    ngx_uint_t                  part, done;
    weir_policy_regexes_t      *regexes;
    const weir_policy_image_t  *image;

    image = ngx_http_weir_policy_pin(mcf, 0, &part);

    if (image == NULL) {
        return 0;
    }

    regexes = ngx_http_weir_policy_regexes(mcf, image, part);

    done = regexes && weir_policy_regexes_step(regexes) == WEIR_OK;

    ngx_http_weir_policy_unpin(mcf);

    return done;
}
