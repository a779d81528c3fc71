
/*
 * weirctl: the fleet: which store, which keys, who and when.
 */

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "weir_file.h"
#include "weir_strict.h"
#include "weir_time.h"
#include "weirctl_fleet.h"


static int weirctl_fleet_init(weirctl_t *ctl, weirctl_fleet_t *f,
    const weirctl_fleet_options_t *o);
static int weirctl_fleet_words(weirctl_fleet_t *f, const char *words);
static int weirctl_fleet_url(weirctl_fleet_t *f, const char *word);
static int weirctl_fleet_word(weirctl_fleet_t *f, char *word);
static int weirctl_fleet_signers(weirctl_fleet_t *f,
    const weirctl_fleet_options_t *o);
static int weirctl_fleet_signer(weirctl_fleet_t *f, const char *path);
static int weirctl_fleet_trust(weirctl_fleet_t *f, const char *words);
static int weirctl_fleet_trusted(weirctl_fleet_t *f, const char *path,
    unsigned roles);
static void weirctl_fleet_user(weirctl_fleet_t *f);


/* What weir_store takes; those of other kinds of stores are passed over. */

static const char  *weirctl_store_words[] = {
    "user=", "password_file=", "ca=", "cert=", "key=", "connect_timeout=",
    "timeout=", "poll=", "cluster=", "insecure", NULL
};


int
weirctl_fleet_named(const weirctl_fleet_options_t *o)
{
    return o->store != NULL || getenv("WEIR_STORE") != NULL;
}


int
weirctl_fleet(weirctl_t *ctl, weirctl_fleet_t *f,
    const weirctl_fleet_options_t *o, int create)
{
    int                rc;
    const char        *words;
    weir_store_err_t   err;

    rc = weirctl_fleet_init(ctl, f, o);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    words = o->store != NULL ? o->store : getenv("WEIR_STORE");

    if (words == NULL || words[0] == '\0') {
        return weirctl_error("no store: --store 'URL [opt=...]' or "
                             "$WEIR_STORE says which");
    }

    rc = weirctl_fleet_words(f, words);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (f->redis) {

        if (weirctl_redis_open(&f->store, &f->conf, &err) != WEIR_STORE_OK) {
            f->store = NULL;
            return weirctl_store_error(&err);
        }

        return WEIRCTL_GO_ON;
    }

    if (strncmp(f->url, "file:", 5) != 0 || f->url[5] == '\0') {
        return weirctl_error("unsupported store \"%s\": file:DIR and "
                             "redis: are known", f->url);
    }

    if (weir_file_open(&f->store, &weir_alloc_malloc, f->url + 5, create, 0,
                       &err)
        != WEIR_STORE_OK)
    {
        f->store = NULL;
        return weirctl_store_error(&err);
    }

    return WEIRCTL_GO_ON;
}


int
weirctl_fleet_keys(weirctl_t *ctl, weirctl_fleet_t *f,
    const weirctl_fleet_options_t *o)
{
    return weirctl_fleet_init(ctl, f, o);
}


