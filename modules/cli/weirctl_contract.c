
/*
 * weirctl: whether the gateways can serve a bundle, by what they report of
 * their nginx.conf: told before anything is published.
 */

#include "weirctl_package.h"
#include "weir_field.h"


/* Tokens of so many issuers can arrive in a location. */

#define WEIRCTL_ADMITTED  64


typedef struct {
    const weirctl_gateway_t    *gateway;
    const weir_policy_image_t  *image;
    const json_t               *contract;
    const char                 *at;      /* a place in nginx.conf, or NULL */
} weirctl_contract_t;


static unsigned weirctl_contract_gateway(weirctl_contract_t *c,
    const json_t *contract, size_t size);
static unsigned weirctl_contract_policy(weirctl_contract_t *c,
    const char *name);
static unsigned weirctl_contract_location(weirctl_contract_t *c,
    const json_t *location);
static int weirctl_contract_sets(const json_t *headers, weir_str_t name);
static int weirctl_contract_lists(const json_t *list, weir_str_t name);
static int weirctl_contract_colour(const json_t *splits, weir_str_t name);
static int weirctl_contract_known(void *ctx, weir_policy_name_kind_t kind,
    weir_str_t name);
static void weirctl_contract_report(void *ctx, weir_str_t message);


/*
 * A report's "contract": {"policies":[NAME...],"issuers":[NAME...],
 * "quotas":[NAME...],"splits":{NAME:[COLOUR...]...},"objectives":[NAME...],
 * "identity_headers":[NAME...],
 * "locations":[{"policy","issuers":[NAME...],"at"}...],"room":BYTES}.
 */

int
weirctl_contract(const weirctl_gateways_t *g,
    const weir_policy_bundle_t *bundle)
{
    uint32_t             i;
    unsigned             faults;
    weirctl_contract_t   c;

    faults = 0;

    for (i = 0; i < g->n; i++) {

        if (!g->list[i].live) {
            continue;
        }

        c.gateway = &g->list[i];
        c.image = bundle->image;

        faults += weirctl_contract_gateway(&c,
                         json_object_get(g->list[i].report, "contract"),
                         bundle->size);
    }

    return faults != 0 ? WEIRCTL_NO : WEIRCTL_GO_ON;
}


static unsigned
weirctl_contract_gateway(weirctl_contract_t *c, const json_t *contract,
    size_t size)
{
    size_t       k;
    json_t      *list;
    unsigned     faults;
    json_int_t   room;
    const char  *name;

    faults = 0;
    c->at = NULL;
    c->contract = contract;

    room = json_integer_value(json_object_get(contract, "room"));

    if (room > 0 && size > (size_t) room) {
        (void) weirctl_error("gateway %.*s cannot serve it: its image has "
                             "%zu bytes, and there is room for %lld: "
                             "\"weir_zone SIZE policies=SIZE\"",
                             (int) c->gateway->node.len,
                             c->gateway->node.data, size, (long long) room);
        faults++;
    }

    list = json_object_get(contract, "policies");

    for (k = 0; k < json_array_size(list); k++) {
        name = json_string_value(json_array_get(list, k));

        if (name != NULL) {
            faults += weirctl_contract_policy(c, name);
        }
    }

    /* with these the former would be told again for each place */

    list = json_object_get(contract, "locations");

    for (k = 0; faults == 0 && k < json_array_size(list); k++) {
        faults += weirctl_contract_location(c, json_array_get(list, k));
    }

    return faults;
}


static unsigned
weirctl_contract_policy(weirctl_contract_t *c, const char *name)
{
    uint32_t               policy;
    weir_policy_binder_t   binder;

    if (weir_policy_find(c->image, weir_cstr(name), &policy) != WEIR_OK) {
        (void) weirctl_error("gateway %.*s uses policy \"%s\", which the "
                             "bundle lacks", (int) c->gateway->node.len,
                             c->gateway->node.data, name);
        return 1;
    }

    binder.known = weirctl_contract_known;
    binder.report = weirctl_contract_report;
    binder.ctx = c;

    return weir_policy_bind(c->image, policy, NULL, 0, &binder);
}


