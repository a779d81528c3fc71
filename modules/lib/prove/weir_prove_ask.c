
/*
 * Weir: a question asked until the evaluator agrees: what it names as the
 * reason that a model is none joins the question.
 */

#include "weir_prove_ask.h"


#define WEIR_PROVE_ROOM   ((size_t) 256 * 1024 * 1024)    /* of a question */
#define WEIR_PROVE_BATCH  32      /* permits that are asked for at once */
#define WEIR_PROVE_GLOBAL 64      /* of states of globs on request.path */


static const weir_policy_rule_t *weir_prove_anchor(
    const weir_prove_question_t *q);
static int weir_prove_fits(const weir_policy_rule_t *rule, uint32_t n);
static uint32_t weir_prove_bound(const weir_prove_question_t *q,
    const char **why);
static void weir_prove_extent(const weir_policy_rule_t *rule,
    uint32_t *before, uint32_t *behind, uint32_t *exact, uint32_t *globs);
static uint32_t weir_prove_path_globs(const weir_policy_expr_t *e);
static int weir_prove_round(weir_prove_question_t *q, weir_arena_t *arena,
    uint32_t n, int open, int *again);


int
weir_prove_ask(weir_prove_question_t *q)
{
    int            rc, again;
    uint32_t       n, bound;
    const char    *why, *far;
    weir_arena_t   arena;

    why = NULL;

    for (n = 0; ; n++) {

        far = NULL;
        bound = weir_prove_bound(q, &far);

        if (n > bound || n > WEIR_PATH_MAX_SEGMENTS) {
            break;
        }

        if (!weir_prove_fits(weir_prove_anchor(q), n)
            || !weir_prove_fits(q->also, n))
        {
            continue;
        }

        if (far != NULL) {
            why = far;
        }

        do {
            if (q->limits->expired != NULL
                && q->limits->expired(q->limits->ctx))
            {
                q->why = "the time is up";
                return WEIR_PROVE_UNKNOWN;
            }

            again = 0;
            q->why = NULL;

            weir_arena_init(&arena, &weir_alloc_malloc, WEIR_PROVE_ROOM);
            rc = weir_prove_round(q, &arena, n, 0, &again);
            weir_arena_done(&arena);

            /* nothing that is known matches: is there anything at all? */

            if (rc == WEIR_PROVE_PROVED && q->why == NULL && q->matched) {
                weir_arena_init(&arena, &weir_alloc_malloc, WEIR_PROVE_ROOM);
                rc = weir_prove_round(q, &arena, n, 1, &again);
                weir_arena_done(&arena);
            }

        } while (again);

        if (rc == WEIR_NOMEM || rc == WEIR_DECLINED
            || rc == WEIR_PROVE_WITNESS)
        {
            return rc;
        }

        if (q->why != NULL) {
            why = q->why;
        }
    }

    q->why = why;

    return why == NULL ? WEIR_PROVE_PROVED : WEIR_PROVE_UNKNOWN;
}


int
weir_prove_ask_any(weir_prove_question_t *q)
{
    int                         rc, stand;
    uint32_t                    i, n;
    const char                 *why;
    weir_prove_side_t          *side;
    const weir_policy_rule_t   *batch[WEIR_PROVE_BATCH];

    side = q->effect != NULL ? q->deny : q->permit;
    stand = q->effect != NULL && q->stands != NULL;

    q->lonely = 1;
    rc = weir_prove_ask(q);
    q->lonely = 0;

    /* what no permit matched is not all that a deny may match */

    if (rc != WEIR_DECLINED
        && !(stand && rc == WEIR_PROVE_PROVED && q->noff != 0))
    {
        return rc;
    }

    if (stand) {
        q->noff = 0;
    }

    q->stand = stand;
    why = NULL;
    n = 0;

    for (i = 0; i <= side->nrules; i++) {

        if (i < side->nrules
            && side->rules[i]->deny == (unsigned) stand
            && !side->rules[i]->shadow
            && !weir_prove_apart(side->rules[i], weir_prove_anchor(q)))
        {
            batch[n++] = side->rules[i];
        }

        if (n == 0 || (n < WEIR_PROVE_BATCH && i < side->nrules)) {
            continue;
        }

        q->any = batch;
        q->nany = n;

        rc = weir_prove_ask(q);

        if (rc != WEIR_PROVE_PROVED && rc != WEIR_PROVE_UNKNOWN) {
            return rc;
        }

        if (rc == WEIR_PROVE_UNKNOWN) {
            why = q->why;
        }

        n = 0;
    }

    q->why = why;

    return why == NULL ? WEIR_PROVE_PROVED : WEIR_PROVE_UNKNOWN;
}


