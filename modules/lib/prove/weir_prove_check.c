
/*
 * Weir: what is wrong with one bundle: asserts that do not hold, and rules
 * that decide nothing: no request matches them, or others decide each one the
 * same way without them.
 */

#include <stdio.h>

#include "weir_prove_ask.h"


typedef struct {
    weir_arena_t               *arena;
    const weir_prove_limits_t  *limits;
    weir_prove_note_t         **last;
    weir_policy_compiler_t      c;           /* for places */
    weir_prove_side_t           policy;
    weir_prove_side_t           claims;      /* its asserts as permits */
    weir_prove_side_t           all;         /* permits */
    weir_prove_side_t           none;        /* denies */
    weir_prove_memo_t           memo;
    weir_str_t                  name;
    uint32_t                    notes[WEIR_PROVE_UNKNOWN + 1];
    unsigned                    over:1;      /* the rest is left */
} weir_prove_check_t;


static int weir_prove_each_policy(weir_arena_t *arena,
    const weir_policy_bundle_t *b, const weir_policy_bundle_t *claims,
    const weir_prove_limits_t *limits, weir_prove_note_t **notes,
    int (*check)(weir_prove_check_t *k));
static int weir_prove_claims_of(weir_arena_t *arena,
    weir_policy_source_t *source);
static int weir_prove_check_asserts(weir_prove_check_t *k);
static int weir_prove_check_assert(weir_prove_check_t *k,
    const weir_policy_rule_t *rule, uint32_t i);
static int weir_prove_denied(weir_prove_check_t *k, weir_prove_question_t *q);
static int weir_prove_check_idle(weir_prove_check_t *k);
static int weir_prove_idle_rule(weir_prove_check_t *k, weir_prove_question_t *q,
    const weir_policy_rule_t *rule);
static int weir_prove_least(weir_prove_question_t *q,
    const weir_policy_rule_t **list, uint32_t *n);
static weir_prove_note_t *weir_prove_note(weir_prove_check_t *k,
    const weir_policy_rule_t *rule, weir_prove_note_kind_t kind,
    int verdict, const char *why);
static int weir_prove_covers(weir_prove_check_t *k, weir_prove_note_t *note,
    const weir_prove_question_t *q);


