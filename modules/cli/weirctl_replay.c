
/*
 * weirctl replay: the requests of a decision log, decided by other policies.
 *
 * A record has what the policy of that time may have read.  What a candidate
 * reads besides, or reads and is hidden, makes the answer undetermined:
 * nothing is guessed.
 */

#include <stdlib.h>

#include "weirctl_fleet.h"
#include "weirctl_replay.h"
#include "weir_json.h"


#define WEIRCTL_REPLAY_LINE  (64 * 1024)

/* Subjects that are tried for one that the log hides. */

#define WEIRCTL_REPLAY_SUBJECTS  64


static int weirctl_replay_file(weirctl_replay_t *v, const char *path);
static int weirctl_replay_line(weirctl_replay_t *v, weir_str_t line);
static int weirctl_replay_record(weirctl_replay_t *v, const json_t *record);
static int weirctl_replay_ask(weirctl_replay_t *v, json_t *request,
    json_t **answer);
static int weirctl_replay_subjects(weirctl_replay_t *v, json_t *request,
    json_t **answer);
static const char *weirctl_replay_was(const json_t *record);
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

    rc = weirctl_bundle(ctl, &v.b, ctl->argv[1], WEIRCTL_FILE);

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
    int          rc;
    json_t      *request, *answer;
    const char  *was;

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

    rc = json_is_string(json_object_get(json_object_get(record, "identity"),
                                        "subject_hmac"))
         ? weirctl_replay_subjects(v, request, &answer)
         : weirctl_replay_ask(v, request, &answer);

    json_decref(request);

    if (rc != WEIRCTL_GO_ON || answer == NULL) {
        return rc;
    }

    if (strcmp(json_string_value(json_object_get(answer, "verdict")), was)
        == 0)
    {
        v->n[WEIRCTL_REPLAY_SAME]++;

    } else {
        v->n[WEIRCTL_REPLAY_CHANGED]++;
        rc = weirctl_replay_change(v, record, was, answer);
    }

    json_decref(answer);

    return rc;
}


/* *answer is NULL where there is none, which was counted. */

static int
weirctl_replay_ask(weirctl_replay_t *v, json_t *request, json_t **answer)
{
    weirctl_eval_t  e;

    memset(&e, 0, sizeof(weirctl_eval_t));
    weir_arena_init(&e.arena, &weir_alloc_malloc, 0);

    e.b = &v->b;
    e.r.regexes = v->regexes;

    *answer = weirctl_eval_request(&e, request) == WEIR_OK
              ? weirctl_eval_answer(&e) : NULL;

    weir_arena_done(&e.arena);

    if (*answer != NULL) {
        return WEIRCTL_GO_ON;
    }

    return e.error == NULL ? weirctl_nomem()
                           : weirctl_replay_missing(v, "%s", e.error);
}


/*
 * The log hides who it was: one that the policy names, or none of these.
 * Where all of them get the same verdict, it is that.
 */

static int
weirctl_replay_subjects(weirctl_replay_t *v, json_t *request, json_t **answer)
{
    int          rc;
    char         nobody[] = "\n";       /* in no policy's text */
    json_t      *other, *identity, *name;
    uint32_t     from, policy, n;
    weir_str_t   subject;
    const char  *verdict;

    identity = json_object_get(request, "identity");
    name = json_object_get(request, "policy");

    if (weir_policy_find(v->b.bundle.image,
                         weir_cstr(json_string_value(name)), &policy)
        != WEIR_OK
        || json_object_set_new(identity, "subject", json_string(nobody)) != 0)
    {
        return weirctl_nomem();
    }

    rc = weirctl_replay_ask(v, request, answer);

    if (rc != WEIRCTL_GO_ON || *answer == NULL) {
        return rc;
    }

    verdict = json_string_value(json_object_get(*answer, "verdict"));

    from = 0;
    n = 0;

    while (weir_policy_next_subject(v->b.bundle.image, policy, &from, &subject)
           == WEIR_OK)
    {
        if (json_object_set_new(identity, "subject",
                                json_stringn((const char *) subject.data,
                                             subject.len))
            != 0)
        {
            rc = weirctl_nomem();
            break;
        }

        rc = weirctl_replay_ask(v, request, &other);

        if (rc == WEIRCTL_GO_ON && other != NULL
            && ++n <= WEIRCTL_REPLAY_SUBJECTS
            && strcmp(json_string_value(json_object_get(other, "verdict")),
                      verdict)
               == 0)
        {
            json_decref(other);
            continue;
        }

        if (rc == WEIRCTL_GO_ON && other != NULL) {
            rc = weirctl_replay_missing(v, "%s is hidden in the log",
                                        "identity.subject");
        }

        json_decref(other);
        json_decref(*answer);
        *answer = NULL;

        return rc;
    }

    if (rc != WEIRCTL_GO_ON) {
        json_decref(*answer);
        *answer = NULL;
    }

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


int
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