static const weir_policy_rule_t *
weir_prove_anchor(const weir_prove_question_t *q)
{
    return q->matches != NULL ? q->matches : q->stands;
}


static int
weir_prove_fits(const weir_policy_rule_t *rule, uint32_t n)
{
    int                        any;
    uint32_t                   i;
    const weir_policy_what_t  *what;

    if (rule == NULL || rule->whats == NULL) {
        return 1;
    }

    for (what = rule->whats; what != NULL; what = what->next) {
        any = 0;

        for (i = 0; i < what->nsegs; i++) {
            any |= what->segs[i].kind == WEIR_POLICY_SEG_ANY;
        }

        if (any ? n + 1 >= what->nsegs : n == what->nsegs) {
            return 1;
        }
    }

    return 0;
}


/*
 * Longer paths than this are to these rules as one of this length: what lies
 * between what patterns name at both ends may be left out.
 */

static uint32_t
weir_prove_bound(const weir_prove_question_t *q, const char **why)
{
    uint32_t  i, before, behind, exact, globs;

    before = 0;
    behind = 0;
    exact = 0;
    globs = 1;

    weir_prove_extent(q->matches, &before, &behind, &exact, &globs);
    weir_prove_extent(q->also, &before, &behind, &exact, &globs);
    weir_prove_extent(q->stands, &before, &behind, &exact, &globs);

    for (i = 0; i < q->nany; i++) {
        weir_prove_extent(q->any[i], &before, &behind, &exact, &globs);
    }

    for (i = 0; i < q->noff; i++) {
        weir_prove_extent(q->off[i], &before, &behind, &exact, &globs);
    }

    for (i = 0; i < q->nout; i++) {
        weir_prove_extent(q->out[i], &before, &behind, &exact, &globs);
    }

    if (globs > WEIR_PROVE_GLOBAL) {
        globs = 1;
        *why = "more globs on request.path than are decided";
    }

    before += behind;

    return (before > exact + 1 ? before : exact + 1) + globs - 1;
}


static void
weir_prove_extent(const weir_policy_rule_t *rule, uint32_t *before,
    uint32_t *behind, uint32_t *exact, uint32_t *globs)
{
    uint32_t                    i;
    const weir_policy_what_t   *what;
    const weir_policy_cond_t   *cond;
    const weir_policy_princ_t  *p;

    if (rule == NULL) {
        return;
    }

    for (what = rule->whats; what != NULL; what = what->next) {

        for (i = 0; i < what->nsegs; i++) {
            if (what->segs[i].kind == WEIR_POLICY_SEG_ANY) {
                break;
            }
        }

        if (i == what->nsegs) {
            *exact = *exact > i ? *exact : i;
            continue;
        }

        *before = *before > i ? *before : i;
        i = what->nsegs - i - 1;
        *behind = *behind > i ? *behind : i;
    }

    for (cond = rule->conds; cond != NULL && *globs < 1000; cond = cond->next)
    {
        *globs *= weir_prove_path_globs(cond->expr);
    }

    for (p = rule->who; p != NULL; p = p->next) {

        if (p->kind != WEIR_POLICY_P_ROLE) {
            continue;
        }

        for (i = 0; i <= p->role->nholders && *globs < 1000; i++) {
            *globs *= weir_prove_path_globs(i == p->role->nholders
                                            ? p->role->when
                                            : p->role->holders[i]->when);
        }
    }
}


/* States between segments of what looks at request.path. */

