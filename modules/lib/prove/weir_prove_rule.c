
/*
 * Weir: rules as pairs of literals, for paths of a given number of segments.
 */

#include "weir_prove_problem.h"


static weir_prove_pair_t weir_prove_who(weir_prove_problem_t *p,
    const weir_policy_what_t *what, const weir_policy_rule_t *rule);
static int weir_prove_what(weir_prove_problem_t *p,
    const weir_policy_what_t *what);
static weir_prove_pair_t weir_prove_role(weir_prove_problem_t *p,
    const weir_policy_what_t *what, const weir_policy_role_t *role);
static weir_prove_pair_t weir_prove_scopes(weir_prove_problem_t *p,
    const weir_policy_what_t *what, const weir_policy_rule_t *rule);


weir_prove_pair_t
weir_prove_rule(weir_prove_problem_t *p, const weir_policy_rule_t *rule)
{
    int                        m;
    weir_prove_pair_t          v, all;
    const weir_policy_what_t  *what;

    if (rule->whats == NULL) {
        return weir_prove_scopes(p, NULL, rule);
    }

    all.t = WEIR_PROVE_FALSE;
    all.f = WEIR_PROVE_TRUE;

    for (what = rule->whats; what != NULL && !p->nomem; what = what->next) {

        m = weir_prove_what(p, what);

        if (m == WEIR_PROVE_FALSE) {
            continue;
        }

        v = weir_prove_scopes(p, what, rule);

        all.t = weir_prove_or(p, all.t, weir_prove_and(p, m, v.t));
        all.f = weir_prove_and(p, all.f, weir_prove_or(p, -m, v.f));
    }

    return all;
}


static int
weir_prove_what(weir_prove_problem_t *p, const weir_policy_what_t *what)
{
    int                         lit, any;
    uint32_t                    i, seg;
    weir_str_t                  none = { 0, NULL };
    weir_prove_var_t           *v;
    const weir_policy_words_t  *w;

    any = 0;

    for (i = 0; i < what->nsegs; i++) {
        any |= what->segs[i].kind == WEIR_POLICY_SEG_ANY;
    }

    if (any ? p->nsegs + 1 < what->nsegs : p->nsegs != what->nsegs) {
        return WEIR_PROVE_FALSE;
    }

    lit = WEIR_PROVE_TRUE;
    seg = 0;

    for (i = 0; i < what->nsegs; i++, seg++) {

        if (what->segs[i].kind == WEIR_POLICY_SEG_ANY) {
            seg = p->nsegs - (what->nsegs - i);
            continue;
        }

        if (what->segs[i].kind == WEIR_POLICY_SEG_LITERAL) {
            v = weir_prove_var(p, WEIR_PROVE_SEGMENT, none, seg,
                               WEIR_POLICY_T_STRING);
            if (v == NULL) {
                return WEIR_PROVE_TRUE;
            }

            lit = weir_prove_and(p, lit,
                                 weir_prove_is(p, v, what->segs[i].text));
        }
    }

    if (what->methods == NULL) {
        return lit;
    }

    v = weir_prove_var(p, WEIR_POLICY_A_METHOD, none, 0,
                       WEIR_POLICY_T_STRING);
    if (v == NULL) {
        return WEIR_PROVE_TRUE;
    }

    any = WEIR_PROVE_FALSE;

    for (w = what->methods; w != NULL; w = w->next) {
        any = weir_prove_or(p, any, weir_prove_is(p, v, w->word.text));
    }

    return weir_prove_and(p, lit, any);
}


/* All scopes but "what", and the conditions. */

static weir_prove_pair_t
weir_prove_scopes(weir_prove_problem_t *p, const weir_policy_what_t *what,
    const weir_policy_rule_t *rule)
{
    int                        def;
    weir_str_t                 none = { 0, NULL };
    weir_prove_var_t          *v;
    weir_prove_atom_t         *a;
    weir_prove_pair_t          all, one;
    const weir_policy_cond_t  *cond;

    all.t = WEIR_PROVE_TRUE;
    all.f = WEIR_PROVE_FALSE;

    if (rule->has_who) {
        all = weir_prove_who(p, what, rule);
    }

    if (rule->has_host) {
        v = weir_prove_var(p, WEIR_POLICY_A_HOST, none, 0,
                           WEIR_POLICY_T_STRING);
        a = v == NULL ? NULL : weir_prove_atom(p, WEIR_PROVE_HOSTS, v, NULL);

        if (a == NULL) {
            return all;
        }

        a->words = rule->hosts;
        def = v->def;

        all.t = weir_prove_and(p, all.t, weir_prove_and(p, def, a->lit));
        all.f = weir_prove_or(p, all.f, weir_prove_and(p, def, -a->lit));
    }

    if (rule->has_from) {
        v = weir_prove_var(p, WEIR_POLICY_A_SOURCE_IP, none, 0,
                           WEIR_POLICY_T_IP);
        a = v == NULL ? NULL : weir_prove_atom(p, WEIR_PROVE_NETS, v, NULL);

        if (a == NULL) {
            return all;
        }

        a->nets = rule->nets;
        def = v->def;

        all.t = weir_prove_and(p, all.t, weir_prove_and(p, def, a->lit));
        all.f = weir_prove_or(p, all.f, weir_prove_and(p, def, -a->lit));
    }

    if (rule->has_during) {
        v = weir_prove_var(p, WEIR_POLICY_A_REQUEST_TIME, none, 0,
                           WEIR_POLICY_T_TIME);
        a = v == NULL ? NULL : weir_prove_atom(p, WEIR_PROVE_WINDOW, v, NULL);

        if (a == NULL) {
            return all;
        }

        a->window = rule->window;

        all.t = weir_prove_and(p, all.t, a->lit);
        all.f = weir_prove_or(p, all.f, a->no);
    }

    for (cond = rule->conds; cond != NULL && !p->nomem; cond = cond->next) {
        one = weir_prove_expr(p, what, cond->expr);

        all.t = weir_prove_and(p, all.t, cond->unless ? one.f : one.t);
        all.f = weir_prove_or(p, all.f, cond->unless ? one.t : one.f);
    }

    return all;
}


