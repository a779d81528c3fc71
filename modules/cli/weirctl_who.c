
/*
 * weirctl who-can and review: whom the policies let in, each line with a
 * request that the evaluator permits.
 */

#include "weirctl_who.h"


#define WEIRCTL_WHO_SECONDS     60
#define WEIRCTL_REVIEW_SECONDS  600


static int weirctl_who_open(weirctl_who_t *w, weirctl_t *ctl,
    const char *policy);
static int weirctl_who_done(weirctl_who_t *w, int rc, int proved);


/* weirctl who-can DIR 'GET /admin/x' */

int
weirctl_who_can(weirctl_t *ctl)
{
    int                   rc, proved;
    weir_str_t            method, path;
    const char           *space, *policy;
    weirctl_who_t         w;
    weirctl_deadline_t    deadline;
    weir_prove_limits_t   limits;

    const weirctl_option_t  options[] = {
        { "policy", WEIRCTL_VALUE, &policy, "NAME", "by this policy alone" },
        weirctl_options_end
    };

    policy = NULL;

    rc = weirctl_options(ctl, "Tells who may make a request, as in weirctl "
                         "who-can DIR 'GET /admin/x': the\npermits that let "
                         "somebody in, with no more conditions than are "
                         "needed, the denies\nthat stand before them, and of "
                         "each a request that is permitted.", options, 2, 2);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    space = strchr(ctl->argv[1], ' ');

    if (space == NULL || space[1] != '/') {
        return weirctl_error("\"%s\" is no \"METHOD /PATH\"", ctl->argv[1]);
    }

    method.data = (const uint8_t *) ctl->argv[1];
    method.len = (size_t) (space - ctl->argv[1]);
    path = weir_cstr(space + 1);

    proved = WEIR_OK;
    rc = weirctl_who_open(&w, ctl, policy);

    if (rc == WEIRCTL_GO_ON) {
        weirctl_deadline(&deadline, WEIRCTL_WHO_SECONDS);
        weirctl_limits(&limits, &deadline);

        proved = weir_prove_who_can(&w.b.arena, &w.b.bundle, w.policy, method,
                                    path, &limits, &w.grants);
    }

    return weirctl_who_done(&w, rc, proved);
}


/* weirctl review DIR --csv */

int
weirctl_review(weirctl_t *ctl)
{
    int                       rc, proved, csv;
    const char               *policy;
    weirctl_who_t             w;
    weirctl_deadline_t        deadline;
    weir_prove_limits_t       limits;
    weirctl_fleet_options_t   o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    o.reads = 1;

    const weirctl_option_t  options[] = {
        { "policy", WEIRCTL_VALUE, &policy, "NAME", "this policy alone" },
        { "csv", WEIRCTL_FLAG, &csv, NULL, "comma separated (RFC 4180)" },
        weirctl_option_store(&o),
        weirctl_option_trust(&o),
        weirctl_options_end
    };

    policy = NULL;
    csv = 0;

    rc = weirctl_options(ctl, "Tells all that the policies permit, a line for "
                         "each route and role: under which\nconditions, and "
                         "a request that is permitted.  With --store and "
                         "--trust also since\nwhich published version the "
                         "rule stands, and by whom.", options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    proved = WEIR_OK;
    rc = weirctl_who_open(&w, ctl, policy);

    w.review = 1;
    w.csv = csv && !ctl->json;

    if (rc == WEIRCTL_GO_ON && weirctl_fleet_named(&o)) {
        rc = weirctl_who_past(&w, &o);
    }

    if (rc == WEIRCTL_GO_ON) {
        weirctl_deadline(&deadline, WEIRCTL_REVIEW_SECONDS);
        weirctl_limits(&limits, &deadline);

        proved = weir_prove_review(&w.b.arena, &w.b.bundle, w.policy, w.past,
                                   &limits, &w.grants);
    }

    return weirctl_who_done(&w, rc, proved);
}


static int
weirctl_who_open(weirctl_who_t *w, weirctl_t *ctl, const char *policy)
{
    int  rc;

    memset(w, 0, sizeof(weirctl_who_t));

    w->ctl = ctl;
    w->dir = ctl->argv[0];
    w->policy = weir_cstr(policy);

    rc = weirctl_bundle(ctl, &w->b, w->dir, WEIRCTL_FILE);

    if (rc == WEIRCTL_GO_ON && w->b.bundle.nerrors) {
        rc = weirctl_diagnostics(ctl, &w->b);
    }

    return rc == WEIRCTL_GO_ON && w->b.bundle.nerrors ? WEIRCTL_NO : rc;
}


/* proved: what the analyser has returned. */

static int
weirctl_who_done(weirctl_who_t *w, int rc, int proved)
{
    if (rc == WEIRCTL_GO_ON) {

        switch (proved) {

        case WEIR_OK:
            rc = weirctl_who_print(w);
            break;

        case WEIR_DECLINED:
            rc = weirctl_error("there is no policy %.*s",
                               (int) w->policy.len, w->policy.data);
            break;

        case WEIR_ERROR:
            rc = weirctl_error("\"%s\" is nothing that a gateway lets in",
                               w->ctl->argv[1]);
            break;

        default:
            rc = weirctl_error("out of memory");
            break;
        }
    }

    weirctl_bundle_done(&w->b);

    return rc;
}
