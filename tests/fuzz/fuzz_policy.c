
/*
 * Fuzzer of the policy compiler: the input is one source.  What compiles must
 * be an image that passes its check, decides, and decides the same when it is
 * compiled again; what does not must have told at least one error, each with a
 * text.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "fuzz_zone.h"
#include "weir_policy_json.h"


static void tree(weir_arena_t *arena, const weir_policy_source_t *source);
static void decide(weir_arena_t *arena, const weir_policy_image_t *image,
    uint32_t policy);


static const char  prefix[] = "language 1; policy p;\n";


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t                 *text;
    uint32_t                 i, n;
    weir_str_t               s;
    weir_arena_t             arena;
    weir_policy_source_t     source, laid;
    weir_policy_zones_t      zones;
    weir_policy_bundle_t     bundle, again;
    weir_policy_outcome_t    outcome;

    if (size == 0 || size > 65536) {
        return 0;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 256 * 1024 * 1024);

    /* half of the inputs need not find the head themselves */

    n = (data[0] & 1) ? sizeof(prefix) - 1 : 0;

    text = malloc(n + size - 1 + 1);
    if (text == NULL) {
        goto done;
    }

    memcpy(text, prefix, n);
    memcpy(text + n, data + 1, size - 1);

    zones.read = zone;
    zones.ctx = NULL;

    source.name = weir_str("fuzz.policy");
    source.text.data = text;
    source.text.len = n + size - 1;

    if (weir_policy_compile(&arena, &source, 1, &zones, &bundle) != WEIR_OK) {
        goto done;
    }

    if ((bundle.nerrors == 0) != (bundle.image != NULL)
        || (bundle.nerrors != 0 && bundle.ndiags == 0))
    {
        abort();
    }

    for (i = 0; i < bundle.ndiags && i < 20; i++) {
        s = weir_policy_diag_text(&arena, &bundle, &bundle.diags[i]);

        if (s.data == NULL || s.len == 0 || s.data[s.len - 1] != '\n'
            || !weir_utf8_valid(bundle.diags[i].message))
        {
            abort();
        }
    }

    if (weir_policy_format(&arena, &source, &s) == WEIR_OK) {
        laid.name = source.name;
        laid.text = s;

        /* the same bundle, and laid out already */

        if (weir_policy_format(&arena, &laid, &s) == WEIR_OK
            && !weir_str_eq(s, laid.text))
        {
            abort();
        }

        if (weir_policy_compile(&arena, &laid, 1, &zones, &again) == WEIR_OK
            && (again.nerrors != bundle.nerrors
                || again.ntests != bundle.ntests))
        {
            abort();
        }

        tree(&arena, &source);

    } else if (bundle.image != NULL
               && weir_policy_format(&arena, &source, &s) != WEIR_NOMEM)
    {
        abort();
    }

    if (bundle.image == NULL) {
        goto done;
    }

    if (weir_policy_open(bundle.image, bundle.size) != bundle.image
        || weir_policy_image_size(bundle.image) != bundle.size)
    {
        abort();
    }

    if (weir_policy_compile(&arena, &source, 1, &zones, &again) == WEIR_OK
        && (again.size != bundle.size
            || memcmp(again.image, bundle.image, bundle.size) != 0))
    {
        abort();
    }

    for (i = 0; i < bundle.ntests && i < 20; i++) {
        (void) weir_policy_run_test(&arena, &bundle, i, &outcome);
    }

    for (i = 0; i < weir_policy_count(bundle.image); i++) {
        decide(&arena, bundle.image, i);
    }

done:

    free(text);
    weir_arena_done(&arena);

    return 0;
}


/* Out, in and out again is the same; without comments in it fmt's text. */

static void
tree(weir_arena_t *arena, const weir_policy_source_t *source)
{
    int                   rc;
    json_t               *out, *again;
    weir_err_t            err;
    weir_str_t            text, laid;
    weir_policy_source_t  s;

    rc = weir_policy_to_json(arena, source, &out);

    if (rc == WEIR_NOMEM) {
        return;
    }

    if (rc != WEIR_OK) {
        abort();
    }

    rc = weir_policy_from_json(arena, out, &text, &err);

    if (rc == WEIR_OK) {
        s.name = source->name;
        s.text = text;

        if (weir_policy_to_json(arena, &s, &again) == WEIR_OK) {

            if (!json_equal(out, again)) {
                abort();
            }

            json_decref(again);
        }

        if (memchr(source->text.data, '#', source->text.len) == NULL
            && weir_policy_format(arena, source, &laid) == WEIR_OK
            && !weir_str_eq(laid, text))
        {
            abort();
        }

    } else if (rc != WEIR_NOMEM) {
        abort();
    }

    json_decref(out);
}


static void
decide(weir_arena_t *arena, const weir_policy_image_t *image, uint32_t policy)
{
    uint32_t                 i, k, rules[4], effects[4];
    weir_addr_t              ip;
    weir_policy_fields_t     fields;
    weir_policy_request_t    r;
    weir_policy_decision_t   d;

    static const char *const  paths[] = {
        "/", "/a", "/a/b/", "/t/acme/reports/7", "/admin/x", "/a//b", "x"
    };

    static const char *const  methods[] = { "GET", "BREW" };

    static const weir_policy_field_t  field[] = {
        { { 1, (const uint8_t *) "x" }, { 1, (const uint8_t *) "a" } }
    };

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        for (k = 0; k < 2; k++) {

            memset(&r, 0, sizeof(r));
            memset(&fields, 0, sizeof(fields));

            r.method.data = (const uint8_t *) methods[k];
            r.method.len = strlen(methods[k]);

            if (k != 0) {
                r.kind = WEIR_POLICY_JWT;
                r.issuer = weir_str("corp");
                r.subject = weir_str("alice");
                r.source_ip = &ip;
                fields.headers = field;
                fields.nheaders = 1;
                fields.query = field;
                fields.nquery = 1;
                (void) weir_addr_parse(weir_str("10.1.2.3"), &ip);
            }

            d.rules = rules;
            d.max = 4;
            d.effects = effects;
            d.max_effects = 4;

            if (weir_policy_decide_text(arena, image, policy, &r,
                                        (weir_str_t) { strlen(paths[i]),
                                          (const uint8_t *) paths[i] },
                                        weir_str("a.example.com"), &fields,
                                        &d)
                != WEIR_OK)
            {
                return;
            }

            if ((d.verdict == WEIR_POLICY_PERMIT)
                != (d.reason == WEIR_POLICY_PERMIT_RULE)
                || d.count > weir_policy_rules(image, policy)
                || (d.count == 0) != (d.reason != WEIR_POLICY_PERMIT_RULE
                                      && d.reason != WEIR_POLICY_DENY_RULE
                                      && d.reason != WEIR_POLICY_DENY_UNKNOWN))
            {
                abort();
            }
        }
    }
}
