
/*
 * weirctl: rules taken apart, and asked one by one.
 */

#include <stdio.h>
#include <stdlib.h>

#include "weirctl_probe.h"


/* Two policies for what is true, and for what is not false. */

#define WEIRCTL_PROBE_TRUE   "weir-probe-true"
#define WEIRCTL_PROBE_MAYBE  "weir-probe-maybe"


static weir_str_t weirctl_probe_source(weirctl_probes_t *p, int deny);
static void weirctl_probe_put(FILE *f, weirctl_probe_t *probe, uint32_t n,
    int deny);
static int weirctl_probe_decide(weirctl_probes_t *p,
    const weir_policy_request_t *asked, weir_str_t path, weir_str_t host,
    const weir_policy_fields_t *fields, int deny);


int
weirctl_probes(weirctl_probes_t *p, weirctl_bundle_t *b, weir_str_t policy)
{
    uint32_t            i;
    weir_str_t          text;
    weir_prove_item_t  *item;

    memset(p, 0, sizeof(weirctl_probes_t));

    p->b = b;
    p->last = &p->probes;
    weir_arena_init(&p->arena, &weir_alloc_malloc, 0);

    for (i = 0; i < b->bundle.nsources; i++) {

        if (weir_prove_split(&b->arena, b->bundle.sources[i].text, &p->items)
            != WEIR_OK)
        {
            return weirctl_error("out of memory");
        }

        for (item = p->items; item != NULL; item = item->next) {

            /* "policy", blanks, the name, perhaps blanks, ";" */

            if (!weir_str_eq(item->word, weir_str("policy"))) {
                continue;
            }

            text.data = item->text.data + item->word.len;
            text.len = item->text.len - item->word.len - 1;

            while (text.len != 0 && *text.data <= ' ') {
                text.data++;
                text.len--;
            }

            while (text.len != 0 && text.data[text.len - 1] <= ' ') {
                text.len--;
            }

            if (weir_str_eq(text, policy)) {
                p->file = i;
                return WEIRCTL_GO_ON;
            }
        }
    }

    p->items = NULL;

    return WEIRCTL_GO_ON;
}


void
weirctl_probes_clear(weirctl_probes_t *p)
{
    weir_policy_regexes_destroy(p->regexes);
    weir_arena_done(&p->arena);
    weir_arena_init(&p->arena, &weir_alloc_malloc, 0);

    p->regexes = NULL;
    p->probes = NULL;
    p->last = &p->probes;
}


void
weirctl_probes_done(weirctl_probes_t *p)
{
    weir_policy_regexes_destroy(p->regexes);
    weir_arena_done(&p->arena);
}


int
weirctl_probes_add(weirctl_probes_t *p, weir_prove_item_t *rule,
    weir_prove_item_t *statement)
{
    weirctl_probe_t  *probe;

    probe = weir_arena_calloc(&p->b->arena, 1, sizeof(weirctl_probe_t));
    if (probe == NULL) {
        return weirctl_error("out of memory");
    }

    probe->rule = rule;
    probe->statement = statement;

    *p->last = probe;
    p->last = &probe->next;

    return WEIRCTL_GO_ON;
}


int
weirctl_probes_compile(weirctl_probes_t *p)
{
    uint32_t               i, n;
    weir_policy_source_t  *sources;

    if (p->probes == NULL) {
        return WEIRCTL_GO_ON;
    }

    weir_zoneinfo(&p->zi, &p->arena, WEIR_ZONEINFO);

    /* the libraries stay, the file gives way to the two policies */

    n = p->b->bundle.nsources;
    sources = weir_arena_calloc(&p->arena, n + 1,
                                sizeof(weir_policy_source_t));
    if (sources == NULL) {
        return weirctl_error("out of memory");
    }

    memcpy(sources, p->b->bundle.sources, n * sizeof(weir_policy_source_t));

    sources[n] = sources[p->file];
    sources[n].name = weir_str("\177");
    sources[p->file].text = weirctl_probe_source(p, 0);
    sources[n].text = weirctl_probe_source(p, 1);

    if (sources[n].text.data == NULL || sources[p->file].text.data == NULL
        || weir_policy_compile(&p->arena, sources, n + 1, &p->zi.zones,
                               &p->bundle)
           != WEIR_OK)
    {
        return weirctl_error("out of memory");
    }

    if (p->bundle.nerrors != 0) {

        for (i = 0; i < p->bundle.ndiags
                    && p->bundle.diags[i].severity != WEIR_POLICY_SEVERE; i++)
        {
            /* void */
        }

        return weirctl_error("a rule cannot be taken apart: %.*s",
                             (int) p->bundle.diags[i].message.len,
                             p->bundle.diags[i].message.data);
    }

    p->regexes = weir_policy_regexes_create(&weir_alloc_malloc,
                                            p->bundle.image);

    return p->regexes == NULL ? weirctl_error("out of memory")
                              : WEIRCTL_GO_ON;
}


int
weirctl_probes_ask(weirctl_probes_t *p, const weir_policy_request_t *r,
    weir_str_t path, weir_str_t host, const weir_policy_fields_t *fields)
{
    weirctl_probe_t  *probe;

    if (p->probes == NULL) {
        return WEIRCTL_GO_ON;
    }

    for (probe = p->probes; probe != NULL; probe = probe->next) {
        probe->yes = 0;
        probe->maybe = 0;
    }

    if (weirctl_probe_decide(p, r, path, host, fields, 0) != WEIR_OK
        || weirctl_probe_decide(p, r, path, host, fields, 1) != WEIR_OK)
    {
        return weirctl_error("out of memory");
    }

    return WEIRCTL_GO_ON;
}


