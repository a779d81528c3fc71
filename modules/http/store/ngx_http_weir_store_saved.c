
/*
 * Weir: at start, in the master: what was saved and still verifies is known,
 * whatever became of the fence beside it.
 */

#include "ngx_http_weir_store.h"


static void ngx_http_weir_store_saved_splits(
    ngx_http_weir_store_round_t *round, weir_state_t *state);


void
ngx_http_weir_store_saved(ngx_http_weir_store_round_t *round)
{
    uint32_t             i, n;
    weir_str_t           id;
    weir_err_t           err;
    weir_state_t        *state;
    weir_expect_t        x;
    weir_accept_t       *accept;
    weir_store_err_t     why;
    weir_state_entry_t   entries[WEIR_STATE_BUNDLES];
    weir_state_bundle_t  bundle;

    if (weir_state_open(&state, &weir_alloc_malloc,
                        (char *) round->conf->state.data, round->now, &why)
        != WEIR_STORE_OK)
    {
        return;
    }

    n = 0;
    id = weir_str(WEIR_BUNDLE_ID);
    accept = weir_arena_alloc(&round->arena, sizeof(weir_accept_t));

    /* after a reload the zone knows already */

    if (accept == NULL || round->zone->known
        || weir_state_bundles(state, entries, &n, &why) != WEIR_STORE_OK)
    {
        n = 0;
    }

    for (i = 0; i < n; i++) {

        if (weir_state_load(state, &round->arena, &entries[i],
                            WEIR_BUNDLE_MAX + WEIR_ENVELOPE_MAX, &bundle,
                            &why)
            != WEIR_STORE_OK)
        {
            continue;
        }

        ngx_http_weir_store_expect(round, &x, WEIR_KIND_BUNDLE, id);

        if (weir_accept_again(accept, &round->arena, &x, bundle.head, &err)
            == WEIR_OK
            && (!round->zone->known
                || weir_fence_cmp(&round->zone->fence, &accept->fence) < 0))
        {
            round->zone->fence = accept->fence;
            round->zone->fence.name.len = 0;
            round->zone->fence.name.data = NULL;
            round->zone->known = 1;
        }
    }

    ngx_http_weir_store_saved_splits(round, state);

    weir_state_close(state);
}


static void
ngx_http_weir_store_saved_splits(ngx_http_weir_store_round_t *round,
    weir_state_t *state)
{
    ngx_uint_t                    i;
    weir_str_t                    kind, id, raw;
    weir_err_t                    err;
    weir_expect_t                 x;
    weir_accept_t                 accept;
    ngx_http_weir_split_state_t  *known;

    kind = weir_kind_word(WEIR_KIND_SPLIT);

    for (i = 0; i < round->nsplits; i++) {
        known = round->splits[i].state;
        id = ngx_http_weir_str(&round->splits[i].live->name);

        ngx_http_weir_store_expect(round, &x, WEIR_KIND_SPLIT, id);

        if (weir_state_live(state, &round->arena, kind, id,
                            WEIR_ENVELOPE_MAX, &raw, NULL)
            == WEIR_STORE_OK
            && weir_accept_again(&accept, &round->arena, &x, raw, &err)
               == WEIR_OK
            && (!known->known
                || weir_fence_cmp(&known->fence, &accept.fence) < 0))
        {
            known->fence = accept.fence;
            known->fence.name.len = 0;
            known->fence.name.data = NULL;
            known->known = 1;
        }
    }
}
