
/*
 * Weir: the claims of a JWT (RFC 7519, 9068): checked against an issuer's
 * settings, then flattened for those who decide.
 */

#include "weir_json.h"
#include "weir_token.h"


/* Beyond it a double does not hold every second. */
#define WEIR_DATE_MAX  9007199254740992.0


typedef struct {
    weir_arena_t           *arena;
    weir_claims_builder_t  *builder;
    size_t                  bytes;
} weir_flatten_t;


static int weir_jwt_date(const json_t *claims, const char *name,
    double *date);
static int weir_jwt_typ(weir_str_t typ, const weir_issuer_t *issuer);
static weir_str_t weir_jwt_type(weir_str_t typ);
static weir_token_reason_e weir_jwt_audience(const json_t *claims,
    const weir_issuer_t *issuer);
static int weir_jwt_audience_has(const weir_issuer_t *issuer, weir_str_t aud);
static int weir_flatten_object(weir_flatten_t *f, weir_str_t prefix,
    const json_t *object, unsigned depth);
static int weir_flatten_value(weir_flatten_t *f, weir_str_t key,
    const json_t *value);
static int weir_flatten_array(weir_flatten_t *f, weir_str_t key,
    const json_t *array);


weir_token_reason_e
weir_token_claims(const json_t *claims, weir_str_t typ,
    const weir_issuer_t *issuer, int64_t now, int64_t *exp, int64_t *nbf)
{
    int                  has_iat, has_nbf;
    double               e, n, i, clock, leeway;
    weir_str_t           sub;
    weir_token_reason_e  reason;

    if (weir_jwt_typ(typ, issuer) != WEIR_OK) {
        return WEIR_TOKEN_TYP;
    }

    /* RFC 8417: a security event (or a logout) is no credential */

    if (json_object_get(claims, "events") != NULL) {
        return WEIR_TOKEN_TYP;
    }

    n = 0.0;
    i = 0.0;
    clock = (double) now;
    leeway = (double) issuer->leeway;

    switch (weir_jwt_date(claims, "exp", &e)) {

    case WEIR_OK:
        break;

    case WEIR_DECLINED:
        return WEIR_TOKEN_EXP_MISSING;

    default:
        return WEIR_TOKEN_CLAIMS;
    }

    if (clock >= e + leeway) {
        return WEIR_TOKEN_EXPIRED;
    }

    has_nbf = weir_jwt_date(claims, "nbf", &n);
    has_iat = weir_jwt_date(claims, "iat", &i);

    if (has_nbf == WEIR_ERROR || has_iat == WEIR_ERROR) {
        return WEIR_TOKEN_CLAIMS;
    }

    if (has_nbf == WEIR_OK && n > clock + leeway) {
        return WEIR_TOKEN_NOT_BEFORE;
    }

    if (has_iat == WEIR_OK && i > clock + leeway) {
        return WEIR_TOKEN_ISSUED_AT;
    }

    if ((has_iat == WEIR_OK && e + leeway < i)
        || (has_nbf == WEIR_OK && e + leeway < n))
    {
        return WEIR_TOKEN_LIFETIME;
    }

    if (issuer->max_age == 0) {

        if (e > clock + WEIR_TOKEN_LIFE + leeway) {
            return WEIR_TOKEN_LIFETIME;
        }

    } else if (has_iat != WEIR_OK || e - i > (double) issuer->max_age) {
        return WEIR_TOKEN_LIFETIME;
    }

    reason = weir_jwt_audience(claims, issuer);

    if (reason != WEIR_TOKEN_VALID) {
        return reason;
    }

    switch (weir_json_string(claims, "sub", &sub)) {

    case WEIR_OK:
        if (sub.len == 0) {
            return WEIR_TOKEN_CLAIMS;
        }
        break;

    case WEIR_ERROR:
        return WEIR_TOKEN_CLAIMS;

    default:
        break;
    }

    /* RFC 7800: bound to a key whose proof is not asked for here */

    if (json_object_get(claims, "cnf") != NULL) {
        return WEIR_TOKEN_CNF;
    }

    *exp = (int64_t) e;
    *nbf = (int64_t) n;
    *nbf += (double) *nbf < n;

    return WEIR_TOKEN_VALID;
}


/* A NumericDate: fractions may be, but what no integer can hold may not. */

