
/*
 * Weir: the parser of effects: what a rule that decides obliges to.
 */

#include "weir_field.h"
#include "weir_policy_lex.h"


static int weir_policy_effect_header(weir_policy_parser_t *ps,
    weir_policy_clause_t *clause);
static void weir_policy_effect_free(weir_policy_parser_t *ps,
    const weir_policy_clause_t *clause);
static int weir_policy_effect_log(weir_policy_parser_t *ps,
    weir_policy_clause_t *clause);
static int weir_policy_effect_status(weir_policy_parser_t *ps,
    weir_policy_clause_t *clause);


static const char *const  weir_policy_effects[WEIR_POLICY_EFFECTS] = {
    "limit", "split", "slo", "add_header", "set_header", "log", "status"
};

static const char *const  weir_policy_levels[] = {
    "info", "notice", "warn", NULL
};


const char *
weir_policy_effect_name(weir_policy_effect_kind_t kind)
{
    return weir_policy_effects[kind];
}


const char *
weir_policy_level_name(int64_t level)
{
    return weir_policy_levels[level];
}


int
weir_policy_parse_effect(weir_policy_parser_t *ps,
    const weir_policy_rule_t *rule, weir_policy_clause_t ***last)
{
    int                    rc;
    uint32_t               kind, n;
    weir_policy_clause_t  *clause;

    for (kind = 0; kind < WEIR_POLICY_EFFECTS; kind++) {
        if (weir_policy_is(ps, weir_policy_effects[kind])) {
            break;
        }
    }

    if (kind == WEIR_POLICY_EFFECTS) {
        return WEIR_DECLINED;
    }

    clause = weir_policy_alloc(ps->c, sizeof(weir_policy_clause_t));
    if (clause == NULL) {
        return WEIR_ERROR;
    }

    clause->kind = kind;
    clause->loc = weir_policy_here(ps);

    if (rule->assert) {
        weir_policy_error(ps->c, clause->loc, "an assert obliges to nothing: "
                          "\"%s\" stands in rules", weir_policy_effects[kind]);

    } else if (rule->deny && kind != WEIR_POLICY_ADD_HEADER
               && kind != WEIR_POLICY_LOG && kind != WEIR_POLICY_STATUS)
    {
        weir_policy_error(ps->c, clause->loc, "\"%s\" stands in a permit: a "
                          "request that is denied goes nowhere",
                          weir_policy_effects[kind]);

    } else if (!rule->deny && kind == WEIR_POLICY_STATUS) {
        weir_policy_error(ps->c, clause->loc, "\"status\" stands in a deny: "
                          "the answer to a request that is permitted is the "
                          "upstream's");
    }

    weir_policy_lex(ps);

    switch (kind) {

    case WEIR_POLICY_LIMIT:
        rc = weir_policy_id(ps, "a quota's name", &clause->name);
        break;

    case WEIR_POLICY_SPLIT:
        rc = weir_policy_id(ps, "a split's name", &clause->name);

        if (rc == WEIR_OK) {
            rc = weir_policy_id(ps, "a colour of the split", &clause->value);
        }

        break;

    case WEIR_POLICY_SLO:
        rc = weir_policy_id(ps, "an objective's name", &clause->name);
        break;

    case WEIR_POLICY_LOG:
        rc = weir_policy_effect_log(ps, clause);
        break;

    case WEIR_POLICY_STATUS:
        rc = weir_policy_effect_status(ps, clause);
        break;

    default:
        rc = weir_policy_effect_header(ps, clause);
        break;
    }

    if (rc != WEIR_OK) {
        return WEIR_ERROR;
    }

    /* they are few: a request pays for each */

    n = 1;

    for (const weir_policy_clause_t *e = rule->clauses; e != NULL; e = e->next)
    {
        n++;
    }

    if (n > WEIR_POLICY_MAX_EFFECTS) {
        weir_policy_error(ps->c, clause->loc, "a rule has at most %d effects",
                          WEIR_POLICY_MAX_EFFECTS);
        return WEIR_ERROR;
    }

    **last = clause;
    *last = &clause->next;

    return weir_policy_semicolon(ps);
}


/* HNAME STRING */

