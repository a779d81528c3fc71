
/*
 * weirctl: what the verbs share: the dispatcher's table, options, files,
 * diagnostics and exit codes.
 *
 * A verb is one line in weirctl.c and one function here.  The function
 * declares its options in a table, calls weirctl_options(), and returns an
 * exit code.  Results go to stdout, diagnostics to stderr.
 */

#ifndef WEIRCTL_H_INCLUDED
#define WEIRCTL_H_INCLUDED


#include <stdarg.h>
#include <stdio.h>

#include "../lib/base/weir_base.h"


#ifndef WEIR_VERSION
#define WEIR_VERSION  "0.1.0"
#endif


/* Exit codes, the same for every verb. */

#define WEIRCTL_YES      0
#define WEIRCTL_NO       1     /* a failed test, a refused change, rejected */
#define WEIRCTL_USAGE    2     /* usage, unreadable files, no memory */
#define WEIRCTL_STORE    3     /* the store cannot be reached */

/* From weirctl_options(): the verb goes on. */

#define WEIRCTL_GO_ON   -1


typedef struct weirctl_s       weirctl_t;
typedef struct weirctl_verb_s  weirctl_verb_t;


struct weirctl_verb_s {
    const char            *name;
    const char            *args;       /* shown in the usage line */
    const char            *summary;    /* one line */
    int                  (*run)(weirctl_t *ctl);
    const weirctl_verb_t  *verbs;      /* or verbs below this one */
};

#define weirctl_verbs_end  { NULL, NULL, NULL, NULL, NULL }


struct weirctl_s {
    const weirctl_verb_t  *verb;
    const char            *path;       /* "weirctl token mint" */
    int                    argc;       /* operands left by the options */
    char                 **argv;
    unsigned               json:1;     /* --json */
    unsigned               quiet:1;    /* --quiet */
};


/*
 * Options are "--name VALUE", "--name=VALUE" or a flag "--name"; they may
 * stand among the operands, and "--" ends them.  into is an int for a flag,
 * a const char * for a value, a weirctl_list_t for a value that may repeat.
 */

typedef enum {
    WEIRCTL_FLAG,
    WEIRCTL_VALUE,
    WEIRCTL_LIST
} weirctl_kind_e;

typedef struct {
    const char     *name;              /* without the two dashes */
    weirctl_kind_e  kind;
    void           *into;
    const char     *value;             /* name of the value, in --help */
    const char     *help;
} weirctl_option_t;

#define weirctl_options_end  { NULL, WEIRCTL_FLAG, NULL, NULL, NULL }

#define WEIRCTL_LIST_MAX  64

typedef struct {
    unsigned     n;
    const char  *items[WEIRCTL_LIST_MAX];
} weirctl_list_t;


/*
 * Parses the options in ctl->argv and leaves the operands there, of which
 * there must be min to max.  --help, --json and --quiet need no mention in
 * the table; details is printed by --help after the usage line, may be NULL.
 * Returns WEIRCTL_GO_ON, or the exit code to return at once.
 */
int weirctl_options(weirctl_t *ctl, const char *details,
    const weirctl_option_t *options, int min, int max);

/* "weirctl: " message on stderr.  Returns WEIRCTL_USAGE. */
int weirctl_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* The same for what is worth knowing only: silent under --quiet. */
void weirctl_note(const weirctl_t *ctl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Text of others, fit for a terminal: what is a control, turns the line
 * around or is no UTF-8 is shown as "?".  The same of all that a format
 * gives, so that the end of a line is the caller's.
 */
void weirctl_print_text(FILE *out, weir_str_t text);
void weirctl_print_lines(FILE *out, weir_str_t text);    /* and tabs */
void weirctl_print(FILE *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void weirctl_vprint(FILE *out, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/*
 * Reads a file of at most max bytes, "-" is stdin, into memory to free(3),
 * with a zero byte behind it.  WEIRCTL_GO_ON or, after a message, the exit
 * code.
 */
int weirctl_read(const char *path, size_t max, weir_str_t *text);

/*
 * A file that takes its name when it is whole (weirctl_beside.c).  open() gives
 * out, with that mode; close() flushes it, gives it the name, and frees all.
 * fresh: nothing may have that name yet.  WEIRCTL_GO_ON, or what was told.
 */
typedef struct {
    char  *temp;
    FILE  *out;
    int    failed;      /* an errno, of the caller's own calls, too */
} weirctl_beside_t;

int weirctl_beside_open(weirctl_beside_t *b, const char *path, unsigned mode);
int weirctl_beside_close(weirctl_beside_t *b, const char *path, int fresh);

/*
 * Reads a line of any length from f into *buf (grown by realloc(3), starts
 * as NULL with *size 0), without its end of line.  Lines longer than max
 * bytes are read to their end and given as line->len = max + 1 with the
 * first max bytes kept.  1: a line; 0: end of file; -1: after a message,
 * a read error or no memory.
 */
int weirctl_line(FILE *f, size_t max, char **buf, size_t *size,
    weir_str_t *line);


/* The verbs; each file of verbs adds its own here. */

extern const weirctl_verb_t  weirctl_token_verbs[];
extern const weirctl_verb_t  weirctl_import_verbs[];


#endif /* WEIRCTL_H_INCLUDED */
