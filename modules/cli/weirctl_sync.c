
/*
 * weirctl sync: what is signed in one store, in another one of the same
 * namespace; once, or again and again.
 */

#include <signal.h>
#include <time.h>

#include "weir_time.h"
#include "weirctl_move.h"


#define WEIRCTL_SYNC_WORST_MS  5000     /* pause after failures, at most */
#define WEIRCTL_SYNC_WHOLE_S   60       /* everything is compared again */


/* What both stores had when nothing was left to do. */

typedef struct {
    uint8_t   head[WEIR_SHA256_LEN];
    uint64_t  rev;
} weirctl_seen_t;

typedef struct {
    weirctl_t                *ctl;
    weirctl_fleet_options_t   from;
    weirctl_fleet_options_t   to;
    weirctl_seen_t            seen[2];
    int64_t                   whole;    /* when everything was compared */
    unsigned                  watch:1;
} weirctl_sync_t;


static int weirctl_sync_watch(weirctl_sync_t *s, int64_t pause);
static int weirctl_sync_pass(weirctl_sync_t *s);
static int weirctl_sync_stores(weirctl_sync_t *s, weirctl_fleet_t *from,
    weirctl_fleet_t *to);
static int weirctl_sync_look(weirctl_fleet_t *f, weirctl_seen_t *seen);
static int weirctl_sync_move(weirctl_sync_t *s, weirctl_fleet_t *from,
    weirctl_fleet_t *to);
static int weirctl_sync_news(const weirctl_move_t *m);
static void weirctl_sync_end(int sig);


static volatile sig_atomic_t  weirctl_sync_ends;


/* weirctl sync SRC DST */

int
weirctl_sync(weirctl_t *ctl)
{
    int              rc;
    int64_t          pause;
    const char      *watch;
    weirctl_sync_t   s;

    memset(&s, 0, sizeof(weirctl_sync_t));
    watch = NULL;
    pause = 0;

    const weirctl_option_t  options[] = {
        weirctl_option_trust(&s.from),
        { "watch", WEIRCTL_VALUE, &watch, "TIME",
          "again and again, with this pause, until SIGTERM" },
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Brings the documents of the store SRC, each "
                         "'URL [opt=...]', that are newer than\nthose of "
                         "DST: as they were signed, verified by the keys of "
                         "--trust (or \"--trust\noff\"), with their entries "
                         "of the trail and their segments, the head last.  "
                         "What\nis newer in DST stays.  Both are of one "
                         "namespace.  Exit: 0; 1 if something is\nrefused, "
                         "which is told.", options, 2, 2);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (watch != NULL
        && (weir_duration_parse(weir_cstr(watch), &pause) != WEIR_OK
            || pause <= 0))
    {
        return weirctl_error("invalid --watch \"%s\"", watch);
    }

    if (s.from.trust.n == 0) {
        return weirctl_error("nobody says whose signatures count: --trust "
                             "FILE, or --trust off");
    }

    s.ctl = ctl;
    s.to = s.from;
    s.from.store = ctl->argv[0];
    s.to.store = ctl->argv[1];

    if (watch == NULL) {
        return weirctl_sync_pass(&s);
    }

    s.watch = 1;

    return weirctl_sync_watch(&s, pause);
}


static void
weirctl_sync_end(int sig)
{
    (void) sig;

    weirctl_sync_ends = 1;
}


/*
 * Stores are opened anew each time: what was replaced or restarted meanwhile
 * is found again.
 */

static int
weirctl_sync_watch(weirctl_sync_t *s, int64_t pause)
{
    int               rc;
    int64_t           ms;
    struct timespec   ts;
    struct sigaction  sa;

    memset(&sa, 0, sizeof(struct sigaction));

    sa.sa_handler = weirctl_sync_end;

    (void) sigaction(SIGTERM, &sa, NULL);
    (void) sigaction(SIGINT, &sa, NULL);

    ms = pause;

    while (!weirctl_sync_ends) {
        rc = weirctl_sync_pass(s);

        (void) fflush(stdout);

        /* the words are wrong, or the keys: nothing that time heals */

        if (rc == WEIRCTL_USAGE) {
            return rc;
        }

        if (rc == WEIRCTL_YES) {
            ms = pause;

        } else {
            ms = ms * 2 < WEIRCTL_SYNC_WORST_MS ? ms * 2
                                                : WEIRCTL_SYNC_WORST_MS;
            ms = ms > pause ? ms : pause;
        }

        ts.tv_sec = (time_t) (ms / 1000);
        ts.tv_nsec = (long) (ms % 1000) * 1000000L;

        if (!weirctl_sync_ends) {
            (void) nanosleep(&ts, NULL);
        }
    }

    return WEIRCTL_YES;
}


