
/*
 * Unit tests of lib/limit: the table of a quota, against a model, under
 * floods, and by several processes at once.  test_limit_words.c runs them
 * again without a 16-byte compare-and-swap.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "weir_limit.h"
#include "weir_limit_slot.h"


#define SECOND  1000000000ull
#define START   (1000 * SECOND)


static uint8_t                here[16] = { 10, 1 };
static const weir_hash_key_t  secret = { "0123456789abcdef" };


static weir_str_t
str(const char *s)
{
    return (weir_str_t) { strlen(s), (const uint8_t *) s };
}


static weir_rate_t
rate_of(const char *s, uint64_t burst)
{
    weir_rate_t  rate;

    assert_int_equal(weir_rate_parse(str(s), &rate, NULL), WEIR_OK);
    assert_int_equal(weir_rate_burst(&rate, burst, NULL), WEIR_OK);

    return rate;
}


/* A slice in memory of its own. */

static void *
slice_new(weir_limit_slice_t *slice, size_t size)
{
    void  *mem;

    mem = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1,
               0);
    assert_true(mem != MAP_FAILED);
    assert_int_equal(weir_limit_slice(slice, mem, size, &secret), WEIR_OK);

    return mem;
}


/* One request, checked and charged. */

static int
pass(const weir_limit_slice_t *slice, const weir_rate_t *rate, uint64_t cost,
    const char *key, const uint8_t *prefix, uint64_t now)
{
    weir_limit_op_t  op;

    weir_limit_begin(&op, slice, rate, cost, str(key), prefix, now);

    if (!weir_limit_check(&op)) {
        assert_int_equal(weir_limit_charge(&op), WEIR_DECLINED);
        assert_int_equal(op.charged, 0);
        return 0;
    }

    assert_int_equal(weir_limit_charge(&op), WEIR_OK);

    return 1;
}


static void
prefix_of(uint8_t prefix[16], unsigned n)
{
    memset(prefix, 0, 16);
    memcpy(prefix, &n, sizeof(n));
}


static void
test_slice_size(void **state)
{
    static _Alignas(64) uint8_t  mem[4096];

    size_t              offset;
    uint8_t            *first, *last;
    weir_limit_slice_t  slice;

    (void) state;

    assert_int_equal(weir_limit_slice(&slice, mem, WEIR_LIMIT_SLICE_MIN - 1,
                                      &secret), WEIR_ERROR);

    for (offset = 0; offset < 64; offset++) {
        assert_int_equal(weir_limit_slice(&slice, mem + offset, 2048,
                                          &secret), WEIR_OK);

        first = slice.slots;
        last = (uint8_t *) slice.newcomers + (size_t) slice.nnewcomers * 64;

        assert_int_equal((uintptr_t) first % 64, 0);
        assert_true(first >= mem + offset);
        assert_true(last <= mem + offset + 2048);
        assert_true(slice.nbuckets >= 2 && slice.nnewcomers >= 1);
    }
}


/* burst = N: N more than the first at once; then one each interval. */

static void
test_burst_and_rate(void **state)
{
    void                *mem;
    unsigned             i, n;
    uint64_t             now;
    weir_rate_t          rate;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("10r/s", 4);

    for (n = 0, i = 0; i < 20; i++) {
        n += (unsigned) pass(&slice, &rate, 1, "a", here, START);
    }

    assert_int_equal(n, 5);

    /* a request each millisecond for ten seconds: ten a second */

    for (n = 0, i = 1; i <= 10000; i++) {
        now = START + i * 1000000ull;
        n += (unsigned) pass(&slice, &rate, 1, "a", here, now);
    }

    assert_int_equal(n, 100);

    /* after a pause all of the burst is back, no more */

    now = START + 60 * SECOND;

    for (n = 0, i = 0; i < 20; i++) {
        n += (unsigned) pass(&slice, &rate, 1, "a", here, now);
    }

    assert_int_equal(n, 5);

    /* keys do not touch one another */

    assert_true(pass(&slice, &rate, 1, "b", here, now));
    assert_false(pass(&slice, &rate, 1, "a", here, now));

    munmap(mem, 65536);
}


