
/*
 * Weir: deciding: the walk of the index.
 *
 * A rule is the Kleene conjunction of its scopes and conditions.  A permit
 * counts when that is true, a deny unless it is false.  Denies come first:
 * behind one that counts no permit is looked at.
 */

#include "weir_policy_eval.h"


#define WEIR_POLICY_AHEAD  8            /* entries */

#define WEIR_POLICY_L_DENIES                                                  \
    (1u << WEIR_POLICY_L_EXACT_DENY | 1u << WEIR_POLICY_L_ANY_DENY)
#define WEIR_POLICY_L_PERMITS                                                 \
    (1u << WEIR_POLICY_L_EXACT_PERMIT | 1u << WEIR_POLICY_L_ANY_PERMIT)


static void weir_policy_walk(weir_policy_eval_t *ev, uint32_t at, uint32_t i);
static void weir_policy_arrive(weir_policy_eval_t *ev, uint32_t at,
    uint32_t i);
static uint32_t weir_policy_child(const weir_policy_eval_t *ev,
    const weir_policy_trie_rec_t *t, weir_str_t seg);
static inline int weir_policy_slot_is(const weir_policy_eval_t *ev,
    const weir_policy_slot_rec_t *slot, weir_str_t seg, weir_word16_t word);
static void weir_policy_ahead(weir_policy_eval_t *ev,
    const weir_policy_run_t *run);
static void weir_policy_node_lists(weir_policy_eval_t *ev,
    const weir_policy_trie_rec_t *t, uint32_t taken);
static void weir_policy_run(weir_policy_eval_t *ev,
    const weir_policy_run_t *run, uint32_t taken);
static void weir_policy_visit(weir_policy_eval_t *ev,
    const weir_policy_entry_rec_t *entry);
static void weir_policy_count_in(weir_policy_eval_t *ev,
    const weir_policy_entry_rec_t *entry, const weir_policy_rule_rec_t *rule);
static int weir_policy_first(weir_policy_eval_t *ev,
    const weir_policy_entry_rec_t *entry, const weir_policy_rule_rec_t *rule);
static void weir_policy_take(weir_policy_decision_t *d, uint32_t rule);
static void weir_policy_sift(uint32_t *heap, uint32_t i, uint32_t n);
static void weir_policy_sort(weir_policy_decision_t *d);


void
weir_policy_decide(const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_request_t *r, weir_policy_decision_t *d)
{
    uint32_t            i;
    weir_policy_eval_t  ev;

    weir_policy_eval_begin(&ev, image, policy, r, d);

    d->verdict = WEIR_POLICY_DENY;
    d->reason = WEIR_POLICY_DEFAULT_DENY;
    d->count = 0;
    d->neffects = 0;
    d->nshadow = 0;

    weir_policy_walk(&ev, 0, 0);

    if (d->reason == WEIR_POLICY_DEFAULT_DENY) {

        ev.permits = 1;

        if (ev.nodes_lost) {
            weir_policy_walk(&ev, 0, 0);

        } else {
            for (i = 0; i < ev.nlater; i++) {
                weir_policy_node_lists(&ev, &ev.trie[ev.later[i].node],
                                       ev.later[i].taken);
            }
        }
    }

    if (d->count > 1) {
        weir_policy_sort(d);
    }

    if (d->neffects > 1) {
        weir_policy_merge_effects(&ev);
    }

    d->shadow = d->verdict;

    if (ev.shadow_deny) {
        d->shadow = WEIR_POLICY_DENY;

    } else if (ev.shadow_permit && d->reason == WEIR_POLICY_DEFAULT_DENY) {
        d->shadow = WEIR_POLICY_PERMIT;
    }
}


/*
 * From the node at, which has taken i segments of the path.  The first walk is
 * for denies and remembers where permits are.
 */

