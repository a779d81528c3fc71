
/*
 * Weir: generations: compiled bundles in the zone, one of them active.
 *
 * A decision pins a generation by writing it into the word of its process
 * slot and then looking again whether it is still the active one.  The writer
 * takes a part that is not active, says so, and only then looks at the pins:
 * either it sees a pin, or who pins sees that the part is gone.  Pins of dead
 * processes do not count.  Processes that share the last slot hold the zone's
 * lock instead.
 */

#include "ngx_http_weir_policy_internal.h"


#define NGX_HTTP_WEIR_POLICY_LINE   64

/* How long the writer waits for decisions at most: they take microseconds. */

#define NGX_HTTP_WEIR_POLICY_TRIES  100


typedef struct {
    ngx_atomic_t   seq;          /* 0: not to be used */
    size_t         size;
    time_t         activated;
    u_char         hash[NGX_HTTP_WEIR_POLICY_HASH];
} ngx_http_weir_policy_part_t;


/* At the head of the area; a line per process slot follows, then the parts. */

typedef struct {
    ngx_atomic_t                  active;     /* part + 1; 0: none */
    ngx_atomic_t                  seq;
    ngx_http_weir_policy_part_t   parts[NGX_HTTP_WEIR_POLICY_PARTS];

    /* under the zone's lock */
    ngx_uint_t                    error;      /* reason + 1; 0: none */
    size_t                        len;
    u_char                        message[NGX_HTTP_WEIR_POLICY_ERROR];
    ngx_uint_t                    rejected[NGX_HTTP_WEIR_POLICY_REJECTS];
} ngx_http_weir_policy_head_t;


ngx_str_t  ngx_http_weir_policy_rejects[] = {
    ngx_string("policy-error"),
    ngx_string("missing-policy"),
    ngx_string("unknown-name"),
    ngx_string("too-large")
};


#define ngx_http_weir_policy_head(block)                                      \
    ((ngx_http_weir_policy_head_t *) (block)->data)


static ngx_atomic_t *ngx_http_weir_policy_word(ngx_http_weir_block_t *block,
    ngx_uint_t slot);
static size_t ngx_http_weir_policy_room(ngx_http_weir_block_t *block);
static u_char *ngx_http_weir_policy_data(ngx_http_weir_block_t *block,
    ngx_uint_t part);
static ngx_uint_t ngx_http_weir_policy_take_part(ngx_http_weir_block_t *block);
static ngx_uint_t ngx_http_weir_policy_pinned(ngx_http_weir_block_t *block,
    ngx_uint_t part);


static ngx_atomic_t *
ngx_http_weir_policy_word(ngx_http_weir_block_t *block, ngx_uint_t slot)
{
    return (ngx_atomic_t *)
           (block->data
            + ngx_align(sizeof(ngx_http_weir_policy_head_t),
                        NGX_HTTP_WEIR_POLICY_LINE)
            + slot * NGX_HTTP_WEIR_POLICY_LINE);
}


/* Bytes of one part. */

static size_t
ngx_http_weir_policy_room(ngx_http_weir_block_t *block)
{
    size_t  head, room;

    head = (u_char *) ngx_http_weir_policy_word(block, ngx_http_weir_slots())
           - block->data;

    if (block->size < head) {
        return 0;
    }

    room = (block->size - head) / NGX_HTTP_WEIR_POLICY_PARTS;

    return room - room % NGX_HTTP_WEIR_POLICY_LINE;
}


static u_char *
ngx_http_weir_policy_data(ngx_http_weir_block_t *block, ngx_uint_t part)
{
    return (u_char *) ngx_http_weir_policy_word(block, ngx_http_weir_slots())
           + part * ngx_http_weir_policy_room(block);
}


ngx_int_t
ngx_http_weir_policy_fit(ngx_http_weir_block_t *block, ngx_uint_t fresh,
    ngx_log_t *log)
{
    u_char                            *p;
    u_char                             text[NGX_HTTP_WEIR_POLICY_ERROR];
    size_t                             room, need;
    ngx_str_t                          message;
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = block->init_data;
    room = ngx_http_weir_policy_room(block);

    if (mcf->size <= room) {
        return NGX_OK;
    }

    p = ngx_snprintf(text, sizeof(text), "the image has %uz bytes, a "
                     "generation %uz", mcf->size, room);
    message.data = text;
    message.len = p - text;

    ngx_http_weir_policy_reject(NGX_HTTP_WEIR_POLICY_REJECT_LARGE, &message);

    need = (mcf->size - room) * NGX_HTTP_WEIR_POLICY_PARTS + block->size
           + 4096;

    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "weir: no room for the bundle \"%V\" in area \"policies\" of "
                  "the zone: its image has %uz bytes, each of the area's %d "
                  "generations %uz; enlarge it with \"weir_zone SIZE "
                  "policies=%uzk\"", &mcf->dir, mcf->size,
                  NGX_HTTP_WEIR_POLICY_PARTS, room, (need + 1023) / 1024);

    return NGX_ERROR;
}


