
/*
 * Weir: which files of a folder are a bundle, and in which order.  The caller
 * lists and reads.
 */

#include <stdlib.h>

#include "weir_policy.h"


/* More than any bundle has; a folder of another kind is told so soon. */

#define WEIR_POLICY_MAX_FILES  65536


typedef struct weir_policy_path_s  weir_policy_path_t;

struct weir_policy_path_s {
    weir_str_t           path;
    weir_policy_path_t  *next;
};


struct weir_policy_folder_s {
    weir_arena_t        *arena;
    weir_str_t           path;       /* that is being listed */
    weir_policy_path_t  *folders;    /* still to be listed */
    weir_policy_path_t  *files;
    uint32_t             nfiles;
    uint32_t             nfolders;
    unsigned             odd:1;      /* a name that cannot be shown */
};


static int weir_policy_path_odd(weir_str_t name);
static int weir_policy_path_cmp(const void *one, const void *two);


int
weir_policy_folder_entry(weir_policy_folder_t *folder, weir_str_t name,
    weir_policy_entry_t type)
{
    uint8_t             *p;
    size_t               len;
    weir_str_t           tail;
    weir_policy_path_t  *path;

    static const weir_str_t  ext = { 7, (const uint8_t *) ".policy" };

    if (name.len == 0 || name.data[0] == '.'
        || type == WEIR_POLICY_ENTRY_OTHER)
    {
        return WEIR_OK;
    }

    if (type == WEIR_POLICY_ENTRY_FILE) {

        if (name.len <= ext.len) {
            return WEIR_OK;
        }

        tail.data = name.data + name.len - ext.len;
        tail.len = ext.len;

        if (!weir_str_eq(tail, ext)) {
            return WEIR_OK;
        }
    }

    if (weir_policy_path_odd(name)) {
        folder->odd = 1;
        return WEIR_OK;
    }

    len = folder->path.len + (folder->path.len != 0) + name.len;

    path = weir_arena_alloc(folder->arena, sizeof(weir_policy_path_t));
    p = weir_arena_alloc(folder->arena, len);

    if (path == NULL || p == NULL) {
        return WEIR_NOMEM;
    }

    path->path.data = p;
    path->path.len = len;

    if (folder->path.len != 0) {
        memcpy(p, folder->path.data, folder->path.len);
        p += folder->path.len;
        *p++ = '/';
    }

    memcpy(p, name.data, name.len);

    if (type == WEIR_POLICY_ENTRY_FOLDER) {
        path->next = folder->folders;
        folder->folders = path;
        folder->nfolders++;
        return WEIR_OK;
    }

    path->next = folder->files;
    folder->files = path;
    folder->nfiles++;

    return WEIR_OK;
}


int
weir_policy_read_folder(weir_arena_t *arena, const weir_policy_files_t *files,
    weir_policy_source_t **result, uint32_t *nsources, weir_err_t *err)
{
    size_t                 left;
    uint32_t               i;
    weir_policy_path_t    *path;
    weir_policy_folder_t   folder;
    weir_policy_source_t  *sources;

    memset(&folder, 0, sizeof(weir_policy_folder_t));
    folder.arena = arena;
    folder.path = weir_str("");

    for ( ;; ) {

        if (files->list(files->ctx, folder.path, &folder) != WEIR_OK) {
            return WEIR_ERROR;
        }

        if (folder.nfiles > WEIR_POLICY_MAX_FILES
            || folder.nfolders > WEIR_POLICY_MAX_FILES)
        {
            (void) weir_err(err, "a bundle has at most %d files",
                            WEIR_POLICY_MAX_FILES);
            return WEIR_DECLINED;
        }

        if (folder.odd) {
            (void) weir_err(err, "names of files and folders are UTF-8 without "
                            "control characters, one below \"%.*s\" is not",
                            (int) folder.path.len, folder.path.data);
            return WEIR_DECLINED;
        }

        path = folder.folders;

        if (path == NULL) {
            break;
        }

        folder.folders = path->next;
        folder.path = path->path;
    }

    if (folder.nfiles == 0) {
        (void) weir_err(err, "there is no *.policy file");
        return WEIR_DECLINED;
    }

    sources = weir_arena_calloc(arena, folder.nfiles,
                                sizeof(weir_policy_source_t));
    if (sources == NULL) {
        return WEIR_NOMEM;
    }

    i = 0;

    for (path = folder.files; path != NULL; path = path->next) {
        sources[i++].name = path->path;
    }

    qsort(sources, folder.nfiles, sizeof(weir_policy_source_t),
          weir_policy_path_cmp);

    left = WEIR_POLICY_MAX_SOURCE;

    for (i = 0; i < folder.nfiles; i++) {

        /* one byte more is enough to see that it is too much */

        if (files->read(files->ctx, sources[i].name, left + 1,
                        &sources[i].text)
            != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        if (sources[i].text.len > left) {
            (void) weir_err(err, "a bundle has at most %d MiB",
                            WEIR_POLICY_MAX_SOURCE / (1024 * 1024));
            return WEIR_DECLINED;
        }

        left -= sources[i].text.len;
    }

    *result = sources;
    *nsources = folder.nfiles;

    return WEIR_OK;
}


/* Names go into messages and logs. */

static int
weir_policy_path_odd(weir_str_t name)
{
    size_t  i;

    for (i = 0; i < name.len; i++) {
        if (name.data[i] < 0x20 || name.data[i] == 0x7f) {
            return 1;
        }
    }

    return !weir_utf8_valid(name);
}


static int
weir_policy_path_cmp(const void *one, const void *two)
{
    return weir_str_cmp(((const weir_policy_source_t *) one)->name,
                        ((const weir_policy_source_t *) two)->name);
}
