
/*
 * weirctl history: what was published, by the audit trail; and finding one
 * of it again.
 */

#include <stdlib.h>

#include "weirctl_package.h"


typedef struct {
    weirctl_fleet_t      *fleet;
    const char           *name;         /* NULL: all */
    json_t               *array;        /* NULL: text */
} weirctl_history_t;

typedef struct {
    weirctl_fleet_t      *fleet;
    const weirctl_doc_t  *head;         /* whose content is not wanted */
    uint64_t              version;
    weir_str_t            text;         /* the last one that fits */
} weirctl_find_t;


static int weirctl_history_entry(void *ctx, weirctl_doc_t *d, uint64_t line);
static int weirctl_history_json(const weirctl_history_t *h,
    const weirctl_doc_t *d, const char *name);
static void weirctl_history_text(const weirctl_history_t *h,
    const weirctl_doc_t *d, const char *name);
static const char *weirctl_history_signed(const weirctl_history_t *h,
    const weirctl_doc_t *d);
static int weirctl_find_entry(void *ctx, weirctl_doc_t *d, uint64_t line);


/* weirctl history [KIND/NAME] */

int
weirctl_history(weirctl_t *ctl)
{
    int                      rc, all;
    weirctl_fleet_t          f;
    weirctl_history_t        h;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    o.reads = 1;
    all = 0;

    const weirctl_option_t  options[] = {
        { "all", WEIRCTL_FLAG, &all, NULL, "bundles and live documents" },
        weirctl_option_store(&o),
        weirctl_option_trust(&o),
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Lists the versions of the bundle, or of a live "
                         "document such as split/checkout,\noldest first.  "
                         "With --trust each says whether its signatures "
                         "hold.", options, 0, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_fleet(ctl, &f, &o, 0);

    if (rc == WEIRCTL_GO_ON) {
        h.fleet = &f;
        h.name = all ? NULL : ctl->argc == 1 ? ctl->argv[0] : "bundle/head";
        h.array = ctl->json ? json_array() : NULL;

        rc = weirctl_trail(&f, weirctl_history_entry, &h);

        if (rc != WEIRCTL_GO_ON) {
            json_decref(h.array);

        } else if (ctl->json) {
            rc = weirctl_print_json(h.array);
        }

        rc = rc == WEIRCTL_GO_ON ? WEIRCTL_YES : rc;
    }

    weirctl_fleet_done(&f);

    return rc;
}


static int
weirctl_history_entry(void *ctx, weirctl_doc_t *d, uint64_t line)
{
    weirctl_history_t *h = ctx;

    size_t  len;
    char    name[WEIR_DOCUMENT_NAME_MAX + 1];

    if (!d->readable) {
        (void) weirctl_error("trail, entry %llu: %s",
                             (unsigned long long) line, d->err.text);
        return WEIRCTL_GO_ON;
    }

    len = weir_document_name((uint8_t *) name, d->doc.kind, d->doc.id);
    name[len] = '\0';

    if (h->name != NULL && strcmp(h->name, name) != 0) {
        return WEIRCTL_GO_ON;
    }

    if (h->array != NULL) {
        return weirctl_history_json(h, d, name);
    }

    weirctl_history_text(h, d, name);

    return WEIRCTL_GO_ON;
}


/* What is known of it here: a word. */

static const char *
weirctl_history_signed(const weirctl_history_t *h, const weirctl_doc_t *d)
{
    if (d->why == WEIR_REFUSAL_NAMESPACE) {
        return "namespace";
    }

    if (!h->fleet->checks) {
        return d->envelope.nsigs == 0 ? "unsigned" : "unverified";
    }

    return d->verified ? "verified"
           : (const char *) weir_refusal_word(d->why).data;
}


static int
weirctl_history_json(const weirctl_history_t *h, const weirctl_doc_t *d,
    const char *name)
{
    json_t          *keys, *item;
    unsigned         i;
    weirctl_time_t   when;
    weirctl_hash_t   hash;

    keys = json_array();

    for (i = 0; i < d->envelope.nsigs; i++) {
        (void) json_array_append_new(keys, json_stringn(
                           (const char *) d->envelope.sigs[i].keyid,
                           WEIR_KEYID_LEN));
    }

    weirctl_time(&when, d->doc.issued);
    weirctl_hash(&hash, d->envelope.hash);

    item = json_pack("{s:s, s:s%, s:I, s:I, s:s, s:s, s:s%, s:s%, s:o, s:s}",
                     "name", name, "kind",
                     (char *) weir_kind_word(d->doc.kind).data,
                     weir_kind_word(d->doc.kind).len, "version",
                     (json_int_t) d->doc.version, "epoch",
                     (json_int_t) d->doc.epoch, "hash", hash.text, "issued",
                     when.text, "by", (char *) d->doc.by.data,
                     d->doc.by.len, "reason", (char *) d->doc.reason.data,
                     d->doc.reason.len, "keys", keys, "signatures",
                     weirctl_history_signed(h, d));

    if (item == NULL || json_array_append_new(h->array, item) != 0) {
        return weirctl_nomem();
    }

    return WEIRCTL_GO_ON;
}


static void
weirctl_history_text(const weirctl_history_t *h, const weirctl_doc_t *d,
    const char *name)
{
    weirctl_time_t  when;
    weirctl_hash_t  hash;

    weirctl_time(&when, d->doc.issued);
    weirctl_hash(&hash, d->envelope.hash);

    if (h->name == NULL) {
        weirctl_print(stdout, "%-24s ", name);
    }

    printf("%6llu %s %.19s %-10s ", (unsigned long long) d->doc.version,
           when.text, hash.text, weirctl_history_signed(h, d));

    weirctl_print_text(stdout, d->doc.by);

    if (d->doc.kind == WEIR_KIND_TOMBSTONE) {
        printf(" (reset)");
    }

    if (d->doc.reason.len != 0) {
        weirctl_print(stdout, ": %.*s", (int) d->doc.reason.len,
                      d->doc.reason.data);
    }

    printf("\n");
}


int
weirctl_package_find(weirctl_fleet_t *f, weirctl_package_t *p,
    uint64_t version, const weirctl_doc_t *head)
{
    int             rc;
    weirctl_find_t  find;

    memset(p, 0, sizeof(weirctl_package_t));
    memset(&find, 0, sizeof(weirctl_find_t));

    if (version == 0 && !head->readable) {
        (void) weirctl_error("%s", head->there ? head->err.text
                             : "the store has no bundle");
        return WEIRCTL_NO;
    }

    find.fleet = f;
    find.head = head;
    find.version = version;

    rc = weirctl_trail(f, weirctl_find_entry, &find);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (find.text.data != NULL) {
        return weirctl_package_head(f, p, find.text);
    }

    if (version != 0) {
        (void) weirctl_error("the trail has no bundle of version %llu",
                             (unsigned long long) version);

    } else {
        (void) weirctl_error("the trail has no bundle with another content");
    }

    return WEIRCTL_NO;
}


static int
weirctl_find_entry(void *ctx, weirctl_doc_t *d, uint64_t line)
{
    weirctl_find_t *f = ctx;

    (void) line;

    if (!d->readable || d->doc.kind != WEIR_KIND_BUNDLE) {
        return WEIRCTL_GO_ON;
    }

    if (f->version != 0) {

        if (d->doc.version != f->version) {
            return WEIRCTL_GO_ON;
        }

    } else if ((f->fleet->checks && !d->verified)
               || weirctl_same_content(&d->doc, &f->head->doc))
    {
        return WEIRCTL_GO_ON;
    }

    f->text = weir_arena_copy(&f->fleet->arena, d->text);

    return f->text.data == NULL ? weirctl_nomem() : WEIRCTL_GO_ON;
}


int
weirctl_same_content(const weir_document_t *a, const weir_document_t *b)
{
    uint32_t  i;

    if (a->has_files != b->has_files || a->nfiles != b->nfiles
        || a->nsegments != b->nsegments)
    {
        return 0;
    }

    for (i = 0; i < a->nfiles; i++) {
        if (!weir_str_eq(a->files[i].name, b->files[i].name)
            || !weir_str_eq(a->files[i].text, b->files[i].text))
        {
            return 0;
        }
    }

    for (i = 0; i < a->nsegments; i++) {
        if (memcmp(a->segments[i].hash, b->segments[i].hash,
                   WEIR_SHA256_LEN) != 0)
        {
            return 0;
        }
    }

    return 1;
}
