
/*
 * Fuzzer of what "weirctl eval" reads: the input is one line.  It is answered
 * by a decision or an error; written anew it is answered the same.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weirctl_eval.h"


static const char  text[] =
    "language 1; policy p;\n"
    "schema from corp { claim tenant string; claim n optional int;\n"
    "  claim b optional bool; claim roles optional set<string>;\n"
    "  claim scope optional set<string>; claim x.y optional string; }\n"
    "set office cidr 10.0.0.0/8, ::1; set jobs spiffe spiffe://corp/a;\n"
    "role r { when has claim.roles && \"r\" in claim.roles; }\n"
    "permit a { who role r, spiffe jobs; what GET /t/{t}/**;\n"
    "  host *.example.com; from office;\n"
    "  if claim.tenant == path.t; limit q; add_header X-A \"a\"; }\n"
    "permit b { who anyone; what * /**;\n"
    "  unless header(\"x\") == \"1\" || query(\"q\") ~ \"[a-z]+\"; }\n"
    "permit c { who authenticated;\n"
    "  if has claim.n && claim.n < 3 || has claim.b && claim.b; }\n"
    "deny d { what * /admin/**; unless request.scheme == \"https\"; }\n"
    "deny e { what POST /**; unless tls.version == \"TLSv1.3\"\n"
    "  && identity.kind in [\"jwt\", \"mtls\"]; status 451; }\n"
    "shadow deny f { if has claim.x.y && claim.x.y like \"*a\"; }\n"
    "deny g { if request.time > 2030-01-01T00:00:00Z\n"
    "  && source.peer in 192.0.2.0/24; }\n";


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* The answer to a line as text, without its id; *id: that. */

static char *
answer(weirctl_bundle_t *b, weir_policy_regexes_t *regexes, weir_str_t line,
    json_t **id, json_t **request)
{
    char            *out;
    json_t          *json;
    const char      *verdict;
    weirctl_eval_t   e;

    memset(&e, 0, sizeof(weirctl_eval_t));
    weir_arena_init(&e.arena, &weir_alloc_malloc, 0);

    e.b = b;
    e.r.regexes = regexes;

    *request = weirctl_eval_read(&e, line, id);

    if (*request == NULL) {

        /* an error, and its text is one that JSON can hold */

        if (e.error == NULL || !weir_utf8_valid(weir_cstr(e.error))) {
            abort();
        }

        weir_arena_done(&e.arena);
        return NULL;
    }

    json = weirctl_eval_answer(&e);
    verdict = json_string_value(json_object_get(json, "verdict"));

    if (verdict == NULL || (strcmp(verdict, "permit") != 0
                            && strcmp(verdict, "deny") != 0))
    {
        abort();
    }

    out = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

    if (out == NULL) {
        abort();
    }

    json_decref(json);
    weir_arena_done(&e.arena);

    return out;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *one, *two, *again;
    json_t      *request, *other, *id, *id2;
    uint8_t     *copy;
    weir_str_t   line;

    static int                     ready;
    static weirctl_bundle_t        b;
    static weir_policy_source_t    source;
    static weir_policy_regexes_t  *regexes;

    if (!ready) {
        weir_arena_init(&b.arena, &weir_alloc_malloc, 0);

        source.name = weir_str("p.policy");
        source.text = weir_cstr(text);

        if (weir_policy_compile(&b.arena, &source, 1, NULL, &b.bundle)
            != WEIR_OK
            || b.bundle.image == NULL)
        {
            abort();
        }

        regexes = weir_policy_regexes_create(&weir_alloc_malloc,
                                             b.bundle.image);
        ready = 1;
    }

    copy = malloc(size + 1);
    if (copy == NULL) {
        return 0;
    }

    if (size != 0) {
        memcpy(copy, data, size);
    }

    line.data = copy;
    line.len = size;

    one = answer(&b, regexes, line, &id, &request);

    if (one != NULL) {
        again = json_dumps(request, JSON_COMPACT);

        if (again == NULL) {
            abort();
        }

        two = answer(&b, regexes, weir_cstr(again), &id2, &other);

        if (two == NULL || strcmp(one, two) != 0
            || (id != NULL) != (id2 != NULL)
            || (id != NULL && !json_equal(id, id2)))
        {
            abort();
        }

        json_decref(other);
        json_decref(id2);
        free(again);
        free(two);
    }

    json_decref(request);
    json_decref(id);
    free(one);
    free(copy);

    return 0;
}
