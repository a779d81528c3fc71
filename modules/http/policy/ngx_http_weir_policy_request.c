
/*
 * Weir: nginx's request as policies see it.  What costs something is looked
 * up only when a policy reads it.
 */

#include "ngx_http_weir_policy_internal.h"

#include <openssl/x509v3.h>


static int ngx_http_weir_policy_header(void *data, weir_str_t name,
    weir_str_t *value);
static int ngx_http_weir_policy_query(void *data, weir_str_t name,
    weir_str_t *value);
static int ngx_http_weir_policy_param(ngx_http_request_t *r, ngx_str_t *args,
    weir_str_t name, weir_str_t *value);
static int ngx_http_weir_policy_tls(void *data, weir_policy_tls_t attr,
    weir_str_t *value);

#if (NGX_HTTP_SSL)
static int ngx_http_weir_policy_text(ngx_http_request_t *r, const char *text,
    weir_str_t *value);
static int ngx_http_weir_policy_sni(ngx_http_request_t *r, SSL *ssl,
    weir_str_t *value);
static X509 *ngx_http_weir_policy_certificate(ngx_http_request_t *r, SSL *ssl);
static int ngx_http_weir_policy_fingerprint(ngx_http_request_t *r, X509 *cert,
    weir_str_t *value);
static int ngx_http_weir_policy_spiffe(ngx_http_request_t *r, X509 *cert,
    weir_str_t *value);
#endif


void
ngx_http_weir_policy_request(ngx_http_weir_policy_request_t *pr,
    ngx_http_request_t *r, ngx_http_weir_question_t *q)
{
    weir_policy_request_t  *p;

    p = &pr->policy;
    pr->http = r;

    if (q->facts) {
        *p = *q->facts;
        return;
    }

    ngx_memzero(p, sizeof(weir_policy_request_t));

    p->path = q->path;
    p->method = ngx_http_weir_str(&q->method);

    if (q->host.len) {
        p->host = ngx_http_weir_str(&q->host);
    }

    p->scheme = weir_str("http");

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        p->scheme = weir_str("https");
    }
#endif

    if (ngx_http_weir_source(r, pr->source.bytes) == NGX_OK) {
        p->source_ip = &pr->source;
    }

    if (ngx_http_weir_peer(r, pr->peer.bytes) == NGX_OK) {
        p->source_peer = &pr->peer;
    }

    p->time = ngx_time();
    p->has_time = 1;

    ngx_http_weir_policy_identity(p, q->identity);

    p->header = ngx_http_weir_policy_header;
    p->query = ngx_http_weir_policy_query;
    p->tls = ngx_http_weir_policy_tls;
    p->ctx = pr;
}


void
ngx_http_weir_policy_identity(weir_policy_request_t *p,
    const ngx_http_weir_identity_t *identity)
{
    if (identity && identity->kind != NGX_HTTP_WEIR_ANONYMOUS) {

        switch (identity->kind) {

        case NGX_HTTP_WEIR_JWT:
            p->kind = WEIR_POLICY_JWT;
            break;

        case NGX_HTTP_WEIR_MTLS:
            p->kind = WEIR_POLICY_MTLS;
            break;

        case NGX_HTTP_WEIR_APIKEY:
            p->kind = WEIR_POLICY_APIKEY;
            break;

        default: /* NGX_HTTP_WEIR_SESSION */
            p->kind = WEIR_POLICY_SESSION;
            break;
        }

        if (identity->issuer.len) {
            p->issuer = ngx_http_weir_str(&identity->issuer);
        }

        if (identity->subject.len) {
            p->subject = ngx_http_weir_str(&identity->subject);
        }

        if (identity->principal.len) {
            p->principal = ngx_http_weir_str(&identity->principal);
        }

        p->claims = identity->claims;

    } else {
        p->principal = weir_str(WEIR_POLICY_NOBODY);
    }
}


