
/*
 * Weir: a token and its cache: this worker's table, then the ring that all
 * workers share, then the verification.
 *
 * An entry stands for the settings of its issuer and for its key set; both
 * are compared, as well as the whole token, so that a reload which tightens
 * anything ends what was verified before it.
 */

#include "ngx_http_weir_auth_internal.h"


static int ngx_http_weir_auth_match_held(const weir_held_t *held,
    void *data);
static int ngx_http_weir_auth_match_entry(const weir_cache_entry_t *e,
    void *data);
static weir_token_reason_e ngx_http_weir_auth_verify(
    ngx_http_weir_auth_main_conf_t *amcf,
    ngx_http_weir_auth_loc_conf_t *alcf, weir_str_t token, time_t now,
    weir_held_t **held, const ngx_http_weir_auth_issuer_t **issuer);
static weir_token_reason_e ngx_http_weir_auth_keep(
    ngx_http_weir_auth_main_conf_t *amcf, weir_arena_t *a, weir_str_t token,
    const weir_token_t *t, time_t now, weir_held_t **held,
    const ngx_http_weir_auth_issuer_t *issuer);
static void ngx_http_weir_auth_hit(ngx_http_weir_auth_main_conf_t *amcf);


/* What is looked for, and whose it turned out to be. */

typedef struct {
    ngx_http_weir_auth_loc_conf_t      *alcf;
    const ngx_http_weir_auth_issuer_t  *issuer;
    time_t                              now;
} ngx_http_weir_auth_wanted_t;


/* An entry of the ring, copied; there is one worker and no other thread. */

static union {
    weir_cache_entry_t  entry;
    u_char              bytes[WEIR_CACHE_ENTRY_MAX];
} ngx_http_weir_auth_copy;


weir_token_reason_e
ngx_http_weir_auth_token(ngx_http_request_t *r,
    ngx_http_weir_auth_loc_conf_t *alcf, weir_str_t token,
    weir_held_t **held, const ngx_http_weir_auth_issuer_t **issuer)
{
    uint64_t                         hash;
    weir_ring_t                     *ring;
    ngx_http_weir_auth_wanted_t      wanted;
    ngx_http_weir_auth_main_conf_t  *amcf;

    if (token.len > WEIR_TOKEN_MAX) {
        return WEIR_TOKEN_TOO_LARGE;
    }

    amcf = ngx_http_get_module_main_conf(r, ngx_http_weir_auth_module);

    if (amcf->table.slots == NULL
        && weir_table_init(&amcf->table, &weir_alloc_malloc,
                           NGX_HTTP_WEIR_AUTH_SETS)
           != WEIR_OK)
    {
        return WEIR_TOKEN_ERROR;
    }

    wanted.alcf = alcf;
    wanted.issuer = NULL;
    wanted.now = ngx_time();

    hash = weir_cache_hash(ngx_http_weir_zone_key(), token);

    *held = weir_table_find(&amcf->table, hash, token,
                            ngx_http_weir_auth_match_held, &wanted);

    if (*held != NULL) {

        if (weir_cache_fresh((*held)->entry, wanted.now,
                             wanted.issuer->issuer.leeway)
            && weir_token_audience(weir_cache_claims((*held)->entry),
                                   &wanted.issuer->issuer))
        {
            *issuer = wanted.issuer;
            ngx_http_weir_auth_hit(amcf);

            return WEIR_TOKEN_VALID;
        }

        weir_table_drop(&amcf->table, *held);
        weir_held_release(&weir_alloc_malloc, *held);
        *held = NULL;
    }

    ring = (weir_ring_t *) amcf->ring->data;

    if (weir_ring_find(ring, hash, token, &ngx_http_weir_auth_copy.entry,
                       sizeof(ngx_http_weir_auth_copy),
                       ngx_http_weir_auth_match_entry, &wanted)
        == WEIR_OK)
    {
        *held = weir_table_add(&amcf->table, &ngx_http_weir_auth_copy.entry,
                               wanted.issuer);

        if (*held == NULL) {
            return WEIR_TOKEN_ERROR;
        }

        *issuer = wanted.issuer;
        ngx_http_weir_auth_hit(amcf);

        return WEIR_TOKEN_VALID;
    }

    return ngx_http_weir_auth_verify(amcf, alcf, token, wanted.now, held,
                                     issuer);
}


static int
ngx_http_weir_auth_match_held(const weir_held_t *held, void *data)
{
    ngx_http_weir_auth_wanted_t *wanted = data;

    ngx_uint_t  i;

    for (i = 0; i < wanted->alcf->nissuers; i++) {
        if (held->issuer == wanted->alcf->issuers[i]) {
            wanted->issuer = wanted->alcf->issuers[i];
            return 1;
        }
    }

    return 0;
}


