
/*
 * Weir: questions of the AuthZEN Authorization API 1.0.
 */

#include <string.h>

#include "weir_authzen.h"
#include "weir_json.h"
#include "weir_policy_json.h"
#include "weir_time.h"
#include "weir_token.h"


typedef struct {
    weir_arena_t             *arena;
    weir_str_t                issuer;      /* of who names none */
    weir_authzen_question_t  *q;
} weir_authzen_ctx_t;


static int weir_authzen_options(weir_authzen_t *a, const json_t *options);
static int weir_authzen_question(weir_authzen_ctx_t *c, const json_t *item,
    const json_t *defaults);
static const json_t *weir_authzen_either(const json_t *item,
    const json_t *defaults, const char *name);
static int weir_authzen_subject(weir_authzen_ctx_t *c, const json_t *subject);
static int weir_authzen_claims(weir_authzen_ctx_t *c, const json_t *json);
static int weir_authzen_resource(weir_authzen_ctx_t *c,
    const json_t *resource);
static int weir_authzen_target(weir_authzen_ctx_t *c, weir_str_t target);
static int weir_authzen_context(weir_authzen_ctx_t *c, const json_t *context);
static int weir_authzen_headers(weir_authzen_ctx_t *c, const json_t *headers);
static int weir_authzen_tls(weir_authzen_ctx_t *c, const json_t *tls);
static int weir_authzen_string(weir_authzen_ctx_t *c, const json_t *object,
    const char *name, const char *error, weir_str_t *s);
static int weir_authzen_needed(weir_authzen_ctx_t *c, const json_t *object,
    const char *name, const char *error, weir_str_t *s);
static int weir_authzen_bad(weir_authzen_ctx_t *c, const char *error);


/* Strings of 256 KiB cannot hold more; they bound jansson's memory. */

static const weir_json_limits_t  weir_authzen_limits = { 32, 32768, 32768 };


int
weir_authzen_parse(weir_authzen_t *a, weir_arena_t *arena, json_t **json,
    uint8_t *text, size_t len, unsigned batch, weir_str_t issuer)
{
    int                  rc;
    size_t               i, n;
    const json_t        *list, *item;
    weir_authzen_ctx_t   c;

    memset(a, 0, sizeof(weir_authzen_t));
    *json = NULL;

    if (len > WEIR_AUTHZEN_BODY) {
        a->error = "the question is too large";
        return WEIR_DECLINED;
    }

    rc = weir_json_object(json, text, len, &weir_authzen_limits);

    if (rc == WEIR_NOMEM) {
        return rc;
    }

    if (rc != WEIR_OK) {
        a->error = "the body is no JSON object";
        return WEIR_DECLINED;
    }

    list = batch ? json_object_get(*json, "evaluations") : NULL;

    if (list != NULL && !json_is_array(list)) {
        a->error = "evaluations is no array";
        return WEIR_DECLINED;
    }

    n = json_array_size(list);

    if (n > WEIR_AUTHZEN_QUESTIONS) {
        a->error = "there are more than 256 evaluations";
        return WEIR_DECLINED;
    }

    a->batch = (n != 0);

    if (a->batch
        && weir_authzen_options(a, json_object_get(*json, "options"))
           != WEIR_OK)
    {
        return WEIR_DECLINED;
    }

    a->count = n != 0 ? (uint32_t) n : 1;

    a->questions = weir_arena_calloc(arena, a->count,
                                     sizeof(weir_authzen_question_t));
    if (a->questions == NULL) {
        return WEIR_NOMEM;
    }

    c.arena = arena;
    c.issuer = issuer;

    for (i = 0; i < a->count; i++) {

        c.q = &a->questions[i];
        item = a->batch ? json_array_get(list, i) : *json;

        rc = weir_authzen_question(&c, item, a->batch ? *json : NULL);

        if (rc == WEIR_NOMEM) {
            return rc;
        }
    }

    if (!a->batch && a->questions[0].error != NULL) {
        a->error = a->questions[0].error;
        return WEIR_DECLINED;
    }

    return WEIR_OK;
}


