
/*
 * weirctl replay: the requests of a decision log, decided by other policies.
 *
 * A record has what the policy of that time may have read.  What a candidate
 * reads besides, or reads and is hidden, makes the answer undetermined:
 * nothing is guessed.
 */

#include <stdlib.h>

#include "weirctl_eval.h"
#include "weirctl_fleet.h"
#include "weir_json.h"


#define WEIRCTL_REPLAY_LINE  (64 * 1024)


typedef enum {
    WEIRCTL_REPLAY_SAME = 0,
    WEIRCTL_REPLAY_CHANGED,
    WEIRCTL_REPLAY_UNDETERMINED,
    WEIRCTL_REPLAY_UNDECIDED,       /* no policy decided it */
    WEIRCTL_REPLAY_UNREADABLE,
    WEIRCTL_REPLAY_RESULTS
} weirctl_replay_result_e;


typedef struct {
    weirctl_t              *ctl;
    weirctl_bundle_t        b;
    weir_policy_regexes_t  *regexes;
    json_t                 *changes;
    json_t                 *missing;   /* {why: n} */
    uint64_t                n[WEIRCTL_REPLAY_RESULTS];
} weirctl_replay_t;


static int weirctl_replay_file(weirctl_replay_t *v, const char *path);
static int weirctl_replay_line(weirctl_replay_t *v, weir_str_t line);
static int weirctl_replay_record(weirctl_replay_t *v, const json_t *record);
static const char *weirctl_replay_was(const json_t *record);
static int weirctl_replay_request(weirctl_replay_t *v, const json_t *record,
    json_t **request);
static int weirctl_replay_read(weirctl_replay_t *v, const json_t *known,
    const weir_policy_read_t *read, json_t *request);
static int weirctl_replay_claim(json_t *claims, weir_str_t name,
    json_t *value);
static int weirctl_replay_set(json_t *request, const char *object,
    const char *name, json_t *value);
static json_t *weirctl_replay_path(const json_t *record);
static int weirctl_replay_missing(weirctl_replay_t *v, const char *fmt,
    const char *what);
static int weirctl_replay_change(weirctl_replay_t *v, const json_t *record,
    const char *was, json_t *answer);
static int weirctl_replay_print(weirctl_replay_t *v);


static const weir_json_limits_t  weirctl_replay_limits = {
    8, WEIRCTL_REPLAY_LINE, WEIRCTL_REPLAY_LINE
};


int
weirctl_replay(weirctl_t *ctl)
{
    int               rc;
    weirctl_replay_t  v;

    memset(&v, 0, sizeof(weirctl_replay_t));

    rc = weirctl_options(ctl, "Decides the requests of LOG, which "
                         "weir_decision_log wrote (\"-\": stdin), by the\n"
                         "policies of DIR, and tells which decisions would "
                         "be others.  Undetermined is what\nDIR decides by "
                         "more than the log has.  Exit: 0 where there are "
                         "decisions and all would\nbe the same; 1.", NULL, 2,
                         2);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    v.ctl = ctl;
    v.changes = json_array();
    v.missing = json_object();

    rc = weirctl_bundle(ctl, &v.b, ctl->argv[1], WEIRCTL_FOLDER);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_diagnostics(ctl, &v.b);
    }

    if (rc == WEIRCTL_GO_ON && v.b.bundle.nerrors) {
        rc = WEIRCTL_NO;
    }

    if (rc == WEIRCTL_GO_ON) {
        v.regexes = weir_policy_regexes_create(&weir_alloc_malloc,
                                               v.b.bundle.image);

        rc = v.regexes == NULL ? weirctl_nomem()
                               : weirctl_replay_file(&v, ctl->argv[0]);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_replay_print(&v);
    }

    json_decref(v.changes);
    json_decref(v.missing);
    weir_policy_regexes_destroy(v.regexes);
    weirctl_bundle_done(&v.b);

    return rc;
}


