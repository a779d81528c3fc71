
/*
 * Weir: a policy decided by its image and by the plain evaluator.
 */

#ifndef POLICY_AGREE_H_INCLUDED
#define POLICY_AGREE_H_INCLUDED


#include "policy_plain.h"
#include "policy_random.h"


/* What the plain evaluator reads: the syntax tree, in p's arena. */

static inline const weir_policy_file_t *
agree_file(policy_t *p)
{
    uint32_t                *lines[1], nlines[1];
    weir_policy_file_t      *file;
    weir_policy_compiler_t   c;

    file = weir_arena_calloc(&p->arena, 1, sizeof(weir_policy_file_t));
    assert_non_null(file);

    memset(&c, 0, sizeof(c));

    lines[0] = NULL;
    c.arena = &p->arena;
    c.sources = &p->source;
    c.nsources = 1;
    c.files = file;
    c.lines = lines;
    c.nlines = nlines;
    c.zones = policy_zones(p);

    weir_policy_parse(&c, file);
    weir_policy_check(&c);
    assert_int_equal(c.nerrors, 0);

    return file;
}


/*
 * Decides a random request by both; fails where they differ.  Returns which
 * answer it is: 0 permit, 1 default deny, 2 deny, 3 deny-unknown.
 */

static inline unsigned
agree(policy_t *p, const weir_policy_file_t *file, const char *path)
{
    char                    expected[4000];
    plain_t                 plain;
    const char             *got, *host;
    weir_policy_fields_t    fields;
    weir_policy_request_t   r;

    random_request(&p->arena, &r, &fields, &host);

    if (path != NULL) {
        strcpy(raw_path, path);
    }

    got = decides(p, &r, raw_path, host, &fields);

    plain.r = &r;
    plain.fields = &fields;
    plain.file = file;

    plain_decide(&plain, expected);

    if (strcmp(got, expected) != 0) {
        fail_msg("%.*s %s: image \"%s\", plain \"%s\":\n%s",
                 (int) r.method.len, (const char *) r.method.data, raw_path,
                 got, expected, text);
    }

    return got[0] == 'p' ? 0 : got[1] == 'e' && got[2] == 'f' ? 1
           : got[5] == 'r' ? 2 : 3;
}


#endif /* POLICY_AGREE_H_INCLUDED */
