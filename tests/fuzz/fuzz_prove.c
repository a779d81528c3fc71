
/*
 * Fuzzer of proofs: the input is two policies, cut at its first NUL.  What is
 * found must be confirmed by the evaluator; a policy does not differ from
 * itself.  Whom the first one lets in is asked, too, and what "check" asks.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "fuzz_zone.h"
#include "weir_prove.h"


static const char  prefix[] = "language 1; policy p;\n";


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
compile(weir_arena_t *arena, const uint8_t *data, size_t size,
    weir_policy_source_t *source, weir_policy_bundle_t *b)
{
    uint8_t              *text;
    weir_policy_zones_t   zones;

    text = weir_arena_alloc(arena, sizeof(prefix) + size);
    if (text == NULL) {
        return 0;
    }

    memcpy(text, prefix, sizeof(prefix) - 1);

    if (size != 0) {
        memcpy(text + sizeof(prefix) - 1, data, size);
    }

    zones.read = zone;
    zones.ctx = NULL;

    source->name = weir_str("fuzz.policy");
    source->text.data = text;
    source->text.len = sizeof(prefix) - 1 + size;

    return weir_policy_compile(arena, source, 1, &zones, b) == WEIR_OK
           && b->image != NULL;
}


/* Whom it lets in is told with a request; what stood twice stands since 1. */

static void
who(weir_arena_t *arena, const weir_policy_bundle_t *b,
    const weir_prove_limits_t *limits)
{
    weir_str_t           none = { 0, NULL };
    weir_prove_past_t   *past;
    weir_prove_grant_t  *g;

    if (weir_prove_who_can(arena, b, none, weir_str("GET"), weir_str("/a/b"),
                           limits, &g)
        == WEIR_OK)
    {
        for ( /* void */ ; g != NULL; g = g->next) {
            if (g->verdict == WEIR_PROVE_PROVED
                || (g->verdict == WEIR_PROVE_WITNESS) != (g->request != NULL))
            {
                abort();
            }
        }
    }

    past = weir_prove_past(arena);

    if (past == NULL
        || weir_prove_past_add(past, b, 1, weir_str("ann"), 1) != WEIR_OK
        || weir_prove_past_add(past, b, 2, weir_str("bob"), 1) != WEIR_OK
        || weir_prove_review(arena, b, none, past, limits, &g) != WEIR_OK)
    {
        return;
    }

    for ( /* void */ ; g != NULL; g = g->next) {
        if (g->since != 1 || g->before || g->lost
            || !weir_str_eq(g->by, weir_str("ann")))
        {
            abort();
        }
    }
}


/* An assert is disproved by a request; rules that decide nothing have names. */

static void
check(weir_arena_t *arena, const weir_policy_bundle_t *b,
    const weir_prove_limits_t *limits)
{
    weir_prove_note_t    *note;
    weir_policy_zones_t   zones;

    zones.read = zone;
    zones.ctx = NULL;

    if (weir_prove_asserts(arena, b, &zones, limits, &note) == WEIR_OK) {
        for ( /* void */ ; note != NULL; note = note->next) {
            if ((note->verdict == WEIR_PROVE_WITNESS)
                != (note->request != NULL)
                || (note->verdict == WEIR_PROVE_UNKNOWN)
                   != (note->why != NULL))
            {
                abort();
            }
        }
    }

    if (weir_prove_idle(arena, b, limits, &note) == WEIR_OK) {
        for ( /* void */ ; note != NULL; note = note->next) {
            if (note->rule.len == 0 || note->place.line == 0) {
                abort();
            }
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                  cut;
    weir_str_t              none = { 0, NULL };
    weir_arena_t            arena;
    weir_prove_limits_t     limits = { 20000, NULL, NULL };
    weir_policy_source_t    sources[2];
    weir_policy_bundle_t    a, b;
    weir_prove_finding_t   *f;

    if (size > 8192) {
        return 0;
    }

    for (cut = 0; cut < size && data[cut] != '\0'; cut++) {
        /* void */
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 512 * 1024 * 1024);

    if (compile(&arena, data, cut, &sources[0], &a)) {

        if (weir_prove_diff(&arena, &a, &a, none, &limits, &f) == WEIR_OK) {
            for ( /* void */ ; f != NULL; f = f->next) {
                if (f->verdict != WEIR_PROVE_PROVED) {
                    abort();
                }
            }
        }

        who(&arena, &a, &limits);
        check(&arena, &a, &limits);

        if (cut < size
            && compile(&arena, data + cut + 1, size - cut - 1, &sources[1], &b)
            && weir_prove_diff(&arena, &a, &b, none, &limits, &f) == WEIR_OK)
        {
            for ( /* void */ ; f != NULL; f = f->next) {
                if (f->verdict == WEIR_PROVE_WITNESS
                    && f->old.verdict == f->new.verdict)
                {
                    abort();
                }
            }
        }
    }

    weir_arena_done(&arena);

    return 0;
}
