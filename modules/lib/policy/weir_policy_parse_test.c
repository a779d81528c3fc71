
/*
 * Weir: the parser of the tests that stand in policies.
 */

#include "weir_policy_lex.h"
#include "weir_time.h"


/* A request has at most so many headers, or parameters, in a test. */

#define WEIR_POLICY_MAX_FIELDS  64


typedef struct {
    weir_policy_test_t   *test;
    weir_policy_given_t **claims;
    weir_policy_table_t   seen;       /* of claims */

    /* where single steps stood */
    weir_policy_loc_t     request;
    weir_policy_loc_t     host;
    weir_policy_loc_t     scheme;
    weir_policy_loc_t     from;
    weir_policy_loc_t     at;
    weir_policy_loc_t     kind;
    weir_policy_loc_t     subject;
    weir_policy_loc_t     issuer;
    unsigned              has_host:1;
    unsigned              has_subject:1;
    unsigned              has_issuer:1;
    weir_policy_loc_t     spiffe;
} weir_policy_test_data_t;


static int weir_policy_step(weir_policy_parser_t *ps, void *data);
static int weir_policy_step_once(weir_policy_parser_t *ps, unsigned has,
    weir_policy_loc_t *loc);
static int weir_policy_step_request(weir_policy_parser_t *ps,
    weir_policy_test_t *test);
static int weir_policy_step_host(weir_policy_parser_t *ps,
    weir_policy_test_t *test);
static int weir_policy_step_scheme(weir_policy_parser_t *ps,
    weir_policy_test_t *test);
static int weir_policy_step_from(weir_policy_parser_t *ps,
    weir_policy_test_t *test);
static int weir_policy_step_at(weir_policy_parser_t *ps,
    weir_policy_test_t *test);
static int weir_policy_step_kind(weir_policy_parser_t *ps,
    weir_policy_test_t *test);
static int weir_policy_step_claim(weir_policy_parser_t *ps,
    weir_policy_test_data_t *td);
static int weir_policy_step_field(weir_policy_parser_t *ps,
    weir_policy_field_t **fields, uint32_t *n);
static int weir_policy_step_expect(weir_policy_parser_t *ps,
    weir_policy_test_t *test);


/* "test" STRING "{" { step ";" } "}" */

