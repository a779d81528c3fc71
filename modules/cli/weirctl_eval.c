
/*
 * weirctl eval: JSON lines, a request in, a decision out, so that other
 * programs can ask the gateway's own code.
 */

#include <stdlib.h>

#include "weirctl_eval.h"
#include "weir_json.h"
#include "weir_time.h"
#include "weir_token.h"


#define WEIRCTL_EVAL_LINE  (1024 * 1024)


/* More effects than any request meets; a policy may still have more. */

#define WEIRCTL_EVAL_EFFECTS  4096


/* The line bounds all but what would make the parser recurse. */

static const weir_json_limits_t  weirctl_eval_limits = {
    64, WEIRCTL_EVAL_LINE, WEIRCTL_EVAL_LINE
};


static json_t *weirctl_eval_line(weirctl_bundle_t *b,
    weir_policy_regexes_t *regexes, weir_str_t line);
static json_t *weirctl_eval_obligations(weirctl_eval_t *e,
    const weir_policy_decision_t *d);
static int weirctl_eval_request(weirctl_eval_t *e, const json_t *json);
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
weirctl_eval(weirctl_t *ctl)
{
    int               rc, more;
    char             *buf;
    size_t            size;
    json_t           *answer;
    weir_str_t        line;
    weirctl_bundle_t  b;

    weir_policy_regexes_t  *regexes;

    rc = weirctl_options(ctl, "Reads requests from stdin, one JSON object a "
                         "line, and answers each by a line:\n"
                         "  {\"id\":1,\"policy\":\"orders\",\"method\":"
                         "\"GET\",\"path\":\"/t/acme\",...}\n"
                         "  {\"id\":1,\"verdict\":\"permit\",\"rules\":[...],"
                         "\"reason\":\"permit-rule\",\"obligations\":{}}\n"
                         "A line that cannot be read is answered by {\"id\":"
                         "...,\"error\":\"...\"}.", NULL, 1, 2);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (ctl->argc == 2 && strcmp(ctl->argv[1], "-") != 0) {
        return weirctl_error("unexpected \"%s\": requests come from stdin",
                             ctl->argv[1]);
    }

    rc = weirctl_bundle(ctl, &b, ctl->argv[0], 0);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_diagnostics(ctl, &b);
    }

    if (rc == WEIRCTL_GO_ON && b.bundle.nerrors) {
        rc = WEIRCTL_NO;
    }

    regexes = NULL;

    if (rc == WEIRCTL_GO_ON) {
        regexes = weir_policy_regexes_create(&weir_alloc_malloc,
                                             b.bundle.image);
        if (regexes == NULL) {
            rc = weirctl_error("out of memory");
        }
    }

    buf = NULL;
    size = 0;

    while (rc == WEIRCTL_GO_ON) {

        more = weirctl_line(stdin, WEIRCTL_EVAL_LINE, &buf, &size, &line);

        if (more <= 0) {
            rc = more == 0 ? WEIRCTL_YES : WEIRCTL_USAGE;
            break;
        }

        answer = weirctl_eval_line(&b, regexes, line);

        if (answer == NULL
            || json_dumpf(answer, stdout, JSON_COMPACT) != 0)
        {
            rc = weirctl_error("out of memory");
        }

        json_decref(answer);

        /* the other program waits for each answer */

        putchar('\n');
        fflush(stdout);
    }

    free(buf);
    weir_policy_regexes_destroy(regexes);
    weirctl_bundle_done(&b);

    return rc;
}


static json_t *
weirctl_eval_line(weirctl_bundle_t *b, weir_policy_regexes_t *regexes,
    weir_str_t line)
{
    json_t          *json, *answer, *out, *id;
    weirctl_eval_t   e;

    memset(&e, 0, sizeof(weirctl_eval_t));

    weir_arena_init(&e.arena, &weir_alloc_malloc, 0);

    e.b = b;
    e.r.regexes = regexes;

    json = weirctl_eval_read(&e, line, &id);
    answer = json != NULL ? weirctl_eval_answer(&e) : NULL;

    if (answer == NULL && e.error != NULL) {
        answer = json_pack("{s:s}", "error", e.error);
    }

    /* the id comes first */

    out = json_pack("{s:O?}", "id", id);

    if (answer == NULL || out == NULL || json_object_update(out, answer) != 0)
    {
        json_decref(out);
        out = NULL;
    }

    json_decref(answer);
    json_decref(id);
    json_decref(json);
    weir_arena_done(&e.arena);

    return out;
}


