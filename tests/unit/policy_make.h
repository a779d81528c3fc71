
/*
 * Weir: what the unit tests of policies share: compiling a text, comparing
 * what was reported, deciding.
 */

#ifndef POLICY_MAKE_H_INCLUDED
#define POLICY_MAKE_H_INCLUDED


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "weir_policy.h"


#define str(s)  weir_cstr(s)


typedef struct {
    weir_arena_t          arena;
    weir_policy_source_t  source;
    weir_policy_bundle_t  b;
    weir_policy_zones_t   zones;
} policy_t;


/* The system's time zones, in p's arena. */

static inline int
policy_zone(void *ctx, weir_str_t name, weir_str_t *tzif)
{
    char       path[256];
    FILE      *f;
    uint8_t   *buf;
    policy_t  *p;

    p = ctx;

    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", (int) name.len,
             (const char *) name.data);

    f = fopen(path, "rb");

    if (f == NULL) {
        return WEIR_DECLINED;
    }

    buf = weir_arena_alloc(&p->arena, 65536);
    assert_non_null(buf);

    tzif->data = buf;
    tzif->len = fread(buf, 1, 65536, f);

    fclose(f);

    return WEIR_OK;
}


static inline const weir_policy_zones_t *
policy_zones(policy_t *p)
{
    p->zones.read = policy_zone;
    p->zones.ctx = p;

    return &p->zones;
}


/* Line 1 of every policy; its body begins on line 2. */

#define POLICY_HEAD  "language 1; policy p;\n"


/* Compiles a whole source of len bytes. */

static inline void
policy_source(policy_t *p, const void *text, size_t len)
{
    weir_arena_init(&p->arena, &weir_alloc_malloc, 0);

    p->source.name = str("p.policy");
    p->source.text.data = text;
    p->source.text.len = len;

    assert_int_equal(weir_policy_compile(&p->arena, &p->source, 1,
                                         policy_zones(p), &p->b),
                     WEIR_OK);
}


/* Compiles POLICY_HEAD and body. */

static inline void
policy_body(policy_t *p, const char *body)
{
    char  *text;

    weir_arena_init(&p->arena, &weir_alloc_malloc, 0);

    text = weir_arena_alloc(&p->arena, strlen(POLICY_HEAD) + strlen(body) + 1);
    assert_non_null(text);

    strcpy(text, POLICY_HEAD);
    strcat(text, body);

    p->source.name = str("p.policy");
    p->source.text = str(text);

    assert_int_equal(weir_policy_compile(&p->arena, &p->source, 1,
                                         policy_zones(p), &p->b),
                     WEIR_OK);
}


static inline void
policy_done(policy_t *p)
{
    weir_arena_done(&p->arena);
}


static inline void
policy_show(policy_t *p)
{
    uint32_t    i;
    weir_str_t  text;

    for (i = 0; i < p->b.ndiags; i++) {
        text = weir_policy_diag_text(&p->arena, &p->b, &p->b.diags[i]);
        print_message("%.*s", (int) text.len, (const char *) text.data);
    }
}


/*
 * Compares what was reported with a list ended by NULL: "LINE:COLUMN text",
 * text being a part of the message; warnings begin with "w".
 */

static inline void
policy_compare(policy_t *p, const char *what, va_list args)
{
    char         text[600];
    uint32_t     i;
    unsigned     line, column;
    const char  *expected, *e, *message;

    i = 0;

    while ((expected = va_arg(args, const char *)) != NULL) {

        if (i == p->b.ndiags) {
            policy_show(p);
            fail_msg("\"%s\" is not reported of: %s", expected, what);
        }

        e = expected + (expected[0] == 'w');
        line = (unsigned) strtoul(e, (char **) &e, 10);
        column = (unsigned) strtoul(e + 1, (char **) &e, 10);
        message = e[0] == ' ' ? e + 1 : e;

        snprintf(text, sizeof(text), "%.*s", (int) p->b.diags[i].message.len,
                 (const char *) p->b.diags[i].message.data);

        if (p->b.diags[i].place.line != line
            || p->b.diags[i].place.column != column
            || strstr(text, message) == NULL
            || (p->b.diags[i].severity == WEIR_POLICY_WARNING)
               != (expected[0] == 'w'))
        {
            policy_show(p);
            fail_msg("\"%s\" expected, not \"%u:%u %s\", of: %s", expected,
                     p->b.diags[i].place.line, p->b.diags[i].place.column,
                     text, what);
        }

        i++;
    }

    if (i != p->b.ndiags) {
        policy_show(p);
        fail_msg("%u more reported of: %s", p->b.ndiags - i, what);
    }

    assert_int_equal(p->b.nerrors == 0, p->b.image != NULL);
}