static int
ngx_http_weir_policy_header(void *data, weir_str_t name, weir_str_t *value)
{
    ngx_http_weir_policy_request_t *pr = data;

    ngx_str_t   key, found;
    ngx_uint_t  n;

    key.len = name.len;
    key.data = (u_char *) name.data;

    n = ngx_http_weir_header_find(pr->http, &key, &found);

    if (n == 0) {
        return WEIR_POLICY_ABSENT;
    }

    if (n > 1) {
        return WEIR_POLICY_UNKNOWN;
    }

    *value = ngx_http_weir_str(&found);

    return WEIR_POLICY_ONE;
}


/*
 * While nginx passes the client's target on as it came, a "#" in it ends
 * nginx's arguments and not those of others: both readings must agree.
 */

static int
ngx_http_weir_policy_query(void *data, weir_str_t name, weir_str_t *value)
{
    ngx_http_weir_policy_request_t *pr = data;

    int                  rc;
    u_char              *p;
    ngx_str_t            raw;
    weir_str_t           other;
    ngx_http_request_t  *r;

    r = pr->http;

    rc = ngx_http_weir_policy_param(r, &r->args, name, value);

    if (!r->valid_unparsed_uri || rc == WEIR_POLICY_UNKNOWN) {
        return rc;
    }

    ngx_str_null(&raw);

    p = ngx_strlchr(r->unparsed_uri.data,
                    r->unparsed_uri.data + r->unparsed_uri.len, '?');
    if (p) {
        raw.data = p + 1;
        raw.len = r->unparsed_uri.data + r->unparsed_uri.len - raw.data;
    }

    if (raw.len == r->args.len
        && (raw.len == 0
            || ngx_memcmp(raw.data, r->args.data, raw.len) == 0))
    {
        return rc;
    }

    if (ngx_http_weir_policy_param(r, &raw, name, &other) != rc
        || (rc == WEIR_POLICY_ONE && !weir_str_eq(*value, other)))
    {
        return WEIR_POLICY_UNKNOWN;
    }

    return rc;
}


static int
ngx_http_weir_policy_param(ngx_http_request_t *r, ngx_str_t *args,
    weir_str_t name, weir_str_t *value)
{
    u_char  *buf;

    if (args->len == 0) {
        return WEIR_POLICY_ABSENT;
    }

    buf = ngx_pnalloc(r->pool, args->len);
    if (buf == NULL) {
        return WEIR_POLICY_UNKNOWN;
    }

    switch (weir_query_param(ngx_http_weir_str(args), name, buf, value))
    {
    case 0:
        return WEIR_POLICY_ABSENT;

    case 1:
        return WEIR_POLICY_ONE;

    default:
        return WEIR_POLICY_UNKNOWN;
    }
}


static int
ngx_http_weir_policy_tls(void *data, weir_policy_tls_t attr,
    weir_str_t *value)
{
#if (NGX_HTTP_SSL)

    ngx_http_weir_policy_request_t *pr = data;

    int                  rc;
    SSL                 *ssl;
    X509                *cert;
    ngx_http_request_t  *r;

    r = pr->http;

    if (r->connection->ssl == NULL) {
        return WEIR_POLICY_ABSENT;
    }

    ssl = r->connection->ssl->connection;

    switch (attr) {

    case WEIR_POLICY_TLS_VERSION:
        return ngx_http_weir_policy_text(r, SSL_get_version(ssl), value);

    case WEIR_POLICY_TLS_CIPHER:
        return ngx_http_weir_policy_text(r, SSL_get_cipher_name(ssl), value);

    case WEIR_POLICY_TLS_SNI:
        return ngx_http_weir_policy_sni(r, ssl, value);

    default:
        break;
    }

    cert = ngx_http_weir_policy_certificate(r, ssl);
    if (cert == NULL) {
        return WEIR_POLICY_ABSENT;
    }

    rc = attr == WEIR_POLICY_TLS_FINGERPRINT
         ? ngx_http_weir_policy_fingerprint(r, cert, value)
         : ngx_http_weir_policy_spiffe(r, cert, value);

    X509_free(cert);

    return rc;

#else

    return WEIR_POLICY_ABSENT;

#endif
}


#if (NGX_HTTP_SSL)

