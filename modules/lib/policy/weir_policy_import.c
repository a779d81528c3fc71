
/*
 * Weir: imports of libraries, and what names mean in a file: its own
 * declarations, and "ALIAS.NAME" of its imports.
 */

#include "weir_policy_ast.h"


static void weir_policy_check_import(weir_policy_compiler_t *c,
    weir_policy_file_t *file, weir_policy_import_t *import,
    const weir_policy_table_t *paths);
static int weir_policy_import_path(weir_policy_compiler_t *c,
    const weir_policy_import_t *import);
static void weir_policy_check_cycles(weir_policy_compiler_t *c);


/* Where a walk through the imports stands in a file. */

typedef struct {
    weir_policy_file_t    *file;
    weir_policy_import_t  *next;      /* that is to be followed */
    weir_policy_import_t  *taken;     /* that is being followed */
} weir_policy_step_t;


void
weir_policy_check_imports(weir_policy_compiler_t *c)
{
    uint32_t               i;
    weir_policy_table_t    paths;
    weir_policy_file_t    *file;
    weir_policy_import_t  *import;

    memset(&paths, 0, sizeof(weir_policy_table_t));

    for (i = 0; i < c->nsources; i++) {
        (void) weir_policy_table_put(c, &paths, c->sources[i].name,
                                     &c->files[i]);
    }

    for (i = 0; i < c->nsources && !c->nomem; i++) {
        file = &c->files[i];

        for (import = file->imports; import != NULL; import = import->next) {
            weir_policy_check_import(c, file, import, &paths);
        }
    }

    if (!c->nomem) {
        weir_policy_check_cycles(c);
    }
}


static void
weir_policy_check_import(weir_policy_compiler_t *c, weir_policy_file_t *file,
    weir_policy_import_t *import, const weir_policy_table_t *paths)
{
    weir_str_t             near;
    weir_policy_file_t    *library;
    weir_policy_import_t  *other;

    if (!weir_policy_table_put(c, &file->import_table, import->alias.text,
                               import)
        && !c->nomem)
    {
        other = weir_policy_table_get(&file->import_table,
                                      import->alias.text);

        weir_policy_error(c, import->alias.loc, "import %.*s is duplicate",
                          weir_policy_s(import->alias.text));
        weir_policy_relate(c, other->alias.loc, "first");
    }

    if (weir_policy_import_path(c, import) != WEIR_OK) {
        return;
    }

    library = weir_policy_table_get(paths, import->path.text);

    if (library == NULL) {
        near = weir_policy_near(c, paths, import->path.text);

        if (near.data == NULL) {
            weir_policy_error(c, import->path.loc, "there is no file %.*s in "
                              "this bundle; paths are written from its root",
                              weir_policy_s(import->path.text));

        } else {
            weir_policy_error(c, import->path.loc, "there is no file %.*s in "
                              "this bundle; is it %.*s?",
                              weir_policy_s(import->path.text),
                              weir_policy_s(near));
        }

        return;
    }

    if (library->policy.text.len != 0) {
        weir_policy_error(c, import->path.loc, "%.*s holds policy %.*s; only "
                          "libraries, files without \"policy NAME;\", are "
                          "imported", weir_policy_s(import->path.text),
                          weir_policy_s(library->policy.text));
        weir_policy_relate(c, library->policy.loc, "declared");
        return;
    }

    import->file = library;
}


/* A path as files are listed. */

static int
weir_policy_import_path(weir_policy_compiler_t *c,
    const weir_policy_import_t *import)
{
    size_t       i, start;
    weir_str_t   s, seg;
    const char  *error;

    s = import->path.text;
    error = s.len == 0 ? "it is empty"
            : s.data[0] == '/' ? "it is absolute" : NULL;
    start = 0;

    for (i = 0; i <= s.len && error == NULL; i++) {

        if (i < s.len && s.data[i] != '/') {
            continue;
        }

        seg.data = s.data + start;
        seg.len = i - start;
        start = i + 1;

        if (seg.len == 0) {
            error = "it has an empty part";

        } else if (weir_str_eq(seg, weir_str("."))
                   || weir_str_eq(seg, weir_str("..")))
        {
            error = "it has a part . or ..";
        }
    }

    if (error == NULL) {
        return WEIR_OK;
    }

    weir_policy_error(c, import->path.loc, "a path is written as the files "
                      "are listed from the bundle's root: %s", error);

    return WEIR_ERROR;
}


/*
 * A walk in depth with a stack of its own, as imports may form a long chain.
 * Where it meets a file that it is in, there is a cycle, which is cut there.
 */

static void
weir_policy_check_cycles(weir_policy_compiler_t *c)
{
    uint32_t               i, k, depth, inside, done;
    weir_policy_file_t    *file;
    weir_policy_step_t    *stack, *step;
    weir_policy_import_t  *import;

    stack = weir_policy_alloc(c, c->nsources * sizeof(weir_policy_step_t));
    if (stack == NULL) {
        return;
    }

    inside = ++c->mark;
    done = ++c->mark;

    for (i = 0; i < c->nsources; i++) {

        if (c->files[i].mark == done) {
            continue;
        }

        stack[0].file = &c->files[i];
        stack[0].next = c->files[i].imports;
        c->files[i].mark = inside;
        depth = 1;

        while (depth != 0) {
            step = &stack[depth - 1];
            import = step->next;

            if (import == NULL) {
                step->file->mark = done;
                depth--;
                continue;
            }

            step->next = import->next;
            file = import->file;

            if (file == NULL || file->mark == done) {
                continue;
            }

            if (file->mark == inside) {
                weir_policy_error(c, import->path.loc, "%.*s imports itself%s",
                                  weir_policy_s(c->sources[file->index].name),
                                  file == step->file ? ""
                                                     : " through other files");

                for (k = depth - 1; file != step->file; k--) {
                    if (stack[k].file == file) {
                        weir_policy_relate(c, stack[k].taken->path.loc,
                                           "through");
                        break;
                    }
                }

                import->file = NULL;
                continue;
            }

            step->taken = import;
            file->mark = inside;
            stack[depth].file = file;
            stack[depth].next = file->imports;
            depth++;
        }
    }
}


