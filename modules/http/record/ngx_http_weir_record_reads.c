
/*
 * Weir: what a record says of what a policy read.
 *
 * What an attacker could want to read in a log is not in it: credentials
 * never, the subject and values of the query as pseudonyms (HMAC-SHA-256 with
 * weir_secret, 128 bits): equal where they are equal.
 */

#include "ngx_http_weir_record.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>


static ngx_uint_t ngx_http_weir_record_secret(const weir_policy_read_t *read);
static void ngx_http_weir_record_value(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, const weir_policy_request_t *pr,
    const weir_policy_read_t *read);


void
ngx_http_weir_record_reads(ngx_http_weir_record_conf_t *rcf, weir_record_t *w,
    const weir_policy_image_t *image, uint32_t policy,
    const weir_policy_request_t *pr)
{
    u_char              text[1024];
    uint32_t            i, n;
    ngx_uint_t          any;
    weir_str_t          name;
    weir_policy_read_t  read;

    any = 0;
    n = weir_policy_attrs(image, policy);

    weir_record_raw(w, weir_str("{"));

    for (i = 0; i < n && !w->full; i++) {

        if (weir_policy_read_attr(image, policy, i, pr, &read) != WEIR_OK
            || ngx_http_weir_record_secret(&read))
        {
            continue;
        }

        if (any) {
            weir_record_raw(w, weir_str(","));
        }

        any = 1;

        name.data = text;
        name.len = weir_policy_read_name(&read, text, sizeof(text));
        name.len = ngx_min(name.len, sizeof(text));

        weir_record_string(w, name);
        weir_record_raw(w, weir_str(":"));
        ngx_http_weir_record_value(rcf, w, pr, &read);
    }

    weir_record_raw(w, weir_str("}"));
}


/* Fields that hold credentials: not even that they were read. */

static ngx_uint_t
ngx_http_weir_record_secret(const weir_policy_read_t *read)
{
    ngx_uint_t  i;

    static const char  *names[] = {
        "authorization", "cookie", "dpop", "proxy-authorization", NULL
    };

    if (read->kind != WEIR_POLICY_READ_HEADER) {
        return 0;
    }

    for (i = 0; names[i]; i++) {
        if (weir_str_caseeq(read->name, weir_cstr(names[i]))) {
            return 1;
        }
    }

    return 0;
}


/* null: absent; {}: there, and unknown to the policy. */

static void
ngx_http_weir_record_value(ngx_http_weir_record_conf_t *rcf, weir_record_t *w,
    const weir_policy_request_t *pr, const weir_policy_read_t *read)
{
    size_t      from;
    uint8_t     addr[WEIR_ADDR_TEXT];
    uint32_t    i;
    weir_str_t  s;

    from = w->len;

    if (read->state != WEIR_POLICY_ONE) {
        weir_record_raw(w, read->state == WEIR_POLICY_ABSENT
                           ? weir_str("null") : weir_str("{}"));
        return;
    }

    switch (read->type) {

    case WEIR_POLICY_READ_BOOL:
        weir_record_raw(w, read->number ? weir_str("true")
                                        : weir_str("false"));
        return;

    case WEIR_POLICY_READ_INT:
        weir_record_number(w, read->number);
        return;

    case WEIR_POLICY_READ_ADDR:
        s.data = addr;
        s.len = weir_addr_format(addr, read->addr);
        weir_record_string(w, s);
        return;

    case WEIR_POLICY_READ_SET:

        weir_record_raw(w, weir_str("["));

        for (i = 0; i < read->nitems; i++) {

            if (w->full || w->len - from > NGX_HTTP_WEIR_RECORD_SET) {
                weir_record_back(w, from);
                weir_record_raw(w, weir_str("{\"hmac\":null}"));
                return;
            }

            if (i != 0) {
                weir_record_raw(w, weir_str(","));
            }

            weir_record_string(w, weir_policy_read_item(pr, read, i));
        }

        weir_record_raw(w, weir_str("]"));
        return;

    default:
        break;
    }

    if (!read->personal && read->kind != WEIR_POLICY_READ_QUERY) {

        if (!weir_record_beginning(w, read->string,
                                   NGX_HTTP_WEIR_RECORD_VALUE + 2))
        {
            return;
        }

        weir_record_back(w, from);
    }

    weir_record_raw(w, weir_str("{\"hmac\":"));
    ngx_http_weir_record_pseudonym(rcf, w, read->string);
    weir_record_raw(w, weir_str("}"));
}


void
ngx_http_weir_record_pseudonym(ngx_http_weir_record_conf_t *rcf,
    weir_record_t *w, weir_str_t s)
{
    u_char        text[34], md[EVP_MAX_MD_SIZE];
    weir_str_t    hex;
    unsigned int  len;

    if (HMAC(EVP_sha256(), rcf->key, sizeof(rcf->key), s.data, s.len, md,
             &len)
        == NULL)
    {
        w->full = 1;
        return;
    }

    text[0] = '"';
    ngx_hex_dump(text + 1, md, 16);
    text[33] = '"';

    hex.data = text;
    hex.len = sizeof(text);

    weir_record_raw(w, hex);
}
