
/*
 * Weir: folders of policies, which are read and compiled when nginx reads its
 * configuration.
 */

#include "ngx_http_weir_policy_internal.h"
#include "weir_zoneinfo.h"

#include <openssl/evp.h>


typedef struct {
    ngx_conf_t        *cf;
    ngx_str_t         *dir;
    weir_arena_t      *arena;
} ngx_http_weir_policy_files_t;


static char *ngx_http_weir_policy_compile_arena(ngx_conf_t *cf,
    ngx_http_weir_policy_dir_t *pd, weir_arena_t *arena);
static ngx_int_t ngx_http_weir_policy_report(ngx_conf_t *cf,
    const ngx_http_weir_policy_dir_t *pd, weir_arena_t *arena,
    const weir_policy_bundle_t *bundle);
static ngx_int_t ngx_http_weir_policy_hash(const weir_policy_source_t *sources,
    uint32_t n, u_char *hash);
static void ngx_http_weir_policy_reject_dir(
    const ngx_http_weir_policy_dir_t *pd, const char *text, size_t len);
static void ngx_http_weir_policy_free(void *data);
static int ngx_http_weir_policy_list(void *data, weir_str_t path,
    weir_policy_folder_t *folder);
static int ngx_http_weir_policy_read(void *data, weir_str_t path, size_t max,
    weir_str_t *text);
static u_char *ngx_http_weir_policy_path(ngx_http_weir_policy_files_t *files,
    weir_str_t path, const u_char *name);


char *
ngx_http_weir_policy_compile(ngx_conf_t *cf, ngx_http_weir_policy_dir_t *pd)
{
    char          *rv;
    ngx_str_t     *value;
    weir_arena_t   arena;

    if (pd->dir.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs a folder";
    }

    pd->dir = value[1];
    pd->file = cf->conf_file->file.name;
    pd->line = cf->conf_file->line;

    if (ngx_conf_full_name(cf->cycle, &pd->dir, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    rv = ngx_http_weir_policy_compile_arena(cf, pd, &arena);

    weir_arena_done(&arena);

    return rv;
}


static char *
ngx_http_weir_policy_compile_arena(ngx_conf_t *cf,
    ngx_http_weir_policy_dir_t *pd, weir_arena_t *arena)
{
    int                             rc;
    uint32_t                        n;
    weir_err_t                      err;
    weir_zoneinfo_t                 zi;
    ngx_pool_cleanup_t             *cln;
    weir_policy_files_t             files;
    weir_policy_bundle_t            bundle;
    weir_policy_source_t           *sources;
    ngx_str_t                      *value;
    ngx_http_weir_policy_files_t    data;

    static const char  unread[] = "the folder cannot be read";

    value = cf->args->elts;

    data.cf = cf;
    data.dir = &pd->dir;
    data.arena = arena;

    files.list = ngx_http_weir_policy_list;
    files.read = ngx_http_weir_policy_read;
    files.ctx = &data;

    rc = weir_policy_read_folder(arena, &files, &sources, &n, &err);

    if (rc == WEIR_DECLINED) {
        ngx_http_weir_policy_reject_dir(pd, err.text, ngx_strlen(err.text));
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" \"%V\": %s",
                           &value[0], &pd->dir, err.text);
        return NGX_CONF_ERROR;
    }

    if (rc == WEIR_ERROR) {
        ngx_http_weir_policy_reject_dir(pd, unread, sizeof(unread) - 1);
        return NGX_CONF_ERROR;
    }

    weir_zoneinfo(&zi, arena, WEIR_ZONEINFO);

    if (rc != WEIR_OK
        || weir_policy_compile(arena, sources, n, &zi.zones, &bundle)
           != WEIR_OK)
    {
        goto nomem;
    }

    if (ngx_http_weir_policy_report(cf, pd, arena, &bundle) != NGX_OK) {
        goto nomem;
    }

    if (bundle.nerrors) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" \"%V\" has %uD error%s",
                           &value[0], &pd->dir, bundle.nerrors,
                           bundle.nerrors == 1 ? "" : "s");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_weir_policy_hash(sources, n, pd->hash) != NGX_OK) {
        goto nomem;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        goto nomem;
    }

    pd->size = bundle.size;
    pd->image = ngx_alloc(bundle.size, cf->log);

    if (pd->image == NULL) {
        goto nomem;
    }

    cln->handler = ngx_http_weir_policy_free;
    cln->data = pd;

    ngx_memcpy(pd->image, bundle.image, bundle.size);

    return NGX_CONF_OK;

