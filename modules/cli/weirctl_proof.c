
/*
 * weirctl: what is proved of a bundle joins what the compiler tells of it:
 * asserts that do not hold are errors, rules that decide nothing are
 * warnings.
 */

#include <stdio.h>
#include <stdlib.h>

#include "weirctl_prove.h"


#define WEIRCTL_ASSERT_SECONDS  20
#define WEIRCTL_IDLE_SECONDS    10


static int weirctl_proof_add(weirctl_bundle_t *b,
    const weir_prove_note_t *notes);
static int weirctl_proof_diag(weirctl_bundle_t *b,
    const weir_prove_note_t *note, weir_policy_diag_t *d);
static char *weirctl_proof_text(const weir_prove_note_t *note);
static void weirctl_proof_covers(FILE *f, const weir_prove_note_t *note);
static int weirctl_proof_cmp(const void *one, const void *two);


int
weirctl_bundle_asserts(weirctl_bundle_t *b)
{
    weir_zoneinfo_t       zi;
    weirctl_deadline_t    deadline;
    weir_prove_note_t    *notes;
    weir_prove_limits_t   limits;

    if (b->bundle.nerrors != 0) {
        return WEIRCTL_GO_ON;
    }

    weirctl_deadline(&deadline, WEIRCTL_ASSERT_SECONDS);
    weirctl_limits(&limits, &deadline);

    weir_zoneinfo(&zi, &b->arena, WEIR_ZONEINFO);

    return weir_prove_asserts(&b->arena, &b->bundle, &zi.zones, &limits,
                              &notes)
           == WEIR_OK ? weirctl_proof_add(b, notes)
                      : weirctl_bundle_nomem(b);
}


int
weirctl_bundle_idle(weirctl_bundle_t *b)
{
    weirctl_deadline_t    deadline;
    weir_prove_note_t    *notes;
    weir_prove_limits_t   limits;

    if (b->bundle.image == NULL) {
        return WEIRCTL_GO_ON;
    }

    weirctl_deadline(&deadline, WEIRCTL_IDLE_SECONDS);
    weirctl_limits(&limits, &deadline);

    return weir_prove_idle(&b->arena, &b->bundle, &limits, &notes) == WEIR_OK
           ? weirctl_proof_add(b, notes)
           : weirctl_bundle_nomem(b);
}


static int
weirctl_proof_add(weirctl_bundle_t *b, const weir_prove_note_t *notes)
{
    uint32_t                  n;
    weir_policy_diag_t       *diags;
    const weir_prove_note_t  *note;

    n = b->bundle.ndiags;

    for (note = notes; note != NULL; note = note->next) {
        n++;
    }

    diags = weir_arena_calloc(&b->arena, n + 1, sizeof(weir_policy_diag_t));
    if (diags == NULL) {
        return weirctl_bundle_nomem(b);
    }

    n = b->bundle.ndiags;

    if (n != 0) {
        memcpy(diags, b->bundle.diags, n * sizeof(weir_policy_diag_t));
    }

    for (note = notes; note != NULL; note = note->next) {

        if (note->kind == WEIR_PROVE_ASSERT
            && note->verdict == WEIR_PROVE_PROVED)
        {
            continue;
        }

        if (weirctl_proof_diag(b, note, &diags[n++]) != WEIRCTL_GO_ON) {
            return weirctl_bundle_nomem(b);
        }
    }

    qsort(diags, n, sizeof(weir_policy_diag_t), weirctl_proof_cmp);

    b->bundle.diags = diags;
    b->bundle.ndiags = n;

    return WEIRCTL_GO_ON;
}


