
/*
 * weirctl: bundles on their way: made of policies, fetched, read, written.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weirctl_package.h"
#include "weir_zoneinfo.h"


#define WEIRCTL_PACKAGE_MAX  (WEIR_BUNDLE_MAX + 2 * WEIR_ENVELOPE_MAX)


static int weirctl_package_tests(const weirctl_t *ctl, weirctl_bundle_t *b);
static int weirctl_package_lives(weirctl_fleet_t *f, weir_document_t *doc,
    const weirctl_doc_t *head);
static int weirctl_package_live(weirctl_fleet_t *f, weir_document_t *doc,
    const weir_store_entry_t *e);
static int weirctl_package_least(weir_document_t *doc, weir_str_t name,
    uint64_t version);
static int weirctl_package_least_cmp(const void *one, const void *two);
static int weirctl_package_line(weir_str_t *text, weir_str_t *line);
static int weirctl_package_out(const weirctl_package_t *p, FILE *out);


int
weirctl_package_check(const weirctl_t *ctl, weirctl_bundle_t *b, int tests)
{
    int  rc;

    rc = weirctl_diagnostics(ctl, b);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (b->bundle.nerrors != 0) {
        return WEIRCTL_NO;
    }

    return tests ? weirctl_package_tests(ctl, b) : WEIRCTL_GO_ON;
}


static int
weirctl_package_tests(const weirctl_t *ctl, weirctl_bundle_t *b)
{
    uint32_t               i, failed;
    weir_policy_outcome_t  o;

    (void) ctl;

    failed = 0;

    for (i = 0; i < b->bundle.ntests; i++) {

        if (weir_policy_run_test(&b->arena, &b->bundle, i, &o) != WEIR_OK) {
            return weirctl_nomem();
        }

        if (!o.passed) {
            failed++;
            fprintf(stderr, "%.*s:%u:%u: test \"%.*s\": %.*s\n",
                    (int) b->bundle.sources[o.expect.file].name.len,
                    b->bundle.sources[o.expect.file].name.data,
                    o.expect.line, o.expect.column, (int) o.name.len,
                    o.name.data, (int) o.message.len, o.message.data);
        }
    }

    if (failed != 0) {
        (void) weirctl_error("%u of %u tests failed", failed,
                             b->bundle.ntests);
        return WEIRCTL_NO;
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_package_compile(const weirctl_t *ctl, weirctl_bundle_t *b,
    const weir_policy_source_t *files, uint32_t nfiles, int tests)
{
    int              rc;
    weir_zoneinfo_t  zi;

    memset(b, 0, sizeof(weirctl_bundle_t));

    weir_arena_init(&b->arena, &weir_alloc_malloc, 0);

    weir_zoneinfo(&zi, &b->arena, WEIR_ZONEINFO);

    if (weir_policy_compile(&b->arena, files, nfiles, &zi.zones, &b->bundle)
        != WEIR_OK)
    {
        return weirctl_nomem();
    }

    rc = weirctl_bundle_asserts(b);

    return rc == WEIRCTL_GO_ON ? weirctl_package_check(ctl, b, tests) : rc;
}


int
weirctl_package_head(weirctl_fleet_t *f, weirctl_package_t *p,
    weir_str_t text)
{
    int  rc;

    rc = weirctl_doc_read(f, &f->arena, &p->head, text);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (!p->head.readable || p->head.doc.kind != WEIR_KIND_BUNDLE) {
        (void) weirctl_error("it is no bundle: %s", p->head.readable
                             ? "another kind of document"
                             : p->head.err.text);
        return WEIRCTL_NO;
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_package_sign(weirctl_fleet_t *f, weirctl_package_t *p,
    const char *path)
{
    unsigned    i;
    weir_str_t  text;

    for (i = 0; i < f->nsigners; i++) {

        switch (weir_envelope_sign(&p->head.envelope, &f->arena,
                                   &f->signers[i]))
        {
        case WEIR_OK:
            break;

        case WEIR_DECLINED:
            (void) weirctl_error("%s: it has %d signatures already", path,
                                 WEIR_ENVELOPE_SIGNATURES);
            return WEIRCTL_NO;

        default:
            return weirctl_nomem();
        }
    }

    switch (weir_envelope_format(&p->head.envelope, &f->arena, &text)) {

    case WEIR_OK:
        return weirctl_package_head(f, p, text);

    case WEIR_NOMEM:
        return weirctl_nomem();

    default:
        return weirctl_error("%s: larger than an envelope may be", path);
    }
}


int
weirctl_package_make(weirctl_fleet_t *f, weirctl_package_t *p,
    const weir_policy_source_t *files, uint32_t nfiles,
    const weirctl_doc_t *head, const weirctl_last_t *last)
{
    int              rc;
    uint8_t          hash[WEIR_SHA256_LEN];
    uint32_t         i;
    weir_err_t       err;
    weir_str_t       text;
    weir_document_t  doc;

    memset(p, 0, sizeof(weirctl_package_t));

    rc = weirctl_doc_next(f, &doc, WEIR_KIND_BUNDLE, weir_str(WEIR_BUNDLE_ID),
                          last);

    if (rc == WEIRCTL_GO_ON && f->store != NULL) {
        rc = weirctl_package_lives(f, &doc, head);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    doc.tool = weir_str("weirctl " WEIR_VERSION);
    doc.has_activate_at = f->has_activate_at;
    doc.activate_at = f->activate_at;

    switch (weir_bundle_pack(&doc, &f->arena, files, nfiles, &err)) {

    case WEIR_OK:
        break;

    case WEIR_DECLINED:
        (void) weirctl_error("%s", err.text);
        return WEIRCTL_NO;

    default:
        return weirctl_nomem();
    }

    p->segments = weir_arena_calloc(&f->arena, doc.nsegments + 1,
                                    sizeof(weir_store_segment_t));

    if (p->segments == NULL) {
        return weirctl_nomem();
    }

    for (i = 0; i < doc.nsegments; i++) {
        memcpy(p->segments[i].hash, doc.segments[i].hash, WEIR_STORE_HASH);
        p->segments[i].bytes = doc.segments[i].text;
    }

    p->nsegments = doc.nsegments;

    rc = weirctl_doc_write(f, &doc, &text, hash);

    return rc == WEIRCTL_GO_ON ? weirctl_package_head(f, p, text) : rc;
}


/*
 * live_min: no fresh gateway takes an older live document than there is now,
 * or than the last head said.
 */

