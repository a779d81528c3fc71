
/*
 * Weir: questions of the AuthZEN Authorization API 1.0.
 */

#include <string.h>

#include "weir_authzen_members.h"
#include "weir_json.h"


static int weir_authzen_options(weir_authzen_t *a, const json_t *options);
static int weir_authzen_question(weir_authzen_ctx_t *c, const json_t *item,
    const json_t *defaults);
static const json_t *weir_authzen_either(const json_t *item,
    const json_t *defaults, const char *name);
static int weir_authzen_shared_subject(weir_authzen_ctx_t *c,
    const json_t *subject);
static int weir_authzen_shared_context(weir_authzen_ctx_t *c,
    const json_t *context);


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

    memset(&c, 0, sizeof(weir_authzen_ctx_t));

    c.arena = arena;
    c.issuer = issuer;

    if (a->batch) {
        c.subject.json = json_object_get(*json, "subject");
        c.context.json = json_object_get(*json, "context");
    }

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

    rc = weir_authzen_shared_subject(c, weir_authzen_either(item, defaults,
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

    rc = weir_authzen_shared_context(c, weir_authzen_either(item, defaults,
                                                            "context"));
    if (rc != WEIR_OK) {
        return rc;
    }

    return weir_authzen_agrees(c);
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


/* What a subject makes of a question is all that it has by then. */

static int
weir_authzen_shared_subject(weir_authzen_ctx_t *c, const json_t *subject)
{
    weir_authzen_shared_t  *shared;

    shared = &c->subject;

    if (subject == NULL || subject != shared->json) {
        return weir_authzen_subject(c, subject);
    }

    if (!shared->known) {
        shared->known = 1;
        shared->rc = weir_authzen_subject(c, subject);
        shared->q = *c->q;

    } else {
        *c->q = shared->q;
    }

    return shared->rc;
}


static int
weir_authzen_shared_context(weir_authzen_ctx_t *c, const json_t *context)
{
    weir_authzen_shared_t    *shared;
    weir_authzen_question_t  *q;

    q = c->q;
    shared = &c->context;

    if (context == NULL || context != shared->json) {
        return weir_authzen_context(c, context);
    }

    if (!shared->known) {
        shared->known = 1;
        shared->rc = weir_authzen_context(c, context);
        shared->q = *q;

        return shared->rc;
    }

    q->error = shared->q.error;
    q->source = shared->q.source;
    q->has_source = shared->q.has_source;
    q->time = shared->q.time;
    q->has_time = shared->q.has_time;
    q->named = shared->q.named;
    q->fields = shared->q.fields;

    return shared->rc;
}
