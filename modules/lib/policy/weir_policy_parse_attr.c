
/*
 * Weir: the parser of attributes.
 *
 *   attr = "claim" ( "." ID { "." ID } | "[" STRING "]" ) | "path" "." ID
 *          | ( "header" | "query" ) "(" STRING ")" | OBJECT "." MEMBER ;
 */

#include "weir_field.h"
#include "weir_policy_lex.h"


static int weir_policy_attr_claim(weir_policy_parser_t *ps,
    weir_policy_attr_t *attr);
static int weir_policy_attr_call(weir_policy_parser_t *ps,
    weir_policy_attr_t *attr);
static int weir_policy_attr_member(weir_policy_parser_t *ps,
    weir_policy_attr_t *attr);
static void weir_policy_attr_unknown(weir_policy_parser_t *ps,
    const weir_policy_attr_t *attr, weir_str_t object);


const char *const  weir_policy_objects[] = {
    "claim", "path", "header", "query", "source", "request", "identity", "tls",
    NULL
};


/* Attributes "object.member"; claim and path have their own. */

typedef struct {
    const char               *object;
    const char               *member;
    weir_policy_attr_kind_t   kind;
} weir_policy_member_t;

static const weir_policy_member_t  weir_policy_members[] = {
    { "source", "ip", WEIR_POLICY_A_SOURCE_IP },
    { "source", "peer", WEIR_POLICY_A_SOURCE_PEER },
    { "request", "method", WEIR_POLICY_A_METHOD },
    { "request", "path", WEIR_POLICY_A_REQUEST_PATH },
    { "request", "host", WEIR_POLICY_A_HOST },
    { "request", "scheme", WEIR_POLICY_A_SCHEME },
    { "request", "time", WEIR_POLICY_A_REQUEST_TIME },
    { "identity", "kind", WEIR_POLICY_A_KIND },
    { "identity", "issuer", WEIR_POLICY_A_ISSUER },
    { "identity", "subject", WEIR_POLICY_A_SUBJECT },
    { "identity", "principal", WEIR_POLICY_A_PRINCIPAL },
    { "identity", "spiffe", WEIR_POLICY_A_SPIFFE },
    { "tls", "version", WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_VERSION },
    { "tls", "cipher", WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_CIPHER },
    { "tls", "sni", WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_SNI },
    { "tls", "fingerprint", WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_FINGERPRINT },
    { "tls", "spiffe", WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_SPIFFE }
};

#define WEIR_POLICY_NMEMBERS                                                  \
    (sizeof(weir_policy_members) / sizeof(weir_policy_members[0]))


int
weir_policy_parse_attr(weir_policy_parser_t *ps, weir_policy_attr_t **result)
{
    size_t               i;
    uint32_t             start;
    weir_str_t           near;
    weir_policy_attr_t  *attr;
    weir_policy_token_t  first;

    attr = weir_policy_alloc(ps->c, sizeof(weir_policy_attr_t));
    if (attr == NULL) {
        return WEIR_ERROR;
    }

    *result = attr;

    attr->loc = weir_policy_here(ps);
    start = ps->tok.start;
    first = ps->tok;

    if (weir_policy_is(ps, "claim")) {
        weir_policy_lex(ps);
        return weir_policy_attr_claim(ps, attr);
    }

    if (weir_policy_is(ps, "header") || weir_policy_is(ps, "query")) {

        attr->kind = weir_policy_is(ps, "header") ? WEIR_POLICY_A_HEADER
                                                  : WEIR_POLICY_A_QUERY;
        weir_policy_lex(ps);

        if (weir_policy_attr_call(ps, attr) != WEIR_OK) {
            return WEIR_ERROR;
        }

    } else if (weir_policy_is(ps, "path")) {

        weir_policy_lex(ps);

        if (weir_policy_attr_member(ps, attr) != WEIR_OK) {
            return WEIR_ERROR;
        }

        attr->kind = WEIR_POLICY_A_PATH;

    } else {

        for (i = 0; i < WEIR_POLICY_NMEMBERS; i++) {
            if (weir_policy_is(ps, weir_policy_members[i].object)) {
                break;
            }
        }

        if (i == WEIR_POLICY_NMEMBERS) {

            if (ps->tok.kind != WEIR_POLICY_TOK_WORD) {
                return weir_policy_expected(ps, "an attribute");
            }

            near = weir_policy_near_word(weir_policy_objects, first.text);

            weir_policy_error(ps->c, attr->loc, "\"%.*s\" is no attribute%s"
                              "%.*s%s", weir_policy_s(first.text),
                              near.data == NULL ? "" : "; is it ",
                              weir_policy_s(near),
                              near.data == NULL ? "" : "?");
            return WEIR_ERROR;
        }

        weir_policy_lex(ps);

        if (weir_policy_attr_member(ps, attr) != WEIR_OK) {
            return WEIR_ERROR;
        }

        for (i = 0; i < WEIR_POLICY_NMEMBERS; i++) {
            if (strlen(weir_policy_members[i].object) == first.text.len
                && memcmp(weir_policy_members[i].object, first.text.data,
                          first.text.len) == 0
                && strlen(weir_policy_members[i].member) == attr->name.len
                && memcmp(weir_policy_members[i].member, attr->name.data,
                          attr->name.len) == 0)
            {
                break;
            }
        }

        if (i == WEIR_POLICY_NMEMBERS) {
            weir_policy_attr_unknown(ps, attr, first.text);
            return WEIR_ERROR;
        }

        attr->kind = weir_policy_members[i].kind;
    }

    attr->text.data = ps->src.data + start;
    attr->text.len = ps->prev_end - start;

    return WEIR_OK;
}


