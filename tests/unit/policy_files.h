
/*
 * Weir: bundles of several files for the unit tests of policies.
 */

#ifndef POLICY_FILES_H_INCLUDED
#define POLICY_FILES_H_INCLUDED


#include "policy_make.h"


#define POLICY_FILES  8


typedef struct {
    policy_t              p;
    weir_policy_source_t  sources[POLICY_FILES];
    uint32_t              n;
} files_t;


/* Compiles NAME, TEXT, ... up to NULL; names in byte order. */

static inline void
files_compile(files_t *f, va_list args)
{
    const char  *name;

    weir_arena_init(&f->p.arena, &weir_alloc_malloc, 0);

    for (f->n = 0; (name = va_arg(args, const char *)) != NULL; f->n++) {
        assert_true(f->n < POLICY_FILES);

        f->sources[f->n].name = str(name);
        f->sources[f->n].text = str(va_arg(args, const char *));
    }

    assert_int_equal(weir_policy_compile(&f->p.arena, f->sources, f->n,
                                         policy_zones(&f->p), &f->p.b),
                     WEIR_OK);
}


/* What is reported, all of it: "FILE:LINE:COLUMN: error: ..." a line. */

static inline const char *
files_told(files_t *f)
{
    char       *text;
    size_t      len, n;
    uint32_t    i;
    weir_str_t  one;

    text = weir_arena_calloc(&f->p.arena, 1, 65536);
    assert_non_null(text);

    len = 0;

    for (i = 0; i < f->p.b.ndiags; i++) {
        one = weir_policy_diag_text(&f->p.arena, &f->p.b, &f->p.b.diags[i]);
        n = one.len < 65535 - len ? one.len : 65535 - len;
        memcpy(text + len, one.data, n);
        len += n;
    }

    return text;
}


/* Each of expected, ended by NULL, is told; count errors in all. */

static inline void
files_refused(uint32_t count, const char *const *expected, ...)
{
    va_list      args;
    files_t      f;
    const char  *told;

    va_start(args, expected);
    files_compile(&f, args);
    va_end(args);

    told = files_told(&f);

    for ( /* void */ ; *expected != NULL; expected++) {
        if (strstr(told, *expected) == NULL) {
            fail_msg("\"%s\" is not in:\n%s", *expected, told);
        }
    }

    if (f.p.b.nerrors != count) {
        fail_msg("%u errors, not %u:\n%s", f.p.b.nerrors, count, told);
    }

    policy_done(&f.p);
}


/* All tests that stand in the files pass; n of them. */

static inline void
files_pass(uint32_t n, ...)
{
    va_list                 args;
    files_t                 f;
    uint32_t                i;
    weir_policy_outcome_t   o;

    va_start(args, n);
    files_compile(&f, args);
    va_end(args);

    if (f.p.b.nerrors != 0) {
        fail_msg("%s", files_told(&f));
    }

    assert_int_equal(f.p.b.ntests, n);
    assert_non_null(weir_policy_open(f.p.b.image, f.p.b.size));

    for (i = 0; i < n; i++) {
        assert_int_equal(weir_policy_run_test(&f.p.arena, &f.p.b, i, &o),
                         WEIR_OK);

        if (!o.passed) {
            fail_msg("\"%.*s\": %.*s", (int) o.name.len,
                     (const char *) o.name.data, (int) o.message.len,
                     (const char *) o.message.data);
        }
    }

    policy_done(&f.p);
}


#define TOLD(...)  (const char *const []) { __VA_ARGS__, NULL }


#endif /* POLICY_FILES_H_INCLUDED */
