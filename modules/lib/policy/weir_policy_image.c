
/*
 * Weir: reading a policy image: names, methods, and the binding check.
 */

#include <stdio.h>

#include "weir_hash.h"
#include "weir_policy_image.h"


static const weir_policy_rec_t *weir_policy_rec(
    const weir_policy_image_t *image, uint32_t policy);
static void weir_policy_bind_fault(const weir_policy_image_t *image,
    const weir_policy_binder_t *binder, const weir_policy_name_rec_t *name,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));


/* Methods with a bit of their own, at most 31; in order of use. */

static const weir_str_t  weir_policy_methods[] = {
    { 3, (const uint8_t *) "GET" },
    { 4, (const uint8_t *) "POST" },
    { 4, (const uint8_t *) "HEAD" },
    { 3, (const uint8_t *) "PUT" },
    { 6, (const uint8_t *) "DELETE" },
    { 5, (const uint8_t *) "PATCH" },
    { 7, (const uint8_t *) "OPTIONS" },
    { 7, (const uint8_t *) "CONNECT" },
    { 5, (const uint8_t *) "TRACE" },
    { 8, (const uint8_t *) "PROPFIND" },
    { 9, (const uint8_t *) "PROPPATCH" },
    { 5, (const uint8_t *) "MKCOL" },
    { 4, (const uint8_t *) "COPY" },
    { 4, (const uint8_t *) "MOVE" },
    { 4, (const uint8_t *) "LOCK" },
    { 6, (const uint8_t *) "UNLOCK" },
    { 6, (const uint8_t *) "REPORT" },
    { 6, (const uint8_t *) "SEARCH" },
    { 5, (const uint8_t *) "MERGE" },
    { 5, (const uint8_t *) "QUERY" },
    { 5, (const uint8_t *) "PURGE" }
};

#define WEIR_POLICY_NMETHODS                                                  \
    (sizeof(weir_policy_methods) / sizeof(weir_policy_methods[0]))


static const char *const  weir_policy_reasons[WEIR_POLICY_REASONS] = {
    "permit-rule", "deny-rule", "deny-unknown", "default-deny",
    "ambiguous-path", "ambiguous-host", "ambiguous-request",
    "closed-location", "no-bundle", "no-policy", "error"
};


static const char *const  weir_policy_kinds[WEIR_POLICY_KINDS] = {
    "anonymous", "jwt", "mtls", "apikey", "session"
};


/* What a name is to a policy, and to nginx.conf; by its kind. */

static const char *const  weir_policy_bound[WEIR_POLICY_NAMES][2] = {
    { "issuer", "weir_issuer" },
    { NULL, NULL },
    { "quota", "weir_quota" },
    { "split and colour", "weir_split" },
    { "objective", "weir_objective" },
    { NULL, NULL }
};


/* Finds damage, not enemies: who could write the image could do this too. */

static const weir_hash_key_t  weir_policy_image_key = {
    { 'w', 'e', 'i', 'r', '-', 'p', 'o', 'l', 'i', 'c', 'y', '-', 'i', 'm',
      'g', '1' }
};


const char *
weir_policy_reason_name(weir_policy_reason_t reason)
{
    return weir_policy_reasons[reason];
}


weir_str_t
weir_policy_kind_name(weir_policy_kind_t kind)
{
    return weir_cstr(weir_policy_kinds[kind]);
}


int
weir_policy_kind_parse(weir_str_t name, weir_policy_kind_t *kind)
{
    uint32_t  i;

    for (i = 0; i < WEIR_POLICY_KINDS; i++) {
        if (weir_str_eq(weir_policy_kind_name(i), name)) {
            *kind = i;
            return WEIR_OK;
        }
    }

    return WEIR_DECLINED;
}


uint32_t
weir_policy_method_bit(weir_str_t method)
{
    uint32_t  i;

    for (i = 0; i < WEIR_POLICY_NMETHODS; i++) {
        if (weir_str_eq(weir_policy_methods[i], method)) {
            return 1u << i;
        }
    }

    return WEIR_POLICY_METHOD_OTHER;
}


uint32_t
weir_policy_long_hash(weir_str_t s)
{
    return (uint32_t) weir_siphash13(&weir_policy_image_key, s.data, s.len);
}


uint64_t
weir_policy_checksum(const weir_policy_image_t *image, size_t size)
{
    size_t  from;

    from = offsetof(weir_policy_image_t, policies);

    return weir_siphash13(&weir_policy_image_key,
                          (const uint8_t *) image + from, size - from);
}


const weir_policy_image_t *
weir_policy_trust(const void *data)
{
    const weir_policy_image_t  *image;

    image = data;

    if (memcmp(image->magic, WEIR_POLICY_MAGIC, sizeof(image->magic)) != 0
        || image->layout != WEIR_POLICY_LAYOUT)
    {
        return NULL;
    }

    return image;
}


