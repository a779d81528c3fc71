
/*
 * Weir: start and reload, in the master: the folders that workers write to,
 * and what is in effect when the first request comes: the store's, else what
 * was active before, else a snapshot, else weir_bundle, else nothing.  All of
 * it under the keys of now.  The master reads and writes nothing else: what
 * root writes the workers could not read.
 */

#include "ngx_http_weir_store.h"


#define NGX_HTTP_WEIR_STORE_WAIT  100       /* ms for a part, at most */


static void ngx_http_weir_store_another(ngx_http_weir_store_conf_t *sscf);
static void ngx_http_weir_store_folders(ngx_cycle_t *cycle,
    ngx_http_weir_store_conf_t *sscf);
static void ngx_http_weir_store_folder(ngx_cycle_t *cycle, u_char *name,
    ngx_uint_t access, ngx_uint_t adopt);
static void ngx_http_weir_store_foreign(ngx_http_weir_store_conf_t *sscf);
static ngx_uint_t ngx_http_weir_store_before(
    ngx_http_weir_store_round_t *round, ngx_http_weir_policy_info_t *info);
static ngx_int_t ngx_http_weir_store_use(ngx_http_weir_store_round_t *round,
    ngx_uint_t source, ngx_log_t *log);
static ngx_int_t ngx_http_weir_store_stays(ngx_http_weir_store_round_t *round,
    ngx_http_weir_policy_info_t *info, ngx_log_t *log);
static ngx_int_t ngx_http_weir_store_snapshots(
    ngx_http_weir_store_round_t *round, ngx_log_t *log);
static ngx_int_t ngx_http_weir_store_snapshot(
    ngx_http_weir_store_round_t *round, weir_state_t *state,
    const weir_state_entry_t *entry, ngx_log_t *log);
static ngx_uint_t ngx_http_weir_store_local(
    ngx_http_weir_store_round_t *round, ngx_log_t *log);
static void ngx_http_weir_store_boot_splits(
    ngx_http_weir_store_round_t *round, ngx_log_t *log);


void
ngx_http_weir_store_boot(ngx_cycle_t *cycle, ngx_http_weir_store_conf_t *sscf)
{
    ngx_log_t                    *log;
    ngx_uint_t                    verified, done;
    ngx_http_weir_store_zone_t   *z;
    ngx_http_weir_store_round_t  *round;
    ngx_http_weir_policy_info_t   before, info;

    log = cycle->log;
    z = ngx_http_weir_store_zone(sscf);

    ngx_memzero(&before, sizeof(ngx_http_weir_policy_info_t));

    /* from now on the keeper of before puts nothing into use */

    ngx_http_weir_zone_lock();
    ngx_http_weir_store_foreign(sscf);
    sscf->number = ++z->cycle;
    ngx_http_weir_zone_unlock();

    ngx_http_weir_store_another(sscf);

    ngx_http_weir_store_folders(cycle, sscf);
    ngx_http_weir_store_drain_boot(cycle, sscf);

    round = ngx_http_weir_store_round(sscf, 1);

    if (round == NULL) {
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "weir: no memory to look at the store");
        ngx_http_weir_policy_none(sscf->policy);
        ngx_http_weir_policy_own(sscf->policy, 0);
        return;
    }

    verified = ngx_http_weir_store_before(round, &before);

    ngx_http_weir_store_saved(round);
    ngx_http_weir_store_read(round);

    /* a Redis is asked by a worker, as soon as it can be reached */

    if (sscf->redis == NULL) {
        (void) ngx_http_weir_store_judge(round, log);
    }

    done = 0;

    if (round->head.verdict == NGX_HTTP_WEIR_STORE_NEW) {
        done = (ngx_http_weir_store_use(round, NGX_HTTP_WEIR_POLICY_STORE, log)
                == NGX_OK);

    } else if (round->head.verdict == NGX_HTTP_WEIR_STORE_KEEP) {
        ngx_http_weir_store_info(round, &round->head.accept,
                                 NGX_HTTP_WEIR_POLICY_STORE, &info);
        done = (ngx_http_weir_store_stays(round, &info, log) == NGX_OK);
    }

    if (!done && verified && round->info.source != NGX_HTTP_WEIR_POLICY_LOCAL)
    {
        done = (ngx_http_weir_store_stays(round, &before, log) == NGX_OK);
    }

    if (!done) {
        done = (ngx_http_weir_store_snapshots(round, log) == NGX_OK);
    }

    if (!done && ngx_http_weir_store_local(round, log)) {
        done = (ngx_http_weir_policy_local(cycle, sscf->policy) == NGX_OK);

        if (done) {
            ngx_log_error(NGX_LOG_NOTICE, log, 0, "weir: the policies of "
                          "\"weir_bundle\" are in effect");
        }
    }

    if (!done) {
        ngx_http_weir_policy_none(sscf->policy);

        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "weir: no bundle is in effect: what has a policy is "
                      "answered 503 until the store has one");
    }

    ngx_http_weir_store_boot_splits(round, log);

    ngx_http_weir_policy_own(sscf->policy, verified);

    ngx_http_weir_store_round_done(round);
}