static void
test_burst_zero(void **state)
{
    void                *mem;
    weir_rate_t          rate;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("1r/s", 0);

    assert_true(pass(&slice, &rate, 1, "a", here, START));
    assert_false(pass(&slice, &rate, 1, "a", here, START));
    assert_false(pass(&slice, &rate, 1, "a", here, START + SECOND - 1));
    assert_true(pass(&slice, &rate, 1, "a", here, START + SECOND));
    assert_false(pass(&slice, &rate, 1, "a", here, START + SECOND));

    munmap(mem, 65536);
}


static void
test_cost(void **state)
{
    void                *mem;
    weir_rate_t          rate;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("1r/s", 9);

    assert_false(pass(&slice, &rate, 11, "a", here, START));
    assert_true(pass(&slice, &rate, 4, "a", here, START));
    assert_true(pass(&slice, &rate, 4, "a", here, START));
    assert_false(pass(&slice, &rate, 3, "a", here, START));
    assert_true(pass(&slice, &rate, 2, "a", here, START));
    assert_false(pass(&slice, &rate, 1, "a", here, START));
    assert_true(pass(&slice, &rate, 3, "a", here, START + 3 * SECOND));

    munmap(mem, 65536);
}


/* A check charges nothing; what it tells is exact. */

static void
test_check_is_free(void **state)
{
    void                *mem;
    unsigned             i;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("10r/s", 4);

    for (i = 0; i < 100; i++) {
        weir_limit_begin(&op, &slice, &rate, 1, str("a"), here, START);
        assert_true(weir_limit_check(&op));
        assert_int_equal(weir_rate_remaining(&rate, op.tat, op.now), 5);
    }

    for (i = 5; i > 0; i--) {
        weir_limit_begin(&op, &slice, &rate, 1, str("a"), here, START);
        assert_true(weir_limit_check(&op));
        assert_int_equal(weir_limit_charge(&op), WEIR_OK);
        assert_int_equal(weir_rate_remaining(&rate, op.tat, op.now), i - 1);
        assert_int_equal(weir_rate_reset(op.tat, op.now),
                         (6 - i) * 100000000);
    }

    weir_limit_begin(&op, &slice, &rate, 1, str("a"), here, START);
    assert_false(weir_limit_check(&op));
    assert_int_equal(weir_rate_retry(&rate, op.tat, op.now, 1), 100000000);

    munmap(mem, 65536);
}


static void
test_refund(void **state)
{
    void                *mem;
    weir_rate_t          rate;
    weir_limit_op_t      op, other;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("1r/s", 1);

    weir_limit_begin(&op, &slice, &rate, 1, str("a"), here, START);
    assert_int_equal(weir_limit_charge(&op), WEIR_OK);

    weir_limit_begin(&other, &slice, &rate, 1, str("a"), here, START);
    assert_int_equal(weir_limit_charge(&other), WEIR_OK);
    assert_false(pass(&slice, &rate, 1, "a", here, START));

    weir_limit_refund(&op);
    weir_limit_refund(&op);                 /* once only */

    assert_true(pass(&slice, &rate, 1, "a", here, START));
    assert_false(pass(&slice, &rate, 1, "a", here, START));

    /* what was not charged is not given back */

    weir_limit_begin(&op, &slice, &rate, 1, str("a"), here, START);
    assert_int_equal(weir_limit_charge(&op), WEIR_DECLINED);
    weir_limit_refund(&op);
    assert_false(pass(&slice, &rate, 1, "a", here, START));

    /* the only charge of a key given back: as if it had never been */

    weir_limit_begin(&op, &slice, &rate, 2, str("b"), here, START);
    assert_int_equal(weir_limit_charge(&op), WEIR_OK);
    assert_false(pass(&slice, &rate, 1, "b", here, START));
    weir_limit_refund(&op);
    assert_true(pass(&slice, &rate, 2, "b", here, START));

    munmap(mem, 65536);
}


static void
test_empty_key(void **state)
{
    void                *mem;
    uint8_t              there[16];
    weir_rate_t          rate;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("1r/s", 0);
    prefix_of(there, 77);

    assert_true(pass(&slice, &rate, 1, "", here, START));
    assert_false(pass(&slice, &rate, 1, "", here, START));

    /* never one bucket for all, and not that of a key of the same bytes */

    assert_true(pass(&slice, &rate, 1, "", there, START));

    munmap(mem, 65536);
}


