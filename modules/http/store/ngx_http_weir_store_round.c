
/*
 * Weir: a round: what the store holds, read and judged by libweir.  Blocking,
 * in any thread: touches its own arena, and what of the zone is the keeper's
 * alone.  Its steps take bytes from whoever read them:
 *
 *   begin -> head -> (segments that are wanted) -> bundle -> splits
 */

#include "ngx_http_weir_store.h"
#include "weir_file.h"


static void ngx_http_weir_store_bundle(ngx_http_weir_store_round_t *round,
    ngx_int_t rc);
static void ngx_http_weir_store_head(ngx_http_weir_store_round_t *round);
static void ngx_http_weir_store_begin(ngx_http_weir_store_round_t *round);
static ngx_uint_t ngx_http_weir_store_raise(ngx_http_weir_store_round_t *round,
    weir_kind_e kind, weir_str_t id, const weir_fence_t *known);
static void ngx_http_weir_store_take_head(
    ngx_http_weir_store_round_t *round);
static const weir_document_t *ngx_http_weir_store_effective(
    ngx_http_weir_store_round_t *round, weir_accept_t *accept);


ngx_http_weir_store_round_t *
ngx_http_weir_store_round(ngx_http_weir_store_conf_t *sscf, ngx_uint_t master)
{
    ngx_uint_t                    i;
    ngx_http_weir_split_live_t   *lives;
    ngx_http_weir_store_round_t  *round;

    round = malloc(sizeof(ngx_http_weir_store_round_t));
    if (round == NULL) {
        return NULL;
    }

    ngx_memzero(round, sizeof(ngx_http_weir_store_round_t));

    weir_arena_init(&round->arena, &weir_alloc_malloc, 0);

    round->conf = sscf;
    round->zone = ngx_http_weir_store_zone(sscf);
    round->now = ngx_time();
    round->master = master;
    round->active = ngx_http_weir_policy_active(sscf->policy, &round->info)
                    == NGX_OK;

    round->nsplits = sscf->lives->nelts;
    round->splits = weir_arena_calloc(&round->arena, round->nsplits + 1,
                                      sizeof(ngx_http_weir_store_split_t));

    if (round->splits == NULL) {
        ngx_http_weir_store_round_done(round);
        return NULL;
    }

    lives = sscf->lives->elts;

    for (i = 0; i < round->nsplits; i++) {
        round->splits[i].live = &lives[i];
        round->splits[i].state = ngx_http_weir_split_live_state(&lives[i]);
    }

    return round;
}


void
ngx_http_weir_store_round_done(ngx_http_weir_store_round_t *round)
{
    if (round->reserved) {
        ngx_http_weir_policy_release(round->conf->policy, &round->part);
    }

    weir_arena_done(&round->arena);

    free(round);
}


void
ngx_http_weir_store_no(ngx_http_weir_store_found_t *found, weir_refusal_e why,
    const char *fmt, ...)
{
    va_list  args;

    found->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
    found->why = why;

    va_start(args, fmt);
    (void) vsnprintf(found->err.text, sizeof(found->err.text), fmt, args);
    va_end(args);
}


void
ngx_http_weir_store_read(ngx_http_weir_store_round_t *round)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    weir_str_t                    kind, id;
    weir_store_t                 *store;
    weir_store_err_t              err;
    weir_store_code_e             code;
    ngx_http_weir_store_split_t  *split;

    ngx_http_weir_store_begin(round);

    store = NULL;

    if (round->conf->redis == NULL) {
        round->code = weir_file_open(&store, &weir_alloc_malloc,
                                     round->conf->dir, 0, 0, &round->err);

    } else if (round->master) {
        round->code = weir_store_fail(&round->err, WEIR_STORE_UNREACHABLE, 0,
                                      "not asked yet");

    } else {
        store = ngx_http_weir_store_redis_view(&round->code, &round->err);
    }

    if (round->code != WEIR_STORE_OK || store == NULL) {
        return;
    }

    round->code = store->ops->head(store, &round->arena, WEIR_ENVELOPE_MAX,
                                   &round->head.raw, &round->err);

    ngx_http_weir_store_head(round);

    if (round->wants) {
        rc = ngx_http_weir_store_fetch(round, store);
        ngx_http_weir_store_bundle(round, rc);
    }

    kind = weir_kind_word(WEIR_KIND_SPLIT);

    for (i = 0; round->code == WEIR_STORE_OK && i < round->nsplits; i++) {
        split = &round->splits[i];
        id = ngx_http_weir_str(&split->live->name);

        code = store->ops->live(store, &round->arena, kind, id,
                                WEIR_ENVELOPE_MAX, &split->found.raw, &err);

        ngx_http_weir_store_split(round, split, code, &err);
    }

    store->ops->close(store);
}


/*
 * What lies on disk, and what workers of this gateway accepted and could not
 * write there.
 */

