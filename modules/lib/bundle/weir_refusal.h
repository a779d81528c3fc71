
/*
 * Weir: why a document of the store is refused: the contract's closed list.
 */

#ifndef WEIR_REFUSAL_H_INCLUDED
#define WEIR_REFUSAL_H_INCLUDED


#include "weir_base.h"


typedef enum {
    WEIR_REFUSAL_NONE = 0,             /* "" */
    WEIR_REFUSAL_UNTRUSTED,            /* no key of ours signed it */
    WEIR_REFUSAL_UNSIGNED,
    WEIR_REFUSAL_ROLE,                 /* our keys, but they may not */
    WEIR_REFUSAL_THRESHOLD,            /* too few of those that may */
    WEIR_REFUSAL_BAD_SIGNATURE,        /* also: no envelope at all */
    WEIR_REFUSAL_NAMESPACE,            /* another namespace, kind or id */
    WEIR_REFUSAL_EPOCH,
    WEIR_REFUSAL_EXPIRED,
    WEIR_REFUSAL_OLDER,                /* also: absent, and should not be */
    WEIR_REFUSAL_VERSION_JUMP,
    WEIR_REFUSAL_SAME_VERSION,         /* "same-version-differs" */
    WEIR_REFUSAL_TRUNCATED,            /* it ends too early; lacks a part */
    WEIR_REFUSAL_TOO_LARGE,
    WEIR_REFUSAL_POLICY_ERROR,         /* signed, but not understood */
    WEIR_REFUSAL_MISSING_POLICY,
    WEIR_REFUSAL_UNKNOWN_NAME,
    WEIR_REFUSALS
} weir_refusal_e;

/* The word of logs, metrics and reports: static, kebab-case, none: "". */
weir_str_t weir_refusal_word(weir_refusal_e why);


#endif /* WEIR_REFUSAL_H_INCLUDED */
