
/*
 * weirctl explain: why a request is decided as it is: of each rule that its
 * method and path could meet, which of its statements hold.
 */

#include <stdio.h>
#include <stdlib.h>

#include "weirctl_explain.h"


static int weirctl_explain_request(weirctl_explain_t *x, const char *text);
static int weirctl_explain_rules(weirctl_explain_t *x);
static int weirctl_explain_ask(weirctl_explain_t *x);


/* weirctl explain PATH --request JSON */

int
weirctl_explain(weirctl_t *ctl)
{
    int                 rc;
    json_t             *answer;
    const char         *request;
    weirctl_explain_t   x;

    weirctl_option_t  options[] = {
        { "request", WEIRCTL_VALUE, &request, "JSON",
          "the request, as for eval; \"-\": from stdin" },
        weirctl_options_end
    };

    request = NULL;

    rc = weirctl_options(ctl, "Decides a request as eval does and tells why: "
                         "which statements hold of each rule\nthat could "
                         "match its method and path.", options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (request == NULL) {
        return weirctl_error("--request is needed");
    }

    memset(&x, 0, sizeof(weirctl_explain_t));

    x.ctl = ctl;
    answer = NULL;

    weir_arena_init(&x.e.arena, &weir_alloc_malloc, 0);

    rc = weirctl_bundle(ctl, &x.b, ctl->argv[0], WEIRCTL_FILE);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_diagnostics(ctl, &x.b);
    }

    if (rc == WEIRCTL_GO_ON && x.b.bundle.nerrors != 0) {
        rc = WEIRCTL_NO;
    }

    if (rc == WEIRCTL_GO_ON) {
        x.e.b = &x.b;
        x.e.r.regexes = weir_policy_regexes_create(&weir_alloc_malloc,
                                                   x.b.bundle.image);
        rc = x.e.r.regexes == NULL ? weirctl_error("out of memory")
                                   : weirctl_explain_request(&x, request);
    }

    if (rc == WEIRCTL_GO_ON) {
        answer = weirctl_eval_answer(&x.e);
        rc = answer == NULL ? weirctl_error("out of memory")
             : weirctl_probes(&x.p, &x.b,
                              weir_policy_name(x.b.bundle.image, x.e.policy));
    }

    /* what the gates refuse no rule decides */

    if (rc == WEIRCTL_GO_ON
        && strncmp(json_string_value(json_object_get(answer, "reason")),
                   "ambiguous", 9) != 0)
    {
        rc = weirctl_explain_rules(&x);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_explain_print(&x, answer);
    }

    if (x.p.b != NULL) {
        weirctl_probes_done(&x.p);
    }

    json_decref(answer);
    json_decref(x.request);
    weir_policy_regexes_destroy(x.e.r.regexes);
    weir_arena_done(&x.e.arena);
    weirctl_bundle_done(&x.b);

    return rc;
}


static int
weirctl_explain_request(weirctl_explain_t *x, const char *text)
{
    int          rc;
    json_t      *id;
    weir_str_t   line, read;

    read.data = NULL;
    line = weir_cstr(text);

    if (strcmp(text, "-") == 0) {

        rc = weirctl_read("-", 1024 * 1024, &read);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }

        line = read;
    }

    line = weir_arena_copy(&x->e.arena, line);
    free((void *) read.data);

    x->request = weirctl_eval_read(&x->e, line, &id);
    json_decref(id);

    return x->request == NULL ? weirctl_error("--request: %s", x->e.error)
                              : WEIRCTL_GO_ON;
}


/* First what methods and paths leave, then the statements of these. */

static int
weirctl_explain_rules(weirctl_explain_t *x)
{
    int                 rc, whats;
    weirctl_probe_t    *first, *probe;
    weir_prove_item_t  *item, *s;

    rc = WEIRCTL_GO_ON;

    for (item = x->p.items; item != NULL; item = item->next) {

        if (weirctl_probe_kind(item) != WEIRCTL_PROBE_RULE) {
            continue;
        }

        x->nrules++;
        whats = 0;

        for (s = item->items; rc == WEIRCTL_GO_ON && s != NULL; s = s->next) {
            if (weir_str_eq(s->word, weir_str("what"))) {
                whats = 1;
                rc = weirctl_probes_add(&x->p, item, s);
            }
        }

        /* without "what" every request: a probe that is always true */

        if (rc == WEIRCTL_GO_ON && !whats) {
            rc = weirctl_probes_add(&x->p, item, NULL);
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_explain_ask(x);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    first = x->p.probes;
    weirctl_probes_clear(&x->p);
    item = NULL;

    for (probe = first; probe != NULL; probe = probe->next) {

        if (probe->rule == item || (probe->statement != NULL && !probe->yes)) {
            continue;
        }

        item = probe->rule;
        rc = weirctl_probes_add(&x->p, item, NULL);

        for (s = item->items; rc == WEIRCTL_GO_ON && s != NULL; s = s->next) {
            if (weirctl_probe_kind(s) >= WEIRCTL_PROBE_SCOPE) {
                rc = weirctl_probes_add(&x->p, item, s);
            }
        }

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    return weirctl_explain_ask(x);
}


static int
weirctl_explain_ask(weirctl_explain_t *x)
{
    int  rc;

    rc = weirctl_probes_compile(&x->p);

    return rc == WEIRCTL_GO_ON
           ? weirctl_probes_ask(&x->p, &x->e.r, x->e.path, x->e.host,
                                &x->e.fields)
           : rc;
}
