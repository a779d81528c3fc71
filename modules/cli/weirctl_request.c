
/*
 * weirctl: a request that was found, as JSON for eval and as a curl line.
 */

#include <stdlib.h>

#include "weirctl_prove.h"
#include "weir_time.h"


static json_t *weirctl_request_string(weir_str_t s);
static void weirctl_request_set(json_t *object, const char *name,
    weir_str_t s);
static void weirctl_request_address(json_t *object, const char *name,
    const weir_addr_t *addr);
static json_t *weirctl_request_fields(const weir_policy_field_t *f,
    uint32_t n);
static json_t *weirctl_request_claims(const weir_prove_given_t *list);
static json_t *weirctl_request_value(const weir_prove_given_t *g);
static void weirctl_request_word(weir_str_t s, int url);


json_t *
weirctl_request_json(const weir_prove_request_t *rq, weir_str_t policy)
{
    json_t       *o, *identity, *tls;
    uint8_t       time[WEIR_TIME_LEN];
    uint32_t      i;
    weir_str_t    s;

    static const char  *names[WEIR_POLICY_TLS_ATTRS] = {
        "version", "cipher", "sni", "fingerprint", "spiffe"
    };

    o = json_object();
    identity = json_object();

    weirctl_request_set(o, "policy", policy);
    weirctl_request_set(o, "method", rq->r.method);
    weirctl_request_set(o, "path", rq->path);
    weirctl_request_set(o, "host", rq->host);
    weirctl_request_set(o, "scheme", rq->r.scheme);
    weirctl_request_address(o, "source", rq->r.source_ip);
    weirctl_request_address(o, "peer", rq->r.source_peer);

    if (rq->r.has_time) {
        weir_time_format(time, rq->r.time);
        s.data = time;
        s.len = sizeof(time);
        weirctl_request_set(o, "time", s);
    }

    weirctl_request_set(identity, "kind", weir_policy_kind_name(rq->r.kind));
    weirctl_request_set(identity, "issuer", rq->r.issuer);
    weirctl_request_set(identity, "subject", rq->r.subject);
    weirctl_request_set(identity, "spiffe", rq->r.spiffe);
    (void) json_object_set_new(o, "identity", identity);

    if (rq->claims != NULL) {
        (void) json_object_set_new(o, "claims",
                                   weirctl_request_claims(rq->claims));
    }

    if (rq->fields.nheaders != 0) {
        (void) json_object_set_new(o, "headers",
                   weirctl_request_fields(rq->fields.headers,
                                          rq->fields.nheaders));
    }

    if (rq->fields.nquery != 0) {
        (void) json_object_set_new(o, "query",
                   weirctl_request_fields(rq->fields.query,
                                          rq->fields.nquery));
    }

    tls = json_object();

    for (i = 0; i < WEIR_POLICY_TLS_ATTRS; i++) {
        weirctl_request_set(tls, names[i], rq->fields.tls[i]);
    }

    if (json_object_size(tls) != 0) {
        (void) json_object_set(o, "tls", tls);
    }

    json_decref(tls);

    return o;
}


static json_t *
weirctl_request_string(weir_str_t s)
{
    return json_stringn(s.len ? (const char *) s.data : "", s.len);
}


static void
weirctl_request_set(json_t *object, const char *name, weir_str_t s)
{
    if (s.data != NULL) {
        (void) json_object_set_new(object, name, weirctl_request_string(s));
    }
}


static void
weirctl_request_address(json_t *object, const char *name,
    const weir_addr_t *addr)
{
    uint8_t     text[WEIR_ADDR_TEXT];
    weir_str_t  s;

    if (addr != NULL) {
        s.data = text;
        s.len = weir_addr_format(text, addr);
        weirctl_request_set(object, name, s);
    }
}


