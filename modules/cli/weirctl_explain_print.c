
/*
 * weirctl explain: what it found, as text and as JSON.
 */

#include <stdio.h>
#include <stdlib.h>

#include "weirctl_explain.h"


#define WEIRCTL_EXPLAIN_READS  64       /* attributes of a statement */


static json_t *weirctl_explain_json(weirctl_explain_t *x);
static json_t *weirctl_explain_reads(weirctl_explain_t *x,
    const weirctl_probe_t *probe);
static json_t *weirctl_explain_scope(weirctl_explain_t *x,
    const weirctl_probe_t *probe, json_t *all);
static json_t *weirctl_explain_read(weirctl_explain_t *x,
    const weir_policy_read_t *read);
static int weirctl_explain_read_print(weirctl_explain_t *x,
    const weirctl_probe_t *probe);
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

        if (!probe->yes
            && weirctl_explain_read_print(x, probe) != WEIRCTL_GO_ON)
        {
            return weirctl_error("out of memory");
        }
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
            part = json_pack("{s:s%, s:s, s:o}", "text",
                             (const char *) probe->statement->text.data,
                             probe->statement->text.len, "value",
                             weirctl_explain_value(probe), "read",
                             weirctl_explain_reads(x, probe));

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


/*
 * What a statement read, as a decision log has it: null where it is absent, {}
 * where it is of another type than is declared.  NULL: no memory.
 */

static json_t *
weirctl_explain_reads(weirctl_explain_t *x, const weirctl_probe_t *probe)
{
    int                   statement;
    char                  text[1024];
    size_t                len;
    json_t               *all;
    uint32_t              i, n, attrs[WEIRCTL_EXPLAIN_READS];
    weir_str_t            effect, name;
    weir_prove_item_t    *item;
    weir_policy_read_t    read;

    all = json_object();

    if (weir_str_eq(probe->statement->word, weir_str("who"))) {
        statement = WEIR_POLICY_STATEMENT_WHO;

    } else if (weirctl_probe_kind(probe->statement)
               == WEIRCTL_PROBE_CONDITION)
    {
        statement = 0;

        for (item = probe->rule->items; item != probe->statement;
             item = item->next)
        {
            statement += weirctl_probe_kind(item) == WEIRCTL_PROBE_CONDITION;
        }

    } else {
        return weirctl_explain_scope(x, probe, all);
    }

    weirctl_probe_head(probe->rule, &effect, &name);

    n = weir_policy_statement_attrs(&x->b.bundle, x->e.policy, name,
                                    statement, attrs, WEIRCTL_EXPLAIN_READS);

    for (i = 0; i < n && all != NULL; i++) {

        if (weir_policy_read_attr(x->b.bundle.image, x->e.policy, attrs[i],
                                  &x->e.r, &read)
            != WEIR_OK)
        {
            continue;
        }

        len = weir_policy_read_name(&read, (uint8_t *) text, sizeof(text) - 1);

        if (len >= sizeof(text)) {
            continue;
        }

        text[len] = '\0';

        if (json_object_set_new(all, text, weirctl_explain_read(x, &read))
            != 0)
        {
            json_decref(all);
            all = NULL;
        }
    }

    return all;
}


/* "from" and "host" are not attributes that a policy reads. */

static json_t *
weirctl_explain_scope(weirctl_explain_t *x, const weirctl_probe_t *probe,
    json_t *all)
{
    int                  from;
    weir_policy_read_t   read;

    from = weir_str_eq(probe->statement->word, weir_str("from"));

    if (!from && !weir_str_eq(probe->statement->word, weir_str("host"))) {
        return all;
    }

    memset(&read, 0, sizeof(weir_policy_read_t));

    read.type = from ? WEIR_POLICY_READ_ADDR : WEIR_POLICY_READ_STRING;
    read.addr = x->e.r.source_ip;
    read.string = x->e.r.host;
    read.state = (from ? read.addr == NULL : read.string.data == NULL)
                 ? WEIR_POLICY_ABSENT : WEIR_POLICY_ONE;

    if (json_object_set_new(all, from ? "source.ip" : "request.host",
                            weirctl_explain_read(x, &read))
        != 0)
    {
        json_decref(all);
        return NULL;
    }

    return all;
}


static json_t *
weirctl_explain_read(weirctl_explain_t *x, const weir_policy_read_t *read)
{
    char         addr[WEIR_ADDR_TEXT];
    json_t      *array;
    uint32_t     i;
    weir_str_t   s;

    if (read->state != WEIR_POLICY_ONE) {
        return read->state == WEIR_POLICY_ABSENT ? json_null()
                                                 : json_object();
    }

    switch (read->type) {

    case WEIR_POLICY_READ_BOOL:
        return json_boolean(read->number);

    case WEIR_POLICY_READ_INT:
        return json_integer(read->number);

    case WEIR_POLICY_READ_ADDR:
        return json_stringn(addr, weir_addr_format((uint8_t *) addr,
                                                   read->addr));

    case WEIR_POLICY_READ_SET:

        array = json_array();

        for (i = 0; i < read->nitems; i++) {
            s = weir_policy_read_item(&x->e.r, read, i);

            if (json_array_append_new(array,
                                      json_stringn((const char *) s.data,
                                                   s.len))
                != 0)
            {
                json_decref(array);
                return NULL;
            }
        }

        return array;

    default:
        return json_stringn((const char *) read->string.data,
                            read->string.len);
    }
}


static int
weirctl_explain_read_print(weirctl_explain_t *x, const weirctl_probe_t *probe)
{
    char        *text;
    json_t      *all, *value;
    const char  *name;

    all = weirctl_explain_reads(x, probe);
    if (all == NULL) {
        return WEIRCTL_NO;
    }

    json_object_foreach(all, name, value) {

        if (json_is_null(value)) {
            printf("           %s is absent\n", name);
            continue;
        }

        if (json_is_object(value)) {
            printf("           %s is of another type than declared\n", name);
            continue;
        }

        text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

        if (text == NULL) {
            json_decref(all);
            return WEIRCTL_NO;
        }

        printf("           %s is %s\n", name, text);
        free(text);
    }

    json_decref(all);

    return WEIRCTL_GO_ON;
}


static const char *
weirctl_explain_value(const weirctl_probe_t *probe)
{
    return probe->yes ? "true" : probe->maybe ? "unknown" : "false";
}
