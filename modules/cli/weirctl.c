
/*
 * weirctl: the command line tool.  This file finds the verb, parses options
 * and answers --help and --version; the verbs live beside it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "weirctl_fleet.h"


#define WEIRCTL_PATH_MAX  64


static int weirctl_dispatch(weirctl_t *ctl, const weirctl_verb_t *verbs,
    char *path);
static int weirctl_usage(const char *path, const weirctl_verb_t *verbs,
    FILE *out);
static int weirctl_option(weirctl_t *ctl, const weirctl_option_t *options,
    int *i);
static const weirctl_option_t *weirctl_find_option(
    const weirctl_option_t *options, const char *name, size_t len);
static int weirctl_help(const weirctl_t *ctl, const char *details,
    const weirctl_option_t *options);
static int weirctl_usage_error(const weirctl_t *ctl, const char *fmt,
    const char *what);
static int weirctl_finish(int rc);


/* One line a verb; in the order in which --help lists them. */

static const weirctl_verb_t  weirctl_verbs[] = {
    { "check", "PATH", "compile policies and tell all errors", weirctl_check,
      NULL },
    { "test", "PATH", "run the tests that stand in policies", weirctl_test,
      NULL },
    { "fmt", "PATH", "lay policies out canonically; syntax trees",
      weirctl_fmt, NULL },
    { "eval", "PATH", "decide requests, JSON lines in and out", weirctl_eval,
      NULL },
    { "explain", "PATH --request JSON", "why a request is decided as it is",
      weirctl_explain, NULL },
    { "diff", "A B", "what changes in meaning, each with a request",
      weirctl_diff, NULL },
    { "who-can", "DIR 'METHOD /PATH'", "who may make a request",
      weirctl_who_can, NULL },
    { "review", "DIR [--csv]", "all that policies permit, for an auditor",
      weirctl_review, NULL },
    { "replay", "LOG PATH", "decide a decision log by other policies",
      weirctl_replay, NULL },
    { "import", "VERB ...", "make policies of what others write", NULL,
      weirctl_import_verbs },
    { "push", "DIR|FILE", "publish policies, and wait for the gateways",
      weirctl_push, NULL },
    { "status", "", "which gateway runs which bundle", weirctl_status,
      NULL },
    { "drain", "", "a gateway of this machine is left by its clients",
      weirctl_drain, NULL },
    { "split", "VERB ...", "show and set the weights of traffic splits",
      NULL, weirctl_split_verbs },
    { "history", "[KIND/NAME]", "what was published, by whom",
      weirctl_history, NULL },
    { "rollback", "", "publish an older content again", weirctl_rollback,
      NULL },
    { "pull", "PATH", "write a bundle's policies into a folder",
      weirctl_pull, NULL },
    { "keygen", "NAME", "make a key pair that signs", weirctl_keygen, NULL },
    { "build", "DIR FILE", "make a bundle to be signed by others",
      weirctl_build, NULL },
    { "sign", "FILE", "add signatures to a built bundle", weirctl_sign,
      NULL },
    { "audit", "VERB ...", "verify, export and trim the trail", NULL,
      weirctl_audit_verbs },
    { "backup", "FILE", "write all state of the store into a file",
      weirctl_backup, NULL },
    { "restore", "FILE", "bring a backup into this or another store",
      weirctl_restore, NULL },
    { "sync", "SRC DST", "bring what is newer from store to store",
      weirctl_sync, NULL },
    { "token", "VERB ...", "make, show and verify tokens", NULL,
      weirctl_token_verbs },
    weirctl_verbs_end
};


/* Known to every verb. */

static const weirctl_option_t  weirctl_common[] = {
    { "json", WEIRCTL_FLAG, NULL, NULL, "answer in JSON" },
    { "quiet", WEIRCTL_FLAG, NULL, NULL, "no notes; the exit code tells" },
    { "help", WEIRCTL_FLAG, NULL, NULL, "this text" },
    weirctl_options_end
};


int
main(int argc, char **argv)
{
    char       path[WEIRCTL_PATH_MAX] = "weirctl";
    weirctl_t  ctl;

    memset(&ctl, 0, sizeof(weirctl_t));

    ctl.path = path;
    ctl.argc = argc > 0 ? argc - 1 : 0;
    ctl.argv = argv + (argc > 0);

    if (ctl.argc == 1 && strcmp(ctl.argv[0], "--version") == 0) {
        printf("weirctl %s\n", WEIR_VERSION);
        return weirctl_finish(WEIRCTL_YES);
    }

    return weirctl_finish(weirctl_dispatch(&ctl, weirctl_verbs, path));
}


