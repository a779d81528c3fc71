
/*
 * weirctl: what becomes of a document in the fleet, by what gateways report.
 */

#include <time.h>

#include "weirctl_fleet.h"


#define WEIRCTL_WAIT_MS  5000
#define WEIRCTL_POLL_MS  50


static int weirctl_wait_look(const weirctl_wanted_t *w,
    const weirctl_gateways_t *all, weir_str_t node, weirctl_gateway_t *view);
static const char *weirctl_wait_state(const weirctl_wanted_t *w,
    const weirctl_gateway_t *g, const weirctl_gateway_t *before, int last);
static void weirctl_wait_complain(const weirctl_gateway_t *g,
    const char *state);


/* What a gateway says of this document; 0: nothing. */

static int
weirctl_wait_look(const weirctl_wanted_t *w, const weirctl_gateways_t *all,
    weir_str_t node, weirctl_gateway_t *view)
{
    json_t      *split, *error;
    uint32_t     i;
    uint64_t     epoch;
    const char  *text;

    for (i = 0; i < all->n; i++) {
        if (weir_str_eq(all->list[i].node, node)) {
            break;
        }
    }

    if (i == all->n) {
        return 0;
    }

    *view = all->list[i];

    if (strncmp(w->name, "split/", 6) != 0) {
        return 1;
    }

    split = weirctl_gateway_split(view, w->name + 6);

    if (split == NULL) {
        return 0;
    }

    view->waiting = 0;
    view->refused = 0;
    view->reason = NULL;
    view->message = "";

    (void) weirctl_gateway_fence(view, w->name, &view->version, &epoch,
                                 &view->hash);

    error = json_object_get(split, "error");

    if (json_is_object(error)) {
        text = json_string_value(json_object_get(error, "reason"));
        view->reason = text != NULL ? text : "";
        text = json_string_value(json_object_get(error, "message"));
        view->message = text != NULL ? text : "";
        view->refused = (uint64_t) json_integer_value(
                            json_object_get(error, "version"));
    }

    return 1;
}


/*
 * Whose signature does not hold has no version that could be told: such a
 * refusal is ours if it was not there before, or is still there at last.
 */

static const char *
weirctl_wait_state(const weirctl_wanted_t *w, const weirctl_gateway_t *g,
    const weirctl_gateway_t *before, int last)
{
    weirctl_hash_t  hash;

    if (g == NULL || !g->live) {
        return "lost";
    }

    if (g->reason != NULL
        && (g->refused == w->version
            || (g->refused == 0 && (last || before->reason == NULL
                                    || strcmp(g->reason, before->reason)
                                       != 0))))
    {
        return "error";
    }

    if (g->version == w->version) {
        weirctl_hash(&hash, w->hash);
        return g->hash[0] == '\0' || strcmp(g->hash, hash.text) == 0
               ? "current" : "error";
    }

    if (g->waiting == w->version) {
        return "waiting";
    }

    /* somebody pushed again meanwhile, and they are there already */

    return g->version > w->version ? "current" : "behind";
}


int
weirctl_wait(weirctl_fleet_t *f, const weirctl_wanted_t *w,
    const weirctl_gateways_t *before, weirctl_gateways_t *after)
{
    int                 rc;
    int64_t             ms;
    uint32_t            i, waiting;
    const char         *state;
    struct timespec     start, now, pause;
    weirctl_gateway_t   then, view;

    pause.tv_sec = 0;
    pause.tv_nsec = WEIRCTL_POLL_MS * 1000000L;

    (void) clock_gettime(CLOCK_MONOTONIC, &start);

    for ( ;; ) {
        rc = weirctl_gateways(f, after);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }

        waiting = 0;

        for (i = 0; i < before->n; i++) {

            if (!before->list[i].live
                || !weirctl_wait_look(w, before, before->list[i].node, &then))
            {
                continue;
            }

            state = weirctl_wait_state(
                w, weirctl_wait_look(w, after, then.node, &view) ? &view
                                                                 : NULL,
                &then, 0);

            waiting += strcmp(state, "behind") == 0
                       || strcmp(state, "lost") == 0;
        }

        (void) clock_gettime(CLOCK_MONOTONIC, &now);

        ms = (int64_t) (now.tv_sec - start.tv_sec) * 1000
             + (now.tv_nsec - start.tv_nsec) / 1000000;

        if (waiting == 0 || ms >= WEIRCTL_WAIT_MS) {
            return WEIRCTL_GO_ON;
        }

        weirctl_gateways_done(after);

        (void) nanosleep(&pause, NULL);
    }
}


int
weirctl_wait_print(weirctl_fleet_t *f, const weirctl_wanted_t *w,
    const weirctl_gateways_t *before, const weirctl_gateways_t *after,
    json_t *array)
{
    int                 rc;
    uint32_t            i;
    const char         *state;
    weirctl_time_t      at;
    weirctl_gateway_t   then, view;

    rc = WEIRCTL_YES;

    for (i = 0; i < before->n; i++) {

        if (!before->list[i].live
            || !weirctl_wait_look(w, before, before->list[i].node, &then))
        {
            continue;
        }

        if (weirctl_wait_look(w, after, then.node, &view)) {
            state = weirctl_wait_state(w, &view, &then, 1);

        } else {
            view = then;
            state = "lost";
        }

        (void) json_array_append_new(array,
            json_pack("{s:s%, s:s}", "node", (char *) view.node.data,
                      view.node.len, "state", state));

        if (strcmp(state, "current") == 0) {

            if (!f->ctl->json && !f->ctl->quiet) {
                weirctl_print(stdout, "%.*s current", (int) view.node.len,
                              view.node.data);
                printf("\n");
            }

        } else if (strcmp(state, "waiting") == 0) {

            if (!f->ctl->json && !f->ctl->quiet) {
                weirctl_time(&at, w->activate_at);
                weirctl_print(stdout, "%.*s waiting until %s",
                              (int) view.node.len, view.node.data, at.text);
                printf("\n");
            }

        } else {
            rc = WEIRCTL_NO;
            weirctl_wait_complain(&view, state);
        }
    }

    return rc;
}


static void
weirctl_wait_complain(const weirctl_gateway_t *g, const char *state)
{
    weirctl_print(stderr, "weirctl: gateway %.*s: %s", (int) g->node.len,
                  g->node.data, state);

    if (strcmp(state, "error") == 0 && g->reason != NULL) {
        weirctl_print(stderr, ", %s: %s", g->reason, g->message);

    } else if (strcmp(state, "behind") == 0) {
        fprintf(stderr, ", it has version %llu",
                (unsigned long long) g->version);
    }

    fprintf(stderr, "\n");
}
