
/*
 * Weir: what a policy sees of a request that is asked about.
 */

#include "ngx_http_weir_decide.h"
#include "weir_field.h"


static int ngx_http_weir_decide_header(void *data, weir_str_t name,
    weir_str_t *value);
static int ngx_http_weir_decide_query(void *data, weir_str_t name,
    weir_str_t *value);
static int ngx_http_weir_decide_tls(void *data, weir_policy_tls_t attr,
    weir_str_t *value);


ngx_uint_t
ngx_http_weir_decide_facts(ngx_http_weir_decide_facts_t *f, weir_str_t path,
    weir_str_t host, const char **reason)
{
    u_char                    *buf;
    weir_policy_request_t     *p;
    ngx_http_weir_question_t  *q;

    p = &f->request;
    q = &f->question;

    buf = ngx_pnalloc(f->http->pool, path.len + host.len + 1);

    /* a "#" ends the query to some, and is a byte of it to others */

    if (buf == NULL || weir_path_gate(&f->path, buf, path, 0) != WEIR_OK
        || (f->args.len && memchr(f->args.data, '#', f->args.len)))
    {
        *reason = "ambiguous-path";
        return 0;
    }

    if (host.data
        && weir_host_gate(&p->host, buf + path.len, host) != WEIR_OK)
    {
        *reason = "ambiguous-host";
        return 0;
    }

    p->path = &f->path;
    p->ctx = f;
    p->header = ngx_http_weir_decide_header;
    p->query = ngx_http_weir_decide_query;
    p->tls = ngx_http_weir_decide_tls;

    q->path = p->path;
    q->method.len = p->method.len;
    q->method.data = (u_char *) p->method.data;
    q->host.len = p->host.len;
    q->host.data = (u_char *) p->host.data;
    q->facts = p;

    return 1;
}


static int
ngx_http_weir_decide_header(void *data, weir_str_t name, weir_str_t *value)
{
    ngx_http_weir_decide_facts_t *f = data;

    uint32_t                    i;
    ngx_str_t                   key, found;
    ngx_uint_t                  n;
    const weir_policy_field_t  *field;

    /* the asker's own names who is asked */

    if (weir_str_eq(name, weir_str("host"))) {
        *value = f->request.host;

        return value->data ? WEIR_POLICY_ONE : WEIR_POLICY_ABSENT;
    }

    n = 0;

    if (f->fields) {

        for (i = 0; i < f->fields->nheaders; i++) {
            field = &f->fields->headers[i];

            if (!weir_field_same(field->name, name)) {
                continue;
            }

            *value = field->value;
            n += weir_str_caseeq(field->name, name) ? 1 : 2;
        }

    } else {
        key.len = name.len;
        key.data = (u_char *) name.data;

        n = ngx_http_weir_header_find(f->http, &key, &found);

        if (n) {
            *value = ngx_http_weir_str(&found);
        }

        /* Envoy asks with one field where the upstream gets two */

        if (n == 1 && f->joined && ngx_strlchr(found.data,
                                               found.data + found.len, ','))
        {
            n = 2;
        }
    }

    return n == 0 ? WEIR_POLICY_ABSENT
           : n == 1 ? WEIR_POLICY_ONE : WEIR_POLICY_UNKNOWN;
}


static int
ngx_http_weir_decide_query(void *data, weir_str_t name, weir_str_t *value)
{
    ngx_http_weir_decide_facts_t *f = data;

    u_char  *buf;

    if (f->args.len == 0) {
        return WEIR_POLICY_ABSENT;
    }

    buf = ngx_pnalloc(f->http->pool, f->args.len);
    if (buf == NULL) {
        return WEIR_POLICY_UNKNOWN;
    }

    switch (weir_query_param(f->args, name, buf, value)) {

    case 0:
        return WEIR_POLICY_ABSENT;

    case 1:
        return WEIR_POLICY_ONE;

    default:
        return WEIR_POLICY_UNKNOWN;
    }
}


/* The connection at hand is the asker's. */

static int
ngx_http_weir_decide_tls(void *data, weir_policy_tls_t attr,
    weir_str_t *value)
{
    ngx_http_weir_decide_facts_t *f = data;

    if (f->fields == NULL || f->fields->tls[attr].data == NULL) {
        return WEIR_POLICY_ABSENT;
    }

    *value = f->fields->tls[attr];

    return WEIR_POLICY_ONE;
}
