
/*
 * Weir: the embedded store, file:DIR.  Blocking: for weirctl, and for tasks
 * of a thread pool.
 *
 *   DIR/head.json               DIR/rev           DIR/lock
 *   DIR/segments/HEX            DIR/audit/YYYY-MM-DD.jsonl
 *   DIR/live/KIND/NAME.json     DIR/gateways/NODE.json
 *
 * What is replaced is written beside, synced, renamed, and the directory
 * synced; publishers take flock(2) of DIR/lock.  A change that died half-way
 * is undone or finished by the next publisher (DIR/pending says which).  No
 * symbolic link below DIR is followed, nothing but a regular file is read.
 */

#ifndef WEIR_FILE_H_INCLUDED
#define WEIR_FILE_H_INCLUDED


#include "weir_store.h"


/* How long others may hold the lock before WEIR_STORE_BUSY. */

#define WEIR_FILE_WAIT_MS  5000


/*
 * Opens the store in dir.  create: dir itself (not its parents) is made if
 * it is not there.  wait_ms: 0 means WEIR_FILE_WAIT_MS.  The store holds a
 * descriptor of dir: one that lives long opens it anew now and then, as dir
 * may have been replaced.  The store is closed by its ops.  Not there:
 * WEIR_STORE_UNREACHABLE.
 */
weir_store_code_e weir_file_open(weir_store_t **store,
    const weir_alloc_t *alloc, const char *dir, int create, unsigned wait_ms,
    weir_store_err_t *err);


#endif /* WEIR_FILE_H_INCLUDED */
