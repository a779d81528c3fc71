
/*
 * Weir: weir_bundle and weir_policy, and the decisions that the gate asks
 * for.
 */

#include "ngx_http_weir_policy_internal.h"
#include "ngx_http_weir_record.h"


static void ngx_http_weir_policy_status(ngx_http_weir_decision_t *d);
static ngx_http_weir_policy_use_t *ngx_http_weir_policy_use_of(
    ngx_http_request_t *r, ngx_http_weir_question_t *q);
static void ngx_http_weir_policy_count(ngx_http_weir_policy_use_t *use,
    ngx_uint_t n);
static char *ngx_http_weir_policy_set_bundle(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_weir_policy_set_policy(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_http_weir_policy_area(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf);
static void *ngx_http_weir_policy_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_weir_policy_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_weir_policy_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_weir_policy_init(ngx_conf_t *cf);
static ngx_http_weir_policy_use_t *ngx_http_weir_policy_use(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf, ngx_str_t *name);
static ngx_int_t ngx_http_weir_policy_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_weir_policy_init_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_weir_policy_commands[] = {

    { ngx_string("weir_bundle"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_weir_policy_set_bundle,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("weir_policy"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_weir_policy_set_policy,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_weir_policy_module_ctx = {
    ngx_http_weir_policy_variables,        /* preconfiguration */
    ngx_http_weir_policy_init,             /* postconfiguration */

    ngx_http_weir_policy_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_weir_policy_create_loc_conf,  /* create location configuration */
    ngx_http_weir_policy_merge_loc_conf    /* merge location configuration */
};


ngx_module_t  ngx_http_weir_policy_module = {
    NGX_MODULE_V1,
    &ngx_http_weir_policy_module_ctx,      /* module context */
    ngx_http_weir_policy_commands,         /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_weir_policy_init_module,      /* init module */
    ngx_http_weir_policy_init_process,     /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/*
 * A worker of an older configuration may meet a bundle that lacks its policy:
 * it then uses the bundle that came with it, while that is there.
 */

void
ngx_http_weir_policy_decide(ngx_http_request_t *r, ngx_http_weir_ctx_t *ctx,
    ngx_http_weir_question_t *q, ngx_http_weir_decision_t *d)
{
    ngx_str_t                          rule;
    uint32_t                           policy;
    ngx_uint_t                         shadow;
    uint32_t                           rules[NGX_HTTP_WEIR_RECORD_RULES];
    uint32_t                           effects[WEIR_POLICY_MAX_EFFECTS];
    ngx_int_t                          rc;
    ngx_uint_t                         part;
    weir_str_t                         name;
    ngx_http_weir_loc_conf_t          *lcf;
    weir_policy_verdict_t              verdict;
    weir_policy_decision_t             decision;
    const weir_policy_image_t         *image;
    ngx_http_weir_policy_use_t        *use;
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

    decision.reason = WEIR_POLICY_NO_BUNDLE;

    image = ngx_http_weir_policy_pin(mcf, 0, &part);

    if (image == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "weir: no bundle is active: policy \"%V\" cannot decide",
                      &ctx->policy);
        goto done;
    }

    name = ngx_http_weir_str(&ctx->policy);

    if (weir_policy_find(image, name, &policy) != WEIR_OK) {

        ngx_http_weir_policy_unpin(mcf);

        image = ngx_http_weir_policy_pin(mcf, 1, &part);

        if (image == NULL || weir_policy_find(image, name, &policy) != WEIR_OK)
        {
            if (image) {
                ngx_http_weir_policy_unpin(mcf);
            }

            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "weir: the active bundle has no policy \"%V\"",
                          &ctx->policy);

            decision.reason = WEIR_POLICY_NO_POLICY;
            goto done;
        }
    }

    decision.rules = rules;
    decision.max = NGX_HTTP_WEIR_RECORD_RULES;
    decision.effects = effects;
    decision.max_effects = WEIR_POLICY_MAX_EFFECTS;

    ngx_http_weir_policy_request(&pr, r, q);

    pr.policy.regexes = ngx_http_weir_policy_regexes(mcf, image, part);

    weir_policy_decide(image, policy, &pr.policy, &decision);

    /* what is in shadow: a rule, or the whole policy */

    if (shadow) {
        decision.shadow = decision.verdict;
        verdict = WEIR_POLICY_PERMIT;

    } else {
        verdict = decision.verdict;
    }

    if (decision.shadow != verdict) {
        ngx_http_weir_policy_count(use, WEIR_POLICY_REASONS + decision.shadow);
    }

    ngx_http_weir_record_decision(r, ctx, image, policy, &pr.policy,
                                  &decision, verdict);

    ngx_str_null(&rule);

    if (ngx_http_weir_policy_version(r, mcf, part, &ctx->bundle) != NGX_OK) {
        ngx_http_weir_policy_unpin(mcf);

        d->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        decision.reason = WEIR_POLICY_FAILED;
        goto done;
    }

    if (decision.count) {
        name = weir_policy_rule_name(image, policy, rules[0]);

        rule.len = name.len;
        rule.data = ngx_pnalloc(r->pool, name.len);

        if (rule.data) {
            ngx_memcpy(rule.data, name.data, name.len);
        }
    }

    rc = ngx_http_weir_policy_duties(r, mcf, image, policy, &decision,
                                     &d->duties);

    ngx_http_weir_policy_unpin(mcf);

    if (rule.len && rule.data == NULL) {
        d->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        decision.reason = WEIR_POLICY_FAILED;
        goto done;
    }

    ctx->rule = rule;

    d->status = NGX_HTTP_FORBIDDEN;
    d->final = (decision.reason == WEIR_POLICY_DENY_RULE
                || decision.reason == WEIR_POLICY_DENY_UNKNOWN);

    /* what cannot be enforced denies; a deny stands without it */

    if (decision.verdict == WEIR_POLICY_PERMIT && rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "weir: policy \"%V\" permits with an obligation that "
                      "cannot be met here", &ctx->policy);

        d->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        decision.reason = WEIR_POLICY_FAILED;
        goto done;
    }

    if (decision.verdict == WEIR_POLICY_PERMIT
        && decision.reason == WEIR_POLICY_PERMIT_RULE)
    {
        d->permit = 1;
        d->status = 0;

    } else {
        ngx_http_weir_policy_status(d);
    }

done:

    d->reason = weir_policy_reason_name(decision.reason);

    ngx_http_weir_policy_count(use, decision.reason);

    if (shadow) {
        d->duties = NULL;
        d->permit = 1;
        d->final = 0;
        d->status = 0;
    }
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


/* weir_bundle DIR [bootstrap] */

static char *
ngx_http_weir_policy_set_bundle(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_policy_main_conf_t *mcf = conf;

    ngx_str_t  *value;

    ngx_http_weir_use(cf);

    if (mcf->set) {
        return "is duplicate";
    }

    mcf->set = 1;

    value = cf->args->elts;

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[2].data, "bootstrap") != 0) {
            return ngx_http_weir_invalid(cf, &value[2]);
        }

        mcf->bootstrap = 1;
    }

    if (value[1].len == 0) {
        return "needs a folder";
    }

    mcf->dir = value[1];

    if (ngx_conf_full_name(cf->cycle, &mcf->dir, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_weir_policy_compile(cf, mcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_weir_policy_area(cf, mcf) == NGX_OK ? NGX_CONF_OK
                                                        : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_weir_policy_area(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf)
{
    ngx_str_t  name;

    ngx_str_set(&name, "generations");

    mcf->block = ngx_http_weir_block_add(cf, NGX_HTTP_WEIR_AREA_POLICIES,
                                         "policy", &name, 0);
    if (mcf->block == NULL) {
        return NGX_ERROR;
    }

    mcf->block->whole = 1;
    mcf->block->init = ngx_http_weir_policy_fit;
    mcf->block->init_data = mcf;

    return NGX_OK;
}


ngx_int_t
ngx_http_weir_policy_foreign(ngx_conf_t *cf)
{
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_policy_module);

    mcf->foreign = 1;

    return ngx_http_weir_policy_area(cf, mcf);
}


ngx_int_t
ngx_http_weir_policy_bootstrap(const ngx_http_weir_policy_main_conf_t *mcf)
{
    if (!mcf->set) {
        return NGX_DECLINED;
    }

    return mcf->bootstrap ? NGX_OK : NGX_AGAIN;
}


ngx_http_weir_policy_main_conf_t *
ngx_http_weir_policy_main(ngx_cycle_t *cycle)
{
    return ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_weir_policy_module);
}


/* weir_policy NAME|off [shadow] */

static char *
ngx_http_weir_policy_set_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_weir_policy_loc_conf_t *plcf = conf;

    ngx_str_t                 *value;
    ngx_http_weir_loc_conf_t  *lcf;

    ngx_http_weir_uses(cf);

    lcf = ngx_http_weir_conf(cf);
    value = cf->args->elts;

    if (lcf->policy_set) {
        return "is duplicate";
    }

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[2].data, "shadow") != 0
            || ngx_strcmp(value[1].data, "off") == 0)
        {
            return ngx_http_weir_invalid(cf, &value[2]);
        }

        lcf->shadow = 1;
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        lcf->policy_set = 1;
        return NGX_CONF_OK;
    }

    if (!ngx_http_weir_name(cf, "policy", &value[1])) {
        return NGX_CONF_ERROR;
    }

    lcf->policy_set = 2;
    lcf->policy = value[1];

    plcf->file = cf->conf_file->file.name;
    plcf->line = cf->conf_file->line;

    return NGX_CONF_OK;
}


