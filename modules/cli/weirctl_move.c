
/*
 * weirctl: documents from one state to a store: what restore and sync have in
 * common.
 *
 * A gateway takes higher versions only, and so do we: what is newer there
 * stays.  Whoever restores an older content signs it anew, above all that the
 * store, its trail and its gateways know.
 */

#include <stdlib.h>
#include <unistd.h>

#include "weirctl_move.h"


#define WEIRCTL_MOVE_SHOWN  64          /* entries between two of progress */


static int weirctl_move_last(weirctl_move_t *m);
static int weirctl_move_plan(weirctl_move_t *m, weirctl_step_t *steps);
static int weirctl_move_entries(weirctl_move_t *m, weirctl_step_t *steps);
static int weirctl_move_wanted(const weirctl_move_t *m,
    const weirctl_step_t *steps, const weirctl_entry_t *e);
static int weirctl_move_there(const weirctl_move_t *m,
    const weirctl_entry_t *e);
static int weirctl_move_segments(weirctl_move_t *m,
    const weirctl_step_t *head);
static int weirctl_move_publish(weirctl_move_t *m, weirctl_step_t *step);
static int weirctl_move_copy(weirctl_move_t *m, weirctl_step_t *step);
static int weirctl_move_sign(weirctl_move_t *m, weirctl_step_t *step);
static int weirctl_move_sign_bundle(weirctl_move_t *m, weirctl_step_t *step,
    const weirctl_last_t *last);
static int weirctl_move_sign_live(weirctl_move_t *m, weirctl_step_t *step,
    const weirctl_last_t *last);
static int weirctl_move_report(weirctl_move_t *m, const weirctl_step_t *s);
static void weirctl_move_progress(weirctl_move_t *m, uint32_t i, uint32_t n);


