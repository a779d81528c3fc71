
/*
 * Weir: entries of the token caches, and the table of one process.
 */

#include "weir_token_cache.h"


#define WEIR_TABLE_WAYS  4


static weir_str_t weir_cache_slice(const weir_cache_entry_t *e, uint32_t off,
    uint32_t len);


uint64_t
weir_cache_hash(const weir_hash_key_t *key, weir_str_t token)
{
    size_t  len;

    len = token.len < WEIR_CACHE_TAIL ? token.len : WEIR_CACHE_TAIL;

    return weir_siphash13(key, token.data + token.len - len, len);
}


size_t
weir_cache_size(const weir_cache_source_t *s)
{
    size_t  size;

    size = sizeof(weir_cache_entry_t) + s->token.len + s->kind.len + 1
           + s->issuer.len + 1 + s->subject.len;
    size = (size + 7) & ~(size_t) 7;

    return (size + s->claims->size + 7) & ~(size_t) 7;
}


void
weir_cache_make(weir_cache_entry_t *e, const weir_hash_key_t *key,
    const weir_cache_source_t *s, int64_t now)
{
    size_t      off;
    uint8_t    *base;
    weir_str_t  principal;

    base = (uint8_t *) e;

    memset(e, 0, sizeof(weir_cache_entry_t));

    e->size = (uint32_t) weir_cache_size(s);

    off = sizeof(weir_cache_entry_t);
    e->principal = (uint32_t) off;

    memcpy(base + off, s->kind.data, s->kind.len);
    off += s->kind.len;
    base[off++] = ':';

    memcpy(base + off, s->issuer.data, s->issuer.len);
    off += s->issuer.len;
    base[off++] = ':';

    if (s->subject.len != 0) {
        memcpy(base + off, s->subject.data, s->subject.len);
        off += s->subject.len;
    }

    e->principal_len = (uint32_t) off - e->principal;
    e->subject_len = (uint32_t) s->subject.len;

    e->token = (uint32_t) off;
    e->token_len = (uint32_t) s->token.len;

    memcpy(base + off, s->token.data, s->token.len);
    off += s->token.len;

    while (off % 8 != 0) {
        base[off++] = 0;
    }

    e->claims = (uint32_t) off;

    memcpy(base + off, s->claims, s->claims->size);
    off += s->claims->size;

    while (off % 8 != 0) {
        base[off++] = 0;
    }

    principal = weir_cache_principal(e);

    e->hash = weir_cache_hash(key, s->token);
    e->owner = weir_siphash13(key, principal.data, principal.len);
    e->exp = s->exp;
    e->nbf = s->nbf;
    e->until = now + WEIR_CACHE_LIFE;

    memcpy(e->issuer, s->issuer_digest, 32);
    memcpy(e->keys, s->keys_digest, 32);
    memcpy(e->thumbprint, s->thumbprint, 32);
}


static weir_str_t
weir_cache_slice(const weir_cache_entry_t *e, uint32_t off, uint32_t len)
{
    weir_str_t  s;

    s.data = (const uint8_t *) e + off;
    s.len = len;

    return s;
}


weir_str_t
weir_cache_token(const weir_cache_entry_t *e)
{
    return weir_cache_slice(e, e->token, e->token_len);
}


weir_str_t
weir_cache_principal(const weir_cache_entry_t *e)
{
    return weir_cache_slice(e, e->principal, e->principal_len);
}


weir_str_t
weir_cache_subject(const weir_cache_entry_t *e)
{
    return weir_cache_slice(e, e->principal + e->principal_len
                               - e->subject_len, e->subject_len);
}


const weir_claims_t *
weir_cache_claims(const weir_cache_entry_t *e)
{
    return (const weir_claims_t *)
               (const void *) ((const uint8_t *) e + e->claims);
}


