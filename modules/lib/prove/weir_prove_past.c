
/*
 * Weir: since when permits stand, by what was published before: a rule is
 * known again by its content, whatever its name, its roles and sets included.
 */

#include "weir_prove_who.h"


typedef struct {
    uint64_t     since;
    uint64_t     seen;           /* the last bundle that had it */
    weir_str_t   by;
    unsigned     before:1;
} weir_prove_stay_t;


struct weir_prove_past_s {
    weir_arena_t         *arena;
    weir_prove_lists_t    lists;
    weir_policy_table_t   stays;        /* by content */
    uint64_t              bundles;      /* that were added */
    unsigned              lost:1;       /* the last one's content */
};


static weir_str_t weir_prove_content(weir_prove_past_t *past,
    weir_arena_t *arena, weir_str_t policy, const weir_policy_rule_t *rule);
static int weir_prove_past_rule(weir_prove_past_t *past, weir_arena_t *arena,
    weir_str_t policy, const weir_policy_rule_t *rule,
    const weir_prove_stay_t *now);


weir_prove_past_t *
weir_prove_past(weir_arena_t *arena)
{
    weir_prove_past_t  *past;

    past = weir_arena_calloc(arena, 1, sizeof(weir_prove_past_t));

    if (past != NULL) {
        past->arena = arena;
        past->lists.arena = arena;
    }

    return past;
}


int
weir_prove_past_add(weir_prove_past_t *past, const weir_policy_bundle_t *b,
    uint64_t version, weir_str_t by, int follows)
{
    int                        rc;
    uint32_t                   i;
    weir_arena_t               arena;
    weir_prove_stay_t          now;
    const weir_policy_file_t  *files;
    const weir_policy_rule_t  *rule;

    past->bundles++;

    memset(&now, 0, sizeof(weir_prove_stay_t));

    now.since = version;
    now.seen = past->bundles;
    now.before = !follows || past->lost;
    now.by = by;

    past->lost = b == NULL;

    if (b == NULL) {
        return WEIR_OK;
    }

    weir_prove_past_begin(past);
    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    files = b->files;
    rc = WEIR_OK;

    for (i = 0; i < b->nsources; i++) {

        if (files[i].policy.text.data == NULL) {
            continue;
        }

        for (rule = files[i].rules; rule != NULL && rc == WEIR_OK;
             rule = rule->next)
        {
            if (!rule->deny && !rule->shadow) {
                rc = weir_prove_past_rule(past, &arena, files[i].policy.text,
                                          rule, &now);
            }
        }
    }

    weir_arena_done(&arena);

    return rc;
}


static int
weir_prove_past_rule(weir_prove_past_t *past, weir_arena_t *arena,
    weir_str_t policy, const weir_policy_rule_t *rule,
    const weir_prove_stay_t *now)
{
    weir_str_t               s;
    weir_prove_stay_t       *stay;
    weir_policy_compiler_t   c;

    s = weir_prove_content(past, arena, policy, rule);

    if (s.data == NULL) {
        return WEIR_NOMEM;
    }

    stay = weir_policy_table_get(&past->stays, s);

    if (stay == NULL) {
        stay = weir_arena_calloc(past->arena, 1, sizeof(weir_prove_stay_t));
        s = weir_arena_copy(past->arena, s);

        if (stay == NULL || s.data == NULL) {
            return WEIR_NOMEM;
        }

        memset(&c, 0, sizeof(weir_policy_compiler_t));
        c.arena = past->arena;

        (void) weir_policy_table_put(&c, &past->stays, s, stay);

        if (c.nomem) {
            return WEIR_NOMEM;
        }
    }

    /* another rule of this bundle may be the same */

    if (stay->seen == now->seen) {
        return WEIR_OK;
    }

    if (now->before || stay->seen == 0 || stay->seen != now->seen - 1) {
        *stay = *now;

        if (now->before) {
            stay->by.len = 0;
            stay->by.data = NULL;
        }
    }

    stay->seen = now->seen;

    return WEIR_OK;
}


void
weir_prove_past_begin(weir_prove_past_t *past)
{
    memset(&past->lists.places, 0, sizeof(weir_policy_table_t));
}


int
weir_prove_past_find(weir_prove_past_t *past, weir_arena_t *arena,
    const weir_policy_rule_t *rule, weir_prove_grant_t *grant)
{
    weir_str_t          s;
    weir_prove_stay_t  *stay;

    s = weir_prove_content(past, arena, grant->policy, rule);

    if (s.data == NULL) {
        return WEIR_NOMEM;
    }

    stay = weir_policy_table_get(&past->stays, s);
    grant->lost = past->lost;

    if (stay != NULL && stay->seen == past->bundles && !past->lost) {
        grant->since = stay->since;
        grant->by = stay->by;
        grant->before = stay->before;
    }

    return WEIR_OK;
}


static weir_str_t
weir_prove_content(weir_prove_past_t *past, weir_arena_t *arena,
    weir_str_t policy, const weir_policy_rule_t *rule)
{
    uint8_t     *data;
    weir_str_t   meaning, obliges, s = { 0, NULL };

    meaning = weir_prove_meaning(arena, &past->lists, rule);
    obliges = weir_prove_obliges(arena, rule);

    if (meaning.data == NULL || obliges.data == NULL) {
        return s;
    }

    data = weir_arena_alloc(arena, policy.len + meaning.len + obliges.len + 1);

    if (data != NULL) {
        memcpy(data, policy.data, policy.len);
        s.len = policy.len;
        data[s.len++] = '\0';

        memcpy(data + s.len, obliges.data, obliges.len);
        s.len += obliges.len;

        memcpy(data + s.len, meaning.data, meaning.len);
        s.len += meaning.len;
        s.data = data;
    }

    return s;
}
