
/*
 * weirctl audit export and trim: the trail kept elsewhere, and its old days
 * removed once they are.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "weir_time.h"
#include "weirctl_fleet.h"


typedef struct {
    FILE             *out;
    int64_t           before;           /* days that end before are meant */
    uint64_t          n;
    weir_str_t        exported;         /* trim: what the file still has */
    int               differs;
} weirctl_export_t;


static int weirctl_export_print(const weirctl_t *ctl, const char *path,
    uint64_t n);
static int weirctl_export_line(void *ctx, int64_t when, weir_str_t line);
static int weirctl_trim_line(void *ctx, int64_t when, weir_str_t line);
static int weirctl_time_option(const char *name, const char *text,
    int64_t *when);
static int weirctl_trim_limit(weirctl_fleet_t *f, int64_t *limit);
static int weirctl_trim(weirctl_fleet_t *f, const char *path,
    int64_t before);


/* weirctl audit export FILE */

int
weirctl_audit_export(weirctl_t *ctl)
{
    int                      fd, rc;
    const char              *path;
    weirctl_fleet_t          f;
    weirctl_export_t         e;
    weir_store_err_t         err;
    weir_store_code_e        code;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    o.reads = 1;
    memset(&e, 0, sizeof(weirctl_export_t));

    const weirctl_option_t  options[] = {
        weirctl_option_store(&o),
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Writes every envelope as it was published, "
                         "one a line; \"-\" is stdout.  A\nfile that is "
                         "there already is never replaced.",
                         options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_fleet(ctl, &f, &o, 0);

    if (rc != WEIRCTL_GO_ON) {
        weirctl_fleet_done(&f);
        return rc;
    }

    path = ctl->argv[0];
    e.before = INT64_MAX;

    if (strcmp(path, "-") == 0) {
        e.out = stdout;

    } else {
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0644);
        e.out = fd == -1 ? NULL : fdopen(fd, "w");

        if (e.out == NULL) {
            rc = weirctl_error("%s: %s", path, strerror(errno));
            weirctl_fleet_done(&f);
            return rc;
        }
    }

    code = f.store->ops->audit(f.store, 0, WEIR_ENVELOPE_MAX,
                               weirctl_export_line, &e, &err);

    rc = code == WEIR_STORE_OK ? WEIRCTL_GO_ON : weirctl_store_error(&err);

    /* what is trimmed afterwards must be on the disk */

    if (fflush(e.out) != 0 || ferror(e.out)
        || (e.out != stdout && fsync(fileno(e.out)) != 0))
    {
        rc = weirctl_error("%s: %s", path, strerror(errno));
    }

    if (e.out != stdout && fclose(e.out) != 0 && rc == WEIRCTL_GO_ON) {
        rc = weirctl_error("%s: %s", path, strerror(errno));
    }

    if (rc != WEIRCTL_GO_ON && e.out != stdout) {
        (void) unlink(path);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_export_print(ctl, path, e.n);
    }

    weirctl_fleet_done(&f);

    return rc;
}


static int
weirctl_export_print(const weirctl_t *ctl, const char *path, uint64_t n)
{
    int  rc;

    if (!ctl->json || strcmp(path, "-") == 0) {
        weirctl_note(ctl, "%llu entries", (unsigned long long) n);
        return WEIRCTL_YES;
    }

    rc = weirctl_print_json(json_pack("{s:s, s:I}", "file", path, "entries",
                                      (json_int_t) n));

    return rc == WEIRCTL_GO_ON ? WEIRCTL_YES : rc;
}


static int
weirctl_export_line(void *ctx, int64_t when, weir_str_t line)
{
    weirctl_export_t *e = ctx;

    (void) when;

    e->n++;

    (void) fwrite(line.data, 1, line.len, e->out);
    (void) putc('\n', e->out);

    return ferror(e->out);
}


/* weirctl audit trim EXPORT */

