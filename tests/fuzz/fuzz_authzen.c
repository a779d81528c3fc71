
/*
 * Fuzzer of AuthZEN questions: what is parsed is a question, whole.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir_authzen.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check(const weir_authzen_question_t *q)
{
    if (q->error != NULL) {
        return;
    }

    if (q->method.len == 0 || q->path.len == 0 || q->path.data[0] != '/'
        || memchr(q->path.data, '?', q->path.len) != NULL
        || q->principal.data == NULL || q->kind >= WEIR_POLICY_KINDS
        || (q->kind == WEIR_POLICY_ANONYMOUS
            && (q->claims != NULL || q->subject.data != NULL)))
    {
        abort();
    }
}


/* The first byte: one question or several. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             rc;
    json_t         *json;
    uint8_t        *text;
    uint32_t        i;
    weir_arena_t    arena;
    weir_authzen_t  a;

    if (size == 0) {
        return 0;
    }

    text = malloc(size);

    if (text == NULL) {
        return 0;
    }

    memcpy(text, data + 1, size - 1);

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    rc = weir_authzen_parse(&a, &arena, &json, text, size - 1, data[0] & 1,
                            weir_str("corp"));

    if (rc == WEIR_NOMEM || (rc == WEIR_DECLINED && a.error == NULL)
        || (rc == WEIR_OK && (a.count == 0
                              || a.count > WEIR_AUTHZEN_QUESTIONS)))
    {
        abort();
    }

    for (i = 0; rc == WEIR_OK && i < a.count; i++) {
        check(&a.questions[i]);
    }

    json_decref(json);
    weir_arena_done(&arena);
    free(text);

    return 0;
}
