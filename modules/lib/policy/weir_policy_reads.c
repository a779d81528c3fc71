
/*
 * Weir: what a policy reads of a request, for records of its decisions.
 */

#include "weir_policy_eval.h"


static weir_str_t weir_policy_read_word(uint32_t kind);
static int weir_policy_is_id(weir_str_t s);


uint32_t
weir_policy_attrs(const weir_policy_image_t *image, uint32_t policy)
{
    const weir_policy_rec_t  *rec;

    rec = weir_policy_at(image, image->policies.off);

    return rec[policy].attrs.n;
}


int
weir_policy_read_attr(const weir_policy_image_t *image, uint32_t policy,
    uint32_t i, const weir_policy_request_t *r, weir_policy_read_t *read)
{
    weir_policy_eval_t             ev;
    weir_policy_value_t            value;
    const weir_policy_rec_t       *rec;
    const weir_policy_attr_rec_t  *attr;
    const weir_policy_value_t     *v;

    rec = weir_policy_at(image, image->policies.off);
    rec += policy;

    memset(read, 0, sizeof(weir_policy_read_t));
    memset(&value, 0, sizeof(weir_policy_value_t));

    ev.image = image;
    ev.rec = rec;
    ev.attrs = weir_policy_at(image, rec->attrs.off);
    ev.r = r;
    ev.what = NULL;
    ev.known = 0;

    attr = &ev.attrs[i];

    switch (attr->kind) {

    case WEIR_POLICY_A_PATH:
    case WEIR_POLICY_A_REQUEST_PATH:
    case WEIR_POLICY_A_METHOD:
    case WEIR_POLICY_A_HOST:
    case WEIR_POLICY_A_SOURCE_IP:
    case WEIR_POLICY_A_REQUEST_TIME:
        return WEIR_DECLINED;

    case WEIR_POLICY_A_CLAIM:
        read->kind = WEIR_POLICY_READ_CLAIM;
        read->name = weir_policy_text(image, attr->name);
        read->personal = weir_str_eq(read->name, weir_str("sub"));
        break;

    case WEIR_POLICY_A_HEADER:
        read->kind = WEIR_POLICY_READ_HEADER;
        read->name = weir_policy_text(image, attr->name);
        break;

    case WEIR_POLICY_A_QUERY:
        read->kind = WEIR_POLICY_READ_QUERY;
        read->name = weir_policy_text(image, attr->name);
        break;

    case WEIR_POLICY_A_SUBJECT:
    case WEIR_POLICY_A_PRINCIPAL:
        read->personal = 1;
        /* fall through */

    default:
        read->kind = WEIR_POLICY_READ_WORD;
        read->name = weir_policy_read_word(attr->kind);
    }

    v = weir_policy_attr_value(&ev, i, &value);

    read->state = v->state;

    switch (attr->type) {

    case WEIR_POLICY_T_BOOL:
    case WEIR_POLICY_T_INT:
        read->type = attr->type == WEIR_POLICY_T_BOOL ? WEIR_POLICY_READ_BOOL
                                                      : WEIR_POLICY_READ_INT;
        read->number = v->number;
        break;

    case WEIR_POLICY_T_IP:
        read->type = WEIR_POLICY_READ_ADDR;
        read->addr = v->addr;
        break;

    case WEIR_POLICY_T_SET:

        if (v->set != NULL) {
            read->type = WEIR_POLICY_READ_SET;
            read->set = v->set;
            read->nitems = v->set->value_len;
            break;
        }

        /* "scope" may be one string */

        /* fall through */

    default:
        read->type = WEIR_POLICY_READ_STRING;
        read->string = v->string;
    }

    return WEIR_OK;
}


weir_str_t
weir_policy_read_item(const weir_policy_request_t *r,
    const weir_policy_read_t *read, uint32_t i)
{
    return weir_claims_item(r->claims, read->set, i);
}


size_t
weir_policy_read_name(const weir_policy_read_t *read, uint8_t *dst,
    size_t size)
{
    int         id;
    size_t      i, k, len;
    uint8_t     c;
    weir_str_t  parts[3];

    static const char  *open[] = { "", "claim[\"", "header(\"", "query(\"" };
    static const char  *close[] = { "", "\"]", "\")", "\")" };

    id = read->kind == WEIR_POLICY_READ_CLAIM && weir_policy_is_id(read->name);

    parts[0] = id ? weir_str("claim.") : weir_cstr(open[read->kind]);
    parts[1] = read->name;
    parts[2] = id ? weir_str("") : weir_cstr(close[read->kind]);

    for (i = 0, len = 0; i < 3; i++) {
        for (k = 0; k < parts[i].len; k++) {
            c = parts[i].data[k];

            if (len < size) {
                dst[len] = c == '\0' ? '.' : c;
            }

            len++;
        }
    }

    return len;
}


/* Members joined by NUL, each of which is an ID. */

static int
weir_policy_is_id(weir_str_t s)
{
    int      first, letter;
    size_t   i;
    uint8_t  c;

    first = 1;

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (c == '\0') {

            if (first) {
                return 0;
            }

            first = 1;
            continue;
        }

        if (!letter && (first || !((c >= '0' && c <= '9') || c == '-'))) {
            return 0;
        }

        first = 0;
    }

    return !first;
}


int
weir_policy_next_subject(const weir_policy_image_t *image, uint32_t policy,
    uint32_t *from, weir_str_t *subject)
{
    uint32_t                        i;
    const weir_policy_rec_t        *rec;
    const weir_policy_princ_rec_t  *princs;

    rec = weir_policy_at(image, image->policies.off);
    rec += policy;

    princs = weir_policy_at(image, rec->princs.off);

    for (i = *from; i < rec->princs.n; i++) {
        if (princs[i].kind == WEIR_POLICY_P_SUBJECT) {
            *subject = weir_policy_text(image, princs[i].subject);
            *from = i + 1;
            return WEIR_OK;
        }
    }

    return WEIR_DECLINED;
}


static weir_str_t
weir_policy_read_word(uint32_t kind)
{
    switch (kind) {

    case WEIR_POLICY_A_SOURCE_PEER:
        return weir_str("source.peer");

    case WEIR_POLICY_A_SCHEME:
        return weir_str("request.scheme");

    case WEIR_POLICY_A_KIND:
        return weir_str("identity.kind");

    case WEIR_POLICY_A_ISSUER:
        return weir_str("identity.issuer");

    case WEIR_POLICY_A_SUBJECT:
        return weir_str("identity.subject");

    case WEIR_POLICY_A_PRINCIPAL:
        return weir_str("identity.principal");

    case WEIR_POLICY_A_SPIFFE:
        return weir_str("identity.spiffe");

    case WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_VERSION:
        return weir_str("tls.version");

    case WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_CIPHER:
        return weir_str("tls.cipher");

    case WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_SNI:
        return weir_str("tls.sni");

    case WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_FINGERPRINT:
        return weir_str("tls.fingerprint");

    default: /* WEIR_POLICY_A_TLS + WEIR_POLICY_TLS_SPIFFE */
        return weir_str("tls.spiffe");
    }
}
