
/*
 * weirctl: all that a store holds, in memory: what backup, restore and sync
 * carry from one place to another.
 */

#ifndef WEIRCTL_STATE_H_INCLUDED
#define WEIRCTL_STATE_H_INCLUDED


#include "weirctl_package.h"


#define WEIRCTL_BACKUP_MAX  (1024 * 1024 * 1024)   /* bytes of the file */


/* One line of the trail. */

typedef struct {
    int64_t       when;                 /* that the store knows */
    weir_str_t    text;
    weir_fence_t  fence;                /* name empty: not readable */
    unsigned      bad:1;                /* damaged, and said so */
    unsigned      verified:1;           /* by keys known here */
} weirctl_entry_t;


/* A document in its place. */

typedef struct {
    weir_str_t     name;                /* "bundle/head", "split/checkout" */
    weir_str_t     kind;                /* those of the store; empty: head */
    weir_str_t     id;
    weirctl_doc_t  doc;
    unsigned       bad:1;               /* damaged, and said so */
} weirctl_place_t;


typedef struct {
    weirctl_fleet_t       *fleet;       /* keys, namespace, memory */
    const char            *from;        /* for messages */
    weirctl_place_t       *places;      /* the head is the last one */
    uint32_t               nplaces;
    uint32_t               places_size;
    weirctl_entry_t       *entries;
    uint32_t               nentries;
    uint32_t               entries_size;
    weir_store_segment_t  *segments;    /* by hash */
    uint32_t               nsegments;
    uint32_t               segments_size;
    uint64_t               rev;
    json_t                *problems;    /* the caller's array */
    uint32_t               bad;         /* how much of it is damaged */
    uint32_t               strangers;   /* entries by keys not known here */
    int                    rc;          /* of a callback */
} weirctl_state_t;


/* Begins; weirctl_state_done() in any case. */
void weirctl_state_init(weirctl_state_t *s, weirctl_fleet_t *f,
    const char *from, json_t *problems);
void weirctl_state_done(weirctl_state_t *s);

/*
 * Everything in the fleet's store, but segments; what is damaged is said and
 * marked.  WEIRCTL_GO_ON or the exit code.
 */
int weirctl_state_fetch(weirctl_state_t *s);

/* The segments of the head, which must be there. */
int weirctl_state_fetch_head(weirctl_state_t *s);

/* And those of the trail's bundles, as far as they are there. */
int weirctl_state_fetch_segments(weirctl_state_t *s);

/*
 * Adds one: verified, and marked if it is damaged, which is said.  Bytes must
 * live as long as the state.  kind empty: the head.
 */
int weirctl_state_entry(weirctl_state_t *s, int64_t when, weir_str_t text);
int weirctl_state_place(weirctl_state_t *s, weir_str_t kind, weir_str_t id,
    weir_str_t text);
int weirctl_state_segment(weirctl_state_t *s, const uint8_t *hash,
    weir_str_t bytes);

/*
 * What belongs together: the head's segments are there and are a bundle; no
 * place has an older document than the trail, or none.
 */
int weirctl_state_check(weirctl_state_t *s);

/* Leaves out the places that are damaged. */
void weirctl_state_whole(weirctl_state_t *s);

weirctl_place_t *weirctl_state_find(const weirctl_state_t *s,
    weir_str_t name);
const weir_store_segment_t *weirctl_state_find_segment(
    const weirctl_state_t *s, const uint8_t *hash);

/* The bundle of a place with its segments: WEIRCTL_GO_ON or the exit code. */
int weirctl_state_package(weirctl_state_t *s, const weirctl_place_t *head,
    weirctl_package_t *p);

/* Something in it is damaged: said, counted.  line 0: not about one. */
int weirctl_state_bad(weirctl_state_t *s, const char *where, uint64_t line,
    weir_refusal_e why, const char *text);


/* --- the file --- */


/* The file's text of a state, to free(3).  WEIRCTL_GO_ON or the exit code. */
int weirctl_backup_format(const weirctl_state_t *s, weir_str_t *text);

/* The reverse; the text must live as long. */
int weirctl_backup_parse(weirctl_state_t *s, weir_str_t text);

/* For the owners of these certificates' keys; text to free(3). */
int weirctl_seal(const weirctl_list_t *certificates, weir_str_t text,
    weir_str_t *sealed);

/* 1: it is sealed, or at least it is not plain. */
int weirctl_sealed(weir_str_t text);

/* With a private key; text to free(3).  WEIRCTL_GO_ON or the exit code. */
int weirctl_unseal(const char *path, const char *key, weir_str_t sealed,
    weir_str_t *text);


#endif /* WEIRCTL_STATE_H_INCLUDED */