int
weir_policy_parse_test(weir_policy_parser_t *ps, weir_policy_test_t ***last)
{
    weir_policy_test_t       *test;
    weir_policy_test_data_t   data;

    test = weir_policy_alloc(ps->c, sizeof(weir_policy_test_t));
    if (test == NULL) {
        return WEIR_ERROR;
    }

    memset(&data, 0, sizeof(weir_policy_test_data_t));

    weir_policy_lex(ps);

    if (weir_policy_string(ps, "the test's name in double quotes", &test->name)
        != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    test->policy = ps->file->policy.text;

    data.test = test;
    data.claims = &test->claims;

    if (weir_policy_block(ps, weir_policy_step, &data) != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (!test->has_request) {
        weir_policy_error(ps->c, test->name.loc, "the test has no request");
    }

    if (!test->has_expect) {
        weir_policy_error(ps->c, test->name.loc, "the test expects nothing");
    }

    **last = test;
    *last = &test->next;

    return WEIR_OK;
}


static int
weir_policy_step(weir_policy_parser_t *ps, void *data)
{
    int                       rc;
    weir_policy_word_t        word;
    weir_policy_test_t       *test;
    weir_policy_test_data_t  *td;

    static const char *const  words[] = {
        "request", "host", "scheme", "from", "at", "identity", "subject",
        "issuer", "spiffe", "claim", "header", "query", "expect", NULL
    };

    td = data;
    test = td->test;

    if (weir_policy_is(ps, "request")) {
        rc = weir_policy_step_once(ps, test->has_request, &td->request);

        if (rc == WEIR_OK) {
            test->has_request = 1;
            rc = weir_policy_step_request(ps, test);
        }

    } else if (weir_policy_is(ps, "host")) {
        rc = weir_policy_step_once(ps, td->has_host, &td->host);

        if (rc == WEIR_OK) {
            td->has_host = 1;
            rc = weir_policy_step_host(ps, test);
        }

    } else if (weir_policy_is(ps, "scheme")) {
        rc = weir_policy_step_once(ps, test->scheme.data != NULL, &td->scheme);

        if (rc == WEIR_OK) {
            rc = weir_policy_step_scheme(ps, test);
        }

    } else if (weir_policy_is(ps, "from")) {
        rc = weir_policy_step_once(ps, test->has_from, &td->from);

        if (rc == WEIR_OK) {
            test->has_from = 1;
            rc = weir_policy_step_from(ps, test);
        }

    } else if (weir_policy_is(ps, "at")) {
        rc = weir_policy_step_once(ps, test->has_at, &td->at);

        if (rc == WEIR_OK) {
            test->has_at = 1;
            rc = weir_policy_step_at(ps, test);
        }

    } else if (weir_policy_is(ps, "identity")) {
        rc = weir_policy_step_once(ps, test->has_kind, &td->kind);

        if (rc == WEIR_OK) {
            test->has_kind = 1;
            rc = weir_policy_step_kind(ps, test);
        }

    } else if (weir_policy_is(ps, "subject")) {
        rc = weir_policy_step_once(ps, td->has_subject, &td->subject);

        if (rc == WEIR_OK) {
            td->has_subject = 1;
            rc = weir_policy_word_or_string(ps, "a subject", &word);
            test->subject = word.text;
        }

    } else if (weir_policy_is(ps, "issuer")) {
        rc = weir_policy_step_once(ps, td->has_issuer, &td->issuer);

        if (rc == WEIR_OK) {
            td->has_issuer = 1;
            rc = weir_policy_id(ps, "an issuer's name", &word);
            test->issuer = word.text;
        }

    } else if (weir_policy_is(ps, "spiffe")) {
        rc = weir_policy_step_once(ps, test->spiffe.data != NULL, &td->spiffe);

        if (rc == WEIR_OK) {
            rc = weir_policy_spiffe(ps, &test->spiffe);
        }

    } else if (weir_policy_is(ps, "claim")) {
        weir_policy_lex(ps);
        rc = weir_policy_step_claim(ps, td);

    } else if (weir_policy_is(ps, "header")) {
        weir_policy_lex(ps);
        rc = weir_policy_step_field(ps, &test->headers, &test->nheaders);

    } else if (weir_policy_is(ps, "query")) {
        weir_policy_lex(ps);
        rc = weir_policy_step_field(ps, &test->query, &test->nquery);

    } else if (weir_policy_is(ps, "expect")) {
        rc = weir_policy_step_once(ps, test->has_expect, &test->expect);

        if (rc == WEIR_OK) {
            test->has_expect = 1;
            rc = weir_policy_step_expect(ps, test);
        }

    } else {
        return weir_policy_expected_word(ps, "request, host, scheme, from, "
                                         "at, identity, subject, issuer, "
                                         "spiffe, claim, header, query, "
                                         "expect or \"}\"", words);
    }

    if (rc != WEIR_OK) {
        return rc;
    }

    return weir_policy_semicolon(ps);
}


static int
weir_policy_step_once(weir_policy_parser_t *ps, unsigned has,
    weir_policy_loc_t *loc)
{
    if (has) {
        weir_policy_error(ps->c, weir_policy_here(ps), "\"%.*s\" is "
                          "duplicate", weir_policy_s(ps->tok.text));
        weir_policy_relate(ps->c, *loc, "first");
        return WEIR_ERROR;
    }

    *loc = weir_policy_here(ps);

    weir_policy_lex(ps);

    return WEIR_OK;
}


/* "request" METHOD RAWPATH */

static int
weir_policy_step_request(weir_policy_parser_t *ps, weir_policy_test_t *test)
{
    if (weir_policy_method(ps, &test->method) != WEIR_OK) {
        return WEIR_ERROR;
    }

    weir_policy_lex_text(ps, "");

    if (ps->tok.kind == WEIR_POLICY_TOK_STRING) {
        test->path = ps->tok.value;

    } else if (ps->tok.kind == WEIR_POLICY_TOK_TEXT) {
        test->path = ps->tok.text;

    } else {
        return weir_policy_expected(ps, "a path");
    }

    if (test->path.len == 0) {
        weir_policy_error(ps->c, weir_policy_here(ps), "the path is empty");

    } else if (memchr(test->path.data, '?', test->path.len) != NULL) {
        weir_policy_error(ps->c, weir_policy_here(ps), "a path holds no \"?\"; "
                          "write query \"name\" \"value\";");
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


static int
weir_policy_step_host(weir_policy_parser_t *ps, weir_policy_test_t *test)
{
    weir_policy_lex_text(ps, "");

    if (ps->tok.kind == WEIR_POLICY_TOK_STRING) {
        test->host = ps->tok.value;

    } else if (ps->tok.kind == WEIR_POLICY_TOK_TEXT) {
        test->host = ps->tok.text;

    } else {
        return weir_policy_expected(ps, "a host");
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


static int
weir_policy_step_scheme(weir_policy_parser_t *ps, weir_policy_test_t *test)
{
    if (!weir_policy_is(ps, "http") && !weir_policy_is(ps, "https")) {
        return weir_policy_expected(ps, "http or https");
    }

    test->scheme = ps->tok.text;
    weir_policy_lex(ps);

    return WEIR_OK;
}


static int
weir_policy_step_from(weir_policy_parser_t *ps, weir_policy_test_t *test)
{
    if (ps->tok.kind != WEIR_POLICY_TOK_NUMBER
        || weir_addr_parse(ps->tok.text, &test->from) != WEIR_OK)
    {
        return weir_policy_expected(ps, "an address");
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


static int
weir_policy_step_at(weir_policy_parser_t *ps, weir_policy_test_t *test)
{
    if (ps->tok.kind != WEIR_POLICY_TOK_NUMBER
        || weir_time_parse(ps->tok.text, &test->at) != WEIR_OK)
    {
        return weir_policy_expected(ps, "a time (2026-01-05T10:00:00Z)");
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


static int
weir_policy_step_kind(weir_policy_parser_t *ps, weir_policy_test_t *test)
{
    if (ps->tok.kind != WEIR_POLICY_TOK_WORD
        || weir_policy_kind_parse(ps->tok.text, &test->kind) != WEIR_OK)
    {
        return weir_policy_expected(ps, "jwt, mtls, apikey, session or "
                                    "anonymous");
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


/* "claim" cname item { "," item } */

static int
weir_policy_step_claim(weir_policy_parser_t *ps, weir_policy_test_data_t *td)
{
    weir_policy_word_t       word;
    weir_policy_given_t     *given, *g;
    weir_policy_literal_t   *item, **last;

    given = weir_policy_alloc(ps->c, sizeof(weir_policy_given_t));
    if (given == NULL) {
        return WEIR_ERROR;
    }

    given->loc = weir_policy_here(ps);

    if (weir_policy_cname(ps, &given->key, &given->text) != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (!weir_policy_table_put(ps->c, &td->seen, given->key, given)
        && !ps->c->nomem)
    {
        g = weir_policy_table_get(&td->seen, given->key);

        weir_policy_error(ps->c, given->loc, "%.*s is duplicate",
                          weir_policy_s(given->text));
        weir_policy_relate(ps->c, g->loc, "first");
    }

    last = &given->items;

    for ( ;; ) {
        item = weir_policy_alloc(ps->c, sizeof(weir_policy_literal_t));
        if (item == NULL) {
            return WEIR_ERROR;
        }

        item->loc = weir_policy_here(ps);
        item->text = ps->tok.text;

        if (weir_policy_is(ps, "true") || weir_policy_is(ps, "false")) {
            item->type = WEIR_POLICY_T_BOOL;
            item->number = weir_policy_is(ps, "true");
            weir_policy_lex(ps);

        } else if (ps->tok.kind == WEIR_POLICY_TOK_NUMBER) {

            if (weir_policy_lex_number(ps, item) != WEIR_OK) {
                return WEIR_ERROR;
            }

            if (item->type != WEIR_POLICY_T_INT) {
                return weir_policy_expected(ps, "a word, string, int, true or "
                                            "false");
            }

            weir_policy_lex(ps);

        } else {

            if (weir_policy_word_or_string(ps, "a word, string, int, true or "
                                           "false", &word) != WEIR_OK)
            {
                return WEIR_ERROR;
            }

            item->type = WEIR_POLICY_T_STRING;
            item->string = word.text;
        }

        if (++given->nitems > WEIR_POLICY_MAX_ITEMS) {
            weir_policy_error(ps->c, item->loc, "a list has at most %d items",
                              WEIR_POLICY_MAX_ITEMS);
            return WEIR_ERROR;
        }

        *last = item;
        last = &item->next;

        if (ps->tok.kind != ',') {
            break;
        }

        weir_policy_lex(ps);
    }

    *td->claims = given;
    td->claims = &given->next;

    return WEIR_OK;
}


/* STRING STRING */

static int
weir_policy_step_field(weir_policy_parser_t *ps, weir_policy_field_t **fields,
    uint32_t *n)
{
    weir_policy_word_t   name, value;

    if (weir_policy_string(ps, "a name in double quotes", &name) != WEIR_OK
        || weir_policy_string(ps, "a value in double quotes", &value)
           != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (*fields == NULL) {
        *fields = weir_policy_alloc(ps->c, WEIR_POLICY_MAX_FIELDS
                                           * sizeof(weir_policy_field_t));
        if (*fields == NULL) {
            return WEIR_ERROR;
        }
    }

    if (*n == WEIR_POLICY_MAX_FIELDS) {
        weir_policy_error(ps->c, name.loc, "a test has at most %d of these",
                          WEIR_POLICY_MAX_FIELDS);
        return WEIR_ERROR;
    }

    (*fields)[*n].name = name.text;
    (*fields)[*n].value = value.text;
    (*n)++;

    return WEIR_OK;
}


/* "expect" ( "permit" | "deny" ) [ "by" ( ID { "," ID } | "default" ) ] */

static int
weir_policy_step_expect(weir_policy_parser_t *ps, weir_policy_test_t *test)
{
    weir_policy_word_t     word;
    weir_policy_table_t    seen;
    weir_policy_words_t   *w, **last;

    if (weir_policy_is(ps, "permit")) {
        test->verdict = WEIR_POLICY_PERMIT;

    } else if (weir_policy_is(ps, "deny")) {
        test->verdict = WEIR_POLICY_DENY;

    } else {
        return weir_policy_expected(ps, "permit or deny");
    }

    weir_policy_lex(ps);

    if (!weir_policy_is(ps, "by")) {
        return WEIR_OK;
    }

    last = &test->by;

    memset(&seen, 0, sizeof(weir_policy_table_t));

    do {
        weir_policy_lex(ps);

        if (weir_policy_id(ps, "a rule's name", &word) != WEIR_OK) {
            return WEIR_ERROR;
        }

        if (!weir_policy_table_put(ps->c, &seen, word.text, test)
            && !ps->c->nomem)
        {
            weir_policy_error(ps->c, word.loc, "%.*s is duplicate",
                              weir_policy_s(word.text));
        }

        if (weir_policy_add_word(ps, &last, &word) != WEIR_OK) {
            return WEIR_ERROR;
        }

    } while (ps->tok.kind == ',');

    w = test->by;

    if (w != NULL && w->next == NULL
        && weir_str_eq(w->word.text, weir_str("default")))
    {
        if (test->verdict == WEIR_POLICY_PERMIT) {
            weir_policy_error(ps->c, w->word.loc, "nothing is permitted by "
                              "default");
        }

        test->by_default = 1;
        test->by = NULL;
    }

    return WEIR_OK;
}
