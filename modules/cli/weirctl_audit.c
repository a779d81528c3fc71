
/*
 * weirctl audit verify: the trail of all that was published, compared with
 * itself, with the store and with what gateways accepted.
 */

#include <stdlib.h>
#include <time.h>

#include "weirctl_audit.h"


#define WEIRCTL_VERIFY_TRIES  40
#define WEIRCTL_VERIFY_MS     100


static int weirctl_audit_verify(weirctl_t *ctl);
static int weirctl_verify(weirctl_verify_t *v, int open, int n,
    char **files);
static int weirctl_verify_all(weirctl_verify_t *v, int n, char **files);
static int weirctl_verify_file(weirctl_verify_t *v, const char *path);
static int weirctl_verify_first(void *ctx, int64_t when, weir_str_t line);
static int weirctl_verify_line(void *ctx, int64_t when, weir_str_t line);
static int weirctl_verify_entry(weirctl_verify_t *v, const char *from,
    uint64_t n, weir_str_t line);
static int weirctl_verify_print(weirctl_verify_t *v);


const weirctl_verb_t  weirctl_audit_verbs[] = {
    { "verify", "[EXPORT...]", "signatures, sequence, and no gap",
      weirctl_audit_verify, NULL },
    { "export", "FILE", "write the trail as JSON lines",
      weirctl_audit_export, NULL },
    { "trim", "EXPORT", "remove old days that were exported",
      weirctl_audit_trim, NULL },
    weirctl_verbs_end
};


static int
weirctl_audit_verify(weirctl_t *ctl)
{
    int                      rc, open;
    weirctl_fleet_t          f;
    weirctl_verify_t         v;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    o.reads = 1;
    memset(&v, 0, sizeof(weirctl_verify_t));
    open = 0;

    const weirctl_option_t  options[] = {
        weirctl_option_store(&o),
        weirctl_option_trust(&o),
        weirctl_option_sign(&o),
        { "trimmed", WEIRCTL_FLAG, &open, NULL,
          "the trail may begin at any version" },
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Verifies each entry's signatures, by the keys "
                         "of --trust; that no version is\nmissing, repeated "
                         "or changed; that the trail ends with what the "
                         "store has, and\nnot before what any gateway "
                         "accepted.  EXPORT: what was exported and trimmed\n"
                         "before, oldest first.",
                         options, 0, 1000);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_fleet(ctl, &f, &o, 0);

    if (rc == WEIRCTL_GO_ON) {

        if (!f.checks) {
            weirctl_note(ctl, "signatures are not verified: --trust says by "
                         "whom they must be");
        }

        v.fleet = &f;
        weir_arena_init(&v.scratch, &weir_alloc_malloc, 0);

        rc = weirctl_verify(&v, open, ctl->argc, ctl->argv);

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_verify_print(&v);
        }

        weir_arena_done(&v.scratch);
        json_decref(v.problems);
    }

    weirctl_fleet_done(&f);

    return rc;
}


/*
 * What is published while we read looks like a gap, for once: a problem is
 * what is the same when everything is read again.
 */

static int
weirctl_verify(weirctl_verify_t *v, int open, int n, char **files)
{
    int               rc, same;
    json_t           *before;
    unsigned          tries;
    struct timespec   pause;

    pause.tv_sec = 0;
    pause.tv_nsec = WEIRCTL_VERIFY_MS * 1000000L;

    for (tries = 1; ; tries++) {
        before = v->problems;

        v->problems = json_array();
        v->begins = 0;
        v->first.len = 0;
        v->last.len = 0;

        rc = weir_audit_init(&v->audit, &v->fleet->arena, &v->fleet->trust,
                             v->fleet->ns, NULL, open) == WEIR_OK
             ? weirctl_verify_all(v, n, files) : weirctl_nomem();

        same = before != NULL && json_equal(before, v->problems);

        json_decref(before);

        if (rc != WEIRCTL_GO_ON || json_array_size(v->problems) == 0 || same
            || tries == WEIRCTL_VERIFY_TRIES)
        {
            return rc;
        }

        (void) nanosleep(&pause, NULL);
    }
}