/* Any table large enough agrees with a model that knows all keys exactly. */

static void
test_model(void **state)
{
    enum { KEYS = 200 };

    void                *mem;
    char                 key[16];
    int                  expected;
    unsigned             i, k, cost, admitted;
    uint32_t             seed;
    uint64_t             now, base, model[KEYS];
    weir_rate_t          rate;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 1 << 20);
    rate = rate_of("7r/s", 9);

    memset(model, 0, sizeof(model));
    now = START;
    seed = 1;
    admitted = 0;

    for (i = 0; i < 300000; i++) {

        seed = seed * 1664525 + 1013904223;
        now += (seed >> 8) % 2000000;

        seed = seed * 1664525 + 1013904223;
        k = (seed >> 16) % KEYS;
        k = k * k / KEYS;

        seed = seed * 1664525 + 1013904223;
        cost = 1 + (seed >> 16) % 3;

        base = (model[k] > now) ? model[k] : now;
        expected = (base + (cost - 1) * rate.interval - now
                    <= 9 * rate.interval);

        if (expected) {
            model[k] = base + cost * rate.interval;
            admitted++;
        }

        snprintf(key, sizeof(key), "key %u", k);

        if (pass(&slice, &rate, cost, key, here, now) != expected) {
            fail_msg("step %u, key %u, cost %u", i, k, cost);
        }
    }

    assert_true(admitted > 1000 && admitted < 299000);

    munmap(mem, 1 << 20);
}


/* 60% of the slots live: next to none was forgotten. */

static void
test_forced_evictions(void **state)
{
    void                *mem;
    char                 key[16];
    uint8_t              prefix[16];
    unsigned             i, n, evicted;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 4 << 20);
    rate = rate_of("1r/h", 0);

    n = slice.nbuckets * 4 * 6 / 10;
    evicted = 0;

    for (i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "%u", i);
        prefix_of(prefix, i);
        weir_limit_begin(&op, &slice, &rate, 1, str(key), prefix, START + i);
        assert_int_equal(weir_limit_charge(&op), WEIR_OK);
        evicted += op.evicted;
    }

    assert_true(evicted * 1000 < n);

    munmap(mem, 4 << 20);
}


/* When all slots are taken, the key that has used least is forgotten. */

static void
test_evicts_the_least_used(void **state)
{
    void                *mem;
    char                 key[16];
    uint8_t              prefix[16];
    unsigned             i, evicted;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, WEIR_LIMIT_SLICE_MIN);
    rate = rate_of("1r/m", 99);

    /* a heavy user */

    weir_limit_begin(&op, &slice, &rate, 100, str("heavy"), here, START);
    assert_int_equal(weir_limit_charge(&op), WEIR_OK);

    for (i = 0, evicted = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "%u", i);
        prefix_of(prefix, i);
        weir_limit_begin(&op, &slice, &rate, 1, str(key), prefix, START + i);
        assert_int_equal(weir_limit_charge(&op), WEIR_OK);
        evicted += op.evicted;
    }

    assert_true(evicted > 1000);
    assert_false(pass(&slice, &rate, 1, "heavy", here, START + 2000));

    munmap(mem, WEIR_LIMIT_SLICE_MIN);
}


/*
 * A flood of new keys of one quota: another quota, with a slice of its own,
 * admits exactly what it admits without; in the flooded one a client pushes
 * out nobody, since it gets a thousand slots a second at most.
 */

