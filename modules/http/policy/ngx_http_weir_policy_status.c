
/*
 * Weir: decisions and the bundle, in variables, metrics and weir_api.
 */

#include "ngx_http_weir_policy_internal.h"


#define NGX_HTTP_WEIR_POLICY_HASH_TEXT                                        \
    (sizeof("sha256:") - 1 + 2 * NGX_HTTP_WEIR_POLICY_HASH)


static ngx_int_t ngx_http_weir_policy_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_weir_policy_metrics(ngx_cycle_t *cycle,
    ngx_http_weir_text_t *t);
static ngx_int_t ngx_http_weir_policy_api(ngx_cycle_t *cycle, json_t *root);
static void ngx_http_weir_policy_hash_text(u_char *text, const u_char *hash);
static const char *ngx_http_weir_policy_unready(ngx_cycle_t *cycle);
static void ngx_http_weir_policy_candidates(
    ngx_http_weir_policy_main_conf_t *mcf, ngx_http_weir_text_t *t);
static ngx_uint_t ngx_http_weir_policy_asked(
    ngx_http_weir_policy_main_conf_t *mcf, ngx_http_weir_policy_use_t *use);
static const char *ngx_http_weir_policy_verdict(ngx_uint_t reason);
static size_t ngx_http_weir_policy_utf8(ngx_str_t *s);


ngx_http_weir_provider_t  ngx_http_weir_policy_provider = {
    ngx_http_weir_policy_metrics,
    ngx_http_weir_policy_api,
    ngx_http_weir_policy_unready
};


static ngx_http_variable_t  ngx_http_weir_policy_vars[] = {

    { ngx_string("weir_rule"), NULL, ngx_http_weir_policy_variable,
      offsetof(ngx_http_weir_ctx_t, rule), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("weir_bundle"), NULL, ngx_http_weir_policy_variable,
      offsetof(ngx_http_weir_ctx_t, bundle), NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/*
 * The reasons of decisions; the rest are the gate's.  The first are of
 * AuthZEN's questions alone, which are not of a request that the gate has.
 */

static const ngx_uint_t  ngx_http_weir_policy_reasons[] = {
    WEIR_POLICY_AMBIGUOUS_PATH,
    WEIR_POLICY_AMBIGUOUS_HOST,
    WEIR_POLICY_AMBIGUOUS_REQUEST,
    WEIR_POLICY_PERMIT_RULE,
    WEIR_POLICY_DENY_RULE,
    WEIR_POLICY_DENY_UNKNOWN,
    WEIR_POLICY_DEFAULT_DENY,
    WEIR_POLICY_NO_BUNDLE,
    WEIR_POLICY_NO_POLICY,
    WEIR_POLICY_FAILED
};

#define NGX_HTTP_WEIR_POLICY_NASKED  3

#define NGX_HTTP_WEIR_POLICY_NREASONS                                         \
    (sizeof(ngx_http_weir_policy_reasons) / sizeof(ngx_uint_t))


ngx_int_t
ngx_http_weir_policy_variables(ngx_conf_t *cf)
{
    return ngx_http_weir_variables_add(cf, ngx_http_weir_policy_vars);
}


/* Not set is empty. */

static ngx_int_t
ngx_http_weir_policy_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t            *s;
    ngx_http_weir_ctx_t  *ctx;

    v->len = 0;
    v->data = (u_char *) "";
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    ctx = ngx_http_weir_ctx_get(r);

    if (ctx) {
        s = (ngx_str_t *) ((u_char *) ctx + data);

        if (s->len) {
            v->len = s->len;
            v->data = s->data;
        }
    }

    return NGX_OK;
}


static void
ngx_http_weir_policy_metrics(ngx_cycle_t *cycle, ngx_http_weir_text_t *t)
{
    uint64_t                            n;
    ngx_uint_t                          i, k, reason;
    ngx_http_weir_policy_use_t        **uses;
    ngx_http_weir_policy_main_conf_t   *mcf;
    ngx_http_weir_policy_generation_t   g;

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_policy_module);
    uses = mcf->policies.elts;

    ngx_http_weir_family(t, "weir_policy_decisions", "counter", NULL,
                         "Decisions by policy, verdict and reason.");

    for (i = 0; i < mcf->policies.nelts; i++) {

        k = ngx_http_weir_policy_asked(mcf, uses[i])
            ? 0 : NGX_HTTP_WEIR_POLICY_NASKED;

        for ( /* void */ ; k < NGX_HTTP_WEIR_POLICY_NREASONS; k++) {

            reason = ngx_http_weir_policy_reasons[k];
            n = ngx_http_weir_slab_sum(uses[i]->counters,
                                       reason * sizeof(uint64_t));

            ngx_http_weir_text(t, "weir_policy_decisions_total{policy=\"%V\","
                               "verdict=\"%s\",reason=\"%s\"} %uL\n",
                               &uses[i]->name,
                               ngx_http_weir_policy_verdict(reason),
                               weir_policy_reason_name(reason), n);
        }
    }

    ngx_http_weir_family(t, "weir_policy_shadow", "counter", NULL,
                         "Decisions that shadow rules, or a policy in shadow, "
                         "would have changed, by what to.");

    for (i = 0; i < mcf->policies.nelts; i++) {
        for (k = 0; k < 2; k++) {
            n = ngx_http_weir_slab_sum(uses[i]->counters,
                                       (NGX_HTTP_WEIR_POLICY_SHADOW + k)
                                       * sizeof(uint64_t));

            ngx_http_weir_text(t, "weir_policy_shadow_total{policy=\"%V\","
                               "verdict=\"%s\"} %uL\n", &uses[i]->name,
                               k == WEIR_POLICY_PERMIT ? "permit" : "deny", n);
        }
    }

    ngx_http_weir_policy_candidates(mcf, t);

    if (ngx_http_weir_policy_generation(mcf, &g) != NGX_OK) {
        return;
    }

    if (g.active) {
        ngx_http_weir_family(t, "weir_bundle_version", "gauge", NULL,
                             "Version of the active bundle; 0 is a local "
                             "one.");
        ngx_http_weir_text(t, "weir_bundle_version %uL\n", g.info.version);
    }

    ngx_http_weir_family(t, "weir_bundle_rejected", "counter", NULL,
                         "Bundles that were refused, by reason.");

    for (k = 1; k < WEIR_REFUSALS; k++) {

        /* what is local is not signed */

        if (!mcf->foreign && k < WEIR_REFUSAL_TOO_LARGE) {
            continue;
        }

        ngx_http_weir_text(t, "weir_bundle_rejected_total{reason=\"%s\"} "
                           "%uL\n", weir_refusal_word(k).data, g.rejected[k]);
    }
}