void
weir_policy_each_import(weir_policy_compiler_t *c, weir_policy_file_t *file,
    void (*visit)(weir_policy_compiler_t *c, weir_policy_file_t *file,
                  void *data),
    void *data)
{
    uint32_t               n, mark;
    weir_policy_file_t    *at, **list;
    weir_policy_import_t  *import;

    mark = ++c->mark;
    file->mark = mark;

    if (file->imports == NULL) {
        visit(c, file, data);
        return;
    }

    list = weir_policy_alloc(c, c->nsources * sizeof(weir_policy_file_t *));
    if (list == NULL) {
        return;
    }

    list[0] = file;
    n = 1;

    while (n != 0) {
        at = list[--n];

        visit(c, at, data);

        for (import = at->imports; import != NULL; import = import->next) {

            if (import->file != NULL && import->file->mark != mark) {
                import->file->mark = mark;
                list[n++] = import->file;
            }
        }
    }
}


void
weir_policy_check_lists(weir_policy_compiler_t *c, weir_policy_file_t *file)
{
    weir_policy_set_t     *set, *first;
    weir_policy_span_t    *span;
    weir_policy_window_t  *window, *other;

    for (set = file->sets; set != NULL; set = set->next) {

        if (!weir_policy_table_put(c, &file->set_table, set->name.text, set)
            && !c->nomem)
        {
            first = weir_policy_table_get(&file->set_table, set->name.text);

            weir_policy_error(c, set->name.loc, "set %.*s is duplicate",
                              weir_policy_s(set->name.text));
            weir_policy_relate(c, first->name.loc, "first");
        }
    }

    for (window = file->windows; window != NULL; window = window->next) {

        if (!weir_policy_table_put(c, &file->window_table, window->name.text,
                                   window)
            && !c->nomem)
        {
            other = weir_policy_table_get(&file->window_table,
                                          window->name.text);

            weir_policy_error(c, window->name.loc, "window %.*s is duplicate",
                              weir_policy_s(window->name.text));
            weir_policy_relate(c, other->name.loc, "first");
        }

        for (span = window->spans; span != NULL; span = span->next) {
            span->data = weir_policy_zone(c, &span->zone);
        }
    }
}


void *
weir_policy_lookup(weir_policy_compiler_t *c, weir_policy_file_t *file,
    const weir_policy_dotted_t *ref, size_t table, const char *what)
{
    void                         *found;
    weir_str_t                    near;
    const weir_policy_table_t    *t;
    const weir_policy_import_t   *import;

    if (ref->alias.text.len != 0) {
        import = weir_policy_table_get(&file->import_table, ref->alias.text);

        if (import == NULL) {
            near = weir_policy_near(c, &file->import_table, ref->alias.text);
            import = near.data == NULL
                     ? NULL : weir_policy_table_get(&file->import_table, near);

            weir_policy_unknown(c, ref->alias.loc, "import", ref->alias.text,
                                near, import == NULL ? NULL
                                                     : &import->alias.loc);
            return NULL;
        }

        file = import->file;

        /* that it is not there is reported already */

        if (file == NULL || file->broken) {
            return NULL;
        }
    }

    t = weir_policy_table_of(file, table);

    found = weir_policy_table_get(t, ref->name.text);

    if (found == NULL) {

        /* each of these declarations begins with its name */

        near = weir_policy_near(c, t, ref->name.text);
        found = near.data == NULL ? NULL : weir_policy_table_get(t, near);

        weir_policy_unknown(c, ref->name.loc, what, ref->name.text, near,
                            found == NULL
                            ? NULL : &((weir_policy_word_t *) found)->loc);
        return NULL;
    }

    return found;
}


/* One claim of a library and of what imports it. */

typedef struct {
    weir_policy_file_t  *file;
} weir_policy_clash_t;


static void
weir_policy_clash(weir_policy_compiler_t *c, weir_policy_file_t *library,
    void *data)
{
    weir_policy_clash_t *clash = data;

    uint32_t              i;
    weir_policy_claim_t  *claim, *other;

    if (library == clash->file) {
        return;
    }

    for (i = 0; i < library->claim_table.size; i++) {

        claim = library->claim_table.slots[i].value;

        if (claim == NULL) {
            continue;
        }

        other = weir_policy_table_get(&clash->file->claim_table, claim->key);

        if (other == NULL || other->type == WEIR_POLICY_T_NONE
            || claim->type == WEIR_POLICY_T_NONE
            || (other->type == claim->type
                && other->optional == claim->optional))
        {
            continue;
        }

        weir_policy_error(c, other->loc, "%.*s is %s%s here, %s%s in %.*s, "
                          "which this file imports",
                          weir_policy_s(other->text),
                          other->optional ? "optional " : "",
                          weir_policy_type_name(other->type),
                          claim->optional ? "optional " : "",
                          weir_policy_type_name(claim->type),
                          weir_policy_s(c->sources[library->index].name));
        weir_policy_relate(c, claim->loc, "declared");
    }
}


void
weir_policy_check_claims(weir_policy_compiler_t *c, weir_policy_file_t *file)
{
    weir_policy_clash_t  clash;

    if (file->imports == NULL || file->claim_table.used == 0) {
        return;
    }

    clash.file = file;

    weir_policy_each_import(c, file, weir_policy_clash, &clash);
}