static int
weir_jwt_date(const json_t *claims, const char *name, double *date)
{
    double         d;
    const json_t  *value;

    value = json_object_get(claims, name);

    if (value == NULL) {
        return WEIR_DECLINED;
    }

    if (!json_is_number(value)) {
        return WEIR_ERROR;
    }

    d = json_number_value(value);

    if (!(d >= 0.0 && d <= WEIR_DATE_MAX)) {
        return WEIR_ERROR;
    }

    *date = d;

    return WEIR_OK;
}


static int
weir_jwt_typ(weir_str_t typ, const weir_issuer_t *issuer)
{
    unsigned  i;

    typ = typ.data == NULL ? weir_str("JWT") : weir_jwt_type(typ);

    if (issuer->typs == 0) {
        return weir_str_caseeq(typ, weir_str("at+jwt"))
               || weir_str_caseeq(typ, weir_str("JWT"))
               ? WEIR_OK : WEIR_ERROR;
    }

    for (i = 0; i < issuer->typs; i++) {
        if (weir_str_caseeq(typ, weir_jwt_type(issuer->typ[i]))) {
            return WEIR_OK;
        }
    }

    return WEIR_ERROR;
}


/* RFC 7515, 4.1.9: "application/" may be left out. */

static weir_str_t
weir_jwt_type(weir_str_t typ)
{
    weir_str_t  prefix, application = weir_str("application/");

    if (typ.len > application.len) {
        prefix.data = typ.data;
        prefix.len = application.len;

        if (weir_str_caseeq(prefix, application)) {
            typ.data += application.len;
            typ.len -= application.len;
        }
    }

    return typ;
}


static weir_token_reason_e
weir_jwt_audience(const json_t *claims, const weir_issuer_t *issuer)
{
    int            found;
    size_t         i;
    weir_str_t     s;
    const json_t  *aud, *item;

    aud = json_object_get(claims, "aud");

    if (aud == NULL) {
        return issuer->audiences == 0 ? WEIR_TOKEN_VALID
                                      : WEIR_TOKEN_AUDIENCE;
    }

    if (json_is_string(aud)) {
        s.data = (const uint8_t *) json_string_value(aud);
        s.len = json_string_length(aud);

        return issuer->audiences == 0 || weir_jwt_audience_has(issuer, s)
               ? WEIR_TOKEN_VALID : WEIR_TOKEN_AUDIENCE;
    }

    if (!json_is_array(aud)) {
        return WEIR_TOKEN_AUDIENCE;
    }

    found = issuer->audiences == 0;

    json_array_foreach((json_t *) aud, i, item) {

        if (!json_is_string(item)) {
            return WEIR_TOKEN_AUDIENCE;
        }

        s.data = (const uint8_t *) json_string_value(item);
        s.len = json_string_length(item);

        found |= weir_jwt_audience_has(issuer, s);
    }

    return found ? WEIR_TOKEN_VALID : WEIR_TOKEN_AUDIENCE;
}


static int
weir_jwt_audience_has(const weir_issuer_t *issuer, weir_str_t aud)
{
    unsigned  i;

    for (i = 0; i < issuer->audiences; i++) {
        if (weir_str_eq(aud, issuer->audience[i])) {
            return 1;
        }
    }

    return 0;
}


int
weir_token_audience(const weir_claims_t *flat, const weir_issuer_t *issuer)
{
    uint32_t                   i;
    const weir_claim_entry_t  *aud;

    if (issuer->audiences == 0) {
        return 1;
    }

    aud = weir_claims_find(flat, weir_str("aud"));

    if (aud == NULL) {
        return 0;
    }

    if (aud->type == WEIR_CLAIM_STRING) {
        return weir_jwt_audience_has(issuer, weir_claims_string(flat, aud));
    }

    if (aud->type != WEIR_CLAIM_SET) {
        return 0;
    }

    for (i = 0; i < aud->value_len; i++) {
        if (weir_jwt_audience_has(issuer, weir_claims_item(flat, aud, i))) {
            return 1;
        }
    }

    return 0;
}


