
/*
 * Unit tests of lib/split: weights, shares, stickiness, moves.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "weir_split.h"


#define str(s)  weir_cstr(s)

#define UNITS  200000


static const weir_hash_key_t  secret = { "0123456789abcdef" };


static weir_split_t *
split_of(const char *salt, unsigned n)
{
    unsigned              i;
    static weir_split_t   splits[4];
    static unsigned       next;
    weir_split_t         *split;

    static const char  *names[] = {
        "green", "red", "violet", "amber", "white"
    };

    split = &splits[next++ % 4];

    weir_split_init(split, &secret, str(salt));

    for (i = 0; i < n - 1; i++) {
        assert_int_equal(weir_split_add(split, str(names[i])), WEIR_OK);
    }

    assert_int_equal(weir_split_add(split, str("blue")), WEIR_OK);

    return split;
}


static uint32_t
pick(const weir_split_t *split, const uint32_t *weights, unsigned unit)
{
    char  text[32];

    return weir_split_pick(split, weights,
                           (weir_str_t) { (size_t) snprintf(text,
                                              sizeof(text), "user-%u", unit),
                                          (uint8_t *) text });
}


static void
test_weight(void **state)
{
    size_t    i;
    uint32_t  w;

    static const struct {
        const char  *text;
        uint32_t     weight;
    } v[] = {
        { "0%", 0 }, { "5%", 500 }, { "0.01%", 1 }, { "0.1%", 10 },
        { "12.5%", 1250 }, { "99.99%", 9999 }, { "100%", 10000 },
        { "100.00%", 10000 }, { "05%", 500 }
    };

    static const char  *bad[] = {
        "", "%", "5", "5.%", ".5%", "0.001%", "100.01%", "101%", "-5%", "+5%",
        "5 %", " 5%", "5% ", "5%%", "**", "*%", "5.5.5%", "5,5%", "1e1%",
        "0005%", "4294967301%"
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        if (weir_split_weight(str(v[i].text), &w) != WEIR_OK
            || w != v[i].weight)
        {
            fail_msg("%s", v[i].text);
        }
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (weir_split_weight(str(bad[i]), &w) != WEIR_ERROR) {
            fail_msg("parsed \"%s\"", bad[i]);
        }
    }

    assert_int_equal(weir_split_weight(str("*"), &w), WEIR_DECLINED);
}


static void
test_colours(void **state)
{
    char           name[WEIR_SPLIT_COLOURS][8];
    unsigned       i;
    weir_split_t  *split;

    (void) state;

    split = split_of("colours", 3);

    assert_int_equal(weir_split_colour(split, str("green")), 0);
    assert_int_equal(weir_split_colour(split, str("red")), 1);
    assert_int_equal(weir_split_colour(split, str("blue")), 2);
    assert_int_equal(weir_split_colour(split, str("Green")), WEIR_DECLINED);
    assert_int_equal(weir_split_colour(split, str("")), WEIR_DECLINED);
    assert_int_equal(weir_split_add(split, str("red")), WEIR_DECLINED);

    for (i = 3; i < WEIR_SPLIT_COLOURS; i++) {
        snprintf(name[i], sizeof(name[i]), "c%u", i);
        assert_int_equal(weir_split_add(split, str(name[i])), WEIR_OK);
    }

    assert_int_equal(weir_split_add(split, str("more")), WEIR_ERROR);
}


/* Every share is within 3 sigma, from 0.01% to 99.99%. */

static void
check_shares(const weir_split_t *split, const uint32_t *weights)
{
    double    p, deviation;
    uint32_t  i, rest, w, count[WEIR_SPLIT_COLOURS];

    memset(count, 0, sizeof(count));

    for (i = 0; i < UNITS; i++) {
        count[pick(split, weights, i)]++;
    }

    rest = WEIR_SPLIT_WHOLE;

    for (i = 0; i < split->ncolours; i++) {

        w = (i == split->ncolours - 1) ? rest : weights[i];
        rest -= w;

        p = (double) w / WEIR_SPLIT_WHOLE;
        deviation = (double) count[i] - p * UNITS;

        if (deviation * deviation > 9 * p * (1 - p) * UNITS) {
            fail_msg("colour %u: %u of %u for %u", i, count[i], UNITS, w);
        }
    }
}


