
/*
 * weirctl audit verify: the trail of all that was published, compared with
 * itself, with the store and with what gateways accepted.
 */

#include <stdlib.h>
#include <time.h>

#include "weirctl_fleet.h"


#define WEIRCTL_VERIFY_TRIES  40
#define WEIRCTL_VERIFY_MS     100


typedef struct {
    weirctl_fleet_t  *fleet;
    weir_audit_t      audit;
    weir_arena_t      scratch;
    const char       *from;             /* "trail", or a file */
    json_t           *problems;
    int64_t           begins;           /* the trail, by the store's clock */
    weir_str_t        first;            /* line of the trail */
    weir_str_t        last;             /* line of the export before */
    uint64_t          skip;             /* entries that were read */
    int               rc;               /* GO_ON, or no memory */
} weirctl_verify_t;


static int weirctl_audit_verify(weirctl_t *ctl);
static int weirctl_verify(weirctl_verify_t *v, int open, int n,
    char **files);
static int weirctl_verify_all(weirctl_verify_t *v, int n, char **files);
static int weirctl_verify_file(weirctl_verify_t *v, const char *path);
static int weirctl_verify_first(void *ctx, int64_t when, weir_str_t line);
static int weirctl_verify_line(void *ctx, int64_t when, weir_str_t line);
static int weirctl_verify_entry(weirctl_verify_t *v, const char *from,
    uint64_t n, weir_str_t line);
#define weirctl_verify_problem(v, where, line, why, text)                     \
    weirctl_problem((v)->problems, where, line, why, text)

static int weirctl_verify_store(weirctl_verify_t *v);
static int weirctl_verify_stranger(weirctl_verify_t *v, weir_str_t name);
static int weirctl_verify_segments(weirctl_verify_t *v,
    const weir_document_t *doc);
static int weirctl_verify_least(weirctl_verify_t *v,
    const weir_document_t *head);
static int weirctl_verify_present(weirctl_verify_t *v, const char *name,
    const weirctl_doc_t *d);
static int weirctl_verify_gateways(weirctl_verify_t *v);
static int weirctl_verify_gateway(weirctl_verify_t *v,
    const weirctl_gateway_t *gw, const char *where);
static int weirctl_verify_missing(weirctl_verify_t *v, const char *where,
    const char *name, uint64_t version);
static int weirctl_verify_reach(weirctl_verify_t *v, const char *where,
    const char *name, uint64_t version, uint64_t epoch, const char *hash);
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


/* What the store has is the last of the trail, and nothing is missing. */

static int
weirctl_verify_store(weirctl_verify_t *v)
{
    int                 rc;
    char                name[WEIR_DOCUMENT_NAME_MAX + 1];
    uint32_t            i;
    weir_str_t          all;
    weirctl_doc_t       d;
    weirctl_fleet_t    *f;
    weir_store_err_t    err;
    weir_store_list_t   list;

    f = v->fleet;

    memset(&all, 0, sizeof(weir_str_t));

    rc = weirctl_doc_fetch(f, &d, WEIR_KIND_BUNDLE, weir_str(WEIR_BUNDLE_ID));

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_verify_present(v, "bundle/" WEIR_BUNDLE_ID, &d);
    }

    if (rc == WEIRCTL_GO_ON && d.readable) {
        rc = weirctl_verify_segments(v, &d.doc);
    }

    if (rc == WEIRCTL_GO_ON && d.readable) {
        rc = weirctl_verify_least(v, &d.doc);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (f->store->ops->lives(f->store, &f->arena, all, WEIRCTL_LIVES, &list,
                             &err)
        != WEIR_STORE_OK)
    {
        return weirctl_store_error(&err);
    }

    if (list.strangers != 0) {
        rc = weirctl_verify_stranger(v, list.stranger);
    }

    for (i = 0; rc == WEIRCTL_GO_ON && i < list.n; i++) {

        if (weir_kind(list.entries[i].kind) == WEIR_KIND_NONE) {
            rc = weirctl_verify_stranger(v, list.entries[i].kind);
            continue;
        }

        rc = weirctl_doc_fetch(f, &d, weir_kind(list.entries[i].kind),
                               list.entries[i].name);

        snprintf(name, sizeof(name), "%.*s/%.*s",
                 (int) list.entries[i].kind.len, list.entries[i].kind.data,
                 (int) list.entries[i].name.len, list.entries[i].name.data);

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_verify_present(v, name, &d);
        }
    }

    /* the other way round: what the trail has and the store has not */

    for (i = 0; rc == WEIRCTL_GO_ON && i < v->audit.last.n; i++) {
        all = v->audit.last.fences[i].name;

        if (weir_str_eq(all, weir_str("bundle/" WEIR_BUNDLE_ID))) {
            continue;
        }

        snprintf(name, sizeof(name), "%.*s", (int) all.len, all.data);

        rc = weirctl_doc_fetch(f, &d, weir_kind((weir_str_t) {
                                   strcspn(name, "/"), all.data }),
                               (weir_str_t) {
                                   all.len - strcspn(name, "/") - 1,
                                   all.data + strcspn(name, "/") + 1 });

        if (rc == WEIRCTL_GO_ON && !d.there) {
            rc = weirctl_verify_problem(v, name, 0, WEIR_REFUSAL_OLDER,
                                        "it is in the trail and not in the "
                                        "store");
        }
    }

    return rc;
}


