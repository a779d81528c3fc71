
/*
 * Weir: the gates that a request's target and host pass before any policy
 * looks at them (security.md 1.1 to 1.4).
 */

#ifndef WEIR_PATH_H_INCLUDED
#define WEIR_PATH_H_INCLUDED


#include "weir_base.h"


/* Spellings that weir_path_allow admits all the same. */

#define WEIR_PATH_ALLOW_ENC_SLASH      0x01   /* %2f */
#define WEIR_PATH_ALLOW_DOUBLE_SLASH   0x02   /* // */
#define WEIR_PATH_ALLOW_SEMICOLON      0x04   /* ; */
#define WEIR_PATH_ALLOW_ENC_SEMICOLON  0x08   /* %3b */
#define WEIR_PATH_ALLOW_ENC_PERCENT    0x10   /* %25 */
#define WEIR_PATH_ALLOW_ENC_BACKSLASH  0x20   /* %5c */
#define WEIR_PATH_ALLOW_ENC_HASH       0x40   /* %23 */
#define WEIR_PATH_ALLOW_ENC_DOT        0x80   /* %2e, where no dot segment */


/* The longest path that is looked at, and the most segments. */

#define WEIR_PATH_MAX_SEGMENTS  256


/*
 * A path after the gate: decoded once and cut into segments.  One final "/"
 * leaves no empty segment: "/", "" of "/a/" and "/a" have 0, 1 and 1.
 */

typedef struct {
    weir_str_t  decoded;          /* the whole path, decoded once */
    uint32_t    nsegments;
    weir_str_t  segments[WEIR_PATH_MAX_SEGMENTS];
} weir_path_t;


/*
 * The path gate: raw is the target before "?", as the client sent it.  Fills
 * path; decoded bytes go to buf (raw.len bytes at least, the caller's), and
 * path points into it (or into raw where nothing was encoded).
 * Returns WEIR_OK, or WEIR_ERROR when the spelling is ambiguous: a raw "#",
 * "\", ";", control or non-ASCII byte; a bad "%"; invalid UTF-8 after
 * decoding; "//"; a segment that is ".", ".." or begins or ends with "..",
 * encoded or not; an encoded control byte, %23 %25 %2e %2f %3b %3f %5c %7f;
 * no leading "/"; more segments than WEIR_PATH_MAX_SEGMENTS.  allow admits
 * spellings.  An admitted %2f is one segment's byte, never a separator; "//"
 * admitted counts as "/".
 */
int weir_path_gate(weir_path_t *path, uint8_t *buf, weir_str_t raw,
    unsigned allow);

/*
 * The same gate for a path that is decoded already (nginx's r->uri after a
 * rewrite): what could not have come from an unambiguous spelling is an
 * error.  path points into decoded.
 */
int weir_path_gate_decoded(weir_path_t *path, weir_str_t decoded,
    unsigned allow);

/*
 * 1 if both decode to the same bytes; a run of "/" counts as one, since an
 * admitted "//" may have been merged on one side only.
 */
int weir_path_same(const weir_path_t *a, const weir_path_t *b);

/*
 * How another might read a path whose spelling weir_path_allow admits: "/"
 * and "\" that were encoded as separators, what follows ";" in a segment or
 * "#" in the path dropped, an admitted %25 decoded once more, "//" as "/".
 * Policies are asked about it too: a deny must not be avoided by a spelling.
 * buf of path->decoded.len bytes (the caller's), which other points into.
 * WEIR_OK: *other is another reading; WEIR_DECLINED: there is none;
 * WEIR_ERROR: so read, it is no path that passes the gate.
 */
int weir_path_reading(weir_path_t *other, uint8_t *buf,
    const weir_path_t *path);

/*
 * The host gate and canonical form: lower case, no port, no final dot.
 * authority is a Host value or an absolute-form authority.  buf of
 * authority.len bytes; *host points into it.  WEIR_ERROR: userinfo, comma,
 * a character that no host has, an empty host, a bad port.
 */
int weir_host_gate(weir_str_t *host, uint8_t *buf, weir_str_t authority);

/* 1 if host (canonical) matches glob: exact, or "*.x" = one or more labels. */
int weir_host_match(weir_str_t glob, weir_str_t host);

/*
 * The query parameter name in args (without "?"): cut at "&", decoded once,
 * "+" a space.  Returns how many times it stands there (0, 1, 2 for more);
 * WEIR_ERROR where a name or its value has a bad escape or NUL.  *value (of
 * the single one) points into buf, args.len bytes.
 */
int weir_query_param(weir_str_t args, weir_str_t name, uint8_t *buf,
    weir_str_t *value);


#endif /* WEIR_PATH_H_INCLUDED */