static int
weirctl_fleet_init(weirctl_t *ctl, weirctl_fleet_t *f,
    const weirctl_fleet_options_t *o)
{
    int         rc;
    unsigned    i;
    weir_err_t  err;

    memset(f, 0, sizeof(weirctl_fleet_t));

    weir_arena_init(&f->arena, &weir_alloc_malloc, 0);

    f->ctl = ctl;
    f->ns = weir_str("weir");
    f->reason = o->reason != NULL ? o->reason : "";
    f->by = o->by;

    if (o->epoch != NULL) {

        if (weir_u64_parse((weir_str_t) { strlen(o->epoch),
                                          (const uint8_t *) o->epoch },
                           &f->epoch)
            != WEIR_OK)
        {
            return weirctl_error("invalid --epoch \"%s\"", o->epoch);
        }

        f->has_epoch = 1;
    }

    if (o->activate_at != NULL) {

        if (weir_time_parse(weir_cstr(o->activate_at), &f->activate_at)
            != WEIR_OK)
        {
            return weirctl_error("invalid --activate-at \"%s\"",
                                 o->activate_at);
        }

        f->has_activate_at = 1;
    }

    if (f->by == NULL) {
        weirctl_fleet_user(f);
        f->by = f->user;
    }

    rc = weirctl_fleet_signers(f, o);

    for (i = 0; rc == WEIRCTL_GO_ON && i < o->trust.n; i++) {

        if (strcmp(o->trust.items[i], "off") != 0) {
            rc = weirctl_fleet_trust(f, o->trust.items[i]);

        } else if (o->trust.n != 1) {
            rc = weirctl_error("--trust off beside another --trust");
        }
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    /* who is not told whom to believe believes himself */

    for (i = 0; o->trust.n == 0 && i < f->nsigners; i++) {
        if (weir_trust_add(&f->trust, &f->signers[i].pub, WEIR_ROLE_ALL,
                           &err)
            != WEIR_OK)
        {
            return weirctl_error("--sign-key: %s", err.text);
        }
    }

    f->checks = f->trust.nkeys != 0;
    f->trust.off = !f->checks;

    if (weir_trust_check(&f->trust, &err) != WEIR_OK) {
        return weirctl_error("--trust: %s", err.text);
    }

    return WEIRCTL_GO_ON;
}


void
weirctl_fleet_done(weirctl_fleet_t *f)
{
    unsigned  i;

    for (i = 0; i < f->nsigners; i++) {
        weir_signer_wipe(&f->signers[i]);
    }

    if (f->store != NULL) {
        f->store->ops->close(f->store);
    }

    free(f->words);
    weir_arena_done(&f->arena);
}


static int
weirctl_fleet_words(weirctl_fleet_t *f, const char *words)
{
    int         rc;
    char       *word, *save;
    weir_err_t  err;

    f->words = strdup(words);

    if (f->words == NULL) {
        return weirctl_nomem();
    }

    for (word = strtok_r(f->words, " \t", &save); word != NULL;
         word = strtok_r(NULL, " \t", &save))
    {
        if (f->url == NULL) {
            f->url = word;
            rc = weirctl_fleet_url(f, word);

        } else {
            rc = weirctl_fleet_word(f, word);
        }

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    if (f->url == NULL) {
        return weirctl_error("no store: --store is empty");
    }

    if (f->redis && weir_resp_conf_done(&f->conf, &err) != WEIR_OK) {
        return weirctl_error("%s", err.text);
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_fleet_url(weirctl_fleet_t *f, const char *word)
{
    weir_err_t  err;

    switch (weir_resp_conf_url(&f->conf, weir_cstr(word), &err)) {

    case WEIR_OK:
        f->redis = 1;
        return WEIRCTL_GO_ON;

    case WEIR_DECLINED:
        return WEIRCTL_GO_ON;

    default:
        return weirctl_error("%s", err.text);
    }
}


static int
weirctl_fleet_word(weirctl_fleet_t *f, char *word)
{
    size_t        len;
    weir_err_t    err;
    const char  **known;

    if (strncmp(word, "retain=", 7) == 0) {

        if (weir_duration_parse(weir_cstr(word + 7), &f->retain) != WEIR_OK
            || f->retain < 86400 * 1000LL)
        {
            return weirctl_error("invalid \"%s\": a day at least", word);
        }

        f->retain /= 1000;
        return WEIRCTL_GO_ON;
    }

    if (strncmp(word, "namespace=", 10) == 0) {
        f->ns = weir_cstr(word + 10);

        if (!weir_namespace_valid(f->ns)) {
            return weirctl_error("invalid namespace in \"%s\"", word);
        }

        if (!f->redis) {
            return WEIRCTL_GO_ON;
        }
    }

    if (f->redis) {
        switch (weir_resp_conf_option(&f->conf, weir_cstr(word), &err)) {

        case WEIR_OK:
            return WEIRCTL_GO_ON;

        case WEIR_DECLINED:
            return weirctl_error("unknown option \"%s\" of the store", word);

        default:
            return weirctl_error("%s", err.text);
        }
    }

    for (known = weirctl_store_words; *known != NULL; known++) {
        len = strlen(*known);

        if ((*known)[len - 1] == '=' ? strncmp(word, *known, len) == 0
                                     : strcmp(word, *known) == 0)
        {
            return WEIRCTL_GO_ON;
        }
    }

    return weirctl_error("unknown option \"%s\" of the store", word);
}


static int
weirctl_fleet_signers(weirctl_fleet_t *f, const weirctl_fleet_options_t *o)
{
    int          rc;
    unsigned     i;
    const char  *path;

    rc = WEIRCTL_GO_ON;

    for (i = 0; rc == WEIRCTL_GO_ON && i < o->keys.n; i++) {
        rc = weirctl_fleet_signer(f, o->keys.items[i]);
    }

    path = getenv("WEIR_SIGN_KEY");

    if (o->keys.n != 0 || path == NULL || path[0] == '\0') {
        return rc;
    }

    /* a key for signing need not be there for those who only look */

    if (o->reads && access(path, R_OK) != 0) {
        weirctl_note(f->ctl, "$WEIR_SIGN_KEY, %s, is not for you to read: it "
                     "verifies nothing here", path);
        return rc;
    }

    return weirctl_fleet_signer(f, path);
}


static int
weirctl_fleet_signer(weirctl_fleet_t *f, const char *path)
{
    int             rc;
    weir_err_t      err;
    weir_str_t      pem;
    weir_signer_t  *signer;

    if (f->nsigners == WEIRCTL_SIGNERS) {
        return weirctl_error("%s: at most %d keys sign", path,
                             WEIRCTL_SIGNERS);
    }

    rc = weirctl_read(path, WEIR_KEY_PEM_MAX, &pem);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    signer = &f->signers[f->nsigners];

    rc = weir_signer_parse(signer, pem, &err);

    memset((void *) pem.data, 0, pem.len);
    free((void *) pem.data);

    if (rc == WEIR_NOMEM) {
        return weirctl_nomem();
    }

    if (rc != WEIR_OK) {
        return weirctl_error("%s: %s", path, err.text);
    }

    f->nsigners++;

    return WEIRCTL_GO_ON;
}


/* The words of weir_trust: FILE... [may=...] [threshold=N]. */

static int
weirctl_fleet_trust(weirctl_fleet_t *f, const char *words)
{
    int          rc;
    char        *copy, *word, *save;
    uint64_t     n;
    unsigned     pass, roles, files;
    weir_err_t   err;
    weir_str_t   s;

    roles = WEIR_ROLE_ALL;
    files = 0;
    rc = WEIRCTL_GO_ON;

    /* what the keys may is known before they are added */

    for (pass = 0; rc == WEIRCTL_GO_ON && pass < 2; pass++) {
        copy = strdup(words);

        if (copy == NULL) {
            return weirctl_nomem();
        }

        for (word = strtok_r(copy, " \t", &save);
             rc == WEIRCTL_GO_ON && word != NULL;
             word = strtok_r(NULL, " \t", &save))
        {
            if (strncmp(word, "may=", 4) == 0) {
                s = weir_cstr(word + 4);

                if (weir_trust_may(s, &roles, &err) != WEIR_OK) {
                    rc = weirctl_error("--trust: %s", err.text);
                }

            } else if (strncmp(word, "threshold=", 10) == 0) {
                s = weir_cstr(word + 10);

                if (weir_u64_parse(s, &n) != WEIR_OK || n == 0
                    || n > WEIR_TRUST_KEYS)
                {
                    rc = weirctl_error("--trust: invalid \"%s\"", word);

                } else if (pass == 1) {
                    weir_trust_threshold(&f->trust, roles, (unsigned) n);
                }

            } else if (pass == 1) {
                files++;
                rc = weirctl_fleet_trusted(f, word, roles);
            }
        }

        free(copy);
    }

    if (rc == WEIRCTL_GO_ON && files == 0) {
        rc = weirctl_error("--trust names no file");
    }

    return rc;
}


static int
weirctl_fleet_trusted(weirctl_fleet_t *f, const char *path, unsigned roles)
{
    int                rc;
    weir_err_t         err;
    weir_str_t         pem;
    weir_public_key_t  pub;

    rc = weirctl_read(path, WEIR_KEY_PEM_MAX, &pem);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weir_public_key_parse(&pub, pem, &err);

    free((void *) pem.data);

    if (rc == WEIR_NOMEM) {
        return weirctl_nomem();
    }

    if (rc != WEIR_OK || weir_trust_add(&f->trust, &pub, roles, &err)
                         != WEIR_OK)
    {
        return weirctl_error("%s: %s", path, err.text);
    }

    return WEIRCTL_GO_ON;
}


/* It stands in signed documents: who it was, as far as a machine knows. */

static void
weirctl_fleet_user(weirctl_fleet_t *f)
{
    char            host[128];
    struct passwd  *pw;

    pw = getpwuid(getuid());

    if (gethostname(host, sizeof(host)) != 0) {
        host[0] = '\0';
    }

    host[sizeof(host) - 1] = '\0';

    snprintf(f->user, sizeof(f->user), "%.100s@%.127s",
             pw != NULL ? pw->pw_name : "unknown", host);

    if (!weir_utf8_valid((weir_str_t) { strlen(f->user),
                                        (const uint8_t *) f->user }))
    {
        snprintf(f->user, sizeof(f->user), "unknown");
    }
}


int
weirctl_nomem(void)
{
    return weirctl_error("out of memory");
}


int
weirctl_store_error(const weir_store_err_t *err)
{
    (void) weirctl_error("store: %s", err->err.text);

    switch (err->code) {

    case WEIR_STORE_NOMEM:
    case WEIR_STORE_INVALID:
        return WEIRCTL_USAGE;

    case WEIR_STORE_MISSING:
    case WEIR_STORE_CONFLICT:
    case WEIR_STORE_TOO_LARGE:
    case WEIR_STORE_CORRUPT:
        return WEIRCTL_NO;

    default:
        return WEIRCTL_STORE;
    }
}


int
weirctl_problem(json_t *problems, const char *where, uint64_t line,
    weir_refusal_e why, const char *text)
{
    json_t      *item;
    weir_str_t   word;

    word = weir_refusal_word(why);

    item = json_pack("{s:s, s:I, s:s%, s:s}", "where", where, "line",
                     (json_int_t) line, "reason", (char *) word.data,
                     word.len, "message", text);

    /* an error may quote what is no UTF-8 */

    if (item == NULL) {
        item = json_pack("{s:s, s:I, s:s%, s:s}", "where", where, "line",
                         (json_int_t) line, "reason", (char *) word.data,
                         word.len, "message", "");
    }

    return item == NULL || json_array_append_new(problems, item) != 0
           ? weirctl_nomem() : WEIRCTL_GO_ON;
}


void
weirctl_problem_print(const json_t *problem)
{
    long long  line;

    line = (long long) json_integer_value(json_object_get(problem, "line"));

    weirctl_print(stderr, "weirctl: %s",
                  json_string_value(json_object_get(problem, "where")));

    if (line != 0) {
        fprintf(stderr, ", entry %lld", line);
    }

    weirctl_print(stderr, ": %s: %s",
                  json_string_value(json_object_get(problem, "reason")),
                  json_string_value(json_object_get(problem, "message")));
    fprintf(stderr, "\n");
}


int64_t
weirctl_now(void)
{
    return (int64_t) time(NULL);
}


/* In ASCII; jansson does not count DEL among the controls. */

int
weirctl_print_json(json_t *json)
{
    char  *text, *p, *del;

    text = json == NULL ? NULL
           : json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);

    json_decref(json);

    if (text == NULL) {
        return weirctl_nomem();
    }

    for (p = text; (del = strchr(p, 0x7f)) != NULL; p = del + 1) {
        printf("%.*s\\u007F", (int) (del - p), p);
    }

    printf("%s\n", p);
    free(text);

    return WEIRCTL_GO_ON;
}


void
weirctl_hash(weirctl_hash_t *h, const uint8_t *hash)
{
    weir_hash_format((uint8_t *) h->text, hash);
    h->text[WEIR_HASH_TEXT] = '\0';
}


void
weirctl_time(weirctl_time_t *t, int64_t seconds)
{
    weir_time_format((uint8_t *) t->text, seconds);
    t->text[WEIR_TIME_LEN] = '\0';
}