static void
weir_policy_walk(weir_policy_eval_t *ev, uint32_t at, uint32_t i)
{
    uint32_t                       n, child;
    const weir_policy_trie_rec_t  *t;

    n = ev->r->path->nsegments;

    for ( ;; ) {
        t = &ev->trie[at];

        if (t->filled != 0) {
            weir_policy_arrive(ev, at, i);
        }

        if (i == n) {
            return;
        }

        child = t->table.n == 0 ? 0
                : weir_policy_child(ev, t, ev->r->path->segments[i]);
        i++;

        if (t->star == WEIR_POLICY_NONE) {

            if (child == 0) {
                return;
            }

            at = child;
            continue;
        }

        if (child != 0) {
            weir_policy_walk(ev, child, i);
        }

        at = t->star;
    }
}


/* The lists of a node: of denies, or of what the second walk is for. */

static void
weir_policy_arrive(weir_policy_eval_t *ev, uint32_t at, uint32_t i)
{
    uint32_t                       filled;
    const weir_policy_trie_rec_t  *t;

    t = &ev->trie[at];

    if (ev->permits) {
        weir_policy_node_lists(ev, t, i);
        return;
    }

    filled = t->filled;

    if (i != ev->r->path->nsegments) {
        filled &= 1u << WEIR_POLICY_L_ANY_DENY
                  | 1u << WEIR_POLICY_L_ANY_PERMIT;
    }

    if (filled & WEIR_POLICY_L_PERMITS) {

        if (ev->nlater == WEIR_POLICY_MEMO_NODES) {
            ev->nodes_lost = 1;

        } else {
            ev->later[ev->nlater].node = at;
            ev->later[ev->nlater++].taken = i;
        }

        /* nearly always they are looked at in the end */

        weir_policy_ahead(ev, &t->lists[WEIR_POLICY_L_EXACT_PERMIT]);
        weir_policy_ahead(ev, &t->lists[WEIR_POLICY_L_ANY_PERMIT]);
    }

    if (filled & WEIR_POLICY_L_DENIES) {
        weir_policy_node_lists(ev, t, i);
    }
}


/* 0: none; the root is nobody's child. */

static uint32_t
weir_policy_child(const weir_policy_eval_t *ev,
    const weir_policy_trie_rec_t *t, weir_str_t seg)
{
    uint32_t                       i, hash, mask;
    weir_word16_t                  word;
    const weir_policy_slot_rec_t  *slots;

    slots = weir_policy_at(ev->image, t->table.off);
    word = weir_policy_slot_word(seg);

    if (t->table.n == 1) {
        return weir_policy_slot_is(ev, slots, seg, word) ? slots->child : 0;
    }

    hash = seg.len <= WEIR_STR_SHORT
           ? weir_policy_short_hash(word, seg.len)
           : weir_policy_long_hash(seg);

    mask = t->table.n - 1;

    for (i = hash & mask; slots[i].child != 0; i = (i + 1) & mask) {
        if (weir_policy_slot_is(ev, &slots[i], seg, word)) {
            return slots[i].child;
        }
    }

    return 0;
}


static inline int
weir_policy_slot_is(const weir_policy_eval_t *ev,
    const weir_policy_slot_rec_t *slot, weir_str_t seg, weir_word16_t word)
{
    return slot->text.len == seg.len
           && slot->word.a == word.a && slot->word.b == word.b
           && (seg.len <= WEIR_STR_SHORT
               || memcmp(weir_policy_text(ev->image, slot->text).data,
                         seg.data, seg.len) == 0);
}


/* Has the first entries fetched while the walk goes on. */

static void
weir_policy_ahead(weir_policy_eval_t *ev, const weir_policy_run_t *run)
{
    uint32_t  i;

    for (i = 0; i < run->n && i < WEIR_POLICY_AHEAD; i++) {
        __builtin_prefetch(&ev->entries[run->first + i]);
    }
}


