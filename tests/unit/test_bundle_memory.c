
/*
 * Tests of lib/bundle when memory fails: every allocation of ours and of
 * OpenSSL fails once in turn, and then all behind it.  Nothing bad is ever
 * taken, nothing is lost, nothing crashes.
 */

#include "bundle_make.h"
#include "failing_memory.h"
#include "weir_bundle.h"


typedef int (*run_pt)(weir_arena_t *a, weir_refusal_e *why);


/*
 * Runs with each allocation failing.  good: WEIR_OK when none does, else
 * WEIR_OK only if OpenSSL managed without, WEIR_NOMEM, or a refusal.
 */

static void
each(run_pt run, int want, weir_refusal_e reason, unsigned least)
{
    int             rc, all;
    unsigned        n, nomem;
    weir_arena_t    a;
    weir_refusal_e  why;

    for (all = 0; all < 2; all++) {
        nomem = 0;

        for (n = 1; /* void */ ; n++) {
            weir_arena_init(&a, &ours, 0);
            why = WEIR_REFUSAL_NONE;

            memory_arm(n, all);
            rc = run(&a, &why);
            memory_disarm();

            weir_arena_done(&a);

            /* OpenSSL 3.6 finds not even its errors while there is none */

            if (all && OPENSSL_VERSION_NUMBER >= 0x30600000L) {
                ERR_clear_error();
            }

            assert_int_equal(ERR_peek_error(), 0);

            if (!memory.failed) {
                assert_int_equal(rc, want);
                assert_int_equal(why, reason);
                break;
            }

            /* what is refused is never taken for want of memory */

            if (want == WEIR_DECLINED) {
                assert_int_not_equal(rc, WEIR_OK);
            }

            nomem += rc == WEIR_NOMEM;
        }

        /* it did try, and said what it was that failed */

        assert_true(n > least);
        assert_true(nomem >= least);
    }

    memory_disarm();
}


static weir_trust_t   trust;
static weir_expect_t  expect;
static weir_str_t     good_text, bad_text, segment;

static weir_document_t  head;


static int
take(weir_arena_t *a, weir_refusal_e *why)
{
    int            rc;
    weir_accept_t  r;

    rc = weir_accept(&r, a, &expect, good_text, &error);
    *why = r.why;

    if (rc == WEIR_OK) {
        assert_int_equal(r.good, 2);
        assert_int_equal(r.doc.version, 3);
        assert_int_equal(r.doc.nfiles, 1);
        assert_str(r.doc.by, "al\nice");
        assert_int_equal(r.fence.version, 3);
        assert_str(r.fence.name, "bundle/head");
    }

    return rc;
}


static int
refuse(weir_arena_t *a, weir_refusal_e *why)
{
    int            rc;
    weir_accept_t  r;

    rc = weir_accept(&r, a, &expect, bad_text, &error);
    *why = r.why;
    assert_false(r.parsed);

    return rc;
}


static int
make(weir_arena_t *a, weir_refusal_e *why)
{
    int              rc;
    weir_str_t       payload, text;
    weir_envelope_t  e;

    (void) why;

    rc = weir_document_write(&head, a, &payload, &error);

    if (rc == WEIR_OK) {
        rc = weir_envelope_make(&e, WEIR_KIND_BUNDLE, payload);
    }

    if (rc == WEIR_OK) {
        rc = weir_envelope_sign(&e, a, &keys[0]);
    }

    if (rc == WEIR_OK) {
        rc = weir_envelope_sign(&e, a, &keys[1]);
    }

    if (rc == WEIR_OK) {
        rc = weir_envelope_format(&e, a, &text);
    }

    if (rc == WEIR_OK) {
        assert_true(weir_str_eq(text, good_text));
    }

    return rc;
}


