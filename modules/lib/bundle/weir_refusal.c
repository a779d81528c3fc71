
/*
 * Weir: why a document of the store is refused: the words.
 */

#include "weir_refusal.h"


static const weir_str_t  weir_refusal_words[WEIR_REFUSALS] = {
    { 0, (const uint8_t *) "" },
    { 9, (const uint8_t *) "untrusted" },
    { 8, (const uint8_t *) "unsigned" },
    { 4, (const uint8_t *) "role" },
    { 9, (const uint8_t *) "threshold" },
    { 13, (const uint8_t *) "bad-signature" },
    { 9, (const uint8_t *) "namespace" },
    { 5, (const uint8_t *) "epoch" },
    { 7, (const uint8_t *) "expired" },
    { 5, (const uint8_t *) "older" },
    { 12, (const uint8_t *) "version-jump" },
    { 20, (const uint8_t *) "same-version-differs" },
    { 9, (const uint8_t *) "truncated" },
    { 9, (const uint8_t *) "too-large" },
    { 12, (const uint8_t *) "policy-error" },
    { 14, (const uint8_t *) "missing-policy" },
    { 12, (const uint8_t *) "unknown-name" }
};


weir_str_t
weir_refusal_word(weir_refusal_e why)
{
    return weir_refusal_words[(unsigned) why < WEIR_REFUSALS ? why : 0];
}
