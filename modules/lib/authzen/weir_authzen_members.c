
/*
 * Weir: the members of a question of the AuthZEN Authorization API 1.0.
 */

#include <string.h>

#include "weir_authzen_members.h"
#include "weir_json.h"
#include "weir_policy_json.h"
#include "weir_time.h"
#include "weir_token.h"


static int weir_authzen_claims(weir_authzen_ctx_t *c, const json_t *json);
static int weir_authzen_origin(weir_authzen_ctx_t *c,
    const json_t *properties);
static int weir_authzen_target(weir_authzen_ctx_t *c, weir_str_t target);
static int weir_authzen_headers(weir_authzen_ctx_t *c, const json_t *headers);
static int weir_authzen_tls(weir_authzen_ctx_t *c, const json_t *tls);
static int weir_authzen_same_host(weir_str_t a, weir_str_t b);
static int weir_authzen_string(weir_authzen_ctx_t *c, const json_t *object,
    const char *name, const char *error, weir_str_t *s);


int
weir_authzen_subject(weir_authzen_ctx_t *c, const json_t *subject)
{
    int                       rc;
    weir_str_t                type, id;
    const json_t             *properties;
    weir_authzen_question_t  *q;

    q = c->q;

    if (!json_is_object(subject)) {
        return weir_authzen_bad(c, "subject is no object");
    }

    if (weir_authzen_needed(c, subject, "type", "subject.type is no string",
                            &type)
        != WEIR_OK
        || weir_authzen_needed(c, subject, "id", "subject.id is no string",
                               &id)
           != WEIR_OK)
    {
        return WEIR_DECLINED;
    }

    properties = json_object_get(subject, "properties");

    if (properties != NULL && !json_is_object(properties)) {
        return weir_authzen_bad(c, "subject.properties is no object");
    }

    if (weir_str_eq(type, weir_str("spiffe"))) {
        q->kind = WEIR_POLICY_MTLS;
        q->spiffe = id;

    } else if (weir_policy_kind_parse(type, &q->kind) != WEIR_OK) {
        q->kind = WEIR_POLICY_JWT;
    }

    if (q->kind != WEIR_POLICY_ANONYMOUS) {

        if (q->spiffe.data == NULL) {
            q->subject = id;
        }

        rc = weir_authzen_claims(c, properties);

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    q->principal = weir_policy_principal(c->arena, q->kind, q->issuer,
                                         q->subject);

    return q->principal.data == NULL ? WEIR_NOMEM : WEIR_OK;
}


/* Certificates and keys of an API have no issuer that claims come from. */

static int
weir_authzen_claims(weir_authzen_ctx_t *c, const json_t *properties)
{
    int                       rc;
    json_t                   *claims;
    weir_str_t                named;
    const json_t             *sub;
    weir_authzen_question_t  *q;

    q = c->q;

    if (properties != NULL
        && weir_authzen_string(c, properties, "issuer",
                               "subject.properties.issuer is no string",
                               &q->issuer)
           != WEIR_OK)
    {
        return WEIR_DECLINED;
    }

    if (q->kind != WEIR_POLICY_JWT && q->kind != WEIR_POLICY_SESSION) {
        return WEIR_OK;
    }

    if (q->issuer.data == NULL) {
        q->issuer = c->issuer;
    }

    if (properties == NULL) {
        return WEIR_OK;
    }

    /* of a token they are one */

    sub = json_object_get(properties, "sub");

    if (sub != NULL) {
        named.data = (const uint8_t *) json_string_value(sub);
        named.len = json_string_length(sub);
    }

    if (sub != NULL
        && (named.data == NULL || !weir_str_eq(named, q->subject)))
    {
        return weir_authzen_bad(c, "subject.properties.sub is not "
                                   "subject.id");
    }

    /* jansson leaves out what it has no memory for */

    claims = json_copy((json_t *) properties);

    if (json_object_size(claims) != json_object_size(properties)) {
        json_decref(claims);
        return WEIR_NOMEM;
    }

    (void) json_object_del(claims, "issuer");

    rc = weir_token_flatten(&q->claims, c->arena, claims);

    json_decref(claims);

    if (rc == WEIR_NOMEM) {
        return rc;
    }

    return rc == WEIR_OK ? WEIR_OK
           : weir_authzen_bad(c, "subject.properties is too large or too "
                                 "deep");
}


int
weir_authzen_resource(weir_authzen_ctx_t *c, const json_t *resource)
{
    weir_str_t     type, id, path;
    const json_t  *properties;

    if (!json_is_object(resource)) {
        return weir_authzen_bad(c, "resource is no object");
    }

    if (weir_authzen_needed(c, resource, "type", "resource.type is no string",
                            &type)
        != WEIR_OK
        || weir_authzen_needed(c, resource, "id", "resource.id is no string",
                               &id)
           != WEIR_OK)
    {
        return WEIR_DECLINED;
    }

    properties = json_object_get(resource, "properties");

    if (properties == NULL) {
        return weir_authzen_target(c, id);
    }

    if (!json_is_object(properties)) {
        return weir_authzen_bad(c, "resource.properties is no object");
    }

    if (weir_authzen_string(c, properties, "path",
                            "resource.properties.path is no string", &path)
        != WEIR_OK
        || weir_authzen_target(c, path.data != NULL ? path : id) != WEIR_OK)
    {
        return WEIR_DECLINED;
    }

    return weir_authzen_origin(c, properties);
}


/* What stands in a URL may be said again, not otherwise. */

static int
weir_authzen_origin(weir_authzen_ctx_t *c, const json_t *properties)
{
    weir_str_t                host, scheme;
    weir_authzen_question_t  *q;

    q = c->q;

    if (weir_authzen_string(c, properties, "host",
                            "resource.properties.host is no string", &host)
        != WEIR_OK
        || weir_authzen_string(c, properties, "scheme",
                               "resource.properties.scheme is no string",
                               &scheme)
           != WEIR_OK)
    {
        return WEIR_DECLINED;
    }

    if (q->host.data == NULL) {
        q->host = host;
        q->scheme = scheme;

        return WEIR_OK;
    }

    if (host.data != NULL && !weir_authzen_same_host(host, q->host)) {
        return weir_authzen_bad(c, "resource.properties.host is not that of "
                                   "the URL");
    }

    if (scheme.data != NULL && !weir_str_eq(scheme, q->scheme)) {
        return weir_authzen_bad(c, "resource.properties.scheme is not that of "
                                   "the URL");
    }

    return WEIR_OK;
}


/* "/path?args", or "http[s]://host/path?args"; a fragment is for the gate. */

static int
weir_authzen_target(weir_authzen_ctx_t *c, weir_str_t target)
{
    size_t                    i, n;
    const uint8_t            *mark;
    weir_authzen_question_t  *q;

    static const char  *schemes[] = { "http://", "https://" };

    q = c->q;

    for (i = 0; i < 2; i++) {

        n = strlen(schemes[i]);

        if (target.len < n || memcmp(target.data, schemes[i], n) != 0) {
            continue;
        }

        q->scheme.data = target.data;
        q->scheme.len = n - 3;

        target.data += n;
        target.len -= n;

        mark = memchr(target.data, '/', target.len);

        q->host.data = target.data;
        q->host.len = mark != NULL ? (size_t) (mark - target.data)
                                   : target.len;
        target.data += q->host.len;
        target.len -= q->host.len;

        break;
    }

    if (target.len == 0 || target.data[0] != '/') {
        return weir_authzen_bad(c, "resource is neither a path nor an http "
                                   "URL with one");
    }

    q->path = target;

    mark = memchr(target.data, '?', target.len);

    if (mark != NULL) {
        q->path.len = (size_t) (mark - target.data);
        q->args.data = mark + 1;
        q->args.len = target.len - q->path.len - 1;
    }

    return WEIR_OK;
}


int
weir_authzen_context(weir_authzen_ctx_t *c, const json_t *context)
{
    int                       rc;
    weir_str_t                s;
    weir_authzen_question_t  *q;

    q = c->q;

    if (context == NULL) {
        return WEIR_OK;
    }

    if (!json_is_object(context)) {
        return weir_authzen_bad(c, "context is no object");
    }

    if (weir_authzen_string(c, context, "source",
                            "context.source is no string", &s)
        != WEIR_OK)
    {
        return WEIR_DECLINED;
    }

    if (s.data != NULL) {

        if (weir_addr_parse(s, &q->source) != WEIR_OK) {
            return weir_authzen_bad(c, "context.source is no address");
        }

        q->has_source = 1;
    }

    if (weir_authzen_string(c, context, "time", "context.time is no string",
                            &s)
        != WEIR_OK)
    {
        return WEIR_DECLINED;
    }

    if (s.data != NULL) {

        if (weir_time_parse(s, &q->time) != WEIR_OK) {
            return weir_authzen_bad(c, "context.time is no RFC 3339 time");
        }

        q->has_time = 1;
    }

    rc = weir_authzen_tls(c, json_object_get(context, "tls"));

    if (rc != WEIR_OK) {
        return rc;
    }

    return weir_authzen_headers(c, json_object_get(context, "headers"));
}


static int
weir_authzen_headers(weir_authzen_ctx_t *c, const json_t *headers)
{
    int                         rc;
    uint32_t                    i;
    const weir_policy_field_t  *field;
    weir_authzen_question_t    *q;

    q = c->q;

    if (headers == NULL) {
        return WEIR_OK;
    }

    if (!json_is_object(headers)) {
        return weir_authzen_bad(c, "context.headers is no object");
    }

    rc = weir_policy_fields_from_json(c->arena, headers, &q->fields.headers,
                                      &q->fields.nheaders);

    if (rc == WEIR_DECLINED) {
        return weir_authzen_bad(c, "a value of context.headers is neither a "
                                   "string nor an array of strings");
    }

    if (rc != WEIR_OK) {
        return rc;
    }

    for (i = 0; i < q->fields.nheaders; i++) {
        field = &q->fields.headers[i];

        if (!weir_str_caseeq(field->name, weir_str("host"))) {
            continue;
        }

        if (q->named.data != NULL) {
            return weir_authzen_bad(c, "context.headers has more than one "
                                       "host");
        }

        q->named = field->value;
    }

    return WEIR_OK;
}


static int
weir_authzen_tls(weir_authzen_ctx_t *c, const json_t *tls)
{
    size_t  i;

    static const char  *names[WEIR_POLICY_TLS_ATTRS] = {
        "version", "cipher", "sni", "fingerprint", "spiffe"
    };

    if (tls == NULL) {
        return WEIR_OK;
    }

    if (!json_is_object(tls)) {
        return weir_authzen_bad(c, "context.tls is no object");
    }

    for (i = 0; i < WEIR_POLICY_TLS_ATTRS; i++) {
        if (json_object_get(tls, names[i]) != NULL
            && weir_authzen_string(c, tls, names[i],
                                   "a member of context.tls is no string",
                                   &c->q->fields.tls[i])
               != WEIR_OK)
        {
            return WEIR_DECLINED;
        }
    }

    return WEIR_OK;
}


/* No request is of two clients, or for two hosts; nor of any length. */

int
weir_authzen_agrees(weir_authzen_ctx_t *c)
{
    weir_str_t               *tls;
    weir_authzen_question_t  *q;

    q = c->q;

    if (q->method.len + q->path.len + q->args.len + q->host.len
        > WEIR_AUTHZEN_REQUEST)
    {
        return weir_authzen_bad(c, "action and resource are longer than 8 "
                                   "KiB");
    }

    if (q->named.data != NULL && q->host.data != NULL
        && !weir_authzen_same_host(q->named, q->host))
    {
        return weir_authzen_bad(c, "the host of context.headers is not that "
                                   "of the resource");
    }

    if (q->spiffe.data == NULL) {
        return WEIR_OK;
    }

    tls = &q->fields.tls[WEIR_POLICY_TLS_SPIFFE];

    if (tls->data != NULL && !weir_str_eq(*tls, q->spiffe)) {
        return weir_authzen_bad(c, "context.tls.spiffe is not the subject");
    }

    *tls = q->spiffe;

    return WEIR_OK;
}


/* As the gate reads them; what does not pass it is like itself alone. */

static int
weir_authzen_same_host(weir_str_t a, weir_str_t b)
{
    uint8_t     buf[2][WEIR_AUTHZEN_REQUEST];
    weir_str_t  one, other;

    if (weir_str_eq(a, b)) {
        return 1;
    }

    return a.len <= WEIR_AUTHZEN_REQUEST && b.len <= WEIR_AUTHZEN_REQUEST
           && weir_host_gate(&one, buf[0], a) == WEIR_OK
           && weir_host_gate(&other, buf[1], b) == WEIR_OK
           && weir_str_eq(one, other);
}


static int
weir_authzen_string(weir_authzen_ctx_t *c, const json_t *object,
    const char *name, const char *error, weir_str_t *s)
{
    int  rc;

    s->len = 0;
    s->data = NULL;

    rc = weir_json_string(object, name, s);

    return rc == WEIR_ERROR ? weir_authzen_bad(c, error) : WEIR_OK;
}


int
weir_authzen_needed(weir_authzen_ctx_t *c, const json_t *object,
    const char *name, const char *error, weir_str_t *s)
{
    if (weir_authzen_string(c, object, name, error, s) != WEIR_OK) {
        return WEIR_DECLINED;
    }

    return s->len == 0 ? weir_authzen_bad(c, error) : WEIR_OK;
}


int
weir_authzen_bad(weir_authzen_ctx_t *c, const char *error)
{
    c->q->error = error;

    return WEIR_DECLINED;
}