static int
weirctl_sync_pass(weirctl_sync_t *s)
{
    int              rc;
    weirctl_fleet_t  from, to;

    memset(&to, 0, sizeof(weirctl_fleet_t));

    rc = weirctl_fleet(s->ctl, &from, &s->from, 0);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_fleet(s->ctl, &to, &s->to, 1);

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_sync_stores(s, &from, &to);
        }

        weirctl_fleet_done(&to);
    }

    weirctl_fleet_done(&from);

    return rc;
}


static int
weirctl_sync_stores(weirctl_sync_t *s, weirctl_fleet_t *from,
    weirctl_fleet_t *to)
{
    int             rc;
    weirctl_seen_t  now[2];

    if (!weir_str_eq(from->ns, to->ns)) {
        return weirctl_error("namespaces \"%.*s\" and \"%.*s\": what is "
                             "signed for one holds in no other",
                             (int) from->ns.len, from->ns.data,
                             (int) to->ns.len, to->ns.data);
    }

    if (!s->watch) {
        return weirctl_sync_move(s, from, to);
    }

    rc = weirctl_sync_look(from, &now[0]);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_sync_look(to, &now[1]);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (memcmp(now, s->seen, sizeof(now)) == 0
        && weirctl_now() - s->whole < WEIRCTL_SYNC_WHOLE_S)
    {
        return WEIRCTL_YES;
    }

    rc = weirctl_sync_move(s, from, to);

    memset(s->seen, 0, sizeof(s->seen));

    if (rc == WEIRCTL_YES && weirctl_sync_look(to, &now[1]) == WEIRCTL_GO_ON)
    {
        memcpy(s->seen, now, sizeof(now));
        s->whole = weirctl_now();
    }

    return rc;
}


static int
weirctl_sync_look(weirctl_fleet_t *f, weirctl_seen_t *seen)
{
    weir_str_t         text;
    weir_store_err_t   err;
    weir_store_code_e  rc;

    memset(seen, 0, sizeof(weirctl_seen_t));

    rc = f->store->ops->head(f->store, &f->arena, WEIR_ENVELOPE_MAX, &text,
                             &err);

    if (rc == WEIR_STORE_OK && weir_sha256(text, seen->head) != WEIR_OK) {
        return weirctl_nomem();
    }

    if (rc != WEIR_STORE_OK && rc != WEIR_STORE_MISSING) {
        return weirctl_store_error(&err);
    }

    if (f->store->ops->rev(f->store, &seen->rev, &err)
        == WEIR_STORE_UNREACHABLE)
    {
        return weirctl_store_error(&err);
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_sync_move(weirctl_sync_t *s, weirctl_fleet_t *from,
    weirctl_fleet_t *to)
{
    int              rc, print;
    json_t          *problems, *others;
    weirctl_move_t   m;
    weirctl_state_t  src, dst;

    memset(&m, 0, sizeof(weirctl_move_t));

    problems = json_array();
    others = json_array();

    weirctl_state_init(&src, from, "SRC", problems);
    weirctl_state_init(&dst, to, "DST", others);

    rc = weirctl_state_fetch(&src);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_state_fetch_head(&src);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_state_check(&src);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_state_fetch(&dst);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_move(&m, &src, &dst, 0);

        if ((rc == WEIRCTL_YES || rc == WEIRCTL_NO)
            && (!s->watch || weirctl_sync_news(&m)))
        {
            print = weirctl_move_print(&m, "synced");
            rc = print == WEIRCTL_GO_ON ? rc : print;
        }

        if (rc == WEIRCTL_YES && src.bad != 0) {
            rc = WEIRCTL_NO;
        }

        weirctl_move_done(&m);
    }

    weirctl_state_done(&src);
    weirctl_state_done(&dst);

    json_decref(problems);
    json_decref(others);

    return rc;
}


static int
weirctl_sync_news(const weirctl_move_t *m)
{
    size_t       i;
    json_t      *item;
    const char  *state;

    json_array_foreach(m->documents, i, item) {
        state = json_string_value(json_object_get(item, "state"));

        if (strcmp(state, "same") != 0 && strcmp(state, "kept") != 0) {
            return 1;
        }
    }

    return m->nentries != 0 || m->nsegments != 0;
}
