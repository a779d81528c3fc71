
/*
 * Weir: the decisions that the gate asks for, and those in the name of others
 * (weir_decide).
 */

#include "ngx_http_weir_policy_internal.h"


static ngx_int_t ngx_http_weir_policy_find(ngx_http_request_t *r,
    ngx_http_weir_policy_main_conf_t *mcf, ngx_str_t *policy,
    ngx_http_weir_record_view_t *view, ngx_uint_t *part);
static void ngx_http_weir_policy_tell(ngx_http_request_t *r,
    ngx_http_weir_ctx_t *ctx, ngx_http_weir_policy_use_t *use,
    ngx_http_weir_policy_request_t *pr, ngx_http_weir_record_view_t *view,
    ngx_uint_t shadow);
static void ngx_http_weir_policy_status(ngx_http_weir_decision_t *d);
static ngx_http_weir_policy_use_t *ngx_http_weir_policy_use_of(
    ngx_http_request_t *r, ngx_http_weir_question_t *q);
static void ngx_http_weir_policy_count(ngx_http_weir_policy_use_t *use,
    ngx_uint_t n);


void
ngx_http_weir_policy_decide(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_question_t *q, ngx_http_weir_decision_t *d)
{
    ngx_str_t                          rule;
    uint32_t                           rules[NGX_HTTP_WEIR_RECORD_RULES];
    uint32_t                           effects[WEIR_POLICY_MAX_EFFECTS];
    ngx_int_t                          rc;
    ngx_uint_t                         part, shadow;
    weir_str_t                         name;
    ngx_http_weir_loc_conf_t          *lcf;
    weir_policy_decision_t            *decision;
    ngx_http_weir_policy_use_t        *use;
    ngx_http_weir_record_view_t        view;
    ngx_http_weir_policy_request_t     pr;
    ngx_http_weir_policy_main_conf_t  *mcf;

    ngx_memzero(d, sizeof(ngx_http_weir_decision_t));
    d->status = NGX_HTTP_SERVICE_UNAVAILABLE;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_weir_policy_module);

    shadow = lcf->shadow && q->asked == NULL;
    use = ngx_http_weir_policy_use_of(r, q);

    ctx->policy = q->asked ? q->asked->name : lcf->policy;
    ngx_str_null(&ctx->rule);
    ngx_str_null(&ctx->bundle);

    decision = &view.decision;

    if (ngx_http_weir_policy_find(r, mcf, &ctx->policy, &view, &part)
        != NGX_OK)
    {
        goto done;
    }

    decision->rules = rules;
    decision->max = NGX_HTTP_WEIR_RECORD_RULES;
    decision->effects = effects;
    decision->max_effects = WEIR_POLICY_MAX_EFFECTS;

    ngx_http_weir_policy_request(&pr, r, q);

    pr.policy.regexes = ngx_http_weir_policy_regexes(mcf, view.image, part);

    weir_policy_decide(view.image, view.policy, &pr.policy, decision);

    ngx_http_weir_policy_tell(r, ctx, use, &pr, &view, shadow);

    ngx_str_null(&rule);

    if (ngx_http_weir_policy_version(r, mcf, part, &ctx->bundle) != NGX_OK) {
        ngx_http_weir_policy_unpin(mcf);

        d->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        decision->reason = WEIR_POLICY_FAILED;
        goto done;
    }

    if (decision->count) {
        name = weir_policy_rule_name(view.image, view.policy, rules[0]);

        rule.len = name.len;
        rule.data = ngx_pnalloc(r->pool, name.len);

        if (rule.data) {
            ngx_memcpy(rule.data, name.data, name.len);
        }
    }

    rc = ngx_http_weir_policy_duties(r, mcf, view.image, view.policy, decision,
                                     &d->duties);

    ngx_http_weir_policy_unpin(mcf);

    if (rule.len && rule.data == NULL) {
        d->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        decision->reason = WEIR_POLICY_FAILED;
        goto done;
    }

    ctx->rule = rule;

    d->status = NGX_HTTP_FORBIDDEN;
    d->final = (decision->reason == WEIR_POLICY_DENY_RULE
                || decision->reason == WEIR_POLICY_DENY_UNKNOWN);

    /* what cannot be enforced denies; a deny stands without it */

    if (decision->verdict == WEIR_POLICY_PERMIT && rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "weir: policy \"%V\" permits with an obligation that "
                      "cannot be met here", &ctx->policy);

        d->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        decision->reason = WEIR_POLICY_FAILED;
        goto done;
    }

    if (decision->verdict == WEIR_POLICY_PERMIT
        && decision->reason == WEIR_POLICY_PERMIT_RULE)
    {
        d->permit = 1;
        d->status = 0;

    } else {
        ngx_http_weir_policy_status(d);
    }

