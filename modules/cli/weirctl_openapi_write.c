
/*
 * weirctl import openapi: the policy of a document.
 *
 * OpenAPI matches concrete paths before templates; a policy's permits add up.
 * So a template's permit excludes what a more concrete path of the same
 * method says.
 */

#include <stdlib.h>

#include "weirctl_fleet.h"
#include "weirctl_openapi.h"


/* How an alternative of security requirements is met. */

typedef struct {
    unsigned       anyone:1;
    unsigned       known:1;       /* 0: a scheme that is not understood */
    const char    *kind;          /* "jwt", "apikey", "mtls" */
    const json_t  *scopes;        /* array; NULL: none */
} weirctl_openapi_need_t;


static int weirctl_openapi_permit(weirctl_openapi_t *v,
    weirctl_openapi_op_t *op);
static void weirctl_openapi_need(weirctl_openapi_t *v,
    const json_t *requirement, weirctl_openapi_need_t *need);
static const char *weirctl_openapi_kind(const json_t *scheme);
static void weirctl_openapi_needs(weirctl_openapi_t *v,
    const weirctl_openapi_need_t *need);
static void weirctl_openapi_pattern(weirctl_openapi_t *v,
    const weirctl_openapi_op_t *op, const char *base);
static void weirctl_openapi_except(weirctl_openapi_t *v,
    const weirctl_openapi_op_t *op);
static int weirctl_openapi_ambiguous(const weirctl_openapi_t *v);
static int weirctl_openapi_meet(const weirctl_openapi_op_t *op,
    const weirctl_openapi_op_t *other);
static int weirctl_openapi_covers(const weirctl_openapi_op_t *op,
    const weirctl_openapi_op_t *other);
static int weirctl_openapi_glob(const char *glob, const char *s);
static void weirctl_openapi_tests(weirctl_openapi_t *v,
    const weirctl_openapi_op_t *op, const weirctl_openapi_need_t *need);
static void weirctl_openapi_test(weirctl_openapi_t *v,
    const weirctl_openapi_op_t *op, const char *what,
    const weirctl_openapi_need_t *need, const char *without,
    const char *expect);
static void weirctl_openapi_string(weirctl_openapi_t *v, const char *s);


int
weirctl_openapi_write(weirctl_openapi_t *v)
{
    int          rc;
    unsigned     i, k, deepest;
    const char  *title;

    rc = weirctl_openapi_ambiguous(v);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    title = json_string_value(json_object_get(json_object_get(v->doc, "info"),
                                              "title"));

    fprintf(v->out, "# Written by \"weirctl import openapi\"");

    if (title != NULL) {
        fprintf(v->out, " of ");
        weirctl_print(v->out, "%s", title);
    }

    fprintf(v->out, ".\nlanguage 1;\npolicy %s;\n\nschema ", v->policy);

    if (v->issuer != NULL) {
        fprintf(v->out, "from %s ", v->issuer);
    }

    fprintf(v->out, "{ claim scope set<string>; }\n\n");

    deepest = 0;

    for (i = 0; i < v->nops; i++) {
        rc = weirctl_openapi_permit(v, &v->ops[i]);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }

        if (v->ops[i].nsegs > deepest) {
            deepest = v->ops[i].nsegs;
        }
    }

    fprintf(v->out, "test \"what the document does not name\" "
            "{ request GET %s", json_string_value(json_array_get(v->bases, 0)));

    for (k = 0; k <= deepest; k++) {
        fprintf(v->out, "/unnamed");
    }

    fprintf(v->out, "; identity jwt; expect deny by default; }\n");

    return WEIRCTL_GO_ON;
}


