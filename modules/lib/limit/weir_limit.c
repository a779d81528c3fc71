
/*
 * Weir: the table of a quota: lookup, charge, refund, new keys.
 */

#include "weir_limit.h"
#include "weir_limit_slot.h"


#define WEIR_LIMIT_WAYS     4
#define WEIR_LIMIT_RETRIES  10000

/* a newcomer's value: the second, and the new keys in it */

#define WEIR_LIMIT_COUNT_BITS  20
#define WEIR_LIMIT_COUNT_MASK  ((1ull << WEIR_LIMIT_COUNT_BITS) - 1)


typedef struct {
    weir_limit_slot_t  slots[WEIR_LIMIT_WAYS];
} weir_limit_bucket_t;


/* Where a key is, or where it would go. */

typedef struct {
    weir_limit_slot_t  *slot;
    weir_limit_slot_t   seen;
    int                 known;   /* the slot is or was the key's */
    int                 found;   /* and what it has used counts */
    int                 full;    /* the slot is another key's */
} weir_limit_place_t;


static void weir_limit_buckets(void *table, uint32_t n, uint64_t fingerprint,
    weir_limit_bucket_t *buckets[2]);
static void weir_limit_find(const weir_limit_slice_t *slice,
    uint64_t fingerprint, uint64_t now, const weir_limit_slot_t *except,
    weir_limit_place_t *place);
static int weir_limit_known(weir_limit_bucket_t *buckets[2],
    uint64_t fingerprint, const weir_limit_slot_t *except,
    weir_limit_place_t *place);
static void weir_limit_share(weir_limit_op_t *op);
static int weir_limit_twin(weir_limit_op_t *op, weir_limit_place_t *place,
    weir_limit_slot_t s);
static int weir_limit_newcomer(weir_limit_op_t *op, int take);


int
weir_limit_slice(weir_limit_slice_t *slice, void *mem, size_t size,
    const weir_hash_key_t *key)
{
    size_t     n;
    uintptr_t  start;

    if (size < WEIR_LIMIT_SLICE_MIN) {
        return WEIR_ERROR;
    }

    /* a bucket is a cache line */

    start = ((uintptr_t) mem + sizeof(weir_limit_bucket_t) - 1)
            & ~(uintptr_t) (sizeof(weir_limit_bucket_t) - 1);

    n = (size - (size_t) (start - (uintptr_t) mem))
        / sizeof(weir_limit_bucket_t);

    if (n > UINT32_MAX) {
        n = UINT32_MAX;
    }

    slice->nnewcomers = (uint32_t) (n / 16 + 1);
    slice->nbuckets = (uint32_t) n - slice->nnewcomers;

    slice->slots = (void *) start;
    slice->newcomers = (weir_limit_bucket_t *) start + slice->nbuckets;

    slice->key = *key;
    slice->prefix_key = *key;
    slice->prefix_key.bytes[0] ^= 0x01;

    return WEIR_OK;
}


void
weir_limit_begin(weir_limit_op_t *op, const weir_limit_slice_t *slice,
    const weir_rate_t *rate, uint64_t cost, weir_str_t key,
    const uint8_t prefix[16], uint64_t now)
{
    memset(op, 0, sizeof(weir_limit_op_t));

    op->slice = slice;
    op->rate = rate;
    op->cost = cost;
    op->now = now;

    memcpy(op->prefix, prefix, sizeof(op->prefix));

    if (key.len != 0) {
        op->fingerprint = weir_siphash13(&slice->key, key.data, key.len);

    } else {
        weir_limit_share(op);
    }
}


/* From here on it is the prefix's own bucket. */

static void
weir_limit_share(weir_limit_op_t *op)
{
    op->shared = 1;
    op->fingerprint = weir_siphash13(&op->slice->prefix_key, op->prefix,
                                     sizeof(op->prefix));
}


int
weir_limit_check(weir_limit_op_t *op)
{
    weir_limit_place_t  place;

    weir_limit_find(op->slice, op->fingerprint, op->now, NULL, &place);

    if (!place.known && !op->shared && !weir_limit_newcomer(op, 0)) {
        weir_limit_share(op);
        weir_limit_find(op->slice, op->fingerprint, op->now, NULL, &place);
    }

    op->tat = place.found ? place.seen.value : op->now;

    if (place.known) {
        op->slot = place.slot;
        op->seen[0] = place.seen.key;
        op->seen[1] = place.seen.value;
    }

    return weir_rate_admits(op->rate, op->tat, op->now, op->cost);
}


