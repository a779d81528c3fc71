
/*
 * Weir: requests that come as text, through the same gates as a client's; and
 * the policies' own tests, which are such requests.
 */

#include <stdio.h>

#include "weir_policy_ast.h"


typedef struct {
    const weir_policy_fields_t  *fields;
} weir_policy_text_ctx_t;


static int weir_policy_text_header(void *ctx, weir_str_t name,
    weir_str_t *value);
static int weir_policy_text_query(void *ctx, weir_str_t name,
    weir_str_t *value);
static int weir_policy_text_tls(void *ctx, weir_policy_tls_t attr,
    weir_str_t *value);
static int weir_policy_test_claims(weir_arena_t *arena,
    const weir_policy_test_t *test, const weir_claims_t **claims);
static int weir_policy_test_claim(weir_arena_t *arena,
    weir_claims_builder_t *b, const weir_policy_given_t *given);
static int weir_policy_test_passes(const weir_policy_image_t *image,
    uint32_t policy, const weir_policy_test_t *test,
    const weir_policy_decision_t *d);
static int weir_policy_test_message(weir_arena_t *arena,
    const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_test_t *test, const weir_policy_decision_t *d,
    weir_str_t *message);
static size_t weir_policy_print(char *text, size_t size, size_t len,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));


int
weir_policy_decide_text(weir_arena_t *arena, const weir_policy_image_t *image,
    uint32_t policy, weir_policy_request_t *r, weir_str_t raw_path,
    weir_str_t raw_host, const weir_policy_fields_t *fields,
    weir_policy_decision_t *d)
{
    uint8_t                  *buf;
    weir_path_t              *path;
    weir_policy_text_ctx_t   *ctx;

    d->verdict = WEIR_POLICY_DENY;
    d->count = 0;
    d->neffects = 0;
    d->nshadow = 0;
    d->shadow = WEIR_POLICY_DENY;

    path = weir_arena_alloc(arena, sizeof(weir_path_t));
    buf = weir_arena_alloc(arena, raw_path.len + raw_host.len);
    ctx = weir_arena_alloc(arena, sizeof(weir_policy_text_ctx_t));

    if (path == NULL || buf == NULL || ctx == NULL) {
        return WEIR_NOMEM;
    }

    r->principal = weir_policy_principal(arena, r->kind, r->issuer,
                                         r->subject);
    if (r->principal.data == NULL) {
        return WEIR_NOMEM;
    }

    if (weir_path_gate(path, buf, raw_path, 0) != WEIR_OK) {
        d->reason = WEIR_POLICY_AMBIGUOUS_PATH;
        return WEIR_OK;
    }

    r->path = path;

    r->host.len = 0;
    r->host.data = NULL;

    if (raw_host.data != NULL
        && weir_host_gate(&r->host, buf + raw_path.len, raw_host) != WEIR_OK)
    {
        d->reason = WEIR_POLICY_AMBIGUOUS_HOST;
        return WEIR_OK;
    }

    ctx->fields = fields;

    r->ctx = ctx;
    r->header = weir_policy_text_header;
    r->query = weir_policy_text_query;
    r->tls = weir_policy_text_tls;

    if (r->regexes != NULL || weir_policy_regex_count(image) == 0) {
        weir_policy_decide(image, policy, r, d);
        return WEIR_OK;
    }

    r->regexes = weir_policy_regexes_create(arena->alloc, image);
    if (r->regexes == NULL) {
        return WEIR_NOMEM;
    }

    weir_policy_decide(image, policy, r, d);

    weir_policy_regexes_destroy(r->regexes);
    r->regexes = NULL;

    return WEIR_OK;
}


static int
weir_policy_text_header(void *data, weir_str_t name, weir_str_t *value)
{
    uint32_t                      i, n;
    const weir_policy_fields_t   *fields;

    n = 0;
    fields = ((weir_policy_text_ctx_t *) data)->fields;

    for (i = 0; i < fields->nheaders; i++) {
        if (weir_str_caseeq(fields->headers[i].name, name)) {
            *value = fields->headers[i].value;
            n++;
        }
    }

    return n == 0 ? WEIR_POLICY_ABSENT
           : n == 1 ? WEIR_POLICY_ONE : WEIR_POLICY_UNKNOWN;
}


static int
weir_policy_text_query(void *data, weir_str_t name, weir_str_t *value)
{
    uint32_t                      i, n;
    const weir_policy_fields_t   *fields;

    n = 0;
    fields = ((weir_policy_text_ctx_t *) data)->fields;

    for (i = 0; i < fields->nquery; i++) {
        if (weir_str_eq(fields->query[i].name, name)) {
            *value = fields->query[i].value;
            n++;
        }
    }

    return n == 0 ? WEIR_POLICY_ABSENT
           : n == 1 ? WEIR_POLICY_ONE : WEIR_POLICY_UNKNOWN;
}


