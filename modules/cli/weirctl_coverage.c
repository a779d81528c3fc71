
/*
 * weirctl test --coverage: what no test exercised: rules that no test's
 * request matches, and statements that never held, or never failed, where a
 * test's method and path were the rule's.
 */

#include <stdio.h>
#include <stdlib.h>

#include "weirctl_coverage.h"
#include "weirctl_probe.h"


typedef struct {
    weirctl_bundle_t  *b;
    json_t            *array;      /* of diagnostics; NULL: text */
    uint32_t           rules;
    uint32_t           matched;
    uint32_t           outcomes;
    uint32_t           seen;
} weirctl_coverage_t;


static int weirctl_coverage_policy(weirctl_coverage_t *v, weir_str_t policy);
static int weirctl_coverage_probes(weirctl_probes_t *p);
static int weirctl_coverage_test(weirctl_probes_t *p,
    const weir_policy_test_t *test);
static void weirctl_coverage_rule(const weirctl_probe_t *rule);
static int weirctl_coverage_held(const weirctl_probe_t *rule,
    const weirctl_probe_t *probe);
static int weirctl_coverage_tell(weirctl_coverage_t *v, weirctl_probes_t *p);
static int weirctl_coverage_missing(weirctl_coverage_t *v,
    weirctl_probes_t *p, const weirctl_probe_t *rule,
    const weirctl_probe_t *probe, const char *what);


int
weirctl_coverage(weirctl_bundle_t *b, json_t *array)
{
    int                  rc;
    uint32_t             i;
    weirctl_coverage_t   v;

    memset(&v, 0, sizeof(weirctl_coverage_t));

    v.b = b;
    v.array = array;
    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON
                && i < weir_policy_count(b->bundle.image); i++)
    {
        rc = weirctl_coverage_policy(&v, weir_policy_name(b->bundle.image,
                                                          i));
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (array == NULL) {
        printf("# coverage: %u of %u rules, %u of %u outcomes\n", v.matched,
               v.rules, v.seen, v.outcomes);
    }

    return v.matched == v.rules ? WEIRCTL_GO_ON : WEIRCTL_NO;
}


static int
weirctl_coverage_policy(weirctl_coverage_t *v, weir_str_t policy)
{
    int                    rc;
    uint32_t               i;
    weirctl_probes_t       p;
    weir_policy_outcome_t  o;

    rc = weirctl_probes(&p, v->b, policy);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_coverage_probes(&p);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_probes_compile(&p);
    }

    for (i = 0; rc == WEIRCTL_GO_ON && i < v->b->bundle.ntests; i++) {

        if (weir_policy_run_test(&v->b->arena, &v->b->bundle, i, &o)
            != WEIR_OK)
        {
            rc = weirctl_error("out of memory");

        } else if (weir_str_eq(o.policy, policy)) {
            rc = weirctl_coverage_test(&p, v->b->bundle.tests[i]);
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_coverage_tell(v, &p);
    }

    weirctl_probes_done(&p);

    return rc;
}


/* Each rule, and behind it its statements. */

static int
weirctl_coverage_probes(weirctl_probes_t *p)
{
    int                 rc;
    weir_prove_item_t  *item, *s;

    rc = WEIRCTL_GO_ON;

    for (item = p->items; rc == WEIRCTL_GO_ON && item != NULL;
         item = item->next)
    {
        if (weirctl_probe_kind(item) != WEIRCTL_PROBE_RULE) {
            continue;
        }

        rc = weirctl_probes_add(p, item, NULL);

        for (s = item->items; rc == WEIRCTL_GO_ON && s != NULL; s = s->next) {
            if (weirctl_probe_kind(s) >= WEIRCTL_PROBE_SCOPE) {
                rc = weirctl_probes_add(p, item, s);
            }
        }
    }

    return rc;
}


static int
weirctl_coverage_test(weirctl_probes_t *p, const weir_policy_test_t *test)
{
    int                     rc;
    weir_str_t              path, host;
    weirctl_probe_t        *probe;
    weir_policy_fields_t    fields;
    weir_policy_request_t   r;

    if (weir_policy_test_request(&p->b->arena, test, &r, &path, &host,
                                 &fields)
        != WEIR_OK)
    {
        return weirctl_error("out of memory");
    }

    rc = weirctl_probes_ask(p, &r, path, host, &fields);

    for (probe = p->probes; rc == WEIRCTL_GO_ON && probe != NULL;
         probe = probe->next)
    {
        if (probe->statement == NULL) {
            weirctl_coverage_rule(probe);
            probe->held |= weirctl_coverage_held(probe, probe);
        }
    }

    return rc;
}