static int
weir_policy_effect_header(weir_policy_parser_t *ps,
    weir_policy_clause_t *clause)
{
    size_t    i;
    uint8_t  *p;

    weir_policy_lex_text(ps, "\"");

    if (ps->tok.kind != WEIR_POLICY_TOK_TEXT
        || !weir_field_valid(ps->tok.text))
    {
        return weir_policy_expected(ps, "a header's name");
    }

    clause->shown = ps->tok.text;
    clause->name.text = ps->tok.text;
    clause->name.loc = weir_policy_here(ps);

    weir_policy_effect_free(ps, clause);

    weir_policy_lex(ps);

    if (weir_policy_string(ps, "the header's value in double quotes",
                           &clause->value)
        != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    for (i = 0; i < clause->value.text.len; i++) {
        if (clause->value.text.data[i] < 0x20
            || clause->value.text.data[i] >= 0x7f)
        {
            weir_policy_error(ps->c, clause->value.loc, "a header's value is "
                              "printable ASCII");
            break;
        }
    }

    /* equal names are equal, whatever their case; "_" is "-" to some */

    p = weir_policy_alloc(ps->c, clause->name.text.len);
    if (p == NULL) {
        return WEIR_ERROR;
    }

    for (i = 0; i < clause->name.text.len; i++) {
        p[i] = clause->name.text.data[i];

        if (p[i] >= 'A' && p[i] <= 'Z') {
            p[i] |= 0x20;

        } else if (p[i] == '_') {
            p[i] = '-';
        }
    }

    clause->name.text.data = p;

    return WEIR_OK;
}


/*
 * Tells of headers that are not a policy's to set: what frames a message or
 * says whom it is for, what nginx or Weir write themselves, credentials.
 */

static void
weir_policy_effect_free(weir_policy_parser_t *ps,
    const weir_policy_clause_t *clause)
{
    size_t  i;

    static const struct {
        const char  *name;
        int          request;
        int          answer;
    } owned[] = {
        { "accept-ranges", 0, 1 },
        { "authorization", 1, 0 },
        { "connection", 1, 1 },
        { "content-encoding", 1, 1 },
        { "content-length", 1, 1 },
        { "content-range", 1, 1 },
        { "content-type", 1, 1 },
        { "cookie", 1, 0 },
        { "date", 0, 1 },
        { "etag", 0, 1 },
        { "expect", 1, 1 },
        { "grpc-message", 0, 1 },
        { "grpc-status", 0, 1 },
        { "host", 1, 1 },
        { "http2-settings", 1, 1 },
        { "keep-alive", 1, 1 },
        { "last-modified", 0, 1 },
        { "location", 0, 1 },
        { "proxy-authenticate", 1, 1 },
        { "proxy-authorization", 1, 1 },
        { "proxy-connection", 1, 1 },
        { "ratelimit", 0, 1 },
        { "ratelimit-policy", 0, 1 },
        { "retry-after", 0, 1 },
        { "server", 0, 1 },
        { "te", 1, 1 },
        { "traceparent", 1, 1 },
        { "tracestate", 1, 1 },
        { "trailer", 1, 1 },
        { "transfer-encoding", 1, 1 },
        { "upgrade", 1, 1 },
        { "www-authenticate", 0, 1 },
        { "x-accel-*", 1, 1 },
        { "x-client-request-id", 1, 0 },
        { "x-http-method", 1, 0 },
        { "x-http-method-override", 1, 0 },
        { "x-method-override", 1, 0 },
        { "x-original-url", 1, 0 },
        { "x-request-id", 1, 1 },
        { "x-rewrite-url", 1, 0 },
        { "x-weir-*", 1, 1 },
    };

    for (i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {

        if ((clause->kind == WEIR_POLICY_SET_HEADER ? owned[i].request
                                                    : owned[i].answer)
            && weir_field_match(clause->shown, weir_cstr(owned[i].name)))
        {
            weir_policy_error(ps->c, clause->name.loc, "%.*s is the gateway's "
                              "own: no policy sets it",
                              weir_policy_s(clause->shown));
            return;
        }
    }
}


static int
weir_policy_effect_log(weir_policy_parser_t *ps, weir_policy_clause_t *clause)
{
    size_t  i;

    for (i = 0; weir_policy_levels[i] != NULL; i++) {

        if (weir_policy_is(ps, weir_policy_levels[i])) {
            clause->number = (int64_t) i;
            weir_policy_lex(ps);
            return WEIR_OK;
        }
    }

    return weir_policy_expected_word(ps, "info, notice or warn",
                                     weir_policy_levels);
}


static int
weir_policy_effect_status(weir_policy_parser_t *ps,
    weir_policy_clause_t *clause)
{
    weir_policy_literal_t  literal;

    memset(&literal, 0, sizeof(weir_policy_literal_t));

    if (ps->tok.kind != WEIR_POLICY_TOK_NUMBER) {
        return weir_policy_expected(ps, "a status (404)");
    }

    /* 401 asks for credentials; nginx answers 408, 444, 494.. its own way */

    if (weir_policy_lex_number(ps, &literal) == WEIR_OK
        && (literal.type != WEIR_POLICY_T_INT || literal.number < 400
            || literal.number > 599 || literal.number == 401
            || literal.number == 408 || literal.number == 444
            || (literal.number >= 494 && literal.number <= 499)))
    {
        weir_policy_error(ps->c, literal.loc, "%.*s is no status of a deny: "
                          "400 to 599, but for 401, 408, 444 and 494 to 499",
                          weir_policy_s(literal.text));
    }

    clause->number = literal.number;

    weir_policy_lex(ps);

    return WEIR_OK;
}