static void
weir_policy_node_lists(weir_policy_eval_t *ev,
    const weir_policy_trie_rec_t *t, uint32_t taken)
{
    uint32_t                      i, exact, any;
    const weir_policy_dim_rec_t  *dim;

    exact = ev->permits ? WEIR_POLICY_L_EXACT_PERMIT
                        : WEIR_POLICY_L_EXACT_DENY;
    any = ev->permits ? WEIR_POLICY_L_ANY_PERMIT : WEIR_POLICY_L_ANY_DENY;

    weir_policy_run(ev, &t->lists[any], taken);

    if (taken == ev->r->path->nsegments) {
        weir_policy_run(ev, &t->lists[exact], taken);
    }

    for (i = 0; i < t->ndims; i++) {
        dim = &ev->dims[t->dims + i];

        if (dim->list == any
            || (dim->list == exact && taken == ev->r->path->nsegments))
        {
            weir_policy_dim_visit(ev, dim, !ev->permits, taken,
                                  weir_policy_run);
        }
    }
}


/* What is unknown grants nothing: a permit's key must be true. */

static void
weir_policy_run(weir_policy_eval_t *ev, const weir_policy_run_t *run,
    uint32_t taken)
{
    uint32_t                        i, k, kind, attr;
    weir_policy_truth_t             v;
    const weir_policy_entry_rec_t  *e;

    for (i = 0; i < run->n && i < WEIR_POLICY_AHEAD; i++) {
        __builtin_prefetch(&ev->rules[ev->entries[run->first + i].rule]);
    }

    for (i = 0; i < run->n; i++) {
        e = &ev->entries[run->first + i];

        if ((e->methods & ev->method) == 0) {
            continue;
        }

        for (k = 0; k < WEIR_POLICY_ENTRY_KEYS && e->keys[k].of != 0; k++) {

            kind = weir_policy_key_kind(e->keys[k].of);
            attr = weir_policy_key_index(e->keys[k].of);

            if (kind == WEIR_POLICY_K_EQ && (ev->hashed >> attr & 1)) {

                if (ev->memo[attr].hash != e->keys[k].hash) {
                    break;
                }

                continue;
            }

            /* few that are likely to match are compared themselves */

            if (kind == WEIR_POLICY_K_IN && k != 0
                && run->n <= WEIR_POLICY_AHEAD)
            {
                continue;
            }

            v = weir_policy_key_value(ev, &e->keys[k]);

            if (v == WEIR_POLICY_FALSE
                || (v == WEIR_POLICY_MAYBE && ev->permits))
            {
                break;
            }
        }

        if (k < WEIR_POLICY_ENTRY_KEYS && e->keys[k].of != 0) {
            continue;
        }

        if ((e->flags & WEIR_POLICY_R_TAIL)
            && !weir_policy_tail_matches(ev, &ev->whats[e->what], taken))
        {
            continue;
        }

        weir_policy_visit(ev, e);
    }
}


/*
 * A rule with several "what"s is looked at where the first of those that
 * match stands; where its value depends on their captures, it is the
 * disjunction over all that match.
 */

static void
weir_policy_visit(weir_policy_eval_t *ev, const weir_policy_entry_rec_t *entry)
{
    uint32_t                       i;
    weir_policy_truth_t            value, other;
    const weir_policy_what_rec_t  *what;
    const weir_policy_rule_rec_t  *rule;

    rule = &ev->rules[entry->rule];
    what = NULL;

    if (entry->what != WEIR_POLICY_NONE) {
        what = &ev->whats[entry->what];

        if (ev->method == WEIR_POLICY_METHOD_OTHER
            && !weir_policy_methods_match(ev, what))
        {
            return;
        }

        if ((entry->flags & WEIR_POLICY_R_SEVERAL)
            && !weir_policy_first(ev, entry, rule))
        {
            return;
        }
    }

    ev->what = what;
    value = weir_policy_rule_value(ev, rule);

    if (what != NULL && (rule->flags & WEIR_POLICY_R_CAPTURES)) {

        for (i = entry->what + 1;
             i < rule->whats + rule->nwhats && value != WEIR_POLICY_TRUE;
             i++)
        {
            if (!weir_policy_what_matches(ev, &ev->whats[i])) {
                continue;
            }

            ev->what = &ev->whats[i];
            other = weir_policy_rule_value(ev, rule);

            if (other != WEIR_POLICY_FALSE) {
                value = other;
            }
        }
    }

    if (value == WEIR_POLICY_FALSE
        || (value == WEIR_POLICY_MAYBE
            && !(entry->flags & WEIR_POLICY_R_DENY)))
    {
        return;
    }

    if (entry->flags & WEIR_POLICY_R_SHADOW) {

        if (entry->flags & WEIR_POLICY_R_DENY) {
            ev->shadow_deny = 1;

        } else {
            ev->shadow_permit = 1;
        }

        ev->d->nshadow += entry->nmembers == 0 ? 1 : entry->nmembers;
        return;
    }

    if (!(entry->flags & WEIR_POLICY_R_DENY)) {
        ev->d->verdict = WEIR_POLICY_PERMIT;
        ev->d->reason = WEIR_POLICY_PERMIT_RULE;

    } else if (value == WEIR_POLICY_TRUE) {
        ev->d->reason = WEIR_POLICY_DENY_RULE;

    } else if (ev->d->reason == WEIR_POLICY_DEFAULT_DENY) {
        ev->d->reason = WEIR_POLICY_DENY_UNKNOWN;
    }

    weir_policy_count_in(ev, entry, rule);
}