static int
weir_policy_text_tls(void *data, weir_policy_tls_t attr, weir_str_t *value)
{
    const weir_policy_fields_t  *fields;

    fields = ((weir_policy_text_ctx_t *) data)->fields;

    if (fields->tls[attr].data == NULL) {
        return WEIR_POLICY_ABSENT;
    }

    *value = fields->tls[attr];

    return WEIR_POLICY_ONE;
}


weir_str_t
weir_policy_principal(weir_arena_t *arena, weir_policy_kind_t kind,
    weir_str_t issuer, weir_str_t subject)
{
    uint8_t     *p;
    weir_str_t   name, principal;

    name = weir_policy_kind_name(kind);

    principal.len = 0;
    principal.data = NULL;

    p = weir_arena_alloc(arena, name.len + issuer.len + subject.len + 2);
    if (p == NULL) {
        return principal;
    }

    principal.data = p;
    principal.len = name.len + issuer.len + subject.len + 2;

    memcpy(p, name.data, name.len);
    p += name.len;
    *p++ = ':';

    if (issuer.len != 0) {
        memcpy(p, issuer.data, issuer.len);
        p += issuer.len;
    }

    *p++ = ':';

    if (subject.data != NULL) {
        memcpy(p, subject.data, subject.len);
    }

    return principal;
}


