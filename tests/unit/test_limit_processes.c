
/*
 * Unit tests of lib/limit: several processes at one table, and what a dead
 * one leaves.
 */

#include "limit_table.h"


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
        cmocka_unit_test(test_processes),
#ifdef WEIR_LIMIT_WORDS
        cmocka_unit_test(test_dead_writer),
#endif
        cmocka_unit_test(test_processes_new_keys)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
