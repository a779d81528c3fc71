
/*
 * Drives a store for the end-to-end tests, one line each way: the words of
 * the store are the first argument; each line of stdin is an operation, and
 * is answered by "ok ..." or by the word for its error and a message.
 *
 *   head | segment HEX | live KIND NAME | lives [KIND] | rev
 *   publish EXPECT BYTES [SEGMENT...]       EXPECT: - or the bytes expected
 *   set KIND NAME EXPECT BYTES
 *   reports | report NAME | put NAME BYTES | drop BEFORE
 *   audit FROM | append LINE | trim BEFORE | collect EXPECT BEFORE [KEEP...]
 *   quit
 */

#include <stdio.h>
#include <stdlib.h>

#include "../../modules/cli/weirctl_redis.h"
#include "weir_file.h"
#include "weir_hash.h"


#define DRIVE_WORDS  64
#define DRIVE_MAX    65536


typedef struct {
    weir_store_t          *store;
    weir_store_err_t       err;
    weir_arena_t           arena;
    unsigned               n;
    weir_str_t             argv[DRIVE_WORDS];
    uint8_t                hash[DRIVE_WORDS][WEIR_STORE_HASH];
    weir_store_segment_t   segments[DRIVE_WORDS];
} drive_t;


static weir_str_t
word(drive_t *d, unsigned i)
{
    return i < d->n ? d->argv[i] : weir_str("");
}


static int64_t
number(drive_t *d, unsigned i)
{
    return i < d->n ? strtoll((const char *) d->argv[i].data, NULL, 10) : 0;
}


/* The hash of a word; NULL for "-". */

static const uint8_t *
hash(drive_t *d, unsigned i)
{
    if (weir_str_eq(word(d, i), weir_str("-"))) {
        return NULL;
    }

    (void) weir_store_hash(d->hash[i], word(d, i), NULL);

    return d->hash[i];
}


static void
print(weir_str_t s)
{
    printf("ok %.*s\n", (int) s.len, (const char *) s.data);
}


static int
line(void *ctx, int64_t when, weir_str_t text)
{
    (void) ctx;
    (void) when;

    printf("%.*s ", (int) text.len, (const char *) text.data);

    return 0;
}