/* Among the live documents, and none: nobody of us wrote it. */

static int
weirctl_verify_stranger(weirctl_verify_t *v, weir_str_t name)
{
    char  text[192];

    snprintf(text, sizeof(text), "\"%.*s\" is no document of Weir",
             (int) (name.len > 128 ? 128 : name.len),
             name.len != 0 ? (const char *) name.data : "");

    return weirctl_verify_problem(v, "live documents", 0,
                                  WEIR_REFUSAL_UNKNOWN_NAME, text);
}


static int
weirctl_verify_segments(weirctl_verify_t *v, const weir_document_t *doc)
{
    int                rc;
    uint32_t           i;
    weir_str_t         bytes;
    weir_arena_t       arena;
    weir_store_t      *store;
    weir_store_err_t   err;
    weir_store_code_e  code;

    rc = WEIRCTL_GO_ON;
    store = v->fleet->store;

    for (i = 0; rc == WEIRCTL_GO_ON && i < doc->nsegments; i++) {
        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        code = store->ops->segment(store, &arena, doc->segments[i].hash,
                                   (size_t) doc->segments[i].size, &bytes,
                                   &err);

        weir_arena_done(&arena);

        switch (code) {

        case WEIR_STORE_OK:
            break;

        case WEIR_STORE_MISSING:
            rc = weirctl_verify_problem(v, "bundle/" WEIR_BUNDLE_ID, 0,
                                        WEIR_REFUSAL_TRUNCATED,
                                        err.err.text);
            break;

        case WEIR_STORE_CORRUPT:
        case WEIR_STORE_TOO_LARGE:
        case WEIR_STORE_WRONG_TYPE:
            rc = weirctl_verify_problem(v, "bundle/" WEIR_BUNDLE_ID, 0,
                                        WEIR_REFUSAL_BAD_SIGNATURE,
                                        err.err.text);
            break;

        default:
            rc = weirctl_store_error(&err);
        }
    }

    return rc;
}


/*
 * The head's live_min: documents that were there, at least so new, when it was
 * signed.  That the store has what the trail has is seen later.
 */

static int
weirctl_verify_least(weirctl_verify_t *v, const weir_document_t *head)
{
    int                     rc;
    char                    name[WEIR_DOCUMENT_NAME_MAX + 1];
    uint32_t                i;
    const weir_live_min_t  *least;

    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON && i < head->nlive_min; i++) {
        least = &head->live_min[i];

        snprintf(name, sizeof(name), "%.*s", (int) least->name.len,
                 least->name.data);

        rc = weirctl_verify_reach(v, "bundle/" WEIR_BUNDLE_ID, name,
                                  least->version, 0, "");
    }

    return rc;
}


static int
weirctl_verify_present(weirctl_verify_t *v, const char *name,
    const weirctl_doc_t *d)
{
    weir_fence_t         fence;
    weirctl_hash_t       hash;
    const weir_fence_t  *last;

    last = weir_fences_find(&v->audit.last, weir_cstr(name));

    if (!d->there) {
        return last == NULL ? WEIRCTL_GO_ON
               : weirctl_verify_problem(v, name, 0, WEIR_REFUSAL_OLDER,
                                        "it is in the trail and not in the "
                                        "store");
    }

    if (!d->readable || d->why != WEIR_REFUSAL_NONE) {
        return weirctl_verify_problem(v, name, 0, d->why, d->err.text);
    }

    memset(&fence, 0, sizeof(weir_fence_t));

    fence.epoch = d->doc.epoch;
    fence.version = d->doc.version;

    if (last != NULL && weir_fence_cmp(last, &fence) > 0) {
        return weirctl_verify_problem(v, name, 0, WEIR_REFUSAL_OLDER,
                                      "the store has an older version than "
                                      "the trail's last");
    }

    weirctl_hash(&hash, d->envelope.hash);

    return weirctl_verify_reach(v, name, name, d->doc.version, d->doc.epoch,
                                hash.text);
}