static int
weirctl_package_lives(weirctl_fleet_t *f, weir_document_t *doc,
    const weirctl_doc_t *head)
{
    int                 rc;
    uint32_t            i;
    weir_str_t          all;
    weir_store_err_t    err;
    weir_store_list_t   list;

    memset(&all, 0, sizeof(weir_str_t));

    doc->live_min = weir_arena_calloc(&f->arena, WEIR_DOCUMENT_LIVE_MIN,
                                      sizeof(weir_live_min_t));

    if (doc->live_min == NULL) {
        return weirctl_nomem();
    }

    rc = WEIRCTL_GO_ON;

    if (head->readable && (head->verified || !f->checks)) {
        for (i = 0; rc == WEIRCTL_GO_ON && i < head->doc.nlive_min; i++) {
            rc = weirctl_package_least(doc, head->doc.live_min[i].name,
                                       head->doc.live_min[i].version);
        }
    }

    if (f->store->ops->lives(f->store, &f->arena, all, WEIRCTL_LIVES, &list,
                             &err)
        != WEIR_STORE_OK)
    {
        return weirctl_store_error(&err);
    }

    for (i = 0; rc == WEIRCTL_GO_ON && i < list.n; i++) {
        rc = weirctl_package_live(f, doc, &list.entries[i]);
    }

    if (doc->nlive_min > 1) {
        qsort(doc->live_min, doc->nlive_min, sizeof(weir_live_min_t),
              weirctl_package_least_cmp);
    }

    return rc;
}


/* What nobody known here has signed could shut out fresh gateways. */