static int
weirctl_replay_file(weirctl_replay_t *v, const char *path)
{
    int         rc, more;
    FILE       *f;
    char       *buf;
    size_t      size;
    weir_str_t  line;

    f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");

    if (f == NULL) {
        return weirctl_error("%s: %m", path);
    }

    rc = WEIRCTL_GO_ON;
    buf = NULL;
    size = 0;

    while (rc == WEIRCTL_GO_ON) {

        more = weirctl_line(f, WEIRCTL_REPLAY_LINE, &buf, &size, &line);

        if (more <= 0) {
            rc = more == 0 ? WEIRCTL_GO_ON : WEIRCTL_USAGE;
            break;
        }

        rc = weirctl_replay_line(v, line);
    }

    free(buf);

    if (f != stdin) {
        (void) fclose(f);
    }

    return rc;
}


static int
weirctl_replay_line(weirctl_replay_t *v, weir_str_t line)
{
    int      rc;
    size_t   weight;
    json_t  *record;

    record = NULL;

    if (line.len <= WEIRCTL_REPLAY_LINE
        && weir_json_scan((uint8_t *) line.data, line.len,
                          &weirctl_replay_limits, &weight)
           == WEIR_OK)
    {
        record = json_loadb((const char *) line.data, line.len,
                            JSON_REJECT_DUPLICATES, NULL);
    }

    if (!json_is_object(record)
        || !json_is_string(json_object_get(record, "verdict")))
    {
        v->n[WEIRCTL_REPLAY_UNREADABLE]++;
        rc = WEIRCTL_GO_ON;

    } else {
        rc = weirctl_replay_record(v, record);
    }

    json_decref(record);

    return rc;
}


static int
weirctl_replay_record(weirctl_replay_t *v, const json_t *record)
{
    int              rc;
    json_t          *request, *answer;
    const char      *was;
    weirctl_eval_t   e;

    was = weirctl_replay_was(record);

    if (was == NULL) {
        v->n[WEIRCTL_REPLAY_UNDECIDED]++;
        return WEIRCTL_GO_ON;
    }

    if (!json_is_object(json_object_get(record, "read"))) {
        return weirctl_replay_missing(v, "what was read is not in the log%s",
                                      "");
    }

    rc = weirctl_replay_request(v, record, &request);

    if (rc != WEIRCTL_GO_ON || request == NULL) {
        return rc;
    }

    memset(&e, 0, sizeof(weirctl_eval_t));
    weir_arena_init(&e.arena, &weir_alloc_malloc, 0);

    e.b = &v->b;
    e.r.regexes = v->regexes;

    answer = weirctl_eval_request(&e, request) == WEIR_OK
             ? weirctl_eval_answer(&e) : NULL;

    weir_arena_done(&e.arena);
    json_decref(request);

    if (answer == NULL) {
        return e.error == NULL ? weirctl_nomem()
                               : weirctl_replay_missing(v, "%s", e.error);
    }

    if (strcmp(json_string_value(json_object_get(answer, "verdict")), was)
        == 0)
    {
        v->n[WEIRCTL_REPLAY_SAME]++;
        rc = WEIRCTL_GO_ON;

    } else {
        v->n[WEIRCTL_REPLAY_CHANGED]++;
        rc = weirctl_replay_change(v, record, was, answer);
    }

    json_decref(answer);

    return rc;
}


/*
 * What the policy said: a request that it permitted may have met a quota, and
 * one that it denied may be let through (weir_policy NAME shadow, satisfy any).
 * NULL: it said nothing.
 */

static const char *
weirctl_replay_was(const json_t *record)
{
    size_t       i;
    const char  *reason, *verdict;

    static const char  *reasons[][2] = {
        { "permit-rule", "permit" },
        { "deny-rule", "deny" },
        { "deny-unknown", "deny" },
        { "default-deny", "deny" }
    };

    reason = json_string_value(json_object_get(record, "reason"));
    verdict = json_string_value(json_object_get(record, "verdict"));

    for (i = 0; reason != NULL && i < 4; i++) {
        if (strcmp(reason, reasons[i][0]) == 0) {
            return reasons[i][1];
        }
    }

    return strcmp(verdict, "limited") == 0
           && json_is_object(json_object_get(record, "read"))
           ? "permit" : NULL;
}


