
/*
 * Weir: names of header fields, as upstreams may read them: to CGI and its
 * like "X_Auth" is "X-Auth".
 */

#ifndef WEIR_FIELD_H_INCLUDED
#define WEIR_FIELD_H_INCLUDED


#include "weir_base.h"


/* 1 if s is a token (RFC 9110, 5.6.2): the name of a field, or of a cookie. */
int weir_field_valid(weir_str_t s);

/* 1 if two names are one, ASCII case and "_" for "-" aside. */
int weir_field_same(weir_str_t a, weir_str_t b);

/* The same for a pattern, whose final "*" is any rest. */
int weir_field_match(weir_str_t name, weir_str_t pattern);


#endif /* WEIR_FIELD_H_INCLUDED */