static json_t *
weirctl_request_fields(const weir_policy_field_t *f, uint32_t n)
{
    char      *name;
    json_t    *o, *old, *array;
    uint32_t   i;

    o = json_object();

    for (i = 0; i < n; i++) {
        name = strndup((const char *) f[i].name.data, f[i].name.len);
        if (name == NULL) {
            continue;
        }

        old = json_object_get(o, name);

        if (old == NULL) {
            (void) json_object_set_new(o, name,
                                       weirctl_request_string(f[i].value));

        } else {
            array = json_pack("[O,o]", old,
                              weirctl_request_string(f[i].value));
            (void) json_object_set_new(o, name, array);
        }

        free(name);
    }

    return o;
}


/* A key of several members is that of an object in an object. */

static json_t *
weirctl_request_claims(const weir_prove_given_t *list)
{
    char                      *name;
    size_t                     at, len;
    json_t                    *claims, *o, *inner;
    const weir_prove_given_t  *g;

    claims = json_object();

    for (g = list; g != NULL; g = g->next) {

        if (g->type == WEIR_CLAIM_OBJECT) {
            continue;
        }

        o = claims;

        for (at = 0; ; at += len + 1) {
            name = strndup((const char *) g->key.data + at, g->key.len - at);
            if (name == NULL) {
                break;
            }

            len = strlen(name);

            if (at + len >= g->key.len) {
                (void) json_object_set_new(o, name, weirctl_request_value(g));
                free(name);
                break;
            }

            inner = json_object_get(o, name);

            if (inner == NULL) {
                inner = json_object();
                (void) json_object_set_new(o, name, inner);
            }

            o = inner;
            free(name);
        }
    }

    return claims;
}


static json_t *
weirctl_request_value(const weir_prove_given_t *g)
{
    json_t    *array;
    uint32_t   i;

    switch (g->type) {

    case WEIR_CLAIM_STRING:
        return weirctl_request_string(g->string);

    case WEIR_CLAIM_INT:
        return json_integer((json_int_t) g->number);

    case WEIR_CLAIM_BOOL:
        return json_boolean(g->number != 0);

    case WEIR_CLAIM_SET:

        array = json_array();

        for (i = 0; i < g->nitems; i++) {
            (void) json_array_append_new(array,
                                         weirctl_request_string(g->items[i]));
        }

        return array;

    default:
        return json_real(0.5);
    }
}


void
weirctl_request_curl(const weir_prove_request_t *rq)
{
    uint32_t    i;
    weir_str_t  host;

    printf("curl -X ");
    weirctl_request_word(rq->r.method, 0);

    for (i = 0; i < rq->fields.nheaders; i++) {
        printf(" -H ");
        printf("'");
        weirctl_request_word(rq->fields.headers[i].name, 2);
        printf(rq->fields.headers[i].value.len ? ": " : ";");
        weirctl_request_word(rq->fields.headers[i].value, 2);
        printf("'");
    }

    if (rq->r.kind == WEIR_POLICY_JWT) {
        printf(" -H \"Authorization: Bearer $TOKEN\"");

    } else if (rq->r.kind == WEIR_POLICY_MTLS) {
        printf(" --cert \"$CERT\" --key \"$KEY\"");
    }

    host = rq->host.data != NULL ? rq->host : weir_str("gateway.example");

    printf(" '");
    weirctl_request_word(rq->r.scheme.data != NULL ? rq->r.scheme
                                                   : weir_str("https"), 2);
    printf("://");
    weirctl_request_word(host, 2);
    weirctl_request_word(rq->path, 2);

    for (i = 0; i < rq->fields.nquery; i++) {
        printf("%c", i == 0 ? '?' : '&');
        weirctl_request_word(rq->fields.query[i].name, 1);
        printf("=");
        weirctl_request_word(rq->fields.query[i].value, 1);
    }

    printf("'\n");
}


/* url: 0 quoted, 1 percent-encoded, 2 inside quotes */

static void
weirctl_request_word(weir_str_t s, int url)
{
    size_t   i;
    uint8_t  c;

    if (url == 0) {
        printf("'");
    }

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if (url == 1 && !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                          || (c >= '0' && c <= '9')
                          || strchr("-._~", c) != NULL))
        {
            printf("%%%02X", c);

        } else if (c == '\'') {
            printf("'\\''");

        } else {
            putchar(c);
        }
    }

    if (url == 0) {
        printf("'");
    }
}
