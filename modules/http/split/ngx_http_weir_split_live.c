
/*
 * Weir: live weights: what a signed document says instead of nginx.conf.
 *
 * Each split has a block in the zone with two copies of its weights: the
 * keeper writes the one that is not in use and then says that it is; readers
 * take no lock.  The block belongs to the split's name and its colours in
 * their order: after a reload with other colours the workers of before read
 * what they understand, and go on with it until they end.
 */

#include "ngx_http_weir_split_internal.h"
#include "weir_signer.h"


/* A reader meets two changes within its few instructions, or none. */

#define NGX_HTTP_WEIR_SPLIT_TRIES   100


typedef struct {
    ngx_atomic_t   seq;                     /* odd: it is being written */
    uint32_t       weights[WEIR_SPLIT_COLOURS];
} ngx_http_weir_split_copy_t;


struct ngx_http_weir_split_zone_s {
    ngx_atomic_t                 current;   /* copy + 1; 0: nginx.conf's */
    ngx_http_weir_split_copy_t   copies[2];

    /* of the one process that writes; read under the zone's lock */
    ngx_http_weir_split_state_t  state;
};


ngx_array_t *
ngx_http_weir_split_live_add(ngx_conf_t *cf, ngx_str_t *ns)
{
    u_char                           *p, *text, hash[WEIR_SHA256_LEN];
    uint32_t                          k;
    weir_str_t                       *c, s;
    ngx_str_t                         name;
    ngx_uint_t                        i;
    ngx_array_t                      *lives;
    ngx_http_weir_split_t           **split;
    ngx_http_weir_split_live_t       *live;
    ngx_http_weir_split_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_split_module);
    split = smcf->splits.elts;

    lives = ngx_array_create(cf->pool, smcf->splits.nelts + 1,
                             sizeof(ngx_http_weir_split_live_t));
    text = ngx_pnalloc(cf->temp_pool, 64 * (WEIR_SPLIT_COLOURS + 1));

    if (lives == NULL || text == NULL) {
        return NULL;
    }

    for (i = 0; i < smcf->splits.nelts; i++) {

        p = ngx_sprintf(text, "%V\n", ns);

        for (k = 0; k < split[i]->split.ncolours; k++) {
            c = &split[i]->split.colours[k].name;
            p = ngx_cpymem(p, c->data, c->len);
            *p++ = '\n';
        }

        s.data = text;
        s.len = p - text;

        name.data = ngx_pnalloc(cf->pool, split[i]->name.len + 1 + 16);

        if (name.data == NULL || weir_sha256(s, hash) != WEIR_OK) {
            return NULL;
        }

        p = ngx_sprintf(name.data, "%V:", &split[i]->name);
        p = ngx_hex_dump(p, hash, 8);
        name.len = p - name.data;

        split[i]->live = ngx_http_weir_block_add(cf,
                                           NGX_HTTP_WEIR_AREA_REVOCATIONS,
                                           "live", &name,
                                           sizeof(ngx_http_weir_split_zone_t));
        if (split[i]->live == NULL) {
            return NULL;
        }

        live = ngx_array_push(lives);

        live->name.data = split[i]->name.data;
        live->name.len = split[i]->name.len;
        live->block = split[i]->live;
        live->ncolours = split[i]->split.ncolours;

        for (k = 0; k < live->ncolours; k++) {
            live->colours[k] = split[i]->split.colours[k].name;
        }
    }

    return lives;
}


/* The weights in force: live ones into dst, else nginx.conf's own. */

const uint32_t *
ngx_http_weir_split_weights(ngx_http_weir_split_t *split, uint32_t *dst)
{
    uint32_t                     k;
    ngx_uint_t                   tries;
    ngx_atomic_uint_t            current, seq;
    ngx_http_weir_split_copy_t  *copy;
    ngx_http_weir_split_zone_t  *z;

    if (split->live == NULL) {
        return split->weights;
    }

    z = (ngx_http_weir_split_zone_t *) split->live->data;

    for (tries = 0; tries < NGX_HTTP_WEIR_SPLIT_TRIES; tries++) {

        current = __atomic_load_n(&z->current, __ATOMIC_ACQUIRE);

        if (current == 0) {
            return split->weights;
        }

        copy = &z->copies[current - 1];
        seq = __atomic_load_n(&copy->seq, __ATOMIC_ACQUIRE);

        for (k = 0; k < split->split.ncolours; k++) {
            dst[k] = __atomic_load_n(&copy->weights[k], __ATOMIC_RELAXED);
        }

        __atomic_thread_fence(__ATOMIC_ACQUIRE);

        if ((seq & 1) == 0
            && __atomic_load_n(&copy->seq, __ATOMIC_RELAXED) == seq)
        {
            return dst;
        }
    }

    return split->weights;
}


void
ngx_http_weir_split_live_set(ngx_http_weir_split_live_t *live,
    const uint32_t *weights)
{
    uint32_t                     k;
    ngx_uint_t                   next;
    ngx_atomic_uint_t            seq;
    ngx_http_weir_split_copy_t  *copy;
    ngx_http_weir_split_zone_t  *z;

    z = (ngx_http_weir_split_zone_t *) live->block->data;

    if (weights == NULL) {
        __atomic_store_n(&z->current, 0, __ATOMIC_RELEASE);
        return;
    }

    next = (z->current == 1);
    copy = &z->copies[next];

    /* odd also where a writer died here before */

    seq = copy->seq | 1;

    __atomic_store_n(&copy->seq, seq, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);

    for (k = 0; k < live->ncolours; k++) {
        __atomic_store_n(&copy->weights[k], weights[k], __ATOMIC_RELAXED);
    }

    __atomic_store_n(&copy->seq, seq + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&z->current, next + 1, __ATOMIC_RELEASE);
}


ngx_http_weir_split_state_t *
ngx_http_weir_split_live_state(ngx_http_weir_split_live_t *live)
{
    return &((ngx_http_weir_split_zone_t *) live->block->data)->state;
}


ngx_uint_t
ngx_http_weir_split_live_active(ngx_http_weir_split_live_t *live)
{
    return ((ngx_http_weir_split_zone_t *) live->block->data)->current != 0;
}
