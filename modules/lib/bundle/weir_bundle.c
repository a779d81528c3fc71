
/*
 * Weir: a bundle's files become an image that a gateway can serve.
 */

#include "weir_bundle.h"


static void weir_bundle_error(const weir_policy_bundle_t *bundle,
    weir_err_t *err);


int
weir_bundle_compile(weir_policy_bundle_t *bundle, weir_arena_t *a,
    const weir_policy_source_t *files, uint32_t nfiles,
    const weir_str_t *policies, uint32_t npolicies, weir_refusal_e *why,
    weir_err_t *err)
{
    uint32_t  i, policy;

    if (weir_policy_compile(a, files, nfiles, bundle) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    if (bundle->nerrors != 0) {
        *why = WEIR_REFUSAL_POLICY_ERROR;
        weir_bundle_error(bundle, err);
        return WEIR_DECLINED;
    }

    for (i = 0; i < npolicies; i++) {

        if (weir_policy_find(bundle->image, policies[i], &policy)
            == WEIR_OK)
        {
            continue;
        }

        *why = WEIR_REFUSAL_MISSING_POLICY;
        (void) weir_err(err, "the bundle has no policy \"%.*s\", which "
                        "nginx.conf names", (int) policies[i].len,
                        policies[i].data);
        return WEIR_DECLINED;
    }

    return WEIR_OK;
}


/* One line for logs and reports; weirctl check shows all. */

static void
weir_bundle_error(const weir_policy_bundle_t *bundle, weir_err_t *err)
{
    uint32_t                   i;
    weir_str_t                 name;
    const weir_policy_diag_t  *d;

    for (i = 0; i < bundle->ndiags; i++) {
        d = &bundle->diags[i];

        if (d->severity != WEIR_POLICY_SEVERE) {
            continue;
        }

        name = d->place.file < bundle->nsources
               ? bundle->sources[d->place.file].name : weir_str("");

        (void) weir_err(err, "%.*s:%u:%u: %.*s", (int) name.len, name.data,
                        d->place.line, d->place.column,
                        (int) d->message.len, d->message.data);
        return;
    }

    (void) weir_err(err, "%u errors", bundle->nerrors);
}
