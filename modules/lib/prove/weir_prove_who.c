
/*
 * Weir: whom policies let in: each permit by each of its principals, with a
 * request that the evaluator permits by it.
 */

#include "weir_prove_who.h"


static int weir_prove_who(weir_prove_who_t *w, const weir_policy_bundle_t *b,
    weir_str_t policy, int (*each)(weir_prove_who_t *w));
static int weir_prove_who_request(weir_prove_who_t *w, weir_str_t method,
    weir_str_t path);
static int weir_prove_who_policy(weir_prove_who_t *w);
static int weir_prove_review_policy(weir_prove_who_t *w);
static int weir_prove_who_ask(weir_prove_who_t *w, weir_prove_line_t *line);
static int weir_prove_who_by(const weir_prove_question_t *q, weir_str_t name);
static const weir_policy_rule_t **weir_prove_who_denies(weir_prove_who_t *w,
    const weir_policy_rule_t *rule, uint32_t *n);
static uint32_t weir_prove_who_lines(const weir_policy_rule_t *rule,
    weir_prove_line_t *lines, weir_policy_princ_t *princs);
static void weir_prove_who_add(weir_prove_who_t *w, weir_prove_grant_t *g);


int
weir_prove_who_can(weir_arena_t *arena, const weir_policy_bundle_t *b,
    weir_str_t policy, weir_str_t method, weir_str_t path,
    const weir_prove_limits_t *limits, weir_prove_grant_t **grants)
{
    int               rc;
    weir_prove_who_t  w;

    memset(&w, 0, sizeof(weir_prove_who_t));

    *grants = NULL;

    w.arena = arena;
    w.limits = limits;
    w.last = grants;

    rc = weir_prove_who_request(&w, method, path);

    return rc == WEIR_OK ? weir_prove_who(&w, b, policy,
                                          weir_prove_who_policy)
                         : rc;
}


int
weir_prove_review(weir_arena_t *arena, const weir_policy_bundle_t *b,
    weir_str_t policy, weir_prove_past_t *past,
    const weir_prove_limits_t *limits, weir_prove_grant_t **grants)
{
    weir_prove_who_t  w;

    memset(&w, 0, sizeof(weir_prove_who_t));

    *grants = NULL;

    w.arena = arena;
    w.limits = limits;
    w.last = grants;
    w.past = past;

    if (past != NULL) {
        weir_prove_past_begin(past);
    }

    return weir_prove_who(&w, b, policy, weir_prove_review_policy);
}