int
weir_limit_charge(weir_limit_op_t *op)
{
    unsigned            n;
    weir_limit_slot_t   s;
    weir_limit_place_t  place;

    for (n = 0; n < WEIR_LIMIT_RETRIES; n++) {

        if (op->slot != NULL) {
            place.slot = op->slot;
            place.seen.key = op->seen[0];
            place.seen.value = op->seen[1];
            place.known = 1;
            place.found = (place.seen.value > op->now);
            place.full = 0;

            op->slot = NULL;

        } else {
            weir_limit_find(op->slice, op->fingerprint, op->now, NULL,
                            &place);
        }

        if (!place.known && !op->shared && !op->ticket) {

            if (!weir_limit_newcomer(op, 1)) {
                weir_limit_share(op);
                continue;
            }

            op->ticket = 1;
        }

        op->tat = place.found ? place.seen.value : op->now;

        if (!weir_rate_admits(op->rate, op->tat, op->now, op->cost)) {
            return WEIR_DECLINED;
        }

        s.key = op->fingerprint;
        s.value = op->tat + op->cost * op->rate->interval;

        if (!weir_limit_slot_swap(place.slot, place.seen, s)) {
            continue;
        }

        op->evicted |= (unsigned) place.full;

        if (!place.known && weir_limit_twin(op, &place, s)) {
            continue;
        }

        op->tat = s.value;
        op->charged = 1;

        return WEIR_OK;
    }

    /* so many others were faster: there is no room for this one */

    return WEIR_DECLINED;
}


/*
 * Two processes may have put one new key into two slots, where a third slot
 * became free between their looks.  Who sees the other's withdraws.
 */

static int
weir_limit_twin(weir_limit_op_t *op, weir_limit_place_t *place,
    weir_limit_slot_t s)
{
    weir_limit_slot_t   gone;
    weir_limit_place_t  other;

    weir_limit_find(op->slice, op->fingerprint, op->now, place->slot, &other);

    if (!other.found) {
        return 0;
    }

    gone.key = s.key;
    gone.value = 0;

    return weir_limit_slot_swap(place->slot, s, gone);
}


void
weir_limit_refund(weir_limit_op_t *op)
{
    uint64_t            amount;
    unsigned            n;
    weir_limit_slot_t   s;
    weir_limit_place_t  place;

    if (!op->charged) {
        return;
    }

    op->charged = 0;

    amount = op->cost * op->rate->interval;
    op->tat = (op->tat > amount) ? op->tat - amount : 0;

    for (n = 0; n < WEIR_LIMIT_RETRIES; n++) {

        weir_limit_find(op->slice, op->fingerprint, op->now, NULL, &place);

        if (!place.found) {
            return;
        }

        s.key = place.seen.key;
        s.value = (place.seen.value > amount) ? place.seen.value - amount : 0;

        if (weir_limit_slot_swap(place.slot, place.seen, s)) {
            return;
        }
    }
}


/*
 * The key's slot; else the one that it had and nobody took since; else a free
 * one, the longest unused of the emptier bucket; else the slot of the key
 * that has used least.
 */

static void
weir_limit_find(const weir_limit_slice_t *slice, uint64_t fingerprint,
    uint64_t now, const weir_limit_slot_t *except, weir_limit_place_t *place)
{
    unsigned              i, b, nfree[2];
    weir_limit_slot_t     s, *slot;
    weir_limit_place_t    vacant[2], victim;
    weir_limit_bucket_t  *buckets[2];

    weir_limit_buckets(slice->slots, slice->nbuckets, fingerprint, buckets);

    if (weir_limit_known(buckets, fingerprint, except, place)) {
        place->found = (place->seen.value > now);
        return;
    }

    vacant[0].slot = NULL;
    vacant[1].slot = NULL;
    victim.slot = NULL;

    for (b = 0; b < 2; b++) {

        nfree[b] = 0;

        for (i = 0; i < WEIR_LIMIT_WAYS; i++) {

            slot = &buckets[b]->slots[i];

            if (slot == except) {
                continue;
            }

            s = weir_limit_slot_load(slot);

            if (s.key == fingerprint && s.value != 0) {

                /* another process has just put it there */

                place->slot = slot;
                place->seen = s;
                place->known = 1;
                place->found = (s.value > now);
                return;
            }

            if (s.value <= now) {

                if (vacant[b].slot == NULL || s.value < vacant[b].seen.value)
                {
                    vacant[b].slot = slot;
                    vacant[b].seen = s;
                }

                nfree[b]++;

            } else if (victim.slot == NULL || s.value < victim.seen.value) {
                victim.slot = slot;
                victim.seen = s;
            }
        }
    }

    if (nfree[0] + nfree[1] != 0) {
        *place = vacant[nfree[1] > nfree[0]];
        place->full = 0;

    } else {
        *place = victim;
        place->full = 1;
    }

    place->known = 0;
    place->found = 0;
}


