
/*
 * Weir: what a bundle must fit: the policies that locations name, with the
 * issuers whose tokens arrive there.  Asked of the local bundle when nginx
 * reads its configuration, and of those of the store in any thread later.
 */

#include "ngx_http_weir_policy_zone.h"
#include "ngx_http_weir_auth.h"


#pragma weak ngx_http_weir_auth_issuer_names
#pragma weak ngx_http_weir_auth_issuers


/* Who hears of a fault: nginx's log, or the first one a caller. */

typedef struct {
    const ngx_http_weir_policy_main_conf_t  *mcf;
    ngx_log_t                               *log;
    weir_err_t                              *err;
    ngx_uint_t                               candidate;  /* only warned of */
    ngx_uint_t                               told;
} ngx_http_weir_policy_binder_t;


static ngx_int_t ngx_http_weir_policy_bindings(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf);
static ngx_http_weir_policy_binding_t *ngx_http_weir_policy_binding(
    ngx_conf_t *cf, ngx_http_weir_policy_main_conf_t *mcf,
    ngx_array_t *issuers);
static ngx_int_t ngx_http_weir_policy_bind_one(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf, const weir_policy_image_t *image,
    ngx_http_weir_policy_binding_t *b);
static void ngx_http_weir_policy_kind(ngx_http_weir_policy_main_conf_t *mcf);
static ngx_uint_t ngx_http_weir_policy_alike(
    const ngx_http_weir_policy_binding_t *a,
    const ngx_http_weir_policy_binding_t *b);
static int ngx_http_weir_policy_known(void *data,
    weir_policy_name_kind_t kind, weir_str_t name);
static int ngx_http_weir_policy_issuer(ngx_array_t *issuers, weir_str_t name);
static void ngx_http_weir_policy_fault(void *data, weir_str_t message);


