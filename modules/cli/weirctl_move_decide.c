
/*
 * weirctl: what is to be done with one document: copied, signed anew, or left
 * as it is there.
 */

#include "weirctl_move.h"


static void weirctl_decide_known(weirctl_move_t *m, weirctl_step_t *s,
    weir_fence_t *known);
static void weirctl_decide_reports(weirctl_move_t *m, weirctl_step_t *s,
    weir_fence_t *reported);
static int weirctl_decide_revokes(const weirctl_step_t *s);
static void weirctl_decide_again(weirctl_move_t *m, weirctl_step_t *s);
static int weirctl_decide_same(const weir_document_t *a,
    const weir_document_t *b);
static void weirctl_decide_refuse(weirctl_step_t *s, weir_refusal_e why,
    const char *text);


/*
 * Of the same age and content: there is nothing to do.  Later than all that
 * is known there: copied.  Else a restore signs anew, and a sync leaves it.
 */

void
weirctl_move_decide(weirctl_move_t *m, weirctl_step_t *s)
{
    int            cmp, told;
    weirctl_doc_t *from, *to;
    weir_fence_t   here, known, reported;

    from = &s->from->doc;
    to = s->to != NULL && s->to->doc.readable ? &s->to->doc : NULL;

    memset(&here, 0, sizeof(weir_fence_t));

    here.epoch = from->doc.epoch;
    here.version = from->doc.version;
    memcpy(here.hash, from->envelope.hash, WEIR_SHA256_LEN);

    weirctl_decide_known(m, s, &known);
    weirctl_decide_reports(m, s, &reported);

    s->version = to != NULL ? to->doc.version : 0;
    s->highest = here.version;
    s->epoch = here.epoch;

    if (known.version > s->highest) {
        s->highest = known.version;
    }

    if (reported.version > s->highest) {
        s->highest = reported.version;
    }

    if (known.epoch > s->epoch) {
        s->epoch = known.epoch;
    }

    if (reported.epoch > s->epoch) {
        s->epoch = reported.epoch;
    }

    if (s->from->bad) {
        weirctl_decide_refuse(s, from->why, "it is damaged, or not signed "
                              "by keys given here");
        return;
    }

    cmp = weir_fence_cmp(&here, &known);
    told = weir_fence_cmp(&here, &reported);

    if (to != NULL && to->envelope.nsigs != 0 && from->envelope.nsigs == 0
        && memcmp(to->envelope.hash, from->envelope.hash, WEIR_SHA256_LEN)
           != 0)
    {
        if (m->restore && m->dst->fleet->nsigners != 0) {
            weirctl_decide_again(m, s);

        } else {
            weirctl_decide_refuse(s, WEIR_REFUSAL_UNSIGNED,
                                  "a signed one is there");
        }

        return;
    }

    if (cmp > 0 || (cmp == 0 && memcmp(here.hash, known.hash,
                                       WEIR_SHA256_LEN) == 0))
    {
        if (told > 0 || (told == 0 && memcmp(here.hash, reported.hash,
                                             WEIR_SHA256_LEN) == 0))
        {
            s->what = to != NULL && cmp == 0 && !s->to->bad
                      && memcmp(to->envelope.hash, here.hash,
                                WEIR_SHA256_LEN) == 0
                      ? WEIRCTL_STEP_SAME : WEIRCTL_STEP_COPIED;
            return;
        }

        if (m->restore) {
            weirctl_decide_again(m, s);
            return;
        }

        weirctl_decide_refuse(s, told == 0 ? WEIR_REFUSAL_SAME_VERSION
                                           : WEIR_REFUSAL_OLDER,
                              told == 0
                              ? "a gateway there has accepted another "
                              "content of this version"
                              : "gateways there have accepted a newer one");
        return;
    }

    if (m->restore) {
        weirctl_decide_again(m, s);
        return;
    }

    if (cmp == 0) {
        weirctl_decide_refuse(s, WEIR_REFUSAL_SAME_VERSION,
                              "both have another content of this version: "
                              "publish again where the right one is");
        return;
    }

    if (to == NULL || weir_fence_cmp(&(weir_fence_t) {
            .epoch = to->doc.epoch, .version = to->doc.version }, &known)
        < 0)
    {
        weirctl_decide_refuse(s, WEIR_REFUSAL_OLDER, "the trail there has a "
                              "newer one, which is not in its place");
        return;
    }

    s->what = WEIRCTL_STEP_KEPT;
    (void) weir_err(&s->err, "it is newer there");
}


/* What dst has: in its place as far as it may count, and in its trail. */

