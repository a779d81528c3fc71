
/*
 * weirctl who-can and review: as text, as JSON and as CSV (RFC 4180).
 */

#include <stdlib.h>

#include "weirctl_who.h"


static json_t *weirctl_who_json(const weirctl_who_t *w,
    const weir_prove_grant_t *g);
static json_t *weirctl_who_place(const weirctl_who_t *w, weir_str_t rule,
    const weir_policy_place_t *place);
static json_t *weirctl_who_list(const weir_str_t *list, uint32_t n);
static json_t *weirctl_who_denies(const weirctl_who_t *w,
    const weir_prove_guard_t *list);
static json_t *weirctl_who_string(weir_str_t s);
static void weirctl_who_text(const weirctl_who_t *w,
    const weir_prove_grant_t *g);
static int weirctl_who_csv(const weirctl_who_t *w,
    const weir_prove_grant_t *g);
static void weirctl_who_since(const weirctl_who_t *w,
    const weir_prove_grant_t *g, char *text, size_t size);
static const char *weirctl_who_verdict(const weir_prove_grant_t *g);
static void weirctl_who_field(const char *text, const char *end);


int
weirctl_who_print(const weirctl_who_t *w)
{
    int                        rc;
    json_t                    *array, *item;
    const weir_prove_grant_t  *g;

    rc = WEIRCTL_YES;
    array = json_array();

    if (w->csv) {
        printf("route,role,condition,since,by,denied_by,policy,rule,place,"
               "verdict,request\r\n");
    }

    for (g = w->grants; g != NULL && rc == WEIRCTL_YES; g = g->next) {

        if (w->ctl->json) {
            item = weirctl_who_json(w, g);

            if (item == NULL || json_array_append_new(array, item) != 0) {
                rc = weirctl_error("out of memory");
            }

        } else if (w->csv) {
            rc = weirctl_who_csv(w, g);

        } else {
            weirctl_who_text(w, g);
        }
    }

    if (rc == WEIRCTL_YES && w->ctl->json) {
        json_dumpf(array, stdout, JSON_COMPACT);
        printf("\n");

    } else if (rc == WEIRCTL_YES && w->grants == NULL && !w->csv) {
        printf("nobody (proved)\n");
    }

    json_decref(array);

    return rc;
}


static json_t *
weirctl_who_json(const weirctl_who_t *w, const weir_prove_grant_t *g)
{
    char     since[32];
    json_t  *item;

    item = weirctl_who_place(w, g->rule, &g->place);

    if (item == NULL
        || json_object_set_new(item, "policy", weirctl_who_string(g->policy))
           != 0
        || json_object_set_new(item, "who", weirctl_who_string(g->who)) != 0
        || json_object_set_new(item, "conditions",
                               weirctl_who_list(g->conditions,
                                                g->nconditions)) != 0
        || json_object_set_new(item, "denies",
                               weirctl_who_denies(w, g->denies)) != 0
        || json_object_set_new(item, "verdict",
                               json_string(weirctl_who_verdict(g))) != 0
        || json_object_set_new(item, "request", g->request == NULL
                               ? json_null()
                               : weirctl_request_json(g->request, g->policy))
           != 0)
    {
        json_decref(item);
        return NULL;
    }

    if (w->review) {
        (void) json_object_set_new(item, "route",
                                   weirctl_who_string(g->route));
    }

    if (w->past != NULL) {
        weirctl_who_since(w, g, since, sizeof(since));
        (void) json_object_set_new(item, "since", json_string(since));
        (void) json_object_set_new(item, "by", g->by.data == NULL
                                   ? json_null() : weirctl_who_string(g->by));
    }

    if (g->why != NULL) {
        (void) json_object_set_new(item, "why", json_string(g->why));
    }

    return item;
}


static json_t *
weirctl_who_place(const weirctl_who_t *w, weir_str_t rule,
    const weir_policy_place_t *place)
{
    weir_str_t  file;

    file = w->b.bundle.sources[place->file].name;

    return json_pack("{s:s%, s:s%, s:i}", "rule", (const char *) rule.data,
                     rule.len, "file", (const char *) file.data, file.len,
                     "line", (int) place->line);
}