/* Of rules that share an entry the first are the lowest, and all that count. */

static void
weir_policy_count_in(weir_policy_eval_t *ev,
    const weir_policy_entry_rec_t *entry, const weir_policy_rule_rec_t *rule)
{
    uint32_t  i, n;

    if (entry->nmembers == 0) {
        weir_policy_take(ev->d, entry->rule);
        weir_policy_take_effects(ev, rule);
        return;
    }

    n = entry->nmembers < ev->d->max ? entry->nmembers : ev->d->max;

    for (i = 0; i < n; i++) {
        weir_policy_take(ev->d, ev->members[entry->members + i]);
    }

    ev->d->count += entry->nmembers - n;
}


/*
 * 1 if the rule is looked at here.  Where its value is the same for all of
 * its "what"s, the first that the walk meets will do.
 */

static int
weir_policy_first(weir_policy_eval_t *ev, const weir_policy_entry_rec_t *entry,
    const weir_policy_rule_rec_t *rule)
{
    uint32_t  i;

    if (!(rule->flags & WEIR_POLICY_R_CAPTURES)) {

        for (i = 0; i < ev->nseen; i++) {
            if (ev->seen[i] == entry->rule) {
                return 0;
            }
        }

        if (ev->nseen < WEIR_POLICY_MEMO_RULES) {
            ev->seen[ev->nseen++] = entry->rule;
            return 1;
        }
    }

    for (i = rule->whats; i < entry->what; i++) {
        if (weir_policy_what_matches(ev, &ev->whats[i])) {
            return 0;
        }
    }

    return 1;
}


/* Keeps the lowest max indices, in a heap whose top is the highest. */

static void
weir_policy_take(weir_policy_decision_t *d, uint32_t rule)
{
    uint32_t  i, up;

    if (d->count < d->max) {

        for (i = d->count; i != 0; i = up) {
            up = (i - 1) / 2;

            if (d->rules[up] >= rule) {
                break;
            }

            d->rules[i] = d->rules[up];
        }

        d->rules[i] = rule;

    } else if (d->max != 0 && d->rules[0] > rule) {
        d->rules[0] = rule;
        weir_policy_sift(d->rules, 0, d->max);
    }

    d->count++;
}


static void
weir_policy_sift(uint32_t *heap, uint32_t i, uint32_t n)
{
    uint32_t  child, v;

    v = heap[i];

    for ( ;; ) {
        child = 2 * i + 1;

        if (child >= n) {
            break;
        }

        if (child + 1 < n && heap[child + 1] > heap[child]) {
            child++;
        }

        if (heap[child] <= v) {
            break;
        }

        heap[i] = heap[child];
        i = child;
    }

    heap[i] = v;
}


static void
weir_policy_sort(weir_policy_decision_t *d)
{
    uint32_t  n, v;

    for (n = d->count < d->max ? d->count : d->max; n > 1; n--) {
        v = d->rules[n - 1];
        d->rules[n - 1] = d->rules[0];
        d->rules[0] = v;

        weir_policy_sift(d->rules, 0, n - 1);
    }
}