static void
weirctl_decide_known(weirctl_move_t *m, weirctl_step_t *s,
    weir_fence_t *known)
{
    weir_fence_t         place;
    weirctl_doc_t       *d;
    const weir_fence_t  *last;

    memset(known, 0, sizeof(weir_fence_t));

    last = weir_fences_find(&m->last, s->from->name);

    if (last != NULL) {
        *known = *last;
    }

    if (s->to == NULL || !weirctl_doc_counts(&s->to->doc, known->version)) {
        return;
    }

    d = &s->to->doc;

    memset(&place, 0, sizeof(weir_fence_t));

    place.epoch = d->doc.epoch;
    place.version = d->doc.version;
    memcpy(place.hash, d->envelope.hash, WEIR_SHA256_LEN);

    if (weir_fence_cmp(&place, known) > 0) {
        *known = place;
    }
}


/* A report is no more than a word: one out of reach does not count. */

static void
weirctl_decide_reports(weirctl_move_t *m, weirctl_step_t *s,
    weir_fence_t *reported)
{
    char                 name[WEIR_DOCUMENT_NAME_MAX + 1];
    uint32_t             i;
    uint64_t             version, epoch, near;
    const char          *hash;
    weir_fence_t         fence;
    const weir_fence_t  *last;

    memset(reported, 0, sizeof(weir_fence_t));

    snprintf(name, sizeof(name), "%.*s", (int) s->from->name.len,
             s->from->name.data);

    last = weir_fences_find(&m->last, s->from->name);
    near = last != NULL ? last->version : s->from->doc.doc.version;

    for (i = 0; i < m->gateways.n; i++) {

        if (!weirctl_gateway_fence(&m->gateways.list[i], name, &version,
                                   &epoch, &hash))
        {
            continue;
        }

        if (version > near && version - near >= WEIR_VERSION_JUMP) {
            weirctl_note(m->dst->fleet->ctl, "gateway %.*s reports version "
                         "%llu of %s: out of reach, it does not count",
                         (int) m->gateways.list[i].node.len,
                         m->gateways.list[i].node.data,
                         (unsigned long long) version, name);
            continue;
        }

        memset(&fence, 0, sizeof(weir_fence_t));

        fence.epoch = epoch;
        fence.version = version;

        /* who does not say the hash means this one */

        if (weir_hash_parse(weir_cstr(hash), fence.hash) != WEIR_OK) {
            memcpy(fence.hash, s->from->doc.envelope.hash, WEIR_SHA256_LEN);
        }

        if (weir_fence_cmp(&fence, reported) > 0) {
            *reported = fence;
        }
    }
}


/*
 * What takes rights away is united: a key that is revoked there stays
 * revoked, whatever was true when the backup was made.
 */

static int
weirctl_decide_revokes(const weirctl_step_t *s)
{
    weir_kind_e             kind;
    const weir_document_t  *to;

    if (s->to == NULL || !s->to->doc.readable
        || s->to->doc.why != WEIR_REFUSAL_NONE)
    {
        return 0;
    }

    to = &s->to->doc.doc;
    kind = weir_kind(s->from->kind);

    return (kind == WEIR_KIND_KEY && to->kind == WEIR_KIND_TOMBSTONE)
           || kind == WEIR_KIND_REVOCATIONS || kind == WEIR_KIND_FREEZE;
}


static void
weirctl_decide_again(weirctl_move_t *m, weirctl_step_t *s)
{
    if (weirctl_decide_revokes(s)) {
        s->what = WEIRCTL_STEP_KEPT;
        (void) weir_err(&s->err, "what was revoked stays revoked");
        return;
    }

    /* brought by a restore that did not come to its end, or by hand */

    if (s->to != NULL && !s->to->bad && s->to->doc.readable
        && s->to->doc.doc.version >= s->highest
        && weirctl_decide_same(&s->from->doc.doc, &s->to->doc.doc))
    {
        s->what = WEIRCTL_STEP_SAME;
        return;
    }

    if (m->dst->fleet->nsigners == 0) {
        s->what = WEIRCTL_STEP_REFUSED;
        s->why = WEIR_REFUSAL_OLDER;
        (void) weir_err(&s->err, "version %llu is known there, the backup "
                        "has %llu: --sign-key signs it anew",
                        (unsigned long long) s->highest,
                        (unsigned long long) s->from->doc.doc.version);
        return;
    }

    s->what = WEIRCTL_STEP_SIGNED;
    (void) weir_err(&s->err, "the content of version %llu",
                    (unsigned long long) s->from->doc.doc.version);
}


static int
weirctl_decide_same(const weir_document_t *a, const weir_document_t *b)
{
    uint32_t  i;

    if (a->kind != b->kind || a->nweights != b->nweights) {
        return 0;
    }

    if (a->kind == WEIR_KIND_BUNDLE) {
        return weirctl_same_content(a, b);
    }

    for (i = 0; i < a->nweights; i++) {
        if (!weir_str_eq(a->weights[i].colour, b->weights[i].colour)
            || a->weights[i].weight != b->weights[i].weight)
        {
            return 0;
        }
    }

    return 1;
}


static void
weirctl_decide_refuse(weirctl_step_t *s, weir_refusal_e why,
    const char *text)
{
    s->what = WEIRCTL_STEP_REFUSED;
    s->why = why;
    (void) weir_err(&s->err, "%s", text);
}
