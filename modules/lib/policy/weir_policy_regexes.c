
/*
 * Weir: the compiled regular expressions of an image, and matching.
 */

#include "weir_policy_image.h"
#include "weir_policy_regex.h"


/* KiB that the interpreter may take where there is no JIT. */

#define WEIR_POLICY_REGEX_HEAP  256


struct weir_policy_regexes_s {
    const weir_policy_image_t  *image;
    const weir_alloc_t         *alloc;
    uint32_t                    n;
    uint32_t                    next;      /* not yet looked at by a step */
    pcre2_general_context      *memory;
    pcre2_compile_context      *compiling;
    pcre2_match_context        *matching;
    pcre2_match_data           *data;
    pcre2_code                **codes;
};


static int weir_policy_regex_compile(weir_policy_regexes_t *rx, uint32_t i);


uint32_t
weir_policy_regex_count(const weir_policy_image_t *image)
{
    return image->regexes.n;
}


weir_policy_regexes_t *
weir_policy_regexes_create(const weir_alloc_t *alloc,
    const weir_policy_image_t *image)
{
    weir_policy_regexes_t  *rx;

    rx = alloc->alloc(alloc->ctx, sizeof(weir_policy_regexes_t));
    if (rx == NULL) {
        return NULL;
    }

    memset(rx, 0, sizeof(weir_policy_regexes_t));

    rx->image = image;
    rx->alloc = alloc;
    rx->n = image->regexes.n;

    rx->codes = alloc->alloc(alloc->ctx, (rx->n + 1) * sizeof(pcre2_code *));
    rx->memory = weir_policy_regex_memory(alloc);

    if (rx->codes != NULL) {
        memset(rx->codes, 0, (rx->n + 1) * sizeof(pcre2_code *));
    }

    if (rx->memory != NULL) {
        rx->compiling = weir_policy_regex_context(rx->memory);
        rx->matching = pcre2_match_context_create(rx->memory);
        rx->data = pcre2_match_data_create(1, rx->memory);
    }

    if (rx->codes == NULL || rx->memory == NULL || rx->compiling == NULL
        || rx->matching == NULL || rx->data == NULL)
    {
        weir_policy_regexes_destroy(rx);
        return NULL;
    }

    (void) pcre2_set_match_limit(rx->matching, WEIR_POLICY_MATCH_LIMIT);
    (void) pcre2_set_depth_limit(rx->matching, WEIR_POLICY_MATCH_LIMIT);
    (void) pcre2_set_heap_limit(rx->matching, WEIR_POLICY_REGEX_HEAP);

    return rx;
}


void
weir_policy_regexes_destroy(weir_policy_regexes_t *rx)
{
    uint32_t             i;
    const weir_alloc_t  *alloc;

    if (rx == NULL) {
        return;
    }

    alloc = rx->alloc;

    if (rx->codes != NULL) {

        for (i = 0; i < rx->n; i++) {
            pcre2_code_free(rx->codes[i]);
        }

        alloc->free(alloc->ctx, rx->codes);
    }

    pcre2_match_data_free(rx->data);
    pcre2_match_context_free(rx->matching);
    pcre2_compile_context_free(rx->compiling);
    pcre2_general_context_free(rx->memory);

    alloc->free(alloc->ctx, rx);
}


int
weir_policy_regexes_step(weir_policy_regexes_t *rx)
{
    while (rx->next < rx->n && rx->codes[rx->next] != NULL) {
        rx->next++;
    }

    if (rx->next == rx->n) {
        return WEIR_DECLINED;
    }

    return weir_policy_regex_compile(rx, rx->next++);
}


/*
 * What the compiler of policies accepted fails here for lack of memory only.
 * Without machine code the interpreter runs, under the same limit.
 */

static int
weir_policy_regex_compile(weir_policy_regexes_t *rx, uint32_t i)
{
    int                       code;
    PCRE2_SIZE                offset;
    weir_str_t                pattern;
    const weir_policy_ref_t  *patterns;

    patterns = weir_policy_at(rx->image, rx->image->regexes.off);
    pattern = weir_policy_text(rx->image, patterns[i]);

    rx->codes[i] = pcre2_compile(pattern.data, pattern.len,
                                 WEIR_POLICY_REGEX_OPTIONS, &code, &offset,
                                 rx->compiling);
    if (rx->codes[i] == NULL) {
        return WEIR_NOMEM;
    }

    (void) pcre2_jit_compile(rx->codes[i], PCRE2_JIT_COMPLETE);

    return WEIR_OK;
}


int
weir_policy_regex_match(weir_policy_regexes_t *rx, uint32_t i, weir_str_t s)
{
    int  rc;

    if (i >= rx->n
        || (rx->codes[i] == NULL
            && weir_policy_regex_compile(rx, i) != WEIR_OK))
    {
        return -1;
    }

    rc = pcre2_match(rx->codes[i], s.len == 0 ? (const uint8_t *) "" : s.data,
                     s.len, 0, 0, rx->data, rx->matching);

    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
}