static weir_prove_pair_t
weir_prove_who(weir_prove_problem_t *p, const weir_policy_what_t *what,
    const weir_policy_rule_t *rule)
{
    int                         lit;
    weir_str_t                  none = { 0, NULL };
    weir_prove_var_t           *v;
    weir_prove_atom_t          *a;
    weir_prove_pair_t           all, one;
    const weir_policy_princ_t  *princ;

    all.t = WEIR_PROVE_FALSE;
    all.f = WEIR_PROVE_TRUE;

    for (princ = rule->who; princ != NULL && !p->nomem; princ = princ->next) {

        one.t = WEIR_PROVE_TRUE;

        switch (princ->kind) {

        case WEIR_POLICY_P_ROLE:
            one = weir_prove_role(p, what, princ->role);

            all.t = weir_prove_or(p, all.t, one.t);
            all.f = weir_prove_and(p, all.f, one.f);
            continue;

        case WEIR_POLICY_P_AUTHENTICATED:
            v = weir_prove_var(p, WEIR_POLICY_A_KIND, none, 0,
                               WEIR_POLICY_T_STRING);
            if (v != NULL) {
                one.t = -weir_prove_is(p, v, weir_str("anonymous"));
            }

            break;

        case WEIR_POLICY_P_SPIFFE:
            v = weir_prove_var(p, WEIR_POLICY_A_SPIFFE, none, 0,
                               WEIR_POLICY_T_STRING);
            if (v == NULL) {
                break;
            }

            if (princ->set == NULL) {
                lit = weir_prove_is(p, v, princ->name.text);

            } else {
                a = weir_prove_atom(p, WEIR_PROVE_STRINGS, v, NULL);
                if (a == NULL) {
                    break;
                }

                a->items = princ->set->list->items;
                lit = a->lit;
            }

            one.t = weir_prove_and(p, v->def, lit);
            break;

        case WEIR_POLICY_P_SUBJECT:
            v = weir_prove_var(p, WEIR_POLICY_A_SUBJECT, none, 0,
                               WEIR_POLICY_T_STRING);
            if (v != NULL) {
                one.t = weir_prove_and(p, v->def,
                                       weir_prove_is(p, v, princ->name.text));
            }

            /* fall through */

        case WEIR_POLICY_P_ISSUER:
            v = weir_prove_var(p, WEIR_POLICY_A_ISSUER, none, 0,
                               WEIR_POLICY_T_STRING);
            if (v != NULL) {
                one.t = weir_prove_and(p, one.t, v->def);
                one.t = weir_prove_and(p, one.t,
                                       weir_prove_is(p, v,
                                                     princ->issuer.text));
            }

            break;

        default:
            break;
        }

        all.t = weir_prove_or(p, all.t, one.t);
        all.f = weir_prove_and(p, all.f, -one.t);
    }

    return all;
}


/* Who holds a role that includes this one holds this one. */

static weir_prove_pair_t
weir_prove_role(weir_prove_problem_t *p, const weir_policy_what_t *what,
    const weir_policy_role_t *role)
{
    uint32_t                   i;
    weir_prove_pair_t          all, one;
    const weir_policy_role_t  *holder;

    all.t = WEIR_PROVE_FALSE;
    all.f = WEIR_PROVE_TRUE;

    for (i = 0; i <= role->nholders && !p->nomem; i++) {

        holder = i == role->nholders ? role : role->holders[i];

        if (holder->when == NULL) {
            continue;
        }

        one = weir_prove_expr(p, what, holder->when);

        all.t = weir_prove_or(p, all.t, one.t);
        all.f = weir_prove_and(p, all.f, one.f);
    }

    return all;
}