static int
weirctl_package_live(weirctl_fleet_t *f, weir_document_t *doc,
    const weir_store_entry_t *e)
{
    int             rc;
    size_t          len;
    uint8_t        *name;
    weir_kind_e     kind;
    weir_str_t      s;
    weirctl_doc_t   d;

    kind = weir_kind(e->kind);

    if (kind == WEIR_KIND_NONE || kind == WEIR_KIND_BUNDLE) {
        return WEIRCTL_GO_ON;
    }

    rc = weirctl_doc_fetch(f, &d, kind, e->name);

    if (rc != WEIRCTL_GO_ON || !d.there) {
        return rc;
    }

    name = weir_arena_alloc(&f->arena, WEIR_DOCUMENT_NAME_MAX);

    if (name == NULL) {
        return weirctl_nomem();
    }

    if (d.readable && (d.verified || !f->checks)) {
        s.data = name;
        s.len = weir_document_name(name, d.doc.kind, d.doc.id);

        len = e->kind.len;

        if (s.len == len + 1 + e->name.len
            && memcmp(s.data, e->kind.data, len) == 0
            && memcmp(s.data + len + 1, e->name.data, e->name.len) == 0)
        {
            return weirctl_package_least(doc, s, d.doc.version);
        }
    }

    weirctl_note(f->ctl, "live document %.*s/%.*s: %s; the bundle does not "
                 "ask for it", (int) e->kind.len, e->kind.data,
                 (int) e->name.len, e->name.data,
                 !d.readable || d.why != WEIR_REFUSAL_NONE ? d.err.text
                 : "it belongs elsewhere");

    return WEIRCTL_GO_ON;
}


static int
weirctl_package_least(weir_document_t *doc, weir_str_t name,
    uint64_t version)
{
    uint32_t  i;

    for (i = 0; i < doc->nlive_min; i++) {
        if (weir_str_eq(doc->live_min[i].name, name)) {

            if (doc->live_min[i].version < version) {
                doc->live_min[i].version = version;
            }

            return WEIRCTL_GO_ON;
        }
    }

    if (doc->nlive_min == WEIR_DOCUMENT_LIVE_MIN) {
        (void) weirctl_error("more than %d live documents",
                             WEIR_DOCUMENT_LIVE_MIN);
        return WEIRCTL_NO;
    }

    doc->live_min[doc->nlive_min].name = name;
    doc->live_min[doc->nlive_min].version = version;
    doc->nlive_min++;

    return WEIRCTL_GO_ON;
}


static int
weirctl_package_least_cmp(const void *one, const void *two)
{
    return weir_str_cmp(((const weir_live_min_t *) one)->name,
                        ((const weir_live_min_t *) two)->name);
}


