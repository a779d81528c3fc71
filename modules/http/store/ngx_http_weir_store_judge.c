
/*
 * Weir: what a round found, told to people: once when it changes in the log,
 * each time in counters, and as it stands in status.  And the one step that
 * puts a bundle into use.
 */

#include "ngx_http_weir_store.h"
#include "weir_time.h"


static ngx_uint_t ngx_http_weir_store_contact(
    ngx_http_weir_store_round_t *round, ngx_log_t *log);
static ngx_uint_t ngx_http_weir_store_said(
    ngx_http_weir_store_round_t *round);
static ngx_uint_t ngx_http_weir_store_fence_told(
    ngx_http_weir_store_round_t *round, ngx_log_t *log);
static ngx_uint_t ngx_http_weir_store_head_told(
    ngx_http_weir_store_round_t *round, ngx_log_t *log);
static ngx_uint_t ngx_http_weir_store_waiting(
    ngx_http_weir_store_round_t *round, ngx_log_t *log);
static void ngx_http_weir_store_raw(ngx_http_weir_store_round_t *round);


static const char  *ngx_http_weir_store_words[] = {
    "persist", "fence", "snapshot", "report"
};


const char *
ngx_http_weir_store_error_word(ngx_uint_t n)
{
    if (n < NGX_HTTP_WEIR_STORE_PERSIST) {
        return weir_store_word(n);
    }

    if (n < NGX_HTTP_WEIR_STORE_REFUSED) {
        return ngx_http_weir_store_words[n - NGX_HTTP_WEIR_STORE_PERSIST];
    }

    return (const char *)
           weir_refusal_word(n - NGX_HTTP_WEIR_STORE_REFUSED).data;
}


void
ngx_http_weir_store_count(ngx_http_weir_store_zone_t *z, ngx_uint_t n)
{
    ngx_http_weir_zone_lock();
    z->errors[n]++;
    ngx_http_weir_zone_unlock();
}


void
ngx_http_weir_store_alarm(ngx_http_weir_store_zone_t *z, ngx_uint_t which,
    const char *text)
{
    ngx_http_weir_zone_lock();

    z->alarm = which;
    z->alarm_len = ngx_min(ngx_strlen(text), NGX_HTTP_WEIR_STORE_ERROR);
    ngx_memcpy(z->alarm_text, text, z->alarm_len);

    ngx_http_weir_zone_unlock();
}


ngx_uint_t
ngx_http_weir_store_holds(ngx_http_weir_store_conf_t *sscf)
{
    ngx_http_weir_store_zone_t  *z;

    z = ngx_http_weir_store_zone(sscf);

    return z->cycle == sscf->number && z->keeper == sscf->number
           && z->pid == (ngx_atomic_uint_t) ngx_pid;
}


/* Returns 1 if something changed that is to be reported. */

ngx_uint_t
ngx_http_weir_store_judge(ngx_http_weir_store_round_t *round, ngx_log_t *log)
{
    ngx_uint_t  changed;

    changed = ngx_http_weir_store_contact(round, log);
    changed |= ngx_http_weir_store_fence_told(round, log);

    if (round->code == WEIR_STORE_OK) {
        changed |= ngx_http_weir_store_head_told(round, log);
    }

    return changed;
}


static ngx_uint_t
ngx_http_weir_store_contact(ngx_http_weir_store_round_t *round, ngx_log_t *log)
{
    ngx_uint_t                   up, error, was;
    ngx_http_weir_store_zone_t  *z;

    z = round->zone;

    up = (round->code == WEIR_STORE_OK) ? 1 : 2;
    error = round->code;

    ngx_http_weir_zone_lock();

    was = (up == 1) ? z->up == 1 : ngx_http_weir_store_said(round);

    if (up == 1) {
        z->contact = round->now;
        z->nsaid = 0;

        if (z->up == 2) {
            z->error = 0;
            z->len = 0;
        }

    } else {
        z->errors[error]++;
        z->error = error;
        z->len = ngx_min(ngx_strlen(round->err.err.text),
                         NGX_HTTP_WEIR_STORE_ERROR);
        ngx_memcpy(z->message, round->err.err.text, z->len);
    }

    z->up = up;

    ngx_http_weir_zone_unlock();

    if (was) {
        return 0;
    }

    if (up == 1) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0, "weir: the store \"%V\" answers",
                      &round->conf->url);

    } else {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "weir: the store \"%V\" does not answer: %s: %s; what "
                      "is in effect stays", &round->conf->url,
                      weir_store_word(round->code), round->err.err.text);
    }

    return 1;
}


