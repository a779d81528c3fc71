
/*
 * weirctl replay: a record of the decision log as the request that it is of.
 */

#include <stdlib.h>

#include "weirctl_fleet.h"
#include "weirctl_replay.h"


static int weirctl_replay_read(weirctl_replay_t *v, const json_t *known,
    const weir_policy_read_t *read, json_t *request);
static int weirctl_replay_claim(json_t *claims, weir_str_t name,
    json_t *value);
static int weirctl_replay_set(json_t *request, const char *object,
    const char *name, json_t *value);
static json_t *weirctl_replay_path(const json_t *record);


int
weirctl_replay_request(weirctl_replay_t *v, const json_t *record,
    json_t **request)
{
    int                         rc;
    json_t                     *path, *known, *identity, *host, *time;
    uint32_t                    i, n, policy;
    weir_str_t                  name;
    weir_policy_read_t          read;
    weir_policy_request_t       nobody;
    const weir_policy_image_t  *image;

    *request = NULL;

    image = v->b.bundle.image;
    name = weir_cstr(json_string_value(json_object_get(record, "policy")));

    if (name.data == NULL
        || weir_policy_find(image, name, &policy) != WEIR_OK)
    {
        return weirctl_replay_missing(v, "there is no policy \"%s\"",
                                      (const char *) name.data);
    }

    path = weirctl_replay_path(record);

    if (path == NULL) {
        return weirctl_replay_missing(v, "the path is not in the log%s", "");
    }

    identity = json_object_get(record, "identity");
    known = json_object_get(record, "read");
    host = json_object_get(record, "host");
    time = json_object_get(record, "decision_time");

    if (time == NULL) {
        time = json_object_get(record, "time");
    }

    /* older logs have so what was not there */

    if (json_is_string(host) && json_string_length(host) == 0) {
        json_decref(path);
        return weirctl_replay_missing(v, "the host is not in the log%s", "");
    }

    *request = json_pack("{s:O, s:O?, s:O?, s:o, s:O?, s:O?, s:{s:O?, s:O?},"
                         " s:{}, s:{}, s:{}, s:{}}",
                         "policy", json_object_get(record, "policy"),
                         "method", json_object_get(record, "method"),
                         "host", json_is_null(host) ? NULL : host,
                         "path", path,
                         "source", json_object_get(record, "source"),
                         "time", time,
                         "identity",
                         "kind", json_object_get(identity, "kind"),
                         "issuer", json_object_get(identity, "issuer"),
                         "claims", "headers", "query", "tls");

    if (*request == NULL) {
        return weirctl_nomem();
    }

    memset(&nobody, 0, sizeof(weir_policy_request_t));

    n = weir_policy_attrs(image, policy);
    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON && i < n; i++) {

        if (weir_policy_read_attr(image, policy, i, &nobody, &read)
            == WEIR_OK)
        {
            rc = weirctl_replay_read(v, known, &read, *request);
        }
    }

    if (rc != WEIRCTL_GO_ON) {
        json_decref(*request);
        *request = NULL;
    }

    /* it was counted */

    return rc == WEIRCTL_NO ? WEIRCTL_GO_ON : rc;
}


/* WEIRCTL_NO: the log does not say. */

