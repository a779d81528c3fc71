
/*
 * Weir: the parser of rules and asserts: permit and deny with their scopes
 * and conditions.
 */

#include "weir_policy_lex.h"


typedef struct {
    weir_policy_rule_t    *rule;
    weir_policy_what_t   **whats;
    weir_policy_cond_t   **conds;
    weir_policy_clause_t **clauses;
} weir_policy_rule_data_t;


static int weir_policy_parse_what(weir_policy_parser_t *ps,
    weir_policy_what_t ***last);
static int weir_policy_rule_item(weir_policy_parser_t *ps, void *data);
static int weir_policy_rule_block(weir_policy_parser_t *ps,
    weir_policy_rule_t *rule);
static int weir_policy_once(weir_policy_parser_t *ps, const char *scope,
    unsigned has, weir_policy_loc_t *loc);
static int weir_policy_who(weir_policy_parser_t *ps,
    weir_policy_rule_t *rule);
static int weir_policy_princ(weir_policy_parser_t *ps,
    weir_policy_princ_t *p);
static int weir_policy_hosts(weir_policy_parser_t *ps,
    weir_policy_rule_t *rule);
static int weir_policy_host_glob(weir_policy_parser_t *ps,
    weir_policy_word_t *glob);
static int weir_policy_nets(weir_policy_parser_t *ps,
    weir_policy_rule_t *rule);
static int weir_policy_cond(weir_policy_parser_t *ps,
    weir_policy_rule_data_t *rd, unsigned unless);


/* ( "permit" | "deny" ) ID "{" { scope | cond | effect } "}" */

