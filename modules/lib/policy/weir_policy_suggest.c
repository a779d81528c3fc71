
/*
 * Weir: what a misspelt name may have meant.
 */

#include "weir_policy_ast.h"


/* Longer names are not compared: they are not typed by hand. */

#define WEIR_POLICY_NEAR_MAX  64

/*
 * Of large tables only so many names are looked at; before that what is one
 * letter away is looked up.
 */

#define WEIR_POLICY_NEAR_TRIES  2000

static const char  weir_policy_near_letters[] =
    "abcdefghijklmnopqrstuvwxyz0123456789_-.ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* And of a bundle with many errors only the first are guessed at. */

#define WEIR_POLICY_NEAR_GUESSES  200


static weir_str_t weir_policy_near_one(const weir_policy_table_t *t,
    weir_str_t name);
static weir_str_t weir_policy_near_have(const weir_policy_table_t *t,
    const uint8_t *spelt, size_t len);
static uint32_t weir_policy_distance(weir_str_t a, weir_str_t b,
    uint32_t most);


weir_str_t
weir_policy_near(weir_policy_compiler_t *c, const weir_policy_table_t *t,
    weir_str_t name)
{
    uint32_t    i, n, d, best;
    weir_str_t  near;

    near.len = 0;
    near.data = NULL;

    best = (uint32_t) name.len / 3 + 2;
    n = 0;

    if (c->nguesses++ >= WEIR_POLICY_NEAR_GUESSES) {
        return near;
    }

    if (t->used > WEIR_POLICY_NEAR_TRIES) {
        near = weir_policy_near_one(t, name);

        if (near.data != NULL) {
            return near;
        }
    }

    for (i = 0; i < t->size && n < WEIR_POLICY_NEAR_TRIES; i++) {

        if (t->slots[i].value == NULL) {
            continue;
        }

        n++;
        d = weir_policy_distance(name, t->slots[i].name, best + 1);

        /* of two that are equally near, the first in byte order */

        if (d < best
            || (d == best && near.data != NULL
                && weir_str_cmp(t->slots[i].name, near) < 0))
        {
            best = d;
            near = t->slots[i].name;
        }
    }

    return near;
}


/* Each spelling of distance one is asked for. */

static weir_str_t
weir_policy_near_one(const weir_policy_table_t *t, weir_str_t name)
{
    size_t       i;
    uint8_t      spelt[WEIR_POLICY_NEAR_MAX + 1];
    weir_str_t   near = { 0, NULL };
    const char  *ch;

    if (name.len == 0 || name.len > WEIR_POLICY_NEAR_MAX) {
        return near;
    }

    for (i = 0; i <= name.len && near.data == NULL; i++) {

        memcpy(spelt, name.data, name.len);

        if (i + 1 < name.len) {
            spelt[i] = name.data[i + 1];
            spelt[i + 1] = name.data[i];
            near = weir_policy_near_have(t, spelt, name.len);
        }

        if (near.data == NULL && i < name.len) {
            memcpy(spelt, name.data, i);
            memcpy(spelt + i, name.data + i + 1, name.len - i - 1);
            near = weir_policy_near_have(t, spelt, name.len - 1);
        }

        for (ch = weir_policy_near_letters;
             *ch != '\0' && near.data == NULL;
             ch++)
        {
            memcpy(spelt, name.data, i);
            spelt[i] = (uint8_t) *ch;
            memcpy(spelt + i + 1, name.data + i, name.len - i);
            near = weir_policy_near_have(t, spelt, name.len + 1);

            if (near.data == NULL && i < name.len) {
                memcpy(spelt + i + 1, name.data + i + 1, name.len - i - 1);
                near = weir_policy_near_have(t, spelt, name.len);
            }
        }
    }

    return near;
}


static weir_str_t
weir_policy_near_have(const weir_policy_table_t *t, const uint8_t *spelt,
    size_t len)
{
    weir_str_t  name;

    name.data = spelt;
    name.len = len;

    return weir_policy_table_name(t, name);
}


weir_str_t
weir_policy_near_word(const char *const *words, weir_str_t name)
{
    uint32_t    i, d, best;
    weir_str_t  near;

    near.len = 0;
    near.data = NULL;

    best = (uint32_t) name.len / 3 + 2;

    for (i = 0; words[i] != NULL; i++) {
        d = weir_policy_distance(name, weir_cstr(words[i]), best);

        if (d < best) {
            best = d;
            near = weir_cstr(words[i]);
        }
    }

    return near;
}


/*
 * The number of letters to insert, delete, replace or swap with the next one;
 * most or more is most.
 */

static uint32_t
weir_policy_distance(weir_str_t a, weir_str_t b, uint32_t most)
{
    size_t    i, j;
    uint32_t  rows[3][WEIR_POLICY_NEAR_MAX + 1], *before, *last, *row, *swap;
    uint32_t  v;

    if (a.len > WEIR_POLICY_NEAR_MAX || b.len > WEIR_POLICY_NEAR_MAX
        || a.len + most <= b.len || b.len + most <= a.len)
    {
        return most;
    }

    before = rows[0];
    last = rows[1];
    row = rows[2];

    for (j = 0; j <= b.len; j++) {
        before[j] = 0;
        last[j] = (uint32_t) j;
    }

    for (i = 1; i <= a.len; i++) {

        row[0] = (uint32_t) i;

        for (j = 1; j <= b.len; j++) {

            v = last[j - 1] + (a.data[i - 1] != b.data[j - 1]);

            if (last[j] + 1 < v) {
                v = last[j] + 1;
            }

            if (row[j - 1] + 1 < v) {
                v = row[j - 1] + 1;
            }

            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2]
                && a.data[i - 2] == b.data[j - 1] && before[j - 2] + 1 < v)
            {
                v = before[j - 2] + 1;
            }

            row[j] = v;
        }

        swap = before;
        before = last;
        last = row;
        row = swap;
    }

    return last[b.len] < most ? last[b.len] : most;
}


void
weir_policy_unknown(weir_policy_compiler_t *c, weir_policy_loc_t loc,
    const char *what, weir_str_t name, weir_str_t near,
    const weir_policy_loc_t *declared)
{
    if (near.data == NULL) {
        weir_policy_error(c, loc, "%s %.*s is not defined", what,
                          weir_policy_s(name));
        return;
    }

    weir_policy_error(c, loc, "%s %.*s is not defined; is it %.*s?", what,
                      weir_policy_s(name), weir_policy_s(near));

    if (declared != NULL) {
        weir_policy_relate(c, *declared, "declared");
    }
}
