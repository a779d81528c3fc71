
/*
 * Fuzzer of signed documents: envelopes, payloads, segments and fences from
 * strangers.  Nothing that nobody signed is taken; what is read is within the
 * bounds; what is read and written again is the same.
 *
 * The input's first byte chooses: an envelope as it is; a payload, which is
 * put into an envelope and signed, so that the fuzzer gets behind the
 * signature; a segment of a bundle that names it; a file of fences, with or
 * without its hash; the file of a key.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "weir_accept.h"
#include "weir_audit.h"
#include "weir_segment.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static weir_signer_t  signer;
static weir_trust_t   trust;
static weir_err_t     error;


static void
check(int ok)
{
    if (!ok) {
        abort();
    }
}


static void
expect_make(weir_expect_t *x, weir_kind_e kind)
{
    memset(x, 0, sizeof(weir_expect_t));

    x->trust = &trust;
    x->ns = weir_str("prod");
    x->kind = kind;
    x->id = kind == WEIR_KIND_BUNDLE ? weir_str(WEIR_BUNDLE_ID)
                                     : weir_str("checkout");
    x->now = 1767225600;
}


static void
document(const weir_document_t *doc)
{
    uint32_t  i, sum;

    check(doc->version != 0);
    check(weir_namespace_valid(doc->ns));
    check(weir_document_id_valid(doc->kind, doc->id));
    check(doc->nsegments <= WEIR_BUNDLE_SEGMENTS);
    check(doc->size <= WEIR_BUNDLE_MAX);
    check(doc->nlive_min <= WEIR_DOCUMENT_LIVE_MIN);
    check(doc->nweights <= WEIR_DOCUMENT_WEIGHTS);
    check(doc->kind != WEIR_KIND_BUNDLE
          || (doc->has_files ? doc->nfiles != 0 : doc->nsegments != 0));

    for (i = 0; i < doc->nfiles; i++) {
        check(weir_bundle_file_valid(doc->files[i].name));
        check(i == 0 || weir_str_cmp(doc->files[i - 1].name,
                                     doc->files[i].name) < 0);
    }

    sum = 0;

    for (i = 0; i < doc->nweights; i++) {
        sum += doc->weights[i].weight;
    }

    check(sum <= WEIR_WEIGHTS_WHOLE);
}


/* As it is: the fuzzer has no key, so nothing may be taken. */

static void
envelope(weir_str_t text, weir_arena_t *a)
{
    int              rc;
    weir_str_t       again;
    weir_audit_t     audit;
    weir_accept_t    r;
    weir_expect_t    x;
    weir_refusal_e   why;
    weir_envelope_t  e, f;

    expect_make(&x, WEIR_KIND_SPLIT);

    rc = weir_accept(&r, a, &x, text, &error);
    check(rc == WEIR_DECLINED && r.why != WEIR_REFUSAL_NONE && !r.parsed);

    rc = weir_envelope_parse(&e, a, text, &why, &error);
    check(rc != WEIR_NOMEM);

    if (rc == WEIR_OK) {
        check(e.nsigs <= WEIR_ENVELOPE_SIGNATURES);
        check(e.payload.len < WEIR_ENVELOPE_MAX);
        rc = weir_envelope_format(&e, a, &again);

        if (rc == WEIR_OK) {
            check(weir_envelope_parse(&f, a, again, &why, &error) == WEIR_OK);
            check(weir_str_eq(e.payload, f.payload));
            check(memcmp(e.hash, f.hash, 32) == 0);
            check(e.kind == f.kind && e.nsigs == f.nsigs);
            check(memcmp(e.sigs, f.sigs, sizeof(e.sigs)) == 0);
        }
    }

    check(weir_audit_init(&audit, a, &trust, weir_str("prod"), NULL, 1)
          == WEIR_OK);
    check(weir_audit_entry(&audit, a, text, &why, &error) == WEIR_DECLINED);
    check(audit.last.n == 0);
}


static void
payload(weir_str_t text, weir_arena_t *a)
{
    int              rc;
    weir_str_t       sealed, again, third;
    weir_kind_e      kind;
    weir_accept_t    r;
    weir_expect_t    x;
    weir_refusal_e   why;
    weir_document_t  doc;
    weir_envelope_t  e;

    for (kind = WEIR_KIND_BUNDLE; kind < WEIR_KINDS; kind++) {
        rc = weir_document_parse(&doc, a, kind, text, &why, &error);
        check(rc == WEIR_OK || rc == WEIR_DECLINED);

        if (rc != WEIR_OK) {
            continue;
        }

        check(weir_envelope_make(&e, kind, text) == WEIR_OK);
        check(weir_envelope_sign(&e, a, &signer) == WEIR_OK);

        if (weir_envelope_format(&e, a, &sealed) != WEIR_OK) {
            return;
        }

        expect_make(&x, kind == WEIR_KIND_BUNDLE ? kind : WEIR_KIND_SPLIT);

        rc = weir_accept(&r, a, &x, sealed, &error);
        check(rc == WEIR_OK || rc == WEIR_DECLINED);
        check((rc == WEIR_OK) == (r.why == WEIR_REFUSAL_NONE));

        check(r.parsed);
        document(&r.doc);

        /* what a writer makes of it is read as the same, and stays so */

        if (weir_document_write(&r.doc, a, &again, &error) != WEIR_OK) {
            continue;
        }

        check(weir_document_parse(&doc, a, kind, again, &why, &error)
              == WEIR_OK);
        document(&doc);
        check(doc.version == r.doc.version && doc.epoch == r.doc.epoch);
        check(weir_str_eq(doc.by, r.doc.by));
        check(weir_str_eq(doc.reason, r.doc.reason));
        check(weir_document_write(&doc, a, &third, &error) == WEIR_OK);
        check(weir_str_eq(again, third));
    }
}


