
/*
 * Weir: who writes generations.
 *
 * A decision pins a generation by writing it into the word of its process
 * slot and then looking again whether it is still the active one.  The writer
 * takes a part that is not active, says so, and only then looks at the pins:
 * either it sees a pin, or who pins sees that the part is gone.  Pins of dead
 * processes do not count, nor do parts that dead writers hold.
 */

#include "ngx_http_weir_policy_zone.h"


/* How long the master waits for decisions at most: they take microseconds. */

#define NGX_HTTP_WEIR_POLICY_TRIES  100


static ngx_uint_t ngx_http_weir_policy_pinned(ngx_http_weir_block_t *block,
    ngx_uint_t part);
static ngx_uint_t ngx_http_weir_policy_written(
    ngx_http_weir_policy_slot_t *p);


size_t
ngx_http_weir_policy_image_room(ngx_http_weir_policy_main_conf_t *mcf)
{
    return ngx_http_weir_policy_room(mcf->block);
}


ngx_int_t
ngx_http_weir_policy_active(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_info_t *info)
{
    ngx_uint_t  part;

    if (ngx_http_weir_policy_pin(mcf, 0, &part) == NULL) {
        return NGX_DECLINED;
    }

    *info = ngx_http_weir_policy_head(mcf->block)->parts[part].info;

    ngx_http_weir_policy_unpin(mcf);

    return NGX_OK;
}


/* The oldest first; the one before the active is of use to old workers. */

