
/*
 * Weir: of those who are let in, no more is told than is needed: not what
 * another permit says too, and no condition that the others imply.
 */

#include "weir_prove_who.h"


/* More are not compared with each other, but told. */

#define WEIR_PROVE_LINES   256
#define WEIR_PROVE_DENIES  64


typedef struct {
    const weir_policy_rule_t   *matches;
    const weir_policy_rule_t   *stands;
    const weir_policy_rule_t  **off;
    uint32_t                    noff;
    const weir_policy_rule_t  **out;
    uint32_t                    nout;
} weir_prove_if_t;


static int weir_prove_never(weir_prove_who_t *w, const weir_prove_if_t *f);
static int weir_prove_least_denies(weir_prove_who_t *w,
    weir_prove_line_t *line, const weir_policy_rule_t **denies, uint32_t *n);
static int weir_prove_least_line(weir_prove_who_t *w, weir_prove_line_t *line,
    const weir_policy_rule_t *less, const weir_policy_rule_t **denies,
    uint32_t ndenies);
static int weir_prove_cond_without(weir_prove_who_t *w,
    weir_policy_rule_t *less, const weir_policy_cond_t *cond);


int
weir_prove_who_cover(weir_prove_who_t *w, weir_prove_line_t *lines,
    uint32_t n)
{
    int                         rc;
    uint32_t                    i, k;
    weir_prove_if_t             f;
    const weir_policy_rule_t  **off;

    memset(&f, 0, sizeof(weir_prove_if_t));

    off = weir_arena_calloc(w->arena, n + 1, sizeof(weir_policy_rule_t *));
    if (off == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < n && n <= WEIR_PROVE_LINES; i++) {

        if (lines[i].covered || lines[i].grant->verdict != WEIR_PROVE_WITNESS)
        {
            continue;
        }

        f.matches = &lines[i].rule;
        f.off = off;
        f.noff = 0;

        for (k = 0; k < n; k++) {
            if (k != i && !lines[k].covered) {
                off[f.noff++] = &lines[k].rule;
            }
        }

        rc = weir_prove_never(w, &f);

        if (rc == WEIR_NOMEM) {
            return rc;
        }

        lines[i].covered = rc == WEIR_PROVE_PROVED;
    }

    return WEIR_OK;
}