static uint32_t
weir_prove_path_globs(const weir_policy_expr_t *e)
{
    size_t                        i;
    uint32_t                      n, l, r;
    const weir_policy_literal_t  *item, one = { 0 };

    if (e == NULL || e->op == WEIR_POLICY_E_HAS) {
        return 1;
    }

    if (e->op > WEIR_POLICY_E_NOT && e->op != WEIR_POLICY_E_ATTR
        && e->op != WEIR_POLICY_E_LITERAL)
    {
        if (!(e->left->attr != NULL
              && e->left->attr->kind == WEIR_POLICY_A_REQUEST_PATH)
            && !(e->right->attr != NULL
                 && e->right->attr->kind == WEIR_POLICY_A_REQUEST_PATH))
        {
            return 1;
        }

        item = e->right->literal != NULL ? e->right->literal
               : e->left->literal != NULL ? e->left->literal : &one;
        n = 2;

        for (item = item->items != NULL ? item->items : item; item != NULL;
             item = item->next)
        {
            for (i = 0; i < item->string.len; i++) {
                n += item->string.data[i] == '/'
                     || item->string.data[i] == '*';
            }
        }

        return n;
    }

    l = weir_prove_path_globs(e->left);
    r = weir_prove_path_globs(e->right);

    return l > 1000 || r > 1000 ? 1000 : l * r;
}


static int
weir_prove_round(weir_prove_question_t *q, weir_arena_t *arena, uint32_t n,
    int open, int *again)
{
    int                    rc, lit;
    uint32_t               i;
    weir_prove_pair_t      value;
    weir_prove_problem_t   p;

    memset(&p, 0, sizeof(weir_prove_problem_t));

    p.arena = arena;
    p.memo = q->memo;
    p.nsegs = n;
    p.open = open != 0;
    p.images[0] = q->deny->bundle ? q->deny->bundle->image : NULL;
    p.images[1] = q->permit->bundle ? q->permit->bundle->image : NULL;
    p.regexes[0] = q->deny->regexes;
    p.regexes[1] = q->permit->regexes;

    if (q->claims != NULL && q->claims->file != NULL) {
        p.images[2] = q->claims->bundle->image;
        p.regexes[2] = q->claims->regexes;
    }

    weir_prove_sat_init(&p.sat, arena, q->limits->max_work);
    p.sat.expired = q->limits->expired;
    p.sat.ctx = q->limits->ctx;

    if (q->slash != 0) {
        p.slash = weir_prove_sat_var(&p.sat, -1);
        weir_prove_sat_add3(&p.sat, q->slash > 0 ? p.slash : -p.slash, 0, 0);
    }

    if (q->matches != NULL) {
        lit = weir_prove_rule(&p, q->matches).t;
        weir_prove_sat_add3(&p.sat, lit, 0, 0);
    }

    if (q->also != NULL) {
        lit = weir_prove_rule(&p, q->also).t;
        weir_prove_sat_add3(&p.sat, lit, 0, 0);
    }

    if (q->stands != NULL) {
        lit = weir_prove_rule(&p, q->stands).f;
        weir_prove_sat_add3(&p.sat, -lit, 0, 0);
    }

    if (q->nany != 0) {
        lit = WEIR_PROVE_FALSE;

        for (i = 0; i < q->nany; i++) {
            if (weir_prove_fits(q->any[i], n)) {
                value = weir_prove_rule(&p, q->any[i]);
                lit = weir_prove_or(&p, lit, q->stand ? -value.f : value.t);
            }
        }

        weir_prove_sat_add3(&p.sat, lit, 0, 0);
    }

    for (i = 0; i < q->noff; i++) {
        if (weir_prove_fits(q->off[i], n)) {
            lit = weir_prove_rule(&p, q->off[i]).t;
            weir_prove_sat_add3(&p.sat, -lit, 0, 0);
        }
    }

    for (i = 0; i < q->nout; i++) {
        if (weir_prove_fits(q->out[i], n)) {
            lit = weir_prove_rule(&p, q->out[i]).f;
            weir_prove_sat_add3(&p.sat, lit, 0, 0);
        }
    }

    if (!p.sat.closed) {
        weir_prove_values(&p);
    }

    q->matched = p.matches;
    rc = p.nomem || p.sat.nomem ? WEIR_NOMEM : weir_prove_sat_solve(&p.sat);

    switch (rc) {

    case WEIR_OK:
        rc = weir_prove_confirm(q, arena, &p, again);
        break;

    case WEIR_DECLINED:
        q->why = p.inexact;
        return WEIR_PROVE_PROVED;

    case WEIR_ERROR:
        q->why = "the search took too many steps";
        return WEIR_PROVE_UNKNOWN;
    }

    if (rc == WEIR_NOMEM && (p.sat.late || arena->full)) {
        q->why = p.sat.late ? "the time is up"
                            : "the question needs too much memory";
        *again = 0;

        return WEIR_PROVE_UNKNOWN;
    }

    return rc;
}
