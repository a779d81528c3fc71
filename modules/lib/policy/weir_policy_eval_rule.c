
/*
 * Weir: the value of one rule: its scopes and conditions, and what it is
 * about, without the index.
 */

#include "weir_policy_eval.h"


static inline int weir_policy_scope(weir_policy_truth_t *value,
    const weir_policy_rule_rec_t *rule, weir_policy_truth_t v);
static weir_policy_truth_t weir_policy_host_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
static weir_policy_truth_t weir_policy_from_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
static weir_policy_truth_t weir_policy_who_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
static weir_policy_truth_t weir_policy_during_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
static weir_policy_truth_t weir_policy_cond_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule);
static weir_policy_truth_t weir_policy_when_value(weir_policy_eval_t *ev,
    uint32_t role);
static inline int weir_policy_memo_has(const weir_policy_memo_t *memo,
    uint32_t role);
static inline void weir_policy_memo_set(weir_policy_memo_t *memo,
    uint32_t role, weir_policy_truth_t value);
static int weir_policy_is_text(weir_policy_eval_t *ev, weir_policy_ref_t ref,
    weir_str_t s);


void
weir_policy_eval_begin(weir_policy_eval_t *ev,
    const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_request_t *r, weir_policy_decision_t *d)
{
    const weir_policy_rec_t  *rec;

    rec = (const weir_policy_rec_t *)
          weir_policy_at(image, image->policies.off) + policy;

    ev->image = image;
    ev->rec = rec;
    ev->rules = weir_policy_at(image, rec->rules.off);
    ev->roles = weir_policy_at(image, rec->roles.off);
    ev->attrs = weir_policy_at(image, rec->attrs.off);
    ev->literals = weir_policy_at(image, rec->literals.off);
    ev->nodes = weir_policy_at(image, rec->nodes.off);
    ev->princs = weir_policy_at(image, rec->princs.off);
    ev->whats = weir_policy_at(image, rec->whats.off);
    ev->conds = weir_policy_at(image, rec->conds.off);
    ev->entries = weir_policy_at(image, rec->entries.off);
    ev->members = weir_policy_at(image, rec->members.off);
    ev->dims = weir_policy_at(image, rec->dims.off);
    ev->trie = weir_policy_at(image, rec->trie.off);

    ev->r = r;
    ev->d = d;
    ev->method = weir_policy_method_bit(r->method);
    ev->what = NULL;
    ev->known = 0;
    ev->hashed = 0;
    ev->nseen = 0;
    ev->nlater = 0;
    ev->nhashes = 0;
    ev->window = WEIR_POLICY_NONE;

    ev->permits = 0;
    ev->nodes_lost = 0;
    ev->shadow_permit = 0;
    ev->shadow_deny = 0;
    ev->has_spiffe = 0;
    ev->has_subject = 0;
    ev->has_issuer = 0;

    memset(ev->role_memo.known, 0, sizeof(ev->role_memo.known));
    memset(ev->when_memo.known, 0, sizeof(ev->when_memo.known));
    memset(ev->cond, 0xff, sizeof(ev->cond));
}


int
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

int
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

int
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

weir_policy_truth_t
weir_policy_rule_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule)
{
    weir_policy_truth_t  value;

    value = WEIR_POLICY_TRUE;

    if ((rule->flags & WEIR_POLICY_R_HOST)
        && weir_policy_scope(&value, rule, weir_policy_host_value(ev, rule)))
    {
        return value;
    }

    if ((rule->flags & WEIR_POLICY_R_FROM)
        && weir_policy_scope(&value, rule, weir_policy_from_value(ev, rule)))
    {
        return value;
    }

    if ((rule->flags & WEIR_POLICY_R_WHO)
        && weir_policy_scope(&value, rule, weir_policy_who_value(ev, rule)))
    {
        return value;
    }

    if ((rule->flags & WEIR_POLICY_R_DURING)
        && weir_policy_scope(&value, rule,
                             weir_policy_during_value(ev, rule)))
    {
        return value;
    }

    if (rule->cond != WEIR_POLICY_NONE) {
        (void) weir_policy_scope(&value, rule,
                                 weir_policy_cond_value(ev, rule));
    }

    return value;
}


/* And v; 1 if the rest no longer matters. */

static inline int
weir_policy_scope(weir_policy_truth_t *value,
    const weir_policy_rule_rec_t *rule, weir_policy_truth_t v)
{
    if (v == WEIR_POLICY_TRUE) {
        return 0;
    }

    *value = v;

    return v == WEIR_POLICY_FALSE || !(rule->flags & WEIR_POLICY_R_DENY);
}


static weir_policy_truth_t
weir_policy_during_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule)
{
    if (ev->window != rule->window) {
        ev->window = rule->window;
        ev->window_value = weir_policy_eval_window(ev, rule->window);
    }

    return ev->window_value;
}


/* Many rules have the same condition. */

static weir_policy_truth_t
weir_policy_cond_value(weir_policy_eval_t *ev,
    const weir_policy_rule_rec_t *rule)
{
    uint32_t                       i;
    weir_policy_truth_t            value;
    const weir_policy_node_rec_t  *node;

    i = rule->cond % WEIR_POLICY_MEMO_CONDS;

    if (ev->cond[i] == rule->cond && !(rule->flags & WEIR_POLICY_R_CAPTURES)) {
        return ev->cond_value[i];
    }

    node = &ev->nodes[ev->conds[rule->cond].node];
    value = weir_policy_eval_node(ev, node);

    if (!(rule->flags & WEIR_POLICY_R_CAPTURES)) {
        ev->cond[i] = rule->cond;
        ev->cond_value[i] = (uint8_t) value;
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

weir_policy_truth_t
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
        && weir_policy_memo_has(&ev->role_memo, role))
    {
        return ev->role_memo.value[role];
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
        weir_policy_memo_set(&ev->role_memo, role, value);
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

    if (weir_policy_memo_has(&ev->when_memo, role)) {
        return ev->when_memo.value[role];
    }

    value = weir_policy_eval_node(ev, &ev->nodes[rr->cond]);
    weir_policy_memo_set(&ev->when_memo, role, value);

    return value;
}


static inline int
weir_policy_memo_has(const weir_policy_memo_t *memo, uint32_t role)
{
    return memo->known[role / 64] >> role % 64 & 1;
}


static inline void
weir_policy_memo_set(weir_policy_memo_t *memo, uint32_t role,
    weir_policy_truth_t value)
{
    memo->known[role / 64] |= (uint64_t) 1 << role % 64;
    memo->value[role] = (uint8_t) value;
}


static int
weir_policy_is_text(weir_policy_eval_t *ev, weir_policy_ref_t ref,
    weir_str_t s)
{
    return weir_str_eq(weir_policy_text(ev->image, ref), s);
}
