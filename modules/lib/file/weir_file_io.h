
/*
 * Weir: files of one folder: bounded reading, replacement that is whole or
 * not at all.  Internal to lib/file.
 *
 * A folder is a descriptor; every name is looked up in it and no symbolic
 * link is followed.  What is no regular file is never opened for long: a
 * FIFO blocks nobody.
 */

#ifndef WEIR_FILE_IO_H_INCLUDED
#define WEIR_FILE_IO_H_INCLUDED


#include "weir_store.h"


#define WEIR_FILE_NAME   256     /* a file's name with what we add to it */
#define WEIR_FILE_PATH   384     /* of a folder, cut in messages */

/* Flags of weir_file_beside() and weir_file_put(). */

#define WEIR_FILE_UNSYNCED  1    /* need not survive a loss of power */
#define WEIR_FILE_PRIVATE   2    /* 0600 instead of 0644 */


typedef struct {
    int   fd;                    /* -1: not open */
    char  path[WEIR_FILE_PATH];  /* for messages */
} weir_file_dir_t;


/* Opens a folder by path; create: makes it (0755) where it is not. */
weir_store_code_e weir_file_dir(weir_file_dir_t *dir, const char *path,
    int create, weir_store_err_t *err);

/* Opens a folder within another. */
weir_store_code_e weir_file_dir_at(weir_file_dir_t *dir,
    const weir_file_dir_t *parent, const char *name, int create,
    weir_store_err_t *err);

void weir_file_dir_close(weir_file_dir_t *dir);

/*
 * Opens a regular file; flags as for open(2), with O_CREAT 0644.  The
 * caller closes *fd; *size is what it holds, *written when that was last
 * changed; both may be NULL.
 */
weir_store_code_e weir_file_fd(const weir_file_dir_t *dir, const char *name,
    int flags, int *fd, uint64_t *size, int64_t *written,
    weir_store_err_t *err);

/* Reads a file of at most max bytes into the arena. */
weir_store_code_e weir_file_get(const weir_file_dir_t *dir, const char *name,
    weir_arena_t *a, size_t max, weir_str_t *bytes, weir_store_err_t *err);

/* SHA-256 of a file of any size. */
weir_store_code_e weir_file_hash(const weir_file_dir_t *dir,
    const char *name, uint8_t *hash, weir_store_err_t *err);

/*
 * Writes the parts, one behind the other, beside NAME and syncs them.
 * weir_file_commit() then puts them in its place and syncs the folder,
 * weir_file_discard() removes them.  After an error nothing is left.
 */
weir_store_code_e weir_file_beside(const weir_file_dir_t *dir,
    const char *name, const weir_str_t *parts, unsigned n, unsigned flags,
    weir_store_err_t *err);
weir_store_code_e weir_file_commit(const weir_file_dir_t *dir,
    const char *name, unsigned flags, weir_store_err_t *err);
void weir_file_discard(const weir_file_dir_t *dir, const char *name);

/* Both of these at once. */
weir_store_code_e weir_file_put(const weir_file_dir_t *dir, const char *name,
    weir_str_t bytes, unsigned flags, weir_store_err_t *err);

/* Removes a file; it is no error if there is none. */
weir_store_code_e weir_file_remove(const weir_file_dir_t *dir,
    const char *name, weir_store_err_t *err);

/* Writes all of it to fd; offsets are the descriptor's business. */
weir_store_code_e weir_file_write(const weir_file_dir_t *dir,
    const char *name, int fd, weir_str_t bytes, weir_store_err_t *err);

/* fsync(2) of a folder or, with a name, of its file fd. */
weir_store_code_e weir_file_sync(const weir_file_dir_t *dir,
    const char *name, int fd, weir_store_err_t *err);

/*
 * Calls name for each entry but those that begin with a dot, in no order;
 * hidden: for those instead, without "." and "..".  An answer other than
 * WEIR_STORE_OK ends the listing and is its result.
 */
typedef weir_store_code_e (*weir_file_name_pt)(void *ctx, const char *name,
    weir_store_err_t *err);
weir_store_code_e weir_file_each(const weir_file_dir_t *dir, int hidden,
    weir_file_name_pt name, void *ctx, weir_store_err_t *err);

/* Removes what died beside its place and was last written before. */
weir_store_code_e weir_file_sweep(const weir_file_dir_t *dir, int64_t before,
    weir_store_err_t *err);

/*
 * Appends to the list what is NAME + ext in the folder and a valid name, at
 * most max in all.  kind is the caller's, and stays where it is.
 */
weir_store_code_e weir_file_list(const weir_file_dir_t *dir, const char *ext,
    weir_str_t kind, weir_arena_t *a, uint32_t max, weir_store_list_t *list,
    weir_store_err_t *err);

/* Sorts the list by kind and name. */
void weir_file_list_sort(weir_store_list_t *list);

/* The error that errno tells, at NAME (may be NULL) of the folder. */
weir_store_code_e weir_file_fail(weir_store_err_t *err, int sys, int writing,
    const weir_file_dir_t *dir, const char *name);


#endif /* WEIR_FILE_IO_H_INCLUDED */
