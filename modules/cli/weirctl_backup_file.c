
/*
 * weirctl: the file that a backup is: records, each a line that names and
 * hashes what follows it, and a hash of all of them.
 *
 *   weir-backup 1 NAMESPACE TIME
 *   rev N
 *   segment - HASH SIZE             and then SIZE bytes and a line end
 *   entry TIME HASH SIZE            of the trail, in its order
 *   live KIND/ID HASH SIZE
 *   head bundle/head HASH SIZE
 *   end HASH                        of all before this line
 */

#include <stdlib.h>

#include "weir_strict.h"
#include "weir_time.h"
#include "weirctl_state.h"


#define WEIRCTL_BACKUP_LINE  512        /* bytes of a record's line */


typedef struct {
    weir_str_t  rest;                   /* of the file */
    uint64_t    line;                   /* number of lines and records */
    weir_str_t  words[4];
    unsigned    nwords;
    weir_str_t  bytes;
    uint8_t     hash[WEIR_SHA256_LEN];
} weirctl_record_t;


static void weirctl_backup_record(FILE *out, const char *what,
    weir_str_t name, const uint8_t *hash, weir_str_t bytes);
static int weirctl_backup_sum(FILE *out, char **buf, size_t *len);
static int weirctl_backup_words(weirctl_record_t *r);
static int weirctl_backup_begin(weirctl_state_t *s, weirctl_record_t *r);
static int weirctl_backup_next(weirctl_state_t *s, weirctl_record_t *r,
    int *end);
static int weirctl_backup_take(weirctl_state_t *s, weirctl_record_t *r);
static int weirctl_backup_torn(weirctl_state_t *s,
    const weirctl_record_t *r, const char *text);


int
weirctl_backup_format(const weirctl_state_t *s, weir_str_t *text)
{
    int                     rc;
    char                   *buf;
    FILE                   *out;
    size_t                  len;
    uint8_t                 hash[WEIR_SHA256_LEN];
    uint32_t                i;
    weirctl_time_t          when;
    const weirctl_place_t  *p;

    buf = NULL;
    len = 0;

    out = open_memstream(&buf, &len);

    if (out == NULL) {
        return weirctl_nomem();
    }

    weirctl_time(&when, weirctl_now());

    fprintf(out, "weir-backup 1 %.*s %s\nrev %llu\n",
            (int) s->fleet->ns.len, s->fleet->ns.data, when.text,
            (unsigned long long) s->rev);

    for (i = 0; i < s->nsegments; i++) {
        weirctl_backup_record(out, "segment", weir_str("-"),
                              s->segments[i].hash, s->segments[i].bytes);
    }

    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON && i < s->nentries; i++) {

        if (s->entries[i].bad) {
            continue;
        }

        if (weir_sha256(s->entries[i].text, hash) != WEIR_OK) {
            rc = weirctl_nomem();
        }

        weirctl_time(&when, s->entries[i].when);
        weirctl_backup_record(out, "entry", weir_cstr(when.text), hash,
                              s->entries[i].text);
    }

    for (i = 0; i < s->nplaces; i++) {
        p = &s->places[i];

        if (!p->bad) {
            weirctl_backup_record(out, p->kind.len != 0 ? "live" : "head",
                                  p->name, p->doc.text_hash, p->doc.text);
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_backup_sum(out, &buf, &len);
    }

    if (fclose(out) != 0 && rc == WEIRCTL_GO_ON) {
        rc = weirctl_nomem();
    }

    if (rc == WEIRCTL_GO_ON && len > WEIRCTL_BACKUP_MAX) {
        (void) weirctl_error("it would be larger than %d bytes: "
                             "\"weirctl audit trim\" makes it smaller",
                             WEIRCTL_BACKUP_MAX);
        rc = WEIRCTL_NO;
    }

    if (rc != WEIRCTL_GO_ON) {
        free(buf);
        return rc;
    }

    text->data = (const uint8_t *) buf;
    text->len = len;

    return WEIRCTL_GO_ON;
}


static void
weirctl_backup_record(FILE *out, const char *what, weir_str_t name,
    const uint8_t *hash, weir_str_t bytes)
{
    weirctl_hash_t  hex;

    weirctl_hash(&hex, hash);

    fprintf(out, "%s %.*s %s %zu\n", what, (int) name.len, name.data,
            hex.text, bytes.len);

    (void) fwrite(bytes.data, 1, bytes.len, out);
    (void) putc('\n', out);
}