static int
weir_prove_who(weir_prove_who_t *w, const weir_policy_bundle_t *b,
    weir_str_t policy, int (*each)(weir_prove_who_t *w))
{
    int       rc, found;
    uint32_t  i;

    w->all.grants = 1;
    w->lists.arena = w->arena;
    w->memo.arena = w->arena;

    w->c.arena = w->arena;
    w->c.sources = b->sources;
    w->c.nsources = b->nsources;
    w->c.lines = weir_arena_calloc(w->arena, b->nsources + 1,
                                   sizeof(uint32_t *));
    w->c.nlines = weir_arena_calloc(w->arena, b->nsources + 1,
                                    sizeof(uint32_t));

    if (w->c.lines == NULL || w->c.nlines == NULL) {
        return WEIR_NOMEM;
    }

    found = policy.data == NULL;

    for (i = 0; i < weir_policy_count(b->image); i++) {

        w->name = weir_policy_name(b->image, i);

        if (policy.data != NULL && !weir_str_eq(policy, w->name)) {
            continue;
        }

        found = 1;
        rc = weir_prove_side(&w->lists, &w->policy, b, w->name);

        if (rc == WEIR_OK) {
            rc = weir_prove_who_items(w);
        }

        if (rc == WEIR_OK) {
            rc = each(w);
        }

        weir_prove_side_done(&w->policy);

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    return w->c.nomem ? WEIR_NOMEM : found ? WEIR_OK : WEIR_DECLINED;
}


/* A rule of one method and one path, as the gate reads it. */

static int
weir_prove_who_request(weir_prove_who_t *w, weir_str_t method,
    weir_str_t path)
{
    uint8_t              *buf;
    uint32_t              i;
    weir_path_t          *gate;
    weir_policy_rule_t   *route;
    weir_policy_what_t   *what;
    weir_policy_words_t  *word;

    if (!weir_prove_valid(WEIR_POLICY_A_METHOD, method)) {
        return WEIR_ERROR;
    }

    gate = weir_arena_calloc(w->arena, 1, sizeof(weir_path_t));
    buf = weir_arena_alloc(w->arena, path.len + 1);
    what = weir_arena_calloc(w->arena, 1, sizeof(weir_policy_what_t));
    word = weir_arena_calloc(w->arena, 1, sizeof(weir_policy_words_t));
    route = weir_arena_calloc(w->arena, 1, sizeof(weir_policy_rule_t));

    if (gate == NULL || buf == NULL || what == NULL || word == NULL
        || route == NULL)
    {
        return WEIR_NOMEM;
    }

    if (memchr(path.data, '?', path.len) != NULL
        || weir_path_gate(gate, buf, path, 0) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    what->segs = weir_arena_calloc(w->arena, gate->nsegments + 1,
                                   sizeof(weir_policy_seg_t));
    if (what->segs == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < gate->nsegments; i++) {
        what->segs[i].kind = WEIR_POLICY_SEG_LITERAL;
        what->segs[i].text = gate->segments[i];
    }

    what->nsegs = gate->nsegments;
    what->methods = word;
    word->word.text = method;

    route->whats = what;
    w->route = route;
    w->slash = path.data[path.len - 1] == '/' ? 1 : -1;

    return WEIR_OK;
}


static int
weir_prove_who_policy(weir_prove_who_t *w)
{
    uint32_t                    i, n, np, ndenies;
    weir_prove_line_t          *lines;
    weir_policy_princ_t        *princs;
    const weir_policy_rule_t   *rule, **denies;
    const weir_policy_princ_t  *p;

    n = 0;
    np = 0;

    for (i = 0; i < w->policy.nrules; i++) {
        rule = w->policy.rules[i];

        if (!rule->deny && !rule->shadow && !weir_prove_apart(rule, w->route))
        {
            n++;

            for (p = rule->who; p != NULL; p = p->next) {
                np++;
            }
        }
    }

    lines = weir_arena_calloc(w->arena, n + np + 1, sizeof(lines[0]));
    princs = weir_arena_calloc(w->arena, n + np + 1, sizeof(princs[0]));

    if (lines == NULL || princs == NULL) {
        return WEIR_NOMEM;
    }

    n = 0;

    for (i = 0; i < w->policy.nrules; i++) {
        rule = w->policy.rules[i];

        if (!rule->deny && !rule->shadow && !weir_prove_apart(rule, w->route))
        {
            n += weir_prove_who_lines(rule, &lines[n], &princs[n]);
        }
    }

    for (i = 0; i < n; i++) {
        if (weir_prove_who_ask(w, &lines[i]) != WEIR_OK) {
            return WEIR_NOMEM;
        }

        lines[i].covered = lines[i].grant->verdict == WEIR_PROVE_PROVED;
    }

    if (weir_prove_who_cover(w, lines, n) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < n; i++) {

        if (lines[i].covered) {
            continue;
        }

        denies = weir_prove_who_denies(w, &lines[i].rule, &ndenies);

        if (denies == NULL
            || weir_prove_who_least(w, &lines[i], denies, &ndenies) != WEIR_OK
            || weir_prove_who_tell(w, &lines[i], denies, ndenies) != WEIR_OK)
        {
            return WEIR_NOMEM;
        }

        weir_prove_who_add(w, lines[i].grant);
    }

    return WEIR_OK;
}


static int
weir_prove_review_policy(weir_prove_who_t *w)
{
    uint32_t                    i, k, n, np, ndenies;
    weir_prove_line_t          *lines;
    weir_policy_what_t         *route;
    weir_policy_princ_t        *princs;
    const weir_policy_rule_t   *rule, **denies;
    const weir_policy_what_t   *what;
    const weir_policy_princ_t  *p;

    for (i = 0; i < w->policy.nrules; i++) {

        rule = w->policy.rules[i];

        if (rule->deny || rule->shadow) {
            continue;
        }

        np = 1;

        for (p = rule->who; p != NULL; p = p->next) {
            np++;
        }

        what = rule->whats;

        do {
            lines = weir_arena_calloc(w->arena, np, sizeof(lines[0]));
            princs = weir_arena_calloc(w->arena, np, sizeof(princs[0]));
            route = weir_arena_calloc(w->arena, 1, sizeof(route[0]));

            if (lines == NULL || princs == NULL || route == NULL) {
                return WEIR_NOMEM;
            }

            n = weir_prove_who_lines(rule, lines, princs);

            for (k = 0; k < n; k++) {

                if (what != NULL) {
                    *route = *what;
                    route->next = NULL;
                    lines[k].rule.whats = route;
                }

                if (weir_prove_who_ask(w, &lines[k]) != WEIR_OK) {
                    return WEIR_NOMEM;
                }

                denies = weir_prove_who_denies(w, &lines[k].rule, &ndenies);

                if (denies == NULL
                    || weir_prove_who_tell(w, &lines[k], denies, ndenies)
                       != WEIR_OK
                    || weir_prove_who_route(w, what, &lines[k].grant->route)
                       != WEIR_OK
                    || (w->past != NULL
                        && weir_prove_past_find(w->past, w->arena, rule,
                                                lines[k].grant)
                           != WEIR_OK))
                {
                    return WEIR_NOMEM;
                }

                weir_prove_who_add(w, lines[k].grant);
            }

            what = what != NULL ? what->next : NULL;

        } while (what != NULL);
    }

    return WEIR_OK;
}


static int
weir_prove_who_ask(weir_prove_who_t *w, weir_prove_line_t *line)
{
    int                     rc;
    weir_prove_grant_t     *g;
    weir_prove_question_t   q;

    memset(&q, 0, sizeof(weir_prove_question_t));

    q.arena = w->arena;
    q.limits = w->limits;
    q.memo = &w->memo;
    q.deny = &w->none;
    q.permit = &w->policy;
    q.matches = &line->rule;
    q.also = w->route;
    q.slash = w->slash;

    rc = weir_prove_ask(&q);

    if (rc == WEIR_NOMEM) {
        return rc;
    }

    g = weir_arena_calloc(w->arena, 1, sizeof(weir_prove_grant_t));
    if (g == NULL) {
        return WEIR_NOMEM;
    }

    g->policy = w->name;
    g->rule = line->rule.name.text;
    g->place = weir_policy_place(&w->c, line->rule.name.loc);
    g->verdict = (weir_prove_verdict_t) rc;
    g->why = q.why;
    g->request = q.request;

    if (rc == WEIR_PROVE_WITNESS && !weir_prove_who_by(&q, g->rule)) {
        g->verdict = WEIR_PROVE_UNKNOWN;
        g->why = "the evaluator does not confirm what was found";
        g->request = NULL;
    }

    line->grant = g;

    return WEIR_OK;
}


/* It is this rule that permits, as far as the decision has room to say. */

static int
weir_prove_who_by(const weir_prove_question_t *q, weir_str_t name)
{
    uint32_t  i;

    for (i = 0; i < q->permitted.nrules; i++) {
        if (weir_str_eq(q->permitted.rules[i], name)) {
            return 1;
        }
    }

    return q->permitted.nrules == WEIR_PROVE_RULES;
}


/* What is not plainly apart; NULL: no memory. */

static const weir_policy_rule_t **
weir_prove_who_denies(weir_prove_who_t *w, const weir_policy_rule_t *rule,
    uint32_t *n)
{
    uint32_t                    i, k;
    const weir_policy_rule_t   *deny, **denies;

    denies = NULL;

    /* counted, then listed */

    for (k = 0; k < 2; k++) {
        *n = 0;

        for (i = 0; i < w->policy.nrules; i++) {
            deny = w->policy.rules[i];

            if (!deny->deny || deny->shadow
                || (w->route != NULL && weir_prove_apart(deny, w->route))
                || weir_policy_disjoint(rule, deny))
            {
                continue;
            }

            if (denies != NULL) {
                denies[*n] = deny;
            }

            (*n)++;
        }

        if (k == 0) {
            denies = weir_arena_calloc(w->arena, *n + 1,
                                       sizeof(weir_policy_rule_t *));

            if (denies == NULL) {
                return NULL;
            }
        }
    }

    return denies;
}


/* A line for each principal: how many. */

static uint32_t
weir_prove_who_lines(const weir_policy_rule_t *rule, weir_prove_line_t *lines,
    weir_policy_princ_t *princs)
{
    uint32_t                    n;
    const weir_policy_princ_t  *p;

    n = 0;
    p = rule->who;

    do {
        lines[n].rule = *rule;
        lines[n].whole = rule;

        if (p != NULL) {
            princs[n] = *p;
            princs[n].next = NULL;
            lines[n].rule.who = &princs[n];
            p = p->next;
        }

        n++;

    } while (p != NULL);

    return n;
}


static void
weir_prove_who_add(weir_prove_who_t *w, weir_prove_grant_t *g)
{
    *w->last = g;
    w->last = &g->next;
}