static weir_store_code_e
list(drive_t *d, int reports)
{
    uint32_t           i;
    weir_store_list_t  l;
    weir_store_code_e  rc;

    const weir_store_ops_t *ops = d->store->ops;

    rc = reports ? ops->reports(d->store, &d->arena, 1000, &l, &d->err)
                 : ops->lives(d->store, &d->arena, word(d, 1), 1000, &l,
                              &d->err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    printf("ok");

    for (i = 0; i < l.n; i++) {
        printf(reports ? " %.*s%.*s@%lld" : " %.*s/%.*s",
               (int) l.entries[i].kind.len,
               (const char *) l.entries[i].kind.data,
               (int) l.entries[i].name.len,
               (const char *) l.entries[i].name.data,
               (long long) l.entries[i].written);
    }

    printf("\n");

    return rc;
}


static weir_store_code_e
publish(drive_t *d, int live)
{
    unsigned             i, first;
    weir_store_code_e    rc;
    weir_store_change_t  c;

    memset(&c, 0, sizeof(c));

    first = live ? 3 : 1;

    if (live) {
        c.kind = word(d, 1);
        c.name = word(d, 2);
    }

    c.expect = hash(d, first);
    c.bytes = word(d, first + 1);
    c.now = 1000;
    c.segments = d->segments;

    for (i = first + 2; i < d->n; i++) {
        d->segments[c.nsegments].bytes = word(d, i);
        memcpy(d->segments[c.nsegments].hash, hash(d, i), WEIR_STORE_HASH);
        c.nsegments++;
    }

    rc = d->store->ops->publish(d->store, &c, &d->err);

    if (rc == WEIR_STORE_OK) {
        printf("ok\n");
    }

    return rc;
}


static weir_store_code_e
collect(drive_t *d)
{
    uint8_t            keep[DRIVE_WORDS][WEIR_STORE_HASH];
    uint32_t           i, n;
    weir_store_code_e  rc;

    for (i = 3; i < d->n; i++) {
        memcpy(keep[i - 3], hash(d, i), WEIR_STORE_HASH);
    }

    rc = d->store->ops->collect(d->store, hash(d, 1),
                                (const uint8_t (*)[WEIR_STORE_HASH]) keep,
                                d->n > 3 ? d->n - 3 : 0, number(d, 2), &n,
                                &d->err);

    if (rc == WEIR_STORE_OK) {
        printf("ok %u\n", (unsigned) n);
    }

    return rc;
}


static weir_store_code_e
bytes(drive_t *d, char op)
{
    weir_str_t         s;
    weir_store_code_e  rc;

    const weir_store_ops_t *ops = d->store->ops;

    switch (op) {

    case 'h':
        rc = ops->head(d->store, &d->arena, DRIVE_MAX, &s, &d->err);
        break;

    case 's':
        (void) weir_unhex(d->hash[0], WEIR_STORE_HASH, word(d, 1));
        rc = ops->segment(d->store, &d->arena, d->hash[0], DRIVE_MAX, &s,
                          &d->err);
        break;

    case 'l':
        rc = ops->live(d->store, &d->arena, word(d, 1), word(d, 2),
                       DRIVE_MAX, &s, &d->err);
        break;

    default:
        rc = ops->report(d->store, &d->arena, word(d, 1), DRIVE_MAX, &s,
                         &d->err);
        break;
    }

    if (rc == WEIR_STORE_OK) {
        print(s);
    }

    return rc;
}


static weir_store_code_e
count(drive_t *d, char op)
{
    uint32_t           n;
    uint64_t           v;
    weir_store_code_e  rc;

    const weir_store_ops_t *ops = d->store->ops;

    n = 0;

    switch (op) {

    case 'r':
        rc = ops->rev(d->store, &v, &d->err);
        n = (uint32_t) v;
        break;

    case 'd':
        rc = ops->drop_reports(d->store, number(d, 1), &n, &d->err);
        break;

    case 't':
        rc = ops->audit_trim(d->store, number(d, 1), &n, &d->err);
        break;

    case 'p':
        rc = ops->put_report(d->store, word(d, 1), word(d, 2), &d->err);
        break;

    case 'e':
        rc = ops->audit_append(d->store, word(d, 1), 1000, &d->err);
        break;

    default:
        rc = ops->audit(d->store, number(d, 1), DRIVE_MAX, line, NULL,
                        &d->err);
        break;
    }

    if (rc == WEIR_STORE_OK) {
        printf("ok %u\n", (unsigned) n);
    }

    return rc;
}


static weir_store_code_e
operate(drive_t *d)
{
    size_t  i;

    static const struct {
        const char          *name;
        weir_store_code_e  (*fn)(drive_t *d, char arg);
        char                 arg;
    } ops[] = {
        { "head", bytes, 'h' }, { "segment", bytes, 's' },
        { "live", bytes, 'l' }, { "report", bytes, 'r' },
        { "rev", count, 'r' }, { "drop", count, 'd' },
        { "trim", count, 't' }, { "put", count, 'p' },
        { "append", count, 'e' }, { "audit", count, 'a' }
    };

    for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {

        if (strcmp((const char *) d->argv[0].data, ops[i].name) == 0) {
            return ops[i].fn(d, ops[i].arg);
        }
    }

    if (weir_str_eq(d->argv[0], weir_str("publish"))) {
        return publish(d, 0);
    }

    if (weir_str_eq(d->argv[0], weir_str("set"))) {
        return publish(d, 1);
    }

    if (weir_str_eq(d->argv[0], weir_str("lives"))) {
        return list(d, 0);
    }

    if (weir_str_eq(d->argv[0], weir_str("reports"))) {
        return list(d, 1);
    }

    if (weir_str_eq(d->argv[0], weir_str("collect"))) {
        return collect(d);
    }

    return weir_store_fail(&d->err, WEIR_STORE_INVALID, 0, "no operation");
}


static void
split(drive_t *d, char *text)
{
    char  *p, *save;

    d->n = 0;
    save = NULL;

    for (p = strtok_r(text, " \n", &save); p != NULL && d->n < DRIVE_WORDS;
         p = strtok_r(NULL, " \n", &save))
    {
        d->argv[d->n].data = (const uint8_t *) p;
        d->argv[d->n++].len = strlen(p);
    }
}


/* The words of the store; they live as long as the process. */

static weir_store_code_e
start(drive_t *d, char *words)
{
    int       rc;
    unsigned  i;

    static weir_resp_conf_t  conf;

    split(d, words);

    if (d->n == 0) {
        return weir_store_fail(&d->err, WEIR_STORE_INVALID, 0, "no store");
    }

    rc = weir_resp_conf_url(&conf, d->argv[0], &d->err.err);

    if (rc == WEIR_DECLINED) {
        return weir_file_open(&d->store, &weir_alloc_malloc,
                              (const char *) d->argv[0].data, 1, 0, &d->err);
    }

    for (i = 1; rc == WEIR_OK && i < d->n; i++) {
        rc = weir_resp_conf_option(&conf, d->argv[i], &d->err.err);
    }

    if (rc == WEIR_OK) {
        rc = weir_resp_conf_done(&conf, &d->err.err);
    }

    return rc != WEIR_OK ? WEIR_STORE_INVALID
                         : weirctl_redis_open(&d->store, &conf, &d->err);
}


int
main(int argc, char **argv)
{
    char               *text;
    size_t              size;
    drive_t             d;
    weir_store_code_e   rc;

    memset(&d, 0, sizeof(d));
    (void) setvbuf(stdout, NULL, _IOLBF, 0);

    rc = argc == 2 ? start(&d, argv[1])
                   : weir_store_fail(&d.err, WEIR_STORE_INVALID, 0, "usage");

    if (rc != WEIR_STORE_OK) {
        printf("%s %s\n", weir_store_word(rc), d.err.err.text);
        return 3;
    }

    printf("ok open\n");

    text = NULL;
    size = 0;

    while (getline(&text, &size, stdin) > 0) {
        weir_arena_init(&d.arena, &weir_alloc_malloc, 0);
        split(&d, text);

        if (weir_str_eq(word(&d, 0), weir_str("quit"))) {
            weir_arena_done(&d.arena);
            break;
        }

        rc = d.n == 0 ? WEIR_STORE_INVALID : operate(&d);

        if (rc != WEIR_STORE_OK) {
            printf("%s %s\n", weir_store_word(rc), d.err.err.text);
        }

        weir_arena_done(&d.arena);
    }

    free(text);
    d.store->ops->close(d.store);

    return 0;
}