int
weirctl_audit_trim(weirctl_t *ctl)
{
    int                      rc;
    int64_t                  limit, ms;
    const char              *before, *retain;
    weirctl_fleet_t          f;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    o.reads = 1;
    before = NULL;
    retain = NULL;

    const weirctl_option_t  options[] = {
        { "retain", WEIRCTL_VALUE, &retain, "TIME",
          "what stays; else retain= of the store, 400d" },
        { "before", WEIRCTL_VALUE, &before, "TIME",
          "RFC 3339: what goes, in place of --retain" },
        weirctl_option_store(&o),
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Removes the days of the trail that are older "
                         "than 400 days (or retain=\nof --store, which "
                         "--retain and --before cannot shorten), if EXPORT, "
                         "as\n\"weirctl audit "
                         "export\" wrote it, holds every entry of them.  The "
                         "last day with\nentries stays.  Exit: 0, or 1 if "
                         "EXPORT lacks anything: nothing is removed.",
                         options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    limit = INT64_MAX;

    if (retain != NULL) {
        if (before != NULL
            || weir_duration_parse(weir_cstr(retain), &ms) != WEIR_OK)
        {
            return weirctl_error(before != NULL
                                 ? "--retain \"%s\" beside --before"
                                 : "invalid --retain \"%s\"", retain);
        }

        limit = weirctl_now() - ms / 1000;
    }

    if (before != NULL) {
        rc = weirctl_time_option("--before", before, &limit);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    rc = weirctl_fleet(ctl, &f, &o, 0);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_trim_limit(&f, &limit);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_trim(&f, ctl->argv[0], limit);
    }

    weirctl_fleet_done(&f);

    return rc;
}


/* What the store's own words retain, nobody trims by other words. */

static int
weirctl_trim_limit(weirctl_fleet_t *f, int64_t *limit)
{
    int64_t  kept;

    kept = weirctl_now() - (f->retain != 0 ? f->retain : WEIRCTL_RETAIN_S);

    if (*limit == INT64_MAX) {
        *limit = kept;
    }

    if (f->retain == 0 || *limit <= kept) {
        return WEIRCTL_GO_ON;
    }

    (void) weirctl_error("retain= of the store keeps more than that: nothing "
                         "is removed");

    return WEIRCTL_NO;
}


static int
weirctl_trim(weirctl_fleet_t *f, const char *path, int64_t before)
{
    int                rc;
    uint32_t           n;
    weir_str_t         text;
    weirctl_export_t   e;
    weir_store_err_t   err;

    memset(&e, 0, sizeof(weirctl_export_t));

    rc = weirctl_read(path, WEIRCTL_EXPORT_MAX, &text);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    e.before = before;
    e.exported = text;

    if (f->store->ops->audit(f->store, 0, WEIR_ENVELOPE_MAX,
                             weirctl_trim_line, &e, &err)
        != WEIR_STORE_OK)
    {
        rc = weirctl_store_error(&err);

    } else if (e.differs) {
        (void) weirctl_error("%s lacks entry %llu of the trail: nothing is "
                             "removed", path, (unsigned long long) e.n);
        rc = WEIRCTL_NO;

    } else if (f->store->ops->audit_trim(f->store, before, &n, &err)
               != WEIR_STORE_OK)
    {
        rc = weirctl_store_error(&err);

    } else if (f->ctl->json) {
        rc = weirctl_print_json(json_pack("{s:I, s:I}",
                                          f->redis ? "entries" : "days",
                                          (json_int_t) n, "checked",
                                          (json_int_t) e.n));
        rc = rc == WEIRCTL_GO_ON ? WEIRCTL_YES : rc;

    } else {
        rc = WEIRCTL_YES;

        if (!f->ctl->quiet) {
            printf("%u %s removed\n", (unsigned) n,
                   f->redis ? (n == 1 ? "entry" : "entries")
                            : (n == 1 ? "day" : "days"));
        }
    }

    free((void *) text.data);

    return rc;
}


/* Entries of days that go stand in the export, in their order. */

static int
weirctl_trim_line(void *ctx, int64_t when, weir_str_t line)
{
    weirctl_export_t *e = ctx;

    size_t          len;
    const uint8_t  *lf;

    /* stores know the time of an entry more or less exactly; days go whole */

    if (when - when % 86400 > e->before - 86400) {
        return 1;
    }

    e->n++;

    while (e->exported.len != 0) {
        lf = memchr(e->exported.data, '\n', e->exported.len);

        if (lf == NULL) {
            break;
        }

        len = (size_t) (lf - e->exported.data);

        if (len == line.len && memcmp(e->exported.data, line.data, len) == 0)
        {
            e->exported.data += len + 1;
            e->exported.len -= len + 1;
            return 0;
        }

        /* of a day that was trimmed before */

        if (e->n != 1) {
            break;
        }

        e->exported.data += len + 1;
        e->exported.len -= len + 1;
    }

    e->differs = 1;

    return 1;
}


static int
weirctl_time_option(const char *name, const char *text, int64_t *when)
{
    return weir_time_parse(weir_cstr(text), when) == WEIR_OK ? WEIRCTL_GO_ON
           : weirctl_error("invalid %s \"%s\"", name, text);
}


int
weirctl_export_next(weir_str_t *rest, weir_str_t *line)
{
    const uint8_t  *lf;

    if (rest->len == 0) {
        return 0;
    }

    lf = memchr(rest->data, '\n', rest->len);

    line->data = rest->data;
    line->len = lf == NULL ? rest->len : (size_t) (lf - rest->data);

    rest->len -= line->len + (lf != NULL);
    rest->data += line->len + (lf != NULL);

    return 1;
}