int
weir_prove_asserts(weir_arena_t *arena, const weir_policy_bundle_t *b,
    const weir_policy_zones_t *zones, const weir_prove_limits_t *limits,
    weir_prove_note_t **notes)
{
    uint32_t                   i, n;
    weir_policy_bundle_t       claims;
    weir_policy_source_t      *sources;
    const weir_policy_file_t  *files;

    *notes = NULL;

    files = b->files;
    n = 0;

    for (i = 0; i < b->nsources; i++) {
        n += files[i].asserts != NULL;
    }

    if (n == 0) {
        return WEIR_OK;
    }

    /* the same bundle with its asserts as its rules */

    sources = weir_arena_calloc(arena, b->nsources,
                                sizeof(weir_policy_source_t));
    if (sources == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < b->nsources; i++) {

        sources[i] = b->sources[i];

        if (files[i].policy.text.data != NULL
            && weir_prove_claims_of(arena, &sources[i]) != WEIR_OK)
        {
            return WEIR_NOMEM;
        }
    }

    if (weir_policy_compile(arena, sources, b->nsources, zones, &claims)
        != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    return weir_prove_each_policy(arena, b,
                                  claims.nerrors == 0 ? &claims : NULL,
                                  limits, notes, weir_prove_check_asserts);
}


/* Its rules and tests are left out, its asserts become permits. */

static int
weir_prove_claims_of(weir_arena_t *arena, weir_policy_source_t *source)
{
    char                name[32];
    size_t              len;
    uint8_t            *text, *p;
    uint32_t            n;
    weir_prove_item_t  *items, *item;

    if (weir_prove_split(arena, source->text, &items) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    len = source->text.len;

    for (item = items; item != NULL; item = item->next) {
        len += sizeof(name) + 8;
    }

    text = weir_arena_alloc(arena, len);
    if (text == NULL) {
        return WEIR_NOMEM;
    }

    p = text;
    n = 0;

    for (item = items; item != NULL; item = item->next) {

        if (weir_str_eq(item->word, weir_str("assert"))) {

            len = (size_t) snprintf(name, sizeof(name), "permit a%09u {", n++);
            memcpy(p, name, len);
            p += len;

            if (item->body.len != 0) {
                memcpy(p, item->body.data, item->body.len);
                p += item->body.len;
            }

            *p++ = '\n';
            *p++ = '}';
            *p++ = '\n';

        } else if (!weir_str_eq(item->word, weir_str("permit"))
                   && !weir_str_eq(item->word, weir_str("deny"))
                   && !weir_str_eq(item->word, weir_str("shadow"))
                   && !weir_str_eq(item->word, weir_str("test")))
        {
            memcpy(p, item->text.data, item->text.len);
            p += item->text.len;
            *p++ = '\n';
        }
    }

    source->text.data = text;
    source->text.len = (size_t) (p - text);

    return WEIR_OK;
}


int
weir_prove_idle(weir_arena_t *arena, const weir_policy_bundle_t *b,
    const weir_prove_limits_t *limits, weir_prove_note_t **notes)
{
    return weir_prove_each_policy(arena, b, NULL, limits, notes,
                                  weir_prove_check_idle);
}


static int
weir_prove_each_policy(weir_arena_t *arena, const weir_policy_bundle_t *b,
    const weir_policy_bundle_t *claims, const weir_prove_limits_t *limits,
    weir_prove_note_t **notes, int (*check)(weir_prove_check_t *k))
{
    int                  rc;
    uint32_t             i;
    weir_prove_check_t   k;
    weir_prove_lists_t   lists;

    memset(&k, 0, sizeof(weir_prove_check_t));
    memset(&lists, 0, sizeof(weir_prove_lists_t));

    lists.arena = arena;

    *notes = NULL;

    k.arena = arena;
    k.limits = limits;
    k.last = notes;
    k.memo.arena = arena;
    k.all.grants = 1;

    k.c.arena = arena;
    k.c.sources = b->sources;
    k.c.nsources = b->nsources;
    k.c.lines = weir_arena_calloc(arena, b->nsources + 1, sizeof(uint32_t *));
    k.c.nlines = weir_arena_calloc(arena, b->nsources + 1, sizeof(uint32_t));

    if (k.c.lines == NULL || k.c.nlines == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < weir_policy_count(b->image) && !k.over; i++) {

        k.name = weir_policy_name(b->image, i);

        rc = weir_prove_side(&lists, &k.policy, b, k.name);

        memset(&k.claims, 0, sizeof(weir_prove_side_t));

        if (rc == WEIR_OK && claims != NULL) {
            rc = weir_prove_side(&lists, &k.claims, claims, k.name);
        }

        if (rc == WEIR_OK) {
            rc = check(&k);
        }

        weir_prove_side_done(&k.policy);
        weir_prove_side_done(&k.claims);

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    return k.c.nomem ? WEIR_NOMEM : WEIR_OK;
}


static int
weir_prove_check_asserts(weir_prove_check_t *k)
{
    uint32_t                   i;
    const weir_policy_rule_t  *rule;

    i = 0;

    for (rule = k->policy.file->asserts; rule != NULL; rule = rule->next) {

        /* the bundle is refused already, and who reads more? */

        if (k->notes[WEIR_PROVE_WITNESS] == WEIR_POLICY_MAX_DIAGS) {
            k->over = 1;

            return weir_prove_note(k, rule, WEIR_PROVE_ASSERT,
                                   WEIR_PROVE_UNKNOWN, "too many others do "
                                   "not hold; the rest was not looked at")
                   == NULL ? WEIR_NOMEM : WEIR_OK;
        }

        if (weir_prove_check_assert(k, rule, i++) != WEIR_OK) {
            return WEIR_NOMEM;
        }
    }

    return WEIR_OK;
}


/* "never permit" is "always deny", and "never deny" is "always permit". */

static int
weir_prove_check_assert(weir_prove_check_t *k, const weir_policy_rule_t *rule,
    uint32_t i)
{
    int                     rc;
    weir_prove_note_t      *note;
    weir_prove_question_t   q;

    memset(&q, 0, sizeof(weir_prove_question_t));

    q.arena = k->arena;
    q.limits = k->limits;
    q.memo = &k->memo;
    q.matches = rule;
    q.claims = &k->claims;
    q.claim = i;

    if (rule->always == rule->deny) {
        q.deny = &k->none;
        q.permit = &k->policy;
        rc = weir_prove_ask_any(&q);

    } else {
        rc = weir_prove_denied(k, &q);
    }

    if (rc == WEIR_NOMEM) {
        return rc;
    }

    /* of what is not proved a number is told; what is proved, is not */

    if (rc != WEIR_PROVE_WITNESS
        && k->notes[rc] >= WEIR_POLICY_MAX_DIAGS)
    {
        return WEIR_OK;
    }

    note = weir_prove_note(k, rule, WEIR_PROVE_ASSERT, rc, q.why);

    if (note == NULL) {
        return WEIR_NOMEM;
    }

    note->request = q.request;
    note->decision = rule->always == rule->deny ? q.permitted : q.denied;

    return WEIR_OK;
}


/* By default, as no permit matches; or by each of the denies. */

static int
weir_prove_denied(weir_prove_check_t *k, weir_prove_question_t *q)
{
    int                        rc;
    uint32_t                   i;
    const char                *why;
    const weir_policy_rule_t  *rule;

    q->deny = &k->policy;
    q->permit = &k->all;

    rc = weir_prove_ask(q);
    why = rc == WEIR_PROVE_UNKNOWN ? q->why : NULL;

    for (i = 0; i < k->policy.nrules; i++) {

        rule = k->policy.rules[i];

        if (rc == WEIR_NOMEM || rc == WEIR_PROVE_WITNESS) {
            return rc;
        }

        if (!rule->deny || rule->shadow
            || weir_prove_apart(rule, q->matches))
        {
            continue;
        }

        q->stands = rule;
        q->noff = 0;

        rc = weir_prove_ask(q);

        if (rc == WEIR_PROVE_UNKNOWN) {
            why = q->why;
        }
    }

    if (rc == WEIR_NOMEM || rc == WEIR_PROVE_WITNESS) {
        return rc;
    }

    q->why = why;

    return why == NULL ? WEIR_PROVE_PROVED : WEIR_PROVE_UNKNOWN;
}


static int
weir_prove_check_idle(weir_prove_check_t *k)
{
    int                        rc;
    uint32_t                   i;
    const char                *why;
    weir_prove_side_t          rest;
    weir_prove_question_t      q;
    const weir_policy_rule_t  *rule;

    rest = k->policy;
    rest.regexes = NULL;

    for (i = 0; i < k->policy.nrules; i++) {

        rule = k->policy.rules[i];

        if (rule->shadow) {
            continue;
        }

        why = k->notes[WEIR_PROVE_PROVED] == WEIR_POLICY_MAX_DIAGS
              ? "too many do not"
              : k->limits->expired != NULL
                && k->limits->expired(k->limits->ctx)
              ? "the time is up" : NULL;

        if (why != NULL) {
            k->over = 1;

            return weir_prove_note(k, rule, WEIR_PROVE_REST,
                                   WEIR_PROVE_UNKNOWN, why)
                   == NULL ? WEIR_NOMEM : WEIR_OK;
        }

        memset(&q, 0, sizeof(weir_prove_question_t));

        q.arena = k->arena;
        q.limits = k->limits;
        q.memo = &k->memo;

        rest.without = rule;
        rest.regexes = k->policy.regexes;

        if (rule->deny) {

            /* is there what it denies and no other deny does? */

            rest.grants = 1;
            q.stands = rule;
            q.deny = &k->none;
            q.permit = &rest;

        } else {

            /* and what it permits and no other permit does? */

            rest.grants = 0;
            q.matches = rule;
            q.deny = &rest;
            q.permit = &k->policy;
        }

        rc = weir_prove_ask(&q);

        if (rc == WEIR_NOMEM
            || (rc == WEIR_PROVE_PROVED
                && weir_prove_idle_rule(k, &q, rule) != WEIR_OK))
        {
            return WEIR_NOMEM;
        }
    }

    return WEIR_OK;
}


static int
weir_prove_idle_rule(weir_prove_check_t *k, weir_prove_question_t *q,
    const weir_policy_rule_t *rule)
{
    weir_prove_note_t       *note;
    weir_prove_note_kind_t   kind;

    q->fixed = 1;

    if (weir_prove_least(q, q->off, &q->noff) != WEIR_OK
        || weir_prove_least(q, q->out, &q->nout) != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    kind = q->noff == 0 && q->nout == 0 ? WEIR_PROVE_DEAD
           : !rule->deny && q->nout != 0 && q->noff == 0 ? WEIR_PROVE_SHADOWED
           : WEIR_PROVE_COVERED;

    note = weir_prove_note(k, rule, kind, WEIR_PROVE_PROVED, NULL);

    return note == NULL ? WEIR_NOMEM : weir_prove_covers(k, note, q);
}


/* Leaves out, one by one, what the proof does not need. */

static int
weir_prove_least(weir_prove_question_t *q, const weir_policy_rule_t **list,
    uint32_t *n)
{
    int                        rc;
    uint32_t                   i, tried;
    const weir_policy_rule_t  *rule;

    i = 0;
    tried = *n;

    while (i < *n && tried-- != 0) {

        rule = list[i];
        list[i] = list[--*n];

        rc = weir_prove_ask(q);

        if (rc == WEIR_NOMEM) {
            return rc;
        }

        if (rc != WEIR_PROVE_PROVED) {
            list[(*n)++] = list[i];
            list[i++] = rule;
        }
    }

    return WEIR_OK;
}


static int
weir_prove_covers(weir_prove_check_t *k, weir_prove_note_t *note,
    const weir_prove_question_t *q)
{
    uint32_t                    i;
    weir_prove_cover_t        **last, *cover;
    const weir_policy_rule_t   *rule;

    last = &note->covers;

    for (i = 0; i < q->noff + q->nout; i++) {

        rule = i < q->noff ? q->off[i] : q->out[i - q->noff];

        cover = weir_arena_calloc(k->arena, 1, sizeof(weir_prove_cover_t));
        if (cover == NULL) {
            return WEIR_NOMEM;
        }

        cover->rule = rule->name.text;
        cover->place = weir_policy_place(&k->c, rule->name.loc);

        *last = cover;
        last = &cover->next;
    }

    return WEIR_OK;
}


static weir_prove_note_t *
weir_prove_note(weir_prove_check_t *k, const weir_policy_rule_t *rule,
    weir_prove_note_kind_t kind, int verdict, const char *why)
{
    weir_prove_note_t  *note;

    note = weir_arena_calloc(k->arena, 1, sizeof(weir_prove_note_t));

    if (note != NULL) {
        note->kind = kind;
        note->policy = k->name;
        note->rule = rule->name.text;
        note->deny = rule->deny;
        note->always = rule->always;
        note->place = weir_policy_place(&k->c, rule->name.loc);
        note->verdict = (weir_prove_verdict_t) verdict;
        note->why = why;

        k->notes[verdict]++;

        *k->last = note;
        k->last = &note->next;
    }

    return note;
}
