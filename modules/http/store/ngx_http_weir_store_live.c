
/*
 * Weir: the splits' live documents: read and judged in a round, put into use
 * in the event loop.
 */

#include "ngx_http_weir_store.h"


static ngx_uint_t ngx_http_weir_store_later(const weir_document_t *head,
    weir_str_t name, const weir_expect_t *x);
static void ngx_http_weir_store_split_weights(
    ngx_http_weir_store_split_t *split);
static void ngx_http_weir_store_split_refused(
    ngx_http_weir_store_round_t *round, ngx_http_weir_store_split_t *split,
    ngx_log_t *log);


void
ngx_http_weir_store_split(ngx_http_weir_store_round_t *round,
    ngx_http_weir_store_split_t *split, weir_store_code_e code,
    weir_store_err_t *err)
{
    int                           rc;
    uint8_t                       name[WEIR_DOCUMENT_NAME_MAX];
    weir_str_t                    id, s;
    weir_expect_t                 x;
    const weir_document_t        *head;
    ngx_http_weir_store_found_t  *found;

    found = &split->found;
    id = ngx_http_weir_str(&split->live->name);

    ngx_http_weir_store_expect(round, &x, WEIR_KIND_SPLIT, id);

    head = ngx_http_weir_store_in_use(round);

    s.data = name;
    s.len = weir_document_name(name, WEIR_KIND_SPLIT, id);

    if (head) {
        x.live_epoch = head->epoch;
        x.live_min = weir_live_min(head, s);
    }

    /* a head that waits, or that this gateway cannot use, is signed as well */

    if (round->named && head != &round->head.accept.doc
        && ngx_http_weir_store_later(&round->head.accept.doc, s, &x))
    {
        x.live_epoch = round->head.accept.doc.epoch;
        x.live_min = weir_live_min(&round->head.accept.doc, s);
    }

    switch (code) {

    case WEIR_STORE_OK:
        break;

    case WEIR_STORE_MISSING:

        if (weir_accept_absent(&x, &found->why, &found->err) != WEIR_OK) {
            found->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
        }

        return;

    case WEIR_STORE_TOO_LARGE:
        ngx_http_weir_store_no(found, WEIR_REFUSAL_TOO_LARGE, "%s",
                               err->err.text);
        return;

    case WEIR_STORE_NOMEM:
        return;

    default:

        /* of the wrong type, or unreadable: as good as vanished */

        ngx_http_weir_store_no(found, WEIR_REFUSAL_TRUNCATED, "%s",
                               err->err.text);
        return;
    }

    if (weir_sha256(found->raw, found->seen) != WEIR_OK) {
        return;
    }

    if (found->raw.len > NGX_HTTP_WEIR_SPLIT_RAW) {

        /* what cannot be kept over a reload is not taken */

        ngx_http_weir_store_no(found, WEIR_REFUSAL_TOO_LARGE,
                               "it has more than %d bytes",
                               NGX_HTTP_WEIR_SPLIT_RAW);
        return;
    }

    if (head == NULL && !round->named && x.fence == NULL && x.trust
        && x.trust->min_version)
    {
        ngx_http_weir_store_no(found, WEIR_REFUSAL_OLDER,
                               "no head says which version is the least");
        return;
    }

    rc = weir_accept(&found->accept, &round->arena, &x, found->raw,
                     &found->err);

    if (rc == WEIR_NOMEM) {
        return;
    }

    if (rc != WEIR_OK) {
        found->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
        found->why = found->accept.why;
        return;
    }

    if (split->state->applied
        && ngx_memcmp(split->state->hash, found->accept.envelope.hash,
                      WEIR_SHA256_LEN)
           == 0)
    {
        found->verdict = NGX_HTTP_WEIR_STORE_KEEP;
        return;
    }

    if (found->accept.doc.has_activate_at
        && found->accept.doc.activate_at > round->now)
    {
        found->verdict = NGX_HTTP_WEIR_STORE_WAIT;
        return;
    }

    ngx_http_weir_store_split_weights(split);
}


/* Whether a head names a later least version than what is expected. */

static ngx_uint_t
ngx_http_weir_store_later(const weir_document_t *head, weir_str_t name,
    const weir_expect_t *x)
{
    uint64_t  least;

    least = weir_live_min(head, name);

    return least && (x->live_min == 0 || head->epoch > x->live_epoch
                     || (head->epoch == x->live_epoch && least > x->live_min));
}


/* Colours are nginx.conf's: a document with another one is refused whole. */

static void
ngx_http_weir_store_split_weights(ngx_http_weir_store_split_t *split)
{
    ngx_http_weir_store_found_t  *found;

    found = &split->found;

    if (!found->accept.tombstone
        && weir_document_weights(&found->accept.doc, split->live->colours,
                                 split->live->ncolours, split->weights,
                                 &found->why, &found->err)
           != WEIR_OK)
    {
        found->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
        return;
    }

    found->verdict = NGX_HTTP_WEIR_STORE_NEW;
}


