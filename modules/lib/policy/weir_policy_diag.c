
/*
 * Weir: diagnostics of the policy compiler: collecting, ordering, printing.
 */

#include <stdio.h>
#include <stdlib.h>

#include "weir_policy_lex.h"


/* The most of a line that is shown, and what stays before the caret. */

#define WEIR_POLICY_SHOWN   120
#define WEIR_POLICY_BEFORE  90


struct weir_policy_found_s {
    weir_policy_diag_t    diag;
    uint32_t              seq;
    weir_policy_found_t  *next;
};


/* A text that grows; counts only while data is NULL. */

typedef struct {
    uint8_t  *data;
    size_t    len;
} weir_policy_out_t;


static void weir_policy_report(weir_policy_compiler_t *c,
    weir_policy_severity_t severity, weir_policy_loc_t loc, const char *fmt,
    va_list args);
static void weir_policy_clean(char *text, size_t len);
static int weir_policy_diag_cmp(const void *one, const void *two);
static void weir_policy_diag_write(weir_policy_out_t *out,
    const weir_policy_bundle_t *bundle, const weir_policy_diag_t *diag);
static void weir_policy_diag_excerpt(weir_policy_out_t *out, weir_str_t text,
    const weir_policy_diag_t *diag);
static void weir_policy_out(weir_policy_out_t *out, const void *data,
    size_t len);