static int
weirctl_openapi_permit(weirctl_openapi_t *v, weirctl_openapi_op_t *op)
{
    size_t                  i, n;
    unsigned                k, any;
    weirctl_openapi_need_t  *needs, open;

    n = json_array_size(op->security);
    needs = weir_arena_calloc(&v->arena, n + 1,
                              sizeof(weirctl_openapi_need_t));

    if (needs == NULL) {
        return weirctl_nomem();
    }

    memset(&open, 0, sizeof(weirctl_openapi_need_t));
    open.anyone = 1;
    open.known = 1;

    any = (n == 0);

    /* an alternative that is not understood is left out: the rest stands */

    for (i = 0, k = 0; i < n; i++) {
        weirctl_openapi_need(v, json_array_get(op->security, i), &needs[k]);

        if (needs[k].anyone) {
            any = 1;
        }

        if (needs[k].known) {
            k++;
        }
    }

    if (!any && k == 0) {
        weirctl_note(v->ctl, "%s %s is left out: Weir has no way to meet its "
                     "security requirements", op->method, op->path);
        v->left_out++;

        return WEIRCTL_GO_ON;
    }

    fprintf(v->out, "permit %s {\n who %s;\n", op->name,
            any ? "anyone" : "authenticated");

    for (i = 0; i < json_array_size(v->bases); i++) {
        fprintf(v->out, " what %s ", op->method);
        weirctl_openapi_pattern(v, op,
                                json_string_value(json_array_get(v->bases,
                                                                 i)));
        fprintf(v->out, ";\n");
    }

    for (i = 0; i < op->nsegs; i++) {
        if (op->segs[i].glob != NULL) {
            fprintf(v->out, " if path.%s like ", op->segs[i].capture);
            weirctl_openapi_string(v, op->segs[i].glob);
            fprintf(v->out, ";\n");
        }
    }

    if (!any) {
        fprintf(v->out, " if ");

        for (i = 0; i < k; i++) {
            fprintf(v->out, i != 0 ? " || (" : "(");
            weirctl_openapi_needs(v, &needs[i]);
            fprintf(v->out, ")");
        }

        fprintf(v->out, ";\n");
    }

    weirctl_openapi_except(v, op);

    fprintf(v->out, "}\n\n");

    weirctl_openapi_tests(v, op, any ? &open : &needs[0]);

    return WEIRCTL_GO_ON;
}


/* All schemes of a requirement at once: Weir's identities are of one kind. */

static void
weirctl_openapi_need(weirctl_openapi_t *v, const json_t *requirement,
    weirctl_openapi_need_t *need)
{
    json_t      *scopes, *schemes;
    const char  *name, *kind;

    memset(need, 0, sizeof(weirctl_openapi_need_t));

    if (!json_is_object(requirement)) {
        return;
    }

    if (json_object_size(requirement) == 0) {
        need->anyone = 1;
        need->known = 1;
        return;
    }

    schemes = json_object_get(json_object_get(v->doc, "components"),
                              "securitySchemes");

    json_object_foreach((json_t *) (uintptr_t) requirement, name, scopes) {

        kind = weirctl_openapi_kind(json_object_get(schemes, name));

        if (kind == NULL || need->kind != NULL || !json_is_array(scopes)) {
            need->known = 0;
            return;
        }

        need->known = 1;
        need->kind = kind;
        need->scopes = json_array_size(scopes) != 0 ? scopes : NULL;

        if (need->scopes != NULL && strcmp(kind, "jwt") != 0) {
            need->known = 0;
            return;
        }
    }
}


static const char *
weirctl_openapi_kind(const json_t *scheme)
{
    const char  *type, *http;

    type = json_string_value(json_object_get(scheme, "type"));

    if (type == NULL) {
        return NULL;
    }

    if (strcmp(type, "oauth2") == 0 || strcmp(type, "openIdConnect") == 0) {
        return "jwt";
    }

    if (strcmp(type, "apiKey") == 0) {
        return "apikey";
    }

    if (strcmp(type, "mutualTLS") == 0) {
        return "mtls";
    }

    http = json_string_value(json_object_get(scheme, "scheme"));

    return strcmp(type, "http") == 0 && http != NULL
           && weir_str_caseeq(weir_cstr(http), weir_str("bearer")) ? "jwt"
                                                                   : NULL;
}


static void
weirctl_openapi_needs(weirctl_openapi_t *v,
    const weirctl_openapi_need_t *need)
{
    size_t  i;

    fprintf(v->out, "identity.kind == \"%s\"", need->kind);

    for (i = 0; i < json_array_size(need->scopes); i++) {
        fprintf(v->out, " && ");
        weirctl_openapi_string(v, json_string_value(json_array_get(
                                                        need->scopes, i)));
        fprintf(v->out, " in claim.scope");
    }
}