ngx_http_weir_policy_asked_t *
ngx_http_weir_policy_ask(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_http_weir_policy_asked_t      *asked, **slot;
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_policy_module);

    asked = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_policy_asked_t));
    slot = ngx_array_push(&mcf->asked);

    if (asked == NULL || slot == NULL) {
        return NULL;
    }

    *slot = asked;

    asked->name = *name;
    asked->file = cf->conf_file->file.name;
    asked->line = cf->conf_file->line;
    asked->location = ngx_http_weir_conf(cf);

    return asked;
}


static void *
ngx_http_weir_policy_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_policy_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&mcf->policies, cf->pool, 4,
                       sizeof(ngx_http_weir_policy_use_t *))
        != NGX_OK
        || ngx_array_init(&mcf->asked, cf->pool, 4,
                          sizeof(ngx_http_weir_policy_asked_t *))
           != NGX_OK
        || ngx_array_init(&mcf->bindings, cf->pool, 4,
                          sizeof(ngx_http_weir_policy_binding_t))
           != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


static void *
ngx_http_weir_policy_create_loc_conf(ngx_conf_t *cf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     conf->file = { 0, NULL };
     *     conf->line = 0;
     *     conf->use = NULL;
     */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_policy_loc_conf_t));
}


/* The name itself is the core's; here is only where it was written. */

