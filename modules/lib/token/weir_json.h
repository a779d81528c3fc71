
/*
 * Weir: JSON from strangers: bounded before jansson sees it, and compared
 * with the text when it has.
 */

#ifndef WEIR_JSON_H_INCLUDED
#define WEIR_JSON_H_INCLUDED


#include <jansson.h>

#include "weir_base.h"


typedef struct {
    unsigned  depth;       /* of objects and arrays */
    unsigned  members;     /* of all objects together */
    unsigned  items;       /* commas */
} weir_json_limits_t;


/*
 * Checks the limits without parsing.  Integers beyond 64 bits, which jansson
 * refuses though JSON has them, are overwritten with 1e300, so that text
 * changes: they stay what they are to us, numbers out of range.  *weight: the
 * bytes of all strings when decoded, and the digits of all integers.
 * WEIR_OK or WEIR_ERROR.
 */
int weir_json_scan(uint8_t *text, size_t len, const weir_json_limits_t *l,
    size_t *weight);

/* The same weight of what was parsed. */
size_t weir_json_weight(const json_t *value);

/*
 * Scans, then parses an object; duplicate members, NUL, invalid UTF-8 and
 * text behind are errors.  WEIR_OK and *json to be released by
 * json_decref(); WEIR_ERROR; WEIR_NOMEM.
 */
int weir_json_object(json_t **json, uint8_t *text, size_t len,
    const weir_json_limits_t *l);

/* A member that is a string: WEIR_OK; none: WEIR_DECLINED; else WEIR_ERROR. */
int weir_json_string(const json_t *object, const char *name, weir_str_t *s);


#endif /* WEIR_JSON_H_INCLUDED */
