
/*
 * weirctl eval: a request, as JSON describes it.
 */

#include "weirctl_eval.h"
#include "weir_policy_json.h"
#include "weir_time.h"
#include "weir_token.h"


static int weirctl_eval_address(weirctl_eval_t *e, const json_t *json,
    const char *member, const char *error, weir_addr_t *addr,
    const weir_addr_t **set);
static int weirctl_eval_policy(weirctl_eval_t *e, const json_t *json);
static int weirctl_eval_identity(weirctl_eval_t *e, const json_t *json);
static int weirctl_eval_fields(weirctl_eval_t *e, const json_t *json,
    const char *member, const weir_policy_field_t **fields, uint32_t *n);
static int weirctl_eval_tls(weirctl_eval_t *e, const json_t *json);
static int weirctl_eval_string(weirctl_eval_t *e, const json_t *json,
    const char *member, const char *error, weir_str_t *s);
static json_t *weirctl_eval_member(const json_t *json, const char *member);
static int weirctl_eval_bad(weirctl_eval_t *e, const char *error);


int
weirctl_eval_request(weirctl_eval_t *e, const json_t *json)
{
    weir_str_t  s;

    if (weirctl_eval_policy(e, json) != WEIR_OK
        || weirctl_eval_string(e, json, "method", "method is no string",
                               &e->r.method)
           != WEIR_OK
        || weirctl_eval_string(e, json, "path", "path is no string", &e->path)
           != WEIR_OK
        || weirctl_eval_string(e, json, "host", "host is no string", &e->host)
           != WEIR_OK
        || weirctl_eval_string(e, json, "scheme", "scheme is no string",
                               &e->r.scheme)
           != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (e->r.method.len == 0) {
        return weirctl_eval_bad(e, "method is missing");
    }

    if (e->path.len == 0) {
        return weirctl_eval_bad(e, "path is missing");
    }

    if (memchr(e->path.data, '?', e->path.len) != NULL) {
        return weirctl_eval_bad(e, "path holds a \"?\"; query is a member of "
                                   "its own");
    }

    if (weirctl_eval_address(e, json, "source", "source is no address",
                             &e->source, &e->r.source_ip)
        != WEIR_OK
        || weirctl_eval_address(e, json, "peer", "peer is no address",
                                &e->peer, &e->r.source_peer)
           != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (weirctl_eval_string(e, json, "time", "time is no string", &s)
        != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (s.data != NULL) {

        if (weir_time_parse(s, &e->r.time) != WEIR_OK) {
            return weirctl_eval_bad(e, "time is no RFC 3339 time");
        }

        e->r.has_time = 1;
    }

    if (weirctl_eval_identity(e, json) != WEIR_OK
        || weirctl_eval_tls(e, json) != WEIR_OK
        || weirctl_eval_fields(e, json, "headers", &e->fields.headers,
                               &e->fields.nheaders)
           != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    return weirctl_eval_fields(e, json, "query", &e->fields.query,
                               &e->fields.nquery);
}


static int
weirctl_eval_address(weirctl_eval_t *e, const json_t *json, const char *member,
    const char *error, weir_addr_t *addr, const weir_addr_t **set)
{
    weir_str_t  s;

    if (weirctl_eval_string(e, json, member, error, &s) != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (s.data == NULL) {
        return WEIR_OK;
    }

    if (weir_addr_parse(s, addr) != WEIR_OK) {
        return weirctl_eval_bad(e, error);
    }

    *set = addr;

    return WEIR_OK;
}


static int
weirctl_eval_policy(weirctl_eval_t *e, const json_t *json)
{
    weir_str_t                  name;
    const weir_policy_image_t  *image;

    image = e->b->bundle.image;

    if (weirctl_eval_string(e, json, "policy", "policy is no string", &name)
        != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (name.data == NULL) {

        if (weir_policy_count(image) != 1) {
            return weirctl_eval_bad(e, "policy is missing: there are several");
        }

        e->policy = 0;

        return WEIR_OK;
    }

    if (weir_policy_find(image, name, &e->policy) != WEIR_OK) {
        return weirctl_eval_bad(e, "there is no policy of that name");
    }

    return WEIR_OK;
}


static int
weirctl_eval_identity(weirctl_eval_t *e, const json_t *json)
{
    int            rc;
    weir_str_t     kind;
    const json_t  *identity, *claims;

    identity = weirctl_eval_member(json, "identity");
    claims = weirctl_eval_member(json, "claims");

    if (identity != NULL && !json_is_object(identity)) {
        return weirctl_eval_bad(e, "identity is no object");
    }

    if (claims != NULL && !json_is_object(claims)) {
        return weirctl_eval_bad(e, "claims is no object");
    }

    kind.len = 0;
    kind.data = NULL;

    if (identity != NULL
        && (weirctl_eval_string(e, identity, "kind",
                                "identity.kind is no string", &kind)
            != WEIR_OK
            || weirctl_eval_string(e, identity, "issuer",
                                   "identity.issuer is no string",
                                   &e->r.issuer)
               != WEIR_OK
            || weirctl_eval_string(e, identity, "subject",
                                   "identity.subject is no string",
                                   &e->r.subject)
               != WEIR_OK
            || weirctl_eval_string(e, identity, "spiffe",
                                   "identity.spiffe is no string",
                                   &e->r.spiffe)
               != WEIR_OK))
    {
        return WEIR_ERROR;
    }

    if (claims != NULL) {
        rc = weir_token_flatten(&e->r.claims, &e->arena, claims);

        if (rc == WEIR_NOMEM) {
            return rc;
        }

        if (rc != WEIR_OK) {
            return weirctl_eval_bad(e, "claims are too large or too deep");
        }
    }

    if (kind.data != NULL) {

        if (weir_policy_kind_parse(kind, &e->r.kind) != WEIR_OK) {
            return weirctl_eval_bad(e, "identity.kind is unknown");
        }

    } else if ((e->r.claims != NULL && e->r.claims->count != 0)
               || e->r.subject.data != NULL)
    {
        e->r.kind = WEIR_POLICY_JWT;

    } else if (e->r.spiffe.data != NULL) {
        e->r.kind = WEIR_POLICY_MTLS;
    }

    return WEIR_OK;
}


static int
weirctl_eval_fields(weirctl_eval_t *e, const json_t *json, const char *member,
    const weir_policy_field_t **fields, uint32_t *n)
{
    int            rc;
    const json_t  *object;

    object = weirctl_eval_member(json, member);

    if (object == NULL) {
        return WEIR_OK;
    }

    if (!json_is_object(object)) {
        return weirctl_eval_bad(e, strcmp(member, "query") == 0
                                   ? "query is no object"
                                   : "headers is no object");
    }

    rc = weir_policy_fields_from_json(&e->arena, object, fields, n);

    if (rc == WEIR_DECLINED) {
        return weirctl_eval_bad(e, "a header or query value is neither a "
                                   "string nor an array of strings");
    }

    return rc;
}


static int
weirctl_eval_tls(weirctl_eval_t *e, const json_t *json)
{
    size_t         i;
    const json_t  *tls;

    static const char  *names[WEIR_POLICY_TLS_ATTRS] = {
        "version", "cipher", "sni", "fingerprint", "spiffe"
    };

    tls = weirctl_eval_member(json, "tls");

    if (tls == NULL) {
        return WEIR_OK;
    }

    if (!json_is_object(tls)) {
        return weirctl_eval_bad(e, "tls is no object");
    }

    for (i = 0; i < WEIR_POLICY_TLS_ATTRS; i++) {
        if (weirctl_eval_string(e, tls, names[i],
                                "a member of tls is no string",
                                &e->fields.tls[i])
            != WEIR_OK)
        {
            return WEIR_ERROR;
        }
    }

    return WEIR_OK;
}


static int
weirctl_eval_string(weirctl_eval_t *e, const json_t *json, const char *member,
    const char *error, weir_str_t *s)
{
    const json_t  *value;

    s->len = 0;
    s->data = NULL;

    value = weirctl_eval_member(json, member);

    if (value == NULL) {
        return WEIR_OK;
    }

    if (!json_is_string(value)) {
        return weirctl_eval_bad(e, error);
    }

    s->data = (const uint8_t *) json_string_value(value);
    s->len = json_string_length(value);

    return WEIR_OK;
}


/* A member that is null is absent. */

static json_t *
weirctl_eval_member(const json_t *json, const char *member)
{
    json_t  *value;

    value = json_object_get(json, member);

    return json_is_null(value) ? NULL : value;
}


static int
weirctl_eval_bad(weirctl_eval_t *e, const char *error)
{
    e->error = error;

    return WEIR_ERROR;
}
