
/*
 * weirctl drain: a gateway of this machine is left by its clients.  Who may
 * write to its own folder (weir_state) may drain it, and nobody else: there
 * is no way to it through the network or the store.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/rand.h>

#include "weir_drain.h"
#include "weir_hash.h"
#include "weir_time.h"
#include "weirctl_fleet.h"


#define WEIRCTL_DRAIN_WAIT_MS   30000
#define WEIRCTL_DRAIN_SEEN_MS   5000    /* until the gateway answers at all */
#define WEIRCTL_DRAIN_POLL_MS   50


typedef struct {
    const char               *state;
    const char               *gateway;
    const char               *wait;
    int                       undo;
    weirctl_fleet_options_t   fleet;
    char                     *dir;
    int64_t                   wait_ms;
} weirctl_drain_t;


static int weirctl_drain_find(weirctl_t *ctl, weirctl_drain_t *v);
static int weirctl_drain_reported(weirctl_drain_t *v,
    const weirctl_gateways_t *g);
static int weirctl_drain_ask(weirctl_t *ctl, weirctl_drain_t *v);
static int weirctl_drain_wait(weirctl_t *ctl, weirctl_drain_t *v,
    const weir_drain_t *request, weir_drain_t *answer);
static int weirctl_drain_print(weirctl_t *ctl, const weir_drain_t *answer);


int
weirctl_drain(weirctl_t *ctl)
{
    int              rc;
    weirctl_drain_t  v;

    memset(&v, 0, sizeof(weirctl_drain_t));
    v.fleet.reads = 1;

    const weirctl_option_t  options[] = {
        { "wait", WEIRCTL_VALUE, &v.wait, "TIME",
          "for the requests under way; 30s" },
        { "undo", WEIRCTL_FLAG, &v.undo, NULL, "the gateway serves again" },
        { "state", WEIRCTL_VALUE, &v.state, "DIR",
          "its weir_state; else $WEIR_STATE" },
        { "gateway", WEIRCTL_VALUE, &v.gateway, "NODE",
          "which of those that the store knows" },
        weirctl_option_store(&v.fleet),
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Run it where the gateway runs, as root or as "
                         "its workers' user.  \"weir_health\nready\" "
                         "answers 503 from then on, connections end with "
                         "their requests, and\nthe verb waits until none is "
                         "under way.  A reload changes nothing; a start of "
                         "the\ngateway, or --undo, ends it.  Without --state "
                         "the store's reports tell the folder.\nExit: 0 if "
                         "no request is under way, else 1.", options, 0, 0);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    v.wait_ms = WEIRCTL_DRAIN_WAIT_MS;

    if (v.wait != NULL
        && weir_duration_parse(weir_cstr(v.wait), &v.wait_ms) != WEIR_OK)
    {
        return weirctl_error("invalid --wait \"%s\"", v.wait);
    }

    rc = weirctl_drain_find(ctl, &v);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_drain_ask(ctl, &v);
    }

    free(v.dir);

    return rc;
}


/* The gateway's folder. */

static int
weirctl_drain_find(weirctl_t *ctl, weirctl_drain_t *v)
{
    int                  rc;
    const char          *dir;
    weirctl_fleet_t      f;
    weirctl_gateways_t   g;

    dir = v->state != NULL ? v->state : getenv("WEIR_STATE");

    if (dir != NULL && dir[0] != '\0') {
        v->dir = strdup(dir);
        return v->dir != NULL ? WEIRCTL_GO_ON : weirctl_nomem();
    }

    if (!weirctl_fleet_named(&v->fleet)) {
        return weirctl_error("which gateway?  --state DIR or $WEIR_STATE names "
                             "its folder, --store URL finds it");
    }

    rc = weirctl_fleet(ctl, &f, &v->fleet, 0);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_gateways(&f, &g);

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_drain_reported(v, &g);
        }

        weirctl_gateways_done(&g);
    }

    weirctl_fleet_done(&f);

    return rc;
}


/*
 * Anybody may have written a report: its folder counts only where it is the
 * one of a gateway of that name.
 */

static int
weirctl_drain_reported(weirctl_drain_t *v, const weirctl_gateways_t *g)
{
    uint32_t                  i;
    const char               *dir;
    weir_drain_t              answer;
    weir_store_err_t          err;
    const weirctl_gateway_t  *gw, *found;

    found = NULL;

    for (i = 0; i < g->n; i++) {
        gw = &g->list[i];

        if (v->gateway != NULL
            ? strlen(v->gateway) != gw->node.len
              || memcmp(v->gateway, gw->node.data, gw->node.len) != 0
            : !gw->live)
        {
            continue;
        }

        if (found != NULL) {
            (void) weirctl_error("several gateways live: --gateway NODE says "
                                 "which one, %.*s or %.*s",
                                 (int) found->node.len, found->node.data,
                                 (int) gw->node.len, gw->node.data);
            return WEIRCTL_NO;
        }

        found = gw;
    }

    if (found == NULL) {
        (void) weirctl_error(v->gateway != NULL ? "no gateway has reported as "
                             "\"%s\"" : "no gateway lives%s",
                             v->gateway != NULL ? v->gateway : "");
        return WEIRCTL_NO;
    }

    dir = json_string_value(json_object_get(found->report, "state_dir"));

    if (dir == NULL || dir[0] != '/'
        || weir_drain_answer(dir, &answer, &err) != WEIR_STORE_OK
        || strlen(answer.node) != found->node.len
        || memcmp(answer.node, found->node.data, found->node.len) != 0)
    {
        (void) weirctl_error("the folder of gateway %.*s is not here, or not "
                             "for you: run this where it runs, as root or as "
                             "its workers' user", (int) found->node.len,
                             found->node.data);
        return WEIRCTL_NO;
    }

    v->dir = strdup(dir);

    return v->dir != NULL ? WEIRCTL_GO_ON : weirctl_nomem();
}


