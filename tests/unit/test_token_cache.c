
/*
 * Tests of lib/token: the ring of verified tokens and the table of a process:
 * what is found, what is displaced, and what a reader sees while the writer
 * writes.
 */

#include <pthread.h>

#include "token_make.h"
#include "weir_token_cache.h"


#define RING  (256 * 1024)


static weir_hash_key_t  key = { "0123456789abcdef" };
static uint8_t          digests[3][32];
static weir_arena_t     arena;

static union {
    weir_cache_entry_t  entry;
    uint8_t             bytes[WEIR_CACHE_ENTRY_MAX];
} copy;


static weir_cache_entry_t *
entry_of(const char *text, const char *subject, int64_t now,
    const char *claim)
{
    json_t               *json;
    weir_cache_entry_t   *e;
    weir_cache_source_t   source;

    memset(&source, 0, sizeof(source));

    json = json_pack("{s:s,s:s}", "sub", subject, "text", claim);
    assert_int_equal(weir_token_flatten(&source.claims, &arena, json),
                     WEIR_OK);
    json_decref(json);

    source.token = str(text);
    source.kind = weir_str("jwt");
    source.issuer = weir_str("corp");
    source.subject = str(subject);
    source.exp = now + 1000;
    source.issuer_digest = digests[0];
    source.keys_digest = digests[1];
    source.thumbprint = digests[2];

    e = weir_arena_alloc(&arena, weir_cache_size(&source));
    assert_non_null(e);
    weir_cache_make(e, &key, &source, now);
    assert_int_equal(e->size, weir_cache_size(&source));

    return e;
}


static weir_cache_entry_t *
entry(const char *text, const char *subject, int64_t now)
{
    return entry_of(text, subject, now, text);
}


static int
any(const weir_cache_entry_t *e, void *data)
{
    (void) data;

    return memcmp(e->issuer, digests[0], 32) == 0;
}


static int
find(weir_ring_t *ring, const char *text)
{
    return weir_ring_find(ring, weir_cache_hash(&key, str(text)), str(text),
                          &copy.entry, sizeof(copy), any, NULL);
}


static weir_ring_t *
ring_make(size_t size)
{
    weir_ring_t  *ring;

    ring = aligned_alloc(64, size);
    assert_non_null(ring);
    memset(ring, 0, size);
    assert_int_equal(weir_ring_init(ring, size), WEIR_OK);

    return ring;
}


/* A token of len bytes whose text is different for each n. */

static char *
text_of(unsigned n, size_t len)
{
    static char  text[WEIR_TOKEN_MAX + 1];

    memset(text, 'x', len);
    text[len] = '\0';
    snprintf(text + len - 10, 11, "%010u", n);

    return text;
}


static void
layout(void **state)
{
    weir_cache_entry_t        *e;
    const weir_claim_entry_t  *c;

    (void) state;

    e = entry("a.b.c", "alice", 1000);

    assert_true(weir_str_eq(weir_cache_token(e), weir_str("a.b.c")));
    assert_true(weir_str_eq(weir_cache_principal(e),
                            weir_str("jwt:corp:alice")));
    assert_true(weir_str_eq(weir_cache_subject(e), weir_str("alice")));
    assert_int_equal(e->claims % 8, 0);
    assert_int_equal(e->size % 8, 0);

    c = weir_claims_find(weir_cache_claims(e), weir_str("text"));
    assert_true(weir_str_eq(weir_claims_string(weir_cache_claims(e), c),
                            weir_str("a.b.c")));

    e = entry("a.b.c", "", 1000);
    assert_true(weir_str_eq(weir_cache_principal(e), weir_str("jwt:corp:")));
    assert_int_equal(weir_cache_subject(e).len, 0);
}