/* A condition says something only where method and path are the rule's. */

static void
weirctl_coverage_rule(const weirctl_probe_t *rule)
{
    int               whats, reached;
    weirctl_probe_t  *probe;

    whats = 0;
    reached = 0;

    for (probe = rule->next; probe != NULL && probe->statement != NULL;
         probe = probe->next)
    {
        if (weir_str_eq(probe->statement->word, weir_str("what"))) {
            whats = 1;
            reached |= probe->yes;
        }
    }

    if (whats && !reached) {
        return;
    }

    for (probe = rule->next; probe != NULL && probe->statement != NULL;
         probe = probe->next)
    {
        if (weirctl_coverage_held(rule, probe)) {
            probe->held = 1;

        } else {
            probe->failed = 1;
        }
    }
}


/* A deny decides also where it is unknown. */

static int
weirctl_coverage_held(const weirctl_probe_t *rule,
    const weirctl_probe_t *probe)
{
    weir_str_t  effect, name;

    weirctl_probe_head(rule->rule, &effect, &name);

    return probe->yes
           || (probe->maybe && effect.len >= 4
               && memcmp(effect.data + effect.len - 4, "deny", 4) == 0);
}


/* Of a scope it is needed that it holds, of a condition both. */

static int
weirctl_coverage_tell(weirctl_coverage_t *v, weirctl_probes_t *p)
{
    int               rc;
    weirctl_probe_t  *probe, *rule;

    rc = WEIRCTL_GO_ON;
    rule = p->probes;

    for (probe = p->probes; rc == WEIRCTL_GO_ON && probe != NULL;
         probe = probe->next)
    {
        if (probe->statement == NULL) {
            rule = probe;
            v->rules++;
            v->matched += probe->held;

            if (!probe->held) {
                rc = weirctl_coverage_missing(v, p, rule, NULL,
                                              "no test matches it");
            }

            continue;
        }

        v->outcomes++;
        v->seen += probe->held;

        if (!probe->held) {
            rc = weirctl_coverage_missing(v, p, rule, probe, "never holds");
        }

        if (weirctl_probe_kind(probe->statement) != WEIRCTL_PROBE_CONDITION) {
            continue;
        }

        v->outcomes++;
        v->seen += probe->failed;

        if (!probe->failed && rc == WEIRCTL_GO_ON) {
            rc = weirctl_coverage_missing(v, p, rule, probe, "never fails");
        }
    }

    return rc;
}


static int
weirctl_coverage_missing(weirctl_coverage_t *v, weirctl_probes_t *p,
    const weirctl_probe_t *rule, const weirctl_probe_t *probe,
    const char *what)
{
    int                  bad;
    char                *message;
    FILE                *f;
    json_t              *item;
    size_t               size;
    weir_str_t           effect, name, file;
    weir_policy_place_t  place;

    place.file = p->file;
    place.line = weirctl_probe_line(p, probe == NULL ? rule->rule
                                                     : probe->statement);
    place.column = 1;
    place.offset = 0;

    file = p->b->bundle.sources[p->file].name;
    weirctl_probe_head(rule->rule, &effect, &name);

    f = open_memstream(&message, &size);
    if (f == NULL) {
        return weirctl_error("out of memory");
    }

    fprintf(f, "rule %.*s: %s", (int) name.len, name.data, what);

    if (probe != NULL) {
        fprintf(f, ": ");
        weirctl_probe_text(f, probe->statement->text);
    }

    if (fclose(f) != 0) {
        free(message);
        return weirctl_error("out of memory");
    }

    if (v->array == NULL) {
        printf("# %.*s:%u: %s\n", (int) file.len, file.data, place.line,
               message);
        free(message);

        return WEIRCTL_GO_ON;
    }

    item = weirctl_place_json(p->b, place);

    bad = json_object_set_new(item, "severity",
                              json_string(probe == NULL ? "error"
                                                        : "warning")) != 0
          || json_object_set_new(item, "message", json_string(message)) != 0
          || json_object_set_new(item, "related", json_array()) != 0
          || json_array_append(v->array, item) != 0;

    json_decref(item);
    free(message);

    return bad ? weirctl_error("out of memory") : WEIRCTL_GO_ON;
}