static void
ngx_http_weir_policy_candidates(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_text_t *t)
{
    uint64_t                      n;
    ngx_uint_t                    i, k;
    ngx_http_weir_policy_use_t  **uses;

    if (mcf->candidate.image == NULL) {
        return;
    }

    uses = mcf->policies.elts;

    ngx_http_weir_family(t, "weir_policy_candidate", "counter", NULL,
                         "Decisions that the candidate would have changed, by "
                         "what to.");

    for (i = 0; i < mcf->policies.nelts; i++) {
        for (k = 0; k < 2; k++) {
            n = ngx_http_weir_slab_sum(uses[i]->counters,
                                       (NGX_HTTP_WEIR_POLICY_CANDIDATE + k)
                                       * sizeof(uint64_t));

            ngx_http_weir_text(t, "weir_policy_candidate_total{policy=\"%V\","
                               "verdict=\"%s\"} %uL\n", &uses[i]->name,
                               k == WEIR_POLICY_PERMIT ? "permit" : "deny", n);
        }
    }
}


/* 1: by AuthZEN. */

static ngx_uint_t
ngx_http_weir_policy_asked(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_http_weir_policy_use_t *use)
{
    ngx_uint_t                      i;
    ngx_http_weir_policy_asked_t  **asked;

    asked = mcf->asked.elts;

    for (i = 0; i < mcf->asked.nelts; i++) {
        if (asked[i]->use == use && asked[i]->any) {
            return 1;
        }
    }

    return 0;
}


static const char *
ngx_http_weir_policy_verdict(ngx_uint_t reason)
{
    switch (reason) {

    case WEIR_POLICY_PERMIT_RULE:
        return "permit";

    case WEIR_POLICY_NO_BUNDLE:
    case WEIR_POLICY_NO_POLICY:
    case WEIR_POLICY_FAILED:
        return "error";

    default:
        return "deny";
    }
}