static void
fresh(void **state)
{
    weir_cache_entry_t  *e;

    (void) state;

    e = entry("a.b.c", "alice", 1000);

    assert_true(weir_cache_fresh(e, 1000, 30));
    assert_true(weir_cache_fresh(e, 1299, 30));
    assert_false(weir_cache_fresh(e, 1300, 30));
    assert_true(weir_cache_fresh(e, 970, 30));      /* a clock set back */
    assert_false(weir_cache_fresh(e, 969, 30));

    e->exp = 1100;
    assert_true(weir_cache_fresh(e, 1129, 30));
    assert_false(weir_cache_fresh(e, 1130, 30));
    assert_false(weir_cache_fresh(e, 1100, 0));

    e->exp = 9999;
    e->nbf = 1020;
    assert_true(weir_cache_fresh(e, 1000, 30));
    assert_false(weir_cache_fresh(e, 1000, 10));
}


static void
ring_basics(void **state)
{
    size_t         used;
    weir_ring_t   *ring;

    (void) state;

    ring = ring_make(RING);

    assert_int_equal(find(ring, "a.b.c"), WEIR_DECLINED);
    used = weir_ring_used(ring);

    assert_int_equal(weir_ring_add(ring, entry("a.b.c", "alice", 0), 0), 0);
    assert_int_equal(find(ring, "a.b.c"), WEIR_OK);
    assert_true(weir_str_eq(weir_cache_subject(&copy.entry),
                            weir_str("alice")));
    assert_true(weir_ring_used(ring) > used);

    /* the tail is what is hashed: the rest is compared all the same */

    assert_int_equal(find(ring, "x.b.c"), WEIR_DECLINED);
    assert_int_equal(find(ring, "a.b.d"), WEIR_DECLINED);
    assert_int_equal(find(ring, "a.b.cc"), WEIR_DECLINED);

    {
        char  a[200], b[200];

        memset(a, 'a', 199);
        a[199] = '\0';
        strcpy(b, a);
        b[0] = 'b';

        assert_int_equal(weir_cache_hash(&key, str(a)),
                         weir_cache_hash(&key, str(b)));
        weir_ring_add(ring, entry(a, "alice", 0), 0);
        assert_int_equal(find(ring, a), WEIR_OK);
        assert_int_equal(find(ring, b), WEIR_DECLINED);
        weir_ring_add(ring, entry(b, "bob", 0), 0);
        assert_int_equal(find(ring, a), WEIR_OK);
        assert_true(weir_str_eq(weir_cache_subject(&copy.entry),
                                weir_str("alice")));
        assert_int_equal(find(ring, b), WEIR_OK);
        assert_true(weir_str_eq(weir_cache_subject(&copy.entry),
                                weir_str("bob")));
    }

    /* another issuer's settings: another entry, both are there */

    digests[0][0] ^= 1;
    assert_int_equal(find(ring, "a.b.c"), WEIR_DECLINED);
    weir_ring_add(ring, entry("a.b.c", "carol", 0), 0);
    assert_int_equal(find(ring, "a.b.c"), WEIR_OK);
    assert_true(weir_str_eq(weir_cache_subject(&copy.entry),
                            weir_str("carol")));
    digests[0][0] ^= 1;
    assert_int_equal(find(ring, "a.b.c"), WEIR_OK);
    assert_true(weir_str_eq(weir_cache_subject(&copy.entry),
                            weir_str("alice")));

    /* the same again takes the place of the older one */

    weir_ring_add(ring, entry("a.b.c", "dave", 5), 5);
    assert_int_equal(find(ring, "a.b.c"), WEIR_OK);
    assert_true(weir_str_eq(weir_cache_subject(&copy.entry),
                            weir_str("dave")));
    assert_int_equal(copy.entry.until, 5 + WEIR_CACHE_LIFE);

    /* too small a place for the copy is no find */

    assert_int_equal(weir_ring_find(ring, weir_cache_hash(&key,
                     str("a.b.c")), str("a.b.c"), &copy.entry,
                     sizeof(weir_cache_entry_t), any, NULL), WEIR_DECLINED);

    free(ring);
}