int
weir_cache_fresh(const weir_cache_entry_t *e, int64_t now, int64_t leeway)
{
    /* a clock that was set back makes an entry older than it says */

    return now < e->until
           && now >= e->until - WEIR_CACHE_LIFE - leeway
           && now < e->exp + leeway
           && now + leeway >= e->nbf;
}


int
weir_table_init(weir_table_t *t, const weir_alloc_t *alloc, uint32_t sets)
{
    size_t  size;

    memset(t, 0, sizeof(weir_table_t));

    size = (size_t) sets * WEIR_TABLE_WAYS * sizeof(weir_held_t *);

    t->slots = alloc->alloc(alloc->ctx, size);

    if (t->slots == NULL) {
        return WEIR_NOMEM;
    }

    memset(t->slots, 0, size);

    t->alloc = alloc;
    t->sets = sets;

    return WEIR_OK;
}


void
weir_table_done(weir_table_t *t)
{
    uint32_t  i;

    if (t->slots == NULL) {
        return;
    }

    for (i = 0; i < t->sets * WEIR_TABLE_WAYS; i++) {
        if (t->slots[i] != NULL) {
            weir_table_drop(t, t->slots[i]);
        }
    }

    t->alloc->free(t->alloc->ctx, t->slots);
    t->slots = NULL;
}


weir_held_t *
weir_table_find(weir_table_t *t, uint64_t hash, weir_str_t token,
    int (*match)(const weir_held_t *h, void *data), void *data)
{
    unsigned       i;
    weir_held_t   *h, **set;

    if (t->slots == NULL) {
        return NULL;
    }

    set = &t->slots[(hash & (t->sets - 1)) * WEIR_TABLE_WAYS];

    for (i = 0; i < WEIR_TABLE_WAYS; i++) {
        h = set[i];

        if (h != NULL
            && h->entry->hash == hash
            && weir_str_eq(weir_cache_token(h->entry), token)
            && match(h, data))
        {
            h->used = ++t->tick;
            h->refs++;
            return h;
        }
    }

    return NULL;
}


weir_held_t *
weir_table_add(weir_table_t *t, const weir_cache_entry_t *e,
    const void *issuer)
{
    unsigned      i, n;
    weir_held_t  *h, **set;

    if (t->slots == NULL) {
        return NULL;
    }

    h = t->alloc->alloc(t->alloc->ctx, sizeof(weir_held_t) + e->size);

    if (h == NULL) {
        return NULL;
    }

    h->entry = (weir_cache_entry_t *) (void *) (h + 1);
    memcpy(h->entry, e, e->size);

    h->refs = 1;
    h->used = ++t->tick;
    h->issuer = issuer;
    h->in = 1;

    set = &t->slots[(e->hash & (t->sets - 1)) * WEIR_TABLE_WAYS];
    n = 0;

    for (i = 0; i < WEIR_TABLE_WAYS; i++) {

        if (set[i] == NULL) {
            n = i;
            break;
        }

        /* the tick may wrap: what counts is the distance */

        if (t->tick - set[i]->used > t->tick - set[n]->used) {
            n = i;
        }
    }

    if (set[n] != NULL) {
        weir_table_drop(t, set[n]);
    }

    set[n] = h;

    return h;
}


void
weir_table_drop(weir_table_t *t, weir_held_t *h)
{
    unsigned      i;
    weir_held_t **set;

    if (!h->in) {
        return;
    }

    set = &t->slots[(h->entry->hash & (t->sets - 1)) * WEIR_TABLE_WAYS];

    for (i = 0; i < WEIR_TABLE_WAYS; i++) {
        if (set[i] == h) {
            set[i] = NULL;
        }
    }

    h->in = 0;

    if (h->refs == 0) {
        t->alloc->free(t->alloc->ctx, h);
    }
}


void
weir_held_release(const weir_alloc_t *alloc, weir_held_t *h)
{
    if (--h->refs == 0 && !h->in) {
        alloc->free(alloc->ctx, h);
    }
}
