
/*
 * weirctl import openapi: an OpenAPI 3 document, read strictly: what is not
 * understood gets no permit, or ends the import; nothing is guessed.
 */

#include <stdlib.h>

#include "weirctl_fleet.h"
#include "weirctl_openapi.h"
#include "weir_json.h"


#define WEIRCTL_OPENAPI_MAX  (32 * 1024 * 1024)


static int weirctl_import_openapi(weirctl_t *ctl);
static int weirctl_openapi_print(weirctl_openapi_t *v, weir_str_t text);
static int weirctl_openapi_load(weirctl_openapi_t *v);
static int weirctl_openapi_bases(weirctl_openapi_t *v);
static int weirctl_openapi_base(weirctl_openapi_t *v, const char *url);
static int weirctl_openapi_path(weirctl_openapi_t *v, const char *path,
    json_t *item);
static int weirctl_openapi_op(weirctl_openapi_t *v, const char *path,
    const char *method, const json_t *op);
static int weirctl_openapi_segs(weirctl_openapi_t *v,
    weirctl_openapi_op_t *op, const char *path);
static int weirctl_openapi_seg(weirctl_openapi_t *v,
    weirctl_openapi_op_t *op, const char *text, size_t len);
static int weirctl_openapi_name(weirctl_openapi_t *v,
    weirctl_openapi_op_t *op, const char *id);
static char *weirctl_openapi_capture(weirctl_openapi_t *v,
    const weirctl_openapi_op_t *op, const char *text, size_t len);
static char *weirctl_openapi_copy(weirctl_openapi_t *v, const char *s,
    size_t len);


const weirctl_verb_t  weirctl_import_verbs[] = {
    { "openapi", "FILE", "a policy, with tests, of an OpenAPI 3 document",
      weirctl_import_openapi, NULL },
    weirctl_verbs_end
};


static const weir_json_limits_t  weirctl_openapi_limits = {
    128, WEIRCTL_OPENAPI_MAX, WEIRCTL_OPENAPI_MAX
};


