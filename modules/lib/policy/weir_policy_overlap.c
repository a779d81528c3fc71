
/*
 * Weir: effects that contradict each other.  All permits that match oblige at
 * once: two that can match the same request must agree on what has one value.
 */

#include <stdlib.h>

#include "weir_policy_ast.h"


/* Pairs of permits that are compared; a bundle with more is refused. */

#define WEIR_POLICY_MAX_COMPARED  5000000


typedef struct {
    weir_policy_rule_t    *rule;
    weir_policy_clause_t  *clause;
} weir_policy_duty_t;


static void weir_policy_check_twice(weir_policy_compiler_t *c,
    const weir_policy_rule_t *rule);
static int weir_policy_single(const weir_policy_clause_t *clause);
static int weir_policy_agrees(const weir_policy_clause_t *a,
    const weir_policy_clause_t *b);
static int weir_policy_same_duty(const weir_policy_clause_t *a,
    const weir_policy_clause_t *b);
static void weir_policy_contradiction(weir_policy_compiler_t *c,
    const weir_policy_duty_t *a, const weir_policy_duty_t *b);
static int weir_policy_duty_cmp(const void *one, const void *two);


void
weir_policy_check_effects(weir_policy_compiler_t *c, weir_policy_file_t *file)
{
    uint32_t               i, k, n, compared;
    weir_policy_rule_t    *rule;
    weir_policy_duty_t    *all;
    weir_policy_clause_t  *clause;

    n = 0;

    for (rule = file->rules; rule != NULL; rule = rule->next) {

        weir_policy_check_twice(c, rule);

        for (clause = rule->clauses; clause != NULL; clause = clause->next) {
            n += !rule->deny && !rule->shadow && weir_policy_single(clause);
        }
    }

    if (n < 2) {
        return;
    }

    all = weir_policy_alloc(c, n * sizeof(weir_policy_duty_t));
    if (all == NULL) {
        return;
    }

    n = 0;

    for (rule = file->rules; rule != NULL; rule = rule->next) {
        for (clause = rule->clauses; clause != NULL; clause = clause->next) {

            if (!rule->deny && !rule->shadow && weir_policy_single(clause)) {
                all[n].rule = rule;
                all[n].clause = clause;
                n++;
            }
        }
    }

    qsort(all, n, sizeof(weir_policy_duty_t), weir_policy_duty_cmp);

    compared = 0;

    for (i = 0; i < n; i++) {
        for (k = i + 1;
             k < n && weir_policy_same_duty(all[i].clause, all[k].clause);
             k++)
        {
            if (all[i].rule == all[k].rule
                || weir_policy_agrees(all[i].clause, all[k].clause))
            {
                continue;
            }

            if (++compared > WEIR_POLICY_MAX_COMPARED) {
                weir_policy_error(c, all[i].clause->loc, "there are too many "
                                  "permits with \"%s\" of several values: "
                                  "whether two match the same request cannot "
                                  "be told",
                                  weir_policy_effect_name(
                                                      all[i].clause->kind));
                return;
            }

            if (!weir_policy_disjoint(all[i].rule, all[k].rule)) {
                weir_policy_contradiction(c, &all[i], &all[k]);

                /* one for each clause will do */

                break;
            }
        }
    }
}


/* In one rule each is said once. */

static void
weir_policy_check_twice(weir_policy_compiler_t *c,
    const weir_policy_rule_t *rule)
{
    const weir_policy_clause_t  *a, *b;

    for (a = rule->clauses; a != NULL; a = a->next) {
        for (b = rule->clauses; b != a; b = b->next) {

            if (a->kind != b->kind || !weir_str_eq(a->name.text, b->name.text))
            {
                if (a->kind != b->kind || a->kind != WEIR_POLICY_SLO) {
                    continue;
                }
            }

            weir_policy_error(c, a->loc, "\"%s%s%.*s\" is duplicate",
                              weir_policy_effect_name(a->kind),
                              a->name.text.len != 0 ? " " : "",
                              weir_policy_s(a->name.text));
            weir_policy_relate(c, b->loc, "first");
            break;
        }
    }
}


/* Quotas add up, of levels the highest counts; the rest has one value. */

static int
weir_policy_single(const weir_policy_clause_t *clause)
{
    return clause->kind == WEIR_POLICY_SPLIT
           || clause->kind == WEIR_POLICY_SLO
           || clause->kind == WEIR_POLICY_ADD_HEADER
           || clause->kind == WEIR_POLICY_SET_HEADER;
}


static int
weir_policy_agrees(const weir_policy_clause_t *a,
    const weir_policy_clause_t *b)
{
    return weir_str_eq(a->name.text, b->name.text)
           && weir_str_eq(a->value.text, b->value.text);
}


/* Whether two are of the same thing: a split, a header, the objective. */

static int
weir_policy_same_duty(const weir_policy_clause_t *a,
    const weir_policy_clause_t *b)
{
    return a->kind == b->kind
           && (a->kind == WEIR_POLICY_SLO
               || weir_str_eq(a->name.text, b->name.text));
}


static void
weir_policy_contradiction(weir_policy_compiler_t *c,
    const weir_policy_duty_t *a, const weir_policy_duty_t *b)
{
    int                        slo;
    const weir_policy_duty_t  *swap;

    /* told at the later place, which is the newer one more often */

    if (a->clause->loc.offset < b->clause->loc.offset) {
        swap = a;
        a = b;
        b = swap;
    }

    slo = a->clause->kind == WEIR_POLICY_SLO;

    weir_policy_error(c, a->clause->loc, "permits %.*s and %.*s can match the "
                      "same request, and their \"%s%s%.*s\" differ",
                      weir_policy_s(a->rule->name.text),
                      weir_policy_s(b->rule->name.text),
                      weir_policy_effect_name(a->clause->kind), slo ? "" : " ",
                      slo ? 0 : (int) a->clause->name.text.len,
                      (const char *) a->clause->name.text.data);
    weir_policy_relate(c, b->clause->loc, "other");
}


/* By what they are of, then by place: the same order in every run. */

static int
weir_policy_duty_cmp(const void *one, const void *two)
{
    int                        rc;
    const weir_policy_duty_t  *a, *b;

    a = one;
    b = two;

    if (a->clause->kind != b->clause->kind) {
        return a->clause->kind < b->clause->kind ? -1 : 1;
    }

    rc = a->clause->kind == WEIR_POLICY_SLO
         ? 0 : weir_str_cmp(a->clause->name.text, b->clause->name.text);

    if (rc == 0) {
        rc = a->clause->loc.offset < b->clause->loc.offset ? -1 : 1;
    }

    return rc;
}
