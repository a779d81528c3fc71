
/*
 * weirctl backup and restore: all state of a store in one file, and back into
 * this or any other store.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weirctl_move.h"


static int weirctl_backup_make(weirctl_fleet_t *f, const char *path,
    const weirctl_list_t *to, int damaged);
static int weirctl_backup_write(const char *path, weir_str_t text);
static int weirctl_backup_print(const weirctl_state_t *s, const char *path,
    size_t size, int sealed);
static int weirctl_restore_file(weirctl_fleet_t *f, const char *path,
    const char *key, int damaged);
static int weirctl_restore_text(weirctl_fleet_t *f, const char *path,
    weir_str_t text, int damaged);
static int weirctl_restore_move(weirctl_state_t *src, weirctl_state_t *dst);
static int weirctl_backup_whole(weirctl_state_t *s, int damaged,
    const char *what);


/* weirctl backup FILE */

int
weirctl_backup(weirctl_t *ctl)
{
    int                      rc, damaged;
    weirctl_list_t           to;
    weirctl_fleet_t          f;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    o.reads = 1;
    memset(&to, 0, sizeof(weirctl_list_t));
    damaged = 0;

    const weirctl_option_t  options[] = {
        weirctl_option_store(&o),
        weirctl_option_trust(&o),
        weirctl_option_sign(&o),
        { "to", WEIRCTL_LIST, &to, "CERT",
          "encrypt to this certificate's key; may repeat" },
        { "damaged", WEIRCTL_FLAG, &damaged, NULL,
          "leave out what is damaged" },
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Writes the head, its segments and those of "
                         "older bundles, live documents and the\ntrail into "
                         "FILE (0600; \"-\" is stdout), which must not be "
                         "there.  Everything is\nverified by the keys of "
                         "--trust; where something is damaged that is told, "
                         "and no\nfile is written.",
                         options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_fleet(ctl, &f, &o, 0);

    if (rc == WEIRCTL_GO_ON) {

        if (!f.checks) {
            weirctl_note(ctl, "signatures are not verified: --trust says by "
                         "whom they must be");
        }

        rc = weirctl_backup_make(&f, ctl->argv[0], &to, damaged);
    }

    weirctl_fleet_done(&f);

    return rc;
}


static int
weirctl_backup_make(weirctl_fleet_t *f, const char *path,
    const weirctl_list_t *to, int damaged)
{
    int              rc;
    json_t          *problems;
    weir_str_t       text, sealed;
    weirctl_state_t  s;

    memset(&text, 0, sizeof(weir_str_t));
    memset(&sealed, 0, sizeof(weir_str_t));

    problems = json_array();
    weirctl_state_init(&s, f, "store", problems);

    rc = weirctl_state_fetch(&s);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_state_fetch_segments(&s);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_state_check(&s);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_backup_whole(&s, damaged, "no backup is written");
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_backup_format(&s, &text);
    }

    if (rc == WEIRCTL_GO_ON && to->n != 0) {
        rc = weirctl_seal(to, text, &sealed);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_backup_write(path, to->n != 0 ? sealed : text);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_backup_print(&s, path, to->n != 0 ? sealed.len
                                                       : text.len,
                                  to->n != 0);
    }

    free((void *) text.data);
    free((void *) sealed.data);

    weirctl_state_done(&s);
    json_decref(problems);

    return rc;
}


static int
weirctl_backup_whole(weirctl_state_t *s, int damaged, const char *what)
{
    if (s->bad == 0) {
        return WEIRCTL_GO_ON;
    }

    if (damaged) {
        weirctl_state_whole(s);
        return WEIRCTL_GO_ON;
    }

    if (s->fleet->ctl->json) {
        (void) weirctl_print_json(json_pack("{s:O}", "problems",
                                            s->problems));
    }

    (void) weirctl_error("%s: --damaged leaves out what is damaged", what);

    return WEIRCTL_NO;
}


/* Nothing may have the name. */

static int
weirctl_backup_write(const char *path, weir_str_t text)
{
    int               rc;
    weirctl_beside_t  b;

    if (strcmp(path, "-") == 0) {
        return fwrite(text.data, 1, text.len, stdout) == text.len
               ? WEIRCTL_GO_ON : weirctl_error("stdout: %s", strerror(errno));
    }

    rc = weirctl_beside_open(&b, path, 0600);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    (void) fwrite(text.data, 1, text.len, b.out);

    return weirctl_beside_close(&b, path, 1);
}


