
/*
 * Weir: a bundle's files become an image, or the reason why not.
 */

#include "weir_bundle.h"


static int weir_bundle_error(const weir_policy_bundle_t *bundle,
    weir_arena_t *a, weir_err_t *err);


int
weir_bundle_compile(weir_policy_bundle_t *bundle, weir_arena_t *a,
    const weir_policy_source_t *files, uint32_t nfiles,
    const weir_policy_zones_t *zones, weir_refusal_e *why, weir_err_t *err)
{
    if (weir_policy_compile(a, files, nfiles, zones, bundle) != WEIR_OK) {
        return WEIR_NOMEM;
    }

    if (bundle->nerrors != 0) {
        *why = WEIR_REFUSAL_POLICY_ERROR;
        return weir_bundle_error(bundle, a, err);
    }

    return WEIR_OK;
}


/* One line for logs and reports; weirctl check shows all. */

static int
weir_bundle_error(const weir_policy_bundle_t *bundle, weir_arena_t *a,
    weir_err_t *err)
{
    size_t      len;
    uint32_t    i;
    weir_str_t  text;

    /* warnings may stand before it */

    i = 0;

    while (i + 1 < bundle->ndiags
           && bundle->diags[i].severity != WEIR_POLICY_SEVERE)
    {
        i++;
    }

    text = weir_policy_diag_text(a, bundle, &bundle->diags[i]);

    if (text.data == NULL) {
        return WEIR_NOMEM;
    }

    for (len = 0; len < text.len && text.data[len] != '\n'; len++) {
        /* void */
    }

    (void) weir_err(err, "%.*s%s", (int) len, text.data,
                    bundle->nerrors > 1 ? ", and more errors" : "");

    return WEIR_DECLINED;
}