static void
ngx_http_weir_store_begin(ngx_http_weir_store_round_t *round)
{
    ngx_uint_t                    i, unsaved;
    weir_err_t                    err;
    weir_str_t                    text, id;
    weir_state_t                 *state;
    weir_fences_t                 read;
    weir_store_code_e             rc;
    ngx_http_weir_store_conf_t   *sscf;
    ngx_http_weir_store_split_t  *split;

    sscf = round->conf;

    weir_fences_init(&round->fences, &round->arena,
                     ngx_http_weir_str(&sscf->ns));

    rc = weir_state_open(&state, &weir_alloc_malloc,
                         (char *) sscf->state.data, round->now,
                         &round->fence_err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_state_fence(state, &round->arena, WEIR_FENCES_TEXT, &text,
                              &round->fence_err);

        if (rc == WEIR_STORE_OK) {

            if (weir_fences_parse(&read, &round->arena, text, &err)
                != WEIR_OK)
            {
                rc = weir_store_fail(&round->fence_err, WEIR_STORE_CORRUPT, 0,
                                     "%s/fence: %s", sscf->state.data,
                                     err.text);

            } else if (weir_str_eq(read.ns, round->fences.ns)) {
                (void) weir_fences_merge(&round->fences, &read);
            }
        }

        weir_state_close(state);
    }

    round->fence_bad = (rc != WEIR_STORE_OK && rc != WEIR_STORE_MISSING);

    unsaved = round->zone->unsaved;

    if (round->zone->known) {
        id = weir_str(WEIR_BUNDLE_ID);

        if (ngx_http_weir_store_raise(round, WEIR_KIND_BUNDLE, id,
                                      &round->zone->fence))
        {
            unsaved |= NGX_HTTP_WEIR_STORE_UNSAVED_BUNDLE;
        }
    }

    for (i = 0; i < round->nsplits; i++) {
        split = &round->splits[i];

        if (!split->state->known) {
            continue;
        }

        id = ngx_http_weir_str(&split->live->name);

        if (ngx_http_weir_store_raise(round, WEIR_KIND_SPLIT, id,
                                      &split->state->fence))
        {
            unsaved |= NGX_HTTP_WEIR_STORE_UNSAVED_SPLITS;
        }
    }

    /* what the master took at start, or a disk did not: but not each second */

    if (!round->master && (round->now < round->zone->tried
                           || round->now - round->zone->tried
                              >= NGX_HTTP_WEIR_STORE_RETRY))
    {
        round->retry = unsaved;
    }
}


/* Returns 1 if what was read stood lower. */

static ngx_uint_t
ngx_http_weir_store_raise(ngx_http_weir_store_round_t *round,
    weir_kind_e kind, weir_str_t id, const weir_fence_t *known)
{
    uint8_t              name[WEIR_DOCUMENT_NAME_MAX];
    weir_fence_t         fence;
    const weir_fence_t  *read;

    fence = *known;
    fence.name.data = name;
    fence.name.len = weir_document_name(name, kind, id);

    read = weir_fences_find(&round->fences, fence.name);

    if (read && weir_fence_cmp(read, &fence) >= 0) {
        return 0;
    }

    (void) weir_fences_raise(&round->fences, &fence);

    return 1;
}


void
ngx_http_weir_store_expect(ngx_http_weir_store_round_t *round,
    weir_expect_t *x, weir_kind_e kind, weir_str_t id)
{
    uint8_t     name[WEIR_DOCUMENT_NAME_MAX];
    weir_str_t  s;

    s.data = name;
    s.len = weir_document_name(name, kind, id);

    ngx_memzero(x, sizeof(weir_expect_t));

    x->trust = round->conf->trusts ? &round->conf->trust : NULL;
    x->ns = ngx_http_weir_str(&round->conf->ns);
    x->kind = kind;
    x->id = id;
    x->fence = weir_fences_find(&round->fences, s);
    x->now = round->now;
}


/* Judges the head, of round->code and head.raw; wants: its segments next. */

static void
ngx_http_weir_store_head(ngx_http_weir_store_round_t *round)
{
    int                           rc;
    weir_str_t                    id;
    weir_expect_t                 x;
    ngx_http_weir_store_found_t  *head;

    head = &round->head;
    id = weir_str(WEIR_BUNDLE_ID);

    ngx_http_weir_store_expect(round, &x, WEIR_KIND_BUNDLE, id);

    switch (round->code) {

    case WEIR_STORE_OK:
        break;

    case WEIR_STORE_MISSING:
        round->code = WEIR_STORE_OK;

        if (weir_accept_absent(&x, &head->why, &head->err) != WEIR_OK) {
            head->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
        }

        return;

    case WEIR_STORE_TOO_LARGE:
        round->code = WEIR_STORE_OK;
        ngx_http_weir_store_no(head, WEIR_REFUSAL_TOO_LARGE, "%s",
                               round->err.err.text);
        return;

    default:
        return;
    }

    if (weir_sha256(head->raw, head->seen) != WEIR_OK) {
        goto nomem;
    }

    rc = weir_accept(&head->accept, &round->arena, &x, head->raw, &head->err);

    if (rc == WEIR_NOMEM) {
        goto nomem;
    }

    if (rc != WEIR_OK) {
        head->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
        head->why = head->accept.why;
        return;
    }

    round->named = 1;

    if (head->accept.tombstone) {

        /* there is no such thing as no policies: it would be "none" */

        ngx_http_weir_store_no(head, WEIR_REFUSAL_NAMESPACE,
                               "a bundle is replaced, never deleted");
        return;
    }

    ngx_http_weir_store_take_head(round);

    return;

nomem:

    round->code = weir_store_fail(&round->err, WEIR_STORE_NOMEM, 0,
                                  "out of memory");
}