static int
weirctl_import_openapi(weirctl_t *ctl)
{
    int                rc;
    char              *text;
    size_t             size;
    weirctl_openapi_t  v;

    memset(&v, 0, sizeof(weirctl_openapi_t));

    const weirctl_option_t  options[] = {
        { "policy", WEIRCTL_VALUE, &v.policy, "NAME",
          "the policy's name (api)" },
        { "issuer", WEIRCTL_VALUE, &v.issuer, "NAME",
          "scopes count from this weir_issuer only" },
        { "base", WEIRCTL_VALUE, &v.base, "PATH",
          "what stands before all paths, in place of servers" },
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Writes a policy to stdout: a permit for each "
                         "operation of FILE (JSON; \"-\": stdin),\nby its "
                         "security requirements, and tests of all of them.  "
                         "What FILE does not name is\ndenied by default.  "
                         "Exit: 0, or 1 where operations were left out.",
                         options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (v.policy == NULL) {
        v.policy = "api";
    }

    if (!weir_name_valid(weir_cstr(v.policy))) {
        return weirctl_error("\"%s\" is no name of a policy", v.policy);
    }

    if (v.issuer != NULL && !weir_name_valid(weir_cstr(v.issuer))) {
        return weirctl_error("\"%s\" is no name of an issuer", v.issuer);
    }

    v.ctl = ctl;
    v.file = ctl->argv[0];
    v.bases = json_array();
    text = NULL;
    size = 0;

    weir_arena_init(&v.arena, &weir_alloc_malloc, 0);

    rc = weirctl_openapi_load(&v);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_openapi_read(&v);
    }

    if (rc == WEIRCTL_GO_ON) {
        v.out = open_memstream(&text, &size);
        rc = v.out == NULL ? weirctl_nomem() : weirctl_openapi_write(&v);

        if (v.out != NULL && fclose(v.out) != 0 && rc == WEIRCTL_GO_ON) {
            rc = weirctl_nomem();
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_openapi_print(&v, (weir_str_t) {
                                       size, (const uint8_t *) text });
    }

    free(text);
    json_decref(v.doc);
    json_decref(v.bases);
    weir_arena_done(&v.arena);

    return rc;
}


/* What is written compiles, and passes its own tests. */

static int
weirctl_openapi_print(weirctl_openapi_t *v, weir_str_t text)
{
    uint32_t               i;
    weirctl_bundle_t       b;
    weir_policy_source_t   source;
    weir_policy_outcome_t  o;

    source.name = weir_str("openapi.policy");
    source.text = text;

    if (weir_policy_format(&v->arena, &source, &text) != WEIR_OK) {
        return weirctl_error("%s: what was written cannot be read", v->file);
    }

    source.text = text;

    memset(&b, 0, sizeof(weirctl_bundle_t));
    weir_arena_init(&b.arena, &weir_alloc_malloc, 0);

    if (weir_policy_compile(&b.arena, &source, 1, NULL, &b.bundle)
        != WEIR_OK)
    {
        weir_arena_done(&b.arena);
        return weirctl_nomem();
    }

    if (b.bundle.nerrors != 0) {
        (void) weirctl_diagnostics(v->ctl, &b);
        weir_arena_done(&b.arena);

        return weirctl_error("%s: what was written has errors", v->file);
    }

    for (i = 0; i < b.bundle.ntests; i++) {

        if (weir_policy_run_test(&b.arena, &b.bundle, i, &o) != WEIR_OK) {
            weir_arena_done(&b.arena);
            return weirctl_nomem();
        }

        if (!o.passed) {
            (void) weirctl_error("%s: \"%.*s\": %.*s", v->file,
                                 (int) o.name.len, o.name.data,
                                 (int) o.message.len, o.message.data);
            v->left_out++;
        }
    }

    weir_arena_done(&b.arena);

    (void) fwrite(text.data, 1, text.len, stdout);

    return v->left_out != 0 ? WEIRCTL_NO : WEIRCTL_YES;
}


static int
weirctl_openapi_load(weirctl_openapi_t *v)
{
    int            rc;
    size_t         weight;
    weir_str_t     text;
    const char    *version;
    json_error_t   err;

    rc = weirctl_read(v->file, WEIRCTL_OPENAPI_MAX, &text);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (weir_json_scan((uint8_t *) (uintptr_t) text.data, text.len,
                       &weirctl_openapi_limits, &weight)
        != WEIR_OK)
    {
        rc = weirctl_error("%s: it nests too deep", v->file);

    } else {
        v->doc = json_loadb((const char *) text.data, text.len,
                            JSON_REJECT_DUPLICATES, &err);

        if (v->doc == NULL) {
            rc = weirctl_error("%s:%d: %s; a YAML document must be converted "
                               "to JSON first", v->file, err.line, err.text);
        }
    }

    free((void *) (uintptr_t) text.data);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    version = json_string_value(json_object_get(v->doc, "openapi"));

    if (version == NULL || strncmp(version, "3.", 2) != 0) {
        return weirctl_error("%s: \"openapi\": \"3.x\" is needed", v->file);
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_openapi_read(weirctl_openapi_t *v)
{
    int          rc;
    size_t       n;
    json_t      *paths, *item;
    const char  *path;

    rc = weirctl_openapi_bases(v);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    paths = json_object_get(v->doc, "paths");

    if (!json_is_object(paths)) {
        return weirctl_error("%s: it has no \"paths\"", v->file);
    }

    n = 0;

    json_object_foreach(paths, path, item) {
        n += json_object_size(item);
    }

    v->ops = weir_arena_calloc(&v->arena, n + 1,
                               sizeof(weirctl_openapi_op_t));

    if (v->ops == NULL) {
        return weirctl_nomem();
    }

    json_object_foreach(paths, path, item) {

        if (strncmp(path, "x-", 2) == 0) {
            continue;
        }

        rc = weirctl_openapi_path(v, path, item);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    return WEIRCTL_GO_ON;
}


/* The paths of the servers: with several, each operation is at all of them. */

static int
weirctl_openapi_bases(weirctl_openapi_t *v)
{
    int           rc;
    size_t        i;
    json_t       *servers;
    const char   *url;

    if (v->base != NULL) {
        return weirctl_openapi_base(v, v->base);
    }

    servers = json_object_get(v->doc, "servers");

    for (i = 0; i < json_array_size(servers); i++) {

        url = json_string_value(json_object_get(json_array_get(servers, i),
                                                "url"));

        if (url == NULL) {
            return weirctl_error("%s: a server has no \"url\"", v->file);
        }

        rc = weirctl_openapi_base(v, url);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    if (json_array_size(v->bases) != 0) {
        return WEIRCTL_GO_ON;
    }

    return json_array_append_new(v->bases, json_string("")) == 0
           ? WEIRCTL_GO_ON : weirctl_nomem();
}


static int
weirctl_openapi_base(weirctl_openapi_t *v, const char *url)
{
    size_t       i, len;
    json_t      *base;
    const char  *p;

    p = strstr(url, "://");
    p = p != NULL ? strchr(p + 3, '/') : url[0] == '/' ? url : NULL;

    if (p == NULL) {

        if (strstr(url, "://") == NULL) {
            return weirctl_error("%s: the server \"%s\" is relative to "
                                 "where the document is served: say --base",
                                 v->file, url);
        }

        p = "";
    }

    len = strlen(p);

    while (len != 0 && p[len - 1] == '/') {
        len--;
    }

    for (i = 0; i < len; i++) {
        if (strchr("{}?#%*\"\\", p[i]) != NULL || (uint8_t) p[i] <= ' ') {
            return weirctl_error("%s: the path of server \"%s\" is not "
                                 "plain: say --base", v->file, url);
        }
    }

    base = json_stringn(p, len);

    for (i = 0; i < json_array_size(v->bases); i++) {
        if (json_equal(json_array_get(v->bases, i), base)) {
            json_decref(base);
            return WEIRCTL_GO_ON;
        }
    }

    return json_array_append_new(v->bases, base) == 0 ? WEIRCTL_GO_ON
                                                      : weirctl_nomem();
}


static int
weirctl_openapi_path(weirctl_openapi_t *v, const char *path, json_t *item)
{
    int            rc;
    size_t         i;
    const json_t  *op;

    static const char  *methods[] = {
        "get", "put", "post", "delete", "options", "head", "patch", "trace",
        "query", NULL
    };

    if (json_object_get(item, "$ref") != NULL) {
        return weirctl_error("%s: %s is a \"$ref\": bundle the document into "
                             "one first", v->file, path);
    }

    if (json_object_get(item, "servers") != NULL && v->base == NULL) {
        return weirctl_error("%s: %s has servers of its own: say --base, or "
                             "write the permit by hand", v->file, path);
    }

    for (i = 0; methods[i] != NULL; i++) {
        op = json_object_get(item, methods[i]);

        if (op == NULL) {
            continue;
        }

        rc = weirctl_openapi_op(v, path, methods[i], op);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_openapi_op(weirctl_openapi_t *v, const char *path,
    const char *method, const json_t *json)
{
    int                    rc;
    size_t                 i;
    weirctl_openapi_op_t  *op;

    op = &v->ops[v->nops];
    op->path = path;

    for (i = 0; method[i] != '\0'; i++) {
        op->method[i] = (char) (method[i] - 'a' + 'A');
    }

    op->security = json_object_get(json, "security");

    if (op->security == NULL) {
        op->security = json_object_get(v->doc, "security");
    }

    if (op->security != NULL && !json_is_array(op->security)) {
        return weirctl_error("%s: %s %s: \"security\" is no array", v->file,
                             op->method, path);
    }

    if (json_object_get(json, "servers") != NULL && v->base == NULL) {
        return weirctl_error("%s: %s %s has servers of its own: say --base, "
                             "or write the permit by hand", v->file,
                             op->method, path);
    }

    rc = weirctl_openapi_segs(v, op, path);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_openapi_name(v, op,
                                  json_string_value(json_object_get(json,
                                                          "operationId")));
    }

    if (rc == WEIRCTL_GO_ON) {
        v->nops++;
    }

    return rc;
}


/* A final "/" is none of a policy's. */

static int
weirctl_openapi_segs(weirctl_openapi_t *v, weirctl_openapi_op_t *op,
    const char *path)
{
    int          rc;
    size_t       len;
    const char  *p;

    if (path[0] != '/' || strchr(path, ';') != NULL) {
        return weirctl_error("%s: the path \"%s\" %s", v->file, path,
                             path[0] != '/' ? "does not begin with \"/\""
                             : "holds \";\", which the gateway refuses");
    }

    for (p = path + 1; *p != '\0'; p += len + (p[len] == '/')) {

        len = strcspn(p, "/");

        if (len == 0 || op->nsegs == WEIRCTL_OPENAPI_SEGS) {
            return weirctl_error("%s: the path \"%s\" has %s", v->file, path,
                                 len == 0 ? "an empty segment"
                                          : "too many segments");
        }

        rc = weirctl_openapi_seg(v, op, p, len);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    return WEIRCTL_GO_ON;
}


/* "orders", "{id}", or in part a template: "report.{format}". */

static int
weirctl_openapi_seg(weirctl_openapi_t *v, weirctl_openapi_op_t *op,
    const char *text, size_t len)
{
    char                   *glob;
    size_t                  i, n;
    unsigned                open;
    weirctl_openapi_seg_t  *seg;

    seg = &op->segs[op->nsegs++];

    for (i = 0; i < len; i++) {
        if (strchr("%?#\"\\*", text[i]) != NULL || (uint8_t) text[i] <= ' '
            || text[i] == 0x7f)
        {
            return weirctl_error("%s: the path \"%s\" holds \"%c\", which no "
                                 "template may", v->file, op->path, text[i]);
        }
    }

    if (memchr(text, '{', len) == NULL && memchr(text, '}', len) == NULL) {

        if ((len == 1 && text[0] == '.')
            || (len == 2 && memcmp(text, "..", 2) == 0))
        {
            return weirctl_error("%s: the path \"%s\" has a dot segment",
                                 v->file, op->path);
        }

        seg->text = weirctl_openapi_copy(v, text, len);
        return seg->text != NULL ? WEIRCTL_GO_ON : weirctl_nomem();
    }

    glob = weirctl_openapi_copy(v, text, len);
    seg->capture = weirctl_openapi_capture(v, op, text, len);

    if (glob == NULL || seg->capture == NULL) {
        return weirctl_nomem();
    }

    for (i = 0, n = 0, open = 0; i < len; i++) {

        if (text[i] == '{' && !open) {
            open = 1;
            glob[n++] = '*';

        } else if (text[i] == '}' && open) {
            open = 0;

        } else if (text[i] == '{' || text[i] == '}') {
            open = 2;
            break;

        } else if (!open) {
            glob[n++] = text[i];
        }
    }

    if (open) {
        return weirctl_error("%s: the braces of \"%s\" do not match",
                             v->file, op->path);
    }

    glob[n] = '\0';

    if (strcmp(glob, "*") != 0) {
        seg->glob = glob;
    }

    return WEIRCTL_GO_ON;
}


/* A parameter's own name where it can be a capture's, once in a path. */

static char *
weirctl_openapi_capture(weirctl_openapi_t *v, const weirctl_openapi_op_t *op,
    const char *text, size_t len)
{
    int       good;
    char     *name;
    size_t    i;
    unsigned  k;

    name = weir_arena_calloc(&v->arena, 1, len + 32);

    if (name == NULL) {
        return NULL;
    }

    good = len > 2 && len - 2 <= WEIR_POLICY_MAX_ID && text[len - 1] == '}';

    for (i = 1; good && i < len - 1; i++) {
        good = (text[i] >= 'a' && text[i] <= 'z')
               || (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '_'
               || (i > 1 && ((text[i] >= '0' && text[i] <= '9')
                             || text[i] == '-'));
    }

    if (good && text[0] == '{') {
        memcpy(name, text + 1, len - 2);
        name[len - 2] = '\0';

        for (k = 0; k + 1 < op->nsegs; k++) {
            if (op->segs[k].capture != NULL
                && strcmp(op->segs[k].capture, name) == 0)
            {
                break;
            }
        }

        if (k + 1 == op->nsegs) {
            return name;
        }
    }

    snprintf(name, len + 32, "segment-%u", op->nsegs);

    return name;
}


/* A rule's name: the operationId as far as it can be one, once in a policy. */

static int
weirctl_openapi_name(weirctl_openapi_t *v, weirctl_openapi_op_t *op,
    const char *id)
{
    char        base[WEIRCTL_OPENAPI_NAME];
    char        spelt[1024];
    size_t      i, n;
    unsigned    k, times;

    if (id == NULL || id[0] == '\0') {
        snprintf(spelt, sizeof(spelt), "%s%s", op->method, op->path);
        id = spelt;
    }

    for (i = 0, n = 0; id[i] != '\0' && n < sizeof(base) - 8; i++) {

        if ((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= 'A' && id[i] <= 'Z')
            || id[i] == '_'
            || (n != 0 && ((id[i] >= '0' && id[i] <= '9') || id[i] == '-')))
        {
            base[n++] = id[i];

        } else if (n != 0 && base[n - 1] != '-') {
            base[n++] = '-';
        }
    }

    while (n != 0 && base[n - 1] == '-') {
        n--;
    }

    if (n == 0) {
        memcpy(base, "operation", 9);
        n = 9;
    }

    base[n] = '\0';

    for (times = 1; ; times++) {

        if (times == 1) {
            snprintf(op->name, sizeof(op->name), "%s", base);

        } else {
            snprintf(op->name, sizeof(op->name), "%.56s-%u", base, times);
        }

        for (k = 0; k < v->nops; k++) {
            if (strcmp(v->ops[k].name, op->name) == 0) {
                break;
            }
        }

        if (k == v->nops) {
            return WEIRCTL_GO_ON;
        }
    }
}


static char *
weirctl_openapi_copy(weirctl_openapi_t *v, const char *s, size_t len)
{
    char  *copy;

    copy = weir_arena_calloc(&v->arena, 1, len + 1);

    if (copy != NULL) {
        memcpy(copy, s, len);
    }

    return copy;
}