static int
weirctl_replay_read(weirctl_replay_t *v, const json_t *known,
    const weir_policy_read_t *read, json_t *request)
{
    int      rc, unknown;
    char     name[1024], key[1024];
    size_t   len;
    json_t  *value;

    len = weir_policy_read_name(read, (uint8_t *) name, sizeof(name) - 1);
    name[len < sizeof(name) ? len : sizeof(name) - 1] = '\0';

    /* these are no attributes of the request alone */

    if (strcmp(name, "identity.kind") == 0
        || strcmp(name, "identity.issuer") == 0)
    {
        return WEIRCTL_GO_ON;
    }

    value = json_object_get(known, name);

    if (value == NULL || read->name.len >= sizeof(key)) {
        (void) weirctl_replay_missing(v, "%s is not in the log", name);
        return WEIRCTL_NO;
    }

    if (json_is_null(value)) {
        return WEIRCTL_GO_ON;
    }

    if (json_object_get(value, "hmac") != NULL) {
        (void) weirctl_replay_missing(v, "%s is hidden in the log", name);
        return WEIRCTL_NO;
    }

    unknown = json_is_object(value);

    memcpy(key, read->name.data, read->name.len);
    key[read->name.len] = '\0';

    switch (read->kind) {

    case WEIR_POLICY_READ_CLAIM:

        /* of no type that a claim could have */

        rc = weirctl_replay_claim(json_object_get(request, "claims"),
                                  read->name, unknown ? json_real(0.5)
                                                      : json_incref(value));
        return rc == 0 ? WEIRCTL_GO_ON : weirctl_nomem();

    case WEIR_POLICY_READ_HEADER:
    case WEIR_POLICY_READ_QUERY:

        /* unknown is what is repeated */

        rc = weirctl_replay_set(request, read->kind == WEIR_POLICY_READ_HEADER
                                         ? "headers" : "query", key,
                                unknown ? json_pack("[s, s]", "", "")
                                        : json_incref(value));
        return rc == 0 ? WEIRCTL_GO_ON : weirctl_nomem();

    default: /* WEIR_POLICY_READ_WORD */
        break;
    }

    if (!unknown) {

        if (strcmp(name, "request.scheme") == 0) {
            rc = json_object_set(request, "scheme", value);

        } else if (strcmp(name, "source.peer") == 0) {
            rc = json_object_set(request, "peer", value);

        } else if (strcmp(name, "identity.spiffe") == 0) {
            rc = weirctl_replay_set(request, "identity", "spiffe",
                                    json_incref(value));

        } else if (strncmp(name, "tls.", 4) == 0) {
            rc = weirctl_replay_set(request, "tls", name + 4,
                                    json_incref(value));

        } else {
            rc = 1;
        }

        if (rc <= 0) {
            return rc == 0 ? WEIRCTL_GO_ON : weirctl_nomem();
        }
    }

    (void) weirctl_replay_missing(v, "%s is hidden in the log", name);

    return WEIRCTL_NO;
}


/* Members joined by NUL; takes the value. */

static int
weirctl_replay_claim(json_t *claims, weir_str_t name, json_t *value)
{
    char     key[1024];
    size_t   n;
    json_t  *inner;

    n = strnlen((const char *) name.data, name.len);

    memcpy(key, name.data, n);
    key[n] = '\0';

    if (n == name.len) {
        return json_object_set_new(claims, key, value);
    }

    inner = json_object_get(claims, key);

    /* a member that another attribute has whole, and is no object */

    if (inner != NULL && !json_is_object(inner)) {
        json_decref(value);
        return 0;
    }

    if (inner == NULL) {
        inner = json_object();

        if (json_object_set_new(claims, key, inner) != 0) {
            json_decref(value);
            return -1;
        }
    }

    name.data += n + 1;
    name.len -= n + 1;

    return weirctl_replay_claim(inner, name, value);
}


static int
weirctl_replay_set(json_t *request, const char *object, const char *name,
    json_t *value)
{
    return json_object_set_new(json_object_get(request, object), name, value);
}


/*
 * The path was decoded once; encoded again it is the same.  NULL: bytes of it
 * are not in the log.
 */

static json_t *
weirctl_replay_path(const json_t *record)
{
    char        *text, *p;
    size_t       i, len;
    json_t      *json;
    const char  *path;

    json = json_object_get(record, "path");
    path = json_string_value(json);

    if (path == NULL || json_object_get(record, "inexact") != NULL
        || strstr(path, "\xef\xbf\xbd") != NULL) {
        return NULL;
    }

    len = json_string_length(json);
    text = malloc(3 * len + 1);

    if (text == NULL) {
        return NULL;
    }

    p = text;

    for (i = 0; i < len; i++) {

        if (strchr("/-._~!$&'()*+,;=:@", path[i]) != NULL
            || (path[i] >= '0' && path[i] <= '9')
            || (path[i] >= 'A' && path[i] <= 'Z')
            || (path[i] >= 'a' && path[i] <= 'z'))
        {
            *p++ = path[i];

        } else {
            p += sprintf(p, "%%%02X", (uint8_t) path[i]);
        }
    }

    json = json_stringn(text, (size_t) (p - text));

    free(text);

    return json;
}