static int
weirctl_drain_ask(weirctl_t *ctl, weirctl_drain_t *v)
{
    int                 rc;
    uint8_t             nonce[WEIR_DRAIN_ID / 2];
    weir_drain_t        request, answer;
    weir_store_err_t    err;
    weir_store_code_e   code;

    code = weir_drain_answer(v->dir, &answer, &err);

    if (code == WEIR_STORE_MISSING) {
        (void) weirctl_error("%s is no folder of a gateway that runs", v->dir);
        return WEIRCTL_NO;
    }

    if (code != WEIR_STORE_OK) {
        return weirctl_store_error(&err);
    }

    if (v->gateway != NULL && strcmp(v->gateway, answer.node) != 0) {
        (void) weirctl_error("%s is the folder of gateway %s", v->dir,
                             answer.node);
        return WEIRCTL_NO;
    }

    request = answer;
    request.draining = !v->undo;

    if (RAND_bytes(nonce, sizeof(nonce)) != 1) {
        return weirctl_error("no random bytes");
    }

    weir_hex((uint8_t *) request.nonce, nonce, sizeof(nonce));
    request.nonce[WEIR_DRAIN_ID] = '\0';

    if (weir_drain_ask(v->dir, &request, &err) != WEIR_STORE_OK) {
        return weirctl_store_error(&err);
    }

    rc = weirctl_drain_wait(ctl, v, &request, &answer);

    return rc == WEIRCTL_GO_ON ? weirctl_drain_print(ctl, &answer) : rc;
}


static int
weirctl_drain_wait(weirctl_t *ctl, weirctl_drain_t *v,
    const weir_drain_t *request, weir_drain_t *answer)
{
    int                 seen;
    int64_t             ms;
    struct timespec     start, now, pause;
    weir_store_err_t    err;
    weir_store_code_e   code;

    pause.tv_sec = 0;
    pause.tv_nsec = WEIRCTL_DRAIN_POLL_MS * 1000000L;

    (void) clock_gettime(CLOCK_MONOTONIC, &start);

    for ( ;; ) {
        code = weir_drain_answer(v->dir, answer, &err);

        if (code != WEIR_STORE_OK) {
            return weirctl_store_error(&err);
        }

        if (strcmp(answer->run, request->run) != 0) {
            (void) weirctl_error("gateway %s was started again: it serves",
                                 answer->node);
            return v->undo ? WEIRCTL_GO_ON : WEIRCTL_NO;
        }

        seen = strcmp(answer->nonce, request->nonce) == 0;

        if (seen && (v->undo || answer->in_flight == 0)) {
            return WEIRCTL_GO_ON;
        }

        (void) clock_gettime(CLOCK_MONOTONIC, &now);

        ms = (int64_t) (now.tv_sec - start.tv_sec) * 1000
             + (now.tv_nsec - start.tv_nsec) / 1000000;

        if (!seen && ms >= WEIRCTL_DRAIN_SEEN_MS) {
            (void) weirctl_error("gateway %s does not answer: is nginx "
                                 "running?", answer->node);
            return WEIRCTL_NO;
        }

        if (seen && ms >= v->wait_ms) {
            (void) weirctl_error("gateway %s: %" PRIu64 " in flight",
                                 answer->node, answer->in_flight);

            if (ctl->json) {
                (void) weirctl_drain_print(ctl, answer);
            }

            return WEIRCTL_NO;
        }

        (void) nanosleep(&pause, NULL);
    }
}


static int
weirctl_drain_print(weirctl_t *ctl, const weir_drain_t *answer)
{
    int  rc;

    if (ctl->json) {
        rc = weirctl_print_json(json_pack("{s:s, s:b, s:I}", "gateway",
                                          answer->node, "draining",
                                          (int) answer->draining, "in_flight",
                                          (json_int_t) answer->in_flight));

        return rc == WEIRCTL_GO_ON ? WEIRCTL_YES : rc;
    }

    if (!ctl->quiet) {
        weirctl_print(stdout, "%s %s", answer->node,
                      answer->draining ? "drained" : "serves");
        printf("\n");
    }

    return WEIRCTL_YES;
}