/* Whose tokens arrive there decides what a schema without "from" means. */

static unsigned
weirctl_contract_location(weirctl_contract_t *c, const json_t *location)
{
    size_t                 i;
    json_t                *issuers;
    uint32_t               n, policy;
    weir_str_t             admitted[WEIRCTL_ADMITTED];
    const char            *name, *issuer;
    weir_policy_binder_t   binder;

    name = json_string_value(json_object_get(location, "policy"));
    issuers = json_object_get(location, "issuers");

    if (name == NULL
        || weir_policy_find(c->image, weir_cstr(name), &policy) != WEIR_OK)
    {
        return 0;
    }

    n = 0;

    for (i = 0; i < json_array_size(issuers) && n < WEIRCTL_ADMITTED; i++) {
        issuer = json_string_value(json_array_get(issuers, i));

        if (issuer != NULL) {
            admitted[n++] = weir_cstr(issuer);
        }
    }

    c->at = json_string_value(json_object_get(location, "at"));

    binder.known = weirctl_contract_known;
    binder.report = weirctl_contract_report;
    binder.ctx = c;

    return weir_policy_bind(c->image, policy, admitted, n, &binder);
}


static int
weirctl_contract_known(void *ctx, weir_policy_name_kind_t kind,
    weir_str_t name)
{
    weirctl_contract_t *c = ctx;

    switch (kind) {

    case WEIR_POLICY_NAME_ISSUER:
        return weirctl_contract_lists(json_object_get(c->contract, "issuers"),
                                      name);

    case WEIR_POLICY_NAME_QUOTA:
        return weirctl_contract_lists(json_object_get(c->contract, "quotas"),
                                      name);

    case WEIR_POLICY_NAME_SPLIT:
        return weirctl_contract_colour(json_object_get(c->contract, "splits"),
                                       name);

    case WEIR_POLICY_NAME_OBJECTIVE:
        return weirctl_contract_lists(json_object_get(c->contract,
                                                      "objectives"),
                                      name);

    case WEIR_POLICY_NAME_HEADER:
        return !weirctl_contract_sets(json_object_get(c->contract,
                                                      "identity_headers"),
                                      name);

    default:
        return 0;
    }
}


static int
weirctl_contract_sets(const json_t *headers, weir_str_t name)
{
    size_t       i;
    const char  *one;

    for (i = 0; i < json_array_size(headers); i++) {
        one = json_string_value(json_array_get(headers, i));

        if (one != NULL && weir_field_same(weir_cstr(one), name)) {
            return 1;
        }
    }

    return 0;
}


static int
weirctl_contract_lists(const json_t *list, weir_str_t name)
{
    size_t       i;
    const char  *one;

    for (i = 0; i < json_array_size(list); i++) {
        one = json_string_value(json_array_get(list, i));

        if (one != NULL && weir_str_eq(weir_cstr(one), name)) {
            return 1;
        }
    }

    return 0;
}


/* "SPLIT COLOUR" */

static int
weirctl_contract_colour(const json_t *splits, weir_str_t name)
{
    size_t          len;
    const uint8_t  *p;

    p = memchr(name.data, ' ', name.len);
    if (p == NULL) {
        return 0;
    }

    len = (size_t) (p - name.data);

    name.data += len + 1;
    name.len -= len + 1;

    return weirctl_contract_lists(json_object_getn(splits,
                                                   (const char *) p - len,
                                                   len),
                                  name);
}


static void
weirctl_contract_report(void *ctx, weir_str_t message)
{
    weirctl_contract_t *c = ctx;

    weirctl_print(stderr, "weirctl: gateway %.*s cannot serve it%s%s: %.*s",
                  (int) c->gateway->node.len, c->gateway->node.data,
                  c->at != NULL ? " at " : "", c->at != NULL ? c->at : "",
                  (int) message.len, message.data);
    fprintf(stderr, "\n");
}
