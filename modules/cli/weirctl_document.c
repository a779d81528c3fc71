
/*
 * weirctl: documents of a store: fetched, verified as far as keys are known
 * here, written, signed, published; and the trail of all of them.
 */

#include <stdlib.h>

#include "weirctl_fleet.h"


typedef struct {
    weirctl_fleet_t   *fleet;
    weirctl_trail_pt   entry;
    void              *ctx;
    uint64_t           line;
    int                rc;
} weirctl_trail_t;

typedef struct {
    weirctl_last_t  *last;
    const char      *name;
    uint64_t         proven;
} weirctl_last_ctx_t;


static int weirctl_doc_changed(weirctl_fleet_t *f, weir_arena_t *a,
    weirctl_doc_t *d);
static int weirctl_doc_verify(weirctl_fleet_t *f, weir_arena_t *a,
    weirctl_doc_t *d);
static int weirctl_last_entry(void *ctx, weirctl_doc_t *d, uint64_t line);
static int weirctl_last_proven(void *ctx, weirctl_doc_t *d, uint64_t line);
static int weirctl_last_of(const weirctl_last_ctx_t *c,
    const weirctl_doc_t *d);
static void weirctl_last_is(weirctl_last_t *last, const weirctl_doc_t *d);
static uint64_t weirctl_last_reported(weirctl_fleet_t *f,
    const weirctl_gateways_t *g, const char *name, uint64_t known,
    uint32_t *told, uint64_t *epoch);
static int weirctl_trail_line(void *ctx, int64_t when, weir_str_t line);


int
weirctl_doc_read(weirctl_fleet_t *f, weir_arena_t *a, weirctl_doc_t *d,
    weir_str_t text)
{
    int  rc;

    memset(d, 0, sizeof(weirctl_doc_t));

    d->text = text;
    d->there = 1;

    if (weir_sha256(text, d->text_hash) != WEIR_OK) {
        return weirctl_nomem();
    }

    rc = weir_envelope_parse(&d->envelope, a, text, &d->why, &d->err);

    if (rc == WEIR_OK) {
        rc = weir_document_parse(&d->doc, a, d->envelope.kind,
                                 d->envelope.payload, &d->why, &d->err);
    }

    if (rc == WEIR_NOMEM) {
        return weirctl_nomem();
    }

    if (rc != WEIR_OK) {
        return weirctl_doc_changed(f, a, d);
    }

    d->readable = 1;

    return weirctl_doc_verify(f, a, d);
}


/* What is no document any more because somebody changed it is called that. */

static int
weirctl_doc_changed(weirctl_fleet_t *f, weir_arena_t *a, weirctl_doc_t *d)
{
    int             rc;
    uint32_t        signers;
    weir_err_t      err;
    weir_refusal_e  why;

    if (!f->checks || d->envelope.nsigs == 0) {
        return WEIRCTL_GO_ON;
    }

    rc = weir_trust_signers(&f->trust, a, &d->envelope, &signers, &why, &err);

    if (rc == WEIR_NOMEM) {
        return weirctl_nomem();
    }

    if (rc == WEIR_DECLINED && why == WEIR_REFUSAL_BAD_SIGNATURE) {
        d->why = why;
        d->err = err;
    }

    return WEIRCTL_GO_ON;
}


/* Without any key known here nothing is verified, and nothing is wrong. */

static int
weirctl_doc_verify(weirctl_fleet_t *f, weir_arena_t *a, weirctl_doc_t *d)
{
    int       rc;
    unsigned  good;

    if (!weir_str_eq(d->doc.ns, f->ns)) {
        d->why = WEIR_REFUSAL_NAMESPACE;
        (void) weir_err(&d->err, "it is of namespace \"%.*s\"",
                        (int) d->doc.ns.len, d->doc.ns.data);
        return WEIRCTL_GO_ON;
    }

    rc = weir_trust_verify(&f->trust, a, &d->envelope,
                           weir_role(d->doc.kind, d->doc.id), &good, &d->why,
                           &d->err);

    if (rc == WEIR_NOMEM) {
        return weirctl_nomem();
    }

    d->verified = rc == WEIR_OK && good != 0;

    return WEIRCTL_GO_ON;
}


int
weirctl_doc_fetch(weirctl_fleet_t *f, weirctl_doc_t *d, weir_kind_e kind,
    weir_str_t id)
{
    weir_str_t         text;
    weir_store_err_t   err;
    weir_store_code_e  rc;

    memset(d, 0, sizeof(weirctl_doc_t));

    if (kind == WEIR_KIND_BUNDLE) {
        rc = f->store->ops->head(f->store, &f->arena, WEIR_ENVELOPE_MAX,
                                 &text, &err);

    } else {
        rc = f->store->ops->live(f->store, &f->arena, weir_kind_word(kind),
                                 id, WEIR_ENVELOPE_MAX, &text, &err);
    }

    if (rc == WEIR_STORE_MISSING) {
        return WEIRCTL_GO_ON;
    }

    if (rc != WEIR_STORE_OK) {
        return weirctl_store_error(&err);
    }

    return weirctl_doc_read(f, &f->arena, d, text);
}