static void
ngx_http_weir_store_take_head(ngx_http_weir_store_round_t *round)
{
    weir_document_t              *doc;
    ngx_http_weir_store_zone_t   *z;
    ngx_http_weir_store_found_t  *head;

    z = round->zone;
    head = &round->head;
    doc = &head->accept.doc;

    if (round->active && round->info.source != NGX_HTTP_WEIR_POLICY_LOCAL
        && ngx_memcmp(round->info.hash, head->accept.envelope.hash,
                      NGX_HTTP_WEIR_POLICY_HASH)
           == 0)
    {
        head->verdict = NGX_HTTP_WEIR_STORE_KEEP;
        round->kept = 1;

        /* a disk that was full has room again */

        round->wants = (round->retry & NGX_HTTP_WEIR_STORE_UNSAVED_BUNDLE)
                       != 0;
        return;
    }

    /* what does not compile is not compiled every second */

    if (!round->master && z->why && z->final
        && ngx_memcmp(z->seen, head->seen, WEIR_SHA256_LEN) == 0)
    {
        head->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
        head->why = z->why;
        head->final = 1;
        return;
    }

    /* before its time it is only tried, once: whether it can be in effect */

    if (doc->has_activate_at && doc->activate_at > round->now) {
        head->verdict = NGX_HTTP_WEIR_STORE_WAIT;

        round->waits = !round->master
                       && (z->waiting != doc->version
                           || ngx_memcmp(z->tried_head, head->seen,
                                         WEIR_SHA256_LEN)
                              != 0);
        round->wants = round->waits;

        return;
    }

    /* nor are segments fetched so often that are not there, or not whole */

    if (!round->master && z->why
        && ngx_memcmp(z->seen, head->seen, WEIR_SHA256_LEN) == 0
        && ngx_http_weir_monotonic() < z->again)
    {
        head->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
        head->why = z->why;
        return;
    }

    round->wants = 1;
}


/* The segments are there (NGX_OK), or are not and the head is refused. */

static void
ngx_http_weir_store_bundle(ngx_http_weir_store_round_t *round, ngx_int_t rc)
{
    ngx_http_weir_store_found_t  *head;

    head = &round->head;

    if (round->kept) {

        /* what is in use already is only to be saved */

        head->verdict = NGX_HTTP_WEIR_STORE_KEEP;
        head->why = WEIR_REFUSAL_NONE;
        round->save = (rc == NGX_OK);

        return;
    }

    if (rc != NGX_OK || ngx_http_weir_store_image(round, 0) != NGX_OK) {
        return;
    }

    if (round->waits) {
        head->verdict = NGX_HTTP_WEIR_STORE_WAIT;
        round->image = NULL;
        round->size = 0;
        return;
    }

    head->verdict = NGX_HTTP_WEIR_STORE_NEW;
    round->save = 1;
}


const weir_document_t *
ngx_http_weir_store_in_use(ngx_http_weir_store_round_t *round)
{
    weir_accept_t  *accept;

    if (!round->looked) {
        round->looked = 1;

        accept = weir_arena_alloc(&round->arena, sizeof(weir_accept_t));

        round->in_use = accept ? ngx_http_weir_store_effective(round, accept)
                               : NULL;
    }

    return round->in_use;
}


/* The head in use after this round: it names the least live documents. */

static const weir_document_t *
ngx_http_weir_store_effective(ngx_http_weir_store_round_t *round,
    weir_accept_t *accept)
{
    weir_str_t     raw, id;
    weir_err_t     err;
    weir_expect_t  x;

    if (round->head.verdict == NGX_HTTP_WEIR_STORE_NEW
        || round->head.verdict == NGX_HTTP_WEIR_STORE_KEEP)
    {
        return &round->head.accept.doc;
    }

    if (!round->active || round->zone->raw_len == 0) {
        return NULL;
    }

    raw.data = round->zone->raw;
    raw.len = round->zone->raw_len;

    raw = weir_arena_copy(&round->arena, raw);
    id = weir_str(WEIR_BUNDLE_ID);

    ngx_http_weir_store_expect(round, &x, WEIR_KIND_BUNDLE, id);

    if (raw.data == NULL
        || weir_accept_again(accept, &round->arena, &x, raw, &err) != WEIR_OK)
    {
        return NULL;
    }

    return &accept->doc;
}