json_t *
weirctl_eval_read(weirctl_eval_t *e, weir_str_t line, json_t **id)
{
    json_t        *json;
    size_t         weight;
    json_error_t   again;

    *id = NULL;

    if (line.len > WEIRCTL_EVAL_LINE) {
        e->error = "the line is too long";
        return NULL;
    }

    if (weir_json_scan((uint8_t *) line.data, line.len, &weirctl_eval_limits,
                       &weight)
        != WEIR_OK)
    {
        e->error = "this is no JSON, or nests too deep";
        return NULL;
    }

    json = json_loadb((const char *) line.data, line.len,
                      JSON_REJECT_DUPLICATES, &e->jerr);

    if (json == NULL) {
        e->error = e->jerr.text;

        /* a duplicate member is an error, and its line has an id */

        json = json_loadb((const char *) line.data, line.len, 0, &again);

    } else if (!json_is_object(json)) {
        e->error = "a JSON object is needed";

    } else if (weirctl_eval_request(e, json) == WEIR_OK) {
        *id = json_incref(json_object_get(json, "id"));
        return json;
    }

    *id = json_incref(json_object_get(json, "id"));
    json_decref(json);

    return NULL;
}


json_t *
weirctl_eval_answer(weirctl_eval_t *e)
{
    json_t                     *rules, *answer, *obligations;
    uint32_t                    i;
    weir_str_t                  name;
    weir_policy_decision_t      d;
    const weir_policy_image_t  *image;

    image = e->b->bundle.image;

    d.max = weir_policy_rules(image, e->policy);
    d.rules = weir_arena_calloc(&e->arena, d.max + 1, sizeof(uint32_t));
    d.max_effects = WEIRCTL_EVAL_EFFECTS;
    d.effects = weir_arena_calloc(&e->arena, d.max_effects, sizeof(uint32_t));

    if (d.rules == NULL || d.effects == NULL
        || weir_policy_decide_text(&e->arena, image, e->policy, &e->r,
                                   e->path, e->host, &e->fields, &d)
           != WEIR_OK)
    {
        return NULL;
    }

    rules = json_array();

    for (i = 0; i < d.count && i < d.max; i++) {
        name = weir_policy_rule_name(image, e->policy, d.rules[i]);

        if (json_array_append_new(rules, json_stringn((char *) name.data,
                                                      name.len))
            != 0)
        {
            json_decref(rules);
            return NULL;
        }
    }

    obligations = weirctl_eval_obligations(e, &d);

    if (obligations == NULL) {
        json_decref(rules);
        return NULL;
    }

    answer = json_pack("{s:s, s:o, s:s, s:o}", "verdict",
                       d.verdict == WEIR_POLICY_PERMIT ? "permit" : "deny",
                       "rules", rules,
                       "reason", weir_policy_reason_name(d.reason),
                       "obligations", obligations);

    /* what shadow rules would change */

    if (answer != NULL && d.shadow != d.verdict
        && json_object_set_new(answer, "shadow",
                               json_string(d.shadow == WEIR_POLICY_PERMIT
                                           ? "permit" : "deny"))
           != 0)
    {
        json_decref(answer);
        return NULL;
    }

    return answer;
}


/*
 * {"limit":[...],"split":{SPLIT:COLOUR},"slo":NAME,"add_header":{NAME:VALUE},
 * "set_header":{NAME:VALUE},"log":LEVEL,"status":N}: what there is of them.
 */