static void
ring_init(void **state)
{
    weir_ring_t  *ring;

    (void) state;

    ring = ring_make(RING);
    weir_ring_add(ring, entry("a.b.c", "alice", 0), 0);

    /* after a reload: what is there stays */

    assert_int_equal(weir_ring_init(ring, RING), WEIR_OK);
    assert_int_equal(find(ring, "a.b.c"), WEIR_OK);

    /* another size, another layout: not understood */

    assert_int_equal(weir_ring_init(ring, RING / 2), WEIR_ERROR);
    *(uint64_t *) (void *) ring ^= 3;
    assert_int_equal(weir_ring_init(ring, RING), WEIR_ERROR);

    memset(ring, 0, RING);
    assert_int_equal(weir_ring_init(ring, WEIR_RING_MIN - 1), WEIR_ERROR);
    assert_int_equal(weir_ring_init(ring, WEIR_RING_MIN), WEIR_OK);
    weir_ring_add(ring, entry("a.b.c", "alice", 0), 0);
    assert_int_equal(find(ring, "a.b.c"), WEIR_OK);

    free(ring);
}


/* Many rounds: the newest are there, nothing is ever found wrongly. */

static void
ring_rounds(void **state)
{
    char          subject[16], *text;
    unsigned      n, i, found, recent;
    weir_ring_t  *ring;

    (void) state;

    ring = ring_make(RING);

    for (n = 0; n < 5000; n++) {
        text = text_of(n, 100 + n * 37 % 900);
        snprintf(subject, sizeof(subject), "s%u", n);

        assert_true(weir_ring_add(ring, entry(text, subject, 0), 0) >= 0);
        assert_int_equal(find(ring, text), WEIR_OK);
        assert_true(weir_str_eq(weir_cache_subject(&copy.entry),
                                str(subject)));
        weir_arena_done(&arena);
        weir_arena_init(&arena, &weir_alloc_malloc, 0);
    }

    found = 0;
    recent = 0;

    for (i = 0; i < n; i++) {
        text = text_of(i, 100 + i * 37 % 900);

        if (find(ring, text) == WEIR_OK) {
            snprintf(subject, sizeof(subject), "s%u", i);
            assert_true(weir_str_eq(weir_cache_subject(&copy.entry),
                                    str(subject)));
            found++;
            recent += i >= n - 100;
        }
    }

    assert_true(found > 120);
    assert_true(recent > 95);
    assert_true(weir_ring_used(ring) <= RING);

    free(ring);
}


/* At most 64 of a principal; others keep theirs. */

static void
ring_principal(void **state)
{
    unsigned             n, found, displaced;
    weir_ring_t         *ring;
    weir_cache_entry_t  *e;

    (void) state;

    ring = ring_make(4 * 1024 * 1024);
    displaced = 0;
    e = NULL;

    weir_ring_add(ring, entry(text_of(999999, 50), "bob", 0), 0);

    for (n = 0; n < 1000; n++) {
        e = entry(text_of(n, 60), "alice", 0);
        displaced += (unsigned) weir_ring_add(ring, e, 0);
        assert_true(weir_ring_owned(ring, e, 0) <= WEIR_CACHE_PRINCIPAL);
    }

    found = 0;

    for (n = 0; n < 1000; n++) {
        if (find(ring, text_of(n, 60)) == WEIR_OK) {
            assert_true(n >= 936);
            found++;
        }
    }

    assert_int_equal(found, 64);
    assert_int_equal(displaced, 936);
    assert_int_equal(weir_ring_owned(ring, e, 0), 64);
    assert_int_equal(find(ring, text_of(999999, 50)), WEIR_OK);

    /* what is too old does not count */

    assert_int_equal(weir_ring_add(ring, entry(text_of(5000, 60), "alice",
                     WEIR_CACHE_LIFE), WEIR_CACHE_LIFE), 0);
    assert_int_equal(weir_ring_owned(ring, e, WEIR_CACHE_LIFE), 1);

    free(ring);
}


static void
ring_large(void **state)
{
    char         *text;
    weir_ring_t  *ring;

    (void) state;

    ring = ring_make(RING);
    text = malloc(WEIR_CACHE_ENTRY_MAX + 1);
    memset(text, 'x', WEIR_CACHE_ENTRY_MAX);
    text[WEIR_CACHE_ENTRY_MAX] = '\0';

    assert_int_equal(weir_ring_add(ring, entry(text, "alice", 0), 0), -1);
    assert_int_equal(find(ring, text), WEIR_DECLINED);

    free(text);
    free(ring);
}