static void
segment(weir_str_t text, weir_arena_t *a)
{
    int                    rc;
    size_t                 half;
    uint32_t               i, n;
    weir_str_t             part[2];
    weir_unpack_t          u;
    weir_refusal_e         why;
    weir_segment_t         s[2];
    weir_document_t        doc;
    weir_policy_source_t  *files;

    /* two segments: cut at the first line feed */

    for (half = 0; half < text.len && text.data[half] != '\n'; half++) {
        /* void */
    }

    part[0] = (weir_str_t) { half, text.data };
    part[1] = (weir_str_t) { text.len - half, text.data + half };

    memset(&doc, 0, sizeof(doc));
    doc.segments = s;
    doc.nsegments = half == text.len ? 1 : 2;

    for (i = 0; i < doc.nsegments; i++) {
        s[i].size = part[i].len;
        check(weir_sha256(part[i], s[i].hash) == WEIR_OK);
    }

    weir_unpack_init(&u, a, &doc);

    for (i = 0; i < doc.nsegments; i++) {
        rc = weir_unpack_segment(&u, part[i], &why, &error);
        check(rc == WEIR_OK || rc == WEIR_DECLINED);

        if (rc != WEIR_OK) {
            return;
        }
    }

    if (weir_unpack_files(&u, &files, &n, &why, &error) != WEIR_OK) {
        return;
    }

    for (i = 0; i < n; i++) {
        check(weir_bundle_file_valid(files[i].name));
        check(weir_utf8_valid(files[i].text));
        check(i == 0 || weir_str_cmp(files[i - 1].name, files[i].name) < 0);
    }

    /* packed again they are the same files */

    memset(&doc, 0, sizeof(doc));
    doc.kind = WEIR_KIND_BUNDLE;

    if (weir_bundle_pack(&doc, a, files, n, &error) == WEIR_OK) {
        check(doc.has_files || doc.nsegments != 0);
    }
}


static void
fences(weir_str_t text, weir_arena_t *a, int hashed)
{
    uint8_t       *p, hash[WEIR_SHA256_LEN];
    weir_str_t     again;
    weir_fences_t  f;

    if (hashed) {
        p = weir_arena_alloc(a, text.len + WEIR_HASH_TEXT + 1);
        check(p != NULL);

        if (text.len != 0) {
            memcpy(p, text.data, text.len);
        }

        check(weir_sha256(text, hash) == WEIR_OK);
        weir_hash_format(p + text.len, hash);
        p[text.len + WEIR_HASH_TEXT] = '\n';
        text.data = p;
        text.len += WEIR_HASH_TEXT + 1;
    }

    if (weir_fences_parse(&f, a, text, &error) != WEIR_OK) {
        return;
    }

    check(f.n <= WEIR_FENCES_MAX);

    again = weir_fences_format(&f, a);
    check(again.data != NULL);
    check(weir_str_eq(again, text));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t            seed[WEIR_KEY_LEN];
    weir_str_t         text;
    weir_arena_t       a;
    weir_signer_t      s;
    weir_public_key_t  pub;

    if (trust.nkeys == 0) {
        memset(seed, 'w', sizeof(seed));
        check(weir_signer(&signer, seed) == WEIR_OK);
        check(weir_trust_add(&trust, &signer.pub, WEIR_ROLE_ALL, NULL)
              == WEIR_OK);
    }

    if (size == 0) {
        return 0;
    }

    text.data = data + 1;
    text.len = size - 1;

    weir_arena_init(&a, &weir_alloc_malloc, 64 * 1024 * 1024);

    switch (data[0]) {

    case 'e':
        envelope(text, &a);
        break;

    case 'p':
        payload(text, &a);
        break;

    case 's':
        segment(text, &a);
        break;

    case 'f':
        fences(text, &a, 0);
        break;

    case 'h':
        fences(text, &a, 1);
        break;

    case 'k':
        (void) weir_public_key_parse(&pub, text, &error);
        (void) weir_signer_parse(&s, text, &error);
        break;

    default:
        break;
    }

    weir_arena_done(&a);
    check(ERR_peek_error() == 0);

    return 0;
}