static int
ngx_http_weir_policy_text(ngx_http_request_t *r, const char *text,
    weir_str_t *value)
{
    if (text == NULL) {
        return WEIR_POLICY_ABSENT;
    }

    value->data = (const uint8_t *) text;
    value->len = ngx_strlen(text);

    return WEIR_POLICY_ONE;
}


/* Lower case, as hosts are. */

static int
ngx_http_weir_policy_sni(ngx_http_request_t *r, SSL *ssl, weir_str_t *value)
{
    size_t       len;
    u_char      *p;
    const char  *name;

    name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == NULL) {
        return WEIR_POLICY_ABSENT;
    }

    len = ngx_strlen(name);

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return WEIR_POLICY_UNKNOWN;
    }

    ngx_strlow(p, (u_char *) name, len);

    value->data = p;
    value->len = len;

    return WEIR_POLICY_ONE;
}


/*
 * The client's certificate, if it was verified in this server's own handshake:
 * not in another server's, whose authorities may be others, and not in an
 * earlier one, whose revocations may be old (security.md 2.5).
 */

static X509 *
ngx_http_weir_policy_certificate(ngx_http_request_t *r, SSL *ssl)
{
    ngx_http_ssl_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_ssl_module);

    if (SSL_get_SSL_CTX(ssl) != sscf->ssl.ctx || SSL_session_reused(ssl)
        || SSL_get_verify_result(ssl) != X509_V_OK)
    {
        return NULL;
    }

    return SSL_get_peer_certificate(ssl);
}


ngx_uint_t
ngx_http_weir_policy_certified(ngx_http_request_t *r)
{
    X509  *cert;

    if (r->connection->ssl == NULL) {
        return 0;
    }

    cert = ngx_http_weir_policy_certificate(r,
                                            r->connection->ssl->connection);
    if (cert == NULL) {
        return 0;
    }

    X509_free(cert);

    return 1;
}


/* SHA-256 of the certificate, in lower case hex. */

static int
ngx_http_weir_policy_fingerprint(ngx_http_request_t *r, X509 *cert,
    weir_str_t *value)
{
    u_char        *p, hash[EVP_MAX_MD_SIZE];
    unsigned int   len;

    if (X509_digest(cert, EVP_sha256(), hash, &len) != 1) {
        return WEIR_POLICY_UNKNOWN;
    }

    p = ngx_pnalloc(r->pool, 2 * len);
    if (p == NULL) {
        return WEIR_POLICY_UNKNOWN;
    }

    ngx_hex_dump(p, hash, len);

    value->data = p;
    value->len = 2 * len;

    return WEIR_POLICY_ONE;
}


/* An SVID has exactly one URI (X.509-SVID, 2). */

static int
ngx_http_weir_policy_spiffe(ngx_http_request_t *r, X509 *cert,
    weir_str_t *value)
{
    int                   i, n, len;
    u_char               *p;
    GENERAL_NAME         *name;
    GENERAL_NAMES        *names;
    const unsigned char  *uri;

    names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    if (names == NULL) {
        return WEIR_POLICY_ABSENT;
    }

    n = 0;
    len = 0;
    uri = NULL;

    for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_URI) {
            uri = ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
            len = ASN1_STRING_length(name->d.uniformResourceIdentifier);
            n++;
        }
    }

    if (n != 1 || len <= (int) sizeof("spiffe://") - 1
        || ngx_strncmp(uri, "spiffe://", sizeof("spiffe://") - 1) != 0)
    {
        GENERAL_NAMES_free(names);
        return n > 1 ? WEIR_POLICY_UNKNOWN : WEIR_POLICY_ABSENT;
    }

    p = ngx_pnalloc(r->pool, len);

    if (p) {
        ngx_memcpy(p, uri, len);
    }

    GENERAL_NAMES_free(names);

    value->data = p;
    value->len = len;

    return p ? WEIR_POLICY_ONE : WEIR_POLICY_UNKNOWN;
}

#else

ngx_uint_t
ngx_http_weir_policy_certified(ngx_http_request_t *r)
{
    return 0;
}

#endif
