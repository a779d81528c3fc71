
/*
 * weirctl eval: JSON lines, a request in, a decision out, so that other
 * programs can ask the gateway's own code.
 */

#include <stdlib.h>

#include "weirctl_eval.h"
#include "weir_json.h"
#include "weir_policy_json.h"


#define WEIRCTL_EVAL_LINE  (1024 * 1024)


/* More effects than any request meets; a policy may still have more. */

#define WEIRCTL_EVAL_EFFECTS  4096


/* The line bounds all but what would make the parser recurse. */

static const weir_json_limits_t  weirctl_eval_limits = {
    64, WEIRCTL_EVAL_LINE, WEIRCTL_EVAL_LINE
};


static json_t *weirctl_eval_line(weirctl_bundle_t *b,
    weir_policy_regexes_t *regexes, weir_str_t line);


int
weirctl_eval(weirctl_t *ctl)
{
    int               rc, more;
    char             *buf;
    size_t            size;
    json_t           *answer;
    weir_str_t        line;
    weirctl_bundle_t  b;

    weir_policy_regexes_t  *regexes;

    rc = weirctl_options(ctl, "Reads requests from stdin, one JSON object a "
                         "line, and answers each by a line:\n"
                         "  {\"id\":1,\"policy\":\"orders\",\"method\":"
                         "\"GET\",\"path\":\"/t/acme\",...}\n"
                         "  {\"id\":1,\"verdict\":\"permit\",\"rules\":[...],"
                         "\"reason\":\"permit-rule\",\"obligations\":{}}\n"
                         "A line that cannot be read is answered by {\"id\":"
                         "...,\"error\":\"...\"}.", NULL, 1, 2);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (ctl->argc == 2 && strcmp(ctl->argv[1], "-") != 0) {
        return weirctl_error("unexpected \"%s\": requests come from stdin",
                             ctl->argv[1]);
    }

    rc = weirctl_bundle(ctl, &b, ctl->argv[0], WEIRCTL_FILE);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_diagnostics(ctl, &b);
    }

    if (rc == WEIRCTL_GO_ON && b.bundle.nerrors) {
        rc = WEIRCTL_NO;
    }

    regexes = NULL;

    if (rc == WEIRCTL_GO_ON) {
        regexes = weir_policy_regexes_create(&weir_alloc_malloc,
                                             b.bundle.image);
        if (regexes == NULL) {
            rc = weirctl_error("out of memory");
        }
    }

    buf = NULL;
    size = 0;

    while (rc == WEIRCTL_GO_ON) {

        more = weirctl_line(stdin, WEIRCTL_EVAL_LINE, &buf, &size, &line);

        if (more <= 0) {
            rc = more == 0 ? WEIRCTL_YES : WEIRCTL_USAGE;
            break;
        }

        answer = weirctl_eval_line(&b, regexes, line);

        if (answer == NULL
            || json_dumpf(answer, stdout, JSON_COMPACT) != 0)
        {
            rc = weirctl_error("out of memory");
        }

        json_decref(answer);

        /* the other program waits for each answer */

        putchar('\n');
        fflush(stdout);
    }

    free(buf);
    weir_policy_regexes_destroy(regexes);
    weirctl_bundle_done(&b);

    return rc;
}


static json_t *
weirctl_eval_line(weirctl_bundle_t *b, weir_policy_regexes_t *regexes,
    weir_str_t line)
{
    json_t          *json, *answer, *out, *id;
    weirctl_eval_t   e;

    memset(&e, 0, sizeof(weirctl_eval_t));

    weir_arena_init(&e.arena, &weir_alloc_malloc, 0);

    e.b = b;
    e.r.regexes = regexes;

    json = weirctl_eval_read(&e, line, &id);
    answer = json != NULL ? weirctl_eval_answer(&e) : NULL;

    if (answer == NULL && e.error != NULL) {
        answer = json_pack("{s:s}", "error", e.error);
    }

    /* the id comes first */

    out = json_pack("{s:O?}", "id", id);

    if (answer == NULL || out == NULL || json_object_update(out, answer) != 0)
    {
        json_decref(out);
        out = NULL;
    }

    json_decref(answer);
    json_decref(id);
    json_decref(json);
    weir_arena_done(&e.arena);

    return out;
}