static int
pack(weir_arena_t *a, weir_refusal_e *why)
{
    int                    rc;
    uint32_t               i, n;
    weir_unpack_t          u;
    weir_document_t        d;
    weir_policy_source_t   file, *files;

    file.name = weir_str("a.policy");
    file.text = segment;

    d = doc_make(WEIR_KIND_BUNDLE, WEIR_BUNDLE_ID, 1);
    rc = weir_bundle_pack(&d, a, &file, 1, &error);

    if (rc != WEIR_OK) {
        return rc;
    }

    assert_int_equal(d.nsegments, 2);
    weir_unpack_init(&u, a, &d);

    for (i = 0; i < d.nsegments; i++) {
        rc = weir_unpack_segment(&u, d.segments[i].text, why, &error);

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    rc = weir_unpack_files(&u, &files, &n, why, &error);

    if (rc == WEIR_OK) {
        *why = WEIR_REFUSAL_NONE;
        assert_int_equal(n, 1);
        assert_true(weir_str_eq(files[0].text, segment));
    }

    return rc;
}


static int
fences(weir_arena_t *a, weir_refusal_e *why)
{
    int            rc;
    char           name[32];
    unsigned       i;
    weir_str_t     text;
    weir_fence_t   fence;
    weir_fences_t  f, g;

    (void) why;

    weir_fences_init(&f, a, weir_str("prod"));
    memset(&fence, 0, sizeof(fence));

    for (i = 0; i < 100; i++) {
        (void) snprintf(name, sizeof(name), "key/%u", i);
        fence.name = str(name);
        fence.version = i;
        rc = weir_fences_raise(&f, &fence);

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    text = weir_fences_format(&f, a);

    if (text.data == NULL) {
        return WEIR_NOMEM;
    }

    rc = weir_fences_parse(&g, a, text, &error);

    if (rc == WEIR_OK) {
        assert_int_equal(g.n, 100);
    }

    return rc;
}


static int
trail(weir_arena_t *a, weir_refusal_e *why)
{
    int            rc;
    weir_arena_t   scratch;
    weir_audit_t   audit;

    rc = weir_audit_init(&audit, a, &trust, weir_str("prod"), NULL, 1);

    if (rc == WEIR_OK) {
        weir_arena_init(&scratch, &ours, WEIR_ENVELOPE_ARENA);
        rc = weir_audit_entry(&audit, &scratch, good_text, why, &error);
        weir_arena_done(&scratch);
    }

    if (rc == WEIR_OK) {
        assert_int_equal(audit.last.n, 1);
    }

    return rc;
}


static int
files_of_keys(weir_arena_t *a, weir_refusal_e *why)
{
    int                rc;
    uint8_t            pem[WEIR_SIGNER_PEM_LEN];
    weir_signer_t      s;
    weir_public_key_t  p;

    (void) a;
    (void) why;

    weir_signer_pem(pem, &keys[0]);
    rc = weir_signer_parse(&s, (weir_str_t) { sizeof(pem), pem }, &error);

    if (rc == WEIR_OK) {
        assert_memory_equal(&s, &keys[0], sizeof(s));
        weir_public_key_pem(pem, &keys[0].pub);
        rc = weir_public_key_parse(&p, (weir_str_t) {
                                   WEIR_PUBLIC_KEY_PEM_LEN, pem }, &error);
    }

    if (rc == WEIR_OK) {
        assert_memory_equal(&p, &keys[0].pub, sizeof(p));
    }

    return rc;
}


static int
compile(weir_arena_t *a, weir_refusal_e *why)
{
    weir_policy_bundle_t  bundle;

    static const weir_policy_source_t  file = {
        { 8, (const uint8_t *) "a.policy" },
        { 27, (const uint8_t *) "language 1; policy orders;\n" }
    };

    return weir_bundle_compile(&bundle, a, &file, 1, NULL, why, &error);
}


static int
compile_error(weir_arena_t *a, weir_refusal_e *why)
{
    weir_policy_bundle_t  bundle;

    static const weir_policy_source_t  file = {
        { 8, (const uint8_t *) "a.policy" },
        { 37, (const uint8_t *) "language 1; policy orders; permit {}\n" }
    };

    return weir_bundle_compile(&bundle, a, &file, 1, NULL, why, &error);
}


static void
everything(void **state)
{
    weir_str_t       payload;
    weir_envelope_t  e;
    weir_refusal_e   why;

    (void) state;

    head = head_make(3);
    head.by = weir_str("al\nice");
    good_text = sealed(&head, 0x3);

    assert_int_equal(weir_envelope_parse(&e, &arena, good_text, &why,
                                         &error), WEIR_OK);
    e.sigs[1].sig[7] ^= 1;
    assert_int_equal(weir_envelope_format(&e, &arena, &bad_text), WEIR_OK);

    trust = trust_in(2);
    weir_trust_threshold(&trust, WEIR_ROLE_POLICY, 2);
    expect.trust = &trust;
    expect.ns = weir_str("prod");
    expect.kind = WEIR_KIND_BUNDLE;
    expect.id = weir_str(WEIR_BUNDLE_ID);
    expect.now = NOW;

    payload.len = WEIR_SEGMENT_MAX - WEIR_SEGMENT_MAX / 4;
    payload.data = memset(weir_arena_alloc(&arena, payload.len), '\n',
                          payload.len);
    segment = payload;

    each(take, WEIR_OK, WEIR_REFUSAL_NONE, 5);
    each(refuse, WEIR_DECLINED, WEIR_REFUSAL_BAD_SIGNATURE, 5);
    each(make, WEIR_OK, WEIR_REFUSAL_NONE, 5);
    each(pack, WEIR_OK, WEIR_REFUSAL_NONE, 5);
    each(fences, WEIR_OK, WEIR_REFUSAL_NONE, 5);
    each(trail, WEIR_OK, WEIR_REFUSAL_NONE, 5);
    each(files_of_keys, WEIR_OK, WEIR_REFUSAL_NONE, 1);
    each(compile, WEIR_OK, WEIR_REFUSAL_NONE, 2);
    each(compile_error, WEIR_DECLINED, WEIR_REFUSAL_POLICY_ERROR, 1);
}


/* What a gateway cannot serve. */

static void
compiled(void **state)
{
    size_t                i;
    weir_refusal_e        why;
    weir_policy_source_t  file;
    weir_policy_bundle_t  bundle;

    static const struct {
        const char  *text, *word, *error;
    } v[] = {
        { "language 1; policy orders;\n", "", "" },
        { "language 1; policy orders;\npermit {}\n", "policy-error",
          "a.policy:2:8: error: the rule's name expected, not \"{\"" },
        { "language 1; policy orders;\npermit a { what * /a; }\n"
          "permit b { who role none; }\npermit c { who role none; }\n",
          "policy-error", "a.policy:3:21: error: role none is not defined, "
          "and more errors" },
        { "", "policy-error", "a.policy:1:1: error: a policy source begins "
          "with \"language 1;\"" }
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        why = WEIR_REFUSAL_NONE;
        error.text[0] = '\0';
        file.name = weir_str("a.policy");
        file.text = str(v[i].text);

        assert_int_equal(weir_bundle_compile(&bundle, &arena, &file, 1, NULL,
                                             &why, &error),
                         v[i].word[0] == '\0' ? WEIR_OK : WEIR_DECLINED);
        assert_word(why, v[i].word);
        assert_string_equal(error.text, v[i].error);
        assert_int_equal(bundle.nsources, 1);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        a_test(everything),
        a_test(compiled),
    };

    if (memory_ours() != 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, keys_setup, NULL);
}