int
weirctl_move(weirctl_move_t *m, weirctl_state_t *src, weirctl_state_t *dst,
    int restore)
{
    int              rc;
    uint32_t         i;
    weirctl_step_t  *steps, *head;

    memset(m, 0, sizeof(weirctl_move_t));

    m->src = src;
    m->dst = dst;
    m->restore = restore != 0;
    m->documents = json_array();

    rc = weirctl_gateways(dst->fleet, &m->gateways);

    for (i = 0; rc == WEIRCTL_GO_ON && i < m->gateways.n; i++) {
        if (m->gateways.list[i].report == NULL) {
            weirctl_note(dst->fleet->ctl, "gateway %.*s: %s: what it has "
                         "accepted is not known",
                         (int) m->gateways.list[i].node.len,
                         m->gateways.list[i].node.data,
                         m->gateways.list[i].error);
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_move_last(m);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    steps = weir_arena_calloc(&dst->fleet->arena, src->nplaces + 1,
                              sizeof(weirctl_step_t));

    if (steps == NULL || m->documents == NULL) {
        return weirctl_nomem();
    }

    rc = weirctl_move_plan(m, steps);

    if (rc == WEIRCTL_GO_ON && restore && m->refused != 0) {
        (void) weirctl_error("nothing is restored");
        return WEIRCTL_NO;
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_move_entries(m, steps);
    }

    head = NULL;

    for (i = 0; i < src->nplaces; i++) {
        if (src->places[i].kind.len == 0) {
            head = &steps[i];
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_move_segments(m, head);
    }

    /* the head last: until then gateways see what was there before */

    for (i = 0; rc == WEIRCTL_GO_ON && i < src->nplaces; i++) {
        if (&steps[i] != head) {
            rc = weirctl_move_publish(m, &steps[i]);
        }
    }

    if (rc == WEIRCTL_GO_ON && head != NULL) {
        rc = weirctl_move_publish(m, head);
    }

    for (i = 0; rc == WEIRCTL_GO_ON && i < src->nplaces; i++) {
        rc = weirctl_move_report(m, &steps[i]);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = m->refused != 0 ? WEIRCTL_NO : WEIRCTL_YES;
    }

    return rc;
}


void
weirctl_move_done(weirctl_move_t *m)
{
    json_decref(m->documents);
    weirctl_gateways_done(&m->gateways);
}


/* Where each document's trail ends in dst. */

static int
weirctl_move_last(weirctl_move_t *m)
{
    int                rc;
    uint32_t           i;
    weir_fence_t       fence;
    weirctl_place_t   *p;
    weirctl_state_t   *dst;

    dst = m->dst;
    rc = WEIR_OK;

    weir_fences_init(&m->trail, &dst->fleet->arena, dst->fleet->ns);
    weir_fences_init(&m->last, &dst->fleet->arena, dst->fleet->ns);

    for (i = 0; i < dst->nentries && rc != WEIR_NOMEM; i++) {
        if (dst->entries[i].verified) {
            rc = weir_fences_raise(&m->trail, &dst->entries[i].fence);
        }
    }

    if (rc != WEIR_NOMEM) {
        rc = weir_fences_merge(&m->last, &m->trail);
    }

    for (i = 0; i < dst->nplaces && rc != WEIR_NOMEM; i++) {
        p = &dst->places[i];

        if (p->doc.readable && p->doc.why == WEIR_REFUSAL_NONE) {
            fence.name = p->name;
            fence.epoch = p->doc.doc.epoch;
            fence.version = p->doc.doc.version;
            memcpy(fence.hash, p->doc.envelope.hash, WEIR_SHA256_LEN);

            rc = weir_fences_raise(&m->last, &fence);
        }
    }

    return rc == WEIR_NOMEM ? weirctl_nomem() : WEIRCTL_GO_ON;
}


static int
weirctl_move_plan(weirctl_move_t *m, weirctl_step_t *steps)
{
    int              rc;
    uint32_t         i;
    weirctl_step_t  *s;

    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON && i < m->src->nplaces; i++) {
        s = &steps[i];

        s->from = &m->src->places[i];
        s->to = weirctl_state_find(m->dst, s->from->name);

        weirctl_move_decide(m, s);

        if (s->what == WEIRCTL_STEP_REFUSED) {
            m->refused++;
            (void) weirctl_error("%.*s: %.*s%s%s", (int) s->from->name.len,
                                 s->from->name.data,
                                 (int) weir_refusal_word(s->why).len,
                                 weir_refusal_word(s->why).data,
                                 s->why == WEIR_REFUSAL_NONE ? "" : ": ",
                                 s->err.text);
        }
    }

    return rc;
}


static void
weirctl_move_progress(weirctl_move_t *m, uint32_t i, uint32_t n)
{
    if (m->dst->fleet->ctl->quiet || !isatty(STDERR_FILENO)
        || (i % WEIRCTL_MOVE_SHOWN != 0 && i != n))
    {
        return;
    }

    fprintf(stderr, "\rentry %u of %u%s", i, n, i == n ? "\n" : "");
}


/*
 * The past of each document, as far as it is later than what dst has of it;
 * what is in place at the end comes by being published.
 */

static int
weirctl_move_entries(weirctl_move_t *m, weirctl_step_t *steps)
{
    uint32_t                i;
    weir_store_t           *store;
    weir_store_err_t        err;
    const weirctl_entry_t  *e;

    store = m->dst->fleet->store;

    for (i = 0; i < m->src->nentries; i++) {
        e = &m->src->entries[i];

        if (e->bad || !weirctl_move_wanted(m, steps, e)
            || weirctl_move_there(m, e))
        {
            continue;
        }

        if (store->ops->audit_append(store, e->text, e->when, &err)
            != WEIR_STORE_OK)
        {
            return weirctl_store_error(&err);
        }

        m->nentries++;

        if (e->verified
            && (weir_fences_raise(&m->trail, &e->fence) == WEIR_NOMEM
                || weir_fences_raise(&m->last, &e->fence) == WEIR_NOMEM))
        {
            return weirctl_nomem();
        }

        weirctl_move_progress(m, i + 1, m->src->nentries);
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_move_wanted(const weirctl_move_t *m, const weirctl_step_t *steps,
    const weirctl_entry_t *e)
{
    uint32_t              i;
    const weirctl_doc_t  *d;

    for (i = 0; i < m->src->nplaces; i++) {

        if (!weir_str_eq(steps[i].from->name, e->fence.name)) {
            continue;
        }

        d = &steps[i].from->doc;

        if (steps[i].what == WEIRCTL_STEP_COPIED
            && memcmp(d->envelope.hash, e->fence.hash, WEIR_SHA256_LEN) == 0)
        {
            return 0;
        }

        return m->restore || (steps[i].what == WEIRCTL_STEP_COPIED
                              && e->verified);
    }

    return m->restore;
}


static int
weirctl_move_there(const weirctl_move_t *m, const weirctl_entry_t *e)
{
    uint32_t             i;
    const weir_fence_t  *last;

    last = weir_fences_find(&m->trail, e->fence.name);

    if (last != NULL && weir_fence_cmp(&e->fence, last) <= 0) {
        return 1;
    }

    for (i = 0; !e->verified && i < m->dst->nentries; i++) {
        if (weir_str_eq(m->dst->entries[i].text, e->text)) {
            return 1;
        }
    }

    return 0;
}


/* A restore brings those of older bundles, too. */

static int
weirctl_move_segments(weirctl_move_t *m, const weirctl_step_t *head)
{
    uint32_t                     i;
    weir_str_t                   bytes;
    weir_arena_t                 arena;
    weir_store_t                *store;
    weir_store_err_t             err;
    weir_store_code_e            rc;
    const weir_document_t       *doc;
    const weir_store_segment_t  *segment;

    store = m->dst->fleet->store;

    if (head == NULL || head->what == WEIRCTL_STEP_REFUSED
        || head->what == WEIRCTL_STEP_KEPT)
    {
        return WEIRCTL_GO_ON;
    }

    doc = &head->from->doc.doc;

    for (i = 0; i < (m->restore ? m->src->nsegments : doc->nsegments); i++) {
        segment = m->restore ? &m->src->segments[i]
                  : weirctl_state_find_segment(m->src,
                                               doc->segments[i].hash);

        if (segment == NULL) {
            continue;
        }

        weir_arena_init(&arena, &weir_alloc_malloc, 0);

        rc = store->ops->segment(store, &arena, segment->hash,
                                 segment->bytes.len, &bytes, &err);

        if (rc != WEIR_STORE_OK) {
            rc = store->ops->segments(store, segment, 1, &err);
            m->nsegments += rc == WEIR_STORE_OK;
        }

        weir_arena_done(&arena);

        if (rc != WEIR_STORE_OK) {
            return weirctl_store_error(&err);
        }
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_move_publish(weirctl_move_t *m, weirctl_step_t *step)
{
    switch (step->what) {

    case WEIRCTL_STEP_COPIED:
        return weirctl_move_copy(m, step);

    case WEIRCTL_STEP_SIGNED:
        return weirctl_move_sign(m, step);

    default:
        return WEIRCTL_GO_ON;
    }
}


static int
weirctl_move_copy(weirctl_move_t *m, weirctl_step_t *step)
{
    int                   rc;
    weir_store_t         *store;
    weir_store_err_t      err;
    weirctl_package_t     p;
    weir_store_change_t   change;

    memset(&change, 0, sizeof(weir_store_change_t));

    store = m->dst->fleet->store;

    if (step->from->kind.len == 0) {
        rc = weirctl_state_package(m->src, step->from, &p);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }

        change.segments = p.segments;
        change.nsegments = p.nsegments;
    }

    change.kind = step->from->kind;
    change.name = step->from->id;
    change.bytes = step->from->doc.text;
    change.expect = step->to != NULL ? step->to->doc.text_hash : NULL;
    change.now = weirctl_now();
    change.rev = m->restore ? m->src->rev : 0;

    if (store->ops->publish(store, &change, &err) != WEIR_STORE_OK) {
        return weirctl_store_error(&err);
    }

    step->version = step->from->doc.doc.version;

    return WEIRCTL_GO_ON;
}


/* The content of before, as the version that comes next. */

static int
weirctl_move_sign(weirctl_move_t *m, weirctl_step_t *step)
{
    int                  rc;
    char                 reason[64];
    const char          *told;
    weirctl_last_t       last;
    weirctl_fleet_t     *f;
    const weir_fence_t  *trail;

    f = m->dst->fleet;

    memset(&last, 0, sizeof(weirctl_last_t));

    trail = weir_fences_find(&m->last, step->from->name);

    if (trail != NULL) {
        last.has_previous = 1;
        memcpy(last.previous, trail->hash, WEIR_SHA256_LEN);
    }

    last.highest = step->highest;
    last.epoch = step->epoch;

    told = f->reason;

    if (told[0] == '\0') {
        snprintf(reason, sizeof(reason), "restore of version %llu",
                 (unsigned long long) step->from->doc.doc.version);
        f->reason = reason;
    }

    rc = step->from->kind.len == 0
         ? weirctl_move_sign_bundle(m, step, &last)
         : weirctl_move_sign_live(m, step, &last);

    f->reason = told;

    return rc;
}


static int
weirctl_move_sign_bundle(weirctl_move_t *m, weirctl_step_t *step,
    const weirctl_last_t *last)
{
    int                    rc;
    uint32_t               nfiles;
    weirctl_doc_t          none;
    weirctl_fleet_t       *f;
    weir_store_err_t       err;
    weirctl_package_t      old, new;
    weir_store_change_t    change;
    weir_policy_source_t  *files;

    f = m->dst->fleet;

    memset(&none, 0, sizeof(weirctl_doc_t));
    memset(&change, 0, sizeof(weir_store_change_t));

    rc = weirctl_state_package(m->src, step->from, &old);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_files(f, &old, &files, &nfiles);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_package_make(f, &new, files, nfiles,
                                  step->to != NULL ? &step->to->doc : &none,
                                  last);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    change.bytes = new.head.text;
    change.expect = step->to != NULL ? step->to->doc.text_hash : NULL;
    change.segments = new.segments;
    change.nsegments = new.nsegments;
    change.now = weirctl_now();

    if (f->store->ops->publish(f->store, &change, &err) != WEIR_STORE_OK) {
        return weirctl_store_error(&err);
    }

    step->version = new.head.doc.version;

    return WEIRCTL_GO_ON;
}


static int
weirctl_move_sign_live(weirctl_move_t *m, weirctl_step_t *step,
    const weirctl_last_t *last)
{
    int                     rc;
    uint8_t                 hash[WEIR_SHA256_LEN];
    weirctl_doc_t           none;
    weir_document_t         doc;
    const weir_document_t  *old;

    old = &step->from->doc.doc;

    memset(&none, 0, sizeof(weirctl_doc_t));

    rc = weirctl_doc_next(m->dst->fleet, &doc, old->kind, old->id, last);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    doc.weights = old->weights;
    doc.nweights = old->nweights;
    doc.has_expires = old->has_expires;
    doc.expires = old->expires;

    rc = weirctl_live_publish(m->dst->fleet, &doc, step->from->kind,
                              step->from->id,
                              step->to != NULL ? &step->to->doc : &none,
                              hash);

    step->version = doc.version;

    return rc;
}


static int
weirctl_move_report(weirctl_move_t *m, const weirctl_step_t *s)
{
    json_t      *item;
    weir_str_t   name;

    static const char  *words[] = {
        "same", "copied", "signed", "kept", "refused"
    };

    name = s->from->name;

    item = json_pack("{s:s%, s:I, s:I, s:s, s:s}", "name",
                     (char *) name.data, name.len, "version",
                     (json_int_t) s->version, "from",
                     (json_int_t) s->from->doc.doc.version, "state",
                     words[s->what], "message", s->err.text);

    return item == NULL || json_array_append_new(m->documents, item) != 0
           ? weirctl_nomem() : WEIRCTL_GO_ON;
}


int
weirctl_move_print(weirctl_move_t *m, const char *verb)
{
    size_t       i;
    json_t      *item;
    weirctl_t   *ctl;
    const char  *message;

    ctl = m->dst->fleet->ctl;

    if (ctl->json) {
        return weirctl_print_json(json_pack("{s:O, s:I, s:I, s:I, s:O}",
                                            "documents", m->documents,
                                            "entries",
                                            (json_int_t) m->nentries,
                                            "segments",
                                            (json_int_t) m->nsegments,
                                            "refused",
                                            (json_int_t) m->refused,
                                            "problems", m->src->problems));
    }

    if (ctl->quiet) {
        return WEIRCTL_GO_ON;
    }

    json_array_foreach(m->documents, i, item) {
        message = json_string_value(json_object_get(item, "message"));

        weirctl_print(stdout, "%s version %lld: %s%s%s",
                      json_string_value(json_object_get(item, "name")),
                      (long long) json_integer_value(
                          json_object_get(item, "version")),
                      json_string_value(json_object_get(item, "state")),
                      message[0] != '\0' ? ", " : "", message);
        printf("\n");
    }

    printf("%s: %u entries of the trail, %u segments\n", verb, m->nentries,
           m->nsegments);

    return WEIRCTL_GO_ON;
}
