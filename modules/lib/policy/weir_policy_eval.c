
/*
 * Weir: deciding: the walk of the index, rules and their scopes.
 *
 * A rule is the Kleene conjunction of its scopes and conditions.  A permit
 * counts when that is true, a deny unless it is false.
 */

#include "weir_policy_eval.h"


static void weir_policy_walk(weir_policy_eval_t *ev, uint32_t at, uint32_t i);
static void weir_policy_visit(weir_policy_eval_t *ev,
    const weir_policy_entry_rec_t *entry);
static int weir_policy_first(weir_policy_eval_t *ev,
    const weir_policy_entry_rec_t *entry, const weir_policy_rule_rec_t *rule);
static int weir_policy_methods_match(weir_policy_eval_t *ev,
    const weir_policy_what_rec_t *what);
static int weir_policy_tail_matches(weir_policy_eval_t *ev,
    const weir_policy_what_rec_t *what, uint32_t from);
static int weir_policy_what_matches(weir_policy_eval_t *ev,
    const weir_policy_what_rec_t *what);
static weir_policy_truth_t weir_policy_rule_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
static weir_policy_truth_t weir_policy_host_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
static weir_policy_truth_t weir_policy_from_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
static weir_policy_truth_t weir_policy_who_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
static weir_policy_truth_t weir_policy_role_value(weir_policy_eval_t *ev,
    uint32_t role);
static weir_policy_truth_t weir_policy_when_value(weir_policy_eval_t *ev,
    uint32_t role);
static int weir_policy_is_text(weir_policy_eval_t *ev, weir_policy_ref_t ref,
    weir_str_t s);
static void weir_policy_take(weir_policy_decision_t *d, uint32_t rule);
static void weir_policy_sift(uint32_t *heap, uint32_t i, uint32_t n);
static void weir_policy_sort(weir_policy_decision_t *d);