static void
test_shares_two(void **state)
{
    size_t  i;

    static const uint32_t  weights[][1] = {
        { 0 }, { 1 }, { 10 }, { 100 }, { 500 }, { 1250 }, { 5000 }, { 7777 },
        { 9999 }, { 10000 }
    };

    (void) state;

    for (i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        check_shares(split_of("two", 2), weights[i]);
    }
}


static void
test_shares_three(void **state)
{
    size_t  i;

    static const uint32_t  weights[][2] = {
        { 0, 0 }, { 1000, 1000 }, { 2000, 1000 }, { 1, 1 }, { 5000, 5000 },
        { 0, 10000 }, { 10000, 0 }, { 3333, 3333 }, { 9000, 1 }
    };

    (void) state;

    for (i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        check_shares(split_of("three", 3), weights[i]);
    }
}


static void
test_shares_more(void **state)
{
    size_t  i;

    static const uint32_t  weights[][4] = {
        { 1000, 1000, 1000, 1000 }, { 1, 2, 3, 4 }, { 100, 200, 300, 400 },
        { 0, 0, 0, 0 }, { 2500, 2500, 2500, 2500 }, { 0, 10000, 0, 0 },
        { 5000, 10, 4000, 100 }
    };

    (void) state;

    for (i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        check_shares(split_of("five", 5), weights[i]);
    }
}


/*
 * One or two colours and the rest: whoever moves goes from a colour that lost
 * weight to one that won, and as many move as weight did.
 */

static void
check_moves(const weir_split_t *split, const uint32_t *before,
    const uint32_t *after)
{
    int64_t   delta[WEIR_SPLIT_COLOURS];
    uint32_t  i, a, b, n, moved, weight;

    n = split->ncolours;
    delta[n - 1] = 0;
    weight = 0;

    for (i = 0; i < n - 1; i++) {
        delta[i] = (int64_t) after[i] - (int64_t) before[i];
        delta[n - 1] -= delta[i];
    }

    for (i = 0; i < n; i++) {
        weight += (delta[i] > 0) ? (uint32_t) delta[i] : 0;
    }

    moved = 0;

    for (i = 0; i < UNITS; i++) {
        a = pick(split, before, i);
        b = pick(split, after, i);

        if (a == b) {
            continue;
        }

        moved++;

        if (delta[a] >= 0 || delta[b] <= 0) {
            fail_msg("user-%u moved from %u to %u", i, a, b);
        }
    }

    if (moved > (uint64_t) UNITS * weight / WEIR_SPLIT_WHOLE + UNITS / 100) {
        fail_msg("%u moved for a weight of %u", moved, weight);
    }
}


static void
test_moves_two(void **state)
{
    uint32_t  i, before, after;

    static const uint32_t  path[] = {
        0, 1, 100, 500, 1000, 2500, 5000, 9999, 10000, 5000, 0, 10000, 500
    };

    (void) state;

    for (i = 0; i + 1 < sizeof(path) / sizeof(path[0]); i++) {
        before = path[i];
        after = path[i + 1];
        check_moves(split_of("moves", 2), &before, &after);
    }
}


static void
test_moves_three(void **state)
{
    uint32_t  i;

    static const uint32_t  path[][2] = {
        { 1000, 1000 }, { 2000, 1000 }, { 2000, 3000 }, { 500, 3000 },
        { 500, 9500 }, { 0, 9500 }, { 0, 0 }, { 10000, 0 }, { 0, 10000 },
        { 5000, 5000 }, { 5000, 0 }, { 1, 0 }, { 1, 1 }
    };

    (void) state;

    for (i = 0; i + 1 < sizeof(path) / sizeof(path[0]); i++) {
        check_moves(split_of("moves", 3), path[i], path[i + 1]);
    }
}


/*
 * More colours: nobody leaves a colour whose weight rose, nobody comes to one
 * whose weight fell.
 */