static int
weirctl_backup_sum(FILE *out, char **buf, size_t *len)
{
    uint8_t         hash[WEIR_SHA256_LEN];
    weirctl_hash_t  hex;

    if (fflush(out) != 0
        || weir_sha256((weir_str_t) { *len, (const uint8_t *) *buf }, hash)
           != WEIR_OK)
    {
        return weirctl_nomem();
    }

    weirctl_hash(&hex, hash);

    return fprintf(out, "end %s\n", hex.text) > 0 ? WEIRCTL_GO_ON
                                                  : weirctl_nomem();
}


/* Of a line that is torn or no record there is no next one. */

static int
weirctl_backup_torn(weirctl_state_t *s, const weirctl_record_t *r,
    const char *text)
{
    return weirctl_state_bad(s, "", r->line, WEIR_REFUSAL_TRUNCATED,
                             text);
}


/* The words of the next line, single blanks between them. */

static int
weirctl_backup_words(weirctl_record_t *r)
{
    size_t          len, max, i;
    const uint8_t  *lf;

    max = r->rest.len < WEIRCTL_BACKUP_LINE ? r->rest.len
                                            : WEIRCTL_BACKUP_LINE;
    lf = max == 0 ? NULL : memchr(r->rest.data, '\n', max);

    r->line++;
    r->nwords = 0;

    if (lf == NULL) {
        return WEIR_DECLINED;
    }

    len = (size_t) (lf - r->rest.data);

    memset(r->words, 0, sizeof(r->words));
    r->words[0].data = r->rest.data;

    for (i = 0; i < len; i++) {

        if (r->rest.data[i] != ' ') {
            r->words[r->nwords].len++;
            continue;
        }

        if (r->words[r->nwords].len == 0 || r->nwords == 3) {
            return WEIR_DECLINED;
        }

        r->words[++r->nwords].data = r->rest.data + i + 1;
    }

    if (r->words[r->nwords++].len == 0) {
        return WEIR_DECLINED;
    }

    r->rest.data += len + 1;
    r->rest.len -= len + 1;

    return WEIR_OK;
}


int
weirctl_backup_parse(weirctl_state_t *s, weir_str_t text)
{
    int               rc, end;
    uint8_t           sum[WEIR_SHA256_LEN], hash[WEIR_SHA256_LEN];
    weir_str_t        before;
    weirctl_record_t  r;

    memset(&r, 0, sizeof(weirctl_record_t));

    r.rest = text;
    end = 0;

    rc = weirctl_backup_begin(s, &r);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    before.data = text.data;

    do {
        before.len = (size_t) (r.rest.data - text.data);
        rc = weirctl_backup_next(s, &r, &end);
    } while (rc == WEIRCTL_GO_ON && !end);

    if (rc != WEIRCTL_GO_ON || end < 0) {
        return rc;
    }

    if (weir_sha256(before, hash) != WEIR_OK) {
        return weirctl_nomem();
    }

    if (r.nwords != 2 || weir_hash_parse(r.words[1], sum) != WEIR_OK
        || memcmp(sum, hash, WEIR_SHA256_LEN) != 0)
    {
        return weirctl_state_bad(s, "", r.line,
                                 WEIR_REFUSAL_BAD_SIGNATURE,
                                 "the hash at the end is that of another "
                                 "file");
    }

    return r.rest.len == 0 ? WEIRCTL_GO_ON
           : weirctl_backup_torn(s, &r, "something follows the end");
}