static void
weirctl_openapi_pattern(weirctl_openapi_t *v, const weirctl_openapi_op_t *op,
    const char *base)
{
    int          quote;
    unsigned     i;

    quote = strchr(op->path, ';') != NULL || strchr(base, ';') != NULL;

    fprintf(v->out, "%s%s", quote ? "\"" : "", base);

    for (i = 0; i < op->nsegs; i++) {

        if (op->segs[i].text != NULL) {
            fprintf(v->out, "/%s", op->segs[i].text);

        } else {
            fprintf(v->out, "/{%s}", op->segs[i].capture);
        }
    }

    fprintf(v->out, "%s%s", base[0] == '\0' && op->nsegs == 0 ? "/" : "",
            quote ? "\"" : "");
}


static void
weirctl_openapi_except(weirctl_openapi_t *v, const weirctl_openapi_op_t *op)
{
    unsigned                      i, k, any;
    const weirctl_openapi_seg_t  *seg;
    const weirctl_openapi_op_t   *other;

    for (i = 0; i < v->nops; i++) {
        other = &v->ops[i];

        if (other == op || strcmp(other->method, op->method) != 0
            || !weirctl_openapi_covers(op, other))
        {
            continue;
        }

        any = 0;

        for (k = 0; k < op->nsegs; k++) {
            seg = &other->segs[k];

            if (op->segs[k].text != NULL
                || (seg->text == NULL && seg->glob == NULL))
            {
                continue;
            }

            fprintf(v->out, any ? " && path.%s " : " unless path.%s ",
                    op->segs[k].capture);
            any = 1;

            fprintf(v->out, seg->text != NULL ? "== " : "like ");
            weirctl_openapi_string(v, seg->text != NULL ? seg->text
                                                        : seg->glob);
        }

        fprintf(v->out, any ? ";\n" : "");
    }
}


/*
 * Of two templates that match the same paths, neither being the more concrete
 * one, OpenAPI says nothing; their permits would add up to the weaker of both.
 * A final "/" makes no other path here.
 */

static int
weirctl_openapi_ambiguous(const weirctl_openapi_t *v)
{
    unsigned                     i, k;
    const weirctl_openapi_op_t  *a, *b;

    for (i = 0; i < v->nops; i++) {
        a = &v->ops[i];

        for (k = 0; k < i; k++) {
            b = &v->ops[k];

            if (strcmp(a->method, b->method) == 0
                && weirctl_openapi_meet(a, b)
                && !weirctl_openapi_covers(a, b)
                && !weirctl_openapi_covers(b, a)
                && !json_equal(a->security, b->security)
                && (a->security != NULL || b->security != NULL))
            {
                return weirctl_error("%s: %s %s and %s can be the same path, "
                                     "and ask for different security",
                                     v->file, a->method, b->path, a->path);
            }
        }
    }

    return WEIRCTL_GO_ON;
}


/* 1: there may be a path of both. */

static int
weirctl_openapi_meet(const weirctl_openapi_op_t *op,
    const weirctl_openapi_op_t *other)
{
    unsigned                      i;
    const weirctl_openapi_seg_t  *a, *b;

    if (op->nsegs != other->nsegs) {
        return 0;
    }

    for (i = 0; i < op->nsegs; i++) {
        a = &op->segs[i];
        b = &other->segs[i];

        if (a->text != NULL && b->text != NULL) {

            if (strcmp(a->text, b->text) != 0) {
                return 0;
            }

        } else if ((a->text != NULL && b->glob != NULL
                    && !weirctl_openapi_glob(b->glob, a->text))
                   || (b->text != NULL && a->glob != NULL
                       && !weirctl_openapi_glob(a->glob, b->text)))
        {
            return 0;
        }
    }

    return 1;
}


/* 1: every path of other is one of op's, and not the other way round. */

