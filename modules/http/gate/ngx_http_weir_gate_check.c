
/*
 * Weir: what can be said of a configuration only when all of its locations
 * are known: which are closed, which lack a policy, what answers before it.
 */

#include "ngx_http_weir_gate.h"


static const char *ngx_http_weir_gate_returns(ngx_conf_t *cf,
    ngx_http_weir_loc_conf_t *lcf);


ngx_int_t
ngx_http_weir_gate_check(ngx_conf_t *cf)
{
    const char                 *directive;
    ngx_uint_t                  i;
    ngx_array_t                *locations;
    ngx_http_weir_srv_conf_t   *wscf;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_weir_loc_conf_t  **lcf, *l;

    locations = ngx_http_weir_locations(cf);
    lcf = locations->elts;

    for (i = 0; i < locations->nelts; i++) {

        l = lcf[i];
        wscf = l->srv;

        if (l->location && l->auth_here && l->policy_set == 0) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"weir_auth\" in location \"%V\" needs "
                          "\"weir_policy NAME\" or \"weir_policy off\" beside "
                          "it in %V:%ui", &l->name, &l->file, l->line);
            return NGX_ERROR;
        }

        clcf = l->loc_conf[ngx_http_core_module.ctx_index];

        if (l->own_handler && clcf->handler != l->own_handler) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "location \"%V\" has another handler beside a page "
                          "of Weir's in %V:%ui", &l->name, &l->file, l->line);
            return NGX_ERROR;
        }

        if (l->location && !l->noname && l->policy_set == 0
            && !l->own_handler && wscf->uses && !wscf->open)
        {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "location \"%V\" has no \"weir_policy\" and is "
                          "closed (403) in %V:%ui",
                          &l->name, &l->file, l->line);
        }

        /* an "if" has its location's codes */

        if (l->policy_set == 2 && !l->noname) {
            directive = ngx_http_weir_gate_returns(cf, l);

            if (directive && l->location) {
                ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                              "\"%s\" in location \"%V\" answers before "
                              "\"weir_policy\" decides in %V:%ui",
                              directive, &l->name, &l->file, l->line);

            } else if (directive) {
                ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                              "\"%s\" in server answers before "
                              "\"weir_policy\" decides in %V:%ui",
                              directive, &l->file, l->line);
            }
        }
    }

    return NGX_OK;
}


/*
 * The directive that answers before access, if there is one.  The rewrite
 * module's codes are the first member of its settings; each begins with the
 * function that runs it.
 */

static const char *
ngx_http_weir_gate_returns(ngx_conf_t *cf, ngx_http_weir_loc_conf_t *lcf)
{
    uintptr_t                     *code;
    ngx_uint_t                     i, n;
    ngx_array_t                   *codes;
#if (NGX_PCRE)
    ngx_http_script_regex_code_t  *regex;
#endif

    for (n = 0; cf->cycle->modules[n]; n++) {
        if (ngx_strcmp(cf->cycle->modules[n]->name, "ngx_http_rewrite_module")
            == 0)
        {
            break;
        }
    }

    if (cf->cycle->modules[n] == NULL) {
        return NULL;
    }

    codes = *(ngx_array_t **) lcf->loc_conf[cf->cycle->modules[n]->ctx_index];

    if (codes == NULL) {
        return NULL;
    }

    code = codes->elts;
    n = codes->nelts * codes->size / sizeof(uintptr_t);

    for (i = 0; i < n; i++) {

        if (code[i] == (uintptr_t) ngx_http_script_return_code) {
            return "return";
        }

#if (NGX_PCRE)

        if (code[i] == (uintptr_t) ngx_http_script_regex_start_code
            && (n - i) * sizeof(uintptr_t)
               >= sizeof(ngx_http_script_regex_code_t))
        {
            regex = (ngx_http_script_regex_code_t *) &code[i];

            if (regex->redirect) {
                return "rewrite";
            }
        }

#endif
    }

    return NULL;
}
