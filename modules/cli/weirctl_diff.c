
/*
 * weirctl diff: what changes in meaning from one bundle to another, each
 * class of requests with one that eval takes.
 */

#include <stdlib.h>
#include <time.h>

#include <jansson.h>

#include "weirctl_prove.h"


#define WEIRCTL_DIFF_SECONDS  60


static const char *weirctl_diff_verdicts[] = { "proved", "witness", "unknown" };


static int weirctl_diff_open(weirctl_t *ctl, weirctl_bundle_t *b,
    const char *path);
static int weirctl_diff_print(const weirctl_t *ctl,
    const weir_prove_finding_t *list, int guard);
static json_t *weirctl_diff_rules(const weir_prove_decision_t *d);
static void weirctl_diff_decision(const char *label,
    const weir_prove_decision_t *d);


/* weirctl diff A B */

int
weirctl_diff(weirctl_t *ctl)
{
    int                    rc, guard;
    weir_str_t             policy;
    const char            *name;
    weir_arena_t           arena;
    weirctl_bundle_t       a, b;
    weirctl_deadline_t     deadline;
    weir_prove_limits_t    limits;
    weir_prove_finding_t  *list;

    weirctl_option_t  options[] = {
        { "policy", WEIRCTL_VALUE, &name, "NAME", "this policy alone" },
        { "no-new-access", WEIRCTL_FLAG, &guard, NULL,
          "exit 1 if anything is newly permitted, or might be" },
        weirctl_options_end
    };

    name = NULL;
    guard = 0;

    rc = weirctl_options(ctl, "Tells what changes from the policies in A to "
                         "those in B: each class of requests\nwhose decision "
                         "changes, with a request for eval that both decide "
                         "as told.  Where\nnothing is told, it is proved; "
                         "what could not be decided is \"unknown\".", options,
                         2, 2);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    memset(&b, 0, sizeof(weirctl_bundle_t));
    weir_arena_init(&b.arena, &weir_alloc_malloc, 0);
    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    rc = weirctl_diff_open(ctl, &a, ctl->argv[0]);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_diff_open(ctl, &b, ctl->argv[1]);
    }

    if (rc == WEIRCTL_GO_ON) {
        weirctl_deadline(&deadline, WEIRCTL_DIFF_SECONDS);

        weirctl_limits(&limits, &deadline);

        policy = weir_cstr(name);

        switch (weir_prove_diff(&arena, &a.bundle, &b.bundle, policy, &limits,
                                &list))
        {

        case WEIR_OK:
            rc = weirctl_diff_print(ctl, list, guard);
            break;

        case WEIR_DECLINED:
            rc = weirctl_error("there is no policy %s", name);
            break;

        default:
            rc = weirctl_error("out of memory");
            break;
        }
    }

    weir_arena_done(&arena);
    weirctl_bundle_done(&a);
    weirctl_bundle_done(&b);

    return rc;
}


static int
weirctl_diff_open(weirctl_t *ctl, weirctl_bundle_t *b, const char *path)
{
    int  rc;

    rc = weirctl_bundle(ctl, b, path, WEIRCTL_FILE);

    if (rc == WEIRCTL_GO_ON && b->bundle.nerrors) {
        rc = weirctl_diagnostics(ctl, b);
    }

    return rc == WEIRCTL_GO_ON && b->bundle.nerrors ? WEIRCTL_NO : rc;
}


