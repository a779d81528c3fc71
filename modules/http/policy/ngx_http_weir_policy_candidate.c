
/*
 * Weir: a candidate: a bundle that is asked beside the active one, about the
 * same requests.  Nothing of it is enforced: where it decides otherwise, that
 * is counted and told in the decision log.
 *
 * It lies in the configuration's own memory, not in the zone: it comes and
 * goes with the configuration that names it.
 */

#include "ngx_http_weir_policy_internal.h"


static void ngx_http_weir_policy_candidate_free(void *data);


char *
ngx_http_weir_policy_set_candidate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_weir_policy_main_conf_t *mcf = conf;

    ngx_pool_cleanup_t  *cln;

    ngx_http_weir_use(cf);

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_weir_policy_candidate_free;
    cln->data = mcf;

    mcf->candidate.candidate = 1;

    return ngx_http_weir_policy_compile(cf, &mcf->candidate);
}


static void
ngx_http_weir_policy_candidate_free(void *data)
{
    ngx_http_weir_policy_main_conf_t *mcf = data;

    weir_policy_regexes_destroy(mcf->regexes);
    mcf->regexes = NULL;
}


ngx_int_t
ngx_http_weir_policy_candidate(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_str_t *name, ngx_http_weir_policy_request_t *pr,
    const weir_policy_decision_t *active, ngx_http_weir_record_view_t *other)
{
    weir_policy_decision_t  *d;
    weir_policy_regexes_t   *regexes;

    if (mcf->candidate.image == NULL) {
        return NGX_DECLINED;
    }

    d = &other->decision;

    other->image = weir_policy_trust(mcf->candidate.image);

    if (weir_policy_find(other->image, ngx_http_weir_str(name),
                         &other->policy)
        == WEIR_OK)
    {
        regexes = pr->policy.regexes;

        pr->policy.regexes = ngx_http_weir_policy_candidate_regexes(mcf);

        d->effects = NULL;
        d->max_effects = 0;

        weir_policy_decide(other->image, other->policy, &pr->policy, d);

        pr->policy.regexes = regexes;

    } else {
        d->verdict = WEIR_POLICY_DENY;
        d->reason = WEIR_POLICY_NO_POLICY;
        d->count = 0;
    }

    return d->verdict == active->verdict ? NGX_DECLINED : NGX_OK;
}