static void
test_flood(void **state)
{
    enum { SIZE = 1 << 20 };

    void                *mem_a, *mem_b;
    char                 key[32];
    uint8_t              attacker[16];
    unsigned             i, k, n, evicted, admitted[2];
    uint64_t             now;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   a, b;

    (void) state;

    mem_a = slice_new(&a, SIZE);
    mem_b = slice_new(&b, SIZE);

    rate = rate_of("4r/s", 3);
    prefix_of(attacker, 666);
    evicted = 0;
    admitted[0] = 0;
    admitted[1] = 0;

    for (i = 0; i < 10000; i++) {

        now = START + i * 1000000ull;

        /* 20 new keys a millisecond: 20,000 a second */

        for (k = 0; k < 20; k++) {
            snprintf(key, sizeof(key), "flood %u", i * 20 + k);
            weir_limit_begin(&op, &a, &rate, 1, str(key), attacker, now);
            (void) weir_limit_charge(&op);
            evicted += op.evicted;
        }

        n = i % 10;
        snprintf(key, sizeof(key), "victim %u", n);
        admitted[0] += (unsigned) pass(&a, &rate, 1, key, here, now);
        admitted[1] += (unsigned) pass(&b, &rate, 1, key, here, now);
    }

    /* ten victims, ten seconds, 4 a second, 3 at once */

    assert_in_range(admitted[1], 10 * (4 * 10 + 3), 10 * (4 * 10 + 4));
    assert_int_equal(admitted[0], admitted[1]);
    assert_int_equal(evicted, 0);

    munmap(mem_a, SIZE);
    munmap(mem_b, SIZE);
}


/* The thousand and first new key of a prefix in a second shares. */

static void
test_new_keys(void **state)
{
    void                *mem;
    char                 key[16];
    uint8_t              there[16];
    unsigned             i, own, shared;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 1 << 20);
    rate = rate_of("1r/h", 4);
    prefix_of(there, 5);

    for (i = 0, own = 0, shared = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "%u", i);
        weir_limit_begin(&op, &slice, &rate, 1, str(key), here, START + i);

        if (weir_limit_charge(&op) == WEIR_OK) {
            if (op.shared) {
                shared++;
            } else {
                own++;
            }
        }
    }

    assert_int_equal(own, WEIR_LIMIT_NEW_KEYS);
    assert_int_equal(shared, 5);

    /* a check says the same before a charge does */

    weir_limit_begin(&op, &slice, &rate, 1, str("new"), here, START + 5000);
    assert_false(weir_limit_check(&op));
    assert_int_equal(op.shared, 1);

    /* known keys keep their own; other prefixes are free */

    assert_true(pass(&slice, &rate, 1, "7", here, START + 5000));
    assert_true(pass(&slice, &rate, 5, "new", there, START + 5000));

    /* the next second is another one */

    for (i = 0, own = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "next %u", i);
        weir_limit_begin(&op, &slice, &rate, 1, str(key), here,
                         START + SECOND + i);
        own += (weir_limit_charge(&op) == WEIR_OK && !op.shared);
    }

    assert_int_equal(own, WEIR_LIMIT_NEW_KEYS);

    munmap(mem, 1 << 20);
}


/*
 * A key that comes again is not new, though its slot is free each time: many
 * requests of a few keys never fall into the shared bucket.
 */

static void
test_known_keys(void **state)
{
    void                *mem;
    char                 key[16];
    unsigned             i;
    weir_rate_t          rate;
    weir_limit_op_t      op;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("10000r/s", 0);

    for (i = 0; i < 20000; i++) {
        snprintf(key, sizeof(key), "%u", i % 3);
        weir_limit_begin(&op, &slice, &rate, 1, str(key), here,
                         START + i * 50000ull);
        assert_true(weir_limit_check(&op));
        assert_int_equal(weir_limit_charge(&op), WEIR_OK);
        assert_int_equal(op.shared, 0);
    }

    munmap(mem, 65536);
}


/* Runs work in n processes; their exit status is checked. */

static void
in_processes(unsigned n, void (*work)(void *arg, unsigned i), void *arg)
{
    int       status;
    pid_t     pids[8];
    unsigned  i;

    for (i = 0; i < n; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);

        if (pids[i] == 0) {
            work(arg, i);
            _exit(0);
        }
    }

    for (i = 0; i < n; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
}


typedef struct {
    weir_limit_slice_t  slice;
    weir_rate_t         rate;
    uint64_t            admitted[8];
    uint64_t            start;
} shared_t;


