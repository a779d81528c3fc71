
/*
 * Weir: regular expressions of "~", by PCRE2.  Private to lib/policy.
 */

#ifndef WEIR_POLICY_REGEX_H_INCLUDED
#define WEIR_POLICY_REGEX_H_INCLUDED


#define PCRE2_CODE_UNIT_WIDTH  8

#include <pcre2.h>

#include "weir_policy_ast.h"


/*
 * Anchored at both ends; "$" is the very end; a "." is no line feed; groups
 * without a name capture nothing; a subject that is no UTF-8 is an error.
 */

#define WEIR_POLICY_REGEX_OPTIONS                                             \
    (PCRE2_ANCHORED|PCRE2_ENDANCHORED|PCRE2_DOLLAR_ENDONLY                    \
     |PCRE2_NO_AUTO_CAPTURE|PCRE2_NEVER_BACKSLASH_C|PCRE2_UTF)


/* Memory for PCRE2; alloc must live as long.  NULL: there is none. */
pcre2_general_context *weir_policy_regex_memory(const weir_alloc_t *alloc);
pcre2_compile_context *weir_policy_regex_context(pcre2_general_context *g);


/*
 * 1 if s matches expression i of rx, 0 if not, -1: unknown, as the limit was
 * hit, s is no UTF-8 or there is no memory.
 */
int weir_policy_regex_match(weir_policy_regexes_t *rx, uint32_t i,
    weir_str_t s);


#endif /* WEIR_POLICY_REGEX_H_INCLUDED */