json_t *
weirctl_eval_read(weirctl_eval_t *e, weir_str_t line, json_t **id)
{
    json_t        *json;
    size_t         weight;
    json_error_t   again;

    *id = NULL;

    if (line.len > WEIRCTL_EVAL_LINE) {
        e->error = "the line is too long";
        return NULL;
    }

    if (weir_json_scan((uint8_t *) line.data, line.len, &weirctl_eval_limits,
                       &weight)
        != WEIR_OK)
    {
        e->error = "this is no JSON, or nests too deep";
        return NULL;
    }

    json = json_loadb((const char *) line.data, line.len,
                      JSON_REJECT_DUPLICATES, &e->jerr);

    if (json == NULL) {

        /* jansson quotes up to some byte, which may be inside a character */

        e->error = weir_utf8_valid(weir_cstr(e->jerr.text))
                   ? e->jerr.text : "this is no JSON";

        /* a duplicate member is an error, and its line has an id */

        json = json_loadb((const char *) line.data, line.len, 0, &again);

    } else if (!json_is_object(json)) {
        e->error = "a JSON object is needed";

    } else if (weirctl_eval_request(e, json) == WEIR_OK) {
        *id = json_incref(json_object_get(json, "id"));
        return json;
    }

    *id = json_incref(json_object_get(json, "id"));
    json_decref(json);

    return NULL;
}


json_t *
weirctl_eval_answer(weirctl_eval_t *e)
{
    json_t                     *rules, *answer, *obligations;
    uint32_t                    i;
    weir_str_t                  name;
    weir_policy_effect_t       *effects;
    weir_policy_decision_t      d;
    const weir_policy_image_t  *image;

    image = e->b->bundle.image;

    d.max = weir_policy_rules(image, e->policy);
    d.rules = weir_arena_alloc(&e->arena, (d.max + 1) * sizeof(uint32_t));
    d.max_effects = WEIRCTL_EVAL_EFFECTS;
    d.effects = weir_arena_alloc(&e->arena, WEIRCTL_EVAL_EFFECTS
                                            * sizeof(uint32_t));

    if (d.rules == NULL || d.effects == NULL
        || weir_policy_decide_text(&e->arena, image, e->policy, &e->r,
                                   e->path, e->host, &e->fields, &d)
           != WEIR_OK)
    {
        return NULL;
    }

    rules = json_array();

    for (i = 0; i < d.count && i < d.max; i++) {
        name = weir_policy_rule_name(image, e->policy, d.rules[i]);

        if (json_array_append_new(rules, json_stringn((char *) name.data,
                                                      name.len))
            != 0)
        {
            json_decref(rules);
            return NULL;
        }
    }

    obligations = NULL;
    effects = weir_arena_calloc(&e->arena, d.neffects + 1,
                                sizeof(weir_policy_effect_t));

    if (effects != NULL && d.neffects <= d.max_effects) {

        for (i = 0; i < d.neffects; i++) {
            weir_policy_effect(image, e->policy, d.effects[i], &effects[i]);
        }

        obligations = weir_policy_obligations(effects, d.neffects);
    }

    if (obligations == NULL) {
        json_decref(rules);
        return NULL;
    }

    answer = json_pack("{s:s, s:o, s:s, s:o}", "verdict",
                       d.verdict == WEIR_POLICY_PERMIT ? "permit" : "deny",
                       "rules", rules,
                       "reason", weir_policy_reason_name(d.reason),
                       "obligations", obligations);

    /* what shadow rules would change */

    if (answer != NULL && d.shadow != d.verdict
        && json_object_set_new(answer, "shadow",
                               json_string(d.shadow == WEIR_POLICY_PERMIT
                                           ? "permit" : "deny"))
           != 0)
    {
        json_decref(answer);
        return NULL;
    }

    return answer;
}