size_t
weir_policy_image_size(const weir_policy_image_t *image)
{
    return image->size;
}


uint32_t
weir_policy_count(const weir_policy_image_t *image)
{
    return image->policies.n;
}


weir_str_t
weir_policy_name(const weir_policy_image_t *image, uint32_t i)
{
    return weir_policy_text(image, weir_policy_rec(image, i)->name);
}


int
weir_policy_find(const weir_policy_image_t *image, weir_str_t name,
    uint32_t *policy)
{
    int       rc;
    uint32_t  lo, hi, mid;

    lo = 0;
    hi = image->policies.n;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;
        rc = weir_str_cmp(name, weir_policy_name(image, mid));

        if (rc == 0) {
            *policy = mid;
            return WEIR_OK;
        }

        if (rc < 0) {
            hi = mid;

        } else {
            lo = mid + 1;
        }
    }

    return WEIR_DECLINED;
}


uint32_t
weir_policy_rules(const weir_policy_image_t *image, uint32_t policy)
{
    return weir_policy_rec(image, policy)->rules.n;
}


weir_str_t
weir_policy_rule_name(const weir_policy_image_t *image, uint32_t policy,
    uint32_t rule)
{
    const weir_policy_rule_rec_t  *rules;

    rules = weir_policy_at(image, weir_policy_rec(image, policy)->rules.off);

    return weir_policy_text(image, rules[rule].name);
}


static const weir_policy_rec_t *
weir_policy_rec(const weir_policy_image_t *image, uint32_t policy)
{
    const weir_policy_rec_t  *recs;

    recs = weir_policy_at(image, image->policies.off);

    return &recs[policy];
}


uint32_t
weir_policy_bind(const weir_policy_image_t *image, uint32_t policy,
    const weir_str_t *admitted, uint32_t nadmitted,
    const weir_policy_binder_t *binder)
{
    uint32_t                       i, n;
    weir_str_t                     what, own;
    const weir_policy_rec_t       *rec;
    const weir_policy_name_rec_t  *name;

    n = 0;
    rec = weir_policy_rec(image, policy);
    own = weir_policy_text(image, rec->name);
    name = weir_policy_at(image, rec->names.off);

    for (i = 0; i < rec->names.n; i++) {

        what = weir_policy_text(image, name[i].name);

        if (name[i].kind == WEIR_POLICY_NAME_ANY_ISSUER) {

            if (nadmitted > 1) {
                n++;
                weir_policy_bind_fault(image, binder, &name[i],
                                       "policy %.*s has a schema without "
                                       "\"from\" where several issuers can "
                                       "arrive, %.*s and %.*s among them; "
                                       "write \"schema from NAME\"",
                                       weir_policy_s(own),
                                       weir_policy_s(admitted[0]),
                                       weir_policy_s(admitted[1]));
            }

            continue;
        }

        if (binder->known(binder->ctx, name[i].kind, what)) {
            continue;
        }

        n++;

        if (name[i].kind == WEIR_POLICY_NAME_HEADER) {
            weir_policy_bind_fault(image, binder, &name[i],
                                   "policy %.*s sets %.*s, which "
                                   "weir_identity_header does",
                                   weir_policy_s(own), weir_policy_s(what));

        } else {
            weir_policy_bind_fault(image, binder, &name[i],
                                   "policy %.*s names %s %.*s, and there is "
                                   "no such %s", weir_policy_s(own),
                                   weir_policy_bound[name[i].kind][0],
                                   weir_policy_s(what),
                                   weir_policy_bound[name[i].kind][1]);
        }
    }

    return n;
}


static void
weir_policy_bind_fault(const weir_policy_image_t *image,
    const weir_policy_binder_t *binder, const weir_policy_name_rec_t *name,
    const char *fmt, ...)
{
    int         n;
    char        text[768];
    size_t      len;
    va_list     args;
    weir_str_t  message, file;

    file = weir_policy_text(image, name->file);

    if (file.len > 255) {
        file.len = 255;
    }

    n = snprintf(text, sizeof(text), "%.*s:%u:%u: error: ",
                 weir_policy_s(file), name->line, name->column);
    len = n < 0 ? 0 : (size_t) n;

    va_start(args, fmt);
    n = vsnprintf(text + len, sizeof(text) - len, fmt, args);
    va_end(args);

    len += n < 0 ? 0 : (size_t) n;

    message.data = (const uint8_t *) text;
    message.len = len < sizeof(text) ? len : sizeof(text) - 1;

    binder->report(binder->ctx, message);
}