ngx_int_t
ngx_http_weir_policy_reserve(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_part_t *part)
{
    ngx_uint_t                    i, n, best, out;
    ngx_http_weir_policy_head_t  *head;

    head = ngx_http_weir_policy_head(mcf->block);

    ngx_http_weir_zone_lock();

    out = head->active ? (ngx_uint_t) 1 << (head->active - 1) : 0;

    for (n = 0; n < NGX_HTTP_WEIR_POLICY_PARTS; n++) {

        best = NGX_HTTP_WEIR_POLICY_PARTS;

        for (i = 0; i < NGX_HTTP_WEIR_POLICY_PARTS; i++) {

            if ((out & ((ngx_uint_t) 1 << i))
                || ngx_http_weir_policy_written(&head->parts[i]))
            {
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

        __atomic_store_n(&head->parts[best].seq, 0, __ATOMIC_SEQ_CST);

        if (!ngx_http_weir_policy_pinned(mcf->block, best)) {
            head->parts[best].writer = (ngx_atomic_uint_t) ngx_pid;

            ngx_http_weir_zone_unlock();

            part->part = best;
            part->data = ngx_http_weir_policy_data(mcf->block, best);
            part->room = ngx_http_weir_policy_room(mcf->block);

            return NGX_OK;
        }

        out |= (ngx_uint_t) 1 << best;
    }

    ngx_http_weir_zone_unlock();

    return NGX_AGAIN;
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


/* 1 if a process that lives writes it. */

static ngx_uint_t
ngx_http_weir_policy_written(ngx_http_weir_policy_slot_t *p)
{
    ngx_atomic_uint_t  pid;

    pid = p->writer;

    return pid && (kill((ngx_pid_t) pid, 0) == 0 || ngx_errno != NGX_ESRCH);
}


ngx_int_t
ngx_http_weir_policy_fill(ngx_http_weir_policy_part_t *part,
    const void *image, size_t size)
{
    if (size > part->room) {
        return NGX_ERROR;
    }

    ngx_memcpy(part->data, image, size);

    return weir_policy_open(part->data, size) ? NGX_OK : NGX_ERROR;
}


void
ngx_http_weir_policy_commit(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_part_t *part, size_t size,
    const ngx_http_weir_policy_info_t *info)
{
    size_t                        used;
    ngx_uint_t                    i;
    ngx_http_weir_policy_head_t  *head;
    ngx_http_weir_policy_slot_t  *p;

    head = ngx_http_weir_policy_head(mcf->block);
    p = &head->parts[part->part];

    p->size = size;
    p->info = *info;
    p->activated = ngx_time();
    p->writer = 0;

    head->seq++;

    __atomic_store_n(&p->seq, head->seq, __ATOMIC_SEQ_CST);
    __atomic_store_n(&head->active, part->part + 1, __ATOMIC_SEQ_CST);

    used = 0;

    for (i = 0; i < NGX_HTTP_WEIR_POLICY_PARTS; i++) {
        used += head->parts[i].size;
    }

    ngx_http_weir_area_used(NGX_HTTP_WEIR_AREA_POLICIES, used);
}


void
ngx_http_weir_policy_release(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_part_t *part)
{
    ngx_http_weir_policy_slot_t  *p;

    p = &ngx_http_weir_policy_head(mcf->block)->parts[part->part];

    (void) ngx_atomic_cmp_set(&p->writer, (ngx_atomic_uint_t) ngx_pid, 0);
}


void
ngx_http_weir_policy_relabel(ngx_http_weir_policy_main_conf_t *mcf,
    const ngx_http_weir_policy_info_t *info)
{
    ngx_http_weir_policy_head_t  *head;

    head = ngx_http_weir_policy_head(mcf->block);

    if (head->active) {
        head->parts[head->active - 1].info = *info;
    }
}


void
ngx_http_weir_policy_none(ngx_http_weir_policy_main_conf_t *mcf)
{
    ngx_http_weir_policy_head_t  *head;

    head = ngx_http_weir_policy_head(mcf->block);

    ngx_http_weir_zone_lock();
    __atomic_store_n(&head->active, 0, __ATOMIC_SEQ_CST);
    ngx_http_weir_zone_unlock();
}


void
ngx_http_weir_policy_own(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_uint_t others)
{
    ngx_uint_t                    i;
    ngx_http_weir_policy_head_t  *head;

    head = ngx_http_weir_policy_head(mcf->block);

    ngx_http_weir_zone_lock();

    mcf->part = head->active ? head->active - 1 : 0;
    mcf->seq = head->active ? head->parts[mcf->part].seq : 0;

    for (i = 0; !others && i < NGX_HTTP_WEIR_POLICY_PARTS; i++) {
        if (i + 1 != head->active) {
            __atomic_store_n(&head->parts[i].seq, 0, __ATOMIC_SEQ_CST);
        }
    }

    ngx_http_weir_zone_unlock();

    /* weir_bundle's, where something else is in effect */

    if (mcf->bundle.image) {
        ngx_free(mcf->bundle.image);
        mcf->bundle.image = NULL;
    }
}


ngx_int_t
ngx_http_weir_policy_local(ngx_cycle_t *cycle,
    ngx_http_weir_policy_main_conf_t *mcf)
{
    ngx_int_t                     rc;
    ngx_uint_t                    tries;
    ngx_http_weir_policy_head_t  *head;
    ngx_http_weir_policy_slot_t  *p;
    ngx_http_weir_policy_info_t   info;
    ngx_http_weir_policy_part_t   part;

    if (mcf->bundle.dir.len == 0) {
        return NGX_DECLINED;
    }

    head = ngx_http_weir_policy_head(mcf->block);

    mcf->seq = 0;

    if (!mcf->foreign) {
        ngx_http_weir_zone_lock();
        head->error = WEIR_REFUSAL_NONE;
        ngx_http_weir_zone_unlock();
    }

    if (head->active) {
        p = &head->parts[head->active - 1];

        if (p->size == mcf->bundle.size
            && p->info.source == NGX_HTTP_WEIR_POLICY_LOCAL
            && ngx_memcmp(p->info.hash, mcf->bundle.hash,
                          NGX_HTTP_WEIR_POLICY_HASH)
               == 0)
        {
            goto done;
        }
    }

    rc = NGX_AGAIN;

    for (tries = 0; tries < NGX_HTTP_WEIR_POLICY_TRIES; tries++) {

        rc = ngx_http_weir_policy_reserve(mcf, &part);

        if (rc == NGX_OK) {
            break;
        }

        ngx_msleep(1);
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, 0,
                      "weir: all generations are in use, the policies before "
                      "this reload stay; reload again");
        goto failed;
    }

    if (ngx_http_weir_policy_fill(&part, mcf->bundle.image, mcf->bundle.size)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, 0,
                      "weir: the image of \"%V\" is damaged, the policies "
                      "before this reload stay", &mcf->bundle.dir);
        ngx_http_weir_policy_release(mcf, &part);
        goto failed;
    }

    ngx_memzero(&info, sizeof(ngx_http_weir_policy_info_t));
    ngx_memcpy(info.hash, mcf->bundle.hash, NGX_HTTP_WEIR_POLICY_HASH);

    ngx_http_weir_zone_lock();
    ngx_http_weir_policy_commit(mcf, &part, mcf->bundle.size, &info);
    ngx_http_weir_zone_unlock();

done:

    mcf->part = head->active - 1;
    mcf->seq = head->parts[mcf->part].seq;

failed:

    ngx_free(mcf->bundle.image);
    mcf->bundle.image = NULL;

    return mcf->seq ? NGX_OK : NGX_ERROR;
}


void
ngx_http_weir_policy_refuse(ngx_http_weir_policy_main_conf_t *mcf,
    weir_refusal_e why, const char *message, uint64_t version,
    ngx_uint_t count)
{
    ngx_http_weir_policy_head_t  *head;

    head = ngx_http_weir_policy_head(mcf->block);

    if (why == WEIR_REFUSAL_NONE && head->error == WEIR_REFUSAL_NONE) {
        return;
    }

    ngx_http_weir_zone_lock();

    head->error = why;
    head->version = version;
    head->len = ngx_min(ngx_strlen(message), NGX_HTTP_WEIR_POLICY_ERROR);
    ngx_memcpy(head->message, message, head->len);
    head->rejected[why] += count;

    ngx_http_weir_zone_unlock();
}