nomem:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" \"%V\": out of memory",
                       &value[0], &pd->dir);

    return NGX_CONF_ERROR;
}


/* A candidate that is refused says nothing of the bundle. */

static void
ngx_http_weir_policy_reject_dir(const ngx_http_weir_policy_dir_t *pd,
    const char *text, size_t len)
{
    ngx_str_t  message;

    if (pd->candidate) {
        return;
    }

    message.len = len;
    message.data = (u_char *) text;

    ngx_http_weir_policy_reject(WEIR_REFUSAL_POLICY_ERROR, &message);
}


static void
ngx_http_weir_policy_free(void *data)
{
    ngx_http_weir_policy_dir_t  *pd = data;

    if (pd->image) {
        ngx_free(pd->image);
        pd->image = NULL;
    }
}


/* Line by line: nginx cuts what it logs at 2,048 bytes. */

static ngx_int_t
ngx_http_weir_policy_report(ngx_conf_t *cf,
    const ngx_http_weir_policy_dir_t *pd, weir_arena_t *arena,
    const weir_policy_bundle_t *bundle)
{
    uint32_t                   i;
    ngx_str_t                  line;
    ngx_uint_t                 level, first, told;
    weir_str_t                 text;
    const weir_policy_diag_t  *diag;

    told = 0;

    for (i = 0; i < bundle->ndiags; i++) {

        diag = &bundle->diags[i];

        level = diag->severity == WEIR_POLICY_SEVERE ? NGX_LOG_EMERG
                                                     : NGX_LOG_WARN;

        text = weir_policy_diag_text(arena, bundle, diag);
        if (text.data == NULL) {
            return NGX_ERROR;
        }

        for (first = 1; text.len; first = 0) {
            line.data = (u_char *) text.data;

            while (text.len && *text.data != '\n') {
                text.data++;
                text.len--;
            }

            line.len = text.data - line.data;

            if (text.len) {
                text.data++;
                text.len--;
            }

            ngx_log_error(level, cf->log, 0, "%V", &line);

            if (level == NGX_LOG_EMERG && first && !told) {
                told = 1;
                ngx_http_weir_policy_reject_dir(pd, (char *) line.data,
                                                line.len);
            }
        }
    }

    return NGX_OK;
}


/* SHA-256 of LENGTH ":" PATH LENGTH ":" TEXT for each source in order. */

static ngx_int_t
ngx_http_weir_policy_hash(const weir_policy_source_t *sources, uint32_t n,
    u_char *hash)
{
    u_char       head[NGX_SIZE_T_LEN + 1], *p;
    uint32_t     i, k;
    EVP_MD_CTX  *ctx;
    weir_str_t   s;

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        goto failed;
    }

    for (i = 0; i < n; i++) {
        for (k = 0; k < 2; k++) {
            s = k == 0 ? sources[i].name : sources[i].text;
            p = ngx_sprintf(head, "%uz:", s.len);

            if (EVP_DigestUpdate(ctx, head, p - head) != 1
                || EVP_DigestUpdate(ctx, s.data, s.len) != 1)
            {
                goto failed;
            }
        }
    }

    if (EVP_DigestFinal_ex(ctx, hash, NULL) != 1) {
        goto failed;
    }

    EVP_MD_CTX_free(ctx);

    return NGX_OK;

failed:

    EVP_MD_CTX_free(ctx);

    return NGX_ERROR;
}