/*
 * 1 if this reason was logged in this outage.  What stands before it, a place
 * or a file, does not count: Sentinels and nodes are asked in turn.
 */

static ngx_uint_t
ngx_http_weir_store_said(ngx_http_weir_store_round_t *round)
{
    u_char                      *text, *p;
    uint32_t                     hash;
    ngx_uint_t                   i;
    ngx_http_weir_store_zone_t  *z;

    z = round->zone;

    text = (u_char *) round->err.err.text;
    p = (u_char *) ngx_strstr(text, ": ");

    if (p) {
        text = p;
    }

    hash = ngx_crc32_long(text, ngx_strlen(text)) + round->code;

    for (i = 0; i < z->nsaid; i++) {
        if (z->said[i] == hash) {
            return 1;
        }
    }

    if (z->nsaid == NGX_HTTP_WEIR_STORE_SAID) {
        return 1;
    }

    z->said[z->nsaid++] = hash;

    return 0;
}


/* A fence that cannot be read: the zone's, and what is saved next, hold. */

static ngx_uint_t
ngx_http_weir_store_fence_told(ngx_http_weir_store_round_t *round,
    ngx_log_t *log)
{
    ngx_http_weir_store_zone_t  *z;

    z = round->zone;

    if (!round->fence_bad) {

        if (z->alarm == NGX_HTTP_WEIR_STORE_FENCE) {
            ngx_http_weir_store_alarm(z, 0, "");

            ngx_log_error(NGX_LOG_NOTICE, log, 0, "weir: the fence in \"%V\" "
                          "is readable again", &round->conf->state);
            return 1;
        }

        return 0;
    }

    ngx_http_weir_store_count(z, NGX_HTTP_WEIR_STORE_FENCE);

    if (z->alarm) {
        return 0;
    }

    ngx_http_weir_store_alarm(z, NGX_HTTP_WEIR_STORE_FENCE,
                              round->fence_err.err.text);

    ngx_log_error(NGX_LOG_CRIT, log, 0,
                  "weir: the fence in \"%V\" is not readable: %s: %s",
                  &round->conf->state, weir_store_word(round->fence_err.code),
                  round->fence_err.err.text);

    return 1;
}


static ngx_uint_t
ngx_http_weir_store_head_told(ngx_http_weir_store_round_t *round,
    ngx_log_t *log)
{
    uint64_t                      version;
    ngx_uint_t                    same, waits;
    ngx_http_weir_store_zone_t   *z;
    ngx_http_weir_policy_info_t   info;
    ngx_http_weir_store_found_t  *head;

    z = round->zone;
    head = &round->head;

    waits = ngx_http_weir_store_waiting(round, log);

    if (head->verdict == NGX_HTTP_WEIR_STORE_NEW) {
        return 0;
    }

    if (head->verdict == NGX_HTTP_WEIR_STORE_REFUSE) {

        same = (z->why == head->why
                && ngx_memcmp(z->seen, head->seen, WEIR_SHA256_LEN) == 0);

        if (round->wants) {
            z->pause = same ? ngx_min(z->pause * 2, NGX_HTTP_WEIR_STORE_PAUSE)
                            : round->conf->poll;
            z->again = ngx_http_weir_monotonic() + z->pause * 1000000ull;
        }

        if (same) {
            return 0;
        }

        version = head->accept.parsed ? head->accept.doc.version : 0;

        ngx_http_weir_policy_refuse(round->conf->policy, head->why,
                                    head->err.text, version, 1);

        ngx_http_weir_zone_lock();
        z->why = head->why;
        z->final = head->final;
        ngx_memcpy(z->seen, head->seen, WEIR_SHA256_LEN);
        ngx_http_weir_zone_unlock();

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "weir: the bundle in the store is refused: %s: %s; "
                      "the policies in effect stay",
                      weir_refusal_word(head->why).data, head->err.text);
        return 1;
    }

    same = (z->why == WEIR_REFUSAL_NONE);

    z->why = WEIR_REFUSAL_NONE;

    ngx_http_weir_policy_refuse(round->conf->policy, WEIR_REFUSAL_NONE, "", 0,
                                0);

    if (head->verdict == NGX_HTTP_WEIR_STORE_KEEP
        && round->info.source == NGX_HTTP_WEIR_POLICY_SNAPSHOT)
    {
        ngx_http_weir_store_info(round, &head->accept,
                                 NGX_HTTP_WEIR_POLICY_STORE, &info);

        ngx_http_weir_zone_lock();

        if (ngx_http_weir_store_holds(round->conf)) {
            ngx_http_weir_policy_relabel(round->conf->policy, &info);
        }

        ngx_http_weir_zone_unlock();

        same = 0;
    }

    if (!same) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      head->verdict == NGX_HTTP_WEIR_STORE_KEEP
                      ? "weir: the store agrees with the policies in effect"
                      : "weir: no bundle in the store is refused any more");
    }

    return !same || waits;
}