static int
weirctl_openapi_covers(const weirctl_openapi_op_t *op,
    const weirctl_openapi_op_t *other)
{
    int                           less;
    unsigned                      i;
    const weirctl_openapi_seg_t  *a, *b;

    if (op->nsegs != other->nsegs) {
        return 0;
    }

    less = 0;

    for (i = 0; i < op->nsegs; i++) {
        a = &op->segs[i];
        b = &other->segs[i];

        if (a->text != NULL) {

            if (b->text == NULL || strcmp(a->text, b->text) != 0) {
                return 0;
            }

            continue;
        }

        if (b->text != NULL) {

            if (a->glob != NULL && !weirctl_openapi_glob(a->glob, b->text)) {
                return 0;
            }

            less = 1;

        } else if (a->glob == NULL) {
            less |= b->glob != NULL;

        } else if (b->glob == NULL || strcmp(a->glob, b->glob) != 0) {
            return 0;
        }
    }

    return less;
}


static int
weirctl_openapi_glob(const char *glob, const char *s)
{
    if (*glob == '\0') {
        return *s == '\0';
    }

    if (*glob == '*') {
        return weirctl_openapi_glob(glob + 1, s)
               || (*s != '\0' && weirctl_openapi_glob(glob, s + 1));
    }

    return *glob == *s && weirctl_openapi_glob(glob + 1, s + 1);
}


static void
weirctl_openapi_tests(weirctl_openapi_t *v, const weirctl_openapi_op_t *op,
    const weirctl_openapi_need_t *need)
{
    size_t       i;
    const char  *scope;

    weirctl_openapi_test(v, op, "", need, NULL, "permit");

    if (need->anyone) {
        return;
    }

    weirctl_openapi_test(v, op, ", by nobody", NULL, NULL,
                         "deny by default");

    for (i = 0; i < json_array_size(need->scopes); i++) {
        scope = json_string_value(json_array_get(need->scopes, i));

        weirctl_openapi_test(v, op, ", without ", need,
                             scope != NULL ? scope : "", "deny by default");
    }
}


/* need: who asks, NULL is nobody; without: a scope that he lacks. */

static void
weirctl_openapi_test(weirctl_openapi_t *v, const weirctl_openapi_op_t *op,
    const char *what, const weirctl_openapi_need_t *need, const char *without,
    const char *expect)
{
    char         name[256];
    size_t       i;
    unsigned     k, any;
    const char  *p, *scope;

    snprintf(name, sizeof(name), "%s%s%.128s", op->name, what,
             without != NULL ? without : "");

    fprintf(v->out, "test ");
    weirctl_openapi_string(v, name);
    fprintf(v->out, " { request %s %s", op->method,
            json_string_value(json_array_get(v->bases, 0)));

    for (k = 0; k < op->nsegs; k++) {

        if (op->segs[k].text != NULL) {
            fprintf(v->out, "/%s", op->segs[k].text);
            continue;
        }

        fprintf(v->out, "/");

        for (p = op->segs[k].glob != NULL ? op->segs[k].glob : "*";
             *p != '\0'; p++)
        {
            if (*p == '*') {
                fprintf(v->out, "sample-%u", k);

            } else {
                fputc(*p, v->out);
            }
        }
    }

    fprintf(v->out, "%s;", op->nsegs == 0 ? "/" : "");

    if (need != NULL && !need->anyone) {
        fprintf(v->out, " identity %s;", need->kind);

        if (v->issuer != NULL && strcmp(need->kind, "jwt") == 0) {
            fprintf(v->out, " issuer %s;", v->issuer);
        }

        any = 0;

        for (i = 0; i < json_array_size(need->scopes); i++) {
            scope = json_string_value(json_array_get(need->scopes, i));

            if (without != NULL && scope != NULL
                && strcmp(scope, without) == 0)
            {
                continue;
            }

            fprintf(v->out, any ? ", " : " claim scope ");
            weirctl_openapi_string(v, scope);
            any = 1;
        }

        fprintf(v->out, any ? ";" : "");
    }

    fprintf(v->out, " expect %s; }\n", expect);
}


/* In quotes. */

static void
weirctl_openapi_string(weirctl_openapi_t *v, const char *s)
{
    fputc('"', v->out);

    for (s = s != NULL ? s : ""; *s != '\0'; s++) {

        if (*s == '"' || *s == '\\') {
            fprintf(v->out, "\\%c", *s);

        } else if ((uint8_t) *s < 0x20 || *s == 0x7f) {
            fprintf(v->out, "\\u{%x}", (unsigned) *s);

        } else {
            fputc(*s, v->out);
        }
    }

    fputc('"', v->out);
}