static int
weirctl_verify_all(weirctl_verify_t *v, int n, char **files)
{
    int                rc, i;
    uint64_t           seen;
    weir_store_err_t   err;
    weir_store_code_e  code;

    /* what is wrong with the trail is told when it is read as a whole */

    (void) v->fleet->store->ops->audit(v->fleet->store, 0, WEIR_ENVELOPE_MAX,
                                       weirctl_verify_first, v, &err);

    for (i = 0; i < n; i++) {
        rc = weirctl_verify_file(v, files[i]);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    v->from = "trail";
    v->rc = WEIRCTL_GO_ON;
    v->audit.nentries = 0;

    /* once more while that brings something: signatures take their time */

    do {
        v->skip = seen = v->audit.nentries;

        code = v->fleet->store->ops->audit(v->fleet->store, 0,
                                           WEIR_ENVELOPE_MAX,
                                           weirctl_verify_line, v, &err);

    } while (code == WEIR_STORE_OK && v->rc == WEIRCTL_GO_ON
             && v->audit.nentries > seen);

    if (v->rc != WEIRCTL_GO_ON) {
        return v->rc;
    }

    /* half a line, or a giant: the trail was changed by somebody */

    if (code == WEIR_STORE_CORRUPT || code == WEIR_STORE_TOO_LARGE) {
        rc = weirctl_verify_problem(v, "trail", v->audit.nentries + 1,
                                    WEIR_REFUSAL_TRUNCATED, err.err.text);

    } else {
        rc = code == WEIR_STORE_OK ? WEIRCTL_GO_ON
                                   : weirctl_store_error(&err);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_verify_store(v);
    }

    return rc == WEIRCTL_GO_ON ? weirctl_verify_gateways(v) : rc;
}


static int
weirctl_verify_first(void *ctx, int64_t when, weir_str_t line)
{
    weirctl_verify_t *v = ctx;

    v->begins = when;
    v->first = weir_arena_copy(&v->fleet->arena, line);

    return 1;
}


/*
 * Exports may overlap: what the one before had is passed over, and where the
 * trail begins the export ends.
 */

static int
weirctl_verify_file(weirctl_verify_t *v, const char *path)
{
    int         rc;
    uint64_t    n, skip;
    weir_str_t  text, rest, line;

    rc = weirctl_read(path, WEIRCTL_EXPORT_MAX, &text);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    skip = 0;
    rest = text;

    for (n = 1; v->last.len != 0 && weirctl_export_next(&rest, &line); n++) {
        if (weir_str_eq(line, v->last)) {
            skip = n;
        }
    }

    rest = text;
    line.len = 0;

    for (n = 1; rc == WEIRCTL_GO_ON && weirctl_export_next(&rest, &line);
         n++)
    {
        if (v->first.len != 0 && weir_str_eq(line, v->first)) {
            break;
        }

        if (n > skip) {
            rc = weirctl_verify_entry(v, path, n, line);
        }
    }

    if (rc == WEIRCTL_GO_ON && line.len != 0) {
        v->last = weir_arena_copy(&v->fleet->arena, line);

        if (v->last.data == NULL) {
            rc = weirctl_nomem();
        }
    }

    free((void *) text.data);

    return rc;
}


static int
weirctl_verify_line(void *ctx, int64_t when, weir_str_t line)
{
    weirctl_verify_t *v = ctx;

    (void) when;

    if (v->skip != 0) {
        v->skip--;
        return 0;
    }

    v->rc = weirctl_verify_entry(v, v->from, v->audit.nentries + 1, line);

    return v->rc != WEIRCTL_GO_ON;
}


static int
weirctl_verify_entry(weirctl_verify_t *v, const char *from, uint64_t n,
    weir_str_t line)
{
    int             rc;
    weir_err_t      err;
    weir_refusal_e  why;

    weir_arena_done(&v->scratch);
    weir_arena_init(&v->scratch, &weir_alloc_malloc, 0);

    rc = weir_audit_entry(&v->audit, &v->scratch, line, &why, &err);

    if (rc == WEIR_NOMEM) {
        return weirctl_nomem();
    }

    return rc == WEIR_OK ? WEIRCTL_GO_ON
                         : weirctl_verify_problem(v, from, n, why, err.text);
}


static int
weirctl_verify_print(weirctl_verify_t *v)
{
    int                  rc;
    size_t               k, bad;
    json_t              *documents;
    int64_t              retain;
    uint32_t             i;
    weirctl_hash_t       hash;
    const weir_fence_t  *last;

    bad = json_array_size(v->problems);

    for (k = 0; k < bad; k++) {
        weirctl_problem_print(json_array_get(v->problems, k));
    }

    if (v->fleet->ctl->json) {
        documents = json_array();

        for (i = 0; i < v->audit.last.n; i++) {
            last = &v->audit.last.fences[i];
            weirctl_hash(&hash, last->hash);

            (void) json_array_append_new(documents,
                json_pack("{s:s%, s:I, s:I, s:s}", "name",
                          (char *) last->name.data, last->name.len,
                          "version", (json_int_t) last->version, "epoch",
                          (json_int_t) last->epoch, "hash", hash.text));
        }

        rc = weirctl_print_json(json_pack("{s:I, s:b, s:o, s:O}", "entries",
                                          (json_int_t) v->audit.nentries,
                                          "signatures", v->fleet->checks,
                                          "documents", documents, "problems",
                                          v->problems));

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }

    } else if (!v->fleet->ctl->quiet) {
        printf("%llu entries, %u documents, %zu %s%s\n",
               (unsigned long long) v->audit.nentries,
               (unsigned) v->audit.last.n, bad,
               bad == 1 ? "problem" : "problems",
               v->fleet->checks ? "" : ", signatures not verified");
    }

    retain = v->fleet->retain != 0 ? v->fleet->retain : WEIRCTL_RETAIN_S;

    /* a day's own length, and a day to do it in */

    if (v->begins != 0
        && v->begins < weirctl_now() - retain - 2 * 86400)
    {
        weirctl_note(v->fleet->ctl, "the trail has entries older than %lld "
                     "days: \"audit export\", then \"audit trim\"",
                     (long long) (retain / 86400));
    }

    return bad != 0 ? WEIRCTL_NO : WEIRCTL_YES;
}