/*
 * Readers beside a writer, without a lock: what is found is always whole.
 * Each entry has a long claim that ends with its token's number, which a torn
 * copy would belie.
 */

#define RACE_CLAIM  8000
#define RACE_KEYS   12


typedef struct {
    weir_ring_t  *ring;
    int           stop;
    unsigned      found;
    unsigned      torn;
} race_t;


static void *
race_reader(void *data)
{
    char                       text[512];
    race_t                    *race = data;
    unsigned                   n;
    weir_str_t                 s;
    const weir_claim_entry_t  *c;

    union {
        weir_cache_entry_t  entry;
        uint8_t             bytes[WEIR_CACHE_ENTRY_MAX];
    } mine;

    for (n = 0; !__atomic_load_n(&race->stop, __ATOMIC_RELAXED); n++) {
        memset(text, 'x', 300);
        snprintf(text + 290, 11, "%010u", n % RACE_KEYS);

        if (weir_ring_find(race->ring, weir_cache_hash(&key, str(text)),
                           str(text), &mine.entry, sizeof(mine), any, NULL)
            != WEIR_OK)
        {
            continue;
        }

        race->found++;

        c = weir_claims_find(weir_cache_claims(&mine.entry),
                             weir_str("text"));
        s.len = 0;

        if (c != NULL) {
            s = weir_claims_string(weir_cache_claims(&mine.entry), c);
        }

        if (s.len != RACE_CLAIM
            || memcmp(s.data + RACE_CLAIM - 10, text + 290, 10) != 0
            || memcmp(s.data, text + 290, 10) != 0)
        {
            race->torn++;
        }
    }

    return NULL;
}


static void
ring_race(void **state)
{
    char          text[512], claim[RACE_CLAIM + 1];
    race_t        race;
    unsigned      n;
    pthread_t     thread;

    weir_cache_entry_t  *entries[RACE_KEYS];

    (void) state;

    memset(&race, 0, sizeof(race));
    race.ring = ring_make(WEIR_RING_MIN);

    for (n = 0; n < RACE_KEYS; n++) {
        memset(text, 'x', 300);
        snprintf(text + 290, 11, "%010u", n);
        memset(claim, 'c', RACE_CLAIM);
        memcpy(claim, text + 290, 10);
        memcpy(claim + RACE_CLAIM - 10, text + 290, 11);
        entries[n] = entry_of(text, text + 290, 0, claim);
    }

    assert_int_equal(pthread_create(&thread, NULL, race_reader, &race), 0);

    /* until the reader has found enough, so that the test tests */

    for (n = 0; n < 3000000; n++) {
        weir_ring_add(race.ring, entries[n % RACE_KEYS], 0);

        if (n > 100000
            && __atomic_load_n(&race.found, __ATOMIC_RELAXED) > 20000)
        {
            break;
        }
    }

    __atomic_store_n(&race.stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);

    assert_int_equal(race.torn, 0);
    assert_true(race.found > 0);

    free(race.ring);
}


/* --- the table --- */

static int
held_any(const weir_held_t *h, void *data)
{
    return data == NULL || h->issuer == data;
}


static weir_held_t *
held_find(weir_table_t *t, const char *text, void *issuer)
{
    return weir_table_find(t, weir_cache_hash(&key, str(text)), str(text),
                           held_any, issuer);
}