void
weir_policy_decide(const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_request_t *r, weir_policy_decision_t *d)
{
    uint32_t                  n;
    weir_policy_eval_t        ev;
    const weir_policy_rec_t  *rec;

    rec = (const weir_policy_rec_t *)
          weir_policy_at(image, image->policies.off) + policy;

    ev.image = image;
    ev.rec = rec;
    ev.rules = weir_policy_at(image, rec->rules.off);
    ev.roles = weir_policy_at(image, rec->roles.off);
    ev.attrs = weir_policy_at(image, rec->attrs.off);
    ev.literals = weir_policy_at(image, rec->literals.off);
    ev.nodes = weir_policy_at(image, rec->nodes.off);
    ev.princs = weir_policy_at(image, rec->princs.off);
    ev.whats = weir_policy_at(image, rec->whats.off);
    ev.entries = weir_policy_at(image, rec->entries.off);
    ev.trie = weir_policy_at(image, rec->trie.off);

    ev.r = r;
    ev.d = d;
    ev.method = weir_policy_method_bit(r->method);
    ev.what = NULL;
    ev.known = 0;
    ev.nseen = 0;

    ev.shadow_permit = 0;
    ev.shadow_deny = 0;

    n = rec->roles.n < WEIR_POLICY_MEMO_ROLES ? rec->roles.n
                                              : WEIR_POLICY_MEMO_ROLES;

    memset(ev.role_memo, 0xff, n);
    memset(ev.when_memo, 0xff, n);

    d->verdict = WEIR_POLICY_DENY;
    d->reason = WEIR_POLICY_DEFAULT_DENY;
    d->count = 0;
    d->neffects = 0;
    d->nshadow = 0;

    weir_policy_walk(&ev, 0, 0);

    weir_policy_sort(d);

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


/* The node at has taken i segments of the path. */

static void
weir_policy_walk(weir_policy_eval_t *ev, uint32_t at, uint32_t i)
{
    uint32_t                        j, hash, mask;
    weir_str_t                      seg;
    const weir_policy_trie_rec_t   *t;
    const weir_policy_slot_rec_t   *slots;
    const weir_policy_entry_rec_t  *e;

    t = &ev->trie[at];

    for (j = 0; j < t->nany; j++) {
        e = &ev->entries[t->any + j];

        if ((e->methods & ev->method) != 0
            && (e->what == WEIR_POLICY_NONE
                || weir_policy_tail_matches(ev, &ev->whats[e->what], i)))
        {
            weir_policy_visit(ev, e);
        }
    }

    if (i == ev->r->path->nsegments) {

        for (j = 0; j < t->nexact; j++) {
            e = &ev->entries[t->exact + j];

            if ((e->methods & ev->method) != 0) {
                weir_policy_visit(ev, e);
            }
        }

        return;
    }

    if (t->table.n != 0) {
        seg = ev->r->path->segments[i];
        hash = weir_policy_segment_hash(seg);
        mask = t->table.n - 1;
        slots = weir_policy_at(ev->image, t->table.off);

        for (j = hash & mask; slots[j].child != 0; j = (j + 1) & mask) {
            if (slots[j].hash == hash
                && weir_policy_is_text(ev, slots[j].text, seg))
            {
                weir_policy_walk(ev, slots[j].child, i + 1);
                break;
            }
        }
    }

    if (t->star != WEIR_POLICY_NONE) {
        weir_policy_walk(ev, t->star, i + 1);
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

    /* after a deny no permit counts any more */

    if (!(rule->flags & WEIR_POLICY_R_DENY)
        && ev->d->reason != WEIR_POLICY_DEFAULT_DENY
        && ev->d->reason != WEIR_POLICY_PERMIT_RULE)
    {
        return;
    }

    if (entry->what != WEIR_POLICY_NONE) {
        what = &ev->whats[entry->what];

        if (ev->method == WEIR_POLICY_METHOD_OTHER
            && !weir_policy_methods_match(ev, what))
        {
            return;
        }

        if (!weir_policy_first(ev, entry, rule)) {
            return;
        }
    }

    if (entry->role != WEIR_POLICY_NONE
        && weir_policy_role_value(ev, entry->role) == WEIR_POLICY_FALSE)
    {
        return;
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

    if (value == WEIR_POLICY_FALSE) {
        return;
    }

    if (rule->flags & WEIR_POLICY_R_SHADOW) {

        if (rule->flags & WEIR_POLICY_R_DENY) {
            ev->shadow_deny = 1;
            ev->d->nshadow++;

        } else if (value == WEIR_POLICY_TRUE) {
            ev->shadow_permit = 1;
            ev->d->nshadow++;
        }

        return;
    }

    if (rule->flags & WEIR_POLICY_R_DENY) {

        if (ev->d->reason == WEIR_POLICY_DEFAULT_DENY
            || ev->d->reason == WEIR_POLICY_PERMIT_RULE)
        {
            ev->d->verdict = WEIR_POLICY_DENY;
            ev->d->reason = WEIR_POLICY_DENY_UNKNOWN;
            ev->d->count = 0;
            ev->d->neffects = 0;
        }

        if (value == WEIR_POLICY_TRUE) {
            ev->d->reason = WEIR_POLICY_DENY_RULE;
        }

        weir_policy_take(ev->d, entry->rule);
        weir_policy_take_effects(ev, rule);
        return;
    }

    if (value == WEIR_POLICY_TRUE) {
        ev->d->verdict = WEIR_POLICY_PERMIT;
        ev->d->reason = WEIR_POLICY_PERMIT_RULE;

        weir_policy_take(ev->d, entry->rule);
        weir_policy_take_effects(ev, rule);
    }
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

    if (rule->nwhats == 1) {
        return 1;
    }

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


static int
weir_policy_methods_match(weir_policy_eval_t *ev,
    const weir_policy_what_rec_t *what)
{
    uint32_t                  i;
    const weir_policy_ref_t  *others;

    if (what->methods == WEIR_POLICY_METHOD_ANY) {
        return 1;
    }

    if (ev->method != WEIR_POLICY_METHOD_OTHER) {
        return (what->methods & ev->method) != 0;
    }

    others = weir_policy_at(ev->image, what->others.off);

    for (i = 0; i < what->others.n; i++) {
        if (weir_policy_is_text(ev, others[i], ev->r->method)) {
            return 1;
        }
    }

    return 0;
}


/*
 * The segments of the pattern behind its "**" against the last ones of the
 * path, of which from are taken already.
 */

static int
weir_policy_tail_matches(weir_policy_eval_t *ev,
    const weir_policy_what_rec_t *what, uint32_t from)
{
    uint32_t                      i, n, first;
    const weir_path_t            *path;
    const weir_policy_seg_rec_t  *segs;

    path = ev->r->path;
    n = what->segs.n - what->any - 1;

    if (path->nsegments - from < n) {
        return 0;
    }

    segs = (const weir_policy_seg_rec_t *)
           weir_policy_at(ev->image, what->segs.off) + what->any + 1;
    first = path->nsegments - n;

    for (i = 0; i < n; i++) {
        if (segs[i].kind == WEIR_POLICY_SEG_LITERAL
            && !weir_policy_is_text(ev, segs[i].text,
                                    path->segments[first + i]))
        {
            return 0;
        }
    }

    return 1;
}


/* Method and path of a "what", without the index. */

static int
weir_policy_what_matches(weir_policy_eval_t *ev,
    const weir_policy_what_rec_t *what)
{
    uint32_t                      i, n;
    const weir_path_t            *path;
    const weir_policy_seg_rec_t  *segs;

    path = ev->r->path;
    segs = weir_policy_at(ev->image, what->segs.off);
    n = what->segs.n;

    if (what->any != WEIR_POLICY_NONE) {
        n = what->any;

    } else if (n != path->nsegments) {
        return 0;
    }

    if (n > path->nsegments || !weir_policy_methods_match(ev, what)) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (segs[i].kind == WEIR_POLICY_SEG_LITERAL
            && !weir_policy_is_text(ev, segs[i].text, path->segments[i]))
        {
            return 0;
        }
    }

    return what->any == WEIR_POLICY_NONE
           || weir_policy_tail_matches(ev, what, n);
}


/*
 * False ends it at once.  Unknown ends a permit, which it cannot grant; a
 * deny may still turn out to be false.
 */

static weir_policy_truth_t
weir_policy_rule_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule)
{
    uint32_t             i;
    weir_policy_truth_t  value, v;

    value = WEIR_POLICY_TRUE;

    for (i = 0; i < 5; i++) {

        v = WEIR_POLICY_TRUE;

        if (i == 0 && (rule->flags & WEIR_POLICY_R_HOST)) {
            v = weir_policy_host_value(ev, rule);

        } else if (i == 1 && (rule->flags & WEIR_POLICY_R_FROM)) {
            v = weir_policy_from_value(ev, rule);

        } else if (i == 2 && (rule->flags & WEIR_POLICY_R_WHO)) {
            v = weir_policy_who_value(ev, rule);

        } else if (i == 3 && (rule->flags & WEIR_POLICY_R_DURING)) {
            v = weir_policy_eval_window(ev, rule->window);

        } else if (i == 4 && rule->cond != WEIR_POLICY_NONE) {
            v = weir_policy_eval_node(ev, &ev->nodes[rule->cond]);
        }

        if (v == WEIR_POLICY_TRUE) {
            continue;
        }

        if (v == WEIR_POLICY_FALSE || !(rule->flags & WEIR_POLICY_R_DENY)) {
            return v;
        }

        value = v;
    }

    return value;
}


static weir_policy_truth_t
weir_policy_host_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule)
{
    uint32_t                  i;
    const weir_policy_ref_t  *hosts;

    if (ev->r->host.data == NULL) {
        return WEIR_POLICY_MAYBE;
    }

    hosts = weir_policy_at(ev->image, rule->hosts.off);

    for (i = 0; i < rule->hosts.n; i++) {
        if (weir_host_match(weir_policy_text(ev->image, hosts[i]),
                            ev->r->host))
        {
            return WEIR_POLICY_TRUE;
        }
    }

    return WEIR_POLICY_FALSE;
}


static weir_policy_truth_t
weir_policy_from_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule)
{
    uint32_t         i;
    const uint32_t  *nets;

    if (ev->r->source_ip == NULL) {
        return WEIR_POLICY_MAYBE;
    }

    nets = weir_policy_at(ev->image, rule->nets.off);

    for (i = 0; i < rule->nets.n; i++) {
        if (weir_policy_nets_have(ev, nets[i], ev->r->source_ip)) {
            return WEIR_POLICY_TRUE;
        }
    }

    return WEIR_POLICY_FALSE;
}


