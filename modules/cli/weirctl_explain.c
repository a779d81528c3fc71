
/*
 * weirctl explain: why a request is decided as it is: of each rule that its
 * method and path could meet, which of its statements hold.
 *
 * Each statement is put to the compiler and the evaluator as a rule of its
 * own: as a permit, which is told where it is true, and as a deny, which is
 * told where it is true or unknown.
 */

#include <stdio.h>
#include <stdlib.h>

#include "weirctl_explain.h"


/* Two policies for what is true, and for what is not false. */

#define WEIRCTL_EXPLAIN_TRUE   "weir-explain-true"
#define WEIRCTL_EXPLAIN_MAYBE  "weir-explain-maybe"


static int weirctl_explain_request(weirctl_explain_t *x, const char *text);
static int weirctl_explain_file(weirctl_explain_t *x);
static int weirctl_explain_rules(weirctl_explain_t *x);
static int weirctl_explain_probe(weirctl_explain_t *x,
    weir_prove_item_t *rule, weir_prove_item_t *statement);
static int weirctl_explain_ask(weirctl_explain_t *x);
static weir_str_t weirctl_explain_source(weirctl_explain_t *x, int deny);
static void weirctl_explain_put(FILE *f, weirctl_probe_t *probe, uint32_t n,
    int deny);
static int weirctl_explain_decide(weirctl_explain_t *x,
    const weir_policy_bundle_t *b, weir_policy_regexes_t *regexes, int deny);
static int weirctl_explain_kind(weir_str_t word);


/* weirctl explain DIR --request JSON */

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
    x.last = &x.probes;
    answer = NULL;

    weir_arena_init(&x.e.arena, &weir_alloc_malloc, 0);

    rc = weirctl_bundle(ctl, &x.b, ctl->argv[0], 0);

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
                            : weirctl_explain_file(&x);
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


/* The file of the policy that was asked. */

static int
weirctl_explain_file(weirctl_explain_t *x)
{
    uint32_t            i;
    weir_str_t          name, text;
    weir_prove_item_t  *item;

    name = weir_policy_name(x->b.bundle.image, x->e.policy);

    for (i = 0; i < x->b.bundle.nsources; i++) {

        if (weir_prove_split(&x->b.arena, x->b.bundle.sources[i].text,
                             &x->items)
            != WEIR_OK)
        {
            return weirctl_error("out of memory");
        }

        for (item = x->items; item != NULL; item = item->next) {

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

            if (weir_str_eq(text, name)) {
                x->file = i;
                return WEIRCTL_GO_ON;
            }
        }
    }

    x->items = NULL;

    return WEIRCTL_GO_ON;
}


/* First what methods and paths leave, then the statements of these. */

static int
weirctl_explain_rules(weirctl_explain_t *x)
{
    int                 rc, whats;
    weirctl_probe_t    *first, *probe;
    weir_prove_item_t  *item, *s;

    for (item = x->items; item != NULL; item = item->next) {

        if (!weirctl_explain_kind(item->word)) {
            continue;
        }

        x->nrules++;
        whats = 0;

        for (s = item->items; s != NULL; s = s->next) {
            if (weir_str_eq(s->word, weir_str("what"))) {
                whats = 1;

                if (weirctl_explain_probe(x, item, s) != WEIRCTL_GO_ON) {
                    return weirctl_error("out of memory");
                }
            }
        }

        /* without "what" every request: a probe that is always true */

        if (!whats && weirctl_explain_probe(x, item, NULL) != WEIRCTL_GO_ON) {
            return weirctl_error("out of memory");
        }
    }

    rc = weirctl_explain_ask(x);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    first = x->probes;
    x->probes = NULL;
    x->last = &x->probes;
    item = NULL;

    for (probe = first; probe != NULL; probe = probe->next) {

        if (probe->rule == item || (probe->statement != NULL && !probe->yes)) {
            continue;
        }

        item = probe->rule;

        if (weirctl_explain_probe(x, item, NULL) != WEIRCTL_GO_ON) {
            return weirctl_error("out of memory");
        }

        for (s = item->items; s != NULL; s = s->next) {
            if (weirctl_explain_kind(s->word) == 2
                && weirctl_explain_probe(x, item, s) != WEIRCTL_GO_ON)
            {
                return weirctl_error("out of memory");
            }
        }
    }

    return weirctl_explain_ask(x);
}


/* 1: of a rule; 2: of a scope or condition. */

static int
weirctl_explain_kind(weir_str_t word)
{
    uint32_t  i;

    static const char *const  words[] = {
        "permit", "deny", "shadow", "who", "what", "host", "from", "during",
        "if", "unless"
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (weir_str_eq(word, weir_cstr(words[i]))) {
            return i < 3 ? 1 : 2;
        }
    }

    return 0;
}


static int
weirctl_explain_probe(weirctl_explain_t *x, weir_prove_item_t *rule,
    weir_prove_item_t *statement)
{
    weirctl_probe_t  *probe;

    probe = weir_arena_calloc(&x->b.arena, 1, sizeof(weirctl_probe_t));
    if (probe == NULL) {
        return WEIRCTL_NO;
    }

    probe->rule = rule;
    probe->statement = statement;

    *x->last = probe;
    x->last = &probe->next;

    return WEIRCTL_GO_ON;
}