static int
weirctl_diff_print(const weirctl_t *ctl, const weir_prove_finding_t *list,
    int guard)
{
    int                          rc;
    json_t                      *array, *item, *request;
    const weir_prove_finding_t  *f;

    rc = WEIRCTL_YES;
    array = json_array();

    for (f = list; f != NULL; f = f->next) {

        if (guard && f->permit && !f->effects
            && f->verdict != WEIR_PROVE_PROVED)
        {
            rc = WEIRCTL_NO;
        }

        request = f->request != NULL
                  ? weirctl_request_json(f->request, f->policy) : json_null();

        if (ctl->json) {
            item = json_pack("{s:s, s:s, s:[o,o], s:O, s:s%}", "change",
                             f->effects ? "obligations"
                             : f->permit ? "new-permit" : "new-deny",
                             "verdict",
                             weirctl_diff_verdicts[f->verdict], "rules",
                             weirctl_diff_rules(&f->old),
                             weirctl_diff_rules(&f->new), "request", request,
                             "policy", (const char *) f->policy.data,
                             f->policy.len);

            if (f->rule.data != NULL && item != NULL) {
                (void) json_object_set_new(item, "rule",
                           json_stringn((const char *) f->rule.data,
                                        f->rule.len));
            }

            if (f->why != NULL && item != NULL) {
                (void) json_object_set_new(item, "why", json_string(f->why));
            }

            if (item == NULL || json_array_append_new(array, item) != 0) {
                json_decref(request);
                json_decref(array);
                return weirctl_error("out of memory");
            }

        } else if (f->verdict == WEIR_PROVE_PROVED) {

            if (f->effects) {
                printf("%.*s: obliges to nothing else (proved)\n",
                       (int) f->policy.len, f->policy.data);

            } else {
                printf("%.*s: nothing is newly %s (proved)\n",
                       (int) f->policy.len, f->policy.data,
                       f->permit ? "permitted" : "denied");
            }

        } else if (f->verdict == WEIR_PROVE_UNKNOWN) {
            printf("%.*s: %s by %.*s: unknown: %s\n", (int) f->policy.len,
                   f->policy.data, f->effects ? "other obligations"
                   : f->permit ? "new access" : "access lost",
                   (int) f->rule.len, f->rule.data, f->why);

        } else {

            if (f->effects) {
                printf("%.*s: obliges to something else by %.*s\n",
                       (int) f->policy.len, f->policy.data,
                       (int) f->rule.len, f->rule.data);

            } else {
                printf("%.*s: newly %s by %.*s\n", (int) f->policy.len,
                       f->policy.data, f->permit ? "permitted" : "denied",
                       (int) f->rule.len, f->rule.data);
            }

            weirctl_diff_decision("before", &f->old);
            weirctl_diff_decision("after", &f->new);
            printf("  ");
            json_dumpf(request, stdout, JSON_COMPACT);
            printf("\n  ");
            weirctl_request_curl(f->request);
            printf("\n");
        }

        json_decref(request);
    }

    if (ctl->json) {
        json_dumpf(array, stdout, JSON_COMPACT);
        printf("\n");
    }

    json_decref(array);

    return rc;
}


static void
weirctl_diff_decision(const char *label, const weir_prove_decision_t *d)
{
    uint32_t  i;

    printf("  %-6s %s", label, weir_policy_reason_name(d->reason));

    for (i = 0; i < d->nrules; i++) {
        printf("%s%.*s", i ? ", " : " ", (int) d->rules[i].len,
               d->rules[i].data);
    }

    printf("\n");
}


static json_t *
weirctl_diff_rules(const weir_prove_decision_t *d)
{
    json_t    *array;
    uint32_t   i;

    array = json_array();

    for (i = 0; i < d->nrules; i++) {
        (void) json_array_append_new(array,
                   json_stringn((const char *) d->rules[i].data,
                                d->rules[i].len));
    }

    return array;
}


void
weirctl_deadline(weirctl_deadline_t *d, unsigned seconds)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    d->at = (int64_t) now.tv_sec + seconds;
}


int
weirctl_expired(void *ctx)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    return (int64_t) now.tv_sec >= ((weirctl_deadline_t *) ctx)->at;
}


void
weirctl_limits(weir_prove_limits_t *limits, weirctl_deadline_t *d)
{
    limits->max_work = WEIR_PROVE_WORK;
    limits->expired = weirctl_expired;
    limits->ctx = d;
}