static int
weirctl_backup_print(const weirctl_state_t *s, const char *path, size_t size,
    int sealed)
{
    int               rc;
    uint32_t          head, lives;
    uint64_t          version;
    weirctl_place_t  *p;

    p = weirctl_state_find(s, weir_str("bundle/" WEIR_BUNDLE_ID));

    head = p != NULL;
    lives = s->nplaces - head;
    version = p != NULL ? p->doc.doc.version : 0;

    if (strcmp(path, "-") == 0) {
        return WEIRCTL_YES;
    }

    if (s->fleet->ctl->json) {
        rc = weirctl_print_json(json_pack("{s:s, s:I, s:b, s:I, s:I, s:I, "
                                          "s:I, s:b, s:O}",
                                          "file", path, "size",
                                          (json_int_t) size, "encrypted",
                                          sealed, "version",
                                          (json_int_t) version, "live",
                                          (json_int_t) lives, "entries",
                                          (json_int_t) s->nentries,
                                          "segments",
                                          (json_int_t) s->nsegments,
                                          "signatures",
                                          s->fleet->checks, "problems",
                                          s->problems));
        return rc == WEIRCTL_GO_ON ? WEIRCTL_YES : rc;
    }

    if (!s->fleet->ctl->quiet) {
        printf("%s: version %llu, %u live %s, %u %s of the trail, %zu "
               "bytes%s\n", path, (unsigned long long) version, lives,
               lives == 1 ? "document" : "documents", s->nentries,
               s->nentries == 1 ? "entry" : "entries", size,
               sealed ? ", encrypted" : "");
    }

    return WEIRCTL_YES;
}


/* weirctl restore FILE */

int
weirctl_restore(weirctl_t *ctl)
{
    int                      rc, damaged;
    const char              *key;
    weirctl_fleet_t          f;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    key = NULL;
    damaged = 0;

    const weirctl_option_t  options[] = {
        { "key", WEIRCTL_VALUE, &key, "FILE",
          "decrypts: the private key of the backup's --to" },
        { "damaged", WEIRCTL_FLAG, &damaged, NULL,
          "leave out what is damaged" },
        weirctl_options_publish(&o),
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Brings everything of FILE that the store does "
                         "not have, the head last; \"-\" is\nstdin.  "
                         "Documents must be signed by keys of --trust (or "
                         "\"--trust off\").\nWhere the store or a gateway "
                         "has a newer version, the old content is signed\n"
                         "anew, above it, by --sign-key; without a key "
                         "nothing is restored.  May be\nrepeated.",
                         options, 1, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_fleet(ctl, &f, &o, 1);

    if (rc == WEIRCTL_GO_ON) {
        rc = f.checks || o.trust.n != 0 ? WEIRCTL_GO_ON
             : weirctl_error("nobody says whose signatures count: --trust "
                             "FILE, or --trust off");
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_restore_file(&f, ctl->argv[0], key, damaged);
    }

    weirctl_fleet_done(&f);

    return rc;
}


static int
weirctl_restore_file(weirctl_fleet_t *f, const char *path, const char *key,
    int damaged)
{
    int         rc;
    weir_str_t  file, text;

    rc = weirctl_read(path, WEIRCTL_BACKUP_MAX, &file);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    text = file;

    if (weirctl_sealed(file)) {

        if (key != NULL) {
            rc = weirctl_unseal(path, key, file, &text);

        } else {
            (void) weirctl_error("%s: it is no backup, or encrypted: --key "
                                 "FILE decrypts it", path);
            rc = WEIRCTL_NO;
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_restore_text(f, path, text, damaged);
    }

    if (text.data != file.data) {
        free((void *) text.data);
    }

    free((void *) file.data);

    return rc;
}


static int
weirctl_restore_text(weirctl_fleet_t *f, const char *path, weir_str_t text,
    int damaged)
{
    int              rc;
    json_t          *problems, *others;
    weirctl_state_t  src, dst;

    problems = json_array();
    others = json_array();

    weirctl_state_init(&src, f, path, problems);
    weirctl_state_init(&dst, f, "store", others);

    rc = weirctl_backup_parse(&src, text);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_state_check(&src);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_backup_whole(&src, damaged, "nothing is restored");
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_state_fetch(&dst);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_restore_move(&src, &dst);
    }

    weirctl_state_done(&src);
    weirctl_state_done(&dst);

    json_decref(problems);
    json_decref(others);

    return rc;
}


static int
weirctl_restore_move(weirctl_state_t *src, weirctl_state_t *dst)
{
    int              rc, print;
    uint32_t         i;
    weirctl_move_t   m;

    for (i = 0; i < dst->nplaces; i++) {
        if (weirctl_state_find(src, dst->places[i].name) == NULL) {
            weirctl_note(dst->fleet->ctl, "%.*s is not in the backup: it "
                         "stays as it is", (int) dst->places[i].name.len,
                         dst->places[i].name.data);
        }
    }

    rc = weirctl_move(&m, src, dst, 1);

    if (rc == WEIRCTL_YES) {
        print = weirctl_move_print(&m, "restored");
        rc = print == WEIRCTL_GO_ON ? rc : print;
    }

    weirctl_move_done(&m);

    return rc;
}