static int
weir_authzen_options(weir_authzen_t *a, const json_t *options)
{
    uint32_t       i;
    const char    *name;
    const json_t  *semantic;

    static const char  *names[] = {
        "execute_all", "deny_on_first_deny", "permit_on_first_permit"
    };

    if (options == NULL || json_is_null(options)) {
        return WEIR_OK;
    }

    if (!json_is_object(options)) {
        a->error = "options is no object";
        return WEIR_DECLINED;
    }

    semantic = json_object_get(options, "evaluations_semantic");

    if (semantic == NULL) {
        return WEIR_OK;
    }

    name = json_string_value(semantic);

    for (i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            a->semantic = (weir_authzen_semantic_t) i;
            return WEIR_OK;
        }
    }

    a->error = "options.evaluations_semantic is unknown";

    return WEIR_DECLINED;
}


/* WEIR_OK; WEIR_DECLINED: q->error says why; WEIR_NOMEM. */

static int
weir_authzen_question(weir_authzen_ctx_t *c, const json_t *item,
    const json_t *defaults)
{
    int            rc;
    const json_t  *action;

    if (!json_is_object(item)) {
        return weir_authzen_bad(c, "an evaluation is no object");
    }

    rc = weir_authzen_subject(c, weir_authzen_either(item, defaults,
                                                     "subject"));
    if (rc != WEIR_OK) {
        return rc;
    }

    action = weir_authzen_either(item, defaults, "action");

    if (!json_is_object(action)) {
        return weir_authzen_bad(c, "action is no object");
    }

    rc = weir_authzen_needed(c, action, "name", "action.name is no string",
                             &c->q->method);
    if (rc != WEIR_OK) {
        return rc;
    }

    rc = weir_authzen_resource(c, weir_authzen_either(item, defaults,
                                                      "resource"));
    if (rc != WEIR_OK) {
        return rc;
    }

    return weir_authzen_context(c, weir_authzen_either(item, defaults,
                                                       "context"));
}


/* A member of an evaluation stands in place of the one around it, whole. */

static const json_t *
weir_authzen_either(const json_t *item, const json_t *defaults,
    const char *name)
{
    const json_t  *value;

    value = json_object_get(item, name);

    return value == NULL && defaults != NULL ? json_object_get(defaults, name)
                                             : value;
}


static int
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
        q->fields.tls[WEIR_POLICY_TLS_SPIFFE] = id;

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


static int
weir_authzen_resource(weir_authzen_ctx_t *c, const json_t *resource)
{
    weir_str_t                type, id, path;
    const json_t             *properties;
    weir_authzen_question_t  *q;

    q = c->q;

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

    /* what stands in a URL is not said twice */

    if (q->host.data == NULL
        && (weir_authzen_string(c, properties, "host",
                                "resource.properties.host is no string",
                                &q->host)
            != WEIR_OK
            || weir_authzen_string(c, properties, "scheme",
                                   "resource.properties.scheme is no string",
                                   &q->scheme)
               != WEIR_OK))
    {
        return WEIR_DECLINED;
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


static int
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
    int  rc;

    if (headers == NULL) {
        return WEIR_OK;
    }

    if (!json_is_object(headers)) {
        return weir_authzen_bad(c, "context.headers is no object");
    }

    rc = weir_policy_fields_from_json(c->arena, headers,
                                      &c->q->fields.headers,
                                      &c->q->fields.nheaders);

    if (rc == WEIR_DECLINED) {
        return weir_authzen_bad(c, "a value of context.headers is neither a "
                                   "string nor an array of strings");
    }

    return rc;
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


static int
weir_authzen_needed(weir_authzen_ctx_t *c, const json_t *object,
    const char *name, const char *error, weir_str_t *s)
{
    if (weir_authzen_string(c, object, name, error, s) != WEIR_OK) {
        return WEIR_DECLINED;
    }

    return s->len == 0 ? weir_authzen_bad(c, error) : WEIR_OK;
}


static int
weir_authzen_bad(weir_authzen_ctx_t *c, const char *error)
{
    c->q->error = error;

    return WEIR_DECLINED;
}