static void
hammer(void *arg, unsigned n)
{
    char              key[16];
    unsigned          i, k;
    shared_t         *s;
    weir_limit_op_t   op;

    s = arg;

    (void) __atomic_add_fetch(&s->start, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&s->start, __ATOMIC_SEQ_CST) < 4) { /* void */ }

    for (i = 0; i < 20000; i++) {

        for (k = 0; k < 3; k++) {
            snprintf(key, sizeof(key), "key %u", k);

            weir_limit_begin(&op, &s->slice, &s->rate, 1, str(key), here,
                             START);

            if (weir_limit_charge(&op) != WEIR_OK) {
                continue;
            }

            s->admitted[n]++;

            /* every third one goes back */

            if (s->admitted[n] % 3 == 0) {
                weir_limit_refund(&op);
                s->admitted[n]--;

                weir_limit_begin(&op, &s->slice, &s->rate, 1, str(key), here,
                                 START);
                s->admitted[n] += (weir_limit_charge(&op) == WEIR_OK);
            }
        }
    }
}


/* Four processes, one clock reading: exactly B each key, none lost. */

static void
test_processes(void **state)
{
    void      *mem;
    shared_t  *s;

    (void) state;

    s = mmap(NULL, sizeof(shared_t), PROT_READ|PROT_WRITE,
             MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    assert_true(s != MAP_FAILED);

    mem = slice_new(&s->slice, 65536);
    s->rate = rate_of("1r/h", 9999);

    in_processes(4, hammer, s);

    assert_int_equal(s->admitted[0] + s->admitted[1] + s->admitted[2]
                     + s->admitted[3], 30000);

    munmap(mem, 65536);
    munmap(s, sizeof(shared_t));
}


static void
churn(void *arg, unsigned n)
{
    char              key[16];
    unsigned          i;
    shared_t         *s;
    weir_limit_op_t   op;

    s = arg;

    (void) __atomic_add_fetch(&s->start, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&s->start, __ATOMIC_SEQ_CST) < 4) { /* void */ }

    for (i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "key %u", i);

        weir_limit_begin(&op, &s->slice, &s->rate, 1, str(key), here,
                         START + i / 100 * SECOND);
        s->admitted[n] += (weir_limit_charge(&op) == WEIR_OK);
    }
}


/* The same 5,000 new keys by four processes: each key once, no twins. */

static void
test_processes_new_keys(void **state)
{
    void      *mem;
    shared_t  *s;

    (void) state;

    s = mmap(NULL, sizeof(shared_t), PROT_READ|PROT_WRITE,
             MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    assert_true(s != MAP_FAILED);

    mem = slice_new(&s->slice, 1 << 20);
    s->rate = rate_of("1r/d", 0);

    in_processes(4, churn, s);

    assert_int_equal(s->admitted[0] + s->admitted[1] + s->admitted[2]
                     + s->admitted[3], 5000);

    munmap(mem, 1 << 20);
    munmap(s, sizeof(shared_t));
}


#ifdef WEIR_LIMIT_WORDS

/* A writer that died in the middle leaves a slot that comes free again. */

static void
test_dead_writer(void **state)
{
    void                *mem;
    unsigned             i;
    weir_rate_t          rate;
    weir_limit_slot_t   *slots;
    weir_limit_slice_t   slice;

    (void) state;

    mem = slice_new(&slice, 65536);
    rate = rate_of("1r/s", 0);
    slots = slice.slots;

    for (i = 0; i < slice.nbuckets * 4; i++) {
        slots[i].key = i;
        slots[i].value = WEIR_LIMIT_MARK | i;
    }

    assert_true(pass(&slice, &rate, 1, "a", here, START));
    assert_false(pass(&slice, &rate, 1, "a", here, START));

    munmap(mem, 65536);
}

#endif


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_slice_size),
        cmocka_unit_test(test_burst_and_rate),
        cmocka_unit_test(test_burst_zero),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_check_is_free),
        cmocka_unit_test(test_refund),
        cmocka_unit_test(test_empty_key),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_forced_evictions),
        cmocka_unit_test(test_evicts_the_least_used),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_new_keys),
        cmocka_unit_test(test_known_keys),
        cmocka_unit_test(test_processes),
#ifdef WEIR_LIMIT_WORDS
        cmocka_unit_test(test_dead_writer),
#endif
        cmocka_unit_test(test_processes_new_keys)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
