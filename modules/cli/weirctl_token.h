
/*
 * weirctl: what the verbs below "token" share.
 */

#ifndef WEIRCTL_TOKEN_H_INCLUDED
#define WEIRCTL_TOKEN_H_INCLUDED


#include "weirctl.h"
#include "weir_token.h"


int weirctl_token_mint(weirctl_t *ctl);
int weirctl_token_jwks(weirctl_t *ctl);
int weirctl_token_inspect(weirctl_t *ctl);
int weirctl_token_verify(weirctl_t *ctl);

#define WEIRCTL_PEM_MAX  65536

/* For OpenSSL: no encrypted PEM, and nobody is asked for a password. */
int weirctl_token_no_password(char *buf, int size, int rwflag, void *data);

/* A slice of a zero terminated string; NULL gives {0, NULL}. */
weir_str_t weirctl_str(const char *s);

/* The TOKEN operand; "-" is the first line of stdin.  As weirctl_read(). */
int weirctl_token_operand(const char *arg, weir_str_t *token);


#endif /* WEIRCTL_TOKEN_H_INCLUDED */