static int
weirctl_verify_gateways(weirctl_verify_t *v)
{
    int                  rc;
    char                 where[WEIR_STORE_NAME_MAX + 16];
    uint32_t             i;
    weirctl_gateway_t   *gw;
    weirctl_gateways_t   g;

    rc = weirctl_gateways(v->fleet, &g);

    for (i = 0; rc == WEIRCTL_GO_ON && i < g.n; i++) {
        gw = &g.list[i];

        snprintf(where, sizeof(where), "gateway %.*s", (int) gw->node.len,
                 gw->node.data);

        if (gw->report == NULL) {
            weirctl_note(v->fleet->ctl, "%s: %s", where, gw->error);
            continue;
        }

        rc = weirctl_verify_gateway(v, gw, where);
    }

    weirctl_gateways_done(&g);

    return rc;
}


/* All documents of the trail, and those that the gateway has besides. */

static int
weirctl_verify_gateway(weirctl_verify_t *v, const weirctl_gateway_t *gw,
    const char *where)
{
    int          rc;
    char         name[WEIR_DOCUMENT_NAME_MAX + 1];
    json_t      *object;
    uint32_t     i;
    uint64_t     version, epoch;
    const char  *hash, *key;

    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON && i < v->audit.last.n; i++) {
        snprintf(name, sizeof(name), "%.*s",
                 (int) v->audit.last.fences[i].name.len,
                 v->audit.last.fences[i].name.data);

        if (weirctl_gateway_fence(gw, name, &version, &epoch, &hash)) {
            rc = weirctl_verify_reach(v, where, name, version, epoch, hash);
        }
    }

    if (weirctl_gateway_fence(gw, "bundle/" WEIR_BUNDLE_ID, &version, &epoch,
                              &hash)
        && rc == WEIRCTL_GO_ON)
    {
        rc = weirctl_verify_missing(v, where, "bundle/" WEIR_BUNDLE_ID,
                                    version);
    }

    json_object_foreach(json_object_get(gw->report, "fences"), key, object) {
        if (rc == WEIRCTL_GO_ON && strcmp(key, "bundle/" WEIR_BUNDLE_ID) != 0
            && weirctl_gateway_fence(gw, key, &version, &epoch, &hash))
        {
            rc = weirctl_verify_missing(v, where, key, version);
        }
    }

    return rc;
}


static int
weirctl_verify_missing(weirctl_verify_t *v, const char *where,
    const char *name, uint64_t version)
{
    return weir_fences_find(&v->audit.last, weir_cstr(name)) != NULL
           ? WEIRCTL_GO_ON
           : weirctl_verify_reach(v, where, name, version, 0, "");
}


/* A fence of which the hash may be unknown: "". */

static int
weirctl_verify_reach(weirctl_verify_t *v, const char *where,
    const char *name, uint64_t version, uint64_t epoch, const char *hash)
{
    weir_err_t           err;
    weir_str_t           s;
    weir_fence_t         fence;
    weir_refusal_e       why;
    const weir_fence_t  *last;

    memset(&fence, 0, sizeof(weir_fence_t));

    fence.name = weir_cstr(name);
    fence.version = version;
    fence.epoch = epoch;

    last = weir_fences_find(&v->audit.last, fence.name);

    if (last != NULL) {
        memcpy(fence.hash, last->hash, WEIR_SHA256_LEN);

        /* who does not say the epoch means that of the trail */

        if (epoch == 0 && hash[0] == '\0') {
            fence.epoch = last->epoch;
        }
    }

    s = weir_cstr(hash);

    if (s.len != 0 && weir_hash_parse(s, fence.hash) != WEIR_OK) {
        return weirctl_verify_problem(v, where, 0, WEIR_REFUSAL_SAME_VERSION,
                                      "what it reports is no hash");
    }

    return weir_audit_fence(&v->audit, &fence, &why, &err) == WEIR_OK
           ? WEIRCTL_GO_ON
           : weirctl_verify_problem(v, where, 0, why, err.text);
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