/* A key that has two slots by a mischance has used what the fuller says. */

static int
weir_limit_known(weir_limit_bucket_t *buckets[2], uint64_t fingerprint,
    const weir_limit_slot_t *except, weir_limit_place_t *place)
{
    unsigned            i;
    weir_limit_slot_t   s, *slot;

    place->slot = NULL;

    for (i = 0; i < 2 * WEIR_LIMIT_WAYS; i++) {

        slot = &buckets[i / WEIR_LIMIT_WAYS]->slots[i % WEIR_LIMIT_WAYS];

        if (__atomic_load_n(&slot->key, __ATOMIC_RELAXED) != fingerprint
            || slot == except)
        {
            continue;
        }

        s = weir_limit_slot_load(slot);

        if (s.key == fingerprint && s.value != 0
            && (place->slot == NULL || s.value > place->seen.value))
        {
            place->slot = slot;
            place->seen = s;
        }
    }

    place->known = (place->slot != NULL);
    place->full = 0;

    return place->known;
}


static void
weir_limit_buckets(void *table, uint32_t n, uint64_t fingerprint,
    weir_limit_bucket_t *buckets[2])
{
    uint64_t              i, j;
    weir_limit_bucket_t  *all;

    all = table;

    /* the high and the low half, each scaled to 0 .. n - 1 */

    i = (fingerprint >> 32) * n >> 32;
    j = (fingerprint & 0xffffffff) * n >> 32;

    if (i == j) {
        j = (i + 1) % n;
    }

    buckets[0] = &all[i];
    buckets[1] = &all[j];
}


/*
 * 1 if the prefix may bring one more new key in this second; with take it is
 * counted.
 */

static int
weir_limit_newcomer(weir_limit_op_t *op, int take)
{
    unsigned              i, n;
    uint64_t              prefix, second, seen, count;
    weir_limit_slot_t     s, old, *slot, *best;
    weir_limit_bucket_t  *buckets[2];

    second = op->now / 1000000000;

    prefix = weir_siphash13(&op->slice->prefix_key, op->prefix,
                            sizeof(op->prefix));

    weir_limit_buckets(op->slice->newcomers, op->slice->nnewcomers, prefix,
                       buckets);

    for (n = 0; n < WEIR_LIMIT_RETRIES; n++) {

        best = NULL;
        old.key = 0;
        old.value = UINT64_MAX;

        for (i = 0; i < 2 * WEIR_LIMIT_WAYS; i++) {

            slot = &buckets[i / WEIR_LIMIT_WAYS]->slots[i % WEIR_LIMIT_WAYS];
            s = weir_limit_slot_load(slot);

            seen = s.value >> WEIR_LIMIT_COUNT_BITS;

            if (seen >= second && s.key == prefix) {
                best = slot;
                old = s;
                break;
            }

            /* the oldest, and the smallest among those of one second */

            if (s.value < old.value) {
                best = slot;
                old = s;
            }
        }

        s.key = prefix;
        seen = old.value >> WEIR_LIMIT_COUNT_BITS;

        if (old.key == prefix && seen >= second) {
            count = old.value & WEIR_LIMIT_COUNT_MASK;

            if (count >= WEIR_LIMIT_NEW_KEYS) {
                return 0;
            }

            s.value = old.value + 1;

        } else {
            s.value = second << WEIR_LIMIT_COUNT_BITS | 1;
        }

        if (!take || weir_limit_slot_swap(best, old, s)) {
            return 1;
        }
    }

    return 0;
}