static int
weirctl_dispatch(weirctl_t *ctl, const weirctl_verb_t *verbs, char *path)
{
    size_t                 len;
    const char            *name;
    const weirctl_verb_t  *v;

    /* what all verbs understand may stand before the verb too */

    for ( ;; ) {

        if (ctl->argc == 0) {
            (void) weirctl_usage(path, verbs, stderr);
            return WEIRCTL_USAGE;
        }

        name = ctl->argv[0];

        if (strcmp(name, "--json") == 0) {
            ctl->json = 1;

        } else if (strcmp(name, "--quiet") == 0) {
            ctl->quiet = 1;

        } else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
            return weirctl_usage(path, verbs, stdout);

        } else {
            break;
        }

        ctl->argc--;
        ctl->argv++;
    }

    for (v = verbs; v->name != NULL; v++) {
        if (strcmp(v->name, name) == 0) {
            break;
        }
    }

    if (v->name == NULL) {
        return weirctl_error("unknown %s \"%s\"; see %s --help",
                             name[0] == '-' ? "option" : "verb", name, path);
    }

    len = strlen(path);
    snprintf(path + len, WEIRCTL_PATH_MAX - len, " %s", v->name);

    ctl->verb = v;
    ctl->argc--;
    ctl->argv++;

    if (v->verbs != NULL) {
        return weirctl_dispatch(ctl, v->verbs, path);
    }

    return v->run(ctl);
}


static int
weirctl_usage(const char *path, const weirctl_verb_t *verbs, FILE *out)
{
    const weirctl_verb_t  *v;

    fprintf(out, "usage: %s VERB [--help] [--json] [--quiet] ...\n\n", path);

    for (v = verbs; v->name != NULL; v++) {
        fprintf(out, "  %-10s %s\n", v->name, v->summary);
    }

    fprintf(out, "\nexit: 0 yes, 1 no, 2 usage, 3 store unreachable\n");

    return WEIRCTL_YES;
}


