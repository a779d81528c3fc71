
/*
 * Weir: Sentinels and clusters: who is to be asked.
 */

#include "weir_resp_store.h"


static int weir_resp_host(weir_str_t s);
static int weir_resp_port(weir_str_t s, uint16_t *port);


weir_resp_error_e
weir_resp_sentinel_master(const weir_resp_t *reply, weir_resp_host_t *host)
{
    const weir_resp_t *v = reply->items;

    if (reply->type == WEIR_RESP_NIL) {
        return WEIR_RESP_E_MISSING;
    }

    if (reply->type == WEIR_RESP_ERROR) {
        return weir_resp_error(reply);
    }

    if (reply->type != WEIR_RESP_ARRAY || reply->n != 2
        || v[0].type != WEIR_RESP_STRING || v[1].type != WEIR_RESP_STRING
        || v[0].text.len == 0 || !weir_resp_host(v[0].text)
        || weir_resp_port(v[1].text, &host->port) != WEIR_OK)
    {
        return WEIR_RESP_E_SHAPE;
    }

    host->host = v[0].text;

    return WEIR_RESP_E_NONE;
}


/*
 * 1: a name or an address, or nothing.  What others call a host ends in logs
 * and on terminals.
 */

static int
weir_resp_host(weir_str_t s)
{
    size_t   i;
    uint8_t  c;

    if (s.len > WEIR_RESP_HOST_MAX) {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
            && (c < '0' || c > ':') && c != '.' && c != '-' && c != '_')
        {
            return 0;
        }
    }

    return 1;
}


static int
weir_resp_port(weir_str_t s, uint16_t *port)
{
    size_t    i;
    uint32_t  n;

    if (s.len == 0 || s.len > 5) {
        return WEIR_ERROR;
    }

    for (i = 0, n = 0; i < s.len; i++) {

        if (s.data[i] < '0' || s.data[i] > '9') {
            return WEIR_ERROR;
        }

        n = n * 10 + (uint32_t) (s.data[i] - '0');
    }

    if (n == 0 || n > 65535) {
        return WEIR_ERROR;
    }

    *port = (uint16_t) n;

    return WEIR_OK;
}


/* Polynomial 0x1021, begins with 0 (the cluster specification, appendix A). */

uint16_t
weir_resp_crc16(weir_str_t s)
{
    size_t    i;
    unsigned  bit, crc;

    crc = 0;

    for (i = 0; i < s.len; i++) {
        crc ^= (unsigned) s.data[i] << 8;

        for (bit = 0; bit < 8; bit++) {
            crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
        }

        crc &= 0xffff;
    }

    return (uint16_t) crc;
}


unsigned
weir_resp_slot(weir_str_t key)
{
    weir_str_t      tag;
    const uint8_t  *open, *close, *last;

    last = key.data + key.len;
    open = key.len ? memchr(key.data, '{', key.len) : NULL;

    if (open != NULL) {
        close = memchr(open + 1, '}', (size_t) (last - open - 1));

        if (close != NULL && close != open + 1) {
            tag.data = open + 1;
            tag.len = (size_t) (close - tag.data);

            return weir_resp_crc16(tag) % WEIR_RESP_SLOTS;
        }
    }

    return weir_resp_crc16(key) % WEIR_RESP_SLOTS;
}


int
weir_resp_redirect(weir_str_t text, unsigned *slot, weir_resp_host_t *host)
{
    size_t      i;
    unsigned    n;
    weir_str_t  port;

    i = 0;

    while (i < text.len && text.data[i] != ' ') {
        i++;
    }

    for (i++, n = 0; i < text.len && text.data[i] != ' '; i++) {

        if (text.data[i] < '0' || text.data[i] > '9' || n > WEIR_RESP_SLOTS) {
            return WEIR_ERROR;
        }

        n = n * 10 + (unsigned) (text.data[i] - '0');
    }

    if (i >= text.len || text.data[i - 1] == ' ' || n >= WEIR_RESP_SLOTS) {
        return WEIR_ERROR;
    }

    host->host.data = text.data + i + 1;
    host->host.len = text.len - i - 1;

    /* the last colon: an address of IPv6 has no brackets here */

    for (i = host->host.len; i > 0 && host->host.data[i - 1] != ':'; i--) {
        /* void */
    }

    if (i == 0) {
        return WEIR_ERROR;
    }

    port.data = host->host.data + i;
    port.len = host->host.len - i;
    host->host.len = i - 1;
    *slot = n;

    if (!weir_resp_host(host->host)) {
        return WEIR_ERROR;
    }

    return weir_resp_port(port, &host->port);
}


weir_resp_error_e
weir_resp_cluster_slots(const weir_resp_t *reply, unsigned slot,
    weir_resp_host_t *host)
{
    uint32_t            i;
    const weir_resp_t  *v, *node;

    if (reply->type == WEIR_RESP_ERROR) {
        return weir_resp_error(reply);
    }

    if (reply->type != WEIR_RESP_ARRAY) {
        return WEIR_RESP_E_SHAPE;
    }

    for (i = 0; i < reply->n; i++) {
        v = reply->items[i].items;

        if (reply->items[i].type != WEIR_RESP_ARRAY
            || reply->items[i].n < 3 || v[0].type != WEIR_RESP_INTEGER
            || v[1].type != WEIR_RESP_INTEGER
            || v[2].type != WEIR_RESP_ARRAY || v[2].n < 2)
        {
            return WEIR_RESP_E_SHAPE;
        }

        if ((int64_t) slot < v[0].integer || (int64_t) slot > v[1].integer) {
            continue;
        }

        node = v[2].items;

        if ((node[0].type != WEIR_RESP_STRING
             && node[0].type != WEIR_RESP_NIL)
            || node[1].type != WEIR_RESP_INTEGER || node[1].integer < 1
            || node[1].integer > 65535)
        {
            return WEIR_RESP_E_SHAPE;
        }

        host->host = node[0].text;
        host->port = (uint16_t) node[1].integer;

        if (weir_str_eq(host->host, weir_str("?"))) {
            host->host.len = 0;
        }

        if (!weir_resp_host(host->host)) {
            return WEIR_RESP_E_SHAPE;
        }

        return WEIR_RESP_E_NONE;
    }

    return WEIR_RESP_E_MISSING;
}