static int
ngx_http_weir_auth_match_entry(const weir_cache_entry_t *e, void *data)
{
    ngx_http_weir_auth_wanted_t *wanted = data;

    ngx_uint_t            i;
    const weir_issuer_t  *issuer;

    for (i = 0; i < wanted->alcf->nissuers; i++) {
        issuer = wanted->alcf->verify[i];

        if (ngx_memcmp(e->issuer, issuer->digest, 32) == 0
            && ngx_memcmp(e->keys, issuer->keys->digest, 32) == 0
            && weir_jwks_thumbprint(issuer->keys, e->thumbprint) != NULL
            && weir_cache_fresh(e, wanted->now, issuer->leeway)
            && weir_token_audience(weir_cache_claims(e), issuer))
        {
            wanted->issuer = wanted->alcf->issuers[i];
            return 1;
        }
    }

    return 0;
}


static weir_token_reason_e
ngx_http_weir_auth_verify(ngx_http_weir_auth_main_conf_t *amcf,
    ngx_http_weir_auth_loc_conf_t *alcf, weir_str_t token, time_t now,
    weir_held_t **held, const ngx_http_weir_auth_issuer_t **issuer)
{
    ngx_uint_t                             i;
    weir_token_t                           t;
    weir_arena_t                           a;
    weir_token_reason_e                    reason;
    ngx_http_weir_auth_cache_counters_t   *counters;

    counters = ngx_http_weir_slab(amcf->cache);
    ngx_http_weir_count(&counters->miss, 1);

    weir_arena_init(&a, &weir_alloc_malloc, WEIR_TOKEN_ARENA);

    reason = weir_token_verify(&t, &a, alcf->verify, alcf->nissuers, token,
                               now);

    for (i = 0; i < alcf->nissuers; i++) {
        if (alcf->verify[i] == t.issuer) {
            *issuer = alcf->issuers[i];
        }
    }

    if (reason == WEIR_TOKEN_VALID) {
        reason = ngx_http_weir_auth_keep(amcf, &a, token, &t, now, held,
                                         *issuer);
    }

    weir_arena_done(&a);

    return reason;
}


static weir_token_reason_e
ngx_http_weir_auth_keep(ngx_http_weir_auth_main_conf_t *amcf,
    weir_arena_t *a, weir_str_t token, const weir_token_t *t, time_t now,
    weir_held_t **held, const ngx_http_weir_auth_issuer_t *issuer)
{
    int                                   n;
    size_t                                used;
    weir_ring_t                          *ring;
    weir_cache_entry_t                   *e;
    weir_cache_source_t                   source;
    ngx_http_weir_auth_cache_counters_t  *counters;

    source.token = token;
    source.kind = weir_str("jwt");
    source.issuer = t->issuer->name;
    source.subject = t->subject;
    source.claims = t->claims;
    source.exp = t->exp;
    source.nbf = t->nbf;
    source.issuer_digest = t->issuer->digest;
    source.keys_digest = t->issuer->keys->digest;
    source.thumbprint = t->key->thumbprint;

    e = weir_arena_alloc(a, weir_cache_size(&source));
    if (e == NULL) {
        return WEIR_TOKEN_ERROR;
    }

    weir_cache_make(e, ngx_http_weir_zone_key(), &source, now);

    *held = weir_table_add(&amcf->table, e, issuer);
    if (*held == NULL) {
        return WEIR_TOKEN_ERROR;
    }

    if (e->size > WEIR_CACHE_ENTRY_MAX) {

        /* good for this request only */

        weir_table_drop(&amcf->table, *held);
        return WEIR_TOKEN_VALID;
    }

    ring = (weir_ring_t *) amcf->ring->data;

    ngx_http_weir_zone_lock();

    n = weir_ring_add(ring, e, now);
    used = weir_ring_used(ring);

    ngx_http_weir_zone_unlock();

    ngx_http_weir_area_used(NGX_HTTP_WEIR_AREA_TOKENS, used);

    if (n > 0) {
        counters = ngx_http_weir_slab(amcf->cache);
        ngx_http_weir_count(&counters->evicted, n);
    }

    return WEIR_TOKEN_VALID;
}


static void
ngx_http_weir_auth_hit(ngx_http_weir_auth_main_conf_t *amcf)
{
    ngx_http_weir_auth_cache_counters_t  *counters;

    counters = ngx_http_weir_slab(amcf->cache);
    ngx_http_weir_count(&counters->hit, 1);
}


ngx_int_t
ngx_http_weir_auth_ring_init(ngx_http_weir_block_t *block, ngx_uint_t fresh,
    ngx_log_t *log)
{
    if (weir_ring_init(block->data, block->size) == WEIR_OK) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "weir: the tokens area has room for %uz bytes, it needs %d; "
                  "enlarge it with \"weir_zone SIZE tokens=SIZE\"",
                  block->size, WEIR_RING_MIN);

    return NGX_ERROR;
}