/*
 * What a reload finds in the zone may have been said by another store, or on
 * another way to it.  What was accepted and the fences stay.
 */

static void
ngx_http_weir_store_another(ngx_http_weir_store_conf_t *sscf)
{
    ngx_uint_t                    i;
    ngx_http_weir_store_zone_t   *z;
    ngx_http_weir_split_live_t   *lives;
    ngx_http_weir_split_state_t  *state;

    z = ngx_http_weir_store_zone(sscf);

    ngx_http_weir_zone_lock();

    if (ngx_memcmp(z->words, sscf->words, WEIR_SHA256_LEN) == 0) {
        ngx_http_weir_zone_unlock();
        return;
    }

    ngx_memcpy(z->words, sscf->words, WEIR_SHA256_LEN);

    z->up = 0;
    z->contact = 0;
    z->error = 0;
    z->len = 0;
    z->nsaid = 0;
    z->why = WEIR_REFUSAL_NONE;

    lives = sscf->lives->elts;

    for (i = 0; i < sscf->lives->nelts; i++) {
        state = ngx_http_weir_split_live_state(&lives[i]);
        state->why = WEIR_REFUSAL_NONE;
    }

    ngx_http_weir_zone_unlock();

    ngx_http_weir_policy_refuse(sscf->policy, WEIR_REFUSAL_NONE, "", 0, 0);
}


/*
 * Of another namespace is all that the zone remembers: none of it counts for
 * this one.  Its keeper must not outlive that, so the cycle goes on.
 */

static void
ngx_http_weir_store_foreign(ngx_http_weir_store_conf_t *sscf)
{
    ngx_atomic_uint_t            cycle;
    ngx_http_weir_store_zone_t  *z;

    z = ngx_http_weir_store_zone(sscf);

    if (z->ns_len == sscf->ns.len
        && ngx_memcmp(z->ns, sscf->ns.data, z->ns_len) == 0)
    {
        return;
    }

    cycle = z->cycle;

    ngx_memzero(z, sizeof(ngx_http_weir_store_zone_t));

    z->cycle = cycle;
    z->ns_len = sscf->ns.len;
    ngx_memcpy(z->ns, sscf->ns.data, z->ns_len);
}


/* Whether what is active may be so under the keys of now; *info tells it. */

static ngx_uint_t
ngx_http_weir_store_before(ngx_http_weir_store_round_t *round,
    ngx_http_weir_policy_info_t *info)
{
    weir_str_t      raw, id;
    weir_err_t      err;
    weir_accept_t  *accept;
    weir_expect_t   x;

    if (!round->active || round->info.source == NGX_HTTP_WEIR_POLICY_LOCAL) {
        return 1;
    }

    accept = weir_arena_alloc(&round->arena, sizeof(weir_accept_t));

    raw.len = round->zone->raw_len;
    raw.data = round->zone->raw;
    raw = weir_arena_copy(&round->arena, raw);

    id = weir_str(WEIR_BUNDLE_ID);

    ngx_http_weir_store_expect(round, &x, WEIR_KIND_BUNDLE, id);

    if (accept == NULL || raw.data == NULL
        || weir_accept_again(accept, &round->arena, &x, raw, &err) != WEIR_OK
        || ngx_memcmp(accept->envelope.hash, round->info.hash,
                      NGX_HTTP_WEIR_POLICY_HASH)
           != 0)
    {
        return 0;
    }

    ngx_http_weir_store_info(round, accept, round->info.source, info);

    return 1;
}