done:

    d->reason = weir_policy_reason_name(decision->reason);

    ngx_http_weir_policy_count(use, decision->reason);

    if (shadow) {
        d->duties = NULL;
        d->permit = 1;
        d->final = 0;
        d->status = 0;
    }
}


void
ngx_http_weir_policy_refused(ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_policy_asked_t *asked, weir_policy_reason_t reason)
{
    ctx->policy = asked->name;
    ngx_str_null(&ctx->rule);
    ngx_str_null(&ctx->bundle);

    ngx_http_weir_policy_count(asked->use, reason);
}


/*
 * A policy of the active generation, which is pinned where that is NGX_OK.  A
 * worker of an older configuration may meet a bundle that lacks its policy:
 * it then uses the bundle that came with it, while that is there.
 */

static ngx_int_t
ngx_http_weir_policy_find(ngx_http_request_t *r,
    ngx_http_weir_policy_main_conf_t *mcf, ngx_str_t *policy,
    ngx_http_weir_record_view_t *view, ngx_uint_t *part)
{
    ngx_uint_t  own;
    weir_str_t  name;

    name = ngx_http_weir_str(policy);

    for (own = 0; own < 2; own++) {

        view->image = ngx_http_weir_policy_pin(mcf, own, part);

        if (view->image == NULL) {

            if (own) {
                break;
            }

            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "weir: no bundle is active: policy \"%V\" cannot "
                          "decide", policy);

            view->decision.reason = WEIR_POLICY_NO_BUNDLE;
            return NGX_DECLINED;
        }

        if (weir_policy_find(view->image, name, &view->policy) == WEIR_OK) {
            return NGX_OK;
        }

        ngx_http_weir_policy_unpin(mcf);
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "weir: the active bundle has no policy \"%V\"", policy);

    view->decision.reason = WEIR_POLICY_NO_POLICY;
    return NGX_DECLINED;
}


/*
 * Counts and keeps what would have changed the decision: a rule in shadow or
 * the whole policy, and the candidate.
 */

static void
ngx_http_weir_policy_tell(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_policy_use_t *use, ngx_http_weir_policy_request_t *pr,
    ngx_http_weir_record_view_t *view, ngx_uint_t shadow)
{
    uint32_t                           rules[NGX_HTTP_WEIR_RECORD_RULES];
    weir_policy_verdict_t              verdict;
    ngx_http_weir_record_view_t        candidate, *differs;
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_weir_policy_module);

    verdict = view->decision.verdict;

    if (shadow) {
        view->decision.shadow = verdict;
        verdict = WEIR_POLICY_PERMIT;
    }

    if (view->decision.shadow != verdict) {
        ngx_http_weir_policy_count(use, NGX_HTTP_WEIR_POLICY_SHADOW
                                        + view->decision.shadow);
    }

    differs = NULL;

    candidate.decision.rules = rules;
    candidate.decision.max = NGX_HTTP_WEIR_RECORD_RULES;

    if (ngx_http_weir_policy_candidate(mcf, &ctx->policy, pr, &view->decision,
                                       &candidate)
        == NGX_OK)
    {
        differs = &candidate;

        ngx_http_weir_policy_count(use, NGX_HTTP_WEIR_POLICY_CANDIDATE
                                        + candidate.decision.verdict);
    }

    ngx_http_weir_record_decision(r, ctx, view, differs, &pr->policy, verdict);
}


/* A deny may say with which status it is answered. */

static void
ngx_http_weir_policy_status(ngx_http_weir_decision_t *d)
{
    ngx_uint_t             i;
    ngx_http_weir_duty_t  *duty;

    duty = d->duties ? d->duties->elts : NULL;

    for (i = 0; duty && i < d->duties->nelts; i++) {
        if (duty[i].kind == WEIR_POLICY_STATUS) {
            d->status = duty[i].number;
            d->own = 1;
        }
    }
}


void
ngx_http_weir_policy_restore(ngx_http_weir_ctx_t *ctx,
    const ngx_http_weir_ctx_t *before)
{
    ctx->policy = before->policy;
    ctx->rule = before->rule;
    ctx->bundle = before->bundle;
    ctx->reason = before->reason;
    ctx->verdict = before->verdict;
    ctx->state[NGX_HTTP_WEIR_STATE_RECORD] =
                                    before->state[NGX_HTTP_WEIR_STATE_RECORD];
}


static ngx_http_weir_policy_use_t *
ngx_http_weir_policy_use_of(ngx_http_request_t *r,
    ngx_http_weir_question_t *q)
{
    ngx_http_weir_policy_loc_conf_t  *plcf;

    if (q->asked) {
        return q->asked->use;
    }

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_weir_policy_module);

    return plcf->use;
}


static void
ngx_http_weir_policy_count(ngx_http_weir_policy_use_t *use, ngx_uint_t n)
{
    uint64_t  *counters;

    if (use == NULL) {
        return;
    }

    counters = ngx_http_weir_slab(use->counters);

    ngx_http_weir_count(&counters[n], 1);
}