static char *
ngx_http_weir_policy_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_weir_policy_loc_conf_t *prev = parent;
    ngx_http_weir_policy_loc_conf_t *conf = child;

    if (conf->line == 0) {
        conf->file = prev->file;
        conf->line = prev->line;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_weir_policy_init(ngx_conf_t *cf)
{
    ngx_uint_t                          i;
    ngx_array_t                        *locations;
    ngx_http_weir_loc_conf_t          **lcf;
    ngx_http_weir_policy_asked_t      **asked;
    ngx_http_weir_policy_loc_conf_t    *plcf;
    ngx_http_weir_policy_main_conf_t   *mcf;

    if (!ngx_http_weir_used(cf)) {
        return NGX_OK;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_weir_policy_module);

    locations = ngx_http_weir_locations(cf);
    lcf = locations->elts;

    for (i = 0; i < locations->nelts; i++) {

        if (lcf[i]->policy_set != 2) {
            continue;
        }

        plcf = lcf[i]->loc_conf[ngx_http_weir_policy_module.ctx_index];

        plcf->use = ngx_http_weir_policy_use(cf, mcf, &lcf[i]->policy);
        if (plcf->use == NULL) {
            return NGX_ERROR;
        }
    }

    asked = mcf->asked.elts;

    for (i = 0; i < mcf->asked.nelts; i++) {

        asked[i]->use = ngx_http_weir_policy_use(cf, mcf, &asked[i]->name);
        if (asked[i]->use == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_weir_policy_bind(cf, mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_weir_provide(cf, &ngx_http_weir_policy_provider);
}


static ngx_http_weir_policy_use_t *
ngx_http_weir_policy_use(ngx_conf_t *cf, ngx_http_weir_policy_main_conf_t *mcf,
    ngx_str_t *name)
{
    ngx_http_weir_policy_use_t   *use, **uses;

    use = ngx_http_weir_policy_used(mcf, name);

    if (use) {
        return use;
    }

    use = ngx_pcalloc(cf->pool, sizeof(ngx_http_weir_policy_use_t));
    if (use == NULL) {
        return NULL;
    }

    use->name = *name;
    use->counters = ngx_http_weir_slab_add(cf, "decisions", name,
                                           NGX_HTTP_WEIR_POLICY_COUNTERS
                                           * sizeof(uint64_t));
    if (use->counters == NULL) {
        return NULL;
    }

    uses = ngx_array_push(&mcf->policies);
    if (uses == NULL) {
        return NULL;
    }

    *uses = use;

    return use;
}


ngx_http_weir_policy_use_t *
ngx_http_weir_policy_used(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_str_t *name)
{
    ngx_uint_t                    i;
    ngx_http_weir_policy_use_t  **uses;

    uses = mcf->policies.elts;

    for (i = 0; i < mcf->policies.nelts; i++) {
        if (uses[i]->name.len == name->len
            && ngx_strncmp(uses[i]->name.data, name->data, name->len) == 0)
        {
            return uses[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_weir_policy_init_module(ngx_cycle_t *cycle)
{
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_policy_module);

    /* where there is a store it decides about weir_bundle, too */

    if (mcf && mcf->block && !mcf->foreign) {
        (void) ngx_http_weir_policy_local(cycle, mcf);
    }

    return NGX_OK;
}


/* Whoever had this slot before may have died while he decided. */

static ngx_int_t
ngx_http_weir_policy_init_process(ngx_cycle_t *cycle)
{
    ngx_http_weir_policy_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_weir_policy_module);

    if (mcf == NULL || mcf->block == NULL) {
        return NGX_OK;
    }

    if (!ngx_http_weir_slot_shared) {
        ngx_http_weir_policy_unpin(mcf);
    }

    if (ngx_process == NGX_PROCESS_WORKER
        || ngx_process == NGX_PROCESS_SINGLE)
    {
        ngx_http_weir_policy_warm(mcf);
    }

    return NGX_OK;
}