/* Puts the round's image into use. */

static ngx_int_t
ngx_http_weir_store_use(ngx_http_weir_store_round_t *round, ngx_uint_t source,
    ngx_log_t *log)
{
    ngx_uint_t  tries;

    for (tries = 0; tries < NGX_HTTP_WEIR_STORE_WAIT; tries++) {

        if (ngx_http_weir_policy_reserve(round->conf->policy, &round->part)
            == NGX_OK)
        {
            round->reserved = 1;
            break;
        }

        ngx_msleep(1);
    }

    if (!round->reserved) {
        ngx_log_error(NGX_LOG_CRIT, log, 0, "weir: all generations are in "
                      "use, the bundle of the store has to wait");
        return NGX_ERROR;
    }

    if (ngx_http_weir_policy_fill(&round->part, round->image, round->size)
        != NGX_OK
        || ngx_http_weir_store_activate(round, source, log) != NGX_OK)
    {
        ngx_http_weir_policy_release(round->conf->policy, &round->part);
        round->reserved = 0;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * What is active stays, if it serves this configuration: a policy that it
 * lacks is answered 503, an issuer that it means and that is none is more
 * than that.
 */

static ngx_int_t
ngx_http_weir_store_stays(ngx_http_weir_store_round_t *round,
    ngx_http_weir_policy_info_t *info, ngx_log_t *log)
{
    ngx_uint_t  why;
    weir_err_t  err;

    err.text[0] = '\0';

    why = ngx_http_weir_policy_active_fits(round->conf->policy, 1, &err);

    if (why != WEIR_REFUSAL_NONE) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "weir: version %uL of the bundle, which was in effect, "
                      "does not fit this configuration: %s: %s",
                      info->version, weir_refusal_word(why).data, err.text);
        return NGX_DECLINED;
    }

    if (err.text[0]) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "weir: version %uL of the bundle is in effect, and %s: "
                      "its requests are answered 503", info->version,
                      err.text);
    }

    ngx_http_weir_zone_lock();
    ngx_http_weir_policy_relabel(round->conf->policy, info);
    ngx_http_weir_zone_unlock();

    return NGX_OK;
}


static ngx_int_t
ngx_http_weir_store_snapshots(ngx_http_weir_store_round_t *round,
    ngx_log_t *log)
{
    uint32_t            i, n;
    ngx_int_t           rc;
    weir_state_t       *state;
    weir_store_err_t    err;
    weir_store_code_e   code;
    weir_state_entry_t  entries[WEIR_STATE_BUNDLES];

    code = weir_state_open(&state, &weir_alloc_malloc,
                           (char *) round->conf->state.data, round->now, &err);

    if (code != WEIR_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "weir: no snapshot can be read "
                      "from \"%V\": %s", &round->conf->state, err.err.text);
        return NGX_ERROR;
    }

    rc = NGX_DECLINED;
    n = 0;

    code = weir_state_bundles(state, entries, &n, &err);

    if (code != WEIR_STORE_OK && code != WEIR_STORE_MISSING) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "weir: no snapshot can be read "
                      "from \"%V\": %s", &round->conf->state, err.err.text);
        n = 0;
    }

    for (i = 0; i < n && rc != NGX_OK; i++) {
        rc = ngx_http_weir_store_snapshot(round, state, &entries[i], log);
    }

    weir_state_close(state);

    return rc;
}