static void weir_policy_outf(weir_policy_out_t *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void weir_policy_out_place(weir_policy_out_t *out,
    const weir_policy_bundle_t *bundle, const weir_policy_place_t *place);


void
weir_policy_error(weir_policy_compiler_t *c, weir_policy_loc_t loc,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    weir_policy_report(c, WEIR_POLICY_SEVERE, loc, fmt, args);
    va_end(args);
}


void
weir_policy_warn(weir_policy_compiler_t *c, weir_policy_loc_t loc,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    weir_policy_report(c, WEIR_POLICY_WARNING, loc, fmt, args);
    va_end(args);
}


static void
weir_policy_report(weir_policy_compiler_t *c, weir_policy_severity_t severity,
    weir_policy_loc_t loc, const char *fmt, va_list args)
{
    int                   n;
    char                  text[512];
    weir_str_t            s;
    weir_policy_found_t  *f;

    c->relates = 0;

    if (severity == WEIR_POLICY_SEVERE) {
        c->nerrors++;
    }

    /* warnings take no place from errors; the last error kept says so */

    if (severity == WEIR_POLICY_WARNING
        && ++c->nwarnings > WEIR_POLICY_MAX_DIAGS)
    {
        return;
    }

    if (c->nerrors > WEIR_POLICY_MAX_DIAGS
        && severity == WEIR_POLICY_SEVERE)
    {
        if (c->nerrors > WEIR_POLICY_MAX_DIAGS + 1) {
            return;
        }

        n = snprintf(text, sizeof(text), "too many errors; the rest are not "
                     "shown");

    } else {
        n = vsnprintf(text, sizeof(text), fmt, args);
    }

    if (n < 0) {
        n = 0;
    }

    s.data = (const uint8_t *) text;
    s.len = (size_t) n;

    if (s.len >= sizeof(text)) {
        s.len = sizeof(text) - 1;
    }

    weir_policy_clean(text, s.len);

    f = weir_policy_alloc(c, sizeof(weir_policy_found_t));
    if (f == NULL) {
        return;
    }

    f->diag.place = weir_policy_place(c, loc);
    f->diag.severity = severity;
    f->diag.message = weir_arena_copy(c->arena, s);

    if (f->diag.message.data == NULL) {
        c->nomem = 1;
        return;
    }

    f->seq = c->nfound++;
    f->next = c->found;
    c->found = f;
    c->relates = 1;
}


/* What was quoted may be cut inside a character. */

static void
weir_policy_clean(char *text, size_t len)
{
    size_t      i, n;
    weir_str_t  one;

    for (i = 0; i < len; i += n) {

        one.data = (const uint8_t *) text + i;

        for (n = 1; n < 4 && i + n < len && (one.data[n] & 0xc0) == 0x80; n++)
        {
            /* void */
        }

        one.len = n;

        if (!weir_policy_lex_plain(one)) {
            memset(text + i, '?', n);
        }
    }
}


void
weir_policy_relate(weir_policy_compiler_t *c, weir_policy_loc_t loc,
    const char *message)
{
    weir_policy_related_t  *r, **last;

    if (!c->relates) {
        return;
    }

    r = weir_policy_alloc(c, sizeof(weir_policy_related_t));
    if (r == NULL) {
        return;
    }

    r->place = weir_policy_place(c, loc);
    r->message = weir_cstr(message);

    for (last = &c->found->diag.related; *last != NULL; last = &(*last)->next) {
        /* void */
    }

    *last = r;
}


weir_policy_place_t
weir_policy_place(weir_policy_compiler_t *c, weir_policy_loc_t loc)
{
    size_t                i;
    uint32_t              n, lo, hi, mid, *lines;
    weir_str_t            text;
    weir_policy_place_t   place;

    place.file = loc.file;
    place.line = 0;
    place.column = 0;
    place.offset = 0;

    text = c->sources[loc.file].text;
    lines = c->lines[loc.file];

    if (lines == NULL) {
        n = 1;

        for (i = 0; i < text.len; i++) {
            n += text.data[i] == '\n';
        }

        lines = weir_policy_alloc(c, n * sizeof(uint32_t));
        if (lines == NULL) {
            return place;
        }

        n = 1;

        for (i = 0; i < text.len; i++) {
            if (text.data[i] == '\n') {
                lines[n++] = (uint32_t) i + 1;
            }
        }

        c->lines[loc.file] = lines;
        c->nlines[loc.file] = n;
    }

    /* an error at the end is shown on the last line that is not empty */

    if (loc.offset > text.len) {
        loc.offset = (uint32_t) text.len;
    }

    lo = 0;
    hi = c->nlines[loc.file];

    while (hi - lo > 1) {
        mid = lo + (hi - lo) / 2;

        if (lines[mid] <= loc.offset) {
            lo = mid;

        } else {
            hi = mid;
        }
    }

    place.line = lo + 1;
    place.column = 1;
    place.offset = loc.offset;

    i = lines[lo];

    /* names in a long line are asked for one after the other */

    if (c->last.file == loc.file && c->last.line == place.line
        && c->last_offset <= loc.offset)
    {
        place.column = c->last.column;
        i = c->last_offset;
    }

    for ( /* void */ ; i < loc.offset; i++) {
        place.column += (text.data[i] & 0xc0) != 0x80;
    }

    c->last = place;
    c->last_offset = loc.offset;

    return place;
}


int
weir_policy_diags(weir_policy_compiler_t *c, weir_policy_bundle_t *b)
{
    uint32_t               n;
    weir_policy_diag_t    *diags;
    weir_policy_found_t   *f, **all;

    b->nerrors = c->nerrors;

    all = weir_policy_alloc(c, c->nfound * sizeof(weir_policy_found_t *));
    diags = weir_policy_alloc(c, c->nfound * sizeof(weir_policy_diag_t));

    if (all == NULL || diags == NULL) {
        return WEIR_NOMEM;
    }

    n = 0;

    for (f = c->found; f != NULL; f = f->next) {
        all[n++] = f;
    }

    qsort(all, n, sizeof(weir_policy_found_t *), weir_policy_diag_cmp);

    b->diags = diags;
    b->ndiags = n;

    while (n != 0) {
        n--;
        diags[n] = all[n]->diag;
    }

    return WEIR_OK;
}


static int
weir_policy_diag_cmp(const void *one, const void *two)
{
    const weir_policy_found_t  *a, *b;

    a = *(weir_policy_found_t *const *) one;
    b = *(weir_policy_found_t *const *) two;

    if (a->diag.place.file != b->diag.place.file) {
        return a->diag.place.file < b->diag.place.file ? -1 : 1;
    }

    if (a->diag.place.line != b->diag.place.line) {
        return a->diag.place.line < b->diag.place.line ? -1 : 1;
    }

    if (a->diag.place.column != b->diag.place.column) {
        return a->diag.place.column < b->diag.place.column ? -1 : 1;
    }

    return a->seq < b->seq ? -1 : 1;
}


weir_str_t
weir_policy_diag_text(weir_arena_t *arena, const weir_policy_bundle_t *bundle,
    const weir_policy_diag_t *diag)
{
    weir_str_t         text;
    weir_policy_out_t  out;

    text.len = 0;
    text.data = NULL;

    out.data = NULL;
    out.len = 0;

    weir_policy_diag_write(&out, bundle, diag);

    out.data = weir_arena_alloc(arena, out.len);
    if (out.data == NULL) {
        return text;
    }

    text.data = out.data;
    text.len = out.len;
    out.len = 0;

    weir_policy_diag_write(&out, bundle, diag);

    return text;
}


static void
weir_policy_diag_write(weir_policy_out_t *out,
    const weir_policy_bundle_t *bundle, const weir_policy_diag_t *diag)
{
    weir_policy_out_place(out, bundle, &diag->place);

    weir_policy_outf(out, ": %s: ",
                     diag->severity == WEIR_POLICY_SEVERE ? "error"
                                                          : "warning");
    weir_policy_out(out, diag->message.data, diag->message.len);
    weir_policy_out(out, "\n", 1);

    if (diag->place.line == 0) {
        return;
    }

    weir_policy_diag_excerpt(out, bundle->sources[diag->place.file].text,
                             diag);

    if (diag->related != NULL) {
        const weir_policy_related_t  *r;

        for (r = diag->related; r != NULL; r = r->next) {
            weir_policy_out(out, r == diag->related ? " " : ", ",
                            r == diag->related ? 1 : 2);
            weir_policy_out(out, r->message.data, r->message.len);
            weir_policy_out(out, " at ", 4);
            weir_policy_out_place(out, bundle, &r->place);
        }
    }

    weir_policy_out(out, "\n", 1);
}


/*
 * The line with its number, and up to the caret.  What a terminal might act
 * on is shown as "?".
 */

static void
weir_policy_diag_excerpt(weir_policy_out_t *out, weir_str_t text,
    const weir_policy_diag_t *diag)
{
    uint32_t        i, n, from;
    weir_str_t      one;
    const uint8_t  *p, *end, *last, *start, *caret;

    if (text.len == 0) {
        text = weir_str("");
    }

    p = text.data + diag->place.offset;
    last = text.data + text.len;

    from = 1;

    if (diag->place.column > WEIR_POLICY_BEFORE + 1) {
        from = diag->place.column - WEIR_POLICY_BEFORE;
    }

    /* a line may be all of a large file: no more of it is read */

    for (i = from; i < diag->place.column; i++) {
        do {
            p--;
        } while ((*p & 0xc0) == 0x80);
    }

    n = 0;

    for (end = p; end < last && *end != '\n'; end++) {
        n += (*end & 0xc0) != 0x80;

        if (n > WEIR_POLICY_SHOWN + 1) {
            break;
        }
    }

    if (end > p && end[-1] == '\r' && (end == last || *end == '\n')) {
        end--;
    }

    weir_policy_outf(out, "%5u | ", diag->place.line);

    if (from != 1) {
        weir_policy_out(out, "...", 3);
    }

    start = p;
    caret = NULL;

    for (i = from; p < end && i < from + WEIR_POLICY_SHOWN; i++) {

        if (i == diag->place.column) {
            caret = p;
        }

        for (n = 1; p + n < end && (p[n] & 0xc0) == 0x80; n++) {
            /* void */
        }

        one.data = p;
        one.len = n;

        if (*p == '\t' || weir_policy_lex_plain(one)) {
            weir_policy_out(out, p, n);

        } else {
            weir_policy_out(out, "?", 1);
        }

        p += n;
    }

    if (p < end) {
        weir_policy_out(out, "...", 3);
    }

    weir_policy_outf(out, "\n      | ");

    if (from != 1) {
        weir_policy_out(out, "   ", 3);
    }

    p = start;

    for (i = from; i < diag->place.column; i++) {

        if (p < end && p != caret) {
            weir_policy_out(out, *p == '\t' ? "\t" : " ", 1);

            do {
                p++;
            } while (p < end && (*p & 0xc0) == 0x80);

        } else {
            weir_policy_out(out, " ", 1);
        }
    }

    weir_policy_out(out, "^", 1);
}


static void
weir_policy_out(weir_policy_out_t *out, const void *data, size_t len)
{
    if (out->data != NULL && len != 0) {
        memcpy(out->data + out->len, data, len);
    }

    out->len += len;
}


static void
weir_policy_outf(weir_policy_out_t *out, const char *fmt, ...)
{
    int      n;
    char     text[128];
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    if (n > 0) {
        weir_policy_out(out, text, (size_t) n);
    }
}


static void
weir_policy_out_place(weir_policy_out_t *out,
    const weir_policy_bundle_t *bundle, const weir_policy_place_t *place)
{
    weir_str_t  name;

    name = bundle->sources[place->file].name;

    weir_policy_out(out, name.data, name.len);

    if (place->line != 0) {
        weir_policy_outf(out, ":%u:%u", place->line, place->column);
    }
}