int
weirctl_doc_counts(const weirctl_doc_t *d, uint64_t known)
{
    return d->readable && d->why != WEIR_REFUSAL_NAMESPACE
           && d->why != WEIR_REFUSAL_BAD_SIGNATURE
           && (d->verified || d->doc.version <= known
               || d->doc.version - known < WEIR_VERSION_JUMP);
}


static int
weirctl_last_entry(void *ctx, weirctl_doc_t *d, uint64_t line)
{
    weirctl_last_ctx_t *c = ctx;

    (void) line;

    if (weirctl_doc_counts(d, c->proven) && weirctl_last_of(c, d)) {
        weirctl_last_is(c->last, d);
    }

    return WEIRCTL_GO_ON;
}


/* The highest that somebody who may has signed: what nobody can invent. */

static int
weirctl_last_proven(void *ctx, weirctl_doc_t *d, uint64_t line)
{
    weirctl_last_ctx_t *c = ctx;

    (void) line;

    if (d->readable && d->verified && d->doc.version > c->proven
        && weirctl_last_of(c, d))
    {
        c->proven = d->doc.version;
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_last_of(const weirctl_last_ctx_t *c, const weirctl_doc_t *d)
{
    char  name[WEIR_DOCUMENT_NAME_MAX + 1];

    name[weir_document_name((uint8_t *) name, d->doc.kind, d->doc.id)] = '\0';

    return strcmp(name, c->name) == 0;
}


static void
weirctl_last_is(weirctl_last_t *last, const weirctl_doc_t *d)
{
    if (d->doc.version > last->highest) {
        last->highest = d->doc.version;
    }

    last->epoch = d->doc.epoch;
    last->has_previous = 1;
    memcpy(last->previous, d->envelope.hash, WEIR_SHA256_LEN);
}


/* A report is no more than a word: one out of reach does not count either. */

static uint64_t
weirctl_last_reported(weirctl_fleet_t *f, const weirctl_gateways_t *g,
    const char *name, uint64_t known, uint32_t *told, uint64_t *epoch)
{
    uint32_t                  i;
    uint64_t                  version, highest, e;
    const char               *hash;
    const weirctl_gateway_t  *gw;

    *told = 0;
    *epoch = 0;
    highest = 0;

    for (i = 0; i < g->n; i++) {
        gw = &g->list[i];

        *told += gw->report != NULL;

        if (!weirctl_gateway_fence(gw, name, &version, &e, &hash)) {
            continue;
        }

        if (version > known && version - known >= WEIR_VERSION_JUMP) {
            weirctl_note(f->ctl, "gateway %.*s reports version %llu of %s: "
                         "out of reach, it does not count",
                         (int) gw->node.len, gw->node.data,
                         (unsigned long long) version, name);
            continue;
        }

        if (version > highest) {
            highest = version;
        }

        if (e > *epoch) {
            *epoch = e;
        }
    }

    return highest;
}


int
weirctl_last(weirctl_fleet_t *f, weirctl_last_t *last,
    const weirctl_doc_t *d, const char *name, const weirctl_gateways_t *g)
{
    int                  rc;
    uint32_t             told;
    uint64_t             reported, epoch;
    weirctl_last_ctx_t   c;

    memset(last, 0, sizeof(weirctl_last_t));

    c.last = last;
    c.name = name;
    c.proven = 0;

    if (d->readable && d->verified) {
        c.proven = d->doc.version;

    } else {
        rc = weirctl_trail(f, weirctl_last_proven, &c);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    /* what is not proven counts up to where gateways still follow */

    reported = weirctl_last_reported(f, g, name, c.proven, &told, &epoch);

    if (weirctl_doc_counts(d, c.proven)) {
        weirctl_last_is(last, d);

        if (d->why != WEIR_REFUSAL_NONE) {
            weirctl_note(f->ctl, "%s in the store: %s", name, d->err.text);
        }

    } else {

        if (d->there) {
            weirctl_note(f->ctl, "%s in the store counts for nothing: %s",
                         name, d->why != WEIR_REFUSAL_NONE ? d->err.text
                         : "no gateway takes such a version");
        }

        rc = weirctl_trail(f, weirctl_last_entry, &c);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }

        if (!last->has_previous && g->n > told) {
            (void) weirctl_error("what gateways have accepted of %s is not "
                                 "known, their reports are unreadable: "
                                 "nothing is published", name);
            return WEIRCTL_NO;
        }

        if (d->there && !last->has_previous && told == 0) {
            (void) weirctl_error("nobody tells which version of %s there "
                                 "was: nothing is published", name);
            return WEIRCTL_NO;
        }
    }

    if (reported > last->highest) {
        last->highest = reported;
    }

    if (epoch > last->epoch && !f->has_epoch) {
        weirctl_note(f->ctl, "gateways are at epoch %llu: --epoch %llu",
                     (unsigned long long) epoch, (unsigned long long) epoch);
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_doc_next(weirctl_fleet_t *f, weir_document_t *doc, weir_kind_e kind,
    weir_str_t id, const weirctl_last_t *last)
{
    memset(doc, 0, sizeof(weir_document_t));

    doc->kind = kind;
    doc->ns = f->ns;
    doc->id = id;
    doc->issued = weirctl_now();
    doc->by = weir_cstr(f->by);
    doc->reason = weir_cstr(f->reason);
    doc->epoch = f->has_epoch ? f->epoch : last->epoch;
    doc->has_previous = last->has_previous;
    memcpy(doc->previous, last->previous, WEIR_SHA256_LEN);

    if (weir_version_next(last->highest, &doc->version) != WEIR_OK) {
        (void) weirctl_error("there is no version after %llu",
                             (unsigned long long) last->highest);
        return WEIRCTL_NO;
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_doc_write(weirctl_fleet_t *f, const weir_document_t *doc,
    weir_str_t *text, uint8_t *hash)
{
    int              rc;
    unsigned         i;
    weir_err_t       err;
    weir_str_t       payload;
    weir_envelope_t  e;

    rc = weir_document_write(doc, &f->arena, &payload, &err);

    if (rc == WEIR_DECLINED) {
        (void) weirctl_error("%s", err.text);
        return WEIRCTL_NO;
    }

    if (rc == WEIR_OK) {
        rc = weir_envelope_make(&e, doc->kind, payload);
    }

    for (i = 0; rc == WEIR_OK && i < f->nsigners; i++) {
        rc = weir_envelope_sign(&e, &f->arena, &f->signers[i]);
    }

    if (rc == WEIR_OK) {
        rc = weir_envelope_format(&e, &f->arena, text);
    }

    if (rc == WEIR_DECLINED) {
        (void) weirctl_error("the document with its signatures is larger "
                             "than %d bytes", WEIR_ENVELOPE_MAX);
        return WEIRCTL_NO;
    }

    if (rc != WEIR_OK) {
        return weirctl_nomem();
    }

    memcpy(hash, e.hash, WEIR_SHA256_LEN);

    return WEIRCTL_GO_ON;
}


int
weirctl_live_publish(weirctl_fleet_t *f, const weir_document_t *doc,
    weir_str_t kind, weir_str_t name, const weirctl_doc_t *d, uint8_t *hash)
{
    int                  rc;
    weir_store_err_t     err;
    weir_store_change_t  change;

    memset(&change, 0, sizeof(weir_store_change_t));

    rc = weirctl_doc_write(f, doc, &change.bytes, hash);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    change.kind = kind;
    change.name = name;
    change.expect = d->there ? d->text_hash : NULL;
    change.now = doc->issued;

    if (f->store->ops->publish(f->store, &change, &err) != WEIR_STORE_OK) {
        return weirctl_store_error(&err);
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_trail(weirctl_fleet_t *f, weirctl_trail_pt entry, void *ctx)
{
    weirctl_trail_t    t;
    weir_store_err_t   err;
    weir_store_code_e  rc;

    t.fleet = f;
    t.entry = entry;
    t.ctx = ctx;
    t.line = 0;
    t.rc = WEIRCTL_GO_ON;

    rc = f->store->ops->audit(f->store, 0, WEIR_ENVELOPE_MAX,
                              weirctl_trail_line, &t, &err);

    if (t.rc != WEIRCTL_GO_ON) {
        return t.rc;
    }

    return rc == WEIR_STORE_OK ? WEIRCTL_GO_ON : weirctl_store_error(&err);
}


static int
weirctl_trail_line(void *ctx, int64_t when, weir_str_t line)
{
    weirctl_trail_t *t = ctx;

    weir_arena_t    arena;
    weirctl_doc_t  *d;

    (void) when;

    t->line++;

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    d = weir_arena_alloc(&arena, sizeof(weirctl_doc_t));

    if (d == NULL) {
        t->rc = weirctl_nomem();

    } else {
        t->rc = weirctl_doc_read(t->fleet, &arena, d, line);

        if (t->rc == WEIRCTL_GO_ON) {
            t->rc = t->entry(t->ctx, d, t->line);
        }
    }

    weir_arena_done(&arena);

    return t->rc != WEIRCTL_GO_ON;
}
