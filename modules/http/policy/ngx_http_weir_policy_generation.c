
/*
 * Weir: generations: compiled bundles in the zone, one of them active; how
 * decisions pin them (ngx_http_weir_policy_writer.c says why it holds), and
 * what is known of them.  Processes that share the last slot hold the zone's
 * lock instead.
 */

#include "ngx_http_weir_policy_zone.h"


size_t
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


u_char *
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

    if (mcf->bundle.size <= room) {
        return NGX_OK;
    }

    p = ngx_snprintf(text, sizeof(text), "the image has %uz bytes, a "
                     "generation %uz", mcf->bundle.size, room);
    message.data = text;
    message.len = p - text;

    ngx_http_weir_policy_reject(WEIR_REFUSAL_TOO_LARGE, &message);

    need = (mcf->bundle.size - room) * NGX_HTTP_WEIR_POLICY_PARTS
           + block->size + 4096;

    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "weir: no room for the bundle \"%V\" in area \"policies\" of "
                  "the zone: its image has %uz bytes, each of the area's %d "
                  "generations %uz; enlarge it with \"weir_zone SIZE "
                  "policies=%uzk\"", &mcf->bundle.dir, mcf->bundle.size,
                  NGX_HTTP_WEIR_POLICY_PARTS, room, (need + 1023) / 1024);

    return NGX_ERROR;
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

    head->error = reason;
    head->version = 0;
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
    ngx_http_weir_policy_head_t  *head;
    ngx_http_weir_policy_slot_t  *p;

    if (mcf->block == NULL) {
        return NGX_DECLINED;
    }

    head = ngx_http_weir_policy_head(mcf->block);

    g->active = 0;

    if (ngx_http_weir_policy_pin(mcf, 0, &part)) {

        p = &head->parts[part];

        g->active = 1;
        g->info = p->info;
        g->activated = p->activated;

        ngx_http_weir_policy_unpin(mcf);
    }

    ngx_http_weir_zone_lock();

    g->error = weir_refusal_word(head->error);
    g->version = head->version;

    g->message.len = head->len;
    g->message.data = g->text;

    ngx_memcpy(g->text, head->message, head->len);
    ngx_memcpy(g->rejected, head->rejected, sizeof(g->rejected));

    ngx_http_weir_zone_unlock();

    return NGX_OK;
}


ngx_int_t
ngx_http_weir_policy_version(ngx_http_request_t *r,
    ngx_http_weir_policy_main_conf_t *mcf, ngx_uint_t part, ngx_str_t *text)
{
    u_char    *p;
    uint64_t   version;

    version = ngx_http_weir_policy_head(mcf->block)->parts[part].info.version;

    if (version == 0) {
        ngx_str_set(text, "0");
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_sprintf(p, "%uL", version) - p;
    text->data = p;

    return NGX_OK;
}