static weir_policy_truth_t
weir_policy_who_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule)
{
    int                              is;
    uint32_t                         i;
    weir_policy_truth_t              value, v;
    const weir_policy_princ_rec_t   *p;
    const weir_policy_request_t     *r;

    r = ev->r;
    value = WEIR_POLICY_FALSE;

    for (i = 0; i < rule->nprincs; i++) {

        p = &ev->princs[rule->princs + i];

        if (p->kind == WEIR_POLICY_P_ROLE) {
            v = weir_policy_role_value(ev, p->role);

            if (v == WEIR_POLICY_TRUE) {
                return v;
            }

            if (v == WEIR_POLICY_MAYBE) {
                value = v;
            }

            continue;
        }

        is = p->kind == WEIR_POLICY_P_ANYONE
             || (p->kind == WEIR_POLICY_P_AUTHENTICATED
                 && r->kind != WEIR_POLICY_ANONYMOUS)
             || (p->kind == WEIR_POLICY_P_ISSUER
                 && r->issuer.data != NULL
                 && weir_policy_is_text(ev, p->issuer, r->issuer))
             || (p->kind == WEIR_POLICY_P_SUBJECT
                 && r->subject.data != NULL && r->issuer.data != NULL
                 && weir_policy_is_text(ev, p->subject, r->subject)
                 && weir_policy_is_text(ev, p->issuer, r->issuer))
             || (p->kind == WEIR_POLICY_P_SPIFFE
                 && r->spiffe.data != NULL
                 && (p->role == WEIR_POLICY_NONE
                     ? weir_policy_is_text(ev, p->subject, r->spiffe)
                     : weir_policy_in_strings(ev,
                                              weir_policy_at(ev->image,
                                                             p->role),
                                              r->spiffe)));

        if (is) {
            return WEIR_POLICY_TRUE;
        }
    }

    return value;
}