void
ngx_http_weir_policy_activate(ngx_cycle_t *cycle,
    ngx_http_weir_policy_main_conf_t *mcf)
{
    size_t                         used;
    u_char                        *data;
    ngx_uint_t                     i, part;
    ngx_http_weir_block_t         *block;
    ngx_http_weir_policy_head_t   *head;
    ngx_http_weir_policy_part_t   *p;

    block = mcf->block;
    head = ngx_http_weir_policy_head(block);

    mcf->seq = 0;

    ngx_http_weir_zone_lock();
    head->error = 0;
    ngx_http_weir_zone_unlock();

    if (head->active) {
        part = head->active - 1;
        p = &head->parts[part];

        if (p->size == mcf->size
            && ngx_memcmp(p->hash, mcf->hash, NGX_HTTP_WEIR_POLICY_HASH) == 0)
        {
            mcf->part = part;
            mcf->seq = p->seq;
            goto done;
        }
    }

    part = ngx_http_weir_policy_take_part(block);

    if (part == NGX_HTTP_WEIR_POLICY_PARTS) {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, 0,
                      "weir: all generations are in use, the policies before "
                      "this reload stay; reload again");
        goto done;
    }

    data = ngx_http_weir_policy_data(block, part);
    ngx_memcpy(data, mcf->image, mcf->size);

    if (weir_policy_open(data, mcf->size) == NULL) {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, 0,
                      "weir: the image of \"%V\" is damaged, the policies "
                      "before this reload stay", &mcf->dir);
        goto done;
    }

    p = &head->parts[part];

    p->size = mcf->size;
    p->activated = ngx_time();
    ngx_memcpy(p->hash, mcf->hash, NGX_HTTP_WEIR_POLICY_HASH);

    head->seq++;

    __atomic_store_n(&p->seq, head->seq, __ATOMIC_SEQ_CST);
    __atomic_store_n(&head->active, part + 1, __ATOMIC_SEQ_CST);

    mcf->part = part;
    mcf->seq = p->seq;

    used = 0;

    for (i = 0; i < NGX_HTTP_WEIR_POLICY_PARTS; i++) {
        used += head->parts[i].size;
    }

    ngx_http_weir_area_used(NGX_HTTP_WEIR_AREA_POLICIES, used);

done:

    ngx_free(mcf->image);
    mcf->image = NULL;
}


/* A part that is neither active nor pinned; the oldest first. */

static ngx_uint_t
ngx_http_weir_policy_take_part(ngx_http_weir_block_t *block)
{
    ngx_uint_t                    i, n, best, tries, out;
    ngx_http_weir_policy_head_t  *head;

    head = ngx_http_weir_policy_head(block);

    for (tries = 0; tries < NGX_HTTP_WEIR_POLICY_TRIES; tries++) {

        out = head->active ? (ngx_uint_t) 1 << (head->active - 1) : 0;

        for (n = 0; n < NGX_HTTP_WEIR_POLICY_PARTS; n++) {

            best = NGX_HTTP_WEIR_POLICY_PARTS;

            for (i = 0; i < NGX_HTTP_WEIR_POLICY_PARTS; i++) {

                if (out & ((ngx_uint_t) 1 << i)) {
                    continue;
                }

                if (best == NGX_HTTP_WEIR_POLICY_PARTS
                    || head->parts[i].seq < head->parts[best].seq)
                {
                    best = i;
                }
            }

            if (best == NGX_HTTP_WEIR_POLICY_PARTS) {
                break;
            }

            ngx_http_weir_zone_lock();
            __atomic_store_n(&head->parts[best].seq, 0, __ATOMIC_SEQ_CST);
            ngx_http_weir_zone_unlock();

            if (!ngx_http_weir_policy_pinned(block, best)) {
                return best;
            }

            out |= (ngx_uint_t) 1 << best;
        }

        ngx_msleep(1);
    }

    return NGX_HTTP_WEIR_POLICY_PARTS;
}