/* A bundle that is accepted, and not in effect yet; 1: that changed. */

static ngx_uint_t
ngx_http_weir_store_waiting(ngx_http_weir_store_round_t *round, ngx_log_t *log)
{
    u_char                       at[WEIR_TIME_LEN];
    uint64_t                     version;
    ngx_uint_t                   changed;
    weir_document_t             *doc;
    ngx_http_weir_store_zone_t  *z;

    z = round->zone;
    doc = &round->head.accept.doc;

    version = round->head.verdict == NGX_HTTP_WEIR_STORE_WAIT ? doc->version
                                                              : 0;
    changed = (z->waiting != version);

    ngx_http_weir_zone_lock();
    z->waiting = version;
    z->waits = version ? doc->activate_at : 0;

    if (version && round->waits) {
        ngx_memcpy(z->tried_head, round->head.seen, WEIR_SHA256_LEN);
    }

    ngx_http_weir_zone_unlock();

    if (changed && version) {
        weir_time_format(at, doc->activate_at);

        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "weir: version %uL of the bundle waits until %*s",
                      version, (size_t) WEIR_TIME_LEN, at);
    }

    return changed;
}


void
ngx_http_weir_store_info(ngx_http_weir_store_round_t *round,
    const weir_accept_t *accept, ngx_uint_t source,
    ngx_http_weir_policy_info_t *info)
{
    ngx_memzero(info, sizeof(ngx_http_weir_policy_info_t));

    ngx_memcpy(info->hash, accept->envelope.hash, NGX_HTTP_WEIR_POLICY_HASH);
    info->version = accept->doc.version;
    info->epoch = accept->doc.epoch;
    info->source = source;
    info->is_signed = accept->good != 0;
    info->trust = round->conf->trust.off ? NGX_HTTP_WEIR_POLICY_TRUST_OFF
                                         : NGX_HTTP_WEIR_POLICY_TRUST_KEYS;
}


ngx_int_t
ngx_http_weir_store_activate(ngx_http_weir_store_round_t *round,
    ngx_uint_t source, ngx_log_t *log)
{
    u_char                        hash[12];
    ngx_uint_t                    holds;
    ngx_http_weir_store_zone_t   *z;
    ngx_http_weir_policy_info_t   info;
    ngx_http_weir_store_found_t  *head;

    z = round->zone;
    head = &round->head;

    ngx_http_weir_store_info(round, &head->accept, source, &info);

    ngx_http_weir_zone_lock();

    holds = round->master ? z->cycle == round->conf->number
                          : ngx_http_weir_store_holds(round->conf);

    if (holds) {
        ngx_http_weir_policy_commit(round->conf->policy, &round->part,
                                    round->size, &info);
        round->reserved = 0;

        ngx_http_weir_store_raw(round);
    }

    ngx_http_weir_zone_unlock();

    if (!holds) {
        return NGX_DECLINED;
    }

    if (source == NGX_HTTP_WEIR_POLICY_STORE) {
        z->why = WEIR_REFUSAL_NONE;
        ngx_http_weir_policy_refuse(round->conf->policy, WEIR_REFUSAL_NONE,
                                    "", 0, 0);
    }

    (void) ngx_hex_dump(hash, info.hash, 6);

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "weir: version %uL of the bundle is in effect, from the "
                  "%s, sha256:%*s..., %s", info.version,
                  source == NGX_HTTP_WEIR_POLICY_STORE ? "store" : "snapshot",
                  (size_t) 12, hash, info.is_signed ? "signed" : "not signed");

    return NGX_OK;
}


/* What is active, so that a reload can ask its keys again; and its fence. */

static void
ngx_http_weir_store_raw(ngx_http_weir_store_round_t *round)
{
    ngx_http_weir_store_zone_t   *z;
    ngx_http_weir_store_found_t  *head;

    z = round->zone;
    head = &round->head;

    z->raw_len = 0;
    ngx_memcpy(z->raw, head->raw.data, head->raw.len);
    z->raw_len = head->raw.len;

    if (!z->known || weir_fence_cmp(&z->fence, &head->accept.fence) < 0) {
        z->fence = head->accept.fence;
        z->fence.name.len = 0;
        z->fence.name.data = NULL;
        z->known = 1;
    }
}