int
weir_token_flatten(const weir_claims_t **flat, weir_arena_t *a,
    const json_t *claims)
{
    int             rc;
    weir_str_t      none;
    weir_flatten_t  f;

    none.len = 0;
    none.data = NULL;

    f.arena = a;
    f.bytes = sizeof(weir_claims_t);
    f.builder = weir_claims_builder(a);

    if (f.builder == NULL) {
        return WEIR_NOMEM;
    }

    rc = weir_flatten_object(&f, none, claims, 0);

    if (rc != WEIR_OK) {
        return rc;
    }

    *flat = weir_claims_build(f.builder);

    return *flat == NULL ? WEIR_NOMEM : WEIR_OK;
}


static int
weir_flatten_object(weir_flatten_t *f, weir_str_t prefix,
    const json_t *object, unsigned depth)
{
    int          rc;
    size_t       len;
    uint8_t     *p;
    json_t      *value;
    weir_str_t   key;
    const char  *name;

    if (depth > 16) {
        return WEIR_ERROR;
    }

    json_object_foreach((json_t *) object, name, value) {

        if (json_is_null(value)) {
            continue;
        }

        len = strlen(name);
        key.len = prefix.data == NULL ? len : prefix.len + 1 + len;

        f->bytes += sizeof(weir_claim_entry_t) + key.len;

        if (f->bytes > WEIR_FLAT_MAX) {
            return WEIR_ERROR;
        }

        p = weir_arena_alloc(f->arena, key.len + 1);

        if (p == NULL) {
            return WEIR_NOMEM;
        }

        key.data = p;

        if (prefix.data != NULL) {
            memcpy(p, prefix.data, prefix.len);
            p += prefix.len;
            *p++ = '\0';
        }

        memcpy(p, name, len);

        rc = weir_flatten_value(f, key, value);

        if (rc == WEIR_OK && json_is_object(value)) {
            rc = weir_flatten_object(f, key, value, depth + 1);
        }

        if (rc != WEIR_OK) {
            return rc;
        }
    }

    return WEIR_OK;
}


static int
weir_flatten_value(weir_flatten_t *f, weir_str_t key, const json_t *value)
{
    int64_t            number;
    weir_str_t         s, none;
    weir_claim_type_t  type;

    none.len = 0;
    none.data = NULL;

    s = none;
    number = 0;

    switch (json_typeof(value)) {

    case JSON_OBJECT:
        type = WEIR_CLAIM_OBJECT;
        break;

    case JSON_ARRAY:
        return weir_flatten_array(f, key, value);

    case JSON_STRING:
        type = WEIR_CLAIM_STRING;
        s.data = (const uint8_t *) json_string_value(value);
        s.len = json_string_length(value);

        f->bytes += s.len;

        if (f->bytes > WEIR_FLAT_MAX) {
            return WEIR_ERROR;
        }
        break;

    case JSON_INTEGER:
        type = WEIR_CLAIM_INT;
        number = json_integer_value(value);
        break;

    case JSON_TRUE:
    case JSON_FALSE:
        type = WEIR_CLAIM_BOOL;
        number = json_is_true(value);
        break;

    default:
        type = WEIR_CLAIM_OTHER;
    }

    return weir_claims_add(f->builder, key, type, number, s, NULL, 0);
}


static int
weir_flatten_array(weir_flatten_t *f, weir_str_t key, const json_t *array)
{
    size_t       i, n;
    weir_str_t  *items, none;
    json_t      *item;

    none.len = 0;
    none.data = NULL;

    n = json_array_size(array);

    f->bytes += n * 2 * sizeof(uint32_t);

    if (f->bytes > WEIR_FLAT_MAX) {
        return WEIR_ERROR;
    }

    items = weir_arena_calloc(f->arena, n + 1, sizeof(weir_str_t));

    if (items == NULL) {
        return WEIR_NOMEM;
    }

    json_array_foreach((json_t *) array, i, item) {

        if (!json_is_string(item)) {
            return weir_claims_add(f->builder, key, WEIR_CLAIM_OTHER, 0, none,
                                   NULL, 0);
        }

        items[i].data = (const uint8_t *) json_string_value(item);
        items[i].len = json_string_length(item);

        f->bytes += items[i].len;

        if (f->bytes > WEIR_FLAT_MAX) {
            return WEIR_ERROR;
        }
    }

    return weir_claims_add(f->builder, key, WEIR_CLAIM_SET, 0, none, items,
                           (uint32_t) n);
}
