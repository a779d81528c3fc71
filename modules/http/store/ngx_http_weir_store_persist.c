
/*
 * Weir: what was accepted goes to weir_state, so that a gateway starts
 * without its store and never goes back: bundle, live documents, and then the
 * fence that says they were accepted.  Blocking, in any thread.
 */

#include "ngx_http_weir_store.h"


static ngx_uint_t ngx_http_weir_store_unsaved(
    ngx_http_weir_store_round_t *round, ngx_http_weir_store_split_t *split);
static weir_store_code_e ngx_http_weir_store_save(
    ngx_http_weir_store_round_t *round, weir_state_t *state,
    weir_store_err_t *err);
static weir_store_code_e ngx_http_weir_store_save_fences(
    ngx_http_weir_store_round_t *round, weir_state_t *state,
    weir_store_err_t *err);


void
ngx_http_weir_store_persist(ngx_http_weir_store_round_t *round)
{
    weir_state_t       *state;
    weir_store_err_t   *err;
    weir_store_code_e   rc;

    if (round->reserved) {

        if (ngx_http_weir_policy_fill(&round->part, round->image, round->size)
            == NGX_OK)
        {
            round->filled = 1;

        } else {
            round->save = 0;
        }
    }

    round->saved = WEIR_STORE_OK;

    if (!ngx_http_weir_store_wanted(round)) {
        return;
    }

    err = &round->save_err;

    rc = weir_state_open(&state, &weir_alloc_malloc,
                         (char *) round->conf->state.data, round->now, err);

    if (rc == WEIR_STORE_OK) {

        rc = ngx_http_weir_store_save(round, state, err);

        if (rc == WEIR_STORE_OK) {
            rc = ngx_http_weir_store_save_fences(round, state, err);
        }

        weir_state_close(state);
    }

    round->saved = rc;
}


/* 1 if the split's document is to be saved. */

static ngx_uint_t
ngx_http_weir_store_unsaved(ngx_http_weir_store_round_t *round,
    ngx_http_weir_store_split_t *split)
{
    return split->found.verdict == NGX_HTTP_WEIR_STORE_NEW
           || (split->found.verdict == NGX_HTTP_WEIR_STORE_KEEP
               && (round->retry & NGX_HTTP_WEIR_STORE_UNSAVED_SPLITS));
}


ngx_uint_t
ngx_http_weir_store_wanted(ngx_http_weir_store_round_t *round)
{
    return round->save || round->retry
           || ngx_http_weir_store_unsaved_splits(round);
}


ngx_uint_t
ngx_http_weir_store_unsaved_splits(ngx_http_weir_store_round_t *round)
{
    ngx_uint_t  i;

    for (i = 0; i < round->nsplits; i++) {
        if (ngx_http_weir_store_unsaved(round, &round->splits[i])) {
            return 1;
        }
    }

    return 0;
}


static weir_store_code_e
ngx_http_weir_store_save(ngx_http_weir_store_round_t *round,
    weir_state_t *state, weir_store_err_t *err)
{
    ngx_uint_t                    i;
    weir_str_t                    kind, name;
    weir_store_code_e             rc;
    weir_state_bundle_t           bundle;
    ngx_http_weir_store_split_t  *split;

    if (round->save) {
        bundle.head = round->head.raw;
        bundle.segments = round->segments;
        bundle.nsegments = round->nsegments;

        rc = weir_state_save(state, &bundle, err);

        if (rc != WEIR_STORE_OK) {
            return rc;
        }
    }

    kind = weir_kind_word(WEIR_KIND_SPLIT);

    for (i = 0; i < round->nsplits; i++) {
        split = &round->splits[i];

        if (!ngx_http_weir_store_unsaved(round, split)) {
            continue;
        }

        name = ngx_http_weir_str(&split->live->name);

        rc = weir_state_put_live(state, kind, name, split->found.raw, err);

        if (rc != WEIR_STORE_OK) {
            return rc;
        }
    }

    return WEIR_STORE_OK;
}


static weir_store_code_e
ngx_http_weir_store_save_fences(ngx_http_weir_store_round_t *round,
    weir_state_t *state, weir_store_err_t *err)
{
    int                           rc;
    ngx_uint_t                    i;
    weir_str_t                    text;
    ngx_http_weir_store_split_t  *split;

    rc = WEIR_OK;

    if (round->save) {
        rc = weir_fences_raise(&round->fences, &round->head.accept.fence);
    }

    for (i = 0; i < round->nsplits; i++) {
        split = &round->splits[i];

        if (ngx_http_weir_store_unsaved(round, split)
            && (rc == WEIR_OK || rc == WEIR_DECLINED))
        {
            rc = weir_fences_raise(&round->fences, &split->found.accept.fence);
        }
    }

    if (rc == WEIR_ERROR) {
        return weir_store_fail(err, WEIR_STORE_FULL, 0,
                               "there are %d fences already",
                               WEIR_FENCES_MAX);
    }

    text = weir_fences_format(&round->fences, &round->arena);

    if (rc == WEIR_NOMEM || text.data == NULL) {
        return weir_store_fail(err, WEIR_STORE_NOMEM, 0, "out of memory");
    }

    return weir_state_put_fence(state, text, err);
}