int
weir_policy_parse_rule(weir_policy_parser_t *ps, int shadow,
    weir_policy_rule_t ***last)
{
    weir_policy_rule_t  *rule;

    rule = weir_policy_alloc(ps->c, sizeof(weir_policy_rule_t));
    if (rule == NULL) {
        return WEIR_ERROR;
    }

    rule->shadow = shadow != 0;
    rule->deny = weir_policy_is(ps, "deny");

    weir_policy_lex(ps);

    if (weir_policy_id(ps, "the rule's name", &rule->name) != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (weir_str_eq(rule->name.text, weir_str("default"))) {
        weir_policy_error(ps->c, rule->name.loc, "\"default\" is not usable as "
                          "a rule's name: tests say \"by default\"");
    }

    **last = rule;
    *last = &rule->next;

    ps->file->nrules++;

    return weir_policy_rule_block(ps, rule);
}


/* ( "never" | "always" ) ( "permit" | "deny" ) "{" { scope | cond } "}" */

int
weir_policy_parse_assert(weir_policy_parser_t *ps, weir_policy_rule_t ***last)
{
    weir_policy_rule_t  *rule;

    rule = weir_policy_alloc(ps->c, sizeof(weir_policy_rule_t));
    if (rule == NULL) {
        return WEIR_ERROR;
    }

    rule->assert = 1;
    rule->name.loc = weir_policy_here(ps);

    weir_policy_lex(ps);

    rule->always = weir_policy_is(ps, "always");

    if (!rule->always && !weir_policy_is(ps, "never")) {
        return weir_policy_expected(ps, "never or always");
    }

    weir_policy_lex(ps);

    rule->deny = weir_policy_is(ps, "deny");

    if (!rule->deny && !weir_policy_is(ps, "permit")) {
        return weir_policy_expected(ps, "permit or deny");
    }

    weir_policy_lex(ps);

    **last = rule;
    *last = &rule->next;

    return weir_policy_rule_block(ps, rule);
}


static int
weir_policy_rule_block(weir_policy_parser_t *ps, weir_policy_rule_t *rule)
{
    weir_policy_rule_data_t  data;

    data.rule = rule;
    data.whats = &rule->whats;
    data.conds = &rule->conds;
    data.clauses = &rule->clauses;

    return weir_policy_block(ps, weir_policy_rule_item, &data);
}


static int
weir_policy_rule_item(weir_policy_parser_t *ps, void *data)
{
    int                       rc;
    weir_policy_rule_t       *rule;
    weir_policy_rule_data_t  *rd;

    static const char *const  words[] = {
        "who", "what", "host", "from", "during", "if", "unless", "limit",
        "split", "slo", "add_header", "set_header", "log", "status", NULL
    };

    rd = data;
    rule = rd->rule;

    if (weir_policy_is(ps, "who")) {

        if (weir_policy_once(ps, "who", rule->has_who, &rule->who_loc)
            != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        rule->has_who = 1;
        return weir_policy_who(ps, rule);
    }

    if (weir_policy_is(ps, "what")) {

        weir_policy_lex(ps);

        if (weir_policy_parse_what(ps, &rd->whats) != WEIR_OK) {
            return WEIR_ERROR;
        }

        return weir_policy_semicolon(ps);
    }

    if (weir_policy_is(ps, "host")) {

        if (weir_policy_once(ps, "host", rule->has_host, &rule->host_loc)
            != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        rule->has_host = 1;
        return weir_policy_hosts(ps, rule);
    }

    if (weir_policy_is(ps, "from")) {

        if (weir_policy_once(ps, "from", rule->has_from, &rule->from_loc)
            != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        rule->has_from = 1;
        return weir_policy_nets(ps, rule);
    }

    if (weir_policy_is(ps, "during")) {

        if (weir_policy_once(ps, "during", rule->has_during,
                             &rule->during_loc)
            != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        rule->has_during = 1;

        if (weir_policy_dotted(ps, "a window's name", &rule->during)
            != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        return weir_policy_semicolon(ps);
    }

    if (weir_policy_is(ps, "if")) {
        return weir_policy_cond(ps, rd, 0);
    }

    if (weir_policy_is(ps, "unless")) {
        return weir_policy_cond(ps, rd, 1);
    }

    rc = weir_policy_parse_effect(ps, rule, &rd->clauses);

    if (rc != WEIR_DECLINED) {
        return rc;
    }

    return weir_policy_expected_word(ps, "who, what, host, from, during, if, "
                                     "unless, an effect or \"}\"", words);
}


/* Takes the scope's keyword; a second one of its kind is an error. */

static int
weir_policy_once(weir_policy_parser_t *ps, const char *scope, unsigned has,
    weir_policy_loc_t *loc)
{
    if (has) {
        weir_policy_error(ps->c, weir_policy_here(ps), "\"%s\" is duplicate; "
                          "a rule has one, %s", scope,
                          strcmp(scope, "during") == 0
                          ? "a window has several spans"
                          : "its alternatives stand behind commas");
        weir_policy_relate(ps->c, *loc, "first");
        return WEIR_ERROR;
    }

    *loc = weir_policy_here(ps);

    weir_policy_lex(ps);

    return WEIR_OK;
}


static int
weir_policy_who(weir_policy_parser_t *ps, weir_policy_rule_t *rule)
{
    weir_policy_princ_t  *p, **last;

    last = &rule->who;

    for ( ;; ) {
        p = weir_policy_alloc(ps->c, sizeof(weir_policy_princ_t));

        if (p == NULL || weir_policy_princ(ps, p) != WEIR_OK) {
            return WEIR_ERROR;
        }

        *last = p;
        last = &p->next;

        if (ps->tok.kind != ',') {
            return weir_policy_semicolon(ps);
        }

        weir_policy_lex(ps);
    }
}


static int
weir_policy_princ(weir_policy_parser_t *ps, weir_policy_princ_t *p)
{
    static const char *const  words[] = {
        "role", "subject", "issuer", "spiffe", "anyone", "authenticated", NULL
    };

    if (weir_policy_is(ps, "role")) {
        p->kind = WEIR_POLICY_P_ROLE;

        weir_policy_lex(ps);

        return weir_policy_dotted(ps, "a role's name", &p->ref);
    }

    if (weir_policy_is(ps, "subject")) {
        p->kind = WEIR_POLICY_P_SUBJECT;

        weir_policy_lex(ps);

        if (weir_policy_word_or_string(ps, "a subject", &p->name) != WEIR_OK) {
            return WEIR_ERROR;
        }

        if (!weir_policy_is(ps, "issuer")) {
            return weir_policy_expected(ps, "issuer NAME after the subject, "
                                        "which is unique there only,");
        }

        weir_policy_lex(ps);

        return weir_policy_id(ps, "an issuer's name", &p->issuer);
    }

    if (weir_policy_is(ps, "issuer")) {
        p->kind = WEIR_POLICY_P_ISSUER;

        weir_policy_lex(ps);

        return weir_policy_id(ps, "an issuer's name", &p->issuer);
    }

    if (weir_policy_is(ps, "spiffe")) {
        p->kind = WEIR_POLICY_P_SPIFFE;

        weir_policy_lex(ps);

        if (ps->tok.kind == WEIR_POLICY_TOK_WORD) {
            return weir_policy_dotted(ps, "a set's name", &p->ref);
        }

        p->name.loc = weir_policy_here(ps);

        return weir_policy_spiffe(ps, &p->name.text);
    }

    if (weir_policy_is(ps, "anyone")) {
        p->kind = WEIR_POLICY_P_ANYONE;

    } else if (weir_policy_is(ps, "authenticated")) {
        p->kind = WEIR_POLICY_P_AUTHENTICATED;

    } else {
        return weir_policy_expected_word(ps, "role, subject, issuer, spiffe, "
                                         "anyone or authenticated", words);
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


/* methods pattern */

static int
weir_policy_parse_what(weir_policy_parser_t *ps, weir_policy_what_t ***last)
{
    weir_policy_loc_t     loc;
    weir_policy_word_t    method;
    weir_policy_what_t   *what;
    weir_policy_words_t  **end;

    what = weir_policy_alloc(ps->c, sizeof(weir_policy_what_t));
    if (what == NULL) {
        return WEIR_ERROR;
    }

    end = &what->methods;

    if (ps->tok.kind == '*') {
        weir_policy_lex(ps);

    } else {

        for ( ;; ) {
            if (weir_policy_method(ps, &method) != WEIR_OK
                || weir_policy_add_word(ps, &end, &method) != WEIR_OK)
            {
                return WEIR_ERROR;
            }

            if (ps->tok.kind != ',') {
                break;
            }

            weir_policy_lex(ps);
        }
    }

    loc = weir_policy_here(ps);

    if (ps->tok.kind != WEIR_POLICY_TOK_STRING) {

        if (ps->tok.kind != '/') {
            return weir_policy_expected(ps, ps->tok.kind
                                            == WEIR_POLICY_TOK_WORD
                                            ? "\",\" before another method, "
                                              "or a path, beginning with "
                                              "\"/\","
                                            : "a path, beginning with "
                                              "\"/\",");
        }

        weir_policy_lex_text(ps, "");

        what->text = ps->tok.text;

    } else {
        what->text = ps->tok.value;
    }

    weir_policy_lex(ps);

    /* the error is in the pattern: what follows is read on */

    (void) weir_policy_parse_path(ps, loc, what->text, what);

    **last = what;
    *last = &what->next;

    return WEIR_OK;
}


int
weir_policy_method(weir_policy_parser_t *ps, weir_policy_word_t *method)
{
    size_t   i;
    uint8_t  ch;

    if (ps->tok.kind != WEIR_POLICY_TOK_WORD) {
        return weir_policy_expected(ps, "a method or \"*\"");
    }

    method->text = ps->tok.text;
    method->loc = weir_policy_here(ps);

    for (i = 0; i < method->text.len; i++) {
        ch = method->text.data[i];

        if ((ch < 'A' || ch > 'Z')
            && (i == 0 || ((ch < '0' || ch > '9') && ch != '-')))
        {
            weir_policy_error(ps->c, method->loc, "\"%.*s\" is no method: "
                              "methods are upper case",
                              weir_policy_s(method->text));
            break;
        }
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


static int
weir_policy_hosts(weir_policy_parser_t *ps, weir_policy_rule_t *rule)
{
    weir_policy_word_t     glob;
    weir_policy_words_t  **last;

    last = &rule->hosts;

    for ( ;; ) {
        if (weir_policy_host_glob(ps, &glob) != WEIR_OK
            || weir_policy_add_word(ps, &last, &glob) != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        if (ps->tok.kind != ',') {
            return weir_policy_semicolon(ps);
        }

        weir_policy_lex(ps);
    }
}


/* A host as requests have it after their gate, or "*." before one. */

static int
weir_policy_host_glob(weir_policy_parser_t *ps, weir_policy_word_t *glob)
{
    size_t       len;
    uint8_t     *buf;
    weir_str_t   text, host, canonical;

    weir_policy_lex_text(ps, ",");

    if (ps->tok.kind == WEIR_POLICY_TOK_STRING) {
        text = ps->tok.value;

    } else if (ps->tok.kind == WEIR_POLICY_TOK_TEXT) {
        text = ps->tok.text;

    } else {
        return weir_policy_expected(ps, "a host");
    }

    glob->loc = weir_policy_here(ps);
    glob->text = text;

    weir_policy_lex(ps);

    host = text;

    if (host.len >= 2 && host.data[0] == '*' && host.data[1] == '.') {
        host.data += 2;
        host.len -= 2;
    }

    if (host.len == 0 || memchr(host.data, '*', host.len) != NULL) {
        weir_policy_error(ps->c, glob->loc, "\"%.*s\": a \"*\" stands for the "
                          "first labels of a host only, as in *.example.com",
                          weir_policy_s(text));
        return WEIR_OK;
    }

    buf = weir_policy_alloc(ps->c, text.len);
    if (buf == NULL) {
        return WEIR_ERROR;
    }

    len = text.len - host.len;

    if (weir_host_gate(&canonical, buf + len, host) != WEIR_OK
        || (len != 0 && host.data[0] == '['))
    {
        weir_policy_error(ps->c, glob->loc, "\"%.*s\" is no host",
                          weir_policy_s(text));
        return WEIR_OK;
    }

    /* the gate takes a port away */

    if (host.data[canonical.len < host.len ? canonical.len : 0] == ':') {
        weir_policy_error(ps->c, glob->loc, "\"%.*s\": hosts are compared "
                          "without port", weir_policy_s(text));
        return WEIR_OK;
    }

    if (canonical.len + 1 < host.len) {
        weir_policy_error(ps->c, glob->loc, "\"%.*s\" is no host",
                          weir_policy_s(text));
        return WEIR_OK;
    }

    memcpy(buf, text.data, len);
    memmove(buf + len, canonical.data, canonical.len);

    glob->text.data = buf;
    glob->text.len = len + canonical.len;

    return WEIR_OK;
}


static int
weir_policy_nets(weir_policy_parser_t *ps, weir_policy_rule_t *rule)
{
    uint32_t                n;
    weir_policy_net_t      *net, **last;
    weir_policy_literal_t   literal;

    last = &rule->nets;

    for (n = 1; ; n++) {

        if (ps->tok.kind != WEIR_POLICY_TOK_NUMBER
            && ps->tok.kind != WEIR_POLICY_TOK_WORD)
        {
            return weir_policy_expected(ps, "an address, a network or a set");
        }

        if (n == WEIR_POLICY_MAX_ITEMS + 1) {
            weir_policy_error(ps->c, weir_policy_here(ps), "a list has at most "
                              "%d items", WEIR_POLICY_MAX_ITEMS);
            return WEIR_ERROR;
        }

        net = weir_policy_alloc(ps->c, sizeof(weir_policy_net_t));
        if (net == NULL) {
            return WEIR_ERROR;
        }

        if (ps->tok.kind == WEIR_POLICY_TOK_WORD) {
            net->ref = weir_policy_alloc(ps->c, sizeof(weir_policy_dotted_t));

            if (net->ref == NULL
                || weir_policy_dotted(ps, "a set's name", net->ref) != WEIR_OK)
            {
                return WEIR_ERROR;
            }

            *last = net;
            last = &net->next;

            if (ps->tok.kind != ',') {
                return weir_policy_semicolon(ps);
            }

            weir_policy_lex(ps);
            continue;
        }

        memset(&literal, 0, sizeof(weir_policy_literal_t));

        if (weir_policy_lex_number(ps, &literal) == WEIR_OK) {

            if (literal.type == WEIR_POLICY_T_IP
                || literal.type == WEIR_POLICY_T_CIDR)
            {
                net->cidr = literal.net;
                *last = net;
                last = &net->next;

            } else {
                (void) weir_policy_expected(ps, "an address or network");
            }
        }

        weir_policy_lex(ps);

        if (ps->tok.kind != ',') {
            return weir_policy_semicolon(ps);
        }

        weir_policy_lex(ps);
    }
}


static int
weir_policy_cond(weir_policy_parser_t *ps, weir_policy_rule_data_t *rd,
    unsigned unless)
{
    weir_policy_expr_t  *expr;
    weir_policy_cond_t  *cond;

    weir_policy_lex(ps);

    /* what goes on where it should end means something else */

    if (weir_policy_parse_expr(ps, &expr) != WEIR_OK
        || weir_policy_semicolon(ps) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    cond = weir_policy_alloc(ps->c, sizeof(weir_policy_cond_t));
    if (cond == NULL) {
        return WEIR_ERROR;
    }

    cond->unless = unless & 1;
    cond->expr = expr;

    *rd->conds = cond;
    rd->conds = &cond->next;

    return WEIR_OK;
}