static ngx_int_t
ngx_http_weir_store_snapshot(ngx_http_weir_store_round_t *round,
    weir_state_t *state, const weir_state_entry_t *entry, ngx_log_t *log)
{
    int                           rc;
    weir_str_t                    id, why;
    weir_expect_t                 x;
    weir_store_err_t              err;
    weir_store_code_e             code;
    weir_state_bundle_t           bundle;
    ngx_http_weir_store_found_t  *head;

    head = &round->head;
    ngx_memzero(head, sizeof(ngx_http_weir_store_found_t));

    code = weir_state_load(state, &round->arena, entry,
                           WEIR_BUNDLE_MAX + WEIR_ENVELOPE_MAX, &bundle, &err);

    if (code != WEIR_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "weir: a snapshot is refused: %s: %s",
                      weir_store_word(code), err.err.text);
        goto failed;
    }

    id = weir_str(WEIR_BUNDLE_ID);

    ngx_http_weir_store_expect(round, &x, WEIR_KIND_BUNDLE, id);

    rc = weir_accept_again(&head->accept, &round->arena, &x, bundle.head,
                           &head->err);

    if (rc == WEIR_OK && !head->accept.tombstone) {
        head->raw = bundle.head;
        round->segments = (weir_store_segment_t *) bundle.segments;
        round->nsegments = bundle.nsegments;

        if (ngx_http_weir_store_image(round, 1) == NGX_OK) {

            if (head->err.text[0]) {
                ngx_log_error(NGX_LOG_WARN, log, 0,
                              "weir: version %uL of the bundle is in effect, "
                              "and %s: its requests are answered 503",
                              head->accept.doc.version, head->err.text);
            }

            return ngx_http_weir_store_use(round,
                                           NGX_HTTP_WEIR_POLICY_SNAPSHOT, log);
        }

    } else {
        head->why = head->accept.why;
    }

    why = weir_refusal_word(head->why);

    ngx_log_error(NGX_LOG_ERR, log, 0, "weir: a snapshot is refused: %s: %s",
                  why.data, head->err.text);

failed:

    ngx_http_weir_store_count(round->zone, NGX_HTTP_WEIR_STORE_SNAPSHOT);

    return NGX_DECLINED;
}


/*
 * Whether weir_bundle may be used, which nobody signed: beside a Redis only
 * before anything signed was accepted.  A fence that cannot be read does not
 * say that nothing was.
 */

static ngx_uint_t
ngx_http_weir_store_local(ngx_http_weir_store_round_t *round, ngx_log_t *log)
{
    weir_expect_t  x;

    if (round->conf->redis == NULL) {
        return 1;
    }

    if (ngx_http_weir_policy_bootstrap(round->conf->policy) != NGX_OK) {
        return 0;
    }

    ngx_http_weir_store_expect(round, &x, WEIR_KIND_BUNDLE,
                               weir_str(WEIR_BUNDLE_ID));

    if (x.fence == NULL && !round->fence_bad) {
        return 1;
    }

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "weir: \"weir_bundle\" is not used: %s",
                  round->fence_bad ? "the fence cannot be read"
                                   : "a signed bundle was accepted before");

    return 0;
}


/* Live weights: the store's, else those in effect, else the saved ones. */