/* Errors and warnings of a body, all of them. */

static inline void
reports(const char *body, ...)
{
    va_list   args;
    policy_t  p;

    policy_body(&p, body);

    va_start(args, body);
    policy_compare(&p, body, args);
    va_end(args);

    policy_done(&p);
}


/* The same of a whole source. */

static inline void
source_reports(const char *text, size_t len, ...)
{
    va_list   args;
    policy_t  p;

    policy_source(&p, text, len);

    va_start(args, len);
    policy_compare(&p, text, args);
    va_end(args);

    policy_done(&p);
}


/* Runs the tests that stand in a body; n of them, all pass. */

static inline void
passes(const char *body, uint32_t n)
{
    uint32_t                i;
    policy_t                p;
    weir_policy_outcome_t   o;

    policy_body(&p, body);

    if (p.b.nerrors != 0) {
        policy_show(&p);
        fail_msg("errors in: %s", body);
    }

    assert_int_equal(p.b.ntests, n);
    assert_non_null(weir_policy_open(p.b.image, p.b.size));

    for (i = 0; i < n; i++) {
        assert_int_equal(weir_policy_run_test(&p.arena, &p.b, i, &o), WEIR_OK);

        if (!o.passed) {
            fail_msg("%u:%u \"%.*s\": %.*s in: %s", o.expect.line,
                     o.expect.column, (int) o.name.len,
                     (const char *) o.name.data, (int) o.message.len,
                     (const char *) o.message.data, body);
        }
    }

    policy_done(&p);
}


/*
 * Decides by the only policy of p and gives "permit a,b" or "deny reason
 * a,b", in the arena.
 */

static inline const char *
decides(policy_t *p, weir_policy_request_t *r, const char *path,
    const char *host, const weir_policy_fields_t *fields)
{
    char                    *text;
    uint32_t                 i;
    weir_str_t               name;
    weir_policy_fields_t     none;
    weir_policy_decision_t   d;

    memset(&none, 0, sizeof(none));
    memset(&d, 0, sizeof(d));

    if (p->b.image == NULL) {
        policy_show(p);
        fail_msg("no image");
    }

    d.max = weir_policy_rules(p->b.image, 0);
    d.rules = weir_arena_calloc(&p->arena, d.max + 1, sizeof(uint32_t));
    text = weir_arena_calloc(&p->arena, 1, 65536);

    assert_non_null(d.rules);
    assert_non_null(text);

    assert_int_equal(weir_policy_decide_text(&p->arena, p->b.image, 0, r,
                                             str(path), str(host),
                                             fields ? fields : &none, &d),
                     WEIR_OK);

    strcpy(text, weir_policy_reason_name(d.reason));

    if ((d.verdict == WEIR_POLICY_PERMIT)
        != (d.reason == WEIR_POLICY_PERMIT_RULE))
    {
        strcpy(text, "verdict and reason differ");
    }

    for (i = 0; i < d.count; i++) {
        name = weir_policy_rule_name(p->b.image, 0, d.rules[i]);
        snprintf(text + strlen(text), 65536 - strlen(text), "%s%.*s",
                 i == 0 ? " " : ",", (int) name.len, (const char *) name.data);
    }

    return text;
}


#endif /* POLICY_MAKE_H_INCLUDED */