/* The length without what a cut left of a last character. */

static size_t
ngx_http_weir_policy_utf8(ngx_str_t *s)
{
    weir_str_t  w;

    w = ngx_http_weir_str(s);

    while (w.len && !weir_utf8_valid(w)) {
        w.len--;
    }

    return w.len;
}


static ngx_int_t
ngx_http_weir_policy_api(ngx_cycle_t *cycle, json_t *root)
{
    u_char                              hash[NGX_HTTP_WEIR_POLICY_HASH_TEXT];
    u_char                              at[sizeof("1970-01-01T00:00:00Z")];
    json_t                             *bundle, *candidate, *error;
    ngx_tm_t                            tm;
    ngx_http_weir_policy_main_conf_t   *mcf;
    ngx_http_weir_policy_generation_t   g;

    static const char  *sources[] = { "local", "store", "snapshot" };
    static const char  *trusts[] = { "none", "keys", "off" };

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_policy_module);

    ngx_memzero(&g, sizeof(ngx_http_weir_policy_generation_t));

    (void) ngx_http_weir_policy_generation(mcf, &g);

    error = json_null();

    if (g.error.len) {
        error = json_pack("{s:s%,s:s%,s:I}", "reason",
                          (char *) g.error.data, g.error.len,
                          "message", (char *) g.message.data,
                          ngx_http_weir_policy_utf8(&g.message),
                          "version", (json_int_t) g.version);
    }

    if (!g.active) {

        bundle = json_pack("{s:n,s:n,s:s,s:s,s:b,s:n,s:o}",
                           "version", "hash", "source", "none",
                           "trust", "none", "signed", 0, "activated",
                           "error", error);

    } else {

        ngx_http_weir_policy_hash_text(hash, g.info.hash);

        ngx_gmtime(g.activated, &tm);

        ngx_sprintf(at, "%4d-%02d-%02dT%02d:%02d:%02dZ%Z",
                    tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                    tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);

        bundle = json_pack("{s:I,s:s%,s:s,s:s,s:b,s:s,s:o}",
                           "version", (json_int_t) g.info.version,
                           "hash", (char *) hash, sizeof(hash),
                           "source", sources[g.info.source],
                           "trust", trusts[g.info.trust],
                           "signed", (int) g.info.is_signed,
                           "activated", (char *) at, "error", error);
    }

    if (json_object_set_new(root, "bundle", bundle) != 0) {
        return NGX_ERROR;
    }

    if (mcf->candidate.image) {
        ngx_http_weir_policy_hash_text(hash, mcf->candidate.hash);
        candidate = json_pack("{s:s%}", "hash", (char *) hash, sizeof(hash));

    } else {
        candidate = json_null();
    }

    return json_object_set_new(root, "candidate", candidate) == 0 ? NGX_OK
                                                                  : NGX_ERROR;
}


static void
ngx_http_weir_policy_hash_text(u_char *text, const u_char *hash)
{
    text = ngx_cpymem(text, "sha256:", sizeof("sha256:") - 1);

    ngx_hex_dump(text, (u_char *) hash, NGX_HTTP_WEIR_POLICY_HASH);
}


/* A policy that a location names is in the active bundle, or that is 503. */

static const char *
ngx_http_weir_policy_unready(ngx_cycle_t *cycle)
{
    uint32_t                            policy;
    ngx_uint_t                          i, part;
    const char                         *what;
    const weir_policy_image_t          *image;
    ngx_http_weir_policy_use_t        **uses;
    ngx_http_weir_policy_main_conf_t   *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_policy_module);

    if (mcf->policies.nelts == 0) {
        return NULL;
    }

    image = ngx_http_weir_policy_pin(mcf, 0, &part);

    if (image == NULL) {
        return "bundle";
    }

    what = NULL;
    uses = mcf->policies.elts;

    for (i = 0; what == NULL && i < mcf->policies.nelts; i++) {
        if (weir_policy_find(image, ngx_http_weir_str(&uses[i]->name),
                             &policy)
            != WEIR_OK)
        {
            what = "bundle";
        }
    }

    ngx_http_weir_policy_unpin(mcf);

    return what;
}