/* Who holds a role that includes this one holds this one. */

static weir_policy_truth_t
weir_policy_role_value(weir_policy_eval_t *ev, uint32_t role)
{
    uint32_t                       i;
    weir_policy_truth_t            value, v;
    const uint32_t                *holders;
    const weir_policy_role_rec_t  *rr;

    rr = &ev->roles[role];

    if (rr->holders.n == 0) {
        return weir_policy_when_value(ev, role);
    }

    if (role < WEIR_POLICY_MEMO_ROLES && !rr->captures
        && ev->role_memo[role] != 0xff)
    {
        return ev->role_memo[role];
    }

    value = weir_policy_when_value(ev, role);
    holders = weir_policy_at(ev->image, rr->holders.off);

    for (i = 0; i < rr->holders.n && value != WEIR_POLICY_TRUE; i++) {
        v = weir_policy_when_value(ev, holders[i]);

        if (v != WEIR_POLICY_FALSE) {
            value = v;
        }
    }

    if (role < WEIR_POLICY_MEMO_ROLES && !rr->captures) {
        ev->role_memo[role] = (uint8_t) value;
    }

    return value;
}


static weir_policy_truth_t
weir_policy_when_value(weir_policy_eval_t *ev, uint32_t role)
{
    weir_policy_truth_t            value;
    const weir_policy_role_rec_t  *rr;

    rr = &ev->roles[role];

    if (rr->cond == WEIR_POLICY_NONE) {
        return WEIR_POLICY_FALSE;
    }

    if (role >= WEIR_POLICY_MEMO_ROLES || rr->own_captures) {
        return weir_policy_eval_node(ev, &ev->nodes[rr->cond]);
    }

    if (ev->when_memo[role] != 0xff) {
        return ev->when_memo[role];
    }

    value = weir_policy_eval_node(ev, &ev->nodes[rr->cond]);
    ev->when_memo[role] = (uint8_t) value;

    return value;
}


static int
weir_policy_is_text(weir_policy_eval_t *ev, weir_policy_ref_t ref,
    weir_str_t s)
{
    return weir_str_eq(weir_policy_text(ev->image, ref), s);
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