ngx_int_t
ngx_http_weir_store_split_again(ngx_http_weir_store_round_t *round,
    ngx_http_weir_store_split_t *split)
{
    weir_str_t     id;
    weir_expect_t  x;

    id = ngx_http_weir_str(&split->live->name);

    ngx_http_weir_store_expect(round, &x, WEIR_KIND_SPLIT, id);

    if (weir_accept_again(&split->found.accept, &round->arena, &x,
                          split->found.raw, &split->found.err)
        != WEIR_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_weir_store_split_weights(split);

    return split->found.verdict == NGX_HTTP_WEIR_STORE_NEW ? NGX_OK
                                                           : NGX_ERROR;
}


/* Returns 1 if something changed that is to be told. */

ngx_uint_t
ngx_http_weir_store_splits_apply(ngx_http_weir_store_round_t *round,
    ngx_log_t *log)
{
    ngx_uint_t                    i, changed;
    ngx_http_weir_split_state_t  *state;
    ngx_http_weir_store_split_t  *split;

    changed = 0;

    for (i = 0; i < round->nsplits; i++) {
        split = &round->splits[i];
        state = split->state;

        switch (split->found.verdict) {

        case NGX_HTTP_WEIR_STORE_NEW:
            ngx_http_weir_store_split_apply(split, 1, log);
            changed = 1;
            break;

        case NGX_HTTP_WEIR_STORE_REFUSE:

            if (state->why == split->found.why
                && ngx_memcmp(state->seen, split->found.seen, WEIR_SHA256_LEN)
                   == 0)
            {
                break;
            }

            ngx_http_weir_store_split_refused(round, split, log);
            changed = 1;
            break;

        case NGX_HTTP_WEIR_STORE_NOTHING:
        case NGX_HTTP_WEIR_STORE_KEEP:

            if (state->why && round->code == WEIR_STORE_OK) {
                ngx_http_weir_zone_lock();
                state->why = WEIR_REFUSAL_NONE;
                ngx_http_weir_zone_unlock();

                ngx_log_error(NGX_LOG_NOTICE, log, 0, "weir: the live "
                              "weights of split \"%V\" are in order again",
                              &split->live->name);
                changed = 1;
            }

            break;

        default:
            break;
        }
    }

    return changed;
}


void
ngx_http_weir_store_split_apply(ngx_http_weir_store_split_t *split,
    ngx_uint_t fresh, ngx_log_t *log)
{
    ngx_uint_t                    tombstone;
    ngx_http_weir_split_state_t  *state;
    ngx_http_weir_store_found_t  *found;

    state = split->state;
    found = &split->found;
    tombstone = found->accept.tombstone;

    ngx_http_weir_zone_lock();

    if (!state->known
        || weir_fence_cmp(&state->fence, &found->accept.fence) < 0)
    {
        state->fence = found->accept.fence;
        state->fence.name.len = 0;
        state->fence.name.data = NULL;
        state->known = 1;
    }

    state->applied = 1;
    state->rev = found->accept.doc.version;
    ngx_memcpy(state->hash, found->accept.envelope.hash, WEIR_SHA256_LEN);

    if (fresh) {
        state->why = WEIR_REFUSAL_NONE;
    }

    state->raw_len = ngx_min(found->raw.len, NGX_HTTP_WEIR_SPLIT_RAW);
    ngx_memcpy(state->raw, found->raw.data, state->raw_len);

    ngx_http_weir_split_live_set(split->live, tombstone ? NULL
                                                        : split->weights);

    ngx_http_weir_zone_unlock();

    ngx_log_error(NGX_LOG_NOTICE, log, 0, tombstone
                  ? "weir: split \"%V\" has the weights of nginx.conf again, "
                    "by version %uL of the %s"
                  : "weir: split \"%V\" has the live weights of version %uL "
                    "of the %s", &split->live->name,
                  found->accept.doc.version,
                  fresh ? "store" : "snapshot");
}


static void
ngx_http_weir_store_split_refused(ngx_http_weir_store_round_t *round,
    ngx_http_weir_store_split_t *split, ngx_log_t *log)
{
    ngx_http_weir_split_state_t  *state;
    ngx_http_weir_store_found_t  *found;

    state = split->state;
    found = &split->found;

    ngx_http_weir_zone_lock();

    state->why = found->why;
    state->version = found->accept.parsed ? found->accept.doc.version : 0;
    state->len = ngx_min(ngx_strlen(found->err.text),
                         NGX_HTTP_WEIR_SPLIT_ERROR);
    ngx_memcpy(state->message, found->err.text, state->len);
    ngx_memcpy(state->seen, found->seen, WEIR_SHA256_LEN);

    round->zone->errors[NGX_HTTP_WEIR_STORE_REFUSED + found->why]++;

    ngx_http_weir_zone_unlock();

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "weir: the live weights of split \"%V\" are refused: %s: "
                  "%s; what was in effect stays", &split->live->name,
                  weir_refusal_word(found->why).data, found->err.text);
}