int
weirctl_package_fetch(weirctl_fleet_t *f, weirctl_package_t *p)
{
    uint32_t           i;
    weir_store_err_t   err;
    weir_document_t   *doc;
    weir_store_code_e  rc;

    doc = &p->head.doc;

    p->nsegments = doc->nsegments;
    p->segments = weir_arena_calloc(&f->arena, doc->nsegments + 1,
                                    sizeof(weir_store_segment_t));

    if (p->segments == NULL) {
        return weirctl_nomem();
    }

    for (i = 0; i < doc->nsegments; i++) {
        memcpy(p->segments[i].hash, doc->segments[i].hash, WEIR_STORE_HASH);

        rc = f->store->ops->segment(f->store, &f->arena,
                                    doc->segments[i].hash,
                                    (size_t) doc->segments[i].size,
                                    &p->segments[i].bytes, &err);

        if (rc != WEIR_STORE_OK) {
            return weirctl_store_error(&err);
        }
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_package_files(weirctl_fleet_t *f, const weirctl_package_t *p,
    weir_policy_source_t **files, uint32_t *nfiles)
{
    int             rc;
    uint32_t        i;
    weir_err_t      err;
    weir_unpack_t   u;
    weir_refusal_e  why;

    weir_unpack_init(&u, &f->arena, &p->head.doc);

    rc = WEIR_OK;

    for (i = 0; rc == WEIR_OK && i < p->nsegments; i++) {
        rc = weir_unpack_segment(&u, p->segments[i].bytes, &why, &err);
    }

    if (rc == WEIR_OK) {
        rc = weir_unpack_files(&u, files, nfiles, &why, &err);
    }

    if (rc == WEIR_NOMEM) {
        return weirctl_nomem();
    }

    if (rc != WEIR_OK) {
        (void) weirctl_error("bundle %llu: %s",
                             (unsigned long long) p->head.doc.version,
                             err.text);
        return WEIRCTL_NO;
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_package_read(weirctl_fleet_t *f, weirctl_package_t *p,
    const char *path)
{
    int              rc;
    uint32_t         i;
    weir_str_t       file, text, line;
    weir_segment_t  *segment;

    memset(p, 0, sizeof(weirctl_package_t));

    rc = weirctl_read(path, WEIRCTL_PACKAGE_MAX, &file);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    text = weir_arena_copy(&f->arena, file);

    free((void *) file.data);

    if (text.data == NULL && file.len != 0) {
        return weirctl_nomem();
    }

    if (weirctl_package_line(&text, &line) != WEIR_OK) {
        return weirctl_error("%s: it is no bundle", path);
    }

    rc = weirctl_package_head(f, p, line);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    p->nsegments = p->head.doc.nsegments;
    p->segments = weir_arena_calloc(&f->arena, p->nsegments + 1,
                                    sizeof(weir_store_segment_t));

    if (p->segments == NULL) {
        return weirctl_nomem();
    }

    for (i = 0; i < p->nsegments; i++) {
        segment = &p->head.doc.segments[i];

        if (weirctl_package_line(&text, &line) != WEIR_OK) {
            (void) weirctl_error("%s: segment %u of %u is missing", path,
                                 i + 1, p->nsegments);
            return WEIRCTL_NO;
        }

        memcpy(p->segments[i].hash, segment->hash, WEIR_STORE_HASH);
        p->segments[i].bytes = line;
    }

    if (text.len != 0) {
        (void) weirctl_error("%s: more than %u segments", path,
                             p->nsegments);
        return WEIRCTL_NO;
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_package_line(weir_str_t *text, weir_str_t *line)
{
    const uint8_t  *lf;

    lf = text->data == NULL ? NULL : memchr(text->data, '\n', text->len);

    if (lf == NULL) {
        return WEIR_DECLINED;
    }

    line->data = text->data;
    line->len = (size_t) (lf - text->data);

    text->len -= line->len + 1;
    text->data = lf + 1;

    return WEIR_OK;
}


int
weirctl_package_write(const weirctl_package_t *p, const char *path)
{
    int               rc;
    weirctl_beside_t  b;

    if (strcmp(path, "-") == 0) {
        return weirctl_package_out(p, stdout) == 0
               ? WEIRCTL_GO_ON : weirctl_error("stdout: %s", strerror(errno));
    }

    rc = weirctl_beside_open(&b, path, 0666);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    (void) weirctl_package_out(p, b.out);

    return weirctl_beside_close(&b, path, 0);
}


static int
weirctl_package_out(const weirctl_package_t *p, FILE *out)
{
    uint32_t  i;

    (void) fwrite(p->head.text.data, 1, p->head.text.len, out);
    (void) putc('\n', out);

    for (i = 0; i < p->nsegments; i++) {
        (void) fwrite(p->segments[i].bytes.data, 1,
                      p->segments[i].bytes.len, out);
        (void) putc('\n', out);
    }

    return ferror(out);
}


int
weirctl_package_print(const weirctl_t *ctl, const weirctl_package_t *p,
    const char *path, uint32_t nfiles)
{
    int              rc;
    json_t          *object;
    unsigned         nsigs;
    weirctl_hash_t   hash;

    nsigs = p->head.envelope.nsigs;

    if (strcmp(path, "-") == 0) {
        return WEIRCTL_YES;
    }

    if (ctl->json) {
        weirctl_hash(&hash, p->head.envelope.hash);

        object = json_pack("{s:s, s:I, s:s, s:I}", "path", path, "version",
                           (json_int_t) p->head.doc.version, "hash",
                           hash.text, "signatures", (json_int_t) nsigs);

        if (nfiles != 0) {
            (void) json_object_set_new(object, "files",
                                       json_integer((json_int_t) nfiles));
        }

        rc = weirctl_print_json(object);
        return rc == WEIRCTL_GO_ON ? WEIRCTL_YES : rc;
    }

    if (ctl->quiet) {
        return WEIRCTL_YES;
    }

    printf("%s: version %llu", path,
           (unsigned long long) p->head.doc.version);

    if (nfiles != 0) {
        printf(", %u %s", nfiles, nfiles == 1 ? "file" : "files");
    }

    printf(", %u %s\n", nsigs, nsigs == 1 ? "signature" : "signatures");

    return WEIRCTL_YES;
}