/* All of the file but its rules, and the probes. */

static weir_str_t
weirctl_probe_source(weirctl_probes_t *p, int deny)
{
    char               *text;
    FILE               *f;
    size_t              size;
    uint32_t            n;
    weir_str_t          s;
    weirctl_probe_t    *probe;
    weir_prove_item_t  *item;

    s.len = 0;
    s.data = NULL;

    f = open_memstream(&text, &size);
    if (f == NULL) {
        return s;
    }

    for (item = p->items; item != NULL; item = item->next) {

        if (weir_str_eq(item->word, weir_str("policy"))) {
            fprintf(f, "policy %s;\n", deny ? WEIRCTL_PROBE_MAYBE
                                            : WEIRCTL_PROBE_TRUE);

        } else if (!weirctl_probe_kind(item)
                   && !weir_str_eq(item->word, weir_str("assert"))
                   && !weir_str_eq(item->word, weir_str("test")))
        {
            fwrite(item->text.data, 1, item->text.len, f);
            fputc('\n', f);
        }
    }

    n = 0;

    for (probe = p->probes; probe != NULL; probe = probe->next) {
        weirctl_probe_put(f, probe, n++, deny);
    }

    if (fclose(f) == 0) {
        s = weir_arena_copy(&p->arena, (weir_str_t) {
            size, (const uint8_t *) text });
    }

    free(text);

    return s;
}


/* Captures come from "what": each probe has them all, but one of "what". */

static void
weirctl_probe_put(FILE *f, weirctl_probe_t *probe, uint32_t n, int deny)
{
    int                 what, only;
    weir_prove_item_t  *s;

    only = probe->statement != NULL
           && weir_str_eq(probe->statement->word, weir_str("what"));

    fprintf(f, "%s p%09u {\n", deny ? "deny" : "permit", n);

    for (s = probe->rule->items; s != NULL; s = s->next) {

        what = weir_str_eq(s->word, weir_str("what"));

        if (weirctl_probe_kind(s) >= WEIRCTL_PROBE_SCOPE
            && (s == probe->statement || (what && !only)
                || probe->statement == NULL))
        {
            fwrite(s->text.data, 1, s->text.len, f);
            fputc('\n', f);
        }
    }

    fprintf(f, "}\n");
}


static int
weirctl_probe_decide(weirctl_probes_t *p, const weir_policy_request_t *asked,
    weir_str_t path, weir_str_t host, const weir_policy_fields_t *fields,
    int deny)
{
    int                     rc;
    uint32_t                i, n, policy;
    weir_arena_t            arena;
    weirctl_probe_t        *probe;
    weir_policy_request_t   r;
    weir_policy_decision_t  d;

    if (weir_policy_find(p->bundle.image, deny ? weir_str(WEIRCTL_PROBE_MAYBE)
                                               : weir_str(WEIRCTL_PROBE_TRUE),
                         &policy)
        != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    memset(&d, 0, sizeof(weir_policy_decision_t));
    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    d.max = weir_policy_rules(p->bundle.image, policy);
    d.rules = weir_arena_calloc(&arena, d.max + 1, sizeof(uint32_t));
    r = *asked;
    r.regexes = p->regexes;

    rc = d.rules == NULL ? WEIR_NOMEM
         : weir_policy_decide_text(&arena, p->bundle.image, policy, &r, path,
                                   host, fields, &d);

    /* rules are called by their number, and told in order */

    i = 0;
    n = 0;

    for (probe = p->probes; rc == WEIR_OK && probe != NULL && i < d.count;
         probe = probe->next)
    {
        if (d.rules[i] == n++) {
            i++;

            if (deny) {
                probe->maybe = 1;

            } else {
                probe->yes = 1;
            }
        }
    }

    weir_arena_done(&arena);

    return rc;
}


int
weirctl_probe_kind(const weir_prove_item_t *item)
{
    uint32_t  i;

    static const struct {
        const char  *word;
        int          kind;
    } words[] = {
        { "permit", WEIRCTL_PROBE_RULE },
        { "deny", WEIRCTL_PROBE_RULE },
        { "shadow", WEIRCTL_PROBE_RULE },
        { "who", WEIRCTL_PROBE_SCOPE },
        { "what", WEIRCTL_PROBE_SCOPE },
        { "host", WEIRCTL_PROBE_SCOPE },
        { "from", WEIRCTL_PROBE_SCOPE },
        { "during", WEIRCTL_PROBE_SCOPE },
        { "if", WEIRCTL_PROBE_CONDITION },
        { "unless", WEIRCTL_PROBE_CONDITION },
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (weir_str_eq(item->word, weir_cstr(words[i].word))) {
            return words[i].kind;
        }
    }

    return 0;
}


void
weirctl_probe_head(const weir_prove_item_t *rule, weir_str_t *effect,
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


unsigned
weirctl_probe_line(const weirctl_probes_t *p, const weir_prove_item_t *item)
{
    unsigned        line;
    const uint8_t  *at;

    line = 1;

    for (at = p->b->bundle.sources[p->file].text.data; at < item->text.data;
         at++)
    {
        line += *at == '\n';
    }

    return line;
}


void
weirctl_probe_text(FILE *f, weir_str_t s)
{
    size_t   i;
    uint8_t  last;

    last = ' ';

    for (i = 0; i < s.len; i++) {

        if (s.data[i] > ' ') {
            fputc(s.data[i], f);

        } else if (last > ' ') {
            fputc(' ', f);
        }

        last = s.data[i];
    }
}