static json_t *
weirctl_who_list(const weir_str_t *list, uint32_t n)
{
    json_t    *array;
    uint32_t   i;

    array = json_array();

    for (i = 0; i < n; i++) {
        if (json_array_append_new(array, weirctl_who_string(list[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }

    return array;
}


static json_t *
weirctl_who_denies(const weirctl_who_t *w, const weir_prove_guard_t *list)
{
    json_t  *array, *item;

    array = json_array();

    for ( /* void */ ; list != NULL; list = list->next) {

        item = weirctl_who_place(w, list->rule, &list->place);

        if (!w->review && item != NULL) {
            (void) json_object_set_new(item, "conditions",
                       weirctl_who_list(list->conditions,
                                        list->nconditions));
        }

        if (json_array_append_new(array, item) != 0) {
            json_decref(array);
            return NULL;
        }
    }

    return array;
}


static json_t *
weirctl_who_string(weir_str_t s)
{
    return json_stringn(s.len == 0 ? "" : (const char *) s.data, s.len);
}


static void
weirctl_who_text(const weirctl_who_t *w, const weir_prove_grant_t *g)
{
    char                       since[32];
    json_t                    *request;
    uint32_t                   i;
    weir_str_t                 file;
    const weir_prove_guard_t  *d;

    file = w->b.bundle.sources[g->place.file].name;

    weirctl_print(stdout, "%.*s: %s by %.*s (%.*s:%u)", (int) g->policy.len,
                  g->policy.data, weirctl_who_verdict(g), (int) g->rule.len,
                  g->rule.data, (int) file.len, file.data, g->place.line);

    if (g->why != NULL) {
        printf(": %s", g->why);
    }

    if (w->past != NULL) {
        weirctl_who_since(w, g, since, sizeof(since));
        printf(", since %s", since);

        if (g->by.data != NULL) {
            weirctl_print(stdout, " by %.*s", (int) g->by.len, g->by.data);
        }
    }

    printf("\n");

    if (w->review) {
        weirctl_print(stdout, "  what %.*s", (int) g->route.len,
                      g->route.data);
        printf("\n");
    }

    weirctl_print(stdout, "  who %.*s", (int) g->who.len, g->who.data);
    printf("\n");

    for (i = 0; i < g->nconditions; i++) {
        printf("  ");
        weirctl_print_text(stdout, g->conditions[i]);
        printf("\n");
    }

    for (d = g->denies; d != NULL; d = d->next) {
        file = w->b.bundle.sources[d->place.file].name;

        weirctl_print(stdout, "  but not where %.*s denies (%.*s:%u)",
                      (int) d->rule.len, d->rule.data, (int) file.len,
                      file.data, d->place.line);
        printf("\n");

        for (i = 0; i < d->nconditions; i++) {
            printf("    ");
            weirctl_print_text(stdout, d->conditions[i]);
            printf("\n");
        }
    }

    if (g->request != NULL) {
        request = weirctl_request_json(g->request, g->policy);

        printf("  ");
        json_dumpf(request, stdout, JSON_COMPACT);
        printf("\n");

        json_decref(request);
    }
}


/*
 * Fields are gathered with a zero byte behind each, as none can hold one, and
 * written once all is there.
 */

static int
weirctl_who_csv(const weirctl_who_t *w, const weir_prove_grant_t *g)
{
    int                        bad;
    char                      *text, *p, since[32];
    FILE                      *f;
    size_t                     size;
    json_t                    *request;
    uint32_t                   i;
    weir_str_t                 file;
    const weir_prove_guard_t  *d;

    f = open_memstream(&text, &size);
    if (f == NULL) {
        return weirctl_error("out of memory");
    }

    file = w->b.bundle.sources[g->place.file].name;
    weirctl_who_since(w, g, since, sizeof(since));

    fprintf(f, "%.*s%c", (int) g->route.len, g->route.data, 0);
    fprintf(f, "%.*s%c", (int) g->who.len, g->who.data, 0);

    for (i = 0; i < g->nconditions; i++) {
        fprintf(f, "%s%.*s", i ? "; " : "", (int) g->conditions[i].len,
                g->conditions[i].data);
    }

    fprintf(f, "%c%s%c", 0, since, 0);
    fprintf(f, "%.*s%c", (int) g->by.len, g->by.data, 0);

    for (d = g->denies; d != NULL; d = d->next) {
        fprintf(f, "%s%.*s", d != g->denies ? " " : "", (int) d->rule.len,
                d->rule.data);
    }

    fprintf(f, "%c%.*s%c", 0, (int) g->policy.len, g->policy.data, 0);
    fprintf(f, "%.*s%c", (int) g->rule.len, g->rule.data, 0);
    fprintf(f, "%.*s:%u%c", (int) file.len, file.data, g->place.line, 0);
    fprintf(f, "%s%s%s%c", weirctl_who_verdict(g), g->why != NULL ? ": " : "",
            g->why != NULL ? g->why : "", 0);

    bad = 0;

    if (g->request != NULL) {
        request = weirctl_request_json(g->request, g->policy);
        bad = request == NULL || json_dumpf(request, f, JSON_COMPACT) != 0;
        json_decref(request);
    }

    fputc(0, f);

    if (fclose(f) != 0 || bad) {
        free(text);
        return weirctl_error("out of memory");
    }

    for (p = text; p < text + size; p += strlen(p) + 1) {
        weirctl_who_field(p, p + strlen(p) + 1 == text + size ? "\r\n" : ",");
    }

    free(text);

    return WEIRCTL_YES;
}


/* The first version that had it; "<=N": nobody knows whether N was that. */

static void
weirctl_who_since(const weirctl_who_t *w, const weir_prove_grant_t *g,
    char *text, size_t size)
{
    text[0] = '\0';

    if (g->since != 0) {
        snprintf(text, size, "%s%llu", g->before ? "<=" : "",
                 (unsigned long long) g->since);

    } else if (w->past != NULL) {
        snprintf(text, size, g->lost ? "unknown" : "unpublished");
    }
}


static const char *
weirctl_who_verdict(const weir_prove_grant_t *g)
{
    return g->verdict == WEIR_PROVE_WITNESS ? "granted"
           : g->verdict == WEIR_PROVE_PROVED ? "nobody" : "unknown";
}


/* A spreadsheet takes what begins so for a formula. */

static void
weirctl_who_field(const char *text, const char *end)
{
    putchar('"');

    if (text[0] != '\0' && strchr("=+-@\t\r\n", text[0]) != NULL) {
        putchar('\'');
    }

    for ( /* void */ ; *text != '\0'; text++) {

        if (*text == '"') {
            putchar('"');
        }

        putchar(*text);
    }

    printf("\"%s", end);
}