static void
test_moves_more(void **state)
{
    uint32_t       i, k, a, b, seed, rest;
    int64_t        delta[5];
    weir_split_t  *split;
    uint32_t       before[4] = { 1000, 1000, 1000, 1000 }, after[4];

    (void) state;

    split = split_of("moves", 5);
    seed = 7;

    for (k = 0; k < 12; k++) {

        memcpy(after, before, sizeof(after));

        seed = seed * 1664525 + 1013904223;
        i = (seed >> 16) % 4;

        rest = WEIR_SPLIT_WHOLE - before[0] - before[1] - before[2]
               - before[3];

        seed = seed * 1664525 + 1013904223;
        after[i] = (seed >> 16) % (before[i] + rest + 1);

        memset(delta, 0, sizeof(delta));
        delta[i] = (int64_t) after[i] - (int64_t) before[i];
        delta[4] = -delta[i];

        for (i = 0; i < 50000; i++) {
            a = pick(split, before, i);
            b = pick(split, after, i);

            if (a != b && (delta[a] > 0 || delta[b] < 0)) {
                fail_msg("user-%u moved from %u to %u", i, a, b);
            }
        }

        memcpy(before, after, sizeof(after));
    }
}


/* Other salts and other secrets are other experiments. */

static void
test_independent(void **state)
{
    uint32_t               i, both, w;
    double                 deviation;
    weir_split_t          *a, *b;
    static weir_split_t    c;
    weir_hash_key_t        other;

    (void) state;

    a = split_of("checkout", 2);
    b = split_of("search", 2);

    other = secret;
    other.bytes[0] ^= 1;
    weir_split_init(&c, &other, str("checkout"));
    assert_int_equal(weir_split_add(&c, str("green")), WEIR_OK);
    assert_int_equal(weir_split_add(&c, str("blue")), WEIR_OK);

    w = 1000;

    for (i = 0, both = 0; i < UNITS; i++) {
        both += (pick(a, &w, i) == 0 && pick(b, &w, i) == 0);
    }

    deviation = both - 0.01 * UNITS;
    assert_true(deviation * deviation < 9 * 0.01 * 0.99 * UNITS);

    for (i = 0, both = 0; i < UNITS; i++) {
        both += (pick(a, &w, i) == 0 && pick(&c, &w, i) == 0);
    }

    deviation = both - 0.01 * UNITS;
    assert_true(deviation * deviation < 9 * 0.01 * 0.99 * UNITS);
}


/*
 * What users got stays theirs over releases and machines: these answers may
 * never change.
 */

static void
test_pinned(void **state)
{
    char      got[61];
    uint32_t  i;

    static const uint32_t  two[] = { 3000 };
    static const uint32_t  three[] = { 3000, 3000 };
    static const uint32_t  five[] = { 2000, 2000, 2000, 2000 };

    (void) state;

    for (i = 0; i < 20; i++) {
        got[i] = (char) ('0' + pick(split_of("pinned", 2), two, i));
        got[20 + i] = (char) ('0' + pick(split_of("pinned", 3), three, i));
        got[40 + i] = (char) ('0' + pick(split_of("pinned", 5), five, i));
    }

    got[60] = '\0';

    assert_string_equal(got, "11101011100111011111" "11202011100111012111"
                             "01212403222300424124");
}


/* Units are bytes of any length. */

static void
test_units(void **state)
{
    uint32_t       w, first;
    uint8_t        long_unit[5000];
    weir_split_t  *split;

    (void) state;

    split = split_of("units", 2);
    w = 5000;

    memset(long_unit, 'x', sizeof(long_unit));

    first = weir_split_pick(split, &w, (weir_str_t) { sizeof(long_unit),
                                                      long_unit });
    assert_int_equal(weir_split_pick(split, &w,
                         (weir_str_t) { sizeof(long_unit), long_unit }),
                     first);

    assert_true(weir_split_pick(split, &w, (weir_str_t) { 0, NULL }) < 2);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_weight),
        cmocka_unit_test(test_colours),
        cmocka_unit_test(test_shares_two),
        cmocka_unit_test(test_shares_three),
        cmocka_unit_test(test_shares_more),
        cmocka_unit_test(test_moves_two),
        cmocka_unit_test(test_moves_three),
        cmocka_unit_test(test_moves_more),
        cmocka_unit_test(test_independent),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_units)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