static void
ngx_http_weir_store_boot_splits(ngx_http_weir_store_round_t *round,
    ngx_log_t *log)
{
    ngx_uint_t                    i;
    weir_str_t                    kind, name, raw;
    weir_state_t                 *state;
    weir_store_code_e             rc;
    ngx_http_weir_store_found_t  *found;
    ngx_http_weir_store_split_t  *split;

    (void) ngx_http_weir_store_splits_apply(round, log);

    if (round->nsplits == 0
        || weir_state_open(&state, &weir_alloc_malloc,
                           (char *) round->conf->state.data, round->now, NULL)
           != WEIR_STORE_OK)
    {
        state = NULL;
    }

    kind = weir_kind_word(WEIR_KIND_SPLIT);

    for (i = 0; i < round->nsplits; i++) {
        split = &round->splits[i];
        found = &split->found;

        if (found->verdict == NGX_HTTP_WEIR_STORE_NEW
            || found->verdict == NGX_HTTP_WEIR_STORE_KEEP)
        {
            continue;
        }

        if (split->state->applied) {

            raw.len = split->state->raw_len;
            raw.data = split->state->raw;

            found->raw = weir_arena_copy(&round->arena, raw);

            if (found->raw.data
                && ngx_http_weir_store_split_again(round, split) == NGX_OK)
            {
                continue;
            }

            ngx_http_weir_zone_lock();
            split->state->applied = 0;
            ngx_http_weir_split_live_set(split->live, NULL);
            ngx_http_weir_zone_unlock();
        }

        if (state == NULL) {
            continue;
        }

        name = ngx_http_weir_str(&split->live->name);

        rc = weir_state_live(state, &round->arena, kind, name,
                             WEIR_ENVELOPE_MAX, &found->raw, NULL);

        if (rc == WEIR_STORE_MISSING) {
            continue;
        }

        if (rc == WEIR_STORE_OK
            && ngx_http_weir_store_split_again(round, split) == NGX_OK)
        {
            ngx_http_weir_store_split_apply(split, 0, log);
            continue;
        }

        ngx_http_weir_store_count(round->zone, NGX_HTTP_WEIR_STORE_SNAPSHOT);

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "weir: the saved live weights of split \"%V\" are "
                      "refused: %s: %s", &split->live->name,
                      rc == WEIR_STORE_OK
                      ? (const char *)
                        weir_refusal_word(found->accept.why
                                          ? found->accept.why
                                          : found->why).data
                      : weir_store_word(rc), found->err.text);
    }

    if (state) {
        weir_state_close(state);
    }
}


/* As nginx makes its own: by the master, for the user of the workers. */

static void
ngx_http_weir_store_folders(ngx_cycle_t *cycle,
    ngx_http_weir_store_conf_t *sscf)
{
    u_char           *name;
    size_t            len;
    ngx_file_info_t   fi;

    if (ngx_create_full_path(sscf->state.data, 0755) != 0) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                      ngx_create_dir_n " above \"%V\" failed", &sscf->state);
    }

    ngx_http_weir_store_folder(cycle, sscf->state.data, 0700, 1);

    if (sscf->dir == NULL) {
        return;
    }

    len = ngx_max(ngx_strlen(sscf->dir), sscf->state.len);

    name = ngx_alloc(len + sizeof("/gateways"), cycle->log);
    if (name == NULL) {
        return;
    }

    /*
     * The store's own folder only where nothing was ever taken from it: later
     * an empty one in place of one that is away would hide that.
     */

    (void) ngx_sprintf(name, "%V/fence%Z", &sscf->state);

    if (ngx_file_info(name, &fi) == NGX_FILE_ERROR
        && ngx_errno == NGX_ENOENT
        && !ngx_http_weir_store_zone(sscf)->known)
    {
        (void) ngx_sprintf(name, "%s%Z", sscf->dir);
        ngx_http_weir_store_folder(cycle, name, 0755, 0);
    }

    (void) ngx_sprintf(name, "%s%Z", sscf->dir);

    if (ngx_file_info(name, &fi) != NGX_FILE_ERROR) {
        (void) ngx_sprintf(name, "%s/gateways%Z", sscf->dir);
        ngx_http_weir_store_folder(cycle, name, 0755, 1);
    }

    ngx_free(name);
}


/*
 * adopt: it is given to the workers' user also where it was there.  By its
 * descriptor: who may write beside it could have put a link in its place.
 */

static void
ngx_http_weir_store_folder(ngx_cycle_t *cycle, u_char *name,
    ngx_uint_t access, ngx_uint_t adopt)
{
    ngx_fd_t          fd;
    ngx_uint_t        made;
    ngx_core_conf_t  *ccf;
    ngx_file_info_t   fi;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    made = (ngx_create_dir(name, access) != NGX_FILE_ERROR);

    if (!made && ngx_errno != NGX_EEXIST) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                      ngx_create_dir_n " \"%s\" failed", name);
        return;
    }

    if (geteuid() != 0 || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT
        || (!made && !adopt))
    {
        return;
    }

    fd = open((char *) name, O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);

    if (fd == -1) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                      ngx_open_file_n " \"%s\" failed", name);
        return;
    }

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR
        || (fi.st_uid != ccf->user && fchown(fd, ccf->user, -1) == -1))
    {
        ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                      "chown() \"%s\" failed", name);
    }

    (void) close(fd);
}