static int
weirctl_proof_diag(weirctl_bundle_t *b, const weir_prove_note_t *note,
    weir_policy_diag_t *d)
{
    char                       *text;
    weir_policy_related_t     **last, *related;
    const weir_prove_cover_t   *cover;

    d->place = note->place;
    d->severity = WEIR_POLICY_WARNING;

    if (note->verdict == WEIR_PROVE_WITNESS) {
        d->severity = WEIR_POLICY_SEVERE;
        b->bundle.nerrors++;
    }

    text = weirctl_proof_text(note);
    if (text == NULL) {
        return WEIRCTL_NO;
    }

    d->message = weir_arena_copy(&b->arena, weir_cstr(text));
    free(text);

    if (d->message.data == NULL) {
        return WEIRCTL_NO;
    }

    last = &d->related;

    for (cover = note->covers; cover != NULL; cover = cover->next) {

        related = weir_arena_calloc(&b->arena, 1,
                                    sizeof(weir_policy_related_t));
        if (related == NULL) {
            return WEIRCTL_NO;
        }

        related->place = cover->place;
        related->message = weir_str("covers");

        *last = related;
        last = &related->next;
    }

    return WEIRCTL_GO_ON;
}


/* The caller frees it; NULL: no memory. */

static char *
weirctl_proof_text(const weir_prove_note_t *note)
{
    int         bad;
    char       *text;
    FILE       *f;
    size_t      size;
    json_t     *request;
    uint32_t    i;

    f = open_memstream(&text, &size);
    if (f == NULL) {
        return NULL;
    }

    bad = 0;

    switch (note->kind) {

    case WEIR_PROVE_ASSERT:

        if (note->verdict == WEIR_PROVE_UNKNOWN) {
            fprintf(f, "this assert is not proved (UNKNOWN): %s", note->why);
            break;
        }

        fprintf(f, "this assert does not hold: %.*s %s (%s",
                (int) note->policy.len, note->policy.data,
                note->decision.verdict == WEIR_POLICY_PERMIT ? "permits"
                                                             : "denies",
                weir_policy_reason_name(note->decision.reason));

        for (i = 0; i < note->decision.nrules; i++) {
            fprintf(f, "%s%.*s", i ? ", " : " ",
                    (int) note->decision.rules[i].len,
                    note->decision.rules[i].data);
        }

        fprintf(f, ") ");

        request = weirctl_request_json(note->request, note->policy);
        bad = request == NULL || json_dumpf(request, f, JSON_COMPACT) != 0;
        json_decref(request);
        break;

    case WEIR_PROVE_DEAD:
        fprintf(f, "no request matches rule %.*s", (int) note->rule.len,
                note->rule.data);
        break;

    case WEIR_PROVE_SHADOWED:
        fprintf(f, "rule %.*s permits nothing: what it matches is denied by",
                (int) note->rule.len, note->rule.data);
        weirctl_proof_covers(f, note);
        break;

    case WEIR_PROVE_COVERED:
        fprintf(f, "rule %.*s changes nothing: what it matches is decided the "
                "same by", (int) note->rule.len, note->rule.data);
        weirctl_proof_covers(f, note);
        break;

    default:
        fprintf(f, "whether rule %.*s and those behind it decide anything was "
                "not looked at: %s", (int) note->rule.len, note->rule.data,
                note->why);
        break;
    }

    if (fclose(f) != 0 || bad) {
        free(text);
        return NULL;
    }

    return text;
}


static void
weirctl_proof_covers(FILE *f, const weir_prove_note_t *note)
{
    const weir_prove_cover_t  *cover;

    for (cover = note->covers; cover != NULL; cover = cover->next) {
        fprintf(f, "%s%.*s", cover == note->covers ? " " : ", ",
                (int) cover->rule.len, cover->rule.data);
    }
}


static int
weirctl_proof_cmp(const void *one, const void *two)
{
    const weir_policy_place_t  *a, *b;

    a = &((const weir_policy_diag_t *) one)->place;
    b = &((const weir_policy_diag_t *) two)->place;

    return a->file != b->file ? (a->file < b->file ? -1 : 1)
           : a->line != b->line ? (a->line < b->line ? -1 : 1)
           : a->column < b->column ? -1 : a->column > b->column;
}