static int
ngx_http_weir_policy_list(void *data, weir_str_t path,
    weir_policy_folder_t *folder)
{
    ngx_http_weir_policy_files_t *files = data;

    u_char               *name, *file;
    ngx_dir_t             dir;
    ngx_err_t             err;
    weir_str_t            entry;
    ngx_str_t             full;
    ngx_file_info_t       info;
    weir_policy_entry_t   type;

    full.data = ngx_http_weir_policy_path(files, path, NULL);
    if (full.data == NULL) {
        return WEIR_ERROR;
    }

    full.len = ngx_strlen(full.data);

    if (ngx_open_dir(&full, &dir) == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, files->cf, ngx_errno,
                           ngx_open_dir_n " \"%V\" failed", &full);
        return WEIR_ERROR;
    }

    for ( ;; ) {
        ngx_set_errno(0);

        if (ngx_read_dir(&dir) == NGX_ERROR) {
            err = ngx_errno;

            if (err == NGX_ENOMOREFILES) {
                break;
            }

            ngx_conf_log_error(NGX_LOG_EMERG, files->cf, err,
                               ngx_read_dir_n " \"%V\" failed", &full);
            goto failed;
        }

        name = ngx_de_name(&dir);

        if (name[0] == '.') {
            continue;
        }

        file = ngx_http_weir_policy_path(files, path, name);
        if (file == NULL) {
            goto failed;
        }

        if (ngx_link_info(file, &info) == NGX_FILE_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, files->cf, ngx_errno,
                               ngx_link_info_n " \"%s\" failed", file);
            goto failed;
        }

        type = ngx_is_file(&info) ? WEIR_POLICY_ENTRY_FILE
               : ngx_is_dir(&info) ? WEIR_POLICY_ENTRY_FOLDER
               : WEIR_POLICY_ENTRY_OTHER;

        entry.data = name;
        entry.len = ngx_strlen(name);

        if (weir_policy_folder_entry(folder, entry, type) != WEIR_OK) {
            goto failed;
        }
    }

    (void) ngx_close_dir(&dir);

    return WEIR_OK;

failed:

    (void) ngx_close_dir(&dir);

    return WEIR_ERROR;
}


static int
ngx_http_weir_policy_read(void *data, weir_str_t path, size_t max,
    weir_str_t *text)
{
    ngx_http_weir_policy_files_t *files = data;

    u_char           *name, *buf;
    size_t            size, len;
    ssize_t           n;
    ngx_fd_t          fd;
    ngx_file_info_t   info;

    name = ngx_http_weir_policy_path(files, path, NULL);
    if (name == NULL) {
        return WEIR_ERROR;
    }

    /* neither followed nor waited for, should it have changed since */

    fd = open((const char *) name, O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE || ngx_fd_info(fd, &info) == NGX_FILE_ERROR
        || !ngx_is_file(&info))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, files->cf, ngx_errno,
                           ngx_open_file_n " \"%s\" failed", name);
        goto failed;
    }

    size = ngx_min((size_t) ngx_file_size(&info), max);
    len = 0;

    buf = weir_arena_alloc(files->arena, size);
    if (buf == NULL) {
        goto failed;
    }

    while (len < size) {
        n = ngx_read_fd(fd, buf + len, size - len);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, files->cf, ngx_errno,
                               ngx_read_fd_n " \"%s\" failed", name);
            goto failed;
        }

        if (n == 0) {
            break;
        }

        len += n;
    }

    (void) ngx_close_file(fd);

    text->data = buf;
    text->len = len;

    return WEIR_OK;

failed:

    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
    }

    return WEIR_ERROR;
}


/* DIR "/" PATH [ "/" NAME ], ended by zero. */

static u_char *
ngx_http_weir_policy_path(ngx_http_weir_policy_files_t *files, weir_str_t path,
    const u_char *name)
{
    u_char     *p, *full;
    ngx_str_t   rel;

    full = weir_arena_alloc(files->arena, files->dir->len + path.len
                            + (name ? ngx_strlen(name) : 0) + 3);
    if (full == NULL) {
        return NULL;
    }

    rel.data = (u_char *) path.data;
    rel.len = path.len;

    p = ngx_sprintf(full, "%V", files->dir);

    if (rel.len) {
        p = ngx_sprintf(p, "/%V", &rel);
    }

    if (name) {
        p = ngx_sprintf(p, "/%s", name);
    }

    *p = '\0';

    return full;
}