ngx_int_t
ngx_http_weir_policy_bind(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf)
{
    ngx_int_t                          rc;
    ngx_uint_t                         i;
    const weir_policy_image_t         *image;
    ngx_http_weir_policy_use_t        *use;
    ngx_http_weir_policy_binding_t    *b;

    mcf->finders = ngx_http_weir_finders(cf);
    mcf->identity = ngx_http_weir_identity_headers(mcf->finders, cf->pool);

    if (mcf->identity == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_weir_auth_issuer_names) {
        mcf->issuers = ngx_http_weir_auth_issuer_names(cf);
        if (mcf->issuers == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_weir_policy_bindings(cf, mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    b = mcf->bindings.elts;

    if (mcf->bundle.dir.len == 0) {

        for (i = 0; !mcf->foreign && i < mcf->bindings.nelts; i++) {

            use = ngx_http_weir_policy_used(mcf, &b[i].name);

            if (use == NULL || use->told++) {
                continue;
            }

            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "there is no \"weir_bundle\": what policy \"%V\" "
                          "should decide is answered 503 in %V:%ui",
                          &b[i].name, &b[i].file, b[i].line);
        }

        return NGX_OK;
    }

    image = weir_policy_open(mcf->bundle.image, mcf->bundle.size);

    if (image == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "weir: the image of \"%V\" is damaged", &mcf->bundle.dir);
        return NGX_ERROR;
    }

    rc = NGX_OK;

    for (i = 0; i < mcf->bindings.nelts; i++) {
        if (ngx_http_weir_policy_bind_one(cf, mcf, image, &b[i]) != NGX_OK) {
            rc = NGX_ERROR;
        }
    }

    return rc;
}


/* Of the locations' policies, and of those that are asked beside them. */

static ngx_int_t
ngx_http_weir_policy_bindings(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf)
{
    ngx_uint_t                         i;
    ngx_array_t                       *locations, *issuers;
    ngx_http_weir_loc_conf_t         **lcf, *l;
    ngx_http_weir_policy_asked_t     **asked;
    ngx_http_weir_policy_binding_t    *b;
    ngx_http_weir_policy_loc_conf_t   *plcf;

    locations = ngx_http_weir_locations(cf);
    lcf = locations->elts;

    for (i = 0; i < locations->nelts; i++) {

        l = lcf[i];

        if (l->policy_set != 2) {
            continue;
        }

        issuers = NULL;

        if (l->auth_set == 2 && ngx_http_weir_auth_issuers) {
            issuers = ngx_http_weir_auth_issuers(l->loc_conf);
        }

        b = ngx_http_weir_policy_binding(cf, mcf, issuers);
        if (b == NULL) {
            return NGX_ERROR;
        }

        plcf = l->loc_conf[ngx_http_weir_policy_module.ctx_index];

        b->name = l->policy;
        b->file = plcf->file;
        b->line = plcf->line;

        ngx_http_weir_policy_kind(mcf);
    }

    asked = mcf->asked.elts;

    for (i = 0; i < mcf->asked.nelts; i++) {

        issuers = NULL;
        l = asked[i]->location;

        if (asked[i]->any) {
            issuers = mcf->issuers;

        } else if (l->auth_set == 2 && ngx_http_weir_auth_issuers) {
            issuers = ngx_http_weir_auth_issuers(l->loc_conf);
        }

        b = ngx_http_weir_policy_binding(cf, mcf, issuers);
        if (b == NULL) {
            return NGX_ERROR;
        }

        b->name = asked[i]->name;
        b->file = asked[i]->file;
        b->line = asked[i]->line;

        ngx_http_weir_policy_kind(mcf);
    }

    return NGX_OK;
}


static ngx_http_weir_policy_binding_t *
ngx_http_weir_policy_binding(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf, ngx_array_t *issuers)
{
    ngx_str_t                       *names;
    ngx_uint_t                       i;
    ngx_http_weir_policy_binding_t  *b;

    b = ngx_array_push(&mcf->bindings);
    if (b == NULL) {
        return NULL;
    }

    ngx_memzero(b, sizeof(ngx_http_weir_policy_binding_t));

    if (issuers == NULL || issuers->nelts == 0) {
        return b;
    }

    b->admitted = ngx_palloc(cf->pool, issuers->nelts * sizeof(weir_str_t));
    if (b->admitted == NULL) {
        return NULL;
    }

    names = issuers->elts;

    for (i = 0; i < issuers->nelts; i++) {
        b->admitted[i] = ngx_http_weir_str(&names[i]);
    }

    b->nadmitted = issuers->nelts;

    return b;
}


static ngx_int_t
ngx_http_weir_policy_bind_one(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf, const weir_policy_image_t *image,
    ngx_http_weir_policy_binding_t *b)
{
    uint32_t                        policy;
    weir_policy_binder_t            binder;
    ngx_http_weir_policy_use_t     *use;
    ngx_http_weir_policy_binder_t   data;

    if (weir_policy_find(image, ngx_http_weir_str(&b->name), &policy)
        != WEIR_OK)
    {
        use = ngx_http_weir_policy_used(mcf, &b->name);

        if (use && use->told++) {
            return NGX_ERROR;
        }

        ngx_http_weir_policy_reject(WEIR_REFUSAL_MISSING_POLICY, &b->name);

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "unknown policy \"%V\": \"%V\" has no such one in %V:%ui",
                      &b->name, &mcf->bundle.dir, &b->file, b->line);
        return NGX_ERROR;
    }

    ngx_memzero(&data, sizeof(ngx_http_weir_policy_binder_t));
    data.mcf = mcf;
    data.log = cf->log;

    binder.known = ngx_http_weir_policy_known;
    binder.report = ngx_http_weir_policy_fault;
    binder.ctx = &data;

    if (weir_policy_bind(image, policy, b->admitted, b->nadmitted, &binder)
        != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "policy \"%V\" does not fit in %V:%ui",
                      &b->name, &b->file, b->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_weir_policy_bind_candidate(ngx_conf_t *cf,
    ngx_http_weir_policy_main_conf_t *mcf)
{
    uint32_t                         policy;
    ngx_uint_t                       i;
    weir_policy_binder_t             binder;
    const weir_policy_image_t       *image;
    ngx_http_weir_policy_use_t     **uses;
    ngx_http_weir_policy_binder_t    data;
    ngx_http_weir_policy_binding_t  *b;

    if (mcf->candidate.dir.len == 0) {
        return NGX_OK;
    }

    if (mcf->block == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"weir_candidate\" needs \"weir_bundle\" or a store "
                      "beside it in %V:%ui",
                      &mcf->candidate.file, mcf->candidate.line);
        return NGX_ERROR;
    }

    image = weir_policy_open(mcf->candidate.image, mcf->candidate.size);

    if (image == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "weir: the image of \"%V\" is damaged",
                      &mcf->candidate.dir);
        return NGX_ERROR;
    }

    uses = mcf->policies.elts;

    for (i = 0; i < mcf->policies.nelts; i++) {

        if (weir_policy_find(image, ngx_http_weir_str(&uses[i]->name),
                             &policy)
            != WEIR_OK)
        {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"weir_candidate\" \"%V\" has no policy \"%V\": "
                          "it denies all that this one decides in %V:%ui",
                          &mcf->candidate.dir, &uses[i]->name,
                          &mcf->candidate.file, mcf->candidate.line);
        }
    }

    ngx_memzero(&data, sizeof(ngx_http_weir_policy_binder_t));
    data.mcf = mcf;
    data.log = cf->log;
    data.candidate = 1;

    binder.known = ngx_http_weir_policy_known;
    binder.report = ngx_http_weir_policy_fault;
    binder.ctx = &data;

    for (i = 0; i < mcf->nkinds; i++) {

        b = mcf->bindings.elts;
        b += mcf->kinds[i];

        if (weir_policy_find(image, ngx_http_weir_str(&b->name), &policy)
            == WEIR_OK)
        {
            (void) weir_policy_bind(image, policy, b->admitted, b->nadmitted,
                                    &binder);
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_weir_policy_fits(const ngx_http_weir_policy_main_conf_t *mcf,
    const weir_policy_image_t *image, ngx_uint_t lenient, weir_err_t *err)
{
    uint32_t                         policy;
    ngx_uint_t                       i;
    weir_policy_binder_t             binder;
    ngx_http_weir_policy_binder_t    data;
    ngx_http_weir_policy_binding_t  *b;

    ngx_memzero(&data, sizeof(ngx_http_weir_policy_binder_t));
    data.mcf = mcf;
    data.err = err;

    binder.known = ngx_http_weir_policy_known;
    binder.report = ngx_http_weir_policy_fault;
    binder.ctx = &data;

    b = mcf->bindings.elts;

    for (i = 0; i < mcf->bindings.nelts; i++) {

        if (weir_policy_find(image, ngx_http_weir_str(&b[i].name),
                             &policy)
            != WEIR_OK)
        {
            (void) weir_err(err, "it has no policy \"%.*s\", which %.*s:%u "
                            "names", (int) b[i].name.len, b[i].name.data,
                            (int) b[i].file.len, b[i].file.data,
                            (unsigned) b[i].line);

            if (!lenient) {
                return WEIR_REFUSAL_MISSING_POLICY;
            }

            continue;
        }

        if (weir_policy_bind(image, policy, b[i].admitted, b[i].nadmitted,
                             &binder)
            != 0)
        {
            return WEIR_REFUSAL_UNKNOWN_NAME;
        }
    }

    return WEIR_REFUSAL_NONE;
}


ngx_uint_t
ngx_http_weir_policy_active_fits(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_uint_t lenient, weir_err_t *err)
{
    ngx_uint_t                  part, why;
    const weir_policy_image_t  *image;

    image = ngx_http_weir_policy_pin(mcf, 0, &part);

    if (image == NULL) {
        return WEIR_REFUSAL_MISSING_POLICY;
    }

    why = ngx_http_weir_policy_fits(mcf, image, lenient, err);

    ngx_http_weir_policy_unpin(mcf);

    return why;
}


static int
ngx_http_weir_policy_known(void *data, weir_policy_name_kind_t kind,
    weir_str_t name)
{
    ngx_http_weir_policy_binder_t *binder = data;

    u_char                         *p;
    ngx_uint_t                      index;
    weir_str_t                      colour;
    const ngx_http_weir_finders_t  *f;

    f = binder->mcf->finders;

    switch (kind) {

    case WEIR_POLICY_NAME_ISSUER:
        return ngx_http_weir_policy_issuer(binder->mcf->issuers, name);

    case WEIR_POLICY_NAME_QUOTA:
        return ngx_http_weir_find(f, WEIR_POLICY_LIMIT, name, name, &index)
               != NULL;

    case WEIR_POLICY_NAME_OBJECTIVE:
        return ngx_http_weir_find(f, WEIR_POLICY_SLO, name, name, &index)
               != NULL;

    case WEIR_POLICY_NAME_SPLIT:

        p = ngx_strlchr((u_char *) name.data, (u_char *) name.data + name.len,
                        ' ');
        if (p == NULL) {
            return 0;
        }

        colour.data = p + 1;
        colour.len = name.data + name.len - colour.data;
        name.len = p - name.data;

        return ngx_http_weir_find(f, WEIR_POLICY_SPLIT, name, colour, &index)
               != NULL;

    case WEIR_POLICY_NAME_HEADER:
        return !ngx_http_weir_is_identity(f, name);

    default:
        return 0;
    }
}


static int
ngx_http_weir_policy_issuer(ngx_array_t *issuers, weir_str_t name)
{
    ngx_str_t   *s;
    ngx_uint_t   i;

    s = issuers ? issuers->elts : NULL;

    for (i = 0; s && i < issuers->nelts; i++) {
        if (weir_str_eq(ngx_http_weir_str(&s[i]), name)) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_weir_policy_fault(void *data, weir_str_t message)
{
    ngx_http_weir_policy_binder_t *binder = data;

    ngx_str_t  s;

    s.len = message.len;
    s.data = (u_char *) message.data;

    if (binder->candidate) {
        ngx_log_error(NGX_LOG_WARN, binder->log, 0,
                      "\"weir_candidate\" \"%V\": %V",
                      &binder->mcf->candidate.dir, &s);

    } else if (binder->log) {
        ngx_log_error(NGX_LOG_EMERG, binder->log, 0, "%V", &s);

        ngx_http_weir_policy_reject(WEIR_REFUSAL_UNKNOWN_NAME, &s);

    } else if (!binder->told++) {
        (void) weir_err(binder->err, "%.*s", (int) message.len, message.data);
    }
}


ngx_array_t *
ngx_http_weir_policy_names(ngx_http_weir_policy_main_conf_t *mcf,
    ngx_pool_t *pool)
{
    ngx_str_t                    *name;
    ngx_uint_t                    i;
    ngx_array_t                  *names;
    ngx_http_weir_policy_use_t  **uses;

    uses = mcf->policies.elts;

    names = ngx_array_create(pool, mcf->policies.nelts + 1,
                             sizeof(ngx_str_t));
    if (names == NULL) {
        return NULL;
    }

    for (i = 0; i < mcf->policies.nelts; i++) {
        name = ngx_array_push(names);
        *name = uses[i]->name;
    }

    return names;
}


ngx_array_t *
ngx_http_weir_policy_issuer_names(ngx_http_weir_policy_main_conf_t *mcf)
{
    return mcf->issuers;
}


ngx_int_t
ngx_http_weir_policy_contract(ngx_http_weir_policy_main_conf_t *mcf,
    json_t *contract)
{
    char                            *at;
    size_t                           room;
    json_t                          *locations, *one, *issuers, *headers;
    ngx_str_t                       *name;
    ngx_uint_t                       i, k;
    ngx_http_weir_policy_binding_t  *b, *bindings;

    headers = json_array();
    name = mcf->identity ? mcf->identity->elts : NULL;

    for (i = 0; name && i < mcf->identity->nelts; i++) {
        (void) json_array_append_new(headers,
                             json_stringn((char *) name[i].data, name[i].len));
    }

    if (json_object_set_new(contract, "identity_headers", headers) != 0) {
        return NGX_ERROR;
    }

    locations = json_array();
    bindings = mcf->bindings.elts;

    for (i = 0; i < mcf->nkinds; i++) {

        b = &bindings[mcf->kinds[i]];
        issuers = json_array();

        for (k = 0; k < b->nadmitted; k++) {
            (void) json_array_append_new(issuers,
                               json_stringn((char *) b->admitted[k].data,
                                            b->admitted[k].len));
        }

        at = malloc(b->file.len + 1 + NGX_INT_T_LEN + 1);

        if (at == NULL) {
            json_decref(issuers);
            json_decref(locations);
            return NGX_ERROR;
        }

        (void) ngx_sprintf((u_char *) at, "%V:%ui%Z", &b->file, b->line);

        one = json_pack("{s:s%, s:o, s:s}", "policy", (char *) b->name.data,
                        b->name.len, "issuers", issuers, "at", at);
        free(at);

        if (json_array_append_new(locations, one) != 0) {
            json_decref(locations);
            return NGX_ERROR;
        }
    }

    room = mcf->block ? ngx_http_weir_policy_image_room(mcf) : 0;

    if (json_object_set_new(contract, "locations", locations) != 0) {
        return NGX_ERROR;
    }

    return json_object_set_new(contract, "room",
                               json_integer((json_int_t) room))
           == 0 ? NGX_OK : NGX_ERROR;
}


/* Bindings that differ; a report need not have all that could be. */

static void
ngx_http_weir_policy_kind(ngx_http_weir_policy_main_conf_t *mcf)
{
    ngx_uint_t                       i, n;
    ngx_http_weir_policy_binding_t  *b;

    b = mcf->bindings.elts;
    n = mcf->bindings.nelts - 1;

    for (i = 0; i < mcf->nkinds; i++) {
        if (ngx_http_weir_policy_alike(&b[n], &b[mcf->kinds[i]])) {
            return;
        }
    }

    if (mcf->nkinds < NGX_HTTP_WEIR_POLICY_KINDS) {
        mcf->kinds[mcf->nkinds++] = n;
    }
}


static ngx_uint_t
ngx_http_weir_policy_alike(const ngx_http_weir_policy_binding_t *a,
    const ngx_http_weir_policy_binding_t *b)
{
    ngx_uint_t  i;

    if (!weir_str_eq(ngx_http_weir_str(&a->name),
                     ngx_http_weir_str(&b->name))
        || a->nadmitted != b->nadmitted)
    {
        return 0;
    }

    for (i = 0; i < a->nadmitted; i++) {
        if (!weir_str_eq(a->admitted[i], b->admitted[i])) {
            return 0;
        }
    }

    return 1;
}