/*
 * The request as eval reads it.  *request is NULL where the record does not
 * have all of it, which was counted.
 */

static int
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

    if (weir_policy_reads_subject(image, policy)
        && json_is_string(json_object_get(identity, "subject_hmac")))
    {
        json_decref(path);
        return weirctl_replay_missing(v, "%s is hidden in the log",
                                      "identity.subject");
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


/* Undetermined, for that reason. */

static int
weirctl_replay_missing(weirctl_replay_t *v, const char *fmt, const char *what)
{
    int   rc;
    char  why[1280];

    snprintf(why, sizeof(why), fmt, what != NULL ? what : "");

    v->n[WEIRCTL_REPLAY_UNDETERMINED]++;

    rc = json_object_set_new(v->missing, why,
             json_integer(json_integer_value(json_object_get(v->missing, why))
                          + 1));

    return rc == 0 ? WEIRCTL_GO_ON : weirctl_nomem();
}


static int
weirctl_replay_change(weirctl_replay_t *v, const json_t *record,
    const char *was, json_t *answer)
{
    size_t        i;
    json_t       *change, *rules;
    const char   *now, *host;

    now = json_string_value(json_object_get(answer, "verdict"));
    host = json_string_value(json_object_get(record, "host"));
    rules = json_object_get(answer, "rules");

    if (v->ctl->json) {
        change = json_pack("{s:O?, s:s, s:s, s:O?, s:O, s:O?, s:O?, s:O?}",
                           "id", json_object_get(record, "id"),
                           "was", was, "now", now,
                           "rules_was", json_object_get(record, "rules"),
                           "rules", rules,
                           "method", json_object_get(record, "method"),
                           "host", json_object_get(record, "host"),
                           "path", json_object_get(record, "path"));

        return json_array_append_new(v->changes, change) == 0
               ? WEIRCTL_GO_ON : weirctl_nomem();
    }

    weirctl_print(stdout, "%s -> %s  %s %s%s  %s  by", was, now,
                  json_string_value(json_object_get(record, "method")),
                  host != NULL ? host : "-",
                  json_string_value(json_object_get(record, "path")),
                  json_string_value(json_object_get(record, "id")));

    for (i = 0; i < json_array_size(rules); i++) {
        weirctl_print(stdout, " %s",
                      json_string_value(json_array_get(rules, i)));
    }

    if (i == 0) {
        printf(" default");
    }

    putchar('\n');

    return WEIRCTL_GO_ON;
}


static int
weirctl_replay_print(weirctl_replay_t *v)
{
    int            rc;
    json_t        *n;
    const char    *why;
    unsigned       i;

    static const char  *names[WEIRCTL_REPLAY_RESULTS] = {
        "same", "changed", "undetermined", "undecided", "unreadable"
    };

    if (v->ctl->json) {
        n = json_pack("{s:O, s:O}", "changes", v->changes, "missing",
                      v->missing);

        for (i = 0; i < WEIRCTL_REPLAY_RESULTS; i++) {
            (void) json_object_set_new(n, names[i],
                                       json_integer((json_int_t) v->n[i]));
        }

        rc = weirctl_print_json(n);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }

    } else {
        json_object_foreach(v->missing, why, n) {
            weirctl_note(v->ctl, "%lld undetermined: %s",
                         (long long) json_integer_value(n), why);
        }

        for (i = 0; i < WEIRCTL_REPLAY_RESULTS; i++) {
            printf("%s%llu %s", i != 0 ? ", " : "",
                   (unsigned long long) v->n[i], names[i]);
        }

        putchar('\n');
    }

    /* of a log without decisions nothing can be said */

    return v->n[WEIRCTL_REPLAY_SAME] == 0
           || v->n[WEIRCTL_REPLAY_CHANGED] != 0
           || v->n[WEIRCTL_REPLAY_UNDETERMINED] != 0
           || v->n[WEIRCTL_REPLAY_UNREADABLE] != 0 ? WEIRCTL_NO : WEIRCTL_YES;
}