int
weirctl_options(weirctl_t *ctl, const char *details,
    const weirctl_option_t *options, int min, int max)
{
    int  i, n, rc;

    n = 0;

    for (i = 0; i < ctl->argc; i++) {

        if (strcmp(ctl->argv[i], "--") == 0) {
            for (i++; i < ctl->argc; i++) {
                ctl->argv[n++] = ctl->argv[i];
            }

            break;
        }

        if (strcmp(ctl->argv[i], "--help") == 0
            || strcmp(ctl->argv[i], "-h") == 0)
        {
            return weirctl_help(ctl, details, options);
        }

        if (ctl->argv[i][0] != '-' || ctl->argv[i][1] == '\0') {
            ctl->argv[n++] = ctl->argv[i];
            continue;
        }

        rc = weirctl_option(ctl, options, &i);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    ctl->argc = n;

    if (n < min) {
        return weirctl_usage_error(ctl, "%s is missing", ctl->verb->args);
    }

    if (n > max) {
        return weirctl_usage_error(ctl, "unexpected \"%s\"", ctl->argv[max]);
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_option(weirctl_t *ctl, const weirctl_option_t *options, int *i)
{
    char                    *arg, *value;
    size_t                   len;
    weirctl_list_t          *list;
    const weirctl_option_t  *o;

    arg = ctl->argv[*i];
    value = strchr(arg, '=');
    len = value == NULL ? strlen(arg) : (size_t) (value - arg);

    if (len < 3 || arg[1] != '-') {
        return weirctl_usage_error(ctl, "unknown option \"%s\"", arg);
    }

    o = weirctl_find_option(options, arg + 2, len - 2);

    if (o == NULL) {
        return weirctl_usage_error(ctl, "unknown option \"%s\"", arg);
    }

    if (o->kind == WEIRCTL_FLAG) {

        if (value != NULL) {
            return weirctl_usage_error(ctl, "no value expected in \"%s\"",
                                       arg);
        }

        if (o->into != NULL) {
            *(int *) o->into = 1;

        } else if (strcmp(o->name, "json") == 0) {
            ctl->json = 1;

        } else {
            ctl->quiet = 1;
        }

        return WEIRCTL_GO_ON;
    }

    if (value != NULL) {
        value++;

    } else if (*i + 1 < ctl->argc) {
        value = ctl->argv[++*i];

    } else {
        return weirctl_usage_error(ctl, "a value is missing after \"%s\"",
                                   arg);
    }

    if (o->kind == WEIRCTL_VALUE) {

        if (*(const char **) o->into != NULL) {
            return weirctl_usage_error(ctl, "\"%s\" is duplicate", arg);
        }

        *(const char **) o->into = value;
        return WEIRCTL_GO_ON;
    }

    list = o->into;

    if (list->n == WEIRCTL_LIST_MAX) {
        return weirctl_usage_error(ctl, "too many \"%s\"", arg);
    }

    list->items[list->n++] = value;

    return WEIRCTL_GO_ON;
}


static const weirctl_option_t *
weirctl_find_option(const weirctl_option_t *options, const char *name,
    size_t len)
{
    const weirctl_option_t  *o;

    for (o = options; o != NULL && o->name != NULL; o++) {
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) {
            return o;
        }
    }

    for (o = weirctl_common; o->name != NULL; o++) {
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) {
            return o;
        }
    }

    return NULL;
}


static int
weirctl_help(const weirctl_t *ctl, const char *details,
    const weirctl_option_t *options)
{
    int                      n;
    const weirctl_option_t  *o;

    printf("usage: %s %s\n\n%s\n", ctl->path, ctl->verb->args,
           ctl->verb->summary);

    if (details != NULL) {
        printf("\n%s\n", details);
    }

    printf("\n");

    for (n = 0; n < 2; n++) {

        o = n == 0 ? options : weirctl_common;

        for ( /* void */ ; o != NULL && o->name != NULL; o++) {
            printf("  --%s%s%-*s %s\n", o->name, o->value == NULL ? "" : " ",
                   (int) (18 - strlen(o->name)
                          - (o->value == NULL ? 0 : 1)),
                   o->value == NULL ? "" : o->value, o->help);
        }
    }

    return WEIRCTL_YES;
}


static int
weirctl_usage_error(const weirctl_t *ctl, const char *fmt, const char *what)
{
    fprintf(stderr, "weirctl: ");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    fprintf(stderr, fmt, what);
#pragma GCC diagnostic pop
    fprintf(stderr, "\nusage: %s %s; see --help\n", ctl->path,
            ctl->verb->args);

    return WEIRCTL_USAGE;
}


int
weirctl_read(const char *path, size_t max, weir_str_t *text)
{
    int     rc, fd;
    char   *buf, *p;
    FILE   *f;
    size_t  n, len, size;

    /* a FIFO that nobody writes is empty: its open would wait for ever */

    if (strcmp(path, "-") == 0) {
        f = stdin;

    } else {
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        f = fd == -1 || fcntl(fd, F_SETFL, 0) == -1 ? NULL : fdopen(fd, "rb");
    }

    if (f == NULL) {
        return weirctl_error("%s: %s", path, strerror(errno));
    }

    rc = WEIRCTL_USAGE;
    buf = NULL;
    len = 0;
    size = 0;

    for ( ;; ) {

        if (size - len < 2) {
            size = size == 0 ? 4096 : size * 2;
            p = realloc(buf, size);

            if (p == NULL) {
                (void) weirctl_error("%s: out of memory", path);
                break;
            }

            buf = p;
        }

        errno = 0;
        n = fread(buf + len, 1, size - len - 1, f);
        len += n;

        if (len > max) {
            (void) weirctl_error("%s: larger than %zu bytes", path, max);
            break;
        }

        if (n != 0) {
            continue;
        }

        if (ferror(f)) {
            (void) weirctl_error("%s: %s", path, strerror(errno));
            break;
        }

        buf[len] = '\0';
        text->data = (const uint8_t *) buf;
        text->len = len;
        buf = NULL;
        rc = WEIRCTL_GO_ON;
        break;
    }

    free(buf);

    if (f != stdin) {
        fclose(f);
    }

    return rc;
}


int
weirctl_line(FILE *f, size_t max, char **buf, size_t *size, weir_str_t *line)
{
    int     c;
    char   *p;
    size_t  len, want;

    len = 0;

    for ( ;; ) {
        c = getc(f);

        if (c == EOF) {
            if (ferror(f)) {
                (void) weirctl_error("reading: %s", strerror(errno));
                return -1;
            }

            if (len == 0) {
                return 0;
            }

            break;
        }

        if (c == '\n') {
            break;
        }

        if (len >= max) {
            len = max + 1;
            continue;
        }

        if (len == *size) {
            want = *size == 0 ? 4096 : *size * 2;
            p = realloc(*buf, want);

            if (p == NULL) {
                (void) weirctl_error("out of memory");
                return -1;
            }

            *buf = p;
            *size = want;
        }

        (*buf)[len++] = (char) c;
    }

    if (len > 0 && len <= max && (*buf)[len - 1] == '\r') {
        len--;
    }

    line->data = (const uint8_t *) *buf;
    line->len = len;

    return 1;
}


/* A result that could not be written is no result. */

static int
weirctl_finish(int rc)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return weirctl_error("stdout: %s", strerror(errno));
    }

    return rc;
}
