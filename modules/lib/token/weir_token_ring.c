
/*
 * Weir: the ring of verified tokens in memory that processes share.
 *
 * Positions only grow, in units of 64 bytes; a position's place is its rest
 * by the ring's size.  A writer first moves "reserved" over what it is going
 * to overwrite, then writes, then publishes the position in the index.  An
 * entry is whole for a reader if "reserved" stayed within one round of it
 * until the reader had its copy.  A writer that dies leaves at most space that
 * nothing points to.
 */

#include "weir_token_cache.h"


#define WEIR_RING_MAGIC   0x5745495252494e31ull    /* layout 1 */
#define WEIR_RING_UNIT    64
#define WEIR_RING_WAYS    8
#define WEIR_RING_POS     0x0000ffffffffffffull


/*
 * The index has buckets of 8 slots: 16 bits of the hash and 48 of a position.
 * Owners' chains begin in a second index and go on in the entries' next.
 */

struct weir_ring_s {
    uint64_t  magic;
    uint64_t  size;                    /* of all */
    uint64_t  units;                   /* of the ring */
    uint64_t  buckets;
    uint64_t  owners;
    uint64_t  index;                   /* offsets from the start */
    uint64_t  chains;
    uint64_t  ring;
    uint64_t  reserved;                /* position after the last writer */
};


static uint64_t *weir_ring_bucket(const weir_ring_t *ring, uint64_t hash);
static uint64_t *weir_ring_chain(const weir_ring_t *ring, uint64_t owner);
static weir_cache_entry_t *weir_ring_at(const weir_ring_t *ring,
    uint64_t pos);
static int weir_ring_whole(const weir_ring_t *ring, uint64_t pos);
static int weir_ring_copy(const weir_ring_t *ring, uint64_t pos,
    uint64_t hash, size_t token_len, weir_cache_entry_t *dst, size_t size);
static void weir_ring_kill(weir_ring_t *ring, uint64_t pos);
static unsigned weir_ring_trim(weir_ring_t *ring,
    const weir_cache_entry_t *e, int64_t now);


static inline uint64_t
weir_ring_load(const uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}


static inline void
weir_ring_store(uint64_t *p, uint64_t v)
{
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}


int
weir_ring_init(void *mem, size_t size)
{
    uint64_t      n, used;
    weir_ring_t  *ring;

    ring = mem;

    if (ring->magic == WEIR_RING_MAGIC && ring->size == size) {
        return WEIR_OK;
    }

    if (ring->magic != 0 || size < WEIR_RING_MIN) {
        return WEIR_ERROR;
    }

    /* an owner's chain for each KB, and twice as many slots */

    for (n = 1; n * 2 * 1024 <= size; n *= 2) {
        /* void */
    }

    ring->size = size;
    ring->owners = n;
    ring->buckets = n * 2 / WEIR_RING_WAYS;

    used = WEIR_RING_UNIT * 2;
    ring->index = used;
    used += n * 2 * sizeof(uint64_t);
    ring->chains = used;
    used += n * sizeof(uint64_t);
    used = (used + WEIR_RING_UNIT - 1) / WEIR_RING_UNIT * WEIR_RING_UNIT;
    ring->ring = used;
    ring->units = (size - used) / WEIR_RING_UNIT;

    /* position 0 means none: the first round is the second */

    ring->reserved = ring->units;

    weir_ring_store(&ring->magic, WEIR_RING_MAGIC);

    return WEIR_OK;
}


static uint64_t *
weir_ring_bucket(const weir_ring_t *ring, uint64_t hash)
{
    return (uint64_t *) (void *) ((uint8_t *) ring + ring->index)
           + (hash & (ring->buckets - 1)) * WEIR_RING_WAYS;
}


static uint64_t *
weir_ring_chain(const weir_ring_t *ring, uint64_t owner)
{
    return (uint64_t *) (void *) ((uint8_t *) ring + ring->chains)
           + (owner & (ring->owners - 1));
}


static weir_cache_entry_t *
weir_ring_at(const weir_ring_t *ring, uint64_t pos)
{
    return (weir_cache_entry_t *) (void *)
           ((uint8_t *) ring + ring->ring
            + pos % ring->units * WEIR_RING_UNIT);
}


/* 1 if no writer has come to what begins at pos. */

static int
weir_ring_whole(const weir_ring_t *ring, uint64_t pos)
{
    uint64_t  reserved;

    reserved = weir_ring_load(&ring->reserved);

    return pos != 0 && pos < reserved && reserved <= pos + ring->units;
}


int
weir_ring_find(const weir_ring_t *ring, uint64_t hash, weir_str_t token,
    weir_cache_entry_t *dst, size_t size,
    int (*match)(const weir_cache_entry_t *e, void *data), void *data)
{
    uint64_t  slot, *bucket;
    unsigned  i;

    bucket = weir_ring_bucket(ring, hash);

    for (i = 0; i < WEIR_RING_WAYS; i++) {
        slot = weir_ring_load(&bucket[i]);

        if (slot == 0 || (slot ^ hash) & ~WEIR_RING_POS) {
            continue;
        }

        if (weir_ring_copy(ring, slot & WEIR_RING_POS, hash, token.len, dst,
                           size)
            && weir_str_eq(weir_cache_token(dst), token)
            && match(dst, data))
        {
            return WEIR_OK;
        }
    }

    return WEIR_DECLINED;
}


/* A copy that is known to be whole before anything in it is believed. */