static int
weirctl_explain_ask(weirctl_explain_t *x)
{
    int                     rc, deny;
    uint32_t                i, n;
    weir_arena_t            arena;
    weir_zoneinfo_t         zi;
    weir_policy_bundle_t    b;
    weir_policy_source_t   *sources;
    weir_policy_regexes_t  *regexes;

    if (x->probes == NULL) {
        return WEIRCTL_GO_ON;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);
    weir_zoneinfo(&zi, &arena, WEIR_ZONEINFO);

    /* the libraries stay, the file gives way to the two policies */

    n = x->b.bundle.nsources;
    sources = weir_arena_calloc(&x->b.arena, n + 1,
                                sizeof(weir_policy_source_t));
    regexes = NULL;
    rc = WEIRCTL_NO;

    if (sources != NULL) {
        memcpy(sources, x->b.bundle.sources,
               n * sizeof(weir_policy_source_t));

        sources[n] = sources[x->file];
        sources[n].name = weir_str("\177");
        sources[x->file].text = weirctl_explain_source(x, 0);
        sources[n].text = weirctl_explain_source(x, 1);

        if (sources[n].text.data != NULL && sources[x->file].text.data != NULL
            && weir_policy_compile(&arena, sources, n + 1, &zi.zones, &b)
               == WEIR_OK)
        {
            rc = WEIRCTL_GO_ON;
        }
    }

    if (rc == WEIRCTL_GO_ON && b.nerrors != 0) {

        for (i = 0; i < b.ndiags && b.diags[i].severity != WEIR_POLICY_SEVERE;
             i++)
        {
            /* void */
        }

        rc = weirctl_error("a rule cannot be taken apart: %.*s",
                           (int) b.diags[i].message.len,
                           b.diags[i].message.data);

    } else if (rc == WEIRCTL_GO_ON) {

        regexes = weir_policy_regexes_create(&weir_alloc_malloc, b.image);

        for (deny = 0; deny < 2 && rc == WEIRCTL_GO_ON; deny++) {
            if (regexes == NULL
                || weirctl_explain_decide(x, &b, regexes, deny) != WEIR_OK)
            {
                rc = WEIRCTL_NO;
            }
        }
    }

    weir_policy_regexes_destroy(regexes);
    weir_arena_done(&arena);

    return rc == WEIRCTL_NO ? weirctl_error("out of memory") : rc;
}


/* All of the file but its rules, and the probes. */

static weir_str_t
weirctl_explain_source(weirctl_explain_t *x, int deny)
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

    for (item = x->items; item != NULL; item = item->next) {

        if (weir_str_eq(item->word, weir_str("policy"))) {
            fprintf(f, "policy %s;\n", deny ? WEIRCTL_EXPLAIN_MAYBE
                                            : WEIRCTL_EXPLAIN_TRUE);

        } else if (!weirctl_explain_kind(item->word)
                   && !weir_str_eq(item->word, weir_str("assert"))
                   && !weir_str_eq(item->word, weir_str("test")))
        {
            fwrite(item->text.data, 1, item->text.len, f);
            fputc('\n', f);
        }
    }

    n = 0;

    for (probe = x->probes; probe != NULL; probe = probe->next) {
        weirctl_explain_put(f, probe, n++, deny);
    }

    if (fclose(f) == 0) {
        s = weir_arena_copy(&x->b.arena, (weir_str_t) {
            size, (const uint8_t *) text });
    }

    free(text);

    return s;
}


/* Captures come from "what": each probe has them all, but one of "what". */

static void
weirctl_explain_put(FILE *f, weirctl_probe_t *probe, uint32_t n, int deny)
{
    int                 what, only;
    weir_prove_item_t  *s;

    only = probe->statement != NULL
           && weir_str_eq(probe->statement->word, weir_str("what"));

    fprintf(f, "%s p%09u {\n", deny ? "deny" : "permit", n);

    for (s = probe->rule->items; s != NULL; s = s->next) {

        what = weir_str_eq(s->word, weir_str("what"));

        if (weirctl_explain_kind(s->word) == 2
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
weirctl_explain_decide(weirctl_explain_t *x, const weir_policy_bundle_t *b,
    weir_policy_regexes_t *regexes, int deny)
{
    uint32_t                i, n, policy;
    weirctl_probe_t        *probe;
    weir_policy_request_t   r;
    weir_policy_decision_t  d;

    if (weir_policy_find(b->image, deny ? weir_str(WEIRCTL_EXPLAIN_MAYBE)
                                        : weir_str(WEIRCTL_EXPLAIN_TRUE),
                         &policy)
        != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    memset(&d, 0, sizeof(weir_policy_decision_t));

    d.max = weir_policy_rules(b->image, policy);
    d.rules = weir_arena_calloc(&x->b.arena, d.max + 1, sizeof(uint32_t));
    r = x->e.r;
    r.regexes = regexes;

    if (d.rules == NULL
        || weir_policy_decide_text(&x->b.arena, b->image, policy, &r,
                                   x->e.path, x->e.host, &x->e.fields, &d)
           != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    i = 0;
    n = 0;

    for (probe = x->probes; probe != NULL && i < d.count; probe = probe->next)
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

    return WEIR_OK;
}