/* Whose object is one, and whose member is not. */

static void
weir_policy_attr_unknown(weir_policy_parser_t *ps,
    const weir_policy_attr_t *attr, weir_str_t object)
{
    size_t       i, n;
    weir_str_t   near;
    const char  *members[WEIR_POLICY_NMEMBERS + 1];

    n = 0;

    for (i = 0; i < WEIR_POLICY_NMEMBERS; i++) {
        if (weir_str_eq(weir_cstr(weir_policy_members[i].object), object)) {
            members[n++] = weir_policy_members[i].member;
        }
    }

    members[n] = NULL;

    near = weir_policy_near_word(members, attr->name);

    if (near.data == NULL) {
        weir_policy_error(ps->c, attr->loc, "there is no attribute %.*s.%.*s",
                          weir_policy_s(object), weir_policy_s(attr->name));
        return;
    }

    weir_policy_error(ps->c, attr->loc, "there is no attribute %.*s.%.*s; is "
                      "it %.*s.%.*s?", weir_policy_s(object),
                      weir_policy_s(attr->name), weir_policy_s(object),
                      weir_policy_s(near));
}


int
weir_policy_is_object(weir_str_t s)
{
    size_t  i;

    for (i = 0; weir_policy_objects[i] != NULL; i++) {
        if (weir_str_eq(weir_cstr(weir_policy_objects[i]), s)) {
            return 1;
        }
    }

    return 0;
}


/* "claim" ( "." ID { "." ID } | "[" STRING "]" ) */

static int
weir_policy_attr_claim(weir_policy_parser_t *ps, weir_policy_attr_t *attr)
{
    attr->kind = WEIR_POLICY_A_CLAIM;

    if (ps->tok.kind == '.') {
        weir_policy_lex(ps);

        if (ps->tok.kind != WEIR_POLICY_TOK_WORD) {
            return weir_policy_expected(ps, "a claim's name");
        }

        return weir_policy_cname(ps, &attr->name, &attr->text);
    }

    if (ps->tok.kind != '[') {
        return weir_policy_expected(ps, "claim.NAME or claim[\"NAME\"]: \".\" "
                                    "or \"[\"");
    }

    weir_policy_lex(ps);

    if (ps->tok.kind != WEIR_POLICY_TOK_STRING) {
        return weir_policy_expected(ps, "a string");
    }

    if (weir_policy_cname(ps, &attr->name, &attr->text) != WEIR_OK) {
        return WEIR_ERROR;
    }

    return weir_policy_expect(ps, ']', "\"]\"");
}


/* "(" STRING ")"; names of headers are kept in lower case. */

static int
weir_policy_attr_call(weir_policy_parser_t *ps, weir_policy_attr_t *attr)
{
    size_t               i;
    uint8_t             *p, ch;
    weir_policy_word_t   name;

    if (weir_policy_expect(ps, '(', "\"(\"") != WEIR_OK
        || weir_policy_string(ps, "a name in double quotes", &name) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    attr->name = name.text;

    if (attr->kind == WEIR_POLICY_A_HEADER) {

        p = weir_policy_alloc(ps->c, name.text.len);
        if (p == NULL) {
            return WEIR_ERROR;
        }

        attr->name.data = p;

        for (i = 0; i < name.text.len; i++) {
            ch = name.text.data[i];
            p[i] = ch >= 'A' && ch <= 'Z' ? ch | 0x20 : ch;
        }

        if (!weir_field_valid(name.text)) {
            weir_policy_error(ps->c, name.loc, "this is no header's name");
        }

    } else if (name.text.len == 0
               || memchr(name.text.data, '\0', name.text.len) != NULL)
    {
        weir_policy_error(ps->c, name.loc, "this is no query parameter's name");
    }

    return weir_policy_expect(ps, ')', "\")\"");
}


/* "." ID */

static int
weir_policy_attr_member(weir_policy_parser_t *ps, weir_policy_attr_t *attr)
{
    weir_policy_word_t  member;

    if (weir_policy_expect(ps, '.', "\".\"") != WEIR_OK
        || weir_policy_id(ps, "an attribute's name", &member) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    attr->name = member.text;

    return WEIR_OK;
}