int
weir_policy_run_test(weir_arena_t *arena, const weir_policy_bundle_t *bundle,
    uint32_t i, weir_policy_outcome_t *outcome)
{
    int                         rc;
    uint32_t                    policy;
    weir_str_t                  path, host;
    weir_policy_fields_t        fields;
    weir_policy_request_t       r;
    weir_policy_decision_t      d;
    const weir_policy_test_t   *test;

    test = bundle->tests[i];

    memset(outcome, 0, sizeof(weir_policy_outcome_t));

    outcome->name = test->name.text;
    outcome->policy = test->policy;
    outcome->place = test->place;
    outcome->expect = test->expect_place;

    if (weir_policy_find(bundle->image, test->policy, &policy) != WEIR_OK) {
        return WEIR_ERROR;
    }

    rc = weir_policy_test_request(arena, test, &r, &path, &host, &fields);

    if (rc != WEIR_OK) {
        return rc;
    }

    d.effects = NULL;
    d.max_effects = 0;
    d.max = weir_policy_rules(bundle->image, policy);
    d.rules = weir_arena_calloc(arena, d.max, sizeof(uint32_t));

    if (d.rules == NULL
        || weir_policy_decide_text(arena, bundle->image, policy, &r,
                                   path, host, &fields, &d)
           != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    outcome->passed = weir_policy_test_passes(bundle->image, policy, test, &d);

    if (outcome->passed) {
        return WEIR_OK;
    }

    return weir_policy_test_message(arena, bundle->image, policy, test, &d,
                                    &outcome->message);
}


int
weir_policy_test_request(weir_arena_t *arena, const weir_policy_test_t *test,
    weir_policy_request_t *r, weir_str_t *path, weir_str_t *host,
    weir_policy_fields_t *fields)
{
    memset(r, 0, sizeof(weir_policy_request_t));
    memset(fields, 0, sizeof(weir_policy_fields_t));

    *path = test->path;
    *host = test->host;

    r->method = test->method.text;
    r->scheme = test->scheme;
    r->issuer = test->issuer;
    r->subject = test->subject;
    r->spiffe = test->spiffe;
    r->source_ip = test->has_from ? &test->from : NULL;
    r->has_time = test->has_at;
    r->time = test->at;

    r->kind = test->has_kind ? test->kind
              : test->claims != NULL || test->subject.data != NULL
                ? WEIR_POLICY_JWT
              : test->spiffe.data != NULL ? WEIR_POLICY_MTLS
              : WEIR_POLICY_ANONYMOUS;

    fields->headers = test->headers;
    fields->nheaders = test->nheaders;
    fields->query = test->query;
    fields->nquery = test->nquery;

    return weir_policy_test_claims(arena, test, &r->claims);
}


static int
weir_policy_test_claims(weir_arena_t *arena, const weir_policy_test_t *test,
    const weir_claims_t **claims)
{
    int                         rc;
    weir_claims_builder_t      *b;
    const weir_policy_given_t  *given;

    *claims = NULL;

    if (test->claims == NULL) {
        return WEIR_OK;
    }

    b = weir_claims_builder(arena);
    if (b == NULL) {
        return WEIR_NOMEM;
    }

    for (given = test->claims; given != NULL; given = given->next) {
        rc = weir_policy_test_claim(arena, b, given);

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    *claims = weir_claims_build(b);

    return *claims == NULL ? WEIR_NOMEM : WEIR_OK;
}


/*
 * One word for a set<string> is a set of one, but for "scope", which may come
 * as one string.  What does not fit the declaration is given as it is, so
 * that a test can tell what becomes of it.
 */

static int
weir_policy_test_claim(weir_arena_t *arena, weir_claims_builder_t *b,
    const weir_policy_given_t *given)
{
    uint32_t                      i;
    weir_str_t                   *items;
    weir_claim_type_t             type;
    const weir_policy_literal_t  *item;

    item = given->items;

    if (given->nitems == 1
        && (item->type != WEIR_POLICY_T_STRING || given->claim == NULL
            || given->claim->type != WEIR_POLICY_T_SET
            || weir_str_eq(given->key, weir_str("scope"))))
    {
        type = item->type == WEIR_POLICY_T_BOOL ? WEIR_CLAIM_BOOL
               : item->type == WEIR_POLICY_T_INT ? WEIR_CLAIM_INT
               : WEIR_CLAIM_STRING;

        return weir_claims_add(b, given->key, type, item->number,
                               item->string, NULL, 0);
    }

    type = WEIR_CLAIM_SET;

    items = weir_arena_calloc(arena, given->nitems, sizeof(weir_str_t));
    if (items == NULL) {
        return WEIR_NOMEM;
    }

    i = 0;

    for ( /* void */ ; item != NULL; item = item->next) {

        if (item->type != WEIR_POLICY_T_STRING) {
            type = WEIR_CLAIM_OTHER;
        }

        items[i++] = item->string;
    }

    if (type == WEIR_CLAIM_OTHER) {
        return weir_claims_add(b, given->key, type, 0, weir_str(""), NULL, 0);
    }

    return weir_claims_add(b, given->key, type, 0, weir_str(""), items,
                           given->nitems);
}


/* "by" names all the rules that decided. */

static int
weir_policy_test_passes(const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_test_t *test, const weir_policy_decision_t *d)
{
    uint32_t                    i, n;
    const weir_policy_words_t  *w;

    if (d->verdict != test->verdict) {
        return 0;
    }

    if (test->by_default) {
        return d->reason == WEIR_POLICY_DEFAULT_DENY;
    }

    if (test->by == NULL) {
        return 1;
    }

    n = 0;

    for (w = test->by; w != NULL; w = w->next) {

        for (i = 0; i < d->count; i++) {
            if (weir_str_eq(weir_policy_rule_name(image, policy, d->rules[i]),
                            w->word.text))
            {
                break;
            }
        }

        if (i == d->count) {
            return 0;
        }

        n++;
    }

    return n == d->count;
}


static int
weir_policy_test_message(weir_arena_t *arena, const weir_policy_image_t *image,
    uint32_t policy, const weir_policy_test_t *test,
    const weir_policy_decision_t *d, weir_str_t *message)
{
    char                        text[1024];
    size_t                      len;
    uint32_t                    i;
    weir_str_t                  s;
    const weir_policy_words_t  *w;

    len = weir_policy_print(text, sizeof(text), 0, "expected %s",
                            test->verdict == WEIR_POLICY_PERMIT ? "permit"
                                                                : "deny");

    if (test->by_default) {
        len = weir_policy_print(text, sizeof(text), len, " by default");
    }

    for (w = test->by; w != NULL; w = w->next) {
        len = weir_policy_print(text, sizeof(text), len, "%s%.*s",
                                w == test->by ? " by " : ", ",
                                weir_policy_s(w->word.text));
    }

    len = weir_policy_print(text, sizeof(text), len, ", got %s",
                            d->verdict == WEIR_POLICY_PERMIT ? "permit"
                                                             : "deny");

    for (i = 0; i < d->count; i++) {
        s = weir_policy_rule_name(image, policy, d->rules[i]);

        len = weir_policy_print(text, sizeof(text), len, "%s%.*s",
                                i == 0 ? " by " : ", ", weir_policy_s(s));
    }

    len = weir_policy_print(text, sizeof(text), len, " (%s)",
                            weir_policy_reason_name(d->reason));

    s.data = (const uint8_t *) text;
    s.len = len;

    *message = weir_arena_copy(arena, s);

    return message->data == NULL ? WEIR_NOMEM : WEIR_OK;
}


/* Appends to text; what has no room is cut. */

static size_t
weir_policy_print(char *text, size_t size, size_t len, const char *fmt, ...)
{
    int      n;
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(text + len, size - len, fmt, args);
    va_end(args);

    if (n < 0) {
        return len;
    }

    return len + (size_t) n < size ? len + (size_t) n : size - 1;
}