static ngx_uint_t
ngx_http_weir_policy_pinned(ngx_http_weir_block_t *block, ngx_uint_t part)
{
    ngx_uint_t     i;
    ngx_atomic_t  *word;

    for (i = 0; i < ngx_http_weir_slots(); i++) {

        word = ngx_http_weir_policy_word(block, i);

        if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == part + 1
            && ngx_http_weir_slot_alive(i))
        {
            return 1;
        }
    }

    return 0;
}


const weir_policy_image_t *
ngx_http_weir_policy_pin(ngx_http_weir_policy_main_conf_t *mcf, ngx_uint_t own,
    ngx_uint_t *part)
{
    ngx_atomic_t                 *word;
    ngx_atomic_uint_t             active;
    const weir_policy_image_t    *image;
    ngx_http_weir_policy_head_t  *head;

    if (mcf->block == NULL || (own && mcf->seq == 0)) {
        return NULL;
    }

    head = ngx_http_weir_policy_head(mcf->block);
    word = ngx_http_weir_policy_word(mcf->block, ngx_http_weir_slot);

    if (ngx_http_weir_slot_shared) {
        ngx_http_weir_zone_lock();
    }

    for ( ;; ) {

        active = own ? mcf->part + 1
                     : __atomic_load_n(&head->active, __ATOMIC_SEQ_CST);

        if (active == 0) {
            ngx_http_weir_policy_unpin(mcf);
            return NULL;
        }

        if (!ngx_http_weir_slot_shared) {
            __atomic_store_n(word, active, __ATOMIC_SEQ_CST);
        }

        if (own) {

            if (__atomic_load_n(&head->parts[mcf->part].seq, __ATOMIC_SEQ_CST)
                != mcf->seq)
            {
                ngx_http_weir_policy_unpin(mcf);
                return NULL;
            }

            break;
        }

        if (__atomic_load_n(&head->active, __ATOMIC_SEQ_CST) == active) {
            break;
        }
    }

    image = weir_policy_trust(ngx_http_weir_policy_data(mcf->block,
                                                        active - 1));
    if (image == NULL) {
        ngx_http_weir_policy_unpin(mcf);
        return NULL;
    }

    *part = active - 1;

    return image;
}


void
ngx_http_weir_policy_unpin(ngx_http_weir_policy_main_conf_t *mcf)
{
    if (ngx_http_weir_slot_shared) {
        ngx_http_weir_zone_unlock();
        return;
    }

    __atomic_store_n(ngx_http_weir_policy_word(mcf->block,
                                               ngx_http_weir_slot),
                     0, __ATOMIC_RELEASE);
}


void
ngx_http_weir_policy_reject(ngx_uint_t reason, ngx_str_t *message)
{
    ngx_cycle_t                       *cycle;
    ngx_http_weir_policy_head_t       *head;
    ngx_http_weir_policy_main_conf_t  *mcf;

    cycle = (ngx_cycle_t *) ngx_cycle;

    if (cycle == NULL || cycle->conf_ctx == NULL
        || ngx_process == NGX_PROCESS_SIGNALLER)
    {
        return;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_policy_module);

    if (mcf == NULL || mcf->block == NULL || mcf->block->data == NULL) {
        return;
    }

    head = ngx_http_weir_policy_head(mcf->block);

    ngx_http_weir_zone_lock();

    head->error = reason + 1;
    head->len = ngx_min(message->len, NGX_HTTP_WEIR_POLICY_ERROR);
    ngx_memcpy(head->message, message->data, head->len);
    head->rejected[reason]++;

    ngx_http_weir_zone_unlock();
}


ngx_int_t
ngx_http_weir_policy_generation(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_generation_t *g)
{
    ngx_uint_t                    part;
    ngx_http_weir_policy_part_t  *p;
    ngx_http_weir_policy_head_t  *head;

    if (ngx_http_weir_policy_pin(mcf, 0, &part) == NULL) {
        return NGX_DECLINED;
    }

    head = ngx_http_weir_policy_head(mcf->block);
    p = &head->parts[part];

    ngx_memcpy(g->hash, p->hash, NGX_HTTP_WEIR_POLICY_HASH);
    g->activated = p->activated;
    g->size = p->size;

    ngx_http_weir_policy_unpin(mcf);

    ngx_http_weir_zone_lock();

    ngx_str_null(&g->error);

    if (head->error) {
        g->error = ngx_http_weir_policy_rejects[head->error - 1];
    }

    g->message.len = head->len;
    g->message.data = g->text;

    ngx_memcpy(g->text, head->message, head->len);
    ngx_memcpy(g->rejected, head->rejected, sizeof(g->rejected));

    ngx_http_weir_zone_unlock();

    return NGX_OK;
}