static void
table(void **state)
{
    int             a, b;
    weir_held_t    *h, *k;
    weir_table_t    t;

    (void) state;

    assert_int_equal(weir_table_init(&t, &weir_alloc_malloc, 4), WEIR_OK);
    assert_null(held_find(&t, "a.b.c", NULL));

    h = weir_table_add(&t, entry("a.b.c", "alice", 0), &a);
    assert_non_null(h);
    assert_int_equal(h->refs, 1);

    k = held_find(&t, "a.b.c", NULL);
    assert_ptr_equal(k, h);
    assert_int_equal(h->refs, 2);
    assert_null(held_find(&t, "a.b.d", NULL));
    assert_null(held_find(&t, "a.b.c", &b));
    assert_ptr_equal(held_find(&t, "a.b.c", &a), h);

    /* dropped: no longer found, but there for who has it */

    weir_table_drop(&t, h);
    assert_null(held_find(&t, "a.b.c", NULL));
    assert_true(weir_str_eq(weir_cache_subject(h->entry),
                            weir_str("alice")));

    weir_held_release(&weir_alloc_malloc, h);
    weir_held_release(&weir_alloc_malloc, h);
    assert_int_equal(h->refs, 1);
    weir_held_release(&weir_alloc_malloc, h);

    weir_table_done(&t);
    weir_table_done(&t);
    assert_null(held_find(&t, "a.b.c", NULL));
    assert_null(weir_table_add(&t, entry("a.b.c", "alice", 0), &a));
}


static void
table_lru(void **state)
{
    unsigned       n;
    weir_held_t   *h, *first;
    weir_table_t   t;

    (void) state;

    /* one set of four */

    assert_int_equal(weir_table_init(&t, &weir_alloc_malloc, 1), WEIR_OK);
    t.tick = UINT32_MAX - 3;

    first = weir_table_add(&t, entry("a.b.0", "alice", 0), NULL);

    for (n = 1; n < 50; n++) {
        h = weir_table_add(&t, entry(text_of(n, 20), "alice", 0), NULL);
        assert_non_null(h);
        weir_held_release(&weir_alloc_malloc, h);

        /* who is used stays */

        h = held_find(&t, "a.b.0", NULL);
        assert_ptr_equal(h, first);
        weir_held_release(&weir_alloc_malloc, h);
    }

    for (n = 1; n < 50; n++) {
        h = held_find(&t, text_of(n, 20), NULL);

        if (h != NULL) {
            assert_true(n >= 47);
            weir_held_release(&weir_alloc_malloc, h);
        }
    }

    /* displaced while a request holds it */

    for (n = 100; n < 110; n++) {
        h = weir_table_add(&t, entry(text_of(n, 20), "alice", 0), NULL);
        weir_held_release(&weir_alloc_malloc, h);
    }

    assert_null(held_find(&t, "a.b.0", NULL));
    assert_true(weir_str_eq(weir_cache_token(first->entry),
                            weir_str("a.b.0")));
    weir_held_release(&weir_alloc_malloc, first);

    weir_table_done(&t);
}


static void *
none_alloc(void *ctx, size_t size)
{
    (void) ctx;
    (void) size;

    return NULL;
}


static void
none_free(void *ctx, void *p)
{
    (void) ctx;
    free(p);
}


static void
table_memory(void **state)
{
    weir_table_t         t;
    static weir_alloc_t  none = { none_alloc, none_free, NULL };

    (void) state;

    assert_int_equal(weir_table_init(&t, &none, 4), WEIR_NOMEM);

    assert_int_equal(weir_table_init(&t, &weir_alloc_malloc, 4), WEIR_OK);
    t.alloc = &none;
    assert_null(weir_table_add(&t, entry("a.b.c", "alice", 0), NULL));
    assert_null(held_find(&t, "a.b.c", NULL));
    weir_table_done(&t);
}


static int
setup(void **state)
{
    (void) state;

    memset(digests[0], 'i', 32);
    memset(digests[1], 'k', 32);
    memset(digests[2], 't', 32);

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    weir_arena_done(&arena);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(layout),
        cmocka_unit_test(fresh),
        cmocka_unit_test(ring_basics),
        cmocka_unit_test(ring_init),
        cmocka_unit_test(ring_rounds),
        cmocka_unit_test(ring_principal),
        cmocka_unit_test(ring_large),
        cmocka_unit_test(ring_race),
        cmocka_unit_test(table),
        cmocka_unit_test(table_lru),
        cmocka_unit_test(table_memory),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
