
/*
 * weirctl explain: what it found, as text and as JSON.
 */

#include <stdio.h>

#include "weirctl_explain.h"


static json_t *weirctl_explain_json(weirctl_explain_t *x);
static const char *weirctl_explain_value(const weirctl_probe_t *probe);


int
weirctl_explain_print(weirctl_explain_t *x, json_t *answer)
{
    json_t           *rules;
    uint32_t          n;
    weir_str_t        effect, name;
    weirctl_probe_t  *probe;

    if (x->ctl->json) {

        rules = weirctl_explain_json(x);

        if (rules == NULL
            || json_object_set_new(answer, "explain", rules) != 0
            || json_dumpf(answer, stdout, JSON_COMPACT) != 0)
        {
            return weirctl_error("out of memory");
        }

        printf("\n");

        return WEIRCTL_YES;
    }

    name = weir_policy_name(x->b.bundle.image, x->e.policy);

    printf("%.*s: %s, %s", (int) name.len, name.data,
           json_string_value(json_object_get(answer, "verdict")),
           json_string_value(json_object_get(answer, "reason")));

    rules = json_object_get(answer, "rules");

    for (n = 0; n < json_array_size(rules); n++) {
        printf("%s%s", n ? ", " : " ",
               json_string_value(json_array_get(rules, n)));
    }

    printf("\n");

    n = 0;

    for (probe = x->p.probes; probe != NULL; probe = probe->next) {

        if (probe->statement == NULL) {
            n++;
            weirctl_probe_head(probe->rule, &effect, &name);

            printf("%-7s  %.*s %.*s (%.*s:%u)\n",
                   weirctl_explain_value(probe), (int) effect.len,
                   effect.data, (int) name.len, name.data,
                   (int) x->b.bundle.sources[x->p.file].name.len,
                   x->b.bundle.sources[x->p.file].name.data,
                   weirctl_probe_line(&x->p, probe->rule));
            continue;
        }

        printf("  %-7s  ", weirctl_explain_value(probe));
        weirctl_probe_text(stdout, probe->statement->text);
        printf("\n");
    }

    if (n < x->nrules) {
        printf("%u of %u rules are for other methods or paths\n",
               x->nrules - n, x->nrules);
    }

    return WEIRCTL_YES;
}


static json_t *
weirctl_explain_json(weirctl_explain_t *x)
{
    json_t           *array, *item, *parts, *part;
    weir_str_t        effect, name;
    weirctl_probe_t  *probe;

    array = json_array();
    parts = NULL;

    for (probe = x->p.probes; probe != NULL; probe = probe->next) {

        if (probe->statement != NULL) {
            part = json_pack("{s:s%, s:s}", "text",
                             (const char *) probe->statement->text.data,
                             probe->statement->text.len, "value",
                             weirctl_explain_value(probe));

            if (json_array_append_new(parts, part) != 0) {
                json_decref(array);
                return NULL;
            }

            continue;
        }

        weirctl_probe_head(probe->rule, &effect, &name);

        parts = json_array();
        item = json_pack("{s:s%, s:s%, s:s%, s:i, s:s, s:o}",
                         "rule", (const char *) name.data, name.len,
                         "effect", (const char *) effect.data, effect.len,
                         "file",
                         (const char *)
                         x->b.bundle.sources[x->p.file].name.data,
                         x->b.bundle.sources[x->p.file].name.len,
                         "line",
                         (int) weirctl_probe_line(&x->p, probe->rule),
                         "value", weirctl_explain_value(probe),
                         "statements", parts);

        if (json_array_append_new(array, item) != 0) {
            json_decref(array);
            return NULL;
        }
    }

    return array;
}


static const char *
weirctl_explain_value(const weirctl_probe_t *probe)
{
    return probe->yes ? "true" : probe->maybe ? "unknown" : "false";
}
