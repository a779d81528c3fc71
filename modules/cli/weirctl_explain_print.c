
/*
 * weirctl explain: what it found, as text and as JSON.
 */

#include <stdio.h>

#include "weirctl_explain.h"


static void weirctl_explain_head(const weir_prove_item_t *rule,
    weir_str_t *effect, weir_str_t *name);
static json_t *weirctl_explain_json(weirctl_explain_t *x);
static const char *weirctl_explain_value(const weirctl_probe_t *probe);
static unsigned weirctl_explain_line(weirctl_explain_t *x,
    const uint8_t *at);
static void weirctl_explain_text(weir_str_t s);


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

    for (probe = x->probes; probe != NULL; probe = probe->next) {

        if (probe->statement == NULL) {
            n++;
            weirctl_explain_head(probe->rule, &effect, &name);

            printf("%-7s  %.*s %.*s (%.*s:%u)\n",
                   weirctl_explain_value(probe), (int) effect.len,
                   effect.data, (int) name.len, name.data,
                   (int) x->b.bundle.sources[x->file].name.len,
                   x->b.bundle.sources[x->file].name.data,
                   weirctl_explain_line(x, probe->rule->text.data));
            continue;
        }

        printf("  %-7s  ", weirctl_explain_value(probe));
        weirctl_explain_text(probe->statement->text);
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

    for (probe = x->probes; probe != NULL; probe = probe->next) {

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

        weirctl_explain_head(probe->rule, &effect, &name);

        parts = json_array();
        item = json_pack("{s:s%, s:s%, s:s%, s:i, s:s, s:o}",
                         "rule", (const char *) name.data, name.len,
                         "effect", (const char *) effect.data, effect.len,
                         "file",
                         (const char *)
                         x->b.bundle.sources[x->file].name.data,
                         x->b.bundle.sources[x->file].name.len,
                         "line",
                         (int) weirctl_explain_line(x, probe->rule->text.data),
                         "value", weirctl_explain_value(probe),
                         "statements", parts);

        if (json_array_append_new(array, item) != 0) {
            json_decref(array);
            return NULL;
        }
    }

    return array;
}


/* "shadow permit" and the like, and what stands behind it. */

static void
weirctl_explain_head(const weir_prove_item_t *rule, weir_str_t *effect,
    weir_str_t *name)
{
    const uint8_t  *p, *end;

    p = rule->text.data + rule->word.len;
    end = rule->body.data - 1;
    effect->data = rule->text.data;
    effect->len = rule->word.len;

    while (p < end && *p <= ' ') {
        p++;
    }

    if (weir_str_eq(rule->word, weir_str("shadow"))) {

        while (p < end && *p > ' ') {
            p++;
        }

        effect->len = (size_t) (p - effect->data);

        while (p < end && *p <= ' ') {
            p++;
        }
    }

    name->data = p;

    while (p < end && *p > ' ' && *p != '#') {
        p++;
    }

    name->len = (size_t) (p - name->data);
}


static unsigned
weirctl_explain_line(weirctl_explain_t *x, const uint8_t *at)
{
    unsigned        line;
    const uint8_t  *p;

    line = 1;

    for (p = x->b.bundle.sources[x->file].text.data; p < at; p++) {
        line += *p == '\n';
    }

    return line;
}


/* On one line. */

static void
weirctl_explain_text(weir_str_t s)
{
    size_t   i;
    uint8_t  last;

    last = ' ';

    for (i = 0; i < s.len; i++) {

        if (s.data[i] > ' ') {
            putchar(s.data[i]);

        } else if (last > ' ') {
            putchar(' ');
        }

        last = s.data[i];
    }
}


static const char *
weirctl_explain_value(const weirctl_probe_t *probe)
{
    return probe->yes ? "true" : probe->maybe ? "unknown" : "false";
}