int
weir_prove_who_least(weir_prove_who_t *w, weir_prove_line_t *line,
    const weir_policy_rule_t **denies, uint32_t *ndenies)
{
    uint32_t                     n;
    weir_policy_rule_t           less;
    const weir_policy_cond_t    *cond, **conds;

    if (weir_prove_least_denies(w, line, denies, ndenies) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    /* the last ones first */

    n = 0;

    for (cond = line->rule.conds; cond != NULL; cond = cond->next) {
        n++;
    }

    conds = weir_arena_calloc(w->arena, n + 1,
                              sizeof(weir_policy_cond_t *));
    if (conds == NULL) {
        return WEIR_NOMEM;
    }

    n = 0;

    for (cond = line->rule.conds; cond != NULL; cond = cond->next) {
        conds[n++] = cond;
    }

    while (n != 0) {
        less = line->rule;

        if (weir_prove_cond_without(w, &less, conds[--n]) != WEIR_OK
            || weir_prove_least_line(w, line, &less, denies, *ndenies)
               != WEIR_OK)
        {
            return WEIR_NOMEM;
        }
    }

    /* "who" stays, as the one that everybody asks for */

    for (n = 0; n < 3; n++) {

        less = line->rule;

        if (n == 0 ? !less.has_during : n == 1 ? !less.has_host
            : !less.has_from)
        {
            continue;
        }

        switch (n) {

        case 0:
            less.has_during = 0;
            break;

        case 1:
            less.has_host = 0;
            break;

        default:
            less.has_from = 0;
            break;
        }

        if (weir_prove_least_line(w, line, &less, denies, *ndenies)
            != WEIR_OK)
        {
            return WEIR_NOMEM;
        }
    }

    return WEIR_OK;
}


/* Those that may stand where the line matches. */

static int
weir_prove_least_denies(weir_prove_who_t *w, weir_prove_line_t *line,
    const weir_policy_rule_t **denies, uint32_t *n)
{
    int                        rc;
    uint32_t                   i, kept, all, last;
    weir_prove_if_t            f;
    const weir_policy_rule_t  *rule;

    memset(&f, 0, sizeof(weir_prove_if_t));

    f.matches = &line->rule;
    kept = 0;

    for (i = 0; i < *n; i++) {

        f.stands = denies[i];
        rc = weir_prove_never(w, &f);

        if (rc == WEIR_NOMEM) {
            return rc;
        }

        if (rc != WEIR_PROVE_PROVED) {
            denies[kept++] = denies[i];
        }
    }

    *n = kept;

    if (kept > WEIR_PROVE_DENIES) {
        return WEIR_OK;
    }

    /* and not only where others do; what stays keeps its order */

    f.out = denies;
    all = kept;
    i = 0;

    while (all-- != 0) {

        rule = denies[i];
        last = *n - 1;
        memmove(&denies[i], &denies[i + 1],
                (last - i) * sizeof(weir_policy_rule_t *));

        f.stands = rule;
        f.nout = last;
        rc = weir_prove_never(w, &f);

        if (rc == WEIR_NOMEM) {
            return rc;
        }

        if (rc == WEIR_PROVE_PROVED) {
            *n = last;
            continue;
        }

        memmove(&denies[i + 1], &denies[i],
                (last - i) * sizeof(weir_policy_rule_t *));
        denies[i++] = rule;
    }

    return WEIR_OK;
}


/* The line becomes less, if that lets in nobody else. */

static int
weir_prove_least_line(weir_prove_who_t *w, weir_prove_line_t *line,
    const weir_policy_rule_t *less, const weir_policy_rule_t **denies,
    uint32_t ndenies)
{
    int                        rc;
    weir_prove_if_t            f;
    const weir_policy_rule_t  *off[1];

    memset(&f, 0, sizeof(weir_prove_if_t));

    off[0] = &line->rule;

    f.matches = less;
    f.off = off;
    f.noff = 1;
    f.out = denies;
    f.nout = ndenies;

    rc = weir_prove_never(w, &f);

    if (rc == WEIR_NOMEM) {
        return rc;
    }

    if (rc == WEIR_PROVE_PROVED) {
        line->rule = *less;
    }

    return WEIR_OK;
}


static int
weir_prove_cond_without(weir_prove_who_t *w, weir_policy_rule_t *less,
    const weir_policy_cond_t *cond)
{
    weir_policy_cond_t        *copy, **last;
    const weir_policy_cond_t  *c;

    c = less->conds;
    last = &less->conds;
    *last = NULL;

    for ( /* void */ ; c != NULL; c = c->next) {

        if (c->expr == cond->expr) {
            continue;
        }

        copy = weir_arena_alloc(w->arena, sizeof(weir_policy_cond_t));
        if (copy == NULL) {
            return WEIR_NOMEM;
        }

        *copy = *c;
        copy->next = NULL;

        *last = copy;
        last = &copy->next;
    }

    return WEIR_OK;
}


/* PROVED: no request of the route is like that. */

static int
weir_prove_never(weir_prove_who_t *w, const weir_prove_if_t *f)
{
    int                     rc;
    weir_arena_t            arena;
    weir_prove_question_t   q;

    memset(&q, 0, sizeof(weir_prove_question_t));
    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    q.arena = &arena;
    q.limits = w->limits;
    q.memo = &w->memo;
    q.deny = &w->none;
    q.permit = &w->all;
    q.matches = f->matches;
    q.stands = f->stands;
    q.also = w->route;
    q.slash = w->slash;
    q.off = f->off;
    q.noff = f->noff;
    q.out = f->out;
    q.nout = f->nout;
    q.fixed = 1;

    rc = weir_prove_ask(&q);

    weir_arena_done(&arena);

    return rc;
}