static int
weir_ring_copy(const weir_ring_t *ring, uint64_t pos, uint64_t hash,
    size_t token_len, weir_cache_entry_t *dst, size_t size)
{
    weir_cache_entry_t        head;
    const weir_cache_entry_t  *e;

    if (!weir_ring_whole(ring, pos)) {
        return 0;
    }

    e = weir_ring_at(ring, pos);
    memcpy(&head, e, sizeof(weir_cache_entry_t));

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    if (!weir_ring_whole(ring, pos)
        || head.hash != hash
        || head.token_len != token_len
        || head.dead
        || head.size > size)
    {
        return 0;
    }

    memcpy(dst, e, head.size);

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    if (!weir_ring_whole(ring, pos)) {
        return 0;
    }

    /* its links change under the lock: they are not the reader's */

    memcpy(dst, &head, sizeof(weir_cache_entry_t));

    return 1;
}


int
weir_ring_add(weir_ring_t *ring, const weir_cache_entry_t *e, int64_t now)
{
    int                  displaced;
    uint64_t             pos, slot, units, old, *bucket, *chain;
    unsigned             i, n;
    weir_cache_entry_t  *w;

    units = (e->size + WEIR_RING_UNIT - 1) / WEIR_RING_UNIT;

    if (e->size > WEIR_CACHE_ENTRY_MAX || units > ring->units / 4) {
        return -1;
    }

    displaced = 0;
    bucket = weir_ring_bucket(ring, e->hash);

    for (i = 0; i < WEIR_RING_WAYS; i++) {
        slot = bucket[i];
        pos = slot & WEIR_RING_POS;

        if (slot == 0
            || (slot ^ e->hash) & ~WEIR_RING_POS
            || !weir_ring_whole(ring, pos))
        {
            continue;
        }

        w = weir_ring_at(ring, pos);

        if (w->hash == e->hash
            && weir_str_eq(weir_cache_token(w), weir_cache_token(e))
            && memcmp(w->issuer, e->issuer, sizeof(w->issuer)) == 0)
        {
            weir_ring_kill(ring, pos);
        }
    }

    displaced += (int) weir_ring_trim(ring, e, now);

    /* an entry lies in one piece: the ring's end may stay empty */

    pos = ring->reserved;

    if (pos % ring->units + units > ring->units) {
        pos += ring->units - pos % ring->units;
    }

    weir_ring_store(&ring->reserved, pos + units);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    w = weir_ring_at(ring, pos);
    memcpy(w, e, e->size);

    chain = weir_ring_chain(ring, e->owner);
    w->next = weir_ring_whole(ring, *chain) ? *chain : 0;
    *chain = pos;

    /* a free slot, else one whose entry is gone, else the oldest */

    n = 0;
    old = UINT64_MAX;

    for (i = 0; i < WEIR_RING_WAYS; i++) {
        slot = bucket[i] & WEIR_RING_POS;

        if (slot == 0 || !weir_ring_whole(ring, slot)) {
            n = i;
            old = 0;
            break;
        }

        if (slot < old) {
            old = slot;
            n = i;
        }
    }

    if (old != 0) {
        weir_ring_kill(ring, old);
        displaced++;
    }

    weir_ring_store(&bucket[n], (e->hash & ~WEIR_RING_POS) | pos);

    return displaced;
}


/* Takes an entry out of the index and marks it. */

static void
weir_ring_kill(weir_ring_t *ring, uint64_t pos)
{
    uint64_t            *bucket;
    unsigned             i;
    weir_cache_entry_t  *e;

    e = weir_ring_at(ring, pos);
    bucket = weir_ring_bucket(ring, e->hash);

    for (i = 0; i < WEIR_RING_WAYS; i++) {
        if ((bucket[i] & WEIR_RING_POS) == pos) {
            weir_ring_store(&bucket[i], 0);
        }
    }

    __atomic_store_n(&e->dead, 1, __ATOMIC_RELEASE);
}


/*
 * Unlinks what is dead or too old from the chain of e's owner, and the oldest
 * of the principal so that one more makes 64.
 */

static unsigned
weir_ring_trim(weir_ring_t *ring, const weir_cache_entry_t *e, int64_t now)
{
    uint64_t             pos, *link;
    unsigned             n, killed;
    weir_cache_entry_t  *w;

    n = 0;
    killed = 0;
    link = weir_ring_chain(ring, e->owner);

    for ( ;; ) {
        pos = *link;

        if (!weir_ring_whole(ring, pos)) {

            /* entries only get older from here */

            *link = 0;
            break;
        }

        w = weir_ring_at(ring, pos);

        if (!w->dead && now >= w->until) {
            weir_ring_kill(ring, pos);
        }

        if (!w->dead
            && w->owner == e->owner
            && weir_str_eq(weir_cache_principal(w), weir_cache_principal(e))
            && ++n >= WEIR_CACHE_PRINCIPAL)
        {
            weir_ring_kill(ring, pos);
            killed++;
        }

        if (w->dead) {
            *link = w->next;
            continue;
        }

        link = &w->next;
    }

    return killed;
}


size_t
weir_ring_used(const weir_ring_t *ring)
{
    uint64_t  n;

    n = weir_ring_load(&ring->reserved) - ring->units;

    if (n > ring->units) {
        n = ring->units;
    }

    return (size_t) (ring->ring + n * WEIR_RING_UNIT);
}


unsigned
weir_ring_owned(const weir_ring_t *ring, const weir_cache_entry_t *e,
    int64_t now)
{
    uint64_t                   pos;
    unsigned                   n;
    const weir_cache_entry_t  *w;

    n = 0;

    for (pos = *weir_ring_chain(ring, e->owner);
         weir_ring_whole(ring, pos);
         pos = w->next)
    {
        w = weir_ring_at(ring, pos);

        if (!w->dead
            && now < w->until
            && w->owner == e->owner
            && weir_str_eq(weir_cache_principal(w), weir_cache_principal(e)))
        {
            n++;
        }
    }

    return n;
}