static json_t *
weirctl_eval_obligations(weirctl_eval_t *e, const weir_policy_decision_t *d)
{
    char                   *key;
    json_t                 *all, *kind, *value;
    uint32_t                i;
    const char             *name;
    weir_policy_effect_t    effect;

    all = json_object();

    if (d->neffects > d->max_effects) {
        json_decref(all);
        return NULL;
    }

    for (i = 0; all != NULL && i < d->neffects; i++) {

        weir_policy_effect(e->b->bundle.image, e->policy, d->effects[i],
                           &effect);

        name = weir_policy_effect_name(effect.kind);
        value = NULL;

        switch (effect.kind) {

        case WEIR_POLICY_LOG:
            value = json_string(weir_policy_level_name(effect.number));
            break;

        case WEIR_POLICY_STATUS:
            value = json_integer(effect.number);
            break;

        case WEIR_POLICY_SLO:
        case WEIR_POLICY_LIMIT:
            value = json_stringn((const char *) effect.name.data,
                                 effect.name.len);
            break;

        default:
            value = json_stringn((const char *) effect.value.data,
                                 effect.value.len);
            break;
        }

        if (effect.kind == WEIR_POLICY_LOG || effect.kind == WEIR_POLICY_STATUS
            || effect.kind == WEIR_POLICY_SLO)
        {
            if (json_object_set_new(all, name, value) != 0) {
                goto nomem;
            }

            continue;
        }

        kind = json_object_get(all, name);

        if (kind == NULL) {
            kind = effect.kind == WEIR_POLICY_LIMIT ? json_array()
                                                    : json_object();

            if (json_object_set_new(all, name, kind) != 0) {
                json_decref(value);
                goto nomem;
            }
        }

        if (effect.kind == WEIR_POLICY_LIMIT) {

            if (json_array_append_new(kind, value) != 0) {
                goto nomem;
            }

            continue;
        }

        key = weir_arena_calloc(&e->arena, 1, effect.name.len + 1);

        if (key == NULL) {
            json_decref(value);
            goto nomem;
        }

        memcpy(key, effect.name.data, effect.name.len);

        if (json_object_set_new(kind, key, value) != 0) {
            goto nomem;
        }
    }

    return all;

nomem:

    json_decref(all);

    return NULL;
}


static int
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


/* "name": "value", or an array of values where it is repeated */

static int
weirctl_eval_fields(weirctl_eval_t *e, const json_t *json, const char *member,
    const weir_policy_field_t **fields, uint32_t *n)
{
    void                 *iter;
    size_t                i, count;
    json_t               *object, *value, *item;
    weir_policy_field_t  *f;

    object = weirctl_eval_member(json, member);

    if (object == NULL) {
        return WEIR_OK;
    }

    if (!json_is_object(object)) {
        return weirctl_eval_bad(e, strcmp(member, "query") == 0
                                   ? "query is no object"
                                   : "headers is no object");
    }

    count = 0;

    for (iter = json_object_iter(object); iter != NULL;
         iter = json_object_iter_next(object, iter))
    {
        value = json_object_iter_value(iter);
        count += json_is_array(value) ? json_array_size(value) : 1;
    }

    f = weir_arena_calloc(&e->arena, count + 1, sizeof(weir_policy_field_t));
    if (f == NULL) {
        return WEIR_NOMEM;
    }

    *fields = f;
    *n = (uint32_t) count;

    for (iter = json_object_iter(object); iter != NULL;
         iter = json_object_iter_next(object, iter))
    {
        value = json_object_iter_value(iter);
        count = json_is_array(value) ? json_array_size(value) : 1;

        for (i = 0; i < count; i++) {

            item = json_is_array(value) ? json_array_get(value, i) : value;

            if (!json_is_string(item)) {
                return weirctl_eval_bad(e, "a header or query value is "
                                           "neither a string nor an array of "
                                           "strings");
            }

            f->name = weir_cstr(json_object_iter_key(iter));
            f->value.data = (const uint8_t *) json_string_value(item);
            f->value.len = json_string_length(item);
            f++;
        }
    }

    return WEIR_OK;
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