static int
weirctl_backup_begin(weirctl_state_t *s, weirctl_record_t *r)
{
    int64_t  when;

    if (weirctl_backup_words(r) != WEIR_OK || r->nwords != 4
        || !weir_str_eq(r->words[0], weir_str("weir-backup"))
        || weir_time_parse(r->words[3], &when) != WEIR_OK)
    {
        (void) weirctl_error("%s: it is no backup", s->from);
        return WEIRCTL_NO;
    }

    if (!weir_str_eq(r->words[1], weir_str("1"))) {
        (void) weirctl_error("%s: a backup of format \"%.*s\", which this "
                             "weirctl does not know", s->from,
                             (int) r->words[1].len, r->words[1].data);
        return WEIRCTL_NO;
    }

    if (!weir_str_eq(r->words[2], s->fleet->ns)) {
        (void) weirctl_error("%s: a backup of namespace \"%.*s\", the "
                             "store's is \"%.*s\": what is signed for one "
                             "holds in no other", s->from,
                             (int) r->words[2].len, r->words[2].data,
                             (int) s->fleet->ns.len, s->fleet->ns.data);
        return WEIRCTL_NO;
    }

    if (weirctl_backup_words(r) != WEIR_OK || r->nwords != 2
        || !weir_str_eq(r->words[0], weir_str("rev"))
        || weir_u64_parse(r->words[1], &s->rev) != WEIR_OK)
    {
        (void) weirctl_error("%s: line 2 is no rev", s->from);
        return WEIRCTL_NO;
    }

    return WEIRCTL_GO_ON;
}


/* *end: 1: that was the end; -1: there is no way to go on. */

static int
weirctl_backup_next(weirctl_state_t *s, weirctl_record_t *r, int *end)
{
    char        where[WEIRCTL_BACKUP_LINE + 16];
    uint8_t     is[WEIR_SHA256_LEN];
    uint64_t    size;

    *end = -1;

    if (weirctl_backup_words(r) != WEIR_OK) {
        return weirctl_backup_torn(s, r, r->rest.len == 0
                                   ? "the file ends before its end"
                                   : "it is no record");
    }

    if (weir_str_eq(r->words[0], weir_str("end"))) {
        *end = 1;
        return WEIRCTL_GO_ON;
    }

    if (r->nwords != 4 || weir_hash_parse(r->words[2], r->hash) != WEIR_OK
        || weir_u64_parse(r->words[3], &size) != WEIR_OK)
    {
        return weirctl_backup_torn(s, r, "it is no record");
    }

    if (size >= r->rest.len || r->rest.data[size] != '\n') {
        return weirctl_backup_torn(s, r, "it does not end where its size "
                                   "says");
    }

    r->bytes.data = r->rest.data;
    r->bytes.len = (size_t) size;
    r->rest.data += size + 1;
    r->rest.len -= (size_t) size + 1;

    *end = 0;

    if (weir_sha256(r->bytes, is) != WEIR_OK) {
        return weirctl_nomem();
    }

    if (memcmp(is, r->hash, WEIR_SHA256_LEN) != 0) {
        snprintf(where, sizeof(where), "%.*s %.*s",
                 (int) r->words[0].len, r->words[0].data,
                 (int) r->words[1].len, r->words[1].data);

        return weirctl_state_bad(s, where, r->line,
                                 WEIR_REFUSAL_BAD_SIGNATURE,
                                 "it has another hash than its line says");
    }

    return weirctl_backup_take(s, r);
}


static int
weirctl_backup_take(weirctl_state_t *s, weirctl_record_t *r)
{
    int64_t      when;
    weir_str_t   what, name, id;

    const uint8_t  *slash;

    what = r->words[0];
    name = r->words[1];

    if (weir_str_eq(what, weir_str("segment"))) {
        return weirctl_state_segment(s, r->hash, r->bytes);
    }

    if (weir_str_eq(what, weir_str("entry"))
        && weir_time_parse(name, &when) == WEIR_OK)
    {
        return weirctl_state_entry(s, when, r->bytes);
    }

    slash = memchr(name.data, '/', name.len);

    if (slash != NULL && weirctl_state_find(s, name) == NULL) {

        id.data = slash + 1;
        id.len = name.len - (size_t) (id.data - name.data);
        name.len = (size_t) (slash - name.data);

        if (weir_str_eq(what, weir_str("live"))
            && weir_store_kind_valid(name) && weir_store_name_valid(id)
            && !weir_str_eq(name, weir_str("bundle")))
        {
            return weirctl_state_place(s, name, id, r->bytes);
        }

        if (weir_str_eq(what, weir_str("head"))
            && weir_str_eq(r->words[1], weir_str("bundle/" WEIR_BUNDLE_ID)))
        {
            return weirctl_state_place(s, (weir_str_t) { 0, NULL },
                                       (weir_str_t) { 0, NULL }, r->bytes);
        }
    }

    return weirctl_backup_torn(s, r, "it is no record that is known, or one "
                               "of a name twice");
}
